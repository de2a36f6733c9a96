//! Snapshots of what the binary prints, without what differs from run to run.

use crate::support::{Home, Ran};

/// What was printed, then what was said, with the folder of the test as `[HOME]`.
pub(crate) fn shown(ran: &Ran, home: &Home) -> String {
    let mut text = ran.stdout.clone();
    if !text.is_empty() && !ran.stderr.is_empty() {
        text.push_str("--- stderr\n");
    }
    text.push_str(&ran.stderr);
    text.replace(home.path("").to_string_lossy().trim_end_matches('/'), "[HOME]")
}

/// Compares a text with the snapshot of the test.
macro_rules! assert_shown {
    ($text:expr) => {
        insta::with_settings!({filters => vec![
            (r"\b(127\.0\.0\.1|0\.0\.0\.0):\d+", "$1:[PORT]"),
            (r"after \d+(m?s| [\dms]+) \(execution", "after [TIME] (execution"),
            (r"\b[0-9a-f]{64}\b", "[SHA-256]"),
            // Machines have other roots, or none.
            (r"(by the trust roots of this machine: no): .*", "$1: [WHY]"),
            (r"\d{6,7} days", "[MANY] days"),
            (r"\d+(\.\d+)? [kMGT]?i?B free of \d+(\.\d+)? [kMGT]?i?B", "[FREE] free of [TOTAL]"),
            // The temporary folder of a machine may have a file system of its own.
            (r"(the first run makes it), on the file system of `/`", "$1"),
            // Each new column of history would change it.
            (r"this one knows \d+", "this one knows [VERSION]"),
            (r"asks for \d+(\.\d+)? [GT]iB", "asks for [SIZE]"),
            (r"says that it is 20\d\d-\d\d-\d\d", "says that it is [TODAY]"),
            (r"(?m)([A-Z]{4,})  \d+m?s$", "$1  [TIME]"),
            (r"\b(59m( \d+s)?|1h)\b", "[AN HOUR]"),
            (r"\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?", "[TIME]"),
        ]}, {
            insta::assert_snapshot!($text);
        });
    };
}
