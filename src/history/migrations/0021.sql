-- The network address that answered at the host and port of a row of the journal when it was written: one name may lead to
-- several devices, and a serial number that many have tells none of them apart. Rows of old have none.
ALTER TABLE journal ADD COLUMN peer TEXT;
