//! The journal: what was begun on devices and must be undone.

mod lost;
mod row;

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::history::error::{HistoryError, HistoryFault};
use crate::history::execution::{Execution, require};
use crate::history::journal::row::{
    ENTRIES, ENTRY_COLUMNS, IS_OPEN, TASK_COLUMNS, closed_undo, journal_entry, reply_word, stood, stood_words,
};
use crate::history::statement::execute;
use crate::history::value::AsText;
use crate::history::{History, query, schema};
use crate::lock::Locks;
use crate::lock::quiesce_witness::{QuiesceWitness, WitnessedQuiesce};
use crate::run::event::{JournalId, Undo};
use crate::run::ledger::{ClosedUndo, JournalEntry, JournalTime, NEVER_ASKED, UndoOpening, UndoStep};
use crate::values::boot_time::BootTime;

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

    pub(super) fn open_journal(
        &mut self,
        at: &JournalTime,
        process: &str,
        opening: &UndoOpening,
    ) -> Result<JournalId, HistoryError> {
        let id = self.write_to_be_found(|transaction| open_row(transaction, at, process, opening))?;
        if let Some(domain) = quiesced(&opening.undo) {
            let quiesce = WitnessedQuiesce {
                device: opening.device.clone(),
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

    fn locks(&self) -> Locks {
        Locks::beside(&self.file.path)
    }
}

/// Writes an open row, and on the row of its task that something is quiesced from now on.
fn open_row(
    transaction: &Transaction<'_>,
    at: &JournalTime,
    process: &str,
    opening: &UndoOpening,
) -> Result<JournalId, HistoryFault> {
    let UndoOpening {
        plan: _,
        task,
        device,
        address,
        peer,
        serial,
        undo,
        domains,
    } = opening;
    let (word, argument, before) = undo_columns(undo);
    let tried_on = match undo {
        // A domain that was not there has no content, and the row is one of a dry run all the same.
        Undo::DryRun { content, .. } => Some(content.as_deref().unwrap_or_default()),
        _ => None,
    };
    require(transaction, Execution::Task(*task))?;
    execute(
        transaction,
        "INSERT INTO journal (task_execution_id, device_name, undo, argument, process, opened_time,
             host, port, serial, before_task_execution_id, domains, stood, tried_on, peer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
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
            peer.map(AsText),
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
}

/// What is to be undone as its row has it: its word, what it is about, and the task before an import.
fn undo_columns(undo: &Undo) -> (&'static str, Option<&str>, Option<i64>) {
    match undo {
        Undo::UnquiesceDevice => ("UNQUIESCE_DEVICE", None, None),
        Undo::UnquiesceDomain(domain) => ("UNQUIESCE_DOMAIN", Some(domain), None),
        Undo::RemoveFolder(folder) => ("REMOVE_FOLDER", Some(folder), None),
        Undo::Import { domain, before } | Undo::DryRun { domain, before, .. } => {
            ("IMPORT", Some(domain), before.map(|task| task.0))
        }
        // The table admits none such.
        Undo::NotKnown { .. } => ("NOT_KNOWN", None, None),
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
