//! Many small domains of one device: what each costs, in requests and in time.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::bench::{Home, median, runs, seconds};
use crate::curl;
use crate::simulator::{Domain, Gateway, Setup};

const DOMAINS: usize = 300;

pub(crate) fn measure(has_curl: bool) {
    println!("\n# {DOMAINS} small domains of one device\n");
    let names: Vec<String> = (0..DOMAINS).map(|number| format!("DOM{number:03}")).collect();
    let gateway = Gateway::start(Setup {
        domains: names.iter().map(|name| Domain::new(name)).collect(),
        ..Setup::default()
    });
    let home = Home::new(&gateway, "DOM*");
    let (mut ours, mut theirs, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs(3) {
        gateway.forget_requests();
        let handshakes = gateway.handshakes();
        let ran = home.run();
        let handshakes = gateway.handshakes() - handshakes;
        if ours.is_empty() {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for operation in gateway.operations() {
                *counts.entry(operation).or_default() += 1;
            }
            let total: usize = counts.values().sum();
            println!(
                "TLS handshakes: {handshakes}; requests: {total} ({:.2} a task)",
                total as f64 / DOMAINS as f64
            );
            for (operation, count) in counts {
                println!("- {operation}: {count}");
            }
            assert_eq!(handshakes, 1, "one connection is kept");
        }
        ours.push(ran.wall);
        peaks.push(ran.peak_kib);
        home.clear_store();
        if has_curl {
            theirs.push(
                names
                    .iter()
                    .map(|name| bare(&gateway, &home, name))
                    .sum::<Duration>(),
            );
        }
    }
    println!();
    let ours = median(&ours);
    println!(
        "dpbackup: {}, {} a task; peak memory {:.1} MiB",
        seconds(ours),
        seconds(ours / 300),
        median(&peaks) as f64 / 1024.0
    );
    if !theirs.is_empty() {
        let theirs = median(&theirs);
        println!(
            "{DOMAINS} times curl -o: {}, {} each; ratio {:.2}",
            seconds(theirs),
            seconds(theirs / 300),
            ours.as_secs_f64() / theirs.as_secs_f64()
        );
    }
}

fn bare(gateway: &Gateway, home: &Home, domain: &str) -> Duration {
    let (request, answer) = (home.path("request.xml"), home.path("answer.xml"));
    fs::write(&request, curl::request(domain)).expect("a request");
    curl::download(gateway, &request, &answer)
}
