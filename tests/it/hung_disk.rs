//! A disk that hangs while a device is out of service: the device is put back all the same. Where this machine lets no
//! file system be mounted and frozen, a line on stderr says so; the limits themselves are tested beside
//! `run::limited_ledger` and `artifact::handed_file`.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dpbackup::history::{History, Writing};
use dpbackup::run::event::{
    ActionKind, ActivityOpening, Owner, PlanId, PlanOpening, TaskId, TaskOpening, Undo,
};
use dpbackup::run::ledger::{Ledger as _, LedgerErrorKind, Patience, UndoOpening, UndoStep};
use dpbackup::run::limited_ledger::LimitedLedger;
use dpbackup::run::record::Record;
use dpbackup::run::status::Status;
use dpbackup::values::address::Address;

use tempfile::TempDir;

use crate::simulator::{Domain, Firmware, Gateway, Setup};
use crate::support::{Home, Ran, TestClock, WatchedLedger, eventually, export, not_tested_here};

/// Mounts a file system of its own, with what is in its folder, does a command on it, and freezes and thaws it as files
/// say. It thaws by itself when nobody says so for long.
const SCRIPT: &str = "truncate -s 32M disk && mkfs.ext4 -q -F disk && cp -a $1 kept || exit 99\n\
     mount -o loop disk $1 && chmod 700 $1 && cp -a kept/. $1 || exit 99\n\
     fsfreeze -f $1 && fsfreeze -u $1 || { umount $1; exit 99; }\n\
     touch ready\n\
     ($2 $3 > out 2>&1; echo $? > code) &\n\
     await() { for _ in $(seq 1500); do [ -e $1 ] && return; sleep 0.1; done; }\n\
     await freeze; fsfreeze -f $1; touch frozen; await thaw; fsfreeze -u $1\n\
     wait; cat out; umount $1; exit $(cat code)\n";

/// A command on such a file system. It is thawed when this is dropped, however the test ends.
struct OnFrozenDisk<'h> {
    home: &'h Home,
    shell: Option<Child>,
}

impl OnFrozenDisk<'_> {
    /// Begins these words with this folder of its home on a file system of its own. `None` where that cannot be.
    fn begin<'h>(home: &'h Home, folder: &str, words: &str) -> Option<OnFrozenDisk<'h>> {
        fs::create_dir_all(home.path(folder)).expect("a folder");
        let own = home.command(&[]);
        let mut shell = Command::new("unshare");
        shell.args(["--mount", "sh", "-c", SCRIPT, "sh", folder]);
        shell.args([env!("CARGO_BIN_EXE_dpbackup"), words]);
        shell.env_clear().current_dir(home.path(""));
        shell.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        shell
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut shell = shell.spawn().expect("a shell starts");
        let is_ready = || home.path("ready").exists();
        while !is_ready() {
            if shell.try_wait().expect("a state").is_some() {
                let ran = Ran::ended(shell);
                not_tested_here(&format!("a frozen file system: {}", ran.stderr.trim()));
                return None;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let shell = Some(shell);
        Some(OnFrozenDisk { home, shell })
    }

    fn freeze(&self) {
        fs::write(self.home.path("freeze"), "").expect("a file");
        eventually("it is frozen", || self.home.path("frozen").exists());
    }

    fn thaw(&self) {
        fs::write(self.home.path("thaw"), "").expect("a file");
    }

    /// What the run has said so far, its lines joined.
    fn said(&self) -> String {
        let said = fs::read_to_string(self.home.path("out")).unwrap_or_default();
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Its end, on a disk that answers again.
    fn end(mut self) -> Ran {
        self.thaw();
        let shell = self.shell.take().expect("a shell");
        Ran::ended(shell)
    }
}

impl Drop for OnFrozenDisk<'_> {
    fn drop(&mut self) {
        let _ = fs::write(self.home.path("freeze"), "");
        let _ = fs::write(self.home.path("thaw"), "");
        if let Some(mut shell) = self.shell.take() {
            let _ = shell.wait();
        }
    }
}

fn scene() -> (Gateway, Home) {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1")],
        ..Setup::default()
    });
    gateway.fail_as("do-backup=stall@4s");
    let home = Home::new()
        .timeouts("export = 60s, idle = 60s")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", "quiesce = true"));
    (gateway, home)
}

