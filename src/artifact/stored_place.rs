//! Where a stored file should stand, reached without following a link.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::folder::Folder;

/// A name in a folder that is held open.
#[derive(Debug)]
pub(super) struct StoredPlace {
    pub(super) folder: Folder,
    pub(super) name: OsString,
    /// The folders between the store and the name, with the mode and the owner of each.
    pub(super) folders: Vec<(PathBuf, u32, u32)>,
}

/// What stands at a place.
#[derive(Debug)]
pub(super) enum AtPlace {
    /// A plain file, with its mode, its owner and its size.
    File {
        file: File,
        mode: u32,
        owner: u32,
        size: u64,
    },
    Nothing,
    /// Something else, in words.
    Else(&'static str),
}

impl StoredPlace {
    /// Reaches the folder of `path`. Below the store no link is followed; a path that lies
    /// elsewhere, as after the store was moved, is taken as it is but for its last name.
    pub(super) fn reach(store: &Path, path: &Path) -> Result<StoredPlace, StoreError> {
        let outside = || StoreError::of_kind(StoreErrorKind::Outside, "look at", path);
        let (root, inside) = match path.strip_prefix(store) {
            Ok(inside) => (store, inside),
            Err(_) => {
                let name = path.file_name().ok_or_else(outside)?;
                (path.parent().unwrap_or(Path::new(".")), Path::new(name))
            }
        };
        let mut steps: Vec<OsString> = Vec::new();
        for step in inside.components() {
            match step {
                Component::Normal(name) => steps.push(name.to_owned()),
                _ => return Err(outside()),
            }
        }
        let name = steps.pop().ok_or_else(outside)?;
        let mut folder = Folder::open_store(root)?;
        let mut folders = Vec::new();
        for step in &steps {
            folder = folder.enter(step)?;
            let (mode, owner) = folder.access()?;
            folders.push((folder.path().to_owned(), mode, owner));
        }
        Ok(StoredPlace {
            folder,
            name,
            folders,
        })
    }

    /// Looks at what stands there, and opens it for reading if it is a plain file.
    pub(super) fn look(&self) -> Result<AtPlace, StoreError> {
        let file = match self.folder.open_to_read(&self.name) {
            Ok(file) => file,
            Err(error) => return standing_of(error),
        };
        let path = self.folder.path().join(&self.name);
        let metadata = file
            .metadata()
            .map_err(|error| StoreError::new("look at", &path, error))?;
        if metadata.is_dir() {
            return Ok(AtPlace::Else("a folder stands in its place"));
        }
        if !metadata.is_file() {
            return Ok(AtPlace::Else("something that is no file stands in its place"));
        }
        Ok(AtPlace::File {
            mode: metadata.mode(),
            owner: metadata.uid(),
            size: metadata.len(),
            file,
        })
    }
}

/// What an error on the way to a file says about the file.
pub(super) fn standing_of(error: StoreError) -> Result<AtPlace, StoreError> {
    match error.kind {
        StoreErrorKind::Missing => Ok(AtPlace::Nothing),
        StoreErrorKind::Link => Ok(AtPlace::Else("a symbolic link stands in its place")),
        StoreErrorKind::Other if error.source.kind() == io::ErrorKind::NotADirectory => {
            Ok(AtPlace::Else("a folder above it is no folder any more"))
        }
        // A socket cannot even be opened.
        StoreErrorKind::Other if error.source.raw_os_error() == Some(NO_DEVICE) => {
            Ok(AtPlace::Else("something that is no file stands in its place"))
        }
        _ => Err(error),
    }
}

/// `ENXIO`.
const NO_DEVICE: i32 = rustix::io::Errno::NXIO.raw_os_error();
