//! The way back: what is still on its way, what is gone, whose login is
//! refused; and recoveries that cannot do their work, or find it done.

use std::sync::Mutex;
use std::time::Duration;

use dpbackup::clock::Clock as _;
use dpbackup::exit::Exit;
use dpbackup::history::{History, PlanFilter, Writing};
use dpbackup::lock::witness::Witness;
use dpbackup::lock::{Asked, Locks};
use dpbackup::run::event::{Event, PlanId, Undo};
use dpbackup::run::ledger::{JournalEntry, JournalTime, Ledger, UndoOpening};
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::run::status::Status;
use dpbackup::signal::Stop;
use dpbackup::values::address::Address;

use crate::invariants::broken;
use crate::simulator::{Domain, Fault, FaultKind, Gateway, When};
use crate::support::{Eventful, Home, Ran, TestClock, gateways, mortal, mortal_elsewhere};

const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"DOM1\"\nquiesce = true\n";

const SECURE_BACKUP: &str = "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"QA1\"\n\
                             certificate = \"backup-cert\"\n";

fn home(gateway: &Gateway, plan: &str) -> Home {
    Home::quick()
        .timeouts("request = 60s, export = 60s, secure_backup = 10m, idle = 60s")
        .device("QA1", gateway)
        .plan("P", plan)
}

fn open(home: &Home) -> Vec<JournalEntry> {
    home.history().open_entries().expect("the journal")
}

/// Does this once, at the first sleep that ends later.
fn once_after(at: Duration, mut act: impl FnMut() + Send) -> impl FnMut(Duration) + Send {
    let mut done = false;
    move |elapsed| {
        if elapsed >= at && !done {
            done = true;
            act();
        }
    }
}

#[test]
fn a_quiesce_that_arrives_after_its_connection_broke_is_undone() {
    for late in [1, 10, 40] {
        let clock = TestClock::night();
        let gateway = gateways::pair_on_clock(&clock, 5, &[]);
        let home = home(&gateway, EXPORT);
        gateway.fail(Fault::nth("DomainQuiesce", 1, FaultKind::CloseBeforeReply));
        let arrives = once_after(Duration::from_secs(late), || {
            gateway.state().set_quiesced("DOM1", true);
        });
        let run = home.run("P", &Eventful::new(&clock, arrives));
        assert_eq!(run.tasks(), ["QA1/DOM1 DEVICE_ERROR"]);
        assert!(
            run.errors()[0].ends_with("unquiesced and confirmed"),
            "{:?}",
            run.errors()
        );
        clock.pass(Duration::from_secs(60));
        assert_eq!(broken(&home, &gateway, &[]), [""; 0], "{late} s late");
        assert_eq!(open(&home), [], "{late} s late");
    }
}

#[test]
fn a_quiesce_that_was_accepted_and_shows_late_is_undone_after_an_interruption() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    let stop = Stop::new();
    // The device says OK and then, for a while, shows nothing.
    let mut hides = once_after(Duration::ZERO, || {
        gateway.state().set_quiesced("DOM1", false);
        stop.request(15);
    });
    let mut arrives = once_after(Duration::from_secs(20), || {
        gateway.state().set_quiesced("DOM1", true);
    });
    let both = |elapsed| {
        hides(elapsed);
        arrives(elapsed);
    };
    let late = Eventful::new(&clock, both);
    let run = home.run_with("P", &late, Options::default(), &stop, &mut |_| {});
    assert_eq!(run.tasks(), ["QA1/DOM1 INTERRUPTED"]);
    assert!(run.end.is_ok());
    clock.pass(Duration::from_secs(60));
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
    assert_eq!(open(&home), []);
}

#[test]
fn a_quiesce_of_a_dead_run_that_arrives_late_is_undone_by_recovery() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    dead_run(&home, &clock, &Undo::UnquiesceDomain("DOM1".to_owned()));
    clock.pass(Duration::from_secs(5));
    let arrives = once_after(Duration::from_secs(30), || {
        gateway.state().set_quiesced("DOM1", true);
    });
    let recovered = home.recover(&Eventful::new(&clock, arrives)).expect("an end");
    assert!(recovered.left == Left::Nothing);
    clock.pass(Duration::from_secs(60));
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
    assert_eq!(open(&home), []);
}

