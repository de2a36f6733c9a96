//! Large answers: the file inside an envelope, streamed in constant memory.
//!
//! A file comes as base64 text, often tens of megabytes on one line. The envelope is read
//! event by event up to the start tag of `dp:file`; from there to its end tag the raw bytes
//! are decoded as they arrive, from plain text and from CDATA alike; then the envelope must
//! be closed properly, for a body cut at a lucky place decodes well.

use std::io::{self, BufRead, BufReader, Read, Write};

use memchr::{memchr, memchr2, memchr3};
use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;

use crate::soma::base64_text::Base64Text;
use crate::soma::deadline::Deadline;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::reply::{self, Answer};
use crate::soma::request::NAMESPACE;
use crate::values::xml_limits::{ScannedXml, XmlLimits, not_plausible};

/// Bytes read from the socket at a time.
const BUFFER: usize = 128 << 10;

/// What stands behind a file closes the envelope, and is no longer than this.
const LONGEST_END: u64 = 1 << 20;

/// `Envelope`, `Body`, `response`, `file`.
const FILE_DEPTH: usize = 4;

/// A "file" that decodes to nonsense and is not longer than this is a word of the
/// device's: `ERROR` (soma-wire section 1.4).
const MAX_WORD: usize = 64;

/// Decodes the file in the answer `body` into `out` and returns its length. `progress`
/// is told the bytes so far, from 0 when the file begins. An answer without a file becomes
/// the error it stands for, which is found until `deadline`.
pub fn read_file(
    body: impl Read,
    deadline: &Deadline,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<u64> {
    let body = BufReader::with_capacity(BUFFER, body);
    let source = Recording {
        inner: ScannedXml::new(body, XmlLimits::default()),
        passage: Passage::Kept(Vec::new()),
        returned: b"",
    };
    let mut reader = NsReader::from_reader(source);
    let mut buffer = Vec::new();
    let mut depth = 0_usize;
    let mut length = None;
    loop {
        buffer.clear();
        let (namespace, event) = reader
            .read_resolved_event_into(&mut buffer)
            .map_err(|error| xml_error(&error))?;
        let in_management = matches!(&namespace, ResolveResult::Bound(bound) if bound.0 == NAMESPACE);
        match event {
            Event::Start(start) => {
                depth += 1;
                let is_file = in_management && depth == FILE_DEPTH && start.local_name().as_ref() == "file";
                if is_file && length.is_none() {
                    progress(0);
                    reader.get_mut().passage = Passage::File;
                    length = Some(decode(reader.get_mut(), out, progress)?);
                    reader.get_mut().passage = Passage::Behind(0);
                }
            }
            Event::Empty(element)
                if in_management
                    && depth + 1 == FILE_DEPTH
                    && element.local_name().as_ref() == "file"
                    && length.is_none() =>
            {
                reader.get_mut().passage = Passage::Behind(0);
                length = Some(0);
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof => break,
            _ => {}
        }
    }
    if depth > 0 {
        return Err(SomaError::new(
            SomaErrorKind::Broken,
            "the answer ended in the middle of its envelope",
        ));
    }
    match length {
        Some(length) => Ok(length),
        None => {
            let text = match &reader.get_ref().passage {
                Passage::Kept(record) => String::from_utf8_lossy(record).into_owned(),
                Passage::File | Passage::Behind(_) => String::new(),
            };
            Err(Answer::new(text, deadline.clone()).into_refusal("file"))
        }
    }
}

fn malformed(why: impl std::fmt::Display) -> SomaError {
    SomaError::new(
        SomaErrorKind::Malformed,
        format!("the answer cannot be read: {why}"),
    )
}

fn xml_error(error: &quick_xml::Error) -> SomaError {
    match error {
        quick_xml::Error::Io(error) => read_error(error),
        other => malformed(other),
    }
}

/// The caller knows more about a failed read than we do ([`Body::failure`](super::answer_body::Body::failure)).
fn read_error(error: &io::Error) -> SomaError {
    match not_plausible(error) {
        Some(why) => reply::not_plausible(why),
        None => SomaError::new(SomaErrorKind::Broken, error),
    }
}

/// What the text of a file stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TextSection {
    Plain,
    CData,
}

/// Decodes the text of the element that has begun, up to its end tag, which is left to be
/// read.
fn decode<R: BufRead>(
    source: &mut Recording<R>,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<u64> {
    let mut decoder = Base64Text::new();
    let mut text = Vec::new();
    let mut word = Vec::new();
    let mut written = 0_u64;
    let mut section = TextSection::Plain;
    loop {
        let chunk = source.fill_buf().map_err(|error| read_error(&error))?;
        if chunk.is_empty() {
            return Err(SomaError::new(
                SomaErrorKind::Broken,
                "the answer ended in the middle of its file",
            ));
        }
        let end = match section {
            TextSection::Plain => memchr(b'<', chunk),
            TextSection::CData => memchr(b']', chunk),
        };
        let segment = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        // Most text is decoded where it stands.
        let (characters, used) = match is_plain(segment) {
            true => (segment, segment.len()),
            false => {
                text.clear();
                let used = append_text(&mut text, segment)?;
                (text.as_slice(), used)
            }
        };
        if word.len() <= MAX_WORD {
            word.extend(characters.iter().take(MAX_WORD + 1 - word.len()));
        }
        // A reference that a chunk cuts in two is read again, whole, with the next one.
        let cut_reference = used < segment.len();
        if cut_reference && section == TextSection::CData {
            return Err(bad_base64(&word, "there is an '&' in it"));
        }
        let bytes = decoder.decode(characters).map_err(|why| bad_base64(&word, why))?;
        if !bytes.is_empty() {
            out.write_all(bytes).map_err(|error| local(&error))?;
            written += bytes.len() as u64;
            progress(written);
        }
        let (used, at_end) = if cut_reference {
            (read_reference(source, used)?, false)
        } else {
            (used, end.is_some())
        };
        source.consume(used);
        if !at_end {
            continue;
        }
        section = match section {
            TextSection::Plain => match markup(source)? {
                Some(next) => next,
                None if decoder.is_whole() => return Ok(written),
                None => return Err(bad_base64(&word, "its length is no multiple of four")),
            },
            TextSection::CData => {
                expect(source, b"]]>")?;
                TextSection::Plain
            }
        };
    }
}

/// Whether there is nothing in it that is to be left out.
fn is_plain(segment: &[u8]) -> bool {
    memchr3(b'&', b'\n', b'\r', segment).is_none() && memchr2(b' ', b'\t', segment).is_none()
}

/// Appends the base64 characters of `segment`, leaving out white space. Stops before an
/// `&`, and returns how much of the segment was used.
fn append_text(text: &mut Vec<u8>, segment: &[u8]) -> Result<usize> {
    for (index, byte) in segment.iter().enumerate() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'&' => return Ok(index),
            0..b' ' => return Err(malformed("there is a control character in its file")),
            other => text.push(*other),
        }
    }
    Ok(segment.len())
}

