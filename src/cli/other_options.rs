//! Options that other programs have, and what is meant by them here.
//!
//! The same word means another thing to each command: `--yes` is a window that is ignored to one
//! and a plan that is confirmed to another. So each command has its own answers, whose commands
//! are filled with what was typed; those that hold for all of them name no command that would do
//! anything, and are filled with nothing.

/// Options of other programs, and what to type instead.
#[derive(Debug)]
pub(super) struct OtherOptions {
    /// The commands that they were said to; none where it is all the same.
    pub(super) said_to: &'static [&'static str],
    /// What people type.
    pub(super) options: &'static [&'static str],
    /// What to type.
    pub(super) advice: &'static str,
}

const fn to(
    said_to: &'static [&'static str],
    options: &'static [&'static str],
    advice: &'static str,
) -> OtherOptions {
    OtherOptions {
        said_to,
        options,
        advice,
    }
}

const DRY_RUN: &[&str] = &[
    "--dry-run",
    "--dryrun",
    "-n",
    "--simulate",
    "--what-if",
    "--noop",
    "--test",
    "--check",
    "--validate",
    "--preview",
    "--dry",
    "--dry_run",
    "--dryRun",
    "--whatif",
    "--no-op",
    "--no-act",
    "--pretend",
    "--just-print",
    "--explain",
];

const ALL: &[&str] = &["--all", "-a", "--all-plans", "--everything"];

const FORCE: &[&str] = &[
    "--force",
    "-f",
    "--yes",
    "-y",
    "--assume-yes",
    "--no-confirm",
    "--overwrite",
    "--replace",
];

const PLANS: &[&str] = &["--plan", "-p", "--name", "--plans"];

const DEVICES: &[&str] = &["--device", "-d", "--devices", "--host", "--gateway"];

const DOMAINS: &[&str] = &["--domain", "--domains"];

const PLACE: &[&str] = &[
    "--store",
    "--dest",
    "--destination",
    "--target",
    "--output-dir",
    "--dir",
    "--path",
    "--to",
];

const WRITTEN_FILE: &[&str] = &["-o", "--output", "--out", "--file"];

const SINCE: &[&str] = &["--since", "--from", "--after", "--until", "--before"];

/// How others say how far back something goes.
const DAYS: &[&str] = &[
    "--days",
    "--weeks",
    "--months",
    "--last-days",
    "--day",
    "--period",
];

const THOROUGH: &[&str] = &[
    "--deep",
    "--full",
    "--read-data",
    "--read-all",
    "--thorough",
    "--quick",
    "--fast",
    "--checksum",
];

const KEPT: &[&str] = &[
    "--keep-last",
    "--keep-daily",
    "--keep-weekly",
    "--keep-monthly",
    "--keep-within",
    "--keep",
    "--older-than",
    "--days",
];

