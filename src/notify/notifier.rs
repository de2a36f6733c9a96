//! The sink that tells: at once what cannot wait, the rest when a plan ends.

mod about;
mod configuration;
mod measured;
mod news;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::notify::collect::CollectedRun;
use crate::notify::deliver::{self, Delivery};
use crate::notify::notice::{Notice, NoticePlace};
use crate::notify::notifier::news::{News, left_out, not_for_all, not_told};
use crate::notify::past::{IsPlanned, Past};
use crate::notify::receiver::{self, Ready, Receiver};
use crate::notify::send::SendError;
use crate::plan::model::{Plan, PlanFile};
use crate::run::event::{Event, MissedNotice, ReceiverWarning, Sink, TaskId};
use crate::run::status::{Class, Status};
use crate::secret::SecretContext;
use crate::values::environment::Lookup;
use crate::values::event_name::EventName;
use crate::values::machine;

/// Makes the page about a plan, or says why there is none.
type PageMaker<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// Shows who is told and how long at most, until what it gives is dropped.
type ShownTelling<'a> = dyn Fn(&str, Duration) -> Box<dyn Any> + 'a;

/// Tells those who are to be told. Failures to do so are kept as warnings, which the `Record`
/// takes and writes down.
pub struct Notifier<'a> {
    file: &'a PlanFile,
    env: Lookup<'a>,
    past: Option<&'a dyn Past>,
    planned: &'a IsPlanned<'a>,
    zone: TimeZone,
    /// The name of this machine; `None` where it has none.
    host: Option<String>,
    what: NotifierOf,
    run: Option<CollectedRun>,
    pages: Option<&'a PageMaker<'a>>,
    waits: Option<&'a ShownTelling<'a>>,
    /// Whether somebody asked to stop: then what the end tells too is waited for no longer.
    is_stopping: &'a dyn Fn() -> bool,
    /// Receivers that could not be told in this run, and how many messages they missed since.
    unreached: BTreeMap<String, usize>,
    warnings: Vec<ReceiverWarning>,
}

/// Whose executions are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NotifierOf {
    /// Those of plans. Each says who is told.
    Plans,
    /// A restore. It belongs to no plan, and is about a gateway: all are told that the plan file
    /// tells of anything, but for pings, which watch whether a plan runs. A person began it, so
    /// that its beginning is no news, and each end is.
    Restore,
}

