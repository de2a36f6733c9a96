//! Many small domains of one device: what each costs, in requests and in time.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::bench::{Home, Ran, median, runs, seconds};
use crate::curl;
use crate::limits::Limits;
use crate::simulator::{Domain, Gateway, Setup};

/// As many as are compared with `curl`.
const SMALL: usize = 300;
/// As many as a device was seen to have, and more.
const MANY: usize = 5_000;
/// How many times as long as `curl`, which begins anew for each, they may take.
const LIMIT: f64 = 0.5;
/// How many times as much processor time a task may take among ten times as many domains: each asks for the
/// state of all of them, which is the most of a task where there are thousands. What grew with the
/// tasks that were done before would take more.
const GROWTH: f64 = 6.0;

fn gateway(domains: usize) -> (Gateway, Vec<String>) {
    let names: Vec<String> = (0..domains).map(|number| format!("DOM{number:04}")).collect();
    let gateway = Gateway::start(Setup {
        domains: names.iter().map(|name| Domain::new(name)).collect(),
        ..Setup::default()
    });
    (gateway, names)
}

/// Runs it, and tells what was asked of the gateway for it.
fn counted(gateway: &Gateway, home: &Home, domains: usize) -> Ran {
    gateway.forget_requests();
    let before = gateway.handshakes();
    let ran = home.run();
    let handshakes = gateway.handshakes() - before;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for operation in gateway.operations() {
        *counts.entry(operation).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    println!(
        "TLS handshakes: {handshakes}; requests: {total} ({:.2} a task)",
        total as f64 / domains as f64
    );
    for (operation, count) in counts.iter().filter(|(_, count)| **count > 1) {
        println!("- {operation}: {count}");
    }
    assert_eq!(handshakes, 1, "one connection is kept");
    ran
}

/// Small domains, beside as many times `curl`.
pub(crate) fn compare(has_curl: bool, limits: &mut Limits) {
    println!("\n# {SMALL} small domains of one device\n");
    let (gateway, names) = gateway(SMALL);
    let home = Home::exporting(&gateway, "DOM*");
    let (mut ours, mut theirs, mut ratios, mut peaks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..runs(3) {
        let ran = match round {
            0 => counted(&gateway, &home, SMALL),
            _ => home.run(),
        };
        home.clear_store();
        ours.push(ran.wall);
        peaks.push(ran.peak_kib);
        if has_curl {
            let all: Duration = names.iter().map(|name| bare(&gateway, &home, name)).sum();
            theirs.push(all);
            ratios.push(ran.wall.div_duration_f64(all));
        }
    }
    told("dpbackup", SMALL, median(&ours), median(&peaks));
    if has_curl {
        let (theirs, ratio) = (median(&theirs), median(&ratios));
        println!(
            "curl -o: {}, {} each",
            seconds(theirs),
            seconds(theirs / SMALL as u32)
        );
        let what = format!("{SMALL} small exports in times of curl (median of pairs)");
        limits.hold(what, ratio, LIMIT, "");
    }
}

/// So many that what a single request costs grows with them, beside a tenth of them.
pub(crate) fn many(limits: &mut Limits) {
    let [few, many] = [MANY / 10, MANY].map(|domains| {
        println!("\n# {domains} domains of one device\n");
        let (gateway, _) = gateway(domains);
        let home = Home::exporting(&gateway, "DOM*");
        let ran = counted(&gateway, &home, domains);
        told("dpbackup", domains, ran.wall, ran.peak_kib);
        let stored = ran
            .events
            .iter()
            .filter(|event| event["event"] == "file_stored")
            .count();
        assert_eq!(stored, domains, "all of them are stored");
        let task = ran.processor.as_secs_f64() / domains as f64;
        println!("processor time of dpbackup: {:.2} ms a task", task * 1000.0);
        task
    });
    let what = format!(
        "processor time of a task among {MANY} domains in times of one among {}",
        MANY / 10
    );
    limits.hold(what, many / few, GROWTH, "");
}

fn told(who: &str, domains: usize, wall: Duration, peak_kib: u64) {
    println!(
        "\n{who}: {}, {} a task; peak memory {:.1} MiB",
        seconds(wall),
        seconds(wall / domains as u32),
        peak_kib as f64 / 1024.0
    );
}

fn bare(gateway: &Gateway, home: &Home, domain: &str) -> Duration {
    let (request, answer) = (home.path("request.xml"), home.path("answer.xml"));
    fs::write(&request, curl::request(domain)).expect("a request");
    curl::download(gateway, &request, &answer)
}
