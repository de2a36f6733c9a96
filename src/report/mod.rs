//! Reports: what history answers, as text. Pure functions: the width and the time zone
//! come in as values, and nothing is printed here.

pub mod csv;
pub mod diff;
mod fields;
pub mod findings;
pub mod freshness;
pub mod json;
pub mod lines;
mod plain;
pub mod prune;
pub mod table;
pub mod verify;

#[cfg(test)]
mod fixture;

use crate::history::{ActivityRow, PlanFilter, PlanRow, TaskDetails, TaskRow};

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
    ActivityExecutions(&'a [ActivityRow]),
    /// `history tasks ACTIVITY_EXECUTION_ID`
    TaskExecutions(&'a [TaskRow]),
    /// `history files TASK_EXECUTION_ID`
    Files(&'a TaskDetails),
}
