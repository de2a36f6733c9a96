//! What differs between two archives: objects with their properties, and files.
//!
//! Read twice: once for the hashes of everything, and once more for the properties of what
//! differs. Times, versions and the files of the firmware do not count, as they do not for
//! the hash of a content.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use crate::artifact::archive::{
    self, Detail, Expected, ExportItem, Limits, ListedFile, Property, RowForm, VerifyError,
};
use crate::artifact::secret_values::hidden_paths;

/// One of the two archives.
#[derive(Clone, Copy, Debug)]
pub struct Side<'s> {
    /// The archive.
    pub file: &'s File,
    /// What it should hold.
    pub expected: &'s Expected,
}

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Domain by domain; those without a difference are not among them.
    pub domains: Vec<DomainDifference>,
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
    /// Its bytes.
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
    /// Its class.
    pub class: String,
    /// Its name.
    pub name: String,
    /// What differs in it, if it is in both.
    pub properties: Vec<PropertyDifference>,
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is in the second only.
    Added,
    /// It is in the first only.
    Removed,
    /// It is in both, and differs.
    Changed,
}

/// What differs in one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyDifference {
    /// Names of elements, and at the end perhaps of an attribute.
    pub path: String,
    /// How its values differ.
    pub values: Values,
}

/// How the values of a property differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Those that only one of the two has. Lists have any number of them.
    Differ {
        /// Only in the first.
        old: Vec<String>,
        /// Only in the second.
        new: Vec<String>,
    },
    /// The same values in another order.
    Order,
    /// They are, or may be, secret.
    Secret,
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
    files: BTreeMap<String, Vec<(FileHeld, Option<String>)>>,
}

type Members = BTreeMap<String, ArchiveContents>;
/// Domain, class and name.
type ObjectKey = (String, String, String);
type Properties = BTreeMap<ObjectKey, Vec<Property>>;

