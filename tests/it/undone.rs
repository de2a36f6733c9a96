//! What later commands undo of what a run has left: what history says of it afterwards, and rows of the journal
//! by which nothing may be undone.

use std::fs;

use dpbackup::run::status::Status;
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::Value;

use crate::simulator::{Domain, Fault, FaultKind, Gateway};
use crate::support::{Home, eventually, export, gateways, secure_backup};

/// A home in which nothing is waited for long.
fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .timeouts("request = 4s")
        .setting("unquiesce_timeout = \"1s\"")
        .setting("quiesce_grace = \"0s\"")
        .device("QA1", gateway)
        .plan("P", &export("*", "DOM1", "quiesce = true"))
}

fn journal(home: &Home) -> Connection {
    Connection::open(home.path("state/history.db")).expect("the history")
}

/// Kills a run whose domain is quiesced.
fn killed(home: &Home, gateway: &Gateway) {
    gateway.fail(Fault::nth("do-backup", 1, FaultKind::StallBeforeHead(None)));
    let running = home.running(&["run", "P"]);
    eventually("the export was asked for", || gateway.received("do-backup") == 1);
    running.kill();
    gateway.clear_faults();
}

/// The error message of the oldest row that a level of history prints.
fn oldest_message(home: &Home, arguments: &[&str], rows: &str) -> String {
    let arguments = [&["history"], arguments, &["--format", "json"]].concat();
    let printed: Value = serde_json::from_str(&home.dpbackup(&arguments).stdout).expect("JSON");
    let rows = printed[rows].as_array().expect("rows");
    let message = rows.last().and_then(|row| row["error_message"].as_str());
    message.unwrap_or_default().to_owned()
}

#[test]
fn history_says_of_an_execution_what_has_been_undone_of_it_since_and_by_whom() {
    for (command, by) in [
        (["recover"].as_slice(), "by dpbackup recover)"),
        (&["run", "P"], "by execution 2)"),
    ] {
        let gateway = gateways::pair();
        gateway.fail_as("DomainUnquiesce=http-503");
        let home = home(&gateway);
        let _left = home.dpbackup(&["run", "P"]).exits(10);
        let before = oldest_message(&home, &[], "plan_executions");
        assert!(
            before.contains("QUIESCED: ") && !before.contains("since then"),
            "{before}"
        );
        gateway.clear_faults();
        let ran = home.dpbackup(command);
        assert!(gateway.state().is_unquiesced(), "{}", ran.stderr);
        for (level, rows) in [
            (["--status", "FAILED"].as_slice(), "plan_executions"),
            (&["tasks", "1"], "task_executions"),
        ] {
            let message = oldest_message(&home, level, rows);
            let (then, since) = message.split_once("; since then: ").unwrap_or((&message, ""));
            assert!(then.contains("QUIESCED: "), "{message}");
            assert!(
                since.starts_with("domain DOM1 of QA1: ") && since.contains(" and confirmed (2"),
                "{message}"
            );
            assert!(since.ends_with(by), "{message}");
        }
    }
}

