//! HTTP/1.1: requests read whole, answers written as a stream, with or without harm.

use std::io::{self, BufWriter, Read, Write};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::body::Body;

/// Longest head and longest body of a request.
const HEAD_LIMIT_BYTES: usize = 64 * 1024;
const BODY_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// A request as it came.
pub(super) struct Incoming {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Incoming {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.0.eq_ignore_ascii_case(name))
            .map(|header| header.1.as_str())
    }

    /// User and password of Basic authentication.
    pub(super) fn credentials(&self) -> Option<(String, String)> {
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        text.split_once(':')
            .map(|(user, password)| (user.to_owned(), password.to_owned()))
    }
}

/// Why a request could not be read, as a status to answer with.
pub(super) enum Unread {
    Status(u16, &'static str),
    Io(io::Error),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Unread {
        Unread::Io(error)
    }
}

/// Reads one request. `buffer` keeps what came after it. Nothing: the client closed the connection.
pub(super) fn read_request(
    stream: &mut (impl Read + Write),
    buffer: &mut Vec<u8>,
) -> Result<Option<Incoming>, Unread> {
    let (mut incoming, length) = loop {
        if let Some((incoming, length)) = parse_head(buffer)? {
            break (incoming, length);
        }
        if buffer.len() > HEAD_LIMIT_BYTES {
            return Err(Unread::Status(431, "Request Header Fields Too Large"));
        }
        if fill(stream, buffer)? == 0 {
            return Ok(None);
        }
    };
    buffer.drain(..length);
    if incoming
        .header("expect")
        .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        stream.flush()?;
    }
    let chunked = incoming
        .header("transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    incoming.body = if chunked {
        read_chunks(stream, buffer)?
    } else {
        let length = match incoming.header("content-length").map(str::parse) {
            None => 0,
            Some(Ok(length)) => length,
            Some(Err(_)) => return Err(Unread::Status(400, "Bad Request")),
        };
        take(stream, buffer, length)?
    };
    Ok(Some(incoming))
}

/// The head, once it is complete, and its length.
fn parse_head(buffer: &[u8]) -> Result<Option<(Incoming, usize)>, Unread> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(buffer) {
        Err(_) => Err(Unread::Status(400, "Bad Request")),
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(length)) => {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let headers = request
                .headers
                .iter()
                .map(|header| (header.name.to_owned(), text(header.value)));
            let incoming = Incoming {
                method: request.method.unwrap_or_default().to_owned(),
                target: request.path.unwrap_or_default().to_owned(),
                headers: headers.collect(),
                body: Vec::new(),
            };
            Ok(Some((incoming, length)))
        }
    }
}

fn fill(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut block = [0; 16 * 1024];
    let count = stream.read(&mut block)?;
    buffer.extend_from_slice(&block[..count]);
    Ok(count)
}

/// Takes this many bytes from buffer and stream.
fn take(stream: &mut impl Read, buffer: &mut Vec<u8>, length: usize) -> Result<Vec<u8>, Unread> {
    if length > BODY_LIMIT_BYTES {
        return Err(Unread::Status(413, "Content Too Large"));
    }
    while buffer.len() < length {
        if fill(stream, buffer)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    Ok(buffer.drain(..length).collect())
}

fn read_chunks(stream: &mut impl Read, buffer: &mut Vec<u8>) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    loop {
        let line = take_line(stream, buffer)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| Unread::Status(400, "Bad Request"))?;
        if size == 0 {
            // Trailers, if any, end with an empty line.
            while !take_line(stream, buffer)?.is_empty() {}
            return Ok(body);
        }
        body.extend(take(stream, buffer, size)?);
        if body.len() > BODY_LIMIT_BYTES {
            return Err(Unread::Status(413, "Content Too Large"));
        }
        take_line(stream, buffer)?;
    }
}

