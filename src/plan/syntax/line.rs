//! One line that could not be read: what was meant by it.

use std::ops::Range;

use crate::plan::keys::file::tables;
use crate::plan::keys::{Key, Table};
use crate::plan::syntax::block;
use crate::plan::syntax::error::SyntaxError;
use crate::plan::syntax::mend;
use crate::plan::syntax::place::{key_of, line_at, table_of};
use crate::plan::syntax::value::{of_value, takes};
use crate::plan::syntax::written::{Written, read};
use crate::values::nearest::nearest;
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
    if let Some(error) = block::of_several_lines(text, begin, message) {
        return error;
    }
    let line = line_at(text, begin);
    let intent = BrokenLine { text, begin, line }.meant(message);
    SyntaxError {
        span: begin + intent.part.start..(begin + intent.part.end).max(span.start.min(begin + line.len())),
        title: intent.title,
        label: String::new(),
        help: intent.help,
    }
}

/// The heading of a table as it is written: `[[device]]` for `device`.
pub(super) fn heading(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let known = tables().into_iter().map(|table: &Table| table.heading);
    known
        .filter(|heading| heading.starts_with('['))
        .find(|heading| heading.trim_matches(['[', ']']) == lower)
}

/// What a line of a plan file looks like.
const LINES: &str =
    "a line is a heading, `[[device]]`, or a key and its value, `name = \"QA1\"`; comments begin with #";

const HEADINGS: &str =
    "headings are `[settings]`, `[[device]]`, `[[plan]]`, `[[plan.activity]]` and `[notify]`";

/// Signs with which comments begin elsewhere.
const COMMENTS: [&str; 12] = [
    "//", ";", "--", "/*", "*/", "'''", "REM ", "rem ", "<!--", "% ", "! ", "' ",
];

/// Signs that other programs put before a line that they show.
const BEFORE_LINES: [char; 6] = ['>', '*', '+', '|', '•', '-'];

/// Words with which a variable is set elsewhere.
const SETTERS: [&str; 8] = [
    "export ", "set ", "let ", "var ", "const ", "local ", "declare ", "setenv ",
];

struct BrokenLine<'t> {
    text: &'t str,
    begin: usize,
    line: &'t str,
}

