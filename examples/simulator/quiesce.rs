//! Quiesces: where each domain and the device itself stand, what is shown of it; and what is still to come.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::secure_backup::{self, Making};
use super::state::{DomainState, State, later};

/// What a gateway shows of a quiesce. A gateway that shows it at once is the default; that there are
/// others is known, how each of them does it is a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Each state as soon as it is so.
    AtOnce,
    /// Nothing, in no status class.
    Never,
    /// Nothing in `DomainStatus`; `DomainSummary` and `ObjectStatus` show each state as soon as it is so.
    Elsewhere,
    /// So many looks (at `DomainStatus` or `DomainSummary`) after a change still see what was before.
    AfterLooks(u32),
    /// Each state so long after it is so, by the gateway's clock.
    After(Duration),
}

/// When something is done that is not done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the request, by the gateway's clock.
    After(Duration),
    /// When the n-th request after it has come, whatever that is, and before it is answered.
    Requests(u32),
}

/// Where a domain, or the device, stands between normal and quiesced. A move without an end never ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Normal,
    ToQuiesced(Option<Timestamp>),
    ToNormal(Option<Timestamp>),
    Error,
}

impl Phase {
    /// `QuiesceState` as it stands on the wire.
    fn word(self, now: Timestamp) -> &'static str {
        let ended = |until: Option<Timestamp>| until.is_some_and(|until| until <= now);
        match self {
            Phase::Normal => "",
            Phase::ToQuiesced(until) if ended(until) => "quiesced",
            Phase::ToQuiesced(_) => "quiescing",
            Phase::ToNormal(until) if ended(until) => "",
            Phase::ToNormal(_) => "unquiescing",
            Phase::Error => "error",
        }
    }
}

/// The phases that a domain, or the device, has gone through.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    first: Phase,
    /// Every change: when, after how many looks, to what.
    changes: Vec<(Timestamp, u64, Phase)>,
}

impl Standing {
    pub(super) fn new(first: Phase) -> Standing {
        Standing {
            first,
            changes: Vec::new(),
        }
    }

    fn phase(&self) -> Phase {
        self.changes.last().map_or(self.first, |change| change.2)
    }

    fn change(&mut self, now: Timestamp, looks: u64, to: Phase) {
        if to != self.phase() {
            self.changes.push((now, looks, to));
        }
    }

    /// How it is, whatever is shown.
    pub(super) fn word(&self, now: Timestamp) -> &'static str {
        self.phase().word(now)
    }

    /// What is shown of it now that somebody looks for the `looks`-th time.
    fn shown(&self, shown: Shown, now: Timestamp, looks: u64) -> &'static str {
        let last = |is_known: &dyn Fn(&(Timestamp, u64, Phase)) -> bool| {
            let known = self.changes.iter().rev().find(|change| is_known(change));
            known.map_or(self.first, |change| change.2)
        };
        match shown {
            Shown::AtOnce | Shown::Elsewhere => self.word(now),
            Shown::Never => "",
            Shown::AfterLooks(late) => {
                last(&|change| looks.saturating_sub(change.1) > u64::from(late)).word(now)
            }
            Shown::After(late) => {
                let then = SignedDuration::try_from(late)
                    .ok()
                    .and_then(|late| now.checked_sub(late).ok())
                    .unwrap_or(Timestamp::MIN);
                last(&|change| change.0 <= then).word(then)
            }
        }
    }
}

/// How a quiesce or an unquiesce goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ends,
    NeverEnds,
    Fails,
}

/// What is done now or later: what changes quiesce states, and a secure backup.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Quiesce(Order),
    Unquiesce(Order),
    /// A secure backup begins.
    SecureBackup(Making),
    /// A domain changes its state alone, at once.
    Turn {
        domain: String,
        quiesced: bool,
    },
}

/// What is quiesced or unquiesced.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) domains: Vec<String>,
    /// The device itself too: its services and handlers.
    pub(super) device: bool,
    pub(super) takes: Duration,
    pub(super) outcome: Outcome,
}

/// Something that will be done later.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    due: Due,
    /// What is asked for after it waits for it.
    holds_others: bool,
    act: Act,
}

#[derive(Clone, Copy, Debug)]
enum Due {
    At(Timestamp),
    Request(u64),
}

