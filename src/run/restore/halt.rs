//! How whatever goes wrong on the way ends a restore.

use crate::lock::LockError;
use crate::run::error::RunTrouble;
use crate::run::failure::{Failure, Trouble};
use crate::run::ledger::LedgerError;
use crate::run::status::Status;

/// What ends a restore early.
pub(super) enum Halt {
    Failure(Failure),
    Trouble(RunTrouble),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<RunTrouble> for Halt {
    fn from(trouble: RunTrouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<LedgerError> for Halt {
    fn from(error: LedgerError) -> Self {
        Self::Trouble(error.into())
    }
}

impl From<LockError> for Halt {
    fn from(error: LockError) -> Self {
        Self::Trouble(error.into())
    }
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Failure(failure) => Self::Failure(failure),
            Trouble::Ledger(error) => error.into(),
        }
    }
}

/// The target, or something on the way to it, is not as it must be.
pub(super) fn refused(why: impl Into<String>) -> Failure {
    Failure::new(Status::RestoreRefused, why)
}
