//! What is told, and when: each event, changes and reminders, and the ways a run can end.

use std::time::Duration;

use crate::receivers::{Behaviour, Request, Syslog, Web, arrived};
use crate::simulator::{Domain, Gateway, Setup, User};
use crate::support::{Home, PASSWORD, Ran, eventually, notes_of};

const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\nquiesce = true\n";

/// Tells all to a webhook, each time.
fn all(web: &Web) -> String {
    format!(
        "[[notify.webhook]]\nname = \"all\"\nurl = \"{}\"\n",
        web.url("/all")
    )
}

fn web() -> Web {
    Web::start(&[Behaviour::Status(200, "ok")])
}

/// `event STATUS` of each.
fn events(requests: &[Request]) -> Vec<String> {
    let one = |request: &Request| {
        let event = request.json();
        format!(
            "{} {}",
            event["event"].as_str().unwrap_or("-"),
            event["status"].as_str().unwrap_or("-")
        )
    };
    requests.iter().map(one).collect()
}

#[test]
fn a_failed_task_is_told_at_once_and_again_with_the_end() {
    let web = web();
    let gateway = Gateway::start(Setup {
        users: vec![User::new("backup", PASSWORD).without("do-backup")],
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("Night", &format!("webhook = \"all\"\n{EXPORT}{}", all(&web)));
    let _ = home.dpbackup(&["run", "Night"]).exits(1);
    let seen = arrived(&web.seen, 3);
    let told = events(&seen);
    assert_eq!(told[0], "started RUNNING");
    assert!(told[1].starts_with("task-failed "), "{told:?}");
    assert_eq!(told[2], "failed FAILED");
    let task = seen[1].json();
    assert_eq!(
        (task["device_name"].as_str(), task["domain_name"].as_str()),
        (Some("QA1"), Some("DOM1"))
    );
    assert!(
        task["error_message"]
            .as_str()
            .is_some_and(|error| !error.is_empty()),
        "{task}"
    );
    assert!(!seen.iter().any(|request| request.body.contains(PASSWORD)));
}

#[test]
fn a_device_that_stays_broken_is_not_told_every_time_and_its_recovery_is() {
    let web = web();
    let hook = format!("{}events = \"*failed, refused\"\nrepeat = \"24h\"\n", all(&web));
    let text = format!("webhook = \"all\"\n{EXPORT}{hook}");
    let home = Home::new().absent_device("QA1").plan("Night", &text);
    for _ in 0..3 {
        let _ = home.dpbackup(&["run", "Night"]).exits(4);
    }
    assert_eq!(
        events(&arrived(&web.seen, 1)),
        ["refused ALL_TASKS_SKIPPED"],
        "told once of three"
    );
    let gateway = Gateway::start(Setup::default());
    let mended = Home::of(&gateway).plan("Night", &text);
    std::fs::copy(mended.plan_file(), home.path("mended.toml")).expect("a plan file");
    let _ = home.dpbackup(&["-c", "mended.toml", "run", "Night"]).exits(0);
    let _ = home.dpbackup(&["-c", "mended.toml", "run", "Night"]).exits(0);
    let seen = arrived(&web.seen, 2);
    assert_eq!(
        events(&seen),
        ["refused ALL_TASKS_SKIPPED", "succeeded SUCCESS"],
        "and the second success is no news"
    );
    let change = seen[1].json()["change"].clone();
    assert_eq!(
        (change["kind"].as_str(), change["times"].as_u64()),
        (Some("mended"), Some(3)),
        "{change}"
    );
    assert_eq!(change["previous_status"], "ALL_TASKS_SKIPPED");
}

#[test]
fn what_could_not_be_told_is_told_by_the_next_run() {
    let web = Web::start(&[Behaviour::Status(404, "not yet"), Behaviour::Status(200, "ok")]);
    let hook = format!("{}repeat = \"24h\"\n", all(&web));
    let home = Home::new()
        .absent_device("QA1")
        .plan("Night", &format!("webhook = \"all\"\n{EXPORT}{hook}"));
    for _ in 0..3 {
        let _ = home.dpbackup(&["run", "Night"]).exits(4);
    }
    let seen = arrived(&web.seen, 2);
    assert_eq!(
        seen.len(),
        2,
        "the first was refused, the second taken, the third no news: {:?}",
        events(&seen)
    );
}

#[test]
fn who_was_told_of_a_failure_and_not_of_its_end_is_told_of_that_by_the_next_one() {
    let taken = || Behaviour::Status(200, "ok");
    let web = Web::start(&[taken(), Behaviour::Status(404, "gone"), taken()]);
    let hook = format!("{}events = \"refused\"\nrepeat = \"24h\"\n", all(&web));
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("Night", &format!("webhook = \"all\"\n{EXPORT}{hook}"));
    let text = |enabled: &str| {
        let text = std::fs::read_to_string(home.plan_file()).expect("the plan file");
        std::fs::write(
            home.path("now.toml"),
            text.replace("webhook = \"all\"", &format!("webhook = \"all\"\n{enabled}")),
        )
        .expect("it is written");
    };
    let run = |code| drop(home.dpbackup(&["-c", "now.toml", "run", "Night"]).exits(code));
    let _ = home.dpbackup(&["validate"]).exits(0);
    text("enabled = false");
    run(4);
    text("");
    // The second is not taken, the third is; the fourth is no news.
    for _ in 0..3 {
        run(0);
    }
    let seen = arrived(&web.seen, 3);
    assert_eq!(
        events(&seen),
        [
            "refused PLAN_IS_DISABLED",
            "succeeded SUCCESS",
            "succeeded SUCCESS"
        ]
    );
    for told in &seen[1..] {
        let change = &told.json()["change"];
        assert_eq!(change["kind"], "mended");
        assert_eq!(change["previous_status"], "PLAN_IS_DISABLED");
        assert_eq!(change["times"], 1);
    }
}

#[test]
fn locked_and_refused_plans_are_told_and_never_as_started() {
    let web = web();
    let text = format!(
        "webhook = \"all\"\npre_script = \"slow.sh\"\n{EXPORT}{}",
        all(&web)
    );
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .script("slow.sh", "#!/bin/sh\ntouch begun\nsleep 3\n")
        .plan("Night", &text)
        .plan("Shut", &format!("webhook = \"all\"\nenabled = false\n{EXPORT}"));
    let mut first = home.start(&["run", "Night"]);
    eventually("the script has begun", || {
        home.path("begun").exists() || home.path("scripts/begun").exists()
    });
    let ran = home.dpbackup(&["run", "Night"]).exits(5);
    assert!(!ran.stderr.contains("notification"), "{}", ran.stderr);
    let _ = home.dpbackup(&["run", "Shut"]).exits(4);
    assert_eq!(
        events(&arrived(&web.seen, 2)),
        ["refused LOCKED", "refused PLAN_IS_DISABLED"]
    );
    assert!(first.wait().expect("an end").success());
    assert_eq!(
        events(&arrived(&web.seen, 4))[2..],
        ["started RUNNING", "succeeded SUCCESS"]
    );
}

/// It would be waited for as long as its limit lasts, and each task after it would be left out.
#[test]
fn a_signal_ends_the_wait_for_a_receiver_that_is_mute_and_the_end_is_told() {
    let web = Web::start(&[Behaviour::Mute, Behaviour::Status(200, "ok")]);
    let gateway = Gateway::start(Setup::default());
    let limits = "[notify]\ntimeout = \"10m\"\ntries = 1\n";
    let home = Home::of(&gateway).plan(
        "Night",
        &format!("webhook = \"all\"\n{EXPORT}{limits}{}", all(&web)),
    );
    let run = home.start(&["run", "Night"]);
    assert_eq!(events(&arrived(&web.seen, 1)), ["started RUNNING"]);
    let pid = i32::try_from(run.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
    let ran = Ran::ended(run).exits(130);
    let answer = "SIGINT: nothing is to be put back; then receivers that are told of it, at most 10m a message; do not kill";
    assert!(ran.stderr.contains(answer), "{}", ran.stderr);
    let given_up = "its answer was waited for no longer, for a signal came; the message was `started`";
    assert!(ran.stderr.contains(given_up), "{}", ran.stderr);
    assert_eq!(
        events(&arrived(&web.seen, 2)),
        ["started RUNNING", "failed INTERRUPTED"]
    );
}

/// A domain that is left out each night hides nothing, and what is new stands before what the night before had.
#[test]
fn what_is_new_stands_first_in_what_is_told_of_warnings() {
    let web = web();
    let gateway = |failsafe: &str| {
        let failed = |name: &str| match failsafe.contains(name) {
            true => Domain::new(name).failsafe(),
            false => Domain::new(name),
        };
        Gateway::start(Setup {
            domains: ["DOM1", "DOM2", "DOM3"].map(failed).into(),
            ..Setup::default()
        })
    };
    let hook = format!("{}repeat = \"30d\"\n", all(&web));
    let activity = |domains: &str| EXPORT.replace("\"DOM1\"\nquiesce = true", &format!("\"{domains}\""));
    let text = format!(
        "webhook = \"all\"\n{}{}{}{hook}",
        activity("DOM1"),
        activity("DOM2"),
        activity("NONE*")
    );
    let (before, now) = (gateway("DOM1"), gateway("DOM1 DOM2"));
    let home = Home::of(&before).plan("Night", &text);
    let _ = home.dpbackup(&["run", "Night"]).exits(3);
    let next = Home::of(&now).plan("Night", &text);
    std::fs::copy(next.plan_file(), home.path("next.toml")).expect("a plan file");
    let _ = home.dpbackup(&["-c", "next.toml", "run", "Night"]).exits(3);
    let seen = arrived(&web.seen, 4);
    let ends: Vec<_> = seen
        .iter()
        .map(Request::json)
        .filter(|end| end["event"] == "warned")
        .collect();
    assert_eq!(ends.len(), 2, "the second is another end");
    let summary = ends[1]["summary"].as_str().expect("a summary");
    let begins = "Night ended with warnings: QA1 runs in failsafe mode: DOM2 (";
    assert!(summary.starts_with(begins), "{}", ends[1]);
    assert!(
        summary.ends_with("(and 1 more); 1 of 3 tasks left out (QA1/NONE*)"),
        "{summary}"
    );
    let error = ends[1]["error_message"].as_str().expect("why");
    assert!(error.starts_with("QA1 runs in failsafe mode: DOM1 ("), "{error}");
    assert!(error.contains("(and 1 more warning); task "), "{error}");
    assert!(
        error.contains(" SKIPPED_NO_DOMAINS_MATCHING_PATTERN: "),
        "{error}"
    );
    let remarks: Vec<_> = ends[1]["remarks"].as_array().expect("remarks").iter().collect();
    let place = |domain: &str| {
        let about = format!("QA1 runs in failsafe mode: {domain} (");
        remarks
            .iter()
            .position(|remark| remark.as_str().is_some_and(|remark| remark.starts_with(&about)))
    };
    assert_eq!((place("DOM2"), place("DOM1")), (Some(0), Some(1)), "{remarks:?}");
}

#[test]
fn an_interrupted_run_is_told() {
    let web = web();
    let gateway = Gateway::start(Setup {
        quiesce_time: Duration::from_secs(30),
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("Night", &format!("webhook = \"all\"\n{EXPORT}{}", all(&web)));
    let mut run = home.start(&["run", "Night"]);
    assert_eq!(events(&arrived(&web.seen, 1)), ["started RUNNING"]);
    eventually("it is quiesced", || !gateway.state().is_unquiesced());
    let pid = i32::try_from(run.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
    assert_eq!(run.wait().expect("an end").code(), Some(143));
    let told = events(&arrived(&web.seen, 2));
    assert_eq!(
        told.last().map(String::as_str),
        Some("failed INTERRUPTED"),
        "{told:?}"
    );
    assert!(
        !told.iter().any(|event| event.starts_with("task-failed")),
        "{told:?}"
    );
}

#[test]
fn recover_tells_what_it_mended_what_it_could_not_and_what_was_abandoned() {
    let web = web();
    let log = Syslog::udp();
    let gateway = Gateway::start(Setup {
        quiesce_time: Duration::from_secs(30),
        ..Setup::default()
    });
    let text = format!(
        "webhook = \"all\"\nsyslog = true\n{EXPORT}{}[notify.syslog]\naddress = \"{}\"\n\
         [notify.metrics]\npath = \"dp.prom\"\n",
        all(&web),
        log.address
    );
    let home = Home::of(&gateway).plan("Night", &text);
    let mut run = home.start(&["run", "Night"]);
    eventually("it is quiesced", || !gateway.state().is_unquiesced());
    run.kill().expect("a signal");
    let _ = run.wait();

    let away = Home::new().absent_device("QA1").plan("Night", &text);
    std::fs::copy(away.plan_file(), home.path("away.toml")).expect("a plan file");
    let _ = home.dpbackup(&["-c", "away.toml", "recover"]).exits(10);
    let told = events(&arrived(&web.seen, 3));
    assert_eq!(told[1..], ["still-quiesced -", "failed ABANDONED"], "{told:?}");
    let still = arrived(&web.seen, 3)[1].json();
    assert_eq!(
        still["still_quiesced"][0]["device_name"].as_str(),
        Some("QA1"),
        "{still}"
    );
    assert_eq!(
        still["still_quiesced"][0]["domain_name"].as_str(),
        Some("DOM1"),
        "{still}"
    );
    let metrics = std::fs::read_to_string(home.path("dp.prom")).expect("metrics");
    assert!(metrics.contains("dpbackup_open_quiesces 1\n"), "{metrics}");
    assert!(
        metrics.contains("dpbackup_target_quiesced{device=\"QA1\",domain=\"DOM1\"} 1\n"),
        "{metrics}"
    );

    let _ = home.dpbackup(&["recover"]).exits(0);
    let seen = arrived(&web.seen, 4);
    let last = seen.last().expect("a message").json();
    assert_eq!(
        (last["event"].as_str(), last["plan"].as_str()),
        (Some("recovered"), Some("Night"))
    );
    assert_eq!(
        (last["device_name"].as_str(), last["domain_name"].as_str()),
        (Some("QA1"), Some("DOM1"))
    );
    assert!(
        std::fs::read_to_string(home.path("dp.prom"))
            .expect("metrics")
            .contains("dpbackup_open_quiesces 0\n")
    );
    // Critical, of the daemons: 3 × 8 + 2.
    assert!(
        arrived(&log.seen, 4)
            .iter()
            .any(|message| message.starts_with("<26>1 ") && message.contains(" QUIESCED QA1/DOM1"))
    );
}

#[test]
fn what_a_person_strikes_out_is_told_to_nobody_as_recovered() {
    let web = web();
    let gateway = Gateway::start(Setup {
        quiesce_time: Duration::from_secs(30),
        ..Setup::default()
    });
    let text = format!("webhook = \"all\"\n{EXPORT}{}", all(&web));
    let home = Home::of(&gateway).plan("Night", &text);
    let mut run = home.start(&["run", "Night"]);
    eventually("it is quiesced", || !gateway.state().is_unquiesced());
    run.kill().expect("a signal");
    let _ = run.wait();

    let ran = home.dpbackup(&["recover", "--forget", "QA1"]).exits(0);
    assert!(ran.stdout.contains("struck out by a person"), "{}", ran.stdout);
    assert!(!gateway.state().is_unquiesced());
    let told = events(&arrived(&web.seen, 2));
    assert_eq!(told[1..], ["failed ABANDONED"], "{told:?}");
    let notes = notes_of(&home.details(0));
    let struck_out = "NOTE device QA1, DOM1: struck out by a person; the device was not asked";
    assert!(notes.iter().any(|note| note == struck_out), "{notes:?}");
}

#[test]
fn a_history_that_cannot_be_used_is_told_too() {
    let web = web();
    let home = Home::new()
        .absent_device("QA1")
        .plan("Night", &format!("webhook = \"all\"\n{EXPORT}{}", all(&web)));
    std::fs::create_dir(home.path("state")).expect("a folder");
    std::fs::write(
        home.path("state/history.db"),
        "not SQLite at all, and long enough to see it",
    )
    .expect("a file");
    let _ = home.dpbackup(&["run", "Night"]).exits(6);
    let seen = arrived(&web.seen, 1);
    assert_eq!(events(&seen), ["failed FAILED"]);
    assert!(
        seen[0].json()["error_message"]
            .as_str()
            .is_some_and(|error| error.contains("history.db")),
        "{seen:?}"
    );
}
