//! The devices of a plan are asked at the same time, each once; what came of it is used in the
//! order of the plan file, whoever answers first.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;

use dpbackup::clock::Clock;
use dpbackup::run::left::Left;
use dpbackup::signal::Stop;
use dpbackup::values::boot_time::BootTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::process::Signal;

use crate::receivers::NOBODY;
use crate::simulator::{Domain, Fault, FaultKind, Gateway, Times, some_of};
use crate::support::{
    Home, TestClock, deaf_port, eventually, export, gateways, is_being_connected_to, notes_of,
};

const QUESTION: &str = "get-status/DomainStatus";

fn gateway() -> Gateway {
    gateways::with_domains(["DOM1", "DOM2"].map(Domain::new))
}

/// A home with a plan and so many devices, all of them this gateway.
fn many(count: usize, gateway: &Gateway) -> Home {
    let home = (0..count).fold(Home::new(), |home, number| {
        home.device(&format!("QA{number:03}"), gateway)
    });
    home.plan("P", &export("*", "DOM*", ""))
}

/// How many threads of a process have this name.
fn threads(pid: u32, name: &str) -> usize {
    let tasks = std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task"));
    let named = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path().join("comm");
        std::fs::read_to_string(path).ok()
    };
    tasks
        .into_iter()
        .flatten()
        .filter_map(named)
        .filter(|own| own.trim() == name)
        .count()
}

