//! What the looks of a way back prove.

use crate::gateway::domains::{DomainStatus, QuiesceState};
use crate::gateway::quiesce::outcome::AtRest;
use crate::gateway::quiesce::scope::{Scope, ScopeState, named};
use crate::gateway::quiesce::way_back::{Away, UNSHOWN, WayBack, WayBackStep, is_due};
use crate::gateway::quiesce::{GONE_AFTER, QuiesceSent, REST, Unmoved};
use crate::soma::error::{Result, SomaErrorKind};

impl WayBack<'_> {
    /// Takes in what the device lists.
    pub(super) fn see(&mut self, domains: &[DomainStatus]) -> ScopeState {
        let shown = self.scope.shown(domains);
        for (name, _) in &shown {
            if !self.stood.contains(name) {
                self.stood.push(name.clone());
            }
        }
        if self.shown != shown {
            self.shown = shown;
            self.shown_since = self.waited;
        }
        let state = self.scope.state(domains, &self.stood);
        if !matches!(state, ScopeState::Missing(_)) {
            (self.missing_since, self.away) = (None, None);
        }
        // What arrives has arrived after what was sent before it; what was seen in all before has not.
        let is_new = self.take_in_turned();
        if is_new && !matches!(self.sent, QuiesceSent::Seen { all_within } if all_within.is_zero()) {
            self.had_nothing_to_bring_back();
        }
        let proves = match &state {
            // It may be the answer to our own unquiesce, of a domain that never was quiesced.
            ScopeState::Unquiescing(_) => self.shown.iter().any(|(_, state)| self.proves_quiesce(state)),
            state => state.shows_quiesce(),
        };
        if proves && !self.seen {
            self.was_overtaken();
            self.seen = true;
        }
        self.had_its_time |= self.seen && self.not_turned().is_empty();
        state
    }

    /// Whether a domain that shows itself so was quiesced. One that is on its way back was, unless it was told to
    /// unquiesce, by this process or by one before it: some show that though there is nothing to bring back.
    fn proves_quiesce(&self, state: &QuiesceState) -> bool {
        match state {
            QuiesceState::Normal | QuiesceState::NotTold(_) => false,
            QuiesceState::Changing(_) if state.is_unquiescing() => self.seen || !self.was_told,
            QuiesceState::Quiesced | QuiesceState::Changing(_) | QuiesceState::Failed(_) => true,
        }
    }

    /// Takes in which domains show a quiesce. Whether one does for the first time, and is not on its way back.
    fn take_in_turned(&mut self) -> bool {
        let mut is_new = false;
        let proved = self.shown.iter().filter(|(_, state)| self.proves_quiesce(state));
        for (name, state) in proved.cloned().collect::<Vec<_>>() {
            if self.turned.insert(name) {
                is_new |= !state.is_unquiescing();
            }
        }
        is_new
    }

    /// The domains that have not begun, as far as anybody saw.
    fn not_turned(&self) -> Vec<String> {
        match self.scope {
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

    /// Whether those that have not begun, while others have, will not: they are not in service. Asked where the
    /// device shows itself at work.
    fn rest_does_not_begin(&mut self) -> bool {
        let gateway = self.gateway;
        let are_off = |names: &[String]| gateway.unmoved(names).iter().all(Unmoved::is_out_of_service);
        match (self.seen, self.scope) {
            (true, Scope::Device) => are_off(&self.not_turned()),
            (true, Scope::Domain(_)) => false,
            // Nothing of it was seen: all of it may be off, which is asked once.
            (false, _) => self.sent.is_answered() && self.is_off(),
        }
    }

    /// Whether nothing of what was quiesced is in service. Asked once.
    pub(super) fn is_off(&mut self) -> bool {
        let (gateway, stood) = (self.gateway, &self.stood);
        !stood.is_empty()
            && *self
                .is_off
                .get_or_insert_with(|| gateway.unmoved(stood).iter().all(Unmoved::is_out_of_service))
    }

    /// How the device rests where all that is left of the quiesce are domains that show that they quiesce, do not go
    /// on with it, and are not in service: such a domain may show that for ever.
    fn rests_but_for_idle_ones(&mut self) -> Option<AtRest> {
        let is_idle =
            |state: &QuiesceState| matches!(state, QuiesceState::Changing(_)) && !state.is_unquiescing();
        let rest_for = self.waited.saturating_sub(self.shown_since);
        let is_listed = |name: &String| self.shown.iter().any(|(shown, _)| shown == name);
        let may_rest = self.answer.is_some()
            && self.stood.iter().all(is_listed)
            && rest_for >= REST.min(self.limit)
            && self
                .shown
                .iter()
                .all(|(_, state)| *state == QuiesceState::Normal || is_idle(state));
        if !may_rest || !is_due(self.idle_asked, self.waited) {
            return None;
        }
        self.idle_asked = Some(self.waited);
        let of = self.shown.iter().filter(|(_, state)| is_idle(state));
        let names: Vec<String> = of.map(|(name, _)| name.clone()).collect();
        let are_off = self
            .gateway
            .unmoved(&names)
            .iter()
            .all(Unmoved::is_out_of_service);
        let rests = match names.len() == self.shown.len() {
            true => AtRest::NotInService,
            false => AtRest::RestAtWork,
        };
        are_off.then_some(rests)
    }

    /// Says that it was seen, once that is so of all of it.
    pub(super) fn say_seen(&mut self, step: &mut dyn FnMut(WayBackStep)) {
        if self.seen && self.had_its_time && !self.is_said_seen {
            self.is_said_seen = true;
            step(WayBackStep::Seen);
        }
    }

    /// How the device shows itself, where nothing of a quiesce is left by that.
    pub(super) fn rests(
        &mut self,
        state: &Result<ScopeState>,
        step: &mut dyn FnMut(WayBackStep),
    ) -> Option<AtRest> {
        let waited = self.waited;
        match state {
            Ok(ScopeState::Normal) => {
                self.had_its_time = self.had_its_time || self.rest_does_not_begin();
                self.had_its_time.then_some(AtRest::AtWork)
            }
            Ok(ScopeState::Between(_)) => {
                let rests = self.rests_but_for_idle_ones();
                // As where all of it is at work: those that have not begun may begin yet.
                self.had_its_time = self.had_its_time || (rests.is_some() && self.rest_does_not_begin());
                rests.filter(|_| self.had_its_time)
            }
            // What was seen stood in a domain, which is not seen any more.
            Ok(ScopeState::Empty) if self.seen => None,
            Ok(ScopeState::Empty) => {
                let is_time = self.had_its_time || (self.sent.is_answered() && waited >= UNSHOWN);
                if is_time && !self.is_unshown_time {
                    self.is_unshown_time = true;
                    // The quiesce may have overtaken what was sent before.
                    self.taken_early = matches!(self.answer, Some(Ok(())));
                    self.was_overtaken();
                }
                is_time.then_some(AtRest::NoDomain)
            }
            Ok(ScopeState::Missing(names)) => {
                let since = *self.missing_since.get_or_insert(waited);
                let lasts = waited.saturating_sub(since) >= GONE_AFTER.min(self.limit);
                let last_asked = self.away.as_ref().map(|(asked, _)| *asked);
                if lasts && self.had_its_time && is_due(last_asked, waited) {
                    self.away = Some((waited, self.look_for(names, step)));
                }
                matches!(self.away, Some((_, Away::Gone))).then_some(AtRest::NotListed)
            }
            _ => None,
        }
    }

    /// Looks for domains that are not listed. That the configuration does not have them is no proof: an
    /// account that may not see them is not shown them there either. Together with a refusal of an unquiesce
    /// in words, which is none for want of a right, it is.
    fn look_for(&mut self, names: &[String], step: &mut dyn FnMut(WayBackStep)) -> Away {
        let not_listed = format!("the device does not list {}", named(names));
        let configured = self.gateway.configured(names);
        for name in names {
            let answer = self.gateway.unquiesce(&Scope::Domain(name.clone()), self.meant);
            let why = match &answer {
                Err(error) if error.kind == SomaErrorKind::Refused => None,
                Err(error) => Some(format!("{not_listed}, nor says that it has none ({error})")),
                Ok(()) => Some(format!(
                    "{not_listed}, and took an unquiesce of domain {name} all the same: it may be hidden from the account"
                )),
            };
            if *self.scope != Scope::Device && self.answered(answer) {
                step(WayBackStep::Sent);
            }
            if let Some(why) = why {
                return Away::MayBeThere(why);
            }
        }
        match configured {
            Ok(there) if there.is_empty() => Away::Gone,
            Ok(there) => {
                let those = match names.len() {
                    1 => "it".to_owned(),
                    _ => named(&there),
                };
                Away::MayBeThere(format!("{not_listed}, and has {those} in its configuration"))
            }
            Err(error) => Away::MayBeThere(format!(
                "{not_listed}, and does not say whether it has such ({error})"
            )),
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
}
