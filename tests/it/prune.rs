//! `prune`: what goes, what stays, and what is never touched.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use dpbackup::clock::{Clock as _, SystemClock};
use dpbackup::history::{History, Writing};
use dpbackup::lock::{Asked, Locks};
use dpbackup::run::event::TaskId;
use serde_json::Value;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::users::heeding_modes;
use crate::support::{Home, Ran, TestClock, names, until};

const EXPORT: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"DOM1\"\n";
const SECURE: &str =
    "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"QA1\"\ncertificate = \"backup-cert\"\n";

struct Scene {
    clock: TestClock,
    gateway: Gateway,
    home: Home,
}

fn scene(settings: &str, plan: &str) -> Scene {
    let clock = TestClock::at("2026-11-01T01:00:00Z");
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1")],
        clock: clock.for_gateway(),
        ..Setup::default()
    });
    let home = Home::new()
        .setting(settings)
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .plan("P", plan);
    Scene { clock, gateway, home }
}

impl Scene {
    /// Runs the plan once a day.
    fn days(&self, days: u32) {
        for _ in 0..days {
            let run = self.home.run("P", &self.clock);
            assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
            self.clock.pass(Duration::from_secs(24 * 3600));
        }
    }

    /// The same, with something changed on the gateway before each run.
    fn changing_days(&self, days: u32) {
        for _ in 0..days {
            let text = self.clock.now().to_string().into_bytes();
            self.gateway.state().put_file("DOM1", "local:///readme.txt", text);
            self.days(1);
        }
    }

    fn exports(&self) -> Vec<PathBuf> {
        let stored = self.home.stored().into_iter();
        let exports = stored.filter(|path| path.ends_with(".zip"));
        exports.map(|path| self.home.store().join(path)).collect()
    }

    /// The fates of all backups, oldest first.
    #[track_caller]
    fn fates(&self, arguments: &[&str], code: i32) -> Vec<String> {
        let arguments = [&["prune", "--format", "json"], arguments].concat();
        let ran = self.home.dpbackup(&arguments).exits(code);
        let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let backups = document["backups"].as_array().expect("backups");
        backups
            .iter()
            .map(|one| one["fate"].as_str().expect("a fate").to_owned())
            .collect()
    }
}

#[test]
fn without_a_retention_nothing_goes() {
    let scene = scene("", EXPORT);
    scene.days(3);
    let ran = scene.home.dpbackup(&["prune"]).exits(0);
    assert!(ran.stdout.starts_with("3 kept"), "{}", ran.stdout);
    assert!(ran.stderr.contains("sets no retention"), "{}", ran.stderr);
    assert_eq!(scene.exports().len(), 3);
}

#[test]
fn before_the_first_run_there_is_nothing_to_prune() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    let ran = scene.home.dpbackup(&["prune"]).exits(0);
    assert!(ran.stdout.starts_with("nothing to prune"), "{}", ran.stdout);
    assert!(!scene.home.path("state").exists(), "no history was made for it");
}

