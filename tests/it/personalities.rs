//! Whole runs against gateways that differ from each other as real ones do, undisturbed, killed and
//! interrupted at any request: each comes to its end, only what was verified counts as a backup, and
//! nothing stays quiesced of which the tool says that it is not.

mod ground;
mod truth;

use std::time::Duration;

use dpbackup::run::event::Undo;

use crate::draw;
use crate::invariants::broken;
use crate::personalities::ground::Ground;
use crate::personalities::truth::Heard;
use crate::simulator::Personality;

const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\nquiesce = true\n";

const ALL_DOMAINS: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\n\
                           domains = \"all-domains\"\nquiesce = true\n";

const SECURE_BACKUP: &str = "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\n\
                             certificate = \"backup-cert\"\nquiesce = true\n";

/// What ends a run, if not its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Plan,
    Kill(u32),
    Signal(u32),
}

/// Longer than any request is expected after it was given up.
const LONG: Duration = Duration::from_secs(2 * 3600);

/// What does not hold after a run against a gateway; `None` where the run was over before its end came.
fn trial(plan: &str, ways: &[Personality], end: End) -> Option<Vec<String>> {
    let ground = Ground::new(plan, ways);
    let mut heard = Vec::new();
    match end {
        End::Plan => heard.push(ground.run()),
        End::Signal(request) => heard.push(ground.signalled_at(request)?),
        End::Kill(request) => {
            ground.killed_at(request)?;
            let open = ground.home.open_entries();
            let mut found = broken_on_device(&ground, &[]);
            // The next start is one or the other.
            heard.push(match request % 2 {
                0 => ground.run(),
                _ => ground.recover(),
            });
            found.extend(told_what_died(&ground, !open.is_empty()));
            heard.push(Heard {
                false_words: found,
                ..Heard::default()
            });
        }
    }
    ground.clock.pass(LONG);
    let mut found = broken_on_device(&ground, &heard);
    if !ground.home.open_entries().is_empty() || end != End::Plan {
        heard.push(ground.recover());
    }
    found.extend(
        broken(&ground.home, &ground.gateway, &[])
            .into_iter()
            .filter(|line| {
                // The device is looked at below.
                !line.contains("no journal row says so")
            }),
    );
    found.extend(broken_on_device(&ground, &heard));
    let (open, quiesced) = (ground.open_quiesces(), ground.quiesced());
    let is_another = heard.iter().any(Heard::tells_of_another_device);
    // One that was accepted, and whose unquiesce is never answered, may be quiesced for all that is known.
    let is_unanswered = heard.iter().any(Heard::tells_of_no_answer);
    if !open.is_empty() && quiesced.is_empty() && !is_another && !is_unanswered {
        found.push(format!("nothing is quiesced, and a look has left {open:?} open"));
    }
    for heard in &heard {
        found.extend(heard.false_words.iter().cloned());
    }
    if !found.is_empty() {
        let told: Vec<_> = heard.iter().map(|heard| (&heard.tasks, &heard.said)).collect();
        found.push(format!("said: {told:?}"));
    }
    Some(found)
}

/// What is not as it was found on the device, though no row of the journal says so.
fn broken_on_device(ground: &Ground<'_>, heard: &[Heard]) -> Vec<String> {
    let open = ground.home.open_entries();
    let quiesced = ground.quiesced_in_sight();
    let is_remembered = |domain: &String| {
        open.iter().any(|entry| match &entry.undo {
            Undo::UnquiesceDevice => true,
            Undo::UnquiesceDomain(name) => name == domain,
            Undo::RemoveFolder(_) | Undo::Import { .. } | Undo::DryRun { .. } | Undo::NotKnown { .. } => {
                false
            }
        })
    };
    // What a device neither shows nor undoes cannot be found out from outside: then the words say
    // that it was not seen.
    let is_told = ground.may_hide() && heard.iter().any(Heard::tells_of_the_unseen);
    let forgotten = quiesced
        .iter()
        .filter(|domain| !is_told && !is_remembered(domain));
    forgotten
        .map(|domain| format!("{domain} stays quiesced, and no journal row says so"))
        .collect()
}

