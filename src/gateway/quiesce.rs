//! Quiesce and unquiesce, and waiting until it is so.
//!
//! A quiesce that was sent counts as done unless the device has proved that it was not: its
//! status may show it late or never, and an answer that is a sentence or an error may have begun
//! it all the same. So the way back sends at least one unquiesce before it is called done.

mod outcome;
mod scope;
mod way_back;

use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::asked::{ActionAsked, not_sent, other_answers};
use crate::gateway::domains::{AdminState, DEFAULT_DOMAIN, DomainStatus, QuiesceState};
use crate::gateway::facts::WhoAnswers;
use crate::gateway::pace::RefusedBefore;
use crate::soma::error::{Result, SomaErrorKind};
use crate::soma::request::{self, Request};

pub use outcome::{AtRest, BroughtBack, Confirmation, FutileUnquiesce, LastLook, UnquiesceAnswer};
pub use scope::{Scope, ScopeState, at_work, named};
pub use way_back::{FOLLOWS_WITHIN, WayBackStep};

/// A device that starts lists its domains one after another: one that was not listed for so long may be
/// gone.
const GONE_AFTER: Duration = Duration::from_secs(30);

/// A device of which some domains do not change while all others are quiesced is waited for as
/// long as this, and for each domain as long as that.
const REST: Duration = Duration::from_secs(10);
const REST_FOR_EACH: Duration = Duration::from_secs(2);

/// A quiesce that must be undone, as far as a device is concerned.
#[derive(Clone, Copy, Debug)]
pub struct ToBringBack<'q> {
    pub scope: &'q Scope,
    /// The domains that stood in it when it was quiesced.
    pub stood: &'q [String],
    pub sent: QuiesceSent,
    /// The serial number of the device that was quiesced, where it told that.
    pub meant: Option<&'q str>,
    pub first: FirstWord,
}

/// What a device that is brought back is sent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstWord {
    /// A look: somebody may have told it before.
    Look,
    /// An unquiesce, where all of the quiesce was seen, before anything else is asked but who it is.
    Unquiesce,
    /// The same without that question: it has just been answered, or there is none to ask.
    UnquiesceUnasked,
    /// The same where the login has just been refused to that question.
    UnquiesceRefused,
}

/// What is known of a quiesce that must be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuiesceSent {
    /// The device has shown it.
    Seen {
        /// Those of its domains that have not begun may begin for so long from now on: zero where all have, or
        /// had their time.
        all_within: Duration,
    },
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
    /// The device did not answer, and never showed it; and that was so long ago that it is not expected
    /// any more: a look at the device is an answer, also after an unquiesce that got none.
    LongAgo,
}

impl QuiesceSent {
    fn is_answered(self) -> bool {
        !matches!(self, QuiesceSent::Unanswered { .. })
    }

    /// Whether the device has shown all of it: no domain may begin yet.
    fn is_all_seen(self) -> bool {
        matches!(self, QuiesceSent::Seen { all_within } if all_within.is_zero())
    }

    /// How long from now on the quiesce may begin to show, in each domain that it covers.
    pub fn settles_within(self) -> Duration {
        match self {
            QuiesceSent::LongAgo => Duration::ZERO,
            QuiesceSent::Seen { all_within } => all_within,
            QuiesceSent::Answered { shows_within } => shows_within,
            QuiesceSent::Unanswered { arrives_within, .. } => arrives_within,
        }
    }
}

/// A domain that did not change while all others of its device were quiesced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmoved {
    /// Its name.
    pub name: String,
    /// What the configuration of the device says of it.
    pub state: AdminState,
}

impl Unmoved {
    /// Whether it will not begin: what is disabled, or not there any more, is not taken out of service.
    pub fn is_disabled(&self) -> bool {
        matches!(self.state, AdminState::Disabled | AdminState::NotConfigured)
    }
}

impl std::fmt::Display for Unmoved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match self.state {
            AdminState::Disabled => "disabled",
            AdminState::NotConfigured => "not configured any more",
            AdminState::Enabled => "enabled, and did not begin while all others were",
            AdminState::NotTold => "the device does not tell whether it is enabled",
        };
        write!(f, "{} ({state})", self.name)
    }
}

