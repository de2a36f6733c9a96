//! The record that a run keeps: what it writes down before it goes on, and what it asks of
//! what was written before.
//!
//! History is the one that ships; tests put others in its place.

use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::gateway::facts::tells_apart;
use crate::run::event::{
    ActionKind, ActivityId, ActivityOpening, Event, FileKind, JournalId, PlanId, PlanOpening, TaskId,
    TaskOpening, Undo,
};
use crate::run::status::Status;
use crate::values::address::Address;
use crate::values::boot_time::BootTime;
use crate::values::certificate_facts::CertificateFacts;

/// What is about to be done to a device, and how it is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoOpening {
    /// The plan execution that its task belongs to.
    pub plan: PlanId,
    /// The task that does it.
    pub task: TaskId,
    /// The device's name.
    pub device: String,
    /// Where it is reached now: a name may lead elsewhere later.
    pub address: Address,
    /// The network address that answers there, if one has: the name may have several.
    pub peer: Option<SocketAddr>,
    /// Its serial number, if it tells one.
    pub serial: Option<String>,
    /// What must be undone.
    pub undo: Undo,
    /// The domains that stand in what is to be quiesced: each must be seen back.
    pub domains: Vec<String>,
}

/// When something is written into the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalTime {
    /// The time of day.
    pub day: Timestamp,
    /// How long the machine has been up, if it tells.
    pub boot: Option<BootTime>,
}

/// How a device answered when it was asked to do what must be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// With OK.
    Accepted,
    /// With words or an error that do not prove that nothing was begun.
    Unclear,
    /// Not at all: the request was given up.
    Silence,
}

/// What a row of the journal learns while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoStep {
    /// The device answered, or did not.
    Replied(Reply),
    /// The device was seen to have done it.
    Seen,
    /// An unquiesce was sent, and the device has answered it.
    Sent,
}

/// A row of the journal that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its id.
    pub id: JournalId,
    /// The plan execution that its task belongs to.
    pub plan: PlanId,
    /// The task that wrote it.
    pub task: TaskId,
    /// The device's name.
    pub device: String,
    /// Where the device was reached; rows of old do not say.
    pub address: Option<Address>,
    /// The network address that answered there; rows of old do not say.
    pub peer: Option<SocketAddr>,
    /// The serial number of the device, if it told one.
    pub serial: Option<String>,
    /// What must be undone.
    pub undo: Undo,
    /// The domains that stood in what was to be quiesced; unknown where nobody wrote them down.
    pub domains: Vec<String>,
    /// The process that wrote it (see [`PlanOpening::process`]).
    pub process: String,
    /// Whether its plan execution has an end in history. Its process wrote that after its last try to undo, or
    /// another one did that had seen it dead: nobody works by this row any more.
    pub plan_has_ended: bool,
    /// When; unknown where that cannot be read.
    pub opened: Option<Timestamp>,
    /// Moments at which it stood already, one of a boot: how old it is at least.
    pub stood: Vec<BootTime>,
    /// How the device answered; unknown where the process died before it could write it.
    pub reply: Option<Reply>,
    /// Whether the device was seen to have done it.
    pub seen: bool,
    /// Whether an unquiesce was sent already, and answered.
    pub sent: bool,
    /// When the last look of whoever tried to undo it showed it, where that could tell; unknown where nobody has tried, or
    /// nobody could look then.
    pub shown: Option<Timestamp>,
}

/// How a row is closed of which it is known that the device was never asked: it was written before the device
/// was out of service, and nothing had to be undone.
pub const NEVER_ASKED: &str = "no secure backup was asked for";

/// How a row is closed of which its own process knows that nothing was done by it.
pub const NOTHING_BEGUN: &str = "nothing was begun on the device";

/// A row of the journal that was closed by another process than the one that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedUndo {
    /// The row.
    pub entry: JournalEntry,
    /// What the device had confirmed, in words.
    pub how: String,
    /// When.
    pub closed: Timestamp,
    /// The plan execution that the process was at then; `None` of a command that has none.
    pub by: Option<PlanId>,
}

/// A quiesce that was written down, and is in no journal any more: the history was emptied, or is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostQuiesce {
    /// The device; `None` where nobody can tell.
    pub device: Option<String>,
    /// Its domain; `None` where it is the whole device, or nobody can tell.
    pub domain: Option<String>,
    /// The file that tells of it.
    pub witness: PathBuf,
}

