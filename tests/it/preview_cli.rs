//! `preview` and `validate`: what would happen, and nothing that does.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, Ran, export, gateways, names, secure_backup};

/// The run changed nothing, neither here nor on the device.
#[track_caller]
fn changed_nothing(home: &Home, gateway: &Gateway) {
    assert_eq!(
        names(&home.path("")),
        ["plans.toml", "scripts"],
        "nothing was written"
    );
    let asked = gateway.operations();
    assert!(asked.iter().all(|name| name.starts_with("get-")), "{asked:?}");
}

/// The words of each line, times in paths replaced.
fn lines(home: &Home, ran: &Ran) -> Vec<String> {
    let root = home.path("").to_string_lossy().into_owned();
    let line = |line: &str| {
        let words = line.replace(&root, "HOME/");
        let words: Vec<String> = words
            .split_whitespace()
            .map(|word| {
                let digits = word.chars().filter(char::is_ascii_digit).count();
                if digits >= 17 {
                    let mut kept = String::new();
                    let mut rest = word;
                    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
                        let stamp = rest.get(at..at + 23).unwrap_or_default();
                        let is_stamp = stamp.len() == 23
                            && stamp.chars().all(|c| c.is_ascii_digit() || c == '-')
                            && stamp.matches('-').count() == 6;
                        if is_stamp {
                            kept.push_str(&rest[..at]);
                            kept.push_str("TIME");
                            rest = &rest[at + 23..];
                        } else {
                            kept.push_str(&rest[..=at]);
                            rest = &rest[at + 1..];
                        }
                    }
                    kept + rest
                } else {
                    word.to_owned()
                }
            })
            .collect();
        words.join(" ")
    };
    ran.stdout.lines().map(line).collect()
}

#[test]
fn a_preview_lists_the_tasks_in_order_with_what_would_happen() {
    let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
    let home = Home::of(&gateway).absent_device("QA2").plan(
        "P",
        &(secure_backup("QA1", "quiesce = true")
            + &export("QA*", "DOM*", "quiesce = true")
            + &export("QA1", "all-domains", "")
            + &export("QA1", "NONE*", "")),
    );
    let ran = home.dpbackup(&["preview", "P"]).exits(3);
    assert_eq!(ran.stderr, "");
    let lines = lines(&home, &ran);
    assert_eq!(lines[0], "Plan P");
    assert_eq!(lines[1], "below HOME/store");
    assert_eq!(lines[2], "# Action Device Domain Quiesce What would happen");
    assert_eq!(
        lines[3..6],
        [
            "1 secure backup QA1 all-domains device QA1/secure-backup/TIME",
            "2 export QA1 DOM1 domain QA1/domain/DOM1/DOM1-export-TIME-persisted.zip",
            "3 export QA1 DOM2 domain QA1/domain/DOM2/DOM2-export-TIME-persisted.zip",
        ]
    );
    assert!(
        lines[6].starts_with("4 export QA2 DOM* domain SKIPPED_DEVICE_NOT_AVAILABLE: QA2 (127.0.0.1:2): "),
        "{lines:?}"
    );
    assert!(
        lines[7].starts_with("5 export QA1 all-domains no QA1/domain/all-domains/"),
        "{lines:?}"
    );
    assert_eq!(
        lines[8],
        "6 export QA1 NONE* no SKIPPED_NO_DOMAINS_MATCHING_PATTERN: no domain of QA1 matches 'NONE*'; there are (upper and lower case differ): default, DOM2, DOM1"
    );
    assert_eq!(lines.len(), 9);
    changed_nothing(&home, &gateway);
}

