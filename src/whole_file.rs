//! A file that others read while it is written: it is replaced as a whole, or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use crate::values::hex::hex;

/// Who may read a file that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMode {
    /// These, whatever the umask says.
    Exactly(Mode),
    /// Those that the umask leaves.
    AsUsual,
}

impl FileMode {
    /// Everybody: for what another user collects.
    pub const FOR_ALL: FileMode =
        FileMode::Exactly(Mode::RUSR.union(Mode::WUSR).union(Mode::RGRP).union(Mode::ROTH));
}

/// Replaces the file as a whole: written beside it under a name that no collector reads and
/// nobody can guess, then renamed.
///
/// Others may write into its folder. So no link is followed in it, neither under the name on
/// the way nor under the last one, and what stands there under the last one is replaced, not
/// written to.
///
/// # Errors
///
/// It could not be written; what stood there stands there still.
pub fn replace(path: &Path, text: &str, rights: FileMode) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::other("it has no name"));
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = open(folder)?;
    let beside = name_beside(name)?;
    let done = write(&folder, &beside, text, rights)
        .and_then(|()| Ok(rustix::fs::renameat(&folder, &beside, &folder, name)?));
    if done.is_err() {
        // Not there, or nothing more to be done about it.
        let _ = rustix::fs::unlinkat(&folder, &beside, AtFlags::empty());
    }
    done
}

fn open(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, folder, flags, Mode::empty())?)
}

fn name_beside(name: &OsStr) -> io::Result<OsString> {
    let mut random = [0; 8];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| io::Error::other("the system gives no random number"))?;
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(".");
    beside.push(hex(&random));
    Ok(beside)
}

fn write(folder: &OwnedFd, name: &OsStr, text: &str, rights: FileMode) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let usual = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
    let mut file = match rights {
        FileMode::AsUsual => File::from(rustix::fs::openat(folder, name, flags, usual)?),
        FileMode::Exactly(mode) => {
            let file = File::from(rustix::fs::openat(folder, name, flags, mode)?);
            rustix::fs::fchmod(&file, mode)?;
            file
        }
    };
    file.write_all(text.as_bytes())?;
    // A power cut must not leave an empty file under the name that counts.
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn a_link_in_its_place_is_replaced_and_what_it_led_to_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, other) = (folder.path().join("dp.prom"), folder.path().join("other"));
        std::fs::write(&other, "kept").expect("a file");
        symlink(&other, &path).expect("a link");
        replace(&path, "a 1\nb 2\n", FileMode::FOR_ALL).expect("it is written");
        assert_eq!(std::fs::read_to_string(&other).expect("text"), "kept");
        assert_eq!(std::fs::read_to_string(&path).expect("text"), "a 1\nb 2\n");
        let metadata = std::fs::symlink_metadata(&path).expect("there");
        assert!(metadata.is_file());
        assert_eq!(metadata.mode() & 0o7777, 0o644);
        let names = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(names, 2, "nothing else is left");
    }

    #[test]
    fn the_name_on_the_way_cannot_be_guessed_nor_read_by_a_collector() {
        let name = || name_beside(OsStr::new("dp.prom")).expect("a name");
        let first = name();
        assert_ne!(first, name());
        assert!(!first.to_string_lossy().ends_with(".prom"));
    }

    #[test]
    fn a_folder_that_is_not_there_and_a_name_that_is_a_folder_are_errors() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(replace(&folder.path().join("no/dp.prom"), "", FileMode::AsUsual).is_err());
        std::fs::create_dir(folder.path().join("dp.prom")).expect("a folder");
        assert!(replace(&folder.path().join("dp.prom"), "", FileMode::AsUsual).is_err());
        let names = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(names, 1, "nothing is left");
    }
}
