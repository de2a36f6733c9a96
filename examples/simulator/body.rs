//! The body of an answer: text and base64 in turn, written as a stream.

use std::io::{self, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::content::{BLOCK, Content};

/// Characters of a line of wrapped base64.
const LINE: u64 = 76;

/// The body of an answer. Its length is known before it is written.
pub(super) struct Body {
    pieces: Vec<Piece>,
    wrapped: bool,
    pub(super) damage: Option<TextDamage>,
}

enum Piece {
    Text(String),
    Base64(Content),
    /// Base64 of zeros, without an end.
    Endless,
}

/// What is wrong with the base64 text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TextDamage {
    /// It ends in the middle of a group of four.
    Truncated,
    /// Its middle character is none of base64.
    Corrupt,
}

impl Body {
    pub(super) fn text(text: String) -> Body {
        Body {
            pieces: vec![Piece::Text(text)],
            wrapped: false,
            damage: None,
        }
    }

    pub(super) fn push_text(&mut self, text: String) {
        self.pieces.push(Piece::Text(text));
    }

    pub(super) fn push_base64(&mut self, content: Content) {
        self.pieces.push(Piece::Base64(content));
    }

    /// Adds what another body holds.
    pub(super) fn append(&mut self, other: Body) {
        self.pieces.extend(other.pieces);
    }

    pub(super) fn push_endless(&mut self) {
        self.pieces.push(Piece::Endless);
    }

    /// Breaks base64 into lines.
    pub(super) fn wrap(&mut self) {
        self.wrapped = true;
    }

    /// Length in bytes.
    pub(super) fn length(&self) -> u64 {
        let lengths = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.len() as u64,
            Piece::Base64(content) => {
                let characters = self.characters(content);
                characters + if self.wrapped { characters / LINE } else { 0 }
            }
            Piece::Endless => u64::MAX,
        });
        lengths.fold(0, u64::saturating_add)
    }

    /// Base64 characters of a file that are sent.
    fn characters(&self, content: &Content) -> u64 {
        let whole = content.size().div_ceil(3) * 4;
        if self.damage == Some(TextDamage::Truncated) {
            // Never where a group of four ends, however long the archive is.
            ((whole - whole / 8) / 4 * 4).saturating_sub(1)
        } else {
            whole
        }
    }

    pub(super) fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.write_all(text.as_bytes())?,
                Piece::Base64(content) => self.write_base64(content, out)?,
                // It ends with the connection.
                Piece::Endless => loop {
                    out.write_all(&[b'A'; BLOCK])?;
                },
            }
        }
        Ok(())
    }

    fn write_base64(&self, content: &Content, out: &mut impl Write) -> io::Result<()> {
        let end = self.characters(content);
        let mut corrupt = match self.damage {
            Some(TextDamage::Corrupt) => Some(end / 2),
            _ => None,
        };
        let mut reader = content.reader()?;
        let mut block = vec![0; BLOCK];
        let mut text = vec![0; BLOCK / 3 * 4];
        let mut position = 0;
        while position < end {
            let count = read_block(&mut reader, &mut block)?;
            let encoded = STANDARD
                .encode_slice(&block[..count], &mut text)
                .map_err(io::Error::other)? as u64;
            if encoded == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(place) = corrupt.filter(|place| *place < position + encoded) {
                text[(place - position) as usize] = b'*';
                corrupt = None;
            }
            let sent = encoded.min(end - position);
            self.write_lines(&text[..sent as usize], position, out)?;
            position += sent;
        }
        Ok(())
    }

    /// Writes base64 text that begins at `position`, in lines where that is wanted.
    fn write_lines(&self, mut text: &[u8], mut position: u64, out: &mut impl Write) -> io::Result<()> {
        if !self.wrapped {
            return out.write_all(text);
        }
        while !text.is_empty() {
            let left = (LINE - position % LINE).min(text.len() as u64);
            let (line, rest) = text.split_at(left as usize);
            out.write_all(line)?;
            position += left;
            if position.is_multiple_of(LINE) {
                out.write_all(b"\n")?;
            }
            text = rest;
        }
        Ok(())
    }
}

/// Fills the block, unless the reader ends.
fn read_block(reader: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match reader.read(&mut block[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
