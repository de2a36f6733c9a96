//! What goes over several lines and could not be read: the error is where it begins.

use crate::plan::syntax::error::SyntaxError;
use crate::plan::syntax::mend;
use crate::plan::syntax::position::{key_of, line_at, line_start, next_line};
use crate::plan::syntax::value::takes;
use crate::plan::syntax::written::{Written, WrittenEntry, WrittenValue, read};

/// What is wrong where a line is part of something that stands on others as well.
pub(super) fn of_several_lines(text: &str, begin: usize, message: &str) -> Option<SyntaxError> {
    unclosed_text(text, begin, message)
        .or_else(|| unclosed_before(text, begin, message))
        .or_else(|| without_comma(text, begin, message))
        .or_else(|| list_of_yaml(text, begin))
        .or_else(|| value_below(text, begin))
        .or_else(|| text_over_lines(text, begin))
}

/// An array or a table that a line before this one has opened and nobody closed.
fn unclosed_before(text: &str, begin: usize, message: &str) -> Option<SyntaxError> {
    let in_array = message.contains("array") && !message.contains("array table");
    let in_table = message.contains("key-value pairs") || message.contains("inline table");
    let line = line_at(text, begin);
    let starts_anew = line.trim_start().starts_with('[') || line.contains('=') || line.trim().is_empty();
    if !(in_array || in_table) || !starts_anew {
        return None;
    }
    let (open, close, what) = if in_array {
        ('[', ']', "array")
    } else {
        ('{', '}', "table")
    };
    let mut at = begin;
    while at > 0 {
        at = line_start(text, at - 1);
        let above = line_at(text, at);
        if let Some((key, value)) = above.split_once('=')
            && value.matches(open).count() > value.matches(close).count()
        {
            let from = at + above.find(open).unwrap_or(0);
            let key = key.trim();
            let known = key_of(text, at, key);
            let mended = mend::mended(&read(value.trim()), known).filter(|_| known.is_some());
            let help = match mended.and_then(|value| mend::line(key, &value)) {
                Some(line) => format!("write `{line}`"),
                // Nothing but the bracket: what it was to hold is not known.
                None if value.trim().len() == 1 || known.is_some() => takes(key, known),
                None => format!("write `{}{close}`", above.trim()),
            };
            return Some(SyntaxError {
                span: from..at + above.trim_end().len(),
                title: format!("this {what} is not closed"),
                label: format!("`{close}` is missing"),
                help,
            });
        }
    }
    None
}

/// A text in three quotes that nobody closed: the parser stops at the end of the file.
fn unclosed_text(text: &str, begin: usize, message: &str) -> Option<SyntaxError> {
    let mark = match message {
        _ if message.contains("multi-line basic") => "\"\"\"",
        _ if message.contains("multi-line literal") => "'''",
        _ => return None,
    };
    let before = text.get(..begin.max(1) + line_at(text, begin).len())?;
    let opened = before.rfind(mark)?;
    let at = line_start(text, opened);
    let line = line_at(text, at);
    let (key, value) = line.split_once('=')?;
    let (key, inner) = (key.trim(), value.trim().trim_matches(['"', '\'']).trim());
    let fixed = mend::line(key, &mend::text(inner)).filter(|_| !inner.is_empty());
    Some(SyntaxError {
        span: opened..at + line.trim_end().len(),
        title: "this text is not closed".to_owned(),
        label: format!("`{mark}` is missing behind it"),
        help: match fixed {
            Some(fixed) => format!("on one line: `{fixed}`"),
            None => format!("on one line: `{key} = \"…\"`"),
        },
    })
}

/// An item of an array behind which no comma stands.
fn without_comma(text: &str, begin: usize, message: &str) -> Option<SyntaxError> {
    let is_item = line_at(text, begin).trim_start().starts_with(['"', '\'']);
    if !message.contains("missing comma") || !is_item || begin == 0 {
        return None;
    }
    let at = line_start(text, begin - 1);
    let above = line_at(text, at);
    let item = above.trim();
    // What an empty line lacks is no comma.
    if item.is_empty() {
        return None;
    }
    Some(SyntaxError {
        span: at + above.len() - above.trim_start().len()..at + above.trim_end().len(),
        title: "a comma is missing between two items of an array".to_owned(),
        label: "behind this one".to_owned(),
        help: match item.contains('=') {
            // The line above begins the array, and is none by itself.
            true => "write a comma at its end".to_owned(),
            false => format!("write `{item},`"),
        },
    })
}

/// A key with the items of a list of YAML on the lines below it.
fn list_of_yaml(text: &str, begin: usize) -> Option<SyntaxError> {
    let line = line_at(text, begin);
    let key = line
        .trim()
        .strip_suffix([':', '='])?
        .trim_end_matches([' ', ':', '=']);
    let (mut items, mut end, mut at) = (Vec::new(), begin + line.trim_end().len(), begin);
    while let Some(next) = next_line(text, at) {
        let below = line_at(text, next);
        let Some(item) = below
            .trim()
            .strip_prefix("- ")
            .filter(|item| !item.contains([':', '=']))
        else {
            break;
        };
        items.push(Written::Text(
            item.trim().trim_matches(['"', '\'', ',']).to_owned(),
        ));
        (end, at) = (next + below.trim_end().len(), next);
    }
    let entries = items.into_iter().map(|item| WrittenEntry {
        key: None,
        values: vec![item],
    });
    let group = Written::Group {
        opened: '[',
        entries: entries.collect(),
    };
    let written = WrittenValue {
        entries: vec![WrittenEntry {
            key: None,
            values: vec![group],
        }],
        ..WrittenValue::default()
    };
    let is_list = end > begin + line.trim_end().len();
    let fixed = mend::mended(&written, key_of(text, begin, key)).and_then(|value| mend::line(key, &value))?;
    is_list.then(|| SyntaxError {
        span: begin + line.len() - line.trim_start().len()..end,
        title: "this list is written as in YAML".to_owned(),
        label: String::new(),
        help: format!("write `{fixed}`"),
    })
}

/// A key whose value stands on the next line.
fn value_below(text: &str, begin: usize) -> Option<SyntaxError> {
    let line = line_at(text, begin);
    let key = line.trim().strip_suffix('=')?.trim_end();
    let next = next_line(text, begin)?;
    let below = line_at(text, next);
    let fixed = mend::line(key, below.trim()).filter(|_| !below.trim().is_empty() && !below.contains('='))?;
    Some(SyntaxError {
        span: begin + line.len() - line.trim_start().len()..next + below.trim_end().len(),
        title: "a value stands on the line of its key".to_owned(),
        label: String::new(),
        help: format!("write `{fixed}`"),
    })
}

/// A text in quotes that ends on the next line.
fn text_over_lines(text: &str, begin: usize) -> Option<SyntaxError> {
    let line = line_at(text, begin);
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    let first = value.strip_prefix('"').filter(|rest| !rest.contains('"'))?;
    let next = next_line(text, begin)?;
    let below = line_at(text, next);
    let second = below
        .trim()
        .strip_suffix('"')
        .filter(|rest| !rest.contains(['"', '=', '[']))?;
    let fixed = mend::line(
        key,
        &mend::text(&format!(
            "{} {}",
            // With a backslash other languages go on below.
            first.trim_end_matches(['\\', ' ', '\t']),
            second.trim_start()
        )),
    )?;
    Some(SyntaxError {
        span: begin + line.find('"').unwrap_or(0)..next + below.trim_end().len(),
        title: "a text in quotes stands on one line".to_owned(),
        label: String::new(),
        help: format!("write `{fixed}`"),
    })
}
