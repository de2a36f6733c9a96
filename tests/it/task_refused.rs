//! What ends a task before anything is done to its device: the device is untouched, and
//! the message says so.

use std::time::Duration;

use dpbackup::run::event::Event;
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;

use crate::simulator::{BackupMode, CryptoCertificate, Domain, Gateway, Setup, Space};
use crate::support::{EngineRun, Home, TestClock, export, gateways, notes_of, secure_backup};

fn home(gateway: &Gateway) -> Home {
    Home::of(gateway)
        .script("good.sh", "#!/bin/sh\n")
        .script("bad.sh", "#!/bin/sh\nexit 3\n")
        .script(
            "mark.sh",
            "#!/bin/sh\necho \"$2 $5 $6\" >> \"$DPBACKUP_STORE/../ran\"\n",
        )
}

/// The requests so far that were not mere questions.
fn changes(gateway: &Gateway) -> Vec<String> {
    let mut operations = gateway.operations();
    let asks = |operation: &str| operation.starts_with("get-") || operation == "do-view-certificate-details";
    operations.retain(|operation| !asks(operation));
    operations
}

/// Holds a run of one task to a failure that left the device alone.
#[track_caller]
fn is_refused(run: &EngineRun, home: &Home, gateway: &Gateway, status: &str, words: &str) {
    assert!(
        run.tasks()
            .iter()
            .all(|task| task.ends_with(&format!(" {status}"))),
        "{:?}",
        run.tasks()
    );
    assert_eq!((run.status(), run.exit()), ("FAILED", 1));
    let error = run.errors().remove(0);
    assert!(error.contains(words), "{error}");
    assert!(error.ends_with("; device untouched"), "{error}");
    assert_eq!(changes(gateway), Vec::<String>::new());
    assert_eq!(home.open_entries(), []);
    home.holds_nothing();
}

#[track_caller]
fn refused(setup: Setup, activity: &str, status: &str, words: &str) -> Gateway {
    let gateway = Gateway::start(setup);
    let home = home(&gateway).plan("P", activity);
    let run = home.run("P", &TestClock::night());
    is_refused(&run, &home, &gateway, status, words);
    gateway
}

#[test]
fn a_store_that_lost_its_space_since_the_plan_began_stops_the_task() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway)
        .script(
            "swap.sh",
            "#!/bin/sh\nrmdir \"$DPBACKUP_STORE\" && ln -s /proc \"$DPBACKUP_STORE\"\n",
        )
        .plan(
            "P",
            &format!(
                "pre_script = \"swap.sh\"\n{}",
                export("*", "DOM1", "quiesce = true")
            ),
        );
    let run = home.run("P", &TestClock::night());
    assert_eq!(run.tasks(), ["QA1/DOM1 NOT_ENOUGH_FREE_SPACE_IN_STORE"]);
    assert!(
        run.errors()[0].ends_with("; device untouched"),
        "{:?}",
        run.errors()
    );
    assert_eq!(changes(&gateway), Vec::<String>::new());
}

#[test]
fn a_domain_that_somebody_quiesced_is_not_backed_up_with_quiesce_and_stays_quiesced() {
    let setup = Setup {
        domains: vec![Domain::new("DOM1").quiesced(), Domain::new("DOM2")],
        ..Setup::default()
    };
    let activity = export("*", "DOM1", "quiesce = true");
    let gateway = refused(
        setup,
        &activity,
        "DOMAIN_ALREADY_QUIESCED",
        "DOM1 is quiesced already, and not by this task",
    );
    assert_eq!(gateway.state().quiesce_state("DOM1"), "quiesced");
}

#[test]
fn a_domain_that_somebody_quiesced_is_exported_where_no_quiesce_is_asked_for() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").quiesced()],
        ..Setup::default()
    });
    let home = home(&gateway).plan("P", &export("*", "DOM1", ""));
    assert_eq!(home.run("P", &TestClock::night()).tasks(), ["QA1/DOM1 SUCCESS"]);
    assert_eq!(gateway.state().quiesce_state("DOM1"), "quiesced");
    assert_eq!(changes(&gateway), ["do-backup"]);
}

#[test]
fn another_domain_that_somebody_quiesced_does_not_matter_to_an_export() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1"), Domain::new("DOM2").quiesced()],
        ..Setup::default()
    });
    let home = home(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    assert_eq!(home.run("P", &TestClock::night()).tasks(), ["QA1/DOM1 SUCCESS"]);
    assert_eq!(gateway.state().quiesce_state("DOM2"), "quiesced");
    assert_eq!(gateway.state().quiesce_state("DOM1"), "");
}

