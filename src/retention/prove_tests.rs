//! Backups of one domain in a store, day by day, and what becomes of them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::*;
use crate::run::event::FileProof;
use crate::values::hex::hex;
use crate::values::retention::Retention;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// A store, and the backups that history has of it: the first one is of task 1, and ended on the first day.
struct Scene {
    store: TempDir,
    target: Target,
}

impl Scene {
    /// So many exports, one a day and the last one today, of which the newest few are kept.
    fn exports(count: i64, keep_last: u32) -> Self {
        let store = TempDir::new().expect("a folder");
        let backups = (1..=count).map(|task| {
            let bytes = format!("bytes {task}");
            let path = store.path().join(format!("{task}.zip"));
            fs::write(&path, &bytes).expect("written");
            let ago = DAY * u32::try_from(count - task).expect("few");
            StoredBackup {
                task: TaskId(task),
                end: Some(now() - ago),
                files: vec![row(task, path, &bytes, FileKind::Persisted)],
                is_asked_for: true,
                is_elsewhere: false,
                succeeded: true,
                rules: Ok(Rules {
                    plan: None,
                    retention: Retention {
                        keep_last: Some(keep_last),
                        ..Retention::default()
                    },
                }),
                kept: true,
                found: FileFound::Same,
                compared: Vec::new(),
                decision: Decision::Keep(Vec::new()),
            }
        });
        let target = Target {
            backups: backups.collect(),
        };
        Self { store, target }
    }

    fn backup(&mut self, task: i64) -> &mut StoredBackup {
        let found = self
            .target
            .backups
            .iter_mut()
            .find(|backup| backup.task == TaskId(task));
        found.expect("it is there")
    }

    fn path(&self, task: i64) -> PathBuf {
        self.store.path().join(format!("{task}.zip"))
    }

    /// It found nothing changed since that of another task, and left no file.
    fn unchanged_since(&mut self, task: i64, other: i64) {
        fs::remove_file(self.path(task)).expect("removed");
        for task in [task, other] {
            self.backup(task).files[0].content = Some("the same".to_owned());
        }
        let backup = self.backup(task);
        backup.kept = false;
        backup.files[0].kept = false;
    }

    fn decide(&mut self) -> Vec<Fate> {
        let store = self.store.path().to_owned();
        self.target.decide(&store, now(), &TimeZone::UTC);
        self.target.backups.iter().map(|backup| backup.fate().0).collect()
    }
}

impl StoredBackup {
    fn is_proved(&self) -> bool {
        !self.compared.is_empty()
    }
}

/// A plain file that can be opened, has a size, and cannot be read: where the memory of a process begins, nothing is.
fn unreadable(task: i64, kind: FileKind) -> FileRow {
    let path = format!("/proc/{}/mem", std::process::id());
    row(task, PathBuf::from(path), "", kind)
}

fn row(task: i64, path: PathBuf, bytes: &str, kind: FileKind) -> FileRow {
    FileRow {
        id: FileId(task),
        task: TaskId(task),
        device_name: "QA1".to_owned(),
        domain_name: "DOM1".to_owned(),
        name: "a.zip".to_owned(),
        kind,
        size: bytes.len() as u64,
        sha256: hex(&Sha256::digest(bytes)),
        unchanged_since: None,
        path,
        kept: true,
        entries: None,
        objects: None,
        content: None,
        proof: FileProof::Whole,
        lacks: None,
        changes: None,
        time: now(),
        removal_time: None,
        pruned_time: None,
        damage: None,
        damage_time: None,
    }
}

