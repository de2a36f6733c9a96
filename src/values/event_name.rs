//! What a plan may tell somebody.

use std::fmt;

use crate::values::pattern::PatternList;

/// An event on which somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventName {
    /// The tasks of a plan begin: what comes before them has passed.
    Started,
    TaskFailed,
    /// A plan ended, and everything succeeded.
    Succeeded,
    /// A plan ended, nothing failed, but something was left out or warned of.
    Warned,
    /// A plan ended because something failed, it was interrupted, or its process died.
    Failed,
    /// A plan did not start: locked, disabled, window, store, all skipped, pre-plan script.
    Refused,
    /// A device could not be confirmed to be as it was found.
    StillQuiesced,
    /// What a run that died left on a device has been undone.
    Recovered,
    /// A plan ended, and exports of it differ from those before.
    Changed,
    /// A plan ended, and on a device something runs that is not saved.
    Unsaved,
    /// A backup that was rehearsed would not work, or nobody can tell; or the spare was changed.
    RehearsalFailed,
}

impl EventName {
    /// Every event, in the order of the documentation.
    pub const ALL: [EventName; 11] = [
        EventName::Started,
        EventName::TaskFailed,
        EventName::Succeeded,
        EventName::Warned,
        EventName::Failed,
        EventName::Refused,
        EventName::StillQuiesced,
        EventName::Recovered,
        EventName::Changed,
        EventName::Unsaved,
        EventName::RehearsalFailed,
    ];

    /// The word in the plan file and in messages.
    pub fn word(self) -> &'static str {
        match self {
            EventName::Started => "started",
            EventName::TaskFailed => "task-failed",
            EventName::Succeeded => "succeeded",
            EventName::Warned => "warned",
            EventName::Failed => "failed",
            EventName::Refused => "refused",
            EventName::StillQuiesced => "still-quiesced",
            EventName::Recovered => "recovered",
            EventName::Changed => "changed",
            EventName::Unsaved => "unsaved",
            EventName::RehearsalFailed => "rehearsal-failed",
        }
    }

    /// Whether it is about the configuration of devices, and not about backups: nobody is told
    /// of it who did not ask for it.
    pub fn is_of_configuration(self) -> bool {
        matches!(self, EventName::Changed | EventName::Unsaved)
    }

    /// Whether it is the end of a plan.
    pub fn is_end(self) -> bool {
        matches!(
            self,
            EventName::Succeeded | EventName::Warned | EventName::Failed | EventName::Refused
        )
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Some of the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventNames(Vec<EventName>);

impl EventNames {
    /// Those whose words match.
    pub fn matching(patterns: &PatternList) -> Self {
        let matches = |event: &EventName| patterns.matches(event.word());
        Self(EventName::ALL.into_iter().filter(matches).collect())
    }

    /// All that are about backups.
    pub fn of_backups() -> Self {
        let events = EventName::ALL.into_iter();
        Self(events.filter(|event| !event.is_of_configuration()).collect())
    }

    /// Those on which a person should do or know something.
    pub fn for_people() -> Self {
        Self(vec![
            EventName::Warned,
            EventName::Failed,
            EventName::Refused,
            EventName::StillQuiesced,
            EventName::Recovered,
            EventName::RehearsalFailed,
        ])
    }

    /// Whether this one is among them.
    pub fn contains(&self, event: EventName) -> bool {
        self.0.contains(&event)
    }
}

#[cfg(test)]
mod tests {
    use super::{EventName, EventNames};
    use crate::values::pattern::PatternList;

    #[test]
    fn events_are_chosen_by_patterns_over_their_words() {
        let chosen = |text: &str| {
            let chosen = EventNames::matching(&PatternList::from_items([text]).expect(text));
            EventName::ALL
                .into_iter()
                .filter(|one| chosen.contains(*one))
                .map(EventName::word)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            chosen("*failed, refused"),
            ["task-failed", "failed", "refused", "rehearsal-failed"]
        );
        assert_eq!(chosen("*").len(), 11, "who asks for all gets all");
        let usual = EventNames::of_backups();
        assert!(!usual.contains(EventName::Changed) && !usual.contains(EventName::Unsaved));
        assert_eq!(
            chosen("*, !started, !task-failed, !succeeded, !changed, !unsaved"),
            {
                let people = EventNames::for_people();
                EventName::ALL
                    .into_iter()
                    .filter(|one| people.contains(*one))
                    .map(EventName::word)
                    .collect::<Vec<_>>()
            }
        );
    }
}
