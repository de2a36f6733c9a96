//! A notice as the JSON document that docs/notifications.md describes.

use serde_json::{Value, json};

use crate::notify::notice::{Change, Notice, Place, TaskFacts};
use crate::notify::words;
use crate::run::status::Status;

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// The document. Every key is always there; what does not apply is null.
pub fn document(notice: &Notice) -> Value {
    let place = notice.place.as_ref();
    json!({
        "schema_version": SCHEMA_VERSION,
        "id": notice.id(),
        "event": notice.occasion.word(),
        "test": notice.is_test,
        "time": notice.rfc3339(notice.time),
        "host": notice.host,
        "dpbackup_version": env!("CARGO_PKG_VERSION"),
        "summary": words::subject(notice),
        "plan": notice.plan,
        "plan_execution_id": notice.execution.map(|execution| execution.0),
        "start_time": notice.started.map(|started| notice.rfc3339(started)),
        "duration_seconds": notice.took().map(|took| took.as_secs()),
        "status": notice.status.map(Status::code),
        "error_message": notice.error,
        "task_execution_id": place.map(|place| place.task.0),
        "device_name": place.map(|place| &place.device),
        "domain_name": place.map(|place| &place.domain),
        "change": notice.change.map(|change| change_of(notice, change)),
        "tasks": notice.tasks.iter().map(task).collect::<Vec<_>>(),
        "still_quiesced": notice.still_quiesced.iter().map(quiesced).collect::<Vec<_>>(),
        "remarks": notice.remarks,
    })
}

fn change_of(notice: &Notice, change: Change) -> Value {
    let (kind, was, since, times) = match change {
        Change::First => ("first", None, None, None),
        Change::Again { since, times } => ("again", None, Some(since), Some(times)),
        Change::Other { was } => ("other", Some(was), None, None),
        Change::Mended { was, since, times } => ("mended", Some(was), Some(since), Some(times)),
    };
    json!({
        "kind": kind,
        "previous_status": was.map(Status::code),
        "since": since.map(|since| notice.rfc3339(since)),
        "times": times,
    })
}

fn task(task: &TaskFacts) -> Value {
    json!({
        "task_execution_id": task.id.0,
        "action": task.action.code(),
        "device_name": task.device,
        "domain_name": task.domain,
        "status": task.status.code(),
        "error_message": task.error,
        "files": task.files,
        "bytes": task.bytes,
        "duration_seconds": task.took.map(|took| took.as_secs()),
    })
}

fn quiesced(place: &Place) -> Value {
    json!({
        "task_execution_id": place.task.0,
        "device_name": place.device,
        "domain_name": place.domain,
        "error_message": place.error,
    })
}
