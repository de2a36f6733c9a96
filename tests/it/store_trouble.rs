//! A store that is full, goes away, or is not what it was; and names made to escape from it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dpbackup::run::event::{Event, Owner};
use dpbackup::run::sequence::Options;
use dpbackup::run::status::Status;
use dpbackup::signal::Stop;

use crate::simulator::{Content, Domain, Gateway, Setup};
use crate::support::{Home, Ran, TestClock, export, names, not_tested_here, until};

const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"*, !default\"\n";
const SECURE: &str =
    "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\ncertificate = \"backup-cert\"\n";
const MIB: u64 = 1 << 20;

/// A gateway whose first domain is large.
fn large() -> Gateway {
    Gateway::start(Setup {
        domains: vec![
            Domain::new("DOM1").file("local:///large.bin", Content::synthetic(6 * MIB, 7)),
            Domain::new("DOM2"),
        ],
        ..Setup::default()
    })
}

/// Runs the plan with `first` done by a shell before; what is left in the store is
/// printed behind its output.
fn run_after(home: &Home, program: &[&str], first: &str) -> Ran {
    let script = format!(
        "{first} || exit 99; {} run P -v; code=$?; find store -type f; exit $code",
        env!("CARGO_BIN_EXE_dpbackup")
    );
    // Everything that the binary needs is in the environment of this command.
    let own = home.command(&[]);
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).args(["sh", "-c", &script]);
    command.env_clear().current_dir(home.path(""));
    for (name, value) in own.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    Ran::of(command.output().expect("a shell starts"))
}

