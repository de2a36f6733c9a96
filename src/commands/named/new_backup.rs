//! What makes a backup anew that is lost or damaged: the plans that back up the same today.

use std::collections::BTreeSet;

use crate::freshness::expected::backs_up;
use crate::history::History;
use crate::plan::model::{Plan, PlanFile};
use crate::run::event::{FileKind, TaskId};
use crate::values::first_few::first_few;
use crate::values::pattern::NamedDomain;

/// How many backups are named that no plan makes.
const NAMED: usize = 3;

/// What to do where something that these tasks have stored is not there as it was stored.
pub(in crate::commands) fn put_back_or_new(
    file: &PlanFile,
    history: &History,
    tasks: impl IntoIterator<Item = TaskId>,
) -> String {
    let lost: BTreeSet<LostBackup> = tasks
        .into_iter()
        .filter_map(|task| LostBackup::of(history, task))
        .collect();
    let (plans, without) = plans_again(file, &lost);
    let put_back = "put the same file back from a copy of the store";
    let run = ["run"]
        .into_iter()
        .chain(plans.iter().map(|plan| plan.name.as_str()));
    let run = file.invocation.command(run);
    let shown = first_few(without.iter().map(|lost| lost.shown()), NAMED);
    match (plans.is_empty(), without.is_empty()) {
        (false, true) => format!("{put_back}, or make a new backup (`{run}`)"),
        // What was left out may be the plan.
        (true, true) => format!("{put_back}, or make a new backup"),
        (true, _) if !file.is_whole => format!("{put_back}, or make a new backup"),
        (false, false) if !file.is_whole => format!("{put_back}, or make a new backup (`{run}`, at least)"),
        (true, _) => format!("{put_back}: no plan that is enabled backs up {shown}"),
        (false, false) => format!(
            "{put_back}, or make a new backup (`{run}`), but no plan that is enabled backs up {shown}"
        ),
    }
}

/// What a task has backed up.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct LostBackup {
    device: String,
    domain: String,
    is_secure_backup: bool,
    /// The plan of its task.
    plan: Option<String>,
}

impl LostBackup {
    fn of(history: &History, task: TaskId) -> Option<Self> {
        let file = history.files(task).ok()?.into_iter().next()?;
        let plan = history.task(task).and_then(|task| history.plan(task.plan));
        Some(Self {
            device: file.device_name,
            domain: file.domain_name,
            is_secure_backup: file.kind == FileKind::SecureBackup,
            plan: plan.ok().map(|row| row.plan),
        })
    }

    /// Whether a run of the plan backs it up.
    fn is_made_by(&self, plan: &Plan, file: &PlanFile) -> bool {
        let kind = match self.is_secure_backup {
            true => FileKind::SecureBackup,
            false => FileKind::Persisted,
        };
        let device = file.device(&self.device);
        plan.enabled
            && device.is_some_and(|device| backs_up(plan, device, NamedDomain::One(&self.domain), kind))
    }

    fn shown(&self) -> String {
        match self.is_secure_backup {
            true => format!("{} as a secure backup", self.device),
            false => format!("{}/{}", self.device, self.domain),
        }
    }
}

/// The plans that make all of it anew, as few as one finds; and what none of them makes. The plan that made a backup goes
/// before others that would.
fn plans_again<'f, 'l>(
    file: &'f PlanFile,
    lost: &'l BTreeSet<LostBackup>,
) -> (Vec<&'f Plan>, Vec<&'l LostBackup>) {
    let mut chosen: Vec<&Plan> = Vec::new();
    let mut without: Vec<&LostBackup> = Vec::new();
    for one in lost {
        if chosen.iter().any(|plan| one.is_made_by(plan, file)) {
            continue;
        }
        let own = one.plan.as_ref().and_then(|name| file.plan(name));
        let mut candidates = own.into_iter().chain(&file.plans);
        match candidates.find(|plan| one.is_made_by(plan, file)) {
            Some(plan) => chosen.push(plan),
            None if without.iter().any(|known| known.shown() == one.shown()) => {}
            None => without.push(one),
        }
    }
    (chosen, without)
}
