//! One ZIP: opened, every entry read to its end. This is the only file (but for fixtures)
//! that knows the ZIP library.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};

use sha1::{Digest, Sha1};
use zip::read::ZipArchive;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipReadOptions};

use crate::artifact::archive::limits::Limits;
use crate::artifact::archive::problem::{ProblemKind, Problems, Reading, VerifyError};
use crate::artifact::archive::window::FileWindow;
use crate::artifact::archive::zip_end;

const BUFFER_BYTES: usize = 64 * 1024;

/// What is left of the limits.
#[derive(Debug)]
pub(super) struct Budget<'l> {
    pub(super) limits: &'l Limits,
    /// Entries seen so far.
    pub(super) entries: u64,
    /// Bytes unpacked so far.
    pub(super) unpacked: u64,
    /// Bytes that may be unpacked, by size and ratio.
    allowed: u64,
}

impl<'l> Budget<'l> {
    pub(super) fn new(limits: &'l Limits, file_size: u64) -> Budget<'l> {
        let by_ratio = file_size
            .saturating_mul(limits.ratio)
            .max(limits.ratio_free_bytes);
        let allowed = by_ratio.min(limits.unpacked_bytes);
        Budget {
            limits,
            entries: 0,
            unpacked: 0,
            allowed,
        }
    }

    fn unpack(&mut self, bytes: usize) -> bool {
        self.unpacked += bytes as u64;
        self.unpacked <= self.allowed
    }
}

/// An entry.
#[derive(Clone, Debug)]
pub(super) struct ZipEntry {
    index: usize,
    is_folder: bool,
    /// SHA-1 of its bytes; none where they could not be read, which has been noted.
    pub(super) sha1: Option<[u8; 20]>,
}

/// An open ZIP.
pub(super) struct Container<'f> {
    zip: ZipArchive<BufReader<FileWindow<'f>>>,
    window: FileWindow<'f>,
    /// Which inner ZIP it is.
    inner: Option<String>,
}

