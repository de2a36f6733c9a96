use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::freshness::{Attempt, Freshness, JudgedTarget, LastAttempt, TargetState};
use crate::history::{
    ChangeRow, GoodBackup, RehearsalId, RehearsalRow, RehearsedTarget, RemovedRow, TaskOfDay, UnsavedTarget,
};
use crate::report::fixture;
use crate::run::event::{ActionKind, FileKind, TaskId};
use crate::run::status::Status;
use crate::values::change::{Change, ChangeList, ConfigChange, ConfigPiece};
use crate::values::invocation::Invocation;
use crate::values::rehearsal::{RehearsalResult, RehearsalVerdict, SpareProof};

fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().expect("a moment")
}

fn target(domain: &str, state: TargetState) -> JudgedTarget {
    let time = now() - Duration::from_secs(4 * 3_600);
    let good = (state != TargetState::Critical).then_some(GoodBackup {
        task: TaskId(7),
        time,
        size: 1 << 20,
    });
    JudgedTarget {
        device: "QA1".to_owned(),
        domain: domain.to_owned(),
        kind: Some(FileKind::Persisted),
        state,
        good,
        age: good.map(|_| Duration::from_secs(4 * 3_600)),
        last: Some(LastAttempt {
            task: TaskId(8),
            status: Status::DownloadFailed,
            time,
            attempt: Attempt::Ended,
        }),
        rehearsed: None,
        why: String::new(),
    }
}

/// A page about these targets, with all else that a page can hold.
fn page_about(targets: Vec<JudgedTarget>, unsaved: usize, left: Option<&str>) -> String {
    let freshness = Freshness {
        targets,
        max_age: Duration::from_secs(26 * 3_600),
        half_done: Vec::new(),
        dry_runs: Vec::new(),
        left_folders: None,
        left: left.map(str::to_owned),
        is_whole: true,
        unseen: None,
    };
    let change = ConfigChange {
        domain: "DOM1".to_owned(),
        piece: ConfigPiece::Object {
            class: "XMLManager".to_owned(),
            name: "<b>big".to_owned(),
        },
        change: Change::Changed,
        description: "mAdminState: enabled → <i>disabled".to_owned(),
    };
    let unsaved: Vec<(UnsavedTarget, Option<ChangeList>)> = (0..unsaved)
        .map(|index| {
            let target = UnsavedTarget {
                device_name: "QA1".to_owned(),
                domain_name: format!("DOM{index}"),
                task: TaskId(9),
                time: now(),
            };
            let first = vec![change.clone()];
            (target, Some(ChangeList { first, count: 7 }))
        })
        .collect();
    let changes = [ChangeRow {
        id: 1,
        time: now(),
        device_name: "QA1".to_owned(),
        kind: FileKind::Persisted,
        task: TaskId(9),
        change,
    }];
    let since = now() - Duration::from_secs(30 * 86_400);
    let mut calendar = DayCalendar::new(since, now(), &fixture::zone());
    for (status, domain_name) in [(Status::Success, "DOM1"), (Status::DownloadFailed, "<i>DOM2")] {
        calendar.add(&TaskOfDay {
            device_name: "QA1",
            domain_name,
            action: ActionKind::ExportDomain,
            status,
            start_time: now(),
            warned: false,
            is_damaged: false,
        });
    }
    let rehearsed = [RehearsedTarget {
        device_name: "QA1".to_owned(),
        domain_name: "<u>DOM1".to_owned(),
        last: RehearsalRow {
            id: RehearsalId(1),
            task: TaskId(7),
            device_name: "QA1".to_owned(),
            domain_name: "<u>DOM1".to_owned(),
            spare_name: "SPARE1".to_owned(),
            firmware_version: None,
            serial: None,
            start_time: now(),
            end_time: Some(now()),
            result: RehearsalResult {
                verdict: RehearsalVerdict::WouldFail,
                proof: SpareProof::Unchanged,
                refused: vec!["XMLManager <u>default".to_owned()],
                missing_keys: vec!["cert:///key.pem".to_owned()],
                message: None,
            },
        },
        good_time: None,
        bad: std::collections::BTreeSet::new(),
    }];
    let executions = fixture::plans();
    let activities = fixture::activities();
    let details = fixture::details();
    let plan = executions[0].clone();
    render(&ReportPage {
        now: now(),
        since,
        zone: fixture::zone(),
        plan: None,
        freshness: &freshness,
        unsaved: &unsaved,
        changes: &changes,
        more_changes: true,
        not_looked_at: &["the store <is> away; whether the backups are in it was not looked at".to_owned()],
        calendar: &calendar,
        rehearsed: &rehearsed,
        executions: &executions,
        details: &[ExecutionDetails {
            plan,
            activities,
            tasks: vec![details],
            all_tasks: 5,
            notes: Vec::new(),
            scripts: Vec::new(),
        }],
        removed: &[RemovedRow {
            device_name: "QA1".to_owned(),
            files: 3,
            size: 4096,
        }],
        history: "/var/lib/dpbackup/history.db",
        invocation: &Invocation::naming(&PathBuf::from("/etc/dpbackup/plans.toml")),
    })
}

