//! A backup that is what runs already, and one that may be of another gateway.

use serde_json::Value;

use crate::restore::{change, sent, setup};
use crate::restore_seen::rewrite_outer;
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
    rewrite_outer(&home, &|text| {
        text.replacen("<MaxChkpoints>3<", "<MaxChkpoints>5<", 1)
    });
    let ran = restore(&home, &[]).exits(4);
    // What is confirmed is what would be changed.
    for told in ["Domain DOM1", "MaxChkpoints", " 1 overwritten"] {
        assert!(ran.stdout.contains(told), "{told}: {}", ran.stdout);
    }
    assert_eq!(sent(&gateway), [""; 0]);
    // The gateway says that all went well, and leaves that object as it was.
    let word = crate::restore::word(&home, &[]);
    let ran = restore(&home, &["--confirm", &word]).exits(1);
    let told = "Domain DOM1 is not as the backup has it";
    assert!(ran.stderr.contains(told), "{}{}", ran.stdout, ran.stderr);
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
