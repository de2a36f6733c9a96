//! The tables of the plan file. What stands here is the contract with those who write one.

use crate::plan::keys::Absent::{Default, Error, Means, MeansOfAll, OfOneAction};
use crate::plan::keys::device::PASSWORD;
use crate::plan::keys::{KeyKind, Table, key};

/// `[settings]`.
pub static SETTINGS: Table = Table {
    heading: "[settings]",
    meaning: "What holds for all plans.",
    keys: &[
        key(
            "store",
            KeyKind::Path,
            Error,
            "The folder in which backups are stored.",
        ),
        key(
            "history",
            KeyKind::Path,
            Means("`$XDG_STATE_HOME/dpbackup/history.db`, else `~/.local/state/dpbackup/history.db`"),
            "The SQLite file that records every execution. Keep it on a local disk.",
        ),
        key(
            "backups_enabled",
            KeyKind::Boolean,
            Default("true"),
            "With `false` every run ends `BACKUPS_ARE_DISABLED`.",
        ),
        key(
            "require_mount",
            KeyKind::Choice(&["no", "mounted", "remote"]),
            Default("no"),
            "What the store must be: any folder, on a mounted file system, or on one of a network.",
        ),
        key(
            "min_free_store",
            KeyKind::Threshold,
            Default("10%"),
            "What must be free on the file system of the store: before a run, before each task, and again at every \
             64 MiB while a file is written.",
        ),
        key(
            "max_file",
            KeyKind::Size,
            Default("64 GiB"),
            "How large one file may become. An answer of a device that goes on beyond it is given up.",
        ),
        key(
            "min_free_device",
            KeyKind::Threshold,
            Default("25%"),
            "What must be free in `temporary:` of a device before a secure backup.",
        ),
        key(
            "quiesce_timeout",
            KeyKind::Duration,
            Default("60s"),
            "How long the device waits for connections to end; sent with a quiesce, in whole seconds. \
             A plan that quiesces does not run with less than 60 s.",
        ),
        key(
            "unquiesce_timeout",
            KeyKind::Duration,
            Default("60s"),
            "How long an unquiesce may take.",
        ),
        key(
            "quiesce_grace",
            KeyKind::DurationOrZero,
            Default("3m"),
            "Waited on top of either timeout.",
        ),
        key(
            "scripts_dir",
            KeyKind::Path,
            Default("scripts"),
            "Where a script is looked up whose name holds no `/`.",
        ),
        key(
            "script_timeout",
            KeyKind::Duration,
            Default("10m"),
            "How long a script may run before it is ended, with all that it started.",
        ),
        key(
            "task_expiry",
            KeyKind::Duration,
            Default("24h"),
            "Tasks that have not started so long after their plan did are cancelled.",
        ),
        key(
            "default_window",
            KeyKind::Table(&WINDOW),
            MeansOfAll("always"),
            "The maintenance window of plans that have none of their own.",
        ),
        key(
            "timeouts",
            KeyKind::Table(&TIMEOUTS),
            Means("the defaults of its keys"),
            "The limits of every wait for a device.",
        ),
        key(
            "retries",
            KeyKind::Integer { least: 0, most: 10 },
            Default("2"),
            "How often a request that only reads is tried again.",
        ),
        key(
            "on_unchanged",
            KeyKind::Choice(&["store", "skip"]),
            Default("store"),
            "Whether an export whose content equals the one before is kept.",
        ),
        key(
            "retention",
            KeyKind::Table(&RETENTION),
            Means("`prune` removes nothing"),
            "What `dpbackup prune` keeps of plans that have no retention of their own, and of what `restore` takes.",
        ),
    ],
};

/// `[settings.timeouts]`.
pub static TIMEOUTS: Table = Table {
    heading: "[settings.timeouts]",
    meaning: "The limits of every wait for a device. None can be turned off.",
    keys: &[
        key(
            "connect",
            KeyKind::Duration,
            Default("10s"),
            "Name look-up, TCP and TLS.",
        ),
        key(
            "request",
            KeyKind::Duration,
            Default("60s"),
            "A small request, its answer included.",
        ),
        key(
            "export",
            KeyKind::Duration,
            Default("30m"),
            "An export, from request to last byte.",
        ),
        key(
            "secure_backup",
            KeyKind::Duration,
            Default("60m"),
            "A secure backup, until its manifest is there.",
        ),
        key(
            "idle",
            KeyKind::Duration,
            Default("2m"),
            "An answer has begun, and no byte arrives for so long.",
        ),
    ],
};

/// A maintenance window.
pub static WINDOW: Table = Table {
    heading: "a maintenance window",
    meaning: "No task starts outside it. A start after the end crosses midnight. Without both it is always open.",
    keys: &[
        key(
            "start",
            KeyKind::Time,
            Means("always, if `end` is absent too"),
            "When it opens.",
        ),
        key(
            "end",
            KeyKind::Time,
            Means("always, if `start` is absent too"),
            "When it closes; no part of it.",
        ),
        key(
            "time_zone",
            KeyKind::Zone,
            Means("the zone of the machine"),
            "Where these times are read off.",
        ),
    ],
};

