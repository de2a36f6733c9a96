//! What becomes of the backups that a restore takes: those of one that was only shown go as others do, the way
//! back from an import stays.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::restore::{change, sent, setup, word};
use crate::simulator::{Firmware, Gateway};
use crate::support::{Home, eventually, export};

/// `DOM1` was backed up by task 1, with a retention that keeps one backup, and was changed since.
fn changed() -> (Gateway, Home) {
    let gateway = Gateway::start(setup());
    let home = Home::quick()
        .setting("retention = { keep_last = 1 }")
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    change(&gateway);
    (gateway, home)
}

/// What a dry run of `prune` says of each backup: its task, its fate and why.
fn pruned(home: &Home) -> Vec<(i64, String, String)> {
    let ran = home
        .dpbackup(&["prune", "--dry-run", "--format", "json"])
        .exits(0);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let backups = document["backups"].as_array().expect("backups").iter();
    let mut told: Vec<_> = backups
        .map(|backup| {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            (
                backup["task_execution_id"].as_i64().expect("a task"),
                text(&backup["fate"]),
                text(&backup["reasons"][0]),
            )
        })
        .collect();
    told.sort_unstable();
    told
}

fn fates(home: &Home) -> Vec<(i64, String)> {
    let told = pruned(home).into_iter();
    told.map(|(task, fate, _)| (task, fate)).collect()
}

