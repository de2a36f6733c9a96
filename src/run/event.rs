//! What the engine tells: facts that are recorded, and progress that is only shown.
//!
//! Plain data, known by many and knowing only small values. The engine writes facts to one
//! `Ledger` first (history) and then shows them to every [`Sink`] (screen, JSON lines,
//! notifications).

mod opening;
mod receiver_warning;
mod script_run;
mod stored_file;
mod undo;

use std::time::Duration;

use jiff::Timestamp;

use crate::run::status::Status;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::change::ChangeList;

pub use crate::values::all_domains::ALL_DOMAINS;
pub use opening::{
    ActionKind, ActivityId, ActivityOpening, JournalId, PlanId, PlanOpening, TaskId, TaskOpening,
};
pub use receiver_warning::{MissedNotice, ReceiverWarning};
pub use script_run::{ScriptMoment, ScriptRun};
pub use stored_file::{FileKind, FileProof, StoredFile};
pub use undo::{Certainty, OutOfService, StillQuiesced, Undo};

/// Something happened that history keeps.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An execution of a plan has its row.
    PlanOpened {
        plan: PlanId,
        /// Its facts.
        opening: PlanOpening,
    },
    /// An activity has its row.
    ActivityOpened {
        activity: ActivityId,
        /// Its facts.
        opening: ActivityOpening,
    },
    /// A task has its row.
    TaskOpened {
        task: TaskId,
        /// Its facts.
        opening: TaskOpening,
    },
    /// A plan went on to another interim status.
    PlanStatus {
        /// Which one.
        plan: PlanId,
        status: Status,
    },
    /// An activity went on to another interim status.
    ActivityStatus {
        /// Which one.
        activity: ActivityId,
        status: Status,
    },
    /// A task went on to another interim status.
    TaskStatus {
        /// Which one.
        task: TaskId,
        status: Status,
    },
    /// What is known of the device of a task.
    DeviceFacts { task: TaskId, facts: DeviceFacts },
    /// The certificate that a secure backup is encrypted for.
    BackupCertificate {
        task: TaskId,
        /// What the device tells of it.
        certificate: CertificateFacts,
    },
    /// Whether the domain of a task had changes that were not saved.
    UnsavedChanges {
        task: TaskId,
        /// Whether there were any.
        unsaved: bool,
    },
    /// A quiesce of a task is over, or given up: how long its device or domain was out of service.
    /// A task without one has no such event.
    OutOfService { task: TaskId, lasted: OutOfService },
    /// A file of a task was verified, and stands under its final name if it was kept.
    FileStored { task: TaskId, file: StoredFile },
    /// An export of a task was compared with the one before it of the same device, domain and
    /// kind, and differs. What has not changed, or was not there before, is not told.
    ConfigChanged {
        task: TaskId,
        /// The kind of export.
        kind: FileKind,
        changes: ChangeList,
    },
    /// The two exports of a task were compared: what runs, and what is saved.
    ConfigUnsaved {
        task: TaskId,
        /// What runs, and was not saved.
        changes: ChangeList,
    },
    /// A file of a task could not be had.
    FileFailed {
        task: TaskId,
        /// Its name on the device, or the one it would have had.
        name: String,
        error: String,
    },
    /// A script ended, whichever way.
    ScriptEnded {
        /// Whose script it was.
        owner: Owner,
        /// The run of it.
        script: ScriptRun,
    },
    /// Something that somebody should look at, without being a failure.
    Warning {
        /// The plan or task that it concerns.
        owner: Owner,
        message: String,
        /// The row of the journal that it is about, of which [`Event::StillQuiesced`] or [`Event::Recovered`] has told.
        row: Option<JournalId>,
    },
    /// Somebody was not told as they should have been. The plan or task itself is not warned of.
    ReceiverWarned {
        /// The plan or task in whose course that was.
        owner: Owner,
        warning: ReceiverWarning,
    },
    /// Something worth knowing.
    Note {
        /// The plan or task that it concerns.
        owner: Owner,
        message: String,
    },
    /// A task reached its final status.
    TaskEnded {
        /// Which one.
        task: TaskId,
        status: Status,
        /// Why, if it did not succeed.
        error: Option<String>,
        /// How long it took, by a clock that nobody sets; `None` where it never began, or nobody knows.
        took: Option<Duration>,
    },
    /// An activity reached its final status.
    ActivityEnded {
        /// Which one.
        activity: ActivityId,
        status: Status,
    },
    /// An execution of a plan reached its final status.
    PlanEnded {
        /// Which one.
        plan: PlanId,
        status: Status,
        /// Why, if it did not succeed.
        error: Option<String>,
        /// How long it took, by a clock that nobody sets; `None` where nobody knows.
        took: Option<Duration>,
    },
    /// An execution of a plan whose process died was ended as `ABANDONED`.
    PlanAbandoned {
        /// Which one.
        plan: PlanId,
        name: String,
        /// What was done about it.
        error: String,
    },
    /// What a run that died left on a device has been undone and confirmed.
    Recovered {
        row: JournalId,
        /// The task that left it.
        task: TaskId,
        device: String,
        undo: Undo,
        how: String,
    },
    /// A device could not be confirmed to be as it was found.
    StillQuiesced(StillQuiesced),
}

