//! Who is told of changes: receivers that asked for it, scripts, metrics.

use std::fs;

use serde_json::Value;

use crate::receivers::{Behaviour, Request, Web, arrived};
use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, export};

fn gateway() -> Gateway {
    Gateway::start(Setup {
        domains: vec![Domain::new("DOM1")],
        ..Setup::default()
    })
}

fn set(gateway: &Gateway, value: &str, saved: bool) {
    let mut state = gateway.state();
    state.set_property("DOM1", "HTTPUserAgent", "default", "Timeout", value);
    if saved {
        state.set_unsaved("DOM1", false);
    }
}

fn hook(web: &Web, more: &str) -> String {
    format!(
        "[[notify.webhook]]\nname = \"all\"\nurl = \"{}\"\n{more}",
        web.url("/all")
    )
}

fn home(gateway: &Gateway, plan: &str, hook: &str) -> Home {
    Home::new()
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .plan("P", &format!("{plan}{}{hook}", export("QA1", "DOM1", "")))
}

fn words(documents: &[Value]) -> Vec<&str> {
    let event = |document: &'_ Value| document["event"].as_str().map(str::len);
    assert!(documents.iter().all(|document| event(document).is_some()));
    documents
        .iter()
        .filter_map(|document| document["event"].as_str())
        .collect()
}

#[test]
fn who_asked_for_it_is_told_what_changed_and_what_is_not_saved() {
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let gateway = gateway();
    let events = "events = \"changed, unsaved\"\nrepeat = \"24h\"\n";
    let home = home(&gateway, "webhook = \"all\"\n", &hook(&web, events));
    let run = || drop(home.dpbackup(&["run", "P"]).exits(0));
    run();
    set(&gateway, "60", true);
    run();
    set(&gateway, "90", false);
    run();
    // It stays unsaved, and that is told again only after `repeat`.
    run();
    set(&gateway, "90", true);
    run();
    set(&gateway, "120", false);
    run();
    let documents: Vec<Value> = arrived(&web.seen, 4).iter().map(Request::json).collect();
    assert_eq!(words(&documents), ["changed", "unsaved", "changed", "unsaved"]);
    let changed = &documents[0];
    assert_eq!(changed["change_count"], 1);
    let change = &changed["changes"][0];
    for (key, value) in [
        ("device", "QA1"),
        ("domain", "DOM1"),
        ("class", "HTTPUserAgent"),
        ("name", "default"),
        ("change", "Changed"),
        ("description", "Timeout: 300 → 60"),
    ] {
        assert_eq!(change[key], value);
    }
    assert_eq!(documents[1]["changes"][0]["description"], "Timeout: 60 → 90");
    let summary = documents[1]["summary"].as_str().expect("a summary");
    assert_eq!(summary, "P: not saved: QA1/DOM1");
}

#[test]
fn what_a_receiver_did_not_take_is_told_by_the_next_end() {
    let web = Web::start(&[
        Behaviour::Status(500, "not now"),
        Behaviour::Status(500, "nor now"),
        Behaviour::Status(200, "ok"),
        Behaviour::Status(500, "not now"),
        Behaviour::Status(200, "ok"),
    ]);
    let gateway = gateway();
    let events = "events = \"changed, unsaved\"\nrepeat = \"24h\"\n";
    let receivers = format!("[notify]\ntries = 1\n{}", hook(&web, events));
    let home = home(&gateway, "webhook = \"all\"\n", &receivers);
    let run = || drop(home.dpbackup(&["run", "P"]).exits(0));
    run();
    set(&gateway, "60", true);
    run();
    set(&gateway, "70", true);
    run();
    // Nothing changed since, and the receiver is back.
    run();
    run();
    set(&gateway, "90", false);
    run();
    run();
    run();
    let documents: Vec<Value> = arrived(&web.seen, 5).iter().map(Request::json).collect();
    assert_eq!(
        words(&documents),
        ["changed", "changed", "changed", "unsaved", "unsaved"]
    );
    let described = |document: &Value| -> Vec<String> {
        let changes = document["changes"].as_array().expect("changes");
        let text = |change: &Value| change["description"].as_str().map(str::to_owned);
        changes.iter().filter_map(text).collect()
    };
    let both = ["Timeout: 300 → 60", "Timeout: 60 → 70"];
    assert_eq!(described(&documents[1]), both);
    assert_eq!(described(&documents[2]), both);
    assert_eq!(documents[2]["change_count"], 2);
    assert_eq!(documents[2]["plan_execution_id"], 4);
    assert_eq!(described(&documents[4]), ["Timeout: 70 → 90"]);
}