/// Consumes `before` bytes and a character reference of white space behind them, such
/// as `&#13;`, one byte at a time. Returns how much of the present chunk is still to be
/// consumed: nothing.
fn read_reference(source: &mut impl BufRead, before: usize) -> Result<usize> {
    source.consume(before);
    let mut reference = Vec::new();
    loop {
        let byte = next(source)?;
        reference.push(byte);
        if byte == b';' {
            break;
        }
        if reference.len() > 8 {
            return Err(malformed("there is an entity in its file"));
        }
    }
    match reference.as_slice() {
        b"&#9;" | b"&#10;" | b"&#13;" | b"&#32;" | b"&#x9;" | b"&#xA;" | b"&#xa;" | b"&#xD;" | b"&#xd;"
        | b"&#x20;" => Ok(0),
        _ => Err(malformed("there is an entity in its file")),
    }
}

/// Reads past the markup that begins here, and says in what the text goes on: nowhere if it
/// is an end tag, which is left to be read.
fn markup<R: BufRead>(source: &mut Recording<R>) -> Result<Option<TextSection>> {
    expect(source, b"<")?;
    match next(source)? {
        b'/' => {
            source.returned = b"</";
            Ok(None)
        }
        b'!' => match next(source)? {
            b'-' => {
                expect(source, b"-")?;
                let mut dashes = 0;
                loop {
                    match next(source)? {
                        b'-' => dashes += 1,
                        b'>' if dashes >= 2 => return Ok(Some(TextSection::Plain)),
                        _ => dashes = 0,
                    }
                }
            }
            b'[' => {
                expect(source, b"CDATA[")?;
                Ok(Some(TextSection::CData))
            }
            _ => Err(malformed("there is markup in its file")),
        },
        _ => Err(malformed("there is an element in its file")),
    }
}

