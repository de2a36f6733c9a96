//! Large answers: the file inside an envelope, streamed in constant memory.
//!
//! A file comes as base64 text, often tens of megabytes on one line. The envelope is read
//! event by event up to the start tag of `dp:file`; from there to its end tag the raw bytes
//! are decoded as they arrive, from plain text and from CDATA alike; then the envelope must
//! be closed properly, for a body cut at a lucky place decodes well.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::{Duration, Instant};

use memchr::{memchr, memchr2, memchr3};
use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;

use crate::soma::base64_text::Base64Text;
use crate::soma::deadline::Deadline;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::reply::{self, Answer, AroundFile};
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

/// How often is told how many bytes have come: whoever looks sees no more, and it is asked for each of them anew.
const TOLD_EACH: Duration = Duration::from_millis(50);

/// A file that has come whole.
#[derive(Debug)]
pub struct ReceivedFile {
    /// Its bytes.
    pub length: u64,
    /// What the answer says around it.
    pub around: AroundFile,
}

/// Decodes the file in the answer `body` into `out`. `progress`
/// is told the bytes so far, from 0 when the file begins. An answer without a file becomes
/// the error it stands for, which is found until `deadline`.
pub fn read_file(
    body: impl Read,
    deadline: &Deadline,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<ReceivedFile> {
    let body = BufReader::with_capacity(BUFFER, body);
    let source = Recording {
        inner: ScannedXml::new(body, XmlLimits::default()),
        passage: Passage::Before,
        kept: Vec::new(),
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
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    reader.get_mut().envelope_ends();
                }
            }
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
    let around = String::from_utf8_lossy(&reader.get_ref().kept).into_owned();
    let around = Answer::new(around, deadline.clone());
    match length {
        Some(length) => Ok(ReceivedFile {
            length,
            around: around.around_file()?,
        }),
        None => Err(around.into_refusal("file")),
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

/// What was decoded of a file so far, and where it goes.
struct DecodedFile<'d> {
    decoder: Base64Text,
    out: &'d mut dyn Write,
    progress: &'d mut dyn FnMut(u64),
    /// The beginning of its text.
    word: Vec<u8>,
    /// So many bytes.
    written: u64,
    /// When it was told how many, if it was.
    told: Option<Instant>,
}

impl DecodedFile<'_> {
    /// Takes in the next characters of base64.
    fn take(&mut self, characters: &[u8]) -> Result<()> {
        self.begins(characters);
        match self.take_base64(characters)? {
            Ok(()) => Ok(()),
            Err(why) => Err(bad_base64(&self.word, why)),
        }
    }

    /// The same of what may be markup or white space as well: then nothing of it is taken, and it says so.
    fn take_if_base64(&mut self, characters: &[u8]) -> Result<bool> {
        let is_base64 = self.take_base64(characters)?.is_ok();
        if is_base64 {
            self.begins(characters);
        }
        Ok(is_base64)
    }

    fn take_base64(&mut self, characters: &[u8]) -> Result<std::result::Result<(), String>> {
        let bytes = match self.decoder.decode(characters) {
            Ok(bytes) => bytes,
            Err(why) => return Ok(Err(why)),
        };
        if !bytes.is_empty() {
            self.out.write_all(bytes).map_err(|error| local(&error))?;
            self.written += bytes.len() as u64;
            let now = Instant::now();
            if self.told.is_none_or(|told| now.duration_since(told) >= TOLD_EACH) {
                self.told = Some(now);
                (self.progress)(self.written);
            }
        }
        Ok(Ok(()))
    }

    /// Keeps the beginning of the text.
    fn begins(&mut self, characters: &[u8]) {
        if self.word.len() <= MAX_WORD {
            let room = MAX_WORD + 1 - self.word.len();
            self.word.extend(characters.iter().take(room));
        }
    }

    /// No more comes.
    fn end(self) -> u64 {
        (self.progress)(self.written);
        self.written
    }
}

