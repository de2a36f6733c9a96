//! One large export: from the gateway to a verified file.

use std::fs;
use std::time::Duration;

use crate::bench::{Home, between, median, runs, seconds};
use crate::curl;
use crate::simulator::{Content, Domain, Gateway, Setup};

const MIB: u64 = 1 << 20;
/// How often the pipe of a script is measured.
const PIPES: usize = 3;

pub(crate) fn measure(has_curl: bool) {
    println!("\n# One export\n");
    println!(
        "| export | curl -o | curl \\| sed \\| base64 -d | dpbackup: download | ratio | of the best | ratio to pipe | verification | peak memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for megabytes in sizes() {
        one_size(megabytes, has_curl);
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

fn one_size(megabytes: u64, has_curl: bool) {
    let large = Content::synthetic(megabytes * MIB, 1);
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").file("local:///large.bin", large)],
        ..Setup::default()
    });
    let home = Home::new(&gateway, "DOM1");
    let request = home.path("request.xml");
    fs::write(&request, curl::request("DOM1")).expect("a request");
    let (mut bare, mut piped) = (Vec::new(), Vec::new());
    let (mut downloads, mut verifications, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    // In turns, so that what else the machine does falls on all alike. The first round only
    // warms up.
    for round in 0..=runs(if megabytes > 200 { 3 } else { 7 }) {
        let ran = home.run();
        let verifying = ran.time_of("VERIFYING");
        let download = between(ran.time_of("BACKING_UP"), verifying);
        let verification = between(verifying, ran.time_of_file());
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
            downloads.push(download);
            verifications.push(verification);
            peaks.push(ran.peak_kib);
            if let Some((one, other)) = curls {
                bare.push(one);
                piped.extend(other);
            }
        }
    }
    let ours = median(&downloads);
    println!(
        "| {megabytes} MiB | {} | {} | {} | {} | {} | {} | {} | {:.1} MiB |",
        shown(&bare),
        shown(&piped),
        seconds(ours),
        ratio(ours, &bare),
        best_ratio(&downloads, &bare),
        ratio(ours, &piped),
        seconds(median(&verifications)),
        median(&peaks) as f64 / 1024.0
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
