//! TLS: how a device's certificate is trusted, and the connector that does it.
//!
//! `ureq` takes no TLS configuration of ours, so this file has a connector for it. It
//! uses `ureq`'s `unversioned` module, which may change in a minor release: nothing
//! else does.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
    time,
};

use crate::soma::ca_file::{pem_words, roots_of};
use crate::soma::distrust::RootsPlace;
use crate::soma::early::{EarlyBytes, UploadWatch, read_only};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::handshake::{HandshakeWatch, certificate_wanted};
use crate::soma::interim::InterimAnswers;
use crate::soma::verifier::{Anybody, Authorities, Pinned, Verifier};
use crate::values::trust::Trust;

/// The TLS configuration for one way of trust.
pub fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>> {
    config_with(verifier(trust)?)
}

/// The TLS configuration in which this verifier decides.
pub(super) fn config_with(verifier: Arc<dyn ServerCertVerifier>) -> Result<Arc<ClientConfig>> {
    let config = ClientConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(TimeOfDay))
        .with_safe_default_protocol_versions()
        .map_err(|error| SomaError::new(SomaErrorKind::Tls, format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The time of day, for the dates of certificates.
#[derive(Debug)]
struct TimeOfDay;

impl TimeProvider for TimeOfDay {
    fn current_time(&self) -> Option<UnixTime> {
        Some(time_of_day(SystemTime::now()))
    }
}

/// A clock that stands before 1970 is at its beginning: there is something to put back on gateways all the same.
pub(super) fn time_of_day(now: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// Who decides whether a device is trusted.
pub(crate) fn verifier(trust: &Trust) -> Result<Arc<dyn ServerCertVerifier>> {
    Ok(match trust {
        Trust::SystemRoots => Arc::new(Verifier(Authorities {
            by_roots: by_roots(system_roots()?)?,
            certificates: Vec::new(),
            place: RootsPlace::Machine,
        })),
        Trust::CaFile(path) => {
            let (roots, certificates) = roots_of(path)?;
            let by_roots = by_roots(roots)?;
            Arc::new(Verifier(Authorities {
                by_roots,
                certificates,
                place: RootsPlace::CaFile,
            }))
        }
        Trust::Pin(pin) => Arc::new(Verifier(Pinned(*pin))),
        Trust::Off => Arc::new(Verifier(Anybody)),
    })
}

/// The verifier of `rustls` itself.
fn by_roots(roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>> {
    let provider = Arc::new(ring::default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| SomaError::new(SomaErrorKind::Tls, format!("TLS cannot be set up: {error}")))
}

fn system_roots() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found
            .errors
            .first()
            .map_or_else(|| "none found".to_owned(), words_of_roots);
        return Err(SomaError::new(
            SomaErrorKind::Tls,
            format!("the machine has no trusted root certificates ({why})"),
        )
        .with_hint(
            "name a ca_file or a pin_sha256 for the device, or install the system's CA certificates",
        ));
    }
    Ok(roots)
}

/// Why the roots of the machine could not be read. A file that is named for them may hold anything.
fn words_of_roots(error: &rustls_native_certs::Error) -> String {
    match &error.kind {
        rustls_native_certs::ErrorKind::Pem(pem) => format!("{}: {}", error.context, pem_words(pem)),
        _ => error.to_string(),
    }
}

/// The advice when a device hangs up before it has said anything.
pub(crate) const ACCESS_LIST: &str =
    "an access control list of the XML Management Interface may not hold this machine's address";

/// What it means that no connection could be made.
pub(crate) fn unreachable(error: &io::Error) -> SomaError {
    let unreachable = SomaError::new(SomaErrorKind::Unreachable, error);
    match error.kind() {
        io::ErrorKind::ConnectionRefused => unreachable.with_hint(
            "nothing listens there: is the XML Management Interface enabled, and is it on this port (usually 5550)?",
        ),
        _ => unreachable,
    }
}

/// What it means that the device hung up before TLS was agreed on.
pub(crate) fn closed_in_handshake(error: &io::Error) -> SomaError {
    let closed = HandshakeBroken(io::Error::new(error.kind(), error.to_string()));
    SomaError::new(SomaErrorKind::Tls, closed).with_hint(ACCESS_LIST)
}

/// How long a connection may stay silent, shared between a request and its transport.
/// Before an answer begins the limits of the request hold alone; then this one too.
#[derive(Clone, Debug, Default)]
pub struct IdleLimit(Arc<AtomicU64>);

impl IdleLimit {
    /// From now on, so long.
    pub fn set(&self, limit: Duration) {
        self.0.store(
            u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    /// From now on, no limit of its own.
    pub fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn shorten(&self, timeout: NextTimeout) -> NextTimeout {
        let millis = self.0.load(Ordering::Relaxed);
        let idle = Duration::from_millis(millis);
        if millis == 0 || *timeout.after <= idle {
            return timeout;
        }
        let mut timeout = timeout;
        timeout.after = time::Duration::Exact(idle);
        timeout.reason = ureq::Timeout::PerRead;
        timeout
    }
}

/// Wraps a TCP transport in TLS of our configuration.
pub(crate) struct TlsConnector {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
    pub(super) idle: IdleLimit,
    /// Set before the first byte of a request is sent.
    pub(super) began: Arc<AtomicBool>,
    /// Whether an answer may come before a request has been sent.
    pub(super) watch: UploadWatch,
}

impl TlsConnector {
    /// One for requests that are short, with no limits but those of the request.
    pub(crate) fn new(config: Arc<ClientConfig>, name: ServerName<'static>) -> Self {
        Self {
            config,
            name,
            idle: IdleLimit::default(),
            began: Arc::default(),
            watch: UploadWatch::default(),
        }
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> std::result::Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        let mut handshake = HandshakeWatch::default();
        let mut connection = ClientConnection::new(handshake.config(&self.config), self.name.clone())
            .map_err(ureq::Error::Rustls)?;
        let mut socket = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        let done = connection.complete_io(&mut handshake.stream(&mut socket));
        done.map_err(|error| handshake_error(error, &handshake))?;
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(Either::B(TlsTransport {
            buffers,
            stream: StreamOwned {
                conn: connection,
                sock: socket,
            },
            idle: self.idle.clone(),
            began: Arc::clone(&self.began),
            wants_certificate: handshake.asked_for_certificate(),
            interim: InterimAnswers::default(),
            watch: self.watch.clone(),
            early: EarlyBytes::default(),
        })))
    }
}

/// The peer closed or reset the connection before TLS was agreed on.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed during the TLS handshake ({0})")]
pub(crate) struct HandshakeBroken(io::Error);

fn handshake_error(error: io::Error, watch: &HandshakeWatch) -> ureq::Error {
    if let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return ureq::Error::Rustls(watch.explained(tls.clone()));
    }
    if watch.asked_for_certificate() && is_break(error.kind()) {
        return ureq::Error::Rustls(certificate_wanted());
    }
    match ureq::Error::from(error) {
        ureq::Error::Io(error) => ureq::Error::Io(io::Error::new(error.kind(), HandshakeBroken(error))),
        other => other,
    }
}

/// Whether the other side ended the connection.
fn is_break(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// How much is read at once before an answer has begun.
const PIECE: usize = 4096;

pub(crate) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    idle: IdleLimit,
    began: Arc<AtomicBool>,
    /// It asked for a client certificate, got none, and has not said a word yet: in TLS 1.3 it refuses
    /// only after the handshake.
    wants_certificate: bool,
    interim: InterimAnswers,
    watch: UploadWatch,
    early: EarlyBytes,
}

impl TlsTransport {
    /// Sends some of a request that is long, as long as the other side takes it: what it says meanwhile is kept.
    fn transmit_watched(&mut self, amount: usize) -> std::result::Result<(), ureq::Error> {
        self.early.look(&mut self.stream, &mut self.interim, &self.watch);
        if self.early.is_over() {
            return Ok(());
        }
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        match self.stream.write_all(output) {
            Err(error) if is_break(error.kind()) => {
                self.early.broke(&self.watch);
                Ok(())
            }
            written => written.map_err(|error| self.error(error)),
        }
    }

    /// Reads what comes next, from a connection that may be closed for what we send.
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        match self.early.is_over() {
            true => read_only(&mut self.stream, piece),
            false => self.stream.read(piece),
        }
    }

    /// The same as `await_input`, before the answer has begun: what is said ahead of it is left out.
    fn await_answer(&mut self) -> std::result::Result<bool, ureq::Error> {
        let mut piece = [0; PIECE];
        let read = match self.read(&mut piece) {
            // It ended while the request was being sent, and has said nothing before.
            Ok(0) | Err(_) if self.early.is_over() => {
                return Err(self.error(io::ErrorKind::BrokenPipe.into()));
            }
            read => read.map_err(|error| self.error(error))?,
        };
        let answer = match read {
            0 if self.wants_certificate => return Err(ureq::Error::Rustls(certificate_wanted())),
            0 => self.interim.end(),
            read => self.interim.pass(piece.get(..read).unwrap_or_default()),
        };
        let free = self.buffers.input_append_buf();
        let room = free.get_mut(..answer.len()).ok_or_else(|| {
            ureq::Error::Io(io::Error::new(
                io::ErrorKind::OutOfMemory,
                "no room for the head of an answer",
            ))
        })?;
        room.copy_from_slice(&answer);
        self.buffers.input_appended(answer.len());
        // What was left out is progress as well: the time that is left is asked for again.
        Ok(read > 0 || !answer.is_empty())
    }

    /// An error of this connection, by its own name where it is known.
    fn error(&self, error: io::Error) -> ureq::Error {
        match self.wants_certificate && is_break(error.kind()) {
            true => ureq::Error::Rustls(certificate_wanted()),
            false => error.into(),
        }
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(
        &mut self,
        amount: usize,
        timeout: NextTimeout,
    ) -> std::result::Result<(), ureq::Error> {
        self.began.store(true, Ordering::SeqCst);
        self.stream.sock.set_timeout(timeout);
        if self.watch.is_on() {
            if !self.interim.is_expected() && !self.early.has_begun() {
                self.interim.begin();
            }
            return self.transmit_watched(amount);
        }
        self.interim.begin();
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        let written = self.stream.write_all(output);
        written.map_err(|error| self.error(error))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> std::result::Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(self.idle.shorten(timeout));
        if self.interim.is_expected() {
            let awaited = self.await_answer()?;
            self.wants_certificate = false;
            return Ok(awaited);
        }
        let free = self.buffers.input_append_buf();
        let amount = match self.early.take(free) {
            0 if self.early.is_over() => read_only(&mut self.stream, free),
            0 => self.stream.read(free),
            early => Ok(early),
        };
        let amount = amount.map_err(|error| self.error(error))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        !self.early.is_over() && self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
