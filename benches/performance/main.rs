//! Measured comparisons: `cargo bench`. What they showed is in `docs/performance.md`.
//!
//! A simulated gateway serves both sides, `dpbackup` and `curl`, in turns, so that what it
//! costs itself is in both. What has a limit is held against it at the end, and a limit that is
//! not kept ends this with an error. `DPBACKUP_BENCH_ONLY=downloads` (`small-domains`, `many-domains`,
//! `out-of-service`, `dead-devices`) measures that alone. `DPBACKUP_BENCH_LARGE=1` adds an export of 1 GiB,
//! `DPBACKUP_BENCH_SIZES=16,128` chooses others, `DPBACKUP_BENCH_RUNS=9` repeats more often.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]
#![expect(clippy::print_stderr, reason = "a program for the terminal")]

#[path = "../../examples/simulator/mod.rs"]
mod simulator;

#[path = "../../tests/it/support/deaf.rs"]
mod deaf;

mod bench;
mod curl;
mod dead_devices;
mod downloads;
mod limits;
mod line;
mod many_domains;
mod out_of_service;

use std::process::ExitCode;

use limits::Limits;

/// Measures something, and holds it against its limits.
type Part<'p> = dyn Fn(&mut Limits) + 'p;

fn main() -> ExitCode {
    // `cargo test --all-targets` starts this as well, and wants no measurements.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("nothing to test here: cargo bench measures");
        return ExitCode::SUCCESS;
    }
    let has_curl = curl::is_there();
    if !has_curl {
        eprintln!("=====================================================================");
        eprintln!("curl is not installed: NOTHING IS COMPARED, dpbackup is measured alone.");
        eprintln!("=====================================================================");
    }
    let mut limits = Limits::default();
    let parts: [(&str, &Part); 5] = [
        ("downloads", &|limits| downloads::measure(has_curl, limits)),
        ("small-domains", &|limits| many_domains::compare(has_curl, limits)),
        ("many-domains", &many_domains::many),
        ("out-of-service", &|limits| {
            out_of_service::measure(has_curl, limits);
        }),
        ("dead-devices", &dead_devices::measure),
    ];
    let only = std::env::var("DPBACKUP_BENCH_ONLY").ok();
    for (name, measure) in parts {
        if only.as_deref().is_none_or(|only| only == name) {
            measure(&mut limits);
        }
    }
    match limits.print() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
