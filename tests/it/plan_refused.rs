//! The steps before the tasks: each ends the plan with its own status, exit code 4 and a
//! row in history, and no device is touched by a plan that does not start.

use std::fs;

use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;

use crate::simulator::Gateway;
use crate::simulator::Setup;
use crate::support::{EngineRun, Home, TestClock, export};

const NOON: &str = "2026-11-22T12:00:00Z";

/// Runs the plan `P` and holds it to a refusal that nobody but history hears of.
#[track_caller]
fn refused(home: &Home, gateway: &Gateway, status: &str) -> EngineRun {
    let run = home.run("P", &TestClock::at(NOON));
    assert_eq!((run.status(), run.exit()), (status, 4), "{}", run.error());
    assert_eq!(gateway.operations(), Vec::<String>::new(), "no device is asked");
    assert_eq!(run.tasks(), Vec::<String>::new(), "nothing was expanded");
    let row = home.last_plan();
    assert_eq!(row.status.code(), status);
    assert_eq!(row.error_message.as_deref(), Some(run.error()));
    assert!(
        row.end_time.is_some() && (row.devices, row.domains) == (0, 0),
        "{row:?}"
    );
    run
}

#[test]
fn a_disabled_plan_does_not_start() {
    let gateway = Gateway::start(Setup::default());
    let plan = format!(
        "enabled = false\npre_script = \"pre.sh\"\n{}",
        export("*", "*", "")
    );
    let home = Home::of(&gateway)
        .script("pre.sh", "#!/bin/sh\ntouch ran\n")
        .plan("P", &plan);
    let run = refused(&home, &gateway, "PLAN_IS_DISABLED");
    assert_eq!(
        run.error(),
        "plan P has enabled = false: set it to true to run it"
    );
    assert!(run.scripts().is_empty() && !home.store().exists());
}

#[test]
fn no_plan_starts_while_backups_are_disabled() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .setting("backups_enabled = false")
        .plan("P", &export("*", "*", ""));
    let run = refused(&home, &gateway, "BACKUPS_ARE_DISABLED");
    assert_eq!(
        run.error(),
        "the settings have backups_enabled = false: no plan runs until it is true"
    );
}

#[test]
fn a_disabled_plan_is_told_before_disabled_backups_and_both_before_the_window() {
    let gateway = Gateway::start(Setup::default());
    let plan = |enabled| {
        format!(
            "enabled = {enabled}\nmaintenance_window = {{ start = \"01:00\", end = \"02:00\", time_zone = \"UTC\" }}\n{}",
            export("*", "*", "")
        )
    };
    let home = Home::of(&gateway)
        .setting("backups_enabled = false")
        .plan("P", &plan(false))
        .plan("Q", &plan(true));
    let clock = TestClock::at(NOON);
    assert_eq!(home.run("P", &clock).status(), "PLAN_IS_DISABLED");
    assert_eq!(home.run("Q", &clock).status(), "BACKUPS_ARE_DISABLED");
}

#[test]
fn a_plan_does_not_start_outside_its_window() {
    let gateway = Gateway::start(Setup::default());
    let plan = format!(
        "maintenance_window = {{ start = \"13:00\", end = \"14:00\", time_zone = \"UTC\" }}\n{}",
        export("*", "*", "")
    );
    let home = Home::of(&gateway).plan("P", &plan);
    let run = refused(&home, &gateway, "PRE_VALIDATION_OUT_OF_MAINTENANCE_WINDOW");
    assert!(
        run.error().contains("13:00") && run.error().contains("--ignore-window"),
        "{}",
        run.error()
    );
}

#[test]
fn a_person_may_ignore_the_window_and_history_says_so() {
    let gateway = Gateway::start(Setup::default());
    let plan = format!(
        "maintenance_window = {{ start = \"13:00\", end = \"14:00\", time_zone = \"UTC\" }}\n{}",
        export("*", "DOM1", "")
    );
    let home = Home::of(&gateway).plan("P", &plan);
    let options = Options {
        ignore_window: true,
        ..Options::default()
    };
    let run = home.run_with("P", &TestClock::at(NOON), options, &Stop::new(), &mut |_| {});
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
    assert!(home.last_plan().window_ignored);
    assert_eq!(
        home.run("P", &TestClock::at("2026-11-22T13:30:00Z")).status(),
        "SUCCESS"
    );
    assert!(!home.last_plan().window_ignored);
}

#[test]
fn a_quiesce_timeout_that_no_device_takes_is_refused_where_a_plan_quiesces() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .setting("quiesce_timeout = \"59s\"")
        .plan(
            "P",
            &(export("*", "DOM1", "") + &export("*", "DOM2", "quiesce = true")),
        )
        .plan("Q", &export("*", "DOM1", ""));
    let run = refused(
        &home,
        &gateway,
        "PRE_VALIDATION_QUIESCE_TIMEOUT_SYSPARM_TOO_SHORT",
    );
    assert!(run.error().contains("59s"), "{}", run.error());
    assert_eq!(home.run("Q", &TestClock::at(NOON)).status(), "SUCCESS");
}

#[test]
fn a_store_on_nothing_but_the_root_is_not_mounted_and_is_not_made() {
    let gateway = Gateway::start(Setup::default());
    let store = format!("/dpbackup-test-{}", std::process::id());
    let home = Home::of(&gateway)
        .setting(&format!("store = \"{store}\""))
        .setting("require_mount = \"mounted\"")
        .plan("P", &export("*", "*", ""));
    let run = refused(&home, &gateway, "PRE_VALIDATION_STORE_IS_NOT_MOUNTED");
    assert!(
        run.error().contains("not on a mounted file system"),
        "{}",
        run.error()
    );
    assert!(!std::path::Path::new(&store).exists());
}

#[test]
fn a_store_on_a_local_disk_is_none_of_a_network() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .setting("require_mount = \"remote\"")
        .plan("P", &export("*", "*", ""));
    refused(&home, &gateway, "PRE_VALIDATION_STORE_IS_NOT_MOUNTED");
    assert!(!home.store().exists());
}

#[test]
fn a_store_that_cannot_be_written_is_refused_with_the_reason() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "*", ""));
    fs::write(home.store(), "a file where the store should be").expect("a file");
    let run = refused(&home, &gateway, "PRE_VALIDATION_STORE_IS_NOT_MOUNTED");
    assert!(run.error().contains("store is not a folder"), "{}", run.error());
    assert_eq!(home.text("store"), "a file where the store should be");
}

#[test]
fn a_store_without_the_free_space_is_refused_with_both_sizes() {
    for threshold in ["100%", "8000 PiB"] {
        let gateway = Gateway::start(Setup::default());
        let home = Home::of(&gateway)
            .setting(&format!("min_free_store = \"{threshold}\""))
            .plan("P", &export("*", "*", ""));
        let run = refused(&home, &gateway, "PRE_VALIDATION_BACKUP_STORE_OUT_OF_SPACE");
        assert!(run.error().contains(" free of "), "{}", run.error());
        home.holds_nothing();
    }
}
