//! A secure backup whose request got no answer may be made later: its folder is waited for, looked for, and not
//! forgotten before it is not expected any more.

use std::time::Duration;

use dpbackup::clock::Clock as _;
use dpbackup::run::event::Event;
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{EngineRun, Home, TestClock, gateways, secure_backup};

fn gateway(clock: &TestClock, faults: &[&str]) -> Gateway {
    let setup = gateways::small([Domain::new("DOM1")]);
    let gateway = Gateway::start(gateways::on_clock(clock, Duration::from_secs(1), setup));
    for fault in faults {
        gateway.fail_as(fault);
    }
    gateway
}

fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .device("QA1", gateway)
        .plan("QUIESCED", &secure_backup("*", "quiesce = true"))
        .plan("PLAIN", &secure_backup("*", ""))
}

/// The run failed, the device is back, and the journal remembers the folder that may come.
#[track_caller]
fn is_remembered(run: &EngineRun, home: &Home, gateway: &Gateway) {
    assert_eq!(
        run.tasks(),
        ["QA1/all-domains BACKUP_FAILED"],
        "{:?}",
        run.errors()
    );
    assert_eq!(run.exit(), 1);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries().len(), 1);
    let warnings = run.warnings().join("\n");
    assert!(
        warnings.contains("QA1: not known: whether temporary:///dpbackup-")
            && warnings.contains("recover, or the next run, looks for it again"),
        "{warnings}"
    );
}

fn folders(gateway: &Gateway) -> Vec<String> {
    let mut files = gateway.state().files("default", "temporary:");
    files.retain(|file| file.contains("dpbackup-"));
    files
}

#[test]
fn a_secure_backup_that_got_no_answer_and_is_made_later_is_removed_by_who_looks_next() {
    for (plan, answer) in [
        ("QUIESCED", "reply-lost"),
        ("PLAIN", "reply-lost"),
        ("PLAIN", "fault-after@Gateway Timeout"),
    ] {
        let clock = TestClock::night();
        let late = "SecureBackup=late@40s";
        let gateway = gateway(&clock, &[late, &format!("SecureBackup={answer}")]);
        let home = home(&gateway);
        let run = home.run(plan, &clock);
        is_remembered(&run, &home, &gateway);
        clock.pass(Duration::from_secs(60));
        assert!(folders(&gateway).len() > 1, "{plan} {answer}: it was made");
        assert_eq!(home.recover(&clock).expect("an end").left, Left::Nothing);
        assert_eq!(home.open_entries(), [], "{plan} {answer}");
        assert_eq!(folders(&gateway), [""; 0], "{plan} {answer}");
    }
}

#[test]
fn a_secure_backup_that_got_no_answer_and_is_made_soon_is_fetched_all_the_same() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["SecureBackup=late@5s", "SecureBackup=reply-lost"]);
    let home = home(&gateway);
    let run = home.run("PLAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(home.open_entries(), []);
    assert_eq!(folders(&gateway), [""; 0]);
}

