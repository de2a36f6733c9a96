//! Where a file stands: written down from the store on, so that a store that moves stays good.

use std::path::{Path, PathBuf};

use crate::history::error::HistoryFault;

/// What is written down of where a file stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WrittenPlace {
    /// From the store on; where it does not lie in the store, all of it.
    pub(super) path: String,
    /// Where the store is, for people, and for those who change `store` and leave the files.
    pub(super) store: Option<String>,
}

/// What is written down of `path` while the store is there.
pub(super) fn written(store: Option<&Path>, path: &Path) -> Result<WrittenPlace, HistoryFault> {
    match store.and_then(|store| Some((store, path.strip_prefix(store).ok()?))) {
        Some((store, inside)) => Ok(WrittenPlace {
            path: exact(inside)?.to_owned(),
            store: store.to_str().map(str::to_owned),
        }),
        None => Ok(WrittenPlace {
            path: exact(path)?.to_owned(),
            store: None,
        }),
    }
}

/// Where a file is to be found, now that the store is there: in it, unless it is not there and
/// still is where the store was when it was written down.
pub(super) fn found(store: Option<&Path>, written: &WrittenPlace) -> PathBuf {
    let Some(store) = store else {
        return PathBuf::from(&written.path);
    };
    // An absolute path stays what it is.
    let here = store.join(&written.path);
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    match &written.store {
        Some(former) if Path::new(former) != store && !is_there(&here) => {
            Some(Path::new(former).join(&written.path))
                .filter(|there| is_there(there))
                .unwrap_or(here)
        }
        _ => here,
    }
}

/// As what a path may be written down: each of its ends, whatever lies before it may be the
/// store; and all of it.
pub(super) fn ends(path: &Path) -> impl Iterator<Item = &Path> {
    let above = path.ancestors().skip(1);
    above
        .filter_map(|store| path.strip_prefix(store).ok())
        .chain([path])
}

/// A path that is opened again later must come back byte by byte.
fn exact(path: &Path) -> Result<&str, HistoryFault> {
    path.to_str()
        .ok_or_else(|| HistoryFault::Value(format!("the path {} is not UTF-8", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, store: Option<&str>) -> WrittenPlace {
        WrittenPlace {
            path: path.to_owned(),
            store: store.map(str::to_owned),
        }
    }

    #[test]
    fn a_path_is_written_from_the_store_on() {
        let store = Path::new("/backup");
        let write = |store, path: &str| written(store, Path::new(path)).expect("written");
        assert_eq!(
            write(Some(store), "/backup/d/a.zip"),
            place("d/a.zip", Some("/backup"))
        );
        assert_eq!(
            write(Some(store), "/elsewhere/a.zip"),
            place("/elsewhere/a.zip", None)
        );
        assert_eq!(
            write(Some(store), "/backups/a.zip"),
            place("/backups/a.zip", None)
        );
        assert_eq!(write(None, "/backup/d/a.zip"), place("/backup/d/a.zip", None));
    }

    #[test]
    fn a_file_is_found_where_the_store_is_now_and_else_where_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let written = place("d/a", old.to_str());
        for store in [&old, &new] {
            std::fs::create_dir_all(store.join("d")).expect("a folder");
        }
        assert_eq!(
            found(Some(&new), &written),
            new.join("d/a"),
            "nowhere: it belongs into the store"
        );
        std::fs::write(old.join("d/a"), "").expect("a file");
        assert_eq!(found(Some(&new), &written), old.join("d/a"), "it was left behind");
        std::fs::write(new.join("d/a"), "").expect("a file");
        assert_eq!(found(Some(&new), &written), new.join("d/a"), "it was copied");
        assert_eq!(found(Some(&old), &written), old.join("d/a"));
        assert_eq!(found(Some(&new), &place("/x/a", None)), Path::new("/x/a"));
    }

    #[test]
    fn every_end_of_a_path_may_be_what_was_written() {
        let ends: Vec<&Path> = ends(Path::new("/a/b/c")).collect();
        assert_eq!(ends, ["c", "b/c", "a/b/c", "/a/b/c"].map(Path::new));
    }
}
