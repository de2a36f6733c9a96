//! Quiesce and unquiesce, and waiting until it is so.
//!
//! A quiesce that was sent counts as done unless the device has proved that it was not: its
//! status may show it late or never, and an answer that is a sentence or an error may have begun
//! it all the same. So the way back sends at least one unquiesce before it is called done.

mod outcome;
mod scope;

use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus, QuiesceState};
use crate::gateway::pace::until_next_look;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request;

pub use outcome::{AtRest, Confirmation, Restored, UnquiesceAnswer};
pub use scope::{Scope, ScopeState};

/// A device that has no domain to show a quiesce is given so long to carry out what it accepted.
const UNSHOWN: Duration = Duration::from_secs(10);

/// A device of which some domains do not change while all others are quiesced is waited for as
/// long as this, and for each domain as long as that.
const REST: Duration = Duration::from_secs(10);
const REST_FOR_EACH: Duration = Duration::from_secs(2);

/// A device that was told to unquiesce and still is not on its way is told again.
const SEND_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// A domain that the device has not listed for so long does not exist any more.
const GONE_AFTER: Duration = Duration::from_secs(30);

/// The pause after a login that was refused; a lock on an account lasts a minute by
/// default (soma-wire section 1.4).
const REFUSED_PAUSE: Duration = Duration::from_secs(75);

/// What came of asking for a quiesce.
#[derive(Debug)]
pub enum QuiesceAsked {
    /// The device said OK, and works on.
    Accepted,
    /// It answered with words or an error that do not prove that nothing was begun.
    Unclear(SomaError),
    /// It did not answer, or not to the end.
    Unanswered(SomaError),
    /// Nothing was begun: nothing was sent, or the device has proved it.
    NotBegun(SomaError),
}

/// What is known of a quiesce that must be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuiesceSent {
    /// The device has shown it.
    Seen,
    /// The device has answered, and may show it for so long from now on.
    Answered {
        /// Zero where it had its time.
        shows_within: Duration,
    },
    /// The device did not answer: the request may arrive for so long from now on, and nobody
    /// can be certain that it does not arrive later.
    Unanswered {
        /// Zero where it had its time.
        arrives_within: Duration,
        /// Whether it was undone already, as far as that can be: then a look is enough.
        undone_before: bool,
    },
    /// It was asked for so long ago that it is not expected any more, and never seen: a look at the
    /// device is an answer, also after an unquiesce that got none.
    LongAgo,
}

impl QuiesceSent {
    fn is_answered(self) -> bool {
        !matches!(self, QuiesceSent::Unanswered { .. })
    }

    /// How long from now on the quiesce may begin to show.
    fn settles_within(self) -> Duration {
        match self {
            QuiesceSent::Seen | QuiesceSent::LongAgo => Duration::ZERO,
            QuiesceSent::Answered { shows_within } => shows_within,
            QuiesceSent::Unanswered { arrives_within, .. } => arrives_within,
        }
    }
}

/// What happens while a device is brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreStep {
    /// It has lasted so long.
    Waiting(Duration),
    /// The device was seen to be quiesced, or on the way.
    Seen,
    /// An unquiesce was sent, and answered.
    Sent,
}

/// How a wait ended.
#[derive(Debug)]
pub enum Waited {
    /// Everything is quiesced, but for domains that do not change while all others have.
    Reached {
        /// Those domains.
        unchanged: Vec<String>,
    },
    /// The device has no domain that could show it.
    NothingToShow,
    /// The device says that it went wrong, or has no such domain.
    Failed(ScopeState),
    /// Not within the limit: the last state, or why it could not be had.
    TimedOut(Result<ScopeState>),
    /// Somebody asked to stop.
    Interrupted,
}