#[test]
fn what_others_go_for_is_compared_byte_by_byte_and_does_not_count_where_it_is_something_else() {
    use Fate::{Delete, Keep, Lost};

    let mut scene = Scene::exports(4, 1);
    assert_eq!(scene.decide(), [Delete, Delete, Delete, Keep]);
    assert!(scene.target.backups.iter().all(StoredBackup::is_proved));
    let damage = |scene: &mut Scene, task| scene.backup(task).found_damage();
    assert_eq!(damage(&mut scene, 4), [], "as history has it");

    // As large as it was.
    let mut scene = Scene::exports(4, 1);
    fs::write(scene.path(4), "BYTES 4").expect("changed");
    assert_eq!(scene.decide(), [Delete, Delete, Keep, Lost]);
    let told = (FileId(4), Some("4.zip: other bytes".to_owned()));
    assert_eq!(damage(&mut scene, 4), [told]);
    scene.backup(4).files[0].damage = Some("it was so before".to_owned());
    assert_eq!(damage(&mut scene, 4), [], "as history has it");
    scene.backup(3).files[0].damage = Some("it was so before".to_owned());
    assert_eq!(damage(&mut scene, 3), [(FileId(3), None)], "it is good again");

    // What stays for a rule alone is read by nobody, whatever it holds.
    let mut scene = Scene::exports(5, 3);
    scene.backup(4).files[0].content = Some("its own".to_owned());
    assert_eq!(scene.decide(), [Delete, Delete, Keep, Keep, Keep]);
    let proved: Vec<bool> = scene.target.backups.iter().map(StoredBackup::is_proved).collect();
    assert_eq!(proved, [true, true, false, false, true]);

    // Where nothing goes, nothing is read.
    let mut scene = Scene::exports(2, 2);
    fs::write(scene.path(2), "BYTES 2").expect("changed");
    assert_eq!(scene.decide(), [Keep, Keep]);
    assert!(scene.target.backups.iter().all(|backup| !backup.is_proved()));
    scene.backup(2).files[0].damage = Some("it was so before".to_owned());
    assert_eq!(damage(&mut scene, 2), [], "nobody has looked");
}

#[test]
fn a_file_that_holds_what_a_backup_without_one_found_is_compared_too() {
    use Fate::{Delete, Keep, Lost};

    let mut scene = Scene::exports(4, 1);
    scene.unchanged_since(4, 2);
    // The newest one has no file: the one with what it found stays, and the newest with a file.
    assert_eq!(scene.decide(), [Delete, Keep, Keep, Keep]);
    let proved: Vec<bool> = scene.target.backups.iter().map(StoredBackup::is_proved).collect();
    assert_eq!(proved, [true, true, true, false]);
    assert_eq!(scene.backup(4).path(), None);
    assert_eq!(scene.backup(4).size(), 0);
    // One that stays for itself alone, and holds what nobody needs, is not.
    let mut scene = Scene::exports(5, 3);
    scene.unchanged_since(5, 2);
    assert_eq!(scene.decide(), [Delete, Keep, Keep, Keep, Keep]);
    assert!(scene.backup(2).is_proved() && !scene.backup(3).is_proved());
    let mut scene = Scene::exports(4, 1);
    scene.unchanged_since(4, 2);
    fs::write(scene.path(2), "BYTES 2").expect("changed");
    assert_eq!(scene.decide(), [Delete, Lost, Keep, Keep]);
    assert_eq!(
        scene.backup(4).fate().1,
        ["no file holds what it found unchanged"],
        "it is said, and what held it is missed"
    );
}

#[test]
fn a_backup_whose_content_no_file_has_any_more_goes_where_no_rule_would_keep_it() {
    use Fate::{Delete, Keep};

    let alone = |keep_last| {
        let mut scene = Scene::exports(4, keep_last);
        scene.unchanged_since(2, 1);
        fs::remove_file(scene.path(1)).expect("removed");
        scene.target.backups.remove(0);
        scene
    };
    let mut scene = alone(2);
    assert_eq!(scene.decide(), [Delete, Keep, Keep]);
    assert_eq!(scene.backup(2).fate().1, ["none of keep_last = 2 keeps it"]);
    let store = scene.store.path().to_owned();
    assert_eq!(scene.backup(2).remove(&store), Ok(()));
    let mut scene = alone(2);
    scene.backup(2).is_asked_for = false;
    assert_eq!(scene.decide(), [Keep; 3]);
    let mut scene = alone(2);
    scene.backup(2).rules = Err(Unruled::BeforeImport);
    assert_eq!(
        scene.decide(),
        [Keep; 3],
        "it is the way back, once its file is put back"
    );
    let mut scene = alone(3);
    assert_eq!(scene.decide(), [Keep; 3]);
    assert_eq!(
        scene.backup(2).fate().1,
        ["no file holds what it found unchanged"]
    );
}

#[test]
fn what_was_not_asked_for_stays_with_its_content() {
    use Fate::{Delete, Keep};

    let mut scene = Scene::exports(4, 1);
    scene.unchanged_since(3, 1);
    assert_eq!(scene.decide(), [Delete, Delete, Delete, Keep]);
    scene.backup(3).is_asked_for = false;
    assert_eq!(scene.decide(), [Keep, Delete, Keep, Keep]);
    assert!(scene.backup(1).is_proved(), "it is what stays of that");
    assert_eq!(
        scene.backup(1).fate().1,
        ["task 3 found nothing changed and left no file of its own"]
    );
    assert_eq!(
        scene.backup(3).fate().1,
        ["it is of a plan that was not asked for"]
    );
}

