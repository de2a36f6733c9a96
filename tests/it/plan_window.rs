//! Windows and expiry, on a clock that passes when a test says so.

use std::sync::Mutex;
use std::time::Duration;

use dpbackup::clock::Clock;
use dpbackup::lock::{Asked, Lock, Locks};
use dpbackup::run::event::Event;
use dpbackup::run::sequence::Options;
use dpbackup::run::status::Status;
use dpbackup::signal::Stop;
use dpbackup::values::boot_time::BootTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::simulator::{Gateway, Setup};
use crate::support::{EngineRun, Home, TestClock, export};

const HOUR: Duration = Duration::from_secs(3600);

fn window(start: &str, end: &str, zone: &str) -> String {
    format!(
        "maintenance_window = {{ start = \"{start}\", end = \"{end}\", time_zone = \"{zone}\" }}\n{}",
        export("*", "DOM1", "")
    )
}

/// Whether the plan `P` starts at each of these times.
fn starts(home: &Home, times: &[&str]) -> Vec<bool> {
    let starts = |time: &&str| match home.run("P", &TestClock::at(time)).status() {
        "SUCCESS" => true,
        "PRE_VALIDATION_OUT_OF_MAINTENANCE_WINDOW" => false,
        other => panic!("{time}: {other}"),
    };
    times.iter().map(starts).collect()
}

/// Runs the plan `P`; so much time passes at the end of the first task.
fn run_with_pause(home: &Home, clock: &TestClock, pause: Duration, options: Options) -> EngineRun {
    let mut ended = 0;
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskEnded { .. }) {
            ended += 1;
            if ended == 1 {
                clock.pass(pause);
            }
        }
    };
    home.run_with("P", clock, options, &Stop::new(), &mut watch)
}

#[test]
fn a_window_across_midnight_is_open_in_its_zone_from_start_until_just_before_end() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &window("22:00", "02:00", "Europe/Rome"));
    let times = [
        "2026-11-22T20:59:59Z",
        "2026-11-22T21:00:00Z",
        "2026-11-22T23:30:00Z",
        "2026-11-23T00:59:59Z",
        "2026-11-23T01:00:00Z",
    ];
    assert_eq!(starts(&home, &times), [false, true, true, true, false]);
}

#[test]
fn the_same_window_opens_an_hour_earlier_in_summer() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &window("22:00", "02:00", "Europe/Rome"));
    let times = [
        "2026-07-01T19:59:59Z",
        "2026-07-01T20:00:00Z",
        "2026-07-02T00:00:00Z",
    ];
    assert_eq!(starts(&home, &times), [false, true, false]);
}

#[test]
fn a_window_in_the_hour_that_comes_twice_is_open_twice() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &window("02:00", "02:30", "Europe/Rome"));
    let times = [
        "2026-10-25T00:10:00Z",
        "2026-10-25T00:40:00Z",
        "2026-10-25T01:10:00Z",
        "2026-10-25T01:40:00Z",
    ];
    assert_eq!(starts(&home, &times), [true, false, true, false]);
}

#[test]
fn a_window_in_the_hour_that_is_skipped_does_not_open_that_day() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &window("02:10", "02:50", "Europe/Rome"));
    let times = [
        "2026-03-28T01:30:00Z",
        "2026-03-29T00:59:59Z",
        "2026-03-29T01:00:00Z",
        "2026-03-29T01:30:00Z",
        "2026-03-30T00:30:00Z",
    ];
    assert_eq!(starts(&home, &times), [true, false, false, false, true]);
}

#[test]
fn a_run_outside_its_window_says_what_time_it_is_there_and_when_it_opens() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &window("22:00", "02:00", "Asia/Tokyo"));
    let run = home.run("P", &TestClock::at("2026-11-22T17:30:00Z"));
    assert_eq!(run.status(), "PRE_VALIDATION_OUT_OF_MAINTENANCE_WINDOW");
    assert_eq!(
        run.error(),
        "it is Mon 2026-11-23 02:30 in Asia/Tokyo, outside the maintenance window 22:00-02:00 Asia/Tokyo; it opens \
         Mon 2026-11-23 22:00; `dpbackup run P --ignore-window` does not wait for it"
    );
    assert!(gateway.operations().is_empty(), "nobody was contacted");
}

#[test]
fn a_window_without_a_zone_is_said_to_be_in_that_of_the_machine() {
    let gateway = Gateway::start(Setup::default());
    let keys = "maintenance_window = { start = \"22:00\", end = \"22:01\" }";
    let home = Home::of(&gateway).plan("P", &format!("{keys}\n{}", export("*", "DOM1", "")));
    // Whatever the zone of this machine, one of the two is outside.
    let errors: Vec<String> = ["2026-11-22T10:30:00Z", "2026-11-22T10:31:00Z"]
        .iter()
        .map(|time| home.run("P", &TestClock::at(time)))
        .filter(|run| run.status() != "SUCCESS")
        .map(|run| run.error().to_owned())
        .collect();
    assert!(!errors.is_empty());
    for error in errors {
        assert!(error.contains(" in this machine's time zone"), "{error}");
    }
}

