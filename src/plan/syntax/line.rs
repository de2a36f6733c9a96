//! One line that could not be read: what was meant by it.

use std::ops::Range;

use crate::plan::keys::Table;
use crate::plan::keys::file::tables;
use crate::plan::syntax::error::SyntaxError;
use crate::plan::syntax::place::{line_at, line_start};
use crate::values::text::is_unsafe;

/// What is wrong with a line, and how it is written right.
struct Intent {
    title: String,
    /// The part of the line that it is about.
    part: Range<usize>,
    help: String,
}

/// What is wrong with the line that begins at `begin`, where the parser stopped at `span`.
pub(super) fn explain(text: &str, begin: usize, span: &Range<usize>, message: &str) -> SyntaxError {
    if let Some(error) = unclosed_before(text, begin, message) {
        return error;
    }
    let line = line_at(text, begin);
    match meant(line, message) {
        Some(Intent { title, part, help }) => SyntaxError {
            span: begin + part.start..begin + part.end,
            title,
            label: String::new(),
            help,
        },
        None => SyntaxError {
            span: span.clone(),
            title: "this cannot be read".to_owned(),
            label: message.to_owned(),
            help: "a line is a heading, `[[device]]`, or a key and its value, `name = \"QA1\"`; comments begin with #"
                .to_owned(),
        },
    }
}

/// The heading of a table as it is written: `[[device]]` for `device`.
pub(super) fn heading(name: &str) -> Option<&'static str> {
    let known = tables().into_iter().map(|table: &Table| table.heading);
    known
        .filter(|heading| heading.starts_with('['))
        .find(|heading| heading.trim_matches(['[', ']']) == name)
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
        if let Some((_, value)) = above.split_once('=')
            && value.matches(open).count() > value.matches(close).count()
        {
            let from = at + above.find(open).unwrap_or(0);
            return Some(SyntaxError {
                span: from..at + above.trim_end().len(),
                title: format!("this {what} is not closed"),
                label: format!("`{close}` is missing"),
                help: format!("write `{}{close}`", above.trim()),
            });
        }
    }
    None
}

fn meant(line: &str, message: &str) -> Option<Intent> {
    let trimmed = line.trim();
    let start = line.len() - line.trim_start().len();
    let whole = start..start + trimmed.len();
    let of_line = |title: &str, help: String| {
        Some(Intent {
            title: title.to_owned(),
            part: whole.clone(),
            help,
        })
    };
    if message.contains("carriage return") {
        return of_line(
            "lines end with a carriage return alone",
            "save the file with the line ends of Unix; `tr '\\r' '\\n' < FILE > NEW` turns it".to_owned(),
        );
    }
    for sign in ["//", ";", "--", "/*", "'''", "REM ", "rem "] {
        if let Some(rest) = trimmed.strip_prefix(sign) {
            return of_line("a comment begins with #", format!("write `# {}`", rest.trim()));
        }
    }
    if let Some(odd) = line.find(is_odd_quote) {
        let right: String = trimmed
            .chars()
            .map(|c| if is_odd_quote(c) { '"' } else { c })
            .collect();
        let end = line.rfind(is_odd_quote).unwrap_or(odd);
        let end = end + line[end..].chars().next().map_or(0, char::len_utf8);
        return Some(Intent {
            title: "these quotes are those of a word processor".to_owned(),
            part: odd..end,
            help: format!("write `{right}`"),
        });
    }
    if let Some(at) = line.find(|c: char| c == '\u{a0}' || (is_unsafe(c) && c != '\t')) {
        let right: String = trimmed
            .chars()
            .filter_map(|c| match c {
                '\u{a0}' => Some(' '),
                c if is_unsafe(c) && c != '\t' => None,
                c => Some(c),
            })
            .collect();
        let end = at + line[at..].chars().next().map_or(0, char::len_utf8);
        return Some(Intent {
            title: "a character that cannot be seen stands in this line".to_owned(),
            part: at..end,
            help: format!("type the line anew: `{}`", right.trim()),
        });
    }
    if trimmed.starts_with('[') {
        return of_heading(trimmed).and_then(|(title, help)| of_line(title, help));
    }
    if trimmed == "}" || trimmed == "]" || (trimmed.ends_with('{') && !trimmed.contains('=')) {
        let name = trimmed.trim_end_matches(['{', ' ']);
        return of_line(
            "braces do not enclose a table here",
            match heading(name) {
                Some(heading) => format!("write `{heading}` above its keys"),
                None => "a heading stands above its keys: `[settings]`, `[[device]]`".to_owned(),
            },
        );
    }
    let bare = trimmed.strip_prefix("- ").unwrap_or(trimmed);
    let Some((key, value)) = bare.split_once('=') else {
        return without_equals(bare).and_then(|(title, help)| of_line(title, help));
    };
    if bare != trimmed {
        return of_line(
            "a list item of YAML begins with `-`",
            format!("write `{bare}` under a heading of its own, such as [[device]]"),
        );
    }
    let (key, value) = (key.trim_end(), value.trim());
    if let Some(rest) = value.strip_prefix(['=', '>']) {
        return of_line(
            "one equals sign is enough",
            format!("write `{key} = {}`", rest.trim()),
        );
    }
    if let Some(key) = key.strip_suffix(':') {
        return of_line(
            "one equals sign is enough",
            format!("write `{} = {value}`", key.trim_end()),
        );
    }
    let part = line.rfind(value).map_or(whole.clone(), |at| at..at + value.len());
    let (title, help) = of_value(key, value, message)?;
    Some(Intent { title, part, help })
}

