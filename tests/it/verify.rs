//! `verify`: what was stored is looked at again, and nothing that was damaged passes.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, export};

const PLAN: &str = r#"
    [[plan.activity]]
    action = "export-domain"
    devices = "*"
    domains = "DOM*"
    [[plan.activity]]
    action = "secure-backup"
    devices = "*"
    certificate = "backup-cert"
"#;

/// A home in which two domains and a secure backup of one device are stored.
fn stored() -> (Gateway, Home) {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").unsaved(), Domain::new("DOM2")],
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", PLAN);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    (gateway, home)
}

/// The one stored file whose path holds all of these.
#[track_caller]
fn the_file(home: &Home, parts: &[&str]) -> PathBuf {
    let stored = home.stored();
    let mut found = stored
        .iter()
        .filter(|path| parts.iter().all(|part| path.contains(part)));
    let path = found.next().unwrap_or_else(|| panic!("{parts:?} in {stored:?}"));
    assert_eq!(found.next(), None, "{parts:?}");
    home.store().join(path)
}

/// The line of a file in the output.
#[track_caller]
fn line_of<'o>(output: &'o str, path: &Path) -> &'o str {
    let path = path.to_str().expect("a plain path");
    let line = output.lines().find(|line| line.contains(path));
    line.unwrap_or_else(|| panic!("{path} in {output}"))
}

#[test]
fn what_a_run_has_stored_is_found_good() {
    let (_gateway, home) = stored();
    let all = home.dpbackup(&["verify", "--all"]).exits(0);
    assert_eq!(all.stdout.matches("OK  ").count(), 3 + 7 + 1, "{}", all.stdout);
    assert!(all.stdout.contains("do-backup, domain DOM1"), "{}", all.stdout);
    assert!(all.stdout.ends_with("11 OK\n"), "{}", all.stdout);
    let task = home.dpbackup(&["verify", "--task", "1"]).exits(0);
    assert!(task.stdout.ends_with("2 OK\n"), "{}", task.stdout);
    let _ = home.dpbackup(&["verify", "--device", "QA1"]).exits(0);
    let _ = home.dpbackup(&["verify", "--device", "QA2"]).exits(2);
    let _ = home.dpbackup(&["verify", "--task", "99"]).exits(2);
    let _ = home.dpbackup(&["verify"]).exits(2);
}

