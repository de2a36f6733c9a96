//! What an archive should hold, and what it holds.

use std::collections::BTreeSet;

use crate::values::lacks::Lacks;

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
pub struct VerifiedArchive {
    pub kind: ArchiveKind,
    /// Its domains, by name.
    pub domains: Vec<VerifiedDomain>,
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
    /// What is worth knowing, and nobody needs to look at.
    pub notes: Vec<String>,
    /// The firmware that wrote it, `IDG.10.0.1.5`; this and what follows is `None` where the archive does not say.
    pub firmware_version: Option<String>,
    pub firmware_build: Option<String>,
    /// The serial number of the gateway.
    pub serial_number: Option<String>,
    /// The gateway's own name.
    pub device_name: Option<String>,
}

/// One domain of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedDomain {
    pub name: String,
    /// Configuration objects.
    pub objects: u64,
    /// Files that it holds, without those of the firmware.
    pub files: u64,
    /// What a restore of it needs from elsewhere.
    pub lacks: Lacks,
}

impl VerifiedArchive {
    /// What a restore needs from elsewhere; where there are several domains, each name with its
    /// own.
    pub fn lacks(&self) -> Lacks {
        match self.domains.as_slice() {
            [only] => only.lacks.clone(),
            many => many.iter().fold(Lacks::default(), |mut all, domain| {
                all.add(&domain.name, &domain.lacks);
                all
            }),
        }
    }
}
