//! Files, and what differed in them.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::run::event::{FileKind, FileProof, TaskId};
use crate::run::status::Status;
use crate::values::change::ConfigChange;
use crate::values::lacks::Lacks;

/// Identifies a file in history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub i64);

/// A change from one export to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// Grows with each change that is recorded.
    pub id: i64,
    /// When it was recorded.
    pub time: Timestamp,
    /// The device.
    pub device_name: String,
    /// Of which kind the exports were.
    pub kind: FileKind,
    /// The task that stored the later one.
    pub task: TaskId,
    /// What changed.
    pub change: ConfigChange,
}

/// A file that was downloaded and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Its id.
    pub id: FileId,
    /// The task execution it belongs to.
    pub task: TaskId,
    /// The device it came from.
    pub device_name: String,
    /// The domain, or `all-domains`.
    pub domain_name: String,
    /// Its name, as on the device.
    pub name: String,
    /// Its kind.
    pub kind: FileKind,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// The task execution since which the content has been the same.
    pub unchanged_since: Option<TaskId>,
    /// Where it stands, or would have stood.
    pub path: PathBuf,
    /// False where an unchanged export was not kept.
    pub kept: bool,
    /// Entries of the archive, inner ones included.
    pub entries: Option<u64>,
    /// Configuration objects of the archive.
    pub objects: Option<u64>,
    /// Hash over what the archive says, blind to volatile details.
    pub content: Option<String>,
    /// What it was verified by.
    pub proof: FileProof,
    /// What a restore needs that is not in it, where that is known.
    pub lacks: Option<Lacks>,
    /// How many changes there were against the export before; nothing where there was none
    /// before, or where it is not known.
    pub changes: Option<u64>,
    /// When it was recorded.
    pub time: Timestamp,
    /// When it was about to be removed from the store, if that was begun.
    pub removal_time: Option<Timestamp>,
    /// When it was removed from the store, if it was.
    pub pruned_time: Option<Timestamp>,
}

/// A file that may be removed one day, and what decides about that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrunableFile {
    /// The file.
    pub file: FileRow,
    /// The plan that its task belongs to.
    pub plan: String,
    /// When its task ended, if it did.
    pub task_end: Option<Timestamp>,
    /// How its task stands or ended.
    pub task_status: Status,
}

/// A file that could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedFileRow {
    /// Its name on the device, or the one it would have had.
    pub name: String,
    /// Why.
    pub error_message: String,
    /// When.
    pub time: Timestamp,
}

/// What was removed from the store of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedRow {
    /// The device's name.
    pub device_name: String,
    /// How many files.
    pub files: u64,
    /// Bytes of them all.
    pub size: u64,
}
