//! What came of asking a device for something that it must be brought back from.

use crate::gateway::Gateway;
use crate::gateway::facts::WhoAnswers;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request::Request;
use crate::values::timeouts::RequestLimit;

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
    /// Sends an action, once, to the device with the serial number that is `meant`, where it has told one before;
    /// `limit` bounds the wait for the answer.
    pub(super) fn ask(&self, request: &Request, limit: RequestLimit, meant: Option<&str>) -> ActionAsked {
        let Err(error) = self
            .met(meant, &request.name)
            .and_then(|()| self.act(request, limit))
        else {
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
            | SomaErrorKind::OtherDevice
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

impl Gateway<'_> {
    /// Nothing where the device with the serial number that is `meant` answers, or none is; the next request `name`
    /// goes over the same connection.
    pub fn met(&self, meant: Option<&str>, name: &str) -> Result<()> {
        meant.map_or(Ok(()), |meant| self.retried(|| self.meet(meant, name)))
    }

    /// Who answers now, behind an action that was sent to the device that is `meant`, where that is another one: the action
    /// may have gone to either. Asked where it went over another connection than the question before it alone.
    pub fn other_behind_action(&self, meant: Option<&str>) -> Option<String> {
        let meant = meant.filter(|_| !self.client.is_on_one_before())?;
        match self.who_answers(meant) {
            Ok(WhoAnswers::Other(found)) => Some(found),
            Ok(WhoAnswers::Meant | WhoAnswers::NotTold) | Err(_) => None,
        }
    }

    /// Asks who answers, over a new connection, over which the next action goes as well: behind one address there
    /// may be several devices, one to a connection. Fails unless it is the one that is meant; nothing of the
    /// request `name` has been sent then.
    pub(super) fn meet(&self, meant: &str, name: &str) -> Result<()> {
        match self.who_answers_anew(meant) {
            Ok(WhoAnswers::Meant) => Ok(()),
            Ok(WhoAnswers::Other(found)) => Err(not_sent(name, &other_answers(&found, meant))),
            Ok(WhoAnswers::NotTold) => Err(not_sent(
                name,
                &format!(
                    "whether the device with serial number {meant} answers is not known: it tells none any more"
                ),
            )),
            Err(error) => Err(SomaError {
                nothing_sent: true,
                ..error
            }),
        }
    }
}

/// What it means that another device answers.
pub(super) fn other_answers(found: &str, meant: &str) -> String {
    format!("the device with serial number {found} answers now, and {meant} is meant")
}

/// An action that was not sent because of who answers.
pub(super) fn not_sent(name: &str, why: &str) -> SomaError {
    SomaError {
        nothing_sent: true,
        ..SomaError::new(SomaErrorKind::OtherDevice, format!("{name}: not sent: {why}"))
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
                | SomaErrorKind::OtherDevice
        )
}