#[test]
fn a_folder_that_may_come_is_forgotten_by_a_look_that_comes_an_hour_later_and_not_before() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["SecureBackup=close"]);
    let home = home(&gateway);
    let run = home.run("PLAIN", &clock);
    is_remembered(&run, &home, &gateway);
    assert!(
        run.errors()[0].contains("; not known: whether temporary:///dpbackup-"),
        "{:?}",
        run.errors()
    );
    for minutes in [1, 30, 25] {
        clock.pass(Duration::from_secs(60 * minutes));
        let recovered = home.recover(&clock).expect("an end");
        let told = recovered.done.lines().join("\n");
        assert!(recovered.done.is_incomplete(), "{told}");
        assert!(
            told.contains("may have been left on QA1")
                && told.contains("nobody can tell that the request does not"),
            "{told}"
        );
        assert_eq!(home.open_entries().len(), 1);
    }
    clock.pass(Duration::from_secs(600));
    let recovered = home.recover(&clock).expect("an end");
    assert!(!recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn folders_that_may_come_for_one_reason_are_one_warning() {
    let clock = TestClock::night();
    let faults = [
        "SecureBackup=not-done",
        "SecureBackup=fault-after@Gateway Timeout",
    ];
    let gateway = gateway(&clock, &faults);
    let home = home(&gateway);
    for _ in 0..2 {
        home.run("PLAIN", &clock);
        clock.pass(Duration::from_secs(1));
    }
    let run = home.run("PLAIN", &clock);
    let warnings = run.warnings();
    let of_old: Vec<_> = warnings
        .iter()
        .filter(|words| words.contains("may have been left"))
        .collect();
    assert_eq!(of_old.len(), 1, "{warnings:?}");
    assert!(
        of_old[0].contains("-1, temporary:///")
            && of_old[0].contains("left on QA1 by the tasks 1, 2: no answer to the request"),
        "{warnings:?}"
    );
    assert_eq!(home.open_entries().len(), 3);
    let recovered = home.recover(&clock).expect("an end");
    assert_eq!((recovered.done.rows.len(), recovered.done.lines().len()), (3, 1));
}

#[test]
fn a_secure_backup_that_was_taken_and_begins_later_than_its_task_ends_is_not_forgotten() {
    for looks_early in [false, true] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &["SecureBackup=late@20m"]);
        let home = home(&gateway).timeouts("secure_backup = 5m");
        let run = home.run("PLAIN", &clock);
        is_remembered(&run, &home, &gateway);
        let words = "has taken the request for its secure backup and nobody has seen all of it";
        let warnings = run.warnings().join("\n");
        assert!(warnings.contains(words), "{warnings}");
        if looks_early {
            // A recovery that looks too early knows no better.
            let recovered = home.recover(&clock).expect("an end");
            let told = recovered.done.lines().join("\n");
            assert!(recovered.done.is_incomplete() && told.contains(words), "{told}");
            assert_eq!(home.open_entries().len(), 1);
        }
        clock.pass(Duration::from_secs(30 * 60));
        assert!(folders(&gateway).len() > 1, "it was made");
        let recovered = home.recover(&clock).expect("an end");
        assert!(!recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
        assert_eq!((home.open_entries(), folders(&gateway)), (vec![], vec![]));
    }
}

