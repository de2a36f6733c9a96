//! A folder held open, so that what is done in it cannot be led elsewhere by a link
//! that someone puts in its place meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::artifact::digest::sha256;
use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::layout::PARTIAL;
use crate::ownership::{WrittenKind, give_to_owner_of, look_at_written};

/// Begins the name of a file that lives for a moment only.
const MOMENTARY: &str = ".dpbackup-";
const FOLDER_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// An open folder and the path it was reached by.
#[derive(Debug)]
pub(super) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens the store itself. It may be a link: that is the operator's choice.
    pub(super) fn open_store(path: &Path) -> Result<Folder, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(CWD, path, flags, Mode::empty())
            .map_err(|error| StoreError::new("open the store", path, error.into()))?;
        let path = path.to_owned();
        Ok(Folder { handle, path })
    }

    /// What the system knows it by.
    pub(super) fn handle(&self) -> &OwnedFd {
        &self.handle
    }

    /// The path it was reached by.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The same folder, once more.
    pub(super) fn reopen(&self) -> Result<Folder, StoreError> {
        let handle = self.handle.try_clone();
        let handle = handle.map_err(|error| StoreError::new("open the folder", &self.path, error))?;
        let path = self.path.clone();
        Ok(Folder { handle, path })
    }

    /// Opens a folder in this one. A link in its place is refused.
    pub(super) fn enter(&self, name: &OsStr) -> Result<Folder, StoreError> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => Ok(Folder { handle, path }),
            // Kernels answer one or the other where a link stands.
            Err(Errno::NOTDIR | Errno::LOOP) if self.is_link(name) => Err(StoreError::of_kind(
                StoreErrorKind::Link,
                "open the folder",
                &path,
            )),
            Err(error) => Err(StoreError::new("open the folder", &path, error.into())),
        }
    }

    /// Opens a folder in this one, and makes it if it is not there.
    pub(super) fn enter_or_make(&self, name: &OsStr) -> Result<Folder, StoreError> {
        match self.make(name) {
            Err(error) if error.kind == StoreErrorKind::Exists => self.enter_to_write(name),
            other => other,
        }
    }

    /// Opens a folder in this one into which something will be written.
    pub(super) fn enter_to_write(&self, name: &OsStr) -> Result<Folder, StoreError> {
        let there = self.enter(name)?;
        // Where everybody may put folders into the store, this one may be somebody else's.
        look_at_written(&there.handle, &self.handle, &there.path, WrittenKind::Store)
            .map_err(|error| StoreError::new("write to", &there.path, error.into_io()))?;
        Ok(there)
    }

    /// Makes a folder that must not be there yet, durably.
    pub(super) fn make(&self, name: &OsStr) -> Result<Folder, StoreError> {
        let path = self.path.join(name);
        rustix::fs::mkdirat(&self.handle, name, FOLDER_MODE)
            .map_err(|error| StoreError::new("make the folder", &path, error.into()))?;
        // A umask that takes rights from the owner would keep even us out. The mode is set
        // by name, not by handle, as such a folder cannot be opened; we have just made it.
        let made = rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| StoreError::new("look at the folder", &path, error.into()))?;
        if !Mode::from_raw_mode(made.st_mode).contains(FOLDER_MODE) {
            rustix::fs::chmodat(&self.handle, name, FOLDER_MODE, AtFlags::empty())
                .map_err(|error| StoreError::new("set the mode of the folder", &path, error.into()))?;
        }
        self.sync()?;
        let made = self.enter(name)?;
        self.give_to_owner(&made.handle, &path)?;
        Ok(made)
    }

    /// What root makes belongs to the owner of the folder in which it stands, so that the user
    /// whose store it is can go on with it.
    fn give_to_owner(&self, made: impl AsFd, path: &Path) -> Result<(), StoreError> {
        give_to_owner_of(&self.handle, made)
            .map_err(|error| StoreError::new("give to the owner of its folder", path, error))
    }

    /// Makes a file that must not be there yet, for reading and writing.
    pub(super) fn create(&self, name: &OsStr) -> Result<File, StoreError> {
        let path = self.path.join(name);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&self.handle, name, flags, FILE_MODE)
            .map_err(|error| StoreError::new("create the file", &path, error.into()))?;
        let made = rustix::fs::fstat(&handle)
            .map_err(|error| StoreError::new("look at the file", &path, error.into()))?;
        // A umask can only take rights away: the file never had more than it should have.
        if !Mode::from_raw_mode(made.st_mode).contains(FILE_MODE) {
            rustix::fs::fchmod(&handle, FILE_MODE)
                .map_err(|error| StoreError::new("set the mode of the file", &path, error.into()))?;
        }
        self.give_to_owner(&handle, &path)?;
        Ok(File::from(handle))
    }

    /// Opens a file that is there, for reading and writing. A link in its place is refused.
    pub(super) fn open(&self, name: &OsStr) -> Result<File, StoreError> {
        let path = self.path.join(name);
        // Without NONBLOCK a pipe in its place would hold us for ever.
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => Ok(File::from(handle)),
            Err(Errno::LOOP) => Err(StoreError::of_kind(StoreErrorKind::Link, "open the file", &path)),
            Err(error) => Err(StoreError::new("open the file", &path, error.into())),
        }
    }

    /// The same, for reading only: also where the file system cannot be written.
    pub(super) fn open_to_read(&self, name: &OsStr) -> Result<File, StoreError> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => Ok(File::from(handle)),
            Err(Errno::LOOP) => Err(StoreError::of_kind(StoreErrorKind::Link, "open the file", &path)),
            Err(error) => Err(StoreError::new("open the file", &path, error.into())),
        }
    }

    /// Its mode and its owner.
    pub(super) fn access(&self) -> Result<(u32, u32), StoreError> {
        let stat = rustix::fs::fstat(&self.handle)
            .map_err(|error| StoreError::new("look at the folder", &self.path, error.into()))?;
        Ok((stat.st_mode, stat.st_uid))
    }

    /// Everything in the folder with its type, sorted by name.
    pub(super) fn entries(&self) -> Result<Vec<(OsString, FileType)>, StoreError> {
        let failed = |error: Errno| StoreError::new("list the folder", &self.path, error.into());
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not tell it in the listing.
                FileType::Unknown => self.type_of(name).map_err(failed)?,
                known => known,
            };
            entries.push((name.to_owned(), kind));
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    /// Removes a file, or whatever else is not a folder.
    pub(super) fn remove_file(&self, name: &OsStr) -> Result<(), StoreError> {
        rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())
            .map_err(|error| StoreError::new("remove", &self.path.join(name), error.into()))
    }

    /// Removes an empty folder.
    pub(super) fn remove_folder(&self, name: &OsStr) -> Result<(), StoreError> {
        rustix::fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR)
            .map_err(|error| StoreError::new("remove", &self.path.join(name), error.into()))
    }

    /// Puts the names in this folder on disk.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        #[cfg(test)]
        synced::note(&self.path);
        match rustix::fs::fsync(&self.handle) {
            // File systems without it (some of a network) write names through at once.
            Ok(()) | Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(StoreError::new("sync the folder", &self.path, error.into())),
        }
    }

    /// Whether the path of `name` still leads to what stands under it in this folder. Both
    /// are open to doubt: an unmount or a move takes the path away, and the handle stays.
    pub(super) fn is_where_it_was(&self, name: &OsStr) -> bool {
        let here = rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
        let there = rustix::fs::statat(CWD, self.path.join(name), AtFlags::SYMLINK_NOFOLLOW);
        matches!((here, there), (Ok(here), Ok(there)) if here.st_ino == there.st_ino && here.st_dev == there.st_dev)
    }

    fn type_of(&self, name: &OsStr) -> Result<FileType, Errno> {
        let stat = rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(stat.st_mode))
    }

    fn is_link(&self, name: &OsStr) -> bool {
        self.type_of(name) == Ok(FileType::Symlink)
    }

    /// Whether anything stands under `name`.
    pub(super) fn is_there(&self, name: &OsStr) -> Result<bool, Errno> {
        match self.type_of(name) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a plain file of this SHA-256 stands under `name`.
    pub(super) fn has_hash(&self, name: &OsStr, hash: &str) -> Result<bool, StoreError> {
        let file = match self.open_to_read(name) {
            Ok(file) => file,
            Err(error) if matches!(error.kind, StoreErrorKind::Missing | StoreErrorKind::Link) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let failed = |error| StoreError::new("read back", &self.path.join(name), error);
        let is_plain = file.metadata().map_err(failed)?.is_file();
        Ok(is_plain && sha256(&file).map_err(failed)? == hash)
    }

    /// Whether `name` is that of the open folder.
    pub(super) fn is_same_folder(&self, folder: &Folder, name: &OsStr) -> bool {
        self.is_same_as(folder.handle.as_fd(), name)
    }

    /// Whether `name` names the open file. What cannot be asked is not the same.
    pub(super) fn is_same(&self, file: &File, name: &OsStr) -> bool {
        self.is_same_as(file.as_fd(), name)
    }

    fn is_same_as(&self, open: BorrowedFd<'_>, name: &OsStr) -> bool {
        let ours = rustix::fs::fstat(open);
        let theirs = rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino),
            _ => false,
        }
    }
}