#[test]
fn a_dry_run_says_why_and_removes_nothing_and_a_run_does_what_it_said() {
    let scene = scene("retention = { keep_last = 2, keep_weekly = 2 }", EXPORT);
    scene.days(5);
    let before = scene.exports();
    let said = scene.home.dpbackup(&["prune", "--dry-run"]).exits(0);
    assert_eq!(scene.exports(), before);
    assert!(
        said.stdout
            .contains("none of keep_last = 2, keep_weekly = 2 keeps it"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("keep_last, number 1"), "{}", said.stdout);
    assert!(said.stdout.contains("the newest good backup"), "{}", said.stdout);
    // 1 November 2026 is a Sunday, the last day of its week.
    let expected = ["KEEP", "DELETE", "DELETE", "KEEP", "KEEP"];
    assert_eq!(scene.fates(&["--dry-run"], 0), expected);
    let done = scene.home.dpbackup(&["prune"]).exits(0);
    assert_eq!(done.stdout.matches("DELETED  ").count(), 2, "{}", done.stdout);
    assert_eq!(scene.exports(), [&before[..1], &before[3..]].concat());
    // History keeps the rows and says when.
    // Nothing was looked at: no script that asks whether this backup is good takes that for a yes.
    for arguments in [
        ["verify", "--task", "2"].as_slice(),
        &["verify", "2", "-q"],
        &["verify", "--task", "2", "--task", "3", "-q"],
    ] {
        let files = scene.home.dpbackup(arguments).exits(3);
        assert!(
            files.stdout.starts_with("PRUNED"),
            "{arguments:?}: {}",
            files.stdout
        );
    }
    let mixed = scene
        .home
        .dpbackup(&["verify", "1", "2", "--format", "json"])
        .exits(3);
    let mixed: Value = serde_json::from_str(&mixed.stdout).expect("JSON");
    assert_eq!(mixed["good"], false, "{mixed}");
    let kept = scene.home.dpbackup(&["verify", "1", "--format", "json"]).exits(0);
    let kept: Value = serde_json::from_str(&kept.stdout).expect("JSON");
    assert_eq!(kept["good"], true, "{kept}");
    let _ = scene.home.dpbackup(&["verify", "--all"]).exits(0);
    assert_eq!(scene.fates(&[], 0), ["KEEP"; 3], "there is nothing more to do");
}

#[test]
fn a_plan_of_its_own_rules_is_not_under_those_of_the_settings() {
    let scene = scene(
        "retention = { keep_last = 1 }",
        &format!("retention = {{ keep_last = 3 }}\n{EXPORT}"),
    );
    scene.days(4);
    assert_eq!(scene.fates(&["--dry-run"], 0), ["DELETE", "KEEP", "KEEP", "KEEP"]);
    assert_eq!(scene.fates(&["--dry-run", "--plan", "P"], 0).len(), 4);
    let _ = scene.home.dpbackup(&["prune", "--plan", "Q"]).exits(2);
    // Its plan is gone from the plan file: nobody knows what it would keep.
    let home = scene.home.plan("Q", EXPORT);
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    let other = home.path("other.toml");
    fs::write(&other, text.replace("name = \"P\"", "name = \"R\"")).expect("written");
    let other = other.to_str().expect("a plain path");
    let ran = home.dpbackup(&["prune", "--dry-run", "--config", other]).exits(0);
    assert_eq!(
        ran.stdout.matches("plan P is not in the plan file").count(),
        4,
        "{}",
        ran.stdout
    );
    let hint =
        "4 kept of plans that are not in the plan file (P): a [[plan]] of that name with `enabled = false`";
    assert!(ran.stderr.contains(hint), "{}", ran.stderr);
}

#[test]
fn a_changed_file_is_left_and_reported() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(4);
    let files = scene.exports();
    let mut bytes = fs::read(&files[0]).expect("a file");
    bytes[100] ^= 1;
    fs::write(&files[0], bytes).expect("changed, with its size");
    fs::write(&files[1], b"short").expect("changed");
    // No rule would keep them: nobody misses them.
    assert_eq!(scene.fates(&[], 1), ["LEFT", "LEFT", "DELETED", "KEEP"]);
    assert!(files[0].exists() && files[1].exists() && !files[2].exists());
}

#[test]
fn what_was_left_in_a_former_store_is_left_alone_and_is_no_loss() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(3);
    let before = scene.home.stored();
    let text = fs::read_to_string(scene.home.plan_file()).expect("a plan file");
    let moved = text.replace("store = \"store\"", "store = \"elsewhere\"");
    assert_ne!(text, moved);
    fs::write(scene.home.path("moved.toml"), moved).expect("written");
    let dpbackup = |arguments: &[&str]| {
        let arguments = [&["-c", "moved.toml"], arguments].concat();
        scene.home.dpbackup(&arguments).exits(0).stdout
    };
    let _ = dpbackup(&["run", "P"]);
    let _ = dpbackup(&["run", "P"]);
    for (arguments, last) in [(&["--dry-run"][..], "DELETE"), (&[], "DELETED")] {
        let json = dpbackup(&[&["prune", "--format", "json"], arguments].concat());
        let document: Value = serde_json::from_str(&json).expect("JSON");
        let backups = document["backups"].as_array().expect("backups").clone();
        let fates: Vec<&str> = backups.iter().filter_map(|one| one["fate"].as_str()).collect();
        assert_eq!(fates, ["KEEP", "KEEP", "KEEP", last, "KEEP"]);
        let why = backups[0]["reasons"].to_string();
        assert!(why.contains("not in the store of the plan file"), "{why}");
    }
    assert_eq!(scene.home.stored(), before);
}

#[test]
fn a_link_and_a_file_that_history_does_not_know_are_never_touched() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(3);
    let files = scene.exports();
    let aside = scene.home.path("aside.zip");
    fs::rename(&files[0], &aside).expect("moved");
    std::os::unix::fs::symlink(&aside, &files[0]).expect("a link");
    let strange = files[1].with_file_name("DOM1-export-2020-01-01-00-00-00-000-persisted.zip");
    fs::copy(&files[1], &strange).expect("copied");
    let _ = scene.home.dpbackup(&["prune"]).exits(1);
    assert!(aside.exists() && files[0].is_symlink() && strange.exists());
    assert!(!files[1].exists() && files[2].exists());
}

