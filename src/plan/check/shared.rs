//! Tables that may stand in several places of a file.

use crate::plan::check::doubts;
use crate::plan::diagnostic::Findings;
use crate::plan::mistyped::window_in_one_time;
use crate::plan::section::PlanSection;
use crate::values::retention::Retention;
use crate::values::window::{Window, WindowError};

/// A window table.
pub(super) fn window(section: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<Window> {
    let start = section.time("start", out);
    let end = section.time("end", out);
    let zone = section.zone("time_zone", out);
    let is_malformed = |key, time: Option<_>| section.key_span(key).is_some() && time.is_none();
    if is_malformed("start", start) || is_malformed("end", end) {
        for (written, other) in [("start", "end"), ("end", "start")] {
            let is_alone = section.key_span(written).is_some() && section.key_span(other).is_none();
            // Where both times stand in one text, what is said of it names the two keys.
            let has_both = || {
                section
                    .text_written(written)
                    .and_then(window_in_one_time)
                    .is_some()
            };
            if is_alone && !has_both() {
                section.missing(other, out);
            }
        }
        return None;
    }
    match Window::new(start, end, zone) {
        Ok(window) => Some(window),
        Err(WindowError::OneEnd) => {
            section.missing(if start.is_none() { "start" } else { "end" }, out);
            None
        }
        Err(error) => {
            let span = section.key_span("end").unwrap_or(section.span.clone());
            let help =
                "to back up at any time, leave out `start` and `end`, or write maintenance_window = \"none\"";
            out.error(span, "a window of no length", error.to_string())
                .help(help);
            None
        }
    }
}

/// What is kept, if the table says so. With a mistake in it there is a finding.
pub(super) fn retention(section: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<Retention> {
    let table = section.section("retention", out)?;
    let within = table.duration("keep_within", out);
    doubts::short_retention(within.as_ref(), out);
    let retention = Retention {
        keep_last: table.integer("keep_last", out),
        keep_daily: table.integer("keep_daily", out),
        keep_weekly: table.integer("keep_weekly", out),
        keep_monthly: table.integer("keep_monthly", out),
        keep_within: within.map(|at| at.value),
    };
    if table.is_empty() {
        out.error(
            table.span.clone(),
            "a retention that keeps nothing",
            "expected at least one rule",
        )
        .help("write `retention = { keep_last = 365 }`, say; or leave it out, and nothing is ever removed");
    }
    (!retention.is_empty()).then_some(retention)
}