#[test]
fn a_plan_without_a_window_of_its_own_has_the_default_one_unless_it_says_none() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .setting("default_window = { start = \"21:30\", end = \"06:30\", time_zone = \"UTC\" }")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", ""))
        .plan(
            "Q",
            &format!("maintenance_window = \"none\"\n{}", export("*", "DOM1", "")),
        );
    assert_eq!(
        starts(&home, &["2026-11-22T12:00:00Z", "2026-11-22T23:00:00Z"]),
        [false, true]
    );
    assert_eq!(
        home.run("Q", &TestClock::at("2026-11-22T12:00:00Z")).status(),
        "SUCCESS"
    );
}

fn two_domains(gateway: &Gateway, head: &str, settings: &[&str]) -> Home {
    let home = settings.iter().fold(Home::new(), |home, line| home.setting(line));
    home.device("QA1", gateway)
        .plan("P", &format!("{head}\n{}", export("*", "DOM1, DOM2", "")))
}

const UNTIL_SIX: &str = "maintenance_window = { start = \"21:30\", end = \"06:00\", time_zone = \"UTC\" }";

#[test]
fn a_window_that_closes_between_two_tasks_cancels_the_waiting_one_only() {
    let gateway = Gateway::start(Setup::default());
    let home = two_domains(&gateway, UNTIL_SIX, &[]);
    let run = run_with_pause(
        &home,
        &TestClock::at("2026-11-22T05:30:00Z"),
        HOUR,
        Options::default(),
    );
    assert_eq!(
        run.tasks(),
        [
            "QA1/DOM1 SUCCESS",
            "QA1/DOM2 EXECUTION_CANCELED_BECAUSE_MAINTENANCE_WINDOW"
        ]
    );
    assert_eq!((run.status(), run.exit()), ("COMPLETED_WITH_WARNINGS", 3));
    let why = "task 2 EXECUTION_CANCELED_BECAUSE_MAINTENANCE_WINDOW: the maintenance window";
    assert!(run.error().starts_with(why), "{}", run.error());
    assert_eq!(home.recorded(), run.tasks());
    assert!(
        run.errors()[0].contains("closed before the task could start"),
        "{:?}",
        run.errors()
    );
}

#[test]
fn a_window_that_closes_does_not_cancel_a_run_that_ignores_it() {
    let gateway = Gateway::start(Setup::default());
    let home = two_domains(&gateway, UNTIL_SIX, &[]);
    let options = Options {
        ignore_window: true,
        ..Options::default()
    };
    let run = run_with_pause(&home, &TestClock::at("2026-11-22T05:30:00Z"), HOUR, options);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS", "QA1/DOM2 SUCCESS"]);
}

#[test]
fn a_task_that_runs_when_the_window_closes_is_not_interrupted() {
    let clock = TestClock::at("2026-11-22T05:59:30Z");
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        quiesce_time: Duration::from_secs(50),
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan(
        "P",
        &format!("{UNTIL_SIX}\n{}", export("*", "DOM1, DOM2", "quiesce = true")),
    );
    let run = home.run("P", &clock);
    assert_eq!(
        run.tasks(),
        [
            "QA1/DOM1 SUCCESS",
            "QA1/DOM2 EXECUTION_CANCELED_BECAUSE_MAINTENANCE_WINDOW"
        ]
    );
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_task_that_did_not_start_within_a_day_is_cancelled() {
    let gateway = Gateway::start(Setup::default());
    let home = two_domains(&gateway, "", &[]);
    let run = run_with_pause(
        &home,
        &TestClock::at("2026-11-22T05:30:00Z"),
        24 * HOUR,
        Options::default(),
    );
    assert_eq!(
        run.tasks(),
        [
            "QA1/DOM1 SUCCESS",
            "QA1/DOM2 EXECUTION_CANCELED_BECAUSE_A_DAY_PASSED"
        ]
    );
    assert_eq!((run.status(), run.exit()), ("COMPLETED_WITH_WARNINGS", 3));
}

/// A clock on which another run lets go of the device when it has been waited for, much later.
struct Awaited<'c> {
    clock: &'c TestClock,
    held: Mutex<Option<Lock>>,
    later: Duration,
}

impl Awaited<'_> {
    fn later(&self) -> Duration {
        let is_later = self.held.lock().expect("no panic with the lock").is_none();
        if is_later { self.later } else { Duration::ZERO }
    }
}

