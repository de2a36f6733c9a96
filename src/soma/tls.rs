//! TLS: how a device's certificate is trusted, and the connector that does it.
//!
//! `ureq` takes no TLS configuration of ours, so this file has a connector for it. It
//! uses `ureq`'s `unversioned` module, which may change in a minor release: nothing
//! else does.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
    time,
};

use crate::ownership::{self, TouchError};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::verifier::{Anybody, CaFile, Pinned, Unproven, Verifier};
use crate::values::causes::said;
use crate::values::trust::Trust;

/// The largest CA file that is read, in bytes: the bundles of whole systems have half a MiB.
const LARGEST_CA_FILE: u64 = 16 << 20;

/// The TLS configuration for one way of trust.
pub fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>> {
    config_with(verifier(trust)?)
}

/// The TLS configuration in which this verifier decides.
pub(super) fn config_with(verifier: Arc<dyn ServerCertVerifier>) -> Result<Arc<ClientConfig>> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SomaError::new(SomaErrorKind::Tls, format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Who decides whether a device is trusted.
pub(crate) fn verifier(trust: &Trust) -> Result<Arc<dyn ServerCertVerifier>> {
    Ok(match trust {
        Trust::SystemRoots => by_roots(system_roots()?)?,
        Trust::CaFile(path) => {
            let (roots, certificates) = roots_of(path)?;
            let by_roots = by_roots(roots)?;
            Arc::new(Verifier(CaFile {
                by_roots,
                certificates,
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
            .map_or_else(|| "none found".to_owned(), ToString::to_string);
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

/// Every certificate of a PEM file, each of which must be readable: as roots, and as they are.
fn roots_of(path: &Path) -> Result<(RootCertStore, Vec<CertificateDer<'static>>)> {
    let problem =
        |what: String| SomaError::new(SomaErrorKind::Tls, format!("CA file {}: {what}", path.display()));
    let (mut roots, mut certificates) = (RootCertStore::empty(), Vec::new());
    const HINT: &str = "check `ca_file` in the plan file";
    let text = ownership::read_believed(path, LARGEST_CA_FILE)
        .map_err(|error| match error {
            TouchError::Io(error) => problem(said(&error)).with_hint(HINT),
            TouchError::Untrusted(why) => problem(why.to_string()),
        })?
        .ok_or_else(|| problem("it is larger than 16 MiB".to_owned()).with_hint(HINT))?;
    // Windows puts a mark before text, which PEM does not know.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    for certificate in CertificateDer::pem_slice_iter(text) {
        let certificate = certificate.map_err(|error| problem(pem_words(&error)))?;
        roots
            .add(certificate.clone())
            .map_err(|error| problem(error.to_string()))?;
        certificates.push(certificate);
    }
    if roots.is_empty() {
        return Err(problem("it holds no certificate".to_owned())
            .with_hint("it must be PEM, -----BEGIN CERTIFICATE-----"));
    }
    Ok((roots, certificates))
}

fn pem_words(error: &rustls::pki_types::pem::Error) -> String {
    format!("not readable as PEM ({error})")
}

/// What a failed handshake means, with advice.
pub fn explain(error: &rustls::Error) -> SomaError {
    if let rustls::Error::InvalidCertificate(CertificateError::Other(why)) = error
        && let Some(why) = why.0.downcast_ref()
    {
        return unproven(why);
    }
    const TRUST: &str = "`dpbackup trust DEVICE` shows the certificate and the pin_sha256 line to paste";
    const RENEW: &str = "renew it on the device, or pin it with pin_sha256";
    let (what, hint) = match error {
        rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => (
            "the device shows another certificate than the pinned one".to_owned(),
            "if the certificate was renewed, `dpbackup trust DEVICE` prints the new pin; if not, somebody stands in between",
        ),
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => (
            "the certificate of the device is not signed by a trusted authority".to_owned(),
            TRUST,
        ),
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })
            if host_names(presented).is_empty() =>
        {
            (
                "the certificate of the device carries no names (SAN); a common name alone does not count".to_owned(),
                "a pin trusts it: `dpbackup trust DEVICE` prints the pin_sha256 line to paste",
            )
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }) => (
            format!(
                "the certificate of the device is for {}, not for {}",
                at_most_five(&host_names(presented)),
                expected.to_str()
            ),
            "write one of these names as `host`, or pin it: `dpbackup trust DEVICE` prints the pin_sha256 line",
        ),
        rustls::Error::InvalidCertificate(error @ CertificateError::NotValidForName) => (
            format!("the certificate of the device is not for this host name ({error})"),
            TRUST,
        ),
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => (
            format!("the certificate of the device expired on {}", day(not_after.as_secs())),
            RENEW,
        ),
        rustls::Error::InvalidCertificate(CertificateError::Expired) => {
            ("the certificate of the device has expired".to_owned(), RENEW)
        }
        // `webpki` has this in its own words only. Home-made certificates of `openssl req -x509` are such.
        rustls::Error::InvalidCertificate(CertificateError::Other(why))
            if format!("{why:?}").contains("CaUsedAsEndEntity") =>
        {
            (
                "the certificate of the device is marked as an authority (CA:TRUE), and a device cannot show such a one"
                    .to_owned(),
                "a pin trusts it: `dpbackup trust DEVICE` prints the pin_sha256 line to paste; so does a `ca_file` with this very certificate in it",
            )
        }
        rustls::Error::InvalidCertificate(error) => (
            format!("the certificate of the device cannot be trusted ({error})"),
            TRUST,
        ),
        rustls::Error::InvalidMessage(_) => (
            "the device does not answer with TLS".to_owned(),
            "is this the port of the XML Management Interface (5550), and not one of plain HTTP?",
        ),
        rustls::Error::AlertReceived(alert) => (
            format!("the device ended the TLS handshake ({alert:?})"),
            "it may offer only TLS 1.0/1.1 or RSA key exchange: give its XML Management Interface a TLS server profile with TLS 1.2 and ECDHE",
        ),
        rustls::Error::PeerIncompatible(why) => (
            format!("the device and this tool have no TLS version or cipher in common ({why:?})"),
            "give its XML Management Interface a TLS server profile with TLS 1.2 and ECDHE",
        ),
        other => (format!("TLS failed: {other}"), TRUST),
    };
    SomaError::new(SomaErrorKind::Tls, what).with_hint(hint)
}

/// The names of a certificate that can be a `host`, out of the words of `webpki`:
/// `DnsName("a")` is a, `IpAddress(10.0.0.1)` is 10.0.0.1.
fn host_names(presented: &[String]) -> Vec<String> {
    let within = |text: &str, start, end| {
        let name = text.strip_prefix(start)?.strip_suffix(end)?;
        Some(name.escape_debug().to_string())
    };
    let name = |text: &String| within(text, "DnsName(\"", "\")").or_else(|| within(text, "IpAddress(", ")"));
    presented.iter().filter_map(name).collect()
}

fn at_most_five(names: &[String]) -> String {
    const TOLD: usize = 5;
    match names.split_at_checked(TOLD) {
        Some((told, more)) if !more.is_empty() => format!("{} and {} more", told.join(", "), more.len()),
        _ => names.join(", "),
    }
}

/// What it means that a device has not proved to have the key of a pinned certificate.
fn unproven(why: &Unproven) -> SomaError {
    SomaError::new(SomaErrorKind::Tls, why).with_hint(match why {
        Unproven::KeyTooShort(_) => {
            "renew its certificate with a key of 2048 bits or more, or offer only TLS 1.2 (where 1024 bits can be verified) in the TLS server profile of its XML Management Interface; `verify = false` connects, and trusts anybody"
        }
        Unproven::AnotherKind => {
            "a key of RSA 2048 to 8192, EC P-256 or P-384, or Ed25519 can be verified; `verify = false` connects, and trusts anybody"
        }
        Unproven::Unreadable => "renew it on the device; `verify = false` connects, and trusts anybody",
        Unproven::AnotherKey => "somebody who has no more than a copy of the certificate may stand in between",
    })
}

/// The advice when a device hangs up before it has said anything.
pub(crate) const ACCESS_LIST: &str =
    "an access control list of the XML Management Interface may not hold this machine's address";

fn day(seconds: u64) -> String {
    let at = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(|| "a day".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

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
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
    pub(crate) idle: IdleLimit,
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
        let mut connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone())
            .map_err(ureq::Error::Rustls)?;
        let mut socket = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket).map_err(handshake_error)?;
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
        })))
    }
}

/// The peer closed or reset the connection before TLS was agreed on.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed during the TLS handshake ({0})")]
pub(crate) struct HandshakeBroken(io::Error);

fn handshake_error(error: io::Error) -> ureq::Error {
    if let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return ureq::Error::Rustls(tls.clone());
    }
    match ureq::Error::from(error) {
        ureq::Error::Io(error) => ureq::Error::Io(io::Error::new(error.kind(), HandshakeBroken(error))),
        other => other,
    }
}

pub(crate) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    idle: IdleLimit,
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
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> std::result::Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(self.idle.shorten(timeout));
        let free = self.buffers.input_append_buf();
        let amount = self.stream.read(free)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