fn answer(targets: Vec<JudgedTarget>, unsaved: usize, left: Option<&str>) -> String {
    let page = page_about(targets, unsaved, left);
    let (_, rest) = page.split_once("<h1>").expect("a heading");
    rest.split_once("</h1>").expect("its end").0.to_owned()
}

#[test]
fn the_heading_says_the_answer_first() {
    let of = |states: &[TargetState]| {
        states
            .iter()
            .enumerate()
            .map(|(index, state)| target(&format!("DOM{index}"), *state))
            .collect::<Vec<_>>()
    };
    use TargetState::{Critical, NotPlanned, Ok, Warning};
    for (targets, unsaved, left, wanted) in [
        (of(&[]), 0, None, "Nothing is planned to be backed up."),
        (of(&[NotPlanned]), 0, None, "Nothing is planned to be backed up."),
        (
            of(&[Ok]),
            0,
            None,
            "The one target has a good backup younger than 26 h.",
        ),
        (
            of(&[Critical]),
            0,
            None,
            "The one target has no good backup younger than 26 h.",
        ),
        (
            of(&[Ok, Warning, NotPlanned]),
            2,
            None,
            "All 2 targets have a good backup younger than 26 h; 2 have unsaved changes.",
        ),
        (
            of(&[Critical, Ok, Ok]),
            1,
            None,
            "2 of 3 targets have a good backup younger than 26 h; 1 has unsaved changes. First without: QA1/DOM0.",
        ),
        (
            of(&[Critical, Critical]),
            0,
            Some("QA1 may be quiesced"),
            "None of the 2 targets has a good backup younger than 26 h. First without: QA1/DOM0. \
             Something may still be quiesced.",
        ),
    ] {
        assert_eq!(answer(targets, unsaved, left), wanted);
    }
}

#[test]
fn texts_from_elsewhere_are_text_and_visible() {
    let mut bad = target("</td><script>alert(1)</script>", TargetState::Critical);
    bad.why = "\u{202e}\u{1b}[31m\" onload=\"x".to_owned();
    let page = page_about(vec![bad], 0, Some("<b>QA1</b> may still be quiesced"));
    for markup in [
        "<script",
        "<b>QA1",
        "<i>DOM2",
        "<b>big",
        "<u>DOM1",
        "<u>default",
        "<i>disabled",
        "store <is>",
        "\u{202e}",
        "\u{1b}",
        "\" onload",
    ] {
        assert!(!page.contains(markup), "{markup:?} stands in the page");
    }
    assert!(page.contains("&lt;script&gt;alert(1)"), "it is shown");
    assert!(
        page.contains("\\u{202e}\\u{1b}[31m&quot; onload=&quot;x"),
        "it is shown"
    );
}

