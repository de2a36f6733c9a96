//! A file that others read while it is written: it is replaced as a whole, or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};

use crate::ownership::{self, TouchError};
use crate::values::random_digits::random_digits;

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
/// written to. The folder itself is reached through links of root and the caller alone.
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
    let folder = ownership::open_folder(folder).map_err(TouchError::into_io)?;
    sweep(&folder, name);
    match place(&folder, name, text, rights) {
        // Another process has swept it before it was locked: it does so once.
        Err(error) if error.kind() == io::ErrorKind::NotFound => place(&folder, name, text, rights),
        done => done,
    }
}

/// Writes the text beside the name, and gives it the name.
fn place(folder: &OwnedFd, name: &OsStr, text: &str, rights: FileMode) -> io::Result<()> {
    let beside = name_beside(name)?;
    let done = write(folder, &beside, text, rights).and_then(|_written| {
        // Locked until it has its name: whoever sweeps takes it for what it is.
        Ok(rustix::fs::renameat(folder, &beside, folder, name)?)
    });
    if done.is_err() {
        // Not there, or nothing more to be done about it.
        let _ = rustix::fs::unlinkat(folder, &beside, AtFlags::empty());
    }
    done
}

/// Removes what processes that died left on the way to this name. One that lives holds the lock of its file. What
/// cannot be removed, or told, stays: it is in nobody's way.
fn sweep(folder: &OwnedFd, name: &OsStr) {
    let Ok(entries) = Dir::read_from(folder) else {
        return;
    };
    let left = entries
        .flatten()
        .filter(|entry| is_beside(entry.file_name().to_bytes(), name.as_bytes()));
    for entry in left {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(folder, entry.file_name(), flags, Mode::empty()) else {
            continue;
        };
        let is_plain =
            rustix::fs::fstat(&file).is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_file());
        if is_plain && rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = rustix::fs::unlinkat(folder, entry.file_name(), AtFlags::empty());
        }
    }
}

/// Whether this is a name that [`name_beside`] gives.
fn is_beside(found: &[u8], name: &[u8]) -> bool {
    let random = found
        .strip_prefix(b".")
        .and_then(|rest| rest.strip_prefix(name))
        .and_then(|rest| rest.strip_prefix(b"."));
    random.is_some_and(|random| {
        random.len() == 2 * RANDOM
            && random
                .iter()
                .all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(c))
    })
}

/// So many bytes of a name cannot be guessed.
const RANDOM: usize = 8;

fn name_beside(name: &OsStr) -> io::Result<OsString> {
    let digits = random_digits::<RANDOM>()?;
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(".");
    beside.push(digits);
    Ok(beside)
}

fn write(folder: &OwnedFd, name: &OsStr, text: &str, rights: FileMode) -> io::Result<File> {
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
    // Where there are no locks, nobody sweeps.
    let _ = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
    file.write_all(text.as_bytes())?;
    // A power cut must not leave an empty file under the name that counts.
    file.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;
    use crate::values::names_in::names_in;

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
    fn what_a_process_that_died_left_on_the_way_goes_and_what_another_writes_now_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let left = ".page.html.0123456789abcdef";
        let alive = ".page.html.fedcba9876543210";
        let others = [
            ".page.html.bak",
            ".page.html.0123456789ABCDEF",
            ".other.html.0123456789abcdef",
            "page.html.0123456789abcdef",
        ];
        for name in others.into_iter().chain([left, alive]) {
            std::fs::write(at(name), "half").expect("a file");
        }
        let held = File::open(at(alive)).expect("a file");
        rustix::fs::flock(&held, FlockOperation::LockExclusive).expect("a lock");
        replace(&at("page.html"), "whole", FileMode::AsUsual).expect("it is written");
        let mut expected: Vec<&str> = others.into_iter().chain([alive, "page.html"]).collect();
        expected.sort_unstable();
        assert_eq!(names_in(folder.path()), expected);
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
