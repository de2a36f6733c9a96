//! A path, walked step by step, so that every link and every folder on it is looked at and
//! what was looked at is what is opened.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::ownership::caller::Caller;
use crate::ownership::error::TouchError;
use crate::ownership::refusal::{Objection, Untrusted};
use crate::ownership::rules::Rights;

/// As many links as the kernel follows.
const MOST_LINKS: u32 = 40;

/// What is asked of the folders on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WayRule {
    /// Nobody else may be able to lead the path elsewhere, now or later.
    Everything,
    /// Nothing: what stands at the end is judged by itself. Links count all the same.
    LinksOnly,
}

/// Where a path has led.
pub(super) struct Arrived {
    /// Open, but only to be looked at.
    pub(super) handle: OwnedFd,
    pub(super) rights: Rights,
    /// The path without links.
    pub(super) path: PathBuf,
    /// The folder that holds it, and its name there. `/` has none.
    pub(super) place: Option<(OwnedFd, OsString)>,
}

/// A folder on the way.
struct Stretch {
    handle: OwnedFd,
    path: PathBuf,
}

/// Walks a path to its end. Links are followed where root or the caller made them; the
/// folders in which they stand are looked at like all others.
pub(super) fn walk(path: &Path, asked: WayRule, caller: Caller) -> Result<Arrived, TouchError> {
    let refused = |path: &Path, objection| {
        TouchError::Untrusted(Untrusted {
            path: path.to_owned(),
            objection,
            caller,
        })
    };
    // Without "~", "." and the like, but with "..", which a link may turn into anything.
    let path = std::path::absolute(path)?;
    let mut ahead: Vec<OsString> = Vec::new();
    push(&mut ahead, &path);
    let mut way = Stretch::root()?;
    let mut links = 0;
    while let Some(step) = ahead.pop() {
        let rights = Rights::of(&way.handle)?;
        if asked == WayRule::Everything {
            rights
                .on_the_way(caller)
                .map_err(|objection| refused(&way.path, objection))?;
        }
        if step == ".." {
            way = way.above()?;
            continue;
        }
        let here = way.path.join(&step);
        let handle = look(&way.handle, &step).map_err(|error| match error.kind() {
            // Whose the folder is says more than that it may not be entered.
            io::ErrorKind::PermissionDenied if !caller.is_or_root(rights.owner) => refused(
                &way.path,
                match asked {
                    WayRule::Everything => Objection::Owner(rights.owner),
                    WayRule::LinksOnly => Objection::NotOurs(rights.owner, caller.user),
                },
            ),
            _ => error.into(),
        })?;
        let rights = Rights::of(&handle)?;
        if rights.kind == FileType::Symlink {
            rights
                .link(caller)
                .map_err(|objection| refused(&here, objection))?;
            links += 1;
            if links > MOST_LINKS {
                return Err(io::Error::from(Errno::LOOP).into());
            }
            let target = rustix::fs::readlinkat(&handle, "", Vec::new()).map_err(io::Error::from)?;
            let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
            if target.is_absolute() {
                way = Stretch::root()?;
            }
            push(&mut ahead, &target);
            continue;
        }
        if ahead.is_empty() {
            return Ok(Arrived {
                handle,
                rights,
                path: here,
                place: Some((way.handle, step)),
            });
        }
        if rights.kind != FileType::Directory {
            return Err(io::Error::from(Errno::NOTDIR).into());
        }
        way = Stretch { handle, path: here };
    }
    Ok(Arrived {
        rights: Rights::of(&way.handle)?,
        handle: way.handle,
        path: way.path,
        place: None,
    })
}

impl Stretch {
    fn root() -> Result<Self, TouchError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            handle: rustix::fs::openat(CWD, "/", flags, Mode::empty()).map_err(io::Error::from)?,
            path: PathBuf::from("/"),
        })
    }

    fn above(mut self) -> Result<Self, TouchError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.handle =
            rustix::fs::openat(&self.handle, "..", flags, Mode::empty()).map_err(io::Error::from)?;
        self.path.pop();
        Ok(self)
    }
}

/// Opens a name in a folder to be looked at: a link is the link itself.
fn look(folder: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // First as a folder: only this makes an automounter mount what it has promised.
    match rustix::fs::openat(folder, name, flags | OFlags::DIRECTORY, Mode::empty()) {
        Err(Errno::NOTDIR | Errno::LOOP) => Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?),
        other => Ok(other?),
    }
}

/// Puts the steps of a path in front of those that are still ahead, the first one on top.
fn push(ahead: &mut Vec<OsString>, path: &Path) {
    let steps = path.components().rev().filter_map(|step| match step {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    ahead.extend(steps);
}

impl Arrived {
    /// The same as a refusal.
    pub(super) fn refused(&self, objection: Objection, caller: Caller) -> TouchError {
        TouchError::Untrusted(Untrusted {
            path: self.path.clone(),
            objection,
            caller,
        })
    }

    /// Opens what was looked at, and nothing else that may stand under its name by now.
    pub(super) fn open(&self, flags: OFlags) -> Result<OwnedFd, TouchError> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = match &self.place {
            Some((folder, name)) => rustix::fs::openat(folder, name.as_os_str(), flags, Mode::empty()),
            None => rustix::fs::openat(&self.handle, ".", flags, Mode::empty()),
        };
        let opened = opened.map_err(io::Error::from)?;
        let (seen, now) = (rustix::fs::fstat(&self.handle), rustix::fs::fstat(&opened));
        match (seen, now) {
            (Ok(seen), Ok(now)) if (seen.st_dev, seen.st_ino) == (now.st_dev, now.st_ino) => Ok(opened),
            _ => Err(io::Error::other("it was replaced while it was opened").into()),
        }
    }
}
