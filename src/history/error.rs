//! What can be wrong with a history file, in words that say what to do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::ErrorCode;

use crate::ownership::Untrusted;
use crate::run::ledger::{LedgerError, LedgerErrorKind};
use crate::values::invocation::quoted;

/// How long a connection waits for another one before that is an error.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it waits while a device is out of service.
pub(super) const SHORT_BUSY_TIMEOUT: Duration = Duration::from_millis(500);

/// The history cannot be used, or does not know what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file belongs to something else. Nothing was written to it.
    #[error(
        "{} is not a history of dpbackup: it was left untouched; name another file under 'history' in the \
         settings, or move this one away", path.display()
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What SQLite says, if it did.
        source: Option<rusqlite::Error>,
    },
    /// A newer dpbackup wrote the file. Nothing was written to it.
    #[error(
        "{} was written by a newer dpbackup (its schema is version {found}, this one knows {known}): it was \
         left untouched; use that dpbackup: no other file knows what it left quiesced", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema version of the file.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// An older dpbackup wrote the file, and it was opened only for reading.
    #[error(
        "{} was written by an older dpbackup (its schema is version {found}, this one reads {known}); \
         the next run, or recover, brings it up to date", path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The schema version of the file.
        found: i64,
        /// The schema version that this program reads.
        known: i64,
    },
    /// The file is damaged.
    #[error(
        "{} is damaged ({detail}): move it away and restore it from a backup, or keep what \
         `sqlite3 {} .recover` saves of it; before a run starts with an empty one, check that no device is still quiesced",
        path.display(), quoted(&path.to_string_lossy())
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
        /// What SQLite says, if it did.
        source: Option<rusqlite::Error>,
    },
    /// The file or its folder cannot be opened, created or written.
    #[error("{} cannot be opened or written ({detail})", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        detail: String,
        /// Where that was seen.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Others could have written it, or have it by another name.
    #[error("the history {} is not used: {source}", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, or with its folder.
        source: Untrusted,
    },
    /// There is no room for it.
    #[error(
        "{} cannot grow: its file system or quota is full; make room and try again (where the backups fill it: what \
         'dpbackup prune --dry-run' would delete may be removed by hand, and the next prune records it)", path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file system failed.
    #[error("{} could not be read or written ({detail}): look at its disk, room, quota and limits on the size of files", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What that means.
        detail: String,
    },
    /// It was taken away, or another file put in its place, since it was opened.
    #[error(
        "{} was removed or replaced while this ran: nothing is begun on a device of which no journal would tell; find \
         out who did it, and put the file back", path.display()
    )]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// Somebody else held it for too long.
    #[error(
        "{} has been locked by another process for {} s: end whatever reads or writes it (`fuser {}` names it) \
         and try again", path.display(), BUSY_TIMEOUT.as_secs(), quoted(&path.to_string_lossy())
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// It was opened for reading, and there is none yet.
    #[error("there is no history at {} yet: the first run creates it", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is behind a link, and nothing is where that leads: nobody knows whether there is one.
    #[error(
        "whether there is a history at {} is not known: {} is a link to {}, and nothing is there: is its file system \
         not mounted?", path.display(), link.display(), target.display()
    )]
    LeadsNowhere {
        /// The file.
        path: PathBuf,
        /// It, or a folder above it.
        link: PathBuf,
        /// Where that leads.
        target: PathBuf,
    },
    /// It holds no execution of that id.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `plan execution`, say.
        what: &'static str,
        /// The id asked for.
        id: i64,
        /// The words of the command that shows which ids there are.
        list: &'static [&'static str],
    },
    /// Anything else; it should not happen.
    #[error("{} could not be used ({detail}): try again, and report it if it stays so", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What happened.
        detail: String,
        /// What SQLite says, if it did.
        source: Option<rusqlite::Error>,
    },
}

