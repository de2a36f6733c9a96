//! A file on its way: written as `.partial` beside its final name, hashed as it
//! passes, synced, and only then renamed.
//!
//! A staged file is locked as long as it is open. The lock dies with its process, and
//! that is how [`sweep`](crate::artifact::sweep) tells what a dead run left from what a
//! live one is writing.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::artifact::archive::{Ahead, Limits};
use crate::artifact::digest::PassedBytes;
use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::folder::Folder;
use crate::artifact::growing::{Beside, Growing};
use crate::artifact::hashed_file::HashedFile;
use crate::artifact::publish::{Requests, SYSTEM};
use crate::artifact::space::Allowance;
use crate::artifact::taken_name::TakenName;
use crate::threads::{self, Starter};

/// After which time what was published is looked at again.
const PAUSE: Duration = Duration::from_millis(250);
/// An archive is looked at beside its writer once so much of it is there: a smaller one is looked
/// at sooner than a thread begins.
const BESIDE_FROM: u64 = 4 << 20;
/// After so many bytes a file is put on disk beside its writer: the last sync has to wait for no more than that, whatever
/// the size of the file.
const SYNC_STEP: u64 = 8 << 20;

/// A file being written. Dropped before it is published, it is removed.
#[derive(Debug)]
pub struct Staged {
    // The name goes before the lock, which the stream holds.
    taken: TakenName,
    beside: WorkBeside,
    stream: HashedFile,
    trouble: Option<StoreError>,
}

/// What is done with a file while it is written.
#[derive(Debug)]
enum WorkBeside {
    /// Nothing, for nobody has asked.
    No,
    /// It is looked at and put on disk once it is large enough.
    Later(Starter),
    /// What there are threads for.
    Now {
        look: Option<Beside<Ahead>>,
        sync: Option<Beside<io::Result<()>>>,
    },
}

/// A file that is written and synced, but not yet under its final name. Dropped before it
/// is published, it is removed.
#[derive(Debug)]
pub struct Sealed {
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    ahead: Ahead,
    passed: PassedBytes,
    // The name goes before the lock, which the file holds.
    taken: TakenName,
    file: File,
}

impl Staged {
    /// Begins a file that will stand at `final_path`, which must lie in `store`. Folders on
    /// the way are made; a symbolic link among them is refused.
    pub fn create(store: &Path, final_path: &Path) -> Result<Staged, StoreError> {
        let (folder, final_name) = reach(store, final_path)?;
        let (file, taken) = TakenName::take(folder, final_name)?;
        let stream = HashedFile::new(file, Allowance::unlimited());
        let trouble = None;
        let beside = WorkBeside::No;
        Ok(Staged {
            taken,
            beside,
            stream,
            trouble,
        })
    }

    /// The same file, which takes no more than it is allowed to.
    #[must_use]
    pub fn within(mut self, allowance: Allowance) -> Staged {
        self.stream.allowance = allowance;
        self
    }

    /// The same file, an archive, which is looked at and put on disk while the rest of it is written: in threads beside,
    /// where they can be had.
    #[must_use]
    pub fn worked_on_beside(mut self, starter: Starter) -> Staged {
        self.beside = WorkBeside::Later(starter);
        self
    }

    /// Tells whoever works on it how much of it is there.
    fn tell_beside(&mut self) {
        let there = self.stream.in_file();
        match &mut self.beside {
            WorkBeside::No => {}
            WorkBeside::Later(_) if there < BESIDE_FROM => {}
            WorkBeside::Later(starter) => {
                let (file, starter) = (self.stream.file.get_ref(), *starter);
                let look = |archive: &mut Growing| {
                    threads::stand_back();
                    Ahead::look(archive, &Limits::default())
                };
                let sync = |file: &mut Growing| file.sync_each(SYNC_STEP);
                self.beside = WorkBeside::Now {
                    look: Beside::begin(file, starter, look),
                    sync: Beside::begin(file, starter, sync),
                };
            }
            WorkBeside::Now { look, sync } => {
                if let Some(look) = look {
                    look.written(there);
                }
                if let Some(sync) = sync {
                    sync.written(there);
                }
            }
        }
    }

    /// Why it could not be written, if it could not: whoever only wrote heard what the system
    /// says, which knows neither the file nor the store.
    pub fn trouble(&self) -> Option<&StoreError> {
        self.trouble.as_ref()
    }

    /// Puts every byte on disk.
    pub fn finish(mut self) -> Result<Sealed, StoreError> {
        let path = self.taken.partial_path();
        let failed = |error| StoreError::new("write", &path, error);
        self.stream.flush().map_err(failed)?;
        let (look, sync) = match self.beside {
            WorkBeside::Now { look, sync } => (look, sync),
            WorkBeside::No | WorkBeside::Later(_) => (None, None),
        };
        let there = self.stream.in_file();
        if let Some(look) = &look {
            look.whole(there);
        }
        if let Some(sync) = sync {
            sync.whole(there);
            // What the disk did not take, the system may have told there, and tells once.
            let unknown = || Err(io::Error::other("whether it is on disk is not known"));
            sync.outcome().unwrap_or_else(unknown).map_err(failed)?;
        }
        let (file, passed) = self.stream.finish().map_err(failed)?;
        let ahead = look.and_then(Beside::outcome).unwrap_or_default();
        let taken = self.taken;
        Ok(Sealed {
            size: passed.bytes(),
            sha256: passed.sha256(),
            ahead,
            passed,
            file,
            taken,
        })
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes);
        if written.is_ok() {
            self.tell_beside();
        }
        noted(written, &mut self.trouble, || self.taken.partial_path())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.stream.flush();
        noted(flushed, &mut self.trouble, || self.taken.partial_path())
    }
}