#[test]
fn a_preview_says_which_tasks_a_failure_would_cancel() {
    let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
    let bad = Gateway::start(Setup::default());
    bad.fail_as("*=html");
    let home = |policy: &str| {
        Home::new().device("BAD", &bad).device("QA1", &gateway).plan(
            "P",
            &format!("error_policy = \"{policy}\"\n{}", export("BAD, QA1", "DOM*", "")),
        )
    };
    let halt = home("halt");
    let ran = halt.dpbackup(&["preview", "P"]).exits(1);
    let found = lines(&halt, &ran);
    assert!(found[2].contains("BAD DOM* no DEVICE_ERROR"), "{found:?}");
    for line in &found[3..5] {
        assert!(
            line.ends_with(
                "EXECUTION_CANCELED_BECAUSE_ERROR_POLICY: BAD/DOM* export would end DEVICE_ERROR, and the error policy is halt"
            ),
            "{found:?}"
        );
    }
    // A run does just that.
    let _ = halt.dpbackup(&["run", "P"]).exits(1);
    assert_eq!(
        halt.recorded(),
        [
            "BAD/DOM* DEVICE_ERROR",
            "QA1/DOM1 EXECUTION_CANCELED_BECAUSE_ERROR_POLICY",
            "QA1/DOM2 EXECUTION_CANCELED_BECAUSE_ERROR_POLICY"
        ]
    );
    let ignore = home("ignore");
    let ran = ignore.dpbackup(&["preview", "P"]).exits(1);
    assert!(!ran.stdout.contains("EXECUTION_CANCELED"), "{}", ran.stdout);
}

#[test]
fn a_preview_ends_as_the_run_would() {
    let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
    let bad = Gateway::start(Setup::default());
    bad.fail_as("*=html");
    let home = Home::of(&gateway)
        .device("BAD", &bad)
        .absent_device("GONE")
        .plan("GOOD", &export("QA1", "DOM*", ""))
        .plan("SKIPS", &export("QA1, GONE", "DOM*", ""))
        .plan("FAILS", &export("QA1, BAD", "DOM*", ""))
        .plan("ALL-FAIL", &export("BAD", "DOM*", ""))
        .plan("NOTHING", &export("GONE", "DOM*", ""))
        .plan("OFF", &format!("enabled = false\n{}", export("QA1", "DOM*", "")));
    for (plan, code) in [
        ("GOOD", 0),
        ("SKIPS", 3),
        ("FAILS", 1),
        ("ALL-FAIL", 1),
        ("NOTHING", 4),
        ("OFF", 4),
    ] {
        let _ = home.dpbackup(&["preview", plan]).exits(code);
    }
    let ran = home.dpbackup(&["preview", "OFF"]);
    assert!(
        ran.stdout.contains("would not start now: PLAN_IS_DISABLED"),
        "{}",
        ran.stdout
    );
    let _ = home.dpbackup(&["preview", "GOOD", "SKIPS", "FAILS"]).exits(1);
    changed_nothing(&home, &gateway);
}

#[test]
fn a_script_that_cannot_start_is_told_as_a_run_would_end() {
    let of_task = |key: &str| export("QA1", "DOM1", &format!("{key} = \"gone.sh\""));
    for (plan, code, words) in [
        (
            format!("pre_script = \"gone.sh\"\n{}", export("QA1", "DOM1", "")),
            4,
            "would not start now: PLAN_FAILED_PRE_SCRIPT: ",
        ),
        (of_task("pre_script"), 1, "TASK_FAILED_PRE_SCRIPT"),
        (of_task("post_script"), 3, "a post_script would fail: "),
        (
            format!("post_script = \"gone.sh\"\n{}", export("QA1", "DOM1", "")),
            3,
            "a post_script would fail: ",
        ),
    ] {
        let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
        let home = Home::new().device("QA1", &gateway).plan("P", &plan);
        for arguments in [&["preview", "P"][..], &["preview", "P", "-q"]] {
            let ran = home.dpbackup(arguments).exits(code);
            assert!(
                ran.stdout.contains(words) && ran.stdout.contains("gone.sh"),
                "{}",
                ran.stdout
            );
        }
        changed_nothing(&home, &gateway);
        let _ = home.dpbackup(&["run", "P"]).exits(code);
    }
}

