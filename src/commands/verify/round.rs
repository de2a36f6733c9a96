//! One round through the files that are looked at again.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::artifact::archive::Expected;
use crate::artifact::recheck::{self, FileState, Recheck};
use crate::cli::OutputFormat;
use crate::commands::frame::error::{CommandError, found, print, print_states};
use crate::commands::frame::heeding::Heeding;
use crate::commands::named::stored_export::{recorded, stands_in};
use crate::commands::verify::folder_scope;
use crate::commands::verify::scope::places;
use crate::history::{FileId, FileRow, History};
use crate::report::store_line;
use crate::report::verify::{self as report, Checked, Verified};
use crate::run::event::{ALL_DOMAINS, FileKind, TaskId};
use crate::ui::{Ui, Verbosity};
use crate::values::causes::said;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::clock_time::on_clock;

/// What a round has found of files that history does not know yet.
#[derive(Default)]
pub(super) struct FoundDamage {
    pub(super) files: Vec<(FileId, Option<String>)>,
    /// The devices that they are of.
    pub(super) devices: BTreeSet<String>,
}

/// One round through the files.
pub(super) struct Round<'r> {
    pub(super) ui: Ui,
    pub(super) heeding: &'r Heeding,
    pub(super) format: OutputFormat,
    pub(super) history: Option<&'r History>,
    pub(super) recheck: Recheck<'r>,
    pub(super) checked: Vec<Checked>,
    /// What history does not know yet of files that were read: why one is not what was stored, or that it is again.
    pub(super) found: FoundDamage,
    pub(super) done: BTreeSet<FileId>,
    /// The tasks that were asked for one by one.
    pub(super) tasks: &'r [TaskId],
    /// The store of the plan file, if there is one.
    pub(super) in_store: Option<&'r Path>,
    /// The store, where all that is looked at is in it: then it is named once.
    pub(super) store: Option<&'r Path>,
    pub(super) is_store_named: bool,
}

