//! One large export: from the gateway to a verified file.

use std::fs;
use std::time::Duration;

use crate::bench::{Home, between, median, runs, seconds};
use crate::curl;
use crate::limits::Limits;
use crate::simulator::{Content, Domain, Gateway, Setup};

const MIB: u64 = 1 << 20;
/// How often the pipe of a script is measured.
const PIPES: usize = 3;

/// How many times as long as `curl` all of it may take.
const LIMIT: f64 = 1.15;
/// What of memory the whole process may have at its peak.
const PEAK_LIMIT: f64 = 12.0;

pub(crate) fn measure(has_curl: bool, limits: &mut Limits) {
    println!("\n# One export\n");
    println!(
        "| export | curl -o | curl \\| sed \\| base64 -d | dpbackup: stored | of that after the last byte | ratio | of the best | ratio to pipe | peak memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for megabytes in sizes() {
        one_size(megabytes, has_curl, limits);
    }
}

fn sizes() -> Vec<u64> {
    if let Ok(text) = std::env::var("DPBACKUP_BENCH_SIZES") {
        return text
            .split(',')
            .filter_map(|size| size.trim().parse().ok())
            .collect();
    }
    let mut sizes = vec![16, 128, 512];
    if std::env::var_os("DPBACKUP_BENCH_LARGE").is_some() {
        sizes.push(1024);
    }
    sizes
}

fn one_size(megabytes: u64, has_curl: bool, limits: &mut Limits) {
    let large = Content::synthetic(megabytes * MIB, 1);
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").file("local:///large.bin", large)],
        ..Setup::default()
    });
    let home = Home::exporting(&gateway, "DOM1");
    let request = home.path("request.xml");
    fs::write(&request, curl::request("DOM1")).expect("a request");
    let (mut bare, mut piped) = (Vec::new(), Vec::new());
    let (mut stored, mut afterwards, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    // In turns, so that what else the machine does falls on all alike. The first round only
    // warms up.
    for round in 0..=runs(if megabytes > 200 { 3 } else { 7 }) {
        let ran = home.run();
        let all = between(ran.time_of("BACKING_UP"), ran.time_of_file());
        let after = between(ran.time_of("VERIFYING"), ran.time_of_file());
        home.clear_store();
        let (answer, file) = (home.path("answer.xml"), home.path("file.zip"));
        let mut curls = None;
        if has_curl {
            let bare = curl::download(&gateway, &request, &answer);
            fs::remove_file(&answer).expect("an answer");
            // sed takes its time with a line of hundreds of megabytes.
            let piped = (megabytes <= 128 && piped.len() < PIPES).then(|| {
                let piped = curl::pipe(&gateway, &request, &file);
                fs::remove_file(&file).expect("a file");
                piped
            });
            curls = Some((bare, piped));
        }
        if round > 0 {
            stored.push(all);
            afterwards.push(after);
            peaks.push(ran.peak_kib);
            if let Some((one, other)) = curls {
                bare.push(one);
                piped.extend(other);
            }
        }
    }
    let ours = median(&stored);
    println!(
        "| {megabytes} MiB | {} | {} | {} | {} | {} | {} | {} | {:.1} MiB |",
        shown(&bare),
        shown(&piped),
        seconds(ours),
        seconds(median(&afterwards)),
        ratio(ours, &bare),
        best_ratio(&stored, &bare),
        ratio(ours, &piped),
        median(&peaks) as f64 / 1024.0
    );
    let what = format!("an export of {megabytes} MiB");
    if !bare.is_empty() && megabytes >= 128 {
        let times = stored
            .iter()
            .zip(&bare)
            .map(|(ours, curls)| ours.div_duration_f64(*curls));
        let ratio = median(&times.collect::<Vec<_>>());
        limits.hold(
            format!("{what}, stored, in times of curl (median of pairs)"),
            ratio,
            LIMIT,
            "",
        );
    }
    limits.hold(
        format!("{what}, peak memory"),
        median(&peaks) as f64 / 1024.0,
        PEAK_LIMIT,
        " MiB",
    );
}

fn shown(times: &[Duration]) -> String {
    match times {
        [] => "not measured".to_owned(),
        times => seconds(median(times)),
    }
}

fn ratio(ours: Duration, theirs: &[Duration]) -> String {
    match theirs {
        [] => "-".to_owned(),
        theirs => format!("{:.2}", ours.as_secs_f64() / median(theirs).as_secs_f64()),
    }
}

/// The quickest of each: what another program does on the machine falls out.
fn best_ratio(ours: &[Duration], theirs: &[Duration]) -> String {
    match (ours.iter().min(), theirs.iter().min()) {
        (Some(ours), Some(theirs)) => format!("{:.2}", ours.as_secs_f64() / theirs.as_secs_f64()),
        _ => "-".to_owned(),
    }
}
