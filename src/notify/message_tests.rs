//! One notice in each of its forms.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::notify::notice::{EndChange, Notice, NoticeChanges, NoticePlace, NoticeTask};
use crate::notify::past::{Figures, PlanFigures, TargetFigures};
use crate::notify::{json, metrics, rfc5424, words};
use crate::run::event::{ALL_DOMAINS, ActionKind, Certainty, FileKind, PlanId, TaskId};
use crate::run::status::Status;
use crate::values::event_name::EventName;
use crate::values::invocation::Invocation;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn task(id: i64, domain: &str, status: Status, error: Option<&str>) -> NoticeTask {
    NoticeTask {
        id: TaskId(id),
        action: if domain == ALL_DOMAINS {
            ActionKind::SecureBackup
        } else {
            ActionKind::ExportDomain
        },
        device: "TEST8".to_owned(),
        domain: domain.to_owned(),
        status,
        error: error.map(str::to_owned),
        files: 2,
        bytes: if error.is_none() { 5_000_000 } else { 0 },
        began: None,
        took: Some(Duration::from_secs(95)),
    }
}

/// A plan that failed, with everything that a message can hold.
pub(super) fn failed() -> Notice {
    Notice {
        event: EventName::Failed,
        time: at("2026-11-22T00:12:30Z"),
        zone: TimeZone::fixed(jiff::tz::offset(1)),
        host: Some("backup1".to_owned()),
        is_test: false,
        invocation: Invocation::default(),
        plan: "Nightly".to_owned(),
        execution: Some(PlanId(12)),
        started: Some(at("2026-11-22T00:00:00Z")),
        took: Some(Duration::from_secs(750)),
        status: Some(Status::Failed),
        error: Some("task 32 DOWNLOAD_FAILED: the device said \u{1b}[31m\"no\"".to_owned()),
        place: None,
        tasks: vec![
            task(31, ALL_DOMAINS, Status::Success, None),
            task(
                32,
                "DOMAIN1",
                Status::DownloadFailed,
                Some("the device said \u{1b}[31m\"no\""),
            ),
            task(
                33,
                "DOMAIN2",
                Status::CanceledBecauseErrorPolicy,
                Some("task 32 ended DOWNLOAD_FAILED"),
            ),
        ],
        still_quiesced: vec![NoticePlace {
            task: TaskId(32),
            device: "TEST8".to_owned(),
            domain: "DOMAIN1".to_owned(),
            certainty: Some(Certainty::Seen),
            error: Some("no answer".to_owned()),
        }],
        warnings: vec!["the post-plan script post.sh: return code 1".to_owned()],
        notes: Vec::new(),
        changes: NoticeChanges::default(),
        change: Some(EndChange::Again {
            since: at("2026-11-20T00:12:00Z"),
            times: 3,
        }),
        page: None,
    }
}

#[test]
fn a_mail_says_it_all_in_its_subject_and_fits_a_phone() {
    let notice = failed();
    insta::assert_snapshot!(format!("{}\n\n{}", words::subject(&notice), words::body(&notice)));
    // What is wider stands in lines of its own.
    let wide = |line: &&str| line.chars().count() > 48 && !line.starts_with("          ");
    let body = words::body(&notice);
    let wide: Vec<&str> = body
        .lines()
        .filter(wide)
        .filter(|line| !line.starts_with("why "))
        .collect();
    assert_eq!(wide, Vec::<&str>::new());
}

#[test]
fn each_event_has_a_subject_of_its_own() {
    let place = Some(NoticePlace {
        task: TaskId(32),
        device: "TEST8".to_owned(),
        domain: "DOMAIN1".to_owned(),
        certainty: Some(Certainty::Seen),
        error: None,
    });
    let of = |event, status, change| {
        let notice = Notice {
            event,
            status: Some(status),
            change,
            place: place.clone(),
            still_quiesced: Vec::new(),
            ..failed()
        };
        words::subject(&notice)
    };
    let since = at("2026-11-20T00:12:00Z");
    let mended = |times| {
        Some(EndChange::WellAgain {
            was: Status::Failed,
            since,
            times,
        })
    };
    let subjects = [
        of(EventName::Started, Status::Running, None),
        of(EventName::TaskFailed, Status::QuiesceTimeout, None),
        of(EventName::Succeeded, Status::Success, Some(EndChange::First)),
        of(EventName::Succeeded, Status::Success, mended(1)),
        of(EventName::Succeeded, Status::Success, mended(72)),
        of(EventName::Warned, Status::CompletedWithWarnings, None),
        of(EventName::Failed, Status::Interrupted, None),
        of(EventName::Refused, Status::Locked, None),
        of(EventName::StillQuiesced, Status::Running, None),
        of(EventName::Recovered, Status::Running, None),
    ];
    insta::assert_snapshot!(subjects.join("\n"));
}

#[test]
fn a_long_subject_is_cut_and_no_name_can_add_a_line_to_it() {
    let notice = Notice {
        plan: format!("N\r\nBcc: all@example.com {}", "ü".repeat(300)),
        ..failed()
    };
    let subject = words::subject(&notice);
    assert_eq!(subject.chars().count(), 140);
    assert!(!subject.contains(['\r', '\n']), "{subject}");
}

#[test]
fn a_syslog_message_escapes_what_would_end_its_parameters() {
    let notice = Notice {
        plan: r#"a"b\c]d"#.to_owned(),
        still_quiesced: Vec::new(),
        ..failed()
    };
    insta::assert_snapshot!(rfc5424::message(&notice, 3, 4711));
}

#[test]
fn a_syslog_message_is_cut_between_characters() {
    let notice = Notice {
        error: Some("ü".repeat(5000)),
        ..failed()
    };
    let message = rfc5424::message(&notice, 3, 4711);
    assert!((2040..=2048).contains(&message.len()), "{}", message.len());
    assert!(message.ends_with("ü…"));
}

#[test]
fn the_event_has_every_documented_key() {
    let text = serde_json::to_string_pretty(&json::document(&failed())).expect("JSON");
    assert!(text.starts_with("{\n  \"schema_version\": 1,"), "{text}");
    let event: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let documented = include_str!("../../docs/notifications.md");
    for (key, _) in event.as_object().expect("an object") {
        assert!(
            documented.contains(&format!("`{key}`")),
            "{key} is not documented"
        );
    }
    insta::assert_snapshot!(text);
}

#[test]
fn metrics_escape_their_labels_and_leave_out_what_is_not_known() {
    let figures = Figures {
        plans: vec![PlanFigures {
            plan: "a\"b\\c".to_owned(),
            ended: at("2026-11-22T00:12:30.250Z"),
            status: Status::Failed,
            took: Some(Duration::from_millis(750_500)),
            bytes: 5_000_000_000,
            succeeded: None,
        }],
        targets: vec![TargetFigures {
            unsaved: None,
            device: "TEST8".to_owned(),
            domain: "DOMAIN1".to_owned(),
            kind: FileKind::Persisted,
            time: at("2026-11-22T00:12:30Z"),
            status: Status::DownloadFailed,
            took: None,
            out_of_service: Some(Duration::from_millis(12_300)),
            good: Some((at("2026-11-21T00:12:30Z"), 4096)),
        }],
        changes: Vec::new(),
        rehearsals: Vec::new(),
        open_quiesces: vec![("TEST8".to_owned(), "DOMAIN1".to_owned())],
    };
    let text = metrics::text(&figures, at("2026-11-22T00:13:00Z"));
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    insta::assert_snapshot!(samples.join("\n").replace(env!("CARGO_PKG_VERSION"), "[VERSION]"));
}
