//! What is told of a recovery.

use crate::run::event::{Certainty, Event, JournalId, Owner, Undo};
use crate::run::ledger::{ClosedUndo, JournalEntry, LedgerError, UnfinishedPlan};
use crate::run::left::Left;
use crate::run::record::Record;
use crate::values::first_few::first_few;

/// What came of a recovery, and what is left of the devices after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// What was done.
    pub done: RecoveryDone,
    /// What is left: looked at after the last thing that was done.
    pub left: Left,
}

/// What was done about dead runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryDone {
    /// Each thing that was to be undone on a device.
    pub rows: Vec<RecoveredRow>,
    /// Each plan execution that is now `ABANDONED`.
    pub abandoned: Vec<AbandonedPlan>,
    /// Each plan execution without an end of which it is not known whether it is at work, and why.
    pub not_known: Vec<(UnfinishedPlan, String)>,
}

/// A plan execution that is `ABANDONED`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbandonedPlan {
    /// The execution.
    pub plan: UnfinishedPlan,
    /// What is known of the end of its process, in words.
    pub how: String,
}

/// One thing that a dead run left on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredRow {
    /// Its row in the journal.
    pub entry: JournalEntry,
    /// How it was undone; or why it could not be, and its row stays open.
    pub outcome: Result<String, StaysOpen>,
}

/// Why a row stays open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaysOpen {
    /// What stood in the way.
    pub why: String,
    /// What is known of the quiesce, if it is one.
    pub certainty: Certainty,
    /// What is to be done about a quiesce, with a command that can be pasted.
    pub advice: String,
}

impl RecoveryDone {
    /// Whether anything could not be undone.
    pub fn is_incomplete(&self) -> bool {
        self.rows.iter().any(|row| row.outcome.is_err())
    }

    /// Puts another advice in the place of the one to recover, for who has just done that.
    pub fn advise(&mut self, advice: &str) {
        let failed = self.rows.iter_mut().filter_map(|row| row.outcome.as_mut().err());
        failed.for_each(|stays| advice.clone_into(&mut stays.advice));
    }

    /// What was done, a sentence each.
    pub fn lines(&self) -> Vec<String> {
        let said = self.said().into_iter().map(|(_, words)| words);
        let known = said.chain(self.abandoned_lines());
        known.chain(self.not_known_lines()).collect()
    }

    /// What was undone, and what could not be, a sentence each, with how it ended. Folders of one device that
    /// stay for one reason are one sentence.
    fn said(&self) -> Vec<(&RecoveredRow, String)> {
        let mut said: Vec<(&RecoveredRow, String)> = Vec::new();
        for row in &self.rows {
            let alike: Vec<&RecoveredRow> = self.rows.iter().filter(|other| row.is_like(other)).collect();
            match alike.first() {
                Some(first) if alike.len() > 1 => {
                    if first.entry.id == row.entry.id {
                        said.push((row, folders_that_stay(&alike)));
                    }
                }
                _ => said.push((row, row.to_string())),
            }
        }
        said
    }

    /// The executions of which it is not known whether they are at work, a sentence each.
    pub fn not_known_lines(&self) -> impl Iterator<Item = String> {
        self.not_known.iter().map(|(plan, why)| {
            format!(
                "whether execution {} of plan {} is at work is not known: {why}",
                plan.id.0, plan.plan
            )
        })
    }

    /// The executions that are abandoned now, a sentence each.
    pub fn abandoned_lines(&self) -> impl Iterator<Item = String> {
        self.abandoned.iter().map(|AbandonedPlan { plan, how }| {
            format!(
                "execution {} of plan {} was abandoned: {how}",
                plan.id.0, plan.plan
            )
        })
    }
}

impl RecoveredRow {
    /// Whether both are folders of one device that stay for one reason.
    fn is_like(&self, other: &RecoveredRow) -> bool {
        let why = |row: &RecoveredRow| match (&row.entry.undo, &row.outcome) {
            (Undo::RemoveFolder(_), Err(stays)) => {
                Some((row.entry.device.clone(), row.entry.seen, stays.why.clone()))
            }
            _ => None,
        };
        why(self).is_some_and(|mine| why(other) == Some(mine))
    }
}

