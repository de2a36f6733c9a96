//! What changed from one export to the next: recorded with its properties, without its secrets,
//! and never at the cost of a backup.

use std::fs;
use std::time::Duration;

use dpbackup::clock::Clock;
use dpbackup::history::{ChangeFilter, ChangeRow, TaskDetails};
use dpbackup::run::event::FileKind;
use dpbackup::values::change::{Change, ConfigPiece};

use crate::simulator::{Domain, Firmware, Gateway, Setup};
use crate::support::{Home, TestClock, export, notes_of};

const EXPORT: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"DOM1\"\n";

/// A gateway with a domain, its backups, and a clock.
struct Scene {
    clock: TestClock,
    gateway: Gateway,
    home: Home,
}

impl Scene {
    fn new() -> Self {
        Self::with(EXPORT, "store")
    }

    fn with(plan: &str, on_unchanged: &str) -> Self {
        let clock = TestClock::at("2026-11-22T01:00:00Z");
        let gateway = Gateway::start(Setup {
            domains: vec![Domain::new("DOM1")],
            clock: clock.for_gateway(),
            ..Setup::default()
        });
        let home = Home::new()
            .setting(&format!("on_unchanged = \"{on_unchanged}\""))
            .device_at("QA1", gateway.port(), "{ verify = false }")
            .plan("P", plan);
        Self { clock, gateway, home }
    }

    /// Changes a property, and saves it or not.
    fn set(&self, tag: &str, value: &str, saved: bool) {
        let mut state = self.gateway.state();
        state.set_property("DOM1", "HTTPUserAgent", "default", tag, value);
        if saved {
            state.set_unsaved("DOM1", false);
        }
    }

    /// Runs the plan an hour later: the changes that its one task recorded.
    #[track_caller]
    fn run(&self) -> Vec<ChangeRow> {
        self.run_ending("SUCCESS")
    }

    /// The same, where the plan ends so.
    #[track_caller]
    fn run_ending(&self, status: &str) -> Vec<ChangeRow> {
        self.clock.pass(Duration::from_secs(3600));
        let run = self.home.run("P", &self.clock);
        assert_eq!(run.status(), status, "{:?}", run.errors());
        let task = self.last().task.id;
        let every = ChangeFilter {
            limit: u32::MAX,
            ..ChangeFilter::default()
        };
        let mut changes = self.home.history().changes(&every).expect("changes");
        changes.retain(|change| change.task == task);
        changes.reverse();
        changes
    }

    fn last(&self) -> TaskDetails {
        let history = self.home.history();
        let plan = history.plans(&Default::default()).expect("plans")[0].id;
        let task = history.tasks_of_plan(plan).expect("tasks")[0].id;
        history.task_details(task).expect("the task")
    }

    #[track_caller]
    fn changes(&self, kind: FileKind) -> Option<u64> {
        let details = self.last();
        let file = details.files.iter().find(|file| file.kind == kind);
        file.expect("a file").changes
    }
}

fn all() -> ChangeFilter {
    ChangeFilter {
        limit: 40,
        ..ChangeFilter::default()
    }
}

fn told(changes: &[ChangeRow]) -> Vec<String> {
    changes.iter().map(|row| row.change.to_string()).collect()
}

#[test]
fn the_first_backup_is_no_change_and_the_next_has_its_properties_and_files() {
    let scene = Scene::new();
    assert_eq!(scene.run(), []);
    assert_eq!(
        scene.changes(FileKind::Persisted),
        None,
        "nothing to compare with"
    );
    assert_eq!(scene.run(), []);
    assert_eq!(scene.changes(FileKind::Persisted), Some(0));
    scene.set("Timeout", "60", true);
    {
        let mut state = scene.gateway.state();
        state.put_file("DOM1", "local:///readme.txt", b"other".to_vec());
        state.put_file("DOM1", "local:///new.txt", b"new".to_vec());
    }
    let changes = scene.run();
    assert_eq!(
        told(&changes),
        [
            "Changed HTTPUserAgent default (Timeout: 300 → 60)",
            "Added local:///new.txt",
            "Changed local:///readme.txt",
        ]
    );
    assert_eq!(scene.changes(FileKind::Persisted), Some(3));
    let row = &changes[0];
    assert_eq!(
        (row.device_name.as_str(), row.change.domain.as_str(), row.kind),
        ("QA1", "DOM1", FileKind::Persisted)
    );
    assert_eq!(row.task, scene.last().task.id);
}

#[test]
fn another_firmware_another_day_and_another_serial_number_are_no_change() {
    let scene = Scene::new();
    scene.run();
    scene.gateway.state().setup.firmware = Firmware {
        version: "IDG.10.5.0.9".to_owned(),
        build: "999999".to_owned(),
        serial: "78B0002".to_owned(),
        ..Firmware::v10()
    };
    assert_eq!(scene.run(), []);
    assert_eq!(scene.changes(FileKind::Persisted), Some(0));
}

#[test]
fn a_secret_is_not_in_the_history_file_and_that_it_changed_is() {
    let scene = Scene::new();
    scene.set("Password", "tiger-in-a-box", true);
    scene.run();
    scene.set("Password", "lion-in-a-box", true);
    let changes = scene.run();
    assert_eq!(
        told(&changes),
        ["Changed HTTPUserAgent default (Password: (secret changed))"]
    );
    scene.set("Password", "bear-in-a-box", false);
    scene.run();
    for file in fs::read_dir(scene.home.path("state")).expect("a folder") {
        let path = file.expect("an entry").path();
        let bytes = if path.is_file() {
            fs::read(&path).expect("a file")
        } else {
            Vec::new()
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("in-a-box"), "{}", path.display());
    }
}