/// A heading with the wrong number of brackets, or something behind it.
fn of_heading(line: &str) -> Option<(&'static str, String)> {
    let until = line.find('#').unwrap_or(line.len());
    let inner = line[..until].replace(['[', ']', ' ', '\t', '"'], "");
    let name_ends = inner.find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)));
    let name = &inner[..name_ends.unwrap_or(inner.len())];
    let (opened, closed) = (line.matches('[').count(), line.matches(']').count());
    let title = match (opened, closed) {
        (opened, closed) if opened > closed => "a bracket is missing at the end",
        (opened, closed) if opened < closed => {
            "a bracket is missing at the beginning, or there is one too many"
        }
        _ if line[..until].contains("[ ") => "brackets stand together",
        _ => "a heading stands alone on its line",
    };
    let help = match heading(name) {
        Some(heading) => format!("write `{heading}`"),
        None => "headings are `[settings]`, `[[device]]`, `[[plan]]`, `[[plan.activity]]` and `[notify]`"
            .to_owned(),
    };
    Some((title, help))
}

/// A line that is neither a heading nor has an equals sign.
fn without_equals(line: &str) -> Option<(&'static str, String)> {
    let line = line.trim_end_matches([';', ',']);
    if let Some((key, value)) = line.split_once(':').filter(|(key, _)| is_key(key.trim())) {
        let (key, value) = (key.trim(), value.trim());
        return Some(match value {
            "" => (
                "a key has an equals sign and a value",
                heading(key).map_or_else(
                    || format!("write `{key} = …`, or a heading such as `[settings]`"),
                    |heading| format!("write `{heading}`"),
                ),
            ),
            value => (
                "a key has an equals sign behind it, and no colon",
                format!("write `{key} = {}`", right(value)),
            ),
        });
    }
    let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let value = value.trim();
    if matches!(key, "include" | "import" | "source") {
        return Some((
            "there is no such line in a plan file",
            "a line is a heading, `[[device]]`, or a key and its value, `name = \"QA1\"`".to_owned(),
        ));
    }
    match (is_key(key), value) {
        (true, "") => Some((
            "a key needs a value",
            format!("write `{key} = …`, or a comment: `# {key}`"),
        )),
        (true, value) => Some((
            "an equals sign is missing",
            format!("write `{key} = {}`, or a comment: `# {line}`", right(value)),
        )),
        (false, _) => None,
    }
}

