//! A ledger that nobody waits for longer than a limit, once something must be undone on a device.
//!
//! A file system that is frozen, or whose server is gone, lets a write stand for as long as it pleases, and whoever
//! stands in it cannot be woken. From the first row that must be undone on, each call is done by a thread of its own,
//! which takes the ledger along: one that does not come back in time has failed, and so has each one after it until it
//! does. The thread of decisions goes on, and puts back what is out of service.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::run::event::{
    ActivityId, ActivityOpening, Event, FileKind, JournalId, PlanId, PlanOpening, TaskId, TaskOpening,
};
use crate::run::ledger::{
    ClosedUndo, DeathWords, JournalEntry, JournalTime, LastContent, Ledger, LedgerError, LedgerErrorKind,
    LostQuiesce, NOTHING_BEGUN, Patience, UndoOpening, UndoStep, UnfinishedPlan,
};
use crate::run::status::Status;
use crate::threads::{Awaited, DISK_ANSWERS_WITHIN, awaited, elsewhere, start};
use crate::values::boot_time::BootTime;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::duration::HumanDuration;

/// How long others who hold it may be waited for, besides the disk.
const OTHERS_END_WITHIN: Duration = Duration::from_secs(10);

/// How long a ledger on a disk that hangs is waited for at the longest: once it was silent nobody waits for it again.
pub const LEDGER_ANSWERS_WITHIN: Duration = DISK_ANSWERS_WITHIN.saturating_add(OTHERS_END_WITHIN);

/// A ledger whose calls have a limit, from the first row on that must be undone.
#[derive(Debug)]
pub struct LimitedLedger<L> {
    place: LedgerPlace<L>,
    /// Tells the ledger how long it waits for others.
    hand_on: fn(&mut L, Patience),
    disk_answers_within: Duration,
    /// Whether something must be, or may have to be, undone.
    has_limit: bool,
    patience: Patience,
    silence: Silence,
}

/// Where the ledger is.
#[derive(Debug)]
enum LedgerPlace<L> {
    Here(Box<L>),
    /// With a thread, which gives it back when its call is done.
    Away(Awaited<Box<L>>),
}

/// Whether a ledger was silent, for those who read the same file another way: they would wait as long.
#[derive(Clone, Debug, Default)]
pub struct Silence(Arc<AtomicBool>);

