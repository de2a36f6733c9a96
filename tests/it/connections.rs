//! Connections: one is kept where the gateway keeps it too, and none is trusted where the
//! gateway closes it after each answer without a word.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::simulator::{Domain, Gateway, HangUp, Setup};
use crate::support::relay::Relay;
use crate::support::{Home, TestClock, deaf_port, export, gateways, secure_backup};

/// Every way of hanging up: at once, a little later, later than the next request comes.
fn ways() -> Vec<HangUp> {
    let mut ways = Vec::new();
    for milliseconds in [0, 5, 50] {
        for close_notify in [true, false] {
            ways.push(HangUp {
                answers: 1,
                after: Duration::from_millis(milliseconds),
                close_notify,
            });
        }
    }
    ways
}

fn gateway(hang_up: Option<HangUp>) -> Gateway {
    Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").unsaved(), Domain::new("DOM2")],
        hang_up,
        ..Setup::default()
    })
}

/// Runs a plan with this activity, without retries.
#[track_caller]
fn succeeds(gateway: &Gateway, activity: &str) {
    let home = Home::of(gateway).plan("P", activity);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    assert!(gateway.state().is_unquiesced());
}

/// What was sent, without the questions.
fn actions(gateway: &Gateway) -> Vec<String> {
    let mut operations = gateway.operations();
    operations.retain(|operation| operation.starts_with("do-"));
    operations
}

#[test]
fn a_quiesced_export_succeeds_on_a_gateway_that_hangs_up_after_each_answer() {
    let activity = export("*", "DOM*", "quiesce = true");
    for way in ways() {
        let gateway = gateway(Some(way));
        succeeds(&gateway, &activity);
        let sent = [
            "do-action/DomainQuiesce",
            "do-backup",
            "do-backup",
            "do-action/DomainUnquiesce",
            "do-action/DomainQuiesce",
            "do-backup",
            "do-action/DomainUnquiesce",
        ];
        assert_eq!(actions(&gateway), sent, "{way:?}");
    }
}

#[test]
fn a_quiesced_secure_backup_succeeds_on_a_gateway_that_hangs_up_after_each_answer() {
    let activity = secure_backup("*", "quiesce = true");
    for way in ways() {
        let gateway = gateway(Some(way));
        succeeds(&gateway, &activity);
        let once = |operation| actions(&gateway).iter().filter(|sent| *sent == operation).count();
        for operation in [
            "do-action/QuiesceDP",
            "do-action/SecureBackup",
            "do-action/UnquiesceDP",
        ] {
            assert_eq!(once(operation), 1, "{operation} with {way:?}");
        }
    }
}

#[test]
fn a_used_connection_that_breaks_is_the_last_one_that_is_used_again() {
    let gateway = gateway(Some(HangUp {
        answers: 1,
        after: Duration::from_millis(50),
        close_notify: true,
    }));
    succeeds(&gateway, &export("*", "DOM*", ""));
    // The second question breaks on the connection of the first; after it each has its own.
    assert_eq!(gateway.handshakes(), gateway.requests().len() as u64);
}

#[test]
fn an_export_whose_connection_breaks_at_once_is_asked_for_again_when_the_device_has_said_how_it_stands() {
    let gateway = gateway(None);
    gateway.fail_as("do-backup:1=close");
    succeeds(&gateway, &export("*", "DOM2", ""));
    let operations = gateway.operations();
    let first = operations
        .iter()
        .position(|sent| sent == "do-backup")
        .expect("an export");
    // And has told, over the connection that carries it, that it is the one that was asked.
    let then = [
        "do-backup",
        "get-status/DomainStatus",
        "get-status/FirmwareVersion3",
        "do-backup",
    ];
    assert_eq!(operations[first..], then, "{operations:?}");
}

#[test]
fn one_handshake_is_enough_for_a_gateway_that_keeps_its_connections() {
    let gateway = gateway(None);
    succeeds(&gateway, &export("*", "DOM*", ""));
    assert_eq!(gateway.handshakes(), 1);
}

#[test]
fn a_quiesce_and_its_undo_have_a_handshake_each_beside_that_of_the_questions() {
    let gateway = gateway(None);
    succeeds(&gateway, &export("*", "DOM1", "quiesce = true"));
    assert_eq!(gateway.handshakes(), 3);
}

#[test]
fn what_changes_a_gateway_never_meets_a_connection_that_the_gateway_ends_at_this_moment() {
    // The connection that carried the questions is gone when the quiesce would come over it.
    for answers in 1..12 {
        let gateway = gateway(Some(HangUp {
            answers,
            after: Duration::from_millis(20),
            close_notify: false,
        }));
        let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
        let ran = home.dpbackup(&["run", "P"]);
        let quiesces = |actions: &[String]| {
            actions
                .iter()
                .filter(|sent| sent.ends_with("DomainQuiesce"))
                .count()
        };
        assert_eq!(quiesces(&actions(&gateway)), 1, "{answers}");
        assert!(gateway.state().is_unquiesced(), "{answers}");
        assert_ne!(ran.code, Some(10), "{answers}: {}", ran.stderr);
        assert_eq!(home.open_entries(), [], "{answers}");
    }
}

#[test]
fn a_gateway_that_serves_one_connection_at_a_time_is_brought_back() {
    for activity in [
        export("*", "DOM*", "quiesce = true"),
        secure_backup("*", "quiesce = true"),
    ] {
        let gateway = Gateway::start(Setup {
            serves_one: true,
            ..Setup::default()
        });
        succeeds(&gateway, &activity);
    }
}

