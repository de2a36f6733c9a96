//! History: what was done, in one SQLite file.
//!
//! A run writes it as the [`Ledger`](crate::run::ledger::Ledger) of its events, every
//! call one transaction; `history` and the like read it. `docs/history.md` describes
//! the tables for those who query them with other tools.

mod blame;
mod certificate;
mod change;
mod change_search;
mod error;
mod execution;
mod file;
mod journal;
mod ledger;
mod names;
mod past;
mod place;
mod query;
mod rehearsal;
mod schema;
mod script;
mod statement;
mod stored;
mod survey;
mod target;
mod unfinished;
mod value;
mod view;

#[cfg(test)]
mod fixture;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use blame::{LastChange, NotKnownBefore};
pub use change::CutTask;
pub use error::HistoryError;
pub use rehearsal::RehearsalOpening;
pub use schema::Writing;
pub use unfinished::Abandoned;
pub use view::execution::{
    ActivityRow, NoteLevel, NoteRow, PlanRow, StatusChange, TaskDetails, TaskOfDay, TaskRow,
};
pub use view::file::{ChangeRow, FailedFileRow, FileId, FileRow, PrunableFile, RemovedRow};
pub use view::filter::{ChangeFilter, FileFilter, PlanFilter};
pub use view::rehearsal::{RehearsalId, RehearsalRow, RehearsedTarget};
pub use view::target::{GoodBackup, LongestNames, TargetRow, UnsavedTarget};

use error::HistoryFault;
use file::HistoryInPlace;

/// An open history file.
#[derive(Debug)]
pub struct History {
    connection: Connection,
    file: HistoryInPlace,
    store: Option<PathBuf>,
}

impl History {
    /// Opens the history for writing. A file that is not there is made (mode 0600, its
    /// folder 0700); one of an older version is brought up to date.
    ///
    /// # Errors
    ///
    /// A file that is not ours, newer or damaged is refused and left as it is.
    pub fn open(path: &Path, writing: Writing) -> Result<History, HistoryError> {
        let history = History {
            connection: schema::open(path, writing, schema::MIGRATIONS)?,
            file: HistoryInPlace::opened(path),
            store: None,
        };
        history.tidy_witnesses();
        Ok(history)
    }

    /// Opens the history for reading; writing through it is an error.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Missing`] if nothing was recorded yet, [`HistoryError::Older`] if
    /// the file must be opened for writing once to be brought up to date, and all that
    /// [`History::open`] refuses.
    pub fn open_read_only(path: &Path) -> Result<History, HistoryError> {
        Ok(History {
            connection: schema::open_read_only(path, schema::MIGRATIONS)?,
            file: HistoryInPlace::opened(path),
            store: None,
        })
    }

    /// Whether the file that was just written can be read: looked at from its beginning, as before a run.
    ///
    /// # Errors
    ///
    /// It is damaged, or cannot be read.
    pub fn open_checked(path: &Path) -> Result<(), HistoryError> {
        schema::check(&schema::open_read_only(path, schema::MIGRATIONS)?, path)
    }

    /// The same history, whose files stand in this store: their paths begin there. Without it
    /// they are as they were written down.
    #[must_use]
    pub fn in_store(mut self, store: &Path) -> History {
        self.store = Some(store.to_owned());
        self
    }

    /// Does some work in one transaction: all of it is on disk afterwards, or none.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, HistoryFault>,
    ) -> Result<T, HistoryError> {
        let in_transaction = || -> Result<T, HistoryFault> {
            // Locked from the start: a transaction that begins by reading could find
            // at its first write that another one was quicker, and waiting would not help.
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        in_transaction().map_err(|fault| fault.at(&self.file.path))
    }

    /// The same for what must be found by others before anything is done to a device: an error where it was written
    /// into a file that nobody will open any more.
    fn write_to_be_found<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, HistoryFault>,
    ) -> Result<T, HistoryError> {
        self.file.stands()?;
        let done = self.write(work)?;
        self.file.stands()?;
        Ok(done)
    }

    /// As [`write`](Self::write), but on disk only with the next thing that is written: for what tells
    /// only of this moment. After a power cut nobody is at it any more, and the log is whole up to
    /// its last commit that arrived. Without a log there is no such promise, and nothing is put off.
    fn write_passing<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, HistoryFault>,
    ) -> Result<T, HistoryError> {
        let pragma = |fault: rusqlite::Error| HistoryFault::from(fault).at(&self.file.path);
        if !schema::has_log(&self.connection).map_err(pragma)? {
            return self.write(work);
        }
        let usual = schema::synchronous(&self.connection).map_err(pragma)?;
        schema::synchronize(&self.connection, schema::NORMAL).map_err(pragma)?;
        let done = self.write(work);
        schema::synchronize(&self.connection, usual)
            .map_err(|fault| HistoryFault::from(fault).at(&self.file.path))?;
        done
    }

    /// Reads within one transaction, so that several queries see the same moment.
    fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, HistoryFault>,
    ) -> Result<T, HistoryError> {
        let in_transaction = || -> Result<T, HistoryFault> {
            let transaction = self.connection.unchecked_transaction()?;
            work(&transaction)
        };
        in_transaction().map_err(|fault| fault.at(&self.file.path))
    }
}

impl Drop for History {
    /// Leaves one file where there was a log beside it.
    fn drop(&mut self) {
        // Everything that was recorded is on disk, and stays in the log if this fails: the
        // next one to open the file finds it there and tries again.
        let _kept_in_the_log = schema::rest(&self.connection);
    }
}
