//! What differs between two archives, as text and as JSON.

use std::borrow::Cow;
use std::path::Path;

use serde::Serialize;

use crate::artifact::difference::{Difference, DomainDifference, FileDifference, FileHeld};
use crate::artifact::property_difference::{PropertyDifference, Values};
use crate::report::json;
use crate::values::change::{Change, OTHERWISE};
use crate::values::text::{cut_where_they_differ, hanging, printable, visible};

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// The longest value that is shown whole. JSON has all of it.
const SHOWN: usize = 160;

/// One domain of a group of devices: the others against the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDifference {
    /// The group and the domain, as they were named.
    pub group: String,
    /// Those that were compared, without the first.
    pub members: Vec<GroupMember>,
    /// Those that could not be.
    pub passed_over: Vec<PassedOver>,
}

/// A device of a group, and what differs in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    pub device: String,
    /// The export of the first device.
    pub old: String,
    /// Its own.
    pub new: String,
    pub difference: Difference,
}

/// A device of a group that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    pub device: String,
    pub reason: String,
}

impl GroupDifference {
    /// Whether all that were compared are the same.
    pub fn is_same(&self) -> bool {
        self.members
            .iter()
            .all(|member| member.difference.domains.is_empty())
    }
}

/// The difference for people; `old` and `new` say what was compared.
pub fn text(old: &str, new: &str, difference: &Difference) -> String {
    text_within(None, old, new, difference, None)
}

/// The same within the columns of a terminal, with paths that begin at the store where it is given.
pub fn text_within(
    store: Option<&Path>,
    old: &str,
    new: &str,
    difference: &Difference,
    width: Option<u16>,
) -> String {
    let store = store.map(|store| format!("Store {}", store.display()));
    let mut lines: Vec<String> = store.into_iter().collect();
    lines.extend([format!("--- {old}"), format!("+++ {new}")]);
    for domain in &difference.domains {
        domain_lines(domain, &mut lines);
    }
    lines.push(summary(difference));
    let lines = lines.iter().map(|line| {
        let line = visible(line);
        let indent = line.chars().take_while(|c| *c == ' ').count();
        // What a line goes on with stands below its text, behind the sign.
        let rest = indent + 4;
        let (before, after) = line.split_at(indent);
        format!("{before}{}\n", hanging(after, rest, width))
    });
    lines.collect()
}

/// The last lines for a group.
pub fn group_summary(first: &str, found: &GroupDifference, width: Option<u16>) -> String {
    let of = |differs: bool| -> Vec<&str> {
        found
            .members
            .iter()
            .filter(|member| member.difference.domains.is_empty() != differs)
            .map(|member| member.device.as_str())
            .collect()
    };
    let passed_over: Vec<&str> = found
        .passed_over
        .iter()
        .map(|passed| passed.device.as_str())
        .collect();
    let parts = [
        ("the same as ", of(false)),
        ("not the same as ", of(true)),
        ("not compared with ", passed_over),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, devices)| !devices.is_empty())
        .map(|(words, devices)| format!("{words}{first}: {}", devices.join(", ")))
        .collect();
    let text = printable(&format!("{}: {}", found.group, parts.join("; "))).into_owned();
    format!("\n{}\n", hanging(&text, 0, width))
}

fn domain_lines(domain: &DomainDifference, lines: &mut Vec<String>) {
    let name = match domain.domain.as_str() {
        "" => "beyond the domains".to_owned(),
        name => format!("domain {name}"),
    };
    if let Some(whole) = domain.whole {
        lines.push(format!("{} {name}", sign(whole)));
        return;
    }
    lines.push(name);
    for object in &domain.objects {
        lines.push(format!(
            "  {} {} {}",
            sign(object.change),
            object.class,
            bounded(&object.name)
        ));
        for property in &object.properties {
            property_lines(property, lines);
        }
    }
    for file in &domain.files {
        lines.push(file_line(file));
    }
}

