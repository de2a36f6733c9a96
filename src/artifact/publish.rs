//! How a file or a folder gets its final name, which must be free.
//!
//! A file gets it by its handle where the file system has links: what bears the name is what was
//! written and verified, whatever stands under the name before it by then. Where there are no
//! links it is renamed without overwriting; and where that is not to be had either (rclone, and
//! some mounts of FUSE and SMB), plainly, after a look: of us nobody else is there, for a task
//! holds the lock of its device. A rename goes by name, so that is looked at before and after.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, RenameFlags};
use rustix::io::Errno;

use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::folder::Folder;

/// How something got its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// By its handle.
    Link,
    /// By a rename that does not overwrite.
    RenameNew,
    /// By a plain rename, after a look.
    Rename,
}

/// The requests to the system that a publication is made of. Tests answer them as file systems do
/// that this machine has not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requests {
    /// Gives an open file one more name.
    pub(super) link: fn(&File, &OwnedFd, &OsStr) -> Result<(), Errno>,
    /// Renames, unless the name is taken.
    pub(super) rename_new: fn(&OwnedFd, &OsStr, &OsStr) -> Result<(), Errno>,
    pub(super) rename: fn(&OwnedFd, &OsStr, &OsStr) -> Result<(), Errno>,
    /// Lets time pass.
    pub(super) pause: fn(Duration),
}

/// What is renamed, and how it is known again.
pub(super) struct Renamed<'r> {
    /// Whether a name is that of what is meant, as far as numbers tell.
    pub(super) is_same: &'r dyn Fn(&OsStr) -> bool,
    /// Whether what bears a name can be read and is, byte for byte, what is meant.
    pub(super) is_whole: &'r dyn Fn(&OsStr) -> Result<bool, StoreError>,
}

pub(super) const SYSTEM: Requests = Requests {
    link: |file, folder, name| {
        let open = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
        rustix::fs::linkat(CWD, open, folder, name, AtFlags::SYMLINK_FOLLOW)
    },
    rename_new: |folder, from, to| {
        rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE)
    },
    rename: |folder, from, to| rustix::fs::renameat(folder, from, folder, to),
    pause: std::thread::sleep,
};

/// How often what was renamed is looked at until it can be read, and after which time again.
const TRIES: u32 = 120;
const PAUSE: Duration = Duration::from_millis(250);

impl Requests {
    /// Gives a file that stands under `from`, and has this SHA-256, its final name.
    pub(super) fn publish_file(
        &self,
        folder: &Folder,
        (file, sha256): (&File, &str),
        from: &OsStr,
        to: &OsStr,
    ) -> Result<Manner, StoreError> {
        match (self.link)(file, folder.handle(), to) {
            Ok(()) => {}
            // NFS may carry out a link, lose the reply, and answer the repetition with this.
            Err(Errno::EXIST) if folder.is_same(file, to) => {}
            Err(Errno::EXIST) => return Err(taken(&folder.path().join(to))),
            // Whatever else is amiss, a rename would meet it as well.
            Err(_) => {
                let what = Renamed {
                    is_same: &|name| folder.is_same(file, name),
                    is_whole: &|name| folder.has_hash(name, sha256),
                };
                return self.rename_to(folder, &what, from, to);
            }
        }
        // Only if it is still ours. One that stays is a leftover, which the next sweep takes.
        if folder.is_same(file, from) {
            let _swept_later = folder.remove_file(from);
        }
        Ok(Manner::Link)
    }

    /// Gives what stands under one name another one.
    pub(super) fn rename_to(
        &self,
        folder: &Folder,
        what: &Renamed<'_>,
        from: &OsStr,
        to: &OsStr,
    ) -> Result<Manner, StoreError> {
        let path = folder.path().join(to);
        let failed = |error: Errno| StoreError::new("publish as", &path, error.into());
        let swapped = || StoreError::of_kind(StoreErrorKind::Swapped, "publish as", &path);
        // Some file systems give other numbers to what they rename.
        let is_ours = |name: &OsStr| match (what.is_same)(name) {
            true => Ok(true),
            false => (what.is_whole)(name),
        };
        if !is_ours(from)? {
            return Err(swapped());
        }
        let manner = match (self.rename_new)(folder.handle(), from, to) {
            Ok(()) => Manner::RenameNew,
            Err(Errno::EXIST) => return Err(taken(&path)),
            // The flag is not known there.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                if folder.is_there(to).map_err(failed)? {
                    return Err(taken(&path));
                }
                let mut tries = 1;
                loop {
                    match (self.rename)(folder.handle(), from, to) {
                        // As with a link, the reply to the first request may be lost.
                        Err(Errno::NOENT) if self.in_the_end(|| is_ours(to))? => break,
                        // A file that was just written can be read before it can be renamed.
                        Err(Errno::NOENT) if tries < TRIES && is_ours(from)? => (self.pause)(PAUSE),
                        other => break other.map_err(failed)?,
                    }
                    tries += 1;
                }
                Manner::Rename
            }
            Err(error) => return Err(failed(error)),
        };
        let stands = match manner {
            // Where so much is missing, a name may be given before what bears it can be read.
            Manner::Rename => self.in_the_end(|| (what.is_whole)(to)),
            Manner::Link | Manner::RenameNew => is_ours(to),
        };
        match stands {
            Ok(true) => Ok(manner),
            other => {
                // What it is nobody verified: it must not bear a name that says so.
                let _under_either_name_no_backup = (self.rename)(folder.handle(), to, from);
                Err(other.err().unwrap_or_else(swapped))
            }
        }
    }

    /// An answer that may need its time: rclone lets nothing be read of a folder that it renames
    /// while it still sends the files in it away, some seconds.
    fn in_the_end<T>(&self, ask: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
        for _ in 1..TRIES {
            if let Ok(answer) = ask() {
                return Ok(answer);
            }
            (self.pause)(PAUSE);
        }
        ask()
    }
}

fn taken(path: &Path) -> StoreError {
    StoreError::of_kind(StoreErrorKind::Exists, "publish as", path)
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
