//! Secrets in a text that can be parsed, at least in part.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::plan::mask::word::{is_form, is_secret, says_where};

/// Where secrets stand, however their keys are written: in a table of their own, in quotes, with
/// escapes, over several lines.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let (root, _) = DeTable::parse_recoverable(text);
    let mut found = Vec::new();
    of_table(root.get_ref(), Below::Anything, text, &mut found);
    found
}

/// What the keys above a value say of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    Anything,
    ASecret,
}

fn of_table(table: &DeTable<'_>, below: Below, text: &str, found: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        let name = key.get_ref();
        if below == Below::ASecret && is_source(name, value.get_ref()) {
            continue;
        }
        let below = match is_secret(name) {
            true => Below::ASecret,
            false => below,
        };
        of_value(value, below, text, found);
    }
}

fn of_value(value: &Spanned<DeValue<'_>>, below: Below, text: &str, found: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => of_table(table, below, text, found),
        DeValue::Array(items) => items.iter().for_each(|item| of_value(item, below, text, found)),
        _ if below == Below::ASecret => found.extend(within_quotes(text, value.span())),
        _ => {}
    }
}

/// Whether a key tells where a secret is, by a value of the form that it has.
fn is_source(name: &str, value: &DeValue<'_>) -> bool {
    is_form(name)
        && match value {
            DeValue::String(value) => says_where(name, value),
            DeValue::Array(_) => name == "command",
            _ => false,
        }
}

/// What stands between the quotes of a value, or the whole of one without.
fn within_quotes(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let written = text.get(span.clone())?;
    let inside = ["\"\"\"", "'''", "\"", "'"].into_iter().find_map(|quotes| {
        let inside = written.strip_prefix(quotes)?;
        // One that is not closed is shown too.
        let inside = inside.strip_suffix(quotes).unwrap_or(inside);
        let start = span.start + quotes.len();
        Some(start..start + inside.len())
    });
    Some(inside.unwrap_or(span))
}