impl HistoryError {
    /// The file, where it is the file that cannot be used.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::NotOurs { path, .. }
            | Self::Newer { path, .. }
            | Self::Older { path, .. }
            | Self::Corrupt { path, .. }
            | Self::CannotOpen { path, .. }
            | Self::Untrusted { path, .. }
            | Self::Full { path, .. }
            | Self::Disk { path, .. }
            | Self::Gone { path }
            | Self::Busy { path, .. }
            | Self::Missing { path }
            | Self::LeadsNowhere { path, .. }
            | Self::Other { path, .. } => Some(path),
            Self::NotFound { .. } => None,
        }
    }

    /// Whether something was seen of the file itself, and not that it could not be looked at.
    pub fn is_about_the_file(&self) -> bool {
        match self {
            HistoryError::NotOurs { .. }
            | HistoryError::Newer { .. }
            | HistoryError::Older { .. }
            | HistoryError::Corrupt { .. }
            | HistoryError::Untrusted { .. }
            | HistoryError::Gone { .. }
            | HistoryError::Missing { .. }
            | HistoryError::NotFound { .. } => true,
            HistoryError::CannotOpen { .. }
            | HistoryError::LeadsNowhere { .. }
            | HistoryError::Full { .. }
            | HistoryError::Disk { .. }
            | HistoryError::Busy { .. }
            | HistoryError::Other { .. } => false,
        }
    }
}

impl From<HistoryError> for LedgerError {
    fn from(error: HistoryError) -> Self {
        LedgerError {
            message: "the history cannot be used".to_owned(),
            kind: match error {
                HistoryError::Busy { .. } => LedgerErrorKind::Held,
                HistoryError::Corrupt { .. } | HistoryError::NotOurs { .. } | HistoryError::Gone { .. } => {
                    LedgerErrorKind::Damaged
                }
                _ => LedgerErrorKind::Failed,
            },
            source: Some(Box::new(error)),
        }
    }
}

/// What goes wrong inside a transaction, where the file's name is not at hand.
#[derive(Debug)]
pub(super) enum HistoryFault {
    Sql(rusqlite::Error),
    NotFound {
        what: &'static str,
        id: i64,
        list: &'static [&'static str],
    },
    /// A value that a column cannot hold, or that no column should hold.
    Value(String),
}

impl From<rusqlite::Error> for HistoryFault {
    fn from(error: rusqlite::Error) -> Self {
        HistoryFault::Sql(error)
    }
}

impl HistoryFault {
    /// Names the file, and sorts SQLite's code into what somebody can do about it.
    pub(super) fn at(self, path: &Path) -> HistoryError {
        let path = path.to_owned();
        let source = match self {
            HistoryFault::Sql(source) => source,
            HistoryFault::NotFound { what, id, list } => return HistoryError::NotFound { what, id, list },
            HistoryFault::Value(detail) => {
                return HistoryError::Other {
                    path,
                    detail,
                    source: None,
                };
            }
        };
        let detail = words_of(&source);
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => HistoryError::NotOurs {
                path,
                source: Some(source),
            },
            Some(ErrorCode::DatabaseCorrupt) => HistoryError::Corrupt {
                path,
                detail,
                source: None,
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => HistoryError::Busy { path, source },
            Some(ErrorCode::DiskFull) => HistoryError::Full { path },
            Some(ErrorCode::SystemIoFailure) => HistoryError::Disk { path, detail },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
                let source = None;
                HistoryError::CannotOpen { path, detail, source }
            }
            // A column holds what this program never writes there.
            None if is_conversion(&source) => corrupt(path, detail, source),
            _ => HistoryError::Other {
                path,
                detail,
                source: Some(source),
            },
        }
    }
}

