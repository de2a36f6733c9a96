//! What people type who know other programs: it is simply done where that makes sense, and
//! else answered with what to type.

use std::fs;

use crate::mistakes::Said;
use crate::simulator::{Gateway, Setup};
use crate::support::{Home, Ran, export};

const EXPORT: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA*\"\ndomains = \"DOM1\"\n";

/// Two plans and two devices at which nobody listens; nothing was run yet.
pub(crate) fn home() -> Home {
    Home::new()
        .absent_device("QA1")
        .absent_device("QA2")
        .plan("Nightly", EXPORT)
        .plan("Everything, weekly", EXPORT)
        .plan("Turned off", "enabled = false")
}

/// Each line is typed behind `dpbackup`, and what is said goes into the table.
#[track_caller]
fn said(home: &Home, lines: &[&str]) -> String {
    let mut said = Said::default();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        // To a monitoring system 2 would be a state of the gateways.
        let code = match line.starts_with("status ") || line.contains("history status ") {
            true => 3,
            false => 2,
        };
        said.add_of(&format!("dpbackup {line}"), home, code, &words);
    }
    said.0
}

#[test]
fn a_word_that_is_no_command_is_answered_with_the_one_that_is_meant() {
    let home = home();
    let said = said(
        &home,
        &[
            "histroy",
            "rum Nightly",
            "xyzzy",
            "backup Nightly",
            "restore",
            "restore 12",
            "dry-run Nightly",
            "test",
            "doctor QA1",
            "config",
            "logs",
            "tasks 12",
            "clean",
            "unquiesce",
            "quiesce QA1",
            "secure-backup QA1",
            "copy",
            "stop",
            "schedule",
            "disable Nightly",
            "notify Nightly",
            "certificate QA1",
            "compare 3 4",
            "create",
            "upgrade",
            "Nightly",
            "QA1",
            "plans.toml",
            "help xyzzy",
            "tasks last",
            "files last",
            "hist",
            "changes",
            "unsaved",
            "search password",
            "grep",
            "restart",
            "start QA1",
            "start dpbackup@Nightly.timer",
            "restor 3",
            "rum Nightly -n",
            "domains QA1",
            "domains Nightly",
            "add device QA3",
            "cat 1",
            "dump",
            "launch Nightly",
            "import 3 --to QA1",
            "rollback QA1",
            "snapshot",
            "break-lock",
            "check-repo",
            "checkconfig",
            "test-connection",
            "run-all",
            "prune-dry-run",
            "dry-run-prune",
            "history-status",
            "list-devices",
            "backup-plan Nightly",
            "is-active",
            "web",
            "clone",
            "tag",
            "users",
            "rebuild-index",
            "delete 5",
            "remove QA1",
            "wait",
            "report.html",
            "old.zip",
            "12",
            "find",
            "completions",
            "create ::Nightly",
            "forget --keep-last 3",
            "prune QA1",
            "QA1/DOM1",
            "-v",
            "-version",
            "?",
            "ll",
            "summary",
            "send",
            "encrypt",
            "help backup",
            "drill",
            "incremental Nightly",
            "blame QA1/DOM1",
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_word_that_is_no_option_is_answered_with_what_is_meant() {
    let home = home();
    let said = said(
        &home,
        &[
            "run --plan Nightly",
            "run Nightly --force",
            "run Nightly --json",
            "run Nightly --parallel 4",
            "run Nightly --quiesce",
            "run Nightly --device QA1",
            "run Nightly --ignore-windo",
            "run Nightly --wait",
            "run Nightly --xyzzy",
            "run Nightly -q -v",
            "check --device QA1",
            "check --user backup",
            "init --force",
            "recover --dry-run",
            "recover --all",
            "recover --force",
            "run Nightly --now",
            "run Nightly --verbose=2",
            "--list",
            "recover QA1",
            "validate --plan Nightly",
            "prune --keep-last 3",
            "history --last",
            "history --follow",
            "history -f",
            "history last -f",
            "history tasks last -f",
            "trust QA1 --insecure",
            "--confg plans.toml validate",
            "-config other.toml list",
            "run Nightly -config=other.toml",
            "-c run Nightly",
            "-c run run Nightly",
            "help run --all",
            "help --all",
            "validate --plan-file plans.toml",
            "validate --config",
            "show Nightly QA1",
            "-f other.toml list",
            "check --plan Nightly",
            "preview --plan Nightly",
            "trust --device QA1",
            "report --out page.html",
            "extract QA1/DOM1 --out folder",
            "history --json",
            "schema --json",
            "log QA1",
            "log QA1/DOM1",
            "prune Nightly",
            "list QA1",
            "trust QA1 QA2",
            "history --format json tasks last",
            "history --utc status",
            "history --plan Nightly status",
            "history 8 --plan Nightly",
            "history Nightly --plan Other",
            "verify --task last --all",
            "verify QA1 --all",
            "restore 3 --to QA1 --yes",
            "restore 3 --to QA1 --force",
            "restore 3 --to QA1 --dry-run",
            "restore 3 --to QA1 --domain DOM1",
            "restore 3 --target QA1",
            "restore 3 QA1",
            "restore 3 4 --to QA1",
            "rehearse 3 --to QA1",
            "extract 1 out --force",
            "extract QA1/DOM1 --device QA1",
            "find -name x",
            "find . -name x",
            "find x --since 7d",
            "run Nightly -f json",
            "run Nightly -f xml",
            "log last",
            "log 1",
            "log Nightly",
            "log -name x",
            "verify --plan Nightly",
            "verify --deep",
            "verify --since 7d",
            "check --read-data",
            "report page.html --days 7",
            "log --days 7",
            "report --pdf",
            "report page.html --yes",
            "history --domain DOM1",
            "history -plan Nightly",
            "history status QA1",
            "history status --plan Nightly",
            "history 8 --limit 2",
            "history last --limit 2",
            "last --limit 2",
            "status Monthly",
            "list domains",
            "list devices",
            "list plans",
            "prune QA1",
            "diff --device QA1",
            "trust Nightly QA1",
            "notify-test Nightly --dry-run",
            "validate Nightly",
            "validate QA1",
            "validate -",
            "validate other.toml --config plans.toml",
            "init --dry-run",
            "log --device @qa",
            "find x --device @qa",
            "log -5",
            "history -1",
            "history -n -3",
            "history --since -2d",
            "run Nightly --lock-wait -1",
            "preview Nightly --ignore-window",
            "run Nightly --log run.log",
            "run Nightly --background",
            "log --until 7d",
            "history --before 7d",
            "notify-test --email",
            "run —all",
            "–config plans.toml validate",
            "list --format json",
            "-r store backup",
            "run Nightly -dry-run",
            "verify --last",
            "history --today",
            "prune --list",
            "recover --list",
            "diff 1 2 --stat",
            "init --plan",
            "rehearse --all",
            "restore 1",
            "restore QA1 --to QA1",
            "restore 1 --to QA1 --as DOM2",
            "restore 1 --to QA1 --no-backup",
            "restore 1 --to QA1 --confirm",
            "run Nightly --exclude QA2",
            "run Nightly --no-scripts",
            "run Nightly --no-verify",
            "run --resume",
            "run Nightly --quiet=true",
            "run --All",
            "--Version",
            "history 1 2",
            "history last Nightly",
            "history show 1",
            "history delete 1",
            "history purge",
            "history --reverse",
            "history --full",
            "history files QA1/DOM1",
            "history tasks Nightly",
            "diff --last",
            "diff 1 2 --ignore-case",
            "log --oneline",
            "log --blame",
            "find x --task 1",
            "find --property",
            "verify --file x.zip",
            "check --offline",
            "check --tls",
            "extract 1",
            "report",
            "report page.html --open",
            "trust QA1 --save",
            "show QA1 --secrets",
            "schema > x",
            "completions bash zsh",
            "extract 18 /tmp/e3 --domain DOM1",
            "extract QA1/DOM1 ./out --device QA1",
            "recover --forget",
            "restore old/QA1.zip --to QA1",
            "run -avz Nightly",
            "check --fix",
            "rehearse --all --to QA1",
            "--all run",
            "--plan Nightly history",
            "-n 5 history",
            "--max-age 24h history status --utc",
            "--to QA1 restore 1",
            "-c a.toml -c b.toml validate",
            "history --plan A --plan B",
            "history -qq",
            "history 1 files",
            "plan run Nightly",
            "list run",
            "check --tls QA1",
            "find X QA1/DOM1",
            "history --since 3d ago",
            "run --all --except Nightly",
            "run --full Nightly",
            "restore 1 --to QA1 --unsaved",
            "recover --forge QA1",
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_value_that_is_none_is_answered_with_those_that_are() {
    let home = home();
    let said = said(
        &home,
        &[
            "history tasks last-one",
            "history tasks 0",
            "history tasks 99999999999999999999",
            "history tasks",
            "history --limit 0",
            "history --limit many",
            "history --status FIALED",
            "history --status green",
            "history --status ok",
            "history --status error",
            "history --status SKIPPED",
            "history --status CERT_DOESNT_EXIST",
            "history --status quiesced",
            "history show 12",
            "history list",
            "diff a.zip",
            "history --since monday",
            "history status --max-age 26",
            "history status --max-age 1month",
            "history --format yaml",
            "run Nightly --format csv",
            "run Nightly --lock-wait 5",
            "run Nightly --lock-wait",
            "completions tcsh",
            "completions sh",
            "diff",
            "diff 1 2 3",
            "verify",
            "run Nightly --color green",
            "run Nightly --lock-wait forever",
            "history --since 3m",
            "report page.html --since 6m",
            "report page.html --since 7",
            "report page.html --since 2030",
            "history status --max-rehearsal 3m",
            "history lst",
            "history executions",
            "history failed",
            "init scripts",
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_name_that_nobody_has_is_answered_with_the_nearest_or_with_what_it_is() {
    let home = home();
    let _ = fs::copy(home.plan_file(), home.path("other.toml")).expect("a plan file");
    std::os::unix::fs::symlink("nowhere.toml", home.path("link.toml")).expect("a link");
    let said = said(
        &home,
        &[
            "run",
            "run nightly",
            "run QA1",
            "run Everything, weekly",
            "run other.toml",
            "run all",
            "run N*",
            "preview",
            "preview Monthly",
            "check QA3",
            "check Nigthly",
            "show QA3",
            "show status",
            "trust",
            "trust QA3",
            "trust Nightly",
            "notify-test nightly",
            "prune --plan nightly",
            "history --plan nightly",
            "history --device QA",
            "history Nigthly",
            "history 7x",
            "verify --device QA3",
            "verify QA3",
            "verify 99",
            "verify Nightly",
            "verify QA3/DOM1",
            "trust 127.0.0.1",
            "validate absent.toml",
            "validate --config=~/plans.toml",
            "validate -c $HOME/plans.toml",
            "validate -c https://example.com/plans.toml",
            "validate -c -",
            "trust https://gw.example.com:9090/",
            "trust QA*",
            "check QA*",
            "check QA1/DOM1",
            "history QA*",
            "history --device QA*",
            "history QA1/DOM1",
            "history today",
            "verify QA*",
            "verify --device QA*",
            "verify 1-5",
            "diff HEAD~1 HEAD",
            "diff @qa",
            "log --blame 1",
            "log --blame QA*/DOM1",
            "check --certificate backup-cert",
            "man history-stats",
            "restore last --to QA1",
            "run QA1/DOM1",
            "run Nightly.toml",
            "run nightly.service",
            "check QA1:5550",
            "verify all",
            "restore store/QA1 --to QA1",
            "history 0",
            "validate -c link.toml",
            "run Nightly,Everything",
            "run Nightly,QA1",
            "run @prod",
            "check store",
            "run “Everything, weekly”",
            "run plan=Nightly",
            "run 1",
            "preview #3",
            "show settings",
            "notify-test a@example.com",
            "run Nightly config=other.toml",
            "history 1-3",
            "history #1",
            "history last~1",
            "trust QA1:5550",
            "verify QA1:5550",
            "prune --plan Night*",
            "log --blame QA1/DOM1/XMLManager",
            "rehearse last --on SPARE1",
        ],
    );
    assert_shown!(said);
}

#[test]
fn a_page_whose_folder_is_not_there_is_answered_with_the_command_that_makes_it() {
    let home = home();
    let ran = home.dpbackup(&["report", "absent/page.html"]).exits(1);
    assert!(ran.stderr.contains("`mkdir -p absent`"), "{}", ran.stderr);
    fs::create_dir(home.path("absent")).expect("a folder");
    let _ = home.dpbackup(&["report", "absent/page.html"]).exits(0);
}

#[test]
fn what_other_programs_call_otherwise_is_simply_done() {
    let home = home();
    let done = |words: &[&str]| -> (Option<i32>, String) {
        let Ran { code, stdout, .. } = home.dpbackup(words);
        (code, stdout)
    };
    for (typed, meant) in [
        (&["status"][..], &["history", "status"][..]),
        (&["help"], &["--help"]),
        (&["help", "run"], &["run", "--help"]),
        (&["version"], &["--version"]),
        (
            &["validate", "plans.toml"],
            &["validate", "--config", "plans.toml"],
        ),
        (&["check", "--all"], &["check"]),
        (&["prune", "-n"], &["prune", "--dry-run"]),
        (&["history", "-n", "3"], &["history", "--limit", "3"]),
        (
            &["man", "1", "dpbackup-history-status"],
            &["man", "history", "status"],
        ),
        (&["man", "notify-test"], &["man", "dpbackup-notify-test.1"]),
        (&["help", "--help"], &["--help"]),
    ] {
        assert_eq!(done(typed).0, done(meant).0, "{typed:?}");
        if typed.first() != Some(&"help") {
            // The free space of a disk is another a moment later.
            let lasting = |text: String| -> Vec<String> {
                let lines = text.lines().filter(|line| !line.contains("store space"));
                lines.map(str::to_owned).collect()
            };
            assert_eq!(lasting(done(typed).1), lasting(done(meant).1), "{typed:?}");
        }
    }
    let preview = home.dpbackup(&["preview", "Nightly"]);
    for typed in [["run", "Nightly", "--dry-run"], ["run", "-n", "Nightly"]] {
        let ran = home.dpbackup(&typed);
        assert_eq!(
            (ran.code, &ran.stdout),
            (preview.code, &preview.stdout),
            "{typed:?}"
        );
        assert!(
            ran.stderr
                .starts_with("nothing is run: this is `dpbackup preview Nightly")
        );
    }
    assert!(!home.path("state/history.db").exists(), "and nothing was run");
    for word in ["list", "plans", "devices"] {
        let ran = home.dpbackup(&[word]).exits(0);
        assert!(
            ran.stdout
                .contains("\n  Turned off (not enabled): no device\ndevices\n  QA1: 127.0.0.1:1\n"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn all_runs_every_plan_that_is_enabled_and_no_other() {
    let home = home();
    let ran = home.dpbackup(&["run", "--all", "--format", "json"]).exits(4);
    let started: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.contains("\"plan_opened\"") || line.contains("\"plan_started\""))
        .collect();
    let history = home.dpbackup(&["history", "--format", "csv"]).exits(0).stdout;
    assert!(
        history.contains("Nightly")
            && history.contains("Everything, weekly")
            && !history.contains("Turned off"),
        "{started:?}\n{history}"
    );
    let none = Home::new().plan("Off", "enabled = false");
    let ran = none.dpbackup(&["run", "--all"]).exits(2);
    assert!(
        ran.stderr.contains("no plan that is enabled") && ran.stderr.contains("`enabled = true`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_command_in_an_answer_names_the_plan_file_that_was_named() {
    let home = home();
    let mut command = home.command(&["-c", "plans.toml", "rum", "Everything, weekly"]);
    command.env_remove("DPBACKUP_CONFIG");
    let ran = Ran::of(command.output().expect("it starts")).exits(2);
    let line = format!(
        "`dpbackup run 'Everything, weekly' --config {}`",
        home.path("plans.toml").display()
    );
    assert!(ran.stderr.contains(&line), "{}", ran.stderr);
}

#[test]
fn a_name_that_promises_something_else_is_refused_and_what_finds_nothing_is_told() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .plan("Nightly", &export("QA1", "DOM1", ""))
        .plan("On demand", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Nightly"]).exits(0);
    for (code, words, expected) in [
        (2, &["extract", "QA1/DOM1", "out.zip"][..], "another name: out"),
        (2, &["extract", "Q*/DOM1", "out"], "name one device: QA1/DOM1"),
        (2, &["init", "plans.yaml"], "`dpbackup init plans.toml`"),
        (2, &["run", "Nightly", "On", "demand"], "run Nightly 'On demand'"),
        (2, &["check", "help"], "`dpbackup check --help`"),
        (2, &["verify", "QA1/*"], "the name of the device alone"),
        (1, &["verify", "~/x.zip"], "`~` is not the home folder here"),
        (2, &["rehearse", "all", "--on", "QA1"], "`dpbackup rehearse --all"),
        (
            2,
            &["restore", "#1", "--to", "QA1"],
            "`dpbackup restore 1 --to QA1",
        ),
        (2, &["restore", "QA1", "--to", "QA1"], "it is a device"),
        (
            2,
            &["restore", "--device", "QA1", "--domain", "DOM1"],
            "is that of task 1: `dpbackup restore 1 --to QA1",
        ),
        (
            2,
            &["restore", "QA1/NOPE", "--to", "QA1"],
            "no plan has stored an export of QA1/NOPE",
        ),
        (
            2,
            &["restore", "DOM1"],
            "is that of task 1: `dpbackup restore 1 --to QA1",
        ),
        (
            2,
            &["restore", "task 1", "--to", "QA1"],
            "`dpbackup restore 1 --to QA1",
        ),
        (
            0,
            &["log", "--blame", "QA1/DOM1", "--class", "No"],
            "log --blame QA1/DOM1",
        ),
        (0, &["log", "--since", "2130-01-01"], "still to come"),
        (
            0,
            &["report", "page.html", "--since", "2130-01-01"],
            "still to come",
        ),
        (0, &["recover", "--forget", "QA1/"], ""),
    ] {
        let ran = home.dpbackup(words).exits(code);
        assert!(ran.stderr.contains(expected), "{words:?}: {}", ran.stderr);
    }
    let ran = home.dpbackup(&["check", "Nightly", "QA1"]).exits(0);
    assert_eq!(ran.stdout.matches("login").count(), 1, "{}", ran.stdout);
    let page = home.dpbackup(&["man", "run"]).exits(0).stdout;
    assert!(
        page.contains(".SH EXIT STATUS") && page.contains(".SH ENVIRONMENT"),
        "{page}"
    );
}

#[test]
fn files_in_the_place_of_plans_are_named_as_plan_files_only_where_they_are_some() {
    let home = home();
    for name in ["notes.txt", "readme.md"] {
        fs::write(home.path(name), "to be done").expect("a file");
    }
    let _ = fs::copy(home.plan_file(), home.path("other.toml")).expect("a plan file");
    let hint = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        home.dpbackup(&words).exits(2).stderr
    };
    // As a shell writes a `*` out.
    for (command, all) in [
        ("run", "run --all"),
        ("preview", "preview --all"),
        ("check", "check"),
    ] {
        let said = hint(&format!("{command} notes.txt other.toml plans.toml readme.md"));
        let all = format!("every plan that is enabled: `dpbackup {all} --config ");
        assert!(
            said.contains("where a `*` was typed, the shell has put the names of files")
                && said.contains(&all),
            "{said}"
        );
        assert!(
            !said.contains("notes.txt --config") && !said.contains("readme.md --config"),
            "{said}"
        );
    }
    for line in [
        "run notes.txt",
        "run notes.txt Nightly",
        "preview notes.txt",
        "check readme.md",
    ] {
        let said = hint(line);
        assert!(
            said.contains("it is a file, and cannot be used as a plan file either"),
            "{line}: {said}"
        );
        assert!(!said.contains("--config"), "{line}: {said}");
    }
    let said = hint("run other.toml Nightly");
    let command = format!(
        "`dpbackup run Nightly --config {}`",
        home.path("other.toml").display()
    );
    assert!(said.contains(&command), "{said}");
    let said = hint("run other.toml Monthly");
    let command = format!(
        "has no plans of all these names: `dpbackup list --config {}`",
        home.path("other.toml").display()
    );
    assert!(said.contains(&command), "{said}");
}

#[test]
fn a_variable_that_names_a_plan_file_is_told_wherever_there_is_none() {
    let home = home();
    fs::write(home.path("site-a.toml"), "").expect("a file");
    let said = |named: &str, option: &[&str]| {
        let mut command = home.command(&[&["validate"], option].concat());
        command.env("DPBACKUP_CONFIG", home.path(named));
        Ran::of(command.output().expect("it starts")).exits(2).stderr
    };
    let near = format!("did you mean {}?", home.path("site-a.toml").display());
    let stale = said("site-b.toml", &[]);
    assert!(
        stale.contains(&format!("hint: $DPBACKUP_CONFIG names it; {near}")),
        "{stale}"
    );
    let typed = said("plans.toml", &["--config", "site-b.toml"]);
    assert!(
        typed.contains("did you mean site-a.toml?") && !typed.contains("$DPBACKUP_CONFIG"),
        "{typed}"
    );

    // What is offered can be pasted.
    let stale = said("none/new.toml", &[]);
    assert!(
        stale.contains("hint: $DPBACKUP_CONFIG names it; not even its folder is there"),
        "{stale}"
    );
    let line = stale
        .split('`')
        .find(|words| words.starts_with("mkdir "))
        .expect("a command");
    let line = line.replace(
        "dpbackup init",
        &format!("{} init", env!("CARGO_BIN_EXE_dpbackup")),
    );
    let made = std::process::Command::new("/bin/sh").args(["-c", &line]).status();
    assert!(made.expect("a shell").success(), "{line}");
    assert!(home.path("none/new.toml").is_file());
}
