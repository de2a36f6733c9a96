//! One run of a plan, one task on a device, one history: across processes.

use std::time::Duration;

use dpbackup::history::{History, PlanFilter, PlanRow};

use crate::invariants::broken;
use crate::simulator::{Domain, Fault, FaultKind, Gateway, Setup};
use crate::support::{Home, Ran, gateways, until};

const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM*\"\nquiesce = true\n";

/// The answer to the first export comes only when the gateway is told so.
fn stalled(gateway: &Gateway) {
    gateway.fail(Fault::nth("do-backup", 1, FaultKind::StallBeforeHead(None)));
}

fn asked(gateway: &Gateway, operation: &str) -> usize {
    gateway
        .operations()
        .iter()
        .filter(|asked| *asked == operation)
        .count()
}

fn plans(home: &Home) -> Vec<PlanRow> {
    History::open_read_only(&home.path("state/history.db"))
        .and_then(|history| history.plans(&PlanFilter::default()))
        .unwrap_or_default()
}

#[test]
fn a_second_run_of_a_plan_is_locked_and_says_by_whom_since_when() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = Home::quick().device("QA1", &gateway).plan("P", EXPORT);
    stalled(&gateway);
    let mut first = home.start(&["run", "P"]);
    until(&mut [&mut first], || asked(&gateway, "do-backup") == 1);
    let second = home.dpbackup(&["run", "P"]).exits(5);
    let row = plans(&home).remove(0);
    assert_eq!(row.status.code(), "LOCKED");
    let message = row.error_message.expect("a reason");
    let pid = first.id().to_string();
    assert!(
        message.contains("plan P") && message.contains(&pid) && message.contains("since 20"),
        "{message}"
    );
    assert!(second.stderr.contains(&pid), "{}", second.stderr);
    // A reader is not kept out.
    let _read = home.dpbackup(&["history"]).exits(0);
    // The owner dies: nothing is locked any more, and the device is put back.
    first.kill().expect("a child");
    first.wait().expect("a child");
    gateway.clear_faults();
    let _third = home.dpbackup(&["run", "P"]).exits(3);
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}

#[test]
fn a_plan_whose_lock_cannot_be_had_ends_alone_with_its_reason_and_the_next_one_runs() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("P", EXPORT)
        .plan("Q", EXPORT)
        .plan("R", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let lock = home.path("state/history.db.locks/plan-Q.lock");
    std::os::unix::fs::symlink("nowhere", &lock).expect("a link");
    let ran = home.dpbackup(&["run", "P", "Q", "R"]).exits(6);
    assert!(ran.stderr.contains("plan-Q.lock"), "{}", ran.stderr);
    let ends = |plan: &str| {
        let rows = home.plan_rows().into_iter().filter(|row| row.plan == plan);
        rows.map(|row| row.status.code().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ends("P"), ["SUCCESS", "SUCCESS"]);
    assert_eq!(ends("Q"), ["FAILED"]);
    assert_eq!(ends("R"), ["SUCCESS"]);
    assert!(home.plan_rows().iter().any(|row| {
        row.error_message
            .as_ref()
            .is_some_and(|why| why.contains("plan-Q.lock"))
    }),);
}

#[test]
fn a_plan_that_is_not_begun_any_more_is_named_and_has_its_row() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = Home::quick()
        .script("away.sh", "#!/bin/sh\nkill -TERM $PPID; sleep 60\n")
        .setting("scripts_dir = \"scripts\"")
        .device("QA1", &gateway)
        .plan("P", &format!("pre_script = \"away.sh\"\n{EXPORT}"))
        .plan("Q", EXPORT);
    let ran = home.dpbackup(&["run", "P", "Q"]).exits(143);
    let why = "not begun: the run was asked to stop";
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    let rows = home.plan_rows();
    let row = rows.iter().find(|row| row.plan == "Q").expect("a row");
    assert_eq!(row.status.code(), "INTERRUPTED");
    assert_eq!(row.error_message.as_deref(), Some(why));
    assert!(row.end_time.is_some());
    assert_eq!(asked(&gateway, "do-backup"), 0);
}

