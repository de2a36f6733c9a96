//! How a way back ended, in words.

use crate::gateway::quiesce::QuiesceSent;
use crate::gateway::quiesce::outcome::{AtRest, BroughtBack, Confirmation};
use crate::gateway::quiesce::scope::{Scope, ScopeState, named};
use crate::gateway::quiesce::way_back::WayBack;
use crate::gateway::quiesce::way_back::sight::Away;
use crate::soma::error::{Result, SomaErrorKind};

impl WayBack<'_> {
    /// It is back, as far as that can be known.
    pub(super) fn ends(mut self, rests: AtRest) -> BroughtBack {
        let seen = self.sight.is_seen();
        let rests = match rests {
            AtRest::AtWork if !seen && self.are_all_disabled() => AtRest::Disabled,
            rests => rests,
        };
        match self.sent {
            QuiesceSent::Unanswered { .. } if !seen => BroughtBack::NotKnown(rests),
            _ => {
                let (answer, futile) = self.told.into_answer();
                BroughtBack::Confirmed(Confirmation {
                    seen,
                    rests,
                    answer,
                    futile,
                })
            }
        }
    }

    /// Why it is not known to be back, from the last look.
    pub(super) fn why_not(self, state: Result<ScopeState>) -> String {
        let state = match state {
            Ok(ScopeState::Normal | ScopeState::Empty) if !self.told.is_answered() => {
                "no unquiesce was answered".to_owned()
            }
            Ok(ScopeState::Empty) => {
                "the device has no domain but default, so that nothing shows whether it is quiesced"
                    .to_owned()
            }
            Ok(state @ ScopeState::Missing(_)) => match self.sight.away() {
                // How it answered its unquiesce is said there.
                Some(Away::MayBeThere(why)) if *self.scope != Scope::Device => return why.clone(),
                Some(Away::MayBeThere(why)) => why.clone(),
                Some(Away::Gone) | None => format!(
                    "{}; its configuration was not looked at",
                    self.scope.stands(&state)
                ),
            },
            Ok(ScopeState::Normal) => {
                "the device shows it at work now, and nobody can tell that the quiesce does not begin yet"
                    .to_owned()
            }
            Ok(state @ ScopeState::Between(_)) if *self.scope == Scope::Device => {
                match self.sight.still_quiesced() {
                    names if names.is_empty() => format!("{}, even now", self.scope.stands(&state)),
                    names => format!("{}, even now ({})", self.scope.stands(&state), named(&names)),
                }
            }
            Ok(state) => format!("{}, even now", self.scope.stands(&state)),
            Err(error) => format!("the device does not say how it stands ({error})"),
        };
        match self.told.into_refusal() {
            Some(error) if !state.contains(&error.message) => match &error.hint {
                // To try again helps nobody before the account has that right.
                Some(hint) if error.kind == SomaErrorKind::NotAllowed => format!("{state}; {error}; {hint}"),
                _ => format!("{state}; {error}"),
            },
            Some(_) | None => state,
        }
    }
}
