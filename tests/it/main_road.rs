//! The main job, end to end: a plan runs against a gateway, history tells what happened.

use std::time::Duration;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, TestClock};

const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM*\"\nquiesce = true\n";

#[test]
fn an_export_of_two_domains_is_stored_verified_and_recorded() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1"), Domain::new("DOM2").unsaved()],
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", EXPORT);
    let ran = home.dpbackup(&["run", "P"]).exits(0);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("", ""),
        "silent on success"
    );
    let stored = home.stored();
    assert_eq!(stored.len(), 3, "{stored:?}");
    assert!(
        stored
            .iter()
            .all(|path| path.ends_with("-persisted.zip") || path.ends_with("-nonpersisted.zip")),
        "{stored:?}"
    );
    assert!(gateway.state().is_unquiesced());
    let history = home.dpbackup(&["history"]).exits(0);
    assert!(history.stdout.contains("SUCCESS"), "{}", history.stdout);
}

#[test]
fn minutes_of_quiesce_take_no_time_on_a_clock_of_the_tests() {
    let clock = TestClock::night();
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        quiesce_time: Duration::from_secs(50),
        unquiesce_time: Duration::from_secs(50),
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", EXPORT);
    let run = home.run("P", &clock);
    assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS", "QA1/DOM2 SUCCESS"]);
    assert!(gateway.state().is_unquiesced());
}
