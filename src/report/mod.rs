//! Reports: what history answers and what commands come to, as text. Pure functions: the width and the time zone
//! come in as values, and nothing is printed here.

mod changed;
pub mod changes;
pub mod check_items;
pub mod csv;
pub mod diff;
mod execution;
mod fields;
pub mod found;
pub mod freshness;
mod grid;
pub mod json;
pub mod lines;
pub mod notify_test;
pub mod page;
pub mod paint;
pub mod preview;
pub mod prune;
pub mod rehearse;
pub mod restore_note;
pub mod restore_plan;
pub mod table;
pub mod trust;
pub mod validate;
pub mod verify;
mod written;

#[cfg(test)]
mod fixture;

use std::path::Path;

use jiff::Timestamp;

use crate::history::{ActivityRow, NoteRow, PlanFilter, PlanRow, TaskDetails, TaskRow};
use crate::run::event::ScriptRun;
use crate::run::status::Class;
use crate::values::text::printable;

/// The line that names the store, above lines whose paths begin there.
pub fn store_line(store: &Path) -> String {
    format!("Store {}\n", printable(&store.to_string_lossy()))
}

/// One execution of a plan with everything below it: `history last`.
#[derive(Clone, Copy, Debug)]
pub struct WholeExecution<'a> {
    pub plan: &'a PlanRow,
    /// Notes and warnings on it.
    pub notes: &'a [NoteRow],
    pub scripts: &'a [ScriptRun],
    /// Its tasks, each with the time at which it began, if it did.
    pub tasks: &'a [(TaskDetails, Option<Timestamp>)],
    /// How many more it has, which are good and of which nobody wants to hear.
    pub left_out: usize,
    /// The store, where it is known: paths begin there.
    pub store: Option<&'a Path>,
}

/// One of the four levels of `dpbackup history`, each drilling into the one before, or all of
/// them of one execution.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// `history`
    PlanExecutions {
        rows: &'a [PlanRow],
        /// What was asked for.
        filter: &'a PlanFilter,
    },
    /// `history last`, `history PLAN_EXECUTION_ID`
    Whole(&'a WholeExecution<'a>),
    /// `history activities PLAN_EXECUTION_ID`
    ActivityExecutions {
        rows: &'a [ActivityRow],
        /// Notes and warnings on the plan execution itself.
        notes: &'a [NoteRow],
        scripts: &'a [ScriptRun],
    },
    /// `history tasks ACTIVITY_EXECUTION_ID`
    TaskExecutions(&'a [TaskRow]),
    /// `history files TASK_EXECUTION_ID`
    Files(&'a TaskDetails),
}

impl View<'_> {
    /// Whether whoever wants errors alone needs to see none of it: no execution that it shows went wrong, or it shows none.
    pub fn may_be_silent(&self) -> bool {
        match self {
            View::PlanExecutions { rows, .. } => rows.is_empty(),
            View::Whole(whole) => whole.tasks.is_empty() && whole.plan.status.class() == Class::Success,
            View::ActivityExecutions { rows, .. } => rows.is_empty(),
            View::TaskExecutions(rows) => rows.is_empty(),
            View::Files(details) => details.task.status.class() == Class::Success,
        }
    }
}
