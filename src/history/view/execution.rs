//! Executions, and what was said of them.

use std::time::Duration;

use jiff::Timestamp;

use crate::history::view::file::{ChangeRow, FailedFileRow, FileRow};
use crate::history::view::rehearsal::RehearsalRow;
use crate::run::event::{ActionKind, ActivityId, DeviceFacts, OutOfService, PlanId, ScriptRun, TaskId};
use crate::run::status::Status;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::change::ChangeList;

/// An execution of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRow {
    pub id: PlanId,
    pub start_time: Timestamp,
    pub plan: String,
    /// How many devices were to be backed up.
    pub devices: u64,
    /// How many domains were to be exported.
    pub domains: u64,
    /// How it stands or ended.
    pub status: Status,
    /// Why, if it did not succeed; `None` where it did, or has not ended.
    pub error_message: Option<String>,
    /// When it came to that status.
    pub status_time: Timestamp,
    /// When it ended; `None` as long as nobody has recorded an end, whether its process lives or not.
    pub end_time: Option<Timestamp>,
    /// How long it took by a clock that nobody sets, if that was recorded (see [`PlanRow::took`]).
    pub took_recorded: Option<Duration>,
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
    pub id: ActivityId,
    /// The plan execution it belongs to.
    pub plan: PlanId,
    /// When it came to its status.
    pub status_time: Timestamp,
    /// The device pattern as written.
    pub device_pattern: String,
    /// The domain pattern as written.
    pub domain_pattern: String,
    pub action: ActionKind,
    /// How it stands or ended.
    pub status: Status,
    pub successful_tasks: u64,
    /// Tasks that went wrong.
    pub failed_tasks: u64,
    /// Tasks that were left out or cancelled.
    pub skipped_tasks: u64,
    /// Whether its tasks quiesce.
    pub quiesce: bool,
    /// When it was opened.
    pub start_time: Timestamp,
    /// When it ended; `None` as long as nobody has recorded an end, whether its process lives or not.
    pub end_time: Option<Timestamp>,
}

/// An execution of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
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
    /// Why, if it did not succeed; `None` where it did, or has not ended.
    pub error_message: Option<String>,
    pub action: ActionKind,
    /// When it was opened.
    pub start_time: Timestamp,
    /// When it ended; `None` as long as nobody has recorded an end, whether its process lives or not.
    pub end_time: Option<Timestamp>,
    /// How long it took by a clock that nobody sets, if that was recorded (see [`TaskRow::took`]).
    pub took_recorded: Option<Duration>,
    /// What the device said about itself.
    pub facts: DeviceFacts,
    /// Whether the domain had changes that were not saved; `None` where that was not looked at.
    pub unsaved_changes: Option<bool>,
    /// The certificate that a secure backup is encrypted for, as far as the device told it; `None` of an
    /// export, and where nothing was told.
    pub certificate: Option<CertificateFacts>,
    /// How many objects and files those were; `None` where that is not known.
    pub unsaved_objects: Option<u64>,
    /// How long its device or domain was out of service for it; `None` where an older version
    /// wrote the row.
    pub out_of_service: Option<OutOfService>,
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
    pub message: String,
    /// When.
    pub time: Timestamp,
}

/// A status that an execution has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// Which one.
    pub status: Status,
    pub time: Timestamp,
}

/// Everything about one task execution.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskDetails {
    /// The execution itself, with the facts of its device.
    pub task: TaskRow,
    pub files: Vec<FileRow>,
    /// What changed in them against those before: of each the first thousand changes.
    pub changes: Vec<ChangeRow>,
    /// What it found that was not saved; `None` where that is not known, or was not looked at.
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

/// A task execution, as far as it counts for a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskOfDay<'r> {
    /// The device, or the raw pattern where none matched.
    pub device_name: &'r str,
    /// The domain, `all-domains`, or the raw pattern where it was not expanded.
    pub domain_name: &'r str,
    pub action: ActionKind,
    /// How it stands or ended.
    pub status: Status,
    /// When it was opened.
    pub start_time: Timestamp,
    /// Whether it has a warning.
    pub warned: bool,
    /// Whether what it stored is not what it was, as a later look has found.
    pub is_damaged: bool,
}

impl PlanRow {
    /// How long it took; `None` where it has not ended, or nobody knows.
    pub fn took(&self) -> Option<Duration> {
        took(
            self.took_recorded,
            self.status,
            Some(self.start_time),
            self.end_time,
        )
    }
}

impl TaskRow {
    /// How long it took since it `began`, if it did; `None` where it has not ended, or nobody knows.
    pub fn took(&self, began: Option<Timestamp>) -> Option<Duration> {
        took(self.took_recorded, self.status, began, self.end_time)
    }
}

/// The length that was recorded; of a row that an older version wrote what times of day tell. The end of what was
/// abandoned is when that was found out, and where the clock was put back nobody knows.
fn took(
    recorded: Option<Duration>,
    status: Status,
    began: Option<Timestamp>,
    ended: Option<Timestamp>,
) -> Option<Duration> {
    if recorded.is_some() || status == Status::Abandoned {
        return recorded;
    }
    Duration::try_from(ended?.duration_since(began?)).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_what_was_recorded_and_of_old_rows_what_times_of_day_tell() {
        let at = |second| Timestamp::from_second(second).ok();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let good = Status::Success;
        assert_eq!(took(seconds(3), good, at(10), at(172_810)), seconds(3));
        assert_eq!(took(seconds(3), good, at(10), at(9)), seconds(3));
        assert_eq!(took(None, good, at(10), at(12)), seconds(2));
        // Nobody knows.
        assert_eq!(took(None, good, at(10), at(9)), None);
        assert_eq!(took(None, good, None, at(9)), None);
        assert_eq!(took(None, Status::Abandoned, at(10), at(12)), None);
    }
}
