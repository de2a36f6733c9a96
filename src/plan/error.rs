//! Why a plan file cannot be used.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::ownership::Untrusted;
use crate::plan::diagnostic::PlanFindings;
use crate::plan::text::NotText;

/// Why a plan file cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The system does not give it.
    #[error("cannot read the plan file {path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others could have written it, or it is no file.
    #[error("the plan file {path} is not taken")]
    Untrusted {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, or with a folder on the way to it.
        source: Untrusted,
    },
    /// It is not text.
    #[error("the plan file {path} is not UTF-8 text: {why}")]
    NotText {
        /// Which file.
        path: PathBuf,
        /// What it is.
        why: NotText,
    },
    /// It is no plan file that anybody wrote.
    #[error("the plan file {path} is larger than 16 MiB")]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// There are errors in it.
    #[error("the plan file {} has {}", .0.path.display(), .0.summary())]
    Invalid(PlanFindings),
}