#[test]
fn a_store_that_cannot_be_written_says_what_the_system_says() {
    let gateway = Gateway::start(Setup::default());
    // A folder in which nobody can make a file, not even root.
    let home = Home::new()
        .setting("store = \"/proc/self/ns\"")
        .device("QA1", &gateway)
        .plan("P", EXPORT);
    let ran = home.dpbackup(&["run", "P"]).exits(4);
    let why = ran.stderr.lines().find(|line| line.contains("cannot be written"));
    assert!(
        why.is_some_and(|line| line.contains("/proc/self/ns is on a file system that holds no files")),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_store_that_gets_full_fails_the_task_and_leaves_no_part_of_it() {
    let gateway = large();
    for (policy, tasks) in [
        ("ignore", ["NOT_ENOUGH_FREE_SPACE_IN_STORE", "SUCCESS"]),
        (
            "halt",
            [
                "NOT_ENOUGH_FREE_SPACE_IN_STORE",
                "EXECUTION_CANCELED_BECAUSE_ERROR_POLICY",
            ],
        ),
    ] {
        let home = Home::new()
            .setting("min_free_store = \"1 KiB\"")
            .device("QA1", &gateway)
            .plan("P", &format!("error_policy = \"{policy}\"\n{EXPORT}"));
        fs::create_dir(home.store()).expect("a folder");
        // A file system of its own, which only this process and its children see.
        let mount = "mount -t tmpfs -o size=2m tmpfs store";
        let ran = run_after(&home, &["unshare", "--user", "--map-root-user", "--mount"], mount);
        if ran.code != Some(1) {
            // Without root of its own, this process sees root's folders as nobody's that is known.
            let is_nobodys = ran.stderr.contains("belongs to user");
            assert!(
                ran.stderr.contains("unshare") || ran.code == Some(99) || is_nobodys,
                "{ran:?}"
            );
            not_tested_here(
                "a full file system, for this sandbox allows no mount of its own; \
                 the limit on the size of files is tested all the same",
            );
            return;
        }
        let history = home.history();
        let plan = history.plans(&Default::default()).expect("plans")[0].id;
        let found: Vec<Status> = history
            .tasks_of_plan(plan)
            .expect("tasks")
            .iter()
            .map(|task| task.status)
            .collect();
        assert_eq!(found.map_codes(), tasks);
        assert!(!ran.stdout.contains(".partial"), "{}", ran.stdout);
        let said = ran.stderr.replace(['\n', ' '], "");
        let named = format!("thestore{}isfull(nospaceisleft)", home.store().display());
        assert!(said.contains(&named), "{}", ran.stderr);
        assert!(
            !said.contains("oserror") && !said.contains("onthedevice"),
            "{}",
            ran.stderr
        );
        let stored = ran.stdout.lines().filter(|line| line.ends_with(".zip")).count();
        assert_eq!(stored, usize::from(policy == "ignore"), "{}", ran.stdout);
    }
}

trait Codes {
    fn map_codes(&self) -> Vec<&'static str>;
}

impl Codes for Vec<Status> {
    fn map_codes(&self) -> Vec<&'static str> {
        self.iter().map(|status| status.code()).collect()
    }
}

#[test]
fn an_export_that_grows_beyond_max_file_is_given_up() {
    let gateway = large();
    let home = Home::new()
        .setting("max_file = \"1 MiB\"")
        .device("QA1", &gateway)
        .plan("P", &format!("error_policy = \"ignore\"\n{EXPORT}"));
    let ran = home.dpbackup(&["run", "P"]).exits(1);
    assert!(ran.stderr.contains("max_file"), "{}", ran.stderr);
    assert_eq!(home.recorded(), ["QA1/DOM1 DOWNLOAD_FAILED", "QA1/DOM2 SUCCESS"]);
    assert_eq!(home.stored().len(), 1, "{:?}", home.stored());
}

#[test]
fn a_part_of_a_secure_backup_that_grows_beyond_max_file_is_given_up_at_once() {
    let gateway = Gateway::start(Setup {
        secure_backup_parts: vec![("root.tgz".to_owned(), 300_000)],
        ..Setup::default()
    });
    let home = Home::new()
        .setting("max_file = \"100 kB\"\nretries = 2")
        .device("QA1", &gateway)
        .plan("P", SECURE);
    let ran = home.dpbackup(&["run", "P"]).exits(1);
    assert!(ran.stderr.contains("max_file"), "{}", ran.stderr);
    assert_eq!(home.recorded(), ["QA1/all-domains DOWNLOAD_FAILED"]);
    let fetched = gateway
        .operations()
        .iter()
        .filter(|asked| asked.starts_with("get-file/root"))
        .count();
    assert_eq!(fetched, 1, "another try would end the same");
    assert_eq!(home.stored(), Vec::<String>::new());
}

#[test]
fn an_export_that_would_fill_the_store_is_given_up_while_enough_is_free() {
    let gateway = Gateway::start(Setup {
        domains: vec![
            Domain::new("DOM1").file("local:///large.bin", Content::synthetic(70 * MIB, 7)),
            Domain::new("DOM2"),
        ],
        ..Setup::default()
    });
    let home = Home::new()
        .setting("min_free_store = \"50 MiB\"")
        .device("QA1", &gateway)
        .plan("P", &format!("error_policy = \"ignore\"\n{EXPORT}"));
    fs::create_dir(home.store()).expect("a folder");
    let mount = "mount -t tmpfs -o size=100m tmpfs store";
    let ran = run_after(&home, &["unshare", "--user", "--map-root-user", "--mount"], mount);
    if ran.code != Some(1) {
        // Without root of its own, this process sees root's folders as nobody's that is known.
        let is_nobodys = ran.stderr.contains("belongs to user");
        assert!(
            ran.stderr.contains("unshare") || ran.code == Some(99) || is_nobodys,
            "{ran:?}"
        );
        not_tested_here("a file system that fills up, for this sandbox allows no mount of its own");
        return;
    }
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("fills up (") && said.contains("50.0 MiB are to stay free"),
        "{said}"
    );
    assert_eq!(
        home.recorded(),
        ["QA1/DOM1 NOT_ENOUGH_FREE_SPACE_IN_STORE", "QA1/DOM2 SUCCESS"]
    );
    assert!(!ran.stdout.contains(".partial"), "{}", ran.stdout);
}

