-- Who closed a row of the journal: a run that undoes what it did, or a later command that undoes what a run that
-- died had left, and of which execution that command was, if of any. Older rows do not know it.
ALTER TABLE journal ADD COLUMN closed_process TEXT;
ALTER TABLE journal ADD COLUMN closed_plan_execution_id INTEGER REFERENCES plan_execution (id);

CREATE INDEX journal_closed_by_others ON journal (id) WHERE closed_process <> process;
