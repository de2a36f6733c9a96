//! Exports that say the same as the one before: recognised, and left out only where the
//! same is really kept.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use dpbackup::history::FileRow;

use crate::simulator::{Domain, Firmware, Gateway, Setup};
use crate::support::users::heeding_modes;
use crate::support::{Home, Ran, TestClock};

const PLAN: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"DOM1\"\n";

fn setup(clock: &TestClock) -> Setup {
    Setup {
        domains: vec![Domain::new("DOM1")],
        clock: clock.for_gateway(),
        ..Setup::default()
    }
}

fn home(gateway: &Gateway, on_unchanged: &str) -> Home {
    Home::new()
        .setting(&format!("on_unchanged = \"{on_unchanged}\""))
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .plan("P", PLAN)
}

/// Runs the plan an hour later; the one file that its task recorded.
#[track_caller]
fn run(home: &Home, clock: &TestClock) -> FileRow {
    run_ends(home, clock, "SUCCESS")
}

#[track_caller]
fn run_ends(home: &Home, clock: &TestClock, status: &str) -> FileRow {
    clock.pass(Duration::from_secs(3600));
    let run = home.run("P", clock);
    assert_eq!(run.status(), status, "{:?}", run.errors());
    let history = home.history();
    let plan = history.plans(&Default::default()).expect("plans")[0].id;
    let task = history.tasks_of_plan(plan).expect("tasks")[0].id;
    let mut files = history.files(task).expect("files");
    assert_eq!(files.len(), 1);
    files.remove(0)
}

#[test]
fn another_time_and_another_firmware_change_nothing_and_an_object_does() {
    let clock = TestClock::night();
    let gateway = Gateway::start(setup(&clock));
    let home = home(&gateway, "store");
    let first = run(&home, &clock);
    assert_eq!((first.unchanged_since, first.kept), (None, true));
    let second = run(&home, &clock);
    assert_eq!((second.unchanged_since, second.kept), (Some(first.task), true));
    assert_ne!(second.sha256, first.sha256, "the times in it differ");

    gateway.state().setup.firmware = Firmware {
        version: "IDG.10.5.0.9".to_owned(),
        build: "999999".to_owned(),
        serial: "78B0002".to_owned(),
        ..Firmware::v10()
    };
    let updated = run(&home, &clock);
    assert_eq!(updated.unchanged_since, Some(first.task));

    gateway.state().set_unsaved("DOM1", true);
    gateway.state().set_unsaved("DOM1", false);
    let changed = run(&home, &clock);
    assert_eq!((changed.unchanged_since, changed.kept), (None, true));
    assert_eq!(run(&home, &clock).unchanged_since, Some(changed.task));
    gateway
        .state()
        .put_file("DOM1", "local:///readme.txt", b"other".to_vec());
    assert_eq!(run(&home, &clock).unchanged_since, None, "a file is content too");
    assert_eq!(home.stored().len(), 6);
}

#[test]
fn what_has_not_changed_is_skipped_where_the_plan_says_so() {
    let clock = TestClock::night();
    let gateway = Gateway::start(setup(&clock));
    let home = home(&gateway, "skip");
    let first = run(&home, &clock);
    let second = run(&home, &clock);
    assert_eq!((second.unchanged_since, second.kept), (Some(first.task), false));
    assert_eq!(home.stored().len(), 1);
    let ran = home
        .dpbackup(&["verify", "--task", &second.task.0.to_string()])
        .exits(0);
    assert!(ran.stdout.contains("NOT_KEPT"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("OK  "),
        "the kept one is looked at: {}",
        ran.stdout
    );
}

#[test]
fn of_a_file_that_was_not_kept_for_an_unknown_task_no_task_is_named() {
    let clock = TestClock::night();
    let gateway = Gateway::start(setup(&clock));
    let home = home(&gateway, "skip");
    let _first = run(&home, &clock);
    let second = run(&home, &clock);
    let file = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    file.execute("UPDATE file SET unchanged_since = NULL WHERE kept = 0", ())
        .expect("changed");
    drop(file);
    let ran = home
        .dpbackup(&["verify", "--task", &second.task.0.to_string()])
        .exits(0);
    assert!(
        ran.stdout
            .contains("unchanged since a task that is not known; task 1 kept it"),
        "{}",
        ran.stdout
    );
}

#[test]
fn nothing_is_skipped_when_the_kept_file_is_not_what_it_was() {
    let clock = TestClock::night();
    let gateway = Gateway::start(setup(&clock));
    let home = home(&gateway, "skip");
    let first = run(&home, &clock);
    type Harm = fn(&FileRow);
    let warned = "COMPLETED_WITH_WARNINGS";
    let harms: [Harm; 5] = [
        |file| fs::remove_file(&file.path).expect("removed"),
        |file| {
            let mut bytes = fs::read(&file.path).expect("a file");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&file.path, bytes).expect("a flipped bit");
        },
        |file| fs::write(&file.path, b"").expect("emptied"),
        |file| {
            fs::remove_file(&file.path).expect("removed");
            fs::create_dir(&file.path).expect("a folder");
        },
        |file| {
            let aside = file.path.with_extension("aside");
            fs::rename(&file.path, &aside).expect("moved");
            std::os::unix::fs::symlink(&aside, &file.path).expect("a link");
        },
    ];
    let mut kept = first.clone();
    for (index, harm) in harms.into_iter().enumerate() {
        harm(&kept);
        let again = run_ends(&home, &clock, warned);
        let notes = home.history().task_details(again.task).expect("the task").notes;
        let says = |words: &str| {
            let mut told = notes.iter().map(|note| &note.message);
            told.any(|message| message.contains(words) && message.contains("dpbackup verify --all"))
        };
        assert!(
            says("was stored anew, though nothing has changed since task 1"),
            "{notes:?}"
        );
        assert_eq!(says("is not as it was stored any more"), index > 0, "{notes:?}");
        assert_eq!((again.unchanged_since, again.kept), (Some(first.task), true));
        assert!(again.path.is_file(), "stored again");
        kept = again;
        let skipped = run(&home, &clock);
        assert_eq!((skipped.unchanged_since, skipped.kept), (Some(first.task), false));
    }
    // The same when history says that it was removed.
    let mut history = home.history();
    let files = history.files(kept.task).expect("files");
    history
        .mark_pruned(dpbackup::clock::Clock::now(&clock), &[files[0].id])
        .expect("marked");
    drop(history);
    assert!(run_ends(&home, &clock, warned).kept);
}

#[test]
fn nothing_is_skipped_when_the_kept_file_cannot_be_read_and_it_is_not_called_another() {
    let clock = TestClock::night();
    let gateway = Gateway::start(setup(&clock));
    let home = home(&gateway, "skip");
    let first = run(&home, &clock);
    fs::set_permissions(&first.path, fs::Permissions::from_mode(0o000)).expect("its mode");
    let mut command = heeding_modes(&home.command(&["run", "P"]));
    let _ = Ran::of(command.output().expect("it starts")).exits(3);
    let task = dpbackup::run::event::TaskId(first.task.0 + 1);
    let history = home.history();
    let notes = history.task_details(task).expect("the task").notes;
    let says = |words: &str| notes.iter().any(|note| note.message.contains(words));
    assert!(says("could not be read ("), "{notes:?}");
    assert!(
        says("): whether it is as it was stored is not known"),
        "{notes:?}"
    );
    assert!(!says("is not as it was stored any more"), "{notes:?}");
    assert!(history.files(task).expect("files")[0].kept, "stored again");
}
