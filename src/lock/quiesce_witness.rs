//! A second witness of each quiesce, beside the row of the journal that tells of it: a file among the locks.
//!
//! A history can lose what was written into it: it is emptied, an older copy is put in its place, somebody removes the
//! log beside it. The journal in it has no open row then, and says that nothing is quiesced. The witness stands from
//! its row on until that is closed; one whose row the history does not have tells that the history is not all of it.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lock::{Locks, QUIESCE};
use crate::ownership::{self, OwnFolder, TouchError, WrittenKind};

/// A file that tells of a quiesce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuiesceWitness {
    /// The process that wrote it.
    pub process: String,
    /// The id of its row in the journal.
    pub row: i64,
    /// What it says of the quiesce; `None` where that cannot be read.
    pub quiesce: Option<WitnessedQuiesce>,
    /// The file.
    pub path: PathBuf,
}

/// What was to be quiesced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessedQuiesce {
    pub device: String,
    /// The domain of it; `None` where it is all of the device.
    pub domain: Option<String>,
}

impl QuiesceWitness {
    /// Says it of this row of this process; on disk when this returns. Where it cannot be said, the journal is the only one
    /// that knows.
    pub fn say(locks: &Locks, process: &str, row: i64, quiesce: &WitnessedQuiesce) -> Result<(), TouchError> {
        let folder = OwnFolder::open(locks.folder(), WrittenKind::State)?;
        let mut file = folder.create(&file_name(process, row))?;
        let text = serde_json::to_string(quiesce).map_err(std::io::Error::from)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        folder.sync()?;
        Ok(())
    }

    /// Takes it back: its row is closed.
    pub fn take_back(locks: &Locks, process: &str, row: i64) {
        let _ = fs::remove_file(locks.folder().join(file_name(process, row)));
    }

    /// All that there are, by row.
    pub fn all(locks: &Locks) -> Vec<Self> {
        let of_file = |name: String| {
            let (process, row) = name.rsplit_once(QUIESCE)?;
            let path = locks.folder().join(&name);
            let mut text = String::new();
            // What cannot be read tells of a quiesce all the same.
            let _ = ownership::open_plain(&path).map(|mut file| file.read_to_string(&mut text));
            Some(Self {
                process: process.to_owned(),
                row: row.parse().ok()?,
                quiesce: serde_json::from_str(&text).ok(),
                path,
            })
        };
        let mut all: Vec<Self> = locks.names().filter_map(of_file).collect();
        all.sort_by(|a, b| (a.row, &a.process).cmp(&(b.row, &b.process)));
        all
    }
}

fn file_name(process: &str, row: i64) -> OsString {
    format!("{}{QUIESCE}{row}", Locks::plain(process)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiesce_is_told_of_until_its_row_is_closed_and_goes_with_no_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let locks = Locks::beside(&folder.path().join("history.db"));
        let quiesce = WitnessedQuiesce {
            device: "QA1".to_owned(),
            domain: Some("a\nb".to_owned()),
        };
        let say = |row| QuiesceWitness::say(&locks, "run-1-0-2", row, &quiesce);
        assert!(say(7).is_err(), "no folder of locks");
        fs::create_dir(locks.folder()).expect("a folder");
        fs::write(locks.folder().join("run-1-0-2.lock"), "").expect("a file");
        say(12).expect("said");
        say(7).expect("said");
        // What a full disk, or a power cut, has left of one.
        fs::write(locks.folder().join("run-1-0-2-quiesce-13"), "").expect("a file");
        locks.forget_the_dead();
        let all = QuiesceWitness::all(&locks);
        let rows: Vec<i64> = all.iter().map(|witness| witness.row).collect();
        assert_eq!(rows, [7, 12, 13]);
        assert!(all.iter().all(|witness| witness.process == "run-1-0-2"));
        assert_eq!(all[0].quiesce, Some(quiesce.clone()));
        assert_eq!(all[2].quiesce, None);
        QuiesceWitness::take_back(&locks, "run-1-0-2", 7);
        assert_eq!(QuiesceWitness::all(&locks).len(), 2);
    }
}