impl std::fmt::Display for LostQuiesce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.device, &self.domain) {
            (Some(device), Some(domain)) => write!(f, "domain {domain} of {device}"),
            (Some(device), None) => write!(f, "device {device}"),
            (None, _) => f.write_str("a device that is not known"),
        }
    }
}

impl JournalEntry {
    /// The row as it is when it has been opened.
    pub fn opened(id: JournalId, process: &str, at: &JournalTime, opening: &UndoOpening) -> Self {
        Self {
            id,
            plan: opening.plan,
            task: opening.task,
            device: opening.device.clone(),
            address: Some(opening.address.clone()),
            peer: opening.peer,
            serial: opening.serial.clone(),
            undo: opening.undo.clone(),
            domains: opening.domains.clone(),
            process: process.to_owned(),
            plan_has_ended: false,
            opened: Some(at.day),
            stood: at.boot.iter().cloned().collect(),
            reply: None,
            seen: false,
            sent: false,
            shown: None,
        }
    }

    /// Whether it is a quiesce, and neither a folder nor an import, tried or carried out.
    pub fn is_quiesce(&self) -> bool {
        self.undo.is_quiesce()
    }

    /// The network address that answered for the device, where it is still looked for at this `address`.
    pub fn peer_at(&self, address: &Address) -> Option<SocketAddr> {
        self.peer.filter(|_| self.address.as_ref() == Some(address))
    }

    /// Whether the device told a serial number of its own, by which another one that answers is known.
    pub fn has_own_serial(&self) -> bool {
        self.serial.as_deref().is_some_and(tells_apart)
    }

    /// What is to be undone, and on which device.
    pub fn place(&self) -> String {
        let device = &self.device;
        match &self.undo {
            Undo::UnquiesceDevice => format!("device {device}"),
            Undo::UnquiesceDomain(domain) => format!("domain {domain} of {device}"),
            Undo::RemoveFolder(folder) => format!("{folder} on {device}"),
            Undo::NotKnown { why } => {
                format!("something on {device}, by a row of the journal that cannot be relied on ({why})")
            }
            Undo::Import { domain, .. } => format!("an import of {domain} on {device}"),
            Undo::DryRun { domain, .. } => format!("a dry run of an import of {domain} on {device}"),
        }
    }
}

impl std::fmt::Display for JournalEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} (task {} of execution {}",
            self.place(),
            self.task.0,
            self.plan.0
        )?;
        if let Some(opened) = self.opened {
            write!(f, ", since {opened:.0}")?;
        }
        f.write_str(")")
    }
}

/// A plan execution without an end: it is under way, or its process died; which of the two,
/// the kernel lock that `process` names tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedPlan {
    /// Its id.
    pub id: PlanId,
    /// The plan's name.
    pub plan: String,
    /// The process that runs it (see [`PlanOpening::process`]).
    pub process: String,
    /// When it began.
    pub started: Timestamp,
    /// Its status when it was last heard of.
    pub status: Status,
    /// Its tasks without an end, those that never started included. A task that did end may
    /// have left something to undo as well: the journal knows.
    pub unended_tasks: Vec<UnfinishedTask>,
    /// Its activities without an end.
    pub unended_activities: Vec<ActivityId>,
    /// Its tasks that have laid a backup over a domain, or a part of it, and how they ended.
    pub ended_imports: Vec<(TaskId, Status)>,
}

/// What is said of an execution whose process died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeathWords {
    /// At the plan.
    pub plan: String,
    /// At each task of which something was to be undone.
    pub tasks: Vec<(TaskId, String)>,
    /// At each other one without an end.
    pub others: String,
}

impl DeathWords {
    /// What is said at a task.
    pub fn at(&self, task: TaskId) -> &str {
        let own = self.tasks.iter().find(|(own, _)| *own == task);
        own.map_or(&self.others, |(_, words)| words)
    }
}

/// A task without an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedTask {
    /// Its id.
    pub id: TaskId,
    /// The device's name.
    pub device: String,
    /// The domain, or `all-domains`.
    pub domain: String,
    /// What it does.
    pub action: ActionKind,
    /// Its status when it was last heard of.
    pub status: Status,
}

/// The record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct LedgerError {
    /// What could not be done.
    pub message: String,
    /// What it means for what was to be written.
    pub kind: LedgerErrorKind,
    /// What the ledger says about it; `None` where the message says it all.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What an error of a record means for what was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerErrorKind {
    /// Others hold the record now: the same may be written later.
    Held,
    /// It was not tried, for the call before it has not ended: the same may be written later.
    NotTried,
    /// It is not written, or nobody knows whether it is, or will be.
    Failed,
    /// The same; and what was written before may not be there any more, or be damaged.
    Damaged,
}

