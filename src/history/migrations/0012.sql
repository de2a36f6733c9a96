-- Restores: an import that may be half done stands in the journal, with the task that took what was there
-- before it. The words that a row may have are part of the table, so that it is made anew.
CREATE TABLE journal_with_imports (
    id                       INTEGER PRIMARY KEY AUTOINCREMENT,
    task_execution_id        INTEGER NOT NULL REFERENCES task_execution (id),
    device_name              TEXT NOT NULL,
    undo                     TEXT NOT NULL
        CHECK (undo IN ('UNQUIESCE_DEVICE', 'UNQUIESCE_DOMAIN', 'REMOVE_FOLDER', 'IMPORT')),
    argument                 TEXT,
    process                  TEXT NOT NULL,
    opened_time              TEXT NOT NULL,
    closed_time              TEXT,
    closed_how               TEXT,
    host                     TEXT,
    port                     INTEGER,
    serial                   TEXT,
    reply                    TEXT CHECK (reply IN ('ACCEPTED', 'UNCLEAR', 'NONE')),
    seen_time                TEXT,
    sent_time                TEXT,
    before_task_execution_id INTEGER REFERENCES task_execution (id)
) STRICT;

INSERT INTO journal_with_imports
SELECT id, task_execution_id, device_name, undo, argument, process, opened_time, closed_time, closed_how,
       host, port, serial, reply, seen_time, sent_time, NULL
FROM journal;

DROP TABLE journal;

ALTER TABLE journal_with_imports RENAME TO journal;

CREATE INDEX journal_open ON journal (id) WHERE closed_time IS NULL;
CREATE INDEX journal_by_task ON journal (task_execution_id);