/// The tasks of a preview: device, domain and what would happen.
fn previewed(home: &Home) -> Vec<String> {
    let ran = home.dpbackup(&["preview", "P", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let tasks = document["plans"][0]["tasks"].as_array().expect("tasks");
    let text = |task: &serde_json::Value, key: &str| task[key].as_str().unwrap_or_default().to_owned();
    tasks
        .iter()
        .map(|task| {
            format!(
                "{}/{} {} {}",
                text(task, "device_name"),
                text(task, "domain_name"),
                text(task, "verdict"),
                text(task, "reason")
            )
        })
        .collect()
}

#[test]
fn sixty_four_devices_are_asked_at_the_same_time_and_no_more() {
    let gateway = gateway();
    let home = many(70, &gateway);
    // The gateway answers nothing while somebody holds its state: all that can come comes.
    let silence = gateway.state();
    let running = home.running(&["preview", "P"]);
    eventually("64 are there", || gateway.handshakes() == 64);
    assert_eq!(threads(running.pid(), "asking"), 64);
    assert_eq!(gateway.connections(), 64, "the others wait for their turn");
    drop(silence);
    let ran = running.end().exits(0);
    assert_eq!(gateway.connections(), 70);
    let rows = ran.stdout.lines().filter(|line| line.contains("  export  "));
    let devices: Vec<String> = rows
        .filter_map(|line| line.split_whitespace().nth(2).map(str::to_owned))
        .collect();
    let expected: Vec<String> = (0..70)
        .flat_map(|number| [format!("QA{number:03}"), format!("QA{number:03}")])
        .collect();
    assert_eq!(devices, expected);
}

#[test]
fn a_run_and_a_check_ask_at_the_same_time_too() {
    for arguments in [["run", "P"], ["check", "P"]] {
        let gateway = gateway();
        let home = many(5, &gateway);
        let silence = gateway.state();
        let running = home.running(&arguments);
        eventually("all five are there", || gateway.handshakes() >= 5);
        drop(silence);
        let _ = running.end().exits(0);
    }
}

#[test]
fn whoever_answers_first_the_rows_are_the_same_in_the_same_order() {
    let gateway = gateway();
    let mut home = Home::new();
    for number in 0..8 {
        home = match number {
            2 | 5 => home.absent_device(&format!("QA{number}")),
            _ => home.device(&format!("QA{number}"), &gateway),
        };
    }
    let home = home.plan(
        "P",
        &(export("*", "DOM*", "") + &export("QA1, QA5", "*, NONE", "") + &export("QA7, QA0", "X*", "")),
    );
    let expected = previewed(&home);
    assert!(expected.len() >= 20, "{expected:?}");
    for seed in 0..6 {
        gateway.clear_faults();
        let delays = some_of((0..400).collect::<Vec<u64>>(), seed, 12);
        // In the order of their arrival, which is nobody's choice: any order of answers comes up.
        for (index, delay) in delays.iter().enumerate() {
            let nth = u32::try_from(index * 7 % 12).expect("a small number") + 1;
            let kind = FaultKind::StallBeforeHead(Some(Duration::from_millis(*delay)));
            gateway.fail(Fault::nth("*", nth, kind));
        }
        assert_eq!(previewed(&home), expected, "seed {seed}");
    }
}

#[test]
fn a_silent_device_is_asked_once_by_all_plans_of_a_command() {
    let silent = gateway();
    silent.fail(Fault::every(QUESTION, FaultKind::StallBeforeHead(None)));
    let good = gateway();
    let home = Home::new()
        .setting("retries = 2")
        .timeouts("request = 1s")
        .device("QA1", &silent)
        .device("QA2", &good)
        .plan("P", &export("*", "DOM1", ""))
        .plan("Q", &export("*", "DOM2", ""));
    let _ = home.dpbackup(&["run", "P", "Q"]).exits(3);
    assert_eq!(silent.received(QUESTION), 1, "{:?}", silent.operations());
    assert_eq!(silent.connections(), 1);
    assert_eq!(
        home.recorded(),
        ["QA1/DOM2 SKIPPED_DEVICE_NOT_AVAILABLE", "QA2/DOM2 SUCCESS"]
    );
    assert_eq!(
        good.received(QUESTION),
        3,
        "once for both, and once for each task"
    );
}

#[test]
fn a_device_that_several_activities_name_is_asked_once_and_each_of_its_domains_too() {
    let gateway = gateway();
    let activities = export("QA*", "DOM1", "") + &export("*", "DOM*", "") + &export("QA1", "DOM2, DOM1", "");
    let home = Home::new().device("QA1", &gateway).plan("P", &activities);
    assert_eq!(previewed(&home).len(), 5);
    assert_eq!(gateway.received(QUESTION), 1);
    assert_eq!(gateway.received("get-config/APIConnectGatewayService"), 2);
}

#[test]
fn a_trouble_that_passes_is_met_by_asking_again() {
    let gateway = gateway();
    gateway.fail(Fault {
        operation: QUESTION.to_owned(),
        domain: None,
        times: Times::First(2),
        kind: FaultKind::Unavailable,
    });
    let home = Home::new()
        .setting("retries = 2")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", ""));
    let run = home.run("P", &TestClock::now());
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"]);
}

#[test]
fn a_device_that_falls_silent_is_not_asked_about_each_of_its_domains() {
    let gateway = gateway();
    let question = "get-config/APIConnectGatewayService";
    gateway.fail(Fault::every(question, FaultKind::StallBeforeHead(None)));
    gateway.fail_as("get-status/DomainStatus:2+=stall");
    let home = Home::new()
        .setting("retries = 2")
        .timeouts("request = 1s")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM*", ""));
    let run = home.run("P", &TestClock::now());
    assert_eq!(run.tasks(), ["QA1/DOM1 DEVICE_ERROR", "QA1/DOM2 DEVICE_ERROR"]);
    assert_eq!(gateway.received(question), 1);
    let second = home.details(1).task.error_message.unwrap_or_default();
    assert!(
        second.contains("not asked, for the same question about DOM1 got no answer"),
        "{second}"
    );
}

#[test]
fn a_domain_whose_question_alone_gets_no_answer_is_backed_up_and_so_are_all_others() {
    let question = "get-config/APIConnectGatewayService";
    for fault in ["1=stall", "1=http-503"] {
        let gateway = Gateway::start(gateways::small(["DOM1", "DOM2", "DOM3"].map(Domain::new)));
        gateway.fail_as(&format!("{question}:{fault}"));
        let home = Home::new()
            .setting("retries = 0")
            .timeouts("request = 1s")
            .device("QA1", &gateway)
            .plan("P", &export("*", "DOM*", ""));
        let run = home.run("P", &TestClock::now());
        assert_eq!(
            run.tasks(),
            ["QA1/DOM1 SUCCESS", "QA1/DOM2 SUCCESS", "QA1/DOM3 SUCCESS"],
            "{fault}: {:?}",
            run.errors()
        );
        assert_eq!(gateway.received(question), 3, "{fault}");
        let notes = notes_of(&home.details(0));
        assert!(
            notes
                .iter()
                .any(|note| note.contains("whether DOM1 belongs to API Connect is not known")),
            "{fault}: {notes:?}"
        );
    }
}

#[test]
fn a_device_that_never_answers_for_api_connect_is_asked_twice_and_backed_up() {
    let gateway = Gateway::start(gateways::small(["DOM1", "DOM2", "DOM3"].map(Domain::new)));
    let question = "get-config/APIConnectGatewayService";
    gateway.fail(Fault::every(question, FaultKind::StallBeforeHead(None)));
    let home = Home::new()
        .setting("retries = 0")
        .timeouts("request = 1s")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM*", ""));
    let run = home.run("P", &TestClock::now());
    assert_eq!(
        run.tasks(),
        ["QA1/DOM1 SUCCESS", "QA1/DOM2 SUCCESS", "QA1/DOM3 SUCCESS"],
        "{:?}",
        run.errors()
    );
    assert_eq!(gateway.received(question), 2);
}

#[test]
fn a_signal_ends_all_that_is_asked_at_once() {
    for (arguments, says) in [
        (["run", "P"], "INTERRUPTED"),
        (["check", "P"], ""),
        (["preview", "P"], ""),
    ] {
        let hook = format!("[[notify.webhook]]\nname = \"all\"\nurl = \"http://127.0.0.1:{NOBODY}/\"\n");
        let (port, _held) = deaf_port();
        let silent = gateway();
        silent.fail(Fault::every("connect", FaultKind::StallBeforeHead(None)));
        let mute = gateway();
        mute.fail(Fault::every(QUESTION, FaultKind::StallBeforeHead(None)));
        let home = Home::new()
            .timeouts("connect = 10m, request = 10m, export = 10m, idle = 10m")
            .device_at("QA1", port, "{ verify = false }")
            .device("QA2", &silent)
            .device("QA3", &mute)
            .plan(
                "P",
                &format!(
                    "webhook = \"all\"\n{}{hook}",
                    export("*", "DOM1", "quiesce = true")
                ),
            );
        let running = home.running(&arguments);
        eventually("all three are waited for", || {
            is_being_connected_to(port) && silent.connections() == 1 && mute.received(QUESTION) == 1
        });
        running.signal(Signal::TERM);
        let ran = running.end().exits(143);
        assert!(ran.stderr.contains(says), "{arguments:?}: {}", ran.stderr);
        // Of a look alone nobody is told.
        let are_told = ran.stderr.contains("then receivers that are told of it");
        assert_eq!(are_told, arguments[0] == "run", "{}", ran.stderr);
    }
}

#[test]
fn a_check_prints_what_is_known_while_it_waits_for_others() {
    let (first, last) = (gateway(), gateway());
    let home = Home::new()
        .device("QA1", &first)
        .device("QA2", &last)
        .plan("P", &export("*", "DOM1", ""));
    let silence = last.state();
    let mut child = home.start(&["check", "P"]);
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut until = |wanted: &str| {
        let found = lines
            .by_ref()
            .map(|line| line.expect("text"))
            .find(|line| line.contains(wanted));
        assert!(found.is_some(), "no line has {wanted}");
    };
    until("this machine");
    until("QA1");
    until("domains");
    drop(silence);
    until("QA2");
    until("OK, 0 WARN");
    assert!(child.wait().expect("its end").success());
}

#[test]
fn the_items_of_a_check_stand_in_the_order_of_the_file_whoever_answers_first() {
    let gateway = gateway();
    let home = many(6, &gateway);
    // How much is free on this machine may change from one look to the next.
    let shown = |home: &Home| -> Vec<String> {
        let lines = home.dpbackup(&["check", "P"]).exits(0).stdout;
        let lines = lines.lines().filter(|line| !line.contains("store space"));
        lines.map(str::to_owned).collect()
    };
    let expected = shown(&home);
    for nth in 1..4 {
        gateway.clear_faults();
        let late = FaultKind::StallBeforeHead(Some(Duration::from_millis(300)));
        gateway.fail(Fault::nth("get-status", nth * 3, late.clone()));
        gateway.fail(Fault::nth("get-status", nth, late));
        assert_eq!(shown(&home), expected);
    }
}

#[test]
fn a_terminal_shows_how_many_are_asked_and_whom_one_waits_for() {
    let gateway = gateway();
    let late = FaultKind::StallBeforeHead(Some(Duration::from_secs(2)));
    gateway.fail(Fault::every(QUESTION, late));
    let home = many(5, &gateway);
    for arguments in [["preview", "P"], ["check", "P"]] {
        let ran = home.at_terminal(120, &[], &arguments).exits(0);
        assert!(
            ran.stdout.contains("asking 5 devices, 0 done; waiting for QA0"),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains("and 2 more"), "{}", ran.stdout);
    }
}

/// A clock that is broken where devices are asked.
struct BrokenElsewhere(TestClock);

impl Clock for BrokenElsewhere {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        let name = std::thread::current().name().map(str::to_owned);
        assert_ne!(name.as_deref(), Some("asking"), "a panic of the tests");
        self.0.elapsed()
    }

    fn boot_time(&self) -> Option<BootTime> {
        self.0.boot_time()
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        self.0.sleep(duration, stop);
    }

    fn zone(&self) -> TimeZone {
        self.0.zone()
    }
}

#[test]
fn a_mistake_of_ours_in_an_asking_thread_ends_the_plan_as_any_other() {
    let gateway = gateway();
    let home = many(3, &gateway);
    let run = home.run("P", &BrokenElsewhere(TestClock::now()));
    assert_eq!((run.status(), run.exit()), ("FAILED", 70));
    assert!(run.error().contains("a panic of the tests"), "{}", run.error());
    assert!(run.end.is_ok_and(|end| end.left == Left::Nothing));
    assert_eq!(home.last_plan().status.code(), "FAILED");
    // Nothing is held any more: the next run does all of it.
    let again = home.run("P", &TestClock::now());
    assert_eq!((again.tasks().len(), again.status()), (6, "SUCCESS"));
}

#[test]
fn nobody_who_asks_holds_a_lock_or_a_row_of_the_journal() {
    let gateway = gateway();
    let home = many(3, &gateway);
    let silence = gateway.state();
    let running = home.running(&["run", "P"]);
    eventually("all three are there", || gateway.handshakes() >= 3);
    assert_eq!(home.open_entries(), []);
    let locks = crate::support::names(&home.path("state/history.db.locks"));
    assert!(!locks.iter().any(|name| name.starts_with("device-")), "{locks:?}");
    drop(silence);
    let _ = running.end().exits(0);
}
