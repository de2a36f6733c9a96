//! Whether an end is news: how it compares to those before, and when it is told again.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::notify::notice::EndChange;
use crate::notify::past::{Past, PreviousEnd};
use crate::run::event::PlanId;
use crate::run::status::{Class, Status};

/// How a warning begins that is about somebody who was not told, and not about the plan.
pub const OF_A_RECEIVER: &str = "notification by ";

/// How far back is looked: eleven years of hourly runs.
const MOST: u32 = 100_000;

/// How the end of an execution stands to those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownStanding {
    /// What is new about it.
    pub change: EndChange,
    /// The one before; `None` where this is the first.
    pub previous: Option<PreviousEnd>,
    /// Of a success after others: the first of them, if something was wrong before it.
    pub recovery: Option<PastRecovery>,
}

/// A success that came after something else, and what came after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRecovery {
    /// What was new about it.
    pub change: EndChange,
    /// How it was before.
    pub was: Status,
    /// The successes since, from the last one back to this one itself.
    pub since: Vec<PlanId>,
}

impl KnownStanding {
    /// Compares the end of `execution`, which has no id where history could not record it, with
    /// those before. `troubles` are its tasks that did not succeed, sorted.
    pub fn of(
        past: &dyn Past,
        plan: &str,
        execution: Option<PlanId>,
        status: Status,
        troubles: &[String],
    ) -> Result<Self, String> {
        let mut ends = past.ends(plan, execution, MOST)?;
        // A run that found the plan locked says nothing about how the plan itself fares.
        ends.retain(|end| status == Status::Locked || end.status != Status::Locked);
        let Some(previous) = ends.first().cloned() else {
            return Ok(Self {
                change: EndChange::First,
                previous: None,
                recovery: None,
            });
        };
        let recovery = match is_good(status) {
            true => recovery(&ends),
            false => None,
        };
        // Those of this execution itself are in history by now, where it has an id.
        let warned = execution.map(|id| steady_warnings(past, id)).transpose()?;
        let is_the_same = |end: &PreviousEnd| -> Result<bool, String> {
            Ok(end.status == status
                && past.troubles(end.id)? == troubles
                && warned
                    .as_ref()
                    .is_none_or(|warned| steady_warnings(past, end.id).as_ref() == Ok(warned)))
        };
        let well_again = recovery.as_ref().filter(|recovery| recovery.since.is_empty());
        let change = if let Some(recovery) = well_again {
            recovery.change
        } else if is_the_same(&previous)? {
            let mut since = previous.ended;
            let mut times = 2;
            for end in ends.iter().skip(1) {
                if !is_the_same(end)? {
                    break;
                }
                // The clock may have been wrong: the first of them by the clock is not always the first.
                since = since.min(end.ended);
                times += 1;
            }
            EndChange::Again { since, times }
        } else {
            EndChange::Other { was: previous.status }
        };
        Ok(Self {
            change,
            previous: Some(previous),
            recovery: recovery.filter(|recovery| !recovery.since.is_empty()),
        })
    }

    /// Whether it is told to somebody who wants the same told again only after `repeat`.
    ///
    /// Nothing but history is needed: the time since the first of the same ends is cut into
    /// stretches of that length, and the first end in each of them is told. A tenth of it is
    /// given away, so that a run that is a little earlier than yesterday's still counts.
    pub fn is_news(&self, now: Timestamp, repeat: Duration) -> bool {
        let (EndChange::Again { since, .. }, Some(previous)) = (&self.change, &self.previous) else {
            return true;
        };
        is_due_again(*since, previous.ended, now, repeat)
    }
}

/// The warnings of an execution in a form that compares equal as long as nothing changes: without what is counted or
/// measured anew each time, and without those that somebody was not told.
pub(super) fn steady_warnings(past: &dyn Past, execution: PlanId) -> Result<BTreeSet<String>, String> {
    let warnings = past.warnings(execution)?.into_iter();
    let of_the_plan = warnings.filter(|warning| !warning.starts_with(OF_A_RECEIVER));
    Ok(of_the_plan.map(|warning| steady(&warning)).collect())
}

/// A text without the numbers and times in it. A number that is part of a name stays.
pub(super) fn steady(text: &str) -> String {
    let word = |word: &str| match word.find(|letter: char| letter.is_ascii_alphanumeric()) {
        Some(first) if word[first..].starts_with(|letter: char| letter.is_ascii_digit()) => "#".to_owned(),
        _ => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn is_good(status: Status) -> bool {
    status.class() == Class::Success
}

/// How it became well, out of the ends before a success, newest first; nothing where it always was.
fn recovery(ends: &[PreviousEnd]) -> Option<PastRecovery> {
    let good: Vec<PlanId> = ends
        .iter()
        .take_while(|end| is_good(end.status))
        .map(|end| end.id)
        .collect();
    let before = ends.get(good.len()..)?;
    let last = before.first()?;
    let bad = || before.iter().take_while(|end| !is_good(end.status));
    Some(PastRecovery {
        change: EndChange::WellAgain {
            was: last.status,
            since: bad().map(|end| end.ended).min().unwrap_or(last.ended),
            times: bad().count(),
        },
        was: last.status,
        since: good,
    })
}

/// Whether what has been so since a moment, and was found so a while ago, is told again now. Where one of these
/// is in the future a clock was wrong: when it was told is not known then, and better twice than never.
pub fn is_due_again(since: Timestamp, last: Timestamp, now: Timestamp, repeat: Duration) -> bool {
    if repeat.is_zero() || since > now || last > now {
        return true;
    }
    let stretch = |at: Timestamp| {
        let age = Duration::try_from(at.duration_since(since)).unwrap_or_default();
        (age + repeat / 10).as_millis() / repeat.as_millis().max(1)
    };
    stretch(now) > stretch(last)
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
