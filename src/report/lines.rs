//! A run as JSON lines: one for each event, a summary last.

pub mod documents;
mod of_event;

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::exit::Exit;
use crate::report::lines::documents::{ErrorLine, EventLine, FindingObject, PlanSummary, Summary};
use crate::report::lines::of_event::line;
use crate::run::error::RunError;
use crate::run::event::{Event, Sink};
use crate::run::execution::PlanEnd;
use crate::values::clock_time::rfc3339;
use crate::values::json_text::json_text;
use crate::values::text::printable_json;
use crate::values::time_of_day;

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// Writes a line for each event. A reader that has gone away is no error.
pub struct JsonLines<W> {
    out: W,
    zone: TimeZone,
    failure: Option<io::Error>,
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

    /// Lets `rest` bring out what was written; an error of it is that of a line.
    pub fn rest(&mut self, rest: impl FnOnce(&W) -> io::Result<()>) {
        let outcome = rest(&self.out);
        self.keep(outcome);
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
            time: self.time(time_of_day::now()),
            exit_code: exit.code(),
            error_message: trouble.map(ToString::to_string),
            plans: plans.collect(),
        };
        self.write(&summary);
    }

    /// An error that ended the command: what went wrong, its causes, and what is wrong with
    /// the plan file if that is it.
    pub fn error(
        &mut self,
        words: &[String],
        hint: Option<&str>,
        findings: &[FindingObject<'_>],
        exit: Exit,
    ) {
        let (error_message, causes) = match words.split_first() {
            Some((first, causes)) => (first.as_str(), causes),
            None => ("", words),
        };
        let line = ErrorLine {
            schema_version: SCHEMA_VERSION,
            event: "error",
            time: self.time(time_of_day::now()),
            exit_code: exit.code(),
            error_message,
            causes,
            hint,
            findings,
        };
        self.write(&line);
    }

    fn time(&self, at: Timestamp) -> String {
        rfc3339(at, &self.zone)
    }

    fn write(&mut self, line: &impl Serialize) {
        let text = printable_json(&json_text(line)) + "\n";
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        self.keep(written);
    }

    /// The run goes on, and history has it all.
    fn keep(&mut self, written: io::Result<()>) {
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
