//! The exit codes of section "exit codes" of the documentation, through the binary. Those
//! of signals are in `exit_signals`, 5 is in `plan_locks`.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::ToSpan;

use crate::simulator::{Gateway, Setup};
use crate::support::{Home, Ran, export, gateways};

fn home(gateway: &Gateway) -> Home {
    Home::of(gateway).plan("P", &export("*", "DOM1", "quiesce = true"))
}

/// The run ended with 2 and before anything was contacted or written.
#[track_caller]
fn is_usage(ran: Ran, home: &Home, gateway: &Gateway, words: &str) {
    let ran = ran.exits(2);
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_eq!(gateway.connections(), 0, "nothing was contacted");
    assert!(
        !home.path("state").exists() && !home.store().exists(),
        "nothing was written"
    );
}

#[test]
fn success_is_0_and_silent() {
    let gateway = Gateway::start(Setup::default());
    let ran = home(&gateway).dpbackup(&["run", "P"]).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

#[test]
fn a_failed_task_is_1_and_says_which_why_and_where_to_look() {
    let gateway = gateways::with_faults(&["do-backup=file-error"]);
    let ran = home(&gateway).dpbackup(&["run", "P"]).exits(1);
    assert_eq!(ran.stdout, "");
    for words in [
        "plan P ended FAILED",
        "QA1/DOM1 export: BACKUP_FAILED",
        "unquiesced and confirmed",
        "0 succeeded, 1 failed, 0 skipped, 0 cancelled",
        "more: dpbackup history 1",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
}

#[test]
fn an_invalid_plan_file_is_2_with_every_finding() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway)
        .setting("stor = \"x\"")
        .setting("quiesce_grace = \"3 parsecs\"")
        .plan("P", &export("*", "DOM1", ""));
    let ran = home.dpbackup(&["run", "P"]);
    for words in ["stor", "3 parsecs", "plans.toml:"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    is_usage(ran, &home, &gateway, "did you mean");
}

#[test]
fn an_invalid_plan_file_is_told_to_programs_with_every_finding() {
    let home = Home::new()
        .absent_device("QA1")
        .plan("P", "on_failure = 1\n")
        .plan("Q", &(export("*", "DOM1", "") + "quiesce = \"yes\"\n"));
    let ran = home.dpbackup(&["run", "P", "--format", "json"]).exits(2);
    let text = fs::read_to_string(home.path("plans.toml")).expect("the plan file");
    let error: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one JSON line");
    assert_eq!(error["event"], "error");
    let findings = error["findings"].as_array().expect("findings");
    let line = |words: &str| {
        let line = text.lines().position(|line| line.contains(words));
        line.map_or(0, |line| line + 1)
    };
    for words in ["on_failure", "quiesce = "] {
        let found = findings
            .iter()
            .find(|finding| finding["line"].as_u64() == u64::try_from(line(words)).ok());
        let found = found.unwrap_or_else(|| panic!("{words}: {findings:#?}"));
        assert_eq!(found["severity"], "error");
        assert!(found["column"].as_u64() > Some(0), "{found}");
        let message = found["message"].as_str().expect("a message");
        assert!(ran.stderr.contains(message), "{message}: {}", ran.stderr);
    }
    let other = home
        .dpbackup(&["-c", "none.toml", "run", "P", "--format", "json"])
        .exits(2);
    assert!(!other.stdout.contains("findings"), "{}", other.stdout);
}

#[test]
fn a_plan_file_that_is_not_there_is_2() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let ran = home.dpbackup(&["--config", "no-such.toml", "run", "P"]);
    is_usage(ran, &home, &gateway, "no-such.toml");
}

#[test]
fn an_unknown_plan_is_2_with_the_nearest_name_and_no_plan_of_the_command_runs() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("BackupQA", &export("*", "DOM1", ""));
    let ran = home.dpbackup(&["run", "BackupQA", "BackpuQA"]);
    is_usage(ran, &home, &gateway, "did you mean 'BackupQA'?");
}

#[test]
fn bad_usage_is_2() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    for arguments in [
        vec![],
        vec!["run"],
        vec!["run", "P", "--no-such-option"],
        vec!["run", "P", "--lock-wait", "soon"],
        vec!["backup", "P"],
        vec!["history", "--status", "NONSENSE"],
        vec!["history", "--limit", "0"],
        vec!["history", "activities"],
    ] {
        let next_step = if arguments.is_empty() {
            "--help"
        } else {
            "\nhint: "
        };
        is_usage(home.dpbackup(&arguments), &home, &gateway, next_step);
    }
}

