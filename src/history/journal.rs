//! What was begun and not ended: the journal of undos, and plan executions whose
//! process is gone.

mod row;

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::history::error::{HistoryError, HistoryFault};
use crate::history::execution::{Execution, advance, require, set_error};
use crate::history::journal::row::{
    ENTRIES, ENTRY_COLUMNS, IS_OPEN, TASK_COLUMNS, closed_undo, journal_entry, reply_word, stood, stood_words,
};
use crate::history::statement::execute;
use crate::history::value::{AsText, text};
use crate::history::{History, query, schema};
use crate::lock::quiesce_witness::{QuiesceWitness, WitnessedQuiesce};
use crate::lock::{Life, Locks};
use crate::run::event::{ActivityId, JournalId, PlanId, TaskId, Undo};
use crate::run::ledger::{
    ClosedUndo, DeathWords, JournalEntry, JournalTime, LostQuiesce, NEVER_ASKED, UndoOpening, UndoStep,
    UnfinishedPlan, UnfinishedTask,
};
use crate::run::status::Status;
use crate::values::boot_time::BootTime;
use crate::values::causes::said;

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

pub(super) fn open_entries_sql() -> String {
    format!("SELECT {ENTRY_COLUMNS} FROM {ENTRIES} WHERE {IS_OPEN} ORDER BY journal.id")
}

