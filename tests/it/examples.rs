//! What `examples/` schedules and installs is understood by who reads it: the units by systemd,
//! the YAML by a parser, the commands by the binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Parser as _;
use dpbackup::cli::Cli;
use dpbackup::plan::keys::notify::NOTIFY;
use dpbackup::plan::keys::tables::{SETTINGS, TIMEOUTS};
use dpbackup::plan::keys::{Absent, Table};
use dpbackup::values::duration::{self, HumanDuration};

use crate::support::{Home, not_tested_here};

const PLAYBOOK: &str = include_str!("../../examples/ansible/playbook.yml");

fn examples(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(folder);
    let mut found: Vec<_> = fs::read_dir(&folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.clone(), fs::read_to_string(path).expect("text")))
        .collect();
    found.sort();
    found
}

/// Each command line of dpbackup in the examples, with what starts it.
fn command_lines() -> Vec<(PathBuf, Vec<String>)> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut lines = Vec::new();
    for (path, text) in examples("cron") {
        let entries = text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_digit() || c == '*'));
        // Five fields of time, the user, the command.
        lines.extend(entries.map(|line| (path.clone(), words(line).split_off(6))));
    }
    for (path, text) in examples("systemd") {
        let started = text.lines().filter_map(|line| line.strip_prefix("ExecStart="));
        lines.extend(started.map(|line| (path.clone(), words(&line.replace("%I", "Nightly")))));
    }
    for (path, text) in examples("kubernetes") {
        let given = text.lines().filter_map(|line| line.trim().strip_prefix("args: "));
        for arguments in given {
            let mut line = vec!["dpbackup".to_owned()];
            line.extend(serde_json::from_str::<Vec<String>>(arguments).expect("an array of texts"));
            lines.push((path.clone(), line));
        }
    }
    lines
}

#[test]
fn every_way_of_starting_it_schedules_run_prune_a_weekly_verify_and_recover() {
    let lines = command_lines();
    assert_eq!(lines.len(), 12, "four commands in three ways: {lines:?}");
    for (path, line) in &lines {
        let parsed = Cli::try_parse_from(line);
        assert!(parsed.is_ok(), "{}: {line:?}: {:?}", path.display(), parsed.err());
    }
    for way in ["cron", "systemd", "kubernetes"] {
        for command in ["run Nightly", "prune", "verify --all", "recover"] {
            let has = lines.iter().any(|(path, line)| {
                path.to_string_lossy().contains(&format!("examples/{way}/"))
                    && line.join(" ").ends_with(command)
            });
            assert!(has, "{way}: {command}");
        }
    }
}

/// A default of the settings, in seconds.
fn seconds(table: &Table, name: &str) -> u64 {
    let key = table.key(name).expect(name);
    let Absent::Default(text) = key.absent else {
        panic!("{name} has a default");
    };
    duration::parse(text).map_or_else(|_| text.parse().expect("a number"), |found| found.as_secs())
}

#[test]
fn whoever_stops_a_run_waits_longer_than_putting_a_device_back_and_its_scripts_may_take() {
    let request = seconds(&TIMEOUTS, "connect") + seconds(&TIMEOUTS, "request");
    // Another gateway may answer, before and after, and the disk of the history may hang.
    let rare = 2 * seconds(&SETTINGS, "unquiesce_timeout") + 30;
    let back = seconds(&SETTINGS, "unquiesce_timeout")
        + seconds(&SETTINGS, "quiesce_grace")
        + 10
        + rare
        + 2 * request;
    let folder = 2 * request;
    let scripts = 2 * seconds(&SETTINGS, "script_timeout");
    let told = seconds(&NOTIFY, "tries") * seconds(&NOTIFY, "timeout");
    let at_most = back + folder + scripts + told;
    assert_eq!(back, 540, "what a run says when it is stopped");
    let value = |folder: &str, name: &str, key: &str| {
        let (_, text) = examples(folder)
            .into_iter()
            .find(|(path, _)| path.ends_with(name))
            .expect(name);
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key));
        line.expect(key).trim().to_owned()
    };
    let systemd = value("systemd", "dpbackup@.service", "TimeoutStopSec=");
    let minutes: u64 = systemd.trim_end_matches("min").parse().expect("minutes");
    assert!(minutes * 60 > at_most, "{systemd}, and it may take {at_most} s");
    let kubernetes = value("kubernetes", "cronjob.yaml", "terminationGracePeriodSeconds:");
    assert!(
        kubernetes.parse::<u64>().expect("seconds") > at_most,
        "{kubernetes}"
    );
    // The page says the same.
    let page = include_str!("../../docs/operations.md");
    for words in [
        format!("| {} |", HumanDuration(Duration::from_secs(back))),
        format!("| {} |", HumanDuration(Duration::from_secs(folder))),
        format!("That is {} minutes by default", at_most.div_ceil(60)),
    ] {
        assert!(page.contains(&words), "{words}");
    }
}

