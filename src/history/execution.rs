//! The rows of plans, activities and tasks: their status, their error, whether they are there.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Transaction, named_params};

use crate::history::error::HistoryFault;
use crate::history::statement::execute;
use crate::history::value::AsText;
use crate::run::event::{ActivityId, Owner, PlanId, TaskId};
use crate::run::status::Status;

/// An execution of any of the three levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Execution {
    Plan(PlanId),
    Activity(ActivityId),
    Task(TaskId),
}

/// Gives an execution its next status; with a final one it has ended.
pub(super) fn advance(
    transaction: &Transaction<'_>,
    at: Timestamp,
    execution: Execution,
    status: Status,
) -> Result<(), HistoryFault> {
    let sql = format!(
        "UPDATE {} SET status = :status, status_time = :at, end_time = :end WHERE id = :id",
        execution.table()
    );
    let changed = execute(
        transaction,
        &sql,
        named_params! {
            ":id": execution.id(),
            ":status": AsText(status),
            ":at": AsText(at),
            ":end": status.is_final().then_some(AsText(at)),
        },
    )?;
    found(changed, execution)?;
    log_status(transaction, at, execution, status)
}

/// Says why a plan or a task ended as it did, and how long it took. Activities leave that to their tasks.
pub(super) fn set_end(
    transaction: &Transaction<'_>,
    execution: Execution,
    error: Option<&str>,
    took: Option<Duration>,
) -> Result<(), HistoryFault> {
    let sql = format!(
        "UPDATE {} SET error_message = ?2, took_ms = ?3 WHERE id = ?1",
        execution.table()
    );
    let took = took.map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
    found(
        execute(transaction, &sql, (execution.id(), error, took))?,
        execution,
    )
}

/// Says why a plan or a task ended as it did. Activities leave that to their tasks.
pub(super) fn set_error(
    transaction: &Transaction<'_>,
    execution: Execution,
    error: Option<&str>,
) -> Result<(), HistoryFault> {
    let sql = format!(
        "UPDATE {} SET error_message = ?2 WHERE id = ?1",
        execution.table()
    );
    found(execute(transaction, &sql, (execution.id(), error))?, execution)
}

/// Writes down when an execution came to a status.
pub(super) fn log_status(
    transaction: &Transaction<'_>,
    at: Timestamp,
    execution: Execution,
    status: Status,
) -> Result<(), HistoryFault> {
    execute(
        transaction,
        "INSERT INTO status_change (level, execution_id, status, time) VALUES (?1, ?2, ?3, ?4)",
        (execution.level(), execution.id(), AsText(status), AsText(at)),
    )?;
    Ok(())
}

/// The two columns that say whose a row is.
pub(super) fn owner_ids(
    transaction: &Transaction<'_>,
    owner: Owner,
) -> Result<(Option<i64>, Option<i64>), HistoryFault> {
    match owner {
        Owner::Plan(id) => {
            require(transaction, Execution::Plan(id))?;
            Ok((Some(id.0), None))
        }
        Owner::Task(id) => {
            require(transaction, Execution::Task(id))?;
            Ok((None, Some(id.0)))
        }
    }
}

/// Answers for an id that is not there in words, where a foreign key would give a number.
pub(super) fn require(transaction: &Transaction<'_>, execution: Execution) -> Result<(), HistoryFault> {
    let sql = format!("SELECT 1 FROM {} WHERE id = ?1", execution.table());
    let exists = transaction.prepare_cached(&sql)?.exists([execution.id()])?;
    found(usize::from(exists), execution)
}

/// Answers for a change that met no row.
pub(super) fn found(rows: usize, execution: Execution) -> Result<(), HistoryFault> {
    if rows > 0 {
        return Ok(());
    }
    let (what, list) = match execution {
        Execution::Plan(_) => ("plan execution", &["history"][..]),
        Execution::Activity(_) => ("activity execution", &["history", "activities", "last"][..]),
        Execution::Task(_) => ("task execution", &["history", "tasks", "last"][..]),
    };
    Err(HistoryFault::NotFound {
        what,
        id: execution.id(),
        list,
    })
}

impl Execution {
    fn id(self) -> i64 {
        match self {
            Execution::Plan(id) => id.0,
            Execution::Activity(id) => id.0,
            Execution::Task(id) => id.0,
        }
    }

    /// The word in `status_change.level`.
    pub(super) fn level(self) -> &'static str {
        match self {
            Execution::Plan(_) => "plan",
            Execution::Activity(_) => "activity",
            Execution::Task(_) => "task",
        }
    }

    fn table(self) -> &'static str {
        match self {
            Execution::Plan(_) => "plan_execution",
            Execution::Activity(_) => "activity_execution",
            Execution::Task(_) => "task_execution",
        }
    }
}
