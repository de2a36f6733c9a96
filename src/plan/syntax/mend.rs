//! A value as it is written here: what somebody wrote, in the form that its key takes.

use toml::de::DeTable;

use crate::plan::keys::{Key, KeyKind, Table};
use crate::plan::syntax::written::{Written, WrittenEntry, WrittenValue};
use crate::values::nearest::nearest;
use crate::values::window::likely_time;

/// A whole line with this value, if it can be read: nothing else is ever offered.
pub(super) fn line(key: &str, value: &str) -> Option<String> {
    let line = format!("{key} = {value}");
    DeTable::parse(&line).is_ok().then_some(line)
}

/// What was written, as the key takes it. Without a key it is read as it looks.
pub(super) fn mended(written: &WrittenValue, key: Option<&Key>) -> Option<String> {
    let kind = key.map(|key| &key.kind);
    match written.entries.as_slice() {
        // A table without its braces: `tls = verify = false`.
        [WrittenEntry { key: Some(_), .. }, ..] => group('{', &written.entries, kind),
        [WrittenEntry { key: None, values }] => match values.as_slice() {
            [value] => self::value(value, kind),
            values => several(values, kind),
        },
        // Several with commas between them, and no brackets.
        entries => {
            let (mut values, rest) = (Vec::new(), entries.iter());
            for entry in rest.take_while(|entry| entry.key.is_none()) {
                values.extend(entry.values.iter().cloned());
            }
            match (kind, words(&values, ", ")) {
                (Some(KeyKind::Integer { .. }), Some(words)) => scalar(&words.replace(", ", ""), kind),
                (Some(KeyKind::Names | KeyKind::Command | KeyKind::Includes(_)), _) => list(&values, kind),
                (None, Some(words)) if is_digits(&words) => number(&words),
                (Some(KeyKind::Text | KeyKind::Patterns) | None, Some(words)) => Some(text(&words)),
                (Some(kind), _) if !takes_many(kind) => value(values.first()?, Some(kind)),
                _ => list(&values, kind),
            }
        }
    }
}

/// A text in quotes.
pub(super) fn text(bare: &str) -> String {
    match bare {
        bare if is_hidden(bare) => "\"…\"".to_owned(),
        bare if !bare.contains(['"', '\\']) => format!("\"{bare}\""),
        bare if !bare.contains('\'') => format!("'{bare}'"),
        bare => format!("{bare:?}"),
    }
}

/// Whether this stands for what is not shown.
fn is_hidden(bare: &str) -> bool {
    bare.len() > 1 && bare.bytes().all(|byte| byte == b'*')
}

fn takes_many(kind: &KeyKind) -> bool {
    matches!(
        kind,
        KeyKind::Patterns | KeyKind::Names | KeyKind::Command | KeyKind::Includes(_)
    )
}

fn value(written: &Written, kind: Option<&KeyKind>) -> Option<String> {
    match written {
        Written::Group { opened, entries } => group(*opened, entries, kind),
        Written::Text(bare) => match kind {
            // In quotes that are none here, or behind which something stands.
            Some(KeyKind::Boolean | KeyKind::Integer { .. }) => scalar(bare, kind),
            Some(KeyKind::Names | KeyKind::Command | KeyKind::Includes(_)) => {
                Some(format!("[{}]", text(bare)))
            }
            _ => Some(text(bare)),
        },
        Written::Word(bare) => scalar(bare, kind),
    }
}

/// A value without quotes.
fn scalar(bare: &str, kind: Option<&KeyKind>) -> Option<String> {
    let lower = bare.to_lowercase();
    let truth = match lower.trim_start_matches('!') {
        "yes" | "on" | "true" | "y" => Some("true"),
        "no" | "off" | "false" | "n" => Some("false"),
        other => nearest(other, ["true", "false"]).filter(|_| other.len() > 2),
    };
    match kind {
        None => Some(match truth.filter(|_| bare.len() < 6 && is_truth(&lower)) {
            Some(truth) => truth.to_owned(),
            None if is_digits(bare) => number(bare)?,
            None => text(bare),
        }),
        Some(KeyKind::Boolean) => truth.filter(|_| !bare.starts_with('!')).map(str::to_owned),
        Some(KeyKind::Integer { .. }) => {
            let bare = bare.trim_start_matches(['+', ':']);
            let digits = bare.find(|c: char| !(c.is_ascii_digit() || "_,".contains(c)));
            number(&bare[..digits.unwrap_or(bare.len())])
        }
        Some(KeyKind::Time) => Some(text(&likely_time(bare).unwrap_or_else(|| bare.to_owned()))),
        Some(KeyKind::Names | KeyKind::Command | KeyKind::Includes(_)) => Some(format!("[{}]", text(bare))),
        Some(KeyKind::Table(_) | KeyKind::Tables(_)) => None,
        Some(_) => Some(text(bare)),
    }
}