#[test]
fn one_that_is_gone_is_let_go_where_no_rule_would_keep_it_and_missed_where_one_would() {
    use Fate::{Delete, Keep, Lost};

    let mut scene = Scene::exports(3, 2);
    fs::remove_file(scene.path(1)).expect("removed");
    fs::remove_file(scene.path(2)).expect("removed");
    assert_eq!(scene.decide(), [Delete, Lost, Keep]);
    let (gone, missed) = (&scene.target.backups[0], &scene.target.backups[1]);
    assert_eq!(gone.fate().1, ["no rule keeps it, and it is gone already"]);
    assert_eq!(missed.fate().1, ["it is not there"]);
    assert_eq!((gone.size(), scene.target.backups[2].size()), (0, 7));
    assert_eq!(gone.remove(scene.store.path()), Ok(()));

    // It takes no place of another: the newest that stands is good.
    let mut scene = Scene::exports(3, 1);
    fs::remove_file(scene.path(3)).expect("removed");
    assert_eq!(scene.decide(), [Delete, Keep, Lost]);
    // Nor is one that stands, and is of the future, out of the count.
    let mut scene = Scene::exports(3, 2);
    scene.backup(3).end = Some(now() + DAY);
    fs::remove_file(scene.path(1)).expect("removed");
    assert_eq!(scene.decide(), [Delete, Keep, Keep]);
    // One of just now is not of the future.
    let mut scene = Scene::exports(2, 2);
    scene.backup(1).end = Some(now());
    fs::remove_file(scene.path(1)).expect("removed");
    assert_eq!(scene.decide(), [Lost, Keep]);

    // Of the future, or to be removed by hand alone: whoever took it away meant it.
    let ends = [now() + DAY, now()];
    let unruled = [Unruled::BeforeImport, Unruled::NothingSetForRestores];
    for (end, rules) in ends
        .iter()
        .zip([None, Some(&unruled[0])])
        .chain([(&ends[1], Some(&unruled[1]))])
    {
        let mut scene = Scene::exports(3, 3);
        let backup = scene.backup(1);
        backup.end = Some(*end);
        if let Some(why) = rules {
            backup.rules = Err(why.clone());
        }
        let future = rules.is_none().then_some(*end);
        assert_eq!(scene.decide(), [Keep, Keep, Keep]);
        assert_eq!(scene.backup(1).future_end(), future);
        fs::remove_file(scene.path(1)).expect("removed");
        assert_eq!(scene.decide(), [Delete, Keep, Keep], "{rules:?}");
        assert_eq!(scene.backup(1).future_end(), None);
    }
    for why in [Unruled::NothingSet, Unruled::PlanIsGone("P".to_owned())] {
        let mut scene = Scene::exports(3, 3);
        scene.backup(1).rules = Err(why.clone());
        assert_eq!(scene.decide(), [Keep, Keep, Keep]);
        assert_eq!(scene.backup(1).fate().1, [why.to_string()]);
        fs::remove_file(scene.path(1)).expect("removed");
        assert_eq!(scene.decide(), [Lost, Keep, Keep]);
    }
}

#[test]
fn one_that_was_changed_is_left_where_no_rule_would_keep_it_and_missed_where_one_would() {
    use Fate::{Keep, Left, Lost};

    let mut scene = Scene::exports(3, 2);
    for task in [1, 2] {
        fs::write(scene.path(task), "longer than it was").expect("changed");
    }
    assert_eq!(scene.decide(), [Left, Lost, Keep]);
    let left = &scene.target.backups[0];
    let why = "no rule keeps it, but it was changed: 1.zip: 18 bytes, not 7";
    assert_eq!(left.fate().1, [why]);
    assert!(left.remove(scene.store.path()).is_err());
    assert!(scene.path(1).exists());
    let missed = scene.backup(2).fate();
    assert_eq!(missed.1, ["it was changed: 2.zip: 18 bytes, not 7"]);
    assert_eq!([Left, Lost, Keep].map(Fate::is_trouble), [true, true, false]);
}

