//! A mistake of ours, at any moment of a run: what was quiesced is undone, everybody is told,
//! history says it, and the exit code is 70, or 10 where something may still be quiesced.
//!
//! The clock and the history of a run are those of the tests, and panic: at one moment, or
//! from one moment on.

use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use dpbackup::clock::Clock;
use dpbackup::exit::Exit;
use dpbackup::run::event::Event;
use dpbackup::run::ledger::JournalEntry;
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::run::status::Status;
use dpbackup::signal::Stop;
use dpbackup::values::boot_time::BootTime;
use dpbackup::values::invocation::Invocation;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::draw;
use crate::invariants::broken;
use crate::simulator::{Fault, FaultKind, Gateway};
use crate::support::{EngineRun, Home, TestClock, export, gateways};

/// Two gateways, each with a serial number of its own.
fn two_gateways(clock: &TestClock) -> (Gateway, Gateway) {
    let (one, two) = (
        gateways::pair_on_clock(clock, 5, &[]),
        gateways::pair_on_clock(clock, 5, &[]),
    );
    two.state().set_serial("78B0002");
    (one, two)
}

fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .timeouts("request = 60s, export = 60s, secure_backup = 10m, idle = 60s")
        .device("QA1", gateway)
        .plan(
            "P",
            &export("QA1", "DOM*", "quiesce = true\nerror_policy = \"ignore\""),
        )
}

/// What a panic says that is part of a test.
const MEANT: &str = "a panic of the tests";

/// A panic that is meant says nothing: to write where it was takes a second each time, where backtraces are asked for.
fn stay_silent() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let says = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            let said = what.payload();
            let is_meant = said.downcast_ref::<String>().is_some_and(|said| said == MEANT)
                || said.downcast_ref::<&str>().is_some_and(|said| *said == MEANT);
            if !is_meant {
                says(what);
            }
        }));
    });
}

/// Counts moments, and panics at the first of some, up to the last.
struct Trap {
    set: AtomicBool,
    passed: AtomicU64,
    first: u64,
    last: u64,
}

impl Trap {
    fn new(first: u64, last: u64) -> Self {
        stay_silent();
        Self {
            set: AtomicBool::new(false),
            passed: AtomicU64::new(0),
            first,
            last,
        }
    }

    fn moment(&self) {
        if !self.set.load(Ordering::SeqCst) {
            return;
        }
        let passed = self.passed.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(!(self.first..=self.last).contains(&passed), "{MEANT}");
    }

    /// What history does: the first of it is in the run itself.
    fn touched(&self) {
        self.set.store(true, Ordering::SeqCst);
        self.moment();
    }

    fn was_met(&self) -> bool {
        self.passed.load(Ordering::SeqCst) >= self.first
    }
}

/// A clock with a trap in it.
struct TrappedClock<'t>(TestClock, &'t Trap);

impl Clock for TrappedClock<'_> {
    fn now(&self) -> Timestamp {
        self.1.moment();
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.1.moment();
        self.0.elapsed()
    }

    fn boot_time(&self) -> Option<BootTime> {
        self.1.moment();
        self.0.boot_time()
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        self.1.moment();
        self.0.sleep(duration, stop);
    }

    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}

/// Which of the two has the trap.
#[derive(Clone, Copy, Debug, PartialEq)]
enum In {
    Both,
    HistoryAlone,
}

fn run(home: &Home, clock: &TestClock, trap: &Trap, place: In) -> EngineRun {
    let trapped = TrappedClock(clock.clone(), trap);
    let clock: &dyn Clock = match place {
        In::Both => &trapped,
        In::HistoryAlone => clock,
    };
    home.run_watched("P", clock, Options::default(), &Stop::new(), &mut |_| {}, &|| {
        trap.touched();
    })
}

/// How many moments a run has that meets no panic.
fn moments(place: In) -> u64 {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let trap = Trap::new(u64::MAX, u64::MAX);
    let run = run(&home(&gateway), &clock, &trap, place);
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    trap.passed.load(Ordering::SeqCst)
}

/// What the run means for the process, and what it says is left.
fn end_of(run: &EngineRun) -> (Exit, Left, String) {
    match &run.end {
        Ok(end) => (end.exit, end.left.clone(), end.error.clone().unwrap_or_default()),
        Err(error) => {
            let words = dpbackup::values::causes::with_causes(error);
            (error.exit(), error.left.clone(), words)
        }
    }
}

/// What everybody who hears of a run was told last.
fn last_told(run: &EngineRun) -> Option<(Status, String)> {
    run.events.iter().rev().find_map(|event| match event {
        Event::PlanEnded { status, error, .. } => Some((*status, error.clone().unwrap_or_default())),
        _ => None,
    })
}

