//! What changed from one export to the next, and what was not saved.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use crate::history::error::{HistoryError, HistoryFault};
use crate::history::execution::{Execution, require};
use crate::history::query::{each_once_sql, rows};
use crate::history::statement::execute;
use crate::history::value::{AsText, Text, count, integer, optional, text};
use crate::history::{ChangeRow, History};
use crate::notify::past::UnsavedBefore;
use crate::run::event::{FileKind, PlanId, TaskId};
use crate::run::status::Status;
use crate::values::change::{Change, ChangeList, ConfigChange, ConfigPiece};

/// A task of which not all changes are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutChanges {
    pub task: TaskId,
    /// How many changes it found in one export.
    pub found: u64,
    /// How many of them are recorded.
    pub recorded: u64,
}

/// A task that found more changes in one export than are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutTask {
    pub task: TaskId,
    pub device: String,
    /// Its domain, or `all-domains`.
    pub domain: String,
    /// When what is recorded was; `None` where nothing is.
    pub time: Option<Timestamp>,
}

/// Records what changed against the export before of the same kind.
pub(super) fn record(
    transaction: &Transaction<'_>,
    at: Timestamp,
    task: TaskId,
    kind: FileKind,
    changes: &ChangeList,
) -> Result<(), HistoryFault> {
    require(transaction, Execution::Task(task))?;
    let device: String = transaction.query_row(
        "SELECT device_name FROM task_execution WHERE id = ?1",
        [task.0],
        |row| row.get(0),
    )?;
    let mut statement = transaction.prepare(
        "INSERT INTO config_change (task_execution_id, kind, device_name, domain_name, piece, class, name,
             change, description, time)
         VALUES (:task, :kind, :device, :domain, :piece, :class, :name, :change, :description, :at)",
    )?;
    for change in &changes.first {
        let (piece, class, name) = columns(&change.piece);
        statement.execute(named_params! {
            ":task": task.0,
            ":kind": AsText(kind),
            ":device": device,
            ":domain": change.domain,
            ":piece": piece,
            ":class": class,
            ":name": name,
            ":change": AsText(change.change),
            ":description": change.description,
            ":at": AsText(at),
        })?;
    }
    execute(
        transaction,
        "UPDATE file SET changes = ?3 WHERE task_execution_id = ?1 AND kind = ?2",
        (task.0, AsText(kind), integer(changes.count)?),
    )?;
    Ok(())
}

/// Records what a task found that was not saved.
pub(super) fn record_unsaved(
    transaction: &Transaction<'_>,
    task: TaskId,
    changes: &ChangeList,
) -> Result<(), HistoryFault> {
    require(transaction, Execution::Task(task))?;
    let mut statement = transaction.prepare(
        "INSERT INTO unsaved_change (task_execution_id, domain_name, piece, class, name, change, description)
         VALUES (:task, :domain, :piece, :class, :name, :change, :description)",
    )?;
    for change in &changes.first {
        let (piece, class, name) = columns(&change.piece);
        statement.execute(named_params! {
            ":task": task.0,
            ":domain": change.domain,
            ":piece": piece,
            ":class": class,
            ":name": name,
            ":change": AsText(change.change),
            ":description": change.description,
        })?;
    }
    execute(
        transaction,
        "UPDATE task_execution SET unsaved_objects = ?2 WHERE id = ?1",
        (task.0, integer(changes.count)?),
    )?;
    Ok(())
}

fn columns(piece: &ConfigPiece) -> (&'static str, Option<&str>, &str) {
    match piece {
        ConfigPiece::Object { class, name } => ("OBJECT", Some(class), name),
        ConfigPiece::File(path) => ("FILE", None, path),
        ConfigPiece::Domain => ("DOMAIN", None, ""),
    }
}

impl Text for Change {
    fn to_text(&self) -> String {
        self.word().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        Change::ALL.into_iter().find(|change| change.word() == text)
    }
}

impl History {
    /// A name of which changes were recorded, that has this one in it; in whatever case.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn changed_name_like(&self, part: &str) -> Result<Option<String>, HistoryError> {
        self.read(|transaction| {
            let found = transaction.query_row(&name_like_sql(), [part], |row| row.get(0));
            Ok(found.optional()?)
        })
    }

    /// The tasks that found more changes in one export than are kept of it, which is so many; the newest first.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn cut_tasks(&self, kept: usize) -> Result<Vec<CutTask>, HistoryError> {
        self.read(|transaction| {
            rows(transaction, &cut_tasks_sql(kept), [], |row| {
                Ok(CutTask {
                    task: TaskId(row.get(0)?),
                    device: row.get(1)?,
                    domain: row.get(2)?,
                    time: optional(row, 3)?,
                })
            })
        })
    }

    /// Of which of these tasks more changes were found than were kept, which is `kept` of one comparison.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn cut_changes(
        &self,
        tasks: &BTreeSet<TaskId>,
        kept: usize,
    ) -> Result<Vec<CutChanges>, HistoryError> {
        let kept = i64::try_from(kept).unwrap_or(i64::MAX);
        self.read(|transaction| {
            let mut cut = Vec::new();
            for task in tasks {
                cut.extend(rows(transaction, CUT_CHANGES, (task.0, kept), |row| {
                    Ok(CutChanges {
                        task: *task,
                        found: count(row, 0)?,
                        recorded: count(row, 1)?,
                    })
                })?);
            }
            Ok(cut)
        })
    }

    /// What a task found that was not saved: the first thousand, and how many there were.
    /// Nothing where that is not known, or was not looked at.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn unsaved_of_task(&self, task: TaskId) -> Result<Option<ChangeList>, HistoryError> {
        self.read(|transaction| {
            require(transaction, Execution::Task(task))?;
            unsaved_of(transaction, task)
        })
    }
}

