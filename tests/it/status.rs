//! `dpbackup history status`: how old the last good backup of everything is.

use crate::shown::shown;
use crate::simulator::{Domain, Fault, FaultKind, Gateway, Setup};
use crate::support::{Home, Ran, TestClock, until};

const EXPORT: &str = "error_policy = \"ignore\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA*\"\n\
                      domains = \"DOM*\"\n";
const BOTH: &str = "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"QA*\"\ncertificate = \"backup-cert\"\n\
                    [[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA*\"\ndomains = \"DOM1, DOM2\"\n";

fn status(home: &Home) -> serde_json::Value {
    let ran = home.dpbackup(&["history", "status", "--format", "json"]);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// `device domain kind STATE attempt` for each target.
fn targets(home: &Home) -> Vec<String> {
    let status = status(home);
    let word = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let targets = status["targets"].as_array().expect("targets").iter();
    targets
        .map(|row| {
            ["device_name", "domain_name", "kind", "state", "last_attempt"]
                .map(|key| word(row, key))
                .join(" ")
        })
        .collect()
}

#[test]
fn before_the_first_run_everything_that_is_planned_has_never_been_backed_up() {
    let home = Home::new()
        .absent_device("QA1")
        .absent_device("LONELY")
        .plan("P", BOTH)
        .plan("Q", EXPORT);
    let ran = home.dpbackup(&["history", "status"]).exits(2);
    assert_shown!(shown(&ran, &home));
    assert!(!home.path("state").exists(), "reading creates nothing");
}

#[test]
fn fresh_backups_are_ok_and_old_ones_critical() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").unsaved(), Domain::new("DOM2")],
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", BOTH);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let ran = home.dpbackup(&["history", "status"]).exits(0);
    insta::with_settings!({filters => vec![
        (r"\d+s;;", "[AGE]s;;"),
        (r"\d+s +\d+\.\d [KM]iB +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[AGE]  [SIZE]  [TIME]"),
        (r"SUCCESS +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "SUCCESS  [TIME]"),
        (r"  +", "  "),
    ]}, {
        insta::assert_snapshot!(ran.stdout);
    });
    // Ages are told in whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let old = home.dpbackup(&["history", "status", "--max-age", "0s"]).exits(2);
    let first = old.stdout.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("DPBACKUP CRITICAL - 3 without a good backup within 0s, 0 good, first: QA1"),
        "{first}"
    );
}

#[test]
fn a_device_that_was_not_reached_is_a_warning_for_every_domain_that_a_pattern_means() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let good = targets(&home);
    assert!(good.iter().all(|row| row.ends_with("OK ended")), "{good:?}");

    gateway.fail(Fault::every("connect", FaultKind::Refuse(None)));
    let _ = home.dpbackup(&["run", "P"]).exits(4);
    let warned: Vec<String> = good
        .iter()
        .map(|row| row.replace("OK ended", "WARNING ended"))
        .collect();
    assert_eq!(targets(&home), warned);
    let rows = status(&home)["targets"].clone();
    assert_eq!(rows[0]["last_status"], "SKIPPED_DEVICE_NOT_AVAILABLE");
    let table = home
        .dpbackup(&["history", "status", "--format", "csv"])
        .exits(1)
        .stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 1 + good.len(), "{table}");
    assert!(
        lines[0].starts_with("device_name,domain_name,kind,state,reason,age_seconds,size,"),
        "{table}"
    );
    assert!(lines[1].starts_with("QA1,DOM1,persisted,WARNING,"), "{table}");
}

#[test]
fn a_device_that_was_never_reached_shows_what_was_tried() {
    let home = Home::new().absent_device("QA1").plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(4);
    assert_eq!(targets(&home), ["QA1 DOM* persisted CRITICAL ended"]);
    let target = &status(&home)["targets"][0];
    assert_eq!(target["last_status"], "SKIPPED_DEVICE_NOT_AVAILABLE");
    assert_eq!(target["reason"], "never backed up with success");
}

#[test]
fn ages_stand_beside_times_in_the_zone_of_the_machine_or_in_utc() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let printed = |arguments: &[&str]| {
        let mut command = home.command(&[&["history", "status"], arguments].concat());
        command.env("TZ", "Asia/Tokyo");
        Ran::of(command.output().expect("the binary starts"))
            .exits(0)
            .stdout
    };
    let time = |json: &str| {
        let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let target = json["targets"][0].clone();
        let text = |key: &str| target[key].as_str().expect("a time").to_owned();
        (text("good_time"), text("last_status_time"))
    };
    let (good, last) = time(&printed(&["--format", "json"]));
    assert!(
        good.ends_with("+09:00") && last.ends_with("+09:00"),
        "{good} {last}"
    );
    let (good, last) = time(&printed(&["--format", "json", "--utc"]));
    assert!(
        good.ends_with("+00:00") && last.ends_with("+00:00"),
        "{good} {last}"
    );
    let shown = good.get(..19).expect("a time").replace('T', " ");
    let (local, utc) = (printed(&[]), printed(&["--utc"]));
    assert!(utc.contains(&shown), "{utc}");
    assert!(!local.contains(&shown), "{local}");
}