impl Round<'_> {
    /// Files of history; parts of one secure backup together, and then their folder.
    pub(super) fn rows(&mut self, rows: &[FileRow]) -> Result<(), CommandError> {
        let mut rest = rows.iter().peekable();
        while let Some(row) = rest.next() {
            if self.heeding.is_requested() {
                break;
            }
            if self.done.insert(row.id) {
                self.row(row)?;
            }
            let folder = folder_of(row);
            let goes_on = rest.peek().is_some_and(|next| folder_of(next) == folder);
            if let Some(folder) = folder
                && !goes_on
            {
                let verdict = self.recheck.secure_backup(folder);
                let gone = match verdict.state {
                    FileState::Ok => None,
                    _ => self.gone_meanwhile(row)?,
                };
                let checked = match gone {
                    Some(row) => pruned(&row),
                    None => Checked {
                        certificate: self.certificate(row)?,
                        ..described(row, Verified::Looked(verdict))
                    },
                };
                self.tell(Checked {
                    path: folder.to_owned(),
                    kind: Some("secure-backup-folder"),
                    ..checked
                })?;
            }
        }
        Ok(())
    }

    fn row(&mut self, row: &FileRow) -> Result<(), CommandError> {
        if !row.kept {
            return self.not_kept(row);
        }
        if row.pruned_time.is_some() {
            return self.tell_pruned(row);
        }
        let verdict = match row.kind {
            FileKind::SecureBackup => self.recheck.part(recorded(row)),
            FileKind::Persisted | FileKind::NonPersisted => {
                let expected = match row.domain_name.as_str() {
                    ALL_DOMAINS => Expected::AllDomains(None),
                    domain => Expected::domain(domain),
                };
                self.recheck.export(recorded(row), &expected)
            }
        };
        if verdict.state == FileState::Missing
            && let Some(row) = self.gone_meanwhile(row)?
        {
            return self.tell(pruned(&row));
        }
        let damage = match verdict.state {
            FileState::Ok => Some(None),
            FileState::Bad | FileState::Changed => Some(Some(verdict.reasons.join("; "))),
            FileState::Unreadable | FileState::Missing => None,
        };
        if let Some(damage) = damage.filter(|damage| damage.is_some() != row.damage.is_some()) {
            self.found.files.push((row.id, damage));
            self.found.devices.insert(row.device_name.clone());
        }
        let mut checked = described(row, Verified::Looked(verdict));
        checked.notes.extend(limited(row));
        self.tell(checked)
    }

    /// A file that a prune took; another one may hold the same.
    fn tell_pruned(&mut self, row: &FileRow) -> Result<(), CommandError> {
        let standing = match self.history {
            Some(history) => history.standing_of(row)?,
            None => None,
        };
        let mut checked = pruned(row);
        checked
            .notes
            .extend(standing.and_then(|standing| stands_in(row, &standing)));
        self.tell(checked)
    }

    /// What the secure backup of a part is encrypted for, as far as the device told.
    fn certificate(&self, row: &FileRow) -> Result<Option<CertificateFacts>, CommandError> {
        match self.history {
            Some(history) => Ok(found(history.task(row.task))?.certificate),
            None => Ok(None),
        }
    }

    /// The row of a file as it is now, if a prune took the file, or announced that it would,
    /// since we asked: what it announces is on disk before it touches anything.
    fn gone_meanwhile(&self, row: &FileRow) -> Result<Option<FileRow>, CommandError> {
        let Some(history) = self.history else {
            return Ok(None);
        };
        let now = found(history.files(row.task))?;
        Ok(now
            .into_iter()
            .find(|now| now.id == row.id && (now.pruned_time.is_some() || now.removal_time.is_some())))
    }

    /// An export that was not kept is as good as the kept one with the same content.
    fn not_kept(&mut self, row: &FileRow) -> Result<(), CommandError> {
        if row.pruned_time.is_some() {
            return self.tell_pruned(row);
        }
        let mut verified = Verified::NotKept;
        let mut notes = Vec::new();
        let since = row.unchanged_since.map_or_else(
            || "a task that is not known".to_owned(),
            |task| format!("task {}", task.0),
        );
        let kept = match self.history {
            Some(history) => history.kept_like(row)?,
            None => Vec::new(),
        };
        match kept.first() {
            Some(original) => notes.push(format!(
                "unchanged since {since}; task {} kept it",
                original.task.0
            )),
            None => {
                if let Some(row) = self.gone_meanwhile(row)? {
                    return self.tell(pruned(&row));
                }
                let mut verdict = recheck::FileVerdict::looked();
                let why = format!("not kept, unchanged since {since}, and no file with that content is kept");
                verdict.find(FileState::Missing, why);
                verified = Verified::Looked(verdict);
            }
        }
        self.tell(Checked {
            notes,
            ..described(row, verified)
        })?;
        match kept.first() {
            Some(original) if self.done.insert(original.id) => self.row(original),
            _ => Ok(()),
        }
    }

    /// A file that somebody named.
    pub(super) fn file(&mut self, file: &Path, scratch: &Path) -> Result<(), CommandError> {
        let recorded = self.recorded_at(file)?;
        let is_secure_backup = recorded
            .iter()
            .filter_map(folder_of)
            .any(|folder| places(file, self.in_store).iter().any(|place| place == folder));
        if !is_secure_backup && folder_scope::is_folder_of_backups(file) {
            return self.folder(file, &recorded, scratch);
        }
        // Each path is used once in history, so that the last row is the only one.
        if recorded.iter().any(|row| row.kept && row.pruned_time.is_none()) {
            return self.rows(&recorded);
        }
        let mut notes = Vec::new();
        if recorded.iter().any(|row| row.pruned_time.is_some()) {
            notes.push("history says that it was removed".to_owned());
        }
        self.tell(Checked {
            task: recorded.last().map(|row| row.task),
            notes,
            ..Checked::unrecorded(file, recheck::unrecorded(file, scratch))
        })
    }

    /// Everything below a folder: what history has there, gone or not, and what it does not know.
    fn folder(&mut self, folder: &Path, recorded: &[FileRow], scratch: &Path) -> Result<(), CommandError> {
        let before = self.checked.len();
        let in_store = |row: &&FileRow| row.kept && row.pruned_time.is_none();
        let rows: Vec<FileRow> = recorded.iter().filter(in_store).cloned().collect();
        self.rows(&rows)?;
        for found in folder_scope::backups(folder) {
            if self.heeding.is_requested() {
                return Ok(());
            }
            match found {
                Ok(file) => {
                    let rows = self.recorded_at(&file)?;
                    // What has had its line has no second one.
                    if !rows.iter().any(|row| self.done.contains(&row.id)) {
                        self.file(&file, scratch)?;
                    }
                }
                Err((place, error)) => {
                    let mut verdict = recheck::FileVerdict::looked();
                    verdict.find(FileState::Unreadable, said(&error));
                    self.tell(Checked::unrecorded(&place, verdict))?;
                }
            }
        }
        if self.checked.len() == before && !self.heeding.is_requested() {
            let mut verdict = recheck::FileVerdict::looked();
            let why = format!(
                "it holds no archive, and no {} of a secure backup",
                recheck::MANIFEST
            );
            verdict.find(FileState::Bad, why);
            self.tell(Checked::unrecorded(folder, verdict))?;
        }
        Ok(())
    }

    /// What history knows of a file, of the folder, or of the manifest of a secure backup.
    fn recorded_at(&self, file: &Path) -> Result<Vec<FileRow>, CommandError> {
        let Some(history) = self.history else {
            return Ok(Vec::new());
        };
        for place in places(file, self.in_store) {
            let rows = history.files_at(&place)?;
            let is_manifest = place.file_name().is_some_and(|name| name == recheck::MANIFEST);
            if let Some(folder) = rows.first().and_then(folder_of).filter(|_| is_manifest) {
                return Ok(history.files_at(folder)?);
            }
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        Ok(Vec::new())
    }

    fn tell(&mut self, checked: Checked) -> Result<(), CommandError> {
        let told = self.ui.verbosity > Verbosity::Quiet || self.is_told(&checked);
        if self.format == OutputFormat::Table && told {
            if let (Some(store), false) = (self.store, self.is_store_named) {
                print(self.ui, &store_line(store))?;
                self.is_store_named = true;
            }
            print_states(self.ui, &report::line(&checked, self.store, self.ui.width))?;
        }
        self.checked.push(checked);
        Ok(())
    }

    /// Whether even `-q` says it.
    pub(super) fn is_told(&self, checked: &Checked) -> bool {
        !checked.verified.is_good() || !checked.verified.warnings().is_empty() || self.is_unseen(checked)
    }

    /// Whether somebody wants to know of just this backup whether it is good, and it is not there to be looked at.
    /// Who asks for all that is stored does not mean what a prune takes meanwhile.
    pub(super) fn is_unseen(&self, checked: &Checked) -> bool {
        checked.verified == Verified::Pruned && checked.task.is_some_and(|task| self.tasks.contains(&task))
    }
}

