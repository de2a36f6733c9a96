//! Answers that would keep a parser busy for minutes or hours: they are refused at once, and
//! whatever was quiesced is unquiesced.

use std::time::Duration;

use dpbackup::run::event::Undo;
use dpbackup::run::ledger::JournalEntry;

use crate::invariants::broken;
use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{EngineRun, Home, TestClock, export, secure_backup};

/// What small documents are made of that cost a careless parser a great deal.
const HOSTILE: [&str; 7] = [
    "namespaces:4000",
    "namespaces:20000",
    "declarations:4000",
    "attributes:160000",
    "nesting:200000",
    "names:100000",
    "elements:1200000",
];

/// Runs one activity with bulk in the answers to an operation, and holds the device to having
/// been put back.
fn run(activity: &str, operation: &str, bulk: &str) -> EngineRun {
    let clock = TestClock::odd_night();
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        domains: vec![Domain::new("DOM1").unsaved(), Domain::new("DOM2")],
        ..Setup::default()
    });
    gateway.fail_as(&format!("{operation}=bulk@answer:{bulk}"));
    let home = Home::of(&gateway).plan("P", activity);
    let run = home.run("P", &clock);
    let requests = gateway.requests();
    let is_struck = requests.iter().any(|request| !request.faults.is_empty());
    assert!(is_struck, "{operation} {bulk}: no request had this answer");
    clock.pass(Duration::from_secs(3600));
    assert_eq!(broken(&home, &gateway, &[]), [""; 0], "{operation} {bulk}");
    let open = home.open_entries();
    let is_folder = |entry: &JournalEntry| matches!(entry.undo, Undo::RemoveFolder(_));
    assert!(open.iter().all(is_folder), "{operation} {bulk}: {open:?}");
    run
}

/// The words of a refusal reach whoever reads about the task.
#[track_caller]
fn says_why(run: &EngineRun, case: &str) {
    let errors = run.errors();
    let why = "the device's answer is not plausible: more than ";
    assert!(
        errors.iter().any(|error| error.contains(why)),
        "{case}: {errors:?}"
    );
}

#[test]
fn an_implausible_answer_to_the_quiesce_ends_unquiesced() {
    for bulk in HOSTILE {
        let quiesced = run(&export("*", "DOM1", "quiesce = true"), "DomainQuiesce", bulk);
        // The device, asked, may show that it was quiesced; then the export is made.
        if quiesced.exit() != 0 {
            says_why(&quiesced, bulk);
        }
    }
}

#[test]
fn an_implausible_answer_in_place_of_an_export_ends_unquiesced() {
    for bulk in HOSTILE {
        let ended = run(&export("*", "DOM1", "quiesce = true"), "do-backup", bulk);
        assert_eq!(ended.tasks(), ["QA1/DOM1 BACKUP_FAILED"], "{bulk}");
        says_why(&ended, bulk);
    }
}

#[test]
fn an_implausible_answer_anywhere_in_an_export_ends_unquiesced() {
    for operation in [
        "FirmwareVersion3",
        "DomainStatus:1",
        "DomainStatus:2",
        "DomainStatus:3",
        "DomainStatus:4",
        "DomainStatus:5",
        "DomainStatus:6",
        "APIConnectGatewayService",
        "do-backup:2",
        "DomainUnquiesce:1",
    ] {
        run(
            &export("*", "DOM1", "quiesce = true"),
            operation,
            "namespaces:4000",
        );
    }
}

#[test]
fn an_implausible_answer_anywhere_in_a_secure_backup_ends_unquiesced() {
    for operation in [
        "SystemSettings",
        "CryptoCertificate",
        "FilesystemStatus",
        "QuiesceDP",
        "SecureBackup",
        "get-filestore:1",
        "get-file:1",
        "get-file:2",
        "DeleteFile:1",
        "RemoveDir:1",
        "UnquiesceDP:1",
    ] {
        run(
            &secure_backup("*", "quiesce = true"),
            operation,
            "namespaces:4000",
        );
    }
}

#[test]
fn a_fault_and_an_error_log_that_are_not_plausible_are_refused_too() {
    for fault in ["http-500", "error-log@no"] {
        let gateway = Gateway::start(Setup::default());
        gateway.fail_as("do-backup=bulk@answer:namespaces:20000");
        gateway.fail_as(&format!("do-backup={fault}"));
        let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
        let ended = home.run("P", &TestClock::odd_night());
        assert_eq!(ended.tasks(), ["QA1/DOM1 BACKUP_FAILED"], "{fault}");
        says_why(&ended, fault);
    }
}
