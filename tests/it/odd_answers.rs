//! Answers that are right in an unusual way, and answers that are none: what each means
//! for a task.

use std::time::Duration;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::gateways::with_faults;
use crate::support::{EngineRun, Home, TestClock, export, secure_backup};

/// Runs one activity under these faults.
fn run(activity: &str, faults: &[&str]) -> EngineRun {
    let gateway = Gateway::start(Setup::default());
    for fault in faults {
        gateway.fail_as(fault);
    }
    let home = Home::of(&gateway).plan("P", activity);
    home.run("P", &TestClock::odd_night())
}

#[test]
fn a_fault_is_a_fault_under_every_http_status() {
    for status in ["200", "400", "403", "404", "500"] {
        let under = format!("do-backup=status@{status}");
        let run = run(&export("*", "DOM1", ""), &["do-backup=http-500", &under]);
        assert_eq!(run.tasks(), ["QA1/DOM1 BACKUP_FAILED"], "{status}");
        let error = run.errors().remove(0);
        let words = "the device answered with a SOAP fault: \"Internal Error (from client)\"";
        assert!(error.contains(words), "{status}: {error}");
    }
}

#[test]
fn a_right_answer_is_right_under_another_http_status() {
    let run = run(&export("*", "DOM1", ""), &["get-status=status@404"]);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
}

#[test]
fn what_a_device_says_beside_a_file_is_a_warning_in_its_words() {
    for (activity, fault) in [
        (
            export("*", "DOM1", "quiesce = true"),
            "do-backup=ok-and-error-log@local: could not be read.",
        ),
        (
            secure_backup("*", ""),
            "get-file:1=ok-and-error-log@local: could not be read.",
        ),
    ] {
        let run = run(&activity, &[fault]);
        assert_eq!(
            (run.status(), run.exit()),
            ("COMPLETED_WITH_WARNINGS", 3),
            "{:?}",
            run.errors()
        );
        let warnings = run.warnings();
        let [warning] = warnings.as_slice() else {
            panic!("{warnings:?}")
        };
        assert!(
            warning.contains("and said beside it \"local: could not be read.\""),
            "{warning}"
        );
    }
}

#[test]
fn an_error_in_answer_to_a_secure_backup_that_is_made_all_the_same_is_a_warning_in_its_words() {
    let words = "Secure backup failed - local: could not be read.";
    let run = run(
        &secure_backup("*", ""),
        &[&format!("SecureBackup=error-log@{words}")],
    );
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(run.exit(), 3);
    let warnings = run.warnings();
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}")
    };
    let told = format!("{words}\"): whether something is missing in it is not known");
    assert!(warning.contains(&told), "{warning}");
}

#[test]
fn a_device_that_tells_its_serial_number_by_an_older_class_alone_is_quiesced() {
    for fault in ["FirmwareVersion3=html", "FirmwareVersion3=empty-body"] {
        let run = run(&export("*", "DOM1", "quiesce = true"), &[fault]);
        assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{fault}: {:?}", run.errors());
    }
}

#[test]
fn a_device_that_speaks_plain_http_is_backed_up_like_one_that_sends_headers_back() {
    for activity in [export("*", "DOM1", ""), secure_backup("*", "")] {
        let gateway =
            Gateway::start(Setup::default().being(&["reason@OK", "content-length", "no-via", "no-echo"]));
        let home = Home::of(&gateway).plan("P", &activity);
        let run = home.run("P", &TestClock::odd_night());
        assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    }
}

#[test]
fn a_secure_backup_that_is_answered_when_it_is_done_is_stored() {
    let setup = Setup {
        secure_backup_time: Duration::from_millis(300),
        ..Setup::default()
    };
    let gateway = Gateway::start(setup.being(&["secure-backup-blocks"]));
    let home = Home::of(&gateway).plan("P", &secure_backup("*", ""));
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    assert_eq!(gateway.received("SecureBackup"), 1);
}

#[test]
fn what_a_device_says_ahead_of_its_answers_is_passed_over() {
    for faults in [&["*=interim"][..], &["*=interim", "DomainStatus=trickle@0ms"][..]] {
        for activity in [
            export("*", "DOM1", "quiesce = true"),
            secure_backup("*", "quiesce = true"),
        ] {
            let run = run(&activity, faults);
            assert_eq!(run.exit(), 0, "{faults:?}: {:?} {:?}", run.tasks(), run.errors());
        }
    }
}

#[test]
fn a_page_and_silence_under_another_http_status_are_told_with_it() {
    for (fault, words) in [
        (
            "do-backup=html",
            "the answer is HTTP 500 with text/html, not SOMA: \"Welcome\"; this does",
        ),
        (
            "do-backup=empty-body",
            "the answer is HTTP 500 with text/xml, not SOMA; this does",
        ),
    ] {
        let run = run(&export("*", "DOM1", ""), &[fault, "do-backup=status@500"]);
        assert_eq!(run.tasks(), ["QA1/DOM1 BACKUP_FAILED"], "{fault}");
        let error = run.errors().remove(0);
        assert!(error.contains(words), "{fault}: {error}");
    }
}

/// Holds a run to success and to this note.
#[track_caller]
fn succeeds_with_note(run: &EngineRun, words: &str, why: &str) {
    assert_eq!(run.status(), "SUCCESS", "{why}: {:?}", run.errors());
    let notes = run.notes();
    assert!(notes.iter().any(|note| note.contains(words)), "{why}: {notes:?}");
}

