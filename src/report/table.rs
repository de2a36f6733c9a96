//! Views as tables, for people: which columns there are, and what else a view says. How
//! columns fit into a terminal is decided in `grid`.

use jiff::tz::TimeZone;

use crate::history::{ActivityRow, FileRow, PlanRow, RehearsalRow, TaskDetails, TaskRow};
use crate::report::View;
use crate::report::changed::{changed, unsaved};
use crate::report::execution;
use crate::report::grid::{CellKind, blocks, fitted, labelled, natural_width};
use crate::report::rehearse::keys;
use crate::report::written::{duration, folded, remarks, shown, zone_name};
use crate::values::clock_time::on_clock;

pub use crate::report::written::Layout;

use crate::values::size::Bytes;

/// The view as text, with a line break at its end.
pub fn render(view: &View<'_>, layout: &Layout) -> String {
    match view {
        View::PlanExecutions { rows: [], filter } if filter.narrows() => {
            "No plan execution is like that.\n".to_owned()
        }
        View::PlanExecutions { rows: [], .. } => "No plan executions recorded yet.\n".to_owned(),
        View::ActivityExecutions { rows, notes, scripts } => {
            let mut text = activities(rows, layout);
            append(
                &mut text,
                &folded(&remarks(&[], notes, scripts, "plan"), layout.width),
            );
            text
        }
        View::TaskExecutions([]) => "No tasks: the activity execution was not expanded.\n".to_owned(),
        View::PlanExecutions { rows, .. } => table(rows, PLAN_EXECUTION, layout),
        View::Whole(whole) => execution::whole(whole, layout),
        View::TaskExecutions(rows) => table(rows, TASK_EXECUTION, layout),
        View::Files(details) => files(details, layout),
    }
}

