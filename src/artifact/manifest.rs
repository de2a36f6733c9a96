//! The manifest of a secure backup: what it lists, and whether it is there.
//!
//! No manifest of a gateway has been published. Two working clients agree on
//! `backupmanifest/files/file` with `filename` and `checksum`, and one of them on the
//! checksum being SHA-1 in lower-case hex (soma-wire 3.4). So it is read loosely in what
//! surrounds that, and strictly in what it says.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use roxmltree::{Document, Node, ParsingOptions};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::artifact::layout::component;
use crate::values::hex::unhex;

/// The name of the manifest.
pub const MANIFEST: &str = "backupmanifest.xml";

/// A manifest lists ten files or so.
const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
const MANIFEST_NODES: u32 = 200_000;

/// What a manifest lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The files, in its order.
    pub files: Vec<Listed>,
}

/// One file that a manifest lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name on the device.
    pub name: String,
    /// Its bytes.
    pub size: Option<u64>,
    /// Its checksum.
    pub checksum: Option<Checksum>,
}

/// A checksum of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-1, which is what has been seen.
    Sha1([u8; 20]),
    /// SHA-256, should firmware come to it.
    Sha256([u8; 32]),
}

/// A manifest does not make sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is no XML that can be read.
    #[error("the manifest cannot be read: {0}")]
    NotXml(String),
    /// It lists nothing.
    #[error("the manifest lists no files")]
    Empty,
    /// A file has no name, or one that is not safe.
    #[error("the manifest lists a file with the unsafe name {0:?}")]
    UnsafeName(String),
    /// Two files have one name.
    #[error("the manifest lists {0:?} twice")]
    Duplicate(String),
    /// A size or checksum cannot be understood.
    #[error("the manifest gives {name:?} a {what} that cannot be understood: {text:?}")]
    BadValue {
        /// The file.
        name: String,
        /// `size` or `checksum`.
        what: &'static str,
        /// As it stands there.
        text: String,
    },
}

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
        /// Why.
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
        /// The file.
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
pub struct FolderReport {
    /// Files, without the manifest.
    pub files: u64,
    /// Bytes, without the manifest.
    pub bytes: u64,
    /// The names of what lies beside them, and which the manifest does not list.
    pub strangers: Vec<String>,
    /// What is odd, but does not make it worse as a backup.
    pub warnings: Vec<String>,
}

/// Reads a manifest.
pub fn parse(xml: &str) -> Result<Manifest, ManifestError> {
    let options = ParsingOptions {
        nodes_limit: MANIFEST_NODES,
        ..ParsingOptions::default()
    };
    let xml = xml.trim_start_matches('\u{FEFF}');
    let document = Document::parse_with_options(xml, options)
        .map_err(|error| ManifestError::NotXml(error.to_string()))?;
    let mut files = Vec::new();
    let mut names = BTreeSet::new();
    let lists = document
        .descendants()
        .filter(|node| is(node, "backupmanifest"))
        .flat_map(|node| node.children())
        .filter(|node| is(node, "files"));
    for row in lists
        .flat_map(|node| node.children())
        .filter(|node| is(node, "file"))
    {
        let listed = listed(row)?;
        if !names.insert(listed.name.clone()) {
            return Err(ManifestError::Duplicate(listed.name));
        }
        files.push(listed);
    }
    if files.iter().all(|file| file.name == MANIFEST) {
        return Err(ManifestError::Empty);
    }
    Ok(Manifest { files })
}

/// Verifies a folder with a secure backup: the manifest is there, every file that it lists is
/// there with its size and checksum, and nothing else is.
pub fn verify(folder: &Path) -> Result<FolderReport, FolderError> {
    verify_against(folder, &read(folder)?)
}

/// The same of a folder that others have had the time to put something into: what the manifest
/// does not list is no part of the backup, and is named in the report.
pub fn verify_among_strangers(folder: &Path) -> Result<FolderReport, FolderError> {
    let (report, problems) = compare(folder, &read(folder)?)?;
    sound(report, problems)
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
    let xml = String::from_utf8(bytes).map_err(|error| ManifestError::NotXml(error.to_string()))?;
    Ok(parse(&xml)?)
}

/// Verifies a folder against a manifest that has been read.
pub fn verify_against(folder: &Path, manifest: &Manifest) -> Result<FolderReport, FolderError> {
    let (report, mut problems) = compare(folder, manifest)?;
    problems.extend(report.strangers.iter().cloned().map(FolderProblem::Unlisted));
    sound(report, problems)
}

