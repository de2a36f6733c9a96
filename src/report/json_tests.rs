use super::*;
use crate::history::PlanFilter;
use crate::report::fixture;
use crate::values::text::is_unsafe;

#[test]
fn plan_executions_are_one_document_with_its_version_first() {
    let plans = fixture::plans();
    let filter = PlanFilter::default();
    let view = View::PlanExecutions {
        rows: &plans[1..],
        filter: &filter,
    };
    insta::assert_snapshot!(render(&view, &fixture::zone()), @r#"
    {
      "schema_version": 1,
      "plan_executions": [
        {
          "id": 1041,
          "start_time": "2026-11-21T08:30:12.345+01:00",
          "plan": "Nightly-Production",
          "devices": 14,
          "domains": 230,
          "status": "PRE_VALIDATION_OUT_OF_MAINTENANCE_WINDOW",
          "error_message": "now is 08:30 in Europe/Rome, the maintenance window is from 21:30 to 06:30",
          "status_time": "2026-11-21T08:31:12.345+01:00",
          "end_time": "2026-11-21T08:31:12.345+01:00",
          "plan_file": "/etc/dpbackup/plans.toml",
          "window_ignored": false,
          "dpbackup_version": "0.1.0",
          "duration_seconds": 60.0
        },
        {
          "id": 1040,
          "start_time": "2026-11-20T08:30:12.345+01:00",
          "plan": "BackupQA",
          "devices": 3,
          "domains": 12,
          "status": "PRE_VALIDATION_QUIESCE_TIMEOUT_SYSPARM_TOO_SHORT",
          "error_message": "bad\u001b[31m,\nworse\u202e",
          "status_time": "2026-11-20T08:31:12.345+01:00",
          "end_time": "2026-11-20T08:31:12.345+01:00",
          "plan_file": "/etc/dpbackup/plans.toml",
          "window_ignored": false,
          "dpbackup_version": "0.1.0",
          "duration_seconds": 60.0
        }
      ]
    }
    "#);
}

#[test]
fn activity_executions_name_their_plan_execution() {
    let activities = fixture::activities();
    let view = fixture::activities_view(&activities[..1]);
    insta::assert_snapshot!(render(&view, &fixture::zone()), @r#"
    {
      "schema_version": 1,
      "activity_executions": [
        {
          "id": 7,
          "status_time": "2026-11-22T08:30:19.345+01:00",
          "device_pattern": "QA*",
          "domain_pattern": "all-domains",
          "action": "SECURE_BACKUP",
          "status": "SUCCESS",
          "successful_tasks": 3,
          "failed_tasks": 0,
          "skipped_tasks": 0,
          "plan_execution_id": 1042,
          "quiesce": true,
          "start_time": "2026-11-22T08:30:12.345+01:00",
          "end_time": null
        }
      ],
      "notes": [],
      "scripts": []
    }
    "#);
}

#[test]
fn the_files_of_a_task_come_with_the_facts_of_its_device() {
    let details = fixture::details();
    insta::assert_snapshot!(render(&View::Files(&details), &fixture::zone()), @r#"
    {
      "schema_version": 1,
      "task_execution": {
        "id": 31,
        "status_time": "2026-11-22T08:30:43.345+01:00",
        "device_name": "QA-device1",
        "domain_name": "SALES",
        "files_downloaded": 2,
        "download_errors": 1,
        "status": "SUCCESS",
        "error_message": null,
        "firmware_version": "IDG.10.5.0.1",
        "build": "333456",
        "build_date": "2019/08/09 15:50:38",
        "serial": "0000001",
        "machine_type": "8441",
        "model_type": null,
        "tls_trust": "pin",
        "unsaved_changes": true,
        "activity_execution_id": 8,
        "plan_execution_id": 1042,
        "action": "EXPORT_DOMAIN",
        "start_time": "2026-11-22T08:30:12.345+01:00",
        "end_time": "2026-11-22T08:30:43.345+01:00",
        "quiesced": true,
        "out_of_service_seconds": 12.3,
        "certificate": null,
        "unsaved_objects": 1
      },
      "files": [
        {
          "name": "SALES-export-2026-11-22-08-30-12-345-persisted.zip",
          "kind": "persisted",
          "size": 1503239,
          "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
          "verified": true,
          "unchanged_since": 12,
          "path": null,
          "task_execution_id": 31,
          "id": 1,
          "kept": false,
          "pruned_time": null,
          "entries": 14,
          "objects": 120,
          "content": "c0ffee",
          "time": "2026-11-22T08:30:32.345+01:00",
          "lacks": null,
          "changes": 0,
          "damage": null,
          "damage_time": null
        },
        {
          "name": "SALES-export-2026-11-22-08-30-12-345-nonpersisted.zip",
          "kind": "nonpersisted",
          "size": 1503239,
          "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
          "verified": true,
          "unchanged_since": null,
          "path": "/backup/datapower/QA-device1/domain/SALES/SALES-export-2026-11-22-08-30-12-345-nonpersisted.zip",
          "task_execution_id": 31,
          "id": 2,
          "kept": true,
          "pruned_time": null,
          "entries": 14,
          "objects": 120,
          "content": "c0ffee",
          "time": "2026-11-22T08:30:32.345+01:00",
          "lacks": null,
          "changes": null,
          "damage": null,
          "damage_time": null
        }
      ],
      "changes": [],
      "unsaved": null,
      "failed_files": [
        {
          "name": "extra.zip",
          "error_message": "cut short",
          "time": "2026-11-22T08:30:33.345+01:00"
        }
      ],
      "notes": [
        {
          "level": "WARNING",
          "message": "the post-task script failed: return code 3",
          "time": "2026-11-22T08:30:34.345+01:00"
        }
      ],
      "scripts": [
        {
          "moment": "POST",
          "path": "/etc/dpbackup/scripts/post.sh",
          "arguments": [
            "BACKUP-TASK",
            "POST"
          ],
          "start_time": "2026-11-22T08:30:34.345+01:00",
          "duration_seconds": 1.25,
          "success": false,
          "result": "return code 3",
          "output": "mail: cannot send\n",
          "output_bytes": 18
        }
      ],
      "rehearsals": []
    }
    "#);
}

#[test]
fn task_executions_have_the_same_keys_in_a_list() {
    let details = fixture::details();
    let list = render(
        &View::TaskExecutions(std::slice::from_ref(&details.task)),
        &fixture::zone(),
    );
    let value: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let files = render(&View::Files(&details), &fixture::zone());
    let files: serde_json::Value = serde_json::from_str(&files).expect("JSON");
    assert_eq!(value["task_executions"][0], files["task_execution"]);
}

#[test]
fn nothing_found_is_an_empty_array() {
    let filter = PlanFilter::default();
    let view = View::PlanExecutions {
        rows: &[],
        filter: &filter,
    };
    assert_eq!(
        render(&view, &TimeZone::UTC),
        "{\n  \"schema_version\": 1,\n  \"plan_executions\": []\n}\n"
    );
}

#[test]
fn what_a_terminal_would_obey_is_escaped_and_reads_back_the_same() {
    let nasty = "\u{1b}[31m \u{9b}2J \u{202e} \u{e0041} größer\n";
    let mut details = fixture::details();
    details.task.error_message = Some(nasty.to_owned());
    let text = render(&View::Files(&details), &TimeZone::UTC);
    assert!(
        !text
            .chars()
            .any(|character| character != '\n' && is_unsafe(character))
    );
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["task_execution"]["error_message"], nasty);
}
