//! The four levels of history: plan executions, their activities, tasks and files.

use maud::{Markup, html};

use crate::history::{ActivityRow, FileRow, NoteLevel, NoteRow, PlanRow, TaskDetails, TaskRow};
use crate::report::grid::CellKind;
use crate::report::page::content::{ExecutionDetails, ReportPage};
use crate::report::page::parts::{Section, time};
use crate::report::table::{ACTIVITY_EXECUTION, Column, FILE, PLAN_EXECUTION, TASK_EXECUTION};
use crate::report::written::duration;
use crate::run::event::{ScriptMoment, ScriptRun};
use crate::run::status::{Class, Status};
use crate::values::certificate_facts::CertificateFacts;
use crate::values::text::printable;

/// So many plan executions have a line of their own.
const MOST_EXECUTIONS: usize = 1_500;

/// Every plan execution, and the newest in full.
pub(super) fn executions(page: &ReportPage<'_>) -> Section {
    let rows = page.executions;
    let shown = rows.get(..MOST_EXECUTIONS).unwrap_or(rows);
    let is_detailed = |row: &PlanRow| page.details.iter().any(|details| details.plan.id == row.id);
    let body = html! {
        @if rows.is_empty() {
            p { "No plan execution is recorded in this time." }
        } @else {
            (table(page, "Plan executions, newest first", "runs-title", PLAN_EXECUTION, shown, &|row| {
                is_detailed(row).then(|| format!("#execution-{}", row.id.0))
            }))
            @if rows.len() > shown.len() {
                p { (rows.len() - shown.len()) " older ones are left out here: " code { (page.command(["history", "-n", "1000000"])) } " has them all." }
            }
            h3 { "In full" }
            @if page.details.len() < rows.len() {
                p { "The newest " (page.details.len()) "; of older ones " code { (page.command(["history", "activities", "ID"])) } " has the rest." }
            }
            @for details in page.details { (execution(page, details)) }
        }
    };
    Section {
        id: "runs",
        title: "Every run",
        body,
    }
}

fn execution(page: &ReportPage<'_>, details: &ExecutionDetails) -> Markup {
    let plan = &details.plan;
    let id = format!("execution-{}", plan.id.0);
    let title = format!("{id}-title");
    let left_out = usize::try_from(details.all_tasks)
        .unwrap_or(usize::MAX)
        .saturating_sub(details.tasks.len());
    let rows: Vec<TaskRow> = details.tasks.iter().map(|task| task.task.clone()).collect();
    html! {
        details {
            summary id=(title) {
                time datetime=(plan.start_time.to_string()) { (time(page, plan.start_time)) }
                b { (plan.id.0) " " (printable(&plan.plan)) }
                (status(plan.status))
                @if let Some(took) = plan.took() { span { (duration(Some(took))) } }
            }
            div id=(id) {
                @if let Some(error) = &plan.error_message { p { (printable(error)) } }
                @if details.activities.is_empty() {
                    p { "It ended before its activities were expanded." }
                } @else {
                    (table(page, "Activities", &title, ACTIVITY_EXECUTION, &details.activities, &|_: &ActivityRow| None))
                }
                @if !rows.is_empty() {
                    (table(page, "Tasks, those first that did not succeed", &title, TASK_EXECUTION, &rows, &|row| {
                        Some(format!("#task-{}", row.id.0))
                    }))
                }
                @if left_out > 0 {
                    p { (left_out) " more tasks are left out here: " code { (page.command(["history", "tasks", "ID"])) } " has them all." }
                }
                (remarks(&details.notes, &details.scripts, "plan"))
                @for task in &details.tasks { (self::task(page, task)) }
            }
        }
    }
}

