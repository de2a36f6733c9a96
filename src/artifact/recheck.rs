//! Looks again at what was stored: whether it is there, a plain file, the bytes that were
//! recorded, and still good; and at files that nobody recorded.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::artifact::archive::{self, Expected, Limits, Lookalike, VerifiedArchive, VerifyError};
use crate::artifact::digest::sha256;
use crate::artifact::layout;
pub use crate::artifact::manifest::MANIFEST;
use crate::artifact::manifest::{self, FolderError, VerifiedFolder};
use crate::artifact::stored_place::{AtPlace, StoredPlace, standing_of};
use crate::ownership;
use crate::values::all_domains::ALL_DOMAINS;
use crate::values::causes::{said, with_causes};

/// Rights of the group and of others: a backup has none.
const LOOSE: u32 = 0o077;

/// What became of a file; a graver word goes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileState {
    /// As it should be, as far as somebody looked.
    Ok,
    /// It is good in itself, but not what was recorded.
    Changed,
    /// This machine could not read it. That says nothing about the file.
    Unreadable,
    /// It is not good, or no plain file.
    Bad,
    /// Nothing is there.
    Missing,
}

/// What came of looking at one file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVerdict {
    /// In one word.
    pub state: FileState,
    /// Why it is not `Ok`.
    pub reasons: Vec<String>,
    /// What somebody should look at, though the backup is none the worse.
    pub warnings: Vec<String>,
    /// What is worth knowing, and nobody needs to look at.
    pub notes: Vec<String>,
    /// What it is, where that could be read.
    pub recognized: Option<Recognized>,
}

/// What a file or folder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognized {
    /// A good archive of a gateway.
    Archive(Box<VerifiedArchive>),
    /// The folder of a good secure backup.
    SecureBackup(Box<VerifiedFolder>),
    /// Something that is taken for an archive.
    Lookalike(Lookalike),
}

/// What was recorded of a file.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'r> {
    /// Where it should stand.
    pub path: &'r Path,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: &'r str,
    /// Entries of the archive.
    pub entries: Option<u64>,
    /// Configuration objects of the archive.
    pub objects: Option<u64>,
}

/// Looks at one file after another.
#[derive(Debug)]
pub struct Recheck<'a> {
    /// The store: below it no link is followed.
    store: &'a Path,
    /// A folder for nameless files.
    scratch: &'a Path,
    /// Whom files may belong to.
    owners: Vec<u32>,
    /// Folders that have been looked at.
    seen: BTreeSet<PathBuf>,
}

impl FileVerdict {
    /// That of a look that begins, and has found nothing yet. There is no other: what nobody looks
    /// at has no verdict.
    pub fn looked() -> FileVerdict {
        FileVerdict {
            state: FileState::Ok,
            reasons: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            recognized: None,
        }
    }

    /// Adds a reason. The graver state holds.
    pub fn find(&mut self, state: FileState, reason: impl Into<String>) {
        self.state = self.state.max(state);
        self.reasons.push(reason.into());
    }
}

