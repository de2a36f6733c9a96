//! Backups that come back wrong: each fault of the wire or the content has its status, and
//! nothing of a failed backup stays in the store or quiesced on the device.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dpbackup::clock::Clock;
use dpbackup::run::event::Event;
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;
use dpbackup::values::boot_time::BootTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{EngineRun, Home, TestClock, export, notes_of, secure_backup};

fn gateway(clock: &TestClock, fault: &str) -> Gateway {
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        secure_backup_time: Duration::from_secs(30),
        ..Setup::default()
    });
    gateway.fail_as(fault);
    gateway
}

/// Runs one task under a fault, quiesced, and holds it to this status and no remains.
#[track_caller]
fn fails(activity: &str, fault: &str, status: &str) -> (EngineRun, Home, Gateway) {
    let clock = TestClock::night();
    let gateway = gateway(&clock, fault);
    let home = Home::new()
        .timeouts("request = 2s, secure_backup = 5m, idle = 500ms")
        .device("QA1", &gateway)
        .plan("P", activity);
    let run = home.run("P", &clock);
    let task = &run.tasks()[0];
    assert!(
        task.ends_with(&format!(" {status}")),
        "{fault}: {task} {:?}",
        run.errors()
    );
    assert_eq!((run.status(), run.exit()), ("FAILED", 1), "{fault}");
    let error = run.errors().remove(0);
    assert!(
        error.starts_with("QA1: ") && error.ends_with("; unquiesced and confirmed"),
        "{fault}: {error}"
    );
    assert!(gateway.state().is_unquiesced(), "{fault}");
    assert_eq!(home.stored(), Vec::<String>::new(), "{fault}");
    assert_eq!(home.recorded(), run.tasks(), "{fault}");
    (run, home, gateway)
}

fn domain() -> String {
    export("*", "DOM1", "quiesce = true")
}

fn device() -> String {
    secure_backup("*", "quiesce = true")
}

#[test]
fn an_export_that_the_device_does_not_make_is_a_failed_backup() {
    for fault in [
        "empty-file",
        "file-error",
        "result-error",
        "no-space",
        "access-denied",
        "http-500",
        "http-503",
        "close",
        "reset",
        "html",
        "redirect@https://127.0.0.1:1/elsewhere",
    ] {
        let (run, home, _gateway) = fails(&domain(), &format!("do-backup={fault}"), "BACKUP_FAILED");
        assert_eq!(home.open_entries(), [], "{fault}");
        assert!(!run.statuses().contains(&"VERIFYING"), "{fault}");
    }
}

#[test]
fn an_export_that_breaks_on_its_way_is_a_failed_download() {
    for fault in [
        "close-in-body@4000",
        "stall-in-body@4000",
        "length-too-long@20",
        "length-too-short@20",
        "truncated-base64",
        "corrupt-base64",
    ] {
        let (run, home, _gateway) = fails(&domain(), &format!("do-backup={fault}"), "DOWNLOAD_FAILED");
        assert_eq!(home.open_entries(), [], "{fault}");
        assert!(run.statuses().contains(&"DOWNLOADING"), "{fault}");
        let row = &home.task_rows()[0];
        assert_eq!((row.files_downloaded, row.download_errors), (0, 1), "{fault}");
    }
}

#[test]
fn an_export_that_is_not_what_it_says_does_not_pass_verification() {
    for fault in [
        "bad-crc",
        "truncated-archive",
        "wrong-hash",
        "other-domain",
        "missing-entry",
        "missing-domain",
        "extra-entry",
        "no-objects",
    ] {
        let (run, home, _gateway) = fails(&domain(), &format!("do-backup={fault}"), "VERIFICATION_FAILED");
        assert_eq!(home.open_entries(), [], "{fault}");
        assert!(
            run.errors()[0].contains(" is not good: "),
            "{fault}: {:?}",
            run.errors()
        );
        assert!(run.statuses().contains(&"VERIFYING"), "{fault}");
        let details = home.details(0);
        assert_eq!(
            (details.files.len(), details.failed_files.len()),
            (0, 1),
            "{fault}"
        );
        assert!(
            details.failed_files[0].name.starts_with("DOM1-export-"),
            "{fault}"
        );
    }
}

