//! Rehearsals: their rows, and how every domain stands.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, named_params};

use crate::history::error::{HistoryError, HistoryFault};
use crate::history::execution::{Execution, require};
use crate::history::value::{AsText, Text, optional, text};
use crate::history::view::rehearsal::{RehearsalId, RehearsalRow, RehearsedTarget};
use crate::history::{History, query};
use crate::run::event::TaskId;
use crate::values::rehearsal::{RehearsalResult, RehearsalVerdict, SpareProof};

/// A rehearsal begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RehearsalOpening {
    /// The task that stored the backup.
    pub task: TaskId,
    /// The name of the spare.
    pub spare: String,
    /// Its firmware; `None` where it does not tell it.
    pub firmware_version: Option<String>,
    /// Its serial number; `None` where it does not tell it.
    pub serial: Option<String>,
    /// Names the kernel lock of the process that does it.
    pub process: String,
}

const COLUMNS: &str = "SELECT r.*, t.device_name, t.domain_name FROM rehearsal AS r
     JOIN task_execution AS t ON t.id = r.task_execution_id";

pub(super) fn rehearsals_of_task_sql() -> String {
    format!("{COLUMNS} WHERE r.task_execution_id = ?1 ORDER BY r.id")
}

impl History {
    /// A rehearsal begins: its row.
    ///
    /// # Errors
    ///
    /// The task is not known, or the history cannot be written.
    pub fn open_rehearsal(
        &mut self,
        at: Timestamp,
        opening: &RehearsalOpening,
    ) -> Result<RehearsalId, HistoryError> {
        self.write_to_be_found(|transaction| {
            require(transaction, Execution::Task(opening.task))?;
            transaction.execute(
                "INSERT INTO rehearsal (task_execution_id, spare_name, firmware_version, serial, process, start_time)
                 VALUES (:task, :spare, :firmware_version, :serial, :process, :at)",
                named_params! {
                    ":task": opening.task.0,
                    ":spare": opening.spare,
                    ":firmware_version": opening.firmware_version,
                    ":serial": opening.serial,
                    ":process": opening.process,
                    ":at": AsText(at),
                },
            )?;
            Ok(RehearsalId(transaction.last_insert_rowid()))
        })
    }

    /// A rehearsal ended so.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`] where it has an end already: whoever took its process for dead has written
    /// that. The history cannot be written.
    pub fn end_rehearsal(
        &mut self,
        at: Timestamp,
        id: RehearsalId,
        result: &RehearsalResult,
    ) -> Result<(), HistoryError> {
        match self.end_if_open(at, id, result)? {
            true => Ok(()),
            false => Err(HistoryError::NotFound {
                what: "rehearsal without an end",
                id: id.0,
                list: &["history", "status"],
            }),
        }
    }

    /// Ends a rehearsal, if it has no end; whether it had none comes back.
    fn end_if_open(
        &mut self,
        at: Timestamp,
        id: RehearsalId,
        result: &RehearsalResult,
    ) -> Result<bool, HistoryError> {
        self.write(|transaction| {
            let ended = transaction.execute(
                "UPDATE rehearsal SET end_time = :at, verdict = :verdict, proof = :proof, refused = :refused,
                     missing_keys = :missing_keys, message = :message WHERE id = :id AND end_time IS NULL",
                named_params! {
                    ":id": id.0,
                    ":at": AsText(at),
                    ":verdict": AsText(result.verdict),
                    ":proof": AsText(result.proof),
                    ":refused": list(&result.refused)?,
                    ":missing_keys": list(&result.missing_keys)?,
                    ":message": result.message,
                },
            )?;
            Ok(ended > 0)
        })
    }