pub(super) fn undone_by_others_sql() -> String {
    format!(
        "SELECT {ENTRY_COLUMNS}, closed_time, closed_how, closed_plan_execution_id
         FROM {ENTRIES} WHERE closed_process <> process AND NOT ({IS_OPEN}) AND closed_how <> '{NEVER_ASKED}'
         ORDER BY journal.id"
    )
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

/// The same without what later versions know: it can be read in a file of any.
fn open_entries_of_any_version_sql() -> String {
    format!(
        "SELECT journal.id, COALESCE(plan_execution_id, 0) AS plan_execution_id, task_execution_id,
             journal.device_name, undo, argument, process, opened_time, {TASK_COLUMNS}
         FROM {ENTRIES} WHERE {IS_OPEN} ORDER BY journal.id"
    )
}

/// The open rows of a file that may be of another version.
fn open_rows_of_any_version(connection: &Connection) -> rusqlite::Result<Vec<JournalEntry>> {
    let mut statement = connection
        .prepare(&open_entries_sql())
        .or_else(|_| connection.prepare(&open_entries_of_any_version_sql()))?;
    statement.query_map([], journal_entry)?.collect()
}

impl History {
    /// The open rows of the journal, read as well as may be: also of a file that is damaged
    /// elsewhere, of another version, or that may not be written.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Missing`] if there is no such file; the journal cannot be read.
    pub fn open_rows(path: &Path) -> Result<Vec<JournalEntry>, HistoryError> {
        let connection = schema::open_as_it_is(path)?;
        open_rows_of_any_version(&connection).map_err(|error| HistoryFault::from(error).at(path))
    }

    /// The undos that no device has confirmed, oldest first. Whether the process that
    /// wrote one is still at work, its kernel lock tells.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn open_entries(&self) -> Result<Vec<JournalEntry>, HistoryError> {
        self.read(|transaction| query::rows(transaction, &open_entries_sql(), [], journal_entry))
    }

    /// The rows that another process has closed than the one that wrote them: what was undone of a run that had
    /// died, or had given up. Oldest first; without rows for which no
    /// request was ever sent.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn undone_by_others(&self) -> Result<Vec<ClosedUndo>, HistoryError> {
        self.read(|transaction| query::rows(transaction, &undone_by_others_sql(), [], closed_undo))
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

    pub(super) fn open_journal(
        &mut self,
        at: &JournalTime,
        process: &str,
        opening: &UndoOpening,
    ) -> Result<JournalId, HistoryError> {
        let UndoOpening {
            plan: _,
            task,
            device,
            address,
            serial,
            undo,
            domains,
        } = opening;
        let (word, argument, before) = match undo {
            Undo::UnquiesceDevice => ("UNQUIESCE_DEVICE", None, None),
            Undo::UnquiesceDomain(domain) => ("UNQUIESCE_DOMAIN", Some(domain), None),
            Undo::RemoveFolder(folder) => ("REMOVE_FOLDER", Some(folder), None),
            Undo::Import { domain, before } | Undo::DryRun { domain, before, .. } => {
                ("IMPORT", Some(domain), before.map(|task| task.0))
            }
            // The table admits none such.
            Undo::NotKnown { .. } => ("NOT_KNOWN", None, None),
        };
        let tried_on = match undo {
            Undo::DryRun { content, .. } => Some(content),
            _ => None,
        };
        let id = self.write_to_be_found(|transaction| {
            require(transaction, Execution::Task(*task))?;
            execute(
                transaction,
                "INSERT INTO journal (task_execution_id, device_name, undo, argument, process, opened_time,
                     host, port, serial, before_task_execution_id, domains, stood, tried_on)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                (
                    task.0,
                    device,
                    word,
                    argument,
                    process,
                    AsText(at.day),
                    &address.host,
                    address.port,
                    serial,
                    before,
                    (!domains.is_empty()).then(|| serde_json::Value::from(domains.as_slice()).to_string()),
                    at.boot
                        .as_ref()
                        .map(|moment| stood_words(std::slice::from_ref(moment))),
                    tried_on,
                ),
            )?;
            let id = JournalId(transaction.last_insert_rowid());
            // From now on nobody knows how long it lasts, until somebody has seen its end.
            if undo.is_quiesce() {
                execute(
                    transaction,
                    "UPDATE task_execution SET quiesced = 1 WHERE id = ?1",
                    [task.0],
                )?;
            }
            Ok(id)
        })?;
        if let Some(domain) = quiesced(undo) {
            let quiesce = WitnessedQuiesce {
                device: device.clone(),
                domain: domain.map(str::to_owned),
            };
            // The row itself is on disk: where there is no room for a second witness, that is the one.
            let _ = QuiesceWitness::say(&self.locks(), process, id.0, &quiesce);
        }
        Ok(id)
    }

    /// Writes down a moment at which an open row stood already.
    pub(super) fn journal_stood(&mut self, id: JournalId, moment: &BootTime) -> Result<(), HistoryError> {
        self.write(|transaction| {
            let row = transaction
                .query_row("SELECT stood FROM journal WHERE id = ?1", [id.0], |row| {
                    Ok(stood(row))
                })
                .optional()?;
            let Some(mut known) = row else {
                return Err(not_found(id));
            };
            known.retain(|other| other.boot != moment.boot);
            known.push(moment.clone());
            execute(
                transaction,
                "UPDATE journal SET stood = ?2 WHERE id = ?1",
                (id.0, stood_words(&known)),
            )?;
            Ok(())
        })
    }

    pub(super) fn step_journal(
        &mut self,
        at: Timestamp,
        id: JournalId,
        step: UndoStep,
    ) -> Result<(), HistoryError> {
        self.write(|transaction| {
            let changed = match step {
                UndoStep::Replied(reply) => execute(
                    transaction,
                    "UPDATE journal SET reply = ?2 WHERE id = ?1",
                    (id.0, reply_word(reply)),
                )?,
                UndoStep::Seen => execute(
                    transaction,
                    "UPDATE journal SET seen_time = ?2 WHERE id = ?1",
                    (id.0, AsText(at)),
                )?,
                UndoStep::Sent => execute(
                    transaction,
                    "UPDATE journal SET sent_time = ?2 WHERE id = ?1",
                    (id.0, AsText(at)),
                )?,
            };
            match changed {
                0 => Err(not_found(id)),
                _ => Ok(()),
            }
        })
    }

    /// Closing twice is no error, and the first word stands: a run and `recover` may both
    /// have asked the device.
    pub(super) fn close_journal(
        &mut self,
        at: Timestamp,
        process: &str,
        id: JournalId,
        how: &str,
    ) -> Result<(), HistoryError> {
        let of = self.write(|transaction| {
            let row = format!("SELECT {IS_OPEN}, process FROM journal WHERE id = ?1");
            let row: Option<(bool, String)> = transaction
                .query_row(&row, [id.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            match row {
                None => Err(not_found(id)),
                Some((false, of)) => Ok(of),
                Some((true, of)) => {
                    execute(
                        transaction,
                        "UPDATE journal SET closed_time = ?2, closed_how = ?3, closed_process = ?4,
                             closed_plan_execution_id = (SELECT max(id) FROM plan_execution
                                                         WHERE end_time IS NULL AND process = ?4)
                         WHERE id = ?1",
                        (id.0, AsText(at), how, process),
                    )?;
                    Ok(of)
                }
            }
        })?;
        QuiesceWitness::take_back(&self.locks(), &of, id.0);
        Ok(())
    }

    /// The quiesces of runs that are not at work, of which there is a witness and no row in the journal.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn lost_quiesces(&self) -> Result<Vec<LostQuiesce>, HistoryError> {
        self.read(|transaction| Ok(lost_of(Some(transaction), &self.locks())?))
    }

    /// The same of a file of any version, as [`open_rows`](Self::open_rows) reads it. Of one that holds no journal they
    /// are all of which there is a witness.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn lost_beside(path: &Path) -> Result<Vec<LostQuiesce>, HistoryError> {
        let connection = match schema::open_as_it_is(path) {
            Ok(connection) => Some(connection),
            Err(HistoryError::Missing { .. } | HistoryError::NotOurs { .. }) => None,
            Err(error) => return Err(error),
        };
        lost_of(connection.as_ref(), &Locks::beside(path)).map_err(|error| HistoryFault::from(error).at(path))
    }

    /// Takes back the witnesses of rows that are closed: their process died before it could.
    pub(super) fn tidy_witnesses(&self) {
        let locks = self.locks();
        let is_closed = format!("SELECT 1 FROM journal WHERE id = ?1 AND process = ?2 AND NOT ({IS_OPEN})");
        for QuiesceWitness { process, row, .. } in QuiesceWitness::all(&locks) {
            let is_closed =
                self.read(|transaction| Ok(transaction.prepare(&is_closed)?.exists((row, &process))?));
            if matches!(is_closed, Ok(true)) {
                QuiesceWitness::take_back(&locks, &process, row);
            }
        }
    }

    /// Strikes out those of this device: somebody has looked at it. Gives what was struck out.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or a witness cannot be removed.
    pub fn forget_lost(&self, device: &str) -> Result<Vec<LostQuiesce>, HistoryError> {
        let mut lost = self.lost_quiesces()?;
        lost.retain(|lost| lost.device.as_deref() == Some(device));
        for LostQuiesce { witness, .. } in &lost {
            std::fs::remove_file(witness).map_err(|error| HistoryError::CannotOpen {
                path: witness.clone(),
                detail: said(&error),
                source: Some(Box::new(error)),
            })?;
        }
        Ok(lost)
    }

    fn locks(&self) -> Locks {
        Locks::beside(&self.file.path)
    }
}