#[test]
fn the_last_good_backup_stays_when_newer_ones_are_not_what_they_were() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(4);
    let files = scene.exports();
    let mut bytes = fs::read(&files[3]).expect("a file");
    bytes[100] ^= 1;
    fs::write(&files[3], bytes).expect("changed, with its size");
    fs::remove_file(&files[2]).expect("removed");
    let fates = scene.fates(&[], 1);
    assert_eq!(fates, ["DELETED", "KEEP", "LOST", "LOST"]);
    assert!(files[1].exists());
}

#[test]
fn the_file_behind_backups_that_were_not_kept_stays_until_they_go() {
    let scene = scene("on_unchanged = \"skip\"\nretention = { keep_last = 2 }", EXPORT);
    scene.days(5);
    assert_eq!(scene.exports().len(), 1);
    assert_eq!(
        scene.fates(&[], 0),
        ["KEEP", "DELETED", "DELETED", "KEEP", "KEEP"]
    );
    scene.changing_days(1);
    let said = scene.home.dpbackup(&["prune", "--dry-run"]).exits(0);
    assert!(said.stdout.contains("left no file of its own"), "{}", said.stdout);
    assert_eq!(scene.fates(&[], 0), ["KEEP", "DELETED", "KEEP", "KEEP"]);
    scene.changing_days(1);
    assert_eq!(scene.fates(&[], 0), ["DELETED", "DELETED", "KEEP", "KEEP"]);
    assert_eq!(scene.exports().len(), 2);
}

#[test]
fn a_secure_backup_goes_as_a_whole_or_not_at_all() {
    let scene = scene("retention = { keep_last = 1 }", SECURE);
    scene.days(4);
    let parts = scene.home.stored();
    assert_eq!(parts.len(), 4 * 7);
    let part = |index: usize| scene.home.store().join(&parts[index]);
    let mut bytes = fs::read(part(7)).expect("a part");
    bytes[5] ^= 1;
    fs::write(part(7), bytes).expect("changed");
    assert_eq!(scene.fates(&[], 1), ["DELETED", "LEFT", "DELETED", "KEEP"]);
    assert_eq!(scene.home.stored().len(), 2 * 7);
    for gone in [0, 14] {
        assert!(!part(gone).parent().expect("a folder").exists());
    }
    assert!(part(13).exists() && part(27).exists());
}

#[test]
fn strangers_in_the_folder_of_a_secure_backup_stay_and_the_backup_goes() {
    let scene = scene("retention = { keep_last = 1 }", SECURE);
    scene.days(3);
    let folder = |index: usize| {
        let parts = scene.home.stored();
        let part = scene.home.store().join(&parts[index * 7]);
        part.parent().expect("a folder").to_owned()
    };
    let folders = [folder(0), folder(1), folder(2)];
    for folder in &folders {
        fs::create_dir(folder.join("@eaDir")).expect("made");
        fs::write(folder.join("@eaDir/index"), "theirs").expect("written");
        fs::write(folder.join("Thumbs.db"), "theirs").expect("written");
    }
    let verified = scene.home.dpbackup(&["verify", "--all"]).exits(0);
    assert_eq!(
        verified.stdout.matches("\"Thumbs.db\" lies in it").count(),
        3,
        "{}",
        verified.stdout
    );
    assert!(!verified.stdout.contains("warning"), "{}", verified.stdout);
    let named = folders[2].to_str().expect("a plain path");
    let ran = scene
        .home
        .dpbackup(&["verify", "--format", "json", named])
        .exits(0);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let notes = document["files"]
        .as_array()
        .expect("files")
        .iter()
        .flat_map(|file| file["notes"].as_array());
    assert_eq!(notes.flatten().count(), 2, "{document}");
    assert_eq!(scene.fates(&[], 0), ["DELETED", "DELETED", "KEEP"]);
    for folder in &folders[..2] {
        let mut left = names(folder);
        left.sort();
        assert_eq!(left, ["@eaDir", "Thumbs.db"]);
        assert_eq!(
            fs::read(folder.join("@eaDir/index")).expect("it stays"),
            b"theirs"
        );
    }
    assert_eq!(names(&folders[2]).len(), 7 + 2);
    assert_eq!(scene.fates(&[], 0), ["KEEP"], "there is nothing more to do");
    let _ = scene.home.dpbackup(&["verify", "--all"]).exits(0);
    // A link among them is neither followed nor removed.
    std::os::unix::fs::symlink(scene.home.path("plans.toml"), folders[2].join("link")).expect("a link");
    scene.days(1);
    assert_eq!(scene.fates(&[], 0), ["DELETED", "KEEP"]);
    assert!(folders[2].join("link").is_symlink() && scene.home.path("plans.toml").exists());
}

