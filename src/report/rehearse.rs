//! What came of rehearsals, as lines for people and as a JSON document.

use std::fmt::Write as _;

use serde::Serialize;

use crate::history::FileRow;
use crate::report::json;
use crate::values::first_few::first_few;
use crate::values::rehearsal::{RehearsalResult, SpareProof};
use crate::values::text::printable;

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// So many keys are named in a line.
const NAMED: usize = 5;

/// One backup, and what came of it.
#[derive(Clone, Debug)]
pub struct RehearsalLine {
    /// `task 12: QA1 DOM1`.
    pub place: String,
    /// What came of it.
    pub outcome: RehearsalOutcome,
}

/// What came of a backup that was to be rehearsed.
#[derive(Clone, Debug)]
pub enum RehearsalOutcome {
    /// It was left out, for this reason.
    LeftOut {
        /// Which backup it is.
        row: Box<FileRow>,
        /// The reason.
        why: String,
        by: LeftOutBy,
    },
    /// It was rehearsed.
    Ended {
        /// Which backup it is.
        row: Box<FileRow>,
        /// What is known of it now.
        result: RehearsalResult,
    },
}

/// What it is for which a backup was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOutBy {
    /// Such a one is never rehearsed, and nobody has named this one: no news.
    Rule,
    /// How it stands, or how the spare does.
    State,
}

impl RehearsalLine {
    /// A backup that was left out.
    pub fn left_out(place: &str, row: &FileRow, why: &str, by: LeftOutBy) -> Self {
        Self {
            place: place.to_owned(),
            outcome: RehearsalOutcome::LeftOut {
                row: Box::new(row.clone()),
                why: why.to_owned(),
                by,
            },
        }
    }

    /// A backup that was rehearsed.
    pub fn ended(place: &str, row: &FileRow, result: RehearsalResult) -> Self {
        let row = Box::new(row.clone());
        Self {
            place: place.to_owned(),
            outcome: RehearsalOutcome::Ended { row, result },
        }
    }

    /// What is known of the backup now; `None` where it was left out.
    pub fn result(&self) -> Option<&RehearsalResult> {
        match &self.outcome {
            RehearsalOutcome::LeftOut { .. } => None,
            RehearsalOutcome::Ended { result, .. } => Some(result),
        }
    }
}

/// A line each, with what speaks against it below; only what is not good where that is asked for.
pub fn text(spare: &str, lines: &[RehearsalLine], only_bad: bool) -> String {
    let mut text = String::new();
    for line in lines {
        let place = printable(&line.place);
        let result = match &line.outcome {
            RehearsalOutcome::Ended { result, .. } => result,
            RehearsalOutcome::LeftOut { why, .. } => {
                let _ = writeln!(text, "LEFT OUT    {place}: {}", printable(why));
                continue;
            }
        };
        if only_bad && result.is_good() {
            continue;
        }
        let word = result.verdict.words().to_uppercase();
        let proof = match result.proof {
            // Nothing was sent, and there is nothing to be said of the spare.
            SpareProof::NotSent => String::new(),
            proof => format!("; {spare}: {}", proof.words()),
        };
        let _ = writeln!(text, "{word:<11} {place}{}", printable(&proof));
        for refused in &result.refused {
            let _ = writeln!(text, "            refused: {}", printable(refused));
        }
        if let Some(message) = &result.message {
            let _ = writeln!(text, "            {}", printable(message));
        }
        if !result.missing_keys.is_empty() {
            let _ = writeln!(
                text,
                "            keys that it needs from elsewhere: {}",
                keys(&result.missing_keys)
            );
        }
    }
    let mut results = lines.iter().filter_map(RehearsalLine::result);
    if results.any(|result| result.proof == SpareProof::Changed) {
        let _ = writeln!(
            text,
            "\n{} WAS CHANGED although only dry runs were sent: look at it before anything else",
            printable(spare)
        );
    }
    text
}

/// The first few keys, and how many more.
pub fn keys(keys: &[String]) -> String {
    first_few(keys.iter().map(|key| printable(key)), NAMED)
}

#[derive(Serialize)]
struct RehearsalsDocument<'l> {
    spare_name: &'l str,
    rehearsals: Vec<RehearsalObject<'l>>,
}

#[derive(Serialize)]
struct RehearsalObject<'l> {
    task_execution_id: i64,
    device_name: &'l str,
    domain_name: &'l str,
    verdict: Option<&'static str>,
    proof: Option<&'static str>,
    refused: &'l [String],
    missing_keys: &'l [String],
    message: Option<&'l str>,
    left_out: Option<&'l str>,
}

/// One document.
pub fn document(spare: &str, lines: &[RehearsalLine]) -> String {
    json::document(
        SCHEMA_VERSION,
        &RehearsalsDocument {
            spare_name: spare,
            rehearsals: lines.iter().map(line_object).collect(),
        },
    )
}

fn line_object(line: &RehearsalLine) -> RehearsalObject<'_> {
    match &line.outcome {
        RehearsalOutcome::LeftOut { row, why, .. } => RehearsalObject {
            task_execution_id: row.task.0,
            device_name: &row.device_name,
            domain_name: &row.domain_name,
            verdict: None,
            proof: None,
            refused: &[],
            missing_keys: &[],
            message: None,
            left_out: Some(why),
        },
        RehearsalOutcome::Ended { row, result } => RehearsalObject {
            task_execution_id: row.task.0,
            device_name: &row.device_name,
            domain_name: &row.domain_name,
            verdict: Some(result.verdict.code()),
            proof: Some(result.proof.code()),
            refused: &result.refused,
            missing_keys: &result.missing_keys,
            message: result.message.as_deref(),
            left_out: None,
        },
    }
}
