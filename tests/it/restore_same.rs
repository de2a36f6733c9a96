//! A backup that is what runs already, and one that may be of another gateway.

use serde_json::Value;

use crate::restore::{change, sent, setup};
use crate::simulator::Gateway;
use crate::support::{Home, Ran, export};

fn backed_up() -> (Gateway, Home) {
    let gateway = Gateway::start(setup());
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    (gateway, home)
}

fn restore(home: &Home, options: &[&str]) -> Ran {
    home.dpbackup(&[&["restore", "1", "--to", "QA1"], options].concat())
}

#[test]
fn a_domain_that_is_as_the_backup_has_it_is_sent_nothing_and_that_is_no_failure() {
    let (gateway, home) = backed_up();
    // A word of a plan that was shown before is not asked for any more.
    for options in [&[][..], &["--confirm", "0123456789ab"], &["--save"]] {
        let ran = restore(&home, options).exits(0);
        for told in [
            "PLAN: DOM1 of QA1 becomes what task 1 has backed up\n",
            "nothing to restore: DOM1 of QA1 is as the backup has it\n",
        ] {
            assert!(ran.stdout.contains(told), "{options:?}: {told} in {}", ran.stdout);
        }
        assert_eq!(home.last_plan().status.code(), "SUCCESS");
    }
    let ran = restore(&home, &["--format", "json"]).exits(0);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["nothing_to_restore"], true);
    assert_eq!(document["imported_objects"], Value::Null);
    assert_eq!(sent(&gateway), [""; 0]);
    assert_eq!(gateway.received("SaveConfig"), 0);
    assert!(home.open_entries().is_empty());
    change(&gateway);
    let ran = restore(&home, &["--format", "json"]).exits(4);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["nothing_to_restore"], false);
}

#[test]
fn what_runs_as_the_backup_has_it_and_is_not_saved_is_restored_where_it_is_to_be_saved() {
    let gateway = Gateway::start(setup());
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    let port = |port: &str| {
        let mut state = gateway.state();
        state.set_property("DOM1", "MultiProtocolGateway", "DOM1-service", "Port", port);
    };
    port("8001");
    gateway.state().set_unsaved("DOM1", false);
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    // Another one is saved, and somebody has taken that back without saving it.
    port("8002");
    gateway.state().set_unsaved("DOM1", false);
    port("8001");
    let _ = restore(&home, &["--over-unsaved", "--save"]).exits(4);
    let ran = restore(&home, &["--over-unsaved"]).exits(0);
    let told = "nothing to restore: DOM1 of QA1 is as the backup has it; the device says that not all of it is saved: --save saves it\n";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
}