#[test]
fn the_rest_of_a_secure_backup_goes_where_a_prune_died_among_strangers() {
    let scene = scene("retention = { keep_last = 1 }", SECURE);
    scene.days(2);
    let parts = scene.home.stored();
    let part = |index: usize| scene.home.store().join(&parts[index]);
    fs::write(part(0).with_file_name("Thumbs.db"), "theirs").expect("written");
    fs::remove_file(part(2)).expect("removed");
    assert_eq!(scene.fates(&[], 0), ["DELETED", "KEEP"]);
    assert_eq!(scene.home.stored().len(), 7 + 1);
    // One that is to be kept and is not there as a whole is lost.
    fs::remove_file(part(9)).expect("removed");
    assert_eq!(scene.fates(&[], 1), ["LOST"]);
    assert_eq!(scene.home.stored().len(), 6 + 1);
}

#[test]
fn a_clock_that_was_wrong_once_takes_no_later_backup_away_and_is_told() {
    for rule in [
        "keep_last = 1",
        "keep_daily = 1",
        "keep_weekly = 1",
        "keep_monthly = 1",
        "keep_within = \"23h\"",
    ] {
        let scene = scene(&format!("retention = {{ {rule} }}"), EXPORT);
        scene.days(1);
        let wrong = scene.home.run("P", &TestClock::at("2038-01-19T03:14:07Z"));
        assert_eq!(wrong.status(), "SUCCESS");
        for _night in 0..3 {
            scene.days(1);
            let newest = scene
                .exports()
                .into_iter()
                .filter(|path| !path.to_string_lossy().contains("2038"))
                .max();
            let ran = scene.home.dpbackup(&["prune"]).exits(3);
            assert!(
                ran.stderr.contains(
                    "QA1 DOM1 persisted: the backup of task 2 ended in the future, at 2038-01-19 03:14:"
                ),
                "{}",
                ran.stderr
            );
            assert!(newest.expect("an export").exists(), "{rule}");
            let status = scene
                .home
                .dpbackup(&["history", "status", "--max-age", "36500d"])
                .exits(0);
            assert!(status.stdout.contains("OK - 1 good"), "{}", status.stdout);
        }
        let left = scene.exports();
        assert!(
            left.iter().any(|path| path.to_string_lossy().contains("2038")),
            "it is kept: {left:?}"
        );
        assert_eq!(left.len(), 2, "{rule}: {left:?}");
        // The way out is the one that the warning names.
        let future = left.iter().find(|path| path.to_string_lossy().contains("2038"));
        fs::remove_file(future.expect("it is kept")).expect("removed");
        assert_eq!(scene.fates(&[], 0), ["DELETED", "KEEP"], "{rule}");
        let _ = scene.home.dpbackup(&["verify", "--all"]).exits(0);
    }
}

#[test]
fn a_store_in_which_nothing_is_that_is_known_is_not_taken_for_one_from_which_all_went() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(3);
    let (store, away) = (scene.home.path("store"), scene.home.path("away"));
    fs::rename(&store, &away).expect("the disk goes");
    fs::create_dir(&store).expect("an empty folder");
    for arguments in [&["prune"][..], &["prune", "--dry-run"]] {
        let ran = scene.home.dpbackup(arguments).exits(4);
        assert!(
            ran.stderr.contains("none is in the store") && ran.stderr.contains("nothing was removed"),
            "{}",
            ran.stderr
        );
    }
    fs::remove_dir(&store).expect("it stayed empty");
    fs::rename(&away, &store).expect("the disk is back");
    let _ = scene.home.dpbackup(&["verify", "--all"]).exits(0);
    assert_eq!(scene.fates(&[], 0), ["DELETED", "DELETED", "KEEP"]);
}

#[test]
fn the_newest_backup_may_be_the_one_of_the_future() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(2);
    let wrong = scene.home.run("P", &TestClock::at("2038-01-19T03:14:07Z"));
    assert_eq!(wrong.status(), "SUCCESS");
    assert_eq!(scene.fates(&[], 3), ["DELETED", "DELETED", "KEEP"]);
    let status = scene.home.dpbackup(&["history", "status"]).exits(1);
    assert!(
        status.stdout.contains("it ended in the future"),
        "{}",
        status.stdout
    );
}

