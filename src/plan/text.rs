//! From the bytes of a plan file to text.

use thiserror::Error;

/// Why the bytes of a file are not text, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotText {
    /// As some editors of Windows save it.
    #[error("it is UTF-16, as some editors of Windows save it")]
    Utf16(Utf16Form),
    /// Nothing was written into it.
    #[error(
        "it holds zero bytes and nothing else, as a file does of which the machine lost what was written: put a copy back"
    )]
    Zeros,
    /// It is a history of ours, or another database.
    #[error("it is an SQLite database, as a history is: the plan file is another one, in TOML")]
    Database,
    /// It is packed.
    #[error("it is packed; unpack it first")]
    Packed,
    /// It is a program, a picture or something of that kind.
    #[error("it is no text at all: name the plan file, which is written in TOML")]
    Binary,
    /// Some bytes are of another encoding.
    #[error("line {line} holds the byte 0x{byte:02X}, {shown:?} in Latin-1; save it as UTF-8")]
    OtherEncoding {
        /// The line, counted from 1.
        line: usize,
        /// The first wrong byte.
        byte: u8,
        /// What it would be.
        shown: char,
    },
}

/// In which order the two bytes of a letter stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Utf16Form {
    /// A mark at the beginning says it.
    Marked,
    /// Without a mark, the low byte first.
    LittleEndian,
    /// Without a mark, the high byte first.
    BigEndian,
}

impl Utf16Form {
    /// What `iconv` calls it. Without a mark `UTF-16` is little-endian to some of them and big-endian to others.
    pub fn code(self) -> &'static str {
        match self {
            Self::Marked => "UTF-16",
            Self::LittleEndian => "UTF-16LE",
            Self::BigEndian => "UTF-16BE",
        }
    }
}

/// The text that these bytes are.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    if let [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] | [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', ..] =
        bytes.as_slice()
    {
        return Err(NotText::Packed);
    }
    if bytes.starts_with(b"SQLite format 3\0") {
        return Err(NotText::Database);
    }
    let zeros = bytes.iter().filter(|byte| **byte == 0).count();
    if zeros == bytes.len() && zeros > 0 {
        return Err(NotText::Zeros);
    }
    let is_marked = matches!(bytes.as_slice(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    // Of a text in UTF-16 every other byte is zero, and no two behind each other are.
    let is_wide = zeros > bytes.len() / 4 && !bytes.windows(2).any(|pair| pair == [0, 0]);
    if is_marked {
        return Err(NotText::Utf16(Utf16Form::Marked));
    }
    if is_wide {
        let high_first = bytes.iter().step_by(2).filter(|byte| **byte == 0).count();
        return Err(NotText::Utf16(match high_first > zeros / 2 {
            true => Utf16Form::BigEndian,
            false => Utf16Form::LittleEndian,
        }));
    }
    let is_control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    if zeros > 0 && std::str::from_utf8(&bytes).is_err()
        || bytes.starts_with(b"\x7fELF")
        || bytes.iter().take(512).filter(|byte| is_control(byte)).count() > 8
    {
        return Err(NotText::Binary);
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let byte = bytes.get(at).copied().unwrap_or_default();
        NotText::OtherEncoding {
            line: bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1,
            byte,
            shown: char::from(byte),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{NotText, Utf16Form, decode};

    #[test]
    fn a_history_in_place_of_a_plan_file_is_no_text_in_another_encoding() {
        let history = [b"SQLite format 3\0".as_slice(), &[0; 84]].concat();
        assert_eq!(decode(history), Err(NotText::Database));
    }

    #[test]
    fn bytes_that_are_no_text_are_told_by_what_they_are() {
        let utf16: Vec<u8> = "[settings]".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(
            decode(utf16.clone()),
            Err(NotText::Utf16(Utf16Form::LittleEndian))
        );
        let other_way = "[settings]".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(other_way), Err(NotText::Utf16(Utf16Form::BigEndian)));
        assert_eq!(decode(vec![0; 512]), Err(NotText::Zeros));
        assert_eq!(
            decode([&[0xff, 0xfe], utf16.as_slice()].concat()),
            Err(NotText::Utf16(Utf16Form::Marked))
        );
        assert_eq!(decode(vec![0x1f, 0x8b, 8, 0]), Err(NotText::Packed));
        let latin = decode(b"[settings]\nstore = \"M\xe4rz\"".to_vec()).expect_err("no text");
        assert_eq!(
            latin.to_string(),
            "line 2 holds the byte 0xE4, 'ä' in Latin-1; save it as UTF-8"
        );
        assert_eq!(decode(Vec::new()), Ok(String::new()));
        assert_eq!(decode("Größe".into()), Ok("Größe".to_owned()));
    }
}
