//! The way back from a quiesce where an unquiesce is turned away, comes at the last moment, or meets a domain that is
//! disabled.

use std::time::Duration;

use dpbackup::clock::Clock;
use dpbackup::exit::Exit;
use dpbackup::run::event::{Event, OutOfService};
use dpbackup::run::sequence::Options;
use dpbackup::run::status::Status;
use dpbackup::signal::Stop;
use dpbackup::values::boot_time::BootTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::simulator::Gateway;
use crate::support::{EngineRun, Eventful, Home, TestClock, export, gateways, notes_of, secure_backup};

fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .device("QA1", gateway)
        .plan("DEVICE", &export("*", "all-domains", "quiesce = true"))
        .plan("DOMAIN", &export("*", "DOM1", "quiesce = true"))
        .plan("TWO", &export("*", "DOM2", "quiesce = true"))
        .plan("SECURE", &secure_backup("*", "quiesce = true"))
}

/// A run in which this happens when the task reaches a status.
fn run(home: &Home, plan: &str, clock: &TestClock, at: Status, mut act: impl FnMut()) -> EngineRun {
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskStatus { status, .. } if *status == at) {
            act();
        }
    };
    home.run_with(plan, clock, Options::default(), &Stop::new(), &mut watch)
}

/// How long its only task took something out of service.
fn out_of_service(run: &EngineRun) -> Vec<OutOfService> {
    let lasted = |event: &Event| match event {
        Event::OutOfService { lasted, .. } => Some(*lasted),
        _ => None,
    };
    run.events.iter().filter_map(lasted).collect()
}

#[test]
fn an_unquiesce_that_is_turned_away_is_sent_again_at_the_next_look() {
    for turned_away in [
        "http-503",
        "access-denied",
        "error-log@Try again later",
        "html",
        "reset",
    ] {
        for (plan, operation) in [("DOMAIN", "DomainUnquiesce"), ("DEVICE", "UnquiesceDP")] {
            let clock = TestClock::night();
            let gateway = gateways::pair_on_clock(&clock, 1, &[]);
            for number in 1..=3 {
                gateway.fail_as(&format!("{operation}:{number}=not-done"));
                gateway.fail_as(&format!("{operation}:{number}={turned_away}"));
            }
            let home = home(&gateway);
            let mut begun = Duration::ZERO;
            let run = run(&home, plan, &clock, Status::Unquiescing, || {
                begun = clock.elapsed();
            });
            let name = format!("{plan} {turned_away}");
            assert!(run.tasks()[0].ends_with(" SUCCESS"), "{name}: {:?}", run.errors());
            assert_eq!(gateway.received(operation), 4, "{name}");
            assert!(clock.elapsed() - begun < Duration::from_secs(10), "{name}");
            assert_eq!(home.open_entries(), [], "{name}");
        }
    }
}

#[test]
fn a_device_is_told_once_more_before_it_is_left_and_what_it_then_does_is_seen() {
    for answer in ["not-done", "http-500", "reset"] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        gateway.fail_as("DomainUnquiesce=not-done");
        gateway.fail_as(&format!("DomainUnquiesce={answer}"));
        let home = home(&gateway).setting("unquiesce_timeout = \"60s\"\nquiesce_grace = \"0s\"");
        let since = std::sync::Mutex::new(None);
        // The last look is at the end of the limit, and that is when it takes one again.
        let late = Eventful::new(&clock, |now| {
            let since = since.lock().expect("no panic with the lock");
            if since.is_some_and(|since| now - since >= Duration::from_secs(60)) {
                gateway.clear_faults();
            }
        });
        let mut watch = |event: &Event| {
            if matches!(event, Event::TaskStatus { status, .. } if *status == Status::Unquiescing) {
                *since.lock().expect("no panic with the lock") = Some(clock.elapsed());
            }
        };
        let run = home.run_with("DOMAIN", &late, Options::default(), &Stop::new(), &mut watch);
        assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{answer}: {:?}", run.errors());
        assert_eq!(home.open_entries(), [], "{answer}");
        assert!(gateway.state().is_unquiesced(), "{answer}");
    }
}