#[test]
fn a_panic_at_any_moment_is_undone_told_and_recorded() {
    let all = moments(In::Both);
    assert!(all > 150, "{all} moments");
    let (mut told, mut recorded) = (0, 0);
    let tried = draw::moments(all, 1, 8);
    for &nth in &tried {
        let case = format!("moment {nth} of {all}");
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 5, &[]);
        let home = home(&gateway);
        let trap = Trap::new(nth, nth);
        let run = run(&home, &clock, &trap, In::Both);
        assert!(trap.was_met(), "{case}");
        let (exit, left, words) = end_of(&run);
        clock.pass(Duration::from_secs(60));
        assert!(gateway.state().is_unquiesced(), "{case}: {run:?}");
        match &left {
            Left::Nothing => assert_eq!(exit, Exit::Internal, "{case}: {words}"),
            // Nobody can tell that a request does not arrive yet, or the journal was not read.
            Left::MayBeQuiesced(_) | Left::Unknown { .. } | Left::NotInJournal { .. } => {
                assert_eq!(exit, Exit::StillQuiesced, "{case}: {words}");
            }
        }
        let row = home.last_plan_if_any();
        let asked = gateway.received("DomainQuiesce") + gateway.received("QuiesceDP");
        if let Some(row) = &row {
            let tasks = home.task_rows();
            let untouched = tasks.iter().filter(|task| {
                let why = task.error_message.as_deref();
                why.is_some_and(|why| why.contains("device untouched"))
            });
            assert!(untouched.count() + asked <= tasks.len(), "{case}: {tasks:?}");
            assert!(row.status.is_final(), "{case}: {row:?}");
            assert!(
                home.task_rows().iter().all(|task| task.status.is_final()),
                "{case}"
            );
            recorded += u64::from(
                row.error_message
                    .as_deref()
                    .unwrap_or_default()
                    .contains("internal error"),
            );
        }
        match last_told(&run) {
            Some((Status::Failed | Status::CompletedWithWarnings, error)) => {
                let why = "internal error (please report it): a panic of the tests";
                assert!(error.contains(why), "{case}: {error}");
                told += 1;
            }
            // It came when the end had been told, or before there was anything to tell of: then
            // whoever called is told.
            Some((Status::Success, _)) | None => {
                let why = left.words(&Invocation::default()) + &words;
                assert!(why.contains("a panic of the tests"), "{case}: {why}");
            }
            Some((status, error)) => panic!("{case}: {status} {error}"),
        }
        // The next one finds nothing in its way, and leaves nothing.
        clock.pass(Duration::from_secs(2 * 3600));
        next_run(&home, &clock, &case);
        clock.pass(Duration::from_secs(60));
        assert_eq!(broken(&home, &gateway, &[]), [""; 0], "{case}");
        assert_eq!(home.open_entries(), [], "{case}");
    }
    let tried = tried.len() as u64;
    assert!(told + 5 > tried, "told of {told} of {tried}");
    assert!(recorded + 5 > tried, "recorded {recorded} of {tried}");
}

/// The run after one that broke off: a success, with a warning of what that has left quiesced.
fn next_run(home: &Home, clock: &TestClock, case: &str) {
    let open = home.history().open_entries().expect("the journal");
    let status = match open.iter().any(JournalEntry::is_quiesce) {
        true => "COMPLETED_WITH_WARNINGS",
        false => "SUCCESS",
    };
    assert_eq!(home.run("P", clock).status(), status, "{case}");
}

#[test]
fn a_history_that_panics_from_some_moment_on_leaves_nothing_quiesced() {
    let all = moments(In::HistoryAlone);
    for nth in draw::moments(all, 2, 8) {
        let case = format!("from moment {nth} of {all}");
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 5, &[]);
        let home = home(&gateway);
        let trap = Trap::new(nth, u64::MAX);
        let run = run(&home, &clock, &trap, In::HistoryAlone);
        let (exit, left, words) = end_of(&run);
        clock.pass(Duration::from_secs(60));
        assert!(gateway.state().is_unquiesced(), "{case}: {run:?}");
        // The journal cannot be read, and what cannot be looked at is not known.
        assert!(matches!(left, Left::Unknown { .. }), "{case}: {left:?}");
        assert_eq!(exit, Exit::StillQuiesced, "{case}: {words}");
        let said = left.words(&Invocation::default());
        assert!(said.contains("a panic of the tests"), "{case}: {said} {words}");
        clock.pass(Duration::from_secs(2 * 3600));
        next_run(&home, &clock, &case);
        clock.pass(Duration::from_secs(60));
        assert_eq!(broken(&home, &gateway, &[]), [""; 0], "{case}");
        assert_eq!(home.open_entries(), [], "{case}");
    }
}

