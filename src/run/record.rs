//! Tells one ledger and every sink what happens.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{Clock, Moment};
use crate::run::event::{
    ActivityId, ActivityOpening, Certainty, Event, FileKind, JournalId, Owner, PlanId, PlanOpening, Progress,
    Sink, TaskId, TaskOpening,
};
use crate::run::ledger::{
    JournalEntry, JournalTime, LastContent, Ledger, LedgerError, LedgerErrorKind, Patience, UndoOpening,
    UndoStep,
};
use crate::run::status::Status;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::internal_error::caught;

/// Where events go. The ledger first: what is shown has been recorded, but for what is put off while a device waits, and
/// what a ledger that fails has refused.
pub struct Record<'a> {
    ledger: &'a mut dyn Ledger,
    sinks: Vec<&'a mut dyn Sink>,
    clock: &'a dyn Clock,
    /// Names this process.
    process: &'a str,
    /// The plan execution that was opened last, as long as its end is not recorded.
    unended: Option<PlanId>,
    /// When what is under way began: times of day do not tell how long it takes.
    begun: HashMap<Owner, Moment>,
    /// The rows of the journal that this process has opened, and nobody has confirmed: what is
    /// known when the journal cannot be read any more.
    unconfirmed: BTreeMap<JournalId, JournalEntry>,
    /// How the undoing of rows was confirmed to this process, in words, whether or not that could be written.
    confirmed: BTreeMap<JournalId, String>,
    /// Those of its own rows of which it could not be written.
    unwritten: BTreeMap<JournalId, JournalEntry>,
    /// The rows whose devices did not answer the last look of the try to undo them.
    away: BTreeSet<JournalId>,
    /// Whether a device waits for what is done: then nothing waits for the ledger.
    hurries: bool,
    /// What is still to be written, the oldest first: others held the ledger, or it was not at hand.
    late: VecDeque<(Timestamp, LateEntry)>,
    /// Whether a mistake of ours was met. Those of sinks do not count.
    internal_error: bool,
}

/// What became of something that was to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WhenWritten {
    Now,
    NotYet,
}

/// Something that can be written later, for nothing depends on it while its process lives.
enum LateEntry {
    Event(Box<Event>),
    Step(JournalId, UndoStep),
}

impl<'a> Record<'a> {
    /// A record in `ledger` of what `process` does, shown to `sinks`.
    pub fn new(
        ledger: &'a mut dyn Ledger,
        sinks: Vec<&'a mut dyn Sink>,
        clock: &'a dyn Clock,
        process: &'a str,
    ) -> Self {
        Self {
            ledger,
            sinks,
            clock,
            process,
            unended: None,
            begun: HashMap::new(),
            unconfirmed: BTreeMap::new(),
            confirmed: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            hurries: false,
            away: BTreeSet::new(),
            late: VecDeque::new(),
            internal_error: false,
        }
    }

    /// Records an event, then shows it.
    pub fn tell(&mut self, event: &Event) -> Result<(), LedgerError> {
        let now = self.clock.now();
        let written = self.write_unless_held(|ledger| ledger.record(now, event));
        let recorded = written.map(|written| {
            if written == WhenWritten::NotYet {
                self.late
                    .push_back((now, LateEntry::Event(Box::new(event.clone()))));
            }
        });
        if let Event::StillQuiesced(still) = event
            && let Some(entry) = self.unconfirmed.get_mut(&still.row)
        {
            entry.shown = (still.certainty == Certainty::Seen).then_some(now);
        }
        // What happened to a device is shown even when it can no longer be written down.
        self.show_event(now, event);
        recorded
    }

    /// From now on a device is out of service until something is done: what is told is shown at once, and where
    /// others hold the ledger it is written later.
    pub fn hurry(&mut self) {
        if !self.hurries {
            self.hurries = true;
            self.ledger.patience(Patience::Short);
        }
    }

    /// It is done: what was put off is written.
    pub fn take_time(&mut self) -> Result<(), LedgerError> {
        if self.hurries {
            self.hurries = false;
            self.ledger.patience(Patience::Usual);
        }
        self.write_late()
    }

    /// A sink never changes an outcome: one that panics is not asked again.
    fn each_sink(&mut self, mut show: impl FnMut(&mut dyn Sink)) {
        self.sinks
            .retain_mut(|sink| catch_unwind(AssertUnwindSafe(|| show(&mut **sink))).is_ok());
    }

    fn show_event(&mut self, at: Timestamp, event: &Event) {
        self.each_sink(|sink| sink.event(at, event));
    }

    /// Shows progress.
    pub fn show(&mut self, progress: &Progress) {
        self.each_sink(|sink| sink.progress(progress));
    }

    /// Records whom sinks could not tell since the last call. It changes no outcome, not even
    /// by failing.
    pub fn warn_of_sinks(&mut self, owner: Owner) {
        let mut warnings = Vec::new();
        self.each_sink(|sink| warnings.append(&mut sink.take_warnings()));
        for warning in warnings {
            // Sinks show it all the same.
            let _ = self.tell(&Event::ReceiverWarned { owner, warning });
        }
    }

