//! What a page about everything asks: many rows, few columns.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::history::History;
use crate::history::error::{HistoryError, HistoryFault};
use crate::history::query::{rows, task_columns, task_row};
use crate::history::value::{AsText, Text, count, text};
use crate::history::view::execution::{TaskOfDay, TaskRow};
use crate::history::view::file::RemovedRow;
use crate::history::view::target::UnsavedTarget;
use crate::run::event::{FileKind, PlanId, TaskId};
use crate::run::status::Status;

/// Every task of the plan executions since then. CROSS JOIN keeps the order: by plan execution.
pub(super) fn tasks_since_sql(of_plan: bool) -> String {
    let plan = if of_plan { "p.plan = ?2" } else { "?2 IS NULL" };
    format!(
        "SELECT t.id, t.device_name, t.domain_name, t.action, t.status, t.start_time
         FROM plan_execution AS p CROSS JOIN task_execution AS t ON t.plan_execution_id = p.id
         WHERE p.start_time >= ?1 AND {plan}"
    )
}

const WARNED_TASKS: &str = "SELECT DISTINCT task_execution_id FROM note
     WHERE task_execution_id IS NOT NULL AND level <> 'NOTE'";

/// Tasks of which a file that they stored is not what it was, as a later look has found.
const DAMAGED_TASKS: &str = "SELECT DISTINCT task_execution_id FROM file WHERE damage IS NOT NULL";

/// The newest look at each target that looked whether its changes were saved.
const UNSAVED: &str = "SELECT t.device_name, t.domain_name, t.id, t.start_time
     FROM backup_target AS b
         CROSS JOIN task_execution AS l ON l.id = b.last_task_execution_id
         CROSS JOIN task_execution AS t ON t.id = CASE
             WHEN l.unsaved_changes IS NULL THEN b.good_task_execution_id ELSE l.id END
     WHERE b.kind = ?1 AND t.unsaved_changes = 1
     ORDER BY t.device_name, t.domain_name";

pub(super) const REMOVED: &str = "SELECT t.device_name, count(*) AS files, sum(f.size) AS size
     FROM file AS f CROSS JOIN task_execution AS t ON t.id = f.task_execution_id
         CROSS JOIN plan_execution AS p ON p.id = t.plan_execution_id
     WHERE f.pruned_time >= ?1 AND (?2 IS NULL OR p.plan = ?2) GROUP BY t.device_name ORDER BY t.device_name";

impl History {
    /// Hands every task execution of the plan executions since then to `each`; of one plan, if
    /// one is named.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn each_task_since(
        &self,
        since: Timestamp,
        plan: Option<&str>,
        mut each: impl FnMut(TaskOfDay<'_>),
    ) -> Result<(), HistoryError> {
        self.read(|transaction| {
            let tasks = |sql| -> Result<HashSet<i64>, HistoryFault> {
                Ok(rows(transaction, sql, [], |row| row.get(0))?
                    .into_iter()
                    .collect())
            };
            let (warned, damaged) = (tasks(WARNED_TASKS)?, tasks(DAMAGED_TASKS)?);
            let mut statement = transaction.prepare(&tasks_since_sql(plan.is_some()))?;
            let mut found = statement.query((since.to_text(), plan))?;
            while let Some(row) = found.next()? {
                let name = |column: usize| -> Result<&str, HistoryFault> {
                    row.get_ref(column)?
                        .as_str()
                        .map_err(|error| HistoryFault::Value(error.to_string()))
                };
                each(TaskOfDay {
                    device_name: name(1)?,
                    domain_name: name(2)?,
                    action: text(row, 3)?,
                    status: text(row, 4)?,
                    start_time: text(row, 5)?,
                    warned: warned.contains(&row.get(0)?),
                    is_damaged: damaged.contains(&row.get(0)?),
                });
            }
            Ok(())
        })
    }

    /// The targets that had unsaved changes when somebody last looked.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn unsaved_targets(&self) -> Result<Vec<UnsavedTarget>, HistoryError> {
        self.read(|transaction| {
            rows(transaction, UNSAVED, [AsText(FileKind::Persisted)], |row| {
                Ok(UnsavedTarget {
                    device_name: row.get(0)?,
                    domain_name: row.get(1)?,
                    task: TaskId(row.get(2)?),
                    time: text(row, 3)?,
                })
            })
        })
    }

    /// What was removed from the store since then, by device; of what one plan had stored, if one
    /// is named.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn removed_since(
        &self,
        since: Timestamp,
        plan: Option<&str>,
    ) -> Result<Vec<RemovedRow>, HistoryError> {
        self.read(|transaction| {
            rows(transaction, REMOVED, (since.to_text(), plan), |row| {
                Ok(RemovedRow {
                    device_name: row.get(0)?,
                    files: count(row, "files")?,
                    size: count(row, "size")?,
                })
            })
        })
    }

    /// At most so many task executions of a plan execution, those first that did not succeed.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn tasks_worst_first(&self, plan: PlanId, most: u32) -> Result<Vec<TaskRow>, HistoryError> {
        self.read(|transaction| {
            let columns = task_columns();
            let mut tasks: Vec<TaskRow> = Vec::new();
            for sign in ["<>", "="] {
                let left = i64::from(most) - i64::try_from(tasks.len()).unwrap_or(i64::MAX);
                let sql = format!(
                    "{columns} WHERE t.plan_execution_id = ?1 AND t.status {sign} ?2 ORDER BY t.id LIMIT ?3"
                );
                let parameters = (plan.0, AsText(Status::Success), left.max(0));
                tasks.extend(rows(transaction, &sql, parameters, task_row)?);
            }
            Ok(tasks)
        })
    }

    /// How many task executions a plan execution has.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn task_count(&self, plan: PlanId) -> Result<u64, HistoryError> {
        self.read(|transaction| {
            let sql = "SELECT count(*) FROM task_execution WHERE plan_execution_id = ?1";
            Ok(transaction.query_row(sql, [plan.0], |row| count(row, 0))?)
        })
    }
}
