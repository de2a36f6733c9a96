//! Everything that the simulated gateway can do wrong, at every request of a task that
//! quiesces: after each, the device is as it was found or the journal says why not, and
//! only what was verified counts as a backup.

use std::collections::BTreeMap;
use std::time::Duration;

use dpbackup::exit::Exit;

use crate::draw;
use crate::invariants::broken;
use crate::simulator::{Domain, Fault, FaultKind, Gateway, Setup, Times};
use crate::support::{Home, TestClock, gateways};

const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\nquiesce = true\n";

const SECURE_BACKUP: &str = "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\n\
                             certificate = \"backup-cert\"\nquiesce = true\n";

/// A plan, and the domains that somebody else has quiesced before it.
#[derive(Clone, Copy)]
struct Case {
    plan: &'static str,
    others: &'static [&'static str],
}

const CASES: [Case; 2] = [
    Case {
        plan: EXPORT,
        others: &["DOM2"],
    },
    Case {
        plan: SECURE_BACKUP,
        others: &[],
    },
];

/// One gateway with one home, minutes of waiting without any time.
struct Trial {
    clock: TestClock,
    gateway: Gateway,
    home: Home,
    case: Case,
}

impl Trial {
    fn new(case: Case) -> Trial {
        let clock = TestClock::night().hurrying(8);
        let domain = |name: &str| {
            let domain = Domain::new(name);
            if case.others.contains(&name) {
                domain.quiesced()
            } else {
                domain
            }
        };
        let small = gateways::small([domain("DOM1").unsaved(), domain("DOM2")]);
        let gateway = Gateway::start(Setup {
            secure_backup_time: Duration::from_secs(1),
            ..gateways::on_clock(&clock, Duration::from_secs(3), small)
        });
        let home = Home::quick()
            .setting("quiesce_timeout = \"60s\"\nunquiesce_timeout = \"30s\"\nquiesce_grace = \"30s\"")
            .setting("retries = 1")
            .timeouts("connect = 2s, request = 400ms, export = 600ms, secure_backup = 600ms, idle = 200ms")
            .device("QA1", &gateway)
            .plan("P", case.plan);
        Trial {
            clock,
            gateway,
            home,
            case,
        }
    }
}

/// Whether this kind of fault can strike this operation at all: damage to an archive needs one.
fn can_strike(kind: &FaultKind, operation: &str) -> bool {
    let is = |names: &[&str]| names.iter().any(|name| operation.contains(name));
    match kind {
        FaultKind::TruncatedBase64 | FaultKind::CorruptBase64 | FaultKind::BadCrc => {
            is(&["do-backup", "get-file/"])
        }
        FaultKind::TruncatedArchive
        | FaultKind::WrongHash
        | FaultKind::OtherDomain
        | FaultKind::MissingEntry
        | FaultKind::MissingDomain
        | FaultKind::ExtraEntry
        | FaultKind::NoObjects => is(&["do-backup"]),
        FaultKind::MissingPart
        | FaultKind::ChangedPart
        | FaultKind::ExtraPart
        | FaultKind::NeverReady
        | FaultKind::GivesUp
        | FaultKind::EarlyManifest
        | FaultKind::Scheduled => is(&["SecureBackup"]),
        FaultKind::HostileName(_) => is(&["SecureBackup", "DomainStatus"]),
        FaultKind::NeverQuiesces | FaultKind::QuiesceError => is(&["DomainQuiesce", "QuiesceDP"]),
        FaultKind::NeverUnquiesces => is(&["Unquiesce"]),
        FaultKind::NoNumbers => is(&["FilesystemStatus"]),
        FaultKind::NoSpace => is(&["do-backup", "SecureBackup", "FilesystemStatus"]),
        _ => true,
    }
}