fn take_line(stream: &mut impl Read, buffer: &mut Vec<u8>) -> Result<String, Unread> {
    loop {
        if let Some(end) = buffer.windows(2).position(|pair| pair == b"\r\n") {
            let line: Vec<u8> = buffer.drain(..end + 2).take(end).collect();
            return Ok(String::from_utf8_lossy(&line).into_owned());
        }
        if buffer.len() > HEAD_LIMIT_BYTES {
            return Err(Unread::Status(400, "Bad Request"));
        }
        if fill(stream, buffer)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// An answer before it is written.
pub(super) struct Reply {
    pub(super) status: (u16, String),
    pub(super) content_type: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
}

impl Reply {
    pub(super) fn xml((status, reason): (u16, &str), body: Body) -> Reply {
        Reply {
            status: (status, reason.to_owned()),
            content_type: "text/xml".to_owned(),
            headers: Vec::new(),
            body,
        }
    }

    pub(super) fn plain((status, reason): (u16, &str), content_type: &str, text: &str) -> Reply {
        Reply {
            status: (status, reason.to_owned()),
            content_type: content_type.to_owned(),
            headers: Vec::new(),
            body: Body::text(text.to_owned()),
        }
    }
}

/// How an answer is written.
#[derive(Default)]
pub(super) struct Manner {
    pub(super) chunked: bool,
    /// The connection is kept for more requests.
    pub(super) keep: bool,
    /// Stop after this many bytes of the body.
    pub(super) cut_at: Option<u64>,
    /// Added to a true Content-Length.
    pub(super) lie: i64,
    /// Wait after every byte.
    pub(super) pause: Option<Duration>,
    /// Say something ahead of it.
    pub(super) interim: bool,
}

const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\nVia: 1.1 xml-mgmt\r\n\r\n\
                         HTTP/1.1 103 Early Hints\r\nLink: </>; rel=preload\r\n\r\n";

/// Writes an answer. False: it was cut as asked for. `wait` says whether to go on after it.
pub(super) fn write_reply(
    stream: &mut impl Write,
    reply: &Reply,
    manner: &Manner,
    wait: impl Fn(Duration) -> bool,
) -> io::Result<bool> {
    match manner.pause {
        None => write_to(&mut BufWriter::with_capacity(64 * 1024, stream), reply, manner),
        Some(pause) => write_to(
            &mut Trickle {
                inner: stream,
                pause,
                wait,
            },
            reply,
            manner,
        ),
    }
}

fn write_to(out: &mut impl Write, reply: &Reply, manner: &Manner) -> io::Result<bool> {
    let (status, reason) = &reply.status;
    let length = reply.body.length();
    if manner.interim {
        out.write_all(INTERIM)?;
    }
    // A lie needs a length to be about.
    let chunked = manner.chunked && manner.lie == 0;
    write!(
        out,
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {}\r\n",
        reply.content_type
    )?;
    for (name, value) in &reply.headers {
        write!(out, "{name}: {value}\r\n")?;
    }
    if chunked {
        out.write_all(b"Transfer-Encoding: chunked\r\n")?;
    } else {
        write!(
            out,
            "Content-Length: {}\r\n",
            length.saturating_add_signed(manner.lie)
        )?;
    }
    write!(
        out,
        "Connection: {}\r\n\r\n",
        if manner.keep { "keep-alive" } else { "close" }
    )?;
    let complete = if chunked {
        let complete = write_body(&mut Chunks { inner: &mut *out }, reply, manner)?;
        if complete {
            out.write_all(b"0\r\n\r\n")?;
        }
        complete
    } else {
        write_body(out, reply, manner)?
    };
    out.flush()?;
    Ok(complete)
}

/// Writes the body, or its beginning.
fn write_body(out: &mut impl Write, reply: &Reply, manner: &Manner) -> io::Result<bool> {
    let Some(cut_at) = manner.cut_at else {
        reply.body.write_to(out)?;
        return Ok(true);
    };
    let mut cut = Cut {
        inner: out,
        left: cut_at,
    };
    match reply.body.write_to(&mut cut) {
        Err(_) if cut.left == 0 => Ok(false),
        Err(error) => Err(error),
        // Shorter than where the cut was to be: it ends right after its last byte.
        Ok(()) => Ok(false),
    }
}

/// Lets some bytes through and then fails.
struct Cut<W> {
    inner: W,
    left: u64,
}

impl<W: Write> Write for Cut<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.inner.write_all(&bytes[..count])?;
        self.left -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Makes a chunk of every write.
struct Chunks<W> {
    inner: W,
}

impl<W: Write> Write for Chunks<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            write!(self.inner, "{:x}\r\n", bytes.len())?;
            self.inner.write_all(bytes)?;
            self.inner.write_all(b"\r\n")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Sends byte after byte with a pause after each.
struct Trickle<W, F> {
    inner: W,
    pause: Duration,
    wait: F,
}

impl<W: Write, F: Fn(Duration) -> bool> Write for Trickle<W, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes.iter().take(1) {
            self.inner.write_all(&[*byte])?;
            self.inner.flush()?;
            if !(self.wait)(self.pause) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        }
        Ok(bytes.len().min(1))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
