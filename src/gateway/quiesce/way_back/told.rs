//! What a device was told on a way back, and what came of it.

use std::time::Duration;

use crate::gateway::quiesce::QuiesceSent;
use crate::gateway::quiesce::outcome::{AtRest, FutileUnquiesce, UnquiesceAnswer};
use crate::soma::error::{Result, SomaError, SomaErrorKind};

/// A device that was told to unquiesce and still is not on its way is told again; one that is on its way
/// without our word, and does not move for so long, is told once.
pub(super) const SEND_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// The unquiesces of a way back, and their answers.
pub(super) struct Unquiesces {
    sent: QuiesceSent,
    last: LastWord,
    /// How the device answered one: with OK, or with a refusal.
    answer: Option<Result<()>>,
    /// Why one got no answer.
    unanswered: Option<SomaError>,
    /// Whether one that got no answer was sent, where a look at the device is an answer too.
    is_told_unanswered: bool,
    /// What the last one came to, as long as nothing else has brought the device back.
    came_to: Option<FutileUnquiesce>,
    /// The first after which one more was sent.
    futile: Option<FutileUnquiesce>,
    /// Whether the last one was turned away: nothing of it is under way.
    is_turned_away: bool,
    /// Whether the last one may have arrived.
    may_have_arrived: bool,
    unshown: Unshown,
}

/// When the last unquiesce was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastWord {
    /// There was none.
    None,
    /// By a process before this one, or before what it may have been overtaken by: the next is the first that counts.
    Overtaken,
    /// Then.
    At(Duration),
}

/// Whether a device that has no domain to show the quiesce had its time to carry it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unshown {
    NotYet,
    /// It had, and took an unquiesce before that.
    TookOneBefore,
    /// It had, and took none before.
    TookNone,
}

impl Unquiesces {
    /// Before anything was sent by this process.
    pub(super) fn new(sent: QuiesceSent) -> Self {
        let undone_before = matches!(
            sent,
            QuiesceSent::Unanswered {
                undone_before: true,
                ..
            }
        );
        Self {
            sent,
            last: match undone_before {
                true => LastWord::Overtaken,
                false => LastWord::None,
            },
            answer: undone_before.then_some(Ok(())),
            unanswered: None,
            is_told_unanswered: false,
            came_to: None,
            futile: None,
            is_turned_away: false,
            may_have_arrived: false,
            unshown: Unshown::NotYet,
        }
    }

    /// Whether one was sent, by this process or by one before it.
    pub(super) fn was_told(&self) -> bool {
        self.last != LastWord::None
    }

    /// Whether one was sent that counts.
    pub(super) fn has_word(&self) -> bool {
        matches!(self.last, LastWord::At(_))
    }

