//! What a task left behind: files, notes, runs of scripts; and how each device and
//! domain stands.

mod marks;
mod rows;
pub(super) mod sql;
pub(super) mod standing;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::{Row, Transaction};

use crate::history::History;
use crate::history::change;
use crate::history::error::{HistoryError, HistoryFault};
use crate::history::execution::{Execution, require};
use crate::history::place;
use crate::history::query::{self, rows};
use crate::history::rehearsal;
use crate::history::script;
use crate::history::stored::rows::{failed_file_row, file_row, target_row};
use crate::history::stored::sql::{
    EXPORTS_NAMED, FAILED_FILES, FILE_COLUMNS, LONGEST_NAMES, PLACES, PLACES_BELOW, PRUNABLE_FILES,
    TARGET_DOMAINS, TARGETS, TASK_STATUS_CHANGES, files_at_sql, files_sql, owned_sql, stored_files_sql,
    target_devices_sql,
};
use crate::history::value::{AsText, count, optional, text};
use crate::history::view::execution::{NoteRow, StatusChange, TaskDetails};
use crate::history::view::file::{FileRow, PrunableFile};
use crate::history::view::filter::FileFilter;
use crate::history::view::target::{LongestNames, TargetRow};
use crate::run::event::{FileKind, Owner, ScriptRun, TaskId};

impl History {
    /// Everything about one task execution, as of one moment.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], or the history cannot be read.
    pub fn task_details(&self, id: TaskId) -> Result<TaskDetails, HistoryError> {
        self.read(|transaction| {
            Ok(TaskDetails {
                task: query::task(transaction, id)?,
                files: rows(transaction, &files_sql(), [id.0], file_row(self.store()))?,
                changes: change::of_task(transaction, id)?,
                unsaved: change::unsaved_of(transaction, id)?,
                failed_files: rows(transaction, FAILED_FILES, [id.0], failed_file_row)?,
                notes: notes(transaction, Owner::Task(id))?,
                scripts: scripts(transaction, Owner::Task(id))?,
                rehearsals: rehearsal::of_task(transaction, id)?,
            })
        })
    }

    /// The files of a task execution, those not kept or removed since included.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], or the history cannot be read.
    pub fn files(&self, task: TaskId) -> Result<Vec<FileRow>, HistoryError> {
        self.read(|transaction| {
            require(transaction, Execution::Task(task))?;
            rows(transaction, &files_sql(), [task.0], file_row(self.store()))
        })
    }

