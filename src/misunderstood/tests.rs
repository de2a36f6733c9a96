use std::collections::BTreeSet;

use clap::{Command, CommandFactory};

use super::{Misunderstood, explain};
use crate::cli::Cli;
use crate::misunderstood::other_options::{OPTIONS_OF_ALL, options_of};
use crate::misunderstood::other_words::COMMANDS;
use crate::misunderstood::proposed::{KnownNames, is_taken};
use crate::values::invocation::Invocation;

/// What is answered to a line, if it is not understood.
fn answer(line: &[&str], names: Option<&KnownNames>) -> Option<Misunderstood> {
    let typed = ["dpbackup"].iter().chain(line);
    let error = Cli::command().try_get_matches_from(typed).err()?;
    let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
    Some(explain(&error, &words, &Invocation::default(), names))
}

fn names() -> KnownNames {
    KnownNames {
        plans: vec!["Nightly".to_owned(), "Every, week".to_owned()],
        devices: vec!["QA1".to_owned()],
        spares: Vec::new(),
    }
}

/// The commands that an answer proposes, as a shell would split them.
fn proposed(hint: &str) -> Vec<Vec<String>> {
    let quoted = hint.split('`').skip(1).step_by(2);
    let commands = quoted.filter_map(|quoted| quoted.strip_prefix("dpbackup "));
    commands
        .map(|line| {
            let odd = line.split('\'').enumerate();
            odd.flat_map(|(at, piece)| match at % 2 {
                0 => piece.split_whitespace().map(str::to_owned).collect(),
                _ => vec![piece.to_owned()],
            })
            .collect()
        })
        .collect()
}

#[track_caller]
fn can_be_typed(line: &[&str], names: Option<&KnownNames>) -> usize {
    let Some(Misunderstood { hint, .. }) = answer(line, names) else {
        return 0;
    };
    let commands = proposed(&hint);
    for command in &commands {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        assert!(is_taken(&words), "{line:?} is answered with {words:?}: {hint}");
    }
    commands.len()
}

/// Each command, by the words that lead to it.
fn paths() -> Vec<Vec<String>> {
    fn below(command: &Command, path: &[String], paths: &mut Vec<Vec<String>>) {
        for command in command.get_subcommands() {
            let path = [path, &[command.get_name().to_owned()]].concat();
            paths.push(path.clone());
            below(command, &path, paths);
        }
    }
    let mut paths = vec![Vec::new()];
    below(&Cli::command(), &[], &mut paths);
    paths
}

#[test]
fn every_command_that_an_answer_proposes_can_be_typed() {
    let known = names();
    let mut proposals = 0;
    let behind: [&[&str]; 9] = [
        &[],
        &["Nightly"],
        &["QA1"],
        &["Every, week"],
        &["1"],
        &["last"],
        &["a", "b"],
        &["QA1/DOM1", "out"],
        &["Nightly", "--force"],
    ];
    let slips = ["rum", "histroy", "restor", "extarct", "prun", "rehearze"];
    // Words of one row have one answer.
    let words = COMMANDS.iter().filter_map(|other| other.words.first().copied());
    for word in words.chain(slips) {
        for rest in behind {
            for names in [None, Some(&known)] {
                proposals += can_be_typed(&[&[word], rest].concat(), names);
            }
        }
    }
    for path in paths() {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let command = path.last().copied().unwrap_or_default();
        for other in options_of().filter(|other| other.said_to.contains(&command)) {
            for option in other.options {
                for line in [
                    [path.as_slice(), &[option]].concat(),
                    [path.as_slice(), &["3", option, "QA1"]].concat(),
                ] {
                    proposals += can_be_typed(&line, Some(&known));
                }
            }
        }
        for option in OPTIONS_OF_ALL.iter().filter_map(|other| other.options.first()) {
            proposals += can_be_typed(&[path.as_slice(), &["Nightly", option]].concat(), Some(&known));
        }
        for rest in behind {
            proposals += can_be_typed(&[path.as_slice(), rest, &["one-more"]].concat(), Some(&known));
        }
    }
    assert!(proposals > 1_000, "{proposals}");
}

#[test]
fn no_word_has_two_meanings_and_none_is_a_command_or_an_option() {
    let mut command = Cli::command();
    command.build();
    let mut seen = BTreeSet::new();
    for word in COMMANDS.iter().flat_map(|other| other.words) {
        assert!(seen.insert(*word), "{word} stands twice");
        assert!(command.find_subcommand(word).is_none(), "{word} is a command");
    }
    let mut seen = BTreeSet::new();
    for other in options_of() {
        for said_to in other.said_to {
            for option in other.options {
                assert!(
                    seen.insert((*said_to, *option)),
                    "{said_to} {option} stands twice"
                );
            }
        }
    }
    for option in OPTIONS_OF_ALL.iter().flat_map(|other| other.options) {
        assert!(seen.insert(("everywhere", *option)), "{option} stands twice");
    }
}