impl BrokenLine<'_> {
    fn meant(&self, message: &str) -> Intent {
        let line = self.line;
        let trimmed = line.trim();
        let start = line.len() - line.trim_start().len();
        let of_line = |(title, help): (&str, String)| Intent {
            title: title.to_owned(),
            part: start..start + trimmed.len(),
            help,
        };
        if message.contains("carriage return") {
            return of_line((
                "lines end with a carriage return alone",
                "save the file with the line ends of Unix; `tr '\\r' '\\n' < FILE > NEW` turns it".to_owned(),
            ));
        }
        if let Some(intent) = self.unusual_characters(message) {
            return intent;
        }
        if trimmed.starts_with("```") {
            return of_line((
                "a line of Markdown stands in the file",
                "leave this line out".to_owned(),
            ));
        }
        if matches!(trimmed, "---" | "..." | "EOF" | "EOT" | "END" | "end") {
            return of_line((
                "this line is one of another format",
                "leave this line out".to_owned(),
            ));
        }
        if let Some(said) = COMMENTS.iter().find_map(|sign| as_comment(trimmed, sign)) {
            return of_line(said);
        }
        if trimmed.starts_with('[') {
            return of_line(of_heading(trimmed));
        }
        if let Some(said) = of_block(trimmed) {
            return of_line(said);
        }
        if let Some(item) = trimmed
            .strip_prefix("- ")
            .filter(|item| item.contains(['=', ':']))
        {
            let pair = item.replacen(':', " =", usize::from(!item.contains('=')));
            let help = match is_readable(&pair) {
                true => format!("write `{pair}` under a heading of its own, such as [[device]]"),
                false => "a table of which there may be many has a heading of its own each time: [[device]]"
                    .to_owned(),
            };
            return of_line(("a list item of YAML begins with `-`", help));
        }
        if let Some(rest) = before_the_line(trimmed) {
            return of_line(("something stands before the line", rest));
        }
        let Some((key, value)) = trimmed.split_once('=') else {
            return of_line(self.without_equals(trimmed));
        };
        self.of_pair(key.trim_end(), value.trim(), message)
            .unwrap_or_else(|| of_line(("this cannot be read", LINES.to_owned())))
    }

    /// Quotes of word processors, and what cannot be seen.
    fn unusual_characters(&self, message: &str) -> Option<Intent> {
        let (line, trimmed) = (self.line, self.line.trim());
        let (title, is_odd): (&str, fn(char) -> bool) = if line.contains(is_odd_quote) {
            ("these quotes are those of a word processor", is_odd_quote)
        } else if line.contains(is_unseen) {
            ("a character that cannot be seen stands in this line", is_unseen)
        } else {
            return None;
        };
        let first = line.find(is_odd)?;
        let last = line.rfind(is_odd)?;
        let end = last + line[last..].chars().next().map_or(0, char::len_utf8);
        let plain: String = trimmed
            .chars()
            .filter_map(|c| match c {
                c if is_odd_quote(c) => Some('"'),
                '\u{a0}' => Some(' '),
                c if is_unseen(c) => None,
                c => Some(c),
            })
            .collect();
        let plain = plain.trim();
        // There may be more that is wrong with it.
        let help = match plain.split_once('=') {
            Some((key, value)) if !is_readable(plain) => {
                let key = key.trim_end();
                let mended = of_value(key, self.key(key), value.trim(), message);
                mended.map(|(_, help)| help)
            }
            _ => None,
        };
        Some(Intent {
            title: title.to_owned(),
            part: first..end,
            help: help.unwrap_or_else(|| format!("write `{plain}`")),
        })
    }

    fn key(&self, name: &str) -> Option<&'static Key> {
        key_of(self.text, self.begin, name.trim_matches(['"', '\'']))
    }

    /// A key and what stands behind its equals sign.
    fn of_pair(&self, key: &str, value: &str, message: &str) -> Option<Intent> {
        let line = self.line;
        let start = line.len() - line.trim_start().len();
        let whole = start..start + line.trim().len();
        let of = |title: &str, part: Range<usize>, help: String| {
            Some(Intent {
                title: title.to_owned(),
                part,
                help,
            })
        };
        let of_key = start..start + key.len();
        let whole_line = |key: &str, value: &str| {
            let value = value.trim_start_matches(['=', '>', ' ']);
            match mend::mended(&read(value), self.key(key)).and_then(|value| mend::line(key, &value)) {
                Some(line) => format!("write `{line}`"),
                None => takes(key, self.key(key)),
            }
        };
        if let Some(bare) = SETTERS.iter().find_map(|word| key.strip_prefix(word)) {
            return of(
                "no word stands before a key",
                of_key,
                whole_line(bare.trim(), value),
            );
        }
        if let Some(bare) = key.strip_prefix(['$', '@', '%', ':', '.', '-', '&']) {
            return of(
                "no sign stands before a key",
                of_key,
                whole_line(bare.trim(), value),
            );
        }
        if let Some(bare) = key.strip_suffix([':', '+', '?', '.', '-', '~', '!', '<', '|']) {
            return of(
                "one equals sign is enough",
                whole,
                whole_line(bare.trim_end(), value),
            );
        }
        if value.starts_with(['=', '>']) {
            return of("one equals sign is enough", whole, whole_line(key, value));
        }
        if key.is_empty() {
            let help = match value {
                "" => "leave this line out, or write a key and its value: `name = \"QA1\"`".to_owned(),
                value => format!("write it before the equals sign: `name = {}`", quoted(value)),
            };
            return of("the key is missing", whole, help);
        }
        if message.contains("dotted key") {
            let table = key.split('.').next().unwrap_or_default();
            let help =
                format!("`{table}` has a value already, and no keys below it: leave one of the two out");
            return of("a key stands below a value", of_key, help);
        }
        if !is_dotted(key) {
            return of(
                "a key has letters from a to z, digits, `_` and `-`",
                of_key,
                self.instead_of(key, value),
            );
        }
        if value.is_empty() || value.starts_with('#') {
            let after = line.find('=').map_or(whole.end, |at| at + 1);
            return of(
                "a key needs a value",
                whole.start..after,
                format!("{}; or leave the line out", takes(key, self.key(key))),
            );
        }
        let part = line.rfind(value).map_or(whole, |at| at..at + value.len());
        let (title, help) = of_value(key, self.key(key), value, message)?;
        Some(Intent { title, part, help })
    }

    /// The line with the key that is meant by one that is none.
    fn instead_of(&self, key: &str, value: &str) -> String {
        let joined: String = key
            .trim_matches(['"', '\''])
            .chars()
            .map(|c| if c.is_whitespace() || c == '/' { '_' } else { c })
            .collect();
        let Some(table) = table_of(self.text, self.begin) else {
            return LINES.to_owned();
        };
        match nearest(&joined, table.names()) {
            Some(near) => format!("did you mean `{near} = {}`?", quoted(value)),
            None => {
                let known: Vec<&str> = table.names().collect();
                format!("the keys of {} are: {}", table.heading, known.join(", "))
            }
        }
    }

    /// A line that is neither a heading nor has an equals sign.
    fn without_equals(&self, line: &str) -> (&'static str, String) {
        let bare = line.trim_end_matches([';', ',']);
        if let Some((key, value)) = bare.split_once(':') {
            let (name, value) = (key.trim().trim_matches(['"', '\'']), value.trim());
            if is_key(name) {
                return self.with_colon(name, value);
            }
        }
        if let Some(name) = bare.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
            let help = match heading(name.trim_end_matches(['/', ' '])) {
                Some(heading) => format!("write `{heading}`"),
                None if name.starts_with('/') => "leave this line out".to_owned(),
                None => LINES.to_owned(),
            };
            return ("this is a line of XML", help);
        }
        if bare.starts_with(['"', '\'', '`'])
            && read(bare).entries.iter().all(|entry| entry.values.len() == 1)
        {
            let text = bare.trim_matches(['"', '\'', '`', ',']);
            return (
                "a text stands alone",
                format!(
                    "write its key before it, `name = {}`, or a comment: `# {text}`",
                    mend::text(text)
                ),
            );
        }
        let (key, value) = bare.split_once(char::is_whitespace).unwrap_or((bare, ""));
        let value = value.trim();
        if matches!(
            key,
            "include" | "import" | "source" | "require" | "!include" | "#include" | "." | "@import"
        ) {
            let path = value.trim_matches(['"', '\'', '<', '>', ';']);
            return (
                "other files are included by a key",
                format!(
                    "write `include = [{}]`, above the first [table] of the file",
                    mend::text(path)
                ),
            );
        }
        let value = value.trim_start_matches(['-', '<', '~', '|', '>', ' ']).trim();
        let key = key.trim_matches(['"', '\'']);
        match (is_key(key), value) {
            (true, "") => (
                "a key needs a value",
                match (heading(key), self.key(key)) {
                    (Some(heading), _) => format!("a heading stands in brackets: `{heading}`"),
                    (None, Some(known)) => takes(key, Some(known)),
                    (None, None) => format!("write `{key} = …`, or a comment: `# {key}`"),
                },
            ),
            (true, value) if self.key(key).is_some() => (
                "an equals sign is missing",
                match mend::mended(&read(value), self.key(key)).and_then(|value| mend::line(key, &value)) {
                    Some(line) => format!("write `{line}`"),
                    None => takes(key, self.key(key)),
                },
            ),
            (true, value) => (
                "an equals sign is missing",
                match heading(key) {
                    Some(heading) => format!(
                        "write `{heading}`, and below it its name: `name = {}`",
                        quoted(value)
                    ),
                    None => format!("write `{key} = {}`, or a comment: `# {line}`", quoted(value)),
                },
            ),
            (false, _) => (
                "this cannot be read",
                format!("write a comment, `# {line}`; {LINES}"),
            ),
        }
    }

    /// `key: value`
    fn with_colon(&self, key: &str, value: &str) -> (&'static str, String) {
        match value {
            "" => (
                "a key has an equals sign and a value",
                match (heading(key), self.key(key)) {
                    (Some(heading), _) => format!("write `{heading}`"),
                    (None, Some(known)) => takes(key, Some(known)),
                    (None, None) => format!("write `{key} = …`, or a heading such as `[settings]`"),
                },
            ),
            value => (
                "a key has an equals sign behind it, and no colon",
                match mend::mended(&read(value), self.key(key)).and_then(|value| mend::line(key, &value)) {
                    Some(line) => format!("write `{line}`"),
                    None => takes(key, self.key(key)),
                },
            ),
        }
    }
}

