//! Whole runs against gateways that differ from each other as real ones do: each comes to its end, and only
//! what was verified counts as a backup.

use std::time::Duration;

use dpbackup::exit::Exit;
use dpbackup::run::event::{Event, Undo};

use crate::draw;
use crate::invariants::broken;
use crate::simulator::{Domain, Gateway, Personality, Setup};
use crate::support::{Home, TestClock, gateways};

const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\nquiesce = true\n";

const ALL_DOMAINS: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\n\
                           domains = \"all-domains\"\nquiesce = true\n";

const SECURE_BACKUP: &str = "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\n\
                             certificate = \"backup-cert\"\nquiesce = true\n";

/// What does not hold after a run against a gateway.
fn trial(plan: &str, personalities: &[Personality]) -> Vec<String> {
    let clock = TestClock::night().hurrying(8);
    let small = gateways::small([Domain::new("DOM1").unsaved(), Domain::new("DOM2")]);
    let setup = Setup {
        secure_backup_time: Duration::from_secs(1),
        ..gateways::on_clock(&clock, Duration::from_secs(3), small)
    };
    let gateway = Gateway::start(personalities.iter().fold(setup, Setup::with));
    let home = Home::quick()
        .setting("quiesce_timeout = \"60s\"\nunquiesce_timeout = \"30s\"\nquiesce_grace = \"30s\"")
        .setting("retries = 1")
        .timeouts("connect = 2s, request = 400ms, export = 600ms, secure_backup = 600ms, idle = 200ms")
        .device("QA1", &gateway)
        .plan("P", plan);
    let run = home.run("P", &clock);
    clock.pass(Duration::from_secs(3600));
    let mut found = broken(&home, &gateway, &[]);
    let open = home.history().open_entries().expect("the journal");
    let quiesced = gateway.state().quiesced();
    // A device that never showed its quiesce and does not carry out an unquiesce either cannot be
    // found out from outside: then the words say what was not seen.
    let unseen = ["never seen on the device", "whether it is quiesced does not show"];
    let notes = run.events.iter().filter_map(|event| match event {
        Event::Note { message, .. } => Some(message.clone()),
        _ => None,
    });
    let is_told = run
        .errors()
        .into_iter()
        .chain(notes)
        .any(|words| unseen.iter().any(|unseen| words.contains(unseen)));
    if is_told {
        found.retain(|line| !line.contains("no journal row says so"));
    }
    let remembered = open
        .iter()
        .any(|entry| !matches!(entry.undo, Undo::RemoveFolder(_)));
    if !quiesced.is_empty() && !remembered && !is_told {
        found.push(format!("{quiesced:?} stays quiesced, and no journal row says so"));
    }
    match &run.end {
        Err(error) => found.push(format!("the plan has no end: {error}")),
        Ok(end) if !end.status.is_final() => found.push(format!("the plan ended {}", end.status)),
        Ok(end) if !quiesced.is_empty() && !is_told && end.exit != Exit::StillQuiesced => {
            found.push(format!("exit {:?} with {quiesced:?} quiesced", end.exit));
        }
        Ok(_) => {}
    }
    if !found.is_empty() {
        found.push(format!("tasks: {:?} {:?}", run.tasks(), run.errors()));
    }
    found
}

fn try_all(plan: &str, gateways: &[Vec<Personality>]) {
    let mut failures = Vec::new();
    for gateway in gateways {
        let found = trial(plan, gateway);
        if !found.is_empty() {
            failures.push(format!("{}:\n    {}", draw::words(gateway), found.join("\n    ")));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} gateways:\n{}",
        failures.len(),
        gateways.len(),
        failures.join("\n")
    );
}

#[test]
fn an_export_comes_to_its_end_on_any_gateway() {
    try_all(EXPORT, &draw::gateways(1, 24));
}

#[test]
fn an_export_of_all_domains_comes_to_its_end_on_any_gateway() {
    try_all(ALL_DOMAINS, &draw::gateways(2, 24));
}

#[test]
fn a_secure_backup_comes_to_its_end_on_any_gateway() {
    try_all(SECURE_BACKUP, &draw::gateways(3, 24));
}

#[test]
fn a_secure_backup_that_meets_a_fault_as_well_comes_to_its_end() {
    let mut gateways = Vec::new();
    for gateway in draw::gateways(4, 60) {
        for kind in ["close", "reply-lost", "http-503"] {
            for request in 1..=12 {
                let mut gateway = gateway.clone();
                gateway.push(Personality::habit(&format!("*:{request}={kind}")));
                gateways.push(gateway);
            }
        }
    }
    try_all(SECURE_BACKUP, &draw::cases(gateways, 5, 40));
}