/// A title, what the column holds, and how its text is read from a row.
pub(super) type Column<R> = (&'static str, CellKind, fn(&R, &TimeZone) -> String);

pub(super) const PLAN_EXECUTION: &[Column<PlanRow>] = &[
    ("ID", CellKind::Number, |row, _| row.id.0.to_string()),
    ("Start Time", CellKind::Time, |row, zone| {
        on_clock(row.start_time, zone)
    }),
    ("Duration", CellKind::Time, |row, _| duration(row.took())),
    ("Plan", CellKind::Name, |row, _| shown(&row.plan)),
    ("Devices", CellKind::Number, |row, _| row.devices.to_string()),
    ("Domains", CellKind::Number, |row, _| row.domains.to_string()),
    ("Status", CellKind::Code, |row, _| row.status.to_string()),
    ("Error Message", CellKind::Message, |row, _| {
        optional(row.error_message.as_deref())
    }),
];

pub(super) const ACTIVITY_EXECUTION: &[Column<ActivityRow>] = &[
    ("ID", CellKind::Number, |row, _| row.id.0.to_string()),
    ("Status Time", CellKind::Time, |row, zone| {
        on_clock(row.status_time, zone)
    }),
    ("Device Pattern", CellKind::Name, |row, _| {
        shown(&row.device_pattern)
    }),
    ("Domain Pattern", CellKind::Name, |row, _| {
        shown(&row.domain_pattern)
    }),
    ("Action", CellKind::Word, |row, _| row.action.code().to_owned()),
    ("Status", CellKind::Code, |row, _| row.status.to_string()),
    ("Successful Tasks", CellKind::Number, |row, _| {
        row.successful_tasks.to_string()
    }),
    ("Failed Tasks", CellKind::Number, |row, _| {
        row.failed_tasks.to_string()
    }),
    ("Skipped Tasks", CellKind::Number, |row, _| {
        row.skipped_tasks.to_string()
    }),
];

pub(super) const TASK_EXECUTION: &[Column<TaskRow>] = &[
    ("ID", CellKind::Number, |row, _| row.id.0.to_string()),
    ("Status Time", CellKind::Time, |row, zone| {
        on_clock(row.status_time, zone)
    }),
    ("Device Name", CellKind::Name, |row, _| shown(&row.device_name)),
    ("Domain Name", CellKind::Name, |row, _| shown(&row.domain_name)),
    ("Files D/L", CellKind::Number, |row, _| {
        row.files_downloaded.to_string()
    }),
    ("D/L Errors", CellKind::Number, |row, _| {
        row.download_errors.to_string()
    }),
    ("Status", CellKind::Code, |row, _| row.status.to_string()),
    ("Error Message", CellKind::Message, |row, _| {
        optional(row.error_message.as_deref())
    }),
];

pub(super) const FILE: &[Column<FileRow>] = &[
    ("Name", CellKind::Name, |row, _| shown(&row.name)),
    ("Kind", CellKind::Code, |row, _| row.kind.code().to_owned()),
    ("Size", CellKind::Number, |row, _| Bytes(row.size).to_string()),
    ("SHA-256", CellKind::Code, |row, _| row.sha256.clone()),
    // A file is recorded only after it was verified, as far as that could be; whoever reads it later may find otherwise.
    ("Verified", CellKind::Word, |row, _| match row.damage {
        Some(_) => "not any more".to_owned(),
        None => row.proof.limit().unwrap_or("yes").to_owned(),
    }),
    ("Unchanged Since", CellKind::Number, |row, _| {
        match row.unchanged_since {
            Some(task) => format!("task {}", task.0),
            None => "-".to_owned(),
        }
    }),
    ("Path", CellKind::Message, |row, zone| match row.pruned_time {
        _ if !row.kept => "not kept".to_owned(),
        Some(pruned) => format!("removed {}", on_clock(pruned, zone)),
        None => shown(&row.path.to_string_lossy()),
    }),
];

fn optional(text: Option<&str>) -> String {
    text.map(shown).unwrap_or_default()
}

/// Rows as a table. The zone of times stands in the title of their column where there is room, and
/// above the table where there is none.
pub(super) fn table<R>(rows: &[R], columns: &[Column<R>], layout: &Layout) -> String {
    let mut cells = texts(rows, columns, &layout.zone);
    let kinds: Vec<CellKind> = columns.iter().map(|(_, kind, _)| *kind).collect();
    let Some(moment) = columns
        .iter()
        .position(|(title, kind, _)| is_moment(title, *kind))
    else {
        return fitted(&cells, &kinds, layout.width);
    };
    let zone = zone_name(&layout.zone);
    let plain = cells.clone();
    if let Some(title) = cells.first_mut().and_then(|titles| titles.get_mut(moment)) {
        title.push_str(&format!(" ({zone})"));
    }
    match layout.width.map(usize::from) {
        Some(width) if natural_width(&cells) > width => {
            format!("Times are in {zone}.\n\n{}", fitted(&plain, &kinds, layout.width))
        }
        _ => fitted(&cells, &kinds, layout.width),
    }
}

/// Whether a column holds moments, and not how long something took.
fn is_moment(title: &str, kind: CellKind) -> bool {
    kind == CellKind::Time && title != "Duration"
}

/// The titles, then the rows.
fn texts<R>(rows: &[R], columns: &[Column<R>], zone: &TimeZone) -> Vec<Vec<String>> {
    let titles = columns.iter().map(|(title, _, _)| (*title).to_owned()).collect();
    let rows = rows
        .iter()
        .map(|row| columns.iter().map(|(_, _, text)| text(row, zone)).collect());
    std::iter::once(titles).chain(rows).collect()
}

fn activities(rows: &[ActivityRow], layout: &Layout) -> String {
    match rows {
        [] => "No activities: the plan execution ended before they were expanded.\n".to_owned(),
        rows => table(rows, ACTIVITY_EXECUTION, layout),
    }
}

fn files(details: &TaskDetails, layout: &Layout) -> String {
    let mut text = facts(details, layout);
    if details.files.is_empty() {
        text.push_str("\nNo files.\n");
    } else {
        let cells = texts(&details.files, FILE, &layout.zone);
        match layout.width.map(usize::from) {
            Some(width) if natural_width(&cells) > width => {
                text.push('\n');
                // Hashes and paths stay whole, to be copied.
                text.push_str(&blocks(&cells, None));
            }
            _ => {
                text.push('\n');
                text.push_str(&table(&details.files, FILE, layout));
            }
        }
    }
    for file in &details.files {
        let lines = changed(details, file, &layout.invocation);
        append(&mut text, &folded(&lines.join("\n"), layout.width));
    }
    let rehearsals = rehearsals(&details.rehearsals, &layout.zone);
    append(&mut text, &folded(&rehearsals, layout.width));
    let (failed, notes, scripts) = (&details.failed_files, &details.notes, &details.scripts);
    let remarks = remarks(failed, notes, scripts, "task");
    append(&mut text, &folded(&remarks, layout.width));
    text
}

/// What spare devices said to what the task stored, newest first.
fn rehearsals(rows: &[RehearsalRow], zone: &TimeZone) -> String {
    let line = |row: &RehearsalRow| {
        let when = on_clock(row.end_time.unwrap_or(row.start_time), zone);
        let firmware = row
            .firmware_version
            .as_deref()
            .map_or_else(String::new, |firmware| format!(" ({firmware})"));
        let mut line = format!(
            "Rehearsed {when} on {}{}: {}; {}",
            shown(&row.spare_name),
            shown(&firmware),
            row.result.verdict.words(),
            row.result.proof.words(),
        );
        for refused in &row.result.refused {
            line.push_str(&format!("; refused: {}", shown(refused)));
        }
        if let Some(message) = &row.result.message {
            line.push_str(&format!("; {}", shown(message)));
        }
        if !row.result.missing_keys.is_empty() {
            line.push_str(&format!(
                "; keys that it needs from elsewhere: {}",
                keys(&row.result.missing_keys)
            ));
        }
        line.push('\n');
        line
    };
    rows.iter().rev().map(line).collect()
}

/// Sets remarks, if there are any, below a text.
fn append(text: &mut String, remarks: &str) {
    if !remarks.is_empty() {
        text.push('\n');
        text.push_str(remarks);
    }
}

/// Whose files they are, and what the device said about itself.
fn facts(details: &TaskDetails, layout: &Layout) -> String {
    let zone = &layout.zone;
    let task = &details.task;
    let facts = &task.facts;
    let fact = |fact: &Option<String>| fact.as_deref().map_or("-".to_owned(), shown);
    let unsaved = unsaved(details).unwrap_or_else(|| match task.unsaved_changes {
        Some(_) => "no".to_owned(),
        None => "-".to_owned(),
    });
    let out_of_service = task.out_of_service.map(|lasted| lasted.to_string());
    let mut lines = vec![
        ("Task", task.id.0.to_string()),
        (
            "Status Time",
            format!("{} ({})", on_clock(task.status_time, zone), zone_name(zone)),
        ),
        ("Device Name", shown(&task.device_name)),
        ("Domain Name", shown(&task.domain_name)),
        ("Status", task.status.to_string()),
    ];
    if let Some(error) = &task.error_message {
        lines.push(("Error Message", shown(error)));
    }
    lines.extend([
        ("Firmware Version", fact(&facts.firmware_version)),
        ("Build", fact(&facts.build)),
        ("Build Date", fact(&facts.build_date)),
        ("Serial", fact(&facts.serial)),
        ("Machine Type", fact(&facts.machine_type)),
        ("Model Type", fact(&facts.model_type)),
        ("TLS Trust", fact(&facts.tls_trust)),
        ("Unsaved Changes", unsaved),
        ("Out Of Service", out_of_service.unwrap_or_else(|| "-".to_owned())),
    ]);
    if let Some(certificate) = &task.certificate {
        lines.push(("Encrypted For", shown(&certificate.words())));
    }
    labelled(lines, layout.width)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
