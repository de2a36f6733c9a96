//! What keeps a file or a folder from being used, and what is worth saying of one that is.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::ownership::refusal::Untrusted;
use crate::values::causes::said;

/// Why a file or a folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum TouchError {
    /// Others could have made or changed it, or can read it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The system does not give it.
    #[error("{}", said(.0))]
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

/// Others who may write beside us, which is somebody's choice and no fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OthersWrite {
    pub(super) path: PathBuf,
    pub(super) who: Writers,
}

/// Who may write into a folder beside its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writers {
    /// The members of a group.
    Group(u32),
    /// Everybody may add to it, and nobody take away what is not his: it is sticky.
    Everybody,
}

impl fmt::Display for OthersWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.who {
            Writers::Group(group) => write!(f, "the group {group} may write to {path} too"),
            Writers::Everybody => write!(f, "everybody may put files into {path} too"),
        }
    }
}