    /// Whether one was answered, be it with a refusal.
    pub(super) fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// Whether one was taken.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self.answer, Some(Ok(())))
    }

    /// Why one got no answer.
    pub(super) fn unanswered(&self) -> Option<&SomaError> {
        self.unanswered.as_ref()
    }

    /// One got no answer, or would get none, for this.
    pub(super) fn is_unanswered(&mut self, error: SomaError) {
        self.unanswered = Some(error);
    }

    /// Whether one may be sent again. What was turned away is no reason to wait, once the device `answers`.
    pub(super) fn is_due(&self, answers: bool, waited: Duration) -> bool {
        let last = match self.last {
            LastWord::None | LastWord::Overtaken => None,
            LastWord::At(last) => Some(last),
        };
        (self.is_turned_away && answers) || is_due(last, waited)
    }

    /// What was sent until now may have been overtaken by the quiesce: the next one is the first that counts.
    pub(super) fn was_overtaken(&mut self) {
        if self.was_told() {
            self.last = LastWord::Overtaken;
        }
        self.had_nothing_to_bring_back();
    }

    /// What shows itself quiesced now was not when the last unquiesce was taken.
    pub(super) fn had_nothing_to_bring_back(&mut self) {
        self.answer = None;
        self.came_to = self
            .came_to
            .take()
            .filter(|came_to| !matches!(came_to, FutileUnquiesce::WithoutEffect(_)));
    }

    /// A device that has no domain to show it had its time to carry out the quiesce, which may have overtaken what was sent
    /// before.
    pub(super) fn had_its_unshown_time(&mut self) {
        if self.unshown == Unshown::NotYet {
            self.unshown = match self.is_taken() {
                true => Unshown::TookOneBefore,
                false => Unshown::TookNone,
            };
            self.was_overtaken();
        }
    }

    /// Whether what the device shows, of a quiesce that was `seen` or not, was shown after an unquiesce that counts.
    pub(super) fn counts(&self, rests: AtRest, seen: bool) -> bool {
        match rests {
            // What was seen to come and to go is undone, though the answer was lost.
            AtRest::AtWork => {
                let may_have_come = seen && self.has_word() && self.may_have_arrived;
                self.is_answered() || may_have_come || self.is_told_unanswered
            }
            // Nothing shows that there is nothing to undo: a refusal leaves it as it is.
            AtRest::NoDomain => self.is_taken() || (self.took_one_before() && self.is_answered()),
            AtRest::NotListed | AtRest::Disabled | AtRest::RestAtWork => self.is_answered(),
        }
    }

    fn took_one_before(&self) -> bool {
        self.unshown == Unshown::TookOneBefore
    }

    /// One is sent now; the one before has left these domains quiesced. Whether that one had been taken.
    pub(super) fn sends(&mut self, waited: Duration, still_quiesced: &dyn Fn() -> Vec<String>) -> bool {
        let is_again = self.has_word() && self.is_taken();
        let came_to = self.came_to.take().map(|came_to| match came_to {
            FutileUnquiesce::WithoutEffect(_) => FutileUnquiesce::WithoutEffect(still_quiesced()),
            came_to => came_to,
        });
        self.futile = self.futile.take().or(came_to);
        self.last = LastWord::At(waited);
        is_again
    }

    /// Takes in how the one that was sent last ended. Whether one was answered.
    pub(super) fn ended(&mut self, answer: Result<()>) -> bool {
        self.may_have_arrived = answer
            .as_ref()
            .map_or_else(|error| !error.nothing_sent, |()| true);
        self.is_turned_away = answer.as_ref().is_err_and(is_turned_away);
        self.came_to = Some(match &answer {
            Ok(()) => FutileUnquiesce::WithoutEffect(Vec::new()),
            Err(error) => FutileUnquiesce::Failed(error.message.clone()),
        });
        self.answered(answer)
    }

    /// Takes in how an unquiesce was answered. Whether one was.
    pub(super) fn answered(&mut self, answer: Result<()>) -> bool {
        match answer {
            Err(error) if !error.is_refusal() || error.kind == SomaErrorKind::Authentication => {
                let is_sent = matches!(error.kind, SomaErrorKind::TimedOut | SomaErrorKind::Broken);
                self.is_told_unanswered |= is_sent && self.sent == QuiesceSent::LongAgo;
                self.unanswered = Some(error);
                self.is_answered()
            }
            answer => {
                self.answer = Some(answer);
                true
            }
        }
    }

    /// How the device answered, and what came to nothing before.
    pub(super) fn into_answer(self) -> (UnquiesceAnswer, Option<FutileUnquiesce>) {
        let took_one_before = self.took_one_before();
        let answer = match self.answer {
            Some(Ok(())) => UnquiesceAnswer::Ok,
            Some(Err(_)) if took_one_before => UnquiesceAnswer::Ok,
            Some(Err(error)) => UnquiesceAnswer::Refused(error.message),
            None => UnquiesceAnswer::None,
        };
        (answer, self.futile)
    }

    /// The refusal of one; or why one got no answer.
    pub(super) fn into_refusal(self) -> Option<SomaError> {
        match self.answer {
            Some(Err(error)) => Some(error),
            Some(Ok(())) | None => self.unanswered,
        }
    }
}

/// Whether an unquiesce that ended so is sent again as soon as the device answers and shows what it showed before: it
/// was not sent, or not taken. One that it does not know it will not know later, and a login that is refused is not
/// tried again and again.
fn is_turned_away(error: &SomaError) -> bool {
    match error.kind {
        SomaErrorKind::Fault | SomaErrorKind::LoginRefused | SomaErrorKind::Authentication => {
            error.nothing_sent
        }
        SomaErrorKind::Interrupted | SomaErrorKind::Local(_) | SomaErrorKind::OtherDevice => false,
        SomaErrorKind::Unreachable
        | SomaErrorKind::Tls
        | SomaErrorKind::NotManagement
        | SomaErrorKind::Unavailable
        | SomaErrorKind::NotAllowed
        | SomaErrorKind::Refused
        | SomaErrorKind::OtherFault
        | SomaErrorKind::TimedOut
        | SomaErrorKind::Broken
        | SomaErrorKind::Malformed => true,
    }
}

/// Whether what was done then may be done again.
pub(super) fn is_due(last: Option<Duration>, waited: Duration) -> bool {
    last.is_none_or(|last| waited.saturating_sub(last) >= SEND_AGAIN_AFTER)
}
