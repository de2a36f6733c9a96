//! A folder into which exports are written as text: made anew each time, and never anybody
//! else's.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write as _};
use std::path::Path;

use crate::artifact::error::{StoreError, StoreErrorKind};
use crate::artifact::folder::Folder;
use crate::artifact::layout::component;
use crate::values::invocation::quoted;

use rustix::fs::FileType;

/// The file that marks a folder as one of ours.
const MARK: &str = ".dpbackup-extract";
const MARK_TEXT: &[u8] = b"dpbackup extract writes here: what stands in */objects and */files is removed when it is not\nin the export any more.\n";
/// The two folders of a domain in which everything is ours.
const OURS: [&str; 2] = ["objects", "files"];

/// Why a folder cannot be written to.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// It holds something, and no mark of ours.
    #[error(
        "the folder {0} is not empty, and was not written by this command: name one that is empty, or not there yet"
    )]
    NotOurs(String),
    /// It could not be made.
    #[error("make the folder {0}")]
    Make(String, #[source] io::Error),
    /// Nor is the folder there in which it is to be made.
    #[error(
        "the folder {0} cannot be made, for the one that it is to stand in is not there: `mkdir -p {1}` makes that"
    )]
    NoParent(String, String),
    /// Something else has its name.
    #[error("{0} is no folder: name one that is empty, or not there yet")]
    NoFolder(String),
    /// It could not be opened.
    #[error("open the folder {0}")]
    Open(String, #[source] io::Error),
    /// Something in it could not be written or removed.
    #[error("write what was extracted")]
    Write(#[source] StoreError),
}

/// A folder that is being written.
#[derive(Debug)]
pub struct ExtractedFolder {
    root: Folder,
    /// The files that were written, step by step.
    written: BTreeSet<Vec<OsString>>,
}

impl ExtractedFolder {
    /// Opens a folder that is empty, not there yet, or ours.
    pub fn open(path: &Path) -> Result<ExtractedFolder, ExtractError> {
        let shown = path.display().to_string();
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let parent = path.parent().unwrap_or(path).to_string_lossy();
                return Err(ExtractError::NoParent(shown, quoted(&parent).into_owned()));
            }
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(ExtractError::Make(shown, error));
            }
            _ => {}
        }
        let root = Folder::open_store(path).map_err(|error| match error.source.kind() {
            io::ErrorKind::NotADirectory => ExtractError::NoFolder(shown.clone()),
            _ => ExtractError::Open(shown.clone(), error.source),
        })?;
        let entries = root.entries().map_err(ExtractError::Write)?;
        let is_mark =
            |(name, kind): &(OsString, FileType)| name.as_os_str() == MARK && *kind == FileType::RegularFile;
        if entries.is_empty() {
            let mark = || -> Result<(), StoreError> {
                let mut file = root.create(OsStr::new(MARK))?;
                let path = path.join(MARK);
                file.write_all(MARK_TEXT)
                    .map_err(|error| StoreError::new("write", &path, error))
            };
            mark().map_err(ExtractError::Write)?;
        } else if !entries.iter().any(is_mark) {
            return Err(ExtractError::NotOurs(shown));
        }
        Ok(ExtractedFolder {
            root,
            written: BTreeSet::new(),
        })
    }

    /// Writes a file under a name that is made of these steps. No step leads anywhere but one
    /// folder down, whatever it is called, and none through a link.
    pub fn put(&mut self, steps: &[&str], ending: &str, bytes: &mut dyn Read) -> Result<(), StoreError> {
        let mut steps: Vec<OsString> = steps.iter().map(|step| component(step).into()).collect();
        let Some(mut name) = steps.pop() else {
            return Ok(());
        };
        name.push(ending);
        let mut folder = self.root.reopen()?;
        for step in &steps {
            folder = folder.enter_or_make(step)?;
        }
        match folder.remove_file(&name) {
            Err(error) if error.kind != StoreErrorKind::Missing => return Err(error),
            _ => {}
        }
        let mut file = folder.create(&name)?;
        let path = folder.path().join(&name);
        io::copy(bytes, &mut file).map_err(|error| StoreError::new("write", &path, error))?;
        steps.push(name);
        self.written.insert(steps);
        Ok(())
    }

    /// Removes what an export before had and this one has not.
    pub fn finish(self) -> Result<(), ExtractError> {
        let domains = self.root.entries().map_err(ExtractError::Write)?;
        for (domain, kind) in domains {
            if kind != FileType::Directory || domain.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let folder = self.root.enter(&domain).map_err(ExtractError::Write)?;
            for part in OURS {
                let entries = folder.entries().map_err(ExtractError::Write)?;
                if entries
                    .iter()
                    .any(|(name, kind)| name == part && *kind == FileType::Directory)
                {
                    let mut steps = vec![domain.clone(), part.into()];
                    self.tidy(&folder, &mut steps).map_err(ExtractError::Write)?;
                }
            }
            // One that holds something of somebody else stays.
            let _not_empty = self.root.remove_folder(&domain);
        }
        Ok(())
    }

    /// Removes what was not written from the last of these steps on, and folders that are empty
    /// then.
    fn tidy(&self, parent: &Folder, steps: &mut Vec<OsString>) -> Result<(), StoreError> {
        let Some(name) = steps.last().cloned() else {
            return Ok(());
        };
        let folder = parent.enter(&name)?;
        for (entry, kind) in folder.entries()? {
            steps.push(entry.clone());
            if kind == FileType::Directory {
                self.tidy(&folder, steps)?;
            } else if !self.written.contains(steps) {
                folder.remove_file(&entry)?;
            }
            steps.pop();
        }
        let _not_empty = parent.remove_folder(&name);
        Ok(())
    }
}
