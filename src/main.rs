//! The `dpbackup` binary: arguments in, exit code out.

use std::process::ExitCode;

use dpbackup::{commands, values};

fn main() -> ExitCode {
    commands::start(std::env::args_os(), &values::environment::process).into()
}