impl<'a> Recheck<'a> {
    /// Looks at files of this store. Files of others than `owners` are warned of.
    pub fn new(store: &'a Path, scratch: &'a Path, owners: Vec<u32>) -> Recheck<'a> {
        let seen = BTreeSet::new();
        Recheck {
            store,
            scratch,
            owners,
            seen,
        }
    }

    /// An export that was recorded.
    pub fn export(&mut self, recorded: Recorded<'_>, expected: &Expected) -> FileVerdict {
        let (mut verdict, file) = self.bytes(recorded);
        if let Some(file) = file
            && let Some(verified) = archive_in(&file, self.scratch, expected, &mut verdict)
        {
            for (what, recorded, found) in [
                ("entries", recorded.entries, verified.entries),
                ("configuration objects", recorded.objects, verified.objects),
            ] {
                if let Some(recorded) = recorded.filter(|recorded| *recorded != found) {
                    let why = format!("{found} {what}, and history says {recorded}");
                    verdict.find(FileState::Changed, why);
                }
            }
        }
        verdict
    }

    /// A file, if it is there byte by byte as it was recorded; if not, how it stands.
    pub fn proved(&mut self, recorded: Recorded<'_>) -> Result<File, FileVerdict> {
        match self.bytes(recorded) {
            (verdict, Some(file)) if verdict.state == FileState::Ok => Ok(file),
            (verdict, _) => Err(verdict),
        }
    }

    /// A part of a secure backup that was recorded. [`Recheck::secure_backup`] holds all of
    /// them against the manifest.
    pub fn part(&mut self, recorded: Recorded<'_>) -> FileVerdict {
        self.bytes(recorded).0
    }

    /// The folder of a secure backup in the store.
    pub fn secure_backup(&mut self, folder: &Path) -> FileVerdict {
        let mut verdict = FileVerdict::looked();
        // A name that is not there is enough to learn how the folder itself stands.
        let reached = StoredPlace::reach(self.store, &folder.join(MANIFEST));
        match reached {
            Ok(place) => self.look_at_folders(&place, &mut verdict),
            Err(error) => {
                match standing_of(error) {
                    Ok(AtPlace::Nothing) => verdict.find(FileState::Missing, "it is not there"),
                    Ok(AtPlace::Else(why)) => verdict.find(FileState::Bad, why),
                    Ok(AtPlace::File { .. }) => {
                        verdict.find(FileState::Unreadable, "it was not looked at");
                    }
                    Err(error) => verdict.find(FileState::Unreadable, with_causes(&error)),
                }
                return verdict;
            }
        }
        folder_in(folder, &mut verdict);
        verdict
    }

    /// Whether the bytes are those that were recorded; the file, if there is one.
    fn bytes(&mut self, recorded: Recorded<'_>) -> (FileVerdict, Option<File>) {
        let mut verdict = FileVerdict::looked();
        let standing = match StoredPlace::reach(self.store, recorded.path) {
            Ok(place) => {
                self.look_at_folders(&place, &mut verdict);
                place.look()
            }
            Err(error) => standing_of(error),
        };
        let (file, mode, owner, size) = match standing {
            Ok(AtPlace::File {
                file,
                mode,
                owner,
                size,
            }) => (file, mode, owner, size),
            Ok(AtPlace::Nothing) => {
                verdict.find(FileState::Missing, "it is not there");
                return (verdict, None);
            }
            Ok(AtPlace::Else(why)) => {
                verdict.find(FileState::Bad, why);
                return (verdict, None);
            }
            Err(error) => {
                verdict.find(FileState::Unreadable, with_causes(&error));
                return (verdict, None);
            }
        };
        self.look_at_access("it", mode, owner, &mut verdict);
        if size != recorded.size {
            let why = format!("{size} bytes, and history says {}", recorded.size);
            verdict.find(FileState::Changed, why);
        } else {
            match sha256(&file) {
                Ok(found) if found == recorded.sha256 => {}
                Ok(found) => {
                    let why = format!("SHA-256 {found}, and history says {}", recorded.sha256);
                    verdict.find(FileState::Changed, why);
                }
                Err(error) => {
                    verdict.find(FileState::Unreadable, format!("read: {}", said(&error)));
                    return (verdict, None);
                }
            }
        }
        (verdict, Some(file))
    }

    /// Each folder is told once.
    fn look_at_folders(&mut self, place: &StoredPlace, verdict: &mut FileVerdict) {
        for (path, mode, owner) in &place.folders {
            if self.seen.insert(path.clone()) {
                self.look_at_access(&format!("the folder {}", path.display()), *mode, *owner, verdict);
            }
        }
    }

    fn look_at_access(&self, what: &str, mode: u32, owner: u32, verdict: &mut FileVerdict) {
        if mode & LOOSE != 0 {
            let mode = mode & 0o7777;
            verdict.warnings.push(format!(
                "{what} has mode {mode:04o}: others than its owner have rights"
            ));
        }
        if !self.owners.contains(&owner) {
            verdict
                .warnings
                .push(format!("{what} belongs to another user, uid {owner}"));
        }
    }
}

