//! What a plan and its activities count while they go on.

use crate::run::event::StoredFile;
use crate::run::script::{ConfigFacts, TaskEnd};
use crate::run::status::Status;

/// What became of the tasks so far.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    /// How many tasks have a row.
    pub(super) opened: usize,
    pub(super) ends: Vec<TaskEnd>,
    pub(super) files: Vec<StoredFile>,
    pub(super) configuration: ConfigFacts,
    pub(super) failures: Vec<String>,
    /// Which task was at work when somebody asked to stop, and how it ended, and its device is left.
    pub(super) interrupted: Option<String>,
    /// A signal kept a task from its end, or from its beginning.
    pub(super) cut_short: bool,
    pub(super) succeeded: usize,
    pub(super) left_out: usize,
    /// How the first of those ended, and why.
    pub(super) first_left_out: Option<String>,
    /// Each in a sentence that names its task, if it is one's.
    pub(super) warnings: Vec<String>,
}

impl Tallies {
    /// What a signal of this name has come to. One that came too late for any task is no reason to look for one.
    pub(super) fn interrupted_by(&self, signal: &str) -> String {
        match (&self.interrupted, self.cut_short) {
            (Some(task), _) => format!("interrupted by {signal} in {task}"),
            (None, true) => format!("interrupted by {signal}"),
            (None, false) => format!("interrupted by {signal}, but each task has come to its end"),
        }
    }
}

/// The same of one activity.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ActivityTally {
    pub(super) failed: usize,
    pub(super) left_out: usize,
    pub(super) warned: bool,
    pub(super) open: usize,
}

impl ActivityTally {
    /// How the activity has ended, when all of its tasks have.
    pub(super) fn status(self) -> Status {
        if self.failed > 0 {
            Status::Failed
        } else if self.left_out > 0 || self.warned {
            Status::CompletedWithWarnings
        } else {
            Status::Success
        }
    }
}
