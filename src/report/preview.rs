//! What a run would do, as a table or a document.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::report::grid::{CellKind, blocks, broken_after, fitted, natural_width};
use crate::report::json;
use crate::run::event::{ALL_DOMAINS, ActionKind};
use crate::run::status::Status;
use crate::values::text::{hanging, printable};

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// The domain that no gateway quiesces.
const DEFAULT_DOMAIN: &str = "default";

/// The tasks of a plan as they would run.
#[derive(Debug, Serialize)]
pub struct Preview<'p> {
    pub plan: &'p str,
    /// Why the plan would not start, if it would not.
    pub refused: Vec<String>,
    /// Whether that is because another run of it is at work.
    #[serde(skip)]
    pub is_locked: bool,
    /// What has no task and should be known.
    pub notes: Vec<String>,
    /// Its tasks, in their order.
    pub tasks: Vec<PreviewTask>,
}

/// One of them.
#[derive(Debug, Serialize)]
pub struct PreviewTask {
    /// Counted from 1.
    pub position: usize,
    /// What it would do.
    #[serde(serialize_with = "code")]
    pub action: ActionKind,
    /// The device, or the raw pattern where none matched.
    pub device_name: String,
    /// The domain, or the raw pattern where it was not expanded.
    pub domain_name: String,
    /// Whether its activity asks for a quiesce.
    pub quiesce: bool,
    /// Whether it would run.
    pub verdict: PreviewVerdict,
    /// Why it would not run.
    pub reason: Option<String>,
    /// Where its file, or its folder, would go.
    pub path: Option<PathBuf>,
}

/// What would become of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewVerdict {
    /// It would run.
    Runs,
    /// It would not, and end with this.
    Settled(Status),
}

impl fmt::Display for PreviewVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs => f.write_str("RUN"),
            Self::Settled(status) => status.fmt(f),
        }
    }
}

impl Serialize for PreviewVerdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Debug, Serialize)]
struct PreviewDocument<'p> {
    plans: &'p [Preview<'p>],
}

fn code<S: Serializer>(action: &ActionKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(action.code())
}

