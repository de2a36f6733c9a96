-- The domains that stood in what was quiesced (a JSON array): each of them must be seen back, also by a start
-- after the process has died. Older rows do not know them.
ALTER TABLE journal ADD COLUMN domains TEXT CHECK (domains IS NULL OR json_valid(domains));