fn task(page: &ReportPage<'_>, details: &TaskDetails) -> Markup {
    let task = &details.task;
    let id = format!("task-{}", task.id.0);
    let title = format!("{id}-title");
    let facts = &task.facts;
    let certificate = task.certificate.as_ref().map(CertificateFacts::words);
    let named = [
        ("Firmware Version", &facts.firmware_version),
        ("Build", &facts.build),
        ("Build Date", &facts.build_date),
        ("Serial", &facts.serial),
        ("Machine Type", &facts.machine_type),
        ("Model Type", &facts.model_type),
        ("TLS Trust", &facts.tls_trust),
        ("Encrypted For", &certificate),
    ];
    let unsaved = match task.unsaved_changes {
        Some(true) => "yes",
        Some(false) => "no",
        // Nobody looked, or the device did not say.
        None => "not known",
    };
    html! {
        details {
            summary id=(title) {
                b { "Task " (task.id.0) }
                span { (printable(&task.device_name)) " " (printable(&task.domain_name)) }
                (status(task.status))
            }
            div id=(id) {
                @if let Some(error) = &task.error_message { p { (printable(error)) } }
                dl.facts {
                    @for (name, fact) in named {
                        @if let Some(fact) = fact { dt { (name) } dd { (printable(fact)) } }
                    }
                    dt { "Unsaved Changes" } dd { (unsaved) }
                }
                @if details.files.is_empty() {
                    p { "No files." }
                } @else {
                    (table(page, "Files", &title, FILE, &details.files, &|_: &FileRow| None))
                }
                @if !details.failed_files.is_empty() {
                    ul.notes {
                        @for file in &details.failed_files {
                            li { "D/L error: " (printable(&file.name)) ": " (printable(&file.error_message)) }
                        }
                    }
                }
                (remarks(&details.notes, &details.scripts, "task"))
            }
        }
    }
}

fn remarks(notes: &[NoteRow], scripts: &[ScriptRun], owner: &str) -> Markup {
    html! {
        @if !notes.is_empty() || !scripts.is_empty() {
            ul.notes {
                @for note in notes {
                    li {
                        @match note.level {
                            NoteLevel::Note => { "Note: " (printable(&note.message)) }
                            NoteLevel::Warning => { "Warning: " (printable(&note.message)) }
                            NoteLevel::StillQuiesced => strong { (printable(&note.message)) },
                        }
                    }
                }
                @for script in scripts {
                    li {
                        @match script.moment { ScriptMoment::Pre => "Pre-", ScriptMoment::Post => "Post-" }
                        (owner) " script " code { (printable(&script.path.to_string_lossy())) } ": "
                        (printable(&script.how()))
                    }
                }
            }
        }
    }
}

/// A status with its colour and its shape.
fn status(status: Status) -> Markup {
    html! { span class={ "st " (class(status)) } { (status.code()) } }
}

fn class(status: Status) -> &'static str {
    match status.class() {
        Class::Success => "good",
        Class::Warning => "warned",
        Class::Failed => "failed",
        Class::Skipped | Class::Cancelled | Class::Refused => "left",
        Class::Interim => "open",
    }
}

/// The columns that the tables at a terminal have, too.
fn table<R>(
    page: &ReportPage<'_>,
    caption: &str,
    title: &str,
    columns: &[Column<R>],
    rows: &[R],
    link: &dyn Fn(&R) -> Option<String>,
) -> Markup {
    html! {
        div.scroll role="group" tabindex="0" aria-label=(caption) aria-describedby=(title) {
            table.stack {
                caption { (caption) }
                thead { tr { @for (title, kind, _) in columns { th.r[*kind == CellKind::Number] scope="col" { (title) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @let to = link(row);
                            @for (index, (title, kind, text)) in columns.iter().enumerate() {
                                @let text = text(row, &page.zone);
                                @match (index, &to) {
                                    (0, to) => th scope="row" class=[cell_class(title, *kind)] data-l=(title) {
                                        @match to { Some(to) => a href=(to) { (text) }, None => (text) }
                                    },
                                    _ => td class=[cell_class(title, *kind)] data-l=(title) {
                                        @match text.parse::<Status>() {
                                            Ok(found) if *title == "Status" => (status(found)),
                                            _ => (text),
                                        }
                                    },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell_class(title: &str, kind: CellKind) -> Option<&'static str> {
    match kind {
        CellKind::Code if title == "SHA-256" => Some("hash"),
        CellKind::Number => Some("r"),
        CellKind::Time | CellKind::Code => Some("k"),
        CellKind::Message => Some("m"),
        CellKind::Name | CellKind::Word => None,
    }
}
