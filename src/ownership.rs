//! Who may touch it: owners and modes of the files and folders that this program believes,
//! reads secrets from, or writes.
//!
//! It runs as root, or as a user who holds the passwords of gateways, beside other users. So
//! each file is asked whose it is, and so is each link and each folder that leads to it,
//! before anything in it counts. There are three kinds:
//!
//! - what is **executed or believed** (plan file, scripts, CA files): of root or the caller,
//!   and nobody else may write to it, nor to a folder through which it is reached;
//! - what holds a **secret**: nobody else may read it either;
//! - what is **written** (history, its locks, the store): [`OwnFolder`].
//!
//! A folder that is sticky, such as `/tmp`, may stand on the way: nobody can take away there
//! what belongs to root or the caller. It is no place for what is written, for others could
//! put files beside ours that we would take for ours.
//!
//! Root is trusted everywhere, and so are links that root or the caller made: a ConfigMap of
//! Kubernetes consists of such links. Paths are walked step by step, and what was looked at is
//! what is opened. As no folder on the way to what is believed can be changed by others, a path
//! that was looked at stays true: a script is started by it.

mod caller;
mod command;
mod error;
mod folder;
mod make;
mod refusal;
mod road;
mod rules;

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::values::environment::Lookup;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

pub use command::file_of;
pub use error::{OthersWrite, TouchError};
pub use folder::{OwnFolder, look_at_written};
pub use make::give_to_owner_of;
pub use refusal::Untrusted;
pub use rules::{Granted, WrittenKind};

use caller::Caller;
use refusal::Objection;
use road::{Arrived, WayRule, walk};
use rules::Rights;

/// Opens a file that will be believed, for reading.
///
/// # Errors
///
/// One that somebody else could have written, and one that is not a regular file, are refused.
pub fn open_believed(path: &Path) -> Result<File, TouchError> {
    let caller = Caller::of_process();
    let arrived = believed_file(path, caller)?;
    Ok(File::from(arrived.open(OFlags::RDONLY)?))
}

