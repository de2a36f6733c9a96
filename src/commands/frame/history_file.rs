//! The history file, as commands need it: to read, to write, or to say whether a run could.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::artifact::mount;
use crate::artifact::space;
use crate::commands::frame::error::{CommandError, refused_place};
use crate::history::{History, HistoryError, Writing};
use crate::lock::Locks;
use crate::ownership::{OthersWrite, OwnFolder, TouchError, Untrusted, WrittenKind};
use crate::plan::model::Settings;
use crate::ui::Ui;

/// Opens the history for reading, unless nothing was recorded yet.
pub(in crate::commands) fn read_history(settings: &Settings) -> Result<Option<History>, CommandError> {
    match existing_history(settings) {
        Ok(history) => Ok(Some(history)),
        Err(HistoryError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens the history for reading.
pub(in crate::commands) fn existing_history(settings: &Settings) -> Result<History, HistoryError> {
    let history = History::open_read_only(&settings.history)?;
    Ok(in_store(history, settings))
}

/// The history with the store in which its files stand, as far as that is known.
fn in_store(history: History, settings: &Settings) -> History {
    match settings.store.known() {
        Some(store) => history.in_store(store),
        None => history,
    }
}

/// How many files history knows in the store; `None` where that cannot be told.
pub(in crate::commands) fn files_in_store(settings: &Settings) -> Option<u64> {
    match read_history(settings) {
        Ok(Some(history)) => history.files_in_store().ok(),
        Ok(None) => Some(0),
        Err(_) => None,
    }
}

/// A history file that a run could use.
pub(in crate::commands) enum HistoryFile {
    /// It is there.
    Current,
    /// It is there, and will be brought up to date.
    Older,
    /// It is not there yet, and will be made.
    Absent,
}

/// Whether a run could use the history, as far as looking tells; if not, why, with its path.
/// Nothing is made or changed.
pub(in crate::commands) fn look_at_history(path: &Path) -> Result<HistoryFile, String> {
    owners_of_history(path).map_err(|why| format!("{} is not used: {why}", path.display()))?;
    let found = match History::open_read_only(path) {
        Ok(_) => HistoryFile::Current,
        Err(HistoryError::Older { .. }) => HistoryFile::Older,
        Err(HistoryError::Missing { .. }) => HistoryFile::Absent,
        Err(HistoryError::CannotOpen { .. }) if refused_place(path).is_some() => HistoryFile::Absent,
        Err(error) => return Err(error.to_string()),
    };
    if let Some((why, advice)) = refused_place(path) {
        return Err(format!("{why}; {advice}"));
    }
    // Each run writes; what cannot grow by a page cannot take one.
    if let Some(there) = path.ancestors().find(|there| there.is_dir())
        && space::space(there).is_ok_and(|space| is_full(space.free))
    {
        let path = path.to_owned();
        return Err(HistoryError::Full { path }.to_string());
    }
    Ok(found)
}

/// Whether so many free bytes do not hold what a run writes of itself.
fn is_full(free: u64) -> bool {
    const LEAST: u64 = 64 << 10;
    free < LEAST
}

/// Whose the history and its locks are, as far as they are there: refused where they belong to
/// somebody else or others may write to them. A group that may write to a volume is told.
pub(in crate::commands) fn owners_of_history(path: &Path) -> Result<Option<OthersWrite>, Untrusted> {
    let look = || -> Result<Option<OthersWrite>, TouchError> {
        let locks = Locks::beside(path);
        let real = locks.history();
        let folder = OwnFolder::open_around(&real, WrittenKind::State)?;
        let name = real.file_name().unwrap_or_default();
        for file in folder.names()? {
            let is_beside = |name: &OsStr| file.as_bytes().starts_with(name.as_bytes());
            let is_of_sqlite = ["-journal", "-wal", "-shm"]
                .iter()
                .any(|suffix| file.as_bytes().ends_with(suffix.as_bytes()));
            if file == name || (is_beside(name) && is_of_sqlite) {
                folder.look(&file)?;
            }
        }
        let group = folder.others_write();
        let locks = OwnFolder::open(locks.folder(), WrittenKind::State)?;
        for file in locks.names()? {
            locks.look(&file)?;
        }
        Ok(group)
    };
    match look() {
        Ok(group) => Ok(group),
        Err(TouchError::Untrusted(why)) => Err(why),
        // Not there yet, or found by who tries to write.
        Err(TouchError::Io(_)) => Ok(None),
    }
}

/// Opens the history for writing, and says what speaks against its place.
pub(in crate::commands) fn open_history(settings: &Settings, ui: Ui) -> Result<History, CommandError> {
    let path = &settings.history;
    // Where it is cannot be told everywhere; then nothing is said.
    let against = mount::kind(path)
        .ok()
        .and_then(|mount| mount::against_history(&mount));
    let writing = match &against {
        None => Writing::Log,
        Some(_) => Writing::RollbackJournal,
    };
    let history = History::open(path, writing).map_err(CommandError::from)?;
    if let Some(why) = against {
        ui.warning(&format!("the history {}: {why}", path.display()));
    }
    Ok(in_store(history, settings))
}