#[test]
fn a_device_with_a_quiesced_domain_is_not_quiesced_as_a_whole() {
    for activity in [
        secure_backup("*", "quiesce = true"),
        export("*", "all-domains", "quiesce = true"),
    ] {
        let setup = Setup {
            domains: vec![Domain::new("DOM1"), Domain::new("DOM2").quiesced()],
            ..Setup::default()
        };
        let gateway = refused(
            setup,
            &activity,
            "DEVICE_HAS_QUIESCED_DOMAINS",
            "DOM2 is quiesced already",
        );
        assert_eq!(gateway.state().quiesce_state("DOM2"), "quiesced");
    }
}

#[test]
fn the_device_is_asked_again_right_before_the_quiesce() {
    for (activity, status) in [
        (
            export("*", "DOM1", "quiesce = true\npre_script = \"good.sh\""),
            "DOMAIN_ALREADY_QUIESCED",
        ),
        (
            secure_backup("*", "quiesce = true\npre_script = \"good.sh\""),
            "DEVICE_HAS_QUIESCED_DOMAINS",
        ),
    ] {
        let gateway = Gateway::start(Setup::default());
        let home = home(&gateway).plan("P", &activity);
        let mut watch = |event: &Event| {
            if matches!(event, Event::ScriptEnded { .. }) {
                gateway.state().set_quiesced("DOM1", true);
            }
        };
        let (clock, stop) = (TestClock::night(), Stop::new());
        let run = home.run_with("P", &clock, Options::default(), &stop, &mut watch);
        is_refused(&run, &home, &gateway, status, "DOM1 is quiesced already");
        assert_eq!(
            gateway.state().quiesce_state("DOM1"),
            "quiesced",
            "it is not ours to undo"
        );
    }
}

#[test]
fn a_device_in_normal_mode_makes_no_secure_backup() {
    let setup = Setup {
        backup_mode: BackupMode::Normal,
        ..Setup::default()
    };
    refused(
        setup,
        &secure_backup("*", "quiesce = true"),
        "DEVICE_NOT_IN_DR_MODE",
        "secure-backup",
    );
}

#[test]
fn a_certificate_that_the_device_does_not_hold_is_named() {
    let setup = Setup {
        certificates: vec![CryptoCertificate::new("backup-cert-2")],
        ..Setup::default()
    };
    let activity = secure_backup("*", "quiesce = true");
    refused(setup, &activity, "CERT_DOESNT_EXIST_ON_DEVICE", "'backup-cert'");
}

#[test]
fn a_device_without_room_in_temporary_makes_no_secure_backup() {
    let gateway = Gateway::start(Setup {
        space: Space {
            temporary: (499, 2_000),
            ..Space::default()
        },
        ..Setup::default()
    });
    let plan = secure_backup("*", "quiesce = true");
    let share = home(&gateway)
        .setting("min_free_device = \"25%\"")
        .plan("P", &plan);
    let run = share.run("P", &TestClock::night());
    is_refused(
        &run,
        &share,
        &gateway,
        "NOT_ENOUGH_FREE_SPACE_ON_DEVICE",
        "temporary: has 499.0 MiB free",
    );
    let size = home(&gateway)
        .setting("min_free_device = \"500 MiB\"")
        .plan("P", &plan);
    let run = size.run("P", &TestClock::night());
    is_refused(
        &run,
        &size,
        &gateway,
        "NOT_ENOUGH_FREE_SPACE_ON_DEVICE",
        "asks for 500.0 MiB",
    );
}

#[test]
fn room_in_temporary_does_not_matter_to_an_export() {
    let gateway = Gateway::start(Setup {
        space: Space {
            temporary: (10, 2_000),
            ..Space::default()
        },
        ..Setup::default()
    });
    let home = home(&gateway)
        .setting("min_free_device = \"25%\"")
        .plan("P", &export("*", "DOM1", ""));
    assert_eq!(home.run("P", &TestClock::night()).tasks(), ["QA1/DOM1 SUCCESS"]);
}

#[test]
fn a_device_that_does_not_tell_its_mode_is_asked_for_a_secure_backup_all_the_same() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("SystemSettings=http-500");
    gateway.fail_as("SecureBackupMode=http-500");
    let home = home(&gateway).plan("P", &secure_backup("*", ""));
    let run = home.run("P", &TestClock::night());
    assert_eq!(run.tasks(), ["QA1/all-domains SUCCESS"], "{:?}", run.errors());
    assert!(
        run.notes()
            .iter()
            .any(|note| note.contains("does not tell its backup mode")),
        "{:?}",
        run.notes()
    );
}

