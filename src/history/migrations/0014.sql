-- How old a row of the journal is, by a time that nobody sets: boots of machines in which the row is known to have
-- stood, each with the milliseconds that the machine had been up by then (a JSON object). Older rows know none.
ALTER TABLE journal ADD COLUMN stood TEXT CHECK (stood IS NULL OR json_valid(stood));
