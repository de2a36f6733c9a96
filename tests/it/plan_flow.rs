//! How plans end once they have started: by their scripts, by what becomes of their
//! tasks, and by what the error policies make of a failed one.

use dpbackup::run::event::Event;
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{EngineRun, Home, TestClock, export, gateways};

const GOOD: &str = "#!/bin/sh\necho \"$1 $2\" >> \"$DPBACKUP_STORE/../ran\"\n";
const BAD: &str = "#!/bin/sh\necho \"$1 $2\" >> \"$DPBACKUP_STORE/../ran\"\nexit 7\n";

fn home(gateway: &Gateway) -> Home {
    Home::of(gateway).script("good.sh", GOOD).script("bad.sh", BAD)
}

fn run(home: &Home) -> EngineRun {
    let run = home.run("P", &TestClock::night());
    assert_eq!(home.recorded(), run.tasks(), "history has what was told");
    assert_eq!(home.last_plan().status.code(), run.status());
    run
}

#[test]
fn a_plan_whose_tasks_all_succeed_is_a_success() {
    let gateway = Gateway::start(Setup::default());
    let scripts = "pre_script = \"good.sh\"\npost_script = \"good.sh\"\n";
    let home = home(&gateway).plan("P", &format!("{scripts}{}", export("*", "DOM*", "")));
    let run = run(&home);
    assert_eq!((run.status(), run.exit(), run.error()), ("SUCCESS", 0, ""));
    assert_eq!(home.text("ran"), "BACKUP-PLAN PRE\nBACKUP-PLAN POST\n");
    let row = home.last_plan();
    assert_eq!((row.devices, row.domains, row.error_message), (1, 2, None));
    assert!(
        home.activity_rows()
            .iter()
            .all(|row| row.status.code() == "SUCCESS")
    );
}

#[test]
fn a_plan_goes_through_its_interim_statuses_in_order() {
    let gateway = Gateway::start(Setup::default());
    let scripts = "pre_script = \"good.sh\"\npost_script = \"good.sh\"\n";
    let home = home(&gateway).plan("P", &format!("{scripts}{}", export("*", "DOM1", "")));
    let statuses: Vec<&str> = run(&home)
        .events
        .iter()
        .filter_map(|event| match event {
            Event::PlanStatus { status, .. } | Event::PlanEnded { status, .. } => Some(status.code()),
            _ => None,
        })
        .collect();
    assert_eq!(
        statuses,
        ["RUNNING_PRE_SCRIPT", "RUNNING", "RUNNING_POST_SCRIPT", "SUCCESS"]
    );
}

#[test]
fn a_failed_pre_plan_script_ends_the_plan_and_its_waiting_tasks() {
    let gateway = Gateway::start(Setup::default());
    let scripts = "pre_script = \"bad.sh\"\npost_script = \"good.sh\"\n";
    let home = home(&gateway).plan(
        "P",
        &format!(
            "{scripts}{}",
            export("*", "DOM*", "") + &export("NONE*", "DOM*", "")
        ),
    );
    let run = run(&home);
    assert_eq!((run.status(), run.exit()), ("PLAN_FAILED_PRE_SCRIPT", 4));
    assert_eq!(
        run.tasks(),
        [
            "QA1/DOM1 PLAN_FAILED_PRE_SCRIPT",
            "QA1/DOM2 PLAN_FAILED_PRE_SCRIPT",
            "NONE*/DOM* SKIPPED_NO_DEVICES_MATCHING_PATTERN",
        ]
    );
    assert!(run.error().ends_with("bad.sh: return code 7"), "{}", run.error());
    assert_eq!(
        home.text("ran"),
        "BACKUP-PLAN PRE\n",
        "the post-plan script does not run"
    );
    assert!(
        !gateway
            .operations()
            .iter()
            .any(|operation| operation == "do-backup")
    );
    assert!(
        home.activity_rows().iter().all(|row| row.status.is_final()),
        "{:?}",
        home.activity_rows()
    );
    home.holds_nothing();
}

#[test]
fn a_failed_post_plan_script_is_a_warning() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).plan(
        "P",
        &format!("post_script = \"bad.sh\"\n{}", export("*", "DOM1", "")),
    );
    let run = run(&home);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"]);
    assert_eq!((run.status(), run.exit()), ("COMPLETED_WITH_WARNINGS", 3));
    assert!(run.error().ends_with("bad.sh: return code 7"), "{}", run.error());
}

