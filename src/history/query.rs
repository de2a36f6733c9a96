//! Rows into views: the executions of plans, activities and tasks.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Params, Row, Transaction};

use crate::history::History;
use crate::history::error::{HistoryError, HistoryFault};
use crate::history::execution::{Execution, require};
use crate::history::value::{AsText, Text, count, optional, optional_count, text};
use crate::history::view::execution::{ActivityRow, PlanRow, TaskRow};
use crate::history::view::filter::PlanFilter;
use crate::run::event::{ActionKind, ActivityId, DeviceFacts, OutOfService, PlanId, TaskId};
use crate::run::status::{Class, Status};

const TASK_COLUMNS: &str = "SELECT t.*,
         (SELECT count(*) FROM file AS f WHERE f.task_execution_id = t.id) AS files_downloaded,
         (SELECT count(*) FROM failed_file AS f WHERE f.task_execution_id = t.id) AS download_errors
     FROM task_execution AS t";

pub(super) const ACTIVITIES: &str =
    "SELECT * FROM activity_execution WHERE plan_execution_id = ?1 ORDER BY id";

/// Only the index is read: it has the three columns in this order.
pub(super) const TASK_COUNTS: &str = "SELECT activity_execution_id, status, count(*) AS tasks
     FROM task_execution WHERE plan_execution_id = ?1 GROUP BY activity_execution_id, status";

/// The columns of a task execution, of a row `t`.
pub(super) fn task_columns() -> &'static str {
    TASK_COLUMNS
}

pub(super) fn task_sql() -> String {
    format!("{TASK_COLUMNS} WHERE t.id = ?1")
}

pub(super) fn tasks_of_activity_sql() -> String {
    format!("{TASK_COLUMNS} WHERE t.activity_execution_id = ?1 ORDER BY t.id")
}

pub(super) fn tasks_of_plan_sql() -> String {
    format!("{TASK_COLUMNS} WHERE t.plan_execution_id = ?1 ORDER BY t.id")
}

const PAST_END_AFTER: &str =
    "SELECT end_time FROM task_execution WHERE id > ?1 AND end_time <= ?2 ORDER BY id LIMIT 1";

pub(super) fn newest_export_sql() -> String {
    format!(
        "{TASK_COLUMNS} WHERE t.device_name = ?1 AND t.domain_name = ?2 AND t.action = ?3
         ORDER BY t.id DESC LIMIT 1"
    )
}

/// The statement is made of what is asked for, so that SQLite finds the index for it. The most
/// recent ones are those that were written last: a clock may have been wrong.
pub(super) fn plans_sql(filter: &PlanFilter) -> String {
    let mut sql = String::from("SELECT p.* FROM ");
    let (from, time, key) = match filter.device {
        // CROSS JOIN keeps the order: the executions of the device first.
        Some(_) => (
            "plan_execution_device AS d CROSS JOIN plan_execution AS p ON p.id = d.plan_execution_id
             WHERE d.device_name = :device",
            "d.start_time",
            "d.plan_execution_id DESC",
        ),
        None => ("plan_execution AS p WHERE true", "p.start_time", "p.id DESC"),
    };
    sql.push_str(from);
    if filter.since.is_some() {
        sql.push_str(&format!(" AND {time} >= :since"));
    }
    if filter.plan.is_some() {
        sql.push_str(" AND p.plan = :plan");
    }
    match filter.status {
        Some(status) if status.is_of_tasks_alone() => sql.push_str(
            " AND EXISTS (SELECT 1 FROM task_execution AS t WHERE t.plan_execution_id = p.id AND t.status = :status)",
        ),
        Some(_) => sql.push_str(" AND p.status = :status"),
        None => {}
    }
    format!("{sql} ORDER BY {key} LIMIT {}", filter.limit)
}