/// The folder of a part of a secure backup that should be there.
fn folder_of(row: &FileRow) -> Option<&Path> {
    match row.kind {
        FileKind::SecureBackup if row.kept && row.pruned_time.is_none() => row.path.parent(),
        _ => None,
    }
}

/// What is said of a file that a prune took.
fn pruned(row: &FileRow) -> Checked {
    let mut checked = described(row, Verified::Pruned);
    let shown = |at: Timestamp| on_clock(at, &TimeZone::system());
    checked.notes.extend(match (row.pruned_time, row.removal_time) {
        (Some(at), _) => Some(format!("removed from the store on {}", shown(at))),
        (None, Some(at)) => Some(format!("dpbackup prune has been removing it since {}", shown(at))),
        (None, None) => None,
    });
    if row.kept && row.path.symlink_metadata().is_ok() {
        checked
            .notes
            .push("something stands there all the same".to_owned());
    }
    checked
}

fn described(row: &FileRow, verified: Verified) -> Checked {
    Checked {
        path: row.path.clone(),
        kind: Some(row.kind.code()),
        task: Some(row.task),
        device: Some(row.device_name.clone()),
        domain: Some(row.domain_name.clone()),
        verified,
        notes: Vec::new(),
        certificate: None,
    }
}

/// What limited the verification of a file when it was stored: the bytes are compared with what was stored then.
fn limited(row: &FileRow) -> Option<String> {
    let by = row.proof.limit()?;
    Some(format!("when it was stored it could be verified by {by}"))
}
