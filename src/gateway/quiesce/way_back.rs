//! The way back from a quiesce: at least one unquiesce, and the device's own word after it.

mod looks;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::asked::other_answers;
use crate::gateway::domains::{DomainStatus, QuiesceState};
use crate::gateway::facts::WhoAnswers;
use crate::gateway::pace::{pause_after, until_next_look};
use crate::gateway::quiesce::outcome::{AtRest, BroughtBack, Confirmation, FutileUnquiesce, UnquiesceAnswer};
use crate::gateway::quiesce::scope::{Scope, ScopeState, named};
use crate::gateway::quiesce::{FirstWord, QuiesceSent, ToBringBack};
use crate::soma::error::{Result, SomaError, SomaErrorKind};

/// A device that has no domain to show a quiesce is given so long to carry out what it accepted.
const UNSHOWN: Duration = Duration::from_secs(10);

/// A device that was told to unquiesce and still is not on its way is told again; one that is on its way
/// without our word, and does not move for so long, is told once.
const SEND_AGAIN_AFTER: Duration = Duration::from_secs(15);

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
                    is_shown: false,
                    why: error.message.clone(),
                };
            }
            let rests = way.rests(&state, step);
            way.say_seen(step);
            if let Some(rests) = rests
                && way.is_told(rests)
            {
                return way.ends(rests);
            }
            way.tell(&state, rests, step);
            step(WayBackStep::Waiting(waited));
            if waited >= way.limit && !way.takes_a_last_word(&state, rests, step) {
                let is_shown = state.as_ref().is_ok_and(ScopeState::shows_quiesce);
                let why = way.why_not(state);
                return BroughtBack::Not { is_shown, why };
            }
            self.clock
                .sleep(way.pause_after(&state).min(way.limit - waited), &self.stop);
        }
    }
}

/// What is known on the way.
struct WayBack<'w> {
    gateway: &'w Gateway<'w>,
    scope: &'w Scope,
    /// The domains that must be back: those that stood in it, and those that were seen since.
    stood: Vec<String>,
    limit: Duration,
    sent: QuiesceSent,
    /// The serial number of the device that was quiesced, where it told that.
    meant: Option<&'w str>,
    has_looked: bool,
    /// Whether the login was refused to the last look.
    is_look_refused: bool,
    /// Whether it was refused to the last unquiesce.
    is_word_refused: bool,
    /// Whether it was refused to a question just before the first look.
    is_question_refused: bool,
    /// Whether another gateway answered when that was asked last.
    is_another: bool,
    /// Whether an unquiesce was taken since the last pause.
    is_login_taken: bool,
    /// Whether an unquiesce, or the login to one, was tried just now: since the last pause, and the look after it.
    is_just_tried: bool,
    /// How long it lasts.
    waited: Duration,
    /// Whether the quiesce was seen.
    seen: bool,
    /// Whether nothing of what was quiesced is in service, where somebody asked.
    is_off: Option<bool>,
    /// When it was asked whether those that only show that they quiesce are in service.
    idle_asked: Option<Duration>,
    /// The domains that were seen quiesced, or on the way.
    turned: BTreeSet<String>,
    /// Whether every domain was seen so, or had the time to.
    had_its_time: bool,
    is_said_seen: bool,
    /// When the last unquiesce was sent.
    last_told: Option<Duration>,
    /// How the device answered it: with OK, or with a refusal.
    answer: Option<Result<()>>,
    /// Why one got no answer.
    unanswered: Option<SomaError>,
    /// What the last one came to, as long as nothing else has brought the device back.
    came_to: Option<FutileUnquiesce>,
    /// The first after which one more was sent.
    futile: Option<FutileUnquiesce>,
    /// Whether the last one was turned away: nothing of it is under way.
    is_turned_away: bool,
    /// Whether one was sent because the limit was reached.
    is_last_told: bool,
    is_told_unanswered: bool,
    /// Whether the last unquiesce may have arrived.
    may_have_arrived: bool,
    /// Whether one was sent, by this process or by one before it.
    was_told: bool,
    /// Whether a device that has no domain to show the quiesce had its time to carry it out.
    is_unshown_time: bool,
    /// Whether it took an unquiesce before that.
    taken_early: bool,
    /// How the domains show themselves, and since when.
    shown: Vec<(String, QuiesceState)>,
    shown_since: Duration,
    missing_since: Option<Duration>,
    /// What was found out about domains that are not listed, and when.
    away: Option<(Duration, Away)>,
}

