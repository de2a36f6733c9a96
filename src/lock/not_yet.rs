//! What a process has written into the journal and not asked of a device yet, as a file that says so when the
//! process is dead.
//!
//! A row of the journal that is written while a device is out of service keeps it there for as long as others
//! hold the history. So it is written before that; and whoever finds it, its process dead, could not tell
//! whether the device was asked. The file tells: it stands from the row on, and is gone, on disk, before the
//! request leaves. One that is missing proves nothing.

use std::ffi::OsString;
use std::io;

use crate::lock::Locks;
use crate::ownership::{OwnFolder, TouchError, WrittenKind};

/// Says of a row of the journal that what it is about was not asked of the device yet, until it is dropped.
#[derive(Debug)]
pub struct NotYet {
    folder: OwnFolder,
    name: OsString,
}

impl NotYet {
    /// Says it of this row of this process.
    ///
    /// # Errors
    ///
    /// It cannot be written. Then nothing says it, and nothing has to be taken back.
    pub fn say(locks: &Locks, process: &str, row: i64) -> Result<Self, TouchError> {
        let folder = OwnFolder::open(locks.folder(), WrittenKind::State)?;
        let name = file_name(process, row);
        folder.create(&name)?;
        Ok(Self { folder, name })
    }

    /// Takes it back, on disk when this returns.
    ///
    /// # Errors
    ///
    /// It may still be said.
    pub fn take_back(&self) -> io::Result<()> {
        match self.folder.remove(&self.name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.folder.sync(),
        }
    }

    /// Whether it is said of this row of this process.
    pub fn is_said(locks: &Locks, process: &str, row: i64) -> bool {
        OwnFolder::open(locks.folder(), WrittenKind::State)
            .is_ok_and(|folder| folder.look(&file_name(process, row)).is_ok())
    }
}

impl Drop for NotYet {
    fn drop(&mut self) {
        // One that stays is removed with what the dead have left.
        let _ = self.folder.remove(&self.name);
    }
}

/// It begins as the lock of the process does, with which it goes.
fn file_name(process: &str, row: i64) -> OsString {
    format!("{}-not-yet-{row}", Locks::plain(process)).into()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_is_said_until_it_is_taken_back_and_of_one_row_of_one_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let locks = Locks::beside(&folder.path().join("history.db"));
        assert!(NotYet::say(&locks, "run-1-0-2", 7).is_err(), "no folder of locks");
        assert!(!NotYet::is_said(&locks, "run-1-0-2", 7));
        fs::create_dir(locks.folder()).expect("a folder");
        let said = NotYet::say(&locks, "run-1-0-2", 7).expect("a file");
        let is_said = |process, row| NotYet::is_said(&locks, process, row);
        assert!(is_said("run-1-0-2", 7));
        assert!(!is_said("run-1-0-2", 8) && !is_said("run-1-0-3", 7) && !is_said("../run-1-0-2", 7));
        said.take_back().expect("taken back");
        assert!(!is_said("run-1-0-2", 7));
        said.take_back().expect("nothing to take back");
        drop(NotYet::say(&locks, "run-1-0-2", 7).expect("a file"));
        assert!(!is_said("run-1-0-2", 7), "whoever drops it has closed the row");
    }

    #[test]
    fn what_a_dead_process_has_said_goes_with_its_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let locks = Locks::beside(&folder.path().join("history.db"));
        fs::create_dir(locks.folder()).expect("a folder");
        fs::write(locks.folder().join("run-1-0-2.lock"), "").expect("a file");
        std::mem::forget(NotYet::say(&locks, "run-1-0-2", 7).expect("a file"));
        locks.forget_the_dead();
        assert!(!NotYet::is_said(&locks, "run-1-0-2", 7));
    }
}
