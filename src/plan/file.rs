//! One file, from disk to text.

use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::ownership::{self, TouchError};
use crate::plan::check::Readers;
use crate::plan::error::LoadError;
use crate::plan::text;

/// The largest plan file that is read, in bytes, with all that it includes.
pub(super) const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// What was read.
#[derive(Debug)]
pub(super) struct PlanText {
    pub(super) text: String,
    pub(super) readers: Readers,
    pub(super) id: PlanFileId,
}

/// Which file it is, whatever it is called: its device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlanFileId(u64, u64);

/// Reads a file that will be believed.
pub(super) fn read(path: &Path) -> Result<PlanText, LoadError> {
    let unreadable = |source: io::Error| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = match ownership::open_believed(path) {
        Ok(file) => file,
        Err(TouchError::Untrusted(source)) => {
            return Err(LoadError::Untrusted {
                path: path.to_owned(),
                source,
            });
        }
        Err(TouchError::Io(source)) => return Err(unreadable(source)),
    };
    let metadata = file.metadata().map_err(unreadable)?;
    let readers = match metadata.permissions().mode() & 0o077 {
        0 => Readers::OwnerOnly,
        _ => Readers::Others,
    };
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(LoadError::TooLarge {
            path: path.to_owned(),
        });
    }
    let text = text::decode(bytes).map_err(|why| LoadError::NotText {
        path: path.to_owned(),
        why,
    })?;
    Ok(PlanText {
        text,
        readers,
        id: PlanFileId(metadata.dev(), metadata.ino()),
    })
}
