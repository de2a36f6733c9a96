//! Where the rows of `files` lead: on the gateway by their names, and in a folder where the archive is
//! unpacked by their entries.
//!
//! A gateway takes a file by its name, and who unpacks an archive by its entry. One place has one
//! content. In which ways a firmware writes one path is not known, so rows are refused for what they
//! contradict, and never for how they are written; where they only look odd, that is told.

use std::collections::BTreeMap;

use crate::artifact::archive::export_item::{ListedFile, RowForm};
use crate::artifact::archive::problem::{ProblemKind, Problems};

/// The folders of gateways whose files stand, as far as archives and documentation tell, in a folder
/// of the same name in an archive. Those of the firmware (`webgui:`) stand in another one.
const LOCATIONS: [&str; 17] = [
    "cert",
    "chkpoints",
    "config",
    "export",
    "image",
    "isamcert",
    "isamconfig",
    "isamwebroot",
    "local",
    "logstore",
    "logtemp",
    "policyframework",
    "pubcert",
    "sharedcert",
    "store",
    "tasktemplates",
    "temporary",
];

/// The files of the firmware, which all domains of a gateway share: the hash of each that was listed.
#[derive(Debug, Default)]
pub(super) struct FirmwareRows(BTreeMap<Vec<String>, String>);

/// A row whose bytes stand in the archive.
struct HeldRow<'r> {
    row: &'r ListedFile,
    hash: &'r str,
    path: GatewayPath,
}

/// Where a name leads on a gateway.
struct GatewayPath {
    /// The location in lower case, and the steps below it; none of them is empty, `.` or `..`.
    steps: Vec<String>,
    /// Whether it leads above its location.
    climbs_out: bool,
}

/// Holds the rows of one `export.xml` against each other, and those of the firmware against the ones
/// of the domains before it.
pub(super) fn check(
    rows: &[ListedFile],
    inner: Option<&str>,
    firmware: &mut FirmwareRows,
    findings: &mut Problems,
) {
    let held: Vec<HeldRow<'_>> = rows.iter().filter_map(HeldRow::of).collect();
    let mut by_path: BTreeMap<&[String], &HeldRow<'_>> = BTreeMap::new();
    for held in &held {
        let mut bad = |why: String| {
            findings.problem(inner, Some(&held.row.name), ProblemKind::BadRow(why));
        };
        if held.path.steps.len() < 2 {
            bad("it names no file".to_owned());
            continue;
        }
        let first: &&HeldRow<'_> = by_path.entry(&held.path.steps).or_insert(held);
        // Two rows of a domain with one name have been held against each other in all that they say.
        let is_told = first.row.name == held.row.name && !first.row.internal && !held.row.internal;
        if first.hash != held.hash && !is_told {
            let first = &first.row.name;
            bad(format!(
                "it leads to the place of another row, {first}, and has other bytes"
            ));
        }
        // Within one domain that has just been told.
        if held.row.internal && std::ptr::eq(*first, held) {
            let listed = firmware.0.entry(held.path.steps.clone());
            if listed.or_insert_with(|| held.hash.to_owned()) != held.hash {
                bad("a file of the firmware, and another domain lists it with other bytes".to_owned());
            }
        }
        if held.path.climbs_out {
            findings.warn(&format!(
                "{}{} leads out of its folder on the gateway",
                place(inner),
                held.row.name
            ));
        }
    }
    // What stands below a path sorts right behind it.
    let sorted: Vec<_> = by_path.iter().collect();
    for pair in sorted.windows(2) {
        let [(file, first), (path, below)] = pair else {
            continue;
        };
        if path.starts_with(file) {
            let why = format!("it leads to a place below a file, {}", first.row.name);
            findings.problem(inner, Some(&below.row.name), ProblemKind::BadRow(why));
        }
    }
    for held in held.iter().filter(|held| !held.row.internal) {
        held.look_at_entry(&by_path, inner, findings);
    }
}

impl<'r> HeldRow<'r> {
    fn of(row: &'r ListedFile) -> Option<HeldRow<'r>> {
        match row.form() {
            RowForm::Hashed(hash) => Some(HeldRow {
                row,
                hash,
                path: GatewayPath::of(&row.name),
            }),
            RowForm::Key | RowForm::Missing | RowForm::Unproved => None,
        }
    }

    /// Whether who unpacks the archive finds at the place of this file, and at that of every other,
    /// what the gateway would take for it.
    fn look_at_entry(
        &self,
        by_path: &BTreeMap<&[String], &HeldRow<'_>>,
        inner: Option<&str>,
        findings: &mut Problems,
    ) {
        let src = self.row.src.as_deref().unwrap_or_default();
        let entry: Vec<String> = steps(src).map(str::to_owned).collect();
        if let Some(other) = by_path.get(entry.as_slice())
            && other.hash != self.hash
            && !other.row.internal
        {
            let why = format!("its src is the place of another row, {}", other.row.name);
            findings.problem(inner, Some(&self.row.name), ProblemKind::BadRow(why));
            return;
        }
        let is_location = |path: &[String]| path.first().is_some_and(|first| LOCATIONS.contains(&&**first));
        // One without the first folders of its name says less, and nothing else.
        let is_its_place = plain(&self.path.steps).ends_with(&plain(&entry));
        if is_location(&entry) && is_location(&self.path.steps) && !is_its_place {
            findings.warn(&format!(
                "{}{} stands in the archive as {src}, which is the place of another file",
                place(inner),
                self.row.name
            ));
        }
    }
}

impl GatewayPath {
    fn of(name: &str) -> GatewayPath {
        let (location, path) = name.split_once(':').unwrap_or(("", name));
        let mut path_steps = vec![location.to_ascii_lowercase()];
        let mut climbs_out = false;
        for step in steps(path) {
            match step {
                ".." if path_steps.len() < 2 => climbs_out = true,
                ".." => drop(path_steps.pop()),
                step => path_steps.push(step.to_owned()),
            }
        }
        GatewayPath {
            steps: path_steps,
            climbs_out,
        }
    }
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|step| !matches!(*step, "" | "."))
}

/// A path without what a firmware may write in two ways: whatever is no letter or digit of ASCII, and
/// may be percent-encoded.
fn plain(steps: &[String]) -> String {
    let path = steps.join("/");
    let mut plain = String::with_capacity(path.len() + 1);
    plain.push('/');
    let mut rest = path.as_str();
    while let Some(c) = rest.chars().next() {
        let is_code = c == '%'
            && rest
                .get(1..3)
                .is_some_and(|code| u8::from_str_radix(code, 16).is_ok());
        rest = &rest[if is_code { 3 } else { c.len_utf8() }..];
        if c == '/' || c.is_ascii_alphanumeric() {
            plain.push(c.to_ascii_lowercase());
        }
    }
    plain
}

fn place(inner: Option<&str>) -> String {
    inner.map(|inner| format!("{inner}: ")).unwrap_or_default()
}

#[cfg(test)]
#[path = "row_places_tests.rs"]
mod tests;
