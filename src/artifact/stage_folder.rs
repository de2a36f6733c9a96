//! A folder on its way: `<name>.partial` with files in it, renamed as a whole.
//!
//! Its lock is a file of its own beside it, `<name>.lock.partial`. A lock on the folder
//! itself would leave nothing behind, but NFS grants an exclusive lock only to a handle
//! that may write, and a folder has none.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::folder::Folder;
use crate::artifact::hashed_file::HashedFile;
use crate::artifact::layout::component;
use crate::artifact::publish::{Renamed, Requests, SYSTEM};
use crate::artifact::space::Allowance;
use crate::artifact::stage::{in_place, noted, reach, still_in_place};
use crate::artifact::taken_name::{TakenName, partial_name};

/// Ends the name of the lock of a staged folder, before `.partial`.
pub(super) const LOCK: &str = ".lock";

/// What is done where a folder is held against what was written into it.
const LOOK: &str = "read back";

/// A folder being filled. Dropped before it is published, it is removed with its files.
#[derive(Debug)]
pub struct StagedFolder {
    parent: Folder,
    folder: Folder,
    partial: OsString,
    final_name: OsString,
    published: bool,
    allowance: Allowance,
    /// Dropped after the folder, and its name before its lock.
    _lock: (TakenName, File),
}

/// A file being written into a [`StagedFolder`].
#[derive(Debug)]
pub struct Part {
    name: String,
    path: PathBuf,
    stream: HashedFile,
    trouble: Option<StoreError>,
}

/// A file of a [`StagedFolder`] that is written and synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPart {
    /// Its name as it was given, as on the device.
    pub name: String,
    /// Its name in the folder: the same, unless that was unsafe.
    pub file_name: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
}

impl StagedFolder {
    /// Begins a folder that will stand at `final_path`, which must lie in `store`.
    pub fn create(store: &Path, final_path: &Path) -> Result<StagedFolder, StoreError> {
        let (parent, final_name) = reach(store, final_path)?;
        let (lock_file, lock_place) = TakenName::take(parent.reopen()?, lock_name(&final_name))?;
        let partial = partial_name(&final_name);
        let folder = parent.make(&partial)?;
        let published = false;
        Ok(StagedFolder {
            parent,
            folder,
            partial,
            final_name,
            published,
            allowance: Allowance::unlimited(),
            _lock: (lock_place, lock_file),
        })
    }

    /// The same folder, of whose files each takes no more than it is allowed to.
    #[must_use]
    pub fn within(mut self, allowance: Allowance) -> StagedFolder {
        self.allowance = allowance;
        self
    }

    /// Where it stands now.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Begins a file in it. `name` is the device's; an unsafe one is made safe.
    pub fn part(&self, name: &str) -> Result<Part, StoreError> {
        let file_name = component(name);
        let file = self.folder.create(OsStr::new(&file_name))?;
        let path = self.folder.path().join(file_name);
        let stream = HashedFile::new(file, self.allowance);
        let trouble = None;
        Ok(Part {
            name: name.to_owned(),
            path,
            stream,
            trouble,
        })
    }

    /// Gives up a file in it that came only in part, so that it can be begun anew. The error
    /// is that of the file, if it could not be written: then there is no use in another try.
    pub fn discard(&self, part: Part) -> Result<(), StoreError> {
        let Part { name, trouble, .. } = part;
        let removed = self.folder.remove_file(OsStr::new(&component(&name)));
        trouble.map_or(removed, Err)
    }

    /// Looks whether it stands where it was made and holds these files as they were written, and nothing else. Where it
    /// does not, what was read in it by name says nothing about what was written.
    pub fn is_as_written(&self, parts: &[SealedPart]) -> Result<(), StoreError> {
        if !self.parent.is_same_folder(&self.folder, &self.partial) {
            let kind = StoreErrorKind::Swapped;
            return Err(StoreError::of_kind(kind, LOOK, self.folder.path()));
        }
        self.holds(parts)?;
        for (name, _) in self.folder.entries()? {
            if !parts.iter().any(|part| *part.file_name == *name) {
                let path = self.folder.path().join(&name);
                return Err(StoreError::of_kind(StoreErrorKind::Stranger, LOOK, &path));
            }
        }
        still_in_place(&self.parent, &self.partial, LOOK).map(|_path| ())
    }

