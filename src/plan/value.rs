//! Single values of the tree that TOML gives, with a finding for whatever does not fit.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use crate::plan::diagnostic::{Finding, Findings};
use crate::plan::keys::{Absent, Key};
use crate::plan::mistyped;
use crate::values::text::is_unsafe;
use crate::values::text::letter;

/// A value of the tree.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// Adds "did you mean".
pub(super) fn did_you_mean(finding: &mut Finding, nearest: Option<&str>) {
    if let Some(nearest) = nearest {
        finding.help(format!("did you mean {nearest:?}?"));
    }
}

/// The text that `value` is: not empty, and without control characters.
pub(super) fn string<'a>(key: &Key, value: &'a Value<'a>, out: &mut Findings<'_>) -> Option<&'a str> {
    let DeValue::String(text) = value.get_ref() else {
        return wrong_type(key, value, out);
    };
    if text.trim().is_empty() {
        let label = format!("expected {}", key.kind.expected());
        out.error(value.span(), format!("`{}` is empty", key.name), label)
            .help(match (&key.absent, key.name) {
                // One of them is there in each such table.
                (Absent::Error | Absent::OfOneAction(_), _)
                | (_, "username" | "password" | "env" | "file" | "credential") => {
                    format!("write what belongs there, such as {}", key.sample())
                }
                _ => "write what belongs there, or leave the key out".to_owned(),
            });
        return None;
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        let label = format!("holds the control character U+{:04X}", u32::from(c));
        let written = out.text().get(value.span()).unwrap_or_default();
        let is_escape = written.starts_with('"') && written.contains('\\');
        let title = format!("`{}` must be plain text on one line", key.name);
        let finding = out.error(value.span(), title, label);
        if c == '\t' && !is_escape {
            finding.help("write a blank in place of the tab");
        } else if !is_escape {
            finding.help("take it out");
        } else {
            finding.help(
                "a backslash begins an escape in double quotes: write \\\\ for one, or put the text in single quotes; paths \
                 of this machine have /",
            );
        }
        return None;
    }
    // What a gateway, or the environment, compares letter by letter.
    let is_compared = matches!(key.name, "username" | "certificate" | "env");
    if let Some(c) = text.chars().find(|c| is_compared && is_unsafe(*c)) {
        let title = format!("`{}` holds a character that cannot be seen", key.name);
        let label = format!("U+{:04X} stands in it", u32::from(c));
        out.error(value.span(), title, label)
            .help("type it anew: such a character comes with what is copied from a page");
        return None;
    }
    Some(text)
}

/// Whether a text is a name as [`Names`](crate::plan::keys::KeyKind::Names) has them.
pub(super) fn is_named(key: &str, text: &str, span: &Range<usize>, out: &mut Findings<'_>) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let label = match text.chars().find(|c| !allowed(*c)) {
        Some(c) => format!(
            "holds {}; allowed are letters, digits, `.`, `_` and `-`",
            letter(c)
        ),
        None if text.len() > 128 => "is longer than 128 characters".to_owned(),
        None => return true,
    };
    let finding = out.error(span.clone(), format!("{text:?} cannot stand in `{key}`"), label);
    let bare = text.trim_start_matches('@');
    if bare.contains([',', ' ']) {
        let parts: Vec<String> = bare
            .split([',', ' '])
            .filter(|part| !part.is_empty())
            .map(|part| format!("{part:?}"))
            .collect();
        finding.help(format!(
            "each in quotes of its own: `{key} = [{}]`",
            parts.join(", ")
        ));
    } else if bare != text {
        finding.help(format!(
            "the `@` stands in the `devices` of a plan alone: {bare:?} here"
        ));
    } else {
        finding.help(format!("write {:?}, say", named_so(text)));
    }
    false
}

/// The nearest to a text that can be a name.
pub(super) fn named_so(text: &str) -> String {
    let is_good = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = text.trim().chars().map(|c| if is_good(&c) { c } else { '-' });
    let name: String = name.take(128).collect();
    match name.trim_matches(['-', '.']) {
        "" => "QA1".to_owned(),
        name => name.to_owned(),
    }
}

/// The texts that the array `value` holds.
pub(super) fn strings<'a>(key: &Key, value: &'a Value<'a>, out: &mut Findings<'_>) -> Option<Vec<&'a str>> {
    let DeValue::Array(items) = value.get_ref() else {
        return wrong_type(key, value, out);
    };
    let texts: Vec<Option<&str>> = items.iter().map(|item| string(key, item, out)).collect();
    texts.into_iter().collect()
}

/// Says that `value` is of the wrong type, and gives nothing.
pub(super) fn wrong_type<T>(key: &Key, value: &Value<'_>, out: &mut Findings<'_>) -> Option<T> {
    let found = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time without quotes",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    let label = format!("expected {}, found {found}", key.kind.expected());
    let finding = out.error(value.span(), format!("`{}` has the wrong type", key.name), label);
    finding.help(
        mistyped::of_type(key, value.get_ref()).unwrap_or_else(|| format!("write {}, say", key.sample())),
    );
    None
}

/// The value of a key that is absent, as it would be written.
pub(super) fn default(key: &Key) -> Option<&'static str> {
    match key.absent {
        Absent::Default(text) => Some(text),
        Absent::Error | Absent::Means(_) | Absent::MeansOfAll(_) | Absent::OfOneAction(_) => None,
    }
}
