//! What the looks of a way back have shown so far.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::gateway::domains::{DomainStatus, QuiesceState};
use crate::gateway::quiesce::QuiesceSent;
use crate::gateway::quiesce::scope::{Scope, ScopeState};

/// The domains of a quiesce, as the looks have shown them.
pub(super) struct Sight {
    /// The domains that must be back: those that stood in it, and those that were seen since.
    pub(super) stood: Vec<String>,
    quiesce: SeenQuiesce,
    /// The domains that were seen quiesced, or on the way.
    turned: BTreeSet<String>,
    /// Whether every domain was seen so, or had the time to.
    pub(super) had_its_time: bool,
    /// How the domains show themselves, and since when.
    pub(super) shown: Vec<(String, QuiesceState)>,
    pub(super) shown_since: Duration,
    /// What is known of domains that are not listed, where some are not.
    missing: Option<Missing>,
}

/// Whether the quiesce was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SeenQuiesce {
    No,
    /// It was, and not of all of it, or nobody was told yet.
    Yes,
    /// It was, of all of it, and that was said.
    Said,
}

/// Domains that are not listed.
struct Missing {
    since: Duration,
    /// What was found out about them, and when.
    asked: Option<(Duration, Away)>,
}

/// What is known of domains that the device does not list.
pub(super) enum Away {
    /// They do not exist any more.
    Gone,
    /// They may, for this reason.
    MayBeThere(String),
}

/// What one look has shown that was not known before it.
pub(super) struct Sighting {
    pub(super) state: ScopeState,
    /// Whether a domain has shown for the first time that it was quiesced, and not that it is on its way back.
    pub(super) has_new: bool,
    /// Whether this look is the first that proves the quiesce.
    pub(super) is_first: bool,
}

impl Sight {
    /// What is known of such a quiesce before the first look.
    pub(super) fn new(stood: &[String], sent: QuiesceSent) -> Self {
        Self {
            stood: stood.to_vec(),
            quiesce: match sent {
                QuiesceSent::Seen { .. } if sent.is_all_seen() => SeenQuiesce::Said,
                QuiesceSent::Seen { .. } => SeenQuiesce::Yes,
                QuiesceSent::Answered { .. } | QuiesceSent::Unanswered { .. } | QuiesceSent::LongAgo => {
                    SeenQuiesce::No
                }
            },
            turned: BTreeSet::new(),
            had_its_time: sent.settles_within().is_zero(),
            shown: Vec::new(),
            shown_since: Duration::ZERO,
            missing: None,
        }
    }

    /// Whether the quiesce was seen.
    pub(super) fn is_seen(&self) -> bool {
        self.quiesce != SeenQuiesce::No
    }

    /// Whether it is to be said now that all of it was seen: once.
    pub(super) fn is_to_be_said(&mut self) -> bool {
        let is_due = self.quiesce == SeenQuiesce::Yes && self.had_its_time;
        if is_due {
            self.quiesce = SeenQuiesce::Said;
        }
        is_due
    }

    /// Takes in what the device lists, which `was_told` to unquiesce before or not.
    pub(super) fn take_in(
        &mut self,
        scope: &Scope,
        domains: &[DomainStatus],
        waited: Duration,
        was_told: bool,
    ) -> Sighting {
        let mut shown = scope.shown(domains);
        let own_row = scope.own_row(domains, &self.stood);
        shown.extend(own_row.map(|own| (own.name.clone(), own.quiesce.clone())));
        for (name, _) in &shown {
            if !self.stood.contains(name) {
                self.stood.push(name.clone());
            }
        }
        if self.shown != shown {
            self.shown = shown;
            self.shown_since = waited;
        }
        let state = scope.state(domains, &self.stood);
        if !matches!(state, ScopeState::Missing(_)) {
            self.missing = None;
        }
        let has_new = self.take_in_turned(was_told);
        let proves = match &state {
            // It may be the answer to our own unquiesce, of a domain that never was quiesced.
            ScopeState::Unquiescing(_) => self
                .shown
                .iter()
                .any(|(_, state)| self.proves_quiesce(state, was_told)),
            state => state.shows_quiesce(),
        };
        let is_first = proves && !self.is_seen();
        if is_first {
            self.quiesce = SeenQuiesce::Yes;
        }
        self.had_its_time |= self.is_seen() && self.not_turned(scope).is_empty();
        Sighting {
            state,
            has_new,
            is_first,
        }
    }