/// So many names are looked through for advice, each once, however many changes each has.
const NAMES_LOOKED_AT: usize = 20_000;

pub(super) fn name_like_sql() -> String {
    let names = each_once_sql("config_change", "name", "true");
    format!(
        "SELECT value FROM ({names} LIMIT {NAMES_LOOKED_AT})
         WHERE instr(lower(value), lower(?1)) > 0 LIMIT 1"
    )
}

/// The number stands in the text: SQLite compares it with the one of the index.
pub(super) fn cut_tasks_sql(kept: usize) -> String {
    format!(
        "SELECT DISTINCT t.id, t.device_name, t.domain_name,
             (SELECT time FROM config_change AS c WHERE c.task_execution_id = t.id ORDER BY c.id DESC LIMIT 1)
         FROM file AS f CROSS JOIN task_execution AS t ON t.id = f.task_execution_id
         WHERE f.changes > {kept} ORDER BY f.task_execution_id DESC"
    )
}

pub(super) const CUT_CHANGES: &str = "SELECT f.changes,
         (SELECT count(*) FROM config_change AS c WHERE c.task_execution_id = ?1 AND c.kind = f.kind)
     FROM file AS f WHERE f.task_execution_id = ?1 AND f.changes > ?2";

const OF_TASK: &str = "SELECT * FROM config_change WHERE task_execution_id = ?1 ORDER BY id";

const UNSAVED_OF: &str = "SELECT * FROM unsaved_change WHERE task_execution_id = ?1 ORDER BY id";

/// What changed in the exports of a task, as far as it was recorded.
pub(super) fn of_task(transaction: &Transaction<'_>, task: TaskId) -> Result<Vec<ChangeRow>, HistoryFault> {
    rows(transaction, OF_TASK, [task.0], change_row)
}

/// What a task found that was not saved.
pub(super) fn unsaved_of(
    transaction: &Transaction<'_>,
    task: TaskId,
) -> Result<Option<ChangeList>, HistoryFault> {
    let count: Option<i64> = transaction.query_row(
        "SELECT unsaved_objects FROM task_execution WHERE id = ?1",
        [task.0],
        |row| row.get(0),
    )?;
    let Some(count) = count else {
        return Ok(None);
    };
    Ok(Some(ChangeList {
        first: rows(transaction, UNSAVED_OF, [task.0], config_change)?,
        count: u64::try_from(count).unwrap_or(0),
    }))
}

/// The tasks of a domain and of the plan of this task that looked whether it is saved, from the last one
/// before this one back. Those of another plan told others.
pub(super) const LOOKED: &str = "SELECT t.unsaved_changes, t.status_time, t.id, p.id, p.status
     FROM task_execution AS t CROSS JOIN plan_execution AS p ON p.id = t.plan_execution_id
     WHERE t.device_name = ?1 AND t.domain_name = ?2 AND t.id < ?3 AND t.unsaved_changes IS NOT NULL
         AND p.plan = (SELECT own.plan FROM task_execution AS this
             JOIN plan_execution AS own ON own.id = this.plan_execution_id WHERE this.id = ?3)
     ORDER BY t.id DESC";

impl History {
    /// Since when a domain has not been saved, each time somebody looked before this task.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn unsaved_series(
        &self,
        device: &str,
        domain: &str,
        before: TaskId,
    ) -> Result<Option<UnsavedBefore>, HistoryError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(LOOKED)?;
            let mut rows = statement.query((device, domain, before.0))?;
            let mut series: Option<UnsavedBefore> = None;
            while let Some(row) = rows.next()? {
                if !row.get::<_, bool>(0)? {
                    break;
                }
                let since = text(row, 1)?;
                if series.is_none() {
                    series = Some(UnsavedBefore {
                        since,
                        last: since,
                        execution: PlanId(row.get(3)?),
                        died: text::<Status>(row, 4)? == Status::Abandoned,
                        objects: None,
                    });
                }
                let Some(known) = &mut series else { break };
                // The clock may have been wrong: by it the first of them is not always the earliest.
                known.since = known.since.min(since);
                if known.objects.is_none() {
                    known.objects = unsaved_of(transaction, TaskId(row.get(2)?))?;
                }
            }
            Ok(series)
        })
    }
}

pub(super) fn change_row(row: &Row<'_>) -> rusqlite::Result<ChangeRow> {
    Ok(ChangeRow {
        id: row.get("id")?,
        time: text(row, "time")?,
        device_name: row.get("device_name")?,
        kind: text(row, "kind")?,
        task: TaskId(row.get("task_execution_id")?),
        change: config_change(row)?,
    })
}

fn config_change(row: &Row<'_>) -> rusqlite::Result<ConfigChange> {
    Ok(ConfigChange {
        domain: row.get("domain_name")?,
        piece: piece_of(row)?,
        change: text(row, "change")?,
        description: row.get("description")?,
    })
}

/// The piece that a row with these three columns is about.
pub(super) fn piece_of(row: &Row<'_>) -> rusqlite::Result<ConfigPiece> {
    let name: String = row.get("name")?;
    let piece: String = row.get("piece")?;
    Ok(match piece.as_str() {
        "OBJECT" => ConfigPiece::Object {
            class: row.get::<_, Option<String>>("class")?.unwrap_or_default(),
            name,
        },
        "DOMAIN" => ConfigPiece::Domain,
        _ => ConfigPiece::File(name),
    })
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
