//! What was before, as far as telling somebody needs it.

use std::time::Duration;

use jiff::Timestamp;

use crate::run::event::{ALL_DOMAINS, ActionKind, FileKind, PlanId, TaskId};
use crate::run::status::Status;
use crate::values::change::ChangeList;
use crate::values::event_name::EventName;
use crate::values::pattern::NamedDomain;

/// What is known of the past. The history file in a run, plain data in a test. An error is
/// a sentence.
pub trait Past {
    /// The newest executions of a plan that have ended, newest first, so many at most: those before this one,
    /// or all of them where it has no id.
    fn ends(
        &self,
        plan: &str,
        which: EndsAsked,
        before: Option<PlanId>,
        most: u32,
    ) -> Result<Vec<PreviousEnd>, String>;

    /// The tasks of an execution that did not succeed, as [`trouble`]
    /// puts them, sorted.
    fn troubles(&self, execution: PlanId) -> Result<Vec<String>, String>;

    /// The warnings of an execution, and of its tasks, each with its place ([`warned_of`]); without those of
    /// somebody who was not told.
    fn warnings(&self, execution: PlanId) -> Result<Vec<String>, String>;

    /// The messages about an execution that somebody did not get, whoever sent them.
    fn missed(&self, execution: PlanId) -> Result<Vec<PastMiss>, String>;

    /// The plan to which a task belongs.
    fn plan_of(&self, task: TaskId) -> Result<(PlanId, String), String>;

    /// What changed in the saved configurations that an execution exported, task by task.
    fn changes_of(&self, execution: PlanId) -> Result<Vec<PreviousChanges>, String>;

    /// Since when the domain has had changes that were not saved, each time a task of the same plan
    /// looked before this one; nothing where the last one found none.
    fn unsaved_before(
        &self,
        device: &str,
        domain: &str,
        before: TaskId,
    ) -> Result<Option<UnsavedBefore>, String>;

    /// What the metrics are made of: these plans, and the targets that are planned.
    fn figures(&self, plans: &[&str], is_planned: &IsPlanned<'_>) -> Result<Figures, String>;
}

/// The past, as long as nobody has found that its disk hangs: whoever asks it then would stand there.
pub struct PastUnless<'a> {
    /// What is known.
    pub past: &'a dyn Past,
    /// Whether it is not asked any more.
    pub is_silent: &'a dyn Fn() -> bool,
}

impl PastUnless<'_> {
    fn ask<T>(&self, ask: impl FnOnce(&dyn Past) -> Result<T, String>) -> Result<T, String> {
        match (self.is_silent)() {
            true => Err("the disk of the history does not answer".to_owned()),
            false => ask(self.past),
        }
    }
}

impl Past for PastUnless<'_> {
    fn ends(
        &self,
        plan: &str,
        which: EndsAsked,
        before: Option<PlanId>,
        most: u32,
    ) -> Result<Vec<PreviousEnd>, String> {
        self.ask(|past| past.ends(plan, which, before, most))
    }

    fn missed(&self, execution: PlanId) -> Result<Vec<PastMiss>, String> {
        self.ask(|past| past.missed(execution))
    }

    fn troubles(&self, execution: PlanId) -> Result<Vec<String>, String> {
        self.ask(|past| past.troubles(execution))
    }

    fn warnings(&self, execution: PlanId) -> Result<Vec<String>, String> {
        self.ask(|past| past.warnings(execution))
    }

    fn plan_of(&self, task: TaskId) -> Result<(PlanId, String), String> {
        self.ask(|past| past.plan_of(task))
    }

    fn changes_of(&self, execution: PlanId) -> Result<Vec<PreviousChanges>, String> {
        self.ask(|past| past.changes_of(execution))
    }

    fn unsaved_before(
        &self,
        device: &str,
        domain: &str,
        before: TaskId,
    ) -> Result<Option<UnsavedBefore>, String> {
        self.ask(|past| past.unsaved_before(device, domain, before))
    }

    fn figures(&self, plans: &[&str], is_planned: &IsPlanned<'_>) -> Result<Figures, String> {
        self.ask(|past| past.figures(plans, is_planned))
    }
}

/// Whether a plan asks for backups of this kind of a device and domain. What none asks for any more is not
/// backed up any more, so that its age means nothing.
pub type IsPlanned<'a> = dyn Fn(&str, NamedDomain<'_>, FileKind) -> bool + 'a;

/// Changes that were not saved before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsavedBefore {
    /// When the first of the tasks looked that found it so without a break.
    pub since: Timestamp,
    /// When the last one did.
    pub last: Timestamp,
    /// The execution of that last one.
    pub execution: PlanId,
    /// Whether that died, and nobody was told by it.
    pub died: bool,
    /// What the last one found that could tell it; `None` where none could.
    pub objects: Option<ChangeList>,
}

