//! What changed, and since when everything is as it is: as table, JSON and CSV.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::history::ChangeRow;
use crate::report::csv;
use crate::report::fields::{self, Field, class_and_name, file, object};
use crate::report::grid::CellKind;
use crate::report::json;
use crate::report::table::{self, Column};
use crate::report::written::{Layout, shown};
use crate::run::event::{FileKind, TaskId};
use crate::values::change::ConfigPiece;
use crate::values::clock_time::on_clock;
use crate::values::text::visible;

/// A piece of a configuration, and since when it is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlameRow {
    pub piece: ConfigPiece,
    pub since: Timestamp,
    /// The task that found it so first.
    pub task: TaskId,
    /// What became of it then; nothing where it is as it is at least since then, and perhaps
    /// for longer.
    pub change: Option<&'static str>,
}

const CHANGES: &[Column<ChangeRow>] = &[
    ("Time", CellKind::Time, |row, zone| on_clock(row.time, zone)),
    ("Device", CellKind::Name, |row, _| shown(&row.device_name)),
    ("Domain", CellKind::Name, |row, _| {
        visible(&row.change.domain).into_owned()
    }),
    ("Object", CellKind::Name, |row, _| {
        visible(&row.change.piece.to_string()).into_owned()
    }),
    ("Change", CellKind::Word, |row, _| {
        row.change.change.word().to_owned()
    }),
    ("Description", CellKind::Message, |row, _| {
        let mark = if is_running(row) { "(what runs) " } else { "" };
        format!("{mark}{}", visible(&row.change.description))
            .trim_end()
            .to_owned()
    }),
    ("Task", CellKind::Number, |row, _| row.task.0.to_string()),
];

const BLAME: &[Column<BlameRow>] = &[
    ("Since", CellKind::Time, |row, zone| on_clock(row.since, zone)),
    ("Object", CellKind::Message, |row, _| {
        visible(&row.piece.to_string()).into_owned()
    }),
    ("Change", CellKind::Word, |row, _| {
        row.change.unwrap_or("or longer").to_owned()
    }),
    ("Task", CellKind::Number, |row, _| row.task.0.to_string()),
];

const BLAME_FIELDS: &[Field<BlameRow>] = &[
    ("since", |row, zone| fields::time(row.since, zone)),
    ("object", |row, _| object(&row.piece)),
    ("file", |row, _| file(&row.piece)),
    ("change", |row, _| json!(row.change)),
    ("task", |row, _| json!(row.task.0)),
    ("class", |row, _| class_and_name(&row.piece).0),
    ("name", |row, _| class_and_name(&row.piece).1),
];

/// Changes as a table.
pub fn changes_table(rows: &[ChangeRow], layout: &Layout) -> String {
    table::table(rows, CHANGES, layout)
}

/// Changes as one JSON document.
pub fn changes_json(rows: &[ChangeRow], zone: &TimeZone) -> String {
    json::list("changes", rows, fields::CHANGE, zone)
}

/// Changes for spreadsheets.
pub fn changes_csv(rows: &[ChangeRow], zone: &TimeZone) -> String {
    csv::lines(rows, fields::CHANGE, zone)
}

/// Since when everything is as it is, as a table.
pub fn blame_table(rows: &[BlameRow], layout: &Layout) -> String {
    table::table(rows, BLAME, layout)
}

/// The same as one JSON document.
pub fn blame_json(rows: &[BlameRow], zone: &TimeZone) -> String {
    json::list("pieces", rows, BLAME_FIELDS, zone)
}

/// The same for spreadsheets.
pub fn blame_csv(rows: &[BlameRow], zone: &TimeZone) -> String {
    csv::lines(rows, BLAME_FIELDS, zone)
}

fn is_running(row: &ChangeRow) -> bool {
    row.kind == FileKind::NonPersisted
}