/// A name, in quotes where it begins or ends with a blank that nobody would see.
fn bounded(name: &str) -> Cow<'_, str> {
    match name.trim() == name {
        true => Cow::Borrowed(name),
        false => Cow::Owned(format!("\"{name}\"")),
    }
}

fn file_line(file: &FileDifference) -> String {
    let (sign, name) = (sign(file.change), bounded(&file.name));
    let remark = match (file.old, file.new) {
        (Some(old), Some(new)) if old != new => format!(" ({} -> {})", held(old), held(new)),
        (None, Some(FileHeld::Bytes)) | (Some(FileHeld::Bytes), _) | (None, None) => String::new(),
        (_, Some(only)) | (Some(only), None) => format!(" ({})", held(only)),
    };
    format!("  {sign} file {name}{remark}")
}

fn property_lines(property: &PropertyDifference, lines: &mut Vec<String>) {
    let path = &property.path;
    match &property.values {
        Values::TooLarge => lines.push("      (too large to be compared property by property)".to_owned()),
        Values::Secret => lines.push(format!("      {path}: (secret changed)")),
        Values::Order if path.is_empty() => lines.push(format!("      {OTHERWISE}")),
        Values::Order => lines.push(format!("      {path}: (the same values in another order)")),
        Values::Differ { old, new } => match (old.as_slice(), new.as_slice()) {
            ([old], [new]) => {
                let (before, after) = cut_where_they_differ(old, new, SHOWN);
                lines.push(format!(
                    "      {path}: {} -> {}",
                    quoted(old, &before),
                    quoted(new, &after)
                ));
            }
            _ => {
                lines.extend(
                    old.iter()
                        .map(|value| format!("      - {path}: {}", shown(value))),
                );
                lines.extend(
                    new.iter()
                        .map(|value| format!("      + {path}: {}", shown(value))),
                );
            }
        },
    }
}

fn summary(difference: &Difference) -> String {
    if difference.domains.is_empty() {
        return "the same".to_owned();
    }
    let mut parts = Vec::new();
    for (what, changes) in [
        (
            "domain",
            counted(difference, |domain| domain.whole.into_iter().collect()),
        ),
        (
            "object",
            counted(difference, |domain| {
                domain.objects.iter().map(|one| one.change).collect()
            }),
        ),
        (
            "file",
            counted(difference, |domain| {
                domain.files.iter().map(|file| file.change).collect()
            }),
        ),
    ] {
        for (change, word) in [
            (Change::Added, "added"),
            (Change::Removed, "removed"),
            (Change::Changed, "changed"),
        ] {
            match changes.iter().filter(|found| **found == change).count() {
                0 => {}
                1 => parts.push(format!("1 {what} {word}")),
                count => parts.push(format!("{count} {what}s {word}")),
            }
        }
    }
    parts.join(", ")
}

fn counted(difference: &Difference, of: fn(&DomainDifference) -> Vec<Change>) -> Vec<Change> {
    difference.domains.iter().flat_map(of).collect()
}

fn sign(change: Change) -> char {
    match change {
        Change::Added => '+',
        Change::Removed => '-',
        Change::Changed => '~',
    }
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Removed => "removed",
        Change::Changed => "changed",
    }
}

/// What an archive has of a file, in a word or two.
fn held(held: FileHeld) -> &'static str {
    match held {
        FileHeld::Bytes => "held",
        FileHeld::KeyName => "key",
        FileHeld::MissingName => "missing",
    }
}

fn shown(value: &str) -> String {
    let (cut, _) = cut_where_they_differ(value, "", SHOWN);
    quoted(value, &cut)
}

/// A value, or what is shown of it, and how long it is where that is not all.
fn quoted(value: &str, shown: &str) -> String {
    match value == shown {
        true => format!("\"{value}\""),
        false => format!("\"{shown}\" ({} characters)", value.chars().count()),
    }
}

/// The difference for programs.
pub fn document(old: &str, new: &str, difference: &Difference) -> String {
    json::document(
        SCHEMA_VERSION,
        &DiffDocument {
            comparison: comparison(old, new, difference),
        },
    )
}