/// A comment that begins with another sign.
fn as_comment(line: &str, sign: &str) -> Option<(&'static str, String)> {
    let rest = line.strip_prefix(sign)?;
    let rest = rest.trim_end_matches("*/").trim_end_matches("-->").trim();
    Some((
        "a comment begins with #",
        match rest {
            "" => "leave this line out".to_owned(),
            rest => format!("write `# {rest}`"),
        },
    ))
}

/// Braces around tables, as other formats have them.
fn of_block(line: &str) -> Option<(&'static str, String)> {
    const TITLE: &str = "braces do not enclose a table here";
    if line
        .trim_matches(['{', '}', '[', ']', '(', ')', ',', ';', ' '])
        .is_empty()
    {
        return Some((
            TITLE,
            "leave this line out; a heading stands above its keys: `[settings]`, `[[device]]`".to_owned(),
        ));
    }
    let opened = line
        .strip_suffix('{')
        .filter(|line| !line.contains('='))?
        .trim_end_matches([' ', ':']);
    let (name, rest) = opened.split_once(char::is_whitespace).unwrap_or((opened, ""));
    let help = match (heading(name.trim_matches(['"', '\''])), rest.trim()) {
        (Some(heading), "") => format!("write `{heading}` above its keys"),
        (Some(heading), rest) => format!("write `{heading}`, and below it `name = {}`", quoted(rest)),
        (None, _) => "a heading stands above its keys: `[settings]`, `[[device]]`".to_owned(),
    };
    Some((TITLE, help))
}

