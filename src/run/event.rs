//! What the engine tells: facts that are recorded, and progress that is only shown.
//!
//! Plain data, known by many and knowing nobody. The engine writes facts to one
//! `Ledger` first (history: durable when the call returns) and then shows them to
//! every [`Sink`] (screen, JSON lines, notifications).

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::run::status::Status;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::change::ChangeList;
use crate::values::lacks::Lacks;

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

/// The word for the whole device where a domain is named.
pub const ALL_DOMAINS: &str = "all-domains";

/// An execution of a plan begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOpening {
    /// The plan's name.
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
    /// What is done.
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
    /// What is done.
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
    /// `SECURE_BACKUP`
    SecureBackup,
    /// `EXPORT_DOMAIN`
    ExportDomain,
}

impl ActionKind {
    /// The word in history.
    pub fn code(self) -> &'static str {
        match self {
            ActionKind::SecureBackup => "SECURE_BACKUP",
            ActionKind::ExportDomain => "EXPORT_DOMAIN",
        }
    }

    /// The word in the arguments of scripts, as DPOD has it.
    pub fn script_word(self) -> &'static str {
        match self {
            ActionKind::SecureBackup => "secureBackup",
            ActionKind::ExportDomain => "exportDomain",
        }
    }
}

/// Something happened that history keeps.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An execution of a plan has its row.
    PlanOpened {
        /// Its id.
        plan: PlanId,
        /// Its facts.
        opening: PlanOpening,
    },
    /// An activity has its row.
    ActivityOpened {
        /// Its id.
        activity: ActivityId,
        /// Its facts.
        opening: ActivityOpening,
    },
    /// A task has its row.
    TaskOpened {
        /// Its id.
        task: TaskId,
        /// Its facts.
        opening: TaskOpening,
    },
    /// A plan went on to another interim status.
    PlanStatus {
        /// Which one.
        plan: PlanId,
        /// The status.
        status: Status,
    },
    /// An activity went on to another interim status.
    ActivityStatus {
        /// Which one.
        activity: ActivityId,
        /// The status.
        status: Status,
    },
    /// A task went on to another interim status.
    TaskStatus {
        /// Which one.
        task: TaskId,
        /// The status.
        status: Status,
    },
    /// What is known of the device of a task.
    TaskFacts {
        /// Which task.
        task: TaskId,
        /// The facts.
        facts: DeviceFacts,
    },
    /// The certificate that a secure backup is encrypted for.
    BackupCertificate {
        /// Which task.
        task: TaskId,
        /// What the device tells of it.
        certificate: CertificateFacts,
    },
    /// Whether the domain of a task had changes that were not saved.
    UnsavedChanges {
        /// Which task.
        task: TaskId,
        /// Whether there were any.
        unsaved: bool,
    },
    /// A quiesce of a task is over, or given up: how long its device or domain was out of service.
    /// A task without one has no such event.
    OutOfService {
        /// Which task.
        task: TaskId,
        /// How long.
        lasted: OutOfService,
    },
    /// A file of a task was verified, and stands under its final name if it was kept.
    FileStored {
        /// Which task.
        task: TaskId,
        /// The file.
        file: StoredFile,
    },
    /// An export of a task was compared with the one before it of the same device, domain and
    /// kind, and differs. What has not changed, or was not there before, is not told.
    ConfigChanged {
        /// Which task.
        task: TaskId,
        /// The kind of export.
        kind: FileKind,
        /// What changed.
        changes: ChangeList,
    },
    /// The two exports of a task were compared: what runs, and what is saved.
    ConfigUnsaved {
        /// Which task.
        task: TaskId,
        /// What runs, and was not saved.
        changes: ChangeList,
    },
    /// A file of a task could not be had.
    FileFailed {
        /// Which task.
        task: TaskId,
        /// Its name on the device, or the one it would have had.
        name: String,
        /// Why.
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
        /// A sentence.
        message: String,
    },
    /// Something worth knowing.
    Note {
        /// The plan or task that it concerns.
        owner: Owner,
        /// A sentence.
        message: String,
    },
    /// A task reached its final status.
    TaskEnded {
        /// Which one.
        task: TaskId,
        /// How.
        status: Status,
        /// Why, if it did not succeed.
        error: Option<String>,
    },
    /// An activity reached its final status.
    ActivityEnded {
        /// Which one.
        activity: ActivityId,
        /// How.
        status: Status,
    },
    /// An execution of a plan reached its final status.
    PlanEnded {
        /// Which one.
        plan: PlanId,
        /// How.
        status: Status,
        /// Why, if it did not succeed.
        error: Option<String>,
    },
    /// An execution of a plan whose process died was ended as `ABANDONED`.
    PlanAbandoned {
        /// Which one.
        plan: PlanId,
        /// The plan's name.
        name: String,
        /// What was done about it.
        error: String,
    },
    /// What a run that died left on a device has been undone and confirmed.
    Recovered {
        /// The task that left it.
        task: TaskId,
        /// The device.
        device: String,
        /// What was undone.
        undo: Undo,
        /// How, in words.
        how: String,
    },
    /// A device could not be confirmed to be as it was found.
    StillQuiesced {
        /// The task that quiesced.
        task: TaskId,
        /// The device.
        device: String,
        /// The domain, or `all-domains`.
        domain: String,
        /// Whether it was seen quiesced.
        certainty: Certainty,
        /// What stands in the way.
        error: String,
    },
}

