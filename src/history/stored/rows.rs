//! From rows of the file to data.

use std::path::Path;

use rusqlite::Row;

use crate::history::place::{self, WrittenPlace};
use crate::history::value::{count, optional, optional_count, text};
use crate::history::view::file::{FailedFileRow, FileId, FileRow};
use crate::history::view::target::{GoodBackup, TargetRow};
use crate::run::event::TaskId;

/// How a file is read whose place was written down for this store.
pub(super) fn file_row(store: Option<&Path>) -> impl Fn(&Row<'_>) -> rusqlite::Result<FileRow> {
    move |row| {
        let written = WrittenPlace {
            path: row.get("path")?,
            store: row.get("store")?,
        };
        Ok(FileRow {
            id: FileId(row.get("id")?),
            task: TaskId(row.get("task_execution_id")?),
            device_name: row.get("device_name")?,
            domain_name: row.get("domain_name")?,
            name: row.get("name")?,
            kind: text(row, "kind")?,
            size: count(row, "size")?,
            sha256: row.get("sha256")?,
            unchanged_since: row.get::<_, Option<i64>>("unchanged_since")?.map(TaskId),
            path: place::found(store, &written),
            kept: row.get("kept")?,
            entries: optional_count(row, "entries")?,
            objects: optional_count(row, "objects")?,
            content: row.get("content")?,
            proof: text(row, "proof")?,
            lacks: optional(row, "lacks")?,
            changes: optional_count(row, "changes")?,
            time: text(row, "time")?,
            removal_time: optional(row, "removal_time")?,
            pruned_time: optional(row, "pruned_time")?,
            damage: row.get("damage")?,
            damage_time: optional(row, "damage_time")?,
        })
    }
}

pub(super) fn failed_file_row(row: &Row<'_>) -> rusqlite::Result<FailedFileRow> {
    Ok(FailedFileRow {
        name: row.get("name")?,
        error_message: row.get("error_message")?,
        time: text(row, "time")?,
    })
}

pub(super) fn target_row(row: &Row<'_>) -> rusqlite::Result<TargetRow> {
    let good = match row.get::<_, Option<i64>>(6)? {
        None => None,
        Some(task) => Some(GoodBackup {
            task: TaskId(task),
            time: text(row, 7)?,
            size: count(row, 8)?,
        }),
    };
    Ok(TargetRow {
        device_name: row.get(0)?,
        domain_name: row.get(1)?,
        is_pattern: row.get(9)?,
        kind: text(row, 2)?,
        last_task: TaskId(row.get(3)?),
        last_status: text(row, 4)?,
        last_time: text(row, 5)?,
        good,
    })
}
