//! A secure backup whose request got no answer may be made later: its folder is waited for, looked for, and not
//! forgotten before it is not expected any more.

use std::time::Duration;

use dpbackup::run::left::Left;

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
fn a_secure_backup_that_got_no_answer_and_is_made_soon_is_removed_by_its_own_task() {
    let clock = TestClock::night();
    let gateway = gateway(&clock, &["SecureBackup=late@5s", "SecureBackup=reply-lost"]);
    let home = home(&gateway);
    let run = home.run("PLAIN", &clock);
    assert_eq!(
        run.tasks(),
        ["QA1/all-domains BACKUP_FAILED"],
        "{:?}",
        run.errors()
    );
    assert!(
        run.errors()[0].ends_with("; nothing left on the device"),
        "{:?}",
        run.errors()
    );
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
fn a_folder_of_which_nothing_could_be_removed_is_not_gone_because_it_is_not_listed_any_more() {
    let clock = TestClock::night();
    let faults = [
        "DeleteFile=access-denied",
        "RemoveDir=access-denied",
        // Once for the manifest, once before the removal; then after it.
        "get-filestore:3+=hides-row@temporary:",
    ];
    let gateway = gateway(&clock, &faults);
    let home = home(&gateway);
    let run = home.run("PLAIN", &clock);
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert_eq!(run.exit(), 3);
    let warnings = run.warnings().join("\n");
    assert!(
        warnings.contains("is still on the device") && warnings.contains("refused to remove anything of it"),
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
