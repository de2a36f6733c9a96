//! What scripts are told: DPOD's positional arguments, variables, and a JSON file.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::simulator::{Gateway, Setup};
use crate::support::{Home, PASSWORD, Ran, TestClock, export, secure_backup};

/// Every argument of every script, a line each, in the order in which they ran.
const ARGUMENTS: &str =
    "#!/bin/sh\nprintf '%s|' \"$@\" >> \"$DPBACKUP_STORE/../order\"\necho >> \"$DPBACKUP_STORE/../order\"\n";

/// Keeps the environment and the context file of each moment.
const SURROUNDINGS: &str = "#!/bin/sh\nname=\"$DPBACKUP_STORE/../$1-$2\"\n/usr/bin/env | sort > \"$name.env\"\n\
    cp \"$DPBACKUP_CONTEXT\" \"$name.json\"\nstat -c %a \"$DPBACKUP_CONTEXT\" > \"$name.mode\"\n";

/// Reads the list of files, a path on each line.
const SUM: &str = "#!/bin/sh\nprintf %s \"$DPBACKUP_FILES\" | while read -r file; do\n\
    sha256sum \"$file\" | cut -d' ' -f1 >> \"$DPBACKUP_STORE/../sum\"; done\n";

const FOUR: &str = "pre_script = \"s.sh\"\npost_script = \"s.sh\"\n";

fn order(home: &Home, gateway: &Gateway) -> String {
    let order = home.text("order").replace(&gateway.port().to_string(), "PORT");
    order.replace(&*home.path("").to_string_lossy(), "HOME/")
}

#[test]
fn the_arguments_are_those_of_dpod_at_all_four_moments() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).script("s.sh", ARGUMENTS).plan(
        "Backup QA",
        &format!(
            "{FOUR}{}",
            export("*", "DOM1", FOUR) + &secure_backup("*", FOUR) + &export("*", "NONE*", FOUR)
        ),
    );
    let run = home.run("Backup QA", &TestClock::odd_night());
    assert_eq!(run.status(), "COMPLETED_WITH_WARNINGS", "{:?}", run.errors());
    insta::assert_snapshot!(order(&home, &gateway), @r#"
    BACKUP-PLAN|PRE|1|Backup QA|
    BACKUP-TASK|PRE|1|Backup QA|exportDomain|QA1|127.0.0.1|PORT|DOM1|
    BACKUP-TASK|POST|1|Backup QA|SUCCESS|NONE|FFU|FFU|exportDomain|QA1|127.0.0.1|PORT|DOM1|
    BACKUP-TASK|PRE|2|Backup QA|secureBackup|QA1|127.0.0.1|PORT|ALL|
    BACKUP-TASK|POST|2|Backup QA|SUCCESS|NONE|FFU|FFU|secureBackup|QA1|127.0.0.1|PORT|ALL|
    BACKUP-PLAN|POST|1|Backup QA|COMPLETED_WITH_WARNINGS|task 3 SKIPPED_NO_DOMAINS_MATCHING_PATTERN: no domain of QA1 matches 'NONE*'; there are (upper and lower case differ): default, DOM1, DOM2|FFU|FFU|1,exportDomain,QA1,DOM1,SUCCESS~2,secureBackup,QA1,ALL,SUCCESS~3,exportDomain,QA1,NONE*,SKIPPED_NO_DOMAINS_MATCHING_PATTERN|
    "#);
}

#[test]
fn the_arguments_of_post_scripts_carry_statuses_and_errors() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup=file-error");
    let post = "post_script = \"s.sh\"\n";
    let home = Home::of(&gateway)
        .script("s.sh", ARGUMENTS)
        .plan("P", &format!("{post}{}", export("*", "DOM*", post)));
    let run = home.run("P", &TestClock::odd_night());
    assert_eq!(run.status(), "FAILED");
    insta::assert_snapshot!(order(&home, &gateway), @r#"
    BACKUP-TASK|POST|1|P|BACKUP_FAILED|QA1: do-backup DOM1: the device answered "ERROR" in place of a file; device untouched|FFU|FFU|exportDomain|QA1|127.0.0.1|PORT|DOM1|
    BACKUP-PLAN|POST|1|P|FAILED|task 1 BACKUP_FAILED: QA1: do-backup DOM1: the device answered "ERROR" in place of a file; device untouched|FFU|FFU|1,exportDomain,QA1,DOM1,BACKUP_FAILED~2,exportDomain,QA1,DOM2,EXECUTION_CANCELED_BECAUSE_ERROR_POLICY|
    "#);
}

