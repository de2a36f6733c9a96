//! One HTTPS conversation with one device: POST, and a body that is streamed.
//!
//! No proxy from the environment, no redirects, a limit on every phase, one connection
//! that is kept and used again where the device keeps it too.

use std::fmt;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use ureq::unversioned::transport::Connector;

use crate::soma::deadline::Deadline;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::peer::{self, Reached};
use crate::soma::reply::{Answer, WRONG_PORT, quote};
use crate::soma::request::{Effect, Request};
use crate::soma::resolve::{HostNames, LookupError};
use crate::soma::reuse::{ConnectionsAsked, IDLE_FOR_QUESTIONS, Reuse};
use crate::soma::tcp::TcpConnect;
use crate::soma::tls::{self, HandshakeBroken, IdleLimit, TlsConnector};
use crate::soma::tls_words::{explain, nothing_in_common};
use crate::soma::unreachable;
use crate::soma::upload::Upload;
use crate::values::timeouts::Timeouts;

/// A conversation with one device.
pub struct Http {
    /// It keeps the connection that is idle, and is made anew to let it go.
    agent: Arc<Mutex<ureq::Agent>>,
    make_agent: Box<dyn Fn() -> ureq::Agent + Send + Sync>,
    place: (String, u16),
    url: String,
    /// The newest connection stands; what is missing is TLS.
    stands: Arc<AtomicBool>,
    /// Something of the newest request may have been sent.
    began: Arc<AtomicBool>,
    authorization: SecretString,
    timeouts: Timeouts,
    idle: IdleLimit,
    reuse: Reuse,
    asked: ConnectionsAsked,
    interrupted: Arc<AtomicBool>,
}

/// What came of a request.
struct SentRequest {
    response: Result<ureq::http::Response<ureq::Body>>,
    /// It went over a connection that had carried another before.
    reused: bool,
}

impl SentRequest {
    /// The connection was a used one, and broke before the answer.
    fn broke_when_reused(&self) -> bool {
        let broke = |error: &SomaError| error.kind == SomaErrorKind::Broken;
        self.reused && self.response.as_ref().is_err_and(broke)
    }
}

/// The start of an answer, and its body still to be read.
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, lower case; empty where there is none.
    pub content_type: String,
    /// `Location` of a redirect.
    pub location: Option<String>,
    /// The body.
    pub body: Body,
}