#[test]
fn what_is_newly_unsaved_is_told_at_once_and_by_each_plan_to_those_that_it_tells() {
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let gateway = gateway();
    let receiver = |name: &str| {
        format!(
            "[[notify.webhook]]\nname = \"{name}\"\nurl = \"{}\"\nevents = \"unsaved\"\nrepeat = \"24h\"\n",
            web.url(&format!("/{name}"))
        )
    };
    let plan = |receiver: &str| format!("webhook = \"{receiver}\"\n{}", export("QA1", "DOM1", ""));
    let home = Home::new()
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .plan("P", &plan("a"))
        .plan("Q", &format!("{}{}{}", plan("b"), receiver("a"), receiver("b")));
    let run = |name: &str| drop(home.dpbackup(&["run", name]).exits(0));
    run("P");
    set(&gateway, "60", false);
    for name in ["P", "P", "Q", "Q", "P"] {
        run(name);
    }
    set(&gateway, "90", false);
    for name in ["P", "P", "Q"] {
        run(name);
    }
    let told: Vec<(String, String)> = arrived(&web.seen, 4)
        .iter()
        .map(|request| {
            let path = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
            let change = &request.json()["changes"][0]["description"];
            (path, change.as_str().unwrap_or_default().to_owned())
        })
        .collect();
    let told: Vec<(&str, &str)> = told
        .iter()
        .map(|(path, change)| (path.as_str(), change.as_str()))
        .collect();
    let (first, second) = ("Timeout: 300 → 60", "Timeout: 300 → 90");
    assert_eq!(
        told,
        [("/a", first), ("/b", first), ("/a", second), ("/b", second)]
    );
}

#[test]
fn nobody_is_told_of_changes_who_did_not_ask_and_a_star_asks_for_all() {
    for (events, told) in [
        ("", &["started", "succeeded"][..]),
        (
            "events = \"*\"\n",
            &["started", "changed", "unsaved", "succeeded"],
        ),
    ] {
        let web = Web::start(&[Behaviour::Status(200, "ok")]);
        let gateway = gateway();
        let home = home(&gateway, "webhook = \"all\"\n", &hook(&web, events));
        let _ = home.dpbackup(&["run", "P"]).exits(0);
        set(&gateway, "60", true);
        set(&gateway, "90", false);
        let _ = home.dpbackup(&["run", "P"]).exits(0);
        let documents: Vec<Value> = arrived(&web.seen, 2 + told.len())
            .iter()
            .map(Request::json)
            .collect();
        assert_eq!(words(&documents)[2..], *told, "{events}");
    }
}

#[test]
fn a_test_of_notifications_sends_samples_of_changes_to_who_asks_for_them() {
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let gateway = gateway();
    let asking = hook(&web, "events = \"changed, unsaved\"\n");
    let home = home(&gateway, "webhook = \"all\"\n", &asking);
    let ran = home.dpbackup(&["notify-test", "P"]).exits(0);
    assert!(
        ran.stdout
            .contains("webhook all succeeded: not sent, `events` leaves it out"),
        "{}",
        ran.stdout
    );
    let documents: Vec<Value> = arrived(&web.seen, 2).iter().map(Request::json).collect();
    assert_eq!(words(&documents), ["changed", "unsaved"]);
    for document in &documents {
        assert_eq!(document["test"], true);
        assert_eq!(document["changes"][0]["class"], "HTTPUserAgent");
        assert_eq!(document["changes"][0]["description"], "Timeout: 300 → 60");
    }
}

#[test]
fn the_metrics_have_the_last_change_and_how_much_is_not_saved() {
    let gateway = gateway();
    let home = home(&gateway, "", "[notify.metrics]\npath = \"metrics.prom\"\n");
    let run = || {
        let _ = home.dpbackup(&["run", "P"]).exits(0);
        fs::read_to_string(home.path("metrics.prom")).expect("metrics")
    };
    let labels = "{device=\"QA1\",domain=\"DOM1\",kind=\"persisted\"}";
    let first = run();
    assert!(!first.contains("last_change_timestamp"), "{first}");
    assert!(
        first.contains(&format!("dpbackup_target_unsaved_objects{labels} 0\n")),
        "{first}"
    );
    set(&gateway, "60", true);
    set(&gateway, "90", false);
    let second = run();
    assert!(
        second.contains(&format!("dpbackup_target_last_change_timestamp_seconds{labels} ")),
        "{second}"
    );
    assert!(
        second.contains(&format!("dpbackup_target_unsaved_objects{labels} 1\n")),
        "{second}"
    );
}

/// The lines of the metrics that are about targets, without their values.
fn target_lines(home: &Home) -> Vec<String> {
    let text = fs::read_to_string(home.path("metrics.prom")).expect("metrics");
    let lines = text.lines().filter(|line| line.starts_with("dpbackup_target_"));
    let lines = lines.map(|line| line.rsplit_once(' ').map_or(line, |(name, _)| name));
    lines.map(str::to_owned).collect()
}