/// Whose script, warning or note it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A plan's.
    Plan(PlanId),
    /// A task's.
    Task(TaskId),
}

/// What a device says about itself. A field it does not answer is `None`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DeviceFacts {
    /// `IDG.10.5.0.1`
    pub firmware_version: Option<String>,
    pub build: Option<String>,
    /// As the device writes it, `2019/08/09 15:50:38`.
    pub build_date: Option<String>,
    pub serial: Option<String>,
    /// Machine type, `8441`.
    pub machine_type: Option<String>,
    pub model_type: Option<String>,
    /// How its certificate was trusted.
    pub tls_trust: Option<String>,
}

/// How far something has come that must be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoStage {
    /// Its request is on its way, or not even that: the device may not get it.
    MayBeSent,
    /// The request was sent.
    Sent,
    /// It is looked at whether the device is the one on which it must be undone: nothing is undone on another. No signal
    /// ends that.
    Looking,
    /// It is being undone, and no signal ends that.
    UnderWay,
}

/// Something that is only shown, not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Devices are asked what they have. A device that is dead is found out by waiting.
    Asking {
        /// Whom one waits for: the first of them by name, and how many more.
        waiting_for: String,
        /// How many have answered, or will not.
        asked: usize,
        /// How many there are.
        of: usize,
    },
    /// All of them have been asked.
    AskingEnded,
    /// From now on this must be undone on a device, whatever comes.
    UndoDue {
        /// Its row in the journal.
        journal: JournalId,
        device: String,
        /// What must be undone.
        undo: Undo,
        stage: UndoStage,
    },
    /// It is undone, or was given up: nothing more is done about it now.
    UndoOver {
        /// Its row in the journal.
        journal: JournalId,
    },
    /// A wait with a limit began or goes on.
    Waiting {
        /// The device; none where a plan is waited for.
        device: Option<String>,
        /// What is waited for, `domain SALES to be quiesced`.
        what: String,
        /// How long it has lasted.
        waited: Duration,
        /// When it is given up.
        limit: Duration,
    },
    /// The wait is over.
    WaitEnded,
    /// Bytes of a file have arrived.
    Downloaded {
        device: String,
        name: String,
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all, where the device said so before.
        total: Option<u64>,
    },
    /// The download is over, whichever way.
    DownloadEnded,
}

/// Shows events to somebody. A sink never changes an outcome.
pub trait Sink {
    /// An event, after it was recorded.
    fn event(&mut self, at: Timestamp, event: &Event);

    /// Progress between events.
    fn progress(&mut self, _progress: &Progress) {}

    /// Who could not be told since the last call, and of what.
    fn take_warnings(&mut self) -> Vec<ReceiverWarning> {
        Vec::new()
    }
}
