//! Free space in the store.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::StatVfs;

use crate::values::size::Threshold;

/// How often space is asked for while a file is written: each time so many bytes more are in it.
pub(super) const LOOK_EVERY: u64 = 64 << 20;

/// The space of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this process may still use.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// How many more files (inodes) this process may make; `None` where the file system does not tell, as one that makes
    /// them as they are needed.
    pub files: Option<u64>,
}

/// How much a file may take while it is written.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Bytes of the file itself.
    pub most: u64,
    /// What is to stay free of the file system.
    pub min_free: Threshold,
    /// Asks for the space of the file system that holds an open file.
    pub(super) ask: fn(&File) -> io::Result<Space>,
}

impl Allowance {
    /// As much as the settings say.
    pub fn new(most: u64, min_free: Threshold) -> Allowance {
        let ask = space_of;
        Allowance { most, min_free, ask }
    }

    /// As much as the file system takes.
    pub(super) fn unlimited() -> Allowance {
        Allowance::new(u64::MAX, Threshold::Size(0))
    }
}

fn space_of(file: &File) -> io::Result<Space> {
    Ok(of(&rustix::fs::fstatvfs(file)?))
}

fn of(stat: &StatVfs) -> Space {
    Space {
        free: stat.f_bavail.saturating_mul(stat.f_frsize),
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
        files: (stat.f_files > 0).then_some(stat.f_favail),
    }
}

/// The space of the file system that holds `path`, or will once it is made.
pub fn space(path: &Path) -> io::Result<Space> {
    let mut at = path;
    loop {
        // The parent of a bare name is the empty path: the current folder.
        let asked = if at.as_os_str().is_empty() {
            Path::new(".")
        } else {
            at
        };
        match rustix::fs::statvfs(asked) {
            Ok(stat) => return Ok(of(&stat)),
            Err(rustix::io::Errno::NOENT) => match at.parent() {
                Some(parent) => at = parent,
                None => return Err(rustix::io::Errno::NOENT.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_space_of_the_one_above() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = space(folder.path()).expect("space");
        let below = space(&folder.path().join("a/b/c")).expect("space");
        assert!(here.free <= here.total);
        assert!(here.total > 0);
        assert_eq!(here.total, below.total);
    }

    #[test]
    fn a_relative_path_counts_from_the_current_folder() {
        let here = space(Path::new(".")).expect("space");
        let below = space(Path::new("not-there-at-all/a")).expect("space");
        assert_eq!(here.total, below.total);
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert!(space(&file.path().join("below")).is_err());
    }
}
