//! Words that other programs have, and what is meant by them here.
//!
//! In advice, `{run ...}` is a command: the words of this program, with `...` for what was
//! typed behind the wrong word. `{run ...|PLAN}` has `PLAN` where nothing was.

/// Words that are taken for one another, and what to do instead.
#[derive(Debug)]
pub(super) struct OtherWords {
    /// What people type.
    pub(super) words: &'static [&'static str],
    /// What to type.
    pub(super) advice: &'static str,
}

const fn words(words: &'static [&'static str], advice: &'static str) -> OtherWords {
    OtherWords { words, advice }
}

/// In place of a command.
pub(super) const COMMANDS: &[OtherWords] = &[
    words(
        &["backup", "start", "exec", "execute", "save", "go", "now"],
        "a plan is run by `{run ...|PLAN}`; `{list}` shows the plans",
    ),
    words(
        &["import", "rollback", "recovery"],
        "`{restore ...|last --to DEVICE}` lays the export of one domain over it, and shows its plan first; \
         `{history last}` has the IDs of tasks; a whole gateway is restored by a person: docs/restore.md",
    ),
    words(
        &["dry-run", "dryrun", "simulate", "explain", "what-if"],
        "`{preview ...|PLAN}` shows what a run would do, and changes nothing",
    ),
    words(
        &[
            "test",
            "doctor",
            "ping",
            "health",
            "healthcheck",
            "diagnose",
            "diag",
            "connect",
            "login",
            "probe",
        ],
        "`{check ...}` looks at everything that a run needs, over the network; `{validate}` only at the plan file",
    ),
    words(
        &["lint", "verify-config", "check-config", "configtest", "syntax"],
        "`{validate}` checks the plan file, and contacts nobody",
    ),
    words(
        &["config", "settings", "cat", "print", "dump", "view", "env", "get"],
        "`{show}` shows every value of the plan file that holds",
    ),
    words(
        &[
            "ls",
            "snapshots",
            "backups",
            "runs",
            "executions",
            "jobs",
            "events",
            "journal",
        ],
        "`{history}` shows what was run, `{history status}` how old the last good backup of everything is",
    ),
    words(
        &["logs", "changelog", "changed", "changes"],
        "`{log}` shows what changed in configurations, `{diff OLD NEW}` what differs between two exports; `{history}` what was \
         run",
    ),
    words(
        &["unsaved", "dirty", "save-needed", "saved"],
        "`{report FILE.html}` names all that is not saved; `{history last}` says it of each task of the newest run, and \
         `{diff ID}` shows for the ID of a task what runs and is not saved",
    ),
    words(
        &["search", "grep", "query", "where", "lookup", "inventory"],
        "`{find ...|TEXT}` looks for a text in the newest good export of every domain",
    ),
    words(
        &["blame", "annotate", "who"],
        "`{log --blame DEVICE/DOMAIN}` shows since when each object is as it is",
    ),
    words(
        &["activities", "activity"],
        "`{history activities ...|last}` shows the activities of an execution",
    ),
    words(
        &["tasks", "task"],
        "`{history tasks ...|last}` shows the tasks of an activity",
    ),
    words(
        &["files", "file"],
        "`{history files ...|last}` shows the device and the files of a task",
    ),
    words(
        &[
            "clean",
            "cleanup",
            "delete",
            "remove",
            "rm",
            "del",
            "purge",
            "expire",
            "rotate",
            "retention",
            "gc",
            "forget",
        ],
        "`{prune --dry-run}` says of each backup whether its retention keeps it; `{prune}` removes the others",
    ),
    words(
        &[
            "unlock",
            "unquiesce",
            "repair",
            "fix",
            "mend",
            "undo",
            "resume",
            "rescue",
            "reset",
        ],
        "`{recover}` puts right what a run that died has left: devices still quiesced, folders on devices",
    ),
    words(
        &["quiesce"],
        "a run quiesces by itself where the plan has `quiesce = true`, and always puts the device back; `{preview \
         NAME}` shows for a plan where",
    ),
    words(
        &["stop", "cancel", "abort", "kill", "terminate"],
        "a run is stopped by ^C in its terminal, or by SIGTERM (`systemctl stop dpbackup@PLAN`): it puts the device back \
         first; never `kill -9`",
    ),
    words(
        &[
            "schedule", "cron", "timer", "daemon", "serve", "server", "service", "watch", "install",
        ],
        "it runs once and ends; cron, systemd or Kubernetes start it: docs/operations.md and examples/ have what to write",
    ),
    words(
        &["enable", "disable", "pause"],
        "a plan is turned on and off by `enabled` in the plan file",
    ),
    words(
        &["edit", "set", "update-config"],
        "the plan file is text: change it with an editor, then `{validate}`",
    ),
    words(
        &["cert", "certificate", "certs", "fingerprint", "pin", "tls", "ssl"],
        "`{trust ...|DEVICE}` shows the certificate of a device, and the line that pins it",
    ),
    words(
        &[
            "mail",
            "email",
            "notify",
            "alert",
            "webhook",
            "notifytest",
            "test-notify",
            "test-mail",
        ],
        "`{notify-test ...}` sends one of each message to those who are told of plans",
    ),
    words(
        &["compare", "differences"],
        "`{diff ...|OLD NEW}` shows what differs between two exports: tasks or archives",
    ),
    words(
        &["checksum", "integrity", "scrub", "audit", "verify-all", "fsck"],
        "`{verify --all}` looks at everything again that is stored",
    ),
    words(
        &[
            "create",
            "new",
            "setup",
            "configure",
            "template",
            "example",
            "sample",
            "add",
            "generate",
        ],
        "`{init}` writes a plan file to start from",
    ),
    words(
        &["monitor", "nagios", "age", "freshness", "alerts"],
        "`{history status}` tells the age of each last good backup, and ends as monitoring plug-ins do",
    ),
    words(
        &["completion", "complete", "autocomplete"],
        "`{completions ...|bash}` prints what a shell needs to complete words",
    ),
    words(
        &["update", "upgrade", "self-update"],
        "it does not update itself: install the new version over the old one; the history is brought up to date by itself",
    ),
    words(
        &["export", "download", "secure-backup", "export-domain"],
        "what is backed up is an [[plan.activity]] of the plan file; `{run NAME}` runs a plan, and `{history files last}` \
         shows where the files are",
    ),
    words(
        &["copy", "cp", "upload", "sync", "push", "rsync"],
        "a script of the plan copies what was stored: `post_script` in the plan file, examples/scripts has one",
    ),
    words(
        &["domains", "domain"],
        "`{check ...}` lists what each device has; `{preview ...|PLAN}` shows which domains a plan means",
    ),
];