/// Whether what a task backed up was out of service for it, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfService {
    /// It was not quiesced.
    Never,
    /// From the quiesce that was sent to the unquiesce that the device confirmed.
    For(Duration),
    /// A quiesce was sent, and nobody saw the end.
    NotKnown,
}

impl OutOfService {
    /// Whether a quiesce was sent.
    pub fn is_quiesced(self) -> bool {
        self != OutOfService::Never
    }

    /// How long, in seconds, where that is known and it was at all.
    pub fn seconds(self) -> Option<f64> {
        match self {
            OutOfService::For(time) => Some(time.as_millis() as f64 / 1000.0),
            OutOfService::Never | OutOfService::NotKnown => None,
        }
    }
}

impl std::fmt::Display for OutOfService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OutOfService::Never => f.write_str("no"),
            OutOfService::For(time) => write!(f, "{:.1} s", time.as_secs_f64()),
            OutOfService::NotKnown => f.write_str("not known"),
        }
    }
}

/// What is known of a quiesce that was not confirmed to be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It was carried out, and nothing seen since says that it is undone.
    Seen,
    /// Whether it was carried out, or will be, is not known.
    NotKnown,
}

impl Certainty {
    /// The words that nobody overlooks.
    pub fn words(self) -> &'static str {
        match self {
            Certainty::Seen => "STILL QUIESCED",
            Certainty::NotKnown => "MAY BE QUIESCED",
        }
    }
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
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DeviceFacts {
    /// `IDG.10.5.0.1`
    pub firmware_version: Option<String>,
    /// Build number.
    pub build: Option<String>,
    /// As the device writes it, `2019/08/09 15:50:38`.
    pub build_date: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Machine type, `8441`.
    pub machine_type: Option<String>,
    /// Model type.
    pub model_type: Option<String>,
    /// How its certificate was trusted.
    pub tls_trust: Option<String>,
}

/// What kind of file a task stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A part of a secure backup, its manifest included.
    SecureBackup,
    /// An export of the saved configuration.
    Persisted,
    /// An export of the running configuration.
    NonPersisted,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [FileKind; 3] = [
        FileKind::SecureBackup,
        FileKind::Persisted,
        FileKind::NonPersisted,
    ];

    /// The word in history and in file names.
    pub fn code(self) -> &'static str {
        match self {
            FileKind::SecureBackup => "secure-backup",
            FileKind::Persisted => "persisted",
            FileKind::NonPersisted => "nonpersisted",
        }
    }
}

/// What a file was verified by. It is never taken for more than it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileProof {
    /// Every byte counts in a hash that the device gave with it, or, of a manifest, in its sense.
    Whole,
    /// Nothing but its size could be compared: the device gave a checksum of no known kind, or none.
    SizeOnly,
    /// Not even that: it is there under its name.
    NameOnly,
}

impl FileProof {
    /// Each of them.
    pub const ALL: [FileProof; 3] = [FileProof::Whole, FileProof::SizeOnly, FileProof::NameOnly];

