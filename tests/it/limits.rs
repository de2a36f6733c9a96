//! Every wait has a limit, and its error names it; reads are tried again, what changes a
//! device is not: a lost answer is asked for.

use std::time::Duration;

use dpbackup::clock::{Clock as _, SystemClock};
use dpbackup::lock::{Asked, Lock, Locks};
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;

use crate::invariants::broken;
use crate::simulator::{Domain, Fault, FaultKind, Gateway, Setup, Times};
use crate::support::{EngineRun, Home, TestClock, gateways};

const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\nquiesce = true\n";

const SECURE_BACKUP: &str = "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\n\
                             certificate = \"backup-cert\"\nquiesce = true\n";

const SHORT: &str = "connect = 400ms, request = 400ms, export = 400ms, secure_backup = 10s, idle = 400ms";

fn gateway(clock: &TestClock) -> Gateway {
    let takes = Duration::from_secs(2);
    Gateway::start(Setup {
        secure_backup_time: takes,
        ..gateways::on_clock(clock, takes, gateways::small([Domain::new("DOM1")]))
    })
}

fn home(gateway: &Gateway, timeouts: &str, plan: &str) -> Home {
    Home::quick()
        .timeouts(timeouts)
        .device("QA1", gateway)
        .plan("P", plan)
}

/// A run with a fault; everything else must hold as ever.
fn run_with(timeouts: &str, plan: &str, fault: Fault) -> EngineRun {
    let clock = TestClock::night();
    let gateway = gateway(&clock);
    let home = home(&gateway, timeouts, plan);
    gateway.fail(fault);
    let run = home.run("P", &clock);
    clock.pass(Duration::from_secs(3600));
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
    run
}

#[test]
fn each_limit_on_the_wire_is_named_by_its_error() {
    let long = |limit: &str| {
        SHORT
            .replace("400ms", "1h")
            .replace(&format!("{limit} = 1h"), &format!("{limit} = 400ms"))
    };
    let cases = [
        (
            "connect",
            "connect",
            FaultKind::StallBeforeHead(None),
            "no TLS handshake followed within 400ms",
        ),
        (
            "request",
            "DomainStatus",
            FaultKind::StallBeforeHead(None),
            "no complete answer within 400ms (timeouts.request)",
        ),
        (
            "export",
            "do-backup",
            FaultKind::StallBeforeHead(None),
            "no complete answer within 400ms (timeouts.export)",
        ),
        (
            "export",
            "do-backup",
            FaultKind::Trickle(Duration::from_millis(20)),
            "no complete answer within 400ms (timeouts.export)",
        ),
        (
            "idle",
            "do-backup",
            FaultKind::StallInBody(300),
            "no byte arrived for 400ms (timeouts.idle)",
        ),
    ];
    for (limit, operation, kind, words) in cases {
        let run = run_with(&long(limit), EXPORT, Fault::every(operation, kind.clone()));
        let errors = run.errors();
        assert!(
            errors[0].contains(words),
            "{limit} at {operation} with {kind}: {errors:?}"
        );
    }
}

#[test]
fn a_quiesce_that_does_not_end_and_a_secure_backup_that_is_never_ready_end_at_their_limits() {
    let run = run_with(
        SHORT,
        EXPORT,
        Fault::every("DomainQuiesce", FaultKind::NeverQuiesces),
    );
    assert_eq!(run.tasks(), ["QA1/DOM1 QUIESCE_TIMEOUT"]);
    assert!(
        run.errors()[0].contains("was not quiesced within 4m"),
        "{:?}",
        run.errors()
    );
    let run = run_with(
        SHORT,
        SECURE_BACKUP,
        Fault::every("SecureBackup", FaultKind::NeverReady),
    );
    assert_eq!(run.tasks(), ["QA1/all-domains BACKUP_FAILED"]);
    assert!(
        run.errors()[0].contains("was not ready within 10s"),
        "{:?}",
        run.errors()
    );
}