impl Http {
    /// Prepares a conversation; nothing is sent yet.
    pub(crate) fn new(
        host: &str,
        port: u16,
        username: &str,
        password: &SecretString,
        tls: Arc<ClientConfig>,
        timeouts: Timeouts,
        reuse: Reuse,
    ) -> Result<Self> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| {
            SomaError::new(
                SomaErrorKind::Unreachable,
                format!("'{host}' is no host name or address"),
            )
        })?;
        let in_url = if bare.contains(':') {
            format!("[{bare}]")
        } else {
            bare.to_owned()
        };
        let credentials = SecretString::from(format!("{username}:{}", password.expose_secret()));
        let encoded = base64::engine::general_purpose::STANDARD.encode(credentials.expose_secret());
        let idle = IdleLimit::default();
        let config = ureq::Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_idle_age(IDLE_FOR_QUESTIONS)
            .max_idle_connections_per_host(1)
            .user_agent(concat!("dpbackup/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(timeouts.connect))
            .timeout_connect(Some(timeouts.connect))
            .timeout_send_request(Some(timeouts.request))
            .timeout_send_body(Some(timeouts.request))
            .build();
        let interrupted = Arc::new(AtomicBool::new(false));
        let stands = Arc::new(AtomicBool::new(false));
        let began = Arc::new(AtomicBool::new(false));
        let asked = ConnectionsAsked::default();
        let parts = (
            asked.clone(),
            idle.clone(),
            Arc::clone(&interrupted),
            Arc::clone(&stands),
            Arc::clone(&began),
        );
        let make_agent = Box::new(move || {
            let (asked, idle, interrupted, stands, began) = &parts;
            let connector = asked
                .clone()
                .chain(TcpConnect::new(Arc::clone(interrupted), Arc::clone(stands)))
                .chain(TlsConnector {
                    config: Arc::clone(&tls),
                    name: name.clone(),
                    idle: idle.clone(),
                    began: Arc::clone(began),
                });
            ureq::Agent::with_parts(config.clone(), connector, HostNames::new(Arc::clone(interrupted)))
        });
        Ok(Self {
            place: (bare.to_owned(), port),
            agent: Arc::new(Mutex::new(make_agent())),
            make_agent,
            url: format!("https://{in_url}:{port}/service/mgmt/current"),
            stands,
            began,
            authorization: SecretString::from(format!("Basic {encoded}")),
            timeouts,
            idle,
            reuse,
            asked,
            interrupted,
        })
    }

    /// What the device has shown about used connections, for another conversation with it.
    pub(crate) fn reuse(&self) -> Reuse {
        self.reuse.clone()
    }

    /// Sends `request` and waits for the start of the answer. The whole exchange, body
    /// included, must end within `total`.
    ///
    /// A question on a used connection that broke before the answer is asked again at
    /// once, on a new one.
    pub fn post(&self, request: &Request, total: Duration) -> Result<HttpAnswer> {
        let deadline = Deadline::after(total, Arc::clone(&self.interrupted));
        let mut sent = self.send(request, &deadline);
        if sent.broke_when_reused() {
            self.reuse.broke();
            if request.effect == Effect::Question {
                sent = self.send(request, &deadline);
            }
        }
        self.answered(sent, &deadline)
    }

    /// Sends an archive, once, and waits for the start of the answer, both within `total`.
    pub(crate) fn upload(&self, upload: &Upload<'_>, total: Duration) -> Result<HttpAnswer> {
        let deadline = Deadline::after(total, Arc::clone(&self.interrupted));
        let mut body = upload.body();
        let asked = self.asked.count();
        let response = self
            .request(&deadline, Effect::Change)
            .config()
            .timeout_send_body(Some(total))
            .build()
            .header("Content-Length", upload.length().to_string())
            .send(ureq::SendBody::from_reader(&mut body));
        let sent = SentRequest {
            response: response.map_err(|error| match body.failure() {
                Some(local) => SomaError::new(SomaErrorKind::Local(local.kind()), local),
                None => self.failed(&deadline, error),
            }),
            reused: self.asked.count() == asked,
        };
        if sent.broke_when_reused() {
            self.reuse.broke();
        }
        self.answered(sent, &deadline)
    }

    /// The start of an answer that has come.
    fn answered(&self, sent: SentRequest, deadline: &Deadline) -> Result<HttpAnswer> {
        let response = sent.response?;
        if sent.reused {
            self.reuse.answered();
        }
        self.idle.set(self.timeouts.idle);
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let content_type = header("content-type").unwrap_or_default().to_ascii_lowercase();
        let location = header("location").map(str::to_owned);
        let status = response.status().as_u16();
        let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
        let body = Body {
            reader: Box::new(reader),
            explain: self.explain(deadline),
            failure: None,
        };
        Ok(HttpAnswer {
            status,
            content_type,
            location,
            body,
        })
    }

    /// Sends `request`, once.
    fn send(&self, request: &Request, deadline: &Deadline) -> SentRequest {
        let asked = self.asked.count();
        let response = self.request(deadline, request.effect).send(&request.envelope);
        SentRequest {
            response: response.map_err(|error| self.failed(deadline, error)),
            reused: self.asked.count() == asked,
        }
    }

    /// The head of a request of this effect. One that needs a new connection has the idle one closed
    /// first: there are devices that serve one at a time.
    fn request(
        &self,
        deadline: &Deadline,
        effect: Effect,
    ) -> ureq::RequestBuilder<ureq::typestate::WithBody> {
        self.idle.clear();
        self.began.store(false, Ordering::SeqCst);
        let longest_idle = self.reuse.longest_idle(effect);
        if longest_idle.is_zero() {
            self.let_go();
        }
        self.agent()
            .post(&self.url)
            .config()
            .timeout_global(deadline.left())
            .max_idle_age(longest_idle)
            .build()
            .header("Authorization", self.authorization.expose_secret())
            .header("Content-Type", "text/xml; charset=utf-8")
    }

    /// Closes the connection that is idle, if there is one.
    pub(crate) fn let_go(&self) {
        let anew = (self.make_agent)();
        let before = std::mem::replace(&mut *locked(&self.agent), anew);
        drop(before);
    }

    fn agent(&self) -> ureq::Agent {
        locked(&self.agent).clone()
    }

    /// Ends whatever this conversation is doing, from any thread, for good.
    pub fn interrupter(&self) -> Arc<dyn Fn() + Send + Sync> {
        let agent = Arc::clone(&self.agent);
        let interrupted = Arc::clone(&self.interrupted);
        Arc::new(move || {
            interrupted.store(true, Ordering::SeqCst);
            let agent = locked(&agent).clone();
            agent.shutdown();
        })
    }

    /// What it means that a request got no answer.
    fn failed(&self, deadline: &Deadline, error: ureq::Error) -> SomaError {
        SomaError {
            nothing_sent: !self.began.load(Ordering::SeqCst),
            ..self.explain(deadline).error(error)
        }
    }

    fn explain(&self, deadline: &Deadline) -> Explain {
        Explain {
            place: self.place.clone(),
            stands: Arc::clone(&self.stands),
            connect: self.timeouts.connect,
            idle: self.timeouts.idle,
            deadline: deadline.clone(),
        }
    }
}