#[test]
fn a_limit_on_the_size_of_files_fails_the_task_and_leaves_no_part_of_it() {
    let gateway = large();
    let home = Home::of(&gateway).plan("P", &format!("error_policy = \"ignore\"\n{EXPORT}"));
    // The signal that comes with it is ignored, so that the write itself fails.
    let ran = run_after(&home, &["env"], "trap '' XFSZ; ulimit -f 4096").exits(1);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = format!(
        "no file of the store {} may grow so large: write QA1/domain/DOM1/",
        home.store().display()
    );
    assert!(
        said.contains(&named) && said.contains("the limit is one of this process (`ulimit -f`,"),
        "{said}"
    );
    assert!(!ran.stdout.contains(".partial"), "{}", ran.stdout);
    assert_eq!(
        home.stored().len(),
        1,
        "the small domain is stored: {}",
        ran.stdout
    );
}

#[test]
fn nothing_is_called_stored_that_is_not_where_history_says() {
    let clock = TestClock::night();
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", &format!("error_policy = \"ignore\"\n{EXPORT}{SECURE}"));
    let (store, away) = (home.store(), home.path("away"));
    // Moved away while the first export is verified, as by an unmount; back for the rest.
    let mut tasks = 0;
    let run = home.run_with(
        "P",
        &clock,
        Options::default(),
        &Stop::new(),
        &mut |event| match event {
            Event::TaskStatus {
                status: Status::Verifying,
                ..
            } => {
                tasks += 1;
                if tasks != 2 {
                    fs::rename(&store, &away).expect("moved away");
                }
            }
            Event::TaskEnded { .. } if away.exists() => {
                fs::rename(&away, &store).expect("moved back");
            }
            _ => {}
        },
    );
    assert_eq!(
        run.tasks(),
        [
            "QA1/DOM1 DOWNLOAD_FAILED",
            "QA1/DOM2 SUCCESS",
            "QA1/all-domains DOWNLOAD_FAILED"
        ]
    );
    for error in run.errors() {
        assert!(error.contains("not where it was"), "{error}");
    }
    let stored = home.stored();
    assert_eq!(stored.len(), 1, "{stored:?}");
    let _ = home.dpbackup(&["verify", "--all"]).exits(0);
}

/// Moves the store, and has the plan file say so.
fn moved(home: Home, to: &str) -> Home {
    let to_path = home.path(to);
    fs::create_dir_all(to_path.parent().expect("a folder")).expect("a folder");
    fs::rename(home.store(), to_path).expect("moved");
    home.setting(&format!("store = \"{to}\""))
}

#[test]
fn a_store_that_moves_stays_good() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .setting("on_unchanged = \"skip\"\nretention = { keep_last = 1 }")
        .device("QA1", &gateway)
        .plan("P", &format!("{EXPORT}{SECURE}"));
    for _night in 0..2 {
        let _ = home.dpbackup(&["run", "P"]).exits(0);
    }
    let home = moved(home, "larger/disk");
    let ran = home.dpbackup(&["verify", "--all"]).exits(0);
    assert!(ran.stdout.contains("/larger/disk/QA1/"), "{}", ran.stdout);
    let files = home
        .dpbackup(&["history", "files", "1", "--format", "json"])
        .exits(0);
    let document: serde_json::Value = serde_json::from_str(&files.stdout).expect("JSON");
    let path = document["files"][0]["path"].as_str().expect("a path");
    assert!(Path::new(path).is_file(), "{path}");
    let named = home.dpbackup(&["verify", path]).exits(0);
    assert!(
        named.stdout.contains("task") || named.stdout.starts_with("OK"),
        "{}",
        named.stdout
    );
    let _ = home.dpbackup(&["diff", "1", "4"]).exits(0);
    let _ = home.dpbackup(&["history", "status"]).exits(0);
    // What has not changed since is found there, and is not stored anew.
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let exports = |home: &Home| names(&home.path("larger/disk/QA1/domain/DOM1"));
    assert_eq!(exports(&home).len(), 1, "{:?}", exports(&home));
    let pruned = home.dpbackup(&["prune"]).exits(0);
    assert!(pruned.stdout.contains("DELETED"), "{}", pruned.stdout);
    assert_eq!(names(&home.path("larger/disk/QA1/secure-backup")).len(), 1);
    assert!(!home.store().exists());
    let _ = home.dpbackup(&["verify", "--all"]).exits(0);
}

