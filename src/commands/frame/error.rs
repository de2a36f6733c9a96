//! How a command ends, and how what it met becomes such an end.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::Access;

use crate::artifact::mount::{self, Unwritable, is_own, owner_of};
use crate::exit::Exit;
use crate::history::HistoryError;
use crate::report::paint::states;
use crate::run::ledger::LedgerError;
use crate::ui::Ui;
use crate::values::causes::said;
use crate::values::invocation::quoted;

/// An error that ends a command, with its exit code and advice.
#[derive(Debug)]
pub(in crate::commands) struct CommandError {
    /// What the process ends with.
    pub(in crate::commands) exit: Exit,
    /// What went wrong, as a chain of causes.
    pub(in crate::commands) error: anyhow::Error,
    /// What to do about it.
    pub(in crate::commands) hint: Option<String>,
    /// The history that cannot be used, where that is what went wrong, and why.
    pub(in crate::commands) of_history: Option<PathBuf>,
}

/// How a command ended.
pub(in crate::commands) type Outcome = Result<Exit, CommandError>;

impl CommandError {
    /// An error without advice.
    pub(in crate::commands) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            error: error.into(),
            hint: None,
            of_history: None,
        }
    }

    /// The same, with what to do where this user was refused the place that is to be written.
    pub(in crate::commands) fn unless_denied(self, folder: &Path) -> Self {
        let mut causes = self
            .error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<io::Error>());
        if !causes.any(|cause| cause.kind() == io::ErrorKind::PermissionDenied) {
            return self;
        }
        self.with_hint(format!(
            "this user may not write there: `ls -ld {}` shows who may; or name another place",
            quoted(&folder.to_string_lossy())
        ))
    }

    /// The same, with advice.
    #[must_use]
    pub(in crate::commands) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<LedgerError> for CommandError {
    fn from(error: LedgerError) -> Self {
        let source = error.source.as_ref();
        let history = source.and_then(|source| source.downcast_ref::<HistoryError>());
        let of_history = history.and_then(HistoryError::path).map(Path::to_owned);
        Self {
            of_history,
            ..Self::new(Exit::History, error)
        }
    }
}

impl From<HistoryError> for CommandError {
    fn from(error: HistoryError) -> Self {
        let of_history = error.path().map(Path::to_owned);
        // What the system has refused is said as a look at the place tells it, with what mends it.
        let told = match &error {
            HistoryError::CannotOpen { path, .. } => match refused_place(path) {
                Some((why, advice)) => {
                    let error = anyhow::anyhow!("the history {why}");
                    Self::new(Exit::History, error).with_hint(advice)
                }
                None => Self::new(Exit::History, error).with_hint("check whose it is, and its folder"),
            },
            _ => Self::new(Exit::History, error),
        };
        Self { of_history, ..told }
    }
}

/// Why a history could not be written where it is, as far as looking tells, and what to do about it.
pub(in crate::commands) fn refused_place(path: &Path) -> Option<(String, String)> {
    let cannot = |why: &dyn fmt::Display| format!("{} cannot be used: {why}", path.display());
    let folder = path.parent()?;
    if let Err(why) = mount::could_be_written(folder) {
        let words = match &why {
            Unwritable::Denied(there, error) if there == folder => said(error),
            why => why.to_string(),
        };
        let advice = match &why {
            // Beside a history that is there already another place would begin an empty one.
            Unwritable::Denied(there, _) if there == folder && !is_own(there) && is_or_may_be(path) => {
                format!("it belongs to {}: run dpbackup as that user", owner_of(there))
            }
            why => why.advice(folder, "history"),
        };
        return Some((cannot(&words), advice));
    }
    if !path.exists() {
        return None;
    }
    let error = rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK).err()?;
    let list = format!("ls -l {}", quoted(&path.to_string_lossy()));
    let advice =
        format!("`{list}` shows whose it is: run dpbackup as that user, or change `history` in the settings");
    Some((cannot(&said(&error.into())), advice))
}

/// Whether a file is there, or may be, where nobody may look.
fn is_or_may_be(path: &Path) -> bool {
    !path
        .symlink_metadata()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// An id that history does not know is a mistake of whoever typed it.
pub(in crate::commands) fn found<T>(outcome: Result<T, HistoryError>) -> Result<T, CommandError> {
    outcome.map_err(|error| match error {
        HistoryError::NotFound { .. } => CommandError::new(Exit::Usage, error),
        other => other.into(),
    })
}

/// Prints data on stdout; a full disk behind it is an error. Where a signal ended the wait for a reader, the
/// command ends as it would: the signal counts at the end of the process.
pub(in crate::commands) fn print(ui: Ui, text: &str) -> Result<(), CommandError> {
    match ui.data(text) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        outcome => outcome
            .context("writing to stdout")
            .map_err(|error| CommandError::new(Exit::Failed, error)),
    }
}

/// Prints data for people, with its states in colour where stdout shows some.
pub(in crate::commands) fn print_states(ui: Ui, text: &str) -> Result<(), CommandError> {
    match ui.data_color {
        true => print(ui, &states(text)),
        false => print(ui, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_refused_a_place_is_shown_who_is_not() {
        let hint = |kind: io::ErrorKind| {
            let error = anyhow::Error::new(io::Error::from(kind)).context("make the folder a/b");
            let error = CommandError::new(Exit::Failed, error).unless_denied(Path::new("a"));
            error.hint.unwrap_or_default()
        };
        assert!(hint(io::ErrorKind::PermissionDenied).contains("`ls -ld a` shows who may"));
        assert_eq!(hint(io::ErrorKind::NotFound), "");
    }
}
