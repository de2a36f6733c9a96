//! Why something could not be done in the store.

use std::io;
use std::path::{Path, PathBuf};

use crate::values::size::Bytes;

/// Something could not be done in the store.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}", path.display())]
pub struct StoreError {
    /// What somebody may branch on.
    pub kind: StoreErrorKind,
    /// What was being done, as a verb.
    pub action: &'static str,
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
    /// Less would be free than the settings ask for.
    TooLittleLeft,
    /// The file would grow beyond what the settings allow.
    TooLarge,
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
    /// Something else stands where we had put a file or folder, or nothing.
    Swapped,
    /// Something stands where nothing but what we have put there should.
    Stranger,
    /// The path is not one inside the store.
    Outside,
    /// Anything else; the source tells.
    Other,
}

/// Why a file is not written to its end, though the system would.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum GivenUp {
    /// Less would be free than was asked for.
    #[error("{} free of {}, and {} are to stay free", Bytes(*free), Bytes(*total), Bytes(*required))]
    TooLittleLeft { free: u64, total: u64, required: u64 },
    /// It would be larger than a file may be.
    #[error("it would grow beyond {}", Bytes(*most))]
    TooLarge { most: u64 },
}

impl From<GivenUp> for io::Error {
    fn from(why: GivenUp) -> io::Error {
        let kind = match why {
            GivenUp::TooLittleLeft { .. } => io::ErrorKind::StorageFull,
            GivenUp::TooLarge { .. } => io::ErrorKind::FileTooLarge,
        };
        io::Error::new(kind, why)
    }
}

impl StoreErrorKind {
    /// The kind that an error of the system is of.
    pub fn of(error: &io::Error) -> StoreErrorKind {
        let given_up = error.get_ref().and_then(|inner| inner.downcast_ref::<GivenUp>());
        match (given_up, error.kind()) {
            (Some(GivenUp::TooLittleLeft { .. }), _) => StoreErrorKind::TooLittleLeft,
            (Some(GivenUp::TooLarge { .. }), _) => StoreErrorKind::TooLarge,
            (None, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => StoreErrorKind::NoSpace,
            (None, io::ErrorKind::ReadOnlyFilesystem) => StoreErrorKind::ReadOnly,
            (None, io::ErrorKind::PermissionDenied) => StoreErrorKind::Denied,
            (None, io::ErrorKind::NotFound) => StoreErrorKind::Missing,
            (None, io::ErrorKind::AlreadyExists) => StoreErrorKind::Exists,
            (None, io::ErrorKind::DirectoryNotEmpty) => StoreErrorKind::NotEmpty,
            _ => StoreErrorKind::Other,
        }
    }
}

impl StoreError {
    /// What the system said when something was done to a path.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> StoreError {
        let kind = StoreErrorKind::of(&source);
        let path = path.to_owned();
        StoreError {
            kind,
            action,
            path,
            source,
        }
    }

    /// The same of an error that is passed on as well.
    pub(super) fn noted(action: &'static str, path: &Path, source: &io::Error) -> StoreError {
        let given_up = source.get_ref().and_then(|inner| inner.downcast_ref::<GivenUp>());
        let copy = match (given_up, source.raw_os_error()) {
            (Some(why), _) => io::Error::from(*why),
            (None, Some(number)) => io::Error::from_raw_os_error(number),
            (None, None) => io::Error::new(source.kind(), source.to_string()),
        };
        StoreError::new(action, path, copy)
    }

    /// For what we refuse ourselves, where the system has no error of its own.
    pub(super) fn of_kind(kind: StoreErrorKind, action: &'static str, path: &Path) -> StoreError {
        let text = match kind {
            StoreErrorKind::Link => "a symbolic link stands in its place",
            StoreErrorKind::Outside => "it is not a path inside the store",
            StoreErrorKind::Missing => "the store is not where it was",
            StoreErrorKind::Exists => "the name is taken",
            StoreErrorKind::Swapped => {
                "somebody took away what was written there, or put something else in its place"
            }
            StoreErrorKind::Stranger => "it is none of the files that were written there",
            _ => "it was taken away again and again while it was made",
        };
        let mut error = StoreError::new(action, path, io::Error::other(text));
        error.kind = kind;
        error
    }
}
