//! Two processes and one plan; and what is done about a process that died.

use std::fs;

use rustix::process::Signal;

use crate::simulator::{Gateway, Setup};
use crate::support::{Home, Ran, Running, eventually, export, is_alive};

/// Says that it runs, and goes on when it is told.
const HOLD: &str = "#!/bin/sh\necho $$ > \"$DPBACKUP_STORE/../held\"\n\
                    while [ ! -e \"$DPBACKUP_STORE/../go\" ]; do sleep 0.02; done\n";

/// A run of the plan `P` that is in its pre-plan script.
fn held(home: &Home) -> Running {
    let running = home.running(&["run", "P"]);
    let script = home.path("held");
    eventually("the first run is in its script", || {
        fs::read_to_string(&script).is_ok_and(|text| text.ends_with('\n'))
    });
    running
}

fn go(home: &Home) {
    fs::write(home.path("go"), "").expect("a file");
}

fn home(gateway: &Gateway) -> Home {
    Home::of(gateway)
        .script("hold.sh", HOLD)
        .plan(
            "P",
            &format!("pre_script = \"hold.sh\"\n{}", export("*", "DOM1", "")),
        )
        .plan("Q", &export("*", "DOM2", ""))
}

#[test]
fn a_plan_that_runs_already_is_locked_and_history_names_the_holder() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let first = held(&home);
    let second = home.dpbackup(&["run", "P"]).exits(5);
    assert!(second.stderr.contains("LOCKED"), "{}", second.stderr);
    let row = home.last_plan();
    assert_eq!(row.status.code(), "LOCKED");
    let error = row.error_message.expect("why");
    let holder = format!("plan P of process {} since ", first.pid());
    assert!(error.contains(&holder), "{error}");
    go(&home);
    let _ = first.end().exits(0);
    let statuses: Vec<&str> = home.plan_rows().iter().map(|row| row.status.code()).collect();
    assert_eq!(statuses, ["LOCKED", "SUCCESS"]);
}

#[test]
fn since_when_a_plan_is_held_is_told_in_the_zone_of_the_machine() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let first = held(&home);
    let mut second = home.command(&["run", "P"]);
    second.env("TZ", "Asia/Tokyo");
    let second = Ran::of(second.output().expect("the binary starts")).exits(5);
    let (_, since) = second.stderr.split_once(" since ").expect("since when");
    let (since, _) = since.split_once(';').expect("its end");
    let since: jiff::civil::DateTime = since.parse().expect("a time without a zone");
    let now = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::get("Asia/Tokyo").expect("a zone"))
        .datetime();
    let ago = now.duration_since(since).as_hours();
    assert_eq!(ago, 0, "{since} is within an hour before {now}");
    go(&home);
    let _ = first.end().exits(0);
}

#[test]
fn another_plan_runs_beside_it() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let first = held(&home);
    let _ = home.dpbackup(&["run", "Q"]).exits(0);
    go(&home);
    let _ = first.end().exits(0);
}

#[test]
fn a_preview_beside_a_run_disturbs_nothing() {
    let gateway = Gateway::start(Setup::default());
    let activities = export("*", "DOM1", "") + &export("*", "DOM2", "pre_script = \"hold.sh\"");
    let home = Home::of(&gateway).script("hold.sh", HOLD).plan("P", &activities);
    let run = held(&home);
    let before = (home.plan_rows(), home.stored());
    assert_eq!(
        before.1.len(),
        1,
        "the first task is done, the second one in its script"
    );
    // A run of the same plan would not begin now, and what it would do is shown all the same.
    let ran = home.dpbackup(&["preview", "P"]).exits(5);
    assert!(ran.stdout.contains("LOCKED: held by plan P"), "{}", ran.stdout);
    assert!(ran.stdout.contains("DOM2-export-"), "{}", ran.stdout);
    assert_eq!((home.plan_rows(), home.stored()), before);
    go(&home);
    let _ = run.end().exits(0);
    assert_eq!(home.stored().len(), 2);
    assert_eq!(home.last_plan().status.code(), "SUCCESS");
}

#[test]
fn runs_that_wait_for_the_lock_get_their_turn_whichever_waits_beside_them() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let first = held(&home);
    let waiting = [(); 2].map(|()| home.running(&["run", "P", "--lock-wait", "10m"]));
    eventually("the others have their rows", || home.plan_rows().len() == 3);
    go(&home);
    let _ = first.end().exits(0);
    for run in waiting {
        let _ = run.end().exits(0);
    }
    let statuses: Vec<&str> = home.plan_rows().iter().map(|row| row.status.code()).collect();
    assert_eq!(statuses, ["SUCCESS"; 3]);
}

#[test]
fn a_signal_ends_the_wait_for_the_lock() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let first = held(&home);
    let second = home.running(&["run", "P", "--lock-wait", "10m"]);
    eventually("the second run has its row", || home.plan_rows().len() == 2);
    second.signal(Signal::TERM);
    let _ = second.end().exits(143);
    assert_eq!(home.last_plan().status.code(), "INTERRUPTED");
    go(&home);
    let _ = first.end().exits(0);
}

