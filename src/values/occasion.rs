//! What a plan may tell somebody.

use std::fmt;

use crate::values::pattern::PatternList;

/// An occasion on which somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occasion {
    /// The tasks of a plan begin: what comes before them has passed.
    Started,
    /// A task failed.
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
}

impl Occasion {
    /// Every occasion, in the order of the documentation.
    pub const ALL: [Occasion; 8] = [
        Occasion::Started,
        Occasion::TaskFailed,
        Occasion::Succeeded,
        Occasion::Warned,
        Occasion::Failed,
        Occasion::Refused,
        Occasion::StillQuiesced,
        Occasion::Recovered,
    ];

    /// The word in the plan file and in messages.
    pub fn word(self) -> &'static str {
        match self {
            Occasion::Started => "started",
            Occasion::TaskFailed => "task-failed",
            Occasion::Succeeded => "succeeded",
            Occasion::Warned => "warned",
            Occasion::Failed => "failed",
            Occasion::Refused => "refused",
            Occasion::StillQuiesced => "still-quiesced",
            Occasion::Recovered => "recovered",
        }
    }

    /// Whether it is the end of a plan.
    pub fn is_end(self) -> bool {
        matches!(
            self,
            Occasion::Succeeded | Occasion::Warned | Occasion::Failed | Occasion::Refused
        )
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Some of the occasions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasions(Vec<Occasion>);

impl Occasions {
    /// Those whose words match.
    pub fn matching(patterns: &PatternList) -> Self {
        let matches = |occasion: &Occasion| patterns.matches(occasion.word());
        Self(Occasion::ALL.into_iter().filter(matches).collect())
    }

    /// All of them.
    pub fn all() -> Self {
        Self(Occasion::ALL.to_vec())
    }

    /// Those on which a person should do or know something.
    pub fn for_people() -> Self {
        Self(vec![
            Occasion::Warned,
            Occasion::Failed,
            Occasion::Refused,
            Occasion::StillQuiesced,
            Occasion::Recovered,
        ])
    }

    /// Whether this one is among them.
    pub fn contains(&self, occasion: Occasion) -> bool {
        self.0.contains(&occasion)
    }
}

#[cfg(test)]
mod tests {
    use super::{Occasion, Occasions};
    use crate::values::pattern::PatternList;

    #[test]
    fn occasions_are_chosen_by_patterns_over_their_words() {
        let chosen = |text: &str| {
            let chosen = Occasions::matching(&PatternList::parse(text).expect(text));
            Occasion::ALL
                .into_iter()
                .filter(|one| chosen.contains(*one))
                .map(Occasion::word)
                .collect::<Vec<_>>()
        };
        assert_eq!(chosen("*failed, refused"), ["task-failed", "failed", "refused"]);
        assert_eq!(chosen("*, !started, !task-failed, !succeeded").len(), 5);
        assert_eq!(chosen("*, !started, !task-failed, !succeeded"), {
            let people = Occasions::for_people();
            Occasion::ALL
                .into_iter()
                .filter(|one| people.contains(*one))
                .map(Occasion::word)
                .collect::<Vec<_>>()
        });
    }
}
