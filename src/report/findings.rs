//! What a check has found: lines for people, a document for programs.

use serde::Serialize;

use crate::report::plain::hanging;
use crate::run::examine::{CheckItem, CheckVerdict};
use crate::values::text::{printable, printable_json};

#[derive(Serialize)]
struct CheckDocument<'f> {
    schema_version: u32,
    verdict: &'static str,
    items: Vec<CheckItemObject<'f>>,
}

#[derive(Serialize)]
struct CheckItemObject<'f> {
    subject: &'f str,
    item: &'static str,
    verdict: &'static str,
    message: &'f str,
    hint: Option<&'f str>,
}

/// The worst that was found.
pub fn worst(findings: &[CheckItem]) -> CheckVerdict {
    findings
        .iter()
        .map(|finding| finding.verdict)
        .max()
        .unwrap_or(CheckVerdict::Ok)
}

/// A block for each subject, a line for each item, its advice below it; within the columns of
/// a terminal.
pub fn table(findings: &[CheckItem], columns: Option<u16>) -> String {
    let width = findings
        .iter()
        .map(|finding| finding.item.len())
        .max()
        .unwrap_or(0);
    // Behind the verdict and the item.
    let indent = 2 + 4 + 2 + width + 2;
    let mut text = String::new();
    let mut subject = "";
    for finding in findings {
        if finding.subject != subject {
            let gap = if subject.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{}\n", printable(&finding.subject)));
            subject = &finding.subject;
        }
        let (verdict, item) = (word(finding.verdict), finding.item);
        let found = hanging(&printable(&finding.text), indent, columns);
        text.push_str(&format!("  {verdict:<4}  {item:<width$}  {found}\n"));
        if let Some(hint) = &finding.hint {
            let hint = hanging(&format!("hint: {}", printable(hint)), indent, columns);
            text.push_str(&format!("{:indent$}{hint}\n", ""));
        }
    }
    let count = |verdict| {
        findings
            .iter()
            .filter(|finding| finding.verdict == verdict)
            .count()
    };
    text.push_str(&format!(
        "\n{} OK, {} WARN, {} FAIL, {} SKIP\n",
        count(CheckVerdict::Ok),
        count(CheckVerdict::Warn),
        count(CheckVerdict::Fail),
        count(CheckVerdict::Skip)
    ));
    text
}

/// One document.
pub fn json(findings: &[CheckItem]) -> String {
    let items = findings.iter().map(|finding| CheckItemObject {
        subject: &finding.subject,
        item: finding.item,
        verdict: word(finding.verdict),
        message: &finding.text,
        hint: finding.hint.as_deref(),
    });
    let document = CheckDocument {
        schema_version: 1,
        verdict: word(worst(findings)),
        items: items.collect(),
    };
    let text = serde_json::to_string_pretty(&document).expect("maps with keys of text become JSON");
    printable_json(&format!("{text}\n"))
}

fn word(verdict: CheckVerdict) -> &'static str {
    match verdict {
        CheckVerdict::Ok => "OK",
        CheckVerdict::Skip => "SKIP",
        CheckVerdict::Warn => "WARN",
        CheckVerdict::Fail => "FAIL",
    }
}