    /// Whether a domain that shows itself so was quiesced. One that is on its way back was, unless it was told to
    /// unquiesce, by this process or by one before it: some show that though there is nothing to bring back.
    fn proves_quiesce(&self, state: &QuiesceState, was_told: bool) -> bool {
        match state {
            QuiesceState::Normal | QuiesceState::NotTold(_) => false,
            QuiesceState::Changing(_) if state.is_unquiescing() => self.is_seen() || !was_told,
            QuiesceState::Quiesced | QuiesceState::Changing(_) | QuiesceState::Failed(_) => true,
        }
    }

    /// Takes in which domains show a quiesce. Whether one does for the first time, and is not on its way back.
    fn take_in_turned(&mut self, was_told: bool) -> bool {
        let mut is_new = false;
        let proved = self
            .shown
            .iter()
            .filter(|(_, state)| self.proves_quiesce(state, was_told));
        for (name, state) in proved.cloned().collect::<Vec<_>>() {
            if self.turned.insert(name) {
                is_new |= !state.is_unquiescing();
            }
        }
        is_new
    }

    /// The domains that have not begun, as far as anybody saw.
    pub(super) fn not_turned(&self, scope: &Scope) -> Vec<String> {
        match scope {
            // What shows there shows in its only domain.
            Scope::Domain(_) => Vec::new(),
            Scope::Device => {
                let names = self.stood.iter();
                names
                    .filter(|name| !self.turned.contains(*name))
                    .cloned()
                    .collect()
            }
        }
    }

    /// The domains that show that they are quiesced. None was when the device was asked to quiesce.
    pub(super) fn still_quiesced(&self) -> Vec<String> {
        let quiesced = self
            .shown
            .iter()
            .filter(|(_, state)| *state == QuiesceState::Quiesced);
        quiesced.map(|(name, _)| name.clone()).collect()
    }

    /// For how long nothing has changed in what is shown.
    pub(super) fn rests_for(&self, waited: Duration) -> Duration {
        waited.saturating_sub(self.shown_since)
    }

    /// The domains that show that they quiesce and do not go on with it, where all others that stood are at work.
    pub(super) fn idle_ones(&self) -> Option<Vec<String>> {
        let is_idle =
            |state: &QuiesceState| matches!(state, QuiesceState::Changing(_)) && !state.is_unquiescing();
        let is_listed = |name: &String| self.shown.iter().any(|(shown, _)| shown == name);
        let are_the_rest = self.stood.iter().all(is_listed)
            && self
                .shown
                .iter()
                .all(|(_, state)| *state == QuiesceState::Normal || is_idle(state));
        are_the_rest.then(|| {
            let idle = self.shown.iter().filter(|(_, state)| is_idle(state));
            idle.map(|(name, _)| name.clone()).collect()
        })
    }

    /// Since when domains are not listed, and when somebody asked about them last: some are not now.
    pub(super) fn missing_since(&mut self, waited: Duration) -> (Duration, Option<Duration>) {
        let missing = self.missing.get_or_insert(Missing {
            since: waited,
            asked: None,
        });
        (missing.since, missing.asked.as_ref().map(|(asked, _)| *asked))
    }

    /// What was found out about them now.
    pub(super) fn found_out(&mut self, waited: Duration, away: Away) {
        if let Some(missing) = &mut self.missing {
            missing.asked = Some((waited, away));
        }
    }

    /// What is known of them.
    pub(super) fn away(&self) -> Option<&Away> {
        let (_, away) = self.missing.as_ref()?.asked.as_ref()?;
        Some(away)
    }
}
