//! What is said of a file or a folder that is not used, and the command that mends it.

use std::fmt;
use std::path::PathBuf;

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
/// can read. Says the command that mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untrusted {
    pub(super) path: PathBuf,
    pub(super) objection: Objection,
    pub(super) caller: Caller,
}

impl Untrusted {
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
            Objection::SecondName => format!("{path} has a second name (a hard link)"),
            Objection::Link => format!("{path} is a symbolic link, and none may stand there"),
            Objection::NotAFile => format!("{path} is not a regular file"),
            Objection::NotAFolder => format!("{path} is not a folder"),
        }
    }

    /// The command that mends it, to be pasted.
    pub fn command(&self) -> Option<String> {
        let text = self.path.to_string_lossy();
        let path = quoted(&text);
        let name = |user: u32| match user {
            0 => "root".to_owned(),
            user => user.to_string(),
        };
        let caller = name(self.caller.user);
        match self.objection {
            Objection::Owner(_) => Some(format!("chown {caller} {path}")),
            Objection::LinkOwner(_) => Some(format!("chown -h {caller} {path}")),
            Objection::Writable(GROUP_WRITES, _) => Some(format!("chmod g-w {path}")),
            Objection::Writable(OTHERS_WRITE, _) => Some(format!("chmod o-w {path}")),
            Objection::Writable(..) => Some(format!("chmod go-w {path}")),
            Objection::Readable => Some(format!("chmod 600 {path}")),
            Objection::ReadableByAll => Some(format!("chmod o-rwx {path}")),
            Objection::NotOurs(_, expected) => Some(format!("chown {} {path}", name(expected))),
            Objection::SecondName => {
                let copy = format!("{text}.copy");
                let copy = quoted(&copy);
                Some(format!("cp -p {path} {copy} && mv {copy} {path}"))
            }
            Objection::Shared | Objection::Link | Objection::NotAFile | Objection::NotAFolder => None,
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what())?;
        match self.command() {
            Some(command) => write!(f, ": run `{command}`"),
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
    fn each_objection_says_who_could_do_what_and_the_command_that_mends_it() {
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
                words(Objection::NotOurs(0, 990), SERVICE),
                words(Objection::SecondName, SERVICE),
                words(Objection::Link, SERVICE),
                words(Objection::NotAFile, SERVICE),
                words(Objection::NotAFolder, SERVICE),
            ]
            .join("\n"),
            @"
            /srv/two words belongs to user 1001, neither to root nor to the user who runs dpbackup: run `chown root '/srv/two words'`
            /srv/two words belongs to user 1001, neither to root nor to the user who runs dpbackup: run `chown 990 '/srv/two words'`
            /srv/two words is a link of user 1001, who could lead it elsewhere: run `chown -h root '/srv/two words'`
            /srv/two words can be written by its group (2000): run `chmod g-w '/srv/two words'`
            /srv/two words can be written by everybody: run `chmod o-w '/srv/two words'`
            /srv/two words can be written by its group (2000) and everybody else: run `chmod go-w '/srv/two words'`
            /srv/two words is a folder into which everybody may put files: choose one of your own
            /srv/two words can be read by others than its owner: run `chmod 600 '/srv/two words'`
            /srv/two words can be read by everybody: run `chmod o-rwx '/srv/two words'`
            /srv/two words belongs to root, and should to user 990: run `chown 990 '/srv/two words'`
            /srv/two words has a second name (a hard link): run `cp -p '/srv/two words' '/srv/two words.copy' && mv '/srv/two words.copy' '/srv/two words'`
            /srv/two words is a symbolic link, and none may stand there
            /srv/two words is not a regular file
            /srv/two words is not a folder
            "
        );
    }
}