    /// Ends the rehearsals of dead processes: what they would have found is not known. Gives the tasks that
    /// stored the backups, and the spares.
    ///
    /// # Errors
    ///
    /// The history cannot be read or written.
    pub fn end_dead_rehearsals(
        &mut self,
        at: Timestamp,
        is_dead: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<(TaskId, String)>, HistoryError> {
        let open: Vec<(i64, String, i64, String)> = self.read(|transaction| {
            let sql =
                "SELECT id, process, task_execution_id, spare_name FROM rehearsal WHERE end_time IS NULL";
            query::rows(transaction, sql, [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
        })?;
        let why = "it was cut short, and its process is gone";
        let result = RehearsalResult::not_known(SpareProof::NotKnown, why);
        let mut ended = Vec::new();
        for (id, _, task, spare) in open.into_iter().filter(|(_, process, ..)| is_dead(process)) {
            // Another process may have seen the same, and was quicker.
            if self.end_if_open(at, RehearsalId(id), &result)? {
                ended.push((TaskId(task), spare));
            }
        }
        Ok(ended)
    }

    /// How every domain that was ever rehearsed stands, by device and domain.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn rehearsed_targets(&self) -> Result<Vec<RehearsedTarget>, HistoryError> {
        let sql = format!("{COLUMNS} ORDER BY t.device_name, t.domain_name, r.id");
        let rows = self.read(|transaction| rows(transaction, &sql, None))?;
        let mut targets: Vec<RehearsedTarget> = Vec::new();
        for row in rows {
            let is_good = row.result.is_good();
            let task = row.task;
            let good_time = row.end_time.filter(|_| is_good);
            match targets.last_mut() {
                Some(last) if last.device_name == row.device_name && last.domain_name == row.domain_name => {
                    last.good_time = good_time.or(last.good_time);
                    last.last = row;
                }
                _ => targets.push(RehearsedTarget {
                    device_name: row.device_name.clone(),
                    domain_name: row.domain_name.clone(),
                    good_time,
                    last: row,
                    bad: BTreeSet::new(),
                }),
            }
            if let Some(target) = targets.last_mut() {
                match is_good {
                    true => target.bad.remove(&task),
                    false => target.bad.insert(task),
                };
            }
        }
        Ok(targets)
    }

    /// The task by whose rehearsal a spare was seen to be changed, where no later one has seen it stay as it was.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn spare_changed_by(&self, spare: &str) -> Result<Option<TaskId>, HistoryError> {
        let last = self.read(|transaction| {
            let last = transaction.query_row(
                "SELECT task_execution_id, proof = 'CHANGED' FROM rehearsal
                 WHERE spare_name = ?1 AND proof IN ('CHANGED', 'UNCHANGED') ORDER BY id DESC LIMIT 1",
                [spare],
                |row| Ok((TaskId(row.get(0)?), row.get::<_, bool>(1)?)),
            );
            Ok(last.optional()?)
        })?;
        Ok(last.and_then(|(task, is_changed)| is_changed.then_some(task)))
    }

    /// The serial number that a device told last, if it ever told one.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn last_serial(&self, device: &str) -> Result<Option<String>, HistoryError> {
        self.read(|transaction| {
            let serial = transaction.query_row(
                "SELECT serial FROM task_execution WHERE device_name = ?1 AND serial IS NOT NULL
                 ORDER BY id DESC LIMIT 1",
                [device],
                |row| row.get(0),
            );
            Ok(serial.optional()?)
        })
    }
}

/// The rehearsals of what a task stored, oldest first.
pub(super) fn of_task(
    transaction: &Transaction<'_>,
    task: TaskId,
) -> Result<Vec<RehearsalRow>, HistoryFault> {
    rows(transaction, &rehearsals_of_task_sql(), Some(task.0))
}

fn rows(
    transaction: &Transaction<'_>,
    sql: &str,
    parameter: Option<i64>,
) -> Result<Vec<RehearsalRow>, HistoryFault> {
    let mut statement = transaction.prepare(sql)?;
    let found = match parameter {
        Some(parameter) => statement.query_map([parameter], rehearsal_row)?.collect(),
        None => statement.query_map([], rehearsal_row)?.collect(),
    };
    let found: rusqlite::Result<Vec<RehearsalRow>> = found;
    Ok(found?)
}

fn list(texts: &[String]) -> Result<String, HistoryFault> {
    serde_json::to_string(texts).map_err(|error| HistoryFault::Value(error.to_string()))
}

