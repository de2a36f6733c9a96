//! Takes backups away again: only what is still, byte for byte, what was recorded.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;

use crate::artifact::layout::looks_like_timestamp;
use crate::artifact::recheck::{Recorded, sha256};
use crate::artifact::stage::{StoreError, partial_name};
use crate::artifact::stage_folder::remove_filled;
use crate::artifact::stored_place::{AtPlace, StoredPlace, standing_of};

/// How a backup is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One file.
    File,
    /// All files of one folder.
    Folder,
}

/// What was found of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFound {
    /// It is as it was recorded, as far as was looked.
    Same,
    /// Nothing of it is there.
    Gone,
    /// It is something else now; in words.
    Changed(String),
}

/// Whether each file is there with its size. Quick: nothing is read.
pub fn glance(store: &Path, files: &[Recorded<'_>]) -> Result<FileFound, StoreError> {
    let (mut gone, mut changed) = (0, None);
    for file in files {
        match sized(store, *file)? {
            Sized::Same(..) => {}
            Sized::Gone => gone += 1,
            Sized::Changed(why) => changed = Some(why),
        }
    }
    Ok(match (gone, changed) {
        (_, Some(why)) => FileFound::Changed(why),
        (0, None) => FileFound::Same,
        (gone, None) if gone == files.len() => FileFound::Gone,
        (_, None) => FileFound::Changed("a part of it is missing".to_owned()),
    })
}

/// The same, with every byte read; and of a folder, that nothing else is in it.
pub fn compare(store: &Path, shape: Shape, files: &[Recorded<'_>]) -> Result<FileFound, StoreError> {
    let glanced = glance(store, files)?;
    if glanced != FileFound::Same {
        return Ok(glanced);
    }
    for file in files {
        if let Sized::Same(_, open) = sized(store, *file)?
            && !has_hash(&open, *file)?
        {
            return Ok(FileFound::Changed(format!("{}: other bytes", shown(file.path))));
        }
    }
    if shape == Shape::Folder
        && let Some(first) = files.first()
        && let Ok(spot) = StoredPlace::reach(store, first.path)
    {
        let known: BTreeSet<Option<&OsStr>> = files.iter().map(|file| file.path.file_name()).collect();
        for (name, _) in spot.folder.entries()? {
            if !known.contains(&Some(name.as_os_str())) {
                let name = name.to_string_lossy();
                return Ok(FileFound::Changed(format!(
                    "{name:?} lies beside it, which is not ours"
                )));
            }
        }
    }
    Ok(FileFound::Same)
}

/// Removes a backup that is as it was recorded, durably. Gives what was found: only with
/// [`FileFound::Same`] it has been removed.
pub fn remove(store: &Path, shape: Shape, files: &[Recorded<'_>]) -> Result<FileFound, StoreError> {
    let found = compare(store, shape, files)?;
    if found != FileFound::Same {
        return Ok(found);
    }
    match shape {
        Shape::File => {
            for file in files {
                if let Some(found) = remove_file(store, *file)? {
                    return Ok(found);
                }
            }
        }
        Shape::Folder => {
            let folder = files.first().and_then(|file| file.path.parent());
            if let Some(folder) = folder
                && let Some(found) = remove_folder(store, folder)?
            {
                return Ok(found);
            }
        }
    }
    Ok(FileFound::Same)
}

/// Removes one file, unless it is not the one any more that was compared.
fn remove_file(store: &Path, file: Recorded<'_>) -> Result<Option<FileFound>, StoreError> {
    let Sized::Same(spot, open) = sized(store, file)? else {
        return Ok(Some(FileFound::Changed("it changed just now".to_owned())));
    };
    if !has_hash(&open, file)? || !spot.folder.is_same(&open, &spot.name) {
        return Ok(Some(FileFound::Changed("it changed just now".to_owned())));
    }
    spot.folder.remove_file(&spot.name)?;
    spot.folder.sync()?;
    Ok(None)
}

/// Removes a folder with its files. First it is given the name of one that is not
/// published: should we die in the middle, the next run sweeps the rest.
fn remove_folder(store: &Path, folder: &Path) -> Result<Option<FileFound>, StoreError> {
    let spot = StoredPlace::reach(store, folder)?;
    if !spot.name.to_str().is_some_and(looks_like_timestamp) {
        return Ok(Some(FileFound::Changed(
            "its name is not one that we give".to_owned(),
        )));
    }
    let partial: OsString = partial_name(&spot.name);
    spot.folder.publish_folder(&spot.name, &partial)?;
    spot.folder.sync()?;
    remove_filled(&spot.folder, &partial)?;
    spot.folder.sync()?;
    Ok(None)
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
    let spot = match StoredPlace::reach(store, recorded.path) {
        Ok(spot) => spot,
        Err(error) => {
            return Ok(match standing_of(error)? {
                AtPlace::Else(why) => Sized::Changed(format!("{path}: {why}")),
                AtPlace::Nothing | AtPlace::File { .. } => Sized::Gone,
            });
        }
    };
    Ok(match spot.look()? {
        AtPlace::Nothing => Sized::Gone,
        AtPlace::Else(why) => Sized::Changed(format!("{path}: {why}")),
        AtPlace::File { size, .. } if size != recorded.size => {
            Sized::Changed(format!("{path}: {size} bytes, not {}", recorded.size))
        }
        AtPlace::File { file, .. } => Sized::Same(spot, file),
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
