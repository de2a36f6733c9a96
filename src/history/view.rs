//! What history answers: rows of executions, files and notes, as plain data.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::run::event::{
    ActionKind, ActivityId, DeviceFacts, FileKind, FileProof, OutOfService, PlanId, ScriptRun, TaskId,
};
use crate::run::status::Status;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::change::{ChangeList, ConfigChange};
use crate::values::lacks::Lacks;
use crate::values::pattern::is_pattern;
use crate::values::rehearsal::RehearsalResult;

/// Which plan executions to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFilter {
    /// Of this plan.
    pub plan: Option<String>,
    /// In this status; with one that tasks alone end in, those that have such a task.
    pub status: Option<Status>,
    /// That were to back up this device.
    pub device: Option<String>,
    /// Started then or later.
    pub since: Option<Timestamp>,
    /// At most so many, the most recent ones.
    pub limit: u32,
}

impl Default for PlanFilter {
    /// The 40 most recent ones.
    fn default() -> Self {
        PlanFilter {
            plan: None,
            status: None,
            device: None,
            since: None,
            limit: 40,
        }
    }
}

impl PlanFilter {
    /// Whether it leaves out any but the oldest ones.
    pub fn narrows(&self) -> bool {
        self.plan.is_some() || self.status.is_some() || self.device.is_some() || self.since.is_some()
    }
}

/// An execution of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// Its id.
    pub id: PlanId,
    /// When it started.
    pub start_time: Timestamp,
    /// The plan's name.
    pub plan: String,
    /// How many devices were to be backed up.
    pub devices: u64,
    /// How many domains were to be exported.
    pub domains: u64,
    /// How it stands or ended.
    pub status: Status,
    /// Why, if it did not succeed.
    pub error_message: Option<String>,
    /// When it came to that status.
    pub status_time: Timestamp,
    /// When it ended, if it did.
    pub end_time: Option<Timestamp>,
    /// The plan file it was read from.
    pub plan_file: String,
    /// Whether a person asked for the window to be ignored.
    pub window_ignored: bool,
    /// The version of dpbackup that ran it.
    pub dpbackup_version: String,
}

/// An execution of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    /// Its id.
    pub id: ActivityId,
    /// The plan execution it belongs to.
    pub plan: PlanId,
    /// When it came to its status.
    pub status_time: Timestamp,
    /// The device pattern as written.
    pub device_pattern: String,
    /// The domain pattern as written.
    pub domain_pattern: String,
    /// What it does.
    pub action: ActionKind,
    /// How it stands or ended.
    pub status: Status,
    /// Tasks that succeeded.
    pub successful_tasks: u64,
    /// Tasks that went wrong.
    pub failed_tasks: u64,
    /// Tasks that were left out or cancelled.
    pub skipped_tasks: u64,
    /// Whether its tasks quiesce.
    pub quiesce: bool,
    /// When it was opened.
    pub start_time: Timestamp,
    /// When it ended, if it did.
    pub end_time: Option<Timestamp>,
}

/// An execution of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Its id.
    pub id: TaskId,
    /// The plan execution it belongs to.
    pub plan: PlanId,
    /// The activity execution it belongs to.
    pub activity: ActivityId,
    /// When it came to its status.
    pub status_time: Timestamp,
    /// The device, or the raw pattern where none matched.
    pub device_name: String,
    /// The domain, `all-domains`, or the raw pattern where it was not expanded.
    pub domain_name: String,
    /// Files that were downloaded and verified.
    pub files_downloaded: u64,
    /// Files that could not be had.
    pub download_errors: u64,
    /// How it stands or ended.
    pub status: Status,
    /// Why, if it did not succeed.
    pub error_message: Option<String>,
    /// What it does.
    pub action: ActionKind,
    /// When it was opened.
    pub start_time: Timestamp,
    /// When it ended, if it did.
    pub end_time: Option<Timestamp>,
    /// What the device said about itself.
    pub facts: DeviceFacts,
    /// Whether the domain had changes that were not saved, if that was looked at.
    pub unsaved_changes: Option<bool>,
    /// The certificate that a secure backup is encrypted for.
    pub certificate: Option<CertificateFacts>,
    /// How many objects and files those were, if that is known.
    pub unsaved_objects: Option<u64>,
    /// How long its device or domain was out of service for it; `None` where an older version
    /// wrote the row.
    pub out_of_service: Option<OutOfService>,
}

/// Identifies a file in history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub i64);