    /// The word in history.
    pub fn code(self) -> &'static str {
        match self {
            FileProof::Whole => "WHOLE",
            FileProof::SizeOnly => "SIZE_ONLY",
            FileProof::NameOnly => "NAME_ONLY",
        }
    }

    /// What limits it, in words; nothing where nothing does.
    pub fn limit(self) -> Option<&'static str> {
        match self {
            FileProof::Whole => None,
            FileProof::SizeOnly => Some("size only"),
            FileProof::NameOnly => Some("name only"),
        }
    }
}

/// `true` where every byte was compared, and otherwise what was.
impl serde::Serialize for FileProof {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.limit() {
            None => serializer.serialize_bool(true),
            Some(limit) => serializer.serialize_str(limit),
        }
    }
}

/// A file that was downloaded and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name, as on the device.
    pub name: String,
    /// Its kind.
    pub kind: FileKind,
    /// Where it stands; where it would have stood if it was not kept.
    pub path: PathBuf,
    /// False where an unchanged export was not kept.
    pub kept: bool,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// Entries of the archive, inner ones included.
    pub entries: Option<u64>,
    /// Configuration objects of the archive.
    pub objects: Option<u64>,
    /// Hash over what the archive says, blind to volatile details.
    pub content: Option<String>,
    /// The task since which the content has been the same.
    pub unchanged_since: Option<TaskId>,
    /// What it was verified by.
    pub proof: FileProof,
    /// What a restore needs that is not in it, of an export.
    pub lacks: Option<Lacks>,
}

/// When a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScriptMoment {
    /// Before.
    Pre,
    /// After.
    Post,
}

/// One run of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptRun {
    /// Before or after.
    pub moment: ScriptMoment,
    /// The file.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// When it started.
    pub started: Timestamp,
    /// How long it ran.
    pub duration: Duration,
    /// How it ended.
    pub end: ScriptEnd,
    /// The last 64 KiB of what it printed.
    pub output: String,
    /// How many bytes it printed in all.
    pub output_bytes: u64,
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptEnd {
    /// With a return code; 0 is success.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// It was ended at its timeout.
    TimedOut(Duration),
    /// It was ended because the run was interrupted.
    Interrupted,
    /// It could not be started.
    NotStarted(String),
}

impl ScriptEnd {
    /// Whether the script did its work.
    pub fn is_success(&self) -> bool {
        *self == ScriptEnd::Code(0)
    }
}

impl std::fmt::Display for ScriptEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ScriptEnd::Code(code) => write!(f, "return code {code}"),
            ScriptEnd::Signal(signal) => write!(f, "ended by signal {signal}"),
            ScriptEnd::TimedOut(limit) => {
                write!(
                    f,
                    "ended after its timeout of {}",
                    humantime::format_duration(*limit)
                )
            }
            ScriptEnd::Interrupted => f.write_str("ended because the run was interrupted"),
            ScriptEnd::NotStarted(why) => write!(f, "could not be started: {why}"),
        }
    }
}

/// What must be undone on a device, written down before it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Unquiesce the whole device.
    UnquiesceDevice,
    /// Unquiesce this domain.
    UnquiesceDomain(String),
    /// Remove this folder of ours, `temporary:///dpbackup-…`.
    RemoveFolder(String),
}

impl Undo {
    /// The domain it concerns; `all-domains` for the whole device.
    pub fn domain(&self) -> &str {
        match self {
            Undo::UnquiesceDomain(domain) => domain,
            Undo::UnquiesceDevice | Undo::RemoveFolder(_) => ALL_DOMAINS,
        }
    }
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
        /// The device.
        device: String,
        /// What must be undone.
        undo: Undo,
    },
    /// It is undone, or was given up: nothing more is done about it now.
    UndoOver {
        /// Its row in the journal.
        journal: JournalId,
    },
    /// A wait with a limit began or goes on.
    Waiting {
        /// The device.
        device: String,
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
        /// The device.
        device: String,
        /// The file.
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

    /// What could not be shown since the last call, a sentence each.
    fn take_warnings(&mut self) -> Vec<String> {
        Vec::new()
    }
}