#[test]
fn a_failed_post_plan_script_does_not_hide_a_failed_task() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup=file-error");
    let home = home(&gateway).plan(
        "P",
        &format!("post_script = \"bad.sh\"\n{}", export("*", "DOM1", "")),
    );
    let run = run(&home);
    assert_eq!((run.status(), run.exit()), ("FAILED", 1));
    assert!(run.error().contains("BACKUP_FAILED"), "{}", run.error());
}

#[test]
fn a_skipped_task_is_a_warning_of_the_plan() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).plan("P", &(export("*", "DOM1", "") + &export("*", "NONE", "")));
    let run = run(&home);
    assert_eq!((run.status(), run.exit()), ("COMPLETED_WITH_WARNINGS", 3));
    let why = "task 2 SKIPPED_NO_DOMAINS_MATCHING_PATTERN: ";
    assert!(run.error().starts_with(why), "{}", run.error());
}

#[test]
fn a_plan_that_left_tasks_out_names_the_first_with_its_reason_in_the_list_of_executions() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .absent_device("QA2")
        .absent_device("QA3")
        .plan(
            "Some",
            &(export("QA1", "DOM1", "") + &export("QA2, QA3", "DOM1", "")),
        )
        .plan("None", &export("QA2, QA3", "DOM1", ""));
    let ran = home.dpbackup(&["run", "None"]).exits(4);
    // What was told of the tasks is not told twice, and the page that is named has the reasons.
    assert_eq!(ran.stderr.matches("QA2").count(), 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("  more: dpbackup history 1 --config "),
        "{}",
        ran.stderr
    );
    let page = home.dpbackup(&["history", "1"]).exits(0).stdout;
    assert_eq!(page.matches("nothing listens there").count(), 2, "{page}");
    let ran = home.dpbackup(&["run", "Some"]).exits(3);
    assert!(!ran.stderr.contains("skipped or cancelled"), "{}", ran.stderr);

    let listed = home.dpbackup(&["history", "--format", "csv"]).exits(0).stdout;
    for why in [
        "every task is skipped: task 1 SKIPPED_DEVICE_NOT_AVAILABLE: QA2 (127.0.0.1:2)",
        "task 4 SKIPPED_DEVICE_NOT_AVAILABLE: QA2 (127.0.0.1:2)",
        "(and 1 more skipped or cancelled)",
    ] {
        assert!(listed.contains(why), "{why}\n{listed}");
    }
}

#[test]
fn a_warning_of_a_task_is_one_of_its_plan_and_its_activity() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).plan("P", &export("*", "DOM1", "post_script = \"bad.sh\""));
    let run = run(&home);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"]);
    assert_eq!((run.status(), run.exit()), ("COMPLETED_WITH_WARNINGS", 3));
    let script = home.path("scripts/bad.sh");
    let warning = format!("task 1: the post-task script {}: return code", script.display());
    assert!(run.error().starts_with(&warning), "{}", run.error());
    assert_eq!(home.activity_rows()[0].status.code(), "COMPLETED_WITH_WARNINGS");
}

#[test]
fn a_plan_with_warnings_names_the_first_and_counts_the_others() {
    let gateway = Gateway::start(Setup {
        domains: ["DOM1", "DOM2", "DOM3"].map(Domain::new).to_vec(),
        ..Setup::default()
    });
    let home = home(&gateway).plan("P", &export("*", "DOM*", "post_script = \"bad.sh\""));
    let run = run(&home);
    assert!(
        run.error().starts_with("task 1: the post-task script "),
        "{}",
        run.error()
    );
    assert!(run.error().ends_with(" (and 2 more warnings)"), "{}", run.error());
    // In the block for a mail every warning stands, and stands once.
    let ran = home.dpbackup(&["run", "P"]).exits(3);
    assert_eq!(
        ran.stderr.matches("the post-task script").count(),
        3,
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("more warnings"), "{}", ran.stderr);
}

