//! Steps 6, 7, 9 and 10: quiesce, and the way back on every path.

use std::time::Duration;

use crate::gateway::asked::ActionAsked;
use crate::gateway::facts::{WhoAnswers, tells_apart};
use crate::gateway::quiesce::{FirstWord, QuiesceSent, Scope, ScopeState, Unmoved, Waited, at_work};
use crate::plan::model::Action;
use crate::run::event::{
    Certainty, Event, JournalId, OutOfService, Owner, Progress, StillQuiesced, Undo, UndoStage,
};
use crate::run::failure::{Failure, Trouble, words};
use crate::run::ledger::{LedgerError, NOTHING_BEGUN, Reply, UndoOpening, UndoStep};
use crate::run::recover::age::begins_within;
use crate::run::row_device::MetDevice;
use crate::run::status::Status;
use crate::run::task::{Begun, DeviceState, Made, Unseen, Walk};
use crate::run::undo::{OpenQuiesce, Undone, undo_of, waiting};
use crate::soma::error::SomaError;
use crate::values::duration::HumanDuration;
use crate::values::internal_error::caught;

/// A device that has made its exports is looked at for so long before it is told to unquiesce.
const LOOK_BEFORE_UNQUIESCE: Duration = Duration::from_secs(1);

/// A quiesce whose row is written, and of which nothing was sent yet.
struct DueQuiesce {
    journal: JournalId,
    /// The domains that stand in it.
    stood: Vec<String>,
    /// The serial number of the device, where it tells one.
    serial: Option<String>,
}

/// What a device showed that had made its exports, just before it was told to unquiesce.
enum BeforeUnquiesce {
    /// Nothing: it was not looked at, or did not answer.
    NotKnown,
    /// These domains, which were seen quiesced by this task, were at work.
    Early(Vec<String>),
    /// The login was refused.
    LoginRefused,
}

impl BeforeUnquiesce {
    fn early(&self) -> &[String] {
        match self {
            Self::Early(names) => names,
            Self::NotKnown | Self::LoginRefused => &[],
        }
    }
}

