//! What is asked of the file about what is stored.

use crate::history::query::each_once_sql;
use crate::history::view::filter::FileFilter;
use crate::run::event::Owner;

pub(super) const FILE_COLUMNS: &str = "SELECT f.*, t.device_name, t.domain_name
     FROM task_execution AS t JOIN file AS f ON f.task_execution_id = t.id";

/// What should stand in the store now.
const IN_STORE: &str = "f.kept = 1 AND f.pruned_time IS NULL";

pub(in crate::history) fn files_sql() -> String {
    format!("{FILE_COLUMNS} WHERE t.id = ?1 ORDER BY f.id")
}

pub(in crate::history) fn stored_files_sql(filter: &FileFilter) -> String {
    let which = match filter {
        FileFilter::All => "?1 IS NULL",
        FileFilter::Device(_) => "t.device_name = ?1",
    };
    format!("{FILE_COLUMNS} WHERE {which} AND {IN_STORE} ORDER BY f.id")
}

/// Files of one content that should stand in the store now, newest first: the tasks of the
/// domain, from the last one back.
pub(in crate::history) const KEPT_WITH_CONTENT: &str = "SELECT f.*, t.device_name, t.domain_name
     FROM task_execution AS t CROSS JOIN file AS f ON f.task_execution_id = t.id
     WHERE t.device_name = ?2 AND t.domain_name = ?3
       AND f.content = ?1 AND f.kind = ?4 AND f.kept = 1 AND f.pruned_time IS NULL
     ORDER BY t.id DESC, f.id DESC LIMIT 16";

/// The same, the one first that may stand for a file of a task which has none: one that nobody found damaged, of a plan before one
/// that a restore took for itself, and the oldest: the choice stays what it is while restores of it are shown.
pub(in crate::history) const STANDS_IN: &str = "SELECT f.*, t.device_name, t.domain_name
     FROM task_execution AS t CROSS JOIN file AS f ON f.task_execution_id = t.id
         CROSS JOIN plan_execution AS p ON p.id = t.plan_execution_id
     WHERE t.device_name = ?2 AND t.domain_name = ?3
       AND f.content = ?1 AND f.kind = ?4 AND f.kept = 1 AND f.pruned_time IS NULL
     ORDER BY f.damage IS NOT NULL, p.plan LIKE ?5, t.id, f.id LIMIT 16";

pub(in crate::history) const PRUNABLE_FILES: &str =
    "SELECT f.*, t.device_name, t.domain_name, t.end_time AS task_end, t.status AS task_status, p.plan,
         EXISTS (SELECT 1 FROM activity_execution AS a JOIN task_execution AS r ON r.activity_execution_id = a.id
                     JOIN journal AS j ON j.task_execution_id = r.id
                 WHERE a.plan_execution_id = p.id AND a.action = 'RESTORE_DOMAIN' AND r.id > t.id) AS is_before_import
     FROM task_execution AS t JOIN file AS f ON f.task_execution_id = t.id
         JOIN plan_execution AS p ON p.id = t.plan_execution_id
     WHERE t.device_name = ?1 AND f.pruned_time IS NULL ORDER BY f.id";

/// A file, or the files of a folder: what sorts from its `/` up to the character behind it.
pub(in crate::history) fn files_at_sql() -> String {
    format!("{FILE_COLUMNS} WHERE f.path = ?1 OR (f.path >= ?1 || '/' AND f.path < ?1 || '0') ORDER BY f.id")
}

/// Where files were ever recorded.
pub(in crate::history) const PLACES: &str = "SELECT path, store FROM file";

/// The same in a folder, as above.
pub(in crate::history) const PLACES_BELOW: &str =
    "SELECT path, store FROM file AS f WHERE f.path >= ?1 || '/' AND f.path < ?1 || '0'";

/// Exports of a name, in whatever folder. No index has the ends of paths.
pub(in crate::history) const EXPORTS_NAMED: &str = "SELECT path, store FROM file AS f
     WHERE (f.path = ?1 OR substr(f.path, -length(?1) - 1) = '/' || ?1)
       AND f.kind <> ?2 AND f.kept = 1 AND f.pruned_time IS NULL";

pub(in crate::history) const FAILED_FILES: &str =
    "SELECT * FROM failed_file WHERE task_execution_id = ?1 ORDER BY id";

pub(in crate::history) const TASK_STATUS_CHANGES: &str =
    "SELECT status, time FROM status_change WHERE level = 'task' AND execution_id = ?1 ORDER BY id";

