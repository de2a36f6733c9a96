//! Keys that several receivers have.

use std::path::PathBuf;

use crate::plan::check::context::Context;
use crate::plan::check::doubts;
use crate::plan::check::settings::path;
use crate::plan::diagnostic::Findings;
use crate::plan::section::PlanSection;
use crate::plan::value::did_you_mean;
use crate::values::event_name::{EventName, EventNames};
use crate::values::nearest::nearest;

#[expect(clippy::option_option, reason = "not valid, not written, or a path")]
pub(super) fn ca_file(
    section: &PlanSection<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<Option<PathBuf>> {
    match section.key_span("ca_file") {
        Some(_) => path(section, "ca_file", context, out).map(Some),
        None => Some(None),
    }
}

/// The names of events that the patterns choose; a pattern that chooses none becomes a finding.
#[expect(clippy::option_option, reason = "not valid, not written, or some")]
pub(super) fn events(
    section: &PlanSection<'_>,
    name: &str,
    out: &mut Findings<'_>,
) -> Option<Option<EventNames>> {
    if section.key_span(name).is_none() {
        return Some(None);
    }
    let patterns = section.patterns(name, out)?;
    let words = || EventName::ALL.into_iter().map(EventName::word);
    for literal in patterns
        .value
        .literals()
        .chain(patterns.value.excluded_literals())
    {
        if !words().any(|word| word == literal) {
            let label = format!("expected some of {}", words().collect::<Vec<_>>().join(", "));
            let finding = out.error(patterns.span.clone(), format!("unknown event {literal:?}"), label);
            let other = || {
                let other = OTHER_EVENTS
                    .iter()
                    .find(|(words, _)| words.contains(&literal.to_lowercase().as_str()));
                other.map(|(_, event)| *event)
            };
            let begun = || {
                words()
                    .filter(|word| literal.len() > 3 && word.contains(literal))
                    .min_by_key(|word| word.len())
            };
            match other().or_else(|| nearest(literal, words())).or_else(begun) {
                Some(meant) => did_you_mean(finding, Some(meant)),
                None => {
                    finding.help("write one of these, or \"*\" for all");
                }
            }
        }
    }
    doubts::nothing_left(
        &patterns.value.to_string(),
        patterns.value.included(),
        patterns.value.excluded(),
        patterns.span.clone(),
        out,
    );
    Some(Some(EventNames::matching(&patterns.value)))
}

/// What others call an event.
const OTHER_EVENTS: &[(&[&str], &str)] = &[
    (
        &[
            "failure", "failures", "error", "errors", "fail", "down", "critical",
        ],
        "failed",
    ),
    (&["success", "successful", "ok", "done", "completed"], "succeeded"),
    (&["warning", "warnings", "partial"], "warned"),
    (&["start", "begin", "running"], "started"),
    (&["change", "changes", "diff"], "changed"),
    (&["skipped", "not-started", "disabled", "locked"], "refused"),
    (&["all", "any", "always"], "*"),
];
