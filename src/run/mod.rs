//! The engine: expands a plan into tasks and walks them, one after another.
//!
//! `sequence` walks a plan in the order of its steps, `task` one task. `expand` asks the
//! devices for their domains, `contact` keeps the connections, `undo` puts a device
//! back as it was found, `recover` does that for processes that died. All of them tell
//! `record` what happens; none prints, none knows SQL.

pub mod at_work;
mod broken;
mod certificates;
pub mod client;
pub mod contact;
pub mod disabled;
pub mod domains_seen;
pub mod error;
pub mod event;
pub mod examine;
pub mod execution;
pub mod expand;
pub mod failure;
pub mod firmware;
#[cfg(test)]
mod fixture;
pub mod half_done;
pub mod held;
pub mod ledger;
pub mod left;
pub mod limited_ledger;
pub mod not_seen;
pub mod record;
pub mod recover;
pub mod rehearse;
pub mod restore;
mod row_device;
mod running_domain;
pub mod same_device;
pub mod script;
mod second_look;
pub mod sequence;
pub mod session;
pub mod status;
pub mod store;
pub mod task;
pub mod undo;

use crate::clock::Clock;
use crate::lock::Locks;
use crate::plan::model::PlanFile;
use crate::signal::Stop;
use crate::values::environment::Lookup;

/// What a run works with; nothing in it changes while it runs.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// The plan file.
    pub file: &'a PlanFile,
    /// Where the time comes from.
    pub clock: &'a dyn Clock,
    /// The wish to stop.
    pub stop: &'a Stop,
    /// The locks beside the history file.
    pub locks: &'a Locks,
    /// Names the lock that this process holds as long as it lives.
    pub process: &'a str,
    /// The environment of the process.
    pub environment: Lookup<'a>,
}

impl Engine<'_> {
    /// The folder in which relative paths of the plan file start.
    pub fn plan_folder(&self) -> &std::path::Path {
        self.file
            .path
            .parent()
            .unwrap_or_else(|| std::path::Path::new("."))
    }
}