#[test]
fn an_export_of_all_domains_that_lacks_one_does_not_pass_verification() {
    let activity = export("*", "all-domains", "quiesce = true");
    let (run, ..) = fails(&activity, "do-backup=missing-domain", "VERIFICATION_FAILED");
    assert!(run.errors()[0].contains("DOM2"), "{:?}", run.errors());
}

#[test]
fn a_good_first_export_stays_when_the_second_of_a_domain_fails() {
    let clock = TestClock::night();
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").unsaved()],
        ..Setup::default()
    });
    gateway.fail_as("do-backup:2=bad-crc");
    let home = Home::of(&gateway).plan("P", &domain());
    let run = home.run("P", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM1 VERIFICATION_FAILED"]);
    assert_eq!(
        home.stored(),
        ["QA1/domain/DOM1/DOM1-export-2026-11-22-01-00-00-000-persisted.zip"]
    );
    let row = &home.task_rows()[0];
    assert_eq!((row.files_downloaded, row.download_errors), (1, 1));
}

#[test]
fn a_secure_backup_that_the_device_does_not_make_is_a_failed_backup() {
    for fault in ["no-space", "access-denied", "http-500"] {
        let (run, home, gateway) = fails(&device(), &format!("SecureBackup={fault}"), "BACKUP_FAILED");
        assert_eq!(home.open_entries(), [], "{fault}");
        assert!(!run.statuses().contains(&"DOWNLOADING"), "{fault}");
        assert_eq!(
            gateway.state().files("default", "temporary:"),
            Vec::<String>::new(),
            "{fault}"
        );
    }
}

#[test]
fn a_secure_backup_that_ends_without_a_manifest_does_not_keep_the_device_down_to_the_limit() {
    let (run, home, gateway) = fails(&device(), "SecureBackup=gives-up", "BACKUP_FAILED");
    assert!(
        run.errors()[0].contains("ended the secure backup without a manifest"),
        "{:?}",
        run.errors()
    );
    assert_eq!(home.open_entries(), []);
    assert_eq!(
        gateway.state().files("default", "temporary:"),
        Vec::<String>::new()
    );
    // It takes 30 s, and five minutes are allowed: those would be some 170 looks.
    let looks = gateway
        .operations()
        .iter()
        .filter(|name| *name == "get-filestore")
        .count();
    assert!(looks < 60, "{looks} looks at the folder");
}

#[test]
fn a_secure_backup_that_is_refused_with_a_part_of_it_there_is_told_in_the_words_of_the_device_and_left_soon()
{
    for hidden in ["", "DomainStatus=no-field@CurrentCommand"] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, "SecureBackup=gives-up");
        gateway.fail_as("SecureBackup=error-log@Error creating secure backup.");
        if !hidden.is_empty() {
            gateway.fail_as(hidden);
        }
        let home = Home::new()
            .timeouts("secure_backup = 5m")
            .device("QA1", &gateway)
            .plan("P", &device());
        let run = home.run("P", &clock);
        assert_eq!(run.tasks(), ["QA1/all-domains BACKUP_FAILED"]);
        let told = run.errors().remove(0);
        assert!(told.contains("Error creating secure backup."), "{hidden}: {told}");
        assert!(!told.contains("not ready within"), "{hidden}: {told}");
        // Nothing says that the device has taken it.
        assert_eq!(run.warnings(), [""; 0], "{hidden}");
        assert_eq!(home.open_entries(), [], "{hidden}");
        assert_eq!(
            gateway.state().files("default", "temporary:"),
            [""; 0],
            "{hidden}"
        );
        assert!(gateway.state().is_unquiesced(), "{hidden}");
        // It works for 30 s, and then stands still; five minutes are allowed.
        let looks = gateway.received("get-filestore");
        assert!(looks < 60, "{hidden}: {looks} looks at the folder");
    }
}

