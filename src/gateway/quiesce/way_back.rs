//! The way back from a quiesce: at least one unquiesce, and the device's own word after it.

mod end;
mod logins;
mod looks;
mod sight;
mod told;

use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::asked::other_answers;
use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus};
use crate::gateway::facts::WhoAnswers;
use crate::gateway::pace::{pause_after, until_next_look};
use crate::gateway::quiesce::outcome::{AtRest, BroughtBack, LastLook};
use crate::gateway::quiesce::scope::{Scope, ScopeState};
use crate::gateway::quiesce::way_back::logins::Logins;
use crate::gateway::quiesce::way_back::sight::Sight;
use crate::gateway::quiesce::way_back::told::{SEND_AGAIN_AFTER, Unquiesces};
use crate::gateway::quiesce::{FirstWord, QuiesceSent, ToBringBack};
use crate::soma::error::{Result, SomaError, SomaErrorKind};

/// What was told when the limit was reached, and took that, is given so long to follow.
pub const FOLLOWS_WITHIN: Duration = Duration::from_secs(10);

/// What happens while a device is brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBackStep {
    /// It has lasted so long.
    Waiting(Duration),
    /// The device was seen to be quiesced, or on the way; and no domain of it may begin yet.
    Seen,
    /// An unquiesce was sent, and answered.
    Sent,
}

impl Gateway<'_> {
    /// Brings `scope` back to work and confirms it, whatever its state, within `limit`. Each of the domains
    /// that `stood` in it when it was quiesced must be seen at work, or must be gone by the device's own word.
    ///
    /// At least one unquiesce is sent, and answered, before it is called done. One that comes first is sent before
    /// any look; and a look that is refused, or not answered in a moment, is followed by it at once. A device that is
    /// on its way back is not told again: told again it may begin anew. One that turns an unquiesce away is told
    /// again at the next look that shows it quiesced, and any one at the end of the limit. One that shows itself at work
    /// without having been seen quiesced is told when the quiesce had the time to show, so that
    /// the one does not overtake the other. The same holds for each domain of a device: one that had not begun
    /// when others were seen quiesced is not back before it had that time.
    pub fn bring_back(
        &self,
        quiesced: ToBringBack<'_>,
        limit: Duration,
        step: &mut dyn FnMut(WayBackStep),
    ) -> BroughtBack {
        let mut way = WayBack::new(self, quiesced, limit);
        let started = self.clock.elapsed();
        way.begin(quiesced.first, step);
        loop {
            way.wait(self.clock.elapsed().saturating_sub(started));
            let looked = way.look(step);
            let waited = self.clock.elapsed().saturating_sub(started);
            way.wait(waited);
            let state = looked.map(|domains| way.see(&domains));
            if let Err(error) = &state
                && error.kind == SomaErrorKind::Interrupted
            {
                return BroughtBack::Not {
                    last: LastLook::Otherwise,
                    why: error.message.clone(),
                };
            }
            let rests = way.rests(&state, step);
            way.say_seen(step);
            if let Some(rests) = rests
                && way.told.counts(rests, way.sight.is_seen())
            {
                return way.ends(rests);
            }
            way.tell(&state, rests, step);
            step(WayBackStep::Waiting(waited));
            if waited >= way.limit() && !way.takes_a_last_word(&state, rests, step) {
                let last = last_look(&state);
                let why = way.why_not(state);
                return BroughtBack::Not { last, why };
            }
            self.clock
                .sleep(way.pause_after(&state).min(way.limit() - waited), &self.stop);
        }
    }
}

/// What a look has shown that was the last.
fn last_look(state: &Result<ScopeState>) -> LastLook {
    match state {
        Ok(state) if state.shows_quiesce() => LastLook::Quiesced,
        Err(error)
            if matches!(
                error.kind,
                SomaErrorKind::Unreachable
                    | SomaErrorKind::Tls
                    | SomaErrorKind::NotManagement
                    | SomaErrorKind::Unavailable
                    | SomaErrorKind::TimedOut
                    | SomaErrorKind::Broken
            ) =>
        {
            LastLook::Away
        }
        Ok(_) | Err(_) => LastLook::Otherwise,
    }
}

/// What is known on the way.
struct WayBack<'w> {
    gateway: &'w Gateway<'w>,
    scope: &'w Scope,
    sent: QuiesceSent,
    /// The serial number of the device that was quiesced, where it told that.
    meant: Option<&'w str>,
    limit: WayLimit,
    /// How long it lasts.
    waited: Duration,
    logins: Logins,
    told: Unquiesces,
    sight: Sight,
    idle: AskedOfIdle,
}

