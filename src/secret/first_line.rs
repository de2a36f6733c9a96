//! What of a file, a variable or an output is the secret: its first line, by one rule.

use std::fmt;
use std::io::{self, Read};

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use crate::process::Output;

/// The longest secret that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// What Windows writes in front of text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// So much tells whether a line is too long, with all that does not count.
const MOST: usize = BYTE_ORDER_MARK.len() + LONGEST + 2;

/// Collects the first line of what it is given, without its end (LF or CR LF) and without a
/// byte order mark. Blanks count.
#[derive(Debug)]
pub(super) struct FirstLine {
    line: Zeroizing<Vec<u8>>,
    is_whole: bool,
}

/// Why there is no secret in a first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLine {
    /// There is nothing in it.
    Empty,
    NotText,
    /// There are blanks in it, and nothing else.
    Blank,
    /// A NUL is in it, which no password has: text as Windows keeps it in memory has one at every
    /// other place.
    Nul,
    /// It is text as Windows keeps it in memory.
    Utf16,
    /// It is longer than any secret.
    TooLong,
}

impl Default for FirstLine {
    fn default() -> Self {
        Self {
            // The room is taken at once: a buffer that grows leaves copies behind.
            line: Zeroizing::new(Vec::with_capacity(MOST)),
            is_whole: false,
        }
    }
}

impl Output for FirstLine {
    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.is_enough() {
                return;
            }
            match byte {
                b'\n' => self.is_whole = true,
                byte => self.line.push(byte),
            }
        }
    }

    fn is_enough(&self) -> bool {
        self.is_whole || self.line.len() >= MOST
    }
}

impl FirstLine {
    /// Reads as much as is needed.
    pub(super) fn fill_from(&mut self, input: &mut impl Read) -> io::Result<()> {
        let mut buffer = Zeroizing::new([0_u8; 4096]);
        while !self.is_enough() {
            match input.read(&mut *buffer) {
                Ok(0) => break,
                Ok(amount) => self.take(buffer.get(..amount).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The secret.
    pub(super) fn into_secret(self) -> Result<SecretString, NoLine> {
        let line = self.line.as_slice();
        if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
            return Err(NoLine::Utf16);
        }
        let mut line = line;
        while let Some(rest) = line.strip_prefix(BYTE_ORDER_MARK) {
            line = rest;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LONGEST {
            return Err(NoLine::TooLong);
        }
        match std::str::from_utf8(line) {
            Ok("") => Err(NoLine::Empty),
            Ok(text) if text.trim().is_empty() => Err(NoLine::Blank),
            Ok(text) if text.contains('\0') => Err(NoLine::Nul),
            Ok(text) => Ok(text.into()),
            Err(_) => Err(NoLine::NotText),
        }
    }
}

impl fmt::Display for NoLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty first line",
            Self::Blank => "a first line of blanks alone",
            Self::Nul => "a first line with a NUL in it, as text in UTF-16 has: save it as UTF-8",
            Self::NotText => "a first line that is not UTF-8 text",
            Self::Utf16 => "text in UTF-16, as some Windows programs write it: save it as UTF-8",
            Self::TooLong => "a first line longer than 64 KiB",
        })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn of(pieces: &[&[u8]]) -> Result<String, NoLine> {
        let mut line = FirstLine::default();
        for piece in pieces {
            line.take(piece);
        }
        line.into_secret().map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn line_ends_and_byte_order_marks_do_not_count_and_blanks_do() {
        for (text, secret) in [
            ("one", "one"),
            ("one\n", "one"),
            ("one\r\n", "one"),
            ("one\ntwo\n", "one"),
            ("\u{feff}one\r\ntwo", "one"),
            (" one \n", " one "),
            ("o\rne", "o\rne"),
            ("\u{feff}\u{feff}one\n", "one"),
        ] {
            assert_eq!(of(&[text.as_bytes()]), Ok(secret.to_owned()), "{text:?}");
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(of(&pieces), Ok(secret.to_owned()), "{text:?} in pieces");
        }
    }

    #[test]
    fn what_holds_no_secret_says_why() {
        for text in ["", "\n", "\r\n", "\u{feff}", "\u{feff}\r\nsecond"] {
            assert_eq!(of(&[text.as_bytes()]), Err(NoLine::Empty), "{text:?}");
        }
        for text in [" ", "   \n", "\t\r\n", "\u{a0}\n", "\u{feff} \nsecond"] {
            assert_eq!(of(&[text.as_bytes()]), Err(NoLine::Blank), "{text:?}");
        }
        for text in ["secret\0", "sec\0ret\n", "s\0x\0\n\0"] {
            assert_eq!(of(&[text.as_bytes()]), Err(NoLine::Nul), "{text:?}");
        }
        assert_eq!(of(&[b"caf\xe9\n"]), Err(NoLine::NotText));
        assert_eq!(of(&[b"\xff\xfes\x003\x00"]), Err(NoLine::Utf16));
        let long = vec![b'x'; LONGEST];
        assert!(of(&[&long]).is_ok());
        assert!(of(&[&long, b"\r\n"]).is_ok());
        assert_eq!(of(&[&long, b"x"]), Err(NoLine::TooLong));
        assert_eq!(of(&[&long, &long, &long]), Err(NoLine::TooLong));
    }
}
