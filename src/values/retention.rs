//! How many backups are kept, and for how long.

use std::fmt;
use std::time::Duration;

use crate::values::duration::HumanDuration;

/// What `prune` keeps. A backup is kept if any of the rules keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The newest ones.
    pub keep_last: Option<u32>,
    /// The newest of each of so many days that have one.
    pub keep_daily: Option<u32>,
    /// The newest of each of so many weeks that have one; weeks begin on Monday.
    pub keep_weekly: Option<u32>,
    /// The newest of each of so many months that have one.
    pub keep_monthly: Option<u32>,
    /// All that are at most so much older than the newest one.
    pub keep_within: Option<Duration>,
}

impl Retention {
    /// Whether it has no rule at all.
    pub fn is_empty(&self) -> bool {
        *self == Retention::default()
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            ("keep_last", self.keep_last),
            ("keep_daily", self.keep_daily),
            ("keep_weekly", self.keep_weekly),
            ("keep_monthly", self.keep_monthly),
        ];
        let mut rules: Vec<String> = counts
            .into_iter()
            .filter_map(|(name, count)| count.map(|count| format!("{name} = {count}")))
            .collect();
        rules.extend(
            self.keep_within
                .map(|time| format!("keep_within = \"{}\"", HumanDuration(time))),
        );
        f.write_str(&rules.join(", "))
    }
}
