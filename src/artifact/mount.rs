//! What the store is mounted on, and whether it can be written.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use crate::artifact::space;
use crate::ownership;
use crate::values::causes::said;
use crate::values::invocation::quoted;

const MOUNTS: &str = "/proc/self/mountinfo";

/// File systems that stand for a machine elsewhere, be it the host of this one, as
/// `mountinfo` names them.
const REMOTE: [&str; 32] = [
    "9p",
    "acfs",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "drvfs",
    "fuse.ceph",
    "fuse.cephfs",
    "fuse.davfs2",
    "fuse.glusterfs",
    "fuse.gcsfuse",
    "fuse.juicefs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.smbnetfs",
    "fuse.sshfs",
    "fuse.vmhgfs-fuse",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "prl_fs",
    "smb3",
    "smbfs",
    "vboxsf",
    "virtiofs",
    "vmhgfs",
];

/// What a path is mounted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mount {
    /// Nothing but `/`.
    NotMounted,
    /// A file system of this machine, of this type.
    Local(String),
    /// A file system of a network, of this type.
    Remote(String),
}

/// What holds `path`, or will once it is made. Links in it are followed first.
pub fn kind(path: &Path) -> io::Result<Mount> {
    let path = resolve(path)?;
    let mounts = std::fs::read(MOUNTS)?;
    Ok(kind_in(&mounts, &path))
}

/// What speaks against keeping the history on a file system of this kind.
pub fn against_history(mount: &Mount) -> Option<String> {
    match mount {
        Mount::Remote(kind) => Some(format!(
            "it is on a {kind} file system: locks and syncs of networks can fail in silence, and with them the \
             memory of what is quiesced; put it on a disk of this machine (settings.history)"
        )),
        Mount::NotMounted | Mount::Local(_) => None,
    }
}

/// What speaks against keeping the history on a file system of this kind where the backups are on another: what is in
/// memory does not outlive the machine.
pub fn against_memory(history: &Mount, store: &Mount) -> Option<String> {
    let in_memory = |mount: &Mount| match mount {
        Mount::Local(kind) if matches!(kind.as_str(), "tmpfs" | "ramfs") => Some(kind.clone()),
        _ => None,
    };
    // Where all of it is in memory somebody tries something, and wants it so.
    let kind = in_memory(history).filter(|_| in_memory(store).is_none())?;
    Some(format!(
        "it is in memory ({kind}): after a power cut nobody knows any more what is quiesced, nor which backups there are"
    ))
}

/// Why files could not be made in a folder.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    /// Neither it nor a folder above it can be looked at.
    #[error("{} cannot be looked at", .0.display())]
    Unseen(PathBuf),
    /// A folder on the way lets this user not through: whether what is below it is there, nobody knows.
    #[error("{} belongs to {}, and this user may not enter it", .0.display(), owner_of(.0))]
    Shut(PathBuf),
    /// It, or a folder above it, is a link, and nothing is where that leads.
    #[error("{} is a link to {}, and nothing is there: is its file system not mounted?", .0.display(), .1.display())]
    LeadsNowhere(PathBuf, PathBuf),
    /// No path of this kind can be: links in a circle, a name that is too long.
    #[error("{} cannot be looked at: {}", .0.display(), said(.1))]
    NoPath(PathBuf, io::Error),
    /// Something else stands in its place.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// Rights are missing, or it is mounted read-only.
    #[error("{} cannot be written: {}", .0.display(), said(.1))]
    Denied(PathBuf, io::Error),
    /// The file system is one of the kernel's own, such as `/proc`.
    #[error("{} is on a file system that holds no files (0 B in all)", .0.display())]
    NoRoom(PathBuf),
}

impl Unwritable {
    /// What to do about it, where `wanted` is the folder that the key of the settings names.
    pub fn advice(&self, wanted: &Path, key: &str) -> String {
        let change = format!("change `{key}` in the settings");
        match self {
            Self::Unseen(_) => "check the path".to_owned(),
            Self::LeadsNowhere(..) => format!("mount it, mend the link, or {change}"),
            Self::NoPath(..) => change,
            Self::NotAFolder(_) => format!("move that file away, or {change}"),
            Self::NoRoom(_) => change,
            Self::Denied(_, error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                format!("mount it for writing, or {change}")
            }
            // `su` and `sudo` leave the home of somebody else, and a service may have none.
            Self::Shut(_) | Self::Denied(..) if wanted.ends_with(USUAL_STATE) => format!(
                "it stands where $HOME says: let $HOME be the home of the user who runs dpbackup, or write `{key}` under \
                 [settings]"
            ),
            Self::Shut(folder) => format!(
                "run dpbackup as {}, let the user who runs it enter that folder, or {change}",
                owner_of(folder)
            ),
            Self::Denied(there, _) if is_own(there) => {
                format!("run `chmod u+rwx {}`", quoted(&there.to_string_lossy()))
            }
            Self::Denied(there, _) => match ownership::command_to_make(wanted, there) {
                Some(command) => format!("run `{command}` as root, or {change}"),
                None => format!(
                    "it belongs to {}: run dpbackup as that user, or {change}",
                    owner_of(there)
                ),
            },
        }
    }
}

