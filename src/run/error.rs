//! Why a plan could not be run to a recorded end.

use crate::exit::Exit;
use crate::lock::LockError;
use crate::run::ledger::{LedgerError, LedgerErrorKind};
use crate::run::left::Left;
use crate::run::recover::told::RecoveryDone;
use crate::values::internal_error::InternalError;
use crate::values::invocation::Invocation;

/// What ends a run before its recorded end. It says nothing about devices: whoever ends the run
/// looks, and makes a [`RunError`] of it.
#[derive(Debug, thiserror::Error)]
pub enum RunTrouble {
    /// The history file cannot be read or written any more.
    #[error("the history cannot be used")]
    Ledger(#[from] LedgerError),
    /// The locks beside the history file cannot be used.
    #[error("the locks beside the history file cannot be used")]
    Lock(#[from] LockError),
    /// A mistake of ours.
    #[error("the run broke off")]
    Internal(#[from] InternalError),
}

/// A plan could not be run to a recorded end.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct RunError {
    what: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
    /// What it means for the process where nothing is left of the devices.
    otherwise: Exit,
    /// What is left of the devices: looked at after the trouble.
    pub left: Left,
    /// What was done about dead runs before it: by a recovery alone.
    pub done: Box<RecoveryDone>,
}

impl RunError {
    /// The trouble, what is left of the devices after it, and what is to be said of folders on them.
    pub fn new(trouble: RunTrouble, left: Left, folders: Option<String>, invocation: &Invocation) -> Self {
        let folders = folders.map_or_else(String::new, |folders| format!("; {folders}"));
        let is_damaged =
            matches!(&trouble, RunTrouble::Ledger(error) if error.kind == LedgerErrorKind::Damaged);
        let as_far = match left == Left::Nothing && is_damaged {
            true => ", as far as it could be read",
            false => "",
        };
        let what = format!("{trouble}; {}{as_far}{folders}", left.words(invocation));
        let (source, otherwise): (Box<dyn std::error::Error + Send + Sync>, Exit) = match trouble {
            RunTrouble::Ledger(error) => (Box::new(error), Exit::History),
            RunTrouble::Lock(error) => (Box::new(error), Exit::History),
            RunTrouble::Internal(error) => (Box::new(error), Exit::Internal),
        };
        Self {
            what,
            source,
            otherwise,
            left,
            done: Box::default(),
        }
    }

    /// The same, of a recovery that had done this.
    #[must_use]
    pub fn after(mut self, done: RecoveryDone) -> Self {
        self.done = Box::new(done);
        self
    }

    /// The same, where a mistake of ours led to it.
    #[must_use]
    pub fn of_ours(mut self) -> Self {
        self.otherwise = Exit::Internal;
        self
    }

    /// The same behind something that is graver than it, and may decide what it means for the process.
    #[must_use]
    pub fn behind(self, words: &str, means: Option<Exit>) -> Self {
        Self {
            what: format!("{words}; {}", self.what),
            otherwise: means.unwrap_or(self.otherwise),
            ..self
        }
    }

    /// What it means for the process.
    pub fn exit(&self) -> Exit {
        self.left.exit(self.otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::left::WhyUnknown;

    #[test]
    fn an_error_says_how_the_devices_are_left_and_the_exit_code_agrees() {
        let unknown = Left::Unknown {
            why: WhyUnknown::Journal("the disk".to_owned()),
            open: Vec::new(),
        };
        let full = LedgerErrorKind::Failed;
        for (left, words, kind, exit) in [
            (
                Left::Nothing,
                "no quiesce is open in the journal; a folder",
                full,
                Exit::History,
            ),
            (
                Left::Nothing,
                "no quiesce is open in the journal, as far as it could be read; a folder",
                LedgerErrorKind::Damaged,
                Exit::History,
            ),
            (
                unknown,
                "not known: whether anything is still quiesced",
                full,
                Exit::StillQuiesced,
            ),
        ] {
            let trouble = RunTrouble::from(LedgerError {
                message: "full".to_owned(),
                kind,
                source: None,
            });
            let error = RunError::new(trouble, left, Some("a folder".to_owned()), &Invocation::default());
            assert!(error.to_string().contains(words), "{error}");
            assert!(error.to_string().ends_with("; a folder"), "{error}");
            assert_eq!(error.exit(), exit);
        }
    }
}