/// How a wait ended.
#[derive(Debug)]
pub enum Waited {
    /// Everything is quiesced, but for domains that do not change while all others have; or all of it is disabled.
    Reached {
        /// Those domains.
        unchanged: Vec<Unmoved>,
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
    ///
    /// The device has the serial number that is `meant`, where one is.
    pub fn quiesce(&self, scope: &Scope, timeout: Duration, meant: Option<&str>) -> ActionAsked {
        let seconds = timeout.as_secs();
        let request = match scope {
            Scope::Device => request::quiesce_device(seconds),
            Scope::Domain(name) => request::quiesce_domain(name, seconds),
        };
        self.ask(&request, self.timeouts().of_request(), meant)
    }

    /// Asks for unquiesce; the device answers at once and works on. One that is known to be another than the one that
    /// is `meant` is not asked; one that does not tell is, for it may be that one.
    pub fn unquiesce(&self, scope: &Scope, meant: Option<&str>) -> Result<()> {
        let request = unquiesce_of(scope);
        if let Some(meant) = meant
            && let Ok(WhoAnswers::Other(found)) = self.who_is_to_be_told(meant)
        {
            return Err(not_sent(&request.name, &other_answers(&found, meant)));
        }
        self.act(&request, self.timeouts().of_request())
    }

    /// The same without a question: to whoever has just answered one, refused the login to one, or did not answer it.
    fn unquiesce_unasked(&self, scope: &Scope) -> Result<()> {
        self.act(&unquiesce_of(scope), self.timeouts().of_request())
    }

    /// Looks at the device until `scope` is quiesced with all the domains that `stood` in it before, but not
    /// longer than `limit`. A domain that does not begin while all others are quiesced does not hold them up: one
    /// that is disabled not at all, any other no longer than devices take to go from one to the next. Trouble on the
    /// way to the device is waited out. `told` hears how long it lasts.
    pub fn wait_until_quiesced(
        &self,
        scope: &Scope,
        stood: &[String],
        limit: Duration,
        told: &mut dyn FnMut(Duration),
    ) -> Waited {
        let started = self.clock.elapsed();
        let mut wait = QuiesceWait::new(self, scope, stood);
        let mut refused = RefusedBefore::default();
        loop {
            let looked = self.domains_once();
            let waited = self.clock.elapsed().saturating_sub(started);
            let state = wait.see(looked, waited);
            if let Some(end) = wait.end(&state, waited) {
                return end;
            }
            told(waited);
            if waited >= limit {
                return Waited::TimedOut(state);
            }
            self.clock.sleep(
                refused.pause_after(&state, waited).min(limit - waited),
                &self.stop,
            );
            if self.stop.is_requested() {
                return Waited::Interrupted;
            }
        }
    }
}

/// What is known while a quiesce is waited for.
struct QuiesceWait<'w> {
    gateway: &'w Gateway<'w>,
    scope: &'w Scope,
    stood: &'w [String],
    rest: Rest,
    /// The domains that do not change while all others are quiesced, by the last look.
    unchanged: Option<Unchanged>,
    /// What was found out about those.
    unmoved: Vec<Unmoved>,
    missing_since: Option<Duration>,
}

impl<'w> QuiesceWait<'w> {
    fn new(gateway: &'w Gateway<'w>, scope: &'w Scope, stood: &'w [String]) -> Self {
        Self {
            gateway,
            scope,
            stood,
            rest: Rest::default(),
            unchanged: None,
            unmoved: Vec::new(),
            missing_since: None,
        }
    }

    /// Takes in a look.
    fn see(&mut self, looked: Result<Vec<DomainStatus>>, waited: Duration) -> Result<ScopeState> {
        let (scope, stood) = (self.scope, self.stood);
        self.unchanged = looked
            .as_ref()
            .ok()
            .and_then(|domains| self.rest.after(scope, domains, stood, waited));
        let state = looked.map(|domains| scope.state(&domains, stood));
        match state {
            Ok(ScopeState::Missing(_)) => {
                self.missing_since.get_or_insert(waited);
            }
            _ => self.missing_since = None,
        }
        state
    }

    /// How the wait ends by that look, where it does.
    fn end(&mut self, state: &Result<ScopeState>, waited: Duration) -> Option<Waited> {
        match state {
            Ok(ScopeState::Quiesced) => {
                return Some(Waited::Reached {
                    unchanged: Vec::new(),
                });
            }
            Ok(ScopeState::Empty) => return Some(Waited::NothingToShow),
            Ok(failed @ ScopeState::Failed(_)) => return Some(Waited::Failed(failed.clone())),
            // A device that lists some of its domains only may be starting, or carry it out.
            Ok(gone @ ScopeState::Missing(_)) if *self.scope != Scope::Device => {
                let since = self.missing_since.unwrap_or(waited);
                if waited.saturating_sub(since) >= GONE_AFTER {
                    return Some(Waited::Failed(gone.clone()));
                }
            }
            Err(error) if error.kind == SomaErrorKind::Interrupted => return Some(Waited::Interrupted),
            _ => {}
        }
        let is_reached = self.all_others_are_quiesced() || self.is_all_disabled(state, waited);
        is_reached.then(|| Waited::Reached {
            unchanged: std::mem::take(&mut self.unmoved),
        })
    }