#[test]
fn a_device_that_does_not_tell_its_firmware_is_backed_up_all_the_same() {
    const NOT_TOLD: &str = "the device does not tell its firmware";
    const NO_ANSWER: &str =
        "the firmware and the serial number are not known: QA1: get-status FirmwareVersion";
    for (faults, words) in [
        (&["FirmwareVersion=result-error"][..], NOT_TOLD),
        (&["FirmwareVersion=access-denied"], NOT_TOLD),
        (&["FirmwareVersion=http-500"], NOT_TOLD),
        (
            &["FirmwareVersion=empty-body", "FirmwareVersion=status@500"],
            NO_ANSWER,
        ),
        (&["FirmwareVersion=html", "FirmwareVersion=status@500"], NO_ANSWER),
        (&["FirmwareVersion=empty-body"], NO_ANSWER),
        (&["FirmwareVersion=no-payload"], NO_ANSWER),
        (&["FirmwareVersion=login-failure"], NO_ANSWER),
        (&["FirmwareVersion=http-503"], NO_ANSWER),
        (&["FirmwareVersion=close"], NO_ANSWER),
    ] {
        let faults: Vec<String> = ["FirmwareVersion", "FirmwareVersion2", "FirmwareVersion3"]
            .iter()
            .flat_map(|class| {
                faults
                    .iter()
                    .map(move |fault| fault.replace("FirmwareVersion", class))
            })
            .collect();
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        let run = run(&export("*", "DOM1", ""), &faults);
        succeeds_with_note(&run, words, &faults.join(" "));
    }
}

#[test]
fn firmware_is_asked_for_in_an_older_way_where_the_newer_one_fails() {
    for fault in ["html", "no-payload", "empty-body", "access-denied"] {
        let run = run(&export("*", "DOM1", ""), &[&format!("FirmwareVersion3={fault}")]);
        assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{fault}");
        let notes = run.notes();
        assert!(
            !notes.iter().any(|note| note.contains("firmware")),
            "{fault}: {notes:?}"
        );
    }
}

#[test]
fn a_device_that_does_not_answer_for_its_firmware_is_not_waited_for_three_times() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("FirmwareVersion3=stall@2s");
    let home = Home::new()
        .timeouts("request = 300ms")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", ""));
    let run = home.run("P", &TestClock::odd_night());
    succeeds_with_note(&run, "the firmware and the serial number are not known", "stall");
    assert!(
        !gateway
            .operations()
            .contains(&"get-status/FirmwareVersion2".to_owned())
    );
}

#[test]
fn a_login_that_is_refused_with_http_401_ends_the_task_at_the_first_question() {
    let run = run(&export("*", "DOM1", ""), &["FirmwareVersion3=http-401"]);
    assert_eq!(run.tasks(), ["QA1/DOM1 AUTHENTICATION_FAILED"]);
}

#[test]
fn a_device_that_does_not_tell_its_space_is_asked_for_a_secure_backup_all_the_same() {
    for fault in [
        "no-numbers",
        "http-500",
        "result-error",
        "access-denied",
        "login-failure",
    ] {
        let run = run(&secure_backup("*", ""), &[&format!("FilesystemStatus={fault}")]);
        succeeds_with_note(&run, "does not tell the free space", fault);
    }
}

#[test]
fn the_backup_mode_is_asked_for_in_a_second_way_before_it_counts_as_not_told() {
    for fault in ["http-500", "result-error", "access-denied", "login-failure"] {
        let first = format!("SystemSettings={fault}");
        let told = run(&secure_backup("*", ""), &[&first]);
        assert_eq!(told.tasks(), ["QA1/all-domains SUCCESS"], "{fault}");
        assert_eq!(told.notes(), Vec::<String>::new(), "{fault}");
        let untold = run(
            &secure_backup("*", ""),
            &[&first, &format!("SecureBackupMode={fault}")],
        );
        succeeds_with_note(&untold, "does not tell its backup mode", fault);
    }
}

#[test]
fn a_domain_that_may_belong_to_api_connect_or_not_is_backed_up_with_a_note() {
    for faults in [
        &["APIConnectGatewayService=login-failure"][..],
        &["APIConnectGatewayService=result-error"],
        &["APIConnectGatewayService=access-denied"],
        &["APIConnectGatewayService=html"],
        &["APIConnectGatewayService=empty-body"],
        &["APIConnectGatewayService=no-payload"],
        &[
            "APIConnectGatewayService=html",
            "APIConnectGatewayService=status@500",
        ],
    ] {
        let run = run(&export("*", "DOM1", ""), faults);
        succeeds_with_note(
            &run,
            "whether DOM1 belongs to API Connect is not known",
            &faults.join(" "),
        );
    }
}

#[test]
fn a_refusal_in_one_domain_does_not_hide_the_api_connect_domains_behind_it() {
    for fault in ["result-error", "login-failure", "access-denied", "html"] {
        let gateway = Gateway::start(Setup {
            domains: vec![Domain::new("A"), Domain::new("B").api_connect()],
            ..Setup::default()
        });
        gateway.fail_as(&format!("APIConnectGatewayService@A={fault}"));
        let home = Home::of(&gateway).plan("P", &export("*", "A, B", ""));
        let run = home.run("P", &TestClock::odd_night());
        assert_eq!(
            run.tasks(),
            ["QA1/A SUCCESS", "QA1/B SKIPPED_APIC_DOMAIN"],
            "{fault}: {:?}",
            run.errors()
        );
    }
}

#[test]
fn what_a_run_notes_of_api_connect_is_said_by_check_too() {
    for fault in [
        "login-failure",
        "access-denied",
        "result-error",
        "html",
        "empty-body",
    ] {
        let gateway = with_faults(&[&format!("APIConnectGatewayService={fault}")]);
        let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
        let ran = home.dpbackup(&["check"]).exits(3);
        assert!(
            ran.stdout.contains(
                "whether it belongs to API Connect, which restores it itself, is not known of DOM1 ("
            ),
            "{fault}: {}",
            ran.stdout
        );
    }
}