/// The files of the newest good backup of each target.
pub(in crate::history) const GOOD_FILES: &str = "SELECT f.*, b.device_name, b.domain_name
     FROM backup_target AS b CROSS JOIN file AS f
         ON f.task_execution_id = b.good_task_execution_id AND f.kind = b.kind
     ORDER BY b.device_name, b.domain_name, b.kind, f.id";

/// The same of one device.
pub(in crate::history) const GOOD_FILES_OF_DEVICE: &str = "SELECT f.*, b.device_name, b.domain_name
     FROM backup_target AS b CROSS JOIN file AS f
         ON f.task_execution_id = b.good_task_execution_id AND f.kind = b.kind
     WHERE b.device_name = ?1
     ORDER BY b.domain_name, b.kind, f.id";

/// The files of the newest good backup of a target before a task.
pub(in crate::history) const GOOD_FILES_BEFORE: &str = "SELECT f.*, t.device_name, t.domain_name
     FROM file AS f JOIN task_execution AS t ON t.id = f.task_execution_id
     WHERE f.kind = ?3 AND f.task_execution_id = (
         SELECT t.id FROM task_execution AS t CROSS JOIN file AS f ON f.task_execution_id = t.id
         WHERE t.device_name = ?1 AND t.domain_name = ?2 AND t.id < ?4 AND t.status = ?5
             AND f.kind = ?3 AND f.pruned_time IS NULL
         ORDER BY t.id DESC LIMIT 1)
     ORDER BY f.id";

/// The same, as far as a plan made it: an export is one file.
pub(in crate::history) const GOOD_FILE_OF_PLAN_BEFORE: &str = "SELECT f.*, t.device_name, t.domain_name
     FROM task_execution AS t CROSS JOIN plan_execution AS p ON p.id = t.plan_execution_id
         CROSS JOIN file AS f ON f.task_execution_id = t.id
     WHERE t.device_name = ?1 AND t.domain_name = ?2 AND t.id < ?4 AND t.status = ?5
         AND f.kind = ?3 AND f.pruned_time IS NULL AND p.plan = ?6
     ORDER BY t.id DESC LIMIT 1";

/// Whether a row of what was to be backed up is a pattern: it is written as that of the activity which tried last, and
/// nothing was ever stored of it. Its letters alone do not tell, for a gateway may call a domain so.
macro_rules! is_pattern {
    () => {
        "(b.domain_name GLOB '*[*,]*' AND b.good_task_execution_id IS NULL AND EXISTS (
             SELECT 1 FROM task_execution AS o JOIN activity_execution AS a ON a.id = o.activity_execution_id
             WHERE o.id = b.last_task_execution_id AND a.domain_pattern = b.domain_name))"
    };
}

/// By place and not by name: a fleet has tens of thousands of them.
pub(in crate::history) const TARGETS: &str = concat!(
    "SELECT b.device_name, b.domain_name, b.kind, b.last_task_execution_id,
         t.status, t.status_time, b.good_task_execution_id, b.good_time, b.good_size, ",
    is_pattern!(),
    " FROM backup_target AS b CROSS JOIN task_execution AS t ON t.id = b.last_task_execution_id
     ORDER BY b.device_name, b.domain_name, b.kind"
);

/// The domains of a device that an export was ever to be made of, and patterns that none of them matched.
pub(in crate::history) const TARGETS_OF_DEVICE: &str = concat!(
    "SELECT b.domain_name, ",
    is_pattern!(),
    " FROM backup_target AS b WHERE b.device_name = ?1 AND b.kind = ?2 AND b.domain_name <> ?3"
);

pub(in crate::history) const TARGET_DOMAINS: &str = concat!(
    "SELECT DISTINCT b.domain_name FROM backup_target AS b WHERE NOT ",
    is_pattern!()
);

pub(in crate::history) fn target_devices_sql() -> String {
    each_once_sql("backup_target", "device_name", "true")
}

pub(in crate::history) const LONGEST_NAMES: &str =
    "SELECT coalesce(max(length(b.device_name)), 0), coalesce(max(length(b.domain_name)), 0)
     FROM backup_target AS b WHERE b.kind = ?1 AND b.good_task_execution_id IS NOT NULL";

pub(in crate::history) fn owned_sql(table: &str, owner: Owner) -> String {
    let column = match owner {
        Owner::Plan(_) => "plan_execution_id",
        Owner::Task(_) => "task_execution_id",
    };
    format!("SELECT * FROM {table} WHERE {column} = ?1 ORDER BY id")
}
