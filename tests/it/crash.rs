//! A run that is killed, at any point of it, is mended by the next one.
//!
//! Two ways to die. In the first the test program starts itself again and runs the engine
//! there; it kills itself at the n-th point, and a point is every moment before and after
//! a write of the history, every look at the clock, every event and every piece of a
//! download. In the second the real binary is killed when the gateway has carried out its
//! n-th request and not answered it yet.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dpbackup::clock::{Clock, SystemClock};
use dpbackup::exit::Exit;
use dpbackup::history::{History, PlanFilter, Writing};
use dpbackup::lock::Locks;
use dpbackup::lock::not_yet::NotYet;
use dpbackup::lock::witness::Witness;
use dpbackup::run::Engine;
use dpbackup::run::contact::Devices;
use dpbackup::run::event::{Event, Progress, Sink, Undo};
use dpbackup::run::ledger::JournalEntry;
use dpbackup::run::left::Left;
use dpbackup::run::record::Record;
use dpbackup::run::sequence::{self, Options, PlanBegun};
use dpbackup::signal::Stop;
use dpbackup::values::boot_time::BootTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::process::{Signal, getpid, kill_process};

use crate::draw;
use crate::invariants::broken;
use crate::simulator::{Domain, Fault, FaultKind, Gateway};
use crate::support::{Home, PASSWORD, TestClock, WatchedLedger, gateways, until};

const EXPORT: &str = "pre_script = \"ok.sh\"\npost_script = \"ok.sh\"\n[[plan.activity]]\naction = \"export-domain\"\n\
                      devices = \"*\"\ndomains = \"DOM1\"\nquiesce = true\npre_script = \"ok.sh\"\n";

const SECURE_BACKUP: &str = "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\n\
                             certificate = \"backup-cert\"\nquiesce = true\npost_script = \"ok.sh\"\n";

const ALL_DOMAINS: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\n\
                           domains = \"all-domains\"\nquiesce = true\n";

/// A plan, and the domains that somebody else has quiesced before it.
#[derive(Clone, Copy)]
struct Case {
    plan: &'static str,
    others: &'static [&'static str],
}

const CASES: [Case; 3] = [
    Case {
        plan: EXPORT,
        others: &["DOM2"],
    },
    Case {
        plan: SECURE_BACKUP,
        others: &[],
    },
    Case {
        plan: ALL_DOMAINS,
        others: &[],
    },
];

/// Which command comes after the death of a run.
#[derive(Clone, Copy, Debug)]
enum Next {
    Run,
    Recover,
}

fn gateway(case: Case) -> Gateway {
    let domain = |name: &str| {
        let domain = Domain::new(name);
        if case.others.contains(&name) {
            domain.quiesced()
        } else {
            domain
        }
    };
    Gateway::start(gateways::small([domain("DOM1").unsaved(), domain("DOM2")]))
}

fn home(case: Case, gateway: &Gateway) -> Home {
    home_with(case, gateway, "2s")
}

/// A home whose requests may take so long.
fn home_with(case: Case, gateway: &Gateway, request: &str) -> Home {
    Home::quick()
        .setting("retries = 0")
        .timeouts(&format!("request = {request}, idle = 30s"))
        .script("ok.sh", "#!/bin/sh\nexit 0\n")
        .device("QA1", gateway)
        .plan("P", case.plan)
}

