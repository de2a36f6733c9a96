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

/// Whether `c` must not reach a terminal as it is.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'                        // soft hyphen
            | '\u{61c}'                     // Arabic letter mark
            | '\u{180e}'                    // Mongolian vowel separator
            | '\u{200b}'..='\u{200f}'       // no width, direction marks
            | '\u{2028}'..='\u{202e}'       // line and paragraph ends, direction embeddings
            | '\u{2060}'..='\u{206f}'       // no width, direction isolates
            | '\u{feff}'                    // byte order mark
            | '\u{fff9}'..='\u{fffb}'       // interlinear annotation
            | '\u{e0000}'..='\u{e007f}'     // tags
        )
}

#[cfg(test)]
mod tests {
    use super::printable;
    use proptest::prelude::*;
    use std::borrow::Cow;

    #[test]
    fn plain_text_is_borrowed_as_it_is() {
        for text in ["", "DOMAIN1", "Größe ≥ 10 %, 日本", r"C:\temp"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
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
    }
}