/// Whether an unquiesce is preceded by the question who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AsksWho {
    Yes,
    No,
}

/// What is known of domains that the device does not list.
enum Away {
    /// They do not exist any more.
    Gone,
    /// They may, for this reason.
    MayBeThere(String),
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
        let undone_before = matches!(
            sent,
            QuiesceSent::Unanswered {
                undone_before: true,
                ..
            }
        );
        Self {
            gateway,
            scope,
            stood: stood.to_vec(),
            limit: limit.max(sent.settles_within()),
            sent,
            meant,
            has_looked: false,
            is_question_refused: false,
            is_another: false,
            is_look_refused: false,
            is_word_refused: false,
            is_login_taken: false,
            is_just_tried: false,
            waited: Duration::ZERO,
            seen: matches!(sent, QuiesceSent::Seen { .. }),
            is_off: None,
            idle_asked: None,
            turned: BTreeSet::new(),
            had_its_time: sent.settles_within().is_zero(),
            is_said_seen: matches!(sent, QuiesceSent::Seen { all_within } if all_within.is_zero()),
            last_told: None,
            answer: undone_before.then_some(Ok(())),
            unanswered: None,
            came_to: None,
            futile: None,
            is_turned_away: false,
            is_last_told: false,
            is_told_unanswered: false,
            may_have_arrived: false,
            was_told: undone_before,
            is_unshown_time: false,
            taken_early: false,
            shown: Vec::new(),
            shown_since: Duration::ZERO,
            missing_since: None,
            away: None,
        }
    }

    /// Sends an unquiesce before anything is looked at, where that comes first and all of the quiesce was seen. What was
    /// seen in part, or not at all, is looked at first: what stands still after an unquiesce tells nothing of it any more.
    fn begin(&mut self, first: FirstWord, step: &mut dyn FnMut(WayBackStep)) {
        let is_all_seen = matches!(self.sent, QuiesceSent::Seen { all_within } if all_within.is_zero());
        match first {
            FirstWord::Unquiesce if is_all_seen => self.send(AsksWho::Yes, step),
            FirstWord::UnquiesceUnasked if is_all_seen => self.send(AsksWho::No, step),
            FirstWord::UnquiesceRefused if is_all_seen => {
                // A look now would be the third login in a row.
                self.is_look_refused = true;
                self.send(AsksWho::No, step);
            }
            FirstWord::UnquiesceRefused => self.is_question_refused = true,
            FirstWord::Look | FirstWord::Unquiesce | FirstWord::UnquiesceUnasked => {}
        }
    }

    /// Looks. The first look is not waited for as long as others where an unquiesce may stand behind it. Where the
    /// login was refused to a look and to an unquiesce, the next one tries it, and not a look: should it be taken again,
    /// the device is on its way. Neither is tried in the moment in which it was refused.
    fn look(&mut self, step: &mut dyn FnMut(WayBackStep)) -> Result<Vec<DomainStatus>> {
        if self.is_look_refused && self.is_word_refused {
            if !self.is_just_tried
                && let Some(other) = self.try_login(step)
            {
                return Err(other);
            }
            if let Some(error) = self.unanswered.as_ref().filter(|_| self.is_word_refused) {
                return Err(SomaError::new(error.kind, &error.message));
            }
        } else {
            self.is_just_tried = false;
        }
        let looked = match self.has_looked || self.was_told {
            true => self.gateway.domains_once(),
            false => self.gateway.domains_within(self.gateway.before_an_unquiesce()),
        };
        self.has_looked = true;
        self.is_look_refused = looked.as_ref().is_err_and(|error| error.kind.is_of_login());
        let is_question_refused = std::mem::take(&mut self.is_question_refused);
        if (is_question_refused || self.is_another)
            && let Err(error) = &looked
            && error.kind.is_of_login()
        {
            // The unquiesce would be the third in a row, or go to whoever answers now.
            (self.is_word_refused, self.is_just_tried) = (true, true);
            self.unanswered = Some(SomaError::new(error.kind, &error.message));
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
                self.is_just_tried = true;
                self.unanswered = Some(error);
            }
            Some((Ok(WhoAnswers::Other(found)), meant)) => {
                // What is sent next asks again who answers.
                (self.is_look_refused, self.is_word_refused, self.is_another) = (false, false, true);
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
        self.is_just_tried = false;
        match std::mem::take(&mut self.is_login_taken) {
            true => until_next_look(self.waited),
            false => pause_after(state, self.waited),
        }
    }

    /// So long it has lasted. What was sent before the quiesce had its time may have been overtaken by it.
    fn wait(&mut self, waited: Duration) {
        self.waited = waited;
        if !self.had_its_time && waited >= self.sent.settles_within() {
            self.had_its_time = true;
            self.was_overtaken();
        }
    }

    /// What was sent until now may have been overtaken by the quiesce: the next one is the first that counts.
    fn was_overtaken(&mut self) {
        self.last_told = None;
        self.had_nothing_to_bring_back();
    }

    /// What shows itself quiesced now was not when the last unquiesce was taken.
    fn had_nothing_to_bring_back(&mut self) {
        self.answer = None;
        self.came_to = self
            .came_to
            .take()
            .filter(|came_to| !matches!(came_to, FutileUnquiesce::WithoutEffect(_)));
    }

    /// Whether what the device shows was shown after an unquiesce that counts.
    fn is_told(&self, rests: AtRest) -> bool {
        match rests {
            // What was seen to come and to go is undone, though the answer was lost.
            AtRest::AtWork => {
                let may_have_come = self.seen && self.last_told.is_some() && self.may_have_arrived;
                self.answer.is_some() || may_have_come || self.is_told_unanswered
            }
            // Nothing shows that there is nothing to undo: a refusal leaves it as it is.
            AtRest::NoDomain => {
                matches!(self.answer, Some(Ok(()))) || (self.taken_early && self.answer.is_some())
            }
            AtRest::NotListed | AtRest::NotInService | AtRest::RestAtWork => self.answer.is_some(),
        }
    }

    fn ends(mut self, rests: AtRest) -> BroughtBack {
        let rests = match rests {
            AtRest::AtWork if !self.seen && self.is_off() => AtRest::NotInService,
            rests => rests,
        };
        match self.sent {
            QuiesceSent::Unanswered { .. } if !self.seen => BroughtBack::NotKnown(rests),
            _ => BroughtBack::Confirmed(Confirmation {
                seen: self.seen,
                rests,
                answer: match self.answer {
                    Some(Ok(())) => UnquiesceAnswer::Ok,
                    // It had taken one before.
                    Some(Err(_)) if self.taken_early => UnquiesceAnswer::Ok,
                    Some(Err(error)) => UnquiesceAnswer::Refused(error.message),
                    None => UnquiesceAnswer::None,
                },
                futile: self.futile,
            }),
        }
    }

    /// Sends an unquiesce where one is due.
    fn tell(&mut self, state: &Result<ScopeState>, rests: Option<AtRest>, step: &mut dyn FnMut(WayBackStep)) {
        // What was turned away is no reason to wait, once the device answers; a login that was refused just now is one.
        let is_due = (self.is_turned_away && state.is_ok()) || is_due(self.last_told, self.waited);
        let is_refused_now = self.is_word_refused
            && self.is_just_tried
            && state.as_ref().is_err_and(|error| error.kind.is_of_login());
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
        if self.is_last_told || !self.is_wanted(state, rests) {
            return false;
        }
        self.is_last_told = true;
        if !self.is_just_tried {
            self.send(self.asks_who(), step);
        }
        self.limit = self.waited + FOLLOWS_WITHIN;
        matches!(self.answer, Some(Ok(())))
    }

    /// Whether an unquiesce has something to do, by the last look.
    fn is_wanted(&self, state: &Result<ScopeState>, rests: Option<AtRest>) -> bool {
        match state {
            Ok(
                ScopeState::Quiesced
                | ScopeState::Between(_)
                | ScopeState::Failed(_)
                | ScopeState::NotTold(_),
            ) => true,
            // Somebody else has told it, and it got stuck; or it brings back some domains, and not ours.
            Ok(ScopeState::Unquiescing(_)) => {
                self.last_told.is_none() && self.waited.saturating_sub(self.shown_since) >= SEND_AGAIN_AFTER
            }
            // One domain is told where it is looked for.
            Ok(ScopeState::Missing(_)) => *self.scope == Scope::Device,
            // Nothing will show; the first one need not wait, and is followed by another when the quiesce had its time.
            Ok(ScopeState::Empty) => self.seen || rests.is_some() || self.sent.is_answered(),
            // What was taken and does not show may be so all the same; another one follows when it had its time.
            Ok(ScopeState::Normal) => rests.is_some() || (self.sent.is_answered() && !self.was_told),
            // It may take what it does not tell of, and once more what comes with a login that it refused to a look.
            Err(_) => {
                let may_be_quiesced =
                    self.had_its_time || self.seen || (self.sent.is_answered() && !self.was_told);
                // What was taken has not brought back what the last look that was answered shows quiesced.
                let is_taken = matches!(self.answer, Some(Ok(()))) && self.still_quiesced().is_empty();
                may_be_quiesced && !is_taken
            }
        }
    }

    /// Whether an unquiesce is preceded by the question who answers: one to which the login was just refused is not
    /// followed by another.
    fn asks_who(&self) -> AsksWho {
        match self.is_look_refused {
            true => AsksWho::No,
            false => AsksWho::Yes,
        }
    }

    fn send(&mut self, asks_who: AsksWho, step: &mut dyn FnMut(WayBackStep)) {
        let is_again = self.last_told.is_some() && matches!(self.answer, Some(Ok(())));
        let came_to = self.came_to.take().map(|came_to| match came_to {
            FutileUnquiesce::WithoutEffect(_) => FutileUnquiesce::WithoutEffect(self.still_quiesced()),
            came_to => came_to,
        });
        self.futile = self.futile.take().or(came_to);
        self.last_told = Some(self.waited);
        self.was_told = true;
        let answer = match asks_who {
            AsksWho::Yes => self.gateway.unquiesce(self.scope, self.meant),
            AsksWho::No => self.gateway.unquiesce_unasked(self.scope),
        };
        self.may_have_arrived = answer
            .as_ref()
            .map_or_else(|error| !error.nothing_sent, |()| true);
        // A device that took one and left a domain as it is may take one for that domain.
        if is_again && *self.scope == Scope::Device {
            for name in self.still_quiesced() {
                // What the device shows of it says more than its answer. One that gives none has none for the next either,
                // and each would be waited for.
                let told = self.gateway.unquiesce(&Scope::Domain(name), self.meant);
                if told.is_err_and(|error| !error.is_refusal()) {
                    break;
                }
            }
        }
        self.is_turned_away = answer.as_ref().is_err_and(is_turned_away);
        self.is_word_refused = answer.as_ref().is_err_and(|error| error.kind.is_of_login());
        self.is_another = answer
            .as_ref()
            .is_err_and(|error| error.kind == SomaErrorKind::OtherDevice);
        self.is_login_taken = answer.is_ok();
        self.came_to = Some(match &answer {
            Ok(()) => FutileUnquiesce::WithoutEffect(Vec::new()),
            Err(error) => FutileUnquiesce::Failed(error.message.clone()),
        });
        self.is_just_tried = true;
        if self.answered(answer) {
            step(WayBackStep::Sent);
        }
    }

    /// Takes in how an unquiesce was answered. Whether it was.
    fn answered(&mut self, answer: Result<()>) -> bool {
        match answer {
            Err(error) if !error.is_refusal() || error.kind == SomaErrorKind::Authentication => {
                let is_sent = matches!(error.kind, SomaErrorKind::TimedOut | SomaErrorKind::Broken);
                self.is_told_unanswered |= is_sent && self.sent == QuiesceSent::LongAgo;
                self.unanswered = Some(error);
                self.answer.is_some()
            }
            answer => {
                self.answer = Some(answer);
                true
            }
        }
    }

    /// Why it is not known to be back, from the last look.
    fn why_not(&mut self, state: Result<ScopeState>) -> String {
        let state = match state {
            Ok(ScopeState::Normal | ScopeState::Empty) if self.answer.is_none() => {
                "no unquiesce was answered".to_owned()
            }
            Ok(ScopeState::Empty) => {
                "the device has no domain but default, so that nothing shows whether it is quiesced"
                    .to_owned()
            }
            Ok(state @ ScopeState::Missing(_)) => match self.away.take() {
                // How it answered its unquiesce is said there.
                Some((_, Away::MayBeThere(why))) if *self.scope != Scope::Device => return why,
                Some((_, Away::MayBeThere(why))) => why,
                Some((_, Away::Gone)) | None => format!(
                    "{}; its configuration was not looked at",
                    self.scope.stands(&state)
                ),
            },
            Ok(ScopeState::Normal) => {
                "the device shows it at work now, and nobody can tell that the quiesce does not begin yet"
                    .to_owned()
            }
            Ok(state @ ScopeState::Between(_)) if *self.scope == Scope::Device => {
                match self.still_quiesced() {
                    names if names.is_empty() => format!("{}, even now", self.scope.stands(&state)),
                    names => format!("{}, even now ({})", self.scope.stands(&state), named(&names)),
                }
            }
            Ok(state) => format!("{}, even now", self.scope.stands(&state)),
            Err(error) => format!("the device does not say how it stands ({error})"),
        };
        let refusal = match self.answer.take() {
            Some(Err(error)) => Some(error),
            _ => self.unanswered.take(),
        };
        match refusal {
            Some(error) if !state.contains(&error.message) => format!("{state}; {error}"),
            Some(_) | None => state,
        }
    }
}

/// Whether an unquiesce that ended so is sent again as soon as the device answers and shows what it showed before: it
/// was not sent, or not taken. One that it does not know it will not know later, and a login that is refused is not
/// tried again and again.
fn is_turned_away(error: &SomaError) -> bool {
    match error.kind {
        SomaErrorKind::Fault | SomaErrorKind::LoginRefused | SomaErrorKind::Authentication => {
            error.nothing_sent
        }
        SomaErrorKind::Interrupted | SomaErrorKind::Local(_) | SomaErrorKind::OtherDevice => false,
        SomaErrorKind::Unreachable
        | SomaErrorKind::Tls
        | SomaErrorKind::NotManagement
        | SomaErrorKind::Unavailable
        | SomaErrorKind::NotAllowed
        | SomaErrorKind::Refused
        | SomaErrorKind::OtherFault
        | SomaErrorKind::TimedOut
        | SomaErrorKind::Broken
        | SomaErrorKind::Malformed => true,
    }
}

/// Whether what was done then may be done again.
fn is_due(last: Option<Duration>, waited: Duration) -> bool {
    last.is_none_or(|last| waited.saturating_sub(last) >= SEND_AGAIN_AFTER)
}