/// How long it may last.
#[derive(Clone, Copy, Debug)]
enum WayLimit {
    /// So long.
    Given(Duration),
    /// So long, for the device took an unquiesce when what was given was over.
    AfterLastWord(Duration),
}

/// What was asked about domains that do not move.
#[derive(Default)]
struct AskedOfIdle {
    /// Whether all of what was quiesced is disabled, where somebody asked.
    are_all_disabled: Option<bool>,
    /// When it was asked whether those that only show that they quiesce are disabled.
    last: Option<Duration>,
}

/// Whether an unquiesce is preceded by the question who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AsksWho {
    Yes,
    No,
}

impl<'w> WayBack<'w> {
    fn new(gateway: &'w Gateway<'w>, quiesced: ToBringBack<'w>, limit: Duration) -> Self {
        let ToBringBack {
            scope,
            stood,
            sent,
            meant,
            first: _,
        } = quiesced;
        Self {
            gateway,
            scope,
            sent,
            meant,
            limit: WayLimit::Given(limit.max(sent.settles_within())),
            waited: Duration::ZERO,
            logins: Logins::new(),
            told: Unquiesces::new(sent),
            sight: Sight::new(stood, sent),
            idle: AskedOfIdle::default(),
        }
    }

    fn limit(&self) -> Duration {
        match self.limit {
            WayLimit::Given(limit) | WayLimit::AfterLastWord(limit) => limit,
        }
    }

    /// Sends an unquiesce before anything is looked at, where that comes first and all of the quiesce was seen. What was
    /// seen in part, or not at all, is looked at first: what stands still after an unquiesce tells nothing of it any more.
    fn begin(&mut self, first: FirstWord, step: &mut dyn FnMut(WayBackStep)) {
        match (first, self.sent.is_all_seen()) {
            (FirstWord::Unquiesce, true) => self.send(AsksWho::Yes, step),
            (FirstWord::UnquiesceUnasked, true) => self.send(AsksWho::No, step),
            (FirstWord::UnquiesceRefused, true) => {
                // A look now would be the third login in a row.
                self.logins.look_was_refused();
                self.send(AsksWho::No, step);
            }
            (FirstWord::UnquiesceRefused, false) => self.logins.question_was_refused(),
            (FirstWord::Unquiesce | FirstWord::UnquiesceUnasked, false) | (FirstWord::Look, _) => {}
        }
    }

    /// Looks. The first look is not waited for as long as others where an unquiesce may stand behind it. Where the
    /// login was refused to a look and to an unquiesce, the next one tries it, and not a look: should it be taken again,
    /// the device is on its way. Neither is tried in the moment in which it was refused.
    fn look(&mut self, step: &mut dyn FnMut(WayBackStep)) -> Result<Vec<DomainStatus>> {
        if self.logins.are_both_refused() {
            if !self.logins.is_just_tried()
                && let Some(other) = self.try_login(step)
            {
                return Err(other);
            }
            if let Some(error) = self.told.unanswered().filter(|_| self.logins.is_word_refused()) {
                return Err(SomaError::new(error.kind, &error.message));
            }
        } else {
            self.logins.looks();
        }
        let looked = match self.logins.has_looked() || self.told.was_told() {
            true => self.gateway.domains_once(),
            false => self.gateway.domains_within(self.gateway.before_an_unquiesce()),
        };
        if self.logins.looked(&looked)
            && let Err(error) = &looked
        {
            self.told
                .is_unanswered(SomaError::new(error.kind, &error.message));
        }
        looked
    }

    /// Tries a login that was refused, with the question who answers where there is one to ask: whoever answers now may be
    /// another than a pause ago. Unless it is refused again the unquiesce follows; and unless another one answers: that
    /// is what is known then, and no look at that one is one at the device that is meant.
    fn try_login(&mut self, step: &mut dyn FnMut(WayBackStep)) -> Option<SomaError> {
        let asked = self
            .meant
            .map(|meant| (self.gateway.who_is_to_be_told(meant), meant));
        match asked {
            Some((Err(error), _)) if error.kind.is_of_login() => {
                self.logins.is_refused_again();
                self.told.is_unanswered(error);
            }
            Some((Ok(WhoAnswers::Other(found)), meant)) => {
                self.logins.another_answers();
                let why = other_answers(&found, meant);
                return Some(SomaError::new(SomaErrorKind::OtherDevice, why));
            }
            Some((Ok(WhoAnswers::Meant | WhoAnswers::NotTold) | Err(_), _)) | None => {
                self.send(AsksWho::No, step);
            }
        }
        None
    }

    /// The pause before the next look: a refused login is not tried again and again, unless an unquiesce was taken since.
    fn pause_after(&mut self, state: &Result<ScopeState>) -> Duration {
        match self.logins.pauses() {
            true => until_next_look(self.waited),
            false => pause_after(state, self.waited),
        }
    }

