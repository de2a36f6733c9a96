//! Takes backups away again: only what is still, byte for byte, what was recorded.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use crate::artifact::digest::sha256;
use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::layout::looks_like_timestamp;
use crate::artifact::publish::{Renamed, SYSTEM};
use crate::artifact::recheck::Recorded;
use crate::artifact::stored_place::{AtPlace, StoredPlace, standing_of};
use crate::artifact::taken_name::partial_name;
use crate::values::causes::with_causes;

/// How a backup is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    File,
    /// All files of one folder.
    Folder,
}

/// What was found of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFound {
    /// It is as it was recorded, as far as was looked.
    Same,
    /// So is what is there of it; the rest is gone.
    Partly,
    /// Nothing of it is there.
    Gone,
    /// It is something else now; in words.
    Changed(String),
    /// This machine could not read it, in words. That says nothing about it.
    Unread(String),
}

/// What was found of one file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartFound {
    /// It is as it was recorded, as far as was looked.
    Same,
    /// It is not there.
    Gone,
    /// It is something else now; in words.
    Changed(String),
    /// This machine could not read it, in words. That says nothing about it.
    Unread(String),
}

impl FileFound {
    /// What the files of a backup come to. What is known to be something else goes before what could not be read, and
    /// that before what is gone: of neither more goes.
    pub fn of_parts(parts: &[PartFound]) -> FileFound {
        let (mut gone, mut unread) = (0, None);
        for part in parts {
            match part {
                PartFound::Changed(why) => return FileFound::Changed(why.clone()),
                PartFound::Unread(why) => unread = unread.or(Some(why)),
                PartFound::Gone => gone += 1,
                PartFound::Same => {}
            }
        }
        match (unread, gone) {
            (Some(why), _) => FileFound::Unread(why.clone()),
            (None, 0) => FileFound::Same,
            (None, gone) if gone == parts.len() => FileFound::Gone,
            (None, _) => FileFound::Partly,
        }
    }
}

