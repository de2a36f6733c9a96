//! A folder into which this program writes, and nobody else.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use crate::ownership::caller::Caller;
use crate::ownership::error::{OthersWrite, TouchError, Writers};
use crate::ownership::make::{give, make_all};
use crate::ownership::refusal::{Objection, Untrusted};
use crate::ownership::road::{Arrived, WayRule, walk};
use crate::ownership::rules::{Rights, WrittenKind};

/// A folder of ours, held open, so that no link that is put in its place meanwhile leads
/// elsewhere. What root makes in it belongs to its owner, as SQLite has it.
#[derive(Debug)]
pub struct OwnFolder {
    handle: OwnedFd,
    path: PathBuf,
    rights: Rights,
    others: Option<Writers>,
    caller: Caller,
}

impl OwnFolder {
    /// Opens a folder that is there.
    ///
    /// # Errors
    ///
    /// One that belongs to somebody else, or into which somebody else may write, is refused.
    pub fn open(path: &Path, kind: WrittenKind) -> Result<Self, TouchError> {
        Self::open_as(path, kind, Caller::of_process())
    }

    /// Opens a folder, and makes it, and those above it, where they are missing (mode 0700).
    ///
    /// # Errors
    ///
    /// As for [`OwnFolder::open`].
    pub fn open_or_make(path: &Path, kind: WrittenKind) -> Result<Self, TouchError> {
        let caller = Caller::of_process();
        make_all(path, caller)?;
        Self::open_as(path, kind, caller)
    }

