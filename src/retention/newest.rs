//! Whether the newest good backups that history names are in the store: what somebody took
//! away is no backup any more, for `history status` as little as for `prune`.

use std::collections::BTreeMap;

use crate::history::{FileRow, History, HistoryError, TargetRow};
use crate::run::event::{FileKind, TaskId};

/// How many backups are looked for, from the newest back. Where none of them is there, older
/// ones would be of little comfort.
const LOOKED_BACK: usize = 8;

/// The newest good backups that are not in the store, though nobody recorded that they went.
#[derive(Debug, Default)]
pub struct GoneBackups(BTreeMap<(String, String, &'static str), TaskId>);

impl GoneBackups {
    /// Looks whether the files of each newest good backup are there, with their sizes. Where
    /// they are not, the target has the newest one that is, if there is one.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn look(history: &History, targets: &mut [TargetRow]) -> Result<GoneBackups, HistoryError> {
        let mut files: BTreeMap<(TaskId, &str), Vec<FileRow>> = BTreeMap::new();
        for file in history.good_files()? {
            files.entry((file.task, file.kind.code())).or_default().push(file);
        }
        let mut gone = GoneBackups::default();
        for target in targets {
            let Some(newest) = target.good.take() else {
                continue;
            };
            let its_files = files.remove(&(newest.task, target.kind.code()));
            let mut next = Some((newest, its_files.unwrap_or_default()));
            for _ in 0..LOOKED_BACK {
                let Some((backup, files)) = next else { break };
                if stands(history, &files)? {
                    target.good = Some(backup);
                    break;
                }
                gone.0.entry(key(target)).or_insert(backup.task);
                next = history.good_before(target, backup.task)?;
            }
        }
        Ok(gone)
    }

    /// The task whose files are gone, if those of the newest good backup are.
    pub fn of(&self, target: &TargetRow) -> Option<TaskId> {
        self.0.get(&key(target)).copied()
    }
}

/// The newest good exports of a device that are in the store, as far as that shows without reading them.
#[derive(Debug, Default)]
pub struct StandingExports {
    /// Those of what is saved, by domain.
    pub rows: Vec<FileRow>,
    /// Newer ones that are not as they were stored, by domain.
    passed_over: BTreeMap<String, FileRow>,
}

impl StandingExports {
    /// Where none of the newest ones stands, the newest is meant all the same: what is wrong with it is told when it is read.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn of(history: &History, device: &str) -> Result<Self, HistoryError> {
        let older = |row: &FileRow| history.good_export_before(row);
        let mut found = Self::default();
        for newest in saved(history, device)? {
            found.add(history, newest, older)?;
        }
        Ok(found)
    }

    /// The same among those that the runs of one plan made: a newer one of something else, as that which a restore
    /// takes for itself, stands before none of them.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn of_plan(history: &History, device: &str, plan: &str) -> Result<Self, HistoryError> {
        let older = |row: &FileRow| history.good_export_of_plan_before(row, plan);
        let mut found = Self::default();
        for newest in saved(history, device)? {
            let newest = match history.plan(history.task(newest.task)?.plan)?.plan == plan {
                true => Some(newest),
                false => older(&newest)?,
            };
            if let Some(newest) = newest {
                found.add(history, newest, older)?;
            }
        }
        Ok(found)
    }

    /// Takes the newest one, or the newest before it that stands.
    fn add(
        &mut self,
        history: &History,
        newest: FileRow,
        older: impl Fn(&FileRow) -> Result<Option<FileRow>, HistoryError>,
    ) -> Result<(), HistoryError> {
        let mut next = newest.clone();
        for _ in 0..LOOKED_BACK {
            if stands(history, std::slice::from_ref(&next))? {
                if next.id != newest.id {
                    self.passed_over.insert(newest.domain_name.clone(), newest);
                }
                self.rows.push(next);
                return Ok(());
            }
            let Some(before) = older(&next)? else {
                break;
            };
            next = before;
        }
        self.rows.push(newest);
        Ok(())
    }

    /// That one is not the newest of its domain, and why, in a sentence.
    pub fn passed_over(&self, row: &FileRow) -> Option<String> {
        let (newest, why) = self.newer(row)?;
        Some(format!(
            "{} {}: the newest export, of task {}, {why}",
            row.device_name, row.domain_name, newest.task.0
        ))
    }

    /// The newest of its domain where this one is not that, and why it is not taken.
    pub fn newer(&self, row: &FileRow) -> Option<(&FileRow, String)> {
        let newest = self.passed_over.get(&row.domain_name)?;
        let why = newest.damage.as_deref().map_or_else(
            || "is not in the store as it was stored".to_owned(),
            |damage| format!("is not what was stored ({damage})"),
        );
        let why = format!("{why}; that of task {} is the newest one that stands", row.task.0);
        Some((newest, why))
    }
}

/// The newest good export of what is saved of each domain of a device, in the store or not.
fn saved(history: &History, device: &str) -> Result<Vec<FileRow>, HistoryError> {
    let mut rows = history.good_files_of(device)?;
    rows.retain(|row| row.kind == FileKind::Persisted);
    Ok(rows)
}

fn key(target: &TargetRow) -> (String, String, &'static str) {
    let (device, domain) = (target.device_name.clone(), target.domain_name.clone());
    (device, domain, target.kind.code())
}

/// Whether a backup is there: its own files, or one that holds what it found unchanged.
fn stands(history: &History, files: &[FileRow]) -> Result<bool, HistoryError> {
    for file in files {
        let is_there = match file.kept {
            true => is_as_large(file),
            false => history.kept_like(file)?.iter().any(is_as_large),
        };
        if !is_there {
            return Ok(false);
        }
    }
    Ok(!files.is_empty())
}

/// Whether a file is in the store, as large as it was, and nobody who read it found it to be something else. Nothing
/// is read.
pub fn is_as_large(file: &FileRow) -> bool {
    let found = file.path.symlink_metadata();
    file.damage.is_none() && found.is_ok_and(|found| found.is_file() && found.len() == file.size)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{GoneBackups, key};
    use crate::history::TargetRow;
    use crate::run::event::{FileKind, TaskId};
    use crate::run::status::Status;

    #[test]
    fn what_is_gone_of_one_target_is_gone_of_no_other() {
        let target = |device: &str, domain: &str, kind| TargetRow {
            device_name: device.to_owned(),
            domain_name: domain.to_owned(),
            is_pattern: false,
            kind,
            last_task: TaskId(2),
            last_status: Status::Success,
            last_time: Timestamp::UNIX_EPOCH,
            good: None,
        };
        let gone_of = target("QA1", "DOM1", FileKind::Persisted);
        let mut gone = GoneBackups::default();
        gone.0.insert(key(&gone_of), TaskId(1));
        assert_eq!(gone.of(&gone_of), Some(TaskId(1)));
        for other in [
            target("QA2", "DOM1", FileKind::Persisted),
            target("QA1", "DOM2", FileKind::Persisted),
            target("QA1", "DOM1", FileKind::NonPersisted),
        ] {
            assert_eq!(gone.of(&other), None, "{other:?}");
        }
    }
}
