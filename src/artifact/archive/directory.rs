//! The directory of a ZIP, held against the headers in front of the bytes.
//!
//! A ZIP says most things twice, and has room for more than it says: between the entries, in
//! front of the directory, in names that lead to one place. Here everything is held against
//! everything, so that whoever reads the archive by its directory, whoever reads it from its
//! beginning, and whoever unpacks it finds the same files.

use std::io::{self, Read, Seek, SeekFrom};

use crate::artifact::archive::entry_names::{self, NameClashes};
use crate::artifact::archive::problem::{ProblemKind, Problems, Reading, VerifyError};
use crate::artifact::archive::window::FileWindow;
use crate::artifact::archive::zip_end::ZipEnd;
use crate::artifact::archive::zip_header::{CentralHeader, LocalHeader, SoundHeader};

/// An entry of a directory.
#[derive(Clone, Debug)]
pub(super) struct ListedEntry {
    pub(super) name: String,
    /// None where its headers are not sound, which has been noted.
    pub(super) header: Option<SoundHeader>,
}

/// Reads the directory and the headers in front of the entries. What is wrong is noted.
pub(super) fn read(
    zip: &mut FileWindow<'_>,
    end: ZipEnd,
    inner: Option<&str>,
    findings: &mut Problems,
) -> Result<Vec<ListedEntry>, Reading> {
    let centrals = match headers(zip, end).map_err(machine)? {
        Ok(headers) => headers,
        Err(why) => {
            findings.problem(inner, None, ProblemKind::BrokenZip(why.to_owned()));
            return Err(Reading::Noted);
        }
    };
    let mut locals = Vec::with_capacity(centrals.len());
    for central in &centrals {
        locals.push(central.local(zip).map_err(machine)?);
    }
    let mut entries = Vec::with_capacity(centrals.len());
    let mut problems = Vec::new();
    for (index, (central, local)) in centrals.iter().zip(&locals).enumerate() {
        let (name, fault) = match name_of(central) {
            Ok(name) => (name, None),
            Err(looks_like) => (looks_like, Some(ProblemKind::UnsafeName)),
        };
        let read = match (fault, local) {
            (Some(fault), _) => Err(fault),
            (None, None) => Err(ProblemKind::BrokenEntry(
                "its header is not where the directory says".to_owned(),
            )),
            (None, Some(local)) => central.agree(local),
        };
        let header = read.map_err(|kind| problems.push((index, kind))).ok();
        entries.push(ListedEntry { name, header });
    }
    let names: Vec<(usize, &str)> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry_names::is_safe(&entry.name))
        .map(|(index, entry)| (index, entry.name.as_str()))
        .collect();
    let clashes = entry_names::clashes(&names.iter().map(|(_, name)| *name).collect::<Vec<_>>());
    let places = extents(&centrals, &locals, zip, end, &mut problems).map_err(machine)?;
    for (index, kind) in problems {
        findings.problem(inner, Some(&entries[index].name), kind);
    }
    note_clashes(&clashes, &names, inner, findings);
    if let Some(why) = places.and_then(|places| uncovered(places, end)) {
        findings.problem(inner, None, ProblemKind::BrokenZip(why));
    }
    look_at_writing(&centrals, inner, findings);
    Ok(entries)
}