/// What history has of the backup of a task.
fn files_of(home: &Home, task: i64) -> Value {
    let ran = home
        .dpbackup(&["history", "files", &task.to_string(), "--format", "json"])
        .exits(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// Where the backup of a task stands.
fn file_of(home: &Home, task: i64) -> PathBuf {
    let document = files_of(home, task);
    document["files"][0]["path"].as_str().expect("a path").into()
}

#[test]
fn what_a_restore_took_that_was_only_shown_goes_under_the_retention_of_the_settings_and_takes_no_place() {
    let (_gateway, home) = changed();
    for _ in 0..3 {
        let _ = word(&home, &[]);
    }
    // Those of the plan and those of the restore are counted apart.
    assert_eq!(
        fates(&home),
        [(1, "KEEP"), (2, "DELETE"), (3, "DELETE"), (4, "KEEP")].map(|(task, fate)| (task, fate.to_owned()))
    );
    let _ = home.dpbackup(&["prune"]).exits(0);
    assert_eq!(fates(&home).len(), 2);
}

#[test]
fn what_a_restore_took_and_somebody_removed_is_recorded_as_gone_though_no_retention_is_set() {
    let gateway = Gateway::start(setup());
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    change(&gateway);
    let _ = word(&home, &[]);
    fs::remove_file(file_of(&home, 2)).expect("it stood there");
    // As long as it would be the newest one it is missed.
    let ran = home.dpbackup(&["prune"]).exits(1);
    assert!(ran.stdout.contains("LOST "), "{}", ran.stdout);
    let hint = "hint: what is lost is told until the same file is back, or no rule would keep it any more: ";
    assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let ran = home.dpbackup(&["prune"]).exits(0);
    assert!(ran.stdout.contains("it is gone already"), "{}", ran.stdout);
}

#[test]
fn a_removed_file_is_stood_in_for_by_the_oldest_with_its_content_and_that_is_told() {
    let gateway = Gateway::start(setup());
    let home = Home::quick()
        .setting("retention = { keep_last = 1 }")
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    // A newer firmware exports the same of the domain.
    let first = gateway.state().setup.firmware.clone();
    let newer = Firmware {
        version: "IDG.10.5.0.0".to_owned(),
        ..first.clone()
    };
    gateway.state().set_firmware(newer.clone());
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let _ = home.dpbackup(&["prune"]).exits(0);
    let history = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    let older = "UPDATE file SET time = '2020-01-02T03:04:05Z' WHERE task_execution_id = 1";
    assert_eq!(history.execute(older, ()).expect("changed"), 1);
    drop(history);
    let told =
        "the file of task 1 was removed from the store; that of task 2 holds the same, and stands in for it";
    // Each takes a backup with the same content, which is never the one that is sent.
    for _ in 0..2 {
        let ran = home.dpbackup(&["restore", "1", "--to", "QA1"]).exits(0);
        assert!(ran.stdout.contains(told), "{}", ran.stdout);
        // All that is said of the archive is said of the one that is sent.
        let archive = ran.stdout.lines().find(|line| line.starts_with("  backup "));
        let archive = archive.expect("its line").to_owned();
        assert!(!archive.contains("2020-01-02"), "{archive}");
        assert!(
            ran.stdout.contains("firmware IDG.10.5.0.0, serial"),
            "{}",
            ran.stdout
        );
        let shown = home
            .dpbackup(&["restore", "1", "--to", "QA1", "--format", "json"])
            .exits(0);
        let document: Value = serde_json::from_str(&shown.stdout).expect("JSON");
        assert_eq!(document["plan"]["archive_task_execution_id"], 2);
    }
    // A refusal names it, too.
    gateway.state().set_firmware(first);
    let ran = home.dpbackup(&["restore", "1", "--to", "QA1"]).exits(4);
    let older = "the device has an older firmware than the backup";
    assert!(
        ran.stderr.contains(older) && ran.stderr.contains(told),
        "{}",
        ran.stderr
    );
    gateway.state().set_firmware(newer);
    let text = home.path("text");
    let ran = home
        .dpbackup(&["extract", "1", text.to_str().expect("a path")])
        .exits(0);
    // As many as history and `verify` count.
    let counted = &files_of(&home, 1)["files"][0]["objects"];
    let told_count = format!("{counted} objects, that of the domain itself and ");
    assert!(ran.stdout.starts_with(&told_count), "{}", ran.stdout);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let ran = home.dpbackup(&["diff", "1", "2"]).exits(0);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let ran = home.dpbackup(&["verify", "1"]).exits(3);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(told), "{said}");
    // The same one is confirmed that was shown, however often.
    change(&gateway);
    let shown = word(&home, &[]);
    assert_eq!(word(&home, &[]), shown);
    let _ = home
        .dpbackup(&["restore", "1", "--to", "QA1", "--confirm", &shown])
        .exits(0);
    // In place of one that was taken away by hand no other is sent; which one holds the same is said.
    fs::remove_file(file_of(&home, 2)).expect("it stood there");
    let ran = home.dpbackup(&["restore", "2", "--to", "QA1"]).exits(4);
    assert!(
        ran.stderr.contains("task 3 holds the same: `") && ran.stderr.contains("restore 3 --to QA1"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_import_that_came_out_and_could_not_be_kept_is_a_warning_and_says_nothing_of_an_untouched_device() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    let home = home.timeouts("request = 10s, export = 1h, idle = 1h");
    gateway.fail_as("do-restore:2=stall@60m");
    let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    eventually("the import is sent", || sent(&gateway) == ["dry", "real"]);
    fs::rename(home.store(), home.path("away")).expect("the store");
    gateway.clear_faults();
    let ran = running.end().exits(3);
    assert!(
        ran.stdout.contains("what came out is what was to come out\n"),
        "{}",
        ran.stdout
    );
    let why = home.last_plan().error_message.unwrap_or_default();
    for told in [
        "what came out could not be backed up: task 5: ",
        "is not there any more: is its file system not mounted, or was it moved?",
        "this task changed nothing on the device, the import of task 4 did",
    ] {
        assert!(why.contains(told), "{told} in {why}");
    }
    assert!(
        !why.contains("device untouched") && !why.contains("No such file"),
        "{why}"
    );
}

#[test]
fn the_backup_before_an_import_stays_until_somebody_removes_it() {
    for fault in ["", "do-restore:2=reply-lost"] {
        let (gateway, home) = changed();
        let word = word(&home, &[]);
        if !fault.is_empty() {
            gateway.fail_as(fault);
        }
        let _ = home.dpbackup(&["restore", "1", "--to", "QA1", "--confirm", &word]);
        gateway.clear_faults();
        // Shown by task 2, taken before the import by task 3, and after it by task 5.
        let _ = home.dpbackup(&["run", "Night"]);
        let told = pruned(&home);
        let of = |wanted| {
            let mut of = told.iter().filter(|(task, _, _)| *task == wanted);
            of.next()
                .unwrap_or_else(|| panic!("{fault}: task {wanted} in {told:?}"))
        };
        assert_eq!(of(2).1, "DELETE", "{fault}: {told:?}");
        assert_eq!(of(3).1, "KEEP", "{fault}: {told:?}");
        assert!(
            of(3).2.contains("it was taken before an import"),
            "{fault}: {told:?}"
        );
        let _ = home.dpbackup(&["prune"]).exits(0);
        let before = file_of(&home, 3);
        fs::remove_file(&before).expect("it stood there");
        let gone = home.dpbackup(&["prune"]).exits(0);
        assert!(
            gone.stdout.contains("it is gone already"),
            "{fault}: {}",
            gone.stdout
        );
    }
}

#[test]
fn no_import_is_sent_where_the_backup_from_before_it_is_gone() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    // The device takes its time.
    let home = home.timeouts("request = 10s, export = 1h, idle = 1h");
    gateway.fail_as("do-restore:1=stall@60m");
    let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    eventually("the dry run is sent", || sent(&gateway) == ["dry"]);
    // That of task 2, of the plan that was only shown, holds the same, and the next `prune` takes it.
    fs::remove_file(file_of(&home, 3)).expect("it stood there");
    gateway.clear_faults();
    let ran = running.end().exits(4);
    let told = "the backup of what is there now is not in the store any more";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(sent(&gateway), ["dry"]);
    assert!(home.open_entries().is_empty());
}
