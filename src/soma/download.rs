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

/// The caller knows more about a failed read than we do ([`super::http::Body::failure`]).
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
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn envelope(inner: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\">\
             <env:Body><dp:response xmlns:dp=\"{NAMESPACE}\"><dp:timestamp>2026-11-22T08:30:00+01:00</dp:timestamp>{inner}\
             </dp:response></env:Body></env:Envelope>"
        )
    }

    /// Gives at most `step` bytes at a time.
    struct Trickle<'a> {
        bytes: &'a [u8],
        step: usize,
    }

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let amount = self.step.min(self.bytes.len()).min(buffer.len());
            let (now, later) = self.bytes.split_at(amount);
            buffer[..amount].copy_from_slice(now);
            self.bytes = later;
            Ok(amount)
        }
    }

    fn download(text: &str, step: usize) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let length = read_file(
            Trickle {
                bytes: text.as_bytes(),
                step,
            },
            &Deadline::never(),
            &mut out,
            &mut |_| {},
        )?;
        assert_eq!(length, out.len() as u64);
        Ok(out)
    }

    fn failure(text: &str) -> (SomaErrorKind, String) {
        let error = download(text, usize::MAX).expect_err("no file");
        (error.kind, error.message)
    }

    proptest! {
        #[test]
        fn any_bytes_arrive_whatever_the_chunks_and_the_white_space(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            step in 1_usize..40,
            gap in 1_usize..80,
            white in proptest::sample::select(vec!["", "\n", "\r\n", " ", "&#13;", "&#xA;\n"]),
        ) {
            let encoded = STANDARD.encode(&bytes);
            let spaced: Vec<&str> = encoded.as_bytes().chunks(gap).map(|c| std::str::from_utf8(c).expect("ASCII")).collect();
            let text = envelope(&format!("<dp:file name=\"x\">{}</dp:file>", spaced.join(white)));
            prop_assert_eq!(download(&text, step).expect("a file"), bytes);
        }

        #[test]
        fn a_cut_answer_is_never_taken_for_a_whole_one(cut in 0_usize..1000, step in 1_usize..200) {
            let text = envelope(&format!("<dp:file>{}</dp:file>", STANDARD.encode([7_u8; 300])));
            let cut = cut.min(text.len() - 1);
            assert!(download(&text[..cut], step).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_file_is_the_same_in_plain_text_in_cdata_and_around_comments() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let text = STANDARD.encode(&bytes);
        let (first, rest) = text.split_at(401);
        for inner in [
            format!("<![CDATA[{text}]]>"),
            format!("\n<![CDATA[\n{text}\n]]>\n"),
            format!("<![CDATA[{first}]]><![CDATA[{rest}]]>"),
            format!("{first}<![CDATA[{rest}]]>"),
            format!("<![CDATA[{first}]]>&#10;{rest}"),
            format!("{first}<!-- - -- a > <b> -->{rest}"),
            format!("<!---->{text}<!--->-->"),
        ] {
            for step in [1, 2, 3, 7, usize::MAX] {
                let got = download(&envelope(&format!("<dp:file>{inner}</dp:file>")), step);
                assert!(got.expect(&inner) == bytes, "{inner} by {step}");
            }
        }
    }

    #[test]
    fn other_markup_in_a_file_is_malformed_and_nothing_is_left_out() {
        let text = "QUJD".repeat(100);
        for inner in [
            format!("{text}<x/>{text}"),
            format!("{text}<?x y?>{text}"),
            format!("{text}<![CDATA[{text}]>{text}"),
            format!("{text}<![CDATA[{text}&#10;]]>"),
            format!("{text}<![CDATA[<b>]]>"),
            format!("{text}<!ELEMENT x>"),
            format!("{text}</dp:other>"),
        ] {
            for step in [1, usize::MAX] {
                let error = download(&envelope(&format!("<dp:file>{inner}</dp:file>")), step);
                assert_eq!(error.expect_err(&inner).kind, SomaErrorKind::Malformed, "{inner}");
            }
        }
        for cut in [
            "<dp:file>QUJD<![CDATA[QUJD",
            "<dp:file>QUJD<!-- ",
            "<dp:file>QUJD<",
        ] {
            let whole = envelope(cut);
            let (before, _) = whole.split_at(whole.find(cut).expect("it is there") + cut.len());
            assert_eq!(
                download(before, 5).expect_err(cut).kind,
                SomaErrorKind::Broken,
                "{cut}"
            );
        }
    }

    #[test]
    fn an_empty_file_has_no_bytes() {
        assert_eq!(download(&envelope("<dp:file/>"), 7).expect("empty"), b"");
        assert_eq!(download(&envelope("<dp:file></dp:file>"), 7).expect("empty"), b"");
    }

    #[test]
    fn a_word_in_place_of_a_file_is_the_devices_own_word() {
        for inner in [
            "<dp:file>ERROR</dp:file>",
            "<dp:file>\nERROR\n</dp:file>",
            "<dp:result>ERROR</dp:result>",
        ] {
            for step in [1, 3, usize::MAX] {
                let error = download(&envelope(inner), step).expect_err("no file");
                assert_eq!(error.kind, SomaErrorKind::Refused, "{inner}");
                assert!(error.message.contains("\"ERROR\""), "{error}");
            }
        }
    }

    #[test]
    fn a_refusal_in_place_of_a_file_is_told_in_full() {
        let (kind, message) = failure(&envelope("<dp:result>Cannot read the specified file</dp:result>"));
        assert_eq!(kind, SomaErrorKind::Refused);
        assert!(message.contains("Cannot read the specified file"), "{message}");
        let (kind, _) = failure("<html><body><p>hello</p></body></html>");
        assert_eq!(kind, SomaErrorKind::NotManagement);
    }

    #[test]
    fn damaged_base64_is_malformed() {
        let long = "QUJD".repeat(100);
        for inner in [
            format!("{long}*{long}"),
            format!("{long}QQ=={long}"),
            format!("{long}Q"),
            format!("{long}&amp;{long}"),
            format!("{long}\u{1}"),
        ] {
            let (kind, _) = failure(&envelope(&format!("<dp:file>{inner}</dp:file>")));
            assert_eq!(kind, SomaErrorKind::Malformed, "{inner}");
        }
    }

    #[test]
    fn a_document_type_is_refused() {
        let text = format!(
            "<!DOCTYPE a [<!ENTITY b \"c\">]>{}",
            envelope("<dp:file>QUJD</dp:file>")
        );
        assert_eq!(failure(&text).0, SomaErrorKind::Malformed);
    }

    #[test]
    fn what_a_parser_would_not_end_with_is_not_plausible_before_a_file_and_behind_it() {
        let nested: String = (0..4_000).map(|n| format!("<a xmlns:n{n}=\"u\">")).collect();
        let attributes: String = (0..160_000).map(|n| format!(" a{n}=\"\"")).collect();
        for hostile in [
            format!("{nested}{}", "</a>".repeat(4_000)),
            format!("<a{attributes}/>"),
            "<a>".repeat(100_000),
            format!("<{}/>", "a".repeat(70_000)),
        ] {
            for inner in [
                format!("{hostile}<dp:file>QUJD</dp:file>"),
                format!("<dp:file>QUJD</dp:file>{hostile}"),
                format!("<dp:result>{hostile}</dp:result>"),
            ] {
                let (kind, message) = failure(&envelope(&inner));
                assert_eq!(kind, SomaErrorKind::Malformed);
                let words = "the device's answer is not plausible: more than ";
                assert!(message.starts_with(words) && message.len() < 200, "{message}");
            }
        }
    }

    #[test]
    fn an_answer_that_goes_on_and_on_behind_its_file_is_given_up() {
        for endless in [" ".repeat(3 << 20), format!("<!--{}", "x".repeat(3 << 20))] {
            let text = envelope(&format!("<dp:file>QUJD</dp:file>{endless}"));
            let (_, message) = failure(&text);
            assert!(message.contains("goes on and on behind its file"), "{message}");
        }
    }

    #[test]
    fn a_refusal_is_read_until_the_deadline_of_its_request_and_no_longer() {
        let text = envelope("<dp:result>Cannot read the specified file</dp:result>");
        let over = Deadline::after(std::time::Duration::ZERO, std::sync::Arc::default());
        let error = read_file(text.as_bytes(), &over, &mut Vec::new(), &mut |_| {});
        assert_eq!(error.expect_err("too late").kind, SomaErrorKind::TimedOut);
    }

    #[test]
    fn a_file_elsewhere_in_the_answer_is_no_file() {
        let text = envelope("<dp:result><dp:file>QUJD</dp:file></dp:result>");
        assert!(download(&text, 9).is_err());
    }
}