#[test]
fn what_could_not_be_read_is_not_noted_as_damaged_and_lets_nothing_go() {
    use Fate::{Delete, Keep, Left, Unread};

    // Of all files of this machine one is found that cannot be read.
    let decide = |scene: &mut Scene| -> Vec<Fate> {
        scene.target.decide(Path::new("/"), now(), &TimeZone::UTC);
        scene
            .target
            .backups
            .iter()
            .map(|backup| backup.fate().0)
            .collect()
    };
    let why = |scene: &mut Scene, task| scene.backup(task).fate().1.join("; ");
    let mut scene = Scene::exports(4, 1);
    scene.backup(4).files = vec![unreadable(4, FileKind::Persisted)];
    assert_eq!(decide(&mut scene), [Delete, Delete, Keep, Unread]);
    assert!(scene.backup(4).is_proved(), "it was opened, and has its size");
    assert_eq!(scene.backup(4).found_damage(), []);
    let told = why(&mut scene, 4);
    assert!(told.starts_with("it could not be read: read /proc/"), "{told}");
    // What was found before is not taken back either.
    scene.backup(4).files[0].damage = Some("it was so before".to_owned());
    assert_eq!(scene.backup(4).found_damage(), []);

    // Nobody misses it where no rule would keep it, and it is left.
    let mut scene = Scene::exports(4, 1);
    scene.backup(2).files = vec![unreadable(2, FileKind::Persisted)];
    assert_eq!(decide(&mut scene), [Delete, Left, Delete, Keep]);
    assert_eq!(scene.backup(2).found_damage(), []);
    let told = why(&mut scene, 2);
    assert!(
        told.starts_with("no rule keeps it, but it could not be read: "),
        "{told}"
    );
    let left = scene.backup(2).remove(Path::new("/"));
    assert!(left.is_err_and(|why| why.starts_with("it could not be read: ")));

    // What it may hold is not said to be nowhere.
    let mut scene = Scene::exports(4, 1);
    scene.unchanged_since(4, 2);
    let content = scene.backup(2).files[0].content.clone();
    scene.backup(2).files = vec![unreadable(2, FileKind::Persisted)];
    scene.backup(2).files[0].content = content;
    assert_eq!(decide(&mut scene), [Delete, Unread, Keep, Keep]);
    assert_eq!(
        why(&mut scene, 4),
        "the file that holds what it found unchanged could not be read"
    );
}

#[test]
fn of_the_files_of_a_secure_backup_only_that_is_noted_as_damaged_which_was_read_and_is_something_else() {
    let mut scene = Scene::exports(2, 1);
    let folder = scene.store.path().join("2026-11-20-12-00-00-000");
    fs::create_dir(&folder).expect("a folder");
    let files = (20..)
        .zip(["a.tgz", "b.tgz", "c.tgz", "d.tgz"])
        .map(|(id, name)| {
            fs::write(folder.join(name), name).expect("written");
            let mut file = row(2, folder.join(name), name, FileKind::SecureBackup);
            file.id = FileId(id);
            file.damage = (id == 20).then(|| "it was so before".to_owned());
            file
        });
    let mut files: Vec<FileRow> = files.collect();
    fs::write(folder.join("c.tgz"), "C.TGZ").expect("changed");
    files[1] = FileRow {
        id: FileId(21),
        ..unreadable(2, FileKind::SecureBackup)
    };
    scene.backup(2).files = files;
    scene.target.decide(Path::new("/"), now(), &TimeZone::UTC);
    let damage = scene.backup(2).found_damage();
    let told = (FileId(22), Some("c.tgz: other bytes".to_owned()));
    assert_eq!(damage, [(FileId(20), None), told]);
    assert_eq!(
        scene.backup(2).fate().0,
        Fate::Lost,
        "a part of it is known to be something else"
    );
    // What is left of it says nothing of what is gone.
    fs::write(folder.join("c.tgz"), "c.tgz").expect("as it was");
    scene.backup(2).files.remove(1);
    scene.backup(2).compare(Path::new("/"));
    fs::remove_file(folder.join("d.tgz")).expect("removed");
    scene.backup(2).files[2].damage = Some("it was so before".to_owned());
    scene.backup(2).compare(Path::new("/"));
    assert_eq!(scene.backup(2).fate().0, Fate::Lost);
    assert_eq!(scene.backup(2).found_damage(), [(FileId(20), None)]);
}

