//! Quiesce and the way back: what a task does to a device it undoes, whatever goes wrong,
//! and where it cannot, nobody is left in the dark.

use std::time::Duration;

use dpbackup::run::event::{Event, OutOfService, Undo};
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;
use jiff::SignedDuration;

use crate::simulator::{Gateway, Setup};
use crate::support::{EngineRun, Home, TestClock, export, gateways, secure_backup};

const STILL: &str = "STILL QUIESCED: run dpbackup recover";

fn gateway(clock: &TestClock, faults: &[&str]) -> Gateway {
    let setup = gateways::on_clock(clock, Duration::from_secs(20), Setup::default());
    let gateway = Gateway::start(setup);
    faults.iter().for_each(|fault| gateway.fail_as(fault));
    gateway
}

fn home(gateway: &Gateway) -> Home {
    Home::of(gateway)
        .plan("DOMAIN", &export("*", "DOM1", "quiesce = true"))
        .plan("DEVICE", &secure_backup("*", "quiesce = true"))
}

fn count(gateway: &Gateway, operation: &str) -> usize {
    gateway
        .operations()
        .iter()
        .filter(|name| *name == operation)
        .count()
}

/// One failed task; the device is as it was found, and the message ends with that.
#[track_caller]
fn failed_and_restored(run: &EngineRun, home: &Home, gateway: &Gateway, status: &str) {
    assert_eq!(run.tasks().len(), 1);
    assert!(
        run.tasks()[0].ends_with(&format!(" {status}")),
        "{:?} {:?}",
        run.tasks(),
        run.errors()
    );
    let error = run.errors().remove(0);
    assert!(error.ends_with("; unquiesced and confirmed"), "{error}");
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
    assert_eq!(run.exit(), 1);
    home.holds_nothing();
}

#[test]
fn the_journal_row_is_on_disk_before_the_quiesce_and_closed_after_the_confirmation() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &[]);
    let home = home(&gateway);
    let mut seen = Vec::new();
    let mut watch = |event: &Event| {
        if let Event::TaskStatus { status, .. } | Event::TaskEnded { status, .. } = event {
            seen.push(format!(
                "{status}: {} open, {} quiesces, {} unquiesces",
                home.open_entries().len(),
                count(&gateway, "do-action/DomainQuiesce"),
                count(&gateway, "do-action/DomainUnquiesce")
            ));
        }
    };
    let run = home.run_with("DOMAIN", &clock, Options::default(), &Stop::new(), &mut watch);
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    assert_eq!(
        seen,
        [
            "VALIDATING: 0 open, 0 quiesces, 0 unquiesces",
            "QUIESCING: 1 open, 0 quiesces, 0 unquiesces",
            "BACKING_UP: 1 open, 1 quiesces, 0 unquiesces",
            "DOWNLOADING: 1 open, 1 quiesces, 0 unquiesces",
            "UNQUIESCING: 1 open, 1 quiesces, 0 unquiesces",
            "VERIFYING: 0 open, 1 quiesces, 1 unquiesces",
            "SUCCESS: 0 open, 1 quiesces, 1 unquiesces",
        ]
    );
}

#[test]
fn a_domain_that_is_at_work_again_before_its_secure_backup_is_ready_is_warned_of() {
    for unquiesced in [&[][..], &["DOM1"], &["DOM1", "DOM2"]] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[]);
        let home = home(&gateway);
        let mut watch = |event: &Event| {
            if matches!(event, Event::TaskStatus { status, .. } if status.code() == "BACKING_UP") {
                for domain in unquiesced {
                    gateway.state().set_quiesced(domain, false);
                }
            }
        };
        let run = home.run_with("DEVICE", &clock, Options::default(), &Stop::new(), &mut watch);
        assert_eq!(
            run.status(),
            if unquiesced.is_empty() {
                "SUCCESS"
            } else {
                "COMPLETED_WITH_WARNINGS"
            }
        );
        let expected: Vec<String> = match unquiesced {
            [] => Vec::new(),
            ["DOM1"] => vec!["domain DOM1 was".to_owned()],
            _ => vec!["the domains DOM1, DOM2 were".to_owned()],
        };
        let words = |which: &String| {
            format!(
                "QA1: {which} quiesced for this secure backup, and at work again before it was ready: what changed \
                 meanwhile is not known"
            )
        };
        assert_eq!(run.warnings(), expected.iter().map(words).collect::<Vec<_>>());
    }
}