const DRY_RUN: &[&str] = &[
    "--dry-run",
    "--dryrun",
    "-n",
    "--simulate",
    "--what-if",
    "--noop",
    "--test",
    "--check",
];

const FORCE: &[&str] = &[
    "--force",
    "-f",
    "--yes",
    "-y",
    "--assume-yes",
    "--no-confirm",
    "--overwrite",
];

const PLANS: &[&str] = &["--plan", "-p", "--name", "--plans"];

const NAMING: &[&str] = &[
    "--plan",
    "-p",
    "--name",
    "--plans",
    "--device",
    "-d",
    "--devices",
    "--host",
    "--gateway",
];

/// Options that are not options of this command, where it has an answer of its own.
pub(super) const OPTIONS_OF: &[(&str, OtherWords)] = &[
    (
        "recover",
        words(
            DRY_RUN,
            "there is no dry run of recover: `{check}` shows what is quiesced, `{history}` which runs have died",
        ),
    ),
    (
        "init",
        words(
            FORCE,
            "a plan file that is there is left as it is: move it away, or name another one, `{init FILE}`",
        ),
    ),
    (
        "prune",
        words(
            FORCE,
            "prune asks nothing: `{prune --dry-run}` shows what it would do, `{prune}` does it",
        ),
    ),
    (
        "recover",
        words(
            FORCE,
            "recover asks nothing: `{recover}`; a device that is no more is given up \
             by `{recover --forget DEVICE}`",
        ),
    ),
    (
        "recover",
        words(
            &["--all", "-a", "--device", "-d", "--plan", "-p"],
            "recover puts right whatever is left, of all plans and devices: `{recover}`",
        ),
    ),
    (
        "report",
        words(
            &["-o", "--output", "--out", "--file"],
            "the page is named without an option: `{report FILE.html}`",
        ),
    ),
    (
        "extract",
        words(
            &[
                "-o",
                "--output",
                "--out",
                "--dir",
                "--output-dir",
                "--target",
                "--dest",
            ],
            "the folder is the second word, without an option: `{extract DEVICE/DOMAIN DIR}`",
        ),
    ),
    (
        "init",
        words(
            &["-o", "--output", "--out", "--file"],
            "the file is named without an option: `{init FILE}`",
        ),
    ),
    (
        "check",
        words(
            NAMING,
            "plans and devices are named without an option: `{check PLAN}`",
        ),
    ),
    (
        "preview",
        words(PLANS, "plans are named without an option: `{preview PLAN}`"),
    ),
    (
        "show",
        words(
            NAMING,
            "a plan or a device is named without an option: `{show PLAN}`",
        ),
    ),
    (
        "notify-test",
        words(PLANS, "a plan is named without an option: `{notify-test PLAN}`"),
    ),
    (
        "trust",
        words(
            &["--device", "-d", "--devices", "--host", "--gateway", "--name"],
            "a device is named without an option: `{trust DEVICE}`",
        ),
    ),
    (
        "validate",
        words(
            &["--plan", "-p", "--device", "-d"],
            "validate checks the whole plan file; `{show PLAN}` shows one plan, `{check PLAN}` asks its devices",
        ),
    ),
];