/// Reads a file that will be believed, if it is no longer than `limit` bytes; else `None`.
///
/// # Errors
///
/// As for [`open_believed`].
pub fn read_believed(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, TouchError> {
    let mut bytes = Vec::new();
    open_believed(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Looks at a file that will be executed, and at what its first line names, for that is executed as well. It need
/// not be readable.
///
/// # Errors
///
/// As for [`open_believed`]. An interpreter that is not there is found by who starts it.
pub fn look_at_program(path: &Path, environment: Lookup<'_>) -> Result<(), TouchError> {
    look_at_command(path, &[], Path::new(""), environment)
}

/// The same of a program that is given these words and runs in this folder: what it is known to execute by them is
/// looked at too.
///
/// # Errors
///
/// As for [`look_at_program`].
pub fn look_at_command(
    program: &Path,
    arguments: &[String],
    folder: &Path,
    environment: Lookup<'_>,
) -> Result<(), TouchError> {
    let way = Executed {
        folder,
        environment,
        caller: Caller::of_process(),
    };
    way.look(program, arguments, MOST_EXECUTED)
}

/// So many programs are followed that each execute the next: interpreters that are scripts, of which the kernel follows
/// five, and `env` between them.
const MOST_EXECUTED: usize = 10;

/// Where programs execute others, and who asks whose they are.
struct Executed<'e> {
    folder: &'e Path,
    environment: Lookup<'e>,
    caller: Caller,
}

impl Executed<'_> {
    fn look(&self, program: &Path, arguments: &[String], most: usize) -> Result<(), TouchError> {
        believed_file(program, self.caller)?;
        let Some(most) = most.checked_sub(1) else {
            return Ok(());
        };
        // One without a leading slash is looked for in the folder from which the script is started.
        if let Some((interpreter, words)) = interpreter_of(program) {
            match self.look(&self.folder.join(interpreter), &words, most) {
                Err(TouchError::Io(_)) | Ok(()) => {}
                Err(refused) => return Err(refused),
            }
        }
        if let Some((file, words)) = command::behind_env(program, arguments, self.folder, self.environment) {
            return self.look(&file, &words, most);
        }
        match command::script_of(program, arguments, self.folder) {
            Some(script) => self.look(&script, &[], most),
            None => Ok(()),
        }
    }
}

fn interpreter_of(script: &Path) -> Option<(PathBuf, Vec<String>)> {
    let mut start = Vec::new();
    open_regular(script)
        .ok()?
        .take(256)
        .read_to_end(&mut start)
        .ok()?;
    command::first_line(&start)
}

/// Whether only root and the caller can put files into this folder: not a sticky one either.
///
/// # Errors
///
/// A folder of somebody else, or one that others may write to, is refused.
pub fn look_at_own_folder(folder: &Path) -> Result<(), TouchError> {
    let caller = Caller::of_process();
    let arrived = walk(folder, WayRule::Everything, caller)?;
    let judged = match arrived.rights.kind {
        FileType::Directory => arrived.rights.believed(caller),
        _ => Err(Objection::NotAFolder),
    };
    judged.map_err(|objection| arrived.refused(objection, caller))
}

/// Opens a folder in which a file is made under a name of our own: any folder, but through no link that somebody else
/// could lead elsewhere.
///
/// # Errors
///
/// A link of anybody but root and the caller on the way, and what is no folder, are refused.
pub fn open_folder(folder: &Path) -> Result<OwnedFd, TouchError> {
    let arrived = walk(folder, WayRule::LinksOnly, Caller::of_process())?;
    arrived.open(OFlags::RDONLY | OFlags::DIRECTORY)
}

/// The command by which root makes a folder for the user who runs this. `above` is the nearest folder that is there: in
/// one that is not root's, nothing is made by root.
pub fn command_to_make(folder: &Path, above: &Path) -> Option<String> {
    let caller = Caller::of_process();
    let is_roots = std::fs::metadata(above).is_ok_and(|found| found.uid() == 0);
    (is_roots && folder != above).then(|| refusal::making(folder, above, caller.user))
}

/// Opens a file that holds a secret, for reading.
///
/// # Errors
///
/// One that others may read or could have written, and one that is not a regular file, are
/// refused.
pub fn open_secret(path: &Path, granted: Granted) -> Result<File, TouchError> {
    let caller = Caller::of_process();
    let arrived = walk(path, WayRule::Everything, caller)?;
    let judged = match arrived.rights.kind {
        FileType::RegularFile => arrived.rights.secret(caller, granted),
        _ => Err(Objection::NotAFile),
    };
    judged.map_err(|objection| arrived.refused(objection, caller))?;
    Ok(File::from(arrived.open(OFlags::RDONLY)?))
}

/// Looks at a file of ours that will be read, such as a history: who may have changed it? It is
/// not opened. Gives its path without links.
///
/// # Errors
///
/// One that others than its owner may write, or that stands where they may put files, is
/// refused, and so is what is not a regular file.
pub fn look_at_record(path: &Path) -> Result<PathBuf, TouchError> {
    let caller = Caller::of_process();
    let arrived = walk(path, WayRule::LinksOnly, caller)?;
    let group = match (&arrived.place, arrived.path.parent()) {
        (Some((folder, _)), Some(above)) => {
            Rights::of(folder)?.read_folder().map_err(|objection| Untrusted {
                path: above.to_owned(),
                objection,
                caller,
            })?
        }
        _ => None,
    };
    let judged = match arrived.rights.kind {
        FileType::RegularFile => arrived.rights.read_file(group),
        _ => Err(Objection::NotAFile),
    };
    judged.map_err(|objection| arrived.refused(objection, caller))?;
    Ok(arrived.path)
}

/// Opens a file that is neither believed nor secret, for reading: an archive that somebody
/// names. A pipe or a device in its place is refused, and not waited for.
///
/// # Errors
///
/// Those of the system, and what is not a regular file.
pub fn open_regular(path: &Path) -> Result<File, TouchError> {
    open_without_waiting(path, OFlags::empty())
}

/// The same; and a link in its place is refused too, and a file with a second name.
///
/// # Errors
///
/// As for [`open_regular`].
pub fn open_plain(path: &Path) -> Result<File, TouchError> {
    let file = open_without_waiting(path, OFlags::NOFOLLOW)?;
    match Rights::of(&file)?.has_more_names {
        false => Ok(file),
        true => Err(refused(path, Objection::SecondName)),
    }
}

fn open_without_waiting(path: &Path, more: OFlags) -> Result<File, TouchError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | more;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::LOOP) if path.is_symlink() => return Err(refused(path, Objection::Link)),
        Err(errno) => return Err(errno.into()),
    };
    match Rights::of(&file)?.kind {
        FileType::RegularFile => Ok(File::from(file)),
        _ => Err(refused(path, Objection::NotAFile)),
    }
}

fn refused(path: &Path, objection: Objection) -> TouchError {
    TouchError::Untrusted(Untrusted {
        path: path.to_owned(),
        objection,
        caller: Caller::of_process(),
    })
}

fn believed_file(path: &Path, caller: Caller) -> Result<Arrived, TouchError> {
    let arrived = walk(path, WayRule::Everything, caller)?;
    let judged = match arrived.rights.kind {
        FileType::RegularFile => arrived.rights.believed(caller),
        _ => Err(Objection::NotAFile),
    };
    judged.map_err(|objection| arrived.refused(objection, caller))?;
    Ok(arrived)
}

/// Says what this machine does not let a test do: `.ci/run` counts these lines. Not by a macro, whose words nobody sees of a
/// test that passes.
#[cfg(test)]
pub(crate) fn not_tested_here(what: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "NOT TESTED HERE: {what}").expect("somebody listens");
}

#[cfg(test)]
#[path = "ownership/tests.rs"]
mod tests;