/// One document.
pub fn document(plans: &[Preview<'_>]) -> String {
    json::document(SCHEMA_VERSION, &PreviewDocument { plans })
}

const COLUMNS: [(&str, CellKind); 6] = [
    ("#", CellKind::Number),
    ("Action", CellKind::Time),
    ("Device", CellKind::Name),
    ("Domain", CellKind::Name),
    ("Quiesce", CellKind::Word),
    ("What would happen", CellKind::Message),
];

/// A table for each plan, within the columns of a terminal. Paths begin at the store, which is
/// named once.
pub fn table(plans: &[Preview<'_>], store: &Path, width: Option<u16>) -> String {
    let mut text = String::new();
    for plan in plans {
        text.push_str(&format!("Plan {}\n", printable(plan.plan)));
        let refused = plan
            .refused
            .iter()
            .map(|why| format!("would not start now: {why}"));
        let notes = plan.notes.iter().map(|note| format!("note: {note}"));
        for line in refused.chain(notes) {
            text.push_str(&format!("  {}\n", hanging(&printable(&line), 2, width)));
        }
        if plan.tasks.iter().any(|task| task.path.is_some()) {
            text.push_str(&format!("  below {}\n", printable(&store.to_string_lossy())));
        }
        let (titles, kinds): (Vec<String>, Vec<CellKind>) = COLUMNS
            .into_iter()
            .map(|(title, kind)| (title.to_owned(), kind))
            .unzip();
        let mut rows = vec![titles];
        rows.extend(plan.tasks.iter().map(|task| cells(task, store)));
        if !plan.tasks.is_empty() {
            match width.filter(|width| natural_width(&rows) > usize::from(*width)) {
                Some(width) => text.push_str(&two_lines(&rows, &kinds, width)),
                None => text.push_str(&fitted(&rows, &kinds, None)),
            }
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// What would happen stands on a line of its own, where a terminal is too narrow for a path beside the rest: a path
/// that is broken in the middle of a name cannot be read.
fn two_lines(rows: &[Vec<String>], kinds: &[CellKind], width: u16) -> String {
    let parted: Vec<(&str, &[String])> = rows
        .iter()
        .filter_map(|row| row.split_last())
        .map(|(what, rest)| (what.as_str(), rest))
        .collect();
    let rest: Vec<Vec<String>> = parted.iter().map(|(_, rest)| rest.to_vec()).collect();
    if natural_width(&rest) > usize::from(width) {
        return blocks(rows, Some(width));
    }
    let columns = kinds.split_last().map_or(kinds, |(_, columns)| columns);
    let room = usize::from(width).saturating_sub(INDENT);
    let whats = parted.iter().map(|(what, _)| match what.contains(' ') {
        true => hanging(what, INDENT, Some(width)),
        false => broken_after(what, &['/'], room).replace('\n', &format!("\n{:INDENT$}", "")),
    });
    fitted(&rest, columns, None)
        .lines()
        .zip(whats)
        .map(|(line, what)| format!("{line}\n{:INDENT$}{what}\n", ""))
        .collect()
}

/// So far what would happen stands from the edge.
const INDENT: usize = 3;

fn cells(task: &PreviewTask, store: &Path) -> Vec<String> {
    let what = match (&task.path, &task.reason) {
        (Some(path), _) => path
            .strip_prefix(store)
            .unwrap_or(path)
            .to_string_lossy()
            .into_owned(),
        (None, Some(reason)) => format!("{}: {reason}", task.verdict),
        (None, None) => task.verdict.to_string(),
    };
    let quiesce = match (task.quiesce, task.domain_name.as_str()) {
        (true, DEFAULT_DOMAIN) | (false, _) => "no",
        (true, ALL_DOMAINS) => "device",
        (true, _) => "domain",
    };
    let action = match task.action {
        ActionKind::SecureBackup => "secure backup",
        ActionKind::ExportDomain => "export",
        ActionKind::RestoreDomain => "restore",
    };
    vec![
        task.position.to_string(),
        action.to_owned(),
        printable(&task.device_name).into_owned(),
        printable(&task.domain_name).into_owned(),
        quiesce.to_owned(),
        printable(&what).into_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview() -> Preview<'static> {
        let task = |position, domain: &str, path: Option<&str>| PreviewTask {
            position,
            action: ActionKind::ExportDomain,
            device_name: "QA-device1".to_owned(),
            domain_name: domain.to_owned(),
            quiesce: true,
            verdict: path.map_or(PreviewVerdict::Settled(Status::SkippedApicDomain), |_| {
                PreviewVerdict::Runs
            }),
            reason: path
                .is_none()
                .then(|| "it belongs to API Connect, which restores it itself".to_owned()),
            path: path.map(PathBuf::from),
        };
        Preview {
            plan: "Nightly",
            refused: vec!["PLAN_IS_DISABLED".to_owned()],
            is_locked: false,
            notes: Vec::new(),
            tasks: vec![
                task(
                    1,
                    "SALES",
                    Some(
                        "/backup/datapower/QA-device1/domain/SALES/SALES-export-2026-11-22-08-30-12-345-persisted.zip",
                    ),
                ),
                task(
                    2,
                    "default",
                    Some(
                        "/backup/datapower/QA-device1/domain/default/default-export-2026-11-22-08-30-12-345-persisted.zip",
                    ),
                ),
                task(3, "APIC", None),
            ],
        }
    }

    #[test]
    fn in_a_pipe_each_task_is_one_line_and_nothing_is_cut() {
        insta::assert_snapshot!(table(&[preview()], Path::new("/backup/datapower"), None));
    }

    #[test]
    fn at_80_columns_it_can_be_read() {
        let text = table(&[preview()], Path::new("/backup/datapower"), Some(80));
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        insta::assert_snapshot!(text);
    }
}