    /// A plan execution begins.
    pub fn open_plan(&mut self, opening: PlanOpening) -> Result<PlanId, LedgerError> {
        let now = self.clock.now();
        let plan = self.write(|ledger| ledger.open_plan(now, &opening))?;
        self.unended = Some(plan);
        self.begun.insert(Owner::Plan(plan), Moment::now(self.clock));
        let event = Event::PlanOpened { plan, opening };
        self.show_event(now, &event);
        Ok(plan)
    }

    /// An activity of it.
    pub fn open_activity(&mut self, opening: ActivityOpening) -> Result<ActivityId, LedgerError> {
        let now = self.clock.now();
        let activity = self.write(|ledger| ledger.open_activity(now, &opening))?;
        let event = Event::ActivityOpened { activity, opening };
        self.show_event(now, &event);
        Ok(activity)
    }

    /// A task of that.
    pub fn open_task(&mut self, opening: TaskOpening) -> Result<TaskId, LedgerError> {
        let now = self.clock.now();
        let task = self.write(|ledger| ledger.open_task(now, &opening))?;
        let event = Event::TaskOpened { task, opening };
        self.show_event(now, &event);
        Ok(task)
    }

    /// A task goes on to an interim status.
    pub fn task_status(&mut self, task: TaskId, status: Status) -> Result<(), LedgerError> {
        let now = || Moment::now(self.clock);
        self.begun.entry(Owner::Task(task)).or_insert_with(now);
        self.tell(&Event::TaskStatus { task, status })
    }

    /// A task has reached its final status.
    pub fn end_task(
        &mut self,
        task: TaskId,
        status: Status,
        error: Option<String>,
    ) -> Result<(), LedgerError> {
        let took = self.took(Owner::Task(task));
        self.tell(&Event::TaskEnded {
            task,
            status,
            error,
            took,
        })
    }

    /// A plan has reached its final status.
    pub fn end_plan(
        &mut self,
        plan: PlanId,
        status: Status,
        error: Option<String>,
    ) -> Result<(), LedgerError> {
        let took = self.took(Owner::Plan(plan));
        self.tell(&Event::PlanEnded {
            plan,
            status,
            error,
            took,
        })?;
        self.unended = None;
        Ok(())
    }

    /// Whether a plan execution was opened, and its end could not be recorded.
    pub fn lacks_an_end(&self) -> bool {
        self.unended.is_some()
    }

    /// How long ago this began; `None` where this process has not seen it begin.
    fn took(&mut self, owner: Owner) -> Option<Duration> {
        let begun = self.begun.remove(&owner)?;
        Some(begun.age(self.clock))
    }

    /// A plan goes on to an interim status.
    pub fn plan_status(&mut self, plan: PlanId, status: Status) -> Result<(), LedgerError> {
        self.tell(&Event::PlanStatus { plan, status })
    }

    /// Somebody should look at this.
    pub fn warn(&mut self, owner: Owner, message: impl Into<String>) -> Result<(), LedgerError> {
        self.tell(&Event::Warning {
            owner,
            message: message.into(),
            row: None,
        })
    }

    /// The same of a row of the journal, of which an event has told already.
    pub fn warn_of_row(&mut self, owner: Owner, row: JournalId, message: String) -> Result<(), LedgerError> {
        self.tell(&Event::Warning {
            owner,
            message,
            row: Some(row),
        })
    }

    /// Worth knowing.
    pub fn note(&mut self, owner: Owner, message: impl Into<String>) -> Result<(), LedgerError> {
        self.tell(&Event::Note {
            owner,
            message: message.into(),
        })
    }

    /// Writes down, durably, what will have to be undone on a device. Nothing was sent yet: whoever sends it shows that
    /// it is due.
    pub fn open_undo(&mut self, opening: &UndoOpening) -> Result<JournalId, LedgerError> {
        let process = self.process;
        let now = JournalTime {
            day: self.clock.now(),
            boot: self.clock.boot_time(),
        };
        let id = self.write(|ledger| ledger.open_undo(&now, process, opening))?;
        self.unconfirmed
            .insert(id, JournalEntry::opened(id, process, &now, opening));
        Ok(id)
    }

    /// Writes down what became known about an open row.
    pub fn step_undo(&mut self, id: JournalId, step: UndoStep) -> Result<(), LedgerError> {
        let now = self.clock.now();
        if self.write_unless_held(|ledger| ledger.step_undo(now, id, step))? == WhenWritten::NotYet {
            self.late.push_back((now, LateEntry::Step(id, step)));
        }
        Ok(())
    }

