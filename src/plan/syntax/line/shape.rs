//! What a line looks like that can be read, and the pieces of one.

use crate::plan::syntax::mend;
use crate::plan::syntax::written::{Written, read};

/// What a line of a plan file looks like.
pub(super) const LINES: &str =
    "a line is a heading, `[[device]]`, or a key and its value, `name = \"QA1\"`; comments begin with #";

/// Whether a line is one of a plan file.
pub(super) fn is_readable(line: &str) -> bool {
    line.contains('=') && toml::de::DeTable::parse(line).is_ok()
}

/// Whether this is a key.
pub(super) fn is_key(word: &str) -> bool {
    !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Whether this is a key, or keys with dots between them.
pub(super) fn is_dotted(key: &str) -> bool {
    let is_quoted =
        |part: &str| part.len() > 1 && part.starts_with(['"', '\'']) && part.ends_with(['"', '\'']);
    is_quoted(key)
        || key
            .split('.')
            .map(str::trim)
            .all(|part| is_key(part) || is_quoted(part))
}

/// A value as a text, unless it can be read as it is.
pub(super) fn quoted(value: &str) -> String {
    match read(value).entries.first().and_then(|entry| entry.values.first()) {
        Some(Written::Text(text)) => mend::text(text),
        _ if mend::line("key", value).is_some() => value.to_owned(),
        _ => mend::text(value.trim_matches(['"', '\'', ' '])),
    }
}