#[test]
fn two_plans_do_not_work_on_one_device_at_a_time() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .script("hold.sh", HOLD)
        .plan("P", &export("*", "DOM1", "pre_script = \"hold.sh\""))
        .plan("Q", &export("*", "DOM2", ""));
    let first = held(&home);
    let second = home.running(&["run", "Q"]);
    eventually("the second plan has begun, and its task waits", || {
        home.last_plan().status.code() == "RUNNING"
            && home.last_plan().plan == "Q"
            && home.recorded() == ["QA1/DOM2 READY_FOR_EXECUTION"]
    });
    go(&home);
    let _ = first.end().exits(0);
    let _ = second.end().exits(0);
    let backups = gateway
        .requests()
        .into_iter()
        .filter(|request| request.operation == "do-backup");
    let domains: Vec<Vec<String>> = backups.map(|request| request.domains).collect();
    assert_eq!(domains, [["DOM1"], ["DOM2"]]);
}

#[test]
fn a_run_that_was_killed_is_found_by_the_next_one() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let first = held(&home);
    first.kill();
    assert_eq!(home.last_plan().status.code(), "RUNNING_PRE_SCRIPT");
    go(&home);
    let script = home.text("held");
    eventually("its script has ended", || !is_alive(&script));
    let ran = home.dpbackup(&["run", "P", "-v"]).exits(0);
    assert!(
        ran.stderr.contains("was abandoned: its process is gone"),
        "{}",
        ran.stderr
    );
    let rows = home.plan_rows();
    let statuses: Vec<&str> = rows.iter().map(|row| row.status.code()).collect();
    assert_eq!(statuses, ["SUCCESS", "ABANDONED"]);
    let error = rows[1].error_message.as_deref().unwrap_or_default();
    assert_eq!(
        error,
        "its process is gone, and has recorded no end; nothing had to be undone"
    );
    let tasks = home.history().tasks_of_plan(rows[1].id).expect("its tasks");
    assert!(
        tasks.iter().all(|task| task.status.code() == "ABANDONED"),
        "{tasks:?}"
    );
}

fn is_exporting(home: &Home) -> bool {
    home.stored().iter().any(|path| path.contains("DOM1-export-"))
}

/// Kills a run while the device is quiesced and in the middle of an export.
fn killed_while_quiesced(home: &Home, gateway: &Gateway) {
    gateway.fail_as("do-backup=stall-in-body@2000");
    let running = home.running(&["run", "P"]);
    eventually("the export is on its way", || is_exporting(home));
    running.kill();
    gateway.clear_faults();
    assert_eq!(gateway.state().quiesce_state("DOM1"), "quiesced");
    assert!(
        home.stored().iter().all(|path| path.contains(".partial")),
        "{:?}",
        home.stored()
    );
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn recover_brings_back_what_a_killed_run_left_and_clears_its_remains() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    killed_while_quiesced(&home, &gateway);
    let ran = home.dpbackup(&["recover"]).exits(0);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
    home.holds_nothing();
    let task = home.task_rows()[0].id.0;
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[0],
        format!("domain DOM1 of QA1 was left quiesced by task {task}: unquiesced and confirmed")
    );
    assert_eq!(
        lines[1],
        "execution 1 of plan P was abandoned: its process is gone, and has recorded no end"
    );
    assert!(lines[2].starts_with("removed ") && lines.len() == 3, "{lines:?}");
    assert_eq!(home.recorded(), ["QA1/DOM1 ABANDONED"]);
    let row = home.last_plan();
    assert_eq!(row.status.code(), "ABANDONED");
    assert!(
        row.error_message
            .is_some_and(|error| error.contains("unquiesced and confirmed"))
    );
    let again = home.dpbackup(&["recover"]).exits(0);
    assert_eq!(
        again.stdout,
        "nothing to recover: no run that died has left anything\n"
    );
}

#[test]
fn the_next_run_brings_back_what_a_killed_one_left_before_it_begins() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    killed_while_quiesced(&home, &gateway);
    let ran = home.dpbackup(&["run", "P", "-v"]).exits(3);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
    assert_eq!(home.stored().len(), 1, "{:?}", home.stored());
    assert!(
        ran.stderr.contains("left by a run that is over"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("removed what a run that died left"),
        "{}",
        ran.stderr
    );
    let statuses: Vec<&str> = home.plan_rows().iter().map(|row| row.status.code()).collect();
    assert_eq!(statuses, ["COMPLETED_WITH_WARNINGS", "ABANDONED"]);
}