    /// The device has confirmed that it is undone.
    pub fn close_undo(&mut self, id: JournalId, how: &str) -> Result<(), LedgerError> {
        if let Some(entry) = self.unconfirmed.remove(&id) {
            self.unwritten.insert(id, entry);
        }
        self.confirmed.insert(id, how.to_owned());
        self.show(&Progress::UndoOver { journal: id });
        let now = self.clock.now();
        let process = self.process;
        self.write(|ledger| ledger.close_undo(now, process, id, how))?;
        self.unwritten.remove(&id);
        Ok(())
    }

    /// The rows that this process has opened, and of which nothing was confirmed.
    pub fn unconfirmed(&self) -> Vec<JournalEntry> {
        self.unconfirmed.values().cloned().collect()
    }

    /// The device of this row did not answer the last look of the try to undo it.
    pub fn is_away(&mut self, id: JournalId) {
        self.away.insert(id);
    }

    /// The quiesces that this process has opened and could not undo, for their devices were away.
    pub fn left_while_away(&self) -> Vec<JournalId> {
        let open = self.unconfirmed.values().filter(|entry| entry.is_quiesce());
        let ids = open.map(|entry| entry.id);
        ids.filter(|id| self.away.contains(id)).collect()
    }

    /// The rows that this process has opened, and of which it could not write down that they are undone.
    pub fn unwritten(&self) -> Vec<JournalEntry> {
        self.unwritten.values().cloned().collect()
    }

    /// How a device has confirmed to this process that this row is undone.
    pub fn how_confirmed(&self, id: JournalId) -> Option<&str> {
        self.confirmed.get(&id).map(String::as_str)
    }

    /// Writes what cannot be put off, behind what was.
    fn write<T>(
        &mut self,
        write: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        if !self.hurries {
            self.write_late()?;
            return self.write_now(write);
        }
        self.ledger.patience(Patience::Usual);
        let written = self.write_late().and_then(|()| self.write_now(write));
        self.ledger.patience(Patience::Short);
        written
    }

    /// Writes behind what was put off; not yet where a device waits and others hold the ledger, or it is not at hand.
    fn write_unless_held(
        &mut self,
        write: impl FnOnce(&mut dyn Ledger) -> Result<(), LedgerError>,
    ) -> Result<WhenWritten, LedgerError> {
        match self.write_late().and_then(|()| self.write_now(write)) {
            Ok(()) => Ok(WhenWritten::Now),
            Err(error) if error.kind.may_be_later() && self.hurries => {
                // They were waited for once.
                if error.kind == LedgerErrorKind::Held {
                    self.ledger.patience(Patience::NoWait);
                }
                Ok(WhenWritten::NotYet)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes what is still to be written. What the ledger refuses stays unwritten, as it would have; what it
    /// could not take now is kept.
    fn write_late(&mut self) -> Result<(), LedgerError> {
        let mut written = Ok(());
        while let Some((at, entry)) = self.late.pop_front() {
            let now = self.write_now(|ledger| match &entry {
                LateEntry::Event(event) => ledger.record(at, event),
                LateEntry::Step(id, step) => ledger.step_undo(at, *id, *step),
            });
            match now {
                Err(error) if error.kind.may_be_later() => {
                    self.late.push_front((at, entry));
                    return written.and(Err(error));
                }
                now => written = written.and(now),
            }
        }
        written
    }

    /// A ledger that panics has failed, and is met as one that does: the devices are put back
    /// first.
    fn write_now<T>(
        &mut self,
        write: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        caught(|| write(self.ledger)).unwrap_or_else(|error| {
            self.met_internal_error();
            Err(LedgerError {
                message: error.to_string(),
                kind: LedgerErrorKind::Failed,
                source: None,
            })
        })
    }

    /// A mistake of ours ended something. It decides the exit code, whatever came of the rest.
    pub fn met_internal_error(&mut self) {
        self.internal_error = true;
    }

    /// Whether a mistake of ours was met since the last call.
    pub fn take_internal_error(&mut self) -> bool {
        std::mem::take(&mut self.internal_error)
    }

    /// The ledger itself, for what is no event: reading what dead runs left.
    pub fn ledger(&mut self) -> &mut dyn Ledger {
        self.ledger
    }

    /// The serial number that a device told last, if it ever told one.
    pub fn last_serial(&mut self, device: &str) -> Result<Option<String>, LedgerError> {
        self.write(|ledger| ledger.last_serial(device))
    }

    /// What the newest verified export of this device, domain and kind held.
    pub fn last_content(
        &mut self,
        device: &str,
        domain: &str,
        kind: FileKind,
    ) -> Result<Option<LastContent>, LedgerError> {
        self.write(|ledger| ledger.last_content(device, domain, kind))
    }

    /// What the newest good secure backup of a device is encrypted for (see [`Ledger::last_certificate`]).
    pub fn last_certificate(
        &mut self,
        device: &str,
        object: &str,
    ) -> Result<Option<(TaskId, CertificateFacts)>, LedgerError> {
        self.write(|ledger| ledger.last_certificate(device, object))
    }
}