#[test]
fn an_old_row_of_a_device_at_work_is_closed_at_once() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    dead_run(&home, &clock, &Undo::UnquiesceDevice);
    clock.pass(Duration::from_secs(3700));
    let before = clock.elapsed();
    home.recover(&clock).expect("an end");
    assert!(
        clock.elapsed() - before < Duration::from_secs(1),
        "nothing is waited for"
    );
    assert_eq!(open(&home), []);
    let told = gateway.operations();
    let told = told.iter().filter(|asked| asked.contains("Unquiesce"));
    assert_eq!(told.count(), 1, "told once, whatever it shows");
}

#[test]
fn a_secure_backup_that_begins_after_its_connection_broke_leaves_nothing() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, SECURE_BACKUP);
    gateway.fail(Fault::nth("SecureBackup", 1, FaultKind::CloseBeforeReply));
    let folder = Mutex::new(String::new());
    let arrives = once_after(Duration::from_secs(20), || {
        let asked = gateway
            .requests()
            .into_iter()
            .find(|asked| asked.operation.ends_with("SecureBackup"));
        let body = asked.expect("it was asked for").body;
        let from = body.find("temporary:").expect("a destination");
        let length = body[from..].find('<').expect("its end");
        body[from..from + length].clone_into(&mut folder.lock().expect("no panic with the lock"));
        for file in ["root.tgz", "backupmanifest.xml"] {
            let folder = folder.lock().expect("no panic with the lock");
            gateway
                .state()
                .put_file("default", &format!("{folder}/{file}"), "late");
        }
    });
    let run = home.run("P", &Eventful::new(&clock, arrives));
    assert_eq!(run.tasks(), ["QA1/all-domains BACKUP_FAILED"]);
    assert!(
        !folder.lock().expect("no panic with the lock").is_empty(),
        "it arrived"
    );
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
    assert_eq!(open(&home), []);
}

#[test]
fn a_domain_that_is_deleted_meanwhile_is_waited_for_a_little_and_not_to_the_end() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    let mut delete = |event: &Event| {
        if matches!(
            event,
            Event::TaskStatus {
                status: Status::BackingUp,
                ..
            }
        ) {
            gateway.state().remove_domain("DOM1");
        }
    };
    let run = home.run_with("P", &clock, Options::default(), &Stop::new(), &mut delete);
    let errors = run.errors();
    assert!(
        errors[0].contains("the device does not list the domain, and did not answer OK to an unquiesce"),
        "{errors:?}"
    );
    assert!(clock.elapsed() < Duration::from_secs(60), "{:?}", clock.elapsed());
    assert_eq!(open(&home), []);
}

#[test]
fn a_domain_that_a_restarting_device_does_not_list_yet_is_not_gone() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    dead_run(&home, &clock, &Undo::UnquiesceDomain("DOM1".to_owned()));
    gateway.state().remove_domain("DOM1");
    let comes_back = once_after(Duration::from_secs(15), || {
        gateway.state().add_domain(Domain::new("DOM1").quiesced());
    });
    home.recover(&Eventful::new(&clock, comes_back)).expect("an end");
    clock.pass(Duration::from_secs(60));
    assert!(gateway.state().is_unquiesced());
    assert_eq!(open(&home), []);
}

