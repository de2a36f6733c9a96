//! How old the last good backup of everything is, judged as monitoring plug-ins do.
//!
//! Pure: what is expected, what history knows, and the present come in as values.

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::history::{GoodBackup, TargetRow};
use crate::report::fields;
use crate::report::plain::columns;
use crate::report::table::{CellKind, fitted};
use crate::run::event::{FileKind, TaskId};
use crate::run::status::{Class, Status};
use crate::values::duration::HumanDuration;
use crate::values::pattern::PatternList;
use crate::values::size::Bytes;
use crate::values::text::printable;

/// Something that the plan file wants to be backed up.
#[derive(Clone, Debug)]
pub struct ExpectedTarget {
    /// The device.
    pub device: String,
    /// What of it; `None` where no plan concerns the device.
    pub what: Option<What>,
}

/// A part of a device, and how it is backed up.
#[derive(Clone, Debug)]
pub struct What {
    /// `persisted` stands for exports.
    pub kind: FileKind,
    /// Which domains; `None` is `all-domains`.
    pub domains: Option<PatternList>,
}

/// What became of the last attempt, if that was not its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It has ended, one way or another.
    Ended,
    /// Its process is at work.
    Running,
    /// Its process is gone.
    Abandoned,
}

/// How a thing stands, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TargetState {
    /// History knows it, and no plan asks for it any more: it is not judged.
    NotPlanned,
    /// A good backup is young enough, and the last attempt was good.
    Ok,
    /// A good backup is young enough, but the last attempt was not good.
    Warning,
    /// No good backup is young enough.
    Critical,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Row {
    device: String,
    domain: String,
    kind: Option<FileKind>,
    state: TargetState,
    good: Option<GoodBackup>,
    age: Option<Duration>,
    last: Option<(TaskId, Status, Timestamp, Attempt)>,
    why: String,
}

/// Everything, worst first.
#[derive(Clone, Debug)]
pub struct Freshness {
    rows: Vec<Row>,
    max_age: Duration,
}

const COLUMNS: [(&str, CellKind); 10] = [
    ("State", CellKind::Code),
    ("Device", CellKind::Name),
    ("Domain", CellKind::Name),
    ("Kind", CellKind::Name),
    ("Age", CellKind::Time),
    ("Size", CellKind::Time),
    ("Last Good", CellKind::Time),
    ("Last Attempt", CellKind::Code),
    ("Attempted", CellKind::Time),
    ("Why", CellKind::Message),
];

/// Of the documents: grows when a key goes away or changes its meaning, and not when one is
/// added.
const SCHEMA_VERSION: u32 = 1;

/// The domain name of what covers a whole device.
const ALL: &str = crate::run::event::ALL_DOMAINS;

impl Freshness {
    /// Judges what is expected, and what `known` has of the same devices. `attempt` tells
    /// what a task without an end is at.
    pub fn judge(
        expected: &[ExpectedTarget],
        known: &[TargetRow],
        attempt: &dyn Fn(TaskId) -> Attempt,
        now: Timestamp,
        max_age: Duration,
    ) -> Self {
        // The running configuration is exported only where it differs from the saved one:
        // that such an export is old means nothing.
        let known = || known.iter().filter(|row| row.kind != FileKind::NonPersisted);
        let judge = FreshnessJudge {
            attempt,
            now,
            max_age,
        };
        let mut rows = Vec::new();
        for row in known() {
            let of_device = || {
                expected
                    .iter()
                    .filter(|expected| expected.device == row.device_name)
            };
            if of_device().next().is_some() {
                let no_plan = of_device().all(|expected| expected.what.is_none());
                let wanted = of_device().any(|expected| covers(expected, row));
                rows.push(judge.known(row, wanted || no_plan));
            }
        }
        for expected in expected {
            let has_row = |domain: &str, rows: &[Row]| {
                let kind = expected.what.as_ref().map(|what| what.kind);
                let same =
                    |row: &Row| row.device == expected.device && row.domain == domain && row.kind == kind;
                rows.iter().any(same)
            };
            for domain in missing(expected, known()) {
                if !has_row(&domain, &rows) {
                    rows.push(never(expected, domain));
                }
            }
        }
        rows.sort_by(|a, b| {
            let place = |row: &Row| {
                (
                    row.device.clone(),
                    row.domain.clone(),
                    row.kind.map(FileKind::code),
                )
            };
            b.state.cmp(&a.state).then_with(|| place(a).cmp(&place(b)))
        });
        Self { rows, max_age }
    }

    /// The worst of all.
    pub fn state(&self) -> TargetState {
        self.rows
            .iter()
            .map(|row| row.state)
            .max()
            .unwrap_or(TargetState::Ok)
            .max(TargetState::Ok)
    }