#[test]
fn a_failed_pre_task_script_stops_the_task_and_the_post_task_script_still_runs() {
    let more = "quiesce = true\npre_script = \"bad.sh\"\npost_script = \"mark.sh\"";
    for activity in [export("*", "DOM1", more), secure_backup("*", more)] {
        let gateway = Gateway::start(Setup::default());
        let home = home(&gateway).plan("P", &activity);
        let run = home.run("P", &TestClock::night());
        is_refused(
            &run,
            &home,
            &gateway,
            "TASK_FAILED_PRE_SCRIPT",
            "bad.sh: return code 3",
        );
        let ran = home.text("ran");
        assert!(
            ran.starts_with("POST TASK_FAILED_PRE_SCRIPT the pre-task script"),
            "{ran}"
        );
    }
}

#[test]
fn a_domain_that_is_gone_when_its_task_starts_is_a_failed_task() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).plan("P", &export("*", "DOM1", ""));
    let mut watch = |event: &Event| {
        if matches!(event, Event::PlanStatus { .. }) {
            gateway.state().remove_domain("DOM1");
        }
    };
    let run = home.run_with(
        "P",
        &TestClock::night(),
        Options::default(),
        &Stop::new(),
        &mut watch,
    );
    is_refused(
        &run,
        &home,
        &gateway,
        "DEVICE_ERROR",
        "domain DOM1 does not exist any more",
    );
}

#[test]
fn a_login_that_is_refused_in_the_middle_is_not_tried_by_the_tasks_that_wait() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("FirmwareVersion3=account-locked");
    let home = home(&gateway).plan(
        "P",
        &format!(
            "error_policy = \"ignore\"\n{}",
            export("*", "DOM*", "") + &secure_backup("*", "")
        ),
    );
    let run = home.run("P", &TestClock::night());
    assert_eq!(
        run.tasks(),
        [
            "QA1/DOM1 AUTHENTICATION_FAILED",
            "QA1/DOM2 AUTHENTICATION_FAILED",
            "QA1/all-domains AUTHENTICATION_FAILED",
        ]
    );
    for error in &run.errors()[1..] {
        assert!(
            error.starts_with("QA1: not tried, for the login was refused to task "),
            "{error}"
        );
    }
    let operations = gateway.operations();
    assert_eq!(
        operations.last().map(String::as_str),
        Some("get-status/DomainStatus"),
        "{operations:?}"
    );
    assert_eq!(
        operations.iter().filter(|name| name.contains("Firmware")).count(),
        1,
        "{operations:?}"
    );
}

#[test]
fn a_device_that_has_a_domain_which_it_does_not_list_is_not_quiesced_as_a_whole() {
    let setup =
        || gateways::small(["DOM1", "DOM2", "DOM3"].map(Domain::new)).being(&["rows-for-others@DOM2"]);
    for activity in [
        secure_backup("*", "quiesce = true"),
        export("*", "all-domains", "quiesce = true"),
    ] {
        let words = "whether DOM2 is quiesced is not known: the device has it, and does not show this account how it stands";
        let gateway = refused(setup(), &activity, "DEVICE_ERROR", words);
        let home = home(&gateway).plan("P", &activity);
        let shown = home.dpbackup(&["preview", "P"]);
        assert!(
            shown.stdout.contains("whether DOM2 is quiesced is not known"),
            "{}",
            shown.stdout
        );
        let shown = home.dpbackup(&["check", "P"]);
        let line = "WARN  not listed   the device has DOM2, and does not list it to this account: no pattern matches it";
        assert!(shown.stdout.contains(line), "{}", shown.stdout);
        let line = "WARN  quiesced     not known of DOM2: the device does not list it";
        assert!(shown.stdout.contains(line), "{}", shown.stdout);
        let line = "OK    quiesced     none of the domains that plans quiesce and the device lists is";
        assert!(shown.stdout.contains(line), "{}", shown.stdout);
    }
    // A disabled one keeps nothing back, and where nobody may look the task goes on, and says so.
    for (way, fault, told) in [
        ("disabled@DOM2", None, None),
        (
            "rows-for-others@DOM2",
            Some("get-config:1=access-denied"),
            Some("whether the device has domains that it does not list is not known: "),
        ),
    ] {
        let clock = TestClock::night();
        let setup = gateways::on_clock(&clock, Duration::from_secs(1), setup().being(&[way]));
        let gateway = Gateway::start(setup);
        fault.iter().for_each(|fault| gateway.fail_as(fault));
        let home = home(&gateway).plan("P", &secure_backup("*", "quiesce = true"));
        let run = home.run("P", &clock);
        assert_eq!(
            run.tasks(),
            ["QA1/all-domains SUCCESS"],
            "{way} {:?}",
            run.errors()
        );
        let notes = notes_of(&home.details(0)).join("\n");
        assert_eq!(notes.contains("does not list"), told.is_some(), "{notes}");
        // What is not known is never success.
        assert_eq!(run.exit(), if told.is_some() { 3 } else { 0 }, "{way}");
        assert!(notes.contains(told.unwrap_or_default()), "{notes}");
    }
}
