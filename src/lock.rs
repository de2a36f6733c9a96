//! Kernel locks: they end with the process that holds them, however it ends.
//!
//! Every lock is a file in one folder beside the history file. The content of a file
//! only says who holds it; the lock itself is the kernel's.
//!
//! That a process is dead takes two witnesses: its lock is free, and the process is not there, or where it ran
//! cannot be seen from here. A lock file that is missing proves nothing, for somebody may have removed it.

pub mod ended;
pub mod not_yet;
pub mod quiesce_witness;
pub mod witness;

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::lock::witness::{Presence, Witness};
use crate::ownership::{self, OwnFolder, TouchError, WrittenKind};
use crate::signal::Stop;
use crate::threads::{self, DISK_ANSWERS_WITHIN, start};
use crate::values::causes::said;
use crate::values::duration::HumanDuration;
use crate::values::hex::hex;
use crate::values::percent::percent_encoded;

/// How often a busy lock is looked at.
const POLL: Duration = Duration::from_millis(500);

/// How long a disk is waited for in all once somebody has asked to stop.
const ANSWERS_WHO_STOPS_WITHIN: Duration = Duration::from_secs(1);

/// What stands in the name of a file that tells of a quiesce, between its process and its row.
const QUIESCE: &str = "-quiesce-";

/// Who holds a lock, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id, for people: nothing is decided by it.
    pub pid: u32,
    /// Since when, on the clock of whoever asks.
    pub since: Zoned,
    /// What it does, `plan BackupQA`.
    pub purpose: String,
    /// Whether it was stopped, as by `^Z`: it does nothing until it is let go on.
    pub stands_still: bool,
}

/// The same, as the file of a lock says it.
#[derive(Serialize, Deserialize)]
struct Inscription {
    pid: u32,
    since: Timestamp,
    purpose: String,
    /// The words of its witness: only by them another process is not taken for it.
    #[serde(default)]
    process: Option<String>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} of process {} since {}",
            self.purpose,
            self.pid,
            self.since.strftime("%Y-%m-%d %H:%M:%S")
        )?;
        match self.stands_still {
            true => write!(f, ", {}", was_stopped(Some(self.pid))),
            false => Ok(()),
        }
    }
}

/// What is said of a process that stands still.
pub fn was_stopped(pid: Option<u32>) -> String {
    let goes_on = pid.map(|pid| format!(" (`kill -CONT {pid}` lets it go on)"));
    format!("which was stopped{}", goes_on.unwrap_or_default())
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    /// Whether nobody will ever ask for this file again.
    transient: bool,
}

impl Lock {
    /// Whether the file that is locked is still the one that others find.
    fn is_in_place(&self) -> bool {
        is_in_place(&self.file, &self.path)
    }
}

fn is_in_place(file: &File, path: &Path) -> bool {
    let of = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (ours, theirs) = (file.metadata().map(of), path.symlink_metadata().map(of));
    matches!((ours, theirs), (Ok(ours), Ok(theirs)) if ours == theirs)
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.transient {
            // A leftover file is harmless: its lock is free, which is all that is asked.
            let _ = fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
    }
}

/// What came of asking for a lock.
#[derive(Debug)]
pub enum Asked {
    /// It is ours.
    Held(Lock),
    /// Somebody else has it; who, if the file says.
    Busy(Option<Holder>),
}

/// Whether a process is still at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// It is.
    Alive,
    /// It is not: its lock is free, and it is not there.
    Dead,
    /// It cannot be told, for this reason.
    NotKnown(String),
}

/// How the lock of a process stands.
enum ProcessLock {
    Held,
    Free,
    Missing,
    Unreadable(LockError),
}

/// A lock could not be asked for.
#[derive(Debug, thiserror::Error)]
#[error("{}", match source {
    TouchError::Untrusted(why) => format!("the lock is not used: {why}"),
    TouchError::Io(why) => format!("lock file {}: {}", path.display(), said(why)),
})]
pub struct LockError {
    path: PathBuf,
    source: TouchError,
}

impl LockError {
    /// Whether its disk did not answer: nobody else can take a lock there either.
    pub fn is_of_a_silent_disk(&self) -> bool {
        matches!(&self.source, TouchError::Io(error) if error.kind() == io::ErrorKind::TimedOut)
    }
}

/// A disk that has not answered.
#[derive(Debug, thiserror::Error)]
enum DiskIsSilent {
    #[error("its disk did not answer within {}", HumanDuration(DISK_ANSWERS_WITHIN))]
    InTime,
    #[error("its disk had not answered when the run was asked to stop")]
    UntilStopped,
}

/// The folder of all locks that belong to one history file.
#[derive(Clone, Debug)]
pub struct Locks {
    folder: PathBuf,
}

impl Locks {
    /// The locks beside this history file: one set for one file, whatever path leads to it.
    pub fn beside(history: &Path) -> Self {
        let history = resolved(history);
        let mut name = history.file_name().unwrap_or_default().to_os_string();
        name.push(".locks");
        Self {
            folder: history.with_file_name(name),
        }
    }