/// What a program that shows lines has put before one: `> `, `22 | `.
fn before_the_line(line: &str) -> Option<String> {
    let after_number = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    let rest = match after_number.len() < line.len() && after_number.starts_with(['|', ':', '>']) {
        true => &after_number[1..],
        false => line.strip_prefix(BEFORE_LINES)?,
    };
    let rest = rest.trim();
    Some(match rest {
        "" => "leave this line out".to_owned(),
        rest if is_readable(rest) => format!("write `{rest}`"),
        rest => format!("leave it out, or write a comment: `# {rest}`"),
    })
}

/// A heading with the wrong number of brackets, or something behind it.
fn of_heading(line: &str) -> (&'static str, String) {
    let until = line.find('#').unwrap_or(line.len());
    let plain = line[..until].trim();
    let (inside, behind) = match plain.find(']') {
        Some(end) => (&plain[..end], plain[end..].trim_matches([']', ' '])),
        None => (plain, ""),
    };
    let inside = inside.trim_matches(['[', ' ', '\t']);
    let (name, title_of) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
    let name = name
        .trim_matches(['"', '\'', ','])
        .replace("..", ".")
        .replace('-', "_");
    let name = name.trim_matches('.');
    let dotted = format!("{name}{}", if behind.starts_with('.') { behind } else { "" });
    let (opened, closed) = (plain.matches('[').count(), plain.matches(']').count());
    let title = match (opened, closed) {
        (opened, closed) if opened > closed => "a bracket is missing at the end",
        (opened, closed) if opened < closed => {
            "a bracket is missing at the beginning, or there is one too many"
        }
        _ if plain.contains("[ ") => "brackets stand together",
        _ => "a heading stands alone on its line",
    };
    let help = match (heading(&dotted), title_of.trim(), behind) {
        (Some(heading), "", "") => format!("write `{heading}`"),
        (Some(heading), "", behind) if behind.starts_with('.') => format!("write `{heading}`"),
        (Some(heading), "", behind) if is_readable(behind) => {
            format!("write `{heading}`, and on the next line `{behind}`")
        }
        (Some(heading), "", _) => format!("write `{heading}`"),
        (Some(heading), name, _) => format!(
            "write `{heading}`, and on the next line `name = {}`",
            quoted(name)
        ),
        (None, _, _) => HEADINGS.to_owned(),
    };
    (title, help)
}

/// A value as a text, unless it can be read as it is.
fn quoted(value: &str) -> String {
    match read(value).entries.first().and_then(|entry| entry.values.first()) {
        Some(Written::Text(text)) => mend::text(text),
        _ if mend::line("key", value).is_some() => value.to_owned(),
        _ => mend::text(value.trim_matches(['"', '\'', ' '])),
    }
}

/// Whether a line is one of a plan file.
fn is_readable(line: &str) -> bool {
    line.contains('=') && toml::de::DeTable::parse(line).is_ok()
}

fn is_key(word: &str) -> bool {
    !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Whether this is a key, or keys with dots between them.
fn is_dotted(key: &str) -> bool {
    let is_quoted =
        |part: &str| part.len() > 1 && part.starts_with(['"', '\'']) && part.ends_with(['"', '\'']);
    is_quoted(key)
        || key
            .split('.')
            .map(str::trim)
            .all(|part| is_key(part) || is_quoted(part))
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

/// What looks like a blank, or like nothing.
fn is_unseen(c: char) -> bool {
    c == '\u{a0}' || (is_unsafe(c) && c != '\t')
}