/// What begins the names, not taken yet, of what lives for a moment only.
pub(super) fn momentary_base() -> OsString {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    OsString::from(format!("{MOMENTARY}{}-{}", std::process::id(), since.as_nanos()))
}

/// The name of something that lives for a moment only.
pub(super) fn momentary_name(base: &OsStr, what: &str) -> OsString {
    let mut name = base.to_owned();
    name.push(what);
    name.push(PARTIAL);
    name
}

/// The name of the file that is locked as long as a folder with such a name is needed.
pub(super) fn momentary_lock(folder: &OsStr) -> OsString {
    let name = folder.to_string_lossy();
    let base = name.trim_end_matches(PARTIAL);
    let base = base.rsplit_once('-').map_or(base, |(base, _)| base);
    momentary_name(OsStr::new(base), "")
}

/// Whether a name is one that [`momentary_name`] gives.
pub(super) fn is_momentary(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(MOMENTARY.as_bytes()) && name.ends_with(PARTIAL.as_bytes())
}

/// Which folders were put on disk, for tests: nothing else shows it before a power cut does.
#[cfg(test)]
pub(super) mod synced {
    use std::cell::RefCell;
    use std::path::{Path, PathBuf};

    thread_local! {
        static SYNCED: RefCell<Vec<(PathBuf, Vec<String>)>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn note(folder: &Path) {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let names = entries.map(|entry| {
            let name = entry.expect("an entry").file_name();
            name.to_string_lossy().into_owned()
        });
        let names = names.collect();
        SYNCED.with_borrow_mut(|synced| synced.push((folder.to_owned(), names)));
    }

    /// Whether this thread has put the folder on disk when this name was in it.
    pub(crate) fn with_name(folder: &Path, name: &str) -> bool {
        SYNCED.with_borrow(|synced| {
            let mut synced = synced.iter();
            synced.any(|(path, names)| path == folder && names.iter().any(|known| known == name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn momentary_names_are_known_again() {
        let base = momentary_base();
        for what in ["", "-file", "-folder"] {
            assert!(is_momentary(&momentary_name(&base, what)));
        }
        let lock = momentary_lock(&momentary_name(&base, "-folder"));
        assert_eq!(lock, momentary_name(&base, ""));
        assert!(!is_momentary(OsStr::new("a.partial")));
        assert!(!is_momentary(OsStr::new(".dpbackup-notes")));
    }
}
