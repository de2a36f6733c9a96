//! Signals at every request of a task: the step stops at once, the
//! device is put back, the scripts that are due run, and the exit code names the signal.

use std::fs;
use std::process::Child;
use std::time::Duration;

use dpbackup::clock::SystemClock;
use dpbackup::history::{History, PlanFilter};
use dpbackup::lock::{Asked, Lock, Locks};
use rustix::process::{Pid, Signal, kill_process};

use crate::invariants::broken;
use crate::simulator::{Domain, Fault, FaultKind, Gateway, Setup};
use crate::support::{Home, Ran, eventually, gateways, is_alive, until};

const EXPORT: &str = "post_script = \"post-plan.sh\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\n\
                      domains = \"DOM1\"\nquiesce = true\npost_script = \"post-task.sh\"\n";

const SECURE_BACKUP: &str = "post_script = \"post-plan.sh\"\n[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\n\
                             certificate = \"backup-cert\"\nquiesce = true\npost_script = \"post-task.sh\"\n";

const SIGNALS: [(Signal, i32); 4] = [
    (Signal::INT, 130),
    (Signal::TERM, 143),
    (Signal::HUP, 129),
    (Signal::QUIT, 131),
];

/// A home whose downloads may be silent for an hour: only a signal ends them.
fn home(gateway: &Gateway, plan: &str) -> Home {
    Home::quick()
        .setting("retries = 2")
        .timeouts("request = 2s, export = 1h, secure_backup = 1h, idle = 1h")
        .script("post-plan.sh", "#!/bin/sh\necho \"$5\" > \"$HOME/post-plan\"\n")
        .script("post-task.sh", "#!/bin/sh\necho \"$5\" > \"$HOME/post-task\"\n")
        .device("QA1", gateway)
        .plan("P", plan)
}

fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("an id");
    kill_process(pid, signal).expect("a signal to a child");
}

fn read(home: &Home, name: &str) -> Option<String> {
    fs::read_to_string(home.path(name))
        .ok()
        .map(|text| text.trim().to_owned())
}

/// The history, once there is one.
fn plans(home: &Home) -> Vec<dpbackup::history::PlanRow> {
    History::open_read_only(&home.path("state/history.db"))
        .and_then(|history| history.plans(&PlanFilter::default()))
        .unwrap_or_default()
}