#[test]
fn a_failed_plan_names_its_first_failure_and_counts_the_others() {
    let gateway = Gateway::start(Setup {
        domains: ["DOM1", "DOM2", "DOM3", "DOM4"].map(Domain::new).to_vec(),
        ..Setup::default()
    });
    gateway.fail_as("do-backup:2+=file-error");
    let home = home(&gateway).plan(
        "P",
        &format!("error_policy = \"ignore\"\n{}", export("*", "DOM*", "")),
    );
    let run = run(&home);
    assert_eq!((run.status(), run.exit()), ("FAILED", 1));
    let second = home.task_rows()[1].id.0;
    assert!(
        run.error().starts_with(&format!("task {second} BACKUP_FAILED: ")),
        "{}",
        run.error()
    );
    assert!(run.error().ends_with("(and 2 more failed)"), "{}", run.error());
    let row = &home.activity_rows()[0];
    assert_eq!(
        (row.status.code(), row.successful_tasks, row.failed_tasks),
        ("FAILED", 1, 3)
    );
}

#[test]
fn the_policy_of_an_activity_goes_before_that_of_the_plan() {
    for (plan, activity, second) in [
        ("halt", "plan-default", "EXECUTION_CANCELED_BECAUSE_ERROR_POLICY"),
        ("halt", "halt", "EXECUTION_CANCELED_BECAUSE_ERROR_POLICY"),
        ("halt", "ignore", "SUCCESS"),
        ("ignore", "plan-default", "SUCCESS"),
        ("ignore", "halt", "EXECUTION_CANCELED_BECAUSE_ERROR_POLICY"),
        ("ignore", "ignore", "SUCCESS"),
    ] {
        let gateway = Gateway::start(Setup::default());
        gateway.fail_as("do-backup@DOM1=file-error");
        let policy = format!("error_policy = \"{activity}\"");
        let activities = export("*", "DOM1", &policy) + &export("*", "DOM2", "");
        let home = home(&gateway).plan("P", &format!("error_policy = \"{plan}\"\n{activities}"));
        let run = run(&home);
        assert_eq!(
            run.tasks(),
            ["QA1/DOM1 BACKUP_FAILED".to_owned(), format!("QA1/DOM2 {second}")],
            "plan {plan}, activity {activity}"
        );
        assert_eq!((run.status(), run.exit()), ("FAILED", 1));
    }
}

#[test]
fn without_a_policy_a_failed_task_halts_the_plan_within_its_activity_too() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup@DOM1=file-error");
    let home = home(&gateway).plan("P", &export("*", "DOM*", ""));
    let run = run(&home);
    assert_eq!(
        run.tasks(),
        [
            "QA1/DOM1 BACKUP_FAILED",
            "QA1/DOM2 EXECUTION_CANCELED_BECAUSE_ERROR_POLICY"
        ]
    );
    let first = home.task_rows()[0].id.0;
    assert!(
        run.errors()[1].starts_with(&format!("QA1/DOM1 export ended BACKUP_FAILED (task {first})")),
        "{:?}",
        run.errors()
    );
    assert_eq!(
        gateway
            .operations()
            .iter()
            .filter(|name| *name == "do-backup")
            .count(),
        1
    );
}

#[test]
fn a_skipped_task_never_halts_a_plan() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).plan("P", &(export("*", "NONE", "") + &export("*", "DOM1", "")));
    assert_eq!(
        run(&home).tasks(),
        ["QA1/NONE SKIPPED_NO_DOMAINS_MATCHING_PATTERN", "QA1/DOM1 SUCCESS"]
    );
}

#[test]
fn the_post_plan_script_runs_after_a_failed_task_and_hears_of_it() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup=file-error");
    let home = home(&gateway)
        .script("post.sh", "#!/bin/sh\necho \"$5\" > \"$DPBACKUP_STORE/../ran\"\n")
        .plan(
            "P",
            &format!("post_script = \"post.sh\"\n{}", export("*", "DOM*", "")),
        );
    assert_eq!(run(&home).status(), "FAILED");
    assert_eq!(home.text("ran"), "FAILED\n");
}

