//! Proves that an archive of a gateway is whole, and says what it holds.
//!
//! A `do-backup` is an outer ZIP with `export.xml`, one ZIP per domain and the files of the
//! firmware (`dp-aux/`); a `do-export` is one ZIP with everything (soma-wire 2.3). Both carry
//! the SHA-1 of each file in `export.xml`, so that everything can be proved offline. Memory
//! does not grow with the size of what is stored in them: entries are streamed, a stored
//! inner ZIP is read where it stands, and a deflated one (firmware 3.8.2 writes such) is
//! unpacked to a nameless file.

mod canonical;
mod check;
mod container;
mod content;
mod directory;
mod entry_kind;
mod entry_names;
mod export_item;
mod export_xml;
mod extra_fields;
mod inflate;
mod limits;
mod listed_files;
mod problem;
mod read_limit;
mod scratch;
mod window;
mod zip_end;
mod zip_header;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

pub use export_item::{Detail, ExportItem, ListedFile, Object, Property};
pub use limits::Limits;
pub use problem::{Invalid, Problem, ProblemKind, VerifyError};

/// What an archive should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Exactly these domains.
    Domains(BTreeSet<String>),
    /// All domains of a gateway, in a `do-backup`. With a list, none of it may be missing; a
    /// domain beyond it, made since the list was, is only a warning.
    AllDomains(Option<BTreeSet<String>>),
    /// Any domains, but at least one.
    Any,
}

impl Expected {
    /// Exactly this domain.
    pub fn domain(name: &str) -> Expected {
        Expected::Domains(BTreeSet::from([name.to_owned()]))
    }
}

/// The two kinds of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    /// A ZIP of ZIPs, one per domain.
    DoBackup,
    /// One ZIP, one domain.
    DoExport,
}

/// What a verified archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveReport {
    /// Its kind.
    pub kind: ArchiveKind,
    /// Its domains, by name.
    pub domains: Vec<DomainReport>,
    /// Entries, folders and those of inner ZIPs included.
    pub entries: u64,
    /// Configuration objects of all domains.
    pub objects: u64,
    /// Bytes unpacked to verify it.
    pub unpacked_bytes: u64,
    /// Hash over what it says, blind to volatile details; lower-case hex.
    pub content: String,
    /// What is odd, but does not make it worse as a backup.
    pub warnings: Vec<String>,
    /// The firmware that wrote it, `IDG.10.0.1.5`.
    pub firmware_version: Option<String>,
    /// Its build.
    pub firmware_build: Option<String>,
    /// The serial number of the gateway.
    pub serial_number: Option<String>,
    /// The gateway's own name.
    pub device_name: Option<String>,
}

/// One domain of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainReport {
    /// Its name.
    pub name: String,
    /// Configuration objects.
    pub objects: u64,
    /// Files, without those of the firmware.
    pub files: u64,
    /// Keys and certificates that are named but, as ever, not exported.
    pub keys: u64,
}

/// Verifies an archive. `scratch` is a folder for a nameless file, needed where an inner ZIP
/// is deflated.
pub fn verify(
    file: &File,
    scratch: &Path,
    expected: &Expected,
    limits: &Limits,
) -> Result<ArchiveReport, VerifyError> {
    inspect(file, scratch, expected, limits, Detail::Hashes, &mut |_, _| {})
}

/// Verifies an archive, and shows on the way all that its `export.xml` files hold, each with
/// the domain (empty for the outer file of a `do-backup`). What was shown is proved only
/// once this returns a report.
pub fn inspect(
    file: &File,
    scratch: &Path,
    expected: &Expected,
    limits: &Limits,
    detail: Detail,
    visit: &mut dyn FnMut(&str, &ExportItem),
) -> Result<ArchiveReport, VerifyError> {
    check::check(file, scratch, expected, limits, detail, visit)
}

#[cfg(test)]
mod damage;
#[cfg(test)]
mod damage_bytes_tests;
#[cfg(test)]
mod damage_entries_tests;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod one_meaning_tests;
#[cfg(test)]
mod tests;
