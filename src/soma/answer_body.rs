//! What came over HTTP: whether it can be an answer of SOMA, and its body, which is read as it arrives.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use crate::soma::deadline::Deadline;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::exchange::Explain;
use crate::soma::own_secrets::OwnSecrets;
use crate::soma::page::{LONGEST_PAGE, PageWords};
use crate::soma::reply::{Answer, WRONG_PORT, cut};

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
    pub body: Body,
    /// It began before all of the request had been sent.
    pub came_early: bool,
}

/// So long the page of an answer is waited for whose head says it all.
pub(super) const PAGE_WITHIN: Duration = Duration::from_secs(2);

/// How much of it is read at once.
const PIECE: usize = 4096;

/// Whether this status and type of content say that it is no answer of SOMA: what stands in the body only says more.
pub(super) fn is_told_by_its_head(status: u16, content_type: &str) -> bool {
    let may_be_xml = content_type.is_empty() || content_type.contains("xml");
    matches!(status, 300..=399 | 401 | 413 | 503) || !may_be_xml
}

/// An answer under an unusual status is read into memory, and only so much of it.
const LONGEST_UNUSUAL: u64 = 1 << 20;

impl HttpAnswer {
    /// The body, once it is known that it can be an answer of SOMA: XML under status 200,
    /// and under most others where it is a response or a fault. Gateways send faults under
    /// 500 (soma-wire section 1.4), what stands in front of them may choose another.
    pub(super) fn into_soma_body(mut self, secrets: &OwnSecrets) -> Result<Body> {
        match self.status {
            status if is_told_by_its_head(status, &self.content_type) => {}
            200 => {
                return match self.unread_as_text() {
                    None => Ok(self.body),
                    Some(why) => Err(SomaError::new(SomaErrorKind::Malformed, why).with_hint(
                        "nobody asked for that: look at proxies and load balancers on the way to the device",
                    )),
                };
            }
            _ => return self.unusual(secrets),
        }
        let page = self.page();
        Err(self.refused(&page, secrets))
    }

