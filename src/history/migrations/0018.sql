-- How long an execution took, by a clock that nobody sets. Rows of older versions have none: of them the times of day
-- are all that is known.
ALTER TABLE plan_execution ADD COLUMN took_ms INTEGER CHECK (took_ms >= 0);
ALTER TABLE task_execution ADD COLUMN took_ms INTEGER CHECK (took_ms >= 0);
