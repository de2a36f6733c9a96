//! A notice as the JSON document that docs/notifications.md describes.

use serde::Serialize;

use crate::notify::notice::{EndChange, Notice, NoticeChange, NoticePlace, NoticeTask};
use crate::notify::words;
use crate::run::status::Status;
use crate::values::change::ConfigChangeObject;

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// The document. Every key is always there; what does not apply is null.
#[derive(Serialize)]
pub struct NoticeDocument<'n> {
    schema_version: u32,
    id: String,
    event: &'static str,
    test: bool,
    time: String,
    host: Option<&'n str>,
    dpbackup_version: &'static str,
    summary: String,
    plan: &'n str,
    plan_execution_id: Option<i64>,
    start_time: Option<String>,
    duration_seconds: Option<u64>,
    status: Option<&'static str>,
    error_message: Option<&'n str>,
    task_execution_id: Option<i64>,
    device_name: Option<&'n str>,
    domain_name: Option<&'n str>,
    change: Option<ChangeObject>,
    tasks: Vec<TaskObject<'n>>,
    still_quiesced: Vec<PlaceObject<'n>>,
    remarks: Vec<&'n str>,
    change_count: u64,
    changes: Vec<DeviceChangeObject<'n>>,
}

#[derive(Serialize)]
struct DeviceChangeObject<'n> {
    task_execution_id: i64,
    device: &'n str,
    #[serde(flatten)]
    change: ConfigChangeObject<'n>,
}

#[derive(Serialize)]
struct ChangeObject {
    kind: &'static str,
    previous_status: Option<&'static str>,
    since: Option<String>,
    times: Option<usize>,
}

#[derive(Serialize)]
struct TaskObject<'n> {
    task_execution_id: i64,
    action: &'static str,
    device_name: &'n str,
    domain_name: &'n str,
    status: &'static str,
    error_message: Option<&'n str>,
    files: u64,
    bytes: u64,
    duration_seconds: Option<u64>,
}

#[derive(Serialize)]
struct PlaceObject<'n> {
    task_execution_id: i64,
    device_name: &'n str,
    domain_name: &'n str,
    error_message: Option<&'n str>,
}

/// The document of a notice.
pub fn document(notice: &Notice) -> NoticeDocument<'_> {
    let place = notice.place.as_ref();
    NoticeDocument {
        schema_version: SCHEMA_VERSION,
        id: notice.id(),
        event: notice.event.word(),
        test: notice.is_test,
        time: notice.rfc3339(notice.time),
        host: notice.host.as_deref(),
        dpbackup_version: env!("CARGO_PKG_VERSION"),
        summary: words::subject(notice),
        plan: &notice.plan,
        plan_execution_id: notice.execution.map(|execution| execution.0),
        start_time: notice.started.map(|started| notice.rfc3339(started)),
        duration_seconds: notice.took.map(|took| took.as_secs()),
        status: notice.status.map(Status::code),
        error_message: notice.error.as_deref(),
        task_execution_id: place.map(|place| place.task.0),
        device_name: place.map(|place| place.device.as_str()),
        domain_name: place.map(|place| place.domain.as_str()),
        change: notice.change.map(|change| change_of(notice, change)),
        tasks: notice.tasks.iter().map(task).collect(),
        still_quiesced: notice.still_quiesced.iter().map(quiesced).collect(),
        remarks: words::remarks(notice),
        change_count: notice.changes.count(),
        changes: notice.changes.first.iter().map(changed).collect(),
    }
}

fn change_of(notice: &Notice, change: EndChange) -> ChangeObject {
    let (kind, was, since, times) = match change {
        EndChange::First => ("first", None, None, None),
        EndChange::Again { since, times } => ("again", None, Some(since), Some(times)),
        EndChange::Other { was } => ("other", Some(was), None, None),
        EndChange::WellAgain { was, since, times } => ("mended", Some(was), Some(since), Some(times)),
    };
    ChangeObject {
        kind,
        previous_status: was.map(Status::code),
        since: since.map(|since| notice.rfc3339(since)),
        times,
    }
}

fn changed(told: &NoticeChange) -> DeviceChangeObject<'_> {
    DeviceChangeObject {
        task_execution_id: told.task.0,
        device: &told.device,
        change: ConfigChangeObject::of(&told.change),
    }
}

fn task(task: &NoticeTask) -> TaskObject<'_> {
    TaskObject {
        task_execution_id: task.id.0,
        action: task.action.code(),
        device_name: &task.device,
        domain_name: &task.domain,
        status: task.status.code(),
        error_message: task.error.as_deref(),
        files: task.files,
        bytes: task.bytes,
        duration_seconds: task.took.map(|took| took.as_secs()),
    }
}

fn quiesced(place: &NoticePlace) -> PlaceObject<'_> {
    PlaceObject {
        task_execution_id: place.task.0,
        device_name: &place.device,
        domain_name: &place.domain,
        error_message: place.error.as_deref(),
    }
}