    /// Whether only domains are left that do not change, and will not, or had their time.
    fn all_others_are_quiesced(&mut self) -> bool {
        let Some(Unchanged {
            names,
            had_their_time,
        }) = &self.unchanged
        else {
            return false;
        };
        if !self.unmoved.iter().map(|known| &known.name).eq(names) {
            self.unmoved = self.gateway.unmoved(names);
        }
        *had_their_time || self.unmoved.iter().all(Unmoved::is_disabled)
    }

    /// Whether all of it is disabled. Asked once, where nothing begins, or goes on.
    fn is_all_disabled(&mut self, state: &Result<ScopeState>, waited: Duration) -> bool {
        let stands_still = match state {
            Ok(ScopeState::Normal) => waited >= REST_FOR_EACH,
            Ok(ScopeState::Between(_)) => self.rest.only_begins() && self.rest.lasts(waited) >= REST,
            _ => false,
        };
        if !stands_still || !self.unmoved.is_empty() || self.stood.is_empty() {
            return false;
        }
        self.unmoved = self.gateway.unmoved(self.stood);
        self.unmoved.iter().all(Unmoved::is_disabled)
    }
}

fn unquiesce_of(scope: &Scope) -> Request {
    match scope {
        Scope::Device => request::unquiesce_device(),
        Scope::Domain(name) => request::unquiesce_domain(name),
    }
}

impl Gateway<'_> {
    /// Whether this is one domain that is disabled: it cannot be taken out of service.
    pub fn is_disabled(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Device => false,
            Scope::Domain(name) => self
                .unmoved(std::slice::from_ref(name))
                .iter()
                .all(Unmoved::is_disabled),
        }
    }

    /// Asks what these domains are, which do not change.
    fn unmoved(&self, names: &[String]) -> Vec<Unmoved> {
        let states = self.admin_states().unwrap_or_default();
        let state = |name: &String| match states.get(name) {
            Some(state) => *state,
            // Those that it shows are all that it has only where the account may see them.
            None if states.contains_key(DEFAULT_DOMAIN) => AdminState::NotConfigured,
            None => AdminState::NotTold,
        };
        let unmoved = |name: &String| Unmoved {
            name: name.clone(),
            state: state(name),
        };
        names.iter().map(unmoved).collect()
    }
}

/// Domains that do not change while all others are quiesced.
struct Unchanged {
    names: Vec<String>,
    /// Whether that has lasted as long as devices take to go from one domain to the next.
    had_their_time: bool,
}

/// Watches a device of which some domains are quiesced and the others do not move.
#[derive(Debug, Default)]
struct Rest {
    last: Vec<(String, QuiesceState)>,
    since: Duration,
}

impl Rest {
    /// After one more look: the domains that do not change while all others are quiesced. A disabled domain is such
    /// a one, also where it shows that it quiesces and never is, and one that is not listed any more; devices
    /// quiesce their domains one after another, and take some 2 s for each. What else the device says of
    /// them has nothing to do with it.
    fn after(
        &mut self,
        scope: &Scope,
        domains: &[DomainStatus],
        stood: &[String],
        waited: Duration,
    ) -> Option<Unchanged> {
        let now = scope.shown(domains);
        if self.last != now {
            self.last = now;
            self.since = waited;
        }
        if *scope != Scope::Device {
            return None;
        }
        let missing = scope.missing(domains, stood);
        let of = |is: fn(&QuiesceState) -> bool| -> Vec<String> {
            let of_it = self.last.iter().filter(|(_, shown)| is(shown));
            of_it.map(|(name, _)| name.clone()).collect()
        };
        let quiesced = of(|shown| *shown == QuiesceState::Quiesced);
        let still = of(|shown| *shown == QuiesceState::Normal);
        let begun = of(begins);
        let is_half = !quiesced.is_empty() && quiesced.len() + still.len() + begun.len() == self.last.len();
        let patience = REST + REST_FOR_EACH * u32::try_from(domains.len()).unwrap_or(u32::MAX);
        let rests_for = self.lasts(waited);
        // One that has begun is on its way, and has all of its time, unless it is disabled.
        let (least, most) = match begun.is_empty() {
            true => (REST_FOR_EACH, Some(patience)),
            false => (REST, None),
        };
        let names: Vec<String> = still.into_iter().chain(begun).chain(missing).collect();
        (is_half && !names.is_empty() && rests_for >= least).then(|| Unchanged {
            names,
            had_their_time: most.is_some_and(|most| rests_for >= most),
        })
    }

    /// How long nothing has changed.
    fn lasts(&self, waited: Duration) -> Duration {
        waited.saturating_sub(self.since)
    }

    /// Whether no domain is more than on its way.
    fn only_begins(&self) -> bool {
        self.last
            .iter()
            .all(|(_, shown)| *shown == QuiesceState::Normal || begins(shown))
    }
}

/// Whether a domain is on its way to be quiesced.
fn begins(shown: &QuiesceState) -> bool {
    matches!(shown, QuiesceState::Changing(_)) && !shown.is_unquiescing()
}