/// What was stored is where it was: nothing is gone from sight.
#[test]
fn another_store_that_a_plan_file_names_is_new_where_the_old_one_stays() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let home = home.setting("store = \"another\"");
    for arguments in [["check"].as_slice(), &["preview", "P"], &["run", "P"]] {
        let ran = home.dpbackup(arguments).exits(0);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains("history knows"), "{arguments:?}: {said}");
    }
}

/// Unmounted, or moved without a word to the plan file: the folder of a mount stays, and is empty.
#[test]
fn a_store_that_history_knows_and_that_is_away_is_not_called_new() {
    let gateway = Gateway::start(Setup::default());
    for leaves_a_folder in [false, true] {
        let home = Home::of(&gateway).plan("P", EXPORT);
        let first = home.dpbackup(&["check"]).exits(0);
        assert!(
            first.stdout.contains("is not there yet; the first run makes it"),
            "{}",
            first.stdout
        );
        let _ = home.dpbackup(&["run", "P"]).exits(0);
        fs::rename(home.store(), home.path("away")).expect("moved");
        let how = if leaves_a_folder {
            "is empty"
        } else {
            "is not there"
        };
        if leaves_a_folder {
            fs::create_dir(home.store()).expect("a folder");
            fs::create_dir(home.store().join("lost+found")).expect("a folder");
        }
        let words = format!("{how}, and history knows ");
        for arguments in [["check"].as_slice(), &["preview", "P"]] {
            let ran = home.dpbackup(arguments).exits(3);
            assert!(ran.stdout.contains(&words), "{arguments:?}: {}", ran.stdout);
            assert!(
                !ran.stdout.contains("not there yet"),
                "{arguments:?}: {}",
                ran.stdout
            );
        }
        // It is backed up all the same, and nobody learns of it from a later `verify` alone.
        let ran = home.dpbackup(&["run", "P"]).exits(3);
        assert!(
            ran.stderr.contains(&words) && ran.stderr.contains("begins a new one"),
            "{}",
            ran.stderr
        );
        assert!(!home.stored().is_empty());
        let _ = home.dpbackup(&["run", "P"]).exits(0);
        fs::remove_dir_all(home.store()).expect("removed");
        fs::rename(home.path("away"), home.store()).expect("moved back");
        let _ = home.dpbackup(&["check"]).exits(0);
    }
}

#[test]
fn a_store_that_is_away_is_not_called_new_where_the_history_cannot_be_read() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    fs::rename(home.store(), home.path("away")).expect("moved");
    fs::write(home.path("state/history.db"), "no database").expect("written");
    for arguments in [["check"].as_slice(), &["preview", "P"]] {
        let ran = home.dpbackup(arguments);
        assert!(
            ran.stdout
                .contains("is not there, and what history knows in it cannot be told"),
            "{arguments:?}: {}",
            ran.stdout
        );
        assert!(
            !ran.stdout.contains("not there yet"),
            "{arguments:?}: {}",
            ran.stdout
        );
    }
}

#[test]
fn a_plan_file_that_moves_with_its_store_and_its_history_stays_good() {
    let gateway = Gateway::start(Setup::default());
    let old = Home::of(&gateway).plan("P", EXPORT);
    let _ = old.dpbackup(&["run", "P"]).exits(0);
    let new = Home::of(&gateway).plan("P", EXPORT);
    for part in ["store", "state"] {
        fs::rename(old.path(part), new.path(part)).expect("moved");
    }
    let ran = new.dpbackup(&["verify", "--all"]).exits(0);
    assert!(
        ran.stdout.contains(new.store().to_str().expect("a plain path")),
        "{}",
        ran.stdout
    );
    let _ = new.dpbackup(&["history", "status"]).exits(0);
}

