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
    pub device_name: String,
    /// Of which kind the exports were.
    pub kind: FileKind,
    /// The task that stored the later one.
    pub task: TaskId,
    pub change: ConfigChange,
}

/// A file that was downloaded and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    pub id: FileId,
    /// The task execution it belongs to.
    pub task: TaskId,
    /// The device it came from.
    pub device_name: String,
    /// The domain, or `all-domains`.
    pub domain_name: String,
    /// Its name, as on the device.
    pub name: String,
    pub kind: FileKind,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// The task execution since which the content has been the same; `None` where it is the first with
    /// that content, or that is not known.
    pub unchanged_since: Option<TaskId>,
    /// Where it stands, or would have stood.
    pub path: PathBuf,
    /// False where an unchanged export was not kept.
    pub kept: bool,
    /// How many entries the archive has, inner ones included; `None` of a part of a secure backup.
    pub entries: Option<u64>,
    /// How many configuration objects the archive has; `None` of a part of a secure backup.
    pub objects: Option<u64>,
    /// Hash over what the archive says, blind to volatile details; `None` of a part of a secure backup,
    /// and where it could not be told: then nothing is known to say the same.
    pub content: Option<String>,
    /// What it was verified by.
    pub proof: FileProof,
    /// What a restore needs that is not in it; `None` where that is not known.
    pub lacks: Option<Lacks>,
    /// How many changes there were against the export before; `None` where there was none before, or
    /// where it is not known.
    pub changes: Option<u64>,
    /// When it was recorded.
    pub time: Timestamp,
    /// When a `prune` announced that it would remove it; `None` where none did.
    pub removal_time: Option<Timestamp>,
    /// When it was removed from the store; `None` where no `prune` recorded that.
    pub pruned_time: Option<Timestamp>,
    /// Why it is not what was stored, as somebody has read it since; `None` where nobody found that, or a later look found
    /// it good.
    pub damage: Option<String>,
    /// When that was found.
    pub damage_time: Option<Timestamp>,
}

/// A file that may be removed one day, and what decides about that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrunableFile {
    pub file: FileRow,
    /// The plan that its task belongs to.
    pub plan: String,
    /// When its task ended; `None` as long as it has not.
    pub task_end: Option<Timestamp>,
    /// How its task stands or ended.
    pub task_status: Status,
    /// It was taken before an import that was sent, or was about to be.
    pub is_before_import: bool,
}

/// A file that could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedFileRow {
    /// Its name on the device, or the one it would have had.
    pub name: String,
    pub error_message: String,
    /// When.
    pub time: Timestamp,
}

/// What was removed from the store of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedRow {
    pub device_name: String,
    pub files: u64,
    /// Bytes of them all.
    pub size: u64,
}
