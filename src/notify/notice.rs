//! What somebody is told: the facts, before they are put into words.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::notify::past::{place, trouble};
use crate::run::event::{ActionKind, Certainty, PlanId, StillQuiesced, TaskId};
use crate::run::status::{Class, Status};
use crate::values::change::{ChangeList, ConfigChange};
use crate::values::clock_time::rfc3339;
use crate::values::event_name::EventName;
use crate::values::invocation::Invocation;

/// One message, the same for every receiver.
#[derive(Clone, Debug)]
pub struct Notice {
    pub event: EventName,
    /// When.
    pub time: Timestamp,
    /// Where times are read off.
    pub zone: TimeZone,
    /// The machine that tells; `None` where it has no name.
    pub host: Option<String>,
    /// Whether it only tests that messages arrive.
    pub is_test: bool,
    /// How a command in the message names the plan file.
    pub invocation: Invocation,
    pub plan: String,
    /// Its execution; `None` where history could not record one, or the message is about none.
    pub execution: Option<PlanId>,
    /// When that began; `None` where no run of it is the matter.
    pub started: Option<Timestamp>,
    /// How long the plan took, if this is its end; `None` where nobody knows.
    pub took: Option<Duration>,
    /// How it stands or ended; that of the task on [`EventName::TaskFailed`]; `None` where nothing of the
    /// kind is told.
    pub status: Option<Status>,
    /// Why it did not succeed; what was done on [`EventName::Recovered`]; `None` where it did.
    pub error: Option<String>,
    /// The place that it is about; `None` where it is about a whole plan.
    pub place: Option<NoticePlace>,
    /// The tasks of the plan; the one task on [`EventName::TaskFailed`].
    pub tasks: Vec<NoticeTask>,
    /// What could not be confirmed to be as it was found.
    pub still_quiesced: Vec<NoticePlace>,
    /// What was warned of, of the plan itself and of its tasks: what the end before did not have first.
    pub warnings: Vec<String>,
    /// What was noted beside that, a sentence each.
    pub notes: Vec<String>,
    /// How an end compares to the one before; `None` of what is no end, of a restore, and where the past
    /// could not be read.
    pub change: Option<EndChange>,
    /// What changed in configurations, or is not saved, where that is the matter.
    pub changes: NoticeChanges,
    /// The page about the plan; `None` where its mail is not to have it.
    pub page: Option<NoticePage>,
}

/// The page about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticePage {
    /// It goes with the mail: HTML.
    Attached(Arc<str>),
    /// It does not, for this reason.
    LeftOut(String),
}

/// Changes of configurations: the first of them, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeChanges {
    /// Where there are any, each once, with how many; nothing where that is not known.
    pub places: Vec<(String, Option<u64>)>,
    /// The first twenty.
    pub first: Vec<NoticeChange>,
}

/// A change of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeChange {
    /// The task that found it.
    pub task: TaskId,
    pub device: String,
    /// What it is.
    pub change: ConfigChange,
}

impl NoticeChanges {
    /// How many are told.
    const MOST: usize = 20;

    /// Adds what a task found on a device, in a domain.
    pub fn add(&mut self, task: TaskId, (device, domain): (&str, &str), changes: Option<&ChangeList>) {
        let place = place(device, domain);
        let count = changes.map(|changes| changes.count);
        match self.places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, known)) => *known = known.zip(count).map(|(known, count)| known + count),
            None => self.places.push((place, count)),
        }
        for change in changes.into_iter().flat_map(|changes| &changes.first) {
            if self.first.len() < Self::MOST {
                self.first.push(NoticeChange {
                    task,
                    device: device.to_owned(),
                    change: change.clone(),
                });
            }
        }
    }

    /// How many there are in all, as far as that is known.
    pub fn count(&self) -> u64 {
        self.places.iter().filter_map(|(_, count)| *count).sum()
    }
}