    /// How many files should stand in the store of this history now. Those that were left behind when `store` was
    /// changed are found where they were, and are not among them.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn files_in_store(&self) -> Result<u64, HistoryError> {
        let Some(store) = self.store() else {
            return Ok(0);
        };
        let sql = "SELECT path, store FROM file WHERE kept = 1 AND pruned_time IS NULL";
        let places = self.read(|transaction| rows(transaction, sql, [], written_place))?;
        let places = places.iter().map(|written| place::found(Some(store), written));
        Ok(places.filter(|path| path.starts_with(store)).count() as u64)
    }

    /// Every place below a folder at which a file was ever recorded, those not kept or removed since included, and the folders
    /// that they are in.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn places_below(&self, folder: &Path) -> Result<HashSet<PathBuf>, HistoryError> {
        let mut written = Vec::new();
        if self.store() == Some(folder) {
            written = self.read(|transaction| rows(transaction, PLACES, [], written_place))?;
        }
        for end in place::ends(folder) {
            let end = end.to_string_lossy();
            written.extend(self.read(|transaction| rows(transaction, PLACES_BELOW, [end], written_place))?);
        }
        let found = written.iter().map(|written| place::found(self.store(), written));
        let found: Vec<PathBuf> = found.filter(|path| path.starts_with(folder)).collect();
        let folders = found.iter().filter_map(|path| path.parent()).map(Path::to_owned);
        let folders: HashSet<PathBuf> = folders.collect();
        Ok(folders.into_iter().chain(found).collect())
    }

    /// Where the exports stand that should be in the store now and have this name.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn exports_named(&self, name: &str) -> Result<Vec<PathBuf>, HistoryError> {
        let parameters = (name, AsText(FileKind::SecureBackup));
        let written = self.read(|transaction| rows(transaction, EXPORTS_NAMED, parameters, written_place))?;
        Ok(written
            .iter()
            .map(|written| place::found(self.store(), written))
            .collect())
    }

    /// The files that should stand in the store now, oldest first.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn stored_files(&self, filter: &FileFilter) -> Result<Vec<FileRow>, HistoryError> {
        self.read(|transaction| {
            let sql = stored_files_sql(filter);
            match filter {
                FileFilter::All => rows(transaction, &sql, [None::<i64>], file_row(self.store())),
                FileFilter::Device(device) => rows(transaction, &sql, [device], file_row(self.store())),
            }
        })
    }

    /// The files that were ever recorded at a path: those of a secure backup if it is its
    /// folder. Those not kept or removed since are included.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn files_at(&self, path: &Path) -> Result<Vec<FileRow>, HistoryError> {
        let mut files = Vec::new();
        if self.store() == Some(path) {
            let all = format!("{FILE_COLUMNS} ORDER BY f.id");
            files = self.read(|transaction| rows(transaction, &all, [], file_row(self.store())))?;
        }
        for end in place::ends(path) {
            let end = end.to_string_lossy();
            let found =
                self.read(|transaction| rows(transaction, &files_at_sql(), [end], file_row(self.store())))?;
            files.extend(found.into_iter().filter(|file| file.path.starts_with(path)));
        }
        files.sort_by_key(|file| file.id.0);
        Ok(files)
    }

    /// The files of a device that were not removed, those not kept included, oldest first;
    /// each with its plan and the end of its task.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn prunable_files(&self, device: &str) -> Result<Vec<PrunableFile>, HistoryError> {
        self.read(|transaction| {
            rows(transaction, PRUNABLE_FILES, [device], |row| {
                Ok(PrunableFile {
                    file: file_row(self.store())(row)?,
                    plan: row.get("plan")?,
                    task_end: optional(row, "task_end")?,
                    task_status: text(row, "task_status")?,
                    is_before_import: row.get("is_before_import")?,
                })
            })
        })
    }

    fn store(&self) -> Option<&Path> {
        self.store.as_deref()
    }

    /// The notes and warnings of a plan execution or a task execution itself.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], or the history cannot be read.
    pub fn notes(&self, owner: Owner) -> Result<Vec<NoteRow>, HistoryError> {
        self.read(|transaction| notes(transaction, owner))
    }

    /// The runs of scripts of a plan execution or a task execution itself.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], or the history cannot be read.
    pub fn scripts(&self, owner: Owner) -> Result<Vec<ScriptRun>, HistoryError> {
        self.read(|transaction| scripts(transaction, owner))
    }

    /// Every status that a task execution has had, in order.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], or the history cannot be read.
    pub fn task_status_changes(&self, task: TaskId) -> Result<Vec<StatusChange>, HistoryError> {
        self.read(|transaction| {
            require(transaction, Execution::Task(task))?;
            rows(transaction, TASK_STATUS_CHANGES, [task.0], |row| {
                Ok(StatusChange {
                    status: text(row, "status")?,
                    time: text(row, "time")?,
                })
            })
        })
    }

    /// Every device and domain that was ever to be backed up, with its newest good
    /// backup, by name.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn targets(&self) -> Result<Vec<TargetRow>, HistoryError> {
        self.read(|transaction| rows(transaction, TARGETS, [], target_row))
    }

    /// The domains that were ever to be backed up, each once.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn backed_up_domains(&self) -> Result<BTreeSet<String>, HistoryError> {
        let named = self.read(|transaction| rows(transaction, TARGET_DOMAINS, [], |row| row.get(0)))?;
        Ok(named.into_iter().collect())
    }

    /// The devices that were ever to be backed up, each once.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn backed_up_devices(&self) -> Result<Vec<String>, HistoryError> {
        self.read(|transaction| rows(transaction, &target_devices_sql(), [], |row| row.get(0)))
    }

    /// How many characters the longest name of a device and of a domain has of which there is a good export.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn longest_names(&self) -> Result<LongestNames, HistoryError> {
        self.read(|transaction| {
            let kind = [AsText(FileKind::Persisted)];
            Ok(transaction.query_row(LONGEST_NAMES, kind, |row| {
                Ok(LongestNames {
                    device: count(row, 0)?,
                    domain: count(row, 1)?,
                })
            })?)
        })
    }
}

fn written_place(row: &Row<'_>) -> rusqlite::Result<place::WrittenPlace> {
    Ok(place::WrittenPlace {
        path: row.get("path")?,
        store: row.get("store")?,
    })
}

fn notes(transaction: &Transaction<'_>, owner: Owner) -> Result<Vec<NoteRow>, HistoryFault> {
    let id = required_owner(transaction, owner)?;
    rows(transaction, &owned_sql("note", owner), [id], |row| {
        Ok(NoteRow {
            level: text(row, "level")?,
            message: row.get("message")?,
            time: text(row, "time")?,
        })
    })
}

fn scripts(transaction: &Transaction<'_>, owner: Owner) -> Result<Vec<ScriptRun>, HistoryFault> {
    let id = required_owner(transaction, owner)?;
    rows(transaction, &owned_sql("script_run", owner), [id], script::row)
}

fn required_owner(transaction: &Transaction<'_>, owner: Owner) -> Result<i64, HistoryFault> {
    let (execution, id) = match owner {
        Owner::Plan(id) => (Execution::Plan(id), id.0),
        Owner::Task(id) => (Execution::Task(id), id.0),
    };
    require(transaction, execution)?;
    Ok(id)
}
