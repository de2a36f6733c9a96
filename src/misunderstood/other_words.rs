//! Words that other programs have in place of a command, and what is meant by them here.
//!
//! In advice, `{run ...}` is a command: the words of this program, with `...` for what was
//! typed behind the wrong word. `{run ...|PLAN}` has `PLAN` where nothing was, or nothing that
//! can stand there.

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
        &[
            "backup",
            "start",
            "exec",
            "execute",
            "save",
            "go",
            "now",
            "launch",
            "trigger",
            "fetch",
            "pull",
            "collect",
            "poll",
            "begin",
            "rancid",
            "job",
            "run-backup",
            "execute-backup",
            "run-plan",
        ],
        "a plan is run by `{run ...|PLAN}`; `{list}` shows the plans",
    ),
    words(
        &[
            "import",
            "rollback",
            "recovery",
            "revert",
            "reimport",
            "restores",
            "restore-list",
            "restore-domain",
            "restore-device",
            "restore-backup",
        ],
        "`{restore ...|ID --to DEVICE}` lays the export of one domain over it, and shows its plan first; \
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
            "try",
        ],
        "`{check ...}` looks at everything that a run needs, over the network; `{validate}` only at the plan file",
    ),
    words(
        &[
            "lint",
            "verify-config",
            "check-config",
            "configtest",
            "syntax",
            "checkconf",
        ],
        "`{validate}` checks the plan file, and contacts nobody",
    ),
    words(
        &["config", "settings", "env", "get", "describe", "info", "print"],
        "`{show ...}` shows every value of the plan file that holds; `{list}` its plans and devices",
    ),
    words(
        &["cat", "dump", "view", "less", "open", "content"],
        "`{extract ...|ID DIR}` writes an export as text, `{history files ...|last}` names the files of a task; \
         `{show}` shows the values of the plan file",
    ),
    words(
        &[
            "restart",
            "reload",
            "retry",
            "rerun",
            "repeat",
            "continue",
            "daemon-reload",
        ],
        "it runs once and ends, and reads the plan file anew each time: `{run ...|PLAN}`; what a run that died has left is \
         put right by `{recover}`",
    ),
    words(
        &["mount", "browse", "unpack", "unzip"],
        "`{extract ID DIR}` writes an export as text, and an archive is a ZIP: any program opens it",
    ),
    words(
        &["list-timers", "timers", "next"],
        "it runs once and ends; who starts it knows when: `systemctl list-timers`, or the crontab",
    ),
    words(
        &["size", "stats", "stat", "usage", "du", "df", "space"],
        "`{history files ...|last}` has the sizes of files, `{check}` the space that is left in the store",
    ),
    words(
        &["about", "--about", "?", "commands"],
        "`dpbackup --version` prints the version, `dpbackup --help` says what there is",
    ),
    words(
        &["apply", "deploy", "load"],
        "a plan file needs no loading: each command reads it; `{validate}` checks it, and a plan of it is run by `{run PLAN}`",
    ),
    words(
        &[
            "ls",
            "ll",
            "dir",
            "snapshot",
            "snap",
            "archive",
            "archives",
            "snapshots",
            "rlist",
            "rinfo",
            "backups",
            "runs",
            "executions",
            "jobs",
            "events",
            "journal",
        ],
        "`{history}` shows what was run, `{history status}` how old the last good backup of everything is; a new backup is \
         made by `{run PLAN}`",
    ),
    words(
        &[
            "ps",
            "top",
            "running",
            "queue",
            "progress",
            "follow",
            "tail",
            "attach",
            "is-active",
        ],
        "`{history}` shows what runs now and what was run, `{history tasks last}` the tasks of the newest; `{run PLAN -v}` says \
         what it does as it goes",
    ),
    words(
        &["failed", "errors", "failures", "problems", "is-failed"],
        "`{history --status FAILED}` shows what failed, `{history last}` all of the newest execution",
    ),
    words(
        &[
            "web",
            "gui",
            "ui",
            "dashboard",
            "html",
            "page",
            "portal",
            "console",
        ],
        "`{report FILE.html}` writes one page for a browser: there is no server, and nothing listens",
    ),
    words(
        &[
            "commit", "git", "clone", "branch", "checkout", "stash", "merge", "remote", "tree",
        ],
        "each run keeps what it has exported: `{log}` shows what changed from one to the next, `{extract EXPORT DIR}` writes an \
         export as text, fit for git",
    ),
    words(
        &["tag", "tags", "label", "labels", "group", "groups"],
        "devices are grouped by `tags` of a [[device]] in the plan file; such a group is named by @TAG: `{log --device @TAG}`, \
         `{diff @TAG/DOMAIN}`",
    ),
    words(
        &[
            "key",
            "keys",
            "passwd",
            "password",
            "passwords",
            "secret",
            "secrets",
            "user",
            "users",
            "credential",
            "credentials",
            "auth",
        ],
        "who logs in to a device, and where the password comes from, stands under its [[device]] in the plan file: \
         `{show DEVICE}` shows it, `{check DEVICE}` tries it",
    ),
    words(
        &[
            "migrate", "convert", "rebuild", "reindex", "vacuum", "optimize", "repack", "rewrite", "cache",
            "transfer",
        ],
        "nothing is to be rebuilt: the store has no index, and the history is brought up to date by itself, at once by \
         `{recover}`; `{verify --all}` looks at everything that is stored",
    ),
    words(
        &["unlock", "break-lock", "lock", "locks", "with-lock"],
        "no lock is to be broken: each is gone with the process that had it. `{history}` shows what runs now, and `{recover}` \
         puts right what a run that died has left",
    ),
    words(
        &["wait"],
        "`{run PLAN --lock-wait 10m}` waits for another run of the plan, and then runs it",
    ),
    words(
        &["debug", "trace", "verbose"],
        "`-v` behind a command says more, `-vv` every status on the way: `{run PLAN -vv}`",
    ),
    words(
        &[
            "logs",
            "changelog",
            "changed",
            "changes",
            "reflog",
            "whatchanged",
            "shortlog",
        ],
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
            "compact",
        ],
        "no backup is removed by its name: `retention` of the plan file says which stay, `{prune --dry-run}` shows it, `{prune}` \
         removes the others; a device or a plan is taken out of the plan file with an editor",
    ),
    words(
        &["forget"],
        "which backups stay says `retention` in the plan file: `{prune --dry-run}` shows it, and `{prune}` removes the others",
    ),
    words(
        &[
            "unquiesce",
            "repair",
            "fix",
            "mend",
            "undo",
            "resume",
            "rescue",
            "reset",
        ],
        "`{recover}` puts right what a run that died has left: devices still quiesced, folders on devices; what somebody else \
         has quiesced is unquiesced on the device: docs/operations.md",
    ),
    words(
        &["quiesce"],
        "a run quiesces by itself where the plan has `quiesce = true`, and always puts the device back; `{preview \
         PLAN}` shows for a plan where",
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
        &[
            "enable",
            "disable",
            "pause",
            "unpause",
            "suspend",
            "mask",
            "unmask",
            "activate",
            "deactivate",
        ],
        "a plan is turned on and off by `enabled` in the plan file, with an editor; `{show PLAN}` shows which holds",
    ),
    words(
        &["edit", "set", "update-config", "add", "rename", "patch", "modify"],
        "the plan file is text, in which plans and devices stand: change it with an editor, then `{validate}`",
    ),
    words(
        &["cert", "certificate", "certs", "fingerprint", "pin", "tls", "ssl"],
        "`{trust ...|DEVICE}` shows the certificate of a device, and the line that pins it",
    ),
    words(
        &[
            "mail",
            "send",
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
        &[
            "checksum",
            "integrity",
            "scrub",
            "audit",
            "verify-all",
            "fsck",
            "check-repo",
            "check-repository",
            "check-archive",
            "check-archives",
            "check-backups",
            "check-data",
        ],
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
            "generate",
        ],
        "`{init}` writes a plan file to start from; a backup is made by a run of a plan: `{run PLAN}`",
    ),
    words(
        &[
            "monitor",
            "nagios",
            "age",
            "freshness",
            "alerts",
            "summary",
            "overview",
        ],
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
        "what is backed up is an [[plan.activity]] of the plan file; `{run PLAN}` runs a plan, and `{history files last}` \
         shows where the files are",
    ),
    words(
        &["copy", "cp", "upload", "sync", "push", "rsync"],
        "a script of the plan copies what was stored: `post_script` in the plan file, examples/scripts has one",
    ),
    words(
        &["encrypt", "decrypt", "encryption", "gpg", "sign"],
        "a gateway encrypts its secure backup itself, for the `certificate` of the [[plan.activity]]; exports are stored as \
         the gateway gives them, and `{verify --all}` looks at everything again",
    ),
    words(
        &["drill", "exercise", "rehearsal", "restore-test", "test-restore"],
        "a restore is tried on a spare device, in a dry run: `{rehearse --all --on SPARE}`",
    ),
    words(
        &["incremental", "differential", "full"],
        "each run exports all that its plan names; `on_unchanged = \"skip\"` in the plan file keeps no second copy of what has not \
         changed: `{run ...|PLAN}`",
    ),
    words(
        &["docs", "guide", "manual", "doc", "documentation", "tutorial"],
        "`{man ...}` prints a page of the manual, `dpbackup --help` what there is; docs/guide.md goes step by step",
    ),
    words(
        &["domains", "domain"],
        "`{check ...}` says which domains each device has; `{preview ...|PLAN}` shows which of them a plan means",
    ),
];

/// The advice for a word, if it is one of these; some write two words as one (`checkconfig`).
pub(super) fn advice(word: &str) -> Option<&'static str> {
    let joined = |word: &str| word.replace(['-', '_'], "");
    let typed = joined(word);
    let is_it = |other: &&OtherWords| other.words.contains(&word);
    let is_it_joined = |other: &&OtherWords| other.words.iter().any(|word| joined(word) == typed);
    let found = COMMANDS
        .iter()
        .find(is_it)
        .or_else(|| COMMANDS.iter().find(is_it_joined));
    found.map(|other| other.advice)
}
