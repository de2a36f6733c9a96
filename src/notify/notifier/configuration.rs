//! What is told of configurations: what changed in them, and what is not saved.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::notify::Notifier;
use crate::notify::collect::CollectedRun;
use crate::notify::notice::{Notice, NoticeChanges};
use crate::notify::notifier::news::{News, UnsavedPlace, changes_not_read, was_not_told};
use crate::notify::past::EndsAsked;
use crate::notify::receiver::Receiver;
use crate::run::event::PlanId;
use crate::run::status::Status;
use crate::values::event_name::EventName;

/// So many executions are gone back over, for what a receiver was not told.
const MOST_BACK: u32 = 100;

impl Notifier<'_> {
    /// Tells what changed in the configurations that a plan has exported; to those that could not be
    /// told of the executions before, what changed in these as well.
    pub(super) fn changed(&mut self, at: Timestamp, run: &CollectedRun) {
        let mut alike: BTreeMap<Vec<PlanId>, Vec<String>> = BTreeMap::new();
        for receiver in self.receivers(&run.plan) {
            if receiver.events.contains(EventName::Changed) {
                let missed = self.missed_by(&receiver, run).unwrap_or_else(|why| {
                    self.warnings
                        .push(changes_not_read(&receiver.name, run.id, None, &why));
                    Vec::new()
                });
                alike.entry(missed).or_default().push(receiver.name);
            }
        }
        for (missed, receivers) in alike {
            let mut changes = NoticeChanges::default();
            for execution in missed {
                let past = self.past_of_plans().map(|past| past.changes_of(execution));
                match past.unwrap_or(Ok(Vec::new())) {
                    Ok(tasks) => {
                        for task in tasks {
                            changes.add(task.task, (&task.device, &task.domain), Some(&task.changes));
                        }
                    }
                    Err(why) => {
                        let unread = |one: &String| changes_not_read(one, run.id, Some(execution), &why);
                        self.warnings.extend(receivers.iter().map(unread));
                    }
                }
            }
            run.add_changes(&mut changes);
            if !changes.places.is_empty() {
                let notice = Notice {
                    tasks: Vec::new(),
                    changes,
                    ..self.of_run(at, EventName::Changed, run)
                };
                self.publish_to(&notice, &News::Always, &|receiver| {
                    receivers.contains(&receiver.name)
                });
            }
        }
    }

    /// The executions right before this one whose changes a receiver does not know, oldest first: it
    /// could not be told, or nobody was, for their process died. Each end tries it again, so that the
    /// first that was told ends them.
    fn missed_by(&self, receiver: &Receiver<'_>, run: &CollectedRun) -> Result<Vec<PlanId>, String> {
        let Some(past) = self.past_of_plans() else {
            return Ok(Vec::new());
        };
        // One that found the plan locked has exported nothing, and tells nothing of the others.
        let ends = past.ends(&run.plan, EndsAsked::OfItsOwn, run.id, MOST_BACK)?;
        let missed = ends.iter().take_while(|end| {
            end.status == Status::Abandoned || was_not_told(past, receiver, end.id, EventName::Changed)
        });
        let mut missed: Vec<PlanId> = missed.map(|end| end.id).collect();
        missed.reverse();
        Ok(missed)
    }

    /// Tells what is not saved.
    pub(super) fn unsaved(&mut self, at: Timestamp, run: &CollectedRun) {
        let changes = run.not_saved();
        let event = EventName::Unsaved;
        let is_wanted = |receiver: &Receiver<'_>| receiver.events.contains(event);
        if changes.places.is_empty() || !self.is_any_told(&run.plan, event, &is_wanted) {
            return;
        }
        let tasks = run
            .unsaved
            .iter()
            .filter_map(|(id, now)| Some((run.tasks.get(id)?, now)));
        let places: Vec<UnsavedPlace> = tasks
            .map(|(task, now)| UnsavedPlace {
                now: now.clone(),
                before: self
                    .past
                    .and_then(|past| past.unsaved_before(&task.device, &task.domain, task.id).ok()?),
            })
            .collect();
        let notice = Notice {
            tasks: Vec::new(),
            changes,
            ..self.of_run(at, event, run)
        };
        self.publish(&notice, &News::Unsaved(&places));
    }
}
