//! One look at the domains of a device serves quick exports that follow each other, for a second, and nothing else.

use std::sync::Mutex;
use std::time::Duration;

use dpbackup::clock::Clock as _;
use dpbackup::lock::{Asked, Locks};
use dpbackup::run::event::Event;
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;

use crate::simulator::{Domain, Gateway};
use crate::support::{EngineRun, Eventful, Home, TestClock, export, gateways, secure_backup};

fn gateway() -> Gateway {
    Gateway::start(gateways::small(["DOM1", "DOM2", "DOM3"].map(Domain::new)))
}

/// What was asked of a device since its domains were listed for the plan, without what does not matter here.
fn asked(gateway: &Gateway) -> Vec<&'static str> {
    let words = |operation: &String| match operation.as_str() {
        "get-status/DomainStatus" => Some("look"),
        "do-backup" => Some("export"),
        "do-action/DomainQuiesce" => Some("quiesce"),
        "do-action/DomainUnquiesce" => Some("unquiesce"),
        "do-action/SecureBackup" => Some("secure backup"),
        _ => None,
    };
    gateway.operations().iter().filter_map(words).skip(1).collect()
}

/// The same of a plan with these activities that succeeds; so long passes after each task.
#[track_caller]
fn asked_by(activities: &[String], between: Duration) -> Vec<&'static str> {
    let (gateway, clock) = (gateway(), TestClock::night());
    let home = Home::of(&gateway)
        .script("s.sh", "#!/bin/sh\n")
        .plan("P", &activities.concat());
    let run = passing(&home, &clock, between);
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    asked(&gateway)
}

fn passing(home: &Home, clock: &TestClock, between: Duration) -> EngineRun {
    let mut watch = |event: &Event| {
        if matches!(event, Event::TaskEnded { .. }) {
            clock.pass(between);
        }
    };
    home.run_with("P", clock, Options::default(), &Stop::new(), &mut watch)
}

#[test]
fn exports_that_follow_each_other_within_a_second_share_one_look() {
    let all = [export("*", "DOM*", "")];
    assert_eq!(
        asked_by(&all, Duration::ZERO),
        ["look", "export", "export", "export"]
    );
    let half = Duration::from_millis(500);
    // The third begins just a second after the look.
    assert_eq!(asked_by(&all, half), ["look", "export", "export", "export"]);
    // Activities do not matter.
    let each = ["DOM1", "DOM2"].map(|domain| export("*", domain, ""));
    assert_eq!(asked_by(&each, Duration::ZERO), ["look", "export", "export"]);
    let whole = [export("*", "DOM1", ""), export("*", "all-domains", "")];
    assert_eq!(asked_by(&whole, Duration::ZERO), ["look", "export", "export"]);
}

#[test]
fn a_look_that_is_older_than_a_second_is_taken_anew() {
    let all = [export("*", "DOM*", "")];
    let (little, much) = (Duration::from_millis(501), Duration::from_millis(1001));
    assert_eq!(
        asked_by(&all, little),
        ["look", "export", "export", "look", "export"]
    );
    assert_eq!(
        asked_by(&all, much),
        ["look", "export", "look", "export", "look", "export"]
    );
}

#[test]
fn nobody_begins_with_a_look_from_before_a_script() {
    let around = |more: &str| {
        let activities = [
            export("*", "DOM1", ""),
            export("*", "DOM2", more),
            export("*", "DOM3", ""),
        ];
        asked_by(&activities, Duration::ZERO)
    };
    assert_eq!(
        around("post_script = \"s.sh\""),
        ["look", "export", "export", "look", "export"]
    );
    assert_eq!(
        around("pre_script = \"s.sh\""),
        ["look", "export", "look", "export", "look", "export"]
    );
}

#[test]
fn a_task_that_quiesces_looks_itself_and_so_does_the_one_behind_it() {
    let activities = [
        export("*", "DOM1", ""),
        export("*", "DOM2", "quiesce = true"),
        export("*", "DOM3", ""),
    ];
    let asked = asked_by(&activities, Duration::ZERO);
    let around = |what: &str| {
        let place = asked.iter().position(|asked| *asked == what);
        asked.split_at(place.unwrap_or_else(|| panic!("no {what}: {asked:?}")))
    };
    assert_eq!(around("quiesce").0, ["look", "export", "look", "look"]);
    let behind = around("unquiesce").1;
    assert_eq!(
        behind.iter().rev().take(2).collect::<Vec<_>>(),
        [&"export", &"look"]
    );
    // One look at least saw it at work, and was not believed by the next task.
    assert!(behind.len() > 3, "{asked:?}");
}

