//! Removes what dead runs left in the store.
//!
//! Only names that this program gives, only at the places where it gives them, and never
//! through a symbolic link. What is not ours costs nothing: a folder under another name is not
//! looked into, nor is one that we may not enter (`lost+found`, somebody's own). What a live
//! run is staging is locked, and left alone. On a
//! store that several machines share, that holds as far as its file system carries locks
//! from one to the other.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::folder::{Folder, is_momentary, momentary_lock};
use crate::artifact::layout::{
    DOMAIN_FOLDER, EXPORT_INFIX, PARTIAL, SECURE_BACKUP_FOLDER, is_component, looks_like_timestamp,
};
use crate::artifact::stage_folder::{LOCK, Remains, lock_name, remove_filled};
use crate::artifact::taken_name::{TakenName, locks_are_unknown, partial_name};
use crate::values::causes::with_causes;
use crate::values::invocation::quoted;

/// What a sweep found.
#[derive(Debug, Default)]
pub struct Swept {
    /// Removed, in the order of the store.
    pub removed: Vec<Removed>,
    /// Left, because a live run is writing it.
    pub left: Vec<PathBuf>,
    /// Left, because it cannot be told whether a live run is writing it: its file system knows no locks.
    pub not_known: Vec<PathBuf>,
    /// Left, because it belongs to somebody who lets us neither open nor remove it (root, say, who
    /// ran a plan by hand or brought a store back). A run is none the worse for it.
    pub denied: Vec<StoreError>,
    /// Left, because something went wrong.
    pub failed: Vec<StoreError>,
}

/// Something that a dead run had left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    pub path: PathBuf,
    /// Whether it was a folder (of a secure backup) or a file.
    pub was_folder: bool,
}

/// Removes the leftovers of dead runs from the store. The error is that of the store
/// itself; what goes wrong below it is in the result, and stops nothing else.
pub fn sweep(store: &Path) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    let store = Folder::open_store(store)?;
    let entries = store.entries()?;
    sweep_trials(&store, &entries, &mut swept);
    for (name, kind) in entries {
        // A device whose folder cannot be entered fails by itself, and says why.
        if kind.is_dir()
            && is_component(&name)
            && let Ok(device) = store.enter(&name)
        {
            sweep_device(&device, &mut swept);
        }
    }
    Ok(swept)
}

/// What is said of a leftover that may be in use.
pub fn may_be_in_use(path: &Path) -> String {
    format!(
        "a leftover stays: {}: whether a run is writing it cannot be told, for its file system knows no locks; when no \
         run is at work, `rm -r -- {}` removes it",
        path.display(),
        quoted(&path.to_string_lossy())
    )
}

/// What is said of a leftover that somebody else has to remove.
pub fn stays(denied: &StoreError) -> String {
    format!(
        "a leftover stays: {}; whoever owns it, or root, removes it with `rm -r -- {}`",
        with_causes(denied),
        quoted(&denied.path.to_string_lossy())
    )
}

impl Swept {
    /// What was found in a folder, or the folder itself. One that we may not enter or list is
    /// nobody's leftover: what we make has our rights.
    fn entered<T>(&mut self, result: Result<T, StoreError>) -> Option<T> {
        match result {
            Err(error) if error.kind == StoreErrorKind::Denied => None,
            other => self.done(other),
        }
    }

    /// Notes an error. What has vanished meanwhile is none.
    fn done<T>(&mut self, result: Result<T, StoreError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) if error.kind == StoreErrorKind::Missing => None,
            Err(error) => {
                self.trouble(error);
                None
            }
        }
    }

    fn trouble(&mut self, error: StoreError) {
        match error.kind {
            StoreErrorKind::Denied => self.denied.push(error),
            _ => self.failed.push(error),
        }
    }
}