#[test]
fn the_last_good_backup_of_the_status_is_one_that_is_there() {
    let scene = scene("retention = { keep_last = 2 }", EXPORT);
    scene.days(3);
    let good_task = || {
        let ran = scene
            .home
            .dpbackup(&["history", "status", "--max-age", "36500d", "--format", "json"]);
        let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let target = document["targets"][0].clone();
        let reason = target["reason"].as_str().unwrap_or_default().to_owned();
        (target["good_task_execution_id"].as_i64(), reason)
    };
    assert_eq!(good_task(), (Some(3), String::new()));
    let files = scene.exports();
    fs::remove_file(&files[2]).expect("removed");
    let (task, why) = good_task();
    assert_eq!(task, Some(2));
    assert!(
        why.contains("the good backup of task 3 is not in the store as it was stored"),
        "{why}"
    );
    let _ = scene
        .home
        .dpbackup(&["history", "status", "--max-age", "36500d"])
        .exits(1);
    fs::write(&files[1], "short").expect("changed");
    assert_eq!(good_task().0, Some(1), "another size is no backup");
    fs::remove_file(&files[0]).expect("removed");
    assert_eq!(good_task().0, None);
    let _ = scene
        .home
        .dpbackup(&["history", "status", "--max-age", "36500d"])
        .exits(2);
    // A store that is not there was not looked at, and that is said.
    fs::rename(scene.home.store(), scene.home.path("away")).expect("moved");
    let ran = scene
        .home
        .dpbackup(&["history", "status", "--max-age", "36500d"])
        .exits(3);
    assert!(ran.stderr.contains("was not looked at"), "{}", ran.stderr);
    assert!(
        ran.stdout.starts_with("DPBACKUP UNKNOWN - the store "),
        "{}",
        ran.stdout
    );
    let ran = scene
        .home
        .dpbackup(&["history", "status", "--max-age", "36500d", "--format", "json"]);
    let judged: serde_json::Value = serde_json::from_str(&ran.exits(3).stdout).expect("JSON");
    assert_eq!(judged["state"], "UNKNOWN");
    assert_eq!(judged["targets"][0]["state"], "WARNING", "{judged}");
    assert_eq!(
        judged["targets"][0]["reason"],
        "whether its backup is in the store was not looked at"
    );
    assert!(
        judged["not_looked_at"]
            .as_str()
            .is_some_and(|why| why.contains("is not there")),
        "{judged}"
    );
    let _ran = scene.home.dpbackup(&["report", "page.html"]);
    let page = scene.home.text("page.html");
    assert!(page.contains("Whether the backups are in the store is not known. By history: "));
}

#[test]
fn a_store_that_is_away_is_not_pruned_and_nothing_in_it_counts_as_gone() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(3);
    let away = scene.home.path("away");
    fs::rename(scene.home.store(), &away).expect("moved");
    for arguments in [&["prune"][..], &["prune", "--dry-run"]] {
        let ran = scene.home.dpbackup(arguments).exits(4);
        assert!(ran.stderr.contains("nothing was removed"), "{}", ran.stderr);
    }
    fs::rename(&away, scene.home.store()).expect("moved back");
    let _all_there = scene.home.dpbackup(&["verify", "--all"]).exits(0);
    let pruned = scene.home.dpbackup(&["prune"]).exits(0);
    assert!(pruned.stdout.contains("DELETED"), "{}", pruned.stdout);
    assert!(!pruned.stdout.contains("gone already"), "{}", pruned.stdout);
}

#[test]
fn a_good_backup_that_was_pruned_is_not_the_last_good_one() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(2);
    let history = scene.home.path("state/history.db");
    let good = |history: &History| {
        history.targets().expect("targets")[0]
            .good
            .map(|good| good.task.0)
    };
    let mut open = History::open(&history, Writing::Log).expect("a history");
    assert_eq!(good(&open), Some(2));
    // As where a person had it removed with the file, or an older version had chosen it.
    let newest = open.files(TaskId(2)).expect("files")[0].id;
    open.mark_pruned(SystemClock::new().now(), &[newest])
        .expect("recorded");
    assert_eq!(good(&open), Some(1));
    let oldest = open.files(TaskId(1)).expect("files")[0].id;
    open.mark_pruned(SystemClock::new().now(), &[oldest])
        .expect("recorded");
    assert_eq!(good(&open), None);
}

