//! Columns in plain lines, for tables that other programs may cut by blanks.

use crate::values::text::printable;

/// The least that a text keeps beside its indent; below that a terminal breaks it as it likes.
const LEAST: usize = 20;

/// A text whose first line begins at the column `indent`, broken at its blanks so that it
/// stays within the width; further lines begin at the same column.
pub fn hanging(text: &str, indent: usize, width: Option<u16>) -> String {
    let room = match width.map(|width| usize::from(width).saturating_sub(indent)) {
        Some(room) if room >= LEAST => room,
        _ => return text.to_owned(),
    };
    let length = |text: &str| text.chars().count();
    let mut lines = vec![String::new()];
    for piece in text.split_inclusive(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() || length(line) + length(piece.trim_end()) <= room => {
                line.push_str(piece);
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join(&format!("\n{:indent$}", ""))
}

/// The cells in aligned columns, two blanks between them, a line each.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| printable(cell).into_owned()).collect())
        .collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        for (index, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(index) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
