//! The age of the last good backups, as a line for monitoring, as a table, as JSON.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;

use crate::freshness::{Attempt, Freshness, JudgedTarget, TargetState};
use crate::report::csv;
use crate::report::fields::{self, Field};
use crate::report::grid::{CellKind, fits, fitted};
use crate::report::json::{self, RowObject, objects};
use crate::report::paint::STATE;
use crate::report::written::zone_name;
use crate::run::event::FileKind;
use crate::values::clock_time::on_clock;
use crate::values::duration::HumanDuration;
use crate::values::size::Bytes;
use crate::values::text::{hanging, printable};

/// The keys of a target as JSON and CSV have them.
const TARGET: &[Field<JudgedTarget>] = &[
    ("device_name", |row, _| json!(row.device)),
    ("domain_name", |row, _| json!(row.kind.map(|_| &row.domain))),
    ("kind", |row, _| json!(row.kind.map(FileKind::code))),
    ("state", |row, _| json!(word(row.state))),
    ("reason", |row, _| {
        json!(Some(&row.why).filter(|why| !why.is_empty()))
    }),
    ("age_seconds", |row, _| json!(row.age.map(|age| age.as_secs()))),
    ("size", |row, _| json!(row.good.map(|good| good.size))),
    ("good_time", |row, zone| {
        fields::optional_time(row.good.map(|good| good.time), zone)
    }),
    ("good_task_execution_id", |row, _| {
        json!(row.good.map(|good| good.task.0))
    }),
    ("last_task_execution_id", |row, _| {
        json!(row.last.map(|last| last.task.0))
    }),
    ("last_status", |row, _| {
        json!(row.last.map(|last| last.status.code()))
    }),
    ("last_status_time", |row, zone| {
        fields::optional_time(row.last.map(|last| last.time), zone)
    }),
    ("last_attempt", |row, _| {
        json!(row.last.map(|last| attempt_word(last.attempt)))
    }),
    ("good_rehearsal_time", |row, zone| {
        fields::optional_time(row.rehearsed, zone)
    }),
];

const COLUMNS: [(&str, CellKind); 11] = [
    (STATE, CellKind::Code),
    ("Device", CellKind::Name),
    ("Domain", CellKind::Name),
    ("Kind", CellKind::Name),
    ("Age", CellKind::Time),
    ("Size", CellKind::Time),
    ("Last Good", CellKind::Time),
    ("Task", CellKind::Time),
    ("Last Attempt", CellKind::Code),
    ("Attempted", CellKind::Time),
    ("Why", CellKind::Message),
];

/// What a narrow terminal goes without, step by step: ages tell more than times.
const LEFT_OUT: [&[&str]; 3] = [&[], &["Size", "Attempted"], &["Size", "Attempted", "Last Good"]];

/// Of the documents: grows when a key goes away or changes its meaning, and not when one is
/// added.
const SCHEMA_VERSION: u32 = 1;

/// One line as monitoring plug-ins print it, with its figures behind a bar.
fn summary(freshness: &Freshness) -> String {
    let (critical, warning, ok) = (
        freshness.count(TargetState::Critical),
        freshness.count(TargetState::Warning),
        freshness.count(TargetState::Ok),
    );
    let age = HumanDuration(freshness.max_age);
    let mut words = Vec::new();
    if let Some(left) = &freshness.left {
        // A bar would begin the figures.
        words.push(printable(&left.replace('|', "_")).into_owned());
    }
    let unseen = freshness.half_done.iter().chain(&freshness.dry_runs);
    let unseen = unseen.chain(&freshness.left_folders);
    words.extend(unseen.map(|left| without_bar(left)));
    words.extend(freshness.unseen.iter().map(|why| without_bar(why)));
    if !freshness.is_whole {
        words.push("of what is wrong in the plan file nothing is known".to_owned());
    }
    if critical > 0 {
        words.push(format!("{critical} without a good backup within {age}"));
    }
    if warning > 0 {
        words.push(format!("{warning} with a warning"));
    }
    words.push(format!("{ok} good"));
    if let Some(target) = freshness
        .targets
        .iter()
        .find(|target| target.state > TargetState::Ok)
    {
        words.push(format!("first: {}", named(target)));
    }
    // What plug-ins write where a value is not known; the best one would be a lie.
    let oldest = freshness
        .oldest()
        .map_or_else(|| "U".to_owned(), |age| format!("{}s", age.as_secs()));
    format!(
        "DPBACKUP {} - {} | ok={ok} warning={warning} critical={critical} oldest={oldest};;{}",
        verdict(freshness),
        words.join(", "),
        freshness.max_age.as_secs()
    )
}

