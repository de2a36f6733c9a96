//! Secrets in a text as a person reads it: how far the value of such a key reaches.

use std::ops::Range;

use crate::plan::keys::file::tables;
use crate::plan::mask::word::{is_form, says_where};

/// What may stand behind a value on its line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ValuePlace {
    /// A comment.
    OnItsLine,
    /// The next key, or the end of the table.
    InTable,
}

impl ValuePlace {
    /// Of the value whose key ends `before`.
    pub(super) fn behind(before: &str) -> Self {
        let line = before.rsplit('\n').next().unwrap_or_default();
        match line.matches('{').count() > line.matches('}').count() {
            true => Self::InTable,
            false => Self::OnItsLine,
        }
    }
}

/// Finds what is secret in the value that begins at `from`, and tells where it ends.
pub(super) fn secrets_of_value(
    text: &str,
    from: usize,
    place: ValuePlace,
    found: &mut Vec<Range<usize>>,
) -> usize {
    let start = value_start(text, from);
    match text[start..].chars().next() {
        Some('{') => {
            let end = of_table(text, start + 1, found);
            and_behind(text, end, place, found)
        }
        Some('[') => {
            let end = of_array(text, start + 1, found);
            and_behind(text, end, place, found)
        }
        Some('"' | '\'') => {
            let string = string_at(text, start);
            let end = match string.closed {
                Some(end) => and_behind(text, end, place, found),
                None => of_lines_that_go_on(text, string.inside.end, found),
            };
            found.push(string.inside);
            end
        }
        _ => {
            let end = line_end(text, start);
            let bare = text[start..end].trim_end();
            let goes_on = bare.chars().all(|c| "|>-+\\(".contains(c));
            found.push(start..start + bare.len());
            match goes_on {
                true => of_lines_that_go_on(text, end, found),
                false => end,
            }
        }
    }
}

/// Hides the rest of a line on which a value did not end as it should: it may be more of it.
fn and_behind(text: &str, end: usize, place: ValuePlace, found: &mut Vec<Range<usize>>) -> usize {
    let begins_line = text[..end].trim_end_matches([' ', '\t']).ends_with('\n');
    match begins_line || is_end(&text[end..], place) {
        true => end,
        false => hide(end..line_end(text, end), found),
    }
}

/// Hides a part, and tells where it ends.
fn hide(secret: Range<usize>, found: &mut Vec<Range<usize>>) -> usize {
    let end = secret.end;
    found.push(secret);
    end
}

/// Where a value begins that follows at `from`. A string on the next line is not where it
/// belongs, but no less secret.
fn value_start(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    let on_any_line = rest.trim_start();
    let value = if on_any_line.starts_with(['"', '\'']) {
        on_any_line
    } else {
        rest.trim_start_matches([' ', '\t'])
    };
    text.len() - value.len()
}

fn line_end(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |at| from + at)
}

/// Whether what stands behind a string is what may: else the string was not all.
fn is_end(behind: &str, place: ValuePlace) -> bool {
    // So far and no further: the time must not grow with the line.
    let near = behind.char_indices().take(256).find(|(_, c)| *c == '\n');
    let near = match near {
        Some((end, _)) => &behind[..end],
        None => behind
            .char_indices()
            .nth(256)
            .map_or(behind, |(end, _)| &behind[..end]),
    };
    let behind = near.trim();
    let next_key = behind.trim_start_matches([',', ' ', '\t']);
    let is_key = |key: &str| {
        key.chars()
            .all(|c| c.is_alphanumeric() || "_-. \t\"'".contains(c))
    };
    let has_key = next_key.starts_with('}') || next_key.split_once('=').is_some_and(|(key, _)| is_key(key));
    match behind.chars().next() {
        None => true,
        Some('#') => !behind.contains(['"', '\'']),
        Some('}') => place == ValuePlace::InTable,
        Some(',') => place == ValuePlace::InTable && has_key,
        Some(_) => false,
    }
}

/// The lines behind one that was not ended, up to one that is surely no part of it.
fn of_lines_that_go_on(text: &str, from: usize, found: &mut Vec<Range<usize>>) -> usize {
    let mut at = line_end(text, from);
    while at < text.len() {
        let end = line_end(text, at + 1);
        if is_line_of_its_own(&text[at + 1..end]) {
            break;
        }
        found.push(at + 1..end);
        at = end;
    }
    at
}

/// A line that begins something else: an empty one, a comment, a heading, a key that there is.
fn is_line_of_its_own(line: &str) -> bool {
    let line = line.trim();
    let key = line.split(['=', ':', '.']).next().unwrap_or_default();
    let is_known = |key: &str| {
        let key = key.trim_matches(['"', '\'', ' ', '\t']);
        !is_form(key) && tables().iter().any(|table| table.key(key).is_some())
    };
    line.is_empty() || line.starts_with(['#', '[']) || is_known(key)
}

