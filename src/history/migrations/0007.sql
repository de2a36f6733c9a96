-- What changed from one export to the next of the same device, domain and kind, as `diff` has it. It
-- stays when the exports are pruned. Of one comparison the first thousand changes are kept;
-- file.changes has how many there were. Ids grow with time, whatever the clock says.
CREATE TABLE config_change (
    id                INTEGER PRIMARY KEY,
    task_execution_id INTEGER NOT NULL REFERENCES task_execution (id),
    kind              TEXT NOT NULL,
    device_name       TEXT NOT NULL,
    domain_name       TEXT NOT NULL,
    piece             TEXT NOT NULL CHECK (piece IN ('OBJECT', 'FILE', 'DOMAIN')),
    class             TEXT,
    name              TEXT NOT NULL,
    change            TEXT NOT NULL CHECK (change IN ('Added', 'Removed', 'Changed')),
    description       TEXT NOT NULL,
    time              TEXT NOT NULL
) STRICT;

CREATE INDEX config_change_by_task ON config_change (task_execution_id);
CREATE INDEX config_change_by_place ON config_change (device_name, domain_name);
CREATE INDEX config_change_by_class ON config_change (class) WHERE class IS NOT NULL;
CREATE INDEX config_change_by_name ON config_change (name);
CREATE INDEX config_change_by_time ON config_change (time);

-- What of the running configuration was not saved when a task looked; the first thousand of them.
CREATE TABLE unsaved_change (
    id                INTEGER PRIMARY KEY,
    task_execution_id INTEGER NOT NULL REFERENCES task_execution (id),
    domain_name       TEXT NOT NULL,
    piece             TEXT NOT NULL CHECK (piece IN ('OBJECT', 'FILE', 'DOMAIN')),
    class             TEXT,
    name              TEXT NOT NULL,
    change            TEXT NOT NULL CHECK (change IN ('Added', 'Removed', 'Changed')),
    description       TEXT NOT NULL
) STRICT;

CREATE INDEX unsaved_change_by_task ON unsaved_change (task_execution_id);

-- How many changes there were against the export before; empty where there was none before, or
-- where it is not known.
ALTER TABLE file ADD COLUMN changes INTEGER;
-- How many objects and files were not saved; empty where it is not known.
ALTER TABLE task_execution ADD COLUMN unsaved_objects INTEGER;
