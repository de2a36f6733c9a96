//! What an exchange failed of, from the errors of the library that carries it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::soma::deadline::Deadline;
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::soma::peer::{self, Reached};
use crate::soma::resolve::LookupError;
use crate::soma::tls::{self, HandshakeBroken};
use crate::soma::tls_words::{explain, nothing_in_common};
use crate::soma::unreachable;
use crate::values::duration::HumanDuration;

/// Turns errors of `ureq` into ours.
pub(super) struct Explain {
    /// Host and port.
    pub(super) place: (String, u16),
    /// The newest connection stands; what is missing is TLS.
    pub(super) stands: Arc<AtomicBool>,
    /// Something of the request may have been sent.
    pub(super) began: Arc<AtomicBool>,
    /// How long a connection may take.
    pub(super) connect: Duration,
    /// How long the device may be silent.
    pub(super) idle: Duration,
    /// Until when all of it must have ended.
    pub(super) deadline: Deadline,
}

impl Explain {
    pub(super) fn error(&self, error: ureq::Error) -> SomaError {
        if self.deadline.is_interrupted() {
            return Deadline::interrupted();
        }
        match error {
            ureq::Error::Timeout(ureq::Timeout::Resolve) => {
                unreachable::silent_name_service(&self.place.0, self.longest_connect())
            }
            ureq::Error::Timeout(ureq::Timeout::Connect) => self.not_reached(),
            ureq::Error::Timeout(ureq::Timeout::PerRead) => SomaError::new(
                SomaErrorKind::TimedOut,
                format!("no byte arrived for {} (timeouts.idle)", HumanDuration(self.idle)),
            ),
            // The limit of the whole request may be the first to end, before anybody could be asked anything.
            ureq::Error::Timeout(_) if !self.began.load(Ordering::SeqCst) => self.not_reached(),
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

    /// How far one came in the time there was: nothing was sent yet.
    fn not_reached(&self) -> SomaError {
        let limit = self.longest_connect();
        match self.stands.load(Ordering::SeqCst) {
            true => unreachable::no_handshake(limit),
            false if limit == self.connect => unreachable::no_connection(limit),
            false => unreachable::no_connection_for_request(limit),
        }
    }

    /// How long a connection may take, within the limit of the whole request.
    fn longest_connect(&self) -> Duration {
        self.connect.min(self.deadline.limit())
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
                return SomaError {
                    is_handshake_closed: true,
                    ..SomaError::new(SomaErrorKind::Tls, error).with_hint(tls::ACCESS_LIST)
                };
            }
        }
        if unreachable::is_of_descriptors(error) {
            return unreachable::not_connected(error);
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
            io::ErrorKind::BrokenPipe => SomaError::new(
                SomaErrorKind::Broken,
                "the connection broke: the other side closed it while the request was being sent",
            ),
            _ => SomaError::new(SomaErrorKind::Broken, format!("the connection broke: {error}")),
        }
    }
}