#[test]
fn what_was_left_in_the_store_of_before_is_found_there_and_not_removed() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .setting("retention = { keep_last = 1 }")
        .device("QA1", &gateway)
        .plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let home = home.setting("store = \"other\"");
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let ran = home.dpbackup(&["verify", "--all"]).exits(0);
    assert!(
        ran.stdout.contains("/store/QA1/") && ran.stdout.contains("/other/QA1/"),
        "{}",
        ran.stdout
    );
    let pruned = home.dpbackup(&["prune", "--dry-run"]).exits(0);
    assert!(
        pruned.stdout.contains("not in the store of the plan file"),
        "{}",
        pruned.stdout
    );
    let _ = home.dpbackup(&["prune"]).exits(0);
    assert_eq!(home.stored().len(), 2);
}

#[test]
fn a_store_that_is_gone_fails_the_tasks_that_are_left() {
    let clock = TestClock::night();
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", &format!("error_policy = \"ignore\"\n{EXPORT}"));
    let (store, away) = (home.store(), home.path("away"));
    let run = home.run_with("P", &clock, Options::default(), &Stop::new(), &mut |event| {
        if matches!(event, Event::TaskEnded { .. }) && store.exists() {
            fs::rename(&store, &away).expect("moved away");
        }
    });
    assert_eq!(run.status(), "FAILED");
    assert_eq!(run.tasks()[0], "QA1/DOM1 SUCCESS");
    assert!(run.errors()[0].contains("store"), "{:?}", run.errors());
    assert!(!store.exists(), "nothing was made in its place");
}

#[test]
fn a_pre_task_script_that_takes_the_store_away_is_noticed_before_anything_is_quiesced() {
    let clock = TestClock::night();
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        ..Setup::default()
    });
    let home = Home::of(&gateway);
    let moves = format!(
        "#!/bin/sh\nmv '{}' '{}'",
        home.store().display(),
        home.path("away").display()
    );
    let options = "quiesce = true\npre_script = \"moves.sh\"";
    let home = home.script("moves.sh", &moves).plan("FIRST", EXPORT);
    let home = home.plan("P", &export("QA1", "DOM1", options));
    assert_eq!(home.run("FIRST", &clock).status(), "SUCCESS");
    let run = home.run("P", &clock);
    assert!(run.errors()[0].contains("store"), "{:?}", run.errors());
    assert_eq!(gateway.received("DomainQuiesce"), 0, "{:?}", run.errors());
}

#[test]
fn a_link_in_place_of_a_folder_of_the_store_is_not_followed() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &format!("error_policy = \"ignore\"\n{EXPORT}{SECURE}"));
    fs::create_dir_all(home.path("elsewhere")).expect("a folder");
    fs::create_dir_all(home.store().join("QA1/domain")).expect("a folder");
    symlink(home.path("elsewhere"), home.store().join("QA1/domain/DOM1")).expect("a link");
    symlink(home.path("elsewhere"), home.store().join("QA1/secure-backup")).expect("a link");
    let ran = home.dpbackup(&["run", "P"]).exits(1);
    assert!(ran.stderr.contains("symbolic link"), "{}", ran.stderr);
    let elsewhere = fs::read_dir(home.path("elsewhere")).expect("a folder").count();
    assert_eq!(elsewhere, 0, "nothing is written through a link");
    assert!(
        home.stored().iter().all(|path| path.contains("DOM2")),
        "{:?}",
        home.stored()
    );
}

/// Puts something into the place of a folder of the store.
fn put_in_place(home: &Home, what: &str, place: &Path) {
    let above = place.parent().expect("a folder above");
    fs::create_dir_all(above).expect("the folders above");
    match what {
        "a link" => symlink(home.path("scripts"), place).expect("a link"),
        "a file" => fs::write(place, "x").expect("a file"),
        _ => {
            fs::create_dir(place).expect("a folder");
            fs::set_permissions(place, fs::Permissions::from_mode(0o777)).expect("its mode");
        }
    }
}