impl History {
    /// The plan executions that pass the filter, most recent first.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn plans(&self, filter: &PlanFilter) -> Result<Vec<PlanRow>, HistoryError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(&plans_sql(filter))?;
            for (name, value) in [
                (":device", filter.device.clone()),
                (":plan", filter.plan.clone()),
                (":status", filter.status.map(|status| status.to_text())),
                (":since", filter.since.map(|since| since.to_text())),
            ] {
                if let Some(index) = statement.parameter_index(name)? {
                    statement.raw_bind_parameter(index, value)?;
                }
            }
            let mut rows = statement.raw_query();
            let mut plans = Vec::new();
            while let Some(row) = rows.next()? {
                plans.push(plan_row(row)?);
            }
            Ok(plans)
        })
    }

    /// One plan execution.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], or the history cannot be read.
    pub fn plan(&self, id: PlanId) -> Result<PlanRow, HistoryError> {
        self.read(|transaction| {
            require(transaction, Execution::Plan(id))?;
            let sql = "SELECT * FROM plan_execution WHERE id = ?1";
            Ok(transaction.query_row(sql, [id.0], plan_row)?)
        })
    }

    /// The activity executions of a plan execution, in the order of the plan.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], or the history cannot be read.
    pub fn activities(&self, plan: PlanId) -> Result<Vec<ActivityRow>, HistoryError> {
        self.read(|transaction| {
            require(transaction, Execution::Plan(plan))?;
            let counts = rows(transaction, TASK_COUNTS, [plan.0], |row| {
                let activity = ActivityId(row.get("activity_execution_id")?);
                Ok((activity, text::<Status>(row, "status")?, count(row, "tasks")?))
            })?;
            let mut tallies: HashMap<ActivityId, Tally> = HashMap::new();
            for (activity, status, tasks) in counts {
                tallies.entry(activity).or_default().add(status, tasks);
            }
            let mut activities = rows(transaction, ACTIVITIES, [plan.0], activity_row)?;
            for activity in &mut activities {
                let tally = tallies.remove(&activity.id).unwrap_or_default();
                activity.successful_tasks = tally.successful;
                activity.failed_tasks = tally.failed;
                activity.skipped_tasks = tally.skipped;
            }
            Ok(activities)
        })
    }

    /// The task executions of an activity execution, in the order they run.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], or the history cannot be read.
    pub fn tasks(&self, activity: ActivityId) -> Result<Vec<TaskRow>, HistoryError> {
        self.read(|transaction| {
            require(transaction, Execution::Activity(activity))?;
            rows(transaction, &tasks_of_activity_sql(), [activity.0], task_row)
        })
    }

    /// The task executions of all activities of a plan execution, in the order they run.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], or the history cannot be read.
    pub fn tasks_of_plan(&self, plan: PlanId) -> Result<Vec<TaskRow>, HistoryError> {
        self.read(|transaction| {
            require(transaction, Execution::Plan(plan))?;
            rows(transaction, &tasks_of_plan_sql(), [plan.0], task_row)
        })
    }

    /// When the first of the tasks that came after one ended, of those that ended before `now`: what came before
    /// it is older than that, whatever the clock said then.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn past_end_after(&self, task: TaskId, now: Timestamp) -> Result<Option<Timestamp>, HistoryError> {
        self.read(|transaction| {
            let ends = rows(transaction, PAST_END_AFTER, (task.0, now.to_text()), |row| {
                text(row, 0)
            })?;
            Ok(ends.into_iter().next())
        })
    }

    /// The newest task execution that was to export a domain, whichever way it ended.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn newest_export(&self, device: &str, domain: &str) -> Result<Option<TaskRow>, HistoryError> {
        self.read(|transaction| {
            let parameters = (device, domain, AsText(ActionKind::ExportDomain));
            let found = rows(transaction, &newest_export_sql(), parameters, task_row)?;
            Ok(found.into_iter().next())
        })
    }

    /// One task execution.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], or the history cannot be read.
    pub fn task(&self, id: TaskId) -> Result<TaskRow, HistoryError> {
        self.read(|transaction| task(transaction, id))
    }
}

pub(super) fn task(transaction: &Transaction<'_>, id: TaskId) -> Result<TaskRow, HistoryFault> {
    require(transaction, Execution::Task(id))?;
    Ok(transaction.query_row(&task_sql(), [id.0], task_row)?)
}

/// All rows of a query, collected: a reader that lingers would hold up the writers.
pub(super) fn rows<T>(
    transaction: &Transaction<'_>,
    sql: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, HistoryFault> {
    let mut statement = transaction.prepare_cached(sql)?;
    let rows = statement.query_map(parameters, read)?;
    Ok(rows.collect::<rusqlite::Result<Vec<T>>>()?)
}

/// The values of a column, each once: a step of its index for each, not for each row. The condition is one
/// that leads into that index.
pub(super) fn each_once_sql(table: &str, column: &str, condition: &str) -> String {
    format!(
        "WITH RECURSIVE known(value) AS (
             SELECT (SELECT {column} FROM {table} WHERE {condition} ORDER BY {column} LIMIT 1)
             UNION ALL
             SELECT (SELECT {column} FROM {table} WHERE {condition} AND {column} > known.value
                 ORDER BY {column} LIMIT 1)
             FROM known WHERE known.value IS NOT NULL)
         SELECT value FROM known WHERE value IS NOT NULL"
    )
}

