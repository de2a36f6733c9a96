//! Quiesce and unquiesce, and waiting until it is so.

use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus, QuiesceState};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request;

/// The longest pause between two looks at the device.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The pause after the first look.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// A device that was told to unquiesce and still is not on its way is told again.
const SEND_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// A domain that the device has not listed for so long does not exist any more.
const GONE_AFTER: Duration = Duration::from_secs(30);

/// The pause after a login that was refused; a lock on an account lasts a minute by
/// default (soma-wire section 1.4).
const REFUSED_PAUSE: Duration = Duration::from_secs(75);

/// What is quiesced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every domain but `default`.
    Device,
    /// One domain.
    Domain(String),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scope::Device => f.write_str("the device"),
            Scope::Domain(name) => write!(f, "domain {name}"),
        }
    }
}

/// How a scope stands as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeState {
    /// Everything in it works.
    Normal,
    /// Everything in it is quiesced.
    Quiesced,
    /// Something is on the way, or some domains are quiesced and some are not.
    Between(String),
    /// Something in it is on its way back to work.
    Unquiescing(String),
    /// The device reports that it went wrong.
    Failed(String),
    /// The domain is not there.
    Gone,
    /// The device has no domain but `default`: nothing can be quiesced, nothing is.
    Empty,
}

impl std::fmt::Display for ScopeState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Normal => f.write_str("not quiesced"),
            Self::Quiesced => f.write_str("quiesced"),
            Self::Between(words) | Self::Unquiescing(words) | Self::Failed(words) => f.write_str(words),
            Self::Gone => f.write_str("not there"),
            Self::Empty => f.write_str("without any domain but default"),
        }
    }
}

/// How a wait ended.
#[derive(Debug)]
pub enum Waited {
    /// Everything is quiesced.
    Reached,
    /// The device says that it went wrong, or has no such domain.
    Failed(ScopeState),
    /// Not within the limit: the last state, or why it could not be had.
    TimedOut(Result<ScopeState>),
    /// Somebody asked to stop.
    Interrupted,
}

impl Scope {
    /// How this scope stands, from the status of all domains. `default` never goes down
    /// and does not count for the device.
    pub fn state(&self, domains: &[DomainStatus]) -> ScopeState {
        let mut in_scope = domains.iter().filter(|domain| match self {
            Scope::Device => domain.name != DEFAULT_DOMAIN,
            Scope::Domain(name) => domain.name == *name,
        });
        let Scope::Domain(_) = self else {
            return Self::combined(in_scope);
        };
        match in_scope.next().map(|domain| &domain.quiesce) {
            None => ScopeState::Gone,
            Some(QuiesceState::Normal) => ScopeState::Normal,
            Some(QuiesceState::Quiesced) => ScopeState::Quiesced,
            Some(state @ QuiesceState::Changing(_)) if state.is_unquiescing() => {
                ScopeState::Unquiescing(state.to_string())
            }
            Some(state @ QuiesceState::Changing(_)) => ScopeState::Between(state.to_string()),
            Some(state @ QuiesceState::Failed(_)) => ScopeState::Failed(state.to_string()),
        }
    }

    fn combined<'d>(domains: impl Iterator<Item = &'d DomainStatus>) -> ScopeState {
        let (mut normal, mut quiesced, mut changing) = (0_usize, 0_usize, Vec::new());
        for domain in domains {
            match &domain.quiesce {
                QuiesceState::Normal => normal += 1,
                QuiesceState::Quiesced => quiesced += 1,
                state @ QuiesceState::Failed(_) => {
                    return ScopeState::Failed(format!("domain {} is {state}", domain.name));
                }
                QuiesceState::Changing(_) => changing.push(domain),
            }
        }
        // One that is on its way back tells which way the device is going.
        let told = changing
            .iter()
            .find(|domain| domain.quiesce.is_unquiescing())
            .or(changing.first());
        if let Some(domain) = told {
            let more = match changing.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more are on the way"),
            };
            let words = format!("domain {} is {}{more}", domain.name, domain.quiesce);
            return if domain.quiesce.is_unquiescing() {
                ScopeState::Unquiescing(words)
            } else {
                ScopeState::Between(words)
            };
        }
        match (normal, quiesced) {
            (0, 0) => ScopeState::Empty,
            (_, 0) => ScopeState::Normal,
            (0, _) => ScopeState::Quiesced,
            (normal, quiesced) => {
                ScopeState::Between(format!("{quiesced} domains are quiesced and {normal} are not"))
            }
        }
    }
}