/// What a row of the journal says to be quiesced: a domain, or all of the device.
fn quiesced(undo: &Undo) -> Option<Option<&str>> {
    match undo {
        Undo::UnquiesceDevice => Some(None),
        Undo::UnquiesceDomain(domain) => Some(Some(domain)),
        Undo::RemoveFolder(_) | Undo::DryRun { .. } | Undo::Import { .. } | Undo::NotKnown { .. } => None,
    }
}

/// The witnesses of processes that are not at work whose rows are not in this journal.
fn lost_of(connection: Option<&Connection>, locks: &Locks) -> rusqlite::Result<Vec<LostQuiesce>> {
    let mut lost = Vec::new();
    // A row is written before its witness and stays for ever: one that is looked for after that is found.
    for witness in QuiesceWitness::all(locks) {
        if locks.life(&witness.process) == Life::Alive {
            continue;
        }
        let is_known = match connection {
            Some(connection) => connection
                .prepare("SELECT 1 FROM journal WHERE id = ?1 AND process = ?2")?
                .exists((witness.row, &witness.process))?,
            None => false,
        };
        if !is_known {
            let (device, domain) = match witness.quiesce {
                Some(quiesce) => (Some(quiesce.device), quiesce.domain),
                None => (None, None),
            };
            lost.push(LostQuiesce {
                device,
                domain,
                witness: witness.path,
            });
        }
    }
    Ok(lost)
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

fn not_found(id: JournalId) -> HistoryFault {
    HistoryFault::NotFound {
        what: "journal entry",
        id: id.0,
        list: &["recover"],
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