/// A domain of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticePlace {
    /// The task that was there.
    pub task: TaskId,
    pub device: String,
    /// The domain, or `all-domains`.
    pub domain: String,
    /// What is known of its quiesce; `None` where none is the matter.
    pub certainty: Option<Certainty>,
    /// What stands in the way; `None` where nothing does, or that is told of the message as a whole.
    pub error: Option<String>,
}

impl From<&StillQuiesced> for NoticePlace {
    fn from(still: &StillQuiesced) -> Self {
        Self {
            task: still.task,
            device: still.device.clone(),
            domain: still.domain.clone(),
            certainty: Some(still.certainty),
            error: Some(still.error.clone()),
        }
    }
}

impl NoticePlace {
    /// The place of a task, where no quiesce is the matter.
    pub fn named(task: TaskId, device: &str, domain: &str) -> Self {
        Self {
            task,
            device: device.to_owned(),
            domain: domain.to_owned(),
            certainty: None,
            error: None,
        }
    }
}

/// A task, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeTask {
    pub id: TaskId,
    pub action: ActionKind,
    /// The device, or the raw pattern.
    pub device: String,
    /// The domain, `all-domains`, or the raw pattern.
    pub domain: String,
    /// How it stands or ended.
    pub status: Status,
    /// Why it did not succeed.
    pub error: Option<String>,
    /// Files that were verified.
    pub files: u64,
    /// Bytes of those that were kept.
    pub bytes: u64,
    /// When it left the queue; `None` as long as it has not.
    pub began: Option<Timestamp>,
    /// How long it took, from then on; `None` as long as it has not ended, and where it never left the
    /// queue.
    pub took: Option<Duration>,
}

/// How the end of a plan compares to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndChange {
    /// There was none before.
    First,
    /// The same status, and the same tasks did not succeed.
    Again {
        /// When the first of them ended.
        since: Timestamp,
        /// How many there are with this one.
        times: usize,
    },
    /// Something else than before.
    Other {
        /// What was before.
        was: Status,
    },
    /// A success, after something else.
    WellAgain {
        /// What was before.
        was: Status,
        /// When the first of those that were no success ended.
        since: Timestamp,
        /// How many there were.
        times: usize,
    },
}

impl Notice {
    /// A time, as the machine's clock shows it.
    pub fn clock(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S %Z")
            .to_string()
    }

    /// A time as RFC 3339 has it, with milliseconds.
    pub fn rfc3339(&self, time: Timestamp) -> String {
        rfc3339(time, &self.zone)
    }

    /// How many tasks are of one of these classes.
    pub fn count(&self, classes: &[Class]) -> usize {
        self.tasks
            .iter()
            .filter(|task| classes.contains(&task.status.class()))
            .count()
    }

    /// Distinguishes this message from all others, and is the same when it is sent twice.
    pub fn id(&self) -> String {
        let execution = self.execution.map_or(0, |execution| execution.0);
        let task = self
            .place
            .as_ref()
            .map_or_else(String::new, |place| format!("-{}", place.task.0));
        format!("{}-{execution}-{}{task}", self.time.as_millisecond(), self.event)
    }
}

impl NoticeTask {
    /// Whether it did what it should.
    pub fn is_good(&self) -> bool {
        self.status.class() == Class::Success
    }

    /// `TEST8/DOMAIN1`, or the device alone where all of it is meant.
    pub fn place(&self) -> String {
        place(&self.device, &self.domain)
    }

    /// How it stands in the list of what does not succeed.
    pub fn trouble(&self) -> String {
        trouble(self.action, &self.device, &self.domain, self.status)
    }
}

/// What the end of a plan in this status is.
pub fn end_event(status: Status) -> EventName {
    match status.class() {
        Class::Success => EventName::Succeeded,
        Class::Warning | Class::Skipped | Class::Cancelled => EventName::Warned,
        Class::Refused => EventName::Refused,
        Class::Failed | Class::Interim => EventName::Failed,
    }
}
