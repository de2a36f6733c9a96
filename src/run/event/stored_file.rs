//! A file that a task stored, and what is known of it.

use std::path::PathBuf;

use crate::run::event::opening::TaskId;
use crate::values::lacks::Lacks;

/// What kind of file a task stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A part of a secure backup, its manifest included.
    SecureBackup,
    /// An export of the saved configuration.
    Persisted,
    /// An export of the running configuration.
    NonPersisted,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [FileKind; 3] = [
        FileKind::SecureBackup,
        FileKind::Persisted,
        FileKind::NonPersisted,
    ];

    /// The word in history and in file names.
    pub fn code(self) -> &'static str {
        match self {
            FileKind::SecureBackup => "secure-backup",
            FileKind::Persisted => "persisted",
            FileKind::NonPersisted => "nonpersisted",
        }
    }
}

/// What a file was verified by. It is never taken for more than it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileProof {
    /// Every byte counts in a hash that the device gave with it, or, of a manifest, in its sense.
    Whole,
    /// Nothing but its size could be compared: the device gave a checksum of no known kind, or none.
    SizeOnly,
    /// Not even that: it is there under its name.
    NameOnly,
}

impl FileProof {
    /// Each of them.
    pub const ALL: [FileProof; 3] = [FileProof::Whole, FileProof::SizeOnly, FileProof::NameOnly];

    /// The word in history.
    pub fn code(self) -> &'static str {
        match self {
            FileProof::Whole => "WHOLE",
            FileProof::SizeOnly => "SIZE_ONLY",
            FileProof::NameOnly => "NAME_ONLY",
        }
    }

    /// What limits it, in words; nothing where nothing does.
    pub fn limit(self) -> Option<&'static str> {
        match self {
            FileProof::Whole => None,
            FileProof::SizeOnly => Some("size only"),
            FileProof::NameOnly => Some("name only"),
        }
    }
}

/// `true` where every byte was compared, and otherwise what was.
impl serde::Serialize for FileProof {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.limit() {
            None => serializer.serialize_bool(true),
            Some(limit) => serializer.serialize_str(limit),
        }
    }
}

/// A file that was downloaded and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name, as on the device.
    pub name: String,
    pub kind: FileKind,
    /// Where it stands; where it would have stood if it was not kept.
    pub path: PathBuf,
    /// False where an unchanged export was not kept.
    pub kept: bool,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// Entries of the archive, inner ones included.
    pub entries: Option<u64>,
    /// Configuration objects of the archive.
    pub objects: Option<u64>,
    /// Hash over what the archive says, blind to volatile details.
    pub content: Option<String>,
    /// The task since which the content has been the same.
    pub unchanged_since: Option<TaskId>,
    /// What it was verified by.
    pub proof: FileProof,
    /// What a restore needs that is not in it, of an export.
    pub lacks: Option<Lacks>,
}