fn interrupt_at_every_request(plan: &str) {
    let clean = {
        let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
        let _ran = home(&gateway, plan).dpbackup(&["run", "P"]).exits(0);
        gateway.operations()
    };
    let mut failures = Vec::new();
    for (index, operation) in clean.iter().enumerate() {
        let mut faults = vec![FaultKind::StallBeforeHead(None)];
        if operation == "do-backup" || operation.starts_with("get-file/") {
            faults.push(FaultKind::StallInBody(300));
        }
        for fault in faults {
            let (signal, code) = SIGNALS[index % SIGNALS.len()];
            let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
            let home = home(&gateway, plan);
            let nth = u32::try_from(index + 1).expect("few requests");
            gateway.fail(Fault::nth("*", nth, fault.clone()));
            let mut child = home.start(&["run", "P"]);
            until(&mut [&mut child], || gateway.requests().len() > index);
            send(&child, signal);
            let ran = Ran::ended(child);
            let mut found = broken(&home, &gateway, &[]);
            if ran.code != Some(code) {
                found.push(format!(
                    "exit code {:?} after {signal:?}: {}",
                    ran.code, ran.stderr
                ));
            }
            let open = home.history().open_entries().expect("the journal");
            if !open.is_empty() {
                found.push(format!("open: {open:?}"));
            }
            let plan = plans(&home).remove(0);
            if plan.status.code() != "INTERRUPTED" {
                found.push(format!("the plan ended {}", plan.status));
            }
            // The tasks had rows: what ran has its scripts, and they know how it ended.
            let task = home
                .history()
                .activities(plan.id)
                .expect("the activities")
                .first()
                .and_then(|activity| {
                    home.history()
                        .tasks(activity.id)
                        .expect("the tasks")
                        .first()
                        .cloned()
                });
            let (post_task, post_plan) = (read(&home, "post-task"), read(&home, "post-plan"));
            match task {
                None if post_plan.is_some() || post_task.is_some() => {
                    found.push("a script ran before there was a task".to_owned());
                }
                None => {}
                Some(task) => {
                    let status = task.status.code();
                    if post_task.as_deref() != Some(status) || post_plan.as_deref() != Some("INTERRUPTED") {
                        found.push(format!(
                            "{status}, but the scripts heard {post_task:?} and {post_plan:?}"
                        ));
                    }
                    let message = task.error_message.unwrap_or_default();
                    if status != "SUCCESS"
                        && !message.contains("asked to stop")
                        && !message.contains("interrupted")
                    {
                        found.push(format!("{status} {message}"));
                    }
                }
            }
            if !found.is_empty() {
                failures.push(format!(
                    "{signal:?} at {} {operation} {fault}:\n    {}",
                    index + 1,
                    found.join("\n    ")
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn an_export_is_interrupted_at_any_request() {
    interrupt_at_every_request(EXPORT);
}

#[test]
fn a_secure_backup_is_interrupted_at_any_request() {
    interrupt_at_every_request(SECURE_BACKUP);
}

#[test]
fn a_second_signal_skips_the_scripts_and_not_the_unquiesce() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = home(&gateway, EXPORT);
    gateway.fail(Fault::every("do-backup", FaultKind::StallBeforeHead(None)));
    let second = FaultKind::StallBeforeHead(Some(Duration::from_secs(1)));
    gateway.fail(Fault::nth("DomainUnquiesce", 1, second));
    let mut child = home.start(&["run", "P"]);
    let asked = |operation: &str| gateway.operations().iter().any(|asked| asked == operation);
    until(&mut [&mut child], || asked("do-backup"));
    send(&child, Signal::TERM);
    until(&mut [&mut child], || asked("do-action/DomainUnquiesce"));
    send(&child, Signal::INT);
    let ran = Ran::ended(child).exits(143);
    assert_eq!((read(&home, "post-task"), read(&home, "post-plan")), (None, None));
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
    assert_eq!(home.history().open_entries().expect("the journal"), []);
    assert!(ran.stderr.contains("a second signal came"), "{}", ran.stderr);
}

/// What `^\\` sends, a watchdog, a debugger, the limit of computing time and a power supply: each would end the process
/// where it stands.
#[test]
fn every_signal_by_which_somebody_ends_a_process_puts_the_device_back_and_says_so() {
    for (signal, name, code) in [
        (Signal::QUIT, "SIGQUIT", 131),
        (Signal::TRAP, "SIGTRAP", 133),
        (Signal::ABORT, "SIGABRT", 134),
        (Signal::XCPU, "SIGXCPU", 152),
        (Signal::POWER, "SIGPWR", 158),
    ] {
        let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
        let home = home(&gateway, EXPORT);
        gateway.fail(Fault::every("do-backup", FaultKind::StallBeforeHead(None)));
        let mut child = home.start(&["run", "P"]);
        until(&mut [&mut child], || {
            gateway.operations().iter().any(|asked| asked == "do-backup")
        });
        send(&child, signal);
        let ran = Ran::ended(child).exits(code);
        let answer = format!("{name}: unquiescing DOM1 of QA1, at most ");
        assert!(ran.stderr.contains(&answer), "{}", ran.stderr);
        assert_eq!(broken(&home, &gateway, &[]), [""; 0], "{name}");
        assert_eq!(home.history().open_entries().expect("the journal"), []);
        assert_eq!(plans(&home).remove(0).status.code(), "INTERRUPTED", "{name}");
    }
}

/// Whoever asks `dd` how far it is sends SIGUSR1; a timer that somebody left behind sends SIGALRM.
#[test]
fn a_signal_that_asks_for_no_end_changes_nothing() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = home(&gateway, EXPORT);
    gateway.fail(Fault::every("do-backup", FaultKind::StallBeforeHead(None)));
    let mut child = home.start(&["run", "P"]);
    until(&mut [&mut child], || {
        gateway.operations().iter().any(|asked| asked == "do-backup")
    });
    for number in [
        Signal::USR1,
        Signal::USR2,
        Signal::ALARM,
        Signal::VTALARM,
        Signal::PROF,
        Signal::IO,
        Signal::STKFLT,
    ]
    .map(Signal::as_raw)
    .into_iter()
    // Those without a meaning of their own.
    .chain([36, 50, 64])
    {
        let sent = std::process::Command::new("kill")
            .args(["-s", &number.to_string(), &child.id().to_string()])
            .status();
        assert!(sent.expect("kill(1)").success(), "{number}");
    }
    assert!(child.try_wait().expect("a child").is_none(), "it is at work");
    send(&child, Signal::INT);
    // The end is that of the last one: none before has ended anything.
    let ran = Ran::ended(child).exits(130);
    // What the signal ended may have gone on to the way back before the signal is answered.
    let answers = ["SIGINT: unquiescing DOM1", "SIGINT: looking at DOM1"];
    assert!(
        answers.iter().any(|answer| ran.stderr.starts_with(answer)),
        "{}",
        ran.stderr
    );
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}

#[test]
fn a_signal_between_two_tasks_ends_the_plan_before_the_second() {
    let gateway = Gateway::start(Setup::default());
    let home = home(
        &gateway,
        "post_script = \"post-plan.sh\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\n\
         domains = \"DOM*\"\nquiesce = true\npost_script = \"signal.sh\"\n",
    )
    // Once: from the script of a task that had begun it would be a second signal.
    .script(
        "signal.sh",
        "#!/bin/sh\nmkdir \"$HOME/sent\" && kill -INT $PPID\n",
    );
    let _ran = home.dpbackup(&["run", "P"]).exits(130);
    let plan = plans(&home).remove(0);
    assert_eq!(plan.status.code(), "INTERRUPTED");
    let history = home.history();
    let activity = history.activities(plan.id).expect("the activities").remove(0);
    let statuses: Vec<&str> = history
        .tasks(activity.id)
        .expect("the tasks")
        .iter()
        .map(|task| task.status.code())
        .collect();
    assert_eq!(statuses, ["SUCCESS", "INTERRUPTED"]);
    assert_eq!(read(&home, "post-plan").as_deref(), Some("INTERRUPTED"));
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}

#[test]
fn a_script_that_ignores_sigterm_is_killed_with_its_whole_group() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = home(
        &gateway,
        "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\nquiesce = true\n\
         pre_script = \"stubborn.sh\"\n",
    )
    .script(
        "stubborn.sh",
        "#!/bin/sh\ntrap '' TERM INT\nsleep 600 &\necho $! > \"$HOME/grandchild.new\"\n\
         mv \"$HOME/grandchild.new\" \"$HOME/grandchild\"\nwait\nsleep 600\n",
    );
    let mut child = home.start(&["run", "P"]);
    until(&mut [&mut child], || home.path("grandchild").exists());
    send(&child, Signal::TERM);
    let _ran = Ran::ended(child).exits(143);
    let grandchild = read(&home, "grandchild").expect("its id");
    // It has been sent SIGKILL; whoever inherits it may not have buried it yet.
    eventually("it is gone", || !is_alive(&grandchild));
    assert!(
        gateway
            .operations()
            .iter()
            .all(|asked| !asked.contains("Quiesce"))
    );
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}

/// Takes a lock as another process would.
fn hold(home: &Home, name: &str) -> Lock {
    let locks = Locks::beside(&home.path("state/history.db"));
    match locks.ask(name, "a test", &SystemClock::new()).expect("a lock") {
        Asked::Held(lock) => lock,
        Asked::Busy(holder) => panic!("{name} is held by {holder:?}"),
    }
}

#[test]
fn a_signal_while_another_run_is_waited_for_is_an_interruption() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = home(&gateway, EXPORT);
    for (lock, requests) in [
        ("plan-P".to_owned(), false),
        (format!("device-127.0.0.1-{}", gateway.port()), true),
    ] {
        gateway.forget_requests();
        let _held = hold(&home, &lock);
        let before = plans(&home).len();
        let mut child = home.start(&["run", "P", "--lock-wait", "1h"]);
        until(&mut [&mut child], || {
            let plans = plans(&home);
            plans.len() > before && (!requests || plans[0].status.code() == "RUNNING")
        });
        send(&child, Signal::INT);
        let _ran = Ran::ended(child).exits(130);
        let plan = plans(&home).remove(0);
        assert_eq!(plan.status.code(), "INTERRUPTED", "waiting for {lock}");
        assert!(
            gateway.operations().iter().all(|asked| !asked.contains("do-")),
            "waiting for {lock}"
        );
        assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
    }
}

#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = home(&gateway, EXPORT);
    let pause = FaultKind::StallBeforeHead(Some(Duration::from_millis(500)));
    gateway.fail(Fault::nth("do-backup", 1, pause));
    let plain = home.command(&["run", "P"]);
    let mut command = std::process::Command::new("/bin/sh");
    command
        .args(["-c", "trap '' HUP; exec \"$0\" run P"])
        .arg(env!("CARGO_BIN_EXE_dpbackup"));
    command.env_clear().current_dir(home.path("."));
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = command.spawn().expect("a shell");
    until(&mut [&mut child], || {
        gateway.operations().iter().any(|asked| asked == "do-backup")
    });
    send(&child, Signal::HUP);
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}