#[test]
fn a_device_that_stays_on_its_way_back_is_not_told_again_and_is_left_at_its_limit() {
    let clock = TestClock::night();
    let gateway = gateway(&clock);
    let home = home(&gateway, SHORT, EXPORT);
    gateway.fail(Fault::every("DomainUnquiesce", FaultKind::NeverUnquiesces));
    let run = home.run("P", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 UNQUIESCE_TIMEOUT"]);
    assert!(
        run.errors()[0].contains("was not unquiesced within 4m"),
        "{:?}",
        run.errors()
    );
    let told = gateway
        .operations()
        .iter()
        .filter(|asked| asked.ends_with("DomainUnquiesce"))
        .count();
    assert_eq!(told, 1);
    gateway.clear_faults();
    gateway.state().restart();
    home.recover(&clock).expect("an end");
    clock.pass(Duration::from_secs(60));
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}

#[test]
fn a_script_ends_at_its_limit() {
    let clock = TestClock::night();
    let gateway = gateway(&clock);
    let home = home(&gateway, SHORT, &format!("{EXPORT}pre_script = \"long.sh\"\n"))
        .setting("script_timeout = \"300ms\"")
        .script("long.sh", "#!/bin/sh\nexec sleep 600\n");
    let run = home.run("P", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 TASK_FAILED_PRE_SCRIPT"]);
    assert!(
        run.errors()[0].contains("its timeout of 300ms"),
        "{:?}",
        run.errors()
    );
    assert!(
        gateway
            .operations()
            .iter()
            .all(|asked| !asked.contains("Quiesce"))
    );
}

fn hold(home: &Home, name: &str) -> Lock {
    let locks = Locks::beside(&home.path("state/history.db"));
    match locks.ask(name, "plan X", &SystemClock::new()).expect("a lock") {
        Asked::Held(lock) => lock,
        Asked::Busy(holder) => panic!("{name} is held by {holder:?}"),
    }
}

#[test]
fn a_lock_is_waited_for_until_its_limit() {
    let clock = TestClock::night();
    let gateway = gateway(&clock);
    let home = home(&gateway, SHORT, EXPORT);
    let before = clock.elapsed();
    {
        let _held = hold(&home, "plan-P");
        let options = Options {
            lock_wait: Duration::from_secs(600),
            ..Options::default()
        };
        let run = home.run_with("P", &clock, options, &Stop::new(), &mut |_| {});
        assert_eq!(run.status(), "LOCKED");
        assert_eq!(clock.elapsed() - before, Duration::from_secs(600));
        let notes = run.notes();
        assert!(
            notes.len() == 1 && notes[0].starts_with("had to wait for plan lock held by plan X of process "),
            "{notes:?}"
        );
    }
    // A device is waited for as long as a task may wait to start at all: a day of looks, half a minute apart.
    let _held = hold(&home, &format!("device-127.0.0.1-{}", gateway.port()));
    let run = home.run("P", &clock.clone().hurrying(60));
    assert_eq!(run.tasks(), ["QA1/DOM1 EXECUTION_CANCELED_BECAUSE_A_DAY_PASSED"]);
    // What let the time pass is told with it, and was while it passed.
    let error = run.errors().join("\n");
    assert!(
        error.contains(
            "the task had not started 1d after its plan: the device was held by plan X of process "
        ) && error.contains(" since "),
        "{error}"
    );
    let notes = run.notes();
    assert!(
        notes.len() == 1
            && notes[0].starts_with("had to wait for QA1: device lock held by plan X of process "),
        "{notes:?}"
    );
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}

#[test]
fn a_read_is_tried_again_after_growing_pauses_and_not_for_ever() {
    for (failures, status) in [(2, "SUCCESS"), (3, "FAILED")] {
        let clock = TestClock::night();
        let gateway = gateway(&clock);
        // The first question is asked again only as long as a connection may take.
        let patient = SHORT.replace("connect = 400ms", "connect = 10s");
        let home = home(&gateway, &patient, &EXPORT.replace("quiesce = true", "")).setting("retries = 2");
        gateway.fail(Fault {
            times: Times::First(failures),
            ..Fault::every("DomainStatus", FaultKind::Unavailable)
        });
        let before = clock.elapsed();
        let run = home.run("P", &clock);
        assert_eq!(run.status(), status, "{:?}", run.errors());
        assert_eq!(
            clock.elapsed() - before,
            Duration::from_secs(1 + 2),
            "one second, then two"
        );
        let requests = gateway.requests();
        let struck = requests.iter().filter(|request| !request.faults.is_empty());
        assert_eq!(struck.count(), failures as usize);
        if status == "FAILED" {
            assert_eq!(requests.len(), 3);
        }
    }
}

#[test]
fn a_request_that_was_carried_out_and_not_answered_is_found_done_and_not_sent_again() {
    let lost = [
        FaultKind::ReplyLost,
        FaultKind::StallBeforeHead(None),
        FaultKind::CloseInBody(20),
        FaultKind::StallInBody(20),
        FaultKind::LengthTooLong(20),
    ];
    let requests = [
        (EXPORT, "DomainQuiesce", 1),
        (EXPORT, "DomainUnquiesce", 1),
        (SECURE_BACKUP, "QuiesceDP", 1),
        (SECURE_BACKUP, "SecureBackup", 1),
        (SECURE_BACKUP, "DeleteFile", 3),
        (SECURE_BACKUP, "RemoveDir", 1),
        (SECURE_BACKUP, "UnquiesceDP", 1),
    ];
    for kind in lost {
        for (plan, operation, times) in requests {
            let clock = TestClock::night();
            let gateway = gateway(&clock);
            // The secure backup may take as long as its answer is waited for.
            let home = home(&gateway, &SHORT.replace("10s", "2500ms"), plan);
            gateway.fail(Fault::nth(operation, 1, kind.clone()));
            let run = home.run("P", &clock);
            assert_eq!(run.status(), "SUCCESS", "{operation} {kind}: {:?}", run.errors());
            let sent = gateway
                .operations()
                .iter()
                .filter(|asked| asked.ends_with(&format!("/{operation}")))
                .count();
            assert_eq!(sent, times, "{operation} {kind}");
            clock.pass(Duration::from_secs(3600));
            assert_eq!(broken(&home, &gateway, &[]), [""; 0], "{operation} {kind}");
            assert_eq!(
                home.history().open_entries().expect("the journal"),
                [],
                "{operation} {kind}"
            );
        }
    }
}
