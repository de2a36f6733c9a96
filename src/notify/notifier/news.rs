//! Whether a message is worth sending to somebody, and what is said where it did not arrive.

use jiff::Timestamp;

use crate::notify::notice::{EndChange, Notice, end_event};
use crate::notify::past::{Past, UnsavedBefore};
use crate::notify::receiver::Receiver;
use crate::notify::send::Receipt;
use crate::notify::standing::{KnownStanding, OF_A_RECEIVER, PastRecovery, is_due_again};
use crate::run::event::PlanId;
use crate::values::change::ChangeList;
use crate::values::event_name::EventName;

/// What makes a message worth sending, beside that somebody wants such messages.
pub(super) enum News<'s> {
    /// That it happened.
    Always,
    /// Nothing new: the same task failed the same way in the last execution. Its end says
    /// so when it is time.
    KnownTask,
    /// What it is compared to the ends before.
    End(&'s KnownStanding),
    /// What is not saved, place by place.
    Unsaved(&'s [UnsavedPlace]),
}

/// A place where something is not saved.
pub(super) struct UnsavedPlace {
    /// What that is; `None` where it is not known.
    pub(super) now: Option<ChangeList>,
    /// How it was before; `None` where all was saved, or nobody had looked.
    pub(super) before: Option<UnsavedBefore>,
}

impl UnsavedPlace {
    /// Whether a receiver is told of it now: it does not know of it, or of something in it, or it is
    /// time to say it again.
    fn is_news(&self, receiver: &Receiver<'_>, now: Timestamp, past: Option<&dyn Past>) -> bool {
        let Some(before) = &self.before else { return true };
        let was_missed =
            || past.is_some_and(|past| was_not_told(past, receiver, before.execution, EventName::Unsaved));
        is_due_again(before.since, before.last, now, receiver.repeat)
            || self.has_more_than(before.objects.as_ref())
            || before.died
            || was_missed()
    }

    /// Whether something in it was not there before. Of very many, not all of which are kept, their
    /// number tells.
    fn has_more_than(&self, before: Option<&ChangeList>) -> bool {
        let are_all = |list: &ChangeList| list.count == list.first.len() as u64;
        match (&self.now, before) {
            (None, _) => false,
            (Some(now), None) => now.count > 0,
            (Some(now), Some(before)) if are_all(now) && are_all(before) => {
                now.first.iter().any(|change| !before.first.contains(change))
            }
            (Some(now), Some(before)) => now.count > before.count,
        }
    }
}

impl News<'_> {
    /// Whether a receiver is told of this now.
    pub(super) fn is_due(&self, receiver: &Receiver<'_>, notice: &Notice, past: Option<&dyn Past>) -> bool {
        let wants = |event| receiver.events.contains(event);
        if !receiver.can_say(notice.event) {
            return false;
        }
        match self {
            News::Always => wants(notice.event),
            News::KnownTask => wants(notice.event) && receiver.repeat.is_zero(),
            News::Unsaved(places) => {
                wants(notice.event)
                    && places
                        .iter()
                        .any(|place| place.is_news(receiver, notice.time, past))
            }
            News::End(standing) => {
                // What was told as trouble is told when it is over.
                let is_over = match standing.change {
                    EndChange::WellAgain { was, .. } => wants(end_event(was)),
                    EndChange::First | EndChange::Again { .. } | EndChange::Other { .. } => false,
                };
                (is_over || wants(notice.event))
                    && (standing.is_news(notice.time, receiver.repeat)
                        || was_last_missed(receiver, notice.event, standing, past))
            }
        }
    }
}

/// Whether the last end should have been told and could not be.
fn was_last_missed(
    receiver: &Receiver<'_>,
    event: EventName,
    standing: &KnownStanding,
    past: Option<&dyn Past>,
) -> bool {
    past.zip(standing.previous.as_ref())
        .is_some_and(|(past, previous)| was_not_told(past, receiver, previous.id, event))
}

/// Whether somebody who was told that something is wrong could be told by no end since that it is over.
pub(super) fn has_missed_recovery(past: &dyn Past, receiver: &Receiver<'_>, recovery: &PastRecovery) -> bool {
    let was_missed = |end: &PlanId| was_not_told(past, receiver, *end, EventName::Succeeded);
    receiver.events.contains(end_event(recovery.was)) && recovery.since.iter().all(was_missed)
}

/// Whether an execution should have told a receiver of this, and could not; also where nobody can tell, for twice is
/// better than never.
pub(super) fn was_not_told(
    past: &dyn Past,
    receiver: &Receiver<'_>,
    execution: PlanId,
    event: EventName,
) -> bool {
    match past.warnings(execution) {
        Ok(warnings) => warnings
            .iter()
            .any(|warning| is_warning_of(warning, &receiver.name, event)),
        Err(_) => true,
    }
}

/// How a warning begins that says that a receiver was not told. Later runs look for it in history, where
/// what is told beside the end is told apart from it: who missed the one may have had the other.
fn beginning(receiver: &str, event: Option<EventName>) -> String {
    match event {
        Some(event @ (EventName::Changed | EventName::Unsaved)) => {
            format!("{OF_A_RECEIVER}{receiver} failed for `{event}`")
        }
        _ => format!("{OF_A_RECEIVER}{receiver} failed"),
    }
}

/// Whether a warning says that a receiver was not told of this.
fn is_warning_of(warning: &str, receiver: &str, event: EventName) -> bool {
    let rest = warning.strip_prefix(&beginning(receiver, Some(event)));
    rest.is_some_and(|rest| !rest.starts_with(" for `"))
}

/// A receiver that was not told of this; of no event where it is the file of metrics.
pub(super) fn warning(receiver: &str, event: Option<EventName>, place: Option<&str>, error: &str) -> String {
    let place = place.map_or_else(String::new, |place| format!(" ({place})"));
    // At the end, for later runs know it by how it begins.
    let of = match event {
        None | Some(EventName::Changed | EventName::Unsaved) => String::new(),
        Some(event) => format!("; the message was `{event}`"),
    };
    format!("{}{place}: {error}{of}", beginning(receiver, event))
}

/// The others have theirs, so it has not failed: it is not sent again.
pub(super) fn not_for_all(receiver: &str, place: Option<&str>, receipt: &Receipt) -> String {
    let place = place.map_or_else(String::new, |place| format!(" ({place})"));
    format!(
        "notification by {receiver}{place} was not taken for all: {}",
        receipt.not_taken_for()
    )
}

#[cfg(test)]
mod tests {
    use super::{is_warning_of, warning};
    use crate::values::event_name::EventName;

    /// Histories of older versions have these sentences: a wording that changes is told again, or never.
    #[test]
    fn the_sentences_that_later_runs_look_for_are_these() {
        let end = warning(
            "webhook ops",
            Some(EventName::Failed),
            Some("http://a"),
            "HTTP 500",
        );
        assert_eq!(
            end,
            "notification by webhook ops failed (http://a): HTTP 500; the message was `failed`"
        );
        let changed = warning("webhook ops", Some(EventName::Changed), None, "HTTP 500");
        assert_eq!(
            changed,
            "notification by webhook ops failed for `changed`: HTTP 500"
        );
        assert!(is_warning_of(&end, "webhook ops", EventName::Succeeded));
        assert!(!is_warning_of(&end, "webhook ops", EventName::Changed));
        assert!(is_warning_of(&changed, "webhook ops", EventName::Changed));
        assert!(!is_warning_of(&changed, "webhook ops", EventName::Failed));
        assert!(!is_warning_of(&changed, "webhook op", EventName::Changed));
    }
}
