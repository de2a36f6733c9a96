//! What is wrong with an archive, said so that one finds the place.

use std::fmt;
use std::io;

use crate::artifact::archive::lookalike::Lookalike;

/// How many problems, and how many warnings, are told. One cut archive may have thousands.
const TOLD: usize = 50;

/// An archive could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It was read, and it is not what it should be.
    #[error(transparent)]
    Invalid(Invalid),
    /// This machine could not read it. That says nothing about the archive.
    #[error("read the archive")]
    Read(#[source] io::Error),
    /// An inner ZIP could not be unpacked to disk. That says nothing about the archive.
    #[error("unpack an inner ZIP to disk")]
    Scratch(#[source] io::Error),
}

/// Everything that is wrong with an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    /// The first problems found, at least one.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub untold: u64,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The inner ZIP that it concerns; none is the archive itself.
    pub inner: Option<String>,
    /// The entry that it concerns; none is the whole ZIP.
    pub entry: Option<String>,
    pub kind: ProblemKind,
}

/// The ways in which an archive is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// No archive of a gateway, but something that is taken for one.
    Lookalike(Lookalike),
    /// Not a ZIP, or one that is cut, added to, or contradicts itself.
    BrokenZip(String),
    /// The bytes of an entry do not unpack, or not to their CRC.
    BrokenEntry(String),
    /// Two entries of one name.
    DuplicateEntry,
    /// An encrypted entry.
    Encrypted,
    /// Neither stored nor deflated.
    UnknownMethod,
    /// An absolute name, one with `..` or a backslash, or one with control characters.
    UnsafeName,
    /// Neither a file nor a folder: what it is.
    NotPlain(&'static str),
    /// The header in front of it and the one in the directory differ in this.
    HeadersDisagree(&'static str),
    /// Some programs read it otherwise than others do.
    Ambiguous(String),
    /// One of [`Limits`](crate::artifact::archive::Limits).
    OverLimit(&'static str),
    /// There is no `export.xml`.
    NoExportXml,
    /// `export.xml` is not what a gateway writes.
    BadExportXml(String),
    /// A row of `files` that makes no sense.
    BadRow(String),
    /// Listed in `export.xml`, but not there.
    Missing,
    /// Its bytes are not those that `export.xml` lists.
    WrongHash,
    /// There, but not listed.
    Unlisted,
    /// The archive of something else: what it says, and what it should say.
    WrongDomain {
        found: String,
        /// What it should say.
        expected: String,
    },
    /// Another kind of archive than the one asked for.
    WrongKind,
    /// A domain that was asked for is not there.
    DomainMissing(String),
    /// A domain is there that was not asked for.
    DomainUnexpected(String),
    /// It holds no domain.
    NoDomain,
    /// It holds no configuration object.
    NoObject,
}

impl Invalid {
    /// Each problem in words, and how many more there are.
    pub fn reasons(&self) -> Vec<String> {
        let more = (self.untold > 0).then(|| format!("and {} more", self.untold));
        self.problems
            .iter()
            .map(ToString::to_string)
            .chain(more)
            .collect()
    }

    /// What it is, if it is something else than an archive.
    pub fn lookalike(&self) -> Option<&Lookalike> {
        self.problems.iter().find_map(|problem| match &problem.kind {
            ProblemKind::Lookalike(lookalike) => Some(lookalike),
            _ => None,
        })
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons().join("; "))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names come from a device: nothing in them may reach a terminal as it is.
        for name in [&self.inner, &self.entry].into_iter().flatten() {
            write!(f, "{}: ", shown(name).escape_debug())?;
        }
        write!(f, "{}", self.kind)
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProblemKind::Lookalike(what) => write!(f, "not an archive of a gateway, but {what}"),
            ProblemKind::BrokenZip(why) => write!(f, "not a whole ZIP: {}", why.escape_debug()),
            ProblemKind::BrokenEntry(why) => write!(f, "damaged: {}", why.escape_debug()),
            ProblemKind::DuplicateEntry => f.write_str("two entries have this name"),
            ProblemKind::Encrypted => f.write_str("encrypted"),
            ProblemKind::UnknownMethod => f.write_str("neither stored nor deflated"),
            ProblemKind::UnsafeName => f.write_str("not a safe name"),
            ProblemKind::NotPlain(what) => write!(f, "neither a file nor a folder: {what}"),
            ProblemKind::HeadersDisagree(what) => {
                write!(f, "its header and the directory differ in {what}")
            }
            ProblemKind::Ambiguous(why) => {
                write!(f, "programs do not read it alike: {}", why.escape_debug())
            }
            ProblemKind::OverLimit(what) => write!(f, "too much: {what}"),
            ProblemKind::NoExportXml => f.write_str("export.xml is missing"),
            ProblemKind::BadExportXml(why) => write!(f, "not an export: {}", why.escape_debug()),
            ProblemKind::BadRow(why) => write!(f, "its row in export.xml: {}", why.escape_debug()),
            ProblemKind::Missing => f.write_str("listed, but missing"),
            ProblemKind::WrongHash => f.write_str("its bytes are not those listed"),
            ProblemKind::Unlisted => f.write_str("not listed in export.xml"),
            ProblemKind::WrongDomain { found, expected } => write!(
                f,
                "it says domain \"{}\", but should say \"{}\"",
                found.escape_debug(),
                expected.escape_debug()
            ),
            ProblemKind::WrongKind => f.write_str("not the kind of archive that was asked for"),
            ProblemKind::DomainMissing(name) => {
                write!(f, "domain \"{}\" is missing", name.escape_debug())
            }
            ProblemKind::DomainUnexpected(name) => {
                write!(f, "domain \"{}\" was not asked for", name.escape_debug())
            }
            ProblemKind::NoDomain => f.write_str("it holds no domain"),
            ProblemKind::NoObject => f.write_str("it holds no configuration object"),
        }
    }
}

