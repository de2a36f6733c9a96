//! Quiesces of which there is a witness beside the history, and no row in its journal.

use std::path::Path;

use rusqlite::Connection;

use crate::history::error::{HistoryError, HistoryFault};
use crate::history::journal::row::IS_OPEN;
use crate::history::{History, schema};
use crate::lock::quiesce_witness::QuiesceWitness;
use crate::lock::{Life, Locks};
use crate::run::ledger::LostQuiesce;
use crate::values::causes::said;

impl History {
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
    pub(in crate::history) fn tidy_witnesses(&self) {
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
