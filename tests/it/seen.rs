//! Only what was seen: quiesces that do not show, devices that are not who they were, journals that
//! cannot be read, processes that only seem dead; and what is said of each.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::time::Duration;

use dpbackup::exit::Exit;
use dpbackup::history::PlanFilter;
use dpbackup::run::event::{Certainty, Event};
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;
use rustix::process::Signal;

use crate::simulator::{Domain, Fault, FaultKind, Gateway, Setup};
use crate::support::users::{SERVICE, command_as, is_root};
use crate::support::{Home, Ran, TestClock, eventually, export, gateways, notes_of, secure_backup};

const SHORT: &str = "request = 4s";

/// A gateway with three domains, on this clock.
fn setup(clock: &TestClock) -> Setup {
    Setup {
        clock: clock.for_gateway(),
        ..gateways::small(["DOM1", "DOM2", "DOM3"].map(Domain::new))
    }
}

/// The same on the clock of the machine, for runs of the binary.
fn real(personalities: &[&str]) -> Gateway {
    let setup = gateways::small(["DOM1", "DOM2"].map(Domain::new));
    Gateway::start(setup.being(personalities))
}

fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .timeouts(SHORT)
        .device("QA1", gateway)
        .plan("DOMAIN", &export("*", "DOM1", "quiesce = true"))
        .plan("DEVICE", &secure_backup("*", "quiesce = true"))
}

/// Kills a run of the binary while its quiesced device is in the middle of this operation.
fn killed_in(home: &Home, gateway: &Gateway, plan: &str, operation: &str) {
    gateway.fail(Fault::nth(operation, 1, FaultKind::StallBeforeHead(None)));
    let running = home.running(&["run", plan]);
    eventually("the device was asked", || {
        gateway
            .operations()
            .iter()
            .any(|asked| asked.ends_with(operation))
    });
    running.kill();
    gateway.clear_faults();
}