impl LedgerErrorKind {
    /// Whether the same may be written later, and is not written before.
    pub fn may_be_later(self) -> bool {
        matches!(self, Self::Held | Self::NotTried)
    }
}

/// How long a ledger waits for others who hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As long as it takes others to write what they have.
    Usual,
    /// A moment: a device is out of service meanwhile.
    Short,
    /// Not at all.
    NoWait,
}

/// The record of events. Each call is durable when it returns; but what tells only of the moment (a status on the way, a
/// note) may reach the disk with the next call, so that a power cut can take it.
pub trait Ledger {
    /// How long the calls from now on wait for others who hold it.
    fn patience(&mut self, patience: Patience);

    /// A plan execution begins: its row, in status `WAITING_FOR_PRE_VALIDATION`.
    fn open_plan(&mut self, at: Timestamp, opening: &PlanOpening) -> Result<PlanId, LedgerError>;

    /// An activity of it.
    fn open_activity(&mut self, at: Timestamp, opening: &ActivityOpening) -> Result<ActivityId, LedgerError>;

    /// A task of that.
    fn open_task(&mut self, at: Timestamp, opening: &TaskOpening) -> Result<TaskId, LedgerError>;

    /// Anything after that. The `…Opened` events are known already and change nothing.
    fn record(&mut self, at: Timestamp, event: &Event) -> Result<(), LedgerError>;

    /// Something is about to be done to a device that must be undone, by this process.
    fn open_undo(
        &mut self,
        at: &JournalTime,
        process: &str,
        opening: &UndoOpening,
    ) -> Result<JournalId, LedgerError>;

    /// An open row stood already when the machine had been up so long.
    fn undo_stood(&mut self, id: JournalId, moment: &BootTime) -> Result<(), LedgerError>;

    /// Something became known about an open row.
    fn step_undo(&mut self, at: Timestamp, id: JournalId, step: UndoStep) -> Result<(), LedgerError>;

    /// The device has confirmed to this process that it is undone (or was never done): `how` in words.
    fn close_undo(
        &mut self,
        at: Timestamp,
        process: &str,
        id: JournalId,
        how: &str,
    ) -> Result<(), LedgerError>;

    /// Every row of the journal that another process has closed than the one that opened it, oldest first.
    fn undone_by_others(&mut self) -> Result<Vec<ClosedUndo>, LedgerError>;

    /// The quiesces that were written down by runs that are not at work, and are not in what was written any more.
    fn lost_quiesces(&mut self) -> Result<Vec<LostQuiesce>, LedgerError>;

    /// Every row of the journal that is still open, oldest first.
    fn open_undos(&mut self) -> Result<Vec<JournalEntry>, LedgerError>;

    /// Every plan execution without an end, oldest first.
    fn unfinished_plans(&mut self) -> Result<Vec<UnfinishedPlan>, LedgerError>;

    /// Ends a plan execution whose process died, with its activities and tasks, as
    /// `ABANDONED`; `death` says what was done about it.
    fn abandon(&mut self, at: Timestamp, plan: PlanId, death: &DeathWords) -> Result<(), LedgerError>;

    /// How many files should stand in the store.
    fn files_in_store(&mut self) -> Result<u64, LedgerError>;

    /// The serial number that a device told last, if it ever told one.
    fn last_serial(&mut self, device: &str) -> Result<Option<String>, LedgerError>;

    /// What the newest verified export of this device, domain and kind held.
    fn last_content(
        &mut self,
        device: &str,
        domain: &str,
        kind: FileKind,
    ) -> Result<Option<LastContent>, LedgerError>;

    /// The certificate that the newest good secure backup of this device is encrypted for, of those made for
    /// this object of which the device told something; and the task that made it.
    fn last_certificate(
        &mut self,
        device: &str,
        object: &str,
    ) -> Result<Option<(TaskId, CertificateFacts)>, LedgerError>;
}

/// What the newest verified export of a device, domain and kind held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastContent {
    /// The content hash.
    pub content: String,
    /// The task since which it has been the same.
    pub since: TaskId,
    /// Files that hold it and should stand in the store, newest first. Whether they do,
    /// nobody has looked.
    pub kept: Vec<KeptFile>,
}

/// A file that should stand in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// The task that stored it.
    pub task: TaskId,
    /// Where.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
}