/// What is kept.
pub static RETENTION: Table = Table {
    heading: "a retention table",
    meaning: "At least one of these keys. A backup is kept if any of them keeps it; each device, domain and kind of \
              backup counts for itself, by the end of its task in the zone of the machine. The newest is that of \
              the last task, whatever the clock said; an end in the future counts as now, is kept, and is warned of. \
              Whatever the rules say, the newest good backup of each is never removed.",
    keys: &[
        key(
            "keep_last",
            COUNT,
            Means("no such rule"),
            "So many of the newest ones.",
        ),
        key(
            "keep_daily",
            COUNT,
            Means("no such rule"),
            "The newest of each of so many days that have a backup.",
        ),
        key(
            "keep_weekly",
            COUNT,
            Means("no such rule"),
            "The same for weeks (ISO 8601: they begin on Monday, and 30 December 2024 is in the first one of 2025).",
        ),
        key(
            "keep_monthly",
            COUNT,
            Means("no such rule"),
            "The same for months.",
        ),
        key(
            "keep_within",
            KeyKind::Span,
            Means("no such rule"),
            "All that are at most so much older than the newest one. Days (`\"180d\"`) and weeks (`\"26w\"`) will \
             do; `m` is refused, for other tools take it for months.",
        ),
    ],
};

const COUNT: KeyKind = KeyKind::Integer {
    least: 1,
    most: 100_000,
};

/// `[[plan]]`.
pub static PLAN: Table = Table {
    heading: "[[plan]]",
    meaning: "One backup plan.",
    keys: &[
        key("name", KeyKind::Text, Error, "Its name, unique in the file."),
        key("description", KeyKind::Text, Means("none"), "What it is for."),
        key(
            "enabled",
            KeyKind::Boolean,
            Default("true"),
            "With `false` a run ends `PLAN_IS_DISABLED`.",
        ),
        key(
            "maintenance_window",
            KeyKind::ChoiceOrTable(&["default", "none"], &WINDOW),
            Default("default"),
            "When its tasks may start: in the `default_window`, always, or in a window of its own.",
        ),
        key(
            "error_policy",
            KeyKind::Choice(&["halt", "ignore"]),
            Default("halt"),
            "What a failed task does to the waiting ones: they are cancelled, or run.",
        ),
        key(
            "pre_script",
            KeyKind::Script,
            Means("none"),
            "Run before the tasks. A return code above 0 ends the plan.",
        ),
        key(
            "post_script",
            KeyKind::Script,
            Means("none"),
            "Run after the tasks.",
        ),
        key(
            "syslog",
            KeyKind::Boolean,
            Default("false"),
            "Tell the system log; `[notify.syslog]` says which.",
        ),
        key(
            "email",
            KeyKind::Boolean,
            Default("false"),
            "Tell by e-mail; `[notify.email]` says whom.",
        ),
        key(
            "email_to",
            KeyKind::Text,
            Means("`to` of `[notify.email]`"),
            "Those who receive the mail of this plan, with commas.",
        ),
        key(
            "webhook",
            KeyKind::Patterns,
            Means("none"),
            "Tell the `[[notify.webhook]]` of these names.",
        ),
        key(
            "ping",
            KeyKind::Boolean,
            Means("`true` with a `ping_url`, else `false`"),
            "Ping the address of `[notify.ping]`.",
        ),
        key(
            "ping_url",
            KeyKind::TextOrTable(&PASSWORD),
            Means("that of `[notify.ping]`"),
            "An address to ping for this plan alone.",
        ),
        key(
            "notify_events",
            KeyKind::Patterns,
            Means("what each receiver has in `events`"),
            "Of what everybody is told who is told of this plan.",
        ),
        key(
            "retention",
            KeyKind::Table(&RETENTION),
            Means("that of `[settings]`"),
            "What `dpbackup prune` keeps of its backups. It takes the place of that of `[settings]` as a whole.",
        ),
        key(
            "activity",
            KeyKind::Tables(&ACTIVITY),
            Means("none; only for a plan that is not enabled"),
            "What it backs up, in this order.",
        ),
    ],
};

/// `[[plan.activity]]`.
pub static ACTIVITY: Table = Table {
    heading: "[[plan.activity]]",
    meaning: "What to back up.",
    keys: &[
        key(
            "action",
            KeyKind::Choice(&["secure-backup", "export-domain"]),
            Error,
            "What is done.",
        ),
        key(
            "devices",
            KeyKind::Patterns,
            Error,
            "Which devices. `*` is any run of characters, `@` before a pattern makes it one over tags, `!` before one takes \
             its matches away.",
        ),
        key(
            "certificate",
            KeyKind::Text,
            OfOneAction("required for `secure-backup`, else refused"),
            "The crypto certificate object of the device for which the backup is encrypted.",
        ),
        key(
            "domains",
            KeyKind::Patterns,
            OfOneAction("required for `export-domain`, else refused"),
            "Which domains. \"all-domains\" is one export of everything.",
        ),
        key(
            "quiesce",
            KeyKind::Boolean,
            Default("false"),
            "Quiesce before, and always unquiesce after.",
        ),
        key(
            "pre_script",
            KeyKind::Script,
            Means("none"),
            "Run before each task. A return code above 0 stops the task.",
        ),
        key(
            "post_script",
            KeyKind::Script,
            Means("none"),
            "Run after each task.",
        ),
        key(
            "post_script_when",
            KeyKind::Choice(&["always", "on-failure"]),
            Default("always"),
            "After every task, or only after a failed one.",
        ),
        key(
            "error_policy",
            KeyKind::Choice(&["plan-default", "halt", "ignore"]),
            Default("plan-default"),
            "What a failed task does to the waiting ones.",
        ),
    ],
};
