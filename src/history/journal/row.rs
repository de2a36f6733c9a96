//! A row of the journal, read as well as may be.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Row;

use crate::history::value::text;
use crate::run::event::{ALL_DOMAINS, JournalId, PlanId, TaskId, Undo};
use crate::run::ledger::{ClosedUndo, JournalEntry, Reply};
use crate::values::address::Address;
use crate::values::boot_time::BootTime;

/// What is read of a row of [`ENTRIES`].
pub(super) const ENTRY_COLUMNS: &str =
    "journal.id, COALESCE(plan_execution_id, 0) AS plan_execution_id, task_execution_id, journal.device_name,
         undo, argument, process, opened_time, host, port, journal.serial AS serial, reply, seen_time,
         sent_time, before_task_execution_id, domains, stood, tried_on, peer, task_execution.device_name AS task_device,
         task_execution.domain_name AS task_domain,
         EXISTS (SELECT 1 FROM plan_execution
                 WHERE plan_execution.id = task_execution.plan_execution_id
                     AND plan_execution.end_time IS NOT NULL) AS plan_has_ended,
         (SELECT iif(message LIKE 'STILL QUIESCED:%', time, NULL) FROM note
          WHERE note.task_execution_id = journal.task_execution_id AND level = 'STILL_QUIESCED'
          ORDER BY note.id DESC LIMIT 1) AS shown_time";

/// What is read of the task of a row, whichever version wrote it.
pub(super) const TASK_COLUMNS: &str =
    "task_execution.device_name AS task_device, task_execution.domain_name AS task_domain";

/// Whether a row is open. Only a time closes it.
pub(super) const IS_OPEN: &str =
    "closed_time IS NULL OR closed_time NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9]*'";

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
        Reply::Silence => "NONE",
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
    let task = TaskId(row.get("task_execution_id")?);
    let device: String = row.get("device_name")?;
    let is_time = |column: &str| text::<Timestamp>(row, column).is_ok();
    Ok(JournalEntry {
        id: JournalId(row.get("id")?),
        plan: PlanId(row.get("plan_execution_id")?),
        task,
        undo: undo(row, task, &device),
        device,
        process: row.get("process").unwrap_or_default(),
        // A file of another version is not asked for it: then the lock alone tells.
        plan_has_ended: row.get("plan_has_ended").unwrap_or(false),
        address: match (row.get("host"), row.get("port")) {
            (Ok(host), Ok(port)) => Some(Address { host, port }),
            _ => None,
        },
        peer: text(row, "peer").ok(),
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
            Ok("NONE") => Some(Reply::Silence),
            _ => None,
        },
        seen: is_time("seen_time"),
        sent: is_time("sent_time"),
        // What was told last: a task has one quiesce.
        shown: text(row, "shown_time").ok(),
    })
}

/// What is to be undone, where the row says it and its task does not say otherwise: both were written by one
/// process, about one thing.
fn undo(row: &Row<'_>, task: TaskId, device: &str) -> Undo {
    let word: String = row.get("undo").unwrap_or_default();
    let argument: Option<String> = row.get("argument").unwrap_or_default();
    let argument = argument.filter(|argument| !argument.is_empty());
    let undo = match (word.as_str(), argument) {
        ("UNQUIESCE_DEVICE", _) => Undo::UnquiesceDevice,
        ("UNQUIESCE_DOMAIN", Some(domain)) => Undo::UnquiesceDomain(domain),
        ("REMOVE_FOLDER", Some(folder)) if is_ours(&folder, task) => Undo::RemoveFolder(folder),
        ("REMOVE_FOLDER", Some(folder)) => {
            return Undo::NotKnown {
                why: format!(
                    "it says that {folder} is to be removed, which is no folder of task {}",
                    task.0
                ),
            };
        }
        ("IMPORT", Some(domain)) => {
            let before = row.get("before_task_execution_id").ok().map(TaskId);
            match row.get::<_, String>("tried_on") {
                Ok(content) => Undo::DryRun {
                    domain,
                    before,
                    content: (!content.is_empty()).then_some(content),
                },
                Err(_) => Undo::Import { domain, before },
            }
        }
        _ => {
            return Undo::NotKnown {
                why: "it cannot be read".to_owned(),
            };
        }
    };
    let of_task = |column| row.get::<_, String>(column).ok();
    // A folder is named after its task, and says of no domain.
    let said = match &undo {
        Undo::RemoveFolder(_) => None,
        undo => Some(undo.domain()),
    };
    let (task_device, task_domain) = (of_task("task_device"), of_task("task_domain"));
    let differs = |said: Option<&str>, of_task: &Option<String>| matches!((said, of_task), (Some(said), Some(of_task)) if said != of_task);
    // A backup is tried on a spare: the row is about that, and its task about the device that was backed up.
    let may_differ = matches!(undo, Undo::DryRun { .. });
    let is_of_another = !may_differ && differs(Some(device), &task_device);
    if !is_of_another && !differs(said, &task_domain) {
        return undo;
    }
    let place = |device: &str, domain: &str| match domain {
        ALL_DOMAINS => format!("all of {device}"),
        domain => format!("{domain} of {device}"),
    };
    let of_task = (task_device.unwrap_or_default(), task_domain.unwrap_or_default());
    Undo::NotKnown {
        why: format!(
            "it is about {}, and its task about {}: one of the two is damaged",
            place(device, undo.domain()),
            place(&of_task.0, &of_task.1)
        ),
    }
}

/// Whether a folder on a device has the name that one of this task is given: no other is ever removed.
fn is_ours(folder: &str, task: TaskId) -> bool {
    let name = folder.strip_prefix("temporary:///dpbackup-");
    let Some((stamp, of)) = name.and_then(|name| name.rsplit_once('-')) else {
        return false;
    };
    // Older versions gave none with digits by chance.
    let (stamp, chance) = stamp.split_once('-').unwrap_or((stamp, ""));
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    of == task.0.to_string() && stamp.bytes().all(|byte| byte.is_ascii_digit()) && chance.bytes().all(is_hex)
}
