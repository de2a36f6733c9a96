//! Views as one JSON document each, for programs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::history::{
    ActivityRow, ChangeRow, FailedFileRow, FileRow, NoteRow, PlanRow, RehearsalRow, TaskDetails, TaskRow,
};
use crate::report::View;
use crate::report::fields::{self, Field};
use crate::run::event::ScriptRun;
use crate::values::change::ConfigChangeObject;
use crate::values::json_text::json_page;
use crate::values::text::printable_json;

/// Grows when a key goes away or changes its meaning, and not when one is added.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// The document, with a line break at its end. Times have the offset of the zone.
pub fn render(view: &View<'_>, zone: &TimeZone) -> String {
    match view {
        View::PlanExecutions { rows, .. } => list("plan_executions", rows, fields::PLAN_EXECUTION, zone),
        View::ActivityExecutions { rows, notes, scripts } => document(
            SCHEMA_VERSION,
            &ActivityExecutions {
                activity_executions: objects(rows, fields::ACTIVITY_EXECUTION, zone),
                notes: objects(notes, fields::NOTE, zone),
                scripts: objects(scripts, fields::SCRIPT, zone),
            },
        ),
        View::TaskExecutions(rows) => list("task_executions", rows, fields::TASK_EXECUTION, zone),
        View::Whole(whole) => document(
            SCHEMA_VERSION,
            &Whole {
                plan_execution: RowObject {
                    row: whole.plan,
                    fields: fields::PLAN_EXECUTION,
                    zone,
                },
                notes: objects(whole.notes, fields::NOTE, zone),
                scripts: objects(whole.scripts, fields::SCRIPT, zone),
                task_executions: whole.tasks.iter().map(|task| task_object(task, zone)).collect(),
            },
        ),
        View::Files(details) => document(
            SCHEMA_VERSION,
            &Files {
                task_execution: RowObject {
                    row: &details.task,
                    fields: fields::TASK_EXECUTION,
                    zone,
                },
                files: objects(&details.files, fields::FILE, zone),
                changes: objects(&details.changes, fields::CHANGE, zone),
                unsaved: unsaved(details),
                failed_files: objects(&details.failed_files, fields::FAILED_FILE, zone),
                notes: objects(&details.notes, fields::NOTE, zone),
                scripts: objects(&details.scripts, fields::SCRIPT, zone),
                rehearsals: objects(&details.rehearsals, fields::REHEARSAL, zone),
            },
        ),
    }
}

#[derive(Serialize)]
struct ActivityExecutions<'a> {
    activity_executions: Vec<RowObject<'a, ActivityRow>>,
    notes: Vec<RowObject<'a, NoteRow>>,
    scripts: Vec<RowObject<'a, ScriptRun>>,
}

#[derive(Serialize)]
struct Whole<'a> {
    plan_execution: RowObject<'a, PlanRow>,
    notes: Vec<RowObject<'a, NoteRow>>,
    scripts: Vec<RowObject<'a, ScriptRun>>,
    task_executions: Vec<WholeTaskObject<'a>>,
}

/// A row of a task, and what belongs to it.
#[derive(Serialize)]
struct WholeTaskObject<'a> {
    #[serde(flatten)]
    row: RowObject<'a, TaskRow>,
    begin_time: Value,
    duration_seconds: Value,
    files: Vec<RowObject<'a, FileRow>>,
    changes: Vec<RowObject<'a, ChangeRow>>,
    unsaved: Option<Vec<ConfigChangeObject<'a>>>,
    failed_files: Vec<RowObject<'a, FailedFileRow>>,
    notes: Vec<RowObject<'a, NoteRow>>,
    scripts: Vec<RowObject<'a, ScriptRun>>,
}

fn task_object<'a>(
    (details, began): &'a (TaskDetails, Option<Timestamp>),
    zone: &'a TimeZone,
) -> WholeTaskObject<'a> {
    WholeTaskObject {
        row: RowObject {
            row: &details.task,
            fields: fields::TASK_EXECUTION,
            zone,
        },
        begin_time: fields::optional_time(*began, zone),
        duration_seconds: fields::duration(details.task.took(*began)),
        files: objects(&details.files, fields::FILE, zone),
        changes: objects(&details.changes, fields::CHANGE, zone),
        unsaved: unsaved(details),
        failed_files: objects(&details.failed_files, fields::FAILED_FILE, zone),
        notes: objects(&details.notes, fields::NOTE, zone),
        scripts: objects(&details.scripts, fields::SCRIPT, zone),
    }
}

/// What a task found that was not saved; null where that is not known, or nobody looked.
fn unsaved(details: &TaskDetails) -> Option<Vec<ConfigChangeObject<'_>>> {
    let unsaved = details.unsaved.as_ref()?;
    Some(unsaved.first.iter().map(ConfigChangeObject::of).collect())
}

#[derive(Serialize)]
struct Files<'a> {
    task_execution: RowObject<'a, TaskRow>,
    files: Vec<RowObject<'a, FileRow>>,
    changes: Vec<RowObject<'a, ChangeRow>>,
    unsaved: Option<Vec<ConfigChangeObject<'a>>>,
    failed_files: Vec<RowObject<'a, FailedFileRow>>,
    notes: Vec<RowObject<'a, NoteRow>>,
    scripts: Vec<RowObject<'a, ScriptRun>>,
    rehearsals: Vec<RowObject<'a, RehearsalRow>>,
}

/// A row as an object with its keys in the order of the fields.
pub(super) struct RowObject<'a, R> {
    row: &'a R,
    fields: &'a [Field<R>],
    zone: &'a TimeZone,
}

impl<R> Serialize for RowObject<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.fields
                .iter()
                .map(|(key, value)| (key, value(self.row, self.zone))),
        )
    }
}

pub(super) fn objects<'a, R>(
    rows: &'a [R],
    fields: &'a [Field<R>],
    zone: &'a TimeZone,
) -> Vec<RowObject<'a, R>> {
    rows.iter().map(|row| RowObject { row, fields, zone }).collect()
}

/// A document that is these rows and nothing else.
pub(super) fn list<R>(key: &'static str, rows: &[R], fields: &[Field<R>], zone: &TimeZone) -> String {
    document(
        SCHEMA_VERSION,
        &BTreeMap::from([(key, objects(rows, fields, zone))]),
    )
}

/// A document, behind the version of its form, with a line break at its end; nothing in it disturbs a terminal.
pub(super) fn document(schema_version: u32, body: &impl Serialize) -> String {
    let document = Versioned { schema_version, body };
    printable_json(&json_page(&document)) + "\n"
}

#[derive(Serialize)]
struct Versioned<'b, B> {
    schema_version: u32,
    #[serde(flatten)]
    body: &'b B,
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