#[test]
fn what_is_not_planned_any_more_has_no_age_in_the_metrics_that_would_alarm_for_good() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1"), Domain::new("DOM2")],
        ..Setup::default()
    });
    let metrics = "[notify.metrics]\npath = \"metrics.prom\"\n";
    let home = Home::new()
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .plan(
            "P",
            &format!(
                "{}{metrics}",
                export("QA1", "DOM1, DOM2", "") + &export("QA1", "all-domains", "")
            ),
        );
    let run = || drop(home.dpbackup(&["run", "P"]).exits(0));
    run();
    set(&gateway, "60", true);
    run();
    set(&gateway, "90", false);
    run();
    let of = |lines: &[String], part: &str| lines.iter().filter(|line| line.contains(part)).count();
    let lines = target_lines(&home);
    assert_eq!(of(&lines, "nonpersisted"), 0, "its age means nothing: {lines:?}");
    for domain in ["DOM1", "DOM2", "all-domains"] {
        let label = format!("last_success_timestamp_seconds{{device=\"QA1\",domain=\"{domain}\"");
        assert_eq!(of(&lines, &label), 1, "{lines:?}");
    }

    let text = fs::read_to_string(home.plan_file()).expect("the plan file");
    let fewer = text.replace("DOM1, DOM2", "DOM1").replace("all-domains", "DOM1");
    fs::write(home.path("fewer.toml"), &fewer).expect("it is written");
    set(&gateway, "90", true);
    let _ = home.dpbackup(&["-c", "fewer.toml", "run", "P"]).exits(0);
    let lines = target_lines(&home);
    assert_eq!(of(&lines, "DOM2") + of(&lines, "all-domains"), 0, "{lines:?}");
    assert!(of(&lines, "\"DOM1\"") > 5, "{lines:?}");

    // Of what cannot be read nobody knows what it asks for: an alarm is not lost for that.
    let part = format!("{fewer}\n[[plan]]\nname = 7\n");
    fs::write(home.path("part.toml"), part).expect("it is written");
    let _ = home.dpbackup(&["-c", "part.toml", "recover"]);
    let lines = target_lines(&home);
    assert!(
        of(&lines, "DOM2") > 0 && of(&lines, "all-domains") > 0,
        "{lines:?}"
    );
    assert_eq!(of(&lines, "nonpersisted"), 0, "{lines:?}");
}

#[test]
fn the_last_change_of_each_domain_is_in_the_metrics_of_an_export_of_all_of_them() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1"), Domain::new("DOM2")],
        ..Setup::default()
    });
    let home = Home::new()
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .plan(
            "P",
            &(export("QA1", "all-domains", "") + "[notify.metrics]\npath = \"metrics.prom\"\n"),
        );
    let run = || drop(home.dpbackup(&["run", "P"]).exits(0));
    run();
    let change = "dpbackup_target_last_change_timestamp_seconds";
    let changed = || {
        let mut lines = target_lines(&home);
        lines.retain(|line| line.starts_with(change));
        lines
    };
    assert_eq!(changed(), [""; 0], "a first export is no change");
    set(&gateway, "60", true);
    run();
    assert_eq!(
        changed(),
        [format!(
            "{change}{{device=\"QA1\",domain=\"DOM1\",kind=\"persisted\"}}"
        )]
    );
}

#[test]
fn scripts_are_told_what_changed_and_what_is_not_saved() {
    let gateway = gateway();
    let copy = "#!/bin/sh\ncp \"$DPBACKUP_CONTEXT\" \"$DPBACKUP_STORE/../$1.json\"\n";
    let home = Home::new()
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .script("copy.sh", copy)
        .plan(
            "P",
            &format!(
                "post_script = \"copy.sh\"\n{}",
                export("QA1", "DOM1", "post_script = \"copy.sh\"\n")
            ),
        );
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let context = |name: &str| -> Value {
        let text = fs::read_to_string(home.path(&format!("{name}.json"))).expect("a context file");
        serde_json::from_str(&text).expect("JSON")
    };
    assert_eq!(context("BACKUP-PLAN")["changes"], Value::Null, "nothing changed");
    set(&gateway, "60", true);
    set(&gateway, "90", false);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    for name in ["BACKUP-TASK", "BACKUP-PLAN"] {
        let context = context(name);
        let change = &context["changes"][0];
        assert_eq!(change["object"], "HTTPUserAgent default", "{name}");
        assert_eq!(change["description"], "Timeout: 300 → 60", "{name}");
        assert_eq!(context["unsaved"][0]["description"], "Timeout: 60 → 90", "{name}");
    }
}
