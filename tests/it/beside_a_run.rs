//! What is seen of a device on which another run is at work: that run, and not a stranger whom somebody should stop.

use rustix::process::Signal;

use crate::simulator::{Fault, FaultKind, Gateway};
use crate::support::{Home, Ran, eventually, export, gateways, secure_backup};

/// A home with two plans for one device; what is asked of it may be silent for an hour.
fn home(gateway: &Gateway, plan: &str) -> Home {
    Home::quick()
        .timeouts("export = 1h, secure_backup = 1h, idle = 1h")
        .device("QA1", gateway)
        .plan("P", plan)
        .plan("Q", &export("*", "DOM1", "quiesce = true"))
}

/// Nobody is told to end what another run has begun, nor to look for a dead one.
#[track_caller]
fn blames_nobody(ran: &Ran) {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for words in [
        "unquiesce it",
        "not by this task",
        "dpbackup recover",
        "ALREADY_QUIESCED",
    ] {
        assert!(!said.contains(words), "{words}: {said}");
    }
}

#[test]
fn check_and_preview_name_the_run_that_has_quiesced_a_domain_and_end_as_a_run_would() {
    let gateway = gateways::pair();
    let home = home(&gateway, &export("*", "DOM1", "quiesce = true"));
    gateway.fail(Fault::nth("do-backup", 1, FaultKind::StallBeforeHead(None)));
    let running = home.running(&["run", "P"]);
    eventually("the export was asked for", || gateway.received("do-backup") == 1);
    let checked = home.dpbackup(&["check"]).exits(3);
    blames_nobody(&checked);
    assert!(
        checked.stdout.contains("DOM1 is quiesced by plan P of process "),
        "{}",
        checked.stdout
    );
    assert!(
        checked.stdout.contains("puts it back itself"),
        "{}",
        checked.stdout
    );
    // The same plan is not begun, and another waits for the device.
    let same = home.dpbackup(&["preview", "P"]).exits(5);
    let run = home.dpbackup(&["run", "P"]).exits(5);
    blames_nobody(&same);
    for ran in [&same, &run] {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("held by plan P of process "), "{said}");
        assert!(said.contains("--lock-wait 10m"), "{said}");
    }
    let other = home.dpbackup(&["preview", "Q"]).exits(0);
    blames_nobody(&other);
    assert!(
        other.stdout.contains("DOM1-export-") && other.stdout.contains("a task waits for its end"),
        "{}",
        other.stdout
    );
    running.signal(Signal::TERM);
    let _ = running.end().exits(143);
    // And what a dead run has left is no run at work.
    gateway.fail(Fault::nth("do-backup", 1, FaultKind::StallBeforeHead(None)));
    let again = home.running(&["run", "P"]);
    eventually("the export was asked for", || gateway.received("do-backup") >= 2);
    again.kill();
    let checked = home.dpbackup(&["check", "P"]).exits(10);
    assert!(
        checked.stdout.contains("DOM1 is quiesced") && !checked.stdout.contains("is at work"),
        "{}",
        checked.stdout
    );
}

#[test]
fn preview_knows_the_secure_backup_that_another_run_makes() {
    let gateway = gateways::pair();
    let home = home(&gateway, &secure_backup("*", ""));
    gateway.fail(Fault::every("SecureBackup", FaultKind::NeverReady));
    let running = home.running(&["run", "P"]);
    eventually("the secure backup is made", || {
        gateway.received("SecureBackup") == 1
    });
    let same = home.dpbackup(&["preview", "P"]).exits(5);
    assert!(!same.stdout.contains("not for this task"), "{}", same.stdout);
    running.signal(Signal::TERM);
    let _ = running.end();
}

#[test]
fn a_run_at_work_is_known_by_whichever_name_its_gateway_has() {
    let gateway = gateways::pair();
    let home = home(&gateway, &export("QA1", "DOM1", "quiesce = true"))
        .device("QA2", &gateway)
        .plan("R", &export("QA2", "DOM1", "quiesce = true"));
    gateway.fail(Fault::nth("do-backup", 1, FaultKind::StallBeforeHead(None)));
    let running = home.running(&["run", "P"]);
    eventually("the export was asked for", || gateway.received("do-backup") == 1);
    let checked = home.dpbackup(&["check", "QA2"]).exits(3);
    blames_nobody(&checked);
    assert!(
        checked.stdout.contains("DOM1 is quiesced by plan P of process "),
        "{}",
        checked.stdout
    );
    let preview = home.dpbackup(&["preview", "R"]).exits(0);
    blames_nobody(&preview);
    running.signal(Signal::TERM);
    let _ = running.end().exits(143);
}