    /// Reads these files back: each must be what was written.
    fn holds(&self, parts: &[SealedPart]) -> Result<(), StoreError> {
        for part in parts {
            if !part.is_in(&self.folder)? {
                let path = self.folder.path().join(&part.file_name);
                return Err(StoreError::of_kind(StoreErrorKind::Swapped, LOOK, &path));
            }
        }
        Ok(())
    }

    /// Gives the folder its final name, durably, with these files in it as they were written. A
    /// name that is taken is never overwritten.
    pub fn publish(self, parts: &[SealedPart]) -> Result<PathBuf, StoreError> {
        self.publish_by(&SYSTEM, parts)
    }

    pub(super) fn publish_by(
        mut self,
        requests: &Requests,
        parts: &[SealedPart],
    ) -> Result<PathBuf, StoreError> {
        // What was verified was read by its name: it must still be what was written.
        self.holds(parts)?;
        self.folder.sync()?;
        let is_whole = |name: &OsStr| {
            let found = match self.parent.enter(name) {
                Err(error) if error.kind == StoreErrorKind::Missing => return Ok(false),
                other => other?,
            };
            for part in parts {
                if !part.is_in(&found)? {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        let what = Renamed {
            is_same: &|name| self.parent.is_same_folder(&self.folder, name),
            is_whole: &is_whole,
        };
        let named = requests.rename_to(&self.parent, &what, &self.partial, &self.final_name);
        let swapped = matches!(&named, Err(error) if error.kind == StoreErrorKind::Swapped);
        // What stands there instead is not ours to remove.
        self.published = named.is_ok() || swapped;
        named?;
        self.parent.sync()?;
        in_place(&self.parent, &self.final_name).inspect_err(|_| {
            // Nobody would know of it.
            let _not_found_again = remove_filled(&self.parent, &self.final_name);
        })
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        if !self.published {
            // Nobody is left to tell. What stays behind is swept later.
            let _swept_later = remove_filled(&self.parent, &self.partial);
        }
    }
}

impl SealedPart {
    /// Whether it is in a folder, as it was written.
    fn is_in(&self, folder: &Folder) -> Result<bool, StoreError> {
        folder.has_hash(OsStr::new(&self.file_name), &self.sha256)
    }
}

impl Part {
    /// Puts every byte on disk.
    pub fn finish(self) -> Result<SealedPart, StoreError> {
        let (_file, passed) = self
            .stream
            .finish()
            .map_err(|error| StoreError::new("write", &self.path, error))?;
        let file_name = component(&self.name);
        Ok(SealedPart {
            name: self.name,
            file_name,
            size: passed.bytes(),
            sha256: passed.sha256(),
        })
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes);
        noted(written, &mut self.trouble, || self.path.clone())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.stream.flush();
        noted(flushed, &mut self.trouble, || self.path.clone())
    }
}

/// The name, once published, that the lock of the folder `final_name` would have. It never is.
pub(super) fn lock_name(final_name: &OsStr) -> OsString {
    let mut name = final_name.to_owned();
    name.push(LOCK);
    name
}

/// What is left of a folder that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remains {
    Nothing,
    /// The folder, with folders in it, which are not ours (a NAS makes `@eaDir` where it likes).
    /// So many files went.
    Strangers {
        removed: usize,
    },
}

/// Removes a folder and the files in it. Folders in it are not ours, and keep it.
pub(super) fn remove_filled(parent: &Folder, name: &OsStr) -> Result<Remains, StoreError> {
    let folder = parent.enter(name)?;
    let (folders, files): (Vec<_>, Vec<_>) =
        folder.entries()?.into_iter().partition(|(_, kind)| kind.is_dir());
    for (file, _) in &files {
        folder.remove_file(file)?;
    }
    let strangers = Remains::Strangers { removed: files.len() };
    if !folders.is_empty() {
        return Ok(strangers);
    }
    match parent.remove_folder(name) {
        Ok(()) => Ok(Remains::Nothing),
        // Somebody was quick to put something into it.
        Err(error) if error.kind == StoreErrorKind::NotEmpty => Ok(strangers),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "stage_folder_tests.rs"]
mod tests;
