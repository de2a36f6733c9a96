//! The keys of JSON and CSV: what the documentation names, in its order, then the id
//! of the parent, then what was added later.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::history::{
    ActivityRow, ChangeRow, FailedFileRow, FileRow, NoteRow, PlanRow, RehearsalRow, TaskRow,
};
use crate::run::event::{OutOfService, ScriptMoment, ScriptRun};
use crate::values::change::ConfigPiece;
use crate::values::clock_time::rfc3339;

/// A key, and how its value is read from a row. Times are shown in the zone.
pub(super) type Field<R> = (&'static str, fn(&R, &TimeZone) -> Value);

pub(super) const PLAN_EXECUTION: &[Field<PlanRow>] = &[
    ("id", |row, _| json!(row.id.0)),
    ("start_time", |row, zone| time(row.start_time, zone)),
    ("plan", |row, _| json!(row.plan)),
    ("devices", |row, _| json!(row.devices)),
    ("domains", |row, _| json!(row.domains)),
    ("status", |row, _| json!(row.status.code())),
    ("error_message", |row, _| json!(row.error_message)),
    ("status_time", |row, zone| time(row.status_time, zone)),
    ("end_time", |row, zone| optional_time(row.end_time, zone)),
    ("plan_file", |row, _| json!(row.plan_file)),
    ("window_ignored", |row, _| json!(row.window_ignored)),
    ("dpbackup_version", |row, _| json!(row.dpbackup_version)),
    ("duration_seconds", |row, _| duration(row.took())),
];

pub(super) const ACTIVITY_EXECUTION: &[Field<ActivityRow>] = &[
    ("id", |row, _| json!(row.id.0)),
    ("status_time", |row, zone| time(row.status_time, zone)),
    ("device_pattern", |row, _| json!(row.device_pattern)),
    ("domain_pattern", |row, _| json!(row.domain_pattern)),
    ("action", |row, _| json!(row.action.code())),
    ("status", |row, _| json!(row.status.code())),
    ("successful_tasks", |row, _| json!(row.successful_tasks)),
    ("failed_tasks", |row, _| json!(row.failed_tasks)),
    ("skipped_tasks", |row, _| json!(row.skipped_tasks)),
    ("plan_execution_id", |row, _| json!(row.plan.0)),
    ("quiesce", |row, _| json!(row.quiesce)),
    ("start_time", |row, zone| time(row.start_time, zone)),
    ("end_time", |row, zone| optional_time(row.end_time, zone)),
];

pub(super) const TASK_EXECUTION: &[Field<TaskRow>] = &[
    ("id", |row, _| json!(row.id.0)),
    ("status_time", |row, zone| time(row.status_time, zone)),
    ("device_name", |row, _| json!(row.device_name)),
    ("domain_name", |row, _| json!(row.domain_name)),
    ("files_downloaded", |row, _| json!(row.files_downloaded)),
    ("download_errors", |row, _| json!(row.download_errors)),
    ("status", |row, _| json!(row.status.code())),
    ("error_message", |row, _| json!(row.error_message)),
    ("firmware_version", |row, _| json!(row.facts.firmware_version)),
    ("build", |row, _| json!(row.facts.build)),
    ("build_date", |row, _| json!(row.facts.build_date)),
    ("serial", |row, _| json!(row.facts.serial)),
    ("machine_type", |row, _| json!(row.facts.machine_type)),
    ("model_type", |row, _| json!(row.facts.model_type)),
    ("tls_trust", |row, _| json!(row.facts.tls_trust)),
    ("unsaved_changes", |row, _| json!(row.unsaved_changes)),
    ("activity_execution_id", |row, _| json!(row.activity.0)),
    ("plan_execution_id", |row, _| json!(row.plan.0)),
    ("action", |row, _| json!(row.action.code())),
    ("start_time", |row, zone| time(row.start_time, zone)),
    ("end_time", |row, zone| optional_time(row.end_time, zone)),
    ("quiesced", |row, _| {
        json!(row.out_of_service.map(OutOfService::is_quiesced))
    }),
    ("out_of_service_seconds", |row, _| {
        json!(row.out_of_service.and_then(OutOfService::seconds))
    }),
    ("certificate", |row, _| json!(row.certificate)),
    ("unsaved_objects", |row, _| json!(row.unsaved_objects)),
];

pub(super) const FILE: &[Field<FileRow>] = &[
    ("name", |row, _| json!(row.name)),
    ("kind", |row, _| json!(row.kind.code())),
    ("size", |row, _| json!(row.size)),
    ("sha256", |row, _| json!(row.sha256)),
    // A file is recorded only after it was verified, as far as that could be: `true` says of all of it.
    ("verified", |row, _| json!(row.proof)),
    ("unchanged_since", |row, _| {
        json!(row.unchanged_since.map(|task| task.0))
    }),
    // No path where there never was a file; one that was removed keeps its own.
    ("path", |row, _| match row.kept {
        true => json!(row.path.to_string_lossy()),
        false => Value::Null,
    }),
    ("task_execution_id", |row, _| json!(row.task.0)),
    ("id", |row, _| json!(row.id.0)),
    ("kept", |row, _| json!(row.kept)),
    ("pruned_time", |row, zone| optional_time(row.pruned_time, zone)),
    ("entries", |row, _| json!(row.entries)),
    ("objects", |row, _| json!(row.objects)),
    ("content", |row, _| json!(row.content)),
    ("time", |row, zone| time(row.time, zone)),
    ("lacks", |row, _| json!(row.lacks)),
    ("changes", |row, _| json!(row.changes)),
    ("damage", |row, _| json!(row.damage)),
    ("damage_time", |row, zone| optional_time(row.damage_time, zone)),
];

pub(super) const FAILED_FILE: &[Field<FailedFileRow>] = &[
    ("name", |row, _| json!(row.name)),
    ("error_message", |row, _| json!(row.error_message)),
    ("time", |row, zone| time(row.time, zone)),
];

pub(super) const NOTE: &[Field<NoteRow>] = &[
    ("level", |row, _| json!(row.level.code())),
    ("message", |row, _| json!(row.message)),
    ("time", |row, zone| time(row.time, zone)),
];

pub(super) const CHANGE: &[Field<ChangeRow>] = &[
    ("time", |row, zone| time(row.time, zone)),
    ("device", |row, _| json!(row.device_name)),
    ("domain", |row, _| json!(row.change.domain)),
    ("object", |row, _| object(&row.change.piece)),
    ("file", |row, _| file(&row.change.piece)),
    ("change", |row, _| json!(row.change.change.word())),
    ("description", |row, _| json!(row.change.description)),
    ("task", |row, _| json!(row.task.0)),
    ("class", |row, _| class_and_name(&row.change.piece).0),
    ("name", |row, _| class_and_name(&row.change.piece).1),
    ("kind", |row, _| json!(row.kind.code())),
    ("id", |row, _| json!(row.id)),
];

pub(super) const REHEARSAL: &[Field<RehearsalRow>] = &[
    ("spare_name", |row, _| json!(row.spare_name)),
    ("firmware_version", |row, _| json!(row.firmware_version)),
    ("serial", |row, _| json!(row.serial)),
    ("start_time", |row, zone| time(row.start_time, zone)),
    ("end_time", |row, zone| optional_time(row.end_time, zone)),
    ("verdict", |row, _| json!(row.result.verdict.code())),
    ("proof", |row, _| json!(row.result.proof.code())),
    ("refused", |row, _| json!(row.result.refused)),
    ("missing_keys", |row, _| json!(row.result.missing_keys)),
    ("message", |row, _| json!(row.result.message)),
];

pub(super) const SCRIPT: &[Field<ScriptRun>] = &[
    ("moment", |row, _| {
        json!(match row.moment {
            ScriptMoment::Pre => "PRE",
            ScriptMoment::Post => "POST",
        })
    }),
    ("path", |row, _| json!(row.path.to_string_lossy())),
    ("arguments", |row, _| json!(row.arguments)),
    ("start_time", |row, zone| time(row.started, zone)),
    ("duration_seconds", |row, _| json!(row.duration.as_secs_f64())),
    ("success", |row, _| json!(row.end.is_success())),
    ("result", |row, _| json!(row.end.to_string())),
    ("output", |row, _| json!(row.output)),
    ("output_bytes", |row, _| json!(row.output_bytes)),
];

/// What an object is called, where it is one.
pub(super) fn object(piece: &ConfigPiece) -> Value {
    match piece {
        ConfigPiece::Object { .. } => json!(piece.to_string()),
        ConfigPiece::File(_) | ConfigPiece::Domain => Value::Null,
    }
}

/// The path of a file, where it is one.
pub(super) fn file(piece: &ConfigPiece) -> Value {
    match piece {
        ConfigPiece::File(path) => json!(path),
        ConfigPiece::Object { .. } | ConfigPiece::Domain => Value::Null,
    }
}

/// The class and the name of an object.
pub(super) fn class_and_name(piece: &ConfigPiece) -> (Value, Value) {
    match piece {
        ConfigPiece::Object { class, name } => (json!(class), json!(name)),
        ConfigPiece::File(_) | ConfigPiece::Domain => (Value::Null, Value::Null),
    }
}

/// A moment, as programs read it.
pub(super) fn time(time: Timestamp, zone: &TimeZone) -> Value {
    json!(rfc3339(time, zone))
}

/// How long something took, in seconds; null where it has not ended, or nobody knows.
pub(super) fn duration(took: Option<Duration>) -> Value {
    took.map_or(Value::Null, |took| json!(took.as_secs_f64()))
}

pub(super) fn optional_time(moment: Option<Timestamp>, zone: &TimeZone) -> Value {
    moment.map_or(Value::Null, |moment| time(moment, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_keys_come_first_and_in_their_order() {
        fn keys<R>(fields: &[Field<R>], number: usize) -> Vec<&'static str> {
            fields.iter().take(number).map(|(key, _)| *key).collect()
        }
        assert_eq!(
            keys(PLAN_EXECUTION, 7).join(" "),
            "id start_time plan devices domains status error_message"
        );
        assert_eq!(
            keys(ACTIVITY_EXECUTION, 10).join(" "),
            "id status_time device_pattern domain_pattern action status \
             successful_tasks failed_tasks skipped_tasks plan_execution_id"
        );
        assert_eq!(
            keys(TASK_EXECUTION, 17).join(" "),
            "id status_time device_name domain_name files_downloaded download_errors status error_message \
             firmware_version build build_date serial machine_type model_type tls_trust unsaved_changes \
             activity_execution_id"
        );
        assert_eq!(
            keys(FILE, 8).join(" "),
            "name kind size sha256 verified unchanged_since path task_execution_id"
        );
    }

    #[test]
    fn the_hour_that_exists_twice_is_told_apart_by_its_offset() {
        let zone = TimeZone::get("Europe/Rome").expect("a zone");
        let at = |text: &str| time(text.parse().expect("a timestamp"), &zone);
        assert_eq!(at("2026-10-25T00:30:00Z"), "2026-10-25T02:30:00.000+02:00");
        assert_eq!(at("2026-10-25T01:30:00.5Z"), "2026-10-25T02:30:00.500+01:00");
    }
}
