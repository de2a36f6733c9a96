//! The sink that tells: at once what cannot wait, the rest when a plan ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::notify::collect::{CollectedRun, troubles};
use crate::notify::deliver::{self, Delivery};
use crate::notify::metrics;
use crate::notify::notice::{EndChange, Notice, NoticeChanges, NoticePage, QuiescedPlace, end_event};
use crate::notify::previous::{Previous, UnsavedBefore};
use crate::notify::receiver::{self, Ready, Receiver};
use crate::notify::send::{SendError, within};
use crate::notify::standing::{KnownStanding, is_due_again};
use crate::plan::model::PlanFile;
use crate::run::event::{Event, PlanId, Sink, TaskId};
use crate::run::status::{Class, Status};
use crate::secret::SecretContext;
use crate::values::environment::Lookup;
use crate::values::event_name::EventName;
use crate::values::size::Bytes;
use crate::whole_file::{self, FileMode};

/// A page that is larger is not attached: mail servers refuse large letters.
const MOST_ATTACHED: usize = 1 << 20;

/// Makes the page about a plan, or says why there is none.
type PageMaker<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// Tells those who are to be told. Failures to do so are kept as warnings, to be recorded
/// by whoever has the record.
pub struct Notifier<'a> {
    file: &'a PlanFile,
    env: Lookup<'a>,
    past: Option<&'a dyn Previous>,
    zone: TimeZone,
    host: String,
    what: NotifierOf,
    run: Option<CollectedRun>,
    pages: Option<&'a PageMaker<'a>>,
    /// Receivers that could not be told in this run, and how many messages they missed since.
    unreached: BTreeMap<String, usize>,
    warnings: Vec<String>,
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