impl Gateway<'_> {
    /// Asks for quiesce; the device answers at once and works on. `timeout` is how long
    /// it lets connections finish, at least 60 s.
    pub fn quiesce(&self, scope: &Scope, timeout: Duration) -> QuiesceAsked {
        let seconds = timeout.as_secs();
        let request = match scope {
            Scope::Device => request::quiesce_device(seconds),
            Scope::Domain(name) => request::quiesce_domain(name, seconds),
        };
        let is_stopped = self.stop.is_requested();
        let Err(error) = self.act(&request, self.timeouts().request) else {
            return QuiesceAsked::Accepted;
        };
        match error.kind {
            // Asked to stop before it was sent.
            SomaErrorKind::Interrupted if is_stopped => QuiesceAsked::NotBegun(error),
            SomaErrorKind::Unreachable
            | SomaErrorKind::LoginRefused
            | SomaErrorKind::Authentication
            | SomaErrorKind::Fault => QuiesceAsked::NotBegun(error),
            SomaErrorKind::NotAllowed
            | SomaErrorKind::Refused
            | SomaErrorKind::OtherFault
            | SomaErrorKind::Unavailable
            | SomaErrorKind::NotManagement
            | SomaErrorKind::Malformed => QuiesceAsked::Unclear(error),
            SomaErrorKind::TimedOut
            | SomaErrorKind::Broken
            | SomaErrorKind::Interrupted
            | SomaErrorKind::Tls
            | SomaErrorKind::Local(_) => QuiesceAsked::Unanswered(error),
        }
    }

    /// Asks for unquiesce; the device answers at once and works on.
    pub fn unquiesce(&self, scope: &Scope) -> Result<()> {
        let request = match scope {
            Scope::Device => request::unquiesce_device(),
            Scope::Domain(name) => request::unquiesce_domain(name),
        };
        self.act(&request, self.timeouts().request)
    }

    /// Whether what is quiesced is there at all.
    fn has_scope(&self, scope: &Scope) -> Result<bool> {
        match scope {
            Scope::Device => Ok(true),
            Scope::Domain(name) => self.has_domain(name),
        }
    }

    /// Looks at the device until `scope` is quiesced, but not longer than `limit`. Trouble
    /// on the way to the device is waited out. `told` hears how long it lasts.
    pub fn wait_until_quiesced(
        &self,
        scope: &Scope,
        limit: Duration,
        told: &mut dyn FnMut(Duration),
    ) -> Waited {
        let started = self.clock.elapsed();
        let mut rest = Rest::default();
        loop {
            let looked = self.domains_once();
            let waited = self.clock.elapsed().saturating_sub(started);
            let unchanged = looked
                .as_ref()
                .ok()
                .and_then(|domains| rest.after(scope, domains, waited));
            let state = looked.map(|domains| scope.state(&domains));
            match &state {
                Ok(ScopeState::Quiesced) => {
                    return Waited::Reached {
                        unchanged: Vec::new(),
                    };
                }
                Ok(ScopeState::Empty) => return Waited::NothingToShow,
                Ok(ScopeState::Failed(_) | ScopeState::Gone) => {
                    return Waited::Failed(state.unwrap_or(ScopeState::Gone));
                }
                Err(error) if error.kind == SomaErrorKind::Interrupted => return Waited::Interrupted,
                _ => {}
            }
            if let Some(unchanged) = unchanged {
                return Waited::Reached { unchanged };
            }
            told(waited);
            if waited >= limit {
                return Waited::TimedOut(state);
            }
            self.clock
                .sleep(pause_after(&state, waited).min(limit - waited), &self.stop);
            if self.stop.is_requested() {
                return Waited::Interrupted;
            }
        }
    }

    /// Brings `scope` back to work and confirms it, whatever its state, within `limit`.
    ///
    /// At least one unquiesce is sent, and answered, before it is called done. A device that is
    /// on its way back is not told: told again it may begin anew. One that shows itself at work
    /// without having been seen quiesced is told when the quiesce had the time to show, so that
    /// the one does not overtake the other.
    pub fn restore(
        &self,
        scope: &Scope,
        limit: Duration,
        sent: QuiesceSent,
        step: &mut dyn FnMut(RestoreStep),
    ) -> Restored {
        let settles = sent.settles_within();
        let limit = limit.max(settles);
        let started = self.clock.elapsed();
        let mut seen = sent == QuiesceSent::Seen;
        let mut gone_since: Option<Duration> = None;
        let mut last_told: Option<Duration> = None;
        // How the device answered an unquiesce: with OK, or with a refusal.
        let mut answer: Option<Result<()>> = match sent {
            QuiesceSent::Unanswered {
                undone_before: true, ..
            } => Some(Ok(())),
            _ => None,
        };
        let mut unanswered: Option<SomaError> = None;
        let mut is_told_unanswered = false;
        loop {
            let state = self.domains_once().map(|domains| scope.state(&domains));
            let waited = self.clock.elapsed().saturating_sub(started);
            if !matches!(state, Ok(ScopeState::Gone)) {
                gone_since = None;
            }
            if state.as_ref().is_ok_and(ScopeState::shows_quiesce) && !seen {
                seen = true;
                step(RestoreStep::Seen);
                // It has arrived after what was sent before it.
                (last_told, answer) = (None, None);
            }
            let had_its_time = seen || waited >= settles;
            // A domain that was removed is at rest. One that is hidden may not be: its configuration tells.
            let mut is_away = None;
            let rests = match &state {
                Ok(ScopeState::Normal) if had_its_time => Some(AtRest::AtWork),
                Ok(ScopeState::Empty) if had_its_time || (sent.is_answered() && waited >= UNSHOWN) => {
                    Some(AtRest::NoDomain)
                }
                Ok(ScopeState::Gone) => {
                    // A device that starts lists its domains one after another.
                    let since = *gone_since.get_or_insert(waited);
                    let is_gone = waited.saturating_sub(since) >= GONE_AFTER.min(limit);
                    if is_gone && had_its_time {
                        is_away = Some(self.has_scope(scope));
                    }
                    matches!(is_away, Some(Ok(false))).then_some(AtRest::NotListed)
                }
                Err(error) if error.kind == SomaErrorKind::Interrupted => {
                    let why = error.message.clone();
                    return Restored::Not { seen, why };
                }
                _ => None,
            };
            // What was seen to come and to go is undone, though the answer was lost.
            let is_told = answer.is_some() || (seen && last_told.is_some()) || is_told_unanswered;
            if let (Some(rests), true) = (rests, is_told) {
                return match sent {
                    QuiesceSent::Unanswered { .. } if !seen => Restored::NotKnown(rests),
                    _ => Restored::Confirmed(Confirmation {
                        seen,
                        rests,
                        answer: match answer {
                            Some(Ok(())) => UnquiesceAnswer::Ok,
                            Some(Err(error)) => UnquiesceAnswer::Refused(error.message),
                            None => UnquiesceAnswer::None,
                        },
                    }),
                };
            }
            let is_quiesced = matches!(
                state,
                Ok(ScopeState::Quiesced
                    | ScopeState::Between(_)
                    | ScopeState::Failed(_)
                    | ScopeState::NotTold(_))
            ) || is_away.is_some();
            let is_due = last_told.is_none_or(|told| waited.saturating_sub(told) >= SEND_AGAIN_AFTER);
            if is_due && (is_quiesced || rests.is_some()) {
                last_told = Some(waited);
                match self.unquiesce(scope) {
                    Ok(()) => answer = Some(Ok(())),
                    Err(error) if error.is_refusal() && error.kind != SomaErrorKind::Authentication => {
                        answer = Some(Err(error));
                    }
                    Err(error) => {
                        let is_sent = matches!(error.kind, SomaErrorKind::TimedOut | SomaErrorKind::Broken);
                        is_told_unanswered |= is_sent && sent == QuiesceSent::LongAgo;
                        unanswered = Some(error);
                    }
                }
                if answer.is_some() {
                    step(RestoreStep::Sent);
                }
            }
            step(RestoreStep::Waiting(waited));
            if waited >= limit {
                let state = match state {
                    Ok(ScopeState::Normal | ScopeState::Empty) if answer.is_none() => {
                        "no unquiesce was answered".to_owned()
                    }
                    Ok(ScopeState::Gone) => match is_away {
                        Some(Err(error)) => format!(
                            "the device does not list {scope}, and does not say whether there is one ({error})"
                        ),
                        _ => format!("the device does not list {scope}, and has it in its configuration"),
                    },
                    Ok(state) => format!("{}, even now", scope.stands(&state)),
                    Err(error) => format!("the device does not say how it stands ({error})"),
                };
                let refusal = match answer {
                    Some(Err(error)) => Some(error),
                    _ => unanswered,
                };
                let refusal = refusal.map_or_else(String::new, |error| format!("; {error}"));
                let why = format!("{state}{refusal}");
                return Restored::Not { seen, why };
            }
            self.clock
                .sleep(pause_after(&state, waited).min(limit - waited), &self.stop);
        }
    }
}

