//! Which files stand in the store for a target or for another file: the newest good ones, and those with the same content.

use std::path::Path;

use rusqlite::Transaction;

use crate::history::History;
use crate::history::error::{HistoryError, HistoryFault};
use crate::history::query::rows;
use crate::history::stored::rows::file_row;
use crate::history::stored::sql::{
    GOOD_FILE_OF_PLAN_BEFORE, GOOD_FILES, GOOD_FILES_BEFORE, GOOD_FILES_OF_DEVICE, KEPT_WITH_CONTENT,
    STANDS_IN,
};
use crate::history::value::{AsText, text};
use crate::history::view::file::FileRow;
use crate::history::view::target::{GoodBackup, TargetRow};
use crate::run::event::{FileKind, TaskId};
use crate::run::status::Status;
use crate::values::restore_name::RESTORE_NAMES;

impl History {
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

    /// The same among the exports of the runs of one plan.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn good_export_of_plan_before(
        &self,
        file: &FileRow,
        plan: &str,
    ) -> Result<Option<FileRow>, HistoryError> {
        let (device, domain, kind) = (&file.device_name, &file.domain_name, AsText(file.kind));
        let parameters = (device, domain, kind, file.task.0, AsText(Status::Success), plan);
        let files = self.read(|transaction| {
            rows(
                transaction,
                GOOD_FILE_OF_PLAN_BEFORE,
                parameters,
                file_row(self.store()),
            )
        })?;
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

pub(in crate::history) fn kept_with_content(
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
