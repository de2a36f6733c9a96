//! What a device is sent first on the way back: an unquiesce, and doubts after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dpbackup::clock::Clock;
use dpbackup::run::event::Event;
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::run::status::Status;
use dpbackup::signal::Stop;

use crate::simulator::{Domain, Gateway};
use crate::support::{EngineRun, Eventful, Home, TestClock, export, gateways, notes_of};

/// What a device that is brought back refuses a login in.
const REFUSALS: [&str; 2] = ["http-401", "login-failure"];

fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .device("QA1", gateway)
        .plan("DEVICE", &export("*", "all-domains", "quiesce = true"))
        .plan("DOMAIN", &export("*", "DOM1", "quiesce = true"))
}

/// A run in which this happens when it begins to unquiesce.
fn run(home: &Home, plan: &str, clock: &dyn Clock, mut act: impl FnMut()) -> EngineRun {
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskStatus { status, .. } if *status == Status::Unquiescing) {
            act();
        }
    };
    home.run_with(plan, clock, Options::default(), &Stop::new(), &mut watch)
}

/// Lets the next request of this sort fail.
fn next_fails(gateway: &Gateway, operation: &str, how: &str) {
    let next = gateway.received(operation) + 1;
    gateway.fail_as(&format!("{operation}:{next}={how}"));
}

#[test]
fn an_unquiesce_follows_the_question_who_answers_and_waits_for_no_look() {
    for (plan, operation) in [
        ("DOMAIN", "do-action/DomainUnquiesce"),
        ("DEVICE", "do-action/UnquiesceDP"),
    ] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        let home = home(&gateway);
        let run = run(&home, plan, &clock, || gateway.forget_requests());
        assert_eq!(run.exit(), 0, "{plan}: {:?}", run.errors());
        let asked = gateway.operations();
        assert_eq!(
            asked[..2],
            ["get-status/FirmwareVersion3", operation],
            "{plan}: {asked:?}"
        );
        assert_eq!(gateway.received("unquiesce"), 1, "{plan}");
    }
}

#[test]
fn a_login_that_is_refused_to_a_question_does_not_hold_back_the_unquiesce() {
    for refusal in REFUSALS {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        let home = home(&gateway);
        let mut begun = Duration::ZERO;
        let run = run(&home, "DOMAIN", &clock, || {
            begun = clock.elapsed();
            next_fails(&gateway, "FirmwareVersion3", refusal);
            next_fails(&gateway, "DomainStatus", refusal);
        });
        assert_eq!(run.exit(), 0, "{refusal}: {:?}", run.errors());
        assert_eq!(gateway.received("DomainUnquiesce"), 1, "{refusal}");
        assert!(clock.elapsed() - begun < Duration::from_secs(20), "{refusal}");
    }
}

#[test]
fn a_login_that_is_refused_to_the_look_of_a_recovery_does_not_hold_back_the_unquiesce() {
    for refusal in REFUSALS {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        let home = home(&gateway).setting("unquiesce_timeout = \"60s\"\nquiesce_grace = \"0s\"");
        let left = run(&home, "DOMAIN", &clock, || {
            gateway.fail_as("DomainUnquiesce=access-denied");
        });
        assert_eq!(left.exit(), 10, "{refusal}: {:?}", left.errors());
        gateway.clear_faults();
        gateway.forget_requests();
        gateway.fail_as(&format!("FirmwareVersion3:2={refusal}"));
        gateway.fail_as(&format!("DomainStatus:2={refusal}"));
        let begun = clock.elapsed();
        let recovered = home.recover(&clock).expect("an end");
        assert_eq!(recovered.left, Left::Nothing, "{refusal}");
        assert_eq!(gateway.received("DomainUnquiesce"), 1, "{refusal}");
        assert!(clock.elapsed() - begun < Duration::from_secs(60), "{refusal}");
    }
}

