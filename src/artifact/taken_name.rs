//! A name in a folder of the store, taken before anything is written under it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::folder::Folder;
use crate::artifact::layout::PARTIAL;

/// How often a name is taken again after a sweep took it from us just as it was made.
const CREATE_TRIES: u32 = 8;

/// A name in a folder that is ours until it is published or given up.
#[derive(Debug)]
pub(super) struct TakenName {
    pub(super) folder: Folder,
    partial: OsString,
    pub(super) final_name: OsString,
    published: bool,
}

impl TakenName {
    /// Makes and locks `<final name>.partial`.
    pub(super) fn take(folder: Folder, final_name: OsString) -> Result<(File, TakenName), StoreError> {
        let partial = partial_name(&final_name);
        for _ in 0..CREATE_TRIES {
            let file = folder.create(&partial)?;
            lock_new(&file).map_err(|error| StoreError::new("lock", &folder.path().join(&partial), error))?;
            // A sweep may take it in the instant between its making and its locking.
            if folder.is_same(&file, &partial) {
                let published = false;
                return Ok((
                    file,
                    TakenName {
                        folder,
                        partial,
                        final_name,
                        published,
                    },
                ));
            }
        }
        let path = folder.path().join(&partial);
        Err(StoreError::of_kind(
            StoreErrorKind::Other,
            "create the file",
            &path,
        ))
    }

    /// Has what stands there published under a name. Where something else stands there, it is
    /// not ours to remove any more.
    pub(super) fn publish_with<T>(
        &mut self,
        name: &OsStr,
        publish: impl FnOnce(&Folder, &OsStr, &OsStr) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let published = publish(&self.folder, &self.partial, name);
        let swapped = matches!(&published, Err(error) if error.kind == StoreErrorKind::Swapped);
        self.published = published.is_ok() || swapped;
        published
    }

    pub(super) fn partial_path(&self) -> PathBuf {
        self.folder.path().join(&self.partial)
    }
}

impl Drop for TakenName {
    fn drop(&mut self) {
        if !self.published {
            // Nobody is left to tell. What stays behind is unlocked, and swept later.
            let _swept_later = self.folder.remove_file(&self.partial);
        }
    }
}

/// The name that something bears until it is published.
pub(super) fn partial_name(final_name: &OsStr) -> OsString {
    let mut name = final_name.to_owned();
    name.push(PARTIAL);
    name
}

/// Whether the file system has no locks at all.
pub(super) fn locks_are_unknown(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let unknown = [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|errno| unknown.contains(&errno))
}

/// Locks a file that has just been made. Only a sweep may hold it, and not for long.
fn lock_new(file: &File) -> io::Result<()> {
    match file.lock() {
        // A file system without locks: the backup goes on, and a sweep, which cannot lock
        // either, leaves such files alone.
        Err(error) if locks_are_unknown(&error) => Ok(()),
        other => other,
    }
}