/// How other programs are told in which form to print, and where to.
const OUTPUT: &[&str] = &[
    "--json",
    "-j",
    "-o",
    "--output",
    "--output-format",
    "--out",
    "--csv",
    "--table",
];

/// Whether the option is another program's for the form or the place of what is printed.
pub(super) fn is_of_output(option: &str) -> bool {
    OUTPUT.contains(&option)
}

/// Options that are not options of the command.
pub(super) const OPTIONS: &[OtherWords] = &[
    words(
        DRY_RUN,
        "`{preview PLAN}` shows what a run would do, `{prune --dry-run}` what prune would; validate, check, verify, history \
         and diff change nothing anyway",
    ),
    words(
        FORCE,
        "nothing here asks and nothing is overwritten; a run outside its window is `{run PLAN --ignore-window}`",
    ),
    words(
        &["--plan", "-p", "--name", "--plans"],
        "a plan is named without an option: `{run PLAN}`; `{history --plan PLAN}` and `{prune --plan PLAN}` have one",
    ),
    words(
        &["--device", "-d", "--devices", "--host", "--gateway"],
        "`{check DEVICE}`, `{trust DEVICE}` and `{verify DEVICE}` are about one device, `{history --device DEVICE}` too; \
         what a run backs up, its plan says: `devices` in the plan file",
    ),
    words(
        &["--domain", "--domains"],
        "which domains are backed up, the plan says: `domains` in the plan file",
    ),
    words(
        &[
            "--file",
            "--conf",
            "--cfg",
            "--config-file",
            "--plan-file",
            "--plans-file",
            "--configuration",
        ],
        "the plan file is named by `--config FILE`",
    ),
    words(
        &["--debug", "--trace", "--verbosity", "--log-level", "--loglevel"],
        "`-v` says more, `-vv` every status on the way",
    ),
    words(
        &["--silent", "-s", "--no-output"],
        "`-q` says only what is not good",
    ),
    words(
        &[
            "--no-color",
            "--no-colour",
            "--nocolor",
            "--colour",
            "--colors",
            "--no-colors",
        ],
        "`--color never`, or NO_COLOR in the environment",
    ),
    words(
        &[
            "--last", "--latest", "--count", "--max", "--tail", "--head", "--lines", "-l",
        ],
        "`{history last}` shows the newest execution, `{history --limit 10}` the ten newest",
    ),
    words(
        &["--id", "--task", "--activity", "--execution"],
        "IDs are given without an option: `{history activities ID}`, `{history tasks ID}`, `{history files ID}`; `last` is \
         the newest",
    ),
    words(
        &["--follow", "--watch", "--tail-f"],
        "`{run PLAN -v}` says what it does as it goes; in a second terminal `{history tasks last}` shows it",
    ),
    words(
        &["--parallel", "--jobs", "--concurrency", "--threads"],
        "tasks run one after another: a gateway under backup is a gateway under load; plans of other devices can run \
         beside it, in a process of their own",
    ),
    words(
        &["--quiesce", "--no-quiesce"],
        "whether a task quiesces, the plan says: `quiesce` of its activity in the plan file",
    ),
    words(
        &[
            "--user",
            "--username",
            "-u",
            "--password",
            "--pass",
            "--port",
            "--address",
            "--ip",
            "--url",
        ],
        "how a device is reached stands in the plan file, under its [[device]]: `host`, `port`, `username`, `password`",
    ),
    words(
        &[
            "--insecure",
            "-k",
            "--no-verify",
            "--skip-verify",
            "--no-check-certificate",
            "--cacert",
            "--ca",
        ],
        "how a device is trusted stands in the plan file: `tls` of its [[device]]; `{trust DEVICE}` prints the line to paste",
    ),
    words(
        &[
            "--store",
            "--dest",
            "--destination",
            "--target",
            "--output-dir",
            "--dir",
            "--path",
        ],
        "where backups are stored stands in the plan file: `store` under [settings]",
    ),
    words(
        &["--timeout", "--timeouts", "--retries", "--retry"],
        "limits stand in the plan file: `timeouts` and `retries` under [settings]",
    ),
    words(
        &["--list"],
        "`{list}` shows the plans and the devices of the plan file",
    ),
    words(
        &["--now", "--once", "--immediately"],
        "it runs at once, and once: `{run PLAN}`",
    ),
    words(
        &["--wait", "--lock", "--lock-timeout"],
        "`--lock-wait 10m` waits for another run",
    ),
    words(
        &["--ignore-windows", "--no-window", "--window", "--outside-window"],
        "`{run PLAN --ignore-window}` starts tasks outside the window as well",
    ),
    words(
        &[
            "--keep-last",
            "--keep-daily",
            "--keep-weekly",
            "--keep-monthly",
            "--keep-within",
            "--keep",
            "--older-than",
            "--days",
        ],
        "what is kept stands in the plan file: `retention` under [settings] or of a plan; `{prune --dry-run}` shows what it \
         does",
    ),
    words(
        &["--daemon", "--schedule", "--cron", "--interval", "--every"],
        "it runs once and ends; cron, systemd or Kubernetes start it: docs/operations.md and examples/ have what to write",
    ),
    words(
        &["--all", "-a", "--all-plans", "--everything"],
        "`{run --all}` runs every plan that is enabled, `{verify --all}` looks at everything that is stored; check, history, \
         prune and recover are about all without it",
    ),
    words(
        &["--since", "--from", "--after", "--until", "--before"],
        "`{history --since 7d}` shows what started since then",
    ),
    words(
        &["--utc"],
        "`{history --utc}` and `{history status --utc}` show times in UTC",
    ),
    words(
        &["--status", "--failed", "--errors"],
        "`{history --status FAILED}` shows what failed",
    ),
];

