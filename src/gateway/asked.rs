//! What came of asking a device for something that it must be brought back from.

use std::time::Duration;

use crate::gateway::Gateway;
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::soma::request::Request;

/// What came of asking for a quiesce or for a secure backup.
#[derive(Debug)]
pub enum ActionAsked {
    /// The device said OK, and works on.
    Accepted,
    /// It answered, in words that do not prove that nothing was begun.
    Unclear(SomaError),
    /// It did not answer, or not to the end, or what came is no answer of a device.
    Unanswered(SomaError),
    /// Nothing was begun: nothing was sent, or the device has proved it.
    NotBegun(SomaError),
}

impl Gateway<'_> {
    /// Sends an action, once; `total` bounds the wait for the answer.
    pub(super) fn ask(&self, request: &Request, total: Duration) -> ActionAsked {
        let Err(error) = self.act(request, total) else {
            return ActionAsked::Accepted;
        };
        match error.kind {
            _ if is_not_begun(&error) => ActionAsked::NotBegun(error),
            SomaErrorKind::NotAllowed | SomaErrorKind::Refused => ActionAsked::Unclear(error),
            // What is no answer of the device may come from something in between, which has given up waiting.
            SomaErrorKind::OtherFault
            | SomaErrorKind::Unavailable
            | SomaErrorKind::NotManagement
            | SomaErrorKind::Malformed
            | SomaErrorKind::TimedOut
            | SomaErrorKind::Broken
            | SomaErrorKind::Interrupted
            | SomaErrorKind::Tls
            | SomaErrorKind::Unreachable
            | SomaErrorKind::LoginRefused
            | SomaErrorKind::Authentication
            | SomaErrorKind::Fault
            | SomaErrorKind::Local(_) => ActionAsked::Unanswered(error),
        }
    }
}

/// Whether it is certain that what was asked for was not begun: nothing was sent, or the device has proved it.
pub fn is_not_begun(error: &SomaError) -> bool {
    error.nothing_sent
        || matches!(
            error.kind,
            SomaErrorKind::Unreachable
                | SomaErrorKind::LoginRefused
                | SomaErrorKind::Authentication
                | SomaErrorKind::Fault
        )
}