/// After a death: a try while the device cannot be reached, and one while it can.
fn mend(home: &Home, gateway: &Gateway, case: Case, next: Next) -> Vec<String> {
    let clock = TestClock::now();
    let mut open = home.history().open_entries().expect("the journal");
    // What was written before the quiesce and never asked for needs no device.
    open.retain(|row| !is_never_asked(home, row));
    let is_quiesce = |entry: &JournalEntry| !matches!(entry.undo, Undo::RemoveFolder(_));
    let mut found = Vec::new();
    if !open.is_empty() {
        gateway.fail(Fault::every("connect", FaultKind::Refuse(None)));
        let exit = mended(home, &clock, next, &mut found);
        if open.iter().any(is_quiesce) != (exit == Exit::StillQuiesced) {
            found.push(format!(
                "{next:?} with the device out of reach ended {exit:?} on {open:?}"
            ));
        }
        let still = home.history().open_entries().expect("the journal");
        let ids = |rows: &[JournalEntry]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
        if ids(&still) != ids(&open) {
            found.push(format!(
                "rows were closed with the device out of reach: {open:?}, now {still:?}"
            ));
        }
        gateway.clear_faults();
    }
    clock.pass(Duration::from_secs(1));
    let mut exit = mended(home, &clock, next, &mut found);
    let mut put_back = open.clone();
    let waits = home.history().open_entries().expect("the journal");
    let is_told = |row: &JournalEntry| row.sent || !is_quiesce(row);
    let is_awaited = |row: &JournalEntry| !row.seen && is_told(row) && row.reply.is_none();
    if !waits.is_empty() && waits.iter().all(is_awaited) {
        // The run died while it waited for the answer, and nothing was ever seen of the quiesce, or of the secure
        // backup: for an hour nobody can tell that it does not arrive yet.
        if waits.iter().any(is_quiesce) != (exit == Exit::StillQuiesced) || exit == Exit::Success {
            found.push(format!("{next:?} ended {exit:?} on {waits:?}"));
        }
        clock.pass(Duration::from_secs(3700));
        exit = mended(home, &clock, next, &mut found);
        put_back = waits;
    }
    if exit != when_all_is_put_back(next, &put_back) {
        found.push(format!("{next:?} ended {exit:?}"));
    }
    let left = home.history().open_entries().expect("the journal");
    if !left.is_empty() {
        found.push(format!("{next:?} left {left:?}"));
    }
    found.extend(broken(home, gateway, case.others));
    found.extend(told_the_truth(home, &open));
    found.extend(litter(home));
    found
}

/// How what comes next ends that has put back these rows: a run warns of what was out of service until then.
fn when_all_is_put_back(next: Next, open: &[JournalEntry]) -> Exit {
    match next {
        Next::Run if open.iter().any(JournalEntry::is_quiesce) => Exit::Warned,
        Next::Run | Next::Recover => Exit::Success,
    }
}

fn mended(home: &Home, clock: &TestClock, next: Next, found: &mut Vec<String>) -> Exit {
    match next {
        Next::Run => match home.run("P", clock).end {
            Ok(end) => end.exit,
            Err(error) => {
                found.push(format!("the next run has no end: {error}"));
                Exit::Failed
            }
        },
        Next::Recover => match home.recover(clock) {
            Ok(recovered) if recovered.left != Left::Nothing => Exit::StillQuiesced,
            Ok(recovered) if recovered.done.is_incomplete() => Exit::Failed,
            Ok(_) => Exit::Success,
            Err(error) => {
                found.push(format!("recover has no end: {error}"));
                Exit::Failed
            }
        },
    }
}

/// The first execution is `ABANDONED`, if it had not ended; its tasks say what was left.
fn told_the_truth(home: &Home, open: &[JournalEntry]) -> Vec<String> {
    let mut found = Vec::new();
    let history = home.history();
    let plans = history.plans(&PlanFilter::default()).expect("the plans");
    let Some(first) = plans.last() else { return found };
    let message = first.error_message.clone().unwrap_or_default();
    match first.status.code() {
        "SUCCESS" if open.is_empty() => return found,
        "ABANDONED" => {}
        other => found.push(format!("the execution that died is {other}")),
    }
    if open.is_empty() != message.contains("nothing had to be undone") {
        found.push(format!("with {open:?} its message is {message:?}"));
    }
    for entry in open {
        let notes = history.task_details(entry.task).expect("the task").notes;
        let told = notes.iter().any(|note| {
            let how = ["confirmed", "unquiesced", "any more"];
            note.message.contains("QA1") && how.iter().any(|words| note.message.contains(words))
        });
        if !told {
            found.push(format!(
                "task {} does not tell that it was mended: {notes:?}",
                entry.task.0
            ));
        }
    }
    found
}

/// What the processes of abandoned executions leave beside the locks.
fn litter(home: &Home) -> Vec<String> {
    let plans = home.history().plans(&PlanFilter::default()).expect("the plans");
    if plans.iter().all(|plan| plan.status.code() != "ABANDONED") {
        return Vec::new();
    }
    let entries = std::fs::read_dir(home.path("state/history.db.locks"));
    let names = entries.into_iter().flatten().map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    names
        .filter(|name| name.starts_with("run-"))
        .map(|name| format!("{name} is left beside the locks"))
        .collect()
}

