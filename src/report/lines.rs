//! A run as JSON lines: one for each event, a summary last.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::exit::Exit;
use crate::run::error::RunError;
use crate::run::event::{DeviceFacts, Event, FileProof, Owner, ScriptMoment, Sink};
use crate::run::execution::PlanEnd;
use crate::run::status::Status;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::change::{ChangeList, ConfigChangeObject};
use crate::values::lacks::Lacks;
use crate::values::text::printable_json;

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// Writes a line for each event. A reader that has gone away is no error.
pub struct JsonLines<W> {
    out: W,
    zone: TimeZone,
    failure: Option<io::Error>,
}

/// One line. Keys that do not concern an event are left out.
#[derive(Debug, Default, Serialize)]
struct EventLine<'e> {
    schema_version: u32,
    event: &'static str,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_execution_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_execution_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_execution_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_pattern: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_pattern: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_name: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<&'e CertificateFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsaved_changes: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quiesced: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    out_of_service_seconds: Option<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'e DeviceFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<File<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<ScriptLine<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<ConfigChangeObject<'e>>>,
}

#[derive(Debug, Serialize)]
struct File<'e> {
    name: &'e str,
    kind: Option<&'static str>,
    size: Option<u64>,
    sha256: Option<&'e str>,
    kept: Option<bool>,
    unchanged_since: Option<i64>,
    path: Option<String>,
    verified: Option<FileProof>,
    lacks: Option<&'e Lacks>,
}

#[derive(Debug, Serialize)]
struct ScriptLine<'e> {
    moment: &'static str,
    path: String,
    end: String,
    duration_ms: u64,
    output: &'e str,
    output_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Summary<'e> {
    schema_version: u32,
    event: &'static str,
    time: String,
    exit_code: u8,
    error_message: Option<String>,
    plans: Vec<PlanSummary<'e>>,
}

#[derive(Debug, Serialize)]
struct ErrorLine<'e> {
    schema_version: u32,
    event: &'static str,
    time: String,
    exit_code: u8,
    error_message: &'e str,
    causes: &'e [String],
    hint: Option<&'e str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    findings: &'e [Mistake<'e>],
}

/// Something that is wrong with the plan file.
#[derive(Clone, Debug, Serialize)]
pub struct Mistake<'e> {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// What is wrong, in one line.
    pub message: &'e str,
    /// The file in which it is: the plan file, or one that it includes.
    pub file: Cow<'e, str>,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What to do about it.
    pub hint: Option<&'e str>,
}

#[derive(Debug, Serialize)]
struct PlanSummary<'e> {
    plan_execution_id: i64,
    status: &'static str,
    error_message: Option<&'e str>,
    exit_code: u8,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `out`, with times in `zone`.
    pub fn new(out: W, zone: TimeZone) -> Self {
        Self {
            out,
            zone,
            failure: None,
        }
    }

    /// Why a line is missing, if one is: the first reason.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// The last line.
    pub fn summary(&mut self, ends: &[PlanEnd], exit: Exit, trouble: Option<&RunError>) {
        let plans = ends.iter().map(|end| PlanSummary {
            plan_execution_id: end.id.0,
            status: end.status.code(),
            error_message: end.error.as_deref(),
            exit_code: end.exit.code(),
        });
        let summary = Summary {
            schema_version: SCHEMA_VERSION,
            event: "summary",
            time: self.time(Timestamp::now()),
            exit_code: exit.code(),
            error_message: trouble.map(ToString::to_string),
            plans: plans.collect(),
        };
        self.write(&summary);
    }

    /// An error that ended the command: what went wrong, its causes, and what is wrong with
    /// the plan file if that is it.
    pub fn error(&mut self, words: &[String], hint: Option<&str>, findings: &[Mistake<'_>], exit: Exit) {
        let (error_message, causes) = match words.split_first() {
            Some((first, causes)) => (first.as_str(), causes),
            None => ("", words),
        };
        let line = ErrorLine {
            schema_version: SCHEMA_VERSION,
            event: "error",
            time: self.time(Timestamp::now()),
            exit_code: exit.code(),
            error_message,
            causes,
            hint,
            findings,
        };
        self.write(&line);
    }

    fn time(&self, at: Timestamp) -> String {
        let zoned = at.to_zoned(self.zone.clone());
        zoned.strftime("%Y-%m-%dT%H:%M:%S.%3f%:z").to_string()
    }

    fn write(&mut self, line: &impl Serialize) {
        let Ok(text) = serde_json::to_string(line) else {
            return;
        };
        let text = printable_json(&text) + "\n";
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        // The run goes on, and history has it all.
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.failure.get_or_insert(error);
            }
            _ => {}
        }
    }
}

impl<W: Write> Sink for JsonLines<W> {
    fn event(&mut self, at: Timestamp, event: &Event) {
        let line = EventLine {
            schema_version: SCHEMA_VERSION,
            time: self.time(at),
            ..line(event)
        };
        self.write(&line);
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

/// What an event says, without time and version.
fn line(event: &Event) -> EventLine<'_> {
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
        Event::TaskFacts { task, facts } => EventLine {
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
        Event::Warning { owner, message } => owned(
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
        Event::TaskEnded { task, status, error } => EventLine {
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
        Event::PlanEnded { plan, status, error } => EventLine {
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
        } => EventLine {
            task_execution_id: Some(task.0),
            device_name: Some(device),
            domain_name: Some(undo.domain()),
            message: Some(how),
            ..named("recovered")
        },
        Event::StillQuiesced {
            task,
            device,
            domain,
            certainty,
            error,
        } => EventLine {
            task_execution_id: Some(task.0),
            device_name: Some(device),
            domain_name: Some(domain),
            message: Some(certainty.words()),
            error_message: Some(error),
            ..named("still_quiesced")
        },
    }
}
