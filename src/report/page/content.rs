//! Everything that the page says, as values.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::freshness::Freshness;
use crate::history::{
    ActivityRow, ChangeRow, NoteRow, PlanRow, RehearsedTarget, RemovedRow, TaskDetails, UnsavedTarget,
};
use crate::report::page::calendar::DayCalendar;
use crate::run::event::ScriptRun;
use crate::values::change::ChangeList;
use crate::values::invocation::Invocation;

/// Everything that the page says.
#[derive(Debug)]
pub struct ReportPage<'p> {
    pub now: Timestamp,
    /// From then on.
    pub since: Timestamp,
    /// The zone of all times.
    pub zone: TimeZone,
    /// The plan that it is about, where it is about one.
    pub plan: Option<&'p str>,
    /// How old the last good backups are, and what may still be quiesced.
    pub freshness: &'p Freshness,
    /// Whose running configuration is not the saved one, and in what, where that is known.
    pub unsaved: &'p [(UnsavedTarget, Option<ChangeList>)],
    /// What changed, newest first.
    pub changes: &'p [ChangeRow],
    /// Whether there are more changes than these.
    pub more_changes: bool,
    /// What could not be looked at, in sentences.
    pub not_looked_at: &'p [String],
    /// The days.
    pub calendar: &'p DayCalendar,
    /// The domains that were ever rehearsed, with the newest rehearsal of each.
    pub rehearsed: &'p [RehearsedTarget],
    /// The plan executions, newest first.
    pub executions: &'p [PlanRow],
    /// The newest of them in full.
    pub details: &'p [ExecutionDetails],
    /// What was removed from the store.
    pub removed: &'p [RemovedRow],
    /// The history that it was made from.
    pub history: &'p str,
    /// How the plan file was named.
    pub invocation: &'p Invocation,
}

/// A plan execution in full.
#[derive(Debug)]
pub struct ExecutionDetails {
    /// Itself.
    pub plan: PlanRow,
    pub activities: Vec<ActivityRow>,
    /// Its tasks, those first that did not succeed, and not all of many.
    pub tasks: Vec<TaskDetails>,
    /// How many tasks it has.
    pub all_tasks: u64,
    pub notes: Vec<NoteRow>,
    pub scripts: Vec<ScriptRun>,
}

impl ReportPage<'_> {
    /// A command that shows more, to be pasted.
    pub(super) fn command<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> String {
        self.invocation.command(words)
    }
}
