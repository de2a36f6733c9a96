//! Values of ours as JSON.

use serde::Serialize;

/// Why that never fails.
const ALWAYS: &str = "maps with keys of text become JSON";

/// On one line.
pub fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect(ALWAYS)
}

/// On a line each.
pub fn json_page(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect(ALWAYS)
}
