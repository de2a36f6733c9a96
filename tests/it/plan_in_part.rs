//! A plan file with an error: what is sound in it is used by those who look and mend, and nobody forgets
//! a device over it that may still be quiesced.

use std::fs;

use crate::simulator::{Domain, Fault, FaultKind, Gateway};
use crate::support::{Home, Ran, eventually, export, gateways};

const BROKEN_PLAN: &str = "[[plan]]\nname = 5\n";
const BROKEN_DEVICE: &str = "[[device]]\nname = \"BAD\"\nhost = 5\n";
const SYNTAX: &str = "[[plan]]\nname = \"Half\ndescription = \"x\"\n";

fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .timeouts("request = 4s")
        .device("QA1", gateway)
        .plan("P", &export("*", "DOM1", "quiesce = true"))
}

/// The plan file of a home, changed; every command gets it by name.
struct Changed<'h>(&'h Home);

impl<'h> Changed<'h> {
    fn by(home: &'h Home, change: impl FnOnce(String) -> String) -> Self {
        let text = fs::read_to_string(home.plan_file()).expect("the plan file");
        fs::write(home.path("changed.toml"), change(text)).expect("a plan file");
        Self(home)
    }

    fn dpbackup(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["--config", "changed.toml"];
        all.extend(arguments);
        self.0.dpbackup(&all)
    }
}

/// Leaves the domain quiesced, and its row open.
fn die(home: &Home, gateway: &Gateway) {
    gateway.fail(Fault::nth("do-backup", 1, FaultKind::StallBeforeHead(None)));
    let running = home.running(&["run", "P"]);
    eventually("it is quiesced", || gateway.received("do-backup") == 1);
    running.kill();
    gateway.clear_faults();
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn an_error_elsewhere_does_not_keep_anybody_from_looking_and_mending() {
    let no_settings = |text: &str| text.replace("retries = 0", "retries = \"many\"\nquiesce_grace = 5");
    let changes: [(&str, &dyn Fn(String) -> String); 4] = [
        ("left out: [[plan]] of line", &|text| text + BROKEN_PLAN),
        ("left out: [[device]] of line", &|text| text + BROKEN_DEVICE),
        ("left out: [[plan]] of line", &|text| text + SYNTAX),
        ("left out: all but `store` and `history` of [settings]", &|text| {
            no_settings(&text)
        }),
    ];
    for (words, change) in changes {
        let gateway = gateways::pair();
        let home = home(&gateway);
        let _ran = home.dpbackup(&["run", "P"]).exits(0);
        gateway.forget_requests();
        die(&home, &gateway);
        let changed = Changed::by(&home, change);
        for look in [
            ["history"].as_slice(),
            &["history", "last"],
            &["last", "--plan", "P"],
            &["history", "files", "1"],
            &["verify", "--all"],
            &["trust", "QA1"],
            &["diff", "QA1/DOM1", "QA1/DOM1"],
            &["log"],
            &["find", "DOM1-service"],
            &["extract", "QA1/DOM1", "text"],
            &["report", "-"],
        ] {
            let ran = changed.dpbackup(look).exits(3);
            assert!(ran.stderr.contains(words), "{look:?}: {}", ran.stderr);
            assert!(!ran.stdout.is_empty(), "{look:?}");
        }
        let page = changed.dpbackup(&["report", "-"]).exits(3).stdout;
        assert!(
            page.contains("What else the plan file asks for could not be read."),
            "{page}"
        );
        let ran = changed.dpbackup(&["recover"]).exits(3);
        assert!(ran.stdout.contains("unquiesced and confirmed"), "{}", ran.stdout);
        assert!(gateway.state().is_unquiesced(), "{words}");
        assert_eq!(home.open_entries(), []);
    }
}

#[test]
fn an_error_in_the_store_alone_stops_only_who_needs_the_store() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    gateway.forget_requests();
    die(&home, &gateway);
    let lines: [&dyn Fn(&str) -> String; 4] = [
        &|_| "store = 5".to_owned(),
        &|_| "store = /backup".to_owned(),
        &|_| "store = \"~/backup\"".to_owned(),
        &|_| String::new(),
    ];
    for line in lines {
        let changed = Changed::by(&home, |text| {
            let lines = text.lines().map(|old| match old.starts_with("store = ") {
                true => line(old),
                false => old.to_owned(),
            });
            lines.map(|line| line + "\n").collect()
        });
        for look in [
            ["history"].as_slice(),
            &["history", "last"],
            &["trust", "QA1"],
            &["log"],
            &["report", "-"],
        ] {
            let ran = changed.dpbackup(look).exits(3);
            assert!(!ran.stdout.is_empty(), "{look:?}");
            assert!(
                ran.stderr
                    .contains("left out: all but `history` of [settings] (line"),
                "{look:?}: {}",
                ran.stderr
            );
        }
        for look in [
            ["verify", "--all"].as_slice(),
            &["diff", "1", "1"],
            &["find", "x"],
        ] {
            let ran = changed.dpbackup(look).exits(10);
            assert!(
                ran.stderr.contains("mend `store` in its [settings]"),
                "{look:?}: {}",
                ran.stderr
            );
        }
    }
    let changed = Changed::by(&home, |text| text.replace("store = \"", "store = \"~"));
    let status = changed.dpbackup(&["history", "status"]);
    assert!(
        status
            .stdout
            .contains("where the store is cannot be read in the plan file"),
        "{}",
        status.stdout
    );
    let ran = changed.dpbackup(&["recover"]).exits(3);
    assert!(
        ran.stdout.contains("unquiesced and confirmed")
            && ran
                .stdout
                .contains("was not looked for: the plan file does not say where"),
        "{}",
        ran.stdout
    );
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_device_whose_own_table_is_broken_is_not_forgotten() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    die(&home, &gateway);
    let changed = Changed::by(&home, |text| {
        text.replace("username = \"backup\"", "usrname = \"backup\"")
    });
    let ran = changed.dpbackup(&["recover"]).exits(10);
    assert!(
        ran.stdout.contains("domain DOM1 of QA1") && ran.stdout.contains("mend the file"),
        "{}",
        ran.stdout
    );
    assert_eq!(home.open_entries().len(), 1);
    assert!(!gateway.state().is_unquiesced());
}

