//! How a process ended that could not write its end into the history, as a file whose name says so.
//!
//! Whoever finds an execution without an end, and its process gone, would say of each that it died. A history
//! that is full or held has room for a name beside it more often than for a row.

use std::ffi::OsString;

use crate::lock::Locks;
use crate::ownership::{OwnFolder, WrittenKind};

/// What stands between the name of a process and its exit code.
const WORD: &str = "-ended-";

/// How a process ended, as far as it could say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnrecordedEnd {
    code: u8,
}

impl UnrecordedEnd {
    /// Says of this process that it ends with this code, and that history does not have it. Where that cannot be
    /// said, nothing says it.
    pub fn say(locks: &Locks, process: &str, code: u8) {
        let Ok(folder) = OwnFolder::open(locks.folder(), WrittenKind::State) else {
            return;
        };
        let name = format!("{}{code}", prefix(process));
        let _ = folder.create(&OsString::from(name));
    }

    /// What a process has said of itself. Where it said several things, the gravest.
    pub fn said(locks: &Locks, process: &str) -> Option<Self> {
        let prefix = prefix(process);
        let codes = locks
            .names()
            .filter_map(|name| name.strip_prefix(&prefix)?.parse().ok());
        codes.max().map(|code| Self { code })
    }

    /// Takes away what a process has said of itself: history has it now.
    pub fn forget(locks: &Locks, process: &str) {
        let prefix = prefix(process);
        for name in locks.names().filter(|name| name.starts_with(&prefix)) {
            let _ = std::fs::remove_file(locks.folder().join(name));
        }
    }
}

impl std::fmt::Display for UnrecordedEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "it ended by itself with exit code {}, and could not write its end into the history",
            self.code
        )
    }
}

fn prefix(process: &str) -> String {
    format!("{}{WORD}", Locks::plain(process))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_process_says_how_it_ended_until_that_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let locks = Locks::beside(&folder.path().join("history.db"));
        let said = |process| UnrecordedEnd::said(&locks, process);
        UnrecordedEnd::say(&locks, "run-1-0-2", 6);
        assert_eq!(said("run-1-0-2"), None, "no folder of locks");
        fs::create_dir(locks.folder()).expect("a folder");
        UnrecordedEnd::say(&locks, "run-1-0-2", 6);
        assert_eq!(said("run-1-0-2"), Some(UnrecordedEnd { code: 6 }));
        UnrecordedEnd::say(&locks, "run-1-0-2", 10);
        assert_eq!(said("run-1-0-2"), Some(UnrecordedEnd { code: 10 }));
        assert_eq!(said("run-1-0-3"), None);
        // It holds no lock, and none is looked for behind it.
        assert!(!locks.knows_of_the_dead());
        locks.forget_the_dead();
        assert!(said("run-1-0-2").is_some());
        UnrecordedEnd::forget(&locks, "run-1-0-2");
        assert_eq!(said("run-1-0-2"), None);
    }
}