impl Gateway<'_> {
    /// Asks for quiesce; the device answers at once and works on. `timeout` is how long
    /// it lets connections finish, at least 60 s.
    pub fn quiesce(&self, scope: &Scope, timeout: Duration) -> Result<()> {
        let seconds = timeout.as_secs();
        let request = match scope {
            Scope::Device => request::quiesce_device(seconds),
            Scope::Domain(name) => request::quiesce_domain(name, seconds),
        };
        self.act(&request, self.timeouts().request)
    }

    /// Asks for unquiesce; the device answers at once and works on.
    pub fn unquiesce(&self, scope: &Scope) -> Result<()> {
        let request = match scope {
            Scope::Device => request::unquiesce_device(),
            Scope::Domain(name) => request::unquiesce_domain(name),
        };
        self.act(&request, self.timeouts().request)
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
        let mut pause = FIRST_PAUSE;
        loop {
            let state = self.domains_once().map(|domains| scope.state(&domains));
            match &state {
                Ok(ScopeState::Quiesced | ScopeState::Empty) => return Waited::Reached,
                Ok(ScopeState::Failed(_) | ScopeState::Gone) => {
                    return Waited::Failed(state.unwrap_or(ScopeState::Gone));
                }
                Err(error) if error.kind == SomaErrorKind::Interrupted => return Waited::Interrupted,
                _ => {}
            }
            let waited = self.clock.elapsed().saturating_sub(started);
            told(waited);
            if waited >= limit {
                return Waited::TimedOut(state);
            }
            self.clock
                .sleep(pause_after(&state, pause).min(limit - waited), &self.stop);
            if self.stop.is_requested() {
                return Waited::Interrupted;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Brings `scope` back to work and confirms it, whatever its state, within `limit`.
    ///
    /// The device is asked first, and told only when it is neither at work nor on its way
    /// there: told again on its way it may begin anew. One that stays on its way is told
    /// again at half the time.
    ///
    /// A quiesce of which nothing was seen on the device may still be on its way to it:
    /// one that is found at work is believed only `settle` after the beginning.
    pub fn restore(
        &self,
        scope: &Scope,
        limit: Duration,
        settle: Duration,
        told: &mut dyn FnMut(Duration),
    ) -> Restored {
        let limit = limit.max(settle);
        let started = self.clock.elapsed();
        let mut pause = FIRST_PAUSE;
        let mut gone_since: Option<Duration> = None;
        let mut last_sent: Option<Duration> = None;
        let mut refusal: Option<SomaError> = None;
        let mut seen = false;
        loop {
            let state = self.domains_once().map(|domains| scope.state(&domains));
            let waited = self.clock.elapsed().saturating_sub(started);
            let is_due = |pause| last_sent.is_none_or(|sent| waited.saturating_sub(sent) >= pause);
            let tell = match &state {
                Ok(ScopeState::Normal | ScopeState::Empty) if last_sent.is_some() => return Restored::Done,
                Ok(ScopeState::Normal | ScopeState::Empty) if seen || waited >= settle => {
                    return Restored::WasNormal;
                }
                Ok(ScopeState::Gone) => {
                    // A device that starts lists its domains one after another.
                    let since = *gone_since.get_or_insert(waited);
                    if waited.saturating_sub(since) >= GONE_AFTER.min(limit) && waited >= settle {
                        return Restored::Gone;
                    }
                    false
                }
                Ok(ScopeState::Normal | ScopeState::Empty) => false,
                Ok(ScopeState::Unquiescing(_)) => waited >= limit / 2 && is_due(limit / 2),
                Ok(ScopeState::Quiesced | ScopeState::Between(_) | ScopeState::Failed(_)) => {
                    is_due(SEND_AGAIN_AFTER)
                }
                Err(error) if error.kind == SomaErrorKind::Interrupted => {
                    return Restored::Not(error.message.clone());
                }
                Err(_) => false,
            };
            if !matches!(state, Ok(ScopeState::Gone)) {
                gone_since = None;
            }
            seen |= matches!(
                state,
                Ok(ScopeState::Quiesced
                    | ScopeState::Between(_)
                    | ScopeState::Failed(_)
                    | ScopeState::Unquiescing(_))
            );
            if tell {
                last_sent = Some(waited);
                refusal = self.unquiesce(scope).err();
            }
            told(waited);
            if waited >= limit {
                let state = match state {
                    Ok(state) => format!("{scope} is still {state}"),
                    Err(error) => format!("the device does not say how it stands ({error})"),
                };
                let refusal = refusal.map_or_else(String::new, |error| format!("; {error}"));
                return Restored::Not(format!("{state}{refusal}"));
            }
            self.clock
                .sleep(pause_after(&state, pause).min(limit - waited), &self.stop);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// The pause after a look: a login that was refused is not tried again and again, for
/// that is what locks accounts, and keeps them locked.
fn pause_after<T>(looked: &Result<T>, pause: Duration) -> Duration {
    match looked {
        Err(error)
            if matches!(
                error.kind,
                SomaErrorKind::LoginRefused | SomaErrorKind::Authentication
            ) =>
        {
            REFUSED_PAUSE
        }
        _ => pause,
    }
}

/// How an unquiesce ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restored {
    /// Unquiesced, and the device has confirmed it.
    Done,
    /// The device was not quiesced any more when asked.
    WasNormal,
    /// The domain does not exist any more.
    Gone,
    /// It could not be confirmed, for this reason.
    Not(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(states: &[(&str, &str)]) -> Vec<DomainStatus> {
        states
            .iter()
            .map(|(name, state)| DomainStatus {
                name: (*name).to_owned(),
                save_needed: false,
                quiesce: QuiesceState::parse(state),
                current_command: String::new(),
            })
            .collect()
    }

    #[test]
    fn a_device_is_quiesced_when_all_but_default_are() {
        let state = |states: &[(&str, &str)]| Scope::Device.state(&domains(states));
        assert_eq!(
            state(&[("default", ""), ("A", "quiesced"), ("B", "quiesced")]),
            ScopeState::Quiesced
        );
        assert_eq!(
            state(&[("default", ""), ("A", ""), ("B", "")]),
            ScopeState::Normal
        );
        assert!(matches!(
            state(&[("default", ""), ("A", "quiesced"), ("B", "")]),
            ScopeState::Between(_)
        ));
        assert!(matches!(
            state(&[("default", ""), ("A", "quiesced"), ("B", "quiescing")]),
            ScopeState::Between(_)
        ));
        assert!(matches!(
            state(&[("default", ""), ("A", "quiescing"), ("B", "unquiescing")]),
            ScopeState::Unquiescing(_)
        ));
        assert!(matches!(
            state(&[("default", ""), ("A", "quiesced"), ("B", "error")]),
            ScopeState::Failed(_)
        ));
    }

    #[test]
    fn a_domain_is_judged_alone() {
        let all = domains(&[("default", ""), ("A", "quiesced"), ("B", "")]);
        assert_eq!(Scope::Domain("A".to_owned()).state(&all), ScopeState::Quiesced);
        assert_eq!(Scope::Domain("B".to_owned()).state(&all), ScopeState::Normal);
        assert_eq!(Scope::Domain("C".to_owned()).state(&all), ScopeState::Gone);
    }
}