#[test]
fn what_a_prune_that_died_has_removed_is_only_recorded() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(3);
    fs::remove_file(&scene.exports()[0]).expect("removed");
    assert_eq!(scene.fates(&[], 0), ["DELETED", "DELETED", "KEEP"]);
    let _ = scene.home.dpbackup(&["verify", "--all"]).exits(0);
}

#[test]
fn a_changed_file_weighs_more_than_a_device_that_is_held() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    let other = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1")],
        clock: scene.clock.for_gateway(),
        ..Setup::default()
    });
    let both = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA*\"\ndomains = \"DOM1\"\n";
    let home = Home::new()
        .setting("retention = { keep_last = 1 }")
        .device_at("QA1", scene.gateway.port(), "{ verify = false }")
        .device_at("QA2", other.port(), "{ verify = false }")
        .plan("P", both);
    let scene = Scene { home, ..scene };
    scene.days(2);
    let of_qa2 = scene
        .exports()
        .into_iter()
        .find(|path| path.to_string_lossy().contains("QA2"));
    fs::write(of_qa2.expect("an export of QA2"), "something else").expect("written");
    let name = format!("device-127.0.0.1-{}", scene.gateway.port());
    let held = Locks::beside(&scene.home.path("state/history.db"))
        .ask(&name, "task 7", &SystemClock::new())
        .expect("asked");
    assert!(matches!(held, Asked::Held(_)));
    let ran = scene.home.dpbackup(&["prune"]).exits(1);
    assert!(ran.stderr.contains("QA1 is held by task 7"), "{}", ran.stderr);
}

#[test]
fn a_device_that_a_task_works_on_is_left_alone() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(2);
    let history = scene.home.path("state/history.db");
    let name = format!("device-127.0.0.1-{}", scene.gateway.port());
    let held = Locks::beside(&history)
        .ask(&name, "task 7", &SystemClock::new())
        .expect("asked");
    assert!(matches!(held, Asked::Held(_)));
    // A number alone would say nothing, and what was not looked at is not known to be nothing.
    let quiet = scene.home.dpbackup(&["-q", "prune"]).exits(5);
    assert!(quiet.stderr.contains("QA1 is held by task 7"), "{}", quiet.stderr);
    let ran = scene.home.dpbackup(&["prune"]).exits(5);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("task 7 of process"), "{}", ran.stderr);
    assert_eq!(scene.exports().len(), 2);
    assert_eq!(
        scene.fates(&["--dry-run"], 0),
        ["DELETE", "KEEP"],
        "looking needs no lock"
    );
    drop(held);
    let _ = scene.home.dpbackup(&["prune"]).exits(0);
    assert_eq!(scene.exports().len(), 1);
}

