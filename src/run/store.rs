//! Whether the store can take backups.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::mount::{self, Mount, Unwritable};
use crate::artifact::probe::{self, Probed};
use crate::artifact::space::{self, Allowance, Space};
use crate::ownership::{OthersWrite, OwnFolder, TouchError, Untrusted, WrittenKind};
use crate::plan::model::{MountRule, Settings, StorePlace};
use crate::run::failure::Failure;
use crate::run::status::Status;
use crate::values::causes::{said, with_causes};
use crate::values::size::Bytes;

/// Steps 4 and 5 before a plan: mounted as asked, made where it is not there, tried, with the free space.
pub fn make_ready(settings: &Settings) -> Result<(), Failure> {
    is_mounted(settings)?;
    let store = settings.store.folder();
    if !store.exists() {
        // One that is made in vain would stay.
        let mut above = store.ancestors().skip(1);
        if let Some(above) = above.find(|above| above.is_dir()) {
            has_space_in(above, settings, Status::StoreOutOfSpace)?;
        }
    }
    match OwnFolder::open_or_make(store, WrittenKind::Store) {
        Ok(_) => {}
        Err(TouchError::Untrusted(why)) => return Err(untrusted(&why)),
        Err(TouchError::Io(error)) => return Err(unwritable(settings, &error)),
    }
    probe(settings)?;
    has_space(settings, Status::StoreOutOfSpace)
}

/// Tries in the store what a publication needs: files and folders that can be made, synced, read back
/// and named. Leaves nothing behind.
pub fn probe(settings: &Settings) -> Result<Probed, Failure> {
    probe::probe(settings.store.folder()).map_err(|error| match error.kind {
        StoreErrorKind::NoSpace => Failure {
            status: Status::StoreOutOfSpace,
            ..failure(settings, &error)
        },
        StoreErrorKind::TooLittleLeft
        | StoreErrorKind::TooLarge
        | StoreErrorKind::ReadOnly
        | StoreErrorKind::Denied
        | StoreErrorKind::Missing
        | StoreErrorKind::Exists
        | StoreErrorKind::NotEmpty
        | StoreErrorKind::Link
        | StoreErrorKind::Swapped
        | StoreErrorKind::Stranger
        | StoreErrorKind::Outside
        | StoreErrorKind::Other => unwritable(settings, &error),
    })
}

/// The same where a task will put its backup: in the folder nearest to that which is there. One that a
/// device or a domain has already may be worse than the store. Gives what would fail such a task.
pub fn probe_below(settings: &Settings, folder: &Path) -> Result<Option<Probed>, Failure> {
    probe::probe_below(settings.store.folder(), folder).map_err(|error| failure(settings, &error))
}

/// The same as far as looking tells: nothing is made or written. The folder that was looked
/// at comes back: the store, or the one above it in which a run would make it.
pub fn could_be_written(settings: &Settings) -> Result<&Path, Unwritable> {
    mount::could_be_written(settings.store.folder())
}

/// Whose the store is, if it is there: refused where it belongs to somebody else or everybody may
/// write to it. A group that may is somebody's choice, and is told to who asks.
pub fn owners(settings: &Settings) -> Result<Option<OthersWrite>, Untrusted> {
    match OwnFolder::open(settings.store.folder(), WrittenKind::Store) {
        Ok(folder) => Ok(folder.others_write()),
        Err(TouchError::Untrusted(why)) => Err(why),
        // What stands in the way is found by who tries to write.
        Err(TouchError::Io(_)) => Ok(None),
    }
}

/// A store in which nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// It is not there.
    Absent,
    /// It is an empty folder, as one is on which nothing is mounted.
    Empty,
}

/// Whether nothing is in the store; `None` also where it cannot be looked into.
pub fn bare(settings: &Settings) -> Option<Bare> {
    match std::fs::read_dir(settings.store.folder()) {
        // What a file system makes in itself is nobody's backup.
        Ok(mut entries) => entries
            .all(|entry| entry.is_ok_and(|entry| entry.file_name() == "lost+found"))
            .then_some(Bare::Empty),
        Err(error) => (error.kind() == std::io::ErrorKind::NotFound).then_some(Bare::Absent),
    }
}

/// What is to be known of a bare store, of which history knows so many files; `None` where that cannot be told.
pub fn is_away(settings: &Settings, bare: Bare, files: Option<u64>) -> Option<String> {
    let how = match bare {
        Bare::Absent => "is not there",
        Bare::Empty => "is empty",
    };
    let known = match files {
        Some(0) => return None,
        Some(1) => "history knows 1 file in it".to_owned(),
        Some(more) => format!("history knows {more} files in it"),
        None => "what history knows in it cannot be told".to_owned(),
    };
    Some(format!(
        "the store {} {how}, and {known}: is its file system not mounted, or was it moved?",
        settings.store.folder().display()
    ))
}