    /// The history file that they are of, where the links to it lead.
    pub fn history(&self) -> PathBuf {
        // Its name is that of the history with one ending more.
        self.folder.with_extension("")
    }

    /// The folder itself: also for small files that live as long as a process does.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes a lock that tells, as long as it is held, that this process lives. Returns
    /// it with the name under which others find it, and by which `witness` is known.
    pub fn process(&self, clock: &dyn Clock, witness: Option<&Witness>) -> Result<(Lock, String), LockError> {
        let now = clock.now().as_millisecond();
        let who = witness.map_or_else(|| std::process::id().to_string(), Witness::words);
        for attempt in 0_u32.. {
            let name = format!("run-{now}-{attempt}-{who}");
            if let Asked::Held(mut lock) = self.ask(&name, "a run", clock)? {
                lock.transient = true;
                // Between opening and locking, another process may have taken it for one of the dead.
                if lock.is_in_place() {
                    return Ok((lock, name));
                }
            }
        }
        unreachable!("a run has fewer than 2^32 process locks")
    }

    /// The process id that stands in this name, for people: nothing is decided by it.
    pub fn pid(process: &str) -> Option<u32> {
        witness_in(process).map(|witness| witness.pid())
    }

    /// Whether the process of this name is there and stands still: it was stopped, and does nothing until it goes on.
    pub fn stands_still(process: &str) -> bool {
        witness_in(process).is_some_and(|witness| witness.stands_still())
    }

    /// Whether this name is one that this process has taken.
    pub fn is_own(process: &str) -> bool {
        let own = Witness::own();
        own.is_some() && witness_in(process) == own
    }

    /// Whether the process of this name ran on this host before that was started anew: whatever it did was
    /// done before this boot.
    pub fn is_of_an_earlier_boot(process: &str) -> bool {
        witness_in(process).is_some_and(|witness| witness.is_of_an_earlier_boot())
    }

    /// Whether the process that took the lock of this name is still at work.
    pub fn life(&self, process: &str) -> Life {
        let presence = witness_in(process).map_or(Presence::OutOfSight, |witness| witness.presence());
        match (self.process_lock(process), presence) {
            (ProcessLock::Held, _) | (_, Presence::There) => Life::Alive,
            (ProcessLock::Free, Presence::Gone | Presence::OutOfSight)
            | (ProcessLock::Missing, Presence::Gone) => Life::Dead,
            (ProcessLock::Missing, Presence::OutOfSight) => Life::NotKnown(format!(
                "the lock file of process {process} is gone, and it cannot be seen from here whether the process is"
            )),
            (ProcessLock::Unreadable(error), Presence::Gone | Presence::OutOfSight) => {
                Life::NotKnown(error.to_string())
            }
        }
    }