impl Clock for Awaited<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now() + self.later()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed() + self.later()
    }

    fn boot_time(&self) -> Option<BootTime> {
        let now = self.clock.boot_time()?;
        let up = now.up + self.later();
        Some(BootTime { up, ..now })
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        self.clock.sleep(duration, stop);
        drop(self.held.lock().expect("no panic with the lock").take());
    }

    fn zone(&self) -> TimeZone {
        self.clock.zone()
    }
}

#[test]
fn window_and_expiry_are_asked_again_when_a_device_was_waited_for() {
    let gateway = Gateway::start(Setup::default());
    for (plan, later, status) in [
        (UNTIL_SIX, HOUR, "EXECUTION_CANCELED_BECAUSE_MAINTENANCE_WINDOW"),
        ("", 25 * HOUR, "EXECUTION_CANCELED_BECAUSE_A_DAY_PASSED"),
        ("", HOUR, "SUCCESS"),
    ] {
        let home = Home::of(&gateway).plan("P", &format!("{plan}\n{}", export("*", "DOM1", "")));
        let locks = Locks::beside(&home.path("state/history.db"));
        let name = format!("device-127.0.0.1-{}", gateway.port());
        let clock = TestClock::at("2026-11-22T05:30:00Z");
        let held = match locks.ask(&name, "another run", &clock).expect("a lock") {
            Asked::Held(lock) => lock,
            Asked::Busy(holder) => panic!("held by {holder:?}"),
        };
        let clock = Awaited {
            clock: &clock,
            held: Mutex::new(Some(held)),
            later,
        };
        let run = home.run("P", &clock);
        let held = clock.held.lock().expect("no panic with the lock");
        assert!(held.is_none(), "it was waited for");
        assert_eq!(run.tasks(), [format!("QA1/DOM1 {status}")]);
    }
}

#[test]
fn a_time_of_day_that_is_set_lets_no_task_expire_and_keeps_none() {
    let gateway = Gateway::start(Setup::default());
    let home = two_domains(&gateway, "", &[]);
    let second_task = |start: &str, pause, step| {
        let clock = TestClock::at(start);
        let mut ended = 0;
        let mut watch = |event: &Event| {
            if matches!(event, Event::TaskEnded { .. }) {
                ended += 1;
                if ended == 1 {
                    clock.pass(pause);
                    clock.step(step);
                }
            }
        };
        let run = home.run_with("P", &clock, Options::default(), &Stop::new(), &mut watch);
        run.tasks()[1].clone()
    };
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    assert_eq!(
        second_task("2026-11-22T05:30:00Z", HOUR, days(3)),
        "QA1/DOM2 SUCCESS"
    );
    assert_eq!(
        second_task("2026-11-27T05:30:00Z", 25 * HOUR, days(-2)),
        "QA1/DOM2 EXECUTION_CANCELED_BECAUSE_A_DAY_PASSED"
    );
}

#[test]
fn how_long_something_took_is_not_told_by_a_clock_that_somebody_sets() {
    let gateway = Gateway::start(Setup::default());
    let home = two_domains(&gateway, "", &[]);
    let clock = TestClock::at("2026-11-22T05:30:00Z");
    let mut days = [2, -4].into_iter();
    let mut lengths = Vec::new();
    let mut watch = |event: &Event| match event {
        Event::TaskStatus {
            status: Status::BackingUp,
            ..
        } => {
            clock.pass(Duration::from_secs(7));
            clock.step(SignedDuration::from_hours(24 * days.next().expect("two tasks")));
        }
        Event::TaskEnded { took, .. } | Event::PlanEnded { took, .. } => lengths.push(*took),
        _ => {}
    };
    let run = home.run_with("P", &clock, Options::default(), &Stop::new(), &mut watch);
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(run.status(), "SUCCESS");
    assert_eq!(lengths, [seconds(7), seconds(7), seconds(14)]);
    let history = home.history();
    let plan = &home.plan_rows()[0];
    assert_eq!(plan.took(), seconds(14));
    let tasks = history.tasks_of_plan(plan.id).expect("its tasks");
    let lengths: Vec<_> = tasks.iter().map(|task| task.took(None)).collect();
    assert_eq!(lengths, [seconds(7), seconds(7)]);
}

#[test]
fn how_long_tasks_may_wait_is_a_setting() {
    let gateway = Gateway::start(Setup::default());
    let home = two_domains(&gateway, "", &["task_expiry = \"2h\""]);
    let waited = |start, pause| {
        let run = run_with_pause(&home, &TestClock::at(start), pause, Options::default());
        run.tasks()[1].clone()
    };
    assert_eq!(waited("2026-11-22T05:30:00Z", HOUR), "QA1/DOM2 SUCCESS");
    assert_eq!(
        waited("2026-11-23T05:30:00Z", 2 * HOUR),
        "QA1/DOM2 EXECUTION_CANCELED_BECAUSE_A_DAY_PASSED"
    );
}