#[test]
fn a_device_whose_host_name_is_not_known_is_skipped() {
    let home = Home::new()
        .device_on("QA1", "no-such-host.invalid", 5550, "{ verify = false }")
        .plan("P", &export("*", "DOM*", ""));
    let run = home.run("P", &TestClock::night());
    assert_eq!(run.tasks(), ["QA1/DOM* SKIPPED_DEVICE_NOT_AVAILABLE"]);
    // A name server that does not answer at all ends as any other connection does.
    let errors = run.errors().join("\n");
    let told = [
        "the host name 'no-such-host.invalid' is not known",
        "have not answered for 'no-such-host.invalid' within 5s",
    ];
    assert!(told.iter().any(|words| errors.contains(words)), "{errors}");
    assert!(errors.contains("/etc/resolv.conf"), "{errors}");
}

#[test]
fn a_device_that_accepts_the_connection_and_does_not_answer_is_skipped() {
    for fault in ["DomainStatus=stall", "DomainStatus=stall-in-body@20"] {
        let gateway = gateway(None);
        gateway.fail_as(fault);
        let home = Home::new()
            .timeouts("request = 300ms")
            .device("QA1", &gateway)
            .plan("P", &export("*", "DOM*", ""));
        let run = home.run("P", &TestClock::night());
        assert_eq!(run.tasks(), ["QA1/DOM* SKIPPED_DEVICE_NOT_AVAILABLE"], "{fault}");
        let error = run.errors().remove(0);
        assert!(
            error.contains("no complete answer within 300ms"),
            "{fault}: {error}"
        );
    }
}

/// The limit of a whole request may end before that of a connection: what was not connected has accepted nothing.
#[test]
fn who_takes_no_connection_is_told_so_whichever_limit_ends_first() {
    let (deaf, _held) = deaf_port();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent
        .local_addr()
        .map(|address| (address.port(), silent))
        .expect("an address");
    let taken = "the connection was taken, and no TLS handshake followed within 300ms";
    for (connect, request) in [("300ms", "300ms"), ("1h", "300ms"), ("300ms", "1h")] {
        for (port, words) in [
            (deaf, "no connection within 300ms; nobody answers"),
            (silent.0, taken),
        ] {
            let home = Home::new()
                .timeouts(&format!("connect = {connect}, request = {request}"))
                .device_at("QA1", port, "{ verify = false }")
                .plan("P", &export("*", "DOM*", ""));
            let run = home.run("P", &TestClock::night());
            assert_eq!(run.tasks(), ["QA1/DOM* SKIPPED_DEVICE_NOT_AVAILABLE"]);
            let error = run.errors().remove(0);
            assert!(error.contains(words), "{connect} {request}: {error}");
            assert!(
                !error.contains("no complete answer"),
                "{connect} {request}: {error}"
            );
        }
    }
}

#[test]
fn a_quiesce_whose_connection_never_stood_is_known_not_to_have_been_sent() {
    let run = |gateway: &Gateway| {
        let home = Home::of(gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
        (home.dpbackup(&["run", "P"]), home.recorded())
    };
    let quiet = gateway(None);
    let _ = run(&quiet).0.exits(0);
    let requests = quiet.requests();
    let sent = requests
        .iter()
        .find(|request| request.operation == "do-action/DomainQuiesce");
    let connection = sent.expect("a quiesce").connection;
    for fault in ["close", "reset"] {
        let gateway = gateway(None);
        // The next one is tried, and closed too.
        gateway.fail_as(&format!("connect:{connection}+={fault}"));
        let (ran, recorded) = run(&gateway);
        let ran = ran.exits(1);
        assert_eq!(recorded, ["QA1/DOM1 DEVICE_ERROR"], "{fault}: {}", ran.stderr);
        assert!(
            !actions(&gateway).iter().any(|sent| sent.contains("uiesce")),
            "{fault}"
        );
        assert!(
            ran.stderr.contains("; device untouched\n"),
            "{fault}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_run_succeeds_on_a_gateway_that_ends_a_connection_after_any_number_of_answers() {
    for answers in 1..=9 {
        let gateway = gateway(Some(HangUp {
            answers,
            after: Duration::from_millis(20),
            close_notify: false,
        }));
        succeeds(&gateway, &export("*", "DOM*", "quiesce = true"));
    }
}

#[test]
fn a_connection_that_is_closed_before_tls_stands_is_made_once_more_whatever_it_was_for() {
    let mut most = 0;
    for plan in ["EXPORT", "SECURE"] {
        for closed in 1..=12 {
            let clock = TestClock::night();
            let gateway = Gateway::start(Setup {
                clock: clock.for_gateway(),
                ..gateways::small(["DOM1"].map(Domain::new))
            });
            let port = gateway.port();
            let made = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&made);
            // Nobody listens at port 1: the relay closes what it cannot hand on.
            let relay = Relay::start(move |number| {
                count.store(number, Ordering::SeqCst);
                if number == closed { 1 } else { port }
            });
            let home = Home::quick()
                .setting("retries = 0")
                .device_at("QA1", relay.port(), "{ verify = false }")
                .plan("EXPORT", &export("*", "DOM1", "quiesce = true"))
                .plan("SECURE", &secure_backup("*", "quiesce = true"));
            let run = home.run(plan, &clock);
            let case = format!(
                "{plan}, connection {closed}: {:?} {:?}",
                run.errors(),
                run.notes()
            );
            assert_eq!(run.status(), "SUCCESS", "{case}");
            assert!(gateway.state().is_unquiesced(), "{case}");
            most = most.max(made.load(Ordering::SeqCst));
        }
    }
    assert!(
        most > 3 && most < 12,
        "each of {most} connections was closed once"
    );
}
