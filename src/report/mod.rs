//! Reports: what history answers, as text. Pure functions: the width and the time zone
//! come in as values, and nothing is printed here.

pub mod changes;
pub mod csv;
pub mod diff;
mod fields;
pub mod findings;
pub mod found;
pub mod freshness;
mod grid;
pub mod json;
pub mod lines;
pub mod page;
mod plain;
pub mod prune;
pub mod table;
pub mod verify;

#[cfg(test)]
mod fixture;

use crate::history::{ActivityRow, NoteRow, PlanFilter, PlanRow, TaskDetails, TaskRow};
use crate::run::event::ScriptRun;

/// One of the four levels of `dpbackup history`, each drilling into the one before.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// `history`
    PlanExecutions {
        /// What was found.
        rows: &'a [PlanRow],
        /// What was asked for.
        filter: &'a PlanFilter,
    },
    /// `history activities PLAN_EXECUTION_ID`
    ActivityExecutions {
        /// The activities.
        rows: &'a [ActivityRow],
        /// Notes and warnings on the plan execution itself.
        notes: &'a [NoteRow],
        /// Its own scripts.
        scripts: &'a [ScriptRun],
    },
    /// `history tasks ACTIVITY_EXECUTION_ID`
    TaskExecutions(&'a [TaskRow]),
    /// `history files TASK_EXECUTION_ID`
    Files(&'a TaskDetails),
}
