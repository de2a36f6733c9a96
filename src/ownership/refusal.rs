//! What is said of a file or a folder that is not used, and what mends it.
//!
//! A command that is printed will be pasted by root. So none makes anybody the owner of what he could not have
//! replaced before: not of a folder that others use, such as `/var/lib`, nor of what somebody else has made, which may
//! be anything. A folder of its own is made instead, and what somebody else has made is for a person to read.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::ownership::caller::Caller;
use crate::values::invocation::quoted;

pub(super) const GROUP_WRITES: u32 = 0o020;
pub(super) const OTHERS_WRITE: u32 = 0o002;

/// What speaks against a file or a folder. Users and groups are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    /// It belongs to neither the caller nor root.
    Owner(u32),
    /// It is a link of somebody else.
    LinkOwner(u32),
    /// Somebody else may write to it: which bits of the mode, and which group it has.
    Writable(u32, u32),
    /// It is a folder for everybody, such as `/tmp`.
    Shared,
    /// Others than its owner may read it.
    Readable,
    /// Others than its owner and its group may read it.
    ReadableByAll,
    /// It is written, and belongs to this user instead of that.
    NotOurs(u32, u32),
    /// It is written by this user, who owns the folder in which it stands, and root has left it there.
    LeftByRoot(u32),
    /// It is a folder of root's, into which this user may not write.
    RootsFolder(u32),
    /// It is such a folder, and what is to be written may be in it already.
    KeptByRoot(u32),
    /// It has a second name, by which others may have it too.
    SecondName,
    /// A link stands where none may.
    Link,
    /// It is no regular file.
    NotAFile,
    /// It is no folder.
    NotAFolder,
}

/// A file or a folder that others than root and the caller could have made or changed, or
/// can read. Says what mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untrusted {
    pub(super) path: PathBuf,
    pub(super) objection: Objection,
    pub(super) caller: Caller,
}

impl Untrusted {
    /// Whether others than its owner may write to it: that is so whoever looks.
    pub fn lets_others_write(&self) -> bool {
        matches!(self.objection, Objection::Writable(..) | Objection::Shared)
    }

    /// What is wrong with it.
    pub fn what(&self) -> String {
        let path = self.path.display();
        match self.objection {
            Objection::Owner(owner) => {
                let owner = shown(owner);
                format!("{path} belongs to {owner}, neither to root nor to the user who runs dpbackup")
            }
            Objection::LinkOwner(owner) => {
                format!(
                    "{path} is a link of {}, who could lead it elsewhere",
                    shown(owner)
                )
            }
            Objection::Writable(bits, group) => {
                let who = match bits {
                    GROUP_WRITES => format!("its group ({group})"),
                    OTHERS_WRITE => "everybody".to_owned(),
                    _ => format!("its group ({group}) and everybody else"),
                };
                format!("{path} can be written by {who}")
            }
            Objection::Shared => {
                format!("{path} is a folder into which everybody may put files: choose one of your own")
            }
            Objection::Readable => format!("{path} can be read by others than its owner"),
            Objection::ReadableByAll => format!("{path} can be read by everybody"),
            Objection::NotOurs(owner, expected) => {
                format!(
                    "{path} belongs to {}, and should to {}",
                    shown(owner),
                    shown(expected)
                )
            }
            Objection::LeftByRoot(user) => format!("{path} belongs to root, and should to {}", shown(user)),
            Objection::RootsFolder(user) | Objection::KeptByRoot(user) => {
                format!("{path} belongs to root, and {} may not write there", shown(user))
            }
            Objection::SecondName => format!("{path} has a second name (a hard link)"),
            Objection::Link => format!("{path} is a symbolic link, and none may stand there"),
            Objection::NotAFile => format!("{path} is not a regular file: name one that is"),
            Objection::NotAFolder => {
                format!("{path} is not a folder: move that file away, or name another place")
            }
        }
    }