impl Walk<'_, '_, '_> {
    /// Steps 6 to 10: from the journal row on, every path leads through the undo.
    pub(super) fn quiesced(&mut self, scope: &Scope) -> Result<(), Trouble> {
        let due = self.open_quiesce(scope)?;
        let made = self.protected(|walk| {
            walk.quiesce(scope, &due)?;
            let made = walk.make()?;
            let before = walk.look_before_unquiesce(&made);
            Ok((made, before))
        });
        let (made, before) = match made {
            Ok((made, before)) => (Ok(made), before),
            Err(trouble) => (Err(trouble), BeforeUnquiesce::NotKnown),
        };
        let Some(sent) = self.sent(scope) else {
            return self.nothing_begun(due.journal, made);
        };
        let unquiescing = self.protected(|walk| {
            let told = walk.record.task_status(walk.task.id, Status::Unquiescing);
            Ok(told?)
        });
        let device = self.session.device;
        let open = OpenQuiesce {
            journal: due.journal,
            task: self.task.id,
            device: &device.name,
            scope,
            domains: &due.stood,
            sent,
            serial: due.serial.as_deref(),
            first: match &before {
                BeforeUnquiesce::LoginRefused => FirstWord::UnquiesceRefused,
                BeforeUnquiesce::Early(_) | BeforeUnquiesce::NotKnown => FirstWord::Unquiesce,
            },
        };
        let (undone, noted) = self.bring_back(open);
        let undone = self.doubted(undone, before.early(), due.serial.as_deref());
        let lasted = self.lasted(&undone, &due);
        let recorded = open.write_down(&undone, self.record);
        let told = self.tell_out_of_service(lasted);
        let told_to = "the device was told to unquiesce";
        let warned = self.warn_of_early_work("this export", told_to, before.early());
        self.state = match &undone {
            Undone::Confirmed { how, .. } => DeviceState::PutBack(how.clone()),
            Undone::NotKnown(why) => DeviceState::NotKnown(why.clone()),
            Undone::Not(why) => DeviceState::StillQuiesced(why.clone()),
        };
        // The first trouble is the one that counts.
        let made = made?;
        unquiescing?;
        noted?;
        recorded?;
        told?;
        warned?;
        let kept = self.protected(|walk| walk.keep(made));
        match undone {
            Undone::Confirmed { .. } => kept,
            Undone::Not(why) => {
                let limit = HumanDuration(self.unquiesce_limit());
                self.not_confirmed(kept, &format!("{scope} was not unquiesced within {limit}: {why}"))
            }
            Undone::NotKnown(why) => {
                self.not_confirmed(kept, &format!("whether {scope} is at work is not known: {why}"))
            }
        }
    }

    /// Looks at a device that has made its exports, before it is told to unquiesce: whether it was quiesced all along
    /// nothing else shows. It is not out of service for that any longer than a moment. A secure backup was looked at while
    /// it was waited for.
    fn look_before_unquiesce(&self, made: &Made) -> BeforeUnquiesce {
        let seen = &self.quiesce.seen;
        if !matches!(made, Made::Exports { .. }) || seen.is_empty() {
            return BeforeUnquiesce::NotKnown;
        }
        match self.session.gateway.domains_within(LOOK_BEFORE_UNQUIESCE) {
            Ok(domains) => BeforeUnquiesce::Early(at_work(seen, &domains).cloned().collect()),
            Err(error) if error.kind.is_of_login() => BeforeUnquiesce::LoginRefused,
            Err(_) => BeforeUnquiesce::NotKnown,
        }
    }

    /// What came of the way back, where it was at work before that and no serial number of its own shows that it is the
    /// device that was quiesced: another one may have taken its place.
    fn doubted(&self, undone: Undone, early: &[String], serial: Option<&str>) -> Undone {
        match undone {
            Undone::Confirmed { how, .. } if !early.is_empty() && !serial.is_some_and(tells_apart) => {
                Undone::NotKnown(format!(
                    "{} showed itself at work before it was told to unquiesce, and no serial number of its own shows that \
                     it is the device that was quiesced, and no other behind its address: look at each; {how}",
                    self.session.device.name
                ))
            }
            undone => undone,
        }
    }

    /// Looks once more, so that nobody else's quiesce is taken for ours, and writes the row without which nothing is sent.
    fn open_quiesce(&mut self, scope: &Scope) -> Result<DueQuiesce, Trouble> {
        self.look = None;
        if let Action::SecureBackup { .. } = &self.task.activity.action {
            self.reserve_folder()?;
        }
        let domains = self.look()?.domains;
        self.refuse(&domains)?;
        let serial = self.session.serial()?;
        self.refuse_beside_one_left(serial.as_deref())?;
        let stood = scope.domains(&domains);
        let journal = self.open_undo(undo_of(scope), stood.clone())?;
        // Whatever breaks off from here on leaves it so.
        let nobody_looked = "the task broke off before anybody looked".to_owned();
        self.state = DeviceState::NotKnown(nobody_looked);
        // From here on the device waits for nobody who holds the history.
        self.record.hurry();
        Ok(DueQuiesce {
            journal,
            stood,
            serial,
        })
    }

    /// The end of a task whose quiesce was not begun, by the device's own word.
    fn nothing_begun(&mut self, journal: JournalId, made: Result<Made, Trouble>) -> Result<(), Trouble> {
        let caught_up = self.record.take_time();
        let closed = self.record.close_undo(journal, NOTHING_BEGUN);
        self.state = DeviceState::Untouched;
        let told = self.tell_out_of_service(OutOfService::Never);
        made?;
        caught_up?;
        closed?;
        Ok(told?)
    }

    /// How long it was out of service. One that was neither accepted nor seen may have taken nothing out of it.
    fn lasted(&self, undone: &Undone, due: &DueQuiesce) -> OutOfService {
        let Undone::Confirmed { .. } = undone else {
            return OutOfService::NotKnown;
        };
        let since = match self.quiesce.begun {
            Begun::Sent {
                shows: Unseen::TakesNone,
                ..
            } => return OutOfService::Never,
            Begun::Seen { sent } | Begun::SeenInPart { sent } => Some(sent),
            // Where no domain can show it, nobody knows what it took.
            Begun::Sent { sent, reply, .. } => {
                (reply == Reply::Accepted && !due.stood.is_empty()).then_some(sent)
            }
            Begun::No => None,
        };
        since.map_or(OutOfService::NotKnown, |sent| {
            OutOfService::For(self.engine.clock.elapsed().saturating_sub(sent))
        })
    }

    /// Nothing more is quiesced on a device on which something is left quiesced, as far as is known: what could not be
    /// undone there cannot be undone for the next domain either.
    fn refuse_beside_one_left(&mut self, serial: Option<&str>) -> Result<(), Trouble> {
        let device = self.session.device;
        let met = MetDevice {
            name: &device.name,
            address: Some(device.address()),
            serial,
        };
        let rows = self.record.ledger().open_undos()?;
        let left = rows
            .iter()
            .find(|entry| entry.is_quiesce() && entry.seen && met.may_be_of(entry));
        let Some(left) = left else { return Ok(()) };
        let why = format!(
            "{}: {left} was quiesced and is not known to be at work again: nothing more is quiesced on it before that is \
             put right; run {}",
            device.name,
            self.engine.file.invocation.command(["recover"])
        );
        Err(Failure::new(Status::DeviceHasQuiescedDomains, why).into())
    }

    /// The end of a task whose undo was not confirmed, whatever else went wrong with it.
    fn not_confirmed(&mut self, kept: Result<(), Trouble>, why: &str) -> Result<(), Trouble> {
        match kept {
            Ok(()) => {}
            Err(Trouble::Failure(failure)) => self.warn(failure.message)?,
            Err(trouble) => return Err(trouble),
        }
        let why = format!("{}: {why}", self.session.device.name);
        Err(Failure::new(Status::UnquiesceTimeout, why).into())
    }

    fn tell_out_of_service(&mut self, lasted: OutOfService) -> Result<(), LedgerError> {
        self.quiesce.out_of_service = lasted;
        let task = self.task.id;
        self.record.tell(&Event::OutOfService { task, lasted })
    }

    /// Writes down what will have to be undone on the device of this task, and the domains that stand in a
    /// quiesce.
    pub(super) fn open_undo(&mut self, undo: Undo, domains: Vec<String>) -> Result<JournalId, Trouble> {
        let device = self.session.device;
        let serial = self.session.serial()?;
        let opening = UndoOpening {
            plan: self.task.plan,
            task: self.task.id,
            device: device.name.clone(),
            address: device.address(),
            peer: self.session.gateway.held_address(serial.as_deref()),
            serial,
            undo,
            domains,
        };
        Ok(self.record.open_undo(&opening)?)
    }

    /// The way back. A panic in it is no reason to leave it: it is begun again, once.
    fn bring_back(&mut self, open: OpenQuiesce<'_>) -> (Undone, Result<(), LedgerError>) {
        let settings = &self.engine.file.settings;
        let mut attempt = |open: OpenQuiesce<'_>| {
            caught(|| {
                let shielded = self.session.gateway.shielded();
                open.bring_back(shielded.as_ref(), settings, self.record)
            })
        };
        let first = match attempt(open) {
            Ok(undone) => return undone,
            Err(error) => error,
        };
        // It may have been told before that.
        let second = attempt(OpenQuiesce {
            first: FirstWord::Look,
            ..open
        });
        self.record.met_internal_error();
        let warned = self.warn(format!("the way back broke off, and was begun again: {first}"));
        let (undone, told) = second.unwrap_or_else(|error| (Undone::NotKnown(error.to_string()), Ok(())));
        (undone, told.and(warned))
    }

    /// What is known of the quiesce that must be undone; `None` where nothing was begun.
    fn sent(&self, scope: &Scope) -> Option<QuiesceSent> {
        let request = self.session.gateway.timeouts().request;
        let left_since = |at, reply| {
            let settings = &self.engine.file.settings;
            let age = self.engine.clock.elapsed().saturating_sub(at);
            begins_within(&undo_of(scope), Some(reply), request, settings.quiesce_timeout).saturating_sub(age)
        };
        match self.quiesce.begun {
            Begun::No => None,
            Begun::Seen { .. } => Some(QuiesceSent::Seen {
                all_within: Duration::ZERO,
            }),
            Begun::SeenInPart { sent } => Some(QuiesceSent::Seen {
                all_within: left_since(sent, Reply::Accepted),
            }),
            Begun::Sent { reply, at, .. } => {
                let left = left_since(at, reply);
                Some(match reply {
                    Reply::Accepted | Reply::Unclear => QuiesceSent::Answered { shows_within: left },
                    Reply::Silence => QuiesceSent::Unanswered {
                        arrives_within: left,
                        undone_before: false,
                    },
                })
            }
        }
    }

    /// From now on the device is known to have been seen quiesced, or on its way, by what was sent then.
    fn is_seen(&mut self, journal: JournalId, sent: Duration) -> Result<(), LedgerError> {
        self.quiesce.begun = Begun::Seen { sent };
        self.record.step_undo(journal, UndoStep::Seen)
    }

    fn quiesce_limit(&self) -> Duration {
        let settings = &self.engine.file.settings;
        settings.quiesce_timeout + settings.quiesce_grace
    }

    fn unquiesce_limit(&self) -> Duration {
        let settings = &self.engine.file.settings;
        settings.unquiesce_timeout + settings.quiesce_grace
    }

    /// Shows to whoever answers signals that this must be put back.
    fn show_due(&mut self, scope: &Scope, journal: JournalId, stage: UndoStage) {
        self.record.show(&Progress::UndoDue {
            journal,
            device: self.session.device.name.clone(),
            undo: undo_of(scope),
            stage,
        });
    }

    /// Steps 6 and 7.
    fn quiesce(&mut self, scope: &Scope, due: &DueQuiesce) -> Result<(), Trouble> {
        self.record.task_status(self.task.id, Status::Quiescing)?;
        let sent = self.engine.clock.elapsed();
        let answered = self.ask_to_quiesce(scope, due, sent)?;
        if let Some(error) = &answered {
            // It may or may not be under way: the device knows. One that shows nothing of it is
            // watched for a while by the undo, for it may begin yet.
            let state = self
                .session
                .gateway
                .domains()
                .map(|domains| scope.state(&domains, &due.stood));
            let shows = state.is_ok_and(|state| state.shows_quiesce());
            if !shows && !self.session.gateway.is_disabled(scope) {
                return Err(self.exchange(Status::DeviceError, error).into());
            }
        }
        let limit = self.quiesce_limit();
        let what = format!("{scope} to be quiesced");
        let device = self.session.device.name.as_str();
        let waited = self.session.gateway.wait_until_quiesced(
            scope,
            &due.stood,
            limit,
            &mut waiting(self.record, device, &what, limit),
        );
        self.record.show(&Progress::WaitEnded);
        self.take_in(&waited, scope, due, sent)?;
        self.tell_quiesced(waited, scope, due)?;
        match answered {
            None => Ok(()),
            Some(error) => {
                let note = format!(
                    "the quiesce was carried out, and its answer was not OK: {}",
                    words(&error)
                );
                Ok(self.record.note(Owner::Task(self.task.id), note)?)
            }
        }
    }

    /// Sends the request. What the device has answered where that was not OK, and not that nothing was begun.
    fn ask_to_quiesce(
        &mut self,
        scope: &Scope,
        due: &DueQuiesce,
        sent: Duration,
    ) -> Result<Option<SomaError>, Trouble> {
        let journal = due.journal;
        self.quiesce.begun = Begun::Sent {
            sent,
            reply: Reply::Silence,
            at: sent,
            shows: Unseen::NotYet,
        };
        self.show_due(scope, journal, UndoStage::MayBeSent);
        let timeout = self.engine.file.settings.quiesce_timeout;
        let asked = self
            .session
            .gateway
            .quiesce(scope, timeout, due.serial.as_deref());
        let (reply, trouble) = match asked {
            ActionAsked::Accepted => (Reply::Accepted, None),
            ActionAsked::Unclear(error) => (Reply::Unclear, Some(error)),
            ActionAsked::Unanswered(error) => (Reply::Silence, Some(error)),
            ActionAsked::NotBegun(error) => {
                self.quiesce.begun = Begun::No;
                self.record.show(&Progress::UndoOver { journal });
                return Err(self.exchange(Status::DeviceError, &error).into());
            }
        };
        self.quiesce.begun = Begun::Sent {
            sent,
            reply,
            at: self.engine.clock.elapsed(),
            shows: Unseen::NotYet,
        };
        if reply != Reply::Silence {
            self.show_due(scope, journal, UndoStage::Sent);
        }
        self.record.step_undo(journal, UndoStep::Replied(reply))?;
        match self.session.gateway.other_behind_action(due.serial.as_deref()) {
            Some(other) => Err(self.may_be_of_another(scope, due, &other, reply)?.into()),
            None => Ok(trouble),
        }
    }

    /// Another device answers now than before the quiesce was sent, which may have gone to either: what may have to be undone
    /// on that one is written down as well, and is undone when it is met. Why the task ends.
    fn may_be_of_another(
        &mut self,
        scope: &Scope,
        due: &DueQuiesce,
        other: &str,
        reply: Reply,
    ) -> Result<Failure, Trouble> {
        let device = self.session.device;
        let meant = due.serial.as_deref().unwrap_or_default();
        let why = format!(
            "the device with serial number {other} answered behind the quiesce of {scope}, and {meant} before it: which of \
             the two took it is not known"
        );
        let opening = UndoOpening {
            plan: self.task.plan,
            task: self.task.id,
            device: device.name.clone(),
            address: device.address(),
            peer: None,
            serial: Some(other.to_owned()),
            undo: undo_of(scope),
            domains: due.stood.clone(),
        };
        let row = self.record.open_undo(&opening)?;
        self.record.step_undo(row, UndoStep::Replied(reply))?;
        self.record.tell(&Event::StillQuiesced(StillQuiesced {
            row,
            task: self.task.id,
            device: device.name.clone(),
            domain: opening.undo.domain().to_owned(),
            certainty: Certainty::NotKnown,
            error: why.clone(),
        }))?;
        let why = format!("{}: {why}", device.name);
        Ok(Failure::new(Status::DeviceError, why))
    }

    /// Who answers now, where that is another device than the one that was asked to quiesce: what it shows says nothing of
    /// that one.
    fn shown_by_another(&self, scope: &Scope, due: &DueQuiesce) -> Option<String> {
        let meant = due.serial.as_deref()?;
        match self.session.gateway.who_answers(meant) {
            Ok(WhoAnswers::Other(found)) => Some(format!(
                "{}: the device with serial number {found} answers now: whether {scope} of {meant} is quiesced is not known",
                self.session.device.name
            )),
            Ok(WhoAnswers::Meant | WhoAnswers::NotTold) | Err(_) => None,
        }
    }

    /// What the wait has shown of a quiesce that was sent then.
    fn take_in(
        &mut self,
        waited: &Waited,
        scope: &Scope,
        due: &DueQuiesce,
        sent: Duration,
    ) -> Result<(), LedgerError> {
        if let Waited::Reached { unchanged } = waited {
            let is_quiesced = |name: &&String| !unchanged.iter().any(|domain| domain.name == **name);
            self.quiesce.seen = due.stood.iter().filter(is_quiesced).cloned().collect();
        }
        match waited {
            // A device that has failed at one domain may go on with the others.
            Waited::Failed(state) if *scope == Scope::Device && state.shows_quiesce() => {
                self.quiesce.begun = Begun::SeenInPart { sent };
            }
            // All of it is disabled, and nothing was seen.
            Waited::Reached { unchanged }
                if !unchanged.is_empty()
                    && unchanged.len() == due.stood.len()
                    && unchanged.iter().all(Unmoved::is_disabled) =>
            {
                if let Begun::Sent { shows, .. } = &mut self.quiesce.begun {
                    *shows = Unseen::TakesNone;
                }
            }
            // One that is not told to be disabled may begin yet, when the others are on their way back.
            Waited::Reached { unchanged } if !unchanged.iter().all(Unmoved::is_disabled) => {
                self.quiesce.begun = Begun::SeenInPart { sent };
            }
            Waited::Reached { .. } => self.is_seen(due.journal, sent)?,
            Waited::Failed(state) | Waited::TimedOut(Ok(state)) if state.shows_quiesce() => {
                self.is_seen(due.journal, sent)?;
            }
            Waited::Failed(_) | Waited::TimedOut(_) | Waited::NothingToShow | Waited::Interrupted => {}
        }
        Ok(())
    }

    /// Nothing where all is quiesced that will be, with a note of what is not; or why it is not.
    fn tell_quiesced(&mut self, waited: Waited, scope: &Scope, due: &DueQuiesce) -> Result<(), Trouble> {
        let device = self.session.device.name.as_str();
        let note = match waited {
            Waited::Reached { unchanged } if unchanged.is_empty() => return Ok(()),
            Waited::Reached { unchanged } => {
                let named: Vec<String> = unchanged.iter().map(ToString::to_string).collect();
                let named = named.join(", ");
                match unchanged.len() == due.stood.len() {
                    false => format!("not quiesced, while all other domains are: {named}"),
                    true => format!("not quiesced: {named}"),
                }
            }
            Waited::NothingToShow => {
                "the device has no domain but default: whether it is quiesced does not show".to_owned()
            }
            Waited::Interrupted => return Err(Failure::interrupted("waiting for the quiesce").into()),
            Waited::Failed(ScopeState::Missing(_)) => {
                let why = format!("{device}: the device does not list {scope} any more");
                return Err(Failure::new(Status::DeviceError, why).into());
            }
            Waited::Failed(state) => {
                let why = self.shown_by_another(scope, due).unwrap_or_else(|| {
                    format!(
                        "{device}: the device reports that quiescing failed: {}",
                        scope.stands(&state)
                    )
                });
                return Err(Failure::new(Status::DeviceError, why).into());
            }
            Waited::TimedOut(last) => {
                let last = match last {
                    Ok(state) => scope.stands(&state),
                    Err(error) => words(&error),
                };
                let limit = HumanDuration(self.quiesce_limit());
                let why = self
                    .shown_by_another(scope, due)
                    .unwrap_or_else(|| format!("{device}: {scope} was not quiesced within {limit}: {last}"));
                return Err(Failure::new(Status::QuiesceTimeout, why).into());
            }
        };
        Ok(self.record.note(Owner::Task(self.task.id), note)?)
    }
}
