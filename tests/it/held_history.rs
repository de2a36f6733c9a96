//! A history that others hold while a device is out of service does not keep it there.

use std::time::Duration;

use dpbackup::exit::Exit;
use dpbackup::run::event::Event;
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::run::status::Status;
use dpbackup::signal::Stop;
use rusqlite::Connection;

use crate::simulator::{Domain, Gateway};
use crate::support::{EngineRun, Home, TestClock, eventually, export, gateways, secure_backup};

fn gateway(clock: &TestClock) -> Gateway {
    let setup = gateways::small([Domain::new("DOM1")]);
    Gateway::start(gateways::on_clock(clock, Duration::from_secs(1), setup))
}

fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .device("QA1", gateway)
        .plan("DOMAIN", &export("*", "DOM1", "quiesce = true"))
        .plan("SECURE", &secure_backup("*", "quiesce = true"))
}

/// Somebody else's transaction in the history.
fn held(home: &Home) -> Connection {
    let other = Connection::open(home.path("state/history.db")).expect("the history");
    other.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    other
}

/// A run of which somebody holds the history from a status of its task on, until the gateway was told to
/// unquiesce: who waits for the one before the other waits in vain.
fn run_held_at(home: &Home, gateway: &Gateway, clock: &TestClock, plan: &str, at: Status) -> EngineRun {
    std::thread::scope(|scope| {
        let mut watch = |event: &Event| {
            if matches!(event, Event::TaskStatus { status, .. } if *status == at) {
                let other = held(home);
                scope.spawn(move || {
                    eventually("it is told to unquiesce", || gateway.received("unquiesce") > 0);
                    other.execute_batch("ROLLBACK").expect("its end");
                });
            }
        };
        home.run_with(plan, clock, Options::default(), &Stop::new(), &mut watch)
    })
}

/// The statuses of the newest task, as they were written down.
fn written(home: &Home) -> Vec<String> {
    let history = Connection::open(home.path("state/history.db")).expect("the history");
    let mut rows = history
        .prepare("SELECT status FROM status_change WHERE level = 'task' ORDER BY id")
        .expect("a table");
    let statuses = rows.query_map([], |row| row.get(0)).expect("its rows");
    statuses.map(|status| status.expect("a text")).collect()
}

#[test]
fn a_history_that_others_hold_does_not_keep_a_domain_out_of_service() {
    for at in [
        Status::Quiescing,
        Status::BackingUp,
        Status::Downloading,
        Status::Unquiescing,
    ] {
        let clock = TestClock::night();
        let gateway = gateway(&clock);
        let home = home(&gateway);
        let run = run_held_at(&home, &gateway, &clock, "DOMAIN", at);
        assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{at}: {:?}", run.errors());
        assert_eq!(run.exit(), Exit::Success.code(), "{at}");
        assert_eq!(home.open_entries(), [], "{at}");
        assert_eq!(home.stored().len(), 1, "{at}");
        // What was put off is written, and in its order.
        let mut steps = vec![
            "QUIESCING",
            "BACKING_UP",
            "DOWNLOADING",
            "UNQUIESCING",
            "VERIFYING",
            "SUCCESS",
        ];
        let written = written(&home);
        steps.retain(|step| !written.iter().any(|status| status == step));
        assert_eq!(steps, [""; 0], "{at}: {written:?}");
        let place = |step: &str| written.iter().position(|status| status == step);
        assert!(place("DOWNLOADING") < place("UNQUIESCING"), "{at}: {written:?}");
    }
}

#[test]
fn a_history_that_others_hold_does_not_keep_a_device_out_of_service_that_has_made_its_secure_backup() {
    for at in [Status::Quiescing, Status::BackingUp, Status::Unquiescing] {
        let clock = TestClock::night();
        let gateway = gateway(&clock);
        let home = home(&gateway);
        let run = run_held_at(&home, &gateway, &clock, "SECURE", at);
        assert_eq!(
            run.tasks(),
            ["QA1/all-domains SUCCESS"],
            "{at}: {:?}",
            run.errors()
        );
        assert_eq!(home.open_entries(), [], "{at}");
    }
}

#[test]
fn a_history_that_others_hold_does_not_keep_a_recovery_from_undoing_what_it_sees() {
    let clock = TestClock::night();
    let gateway = gateway(&clock);
    gateway.fail_as("DomainQuiesce=late@30s");
    gateway.fail_as("DomainQuiesce=reply-lost");
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.exit(), Exit::StillQuiesced.code(), "{:?}", run.errors());
    clock.pass(Duration::from_secs(60));
    assert!(!gateway.state().is_unquiesced(), "it arrived");
    gateway.forget_requests();
    // It is seen for the first time now, which is written down.
    let recovered = std::thread::scope(|scope| {
        let first_look = std::sync::Once::new();
        home.recover_watched(&clock, &|| {
            if gateway.received("get-status/DomainStatus") > 0 {
                first_look.call_once(|| {
                    let other = held(&home);
                    let gateway = &gateway;
                    scope.spawn(move || {
                        eventually("it is told to unquiesce", || gateway.received("unquiesce") > 0);
                        other.execute_batch("ROLLBACK").expect("its end");
                    });
                });
            }
        })
    });
    assert_eq!(recovered.expect("an end").left, Left::Nothing);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
}