#[test]
fn a_secure_backup_is_fetched_when_the_device_has_ended_it_whatever_it_says_before() {
    for fault in [
        "SecureBackup=early-manifest",
        "SecureBackup=scheduled",
        // The first look after the request.
        "get-status/DomainStatus:5=result-error",
    ] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, fault);
        let home = Home::of(&gateway).plan("P", &device());
        let run = home.run("P", &clock);
        assert_eq!(
            run.tasks(),
            ["QA1/all-domains SUCCESS"],
            "{fault}: {:?}",
            run.errors()
        );
    }
}

#[test]
fn a_folder_that_the_device_does_not_remove_is_emptied_and_that_is_enough() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, "RemoveDir=access-denied");
    let home = Home::of(&gateway).plan("P", &device());
    let run = home.run("P", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(home.open_entries(), []);
    let notes = notes_of(&home.details(0));
    assert!(
        notes.iter().any(|note| note.contains("is empty and stays")),
        "{notes:?}"
    );
}

#[test]
fn what_a_device_did_with_the_request_to_remove_a_folder_is_not_known_where_it_gave_no_answer() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, "RemoveDir=not-done");
    gateway.fail_as("RemoveDir=reset");
    let home = Home::of(&gateway).plan("P", &device());
    let run = home.run("P", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(home.open_entries(), []);
    let notes = notes_of(&home.details(0));
    let is_told = |words: &str| notes.iter().any(|note| note.contains(words));
    assert!(
        is_told("is empty; whether the device removed it is not known"),
        "{notes:?}"
    );
    assert!(!is_told("does not remove it"), "{notes:?}");
}

#[test]
fn what_was_answered_to_the_request_to_remove_an_empty_folder_is_told_in_the_words_of_the_answer() {
    let not_known = "is empty; whether the device removed it is not known: ";
    for (fault, words, answer, is_warning) in [
        (
            "http-401",
            "is empty and stays: the request to remove it was not carried out: ",
            "401",
            true,
        ),
        (
            "http-503",
            not_known,
            "the answer to the request for that was: RemoveDir: ",
            false,
        ),
        (
            "html",
            not_known,
            "the answer to the request for that was: RemoveDir: ",
            false,
        ),
        (
            "access-denied",
            "is empty and stays: the device refused to remove it: ",
            "RemoveDir: ",
            false,
        ),
        (
            "reset",
            not_known,
            "the request for that got no answer: RemoveDir: ",
            false,
        ),
    ] {
        let clock = TestClock::night();
        let gateway = gateway(&clock, "RemoveDir=not-done");
        gateway.fail_as(&format!("RemoveDir={fault}"));
        let home = Home::of(&gateway).plan("P", &device());
        let run = home.run("P", &clock);
        assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
        assert_eq!(run.exit(), if is_warning { 3 } else { 0 }, "{fault}");
        assert_eq!(home.open_entries(), [], "{fault}");
        let told = match is_warning {
            true => run.warnings().join("\n"),
            false => notes_of(&home.details(0)).join("\n"),
        };
        let told: Vec<&str> = told.lines().collect();
        let is_told = |told: &&str| told.contains(words) && told.contains(answer);
        assert!(told.iter().any(is_told), "{fault}: {told:?}");
        let is_silence = |told: &&str| told.contains("got no answer");
        assert_eq!(told.iter().any(is_silence), fault == "reset", "{fault}: {told:?}");
    }
}

/// A clock that is four minutes later after each file that a gateway was asked to remove.
struct SlowToRemove<'g>(&'g TestClock, &'g Gateway, AtomicUsize);

impl Clock for SlowToRemove<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        let removed = self.1.received("DeleteFile");
        let counted = self.2.swap(removed, Ordering::SeqCst);
        for _ in counted..removed {
            self.0.pass(Duration::from_secs(240));
        }
        self.0.elapsed()
    }

    fn boot_time(&self) -> Option<BootTime> {
        self.0.boot_time()
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        self.0.sleep(duration, stop);
    }

    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}