impl State {
    /// `QuiesceState` of a domain as it is, whatever is shown; empty when nothing is quiesced.
    pub fn quiesce_state(&self, domain: &str) -> &'static str {
        self.domain(domain)
            .map_or("", |domain| domain.quiesce.word(self.now()))
    }

    /// The state of the device itself, which `QuiesceDP` and `UnquiesceDP` alone change: its services and
    /// handlers stop with it, also where it has no domain but `default`. No status class shows it. That
    /// unquiescing every domain leaves the device quiesced is a guess.
    pub fn device_quiesce_state(&self) -> &'static str {
        self.device.word(self.now())
    }

    /// Whether everything is as idle as it should be: no quiesce of a domain or of the device done, under
    /// way or failed, whatever is shown. What is still to come is told by [`State::is_expecting`].
    pub fn is_unquiesced(&self) -> bool {
        self.quiesced().is_empty()
    }

    /// What is not as idle as it should be: domains, and `the device`.
    pub fn quiesced(&self) -> Vec<String> {
        let now = self.now();
        let mut quiesced: Vec<String> = Vec::new();
        if !self.device.word(now).is_empty() {
            quiesced.push("the device".to_owned());
        }
        let domains = self.domains.iter();
        quiesced.extend(
            domains
                .filter(|domain| !domain.quiesce.word(now).is_empty())
                .map(|domain| domain.name.clone()),
        );
        quiesced
    }

    /// Whether a quiesce or an unquiesce that was asked for, or a change without one, is still to come.
    pub fn is_expecting(&self) -> bool {
        !self.deeds.is_empty()
    }

    /// Quiesces or unquiesces a domain at once, as somebody else would.
    pub fn set_quiesced(&mut self, domain: &str, quiesced: bool) {
        let now = self.now();
        let domain = domain.to_owned();
        self.act(&Act::Turn { domain, quiesced }, now);
    }

    /// Lets a domain begin its way back to work, as somebody else would, and never arrive.
    pub fn set_stuck(&mut self, domain: &str) {
        let (now, looks) = (self.now(), self.looks);
        if let Some(domain) = self.domain_mut(domain) {
            domain.quiesce.change(now, looks, Phase::ToNormal(None));
        }
    }

    /// Lets a domain change its state alone, later.
    pub fn turn_later(&mut self, domain: &str, quiesced: bool, when: When) {
        let domain = domain.to_owned();
        self.act_later(Act::Turn { domain, quiesced }, when, false);
    }

    /// What a user is shown of the quiesce of a domain, in `DomainStatus` or in another class.
    pub(super) fn shown_quiesce(
        &self,
        domain: &DomainState,
        user: &str,
        in_domain_status: bool,
    ) -> &'static str {
        let blind = self
            .setup
            .users
            .iter()
            .any(|known| known.name == user && known.blind);
        if blind || (in_domain_status && self.setup.shown == Shown::Elsewhere) {
            return "";
        }
        let standing = match domain.name == "default" && self.setup.device_in_default {
            true => &self.device,
            false => &domain.quiesce,
        };
        standing.shown(self.setup.shown, self.now(), self.looks)
    }

    /// Does it now, unless something before it is still to be done and holds it up.
    pub(super) fn act_in_turn(&mut self, act: Act) {
        match self.deeds.iter().rev().find(|deed| deed.holds_others) {
            Some(before) => {
                let due = before.due;
                self.deeds.push(Deed {
                    due,
                    holds_others: true,
                    act,
                });
            }
            None => self.act(&act, self.now()),
        }
    }

    /// Does it later.
    pub(super) fn act_later(&mut self, act: Act, when: When, holds_others: bool) {
        let due = match when {
            When::After(time) => Due::At(later(self.now(), time)),
            When::Requests(count) => Due::Request(self.requests + u64::from(count)),
        };
        self.deeds.push(Deed {
            due,
            holds_others,
            act,
        });
    }

    /// Does what has come due, in the order in which it was asked for.
    pub(super) fn do_deeds(&mut self) {
        let now = self.now();
        let mut waiting = Vec::new();
        for deed in std::mem::take(&mut self.deeds) {
            match deed.due {
                Due::At(time) if time <= now => self.act(&deed.act, time),
                Due::Request(number) if number <= self.requests => self.act(&deed.act, now),
                _ => waiting.push(deed),
            }
        }
        self.deeds = waiting;
    }

    fn act(&mut self, act: &Act, at: Timestamp) {
        let looks = self.looks;
        match act {
            Act::SecureBackup(making) => secure_backup::begin(self, making, at),
            Act::Turn { domain, quiesced } => {
                let phase = if *quiesced {
                    Phase::ToQuiesced(Some(at))
                } else {
                    Phase::Normal
                };
                if let Some(domain) = self.domain_mut(domain) {
                    domain.quiesce.change(at, looks, phase);
                }
            }
            Act::Quiesce(order) => {
                self.for_each(order, |standing, slower| {
                    let until = Some(later(at, order.takes + slower));
                    let to = match (order.outcome, standing.phase()) {
                        // Quiesced already, or on the way: nothing begins anew.
                        (Outcome::Ends, before @ Phase::ToQuiesced(Some(_))) => before,
                        (Outcome::Ends, _) => Phase::ToQuiesced(until),
                        (Outcome::NeverEnds, _) => Phase::ToQuiesced(None),
                        (Outcome::Fails, _) => Phase::Error,
                    };
                    standing.change(at, looks, to);
                });
            }
            Act::Unquiesce(order) => {
                self.for_each(order, |standing, slower| {
                    if !standing.word(at).is_empty() {
                        let until = Some(later(at, order.takes + slower));
                        let until = until.filter(|_| order.outcome != Outcome::NeverEnds);
                        standing.change(at, looks, Phase::ToNormal(until));
                    }
                });
            }
        }
    }

    /// Everything that an order concerns, with how much slower than others it is. A disabled domain has
    /// nothing to stop.
    fn for_each(&mut self, order: &Order, mut change: impl FnMut(&mut Standing, Duration)) {
        if order.device {
            change(&mut self.device, Duration::ZERO);
        }
        for domain in &mut self.domains {
            if order.domains.contains(&domain.name) && !domain.is_disabled() {
                change(&mut domain.quiesce, domain.slower);
            }
        }
    }
}
