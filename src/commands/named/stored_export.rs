//! A file of the store, proved to be what was stored.

use std::fs::File;
use std::io::Seek as _;
use std::path::Path;

use crate::artifact::archive::{
    self, Detail, Expected, ExportItem, Limits, RowForm, VerifiedArchive, VerifyError,
};
use crate::artifact::private_copy::private_copy;
use crate::artifact::recheck::{FileState, Recheck, Recorded};
use crate::commands::frame::error::CommandError;
use crate::history::{FileRow, History};
use crate::run::same_device::other_serials;
use crate::values::backup_names::BackupNames;
use crate::values::causes::{said, with_causes};
use crate::values::first_few::first_few;

/// So many things are named in a message.
const NAMED: usize = 5;

/// An export that is byte by byte what was stored.
pub(in crate::commands) struct ProvedExport {
    /// Its row: that of another one which says the same, where the one that was asked for was not kept.
    pub(in crate::commands) row: FileRow,
    /// The file that was read for it, at its beginning, whatever stands under its name since.
    pub(in crate::commands) file: File,
    /// That it is another one, in a sentence.
    pub(in crate::commands) instead: Option<String>,
}

/// An export of one domain that is what was stored, in a file that nobody else can reach.
pub(in crate::commands) struct PrivateExport {
    /// Its row, as above.
    pub(in crate::commands) row: FileRow,
    /// Its bytes.
    pub(in crate::commands) file: File,
    /// That it is another one, as above.
    pub(in crate::commands) instead: Option<String>,
    /// What is in it.
    pub(in crate::commands) verified: VerifiedArchive,
    pub(in crate::commands) names: BackupNames,
    /// That it is of another gateway by its own words than the one that history has it from, in a sentence.
    pub(in crate::commands) of_another: Option<String>,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub(in crate::commands) enum NoExport {
    /// It is not there as it was stored, or not good in itself.
    #[error("{0}")]
    Bad(String),
    /// It is whole, and such a one is never sent to a gateway.
    #[error("{0}")]
    NotSent(String),
    /// This machine could not read it, which says nothing about it.
    #[error("{0}")]
    Unread(String),
}

/// The file of this row, or of one that says the same where it was not kept or is gone; else why
/// there is none.
pub(in crate::commands) fn stored_export(
    history: &History,
    store: &Path,
    scratch: &Path,
    row: &FileRow,
) -> Result<Result<ProvedExport, NoExport>, CommandError> {
    let asked = row;
    let Some(row) = history.standing_of(asked)? else {
        let why = "it is not in the store any more, nor one that says the same";
        return Ok(Err(NoExport::Bad(why.to_owned())));
    };
    let instead = stands_in(asked, &row);
    let path = row.path.display();
    let file = match Recheck::new(store, scratch, Vec::new()).proved(recorded(&row)) {
        Ok(file) => file,
        Err(verdict) => {
            let why = format!("{path}: {}", verdict.reasons.join("; "));
            return Ok(Err(match verdict.state {
                FileState::Unreadable => NoExport::Unread(why),
                FileState::Ok | FileState::Changed | FileState::Bad | FileState::Missing => {
                    NoExport::Bad(why)
                }
            }));
        }
    };
    // Whoever reads on from where the proof has ended would find nothing.
    Ok(match (&file).rewind() {
        Ok(()) => Ok(ProvedExport { row, file, instead }),
        Err(error) => Err(NoExport::Unread(format!("{path}: {}", said(&error)))),
    })
}

/// The same, as a private copy: what was proved of it stays true, whatever becomes of the store.
pub(in crate::commands) fn private_export(
    history: &History,
    store: &Path,
    scratch: &Path,
    row: &FileRow,
) -> Result<Result<PrivateExport, NoExport>, CommandError> {
    let ProvedExport {
        row,
        file: stored,
        instead,
    } = match stored_export(history, store, scratch, row)? {
        Ok(stored) => stored,
        Err(why) => return Ok(Err(why)),
    };
    let named = |why: &dyn std::fmt::Display| format!("{}: {why}", row.path.display());
    let bad = |why: &dyn std::fmt::Display| Ok(Err(NoExport::Bad(named(why))));
    let unread = |why: &dyn std::fmt::Display| Ok(Err(NoExport::Unread(named(why))));
    let file = match private_copy(&stored, scratch, &row.sha256) {
        Ok(Some(file)) => file,
        Ok(None) => return bad(&"it was changed while it was read"),
        Err(error) => return unread(&said(&error)),
    };
    let (mut names, mut beside) = (BackupNames::default(), Vec::new());
    let mut visit = |domain: &str, item: &ExportItem| match domain {
        "" | "default" => beside.extend(of_no_domain(item, &row.domain_name)),
        _ => add(&mut names, item),
    };
    let (expected, limits) = (Expected::domain(&row.domain_name), Limits::default());
    match archive::inspect(&file, scratch, &expected, &limits, Detail::Hashes, &mut visit) {
        // It would go into the domain that nothing is ever sent to.
        Ok(_) if !beside.is_empty() => Ok(Err(NoExport::NotSent(named(&format!(
            "beside its domain it holds configuration of its own, which an import would lay over `default`: {}",
            first_few(beside, NAMED)
        ))))),
        Ok(verified) => Ok(Ok(PrivateExport {
            of_another: of_another(history, &row, &verified)?,
            row,
            file,
            instead,
            verified,
            names,
        })),
        Err(error @ (VerifyError::Read(_) | VerifyError::Scratch(_))) => unread(&with_causes(&error)),
        Err(error @ VerifyError::Invalid(_)) => bad(&with_causes(&error)),
    }
}

/// That the file of another task stands in for the one of this row, in a sentence.
pub(in crate::commands) fn stands_in(asked: &FileRow, row: &FileRow) -> Option<String> {
    let (asked_task, task) = (asked.task.0, row.task.0);
    let why = match asked.kept {
        true => "was removed from the store",
        false => "was not kept",
    };
    (asked.id != row.id).then(|| {
        format!(
            "the file of task {asked_task} {why}; that of task {task} holds the same, and stands in for it"
        )
    })
}

fn of_another(
    history: &History,
    row: &FileRow,
    verified: &VerifiedArchive,
) -> Result<Option<String>, CommandError> {
    let told = history.task(row.task)?.facts.serial;
    let others = other_serials(told.as_deref(), verified.serial_number.as_deref());
    Ok(others.map(|(told, exported)| {
        format!(
            "the backup is of the gateway with serial number {exported} by its own words, and {} told {told} when it was \
             taken: it may be the configuration of another gateway",
            row.device_name
        )
    }))
}

/// What the outer part of an archive of one domain holds that is no part of that domain.
fn of_no_domain(item: &ExportItem, domain: &str) -> Option<String> {
    match item {
        ExportItem::Object(object) if object.class == "Domain" && object.name == domain => None,
        ExportItem::Object(object) | ExportItem::Unknown(object) => {
            Some(format!("{} {}", object.class, object.name))
        }
        ExportItem::File(file) if file.internal => None,
        ExportItem::File(file) => Some(file.name.clone()),
        ExportItem::Configuration(_) | ExportItem::Domain(_) => None,
    }
}

fn add(names: &mut BackupNames, item: &ExportItem) {
    match item {
        ExportItem::Object(object) => {
            names.objects.insert((object.class.clone(), object.name.clone()));
        }
        ExportItem::File(file) => {
            names.listed.insert(file.name.clone());
            if matches!(file.form(), RowForm::Missing) {
                names.missing.insert(file.name.clone());
            }
            if !file.internal && matches!(file.form(), RowForm::Hashed(_)) {
                names.files.insert(file.name.clone());
            }
        }
        ExportItem::Configuration(_) | ExportItem::Domain(_) | ExportItem::Unknown(_) => {}
    }
}

/// What history has recorded of a file.
pub(in crate::commands) fn recorded(row: &FileRow) -> Recorded<'_> {
    Recorded {
        path: &row.path,
        size: row.size,
        sha256: &row.sha256,
        entries: row.entries,
        objects: row.objects,
    }
}
