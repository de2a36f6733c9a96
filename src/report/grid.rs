//! Cells in columns, within the width of a terminal.
//!
//! Without a width, as in a pipe, every row is one line and nothing is cut. Within a
//! width, a table that is too wide gives way step by step: messages and names wrap,
//! status codes break after their underscores, times between date and time. A message that
//! would be a tower of words stands below its row. Where even that is too wide, each row is a
//! block.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle};

use crate::values::text::hanging;

/// What a column holds decides how it gives way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CellKind {
    /// Right-aligned, never broken.
    Number,
    /// Breaks between date and time.
    Time,
    /// Breaks after underscores, into as few lines as will do.
    Code,
    /// Breaks after its underscore where a code has to.
    Word,
    /// Breaks after punctuation, and wraps if that is not enough.
    Name,
    /// Wraps.
    Message,
}

/// The titles and the rows within a width: as a table that gives way as far as it must, or
/// where its columns would be too narrow to read as a block a row.
pub(super) fn fitted(cells: &[Vec<String>], kinds: &[CellKind], width: Option<u16>) -> String {
    let Some(width) = width.filter(|width| natural_width(cells) > usize::from(*width)) else {
        return draw(cells, kinds, GIVES[0], None);
    };
    let give = least(cells, kinds, width);
    if let Some(give) = give.filter(|give| !has_tower(cells, kinds, *give, width)) {
        return draw(cells, kinds, give, Some(width));
    }
    message_below(cells, kinds, width).unwrap_or_else(|| match give {
        Some(give) => draw(cells, kinds, give, Some(width)),
        None => blocks(cells, Some(width)),
    })
}

/// A message of more lines than these is read below its row, where it has the whole width.
const MOST_LINES: usize = 3;

/// So far a message below its row stands from the edge.
const INDENT: usize = 3;

/// Whether a message would stand beside its row as a tower of single words.
fn has_tower(cells: &[Vec<String>], kinds: &[CellKind], give: Give, width: u16) -> bool {
    let Some(column) = message_column(kinds) else {
        return false;
    };
    let longest = widths(cells).get(column).copied().unwrap_or_default();
    let beside = narrowest_width(cells, kinds, give) - longest.min(give.message);
    let room = usize::from(width).saturating_sub(beside);
    longest > room * MOST_LINES
}

fn message_column(kinds: &[CellKind]) -> Option<usize> {
    kinds.iter().position(|kind| *kind == CellKind::Message)
}

/// The table without its messages, which stand below their rows over the whole width; `None` where there
/// are none, or the other columns do not fit either.
fn message_below(cells: &[Vec<String>], kinds: &[CellKind], width: u16) -> Option<String> {
    let column = message_column(kinds)?;
    let mut kinds = kinds.to_vec();
    kinds.remove(column);
    let (messages, rest): (Vec<String>, Vec<Vec<String>>) = cells
        .iter()
        .map(|row| {
            let mut row = row.clone();
            let message = row.remove(column);
            (message, row)
        })
        .unzip();
    let drawn = draw(&rest, &kinds, least(&rest, &kinds, width)?, Some(width));
    let lines: Vec<&str> = drawn.lines().collect();
    let is_between = |line: &&str| line.len() > INDENT && line.bytes().all(|byte| byte == b'-');
    let rows: Vec<&[&str]> = lines.split(is_between).collect();
    if rows.len() != messages.len() {
        return None;
    }
    let rows = rows.into_iter().zip(messages).map(|(row, message)| {
        let row = row.join("\n");
        match message.as_str() {
            "" => row,
            message => format!("{row}\n{:INDENT$}{}", "", hanging(message, INDENT, Some(width))),
        }
    });
    let between = format!("\n{}\n", "-".repeat(usize::from(width)));
    Some(rows.collect::<Vec<_>>().join(&between) + "\n")
}

/// Whether the rows fit as a table, and not as blocks alone.
pub(super) fn fits(cells: &[Vec<String>], kinds: &[CellKind], width: Option<u16>) -> bool {
    width.is_none_or(|width| least(cells, kinds, width).is_some())
}

/// The least that a table gives to fit this width.
fn least(cells: &[Vec<String>], kinds: &[CellKind], width: u16) -> Option<Give> {
    GIVES
        .into_iter()
        .find(|give| narrowest_width(cells, kinds, *give) <= usize::from(width))
}

/// The width in which nothing has to wrap.
pub(super) fn natural_width(cells: &[Vec<String>]) -> usize {
    let widths = widths(cells);
    widths.iter().sum::<usize>() + gaps(widths.len(), GIVES[0])
}

/// A block a row, each cell behind its title, and an empty line between two.
pub(super) fn blocks(cells: &[Vec<String>], width: Option<u16>) -> String {
    let Some((titles, rows)) = cells.split_first() else {
        return String::new();
    };
    let blocks: Vec<String> = rows
        .iter()
        .map(|row| labelled(titles.iter().zip(row), width))
        .collect();
    blocks.join("\n")
}

/// The columns of a label.
const LABEL: usize = 16;

/// A line for each label and its text, the texts below each other, also where they go on below themselves.
pub(super) fn labelled(
    lines: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
    width: Option<u16>,
) -> String {
    lines
        .into_iter()
        .map(|(label, text)| {
            let text = hanging(text.as_ref(), LABEL + 2, width);
            let line = format!("{:<LABEL$}  {text}", label.as_ref());
            line.trim_end().to_owned() + "\n"
        })
        .collect()
}