#[test]
fn a_login_that_is_refused_in_the_undo_is_not_tried_until_the_account_is_locked() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    gateway.fail(Fault::nth("DomainUnquiesce", 1, FaultKind::AccountLocked));
    let run = home.run("P", &clock);
    assert_eq!(run.end.as_ref().expect("an end").exit, Exit::StillQuiesced);
    let operations = gateway.operations();
    let refused = operations
        .iter()
        .skip_while(|asked| *asked != "do-action/DomainUnquiesce")
        .skip(1)
        .count();
    assert!(
        (1..=5).contains(&refused),
        "{refused} logins after the first refusal"
    );
    assert!(
        run.errors()[0].contains("not known: whether it is quiesced: look at QA1"),
        "{:?}",
        run.errors()
    );
    // The account works again: so does recovery.
    gateway.state().setup.users[0].locked = false;
    home.recover(&clock).expect("an end");
    clock.pass(Duration::from_secs(60));
    assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
    assert_eq!(open(&home), []);
}

/// Writes what a run that died has left: an execution without an end, and a row.
fn dead_run(home: &Home, clock: &TestClock, undo: &Undo) {
    dead_run_of(&mortal(), home, clock, undo);
}

/// The same of a run that was this process. Its execution comes back, and the name of its lock.
fn dead_run_of(who: &Witness, home: &Home, clock: &TestClock, undo: &Undo) -> (PlanId, String) {
    let path = home.plan_file();
    let process = format!("run-1-0-{}", who.words());
    std::fs::create_dir_all(home.path("state")).expect("a folder");
    let mut history = History::open(&home.path("state/history.db"), Writing::Log).expect("a history");
    let plan = history
        .open_plan(
            clock.now(),
            &dpbackup::run::event::PlanOpening {
                plan: "P".to_owned(),
                plan_file: path,
                process: process.clone(),
                window_ignored: false,
            },
        )
        .expect("a plan");
    let activity = history
        .open_activity(
            clock.now(),
            &dpbackup::run::event::ActivityOpening {
                plan,
                action: dpbackup::run::event::ActionKind::ExportDomain,
                device_pattern: "QA1".to_owned(),
                domain_pattern: "DOM1".to_owned(),
                quiesce: true,
            },
        )
        .expect("an activity");
    let task = history
        .open_task(
            clock.now(),
            &dpbackup::run::event::TaskOpening {
                plan,
                activity,
                action: dpbackup::run::event::ActionKind::ExportDomain,
                device: "QA1".to_owned(),
                domain: undo.domain().to_owned(),
                status: Status::ReadyForExecution,
                error: None,
            },
        )
        .expect("a task");
    let device = home.plan_model().device("QA1").expect("the device").clone();
    let opening = UndoOpening {
        plan,
        task,
        device: "QA1".to_owned(),
        address: Address {
            host: device.host,
            port: device.port,
        },
        peer: None,
        serial: None,
        undo: undo.clone(),
        domains: Vec::new(),
    };
    let now = JournalTime {
        day: clock.now(),
        boot: clock.boot_time(),
    };
    history.open_undo(&now, &process, &opening).expect("a row");
    (plan, process)
}