#[test]
fn the_journal_says_what_must_be_undone() {
    for (plan, undo) in [
        ("DOMAIN", Undo::UnquiesceDomain("DOM1".to_owned())),
        ("DEVICE", Undo::UnquiesceDevice),
    ] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[]);
        let home = home(&gateway);
        let mut entries = Vec::new();
        let mut watch = |event: &Event| {
            if matches!(event, Event::TaskStatus { status, .. } if status.code() == "QUIESCING") {
                entries = home.open_entries();
            }
        };
        let run = home.run_with(plan, &clock, Options::default(), &Stop::new(), &mut watch);
        assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
        let quiesces: Vec<_> = entries.iter().filter(|entry| entry.is_quiesce()).collect();
        assert_eq!(quiesces.len(), 1);
        assert_eq!((quiesces[0].device.as_str(), &quiesces[0].undo), ("QA1", &undo));
        assert_eq!(quiesces[0].task, home.task_rows()[0].id);
        // The folder of a secure backup, too, before the device is out of service.
        assert_eq!(entries.len(), if plan == "DEVICE" { 2 } else { 1 });
    }
}

#[test]
fn a_quiesce_that_never_ends_is_given_up_after_timeout_and_grace_and_undone() {
    for (plan, fault) in [
        ("DOMAIN", "DomainQuiesce=never-quiesces"),
        ("DEVICE", "QuiesceDP=never-quiesces"),
    ] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[fault]);
        let home = home(&gateway);
        let run = home.run(plan, &clock);
        failed_and_restored(&run, &home, &gateway, "QUIESCE_TIMEOUT");
        assert!(
            run.errors()[0].contains("was not quiesced within 4m"),
            "{:?}",
            run.errors()
        );
        assert_eq!(
            count(&gateway, "do-backup") + count(&gateway, "do-action/SecureBackup"),
            0
        );
    }
}

#[test]
fn a_quiesce_that_the_device_reports_as_failed_is_undone() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["DomainQuiesce=quiesce-error"]);
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    failed_and_restored(&run, &home, &gateway, "DEVICE_ERROR");
    assert!(
        run.errors()[0].contains("the device reports that quiescing failed"),
        "{:?}",
        run.errors()
    );
}

