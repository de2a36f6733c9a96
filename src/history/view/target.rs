//! How devices and domains stand.

use jiff::Timestamp;

use crate::run::event::{FileKind, TaskId};
use crate::run::status::Status;
use crate::values::pattern::NamedDomain;

/// How a device, or a domain of one, stands for one kind of backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRow {
    pub device_name: String,
    /// The domain, or `all-domains`, or a pattern.
    pub domain_name: String,
    /// Whether that is a pattern, of which no domain is known.
    pub is_pattern: bool,
    /// The kind of backup.
    pub kind: FileKind,
    /// The newest task execution for it, whichever way it ended.
    pub last_task: TaskId,
    /// How that one stands or ended.
    pub last_status: Status,
    /// When it came to that.
    pub last_time: Timestamp,
    /// The newest good backup; `None` where there never was one.
    pub good: Option<GoodBackup>,
}

impl TargetRow {
    /// What it is of.
    pub fn domain(&self) -> NamedDomain<'_> {
        match self.is_pattern {
            true => NamedDomain::Pattern(&self.domain_name),
            false => NamedDomain::One(&self.domain_name),
        }
    }
}

/// A backup whose task succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoodBackup {
    pub task: TaskId,
    pub time: Timestamp,
    /// Bytes of all its files of this kind.
    pub size: u64,
}

/// A domain whose running configuration was not its saved one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsavedTarget {
    pub device_name: String,
    /// The domain, or `all-domains`.
    pub domain_name: String,
    /// The task execution that saw it.
    pub task: TaskId,
    pub time: Timestamp,
}

/// How many characters the longest names have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongestNames {
    pub device: u64,
    pub domain: u64,
}