#[test]
fn one_of_a_former_store_is_left_alone() {
    let mut scene = Scene::exports(3, 1);
    let elsewhere = TempDir::new().expect("a folder");
    let path = elsewhere.path().join("1.zip");
    fs::rename(scene.path(1), &path).expect("moved");
    scene.backup(1).files[0].path.clone_from(&path);
    assert_eq!(scene.decide(), [Fate::Keep, Fate::Delete, Fate::Keep]);
    let why = "it is not in the store of the plan file, and is left alone";
    assert_eq!(scene.backup(1).fate().1, [why]);
    assert!(path.exists());
}

#[test]
fn the_files_of_a_secure_backup_are_one_backup_and_go_with_their_folder() {
    let mut scene = Scene::exports(2, 1);
    let folder = scene.store.path().join("2026-11-19-12-00-00-000");
    fs::create_dir(&folder).expect("a folder");
    let mut files = Vec::new();
    for (id, name) in [(10, "backup.xml"), (11, "a.tgz")] {
        fs::write(folder.join(name), name).expect("written");
        let mut file = row(1, folder.join(name), name, FileKind::SecureBackup);
        file.id = FileId(id);
        files.push(file);
    }
    fs::remove_file(scene.path(1)).expect("removed");
    let backup = scene.backup(1);
    backup.files = files;
    assert_eq!(scene.decide(), [Fate::Delete, Fate::Keep]);
    let backup = scene.backup(1);
    assert_eq!(backup.path(), Some(folder.as_path()));
    assert_eq!(backup.size(), 15);
    assert_eq!(backup.of(), ("QA1", "DOM1", FileKind::SecureBackup));
    assert_eq!(backup.file_ids(), [FileId(10), FileId(11)]);
    assert!(!backup.is_announced());
    backup.files[1].removal_time = Some(now());
    assert!(backup.is_announced());
    assert_eq!(backup.fate().1, ["none of keep_last = 1 keeps it"]);
    // A part of it is gone: so may the rest.
    fs::remove_file(folder.join("a.tgz")).expect("removed");
    assert_eq!(scene.decide(), [Fate::Delete, Fate::Keep]);
    let why = "no rule keeps it, and a part of it is gone already";
    assert_eq!(scene.backup(1).fate().1, [why]);
    let store = scene.store.path().to_owned();
    assert_eq!(scene.backup(1).remove(&store), Ok(()));
    assert!(!folder.exists());
    scene.backup(1).rules = Err(Unruled::NothingSet);
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("a.tgz"), "a.tgz").expect("written");
    assert_eq!(scene.decide(), [Fate::Lost, Fate::Keep]);
    assert_eq!(scene.backup(1).fate().1, ["a part of it is missing"]);
}

#[test]
fn files_are_sorted_into_targets_and_backups() {
    use crate::plan::{Readers, check_text};

    let text = "[settings]\nstore = \"/store\"\nhistory = \"/h.db\"\n";
    let checked = check_text(text, Path::new("/plans.toml"), Readers::OwnerOnly, &|_| None);
    let plans = checked.expect("valid").plan_file;
    let file = |task, domain: &str, kind, status| {
        let mut file = row(task, PathBuf::from("/store/a.zip"), "a", kind);
        file.domain_name = domain.to_owned();
        file.kept = task != 4;
        PrunableFile {
            file,
            plan: "P".to_owned(),
            task_end: Some(now()),
            task_status: status,
            is_before_import: false,
        }
    };
    let sorted = targets(
        vec![
            file(2, "DOM1", FileKind::SecureBackup, Status::Success),
            file(2, "DOM1", FileKind::SecureBackup, Status::Success),
            file(3, "DOM1", FileKind::Persisted, Status::Failed),
            file(1, "DOM1", FileKind::Persisted, Status::Success),
            file(4, "DOM2", FileKind::Persisted, Status::Success),
        ],
        &plans,
        &[],
    );
    let shown: Vec<Vec<(i64, usize, bool, bool)>> = sorted
        .iter()
        .map(|target| {
            let backups = target.backups.iter();
            let shown =
                backups.map(|backup| (backup.task.0, backup.files.len(), backup.kept, backup.succeeded));
            shown.collect()
        })
        .collect();
    assert_eq!(
        shown,
        [
            vec![(1, 1, true, true), (3, 1, true, false)],
            vec![(2, 2, true, true)],
            vec![(4, 1, false, true)],
        ]
    );
    let gone = &sorted[0].backups[0];
    assert_eq!(gone.rules, Err(Unruled::PlanIsGone("P".to_owned())));
}
