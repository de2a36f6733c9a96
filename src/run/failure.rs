//! Why a task or a plan did not succeed.

use std::io;

use crate::lock::LockError;
use crate::run::error::RunTrouble;
use crate::run::ledger::LedgerError;
use crate::run::status::Status;
use crate::soma::error::{SomaError, SomaErrorKind};

/// What to do where what came is not what was to come.
pub const AGAIN: &str = "run it again; twice the same is a case for the vendor";

/// A failure: its status, and a sentence with its cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What history shows.
    pub status: Status,
    /// What people read.
    pub message: String,
}

impl Failure {
    /// A failure with this status.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// What a failed exchange with `device` means for a task. `otherwise` is the status
    /// where the kind of the failure does not have one of its own.
    pub fn of_exchange(otherwise: Status, device: &str, error: &SomaError) -> Self {
        let status = match error.kind {
            SomaErrorKind::LoginRefused | SomaErrorKind::Authentication => Status::AuthenticationFailed,
            SomaErrorKind::Interrupted => Status::Interrupted,
            SomaErrorKind::Local(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                Status::NotEnoughFreeSpaceInStore
            }
            SomaErrorKind::Local(_) => Status::DownloadFailed,
            SomaErrorKind::Unreachable
            | SomaErrorKind::Tls
            | SomaErrorKind::NotManagement
            | SomaErrorKind::Unavailable
            | SomaErrorKind::NotAllowed
            | SomaErrorKind::Refused
            | SomaErrorKind::Fault
            | SomaErrorKind::OtherFault
            | SomaErrorKind::TimedOut
            | SomaErrorKind::Broken
            | SomaErrorKind::OtherDevice
            | SomaErrorKind::Malformed => otherwise,
        };
        let again = match (status, error.kind) {
            (Status::DownloadFailed, SomaErrorKind::Broken) => "; run it again",
            _ => "",
        };
        Self::new(status, format!("{device}: {}{again}", words(error)))
    }

    /// A task that was stopped by a signal.
    pub fn interrupted(doing: &str) -> Self {
        Self::new(
            Status::Interrupted,
            format!("interrupted by a signal while {doing}"),
        )
    }
}

/// An error of an exchange with its advice.
pub fn words(error: &SomaError) -> String {
    match &error.hint {
        Some(hint) => format!("{}; {hint}", error.message),
        None => error.message.clone(),
    }
}

/// What ends a step early.
#[derive(Debug)]
pub enum Trouble {
    /// The task, or what has no tasks yet, fails; for tasks the plan's policy decides about the rest.
    Failure(Failure),
    /// There is no going on: the run ends as soon as all is undone.
    Run(RunTrouble),
}

impl Trouble {
    /// The failure, which is told; whatever else it is ends the run.
    pub fn failure(self) -> Result<Failure, RunTrouble> {
        match self {
            Self::Failure(failure) => Ok(failure),
            Self::Run(trouble) => Err(trouble),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<RunTrouble> for Trouble {
    fn from(trouble: RunTrouble) -> Self {
        Self::Run(trouble)
    }
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Run(error.into())
    }
}

impl From<LockError> for Trouble {
    fn from(error: LockError) -> Self {
        Self::Run(error.into())
    }
}
