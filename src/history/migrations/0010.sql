-- Rehearsals: what a spare device answered to a dry run of a backup, and whether it was left as it was.
-- A row without an end is of a process that is at work, or of one that died before it knew.
CREATE TABLE rehearsal (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    task_execution_id INTEGER NOT NULL REFERENCES task_execution (id),
    spare_name        TEXT NOT NULL,
    firmware_version  TEXT,
    serial            TEXT,
    process           TEXT NOT NULL,
    start_time        TEXT NOT NULL,
    end_time          TEXT,
    verdict           TEXT CHECK (verdict IN ('WOULD_WORK', 'WOULD_FAIL', 'NOT_KNOWN')),
    proof             TEXT CHECK (proof IN ('NOT_SENT', 'UNCHANGED', 'CHANGED', 'NOT_KNOWN')),
    refused           TEXT CHECK (refused IS NULL OR json_valid(refused)),
    missing_keys      TEXT CHECK (missing_keys IS NULL OR json_valid(missing_keys)),
    message           TEXT,
    CHECK ((end_time IS NULL) = (verdict IS NULL)),
    CHECK ((end_time IS NULL) = (proof IS NULL))
) STRICT;

CREATE INDEX rehearsal_by_task ON rehearsal (task_execution_id);