#[test]
fn json_lines_that_cannot_be_written_are_1_and_the_run_goes_on() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let mut command = home.command(&["run", "P", "--format", "json"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    command.stdout(full.expect("a device that is always full"));
    let ran = Ran::of(command.output().expect("the binary starts")).exits(1);
    assert!(
        ran.stderr.contains("lines are missing on stdout"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("no space is left"), "{}", ran.stderr);
    assert_eq!(home.last_plan().status.code(), "SUCCESS");
    assert_eq!(home.stored().len(), 1);
}

#[test]
fn help_and_a_version_that_cannot_be_written_are_1() {
    let home = Home::new();
    for line in [
        "--help",
        "-h",
        "--version",
        "help run",
        "run --help",
        "help --help",
        "version",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let mut command = home.command(&words);
        let full = fs::OpenOptions::new().write(true).open("/dev/full");
        command.stdout(full.expect("a device that is always full"));
        let ran = Ran::of(command.output().expect("the binary starts"));
        assert_eq!(ran.code, Some(1), "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains("no space is left"), "{line}: {}", ran.stderr);
    }
}

#[test]
fn something_skipped_is_3() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).absent_device("QA2");
    let ran = home.dpbackup(&["run", "P"]).exits(3);
    assert!(
        ran.stderr
            .contains("skipped QA2/DOM1 export: SKIPPED_DEVICE_NOT_AVAILABLE"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_plan_that_does_not_start_is_4_and_says_why() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .plan("P", &format!("enabled = false\n{}", export("*", "DOM1", "")))
        .plan("Q", &export("*", "NONE", ""));
    let ran = home.dpbackup(&["run", "P"]).exits(4);
    assert!(ran.stderr.contains("ended PLAN_IS_DISABLED"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("plan P has enabled = false"),
        "{}",
        ran.stderr
    );
    let ran = home.dpbackup(&["run", "Q"]).exits(4);
    assert!(ran.stderr.contains("ended ALL_TASKS_SKIPPED"), "{}", ran.stderr);
}

#[test]
fn tasks_behind_a_failed_pre_plan_script_are_counted_as_history_counts_them() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .setting("scripts_dir = \"scripts\"")
        .script("pre.sh", "#!/bin/sh\nexit 1\n")
        .plan(
            "P",
            &format!("pre_script = \"pre.sh\"\n{}", export("*", "DOM1, DOM2", "")),
        );
    let ran = home.dpbackup(&["run", "P"]).exits(4);
    assert!(
        ran.stderr
            .contains("0 succeeded, 0 failed, 2 skipped, 0 cancelled"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("FAILED QA1"), "{}", ran.stderr);
    let activity = &home.activity_rows()[0];
    assert_eq!((activity.failed_tasks, activity.skipped_tasks), (0, 2));
}

#[test]
fn outside_the_window_is_4_unless_a_person_ignores_it() {
    let gateway = Gateway::start(Setup::default());
    let hour = |hours: i64| {
        let at = Timestamp::now().checked_add(hours.hours()).expect("a time");
        at.strftime("%H:%M").to_string()
    };
    let window = format!(
        "maintenance_window = {{ start = \"{}\", end = \"{}\", time_zone = \"UTC\" }}\n",
        hour(2),
        hour(3)
    );
    let home = Home::of(&gateway).plan("P", &format!("{window}{}", export("*", "DOM1", "")));
    let ran = home.dpbackup(&["run", "P"]).exits(4);
    assert!(
        ran.stderr.contains("PRE_VALIDATION_OUT_OF_MAINTENANCE_WINDOW"),
        "{}",
        ran.stderr
    );
    let _ = home.dpbackup(&["run", "P", "--ignore-window"]).exits(0);
    let ignored: Vec<bool> = home.plan_rows().iter().map(|row| row.window_ignored).collect();
    assert_eq!(ignored, [true, false]);
}

/// A history that cannot be used is 6, for every command that needs it, and stays as it is.
#[track_caller]
fn is_unusable(home: &Home, gateway: &Gateway, history: &Path, words: &str) {
    let before = fs::read(history).expect("the file");
    for arguments in [vec!["run", "P"], vec!["history"], vec!["recover"]] {
        let ran = home.dpbackup(&arguments).exits(6);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
        assert_eq!(fs::read(history).expect("the file"), before, "{arguments:?}");
    }
    assert_eq!(gateway.connections(), 0, "nothing was contacted");
}

#[test]
fn a_history_that_is_no_database_is_6_and_left_alone() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    fs::create_dir(home.path("state")).expect("a folder");
    let history = home.path("state/history.db");
    fs::write(
        &history,
        "These are somebody's notes, and no database at all.\n".repeat(50),
    )
    .expect("a file");
    is_unusable(&home, &gateway, &history, "is not a history of dpbackup");
}

#[test]
fn a_history_of_a_newer_dpbackup_is_6_and_left_alone() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let _ = home.dpbackup(&["recover"]).exits(0);
    let history = home.path("state/history.db");
    let database = rusqlite::Connection::open(&history).expect("the history");
    database
        .pragma_update(None, "user_version", 99)
        .expect("a version");
    drop(database);
    is_unusable(&home, &gateway, &history, "was written by a newer dpbackup");
}

#[test]
fn a_history_that_cannot_be_made_is_6() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    fs::write(home.path("state"), "a file where its folder should be").expect("a file");
    let ran = home.dpbackup(&["run", "P"]).exits(6);
    assert!(ran.stderr.contains("history.db"), "{}", ran.stderr);
    assert_eq!(gateway.connections(), 0);
}

#[test]
fn something_that_may_still_be_quiesced_is_10_and_loud() {
    let gateway = gateways::with_faults(&["DomainUnquiesce=never-unquiesces"]);
    let home = home(&gateway)
        .setting("unquiesce_timeout = \"1s\"")
        .setting("quiesce_grace = \"0s\"")
        .timeouts("request = 2s");
    let ran = home.dpbackup(&["run", "P", "-q"]).exits(10);
    assert!(
        ran.stderr.contains("STILL QUIESCED QA1, DOM1: "),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("run dpbackup recover"), "{}", ran.stderr);
    assert_eq!(home.open_entries().len(), 1);
    let ran = home.dpbackup(&["recover"]).exits(10);
    // It has just been run: what else there is to do is told.
    assert!(
        ran.stdout
            .contains("STILL QUIESCED: unquiesce it by hand, and run dpbackup recover --config"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stderr
            .contains("STILL QUIESCED QA1, DOM1: why is told below\n")
            && ran.stderr.contains("docs/operations.md")
            && ran.stderr.contains("`dpbackup recover --forget QA1 --config"),
        "{}",
        ran.stderr
    );
    gateway.state().set_quiesced("DOM1", false);
    let _ = home.dpbackup(&["recover"]).exits(0);
    assert_eq!(home.open_entries(), []);
}

#[test]
fn of_several_plans_the_gravest_end_counts_and_all_are_run() {
    let gateway = gateways::with_faults(&["do-backup@DOM1=file-error"]);
    let home = Home::of(&gateway)
        .plan("SKIPPED", &(export("*", "NONE", "") + &export("*", "DOM2", "")))
        .plan("FAILED", &export("*", "DOM1", ""))
        .plan("GOOD", &export("*", "DOM2", ""));
    let _ = home.dpbackup(&["run", "GOOD"]).exits(0);
    let _ = home.dpbackup(&["run", "SKIPPED", "GOOD"]).exits(3);
    let _ = home.dpbackup(&["run", "SKIPPED", "FAILED", "GOOD"]).exits(1);
    assert_eq!(home.plan_rows().len(), 6);
    assert_eq!(home.last_plan().plan, "GOOD");
}

/// What docs/cli.md says of a history that is not there yet, command by command.
#[test]
fn before_the_first_run_a_list_is_empty_and_what_asks_for_one_thing_ends_with_2() {
    let home = Home::new()
        .absent_device("QA1")
        .plan("P", &export("QA1", "DOM1", ""));
    for (line, code) in [
        ("history", 0),
        ("history --plan P", 0),
        ("log", 0),
        ("log --device QA1", 0),
        ("prune", 0),
        ("prune --dry-run", 0),
        ("report page.html", 0),
        ("find x", 1),
        ("find --class Domain --property mAdminState", 1),
        ("last", 2),
        ("history last", 2),
        ("history 1", 2),
        ("history activities last", 2),
        ("history tasks 1", 2),
        ("history files last", 2),
        ("diff 1", 2),
        ("diff 1 2", 2),
        ("diff QA1/DOM1 QA1/DOM2", 2),
        ("extract 1 out", 2),
        ("extract QA1/DOM1 out", 2),
        ("log --blame QA1/DOM1", 2),
        ("verify --task 1", 2),
        ("history status", 2),
        ("verify --all", 3),
        ("verify QA1", 3),
        ("recover", 0),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let ran = home.dpbackup(&words);
        assert_eq!(ran.code, Some(code), "{line}: {}{}", ran.stdout, ran.stderr);
        let is_made = home.path("state/history.db").exists();
        assert!(!is_made || line == "recover", "{line} only looks");
    }
}