#[test]
fn an_argument_stays_one_whatever_it_holds_for_no_shell_reads_it() {
    let gateway = Gateway::start(Setup::default());
    let name = "it's $HOME `id` * ; exit 9 | cat";
    let home = Home::of(&gateway).script("s.sh", ARGUMENTS).plan(
        name,
        &format!("pre_script = \"s.sh\"\n{}", export("*", "DOM1", "")),
    );
    let run = home.run(name, &TestClock::odd_night());
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    assert_eq!(home.text("order"), format!("BACKUP-PLAN|PRE|1|{name}|\n"));
}

/// A home whose plan was run by the binary, with the surroundings of all four moments.
fn surroundings(gateway: &Gateway) -> Home {
    let home = Home::of(gateway)
        .script("s.sh", SURROUNDINGS)
        .plan("P", &format!("{FOUR}{}", export("*", "DOM1", FOUR)));
    let plan_file = home.path("plans.toml");
    let mut run = home.command(&["--config", &plan_file.to_string_lossy(), "run", "P"]);
    // Another one that the surroundings name.
    let ran = run.env("DPBACKUP_CONFIG", home.path("other.toml")).output();
    let _ = Ran::of(ran.expect("the binary starts")).exits(0);
    home
}

/// The variables of a moment that are ours, redacted.
fn variables(home: &Home, gateway: &Gateway, moment: &str) -> BTreeMap<String, String> {
    let root = home.path("").to_string_lossy().into_owned();
    let text = home.text(&format!("{moment}.env")).replace(&root, "HOME/");
    let text = text.replace(&gateway.port().to_string(), "PORT");
    let ours = text.lines().filter(|line| line.starts_with("DPBACKUP_"));
    ours.filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_same_facts_come_as_variables() {
    let gateway = Gateway::start(Setup::default());
    let home = surroundings(&gateway);
    let names = |moment: &str| {
        let variables = variables(&home, &gateway, moment);
        let names: Vec<String> = variables
            .into_keys()
            .map(|name| name.trim_start_matches("DPBACKUP_").to_owned())
            .collect();
        names.join(" ")
    };
    assert_eq!(
        names("BACKUP-PLAN-PRE"),
        "CONFIG CONTEXT MOMENT PLAN_ID PLAN_NAME STORE"
    );
    assert_eq!(
        names("BACKUP-PLAN-POST"),
        "CONFIG CONTEXT ERROR FILES MOMENT PLAN_ID PLAN_NAME STATUS STORE"
    );
    assert_eq!(
        names("BACKUP-TASK-PRE"),
        "ACTION CONFIG CONTEXT DEVICE DOMAIN HOST MOMENT PLAN_ID PLAN_NAME PORT STORE TASK_ID"
    );
    let post = variables(&home, &gateway, "BACKUP-TASK-POST");
    for (name, value) in [
        ("MOMENT", "post"),
        ("PLAN_ID", "1"),
        ("PLAN_NAME", "P"),
        ("STORE", "HOME/store"),
        ("CONFIG", "HOME/plans.toml"),
        ("TASK_ID", "1"),
        ("ACTION", "exportDomain"),
        ("DEVICE", "QA1"),
        ("HOST", "127.0.0.1"),
        ("PORT", "PORT"),
        ("DOMAIN", "DOM1"),
        ("STATUS", "SUCCESS"),
        ("ERROR", ""),
        ("OUT_OF_SERVICE_SECONDS", ""),
    ] {
        assert_eq!(
            post.get(&format!("DPBACKUP_{name}")).map(String::as_str),
            Some(value),
            "{name}"
        );
    }
    assert_eq!(post["DPBACKUP_FILES"], format!("HOME/store/{}", home.stored()[0]));
}

#[test]
fn no_secret_reaches_a_script_in_any_way() {
    let gateway = Gateway::start(Setup::default());
    let home = surroundings(&gateway);
    for moment in [
        "BACKUP-PLAN-PRE",
        "BACKUP-PLAN-POST",
        "BACKUP-TASK-PRE",
        "BACKUP-TASK-POST",
    ] {
        let environment = home.text(&format!("{moment}.env"));
        assert!(
            environment.contains("PATH=/usr/bin:/bin\n"),
            "the rest is inherited"
        );
        assert!(!environment.contains("DPBACKUP_TEST_PASSWORD"), "{moment}");
        assert!(!environment.contains(PASSWORD), "{moment}");
        assert!(
            !home.text(&format!("{moment}.json")).contains(PASSWORD),
            "{moment}"
        );
    }
}

#[test]
fn a_json_file_tells_it_all_and_is_gone_afterwards() {
    let gateway = Gateway::start(Setup::default());
    let home = surroundings(&gateway);
    let context = |moment: &str| -> Value {
        assert_eq!(home.text(&format!("{moment}.mode")), "600\n", "{moment}");
        serde_json::from_str(&home.text(&format!("{moment}.json"))).expect("JSON")
    };
    let plan = serde_json::json!({ "id": 1, "name": "P" });
    let before = context("BACKUP-PLAN-PRE");
    assert_eq!(
        before,
        serde_json::json!({ "schema_version": 1, "plan": plan, "store": home.store(), "plan_file": home.path("plans.toml") })
    );
    let task = serde_json::json!({
        "id": 1, "action": "exportDomain", "device": "QA1", "host": "127.0.0.1", "port": gateway.port(), "domain": "DOM1"
    });
    assert_eq!(
        context("BACKUP-TASK-PRE"),
        serde_json::json!({ "schema_version": 1, "plan": plan, "task": task, "store": home.store(), "plan_file": home.path("plans.toml") })
    );
    let file = &home.details(0).files[0];
    let files = serde_json::json!([{ "path": file.path, "size": file.size, "sha256": file.sha256,
        "kind": "persisted", "verified": true, "lacks": {
            "key_files": { "count": 1, "names": ["cert:///DOM1-key.pem"] },
            "missing_files": { "count": 0, "names": [] },
            "password_aliases": { "count": 0, "names": [] },
            "local_users": { "count": 0, "names": [] },
        },
    }]);
    assert_eq!(
        context("BACKUP-TASK-POST"),
        serde_json::json!({
            "schema_version": 1, "plan": plan, "task": task, "status": "SUCCESS", "quiesced": false,
            "out_of_service_seconds": null, "files": files, "store": home.store(),
            "plan_file": home.path("plans.toml")
        })
    );
    let end = serde_json::json!([{
        "id": 1, "action": "exportDomain", "device": "QA1", "domain": "DOM1", "status": "SUCCESS",
        "quiesced": false, "out_of_service_seconds": null
    }]);
    assert_eq!(
        context("BACKUP-PLAN-POST"),
        serde_json::json!({
            "schema_version": 1, "plan": plan, "status": "SUCCESS", "tasks": end, "files": files, "store": home.store(),
            "plan_file": home.path("plans.toml")
        })
    );
    let variables = variables(&home, &gateway, "BACKUP-PLAN-POST");
    let path = variables["DPBACKUP_CONTEXT"].replace("HOME/", &home.path("").to_string_lossy());
    assert!(
        path.ends_with("-plan-1.json") && !std::path::Path::new(&path).exists(),
        "{path}"
    );
}

#[test]
fn a_script_finds_the_files_where_it_is_told() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .script("sum.sh", SUM)
        .plan("P", &export("*", "DOM1", "post_script = \"sum.sh\""));
    assert_eq!(home.run("P", &TestClock::odd_night()).status(), "SUCCESS");
    assert_eq!(home.text("sum").trim(), home.details(0).files[0].sha256);
}

