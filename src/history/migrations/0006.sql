-- What a file was verified by, and what a restore needs that is not in it (a JSON object). What was recorded
-- before knew the first in words only, and not the second.
ALTER TABLE file ADD COLUMN proof TEXT NOT NULL DEFAULT 'WHOLE'
    CHECK (proof IN ('WHOLE', 'SIZE_ONLY', 'NAME_ONLY'));
ALTER TABLE file ADD COLUMN lacks TEXT CHECK (lacks IS NULL OR json_valid(lacks));

UPDATE file SET proof = 'SIZE_ONLY' WHERE kind = 'secure-backup' AND EXISTS (
    SELECT 1 FROM note AS n WHERE n.task_execution_id = file.task_execution_id
        AND n.message = '"' || file.name || '" has a checksum of no known kind: nothing but its size was compared');
-- A row without a checksum had a size or had none: the words are the same, and the weaker one is certain.
UPDATE file SET proof = 'NAME_ONLY' WHERE kind = 'secure-backup' AND EXISTS (
    SELECT 1 FROM note AS n WHERE n.task_execution_id = file.task_execution_id
        AND n.message IN ('"' || file.name || '" is listed without a checksum',
            '"' || file.name || '" is listed without a size, and with a checksum of no known kind'));