#[test]
fn a_quiesce_whose_reply_is_lost_is_asked_about_and_not_sent_again() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["DomainQuiesce=reply-lost"]);
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
    assert_eq!(count(&gateway, "do-action/DomainQuiesce"), 1);
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_quiesce_that_was_answered_by_a_sentence_and_never_seen_is_undone_all_the_same() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["DomainQuiesce=not-done", "DomainQuiesce=sentence"]);
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 DEVICE_ERROR"]);
    assert_eq!(run.exit(), 1);
    assert!(
        run.errors()[0].contains("the quiesce was never seen on the device; unquiesced all the same"),
        "{:?}",
        run.errors()
    );
    assert_eq!(count(&gateway, "do-action/DomainQuiesce"), 1);
    // At once, and again when it had its time.
    assert_eq!(count(&gateway, "do-action/DomainUnquiesce"), 2);
    assert_eq!(home.open_entries(), []);
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_quiesce_without_an_answer_that_was_never_seen_is_undone_once_and_remembered_for_an_hour() {
    for fault in [
        "DomainQuiesce=close",
        "DomainQuiesce=reset",
        "DomainQuiesce=http-503",
    ] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[fault]);
        let home = home(&gateway);
        let run = home.run("DOMAIN", &clock);
        assert_eq!(run.tasks(), ["QA1/DOM1 DEVICE_ERROR"], "{fault}");
        assert_eq!(run.exit(), 10, "{fault}");
        let error = run.errors().remove(0);
        assert!(
            error.contains("not known: ") && error.contains("nobody can tell that it does not arrive yet"),
            "{error}"
        );
        assert_eq!(count(&gateway, "do-action/DomainQuiesce"), 1, "{fault}");
        assert_eq!(count(&gateway, "do-action/DomainUnquiesce"), 1, "{fault}");
        assert_eq!(home.open_entries().len(), 1, "{fault}");
        assert!(gateway.state().is_unquiesced());

        // Later starts look again, and do not tell it again.
        clock.pass(Duration::from_secs(1800));
        let recovered = home.recover(&clock).expect("an end");
        assert_ne!(recovered.left, Left::Nothing, "{fault}");
        assert_eq!(count(&gateway, "do-action/DomainUnquiesce"), 1, "{fault}");
        assert_eq!(home.open_entries().len(), 1, "{fault}");

        // An hour after it was given up, a device that is at work is an answer.
        clock.pass(Duration::from_secs(1900));
        let recovered = home.recover(&clock).expect("an end");
        assert_eq!(recovered.left, Left::Nothing, "{fault}");
        assert_eq!(home.open_entries(), [], "{fault}");
    }
}

#[test]
fn a_clock_that_is_set_makes_no_quiesce_old_and_none_young() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["DomainQuiesce=close"]);
    let home = home(&gateway);
    assert_eq!(home.run("DOMAIN", &clock).exit(), 10);
    // A machine that learns the time of day, or goes on after it slept.
    clock.step(SignedDuration::from_hours(200));
    let recovered = home.recover(&clock).expect("an end");
    assert_ne!(recovered.left, Left::Nothing, "it may arrive in a second");
    assert_eq!(home.open_entries().len(), 1);
    clock.step(SignedDuration::from_hours(-400));
    clock.pass(Duration::from_secs(3700));
    let recovered = home.recover(&clock).expect("an end");
    assert_eq!(recovered.left, Left::Nothing, "{:?}", recovered.done.lines());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_quiesce_that_no_boot_of_this_machine_has_seen_is_young_until_one_has_seen_it_for_an_hour() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["DomainQuiesce=close"]);
    let home = home(&gateway);
    assert_eq!(home.run("DOMAIN", &clock).exit(), 10);
    let file = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    for stood in ["NULL", "'{\"of another machine\": 1}'"] {
        let set = format!("UPDATE journal SET stood = {stood}");
        file.execute(&set, ()).expect("a change");
        clock.pass(Duration::from_secs(36_000));
        let recovered = home.recover(&clock).expect("an end");
        assert_ne!(recovered.left, Left::Nothing, "{stood}");
        clock.pass(Duration::from_secs(1_800));
        let recovered = home.recover(&clock).expect("an end");
        assert_ne!(recovered.left, Left::Nothing, "{stood}");
    }
    clock.pass(Duration::from_secs(1_900));
    let recovered = home.recover(&clock).expect("an end");
    assert_eq!(recovered.left, Left::Nothing);
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_quiesce_without_an_answer_that_arrives_after_the_run_is_undone_by_the_next_start() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["DomainQuiesce=close"]);
    let home = home(&gateway);
    assert_eq!(home.run("DOMAIN", &clock).exit(), 10);
    gateway.state().set_quiesced("DOM1", true);
    let recovered = home.recover(&clock).expect("an end");
    assert_eq!(recovered.left, Left::Nothing);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_quiesce_that_is_refused_keeps_the_words_of_the_device() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["DomainQuiesce=access-denied"]);
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 DEVICE_ERROR"], "{:?}", run.errors());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn an_unquiesce_whose_reply_is_lost_is_confirmed_by_asking() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["DomainUnquiesce=reply-lost"]);
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
    assert_eq!(count(&gateway, "do-action/DomainUnquiesce"), 1);
    assert!(gateway.state().is_unquiesced() && home.open_entries().is_empty());
}