/// The tasks of a run that died share one sentence of what it left: what became of that is told at each of them.
#[test]
fn what_has_been_undone_of_a_run_that_died_is_told_at_the_task_that_left_it() {
    let gateway = gateways::pair();
    let home = Home::quick()
        .timeouts("request = 4s")
        .setting("unquiesce_timeout = \"1s\"")
        .setting("quiesce_grace = \"0s\"")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM*", "quiesce = true"));
    killed(&home, &gateway);
    gateway.fail_as("DomainUnquiesce=http-503");
    let _left = home.dpbackup(&["recover"]).exits(10);
    let messages = || -> Vec<String> {
        let printed = home
            .dpbackup(&["history", "tasks", "1", "--format", "json"])
            .exits(0);
        let printed: Value = serde_json::from_str(&printed.stdout).expect("JSON");
        let rows = printed["task_executions"].as_array().expect("rows").iter();
        rows.map(|row| row["error_message"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let before = messages();
    assert_eq!(before.len(), 2);
    assert!(
        before[0].contains("QUIESCED") && !before[0].contains("since then"),
        "{before:?}"
    );
    // The second was never begun.
    assert_eq!(
        before[1],
        "its process is gone, and has recorded no end; nothing had to be undone"
    );
    gateway.clear_faults();
    let _ = home.dpbackup(&["recover"]).exits(0);
    let after = messages();
    let (_, since) = after[0].split_once("; since then: ").unwrap_or_default();
    assert!(
        since.starts_with("domain DOM1 of QA1: ") && since.contains(" and confirmed (2"),
        "{after:?}"
    );
    assert_eq!(after[1], before[1]);
    let files = home
        .dpbackup(&["history", "files", "1", "--format", "json"])
        .exits(0);
    assert!(
        files.stdout.contains("; since then: domain DOM1 of QA1: "),
        "{}",
        files.stdout
    );
}

#[test]
fn of_each_task_of_a_run_that_died_it_is_said_what_that_task_was_in_before_anybody_has_looked() {
    let gateway = gateways::pair();
    let home = Home::quick()
        .timeouts("request = 4s")
        .setting("quiesce_grace = \"0s\"")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM*", "quiesce = true"));
    killed(&home, &gateway);
    let ran = home
        .dpbackup(&["history", "tasks", "1", "--format", "json"])
        .exits(0);
    let printed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let rows = printed["task_executions"].as_array().expect("rows");
    let was: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["error_message"].as_str()?.rsplit(", when it was ").next())
        .collect();
    assert_eq!(was, ["BACKING_UP", "READY_FOR_EXECUTION"], "{}", ran.stdout);
    let files = home.dpbackup(&["history", "files", "2"]).exits(0);
    let said = files.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("when it was READY_FOR_EXECUTION"), "{said}");
    let plan = oldest_message(&home, &[], "plan_executions");
    assert!(plan.ends_with("when it was RUNNING"), "{plan}");
    // Who asks for what it has stored is told the same, and what it has left.
    let ran = home.dpbackup(&["verify", "1"]).exits(10);
    for told in [
        "warning: task 1 (QA1 DOM1, ABANDONED) has stored nothing: its process is gone since ",
        "when it was BACKING_UP\n",
        "MAY BE QUIESCED: domain DOM1 of QA1",
    ] {
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    // What ended before tells nothing of another run.
    let _ = home.dpbackup(&["recover"]).exits(0);
    let ran = home.dpbackup(&["verify", "1"]).exits(3);
    assert!(!ran.stderr.contains("QUIESCED"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("(QA1 DOM1, ABANDONED) has stored nothing\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn nothing_is_undone_by_a_row_that_is_about_something_else_than_its_task() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    killed(&home, &gateway);
    let damages = [
        (
            "argument = 'DOM2'",
            "about DOM2 of QA1, and its task about DOM1 of QA1",
        ),
        (
            "argument = 'dom1'",
            "about dom1 of QA1, and its task about DOM1 of QA1",
        ),
        ("argument = 'DOM1' || char(10)", "and its task about DOM1 of QA1"),
        (
            "undo = 'UNQUIESCE_DEVICE'",
            "about all of QA1, and its task about DOM1 of QA1",
        ),
        (
            "undo = 'REMOVE_FOLDER', argument = 'store:///'",
            "store:/// is to be removed",
        ),
        ("undo = 'IMPORT', argument = 'DOM2'", "about DOM2 of QA1"),
        (
            "device_name = 'QA2'",
            "about DOM1 of QA2, and its task about DOM1 of QA1",
        ),
        ("argument = ''", "it cannot be read"),
    ];
    for (damage, said) in damages {
        let history = journal(&home);
        let good: (String, Option<String>, String) = history
            .query_row("SELECT undo, argument, device_name FROM journal", (), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .expect("the row");
        let set = |values: &str| format!("UPDATE journal SET {values}");
        history.execute(&set(damage), ()).expect("damage");
        drop(history);
        let ran = home.dpbackup(&["recover"]).exits(10);
        assert!(
            ran.stdout.contains("cannot be relied on") && ran.stdout.contains(said),
            "{damage}: {}",
            ran.stdout
        );
        assert!(ran.stdout.contains("MAY BE QUIESCED"), "{damage}: {}", ran.stdout);
        let told = home.dpbackup(&["history"]).stdout;
        assert!(
            told.contains("MAY BE QUIESCED") && told.contains(said),
            "{damage}: {told}"
        );
        journal(&home)
            .execute(&set("undo = ?1, argument = ?2, device_name = ?3"), good)
            .expect("mended");
    }
    let asked: Vec<String> = gateway.operations();
    assert!(
        !asked
            .iter()
            .any(|asked| asked.contains("nquiesce") || asked.contains("Delete") || asked.contains("Remove")),
        "{asked:?}"
    );
    let _ran = home.dpbackup(&["recover"]).exits(0);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.last_plan().status, Status::Abandoned);
}

#[test]
fn a_row_is_closed_by_a_time_and_by_nothing_else() {
    for closed in ["''", "'yes'", "'0'"] {
        let gateway = gateways::pair();
        let home = home(&gateway);
        killed(&home, &gateway);
        let set = format!("UPDATE journal SET closed_time = {closed}");
        journal(&home).execute(&set, ()).expect("damage");
        let told = home.dpbackup(&["history"]).stdout;
        assert!(told.contains("MAY BE QUIESCED"), "{closed}: {told}");
        let _ran = home.dpbackup(&["recover"]).exits(0);
        assert!(gateway.state().is_unquiesced(), "{closed}");
        assert_eq!(home.open_entries(), [], "{closed}");
    }
}

#[test]
fn of_a_domain_that_nobody_saw_quiesced_it_is_not_said_that_it_was_left_so() {
    let setup = gateways::small(["DOM1", "DOM2"].map(Domain::new));
    let gateway = Gateway::start(setup.being(&["disabled@DOM1"]));
    let home = home(&gateway);
    killed(&home, &gateway);
    let ran = home.dpbackup(&["recover"]).exits(0);
    assert!(
        ran.stdout.contains(
            "domain DOM1 of QA1 was asked to quiesce by task 1: the quiesce was never seen on the device"
        ) && ran.stdout.contains("nothing of it is enabled")
            && !ran.stdout.contains("left quiesced")
            && !ran.stdout.contains("at work"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_secure_backup_that_may_be_left_on_a_device_stands_above_every_table() {
    let gateway = gateways::pair();
    let home = home(&gateway).plan("S", &secure_backup("*", ""));
    gateway.fail_as("SecureBackup:1=stall@60m");
    let running = home.running(&["run", "S"]);
    eventually("it was asked for", || gateway.received("SecureBackup") == 1);
    running.kill();
    gateway.clear_faults();
    let left = "a secure backup may have been left on a device: temporary:///dpbackup-";
    for view in [
        &["history"][..],
        &["history", "activities", "1"],
        &["history", "tasks", "1"],
        &["history", "last"],
    ] {
        let ran = home.dpbackup(view).exits(0);
        assert!(ran.stdout.starts_with(left), "{view:?}: {}", ran.stdout);
    }
    let ran = home.dpbackup(&["preview", "S"]).exits(0);
    assert!(ran.stderr.contains(left), "{}", ran.stderr);
    let ran = home.dpbackup(&["check"]).exits(3);
    assert!(ran.stdout.contains(left), "{}", ran.stdout);
    let ran = home.dpbackup(&["history", "status", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    for key in ["summary", "left_folders"] {
        let words = told[key].as_str().unwrap_or_default();
        assert!(words.contains(left), "{key}: {}", ran.stdout);
    }
}

/// What becomes of a history whose run was killed.
type Loss = fn(&Home);

#[test]
fn a_quiesce_that_the_history_has_lost_is_told_by_each_command_until_somebody_has_looked() {
    fn without_log(home: &Home) {
        let _ = fs::remove_file(home.path("state/history.db-wal"));
        let _ = fs::remove_file(home.path("state/history.db-shm"));
    }
    fn whole(home: &Home, bytes: &[u8]) {
        without_log(home);
        fs::write(home.path("state/history.db"), bytes).expect("written");
    }
    let losses: [(&str, Loss); 5] = [
        ("emptied", |home| whole(home, b"")),
        ("one byte", |home| whole(home, b"\n")),
        ("gone", |home| {
            without_log(home);
            fs::remove_file(home.path("state/history.db")).expect("removed");
        }),
        ("no log", without_log),
        ("an older copy", |home| {
            whole(home, &fs::read(home.path("older.db")).expect("a copy"));
        }),
    ];
    for (how, lose) in losses {
        let gateway = gateways::pair();
        let home = home(&gateway);
        let _ = home.dpbackup(&["run", "P"]).exits(0);
        fs::copy(home.path("state/history.db"), home.path("older.db")).expect("a copy");
        let asked = gateway.received("do-backup");
        gateway.fail(Fault::nth("do-backup", 1, FaultKind::StallBeforeHead(None)));
        let running = home.running(&["run", "P"]);
        eventually("the export was asked for", || {
            gateway.received("do-backup") > asked
        });
        running.kill();
        gateway.clear_faults();
        lose(&home);
        for command in [
            ["preview", "P"].as_slice(),
            &["recover"],
            &["recover"],
            &["preview", "P"],
            &["run", "P"],
        ] {
            let ran = home.dpbackup(command).exits(10);
            let said = ran.stdout + &ran.stderr;
            assert!(said.contains("domain DOM1 of QA1"), "{how}: {command:?}: {said}");
        }
        let told = home.dpbackup(&["recover"]).exits(10);
        assert!(
            told.stdout.contains("recover --forget QA1 --config"),
            "{}",
            told.stdout
        );
        let struck = home.dpbackup(&["recover", "--forget", "QA1"]).exits(0);
        assert!(
            struck
                .stdout
                .contains("domain DOM1 of QA1, which the history does not have"),
            "{}",
            struck.stdout
        );
        let _ = home.dpbackup(&["recover"]).exits(0);
    }
}

#[test]
fn a_quiesce_whose_row_was_closed_has_no_witness_any_more() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    let witnesses = |home: &Home| {
        let mut names = crate::support::names(&home.path("state/history.db.locks"));
        names.retain(|name| name.contains("-quiesce-"));
        names
    };
    killed(&home, &gateway);
    let witness = witnesses(&home);
    assert_eq!(witness.len(), 1);
    let path = home.path("state/history.db.locks").join(&witness[0]);
    let text = fs::read(&path).expect("a witness");
    let _ = home.dpbackup(&["recover"]).exits(0);
    assert_eq!(witnesses(&home), [""; 0]);
    // Its process died after it had closed the row, and before it could take it back.
    fs::write(&path, text).expect("written");
    let _ = home.dpbackup(&["recover"]).exits(0);
    assert_eq!(witnesses(&home), [""; 0]);
}

#[test]
fn a_history_of_another_version_says_what_is_quiesced_to_each_command_that_cannot_use_it() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    killed(&home, &gateway);
    let version: i64 = journal(&home)
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("a version");
    for version in [version - 1, version + 1] {
        journal(&home)
            .pragma_update(None, "user_version", version)
            .expect("another version");
        for command in [
            ["history"].as_slice(),
            &["history", "last"],
            &["log"],
            &["find", "x"],
            &["report", "r.html"],
            &["prune", "--dry-run"],
            &["verify", "--all"],
            &["history", "status"],
        ] {
            let ran = home.dpbackup(command).exits(10);
            assert!(
                ran.stderr.contains("BE QUIESCED: domain DOM1 of QA1"),
                "{command:?}: {}",
                ran.stderr
            );
        }
        let ran = home.dpbackup(&["history", "status"]);
        assert!(ran.stdout.starts_with("DPBACKUP CRITICAL - "), "{}", ran.stdout);
        let ran = home.dpbackup(&["history", "status", "--format", "json"]);
        let printed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(printed["state"], "CRITICAL");
    }
}

#[test]
fn a_log_of_the_history_that_is_emptied_or_removed_while_a_run_lasts_ends_it_with_6() {
    for spoils in [": > \"$LOG\"", "rm \"$LOG\""] {
        let gateway = gateways::pair();
        let home = home(&gateway);
        let log = home.path("state/history.db-wal");
        let script = format!("#!/bin/sh\nLOG={}\ntest -s \"$LOG\" && {spoils}\n", log.display());
        let home = home.script("spoil.sh", &script).plan(
            "Q",
            &export("*", "DOM1", "quiesce = true\npost_script = \"spoil.sh\""),
        );
        let ran = home.dpbackup(&["run", "Q"]).exits(6);
        assert!(ran.stderr.contains("history"), "{}", ran.stderr);
        assert!(gateway.state().is_unquiesced());
    }
}

#[test]
fn a_recovery_that_leaves_a_row_open_ends_with_that_also_where_its_history_is_gone() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    killed(&home, &gateway);
    gateway.forget_requests();
    gateway.fail_as("DomainUnquiesce=access-denied");
    gateway.fail_as("DomainStatus:1=stall@1s");
    let recovery = home.running(&["recover"]);
    eventually("it has asked", || gateway.received("DomainStatus") > 0);
    fs::remove_file(home.path("state/history.db")).expect("removed");
    let ran = recovery.end();
    assert_eq!(ran.code, Some(10), "{ran:?}");
    assert!(ran.stderr.contains("was removed or replaced"), "{ran:?}");
}

#[test]
fn an_account_that_may_not_unquiesce_is_told_to_get_the_right_where_it_says_what_is_quiesced() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    killed(&home, &gateway);
    gateway.fail_as("DomainUnquiesce=access-denied");
    let ran = home.dpbackup(&["recover"]).exits(10);
    let said = [ran.stderr, ran.stdout].concat();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "DomainUnquiesce: the device knows the user but answered \"Authentication failure\"; the account lacks a right";
    assert!(said.contains("STILL QUIESCED") && said.contains(told), "{said}");
}

#[test]
fn a_signal_ends_a_recovery_at_once_that_only_looks_for_a_folder() {
    let gateway = gateways::pair();
    let home = home(&gateway).plan("S", &secure_backup("*", ""));
    gateway.fail_as("SecureBackup=close");
    let _ = home.dpbackup(&["run", "S"]).exits(1);
    assert_eq!(home.open_entries().len(), 1);
    gateway.clear_faults();
    gateway.forget_requests();
    gateway.fail(Fault::every("DomainStatus", FaultKind::StallBeforeHead(None)));
    let recovery = home.running(&["recover"]);
    eventually("it has asked", || gateway.received("DomainStatus") == 1);
    recovery.signal(Signal::TERM);
    let ran = recovery.end();
    assert_eq!(ran.code, Some(143), "{ran:?}");
    assert_eq!(gateway.received("DomainStatus"), 1, "it did not try again");
    assert_eq!(home.open_entries().len(), 1);
}
