//! The `dpbackup` binary: arguments in, exit status out.

use std::process::ExitCode;

use clap::Parser;
use dpbackup::cli::Cli;
use dpbackup::{commands, values};

fn main() -> ExitCode {
    let cli = Cli::parse();
    commands::dispatch(&cli, &values::environment::process).into()
}