#[test]
fn an_unquiesce_that_does_not_arrive_is_sent_again_until_it_does() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["DomainUnquiesce:-3=close"]);
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
    assert_eq!(count(&gateway, "do-action/DomainUnquiesce"), 4);
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_device_that_restarts_in_the_middle_of_a_quiesced_export_is_found_at_work() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["do-backup=restart"]);
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 BACKUP_FAILED"]);
    assert!(
        run.errors()[0].ends_with("; unquiesced and confirmed"),
        "{:?}",
        run.errors()
    );
    assert_eq!(count(&gateway, "do-action/DomainUnquiesce"), 1);
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_domain_deleted_while_it_is_quiesced_needs_no_undoing() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &[]);
    let home = home(&gateway);
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskStatus { status, .. } if status.code() == "UNQUIESCING") {
            gateway.state().remove_domain("DOM1");
        }
    };
    let run = home.run_with("DOMAIN", &clock, Options::default(), &Stop::new(), &mut watch);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn an_unquiesce_that_never_ends_is_loud_and_leaves_its_row_open_until_recover() {
    for (plan, fault, task) in [
        ("DOMAIN", "DomainUnquiesce=never-unquiesces", "QA1/DOM1"),
        ("DEVICE", "UnquiesceDP=never-unquiesces", "QA1/all-domains"),
    ] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[fault]);
        let home = home(&gateway);
        let run = home.run(plan, &clock);
        assert_eq!(run.tasks(), [format!("{task} UNQUIESCE_TIMEOUT")]);
        assert_eq!((run.status(), run.exit()), ("FAILED", 10));
        let error = run.errors().remove(0);
        assert!(
            error.contains("was not unquiesced within 4m") && error.ends_with(STILL),
            "{error}"
        );
        assert!(
            run.events
                .iter()
                .any(|event| matches!(event, Event::StillQuiesced(_)))
        );
        assert_eq!(home.open_entries().len(), 1);
        assert_eq!(
            count(&gateway, "do-action/DomainUnquiesce") + count(&gateway, "do-action/UnquiesceDP"),
            1,
            "a device on its way back is not told again"
        );
        // The backup itself was good, and is kept.
        assert!(!home.stored().is_empty());
        // The device finishes at last; somebody runs recover.
        gateway.state().restart();
        let ran = home.dpbackup(&["recover"]).exits(0);
        assert!(ran.stdout.contains("unquiesced and confirmed"), "{}", ran.stdout);
        assert_eq!(home.open_entries(), []);
    }
}

#[test]
fn the_next_run_of_any_plan_for_the_device_tries_again_and_says_10_until_it_is_done() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["DomainUnquiesce=never-unquiesces"]);
    let home = home(&gateway).plan("OTHER", &export("*", "DOM2", ""));
    assert_eq!(home.run("DOMAIN", &clock).exit(), 10);
    clock.pass(Duration::from_secs(1));
    let run = home.run("OTHER", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM2 SUCCESS"], "{:?}", run.errors());
    assert_eq!((run.status(), run.exit()), ("COMPLETED_WITH_WARNINGS", 10));
    assert_eq!(home.open_entries().len(), 1);
    gateway.state().set_quiesced("DOM1", false);
    clock.pass(Duration::from_secs(1));
    let run = home.run("OTHER", &clock);
    assert_eq!((run.status(), run.exit()), ("COMPLETED_WITH_WARNINGS", 3));
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_failed_backup_stays_the_cause_when_the_unquiesce_fails_too() {
    let clock = TestClock::night();
    let gateway = gateway(
        &clock,
        &["do-backup=file-error", "DomainUnquiesce=never-unquiesces"],
    );
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 BACKUP_FAILED"]);
    assert!(run.errors()[0].ends_with(STILL), "{:?}", run.errors());
    assert_eq!(run.exit(), 10);
    home.holds_nothing();
}

#[test]
fn a_failed_backup_of_a_quiesced_domain_or_device_is_undone() {
    for (plan, faults) in [
        ("DOMAIN", &["do-backup=file-error"][..]),
        (
            "DEVICE",
            &["SecureBackup=result-error", "SecureBackup=not-done"][..],
        ),
    ] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, faults);
        let home = home(&gateway);
        let run = home.run(plan, &clock);
        failed_and_restored(&run, &home, &gateway, "BACKUP_FAILED");
    }
}

