-- Somebody who was not told as they should have been: who, of which event, and of which execution. Whether somebody was
-- told is decided by these columns. The sentences of older versions are read here, and nowhere else.
ALTER TABLE note ADD COLUMN receiver TEXT;
ALTER TABLE note ADD COLUMN missed_event TEXT;
ALTER TABLE note ADD COLUMN missed_plan_execution_id INTEGER REFERENCES plan_execution (id);
CREATE INDEX note_by_missed ON note (missed_plan_execution_id) WHERE missed_plan_execution_id IS NOT NULL;

-- `notification by webhook NAME failed …`, `notification by email (PLACE) was not taken for all: …`, `notification by
-- syslog: 2 before the last were left out`. A name has no blank in it.
UPDATE note SET receiver = rtrim(
    CASE WHEN message GLOB 'notification by webhook *'
        THEN 'webhook ' || substr(message, 25, instr(substr(message, 25) || ' ', ' ') - 1)
        ELSE substr(message, 17, instr(substr(message, 17) || ' ', ' ') - 1)
    END, ':')
WHERE level = 'WARNING' AND message GLOB 'notification by *';

-- Which message that was, stands at the end or behind the name. Version 0.1.0 did not say it: there it is taken for the
-- end of the plan, for what is told twice is better than what is never told.
UPDATE note SET missed_event =
    CASE
        WHEN message GLOB 'notification by ' || receiver || ' failed for `changed`*' THEN 'changed'
        WHEN message GLOB 'notification by ' || receiver || ' failed for `unsaved`*' THEN 'unsaved'
        WHEN message GLOB '*; the message was `started`' THEN 'started'
        WHEN message GLOB '*; the message was `task-failed`' THEN 'task-failed'
        WHEN message GLOB '*; the message was `succeeded`' THEN 'succeeded'
        WHEN message GLOB '*; the message was `warned`' THEN 'warned'
        WHEN message GLOB '*; the message was `failed`' THEN 'failed'
        WHEN message GLOB '*; the message was `refused`' THEN 'refused'
        WHEN message GLOB '*; the message was `still-quiesced`' THEN 'still-quiesced'
        WHEN message GLOB '*; the message was `recovered`' THEN 'recovered'
        WHEN message GLOB '*; the message was `rehearsal-failed`' THEN 'rehearsal-failed'
        ELSE CASE (SELECT status FROM plan_execution AS p WHERE p.id = note.plan_execution_id)
            WHEN 'SUCCESS' THEN 'succeeded'
            WHEN 'COMPLETED_WITH_WARNINGS' THEN 'warned'
            WHEN 'FAILED' THEN 'failed'
            WHEN 'INTERRUPTED' THEN 'failed'
            WHEN 'ABANDONED' THEN 'failed'
            ELSE 'refused'
        END
    END
WHERE receiver <> 'metrics' AND message GLOB 'notification by ' || receiver || ' failed*';

UPDATE note SET missed_plan_execution_id = coalesce(
    plan_execution_id,
    (SELECT t.plan_execution_id FROM task_execution AS t WHERE t.id = note.task_execution_id))
WHERE missed_event IS NOT NULL;
