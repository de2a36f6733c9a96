//! Plan executions without an end, and the end of those whose process is gone.

use jiff::Timestamp;
use rusqlite::{Row, Transaction};

use crate::history::error::{HistoryError, HistoryFault};
use crate::history::execution::{Execution, advance, require, set_error};
use crate::history::value::text;
use crate::history::{History, query};
use crate::run::event::{ActivityId, PlanId, TaskId};
use crate::run::ledger::{DeathWords, UnfinishedPlan, UnfinishedTask};
use crate::run::status::Status;

/// What [`History::abandon`] changed: nothing, if the plan execution had ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abandoned {
    /// Whether the plan execution was one of them.
    pub plan: bool,
    pub activities: Vec<ActivityId>,
    pub tasks: Vec<TaskId>,
}

pub(super) const UNFINISHED_PLANS: &str = "SELECT id, plan, process, start_time, status FROM plan_execution
     WHERE end_time IS NULL ORDER BY id";

pub(super) const UNFINISHED_TASKS: &str =
    "SELECT id, device_name, domain_name, action, status FROM task_execution
     WHERE plan_execution_id = ?1 AND end_time IS NULL ORDER BY id";

pub(super) const UNFINISHED_ACTIVITIES: &str = "SELECT id FROM activity_execution
     WHERE plan_execution_id = ?1 AND end_time IS NULL ORDER BY id";

pub(super) const ENDED_IMPORTS: &str = "SELECT id, status FROM task_execution
     WHERE plan_execution_id = ?1 AND end_time IS NOT NULL AND action = 'RESTORE_DOMAIN'
         AND status IN ('SUCCESS', 'IMPORT_FAILED') ORDER BY id";

impl History {
    /// The plan executions without an end, oldest first.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn unfinished_plans(&self) -> Result<Vec<UnfinishedPlan>, HistoryError> {
        self.read(|transaction| {
            let mut plans = query::rows(transaction, UNFINISHED_PLANS, [], unfinished_plan)?;
            for plan in &mut plans {
                plan.unended_tasks = unfinished_tasks(transaction, plan.id)?;
                plan.unended_activities = unfinished_activities(transaction, plan.id)?;
                plan.ended_imports = query::rows(transaction, ENDED_IMPORTS, [plan.id.0], |row| {
                    Ok((TaskId(row.get("id")?), text(row, "status")?))
                })?;
            }
            Ok(plans)
        })
    }

    /// Marks a plan execution, and those of its activities and tasks that have no end,
    /// `ABANDONED` with these messages. What had ended stays as it is.
    ///
    /// # Errors
    ///
    /// There is no such plan execution, or the history cannot be written.
    pub fn abandon(
        &mut self,
        plan: PlanId,
        at: Timestamp,
        death: &DeathWords,
    ) -> Result<Abandoned, HistoryError> {
        self.write(|transaction| {
            require(transaction, Execution::Plan(plan))?;
            let unfinished = transaction
                .prepare("SELECT 1 FROM plan_execution WHERE id = ?1 AND end_time IS NULL")?
                .exists([plan.0])?;
            if !unfinished {
                return Ok(Abandoned::default());
            }
            let tasks = unfinished_tasks(transaction, plan)?;
            for task in &tasks {
                advance(transaction, at, Execution::Task(task.id), Status::Abandoned)?;
                set_error(transaction, Execution::Task(task.id), Some(death.at(task.id)))?;
            }
            let activities = unfinished_activities(transaction, plan)?;
            for activity in &activities {
                advance(transaction, at, Execution::Activity(*activity), Status::Abandoned)?;
            }
            advance(transaction, at, Execution::Plan(plan), Status::Abandoned)?;
            set_error(transaction, Execution::Plan(plan), Some(&death.plan))?;
            Ok(Abandoned {
                plan: true,
                activities,
                tasks: tasks.iter().map(|task| task.id).collect(),
            })
        })
    }
}

fn unfinished_tasks(
    transaction: &Transaction<'_>,
    plan: PlanId,
) -> Result<Vec<UnfinishedTask>, HistoryFault> {
    query::rows(transaction, UNFINISHED_TASKS, [plan.0], |row| {
        Ok(UnfinishedTask {
            id: TaskId(row.get("id")?),
            device: row.get("device_name")?,
            domain: row.get("domain_name")?,
            action: text(row, "action")?,
            status: text(row, "status")?,
        })
    })
}

fn unfinished_plan(row: &Row<'_>) -> rusqlite::Result<UnfinishedPlan> {
    Ok(UnfinishedPlan {
        id: PlanId(row.get("id")?),
        plan: row.get("plan")?,
        process: row.get("process")?,
        started: text(row, "start_time")?,
        status: text(row, "status")?,
        unended_tasks: Vec::new(),
        unended_activities: Vec::new(),
        ended_imports: Vec::new(),
    })
}

fn unfinished_activities(
    transaction: &Transaction<'_>,
    plan: PlanId,
) -> Result<Vec<ActivityId>, HistoryFault> {
    query::rows(transaction, UNFINISHED_ACTIVITIES, [plan.0], |row| {
        Ok(ActivityId(row.get(0)?))
    })
}

#[cfg(test)]
#[path = "unfinished_tests.rs"]
mod tests;
