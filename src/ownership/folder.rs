//! A folder into which this program writes, and nobody else.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use crate::ownership::caller::Caller;
use crate::ownership::error::{OthersWrite, TouchError, Writers};
use crate::ownership::make::{give, make_all};
use crate::ownership::refusal::{Objection, Untrusted};
use crate::ownership::road::{Arrived, WayRule, walk};
use crate::ownership::rules::{Rights, WrittenKind};

/// A folder of ours, held open, so that no link that is put in its place meanwhile leads
/// elsewhere. What root makes in it belongs to its owner, as SQLite has it.
#[derive(Debug)]
pub struct OwnFolder {
    handle: OwnedFd,
    path: PathBuf,
    rights: Rights,
    others: Option<Writers>,
    caller: Caller,
}

impl OwnFolder {
    /// Opens a folder that is there.
    ///
    /// # Errors
    ///
    /// One that belongs to somebody else, or into which somebody else may write, is refused.
    pub fn open(path: &Path, kind: WrittenKind) -> Result<Self, TouchError> {
        Self::open_as(path, kind, Caller::of_process())
    }

    /// Opens a folder, and makes it, and those above it, where they are missing (mode 0700).
    ///
    /// # Errors
    ///
    /// As for [`OwnFolder::open`].
    pub fn open_or_make(path: &Path, kind: WrittenKind) -> Result<Self, TouchError> {
        let caller = Caller::of_process();
        make_all(path, caller)?;
        Self::open_as(path, kind, caller)
    }

