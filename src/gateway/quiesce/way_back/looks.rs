//! What the looks of a way back prove, and what the device is asked where they alone prove nothing.

use std::time::Duration;

use crate::gateway::domains::DomainStatus;
use crate::gateway::quiesce::outcome::AtRest;
use crate::gateway::quiesce::scope::{Scope, ScopeState, named};
use crate::gateway::quiesce::way_back::sight::{Away, Sighting};
use crate::gateway::quiesce::way_back::told::is_due;
use crate::gateway::quiesce::way_back::{WayBack, WayBackStep};
use crate::gateway::quiesce::{GONE_AFTER, REST, Unmoved};
use crate::soma::error::{Result, SomaErrorKind};

/// A device that has no domain to show a quiesce is given so long to carry out what it accepted.
const UNSHOWN: Duration = Duration::from_secs(10);

impl WayBack<'_> {
    /// Takes in what the device lists.
    pub(super) fn see(&mut self, domains: &[DomainStatus]) -> ScopeState {
        let Sighting {
            state,
            has_new,
            is_first,
        } = self
            .sight
            .take_in(self.scope, domains, self.waited, self.told.was_told());
        // What arrives has arrived after what was sent before it; what was seen in all before has not.
        if has_new && !self.sent.is_all_seen() {
            self.told.had_nothing_to_bring_back();
        }
        if is_first {
            self.told.was_overtaken();
        }
        state
    }

    /// Whether those that have not begun, while others have, will not: they are disabled. Asked where the
    /// device shows itself at work.
    fn rest_does_not_begin(&mut self) -> bool {
        match (self.sight.is_seen(), self.scope) {
            (true, Scope::Device) => self.are_disabled(&self.sight.not_turned(self.scope)),
            (true, Scope::Domain(_)) => false,
            // Nothing of it was seen: all of it may be disabled, which is asked once.
            (false, _) => self.sent.is_answered() && self.are_all_disabled(),
        }
    }

    /// Whether all of what was quiesced is disabled. Asked once.
    pub(super) fn are_all_disabled(&mut self) -> bool {
        if self.sight.stood.is_empty() {
            return false;
        }
        let are_all_disabled = self
            .idle
            .are_all_disabled
            .unwrap_or_else(|| self.are_disabled(&self.sight.stood));
        self.idle.are_all_disabled = Some(are_all_disabled);
        are_all_disabled
    }

    /// Whether all of these are disabled. Asked each time.
    fn are_disabled(&self, names: &[String]) -> bool {
        self.gateway.unmoved(names).iter().all(Unmoved::is_disabled)
    }

    /// How the device rests where all that is left of the quiesce are domains that show that they quiesce, do not go
    /// on with it, and are disabled: such a domain may show that for ever.
    fn rests_but_for_idle_ones(&mut self) -> Option<AtRest> {
        let has_rested = self.sight.rests_for(self.waited) >= REST.min(self.limit());
        if !self.told.is_answered() || !has_rested {
            return None;
        }
        let names = self.sight.idle_ones()?;
        if !is_due(self.idle.last, self.waited) {
            return None;
        }
        self.idle.last = Some(self.waited);
        let rests = match names.len() == self.sight.shown.len() {
            true => AtRest::Disabled,
            false => AtRest::RestAtWork,
        };
        self.are_disabled(&names).then_some(rests)
    }

    /// Says that it was seen, once that is so of all of it.
    pub(super) fn say_seen(&mut self, step: &mut dyn FnMut(WayBackStep)) {
        if self.sight.is_to_be_said() {
            step(WayBackStep::Seen);
        }
    }

    /// How the device shows itself, where nothing of a quiesce is left by that.
    pub(super) fn rests(
        &mut self,
        state: &Result<ScopeState>,
        step: &mut dyn FnMut(WayBackStep),
    ) -> Option<AtRest> {
        match state {
            Ok(ScopeState::Normal) => {
                self.sight.had_its_time = self.sight.had_its_time || self.rest_does_not_begin();
                self.sight.had_its_time.then_some(AtRest::AtWork)
            }
            Ok(ScopeState::Between(_)) => {
                let rests = self.rests_but_for_idle_ones();
                // As where all of it is at work: those that have not begun may begin yet.
                self.sight.had_its_time =
                    self.sight.had_its_time || (rests.is_some() && self.rest_does_not_begin());
                rests.filter(|_| self.sight.had_its_time)
            }
            // What was seen stood in a domain, which is not seen any more; where none stood, in the row of default.
            Ok(ScopeState::Empty) if self.sight.is_seen() && !self.sight.stood.is_empty() => None,
            Ok(ScopeState::Empty) => {
                let is_time = self.sight.had_its_time || (self.sent.is_answered() && self.waited >= UNSHOWN);
                if is_time {
                    self.told.had_its_unshown_time();
                }
                is_time.then_some(AtRest::NoDomain)
            }
            Ok(ScopeState::Missing(names)) => {
                let (since, last_asked) = self.sight.missing_since(self.waited);
                // Early enough that there is time for the answer, however short the limit.
                let patience = GONE_AFTER.min(self.limit() / 2);
                let lasts = self.waited.saturating_sub(since) >= patience;
                if lasts && self.sight.had_its_time && is_due(last_asked, self.waited) {
                    let away = self.look_for(names, step);
                    self.sight.found_out(self.waited, away);
                }
                matches!(self.sight.away(), Some(Away::Gone)).then_some(AtRest::NotListed)
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
            if *self.scope != Scope::Device && self.told.answered(answer) {
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
}
