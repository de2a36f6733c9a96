//! Whether a store can take backups: what a publication needs is tried in it, and nothing of it
//! is left behind. Better found out now than with a gateway out of service.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;

use crate::artifact::digest::sha256;
use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::folder::{Folder, momentary_base, momentary_name};
use crate::artifact::publish::{Manner, Renamed, Requests, SYSTEM};
use crate::artifact::stage::nearest_there;
use crate::artifact::taken_name::TakenName;

/// How often the trial begins anew where a sweep took something of it for a leftover.
const TRIES: u32 = 4;

const TEXT: &[u8] = b"dpbackup";

/// How files and folders get their names in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probed {
    pub file: Manner,
    /// A folder with a file in it.
    pub folder: Manner,
}

/// Tries everything in the store, which must be there.
pub fn probe(store: &Path) -> Result<Probed, StoreError> {
    probe_by(store, &SYSTEM)
}

/// Tries everything where something will be published, as far as its folders are there: one of them
/// may be a link, somebody else's, read-only, or no folder at all. `None` where none is there, so
/// that they will be made in the store itself.
pub fn probe_below(store: &Path, folder: &Path) -> Result<Option<Probed>, StoreError> {
    let nearest = nearest_there(store, folder)?;
    let probed = nearest.map(|folder| again_and_again(|| attempt(&folder, &SYSTEM)));
    probed.transpose()
}

fn probe_by(store: &Path, requests: &Requests) -> Result<Probed, StoreError> {
    again_and_again(|| attempt(&Folder::open_store(store)?, requests))
}

fn again_and_again(attempt: impl Fn() -> Result<Probed, StoreError>) -> Result<Probed, StoreError> {
    let mut tries = 1;
    loop {
        match attempt() {
            Err(error) if error.kind == StoreErrorKind::Missing && tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

fn attempt(root: &Folder, requests: &Requests) -> Result<Probed, StoreError> {
    let base = momentary_base();
    // Locked for as long as this takes: a sweep takes what nobody has locked for a leftover.
    let (mut file, mut taken) = TakenName::take(root.reopen()?, base.clone())?;
    let path = taken.partial_path();
    let failed = |action, error| StoreError::new(action, &path, error);
    // A full file system still makes files, but does not fill them.
    file.write_all(TEXT)
        .and_then(|()| file.sync_all())
        .map_err(|error| failed("write", error))?;
    // Everything is verified through the handle that wrote it.
    let hash = sha256(&file).map_err(|error| failed("read back what was written to", error))?;
    let folder = in_folder(root, &base, requests)?;
    let to = momentary_name(&base, "-file");
    let manner = taken.publish_with(&to, |folder, from, to| {
        requests.publish_file(folder, (&file, &hash), from, to)
    })?;
    let removed = root.remove_file(&to);
    root.sync()?;
    removed?;
    Ok(Probed { file: manner, folder })
}

/// The same with a folder that has a file in it.
fn in_folder(root: &Folder, base: &OsStr, requests: &Requests) -> Result<Manner, StoreError> {
    let [from, to] = ["-folder", "-moved"].map(|what| momentary_name(base, what));
    let folder = root.make(&from)?;
    let inside = OsString::from("file");
    let published = folder.create(&inside).and_then(|mut file| {
        let path = folder.path().join(&inside);
        file.write_all(TEXT)
            .map_err(|error| StoreError::new("write", &path, error))?;
        drop(file);
        let what = Renamed {
            is_same: &|name| root.is_same_folder(&folder, name),
            is_whole: &|name| Ok(root.enter(name)?.is_there(&inside) == Ok(true)),
        };
        requests.rename_to(root, &what, &from, &to)
    });
    let removed = folder.remove_file(&inside);
    let name = if published.is_ok() { &to } else { &from };
    let removed = removed.and_then(|()| root.remove_folder(name));
    let manner = published?;
    removed?;
    Ok(manner)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
