//! The results of an import, in the form of the one reply that was captured.

use super::fault::FaultKind;
use super::firmware::Style;
use super::import::{DryRunSections, ImportCall};
use super::imported::SentDomain;
use super::soap::escape;
use super::state::State;

/// What becomes of what was sent, in its order.
#[derive(Default)]
pub(super) struct Outcome {
    /// Of each object: whether the domain has it.
    pub(super) exists: Vec<bool>,
    /// Of each object: whether it cannot be made.
    pub(super) failed: Vec<bool>,
    /// Of each object: whether it is left out in silence.
    pub(super) skipped: Vec<bool>,
    /// Of each file: its status, and the result with its reason where it is copied.
    pub(super) files: Vec<(&'static str, Option<(&'static str, &'static str)>)>,
}

/// `import-results` of one domain.
pub(super) fn results(
    state: &State,
    domain: &str,
    sent: &SentDomain,
    outcome: &Outcome,
    call: &ImportCall,
    faults: &[FaultKind],
) -> String {
    let style = state.setup.firmware.style;
    let sections = match (call.dry_run, state.setup.dry_run_sections, style) {
        (false, ..) => DryRunSections::Filled,
        (true, Some(sections), _) => sections,
        (true, None, Style::Old) => DryRunSections::Absent,
        (true, None, Style::V10) => DryRunSections::Empty,
    };
    let shown = match faults.contains(&FaultKind::OtherDomain) {
        true => "another-domain",
        false => domain,
    };
    let executed = match sections {
        DryRunSections::Absent => String::new(),
        DryRunSections::Empty => "<file-copy-log/><exec-script-results/>".to_owned(),
        DryRunSections::Filled => format!("{}{}", copied(sent, outcome), executed(sent, outcome)),
    };
    let said = faults.iter().find_map(|fault| match fault {
        FaultKind::ResultsSay(text) => Some(escape(text)),
        _ => None,
    });
    let said = said.as_deref();
    let executed = match said {
        Some(said) => says_so(&executed, said),
        None => executed,
    };
    format!(
        "<import-results domain=\"{}\">{}{}{}{executed}{}</import-results>",
        escape(shown),
        sent.details,
        files(sent, outcome, call, said),
        objects(sent, outcome, call),
        errors(style, faults),
    )
}

/// What was carried out, and a user besides who has failed, in these words.
fn says_so(executed: &str, said: &str) -> String {
    let row = format!("<cfg-result class=\"User\" name=\"{said}\" status=\"ERROR\">{said}</cfg-result>");
    let section = "<exec-script-results>";
    match executed.contains(section) {
        true => executed.replace(section, &format!("{section}{row}")),
        false => format!("{section}{row}</exec-script-results>"),
    }
}

fn toggle(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

/// An element, empty where nothing is in it.
fn section(name: &str, inner: &str) -> String {
    match inner {
        "" => format!("<{name}/>"),
        inner => format!("<{name}>{inner}</{name}>"),
    }
}

fn files(sent: &SentDomain, outcome: &Outcome, call: &ImportCall, said: Option<&str>) -> String {
    let said = said.map(|said| {
        format!("<file name=\"cert:///{said}\" src=\"cert/x\" status=\"missing-key\" overwrite=\"on\"/>")
    });
    let rows = sent.files.iter().zip(&outcome.files).map(|(file, (status, _))| {
        format!(
            "<file name=\"{}\" src=\"{}\" status=\"{status}\" overwrite=\"{}\"/>",
            escape(&file.name),
            escape(&file.path),
            toggle(call.overwrite_files)
        )
    });
    section("imported-files", &rows.chain(said).collect::<String>())
}

fn objects(sent: &SentDomain, outcome: &Outcome, call: &ImportCall) -> String {
    let rows = sent.objects.iter().zip(&outcome.exists).map(|(object, exists)| {
        format!(
            "<object class=\"{}\" name=\"{}\" status=\"{}\" import-debug=\"false\" overwrite=\"{}\"/>",
            object.class,
            escape(&object.name),
            if *exists { "exists" } else { "new" },
            toggle(call.overwrite_objects)
        )
    });
    section("imported-objects", &rows.collect::<String>())
}

/// What came of each file. Those of the firmware, and those that are missing, have no row.
fn copied(sent: &SentDomain, outcome: &Outcome) -> String {
    let rows = sent.files.iter().zip(&outcome.files);
    let rows = rows.filter_map(|(file, (_, result))| {
        let (result, reason) = (*result)?;
        let reason = section("reason", reason);
        let name = escape(&file.name);
        Some(format!(
            "<file-result name=\"{name}\" result=\"{result}\">{reason}</file-result>"
        ))
    });
    section("file-copy-log", &rows.collect::<String>())
}

/// What came of each object. That a failed one has a text is a guess.
fn executed(sent: &SentDomain, outcome: &Outcome) -> String {
    let rows = sent.objects.iter().zip(&outcome.failed).zip(&outcome.skipped);
    let rows = rows
        .filter(|(_, skipped)| !**skipped)
        .map(|((object, failed), _)| {
            let row = format!(
                "<cfg-result class=\"{}\" name=\"{}\"",
                object.class,
                escape(&object.name)
            );
            match failed {
                false => format!("{row} status=\"SUCCESS\"/>"),
                true => format!("{row} status=\"ERROR\">Configuration failed</cfg-result>"),
            }
        });
    section("exec-script-results", &rows.collect::<String>())
}

/// What a newer firmware says of errors on the way; an older one says nothing. Known from the REST form of
/// the same results alone.
fn errors(style: Style, faults: &[FaultKind]) -> String {
    let code = faults.iter().find_map(|fault| match fault {
        FaultKind::DetectedErrors(code) => Some(code.as_deref().unwrap_or("0x81000683")),
        _ => None,
    });
    match (code, style) {
        (Some(code), _) => format!(
            "<detected-errors><error>{}</error></detected-errors>",
            escape(code)
        ),
        (None, Style::V10) => "<detected-errors>false</detected-errors><imported-debug/>".to_owned(),
        (None, Style::Old) => String::new(),
    }
}