#[test]
fn a_domain_whose_own_object_is_not_as_the_backup_has_it_is_restored() {
    let (gateway, home) = backed_up();
    let _ = restore(&home, &[]).exits(0);
    gateway.state().set_own_property("DOM1", "MaxChkpoints", "5");
    let ran = restore(&home, &[]).exits(4);
    // What is confirmed is what would be changed.
    for told in ["Domain DOM1", "MaxChkpoints", " 1 overwritten"] {
        assert!(ran.stdout.contains(told), "{told}: {}", ran.stdout);
    }
    assert_eq!(sent(&gateway), [""; 0]);
    // A dry run that changes it is seen, and no import follows.
    let confirmed = |fault: &str| {
        let word = crate::restore::word(&home, &[]);
        gateway.fail_as(fault);
        let ran = restore(&home, &["--confirm", &word]);
        gateway.clear_faults();
        ran
    };
    let ran = confirmed("do-restore:1=own-becomes@mAdminState/disabled").exits(1);
    let told = "DOM1 of QA1 is not as it was when the plan was made: Domain DOM1 was changed, by the dry run";
    assert!(ran.stderr.contains(told), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(sent(&gateway), ["dry"]);
    gateway.state().set_own_property("DOM1", "mAdminState", "enabled");
    // The gateway says that all went well, and leaves that object as it was, or makes another of it.
    for fault in [
        "do-restore:2=leaves-own",
        "do-restore:2=own-becomes@mAdminState/disabled",
    ] {
        let ran = confirmed(fault).exits(1);
        let told = "Domain DOM1 is not as the backup has it";
        assert!(ran.stderr.contains(told), "{fault}: {}{}", ran.stdout, ran.stderr);
    }
    // What came out last is disabled, and so the plan says.
    let ran = restore(&home, &[]).exits(4);
    let told = "  look       domain DOM1 is disabled: nothing of it is at work\n";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    assert!(ran.stdout.contains("mAdminState"), "{}", ran.stdout);
    // It is of the configuration of `default`, which nobody saves.
    gateway.state().set_unsaved("default", false);
    let ran = confirmed("SaveConfig=not-done").exits(3);
    assert!(
        ran.stdout.contains("what came out is what was to come out\n"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    let told = "domain default has unsaved changes: look at it";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let state = gateway.state();
    assert!(state.own_has("DOM1", "MaxChkpoints", "3"));
    assert!(state.own_has("DOM1", "mAdminState", "enabled"));
    drop(state);
    let _ = restore(&home, &[]).exits(0);
}

#[test]
fn a_domain_that_runs_on_a_configuration_of_last_resort_is_told_in_the_plan_and_never_rehearsed_on() {
    let (gateway, home) = backed_up();
    let spare = Gateway::start(crate::rehearse::another(setup()).being(&["failsafe@DOM1"]));
    let home = home.spare("SPARE1", &spare);
    let ran = home.dpbackup(&["rehearse", "1", "--on", "SPARE1"]).exits(1);
    let told =
        "the spare does not run with its own configuration: domain DOM1 runs in failsafe mode 'management'";
    assert!(
        ran.stdout.contains("NOT KNOWN") && ran.stdout.contains(told),
        "{}",
        ran.stdout
    );
    assert_eq!(spare.received("do-restore"), 0);
    change(&gateway);
    let ran = home.dpbackup(&["restore", "1", "--to", "SPARE1"]).exits(4);
    let told =
        "domain DOM1 runs in failsafe mode 'management': what runs there is a configuration of last resort";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
}

#[test]
fn an_import_that_waits_for_a_later_one_is_not_passed_over_where_nothing_differs() {
    let (gateway, home) = backed_up();
    let mut state = gateway.state();
    state.remove_object("DOM1", "MultiProtocolGateway", "DOM1-service");
    state.set_unsaved("DOM1", false);
    drop(state);
    let word = crate::restore::word(&home, &[]);
    gateway.fail_as("do-restore:2=import-empty");
    let _ = restore(&home, &["--confirm", &word]).exits(1);
    gateway.clear_faults();
    assert_eq!(home.open_entries().len(), 1);
    gateway.state().set_unsaved("DOM1", false);
    let ran = restore(&home, &[]).exits(4);
    assert!(ran.stdout.contains("the same\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("nothing to restore"), "{}", ran.stdout);
}

#[test]
fn a_backup_that_names_another_serial_number_than_the_gateway_told_is_told_in_the_plan() {
    let (gateway, home) = backed_up();
    let spare = Gateway::start(crate::rehearse::another(setup()));
    let home = home.spare("SPARE1", &spare);
    change(&gateway);
    let rehearse = ["rehearse", "1", "--on", "SPARE1"];
    let _ = home.dpbackup(&rehearse).exits(0);
    let told =
        "the backup is of the gateway with serial number 78A0001 by its own words, and QA1 told 78B0002 when";
    assert!(!restore(&home, &[]).exits(4).stdout.contains(told));
    let history = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    let change = "UPDATE task_execution SET serial = '78B0002' WHERE id = 1";
    assert_eq!(history.execute(change, ()).expect("changed"), 1);
    drop(history);
    let ran = restore(&home, &[]).exits(4);
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    // It would work, and that is no success.
    let ran = home.dpbackup(&rehearse).exits(3);
    assert!(
        ran.stdout.contains("WOULD WORK") && ran.stdout.contains(told),
        "{}",
        ran.stdout
    );
}

#[test]
fn configuration_of_the_whole_gateway_inside_a_domain_is_told_by_verify_and_in_the_plan() {
    let gateway = Gateway::start(setup());
    gateway.state().add_object("DOM1", "User", "evil");
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    let told = "domain DOM1 has configuration of the whole gateway in it, which no gateway is known to export so: User evil";
    let _ = home.dpbackup(&["run", "Night"]).exits(3);
    let seen = |ran: Ran| {
        let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(told), "{said}");
    };
    seen(home.dpbackup(&["verify", "1"]).exits(3));
    gateway.state().remove_object("DOM1", "User", "evil");
    seen(restore(&home, &["--over-unsaved"]).exits(4));
}

#[test]
fn a_word_is_void_where_the_certificate_of_the_target_is_trusted_otherwise_and_one_that_nobody_looks_at_is_told()
 {
    let (gateway, home) = backed_up();
    change(&gateway);
    let ran = restore(&home, &[]).exits(4);
    assert!(ran.stdout.contains(", TLS by pin "), "{}", ran.stdout);
    let word = crate::restore::word(&home, &[]);
    let home = home
        .without_devices()
        .device_at("QA1", gateway.port(), "{ verify = false }");
    let ran = restore(&home, &["--confirm", &word]).exits(4);
    assert!(
        ran.stderr.contains("the word is not the one of this plan"),
        "{}",
        ran.stderr
    );
    let told = "look       nobody looks at the certificate of QA1 (`tls = { verify = false }`)";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    assert_eq!(sent(&gateway), [""; 0]);
}