/// What a run makes of a store that others could change.
pub fn untrusted(why: &Untrusted) -> Failure {
    Failure::new(Status::StoreIsNotMounted, format!("the store is not used: {why}"))
}

/// What a run would make of a store that cannot be written: as a look at it tells, else as who tried says.
pub fn unwritable(settings: &Settings, why: &(dyn std::error::Error + 'static)) -> Failure {
    let store = settings.store.folder();
    let (why, advice) = match could_be_written(settings) {
        Err(seen) => {
            let words = match &seen {
                Unwritable::Denied(there, error) if there == store => said(error),
                seen => seen.to_string(),
            };
            (words, seen.advice(store, "store"))
        }
        Ok(_) => (
            with_causes(why),
            "check `store` in the settings, and whose folder it is".to_owned(),
        ),
    };
    Failure::new(
        Status::StoreIsNotMounted,
        format!("the store {} cannot be written: {why}; {advice}", store.display()),
    )
}

/// What a file may take of the store.
pub fn allowance(settings: &Settings) -> Allowance {
    Allowance::new(settings.max_file, settings.min_free_store)
}

/// What trouble with the store means for a task. The store is named by its path: nobody is to
/// look for it on the gateway.
pub fn failure(settings: &Settings, error: &StoreError) -> Failure {
    let store = settings.store.folder().display();
    let inside = error.path.strip_prefix(settings.store.folder());
    let path = inside
        .as_ref()
        .map_or(error.path.as_path(), |inside| inside)
        .display();
    // What is tried with the store itself names it already.
    let tried = match inside {
        Ok(inside) if inside.as_os_str().is_empty() => error.action.to_owned(),
        Ok(_) | Err(_) => format!("{} {path}", error.action),
    };
    let cause = said(&error.source);
    let (status, message) = match error.kind {
        StoreErrorKind::NoSpace if is_without_files(settings) => (
            Status::NotEnoughFreeSpaceInStore,
            format!(
                "no more files (inodes) fit on the file system of the store {store}: {} {path}; {NO_FILES}",
                error.action
            ),
        ),
        StoreErrorKind::NoSpace => (
            Status::NotEnoughFreeSpaceInStore,
            format!(
                "the store {store} is full ({cause}): {tried}; make room there, or move it to a larger disk"
            ),
        ),
        StoreErrorKind::TooLittleLeft => (
            Status::NotEnoughFreeSpaceInStore,
            format!(
                "the store {store} fills up ({cause}, as min_free_store asks for): {path} was given up; make room, \
                 or lower it"
            ),
        ),
        StoreErrorKind::TooLarge => (
            Status::DownloadFailed,
            format!(
                "{path} was given up: {cause}, which is max_file in the settings; raise that if so much is to come"
            ),
        ),
        StoreErrorKind::Missing if error.path == settings.store.folder() => (
            Status::DownloadFailed,
            format!(
                "the store {store} is not there any more: is its file system not mounted, or was it moved?"
            ),
        ),
        StoreErrorKind::Other if error.source.kind() == std::io::ErrorKind::FileTooLarge => (
            Status::DownloadFailed,
            format!(
                "no file of the store {store} may grow so large: {} {path}; the limit is one of this process (`ulimit -f`, \
                 `LimitFSIZE` of a unit) or of the file system",
                error.action
            ),
        ),
        StoreErrorKind::ReadOnly
        | StoreErrorKind::Denied
        | StoreErrorKind::Missing
        | StoreErrorKind::Exists
        | StoreErrorKind::NotEmpty
        | StoreErrorKind::Link
        | StoreErrorKind::Swapped
        | StoreErrorKind::Stranger
        | StoreErrorKind::Outside
        | StoreErrorKind::Other => (
            Status::DownloadFailed,
            format!("the store {store}: {tried}: {cause}"),
        ),
    };
    Failure::new(status, message)
}

/// Whether the store is on the kind of mount that `require_mount` asks for.
pub fn is_mounted(settings: &Settings) -> Result<(), Failure> {
    let store = settings.store.folder().display();
    let refuse = |why: String| Err(Failure::new(Status::StoreIsNotMounted, why));
    if settings.require_mount == MountRule::No {
        return Ok(());
    }
    let mount = match mount::kind(settings.store.folder()) {
        Ok(mount) => mount,
        Err(error) => {
            return refuse(format!(
                "whether the store {store} is mounted cannot be told: {}",
                said(&error)
            ));
        }
    };
    match (settings.require_mount, mount) {
        (MountRule::No, _)
        | (MountRule::Mounted, Mount::Local(_) | Mount::Remote(_))
        | (MountRule::Remote, Mount::Remote(_)) => Ok(()),
        (_, Mount::NotMounted) => refuse(format!(
            "the store {store} is not on a mounted file system; mount it, or set require_mount = \"no\""
        )),
        (MountRule::Remote, Mount::Local(kind)) => refuse(format!(
            "the store {store} is on a local {kind} file system, and require_mount = \"remote\" asks for one of a network"
        )),
    }
}

/// The same of a failure that would keep a whole plan from beginning, where it is met by a task: that one has failed.
pub fn of_task(failure: Failure) -> Failure {
    match failure.status {
        Status::StoreIsNotMounted => Failure {
            status: Status::DownloadFailed,
            ..failure
        },
        Status::StoreOutOfSpace => Failure {
            status: Status::NotEnoughFreeSpaceInStore,
            ..failure
        },
        _ => failure,
    }
}

/// Whether something is mounted at the store itself: it is on another file system than the folder in which it stands.
/// `None` where that cannot be looked at.
pub fn is_mount_point(settings: &Settings) -> Option<bool> {
    let store = settings.store.folder();
    // A path through it mounts what is mounted when it is asked for.
    let here = store.join(".").metadata().ok()?;
    let around = store.parent()?.metadata().ok()?;
    Some(here.dev() != around.dev())
}

/// Whether the store is mounted as it was when a task began. In the folder that is left when a file system is gone a
/// backup would be hidden by the next mount.
pub fn is_still_mounted(settings: &Settings, was_mount_point: Option<bool>) -> Result<(), Failure> {
    is_mounted(settings).map_err(of_task)?;
    if (was_mount_point, is_mount_point(settings)) != (Some(true), Some(false)) {
        return Ok(());
    }
    let why = format!(
        "the file system that was mounted at the store {} is not there any more; mount it",
        settings.store.folder().display()
    );
    Err(Failure::new(Status::DownloadFailed, why))
}

/// Whether the store is there to be looked into, mounted as asked.
pub fn is_there(settings: &Settings) -> Result<(), Failure> {
    if settings.store == StorePlace::NotKnown {
        let why = "where the store is cannot be read in the plan file";
        return Err(Failure::new(Status::StoreIsNotMounted, why));
    }
    is_mounted(settings)?;
    let store = settings.store.folder();
    std::fs::read_dir(store).map(|_| ()).map_err(|error| {
        let store = store.display();
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("the store {store} is not there: no run has made it yet, or its file system is not mounted")
            }
            _ => format!("the store {store} cannot be looked into: {}", said(&error)),
        };
        Failure::new(Status::StoreIsNotMounted, why)
    })
}