/// What came of writing, noted where it is trouble.
pub(super) fn noted<T>(
    written: io::Result<T>,
    trouble: &mut Option<StoreError>,
    path: impl FnOnce() -> PathBuf,
) -> io::Result<T> {
    written.inspect_err(|error| {
        if error.kind() != io::ErrorKind::Interrupted {
            *trouble = Some(StoreError::noted("write", &path(), error));
        }
    })
}

impl Sealed {
    /// The file itself, for whoever verifies it: these are the bytes that were written,
    /// whatever stands under the name.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// What was found out of it while it was written, for whoever verifies it as an archive. It
    /// holds for the file that is [published](Sealed::publish), which is read back before that.
    pub fn ahead(&self) -> &Ahead {
        &self.ahead
    }

    /// Gives the file its final name, durably. A name that is taken is never overwritten:
    /// that is an error of the kind [`StoreErrorKind::Exists`], and the file is removed. Where
    /// only the last sync of the folder fails, the file keeps its final name: it is whole, but
    /// a power cut may still take it.
    pub fn publish(self) -> Result<PathBuf, StoreError> {
        self.publish_by(&SYSTEM)
    }

    pub(super) fn publish_by(mut self, requests: &Requests) -> Result<PathBuf, StoreError> {
        self.is_as_written()?;
        let taken = &mut self.taken;
        let final_name = taken.final_name.clone();
        let ours = (&self.file, self.sha256.as_str());
        taken.publish_with(&final_name, |folder, from, to| {
            requests.publish_file(folder, ours, from, to)
        })?;
        taken.folder.sync()?;
        in_place(&taken.folder, &taken.final_name).inspect_err(|_| {
            // Nobody would know of it.
            let _not_found_again = taken.folder.remove_file(&taken.final_name);
        })
    }
}

impl Sealed {
    /// Reads back what was written. Somebody may have written into it since.
    fn is_as_written(&self) -> Result<(), StoreError> {
        let path = self.taken.partial_path();
        match self.passed.are_in(&self.file) {
            Err(error) => Err(StoreError::new("read back", &path, error)),
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::of_kind(StoreErrorKind::Swapped, "read back", &path)),
        }
    }
}

/// The path of what was just published, if it can be found there by it. In a store that
/// was unmounted or moved meanwhile it is somewhere, and nobody would find it.
pub(super) fn in_place(folder: &Folder, name: &OsStr) -> Result<PathBuf, StoreError> {
    still_in_place(folder, name, "publish as")
}

/// The path by which what stands in a folder under this name is found, when this `action` is done with it; an error
/// where the path leads to something else, or nowhere.
pub(super) fn still_in_place(
    folder: &Folder,
    name: &OsStr,
    action: &'static str,
) -> Result<PathBuf, StoreError> {
    let path = folder.path().join(name);
    match looked_again(|| folder.is_where_it_was(name), || std::thread::sleep(PAUSE)) {
        true => Ok(path),
        false => Err(StoreError::of_kind(StoreErrorKind::Missing, action, &path)),
    }
}

/// Whether something is so at the second look at the latest: rclone, on a busy machine, denies for a
/// moment what it has just been given.
fn looked_again(look: impl Fn() -> bool, pause: impl FnOnce()) -> bool {
    look() || {
        pause();
        look()
    }
}

/// Opens the folder that will hold `final_path`, making what is missing, and gives it
/// with the name of the file.
pub(super) fn reach(store: &Path, final_path: &Path) -> Result<(Folder, OsString), StoreError> {
    let mut steps = steps_inside(store, final_path)?;
    let name = steps
        .pop()
        .ok_or_else(|| StoreError::of_kind(StoreErrorKind::Outside, "stage", final_path))?;
    let mut folder = Folder::open_store(store)?;
    for step in steps {
        folder = folder.enter_or_make(step)?;
    }
    Ok((folder, name.to_owned()))
}

/// The folder nearest to where something will stand, of those that are there: each on the way is
/// looked at as [`reach`] does it, and none is made. `None` where there is only the store.
pub(super) fn nearest_there(store: &Path, path: &Path) -> Result<Option<Folder>, StoreError> {
    let root = Folder::open_store(store)?;
    let mut nearest: Option<Folder> = None;
    for step in steps_inside(store, path)? {
        match nearest.as_ref().unwrap_or(&root).enter_to_write(step) {
            Ok(there) => nearest = Some(there),
            Err(error) if error.kind == StoreErrorKind::Missing => break,
            Err(error) => return Err(error),
        }
    }
    Ok(nearest)
}

/// The steps that lead from the store to a path inside it.
fn steps_inside<'p>(store: &Path, path: &'p Path) -> Result<Vec<&'p OsStr>, StoreError> {
    let outside = || StoreError::of_kind(StoreErrorKind::Outside, "stage", path);
    let inside = path.strip_prefix(store).map_err(|_| outside())?;
    let steps = inside.components().map(|step| match step {
        Component::Normal(name) => Ok(name),
        _ => Err(outside()),
    });
    steps.collect()
}

#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
