//! What a check has found: lines for people, a document for programs.

use serde::Serialize;

use crate::run::examine::{CheckItem, CheckVerdict};
use crate::values::text::{hanging, printable, printable_json};

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

/// The longest name of an item. What is found is shown as it comes, so that nobody can wait for
/// the longest that will.
const ITEM_WIDTH: usize = "certificate".len();

/// A block for each subject, a line for each item, its advice below it; within the columns of
/// a terminal. `before`: the subject of what was shown before, if anything was.
pub fn lines(before: Option<&str>, findings: &[CheckItem], columns: Option<u16>) -> String {
    // Behind the verdict and the item.
    let (width, indent) = (ITEM_WIDTH, 2 + 4 + 2 + ITEM_WIDTH + 2);
    let mut text = String::new();
    let mut before = before;
    for finding in findings {
        if before != Some(&finding.subject) {
            let gap = if before.is_none() { "" } else { "\n" };
            text.push_str(&format!("{gap}{}\n", printable(&finding.subject)));
            before = Some(&finding.subject);
        }
        let (verdict, item) = (word(finding.verdict), finding.item);
        let found = hanging(&printable(&finding.text), indent, columns);
        text.push_str(&format!("  {verdict:<4}  {item:<width$}  {found}\n"));
        if let Some(hint) = &finding.hint {
            let hint = hanging(&format!("hint: {}", printable(hint)), indent, columns);
            text.push_str(&format!("{:indent$}{hint}\n", ""));
        }
    }
    text
}

/// How many of each there are, below all that was shown.
pub fn counts(findings: &[CheckItem]) -> String {
    let count = |verdict| {
        findings
            .iter()
            .filter(|finding| finding.verdict == verdict)
            .count()
    };
    format!(
        "\n{} OK, {} WARN, {} FAIL, {} SKIP\n",
        count(CheckVerdict::Ok),
        count(CheckVerdict::Warn),
        count(CheckVerdict::Fail),
        count(CheckVerdict::Skip)
    )
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
