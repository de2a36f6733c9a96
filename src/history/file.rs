//! Whether the history is still the file that was opened: what is written goes on into a file that was removed, and
//! nobody will find it there.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::history::error::HistoryError;

/// The file of an open history.
#[derive(Debug)]
pub(super) struct HistoryInPlace {
    pub(super) path: PathBuf,
    /// Which one it was when it was opened; `None` where that could not be seen.
    opened: Option<FileIdentity>,
}

/// Device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity(u64, u64);

impl HistoryInPlace {
    /// The file that has just been opened at this path.
    pub(super) fn opened(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            opened: identity(path),
        }
    }

    /// An error where the path does not lead to it any more.
    pub(super) fn stands(&self) -> Result<(), HistoryError> {
        match (self.opened, identity(&self.path)) {
            (Some(then), Some(now)) if then == now => Ok(()),
            _ => Err(HistoryError::Gone {
                path: self.path.clone(),
            }),
        }
    }
}

fn identity(path: &Path) -> Option<FileIdentity> {
    let found = fs::metadata(path).ok()?;
    Some(FileIdentity(found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_moved_replaced_or_never_seen_does_not_stand() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("history.db");
        assert!(HistoryInPlace::opened(&path).stands().is_err(), "there is none");
        fs::write(&path, "one").expect("written");
        let file = HistoryInPlace::opened(&path);
        assert!(file.stands().is_ok());
        let away = folder.path().join("away.db");
        fs::rename(&path, &away).expect("moved");
        assert!(matches!(file.stands(), Err(HistoryError::Gone { .. })));
        fs::copy(&away, &path).expect("a copy");
        assert!(file.stands().is_err(), "a copy is another file");
        fs::rename(&away, &path).expect("moved back");
        assert!(file.stands().is_ok());
    }
}