/// Which changes to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Of these devices and domains.
    pub places: Option<BTreeSet<(String, String)>>,
    /// Of objects of this class.
    pub class: Option<String>,
    /// Of the object, or the file, of this name.
    pub name: Option<String>,
    /// Recorded then or later.
    pub since: Option<Timestamp>,
    /// At most so many, the newest ones.
    pub limit: u32,
}

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

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteLevel {
    /// Worth knowing.
    Note,
    /// Somebody should look.
    Warning,
    /// A device could not be confirmed to be as it was found.
    StillQuiesced,
}

/// A note or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteRow {
    /// How much it matters.
    pub level: NoteLevel,
    /// A sentence.
    pub message: String,
    /// When.
    pub time: Timestamp,
}

/// A status that an execution has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// Which one.
    pub status: Status,
    /// Since when.
    pub time: Timestamp,
}

/// Everything about one task execution.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskDetails {
    /// The execution itself, with the facts of its device.
    pub task: TaskRow,
    /// Its files.
    pub files: Vec<FileRow>,
    /// What changed in them against those before: of each the first thousand changes.
    pub changes: Vec<ChangeRow>,
    /// What it found that was not saved; nothing where that is not known, or was not looked at.
    pub unsaved: Option<ChangeList>,
    /// Files that it could not have.
    pub failed_files: Vec<FailedFileRow>,
    /// Its notes and warnings.
    pub notes: Vec<NoteRow>,
    /// Its runs of scripts.
    pub scripts: Vec<ScriptRun>,
    /// The rehearsals of what it stored, oldest first.
    pub rehearsals: Vec<RehearsalRow>,
}

/// How a device, or a domain of one, stands for one kind of backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRow {
    /// The device's name.
    pub device_name: String,
    /// The domain, or `all-domains`.
    pub domain_name: String,
    /// The kind of backup.
    pub kind: FileKind,
    /// The newest task execution for it, whichever way it ended.
    pub last_task: TaskId,
    /// How that one stands or ended.
    pub last_status: Status,
    /// When it came to that.
    pub last_time: Timestamp,
    /// The newest good backup, if there ever was one.
    pub good: Option<GoodBackup>,
}

impl TargetRow {
    /// Whether it is a pattern that could not be expanded, and of which no domain is known.
    pub fn is_pattern(&self) -> bool {
        is_pattern(&self.domain_name)
    }
}

/// A backup whose task succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoodBackup {
    /// The task execution.
    pub task: TaskId,
    /// When that ended.
    pub time: Timestamp,
    /// Bytes of all its files of this kind.
    pub size: u64,
}

/// A task execution, as far as it counts for a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskOfDay<'r> {
    /// The device, or the raw pattern where none matched.
    pub device_name: &'r str,
    /// The domain, `all-domains`, or the raw pattern where it was not expanded.
    pub domain_name: &'r str,
    /// What it does.
    pub action: ActionKind,
    /// How it stands or ended.
    pub status: Status,
    /// When it was opened.
    pub start_time: Timestamp,
    /// Whether it has a warning.
    pub warned: bool,
}

/// A domain whose running configuration was not its saved one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsavedTarget {
    /// The device's name.
    pub device_name: String,
    /// The domain, or `all-domains`.
    pub domain_name: String,
    /// The task execution that saw it.
    pub task: TaskId,
    /// When that began.
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

/// Which stored files to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFilter {
    /// All of them.
    All,
    /// Those of one device.
    Device(String),
}

impl NoteLevel {
    /// The word in history.
    pub fn code(self) -> &'static str {
        match self {
            NoteLevel::Note => "NOTE",
            NoteLevel::Warning => "WARNING",
            NoteLevel::StillQuiesced => "STILL_QUIESCED",
        }
    }
}

/// Identifies a rehearsal in history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RehearsalId(pub i64);

/// A rehearsal, with what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RehearsalRow {
    /// Its id.
    pub id: RehearsalId,
    /// The task that stored the backup.
    pub task: TaskId,
    /// The device that the backup is of.
    pub device_name: String,
    /// Its domain.
    pub domain_name: String,
    /// The name of the spare.
    pub spare_name: String,
    /// Its firmware, if it told it.
    pub firmware_version: Option<String>,
    /// Its serial number, if it told it.
    pub serial: Option<String>,
    /// When it began.
    pub start_time: Timestamp,
    /// When it ended, if it did.
    pub end_time: Option<Timestamp>,
    /// What came of it. Of one without an end nothing is known.
    pub result: RehearsalResult,
}

/// How the backups of a domain stand with their rehearsals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RehearsedTarget {
    /// The device.
    pub device_name: String,
    /// The domain.
    pub domain_name: String,
    /// The newest one.
    pub last: RehearsalRow,
    /// When the newest good one ended.
    pub good_time: Option<Timestamp>,
}