/// What each command answers.
pub(super) const OPTIONS_OF: &[OtherOptions] = &[
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
        &["run"],
        DRY_RUN,
        "`{preview PLAN}` shows what a run would do, and changes nothing",
    ),
    to(
        &["prune"],
        DRY_RUN,
        "the option is --dry-run: `{prune --dry-run}` shows what it would remove, and removes nothing",
    ),
    to(
        &["check", "prune", "log", "report", "history", "status"],
        ALL,
        "it is about all of them where none is named: leave it out",
    ),
    to(&["show"], ALL, "`{list}` shows all plans and all devices"),
    to(
        &["diff"],
        ALL,
        "it compares what is named: `{diff @TAG/DOMAIN}` all devices of a group, `{diff ID ID}` two tasks; `{log}` shows \
         what changed in all of them",
    ),
    to(
        &["extract"],
        ALL,
        "one export at a time, by the ID of its task or by DEVICE/DOMAIN: `{extract EXPORT DIR}`",
    ),
    to(
        &["init"],
        ALL,
        "the file with every key is written by `{init FILE --full}`",
    ),
    to(
        &["run"],
        FORCE,
        "a run asks nothing and overwrites nothing; tasks outside the window are started by `{run PLAN --ignore-window}`",
    ),
    to(
        &["run"],
        PLANS,
        "plans are named without an option: `{run PLAN}`; `{run --all}` runs all that are enabled",
    ),
    to(
        &["run", "preview"],
        DEVICES,
        "a run backs up what its plan says: `devices` in the plan file; `{check DEVICE}` looks at one device",
    ),
    to(
        &["run", "preview", "check"],
        DOMAINS,
        "which domains are backed up, the plan says: `domains` in the plan file",
    ),
    to(
        &["run"],
        &["--now", "--once", "--immediately"],
        "it runs at once, and once: `{run PLAN}`",
    ),
    to(
        &["run", "preview"],
        &["--ignore-windows", "--no-window", "--window", "--outside-window"],
        "`{run PLAN --ignore-window}` starts tasks outside the window as well",
    ),
    to(
        &["run"],
        &["--follow", "--watch", "--tail-f"],
        "`{run PLAN -v}` says what it does as it goes; in a second terminal `{history tasks last}` shows it",
    ),
    to(
        &["preview"],
        PLANS,
        "plans are named without an option: `{preview PLAN}`",
    ),
    to(
        &["preview"],
        FORCE,
        "preview runs nothing; a run outside its window is `{run PLAN --ignore-window}`",
    ),
    to(
        &["preview"],
        DRY_RUN,
        "preview is the dry run of a plan: `{preview PLAN}`",
    ),
    to(
        &["check"],
        PLANS,
        "plans and devices are named without an option: `{check PLAN}`",
    ),
    to(
        &["check"],
        DEVICES,
        "plans and devices are named without an option: `{check DEVICE}`",
    ),
    to(
        &["check"],
        THOROUGH,
        "check looks at everything that a run needs, always; what is stored is read again by `{verify --all}`",
    ),
    to(
        &["show"],
        PLANS,
        "a plan or a device is named without an option: `{show PLAN}`",
    ),
    to(
        &["show"],
        DEVICES,
        "a plan or a device is named without an option: `{show DEVICE}`",
    ),
    to(
        &["list"],
        &[
            "--plan",
            "-p",
            "--plans",
            "--device",
            "-d",
            "--devices",
            "--all",
            "-a",
        ],
        "list shows all plans and all devices: `{list}`; `{show NAME}` shows one",
    ),
    to(
        &["notify-test"],
        PLANS,
        "a plan is named without an option: `{notify-test PLAN}`",
    ),
    to(
        &["notify-test"],
        DRY_RUN,
        "to send one of each message is all that it does; `{validate}` looks at the plan file alone, `{show}` says who is told",
    ),
    to(
        &["notify-test"],
        ALL,
        "it is about all plans where none is named: `{notify-test}`",
    ),
    to(
        &["trust"],
        &[
            "--device",
            "-d",
            "--devices",
            "--host",
            "--gateway",
            "--name",
            "--url",
            "--ip",
            "--address",
        ],
        "a device is named without an option: `{trust DEVICE}`",
    ),
    to(
        &["trust"],
        &["--plan", "-p", "--plans"],
        "trust is about one device: `{trust DEVICE}`; `{show NAME}` shows which devices a plan means",
    ),
    to(
        &["trust"],
        FORCE,
        "trust writes nothing: it prints the line that pins, and you paste it into the plan file",
    ),
    to(
        &["trust"],
        &["--all", "-a", "--everything"],
        "one device at a time: `{trust DEVICE}`",
    ),
    to(
        &["trust"],
        &["--insecure", "-k", "--no-verify", "--skip-verify"],
        "`{trust DEVICE}` trusts nobody, and sends no password; how a device is trusted stands in the plan file: `tls` of its \
         [[device]]",
    ),
    to(
        &["validate"],
        &["--plan", "-p", "--name", "--plans", "--device", "-d", "--devices"],
        "validate checks the whole plan file; `{show NAME}` shows one plan or device, `{check NAME}` asks its devices",
    ),
    to(
        &["validate"],
        &["--strict", "--deep", "--full", "--all", "-a"],
        "validate checks the whole plan file, always; `{check}` looks at everything that a run needs, over the network",
    ),
    to(
        &["validate"],
        &["--fix", "--repair", "--write"],
        "validate changes nothing: each finding says what to write, and the plan file is changed with an editor",
    ),
    to(
        &["validate"],
        &["--format"],
        "its findings have one form, for people; a program goes by the exit code: 0 where the file is good, 2 where it is not",
    ),
    to(
        &["init"],
        FORCE,
        "a plan file that is there is left as it is: move it away, or name another one, `{init FILE}`",
    ),
    to(
        &["init"],
        WRITTEN_FILE,
        "the file is named without an option: `{init FILE}`",
    ),
    to(
        &["init"],
        DRY_RUN,
        "`{init -}` prints the file and writes nothing",
    ),
    to(
        &["prune"],
        FORCE,
        "prune asks nothing: `{prune --dry-run}` shows what it would do, `{prune}` does it",
    ),
    to(
        &["prune"],
        KEPT,
        "what is kept stands in the plan file: `retention` under [settings] or of a plan; `{prune --dry-run}` shows what it \
         does",
    ),
    to(
        &["prune"],
        &[
            "--device",
            "-d",
            "--devices",
            "--host",
            "--gateway",
            "--domain",
            "--domains",
        ],
        "prune goes by plans: `{prune --plan PLAN --dry-run}` shows what it does to one; without it it is about all of them",
    ),
    to(
        &["prune"],
        &["--name", "-p", "--plans"],
        "the option is --plan: `{prune --plan PLAN --dry-run}` shows what it does to one plan",
    ),
    to(
        &["recover"],
        DRY_RUN,
        "there is no dry run of recover: `{check}` shows what is quiesced, `{history}` which runs have died",
    ),
    to(
        &["recover"],
        FORCE,
        "recover asks nothing: `{recover}`; a device that is no more is given up by `{recover --forget DEVICE}`",
    ),
    to(
        &["recover"],
        &[
            "--all",
            "-a",
            "--device",
            "-d",
            "--devices",
            "--plan",
            "-p",
            "--plans",
            "--domain",
            "--domains",
        ],
        "recover puts right whatever is left, of all plans and devices: `{recover}`",
    ),
    to(
        &["verify"],
        THOROUGH,
        "verify always reads every byte of what it looks at: `{verify --all}` of everything that is stored",
    ),
    to(
        &["verify"],
        PLANS,
        "verify goes by tasks and devices, not by plans: `{history last --plan PLAN}` has the IDs of the tasks for \
         `{verify --task ID}`; `{verify --all}` looks at everything",
    ),
    to(
        &["verify"],
        DOMAINS,
        "a domain is named with its device: `{verify DEVICE/DOMAIN}`",
    ),
    to(
        &["verify"],
        &["--fix", "--repair", "--delete", "--remove"],
        "verify changes nothing; a new backup is made by a run of its plan, `{run PLAN}`",
    ),
    to(
        &["verify"],
        SINCE,
        "verify goes by tasks and devices: `{history --since 7d}` shows what started since then, and `{verify --task ID}` looks \
         at one task",
    ),
    to(
        &["diff"],
        &["--device", "-d", "--devices", "--host", "--gateway"],
        "an export is named by its device and its domain: `{diff DEVICE/DOMAIN OTHER/DOMAIN}`; a group of devices by \
         `{diff @TAG/DOMAIN}`",
    ),
    to(
        &["diff"],
        &[
            "-u",
            "--unified",
            "-r",
            "--recursive",
            "--side-by-side",
            "--brief",
        ],
        "what differs is told object by object, property by property and file by file, always: leave it out",
    ),
    to(
        &["diff"],
        PLANS,
        "diff is about exports: `{history last --plan PLAN}` has the IDs of the tasks for `{diff ID ID}`",
    ),
    to(
        &["diff"],
        SINCE,
        "`{log --since 7d}` shows what changed from one export to the next since then",
    ),
    to(
        &["log"],
        &["-f"],
        "it follows nothing: it prints what is known, and ends; `{log --since 7d}` goes back as far as is wanted",
    ),
    to(
        &["log"],
        PLANS,
        "log goes by devices and domains: `{log --device DEVICE --domain DOMAIN}`",
    ),
    to(
        &["find"],
        &[
            "-n", "-name", "-iname", "--iname", "-type", "--type", "-path", "-exec", "--name", "-p", "--grep",
        ],
        "find looks into configurations, not for files: `{find TEXT}` for a text in the newest good export of every domain, \
         `{find TEXT --class CLASS}` in objects of one class",
    ),
    to(
        &["find"],
        &["--plan", "--plans"],
        "find goes by devices and domains: `{find TEXT --device DEVICE --domain DOMAIN}`",
    ),
    to(
        &["find"],
        &["-i", "--ignore-case", "--case-insensitive"],
        "upper and lower case do not count: `{find TEXT}`; in `{find TEXT --regex}` they do",
    ),
    to(
        &["find"],
        &["-e", "-E", "--regexp", "-P"],
        "the option is --regex: `{find TEXT --regex}`",
    ),
    to(
        &["find"],
        SINCE,
        "find looks into the newest good exports; what changed since then shows `{log --since 7d}`",
    ),
    to(
        &["find"],
        &["--all", "-a", "--all-devices"],
        "find looks into the newest good export of every domain: `{find TEXT}`",
    ),
    to(
        &["extract"],
        &[
            "-o",
            "--output",
            "--out",
            "--dir",
            "--output-dir",
            "--target",
            "--dest",
            "--to",
            "-C",
        ],
        "the folder is the second word, without an option: `{extract EXPORT DIR}`",
    ),
    to(
        &["extract"],
        FORCE,
        "written is only into a folder that is empty, not there yet, or from extract before: name another one, \
         `{extract EXPORT DIR}`",
    ),
    to(
        &["extract"],
        DRY_RUN,
        "extract writes nothing but its folder, and contacts nobody; `{history files ID}` names the files of a task",
    ),
    to(
        &["extract"],
        &[
            "--device",
            "-d",
            "--devices",
            "--host",
            "--gateway",
            "--domain",
            "--domains",
            "--task",
            "--id",
        ],
        "an export is named without an option, by the ID of its task or by DEVICE/DOMAIN: `{extract EXPORT DIR}`",
    ),
    to(
        &["extract"],
        &["--plan", "--plans", "-p"],
        "extract is about one export: `{history last --plan PLAN}` has the IDs of the tasks for `{extract ID DIR}`",
    ),
    to(
        &["rehearse"],
        DRY_RUN,
        "a rehearsal is a dry run: the spare device says what it would do, and does nothing: `{rehearse ID --on DEVICE}`",
    ),
    to(
        &["rehearse"],
        FORCE,
        "rehearse asks nothing; a spare of another firmware is taken with --allow-other-firmware",
    ),
    to(
        &["rehearse"],
        &[
            "--to",
            "--target",
            "--dest",
            "--spare",
            "--host",
            "--gateway",
            "-d",
        ],
        "the spare device is named by --on: `{rehearse ID --on DEVICE}`",
    ),
    to(
        &["rehearse"],
        &["--task", "--id", "--tasks"],
        "tasks are named without an option: `{rehearse ID --on DEVICE}`",
    ),
    to(
        &["rehearse"],
        DOMAINS,
        "a domain is rehearsed by the task that exported it: `{log --domain DOMAIN}` and `{history last}` have the IDs for \
         `{rehearse ID --on DEVICE}`",
    ),
    to(
        &["restore"],
        FORCE,
        "a restore is confirmed by its plan, and by nothing else: `{restore ID --to DEVICE}` shows the plan and asks for the \
         name of the domain; where nobody can be asked it prints the word for --confirm. What else may stand in the way has \
         an option of its own: --over-unsaved, --allow-other-firmware",
    ),
    to(
        &["restore"],
        DRY_RUN,
        "nothing but questions is sent before the plan is confirmed: `{restore ID --to DEVICE}` shows it, and any answer but \
         the name of the domain ends it there. `{rehearse ID --on SPARE}` tries the backup on a spare device",
    ),
    to(
        &["restore"],
        &[
            "--target",
            "--dest",
            "--destination",
            "--on",
            "--device",
            "-d",
            "--host",
            "--gateway",
        ],
        "the device is named by --to: `{restore ID --to DEVICE}`",
    ),
    to(
        &["restore"],
        DOMAINS,
        "the export of a task is laid over the domain of its name, and over no other: another domain is another task, and \
         `{history last}` has the IDs",
    ),
    to(
        &["restore"],
        &["--task", "--id", "--from", "--source"],
        "the task is named without an option: `{restore ID --to DEVICE}`",
    ),
    to(
        &["restore"],
        &["--plan", "--plans", "-p", "--name"],
        "a restore is of one task: `{history last --plan PLAN}` has the IDs for `{restore ID --to DEVICE}`",
    ),
    to(
        &["restore", "rehearse"],
        &["--all", "-a", "--all-domains", "--everything"],
        "one domain at a time is restored, and a whole gateway by a person only: docs/restore.md",
    ),
    to(
        &["report"],
        DAYS,
        "how far back it goes says --since: `{report FILE.html --since 7d}`",
    ),
    to(
        &["log"],
        DAYS,
        "how far back it goes says --since: `{log --since 7d}`",
    ),
    to(
        &["history"],
        DAYS,
        "how far back it goes says --since: `{history --since 7d}`",
    ),
    to(
        &["report"],
        WRITTEN_FILE,
        "the page is named without an option: `{report FILE.html}`",
    ),
    to(
        &["report"],
        FORCE,
        "only a page that a report wrote is replaced, and that without being asked: name another file, `{report FILE.html}`",
    ),
    to(
        &["report"],
        DRY_RUN,
        "report contacts nobody and writes only its page; `{report -}` prints it",
    ),
    to(
        &["report"],
        &[
            "--device",
            "-d",
            "--devices",
            "--host",
            "--gateway",
            "--domain",
            "--domains",
        ],
        "the page is about everything, or about one plan: `{report FILE.html --plan PLAN}`",
    ),
    to(
        &["report"],
        &["--pdf", "--html", "--format", "--type"],
        "the page is HTML, and a browser prints it as PDF: `{report FILE.html}`",
    ),
    to(
        &["history", "activities", "tasks", "files"],
        &["--id", "--task", "--activity", "--execution"],
        "IDs are given without an option: `{history activities ID}`, `{history tasks ID}`, `{history files ID}`; `last` is \
         the newest",
    ),
    to(
        &["history"],
        DOMAINS,
        "history goes by plans and devices: `{history --device DEVICE}`; what changed in a domain shows \
         `{log --domain DOMAIN}`, and how old its last good backup is `{history status}`",
    ),
    to(
        &["history"],
        &["--failed", "--errors", "--failures"],
        "`{history --status FAILED}` shows what failed",
    ),
    to(
        &["history"],
        &["-p", "--plans", "--name"],
        "the option is --plan: `{history --plan PLAN}`",
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
        &["history", "log"],
        &["--follow", "--watch", "--tail-f"],
        "`{run PLAN -v}` says what it does as it goes; in a second terminal `{history tasks last}` shows it",
    ),
    to(
        &["activities", "tasks", "files"],
        &[
            "--plan",
            "-p",
            "--plans",
            "--name",
            "--device",
            "-d",
            "--devices",
            "--status",
            "--since",
            "--limit",
        ],
        "each level of history is of one execution: `{history --plan PLAN}`, `{history --device DEVICE}` and `{history --since 7d}` \
         narrow the list of executions, which has the IDs",
    ),
    to(
        &["status"],
        &[
            "--plan",
            "-p",
            "--plans",
            "--name",
            "--device",
            "-d",
            "--devices",
            "--host",
            "--gateway",
            "--domain",
            "--domains",
        ],
        "it is about everything that is configured; `{report FILE.html --plan PLAN}` is about one plan, and \
         `{history --device DEVICE}` has the runs of one device",
    ),
    to(
        &["status"],
        &["--warning", "--critical", "-w", "-t", "--age", "--older-than"],
        "one limit judges, and a good backup that is younger after an attempt that went wrong is a warning: \
         `{history status --max-age 26h}`",
    ),
    to(
        &["last"],
        &["-p", "--plans", "--name"],
        "the option is --plan: `{history last --plan PLAN}`",
    ),
    to(
        &["last"],
        &["--limit", "-n", "--count"],
        "last is the newest execution alone: `{history --limit 10}` lists the ten newest",
    ),
    to(
        &[""],
        &["--list"],
        "`{list}` shows the plans and the devices of the plan file",
    ),
    to(
        &[""],
        DRY_RUN,
        "`{preview PLAN}` shows what a run would do, `{prune --dry-run}` what prune would",
    ),
    to(
        &[""],
        &["--all", "-a", "--plan", "-p", "--run"],
        "a plan is run by `{run PLAN}`, all that are enabled by `{run --all}`",
    ),
    to(
        &[""],
        &["--status"],
        "`{history status}` tells the age of each last good backup",
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
    "--yaml",
];

/// Whether the option is another program's for the form or the place of what is printed.
pub(super) fn is_of_output(option: &str) -> bool {
    OUTPUT.contains(&option)
}

/// What is answered whatever command it was said to.
pub(super) const OPTIONS: &[OtherOptions] = &[
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
        &["--parallel", "--jobs", "--concurrency", "--threads"],
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
    let own = OPTIONS_OF
        .iter()
        .find(|other| other.said_to.contains(&command) && other.options.contains(&option));
    let other = own.or_else(|| OPTIONS.iter().find(|other| other.options.contains(&option)))?;
    Some(OptionAdvice {
        text: other.advice,
        is_own: own.is_some(),
    })
}
