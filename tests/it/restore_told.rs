//! What is told of a restore, to whom, and what is not.

use serde_json::Value;

use crate::receivers::{Behaviour, Request, Web, arrived};
use crate::restore::{change, setup, word};
use crate::simulator::Gateway;
use crate::support::{Home, Ran, export};

/// A backup of a domain that has changed since. Two plans tell a hook of everything, and one of them a
/// ping.
fn changed(web: &Web) -> (Gateway, Home) {
    let gateway = Gateway::start(setup());
    let tables = format!(
        "[[notify.webhook]]\nname = \"all\"\nurl = \"{}\"\nrepeat = \"24h\"\n[notify.metrics]\npath = \"metrics.prom\"\n",
        web.url("/all")
    );
    let quiet = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM*", ""));
    let _ = quiet.dpbackup(&["run", "Night"]).exits(0);
    let telling = format!("webhook = \"all\"\n{}", export("QA1", "DOM*", ""));
    let home = quiet
        .plan(
            "Watched",
            &format!("ping_url = \"{}\"\n{telling}", web.url("/ping")),
        )
        .plan("Other", &format!("{telling}{tables}"));
    change(&gateway);
    (gateway, home)
}

/// `event STATUS` of what a hook was told of a restore; a ping was told nothing.
fn told(web: &Web, count: usize) -> Vec<(String, Value)> {
    let requests = arrived(&web.seen, count);
    assert!(
        requests.iter().all(|request| request.path() == "/all"),
        "{requests:?}"
    );
    let events = requests.iter().map(Request::json);
    let events = events.map(|event| {
        let word = |key: &str| event[key].as_str().unwrap_or("-").to_owned();
        assert_eq!(word("plan"), "restore QA1/DOM1");
        (format!("{} {}", word("event"), word("status")), event)
    });
    events.collect()
}

fn confirmed(home: &Home) -> Ran {
    let word = word(home, &[]);
    home.dpbackup(&["restore", "1", "--to", "QA1", "--confirm", &word])
}

#[test]
fn a_restore_is_told_when_it_has_ended_and_one_that_was_only_shown_is_not() {
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let (_gateway, home) = changed(&web);
    let _ran = confirmed(&home).exits(0);
    // The first run of it only showed the plan: what comes first is the end of the second.
    let told = told(&web, 1);
    let words: Vec<&str> = told.iter().map(|(words, _)| words.as_str()).collect();
    assert_eq!(
        words,
        ["succeeded SUCCESS"],
        "one message, though two plans name the hook"
    );
    let event = &told[0].1;
    assert_eq!(event["plan_execution_id"], home.last_plan().id.0);
    let actions: Vec<&str> = event["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .filter_map(|task| task["action"].as_str())
        .collect();
    assert!(actions.contains(&"RESTORE_DOMAIN"), "{actions:?}");
    let metrics = home.text("metrics.prom");
    assert!(metrics.contains("dpbackup_target_last_run_success"), "{metrics}");
}

#[test]
fn a_restore_that_fails_is_told_each_time_with_the_task() {
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let (gateway, home) = changed(&web);
    for _ in 0..2 {
        gateway.fail_as("do-restore=result-error");
        let _ran = confirmed(&home).exits(1);
        gateway.clear_faults();
    }
    let told = told(&web, 4);
    let words: Vec<&str> = told.iter().map(|(words, _)| words.as_str()).collect();
    let once = ["task-failed DRY_RUN_FAILED", "failed FAILED"];
    assert_eq!(words, [once, once].concat(), "`repeat` is about plans");
    assert_eq!(told[0].1["device_name"], "QA1");
}

#[test]
fn a_receiver_that_cannot_be_told_of_a_restore_is_a_warning_of_it() {
    let web = Web::start(&[Behaviour::Status(404, "no such hook")]);
    let (_gateway, home) = changed(&web);
    let ran = confirmed(&home).exits(0);
    let warning = "notification by webhook all failed";
    assert!(ran.stderr.contains(warning), "{}", ran.stderr);
    let last = home.dpbackup(&["history", "last"]).exits(0);
    assert!(last.stdout.contains(warning), "{}", last.stdout);
}