#[test]
fn a_preview_says_what_would_keep_the_plan_from_starting() {
    let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
    let quiesces = export("QA1", "DOM1", "quiesce = true");
    for (setting, words) in [
        ("backups_enabled = false", "BACKUPS_ARE_DISABLED"),
        (
            "require_mount = \"remote\"",
            "PRE_VALIDATION_STORE_IS_NOT_MOUNTED",
        ),
        (
            "quiesce_timeout = \"59s\"",
            "PRE_VALIDATION_QUIESCE_TIMEOUT_SYSPARM_TOO_SHORT",
        ),
        (
            "min_free_store = \"100%\"",
            "PRE_VALIDATION_BACKUP_STORE_OUT_OF_SPACE",
        ),
    ] {
        let home = Home::new()
            .setting(setting)
            .device("QA1", &gateway)
            .plan("P", &quiesces);
        let ran = home.dpbackup(&["preview", "P"]).exits(4);
        assert!(
            ran.stdout.contains(&format!("would not start now: {words}")),
            "{}",
            ran.stdout
        );
        changed_nothing(&home, &gateway);
    }
}

#[test]
fn a_preview_says_what_is_wrong_with_the_store_as_the_run_would() {
    let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
    for (store, words) in [
        ("plans.toml", "plans.toml is not a folder"),
        ("plans.toml/store", "plans.toml is not a folder"),
        ("/proc/x", "/proc is on a file system that holds no files"),
    ] {
        let home = Home::new()
            .setting(&format!("store = \"{store}\""))
            .setting("min_free_store = \"0%\"")
            .device("QA1", &gateway)
            .plan("P", &export("QA1", "DOM1", ""));
        let ran = home.dpbackup(&["preview", "P"]).exits(4);
        let refused = ran
            .stdout
            .lines()
            .find(|line| line.contains("would not start now: PRE_VALIDATION_STORE_IS_NOT_MOUNTED: "));
        assert!(
            refused.is_some_and(|line| line.contains(words)),
            "{store}: {}",
            ran.stdout
        );
        changed_nothing(&home, &gateway);
        let _ = home.dpbackup(&["run", "P"]).exits(4);
        gateway.forget_requests();
    }
}

#[test]
fn a_preview_says_that_the_history_cannot_be_used_and_ends_as_the_run_would() {
    let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
    for (history, words) in [
        ("plans.toml", "plans.toml is not a history of dpbackup"),
        ("plans.toml/history.db", "plans.toml is not a folder"),
        (
            "/proc/x/history.db",
            "/proc is on a file system that holds no files",
        ),
    ] {
        let home = Home::new()
            .setting(&format!("history = \"{history}\""))
            .device("QA1", &gateway)
            .plan("P", &export("QA1", "DOM1", ""));
        let ran = home.dpbackup(&["preview", "P"]).exits(6);
        let refused = ran
            .stdout
            .lines()
            .find(|line| line.contains("would not start now: the history "));
        assert!(
            refused.is_some_and(|line| line.contains(words)),
            "{history}: {}",
            ran.stdout
        );
        changed_nothing(&home, &gateway);
        let _ = home.dpbackup(&["run", "P"]).exits(6);
    }
}

#[test]
fn a_preview_refuses_a_store_into_which_others_may_write_as_the_run_does() {
    let gateway = gateways::with_domains(["DOM1"].map(Domain::new));
    let home = Home::of(&gateway).plan("P", &export("QA1", "DOM1", ""));
    std::fs::create_dir(home.store()).expect("a folder");
    std::fs::set_permissions(home.store(), Permissions::from_mode(0o777)).expect("given away");
    for command in ["preview", "run"] {
        let ran = home.dpbackup(&[command, "P"]).exits(4);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            said.contains("PRE_VALIDATION_STORE_IS_NOT_MOUNTED") && said.contains("the store is not used"),
            "{command}: {said}"
        );
    }
}