#[test]
fn two_devices_of_one_name_are_both_left_out() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    let other = Gateway::start(gateways::small([Domain::new("DOM1")]));
    die(&home, &gateway);
    let twice = home.device("QA1", &other);
    let _ran = twice.dpbackup(&["recover"]).exits(10);
    assert_eq!(other.received("*"), 0);
    assert_eq!(twice.open_entries().len(), 1);
}

#[test]
fn a_command_that_cannot_look_for_an_error_of_the_plan_file_ends_with_10_where_something_is_open() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    for arguments in [["run", "P"], ["preview", "P"], ["check", "P"]] {
        let _ran = Changed::by(&home, |text| text + BROKEN_PLAN)
            .dpbackup(&arguments)
            .exits(2);
    }
    die(&home, &gateway);
    let changed = Changed::by(&home, |text| text + BROKEN_PLAN);
    for arguments in [["run", "P"], ["preview", "P"], ["check", "P"]] {
        let ran = changed.dpbackup(&arguments).exits(10);
        assert!(
            ran.stderr.contains("MAY BE QUIESCED: domain DOM1 of QA1"),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
    // A file that says nothing at all leaves the usual place of a history.
    let usual = home.path(".local/state/dpbackup");
    fs::create_dir_all(&usual).expect("a folder");
    std::os::unix::fs::symlink(home.path("state/history.db"), usual.join("history.db")).expect("a link");
    let changed = Changed::by(&home, |_| "[settings\n".to_owned());
    for arguments in [["run", "P"].as_slice(), &["recover"], &["history"]] {
        let ran = changed.dpbackup(arguments).exits(10);
        assert!(ran.stderr.contains("domain DOM1 of QA1"), "{}", ran.stderr);
        let missing = home.dpbackup(&[&["--config", "not-there.toml"], arguments].concat());
        assert!(
            missing.exits(10).stderr.contains("domain DOM1 of QA1"),
            "{arguments:?}"
        );
    }
}

#[test]
fn nothing_is_removed_while_a_retention_may_be_what_is_wrong() {
    let gateway = gateways::pair();
    let home = home(&gateway).setting("retention = { keep_last = 1 }");
    for text in ["one", "two"] {
        gateway
            .state()
            .put_file("DOM1", "local:///readme.txt", text.as_bytes().to_vec());
        let _ran = home.dpbackup(&["run", "P"]).exits(0);
    }
    let stored = home.stored();
    let changed = Changed::by(&home, |text| text + BROKEN_PLAN);
    for arguments in [["prune"].as_slice(), &["prune", "--dry-run"]] {
        let ran = changed.dpbackup(arguments).exits(2);
        assert!(ran.stderr.contains("nothing was removed"), "{}", ran.stderr);
    }
    gateway.forget_requests();
    die(&home, &gateway);
    let ran = changed.dpbackup(&["prune"]).exits(10);
    assert!(
        ran.stderr.contains("nothing was removed")
            && ran.stderr.contains("MAY BE QUIESCED: domain DOM1 of QA1"),
        "{}",
        ran.stderr
    );
    for path in stored {
        assert!(home.store().join(&path).exists(), "{path}");
    }
}

#[test]
fn the_age_of_backups_is_not_known_of_what_could_not_be_read() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    let _whole = home.dpbackup(&["history", "status"]).exits(0);
    let changed = Changed::by(&home, |text| text + BROKEN_DEVICE);
    let ran = changed.dpbackup(&["history", "status"]).exits(3);
    let first = ran.stdout.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("DPBACKUP UNKNOWN - of what is wrong in the plan file nothing is known, 1 good"),
        "{first}"
    );
    let old = changed
        .dpbackup(&["history", "status", "--max-age", "0s", "--format", "json"])
        .exits(2);
    assert!(old.stdout.contains("CRITICAL"), "{}", old.stdout);
    gateway.forget_requests();
    die(&home, &gateway);
    let ran = changed.dpbackup(&["history", "status"]).exits(2);
    let first = ran.stdout.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("DPBACKUP CRITICAL - MAY BE QUIESCED: domain DOM1 of QA1"),
        "{first}"
    );
    let changed = Changed::by(&home, |_| "[settings]\nhistory = 5\n".to_owned());
    let usual = home.path(".local/state/dpbackup");
    fs::create_dir_all(&usual).expect("a folder");
    std::os::unix::fs::symlink(home.path("state/history.db"), usual.join("history.db")).expect("a link");
    for arguments in [
        ["history", "status"].as_slice(),
        &["prune"],
        &["notify-test"],
        &["diff", "1", "2"],
        &["log"],
        &["find", "x"],
        &["extract", "1", "text"],
        &["report", "page.html"],
        &["rehearse", "--all", "--on", "QA1"],
    ] {
        let ran = changed.dpbackup(arguments).exits(10);
        assert!(
            ran.stderr.contains("domain DOM1 of QA1"),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_plan_file_of_which_nothing_can_be_read_is_refused_as_ever() {
    let home = Home::new().absent_device("QA1");
    for text in [
        "[settings\n",
        "[settings]\nhistory = 5\n",
        "plans:\n  - name: P\n",
    ] {
        let changed = Changed::by(&home, |_| text.to_owned());
        for arguments in [["history"].as_slice(), &["recover"], &["trust", "QA1"]] {
            let _ran = changed.dpbackup(arguments).exits(2);
        }
    }
}

#[test]
fn a_history_that_only_a_line_of_a_plan_file_names_which_cannot_be_used_is_asked_for_what_is_open() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    die(&home, &gateway);
    let changes: [(&str, &dyn Fn(String) -> String); 3] = [
        ("a key of another name", &|text| {
            text.replacen("history = ", "histori = ", 1)
        }),
        ("two tables of settings", &|text| format!("[settings]\n{text}")),
        ("no text", &|text| format!("# caf\u{fffd}\n{text}")),
    ];
    for (what, change) in changes {
        let changed = Changed::by(&home, change);
        if what == "no text" {
            let bytes = fs::read(home.path("changed.toml")).expect("a file");
            let latin = bytes.iter().copied().filter(|byte| !matches!(byte, 0xbf | 0xbd));
            fs::write(home.path("changed.toml"), latin.collect::<Vec<u8>>()).expect("a file");
        }
        for command in [["run", "P"].as_slice(), &["recover"], &["check"], &["history"]] {
            let ran = changed.dpbackup(command);
            assert_eq!(ran.code, Some(10), "{what}: {command:?}: {ran:?}");
            assert!(ran.stderr.contains("DOM1"), "{what}: {command:?}: {}", ran.stderr);
        }
    }
    use std::os::unix::fs::PermissionsExt as _;
    let _changed = Changed::by(&home, |text| text);
    let path = home.path("changed.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("a mode");
    let ran = home.dpbackup(&["--config", "changed.toml", "recover"]).exits(10);
    assert!(ran.stderr.contains("DOM1"), "{}", ran.stderr);
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn a_folder_in_place_of_a_history_in_which_a_dead_run_wrote_is_no_reason_to_be_silent() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    die(&home, &gateway);
    let changed = Changed::by(&home, |text| text);
    let history = home.path("state/history.db");
    fs::rename(&history, home.path("away.db")).expect("moved");
    for beside in ["state/history.db-wal", "state/history.db-shm"] {
        let _not_there = fs::remove_file(home.path(beside));
    }
    fs::create_dir(&history).expect("a folder");
    for command in [["run", "P"].as_slice(), &["recover"], &["check"], &["history"]] {
        let ran = changed.dpbackup(command);
        assert_eq!(ran.code, Some(10), "{command:?}: {ran:?}");
    }
}

#[test]
fn a_device_of_which_nothing_but_the_trust_is_wrong_shows_what_mends_it() {
    let gateway = gateways::pair();
    let home = home(&gateway);
    let changed = Changed::by(&home, |text| text.replace(&gateway.pin(), "ae70"));
    let ran = changed.dpbackup(&["trust", "QA1"]).exits(3);
    assert!(ran.stdout.contains("tls = { pin_sha256 = \""), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("left out: `tls` of [[device]] of line"),
        "{}",
        ran.stderr
    );
    // Nobody sends anything to a device that is trusted otherwise than its owner wanted.
    let ran = changed.dpbackup(&["check", "QA1"]).exits(2);
    assert!(ran.stderr.contains("is not a SHA-256"), "{}", ran.stderr);
    assert_eq!(gateway.operations(), Vec::<String>::new());
}
