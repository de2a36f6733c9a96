-- How long a device or domain was out of service for a task. What was recorded before does not tell;
-- a task whose quiesce was sent and whose end nobody saw has no time.
ALTER TABLE task_execution ADD COLUMN quiesced INTEGER CHECK (quiesced IN (0, 1));
ALTER TABLE task_execution ADD COLUMN out_of_service_ms INTEGER CHECK (out_of_service_ms >= 0);
