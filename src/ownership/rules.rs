//! What may be said against a file or a folder, from its owner and its mode alone.

use std::os::fd::AsFd;

use rustix::fs::{FileType, StatVfsMountFlags};
use rustix::io::Errno;

use crate::ownership::caller::Caller;
use crate::ownership::error::Writers;
use crate::ownership::refusal::{GROUP_WRITES, OTHERS_WRITE, Objection};

const GROUP_READS: u32 = 0o040;
const OTHERS_READ: u32 = 0o004;
const SET_GROUP: u32 = 0o2000;
const STICKY: u32 = 0o1000;

/// What the system says of a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rights {
    pub(super) owner: u32,
    pub(super) group: u32,
    /// The bits of `chmod`.
    pub(super) mode: u32,
    pub(super) kind: FileType,
    /// Whether it has a second name (a hard link). Folders have many.
    pub(super) has_more_names: bool,
    /// Whether it is mounted so that nobody can write to it, whatever its mode says: a
    /// ConfigMap of Kubernetes is a folder of mode 0777, mounted read-only.
    pub(super) is_read_only: bool,
}

impl Rights {
    /// What holds for something that is open, be it only to be looked at.
    pub(super) fn of(handle: impl AsFd) -> Result<Self, Errno> {
        let stat = rustix::fs::fstat(&handle)?;
        // Where it cannot be told, it can be written.
        let is_read_only =
            rustix::fs::fstatvfs(&handle).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY));
        Ok(Self {
            owner: stat.st_uid,
            group: stat.st_gid,
            mode: stat.st_mode & 0o7777,
            kind: FileType::from_raw_mode(stat.st_mode),
            has_more_names: stat.st_nlink > 1,
            is_read_only,
        })
    }

    /// Those of the bits that let somebody write who may.
    fn writers(self) -> u32 {
        match self.is_read_only {
            true => 0,
            false => self.mode & (GROUP_WRITES | OTHERS_WRITE),
        }
    }

    /// What speaks against writers. Nobody is told to change the mode of `/tmp`.
    fn writable(self, bits: u32) -> Objection {
        match self.mode & STICKY != 0 && bits & OTHERS_WRITE != 0 {
            true => Objection::Shared,
            false => Objection::Writable(bits, self.group),
        }
    }

    fn if_no_writers(self) -> Result<(), Objection> {
        match self.writers() {
            0 => Ok(()),
            bits => Err(self.writable(bits)),
        }
    }

    /// What is executed or believed: a file, or the folder that is asked of most.
    pub(super) fn believed(self, caller: Caller) -> Result<(), Objection> {
        if !caller.is_or_root(self.owner) {
            return Err(Objection::Owner(self.owner));
        }
        self.if_no_writers()
    }

    /// A folder on the way to what is believed. Who may write to one that is sticky cannot
    /// take away or replace what belongs to root or the caller, and everything that follows is
    /// asked whose it is.
    pub(super) fn on_the_way(self, caller: Caller) -> Result<(), Objection> {
        match self.mode & STICKY {
            0 => self.believed(caller),
            _ if caller.is_or_root(self.owner) => Ok(()),
            _ => Err(Objection::Owner(self.owner)),
        }
    }

    /// A symbolic link: whoever owns it could lead it elsewhere.
    pub(super) fn link(self, caller: Caller) -> Result<(), Objection> {
        match caller.is_or_root(self.owner) {
            true => Ok(()),
            false => Err(Objection::LinkOwner(self.owner)),
        }
    }

    /// What holds a secret. A group may read it where root owns the file, as mounted secrets
    /// are: it was root who chose the group.
    pub(super) fn secret(self, caller: Caller, granted: Granted) -> Result<(), Objection> {
        if !caller.is_or_root(self.owner) {
            return Err(Objection::Owner(self.owner));
        }
        self.if_no_writers()?;
        let is_group_allowed = self.owner == 0 || granted == Granted::GroupToo;
        let allowed = if is_group_allowed { GROUP_READS } else { 0 };
        match self.mode & (GROUP_READS | OTHERS_READ) & !allowed {
            0 => Ok(()),
            _ if self.owner == caller.user => Err(Objection::Readable),
            _ => Err(Objection::ReadableByAll),
        }
    }

    /// A folder into which this program writes. For root anybody may own it: what root makes
    /// there is given to that owner.
    pub(super) fn written_folder(
        self,
        caller: Caller,
        kind: WrittenKind,
    ) -> Result<Option<Writers>, Objection> {
        if !caller.is_root() && !caller.is_or_root(self.owner) {
            return Err(Objection::NotOurs(self.owner, caller.user));
        }
        // Nobody but root writes there, and what is to be remembered is not asked for in vain.
        let is_roots_alone = self.owner == 0 && self.writers() == 0 && !self.is_read_only;
        if kind == WrittenKind::State && is_roots_alone && !caller.is_root() {
            return Err(Objection::RootsFolder(caller.user));
        }
        let is_chosen = caller.is_or_root(self.owner);
        // Kubernetes gives a volume to a group in this form.
        let is_volume = self.mode & SET_GROUP != 0;
        match (self.writers(), kind) {
            (0, _) => Ok(None),
            (GROUP_WRITES, WrittenKind::Store) if is_chosen => Ok(Some(Writers::Group(self.group))),
            (GROUP_WRITES, WrittenKind::State) if is_chosen && is_volume => {
                Ok(Some(Writers::Group(self.group)))
            }
            // A file system in memory is such, and what is ours in it stays.
            (_, WrittenKind::Store) if is_chosen && self.mode & STICKY != 0 => Ok(Some(Writers::Everybody)),
            (bits, _) => Err(self.writable(bits)),
        }
    }

    /// What stands in a folder of ours: it is the caller's or, for root, of the folder's owner.
    pub(super) fn written_below(self, caller: Caller, folder_owner: u32) -> Result<(), Objection> {
        let expected = if caller.is_root() {
            folder_owner
        } else {
            caller.user
        };
        if self.owner == caller.user || self.owner == expected {
            return Ok(());
        }
        // By a second name he could have put there what is root's elsewhere.
        let is_a_name_alone = self.kind != FileType::RegularFile || !self.has_more_names;
        match self.owner == 0 && folder_owner == expected && is_a_name_alone {
            true => Err(Objection::LeftByRoot(expected)),
            false => Err(Objection::NotOurs(self.owner, expected)),
        }
    }

    /// A file in such a folder, of which `folder` says who else may write to it.
    pub(super) fn written_file(
        self,
        caller: Caller,
        folder_owner: u32,
        folder: Option<Writers>,
    ) -> Result<(), Objection> {
        self.written_below(caller, folder_owner)?;
        if self.has_more_names {
            return Err(Objection::SecondName);
        }
        self.read_file(folder)
    }
}