    /// One line as monitoring plug-ins print it, with its figures behind a bar.
    pub fn summary(&self) -> String {
        let count = |state| self.rows.iter().filter(|row| row.state == state).count();
        let (critical, warning, ok) = (
            count(TargetState::Critical),
            count(TargetState::Warning),
            count(TargetState::Ok),
        );
        let age = HumanDuration(self.max_age);
        let mut words = Vec::new();
        if critical > 0 {
            words.push(format!("{critical} without a good backup within {age}"));
        }
        if warning > 0 {
            words.push(format!("{warning} whose last attempt was not good"));
        }
        words.push(format!("{ok} good"));
        if let Some(row) = self.rows.iter().find(|row| row.state > TargetState::Ok) {
            words.push(format!("first: {}", row.named()));
        }
        let oldest = self.rows.iter().filter(|row| row.state > TargetState::NotPlanned);
        let oldest = oldest.filter_map(|row| row.age).max().unwrap_or_default();
        format!(
            "DPBACKUP {} - {} | ok={ok} warning={warning} critical={critical} oldest={}s;;{}",
            word(self.state()),
            words.join(", "),
            oldest.as_secs(),
            self.max_age.as_secs()
        )
    }

    /// The summary, then a line each; at a terminal of so many columns what fits there.
    pub fn table(&self, zone: &TimeZone, width: Option<u16>) -> String {
        let mut text = format!("{}\n", self.summary());
        if self.rows.is_empty() {
            text.push_str("The plan file has no devices.\n");
            return text;
        }
        let (titles, kinds): (Vec<String>, Vec<CellKind>) = COLUMNS
            .into_iter()
            .map(|(title, kind)| (title.to_owned(), kind))
            .unzip();
        let mut cells = vec![titles];
        cells.extend(self.rows.iter().map(|row| row.cells(zone)));
        let _ = match width {
            None => write!(text, "\n{}", columns(&cells)),
            Some(_) => write!(text, "\n{}", fitted(&cells, &kinds, width)),
        };
        text
    }

    /// One document.
    pub fn json(&self, zone: &TimeZone) -> String {
        let document = FreshnessDocument {
            schema_version: SCHEMA_VERSION,
            state: word(self.state()),
            summary: self.summary(),
            max_age_seconds: self.max_age.as_secs(),
            targets: self.rows.iter().map(|row| row.target(zone)).collect(),
        };
        super::json::text(&document)
    }
}

/// The document where nothing could be judged, for the reason in `summary`.
pub fn unknown_json(summary: &str) -> String {
    super::json::text(&Unknown {
        schema_version: SCHEMA_VERSION,
        state: "UNKNOWN",
        summary,
    })
}

#[derive(Serialize)]
struct FreshnessDocument<'r> {
    schema_version: u32,
    state: &'static str,
    summary: String,
    max_age_seconds: u64,
    targets: Vec<FreshnessTarget<'r>>,
}

#[derive(Serialize)]
struct Unknown<'s> {
    schema_version: u32,
    state: &'static str,
    summary: &'s str,
}

#[derive(Serialize)]
struct FreshnessTarget<'r> {
    device_name: &'r str,
    domain_name: Option<&'r str>,
    kind: Option<&'static str>,
    state: &'static str,
    reason: Option<&'r str>,
    age_seconds: Option<u64>,
    size: Option<u64>,
    good_time: serde_json::Value,
    good_task_execution_id: Option<i64>,
    last_task_execution_id: Option<i64>,
    last_status: Option<&'static str>,
    last_status_time: serde_json::Value,
    last_attempt: Option<&'static str>,
}

fn word(state: TargetState) -> &'static str {
    match state {
        TargetState::NotPlanned => "NOT_PLANNED",
        TargetState::Ok => "OK",
        TargetState::Warning => "WARNING",
        TargetState::Critical => "CRITICAL",
    }
}

fn covers(expected: &ExpectedTarget, row: &TargetRow) -> bool {
    expected.what.as_ref().is_some_and(|what| {
        let domain = match &what.domains {
            None => row.domain_name == ALL,
            Some(pattern) => row.domain_name != ALL && pattern.matches(&row.domain_name),
        };
        what.kind == row.kind && domain
    })
}

/// What is expected and has no row in history: domains by their names, a whole pattern
/// where no domain is known that matches it.
fn missing<'k>(expected: &ExpectedTarget, mut known: impl Iterator<Item = &'k TargetRow>) -> Vec<String> {
    let is_known = |row: &TargetRow| row.device_name == expected.device && covers(expected, row);
    match &expected.what {
        None if known.any(|row| row.device_name == expected.device) => Vec::new(),
        None => vec!["-".to_owned()],
        Some(What { domains: None, .. }) => vec![ALL.to_owned()],
        Some(What {
            domains: Some(pattern),
            ..
        }) => {
            let names: Vec<String> = pattern
                .literals()
                .filter(|name| pattern.matches(name))
                .map(str::to_owned)
                .collect();
            match names.is_empty() && !known.any(is_known) {
                true => vec![pattern.to_string()],
                false => names,
            }
        }
    }
}