#[test]
fn what_a_device_has_in_the_store_is_tried_by_check_and_by_a_run_before_it_is_quiesced() {
    let gateway = Gateway::start(Setup::default());
    let exports = EXPORT.to_owned() + "quiesce = true\n";
    let everything = exports.replace("*, !default", "all-domains");
    let secure = SECURE.to_owned() + "quiesce = true\n";
    for (activity, places) in [
        (&exports, ["QA1", "QA1/domain", "QA1/domain/DOM1"]),
        (&everything, ["QA1", "QA1/domain", "QA1/domain/all-domains"]),
        (&secure, ["QA1", "QA1/secure-backup", "QA1/secure-backup"]),
    ] {
        for place in places {
            for what in ["a link", "a file", "a folder for everybody"] {
                let home = Home::of(&gateway).plan("P", activity);
                put_in_place(&home, what, &home.store().join(place));
                let check = home.dpbackup(&["check"]).exits(1);
                let told = |line: &&str| line.contains("FAIL  store") && line.contains(place);
                let lines = check.stdout.lines().filter(told).count();
                assert_eq!(lines, 1, "{what} in place of {place}: {}", check.stdout);
                let ran = home.dpbackup(&["run", "P"]).exits(1);
                let seen = format!("{what} in place of {place}: {}", ran.stderr);
                let said = ran.stderr.replace(['\n', ' '], "");
                assert!(said.contains("deviceuntouched"), "{seen}");
                assert!(said.contains(place), "{seen}");
                assert!(!said.contains("oserror"), "{seen}");
                let stored = home.stored();
                assert!(
                    !stored.iter().any(|path| path.ends_with(".zip")),
                    "{stored:?}, {seen}"
                );
            }
        }
    }
    let operations = gateway.operations();
    let asked =
        |operation: &String| operation.starts_with("get-") || operation == "do-view-certificate-details";
    assert!(operations.iter().all(asked), "{operations:?}");
}

#[test]
fn a_task_whose_folder_in_the_store_is_not_fit_still_runs_its_post_task_script() {
    let gateway = Gateway::start(Setup::default());
    let quiesced = EXPORT.to_owned() + "quiesce = true\npost_script = \"post.sh\"\n";
    let home = Home::of(&gateway).plan("P", &quiesced);
    let ran = home.path("ran");
    let home = home.script(
        "post.sh",
        &format!("#!/bin/sh\necho \"$3 $5\" >> {}", ran.display()),
    );
    put_in_place(&home, "a link", &home.store().join("QA1/domain"));
    let run = home.dpbackup(&["run", "P"]).exits(1);
    assert!(
        run.stderr.replace('\n', " ").contains("device untouched"),
        "{}",
        run.stderr
    );
    let told = fs::read_to_string(&ran).expect("what the script was told");
    let failed = told
        .lines()
        .filter(|line| line.ends_with("DOWNLOAD_FAILED"))
        .count();
    assert!(failed > 0 && failed == told.lines().count(), "{told}");
}

#[test]
fn check_tries_the_folders_of_a_device_that_is_away_too() {
    let home = Home::new().absent_device("QA1").plan("P", EXPORT);
    put_in_place(&home, "a link", &home.store().join("QA1/domain"));
    let ran = home.dpbackup(&["check"]).exits(1);
    assert!(
        ran.stdout.contains("a symbolic link stands in its place"),
        "{}",
        ran.stdout
    );
    fs::remove_file(home.store().join("QA1/domain")).expect("removed");
    let ran = home.dpbackup(&["check"]).exits(1);
    assert!(!ran.stdout.contains("FAIL  store"), "{}", ran.stdout);
}

#[test]
fn what_a_killed_run_has_left_is_removed_and_told_by_the_next() {
    let gateway = large();
    let home = Home::of(&gateway).plan("P", EXPORT);
    gateway.fail_as("do-backup=stall-in-body@2000000");
    let mut child = home.start(&["run", "P"]);
    let partial = |home: &Home| home.stored().into_iter().find(|path| path.ends_with(".partial"));
    until(&mut [&mut child], || partial(&home).is_some());
    let left = partial(&home).expect("a file on its way");
    child.kill().expect("killed");
    let _ = child.wait().expect("it is gone");
    assert!(partial(&home).is_some(), "nobody was left to remove it");
    gateway.clear_faults();
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let stored = home.stored();
    assert_eq!((stored.len(), partial(&home)), (2, None), "{stored:?}");
    let history = home.history();
    let plan = history.plans(&Default::default()).expect("plans")[0].id;
    let notes = history.notes(Owner::Plan(plan)).expect("notes");
    assert!(
        notes
            .iter()
            .any(|note| note.message.contains("removed what a run that died left")
                && note.message.contains(&left)),
        "{notes:?}"
    );
    let _ = home.dpbackup(&["verify", "--all"]).exits(0);
}