/// Counts points, and ends the process at one of them.
struct Fate {
    passed: AtomicU64,
    last: u64,
}

impl Fate {
    fn point(&self) {
        if self.passed.fetch_add(1, Ordering::SeqCst) + 1 == self.last {
            kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
        }
    }
}

struct MortalClock<'f>(&'f Fate, SystemClock);

impl Clock for MortalClock<'_> {
    fn now(&self) -> Timestamp {
        self.0.point();
        self.1.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.point();
        self.1.elapsed()
    }

    fn boot_time(&self) -> Option<BootTime> {
        self.0.point();
        self.1.boot_time()
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        self.0.point();
        self.1.sleep(duration / 50, stop);
    }

    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}

struct MortalSink<'f>(&'f Fate);

impl Sink for MortalSink<'_> {
    fn event(&mut self, _at: Timestamp, _event: &Event) {
        self.0.point();
    }

    fn progress(&mut self, _progress: &Progress) {
        self.0.point();
    }
}

const PLAN_FILE: &str = "DPBACKUP_TEST_MORTAL_PLAN_FILE";
const LAST_POINT: &str = "DPBACKUP_TEST_MORTAL_LAST_POINT";
const MORTAL: &str = "crash::a_mortal_run_that_meets_no_end_ends_well";

/// Runs plan P of a plan file, up to a point. Returns how many points there were.
fn mortal_run(plan_file: &Path, last: u64) -> u64 {
    let fate = Fate {
        passed: AtomicU64::new(0),
        last,
    };
    let password = |name: &str| (name == "DPBACKUP_TEST_PASSWORD").then(|| OsString::from(PASSWORD));
    let file = dpbackup::plan::load(plan_file, &password)
        .expect("a valid plan file")
        .plan_file;
    let clock = MortalClock(&fate, SystemClock::new());
    let history = History::open(&file.settings.history, Writing::Log).expect("a history");
    let mut ledger: WatchedLedger<&dyn Fn()> = WatchedLedger {
        history: history.in_store(file.settings.store.folder()),
        write: &|| fate.point(),
        read: &|| {},
    };
    let mut sink = MortalSink(&fate);
    let locks = Locks::beside(&file.settings.history);
    let (_alive, process) = locks.process(&clock, Witness::own().as_ref()).expect("a lock");
    let engine = Engine {
        file: &file,
        clock: &clock,
        stop: &Stop::new(),
        locks: &locks,
        process: &process,
        environment: &password,
    };
    let mut record = Record::new(&mut ledger, vec![&mut sink], &clock, &process);
    let mut devices = Devices::new(engine);
    let plan = file.plan("P").expect("the plan is in the file");
    let end = sequence::run(
        engine,
        &mut record,
        &mut devices,
        plan,
        Options::default(),
        PlanBegun::Now,
    )
    .expect("an end");
    assert_eq!(end.status.code(), "SUCCESS", "{:?}", end.error);
    fate.passed.load(Ordering::SeqCst)
}

#[test]
fn a_mortal_run_that_meets_no_end_ends_well() {
    // The tests below start this one again, with an end to meet.
    if let (Some(plan_file), Ok(last)) = (std::env::var_os(PLAN_FILE), std::env::var(LAST_POINT)) {
        mortal_run(Path::new(&plan_file), last.parse().expect("a number"));
        return;
    }
    for case in CASES {
        let gateway = gateway(case);
        let home = home(case, &gateway);
        assert!(mortal_run(&home.plan_file(), 0) > 100);
        assert_eq!(broken(&home, &gateway, case.others), [""; 0]);
    }
}