#[test]
fn a_unit_runs_the_plan_by_its_own_name_whatever_is_in_it() {
    for (path, text) in examples("systemd") {
        let escaped = text
            .lines()
            .find(|line| !line.starts_with('#') && line.contains("%i"));
        assert_eq!(escaped, None, "{}", path.display());
    }
    if Command::new("systemd-escape").arg("--version").output().is_err() {
        not_tested_here("the name of a unit, for there is no systemd-escape that unescapes it");
        return;
    }
    let escape = |arguments: &[&str]| {
        let ran = Command::new("systemd-escape")
            .args(arguments)
            .output()
            .expect("it starts");
        String::from_utf8_lossy(&ran.stdout).trim_end().to_owned()
    };
    let home = Home::new().absent_device("QA1");
    let home = ["Fleet weekly", "Nightly-Rome"]
        .into_iter()
        .fold(home, |home, name| home.plan(name, "enabled = false"));
    for name in ["Fleet weekly", "Nightly-Rome"] {
        let unit = escape(&["--template=dpbackup@.service", name]);
        let instance = unit.trim_start_matches("dpbackup@").trim_end_matches(".service");
        // %i is the instance as it stands, %I is unescaped.
        assert_eq!(escape(&["--unescape", instance]), name);
        let ran = home
            .dpbackup(&["run", &escape(&["--unescape", instance])])
            .exits(4);
        assert!(!ran.stderr.contains("has no plan"), "{}", ran.stderr);
        // What became of a name that nobody escaped, or nobody unescaped, is told.
        for wrong in [instance.to_owned(), escape(&["--unescape", name])] {
            if wrong == name {
                continue;
            }
            let ran = home.dpbackup(&["run", &wrong]).exits(2);
            assert!(
                ran.stderr.contains("systemd-escape --template=dpbackup@.service"),
                "{}",
                ran.stderr
            );
            assert!(ran.stderr.contains(name), "{}", ran.stderr);
        }
    }
}

/// What is done by the unit when a run ends so, as systemd tells it.
fn done_after(exit_code: &str) -> String {
    let (_, text) = examples("systemd")
        .into_iter()
        .find(|(path, _)| path.ends_with("dpbackup@.service"))
        .expect("the unit");
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStopPost="));
    let script = line
        .and_then(|line| line.strip_prefix("/bin/sh -c '"))
        .and_then(|line| line.strip_suffix('\''))
        .expect("a script")
        .replace("$$", "$")
        .replace("exec /usr/bin/dpbackup", "echo");
    let ran = Command::new("/bin/sh")
        .args(["-c", &script])
        .env("EXIT_CODE", exit_code)
        .output()
        .expect("it starts");
    assert!(ran.status.success());
    String::from_utf8_lossy(&ran.stdout).trim_end().to_owned()
}

#[test]
fn a_unit_puts_back_what_a_run_that_was_killed_has_left() {
    assert_eq!(done_after("exited"), "");
    for killed in ["killed", "dumped"] {
        assert_eq!(done_after(killed), "--quiet recover");
    }
}

#[test]
fn systemd_understands_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        not_tested_here("examples/systemd, for there is no systemd-analyze that looks at it");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut units = Vec::new();
    for (path, text) in examples("systemd") {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .replace('@', "@Nightly");
        // Where the package puts it there is nothing on this machine.
        let text = text.replace("/usr/bin/dpbackup", env!("CARGO_BIN_EXE_dpbackup"));
        fs::write(folder.path().join(&name), text).expect("a unit");
        units.push(folder.path().join(&name));
    }
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(&units)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("dpbackup")).collect();
    assert!(ours.is_empty(), "{said}");
    assert!(verified.status.success(), "{said}");
}

#[test]
fn the_yaml_of_the_examples_is_read_by_a_parser() {
    let reads = Command::new("python3").args(["-c", "import yaml"]).output();
    if !reads.is_ok_and(|output| output.status.success()) {
        not_tested_here("the YAML of the examples, for there is no python3-yaml that parses it");
        return;
    }
    let files = examples("kubernetes").into_iter().chain(examples("ansible"));
    let yaml = files.map(|(path, _)| path).filter(|path| {
        let name = path.to_string_lossy();
        name.ends_with(".yaml") || name.ends_with(".yml")
    });
    let mut count = 0;
    for path in yaml {
        let program =
            "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
        let read = Command::new("python3")
            .args(["-c", program])
            .arg(&path)
            .output()
            .expect("it starts");
        let documents: Vec<serde_json::Value> =
            serde_json::from_slice(&read.stdout).unwrap_or_else(|_| panic!("{}: {read:?}", path.display()));
        assert!(!documents.is_empty() && documents.iter().all(|document| !document.is_null()));
        for document in &documents {
            match document["kind"].as_str() {
                Some("CronJob") => {
                    let schedule = document["spec"]["schedule"].as_str().expect("a schedule");
                    assert_eq!(schedule.split(' ').count(), 5, "{schedule}");
                    assert_eq!(document["spec"]["concurrencyPolicy"], "Forbid");
                }
                other => {
                    assert_eq!(other, None);
                    assert!(
                        document[0]["tasks"]
                            .as_array()
                            .is_some_and(|tasks| tasks.len() > 8)
                    );
                }
            }
        }
        count += 1;
    }
    assert_eq!(count, 3);
}

#[test]
fn the_playbook_copies_files_that_are_there_and_a_plan_file_that_is_valid() {
    let units: Vec<String> = examples("systemd")
        .into_iter()
        .map(|(path, _)| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    for unit in &units {
        assert!(
            PLAYBOOK.contains(&format!("        - {unit}\n")),
            "it installs {unit}"
        );
    }
    let named = PLAYBOOK
        .lines()
        .filter(|line| line.starts_with("        - dpbackup"));
    for line in named {
        let name = line.trim_start_matches("        - ");
        assert!(
            units.iter().any(|unit| unit == name),
            "{name} is one of the units"
        );
    }
    let home = crate::support::Home::new();
    let plan = include_str!("../../examples/ansible/plans.toml");
    fs::write(home.path("ansible.toml"), plan).expect("a file");
    let valid = home.dpbackup(&["--quiet", "validate", "ansible.toml"]).exits(0);
    assert_eq!((valid.stdout.as_str(), valid.stderr.as_str()), ("", ""));
    // The credentials of the plan file are those that the playbook hands over.
    assert!(plan.contains("{ credential = \"qa1\" }") && PLAYBOOK.contains("\n      qa1: "));
}
