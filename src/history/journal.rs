//! What was begun and not ended: the journal of undos, and plan executions whose
//! process is gone.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction};

use crate::history::error::{HistoryError, HistoryFault};
use crate::history::execution::{Execution, advance, require, set_error};
use crate::history::value::{AsText, text};
use crate::history::{History, query};
use crate::run::event::{
    ActivityId, JournalEntry, JournalId, PlanId, TaskId, Undo, UnfinishedPlan, UnfinishedTask,
};
use crate::run::status::Status;

/// What [`History::abandon`] changed: nothing, if the plan execution had ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abandoned {
    /// Whether the plan execution was one of them.
    pub plan: bool,
    /// The activities.
    pub activities: Vec<ActivityId>,
    /// The tasks.
    pub tasks: Vec<TaskId>,
}

pub(super) const OPEN_ENTRIES: &str =
    "SELECT journal.id, plan_execution_id, task_execution_id, journal.device_name, undo,
         argument, process, opened_time
     FROM journal JOIN task_execution ON task_execution.id = task_execution_id
     WHERE closed_time IS NULL ORDER BY journal.id";

pub(super) const UNFINISHED_PLANS: &str = "SELECT id, plan, process, start_time, status FROM plan_execution
     WHERE end_time IS NULL ORDER BY id";

pub(super) const UNFINISHED_TASKS: &str = "SELECT id, device_name, domain_name, status FROM task_execution
     WHERE plan_execution_id = ?1 AND end_time IS NULL ORDER BY id";

pub(super) const UNFINISHED_ACTIVITIES: &str = "SELECT id FROM activity_execution
     WHERE plan_execution_id = ?1 AND end_time IS NULL ORDER BY id";

impl History {
    /// The undos that no device has confirmed, oldest first. Whether the process that
    /// wrote one is still at work, its kernel lock tells.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn open_entries(&self) -> Result<Vec<JournalEntry>, HistoryError> {
        self.read(|transaction| query::rows(transaction, OPEN_ENTRIES, [], journal_entry))
    }

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
            }
            Ok(plans)
        })
    }

    /// Marks a plan execution, and those of its activities and tasks that have no end,
    /// `ABANDONED` with this message. What had ended stays as it is.
    ///
    /// # Errors
    ///
    /// There is no such plan execution, or the history cannot be written.
    pub fn abandon(&mut self, plan: PlanId, at: Timestamp, error: &str) -> Result<Abandoned, HistoryError> {
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
                set_error(transaction, Execution::Task(task.id), Some(error))?;
            }
            let activities = query::rows(transaction, UNFINISHED_ACTIVITIES, [plan.0], |row| {
                Ok(ActivityId(row.get(0)?))
            })?;
            for activity in &activities {
                advance(transaction, at, Execution::Activity(*activity), Status::Abandoned)?;
            }
            advance(transaction, at, Execution::Plan(plan), Status::Abandoned)?;
            set_error(transaction, Execution::Plan(plan), Some(error))?;
            Ok(Abandoned {
                plan: true,
                activities,
                tasks: tasks.iter().map(|task| task.id).collect(),
            })
        })
    }

    pub(super) fn open_journal(
        &mut self,
        at: Timestamp,
        process: &str,
        task: TaskId,
        device: &str,
        undo: &Undo,
    ) -> Result<JournalId, HistoryError> {
        let (word, argument) = match undo {
            Undo::UnquiesceDevice => ("UNQUIESCE_DEVICE", None),
            Undo::UnquiesceDomain(domain) => ("UNQUIESCE_DOMAIN", Some(domain)),
            Undo::RemoveFolder(folder) => ("REMOVE_FOLDER", Some(folder)),
        };
        self.write(|transaction| {
            require(transaction, Execution::Task(task))?;
            transaction.execute(
                "INSERT INTO journal (task_execution_id, device_name, undo, argument, process, opened_time)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (task.0, device, word, argument, process, AsText(at)),
            )?;
            Ok(JournalId(transaction.last_insert_rowid()))
        })
    }

    /// Closing twice is no error, and the first word stands: a run and `recover` may both
    /// have asked the device.
    pub(super) fn close_journal(
        &mut self,
        at: Timestamp,
        id: JournalId,
        how: &str,
    ) -> Result<(), HistoryError> {
        self.write(|transaction| {
            let known: Option<Option<String>> = transaction
                .query_row("SELECT closed_time FROM journal WHERE id = ?1", [id.0], |row| {
                    row.get(0)
                })
                .optional()?;
            match known {
                None => Err(HistoryFault::NotFound {
                    what: "journal entry",
                    id: id.0,
                    list: &["recover"],
                }),
                Some(Some(_)) => Ok(()),
                Some(None) => {
                    transaction.execute(
                        "UPDATE journal SET closed_time = ?2, closed_how = ?3 WHERE id = ?1",
                        (id.0, AsText(at), how),
                    )?;
                    Ok(())
                }
            }
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
    })
}

fn journal_entry(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    let argument: Option<String> = row.get("argument")?;
    let undo = match row.get::<_, String>("undo")?.as_str() {
        "UNQUIESCE_DEVICE" => Undo::UnquiesceDevice,
        "UNQUIESCE_DOMAIN" => Undo::UnquiesceDomain(argument.unwrap_or_default()),
        // The table admits these three words only.
        _ => Undo::RemoveFolder(argument.unwrap_or_default()),
    };
    Ok(JournalEntry {
        id: JournalId(row.get("id")?),
        plan: PlanId(row.get("plan_execution_id")?),
        task: TaskId(row.get("task_execution_id")?),
        device: row.get("device_name")?,
        undo,
        process: row.get("process")?,
        opened: text(row, "opened_time")?,
    })
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