fn next(source: &mut impl Read) -> Result<u8> {
    let mut byte = [0_u8];
    source.read_exact(&mut byte).map_err(|error| read_error(&error))?;
    Ok(byte[0])
}

fn expect(source: &mut impl Read, wanted: &[u8]) -> Result<()> {
    for byte in wanted {
        if next(source)? != *byte {
            return Err(malformed("there is markup in its file that is not XML"));
        }
    }
    Ok(())
}

fn bad_base64(word: &[u8], why: impl std::fmt::Display) -> SomaError {
    if word.len() <= MAX_WORD {
        let word = String::from_utf8_lossy(word);
        return SomaError::new(
            SomaErrorKind::Refused,
            format!("the device answered {} in place of a file", reply::quote(&word)),
        );
    }
    malformed(format!("its file is not base64: {why}"))
}

fn local(error: &io::Error) -> SomaError {
    SomaError::new(SomaErrorKind::Local(error.kind()), error)
}

/// Which part of an answer the bytes belong to, and what becomes of them.
enum Passage {
    /// No file has begun: they are kept, so that another answer can be judged as a whole.
    Kept(Vec<u8>),
    /// They are those of the file.
    File,
    /// They stand behind the file: so many so far.
    Behind(u64),
}

/// The source of an answer, which is looked at and recorded.
struct Recording<R> {
    inner: R,
    passage: Passage,
    /// Read too far, and to be read again: never before the file has begun.
    returned: &'static [u8],
}

impl<R: BufRead> Read for Recording<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let amount = available.len().min(buffer.len());
        let (from, to) = (available.get(..amount), buffer.get_mut(..amount));
        if let (Some(from), Some(to)) = (from, to) {
            to.copy_from_slice(from);
        }
        self.consume(amount);
        Ok(amount)
    }
}

impl<R: BufRead> BufRead for Recording<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match &self.passage {
            Passage::Kept(record) if record.len() as u64 > reply::MAX_BYTES => {
                return Err(io::Error::other("the answer is too large and holds no file"));
            }
            Passage::Behind(bytes) if *bytes > LONGEST_END => {
                return Err(io::Error::other("the answer goes on and on behind its file"));
            }
            _ => {}
        }
        if !self.returned.is_empty() {
            return Ok(self.returned);
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if !self.returned.is_empty() {
            self.returned = self.returned.get(amount..).unwrap_or_default();
            return;
        }
        match &mut self.passage {
            // What is consumed was in the buffer: this reads nothing and cannot fail.
            Passage::Kept(record) => {
                if let Ok(buffer) = self.inner.fill_buf() {
                    record.extend_from_slice(buffer.get(..amount).unwrap_or_default());
                }
            }
            Passage::File => {}
            Passage::Behind(bytes) => *bytes += amount as u64,
        }
        self.inner.consume(amount);
    }
}

#[cfg(test)]
#[path = "download_tests.rs"]
mod tests;