/// The fewest files that are to fit into the store: a secure backup has seven, each other backup and the note beside it
/// fewer.
const LEAST_FILES: u64 = 16;

/// Whether so many more files fit into the store as a backup has, though there is space.
fn has_files(settings: &Settings, space: Space) -> Result<(), String> {
    match space.files.filter(|files| *files < LEAST_FILES) {
        None => Ok(()),
        Some(files) => Err(format!(
            "the store {} has room for {files} more files (inodes), and a backup may need {LEAST_FILES}, though {} are \
             free; {NO_FILES}",
            settings.store.folder().display(),
            Bytes(space.free)
        )),
    }
}

/// What to do where no more files fit.
const NO_FILES: &str = "`df -i` shows it: remove files there that nobody needs, or move the store to a file system with \
                        room for more";

/// Whether no more files fit into the store, though there is space.
fn is_without_files(settings: &Settings) -> bool {
    let space = space::space(settings.store.folder());
    space.is_ok_and(|space| space.files == Some(0) && space.free > 0)
}

/// Whether the store has the free space, and room for files; `status` is that of the failure.
pub fn has_space(settings: &Settings, status: Status) -> Result<(), Failure> {
    has_space_in(settings.store.folder(), settings, status)
}

/// The same of a folder in whose file system the store is, or would be.
fn has_space_in(folder: &Path, settings: &Settings, status: Status) -> Result<(), Failure> {
    let store = settings.store.folder().display();
    let space = space::space(folder).map_err(|error| {
        Failure::new(
            status,
            format!(
                "the free space of the store {store} cannot be told: {}",
                said(&error)
            ),
        )
    })?;
    if settings.min_free_store.is_met(space.free, space.total) {
        return has_files(settings, space).map_err(|why| Failure::new(status, why));
    }
    let required = settings.min_free_store.required(space.total);
    Err(Failure::new(
        status,
        format!(
            "the store {store} has {} free of {}; min_free_store asks for {}: make room, or lower it",
            Bytes(space.free),
            Bytes(space.total),
            Bytes(required)
        ),
    ))
}