#[test]
fn a_signal_between_two_tasks_interrupts_the_waiting_one_and_the_post_plan_script_still_runs() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).plan(
        "P",
        &format!("post_script = \"good.sh\"\n{}", export("*", "DOM*", "")),
    );
    let stop = Stop::new();
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskEnded { .. }) && !stop.is_requested() {
            stop.request(15);
        }
    };
    let run = home.run_with("P", &TestClock::night(), Options::default(), &stop, &mut watch);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS", "QA1/DOM2 INTERRUPTED"]);
    let end = (run.status(), run.exit(), run.error());
    assert_eq!(end, ("INTERRUPTED", 143, "interrupted by SIGTERM"));
    assert_eq!(home.text("ran"), "BACKUP-PLAN POST\n");
    assert_eq!(home.recorded(), run.tasks());
}

#[test]
fn a_signal_that_came_too_late_for_every_task_is_told_as_such() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).plan(
        "P",
        &format!("post_script = \"good.sh\"\n{}", export("*", "DOM1", "")),
    );
    let stop = Stop::new();
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskEnded { .. }) {
            stop.request(2);
        }
    };
    let run = home.run_with("P", &TestClock::night(), Options::default(), &stop, &mut watch);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"]);
    assert_eq!((run.status(), run.exit()), ("INTERRUPTED", 130));
    let why = "interrupted by SIGINT, but each task has come to its end";
    assert_eq!(run.error(), why);
    assert_eq!(home.last_plan().error_message.as_deref(), Some(why));
}

#[test]
fn a_signal_during_the_expansion_ends_the_plan_without_tasks() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).plan("P", &export("*", "DOM*", ""));
    let stop = Stop::new();
    stop.request(2);
    let run = home.run_with("P", &TestClock::night(), Options::default(), &stop, &mut |_| {});
    assert_eq!((run.status(), run.exit()), ("INTERRUPTED", 130));
    assert_eq!(gateway.operations(), Vec::<String>::new());
}

#[test]
fn an_execution_is_in_history_while_it_runs_with_the_status_it_has_now() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).plan("P", &export("*", "DOM*", ""));
    let mut seen = Vec::new();
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskStatus { .. }) {
            seen.push(format!("{} {:?}", home.last_plan().status, home.recorded()));
        }
    };
    home.run_with(
        "P",
        &TestClock::night(),
        Options::default(),
        &Stop::new(),
        &mut watch,
    )
    .end
    .expect("an end");
    assert_eq!(
        seen[0],
        "RUNNING [\"QA1/DOM1 VALIDATING\", \"QA1/DOM2 READY_FOR_EXECUTION\"]"
    );
    assert_eq!(
        seen.last().map(String::as_str),
        Some("RUNNING [\"QA1/DOM1 SUCCESS\", \"QA1/DOM2 VERIFYING\"]")
    );
}

#[test]
fn a_device_that_dies_in_a_plan_is_waited_for_by_one_task_and_not_by_each_of_its_others() {
    let domains = ["D1", "D2", "D3", "D4", "D5"].map(Domain::new);
    let gateway = gateways::with_domains(domains.clone());
    gateway.fail_as("do-backup:2=refuse");
    let other = gateways::with_domains(domains);
    other.state().set_serial("78A0002");
    // It fails in one domain alone, and answers all the same.
    other.fail_as("do-backup:2=file-error");
    let home = Home::new().device("QA1", &gateway).device("QA2", &other).plan(
        "P",
        &format!("error_policy = \"ignore\"\n{}", export("*", "D*", "")),
    );
    let run = run(&home);
    let tasks = run.tasks();
    assert_eq!(tasks[0], "QA1/D1 SUCCESS");
    assert!(
        tasks[1].starts_with("QA1/D2 ") && tasks[1].ends_with("_FAILED"),
        "{tasks:?}"
    );
    for (task, domain) in tasks[2..5].iter().zip(["D3", "D4", "D5"]) {
        assert_eq!(task, &format!("QA1/{domain} SKIPPED_DEVICE_NOT_AVAILABLE"));
    }
    assert!(
        run.errors()[1].contains("does not answer any more: "),
        "{:?}",
        run.errors()
    );
    assert!(tasks[6].ends_with("_FAILED"), "{tasks:?}");
    for (task, domain) in [(5, "D1"), (7, "D3"), (8, "D4"), (9, "D5")] {
        assert_eq!(tasks[task], format!("QA2/{domain} SUCCESS"));
    }
}
