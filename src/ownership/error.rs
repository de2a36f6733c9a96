//! What keeps a file or a folder from being used, and what is worth saying of one that is.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::ownership::refusal::Untrusted;

/// Why a file or a folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum TouchError {
    /// Others could have made or changed it, or can read it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The system does not give it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<rustix::io::Errno> for TouchError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Io(errno.into())
    }
}

impl TouchError {
    /// As an error of the system, for those who know no other.
    pub fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            Self::Untrusted(untrusted) => io::Error::new(io::ErrorKind::PermissionDenied, untrusted),
        }
    }
}

/// A group whose members may write beside us, which is somebody's choice and no fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupWrites {
    pub(super) path: PathBuf,
    pub(super) group: u32,
}

impl fmt::Display for GroupWrites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, group } = self;
        write!(f, "the group {group} may write to {} too", path.display())
    }
}