#[test]
fn a_preview_as_json_is_one_document() {
    let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
    let home = Home::of(&gateway)
        .absent_device("QA2")
        .plan("P", &export("*", "DOM1", "quiesce = true"));
    let ran = home.dpbackup(&["preview", "P", "--format", "json"]).exits(3);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a document");
    assert_eq!(document["schema_version"], 1);
    let plan = &document["plans"][0];
    assert_eq!(
        (&plan["plan"], &plan["refused"]),
        (&"P".into(), &serde_json::json!([]))
    );
    let task = &plan["tasks"][0];
    assert_eq!(
        (&task["position"], &task["action"]),
        (&1.into(), &"EXPORT_DOMAIN".into())
    );
    assert_eq!(
        (&task["device_name"], &task["domain_name"]),
        (&"QA1".into(), &"DOM1".into())
    );
    assert_eq!(
        (&task["verdict"], &task["reason"]),
        (&"RUN".into(), &serde_json::Value::Null)
    );
    assert_eq!(plan["tasks"][1]["verdict"], "SKIPPED_DEVICE_NOT_AVAILABLE");
    assert_eq!(plan["tasks"][1]["path"], serde_json::Value::Null);
    changed_nothing(&home, &gateway);
}

#[test]
fn validate_says_what_a_good_file_holds_and_contacts_nobody() {
    let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
    let home = Home::of(&gateway)
        .absent_device("QA2")
        .plan("P", &(export("QA*", "DOM*", "") + &secure_backup("QA1", "")))
        .plan("Q", &format!("enabled = false\n{}", export("QA2", "DOM*", "")));
    let ran = home.dpbackup(&["validate"]).exits(0);
    let path = home.path("plans.toml");
    assert_eq!(
        ran.stdout,
        format!(
            "{} is valid: 2 devices, 2 plans, 3 activities\n  store: {}\n  history: {}\n  P: 2 activities, 2 \
             devices\n  Q: 1 activity, 1 device, disabled\n",
            path.display(),
            home.store().display(),
            home.path("state/history.db").display()
        )
    );
    assert_eq!((ran.stderr.as_str(), gateway.connections()), ("", 0));
    changed_nothing(&home, &gateway);
}

#[test]
fn findings_of_a_bad_file_come_all_at_once_and_nothing_is_contacted() {
    let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
    let home = Home::new()
        .setting("retrys = 3")
        .device("QA1", &gateway)
        .device("QA1", &gateway)
        .plan("P", &export("QA9", "DOM*", "quiesce = \"yes\""))
        .plan("EMPTY", "");
    for arguments in [
        vec!["validate"],
        vec!["run", "P"],
        vec!["preview", "P"],
        vec!["check"],
    ] {
        let ran = home.dpbackup(&arguments).exits(2);
        assert_eq!(ran.stdout, "", "{arguments:?}");
        for words in [
            "retrys",
            "retries",
            "QA9",
            "\"yes\"",
            "no activity",
            "plans.toml:",
            "^^^",
        ] {
            assert!(
                ran.stderr.contains(words),
                "{arguments:?} {words}: {}",
                ran.stderr
            );
        }
    }
    assert_eq!(gateway.connections(), 0);
    changed_nothing(&home, &gateway);
}

#[test]
fn a_domain_that_is_asked_for_by_name_and_is_not_there_is_noted_by_preview_and_warned_of_by_a_run() {
    let gateway = gateways::with_domains(["DOM2", "DOM1"].map(Domain::new));
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1, DOM7, X*, DOM8, !DOM8", ""));
    let note = "QA1 has no domain DOM7, which 'DOM1, DOM7, X*, DOM8, !DOM8' asks for";
    let ran = home.dpbackup(&["preview", "P"]).exits(3);
    assert!(
        ran.stdout.contains(&format!("  note: {note}\n")),
        "{}",
        ran.stdout
    );
    let ran = home.dpbackup(&["preview", "P", "--format", "json"]).exits(3);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["plans"][0]["notes"], serde_json::json!([note]));
    let ran = home.dpbackup(&["run", "P"]).exits(3);
    assert!(ran.stderr.contains(note), "{}", ran.stderr);
    let shown = home.dpbackup(&["history", "activities", "1"]).exits(0);
    assert!(shown.stdout.contains(note), "{}", shown.stdout);
}

