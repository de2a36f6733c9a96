//! Messages in which everything is made up but the plan, to see whether they arrive.

use std::time::Duration;

use crate::notify::notice::{Notice, NoticeChanges, NoticePlace, NoticeTask};
use crate::run::event::{ActionKind, PlanId, TaskId};
use crate::run::status::Status;
use crate::values::change::{Change, ChangeList, ConfigChange, ConfigPiece};
use crate::values::event_name::EventName;

/// Fills in what a notice of this event would have.
pub fn made_up(notice: Notice) -> Notice {
    let event = notice.event;
    let (status, task_status, error) = end_of(event);
    let tasks = tasks_of(event, task_status, error);
    let changes = match event {
        EventName::Changed | EventName::Unsaved => changes_of(&tasks),
        _ => NoticeChanges::default(),
    };
    let is_about_a_place = matches!(
        event,
        EventName::TaskFailed | EventName::StillQuiesced | EventName::Recovered | EventName::RehearsalFailed
    );
    let place = NoticePlace::named(TaskId(2), "EXAMPLE1", "DOMAIN2");
    Notice {
        is_test: true,
        execution: Some(PlanId(0)),
        started: notice.time.checked_sub(Duration::from_secs(90)).ok(),
        status: Some(status),
        error: error.map(str::to_owned),
        place: is_about_a_place.then_some(place),
        tasks,
        changes,
        ..notice
    }
}

/// How the plan and the worse of its two tasks stand, and why.
fn end_of(event: EventName) -> (Status, Status, Option<&'static str>) {
    match event {
        EventName::Started => (Status::Running, Status::ReadyForExecution, None),
        EventName::TaskFailed => (
            Status::DownloadFailed,
            Status::DownloadFailed,
            Some("the connection broke"),
        ),
        EventName::Succeeded => (Status::Success, Status::Success, None),
        EventName::Warned => (
            Status::CompletedWithWarnings,
            Status::SkippedDeviceNotAvailable,
            Some("task 2 SKIPPED_DEVICE_NOT_AVAILABLE: nobody answers"),
        ),
        EventName::Failed => (
            Status::Failed,
            Status::DownloadFailed,
            Some("task 2 DOWNLOAD_FAILED: the connection broke"),
        ),
        EventName::Refused => (
            Status::Locked,
            Status::ReadyForExecution,
            Some("held by another run"),
        ),
        EventName::StillQuiesced => (
            Status::Running,
            Status::Unquiescing,
            Some("no answer from the device"),
        ),
        EventName::Recovered => (
            Status::Abandoned,
            Status::Abandoned,
            Some("unquiesced and confirmed"),
        ),
        EventName::Changed | EventName::Unsaved => (Status::Success, Status::Success, None),
        EventName::RehearsalFailed => (
            Status::Success,
            Status::Success,
            Some("would fail; MultiProtocolGateway orders: ERROR"),
        ),
    }
}

/// The tasks that are told with it: a good one, and one that stands as the event has it.
fn tasks_of(event: EventName, status: Status, error: Option<&str>) -> Vec<NoticeTask> {
    let task = |id, domain: &str, status: Status| NoticeTask {
        id: TaskId(id),
        action: ActionKind::ExportDomain,
        device: "EXAMPLE1".to_owned(),
        domain: domain.to_owned(),
        status,
        error: error.filter(|_| status != Status::Success).map(str::to_owned),
        files: 1,
        bytes: if status == Status::Success { 1_234_567 } else { 0 },
        began: None,
        took: Some(Duration::from_secs(12)),
    };
    let bad = task(2, "DOMAIN2", status);
    match event {
        EventName::TaskFailed => vec![bad],
        EventName::Refused | EventName::StillQuiesced | EventName::Recovered | EventName::RehearsalFailed => {
            Vec::new()
        }
        _ => vec![task(1, "DOMAIN1", Status::Success), bad],
    }
}

/// Two changes that nobody made.
fn changes_of(tasks: &[NoticeTask]) -> NoticeChanges {
    let object = |class: &str, change, description: &str| ConfigChange {
        domain: "DOMAIN1".to_owned(),
        piece: ConfigPiece::Object {
            class: class.to_owned(),
            name: "example".to_owned(),
        },
        change,
        description: description.to_owned(),
    };
    let list = ChangeList {
        first: vec![
            object("HTTPUserAgent", Change::Changed, "Timeout: 300 → 60"),
            object("XMLManager", Change::Added, ""),
        ],
        count: 2,
    };
    let mut changes = NoticeChanges::default();
    if let Some(task) = tasks.first() {
        changes.add(task.id, (&task.device, &task.domain), Some(&list));
    }
    changes
}