#[test]
fn what_a_prune_is_about_to_remove_is_not_missing_for_a_verify_beside_it() {
    let scene = scene("retention = { keep_last = 1 }", &format!("{EXPORT}{SECURE}"));
    scene.days(3);
    let mut history = scene.home.history();
    let going: Vec<_> = (1..=4)
        .flat_map(|task| history.files(TaskId(task)).expect("files"))
        .collect();
    let ids: Vec<_> = going.iter().map(|file| file.id).collect();
    // As a prune does it that is slow: announced, half removed, and not recorded yet.
    history
        .begin_removal(SystemClock::new().now(), &ids)
        .expect("recorded");
    for file in going.iter().take(5) {
        fs::remove_file(&file.path).expect("removed");
    }
    let ran = scene.home.dpbackup(&["verify", "--all"]).exits(0);
    assert!(
        ran.stdout.contains("dpbackup prune has been removing it since"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("PRUNED") && !ran.stdout.contains("MISSING"),
        "{}",
        ran.stdout
    );
    let folder = going[1]
        .path
        .parent()
        .expect("a folder")
        .to_str()
        .expect("a plain path")
        .to_owned();
    let ran = scene.home.dpbackup(&["verify", &folder]).exits(0);
    assert!(
        !ran.stdout.contains("MISSING") && !ran.stdout.contains("BAD"),
        "{}",
        ran.stdout
    );
    // What was announced and is there is looked at like everything else.
    let last = going.last().expect("files");
    fs::write(&last.path, "short").expect("changed");
    let _ = scene.home.dpbackup(&["verify", "--all"]).exits(1);
    // The next prune ends what that one began.
    assert_eq!(
        scene.fates(&[], 1),
        ["DELETED", "DELETED", "KEEP", "DELETED", "LEFT", "KEEP"]
    );
}

#[test]
fn what_was_announced_and_stays_is_missed_again() {
    let scene = scene("retention = { keep_last = 3 }", EXPORT);
    scene.days(2);
    let mut history = scene.home.history();
    let file = history.files(TaskId(1)).expect("files").remove(0);
    history
        .begin_removal(SystemClock::new().now(), &[file.id])
        .expect("recorded");
    assert_eq!(scene.fates(&[], 0), ["KEEP", "KEEP"]);
    fs::remove_file(&file.path).expect("removed");
    let ran = scene.home.dpbackup(&["verify", "--all"]).exits(1);
    assert!(ran.stdout.contains("MISSING"), "{}", ran.stdout);
}

#[test]
fn a_verify_in_the_middle_of_a_prune_finds_nothing_missing() {
    use std::io::{Read as _, Write as _};

    let scene = scene("retention = { keep_last = 1 }", &format!("{EXPORT}{SECURE}"));
    scene.days(3);
    let before = scene.home.stored().len();
    // Nobody reads what it says: it stands still at the first word on what it has removed.
    let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
    let size = rustix::pipe::fcntl_getpipe_size(&writer).expect("its size");
    writer.write_all(&vec![b'.'; size]).expect("full");
    let mut command = scene.home.command(&["prune"]);
    command.stdout(writer);
    let mut prune = command.spawn().expect("it starts");
    // It holds an end of the pipe: the output would never end.
    drop(command);
    until(&mut [&mut prune], || scene.home.stored().len() < before);
    let ran = scene.home.dpbackup(&["verify", "--all"]).exits(0);
    assert!(!ran.stdout.contains("MISSING"), "{}", ran.stdout);
    assert!(
        prune.try_wait().expect("a child").is_none(),
        "it is at work still"
    );
    assert!(scene.home.stored().len() > 1 + 7);
    let mut said = Vec::new();
    reader.read_to_end(&mut said).expect("all that it says");
    assert!(prune.wait().expect("its end").success());
    assert_eq!(scene.home.stored().len(), 1 + 7);
}

/// Backups of two days by P and Q: each day Q finds what P has stored, and leaves no file. None but the newest of the second
/// day are kept by a rule.
fn of_two_plans() -> Scene {
    let scene = scene(
        "on_unchanged = \"skip\"\nretention = { keep_last = 1 }",
        &format!("retention = {{ keep_last = 1 }}\n{EXPORT}"),
    );
    let home = scene.home.plan("Q", EXPORT);
    let scene = Scene { home, ..scene };
    for _ in 0..2 {
        scene.changing_days(1);
        assert_eq!(scene.home.run("Q", &scene.clock).status(), "SUCCESS");
        scene.clock.pass(Duration::from_secs(24 * 3600));
    }
    assert_eq!(scene.exports().len(), 2);
    scene
}

#[test]
fn a_prune_of_one_plan_leaves_what_the_backups_of_another_found_unchanged() {
    let scene = of_two_plans();
    let ran = scene
        .home
        .dpbackup(&["prune", "--plan", "P", "--dry-run"])
        .exits(0);
    let why = "task 2 found nothing changed and left no file of its own";
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
    assert_eq!(scene.fates(&["--plan", "P"], 0), ["KEEP", "KEEP"]);
    let _ = scene.home.dpbackup(&["verify", "2"]).exits(0);
    assert_eq!(scene.fates(&["--plan", "Q"], 0), ["DELETED", "KEEP"]);
    // Nobody needs it any more.
    assert_eq!(scene.fates(&["--plan", "P"], 0), ["DELETED", "KEEP"]);
    assert_eq!(scene.fates(&[], 0), ["KEEP", "KEEP"]);
}

#[test]
fn a_prune_that_is_stopped_leaves_no_backup_without_its_content() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};

    use rustix::process::{Pid, Signal, kill_process};

    let scene = of_two_plans();
    // Nobody reads what it says: it stands still at the first word on what it has removed.
    let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
    let size = rustix::pipe::fcntl_getpipe_size(&writer).expect("its size");
    writer.write_all(&vec![b'.'; size]).expect("full");
    let mut command = scene.home.command(&["prune"]);
    command.stdout(writer).stderr(std::process::Stdio::piped());
    let mut prune = command.spawn().expect("it starts");
    drop(command);
    until(&mut [&mut prune], || scene.exports().len() == 1);
    let pid = Pid::from_raw(prune.id().try_into().expect("a number")).expect("a process");
    kill_process(pid, Signal::TERM).expect("sent");
    // It says at once that it was heard.
    let mut answer = String::new();
    let told = prune.stderr.take().expect("a pipe");
    let mut told = BufReader::new(told);
    told.read_line(&mut answer).expect("a line");
    assert!(answer.contains("SIGTERM"), "{answer}");
    let mut said = String::new();
    reader.read_to_string(&mut said).expect("all that it says");
    assert_eq!(prune.wait().expect("its end").code(), Some(143));
    let ran = scene.home.dpbackup(&["verify", "2"]).exits(3);
    assert!(ran.stdout.starts_with("PRUNED"), "{}", ran.stdout);
    assert_eq!(said.matches("DELETED").count(), 2, "what is gone is told: {said}");
    let _ = scene.home.dpbackup(&["verify", "--all"]).exits(0);
    assert_eq!(
        scene.fates(&[], 0),
        ["KEEP", "KEEP"],
        "there is nothing more to do"
    );
}