#[test]
fn what_a_run_in_another_container_left_open_is_undone_when_that_run_has_an_end() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    let undo = Undo::UnquiesceDomain("DOM1".to_owned());
    let (plan, _) = dead_run_of(&mortal_elsewhere(), &home, &clock, &undo);
    gateway.state().set_quiesced("DOM1", true);
    // Whether it is at work cannot be seen, and history has no end of it.
    let recovered = home.recover(&clock).expect("an end");
    assert!(recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
    assert!(matches!(recovered.left, Left::Unknown { .. }));
    assert_eq!(gateway.state().quiesced(), ["DOM1"]);
    let said = recovered.done.lines();
    assert!(
        said.iter()
            .any(|line| line.starts_with("whether execution 1 of plan P is at work is not known: ")),
        "{said:?}"
    );
    let ran = home.dpbackup(&["recover", "-q"]).exits(10);
    assert!(
        ran.stdout.contains("whether execution 1 of plan P is at work"),
        "{}",
        ran.stdout
    );
    let ended = Event::PlanEnded {
        plan,
        status: Status::Failed,
        took: None,
        error: None,
    };
    let mut history = History::open(&home.path("state/history.db"), Writing::Log).expect("a history");
    Ledger::record(&mut history, clock.now(), &ended).expect("recorded");
    drop(history);
    let recovered = home.recover(&clock).expect("an end");
    assert!(!recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
    assert_eq!(recovered.left, Left::Nothing);
    clock.pass(Duration::from_secs(60));
    assert_eq!(gateway.state().quiesced(), [""; 0]);
    assert_eq!(open(&home), []);
}

#[test]
fn what_one_container_could_not_undo_the_next_one_undoes() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    let undo = Undo::UnquiesceDomain("DOM1".to_owned());
    let (_, process) = dead_run_of(&mortal_elsewhere(), &home, &clock, &undo);
    gateway.state().set_quiesced("DOM1", true);
    // What is left of its lock: a file that nobody holds.
    let locks = Locks::beside(&home.path("state/history.db"));
    let Ok(Asked::Held(lock)) = locks.ask(&process, "a run", &clock) else {
        panic!("the lock is free");
    };
    drop(lock);
    gateway.state().setup.users[0].locked = true;
    let recovered = home.recover(&clock).expect("an end");
    assert_eq!(recovered.done.abandoned.len(), 1);
    assert!(recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
    assert_eq!(open(&home).len(), 1);
    assert!(!locks.folder().join(format!("{process}.lock")).exists());
    gateway.state().setup.users[0].locked = false;
    let recovered = home.recover(&clock).expect("an end");
    assert!(!recovered.done.is_incomplete(), "{:?}", recovered.done.lines());
    clock.pass(Duration::from_secs(60));
    assert_eq!(gateway.state().quiesced(), [""; 0]);
    assert_eq!(open(&home), []);
}

#[test]
fn a_domain_that_had_not_begun_when_its_run_died_is_waited_for_by_recovery() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    dead_run(&home, &clock, &Undo::UnquiesceDevice);
    gateway.state().set_quiesced("DOM1", true);
    let later = When::After(Duration::from_secs(20));
    gateway.state().turn_later("DOM2", true, later);
    home.recover(&clock).expect("an end");
    clock.pass(Duration::from_secs(60));
    assert_eq!(gateway.state().quiesced(), [""; 0]);
    assert_eq!(open(&home), []);
}

#[test]
fn an_output_that_cannot_be_written_hides_no_open_row() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, &EXPORT.replace("QA1", "*"));
    dead_run(&home, &clock, &Undo::UnquiesceDevice);
    let home = home.without_devices().absent_device("QA1");
    for arguments in [
        ["preview", "P"].as_slice(),
        &["check"],
        &["check", "--format", "json"],
        &["history"],
        &["history", "--format", "csv"],
        &["history", "status"],
        &["recover"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = home.command(arguments);
        let ran = command.stdout(full.expect("a full device")).output();
        let ran = Ran::of(ran.expect("an end")).exits(10);
        let said = ran.stderr.contains("QUIESCED: device QA1") || ran.stderr.contains("MAY BE QUIESCED");
        assert!(
            said && ran.stderr.contains("stdout"),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_device_that_is_no_longer_in_the_plan_file_is_not_forgotten() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, &EXPORT.replace("QA1", "*"));
    dead_run(&home, &clock, &Undo::UnquiesceDevice);
    let other = home.without_devices().device("QA2", &gateway);
    let recovered = other.recover(&clock).expect("an end");
    assert!(recovered.left != Left::Nothing);
    let lines = recovered.done.lines().join("\n");
    assert!(
        lines.contains("has no device QA1 any more") && lines.contains("add it again"),
        "{lines}"
    );
    assert_eq!(open(&other).len(), 1);
    let again = other.without_devices().device("QA1", &gateway);
    clock.pass(Duration::from_secs(3700));
    assert!(!again.recover(&clock).expect("an end").done.is_incomplete());
    assert_eq!(open(&again), []);
}

#[test]
fn a_run_puts_right_what_a_dead_run_left_on_any_device() {
    let clock = TestClock::night();
    let (one, two) = (
        gateways::pair_on_clock(&clock, 5, &[]),
        gateways::pair_on_clock(&clock, 5, &[]),
    );
    let home = home(&one, EXPORT)
        .device("QA2", &two)
        .plan("Q", &EXPORT.replace("QA1", "QA2"));
    dead_run(&home, &clock, &Undo::UnquiesceDomain("DOM1".to_owned()));
    one.state().set_quiesced("DOM1", true);
    let run = home.run("Q", &clock);
    assert_eq!((run.status(), run.exit()), ("COMPLETED_WITH_WARNINGS", 3));
    assert_eq!(run.end.as_ref().expect("an end").left, Left::Nothing);
    let plans = home.history().plans(&PlanFilter::default()).expect("the plans");
    let dead = plans.last().expect("the dead one");
    assert_eq!(dead.status.code(), "ABANDONED");
    let message = dead.error_message.clone().unwrap_or_default();
    assert!(message.contains("unquiesced and confirmed"), "{message}");
    assert_eq!(open(&home), []);
    clock.pass(Duration::from_secs(60));
    assert_eq!(broken(&home, &one, &[]), [""; 0]);
}

#[test]
fn what_a_recovery_undid_before_it_died_itself_is_in_the_history_of_the_execution() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    dead_run(&home, &clock, &Undo::UnquiesceDomain("DOM1".to_owned()));
    // It was killed before it could write that the execution is abandoned.
    let mut history = home.history();
    let row = history.open_entries().expect("the journal").remove(0);
    let how = "unquiesced and confirmed";
    history
        .close_undo(clock.now(), "run-2", row.id, how)
        .expect("closed");
    drop(history);
    home.recover(&clock).expect("an end");
    assert_eq!(
        home.last_plan().error_message.as_deref(),
        Some(
            "its process is gone, and has recorded no end; domain DOM1 of QA1 may have been asked to quiesce by task 1: unquiesced and confirmed"
        )
    );
}