impl<'a> Notifier<'a> {
    /// Tells who is in `file`. Without a `past` everything is news, and the metrics stay as
    /// they are; else they have what is `planned`.
    pub fn new(
        file: &'a PlanFile,
        env: Lookup<'a>,
        zone: TimeZone,
        past: Option<&'a dyn Past>,
        planned: &'a IsPlanned<'a>,
    ) -> Self {
        Self {
            file,
            env,
            past,
            planned,
            zone,
            host: machine::name(),
            what: NotifierOf::Plans,
            run: None,
            pages: None,
            waits: None,
            is_stopping: &|| false,
            unreached: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// The same for a restore in place of plans.
    #[must_use]
    pub fn of_restore(mut self) -> Self {
        self.what = NotifierOf::Restore;
        self
    }

    /// The same, with a way to make the page about a plan.
    #[must_use]
    pub fn with_pages(mut self, pages: &'a dyn Fn(&str) -> Result<String, String>) -> Self {
        self.pages = Some(pages);
        self
    }

    /// The same, where somebody watches: `waits` shows who is told and how long that takes at most, until what it
    /// gives is dropped.
    #[must_use]
    pub fn shown_by(mut self, waits: &'a dyn Fn(&str, Duration) -> Box<dyn Any>) -> Self {
        self.waits = Some(waits);
        self
    }

    /// The same, which gives up what can wait once this says that somebody asked to stop.
    #[must_use]
    pub fn stopped_by(mut self, is_stopping: &'a dyn Fn() -> bool) -> Self {
        self.is_stopping = is_stopping;
        self
    }

    /// Tells that a plan could not be run to a recorded end. Does nothing for a plan whose
    /// end was told.
    pub fn broke(&mut self, at: Timestamp, plan: &str, error: &str) {
        if self.run.is_none() {
            self.run = Some(CollectedRun::new(None, plan.to_owned(), at));
        }
        self.broke_off(at, error);
    }

    /// Tells that what was begun could not be brought to a recorded end, if its end was not told.
    pub fn broke_off(&mut self, at: Timestamp, error: &str) {
        self.end(at, Status::Failed, Some(error));
    }

    /// Tells that a backup of this task would not come up, or that nobody can tell.
    pub fn rehearsal_failed(&mut self, at: Timestamp, task: TaskId, device: &str, domain: &str, why: &str) {
        let place = NoticePlace::named(task, device, domain);
        self.about(at, EventName::RehearsalFailed, place, why);
    }

    /// Tells this to those of `receivers` that are given, all at the same time.
    pub fn tell(&self, notice: &Notice, receivers: &[&Receiver<'_>]) -> Vec<Delivery> {
        // Whoever has stopped a run is told of its end, and waits for nothing else.
        let is_given_up = || can_wait(notice.event) && (self.is_stopping)();
        let context = SecretContext {
            folder: self.file.path.parent().unwrap_or(std::path::Path::new(".")),
            environment: self.env,
            variables: &|| self.file.secret_variables(),
            cancelled: &is_given_up,
        };
        let notify = &self.file.notify;
        let names: Vec<&str> = receivers.iter().map(|one| one.name.as_str()).collect();
        let _shown = self
            .waits
            .filter(|_| !names.is_empty())
            .map(|waits| waits(&names.join(", "), deliver::longest(notify.timeout, notify.tries)));
        let shared = Arc::new(notice.clone());
        // Secrets first: the environment belongs to this thread.
        let ready: Vec<(String, Result<Arc<Ready>, SendError>)> = receivers
            .iter()
            .map(|one| (one.name.clone(), one.ready(&notice.plan, &context).map(Arc::new)))
            .collect();
        deliver::to_all(ready, &shared, notify.timeout, notify.tries, &|| !is_given_up())
    }

    /// Those who are told of this plan; of one that the file does not have any more,
    /// everybody.
    pub fn receivers(&self, plan: &str) -> Vec<Receiver<'a>> {
        let file = self.file;
        if let Some(plan) = file.plan(plan) {
            return receiver::of_plan(file, plan);
        }
        let mut all: Vec<Receiver<'a>> = Vec::new();
        for plan in &file.plans {
            for receiver in receiver::of_plan(file, plan) {
                if !all.iter().any(|known| known.is_same_as(&receiver)) {
                    all.push(receiver);
                }
            }
        }
        if self.what == NotifierOf::Restore {
            all.retain(|receiver| !receiver.is_ping());
        }
        all
    }

    /// Whether one of those who are told of this plan can be told of such an event, and this holds of it.
    fn is_any_told(&self, plan: &str, event: EventName, holds: &dyn Fn(&Receiver<'_>) -> bool) -> bool {
        let receivers = self.receivers(plan);
        receivers.iter().any(|one| one.can_say(event) && holds(one))
    }

    /// Tells everybody who wants it, and keeps what went wrong.
    fn publish(&mut self, notice: &Notice, news: &News<'_>) {
        self.publish_to(notice, news, &|_| true);
    }

    /// The same, to those among them who are chosen.
    fn publish_to(&mut self, notice: &Notice, news: &News<'_>, is_chosen: &dyn Fn(&Receiver<'_>) -> bool) {
        let receivers = self.receivers(&notice.plan);
        let mut due = Vec::new();
        for receiver in receivers.iter().filter(|receiver| is_chosen(receiver)) {
            if !news.is_due(receiver, notice, self.past) {
                continue;
            }
            match self.unreached.get_mut(&receiver.name) {
                // A run must not wait anew for each of its tasks.
                Some(missed) if can_wait(notice.event) => *missed += 1,
                _ => due.push(receiver),
            }
        }
        for Delivery {
            receiver,
            place,
            answer,
        } in self.tell(notice, &due)
        {
            match answer {
                Ok(receipt) => {
                    if !receipt.refused.is_empty() {
                        self.warnings
                            .push(not_for_all(&receiver, place.as_deref(), &receipt));
                    }
                    if let Some(missed @ 1..) = self.unreached.remove(&receiver) {
                        self.warnings.push(left_out(&receiver, missed));
                    }
                }
                Err(error) => {
                    self.unreached.entry(receiver.clone()).or_default();
                    let missed = MissedNotice {
                        event: notice.event,
                        execution: notice.execution,
                    };
                    self.warnings
                        .push(not_told(&receiver, missed, place.as_deref(), &error));
                }
            }
        }
    }
}

/// Whether the end says it all once more.
fn can_wait(event: EventName) -> bool {
    matches!(event, EventName::Started | EventName::TaskFailed)
}

/// How long a message takes at most, where anybody is told that one of these plans was interrupted.
pub fn longest_telling<'p>(file: &PlanFile, plans: impl IntoIterator<Item = &'p Plan>) -> Option<Duration> {
    let mut plans = plans.into_iter();
    let is_told = plans.any(|plan| {
        let mut receivers = receiver::of_plan(file, plan).into_iter();
        receivers.any(|one| one.can_say(EventName::Failed) && one.events.contains(EventName::Failed))
    });
    is_told.then(|| deliver::longest(file.notify.timeout, file.notify.tries))
}

impl Sink for Notifier<'_> {
    fn event(&mut self, at: Timestamp, event: &Event) {
        if let Some(run) = &mut self.run {
            run.note(at, event);
        }
        match event {
            Event::PlanOpened { plan, opening } => {
                self.unreached.clear();
                self.run = Some(CollectedRun::new(Some(*plan), opening.plan.clone(), at));
            }
            // What comes before this can still refuse the plan.
            Event::PlanStatus {
                status: Status::Running,
                ..
            } => self.started(at),
            Event::TaskEnded { task, status, .. }
                if status.class() == Class::Failed && *status != Status::Interrupted =>
            {
                self.task_failed(at, *task);
            }
            Event::StillQuiesced(still) => {
                self.about(at, EventName::StillQuiesced, still.into(), &still.error);
            }
            Event::Recovered {
                task,
                device,
                undo,
                how,
                ..
            } if undo.is_quiesce() => {
                let place = NoticePlace::named(*task, device, undo.domain());
                self.about(at, EventName::Recovered, place, how);
            }
            Event::PlanAbandoned { plan, name, error } => self.abandoned(at, *plan, name, error),
            Event::PlanEnded { status, error, .. } => self.end(at, *status, error.as_deref()),
            Event::PlanStatus { .. }
            | Event::ActivityOpened { .. }
            | Event::ActivityStatus { .. }
            | Event::ActivityEnded { .. }
            | Event::TaskOpened { .. }
            | Event::TaskStatus { .. }
            | Event::TaskEnded { .. }
            | Event::DeviceFacts { .. }
            | Event::BackupCertificate { .. }
            | Event::UnsavedChanges { .. }
            | Event::OutOfService { .. }
            | Event::FileStored { .. }
            | Event::FileFailed { .. }
            | Event::ConfigChanged { .. }
            | Event::ConfigUnsaved { .. }
            | Event::ScriptEnded { .. }
            | Event::Warning { .. }
            | Event::ReceiverWarned { .. }
            | Event::Note { .. }
            | Event::Recovered { .. } => {}
        }
    }

    fn take_warnings(&mut self) -> Vec<ReceiverWarning> {
        std::mem::take(&mut self.warnings)
    }
}