/// Watches a device of which some domains are quiesced and the others do not move.
#[derive(Debug, Default)]
struct Rest {
    last: Vec<DomainStatus>,
    since: Duration,
}

impl Rest {
    /// After one more look: the domains that do not change while all others are quiesced, once
    /// they had the time to. A disabled domain is such a one; devices quiesce their domains one
    /// after another, and take some 2 s for each.
    fn after(&mut self, scope: &Scope, domains: &[DomainStatus], waited: Duration) -> Option<Vec<String>> {
        if *scope != Scope::Device {
            return None;
        }
        if self.last != domains {
            self.last = domains.to_vec();
            self.since = waited;
        }
        let in_scope = || domains.iter().filter(|domain| domain.name != DEFAULT_DOMAIN);
        let count = |state: &QuiesceState| in_scope().filter(|domain| domain.quiesce == *state).count();
        let (normal, quiesced) = (count(&QuiesceState::Normal), count(&QuiesceState::Quiesced));
        let patience = REST + REST_FOR_EACH * u32::try_from(domains.len()).unwrap_or(u32::MAX);
        let rests = normal > 0
            && quiesced > 0
            && normal + quiesced == in_scope().count()
            && waited.saturating_sub(self.since) >= patience;
        rests.then(|| {
            in_scope()
                .filter(|domain| domain.quiesce == QuiesceState::Normal)
                .map(|domain| domain.name.clone())
                .collect()
        })
    }
}

/// The pause after a look at a device that has been waited for since `waited`: a login that was
/// refused is not tried again and again, for that is what locks accounts, and keeps them locked.
fn pause_after<T>(looked: &Result<T>, waited: Duration) -> Duration {
    match looked {
        Err(error)
            if matches!(
                error.kind,
                SomaErrorKind::LoginRefused | SomaErrorKind::Authentication
            ) =>
        {
            REFUSED_PAUSE
        }
        _ => until_next_look(waited),
    }
}
