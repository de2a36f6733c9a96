//! How folders are made, and given to the owner of the folder above them.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use crate::ownership::caller::Caller;
use crate::ownership::error::TouchError;
use crate::ownership::road::{WayRule, walk};
use crate::ownership::rules::Rights;

/// Gives what root has made to the owner of the folder in which it stands, so that the user
/// whose folder it is can go on with it.
pub fn give_to_owner_of(folder: impl AsFd, made: impl AsFd) -> io::Result<()> {
    let caller = Caller::of_process();
    match caller.is_root() {
        true => give(made, Rights::of(folder)?, caller),
        false => Ok(()),
    }
}

pub(super) fn give(made: impl AsFd, folder: Rights, caller: Caller) -> io::Result<()> {
    if !caller.is_root() || rustix::fs::fstat(&made)?.st_uid == folder.owner {
        return Ok(());
    }
    let (owner, group) = (Uid::from_raw(folder.owner), Gid::from_raw(folder.group));
    Ok(rustix::fs::fchown(made, Some(owner), Some(group))?)
}

/// Makes a folder and those above it that are missing.
pub(super) fn make_all(path: &Path, caller: Caller) -> Result<(), TouchError> {
    let path = std::path::absolute(path)?;
    let mut missing = Vec::new();
    let mut there = path.as_path();
    let mut at = loop {
        match walk(there, WayRule::LinksOnly, caller) {
            Ok(arrived) => break arrived.handle,
            Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                let (Some(name), Some(above)) = (there.file_name(), there.parent()) else {
                    return Err(error.into());
                };
                missing.push(name);
                there = above;
            }
            Err(other) => return Err(other),
        }
    };
    for name in missing.into_iter().rev() {
        at = make(&at, name, caller)?;
    }
    Ok(())
}

/// Makes one folder in another and opens it. One that somebody else has just made there will do.
fn make(above: &OwnedFd, name: &OsStr, caller: Caller) -> io::Result<OwnedFd> {
    let is_ours = match rustix::fs::mkdirat(above, name, Mode::RWXU) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(error) => return Err(error.into()),
    };
    if is_ours {
        // A umask that takes rights from the owner would keep even us out. By name, for such a
        // folder cannot be opened; we have just made it.
        rustix::fs::chmodat(above, name, Mode::RWXU, AtFlags::empty())?;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = rustix::fs::openat(above, name, flags, Mode::empty())?;
    if is_ours {
        give(&made, Rights::of(above)?, caller)?;
    }
    Ok(made)
}