#[test]
fn what_monitoring_types_wrong_is_unknown_and_no_state_of_the_gateways() {
    let home = Home::new().absent_device("QA1").plan("P", EXPORT);
    for words in [
        &["history", "status", "-w", "26", "-c", "48"][..],
        &["history", "status", "--format", "xml"],
        &["status", "--max-age", "26"],
        &["history", "status", "—max-age", "26h"],
    ] {
        let ran = home.dpbackup(words).exits(3);
        assert!(
            ran.stdout.starts_with("DPBACKUP UNKNOWN - "),
            "{words:?}: {}",
            ran.stdout
        );
        assert!(ran.stderr.contains("hint: "), "{words:?}: {}", ran.stderr);
    }
    let _ = home.dpbackup(&["history", "files", "x"]).exits(2);
}

#[test]
fn documents_begin_with_their_version() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let begins = |text: &str| {
        let text: String = text.split_whitespace().collect();
        assert!(text.starts_with("{\"schema_version\":1,"), "{text}");
    };
    for arguments in [
        &["history", "status"][..],
        &["history"],
        &["history", "files", "1"],
        &["check"],
        &["verify", "--all"],
        &["prune"],
        &["preview", "P"],
        &["diff", "1", "1"],
    ] {
        begins(&home.dpbackup(&[arguments, &["--format", "json"]].concat()).stdout);
    }
    let missing = [
        "--config",
        "not-there.toml",
        "history",
        "status",
        "--format",
        "json",
    ];
    begins(&home.dpbackup(&missing).exits(3).stdout);
    let run = home.dpbackup(&["run", "P", "--format", "json"]).exits(0);
    run.stdout.lines().for_each(begins);
}

#[test]
fn a_failed_attempt_after_a_good_one_is_a_warning() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    gateway.fail(Fault::every("do-backup", FaultKind::EmptyFile).in_domain("DOM2"));
    let _ = home.dpbackup(&["run", "P"]).exits(1);
    let ran = home.dpbackup(&["history", "status"]).exits(1);
    let first = ran.stdout.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("DPBACKUP WARNING - 1 with a warning, 1 good, first: QA1/DOM2 | ok=1"),
        "{first}"
    );
    assert_eq!(
        targets(&home),
        ["QA1 DOM2 persisted WARNING ended", "QA1 DOM1 persisted OK ended"]
    );
}

#[test]
fn a_domain_that_no_plan_asks_for_any_more_is_shown_and_not_judged() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let text = std::fs::read_to_string(home.plan_file()).expect("text");
    std::fs::write(home.path("new.toml"), text.replace("DOM*", "DOM*, !DOM2")).expect("a file");
    let ran = home
        .dpbackup(&["-c", "new.toml", "history", "status", "--format", "json"])
        .exits(0);
    assert!(ran.stdout.contains("NOT_PLANNED"), "{}", ran.stdout);
}

#[test]
fn an_api_connect_domain_that_is_named_in_full_is_a_warning_that_says_why_it_has_no_backup() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("APIC1").api_connect(), Domain::new("DOM1")],
        ..Setup::default()
    });
    let named = EXPORT.replace("DOM*", "APIC1, DOM1");
    let home = Home::of(&gateway).plan("P", &named);
    let before = home.dpbackup(&["history", "status"]).exits(2);
    assert!(!before.stdout.contains("API Connect"), "{}", before.stdout);
    let _ = home.dpbackup(&["run", "P"]).exits(3);
    let ran = home.dpbackup(&["history", "status"]).exits(1);
    assert!(
        ran.stdout.contains("SKIPPED_APIC_DOMAIN")
            && ran
                .stdout
                .contains("an API Connect domain, which no task exports: leave it out of the plan"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        targets(&home),
        ["QA1 APIC1 persisted WARNING ended", "QA1 DOM1 persisted OK ended"]
    );
    // It is known, and nothing of it is.
    let log = home.dpbackup(&["log", "--domain", "APIC1"]).exits(0);
    assert_eq!(log.stdout, "No change that is recorded is like that.\n");
    let find = home.dpbackup(&["find", "x", "--domain", "APIC1"]).exits(1);
    assert!(
        find.stderr
            .contains("there is no good export of a domain that matches 'APIC1'"),
        "{}",
        find.stderr
    );
    let unknown = home.dpbackup(&["log", "--domain", "APIC2"]).exits(2);
    assert!(
        unknown.stderr.contains("did you mean 'APIC1'?"),
        "{}",
        unknown.stderr
    );

    // A pattern does not ask for it, so that nothing is missing.
    let text = std::fs::read_to_string(home.plan_file()).expect("text");
    std::fs::write(home.path("all.toml"), text.replace("APIC1, DOM1", "*, !default")).expect("a file");
    let ran = home.dpbackup(&["-c", "all.toml", "history", "status"]).exits(0);
    assert!(!ran.stdout.contains("APIC1"), "{}", ran.stdout);
    let _ = home
        .dpbackup(&["-c", "all.toml", "log", "--domain", "APIC1"])
        .exits(0);
}

