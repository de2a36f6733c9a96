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
                .map(|time| format!("keep_within = \"{}\"", span(time))),
        );
        f.write_str(&rules.join(", "))
    }
}

/// As [`parse_span`](crate::values::duration::parse_span) reads it.
fn span(time: Duration) -> String {
    let shown = HumanDuration(time).to_string();
    let parts = shown.split(' ').map(|part| match part.strip_suffix('m') {
        Some(minutes) => format!("{minutes}min"),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::duration::parse_span;

    #[test]
    fn rules_are_none_where_not_one_is_written() {
        let none = Retention::default();
        assert!(none.is_empty());
        let one = Retention {
            keep_monthly: Some(12),
            ..none
        };
        assert!(!one.is_empty());
    }

    #[test]
    fn what_is_shown_of_a_span_is_what_would_be_read() {
        for text in ["450ms", "30s", "90min", "6min", "36h", "1d 2h", "30d"] {
            let time = parse_span(text).expect("a span");
            let retention = Retention {
                keep_within: Some(time),
                ..Retention::default()
            };
            let shown = retention.to_string();
            let (_, shown) = shown.split_once('"').expect("a span");
            assert_eq!(
                parse_span(shown.trim_end_matches('"')),
                Ok(time),
                "{text}: {shown}"
            );
        }
    }
}
