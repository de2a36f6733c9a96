//! What a task left behind: files, notes, runs of scripts; and how each device and
//! domain stands.

mod rows;
pub(super) mod sql;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Row, Transaction};

use crate::history::History;
use crate::history::change;
use crate::history::error::{HistoryError, HistoryFault};
use crate::history::execution::{Execution, require};
use crate::history::place;
use crate::history::query::{self, rows};
use crate::history::rehearsal;
use crate::history::script;
use crate::history::statement::execute;
use crate::history::stored::rows::{failed_file_row, file_row, target_row};
use crate::history::stored::sql::{
    EXPORTS_NAMED, FAILED_FILES, FILE_COLUMNS, GOOD_FILES, GOOD_FILES_BEFORE, GOOD_FILES_OF_DEVICE,
    KEPT_WITH_CONTENT, LONGEST_NAMES, PLACES, PLACES_BELOW, PRUNABLE_FILES, STANDS_IN, TARGET_DOMAINS,
    TARGETS, TASK_STATUS_CHANGES, files_at_sql, files_sql, owned_sql, stored_files_sql, target_devices_sql,
};
use crate::history::target;
use crate::history::value::{AsText, count, optional, text};
use crate::history::view::execution::{NoteRow, StatusChange, TaskDetails};
use crate::history::view::file::{FileId, FileRow, PrunableFile};
use crate::history::view::filter::FileFilter;
use crate::history::view::target::{GoodBackup, LongestNames, TargetRow};
use crate::run::event::{FileKind, Owner, ScriptRun, TaskId};
use crate::run::status::Status;
use crate::values::restore_name::RESTORE_NAMES;

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

    /// The files that should stand in the store now and hold what this one found, newest first; at
    /// most 16. Of one whose content is not known, nothing is known to say the same.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn kept_like(&self, file: &FileRow) -> Result<Vec<FileRow>, HistoryError> {
        let Some(content) = &file.content else {
            return Ok(Vec::new());
        };
        let (device, domain) = (&file.device_name, &file.domain_name);
        self.read(|transaction| {
            kept_with_content(transaction, self.store(), device, domain, file.kind, content)
        })
    }

    /// The file that should stand in the store now for this one: itself, or the oldest that is there and holds
    /// what it found, where it was not kept or was pruned; `None` where there is none. What a restore took for
    /// itself stands in for nothing else where another does.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn standing_of(&self, file: &FileRow) -> Result<Option<FileRow>, HistoryError> {
        if file.kept && file.pruned_time.is_none() {
            return Ok(Some(file.clone()));
        }
        self.other_standing(file)
    }

    /// Another file that says what it found; `None` where there is none, or nobody knows what it found.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn other_standing(&self, file: &FileRow) -> Result<Option<FileRow>, HistoryError> {
        let Some(content) = &file.content else {
            return Ok(None);
        };
        let parameters = (
            content,
            &file.device_name,
            &file.domain_name,
            AsText(file.kind),
            RESTORE_NAMES,
        );
        let mut alike =
            self.read(|transaction| rows(transaction, STANDS_IN, parameters, file_row(self.store())))?;
        alike.retain(|other| other.id != file.id);
        let is_there = |row: &&FileRow| row.path.symlink_metadata().is_ok();
        Ok(alike.iter().find(is_there).or(alike.first()).cloned())
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

    /// Records that files are about to be removed from the store: whoever misses one from now
    /// on finds here why.
    ///
    /// # Errors
    ///
    /// The history cannot be written, and then nothing is marked.
    pub fn begin_removal(&mut self, at: Timestamp, files: &[FileId]) -> Result<(), HistoryError> {
        self.mark_removal(Some(at), files)
    }

    /// Records that files stay which were about to be removed.
    ///
    /// # Errors
    ///
    /// The history cannot be written.
    pub fn give_up_removal(&mut self, files: &[FileId]) -> Result<(), HistoryError> {
        self.mark_removal(None, files)
    }

    fn mark_removal(&mut self, at: Option<Timestamp>, files: &[FileId]) -> Result<(), HistoryError> {
        if files.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut statement = transaction.prepare("UPDATE file SET removal_time = ?2 WHERE id = ?1")?;
            for file in files {
                statement.execute((file.0, at.map(AsText)))?;
            }
            Ok(())
        })
    }

    /// Records what a look at stored files has found: why one is not what was stored, or that it is.
    ///
    /// # Errors
    ///
    /// The history cannot be written.
    pub fn note_damage(
        &mut self,
        at: Timestamp,
        found: &[(FileId, Option<String>)],
    ) -> Result<(), HistoryError> {
        if found.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut statement =
                transaction.prepare("UPDATE file SET damage = ?2, damage_time = ?3 WHERE id = ?1")?;
            for (file, damage) in found {
                statement.execute((file.0, damage, damage.is_some().then_some(AsText(at))))?;
            }
            Ok(())
        })
    }

    /// Records that files were removed from the store. Their rows stay; the newest good backup
    /// of their target is one that is left.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], and then none is marked; or the history cannot be
    /// written.
    pub fn mark_pruned(&mut self, at: Timestamp, files: &[FileId]) -> Result<(), HistoryError> {
        self.write(|transaction| {
            for file in files {
                let changed = execute(
                    transaction,
                    "UPDATE file SET pruned_time = coalesce(pruned_time, ?2) WHERE id = ?1",
                    (file.0, AsText(at)),
                )?;
                if changed == 0 {
                    return Err(HistoryFault::NotFound {
                        what: "file",
                        id: file.0,
                        list: &["history", "files", "last"],
                    });
                }
            }
            for file in files {
                target::pruned(transaction, *file)?;
            }
            Ok(())
        })
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

    /// The files of the newest good backup of each target, those of one backup together.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn good_files(&self) -> Result<Vec<FileRow>, HistoryError> {
        self.read(|transaction| rows(transaction, GOOD_FILES, [], file_row(self.store())))
    }

    /// The same of one device: a fleet has tens of thousands of them.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn good_files_of(&self, device: &str) -> Result<Vec<FileRow>, HistoryError> {
        self.read(|transaction| {
            rows(
                transaction,
                GOOD_FILES_OF_DEVICE,
                [device],
                file_row(self.store()),
            )
        })
    }

    /// The newest good export of the same kind and domain before the one of a file; none where none of an older one is
    /// left.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn good_export_before(&self, file: &FileRow) -> Result<Option<FileRow>, HistoryError> {
        let (device, domain, kind) = (&file.device_name, &file.domain_name, AsText(file.kind));
        let parameters = (device, domain, kind, file.task.0, AsText(Status::Success));
        let files = self
            .read(|transaction| rows(transaction, GOOD_FILES_BEFORE, parameters, file_row(self.store())))?;
        Ok(files.into_iter().next())
    }

    /// The newest good backup of a target before the one of a task, with its files; none
    /// where nothing of an older one is left.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn good_before(
        &self,
        target: &TargetRow,
        task: TaskId,
    ) -> Result<Option<(GoodBackup, Vec<FileRow>)>, HistoryError> {
        self.read(|transaction| {
            let (device, domain, kind) = (&target.device_name, &target.domain_name, AsText(target.kind));
            let parameters = (device, domain, kind, task.0, AsText(Status::Success));
            let files = rows(transaction, GOOD_FILES_BEFORE, parameters, file_row(self.store()))?;
            let Some(first) = files.first() else {
                return Ok(None);
            };
            let task = first.task;
            let time = transaction.query_row(
                "SELECT end_time FROM task_execution WHERE id = ?1",
                [task.0],
                |row| text(row, "end_time"),
            )?;
            let size = files.iter().map(|file| file.size).sum();
            Ok(Some((GoodBackup { task, time, size }, files)))
        })
    }
}

fn written_place(row: &Row<'_>) -> rusqlite::Result<place::WrittenPlace> {
    Ok(place::WrittenPlace {
        path: row.get("path")?,
        store: row.get("store")?,
    })
}

pub(super) fn kept_with_content(
    transaction: &Transaction<'_>,
    store: Option<&Path>,
    device: &str,
    domain: &str,
    kind: FileKind,
    content: &str,
) -> Result<Vec<FileRow>, HistoryFault> {
    let parameters = (content, device, domain, AsText(kind));
    rows(transaction, KEPT_WITH_CONTENT, parameters, file_row(store))
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
