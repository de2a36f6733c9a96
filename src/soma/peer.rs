//! Who answers: a TLS handshake that trusts nobody and sends nothing.
//!
//! `trust` and `check` look at the certificate of a device before anything is said to it.
//! No user name, no password and no request leaves this machine here.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use crate::soma::certificate::Certificate;
use crate::soma::deadline::Deadline;
use crate::soma::distrust::Unproven;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::handshake::{HandshakeWatch, certificate_wanted};
use crate::soma::resolve::{HostNames, LookupError};
use crate::soma::tcp::TcpConnect;
use crate::soma::tls;
use crate::soma::tls_words::explain;
use crate::soma::unreachable;
use crate::soma::verifier::{Recorder, ShownCertificate, Verifier};
use crate::values::trust::Trust;

/// What a device has shown of itself.
pub struct Peer {
    name: ServerName<'static>,
    shown: ShownCertificate,
    /// The version of TLS that was agreed on, `TLS 1.3`.
    pub version: String,
}

impl Peer {
    /// The certificates in the order in which they came: the device's own first.
    pub fn certificates(&self) -> Vec<Certificate> {
        let chain = self.shown.chain.iter();
        chain.map(|der| Certificate::of_der(der)).collect()
    }

    /// Why no connection that verifies anything would be accepted, if the key of the device is the
    /// reason: one whose signatures cannot be verified.
    pub(crate) fn unverifiable(&self) -> Option<SomaError> {
        let leaf = self.shown.chain.first()?;
        match Unproven::of_kind(leaf) {
            why @ Unproven::KeyOfAnotherKind(_) => Some(explain(&why.into())),
            _ => None,
        }
    }

    /// Whether a connection with this trust would be accepted now.
    pub fn verify(&self, trust: &Trust) -> Result<()> {
        let Some((leaf, others)) = self.shown.chain.split_first() else {
            return Err(SomaError::new(
                SomaErrorKind::Tls,
                "the device shows no certificate",
            ));
        };
        let verifier = tls::verifier(trust)?;
        verifier
            .verify_server_cert(leaf, others, &self.name, &[], tls::time_of_day(SystemTime::now()))
            .and_then(|_| self.shown.prove_to(&*verifier))
            .map_err(|error| explain(&error))
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A connection without TLS yet.
#[derive(Debug)]
pub struct Reached {
    name: ServerName<'static>,
    stream: TcpStream,
    deadline: Instant,
    limit: Duration,
    interrupted: Arc<AtomicBool>,
}

/// How often a handshake is asked whether somebody wants to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Connects to a device. `limit` bounds this and the handshake that may follow; both end when
/// `interrupted` says so.
pub fn reach(host: &str, port: u16, limit: Duration, interrupted: &Arc<AtomicBool>) -> Result<Reached> {
    let deadline = Instant::now() + limit;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| {
        SomaError::new(
            SomaErrorKind::Unreachable,
            format!("'{host}' is no host name or address"),
        )
    })?;
    let addresses = addresses(host, port, limit, interrupted)?;
    let left = deadline.saturating_duration_since(Instant::now());
    let connected = TcpConnect::new(Arc::clone(interrupted), Arc::default()).first(&addresses, Some(left));
    let stream = connected.map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => Deadline::interrupted(),
        _ if is_timeout(&error) => unreachable::no_connection(limit),
        _ => unreachable::not_connected(&error),
    })?;
    Ok(Reached {
        name,
        stream,
        deadline,
        limit,
        interrupted: Arc::clone(interrupted),
    })
}

impl Reached {
    /// Agrees on TLS with whoever answers, and keeps what it shows.
    pub fn shake_hands(mut self) -> Result<Peer> {
        let recorder = Arc::new(Recorder::default());
        let mut watch = HandshakeWatch::default();
        let config = watch.config(&*tls::config_with(Arc::new(Verifier(Arc::clone(&recorder))))?);
        let mut connection =
            ClientConnection::new(config, self.name.clone()).map_err(|error| explain(&error))?;
        while connection.is_handshaking() {
            self.step(&mut connection, &mut watch)?;
        }
        connection.send_close_notify();
        // The device has shown what was asked; whether it hears the farewell does not matter.
        let _ = connection.write_tls(&mut self.stream);
        Ok(Peer {
            name: self.name,
            shown: recorder.shown(),
            version: match connection.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
                other => format!("{other:?}"),
            },
        })
    }

    /// Sends what there is to send, or reads once; never beyond the deadline.
    fn step(&mut self, connection: &mut ClientConnection, watch: &mut HandshakeWatch) -> Result<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(unreachable::no_handshake(self.limit));
        }
        if self.interrupted.load(Ordering::SeqCst) {
            return Err(Deadline::interrupted());
        }
        let wait = Some(left.min(LOOK));
        self.stream
            .set_read_timeout(wait)
            .and_then(|()| self.stream.set_write_timeout(wait))
            .map_err(|error| tls::closed_in_handshake(&error))?;
        let moved = match connection.wants_write() {
            true => connection.write_tls(&mut self.stream).map(|_| None),
            false => connection.read_tls(&mut watch.stream(&mut self.stream)).map(Some),
        };
        match moved {
            // Nothing has moved yet: whoever called looks at the time again.
            Err(error) if is_timeout(&error) || error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(tls::closed_in_handshake(&error)),
            Ok(None) => return Ok(()),
            Ok(Some(0)) => {
                return Err(match watch.asked_for_certificate() {
                    true => explain(&certificate_wanted()),
                    false => tls::closed_in_handshake(&io::ErrorKind::UnexpectedEof.into()),
                });
            }
            Ok(Some(_)) => {}
        }
        let processed = connection.process_new_packets().map(|_| ());
        processed.map_err(|error| explain(&watch.explained(error)))
    }
}

fn addresses(
    host: &str,
    port: u16,
    limit: Duration,
    interrupted: &Arc<AtomicBool>,
) -> Result<Vec<SocketAddr>> {
    let found = HostNames::new(Arc::clone(interrupted)).look_up(host, port, limit);
    found.map_err(|error| match error {
        LookupError::Interrupted => Deadline::interrupted(),
        LookupError::TooLate => unreachable::silent_name_service(host, limit),
        LookupError::Unknown(why) => unreachable::unknown_host(host, &why),
    })
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}