/// What makes a message worth sending, beside that somebody wants such messages.
#[derive(Clone, Copy)]
enum News<'s> {
    /// That it happened.
    Always,
    /// Nothing new: the same task failed the same way in the last execution. Its end says
    /// so when it is time.
    KnownTask,
    /// What it is compared to the ends before.
    End(&'s KnownStanding),
    /// What is not saved, place by place: since when that is so, and when it was last found so.
    /// Nothing where it was not so before.
    Unsaved(&'s [Option<UnsavedBefore>]),
}

impl<'a> Notifier<'a> {
    /// Tells who is in `file`. Without a `past` everything is news, and the metrics stay as
    /// they are.
    pub fn new(file: &'a PlanFile, env: Lookup<'a>, zone: TimeZone, past: Option<&'a dyn Previous>) -> Self {
        Self {
            file,
            env,
            past,
            zone,
            host: host(),
            what: NotifierOf::Plans,
            run: None,
            pages: None,
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

    /// The page about a plan, where mail is to have it.
    fn page(&self, plan: &str) -> Option<NoticePage> {
        let has_mail = self.file.plan(plan).is_some_and(|plan| plan.notify.email);
        let wanted = self.file.notify.email.as_ref().is_some_and(|email| email.report);
        let pages = self.pages.filter(|_| has_mail && wanted)?;
        Some(match pages(plan) {
            Ok(page) if page.len() <= MOST_ATTACHED => NoticePage::Attached(page.into()),
            Ok(page) => NoticePage::LeftOut(format!(
                "it has {}, and mail takes {} at most",
                Bytes(page.len() as u64),
                Bytes(MOST_ATTACHED as u64)
            )),
            Err(why) => NoticePage::LeftOut(why),
        })
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
        let place = QuiescedPlace {
            task,
            device: device.to_owned(),
            domain: domain.to_owned(),
            certainty: None,
            error: None,
        };
        self.about(at, EventName::RehearsalFailed, place, why);
    }

    /// Writes the metrics anew. Needed only where no plan has ended: `recover`.
    pub fn write_metrics(&mut self, at: Timestamp) {
        if let Some(Delivery {
            receiver,
            place,
            answer: Err(error),
        }) = self.metrics(at)
        {
            self.warnings.push(warning(&receiver, place.as_deref(), &error));
        }
    }

    /// The metrics as they are now, into their file; nothing if the plan file has none.
    pub fn metrics(&self, at: Timestamp) -> Option<Delivery> {
        let path = self.file.notify.metrics.clone()?;
        let place = path.display().to_string();
        let plans: Vec<&str> = self.file.plans.iter().map(|plan| plan.name.as_str()).collect();
        let figures = match self.past {
            Some(past) => past.figures(&plans),
            None => Err("the history cannot be read".to_owned()),
        };
        let answer = figures.and_then(|figures| {
            let text = metrics::text(&figures, at);
            let replaced = move || {
                whole_file::replace(&path, &text, FileMode::FOR_ALL).map_err(SendError::lasting)?;
                Ok(format!("{} lines written", text.lines().count()).into())
            };
            within(self.file.notify.timeout, replaced).map_err(|error| error.message)
        });
        Some(Delivery {
            receiver: "metrics".to_owned(),
            place: Some(place),
            answer,
        })
    }

    /// Tells this to those of `receivers` that are given, all at the same time.
    pub fn tell(&self, notice: &Notice, receivers: &[&Receiver<'_>]) -> Vec<Delivery> {
        let context = SecretContext {
            folder: self.file.path.parent().unwrap_or(std::path::Path::new(".")),
            environment: self.env,
            variables: &|| self.file.secret_variables(),
        };
        let notice = Arc::new(notice.clone());
        let notify = &self.file.notify;
        // Secrets first: the environment belongs to this thread.
        let ready: Vec<(String, Result<Arc<Ready>, SendError>)> = receivers
            .iter()
            .map(|one| (one.name.clone(), one.ready(&notice.plan, &context).map(Arc::new)))
            .collect();
        deliver::to_all(ready, &notice, notify.timeout, notify.tries)
    }

    /// A message about `plan`, with nothing in it yet.
    pub fn notice(&self, at: Timestamp, event: EventName, plan: &str) -> Notice {
        Notice {
            event,
            time: at,
            zone: self.zone.clone(),
            host: self.host.clone(),
            is_test: false,
            invocation: self.file.invocation.clone(),
            plan: plan.to_owned(),
            execution: None,
            started: None,
            status: None,
            error: None,
            place: None,
            tasks: Vec::new(),
            still_quiesced: Vec::new(),
            remarks: Vec::new(),
            change: None,
            changes: NoticeChanges::default(),
            page: None,
        }
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

    /// Tells everybody who wants it, and keeps what went wrong.
    fn publish(&mut self, notice: &Notice, news: News<'_>) {
        let receivers = self.receivers(&notice.plan);
        let mut due = Vec::new();
        for receiver in &receivers {
            if !self.is_due(receiver, notice, news) {
                continue;
            }
            let can_wait = matches!(notice.event, EventName::Started | EventName::TaskFailed);
            match self.unreached.get_mut(&receiver.name) {
                // The end will say it all; a run must not wait anew for each of its tasks.
                Some(missed) if can_wait => *missed += 1,
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
                            .push(not_for_all(&receiver, place.as_deref(), &receipt.refused));
                    }
                    if let Some(missed @ 1..) = self.unreached.remove(&receiver) {
                        self.warnings.push(format!(
                            "notification by {receiver}: {missed} before the last were left out"
                        ));
                    }
                }
                Err(error) => {
                    self.unreached.entry(receiver.clone()).or_default();
                    self.warnings.push(warning(&receiver, place.as_deref(), &error));
                }
            }
        }
    }

    fn is_due(&self, receiver: &Receiver<'_>, notice: &Notice, news: News<'_>) -> bool {
        let wants = |event| receiver.events.contains(event);
        if !receiver.can_say(notice.event) {
            return false;
        }
        match news {
            News::Always => wants(notice.event),
            News::KnownTask => wants(notice.event) && receiver.repeat.is_zero(),
            News::Unsaved(places) => {
                let is_news = |before: &Option<UnsavedBefore>| match before {
                    None => true,
                    Some(before) => is_due_again(before.since, before.last, notice.time, receiver.repeat),
                };
                wants(notice.event) && places.iter().any(is_news)
            }
            News::End(standing) => {
                // What was told as trouble is told when it is over.
                let is_over = match standing.change {
                    EndChange::Mended { was, .. } => wants(end_event(was)),
                    _ => false,
                };
                (is_over || wants(notice.event))
                    && (standing.is_news(notice.time, receiver.repeat)
                        || self.was_not_told(receiver, standing))
            }
        }
    }

    /// Whether the last end should have been told and could not be.
    fn was_not_told(&self, receiver: &Receiver<'_>, standing: &KnownStanding) -> bool {
        let (Some(past), Some(previous)) = (self.past, &standing.previous) else {
            return false;
        };
        let beginning = beginning(&receiver.name);
        past.warnings(previous.id)
            .is_ok_and(|warnings| warnings.iter().any(|warning| warning.starts_with(&beginning)))
    }

    fn started(&mut self, at: Timestamp) {
        let Some(run) = self.run.as_ref().filter(|_| self.what == NotifierOf::Plans) else {
            return;
        };
        let notice = Notice {
            status: Some(Status::Running),
            ..self.of_run(at, EventName::Started, run)
        };
        self.publish(&notice, News::Always);
    }

    fn task_failed(&mut self, at: Timestamp, task: TaskId) {
        let Some(run) = &self.run else { return };
        let Some(facts) = run.tasks.get(&task).cloned() else {
            return;
        };
        let place = QuiescedPlace {
            task,
            device: facts.device.clone(),
            domain: facts.domain.clone(),
            certainty: None,
            error: None,
        };
        let previous = self.past_of_plans().and_then(|past| {
            let ends = past.ends(&run.plan, run.id, 10).ok()?;
            let last = ends.iter().find(|end| end.status != Status::Locked)?;
            past.troubles(last.id).ok()
        });
        let is_known = previous.is_some_and(|troubles| troubles.contains(&facts.trouble()));
        let notice = Notice {
            status: Some(facts.status),
            error: facts.error.clone(),
            place: Some(place),
            tasks: vec![facts],
            still_quiesced: Vec::new(),
            ..self.of_run(at, EventName::TaskFailed, run)
        };
        self.publish(&notice, if is_known { News::KnownTask } else { News::Always });
    }

    /// Tells what changed in the configurations that a plan has exported, and what is not saved.
    fn configuration(&mut self, at: Timestamp, run: &CollectedRun) {
        let changes = run.changes();
        if !changes.places.is_empty() {
            let notice = Notice {
                tasks: Vec::new(),
                changes,
                ..self.of_run(at, EventName::Changed, run)
            };
            self.publish(&notice, News::Always);
        }
        let changes = run.not_saved();
        if !changes.places.is_empty() {
            let before: Vec<Option<UnsavedBefore>> = run
                .unsaved
                .keys()
                .filter_map(|id| run.tasks.get(id))
                .map(|task| {
                    let past = self.past?;
                    past.unsaved_before(&task.device, &task.domain, task.id).ok()?
                })
                .collect();
            let notice = Notice {
                tasks: Vec::new(),
                changes,
                ..self.of_run(at, EventName::Unsaved, run)
            };
            self.publish(&notice, News::Unsaved(&before));
        }
    }

    fn end(&mut self, at: Timestamp, status: Status, error: Option<&str>) {
        let Some(run) = self.run.take() else { return };
        self.configuration(at, &run);
        // Whoever only wanted to see the plan of a restore has seen it, and nothing was changed.
        if status == Status::RestoreNotConfirmed {
            return self.write_metrics(at);
        }
        let tasks = run.task_list();
        let standing = self
            .past_of_plans()
            .and_then(|past| KnownStanding::of(past, &run.plan, run.id, status, &troubles(&tasks)).ok());
        let notice = Notice {
            status: Some(status),
            error: error.map(str::to_owned),
            remarks: run.remarks.clone(),
            change: standing.as_ref().map(|standing| standing.change),
            page: self.page(&run.plan),
            ..self.of_run(at, end_event(status), &run)
        };
        self.publish(&notice, standing.as_ref().map_or(News::Always, News::End));
        self.write_metrics(at);
    }

    /// What ends are compared with: those of a plan with the ones before.
    fn past_of_plans(&self) -> Option<&'a dyn Previous> {
        self.past.filter(|_| self.what == NotifierOf::Plans)
    }

    fn of_run(&self, at: Timestamp, event: EventName, run: &CollectedRun) -> Notice {
        Notice {
            execution: run.id,
            started: Some(run.started),
            tasks: run.task_list(),
            still_quiesced: run.still_quiesced.clone(),
            ..self.notice(at, event, &run.plan)
        }
    }

    /// An execution whose process died. Nobody was told of its end.
    fn abandoned(&mut self, at: Timestamp, execution: PlanId, plan: &str, error: &str) {
        let notice = Notice {
            execution: Some(execution),
            status: Some(Status::Abandoned),
            error: Some(error.to_owned()),
            ..self.notice(at, EventName::Failed, plan)
        };
        self.publish(&notice, News::Always);
    }

    /// The plan to which a task belongs: of this run, or of one that died.
    fn plan_of(&self, task: TaskId) -> (Option<PlanId>, String) {
        if let Some(run) = self.run.as_ref().filter(|run| run.tasks.contains_key(&task)) {
            return (run.id, run.plan.clone());
        }
        match self.past.map(|past| past.plan_of(task)) {
            Some(Ok((id, plan))) => (Some(id), plan),
            _ => (
                None,
                self.run.as_ref().map_or_else(String::new, |run| run.plan.clone()),
            ),
        }
    }

    /// Something about a place, from this run or from one that died.
    fn about(&mut self, at: Timestamp, event: EventName, place: QuiescedPlace, what: &str) {
        let (execution, plan) = self.plan_of(place.task);
        let notice = Notice {
            execution,
            error: Some(what.to_owned()),
            place: Some(place),
            ..self.notice(at, event, &plan)
        };
        self.publish(&notice, News::Always);
    }
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
            Event::StillQuiesced {
                task,
                device,
                domain,
                certainty,
                error,
            } => {
                let place = QuiescedPlace {
                    task: *task,
                    device: device.clone(),
                    domain: domain.clone(),
                    certainty: Some(*certainty),
                    error: Some(error.clone()),
                };
                self.about(at, EventName::StillQuiesced, place, error);
            }
            Event::Recovered {
                task,
                device,
                undo,
                how,
            } if undo.is_quiesce() => {
                let domain = undo.domain().to_owned();
                let place = QuiescedPlace {
                    task: *task,
                    device: device.clone(),
                    domain,
                    certainty: None,
                    error: None,
                };
                self.about(at, EventName::Recovered, place, how);
            }
            Event::PlanAbandoned { plan, name, error } => self.abandoned(at, *plan, name, error),
            Event::PlanEnded { status, error, .. } => self.end(at, *status, error.as_deref()),
            _ => {}
        }
    }

    fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// How a warning begins. The next run looks for it in history.
fn beginning(receiver: &str) -> String {
    format!("notification by {receiver} failed")
}

fn warning(receiver: &str, place: Option<&str>, error: &str) -> String {
    let place = place.map_or_else(String::new, |place| format!(" ({place})"));
    format!("{}{place}: {error}", beginning(receiver))
}

/// The others have theirs, so it has not failed: it is not sent again.
fn not_for_all(receiver: &str, place: Option<&str>, refused: &[String]) -> String {
    let place = place.map_or_else(String::new, |place| format!(" ({place})"));
    format!(
        "notification by {receiver}{place} was not taken for all: {}",
        refused.join(", ")
    )
}

/// The name of this machine, as the kernel has it.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name.to_owned()
    }
}