#[test]
fn a_history_whose_disk_hangs_after_a_quiesce_does_not_keep_the_domain_out_of_service() {
    let (gateway, home) = scene();
    let Some(run) = OnFrozenDisk::begin(&home, "state", "run P") else {
        return;
    };
    eventually("it is exported", || gateway.received("do-backup") > 0);
    run.freeze();
    eventually("it is told to unquiesce", || gateway.received("unquiesce") > 0);
    // And that is said, though nothing was written.
    eventually("it says why", || {
        run.said()
            .contains("the disk of the history did not answer within")
    });
    let said = run.said();
    assert!(
        said.contains("open in the journal") || said.contains("domain DOM1 of QA1"),
        "{said}"
    );
    assert!(gateway.state().is_unquiesced(), "{said}");
    let ran = run.end();
    assert_eq!(ran.code, Some(10), "{ran:?}");
}

#[test]
fn a_store_whose_disk_hangs_after_a_quiesce_does_not_keep_the_domain_out_of_service() {
    let (gateway, home) = scene();
    let Some(run) = OnFrozenDisk::begin(&home, "store", "run P") else {
        return;
    };
    eventually("it is exported", || gateway.received("do-backup") > 0);
    run.freeze();
    eventually("it is told to unquiesce", || gateway.received("unquiesce") > 0);
    // The task fails, and the run says so, while the disk still hangs.
    eventually("it says why", || {
        run.said().contains("its disk did not answer within 20s")
    });
    assert!(gateway.state().is_unquiesced());
    let ran = run.end();
    assert_eq!(ran.code, Some(1), "{ran:?}");
}

#[test]
fn a_history_whose_disk_hangs_while_one_device_is_brought_back_keeps_neither_the_next_one_waiting_nor_the_end()
 {
    let gateways = ["6001", "6002"].map(|serial| {
        Gateway::start(Setup {
            firmware: Firmware {
                serial: serial.to_owned(),
                ..Firmware::v10()
            },
            domains: vec![Domain::new("DOM1")],
            ..Setup::default()
        })
    });
    let [first, second] = &gateways;
    let home = Home::new()
        .device("QA1", first)
        .device("QA2", second)
        .plan("A", &export("QA1", "DOM1", "quiesce = true"))
        .plan("B", &export("QA2", "DOM1", "quiesce = true"));
    for (gateway, plan) in [(first, "A"), (second, "B")] {
        gateway.fail_as("do-backup=stall");
        let dead = home.running(&["run", plan]);
        eventually("it is exported", || gateway.received("do-backup") > 0);
        dead.kill();
        gateway.clear_faults();
        // The next run does not put it back.
        gateway.fail_as("connect=refuse");
    }
    for gateway in &gateways {
        gateway.clear_faults();
        gateway.forget_requests();
    }
    first.fail_as("DomainUnquiesce=stall@4s");
    let Some(recovery) = OnFrozenDisk::begin(&home, "state", "recover") else {
        return;
    };
    eventually("the first is told", || first.received("DomainUnquiesce") > 0);
    recovery.freeze();
    // All of it while the disk still hangs.
    eventually("the second is told", || second.received("DomainUnquiesce") > 0);
    eventually("it says why", || {
        recovery.said().contains("the history cannot be used; ")
    });
    let said = recovery.said();
    for device in ["QA1", "QA2"] {
        let put_back = format!("domain DOM1 of {device} was left quiesced by task");
        assert!(said.contains(&put_back), "{said}");
    }
    let unwritten = "unquiesced and confirmed; that could not be written down";
    assert_eq!(said.matches(unwritten).count(), 2, "{said}");
    assert!(said.contains("did not answer within"), "{said}");
    for gateway in &gateways {
        assert!(gateway.state().is_unquiesced(), "{said}");
    }
    let ran = recovery.end();
    assert_eq!(ran.code, Some(10), "{ran:?}");
}

/// A history whose writes stand for as long as somebody holds its disk.
type HangingLedger = LimitedLedger<WatchedLedger<Box<dyn Fn() + Send>>>;

/// Such a one, its disk, and its folder, which goes away with it.
fn hanging() -> (HangingLedger, Arc<Mutex<()>>, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Arc::new(Mutex::new(()));
    let touched = Arc::clone(&disk);
    let ledger = WatchedLedger::<Box<dyn Fn() + Send>> {
        history: History::open(&folder.path().join("history.db"), Writing::Log).expect("a history"),
        write: Box::new(move || drop(touched.lock().expect("no panic with the disk"))),
        read: Box::new(|| {}),
    };
    (
        LimitedLedger::within(ledger, Duration::from_millis(20)),
        disk,
        folder,
    )
}

fn plan_opening() -> PlanOpening {
    PlanOpening {
        plan: "P".to_owned(),
        plan_file: "/etc/dpbackup/plans.toml".into(),
        process: "run-1-0".to_owned(),
        window_ignored: false,
    }
}

