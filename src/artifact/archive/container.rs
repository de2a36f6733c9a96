//! One ZIP: opened, every entry read to its end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};

use crate::artifact::archive::directory::{self, ListedEntry};
use crate::artifact::archive::early_look::Ahead;
use crate::artifact::archive::entry_digest::{Digesting, EntryDigest};
use crate::artifact::archive::entry_kind::EntryKind;
use crate::artifact::archive::inflate::Unpacking;
use crate::artifact::archive::limits::Limits;
use crate::artifact::archive::problem::{ProblemKind, Problems, Reading, VerifyError};
use crate::artifact::archive::window::FileWindow;
use crate::artifact::archive::zip_end;
use crate::artifact::archive::zip_header::{PackedPlace, Packing, SoundHeader};

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

    fn unpack(&mut self, bytes: u64) -> bool {
        self.unpacked = self.unpacked.saturating_add(bytes);
        self.unpacked <= self.allowed
    }
}

/// An entry.
#[derive(Clone, Debug)]
pub(super) struct ZipEntry {
    /// None where its headers are not sound, which has been noted.
    header: Option<SoundHeader>,
    pub(super) bytes: EntryBytes,
}

/// What is known of the bytes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryBytes {
    /// Nobody has read them, or they could not be read, which has been noted.
    NotRead,
    /// They are whole, and nobody has taken their SHA-1.
    Whole,
    /// They are whole, with their SHA-1.
    Hashed([u8; 20]),
}

/// An open ZIP.
pub(super) struct Container<'f> {
    window: FileWindow<'f>,
    /// Which inner ZIP it is.
    inner: Option<String>,
    entries: Vec<ListedEntry>,
}