#[test]
fn a_domain_that_the_device_does_not_have_shows_that_somebody_looked_for_it() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &EXPORT.replace("DOM*", "NOPE"));
    let _ = home.dpbackup(&["run", "P"]).exits(4);
    assert_eq!(targets(&home), ["QA1 NOPE persisted CRITICAL ended"]);
    let status = status(&home);
    let target = &status["targets"][0];
    assert_eq!(target["last_status"], "SKIPPED_NO_DOMAINS_MATCHING_PATTERN");
    assert_eq!(target["reason"], "never backed up; the device has no such domain");
}

#[test]
fn a_backup_of_the_future_is_as_old_as_a_later_task_shows_and_else_of_no_known_age() {
    let gateway = Gateway::start(Setup::default());
    let metrics = "[notify.metrics]\npath = \"metrics.prom\"\n";
    let home = Home::of(&gateway).plan("P", &format!("{}{metrics}", EXPORT.replace("DOM*", "DOM1")));
    let ahead = home.run("P", &TestClock::at("2038-01-19T03:14:07Z"));
    assert_eq!(ahead.status(), "SUCCESS");
    let judged = || {
        let status = status(&home);
        let target = status["targets"][0].clone();
        (status["state"].clone(), target["age_seconds"].clone())
    };
    assert_eq!(judged(), ("WARNING".into(), serde_json::Value::Null));
    let ran = home.dpbackup(&["history", "status"]).exits(1);
    assert!(ran.stdout.contains("oldest=U;;"), "{}", ran.stdout);
    let page = home.dpbackup(&["report", "-"]).exits(0).stdout;
    assert!(
        page.contains("The one target has no good backup younger than 26 h"),
        "{page}"
    );

    gateway.fail(Fault::every("do-backup", FaultKind::EmptyFile));
    let later = home.run("P", &TestClock::at("2026-01-02T03:00:00Z"));
    assert_eq!(later.status(), "FAILED");
    let (state, age) = judged();
    assert_eq!(state, "CRITICAL");
    assert!(age.as_u64().is_some_and(|age| age > 86_400), "{age}");
    let _ = home.dpbackup(&["recover"]).exits(0);
    let metrics = std::fs::read_to_string(home.path("metrics.prom")).expect("metrics");
    assert!(
        metrics.contains("last_run_timestamp_seconds") && !metrics.contains("target_last_success_timestamp"),
        "an alarm for what has no success: {metrics}"
    );
}

#[test]
fn an_attempt_under_way_is_told_from_one_that_died() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    gateway.fail(Fault::every("do-backup", FaultKind::StallBeforeHead(None)));
    let mut run = home.start(&["run", "P"]);
    until(&mut [&mut run], || {
        targets(&home).contains(&"QA1 DOM1 persisted OK running".to_owned())
    });
    run.kill().expect("it can be killed");
    run.wait().expect("it ended");
    assert!(
        targets(&home).contains(&"QA1 DOM1 persisted WARNING abandoned".to_owned()),
        "{:?}",
        targets(&home)
    );
    let _ = home.dpbackup(&["history", "status"]).exits(1);
}

#[test]
fn what_cannot_be_read_is_unknown() {
    let home = Home::new().absent_device("QA1").plan("P", EXPORT);
    std::fs::create_dir(home.path("state")).expect("a folder");
    std::fs::write(home.path("state/history.db"), "something else").expect("a file");
    let ran = home.dpbackup(&["history", "status"]).exits(3);
    assert_shown!(shown(&ran, &home));
    let json = home.dpbackup(&["history", "status", "--format", "json"]).exits(3);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["state"], "UNKNOWN");

    let ran = home
        .dpbackup(&["--config", "not-there.toml", "history", "status"])
        .exits(3);
    assert!(ran.stdout.starts_with("DPBACKUP UNKNOWN - "), "{}", ran.stdout);
}

#[test]
fn a_domain_that_is_not_listed_any_more_is_noted_by_the_run_and_warned_of_here() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1"), Domain::new("DOM2")],
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    gateway.state().remove_domain("DOM2");
    let ran = home.dpbackup(&["run", "P", "-v"]).exits(0);
    let note = "not listed any more by QA1: DOM2 (last backed up by task 2)";
    assert!(ran.stderr.contains(&format!("note: {note}")), "{}", ran.stderr);
    let last = home.dpbackup(&["history", "last"]).exits(0).stdout;
    assert!(last.contains(note), "{last}");
    let ran = home.dpbackup(&["history", "status"]).exits(1);
    assert!(
        ran.stdout
            .contains("the newest run of its plan did not see it on the device"),
        "{}",
        ran.stdout
    );
    let targets = targets(&home);
    let is_warned = |line: &String| line.contains("QA1 DOM2") && line.contains("WARNING");
    assert!(targets.iter().any(is_warned), "{targets:?}");
}
