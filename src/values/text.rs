//! Text from elsewhere, made safe to show.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with everything made visible that could deceive or disturb a terminal, a log or
/// a table: control characters, escape sequences, line ends, marks that change the
/// direction of text, and characters of no width.
///
/// Line ends and tabs become blanks, so that the text is one line; all else becomes
/// `\u{…}`. Everything harmless, the backslash too, stays.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut characters = text.trim_end_matches(['\r', '\n']).chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\t' => safe.push(' '),
            character if is_unsafe(character) => {
                // Writing into a String cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
            }
            character => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

/// A value that somebody compares with another, in one line: as [`printable`], and every blank but the plain one
/// is told apart, wherever it stands. Nothing is taken away.
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| is_unsafe(c) || (c.is_whitespace() && c != ' ');
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match is_hidden(character) {
            true => {
                // Writing into a String cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
            }
            false => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

/// Two long values, each cut to so many characters. Where they begin alike for longer than that, they are shown
/// from a few characters before the first that differs.
pub fn cut_where_they_differ<'t>(one: &'t str, other: &'t str, most: usize) -> (Cow<'t, str>, Cow<'t, str>) {
    const BEFORE: usize = 20;
    let alike = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let from = match alike < most {
        true => 0,
        false => alike - BEFORE.min(alike),
    };
    let cut = |text: &'t str| {
        let rest = match from {
            0 => text,
            _ => text
                .char_indices()
                .nth(from)
                .map_or("", |(start, _)| &text[start..]),
        };
        let end = rest.char_indices().nth(most).map(|(end, _)| end);
        match (from, end) {
            (0, None) => Cow::Borrowed(rest),
            (0, Some(end)) => Cow::Owned(format!("{}…", &rest[..end])),
            (_, None) => Cow::Owned(format!("…{rest}")),
            (_, Some(end)) => Cow::Owned(format!("…{}…", &rest[..end])),
        }
    };
    (cut(one), cut(other))
}

/// `json`, a document or a line, with everything escaped that could deceive or disturb a
/// terminal. JSON leaves some of that as it is; it stands within strings only, where an escape
/// means the same.
pub fn printable_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_unsafe(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing into a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

/// Whether `c` must not reach a terminal as it is: what controls, what changes the direction
/// of text, and what nobody can see.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'                        // soft hyphen
            | '\u{34f}'                     // combining grapheme joiner
            | '\u{61c}'                     // Arabic letter mark
            | '\u{115f}' | '\u{1160}'       // Hangul fillers
            | '\u{17b4}' | '\u{17b5}'       // Khmer vowels that are not written
            | '\u{180b}'..='\u{180f}'       // Mongolian separators and selectors
            | '\u{200b}'..='\u{200f}'       // no width, direction marks
            | '\u{2028}'..='\u{202e}'       // line and paragraph ends, direction embeddings
            | '\u{2060}'..='\u{206f}'       // no width, direction isolates
            | '\u{2800}'                    // Braille without a dot
            | '\u{3164}' | '\u{ffa0}'       // more Hangul fillers
            | '\u{fe00}'..='\u{fe0f}'       // selectors of variants
            | '\u{feff}'                    // byte order mark
            | '\u{fff0}'..='\u{fffb}'       // interlinear annotation, and what will never be shown
            | '\u{1bca0}'..='\u{1bca3}'     // controls of shorthand
            | '\u{1d173}'..='\u{1d17a}'     // controls of music
            | '\u{e0000}'..='\u{e0fff}'     // tags, more selectors
        )
}

/// A letter as a person can look for it: many look like one of ASCII and are another.
pub fn letter(c: char) -> String {
    match c.is_ascii() {
        true => format!("{c:?}"),
        false => format!("{c:?} (U+{:04X})", u32::from(c)),
    }
}

/// The least that a text keeps beside its indent; below that a terminal breaks it as it likes.
const LEAST: usize = 20;

