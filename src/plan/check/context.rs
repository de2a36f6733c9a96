//! What is known about the file besides its text.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use toml::Spanned;
use toml::de::DeTable;

use crate::plan::section::PlanSection;
use crate::secret::SecretSource;
use crate::values::environment::Lookup;

/// What is known about the file besides its text.
pub(in crate::plan) struct Context<'c> {
    pub(in crate::plan) path: &'c Path,
    /// Whether the plan file includes it.
    pub(in crate::plan) is_included: bool,
    /// Who may read it.
    pub(in crate::plan) readers: Readers,
    /// The environment, for defaults.
    pub(in crate::plan) env: Lookup<'c>,
    pub(in crate::plan) store: StoreNeed,
    /// The time, for doubts about days to come.
    pub(in crate::plan) now: Timestamp,
}

/// One file of those that are checked together.
pub(in crate::plan) struct CheckedFile<'c> {
    /// Its tree.
    pub(in crate::plan) root: Spanned<DeTable<'c>>,
    /// What else is known about it.
    pub(in crate::plan) context: Context<'c>,
}

/// A table of a file, and what is known about the file.
pub(super) type OpenTable<'a> = (PlanSection<'a>, &'a Context<'a>);

/// Whether a plan file must say where the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum StoreNeed {
    /// As every whole file does.
    Needed,
    /// What it said could not be used, and was left out.
    LeftOut,
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

    /// A secret whose paths start in the folder of the file. Those of the plan file itself are
    /// found from there whenever they are used.
    pub(super) fn secret_from_here(&self, source: SecretSource) -> SecretSource {
        if !self.is_included {
            return source;
        }
        let folder = self.path_of("");
        SecretSource::Within {
            folder: std::path::absolute(&folder).unwrap_or(folder),
            source: Box::new(source),
        }
    }
}
