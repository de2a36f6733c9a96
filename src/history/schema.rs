//! The history file itself: whose it is, which version, and how it is written.
//!
//! # How it is written
//!
//! While somebody has it open for writing, through a write-ahead log, `synchronous = EXTRA`
//! (which a log takes as `FULL`): a commit is one sync of the log, and a reader in the middle
//! of a query holds nobody up. With a rollback journal a commit is some four syncs.
//!
//! At rest the history is one file with a rollback journal: whoever is the last to write
//! switches it back ([`rest`]). A copy of it is then whole, nothing beside it can be forgotten
//! or deleted by a tidy person, and it can be read on a full disk or a read-only one, where
//! SQLite could not make the shared memory that goes with a log. After `kill -9` the log stays;
//! whoever opens the file next reads it first.
//!
//! Where the switch cannot be had (somebody reads at this moment, the file system has no
//! shared memory), the rollback journal serves. For it `EXTRA` also syncs the folder after
//! the journal is removed; with `FULL`, a power cut could bring the journal back and roll
//! back a commit that we had been promised, the row that says what must be unquiesced among
//! them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::history::error::{BUSY_TIMEOUT, HistoryError, HistoryFault};
use crate::history::statement;
use crate::ownership::{self, OwnFolder, TouchError, WrittenKind};
use crate::values::causes::said;

/// `dpbk`: what the header of every history says.
pub(super) const APPLICATION_ID: i64 = 0x6470_626b;

/// One step a version: the first makes version 1 out of an empty file. A step that
/// was released is never changed again.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
    include_str!("migrations/0010.sql"),
    include_str!("migrations/0011.sql"),
    include_str!("migrations/0012.sql"),
    include_str!("migrations/0013.sql"),
    include_str!("migrations/0014.sql"),
    include_str!("migrations/0015.sql"),
    include_str!("migrations/0016.sql"),
    include_str!("migrations/0017.sql"),
    include_str!("migrations/0018.sql"),
    include_str!("migrations/0019.sql"),
    include_str!("migrations/0020.sql"),
    include_str!("migrations/0021.sql"),
    include_str!("migrations/0022.sql"),
];

/// Pages kept in memory, in KiB: the newest 20,000 tasks, which `history status` looks at,
/// fit in.
const CACHE: i64 = 8 << 10;

/// Files up to this size are checked from end to end before a run writes to them: some
/// 15,000 tasks, two tenths of a second. Larger ones are checked only where they are
/// read; a million tasks would take five seconds.
const QUICK_CHECK_LIMIT: i64 = 32 << 20;

/// How commits reach the disk while the file is open for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Through a write-ahead log, where it can be had.
    Log,
    /// Through a rollback journal: on a network file system, where other hosts may write
    /// too. They share locks, but not the memory that goes with a log.
    RollbackJournal,
}

/// The value of `synchronous` with which each commit is on disk when it returns.
pub(super) const EXTRA: i64 = 3;
/// The one with which the log keeps the order of commits, and they reach the disk with a later one.
pub(super) const NORMAL: i64 = 1;

/// Opens the file for writing; makes it, and its folder, if they are not there.
pub(super) fn open(path: &Path, writing: Writing, migrations: &[&str]) -> Result<Connection, HistoryError> {
    create(path).map_err(|error| not_used(path, error))?;
    let mut connection = connect(path)?;
    if let Identity::Ours(_) = identify(&connection, path, migrations)? {
        check(&connection, path)?;
    }
    migrate(&mut connection, migrations).map_err(|fault| fault.at(path))?;
    configure(&connection, writing).map_err(|error| HistoryFault::from(error).at(path))?;
    Ok(connection)
}

/// Opens the file for reading. Nothing is created, migrated or changed.
pub(super) fn open_read_only(path: &Path, migrations: &[&str]) -> Result<Connection, HistoryError> {
    let missing = || none_yet(path);
    match look(path) {
        Ok(()) => {}
        Err(error) if is_missing(&error) => return Err(missing()),
        Err(error) => return Err(not_used(path, error)),
    }
    // SQLite has to write to undo a commit that was cut short, even for a reader; so it
    // opens the file as well as it may, and the statements are what is held to reading.
    let connection = connect(path)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|error| HistoryFault::from(error).at(path))?;
    let known = newest(migrations);
    match identify(&connection, path, migrations)? {
        Identity::Ours(found) if found == known => {
            ours(&connection).map_err(|error| HistoryFault::from(error).at(path))?;
            Ok(connection)
        }
        Identity::Ours(found) => Err(HistoryError::Older {
            path: path.to_owned(),
            found,
            known,
        }),
        // The process that was making it died before the first step.
        Identity::Empty => Err(missing()),
    }
}