/// A text whose first line begins at the column `indent`, broken at its blanks so that it
/// stays within the width; further lines begin at the same column.
pub fn hanging(text: &str, indent: usize, width: Option<u16>) -> String {
    let room = match width.map(|width| usize::from(width).saturating_sub(indent)) {
        Some(room) if room >= LEAST => room,
        _ => return text.to_owned(),
    };
    let mut lines = vec![String::new()];
    for piece in text.split_inclusive(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() || columns(line) + columns(piece.trim_end()) <= room => {
                line.push_str(piece);
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join(&format!("\n{:indent$}", ""))
}

/// How many letters of a text stand in a line: what sets a colour takes no room.
fn columns(text: &str) -> usize {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().chars().count();
    let behind = pieces.map(|piece| piece.split_once('m').map_or(piece, |(_, rest)| rest));
    first + behind.map(|piece| piece.chars().count()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::{cut_where_they_differ, hanging, is_unsafe, printable, printable_json, visible};
    use proptest::prelude::*;
    use std::borrow::Cow;

    #[test]
    fn plain_text_is_borrowed_as_it_is() {
        for text in ["", "DOMAIN1", "Größe ≥ 10 %, 日本", r"C:\temp"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn a_colour_takes_no_room_in_a_line_that_is_broken() {
        let (plain, coloured) = (
            "ended FAILED after 1s, and so on",
            "ended \u{1b}[31mFAILED\u{1b}[0m after 1s, and so on",
        );
        let bare = |text: String| text.replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
        for width in 20..40 {
            assert_eq!(
                bare(hanging(coloured, 0, Some(width))),
                hanging(plain, 0, Some(width))
            );
        }
    }

    #[test]
    fn what_disturbs_becomes_visible() {
        for (text, shown) in [
            ("a\nb\r\n\tc\n", "a b  c"),
            ("\u{1b}[31mred\u{1b}[0m", r"\u{1b}[31mred\u{1b}[0m"),
            ("bell\u{7}null\0", r"bell\u{7}null\u{0}"),
            ("\u{9b}2J", r"\u{9b}2J"),
            ("abc\u{202e}piz.exe", r"abc\u{202e}piz.exe"),
            ("\u{2066}x\u{2069}", r"\u{2066}x\u{2069}"),
            ("zero\u{200b}width\u{feff}", r"zero\u{200b}width\u{feff}"),
            ("line\u{2028}end", r"line\u{2028}end"),
            (
                "a\u{fe0f}\u{e0101}\u{3164}\u{34f}b",
                r"a\u{fe0f}\u{e0101}\u{3164}\u{34f}b",
            ),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left_and_a_second_time_changes_nothing(text in any::<String>()) {
            let once = printable(&text).into_owned();
            prop_assert!(!once.contains(char::is_control));
            prop_assert!(matches!(printable(&once), Cow::Borrowed(_)));
        }

        #[test]
        fn json_means_the_same_and_holds_nothing_unsafe(text in any::<String>()) {
            let json = printable_json(&serde_json::to_string(&text).expect("JSON"));
            prop_assert!(!json.contains(is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
        }
    }

    #[test]
    fn in_a_value_every_blank_is_told_apart_and_none_is_taken_away() {
        for (text, shown) in [
            ("a b", "a b"),
            (" a  b ", " a  b "),
            ("a\nb", "a\\u{a}b"),
            ("a\tb\r\n", "a\\u{9}b\\u{d}\\u{a}"),
            ("\u{85}c1", "\\u{85}c1"),
            ("a\u{a0}b\u{2003}", "a\\u{a0}b\\u{2003}"),
            ("\u{1b}[1m", "\\u{1b}[1m"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }

    #[test]
    fn of_two_long_values_the_place_is_shown_where_they_differ() {
        let cut = |one: &str, other: &str| {
            let (one, other) = cut_where_they_differ(one, other, 30);
            (one.into_owned(), other.into_owned())
        };
        assert_eq!(cut("a", "b"), ("a".to_owned(), "b".to_owned()));
        let long = "ä".repeat(100);
        assert_eq!(cut(&long, "b"), (format!("{}…", "ä".repeat(30)), "b".to_owned()));
        let (one, other) = cut(&format!("{long}x"), &format!("{long}y"));
        assert_eq!(one, format!("…{}x", "ä".repeat(20)));
        assert_eq!(other, format!("…{}y", "ä".repeat(20)));
        let (_, shorter) = cut(&format!("{long}{long}"), &long);
        assert_eq!(shorter, format!("…{}", "ä".repeat(20)));
    }
}