/// The advice for an option that a command does not have.
pub(super) fn advice_on_option(command: &str, option: &str) -> Option<&'static str> {
    own_advice_on_option(command, option).or_else(|| advice(OPTIONS, option))
}

/// The same, as far as it is this command's alone.
pub(super) fn own_advice_on_option(command: &str, option: &str) -> Option<&'static str> {
    let own = OPTIONS_OF
        .iter()
        .find(|(of, other)| *of == command && other.words.contains(&option));
    own.map(|(_, other)| other.advice)
}

/// The advice for a word, if it is one of these.
pub(super) fn advice(table: &[OtherWords], word: &str) -> Option<&'static str> {
    let found = table.iter().find(|other| other.words.contains(&word));
    found.map(|other| other.advice)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::{COMMANDS, OPTIONS, OPTIONS_OF};
    use crate::cli::Cli;

    #[test]
    fn no_word_has_two_meanings_and_none_is_a_command() {
        let mut command = Cli::command();
        command.build();
        for table in [COMMANDS, OPTIONS] {
            let mut seen = BTreeSet::new();
            for word in table.iter().flat_map(|other| other.words) {
                assert!(seen.insert(*word), "{word} stands twice");
                assert!(command.find_subcommand(word).is_none(), "{word} is a command");
            }
        }
    }

    #[test]
    fn every_command_that_advice_names_is_one() {
        let own = OPTIONS_OF.iter().map(|(_, other)| other);
        for advice in COMMANDS
            .iter()
            .chain(OPTIONS)
            .chain(own)
            .map(|other| other.advice)
        {
            for named in advice
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next())
            {
                let line = named.split('|').next().unwrap_or_default().replace("...", "");
                let mut words = vec!["dpbackup"];
                words.extend(line.split_whitespace());
                match named.split_once('|') {
                    Some((_, else_words)) => words.extend(else_words.split_whitespace()),
                    // An ID can only be a number.
                    None => words
                        .iter_mut()
                        .filter(|word| **word == "ID")
                        .for_each(|word| *word = "1"),
                }
                let parsed = Cli::command().try_get_matches_from(&words);
                assert!(
                    parsed.is_ok(),
                    "{words:?}: {}",
                    parsed.err().map_or_else(String::new, |e| e.to_string())
                );
            }
        }
    }
}
