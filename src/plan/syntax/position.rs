//! Where a line begins, what stands on it, and in which table.

use crate::plan::keys::file::FILE;
use crate::plan::keys::{Key, Table};

/// Where the line begins that has this byte.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1)
}

/// The line that begins here, without its end.
pub(super) fn line_at(text: &str, begin: usize) -> &str {
    let rest = text.get(begin..).unwrap_or_default();
    rest.split('\n').next().unwrap_or_default().trim_end_matches('\r')
}

/// Where the line behind this one begins; `None` behind the last.
pub(super) fn next_line(text: &str, begin: usize) -> Option<usize> {
    let end = text.get(begin..)?.find('\n')?;
    Some(begin + end + 1)
}

/// Whether a heading stands on the line that begins here.
pub(super) fn is_header(text: &str, begin: usize) -> bool {
    line_at(text, begin).trim_start().starts_with('[')
}

/// Where the line of the heading begins under which this line stands; the beginning where there is none.
pub(super) fn header_above(text: &str, begin: usize) -> usize {
    let mut at = begin;
    while at > 0 && !is_header(text, at) {
        at = line_start(text, at - 1);
    }
    at
}

/// The table in which a line stands, as far as its heading can be read.
pub(super) fn table_of(text: &str, begin: usize) -> Option<&'static Table> {
    let at = header_above(text, begin);
    if !is_header(text, at) {
        return Some(&FILE);
    }
    let heading = line_at(text, at).split(']').next().unwrap_or_default();
    below(&FILE, heading.trim_matches(['[', ' ', '\t']))
}

/// The key of this name in the table in which a line stands; with dots, one of a table below it.
pub(super) fn key_of(text: &str, begin: usize, name: &str) -> Option<&'static Key> {
    let table = table_of(text, begin)?;
    match name.rsplit_once('.') {
        Some((tables, last)) => below(table, tables)?.key(last.trim()),
        None => table.key(name),
    }
}

fn below(table: &'static Table, dotted: &str) -> Option<&'static Table> {
    let mut parts = dotted.split('.').map(str::trim);
    parts.try_fold(table, |table, part| table.key(part)?.kind.table())
}
