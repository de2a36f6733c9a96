//! The messages about a run, and about what runs have left.

use jiff::Timestamp;

use crate::notify::Notifier;
use crate::notify::collect::{CollectedRun, troubles};
use crate::notify::notice::{Notice, NoticeChanges, NoticePage, NoticePlace, end_event};
use crate::notify::notifier::NotifierOf;
use crate::notify::notifier::news::{News, has_missed_recovery, was_not_told};
use crate::notify::past::{EndsAsked, Past};
use crate::notify::receiver::Receiver;
use crate::notify::standing::{EndNeeded, EndToCompare, KnownStanding, steady_warnings};
use crate::notify::steady::steady;
use crate::run::event::{PlanId, TaskId};
use crate::run::status::Status;
use crate::values::event_name::EventName;
use crate::values::size::Bytes;

/// A page that is larger is not attached: mail servers refuse large letters.
const MOST_ATTACHED: usize = 1 << 20;

impl<'a> Notifier<'a> {
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
            took: None,
            status: None,
            error: None,
            place: None,
            tasks: Vec::new(),
            still_quiesced: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            change: None,
            changes: NoticeChanges::default(),
            page: None,
        }
    }

    /// The tasks of a plan begin.
    pub(super) fn started(&mut self, at: Timestamp) {
        let Some(run) = self.run.as_ref().filter(|_| self.what == NotifierOf::Plans) else {
            return;
        };
        let notice = Notice {
            status: Some(Status::Running),
            ..self.of_run(at, EventName::Started, run)
        };
        self.publish(&notice, &News::Always);
    }

    /// A task failed. That is no news where it failed the same way in the execution before.
    pub(super) fn task_failed(&mut self, at: Timestamp, task: TaskId) {
        let Some(run) = &self.run else { return };
        let Some(facts) = run.tasks.get(&task).cloned() else {
            return;
        };
        let place = NoticePlace::named(task, &facts.device, &facts.domain);
        // Whoever wants each told is told of it, known or not.
        let event = EventName::TaskFailed;
        let is_asked = self.is_any_told(&run.plan, event, &|receiver| {
            receiver.events.contains(event) && !receiver.repeat.is_zero()
        });
        let previous = self.past_of_plans().filter(|_| is_asked).and_then(|past| {
            let ends = past.ends(&run.plan, EndsAsked::OfItsOwn, run.id, 1).ok()?;
            past.troubles(ends.first()?.id).ok()
        });
        let is_known = previous.is_some_and(|troubles| troubles.contains(&facts.trouble()));
        let notice = Notice {
            status: Some(facts.status),
            error: facts.error.clone(),
            place: Some(place),
            tasks: vec![facts],
            still_quiesced: run
                .still_quiesced
                .iter()
                .filter(|at| at.task == task)
                .cloned()
                .collect(),
            ..self.of_run(at, event, run)
        };
        self.publish(&notice, if is_known { &News::KnownTask } else { &News::Always });
    }

    /// An execution has ended, if it was begun.
    pub(super) fn end(&mut self, at: Timestamp, status: Status, error: Option<&str>) {
        let Some(run) = self.run.take() else { return };
        // What changed before is told by the next one that does its own work.
        if status != Status::Locked {
            self.changed(at, &run);
        }
        self.unsaved(at, &run);
        // Whoever only wanted to see the plan of a restore has seen it, and nothing was changed.
        if status == Status::RestoreNotConfirmed {
            return self.write_metrics(at);
        }
        let Some(needed) = self.needed(&run.plan, status) else {
            return self.write_metrics(at);
        };
        let standing = self.standing(&run, status, needed);
        let notice = Notice {
            status: Some(status),
            error: error.map(str::to_owned),
            warnings: self.new_first(&run.warnings, standing.as_ref()),
            notes: run.notes.clone(),
            change: standing.as_ref().and_then(|standing| standing.change),
            page: self.page(&run.plan),
            ..self.of_run(at, end_event(status), &run)
        };
        let missed = standing.as_ref().and_then(|standing| {
            let recovery = standing.recovery.as_ref()?;
            let as_it_was = KnownStanding {
                change: Some(recovery.change),
                previous: standing.previous.clone(),
                recovery: None,
            };
            Some((recovery, as_it_was))
        });
        let Some((recovery, as_it_was)) = missed else {
            self.publish(&notice, &standing.as_ref().map_or(News::Always, News::End));
            return self.write_metrics(at);
        };
        // Who was told that something is wrong is told that it is over, though that could not be told when it was.
        let past = self.past_of_plans();
        let owed =
            |receiver: &Receiver<'_>| past.is_some_and(|past| has_missed_recovery(past, receiver, recovery));
        let news = standing.as_ref().map_or(News::Always, News::End);
        self.publish_to(&notice, &news, &|receiver| !owed(receiver));
        let late = Notice {
            change: Some(recovery.change),
            ..notice
        };
        self.publish_to(&late, &News::End(&as_it_was), &owed);
        self.write_metrics(at);
    }

    /// What those who are told need to know of such an end; nothing where nobody is told of it, whatever was before.
    fn needed(&self, plan: &str, status: Status) -> Option<EndNeeded> {
        let event = end_event(status);
        if self.is_any_told(plan, event, &|receiver| receiver.events.contains(event)) {
            return Some(EndNeeded::Whole);
        }
        let is_good = event == EventName::Succeeded;
        (is_good && self.is_any_told(plan, event, &is_told_of_trouble)).then_some(EndNeeded::IfWellAgain)
    }

    /// How the end of a run stands to those before; nothing where that is not known.
    fn standing(&self, run: &CollectedRun, status: Status, needed: EndNeeded) -> Option<KnownStanding> {
        let past = self.past_of_plans()?;
        let mut receivers = self.receivers(&run.plan);
        receivers.retain(|one| one.can_say(EventName::Succeeded) && is_told_of_trouble(one));
        let was_missed = |id: PlanId| {
            let mut receivers = receivers.iter();
            receivers.any(|one| was_not_told(past, one, id, EventName::Succeeded))
        };
        let end = EndToCompare {
            plan: &run.plan,
            execution: run.id,
            status,
            troubles: &troubles(&run.task_list()),
            needed,
            was_missed: &was_missed,
        };
        KnownStanding::of(past, &end).ok()
    }

    /// What the end before was not warned of comes first: what stands there each night is skipped by who reads it.
    fn new_first(&self, warnings: &[String], standing: Option<&KnownStanding>) -> Vec<String> {
        let previous = standing
            .filter(|_| warnings.len() > 1)
            .and_then(|standing| standing.previous.as_ref());
        let before = self.past_of_plans().zip(previous);
        let known = before.and_then(|(past, previous)| steady_warnings(past, previous.id).ok());
        let mut warnings = warnings.to_vec();
        if let Some(known) = known {
            warnings.sort_by_key(|warning| known.contains(&steady(warning)));
        }
        warnings
    }

    /// What ends are compared with: those of a plan with the ones before.
    pub(super) fn past_of_plans(&self) -> Option<&'a dyn Past> {
        self.past.filter(|_| self.what == NotifierOf::Plans)
    }

    pub(super) fn of_run(&self, at: Timestamp, event: EventName, run: &CollectedRun) -> Notice {
        Notice {
            execution: run.id,
            started: Some(run.started),
            took: run.took,
            tasks: run.task_list(),
            still_quiesced: run.still_quiesced.clone(),
            ..self.notice(at, event, &run.plan)
        }
    }

    /// An execution whose process died. Nobody was told of its end.
    pub(super) fn abandoned(&mut self, at: Timestamp, execution: PlanId, plan: &str, error: &str) {
        let notice = Notice {
            execution: Some(execution),
            status: Some(Status::Abandoned),
            error: Some(error.to_owned()),
            ..self.notice(at, EventName::Failed, plan)
        };
        self.publish(&notice, &News::Always);
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
    pub(super) fn about(&mut self, at: Timestamp, event: EventName, place: NoticePlace, what: &str) {
        let (execution, plan) = self.plan_of(place.task);
        let notice = Notice {
            execution,
            error: Some(what.to_owned()),
            still_quiesced: match event {
                EventName::StillQuiesced => vec![place.clone()],
                _ => Vec::new(),
            },
            place: Some(place),
            ..self.notice(at, event, &plan)
        };
        self.publish(&notice, &News::Always);
    }

    /// The page about a plan, where its mail is to have it.
    fn page(&self, plan: &str) -> Option<NoticePage> {
        let has_mail = self.file.plan(plan).is_some_and(|plan| plan.notify.email);
        let wanted = self.file.notify.email.as_ref().is_some_and(|email| email.report);
        let pages = self.pages.filter(|_| has_mail && wanted)?;
        Some(match pages(plan) {
            Ok(page) if page.len() <= MOST_ATTACHED => NoticePage::Attached(page.into()),
            Ok(page) => NoticePage::LeftOut(format!(
                "it has {}, and a mail takes {} at most",
                Bytes(page.len() as u64),
                Bytes(MOST_ATTACHED as u64)
            )),
            Err(why) => NoticePage::LeftOut(why),
        })
    }
}

/// Whether a receiver is told of ends that are no success, and so of the success after them.
fn is_told_of_trouble(receiver: &Receiver<'_>) -> bool {
    let mut ends = EventName::ALL.into_iter().filter(|event| event.is_end());
    ends.any(|end| end != EventName::Succeeded && receiver.events.contains(end))
}
