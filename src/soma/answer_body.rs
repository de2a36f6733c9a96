//! What came over HTTP: whether it can be an answer of SOMA, and its body, which is read as it arrives.

use std::io::{self, Read};

use crate::soma::deadline::Deadline;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::exchange::Explain;
use crate::soma::reply::{Answer, WRONG_PORT, quote};

/// The start of an answer, and its body still to be read.
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, lower case; empty where there is none.
    pub content_type: String,
    /// `Content-Encoding`, lower case; empty where there is none.
    pub content_encoding: String,
    /// `Location` of a redirect.
    pub location: Option<String>,
    /// The body.
    pub body: Body,
    /// It began before all of the request had been sent.
    pub came_early: bool,
}

/// An answer under an unusual status is read into memory, and only so much of it.
const LONGEST_UNUSUAL: u64 = 1 << 20;

impl HttpAnswer {
    /// The body, once it is known that it can be an answer of SOMA: XML under status 200,
    /// and under most others where it is a response or a fault. Gateways send faults under
    /// 500 (soma-wire section 1.4), what stands in front of them may choose another.
    pub fn into_soma_body(mut self) -> Result<Body> {
        let may_be_xml = self.content_type.is_empty() || self.content_type.contains("xml");
        match self.status {
            200 if may_be_xml => {
                return match self.unread_as_text() {
                    None => Ok(self.body),
                    Some(why) => Err(SomaError::new(SomaErrorKind::Malformed, why).with_hint(
                        "nobody asked for that: look at proxies and load balancers on the way to the device",
                    )),
                };
            }
            401 => {
                return Err(SomaError::new(
                    SomaErrorKind::LoginRefused,
                    "the device answered HTTP 401 (not authorized)",
                )
                .with_hint("check user name and password; the account may also be locked"));
            }
            503 => {
                return Err(SomaError::new(
                    SomaErrorKind::Unavailable,
                    "the device answered HTTP 503 (service unavailable)",
                ));
            }
            413 => {
                return Err(SomaError::new(
                    SomaErrorKind::NotManagement,
                    "the answer is HTTP 413 (the request is too long)",
                )
                .with_hint(
                    "what stands in front of the device, or the device itself, limits how long a request may be: raise that limit",
                ));
            }
            200 | 300..=399 => {}
            _ if may_be_xml => return self.unusual(),
            _ => {}
        }
        let mut start = Vec::new();
        // What stands in the body only illustrates the error: a failure to read it is no other one.
        let _ = self.body.by_ref().take(200).read_to_end(&mut start);
        Err(self.not_soma(SomaErrorKind::NotManagement, &begins(&start)))
    }

    /// Why the body cannot be read as the text that an answer is, by what stands before it.
    fn unread_as_text(&self) -> Option<String> {
        if !matches!(self.content_encoding.as_str(), "" | "identity") {
            let encoding = &self.content_encoding;
            return Some(format!("the answer is encoded (Content-Encoding: {encoding})"));
        }
        let is_wide = ["utf-16", "utf-32", "ucs-2", "utf16"]
            .iter()
            .any(|wide| self.content_type.contains(wide));
        is_wide.then(|| format!("the answer is not UTF-8 (Content-Type: {})", self.content_type))
    }

    /// XML under an unusual status: a response or a fault is as good as under 200.
    fn unusual(mut self) -> Result<Body> {
        let mut bytes = Vec::new();
        let outcome = self.body.by_ref().take(LONGEST_UNUSUAL).read_to_end(&mut bytes);
        if let Some(failure) = self.body.failure() {
            return Err(failure);
        }
        outcome.map_err(|error| SomaError::new(SomaErrorKind::Broken, error))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match Answer::new(text, self.body.deadline().clone()).recognize() {
            Ok(()) => {
                self.body.reader = Box::new(io::Cursor::new(bytes));
                Ok(self.body)
            }
            Err(error) => match error.kind {
                SomaErrorKind::Malformed if !bytes.is_empty() => {
                    Err(self.not_soma(error.kind, &format!(": {}", error.message)))
                }
                SomaErrorKind::Malformed | SomaErrorKind::NotManagement => {
                    Err(self.not_soma(error.kind, &begins(&bytes)))
                }
                // It was not read to its end.
                _ => Err(error),
            },
        }
    }

    /// The error that something else than SOMA stands for; `told` says more about it.
    fn not_soma(self, kind: SomaErrorKind, told: &str) -> SomaError {
        let content_type = if self.content_type.is_empty() {
            "no content type".to_owned()
        } else {
            self.content_type
        };
        let target = self
            .location
            .map_or_else(String::new, |location| format!(" to {location}"));
        let message = format!(
            "the answer is HTTP {}{target} with {content_type}, not SOMA{told}",
            self.status
        );
        SomaError::new(kind, message).with_hint(WRONG_PORT)
    }
}

/// How a body begins, in words.
fn begins(body: &[u8]) -> String {
    let start = body.get(..200).unwrap_or(body);
    let start = String::from_utf8_lossy(start);
    let words = start.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.is_empty() {
        true => String::new(),
        false => format!("; it begins {}", quote(&words)),
    }
}

/// The body of an answer. A failure to read it is told as an [`io::Error`] to readers,
/// and in full by [`Body::failure`].
pub struct Body {
    pub(super) reader: Box<dyn Read>,
    pub(super) explain: Explain,
    pub(super) failure: Option<SomaError>,
}

impl Body {
    /// Until when it may be read.
    pub fn deadline(&self) -> &Deadline {
        &self.explain.deadline
    }

    /// Why reading failed, if it did.
    pub fn failure(&mut self) -> Option<SomaError> {
        self.failure.take()
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What has arrived already is read without a wait: no limit of a wait ends that.
        let (kind, explained) = match self.deadline().check() {
            Err(over) => (io::ErrorKind::TimedOut, over),
            Ok(()) => match self.reader.read(buffer) {
                Ok(amount) => return Ok(amount),
                Err(error) => (error.kind(), self.explain.error(ureq::Error::from(error))),
            },
        };
        let told = io::Error::new(kind, explained.message.clone());
        self.failure = Some(explained);
        Err(told)
    }
}