/// Several folders of one device that stay for one reason.
fn folders_that_stay(alike: &[&RecoveredRow]) -> String {
    const MOST: usize = 3;
    let Some(first) = alike.first() else {
        return String::new();
    };
    let folders = alike.iter().filter_map(|row| match &row.entry.undo {
        Undo::RemoveFolder(folder) => Some(folder.as_str()),
        _ => None,
    });
    let tasks = alike.iter().map(|row| row.entry.task.0);
    let were = if first.entry.seen { "were" } else { "may have been" };
    let why = first
        .outcome
        .as_ref()
        .err()
        .map_or("", |stays| stays.why.as_str());
    format!(
        "{} {were} left on {} by the tasks {}: {why}",
        first_few(folders, MOST),
        first.entry.device,
        first_few(tasks, MOST)
    )
}

impl From<ClosedUndo> for RecoveredRow {
    fn from(closed: ClosedUndo) -> Self {
        Self {
            entry: closed.entry,
            outcome: Ok(closed.how),
        }
    }
}

impl std::fmt::Display for RecoveredRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let device = &self.entry.device;
        let is_seen = match &self.outcome {
            Err(stays) => self.entry.seen || stays.certainty == Certainty::Seen,
            Ok(_) => self.entry.seen,
        };
        // What nobody saw quiesced was not left so, as far as anybody knows.
        let was = match (is_seen, self.entry.reply) {
            (true, _) => "was left quiesced",
            (false, Some(_)) => "was asked to quiesce",
            (false, None) => "may have been asked to quiesce",
        };
        let what = match &self.entry.undo {
            Undo::UnquiesceDevice => format!("device {device} {was}"),
            Undo::UnquiesceDomain(domain) => format!("domain {domain} of {device} {was}"),
            Undo::RemoveFolder(folder) if self.outcome.is_err() && !self.entry.seen => {
                format!("{folder} may have been left on {device}")
            }
            Undo::RemoveFolder(folder) => format!("{folder} was left on {device}"),
            Undo::NotKnown { .. } => format!("something was begun on {device}"),
            // What is to be said of it is said whole.
            Undo::Import { .. } | Undo::DryRun { .. } => {
                return match &self.outcome {
                    Ok(how) => write!(f, "{}: {how}", self.entry),
                    Err(StaysOpen { why, .. }) => f.write_str(why),
                };
            }
        };
        match &self.outcome {
            Ok(how) => write!(f, "{what} by task {}: {how}", self.entry.task.0),
            Err(StaysOpen {
                why,
                advice,
                certainty,
            }) if self.entry.is_quiesce() => {
                let (task, cry) = (self.entry.task.0, certainty.words());
                match certainty {
                    Certainty::Seen => write!(f, "{what} by task {task}: {why}; {cry}: {advice}"),
                    Certainty::NotKnown if self.entry.seen => write!(
                        f,
                        "{what} by task {task}, as was seen then: {why}; whether it is quiesced now is not known: \
                         {cry}: look at it, and {advice}"
                    ),
                    Certainty::NotKnown => {
                        write!(f, "{what} by task {task}: {why}; {cry}: look at it, and {advice}")
                    }
                }
            }
            Err(StaysOpen { why, .. }) => write!(f, "{what} by task {}: {why}", self.entry.task.0),
        }
    }
}

/// Notes for an execution what became of the leftovers of dead runs. Returns what deserves a
/// look, each with its row in the journal: what could not be undone, and what was out of service until now.
pub(in crate::run) fn note(
    record: &mut Record<'_>,
    owner: Owner,
    recovery: &RecoveryDone,
) -> Result<Vec<(JournalId, String)>, LedgerError> {
    let mut warnings = Vec::new();
    for (row, words) in recovery.said() {
        match row.outcome {
            // A folder that was left on a device has harmed nobody.
            Ok(_) if !row.entry.is_quiesce() => record.note(owner, words)?,
            Ok(_) | Err(_) => {
                warnings.push((row.entry.id, words.clone()));
                record.warn_of_row(owner, row.entry.id, words)?;
            }
        }
    }
    for line in recovery.abandoned_lines() {
        record.note(owner, line)?;
    }
    Ok(warnings)
}

/// Tells what became of a row that is closed.
pub(in crate::run) fn tell_recovered(
    record: &mut Record<'_>,
    entry: &JournalEntry,
    how: &str,
) -> Result<(), LedgerError> {
    record.tell(&Event::Recovered {
        row: entry.id,
        task: entry.task,
        device: entry.device.clone(),
        undo: entry.undo.clone(),
        how: how.to_owned(),
    })
}

#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
