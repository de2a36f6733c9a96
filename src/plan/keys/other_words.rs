//! What somebody means by a key that a table does not have.

use crate::plan::keys::Table;
use crate::plan::keys::device::PASSWORD;
use crate::plan::keys::file::{FILE, INCLUDED, tables};
use crate::plan::keys::other_words_table::OTHER_WORDS;

pub use crate::plan::keys::other_words_table::Meant;

/// What is meant by a key that a table does not have.
pub fn meant(table: &Table, written: &str) -> Option<Meant> {
    let lower = of_one_form(written);
    let (_, rows) = OTHER_WORDS
        .iter()
        .find(|(heading, _)| *heading == heading_of(table))?;
    let (_, meant) = rows
        .iter()
        .find(|(words, _)| words.split(' ').any(|word| word == lower))?;
    Some(*meant)
}

/// A key as it would be written here: `devicePattern` is `device_pattern`.
fn of_one_form(written: &str) -> String {
    let mut form = String::new();
    let mut is_small = false;
    for c in written.chars() {
        if c.is_ascii_uppercase() && is_small {
            form.push('_');
        }
        is_small = c.is_ascii_lowercase();
        form.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    form
}

/// The heading under which the wrong keys of a table stand: an included file is a plan file.
fn heading_of(table: &Table) -> &'static str {
    match std::ptr::eq(table, &INCLUDED) {
        true => FILE.heading,
        false => table.heading,
    }
}

/// The headings of the other tables that have this very key. Those of who is told and of passwords have keys of their
/// own kind, such as `host` and `path`, which are not meant elsewhere.
pub fn elsewhere(table: &Table, written: &str) -> Vec<&'static str> {
    let is_apart = |heading: &str| heading.contains("notify") || heading == PASSWORD.heading;
    tables()
        .into_iter()
        .filter(|other| is_apart(table.heading) || !is_apart(other.heading))
        .filter(|other| other.heading != table.heading && other.key(written).is_some())
        .map(|other| other.heading)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Meant;
    use crate::plan::keys::file::tables;
    use crate::plan::keys::other_words_table::OTHER_WORDS;

    #[test]
    fn every_key_that_is_meant_is_one_and_no_wrong_one_is() {
        for (heading, rows) in OTHER_WORDS {
            let table = tables().into_iter().find(|table| table.heading == *heading);
            let table = table.unwrap_or_else(|| panic!("there is no {heading}"));
            let mut seen = BTreeSet::new();
            for (words, meant) in *rows {
                if let Meant::Key(key) = meant {
                    assert!(table.key(key).is_some(), "{heading} has {key}");
                }
                for word in words.split(' ') {
                    assert!(table.key(word).is_none(), "{heading} has {word}");
                    assert!(seen.insert(word), "{heading}: {word} stands twice");
                }
            }
        }
    }
}
