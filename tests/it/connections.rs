//! Connections: one is kept where the gateway keeps it too, and none is trusted where the
//! gateway closes it after each answer without a word.

use std::time::Duration;

use crate::simulator::{Domain, Gateway, HangUp, Setup};
use crate::support::{Home, TestClock, export, secure_backup};

/// Every way of hanging up: at once, a little later, later than the next request comes.
fn ways() -> Vec<HangUp> {
    let mut ways = Vec::new();
    for milliseconds in [0, 5, 50] {
        for close_notify in [true, false] {
            ways.push(HangUp {
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
        after: Duration::from_millis(50),
        close_notify: true,
    }));
    succeeds(&gateway, &export("*", "DOM*", ""));
    // The second question breaks on the connection of the first; after it each has its own.
    assert_eq!(gateway.handshakes(), gateway.requests().len() as u64);
}

#[test]
fn one_handshake_is_enough_for_a_gateway_that_keeps_its_connections() {
    let gateway = gateway(None);
    succeeds(&gateway, &export("*", "DOM*", ""));
    assert_eq!(gateway.handshakes(), 1);
}

#[test]
fn a_quiesce_and_its_undo_have_one_handshake_each() {
    let gateway = gateway(None);
    succeeds(&gateway, &export("*", "DOM1", "quiesce = true"));
    assert_eq!(gateway.handshakes(), 2);
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
