//! Whether a message is worth sending to somebody, and what is said where it did not arrive.

use crate::notify::notice::{EndChange, Notice, end_event};
use crate::notify::previous::{Previous, UnsavedBefore};
use crate::notify::receiver::Receiver;
use crate::notify::standing::{KnownStanding, is_due_again};

/// What makes a message worth sending, beside that somebody wants such messages.
#[derive(Clone, Copy)]
pub(super) enum News<'s> {
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

impl News<'_> {
    /// Whether a receiver is told of this now.
    pub(super) fn is_due(
        self,
        receiver: &Receiver<'_>,
        notice: &Notice,
        past: Option<&dyn Previous>,
    ) -> bool {
        let wants = |event| receiver.events.contains(event);
        if !receiver.can_say(notice.event) {
            return false;
        }
        match self {
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
                    EndChange::WellAgain { was, .. } => wants(end_event(was)),
                    EndChange::First | EndChange::Again { .. } | EndChange::Other { .. } => false,
                };
                (is_over || wants(notice.event))
                    && (standing.is_news(notice.time, receiver.repeat)
                        || was_not_told(receiver, standing, past))
            }
        }
    }
}

/// Whether the last end should have been told and could not be.
fn was_not_told(receiver: &Receiver<'_>, standing: &KnownStanding, past: Option<&dyn Previous>) -> bool {
    let (Some(past), Some(previous)) = (past, &standing.previous) else {
        return false;
    };
    let beginning = beginning(&receiver.name);
    past.warnings(previous.id)
        .is_ok_and(|warnings| warnings.iter().any(|warning| warning.starts_with(&beginning)))
}

/// How a warning begins. The next run looks for it in history.
fn beginning(receiver: &str) -> String {
    format!("notification by {receiver} failed")
}

/// A receiver that was not told.
pub(super) fn warning(receiver: &str, place: Option<&str>, error: &str) -> String {
    let place = place.map_or_else(String::new, |place| format!(" ({place})"));
    format!("{}{place}: {error}", beginning(receiver))
}

/// The others have theirs, so it has not failed: it is not sent again.
pub(super) fn not_for_all(receiver: &str, place: Option<&str>, refused: &[String]) -> String {
    let place = place.map_or_else(String::new, |place| format!(" ({place})"));
    format!(
        "notification by {receiver}{place} was not taken for all: {}",
        refused.join(", ")
    )
}
