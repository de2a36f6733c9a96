-- A row of the journal is closed at a time; anything else that stands there, nothing at all among it, closes none.
DROP INDEX journal_open;

CREATE INDEX journal_open ON journal (id)
    WHERE closed_time IS NULL OR closed_time NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9]*';