    /// What mends it: a command to be pasted, or what a person has to look at.
    pub fn advice(&self) -> Option<String> {
        let told = match self.objection {
            Objection::Owner(owner) if self.caller.user == 0 => {
                return Some(format!(
                    "run dpbackup as {}, or use a copy that you have read, in a folder of your own",
                    shown(owner)
                ));
            }
            Objection::Owner(_) => "use a copy that you have read, in a folder of your own",
            Objection::KeptByRoot(_) => {
                "run dpbackup as root: a history may be there, and in another place an empty one would begin"
            }
            Objection::LinkOwner(_) => "name what you mean by it, without the link",
            Objection::NotOurs(owner, _) => {
                return Some(format!(
                    "run dpbackup as {} if it is that user's, else look at what it holds, or name a place of your own in \
                     the plan file",
                    shown(owner)
                ));
            }
            Objection::RootsFolder(_) => {
                return Some(format!(
                    "run `{}`, and name a place in that folder in the plan file",
                    self.command()?
                ));
            }
            _ => return Some(format!("run `{}`", self.command()?)),
        };
        Some(told.to_owned())
    }

    /// The command that mends it, to be pasted, if there is one that gives nothing away.
    fn command(&self) -> Option<String> {
        let text = self.path.to_string_lossy();
        let path = quoted(&text);
        match self.objection {
            Objection::Writable(GROUP_WRITES, _) => Some(format!("chmod g-w {path}")),
            Objection::Writable(OTHERS_WRITE, _) => Some(format!("chmod o-w {path}")),
            Objection::Writable(..) => Some(format!("chmod go-w {path}")),
            Objection::Readable => Some(format!("chmod 600 {path}")),
            Objection::ReadableByAll => Some(format!("chmod o-rwx {path}")),
            // Its folder is his: he could have replaced it. A link that he has put there meanwhile is not followed.
            Objection::LeftByRoot(user) => Some(format!("chown -h {user} {path}")),
            Objection::RootsFolder(user) => Some(making(&free_in(&self.path, user), &self.path, user)),
            Objection::SecondName => {
                let copy = format!("{text}.copy");
                let copy = quoted(&copy);
                Some(format!("cp -p {path} {copy} && mv {copy} {path}"))
            }
            Objection::Owner(_)
            | Objection::LinkOwner(_)
            | Objection::NotOurs(..)
            | Objection::KeptByRoot(_)
            | Objection::Shared
            | Objection::Link
            | Objection::NotAFile
            | Objection::NotAFolder => None,
        }
    }
}

/// The command by which root makes a folder that is not there yet, for this user alone; `above` is the nearest one
/// that is there. It takes over nothing: what has come to stand in its place meanwhile makes it fail.
pub(super) fn making(folder: &Path, above: &Path, user: u32) -> String {
    let text = folder.to_string_lossy();
    let path = quoted(&text);
    let made = format!("mkdir -m 700 {path} && chown {user} {path}");
    match folder.parent() {
        Some(parent) if parent != above => {
            format!("mkdir -p {} && {made}", quoted(&parent.to_string_lossy()))
        }
        _ => made,
    }
}