/// What differs in a group, for programs.
pub fn group_document(found: &GroupDifference) -> String {
    let members = found.members.iter();
    json::document(
        SCHEMA_VERSION,
        &GroupDocument {
            group: &found.group,
            same: found.passed_over.is_empty() && found.is_same(),
            comparisons: members
                .map(|member| MemberObject {
                    device: &member.device,
                    comparison: comparison(&member.old, &member.new, &member.difference),
                })
                .collect(),
            passed_over: &found.passed_over,
        },
    )
}

fn comparison<'a>(old: &'a str, new: &'a str, difference: &'a Difference) -> ComparisonObject<'a> {
    let domains = difference.domains.iter().map(|domain| DomainObject {
        domain: &domain.domain,
        change: domain.whole.map(word),
        objects: domain
            .objects
            .iter()
            .map(|object| ObjectObject {
                change: word(object.change),
                class: &object.class,
                name: &object.name,
                properties: object.properties.iter().map(property_object).collect(),
            })
            .collect(),
        files: domain
            .files
            .iter()
            .map(|file| FileChangeObject {
                change: word(file.change),
                name: &file.name,
                old: file.old.map(held),
                new: file.new.map(held),
            })
            .collect(),
    });
    ComparisonObject {
        old,
        new,
        same: difference.domains.is_empty(),
        domains: domains.collect(),
    }
}

fn property_object(property: &PropertyDifference) -> PropertyObject<'_> {
    let (what, old, new): (&str, &[String], &[String]) = match &property.values {
        Values::Differ { old, new } => ("values", old, new),
        Values::Order => ("order", &[], &[]),
        Values::Secret => ("secret", &[], &[]),
        Values::TooLarge => ("too_large", &[], &[]),
    };
    PropertyObject {
        path: &property.path,
        what,
        old,
        new,
    }
}

#[derive(Serialize)]
struct DiffDocument<'a> {
    #[serde(flatten)]
    comparison: ComparisonObject<'a>,
}

#[derive(Serialize)]
struct GroupDocument<'a> {
    group: &'a str,
    same: bool,
    comparisons: Vec<MemberObject<'a>>,
    passed_over: &'a [PassedOver],
}

#[derive(Serialize)]
struct MemberObject<'a> {
    device: &'a str,
    #[serde(flatten)]
    comparison: ComparisonObject<'a>,
}

#[derive(Serialize)]
struct ComparisonObject<'a> {
    old: &'a str,
    new: &'a str,
    same: bool,
    domains: Vec<DomainObject<'a>>,
}

#[derive(Serialize)]
struct DomainObject<'a> {
    domain: &'a str,
    change: Option<&'static str>,
    objects: Vec<ObjectObject<'a>>,
    files: Vec<FileChangeObject<'a>>,
}

#[derive(Serialize)]
struct ObjectObject<'a> {
    change: &'static str,
    class: &'a str,
    name: &'a str,
    properties: Vec<PropertyObject<'a>>,
}

#[derive(Serialize)]
struct PropertyObject<'a> {
    path: &'a str,
    what: &'static str,
    old: &'a [String],
    new: &'a [String],
}

#[derive(Serialize)]
struct FileChangeObject<'a> {
    change: &'static str,
    name: &'a str,
    old: Option<&'static str>,
    new: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::difference::ObjectDifference;

    #[test]
    fn a_name_that_ends_with_a_blank_is_told_apart_from_one_that_does_not() {
        let object = |change, name: &str| ObjectDifference {
            change,
            class: "StylePolicy".to_owned(),
            name: name.to_owned(),
            properties: Vec::new(),
        };
        let difference = Difference {
            domains: vec![DomainDifference {
                domain: "DOM1".to_owned(),
                whole: None,
                objects: vec![object(Change::Added, "p "), object(Change::Removed, "p")],
                files: Vec::new(),
            }],
        };
        let text = text("old", "new", &difference);
        assert!(
            text.contains("+ StylePolicy \"p \"\n") && text.contains("- StylePolicy p\n"),
            "{text}"
        );
    }
}