/// How far a table gives way to the width.
#[derive(Clone, Copy)]
struct Give {
    /// Between two columns.
    gap: u16,
    /// Whether titles break at their blanks.
    titles: bool,
    /// Whether times do, and words after their underscore.
    blanks: bool,
    /// The most that a status code takes before it breaks.
    code: usize,
    /// The most that a name takes before it breaks.
    name: usize,
    /// The least that a message keeps.
    message: usize,
}

impl Give {
    const fn new(gap: u16, (titles, blanks): (bool, bool), code: usize, name: usize, message: usize) -> Give {
        Give {
            gap,
            titles,
            blanks,
            code,
            name,
            message,
        }
    }
}

/// From not at all to as far as it goes.
const GIVES: [Give; 7] = [
    Give::new(2, (false, false), usize::MAX, usize::MAX, 24),
    Give::new(2, (true, false), usize::MAX, usize::MAX, 24),
    Give::new(2, (true, false), 24, 24, 24),
    Give::new(1, (true, false), 24, 24, 24),
    Give::new(2, (true, true), 24, 16, 24),
    Give::new(1, (true, true), 16, 12, 16),
    Give::new(1, (true, true), 13, 7, 8),
];

/// The width below which the columns that may wrap would be too narrow to read.
fn narrowest_width(cells: &[Vec<String>], kinds: &[CellKind], give: Give) -> usize {
    let widths = widths(&broken(cells, kinds, give));
    let columns = widths.into_iter().zip(kinds).map(|(width, kind)| match kind {
        CellKind::Number | CellKind::Time | CellKind::Code | CellKind::Word => width,
        CellKind::Name => width.min(give.name),
        CellKind::Message => width.min(give.message),
    });
    columns.sum::<usize>() + gaps(kinds.len(), give)
}

fn gaps(columns: usize, give: Give) -> usize {
    usize::from(give.gap) * columns.saturating_sub(1)
}

/// The longest line of each column, as a terminal counts.
fn widths(cells: &[Vec<String>]) -> Vec<usize> {
    let mut table = Table::new();
    table.add_rows(cells.iter().cloned());
    let widths = table.column_max_content_widths();
    widths.into_iter().map(usize::from).collect()
}

/// The cells with the line breaks that they give.
fn broken(cells: &[Vec<String>], kinds: &[CellKind], give: Give) -> Vec<Vec<String>> {
    let mut cells = cells.to_vec();
    for (index, row) in cells.iter_mut().enumerate() {
        for (cell, kind) in row.iter_mut().zip(kinds) {
            let is_title = index == 0;
            *cell = match kind {
                _ if is_title && give.titles => cell.replace(' ', "\n"),
                _ if is_title => continue,
                CellKind::Time if give.blanks => cell.replace(' ', "\n"),
                CellKind::Word if give.blanks => broken_after(cell, &['_'], 0),
                CellKind::Code => broken_after(cell, &['_'], give.code),
                CellKind::Name => broken_after(cell, &['_', '-', '.', ',', ' '], give.name),
                CellKind::Number | CellKind::Time | CellKind::Word | CellKind::Message => continue,
            };
        }
    }
    cells
}

/// A text in lines no longer than `most`, as far as these characters allow.
pub(super) fn broken_after(text: &str, breaks: &[char], most: usize) -> String {
    let length = |text: &str| text.chars().count();
    let mut lines = vec![String::new()];
    for piece in text.split_inclusive(breaks) {
        match lines.last_mut() {
            Some(line) if line.is_empty() || length(line) + length(piece.trim_end()) <= most => {
                line.push_str(piece);
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join("\n")
}

fn draw(cells: &[Vec<String>], kinds: &[CellKind], give: Give, width: Option<u16>) -> String {
    let mut style = TableStyle::new();
    let mut table = Table::new();
    if let Some(width) = width {
        // Rows of several lines need something between them.
        let line = LineStyle::none().fill('-');
        style = style.header_separator(line).row_separator(line);
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    table.load_style(style);
    let mut rows = broken(cells, kinds, give).into_iter();
    table.set_header(rows.next().unwrap_or_default());
    table.add_rows(rows);
    for (index, kind) in kinds.iter().enumerate() {
        let Some(column) = table.column_mut(index) else {
            continue;
        };
        let last = index + 1 == kinds.len();
        column.set_padding((0, if last { 0 } else { give.gap }));
        match kind {
            CellKind::Number => {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            CellKind::Time | CellKind::Code | CellKind::Word => {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            CellKind::Name | CellKind::Message => {}
        }
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::{GIVES, broken_after};
    use crate::run::status::Status;

    #[test]
    fn codes_break_after_underscores_only() {
        assert_eq!(
            broken_after("PRE_VALIDATION_QUIESCE_TIMEOUT_SYSPARM_TOO_SHORT", &['_'], 16),
            "PRE_VALIDATION_\nQUIESCE_TIMEOUT_\nSYSPARM_TOO_\nSHORT"
        );
        assert_eq!(broken_after("SUCCESS", &['_'], 3), "SUCCESS");
        assert_eq!(broken_after("", &['_'], 3), "");
    }

    #[test]
    fn every_status_fits_the_column_that_breaks_it() {
        for (status, code, _) in Status::ALL {
            let narrow = GIVES[5].code;
            let broken = broken_after(code, &['_'], narrow);
            assert!(broken.lines().all(|line| line.len() <= narrow), "{status}");
        }
    }
}