#[test]
fn a_backup_of_which_no_file_holds_the_content_any_more_goes_where_no_rule_would_keep_it() {
    let scene = of_two_plans();
    // As a prune has left it that took the file and not the backups that had found the same.
    let mut history = scene.home.history();
    let file = history.files(TaskId(1)).expect("files").remove(0);
    fs::remove_file(&file.path).expect("removed");
    history
        .mark_pruned(SystemClock::new().now(), &[file.id])
        .expect("recorded");
    drop(history);
    let _ = scene.home.dpbackup(&["verify", "2"]).exits(1);
    assert_eq!(scene.fates(&["--dry-run"], 0), ["DELETE", "KEEP", "KEEP"]);
    assert_eq!(
        scene.fates(&["--plan", "P"], 0),
        ["KEEP"],
        "it is not of that plan"
    );
    assert_eq!(scene.fates(&[], 0), ["DELETED", "KEEP", "KEEP"]);
    let _ = scene.home.dpbackup(&["verify", "--all"]).exits(0);
    assert_eq!(scene.fates(&[], 0), ["KEEP", "KEEP"]);
}

#[test]
fn a_file_that_cannot_be_read_is_neither_lost_nor_good_and_lets_nothing_go() {
    let scene = scene("retention = { keep_last = 1 }", EXPORT);
    scene.days(3);
    let files = scene.exports();
    let set = |index: usize, mode| {
        fs::set_permissions(&files[index], Permissions::from_mode(mode)).expect("its mode");
    };
    let prune = |arguments: &[&str], code| {
        let arguments = [&["prune"], arguments].concat();
        let mut command = heeding_modes(&scene.home.command(&arguments));
        Ran::of(command.output().expect("it starts")).exits(code)
    };
    for index in [0, 2] {
        set(index, 0o000);
    }
    let ran = prune(&[], 1);
    let told: Vec<&str> = ran
        .stdout
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        told.iter().filter(|word| **word == "LEFT").count(),
        1,
        "{}",
        ran.stdout
    );
    assert_eq!(
        told.iter().filter(|word| **word == "UNREAD").count(),
        1,
        "{}",
        ran.stdout
    );
    for why in [
        "no rule keeps it, but it could not be read: ",
        ": it could not be read: ",
        "1 left though no rule keeps them, 1 that could not be read",
    ] {
        assert!(ran.stdout.contains(why), "{why}: {}", ran.stdout);
    }
    assert!(
        ran.stderr
            .contains("of what could not be read nothing is known: mend what keeps this machine from it"),
        "{}",
        ran.stderr
    );
    assert!(
        !ran.stdout.contains("changed") && !ran.stdout.contains("LOST"),
        "{}",
        ran.stdout
    );
    let files_of = |task| scene.home.history().files(TaskId(task)).expect("files");
    for task in 1..=3 {
        assert_eq!(files_of(task)[0].damage, None, "task {task}");
    }
    for index in [0, 2] {
        set(index, 0o600);
    }
    assert_eq!(scene.fates(&[], 0), ["DELETED", "DELETED", "KEEP"]);
    let _ = scene.home.dpbackup(&["verify", "--all"]).exits(0);
}

#[test]
fn a_zone_that_is_none_is_told_where_days_are_counted_and_times_are_shown() {
    let scene = scene("retention = { keep_daily = 1 }", EXPORT);
    scene.days(2);
    let told = "which is no time zone: times are in UTC";
    for (arguments, code) in [(&["prune", "--dry-run"][..], 3), (&["history"], 0)] {
        let mut command = scene.home.command(arguments);
        command.env("TZ", "Europe/Nowhere");
        let ran = Ran::of(command.output().expect("it starts")).exits(code);
        assert!(ran.stderr.contains(told), "{arguments:?}: {}", ran.stderr);
        let ran = scene.home.dpbackup(arguments).exits(0);
        assert!(!ran.stderr.contains(told), "{arguments:?}: {}", ran.stderr);
    }
}