/// The headers of the directory, which they fill.
fn headers(zip: &mut FileWindow<'_>, end: ZipEnd) -> io::Result<Result<Vec<CentralHeader>, &'static str>> {
    zip.seek(SeekFrom::Start(end.directory_start))?;
    let mut bytes = Vec::new();
    zip.take(end.directory_bytes).read_to_end(&mut bytes)?;
    let (mut rest, mut headers) = (bytes.as_slice(), Vec::new());
    for _ in 0..end.entries {
        match CentralHeader::take(&mut rest) {
            Some(header) => headers.push(header),
            None => return Ok(Err("its directory is damaged")),
        }
    }
    Ok(match rest.is_empty() {
        true => Ok(headers),
        false => Err("its directory holds more than its entries"),
    })
}

/// The name of an entry; the error is what it looks like.
fn name_of(central: &CentralHeader) -> Result<String, String> {
    let name = std::str::from_utf8(central.name())
        .map_err(|_| String::from_utf8_lossy(central.name()).into_owned())?;
    match entry_names::is_safe(name) {
        true => Ok(name.to_owned()),
        false => Err(name.to_owned()),
    }
}

/// Where each entry begins and ends, in that order; none where one cannot be found.
fn extents(
    centrals: &[CentralHeader],
    locals: &[Option<LocalHeader>],
    zip: &mut FileWindow<'_>,
    end: ZipEnd,
    problems: &mut Vec<(usize, ProblemKind)>,
) -> io::Result<Option<Vec<(u64, u64)>>> {
    let mut order: Vec<usize> = (0..centrals.len()).collect();
    order.sort_by_key(|index| centrals[*index].local_start());
    let mut places = Some(Vec::with_capacity(order.len()));
    for (position, &index) in order.iter().enumerate() {
        let next = order
            .get(position + 1)
            .map_or(end.directory_start, |next| centrals[*next].local_start());
        let Some(local) = &locals[index] else {
            places = None;
            continue;
        };
        match centrals[index].extent(local, zip, next)? {
            Ok(place) => {
                if let Some(places) = &mut places {
                    places.push(place);
                }
            }
            Err(kind) => {
                problems.push((index, kind));
                places = None;
            }
        }
    }
    Ok(places)
}

/// Entries and directory have to follow each other without a gap, and without an overlap.
fn uncovered(places: Vec<(u64, u64)>, end: ZipEnd) -> Option<String> {
    let mut position = 0;
    for (start, stop) in places.into_iter().chain([(end.directory_start, 0)]) {
        if start > position {
            return Some(format!("bytes {position} to {start} belong to no entry"));
        }
        if start < position {
            return Some(format!("two entries share the bytes from {start}"));
        }
        position = stop;
    }
    None
}

fn note_clashes(
    clashes: &NameClashes,
    names: &[(usize, &str)],
    inner: Option<&str>,
    findings: &mut Problems,
) {
    let name = |at: usize| names[at].1;
    for (one, _) in &clashes.twins {
        findings.problem(inner, Some(name(*one)), ProblemKind::DuplicateEntry);
    }
    for (pairs, relation) in [
        (&clashes.doubles, "it is unpacked to the place of"),
        (&clashes.below_files, "it stands below a file,"),
    ] {
        for (one, other) in pairs {
            let why = format!("{relation} {}", name(*other));
            findings.problem(inner, Some(name(*one)), ProblemKind::Ambiguous(why));
        }
    }
    for (one, other, systems) in &clashes.alike {
        let place = inner.map(|inner| format!("{inner}: ")).unwrap_or_default();
        findings.warn(&format!(
            "{place}{} and {} are one file on {systems}",
            name(*other),
            name(*one)
        ));
    }
}

/// Names beyond ASCII. Gateways do not mark theirs as UTF-8, and their rows in `export.xml` tell
/// how they are meant; but where some are marked and others are not, one sequence of bytes may
/// be two names, or two be one.
fn look_at_writing(centrals: &[CentralHeader], inner: Option<&str>, findings: &mut Problems) {
    let beyond_ascii = centrals.iter().filter(|central| !central.name().is_ascii());
    let (marked, unmarked): (Vec<_>, Vec<_>) = beyond_ascii.partition(|central| central.is_marked_utf8());
    if !marked.is_empty() && !unmarked.is_empty() {
        let why = "some of its names are marked as UTF-8, and others are not".to_owned();
        findings.problem(inner, None, ProblemKind::Ambiguous(why));
    } else if !unmarked.is_empty() {
        findings.note(&format!(
            "{}names beyond ASCII are not marked as UTF-8, and other programs may show them otherwise: {}",
            inner.map(|inner| format!("{inner}: ")).unwrap_or_default(),
            unmarked.len()
        ));
    }
}

fn machine(error: io::Error) -> Reading {
    Reading::Error(VerifyError::Read(error))
}
