//! What is known about the file besides its text.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::values::environment::Lookup;

/// What is known about the file besides its text.
pub(in crate::plan) struct Context<'c> {
    /// Where it is.
    pub(in crate::plan) path: &'c Path,
    /// Who may read it.
    pub(in crate::plan) readers: Readers,
    /// The environment, for defaults.
    pub(in crate::plan) env: Lookup<'c>,
    /// The time, for doubts about days to come.
    pub(in crate::plan) now: Timestamp,
}

/// Who may read the plan file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Only its owner: its mode has no bit for group or others.
    OwnerOnly,
    /// Others too.
    Others,
}

impl Context<'_> {
    /// A path of the file, which starts in the folder of the file.
    pub(super) fn path_of(&self, written: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(written)
    }
}
