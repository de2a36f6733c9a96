//! What is answered to options of other programs, where they are given to commands that run a plan or show what a run would do, and to the program itself.

use crate::misunderstood::other_options::words::{ALL, DEVICES, DRY_RUN, FORCE, OtherOptions, PLANS, to};

pub(super) const OPTIONS: &[OtherOptions] = &[
    to(
        &["run"],
        DRY_RUN,
        "`{preview PLAN}` shows what a run would do, and changes nothing",
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
        &[""],
        &["-r", "--repo", "--repository"],
        "where backups are stored stands in the plan file, `store` under [settings]; a plan is run by `{run PLAN}`",
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
    to(
        &["preview"],
        &["--ignore-window"],
        "preview says whether the window is closed, and shows the tasks all the same: `{preview PLAN}`; a run outside of it is \
         `{run PLAN --ignore-window}`",
    ),
    to(
        &["notify-test"],
        &[
            "--email",
            "--mail",
            "--syslog",
            "--webhook",
            "--web",
            "--ping",
            "--metrics",
            "--channel",
            "--receiver",
            "--to",
            "--type",
        ],
        "it sends to all whom a plan names: `{notify-test PLAN}` is about one plan, and `{show PLAN}` says who is told of it",
    ),
    to(
        &["run"],
        &[
            "--resume",
            "--rerun",
            "--continue",
            "--failed",
            "--only-failed",
            "--retry-failed",
        ],
        "a run does all that its plan says, each time: `{run PLAN}`; what a run that died has left is put right by `{recover}`",
    ),
    to(
        &["run", "preview"],
        &[
            "--only",
            "--skip",
            "--exclude",
            "--except",
            "--include",
            "--tag",
            "--tags",
            "--filter",
            "--limit",
            "--task",
        ],
        "a run backs up what its plan says: `devices` and `domains` in the plan file, where `!NAME` leaves something out and @TAG is a group; a plan of its own can be smaller",
    ),
    to(
        &["run"],
        &[
            "--no-script",
            "--no-scripts",
            "--skip-scripts",
            "--skip-script",
            "--no-hooks",
            "--skip-hooks",
        ],
        "scripts are run where the plan names them: `pre_script` and `post_script` in the plan file; `{show PLAN}` shows which",
    ),
    to(
        &["run"],
        &["-j"],
        "tasks run one after another: a gateway under backup is a gateway under load: `{run ...|PLAN}`",
    ),
    to(
        &["run", "preview"],
        &[
            "--error-policy",
            "--continue-on-error",
            "--ignore-errors",
            "--keep-going",
            "--fail-fast",
            "--mail",
            "--email",
            "--notify",
            "--no-notify",
            "--no-mail",
            "--no-lock",
            "--history",
            "--quiesce-timeout",
            "--export-timeout",
            "--report",
            "--certificate",
        ],
        "it stands in the plan file, for each run alike: `{show PLAN}` shows what holds",
    ),
    to(
        &["run"],
        &["--no-verify", "--skip-verify", "--verify"],
        "each backup is verified before it is kept, always; how a device is trusted stands in the plan file: `tls` of its [[device]]",
    ),
    to(
        &["notify-test"],
        &["--event", "--events", "--status", "--subject", "--message"],
        "it sends one of each message: `{notify-test PLAN}`; which events a receiver gets says `events` in the plan file",
    ),
];