fn never(expected: &ExpectedTarget, domain: String) -> Row {
    let why = match expected.what {
        Some(_) => "never backed up",
        None => "never backed up: no plan concerns this device",
    };
    Row {
        device: expected.device.clone(),
        domain,
        kind: expected.what.as_ref().map(|what| what.kind),
        state: TargetState::Critical,
        good: None,
        age: None,
        last: None,
        why: why.to_owned(),
    }
}

struct FreshnessJudge<'a> {
    attempt: &'a dyn Fn(TaskId) -> Attempt,
    now: Timestamp,
    max_age: Duration,
}

impl FreshnessJudge<'_> {
    fn known(&self, row: &TargetRow, is_planned: bool) -> Row {
        let age = row.good.map(|good| age(good.time, self.now));
        let attempt = match row.last_status.class() {
            Class::Interim => (self.attempt)(row.last_task),
            _ => Attempt::Ended,
        };
        let attempt_is_good = match (attempt, row.last_status.class()) {
            (Attempt::Running, _) | (Attempt::Ended, Class::Success | Class::Warning) => true,
            (Attempt::Abandoned | Attempt::Ended, _) => false,
        };
        let (state, why) = match age {
            _ if !is_planned => (TargetState::NotPlanned, "no plan asks for it any more".to_owned()),
            None => (TargetState::Critical, "never backed up".to_owned()),
            Some(age) if age > self.max_age => {
                let why = format!("older than {}", HumanDuration(self.max_age));
                (TargetState::Critical, why)
            }
            Some(_) if attempt_is_good => (TargetState::Ok, String::new()),
            Some(_) => (TargetState::Warning, "the last attempt was not good".to_owned()),
        };
        Row {
            device: row.device_name.clone(),
            domain: row.domain_name.clone(),
            kind: Some(row.kind),
            state,
            good: row.good,
            age,
            last: Some((row.last_task, row.last_status, row.last_time, attempt)),
            why,
        }
    }
}

/// A backup of the future, after a clock was set back, has no age.
fn age(time: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(time)).unwrap_or_default()
}

impl Row {
    fn named(&self) -> String {
        let what = self.kind.map_or_else(String::new, |kind| match kind {
            FileKind::SecureBackup => " secure-backup".to_owned(),
            _ => format!("/{}", self.domain),
        });
        // A bar would begin the figures.
        format!("{}{what}", self.device).replace('|', "_")
    }

    fn cells(&self, zone: &TimeZone) -> Vec<String> {
        let dash = || "-".to_owned();
        let last = self
            .last
            .map_or_else(dash, |(_, status, _, attempt)| match attempt {
                Attempt::Ended => status.to_string(),
                Attempt::Running => format!("running: {status}"),
                Attempt::Abandoned => format!("abandoned: {status}"),
            });
        let seconds = |age: Duration| HumanDuration(Duration::from_secs(age.as_secs())).to_string();
        let shown = |time: Timestamp| {
            time.to_zoned(zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string()
        };
        vec![
            word(self.state).to_owned(),
            printable(&self.device).into_owned(),
            printable(&self.domain).into_owned(),
            self.kind.map_or("-", FileKind::code).to_owned(),
            self.age.map_or_else(dash, seconds),
            self.good.map_or_else(dash, |good| Bytes(good.size).to_string()),
            self.good.map_or_else(dash, |good| shown(good.time)),
            last,
            self.last.map_or_else(dash, |(_, _, time, _)| shown(time)),
            self.why.clone(),
        ]
    }

    fn target(&self, zone: &TimeZone) -> FreshnessTarget<'_> {
        let attempt = self.last.map(|(_, _, _, attempt)| match attempt {
            Attempt::Ended => "ended",
            Attempt::Running => "running",
            Attempt::Abandoned => "abandoned",
        });
        FreshnessTarget {
            device_name: &self.device,
            domain_name: self.kind.is_some().then_some(&self.domain),
            kind: self.kind.map(FileKind::code),
            state: word(self.state),
            reason: (!self.why.is_empty()).then_some(&self.why),
            age_seconds: self.age.map(|age| age.as_secs()),
            size: self.good.map(|good| good.size),
            good_time: fields::optional_time(self.good.map(|good| good.time), zone),
            good_task_execution_id: self.good.map(|good| good.task.0),
            last_task_execution_id: self.last.map(|(task, _, _, _)| task.0),
            last_status: self.last.map(|(_, status, _, _)| status.code()),
            last_status_time: fields::optional_time(self.last.map(|(_, _, time, _)| time), zone),
            last_attempt: attempt,
        }
    }
}
