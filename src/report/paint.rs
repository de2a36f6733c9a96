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

const GREEN: &str = "32";
const YELLOW: &str = "33";
const RED: &str = "1;31";

/// `text` with its statuses, and the words that lead its lines, in colour.
pub fn states(text: &str) -> String {
    text.split_inclusive('\n').map(line).collect()
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

fn line(line: &str) -> String {
    let mut painted = String::with_capacity(line.len() + 16);
    let mut is_first = true;
    for piece in line.split_inclusive([' ', '\n']) {
        let word = piece.trim_end_matches([' ', '\n', ':', ',']);
        let leading = LEADING.iter().find(|(leading, _)| is_first && *leading == word);
        let color = leading.map(|(_, color)| *color).or_else(|| of_status(word));
        match (color, piece.strip_prefix(word)) {
            (Some(color), Some(rest)) => painted.push_str(&format!("\u{1b}[{color}m{word}\u{1b}[0m{rest}")),
            _ => painted.push_str(piece),
        }
        is_first &= word.is_empty();
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
    fn nothing_but_colour_is_added() {
        let text = "A  BACKUP_FAILED: x\n\n  WARN  y,\n SKIPPED_APIC_DOMAIN";
        let mut painted = states(text);
        for color in [GREEN, YELLOW, RED, "0"] {
            painted = painted.replace(&format!("\u{1b}[{color}m"), "");
        }
        assert_eq!(painted, text);
    }
}