/// The values of an attribute.
fn values<'p>(page: &'p str, attribute: &str) -> Vec<&'p str> {
    let begin = format!(" {attribute}=\"");
    let found = page.split(&begin).skip(1);
    found.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn a_page_asks_nothing_of_the_network_and_holds_no_script() {
    let page = page_about(vec![target("DOM1", TargetState::Ok)], 1, None);
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    for outside in [
        "http:", "https:", "src=", "url(", "@import", "<link", "<iframe", "<object", "<script",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.find(MARK).expect("the mark") < 1_000, "near its beginning");
}

#[test]
fn every_link_leads_to_something_in_the_page_and_no_name_stands_twice() {
    let page = page_about(vec![target("DOM1", TargetState::Critical)], 1, None);
    let ids = values(&page, "id");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
    let links = values(&page, "href");
    assert!(links.len() > 5, "{links:?}");
    for link in links {
        assert!(unique.contains(link.trim_start_matches('#')), "{link}");
    }
    for label in values(&page, "aria-labelledby")
        .into_iter()
        .chain(values(&page, "aria-describedby"))
    {
        assert!(unique.contains(label), "{label}");
    }
}

#[test]
fn what_is_left_out_is_said_with_the_command_that_has_it() {
    let many = (0..700)
        .map(|index| target(&format!("D{index}"), TargetState::Critical))
        .collect();
    let page = page_about(many, 0, None);
    assert!(page.contains(
        "200 more are left out here: <code>dpbackup history status --config /etc/dpbackup/plans.toml</code>"
    ));
    assert!(page.contains("4 more tasks are left out here: <code>dpbackup history tasks ID --config"));
    assert!(page.contains("The newest 1; of older ones <code>dpbackup history activities ID --config"));
}

#[test]
fn the_more_days_the_fewer_rows_of_them_are_drawn() {
    assert_eq!([1, 30, 90, 366].map(parts::most_rows), [1_500, 1_500, 1_111, 273]);
}

/// The colours of one scheme, by their names in the styles.
fn colours(block: &str) -> impl Fn(&str) -> [f64; 3] {
    let block = block.to_owned();
    move |name| {
        let (_, rest) = block.split_once(&format!("--{name}:#")).expect(name);
        let digits: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        let pairs: Vec<String> = match digits.len() {
            3 => digits.chars().map(|digit| format!("{digit}{digit}")).collect(),
            _ => vec![
                digits[0..2].to_owned(),
                digits[2..4].to_owned(),
                digits[4..6].to_owned(),
            ],
        };
        let mut channels = pairs.iter().map(|pair| {
            let value = f64::from(u8::from_str_radix(pair, 16).expect("hex")) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        });
        std::array::from_fn(|_| channels.next().expect("three channels"))
    }
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let light = |[red, green, blue]: [f64; 3]| 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[test]
fn every_colour_of_text_stands_out_in_both_schemes() {
    let mut schemes = STYLE.split(":root{").skip(1);
    for scheme in ["light", "dark"] {
        let colour = colours(schemes.next().expect("a scheme"));
        for text in ["ink", "soft", "accent", "good", "warn", "fail", "faint"] {
            for ground in ["paper", "sheet", "hover"] {
                let found = contrast(colour(text), colour(ground));
                assert!(found >= 4.5, "{scheme}: {text} on {ground} is {found:.2}");
            }
        }
        assert!(contrast(colour("ink"), colour("failbg")) >= 4.5, "{scheme}");
    }
}

#[test]
fn a_page_is_always_the_same() {
    let page = page_about(
        vec![
            target("DOM1", TargetState::Critical),
            target("DOM2", TargetState::Ok),
        ],
        1,
        Some("QA1/DOM1 may still be quiesced"),
    );
    let shown = page.replace(STYLE, "").replace("><", ">\n<");
    insta::assert_snapshot!(shown);
}