    fn process_lock(&self, process: &str) -> ProcessLock {
        let path = self.path(process);
        let file = match ownership::open_plain(&path) {
            Ok(file) => file,
            Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return ProcessLock::Missing;
            }
            Err(source) => return ProcessLock::Unreadable(LockError { path, source }),
        };
        match file.try_lock_shared() {
            Ok(()) => ProcessLock::Free,
            Err(TryLockError::WouldBlock) => ProcessLock::Held,
            Err(TryLockError::Error(error)) => ProcessLock::Unreadable(LockError {
                path,
                source: error.into(),
            }),
        }
    }

    /// Whether a process that is not seen to be at work has left its lock here: it died before its end,
    /// or nobody can tell.
    pub fn knows_of_the_dead(&self) -> bool {
        self.processes()
            .iter()
            .any(|process| !Self::is_own(process) && self.life(process) != Life::Alive)
    }

    /// The processes of which there is a lock.
    fn processes(&self) -> Vec<String> {
        let process = |name: String| name.strip_suffix(".lock").map(str::to_owned);
        self.names()
            .filter(|name| name.starts_with("run-"))
            .filter_map(process)
            .collect()
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok())
    }

    /// Removes the files that processes which died have left here, when what they were at has an end in
    /// history: to whoever cannot see where such a process ran, a lock that is not there says nothing any more.
    /// What tells of a quiesce stays until its row is closed.
    pub fn forget_the_dead(&self) {
        for process in self.processes() {
            let path = self.path(&process);
            let Ok(lock) = ownership::open_plain(&path) else {
                continue;
            };
            if lock.try_lock_shared().is_err() {
                continue;
            }
            // Shared, so that the question whether it is alive still finds it dead; held until its
            // files are gone, so that a process that is just beginning sees that it came too late.
            let context = format!("{process}-");
            let is_of_it = |left: &String| left.starts_with(&context) && !left.contains(QUIESCE);
            for left in self.names().filter(is_of_it) {
                let _ = fs::remove_file(self.folder.join(left));
            }
            let _ = fs::remove_file(&path);
        }
    }

    /// Asks once for a lock of this name.
    pub fn ask(&self, name: &str, purpose: &str, clock: &dyn Clock) -> Result<Asked, LockError> {
        self.ask_at(name, purpose, &clock.now().to_zoned(clock.zone()))
    }

    /// The same, not waited for longer than a disk may take: one that comes later is not held.
    fn ask_within(
        &self,
        name: &str,
        purpose: &str,
        clock: &dyn Clock,
        stop: &Stop,
    ) -> Result<Asked, LockError> {
        let now = clock.now().to_zoned(clock.zone());
        let (locks, lock, purpose) = (self.clone(), name.to_owned(), purpose.to_owned());
        let ask = move || locks.ask_at(&lock, &purpose, &now);
        let limit = || match stop.is_requested() {
            true => ANSWERS_WHO_STOPS_WITHIN,
            false => DISK_ANSWERS_WITHIN,
        };
        threads::within_changing(start, "a lock", &limit, ask).unwrap_or_else(|| {
            let silent = io::Error::new(
                io::ErrorKind::TimedOut,
                match stop.is_requested() {
                    true => DiskIsSilent::UntilStopped,
                    false => DiskIsSilent::InTime,
                },
            );
            Err(LockError {
                path: self.path(name),
                source: silent.into(),
            })
        })
    }

    fn ask_at(&self, name: &str, purpose: &str, now: &Zoned) -> Result<Asked, LockError> {
        let path = self.path(name);
        let failed = |source| LockError {
            path: path.clone(),
            source,
        };
        let folder = OwnFolder::open_or_make(&self.folder, WrittenKind::State).map_err(failed)?;
        let mut file = folder
            .open_or_create(path.file_name().unwrap_or_default())
            .map_err(failed)?;
        let failed = |error: io::Error| failed(error.into());
        match file.try_lock() {
            Ok(()) if is_in_place(&file, &path) => {}
            // Removed between opening and locking: whoever comes next would find another file.
            Ok(()) => return Ok(Asked::Busy(None)),
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(failed)?;
                let holder = serde_json::from_str(&text).ok();
                return Ok(Asked::Busy(holder.map(|holder: Inscription| {
                    Holder {
                        pid: holder.pid,
                        since: holder.since.to_zoned(now.time_zone().clone()),
                        stands_still: holder
                            .process
                            .and_then(|words| Witness::parse(&words))
                            .is_some_and(|witness| witness.stands_still()),
                        purpose: holder.purpose,
                    }
                })));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let holder = Inscription {
            pid: std::process::id(),
            since: now.timestamp(),
            purpose: purpose.to_owned(),
            process: Witness::own().map(|own| own.words()),
        };
        let text = serde_json::to_string(&holder).map_err(|error| failed(error.into()))?;
        // On a full disk nobody can be told who holds it. It is held all the same: what keeps others out is the
        // kernel, and what a run that died has left must be undone.
        if inscribe(&mut file, &text).is_err() {
            let _ = file.set_len(0);
        }
        Ok(Asked::Held(Lock {
            file,
            path,
            transient: false,
        }))
    }

    /// Asks for a lock until it is free, but not longer than `limit` nor past a wish to
    /// stop. `told` hears whom it waits for, and how long already.
    pub fn wait(
        &self,
        name: &str,
        purpose: &str,
        limit: Duration,
        clock: &dyn Clock,
        stop: &Stop,
        told: &mut dyn FnMut(Option<&Holder>, Duration),
    ) -> Result<Asked, LockError> {
        let started = clock.elapsed();
        loop {
            let holder = match self.ask_within(name, purpose, clock, stop)? {
                held @ Asked::Held(_) => return Ok(held),
                Asked::Busy(holder) => holder,
            };
            let waited = clock.elapsed().saturating_sub(started);
            if waited >= limit || stop.is_requested() {
                return Ok(Asked::Busy(holder));
            }
            told(holder.as_ref(), waited);
            clock.sleep(POLL.min(limit - waited), stop);
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.lock", Self::plain(name)))
    }

    /// A name as one of a file: names of plans hold whatever people like.
    fn plain(name: &str) -> String {
        let mut file = percent_encoded(name, |letter| {
            letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
        });
        if file.len() > 200 {
            use sha2::{Digest, Sha256};
            file.truncate(120);
            file.push_str(&hex(&Sha256::digest(name)));
        }
        file
    }
}

/// Writes into the file of a lock who holds it.
fn inscribe(file: &mut File, text: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

/// The file itself, behind any links; the path as it is where nothing is there yet.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = fs::canonicalize(path) {
        return path;
    }
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return path.to_owned(),
    };
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// The process that a name means; names of old do not say.
fn witness_in(process: &str) -> Option<Witness> {
    let (_run, words) = process.split_once('-')?;
    let (_when, words) = words.split_once('-')?;
    let (_attempt, words) = words.split_once('-')?;
    Witness::parse(words)
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