    /// Opens the folder of a file, makes it where it is missing, and gives the name that the
    /// file has there: links to it are followed first.
    ///
    /// # Errors
    ///
    /// As for [`OwnFolder::open`].
    pub fn of_file(path: &Path, kind: WrittenKind) -> Result<(Self, OsString), TouchError> {
        let caller = Caller::of_process();
        let path = match walk(path, WayRule::LinksOnly, caller) {
            Ok(arrived) => arrived.path,
            Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                std::path::absolute(path)?
            }
            Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                // Whose the folder is says more than that it may not be entered.
                Self::open_around(path, kind)?;
                return Err(error.into());
            }
            Err(other) => return Err(other),
        };
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::from(Errno::ISDIR).into());
        };
        let folder = Self::open_or_make(folder, kind).map_err(|error| unless_kept(error, &path))?;
        Ok((folder, name.to_owned()))
    }

    /// Opens the folder in which a file stands, or will.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_around(file: &Path, kind: WrittenKind) -> Result<Self, TouchError> {
        let folder = file.parent().unwrap_or(Path::new("/"));
        Self::open(folder, kind).map_err(|error| unless_kept(error, file))
    }

    pub(super) fn open_as(path: &Path, kind: WrittenKind, caller: Caller) -> Result<Self, TouchError> {
        let arrived = walk(path, WayRule::LinksOnly, caller)?;
        let others = judged(&arrived, kind, caller)?;
        let handle = arrived.open(OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok(Self {
            handle,
            path: arrived.path,
            rights: arrived.rights,
            others,
            caller,
        })
    }

    /// Its path, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who else may write to it, if somebody may.
    pub fn others_write(&self) -> Option<OthersWrite> {
        let who = self.others?;
        Some(OthersWrite {
            path: self.path.clone(),
            who,
        })
    }

    /// Makes a file that must not be there yet, for reading and writing (mode 0600).
    pub fn create(&self, name: &OsStr) -> Result<File, TouchError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(&self.handle, name, flags, mode).map_err(io::Error::from)?;
        // A umask can only take rights away: the file never had more than it should have.
        rustix::fs::fchmod(&file, mode).map_err(io::Error::from)?;
        give(&file, self.rights, self.caller)?;
        Ok(File::from(file))
    }

    /// Opens a file that is there, for reading and writing.
    ///
    /// # Errors
    ///
    /// A link, a file of somebody else or with a second name, and one that somebody else may
    /// write are refused.
    pub fn open_file(&self, name: &OsStr) -> Result<File, TouchError> {
        // Without NONBLOCK a pipe in its place would hold us for ever.
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(errno) => {
                // Whose it is says more than that it may not be opened.
                self.look(name)?;
                return Err(io::Error::from(errno).into());
            }
        };
        let rights = Rights::of(&file)?;
        self.judge(name, rights)?;
        if self.is_left_of_root(rights) {
            give(&file, self.rights, self.caller)?;
        }
        Ok(File::from(file))
    }

    /// Opens a file, and makes it where it is missing.
    ///
    /// # Errors
    ///
    /// As for [`OwnFolder::open_file`].
    pub fn open_or_create(&self, name: &OsStr) -> Result<File, TouchError> {
        loop {
            match self.open_file(name) {
                Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                other => return other,
            }
            match self.create(name) {
                // Somebody was quicker; theirs is as good.
                Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other,
            }
        }
    }

    /// Judges a file without opening it.
    ///
    /// # Errors
    ///
    /// As for [`OwnFolder::open_file`]; one that is not there is an error of the system.
    pub fn look(&self, name: &OsStr) -> Result<(), TouchError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let seen = rustix::fs::openat(&self.handle, name, flags, Mode::empty()).map_err(io::Error::from)?;
        self.judge(name, Rights::of(&seen)?)
    }

    /// The same; and what root has left there as its own is given to the owner of the folder. It
    /// is not opened: to close a database would take away the locks that this process has on it.
    ///
    /// # Errors
    ///
    /// As for [`OwnFolder::look`].
    pub fn adopt(&self, name: &OsStr) -> Result<(), TouchError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let seen = rustix::fs::openat(&self.handle, name, flags, Mode::empty()).map_err(io::Error::from)?;
        let rights = Rights::of(&seen)?;
        self.judge(name, rights)?;
        if self.is_left_of_root(rights) {
            let (owner, group) = (Uid::from_raw(self.rights.owner), Gid::from_raw(self.rights.group));
            rustix::fs::chownat(&seen, "", Some(owner), Some(group), AtFlags::EMPTY_PATH)
                .map_err(io::Error::from)?;
        }
        Ok(())
    }

    /// Whether root has made it in the folder of somebody else, who could not go on with it.
    fn is_left_of_root(&self, rights: Rights) -> bool {
        self.caller.is_root() && rights.owner == 0 && self.rights.owner != 0
    }

    /// The names of everything in it.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Puts the names in it on disk.
    pub fn sync(&self) -> io::Result<()> {
        match rustix::fs::fsync(&self.handle) {
            // File systems without it (some of a network) write names through at once.
            Ok(()) | Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file, or whatever else is not a folder.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    fn judge(&self, name: &OsStr, rights: Rights) -> Result<(), TouchError> {
        let judged = match rights.kind {
            FileType::RegularFile => rights.written_file(self.caller, self.rights.owner, self.others),
            FileType::Symlink => Err(Objection::Link),
            _ => Err(Objection::NotAFile),
        };
        judged.map_err(|objection| {
            TouchError::Untrusted(Untrusted {
                path: self.path.join(name),
                objection,
                caller: self.caller,
            })
        })
    }
}

/// Judges a folder that is open, that stands in `above`, and into which something will be written.
///
/// # Errors
///
/// As for [`OwnFolder::open`]; and for root it must have the owner of the folder above, which
/// others may be able to put folders into.
pub fn look_at_written(
    folder: impl AsFd,
    above: impl AsFd,
    path: &Path,
    kind: WrittenKind,
) -> Result<(), TouchError> {
    let caller = Caller::of_process();
    let (rights, above) = (Rights::of(folder)?, Rights::of(above)?);
    let judged = rights
        .written_below(caller, above.owner)
        .and_then(|()| rights.written_folder(caller, kind));
    judged.map(|_| ()).map_err(|objection| {
        TouchError::Untrusted(Untrusted {
            path: path.to_owned(),
            objection,
            caller,
        })
    })
}

/// The same refusal, without the advice to make a folder of one's own where root may have the file already: what it
/// remembers would not be in the new one.
fn unless_kept(error: TouchError, file: &Path) -> TouchError {
    let is_absent = || {
        file.symlink_metadata()
            .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    match error {
        TouchError::Untrusted(Untrusted {
            path,
            objection: Objection::RootsFolder(user),
            caller,
        }) if !is_absent() => TouchError::Untrusted(Untrusted {
            path,
            objection: Objection::KeptByRoot(user),
            caller,
        }),
        error => error,
    }
}

fn judged(arrived: &Arrived, kind: WrittenKind, caller: Caller) -> Result<Option<Writers>, TouchError> {
    let judged = match arrived.rights.kind {
        FileType::Directory => arrived.rights.written_folder(caller, kind),
        _ => Err(Objection::NotAFolder),
    };
    judged.map_err(|objection| {
        let objection = match (objection, &arrived.place) {
            (Objection::RootsFolder(user), Some((above, _))) if is_alone_in(above, user) => {
                Objection::LeftByRoot(user)
            }
            (objection, _) => objection,
        };
        arrived.refused(objection, caller)
    })
}

/// Whether a folder is this user's, and nobody else may put anything into it.
fn is_alone_in(folder: &OwnedFd, user: u32) -> bool {
    Rights::of(folder).is_ok_and(|rights| rights.owner == user && matches!(rights.read_folder(), Ok(None)))
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