#[test]
fn lock_wait_waits_for_the_other_run() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = Home::quick().device("QA1", &gateway).plan("P", EXPORT);
    let pause = FaultKind::StallBeforeHead(Some(Duration::from_secs(1)));
    gateway.fail(Fault::nth("do-backup", 1, pause));
    let mut first = home.start(&["run", "P"]);
    until(&mut [&mut first], || asked(&gateway, "do-backup") == 1);
    let _second = home.dpbackup(&["run", "P", "--lock-wait", "1h"]).exits(0);
    let _first = Ran::ended(first).exits(0);
    assert_eq!(asked(&gateway, "do-action/DomainQuiesce"), 2);
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}

/// Between a quiesce and its unquiesce nobody else's task is at work on the device.
fn tasks_do_not_overlap(gateway: &Gateway) {
    let mut holder: Option<u64> = None;
    for request in gateway.requests() {
        match request.operation.as_str() {
            "do-action/DomainQuiesce" => {
                assert_eq!(holder, None, "a task began while another one had quiesced");
                holder = Some(request.connection);
            }
            "do-backup" => assert_eq!(
                holder,
                Some(request.connection),
                "an export in somebody else's quiesce"
            ),
            "do-action/DomainUnquiesce" => holder = None,
            _ => {}
        }
    }
    assert_eq!(holder, None);
}

#[test]
fn two_plans_on_one_device_wait_for_each_other_task_by_task() {
    let gateway = Gateway::start(Setup {
        internal_file_bytes: 2 << 10,
        ..Setup::default()
    });
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("P", EXPORT)
        .plan("Q", EXPORT);
    let pause = FaultKind::StallBeforeHead(Some(Duration::from_secs(1)));
    gateway.fail(Fault::nth("do-backup", 1, pause));
    let mut first = home.start(&["run", "P"]);
    until(&mut [&mut first], || asked(&gateway, "do-backup") == 1);
    let second = home.start(&["run", "Q"]);
    let _first = Ran::ended(first).exits(0);
    let _second = Ran::ended(second).exits(0);
    assert_eq!(asked(&gateway, "do-backup"), 4);
    tasks_do_not_overlap(&gateway);
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}

#[test]
fn a_task_that_waited_for_a_run_that_dies_mends_the_device_first() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("P", EXPORT)
        .plan("Q", EXPORT);
    stalled(&gateway);
    let mut first = home.start(&["run", "P"]);
    until(&mut [&mut first], || asked(&gateway, "do-backup") == 1);
    let mut second = home.start(&["run", "Q"]);
    until(&mut [&mut first, &mut second], || {
        plans(&home)
            .first()
            .is_some_and(|plan| plan.plan == "Q" && plan.status.code() == "RUNNING")
    });
    first.kill().expect("a child");
    first.wait().expect("a child");
    let _second = Ran::ended(second).exits(3);
    assert_eq!(home.history().open_entries().expect("the journal"), []);
    // Its own row is ended by the next start of whatever writes.
    let recovered = home.dpbackup(&["recover"]).exits(0);
    assert!(recovered.stdout.contains("was abandoned"), "{}", recovered.stdout);
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}

#[test]
fn two_processes_and_a_reader_on_one_history_lose_nothing() {
    let (one, two) = (
        Gateway::start(gateways::small([Domain::new("DOM1")])),
        Gateway::start(gateways::small([Domain::new("DOM1")])),
    );
    let plan = |device: &str| EXPORT.replace("\"*\"", &format!("\"{device}\""));
    let home = Home::new()
        .device("QA1", &one)
        .device("QA2", &two)
        .plan("P", &plan("QA1"))
        .plan("Q", &plan("QA2"));
    let rounds = 4;
    std::thread::scope(|scope| {
        let runs = ["P", "Q"].map(|plan| {
            let home = &home;
            scope.spawn(move || {
                for _ in 0..rounds {
                    let _ran = home.dpbackup(&["run", plan]).exits(0);
                }
            })
        });
        // A run that failed has ended too.
        while runs.iter().any(|run| !run.is_finished()) {
            let read = home.dpbackup(&["history", "--format", "json"]).exits(0);
            serde_json::from_str::<serde_json::Value>(&read.stdout).expect("JSON");
        }
    });
    let plans = plans(&home);
    assert_eq!(plans.len(), 2 * rounds);
    assert!(plans.iter().all(|plan| plan.status.code() == "SUCCESS"));
    assert_eq!(home.stored().len(), 2 * rounds);
    assert_eq!(broken(&home, &one, &[]), [""; 0]);
}
