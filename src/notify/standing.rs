//! Whether an end is news: how it compares to those before, and when it is told again.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::notify::notice::EndChange;
use crate::notify::past::{EndsAsked, EndsBack, Past, PreviousEnd};
use crate::notify::steady::steady;
use crate::run::event::PlanId;
use crate::run::status::{Class, Status};

/// How far back is looked: eleven years of hourly runs.
const MOST: usize = 100_000;

/// How the end of an execution stands to those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownStanding {
    /// What is new about it; `None` where nobody is told of such an end, and nobody has compared it.
    pub change: Option<EndChange>,
    /// The one before; `None` where this is the first.
    pub previous: Option<PreviousEnd>,
    /// Of a success after others: the first of them, if something was wrong before it, and somebody was told of
    /// none of them.
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

/// An end that is compared with those before, and what those who are told need of that.
pub struct EndToCompare<'a> {
    /// Whose end it is.
    pub plan: &'a str,
    /// Which one; `None` where history could not record it.
    pub execution: Option<PlanId>,
    pub status: Status,
    /// Its tasks that did not succeed, sorted.
    pub troubles: &'a [String],
    /// Who needs it.
    pub needed: EndNeeded,
    /// Whether one of those who are told that it is over was not told so by this end.
    pub was_missed: &'a dyn Fn(PlanId) -> bool,
}

/// Who is told of an end, as far as that decides what is asked of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndNeeded {
    /// Somebody who wants such ends: how long it has been so is said, too.
    Whole,
    /// Nobody but those who were told that something is wrong, if it is over.
    IfWellAgain,
}

impl KnownStanding {
    /// Compares an end with those before, no further back than somebody needs it.
    pub fn of(past: &dyn Past, end: &EndToCompare<'_>) -> Result<Self, String> {
        // A run that found the plan locked says nothing about how the plan itself fares.
        let which = match end.status {
            Status::Locked => EndsAsked::All,
            _ => EndsAsked::OfItsOwn,
        };
        let back = || EndsBack::before(past, end.plan, which, end.execution);
        let newest = past.ends(end.plan, which, end.execution, 1)?;
        let Some(previous) = newest.into_iter().next() else {
            return Ok(Self {
                change: Some(EndChange::First),
                previous: None,
                recovery: None,
            });
        };
        let recovery = match is_good(end.status) {
            true => recovery(&mut back(), end.was_missed)?,
            false => None,
        };
        let well_again = recovery.as_ref().filter(|recovery| recovery.since.is_empty());
        let change = match (well_again, end.needed) {
            (Some(recovery), _) => Some(recovery.change),
            (None, EndNeeded::IfWellAgain) => None,
            (None, EndNeeded::Whole) => Some(change(past, end, &mut back())?),
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
        let (Some(EndChange::Again { since, .. }), Some(previous)) = (&self.change, &self.previous) else {
            return true;
        };
        is_due_again(*since, previous.ended, now, repeat)
    }
}

/// What is new about an end that did not become well with it.
fn change(past: &dyn Past, end: &EndToCompare<'_>, ends: &mut EndsBack<'_>) -> Result<EndChange, String> {
    // Those of this execution itself are in history by now, where it has an id.
    let warned = end.execution.map(|id| steady_warnings(past, id)).transpose()?;
    let is_the_same = |before: &PreviousEnd| -> Result<bool, String> {
        Ok(before.status == end.status
            && past.troubles(before.id)? == end.troubles
            && warned
                .as_ref()
                .is_none_or(|warned| steady_warnings(past, before.id).as_ref() == Ok(warned)))
    };
    let Some(previous) = ends.back()? else {
        return Ok(EndChange::First);
    };
    if !is_the_same(&previous)? {
        return Ok(EndChange::Other { was: previous.status });
    }
    let mut since = previous.ended;
    let mut times = 2;
    while let Some(before) = ends.back()? {
        if times > MOST || !is_the_same(&before)? {
            break;
        }
        // The clock may have been wrong: the first of them by the clock is not always the first.
        since = since.min(before.ended);
        times += 1;
    }
    Ok(EndChange::Again { since, times })
}

/// The warnings of an execution in a form that compares equal as long as nothing changes: without what is counted or
/// measured anew each time.
pub(super) fn steady_warnings(past: &dyn Past, execution: PlanId) -> Result<BTreeSet<String>, String> {
    let warnings = past.warnings(execution)?.into_iter();
    Ok(warnings.map(|warning| steady(&warning)).collect())
}

fn is_good(status: Status) -> bool {
    status.class() == Class::Success
}

/// How it became well, out of the ends before a success; nothing where it always was, or where all who are to
/// know have been told.
fn recovery(
    ends: &mut EndsBack<'_>,
    was_missed: &dyn Fn(PlanId) -> bool,
) -> Result<Option<PastRecovery>, String> {
    let mut good = Vec::new();
    let last = loop {
        match ends.back()? {
            Some(end) if !is_good(end.status) => break end,
            Some(end) if good.len() < MOST && was_missed(end.id) => good.push(end.id),
            Some(_) | None => return Ok(None),
        }
    };
    let mut since = last.ended;
    let mut times = 1;
    while let Some(end) = ends.back()? {
        if times > MOST || is_good(end.status) {
            break;
        }
        since = since.min(end.ended);
        times += 1;
    }
    Ok(Some(PastRecovery {
        change: EndChange::WellAgain {
            was: last.status,
            since,
            times,
        },
        was: last.status,
        since: good,
    }))
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
