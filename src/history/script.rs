//! Runs of scripts, into a row and back.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, Type, ValueRef};
use rusqlite::{Row, Transaction, named_params};
use serde_json::json;

use crate::history::error::HistoryFault;
use crate::history::execution::owner_ids;
use crate::history::statement::execute;
use crate::history::value::{AsText, count, integer, text};
use crate::run::event::{Owner, ScriptRun};
use crate::values::script_end::ScriptEnd;

/// Writes down a run of a script.
pub(super) fn record(
    transaction: &Transaction<'_>,
    owner: Owner,
    script: &ScriptRun,
) -> Result<(), HistoryFault> {
    let (plan, task) = owner_ids(transaction, owner)?;
    let (result, code, signal, timeout, start_error) = match &script.end {
        ScriptEnd::Code(code) => ("CODE", Some(*code), None, None, None),
        ScriptEnd::Signal(signal) => ("SIGNAL", None, Some(*signal), None, None),
        ScriptEnd::TimedOut(limit) => ("TIMED_OUT", None, None, Some(milliseconds(*limit)), None),
        ScriptEnd::Interrupted => ("INTERRUPTED", None, None, None, None),
        ScriptEnd::NotStarted(why) => ("NOT_STARTED", None, None, None, Some(why)),
    };
    execute(
        transaction,
        "INSERT INTO script_run (plan_execution_id, task_execution_id, moment, path, arguments, start_time,
             duration_ms, result, return_code, signal, timeout_ms, start_error, output, output_bytes)
         VALUES (:plan, :task, :moment, :path, :arguments, :start, :duration, :result, :code, :signal,
             :timeout, :start_error, :output, :output_bytes)",
        named_params! {
            ":plan": plan,
            ":task": task,
            ":moment": AsText(script.moment),
            ":path": script.path.to_string_lossy(),
            ":arguments": json!(script.arguments).to_string(),
            ":start": AsText(script.started),
            ":duration": milliseconds(script.duration),
            ":result": result,
            ":code": code,
            ":signal": signal,
            ":timeout": timeout,
            ":start_error": start_error,
            ":output": script.output,
            ":output_bytes": integer(script.output_bytes)?,
        },
    )?;
    Ok(())
}

/// Reads it again.
pub(super) fn row(row: &Row<'_>) -> rusqlite::Result<ScriptRun> {
    let end = match row.get::<_, String>("result")?.as_str() {
        "CODE" => ScriptEnd::Code(row.get("return_code")?),
        "SIGNAL" => ScriptEnd::Signal(row.get("signal")?),
        "TIMED_OUT" => ScriptEnd::TimedOut(Duration::from_millis(count(row, "timeout_ms")?)),
        "INTERRUPTED" => ScriptEnd::Interrupted,
        "NOT_STARTED" => ScriptEnd::NotStarted(row.get("start_error")?),
        other => {
            let index = row.as_ref().column_index("result")?;
            let why = format!("'{other}' is no end of a script");
            return Err(rusqlite::Error::FromSqlConversionFailure(
                index,
                Type::Text,
                why.into(),
            ));
        }
    };
    Ok(ScriptRun {
        moment: text(row, "moment")?,
        path: PathBuf::from(row.get::<_, String>("path")?),
        arguments: row.get::<_, Arguments>("arguments")?.0,
        started: text(row, "start_time")?,
        duration: Duration::from_millis(count(row, "duration_ms")?),
        end,
        output: row.get("output")?,
        output_bytes: count(row, "output_bytes")?,
    })
}

/// A JSON array of strings.
struct Arguments(Vec<String>);

impl FromSql for Arguments {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?)
            .map(Arguments)
            .map_err(FromSqlError::other)
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
