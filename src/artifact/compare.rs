//! What differs between two archives: objects with their properties, and files.
//!
//! Read twice: once for the hashes of everything, and once more for the properties of what
//! differs. Times, versions and the files of the firmware do not count, as they do not for
//! the hash of a content. Memory is held to the limits that archives have: names and properties
//! of hostile ones are given up where they would be too many.

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use crate::artifact::archive::{
    self, Detail, Expected, ExportItem, Invalid, Limits, ListedFile, Problem, ProblemKind, Property, RowForm,
    VerifyError,
};
use crate::artifact::difference::{Difference, DomainDifference, FileDifference, FileHeld, ObjectDifference};
use crate::artifact::property_difference::property_differences;
use crate::values::change::Change;

pub use crate::artifact::property_difference::PropertyDifference;
pub use crate::artifact::property_difference::Values;

/// One of the two archives.
#[derive(Clone, Copy, Debug)]
pub struct Side<'s> {
    /// The archive.
    pub file: &'s File,
    /// Whether it has to be verified on the way.
    pub proof: ArchiveProof<'s>,
    /// The one domain of it that is looked at.
    pub only: Option<&'s str>,
}

/// What is known of an archive.
#[derive(Clone, Copy, Debug)]
pub enum ArchiveProof<'s> {
    /// Nothing: it is verified, and has to hold this.
    Missing(&'s Expected),
    /// Its bytes are those of an archive that was verified.
    Given,
}

/// Why two archives could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The first is not good, or could not be read.
    #[error("the first archive")]
    First(#[source] VerifyError),
    /// The second.
    #[error("the second archive")]
    Second(#[source] VerifyError),
    /// Neither holds the domain asked for.
    #[error("neither archive holds the domain {0:?}")]
    NoDomain(String),
}

/// What one domain holds.
#[derive(Debug, Default)]
struct ArchiveContents {
    objects: BTreeMap<(String, String), Vec<[u8; 32]>>,
    /// What is held of each, with the hash of its bytes.
    files: ArchiveFiles,
}

type ArchiveFiles = BTreeMap<String, Vec<(FileHeld, Option<String>)>>;

type Members = BTreeMap<String, ArchiveContents>;

/// Domain, class and name.
type ObjectKey = (String, String, String);

/// The properties of some objects; nothing of those that are too large.
type Properties = BTreeMap<ObjectKey, Option<Vec<Property>>>;

/// Compares two archives. Of so many objects, `detailed`, the properties are compared; of all
/// others it is said only that they differ. `scratch` is a folder for nameless files.
pub fn compare(
    old: Side<'_>,
    new: Side<'_>,
    detailed: usize,
    scratch: &Path,
) -> Result<Difference, CompareError> {
    let limits = Limits::default();
    let machine = Machine {
        scratch,
        limits: &limits,
    };
    compare_on(old, new, detailed, machine)
}

/// What this machine gives for it.
#[derive(Clone, Copy)]
struct Machine<'m> {
    scratch: &'m Path,
    limits: &'m Limits,
}

fn compare_on(
    old: Side<'_>,
    new: Side<'_>,
    detailed: usize,
    machine: Machine<'_>,
) -> Result<Difference, CompareError> {
    let before = contents(old, machine).map_err(CompareError::First)?;
    let after = contents(new, machine).map_err(CompareError::Second)?;
    if let Some(only) = old.only.filter(|only| Some(*only) == new.only)
        && !before.contains_key(only)
        && !after.contains_key(only)
    {
        return Err(CompareError::NoDomain(only.to_owned()));
    }
    let mut found: Vec<_> = pairs(&before, &after)
        .into_iter()
        .map(|(first, second)| (domain(&before, &after, first, second), first, second))
        .filter(|(found, ..)| found.whole.is_some() || !found.objects.is_empty() || !found.files.is_empty())
        .collect();
    detail((old, new), &mut found, detailed, machine)?;
    Ok(Difference {
        domains: found.into_iter().map(|(found, ..)| found).collect(),
    })
}

/// What differs in a domain, and its name in each of the two.
type Pair<'a> = (DomainDifference, Option<&'a str>, Option<&'a str>);