/// The summary, then a line each; at a terminal of so many columns what fits there.
pub fn table(freshness: &Freshness, zone: &TimeZone, width: Option<u16>) -> String {
    let mut text = format!("{}\n", hanging(&summary(freshness), 0, width));
    if freshness.targets.is_empty() {
        text.push_str("The plan file has no devices.\n");
        return text;
    }
    text.push_str(&targets(&freshness.targets, zone, width));
    text
}

/// The word for all of it.
fn verdict(freshness: &Freshness) -> &'static str {
    freshness.known_state().map_or("UNKNOWN", word)
}

/// The same of what is not good alone; nothing where all is.
pub fn not_good(freshness: &Freshness, zone: &TimeZone, width: Option<u16>) -> String {
    let mut bad = freshness.targets.clone();
    bad.retain(|target| target.state > TargetState::Ok);
    match bad.as_slice() {
        [] if freshness
            .known_state()
            .is_some_and(|state| state <= TargetState::Ok) =>
        {
            String::new()
        }
        bad => {
            let summary = hanging(&summary(freshness), 0, width);
            let below = match bad {
                [] => String::new(),
                bad => targets(bad, zone, width),
            };
            format!("{summary}\n{below}")
        }
    }
}

fn targets(targets: &[JudgedTarget], zone: &TimeZone, width: Option<u16>) -> String {
    let mut rows = vec![COLUMNS.map(|(title, _)| title.to_owned()).to_vec()];
    rows.extend(targets.iter().map(|target| cells(target, zone)));
    let steps = LEFT_OUT.map(|left_out| without(&rows, left_out));
    let first = steps.iter().position(|(rows, kinds)| fits(rows, kinds, width));
    let step = first.unwrap_or(0);
    let left_out = match LEFT_OUT[step] {
        [] => String::new(),
        columns => format!("; a wider terminal has {}", columns.join(", ")),
    };
    let (rows, kinds) = &steps[step];
    let zone = zone_name(zone);
    format!(
        "\nTimes are in {zone}{left_out}.\n\n{}",
        fitted(rows, kinds, width)
    )
}

/// The rows without some columns.
fn without(rows: &[Vec<String>], left_out: &[&str]) -> (Vec<Vec<String>>, Vec<CellKind>) {
    let kept = COLUMNS.map(|(title, _)| !left_out.contains(&title));
    let kinds = COLUMNS
        .iter()
        .zip(kept)
        .filter(|(_, kept)| *kept)
        .map(|((_, kind), _)| *kind);
    let row = |row: &Vec<String>| {
        let cells = row.iter().zip(kept).filter(|(_, kept)| *kept);
        cells.map(|(cell, _)| cell.clone()).collect()
    };
    (rows.iter().map(row).collect(), kinds.collect())
}

/// The targets for spreadsheets. What is judged of all of them has no row.
pub fn csv(freshness: &Freshness, zone: &TimeZone) -> String {
    csv::lines(&freshness.targets, TARGET, zone)
}

/// One document.
pub fn json(freshness: &Freshness, zone: &TimeZone) -> String {
    let document = FreshnessDocument {
        state: verdict(freshness),
        summary: summary(freshness),
        may_be_quiesced: freshness.left.as_deref(),
        half_done_imports: &freshness.half_done,
        unseen_dry_runs: &freshness.dry_runs,
        left_folders: freshness.left_folders.as_deref(),
        not_looked_at: freshness.unseen.as_deref(),
        max_age_seconds: freshness.max_age.as_secs(),
        targets: objects(&freshness.targets, TARGET, zone),
    };
    json::document(SCHEMA_VERSION, &document)
}

/// The summary where nothing could be judged.
pub fn unjudged(state: &str, why: &str) -> String {
    format!("DPBACKUP {state} - {}", without_bar(why))
}

/// The document where nothing could be judged, for the reason in `summary`.
pub fn unjudged_json(state: &str, summary: &str) -> String {
    json::document(SCHEMA_VERSION, &Unknown { state, summary })
}

#[derive(Serialize)]
struct FreshnessDocument<'r> {
    state: &'static str,
    summary: String,
    may_be_quiesced: Option<&'r str>,
    half_done_imports: &'r [String],
    unseen_dry_runs: &'r [String],
    left_folders: Option<&'r str>,
    not_looked_at: Option<&'r str>,
    max_age_seconds: u64,
    targets: Vec<RowObject<'r, JudgedTarget>>,
}

#[derive(Serialize)]
struct Unknown<'s> {
    state: &'s str,
    summary: &'s str,
}

