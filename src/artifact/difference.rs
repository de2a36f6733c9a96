//! What differs between two archives, as values.

use crate::artifact::property_difference::PropertyDifference;
use crate::values::change::Change;

/// So many things are named.
const NAMED: usize = 5;

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Domain by domain; those without a difference are not among them.
    pub domains: Vec<DomainDifference>,
}

impl Difference {
    /// The first few things that differ, in words, and how many more.
    pub fn named(&self) -> Vec<String> {
        let word = |change| match change {
            Change::Added => "was added",
            Change::Removed => "was removed",
            Change::Changed => "was changed",
        };
        let mut all = Vec::new();
        for domain in &self.domains {
            let objects = domain.objects.iter();
            all.extend(objects.map(|one| format!("{} {} {}", one.class, one.name, word(one.change))));
            let files = domain.files.iter();
            all.extend(files.map(|one| format!("{} {}", one.name, word(one.change))));
        }
        let more = all.len().saturating_sub(NAMED);
        all.truncate(NAMED);
        if more > 0 {
            all.push(format!("and {more} more"));
        }
        all
    }
}

/// What differs in one domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainDifference {
    /// Its name, `DOM1 -> DOM2` for two of different names; empty for what is of no domain.
    pub domain: String,
    /// Whether the whole domain is in one of the two only.
    pub whole: Option<Change>,
    /// The objects, by class and name.
    pub objects: Vec<ObjectDifference>,
    /// The files, by name.
    pub files: Vec<FileDifference>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDifference {
    /// What became of its row in `export.xml`.
    pub change: Change,
    /// Its path on the device.
    pub name: String,
    /// What the first archive has of it.
    pub old: Option<FileHeld>,
    /// What the second has.
    pub new: Option<FileHeld>,
}

/// What an archive has of a file that it lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileHeld {
    Bytes,
    /// Its name: it is a key or a certificate, which are in no export.
    KeyName,
    /// Its name: the gateway did not have it.
    MissingName,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectDifference {
    /// What became of it.
    pub change: Change,
    pub class: String,
    pub name: String,
    /// What differs in it, if it is in both.
    pub properties: Vec<PropertyDifference>,
}
