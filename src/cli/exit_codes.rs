//! What the process ends with, as help tells it.

use std::fmt::Write;

use crate::exit::Exit;

/// The exit codes as the end of `dpbackup --help`, and of the manual page.
pub(super) fn exit_codes() -> String {
    let mut text = String::from("Exit codes:");
    for (exit, meaning) in Exit::ALL {
        let _ = write!(text, "\n  {:>3}  {meaning}", exit.code());
    }
    text
}