#[test]
fn a_secure_backup_looks_itself_and_so_does_the_task_behind_it() {
    let activities = [
        export("*", "DOM1", ""),
        secure_backup("*", ""),
        export("*", "DOM2", ""),
    ];
    let asked = asked_by(&activities, Duration::ZERO);
    assert_eq!(asked[..4], ["look", "export", "look", "secure backup"]);
    assert_eq!(asked[asked.len() - 2..], ["look", "export"]);
}

#[test]
fn a_task_that_failed_hands_on_nothing() {
    let (gateway, clock) = (gateway(), TestClock::night());
    gateway.fail_as("do-backup:2=result-error");
    let plan = export("*", "DOM*", "error_policy = \"ignore\"");
    let home = Home::of(&gateway).plan("P", &plan);
    let run = home.run("P", &clock);
    assert_eq!(
        run.tasks(),
        ["QA1/DOM1 SUCCESS", "QA1/DOM2 BACKUP_FAILED", "QA1/DOM3 SUCCESS"]
    );
    assert_eq!(asked(&gateway), ["look", "export", "export", "look", "export"]);
}

#[test]
fn each_device_is_looked_at_itself() {
    let (first, second) = (gateway(), gateway());
    let home = Home::quick()
        .device("QA1", &first)
        .device("QA2", &second)
        .plan("P", &(export("*", "DOM1", "") + &export("QA1", "DOM2", "")));
    let run = home.run("P", &TestClock::night());
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    // QA2 had its turn between the two.
    assert_eq!(asked(&first), ["look", "export", "look", "export"]);
    assert_eq!(asked(&second), ["look", "export"]);
}

#[test]
fn a_device_that_another_run_had_meanwhile_is_looked_at_again() {
    let (gateway, clock) = (gateway(), TestClock::night());
    let plan = export("*", "DOM1", "") + &export("*", "DOM2", "");
    let home = Home::of(&gateway).plan("P", &plan);
    let locks = Locks::beside(&home.path("state/history.db"));
    let name = format!("device-127.0.0.1-{}", gateway.port());
    let held = Mutex::new(None);
    let put = |lock| *held.lock().expect("no panic with the lock") = lock;
    // The other has it when the second activity begins, and gives it back half a second later.
    let mut begun = 0;
    let mut watch = |event: &Event| {
        if matches!(event, Event::ActivityStatus { .. }) {
            begun += 1;
            if begun == 2 {
                match locks.ask(&name, "another run", &clock).expect("a lock") {
                    Asked::Held(lock) => put(Some(lock)),
                    Asked::Busy(holder) => panic!("held by {holder:?}"),
                }
            }
        }
    };
    let giving_back = Eventful::new(&clock, |_| put(None));
    let run = home.run_with("P", &giving_back, Options::default(), &Stop::new(), &mut watch);
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    assert!(clock.elapsed() < Duration::from_secs(1), "it is not its age");
    assert_eq!(asked(&gateway), ["look", "export", "look", "export"]);
}

#[test]
fn what_a_shared_look_shows_is_acted_upon() {
    let domains = [
        Domain::new("DOM1"),
        Domain::new("DOM2").unsaved(),
        Domain::new("DOM3"),
    ];
    let gateway = Gateway::start(gateways::small(domains));
    let home = Home::of(&gateway).plan("P", &export("*", "DOM*", "error_policy = \"ignore\""));
    let mut watch = |event: &Event| {
        if matches!(event, Event::PlanStatus { .. }) {
            gateway.state().remove_domain("DOM3");
        }
    };
    let clock = TestClock::night();
    let run = home.run_with("P", &clock, Options::default(), &Stop::new(), &mut watch);
    assert_eq!(
        run.tasks(),
        ["QA1/DOM1 SUCCESS", "QA1/DOM2 SUCCESS", "QA1/DOM3 DEVICE_ERROR"]
    );
    assert!(
        run.errors()[0].contains("domain DOM3 does not exist any more"),
        "{:?}",
        run.errors()
    );
    // What runs in the second is exported as well.
    assert_eq!(asked(&gateway), ["look", "export", "export", "export"]);
}
