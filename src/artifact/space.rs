//! Free space in the store.

use std::io;
use std::path::Path;

/// The space of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this process may still use.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
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
            Ok(stat) => {
                let free = stat.f_bavail.saturating_mul(stat.f_frsize);
                let total = stat.f_blocks.saturating_mul(stat.f_frsize);
                return Ok(Space { free, total });
            }
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
