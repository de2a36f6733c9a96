//! A line that is meant to be a heading, or to open or close a table.

use crate::plan::keys::Table;
use crate::plan::keys::file::tables;
use crate::plan::syntax::line::shape::{is_readable, quoted};

/// The heading of a table as it is written: `[[device]]` for `device`.
pub(in crate::plan::syntax) fn heading(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let known = tables().into_iter().map(|table: &Table| table.heading);
    known
        .filter(|heading| heading.starts_with('['))
        .find(|heading| heading.trim_matches(['[', ']']) == lower)
}

/// A heading with the wrong number of brackets, or something behind it.
pub(super) fn of_heading(line: &str) -> (&'static str, String) {
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

/// Braces around tables, as other formats have them.
pub(super) fn of_block(line: &str) -> Option<(&'static str, String)> {
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

const HEADINGS: &str =
    "headings are `[settings]`, `[[device]]`, `[[plan]]`, `[[plan.activity]]` and `[notify]`";
