-- The comparisons that found more changes than are recorded, which are few, are found without a look at each file.
CREATE INDEX file_with_more_changes ON file (task_execution_id) WHERE changes > 1000;
