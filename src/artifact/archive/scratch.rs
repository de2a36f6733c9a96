//! A file without a name, for what has to be unpacked.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::artifact::folder::{momentary_base, momentary_name};

/// Makes a file in `folder` that vanishes with its handle.
pub fn nameless(folder: &Path) -> io::Result<File> {
    let mode = Mode::RUSR | Mode::WUSR;
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, folder, flags | OFlags::TMPFILE, mode) {
        Ok(handle) => return Ok(File::from(handle)),
        // NFS and others: a file has to have a name, if only for a moment.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    named(folder)
}

fn named(folder: &Path) -> io::Result<File> {
    let path = folder.join(momentary_name(&momentary_base(), ""));
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let handle = rustix::fs::openat(CWD, &path, flags, Mode::RUSR | Mode::WUSR)?;
    match rustix::fs::unlink(&path) {
        // A sweep takes such files for leftovers, and may have been quicker.
        Ok(()) | Err(Errno::NOENT) => Ok(File::from(handle)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};

    use super::*;

    #[test]
    fn a_scratch_file_has_no_name_whichever_way_it_is_made() {
        let folder = tempfile::tempdir().expect("a folder");
        for make in [nameless, named] {
            let mut file = make(folder.path()).expect("a file");
            assert_eq!(std::fs::read_dir(folder.path()).expect("a listing").count(), 0);
            file.write_all(b"abc").expect("written");
            file.rewind().expect("rewound");
            let mut text = String::new();
            file.read_to_string(&mut text).expect("read");
            assert_eq!(text, "abc");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(nameless(Path::new("/not/there")).is_err());
    }
}