/// In `{ text = "…" }` everything but the known forms. It may go over several lines.
fn of_table(text: &str, from: usize, found: &mut Vec<Range<usize>>) -> usize {
    let mut at = from;
    let mut end = line_end(text, at);
    loop {
        let before = at;
        at = item_start(text, at);
        if at >= end {
            end = line_end(text, at);
        }
        match text[at..].chars().next() {
            None => return at,
            Some('}') => return at + 1,
            Some('#') => {
                at = end;
                continue;
            }
            _ if text[before..at].contains('\n') && is_line_of_its_own(&text[at..end]) => return at,
            _ => {}
        }
        let key_end = match text[at..].starts_with(['"', '\'']) {
            true => string_at(text, at).closed.unwrap_or(end).min(end),
            false => text[at..end]
                .find(['=', ':', ',', '}', '#', '"', '\''])
                .map_or(end, |found| at + found),
        };
        let behind_key = &text[key_end..end];
        let sign = end - behind_key.trim_start().len();
        if !text[sign..end].starts_with(['=', ':']) {
            // A text of its own, or something that nobody can name.
            at = hide(at..key_end.max(next_char(text, at)), found);
            continue;
        }
        let key = text[at..key_end].trim_matches(['"', '\'', ' ', '\t']);
        at = secrets_of_item(text, key, value_start(text, sign + 1), found);
    }
}

/// What is secret in the value of a key in a table, and where it ends.
fn secrets_of_item(text: &str, key: &str, value: usize, found: &mut Vec<Range<usize>>) -> usize {
    match text[value..].chars().next() {
        Some('"' | '\'') => {
            let string = string_at(text, value);
            let is_source = is_form(key) && says_where(key, &text[string.inside.clone()]);
            let end = string.closed.unwrap_or(string.inside.end);
            match is_source && string.closed.is_some() {
                true => end,
                false => hide(string.inside, found).max(end),
            }
        }
        Some('[') if key == "command" => array_end(text, value + 1),
        Some(_) if is_form(key) => text[value..]
            .find([',', '}', '\n'])
            .map_or(text.len(), |at| value + at),
        _ => hide(value..line_end(text, value), found),
    }
}

/// Where an array ends whose texts are shown, or is broken off.
fn array_end(text: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(found) = text[at..].find(['"', '\'', ']', '=']).map(|found| at + found) {
        match text[found..].starts_with(['"', '\'']) {
            true => at = string_at(text, found).closed.unwrap_or(text.len()),
            false => return found + usize::from(text[found..].starts_with(']')),
        }
    }
    text.len()
}

/// Where the next item begins, behind blanks, line ends and commas.
fn item_start(text: &str, from: usize) -> usize {
    text.len()
        - text[from..]
            .trim_start_matches([' ', '\t', '\n', '\r', ','])
            .len()
}

fn next_char(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(0, char::len_utf8)
}

/// All items up to the end of an array, or up to a line that is surely not in it.
fn of_array(text: &str, from: usize, found: &mut Vec<Range<usize>>) -> usize {
    let mut at = from;
    loop {
        let before = at;
        at = item_start(text, at);
        let is_new_line = text[before..at].contains('\n');
        match text[at..].chars().next() {
            None => return at,
            Some(']') => return at + 1,
            Some('"' | '\'') => {
                let string = string_at(text, at);
                let end = string.closed.unwrap_or(string.inside.end);
                at = hide(string.inside, found).max(end);
            }
            Some('#') => at = line_end(text, at),
            _ if is_new_line && is_line_of_its_own(&text[at..line_end(text, at)]) => return at,
            _ => {
                let end = text[at..].find([',', ']', '\n', '"', '\'']);
                at = hide(at..end.map_or(text.len(), |end| at + end), found);
            }
        }
    }
}

/// A string of a text.
struct StringAt {
    /// What stands between its quotes, or up to the end of the line where it is not closed.
    inside: Range<usize>,
    /// The place behind its closing quotes, if there are any.
    closed: Option<usize>,
}

/// The string whose quotes open at `start`: to the closing ones, else to the end of the line, or
/// of the text for those of several lines.
fn string_at(text: &str, start: usize) -> StringAt {
    let rest = &text[start..];
    for triple in ["\"\"\"", "'''"] {
        if let Some(inside) = rest.strip_prefix(triple) {
            let begin = start + 3;
            let closed = inside.find(triple).map(|at| begin + at);
            return StringAt {
                inside: begin..closed.unwrap_or(text.len()),
                closed: closed.map(|at| at + 3),
            };
        }
    }
    let quote = if rest.starts_with('"') { '"' } else { '\'' };
    let mut is_escaped = false;
    let begin = start + 1;
    for (at, c) in text[begin..].char_indices() {
        if c == '\n' || (c == quote && !is_escaped) {
            return StringAt {
                inside: begin..begin + at,
                closed: (c == quote).then_some(begin + at + 1),
            };
        }
        is_escaped = quote == '"' && c == '\\' && !is_escaped;
    }
    StringAt {
        inside: begin..text.len(),
        closed: None,
    }
}
