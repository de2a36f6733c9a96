//! What history cannot know by itself: executions whose process is gone, or may be, and what such
//! processes have left open, before anybody has run `recover`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::commands::dead::left_behind::{UnseenImports, left_behind, left_folders};
use crate::commands::frame::error::CommandError;
use crate::history::{ActivityRow, History, PlanRow, TaskRow};
use crate::lock::ended::UnrecordedEnd;
use crate::lock::{Life, Locks, was_stopped};
use crate::plan::model::PlanFile;
use crate::run::event::PlanId;
use crate::run::ledger::ClosedUndo;
use crate::run::left::Left;
use crate::run::status::{Class, Status};

/// What is known of the process of an execution without an end that is not seen to be at work.
enum NotAtWork {
    /// It is gone: since when, in words.
    Gone(String),
    /// Whether it is at work cannot be told; in words.
    NotKnown(String),
    /// It was stopped, and does nothing until it is let go on; in words.
    StandsStill(String),
}

/// The executions without an end whose process is not seen to be at work, and what others have undone of
/// executions since.
pub(in crate::commands) struct Gone {
    not_at_work: BTreeMap<PlanId, NotAtWork>,
    undone: Vec<ClosedUndo>,
}

impl Gone {
    /// Looks which they are.
    pub(in crate::commands) fn look(history: &History, locks: &Locks) -> Result<Self, CommandError> {
        let mut gone = BTreeMap::new();
        for plan in history.unfinished_plans()? {
            let found = match locks.life(&plan.process) {
                Life::Alive if Locks::stands_still(&plan.process) => {
                    let stopped = was_stopped(Locks::pid(&plan.process));
                    NotAtWork::StandsStill(format!("at work is a process {stopped}"))
                }
                Life::Alive => continue,
                Life::Dead => {
                    let heard = format!("{} or later", last_heard(history, &plan.id)?);
                    NotAtWork::Gone(match UnrecordedEnd::said(locks, &plan.process) {
                        Some(ended) => format!("{ended}: since {heard}"),
                        None => format!("its process is gone since {heard}"),
                    })
                }
                Life::NotKnown(why) => {
                    NotAtWork::NotKnown(format!("whether its process is at work is not known: {why}"))
                }
            };
            gone.insert(plan.id, found);
        }
        Ok(Self {
            not_at_work: gone,
            undone: history.undone_by_others()?,
        })
    }

    /// Shows the executions among these whose process is gone as what they are, and says of the
    /// others that it is not known; and what has been undone of each since.
    pub(in crate::commands) fn mark_plans(&self, rows: &mut [PlanRow]) {
        for row in rows {
            self.mark(row.id, &mut row.status, &mut row.error_message);
            let (plan, end) = (row.id, row.end_time);
            self.tell_undone(&mut row.error_message, end, |undone| undone.entry.plan == plan);
        }
    }

    /// The same for activities.
    pub(in crate::commands) fn mark_activities(&self, rows: &mut [ActivityRow]) {
        for row in rows {
            self.mark(row.plan, &mut row.status, &mut None);
        }
    }

    /// The same for a task.
    pub(in crate::commands) fn mark_task(&self, row: &mut TaskRow) {
        self.mark(row.plan, &mut row.status, &mut row.error_message);
        let (task, end) = (row.id, row.end_time);
        self.tell_undone(&mut row.error_message, end, |undone| undone.entry.task == task);
    }

    /// What `-q` says of an execution or a part of one, once it is marked: what ended and not as it
    /// should have, and what may never end.
    pub(in crate::commands) fn is_not_good(&self, plan: PlanId, status: Status) -> bool {
        match status.class() {
            Class::Success => false,
            Class::Interim => self.not_at_work.contains_key(&plan),
            Class::Warning | Class::Skipped | Class::Cancelled | Class::Refused | Class::Failed => true,
        }
    }

    /// A message is what was known at the end of an execution: what was undone of it after that stands in the
    /// journal alone.
    fn tell_undone(
        &self,
        message: &mut Option<String>,
        end: Option<Timestamp>,
        is_of: impl Fn(&ClosedUndo) -> bool,
    ) {
        let Some(message) = message else { return };
        let later = |undone: &&ClosedUndo| end.is_none_or(|end| undone.closed > end);
        let undone = self.undone.iter().filter(|undone| is_of(undone)).filter(later);
        let undone: Vec<String> = undone.map(undone_words).collect();
        if !undone.is_empty() {
            message.push_str(&format!("; since then: {}", undone.join(", ")));
        }
    }

    fn mark(&self, plan: PlanId, status: &mut Status, message: &mut Option<String>) {
        let Some(found) = self.not_at_work.get(&plan).filter(|_| !status.is_final()) else {
            return;
        };
        match found {
            // What one was in the middle of, another one has not begun.
            NotAtWork::Gone(since) => {
                message.get_or_insert_with(|| format!("{since}, when it was {status}"));
                *status = Status::Abandoned;
            }
            // An execution that may be at work keeps the status that its process gave it.
            NotAtWork::NotKnown(words) | NotAtWork::StandsStill(words) => {
                message.get_or_insert_with(|| words.clone());
            }
        }
    }
}

/// Where and when it was undone, and what was confirmed.
fn undone_words(undone: &ClosedUndo) -> String {
    let by = undone.by.map_or_else(
        || "dpbackup recover".to_owned(),
        |plan| format!("execution {}", plan.0),
    );
    let ClosedUndo {
        entry, how, closed, ..
    } = undone;
    format!("{}: {how} ({closed:.0}, by {by})", entry.place())
}

/// When an execution was last heard of.
fn last_heard(history: &History, plan: &PlanId) -> Result<String, CommandError> {
    let tasks = history.tasks_of_plan(*plan)?;
    let last = tasks.iter().map(|task| task.status_time).max();
    Ok(last.map_or_else(|| "its start".to_owned(), |last| format!("{last:.0}")))
}

/// What may still be quiesced, of what the journal has open and nobody works on.
pub(in crate::commands) fn open_quiesces(file: &PlanFile) -> Option<String> {
    let history = &file.settings.history;
    match left_behind(history, &Locks::beside(history)) {
        Left::Nothing => None,
        left => Some(left.words(&file.invocation)),
    }
}

/// The same, the imports whose end nobody has seen, and the secure backups that may be left on a device: it stands
/// above every table. `None` where there is nothing.
pub(in crate::commands) fn open_rows(file: &PlanFile) -> Option<String> {
    let locks = Locks::beside(&file.settings.history);
    let told = open_quiesces(file).into_iter();
    let told = told.chain(UnseenImports::of(file, &locks).all());
    let told: Vec<String> = told.chain(left_folders(file, &locks)).collect();
    (!told.is_empty()).then(|| told.join("; "))
}
