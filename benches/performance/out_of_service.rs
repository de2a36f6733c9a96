//! How long a device is out of service for a backup, beyond what it takes itself.
//!
//! The gateway takes a second each to quiesce and to unquiesce, and its time to make the backup. What
//! is left is ours: noticing that it is quiesced or has ended, reading an export to its last byte.

use std::time::Duration;

use crate::bench::{Home, Place, median, runs, seconds};
use crate::curl;
use crate::limits::Limits;
use crate::line;
use crate::simulator::{Content, Domain, Gateway, Setup};

const MIB: u64 = 1 << 20;
/// What each of quiesce and unquiesce takes the gateway.
const TURN: Duration = Duration::from_secs(1);
/// What a secure backup takes it.
const MAKING: Duration = Duration::from_secs(5);
/// What may be ours.
const LIMIT: Duration = Duration::from_secs(1);

pub(crate) fn measure(has_curl: bool, limits: &mut Limits) {
    println!("\n# Out of service\n");
    println!("| backup | out of service | of that the device's own | ours |");
    println!("|---|---|---|---|");
    if has_curl {
        export(1, limits);
        export(128, limits);
    }
    secure_backup(limits);
}

fn turning(setup: Setup) -> Setup {
    Setup {
        quiesce_time: TURN,
        unquiesce_time: TURN,
        ..setup
    }
}

fn export(megabytes: u64, limits: &mut Limits) {
    let large = Content::synthetic(megabytes * MIB, 1);
    let gateway = Gateway::start(turning(Setup {
        domains: vec![Domain::new("DOM1").file("local:///large.bin", large)],
        ..Setup::default()
    }));
    let activity = "action = \"export-domain\"\ndomains = \"DOM1\"\nquiesce = true\n";
    let home = Home::new(&Place::of(&gateway), activity);
    let request = home.path("request.xml");
    std::fs::write(&request, curl::request("DOM1")).expect("a request");
    let (mut out, mut own) = (Vec::new(), Vec::new());
    for _ in 0..runs(5) {
        out.push(home.run().out_of_service());
        home.clear_store();
        // It answers when the archive is made.
        own.push(2 * TURN + curl::first_byte(&gateway, &request));
    }
    told(
        &format!("an export of {megabytes} MiB"),
        median(&out),
        median(&own),
        limits,
    );
}

fn secure_backup(limits: &mut Limits) {
    let gateway = Gateway::start(turning(Setup {
        secure_backup_time: MAKING,
        secure_backup_parts: vec![("local.tgz".to_owned(), 64 * MIB)],
        ..Setup::default()
    }));
    let place = Place {
        port: line::open(gateway.port(), 10 * MIB),
        ..Place::of(&gateway)
    };
    let activity = "action = \"secure-backup\"\ncertificate = \"backup-cert\"\nquiesce = true\n";
    let home = Home::new(&place, activity);
    let mut out = Vec::new();
    for _ in 0..runs(3) {
        out.push(home.run().out_of_service());
        home.clear_store();
    }
    let what = "a secure backup of 64 MiB over a line of 10 MiB/s";
    told(what, median(&out), 2 * TURN + MAKING, limits);
}

fn told(what: &str, out: Duration, own: Duration, limits: &mut Limits) {
    let ours = out.saturating_sub(own);
    println!(
        "| {what} | {} | {} | {} |",
        seconds(out),
        seconds(own),
        seconds(ours)
    );
    let what = format!("out of service beyond the device's own share, {what}");
    limits.hold(what, ours.as_secs_f64(), LIMIT.as_secs_f64(), " s");
}
