//! The names of what a backup of one domain holds: what an import of it has to be about.

use std::collections::BTreeSet;

/// The names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupNames {
    /// Class and name of each object.
    pub objects: BTreeSet<(String, String)>,
    /// The files whose bytes are in it, those of the firmware left out: `local:///a.xsl`.
    pub files: BTreeSet<String>,
    /// The files that it lists without their bytes, because the gateway did not have them either.
    pub missing: BTreeSet<String>,
    /// All files that it lists.
    pub listed: BTreeSet<String>,
}