/// The end of a rehearsal is always written with its lists: one that is damaged, or not there, is
/// not known, and does not say that there was nothing.
fn read_list(row: &Row<'_>, column: &str) -> rusqlite::Result<Vec<String>> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        let index = row.as_ref().column_index(column).unwrap_or_default();
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn rehearsal_row(row: &Row<'_>) -> rusqlite::Result<RehearsalRow> {
    let end_time: Option<Timestamp> = optional(row, "end_time")?;
    let result = match end_time {
        Some(_) => RehearsalResult {
            verdict: text(row, "verdict")?,
            proof: text(row, "proof")?,
            refused: read_list(row, "refused")?,
            missing_keys: read_list(row, "missing_keys")?,
            message: row.get("message")?,
        },
        None => RehearsalResult::not_known(SpareProof::NotKnown, "it has not ended, or its process is gone"),
    };
    Ok(RehearsalRow {
        id: RehearsalId(row.get("id")?),
        task: TaskId(row.get("task_execution_id")?),
        device_name: row.get("device_name")?,
        domain_name: row.get("domain_name")?,
        spare_name: row.get("spare_name")?,
        firmware_version: row.get("firmware_version")?,
        serial: row.get("serial")?,
        start_time: text(row, "start_time")?,
        end_time,
        result,
    })
}

impl Text for RehearsalVerdict {
    fn to_text(&self) -> String {
        self.code().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        RehearsalVerdict::ALL
            .into_iter()
            .find(|verdict| verdict.code() == text)
    }
}

impl Text for SpareProof {
    fn to_text(&self) -> String {
        self.code().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        SpareProof::ALL.into_iter().find(|proof| proof.code() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::{Fixture, at};

    #[test]
    fn a_rehearsal_that_has_an_end_keeps_it() {
        let mut fixture = Fixture::new();
        let (_, _, task) = fixture.export();
        let opening = RehearsalOpening {
            task,
            spare: "SPARE1".to_owned(),
            firmware_version: None,
            serial: None,
            process: "run-1".to_owned(),
        };
        let id = fixture
            .history
            .open_rehearsal(at(3), &opening)
            .expect("a rehearsal");
        let ended = fixture
            .history
            .end_dead_rehearsals(at(4), &|_| true)
            .expect("an end");
        assert_eq!(ended, [(task, "SPARE1".to_owned())]);
        let late = RehearsalResult::not_known(SpareProof::Unchanged, "late");
        let error = fixture.history.end_rehearsal(at(5), id, &late);
        assert!(matches!(error, Err(HistoryError::NotFound { .. })), "{error:?}");
        let known = fixture.history.rehearsed_targets().expect("targets");
        assert_ne!(known[0].last.result, late);
        let again = fixture.history.end_dead_rehearsals(at(6), &|_| true);
        assert_eq!(again.expect("a look"), []);
    }

    #[test]
    fn a_damaged_list_of_what_would_be_refused_is_not_read_as_none() {
        for damage in [
            "refused = '{}'",
            "refused = NULL",
            "missing_keys = '7'",
            "missing_keys = NULL",
        ] {
            let mut fixture = Fixture::new();
            let (_, _, task) = fixture.export();
            let opening = RehearsalOpening {
                task,
                spare: "SPARE1".to_owned(),
                firmware_version: None,
                serial: None,
                process: "run-1".to_owned(),
            };
            let id = fixture
                .history
                .open_rehearsal(at(3), &opening)
                .expect("a rehearsal");
            let result = RehearsalResult {
                refused: vec!["an object".to_owned()],
                ..RehearsalResult::not_known(SpareProof::NotKnown, "why")
            };
            fixture.history.end_rehearsal(at(4), id, &result).expect("an end");
            let known = fixture.history.rehearsed_targets().expect("targets");
            assert_eq!(known[0].last.result, result);
            let sql = format!("UPDATE rehearsal SET {damage}");
            fixture.history.connection.execute(&sql, ()).expect("damaged");
            let error = fixture.history.rehearsed_targets().expect_err("damage");
            assert!(matches!(error, HistoryError::Corrupt { .. }), "{damage}: {error}");
        }
    }
}