#[test]
fn a_signal_in_the_middle_of_a_quiesced_export_undoes_it() {
    for status_then in ["QUIESCING", "BACKING_UP", "VERIFYING", "UNQUIESCING"] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[]);
        let home = home(&gateway);
        let stop = Stop::new();
        let mut watch = |event: &Event| {
            if matches!(event, Event::TaskStatus { status, .. } if status.code() == status_then) {
                stop.request(15);
            }
        };
        let run = home.run_with("DOMAIN", &clock, Options::default(), &stop, &mut watch);
        assert_eq!((run.status(), run.exit()), ("INTERRUPTED", 143), "{status_then}");
        assert!(gateway.state().is_unquiesced(), "{status_then}");
        assert_eq!(home.open_entries(), [], "{status_then}");
        let complete = matches!(status_then, "VERIFYING" | "UNQUIESCING");
        let status = if complete { "SUCCESS" } else { "INTERRUPTED" };
        assert_eq!(
            run.tasks(),
            [format!("QA1/DOM1 {status}")],
            "{status_then}: {:?}",
            run.errors()
        );
        assert_eq!(home.stored().len(), usize::from(complete), "{status_then}");
    }
}

#[test]
fn how_long_a_domain_was_out_of_service_is_told_where_somebody_saw_its_end() {
    let lasted = |fault: &[&str], plan: &str| {
        let clock = TestClock::night();
        let gateway = gateway(&clock, fault);
        let home = home(&gateway).plan("NONE", &export("*", "DOM2", ""));
        let run = home.run(plan, &clock);
        let recorded = home.task_rows()[0].out_of_service.expect("it is recorded");
        let told = run.events.iter().filter_map(|event| match event {
            Event::OutOfService { lasted, .. } => Some(*lasted),
            _ => None,
        });
        (told.collect::<Vec<OutOfService>>(), recorded)
    };
    for plan in ["DOMAIN", "DEVICE"] {
        let (told, recorded) = lasted(&[], plan);
        let OutOfService::For(time) = recorded else {
            panic!("{recorded:?}")
        };
        // The gateway takes twenty seconds for either; the clock moves by polls of two at most.
        let (least, most) = (Duration::from_secs(40), Duration::from_secs(70));
        assert!((least..most).contains(&time), "{plan}: {time:?}");
        let [OutOfService::For(exact)] = told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(exact.as_millis(), time.as_millis());
    }
    let not_known = lasted(&["DomainUnquiesce=never-unquiesces"], "DOMAIN");
    assert_eq!(not_known, (vec![OutOfService::NotKnown], OutOfService::NotKnown));
    // A refusal in words may have begun it all the same; one of the login has not.
    let unclear = lasted(&["DomainQuiesce=access-denied"], "DOMAIN");
    assert_eq!(unclear, (vec![OutOfService::NotKnown], OutOfService::NotKnown));
    let refused = lasted(&["DomainQuiesce=http-401"], "DOMAIN");
    assert_eq!(refused, (vec![OutOfService::Never], OutOfService::Never));
    assert_eq!(lasted(&[], "NONE"), (vec![], OutOfService::Never));
}