#[test]
fn a_folder_whose_files_take_too_long_to_remove_is_left_to_a_later_start() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, "RemoveDir=not-done");
    let home = Home::of(&gateway).plan("P", &device());
    let slow = SlowToRemove(&clock, &gateway, AtomicUsize::new(0));
    let run = home.run_with("P", &slow, Options::default(), &Stop::new(), &mut |_| {});
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(gateway.received("DeleteFile"), 3);
    assert_eq!(home.open_entries().len(), 1);
    gateway.clear_faults();
    assert_eq!(home.recover(&clock).expect("an end").left, Left::Nothing);
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_part_that_is_shorter_than_the_device_listed_it_is_not_stored() {
    for fault in ["get-file:1=empty-file", "get-file/backupmanifest.xml=empty-file"] {
        let (run, home, gateway) = fails(&device(), fault, "DOWNLOAD_FAILED");
        assert!(
            run.errors()[0].contains("0 bytes came of a file listed with"),
            "{:?}",
            run.errors()
        );
        assert_eq!(home.details(0).files, []);
        assert!(
            !gateway.operations().contains(&"do-action/DeleteFile".to_owned()),
            "what is on the device stays there"
        );
    }
}

#[test]
fn a_part_that_the_device_calls_by_another_name_is_not_stored() {
    let fault = "get-file:2+=hostile-name@temporary:///x/another.tgz";
    let (run, home, _gateway) = fails(&device(), fault, "DOWNLOAD_FAILED");
    let words = "the device answered with another file, temporary:///x/another.tgz";
    assert!(run.errors()[0].contains(words), "{:?}", run.errors());
    assert_eq!(home.details(0).files, []);
}

#[test]
fn a_secure_backup_whose_reply_is_lost_is_looked_for_and_not_asked_for_again() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, "SecureBackup=reply-lost");
    let home = Home::of(&gateway).plan("P", &device());
    let run = home.run("P", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    let asked = gateway.operations();
    assert_eq!(
        asked
            .iter()
            .filter(|name| *name == "do-action/SecureBackup")
            .count(),
        1
    );
}

#[test]
fn a_part_of_a_secure_backup_that_breaks_on_its_way_is_a_failed_download() {
    for fault in [
        "get-file:2=close-in-body@1000",
        "get-file:2=stall-in-body@1000",
        "get-file:3+=close",
        "get-file:1=corrupt-base64",
        "get-file/backupmanifest.xml=http-503",
    ] {
        let (_run, home, _gateway) = fails(&device(), fault, "DOWNLOAD_FAILED");
        let details = home.details(0);
        assert_eq!(
            (details.files.len(), details.failed_files.len()),
            (0, 1),
            "{fault}"
        );
    }
}

#[test]
fn a_secure_backup_that_is_not_what_its_manifest_says_does_not_pass_verification() {
    for (fault, words) in [
        ("missing-part", "password-map.tgz"),
        ("changed-part", "root.tgz"),
        ("extra-part", "not good"),
        ("hostile-name@evil\\..\\name", "unsafe name"),
    ] {
        let (run, home, gateway) = fails(&device(), &format!("SecureBackup={fault}"), "VERIFICATION_FAILED");
        assert!(run.errors()[0].contains(words), "{fault}: {:?}", run.errors());
        assert_eq!(home.details(0).files, [], "{fault}");
        // The only copy there is stays on the device until recover or the next run.
        assert_eq!(home.open_entries().len(), 1, "{fault}");
        assert!(
            !gateway.operations().contains(&"do-action/RemoveDir".to_owned()),
            "{fault}"
        );
        gateway.clear_faults();
        let _ = home.dpbackup(&["recover"]).exits(0);
        assert_eq!(home.open_entries(), [], "{fault}");
        assert_eq!(
            gateway.state().files("default", "temporary:"),
            Vec::<String>::new(),
            "{fault}"
        );
    }
}

#[test]
fn a_device_that_restarts_in_the_middle_of_a_secure_backup_is_a_failed_backup() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, "get-filestore:1=restart");
    let home = Home::of(&gateway).plan("P", &secure_backup("*", ""));
    let run = home.run("P", &clock);
    assert_eq!(
        run.tasks(),
        ["QA1/all-domains BACKUP_FAILED"],
        "{:?}",
        run.errors()
    );
    // It took the request, and nobody saw anything of the folder.
    assert_eq!(home.open_entries().len(), 1);
    home.holds_nothing();
}

