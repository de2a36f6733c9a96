//! The manifest of a secure backup: what it lists, and whether it is there.
//!
//! What it lists stands in [`manifest_list`](crate::artifact::manifest_list).

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::artifact::archive::alike;
use crate::artifact::layout::component;
pub use crate::artifact::manifest_list::MANIFEST;
use crate::artifact::manifest_list::{Listed, Manifest, ManifestError};
use crate::values::first_few::first_few;

/// A manifest lists ten files or so.
const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// So many files of one kind are named.
const NAMED: usize = 3;

/// A secure backup could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Its manifest does not make sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// It is not what its manifest lists.
    #[error("{}", Told(.0))]
    Invalid(Vec<FolderProblem>),
    /// This machine could not read it. That says nothing about the backup.
    #[error("read {}", path.display())]
    Read {
        /// What could not be read.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// One way in which a folder is not what its manifest lists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FolderProblem {
    /// The manifest itself is not there.
    #[error("{MANIFEST} is missing")]
    NoManifest,
    /// Listed, but not there.
    #[error("{0:?} is missing")]
    Missing(String),
    /// Of another size.
    #[error("{name:?} has {found} bytes, not {listed}")]
    WrongSize {
        name: String,
        /// Its size.
        found: u64,
        /// The size that the manifest lists.
        listed: u64,
    },
    /// Its bytes are not those listed.
    #[error("the checksum of {0:?} is not the one listed")]
    WrongChecksum(String),
    /// There, but not listed.
    #[error("{0:?} is not listed")]
    Unlisted(String),
    /// Not a file: a folder, a link or worse.
    #[error("{0:?} is not a plain file")]
    NotAFile(String),
}

/// What a verified secure backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedFolder {
    /// Files, without the manifest.
    pub files: u64,
    /// Bytes, without the manifest.
    pub bytes: u64,
    /// The names of what lies beside them, and which the manifest does not list.
    pub strangers: Vec<String>,
    /// The files, by their names on the device, that nothing but their size proves.
    pub size_only: Vec<String>,
    /// Those that are there, and that nothing proves.
    pub name_only: Vec<String>,
    /// What is odd, but does not make it worse as a backup.
    pub warnings: Vec<String>,
    /// What is worth knowing, and nobody needs to look at.
    pub notes: Vec<String>,
}

/// What could be held against a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartProof {
    Checksum,
    /// It has no checksum, or one of no known kind.
    SizeOnly,
    Nothing,
}

/// Verifies a folder with a secure backup: the manifest is there, every file that it lists is
/// there with its size and checksum, and nothing else is.
pub fn verify(folder: &Path) -> Result<VerifiedFolder, FolderError> {
    verify_against(folder, &read(folder)?)
}

/// The same of a folder that others have had the time to put something into: what the manifest
/// does not list is no part of the backup, and is named in what this returns.
pub fn verify_among_strangers(folder: &Path) -> Result<VerifiedFolder, FolderError> {
    let (verified, problems) = compare(folder, &read(folder)?)?;
    sound(verified, problems)
}

/// Reads the manifest of a folder.
fn read(folder: &Path) -> Result<Manifest, FolderError> {
    let Some(mut file) = open(&folder.join(MANIFEST))? else {
        return Err(FolderError::Invalid(vec![FolderProblem::NoManifest]));
    };
    let failed = |source| FolderError::Read {
        path: folder.join(MANIFEST),
        source,
    };
    if !file.metadata().map_err(failed)?.is_file() {
        let problem = FolderProblem::NotAFile(MANIFEST.to_owned());
        return Err(FolderError::Invalid(vec![problem]));
    }
    let mut bytes = Vec::new();
    (&mut file)
        .take(MANIFEST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MANIFEST_BYTES {
        return Err(ManifestError::NotXml("it is too large".to_owned()).into());
    }
    let xml = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        ManifestError::NotXml(format!("it is not UTF-8 (at byte {at})"))
    })?;
    Ok(Manifest::read(&xml)?)
}

/// Verifies a folder against a manifest that has been read.
pub fn verify_against(folder: &Path, manifest: &Manifest) -> Result<VerifiedFolder, FolderError> {
    let (verified, mut problems) = compare(folder, manifest)?;
    problems.extend(verified.strangers.iter().cloned().map(FolderProblem::Unlisted));
    sound(verified, problems)
}

fn sound(verified: VerifiedFolder, problems: Vec<FolderProblem>) -> Result<VerifiedFolder, FolderError> {
    match problems.is_empty() {
        true => Ok(verified),
        false => Err(FolderError::Invalid(problems)),
    }
}

