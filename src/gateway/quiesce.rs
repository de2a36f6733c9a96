//! Quiesce and unquiesce, and waiting until it is so.

use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus, QuiesceState};
use crate::soma::error::{Kind, Result, SomaError};
use crate::soma::request;

/// The longest pause between two looks at the device.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The pause after the first look.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// A device that was told to unquiesce and still is not on its way is told again.
const SEND_AGAIN_AFTER: Duration = Duration::from_secs(15);

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

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Everything quiesced.
    Quiesced,
    /// Everything working.
    Normal,
}

/// How a wait ended.
#[derive(Debug)]
pub enum Waited {
    /// As wanted.
    Reached,
    /// The device says that it went wrong, or has no such domain.
    Failed(ScopeState),
    /// Not within the limit: the last state, or why it could not be had.
    TimedOut(std::result::Result<ScopeState, SomaError>),
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

    /// Looks at the device until `scope` is as wanted, but not longer than `limit`.
    /// Trouble on the way to the device is waited out. `told` hears how long it lasts.
    pub fn wait_until(
        &self,
        scope: &Scope,
        goal: Goal,
        limit: Duration,
        told: &mut dyn FnMut(Duration),
    ) -> Waited {
        let mut no_look = |_: &std::result::Result<ScopeState, SomaError>| {};
        self.wait_and_look(scope, goal, limit, told, &mut no_look)
    }

    /// As [`Self::wait_until`]; `look` sees each state that is not the wanted one.
    pub fn wait_and_look(
        &self,
        scope: &Scope,
        goal: Goal,
        limit: Duration,
        told: &mut dyn FnMut(Duration),
        look: &mut dyn FnMut(&std::result::Result<ScopeState, SomaError>),
    ) -> Waited {
        let started = self.clock.elapsed();
        let mut pause = FIRST_PAUSE;
        loop {
            let state = self.domains_once().map(|domains| scope.state(&domains));
            match (&state, goal) {
                (Ok(ScopeState::Quiesced), Goal::Quiesced)
                | (Ok(ScopeState::Normal), Goal::Normal)
                | (Ok(ScopeState::Empty), _) => return Waited::Reached,
                (Ok(ScopeState::Failed(_) | ScopeState::Gone), Goal::Quiesced) => {
                    return Waited::Failed(state.unwrap_or(ScopeState::Gone));
                }
                (Err(error), _) if error.kind == Kind::Interrupted => return Waited::Interrupted,
                _ => look(&state),
            }
            let waited = self.clock.elapsed().saturating_sub(started);
            told(waited);
            if waited >= limit {
                return Waited::TimedOut(state);
            }
            self.clock.sleep(pause.min(limit - waited), &self.stop);
            if self.stop.is_requested() {
                return Waited::Interrupted;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Brings `scope` back to work and confirms it, whatever its state, within `limit`.
    /// The request is sent again only when the device, asked, is still not on its way.
    pub fn restore(&self, scope: &Scope, limit: Duration, told: &mut dyn FnMut(Duration)) -> Restored {
        let mut refusal: Option<SomaError> = None;
        let mut last_sent: Option<Duration> = None;
        let waited = {
            let mut look = |state: &std::result::Result<ScopeState, SomaError>| {
                // Ask first: only a device that answers, and is neither at work nor on its way
                // there, is told. Told again on its way it may begin anew.
                if matches!(state, Err(_) | Ok(ScopeState::Gone | ScopeState::Unquiescing(_))) {
                    return;
                }
                let now = self.clock.elapsed();
                let due = last_sent.is_none_or(|sent| now.saturating_sub(sent) >= SEND_AGAIN_AFTER);
                if due {
                    last_sent = Some(now);
                    refusal = self.unquiesce(scope).err();
                }
            };
            self.wait_and_look(scope, Goal::Normal, limit, told, &mut look)
        };
        match waited {
            Waited::Reached if last_sent.is_some() => Restored::Done,
            Waited::Reached => Restored::WasNormal,
            Waited::Failed(state) => Restored::Not(format!("{scope} is {state}")),
            Waited::Interrupted => Restored::Not("interrupted".to_owned()),
            Waited::TimedOut(Ok(ScopeState::Gone)) => Restored::Gone,
            Waited::TimedOut(last) => {
                let state = match last {
                    Ok(state) => format!("{scope} is still {state}"),
                    Err(error) => format!("the device does not say how it stands ({error})"),
                };
                let refusal = refusal.map_or_else(String::new, |error| format!("; {error}"));
                Restored::Not(format!("{state}{refusal}"))
            }
        }
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