#[test]
fn whoever_asks_for_a_dry_run_is_never_told_to_do_the_thing_itself() {
    let known = names();
    let changes = [
        "run",
        "prune",
        "recover",
        "notify-test",
        "init",
        "extract",
        "rehearse",
        "restore",
    ];
    let asked = [
        "--dry-run",
        "--dryrun",
        "--check",
        "--test",
        "--simulate",
        "--what-if",
        "--whatif",
        "--noop",
        "--no-op",
        "--preview",
        "--pretend",
        "--dry",
        "-n",
    ];
    for command in changes {
        for option in asked {
            let line = [command, option];
            let Some(Misunderstood { hint, .. }) = answer(&line, Some(&known)) else {
                continue;
            };
            assert!(!hint.contains("leave it out"), "{line:?}: {hint}");
            let proposed = proposed(&hint);
            let does_it =
                |words: &Vec<String>| words.len() == 1 && ["run", "prune"].contains(&words[0].as_str());
            assert!(!proposed.iter().any(does_it), "{line:?}: {hint}");
        }
    }
    let hint = |line: &[&str]| answer(line, Some(&known)).expect("an answer").hint;
    let run = hint(&["run", "Nightly", "--dryrun"]);
    assert!(run.contains("`dpbackup preview Nightly`"), "{run}");
    let prune = hint(&["prune", "--noop"]);
    assert!(prune.contains("`dpbackup prune --dry-run`"), "{prune}");
    assert!(hint(&["verify", "--all", "--noop"]).contains("changes nothing"));
    for word in [
        "dry-run-prune",
        "prune-test",
        "test-prune",
        "run-noop",
        "simulate-run",
    ] {
        let hint = hint(&[word]);
        let tries = hint.contains("prune --dry-run") || hint.contains("dpbackup preview");
        assert!(tries && !hint.contains("dpbackup prune`"), "{word}: {hint}");
    }
    for line in [["extract", "--all"], ["diff", "--all"], ["init", "--all"]] {
        assert!(!hint(&line).contains("leave it out"), "{line:?}");
    }
}

#[test]
fn a_word_of_several_pieces_is_answered_by_what_its_pieces_say() {
    let known = names();
    let hint = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        answer(&words, Some(&known)).expect(line).hint
    };
    for (line, command) in [
        ("run-all", "`dpbackup run --all`"),
        ("prune_dry_run", "`dpbackup prune --dry-run`"),
        ("history-status", "`dpbackup history status`"),
        ("history.tasks", "`dpbackup history tasks last`"),
        ("list-devices", "`dpbackup list`"),
        ("device-list", "`dpbackup list`"),
        ("backup-plan Nightly", "`dpbackup run Nightly`"),
        ("rancid-run", "`dpbackup run PLAN`"),
        ("test-connection", "`dpbackup check`"),
        ("checkconfig", "`dpbackup validate`"),
        ("check-repo", "`dpbackup verify --all`"),
        ("report.html", "`dpbackup report report.html`"),
        ("12", "`dpbackup history 12`"),
        ("QA1/DOM1", "`dpbackup verify QA1/DOM1`"),
        ("old.zip", "`dpbackup verify old.zip`"),
        ("-v", "`dpbackup --version`"),
    ] {
        assert!(hint(line).contains(command), "{line}: {}", hint(line));
    }
}

#[test]
fn a_number_with_a_minus_is_a_value_or_a_number_of_rows() {
    let said = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        answer(&words, Some(&names())).expect(line)
    };
    for (line, title, hint) in [
        ("log -5", "no option -5", "`dpbackup log --limit 5`"),
        ("history -1", "no option -1", "`dpbackup history --limit 1`"),
        ("history -n -3", "no value of -n", "`dpbackup history -n 3`"),
        (
            "history --since -2d",
            "no value of --since",
            "`dpbackup history --since 2d`",
        ),
        (
            "run Nightly --lock-wait -1",
            "no value of --lock-wait",
            "1 has no unit",
        ),
        ("verify -5", "no option -5", "`dpbackup verify --help`"),
    ] {
        let said = said(line);
        assert!(
            said.title.contains(title) && said.hint.contains(hint),
            "{line}: {said:?}"
        );
    }
}

