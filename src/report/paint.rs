//! States in colour, for terminals. They are words first: without colour nothing is lost.

use crate::run::status::{Class, Status};

/// Words that lead a line of `check`, `verify`, `history status` and `prune`.
const LEADING: &[(&str, &str)] = &[
    ("OK", GREEN),
    ("WARN", YELLOW),
    ("WARNING", YELLOW),
    ("SKIP", YELLOW),
    ("FAIL", RED),
    ("BAD", RED),
    ("CRITICAL", RED),
    ("MISSING", RED),
    ("CHANGED", RED),
    ("UNREADABLE", RED),
    ("DELETE", YELLOW),
    ("DELETED", YELLOW),
    ("LEFT", RED),
    ("LOST", RED),
    ("UNREAD", RED),
    ("UNKNOWN", RED),
];

/// The title of the column of `history status` that such words lead.
pub(super) const STATE: &str = "State";

const GREEN: &str = "32";
const YELLOW: &str = "33";
const RED: &str = "1;31";

/// `text` with its statuses, and the words that lead its lines, in colour.
pub fn states(text: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let broken = broken_statuses(&lines);
    let colors = |number: usize| broken.iter().filter(move |piece| piece.line == number);
    let painted = lines.iter().enumerate();
    painted
        .map(|(number, text)| line(text, &colors(number).collect::<Vec<_>>()))
        .collect()
}

/// A piece of a status that a narrow column broke.
struct StatusPiece {
    line: usize,
    /// At which letter of the line it begins.
    column: usize,
    color: &'static str,
}

/// The pieces of statuses that stand below each other: a code is broken after its underscores alone.
fn broken_statuses(lines: &[&str]) -> Vec<StatusPiece> {
    let words: Vec<Vec<(usize, &str)>> = lines.iter().map(|line| words(line)).collect();
    let mut pieces = Vec::new();
    for (first, of_line) in words.iter().enumerate() {
        for (column, word) in of_line {
            let (mut code, mut last) = ((*word).to_owned(), first);
            while code.ends_with('_')
                && let Some(below) = words.get(last + 1)
                && let Some((_, more)) = below.iter().find(|(start, _)| start == column)
            {
                code.push_str(more);
                last += 1;
            }
            if last > first
                && let Some(color) = of_status(&code)
            {
                pieces.extend((first..=last).map(|line| StatusPiece {
                    line,
                    column: *column,
                    color,
                }));
            }
        }
    }
    pieces
}

/// The words of a line, each with the number of letters before it.
fn words(line: &str) -> Vec<(usize, &str)> {
    let mut column = 0;
    let mut found = Vec::new();
    for piece in line.split_inclusive([' ', '\n']) {
        let word = piece.trim_end_matches([' ', '\n']);
        if !word.is_empty() {
            found.push((column, word));
        }
        column += piece.chars().count();
    }
    found
}

/// `text` of what differs, with what came, went and changed in colour.
pub fn differences(text: &str) -> String {
    let line = |line: &str| {
        let body = line.trim_start();
        let color = match body.split([' ', '\n']).next() {
            Some("+" | "+++") => GREEN,
            Some("-" | "---") => RED,
            Some("~") => YELLOW,
            _ => return line.to_owned(),
        };
        let (indent, body) = line.split_at(line.len() - body.len());
        let body = body.trim_end_matches('\n');
        format!("{indent}\u{1b}[{color}m{body}\u{1b}[0m\n")
    };
    text.split_inclusive('\n').map(line).collect()
}

/// `text` of `trust`, with its answers and what has expired in colour.
pub fn answers(text: &str) -> String {
    let paint = |color: &str, word: &str| format!("\u{1b}[{color}m{word}\u{1b}[0m");
    let line = |line: &str| {
        let body = line.trim_end_matches('\n');
        let end = &line[body.len()..];
        if let Some(how) = body.strip_suffix(": yes") {
            return format!("{how}: {}{end}", paint(GREEN, "yes"));
        }
        let line = match body.starts_with("  ") {
            true => body.replacen(": no: ", &format!(": {}: ", paint(RED, "no")), 1),
            false => body.to_owned(),
        };
        line.replace(", EXPIRED", &format!(", {}", paint(RED, "EXPIRED"))) + end
    };
    text.split_inclusive('\n').map(line).collect()
}