/// Where the history of a user is, below the home, whom no plan file tells otherwise.
const USUAL_STATE: &str = ".local/state/dpbackup";

/// Whose a file or a folder is, in words.
pub fn owner_of(path: &Path) -> String {
    match path.metadata().map(|found| found.uid()) {
        Ok(0) => "root".to_owned(),
        Ok(user) => format!("user {user}"),
        Err(_) => "somebody".to_owned(),
    }
}

/// Whether a folder belongs to the user who runs this.
pub fn is_own(folder: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    folder.metadata().is_ok_and(|found| found.uid() == user)
}

/// Whether files could be made in a folder, as far as looking tells: nothing is made. One that
/// is not there is judged by the nearest above it that is, in which it would be made; which of
/// them was looked at comes back.
pub fn could_be_written(folder: &Path) -> Result<&Path, Unwritable> {
    let mut is_shut = false;
    let mut above = None;
    for folder in folder.ancestors() {
        match folder.try_exists() {
            Ok(true) => {
                above = Some(folder);
                break;
            }
            Ok(false) => {
                if let Ok(target) = folder.read_link() {
                    return Err(Unwritable::LeadsNowhere(folder.to_owned(), target));
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::PermissionDenied => is_shut = true,
                // The file on the way is met next.
                io::ErrorKind::NotADirectory => {}
                _ => return Err(Unwritable::NoPath(folder.to_owned(), error)),
            },
        }
    }
    let there = above.ok_or_else(|| Unwritable::Unseen(folder.to_owned()))?;
    if is_shut {
        return Err(Unwritable::Shut(there.to_owned()));
    }
    if !there.is_dir() {
        return Err(Unwritable::NotAFolder(there.to_owned()));
    }
    // One that is there already is opened first; another is made in the one above it.
    let read = if there == folder {
        Access::READ_OK
    } else {
        Access::empty()
    };
    rustix::fs::access(there, read | Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|errno| Unwritable::Denied(there.to_owned(), errno.into()))?;
    match space::space(there) {
        Ok(space) if space.total == 0 && !is_of_a_program(there) => Err(Unwritable::NoRoom(there.to_owned())),
        _ => Ok(there),
    }
}

/// Whether a program of its own (FUSE) serves the file system. Some of them do not tell their size.
fn is_of_a_program(path: &Path) -> bool {
    match kind(path) {
        Ok(Mount::Local(kind) | Mount::Remote(kind)) => kind.starts_with("fuse"),
        Ok(Mount::NotMounted) | Err(_) => false,
    }
}

/// The path without links, as far as it exists.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut at = path.as_path();
    loop {
        match at.canonicalize() {
            Ok(resolved) => {
                // Looking inside makes an automounter mount what it has promised. A file, or a
                // folder that may not be read, promises nothing.
                let _mounted_now = std::fs::read_dir(&resolved).map(|mut entries| entries.next());
                let rest = path.strip_prefix(at).map_err(io::Error::other)?;
                return Ok(resolved.join(rest));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => match at.parent() {
                Some(parent) => at = parent,
                None => return Err(error),
            },
            Err(error) => return Err(error),
        }
    }
}

/// The answer of [`kind`], from the text of `mountinfo` (proc(5)) and a resolved path.
fn kind_in(mounts: &[u8], path: &Path) -> Mount {
    let mut best: Option<(PathBuf, String)> = None;
    for line in mounts.split(|byte| *byte == b'\n') {
        let Some((point, file_system)) = parse(line) else {
            continue;
        };
        let depth = |point: &Path| point.components().count();
        // Of two mounts on one point the later one hides the earlier.
        if path.starts_with(&point) && best.as_ref().is_none_or(|(held, _)| depth(&point) >= depth(held)) {
            best = Some((point, file_system));
        }
    }
    match best {
        None => Mount::NotMounted,
        Some((point, _)) if point == Path::new("/") => Mount::NotMounted,
        // A promise that was not kept.
        Some((_, file_system)) if file_system == "autofs" => Mount::NotMounted,
        Some((_, file_system)) if REMOTE.contains(&file_system.as_str()) => Mount::Remote(file_system),
        Some((_, file_system)) => Mount::Local(file_system),
    }
}

/// The mount point and the type of the file system of one line:
/// `36 35 98:0 /root /point rw,noatime shared:1 - ext3 /dev/root rw`.
fn parse(line: &[u8]) -> Option<(PathBuf, String)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let point = unescape(fields.nth(4)?);
    let file_system = fields.skip_while(|field| *field != b"-").nth(1)?;
    let file_system = String::from_utf8_lossy(file_system).into_owned();
    Some((PathBuf::from(OsString::from_vec(point)), file_system))
}

