//! Options that other programs have, and what is meant by them here.
//!
//! The same word means another thing to each command: `--yes` is a window that is ignored to one
//! and a plan that is confirmed to another. So each command has its own answers, whose commands
//! are filled with what was typed; those that hold for all of them name no command that would do
//! anything, and are filled with nothing.

mod exports;
mod gateways;
mod plan_file;
mod runs;
mod stored;
mod words;

use words::{ALL, DOMAINS, DRY_RUN, FORCE, KEPT, OtherOptions, PLACE, SINCE, to};

/// What is answered by several commands of different kinds.
const OPTIONS_OF_SEVERAL: &[OtherOptions] = &[
    // Of what changes nothing and of nothing else: what is left out here is typed.
    to(
        &[
            "validate",
            "check",
            "show",
            "list",
            "history",
            "activities",
            "tasks",
            "files",
            "status",
            "verify",
            "diff",
            "log",
            "trust",
            "schema",
            "completions",
            "man",
        ],
        DRY_RUN,
        "it changes nothing anyway: leave it out",
    ),
    to(
        &["check", "prune", "log", "report", "history", "status"],
        ALL,
        "it is about all of them where none is named: leave it out",
    ),
    to(
        &["run", "preview", "check"],
        DOMAINS,
        "which domains are backed up, the plan says: `domains` in the plan file",
    ),
    to(
        &["history", "log"],
        &[
            "--last", "--latest", "--count", "--max", "--tail", "--head", "--lines", "-l",
        ],
        "`{history last}` shows the newest execution, `{history --limit 10}` the ten newest, `{log --limit 10}` the ten newest \
         changes",
    ),
    to(
        &["history", "last", "activities", "tasks", "files", "log"],
        &["--follow", "--watch", "--tail-f"],
        "`{run PLAN -v}` says what it does as it goes; in a second terminal `{history tasks last}` shows it",
    ),
    // To `log` it is a form as well.
    to(
        &["history", "last", "activities", "tasks", "files"],
        &["-f"],
        "it follows nothing: it prints what is known, and ends; `{history tasks last}` shows how far the newest execution is",
    ),
];

/// What each command answers.
pub(super) fn options_of() -> impl Iterator<Item = &'static OtherOptions> {
    let tables = [
        OPTIONS_OF_SEVERAL,
        runs::OPTIONS,
        plan_file::OPTIONS,
        gateways::OPTIONS,
        exports::OPTIONS,
        stored::OPTIONS,
    ];
    tables.into_iter().flatten()
}

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
    "--yaml",
    "--format",
    "--output-file",
    "--xml",
    "--pretty",
];

/// Whether the option is another program's for the form or the place of what is printed.
pub(super) fn is_of_output(option: &str) -> bool {
    OUTPUT.contains(&option)
}

/// What is answered whatever command it was said to.
pub(super) const OPTIONS_OF_ALL: &[OtherOptions] = &[
    to(&[], FORCE, "it asks nothing: leave it out"),
    to(
        &[],
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
    to(
        &[],
        &["--debug", "--trace", "--verbosity", "--log-level", "--loglevel"],
        "`-v` says more, `-vv` every status on the way",
    ),
    to(
        &[],
        &["--log", "--log-file", "--logfile", "--log-to"],
        "what it says goes to stderr, and `2> FILE` behind the line keeps it; what a run did is in `{history last}`",
    ),
    to(
        &[],
        &[
            "--background",
            "--bg",
            "--detach",
            "--async",
            "--nohup",
            "--no-wait",
        ],
        "it works where it was started, and ends when it is done; cron, systemd or Kubernetes start it without a terminal: \
         `systemctl start dpbackup@PLAN` with the unit of examples/",
    ),
    to(
        &[],
        &["--silent", "-s", "--no-output"],
        "`-q` says only what is not good",
    ),
    to(
        &[],
        &[
            "--no-color",
            "--no-colour",
            "--color=no",
            "--monochrome",
            "--colour",
            "--colors",
            "--no-colors",
        ],
        "`--color never`, or NO_COLOR in the environment",
    ),
    to(
        &[],
        &["--parallel", "--jobs", "--concurrency", "--threads", "--workers"],
        "tasks run one after another: a gateway under backup is a gateway under load; plans of other devices can run \
         beside it, in a process of their own",
    ),
    to(
        &[],
        &["--quiesce", "--no-quiesce"],
        "whether a task quiesces, the plan says: `quiesce` of its activity in the plan file",
    ),
    to(
        &[],
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
    to(
        &[],
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
    to(
        &[],
        PLACE,
        "where backups are stored stands in the plan file: `store` under [settings]",
    ),
    to(
        &[],
        &["--timeout", "--timeouts", "--retries", "--retry"],
        "limits stand in the plan file: `timeouts` and `retries` under [settings]",
    ),
    to(
        &[],
        &["--wait", "--lock", "--lock-timeout"],
        "`--lock-wait 10m` waits for another run, with the commands that can meet one: run, prune, rehearse and restore",
    ),
    to(
        &[],
        KEPT,
        "what is kept stands in the plan file: `retention` under [settings] or of a plan; `{prune --dry-run}` shows what it \
         does",
    ),
    to(
        &[],
        &["--daemon", "--schedule", "--cron", "--interval", "--every"],
        "it runs once and ends; cron, systemd or Kubernetes start it: docs/operations.md and examples/ have what to write",
    ),
    to(
        &[],
        SINCE,
        "`{history --since 7d}` shows what started since then, `{log --since 7d}` what changed",
    ),
    to(
        &[],
        &["--utc"],
        "`{history --utc}` and `{history status --utc}` show times in UTC",
    ),
];

/// The advice for an option that a command does not have.
pub(super) struct OptionAdvice {
    /// What to type, its commands in braces.
    pub(super) text: &'static str,
    /// Whether it is this command's own: then its commands are filled with what was typed.
    pub(super) is_own: bool,
}

/// The advice for an option that `command` does not have.
pub(super) fn advice_on_option(command: &str, option: &str) -> Option<OptionAdvice> {
    let own = options_of().find(|other| other.said_to.contains(&command) && other.options.contains(&option));
    let other = own.or_else(|| {
        OPTIONS_OF_ALL
            .iter()
            .find(|other| other.options.contains(&option))
    })?;
    Some(OptionAdvice {
        text: other.advice,
        is_own: own.is_some(),
    })
}