impl Silence {
    /// Whether a call did not come back in time.
    pub fn is_met(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Something else on the disk of the ledger. Where that was silent it is left to the end of the process: whoever closes
/// or removes a file there stands there, and nothing would be said any more.
#[derive(Debug)]
pub struct OnSameDisk<T> {
    it: Option<T>,
    silence: Silence,
}

impl<T> OnSameDisk<T> {
    /// This, where it is there, on the disk of that ledger.
    pub fn new(it: Option<T>, silence: Silence) -> Self {
        Self { it, silence }
    }

    /// It, where it is there.
    pub fn get(&self) -> Option<&T> {
        self.it.as_ref()
    }
}

impl<T> Drop for OnSameDisk<T> {
    fn drop(&mut self) {
        if self.silence.is_met() {
            std::mem::forget(self.it.take());
        }
    }
}

impl<L> Drop for LimitedLedger<L> {
    fn drop(&mut self) {
        if self.silence.is_met() {
            std::mem::forget(std::mem::replace(&mut self.place, nowhere()));
        }
    }
}

/// The place of a ledger that does not come back.
fn nowhere<L>() -> LedgerPlace<L> {
    LedgerPlace::Away(awaited().1)
}

impl<L: Send + 'static> LimitedLedger<L> {
    /// The same ledger, with limits.
    pub fn new(ledger: L) -> Self
    where
        L: Ledger,
    {
        Self::within(ledger, DISK_ANSWERS_WITHIN)
    }

    /// The same, of a disk that is to answer within this time.
    pub fn within(ledger: L, disk_answers_within: Duration) -> Self
    where
        L: Ledger,
    {
        Self::handing_on(ledger, L::patience, disk_answers_within)
    }

    fn handing_on(ledger: L, hand_on: fn(&mut L, Patience), disk_answers_within: Duration) -> Self {
        Self {
            place: LedgerPlace::Here(Box::new(ledger)),
            hand_on,
            disk_answers_within,
            has_limit: false,
            patience: Patience::Usual,
            silence: Silence::default(),
        }
    }

    /// Whether it was silent, for whoever asks later.
    pub fn silence(&self) -> Silence {
        self.silence.clone()
    }

    /// The ledger itself, for what is done before anything must be undone.
    ///
    /// # Errors
    ///
    /// It has not come back yet.
    pub fn here(&mut self) -> Result<&mut L, LedgerError> {
        if let LedgerPlace::Away(back) = &self.place
            && let Ok(mut ledger) = back.try_recv()
        {
            // What was wished for meanwhile.
            (self.hand_on)(&mut ledger, self.patience);
            self.place = LedgerPlace::Here(ledger);
        }
        let limit = self.limit();
        match &mut self.place {
            LedgerPlace::Here(ledger) => Ok(ledger),
            LedgerPlace::Away(_) => Err(silent(limit, LedgerErrorKind::NotTried)),
        }
    }

    fn limit(&self) -> Duration {
        match self.patience {
            Patience::Usual => self.disk_answers_within + OTHERS_END_WITHIN,
            Patience::Short | Patience::NoWait => self.disk_answers_within,
        }
    }

    /// Does a call, within the limit where there is one. A panic in it comes out here.
    fn call<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut L) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.call_until(work, &|| true)
    }

    /// The same of something that is taken back where it is done when nobody waits for it any more: whoever comes first
    /// decides.
    fn call_or_take_back<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut L) -> Result<T, LedgerError> + Send + 'static,
        take_back: impl FnOnce(&mut L, &T) -> Result<(), LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let is_decided = Arc::new(AtomicBool::new(false));
        let decides = Arc::clone(&is_decided);
        let work = move |ledger: &mut L| {
            let done = work(ledger)?;
            if decides.swap(true, Ordering::SeqCst) {
                take_back(ledger, &done)?;
            }
            Ok(done)
        };
        self.call_until(work, &|| !is_decided.swap(true, Ordering::SeqCst))
    }

    /// The same as a call, until it `gives_up`: asked once, when the time is over. What is done by then is waited for.
    fn call_until<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut L) -> Result<T, LedgerError> + Send + 'static,
        gives_up: &dyn Fn() -> bool,
    ) -> Result<T, LedgerError> {
        let (has_limit, limit) = (self.has_limit, self.limit());
        let here = self.here()?;
        if !has_limit {
            return work(here);
        }
        let LedgerPlace::Here(mut ledger) = std::mem::replace(&mut self.place, nowhere()) else {
            return Err(silent(limit, LedgerErrorKind::NotTried));
        };
        let (teller, done) = awaited();
        let back = elsewhere(start, "the history", move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut ledger)));
            teller.tell(outcome);
            ledger
        });
        let late = |_| match gives_up() {
            true => None,
            false => done.recv().ok(),
        };
        let Some(outcome) = done.recv_timeout(limit).map_or_else(late, Some) else {
            self.place = LedgerPlace::Away(back);
            self.silence.0.store(true, Ordering::SeqCst);
            return Err(silent(limit, LedgerErrorKind::Failed));
        };
        // It is on its way.
        self.place = match back.recv() {
            Ok(ledger) => LedgerPlace::Here(ledger),
            Err(_) => LedgerPlace::Away(back),
        };
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

fn silent(limit: Duration, kind: LedgerErrorKind) -> LedgerError {
    LedgerError {
        message: format!(
            "the disk of the history did not answer within {}: is its file system frozen, or its server gone?",
            HumanDuration(limit)
        ),
        kind,
        source: None,
    }
}

/// How an execution ends of which the row was made when nobody waited for it any more.
const GIVEN_UP: &str = "the disk of the history did not answer in time, and nothing was begun";