/// A value that could not be read.
fn of_value(key: &str, value: &str, message: &str) -> Option<(String, String)> {
    let key = key.trim_matches(['"', '\'']);
    let write = |value: &str| format!("write `{key} = {value}`");
    let said = |title: &str, help: String| Some((title.to_owned(), help));
    if value.is_empty() || value.starts_with('#') {
        return said(
            "a key needs a value",
            format!("write `{key} = …`, or leave the line out"),
        );
    }
    let first = value.chars().next()?;
    if first == '"' || first == '\'' {
        return of_quoted(key, value, message);
    }
    if value.starts_with("{{") || value.starts_with("<%") || value.starts_with("${") {
        return said(
            "a template was not filled in",
            format!("what stands for {value} belongs here, in quotes: `{key} = \"…\"`"),
        );
    }
    if first == '{' {
        let help = if value.contains(':') && !value.contains('=') {
            // What was hidden is not shown as it is.
            let parts = value.split('*').filter(|part| !part.is_empty());
            write(&parts.collect::<Vec<_>>().join("…").replace(':', " ="))
        } else {
            "keys have an equals sign, and commas stand between them: `{ start = \"21:30\", end = \"06:30\" }`".to_owned()
        };
        return said("this table cannot be read", help);
    }
    if first == '[' {
        let items = value.trim_matches(['[', ']']).split([',', ' ']).map(str::trim);
        let items: Vec<String> = items.filter(|item| !item.is_empty()).map(right).collect();
        return said(
            "texts of an array stand in quotes, with commas between them",
            write(&format!("[{}]", items.join(", "))),
        );
    }
    if first == '(' {
        return said(
            "a table has braces",
            format!("write `{key} = {{ {} }}`", value.trim_matches(['(', ')', ' '])),
        );
    }
    let bare = value.split(" #").next().unwrap_or(value);
    let bare = bare
        .split(" //")
        .next()
        .unwrap_or(bare)
        .trim()
        .trim_end_matches([';', ',']);
    match bare.to_ascii_lowercase().as_str() {
        "yes" | "on" | "true" | "y" => return said("yes is written `true` here", write("true")),
        "no" | "off" | "false" | "n" => return said("no is written `false` here", write("false")),
        "null" | "nil" | "none" | "~" | "undefined" => {
            return said(
                "there is no empty value here",
                format!("leave the line of `{key}` out"),
            );
        }
        _ => {}
    }
    let digits: String = bare.chars().filter(|c| !",_ ".contains(*c)).collect();
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() {
        let number = digits.trim_start_matches('0');
        return said(
            "a number has digits alone, and no zero first",
            write(if number.is_empty() { "0" } else { number }),
        );
    }
    said(
        "a text stands in quotes",
        write(&right(bare.trim_matches(['"', '\'']))),
    )
}

/// A value with quotes: one is missing, or something stands behind it.
fn of_quoted(key: &str, value: &str, message: &str) -> Option<(String, String)> {
    let quote = value.chars().next()?;
    let said = |title: &str, help: String| Some((title.to_owned(), help));
    if message.contains("escape") || message.contains("unicode") {
        let inner = value.trim_matches(quote);
        let with_slashes = inner.replace("\\\\", "/").replace('\\', "/");
        let help = format!(
            "write `'{inner}'`, in single quotes; paths of this machine have /, such as \"{}\"",
            with_slashes
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .trim_start_matches(':')
        );
        return said("a backslash begins an escape in double quotes", help);
    }
    let Some(end) = value[1..].find(quote).map(|at| at + 1) else {
        let text = value[1..].trim_end_matches(['"', '\'', ';', ',']).trim_end();
        return said(
            "a quote is not closed",
            format!("write `{key} = {}`", right(text)),
        );
    };
    let (text, behind) = (&value[..=end], value[end + 1..].trim());
    let help = match behind.chars().next() {
        None => return None,
        Some(';' | ',') if behind.len() == 1 => format!("write `{key} = {text}`"),
        Some('"' | '\'') | Some(',') => {
            let items: Vec<String> = value
                .split(['"', '\''])
                .map(|item| item.trim_matches([' ', ',']))
                .filter(|item| !item.is_empty())
                .map(right)
                .collect();
            format!("write `{key} = [{}]`, or one text with commas", items.join(", "))
        }
        Some(_) => {
            let comment = behind.trim_start_matches(['/', '-', '*', ';', ' ']);
            format!("write `{key} = {text}`, or a comment behind it: `# {comment}`")
        }
    };
    said("something stands behind the value", help)
}

/// A value as it is written here: numbers and truths as they are, all else in quotes.
fn right(value: &str) -> String {
    let bare = value.trim().trim_matches(['"', '\'']);
    if value.trim().starts_with(['[', '{']) {
        return value.trim().to_owned();
    }
    // What was hidden is not shown as it is.
    if !bare.is_empty() && bare.chars().all(|c| c == '*') {
        return "\"…\"".to_owned();
    }
    let is_number = bare.parse::<u32>().is_ok() && !bare.starts_with('0');
    if value.trim() == bare && (is_number || matches!(bare, "true" | "false")) {
        return bare.to_owned();
    }
    if bare.contains('\\') {
        return format!("'{bare}'");
    }
    format!("\"{bare}\"")
}

fn is_key(word: &str) -> bool {
    !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Quotes that no keyboard has on a key of their own.
fn is_odd_quote(c: char) -> bool {
    matches!(
        c,
        '\u{201c}'
            | '\u{201d}'
            | '\u{201e}'
            | '\u{201f}'
            | '\u{2018}'
            | '\u{2019}'
            | '\u{201a}'
            | '\u{00ab}'
            | '\u{00bb}'
            | '\u{2033}'
            | '\u{2032}'
    )
}
