//! What is answered to options of other programs, where they are given to commands about what is stored and what has happened.

use crate::misunderstood::other_options::words::{
    DAYS, DOMAINS, DRY_RUN, FORCE, KEPT, LIST, OtherOptions, PLANS, SINCE, THOROUGH, WRITTEN_FILE, to,
};

pub(super) const OPTIONS: &[OtherOptions] = &[
    to(
        &["prune"],
        DRY_RUN,
        "the option is --dry-run: `{prune --dry-run}` shows what it would remove, and removes nothing",
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
        &["verify"],
        THOROUGH,
        "verify always reads every byte of what it looks at: `{verify --all}` of everything that is stored",
    ),
    to(
        &["prune"],
        SINCE,
        "what goes says `retention` in the plan file, and no time here: `{prune --dry-run}` shows it",
    ),
    to(
        &["verify"],
        &["-r", "-R", "--recursive"],
        "a folder is looked at with all that stands below it: `{verify ...|FOLDER}`",
    ),
    to(
        &["prune"],
        LIST,
        "`{prune --dry-run}` says of each backup whether it stays, and why",
    ),
    to(
        &["verify"],
        &["-a", "-A", "--everything"],
        "the option is --all: `{verify --all}` looks at everything that is stored",
    ),
    to(
        &["verify"],
        &["--last", "--latest", "--newest"],
        "`{verify last}` looks at what the newest task has stored, `{verify --all}` at everything",
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
        &["history"],
        &["--today", "--now", "--yesterday"],
        "how far back it goes says --since: `{history --since 1d}`",
    ),
    to(
        &["report"],
        DAYS,
        "how far back it goes says --since: `{report FILE.html --since 7d}`",
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
        &["history"],
        &["--from", "--after", "--start"],
        "the option is --since: `{history --since 7d}`",
    ),
    to(
        &["history"],
        &["--until", "--before", "--to", "--end"],
        "there is a beginning, and the end is now: `{history --since 7d}` shows what started since then, the newest first; \
         `{history --since 7d --format csv}` is for programs that choose",
    ),
    to(
        &["report"],
        &["--from", "--after", "--start"],
        "the option is --since: `{report FILE.html --since 7d}`",
    ),
    to(
        &["report"],
        &["--until", "--before", "--end"],
        "there is a beginning, and the end is now: `{report FILE.html --since 7d}`",
    ),
    to(
        &["verify"],
        &["--file", "--path", "--folder", "--dir", "--archive"],
        "files and folders are named without an option: `{verify FILE}`",
    ),
    to(
        &["verify"],
        &["--limit", "--count", "--max", "--sample"],
        "verify looks at all of what is named: `{verify --all}`, a device, DEVICE/DOMAIN or the ID of a task",
    ),
    to(
        &["history"],
        &["--full", "--details", "--detail", "--long", "--verbose-output"],
        "`{history last}` shows all of the newest execution, `{history ID}` of another one",
    ),
    to(
        &["history"],
        &[
            "--sort",
            "--reverse",
            "--order",
            "--order-by",
            "-r",
            "--asc",
            "--desc",
        ],
        "the newest stands first, always: `{history --format csv}` is for programs that sort",
    ),
    to(
        &["history"],
        &[
            "--delete", "--purge", "--clear", "--remove", "--prune", "--forget",
        ],
        "what is recorded stays; backups are removed by `{prune}`, as `retention` in the plan file says",
    ),
    to(
        &["history"],
        &["--between", "--range"],
        "there is a beginning, and the end is now: `{history --since 7d}` shows what started since then, the newest first",
    ),
    to(
        &["status"],
        &["-H", "--hostname", "--service"],
        "it is about everything that is configured; `{history --device DEVICE}` has the runs of one device",
    ),
    to(
        &["report"],
        &["--open", "--browser", "--view", "--show"],
        "it writes the page, and a browser opens it: `{report FILE.html}`",
    ),
    to(
        &["report"],
        &["--email", "--mail", "--send", "--attach"],
        "`report = true` in [notify.email] of the plan file sends the page with the mail of each plan; `{report FILE.html}` writes it",
    ),
];