#[test]
fn a_quiesce_that_is_carried_out_after_the_unquiesce_is_seen_and_undone_again() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway);
    // It was quiesced and is on its way back; then it quiesces once more.
    let mut is_late = true;
    let late = Eventful::new(&clock, |_| {
        if is_late && gateway.received("DomainUnquiesce") > 0 {
            is_late = false;
            gateway.state().set_quiesced("DOM1", true);
        }
    });
    let run = run(&home, "DOMAIN", &late, || {});
    drop(late);
    assert_eq!(run.exit(), 0, "{:?}", run.errors());
    assert!(gateway.received("DomainUnquiesce") > 1);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_login_that_is_refused_once_while_the_quiesce_is_waited_for_keeps_nothing_out_of_service() {
    let looks_before = |operations: &[String]| {
        let until = operations
            .iter()
            .position(|sent| sent.ends_with("/DomainQuiesce"));
        let before = operations.iter().take(until.expect("it was sent"));
        before.filter(|sent| sent.ends_with("/DomainStatus")).count()
    };
    let clean = {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        let home = home(&gateway);
        assert_eq!(run(&home, "DOMAIN", &clock, || {}).exit(), 0);
        looks_before(&gateway.operations())
    };
    for refusal in REFUSALS {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        let home = home(&gateway);
        gateway.fail_as(&format!("DomainStatus:{}={refusal}", clean + 1));
        let started = clock.elapsed();
        let run = run(&home, "DOMAIN", &clock, || {});
        assert_eq!(run.exit(), 0, "{refusal}: {:?}", run.errors());
        assert_eq!(looks_before(&gateway.operations()), clean, "{refusal}");
        let took = clock.elapsed().saturating_sub(started);
        assert!(took < Duration::from_secs(20), "{refusal}: {took:?}");
        assert!(gateway.state().is_unquiesced());
    }
}

#[test]
fn a_domain_that_the_first_unquiesce_of_its_device_left_quiesced_is_told_by_itself_with_the_second() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway).setting("unquiesce_timeout = \"60s\"\nquiesce_grace = \"0s\"");
    let run = run(&home, "DEVICE", &clock, || {
        gateway.forget_requests();
        gateway.fail_as("UnquiesceDP=spares@DOM2");
    });
    assert_eq!(run.exit(), 0, "{:?}", run.errors());
    let told = ["UnquiesceDP", "DomainUnquiesce"].map(|operation| gateway.received(operation));
    assert_eq!(told, [2, 1], "{:?}", gateway.operations());
    // It was out of service longer for that.
    let note = "unquiesced and confirmed; it had to be told again, for it had taken an unquiesce and left domain DOM2 quiesced";
    let notes = notes_of(&home.details(0)).join("\n");
    assert!(notes.contains(note), "{notes}");
}

#[test]
fn an_unquiesce_that_was_refused_before_one_that_was_taken_is_noted() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway);
    let run = run(&home, "DOMAIN", &clock, || {
        next_fails(&gateway, "DomainUnquiesce", "access-denied");
    });
    assert_eq!(run.exit(), 0, "{:?}", run.errors());
    let notes = notes_of(&home.details(0)).join("\n");
    assert!(
        notes.contains("unquiesced and confirmed; it had to be told again (DomainUnquiesce: "),
        "{notes}"
    );
}

#[test]
fn a_domain_that_was_seen_left_quiesced_is_told_on_where_no_look_is_answered_any_more() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway).setting("unquiesce_timeout = \"60s\"\nquiesce_grace = \"0s\"");
    let run = run(&home, "DEVICE", &clock, || {
        gateway.forget_requests();
        gateway.fail_as("UnquiesceDP=spares@DOM2");
        gateway.fail_as("DomainStatus:2+=http-503");
    });
    assert_eq!(run.exit(), 10, "{:?}", run.errors());
    let told = gateway.received("UnquiesceDP");
    assert!(told >= 2, "{:?}", gateway.operations());
}

#[test]
fn an_unquiesce_that_could_not_be_sent_is_none_though_the_domain_is_seen_at_work_then() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway).setting("unquiesce_timeout = \"60s\"\nquiesce_grace = \"0s\"");
    let is_down = AtomicBool::new(false);
    let comes_back = Eventful::new(&clock, |_| {
        if is_down.swap(false, Ordering::SeqCst) {
            gateway.clear_faults();
        }
    });
    let run = run(&home, "DOMAIN", &comes_back, || {
        gateway.forget_requests();
        // Somebody else unquiesces it, and no connection is taken for a moment.
        gateway.state().set_quiesced("DOM1", false);
        gateway.fail_as("connect=refuse");
        is_down.store(true, Ordering::SeqCst);
    });
    assert_eq!(run.exit(), 0, "{:?}", run.errors());
    assert_eq!(
        gateway.received("DomainUnquiesce"),
        1,
        "{:?}",
        gateway.operations()
    );
}