#[test]
fn what_is_not_saved_is_named_and_each_kind_has_its_own_export_before() {
    let scene = Scene::new();
    assert_eq!(scene.run(), []);
    scene.set("Timeout", "60", false);
    assert_eq!(scene.run(), [], "the first export of what runs is no change");
    let details = scene.last();
    let note = "1 change is not saved: Changed HTTPUserAgent default (Timeout: 300 → 60)";
    assert!(
        notes_of(&details).iter().any(|told| told.contains(note)),
        "{details:?}"
    );
    assert_eq!(details.task.unsaved_objects, Some(1));
    let unsaved = scene
        .home
        .history()
        .unsaved_of_task(details.task.id)
        .expect("an answer");
    let unsaved = unsaved.expect("it is known");
    assert_eq!((unsaved.count, unsaved.first[0].change), (1, Change::Changed));

    scene.set("Timeout", "90", false);
    let changes = scene.run();
    assert_eq!(
        told(&changes),
        ["Changed HTTPUserAgent default (Timeout: 60 → 90)"]
    );
    assert_eq!(changes[0].kind, FileKind::NonPersisted);
    scene.set("Timeout", "90", true);
    let changes = scene.run();
    assert_eq!(
        told(&changes),
        ["Changed HTTPUserAgent default (Timeout: 300 → 90)"]
    );
    assert_eq!(changes[0].kind, FileKind::Persisted);
    assert_eq!(scene.last().task.unsaved_objects, Some(0));
}

#[test]
fn an_export_that_was_not_kept_is_compared_by_the_one_that_says_the_same() {
    let scene = Scene::with(EXPORT, "skip");
    scene.run();
    scene.run();
    assert_eq!(scene.home.stored().len(), 1);
    scene.set("Timeout", "60", true);
    assert_eq!(
        told(&scene.run()),
        ["Changed HTTPUserAgent default (Timeout: 300 → 60)"]
    );
}

#[test]
fn an_export_before_that_is_gone_or_damaged_leaves_the_changes_not_known() {
    for harm in ["gone", "damaged", "another"] {
        let scene = Scene::new();
        scene.run();
        let first = scene.home.store().join(&scene.home.stored()[0]);
        match harm {
            "gone" => fs::remove_file(&first).expect("removed"),
            "damaged" => {
                let mut bytes = fs::read(&first).expect("a file");
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(&first, bytes).expect("a flipped bit");
            }
            _ => fs::write(&first, b"something else").expect("written"),
        }
        scene.set("Timeout", "60", true);
        assert_eq!(scene.run_ending("COMPLETED_WITH_WARNINGS"), [], "{harm}");
        assert_eq!(
            scene.changes(FileKind::Persisted),
            None,
            "{harm}: never that nothing changed"
        );
        let notes = notes_of(&scene.last());
        let told = notes
            .iter()
            .any(|note| note.contains("what changed since task 1 is not known: "));
        assert!(told, "{harm}: {notes:?}");
        // The next one is compared with the one that is there.
        scene.set("Timeout", "30", true);
        assert_eq!(
            told_after(&scene),
            ["Changed HTTPUserAgent default (Timeout: 60 → 30)"]
        );
    }
}

#[test]
fn an_export_before_that_was_pruned_is_no_loss() {
    let scene = Scene::new();
    scene.run();
    let mut history = scene.home.history();
    let files = history.files(dpbackup::run::event::TaskId(1)).expect("files");
    let ids: Vec<_> = files.iter().map(|file| file.id).collect();
    history.mark_pruned(scene.clock.now(), &ids).expect("marked");
    drop(history);
    scene.set("Timeout", "60", true);
    assert_eq!(scene.run(), []);
    let notes = notes_of(&scene.last());
    let told = "what changed since task 1 is not known: the export of then is not in the store any more";
    assert!(notes.iter().any(|note| note.contains(told)), "{notes:?}");
}

fn told_after(scene: &Scene) -> Vec<String> {
    told(&scene.run())
}

#[test]
fn in_an_export_of_all_domains_each_change_has_its_domain() {
    let scene = Scene::with(&export("QA1", "all-domains", ""), "store");
    scene.run();
    scene.set("Timeout", "60", true);
    scene.gateway.state().add_domain(Domain::new("DOM2"));
    let changes = scene.run();
    let places: Vec<(String, ConfigPiece)> = changes
        .iter()
        .map(|row| (row.change.domain.clone(), row.change.piece.clone()))
        .collect();
    let object = |class: &str, name: &str| ConfigPiece::Object {
        class: class.to_owned(),
        name: name.to_owned(),
    };
    assert!(
        places.contains(&("DOM1".to_owned(), object("HTTPUserAgent", "default"))),
        "{places:?}"
    );
    assert!(
        places.contains(&("DOM2".to_owned(), ConfigPiece::Domain)),
        "{places:?}"
    );
    assert!(
        places.contains(&("default".to_owned(), object("Domain", "DOM2"))),
        "{places:?}"
    );
    assert!(places.iter().all(|(domain, _)| !domain.is_empty()), "{places:?}");
}

#[test]
fn changes_stay_when_the_exports_are_pruned() {
    let scene = Scene::new();
    scene.run();
    scene.set("Timeout", "60", true);
    let before = scene.run();
    assert_eq!(before.len(), 1);
    scene.run();
    let mut history = scene.home.history();
    for task in 1..=2 {
        let files = history.files(dpbackup::run::event::TaskId(task)).expect("files");
        let ids: Vec<_> = files.iter().map(|file| file.id).collect();
        history.mark_pruned(scene.clock.now(), &ids).expect("marked");
    }
    assert_eq!(history.changes(&all()).expect("changes"), before);
}