/// Whether each file is there with its size. Quick: nothing is read.
pub fn glance(store: &Path, files: &[Recorded<'_>]) -> Vec<PartFound> {
    parts(files, |file| {
        Ok(match sized(store, file)? {
            Sized::Same(..) => PartFound::Same,
            Sized::Gone => PartFound::Gone,
            Sized::Changed(why) => PartFound::Changed(why),
        })
    })
}

/// The same, with every byte read of each that has its size. What lies beside the files of a folder is not ours and
/// says nothing about them.
pub fn compare(store: &Path, files: &[Recorded<'_>]) -> Vec<PartFound> {
    parts(files, |file| {
        Ok(match sized(store, file)? {
            Sized::Same(_, open) if has_hash(&open, file)? => PartFound::Same,
            Sized::Same(..) => PartFound::Changed(format!("{}: other bytes", shown(file.path))),
            Sized::Gone => PartFound::Gone,
            Sized::Changed(why) => PartFound::Changed(why),
        })
    })
}

/// What a look finds of each file.
fn parts<'r>(
    files: &[Recorded<'r>],
    look: impl Fn(Recorded<'r>) -> Result<PartFound, StoreError>,
) -> Vec<PartFound> {
    let found =
        |file: &Recorded<'r>| look(*file).unwrap_or_else(|error| PartFound::Unread(with_causes(&error)));
    files.iter().map(found).collect()
}

/// Removes what is there of a backup, if that is as it was recorded, durably. Gives what was
/// found: with [`FileFound::Changed`] and [`FileFound::Unread`] something is left of it.
pub fn remove(store: &Path, shape: Shape, files: &[Recorded<'_>]) -> Result<FileFound, StoreError> {
    let found = FileFound::of_parts(&compare(store, files));
    let changed = match (&found, shape) {
        (FileFound::Gone | FileFound::Changed(_) | FileFound::Unread(_), _) => None,
        (FileFound::Same | FileFound::Partly, Shape::File) => remove_files(store, files)?,
        (FileFound::Same | FileFound::Partly, Shape::Folder) => remove_folder(store, files)?,
    };
    Ok(changed.unwrap_or(found))
}

/// Removes files where they stand, unless one is not the one any more that was compared.
fn remove_files(store: &Path, files: &[Recorded<'_>]) -> Result<Option<FileFound>, StoreError> {
    let changed = || Ok(Some(FileFound::Changed("it changed just now".to_owned())));
    let mut last = None;
    for file in files {
        let (place, open) = match sized(store, *file)? {
            Sized::Same(place, open) => (place, open),
            Sized::Gone => continue,
            Sized::Changed(_) => return changed(),
        };
        if !has_hash(&open, *file)? || !place.folder.is_same(&open, &place.name) {
            return changed();
        }
        place.folder.remove_file(&place.name)?;
        last = Some(place.folder);
    }
    if let Some(folder) = last {
        folder.sync()?;
    }
    Ok(None)
}

/// Removes the files of a folder, and the folder if nothing else is in it.
fn remove_folder(store: &Path, files: &[Recorded<'_>]) -> Result<Option<FileFound>, StoreError> {
    let Some(path) = files.first().and_then(|file| file.path.parent()) else {
        return Ok(None);
    };
    let place = StoredPlace::reach(store, path)?;
    if !place.name.to_str().is_some_and(looks_like_timestamp) {
        return Ok(Some(FileFound::Changed(
            "its name is not one that we give".to_owned(),
        )));
    }
    let known: BTreeSet<&OsStr> = files.iter().filter_map(|file| file.path.file_name()).collect();
    let folder = place.folder.enter(&place.name)?;
    let is_ours_alone = folder
        .entries()?
        .iter()
        .all(|(name, _)| known.contains(name.as_os_str()));
    if is_ours_alone {
        return remove_whole_folder(&place, &known).map(|()| None);
    }
    if let Some(changed) = remove_files(store, files)? {
        return Ok(Some(changed));
    }
    // Somebody may have tidied up meanwhile.
    match place.folder.remove_folder(&place.name) {
        Ok(()) => place.folder.sync().map(|()| None),
        Err(error) if error.kind == StoreErrorKind::NotEmpty => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a folder with its files. First it is given the name of one that is not published:
/// should we die in the middle, the next run sweeps the rest.
fn remove_whole_folder(place: &StoredPlace, known: &BTreeSet<&OsStr>) -> Result<(), StoreError> {
    let partial = partial_name(&place.name);
    let folder = place.folder.enter(&place.name)?;
    // What goes from it was compared, and goes by its name.
    let what = Renamed {
        is_same: &|_| true,
        is_whole: &|_| Ok(true),
    };
    SYSTEM.rename_to(&place.folder, &what, &place.name, &partial)?;
    place.folder.sync()?;
    for name in known {
        match folder.remove_file(name) {
            Err(error) if error.kind == StoreErrorKind::Missing => {}
            other => other?,
        }
    }
    match place.folder.remove_folder(&partial) {
        // Somebody was quick to put something into it: it stays where they left it.
        Err(error) if error.kind == StoreErrorKind::NotEmpty => {
            SYSTEM.rename_to(&place.folder, &what, &partial, &place.name)?;
        }
        other => other?,
    }
    place.folder.sync()
}

/// What stands in the place of a file, by its size.
enum Sized {
    Same(StoredPlace, File),
    Gone,
    Changed(String),
}

fn sized(store: &Path, recorded: Recorded<'_>) -> Result<Sized, StoreError> {
    let path = shown(recorded.path);
    if !recorded.path.starts_with(store) {
        return Ok(Sized::Changed(format!(
            "{path}: not in the store of the plan file"
        )));
    }
    let place = match StoredPlace::reach(store, recorded.path) {
        Ok(place) => place,
        Err(error) => {
            return Ok(match standing_of(error)? {
                AtPlace::Else(why) => Sized::Changed(format!("{path}: {why}")),
                AtPlace::Nothing | AtPlace::File { .. } => Sized::Gone,
            });
        }
    };
    Ok(match place.look()? {
        AtPlace::Nothing => Sized::Gone,
        AtPlace::Else(why) => Sized::Changed(format!("{path}: {why}")),
        AtPlace::File { size, .. } if size != recorded.size => {
            Sized::Changed(format!("{path}: {size} bytes, not {}", recorded.size))
        }
        AtPlace::File { file, .. } => Sized::Same(place, file),
    })
}

fn has_hash(file: &File, recorded: Recorded<'_>) -> Result<bool, StoreError> {
    let found = sha256(file).map_err(|error| StoreError::new("read", recorded.path, error))?;
    Ok(found == recorded.sha256)
}

fn shown(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
