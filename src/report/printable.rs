//! Text from devices and scripts, made safe to show in one line of a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Replaces what would move the cursor, change colours or the direction of the text.
/// Line breaks and tabs become blanks; the rest is shown as `\u{1b}`, say.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    let mut characters = text.trim_end_matches(['\r', '\n']).chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\t' => safe.push(' '),
            _ if is_unsafe(character) => {
                // Writing to a `String` does not fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
            }
            _ => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

/// Whether a terminal may obey the character instead of showing it.
pub(super) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'                      // soft hyphen
            | '\u{61c}'                   // Arabic letter mark
            | '\u{200b}'..='\u{200f}'     // zero width, left-to-right and right-to-left marks
            | '\u{2028}'..='\u{202e}'     // line and paragraph separators, bidi embeddings and overrides
            | '\u{2060}'..='\u{206f}'     // word joiner, bidi isolates, deprecated formats
            | '\u{feff}'                  // byte order mark
            | '\u{fff9}'..='\u{fffb}'     // interlinear annotations
            | '\u{e0000}'..='\u{e007f}'   // tags
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_text_stays_as_it_is() {
        for text in ["", "SALES", "größer: 日本 \\u{1b}"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn line_breaks_and_tabs_become_blanks() {
        assert_eq!(printable("one\r\ntwo\tthree\n"), "one two three");
    }

    #[test]
    fn escapes_and_changes_of_direction_are_shown_by_their_codes() {
        assert_eq!(printable("\u{1b}[31mred\0"), "\\u{1b}[31mred\\u{0}");
        assert_eq!(printable("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(printable("a\u{202e}gpj.exe"), "a\\u{202e}gpj.exe");
        assert_eq!(
            printable("\u{2066}\u{200b}\u{e0041}"),
            "\\u{2066}\\u{200b}\\u{e0041}"
        );
    }
}