/// Says of so many objects that changed, `detailed`, which properties did.
fn detail(
    (old, new): (Side<'_>, Side<'_>),
    found: &mut [Pair<'_>],
    detailed: usize,
    machine: Machine<'_>,
) -> Result<(), CompareError> {
    let key = |domain: Option<&str>, object: &ObjectDifference| -> ObjectKey {
        let domain = domain.unwrap_or_default().to_owned();
        (domain, object.class.clone(), object.name.clone())
    };
    let (mut of_old, mut of_new) = (BTreeSet::new(), BTreeSet::new());
    for (found, first, second) in found.iter() {
        for object in found
            .objects
            .iter()
            .filter(|object| object.change == Change::Changed)
        {
            if of_old.len() < detailed {
                of_old.insert(key(*first, object));
                of_new.insert(key(*second, object));
            }
        }
    }
    if !of_old.is_empty() {
        let before = properties(old, of_old, machine).map_err(CompareError::First)?;
        let after = properties(new, of_new, machine).map_err(CompareError::Second)?;
        for (found, first, second) in found {
            for object in found
                .objects
                .iter_mut()
                .filter(|object| object.change == Change::Changed)
            {
                let (old, new) = (before.get(&key(*first, object)), after.get(&key(*second, object)));
                if let (Some(old), Some(new)) = (old, new) {
                    object.properties = match (old, new) {
                        (Some(old), Some(new)) => property_differences(&object.class, old, new),
                        _ => vec![PropertyDifference {
                            path: String::new(),
                            values: Values::TooLarge,
                        }],
                    };
                }
            }
        }
    }
    Ok(())
}

/// Which domains are held against each other: those of one name, and the only one of each.
fn pairs<'a>(before: &'a Members, after: &'a Members) -> Vec<(Option<&'a str>, Option<&'a str>)> {
    let only_one = |archive: &'a Members| {
        let mut names = archive.keys().map(String::as_str).filter(|name| !name.is_empty());
        names.next().filter(|_| names.next().is_none())
    };
    if let (Some(first), Some(second)) = (only_one(before), only_one(after))
        && first != second
    {
        return vec![(Some(first), Some(second))];
    }
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).map(String::as_str).collect();
    let there = |archive: &Members, name: &'a str| archive.contains_key(name).then_some(name);
    names
        .into_iter()
        .map(|name| (there(before, name), there(after, name)))
        // Only one of the two is a ZIP of ZIPs: what that says beyond its domains, the other cannot.
        .filter(|(first, second)| !matches!((first, second), (Some(""), None) | (None, Some(""))))
        .collect()
}

fn domain(before: &Members, after: &Members, first: Option<&str>, second: Option<&str>) -> DomainDifference {
    let mut found = DomainDifference {
        domain: match (first, second) {
            (Some(first), Some(second)) if first != second => format!("{first} -> {second}"),
            (Some(name), _) | (None, Some(name)) => name.to_owned(),
            (None, None) => String::new(),
        },
        whole: None,
        objects: Vec::new(),
        files: Vec::new(),
    };
    let contents = |archive, name: Option<&str>| name.and_then(|name| Members::get(archive, name));
    match (contents(before, first), contents(after, second)) {
        (Some(old), Some(new)) => {
            for (change, (class, name)) in changes(&old.objects, &new.objects) {
                found.objects.push(ObjectDifference {
                    change,
                    class: class.clone(),
                    name: name.clone(),
                    properties: Vec::new(),
                });
            }
            let of_old = under_the_name_of(&old.files, first, second);
            let held = |files: &ArchiveFiles, name: &str| Some(files.get(name)?.first()?.0);
            let files = changes(&of_old, &new.files);
            found.files = files
                .into_iter()
                .map(|(change, name)| FileDifference {
                    change,
                    name: name.clone(),
                    old: held(&of_old, name),
                    new: held(&new.files, name),
                })
                .collect();
        }
        (old, _) => {
            found.whole = Some(if old.is_some() {
                Change::Removed
            } else {
                Change::Added
            });
        }
    }
    found
}

/// The files of a domain that is held against one of another name: what is saved of it is called after it.
fn under_the_name_of<'f>(
    files: &'f ArchiveFiles,
    first: Option<&str>,
    second: Option<&str>,
) -> Cow<'f, ArchiveFiles> {
    let (Some(first), Some(second)) = (first, second) else {
        return Cow::Borrowed(files);
    };
    let [from, to] = [first, second].map(|domain| format!("config:///{domain}.cfg"));
    match files.get(&from) {
        Some(held) if from != to && !files.contains_key(&to) => {
            let held = held.clone();
            let mut files = files.clone();
            files.remove(&from);
            files.insert(to, held);
            Cow::Owned(files)
        }
        _ => Cow::Borrowed(files),
    }
}

/// What is in one map only, or differs, in the order of the keys.
fn changes<'a, K: Ord, V: PartialEq>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> Vec<(Change, &'a K)> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    let change = |key: &'a K| match (old.get(key), new.get(key)) {
        (None, _) => Some((Change::Added, key)),
        (_, None) => Some((Change::Removed, key)),
        (old, new) if old != new => Some((Change::Changed, key)),
        _ => None,
    };
    keys.into_iter().filter_map(change).collect()
}