fn sweep_device(device: &Folder, swept: &mut Swept) {
    let entries = swept.entered(device.entries()).unwrap_or_default();
    sweep_trials(device, &entries, swept);
    for (name, kind) in entries {
        if !kind.is_dir() {
            continue;
        }
        if name == DOMAIN_FOLDER {
            if let Some(domains) = swept.entered(device.enter(&name)) {
                sweep_domains(&domains, swept);
            }
        } else if name == SECURE_BACKUP_FOLDER
            && let Some(backups) = swept.entered(device.enter(&name))
        {
            sweep_secure_backups(&backups, swept);
        }
    }
}

fn sweep_domains(domains: &Folder, swept: &mut Swept) {
    let entries = swept.entered(domains.entries()).unwrap_or_default();
    sweep_trials(domains, &entries, swept);
    for (domain, kind) in entries {
        if !kind.is_dir() || !is_component(&domain) {
            continue;
        }
        let Some(folder) = swept.entered(domains.enter(&domain)) else {
            continue;
        };
        let entries = swept.entered(folder.entries()).unwrap_or_default();
        sweep_trials(&folder, &entries, swept);
        for (name, kind) in entries {
            if kind.is_file() && is_partial_export(&domain, &name) {
                sweep_file(&folder, &name, swept);
            }
        }
    }
}

fn sweep_secure_backups(backups: &Folder, swept: &mut Swept) {
    let entries = swept.entered(backups.entries()).unwrap_or_default();
    sweep_trials(backups, &entries, swept);
    let timestamps: BTreeSet<&str> = entries
        .iter()
        .filter_map(|(name, kind)| match (kind.is_dir(), kind.is_file()) {
            (true, _) => partial_timestamp(name, ""),
            (_, true) => partial_timestamp(name, LOCK),
            _ => None,
        })
        .collect();
    for timestamp in timestamps {
        sweep_secure_backup(backups, timestamp, swept);
    }
}

/// What was made to try a folder, and lives for a moment only.
fn sweep_trials(folder: &Folder, entries: &[(OsString, FileType)], swept: &mut Swept) {
    for (name, kind) in entries.iter().filter(|(name, _)| is_momentary(name)) {
        if kind.is_file() {
            sweep_file(folder, name, swept);
        }
        if kind.is_dir() {
            sweep_momentary_folder(folder, name, swept);
        }
    }
}

fn sweep_file(folder: &Folder, name: &OsStr, swept: &mut Swept) {
    let path = folder.path().join(name);
    let Some(file) = swept.done(folder.open(name)) else {
        return;
    };
    match take_lock(folder, file, name) {
        // Locked until the name is gone.
        Taken::Ours(_file) => {
            if swept.done(folder.remove_file(name)).is_some() {
                swept.removed.push(Removed {
                    path,
                    was_folder: false,
                });
            }
        }
        Taken::Gone => {}
        Taken::Busy => swept.left.push(path),
        Taken::NotKnown => swept.not_known.push(path),
        Taken::Failed(error) => swept.trouble(error),
    }
}

/// A folder by which one was tried: as long as that lasts, the file beside it is locked.
fn sweep_momentary_folder(folder: &Folder, name: &OsStr, swept: &mut Swept) {
    let path = folder.path().join(name);
    let lock = momentary_lock(name);
    let _lock = match folder.open(&lock) {
        Ok(file) => match take_lock(folder, file, &lock) {
            Taken::Ours(file) => Some(file),
            Taken::Gone => None,
            Taken::Busy => return swept.left.push(path),
            Taken::NotKnown => return swept.not_known.push(path),
            Taken::Failed(error) => return swept.trouble(error),
        },
        Err(_) => None,
    };
    if swept.done(remove_filled(folder, name)) == Some(Remains::Nothing) {
        swept.removed.push(Removed {
            path,
            was_folder: true,
        });
    }
}

