//! The difference between two archives as a list of changes, each with its description in one
//! line: what history keeps. What is secret is not in it.

use crate::artifact::difference::{Difference, FileDifference, FileHeld};
use crate::artifact::property_difference::{PropertyDifference, Values};
use crate::values::change::{Change, ChangeList, ConfigChange, ConfigPiece, OTHERWISE};
use crate::values::text::{cut_where_they_differ, visible};

/// How many changes are kept of one comparison.
pub const KEPT: usize = 1000;

/// The longest value in a description, and the longest description, in characters.
const VALUE: usize = 120;
const DESCRIPTION: usize = 500;

/// The changes of a difference, domain by domain; the first of them are kept. `outer` is the
/// domain that is named for what an archive says beyond its domains.
pub fn list(difference: &Difference, outer: &str) -> ChangeList {
    let mut list = ChangeList::default();
    for domain in &difference.domains {
        let name = match domain.domain.as_str() {
            "" => outer,
            name => name,
        };
        let mut add = |piece: &dyn Fn() -> ConfigPiece, change, description: &dyn Fn() -> String| {
            list.count += 1;
            if list.first.len() < KEPT {
                list.first.push(ConfigChange {
                    domain: name.to_owned(),
                    piece: piece(),
                    change,
                    description: description(),
                });
            }
        };
        if let Some(whole) = domain.whole {
            add(&|| ConfigPiece::Domain, whole, &String::new);
        }
        for object in &domain.objects {
            let piece = || ConfigPiece::Object {
                class: object.class.clone(),
                name: object.name.clone(),
            };
            add(&piece, object.change, &|| described(&object.properties));
        }
        for file in &domain.files {
            let piece = || ConfigPiece::File(file.name.clone());
            add(&piece, file.change, &|| of_file(file));
        }
    }
    list
}

/// The properties that differ, in one line.
fn described(properties: &[PropertyDifference]) -> String {
    let mut text = String::new();
    for (index, property) in properties.iter().enumerate() {
        let part = of_property(property);
        let is_first = text.is_empty();
        if !is_first && text.chars().count() + part.chars().count() + 2 > DESCRIPTION {
            let rest = properties.len() - index;
            let what = if rest == 1 { "property" } else { "properties" };
            text.push_str(&format!("; and {rest} more {what}"));
            break;
        }
        if !is_first {
            text.push_str("; ");
        }
        text.push_str(&part);
    }
    text
}

/// `mAdminState: enabled → disabled`; of lists, what was taken out and put in.
fn of_property(property: &PropertyDifference) -> String {
    let path = shortened(&property.path);
    match &property.values {
        Values::Secret => format!("{path}: (secret changed)"),
        Values::TooLarge => "(too large to be compared property by property)".to_owned(),
        Values::Order if path.is_empty() => OTHERWISE.to_owned(),
        Values::Order => format!("{path}: (the same values in another order)"),
        Values::Differ { old, new } => match (old.as_slice(), new.as_slice()) {
            ([old], [new]) => {
                let (old, new) = cut_where_they_differ(old, new, VALUE);
                format!("{path}: {} → {}", whole(&old), whole(&new))
            }
            (old, new) => format!("{path}: {}", in_and_out(old, new)),
        },
    }
}

fn in_and_out(old: &[String], new: &[String]) -> String {
    const NAMED: usize = 5;
    let mut parts = Vec::new();
    for (sign, values) in [('-', old), ('+', new)] {
        parts.extend(
            values
                .iter()
                .take(NAMED)
                .map(|one| format!("{sign}{}", value(one))),
        );
        if let Some(rest) = values.len().checked_sub(NAMED).filter(|rest| *rest > 0) {
            parts.push(format!("{sign}{rest} more"));
        }
    }
    parts.join(", ")
}

fn value(text: &str) -> String {
    whole(&shortened(text))
}