impl<'f> Container<'f> {
    /// Opens a ZIP and holds it against the limits, before memory is spent on it.
    pub(super) fn open(
        mut window: FileWindow<'f>,
        inner: Option<&str>,
        budget: &mut Budget<'_>,
        findings: &mut Problems,
    ) -> Result<Container<'f>, Reading> {
        let mut refuse = |entry: Option<&str>, kind: ProblemKind| {
            findings.problem(inner, entry, kind);
            Reading::Noted
        };
        let tail = match zip_end::read(&mut window) {
            Ok(Ok(tail)) => tail,
            Ok(Err(why)) => return Err(refuse(None, ProblemKind::BrokenZip(why.to_owned()))),
            Err(error) => return Err(refuse(None, ProblemKind::BrokenZip(Reading::sort(error)?))),
        };
        budget.entries = budget.entries.saturating_add(tail.entries);
        if budget.entries > budget.limits.entries {
            return Err(refuse(None, ProblemKind::OverLimit("entries")));
        }
        if tail.directory_bytes > budget.limits.directory_bytes {
            return Err(refuse(None, ProblemKind::OverLimit("bytes of the directory")));
        }
        let mut zip = match ZipArchive::new(BufReader::new(window.clone())) {
            Ok(zip) => zip,
            Err(error) => return Err(refuse(None, ProblemKind::BrokenZip(sort(error)?))),
        };
        if zip.has_duplicate_names() {
            let name = zip_end::duplicate(&mut window, tail).map_err(read_error)?;
            return Err(refuse(name.as_deref(), ProblemKind::DuplicateEntry));
        }
        if zip.offset() != 0 || zip.len() as u64 != tail.entries {
            let why = "it contradicts its own end".to_owned();
            return Err(refuse(None, ProblemKind::BrokenZip(why)));
        }
        // Names, sizes and CRCs stand twice in a ZIP, and bytes may stand between entries. Other
        // programs read the other copy: both have to say the same, and nothing may hide.
        if let Err(error) = zip.validate_header_consistency() {
            let why = sort(error)?;
            // Not the end: reading the entries may tell which one it is.
            let _noted = refuse(None, ProblemKind::BrokenZip(why));
        }
        let inner = inner.map(str::to_owned);
        Ok(Container { zip, window, inner })
    }

    /// Reads every entry to its end, but for `held_back`, which is only looked at. What is
    /// wrong is noted; the entries are given by name.
    pub(super) fn read_all(
        &mut self,
        held_back: &str,
        budget: &mut Budget<'_>,
        findings: &mut Problems,
    ) -> Result<BTreeMap<String, ZipEntry>, Reading> {
        let mut entries = BTreeMap::new();
        for index in 0..self.zip.len() {
            let (name, fault) = self.look_at(index);
            if let Some(kind) = fault {
                findings.problem(self.inner.as_deref(), Some(&name), kind);
                entries.insert(
                    name,
                    ZipEntry {
                        index,
                        is_folder: false,
                        sha1: None,
                    },
                );
                continue;
            }
            let is_folder = name.ends_with('/');
            let mut sha1 = None;
            if name != held_back {
                let read = self.read_entry(index, &name, budget, findings, |bytes| {
                    copy(bytes, &mut io::sink())
                })?;
                if is_folder && read.is_some_and(|(_, size)| size > 0) {
                    let why = "a folder with bytes in it".to_owned();
                    findings.problem(self.inner.as_deref(), Some(&name), ProblemKind::BrokenEntry(why));
                }
                sha1 = read.map(|(sha1, _)| sha1);
            }
            entries.insert(
                name,
                ZipEntry {
                    index,
                    is_folder,
                    sha1,
                },
            );
        }
        Ok(entries)
    }

    /// Reads one entry through `work`, and after it to the end. Gives the SHA-1 and what `work`
    /// gave, or `None` where the bytes are damaged, which is noted.
    pub(super) fn read_entry<T>(
        &mut self,
        index: usize,
        name: &str,
        budget: &mut Budget<'_>,
        findings: &mut Problems,
        work: impl FnOnce(&mut dyn Read) -> io::Result<T>,
    ) -> Result<Option<([u8; 20], T)>, Reading> {
        let inner = self.inner.as_deref();
        let mut note = |kind: ProblemKind| findings.problem(inner, Some(name), kind);
        let entry = match self.zip.by_index_with_options(index, ZipReadOptions::new()) {
            Ok(entry) => entry,
            Err(error) => {
                note(ProblemKind::BrokenEntry(sort(error)?));
                return Ok(None);
            }
        };
        let declared = entry.size();
        let mut passing = Passing {
            inner: entry,
            hash: Sha1::new(),
            size: 0,
            budget,
            is_over: false,
        };
        let worked = work(&mut passing).and_then(|value| {
            copy(&mut passing, &mut io::sink())?;
            Ok(value)
        });
        if passing.is_over {
            note(ProblemKind::OverLimit("unpacked bytes"));
            return Err(Reading::Noted);
        }
        match worked {
            Ok(value) if passing.size == declared => Ok(Some((passing.hash.finalize().into(), value))),
            Ok(_) => {
                note(ProblemKind::BrokenEntry(
                    "it is shorter than its header says".to_owned(),
                ));
                Ok(None)
            }
            Err(error) => {
                note(ProblemKind::BrokenEntry(Reading::sort(error)?));
                Ok(None)
            }
        }
    }

    /// The bytes of a stored entry where they stand, or `None` where they are deflated.
    pub(super) fn in_place(&mut self, entry: &ZipEntry) -> Result<Option<FileWindow<'f>>, Reading> {
        let stored = self
            .zip
            .by_index_raw(entry.index)
            .map_err(|error| read_error(error.into()))?;
        if stored.compression() != CompressionMethod::Stored {
            return Ok(None);
        }
        let start = stored.data_start().unwrap_or(u64::MAX);
        Ok(self.window.part(start, stored.compressed_size()))
    }

    /// Unpacks a deflated entry, whose bytes have been read before, to a file.
    pub(super) fn unpack_to(
        &mut self,
        entry: &ZipEntry,
        name: &str,
        budget: &mut Budget<'_>,
        findings: &mut Problems,
        file: &mut File,
    ) -> Result<(), Reading> {
        let unpacked = self
            .zip
            .by_index_data(entry.index)
            .map_or(u64::MAX, |entry| entry.size());
        if unpacked > budget.limits.scratch_bytes {
            let kind = ProblemKind::OverLimit("bytes of a deflated inner ZIP");
            findings.problem(self.inner.as_deref(), Some(name), kind);
            return Err(Reading::Noted);
        }
        let mut written = Ok(());
        let read = self.read_entry(entry.index, name, budget, findings, |bytes| {
            let mut buffer = vec![0; BUFFER_BYTES];
            loop {
                match bytes.read(&mut buffer)? {
                    0 => return Ok(()),
                    read => written = io::Write::write_all(file, &buffer[..read]),
                }
                if written.is_err() {
                    return Ok(());
                }
            }
        })?;
        written.map_err(|error| Reading::Error(VerifyError::Scratch(error)))?;
        read.map(|_| ()).ok_or(Reading::Noted)
    }

    /// The name of an entry, and what forbids to read it.
    fn look_at(&self, index: usize) -> (String, Option<ProblemKind>) {
        let entry = match self.zip.by_index_data(index) {
            Ok(entry) => entry,
            Err(error) => {
                let fault = ProblemKind::BrokenEntry(error.to_string());
                return (format!("entry {index}"), Some(fault));
            }
        };
        let Ok(name) = entry.name().map(std::borrow::Cow::into_owned) else {
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            return (name, Some(ProblemKind::UnsafeName));
        };
        let fault = if !is_safe(&name) {
            Some(ProblemKind::UnsafeName)
        } else if entry.encrypted() {
            Some(ProblemKind::Encrypted)
        } else if entry.is_symlink() {
            Some(ProblemKind::Link)
        } else {
            match entry.compression() {
                CompressionMethod::Stored | CompressionMethod::Deflated => None,
                _ => Some(ProblemKind::UnknownMethod),
            }
        };
        (name, fault)
    }
}

impl ZipEntry {
    /// Its number, for [`Container::read_entry`].
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// Whether it only names a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.is_folder
    }
}

/// Whether a name stays where the archive is unpacked.
fn is_safe(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('/')
        && !name.split('/').any(|step| step == "..")
        && !name.contains(|c: char| c == '\\' || c.is_control())
}

/// Bytes on their way out of an entry: hashed, counted, and stopped at the limit.
struct Passing<'b, 'l, R> {
    inner: R,
    hash: Sha1,
    size: u64,
    budget: &'b mut Budget<'l>,
    is_over: bool,
}

impl<R: Read> Read for Passing<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.size += read as u64;
        if !self.budget.unpack(read) {
            self.is_over = true;
            return Err(io::Error::other("over the limit"));
        }
        Ok(read)
    }
}

fn copy(from: &mut dyn Read, to: &mut dyn io::Write) -> io::Result<u64> {
    io::copy(&mut BufReader::with_capacity(BUFFER_BYTES, from), to)
}

fn sort(error: ZipError) -> Result<String, Reading> {
    match error {
        ZipError::Io(error) => Reading::sort(error),
        other => Ok(other.to_string()),
    }
}

fn read_error(error: io::Error) -> Reading {
    Reading::Error(VerifyError::Read(error))
}
