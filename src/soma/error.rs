//! What can go wrong between us and a device.

use std::borrow::Cow;
use std::fmt;
use std::io;

use crate::values::causes::without_numbers;

/// In advice: the command that shows the certificate of a device. Whoever knows the device puts
/// its own command there, see [`SomaError::for_device`].
pub const TRUST: &str = "`dpbackup trust DEVICE`";

/// A request that did not succeed. The kind is for decisions, the message for people.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SomaError {
    /// What sort of failure.
    pub kind: SomaErrorKind,
    /// What happened, in one sentence, with the device's own words where it gave any.
    pub message: String,
    /// What to do about it, where we know.
    pub hint: Option<Cow<'static, str>>,
    /// It is certain that not a byte of the request was sent: it ended before.
    pub nothing_sent: bool,
    /// A connection that had carried another request broke at once: the device may have closed it before it could
    /// read this one.
    pub may_be_unread: bool,
    /// The connection was closed while it was being made, before anything could be sent: a device that has no room for
    /// one more does so, and may serve the next.
    pub is_handshake_closed: bool,
}

/// What sort of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SomaErrorKind {
    /// No connection: unknown host, no route, refused, timed out.
    Unreachable,
    /// The certificate is not trusted, or TLS could not be agreed on.
    Tls,
    /// Something answered that is not the XML Management Interface.
    NotManagement,
    /// The interface is there, but says that it cannot answer now (HTTP 503).
    Unavailable,
    /// User or password are wrong: HTTP 401.
    LoginRefused,
    /// User or password are wrong, or the account is locked: the device says so in an
    /// answer, with words that it has for refusals of other sorts too.
    Authentication,
    /// The account may not do this (the device says the same words as for a wrong
    /// password, but with a timestamp: soma-wire section 1.4).
    NotAllowed,
    /// The device refused, in words.
    Refused,
    /// The device does not know what was asked: a SOAP fault of its schema.
    Fault,
    /// A SOAP fault that does not say so: what was asked may have been begun.
    OtherFault,
    /// The answer did not come in time.
    TimedOut,
    /// The connection broke before the answer was complete.
    Broken,
    /// The answer is not what an answer looks like.
    Malformed,
    /// Another device answers than the one that is meant, or whoever answers does not tell which it is.
    OtherDevice,
    /// The request was ended because somebody asked to stop.
    Interrupted,
    /// The answer arrived, but could not be written where it should go.
    Local(io::ErrorKind),
}

impl SomaErrorKind {
    /// Whether the login was refused: one more try could lock the account.
    pub fn is_of_login(self) -> bool {
        matches!(self, Self::LoginRefused | Self::Authentication)
    }
}

impl SomaError {
    /// An error of this kind.
    pub fn new(kind: SomaErrorKind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: without_numbers(message.to_string()),
            hint: None,
            nothing_sent: false,
            may_be_unread: false,
            is_handshake_closed: false,
        }
    }

    /// The same, with advice.
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, where this command shows the certificate of the device.
    pub fn for_device(mut self, trust_command: &str) -> Self {
        self.hint = match self.hint {
            Some(hint) if hint.contains(TRUST) => {
                Some(Cow::Owned(hint.replace(TRUST, &format!("`{trust_command}`"))))
            }
            hint => hint,
        };
        self
    }

    /// Whether the device answered, and refused or did not know what was asked.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self.kind,
            SomaErrorKind::Authentication
                | SomaErrorKind::NotAllowed
                | SomaErrorKind::Refused
                | SomaErrorKind::Fault
                | SomaErrorKind::OtherFault
        )
    }

    /// Whether somebody has said something in answer, and did not only break off or stay silent.
    pub fn has_words(&self) -> bool {
        self.is_refusal()
            || matches!(
                self.kind,
                SomaErrorKind::NotManagement | SomaErrorKind::Unavailable | SomaErrorKind::LoginRefused
            )
    }

    /// Whether something came of the device that was logged in to, though not what was asked for.
    pub fn is_answer(&self) -> bool {
        match self.kind {
            SomaErrorKind::NotAllowed
            | SomaErrorKind::Refused
            | SomaErrorKind::Fault
            | SomaErrorKind::OtherFault
            | SomaErrorKind::Malformed
            | SomaErrorKind::Unavailable
            | SomaErrorKind::NotManagement => true,
            SomaErrorKind::Unreachable
            | SomaErrorKind::Tls
            | SomaErrorKind::LoginRefused
            | SomaErrorKind::Authentication
            | SomaErrorKind::TimedOut
            | SomaErrorKind::Broken
            | SomaErrorKind::OtherDevice
            | SomaErrorKind::Interrupted
            | SomaErrorKind::Local(_) => false,
        }
    }

    /// Whether a read may be tried again: the trouble can pass by itself.
    pub fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            SomaErrorKind::Unreachable
                | SomaErrorKind::Unavailable
                | SomaErrorKind::TimedOut
                | SomaErrorKind::Broken
                | SomaErrorKind::Malformed
        ) || self.is_handshake_closed
    }
}

/// A result of a request.
pub type Result<T> = std::result::Result<T, SomaError>;
