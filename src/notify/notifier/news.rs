//! Whether a message is worth sending to somebody, and what is said where it did not arrive.

use jiff::Timestamp;

use crate::notify::notice::{EndChange, Notice, end_event};
use crate::notify::past::{Past, UnsavedBefore};
use crate::notify::receiver::Receiver;
use crate::notify::send::Receipt;
use crate::notify::standing::{KnownStanding, PastRecovery, is_due_again};
use crate::run::event::{MissedNotice, PlanId, ReceiverWarning};
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
                    Some(EndChange::WellAgain { was, .. }) => wants(end_event(was)),
                    Some(EndChange::First | EndChange::Again { .. } | EndChange::Other { .. }) | None => {
                        false
                    }
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

/// Whether a receiver did not get this message about an execution; also where nobody can tell, for twice is better than
/// never.
pub(super) fn was_not_told(
    past: &dyn Past,
    receiver: &Receiver<'_>,
    execution: PlanId,
    event: EventName,
) -> bool {
    match past.missed(execution) {
        Ok(missed) => missed
            .iter()
            .any(|miss| miss.receiver == receiver.name && miss.event == event),
        Err(_) => true,
    }
}

/// A receiver that did not get a message.
pub(super) fn not_told(
    receiver: &str,
    missed: MissedNotice,
    place: Option<&str>,
    error: &str,
) -> ReceiverWarning {
    let place = in_brackets(place);
    let message = match missed.event {
        event @ (EventName::Changed | EventName::Unsaved) => {
            format!("notification by {receiver} failed for `{event}`{place}: {error}")
        }
        event => format!("notification by {receiver} failed{place}: {error}; the message was `{event}`"),
    };
    ReceiverWarning {
        receiver: receiver.to_owned(),
        missed: Some(missed),
        message,
    }
}

/// A receiver that did not get what has changed in an execution before this one, for that could not be read: the message of
/// this one, which it gets, counts as missed, and the next end tells both.
pub(super) fn changes_not_read(
    receiver: &str,
    this: Option<PlanId>,
    whose: Option<PlanId>,
    error: &str,
) -> ReceiverWarning {
    let whose = match whose {
        Some(execution) => format!("in execution {}", execution.0),
        None => "in executions before this one".to_owned(),
    };
    ReceiverWarning {
        receiver: receiver.to_owned(),
        missed: Some(MissedNotice {
            event: EventName::Changed,
            execution: this,
        }),
        message: format!("what changed {whose} was not told to {receiver}: {error}"),
    }
}

/// A file that others read, and that could not be written.
pub(super) fn not_written(receiver: &str, place: Option<&str>, error: &str) -> ReceiverWarning {
    ReceiverWarning {
        receiver: receiver.to_owned(),
        missed: None,
        message: format!("notification by {receiver} failed{}: {error}", in_brackets(place)),
    }
}

/// The others have theirs, so it has not failed: it is not sent again.
pub(super) fn not_for_all(receiver: &str, place: Option<&str>, receipt: &Receipt) -> ReceiverWarning {
    let place = in_brackets(place);
    let whom = receipt.not_taken_for();
    ReceiverWarning {
        receiver: receiver.to_owned(),
        missed: None,
        message: format!("notification by {receiver}{place} was not taken for all: {whom}"),
    }
}

/// So many messages that can wait were not tried, for the ones before had failed.
pub(super) fn left_out(receiver: &str, missed: usize) -> ReceiverWarning {
    ReceiverWarning {
        receiver: receiver.to_owned(),
        missed: None,
        message: format!("notification by {receiver}: {missed} before the last were left out"),
    }
}

fn in_brackets(place: Option<&str>) -> String {
    place.map_or_else(String::new, |place| format!(" ({place})"))
}

#[cfg(test)]
mod tests {
    use super::not_told;
    use crate::run::event::MissedNotice;
    use crate::values::event_name::EventName;

    #[test]
    fn a_sentence_names_the_message_that_was_missed() {
        let said = |event| {
            let missed = MissedNotice {
                event,
                execution: None,
            };
            let warning = not_told("webhook ops", missed, Some("http://a"), "HTTP 500");
            assert_eq!(warning.missed, Some(missed));
            warning.message
        };
        for event in EventName::ALL {
            assert!(said(event).contains(&format!("`{event}`")), "{event}");
        }
        assert_eq!(
            said(EventName::Failed),
            "notification by webhook ops failed (http://a): HTTP 500; the message was `failed`"
        );
        assert_eq!(
            said(EventName::Changed),
            "notification by webhook ops failed for `changed` (http://a): HTTP 500"
        );
    }
}