#[test]
fn the_post_task_script_runs_always_or_only_on_failure() {
    for (when, expected) in [
        ("always", "SUCCESS\nBACKUP_FAILED\n"),
        ("on-failure", "BACKUP_FAILED\n"),
    ] {
        let gateway = Gateway::start(Setup::default());
        gateway.fail_as("do-backup@DOM2=file-error");
        let more = format!("post_script = \"s.sh\"\npost_script_when = \"{when}\"");
        let home = Home::of(&gateway)
            .script("s.sh", "#!/bin/sh\necho \"$5\" >> \"$DPBACKUP_STORE/../ran\"\n")
            .plan("P", &export("*", "DOM*", &more));
        assert_eq!(home.run("P", &TestClock::odd_night()).status(), "FAILED");
        assert_eq!(home.text("ran"), expected, "{when}");
    }
}

#[test]
fn no_secret_of_a_receiver_reaches_a_script() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .script(
            "env.sh",
            "#!/bin/sh\n/usr/bin/env > \"$DPBACKUP_STORE/../seen.env\"\n",
        )
        .plan(
            "P",
            "pre_script = \"env.sh\"\nwebhook = \"hook\"\n\n[[plan.activity]]\naction = \"export-domain\"\n\
             devices = \"*\"\ndomains = \"DOM1\"\n\n[[notify.webhook]]\nname = \"hook\"\n\
             url = { env = \"HOOK_URL\" }\nsecret = { env = \"HOOK_KEY\" }\nevents = \"failed\"\n",
        );
    let ran = home
        .command(&["run", "P"])
        .env("HOOK_URL", "http://127.0.0.1:1/t0ken")
        .env("HOOK_KEY", "k3y")
        .output()
        .expect("the binary starts");
    let _ = Ran::of(ran).exits(0);
    let seen = std::fs::read_to_string(home.path("seen.env")).expect("the script ran");
    assert!(seen.contains("DPBACKUP_PLAN_NAME=P\n"), "{seen}");
    for secret in ["HOOK_URL", "HOOK_KEY", "t0ken", "k3y"] {
        assert!(!seen.contains(secret), "{secret}: {seen}");
    }
}