#[test]
fn a_preview_knows_that_a_run_puts_back_first_what_a_dead_one_has_left_quiesced() {
    let gateway = real(&[]);
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("DOMAIN", &export("*", "DOM1", "quiesce = true"));
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    let ran = home.dpbackup(&["preview", "DOMAIN"]).exits(10);
    assert!(
        ran.stdout
            .contains("QA1: what a run that died has left quiesced is put back before the tasks begin"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("ALREADY_QUIESCED"), "{}", ran.stdout);
    // A history with a second name is not used: no run begins, and so nothing is put back before its tasks.
    let (history, copy) = (home.path("state/history.db"), home.path("state/copy.db"));
    std::fs::hard_link(&history, &copy).expect("a link");
    let ran = home.dpbackup(&["preview", "DOMAIN"]).exits(10);
    assert!(
        ran.stdout
            .contains("QA1: what a run that died has left quiesced is put back as soon as a run can begin"),
        "{}",
        ran.stdout
    );
    std::fs::remove_file(&copy).expect("removed");
    // Where nobody can tell whether that run is at work, it is all the same no stranger's quiesce.
    let (locks, aside) = (home.path("state/history.db.locks"), home.path("state/aside"));
    std::fs::rename(&locks, &aside).expect("renamed");
    std::fs::write(&locks, "").expect("a file");
    let ran = home.dpbackup(&["preview", "DOMAIN"]).exits(10);
    assert!(
        ran.stdout
            .contains("what is quiesced there may be what the journal has open, domain DOM1 of QA1"),
        "{}",
        ran.stdout
    );
    std::fs::remove_file(&locks).expect("removed");
    std::fs::rename(&aside, &locks).expect("renamed");
    let _ = home.dpbackup(&["recover"]).exits(0);
    let ran = home.dpbackup(&["preview", "DOMAIN"]).exits(0);
    assert!(!ran.stdout.contains("left quiesced"), "{}", ran.stdout);
}

#[test]
fn a_device_with_default_alone_is_unquiesced_though_nothing_shows_it() {
    let clock = TestClock::night();
    let gateway = Gateway::start(setup(&clock).being(&["default-alone"]));
    let home = home(&gateway);
    let run = home.run("DEVICE", &clock);
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    // At once, and again when the quiesce can no longer overtake that.
    let requests = gateway.requests();
    let sent = |operation: &str| {
        let those = requests
            .iter()
            .filter(|asked| asked.operation.ends_with(operation));
        those.map(|asked| asked.at).collect::<Vec<_>>()
    };
    let (looked, told) = (sent("get-filestore"), sent("UnquiesceDP"));
    assert_eq!(told.len(), 2);
    let made = looked.into_iter().filter(|at| *at <= told[0]).max();
    let made = made.expect("a look at the manifest");
    let waited = told.iter().map(|told| told.duration_since(made).as_secs());
    assert_eq!(waited.collect::<Vec<_>>(), [0, 10]);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
    let notes = notes_of(&home.details(0)).join("\n");
    assert!(notes.contains("whether it is quiesced does not show"), "{notes}");
}

#[test]
fn a_device_with_default_alone_is_unquiesced_after_a_kill_too() {
    let gateway = real(&["default-alone"]);
    let home = home(&gateway);
    killed_in(&home, &gateway, "DEVICE", "SecureBackup");
    assert!(!gateway.state().is_unquiesced());
    let _ran = home.dpbackup(&["recover"]).exits(0);
    assert_eq!(gateway.received("UnquiesceDP"), 2);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_quiesce_that_never_shows_is_undone_once_and_the_words_say_what_was_not_seen() {
    for personality in ["state-never-shown", "state-for-others"] {
        let clock = TestClock::night();
        let gateway = Gateway::start(setup(&clock).being(&[personality]));
        let home = home(&gateway);
        let run = home.run("DOMAIN", &clock);
        assert_eq!(run.tasks(), ["QA1/DOM1 QUIESCE_TIMEOUT"], "{personality}");
        let error = run.errors().remove(0);
        assert!(
            error.contains("the quiesce was never seen on the device; unquiesced all the same"),
            "{personality}: {error}"
        );
        assert_eq!(gateway.received("DomainUnquiesce"), 1, "{personality}");
        assert!(gateway.state().is_unquiesced(), "{personality}");
        assert_eq!(home.open_entries(), [], "{personality}");
    }
}

#[test]
fn a_quiesce_that_is_answered_by_a_sentence_or_an_error_and_begins_later_is_undone() {
    for answer in [
        "quiesce=sentence",
        "quiesce=error-log",
        "quiesce=ok-and-error-log",
    ] {
        let clock = TestClock::night();
        let gateway = Gateway::start(setup(&clock).being(&[answer, "quiesce=late@2s"]));
        let home = home(&gateway);
        let run = home.run("DOMAIN", &clock);
        assert_eq!(run.tasks(), ["QA1/DOM1 DEVICE_ERROR"], "{answer}");
        clock.pass(Duration::from_secs(600));
        assert!(gateway.state().is_unquiesced(), "{answer}: {:?}", run.errors());
        assert!(gateway.received("DomainUnquiesce") >= 1, "{answer}");
        assert_eq!(home.open_entries(), [], "{answer}");
    }
}

#[test]
fn what_a_device_says_to_a_quiesce_that_it_carries_out_is_noted() {
    for (answer, said) in [
        ("quiesce=sentence", "the answer"),
        ("quiesce=error-log@domain [DOM1] is busy", "domain [DOM1] is busy"),
    ] {
        let clock = TestClock::night();
        let gateway = Gateway::start(setup(&clock).being(&[answer, "quiesce=late@0s"]));
        let home = home(&gateway);
        let run = home.run("DOMAIN", &clock);
        assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{answer}: {:?}", run.errors());
        let notes = run.notes().join("\n");
        let told = notes
            .split("the quiesce was carried out, and its answer was not OK: ")
            .nth(1);
        assert!(
            told.is_some_and(|words| said == "the answer" || words.contains(said)),
            "{answer}: {notes}"
        );
    }
}

#[test]
fn a_quiesce_that_is_given_up_and_carried_out_later_is_remembered_until_a_later_start_undoes_it() {
    let clock = TestClock::night();
    let gateway = Gateway::start(setup(&clock).being(&["quiesce=late@60s"]));
    let home = home(&gateway);
    gateway.fail(Fault::nth("DomainQuiesce", 1, FaultKind::ReplyLost));
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.end.as_ref().expect("an end").exit, Exit::StillQuiesced);
    assert!(run.errors()[0].contains("not known: "), "{:?}", run.errors());
    assert!(
        run.events
            .iter()
            .any(|event| matches!(event, Event::StillQuiesced(_)))
    );
    clock.pass(Duration::from_secs(120));
    assert!(!gateway.state().is_unquiesced(), "it has arrived meanwhile");
    assert_eq!(home.open_entries().len(), 1, "and is remembered");
    let recovered = home.recover(&clock).expect("an end");
    assert_eq!(recovered.left, Left::Nothing);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn what_was_never_seen_is_not_said_to_be_quiesced_though_no_unquiesce_is_answered() {
    let clock = TestClock::night();
    let ways = ["quiesce=reply-lost", "quiesce=not-done", "unquiesce=reply-lost"];
    let gateway = Gateway::start(setup(&clock).being(&ways));
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.exit(), 10);
    let error = run.errors().remove(0);
    assert!(
        error.contains("not known: no unquiesce was answered") && !error.contains("STILL QUIESCED"),
        "{error}"
    );
    let certainty = run.events.iter().find_map(|event| match event {
        Event::StillQuiesced(still) => Some(still.certainty),
        _ => None,
    });
    assert_eq!(certainty, Some(Certainty::NotKnown));
    // When nothing of it can be on its way any more, a look at the device is an answer.
    clock.pass(Duration::from_secs(2 * 3600));
    let recovered = home.recover(&clock).expect("an end");
    assert_eq!(recovered.left, Left::Nothing);
    let how = recovered.done.rows[0].outcome.clone().expect("it is put back");
    assert!(how.contains("told to unquiesce, without an answer"), "{how}");
}

#[test]
fn what_is_seen_on_the_way_back_alone_is_written_down_and_said() {
    let clock = TestClock::night();
    let ways = [
        "quiesce=error-log",
        "quiesce=late@2s",
        "unquiesce=never-unquiesces",
    ];
    let gateway = Gateway::start(setup(&clock).being(&ways));
    let home = home(&gateway);
    let run = home.run("DOMAIN", &clock);
    assert_eq!(run.exit(), 10);
    assert!(run.errors()[0].contains("STILL QUIESCED"), "{:?}", run.errors());
    let open = home.open_entries();
    assert!(open.len() == 1 && open[0].seen && open[0].sent, "{open:?}");
}

#[test]
fn a_domain_that_stays_idle_while_all_others_are_quiesced_is_named_and_holds_nothing_up() {
    let clock = TestClock::night();
    let gateway = Gateway::start(setup(&clock).being(&["disabled@DOM2"]));
    let home = home(&gateway);
    let run = home.run("DEVICE", &clock);
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    let notes = notes_of(&home.details(0)).join("\n");
    assert!(
        notes.contains("not quiesced, while all other domains are: DOM2 (disabled)"),
        "{notes}"
    );
    clock.pass(Duration::from_secs(600));
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn what_an_ended_task_of_a_dead_run_left_quiesced_stands_in_the_execution() {
    let gateway = real(&[]);
    let home = Home::quick()
        .timeouts(SHORT)
        .setting("quiesce_timeout = \"60s\"\nunquiesce_timeout = \"1s\"\nquiesce_grace = \"1s\"")
        .device("QA1", &gateway)
        .plan(
            "P",
            &format!(
                "error_policy = \"ignore\"\n{}{}",
                export("*", "DOM1", "quiesce = true"),
                export("*", "DOM2", "")
            ),
        );
    gateway.fail(Fault::every("DomainUnquiesce", FaultKind::NeverUnquiesces));
    gateway.fail(Fault::nth("do-backup", 2, FaultKind::StallBeforeHead(None)));
    let running = home.running(&["run", "P"]);
    eventually("the second task is at work", || {
        gateway.received("do-backup") == 2
    });
    running.kill();
    gateway.fail(Fault::every("connect", FaultKind::Refuse(None)));
    let ran = home.dpbackup(&["recover"]).exits(10);
    assert!(
        ran.stdout.contains("as was seen then")
            && ran
                .stdout
                .contains("whether it is quiesced now is not known: MAY BE QUIESCED")
            && !ran.stdout.contains("STILL QUIESCED"),
        "{}",
        ran.stdout
    );
    let message = home.last_plan().error_message.unwrap_or_default();
    assert!(
        message.contains("domain DOM1 of QA1 was left quiesced")
            && !message.contains("nothing had to be undone"),
        "{message}"
    );
    gateway.clear_faults();
}

#[test]
fn a_journal_that_is_damaged_in_part_still_names_its_rows() {
    let gateway = real(&[]);
    let home = home(&gateway);
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    let file = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    file.execute("UPDATE journal SET opened_time = 'damaged'", ())
        .expect("damage");
    drop(file);
    let _ran = home.dpbackup(&["recover"]).exits(0);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_history_that_cannot_be_opened_for_writing_ends_with_10_and_names_the_open_rows() {
    let gateway = real(&[]);
    let home = home(&gateway);
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    // A newer version refuses to be written, whoever asks.
    let file = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    file.pragma_update(None, "user_version", 999).expect("a version");
    drop(file);
    for arguments in [["run", "DOMAIN"].as_slice(), &["recover"]] {
        let ran = home.dpbackup(arguments).exits(10);
        assert!(
            ran.stderr
                .contains("MAY BE QUIESCED: domain DOM1 of QA1 (task 1 of execution 1"),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
    assert!(!gateway.state().is_unquiesced());
}

#[test]
fn a_lock_that_is_no_lock_ends_with_10_where_something_is_open() {
    let gateway = real(&[]);
    let home = home(&gateway);
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    let lock = home.path(&format!(
        "state/history.db.locks/device-127%2E0%2E0%2E1-{}.lock",
        gateway.port()
    ));
    assert!(lock.exists(), "{}", lock.display());
    fs::remove_file(&lock).expect("removed");
    symlink("nowhere", &lock).expect("a link");
    let ran = home.dpbackup(&["recover"]).exits(10);
    assert!(
        ran.stdout.contains("domain DOM1 of QA1") && ran.stdout.contains("is a symbolic link"),
        "{}",
        ran.stdout
    );
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn a_run_that_lives_is_not_taken_for_dead_through_another_path_to_its_history() {
    let gateway = real(&[]);
    let home = home(&gateway);
    gateway.fail(Fault::nth("do-backup", 1, FaultKind::StallBeforeHead(None)));
    let running = home.running(&["run", "DOMAIN"]);
    eventually("it is quiesced", || gateway.received("do-backup") == 1);
    symlink("history.db", home.path("state/link.db")).expect("a link");
    let text = fs::read_to_string(home.plan_file()).expect("the plan file");
    fs::write(
        home.path("other.toml"),
        text.replace("state/history.db", "state/link.db"),
    )
    .expect("a plan file");
    let _other = home
        .dpbackup(&["--config", "other.toml", "run", "DOMAIN"])
        .exits(5);
    let _other = home.dpbackup(&["--config", "other.toml", "recover"]).exits(0);
    assert_eq!(gateway.received("DomainUnquiesce"), 0);
    running.signal(Signal::INT);
    let _ran = running.end().exits(130);
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_run_whose_locks_were_removed_is_not_taken_for_dead() {
    let gateway = real(&[]);
    let home = home(&gateway);
    gateway.fail(Fault::nth("do-backup", 1, FaultKind::StallBeforeHead(None)));
    let running = home.running(&["run", "DOMAIN"]);
    eventually("it is quiesced", || gateway.received("do-backup") == 1);
    fs::remove_dir_all(home.path("state/history.db.locks")).expect("the locks");
    let _other = home.dpbackup(&["recover"]).exits(0);
    let _other = home.dpbackup(&["run", "DOMAIN"]).exits(5);
    // Another plan, whose own lock is free, on the same device.
    let other = home.dpbackup(&["run", "DEVICE"]).exits(1);
    assert!(
        other
            .stderr
            .contains("another run is at work on it, domain DOM1 of QA1"),
        "{}",
        other.stderr
    );
    assert_eq!(gateway.received("do-backup"), 1);
    assert_eq!(gateway.received("DomainUnquiesce"), 0);
    running.signal(Signal::INT);
    let _ran = running.end().exits(130);
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn what_root_runs_by_hand_does_not_lock_a_service_out() {
    if !is_root("that a service can use what root has made") {
        return;
    }
    let gateway = real(&[]);
    let ground = tempfile::tempdir().expect("a folder");
    fs::set_permissions(ground.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let plans = ground.path().join("plans.toml");
    let text = fs::read_to_string(home(&gateway).plan_file()).expect("a plan file");
    fs::write(&plans, text).expect("a plan file");
    fs::set_permissions(&plans, fs::Permissions::from_mode(0o644)).expect("a mode");
    let run_as = |user: u32| {
        let mut command = command_as(
            user,
            &[],
            ground.path(),
            &["run", "DOMAIN", "--config", "plans.toml"],
        );
        Ran::of(command.output().expect("setpriv(1)"))
    };
    for folder in ["state", "store"] {
        let folder = ground.path().join(folder);
        fs::create_dir(&folder).expect("a folder");
        chown(&folder, Some(SERVICE), Some(SERVICE)).expect("an owner");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("a mode");
    }
    let locks = ground.path().join("state/history.db.locks");
    let _service = run_as(SERVICE).exits(0);
    let _root = run_as(0).exits(0);
    for entry in fs::read_dir(&locks).expect("the locks") {
        let entry = entry.expect("an entry");
        assert_eq!(entry.metadata().expect("a file").uid(), SERVICE, "{entry:?}");
    }
    let _service = run_as(SERVICE).exits(0);
}

#[test]
fn a_second_hard_link_to_a_history_is_refused() {
    let gateway = real(&[]);
    let home = home(&gateway);
    let _first = home.dpbackup(&["run", "DOMAIN"]).exits(0);
    fs::hard_link(home.path("state/history.db"), home.path("state/second.db")).expect("a link");
    let ran = home.dpbackup(&["run", "DOMAIN"]).exits(6);
    assert!(ran.stderr.contains("second name"), "{}", ran.stderr);
}

/// Another device answered: how the one that is meant stands, nobody has seen.
fn is_not_claimed(said: &str) {
    assert!(
        !said.contains("STILL QUIESCED: run")
            && said.contains("as was seen then")
            && said.contains("whether it is quiesced now is not known: MAY BE QUIESCED"),
        "{said}"
    );
}

#[test]
fn a_name_that_leads_to_another_device_does_not_close_a_row() {
    let (gateway, other) = (real(&[]), real(&[]));
    other.state().set_serial("78B9999");
    let home = home(&gateway);
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    let elsewhere = home.without_devices().device("QA1", &other);
    let ran = elsewhere.dpbackup(&["recover"]).exits(10);
    assert!(
        ran.stdout.contains("serial number 78B9999") && ran.stdout.contains("this is about 78A0001"),
        "{}",
        ran.stdout
    );
    is_not_claimed(&ran.stdout);
    assert_eq!(other.received("DomainUnquiesce"), 0);
    assert_eq!(elsewhere.open_entries().len(), 1);
    let again = elsewhere.without_devices().device("QA1", &gateway);
    let _ran = again.dpbackup(&["recover"]).exits(0);
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn another_device_behind_the_same_address_does_not_close_a_row() {
    let gateway = real(&[]);
    let home = home(&gateway);
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    gateway.state().set_serial("78B9999");
    let ran = home.dpbackup(&["recover"]).exits(10);
    assert!(ran.stdout.contains("this is about 78A0001"), "{}", ran.stdout);
    is_not_claimed(&ran.stdout);
    assert_eq!(gateway.received("DomainUnquiesce"), 0);
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn an_interrupted_run_says_what_it_leaves_on_the_device() {
    let clock = TestClock::night();
    let gateway = Gateway::start(Setup {
        secure_backup_time: Duration::from_secs(600),
        ..setup(&clock)
    });
    let home = home(&gateway);
    let stop = Stop::new();
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskStatus { status, .. } if status.code() == "BACKING_UP") {
            stop.request(2);
        }
    };
    let run = home.run_with("DEVICE", &clock, Options::default(), &stop, &mut watch);
    assert_eq!(run.status(), "INTERRUPTED");
    let error = run
        .end
        .as_ref()
        .expect("an end")
        .error
        .clone()
        .unwrap_or_default();
    assert!(!error.contains("nothing is left running"), "{error}");
    assert!(
        error.contains("(task 1): "),
        "how the task at work was left is in it: {error}"
    );
}

#[test]
fn every_view_shows_a_process_that_is_gone_and_the_quiesce_that_it_left() {
    let gateway = real(&[]);
    let home = home(&gateway);
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    let open = "MAY BE QUIESCED: domain DOM1 of QA1";
    for level in [
        ["history"].as_slice(),
        &["history", "activities", "1"],
        &["history", "tasks", "1"],
        &["history", "files", "1"],
    ] {
        let ran = home.dpbackup(level).exits(0);
        assert!(ran.stdout.starts_with(open), "{level:?}: {}", ran.stdout);
        assert!(ran.stdout.contains("ABANDONED"), "{level:?}: {}", ran.stdout);
        for format in ["json", "csv"] {
            if (level.get(1), format) == (Some(&"files"), "csv") {
                // Lines of files, which have no status.
                continue;
            }
            let mut arguments = level.to_vec();
            arguments.extend(["--format", format]);
            let ran = home.dpbackup(&arguments).exits(0);
            assert!(ran.stdout.contains("ABANDONED"), "{arguments:?}: {}", ran.stdout);
            assert!(ran.stderr.contains(open), "{arguments:?}: {}", ran.stderr);
        }
    }
    let ran = home.dpbackup(&["history", "--status", "ABANDONED"]).exits(0);
    assert!(ran.stdout.contains("its process is gone since"), "{}", ran.stdout);
    let ran = home.dpbackup(&["preview", "DOMAIN"]).exits(10);
    assert!(ran.stderr.contains(open), "{}", ran.stderr);
    let ran = home.dpbackup(&["history", "status"]).exits(2);
    assert!(
        ran.stdout.starts_with(&format!("DPBACKUP CRITICAL - {open}")),
        "{}",
        ran.stdout
    );
    let ran = home.dpbackup(&["history", "status", "--format", "json"]).exits(2);
    let status: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let said = status["may_be_quiesced"].as_str().expect("words");
    assert!(said.starts_with(open), "{said}");
    for arguments in [["check"].as_slice(), &["check", "QA1"]] {
        let ran = home.dpbackup(arguments).exits(10);
        assert!(ran.stdout.contains(open), "{arguments:?}: {}", ran.stdout);
    }
}

#[test]
fn an_execution_of_which_nobody_can_tell_whether_it_is_at_work_is_not_called_abandoned() {
    let gateway = real(&[]);
    let home = home(&gateway);
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    // As if it were the history of two hosts, and the other one's lock were not here.
    let elsewhere = "run-1-0-4711-1-0123456789abcdef-000000000000";
    let file = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    file.execute("UPDATE plan_execution SET process = ?1", [elsewhere])
        .expect("changed");
    drop(file);
    let not_known = "whether its process is at work is not known: the lock file of process";
    for level in [
        ["history"].as_slice(),
        &["history", "-q"],
        &["history", "last"],
        &["history", "tasks", "1", "-q"],
        &["history", "files", "1"],
    ] {
        let mut arguments = level.to_vec();
        arguments.extend(["--format", "json"]);
        let ran = home.dpbackup(&arguments).exits(0);
        assert!(ran.stdout.contains(not_known), "{level:?}: {}", ran.stdout);
        assert!(!ran.stdout.contains("ABANDONED"), "{level:?}: {}", ran.stdout);
    }
    let ran = home.dpbackup(&["history", "activities", "1", "-q"]).exits(0);
    assert!(ran.stdout.contains("RUNNING"), "{}", ran.stdout);
    let ran = home
        .dpbackup(&["history", "--status", "ABANDONED", "--format", "csv"])
        .exits(0);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
}

#[test]
fn what_is_known_to_have_been_seen_is_not_waited_for_again() {
    let gateway = real(&[]);
    let home = Home::quick()
        .timeouts("request = 60s")
        .device("QA1", &gateway)
        .plan("DOMAIN", &export("*", "DOM1", "quiesce = true"));
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    // Somebody has unquiesced it meanwhile: nothing is to be waited for all the same.
    gateway.state().set_quiesced("DOM1", false);
    let clock = TestClock::now();
    let before = dpbackup::clock::Clock::elapsed(&clock);
    let recovered = home.recover(&clock).expect("an end");
    assert_eq!(recovered.left, Left::Nothing);
    let waited = dpbackup::clock::Clock::elapsed(&clock) - before;
    assert!(
        waited < Duration::from_secs(5),
        "{waited:?} on the clock of the test"
    );
}

#[test]
fn a_history_that_is_taken_away_during_a_run_ends_it_with_6() {
    let gateway = real(&[]);
    let home = Home::quick()
        .timeouts(SHORT)
        .script(
            "away.sh",
            "#!/bin/sh\nmv \"$HOME/state/history.db\" \"$HOME/state/away.db\"\n",
        )
        .setting("scripts_dir = \"scripts\"")
        .device("QA1", &gateway)
        .plan(
            "P",
            &format!("post_script = \"away.sh\"\n{}", export("*", "DOM1", "")),
        );
    let ran = home.dpbackup(&["run", "P"]).exits(6);
    assert!(
        ran.stderr.contains("was removed or replaced while this ran"),
        "{}",
        ran.stderr
    );
    let note =
        ran.stderr.contains("was removed while this ran") && !ran.stderr.contains("the first run creates it");
    assert!(note, "{}", ran.stderr);
}

#[test]
fn nothing_is_quiesced_where_the_journal_is_a_file_that_nobody_will_find() {
    for away in [
        "mv history.db away.db",
        "mv history.db away.db; cp away.db history.db",
    ] {
        let gateway = real(&[]);
        let home = Home::quick()
            .timeouts(SHORT)
            .script("away.sh", &format!("#!/bin/sh\ncd \"$HOME/state\" && {away}\n"))
            .setting("scripts_dir = \"scripts\"")
            .device("QA1", &gateway)
            .plan(
                "P",
                &export("*", "DOM1", "quiesce = true\npre_script = \"away.sh\""),
            );
        let ran = home.dpbackup(&["run", "P"]).exits(6);
        assert_eq!(gateway.received("DomainQuiesce"), 0, "{away}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("nothing is begun on a device"),
            "{away}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_device_whose_plan_was_settled_before_it_ran_halts_the_plan_as_any_failure_does() {
    let clock = TestClock::night();
    let gateway = Gateway::start(setup(&clock));
    let home = Home::quick()
        .timeouts(SHORT)
        .device_at(
            "BAD",
            gateway.port(),
            &format!("{{ pin_sha256 = \"{}\" }}", "00".repeat(32)),
        )
        .device("QA1", &gateway)
        .plan(
            "P",
            &format!("error_policy = \"halt\"\n{}", export("BAD, QA1", "DOM1", "")),
        );
    let run = home.run("P", &clock);
    assert_eq!(
        run.tasks(),
        [
            "BAD/DOM1 DEVICE_ERROR",
            "QA1/DOM1 EXECUTION_CANCELED_BECAUSE_ERROR_POLICY"
        ]
    );
}

#[test]
fn a_history_of_many_plans_is_narrowed_to_those_whose_process_is_gone() {
    let gateway = real(&[]);
    let home = home(&gateway);
    let _first = home.dpbackup(&["run", "DOMAIN"]).exits(0);
    gateway.forget_requests();
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    let ran = home
        .dpbackup(&["history", "--status", "ABANDONED", "--format", "csv"])
        .exits(0);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    let plans = home.history().plans(&PlanFilter::default()).expect("the plans");
    assert_eq!(plans.len(), 2);
}

/// The bytes of a history, with all that lies beside it written into it.
fn whole(history: &std::path::Path) -> Vec<u8> {
    let file = rusqlite::Connection::open(history).expect("the history");
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("written");
    drop(file);
    fs::read(history).expect("the history")
}

/// What may become of the journal of a run that was killed, and words that say so.
const DAMAGES: [(&str, &str); 4] = [
    ("UPDATE journal SET undo = 'FOO'", "cannot be read"),
    ("UPDATE journal SET argument = NULL", "cannot be read"),
    ("UPDATE journal SET argument = ''", "cannot be read"),
    ("DROP TABLE journal", "the journal cannot be read"),
];

#[test]
fn a_journal_that_is_damaged_closes_no_row_and_is_not_passed_over() {
    let gateway = real(&[]);
    let home = home(&gateway);
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    let history = home.path("state/history.db");
    let sound = whole(&history);
    for (damage, words) in DAMAGES {
        fs::write(&history, &sound).expect("as it was");
        let file = rusqlite::Connection::open(&history).expect("the history");
        file.execute_batch(&format!("PRAGMA ignore_check_constraints = ON; {damage}"))
            .expect("damaged");
        drop(file);
        for arguments in [["recover"].as_slice(), &["run", "DOMAIN"], &["preview", "DOMAIN"]] {
            let ran = home.dpbackup(arguments).exits(10);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains(words), "{damage}, {arguments:?}: {said}");
        }
        assert_eq!(gateway.received("DomainUnquiesce"), 0, "{damage}");
    }
}

#[test]
fn a_history_that_is_none_any_more_ends_with_10_after_a_run_that_died() {
    let gateway = real(&[]);
    let home = home(&gateway);
    let history = home.path("state/history.db");
    let spoil = || {
        let mut bytes = whole(&history);
        bytes[..4].copy_from_slice(b"oops");
        fs::write(&history, bytes).expect("spoilt");
    };
    let _ran = home.dpbackup(&["run", "DOMAIN"]).exits(0);
    let sound = whole(&history);
    spoil();
    let _ran = home.dpbackup(&["recover"]).exits(6);
    fs::write(&history, sound).expect("as it was");
    gateway.forget_requests();
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    spoil();
    for arguments in [["recover"].as_slice(), &["run", "DOMAIN"], &["preview", "DOMAIN"]] {
        let ran = home.dpbackup(arguments).exits(10);
        assert!(
            ran.stderr
                .contains("and a run that is not seen to be at work wrote in it"),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_history_that_is_gone_after_a_run_that_died_is_not_one_that_never_was() {
    let gateway = real(&[]);
    let home = home(&gateway);
    let is_gone = "a run that is not seen to be at work wrote in it";
    killed_in(&home, &gateway, "DOMAIN", "do-backup");
    for name in ["history.db", "history.db-wal", "history.db-shm"] {
        let _ = fs::remove_file(home.path("state").join(name));
    }
    for arguments in [["preview", "DOMAIN"], ["check", "QA1"], ["history", "status"]] {
        let ran = home.dpbackup(&arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(is_gone), "{arguments:?}: {said}");
        let code = if arguments[0] == "history" { 2 } else { 10 };
        let _ran = ran.exits(code);
    }
    // Whoever begins another history says it once, at its end, and backs up what can be.
    gateway.state().set_quiesced("DOM1", false);
    let ran = home.dpbackup(&["run", "DOMAIN"]).exits(10);
    assert!(ran.stderr.contains(is_gone), "{}", ran.stderr);
    assert_eq!(home.last_plan().status.code(), "SUCCESS");
    // Nobody has looked at what was in the history that is gone, until somebody says so.
    let ran = home.dpbackup(&["recover"]).exits(10);
    assert!(ran.stdout.contains("domain DOM1 of QA1"), "{}", ran.stdout);
    let _ran = home.dpbackup(&["recover", "--forget", "QA1"]).exits(0);
    let _ran = home.dpbackup(&["recover"]).exits(0);
}

#[test]
fn a_history_that_was_never_there_is_no_alarm() {
    let gateway = real(&[]);
    let home = home(&gateway);
    let _ran = home.dpbackup(&["preview", "DOMAIN"]).exits(0);
    let _ran = home.dpbackup(&["run", "DOMAIN"]).exits(0);
    // Removed by somebody after a run that ended as it should.
    fs::remove_file(home.path("state/history.db")).expect("removed");
    let _ran = home.dpbackup(&["preview", "DOMAIN"]).exits(0);
    let _ran = home.dpbackup(&["recover"]).exits(0);
}

#[test]
fn a_configuration_that_changes_while_it_is_backed_up_is_told() {
    let clock = TestClock::night();
    for plan in ["DOMAIN", "DEVICE"] {
        let gateway = Gateway::start(setup(&clock).being(&["busy@DOM1:import-execute"]));
        let home = home(&gateway);
        let run = home.run(plan, &clock);
        assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
        let notes = notes_of(&home.details(0)).join("\n");
        let told =
            "the configuration changes while it is backed up, as the device shows: DOM1 ('import-execute')";
        assert!(notes.contains(told), "{plan}: {notes}");
    }
}

#[test]
fn nothing_more_is_quiesced_where_something_is_left_quiesced() {
    let clock = TestClock::night();
    let gateway = Gateway::start(setup(&clock).being(&["unquiesce=never-unquiesces"]));
    let home = home(&gateway);
    assert_eq!(home.run("DOMAIN", &clock).exit(), 10);
    let others = home.plan("OTHER", &export("*", "DOM2", "quiesce = true"));
    for _ in ["the next plan of the same night", "the next night"] {
        let run = others.run("OTHER", &clock);
        assert_eq!(run.exit(), 10);
        assert_eq!(run.tasks(), ["QA1/DOM2 DEVICE_HAS_QUIESCED_DOMAINS"]);
        assert!(
            run.errors()[0].contains("domain DOM1 of QA1 (task 1 of execution 1"),
            "{:?}",
            run.errors()
        );
        clock.pass(Duration::from_secs(24 * 3600));
    }
    let quiesces = gateway
        .operations()
        .iter()
        .filter(|name| name.ends_with("DomainQuiesce"))
        .count();
    assert_eq!(quiesces, 1);
    // Without a quiesce it is backed up.
    let run = others.plan("READ", &export("*", "DOM2", "")).run("READ", &clock);
    assert_eq!(run.tasks(), ["QA1/DOM2 SUCCESS"]);
}

#[test]
fn a_serial_number_that_every_container_has_keeps_no_other_gateway_from_being_quiesced() {
    let clock = TestClock::night();
    let left = Gateway::start(setup(&clock).being(&["unquiesce=never-unquiesces"]));
    let other = Gateway::start(setup(&clock));
    for gateway in [&left, &other] {
        gateway.state().set_serial("0000001");
    }
    let home = home(&left)
        .device("QA2", &other)
        .plan("OTHER", &export("QA2", "DOM1", "quiesce = true"));
    let home = home.plan("LEFT", &export("QA1", "DOM1", "quiesce = true"));
    assert_eq!(home.run("LEFT", &clock).exit(), 10);
    let run = home.run("OTHER", &clock);
    assert_eq!(run.tasks(), ["QA2/DOM1 SUCCESS"], "{:?}", run.errors());
    assert!(other.state().is_unquiesced());
}