/// How the tasks of an activity ended. Those on the way are in none of the three.
#[derive(Clone, Copy, Default)]
struct Tally {
    successful: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    fn add(&mut self, status: Status, tasks: u64) {
        match status.class() {
            Class::Interim => {}
            Class::Success | Class::Warning => self.successful += tasks,
            Class::Failed => self.failed += tasks,
            // None of these was started.
            Class::Skipped | Class::Cancelled | Class::Refused => self.skipped += tasks,
        }
    }
}

fn plan_row(row: &Row<'_>) -> rusqlite::Result<PlanRow> {
    Ok(PlanRow {
        id: PlanId(row.get("id")?),
        start_time: text(row, "start_time")?,
        plan: row.get("plan")?,
        devices: count(row, "devices")?,
        domains: count(row, "domains")?,
        status: text(row, "status")?,
        error_message: row.get("error_message")?,
        status_time: text(row, "status_time")?,
        end_time: optional(row, "end_time")?,
        took_recorded: took_recorded(row)?,
        plan_file: row.get("plan_file")?,
        window_ignored: row.get("window_ignored")?,
        dpbackup_version: row.get("dpbackup_version")?,
    })
}

fn activity_row(row: &Row<'_>) -> rusqlite::Result<ActivityRow> {
    Ok(ActivityRow {
        id: ActivityId(row.get("id")?),
        plan: PlanId(row.get("plan_execution_id")?),
        status_time: text(row, "status_time")?,
        device_pattern: row.get("device_pattern")?,
        domain_pattern: row.get("domain_pattern")?,
        action: text(row, "action")?,
        status: text(row, "status")?,
        successful_tasks: 0,
        failed_tasks: 0,
        skipped_tasks: 0,
        quiesce: row.get("quiesce")?,
        start_time: text(row, "start_time")?,
        end_time: optional(row, "end_time")?,
    })
}

pub(super) fn task_row(row: &Row<'_>) -> rusqlite::Result<TaskRow> {
    Ok(TaskRow {
        id: TaskId(row.get("id")?),
        plan: PlanId(row.get("plan_execution_id")?),
        activity: ActivityId(row.get("activity_execution_id")?),
        status_time: text(row, "status_time")?,
        device_name: row.get("device_name")?,
        domain_name: row.get("domain_name")?,
        files_downloaded: count(row, "files_downloaded")?,
        download_errors: count(row, "download_errors")?,
        status: text(row, "status")?,
        error_message: row.get("error_message")?,
        action: text(row, "action")?,
        start_time: text(row, "start_time")?,
        end_time: optional(row, "end_time")?,
        took_recorded: took_recorded(row)?,
        facts: DeviceFacts {
            firmware_version: row.get("firmware_version")?,
            build: row.get("build")?,
            build_date: row.get("build_date")?,
            serial: row.get("serial")?,
            machine_type: row.get("machine_type")?,
            model_type: row.get("model_type")?,
            tls_trust: row.get("tls_trust")?,
        },
        unsaved_changes: row.get("unsaved_changes")?,
        certificate: optional(row, "certificate")?,
        unsaved_objects: optional_count(row, "unsaved_objects")?,
        out_of_service: out_of_service(row)?,
    })
}

fn took_recorded(row: &Row<'_>) -> rusqlite::Result<Option<Duration>> {
    let milliseconds: Option<i64> = row.get("took_ms")?;
    Ok(milliseconds
        .and_then(|milliseconds| u64::try_from(milliseconds).ok())
        .map(Duration::from_millis))
}

fn out_of_service(row: &Row<'_>) -> rusqlite::Result<Option<OutOfService>> {
    let quiesced: Option<bool> = row.get("quiesced")?;
    let milliseconds: Option<i64> = row.get("out_of_service_ms")?;
    let lasted = milliseconds.and_then(|milliseconds| u64::try_from(milliseconds).ok());
    Ok(quiesced.map(|quiesced| match (quiesced, lasted) {
        (false, _) => OutOfService::Never,
        (true, Some(milliseconds)) => OutOfService::For(Duration::from_millis(milliseconds)),
        (true, None) => OutOfService::NotKnown,
    }))
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
