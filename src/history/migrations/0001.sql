-- The first schema. docs/history.md explains every column; keep the two together.
--
-- Times are UTC, RFC 3339 with exactly three digits of milliseconds and a "Z", so
-- that text order is time order. Flags are 0 or 1. Ids are never used twice
-- (AUTOINCREMENT), so that an id in an old mail never names another execution.

CREATE TABLE plan_execution (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    plan             TEXT NOT NULL,
    plan_file        TEXT NOT NULL,
    process          TEXT NOT NULL,
    dpbackup_version TEXT NOT NULL,
    window_ignored   INTEGER NOT NULL CHECK (window_ignored IN (0, 1)),
    start_time       TEXT NOT NULL,
    status           TEXT NOT NULL,
    status_time      TEXT NOT NULL,
    end_time         TEXT,
    error_message    TEXT,
    devices          INTEGER NOT NULL DEFAULT 0,
    domains          INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX plan_execution_by_start ON plan_execution (start_time);
CREATE INDEX plan_execution_by_plan ON plan_execution (plan, start_time);
CREATE INDEX plan_execution_by_status ON plan_execution (status, start_time);
CREATE INDEX plan_execution_open ON plan_execution (id) WHERE end_time IS NULL;

-- The devices that a plan execution was to back up, each once.
CREATE TABLE plan_execution_device (
    device_name       TEXT NOT NULL,
    start_time        TEXT NOT NULL,
    plan_execution_id INTEGER NOT NULL REFERENCES plan_execution (id),
    PRIMARY KEY (device_name, start_time, plan_execution_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE activity_execution (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    plan_execution_id INTEGER NOT NULL REFERENCES plan_execution (id),
    action            TEXT NOT NULL,
    device_pattern    TEXT NOT NULL,
    domain_pattern    TEXT NOT NULL,
    quiesce           INTEGER NOT NULL CHECK (quiesce IN (0, 1)),
    start_time        TEXT NOT NULL,
    status            TEXT NOT NULL,
    status_time       TEXT NOT NULL,
    end_time          TEXT
) STRICT;

CREATE INDEX activity_execution_by_plan ON activity_execution (plan_execution_id);

CREATE TABLE task_execution (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    plan_execution_id     INTEGER NOT NULL REFERENCES plan_execution (id),
    activity_execution_id INTEGER NOT NULL REFERENCES activity_execution (id),
    action                TEXT NOT NULL,
    device_name           TEXT NOT NULL,
    domain_name           TEXT NOT NULL,
    start_time            TEXT NOT NULL,
    status                TEXT NOT NULL,
    status_time           TEXT NOT NULL,
    end_time              TEXT,
    error_message         TEXT,
    firmware_version      TEXT,
    build                 TEXT,
    build_date            TEXT,
    serial                TEXT,
    machine_type          TEXT,
    model_type            TEXT,
    tls_trust             TEXT,
    unsaved_changes       INTEGER CHECK (unsaved_changes IN (0, 1))
) STRICT;

CREATE INDEX task_execution_by_activity ON task_execution (activity_execution_id);
CREATE INDEX task_execution_by_status
    ON task_execution (plan_execution_id, activity_execution_id, status);
CREATE INDEX task_execution_by_domain
    ON task_execution (plan_execution_id, device_name, domain_name, action);
CREATE INDEX task_execution_by_device ON task_execution (device_name);
CREATE INDEX task_execution_open ON task_execution (plan_execution_id) WHERE end_time IS NULL;

-- Every status an execution has had. `level` is 'plan', 'activity' or 'task'.
CREATE TABLE status_change (
    id           INTEGER PRIMARY KEY,
    level        TEXT NOT NULL CHECK (level IN ('plan', 'activity', 'task')),
    execution_id INTEGER NOT NULL,
    status       TEXT NOT NULL,
    time         TEXT NOT NULL
) STRICT;

CREATE INDEX status_change_by_execution ON status_change (level, execution_id);

-- Files that were downloaded and verified.
CREATE TABLE file (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    task_execution_id INTEGER NOT NULL REFERENCES task_execution (id),
    name              TEXT NOT NULL,
    kind              TEXT NOT NULL,
    path              TEXT NOT NULL,
    kept              INTEGER NOT NULL CHECK (kept IN (0, 1)),
    size              INTEGER NOT NULL CHECK (size >= 0),
    sha256            TEXT NOT NULL,
    entries           INTEGER,
    objects           INTEGER,
    content           TEXT,
    unchanged_since   INTEGER REFERENCES task_execution (id),
    time              TEXT NOT NULL,
    pruned_time       TEXT
) STRICT;

CREATE INDEX file_by_task ON file (task_execution_id);
-- What stands in the store, by what it says: where the content of a file that was not
-- kept is to be found.
CREATE INDEX file_kept_by_content ON file (content)
    WHERE kept = 1 AND pruned_time IS NULL;

-- Files that could not be had: the D/L errors.
CREATE TABLE failed_file (
    id                INTEGER PRIMARY KEY,
    task_execution_id INTEGER NOT NULL REFERENCES task_execution (id),
    name              TEXT NOT NULL,
    error_message     TEXT NOT NULL,
    time              TEXT NOT NULL
) STRICT;

CREATE INDEX failed_file_by_task ON failed_file (task_execution_id);

-- Runs of scripts. Exactly one of the two ids is set.
CREATE TABLE script_run (
    id                INTEGER PRIMARY KEY,
    plan_execution_id INTEGER REFERENCES plan_execution (id),
    task_execution_id INTEGER REFERENCES task_execution (id),
    moment            TEXT NOT NULL CHECK (moment IN ('PRE', 'POST')),
    path              TEXT NOT NULL,
    arguments         TEXT NOT NULL CHECK (json_valid(arguments)),
    start_time        TEXT NOT NULL,
    duration_ms       INTEGER NOT NULL,
    result            TEXT NOT NULL
        CHECK (result IN ('CODE', 'SIGNAL', 'TIMED_OUT', 'INTERRUPTED', 'NOT_STARTED')),
    return_code       INTEGER,
    signal            INTEGER,
    timeout_ms        INTEGER,
    start_error       TEXT,
    output            TEXT NOT NULL,
    output_bytes      INTEGER NOT NULL,
    CHECK ((plan_execution_id IS NULL) <> (task_execution_id IS NULL))
) STRICT;

CREATE INDEX script_run_by_plan ON script_run (plan_execution_id)
    WHERE plan_execution_id IS NOT NULL;
CREATE INDEX script_run_by_task ON script_run (task_execution_id)
    WHERE task_execution_id IS NOT NULL;

-- Notes and warnings. Exactly one of the two ids is set.
CREATE TABLE note (
    id                INTEGER PRIMARY KEY,
    plan_execution_id INTEGER REFERENCES plan_execution (id),
    task_execution_id INTEGER REFERENCES task_execution (id),
    level             TEXT NOT NULL CHECK (level IN ('NOTE', 'WARNING', 'STILL_QUIESCED')),
    message           TEXT NOT NULL,
    time              TEXT NOT NULL,
    CHECK ((plan_execution_id IS NULL) <> (task_execution_id IS NULL))
) STRICT;

CREATE INDEX note_by_plan ON note (plan_execution_id) WHERE plan_execution_id IS NOT NULL;
CREATE INDEX note_by_task ON note (task_execution_id) WHERE task_execution_id IS NOT NULL;

-- What must be undone on a device. An open row has no closed_time.
CREATE TABLE journal (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    task_execution_id INTEGER NOT NULL REFERENCES task_execution (id),
    device_name       TEXT NOT NULL,
    undo              TEXT NOT NULL
        CHECK (undo IN ('UNQUIESCE_DEVICE', 'UNQUIESCE_DOMAIN', 'REMOVE_FOLDER')),
    argument          TEXT,
    process           TEXT NOT NULL,
    opened_time       TEXT NOT NULL,
    closed_time       TEXT,
    closed_how        TEXT
) STRICT;

CREATE INDEX journal_open ON journal (id) WHERE closed_time IS NULL;
CREATE INDEX journal_by_task ON journal (task_execution_id);

-- Everything that was ever to be backed up, one row each, with how it stands now.
-- It repeats what the executions say, in the same transaction, so that "how old is
-- the last good backup?" does not read a million of them.
CREATE TABLE backup_target (
    device_name            TEXT NOT NULL,
    domain_name            TEXT NOT NULL,
    kind                   TEXT NOT NULL,
    last_task_execution_id INTEGER NOT NULL REFERENCES task_execution (id),
    good_task_execution_id INTEGER REFERENCES task_execution (id),
    good_time              TEXT,
    good_size              INTEGER,
    content                TEXT,
    content_since          INTEGER REFERENCES task_execution (id),
    PRIMARY KEY (device_name, domain_name, kind)
) STRICT, WITHOUT ROWID;
