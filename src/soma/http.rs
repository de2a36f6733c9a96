//! One HTTPS conversation with one device: POST, and a body that is streamed.
//!
//! No proxy from the environment, no redirects, a limit on every phase, one connection
//! that is kept and used again where the device keeps it too.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use ureq::config::Config;
use ureq::unversioned::transport::Connector;

use crate::soma::addresses::AddressesTried;
use crate::soma::answer_body::{Body, HttpAnswer, PAGE_WITHIN, is_told_by_its_head};
use crate::soma::deadline::Deadline;
use crate::soma::early::UploadWatch;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::exchange::Explain;
use crate::soma::request::{Effect, Request};
use crate::soma::resolve::HostNames;
use crate::soma::reuse::{CarriedCount, ConnectionsAsked, IDLE_FOR_QUESTIONS, Reuse, may_be_unread};
use crate::soma::spare_socket::SpareSocket;
use crate::soma::tcp::TcpConnect;
use crate::soma::tls::{IdleLimit, TlsConnector};
use crate::soma::upload::Upload;
use crate::values::timeouts::{RequestLimit, Timeouts};

/// How soon another connection is made where one was closed while it was being made.
const NEXT_CONNECTION: Duration = Duration::from_millis(250);

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
    shared: SharedByAll,
    asked: ConnectionsAsked,
    carried: CarriedCount,
    watch: UploadWatch,
    tried: AddressesTried,
    interrupted: Arc<AtomicBool>,
}

/// What all conversations with one device share.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedByAll {
    /// What it has shown about used connections.
    reuse: Reuse,
    spare: SpareSocket,
}

/// What the connections of a conversation are made of, and what they show of themselves.
#[derive(Clone)]
struct Wire {
    tls: Arc<ClientConfig>,
    name: ServerName<'static>,
    asked: ConnectionsAsked,
    idle: IdleLimit,
    interrupted: Arc<AtomicBool>,
    stands: Arc<AtomicBool>,
    began: Arc<AtomicBool>,
    watch: UploadWatch,
    tried: AddressesTried,
    spare: SpareSocket,
}

impl Wire {
    fn agent(&self, config: &Config) -> ureq::Agent {
        let tcp = TcpConnect::new(Arc::clone(&self.interrupted), Arc::clone(&self.stands));
        let connector = self
            .asked
            .clone()
            .chain(tcp.with_known(self.tried.clone(), self.spare.clone()))
            .chain(TlsConnector {
                config: Arc::clone(&self.tls),
                name: self.name.clone(),
                idle: self.idle.clone(),
                began: Arc::clone(&self.began),
                watch: self.watch.clone(),
            });
        let names = HostNames::new(Arc::clone(&self.interrupted)).knowing(self.tried.clone());
        ureq::Agent::with_parts(config.clone(), connector, names)
    }
}

/// What a connection holds of what comes and of what goes, once before TLS and once behind it: some records of TLS, of
/// 16 KiB each.
const BUFFER_BYTES: usize = 64 * 1024;