#[test]
fn a_task_that_its_device_refuses_by_what_it_shows_is_previewed_with_the_code_that_its_run_ends_with() {
    let plans = [
        (
            "DOMAIN",
            export("*", "DOM1", "quiesce = true"),
            "DOMAIN_ALREADY_QUIESCED",
        ),
        (
            "ALL",
            export("*", "all-domains", "quiesce = true"),
            "DEVICE_HAS_QUIESCED_DOMAINS",
        ),
        (
            "SECURE",
            secure_backup("*", "quiesce = true"),
            "DEVICE_HAS_QUIESCED_DOMAINS",
        ),
    ];
    let gateway = gateways::with_domains([Domain::new("DOM1").quiesced()]);
    let home = |gateway: &Gateway| {
        plans.iter().fold(Home::of(gateway), |home, (name, activity, _)| {
            home.plan(name, activity)
        })
    };
    let shown = home(&gateway);
    for (plan, _, code) in &plans {
        let ran = shown.dpbackup(&["preview", plan]).exits(1);
        assert!(
            ran.stdout.contains(code) && !ran.stdout.contains("QA1/"),
            "{plan}: {}",
            ran.stdout
        );
        let _ran = shown.dpbackup(&["run", plan]).exits(1);
        assert_eq!(shown.task_rows()[0].status.code(), *code, "{plan}");
    }
    // One that does not tell is refused as well.
    gateway.fail_as("DomainStatus=no-field@QuiesceState");
    for (plan, ..) in &plans {
        let ran = shown.dpbackup(&["preview", plan]).exits(1);
        assert!(ran.stdout.contains("DEVICE_ERROR"), "{plan}: {}", ran.stdout);
        let _ran = shown.dpbackup(&["run", plan]).exits(1);
        assert_eq!(shown.task_rows()[0].status.code(), "DEVICE_ERROR", "{plan}");
    }
}

#[test]
fn a_domain_that_is_disabled_and_would_be_quiesced_is_told_before_the_run() {
    let gateway = Gateway::start(
        Setup {
            domains: ["DOM1", "DOM2"].map(Domain::new).into(),
            ..Setup::default()
        }
        .being(&["disabled@DOM1"]),
    );
    for (activity, preview, check) in [
        (
            export("*", "DOM*", "quiesce = true"),
            "QA1: disabled, so that a run backs it up and cannot quiesce it: DOM1",
            "disabled: DOM1; a run backs up what is disabled all the same, and cannot quiesce it",
        ),
        (
            secure_backup("*", "quiesce = true"),
            "QA1: disabled, so that a run backs it up and cannot quiesce it: DOM1",
            "disabled: DOM1; a run backs up what is disabled all the same, and cannot quiesce it",
        ),
        (export("*", "DOM2", "quiesce = true"), "", ""),
        (
            export("*", "DOM*", ""),
            "",
            "disabled, and backed up all the same: DOM1",
        ),
    ] {
        let home = Home::of(&gateway).plan("P", &activity);
        for (arguments, words) in [(&["preview", "P"], preview), (&["check", "--format=json"], check)] {
            let ran = home.dpbackup(arguments);
            match words {
                "" => assert!(!ran.stdout.contains("disabled"), "{activity}: {}", ran.stdout),
                words => assert!(ran.stdout.contains(words), "{activity}: {}", ran.stdout),
            }
        }
    }
}