    /// Opens the folder of a file, makes it where it is missing, and gives the name that the
    /// file has there: links to it are followed first.
    ///
    /// # Errors
    ///
    /// As for [`OwnFolder::open`].
    pub fn of_file(path: &Path, kind: WrittenKind) -> Result<(Self, OsString), TouchError> {
        let caller = Caller::of_process();
        let path = match walk(path, WayRule::LinksOnly, caller) {
            Ok(arrived) => arrived.path,
            Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                std::path::absolute(path)?
            }
            Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                // Whose the folder is says more than that it may not be entered.
                if let Some(folder) = path.parent() {
                    Self::open_as(folder, kind, caller)?;
                }
                return Err(error.into());
            }
            Err(other) => return Err(other),
        };
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::from(Errno::ISDIR).into());
        };
        Ok((Self::open_or_make(folder, kind)?, name.to_owned()))
    }

    pub(super) fn open_as(path: &Path, kind: WrittenKind, caller: Caller) -> Result<Self, TouchError> {
        let arrived = walk(path, WayRule::LinksOnly, caller)?;
        let others = judged(&arrived, kind, caller)?;
        let handle = arrived.open(OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok(Self {
            handle,
            path: arrived.path,
            rights: arrived.rights,
            others,
            caller,
        })
    }

    /// Its path, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who else may write to it, if somebody may.
    pub fn others_write(&self) -> Option<OthersWrite> {
        let who = self.others?;
        Some(OthersWrite {
            path: self.path.clone(),
            who,
        })
    }

    /// Makes a file that must not be there yet, for reading and writing (mode 0600).
    pub fn create(&self, name: &OsStr) -> Result<File, TouchError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(&self.handle, name, flags, mode).map_err(io::Error::from)?;
        // A umask can only take rights away: the file never had more than it should have.
        rustix::fs::fchmod(&file, mode).map_err(io::Error::from)?;
        give(&file, self.rights, self.caller)?;
        Ok(File::from(file))
    }

    /// Opens a file that is there, for reading and writing.
    ///
    /// # Errors
    ///
    /// A link, a file of somebody else or with a second name, and one that somebody else may
    /// write are refused.
    pub fn open_file(&self, name: &OsStr) -> Result<File, TouchError> {
        // Without NONBLOCK a pipe in its place would hold us for ever.
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(errno) => {
                // Whose it is says more than that it may not be opened.
                self.look(name)?;
                return Err(io::Error::from(errno).into());
            }
        };
        let rights = Rights::of(&file)?;
        self.judge(name, rights)?;
        if self.is_left_of_root(rights) {
            give(&file, self.rights, self.caller)?;
        }
        Ok(File::from(file))
    }

    /// Opens a file, and makes it where it is missing.
    ///
    /// # Errors
    ///
    /// As for [`OwnFolder::open_file`].
    pub fn open_or_create(&self, name: &OsStr) -> Result<File, TouchError> {
        loop {
            match self.open_file(name) {
                Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                other => return other,
            }
            match self.create(name) {
                // Somebody was quicker; theirs is as good.
                Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other,
            }
        }
    }

    /// Judges a file without opening it.
    ///
    /// # Errors
    ///
    /// As for [`OwnFolder::open_file`]; one that is not there is an error of the system.
    pub fn look(&self, name: &OsStr) -> Result<(), TouchError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let seen = rustix::fs::openat(&self.handle, name, flags, Mode::empty()).map_err(io::Error::from)?;
        self.judge(name, Rights::of(&seen)?)
    }

    /// The same; and what root has left there as its own is given to the owner of the folder. It
    /// is not opened: to close a database would take away the locks that this process has on it.
    ///
    /// # Errors
    ///
    /// As for [`OwnFolder::look`].
    pub fn adopt(&self, name: &OsStr) -> Result<(), TouchError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let seen = rustix::fs::openat(&self.handle, name, flags, Mode::empty()).map_err(io::Error::from)?;
        let rights = Rights::of(&seen)?;
        self.judge(name, rights)?;
        if self.is_left_of_root(rights) {
            let (owner, group) = (Uid::from_raw(self.rights.owner), Gid::from_raw(self.rights.group));
            rustix::fs::chownat(&seen, "", Some(owner), Some(group), AtFlags::EMPTY_PATH)
                .map_err(io::Error::from)?;
        }
        Ok(())
    }

    /// Whether root has made it in the folder of somebody else, who could not go on with it.
    fn is_left_of_root(&self, rights: Rights) -> bool {
        self.caller.is_root() && rights.owner == 0 && self.rights.owner != 0
    }

    /// The names of everything in it.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Puts the names in it on disk.
    pub fn sync(&self) -> io::Result<()> {
        match rustix::fs::fsync(&self.handle) {
            // File systems without it (some of a network) write names through at once.
            Ok(()) | Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file, or whatever else is not a folder.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    fn judge(&self, name: &OsStr, rights: Rights) -> Result<(), TouchError> {
        let judged = match rights.kind {
            FileType::RegularFile => rights.written_file(self.caller, self.rights.owner, self.others),
            FileType::Symlink => Err(Objection::Link),
            _ => Err(Objection::NotAFile),
        };
        judged.map_err(|objection| {
            TouchError::Untrusted(Untrusted {
                path: self.path.join(name),
                objection,
                caller: self.caller,
            })
        })
    }
}

/// Judges a folder that is open, that stands in `above`, and into which something will be written.
///
/// # Errors
///
/// As for [`OwnFolder::open`]; and for root it must have the owner of the folder above, which
/// others may be able to put folders into.
pub fn look_at_written(
    folder: impl AsFd,
    above: impl AsFd,
    path: &Path,
    kind: WrittenKind,
) -> Result<(), TouchError> {
    let caller = Caller::of_process();
    let (rights, above) = (Rights::of(folder)?, Rights::of(above)?);
    let judged = rights
        .written_below(caller, above.owner)
        .and_then(|()| rights.written_folder(caller, kind));
    judged.map(|_| ()).map_err(|objection| {
        TouchError::Untrusted(Untrusted {
            path: path.to_owned(),
            objection,
            caller,
        })
    })
}

fn judged(arrived: &Arrived, kind: WrittenKind, caller: Caller) -> Result<Option<Writers>, TouchError> {
    let judged = match arrived.rights.kind {
        FileType::Directory => arrived.rights.written_folder(caller, kind),
        _ => Err(Objection::NotAFolder),
    };
    judged.map_err(|objection| {
        let objection = match (objection, &arrived.place) {
            (Objection::RootsFolder(user), Some((above, _))) if is_alone_in(above, user) => {
                Objection::LeftByRoot(user)
            }
            (objection, _) => objection,
        };
        arrived.refused(objection, caller)
    })
}

/// Whether a folder is this user's, and nobody else may put anything into it.
fn is_alone_in(folder: &OwnedFd, user: u32) -> bool {
    Rights::of(folder).is_ok_and(|rights| rights.owner == user && matches!(rights.read_folder(), Ok(None)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn temporary() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    }

    fn why<T: std::fmt::Debug>(outcome: Result<T, TouchError>) -> Objection {
        match outcome {
            Err(TouchError::Untrusted(untrusted)) => untrusted.objection,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn folders_and_files_are_made_for_their_owner_alone() {
        let above = temporary();
        let path = above.path().join("a/b");
        let folder = OwnFolder::open_or_make(&path, WrittenKind::State).expect("made");
        folder.open_or_create(OsStr::new("file")).expect("made");
        folder.open_or_create(OsStr::new("file")).expect("opened");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").mode() & 0o7777;
        assert_eq!(mode(&above.path().join("a")), 0o700);
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("file")), 0o600);
        assert!(folder.others_write().is_none());
    }

    #[test]
    fn a_link_a_pipe_and_a_second_name_are_refused_where_a_file_of_ours_should_be() {
        let above = temporary();
        std::fs::write(above.path().join("elsewhere"), "kept").expect("a file");
        let folder = OwnFolder::open_or_make(&above.path().join("own"), WrittenKind::State).expect("made");
        let at = |name: &str| folder.path().join(name);
        symlink(above.path().join("elsewhere"), at("link")).expect("a link");
        rustix::fs::mknodat(&folder.handle, "pipe", FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .expect("a pipe");
        std::fs::hard_link(above.path().join("elsewhere"), at("second")).expect("a name");
        set_mode(&above.path().join("elsewhere"), 0o600);
        let open = |name: &str| why(folder.open_or_create(OsStr::new(name)));
        assert_eq!(open("link"), Objection::Link);
        assert_eq!(open("pipe"), Objection::NotAFile);
        assert_eq!(open("second"), Objection::SecondName);
        assert_eq!(
            std::fs::read_to_string(above.path().join("elsewhere")).expect("text"),
            "kept"
        );
    }

    #[test]
    fn what_others_may_write_is_refused_and_a_group_of_a_volume_is_told() {
        let above = temporary();
        let path = above.path().join("own");
        let folder = OwnFolder::open_or_make(&path, WrittenKind::State).expect("made");
        folder.create(OsStr::new("file")).expect("made");
        for (mode, is_good) in [(0o660, false), (0o606, false), (0o644, true)] {
            set_mode(&path.join("file"), mode);
            assert_eq!(folder.look(OsStr::new("file")).is_ok(), is_good, "{mode:o}");
        }
        set_mode(&path, 0o777);
        assert!(matches!(
            why(OwnFolder::open(&path, WrittenKind::Store)),
            Objection::Writable(..)
        ));
        set_mode(&path, 0o2770);
        let volume = OwnFolder::open(&path, WrittenKind::State).expect("a volume");
        let told = volume.others_write().expect("a group").to_string();
        assert!(told.starts_with("the group "), "{told}");
        set_mode(&path.join("file"), 0o660);
        volume
            .open_file(OsStr::new("file"))
            .expect("the group is the same");
    }

    #[test]
    fn what_belongs_to_somebody_else_is_refused() {
        let above = temporary();
        let owner = std::fs::metadata(above.path()).expect("a folder").uid();
        let stranger = Caller { user: owner + 1 };
        let path = above.path().join("own");
        OwnFolder::open_or_make(&path, WrittenKind::Store).expect("made");
        let opened = OwnFolder::open_as(&path, WrittenKind::Store, stranger);
        if owner == 0 {
            // Root may write anywhere, so its folder is nobody else's.
            opened.expect("the folder is root's");
        } else {
            assert_eq!(why(opened), Objection::NotOurs(owner, owner + 1));
        }
    }

    #[test]
    fn what_root_makes_belongs_to_the_owner_of_the_folder() {
        let above = temporary();
        if !Caller::of_process().is_root() {
            crate::ownership::not_tested_here("that root gives its files away, for only root can");
            return;
        }
        let service = 4_000_123;
        std::os::unix::fs::chown(above.path(), Some(service), Some(service)).expect("given");
        let path = above.path().join("made/deeper");
        let folder = OwnFolder::open_or_make(&path, WrittenKind::State).expect("made");
        folder.open_or_create(OsStr::new("file")).expect("made");
        for path in [&above.path().join("made"), &path, &path.join("file")] {
            let metadata = std::fs::metadata(path).expect("there");
            assert_eq!((metadata.uid(), metadata.gid()), (service, service), "{path:?}");
        }
        // What it had left before as its own stays usable for it, and nobody else's is taken.
        std::os::unix::fs::chown(path.join("file"), Some(0), Some(0)).expect("taken back");
        folder.open_file(OsStr::new("file")).expect("root's own");
        let owner = || std::fs::metadata(path.join("file")).expect("there").uid();
        assert_eq!(owner(), service, "given again");
        std::os::unix::fs::chown(path.join("file"), Some(0), Some(0)).expect("taken back");
        folder.look(OsStr::new("file")).expect("a look");
        assert_eq!(owner(), 0, "a look changes nothing");
        folder.adopt(OsStr::new("file")).expect("root's own");
        assert_eq!(owner(), service);
        std::os::unix::fs::chown(path.join("file"), Some(service + 1), None).expect("given");
        assert_eq!(
            why(folder.open_file(OsStr::new("file"))),
            Objection::NotOurs(service + 1, service)
        );
    }
}
