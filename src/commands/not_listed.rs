//! Domains that a run has not found any more, though a pattern of its plan would match them and they were backed up before.

use std::collections::{BTreeMap, BTreeSet};

use crate::freshness::JudgedTarget;
use crate::history::{History, HistoryError, PlanFilter, TaskRow};
use crate::plan::model::{Action, Device, Domains, Plan, PlanFile};
use crate::run::event::{ALL_DOMAINS, ActionKind, FileKind, Owner, PlanId, TaskId};
use crate::run::record::Record;
use crate::run::status::Status;
use crate::values::first_few::first_few;

/// So many domains of a device are named.
const NAMED: usize = 10;

/// What an execution of a plan has found on the devices that have shown their domains to it.
struct FoundDomains<'p> {
    plan: &'p Plan,
    /// The first of its tasks: what a later one has tried is known since.
    first: TaskId,
    /// Of each device of which a domain was exported, all that had a task.
    domains: BTreeMap<String, BTreeSet<String>>,
}

impl<'p> FoundDomains<'p> {
    fn by(plan: &'p Plan, tasks: &[TaskRow]) -> Option<Self> {
        let first = tasks.first()?.id;
        let mut domains: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let exports = || tasks.iter().filter(|task| is_of_a_domain(task));
        for task in exports().filter(|task| task.status == Status::Success) {
            domains.entry(task.device_name.clone()).or_default();
        }
        for task in exports() {
            if let Some(found) = domains.get_mut(&task.device_name) {
                found.insert(task.domain_name.clone());
            }
        }
        Some(Self { plan, first, domains })
    }

    /// Whether a pattern would match this domain, and the device did not list it. What is named in full is warned of.
    fn lacks(&self, device: &Device, domain: &str) -> bool {
        let found = self.domains.get(&device.name);
        found.is_some_and(|found| !found.contains(domain)) && is_matched(self.plan, device, domain)
    }
}

fn is_of_a_domain(task: &TaskRow) -> bool {
    task.action == ActionKind::ExportDomain && task.domain_name != ALL_DOMAINS
}

/// Whether a plan asks for this domain by a pattern.
fn is_matched(plan: &Plan, device: &Device, domain: &str) -> bool {
    let mut activities = plan
        .activities
        .iter()
        .filter(|activity| activity.concerns(device));
    activities.any(|activity| match &activity.action {
        Action::ExportDomain {
            domains: Domains::Matching(pattern),
        } => pattern.matches(domain) && pattern.literals().all(|name| name != domain),
        Action::ExportDomain {
            domains: Domains::All,
        }
        | Action::SecureBackup { .. } => false,
    })
}

/// Notes of an execution that has ended which domains the one before it had backed up, and it did not find.
pub(super) fn note_after(file: &PlanFile, plan: &Plan, record: &mut Record<'_>, ended: PlanId) {
    let read = || -> Result<Vec<String>, HistoryError> {
        let history = History::open_read_only(&file.settings.history)?;
        let Some(found) = FoundDomains::by(plan, &history.tasks_of_plan(ended)?) else {
            return Ok(Vec::new());
        };
        let of_plan = PlanFilter {
            plan: Some(plan.name.clone()),
            limit: 2,
            ..PlanFilter::default()
        };
        let executions = history.plans(&of_plan)?;
        let before = executions.iter().find(|execution| execution.id != ended);
        match before {
            Some(before) => Ok(not_listed(file, &found, &history.tasks_of_plan(before.id)?)),
            None => Ok(Vec::new()),
        }
    };
    // It depends on nothing that was backed up: what cannot be read is told by those who need it.
    for note in read().unwrap_or_default() {
        // Sinks show it all the same.
        let _ = record.note(Owner::Plan(ended), note);
    }
}

/// A sentence for each device.
fn not_listed(file: &PlanFile, found: &FoundDomains<'_>, before: &[TaskRow]) -> Vec<String> {
    let told = file.devices.iter().filter_map(|device| {
        let of_device = before.iter().filter(|task| {
            is_of_a_domain(task) && task.status == Status::Success && task.device_name == device.name
        });
        let gone: Vec<&TaskRow> = of_device
            .filter(|task| found.lacks(device, &task.domain_name))
            .collect();
        let last = gone.last()?;
        let names = first_few(gone.iter().map(|task| task.domain_name.as_str()), NAMED);
        Some(format!(
            "not listed any more by {}: {names} (last backed up by task {})",
            device.name, last.id.0
        ))
    });
    told.collect()
}

/// Which targets the newest execution of a plan that asks for them by a pattern did not find.
pub(super) fn unlisted_targets<'f>(
    file: &'f PlanFile,
    history: &History,
) -> Result<impl Fn(&JudgedTarget) -> bool + 'f, HistoryError> {
    let mut newest = Vec::new();
    for plan in file.plans.iter().filter(|plan| plan.enabled) {
        let of_plan = PlanFilter {
            plan: Some(plan.name.clone()),
            limit: 1,
            ..PlanFilter::default()
        };
        if let [execution] = history.plans(&of_plan)?.as_slice() {
            newest.extend(FoundDomains::by(plan, &history.tasks_of_plan(execution.id)?));
        }
    }
    Ok(move |target: &JudgedTarget| {
        let (Some(last), Some(device)) = (target.last, file.device(&target.device)) else {
            return false;
        };
        target.kind == Some(FileKind::Persisted)
            && newest
                .iter()
                .any(|found| last.task < found.first && found.lacks(device, &target.domain))
    })
}