impl<'f> Container<'f> {
    /// Opens a ZIP and holds it against the limits, before memory is spent on it.
    pub(super) fn open(
        mut window: FileWindow<'f>,
        inner: Option<&str>,
        budget: &mut Budget<'_>,
        findings: &mut Problems,
    ) -> Result<Container<'f>, Reading> {
        let mut refuse = |kind: ProblemKind| {
            findings.problem(inner, None, kind);
            Reading::Noted
        };
        let end = match zip_end::read(&mut window) {
            Ok(Ok(end)) => end,
            Ok(Err(why)) => return Err(refuse(ProblemKind::BrokenZip(why.to_owned()))),
            Err(error) => return Err(refuse(ProblemKind::BrokenZip(Reading::sort(error)?))),
        };
        budget.entries = budget.entries.saturating_add(end.entries);
        if budget.entries > budget.limits.entries {
            return Err(refuse(ProblemKind::OverLimit("entries")));
        }
        if end.directory_bytes > budget.limits.directory_bytes {
            return Err(refuse(ProblemKind::OverLimit("bytes of the directory")));
        }
        let entries = directory::read(&mut window, end, inner, findings)?;
        let inner = inner.map(str::to_owned);
        Ok(Container {
            window,
            inner,
            entries,
        })
    }

    /// Which inner ZIP it is; none is the archive itself.
    pub(super) fn inner(&self) -> Option<&str> {
        self.inner.as_deref()
    }

    /// The entries by name, of which nothing has been read yet.
    pub(super) fn unread(&self) -> BTreeMap<&str, ZipEntry> {
        let unread = |listed: &ListedEntry| ZipEntry {
            header: listed.header.clone(),
            bytes: EntryBytes::NotRead,
        };
        let entries = self.entries.iter();
        entries
            .map(|listed| (listed.name.as_str(), unread(listed)))
            .collect()
    }

    /// Reads every entry to its end of which nothing is known `ahead`, but for `held_back`, which is
    /// only looked at. What is wrong is noted; the entries are given by name.
    pub(super) fn read_all(
        &self,
        held_back: &str,
        ahead: &Ahead,
        budget: &mut Budget<'_>,
        findings: &mut Problems,
    ) -> Result<BTreeMap<String, ZipEntry>, Reading> {
        let mut entries = BTreeMap::new();
        for ListedEntry { name, header } in &self.entries {
            let mut entry = ZipEntry {
                header: header.clone(),
                bytes: EntryBytes::NotRead,
            };
            if name != held_back && header.is_some() {
                let digest = match self.known(&entry, ahead) {
                    Some(digest) => self.judged(&entry, name, digest, budget, findings)?,
                    None => {
                        let nothing_more = |_: &mut dyn Read| Ok(());
                        let read = self.read_entry(&entry, name, budget, findings, nothing_more)?;
                        read.map(|(digest, ())| digest)
                    }
                };
                if entry.is_folder() && digest.is_some_and(|digest| digest.bytes > 0) {
                    let why = "a folder with bytes in it".to_owned();
                    findings.problem(self.inner.as_deref(), Some(name), ProblemKind::BrokenEntry(why));
                }
                entry.bytes = match digest {
                    None => EntryBytes::NotRead,
                    Some(EntryDigest { sha1: None, .. }) => EntryBytes::Whole,
                    Some(EntryDigest { sha1: Some(sha1), .. }) => EntryBytes::Hashed(sha1),
                };
            }
            entries.insert(name.clone(), entry);
        }
        Ok(entries)
    }

    /// Takes the SHA-1 of those of the entries of which nobody has taken it.
    pub(super) fn hash<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        entries: &mut BTreeMap<String, ZipEntry>,
        budget: &mut Budget<'_>,
        findings: &mut Problems,
    ) -> Result<(), Reading> {
        for name in names {
            let Some(entry) = entries
                .get_mut(name)
                .filter(|entry| entry.bytes == EntryBytes::Whole)
            else {
                continue;
            };
            let read = self.read_entry(entry, name, budget, findings, |_| Ok(()))?;
            let sha1 = read.and_then(|(digest, ())| digest.sha1);
            entry.bytes = sha1.map_or(EntryBytes::NotRead, EntryBytes::Hashed);
        }
        Ok(())
    }

    /// What somebody who looked ahead knows of an entry.
    fn known<'a>(&self, entry: &ZipEntry, ahead: &'a Ahead) -> Option<&'a EntryDigest> {
        let header = entry.header.as_ref()?;
        let window = self.window.part(header.data_start, header.packed)?;
        ahead.of(&PackedPlace {
            start: window.start(),
            bytes: header.packed,
            packing: header.packing,
        })
    }

    /// The digest of an entry, where it is that of which the headers tell. What is wrong is noted.
    fn judged(
        &self,
        entry: &ZipEntry,
        name: &str,
        digest: &EntryDigest,
        budget: &mut Budget<'_>,
        findings: &mut Problems,
    ) -> Result<Option<EntryDigest>, Reading> {
        if !budget.unpack(digest.bytes) {
            return Err(self.over_the_limit(name, findings));
        }
        match entry.header.as_ref().and_then(|header| digest.fault(header)) {
            None => Ok(Some(*digest)),
            Some(why) => {
                findings.problem(self.inner.as_deref(), Some(name), ProblemKind::BrokenEntry(why));
                Ok(None)
            }
        }
    }

    fn over_the_limit(&self, name: &str, findings: &mut Problems) -> Reading {
        let kind = ProblemKind::OverLimit("unpacked bytes");
        findings.problem(self.inner.as_deref(), Some(name), kind);
        Reading::Noted
    }

    /// Reads one entry through `work`, and after it to the end. Gives its digest and what `work`
    /// gave, or `None` where the entry is damaged, which is noted.
    pub(super) fn read_entry<T>(
        &self,
        entry: &ZipEntry,
        name: &str,
        budget: &mut Budget<'_>,
        findings: &mut Problems,
        work: impl FnOnce(&mut dyn Read) -> io::Result<T>,
    ) -> Result<Option<(EntryDigest, T)>, Reading> {
        let Some(header) = &entry.header else {
            return Ok(None);
        };
        let mut damaged = |why: String| {
            findings.problem(self.inner.as_deref(), Some(name), ProblemKind::BrokenEntry(why));
        };
        let Some(window) = self.window.part(header.data_start, header.packed) else {
            damaged("it is longer than the ZIP".to_owned());
            return Ok(None);
        };
        let mut passing = Passing {
            inner: Unpacking::new(BufReader::with_capacity(BUFFER_BYTES, window), header.packing),
            digesting: Digesting::default(),
            budget,
            is_over: false,
        };
        let worked = work(&mut passing).and_then(|value| {
            copy(&mut passing, &mut io::sink())?;
            Ok((value, passing.inner.is_spent()?))
        });
        if passing.is_over {
            return Err(self.over_the_limit(name, findings));
        }
        let why = match worked {
            Ok((value, is_spent)) => {
                let digest = passing.digesting.finish(is_spent);
                match digest.fault(header) {
                    None => return Ok(Some((digest, value))),
                    Some(why) => why,
                }
            }
            Err(error) => Reading::sort(error)?,
        };
        damaged(why);
        Ok(None)
    }

    /// The bytes of a stored entry where they stand, or `None` where they are deflated.
    pub(super) fn in_place(&self, entry: &ZipEntry) -> Option<FileWindow<'f>> {
        let header = entry.header.as_ref()?;
        let is_stored = header.packing == Packing::Stored;
        is_stored.then(|| self.window.part(header.data_start, header.packed))?
    }

    /// Unpacks a deflated entry, whose bytes have been read before, to a file.
    pub(super) fn unpack_to(
        &self,
        entry: &ZipEntry,
        name: &str,
        budget: &mut Budget<'_>,
        findings: &mut Problems,
        file: &mut File,
    ) -> Result<(), Reading> {
        let unpacked = entry.header.as_ref().map_or(u64::MAX, |header| header.unpacked);
        if unpacked > budget.limits.scratch_bytes {
            let kind = ProblemKind::OverLimit("bytes of a deflated inner ZIP");
            findings.problem(self.inner.as_deref(), Some(name), kind);
            return Err(Reading::Noted);
        }
        let mut written = Ok(());
        let read = self.read_entry(entry, name, budget, findings, |bytes| {
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
}

impl ZipEntry {
    /// Whether it only names a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.header
            .as_ref()
            .is_some_and(|header| header.kind == EntryKind::Folder)
    }
}

/// Bytes on their way out of an entry: hashed, counted, and stopped at the limit.
struct Passing<'b, 'l, 'f> {
    inner: Unpacking<BufReader<FileWindow<'f>>>,
    digesting: Digesting,
    budget: &'b mut Budget<'l>,
    is_over: bool,
}

impl Read for Passing<'_, '_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digesting.update(&buffer[..read]);
        if !self.budget.unpack(read as u64) {
            self.is_over = true;
            return Err(io::Error::other("over the limit"));
        }
        Ok(read)
    }
}

fn copy(from: &mut dyn Read, to: &mut dyn io::Write) -> io::Result<u64> {
    io::copy(&mut BufReader::with_capacity(BUFFER_BYTES, from), to)
}