fn is_truth(lower: &str) -> bool {
    matches!(lower, "yes" | "on" | "true" | "y" | "no" | "off" | "false" | "n")
}

/// Whether this is a number, whatever divides its digits.
fn is_digits(bare: &str) -> bool {
    bare.contains(|c: char| c.is_ascii_digit())
        && bare.chars().all(|c| c.is_ascii_digit() || "_, ".contains(c))
}

/// A number as it is written here: digits alone, and no zero first.
fn number(bare: &str) -> Option<String> {
    let digits: String = bare.chars().filter(char::is_ascii_digit).collect();
    let number = digits.trim_start_matches('0');
    match (digits.is_empty(), number.is_empty()) {
        (true, _) => None,
        (false, true) => Some("0".to_owned()),
        (false, false) => Some(number.to_owned()),
    }
}

/// Several values with blanks between them: words are one text, texts are several.
fn several(values: &[Written], kind: Option<&KeyKind>) -> Option<String> {
    if let Some(words) = words(values, " ") {
        return match kind {
            Some(KeyKind::Integer { .. }) => scalar(&words.replace(' ', ""), kind),
            Some(KeyKind::Boolean) => scalar(words.split(' ').next()?, kind),
            Some(kind) if takes_many(kind) && !matches!(kind, KeyKind::Patterns) => list(values, Some(kind)),
            None if is_digits(&words) => number(&words),
            _ => Some(text(&words)),
        };
    }
    match kind {
        Some(kind) if takes_many(kind) => list(values, Some(kind)),
        Some(kind) => value(values.first()?, Some(kind)),
        None if values.iter().all(|value| matches!(value, Written::Text(_))) => list(values, None),
        None => value(values.first()?, None),
    }
}

/// The values in one text, if they all are words.
fn words(values: &[Written], between: &str) -> Option<String> {
    let words: Option<Vec<&str>> = values
        .iter()
        .map(|value| match value {
            Written::Word(word) => Some(word.as_str()),
            _ => None,
        })
        .collect();
    Some(words?.join(between))
}

/// An array.
fn list(values: &[Written], kind: Option<&KeyKind>) -> Option<String> {
    let item = |value: &Written| match value {
        Written::Text(bare) => Some(text(bare)),
        Written::Word(bare) if kind.is_some_and(takes_many) => Some(text(bare)),
        Written::Word(bare) => scalar(bare, None),
        Written::Group { opened, entries } => group(*opened, entries, None),
    };
    let items: Option<Vec<String>> = values.iter().map(item).collect();
    Some(format!("[{}]", items?.join(", ")))
}

/// What stands in brackets: a table where it has keys, else an array.
fn group(opened: char, entries: &[WrittenEntry], kind: Option<&KeyKind>) -> Option<String> {
    let table = kind.and_then(KeyKind::table);
    let keys: Option<Vec<String>> = entries.iter().map(|entry| keyed(entry, table)).collect();
    let is_array = kind.is_some_and(takes_many) || (kind.is_none() && opened != '{');
    if let Some(keys) = keys.filter(|keys| !keys.is_empty() && !kind.is_some_and(takes_many)) {
        return Some(format!("{{ {} }}", keys.join(", ")));
    }
    let values: Vec<Written> = entries.iter().flat_map(|entry| entry.values.clone()).collect();
    if is_array {
        return list(&values, kind);
    }
    match (kind?, values.as_slice()) {
        // One text in brackets.
        (kind, [only]) if table.is_none() => value(only, Some(kind)),
        _ => None,
    }
}