#[test]
fn a_secure_backup_that_was_taken_and_never_shows_is_forgotten_by_a_look_that_comes_an_hour_later() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["SecureBackup=late@1200m"]);
    let home = home(&gateway).timeouts("secure_backup = 5m");
    is_remembered(&home.run("PLAIN", &clock), &home, &gateway);
    clock.pass(Duration::from_secs(3700));
    let recovered = home.recover(&clock).expect("an end");
    assert!(!recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_folder_of_which_nothing_could_be_removed_is_not_gone_because_it_is_not_listed_any_more() {
    let clock = TestClock::night();
    let faults = [
        "DeleteFile=access-denied",
        "RemoveDir=access-denied",
        // Twice for the manifest, once before the removal; then after it.
        "get-filestore:4+=hides-row@temporary:",
    ];
    let gateway = gateway(&clock, &faults);
    let home = home(&gateway);
    let run = home.run("PLAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(run.exit(), 3);
    let warnings = run.warnings().join("\n");
    assert!(
        warnings.contains("not known: whether temporary:///dpbackup-")
            && warnings.contains("refused to remove it, or something of it")
            && !warnings.contains("still on the device"),
        "{warnings}"
    );
    assert_eq!(home.open_entries().len(), 1);
    assert!(folders(&gateway).len() > 1);
    // With its rights back it removes the folder.
    gateway.clear_faults();
    clock.pass(Duration::from_secs(1));
    let recovered = home.recover(&clock).expect("an end");
    assert!(!recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
    assert_eq!((home.open_entries(), folders(&gateway)), (vec![], vec![]));
}

/// A run whose folder stays on the device, for it may not be removed.
fn run_that_leaves_its_folder(clock: &TestClock) -> (Gateway, Home) {
    let gateway = gateway(clock, &["DeleteFile=access-denied", "RemoveDir=access-denied"]);
    let home = home(&gateway);
    let run = home.run("PLAIN", clock);
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(home.open_entries().len(), 1);
    gateway.clear_faults();
    clock.pass(Duration::from_secs(7200));
    (gateway, home)
}

#[test]
fn a_folder_is_not_gone_because_nothing_is_listed_where_it_was() {
    let clock = TestClock::night();
    let (gateway, home) = run_that_leaves_its_folder(&clock);
    gateway.fail_as("get-filestore:1=hides-row@temporary:");
    let recovered = home.recover(&clock).expect("an end");
    assert!(!recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
    assert_eq!((home.open_entries(), folders(&gateway)), (vec![], vec![]));
}

#[test]
fn a_folder_that_could_not_be_removed_whole_is_not_gone_because_nothing_is_listed_after_it() {
    let clock = TestClock::night();
    let (gateway, home) = run_that_leaves_its_folder(&clock);
    // One file goes; then the rights are taken away.
    for fault in [
        "DeleteFile:2+=access-denied",
        "RemoveDir=access-denied",
        "get-filestore:2+=hides-row@temporary:",
    ] {
        gateway.fail_as(fault);
    }
    let recovered = home.recover(&clock).expect("an end");
    assert!(recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
    assert_eq!(home.open_entries().len(), 1);
    assert!(folders(&gateway).len() > 1);
}

#[test]
fn a_folder_that_was_seen_and_is_not_listed_any_more_is_removed_all_the_same() {
    for is_refused in [false, true] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[]);
        let home = home(&gateway);
        assert_eq!(home.run("PLAIN", &clock).status(), "SUCCESS");
        // The last two looks are those of the removal: what was seen before is hidden from them.
        let looks = gateway.received("get-filestore");
        clock.pass(Duration::from_secs(1));
        gateway.forget_requests();
        gateway.fail_as(&format!("get-filestore:{}+=hides-row@temporary:", looks - 1));
        if is_refused {
            gateway.fail_as("RemoveDir=access-denied");
        }
        let run = home.run("PLAIN", &clock);
        assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
        assert_eq!(gateway.received("RemoveDir"), 1);
        assert_eq!(folders(&gateway).is_empty(), !is_refused);
        assert_eq!(home.open_entries().len(), usize::from(is_refused));
        let warnings = run.warnings().join("\n");
        assert_eq!(
            warnings.contains("though nobody has removed it"),
            is_refused,
            "{warnings}"
        );
    }
}

#[test]
fn a_folder_is_gone_where_something_else_is_listed_or_nothing_at_two_times() {
    for something_else in [true, false] {
        let clock = TestClock::night();
        let (gateway, home) = run_that_leaves_its_folder(&clock);
        gateway.state().restart();
        if something_else {
            gateway
                .state()
                .put_file("default", "temporary:///other", "of somebody else");
        }
        gateway.forget_requests();
        let recovered = home.recover(&clock).expect("an end");
        assert!(!recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
        assert_eq!(home.open_entries(), []);
        let looks = gateway.received("get-filestore");
        assert_eq!(looks == 2, something_else, "{looks} looks");
        // A list may hide it: it is removed once all the same.
        assert_eq!(gateway.received("RemoveDir"), 1);
    }
}

#[test]
fn a_device_that_makes_a_secure_backup_for_somebody_else_is_not_quiesced_for_one_that_it_refuses() {
    for plan in ["QUIESCED", "PLAIN"] {
        let clock = TestClock::night();
        let setup = Setup {
            secure_backup_time: Duration::from_secs(600),
            ..gateways::small([Domain::new("DOM1")])
        };
        let gateway = Gateway::start(gateways::on_clock(&clock, Duration::from_secs(1), setup));
        let home = home(&gateway);
        gateway.state().make_secure_backup("temporary:///of-another");
        let preview = home.dpbackup(&["preview", plan]).exits(1);
        let run = home.run(plan, &clock);
        assert_eq!(
            run.tasks(),
            ["QA1/all-domains DEVICE_ERROR"],
            "{plan}: {:?}",
            run.errors()
        );
        let words = "the device is making a secure backup already, and not for this task";
        assert!(run.errors()[0].contains(words), "{:?}", run.errors());
        assert!(
            run.errors()[0].ends_with("; device untouched"),
            "{:?}",
            run.errors()
        );
        assert!(preview.stdout.contains("DEVICE_ERROR"), "{}", preview.stdout);
        assert_eq!(
            (gateway.received("quiesce"), gateway.received("SecureBackup")),
            (0, 0),
            "{plan}"
        );
        assert_eq!(home.open_entries(), []);
    }
}

/// A gateway whose secure backup takes a minute, and its home.
fn at_work_for_a_minute(clock: &TestClock) -> (Gateway, Home) {
    let setup = Setup {
        secure_backup_time: Duration::from_secs(60),
        ..gateways::small([Domain::new("DOM1")])
    };
    let gateway = Gateway::start(gateways::on_clock(clock, Duration::from_secs(1), setup));
    let home = home(&gateway)
        .setting("retries = 0")
        .timeouts("secure_backup = 10m");
    (gateway, home)
}

#[test]
fn a_secure_backup_outlasts_looks_that_fail_while_it_is_made() {
    for trouble in ["http-503", "close", "fault-after@busy"] {
        for asked in ["get-status/DomainStatus", "get-filestore"] {
            let clock = TestClock::night();
            let (gateway, home) = at_work_for_a_minute(&clock);
            // Some ten seconds of the minute.
            for nth in 8..14 {
                gateway.fail_as(&format!("{asked}:{nth}={trouble}"));
            }
            let run = home.run("QUIESCED", &clock);
            let case = format!("{asked} {trouble}");
            assert_eq!(
                run.tasks(),
                ["QA1/all-domains SUCCESS"],
                "{case}: {:?}",
                run.errors()
            );
            assert!(
                gateway
                    .requests()
                    .iter()
                    .any(|request| !request.faults.is_empty()),
                "{case}"
            );
        }
    }
}

#[test]
fn a_secure_backup_that_nobody_may_look_at_does_not_keep_the_device_down_to_the_limit() {
    let clock = TestClock::night();
    let (gateway, home) = at_work_for_a_minute(&clock);
    gateway.fail_as("get-filestore=access-denied");
    let run = home.run("QUIESCED", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains BACKUP_FAILED"]);
    assert!(gateway.state().is_unquiesced());
    let passed = clock.elapsed();
    assert!(passed < Duration::from_secs(300), "{passed:?}");
    // Whether there is a folder was not seen.
    let warnings = run.warnings().join("\n");
    assert!(
        warnings.contains("not known: whether temporary:///dpbackup-") && !warnings.contains("still on the"),
        "{warnings}"
    );
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn a_device_that_cannot_schedule_a_secure_backup_has_not_accepted_it() {
    let clock = TestClock::night();
    let words = "The backup cannot be scheduled: temporary is full";
    let gateway = gateway(
        &clock,
        &[
            "SecureBackup=not-done",
            &format!("SecureBackup=error-log@{words}"),
        ],
    );
    let home = home(&gateway);
    let run = home.run("QUIESCED", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains BACKUP_FAILED"]);
    assert!(run.errors()[0].contains(words), "{:?}", run.errors());
}

#[test]
fn a_folder_that_the_device_says_is_removed_is_gone_however_it_says_so() {
    for faults in [
        // The folder goes with its last file.
        ["RemoveDir=error-log@Directory 'x' not found", ""],
        ["RemoveDir=error-log@Directory deletion successful", ""],
        ["DeleteFile=error-log@File deletion successful", ""],
        // Its files cannot be deleted one by one.
        [
            "DeleteFile=error-log@Operation not supported",
            "DeleteFile=not-done",
        ],
    ] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[]);
        for fault in faults.iter().filter(|fault| !fault.is_empty()) {
            gateway.fail_as(fault);
        }
        let home = home(&gateway);
        let run = home.run("PLAIN", &clock);
        let case = format!("{faults:?}: {:?}", run.warnings());
        assert_eq!((run.status(), run.exit()), ("SUCCESS", 0), "{case}");
        assert_eq!(
            (home.open_entries(), folders(&gateway)),
            (vec![], vec![]),
            "{case}"
        );
    }
}

#[test]
fn a_folder_is_not_gone_by_the_word_of_a_device_that_does_not_tell_who_it_is() {
    let clock = TestClock::night();
    let (gateway, home) = run_that_leaves_its_folder(&clock);
    gateway.state().restart();
    for class in ["FirmwareVersion3", "FirmwareVersion2", "FirmwareVersion"] {
        gateway.fail_as(&format!("get-status/{class}=result-error"));
    }
    let recovered = home.recover(&clock).expect("an end");
    let told = recovered.done.lines().join("\n");
    assert!(recovered.done.is_incomplete(), "{told}");
    assert_eq!(home.open_entries().len(), 1, "{told}");
    gateway.clear_faults();
    let recovered = home.recover(&clock).expect("an end");
    assert!(!recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn whether_the_only_copy_of_a_secure_backup_is_on_its_device_still_is_said_after_a_look() {
    let not_known = "when it was last seen, and whether it is there still is not known";
    for (fault, then, words) in [
        ("get-file/cert.tgz=close", "", " is still on the device"),
        (
            "get-file/cert.tgz=restart",
            "",
            " was on the device, which does not list it any more",
        ),
        ("get-file/cert.tgz=close", "get-filestore=http-503", not_known),
        ("get-file/cert.tgz=close", "*=another-serial@78B0002", not_known),
    ] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, &[fault]);
        let home = home(&gateway);
        let run = home.run_with("PLAIN", &clock, Options::default(), &Stop::new(), &mut |event| {
            if matches!(event, Event::FileFailed { .. }) && !then.is_empty() {
                gateway.fail_as(then);
            }
        });
        assert_eq!(
            run.tasks(),
            ["QA1/all-domains DOWNLOAD_FAILED"],
            "{:?}",
            run.errors()
        );
        assert_eq!(home.open_entries().len(), 1, "{fault} {then}");
        let recorded = home.details(0).task.error_message.expect("an error");
        for told in [run.errors().join("\n"), run.warnings().join("\n"), recorded] {
            assert!(told.contains(words), "{fault} {then}: {told}");
            let is_said_there = told.contains("is still on the device");
            assert_eq!(
                is_said_there,
                words.contains("still on"),
                "{fault} {then}: {told}"
            );
        }
        let warnings = run.warnings().join("\n");
        assert!(
            warnings.contains("no verified copy of it is stored"),
            "{warnings}"
        );
    }
}

#[test]
fn a_folder_that_was_removed_and_not_looked_for_after_that_is_not_said_to_be_there() {
    let clock = TestClock::night();
    // Twice for the manifest, once before the removal; then after it.
    let gateway = gateway(&clock, &["get-filestore:4+=http-503"]);
    let home = home(&gateway);
    let run = home.run("PLAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(folders(&gateway), [""; 0]);
    let warnings = run.warnings().join("\n");
    assert!(
        warnings.contains("not known: whether temporary:///dpbackup-")
            && !warnings.contains("still on the device"),
        "{warnings}"
    );
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn a_folder_that_is_gone_is_told_where_that_cannot_be_written_down() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["SecureBackup=late@40s", "SecureBackup=reply-lost"]);
    let home = home(&gateway);
    let _ = home.run("PLAIN", &clock);
    clock.pass(Duration::from_secs(60));
    assert!(folders(&gateway).len() > 1, "it was made");
    let error = home
        .recover_watched(&clock, &|| {
            assert!(!folders(&gateway).is_empty(), "the disk is gone");
        })
        .expect_err("no journal");
    let told = error.done.lines().join("\n");
    assert!(
        told.contains("was left on QA1 by task") && told.contains("; that could not be written down"),
        "{told}"
    );
}