/// Opens a file for a look into its journal, whichever version wrote it and however it is.
/// Nothing is changed. A file that has no journal is not ours.
pub(super) fn open_as_it_is(path: &Path) -> Result<Connection, HistoryError> {
    let missing = || none_yet(path);
    let not_ours = || HistoryError::NotOurs {
        path: path.to_owned(),
        source: None,
    };
    match path.metadata() {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(not_ours()),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Err(missing());
        }
        Err(error) => return Err(cannot_open(path, error)),
    }
    for beside in beside(path) {
        // SQLite would wait for whoever opens the other end of a pipe.
        if beside.metadata().is_ok_and(|found| !found.is_file()) {
            ownership::look_at_record(&beside).map_err(|error| not_used(path, error))?;
        }
    }
    let connection = connect(path)?;
    let count = || -> rusqlite::Result<(i64, i64, i64)> {
        connection.pragma_update(None, "query_only", true)?;
        connection.query_row(
            "SELECT count(*), count(*) FILTER (WHERE name = 'journal'),
                 (SELECT application_id FROM pragma_application_id) FROM sqlite_schema",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
    };
    match count().map_err(|error| HistoryFault::from(error).at(path))? {
        // The process that was making it died before the first step.
        (0, _, _) => Err(missing()),
        (_, 0, APPLICATION_ID) => Err(HistoryError::Corrupt {
            path: path.to_owned(),
            detail: "it has no journal any more".to_owned(),
            source: None,
        }),
        (_, 0, _) => Err(not_ours()),
        _ => Ok(connection),
    }
}

/// Whose file it is, if it may be used at all.
enum Identity {
    Empty,
    Ours(i64),
}