/// A value as it stands in a line: blanks at its ends, and an empty one, would not be seen.
fn whole(text: &str) -> String {
    let shown = visible(text);
    match text.trim() == text && !text.is_empty() {
        true => shown.into_owned(),
        false => format!("\"{shown}\""),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(VALUE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// What an archive has of a file, where that is not simply its bytes.
fn of_file(file: &FileDifference) -> String {
    let word = |held| match held {
        FileHeld::Bytes => "held",
        FileHeld::KeyName => "key",
        FileHeld::MissingName => "missing",
    };
    match (file.change, file.old, file.new) {
        (_, Some(old), Some(new)) if old != new => format!("{} → {}", word(old), word(new)),
        (Change::Added, _, Some(held)) | (Change::Removed, Some(held), _) if held != FileHeld::Bytes => {
            word(held).to_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::difference::{DomainDifference, ObjectDifference};

    fn differ(path: &str, old: &[&str], new: &[&str]) -> PropertyDifference {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        PropertyDifference {
            path: path.to_owned(),
            values: Values::Differ {
                old: owned(old),
                new: owned(new),
            },
        }
    }

    fn domain(name: &str, objects: usize) -> DomainDifference {
        DomainDifference {
            domain: name.to_owned(),
            whole: None,
            objects: (0..objects)
                .map(|index| ObjectDifference {
                    change: Change::Changed,
                    class: "XMLManager".to_owned(),
                    name: format!("m{index}"),
                    properties: vec![differ("mAdminState", &["enabled"], &["disabled"])],
                })
                .collect(),
            files: Vec::new(),
        }
    }

    #[test]
    fn a_change_of_a_property_is_told_in_one_line() {
        assert_eq!(
            described(&[differ("mAdminState", &["enabled"], &["disabled"])]),
            "mAdminState: enabled → disabled"
        );
        assert_eq!(
            described(&[
                differ("URL", &["a"], &["b", "c"]),
                differ("Note", &[], &["x"]),
                PropertyDifference {
                    path: "Password".to_owned(),
                    values: Values::Secret
                },
            ]),
            "URL: -a, +b, +c; Note: +x; Password: (secret changed)"
        );
        assert_eq!(described(&[differ("Note", &[" "], &["x"])]), "Note: \" \" → x");
        assert_eq!(described(&[differ("Note", &[""], &["x"])]), "Note: \"\" → x");
        // Blanks alone may be what differs.
        assert_eq!(
            described(&[differ("Note", &["\u{85}c1"], &["c1"])]),
            "Note: \"\\u{85}c1\" → c1"
        );
        assert_eq!(
            described(&[differ("Note", &["a b"], &["a\nb"])]),
            "Note: a b → a\\u{a}b"
        );
        assert_eq!(
            described(&[differ("Note", &[], &["a\u{a0}b", "c\t"])]),
            "Note: +a\\u{a0}b, +\"c\\u{9}\""
        );
    }

    #[test]
    fn long_values_and_many_properties_are_cut_and_counted() {
        let long = "ä".repeat(5000);
        let one = described(&[differ("A", &[&long], &["b"])]);
        assert!(one.chars().count() < 200 && one.ends_with("… → b"), "{one}");
        let many: Vec<_> = (0..100)
            .map(|index| differ(&format!("P{index}"), &[&long], &["b"]))
            .collect();
        let text = described(&many);
        assert!(text.chars().count() < DESCRIPTION + 40, "{text}");
        assert!(text.ends_with("; and 97 more properties"), "{text}");
        let list = described(&[differ("A", &[], &["1", "2", "3", "4", "5", "6", "7"])]);
        assert_eq!(list, "A: +1, +2, +3, +4, +5, +2 more");
    }

    #[test]
    fn the_first_thousand_changes_are_kept_and_the_others_counted() {
        let difference = Difference {
            domains: vec![domain("A", KEPT - 1), domain("", 5)],
        };
        let list = list(&difference, "default");
        assert_eq!((list.first.len(), list.count), (KEPT, 1004));
        let last = list.first.last().expect("a change");
        assert_eq!(
            (last.domain.as_str(), last.piece.to_string().as_str()),
            ("default", "XMLManager m0")
        );
    }

    #[test]
    fn of_a_file_is_told_what_is_held_where_that_is_not_its_bytes() {
        let file = |change, old, new| {
            of_file(&FileDifference {
                change,
                name: "local:///a".to_owned(),
                old,
                new,
            })
        };
        let (bytes, missing, key) = (FileHeld::Bytes, FileHeld::MissingName, FileHeld::KeyName);
        assert_eq!(file(Change::Added, None, Some(bytes)), "");
        assert_eq!(file(Change::Added, None, Some(missing)), "missing");
        assert_eq!(file(Change::Removed, Some(key), None), "key");
        assert_eq!(file(Change::Changed, Some(bytes), Some(bytes)), "");
        assert_eq!(
            file(Change::Changed, Some(missing), Some(bytes)),
            "missing → held"
        );
    }
}