/// `key = value`, also where the sign between them is missing.
fn keyed(entry: &WrittenEntry, table: Option<&'static Table>) -> Option<String> {
    let (name, values) = match (&entry.key, entry.values.as_slice()) {
        (Some(key), values) => (key.as_str(), values),
        (None, [Written::Word(first), rest @ ..])
            if table.is_some_and(|table| table.key(first).is_some()) =>
        {
            (first.as_str(), rest)
        }
        (None, _) => return None,
    };
    let kind = table.and_then(|table| table.key(name)).map(|key| &key.kind);
    let value = match values {
        [only] => value(only, kind),
        [] => None,
        several => self::several(several, kind),
    };
    let is_bare = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let name = if is_bare { name.to_owned() } else { text(name) };
    Some(format!("{name} = {}", value?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::keys::device::DEVICE;
    use crate::plan::keys::tables::{ACTIVITY, PLAN, SETTINGS};
    use crate::plan::syntax::written::read;

    #[test]
    fn a_value_of_another_language_gets_the_form_that_its_key_takes() {
        for (table, key, written, meant) in [
            (&ACTIVITY, "devices", "[\"QA1\"; \"QA2\"]", "[\"QA1\", \"QA2\"]"),
            (&ACTIVITY, "devices", "(\"QA1\",\"QA2\")", "[\"QA1\", \"QA2\"]"),
            (&ACTIVITY, "devices", "{\"QA1\",\"QA2\"}", "[\"QA1\", \"QA2\"]"),
            (&ACTIVITY, "devices", "\"QA1\"; \"QA2\"", "[\"QA1\", \"QA2\"]"),
            (&ACTIVITY, "devices", "\"QA1\" \"QA2\"", "[\"QA1\", \"QA2\"]"),
            (&ACTIVITY, "devices", "QA1, QA2", "\"QA1, QA2\""),
            (&ACTIVITY, "devices", "[QA1 QA2]", "[\"QA1\", \"QA2\"]"),
            (&ACTIVITY, "devices", "*", "\"*\""),
            (&ACTIVITY, "devices", "`QA1`", "\"QA1\""),
            (&DEVICE, "tls", "[ verify = false ]", "{ verify = false }"),
            (&DEVICE, "tls", "verify = false", "{ verify = false }"),
            (&DEVICE, "tls", "{ verify = False }", "{ verify = false }"),
            (&DEVICE, "tls", "{ verify false }", "{ verify = false }"),
            (&DEVICE, "tls", "{ verify = false; }", "{ verify = false }"),
            (&DEVICE, "tls", "{ verify = no }", "{ verify = false }"),
            (
                &DEVICE,
                "tls",
                "{ ca_file = /etc/ca.pem }",
                "{ ca_file = \"/etc/ca.pem\" }",
            ),
            (&DEVICE, "password", "{ env = QA1 }", "{ env = \"QA1\" }"),
            (&DEVICE, "tags", "prod, dmz", "[\"prod\", \"dmz\"]"),
            (&DEVICE, "tags", "{ prod, dmz }", "[\"prod\", \"dmz\"]"),
            (&DEVICE, "port", "5550/tcp", "5550"),
            (&DEVICE, "port", "5,550", "5550"),
            (&DEVICE, "port", "05550", "5550"),
            (&DEVICE, "port", "5550.", "5550"),
            (&PLAN, "retention", "{ keep_last = 7d }", "{ keep_last = 7 }"),
            (&PLAN, "name", "yes", "\"yes\""),
            (&PLAN, "name", "(\"N\")", "\"N\""),
            (&PLAN, "enabled", "tru", "true"),
            (&PLAN, "enabled", "[yes]", "true"),
            (
                &PLAN,
                "maintenance_window",
                "{ start = 2130, end = 0630 }",
                "{ start = \"21:30\", end = \"06:30\" }",
            ),
            (
                &PLAN,
                "maintenance_window",
                "{ start: 21:30; end: 6:30 }",
                "{ start = \"21:30\", end = \"06:30\" }",
            ),
            (&SETTINGS, "store", "\"/a\" \"x\"", "\"/a\""),
            (&SETTINGS, "store", "`/a`", "\"/a\""),
            (&SETTINGS, "min_free_store", "10 %", "\"10 %\""),
        ] {
            let key = table.key(key).unwrap_or_else(|| panic!("{key}"));
            assert_eq!(
                mended(&read(written), Some(key)).as_deref(),
                Some(meant),
                "{written}"
            );
        }
    }

    #[test]
    fn what_cannot_be_told_is_no_value() {
        for (table, key, written) in [
            (&DEVICE, "port", "five"),
            (&PLAN, "enabled", "!true"),
            (&PLAN, "retention", "weekly"),
            (&DEVICE, "tls", "{ pin }"),
        ] {
            assert_eq!(mended(&read(written), table.key(key)), None, "{written}");
        }
    }
}