fn word(state: TargetState) -> &'static str {
    match state {
        TargetState::NotPlanned => "NOT_PLANNED",
        TargetState::Ok => "OK",
        TargetState::Warning => "WARNING",
        TargetState::Critical => "CRITICAL",
    }
}

fn attempt_word(attempt: Attempt) -> &'static str {
    match attempt {
        Attempt::Ended => "ended",
        Attempt::Running => "running",
        Attempt::Abandoned => "abandoned",
        Attempt::NotKnown => "not_known",
    }
}

fn named(target: &JudgedTarget) -> String {
    let what = target.kind.map_or_else(String::new, |kind| match kind {
        FileKind::SecureBackup => " secure-backup".to_owned(),
        _ => format!("/{}", target.domain),
    });
    without_bar(&format!("{}{what}", target.device))
}

/// A text as it can be shown beside figures: a bar would begin some, also in the lines after the first.
fn without_bar(text: &str) -> String {
    printable(text).replace('|', "_")
}

fn cells(target: &JudgedTarget, zone: &TimeZone) -> Vec<String> {
    let dash = || "-".to_owned();
    let last = target.last.map_or_else(dash, |last| match last.attempt {
        Attempt::Ended => last.status.to_string(),
        Attempt::Running => format!("running: {}", last.status),
        Attempt::Abandoned => format!("abandoned: {}", last.status),
        Attempt::NotKnown => format!("not known whether at work: {}", last.status),
    });
    let seconds = |age: Duration| HumanDuration(Duration::from_secs(age.as_secs())).to_string();
    let shown = |time: Timestamp| on_clock(time, zone);
    vec![
        word(target.state).to_owned(),
        without_bar(&target.device),
        without_bar(&target.domain),
        target.kind.map_or("-", FileKind::code).to_owned(),
        target.age.map_or_else(dash, seconds),
        target.good.map_or_else(dash, |good| Bytes(good.size).to_string()),
        target.good.map_or_else(dash, |good| shown(good.time)),
        target.good.map_or_else(dash, |good| good.task.0.to_string()),
        last,
        target.last.map_or_else(dash, |last| shown(last.time)),
        without_bar(&target.why),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freshness::LastAttempt;
    use crate::history::GoodBackup;
    use crate::run::event::TaskId;
    use crate::run::status::Status;

    #[test]
    fn a_narrow_terminal_goes_without_what_says_least() {
        let time = "2026-11-22T04:00:00Z".parse().expect("a moment");
        let freshness = Freshness {
            targets: vec![JudgedTarget {
                device: "QA-device1".to_owned(),
                domain: "SALES".to_owned(),
                kind: Some(FileKind::Persisted),
                state: TargetState::Warning,
                good: Some(GoodBackup {
                    task: TaskId(7),
                    time,
                    size: 4_800,
                }),
                age: Some(Duration::from_secs(18_000)),
                last: Some(LastAttempt {
                    task: TaskId(8),
                    status: Status::SkippedDeviceNotAvailable,
                    time,
                    attempt: Attempt::Ended,
                }),
                rehearsed: None,
                why: "the last attempt was not good".to_owned(),
            }],
            max_age: Duration::from_secs(93_600),
            half_done: Vec::new(),
            dry_runs: Vec::new(),
            left_folders: None,
            left: None,
            is_whole: true,
            unseen: None,
        };
        let drawn = |width| {
            let text = table(&freshness, &TimeZone::UTC, Some(width));
            let (_, table) = text.split_once("\n\n").expect("a table below the summary");
            assert!(
                table
                    .lines()
                    .all(|line| line.chars().count() <= usize::from(width)),
                "{table}"
            );
            table.to_owned()
        };
        insta::assert_snapshot!(format!("{}\n{}", drawn(120), drawn(80)), @r#"
        Times are in UTC.

        State   Device     Domain Kind      Age Size Last       Task Last            Attempted  Why
                                                     Good            Attempt
        ---------------------------------------------------------------------------------------------------------------------
        WARNING QA-device1 SALES  persisted 5h  4.7  2026-11-22 7    SKIPPED_DEVICE_ 2026-11-22 the last attempt was not good
                                                KiB  04:00:00        NOT_AVAILABLE   04:00:00

        Times are in UTC; a wider terminal has Size, Attempted.

        State   Device  Domain Kind      Age Last       Task Last        Why
                                             Good            Attempt
        --------------------------------------------------------------------------------
        WARNING QA-     SALES  persisted 5h  2026-11-22 7    SKIPPED_    the last
                device1                      04:00:00        DEVICE_NOT_ attempt was not
                                                             AVAILABLE   good
        "#);
    }
}
