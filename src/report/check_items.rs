//! What came of the looks of a check: lines for people, a document for programs.

use serde::Serialize;

use crate::report::json;
use crate::run::examine::{CheckItem, CheckVerdict, NOT_SEEN};
use crate::values::text::{hanging, printable};

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct CheckDocument<'f> {
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

/// The worst that came of them.
pub fn worst(looks: &[CheckItem]) -> CheckVerdict {
    looks
        .iter()
        .map(|look| look.verdict)
        .max()
        .unwrap_or(CheckVerdict::Ok)
}

/// The longest name of an item. What is found is shown as it comes, so that nobody can wait for
/// the longest that will.
const ITEM_WIDTH: usize = "certificate".len();

/// A block for each subject, a line for each item, its advice below it; within the columns of
/// a terminal. `before`: the subject of what was shown before, if anything was.
pub fn lines(before: Option<&str>, looks: &[CheckItem], columns: Option<u16>) -> String {
    // Behind the verdict and the item.
    let (width, indent) = (ITEM_WIDTH, 2 + 4 + 2 + ITEM_WIDTH + 2);
    let mut text = String::new();
    let mut before = before;
    for look in looks {
        if before != Some(&look.subject) {
            let gap = if before.is_none() { "" } else { "\n" };
            text.push_str(&format!("{gap}{}\n", printable(&look.subject)));
            before = Some(&look.subject);
        }
        let (verdict, item) = (word(look.verdict), look.item);
        let found = hanging(&printable(&look.text), indent, columns);
        text.push_str(&format!("  {verdict:<4}  {item:<width$}  {found}\n"));
        if let Some(hint) = &look.hint {
            let hint = hanging(&format!("hint: {}", printable(hint)), indent, columns);
            text.push_str(&format!("{:indent$}{hint}\n", ""));
        }
    }
    text
}

/// The devices that nobody looked at to the end, in one line; nothing where there are none.
pub fn not_seen(looks: &[CheckItem], columns: Option<u16>) -> String {
    let devices: Vec<&str> = looks
        .iter()
        .filter(|look| look.item == NOT_SEEN)
        .map(|look| look.subject.as_str())
        .collect();
    if devices.is_empty() {
        return String::new();
    }
    let line = format!("Not looked at to the end, and not known: {}", devices.join(", "));
    format!("\n{}\n", hanging(&printable(&line), 0, columns))
}

/// How many of each there are, below all that was shown.
pub fn counts(looks: &[CheckItem]) -> String {
    let count = |verdict| looks.iter().filter(|look| look.verdict == verdict).count();
    format!(
        "\n{} OK, {} WARN, {} FAIL, {} SKIP\n",
        count(CheckVerdict::Ok),
        count(CheckVerdict::Warn),
        count(CheckVerdict::Fail),
        count(CheckVerdict::Skip)
    )
}

/// One document.
pub fn document(looks: &[CheckItem]) -> String {
    let items = looks.iter().map(|look| CheckItemObject {
        subject: &look.subject,
        item: look.item,
        verdict: word(look.verdict),
        message: &look.text,
        hint: look.hint.as_deref(),
    });
    let document = CheckDocument {
        verdict: word(worst(looks)),
        items: items.collect(),
    };
    json::document(SCHEMA_VERSION, &document)
}

fn word(verdict: CheckVerdict) -> &'static str {
    match verdict {
        CheckVerdict::Ok => "OK",
        CheckVerdict::Skip => "SKIP",
        CheckVerdict::Warn => "WARN",
        CheckVerdict::Fail => "FAIL",
    }
}