/// Makes the file, and its folder, if they are not there. Where they are, nobody else may be able
/// to write to them, nor to what SQLite keeps beside the file: it believes all of it.
fn create(path: &Path) -> Result<(), TouchError> {
    let (folder, name) = OwnFolder::of_file(path, WrittenKind::State)?;
    if let Err(error) = folder.adopt(&name) {
        if !is_missing(&error) {
            return Err(error);
        }
        // Made here and not by SQLite, so that it is never readable by others, not even at first.
        match folder.create(&name) {
            Ok(file) => {
                file.sync_all()?;
                folder.sync()?;
            }
            // Another process was quicker.
            Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    for beside in beside(Path::new(&name)) {
        match folder.adopt(beside.as_os_str()) {
            Err(error) if !is_missing(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The same for a file that will be read.
fn look(path: &Path) -> Result<(), TouchError> {
    let path = ownership::look_at_record(path)?;
    for beside in beside(&path) {
        match ownership::look_at_record(&beside) {
            Err(error) if !is_missing(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// What SQLite may have left beside a file, for the next one to read first.
fn beside(path: &Path) -> impl Iterator<Item = PathBuf> {
    ["-journal", "-wal", "-shm"].into_iter().map(|suffix| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        PathBuf::from(beside)
    })
}

fn is_missing(error: &TouchError) -> bool {
    matches!(error, TouchError::Io(error) if error.kind() == io::ErrorKind::NotFound)
}

fn connect(path: &Path) -> Result<Connection, HistoryError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Somebody else's database with a log would otherwise be tidied up on closing.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(connection)
    };
    open().map_err(|error| HistoryFault::from(error).at(path))
}

/// Reads whose file it is and refuses what is not ours, before anything is written.
fn identify(connection: &Connection, path: &Path, migrations: &[&str]) -> Result<Identity, HistoryError> {
    let read = || -> rusqlite::Result<(i64, i64, i64)> {
        // One statement is one look: another process may be making the file just now.
        connection.query_row(
            "SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_schema)
             FROM pragma_application_id AS a, pragma_user_version AS v",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
    };
    let known = newest(migrations);
    match read().map_err(|error| HistoryFault::from(error).at(path))? {
        (APPLICATION_ID, found, _) if found > known => Err(HistoryError::Newer {
            path: path.to_owned(),
            found,
            known,
        }),
        (APPLICATION_ID, found, tables) if found >= 1 && tables > 0 => Ok(Identity::Ours(found)),
        (0, 0, 0) => Ok(Identity::Empty),
        (APPLICATION_ID, found, tables) => Err(HistoryError::Corrupt {
            path: path.to_owned(),
            detail: format!("schema version {found} with {tables} tables and indexes"),
            source: None,
        }),
        _ => Err(HistoryError::NotOurs {
            path: path.to_owned(),
            source: None,
        }),
    }
}

/// Better found now than in the middle of a run, with a device quiesced.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), HistoryError> {
    let read = || -> rusqlite::Result<Option<String>> {
        let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let page_size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        if pages.saturating_mul(page_size) > QUICK_CHECK_LIMIT {
            return Ok(None);
        }
        let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok((verdict != "ok").then_some(verdict))
    };
    match read().map_err(|error| HistoryFault::from(error).at(path))? {
        None => Ok(()),
        Some(detail) => Err(HistoryError::Corrupt {
            path: path.to_owned(),
            detail,
            source: None,
        }),
    }
}

/// Brings the file to the newest version, in one transaction: one that is cut short leaves the
/// file as it was, and is begun again the next time. A new file that stopped half way would be
/// taken by readers for one that an older dpbackup wrote. Foreign keys are still off here, so
/// that a step may rebuild a table.
fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), HistoryFault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read under the lock: another process may have taken the steps meanwhile.
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let taken = usize::try_from(version).unwrap_or(usize::MAX);
    let steps = migrations.get(taken..).unwrap_or_default();
    if steps.is_empty() {
        return Ok(());
    }
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", newest(migrations))?;
    transaction.commit()?;
    Ok(())
}

fn configure(connection: &Connection, writing: Writing) -> rusqlite::Result<()> {
    ours(connection)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    synchronize(connection, EXTRA)?;
    switch(connection, writing)
}

/// When commits are on disk: one of SQLite's values for `synchronous`.
pub(super) fn synchronize(connection: &Connection, synchronous: i64) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", synchronous)
}

/// When commits are on disk now.
pub(super) fn synchronous(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "synchronous", |row| row.get(0))
}

/// Whether commits go through a write-ahead log.
pub(super) fn has_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.pragma_query_value(None, "journal_mode", |row| Ok(row.get::<_, String>(0)? == "wal"))
}

/// What holds for every connection to a file that was found to be ours.
fn ours(connection: &Connection) -> rusqlite::Result<()> {
    // The last one to close takes the log into the file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.set_prepared_statement_cache_capacity(statement::KEPT);
    connection.pragma_update(None, "cache_size", -CACHE)
}

/// Makes one file of the history again, unless somebody else has it open: then that is left
/// to them, or to the next one that writes.
pub(super) fn rest(connection: &Connection) -> rusqlite::Result<()> {
    let reader: bool = connection.pragma_query_value(None, "query_only", |row| row.get(0))?;
    if reader {
        return Ok(());
    }
    switch(connection, Writing::RollbackJournal)
}

/// Asks for a way of writing. Another process that has the file open just now is no error:
/// SQLite stays with the way there is, and both are safe.
fn switch(connection: &Connection, writing: Writing) -> rusqlite::Result<()> {
    let mode = match writing {
        Writing::Log => "WAL",
        Writing::RollbackJournal => "DELETE",
    };
    // A run must not wait here for a reader.
    connection.busy_timeout(Duration::ZERO)?;
    let switched = connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(()));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match switched {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        switched => switched,
    }
}

fn newest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

fn not_used(path: &Path, error: TouchError) -> HistoryError {
    match error {
        TouchError::Io(error) => cannot_open(path, error),
        TouchError::Untrusted(source) => HistoryError::Untrusted {
            path: path.to_owned(),
            source,
        },
    }
}

/// What it means that no file is there: behind a link that leads nowhere there may be one.
fn none_yet(path: &Path) -> HistoryError {
    let path = path.to_owned();
    let is_nowhere = |at: &&Path| matches!(at.try_exists(), Ok(false));
    let links = path.ancestors().filter(is_nowhere);
    match links
        .filter_map(|at| Some((at.to_owned(), at.read_link().ok()?)))
        .next()
    {
        Some((link, target)) => HistoryError::LeadsNowhere { path, link, target },
        None => HistoryError::Missing { path },
    }
}

fn cannot_open(path: &Path, error: io::Error) -> HistoryError {
    HistoryError::CannotOpen {
        path: path.to_owned(),
        detail: said(&error),
        source: Some(Box::new(error)),
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