#[test]
fn a_run_in_which_nothing_works_any_more_never_says_that_nothing_is_left() {
    let all = moments(In::Both);
    let mut quiesced = 0;
    for nth in draw::moments(all, 3, 8) {
        let case = format!("from moment {nth} of {all}");
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 5, &[]);
        let home = home(&gateway);
        let trap = Trap::new(nth, u64::MAX);
        let run = run(&home, &clock, &trap, In::Both);
        let (exit, left, words) = end_of(&run);
        assert!(matches!(left, Left::Unknown { .. }), "{case}: {left:?}");
        assert_eq!(exit, Exit::StillQuiesced, "{case}: {words}");
        if !gateway.state().is_unquiesced() {
            quiesced += 1;
            // What this process has seen is named.
            assert!(words.contains("MAY BE QUIESCED: domain DOM"), "{case}: {words}");
        }
        clock.pass(Duration::from_secs(2 * 3600));
        next_run(&home, &clock, &case);
        clock.pass(Duration::from_secs(60));
        assert_eq!(broken(&home, &gateway, &[]), [""; 0], "{case}");
        assert_eq!(home.open_entries(), [], "{case}");
    }
    assert!(quiesced > 3, "only {quiesced} were quiesced then");
}

/// A home whose two devices a run that died has left quiesced.
fn left_by_the_dead(clock: &TestClock, one: &Gateway, two: &Gateway) -> Home {
    let both = export("*", "DOM1", "quiesce = true\nerror_policy = \"ignore\"");
    let home = home(one).device("QA2", two).plan("Q", &both);
    for gateway in [one, two] {
        gateway.fail(Fault::every("DomainUnquiesce", FaultKind::AccessDenied));
    }
    let run = home.run("Q", clock);
    assert_eq!(run.exit(), 10, "{:?}", run.errors());
    assert_eq!(home.open_entries().len(), 2);
    for gateway in [one, two] {
        assert!(!gateway.state().is_unquiesced());
        gateway.clear_faults();
    }
    home
}

#[test]
fn a_panic_in_a_recovery_is_never_taken_for_its_success_and_the_next_one_mends() {
    let all = {
        let clock = TestClock::night();
        let (one, two) = two_gateways(&clock);
        let home = left_by_the_dead(&clock, &one, &two);
        let trap = Trap::new(u64::MAX, u64::MAX);
        let trapped = TrappedClock(clock.clone(), &trap);
        let recovered = home
            .recover_watched(&trapped, &|| trap.touched())
            .expect("an end");
        assert_eq!(recovered.left, Left::Nothing);
        trap.passed.load(Ordering::SeqCst)
    };
    assert!(all > 20, "{all} moments");
    let mut other_was_mended = 0;
    for nth in draw::moments(all, 4, 8) {
        for last in [nth, u64::MAX] {
            let case = format!("moment {nth} of {all}, to {last}");
            let clock = TestClock::night();
            let (one, two) = two_gateways(&clock);
            let home = left_by_the_dead(&clock, &one, &two);
            let trap = Trap::new(nth, last);
            let trapped = TrappedClock(clock.clone(), &trap);
            let recovered = home.recover_watched(&trapped, &|| trap.touched());
            let left = match &recovered {
                Ok(recovered) => recovered.left.clone(),
                Err(error) => error.left.clone(),
            };
            clock.pass(Duration::from_secs(60));
            let is_quiesced = [&one, &two].map(|gateway| !gateway.state().is_unquiesced());
            if is_quiesced.contains(&true) {
                assert_ne!(left, Left::Nothing, "{case}: {is_quiesced:?}");
            }
            other_was_mended += u64::from(is_quiesced == [true, false] && last == nth);
            home.recover(&clock).expect("an end");
            clock.pass(Duration::from_secs(60));
            assert!(
                one.state().is_unquiesced() && two.state().is_unquiesced(),
                "{case}"
            );
            assert_eq!(home.open_entries(), [], "{case}");
        }
    }
    assert!(
        other_was_mended > 0,
        "a mistake at one device kept another from being mended"
    );
}

#[test]
fn a_sink_that_panics_changes_nothing() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway);
    let mut panics = |event: &Event| {
        let verifies = matches!(
            event,
            Event::TaskStatus {
                status: Status::Verifying,
                ..
            }
        );
        assert!(!verifies, "a panic of the tests");
    };
    let run = home.run_with("P", &clock, Options::default(), &Stop::new(), &mut panics);
    assert_eq!((run.status(), run.exit()), ("SUCCESS", 0));
    clock.pass(Duration::from_secs(60));
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}
