//! Rehearsals, and how domains stand with them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::run::event::TaskId;
use crate::values::rehearsal::RehearsalResult;

/// Identifies a rehearsal in history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RehearsalId(pub i64);

/// A rehearsal, with what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RehearsalRow {
    pub id: RehearsalId,
    /// The task that stored the backup.
    pub task: TaskId,
    /// The device that the backup is of.
    pub device_name: String,
    pub domain_name: String,
    pub spare_name: String,
    /// Its firmware; `None` where it did not tell it.
    pub firmware_version: Option<String>,
    /// Its serial number; `None` where it did not tell it.
    pub serial: Option<String>,
    pub start_time: Timestamp,
    /// When it ended; `None` as long as nobody has recorded an end.
    pub end_time: Option<Timestamp>,
    /// What came of it. Of one without an end nothing is known.
    pub result: RehearsalResult,
}

/// How the backups of a domain stand with their rehearsals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RehearsedTarget {
    pub device_name: String,
    pub domain_name: String,
    /// The newest one.
    pub last: RehearsalRow,
    /// When the newest good one ended; `None` where none was good.
    pub good_time: Option<Timestamp>,
    /// The tasks whose backups were not good when they were rehearsed last.
    pub bad: BTreeSet<TaskId>,
}