/// What a code of SQLite means, in words of ours where its own say nothing to anybody.
fn words_of(error: &rusqlite::Error) -> String {
    let words = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => "what is in it does not fit together",
        Some(ErrorCode::SystemIoFailure) => {
            // Its number tells a disk that fails from a file system that locks nothing.
            let number = error.sqlite_error().map_or(0, |error| error.extended_code);
            return format!("the system failed at it (error {number} of SQLite)");
        }
        // A right is one reason of several: a full table of inodes and too many open files are others.
        Some(ErrorCode::CannotOpen) => "it, or a file beside it, could not be opened",
        Some(ErrorCode::PermissionDenied) => "this user may not",
        Some(ErrorCode::ReadOnly) => "this user may not write it, or the file system is mounted read-only",
        _ => return error.to_string(),
    };
    words.to_owned()
}

fn corrupt(path: PathBuf, detail: String, source: rusqlite::Error) -> HistoryError {
    HistoryError::Corrupt {
        path,
        detail,
        source: Some(source),
    }
}

fn is_conversion(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

#[cfg(test)]
mod tests {

    use rusqlite::Connection;

    use super::*;
    use crate::history::fixture::{Fixture, at, plan_opening};
    use crate::run::ledger::{Ledger, Patience};

    /// What opening a plan execution fails with.
    fn failure(fixture: &mut Fixture) -> HistoryError {
        let opened = fixture.history.open_plan(at(0), &plan_opening("BackupQA"));
        let failed = opened.expect_err("a failure");
        assert_eq!(failed.message, "the history cannot be used");
        let source = failed.source.expect("a source").downcast::<HistoryError>();
        let error = *source.expect("a history error");
        let is_held = failed.kind == LedgerErrorKind::Held;
        assert_eq!(is_held, matches!(error, HistoryError::Busy { .. }));
        error
    }

    #[test]
    fn what_sqlite_says_of_a_file_is_said_in_words_of_ours() {
        use crate::values::causes::with_causes;
        for code in [10, 11, 13, 14, 8, 3] {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            let said = with_causes(&HistoryFault::Sql(error).at(Path::new("/h.db")));
            assert!(
                !said.contains("Error code") && !said.contains("database"),
                "{said}"
            );
        }
    }

    #[test]
    fn the_commands_for_a_history_in_trouble_name_it_as_a_shell_takes_it() {
        let path = Path::new("/var/lib/my backups/h.db");
        let said = corrupt(path.into(), "x".into(), rusqlite::Error::InvalidQuery).to_string();
        assert!(
            said.contains("`sqlite3 '/var/lib/my backups/h.db' .recover`"),
            "{said}"
        );
        let busy = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(5), None);
        let said = HistoryFault::Sql(busy).at(path).to_string();
        assert!(said.contains("`fuser '/var/lib/my backups/h.db'`"), "{said}");
    }

    #[test]
    fn a_history_that_somebody_holds_is_busy() {
        let mut fixture = Fixture::new();
        let other = Connection::open(fixture.path()).expect("another process");
        other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
        fixture.history.patience(Patience::NoWait);
        let error = failure(&mut fixture);
        assert!(matches!(error, HistoryError::Busy { .. }), "{error}");
        other.execute_batch("ROLLBACK").expect("no lock");
        fixture.plan("BackupQA", 0);
    }

    #[test]
    fn a_history_without_room_is_full_and_goes_on_when_there_is_some() {
        let mut fixture = Fixture::new();
        let limit = |fixture: &Fixture, pages: i64| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            fixture.number(&sql);
        };
        limit(&fixture, 1);
        let mut plans = 0;
        let error = loop {
            match fixture
                .history
                .open_plan(at(0), &plan_opening(&"long".repeat(500)))
            {
                Ok(_) => plans += 1,
                Err(failed) => break failed.source.expect("a source"),
            }
        };
        let error = error.downcast::<HistoryError>().expect("a history error");
        assert!(matches!(*error, HistoryError::Full { .. }), "{error}");
        limit(&fixture, 1 << 20);
        fixture.plan("BackupQA", 0);
        assert_eq!(fixture.number("SELECT count(*) FROM plan_execution"), plans + 1);
    }
}