    /// So long it has lasted. What was sent before the quiesce had its time may have been overtaken by it.
    fn wait(&mut self, waited: Duration) {
        self.waited = waited;
        if !self.sight.had_its_time && waited >= self.sent.settles_within() {
            self.sight.had_its_time = true;
            self.told.was_overtaken();
        }
    }

    /// Sends an unquiesce where one is due.
    fn tell(&mut self, state: &Result<ScopeState>, rests: Option<AtRest>, step: &mut dyn FnMut(WayBackStep)) {
        // A login that was refused just now is a reason to wait.
        let is_refused_now = self.logins.is_word_refused()
            && self.logins.is_just_tried()
            && state.as_ref().is_err_and(|error| error.kind.is_of_login());
        let is_due = self.told.is_due(state.is_ok(), self.waited);
        if is_due && !is_refused_now && self.is_wanted(state, rests) {
            self.send(self.asks_who(), step);
        }
    }

    /// Whether the device is given a moment more at the end of the limit, for it took one more unquiesce, which
    /// is sent unless that was done just now: before it is left, it is told.
    fn takes_a_last_word(
        &mut self,
        state: &Result<ScopeState>,
        rests: Option<AtRest>,
        step: &mut dyn FnMut(WayBackStep),
    ) -> bool {
        if matches!(self.limit, WayLimit::AfterLastWord(_)) || !self.is_wanted(state, rests) {
            return false;
        }
        if !self.logins.is_just_tried() {
            self.send(self.asks_who(), step);
        }
        self.limit = WayLimit::AfterLastWord(self.waited + FOLLOWS_WITHIN);
        self.told.is_taken()
    }

    /// Whether an unquiesce has something to do, by the last look.
    fn is_wanted(&self, state: &Result<ScopeState>, rests: Option<AtRest>) -> bool {
        let is_seen = self.sight.is_seen();
        let is_first = self.sent.is_answered() && !self.told.was_told();
        match state {
            Ok(
                ScopeState::Quiesced
                | ScopeState::Between(_)
                | ScopeState::Failed(_)
                | ScopeState::NotTold(_),
            ) => true,
            // Somebody else has told it, and it got stuck; or it brings back some domains, and not ours.
            Ok(ScopeState::Unquiescing(_)) => {
                !self.told.has_word() && self.sight.rests_for(self.waited) >= SEND_AGAIN_AFTER
            }
            // One domain is told where it is looked for.
            Ok(ScopeState::Missing(_)) => *self.scope == Scope::Device,
            // Nothing will show; the first one need not wait, and is followed by another when the quiesce had its time.
            Ok(ScopeState::Empty) => is_seen || rests.is_some() || self.sent.is_answered(),
            // What was taken and does not show may be so all the same; another one follows when it had its time.
            Ok(ScopeState::Normal) => rests.is_some() || is_first,
            // It may take what it does not tell of, and once more what comes with a login that it refused to a look.
            Err(_) => {
                let may_be_quiesced = self.sight.had_its_time || is_seen || is_first;
                // What was taken has not brought back what the last look that was answered shows quiesced.
                let is_back = self.told.is_taken() && self.sight.still_quiesced().is_empty();
                may_be_quiesced && !is_back
            }
        }
    }

    /// Whether an unquiesce is preceded by the question who answers: one to which the login was just refused is not
    /// followed by another.
    fn asks_who(&self) -> AsksWho {
        match self.logins.is_look_refused() {
            true => AsksWho::No,
            false => AsksWho::Yes,
        }
    }

    fn send(&mut self, asks_who: AsksWho, step: &mut dyn FnMut(WayBackStep)) {
        let is_again = self.told.sends(self.waited, &|| self.sight.still_quiesced());
        let answer = match asks_who {
            AsksWho::Yes => self.gateway.unquiesce(self.scope, self.meant),
            AsksWho::No => self.gateway.unquiesce_unasked(self.scope),
        };
        // A device that took one and left a domain as it is may take one for that domain.
        if is_again && *self.scope == Scope::Device {
            let domains = self.sight.still_quiesced().into_iter();
            for name in domains.filter(|name| name != DEFAULT_DOMAIN) {
                // What the device shows of it says more than its answer. One that gives none has none for the next either,
                // and each would be waited for.
                let told = self.gateway.unquiesce(&Scope::Domain(name), self.meant);
                if told.is_err_and(|error| !error.is_refusal()) {
                    break;
                }
            }
        }
        self.logins.told(&answer);
        if self.told.ended(answer) {
            step(WayBackStep::Sent);
        }
    }
}