/// Decodes the text of the element that has begun, up to its end tag, which is left to be
/// read.
fn decode<R: BufRead>(
    source: &mut Recording<R>,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<u64> {
    let mut file = DecodedFile {
        decoder: Base64Text::new(),
        out,
        progress,
        word: Vec::new(),
        written: 0,
        told: None,
    };
    let mut text = Vec::new();
    let mut section = TextSection::Plain;
    // Most answers are nothing but base64 up to their end: nothing else is looked for until something is found.
    let mut is_all_base64 = true;
    loop {
        let chunk = source.fill_buf().map_err(|error| read_error(&error))?;
        if chunk.is_empty() {
            return Err(SomaError::new(
                SomaErrorKind::Broken,
                "the answer ended in the middle of its file",
            ));
        }
        if is_all_base64 {
            is_all_base64 = file.take_if_base64(chunk)?;
        }
        if is_all_base64 {
            let used = chunk.len();
            source.consume(used);
            continue;
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
        file.take(characters)?;
        let at_reference = used < segment.len();
        source.consume(used);
        if at_reference && section == TextSection::CData {
            return Err(bad_base64(&file.word, "there is an '&' in it"));
        }
        if at_reference {
            // A chunk may cut it in two.
            file.take(read_reference(source)?.as_slice())?;
        }
        if at_reference || end.is_none() {
            continue;
        }
        section = match section {
            TextSection::Plain => match markup(source)? {
                Some(next) => next,
                None if file.decoder.is_whole() => return Ok(file.end()),
                None => return Err(bad_base64(&file.word, "its length is no multiple of four")),
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

/// Consumes a character reference, such as `&#13;`, one byte at a time. Returns the character that it stands for,
/// unless that is white space.
fn read_reference(source: &mut impl BufRead) -> Result<Option<u8>> {
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
    let digits = std::str::from_utf8(&reference).unwrap_or_default();
    let digits = digits
        .strip_prefix("&#")
        .and_then(|digits| digits.strip_suffix(';'));
    let number = digits.and_then(|digits| match digits.strip_prefix('x') {
        Some(hex) => u8::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    });
    match number {
        Some(b'\t' | b'\n' | b'\r' | b' ') => Ok(None),
        Some(character @ b'!'..=b'~') => Ok(Some(character)),
        Some(_) | None => Err(malformed("there is an entity in its file")),
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
        b'?' => Err(malformed("there is a processing instruction in its file")),
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
    /// No file has begun: they are kept.
    Before,
    /// They are those of the file.
    File,
    /// They stand behind the file, so many so far, and are kept.
    Behind(u64),
    /// They stand behind the envelope, and so many behind the file.
    Over(u64),
}

/// The source of an answer, which is looked at and recorded.
struct Recording<R> {
    inner: R,
    passage: Passage,
    /// What stands around the file, so that it can be judged as a whole.
    kept: Vec<u8>,
    /// Read too far, and to be read again: never before the file has begun.
    returned: &'static [u8],
}

impl<R> Recording<R> {
    /// The envelope around a file has ended: what is behind it is no part of the answer.
    fn envelope_ends(&mut self) {
        if let Passage::Behind(bytes) = self.passage {
            self.passage = Passage::Over(bytes);
        }
    }
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
            Passage::Before if self.kept.len() as u64 > reply::MAX_BYTES => {
                return Err(io::Error::other("the answer is too large and holds no file"));
            }
            Passage::Behind(bytes) | Passage::Over(bytes) if *bytes > LONGEST_END => {
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
        if let Passage::Behind(bytes) | Passage::Over(bytes) = &mut self.passage {
            *bytes += amount as u64;
        }
        let is_kept = matches!(self.passage, Passage::Before | Passage::Behind(_));
        if !self.returned.is_empty() {
            let (now, later) = self.returned.split_at(amount.min(self.returned.len()));
            if is_kept {
                self.kept.extend_from_slice(now);
            }
            self.returned = later;
            return;
        }
        // What is consumed was in the buffer: this reads nothing and cannot fail.
        if is_kept && let Ok(buffer) = self.inner.fill_buf() {
            self.kept
                .extend_from_slice(buffer.get(..amount).unwrap_or_default());
        }
        self.inner.consume(amount);
    }
}

#[cfg(test)]
#[path = "download_tests.rs"]
mod tests;
