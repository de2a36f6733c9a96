//! Commands in messages are pasted. Those that the snapshots of mistakes have are, here: a shell
//! takes them, and the binary understands them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::mistakes_words::home;
use crate::support::Ran;

/// Words that stand for something of the reader's.
const PLACEHOLDERS: [&str; 8] = ["PLAN", "FILE", "DEVICE", "ID", "TASK", "DIR", "NAME", "FOLDER"];

fn snapshots() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots");
    let files = fs::read_dir(folder).expect("the folder of snapshots");
    let mut found: Vec<(String, String)> = files
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "snap"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(path).expect("a snapshot"))
        })
        .filter(|(name, _)| name.starts_with("it__mistakes"))
        .collect();
    found.sort();
    found
}

/// Every command of ours between two backticks, and those behind `more:`.
fn commands() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in snapshots() {
        for line in text.lines().filter(|line| !line.starts_with("===")) {
            let quoted = line.split('`').skip(1).step_by(2);
            found.extend(
                quoted
                    .filter(|words| words.starts_with("dpbackup "))
                    .map(str::to_owned),
            );
            if let Some(more) = line.trim().strip_prefix("more: ") {
                found.insert(more.to_owned());
            }
        }
    }
    found
}

#[test]
fn a_hundred_mistakes_and_more_are_kept_with_what_is_said_of_them() {
    let kept: usize = snapshots()
        .iter()
        .map(|(_, text)| text.matches("\n=== ").count())
        .sum();
    assert!(kept >= 200, "{kept}");
}

#[test]
fn every_mistake_that_is_answered_has_a_cause_and_a_next_step() {
    for (name, text) in snapshots() {
        for mistake in text.split("\n=== ").skip(1) {
            let (title, said) = mistake.split_once('\n').expect("a title");
            assert!(said.trim().len() > 20, "{name}: {title}: {said}");
            if said.starts_with("error: `dpbackup") || said.starts_with("error: '") {
                assert!(said.contains("\nhint: "), "{name}: {title}: {said}");
            }
            for raw in ["invalid digit", "os error", "expected `", "TOML parse"] {
                assert!(
                    !said.contains(raw),
                    "{name}: {title} has words of a parser: {said}"
                );
            }
        }
    }
}

#[test]
fn every_command_of_a_message_is_taken_by_a_shell_and_understood() {
    let home = home();
    let bin = home.path("bin");
    fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dpbackup"), bin.join("dpbackup")).expect("a link");
    let plan_file = fs::read(home.plan_file()).expect("the plan file");
    let mut typed = 0;
    for line in commands() {
        if line.split_whitespace().any(|word| PLACEHOLDERS.contains(&word)) {
            continue;
        }
        let line = line.replace("[HOME]", &home.path("").to_string_lossy());
        // Files of other homes have the same plans here.
        for other in ["own.toml", "localhost.toml", "other.toml"] {
            fs::write(home.path(other), &plan_file).expect("a plan file");
            fs::set_permissions(home.path(other), fs::Permissions::from_mode(0o600)).expect("its mode");
        }
        let mut shell = std::process::Command::new("/bin/sh");
        shell
            .args(["-c", &line])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("HOME", home.path(""))
            .env("TZ", "UTC")
            .env("DPBACKUP_CONFIG", home.path("plans.toml"))
            .env("DPBACKUP_TEST_PASSWORD", "secret")
            .current_dir(home.path(""))
            .stdin(std::process::Stdio::null());
        let ran = Ran::of(shell.output().expect("a shell"));
        for misunderstood in [
            "has no command",
            "has no option",
            "is no value of",
            "one word too many",
            "exclude each other",
            "not found",
            "Syntax error",
        ] {
            let is_about_words = ran.stderr.contains(misunderstood);
            assert!(!is_about_words, "`{line}`: {}", ran.stderr);
        }
        typed += 1;
    }
    assert!(typed > 40, "{typed}");
}
