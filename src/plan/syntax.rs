//! Errors of syntax in words of ours: what somebody had in mind, and how it is written here.
//!
//! The parser knows where it stopped, and says so in the words of its grammar. What was
//! meant is told by the line itself; and a file of another format has one error, not one a
//! line.

mod block;
mod error;
mod format;
mod line;
mod mend;
mod position;
mod value;
mod written;

use std::ops::Range;

use toml::de::DeTable;

pub(super) use crate::plan::syntax::error::SyntaxError;
use crate::plan::syntax::position::{header_above, is_header, line_at, line_start};

/// What the parser found, each with its place.
pub(super) type Found = (Range<usize>, String);

/// Whether something of the file was lost by what was found: all but a key that is there twice.
pub(super) fn loses(text: &str, found: &Found) -> bool {
    let (span, message) = found;
    message != DUPLICATE || is_header(text, line_start(text, span.start.min(text.len())))
}

/// The one error of a file that is in another format. `written` is its text with the secrets, of which nothing is said.
pub(super) fn another_format(shown: &str, written: &str) -> Option<SyntaxError> {
    format::another(shown, written)
}

/// The errors of a file. `shown` is its text without secrets, of the same length: what is
/// said of a line is taken from there.
pub(super) fn errors(shown: &str, found: &[Found]) -> Vec<SyntaxError> {
    let mut errors: Vec<SyntaxError> = Vec::new();
    let mut lines: Vec<usize> = Vec::new();
    // One error may be about several lines.
    let mut until = 0;
    let repeated = repeated_headers(shown, found);
    let mut in_order: Vec<&Found> = found.iter().collect();
    in_order.sort_by_key(|(span, _)| span.start);
    for (span, message) in in_order {
        let start = span.start.min(shown.len());
        let begin = line_start(shown, start);
        // One error a line: those that follow come of the first.
        if lines.contains(&begin) || (begin > 0 && begin < until) {
            continue;
        }
        if message == DUPLICATE && repeated.contains(&header_above(shown, begin)) && !is_header(shown, begin)
        {
            // The table is there twice, and so is all in it.
            continue;
        }
        let error = match message.as_str() {
            DUPLICATE => duplicate(shown, begin, span),
            _ => line::explain(shown, begin, span, message),
        };
        let error = with_advice_that_can_be_read(error);
        lines.push(line_start(shown, error.span.start.min(shown.len())));
        until = until.max(error.span.end);
        lines.push(begin);
        if !errors.iter().any(|known| known.span == error.span) {
            errors.push(error);
        }
    }
    errors
}

/// The same, where a line that it offers can be read: of a text in which nothing is as it should be, what was meant
/// cannot be told, and whatever is made of it may be none either.
fn with_advice_that_can_be_read(error: SyntaxError) -> SyntaxError {
    let is_none = |line: &str| DeTable::parse(line).is_err();
    match lines_offered(&error.help).into_iter().any(is_none) {
        true => SyntaxError {
            help: "write a key, an equals sign, and its value; `dpbackup init` writes a file with examples"
                .to_owned(),
            ..error
        },
        false => error,
    }
}

/// The lines that advice offers to be written.
fn lines_offered(help: &str) -> Vec<&str> {
    let marked = help.split('`').skip(1).step_by(2);
    marked
        .filter(|line| line.contains(" = ") && !line.contains('…'))
        .collect()
}

const DUPLICATE: &str = "duplicate key";

/// A key or a table that is there before.
fn duplicate(shown: &str, begin: usize, span: &Range<usize>) -> SyntaxError {
    let name = shown.get(span.clone()).unwrap_or_default();
    if !is_header(shown, begin) {
        return SyntaxError {
            span: span.clone(),
            title: format!("`{name}` stands twice"),
            label: "given before in the same table".to_owned(),
            help: "leave one of the two out".to_owned(),
        };
    }
    let line = line_at(shown, begin);
    let inner = line.trim().trim_matches(['[', ']']).trim();
    let help = match line::heading(inner) {
        // What belongs to it has made it, and there it stands alone.
        Some(heading) if heading.starts_with("[[") && stands_above(shown, begin, inner) => {
            format!("what belongs to it (`[[{inner}.…]]`) stands above it: move that below this line")
        }
        Some(heading) if heading.starts_with("[[") => {
            format!("a table of which there may be many has two brackets, each time: {heading}")
        }
        _ => "put its keys under the first of the two".to_owned(),
    };
    SyntaxError {
        span: span.clone(),
        title: format!("the table `{inner}` stands twice"),
        label: "given before".to_owned(),
        help,
    }
}

/// Whether a table of many that belongs to those of this name stands above this place.
fn stands_above(shown: &str, begin: usize, name: &str) -> bool {
    let above = shown.get(..begin).unwrap_or_default();
    let below_it = format!("[[{name}.");
    above.lines().any(|line| line.trim_start().starts_with(&below_it))
        && !above
            .lines()
            .any(|line| line.trim().trim_matches(['[', ']']).trim() == name)
}

/// Where the headers begin that are there twice.
fn repeated_headers(shown: &str, found: &[Found]) -> Vec<usize> {
    let begins = found
        .iter()
        .filter(|(_, message)| message == DUPLICATE)
        .map(|(span, _)| line_start(shown, span.start.min(shown.len())));
    begins.filter(|begin| is_header(shown, *begin)).collect()
}

#[cfg(test)]
mod tests;