/// Every fault at every request of a clean run, and every fault at all requests of each operation: of each fault
/// a quarter of the places where it can strike, or all.
fn faults_of(clean: &[String]) -> Vec<Fault> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut places: Vec<(&str, Times)> = Vec::new();
    for operation in clean {
        let count = seen.entry(operation).or_default();
        *count += 1;
        places.push((operation, Times::Nth(*count)));
    }
    places.extend(seen.keys().map(|operation| (*operation, Times::Every)));
    let mut faults = Vec::new();
    for (kind, seed) in FaultKind::samples().into_iter().zip(60..) {
        let places: Vec<_> = places
            .iter()
            .filter(|(operation, _)| can_strike(&kind, operation))
            .collect();
        let quarter = places.len().div_ceil(4);
        for (operation, times) in draw::cases(places, seed, quarter) {
            faults.push(Fault {
                times: *times,
                ..Fault::every(operation, kind.clone())
            });
        }
    }
    faults
}

/// What does not hold after a run with this fault.
fn trial(case: Case, fault: &Fault) -> Vec<String> {
    let trial = Trial::new(case);
    trial.gateway.fail(fault.clone());
    let run = trial.home.run("P", &trial.clock);
    // What had begun on the device may end.
    trial.clock.pass(Duration::from_secs(3600));
    let mut others = trial.case.others;
    let requests = trial.gateway.requests();
    let struck = requests.iter().any(|request| !request.faults.is_empty());
    if fault.kind == FaultKind::Restart && struck {
        others = &[];
    }
    let mut found = broken(&trial.home, &trial.gateway, others);
    let sent = |operation: &str| {
        requests
            .iter()
            .filter(|request| request.operation.ends_with(operation))
            .count()
    };
    for operation in ["/DomainQuiesce", "/QuiesceDP", "/SecureBackup"] {
        if sent(operation) > 1 {
            found.push(format!("{operation} was sent {} times", sent(operation)));
        }
    }
    let open = trial.home.history().open_entries().expect("the journal");
    match &run.end {
        Err(error) => found.push(format!("the plan has no end: {error}")),
        Ok(end) => {
            let quiesced = open
                .iter()
                .any(|entry| !matches!(entry.undo, dpbackup::run::event::Undo::RemoveFolder(_)));
            if (end.exit == Exit::StillQuiesced) != quiesced {
                found.push(format!("exit {:?} with journal rows {open:?}", end.exit));
            }
            if !end.status.is_final() {
                found.push(format!("the plan ended {}", end.status));
            }
        }
    }
    if !open.is_empty() {
        // Without the fault the next run brings everything back.
        trial.gateway.clear_faults();
        if matches!(fault.kind, FaultKind::NeverReady | FaultKind::NeverUnquiesces) {
            // Nothing else ends such a secure backup, or such a way back.
            trial.gateway.state().restart();
            others = &[];
        }
        for user in &mut trial.gateway.state().setup.users {
            user.locked = false;
        }
        let home = trial.home.trusting("QA1", &trial.gateway);
        let _ = home.run("P", &trial.clock);
        found.extend(broken(&home, &trial.gateway, others));
        let open = home.history().open_entries().expect("the journal");
        if !open.is_empty() {
            found.push(format!("after the next run: {open:?}"));
        }
    }
    if !found.is_empty() {
        found.push(format!("tasks: {:?} {:?}", run.tasks(), run.errors()));
    }
    found
}

fn try_all(case: Case) {
    let clean = {
        let trial = Trial::new(case);
        let run = trial.home.run("P", &trial.clock);
        assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
        assert_eq!(broken(&trial.home, &trial.gateway, case.others), [""; 0]);
        trial.gateway.operations()
    };
    let faults = faults_of(&clean);
    let mut failures = Vec::new();
    for fault in &faults {
        let found = trial(case, fault);
        if !found.is_empty() {
            failures.push(format!("{fault}:\n    {}", found.join("\n    ")));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} faults:\n{}",
        failures.len(),
        faults.len(),
        failures.join("\n")
    );
}

#[test]
fn an_export_survives_every_fault_at_every_request() {
    try_all(CASES[0]);
}

#[test]
fn a_secure_backup_survives_every_fault_at_every_request() {
    try_all(CASES[1]);
}