#[test]
fn recovery_that_waited_for_a_device_does_not_undo_what_is_undone() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    dead_run(&home, &clock, &Undo::UnquiesceDomain("DOM1".to_owned()));
    let locks = Locks::beside(&home.path("state/history.db"));
    let name = format!("device-127.0.0.1-{}", gateway.port());
    let Asked::Held(held) = locks.ask(&name, "a test", &clock).expect("a lock") else {
        panic!("nobody else holds it");
    };
    let mut held = Some(held);
    // While it is held, its holder mends the device, and then a person quiesces the domain.
    let mend = once_after(Duration::ZERO, || {
        let mut history = home.history();
        let row = history.open_entries().expect("the journal").remove(0);
        history
            .close_undo(clock.now(), "run-2", row.id, "done by another run")
            .expect("closed");
        gateway.state().set_quiesced("DOM1", true);
        held = None;
    });
    let recovered = home.recover(&Eventful::new(&clock, mend)).expect("an end");
    assert!(recovered.done.rows.is_empty(), "{:?}", recovered.done.rows);
    assert_eq!(
        gateway.state().quiesce_state("DOM1"),
        "quiesced",
        "what others quiesced stays so"
    );
}

#[test]
fn recovery_of_a_device_that_stays_held_says_by_whom() {
    let clock = TestClock::night();
    let gateway = gateways::pair_on_clock(&clock, 5, &[]);
    let home = home(&gateway, EXPORT);
    dead_run(&home, &clock, &Undo::UnquiesceDomain("DOM1".to_owned()));
    let locks = Locks::beside(&home.path("state/history.db"));
    let name = format!("device-127.0.0.1-{}", gateway.port());
    let _held = locks.ask(&name, "task 7 of plan X", &clock).expect("a lock");
    let recovered = home.recover(&clock).expect("an end");
    assert!(recovered.left != Left::Nothing);
    assert!(
        recovered
            .done
            .lines()
            .join("\n")
            .contains("held by task 7 of plan X"),
        "{:?}",
        recovered.done.lines()
    );
    assert_eq!(open(&home).len(), 1);
    assert_eq!(gateway.operations(), [""; 0]);
}