/// A folder of this program in another one, by a name that nothing has there.
fn free_in(folder: &Path, user: u32) -> PathBuf {
    let first = folder.join("dpbackup");
    let more = (1_u32..).map(|number| match number {
        1 => folder.join(format!("dpbackup-{user}")),
        number => folder.join(format!("dpbackup-{user}-{number}")),
    });
    let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
    std::iter::once(first)
        .chain(more)
        .find(is_free)
        .unwrap_or_else(|| folder.to_owned())
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what())?;
        match self.advice() {
            Some(advice) => write!(f, ": {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Untrusted {}

/// A user in a sentence.
fn shown(user: u32) -> String {
    match user {
        0 => "root".to_owned(),
        user => format!("user {user}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Caller = Caller { user: 0 };
    const SERVICE: Caller = Caller { user: 990 };

    #[test]
    fn each_objection_says_who_could_do_what_and_what_mends_it() {
        let words = |objection, caller| {
            Untrusted {
                path: PathBuf::from("/srv/two words"),
                objection,
                caller,
            }
            .to_string()
        };
        insta::assert_snapshot!(
            [
                words(Objection::Owner(1001), ROOT),
                words(Objection::Owner(1001), SERVICE),
                words(Objection::LinkOwner(1001), ROOT),
                words(Objection::Writable(0o020, 2000), ROOT),
                words(Objection::Writable(0o002, 2000), ROOT),
                words(Objection::Writable(0o022, 2000), ROOT),
                words(Objection::Shared, ROOT),
                words(Objection::Readable, ROOT),
                words(Objection::ReadableByAll, ROOT),
                words(Objection::NotOurs(1001, 990), SERVICE),
                words(Objection::LeftByRoot(990), SERVICE),
                words(Objection::RootsFolder(990), SERVICE),
                words(Objection::KeptByRoot(990), SERVICE),
                words(Objection::SecondName, SERVICE),
                words(Objection::Link, SERVICE),
                words(Objection::NotAFile, SERVICE),
                words(Objection::NotAFolder, SERVICE),
            ]
            .join("\n"),
            @"
            /srv/two words belongs to user 1001, neither to root nor to the user who runs dpbackup: run dpbackup as user 1001, or use a copy that you have read, in a folder of your own
            /srv/two words belongs to user 1001, neither to root nor to the user who runs dpbackup: use a copy that you have read, in a folder of your own
            /srv/two words is a link of user 1001, who could lead it elsewhere: name what you mean by it, without the link
            /srv/two words can be written by its group (2000): run `chmod g-w '/srv/two words'`
            /srv/two words can be written by everybody: run `chmod o-w '/srv/two words'`
            /srv/two words can be written by its group (2000) and everybody else: run `chmod go-w '/srv/two words'`
            /srv/two words is a folder into which everybody may put files: choose one of your own
            /srv/two words can be read by others than its owner: run `chmod 600 '/srv/two words'`
            /srv/two words can be read by everybody: run `chmod o-rwx '/srv/two words'`
            /srv/two words belongs to user 1001, and should to user 990: run dpbackup as user 1001 if it is that user's, else look at what it holds, or name a place of your own in the plan file
            /srv/two words belongs to root, and should to user 990: run `chown -h 990 '/srv/two words'`
            /srv/two words belongs to root, and user 990 may not write there: run `mkdir -m 700 '/srv/two words/dpbackup' && chown 990 '/srv/two words/dpbackup'`, and name a place in that folder in the plan file
            /srv/two words belongs to root, and user 990 may not write there: run dpbackup as root: a history may be there, and in another place an empty one would begin
            /srv/two words has a second name (a hard link): run `cp -p '/srv/two words' '/srv/two words.copy' && mv '/srv/two words.copy' '/srv/two words'`
            /srv/two words is a symbolic link, and none may stand there
            /srv/two words is not a regular file: name one that is
            /srv/two words is not a folder: move that file away, or name another place
            "
        );
    }

    #[test]
    fn a_folder_is_made_where_nothing_is_and_nothing_that_is_there_is_given_away() {
        let ground = tempfile::tempdir().expect("a folder");
        let folder = ground.path();
        let refused = Untrusted {
            path: folder.to_owned(),
            objection: Objection::RootsFolder(990),
            caller: SERVICE,
        };
        for name in ["dpbackup", "dpbackup-990", "dpbackup-990-2"] {
            let path = folder.join(name);
            let expected = format!("mkdir -m 700 {0} && chown 990 {0}", path.display());
            assert_eq!(refused.command(), Some(expected));
            std::os::unix::fs::symlink("nowhere", &path).expect("a link");
        }
        assert_eq!(
            making(Path::new("/backup/two words/x"), Path::new("/"), 990),
            "mkdir -p '/backup/two words' && mkdir -m 700 '/backup/two words/x' && chown 990 '/backup/two words/x'"
        );
    }
}