#[test]
fn a_file_that_is_swapped_while_it_comes_is_not_published_under_its_name() {
    let clock = TestClock::night();
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", &EXPORT.replace("*, !default", "DOM1"));
    // Another archive of the same domain, good in itself.
    assert_eq!(home.run("P", &clock).status(), "SUCCESS");
    let other = home.store().join(&home.stored()[0]);
    let partial = |home: &Home| {
        let path = home.stored().into_iter().find(|path| path.ends_with(".partial"));
        home.store().join(path.expect("a file on its way"))
    };
    for moment in [Status::Downloading, Status::Verifying] {
        for (way, ends) in [
            ("mv", "DOWNLOAD_FAILED"),
            ("cp", "DOWNLOAD_FAILED"),
            ("rm", "DOWNLOAD_FAILED"),
        ] {
            clock.pass(Duration::from_secs(60));
            gateway
                .state()
                .put_file("DOM1", "local:///new.txt", format!("{moment} {way}").into_bytes());
            let run = home.run_with("P", &clock, Options::default(), &Stop::new(), &mut |event| {
                if matches!(event, Event::TaskStatus { status, .. } if *status == moment) {
                    let path = partial(&home);
                    let aside = home.path("aside");
                    fs::copy(&other, &aside).expect("copied");
                    match way {
                        "mv" => fs::rename(&aside, &path).expect("moved"),
                        "cp" => drop(fs::copy(&aside, &path).expect("copied")),
                        _ => fs::remove_file(&path).expect("removed"),
                    }
                }
            });
            // What is written over something while it comes is at last what was sent.
            let is_mended = (moment, way) == (Status::Downloading, "cp");
            if !is_mended {
                assert_eq!(run.tasks(), [format!("QA1/DOM1 {ends}")], "{moment} {way}");
                let error = &run.errors()[0];
                assert!(
                    error.contains("put something else in its place"),
                    "{moment} {way}: {error}"
                );
            }
            let _ = home.dpbackup(&["verify", "--all"]).exits(0);
        }
    }
}

/// What somebody does to the store of a home in which a secure backup is on its way.
type Damage = fn(&Home);

/// The path of a file in the folder of a secure backup that is on its way.
fn in_partial(home: &Home, name: &str) -> PathBuf {
    let stored = home.stored();
    let part = stored.iter().find(|path| path.contains(".partial/"));
    let folder = Path::new(part.expect("a part")).parent().expect("its folder");
    home.store().join(folder).join(name)
}