/// Compares two archives, both of which are verified on the way. `only` is the one domain
/// that is looked at. `scratch` is a folder for nameless files.
pub fn compare(
    old: Side<'_>,
    new: Side<'_>,
    only: Option<&str>,
    scratch: &Path,
) -> Result<Difference, CompareError> {
    let before = contents(old, only, scratch).map_err(CompareError::First)?;
    let after = contents(new, only, scratch).map_err(CompareError::Second)?;
    if let Some(only) = only
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
    let key = |domain: Option<&str>, object: &ObjectDifference| -> ObjectKey {
        let domain = domain.unwrap_or_default().to_owned();
        (domain, object.class.clone(), object.name.clone())
    };
    let (mut of_old, mut of_new) = (BTreeSet::new(), BTreeSet::new());
    for (found, first, second) in &found {
        for object in found
            .objects
            .iter()
            .filter(|object| object.change == Change::Changed)
        {
            of_old.insert(key(*first, object));
            of_new.insert(key(*second, object));
        }
    }
    if !of_old.is_empty() {
        let before = properties(old, &of_old, scratch).map_err(CompareError::First)?;
        let after = properties(new, &of_new, scratch).map_err(CompareError::Second)?;
        for (found, first, second) in &mut found {
            for object in found
                .objects
                .iter_mut()
                .filter(|object| object.change == Change::Changed)
            {
                let old = before.get(&key(*first, object)).map_or(&[][..], Vec::as_slice);
                let new = after.get(&key(*second, object)).map_or(&[][..], Vec::as_slice);
                object.properties = property_differences(old, new);
            }
        }
    }
    Ok(Difference {
        domains: found.into_iter().map(|(found, ..)| found).collect(),
    })
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
            let held = |contents: &ArchiveContents, name: &str| Some(contents.files.get(name)?.first()?.0);
            let files = changes(&old.files, &new.files);
            found.files = files
                .into_iter()
                .map(|(change, name)| FileDifference {
                    change,
                    name: name.clone(),
                    old: held(old, name),
                    new: held(new, name),
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
fn contents(side: Side<'_>, only: Option<&str>, scratch: &Path) -> Result<Members, VerifyError> {
    let mut archive = Members::new();
    let mut visit = |domain: &str, item: &ExportItem| {
        if only.is_some_and(|only| only != domain) {
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
    read(side, Detail::Hashes, scratch, &mut visit)?;
    for contents in archive.values_mut() {
        contents
            .objects
            .values_mut()
            .for_each(|hashes| hashes.sort_unstable());
        contents
            .files
            .values_mut()
            .for_each(|hashes| hashes.sort_unstable());
    }
    Ok(archive)
}

fn held(row: &ListedFile) -> FileHeld {
    match row.form() {
        RowForm::Hashed(_) | RowForm::Unproved => FileHeld::Bytes,
        RowForm::Key => FileHeld::KeyName,
        RowForm::Missing => FileHeld::MissingName,
    }
}

/// Reads the properties of these objects.
fn properties(
    side: Side<'_>,
    wanted: &BTreeSet<ObjectKey>,
    scratch: &Path,
) -> Result<Properties, VerifyError> {
    let mut found = Properties::new();
    let mut visit = |domain: &str, item: &ExportItem| {
        if let ExportItem::Object(object) | ExportItem::Unknown(object) = item {
            let key = (domain.to_owned(), object.class.clone(), object.name.clone());
            if wanted.contains(&key) {
                let properties = found.entry(key).or_default();
                properties.extend(object.properties.iter().cloned());
            }
        }
    };
    read(side, Detail::Properties, scratch, &mut visit)?;
    Ok(found)
}

fn read(
    side: Side<'_>,
    detail: Detail,
    scratch: &Path,
    visit: &mut dyn FnMut(&str, &ExportItem),
) -> Result<(), VerifyError> {
    archive::inspect(
        side.file,
        scratch,
        side.expected,
        &Limits::default(),
        detail,
        visit,
    )
    .map(|_| ())
}

/// What differs between the properties of two objects, in the order in which they stand.
fn property_differences(old: &[Property], new: &[Property]) -> Vec<PropertyDifference> {
    let hidden = hidden_paths(old.iter().chain(new));
    let mut paths: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for property in old.iter().chain(new) {
        if seen.insert(property.path.as_str()) {
            paths.push(&property.path);
        }
    }
    let of = |properties: &[Property]| {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for property in properties {
            let list = values.entry(property.path.clone()).or_default();
            list.push(property.value.clone());
        }
        values
    };
    let (old, new) = (of(old), of(new));
    let mut found = Vec::new();
    for path in paths {
        let (old, new) = (old.get(path), new.get(path));
        if old == new {
            continue;
        }
        let (old, new) = (
            old.map_or(&[][..], Vec::as_slice),
            new.map_or(&[][..], Vec::as_slice),
        );
        let values = if hidden.contains(path) {
            Values::Secret
        } else {
            let (only_old, only_new) = (without(old, new), without(new, old));
            match (only_old.is_empty(), only_new.is_empty()) {
                (true, true) => Values::Order,
                _ => Values::Differ {
                    old: only_old,
                    new: only_new,
                },
            }
        };
        found.push(PropertyDifference {
            path: path.to_owned(),
            values,
        });
    }
    // The hashes differ, and no property does: they stand in another order.
    if found.is_empty() {
        found.push(PropertyDifference {
            path: String::new(),
            values: Values::Order,
        });
    }
    found
}

/// The values of one list that the other does not have, each as often as it is lacking.
fn without(list: &[String], other: &[String]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in other {
        *counts.entry(value).or_default() += 1;
    }
    let mut lacking = Vec::new();
    for value in list {
        match counts.get_mut(value.as_str()) {
            Some(count) if *count > 0 => *count -= 1,
            _ => lacking.push(value.clone()),
        }
    }
    lacking
}
