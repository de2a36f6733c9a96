//! What stands in the line of an event.

use crate::report::lines::documents::{EventLine, File, ScriptLine};
use crate::run::event::{Event, Owner, ReceiverWarning, ScriptMoment};
use crate::run::status::Status;
use crate::values::change::{ChangeList, ConfigChangeObject};

/// What an event says, without time and version.
pub(super) fn line(event: &Event) -> EventLine<'_> {
    let named = |event| EventLine {
        event,
        ..EventLine::default()
    };
    match event {
        Event::PlanOpened { plan, opening } => EventLine {
            plan_execution_id: Some(plan.0),
            plan: Some(&opening.plan),
            ..named("plan_opened")
        },
        Event::ActivityOpened { activity, opening } => EventLine {
            plan_execution_id: Some(opening.plan.0),
            activity_execution_id: Some(activity.0),
            action: Some(opening.action.code()),
            device_pattern: Some(&opening.device_pattern),
            domain_pattern: Some(&opening.domain_pattern),
            ..named("activity_opened")
        },
        Event::TaskOpened { task, opening } => EventLine {
            plan_execution_id: Some(opening.plan.0),
            activity_execution_id: Some(opening.activity.0),
            task_execution_id: Some(task.0),
            action: Some(opening.action.code()),
            device_name: Some(&opening.device),
            domain_name: Some(&opening.domain),
            status: Some(opening.status.code()),
            error_message: opening.error.as_deref(),
            ..named("task_opened")
        },
        Event::PlanStatus { plan, status } => EventLine {
            plan_execution_id: Some(plan.0),
            status: Some(status.code()),
            ..named("plan_status")
        },
        Event::ActivityStatus { activity, status } => EventLine {
            activity_execution_id: Some(activity.0),
            status: Some(status.code()),
            ..named("activity_status")
        },
        Event::TaskStatus { task, status } => EventLine {
            task_execution_id: Some(task.0),
            status: Some(status.code()),
            ..named("task_status")
        },
        Event::DeviceFacts { task, facts } => EventLine {
            task_execution_id: Some(task.0),
            device: Some(facts),
            ..named("task_facts")
        },
        Event::BackupCertificate { task, certificate } => EventLine {
            task_execution_id: Some(task.0),
            certificate: Some(certificate),
            ..named("backup_certificate")
        },
        Event::UnsavedChanges { task, unsaved } => EventLine {
            task_execution_id: Some(task.0),
            unsaved_changes: Some(*unsaved),
            ..named("unsaved_changes")
        },
        Event::OutOfService { task, lasted } => EventLine {
            task_execution_id: Some(task.0),
            quiesced: Some(lasted.is_quiesced()),
            out_of_service_seconds: Some(lasted.seconds()),
            ..named("out_of_service")
        },
        Event::FileStored { task, file } => EventLine {
            task_execution_id: Some(task.0),
            file: Some(File {
                name: &file.name,
                kind: Some(file.kind.code()),
                size: Some(file.size),
                sha256: Some(&file.sha256),
                kept: Some(file.kept),
                unchanged_since: file.unchanged_since.map(|task| task.0),
                path: Some(file.path.to_string_lossy().into_owned()),
                verified: Some(file.proof),
                lacks: file.lacks.as_ref(),
            }),
            ..named("file_stored")
        },
        Event::ConfigChanged { task, kind, changes } => EventLine {
            task_execution_id: Some(task.0),
            kind: Some(kind.code()),
            ..changed(changes, named("config_changed"))
        },
        Event::ConfigUnsaved { task, changes } => EventLine {
            task_execution_id: Some(task.0),
            ..changed(changes, named("config_unsaved"))
        },
        Event::FileFailed { task, name, error } => EventLine {
            task_execution_id: Some(task.0),
            error_message: Some(error),
            file: Some(File {
                name,
                kind: None,
                size: None,
                sha256: None,
                kept: None,
                unchanged_since: None,
                path: None,
                verified: None,
                lacks: None,
            }),
            ..named("file_failed")
        },
        Event::ScriptEnded { owner, script } => {
            let script = ScriptLine {
                moment: match script.moment {
                    ScriptMoment::Pre => "pre",
                    ScriptMoment::Post => "post",
                },
                path: script.path.to_string_lossy().into_owned(),
                end: script.end.to_string(),
                duration_ms: u64::try_from(script.duration.as_millis()).unwrap_or(u64::MAX),
                output: &script.output,
                output_bytes: script.output_bytes,
            };
            owned(
                *owner,
                EventLine {
                    script: Some(script),
                    ..named("script_ended")
                },
            )
        }
        Event::Warning { owner, message, .. }
        | Event::ReceiverWarned {
            owner,
            warning: ReceiverWarning { message, .. },
        } => owned(
            *owner,
            EventLine {
                message: Some(message),
                ..named("warning")
            },
        ),
        Event::Note { owner, message } => owned(
            *owner,
            EventLine {
                message: Some(message),
                ..named("note")
            },
        ),
        Event::TaskEnded {
            task, status, error, ..
        } => EventLine {
            task_execution_id: Some(task.0),
            status: Some(status.code()),
            error_message: error.as_deref(),
            ..named("task_ended")
        },
        Event::ActivityEnded { activity, status } => EventLine {
            activity_execution_id: Some(activity.0),
            status: Some(status.code()),
            ..named("activity_ended")
        },
        Event::PlanEnded {
            plan, status, error, ..
        } => EventLine {
            plan_execution_id: Some(plan.0),
            status: Some(status.code()),
            error_message: error.as_deref(),
            ..named("plan_ended")
        },
        Event::PlanAbandoned { plan, name, error } => EventLine {
            plan_execution_id: Some(plan.0),
            plan: Some(name),
            status: Some(Status::Abandoned.code()),
            error_message: Some(error),
            ..named("plan_abandoned")
        },
        Event::Recovered {
            task,
            device,
            undo,
            how,
            ..
        } => EventLine {
            task_execution_id: Some(task.0),
            device_name: Some(device),
            domain_name: Some(undo.domain()),
            message: Some(how),
            ..named("recovered")
        },
        Event::StillQuiesced(still) => EventLine {
            task_execution_id: Some(still.task.0),
            device_name: Some(&still.device),
            domain_name: Some(&still.domain),
            message: Some(still.certainty.words()),
            error_message: Some(&still.error),
            ..named("still_quiesced")
        },
    }
}

fn owned(owner: Owner, line: EventLine<'_>) -> EventLine<'_> {
    match owner {
        Owner::Plan(plan) => EventLine {
            plan_execution_id: Some(plan.0),
            ..line
        },
        Owner::Task(task) => EventLine {
            task_execution_id: Some(task.0),
            ..line
        },
    }
}

fn changed<'e>(changes: &'e ChangeList, line: EventLine<'e>) -> EventLine<'e> {
    EventLine {
        change_count: Some(changes.count),
        changes: Some(changes.first.iter().map(ConfigChangeObject::of).collect()),
        ..line
    }
}