/// What a folder holds, and in which ways it is not what its manifest lists.
fn compare(folder: &Path, manifest: &Manifest) -> Result<(VerifiedFolder, Vec<FolderProblem>), FolderError> {
    let mut problems = Vec::new();
    let mut verified = VerifiedFolder {
        files: 0,
        bytes: 0,
        strangers: Vec::new(),
        size_only: Vec::new(),
        name_only: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
    };
    let mut expected = BTreeSet::from([MANIFEST.to_owned()]);
    for listed in &manifest.files {
        let file_name = component(&listed.name);
        let path = folder.join(&file_name);
        if file_name != listed.name {
            verified.notes.push(format!(
                "{:?} stands here as {file_name:?}: a restore wants it under its own name",
                listed.name
            ));
        }
        expected.insert(file_name);
        let (size, proof) = check_file(&path, listed, &mut problems)?;
        // A manifest cannot hold its own checksum, and its size only by chance.
        if listed.name == MANIFEST {
            continue;
        }
        verified.files += 1;
        verified.bytes += size;
        verified.tell(listed, proof);
    }
    verified.tell_unlisted_checksums(manifest);
    let names: Vec<&str> = manifest.files.iter().map(|listed| listed.name.as_str()).collect();
    for (one, other, systems) in alike(&names) {
        let warning = format!("{other:?} and {one:?} are one file on {systems}");
        verified.warnings.push(warning);
    }
    let failed = |source| FolderError::Read {
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !name.to_str().is_some_and(|name| expected.contains(name)) {
            verified.strangers.push(name.to_string_lossy().into_owned());
        }
    }
    verified.strangers.sort();
    Ok((verified, problems))
}

impl VerifiedFolder {
    /// Tells of a file whose bytes could not be held against a checksum.
    fn tell(&mut self, listed: &Listed, proof: PartProof) {
        let name = &listed.name;
        match (proof, listed.checksums.first()) {
            (PartProof::Checksum, _) => return,
            (PartProof::SizeOnly, Some(_)) => self.notes.push(format!(
                "{name:?} has a checksum of no known kind: nothing but its size was compared"
            )),
            (PartProof::Nothing, Some(_)) => self.warnings.push(format!(
                "{name:?} is listed without a size, and with a checksum of no known kind"
            )),
            // That is so of all of them as a rule, and told of all at once.
            (PartProof::SizeOnly, None) => {}
            (PartProof::Nothing, None) => self.warnings.push(format!(
                "{name:?} is listed without a size and without a checksum"
            )),
        }
        match proof {
            PartProof::Nothing => self.name_only.push(name.clone()),
            _ => self.size_only.push(name.clone()),
        }
    }
}

impl VerifiedFolder {
    /// Tells of the files of which the manifest has a size, and no checksum: some firmware lists none.
    fn tell_unlisted_checksums(&mut self, manifest: &Manifest) {
        let is_without =
            |listed: &&Listed| listed.checksums.is_empty() && self.size_only.contains(&listed.name);
        let names = manifest.files.iter().filter(is_without);
        let names: Vec<String> = names.map(|listed| format!("{:?}", listed.name)).collect();
        if !names.is_empty() {
            self.notes.push(format!(
                "the manifest lists no checksum of {}: nothing but the size was compared",
                first_few(names, NAMED)
            ));
        }
    }
}

/// Checks one file, and gives its size.
fn check_file(
    path: &Path,
    listed: &Listed,
    problems: &mut Vec<FolderProblem>,
) -> Result<(u64, PartProof), FolderError> {
    let name = || listed.name.clone();
    let proof = match listed.size {
        Some(_) => PartProof::SizeOnly,
        None => PartProof::Nothing,
    };
    let Some(mut file) = open(path)? else {
        problems.push(FolderProblem::Missing(name()));
        return Ok((0, proof));
    };
    let failed = |source| FolderError::Read {
        path: path.to_owned(),
        source,
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        problems.push(FolderProblem::NotAFile(name()));
        return Ok((0, proof));
    }
    let found = metadata.len();
    if listed.name == MANIFEST {
        return Ok((found, proof));
    }
    if let Some(listed) = listed.size
        && found != listed
    {
        problems.push(FolderProblem::WrongSize {
            name: name(),
            found,
            listed,
        });
        return Ok((found, proof));
    }
    let mut is_proved = false;
    for checksum in &listed.checksums {
        file.rewind().map_err(failed)?;
        match checksum.fits(&mut file).map_err(failed)? {
            Some(true) => is_proved = true,
            Some(false) => {
                problems.push(FolderProblem::WrongChecksum(name()));
                break;
            }
            None => {}
        }
    }
    Ok((found, if is_proved { PartProof::Checksum } else { proof }))
}

/// Opens a file without following a link, or gives `None` where none is.
fn open(path: &Path) -> Result<Option<File>, FolderError> {
    use rustix::fs::OFlags;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    match File::options().read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if rustix::io::Errno::from_io_error(&error) == Some(rustix::io::Errno::LOOP) => {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            Err(FolderError::Invalid(vec![FolderProblem::NotAFile(name)]))
        }
        Err(source) => Err(FolderError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

struct Told<'p>(&'p [FolderProblem]);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
