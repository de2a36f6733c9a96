//! Why a plan could not be run to a recorded end.

use crate::exit::Exit;
use crate::lock::LockError;
use crate::run::event::LedgerError;

/// A plan could not be run to a recorded end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The history file cannot be written any more.
    #[error("the history cannot be written; {}", left(*.still_quiesced))]
    Ledger {
        /// Why.
        #[source]
        error: LedgerError,
        /// Whether a device could not be confirmed to be as it was found.
        still_quiesced: bool,
    },
    /// The locks beside the history file cannot be used.
    #[error("the locks beside the history file cannot be used; {}", left(*.still_quiesced))]
    Lock {
        /// Why.
        #[source]
        error: LockError,
        /// Whether a device could not be confirmed to be as it was found.
        still_quiesced: bool,
    },
}

/// How the devices are left, for whoever reads the error at night.
fn left(still_quiesced: bool) -> &'static str {
    match still_quiesced {
        true => {
            "SOMETHING MAY STILL BE QUIESCED: look at the devices, and run dpbackup recover as soon as this is mended"
        }
        false => "nothing was left quiesced",
    }
}

impl From<LockError> for RunError {
    fn from(error: LockError) -> Self {
        Self::Lock {
            error,
            still_quiesced: false,
        }
    }
}

impl From<LedgerError> for RunError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger {
            error,
            still_quiesced: false,
        }
    }
}

impl RunError {
    /// What it means for the process.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Ledger { still_quiesced, .. } | Self::Lock { still_quiesced, .. } if *still_quiesced => {
                Exit::StillQuiesced
            }
            Self::Ledger { .. } | Self::Lock { .. } => Exit::History,
        }
    }

    /// The same, after something that left a device quiesced, or did not.
    #[must_use]
    pub fn after(mut self, quiesced: bool) -> Self {
        let (Self::Ledger { still_quiesced, .. } | Self::Lock { still_quiesced, .. }) = &mut self;
        *still_quiesced |= quiesced;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_how_the_devices_are_left_and_the_exit_code_agrees() {
        for (quiesced, words, exit) in [
            (false, "nothing was left quiesced", Exit::History),
            (true, "SOMETHING MAY STILL BE QUIESCED", Exit::StillQuiesced),
        ] {
            let error = RunError::from(LedgerError("full".to_owned(), None)).after(quiesced);
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(error.exit(), exit);
        }
    }
}