/// A name as far as anybody reads it: some are longer than a screen.
fn shown(name: &str) -> String {
    const LONGEST: usize = 300;
    match name.char_indices().nth(LONGEST) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

/// What a check has found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) problems: Invalid,
    warnings: Vec<String>,
    untold_warnings: u64,
    notes: Vec<String>,
    untold_notes: u64,
}

impl Problems {
    pub(super) fn problem(&mut self, inner: Option<&str>, entry: Option<&str>, kind: ProblemKind) {
        if self.problems.problems.len() < TOLD {
            let (inner, entry) = (inner.map(str::to_owned), entry.map(str::to_owned));
            self.problems.problems.push(Problem { inner, entry, kind });
        } else {
            self.problems.untold += 1;
        }
    }

    /// Names in a warning come from a device: nothing in them may reach a terminal as it is.
    pub(super) fn warn(&mut self, text: &str) {
        if self.warnings.len() < TOLD {
            self.warnings.push(text.escape_debug().to_string());
        } else {
            self.untold_warnings += 1;
        }
    }

    /// What nobody needs to look at.
    pub(super) fn note(&mut self, text: &str) {
        if self.notes.len() < TOLD {
            self.notes.push(text.escape_debug().to_string());
        } else {
            self.untold_notes += 1;
        }
    }

    pub(super) fn take_notes(&mut self) -> Vec<String> {
        let mut notes = std::mem::take(&mut self.notes);
        if self.untold_notes > 0 {
            notes.push(format!("and {} more notes", self.untold_notes));
        }
        notes
    }

    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        let mut warnings = std::mem::take(&mut self.warnings);
        if self.untold_warnings > 0 {
            warnings.push(format!("and {} more warnings", self.untold_warnings));
        }
        warnings
    }
}

/// Why a check goes no further.
#[derive(Debug)]
pub(super) enum Reading {
    /// The problem has been noted; what follows from it need not be.
    Noted,
    /// This machine could not go on.
    Error(VerifyError),
}

impl Reading {
    /// An error while reading a ZIP: the machine's, or else the archive's, which is given back.
    pub(super) fn sort(error: io::Error) -> Result<String, Reading> {
        match error.raw_os_error() {
            Some(_) => Err(Reading::Error(VerifyError::Read(error))),
            None => Ok(error.to_string()),
        }
    }
}