#[test]
fn a_run_that_puts_back_what_a_killed_one_left_out_of_service_says_so_however_quiet_it_is() {
    for arguments in [["run", "P"].as_slice(), &["run", "P", "-q"]] {
        let gateway = Gateway::start(Setup::default());
        let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
        killed_while_quiesced(&home, &gateway);
        let ran = home.dpbackup(arguments).exits(3);
        let told = "warning: QA1, DOM1: left by a run that is over; unquiesced and confirmed\n";
        assert!(ran.stderr.starts_with(told), "{}", ran.stderr);
        assert_eq!(ran.stderr.matches("warning: ").count(), 1, "{}", ran.stderr);
        let message = home.last_plan().error_message.unwrap_or_default();
        assert!(
            message.contains("domain DOM1 of QA1 was left quiesced by task 1"),
            "{message}"
        );
    }
}

#[test]
fn a_signal_before_a_device_is_asked_is_answered_by_what_a_killed_run_left_out_of_service_there() {
    for arguments in [["recover"].as_slice(), &["run", "P"]] {
        let gateway = Gateway::start(Setup::default());
        let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
        killed_while_quiesced(&home, &gateway);
        let before = gateway.received("DomainStatus");
        gateway.fail_as("DomainStatus:1=stall@1s");
        let running = home.running(arguments);
        eventually("it is asked", || gateway.received("DomainStatus") > before);
        running.signal(Signal::INT);
        let ran = running.end().exits(130);
        let told = "SIGINT: looking at DOM1 of QA1, and unquiescing it if it is what was quiesced, at most ";
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
        assert!(gateway.state().is_unquiesced());
    }
}

#[test]
fn recover_leaves_a_run_alone_that_lives() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    gateway.fail_as("do-backup=stall-in-body@2000");
    let running = home.running(&["run", "P"]);
    eventually("the export is on its way", || is_exporting(&home));
    let ran = home.dpbackup(&["recover"]).exits(0);
    assert_eq!(
        ran.stdout,
        "nothing to recover: no run that died has left anything\n"
    );
    assert_eq!(gateway.state().quiesce_state("DOM1"), "quiesced");
    assert_eq!((home.stored().len(), home.open_entries().len()), (1, 1));
    running.signal(Signal::INT);
    let _ = running.end().exits(130);
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_person_can_strike_out_what_is_remembered_of_a_device_that_is_gone() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    killed_while_quiesced(&home, &gateway);
    let asked = gateway.operations().len();
    // Nobody knows that one: a slip strikes out nothing, and is told before anything is done.
    let ran = home.dpbackup(&["recover", "--forget", "QA7"]).exits(10);
    assert!(
        ran.stderr
            .contains("has a device 'QA7', and nothing was done; did you mean 'QA1'?")
            && ran.stderr.contains("dpbackup recover"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        (home.open_entries().len(), gateway.operations().len()),
        (1, asked)
    );
    let _ = home.dpbackup(&["recover"]).exits(0);
    assert_eq!(home.open_entries(), []);
    // Where nothing is open it is no more than a wrong word.
    let ran = home.dpbackup(&["recover", "--forget", "QA7"]).exits(2);
    assert!(ran.stderr.contains("did you mean 'QA1'?"), "{}", ran.stderr);
    let ran = home.dpbackup(&["recover", "--forget", "QA1"]).exits(0);
    assert!(
        ran.stdout.contains("nothing of QA1 was to be forgotten"),
        "{}",
        ran.stdout
    );

    killed_while_quiesced(&home, &gateway);
    gateway.fail_as("connect=refuse");
    let _ = home.dpbackup(&["recover"]).exits(10);
    let ran = home.dpbackup(&["recover", "--forget", "QA1"]).exits(0);
    assert!(
        ran.stdout.contains("was left quiesced by task")
            && ran
                .stdout
                .contains("struck out by a person; the device was not asked"),
        "{}",
        ran.stdout
    );
    assert_eq!(home.open_entries(), []);
    let _ = home.dpbackup(&["recover"]).exits(0);
}

#[test]
fn two_names_of_one_device_are_not_worked_on_at_the_same_time() {
    let gateway = Gateway::start(Setup::default());
    let tls = format!("{{ pin_sha256 = \"{}\" }}", gateway.pin());
    let home = Home::of(&gateway)
        .device_on("QA1b", "localhost", gateway.port(), &tls)
        .plan("P", &export("QA1", "DOM1", ""))
        .plan("Q", &export("QA1b", "DOM1", ""))
        .timeouts("request = 10s, export = 1h, idle = 1h");
    gateway.fail_as("do-backup:1=stall@60m");
    let running = home.running(&["run", "P"]);
    eventually("the export is asked for", || gateway.received("do-backup") == 1);
    let waiting = home.in_terminal(200, &[], &["run", "Q"]);
    waiting.shows("waiting for QA1b: device lock held by task 1 of plan P");
    // It stays to be read: the line that moves does not.
    waiting.shows("note: had to wait for QA1b: device lock held by task 1 of plan P");
    assert_eq!(gateway.received("do-backup"), 1);
    gateway.clear_faults();
    let _ = running.end().exits(0);
    let (code, lines) = waiting.end();
    assert_eq!(code, Some(0), "{lines:?}");
}