impl Rights {
    /// A folder that holds what will only be read; the group that may write to it, where it is a
    /// volume that was given to one.
    pub(super) fn read_folder(self) -> Result<Option<Writers>, Objection> {
        match self.writers() {
            0 => Ok(None),
            GROUP_WRITES if self.mode & SET_GROUP != 0 => Ok(Some(Writers::Group(self.group))),
            bits => Err(self.writable(bits)),
        }
    }

    /// A file in such a folder: whose it is does not matter to who reads it, but who may change it.
    pub(super) fn read_file(self, folder: Option<Writers>) -> Result<(), Objection> {
        match self.writers() {
            GROUP_WRITES if folder == Some(Writers::Group(self.group)) => Ok(()),
            _ => self.if_no_writers(),
        }
    }
}

/// Who else may read what holds a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// Nobody; but where root owns the file, its group.
    Nobody,
    /// Its group, whoever owns it: systemd lets the user of a service in by an access list,
    /// which shows as a right of the group.
    GroupToo,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenKind {
    /// Backups: a group may write beside us, and `check` tells it.
    Store,
    /// The memory of what was done: a group may write only to a volume that was given to it.
    State,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Caller = Caller { user: 0 };
    const SERVICE: Caller = Caller { user: 990 };
    const STRANGER: u32 = 1001;

    fn rights(owner: u32, mode: u32) -> Rights {
        Rights {
            owner,
            group: 2000,
            mode,
            kind: FileType::RegularFile,
            has_more_names: false,
            is_read_only: false,
        }
    }

    #[test]
    fn what_is_believed_is_the_callers_or_roots_and_nobody_elses_to_write() {
        for caller in [ROOT, SERVICE] {
            for mode in [0o600, 0o640, 0o644, 0o755, 0o555] {
                assert_eq!(rights(0, mode).believed(caller), Ok(()), "{mode:o}");
                assert_eq!(rights(caller.user, mode).believed(caller), Ok(()), "{mode:o}");
                assert_eq!(
                    rights(STRANGER, mode).believed(caller),
                    Err(Objection::Owner(STRANGER))
                );
            }
            for (mode, bits) in [(0o660, 0o020), (0o602, 0o002), (0o666, 0o022)] {
                let objection = Err(Objection::Writable(bits, 2000));
                assert_eq!(rights(0, mode).believed(caller), objection, "{mode:o}");
                assert_eq!(rights(caller.user, mode).believed(caller), objection, "{mode:o}");
            }
        }
        assert_eq!(rights(0, 0o1777).believed(ROOT), Err(Objection::Shared));
        // The service user's file is not root's to believe: it may change under its hands.
        assert_eq!(rights(990, 0o600).believed(ROOT), Err(Objection::Owner(990)));
    }

    #[test]
    fn what_is_mounted_read_only_has_no_writers() {
        let mounted = Rights {
            is_read_only: true,
            ..rights(0, 0o777)
        };
        assert_eq!(mounted.believed(SERVICE), Ok(()));
        let of_a_stranger = Rights {
            owner: STRANGER,
            ..mounted
        };
        assert_eq!(of_a_stranger.believed(SERVICE), Err(Objection::Owner(STRANGER)));
    }

    #[test]
    fn a_sticky_folder_may_lead_to_what_is_believed_and_an_open_one_may_not() {
        assert_eq!(rights(0, 0o1777).on_the_way(SERVICE), Ok(()));
        assert_eq!(
            rights(0, 0o777).on_the_way(SERVICE),
            Err(Objection::Writable(0o022, 2000))
        );
        assert_eq!(
            rights(STRANGER, 0o1777).on_the_way(SERVICE),
            Err(Objection::Owner(STRANGER))
        );
    }

    #[test]
    fn a_secret_is_read_by_its_owner_and_by_a_group_that_root_chose() {
        for (owner, mode) in [(990, 0o600), (990, 0o400), (0, 0o440), (0, 0o640), (0, 0o400)] {
            assert_eq!(
                rights(owner, mode).secret(SERVICE, Granted::Nobody),
                Ok(()),
                "{owner} {mode:o}"
            );
        }
        for (owner, mode, objection) in [
            (990, 0o640, Objection::Readable),
            (990, 0o604, Objection::Readable),
            (0, 0o444, Objection::ReadableByAll),
            (0, 0o604, Objection::ReadableByAll),
            (0, 0o460, Objection::Writable(0o020, 2000)),
            (990, 0o620, Objection::Writable(0o020, 2000)),
            (STRANGER, 0o600, Objection::Owner(STRANGER)),
        ] {
            assert_eq!(
                rights(owner, mode).secret(SERVICE, Granted::Nobody),
                Err(objection),
                "{owner} {mode:o}"
            );
        }
        assert_eq!(rights(990, 0o440).secret(SERVICE, Granted::GroupToo), Ok(()));
        assert!(rights(990, 0o444).secret(SERVICE, Granted::GroupToo).is_err());
    }

    #[test]
    fn a_written_folder_is_the_callers_or_for_root_anybodys() {
        for kind in [WrittenKind::Store, WrittenKind::State] {
            for (caller, owner) in [(SERVICE, 990), (SERVICE, 0), (ROOT, 0), (ROOT, 990)] {
                let judged = rights(owner, 0o755).written_folder(caller, kind);
                match (kind, caller, owner) {
                    // Into which the service cannot write either.
                    (WrittenKind::State, SERVICE, 0) => assert_eq!(judged, Err(Objection::RootsFolder(990))),
                    _ => assert_eq!(judged, Ok(None)),
                }
                for mode in [0o777, 0o702] {
                    assert!(rights(owner, mode).written_folder(caller, kind).is_err());
                }
            }
            assert_eq!(
                rights(STRANGER, 0o700).written_folder(SERVICE, kind),
                Err(Objection::NotOurs(STRANGER, 990))
            );
        }
    }

    #[test]
    fn a_group_may_write_to_a_store_and_to_a_volume_that_was_given_to_it() {
        let folder = |owner, mode, caller, kind| rights(owner, mode).written_folder(caller, kind);
        let (store, state) = (WrittenKind::Store, WrittenKind::State);
        for (owner, mode, kind) in [
            (0, 0o2775, store),
            (0, 0o775, store),
            (990, 0o770, store),
            (0, 0o2775, state),
        ] {
            assert_eq!(
                folder(owner, mode, SERVICE, kind),
                Ok(Some(Writers::Group(2000))),
                "{owner} {mode:o}"
            );
        }
        assert_eq!(folder(0, 0o1777, SERVICE, store), Ok(Some(Writers::Everybody)));
        assert_eq!(folder(0, 0o1777, SERVICE, state), Err(Objection::Shared));
        assert_eq!(folder(990, 0o1777, ROOT, store), Err(Objection::Shared));
        assert!(folder(990, 0o770, SERVICE, state).is_err());
        // Root works beside the service user, whose choice of a group is not root's.
        assert!(folder(990, 0o2775, ROOT, store).is_err());
        assert!(folder(0, 0o2777, SERVICE, store).is_err());
    }

    #[test]
    fn a_written_file_is_the_callers_has_one_name_and_no_other_writer() {
        let file = |owner, mode, caller, folder: (u32, Option<u32>)| {
            rights(owner, mode).written_file(caller, folder.0, folder.1.map(Writers::Group))
        };
        assert_eq!(file(990, 0o600, SERVICE, (990, None)), Ok(()));
        assert_eq!(file(990, 0o600, ROOT, (990, None)), Ok(()));
        assert_eq!(file(0, 0o600, ROOT, (990, None)), Ok(()));
        assert_eq!(
            file(0, 0o600, SERVICE, (990, None)),
            Err(Objection::LeftByRoot(990))
        );
        assert_eq!(
            file(0, 0o600, SERVICE, (0, Some(2000))),
            Err(Objection::NotOurs(0, 990)),
            "it stands where the group could have put it"
        );
        assert_eq!(
            file(STRANGER, 0o600, ROOT, (990, None)),
            Err(Objection::NotOurs(STRANGER, 990))
        );
        assert!(file(990, 0o660, SERVICE, (990, None)).is_err());
        assert_eq!(file(990, 0o660, SERVICE, (0, Some(2000))), Ok(()));
        assert!(file(990, 0o660, SERVICE, (0, Some(2001))).is_err());
        assert!(file(990, 0o662, SERVICE, (0, Some(2000))).is_err());
        let twice = Rights {
            has_more_names: true,
            ..rights(990, 0o600)
        };
        assert_eq!(twice.written_file(SERVICE, 990, None), Err(Objection::SecondName));
        let of_root = Rights { owner: 0, ..twice };
        assert_eq!(
            of_root.written_file(SERVICE, 990, None),
            Err(Objection::NotOurs(0, 990)),
            "he could have put it there"
        );
    }
}