/// Blanks, tabs, line ends and backslashes stand as three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        match after {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', beyond @ ..] if byte == b'\\' => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = beyond;
            }
            _ => {
                plain.push(byte);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
24 22 8:2 / /backup rw,noatime shared:2 master:3 - xfs /dev/sda2 rw
25 24 0:40 / /backup/far rw - nfs4 filer:/vol rw,vers=4.2
26 22 0:41 / /mnt/with\\040blank rw - cifs //filer/share rw
27 22 0:42 / /auto rw - autofs /etc/auto rw
28 22 0:43 / /auto/kept rw - autofs /etc/auto rw
29 28 0:44 / /auto/kept rw - nfs filer:/kept rw
30 22 0:45 / /ssh rw shared:9 propagate_from:2 - fuse.sshfs user@host: rw
31 22 0:46 / /back\\134slash rw - tmpfs tmpfs rw
";

    #[test]
    fn a_folder_of_the_callers_own_that_may_not_be_written_is_given_its_rights() {
        let folder = tempfile::tempdir().expect("a folder");
        let denied = Unwritable::Denied(
            folder.path().to_owned(),
            io::Error::from(io::ErrorKind::PermissionDenied),
        );
        let expected = format!("run `chmod u+rwx {}`", folder.path().display());
        assert_eq!(denied.advice(folder.path(), "history"), expected);
    }

    #[test]
    fn the_longest_mount_point_above_a_path_decides() {
        let local = |kind: &str| Mount::Local(kind.to_owned());
        let remote = |kind: &str| Mount::Remote(kind.to_owned());
        let cases = [
            ("/", Mount::NotMounted),
            ("/var/backup", Mount::NotMounted),
            ("/backup", local("xfs")),
            ("/backup/a/b", local("xfs")),
            ("/backups", Mount::NotMounted),
            ("/backup/far", remote("nfs4")),
            ("/backup/far/a", remote("nfs4")),
            ("/backup/farther", local("xfs")),
            ("/mnt/with blank/a", remote("cifs")),
            ("/mnt/with", Mount::NotMounted),
            ("/auto/promised", Mount::NotMounted),
            ("/auto/kept/a", remote("nfs")),
            ("/ssh", remote("fuse.sshfs")),
            ("/back\\slash", local("tmpfs")),
        ];
        for (path, expected) in cases {
            assert_eq!(kind_in(TABLE.as_bytes(), Path::new(path)), expected, "of {path}");
        }
    }

    #[test]
    fn only_a_network_speaks_against_keeping_the_history_there() {
        assert_eq!(against_history(&Mount::NotMounted), None);
        for line in TABLE.lines().filter_map(|line| parse(line.as_bytes())) {
            let mount = kind_in(TABLE.as_bytes(), &line.0);
            let warning = against_history(&mount);
            match &mount {
                Mount::Remote(kind) => assert!(warning.is_some_and(|text| text.contains(kind)), "{mount:?}"),
                _ => assert_eq!(warning, None, "{mount:?}"),
            }
        }
        for kind in REMOTE {
            assert!(
                against_history(&Mount::Remote(kind.to_owned())).is_some(),
                "{kind}"
            );
        }
    }

    #[test]
    fn memory_speaks_against_a_history_whose_backups_are_elsewhere() {
        let local = |kind: &str| Mount::Local(kind.to_owned());
        for kind in ["tmpfs", "ramfs"] {
            let said = against_memory(&local(kind), &local("xfs")).unwrap_or_default();
            assert!(said.contains(kind), "{said}");
            assert_eq!(against_memory(&local(kind), &local("tmpfs")), None);
        }
        for disk in [Mount::NotMounted, local("xfs"), Mount::Remote("nfs".to_owned())] {
            assert_eq!(against_memory(&disk, &Mount::NotMounted), None);
        }
    }

    #[test]
    fn lines_that_make_no_sense_are_passed_over() {
        for table in [
            "",
            "\n\n",
            "1 2 3",
            "1 2 3:4 / /backup rw",
            "1 2 3:4 / /backup rw -",
        ] {
            assert_eq!(kind_in(table.as_bytes(), Path::new("/backup")), Mount::NotMounted);
        }
    }

    #[test]
    fn octal_escapes_are_undone_and_nothing_else() {
        assert_eq!(unescape(b"a\\040b\\011c\\012d\\134e"), b"a b\tc\nd\\e");
        assert_eq!(unescape(b"\\04"), b"\\04");
        assert_eq!(unescape(b"\\999"), b"\\999");
        assert_eq!(unescape(b"\\377"), b"\xff");
    }

    #[test]
    fn the_table_of_this_machine_can_be_read() {
        assert_eq!(kind(Path::new("/")).expect("a kind"), Mount::NotMounted);
        assert_eq!(
            kind(Path::new("/proc/self")).expect("a kind"),
            Mount::Local("proc".to_owned())
        );
    }

    #[test]
    fn links_are_followed_before_the_table_is_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/proc", &link).expect("a link");
        let expected = Mount::Local("proc".to_owned());
        assert_eq!(kind(&link).expect("a kind"), expected);
        assert_eq!(kind(&link.join("not/there")).expect("a kind"), expected);
    }
}