fn sound(report: FolderReport, problems: Vec<FolderProblem>) -> Result<FolderReport, FolderError> {
    match problems.is_empty() {
        true => Ok(report),
        false => Err(FolderError::Invalid(problems)),
    }
}

/// What a folder holds, and in which ways it is not what its manifest lists.
fn compare(folder: &Path, manifest: &Manifest) -> Result<(FolderReport, Vec<FolderProblem>), FolderError> {
    let mut problems = Vec::new();
    let mut report = FolderReport {
        files: 0,
        bytes: 0,
        strangers: Vec::new(),
        warnings: Vec::new(),
    };
    let mut expected = BTreeSet::from([MANIFEST.to_owned()]);
    for listed in &manifest.files {
        let file_name = component(&listed.name);
        let path = folder.join(&file_name);
        expected.insert(file_name);
        let size = check_file(&path, listed, &mut problems)?;
        if listed.checksum.is_none() {
            report
                .warnings
                .push(format!("{:?} is listed without a checksum", listed.name));
        }
        if listed.name != MANIFEST {
            report.files += 1;
            report.bytes += size;
        }
    }
    let failed = |source| FolderError::Read {
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !name.to_str().is_some_and(|name| expected.contains(name)) {
            report.strangers.push(name.to_string_lossy().into_owned());
        }
    }
    report.strangers.sort();
    Ok((report, problems))
}

/// Checks one file, and gives its size.
fn check_file(path: &Path, listed: &Listed, problems: &mut Vec<FolderProblem>) -> Result<u64, FolderError> {
    let name = || listed.name.clone();
    let Some(mut file) = open(path)? else {
        problems.push(FolderProblem::Missing(name()));
        return Ok(0);
    };
    let failed = |source| FolderError::Read {
        path: path.to_owned(),
        source,
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        problems.push(FolderProblem::NotAFile(name()));
        return Ok(0);
    }
    let found = metadata.len();
    if let Some(listed) = listed.size
        && found != listed
    {
        problems.push(FolderProblem::WrongSize {
            name: name(),
            found,
            listed,
        });
    } else if let Some(checksum) = listed.checksum
        && !checksum.fits(&mut file).map_err(failed)?
    {
        problems.push(FolderProblem::WrongChecksum(name()));
    }
    Ok(found)
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

fn listed(row: Node<'_, '_>) -> Result<Listed, ManifestError> {
    let text = |name: &str| {
        let child = row.children().find(|node| is(node, name));
        let text = child.and_then(|node| node.text()).unwrap_or_default().trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let name = text("filename").unwrap_or_default();
    let is_unsafe = |c: char| matches!(c, '/' | '\\') || c.is_control();
    if name.is_empty() || name == "." || name == ".." || name.contains(is_unsafe) {
        return Err(ManifestError::UnsafeName(name));
    }
    let understand = |what, text: String| {
        let name = name.clone();
        ManifestError::BadValue { name, what, text }
    };
    let size = match text("size") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| understand("size", text))?),
    };
    let checksum = match text("checksum") {
        None => None,
        Some(text) => Some(Checksum::parse(&text).ok_or_else(|| understand("checksum", text))?),
    };
    Ok(Listed { name, size, checksum })
}

/// Compares the local name: which namespace a manifest has, if any, is not known.
fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

impl Checksum {
    /// Hex in either case, or base64. The length tells which hash it is.
    fn parse(text: &str) -> Option<Checksum> {
        let bytes = match text.len() {
            40 | 64 => unhex(text)?,
            _ => BASE64.decode(text).ok()?,
        };
        match bytes.len() {
            20 => bytes.try_into().ok().map(Checksum::Sha1),
            32 => bytes.try_into().ok().map(Checksum::Sha256),
            _ => None,
        }
    }

    fn fits(&self, file: &mut File) -> io::Result<bool> {
        match self {
            Checksum::Sha1(expected) => Ok(hash_of::<Sha1>(file)?.as_slice() == expected),
            Checksum::Sha256(expected) => Ok(hash_of::<Sha256>(file)?.as_slice() == expected),
        }
    }
}

fn hash_of<H: Digest>(file: &mut File) -> io::Result<Vec<u8>> {
    let mut hash = H::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().to_vec()),
            read => hash.update(&buffer[..read]),
        }
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