/// The agent that is in force. Nothing that holds the lock can panic half-way.
fn locked(agent: &Mutex<ureq::Agent>) -> MutexGuard<'_, ureq::Agent> {
    agent.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
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
            200 if may_be_xml => return Ok(self.body),
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
            200 | 300..=399 => {}
            _ if may_be_xml => return self.unusual(),
            _ => {}
        }
        let mut start = Vec::new();
        // What stands in the body only illustrates the error: a failure to read it is no other one.
        let _ = self.body.by_ref().take(200).read_to_end(&mut start);
        Err(self.not_soma(SomaErrorKind::NotManagement, &begins(&start)))
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
    reader: Box<dyn Read>,
    explain: Explain,
    failure: Option<SomaError>,
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

/// Turns errors of `ureq` into ours.
struct Explain {
    place: (String, u16),
    stands: Arc<AtomicBool>,
    connect: Duration,
    idle: Duration,
    deadline: Deadline,
}

impl Explain {
    fn error(&self, error: ureq::Error) -> SomaError {
        if self.deadline.is_interrupted() {
            return Deadline::interrupted();
        }
        let limit = |duration: Duration| humantime::format_duration(duration).to_string();
        match error {
            ureq::Error::Timeout(ureq::Timeout::Resolve) => {
                unreachable::silent_name_service(&self.place.0, self.connect)
            }
            ureq::Error::Timeout(ureq::Timeout::Connect) if self.stands.load(Ordering::SeqCst) => {
                unreachable::no_handshake(self.connect)
            }
            ureq::Error::Timeout(ureq::Timeout::Connect) => unreachable::no_connection(self.connect),
            ureq::Error::Timeout(ureq::Timeout::PerRead) => SomaError::new(
                SomaErrorKind::TimedOut,
                format!("no byte arrived for {}", limit(self.idle)),
            ),
            ureq::Error::Timeout(_) => self.deadline.over(),
            ureq::Error::HostNotFound => {
                unreachable::unknown_host(&self.place.0, &io::ErrorKind::NotFound.into())
            }
            ureq::Error::ConnectionFailed => {
                SomaError::new(SomaErrorKind::Unreachable, "no connection could be made")
            }
            ureq::Error::Rustls(error) => self.tls(&error),
            ureq::Error::Io(error) => self.io(&error),
            ureq::Error::Protocol(error) => SomaError::new(
                SomaErrorKind::Malformed,
                format!("the answer is not HTTP as it should be: {error}"),
            ),
            other => SomaError::new(SomaErrorKind::Malformed, format!("the exchange failed: {other}")),
        }
    }

    /// What TLS failed of. Where the device has not said what it lacks, its certificate tells, which a
    /// handshake that accepts everything shows, and over which nothing is sent.
    fn tls(&self, error: &rustls::Error) -> SomaError {
        let told = explain(error);
        if !nothing_in_common(error) {
            return told;
        }
        let (host, port) = &self.place;
        let limit = self
            .deadline
            .left()
            .map_or(self.connect, |left| left.min(self.connect));
        let shown =
            peer::reach(host, *port, limit, self.deadline.interruption()).and_then(Reached::shake_hands);
        match shown.map(|peer| peer.unverifiable()) {
            Ok(Some(why)) => why,
            Ok(None) | Err(_) => told,
        }
    }

    fn io(&self, error: &io::Error) -> SomaError {
        if let Some(inner) = error.get_ref() {
            if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
                return self.tls(tls);
            }
            match inner.downcast_ref::<LookupError>() {
                Some(LookupError::Unknown(why)) => return unreachable::unknown_host(&self.place.0, why),
                Some(other) => return SomaError::new(SomaErrorKind::Unreachable, other),
                None => {}
            }
            if inner.downcast_ref::<HandshakeBroken>().is_some() {
                return SomaError::new(SomaErrorKind::Tls, error).with_hint(tls::ACCESS_LIST);
            }
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::AddrNotAvailable => unreachable::not_connected(error),
            io::ErrorKind::UnexpectedEof => SomaError::new(
                SomaErrorKind::Broken,
                "the connection was closed before the answer was complete",
            ),
            _ => SomaError::new(SomaErrorKind::Broken, format!("the connection broke: {error}")),
        }
    }
}
