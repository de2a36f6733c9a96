//! An archive as other programs see it: two that are not ours, and read it from its two ends.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

/// An entry as a program sees it: whether it is a folder, and its bytes.
pub(super) type SeenEntries = BTreeMap<String, (bool, Vec<u8>)>;

/// What a program finds that reads a ZIP by its directory.
pub(super) fn by_directory(bytes: &[u8]) -> Result<SeenEntries, String> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut seen = SeenEntries::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| error.to_string())?;
        let name = entry.name().map_err(|error| error.to_string())?.into_owned();
        assert!(!entry.is_symlink(), "{name}");
        let (is_folder, mut unpacked) = (entry.is_dir(), Vec::new());
        entry
            .read_to_end(&mut unpacked)
            .map_err(|error| error.to_string())?;
        seen.insert(name, (is_folder, unpacked));
    }
    Ok(seen)
}

/// What a program finds that reads a ZIP from its beginning, and never sees the directory.
fn by_stream(mut bytes: &[u8]) -> Result<SeenEntries, String> {
    let mut seen = SeenEntries::new();
    while let Some(mut entry) =
        zip::read::read_zipfile_from_stream(&mut bytes).map_err(|error| error.to_string())?
    {
        let name = entry.name().map_err(|error| error.to_string())?.into_owned();
        let (is_folder, mut unpacked) = (entry.is_dir(), Vec::new());
        entry
            .read_to_end(&mut unpacked)
            .map_err(|error| error.to_string())?;
        seen.insert(name, (is_folder, unpacked));
    }
    Ok(seen)
}

/// What both find, where they find the same, in the ZIPs inside too.
pub(super) fn seen_alike(bytes: &[u8]) -> Result<SeenEntries, String> {
    let (mut one, other) = (by_directory(bytes)?, by_stream(bytes)?);
    if one != other {
        return Err(format!("{:?} and {:?}", one.keys(), other.keys()));
    }
    let zips: Vec<String> = one
        .keys()
        .filter(|name| name.ends_with(".zip"))
        .cloned()
        .collect();
    for name in zips {
        for (inner, seen) in seen_alike(&one[&name].1)? {
            one.insert(format!("{name}: {inner}"), seen);
        }
    }
    Ok(one)
}