#[test]
fn an_answer_is_about_the_command_that_it_was_said_to() {
    let known = names();
    let hint = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        answer(&words, Some(&known)).expect(line).hint
    };
    for command in paths().into_iter().filter(|path| path.len() == 1).flatten() {
        if command == "run" || command == "preview" {
            continue;
        }
        for option in ["--yes", "--force", "-f", "--dry-run", "-n"] {
            let line = [command.as_str(), "3", option];
            let Some(answer) = answer(&line, Some(&known)) else {
                continue;
            };
            assert!(!answer.hint.contains("dpbackup run"), "{line:?}: {}", answer.hint);
            assert!(
                !answer.hint.contains("dpbackup preview"),
                "{line:?}: {}",
                answer.hint
            );
        }
    }
    let confirmed = hint("restore 3 --to QA1 --yes");
    assert!(confirmed.contains("`dpbackup restore 3 --to QA1`"), "{confirmed}");
    let rehearsed = hint("restore 3 --to QA1 --dry-run");
    assert!(rehearsed.contains("`dpbackup rehearse 3 --on"), "{rehearsed}");
    assert!(hint("run Nightly -f json").contains("--format json"));
    assert!(hint("start dpbackup@Nightly.timer").contains("`dpbackup run Nightly`"));
    assert!(hint("domains QA1").contains("`dpbackup preview PLAN`"));
}

#[test]
fn the_words_of_other_programs_have_an_answer_of_their_own() {
    let words = [
        // restic
        "init-repo snapshots ls restore mount forget tag key cache dump list migrate rebuild-index repair rewrite self-update \
         stats unlock",
        // borg
        "create delete info rename compact break-lock with-lock export-tar import-tar serve transfer rlist check-archive",
        // git
        "commit push pull status blame branch checkout revert remote grep reflog stash clone fetch whatchanged clean gc fsck",
        // rancid, and what the gateway's own tools say
        "rancid rancid-run collect backup-plan backup-device secure-backup domain-list plan-list execution-list",
        // kubectl
        "get describe apply logs exec edit patch top rollout-restart attach wait label cordon-device",
        // systemctl
        "start stop restart reload enable disable is-active is-failed list-timers daemon-reload reset-failed mask unmask cat",
    ];
    for word in words.iter().flat_map(|words| words.split_whitespace()) {
        let Some(Misunderstood { hint, .. }) = answer(&[word], Some(&names())) else {
            continue;
        };
        assert!(!hint.starts_with("the commands are"), "{word}: {hint}");
    }
}

#[test]
fn what_was_typed_stands_in_the_command_that_is_proposed() {
    for (line, expected) in [
        ("job run Nightly", "`dpbackup run Nightly`"),
        ("executeBackup --plan Nightly", "`dpbackup run Nightly`"),
        ("device list", "`dpbackup list` shows all"),
        ("diff --old 1 --new 2", "`dpbackup diff 1 2`"),
        ("verify -r store", "`dpbackup verify store`"),
        ("verify --hash", "`dpbackup verify --all`"),
        ("find -i dom1", "`dpbackup find dom1`"),
        ("find -rn X", "`dpbackup find X`"),
        ("find X --tag prod", "--device @TAG"),
        ("log --stat", "`dpbackup log`"),
        ("prune --max-size 10G", "what is kept stands in the plan file"),
        ("prune --before 2026-01-01", "`dpbackup prune --dry-run`"),
        ("prune --plan Nightly week", "`dpbackup prune --dry-run --plan "),
        ("init --host 10.0.0.1", "`dpbackup init"),
        (
            "recover --forget QA1 DOM1",
            "`dpbackup recover --forget QA1/DOM1`",
        ),
        ("revert 1", "`dpbackup restore 1 --to QA1`"),
        ("restore 1 QA1/DOM1", "`dpbackup restore 1 --to QA1`"),
        ("restore store/QA1/domain/DOM1 --to QA1", "it is a path"),
        ("rehearse --all --spare QA1", "`dpbackup rehearse --all --on "),
        ("restore help", "`dpbackup restore --help`"),
        ("run Nightly -j 4", "a gateway under load: `dpbackup run Nightly`"),
        (
            "run --lock-wait Nightly",
            "`dpbackup run --lock-wait 10m Nightly`",
        ),
        ("run Nightly --mail a@b.example", "`dpbackup show Nightly`"),
        ("run --error-policy ignore", "it stands in the plan file"),
        ("help history last", "`dpbackup history --help`"),
        ("help exit-codes", "`dpbackup --help`"),
        ("help SKIPPED_APIC_DOMAIN", "docs/history.md"),
        ("history --since 2026-02-30", "no such day"),
        ("history status --max-age forever", "\"400d\""),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let answer = answer(&words, Some(&names())).expect(line);
        assert!(answer.hint.contains(expected), "{line}: {}", answer.hint);
        can_be_typed(&words, Some(&names()));
    }
}