fn line(line: &str, broken: &[&StatusPiece]) -> String {
    let mut painted = String::with_capacity(line.len() + 16);
    // In a block a state stands behind the title of its column.
    let label = line.strip_prefix(STATE).filter(|rest| rest.starts_with("  "));
    let mut is_first = true;
    let mut column = 0;
    for piece in line.split_inclusive([' ', '\n']) {
        let word = piece.trim_end_matches([' ', '\n', ':', ',']);
        let leading = LEADING.iter().find(|(leading, _)| is_first && *leading == word);
        let broken = broken.iter().find(|broken| broken.column == column);
        let color = leading.map(|(_, color)| *color).or_else(|| of_status(word));
        let color = color.or_else(|| broken.map(|broken| broken.color));
        match (color, piece.strip_prefix(word)) {
            (Some(color), Some(rest)) => painted.push_str(&format!("\u{1b}[{color}m{word}\u{1b}[0m{rest}")),
            _ => painted.push_str(piece),
        }
        is_first &= word.is_empty() || (column == 0 && label.is_some());
        column += piece.chars().count();
    }
    painted
}

fn of_status(word: &str) -> Option<&'static str> {
    let status: Status = word.parse().ok()?;
    match status.class() {
        Class::Success => Some(GREEN),
        Class::Warning | Class::Skipped | Class::Cancelled | Class::Refused => Some(YELLOW),
        Class::Failed => Some(RED),
        Class::Interim => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_painted_wherever_they_stand_and_other_words_where_they_lead() {
        assert_eq!(
            states("  1  SUCCESS  all is OK\n  OK    store  fine\n"),
            "  1  \u{1b}[32mSUCCESS\u{1b}[0m  all is OK\n  \u{1b}[32mOK\u{1b}[0m    store  fine\n"
        );
        assert_eq!(
            states("Plan P: FAILED\nRUNNING"),
            "Plan P: \u{1b}[1;31mFAILED\u{1b}[0m\nRUNNING"
        );
    }

    #[test]
    fn a_status_has_its_colour_in_a_narrow_table_too() {
        let (yellow, red, end) = ("\u{1b}[33m", "\u{1b}[1;31m", "\u{1b}[0m");
        assert_eq!(
            states("103 QA1   RESTORE_  x_\n    DOM1  REFUSED   y REFUSED\n"),
            format!("103 QA1   {yellow}RESTORE_{end}  x_\n    DOM1  {yellow}REFUSED{end}   y REFUSED\n")
        );
        let three = states("Größe  RESTORE_\nx      NOT_\n       CONFIRMED\n");
        assert_eq!(three.matches(yellow).count(), 3, "{three:?}");
        // Each beside the other, and what is none is none.
        let both = states("IMPORT_ BACKUP_ BACKUP_\nFAILED  FAILED  SOMETIME\n");
        assert_eq!(both.matches(red).count(), 4, "{both:?}");
        assert_eq!(
            states("State             WARNING\nDevice            WARNING\n"),
            format!("State             {yellow}WARNING{end}\nDevice            WARNING\n")
        );
        assert_eq!(states("State WARNING\n"), "State WARNING\n");
    }

    #[test]
    fn nothing_but_colour_is_added() {
        let text = "A  BACKUP_FAILED: x\n\n  WARN  y,\n SKIPPED_APIC_DOMAIN\n RESTORE_\n REFUSED";
        let mut painted = states(text);
        for color in [GREEN, YELLOW, RED, "0"] {
            painted = painted.replace(&format!("\u{1b}[{color}m"), "");
        }
        assert_eq!(painted, text);
    }
}