#[test]
fn reads_are_tried_again_and_changes_are_not() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, "get-status:1=close");
    for fault in [
        "get-status:3=http-503",
        "FirmwareVersion3:1=reset",
        "get-file:1=close-in-body@500",
    ] {
        gateway.fail_as(fault);
    }
    let home = Home::new()
        .setting("retries = 2")
        .device("QA1", &gateway)
        .plan("P", &device());
    let run = home.run("P", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    let once = |operation: &str| {
        gateway
            .operations()
            .iter()
            .filter(|name| *name == operation)
            .count()
    };
    for operation in [
        "do-action/QuiesceDP",
        "do-action/SecureBackup",
        "do-action/UnquiesceDP",
    ] {
        assert_eq!(once(operation), 1, "{operation}");
    }
    let clock = TestClock::at("2026-11-23T01:00:00Z");
    gateway.clear_faults();
    gateway.forget_requests();
    // An export is sent once more where its connection had carried something before, and no oftener.
    gateway.fail_as("do-backup=close");
    let again = Home::new()
        .setting("retries = 2")
        .device("QA1", &gateway)
        .plan("P", &domain());
    assert_eq!(again.run("P", &clock).tasks(), ["QA1/DOM1 BACKUP_FAILED"]);
    assert_eq!(
        gateway
            .operations()
            .iter()
            .filter(|name| *name == "do-backup")
            .count(),
        2
    );
}

#[test]
fn words_of_the_device_reach_the_message() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, "get-status:99=reset");
    gateway.state().setup.certificates[0].ecdsa = true;
    let home = Home::of(&gateway).plan("P", &secure_backup("*", ""));
    let run = home.run("P", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains BACKUP_FAILED"]);
    let error = &run.errors()[0];
    for words in [
        "Error creating secure backup.",
        "the system log of the device says why",
    ] {
        assert!(error.contains(words), "{error}");
    }
    assert!(
        run.errors()[0].ends_with("; nothing left on the device"),
        "{:?}",
        run.errors()
    );
}

#[test]
fn a_device_that_still_makes_a_secure_backup_keeps_its_folder_until_recover() {
    let (run, home, gateway) = fails(&device(), "SecureBackup=never-ready", "BACKUP_FAILED");
    assert_eq!(home.open_entries().len(), 1, "the journal remembers the folder");
    assert!(
        run.events
            .iter()
            .any(|event| matches!(event, Event::Warning { .. })),
        "and somebody is told"
    );
    gateway.state().restart();
    let _ = home.dpbackup(&["recover"]).exits(0);
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_secure_backup_that_is_still_written_has_not_ended_because_nothing_says_that_it_goes_on() {
    let clock = TestClock::night();
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        secure_backup_time: Duration::from_secs(60),
        ..Setup::default()
    });
    // It is shown for some looks, and the parts come for a minute.
    gateway.fail_as("DomainStatus:8+=no-field@CurrentCommand");
    let home = Home::new()
        .timeouts("secure_backup = 5m")
        .device("QA1", &gateway)
        .plan("P", &device());
    let run = home.run("P", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_secure_backup_that_was_taken_and_of_which_nothing_came_may_come_yet() {
    let clock = TestClock::night();
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        secure_backup_time: Duration::from_secs(8),
        ..Setup::default()
    });
    gateway.fail_as("SecureBackup=gives-up");
    gateway.fail_as("get-filestore=hides-row@temporary:");
    let home = Home::new()
        .timeouts("secure_backup = 5m")
        .device("QA1", &gateway)
        .plan("P", &device());
    let run = home.run("P", &clock);
    assert_eq!(
        run.tasks(),
        ["QA1/all-domains BACKUP_FAILED"],
        "{:?}",
        run.errors()
    );
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries().len(), 1);
    let warnings = run.warnings().join("\n");
    assert!(
        warnings.contains("has taken the request for its secure backup and nobody has seen all of it"),
        "{warnings}"
    );
}
