//! Measured comparisons: `cargo bench`. What they showed is in `docs/performance.md`.
//!
//! A simulated gateway serves both sides, `dpbackup` and `curl`, in turns, so that what it
//! costs itself is in both. `DPBACKUP_BENCH_LARGE=1` adds an export of 1 GiB,
//! `DPBACKUP_BENCH_SIZES=16,128` chooses others, `DPBACKUP_BENCH_RUNS=9` repeats more often.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]
#![expect(clippy::print_stderr, reason = "a program for the terminal")]

#[path = "../../examples/simulator/mod.rs"]
mod simulator;

mod bench;
mod curl;
mod downloads;
mod many_domains;

use std::process::ExitCode;

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
    downloads::measure(has_curl);
    many_domains::measure(has_curl);
    ExitCode::SUCCESS
}