#[test]
fn an_account_that_refuses_every_login_is_tried_twice_at_once_and_once_after_the_pause() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 1, &[]);
    let home = home(&gateway).setting("unquiesce_timeout = \"60s\"\nquiesce_grace = \"0s\"");
    let run = run(&home, "DOMAIN", &clock, || {
        gateway.forget_requests();
        gateway.state().setup.users[0].locked = true;
    });
    assert_eq!(run.exit(), 10, "{:?}", run.errors());
    // Who answers, and the unquiesce; then the one question alone, which a last unquiesce does not follow.
    assert_eq!(
        gateway.operations(),
        [
            "get-status/FirmwareVersion3",
            "do-action/DomainUnquiesce",
            "get-status/FirmwareVersion3"
        ]
    );
}

#[test]
fn an_account_that_refuses_every_login_after_the_first_look_of_a_recovery_is_tried_twice_at_once() {
    let [looked, asked, told] = [
        "get-status/DomainStatus",
        "get-status/FirmwareVersion3",
        "do-action/DomainUnquiesce",
    ];
    for (from, at_once) in [
        (1, vec![looked, asked, told]),
        (2, vec![looked, asked, asked, told]),
    ] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 1, &[]);
        let home = home(&gateway).setting("unquiesce_timeout = \"60s\"\nquiesce_grace = \"0s\"");
        let left = run(&home, "DOMAIN", &clock, || {
            gateway.fail_as("DomainUnquiesce=access-denied");
        });
        assert_eq!(left.exit(), 10, "{from}: {:?}", left.errors());
        gateway.clear_faults();
        gateway.forget_requests();
        gateway.fail_as(&format!("FirmwareVersion3:{from}+=http-401"));
        gateway.fail_as("DomainStatus:2+=http-401");
        gateway.fail_as("DomainUnquiesce=http-401");
        let recovered = home.recover(&clock).expect("an end");
        assert!(matches!(recovered.left, Left::MayBeQuiesced(_)), "{from}");
        let requests = gateway.requests();
        let soon = requests[0].at + Duration::from_secs(5);
        let sent = requests.iter().filter(|request| request.at < soon);
        let sent: Vec<&str> = sent.map(|request| request.operation.as_str()).collect();
        assert_eq!(sent, at_once, "{from}");
    }
}

#[test]
fn an_export_that_was_quiesced_for_and_at_work_again_before_its_end_is_warned_of() {
    for (serial, exit) in [("78A0001", 3), ("0000001", 10)] {
        let clock = TestClock::night();
        let mut setup = gateways::small(["DOM1", "DOM2"].map(Domain::new));
        serial.clone_into(&mut setup.firmware.serial);
        let gateway = Gateway::start(gateways::on_clock(&clock, Duration::from_secs(1), setup));
        let home = home(&gateway);
        let mut watch = |event: &Event| {
            if matches!(event, Event::TaskStatus { status, .. } if *status == Status::BackingUp) {
                gateway.state().set_quiesced("DOM1", false);
            }
        };
        let run = home.run_with("DOMAIN", &clock, Options::default(), &Stop::new(), &mut watch);
        assert_eq!(run.exit(), exit, "{serial}: {:?}", run.errors());
        let warning = "QA1: domain DOM1 was quiesced for this export, and at work again before the device was told to unquiesce: what changed \
                       meanwhile is not known";
        assert!(
            run.warnings().contains(&warning),
            "{serial}: {:?}",
            run.warnings()
        );
        // Another one may have answered, where nothing tells them apart.
        assert_eq!(home.open_entries().len(), usize::from(exit == 10), "{serial}");
        assert_eq!(gateway.received("DomainUnquiesce"), 1, "{serial}");
    }
}