#[test]
fn nothing_to_verify_is_refused_however_it_is_to_be_printed() {
    let home = Home::new().plan("P", "");
    for arguments in [
        &["verify"][..],
        &["verify", "--format", "json"],
        &["verify", "--format", "table"],
    ] {
        let ran = home.dpbackup(arguments).exits(2);
        assert!(ran.stdout.is_empty(), "{arguments:?}: {}", ran.stdout);
        assert!(ran.stderr.contains("--all"), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn a_folder_an_id_and_a_name_are_verified_as_what_they_are() {
    let (_gateway, home) = stored();
    let lines = |arguments: &[&str]| home.dpbackup(arguments).exits(0).stdout.lines().count();
    let all = lines(&["verify", "--all"]);
    assert_eq!(lines(&["verify", "store"]), all);
    assert_eq!(lines(&["verify", "QA1"]), all);
    assert_eq!(lines(&["verify", "1"]), lines(&["verify", "--task", "1"]));
    assert_eq!(lines(&["verify", "last"]), lines(&["verify", "--task", "last"]));

    // What history does not know is looked at too, and what is gone is missed.
    let export = the_file(&home, &["DOM2"]);
    let copy = export.with_file_name("a-copy.zip");
    fs::copy(&export, &copy).expect("a copy");
    fs::write(&export, "short").expect("damage");
    let ran = home.dpbackup(&["verify", "store/QA1/domain"]).exits(1);
    let copied = ran.stdout.lines().find(|line| line.contains("a-copy.zip"));
    assert!(
        copied.is_some_and(|line| line.starts_with("OK ")),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("BAD "), "{}", ran.stdout);
    fs::remove_file(&export).expect("removed");
    let ran = home.dpbackup(&["verify", "store/QA1/domain"]).exits(1);
    assert!(ran.stdout.contains("MISSING "), "{}", ran.stdout);

    let ran = home.dpbackup(&["verify", "scripts"]).exits(1);
    assert!(
        ran.stdout
            .contains("it holds no archive, and no backupmanifest.xml"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_task_that_has_stored_nothing_is_told_as_that_with_the_newest_that_has() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("Night", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    gateway.fail_as("do-backup=result-error");
    let _ = home.dpbackup(&["run", "Night"]).exits(1);
    let ran = home.dpbackup(&["verify", "last"]).exits(3);
    for told in [
        "warning: task 2 (QA1 DOM1, BACKUP_FAILED) has stored nothing\n",
        "hint: `dpbackup verify 1 ",
    ] {
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    assert_eq!(ran.stdout, "");
    // Beside others it is none that is good.
    let ran = home.dpbackup(&["verify", "1", "2"]).exits(3);
    assert!(ran.stdout.starts_with("OK "), "{}", ran.stdout);
}

#[test]
fn nothing_that_could_be_looked_at_is_a_warning_and_no_success() {
    let home = Home::new().absent_device("QA1").plan("P", PLAN);
    for arguments in [
        ["verify", "--all"].as_slice(),
        &["verify", "QA1"],
        &["-q", "verify", "--all"],
    ] {
        let ran = home.dpbackup(arguments).exits(3);
        assert!(
            ran.stdout.starts_with("nothing to verify"),
            "{arguments:?}: {}",
            ran.stdout
        );
    }
}

#[test]
fn a_device_and_a_domain_are_what_is_stored_of_that_domain() {
    let (_gateway, home) = stored();
    let ran = home.dpbackup(&["verify", "QA1/DOM1"]).exits(0);
    assert!(ran.stdout.ends_with("2 OK\n"), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("domain DOM1").count(), 2, "{}", ran.stdout);
    let ran = home.dpbackup(&["verify", "QA1/all-domains"]).exits(0);
    assert!(ran.stdout.ends_with("8 OK\n"), "{}", ran.stdout);

    // What is lost of it is missed.
    let export = the_file(&home, &["DOM2"]);
    fs::remove_file(&export).expect("removed");
    let ran = home.dpbackup(&["verify", "QA1/DOM2"]).exits(1);
    let line = line_of(&ran.stdout, &export);
    assert!(line.starts_with("MISSING ") && line.ends_with(": it is not there; task 2 stored it"));
    let hint =
        "hint: put the same file back from a copy of the store, or make a new backup (`dpbackup run P ";
    assert!(ran.stderr.contains(hint), "{}", ran.stderr);

    // A word that is wrong is no loss.
    for (word, why) in [
        ("QA1/DOM9", "nothing is stored of the domain 'DOM9' of QA1"),
        ("QA1/dom1", "did you mean 'DOM1'?"),
        ("QA2/DOM1", "has a device 'QA2'"),
        ("qa1/DOM1", "did you mean 'QA1'?"),
    ] {
        let ran = home.dpbackup(&["verify", word]).exits(2);
        assert!(ran.stdout.is_empty(), "{word}: {}", ran.stdout);
        assert!(ran.stderr.contains(why), "{word}: {}", ran.stderr);
    }

    // What is named beside everything would be ignored.
    for named in [
        ["--task", "last"],
        ["--device", "QA1"],
        ["--format=table", "QA1/DOM1"],
    ] {
        let ran = home.dpbackup(&["verify", "--all", named[0], named[1]]).exits(2);
        assert!(ran.stderr.contains("--all is everything"), "{}", ran.stderr);
    }

    // A file is meant before anything else, and so is a place that history knows.
    let ran = home.dpbackup(&["verify", "store/QA1"]).exits(1);
    assert!(ran.stdout.contains("MISSING "), "{}", ran.stdout);
    fs::remove_dir_all(home.store().join("QA1")).expect("removed");
    let ran = home.dpbackup(&["verify", "store/QA1"]).exits(1);
    assert!(ran.stdout.contains("MISSING "), "{}", ran.stdout);
}

#[test]
fn quiet_says_only_what_is_not_good() {
    let (_gateway, home) = stored();
    let ran = home.dpbackup(&["verify", "--all", "-q"]).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    fs::remove_file(the_file(&home, &["DOM2"])).expect("removed");
    let ran = home.dpbackup(&["verify", "--all", "-q"]).exits(1);
    assert!(ran.stdout.starts_with("MISSING "), "{}", ran.stdout);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
}

#[test]
fn json_holds_every_file_with_its_state() {
    let (_gateway, home) = stored();
    fs::remove_file(the_file(&home, &["DOM2"])).expect("removed");
    let ran = home.dpbackup(&["verify", "--all", "--format", "json"]).exits(1);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["schema_version"], 1);
    assert_eq!(document["good"], false);
    let files = document["files"].as_array().expect("files");
    let states: Vec<&str> = files.iter().filter_map(|file| file["state"].as_str()).collect();
    assert_eq!(states.iter().filter(|state| **state == "OK").count(), 10);
    assert_eq!(states.iter().filter(|state| **state == "MISSING").count(), 1);
}

/// What is done to a file, or to what history says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    FlippedBit,
    Cut,
    Emptied,
    Swapped,
    Deleted,
    Linked,
    Folder,
}

const WAYS: [Way; 7] = [
    Way::FlippedBit,
    Way::Cut,
    Way::Emptied,
    Way::Swapped,
    Way::Deleted,
    Way::Linked,
    Way::Folder,
];

fn damage(way: Way, path: &Path, offset: usize, other: &Path, aside: &Path) {
    let mut bytes = fs::read(path).expect("a file");
    match way {
        Way::FlippedBit => {
            bytes[offset] ^= 0x10;
            fs::write(path, bytes).expect("written");
        }
        Way::Cut => {
            bytes.truncate(bytes.len() - 7);
            fs::write(path, bytes).expect("written");
        }
        Way::Emptied => fs::write(path, b"").expect("written"),
        Way::Swapped => {
            fs::copy(other, path).expect("copied");
        }
        Way::Deleted => fs::remove_file(path).expect("removed"),
        Way::Linked => {
            fs::rename(path, aside).expect("moved");
            symlink(aside, path).expect("a link to the very same bytes");
        }
        Way::Folder => {
            fs::remove_file(path).expect("removed");
            fs::create_dir(path).expect("a folder");
        }
    }
}

fn mend(path: &Path, bytes: &[u8]) {
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir(path).expect("removed");
    } else if path.symlink_metadata().is_ok() {
        fs::remove_file(path).expect("removed");
    }
    fs::write(path, bytes).expect("written");
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("its mode");
}

fn position(bytes: &[u8], wanted: &[u8]) -> usize {
    let found = bytes.windows(wanted.len()).position(|window| window == wanted);
    found.expect("the bytes are there")
}

#[test]
fn no_damage_passes_wherever_it_is() {
    let (_gateway, home) = stored();
    let export = the_file(&home, &["DOM1", "-persisted.zip"]);
    let other = the_file(&home, &["DOM2", "-persisted.zip"]);
    let manifest = the_file(&home, &["backupmanifest.xml"]);
    let part = the_file(&home, &["config.tgz"]);
    let another = the_file(&home, &["root.tgz"]);
    let bytes = fs::read(&export).expect("an export");
    // In the stored inner ZIP, behind its name, lie its own bytes.
    let inner = position(&bytes, b"DOM1.zip") + 60;
    let checksum = position(&fs::read(&manifest).expect("a manifest"), b"<checksum>") + 12;
    let places = [
        ("the outer ZIP", &export, bytes.len() - 40, &other),
        ("the inner ZIP", &export, inner, &other),
        ("the manifest", &manifest, checksum, &part),
        ("an encrypted part", &part, 2_000, &another),
    ];
    let aside = home.path("aside");
    for (place, path, offset, other) in places {
        let bytes = fs::read(path).expect("a file");
        for way in WAYS {
            damage(way, path, offset, other, &aside);
            let ran = home.dpbackup(&["verify", "--all"]).exits(1);
            let line = line_of(&ran.stdout, path);
            let expected = match way {
                Way::Deleted => &["MISSING"][..],
                Way::Linked | Way::Folder => &["BAD"],
                // A part is good or not by its manifest, which is told at the folder.
                _ if *path == part || *path == manifest => &["CHANGED"],
                _ => &["BAD"],
            };
            assert!(
                expected.iter().any(|word| line.starts_with(word)),
                "{place}, {way:?}: {line}"
            );
            if *path == part || *path == manifest {
                let folder = path.parent().expect("a folder").to_str().expect("a plain path");
                let folder_line = ran
                    .stdout
                    .lines()
                    .find(|line| line.contains(&format!("{folder}: ")));
                let folder_line = folder_line.unwrap_or_else(|| panic!("{folder} in {}", ran.stdout));
                assert!(folder_line.starts_with("BAD"), "{place}, {way:?}: {folder_line}");
            }
            mend(path, &bytes);
            let _ = home.dpbackup(&["verify", "--all"]).exits(0);
        }
    }
}

#[test]
fn a_row_of_history_that_was_changed_is_found() {
    let (_gateway, home) = stored();
    let path = the_file(&home, &["DOM1", "-persisted.zip"]);
    let history = home.path("state/history.db");
    for change in [
        "sha256 = 'ab' || substr(sha256, 3)",
        "size = size + 1",
        "entries = entries + 1",
        "objects = objects - 1",
    ] {
        let saved = fs::read(&history).expect("a history");
        let sql = format!("UPDATE file SET {change} WHERE path = ?1");
        let connection = Connection::open(&history).expect("a history");
        let changed = connection
            .execute(
                &sql,
                [path.strip_prefix(home.store()).expect("in the store").to_str()],
            )
            .expect("changed");
        assert_eq!(changed, 1, "{change}");
        drop(connection);
        let ran = home.dpbackup(&["verify", "--task", "1"]).exits(1);
        let line = line_of(&ran.stdout, &path);
        assert!(
            line.starts_with("CHANGED") && line.contains("history says"),
            "{change}: {line}"
        );
        fs::write(&history, saved).expect("written back");
    }
    let sql = "UPDATE task_execution SET domain_name = 'DOM9' WHERE id = 1";
    Connection::open(&history)
        .expect("a history")
        .execute(sql, [])
        .expect("changed");
    let ran = home.dpbackup(&["verify", "--task", "1"]).exits(1);
    assert!(
        line_of(&ran.stdout, &path).contains("domain \"DOM9\" is missing"),
        "{}",
        ran.stdout
    );
}

#[test]
fn rights_of_others_are_a_warning() {
    let (_gateway, home) = stored();
    let path = the_file(&home, &["DOM1", "-persisted.zip"]);
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("a mode");
    let ran = home.dpbackup(&["verify", "--all"]).exits(3);
    assert!(line_of(&ran.stdout, &path).starts_with("OK"), "{}", ran.stdout);
    assert!(ran.stdout.contains("it has mode 0640"), "{}", ran.stdout);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
    let folder = path.parent().expect("a folder");
    fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("a mode");
    let ran = home.dpbackup(&["verify", "--all"]).exits(3);
    assert_eq!(
        ran.stdout.matches("has mode 0755").count(),
        1,
        "told once: {}",
        ran.stdout
    );
}

#[test]
fn a_link_in_place_of_a_folder_of_the_store_is_bad() {
    let (_gateway, home) = stored();
    let domains = home.store().join("QA1/domain");
    fs::rename(&domains, home.path("elsewhere")).expect("moved");
    symlink(home.path("elsewhere"), &domains).expect("a link");
    let ran = home.dpbackup(&["verify", "--all"]).exits(1);
    assert_eq!(ran.stdout.matches("BAD  ").count(), 3, "{}", ran.stdout);
}

#[test]
fn a_file_is_verified_without_plan_and_history() {
    let (_gateway, home) = stored();
    let copy = home.path("copy.zip");
    fs::copy(the_file(&home, &["DOM2"]), &copy).expect("copied");
    let folder = the_file(&home, &["backupmanifest.xml"]);
    let folder = folder.parent().expect("a folder").to_owned();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let verify = |path: &Path| {
        let mut command = home.command(&["verify", path.to_str().expect("a plain path")]);
        let command = command
            .env_remove("DPBACKUP_CONFIG")
            .current_dir(elsewhere.path());
        crate::support::Ran::of(command.output().expect("the binary starts"))
    };
    let good = verify(&copy).exits(0);
    assert!(good.stdout.contains("do-backup, domain DOM2"), "{}", good.stdout);
    let _ = verify(&folder).exits(0);
    let _ = verify(&folder.join("backupmanifest.xml")).exits(0);
    // One that somebody gave the name of another domain's is not what it is taken for.
    let misnamed = home.path("DOM1-export-2026-01-02-03-04-05-678-persisted.zip");
    fs::copy(&copy, &misnamed).expect("copied");
    let ran = verify(&misnamed).exits(3);
    let told = "its name is that of an export of DOM1, and it holds DOM2";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    // What others put beside it is named, and makes it no worse; nor is it any better for it.
    fs::write(folder.join("unlisted"), b"x").expect("written");
    let ran = verify(&folder).exits(0);
    assert!(ran.stdout.contains("\"unlisted\" lies in it"), "{}", ran.stdout);
    fs::write(folder.join("config.tgz"), b"x").expect("written");
    let _ = verify(&folder).exits(1);
    let _ = verify(&home.path("nothing")).exits(1);
    let _ = verify(&home.path("plans.toml")).exits(1);
}

#[test]
fn a_stored_file_that_is_named_is_held_against_history() {
    let (_gateway, home) = stored();
    let path = the_file(&home, &["DOM1", "-persisted.zip"]);
    let other = the_file(&home, &["DOM2"]);
    // Good in itself, and of the wrong domain.
    fs::copy(&other, &path).expect("copied");
    let ran = home
        .dpbackup(&["verify", path.to_str().expect("a plain path")])
        .exits(1);
    assert!(ran.stdout.contains("history says"), "{}", ran.stdout);
    // By another way to the same place, the parts of a secure backup by any one of them.
    let manifest = the_file(&home, &["backupmanifest.xml"]);
    let inside = manifest.strip_prefix(home.path("")).expect("in the home");
    let ran = home
        .dpbackup(&["verify", inside.to_str().expect("a plain path")])
        .exits(0);
    assert!(ran.stdout.ends_with("8 OK\n"), "{}", ran.stdout);
}

#[test]
fn a_folder_is_held_against_history_whichever_way_leads_to_it() {
    let (_gateway, home) = stored();
    let bad = the_file(&home, &["DOM1", "-persisted.zip"]);
    fs::copy(the_file(&home, &["DOM2"]), &bad).expect("copied");
    let gone = the_file(&home, &["DOM1", "-nonpersisted.zip"]);
    fs::rename(&gone, home.path("away.zip")).expect("moved");
    symlink(home.store(), home.path("ln")).expect("a link");
    let above = home.store().parent().expect("a folder").to_owned();
    let device = home.store().join("QA1");
    let judged = |folder: &Path, word: &str| {
        let mut command = home.command(&["verify", word]);
        let ran = crate::support::Ran::of(command.current_dir(folder).output().expect("the binary starts"));
        let ran = ran.exits(1);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("history says"), "{word}: {said}");
        assert!(said.contains("MISSING"), "{word}: {said}");
        said
    };
    let whole = |said: &str| assert!(said.contains(" OK, ") && said.contains("1 MISSING"), "{said}");
    for (folder, word) in [
        (device.as_path(), ".."),
        (above.as_path(), "."),
        (&above, "ln"),
        (&above, "ln/"),
        (&device, "../QA1/.."),
        (&device, "."),
    ] {
        whole(&judged(folder, word));
    }
    // And a store behind a link, by its own way and by that of the link's end.
    let real = home.path("real");
    fs::rename(home.store(), &real).expect("moved");
    symlink(&real, home.store()).expect("a link");
    for (folder, word) in [
        (real.as_path(), "."),
        (&above, real.to_str().expect("a plain path")),
        (&above, home.store().to_str().expect("a plain path")),
        (&real.join("QA1/domain"), "DOM1"),
    ] {
        judged(folder, word);
    }
    let name = bad.file_name().and_then(|name| name.to_str()).expect("a name");
    let mut command = home.command(&["verify", name]);
    let there = command.current_dir(real.join("QA1/domain/DOM1"));
    let ran = crate::support::Ran::of(there.output().expect("the binary starts")).exits(1);
    assert!(ran.stdout.contains("history says"), "{}", ran.stdout);
}

#[test]
fn a_path_below_the_store_is_taken_as_it_was_printed() {
    let (_gateway, home) = stored();
    for file in home.stored() {
        let ran = home.dpbackup(&["verify", &file]).exits(0);
        assert!(ran.stdout.contains("OK  "), "{file}: {}", ran.stdout);
    }
    let _ = home.dpbackup(&["verify", "QA1/domain/DOM2"]).exits(0);
    let gone = the_file(&home, &["DOM2"]);
    fs::remove_file(&gone).expect("removed");
    let below = gone.strip_prefix(home.store()).expect("in the store");
    let ran = home
        .dpbackup(&["verify", below.to_str().expect("a plain path")])
        .exits(1);
    let missing = line_of(&ran.stdout, &gone);
    assert!(missing.starts_with("MISSING"), "{missing}");
}

#[test]
fn an_archive_is_looked_at_whatever_the_plan_file_and_the_history_are_like() {
    let (_gateway, home) = stored();
    let good = home.path("copy.zip");
    fs::copy(the_file(&home, &["DOM2"]), &good).expect("copied");
    let good = good.to_str().expect("a plain path").to_owned();
    let bad = home.path("bad.zip");
    fs::write(&bad, b"PK\x03\x04 no more").expect("written");
    let bad = bad.to_str().expect("a plain path").to_owned();
    let history = home.path("state/history.db");
    let plans = home.path("other.toml");
    let whole_history = fs::read(&history).expect("bytes");
    fs::copy(home.path("plans.toml"), &plans).expect("copied");
    let config = plans.to_str().expect("a plain path").to_owned();
    let verify = |what: &str| home.dpbackup(&["--config", &config, "verify", what]);
    let looks = |how: &str| {
        let ran = verify(&good).exits(3);
        assert!(
            ran.stdout.contains("do-backup, domain DOM2"),
            "{how}: {}",
            ran.stdout
        );
        let told = ran
            .stderr
            .matches("could not be held against the history")
            .count();
        assert_eq!(told, 1, "{how}: {}", ran.stderr);
        let ran = verify(&bad).exits(1);
        assert!(ran.stdout.contains("BAD"), "{how}: {}", ran.stdout);
        // What is not there is no file that could be looked at by itself.
        let ran = verify("QA1");
        assert!(!matches!(ran.code, Some(0 | 1 | 3)), "{how}: {:?}", ran.code);
    };
    fs::write(&history, "no history\n".repeat(500)).expect("written");
    looks("a history that is none");
    fs::write(&history, &whole_history).expect("written");
    let newer = Connection::open(&history).expect("the history");
    newer
        .pragma_update(None, "user_version", 900)
        .expect("another version");
    drop(newer);
    looks("a newer history");
    fs::write(&history, &whole_history).expect("written");
    fs::write(&plans, "plan = [").expect("written");
    looks("no TOML");
    fs::remove_file(&plans).expect("removed");
    fs::create_dir(&plans).expect("a folder");
    looks("a folder");
    fs::remove_dir(&plans).expect("removed");
    fs::copy(home.path("plans.toml"), &plans).expect("copied");
    let _ = verify(&good).exits(0);
}

#[test]
fn a_new_backup_of_what_is_lost_is_made_by_the_plans_that_back_it_up_today() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1"), Domain::new("DOM2"), Domain::new("DOM3")],
        ..Setup::default()
    });
    let home = Home::of(&gateway)
        .plan("Nightly", &export("*", "DOM1", ""))
        .plan("Weekly full", &export("*", "DOM2", ""))
        .plan("Q", &export("*", "DOM*", ""));
    let _ = home.dpbackup(&["run", "Weekly full"]).exits(0);
    let _ = home.dpbackup(&["run", "Q"]).exits(0);
    let _ = fs::copy(home.plan_file(), home.path("today.toml")).expect("a plan file");
    let hint = |asked: &str| {
        let ran = home.dpbackup(&["verify", asked, "-q", "--config", "today.toml"]);
        ran.exits(1).stderr
    };
    let runs = |plans: &str| format!("make a new backup (`dpbackup run {plans} --config");

    // One plan that makes all of it is enough, though another one has made a part of what is lost.
    for stored in [1, 2] {
        let name = format!("DOM{stored}");
        let of_domain = home.stored().into_iter().filter(|path| path.contains(&name));
        of_domain.for_each(|path| fs::remove_file(home.store().join(path)).expect("removed"));
    }
    let said = hint("QA1");
    assert!(said.contains(&runs("Q")), "{said}");
    let said = hint("QA1/DOM1");
    assert!(said.contains(&runs("Q")), "{said}");

    // Without the plan that has made it, another one does.
    let text = home.text("today.toml");
    let without = text.replace("name = \"Q\"", "name = \"Q\"\nenabled = false");
    fs::write(home.path("today.toml"), &without).expect("a plan file");
    let said = hint("QA1");
    assert!(said.contains(&runs("Nightly 'Weekly full'")), "{said}");

    // Where none does, none is named, nor the word for one.
    let gone = without.replace(
        "name = \"Weekly full\"",
        "name = \"Weekly full\"\nenabled = false",
    );
    fs::write(home.path("today.toml"), gone).expect("a plan file");
    let said = hint("QA1");
    let but = "but no plan that is enabled backs up QA1/DOM2; `dpbackup history status";
    assert!(said.contains(&runs("Nightly")) && said.contains(but), "{said}");
    let said = hint("QA1/DOM2");
    let none = "a copy of the store: no plan that is enabled backs up QA1/DOM2; ";
    assert!(said.contains(none) && !said.contains("dpbackup run"), "{said}");
}
