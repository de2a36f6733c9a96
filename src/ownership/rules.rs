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
#[path = "rules_tests.rs"]
mod tests;