#[test]
fn a_gateway_that_answers_again_when_the_plan_ends_is_put_back_before_anybody_is_told() {
    // Away for the whole of the undo, and then back, or not; or there all the time, and quiesced whatever it is told.
    for (fault, is_back, exit) in [
        ("connect=refuse", true, Exit::Failed),
        ("connect=refuse", false, Exit::StillQuiesced),
        ("DomainUnquiesce=not-done", false, Exit::StillQuiesced),
    ] {
        let case = format!("{fault}, {is_back}");
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        let home = home(&gateway).setting("unquiesce_timeout = \"60s\"\nquiesce_grace = \"0s\"");
        let mut told = 0;
        let mut watch = |event: &Event| match event {
            Event::TaskStatus {
                status: Status::Unquiescing,
                ..
            } => gateway.fail_as(fault),
            Event::TaskEnded { .. } => {
                told = gateway.received("DomainUnquiesce");
                if is_back {
                    gateway.clear_faults();
                }
            }
            _ => {}
        };
        let run = home.run_with("DOMAIN", &clock, Options::default(), &Stop::new(), &mut watch);
        assert_eq!(run.tasks(), ["QA1/DOM1 UNQUIESCE_TIMEOUT"], "{case}");
        let end = run.end.as_ref().expect("an end");
        assert_eq!(end.exit, exit, "{case}: {end:?}");
        assert_eq!(gateway.state().is_unquiesced(), is_back, "{case}");
        assert_eq!(home.open_entries().is_empty(), is_back, "{case}");
        let of = |is: fn(&Event) -> bool| run.events.iter().position(is);
        let recovered = of(|event| matches!(event, Event::Recovered { .. }));
        let ended = of(|event| matches!(event, Event::PlanEnded { .. }));
        assert_eq!(recovered.is_some_and(|at| Some(at) < ended), is_back, "{case}");
        let error = end.error.clone().unwrap_or_default();
        let back = "; QA1, DOM1: confirmed back at the end of the run: unquiesced and confirmed";
        assert_eq!(error.ends_with(back), is_back, "{case}: {error}");
        if !is_back {
            assert_eq!(gateway.received("DomainUnquiesce"), told, "{case}");
        }
    }
}

#[test]
fn a_disabled_domain_that_shows_for_ever_that_it_quiesces_holds_up_nobody() {
    for (plan, task) in [
        ("DEVICE", "QA1/all-domains"),
        ("SECURE", "QA1/all-domains"),
        ("TWO", "QA1/DOM2"),
    ] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &["disabled@DOM2"]);
        let home = home(&gateway);
        let before = clock.elapsed();
        let run = run(&home, plan, &clock, Status::Quiescing, || {
            gateway.state().show_words("DOM2", "quiescing");
        });
        assert_eq!(run.tasks(), [format!("{task} SUCCESS")], "{:?}", run.errors());
        assert!(clock.elapsed() - before < Duration::from_secs(60), "{plan}");
        let notes = notes_of(&home.details(0)).join("\n");
        assert!(notes.contains("DOM2 (disabled)"), "{plan}: {notes}");
        assert!(notes.contains("enabled"), "{plan}: {notes}");
        assert_eq!(home.open_entries(), [], "{plan}");
        assert!(gateway.state().is_unquiesced(), "{plan}");
    }
}

#[test]
fn an_enabled_domain_that_shows_for_ever_that_it_quiesces_is_waited_for_and_not_called_back() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway);
    let run = run(&home, "DEVICE", &clock, Status::Quiescing, || {
        gateway.state().show_words("DOM2", "quiescing");
    });
    assert_eq!(
        (run.exit(), home.open_entries().len()),
        (10, 1),
        "{:?}",
        run.errors()
    );
    assert!(
        run.errors()[0].contains("'quiescing', even now"),
        "{:?}",
        run.errors()
    );
}

#[test]
fn a_task_that_took_nothing_out_of_service_tells_no_time_and_nothing_at_work() {
    for (ways, plan, lasted) in [
        (vec!["disabled@DOM2"], "TWO", OutOfService::Never),
        (
            vec!["disabled@DOM1", "disabled@DOM2"],
            "DEVICE",
            OutOfService::Never,
        ),
        (vec!["default-alone"], "SECURE", OutOfService::NotKnown),
    ] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &ways);
        let home = home(&gateway);
        let run = run(&home, plan, &clock, Status::BackingUp, || {});
        assert!(run.tasks()[0].ends_with(" SUCCESS"), "{:?}", run.errors());
        assert_eq!(out_of_service(&run), [lasted], "{ways:?}");
        let notes = notes_of(&home.details(0)).join("\n");
        assert!(!notes.contains("shows it at work"), "{ways:?}: {notes}");
    }
}