/// Reads what counts of an archive.
fn contents(side: Side<'_>, machine: Machine<'_>) -> Result<Members, VerifyError> {
    let mut archive = Members::new();
    let most = machine.limits.xml_listing_bytes;
    let mut held_bytes = 0;
    // The objects of the one domain itself, which count where the domain is there.
    let mut own = Vec::new();
    let mut visit = |domain: &str, item: &ExportItem| {
        if let (Some(_), ExportItem::Object(object)) = (own_domain(side, domain, item), item) {
            own.push(((object.class.clone(), object.name.clone()), object.hash));
            return;
        }
        if side.only.is_some_and(|only| only != domain) {
            return;
        }
        held_bytes += bytes_of_names(item);
        if held_bytes > most {
            return;
        }
        match item {
            ExportItem::Configuration(Some(name)) => {
                archive.entry(name.clone()).or_default();
            }
            ExportItem::Object(object) | ExportItem::Unknown(object) => {
                let contents = archive.entry(domain.to_owned()).or_default();
                let key = (object.class.clone(), object.name.clone());
                contents.objects.entry(key).or_default().push(object.hash);
            }
            ExportItem::File(row) if !row.internal => {
                let contents = archive.entry(domain.to_owned()).or_default();
                contents
                    .files
                    .entry(row.name.clone())
                    .or_default()
                    .push((held(row), row.hash.clone()));
            }
            ExportItem::File(_) | ExportItem::Domain(_) | ExportItem::Configuration(None) => {}
        }
    };
    read(side, Detail::Hashes, machine, &mut visit)?;
    if held_bytes > most {
        return Err(too_many_names());
    }
    if let Some(contents) = side.only.and_then(|only| archive.get_mut(only)) {
        for (key, hash) in own {
            contents.objects.entry(key).or_default().push(hash);
        }
    }
    for contents in archive.values_mut() {
        // Not those of objects: of two of one name, the order is all that tells which one counts.
        contents
            .files
            .values_mut()
            .for_each(|hashes| hashes.sort_unstable());
    }
    Ok(archive)
}

/// What is held in memory of an item, about.
fn bytes_of_names(item: &ExportItem) -> u64 {
    let bytes = match item {
        ExportItem::Object(object) | ExportItem::Unknown(object) => object.class.len() + object.name.len(),
        ExportItem::File(row) => row.name.len(),
        ExportItem::Configuration(_) | ExportItem::Domain(_) => 0,
    };
    bytes as u64
}

/// The one domain that is looked at, where this is the object of that domain itself (its file rights, the domains that it
/// sees): it stands beside the domain, in what is of none or of `default`.
fn own_domain<'s>(side: Side<'s>, domain: &str, item: &ExportItem) -> Option<&'s str> {
    let ExportItem::Object(object) = item else {
        return None;
    };
    let is_beside = matches!(domain, "" | "default") && object.class == "Domain";
    side.only
        .filter(|only| is_beside && *only == object.name && *only != domain)
}

fn too_many_names() -> VerifyError {
    VerifyError::Invalid(Invalid {
        problems: vec![Problem {
            inner: None,
            entry: None,
            kind: ProblemKind::OverLimit("names of objects and files to compare"),
        }],
        untold: 0,
    })
}

fn held(row: &ListedFile) -> FileHeld {
    match row.form() {
        RowForm::Hashed(_) | RowForm::Unproved => FileHeld::Bytes,
        RowForm::Key => FileHeld::KeyName,
        RowForm::Missing => FileHeld::MissingName,
    }
}

/// Reads the properties of these objects, as far as they may be held in memory together.
fn properties(
    side: Side<'_>,
    wanted: BTreeSet<ObjectKey>,
    machine: Machine<'_>,
) -> Result<Properties, VerifyError> {
    let most = machine.limits.xml_listing_bytes;
    let mut held_bytes = 0;
    let mut found: Properties = wanted.into_iter().map(|key| (key, Some(Vec::new()))).collect();
    let mut visit = |domain: &str, item: &ExportItem| {
        if let ExportItem::Object(object) | ExportItem::Unknown(object) = item {
            let domain = own_domain(side, domain, item).unwrap_or(domain);
            let key = (domain.to_owned(), object.class.clone(), object.name.clone());
            let Some(place) = found.get_mut(&key) else {
                return;
            };
            let properties = object.properties.iter();
            held_bytes += properties
                .map(|property| (property.path.len() + property.value.len()) as u64)
                .sum::<u64>();
            match place {
                Some(held) if held_bytes <= most => held.extend(object.properties.iter().cloned()),
                _ => *place = None,
            }
        }
    };
    read(side, Detail::Properties, machine, &mut visit)?;
    Ok(found)
}

fn read(
    side: Side<'_>,
    detail: Detail,
    machine: Machine<'_>,
    visit: &mut dyn FnMut(&str, &ExportItem),
) -> Result<(), VerifyError> {
    let Machine { scratch, limits } = machine;
    match side.proof {
        ArchiveProof::Missing(expected) => {
            archive::inspect(side.file, scratch, expected, limits, detail, visit).map(|_| ())
        }
        ArchiveProof::Given => archive::reread(side.file, scratch, limits, detail, visit, None),
    }
}