/// Starts this program again, to die at a point. Whether it did.
fn dies_at(home: &Home, point: u64) -> bool {
    let status = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", MORTAL, "--test-threads=1"])
        .env(PLAN_FILE, home.plan_file())
        .env(LAST_POINT, point.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("this program starts");
    !status.success()
}

fn die_at_every_point(case: Case) {
    let points = {
        let gateway = gateway(case);
        mortal_run(&home(case, &gateway).plan_file(), 0)
    };
    let mut failures = Vec::new();
    let (mut deaths, mut quiesced) = (0, 0);
    let points = draw::moments(points, 2, 3);
    for &point in &points {
        let gateway = gateway(case);
        let home = home(case, &gateway);
        deaths += usize::from(dies_at(&home, point));
        quiesced += usize::from(gateway.state().quiesce_state("DOM1") == "quiesced");
        let next = if point % 2 == 0 { Next::Run } else { Next::Recover };
        let found = mend(&home, &gateway, case, next);
        if !found.is_empty() {
            failures.push(format!("at point {point}:\n    {}", found.join("\n    ")));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} points:\n{}",
        failures.len(),
        points.len(),
        failures.join("\n")
    );
    // The number of pieces in which a download comes differs a little from run to run.
    assert!(
        deaths * 10 > points.len() * 9,
        "only {deaths} of {} runs died",
        points.len()
    );
    assert!(
        quiesced > 10,
        "only {quiesced} runs died while the device was quiesced"
    );
}

#[test]
fn an_export_that_dies_at_any_point_is_mended() {
    die_at_every_point(CASES[0]);
}

#[test]
fn a_secure_backup_that_dies_at_any_point_is_mended() {
    die_at_every_point(CASES[1]);
}

/// Kills a process when the gateway has carried out its n-th request; false if it ended before.
fn killed_at_request(child: &mut Child, gateway: &Gateway, request: usize) -> bool {
    while gateway.requests().len() < request {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    // It was recorded when it arrived; it has been carried out when this lock is free.
    drop(gateway.state());
    child.kill().expect("a child");
    child.wait().expect("a child");
    true
}

fn die_at_every_request(case: Case) {
    let requests = {
        let gateway = gateway(case);
        let _ran = home(case, &gateway).dpbackup(&["run", "P"]).exits(0);
        gateway.requests().len()
    };
    let mut failures = Vec::new();
    for request in 1..=requests {
        for next in [Next::Run, Next::Recover] {
            let gateway = gateway(case);
            let home = home(case, &gateway);
            let nth = u32::try_from(request).expect("few requests");
            gateway.fail(Fault::nth("*", nth, FaultKind::StallBeforeHead(None)));
            let mut child = home.start(&["run", "P"]);
            assert!(
                killed_at_request(&mut child, &gateway, request),
                "request {request} never came"
            );
            let asked = gateway.operations()[request - 1].clone();
            let remembered = home.history().open_entries().expect("the journal");
            gateway.clear_faults();
            let mut found = Vec::new();
            if (asked.contains("Quiesce") || asked.contains("SecureBackup")) && remembered.is_empty() {
                found.push("the request was sent before its row was on disk".to_owned());
            }
            found.extend(mend(&home, &gateway, case, next));
            if !found.is_empty() {
                failures.push(format!(
                    "{next:?} after {request} {asked}:\n    {}",
                    found.join("\n    ")
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn an_export_that_is_killed_at_any_request_is_mended() {
    die_at_every_request(CASES[0]);
}

#[test]
fn a_secure_backup_that_is_killed_at_any_request_is_mended() {
    die_at_every_request(CASES[1]);
}

#[test]
fn an_export_of_all_domains_that_is_killed_at_any_request_is_mended() {
    die_at_every_request(CASES[2]);
}

/// Whether the device was never asked for what this row is about, by the word of the process that is dead.
fn is_never_asked(home: &Home, row: &JournalEntry) -> bool {
    let locks = Locks::beside(&home.path("state/history.db"));
    NotYet::is_said(&locks, &row.process, row.id.0)
}

#[test]
fn a_secure_backup_that_dies_before_it_is_asked_for_leaves_no_folder_to_be_looked_for() {
    let gateway = gateway(CASES[1]);
    gateway.fail_as("QuiesceDP=never-quiesces");
    let home = home_with(CASES[1], &gateway, "30s");
    let mut child = home.start(&["run", "P"]);
    // It looks again when it has written down that its quiesce was taken.
    let waits = || {
        let operations = gateway.operations();
        let quiesce = operations.iter().position(|asked| asked.contains("QuiesceDP"));
        quiesce.is_some_and(|at| operations.len() > at + 2)
    };
    until(&mut [&mut child], waits);
    child.kill().expect("a child");
    child.wait().expect("a child");
    let open = home.history().open_entries().expect("the journal");
    let folders: Vec<_> = open.iter().filter(|row| !row.is_quiesce()).collect();
    assert!(
        open.len() == 2 && folders.len() == 1 && is_never_asked(&home, folders[0]),
        "{open:?}"
    );
    gateway.clear_faults();
    gateway.forget_requests();
    let recovered = home.recover(&TestClock::now()).expect("an end");
    assert_eq!(recovered.done.rows.len(), 1, "{:?}", recovered.done.lines());
    assert_eq!(home.history().open_entries().expect("the journal"), []);
    assert_eq!(gateway.received("get-filestore"), 0, "{:?}", gateway.operations());
    assert_eq!(litter(&home), [""; 0]);
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
}

#[test]
fn a_device_is_unquiesced_by_recovery_before_the_folder_on_it_is_looked_for() {
    let (gateway, home) = killed_while_quiesced(CASES[1], "get-filestore");
    home.recover(&TestClock::now()).expect("an end");
    let operations = gateway.operations();
    let place = |words: &str| operations.iter().position(|asked| asked.contains(words));
    assert!(place("UnquiesceDP").is_some(), "{operations:?}");
    assert!(place("UnquiesceDP") < place("get-filestore"), "{operations:?}");
}

/// A home whose run was killed at the first request of this operation, the device quiesced.
fn killed_while_quiesced(case: Case, operation: &str) -> (Gateway, Home) {
    let gateway = gateway(case);
    // Long enough for this process to look, however busy the machine is.
    let home = home_with(case, &gateway, "30s");
    gateway.fail(Fault::nth(operation, 1, FaultKind::StallBeforeHead(None)));
    let mut child = home.start(&["run", "P"]);
    let is_there = || {
        gateway
            .operations()
            .iter()
            .any(|asked| asked.starts_with(operation))
    };
    until(&mut [&mut child], is_there);
    child.kill().expect("a child");
    child.wait().expect("a child");
    gateway.clear_faults();
    assert!(
        !gateway.state().is_unquiesced(),
        "killed at {operation}, after {:?}",
        gateway.operations()
    );
    gateway.forget_requests();
    (gateway, home)
}

fn die_while_recovering(case: Case, operation: &str) {
    let requests = {
        let (gateway, home) = killed_while_quiesced(case, operation);
        let _ran = home.dpbackup(&["recover"]).exits(0);
        gateway.requests().len()
    };
    let mut failures = Vec::new();
    for request in 1..=requests {
        for next in [Next::Run, Next::Recover] {
            let (gateway, home) = killed_while_quiesced(case, operation);
            let nth = u32::try_from(request).expect("few requests");
            gateway.fail(Fault::nth("*", nth, FaultKind::StallBeforeHead(None)));
            let mut child = home.start(&["recover"]);
            assert!(
                killed_at_request(&mut child, &gateway, request),
                "request {request} never came"
            );
            let asked = gateway.operations()[request - 1].clone();
            gateway.clear_faults();
            let mut found = Vec::new();
            let open = home.history().open_entries().expect("the journal");
            let exit = mended(&home, &TestClock::now(), next, &mut found);
            if exit != when_all_is_put_back(next, &open) {
                found.push(format!("{next:?} ended {exit:?}"));
            }
            let history = home.history();
            let left = history.open_entries().expect("the journal");
            if !left.is_empty() {
                found.push(format!("{next:?} left {left:?}"));
            }
            let plans = history.plans(&PlanFilter::default()).expect("the plans");
            let first = plans.last().expect("the run that died").status;
            if first.code() != "ABANDONED" {
                found.push(format!("the run that died is {first}"));
            }
            found.extend(broken(&home, &gateway, case.others));
            found.extend(litter(&home));
            if !found.is_empty() {
                failures.push(format!(
                    "{next:?} after {request} {asked} of recover:\n    {}",
                    found.join("\n    ")
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_recover_that_is_killed_at_any_request_leaves_the_rest_to_the_next_one() {
    die_while_recovering(CASES[0], "do-backup");
    die_while_recovering(CASES[1], "get-filestore");
}