#[test]
fn what_happens_to_the_store_while_a_secure_backup_comes_is_said_of_the_store_and_not_of_the_device() {
    let moves = |home: &Home| fs::rename(home.store(), home.path("away")).expect("moved");
    let damages: [(Damage, &str); 7] = [
        (moves, "is not where it was"),
        (
            |home| {
                fs::rename(home.store(), home.path("away")).expect("moved");
                fs::create_dir(home.store()).expect("made");
            },
            "is not where it was",
        ),
        (
            |home| fs::remove_file(in_partial(home, "backupmanifest.xml")).expect("removed"),
            "backupmanifest.xml: somebody took away",
        ),
        (
            |home| fs::write(in_partial(home, "backupmanifest.xml"), "<x/>").expect("written"),
            "backupmanifest.xml: somebody took away",
        ),
        (
            |home| fs::write(in_partial(home, "cert.tgz"), "ten bytes.").expect("written"),
            "cert.tgz: somebody took away",
        ),
        (
            |home| fs::write(in_partial(home, "notes.txt"), "of somebody").expect("written"),
            "notes.txt: it is none of the files that were written there",
        ),
        (
            |home| {
                let folder = in_partial(home, "");
                fs::remove_dir_all(folder).expect("removed");
            },
            ".partial: somebody took away",
        ),
    ];
    for (damage, words) in damages {
        let clock = TestClock::night();
        let gateway = Gateway::start(Setup {
            clock: clock.for_gateway(),
            ..Setup::default()
        });
        let home = Home::of(&gateway).plan("P", SECURE);
        let run = home.run_with("P", &clock, Options::default(), &Stop::new(), &mut |event| {
            if matches!(
                event,
                Event::TaskStatus {
                    status: Status::Verifying,
                    ..
                }
            ) {
                damage(&home);
            }
        });
        assert_eq!(
            run.tasks(),
            ["QA1/all-domains DOWNLOAD_FAILED"],
            "{:?}",
            run.errors()
        );
        let error = &run.errors()[0];
        let store = format!("the store {}: read back ", home.store().display());
        assert!(error.starts_with(&store) && error.contains(words), "{error}");
        assert!(!error.contains("vendor"), "{error}");
        assert_eq!(home.stored(), Vec::<String>::new(), "{error}");
    }
}

#[test]
fn a_part_that_broke_off_is_fetched_again() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("get-file/config.tgz:1=close-in-body@20000");
    let home = Home::new()
        .setting("retries = 1")
        .device("QA1", &gateway)
        .plan("P", SECURE);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let _ = home.dpbackup(&["verify", "--all"]).exits(0);
}

/// Nothing but the home itself was written, and nothing unprintable was said.
#[track_caller]
fn is_contained(home: &Home, texts: &[&str]) {
    for path in home.stored() {
        assert!(
            Path::new(&path).components().all(|step| step.as_os_str() != ".."),
            "{path}"
        );
    }
    let entries = names(&home.path(""));
    for entry in &entries {
        let known = ["plans.toml", "scripts", "state", "store"];
        assert!(known.contains(&entry.as_str()), "{entries:?}");
    }
    assert!(!Path::new("/etc/hostile").exists());
    for text in texts {
        let bad = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(bad, None, "{text:?}");
    }
}

#[test]
fn hostile_names_of_domains_stay_in_the_store_and_are_shown_safely() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("get-status/DomainStatus=hostile-name");
    let home = Home::of(&gateway).plan("P", &format!("error_policy = \"ignore\"\n{EXPORT}"));
    let ran = home.dpbackup(&["run", "P", "-v"]).exits(1);
    let mut texts = vec![ran.stdout, ran.stderr];
    for arguments in [
        &["history", "tasks", "1"][..],
        &["verify", "--all"],
        &["preview", "P"],
    ] {
        let ran = home.dpbackup(arguments);
        texts.extend([ran.stdout, ran.stderr]);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    is_contained(&home, &texts);
    assert!(texts[2].contains("../../hostile"), "told as it is: {}", texts[2]);
    assert_eq!(
        home.stored().len(),
        2,
        "the honest domains are stored: {:?}",
        home.stored()
    );
}

#[test]
fn a_domain_that_really_has_such_a_name_does_not_get_out() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("../../evil"), Domain::new("..")],
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", &format!("error_policy = \"ignore\"\n{EXPORT}"));
    let ran = home.dpbackup(&["run", "P"]);
    is_contained(&home, &[&ran.stdout, &ran.stderr]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn hostile_names_in_a_secure_backup_stay_in_the_store() {
    for name in ["../../hostile", "a/b", "..", "esc\u{1b}]0;x"] {
        let gateway = Gateway::start(Setup::default());
        gateway.fail_as(&format!("SecureBackup=hostile-name@{name}"));
        let home = Home::of(&gateway).plan("P", SECURE);
        let ran = home.dpbackup(&["run", "P"]);
        is_contained(&home, &[&ran.stdout, &ran.stderr]);
        assert_eq!(ran.code, Some(1), "{name:?}: {ran:?}");
        assert_eq!(home.stored(), Vec::<String>::new(), "{name:?}");
    }
}
