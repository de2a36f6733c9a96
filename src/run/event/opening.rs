//! What begins, and its number in history.

use std::path::PathBuf;

use crate::run::status::Status;
use crate::values::all_domains::ALL_DOMAINS;
use crate::values::text::printable;

/// Identifies the execution of a plan in history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanId(pub i64);

/// Identifies the execution of an activity in history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityId(pub i64);

/// Identifies the execution of a task in history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub i64);

/// Identifies an open row of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalId(pub i64);

/// An execution of a plan begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOpening {
    pub plan: String,
    /// The plan file it was read from.
    pub plan_file: PathBuf,
    /// Names the kernel lock that lives as long as this process does.
    pub process: String,
    /// Whether a person asked for the window to be ignored.
    pub window_ignored: bool,
}

/// An activity of that plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityOpening {
    /// The plan execution it belongs to.
    pub plan: PlanId,
    pub action: ActionKind,
    /// The device pattern as written.
    pub device_pattern: String,
    /// The domain pattern as written; `all-domains` for a secure backup.
    pub domain_pattern: String,
    /// Whether its tasks quiesce.
    pub quiesce: bool,
}

/// A task of that activity. One that is skipped has its final status from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskOpening {
    /// The plan execution it belongs to.
    pub plan: PlanId,
    /// The activity execution it belongs to.
    pub activity: ActivityId,
    pub action: ActionKind,
    /// The device's name, or the raw device pattern where no device matched.
    pub device: String,
    /// The domain, `all-domains`, or the raw domain pattern where it was not expanded.
    pub domain: String,
    /// Ready, skipped, or failed before it could start.
    pub status: Status,
    /// Why it is skipped or failed.
    pub error: Option<String>,
}

/// What an activity does, without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActionKind {
    SecureBackup,
    ExportDomain,
    /// `RESTORE_DOMAIN`: a backup is laid over a domain. No plan has it.
    RestoreDomain,
}

impl ActionKind {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::SecureBackup, Self::ExportDomain, Self::RestoreDomain];

    /// The word in history.
    pub fn code(self) -> &'static str {
        match self {
            ActionKind::SecureBackup => "SECURE_BACKUP",
            ActionKind::ExportDomain => "EXPORT_DOMAIN",
            ActionKind::RestoreDomain => "RESTORE_DOMAIN",
        }
    }

    /// The word in the arguments of scripts, as DPOD has it.
    pub fn script_word(self) -> &'static str {
        match self {
            ActionKind::SecureBackup => "secureBackup",
            ActionKind::ExportDomain => "exportDomain",
            ActionKind::RestoreDomain => "restoreDomain",
        }
    }

    /// What a task does, for people: `QA1 secure backup`, `TEST8/DOMAIN1 export`.
    pub fn of(self, device: &str, domain: &str) -> String {
        let device = printable(device);
        match (self, domain) {
            (ActionKind::SecureBackup, _) => format!("{device} secure backup"),
            (ActionKind::ExportDomain, ALL_DOMAINS) => format!("{device} export of all domains"),
            (ActionKind::ExportDomain, domain) => format!("{device}/{} export", printable(domain)),
            (ActionKind::RestoreDomain, domain) => format!("{device}/{} restore", printable(domain)),
        }
    }
}
