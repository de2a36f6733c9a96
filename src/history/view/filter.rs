//! Which executions and files somebody asks for.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::run::status::Status;
use crate::values::pattern::PatternList;

/// Which plan executions to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFilter {
    /// Of this plan; `None`: of all.
    pub plan: Option<String>,
    /// In this status; with one that tasks alone end in, those that have such a task. `None`: in any.
    pub status: Option<Status>,
    /// That were to back up this device; `None`: whichever.
    pub device: Option<String>,
    /// Started then or later; `None`: whenever.
    pub since: Option<Timestamp>,
    /// At most so many, the most recent ones.
    pub limit: u32,
}

impl Default for PlanFilter {
    /// The 40 most recent ones.
    fn default() -> Self {
        PlanFilter {
            plan: None,
            status: None,
            device: None,
            since: None,
            limit: 40,
        }
    }
}

impl PlanFilter {
    /// Whether it leaves out any but the oldest ones.
    pub fn narrows(&self) -> bool {
        self.plan.is_some() || self.status.is_some() || self.device.is_some() || self.since.is_some()
    }
}

/// Which changes to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Of these devices; `None`: of all.
    pub devices: Option<BTreeSet<String>>,
    /// Of the domains that these patterns match; `None`: of all.
    pub domains: Option<PatternList>,
    /// Of objects of this class; `None`: of all, and of files.
    pub class: Option<String>,
    /// Of the object, or the file, of this name; `None`: of all.
    pub name: Option<String>,
    /// Recorded then or later; `None`: whenever.
    pub since: Option<Timestamp>,
    /// At most so many, the newest ones.
    pub limit: u32,
}

/// Which stored files to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFilter {
    /// All of them.
    All,
    /// Those of one device.
    Device(String),
}