/// What history says of the execution that died.
fn told_what_died(ground: &Ground<'_>, had_to_be_undone: bool) -> Vec<String> {
    let plans = ground.home.plan_rows();
    let Some(first) = plans.last() else {
        return Vec::new();
    };
    let message = first.error_message.clone().unwrap_or_default();
    match first.status.code() {
        "ABANDONED" if had_to_be_undone != message.contains("nothing had to be undone") => Vec::new(),
        status => vec![format!("the execution that died is {status} {message:?}")],
    }
}

/// A gateway, and what ends the run there.
type Case = (Vec<Personality>, End);

fn undisturbed(gateways: Vec<Vec<Personality>>) -> Vec<Case> {
    gateways.into_iter().map(|gateway| (gateway, End::Plan)).collect()
}

/// Each gateway with the end of a run at each request: a part of them, or all.
fn ended_at_each_request(seed: u64, count: usize, end: fn(u32) -> End) -> Vec<Case> {
    let mut cases = Vec::new();
    for gateway in draw::gateways(seed, 200) {
        for request in 1..=MOST_REQUESTS {
            cases.push((gateway.clone(), end(request)));
        }
    }
    draw::cases(cases, seed, count)
}

/// No run on a healthy gateway has more; where one has less, the rest of its requests is passed over.
const MOST_REQUESTS: u32 = 30;

fn try_all(plan: &str, cases: &[Case]) {
    let mut failures = Vec::new();
    let mut met = 0;
    let mut over: Option<&Vec<Personality>> = None;
    for (gateway, end) in cases {
        // A run that was over before this request is over before all that come after it.
        if over == Some(gateway) {
            continue;
        }
        match trial(plan, gateway, *end) {
            None => over = Some(gateway),
            Some(found) => {
                met += 1;
                if !found.is_empty() {
                    let words = draw::words(gateway);
                    failures.push(format!("{end:?} with {words}:\n    {}", found.join("\n    ")));
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {met} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(
        met * 4 > cases.len(),
        "only {met} of {} runs met their end",
        cases.len()
    );
}

#[test]
fn an_export_comes_to_its_end_on_any_gateway() {
    try_all(EXPORT, &undisturbed(draw::gateways(1, 24)));
}

#[test]
fn an_export_of_all_domains_comes_to_its_end_on_any_gateway() {
    try_all(ALL_DOMAINS, &undisturbed(draw::gateways(2, 24)));
}

#[test]
fn a_secure_backup_comes_to_its_end_on_any_gateway() {
    try_all(SECURE_BACKUP, &undisturbed(draw::gateways(3, 24)));
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
    try_all(SECURE_BACKUP, &undisturbed(draw::cases(gateways, 5, 40)));
}

#[test]
fn an_export_that_is_killed_at_any_request_is_mended_on_any_gateway() {
    try_all(EXPORT, &ended_at_each_request(6, 45, End::Kill));
}

#[test]
fn an_export_of_all_domains_that_is_killed_at_any_request_is_mended_on_any_gateway() {
    try_all(ALL_DOMAINS, &ended_at_each_request(7, 30, End::Kill));
}

#[test]
fn a_secure_backup_that_is_killed_at_any_request_is_mended_on_any_gateway() {
    try_all(SECURE_BACKUP, &ended_at_each_request(8, 45, End::Kill));
}

#[test]
fn an_export_that_is_interrupted_at_any_request_leaves_any_gateway_as_it_says() {
    try_all(EXPORT, &ended_at_each_request(9, 30, End::Signal));
}

#[test]
fn a_secure_backup_that_is_interrupted_at_any_request_leaves_any_gateway_as_it_says() {
    try_all(SECURE_BACKUP, &ended_at_each_request(10, 30, End::Signal));
}