impl<L: Ledger + Send + 'static> Ledger for LimitedLedger<L> {
    fn patience(&mut self, patience: Patience) {
        self.patience = patience;
        // A device is, or may be, out of service.
        self.has_limit |= patience != Patience::Usual;
        // One that is away waits as long as it does.
        if let Ok(ledger) = self.here() {
            ledger.patience(patience);
        }
    }

    fn open_plan(&mut self, at: Timestamp, opening: &PlanOpening) -> Result<PlanId, LedgerError> {
        let opening = opening.clone();
        let death = DeathWords {
            plan: GIVEN_UP.to_owned(),
            tasks: Vec::new(),
            others: GIVEN_UP.to_owned(),
        };
        // Its process goes on without it, and would be said to have died at it.
        self.call_or_take_back(
            move |ledger| ledger.open_plan(at, &opening),
            move |ledger, plan| ledger.abandon(at, *plan, &death),
        )
    }

    fn open_activity(&mut self, at: Timestamp, opening: &ActivityOpening) -> Result<ActivityId, LedgerError> {
        let opening = opening.clone();
        self.call(move |ledger| ledger.open_activity(at, &opening))
    }

    fn open_task(&mut self, at: Timestamp, opening: &TaskOpening) -> Result<TaskId, LedgerError> {
        let opening = opening.clone();
        let is_ended = opening.status.is_final();
        self.call_or_take_back(
            move |ledger| ledger.open_task(at, &opening),
            move |ledger, task| match is_ended {
                true => Ok(()),
                false => ledger.record(
                    at,
                    &Event::TaskEnded {
                        task: *task,
                        status: Status::Abandoned,
                        error: Some(GIVEN_UP.to_owned()),
                        took: None,
                    },
                ),
            },
        )
    }

    fn record(&mut self, at: Timestamp, event: &Event) -> Result<(), LedgerError> {
        let event = event.clone();
        self.call(move |ledger| ledger.record(at, &event))
    }

    fn open_undo(
        &mut self,
        at: &JournalTime,
        process: &str,
        opening: &UndoOpening,
    ) -> Result<JournalId, LedgerError> {
        let (at, process, opening) = (at.clone(), process.to_owned(), opening.clone());
        let (process_of_it, day) = (process.clone(), at.day);
        // Nobody has asked a device by a row that was given up, nor knows its id.
        self.call_or_take_back(
            move |ledger| ledger.open_undo(&at, &process, &opening),
            move |ledger, id| ledger.close_undo(day, &process_of_it, *id, NOTHING_BEGUN),
        )
    }

    fn undo_stood(&mut self, id: JournalId, moment: &BootTime) -> Result<(), LedgerError> {
        let moment = moment.clone();
        self.call(move |ledger| ledger.undo_stood(id, &moment))
    }

    fn step_undo(&mut self, at: Timestamp, id: JournalId, step: UndoStep) -> Result<(), LedgerError> {
        self.call(move |ledger| ledger.step_undo(at, id, step))
    }

    fn close_undo(
        &mut self,
        at: Timestamp,
        process: &str,
        id: JournalId,
        how: &str,
    ) -> Result<(), LedgerError> {
        let (process, how) = (process.to_owned(), how.to_owned());
        self.call(move |ledger| ledger.close_undo(at, &process, id, &how))
    }

    fn undone_by_others(&mut self) -> Result<Vec<ClosedUndo>, LedgerError> {
        self.call(Ledger::undone_by_others)
    }

    fn lost_quiesces(&mut self) -> Result<Vec<LostQuiesce>, LedgerError> {
        self.call(Ledger::lost_quiesces)
    }

    fn open_undos(&mut self) -> Result<Vec<JournalEntry>, LedgerError> {
        self.call(Ledger::open_undos)
    }

    fn unfinished_plans(&mut self) -> Result<Vec<UnfinishedPlan>, LedgerError> {
        self.call(Ledger::unfinished_plans)
    }

    fn abandon(&mut self, at: Timestamp, plan: PlanId, death: &DeathWords) -> Result<(), LedgerError> {
        let death = death.clone();
        self.call(move |ledger| ledger.abandon(at, plan, &death))
    }

    fn files_in_store(&mut self) -> Result<u64, LedgerError> {
        self.call(Ledger::files_in_store)
    }

    fn last_serial(&mut self, device: &str) -> Result<Option<String>, LedgerError> {
        let device = device.to_owned();
        self.call(move |ledger| ledger.last_serial(&device))
    }

    fn last_content(
        &mut self,
        device: &str,
        domain: &str,
        kind: FileKind,
    ) -> Result<Option<LastContent>, LedgerError> {
        let (device, domain) = (device.to_owned(), domain.to_owned());
        self.call(move |ledger| ledger.last_content(&device, &domain, kind))
    }

    fn last_certificate(
        &mut self,
        device: &str,
        object: &str,
    ) -> Result<Option<(TaskId, CertificateFacts)>, LedgerError> {
        let (device, object) = (device.to_owned(), object.to_owned());
        self.call(move |ledger| ledger.last_certificate(&device, &object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::internal_error::caught;
    use std::sync::mpsc;

    /// A ledger that is a list, with a limit so short that only what hangs is beyond it, or so long that nothing is.
    fn limited(limit: Duration) -> LimitedLedger<Vec<u8>> {
        let mut ledger = LimitedLedger::handing_on(Vec::new(), |list, _| list.push(0), limit);
        ledger.has_limit = true;
        ledger.patience = Patience::Short;
        ledger
    }

    #[test]
    fn a_call_that_hangs_fails_and_so_does_each_after_it_until_it_comes_back() {
        let mut ledger = limited(Duration::from_millis(1));
        let silence = ledger.silence();
        let (release, held) = mpsc::channel::<()>();
        let hangs = move |list: &mut Vec<u8>| {
            let _ = held.recv();
            list.push(1);
            Ok(())
        };
        let error = ledger.call(hangs).expect_err("it hangs");
        assert!(error.message.contains("did not answer within"), "{error}");
        assert!(error.kind == LedgerErrorKind::Failed && silence.is_met());
        let error = ledger.call(|_| Ok(())).expect_err("nobody waits for it again");
        assert_eq!(error.kind, LedgerErrorKind::NotTried);
        assert!(ledger.here().is_err());
        drop(release);
        while ledger.here().is_err() {
            std::thread::yield_now();
        }
        ledger.disk_answers_within = Duration::from_secs(600);
        let list = ledger.call(|list| Ok(list.clone())).expect("it is back");
        assert_eq!(
            list,
            [1, 0],
            "what was to be written was, and how long it waits was handed on"
        );
        assert!(silence.is_met(), "and nobody forgets it");
    }

    #[test]
    fn what_is_done_when_nobody_waits_for_it_any_more_is_taken_back_and_what_is_done_in_time_is_not() {
        let pushes = |list: &mut Vec<u8>| {
            list.push(1);
            Ok(1)
        };
        let take_back = |list: &mut Vec<u8>, done: &u8| {
            list.push(done + 1);
            Ok(())
        };
        let mut ledger = limited(Duration::from_secs(600));
        assert_eq!(ledger.call_or_take_back(pushes, take_back).expect("in time"), 1);
        assert_eq!(*ledger.here().expect("it is there"), [1]);

        let mut ledger = limited(Duration::from_millis(1));
        let (release, held) = mpsc::channel::<()>();
        let hangs = move |list: &mut Vec<u8>| {
            let _ = held.recv();
            pushes(list)
        };
        assert!(ledger.call_or_take_back(hangs, take_back).is_err());
        drop(release);
        while ledger.here().is_err() {
            std::thread::yield_now();
        }
        assert_eq!(ledger.here().expect("it is back")[..2], [1, 2]);

        // Done, and its time is over before that was heard: it counts.
        let mut ledger = limited(Duration::ZERO);
        let (done, was_done) = mpsc::channel();
        let pushes = move |list: &mut Vec<u8>| {
            list.push(1);
            let _ = done.send(());
            Ok(7)
        };
        let gives_up = || was_done.recv().is_err();
        assert_eq!(ledger.call_until(pushes, &gives_up).expect("it counts"), 7);
        assert!(!ledger.silence().is_met());
    }

    #[test]
    fn what_is_on_a_disk_that_was_silent_is_not_closed() {
        let closed = |is_silent: bool| {
            let it = Arc::new(());
            let silence = Silence::default();
            silence.0.store(is_silent, Ordering::SeqCst);
            let on_disk = OnSameDisk::new(Some(Arc::clone(&it)), silence.clone());
            assert!(on_disk.get().is_some());
            drop(on_disk);
            let mut ledger = LimitedLedger::handing_on(Arc::clone(&it), |_, _| {}, Duration::ZERO);
            ledger.silence = silence;
            drop(ledger);
            Arc::strong_count(&it) == 1
        };
        assert!(closed(false) && !closed(true));
    }

    #[test]
    fn calls_are_done_in_order_and_a_panic_in_one_comes_out_and_leaves_the_ledger() {
        let mut ledger = limited(Duration::from_secs(600));
        for number in 0..3 {
            let pushed = ledger.call(move |list| {
                list.push(number);
                Ok(list.len())
            });
            assert_eq!(pushed.expect("written"), usize::from(number) + 1);
        }
        let panics = |_: &mut Vec<u8>| -> Result<(), LedgerError> { panic!("a panic of the tests") };
        let error = caught(|| ledger.call(panics)).expect_err("a panic");
        assert!(error.to_string().contains("a panic of the tests"));
        assert_eq!(
            ledger.call(|list| Ok(list.clone())).expect("it is there"),
            [0, 1, 2]
        );
        assert!(!ledger.silence().is_met());
    }

    #[test]
    fn without_anything_to_be_undone_a_call_is_done_here_and_waits_as_long_as_it_takes() {
        let mut ledger = limited(Duration::ZERO);
        ledger.has_limit = false;
        let here = std::thread::current().id();
        let done = ledger.call(move |_| Ok(std::thread::current().id() == here));
        assert!(done.expect("done"));
    }
}
