//! One line that could not be read: what was meant by it.

use std::ops::Range;

use toml::de::DeTable;

use crate::plan::keys::Key;
use crate::plan::syntax::block;
use crate::plan::syntax::error::SyntaxError;
use crate::plan::syntax::position::{key_of, line_at};
use crate::plan::syntax::value::of_value;
use crate::values::text::is_unsafe;

mod heading;
mod no_pair;
mod pair;
mod shape;

use heading::{of_block, of_heading};
use shape::{LINES, is_dotted, is_readable};

pub(super) use heading::heading;

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

/// Signs with which comments begin elsewhere.
const COMMENTS: [&str; 12] = [
    "//", ";", "--", "/*", "*/", "'''", "REM ", "rem ", "<!--", "% ", "! ", "' ",
];

/// Signs that other programs put before a line that they show.
const BEFORE_LINES: [char; 6] = ['>', '*', '+', '|', '•', '-'];

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
        if let Some(plain) = without_entities(trimmed) {
            let help = match is_readable(&plain) {
                true => format!("write `{plain}`"),
                false => LINES.to_owned(),
            };
            return of_line(("a page of the web has written signs of this line as words", help));
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
        if trimmed.starts_with("$ ") || trimmed.contains(" <<") {
            return of_line(("this line is one of a shell", "leave this line out".to_owned()));
        }
        if let Some(said) = COMMENTS.iter().find_map(|sign| as_comment(trimmed, sign)) {
            return of_line(said);
        }
        if trimmed.starts_with('[') {
            return of_line(of_heading(trimmed));
        }
        if let Some(heading) = in_other_brackets(trimmed) {
            return of_line((
                "a heading stands in square brackets",
                format!("write `{heading}`"),
            ));
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
        if trimmed.len() > 1 && trimmed.chars().all(|c| c == '*') {
            return of_line((
                "this line cannot be read, and is not shown: it may hold a password",
                LINES.to_owned(),
            ));
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
        } else if line.contains(|c| narrow(c).is_some()) {
            ("a sign of double width stands in this line", |c| {
                narrow(c).is_some()
            })
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
                c => Some(narrow(c).unwrap_or(c)),
            })
            .collect();
        let plain = plain.trim();
        // There may be more that is wrong with it.
        let help = match plain.split_once('=') {
            Some((key, value)) if !is_readable(plain) && is_dotted(key.trim()) => {
                let key = key.trim_end();
                let mended = of_value(key, self.key(key), value.trim(), message);
                mended.map(|(_, help)| help)
            }
            _ => None,
        };
        Some(Intent {
            title: title.to_owned(),
            part: first..end,
            // What cannot be read either is no advice.
            help: help.unwrap_or_else(|| match DeTable::parse(plain) {
                Ok(_) if plain.is_empty() => "leave this line out".to_owned(),
                Ok(_) => format!("write `{plain}`"),
                Err(_) => LINES.to_owned(),
            }),
        })
    }

    fn key(&self, name: &str) -> Option<&'static Key> {
        key_of(self.text, self.begin, name.trim_matches(['"', '\'']))
    }
}

/// The heading that a line is meant to be which has other brackets around it, or one too few: `settings]`, `(settings)`.
fn in_other_brackets(line: &str) -> Option<&'static str> {
    let bare = line.trim_matches(|c| "()[]{}\"' ".contains(c));
    // What opens a block is told as that.
    heading(bare).filter(|_| bare != line && (line.starts_with('{') || !line.ends_with('{')))
}

/// The line as it was before a page of the web wrote signs of it as words, where it did.
fn without_entities(line: &str) -> Option<String> {
    const ENTITIES: [(&str, &str); 6] = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    let replaced = |text: String, (entity, sign): &(&str, &str)| text.replace(entity, sign);
    let plain = ENTITIES.iter().fold(line.to_owned(), replaced);
    (plain != line).then_some(plain)
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

/// The sign that is meant by one of those of double width, as keyboards of East Asia write them.
fn narrow(c: char) -> Option<char> {
    let narrow = char::from_u32(u32::from(c).checked_sub(0xfee0)?)?;
    (('\u{ff01}'..='\u{ff5e}').contains(&c) && narrow.is_ascii_punctuation()).then_some(narrow)
}

/// What looks like a blank, or like nothing.
fn is_unseen(c: char) -> bool {
    c == '\u{a0}' || (is_unsafe(c) && c != '\t')
}
