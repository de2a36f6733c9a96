-- The newest executions are those that were written last, whatever the clock said: one that was in
-- the future is not the newest for years. These lead to them in that order; those by time stay for
-- whoever asks since when.
CREATE INDEX plan_execution_of_plan ON plan_execution (plan);
CREATE INDEX plan_execution_of_status ON plan_execution (status);
CREATE INDEX plan_execution_device_by_id ON plan_execution_device (device_name, plan_execution_id);