    /// What comes of the page behind a head that says it all, in a moment: it only says more, and a failure to read it is
    /// no other one.
    fn page(&mut self) -> Vec<u8> {
        let (begun, mut page, mut piece) = (Instant::now(), Vec::new(), [0; PIECE]);
        while page.len() < LONGEST_PAGE && begun.elapsed() < PAGE_WITHIN {
            match self.body.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(amount) => page.extend_from_slice(piece.get(..amount).unwrap_or_default()),
            }
        }
        page.truncate(LONGEST_PAGE);
        page
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
    fn unusual(mut self, secrets: &OwnSecrets) -> Result<Body> {
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
                    let words = PageWords::of(&bytes, self.body.deadline(), secrets);
                    Err(self.not_soma(error.kind, &quoted(&words)))
                }
                // It was not read to its end.
                _ => Err(error),
            },
        }
    }

    /// The error of a status that refuses, or of a body that cannot be SOMA.
    fn refused(self, body: &[u8], secrets: &OwnSecrets) -> SomaError {
        let words = PageWords::of(body, self.body.deadline(), secrets);
        let told = quoted(&words);
        let by_status = |kind, status: &str, hint| {
            SomaError::new(kind, format!("the device answered HTTP {status}{told}")).with_hint(hint)
        };
        match self.status {
            // The kind stays: whatever it is, one more try could lock the account there.
            401 if words.is_of_another_service() => {
                self.not_soma(SomaErrorKind::LoginRefused, &told).with_hint(OTHER_LOGIN)
            }
            401 => by_status(
                SomaErrorKind::LoginRefused,
                "401 (not authorized)",
                "check user name and password; the account may also be locked",
            ),
            503 => by_status(
                SomaErrorKind::Unavailable,
                "503 (service unavailable)",
                "the device, or what stands in front of it, is starting, overloaded or being serviced: try again later",
            ),
            413 => SomaError::new(
                SomaErrorKind::NotManagement,
                format!("the answer is HTTP 413 (the request is too long){told}"),
            )
            .with_hint(
                "what stands in front of the device, or the device itself, limits how long a request may be: raise that limit",
            ),
            403 => self.not_soma(SomaErrorKind::NotManagement, &told).with_hint(
                "an access list of the device, or something in front of it, turns this machine away, or the port is \
                 another service's: the XML Management Interface is usually on 5550",
            ),
            407 => self.not_soma(SomaErrorKind::NotManagement, &told).with_hint(
                "a proxy answers, and not the device: let this machine reach the device without it",
            ),
            _ => self.not_soma(SomaErrorKind::NotManagement, &told),
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

/// The advice for a login that something else than SOMA refuses.
const OTHER_LOGIN: &str = "whoever answers is not the XML Management Interface, so that user name and password may well be \
     right: correct `port` (usually 5550; 9090 is the web GUI, 5554 is REST), or look at what stands in front of the device";

/// An error quotes at most so many characters of a page.
const MAX_QUOTE: usize = 200;

/// What a body says, behind the status it came under.
fn quoted(words: &PageWords) -> String {
    match words.text() {
        "" => String::new(),
        said => format!(": \"{}\"", cut(said, MAX_QUOTE)),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use secrecy::SecretString;

    use super::*;
    use crate::values::timeouts::RequestLimit;

    const MINUTE: Duration = Duration::from_secs(60);

    fn error(status: u16, content_type: &str, body: &str) -> SomaError {
        error_of(
            status,
            content_type,
            Box::new(io::Cursor::new(body.as_bytes().to_vec())),
        )
    }

    fn error_of(status: u16, content_type: &str, reader: Box<dyn Read>) -> SomaError {
        let explain = Explain {
            place: ("qa1".to_owned(), 5550),
            stands: Arc::new(AtomicBool::new(true)),
            began: Arc::new(AtomicBool::new(true)),
            connect: MINUTE,
            idle: MINUTE,
            deadline: Deadline::after(RequestLimit::of_its_own(MINUTE), Arc::default()),
        };
        let answer = HttpAnswer {
            status,
            content_type: content_type.to_owned(),
            content_encoding: String::new(),
            location: None,
            body: Body {
                reader,
                explain,
                failure: None,
            },
            came_early: false,
        };
        let secrets = OwnSecrets::new("backup", &SecretString::from("Tr0ub4dor&3xyz"));
        match answer.into_soma_body(&secrets) {
            Ok(_) => panic!("{status} {content_type} is no answer"),
            Err(error) => error,
        }
    }

    const FAULT: &str = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><e:Fault>\
        <faultcode>e:Client</faultcode><faultstring>Password expired</faultstring></e:Fault></e:Body></e:Envelope>";

    #[test]
    fn what_a_device_says_with_a_refusal_reaches_the_message() {
        for (status, content_type, body, kind, message) in [
            (
                401,
                "text/xml",
                FAULT,
                SomaErrorKind::LoginRefused,
                "the device answered HTTP 401 (not authorized): \"Password expired\"",
            ),
            (
                401,
                "",
                "",
                SomaErrorKind::LoginRefused,
                "the device answered HTTP 401 (not authorized)",
            ),
            (
                503,
                "text/html",
                "<html><title>Maintenance</title></html>",
                SomaErrorKind::Unavailable,
                "the device answered HTTP 503 (service unavailable): \"Maintenance\"",
            ),
            (
                503,
                "text/xml",
                FAULT,
                SomaErrorKind::Unavailable,
                "the device answered HTTP 503 (service unavailable): \"Password expired\"",
            ),
            (
                403,
                "text/html; charset=utf-8",
                "<html><body>Access denied</body></html>",
                SomaErrorKind::NotManagement,
                "the answer is HTTP 403 with text/html; charset=utf-8, not SOMA: \"Access denied\"",
            ),
            (
                404,
                "application/json",
                "{\"_links\":{},\"error\":[\"Resource not found.\"]}",
                SomaErrorKind::NotManagement,
                "the answer is HTTP 404 with application/json, not SOMA: \"Resource not found.\"",
            ),
        ] {
            let error = error(status, content_type, body);
            assert_eq!((error.kind, error.message.as_str()), (kind, message));
        }
    }

    /// A page that never ends, a byte at a time.
    struct Trickle<'t>(&'t AtomicUsize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(50));
            buffer.fill(b'x');
            Ok(1)
        }
    }

    #[test]
    fn a_page_that_does_not_come_holds_up_nothing_that_its_head_says() {
        static READS: AtomicUsize = AtomicUsize::new(0);
        for (status, content_type, kind) in [
            (401, "text/xml", SomaErrorKind::LoginRefused),
            (503, "text/html", SomaErrorKind::Unavailable),
            (500, "text/html", SomaErrorKind::NotManagement),
        ] {
            READS.store(0, Ordering::SeqCst);
            assert_eq!(
                error_of(status, content_type, Box::new(Trickle(&READS))).kind,
                kind
            );
            assert!(READS.load(Ordering::SeqCst) < 100, "{status}");
        }
    }

    #[test]
    fn a_login_that_another_service_refuses_says_nothing_of_the_password() {
        for (content_type, body) in [
            ("application/json", "{\"error\":[\"Authentication failure.\"]}"),
            (
                "text/html",
                "<html><title>401 Authorization Required</title></html>",
            ),
        ] {
            let error = error(401, content_type, body);
            assert_eq!(error.kind, SomaErrorKind::LoginRefused);
            let hint = error.hint.expect("advice");
            assert!(hint.contains("correct `port`"), "{hint}");
            assert!(!hint.contains("check user name and password"), "{hint}");
        }
    }

    #[test]
    fn a_secret_is_looked_for_before_the_words_are_cut() {
        // The cut goes through the password, so that less of it is left than is known again.
        let body = format!("{} Tr0ub4dor&3xyz", "x".repeat(MAX_QUOTE - 5));
        for status in [401, 403, 503] {
            let message = error(status, "text/plain", &body).message;
            assert!(!message.contains("Tr0u"), "{message}");
        }
    }
}