/// What a task of an earlier execution found changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousChanges {
    pub task: TaskId,
    pub device: String,
    /// Its domain, or `all-domains`.
    pub domain: String,
    pub changes: ChangeList,
}

/// Which of the ends before are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndsAsked {
    /// All of them.
    All,
    /// Without those that found the plan locked: they say nothing about how the plan itself fares.
    OfItsOwn,
}

/// Goes back over the ends of a plan, newest first. Few are looked at as a rule, so few are read at a time.
pub struct EndsBack<'a> {
    past: &'a dyn Past,
    plan: &'a str,
    which: EndsAsked,
    before: Option<PlanId>,
    read: std::vec::IntoIter<PreviousEnd>,
    is_last: bool,
}

impl<'a> EndsBack<'a> {
    /// So many are read at a time.
    pub const AT_A_TIME: u32 = 50;

    /// From the end before this execution on; from the newest where it has no id.
    pub fn before(past: &'a dyn Past, plan: &'a str, which: EndsAsked, before: Option<PlanId>) -> Self {
        Self {
            past,
            plan,
            which,
            before,
            read: Vec::new().into_iter(),
            is_last: false,
        }
    }

    /// The one before the last that this gave; nothing behind the oldest.
    pub fn back(&mut self) -> Result<Option<PreviousEnd>, String> {
        if self.read.len() == 0 && !self.is_last {
            let ends = self
                .past
                .ends(self.plan, self.which, self.before, Self::AT_A_TIME)?;
            self.is_last = ends.len() < Self::AT_A_TIME as usize;
            self.before = ends.last().map(|end| end.id).or(self.before);
            self.read = ends.into_iter();
        }
        Ok(self.read.next())
    }
}

/// Somebody who did not get a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastMiss {
    /// What it is called.
    pub receiver: String,
    /// Of which event the message was.
    pub event: EventName,
}

/// An execution that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousEnd {
    /// Which one.
    pub id: PlanId,
    pub ended: Timestamp,
    pub status: Status,
}

/// How everything stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Each plan that has run.
    pub plans: Vec<PlanFigures>,
    /// Each device and domain that a task was to back up, and that is planned still.
    pub targets: Vec<TargetFigures>,
    /// Each device and domain whose saved configuration is known to have changed, and is exported still.
    pub changes: Vec<ChangeFigures>,
    /// Each device and domain of which a backup was rehearsed, and that is planned still.
    pub rehearsals: Vec<RehearsalFigures>,
    /// What is or may be quiesced: device and domain.
    pub open_quiesces: Vec<(String, String)>,
}

/// The newest execution of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFigures {
    pub plan: String,
    pub ended: Timestamp,
    pub status: Status,
    /// How long it took; `None` where the clock was put back meanwhile.
    pub took: Option<Duration>,
    /// Bytes that it stored.
    pub bytes: u64,
    /// When one last succeeded; `None` where none ever did.
    pub succeeded: Option<Timestamp>,
}

/// The newest task for one kind of backup of a device or domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFigures {
    pub device: String,
    /// The domain, or `all-domains`.
    pub domain: String,
    /// The kind of backup.
    pub kind: FileKind,
    /// When it came to its status.
    pub time: Timestamp,
    pub status: Status,
    /// How long it took, once it had left the queue; `None` where it has not ended, or never left it.
    pub took: Option<Duration>,
    /// How long it was out of service for that; `None` where it was not, or nobody saw the end.
    pub out_of_service: Option<Duration>,
    /// The newest good backup: when, and how many bytes; `None` where there never was one.
    pub good: Option<(Timestamp, u64)>,
    /// How many objects and files were not saved when the last task looked; `None` where that is not
    /// known.
    pub unsaved: Option<u64>,
}

/// The newest change of a saved configuration. An export of all domains finds those of each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeFigures {
    pub device: String,
    pub domain: String,
    /// When it was found.
    pub time: Timestamp,
}

/// The newest rehearsal of a device's domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RehearsalFigures {
    pub device: String,
    pub domain: String,
    /// When it ended, or began where it did not end.
    pub time: Timestamp,
    /// Whether all that was to be proved was proved.
    pub is_good: bool,
    /// When the newest good one ended; `None` where none was good.
    pub good: Option<Timestamp>,
}

/// A task that did not succeed, in a form that compares equal as long as nothing changes.
pub fn trouble(action: ActionKind, device: &str, domain: &str, status: Status) -> String {
    format!("{} {device}/{domain} {status}", action.code())
}

/// A warning of a task, with its place in front.
pub fn warned_of(device: &str, domain: &str, message: &str) -> String {
    format!("{}: {message}", place(device, domain))
}

/// `TEST8/DOMAIN1`, or the device alone where all of it is meant.
pub fn place(device: &str, domain: &str) -> String {
    match domain {
        ALL_DOMAINS => device.to_owned(),
        domain => format!("{device}/{domain}"),
    }
}