/// A file or folder that nobody recorded: an archive of a gateway, or the folder or the
/// manifest of a secure backup. A link is followed, for somebody has named it.
pub fn unrecorded(path: &Path, scratch: &Path) -> FileVerdict {
    let mut verdict = FileVerdict::looked();
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            verdict.find(FileState::Missing, "it is not there");
            return verdict;
        }
        Err(error) => {
            verdict.find(FileState::Unreadable, said(&error));
            return verdict;
        }
    };
    if metadata.is_dir() {
        folder_in(path, &mut verdict);
    } else if !metadata.is_file() {
        verdict.find(FileState::Bad, "it is neither a file nor a folder");
    } else if path.file_name().is_some_and(|name| name == MANIFEST) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder_in(folder.unwrap_or(Path::new(".")), &mut verdict);
    } else {
        match ownership::open_regular(path) {
            Ok(file) => {
                let verified = archive_in(&file, scratch, &Expected::Any, &mut verdict);
                let misnamed = verified.and_then(|verified| misnamed(path, &verified));
                verdict.warnings.extend(misnamed);
            }
            Err(error) => verdict.find(FileState::Unreadable, error.to_string()),
        }
    }
    verdict
}

/// That a file has the name of an export of another domain than it holds, in a sentence.
fn misnamed(path: &Path, verified: &VerifiedArchive) -> Option<String> {
    let named = layout::domain_in_name(path)?;
    let [domain] = verified.domains.as_slice() else {
        return None;
    };
    let is_its_name = named == layout::component(&domain.name) || named == ALL_DOMAINS;
    (!is_its_name).then(|| {
        format!(
            "its name is that of an export of {named}, and it holds {}",
            domain.name
        )
    })
}

fn archive_in(
    file: &File,
    scratch: &Path,
    expected: &Expected,
    verdict: &mut FileVerdict,
) -> Option<VerifiedArchive> {
    match archive::verify(file, scratch, expected, &Limits::default()) {
        Ok(verified) => {
            verdict.warnings.extend(verified.warnings.iter().cloned());
            verdict.notes.extend(verified.notes.iter().cloned());
            verdict.notes.extend(verified.lacks().notes());
            verdict.recognized = Some(Recognized::Archive(Box::new(verified.clone())));
            Some(verified)
        }
        Err(VerifyError::Invalid(invalid)) => {
            verdict.recognized = invalid.lookalike().cloned().map(Recognized::Lookalike);
            for reason in invalid.reasons() {
                verdict.find(FileState::Bad, reason);
            }
            None
        }
        Err(error) => {
            verdict.find(FileState::Unreadable, with_causes(&error));
            None
        }
    }
}

fn folder_in(folder: &Path, verdict: &mut FileVerdict) {
    match manifest::verify_among_strangers(folder) {
        Ok(verified) => {
            verdict.warnings.extend(verified.warnings.iter().cloned());
            verdict.notes.extend(verified.notes.iter().cloned());
            let strangers = verified.strangers.iter();
            verdict
                .notes
                .extend(strangers.map(|name| format!("{name:?} lies in it, which is no part of the backup")));
            verdict.recognized = Some(Recognized::SecureBackup(Box::new(verified)));
        }
        Err(error @ FolderError::Read { .. }) => verdict.find(FileState::Unreadable, with_causes(&error)),
        Err(FolderError::Invalid(problems)) => {
            for problem in problems {
                verdict.find(FileState::Bad, problem.to_string());
            }
        }
        Err(error) => verdict.find(FileState::Bad, error.to_string()),
    }
}