/// A staged folder, and then its lock, under one hold: a lock that is let go and taken anew
/// may be refused in between, for a process that is just being started has a copy of every
/// open file, and with it of every lock, until its program begins.
fn sweep_secure_backup(backups: &Folder, timestamp: &str, swept: &mut Swept) {
    let folder_name = partial_name(OsStr::new(timestamp));
    let lock_name = lock_name(OsStr::new(timestamp));
    let lock_file_name = partial_name(&lock_name);
    let path = backups.path().join(&folder_name);
    // Held until the last name is gone, so that no run takes one up meanwhile.
    let (_lock, taken_by_us) = match backups.open(&lock_file_name) {
        Ok(file) => match take_lock(backups, file, &lock_file_name) {
            Taken::Ours(file) => (file, None),
            Taken::Gone => return,
            Taken::Busy => return swept.left.push(path),
            Taken::NotKnown => return swept.not_known.push(path),
            Taken::Failed(error) => return swept.trouble(error),
        },
        // A run makes its lock before the folder and removes it after: it is dead, unless it
        // has just published the folder, and then there is none to remove.
        Err(error) if error.kind == StoreErrorKind::Missing => {
            match backups
                .reopen()
                .and_then(|folder| TakenName::take(folder, lock_name))
            {
                Ok((file, taken)) => (file, Some(taken)),
                Err(error) if error.kind == StoreErrorKind::Exists => return swept.left.push(path),
                Err(error) => return swept.trouble(error),
            }
        }
        Err(error) => return swept.trouble(error),
    };
    match remove_filled(backups, &folder_name) {
        Ok(Remains::Nothing | Remains::Strangers { removed: 1.. }) => swept.removed.push(Removed {
            path,
            was_folder: true,
        }),
        Ok(Remains::Strangers { removed: 0 }) => {}
        Err(error) if error.kind == StoreErrorKind::Missing => {}
        // A folder that could not be removed still needs its lock.
        Err(error) => return swept.trouble(error),
    }
    // One that we made goes with what took its name.
    if taken_by_us.is_none() && swept.done(backups.remove_file(&lock_file_name)).is_some() {
        swept.removed.push(Removed {
            path: backups.path().join(&lock_file_name),
            was_folder: false,
        });
    }
}

/// What came of an attempt to lock a file.
enum Taken {
    /// It is ours, and so is its name.
    Ours(File),
    /// Published or removed since we looked: the name is not that of this file any more.
    Gone,
    /// A live run has it.
    Busy,
    /// Whether a live run has it cannot be told.
    NotKnown,
    /// Something went wrong.
    Failed(StoreError),
}

fn take_lock(folder: &Folder, file: File, name: &OsStr) -> Taken {
    match file.try_lock() {
        Ok(()) if folder.is_same(&file, name) => Taken::Ours(file),
        Ok(()) => Taken::Gone,
        Err(TryLockError::WouldBlock) => Taken::Busy,
        Err(TryLockError::Error(error)) if locks_are_unknown(&error) => Taken::NotKnown,
        Err(TryLockError::Error(error)) => {
            Taken::Failed(StoreError::new("lock", &folder.path().join(name), error))
        }
    }
}

/// Whether `name` is that of a staged export in the folder of `domain`.
fn is_partial_export(domain: &OsStr, name: &OsStr) -> bool {
    let (Some(domain), Some(name)) = (domain.to_str(), name.to_str()) else {
        return false;
    };
    name.strip_prefix(domain)
        .and_then(|rest| rest.strip_prefix(EXPORT_INFIX))
        .and_then(|rest| rest.strip_suffix(PARTIAL))
        .is_some_and(|rest| rest.ends_with(".zip"))
}

/// The timestamp in `<timestamp><infix>.partial`.
fn partial_timestamp<'a>(name: &'a OsStr, infix: &str) -> Option<&'a str> {
    let timestamp = name.to_str()?.strip_suffix(PARTIAL)?.strip_suffix(infix)?;
    looks_like_timestamp(timestamp).then_some(timestamp)
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