fn agent_config(timeouts: Timeouts) -> Config {
    ureq::Agent::config_builder()
        .https_only(true)
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .max_idle_age(IDLE_FOR_QUESTIONS)
        .max_idle_connections_per_host(1)
        .input_buffer_size(BUFFER_BYTES)
        .output_buffer_size(BUFFER_BYTES)
        .user_agent(concat!("dpbackup/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(timeouts.connect))
        .timeout_connect(Some(timeouts.connect))
        .timeout_send_request(Some(timeouts.request))
        .timeout_send_body(Some(timeouts.request))
        .build()
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

impl Http {
    /// Prepares a conversation; nothing is sent yet.
    pub(crate) fn new(
        host: &str,
        port: u16,
        username: &str,
        password: &SecretString,
        tls: Arc<ClientConfig>,
        timeouts: Timeouts,
        shared: SharedByAll,
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
        let wire = Wire {
            tls,
            name,
            asked: ConnectionsAsked::default(),
            idle: IdleLimit::default(),
            interrupted: Arc::default(),
            stands: Arc::default(),
            began: Arc::default(),
            watch: UploadWatch::default(),
            tried: AddressesTried::default(),
            spare: shared.spare.clone(),
        };
        let (config, of_agents) = (agent_config(timeouts), wire.clone());
        let make_agent = Box::new(move || of_agents.agent(&config));
        Ok(Self {
            place: (bare.to_owned(), port),
            agent: Arc::new(Mutex::new(make_agent())),
            make_agent,
            url: format!("https://{in_url}:{port}/service/mgmt/current"),
            stands: wire.stands,
            began: wire.began,
            authorization: SecretString::from(format!("Basic {encoded}")),
            timeouts,
            idle: wire.idle,
            shared,
            asked: wire.asked,
            carried: CarriedCount::default(),
            watch: wire.watch,
            tried: wire.tried,
            interrupted: wire.interrupted,
        })
    }

    /// Whether the newest request went over the connection of the one before it.
    pub(crate) fn is_on_one_before(&self) -> bool {
        self.carried.is_of_one_before()
    }

    /// What another conversation with the device shares with this one.
    pub(crate) fn shared(&self) -> SharedByAll {
        self.shared.clone()
    }

    /// Sends `request` and waits for the start of the answer. The whole exchange, body
    /// included, must end within `limit`.
    ///
    /// A question on a used connection that broke before the answer is asked again at
    /// once, on a new one. Of anything else it is said whether the device may not have read it.
    pub fn post(&self, request: &Request, limit: RequestLimit) -> Result<HttpAnswer> {
        let deadline = Deadline::after(limit, Arc::clone(&self.interrupted));
        let begun = Instant::now();
        let mut sent = self.served(|| self.send(request, &deadline));
        if sent.broke_when_reused() {
            self.shared.reuse.broke();
            match request.effect {
                Effect::Question => sent = self.send(request, &deadline),
                Effect::Export | Effect::Change => {
                    sent.response = sent.response.map_err(|error| SomaError {
                        may_be_unread: may_be_unread(begun.elapsed()),
                        ..error
                    });
                }
            }
        }
        self.answered(sent, &deadline)
    }

    /// Sends an archive, once, and waits for the start of the answer, both within `limit`.
    pub(crate) fn upload(&self, upload: &Upload<'_>, limit: RequestLimit) -> Result<HttpAnswer> {
        let deadline = Deadline::after(limit, Arc::clone(&self.interrupted));
        let mut came_early = false;
        let sent = self.served(|| {
            let mut body = upload.body();
            let asked = self.asked.count();
            self.watch.begin();
            let response = self
                .request(&deadline, Effect::Change)
                .config()
                .timeout_send_body(Some(limit.time))
                .build()
                .header("Content-Length", upload.length().to_string())
                .send(ureq::SendBody::from_reader(&mut body));
            came_early = self.watch.end();
            let sent = SentRequest {
                response: response.map_err(|error| match body.failure() {
                    Some(local) => SomaError::new(SomaErrorKind::Local(local.kind()), local),
                    None => self.failed(&deadline, error),
                }),
                reused: self.asked.count() == asked,
            };
            self.carried.sent(sent.reused);
            sent
        });
        if sent.broke_when_reused() {
            self.shared.reuse.broke();
        }
        let answer = self.answered(sent, &deadline)?;
        Ok(HttpAnswer { came_early, ..answer })
    }

    /// Sends by `send`; and again at the next address of the device where a handshake has failed: nothing was sent.
    fn served(&self, mut send: impl FnMut() -> SentRequest) -> SentRequest {
        let first = served_at_an_address(&mut send);
        let mut goes_on = self.failed_in_handshake(&first);
        while goes_on && self.tried.another_is_left() {
            let later = served_at_an_address(&mut send);
            if !later.response.as_ref().is_err_and(|error| error.nothing_sent) {
                return later;
            }
            goes_on = self.failed_in_handshake(&later);
        }
        first
    }

    fn failed_in_handshake(&self, sent: &SentRequest) -> bool {
        let is_early = |error: &SomaError| error.nothing_sent && error.kind != SomaErrorKind::Interrupted;
        !sent.reused && self.stands.load(Ordering::SeqCst) && sent.response.as_ref().is_err_and(is_early)
    }

    /// The start of an answer that has come.
    fn answered(&self, sent: SentRequest, deadline: &Deadline) -> Result<HttpAnswer> {
        let response = sent.response?;
        if sent.reused {
            self.shared.reuse.answered();
        }
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let content_type = header("content-type").unwrap_or_default().to_ascii_lowercase();
        let content_encoding = header("content-encoding")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let location = header("location").map(str::to_owned);
        let status = response.status().as_u16();
        self.idle.set(match is_told_by_its_head(status, &content_type) {
            true => self.timeouts.idle.min(PAGE_WITHIN),
            false => self.timeouts.idle,
        });
        let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
        let body = Body {
            reader: Box::new(reader),
            explain: self.explain(deadline),
            failure: None,
        };
        Ok(HttpAnswer {
            status,
            content_type,
            content_encoding,
            location,
            body,
            came_early: false,
        })
    }

    /// Sends `request`, once.
    fn send(&self, request: &Request, deadline: &Deadline) -> SentRequest {
        let asked = self.asked.count();
        let response = self.request(deadline, request.effect).send(&request.envelope);
        let sent = SentRequest {
            response: response.map_err(|error| self.failed(deadline, error)),
            reused: self.asked.count() == asked,
        };
        self.carried.sent(sent.reused);
        sent
    }

    /// The head of a request of this effect. One that needs a new connection has the idle one closed
    /// first: there are devices that serve one at a time. What is changed has to be put back, whatever the machine runs
    /// out of meanwhile.
    fn request(
        &self,
        deadline: &Deadline,
        effect: Effect,
    ) -> ureq::RequestBuilder<ureq::typestate::WithBody> {
        self.idle.clear();
        self.began.store(false, Ordering::SeqCst);
        let longest_idle = self.shared.reuse.longest_idle(effect, self.carried.now());
        if longest_idle.is_zero() {
            self.let_go();
        }
        if effect == Effect::Change {
            self.shared.spare.hold();
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

    /// Connections of this conversation go where those of another went.
    pub(crate) fn go_on_from(&self, other: &Http) {
        self.tried.go_on_from(&other.tried);
    }

    /// What is known of the addresses of the device.
    pub(crate) fn addresses(&self) -> &AddressesTried {
        &self.tried
    }

    /// The next connection goes to another address, where there is one.
    pub(crate) fn to_another_address(&self) {
        let _there_is_one = self.tried.another_is_left();
    }

    /// Ends the connection that is kept.
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
            began: Arc::clone(&self.began),
            connect: self.timeouts.connect,
            idle: self.timeouts.idle,
            deadline: deadline.clone(),
        }
    }
}

/// Sends by `send` to whichever address has its turn; and once more where the connection was closed while it was being made: nothing was sent.
fn served_at_an_address(send: &mut impl FnMut() -> SentRequest) -> SentRequest {
    let sent = send();
    if !sent
        .response
        .as_ref()
        .is_err_and(|error| error.is_handshake_closed)
    {
        return sent;
    }
    std::thread::sleep(NEXT_CONNECTION);
    send()
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