fn task_opening(record: &mut Record<'_>, plan: PlanId) -> TaskOpening {
    let activity = ActivityOpening {
        plan,
        action: ActionKind::ExportDomain,
        device_pattern: "QA1".to_owned(),
        domain_pattern: "DOM1".to_owned(),
        quiesce: true,
    };
    TaskOpening {
        plan,
        activity: record.open_activity(activity).expect("an activity"),
        action: ActionKind::ExportDomain,
        device: "QA1".to_owned(),
        domain: "DOM1".to_owned(),
        status: Status::ReadyForExecution,
        error: None,
    }
}

/// One value of the history in this folder.
fn told(folder: &TempDir, sql: &str) -> String {
    let history = rusqlite::Connection::open(folder.path().join("history.db")).expect("the history");
    history.query_row(sql, [], |row| row.get(0)).expect("a value")
}

#[test]
fn what_came_behind_a_call_that_hung_is_written_in_its_order_when_the_disk_answers_again() {
    let (mut ledger, disk, folder) = hanging();
    let clock = TestClock::night();
    let mut record = Record::new(&mut ledger, Vec::new(), &clock, "run-1-0");
    let plan = record.open_plan(plan_opening()).expect("a plan");
    let opening = task_opening(&mut record, plan);
    let task: TaskId = record.open_task(opening).expect("a task");
    let undo = UndoOpening {
        plan,
        task,
        device: "QA1".to_owned(),
        address: Address {
            host: "192.0.2.1".to_owned(),
            port: 5550,
        },
        peer: None,
        serial: None,
        undo: Undo::UnquiesceDomain("DOM1".to_owned()),
        domains: vec!["DOM1".to_owned()],
    };
    let row = record.open_undo(&undo).expect("a row");
    record.hurry();
    let hangs = disk.lock().expect("no panic with the disk");
    let owner = Owner::Task(task);
    assert!(
        record.note(owner, "first").is_err(),
        "it is on its way, and nobody knows"
    );
    for note in ["second", "third"] {
        record.note(owner, note).expect("it is put off");
    }
    record.step_undo(row, UndoStep::Seen).expect("it is put off");
    record
        .take_time()
        .expect_err("the disk hangs, and that is not hidden");
    drop(hangs);
    eventually("the ledger is back", || record.take_time().is_ok());
    drop(record);
    let notes = "SELECT group_concat(message) FROM (SELECT message FROM note ORDER BY id)";
    assert_eq!(told(&folder, notes), "first,second,third");
    assert_eq!(ledger.open_undos().expect("rows").len(), 1);
    assert!(ledger.open_undos().expect("rows")[0].seen);
}

#[test]
fn an_execution_whose_row_was_given_up_and_is_made_all_the_same_has_an_end_there() {
    let (mut ledger, disk, folder) = hanging();
    let clock = TestClock::night();
    let mut record = Record::new(&mut ledger, Vec::new(), &clock, "run-1-0");
    let plan = record.open_plan(plan_opening()).expect("a plan");
    let opening = task_opening(&mut record, plan);
    drop(record);
    ledger.patience(Patience::Short);
    let now = "2026-11-22T01:00:00Z".parse().expect("a time");
    for open in [
        &mut |ledger: &mut HangingLedger| ledger.open_plan(now, &plan_opening()).map(drop),
        &mut |ledger: &mut HangingLedger| ledger.open_task(now, &opening).map(drop),
    ]
        as [&mut dyn FnMut(&mut HangingLedger) -> Result<(), dpbackup::run::ledger::LedgerError>; 2]
    {
        let hangs = disk.lock().expect("no panic with the disk");
        let error = open(&mut ledger).expect_err("it hangs");
        assert_eq!(error.kind, LedgerErrorKind::Failed);
        drop(hangs);
        eventually("the ledger is back", || ledger.here().is_ok());
    }
    let unfinished = ledger.here().expect("it is back").history.unfinished_plans();
    let unfinished = unfinished.expect("plans");
    assert_eq!(unfinished.len(), 1, "the one that was opened in time");
    assert_eq!(unfinished[0].id, plan);
    assert_eq!(unfinished[0].unended_tasks, []);
    for table in ["plan_execution", "task_execution"] {
        let ended = format!("SELECT status || ': ' || error_message FROM {table} ORDER BY id DESC LIMIT 1");
        assert_eq!(
            told(&folder, &ended),
            "ABANDONED: the disk of the history did not answer in time, and nothing was begun"
        );
    }
}
