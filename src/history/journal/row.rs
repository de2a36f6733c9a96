//! A row of the journal, read as well as may be.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::Row;

use crate::history::value::text;
use crate::run::event::{JournalId, PlanId, TaskId, Undo};
use crate::run::ledger::{Address, ClosedUndo, JournalEntry, Reply};
use crate::values::boot_time::BootTime;

/// What is read of a row of [`ENTRIES`].
pub(super) const ENTRY_COLUMNS: &str =
    "journal.id, COALESCE(plan_execution_id, 0) AS plan_execution_id, task_execution_id, journal.device_name,
         undo, argument, process, opened_time, host, port, journal.serial AS serial, reply, seen_time,
         sent_time, before_task_execution_id, domains, stood";

/// The rows, each beside its task.
pub(super) const ENTRIES: &str = "journal LEFT JOIN task_execution ON task_execution.id = task_execution_id";

/// A row that was closed, with what was confirmed.
pub(super) fn closed_undo(row: &Row<'_>) -> rusqlite::Result<ClosedUndo> {
    Ok(ClosedUndo {
        entry: journal_entry(row)?,
        how: row.get::<_, Option<String>>("closed_how")?.unwrap_or_default(),
        closed: text(row, "closed_time")?,
        by: row.get::<_, Option<i64>>("closed_plan_execution_id")?.map(PlanId),
    })
}

pub(super) fn reply_word(reply: Reply) -> &'static str {
    match reply {
        Reply::Accepted => "ACCEPTED",
        Reply::Unclear => "UNCLEAR",
        Reply::None => "NONE",
    }
}

/// The moments at which a row is known to have stood; those that cannot be read prove nothing.
pub(super) fn stood(row: &Row<'_>) -> Vec<BootTime> {
    let words: Option<String> = row.get("stood").unwrap_or_default();
    let known: BTreeMap<String, u64> = words
        .and_then(|words| serde_json::from_str(&words).ok())
        .unwrap_or_default();
    let moments = known.into_iter();
    moments
        .map(|(boot, up)| BootTime {
            boot,
            up: Duration::from_millis(up),
        })
        .collect()
}

pub(super) fn stood_words(moments: &[BootTime]) -> String {
    let up = |moment: &BootTime| u64::try_from(moment.up.as_millis()).unwrap_or(u64::MAX);
    let moments = moments
        .iter()
        .map(|moment| (moment.boot.clone(), up(moment).into()));
    serde_json::Value::Object(moments.collect()).to_string()
}

/// A row that is damaged in part still says whom it is about: what cannot be read of it is
/// not known, and the row is there.
pub(super) fn journal_entry(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    let word: String = row.get("undo").unwrap_or_default();
    let argument: Option<String> = row.get("argument").unwrap_or_default();
    let argument = argument.filter(|argument| !argument.is_empty());
    let undo = match (word.as_str(), argument) {
        ("UNQUIESCE_DEVICE", _) => Undo::UnquiesceDevice,
        ("UNQUIESCE_DOMAIN", Some(domain)) => Undo::UnquiesceDomain(domain),
        ("REMOVE_FOLDER", Some(folder)) => Undo::RemoveFolder(folder),
        ("IMPORT", Some(domain)) => Undo::Import {
            domain,
            before: row.get("before_task_execution_id").ok().map(TaskId),
        },
        _ => Undo::NotKnown,
    };
    Ok(JournalEntry {
        id: JournalId(row.get("id")?),
        plan: PlanId(row.get("plan_execution_id")?),
        task: TaskId(row.get("task_execution_id")?),
        device: row.get("device_name")?,
        undo,
        process: row.get("process").unwrap_or_default(),
        address: match (row.get("host"), row.get("port")) {
            (Ok(host), Ok(port)) => Some(Address { host, port }),
            _ => None,
        },
        serial: row.get("serial").unwrap_or_default(),
        domains: row
            .get::<_, String>("domains")
            .ok()
            .and_then(|names| serde_json::from_str(&names).ok())
            .unwrap_or_default(),
        opened: text(row, "opened_time").ok(),
        stood: stood(row),
        reply: match row.get::<_, String>("reply").as_deref() {
            Ok("ACCEPTED") => Some(Reply::Accepted),
            Ok("UNCLEAR") => Some(Reply::Unclear),
            Ok("NONE") => Some(Reply::None),
            _ => None,
        },
        seen: row.get::<_, String>("seen_time").is_ok(),
        sent: row.get::<_, String>("sent_time").is_ok(),
    })
}
