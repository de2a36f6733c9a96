//! Rows that the tests of this room show.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::history::{
    ActivityRow, FailedFileRow, FileId, FileRow, NoteLevel, NoteRow, PlanRow, TaskDetails, TaskRow,
};
use crate::report::View;
use crate::run::event::{
    ActionKind, ActivityId, DeviceFacts, FileKind, FileProof, OutOfService, PlanId, ScriptMoment, ScriptRun,
    TaskId,
};
use crate::run::status::Status;
use crate::values::script_end::ScriptEnd;

pub(super) fn zone() -> TimeZone {
    TimeZone::get("Europe/Rome").expect("a zone")
}

fn at(seconds: i64) -> Timestamp {
    // 2026-11-22 08:30:12 in Rome.
    Timestamp::from_millisecond(1_795_332_612_345 + seconds * 1000).expect("a time of 2026")
}

fn plan(id: i64, plan: &str, counts: (u64, u64), status: Status, error: Option<&str>) -> PlanRow {
    PlanRow {
        id: PlanId(id),
        start_time: at(-86_400 * (1042 - id)),
        plan: plan.to_owned(),
        devices: counts.0,
        domains: counts.1,
        status,
        error_message: error.map(str::to_owned),
        status_time: at(60 - 86_400 * (1042 - id)),
        end_time: status.is_final().then(|| at(60 - 86_400 * (1042 - id))),
        took_recorded: status.is_final().then(|| Duration::from_secs(60)),
        plan_file: "/etc/dpbackup/plans.toml".to_owned(),
        window_ignored: false,
        dpbackup_version: "0.1.0".to_owned(),
    }
}

/// In every length, the last one with something nasty.
pub(super) fn plans() -> Vec<PlanRow> {
    vec![
        plan(1042, "BackupQA", (3, 12), Status::Success, None),
        plan(
            1041,
            "Nightly-Production",
            (14, 230),
            Status::OutOfMaintenanceWindow,
            Some("now is 08:30 in Europe/Rome, the maintenance window is from 21:30 to 06:30"),
        ),
        plan(
            1040,
            "BackupQA",
            (3, 12),
            Status::QuiesceTimeoutTooShort,
            Some("bad\u{1b}[31m,\nworse\u{202e}"),
        ),
    ]
}

pub(super) fn short_plans() -> Vec<PlanRow> {
    vec![
        plan(2, "QA", (3, 12), Status::Success, None),
        plan(1, "QA", (3, 12), Status::Failed, Some("boom")),
    ]
}

pub(super) fn activities() -> Vec<ActivityRow> {
    let activity = |id, action, domain_pattern: &str, status, tasks: (u64, u64, u64)| ActivityRow {
        id: ActivityId(id),
        plan: PlanId(1042),
        status_time: at(id),
        device_pattern: "QA*".to_owned(),
        domain_pattern: domain_pattern.to_owned(),
        action,
        status,
        successful_tasks: tasks.0,
        failed_tasks: tasks.1,
        skipped_tasks: tasks.2,
        quiesce: true,
        start_time: at(0),
        end_time: None,
    };
    let (secure, export) = (ActionKind::SecureBackup, ActionKind::ExportDomain);
    vec![
        activity(7, secure, "all-domains", Status::Success, (3, 0, 0)),
        activity(
            8,
            export,
            "DOMAIN*, SALES",
            Status::CompletedWithWarnings,
            (11, 0, 1),
        ),
    ]
}

/// These activities, of a plan execution with nothing else to tell.
pub(super) fn activities_view(rows: &[ActivityRow]) -> View<'_> {
    View::ActivityExecutions {
        rows,
        notes: &[],
        scripts: &[],
    }
}

fn task(id: i64, domain: &str, status: Status, error: Option<&str>) -> TaskRow {
    TaskRow {
        id: TaskId(id),
        plan: PlanId(1042),
        activity: ActivityId(8),
        status_time: at(id),
        device_name: "QA-device1".to_owned(),
        domain_name: domain.to_owned(),
        files_downloaded: 2,
        download_errors: 1,
        status,
        error_message: error.map(str::to_owned),
        action: ActionKind::ExportDomain,
        start_time: at(0),
        end_time: Some(at(id)),
        took_recorded: None,
        facts: DeviceFacts {
            firmware_version: Some("IDG.10.5.0.1".to_owned()),
            build: Some("333456".to_owned()),
            build_date: Some("2019/08/09 15:50:38".to_owned()),
            serial: Some("0000001".to_owned()),
            machine_type: Some("8441".to_owned()),
            model_type: None,
            tls_trust: Some("pin".to_owned()),
        },
        unsaved_changes: Some(true),
        certificate: None,
        unsaved_objects: Some(1),
        out_of_service: Some(OutOfService::For(Duration::from_millis(12_300))),
    }
}

pub(super) fn tasks() -> Vec<TaskRow> {
    vec![
        task(31, "SALES", Status::Success, None),
        task(
            32,
            "HR-and-Payroll",
            Status::UnquiesceTimeout,
            Some(
                "QA-device1 did not confirm within 4m that HR-and-Payroll runs again. \
                 STILL QUIESCED: run dpbackup recover",
            ),
        ),
        task(33, "DOMAIN1", Status::CanceledBecauseMaintenanceWindow, None),
    ]
}

pub(super) fn details() -> TaskDetails {
    let file = |id, kind: FileKind, kept, unchanged_since: Option<i64>| FileRow {
        id: FileId(id),
        task: TaskId(31),
        device_name: "QA-device1".to_owned(),
        domain_name: "SALES".to_owned(),
        name: format!("SALES-export-2026-11-22-08-30-12-345-{}.zip", kind.code()),
        kind,
        size: 1_503_239,
        sha256: "0123456789abcdef".repeat(4),
        unchanged_since: unchanged_since.map(TaskId),
        path: PathBuf::from("/backup/datapower/QA-device1/domain/SALES").join(format!(
            "SALES-export-2026-11-22-08-30-12-345-{}.zip",
            kind.code()
        )),
        kept,
        entries: Some(14),
        objects: Some(120),
        changes: unchanged_since.map(|_| 0),
        content: Some("c0ffee".to_owned()),
        proof: FileProof::Whole,
        lacks: None,
        time: at(20),
        removal_time: None,
        pruned_time: None,
        damage: None,
        damage_time: None,
    };
    TaskDetails {
        task: task(31, "SALES", Status::Success, None),
        files: vec![
            file(1, FileKind::Persisted, false, Some(12)),
            file(2, FileKind::NonPersisted, true, None),
        ],
        changes: Vec::new(),
        unsaved: None,
        failed_files: vec![FailedFileRow {
            name: "extra.zip".to_owned(),
            error_message: "cut short".to_owned(),
            time: at(21),
        }],
        notes: vec![NoteRow {
            level: NoteLevel::Warning,
            message: "the post-task script failed: return code 3".to_owned(),
            time: at(22),
        }],
        scripts: vec![ScriptRun {
            moment: ScriptMoment::Post,
            path: PathBuf::from("/etc/dpbackup/scripts/post.sh"),
            arguments: vec!["BACKUP-TASK".to_owned(), "POST".to_owned()],
            started: at(22),
            duration: Duration::from_millis(1250),
            end: ScriptEnd::Code(3),
            output: "mail: cannot send\n".to_owned(),
            output_bytes: 18,
        }],
        rehearsals: Vec::new(),
    }
}
