//! What a plan and its activities count while they go on.

use crate::run::event::StoredFile;
use crate::run::script::{ConfigFacts, TaskEnd};

/// What became of the tasks so far.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    /// How many tasks have a row.
    pub(super) opened: usize,
    pub(super) ends: Vec<TaskEnd>,
    pub(super) files: Vec<StoredFile>,
    pub(super) configuration: ConfigFacts,
    pub(super) failures: Vec<String>,
    /// How the task ended that was at work when somebody asked to stop.
    pub(super) interrupted: Option<String>,
    pub(super) succeeded: usize,
    pub(super) left_out: usize,
    /// How the first of those ended, and why.
    pub(super) first_left_out: Option<String>,
    /// Each in a sentence that names its task, if it is one's.
    pub(super) warnings: Vec<String>,
}

/// The same of one activity.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ActivityTally {
    pub(super) failed: usize,
    pub(super) left_out: usize,
    pub(super) warned: bool,
    pub(super) open: usize,
}
