-- Whom a row of the journal is about, and what became known since it was written: a name may
-- lead to another device later, and what was seen need not be waited for again.
ALTER TABLE journal ADD COLUMN host TEXT;
ALTER TABLE journal ADD COLUMN port INTEGER;
ALTER TABLE journal ADD COLUMN serial TEXT;
ALTER TABLE journal ADD COLUMN reply TEXT CHECK (reply IN ('ACCEPTED', 'UNCLEAR', 'NONE'));
ALTER TABLE journal ADD COLUMN seen_time TEXT;
ALTER TABLE journal ADD COLUMN sent_time TEXT;
