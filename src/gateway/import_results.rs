//! Reads what a device says to an import, dry or real.

use roxmltree::Node;

use crate::gateway::import_stray;
use crate::soma::reply::{cut, quote};
use crate::values::xml::{all_text, children};

/// A device's own words in a reason are no longer than this.
const LONGEST: usize = 300;

/// What a device says about one domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportResults {
    pub domain: String,
    /// The files of the archive: name and status.
    pub files: Vec<(String, String)>,
    /// The objects of the archive: `Class name`.
    pub objects: Vec<String>,
    /// The domain that the archive is an export of, as the device has read it.
    pub exported: Option<String>,
    /// What came of files: name, result, reason.
    pub copied: Vec<(String, String, String)>,
    /// What came of objects: `Class name`, status, what is said about it.
    pub executed: Vec<(String, String, String)>,
    /// What newer firmware says of errors, where it says anything but `false`.
    pub detected_errors: Option<String>,
    /// Objects, files, and answers beside all this, of which a word for a failure is told.
    pub failed: Vec<String>,
    /// What is said of objects and files in words that nobody knows, and in sections that nobody knows.
    pub strange: Vec<String>,
    /// Objects and files that the device says it does not overwrite.
    pub spared: Vec<String>,
}

/// What is said of an object or a file that is in the backup and can be compared.
const COMPARED: [&str; 8] = [
    "new",
    "exists",
    "same",
    "modified",
    "changed",
    "identical",
    "internal",
    "",
];

/// What is said of a file of which the archive has no bytes.
const WITHOUT_BYTES: [&str; 2] = ["missing-key", "missing-file"];

/// The sections of results.
const SECTIONS: [&str; 7] = [
    "export-details",
    "imported-files",
    "imported-objects",
    "file-copy-log",
    "exec-script-results",
    "detected-errors",
    "imported-debug",
];

/// Reads the payload `dp:import`.
pub fn read(import: Node<'_, '_>) -> Vec<ImportResults> {
    let around = import_stray::around(import);
    let mut all: Vec<ImportResults> = children(import, "import-results").map(results).collect();
    for results in &mut all {
        results.failed.extend(around.failed.iter().cloned());
        results.strange.extend(around.strange.iter().cloned());
    }
    all
}

fn results(node: Node<'_, '_>) -> ImportResults {
    let below = |section, row| children(node, section).flat_map(move |section| children(section, row));
    let attribute = |node: Node<'_, '_>, name: &str| word(node.attribute(name).unwrap_or_default());
    let object = |node| format!("{} {}", attribute(node, "class"), attribute(node, "name"));
    let stray = import_stray::within(node);
    ImportResults {
        domain: node.attribute("domain").unwrap_or_default().to_owned(),
        files: below("imported-files", "file")
            .map(|row| (attribute(row, "name"), attribute(row, "status")))
            .collect(),
        objects: below("imported-objects", "object").map(object).collect(),
        copied: below("file-copy-log", "file-result")
            .map(|row| (attribute(row, "name"), attribute(row, "result"), text(row)))
            .collect(),
        executed: below("exec-script-results", "cfg-result")
            .map(|row| (object(row), attribute(row, "status"), text(row)))
            .collect(),
        failed: ["imported-objects", "imported-files"]
            .into_iter()
            .flat_map(|section| children(node, section).flat_map(|section| section.children()))
            .filter(|row| is_failure(row.attribute("status").unwrap_or_default()))
            .map(|row| {
                let what = [attribute(row, "class"), attribute(row, "name")].join(" ");
                format!("{}: {}", what.trim_start(), attribute(row, "status"))
            })
            .chain(stray.failed)
            .collect(),
        detected_errors: children(node, "detected-errors")
            .find(|errors| !import_stray::are_none(*errors))
            .map(import_stray::told),
        exported: children(node, "export-details")
            .flat_map(|details| children(details, "domain"))
            .map(text)
            .find(|domain| !domain.is_empty()),
        strange: strange(node).into_iter().chain(stray.strange).collect(),
        spared: spared(node),
    }
}

/// What is said in words, or in sections, that nobody knows.
fn strange(results: Node<'_, '_>) -> Vec<String> {
    let of = |section, is_strange: fn(&str) -> bool| {
        children(results, section)
            .flat_map(|section| section.children().filter(Node::is_element))
            .map(|row| (row, row.attribute("status").unwrap_or_default()))
            .filter(move |(_, status)| !is_failure(status) && is_strange(status))
            .map(|(row, status)| {
                let what = ["class", "name"].map(|name| word(row.attribute(name).unwrap_or_default()));
                let status = if status.is_empty() {
                    "without a status".to_owned()
                } else {
                    word(status)
                };
                format!("{}: {status}", what.join(" ").trim_start())
            })
    };
    let objects = of("imported-objects", |status| {
        status.is_empty() || !COMPARED.contains(&status)
    });
    let files = of("imported-files", |status| {
        !COMPARED.contains(&status) && !WITHOUT_BYTES.contains(&status)
    });
    let sections = results
        .children()
        .filter(|node| node.is_element() && !SECTIONS.contains(&node.tag_name().name()))
        .map(|node| (node.tag_name().name(), text(node)))
        .filter(|(_, said)| !said.is_empty())
        .map(|(name, said)| format!("{}: {}", word(name), quote(&said)));
    objects.chain(files).chain(sections).collect()
}

/// What the device says it does not overwrite, though that was asked for. What is not in the archive, or is
/// of the firmware, never is.
fn spared(results: Node<'_, '_>) -> Vec<String> {
    let rows = ["imported-objects", "imported-files"]
        .into_iter()
        .flat_map(|section| children(results, section).flat_map(|section| section.children()));
    let is_spared = |row: &Node<'_, '_>| {
        let status = row.attribute("status").unwrap_or_default();
        // Any other word may be one for a no.
        row.attribute("overwrite").is_some_and(|word| word != "on")
            && status != "internal"
            && !WITHOUT_BYTES.contains(&status)
    };
    rows.filter(is_spared)
        .map(|row| {
            let what = ["class", "name"].map(|name| word(row.attribute(name).unwrap_or_default()));
            what.join(" ").trim_start().to_owned()
        })
        .collect()
}

/// Whether a device refuses an import by these words. Others may come of one that it has accepted.
pub fn refuses(said: &str) -> bool {
    let said = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    !has(&["scheduled", "accepted", "pending", "in progress"])
        && has(&[
            "error",
            "fail",
            "unable",
            "unreadable",
            "full",
            "cannot",
            "denied",
            "invalid",
            "no domain access",
            "must be",
        ])
}

/// Whether a word for an outcome is one for a failure.
pub(super) fn is_failure(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.starts_with("err") || word.starts_with("fail") || word.starts_with("invalid")
}

fn text(node: Node<'_, '_>) -> String {
    cut(&all_text(node), LONGEST)
}

/// On one line, and not endless.
pub(super) fn word(text: &str) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), LONGEST)
}