#[test]
fn a_domain_that_shows_itself_on_its_way_back_because_it_was_told_to_was_not_seen_quiesced() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["DomainQuiesce=close"]);
    let home = home(&gateway);
    let shows = |unquiesces: usize| {
        let gateway = &gateway;
        let mut looks = 0;
        move |_| {
            if gateway.received("DomainUnquiesce") > unquiesces {
                looks += 1;
                // At work all the time, it shows the word for one look.
                let words = if looks == 1 { "unquiescing" } else { "" };
                gateway.state().show_words("DOM1", words);
            }
        }
    };
    let first = Eventful::new(&clock, shows(0));
    let run = home.run_with("DOMAIN", &first, Options::default(), &Stop::new(), &mut |_| {});
    assert_eq!(
        (run.exit(), home.open_entries().len()),
        (10, 1),
        "{:?}",
        run.errors()
    );
    assert!(run.errors()[0].contains("nobody can tell"), "{:?}", run.errors());
    // Nor does what a command before it has told prove anything to the next one.
    gateway.state().show_words("DOM1", "unquiescing");
    let mut looks = 0;
    let later = Eventful::new(&clock, |_| {
        looks += 1;
        if looks > 1 {
            gateway.state().show_words("DOM1", "");
        }
    });
    let _recovered = home.recover(&later).expect("an end");
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn a_domain_that_a_device_leaves_quiesced_when_it_brings_back_the_others_is_told_itself() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["UnquiesceDP=spares@DOM2"]);
    let home = home(&gateway);
    let run = run(&home, "DEVICE", &clock, Status::BackingUp, || {});
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert!(gateway.received("DomainUnquiesce") > 0);
    assert_eq!(home.open_entries(), []);
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_domain_that_a_device_leaves_quiesced_is_named() {
    let clock = TestClock::night();
    let ways = ["UnquiesceDP=spares@DOM2", "DomainUnquiesce=not-done"];
    let gateway = gateways::pair_on_clock(&clock, 1, &ways);
    let home = home(&gateway);
    let run = run(&home, "DEVICE", &clock, Status::BackingUp, || {});
    assert_eq!(run.exit(), 10);
    assert!(
        run.errors()[0].contains("even now (domain DOM2)"),
        "{:?}",
        run.errors()
    );
}

#[test]
fn a_quiesce_that_was_taken_and_does_not_show_is_undone_at_once_and_again_when_it_had_its_time() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["state-never-shown"]);
    let home = home(&gateway);
    let stop = Stop::new();
    let mut told_after = None;
    let mut asked = Duration::ZERO;
    let stopping = Eventful::new(&clock, |now| {
        if gateway.received("DomainQuiesce") > 0 && !stop.is_requested() {
            asked = now;
            stop.request(15);
        }
        if gateway.received("DomainUnquiesce") > 0 && told_after.is_none() {
            told_after = Some(now - asked);
        }
    });
    let run = home.run_with("DOMAIN", &stopping, Options::default(), &stop, &mut |_| {});
    drop(stopping);
    assert_eq!(run.exit(), 143, "{:?}", run.errors());
    assert!(
        told_after.is_some_and(|after| after < Duration::from_secs(5)),
        "{told_after:?}"
    );
    assert_eq!(gateway.received("DomainUnquiesce"), 2);
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_domain_that_did_not_begin_with_the_others_is_no_doubt_where_limits_are_short() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["QuiesceDP=only@DOM1"]);
    let home = home(&gateway).setting("unquiesce_timeout = \"5s\"\nquiesce_grace = \"2s\"");
    let run = run(&home, "DEVICE", &clock, Status::BackingUp, || {});
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_domain_that_was_removed_is_asked_about_in_time_where_limits_are_short() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway).setting("unquiesce_timeout = \"5s\"\nquiesce_grace = \"2s\"");
    for (plan, domain, task) in [("DEVICE", "DOM2", "all-domains"), ("DOMAIN", "DOM1", "DOM1")] {
        let run = run(&home, plan, &clock, Status::Unquiescing, || {
            gateway.state().remove_domain(domain);
        });
        assert_eq!(run.tasks(), [format!("QA1/{task} SUCCESS")], "{:?}", run.errors());
        assert_eq!(home.open_entries(), []);
    }
}

/// A clock whose owner is asked to stop as soon as the gateway was asked to quiesce.
struct StopsWhenQuiesced<'c> {
    clock: &'c TestClock,
    gateway: &'c Gateway,
    stop: &'c Stop,
}

impl Clock for StopsWhenQuiesced<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn boot_time(&self) -> Option<BootTime> {
        self.clock.boot_time()
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        if self.gateway.received("QuiesceDP") > 0 {
            self.stop.request(15);
        }
        self.clock.sleep(duration, stop);
    }

    fn zone(&self) -> TimeZone {
        self.clock.zone()
    }
}

#[test]
fn a_disabled_domain_that_shows_that_it_quiesces_cuts_no_other_domain_short_that_may_begin_yet() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &["disabled@DOM2"]);
    gateway.fail_as("QuiesceDP=late@30s");
    let home = home(&gateway);
    let stop = Stop::new();
    let stopping = StopsWhenQuiesced {
        clock: &clock,
        gateway: &gateway,
        stop: &stop,
    };
    let mut watch = |event: &Event| {
        if matches!(
            event,
            Event::TaskStatus {
                status: Status::Quiescing,
                ..
            }
        ) {
            gateway.state().show_words("DOM2", "quiescing");
        }
    };
    let run = home.run_with("DEVICE", &stopping, Options::default(), &stop, &mut watch);
    clock.pass(Duration::from_secs(600));
    assert!(gateway.received("UnquiesceDP") > 0, "{:?}", run.errors());
    assert!(
        gateway.state().is_unquiesced() || (run.exit() == 10 && home.open_entries().len() == 1),
        "{} {:?}",
        run.exit(),
        run.errors()
    );
}
