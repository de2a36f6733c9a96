//! What could not be done in the store.

use std::io;
use std::path::{Path, PathBuf};

/// Something could not be done in the store.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}", path.display())]
pub struct StoreError {
    /// What somebody may branch on.
    pub kind: StoreErrorKind,
    /// What was being done, as a verb.
    pub action: &'static str,
    /// What it concerned.
    pub path: PathBuf,
    /// Why it could not be done.
    #[source]
    pub source: io::Error,
}

/// The kinds of [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The file system is full, or the quota is used up.
    NoSpace,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The rights are missing.
    Denied,
    /// It is not there.
    Missing,
    /// The name is taken already.
    Exists,
    /// A folder that should go holds something.
    NotEmpty,
    /// A symbolic link stands where a folder or file of ours should.
    Link,
    /// The path is not one inside the store.
    Outside,
    /// Anything else; the source tells.
    Other,
}

impl StoreErrorKind {
    /// The kind that an error of the system is of.
    pub fn of(error: &io::Error) -> StoreErrorKind {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::NoSpace,
            io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::ReadOnly,
            io::ErrorKind::PermissionDenied => StoreErrorKind::Denied,
            io::ErrorKind::NotFound => StoreErrorKind::Missing,
            io::ErrorKind::AlreadyExists => StoreErrorKind::Exists,
            io::ErrorKind::DirectoryNotEmpty => StoreErrorKind::NotEmpty,
            _ => StoreErrorKind::Other,
        }
    }
}

impl StoreError {
    pub(super) fn new(action: &'static str, path: &Path, source: io::Error) -> StoreError {
        let kind = StoreErrorKind::of(&source);
        let path = path.to_owned();
        StoreError {
            kind,
            action,
            path,
            source,
        }
    }

    /// For what we refuse ourselves, where the system has no error of its own.
    pub(super) fn of_kind(kind: StoreErrorKind, action: &'static str, path: &Path) -> StoreError {
        let text = match kind {
            StoreErrorKind::Link => "a symbolic link stands in its place",
            StoreErrorKind::Outside => "it is not a path inside the store",
            StoreErrorKind::Missing => "the store is not where it was",
            _ => "it was taken away again and again while it was made",
        };
        let mut error = StoreError::new(action, path, io::Error::other(text));
        error.kind = kind;
        error
    }
}
