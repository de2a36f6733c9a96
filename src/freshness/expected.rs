//! What the plan file wants to be backed up.

use std::collections::HashMap;

use crate::history::TargetRow;
use crate::plan::model::{Action, Activity, Device, DeviceRole, Domains, Plan, PlanFile};
use crate::run::event::{ALL_DOMAINS, FileKind};
use crate::values::pattern::{NamedDomain, PatternList};

/// Something that the plan file wants to be backed up.
#[derive(Clone, Debug)]
pub struct ExpectedTarget {
    pub device: String,
    /// What of it; `None` where no plan concerns the device.
    pub what: Option<ExpectedPart>,
}

/// A part of a device, and how it is backed up.
#[derive(Clone, Debug)]
pub struct ExpectedPart {
    /// `persisted` stands for exports.
    pub kind: FileKind,
    /// Which domains; `None` is `all-domains`.
    pub domains: Option<PatternList>,
}

/// What the plans want of every device. A spare that none names is not meant to be backed up. A plan that is not enabled counts too: turning it
/// off must not silence the alarm that its backups grow old.
pub fn expected(file: &PlanFile) -> Vec<ExpectedTarget> {
    let activities = || file.plans.iter().flat_map(|plan| &plan.activities);
    let mut expected = Vec::new();
    for device in &file.devices {
        let before = expected.len();
        for activity in activities().filter(|activity| activity.concerns(device)) {
            expected.push(ExpectedTarget {
                device: device.name.clone(),
                what: Some(part_of(activity)),
            });
        }
        if expected.len() == before && device.role == DeviceRole::Ordinary {
            expected.push(ExpectedTarget {
                device: device.name.clone(),
                what: None,
            });
        }
    }
    expected
}

/// What an activity backs up of each of its devices.
fn part_of(activity: &Activity) -> ExpectedPart {
    let (kind, domains) = match &activity.action {
        Action::SecureBackup { .. } => (FileKind::SecureBackup, None),
        Action::ExportDomain {
            domains: Domains::All,
        } => (FileKind::Persisted, None),
        Action::ExportDomain {
            domains: Domains::Matching(pattern),
        } => (FileKind::Persisted, Some(pattern.clone())),
    };
    ExpectedPart { kind, domains }
}

/// Whether a plan backs up this of a device. `persisted` stands for exports.
pub fn backs_up(plan: &Plan, device: &Device, domain: NamedDomain<'_>, kind: FileKind) -> bool {
    let mut activities = plan.activities.iter();
    activities.any(|activity| activity.concerns(device) && is_part(&part_of(activity), domain, kind))
}

/// What one plan wants of the devices.
pub fn expected_of(file: &PlanFile, plan: &str) -> Vec<ExpectedTarget> {
    let mut one = file.clone();
    one.plans.retain(|known| known.name == plan);
    let mut expected = expected(&one);
    expected.retain(|target| target.what.is_some());
    expected
}

/// All that the plans want, to be asked of one thing after another.
pub struct PlannedBackups(HashMap<String, Vec<ExpectedTarget>>);

impl PlannedBackups {
    /// What the plans of a file want.
    pub fn of(file: &PlanFile) -> Self {
        let mut of_device: HashMap<String, Vec<ExpectedTarget>> = HashMap::new();
        for expected in expected(file) {
            of_device
                .entry(expected.device.clone())
                .or_default()
                .push(expected);
        }
        Self(of_device)
    }

    /// Whether one of them wants this of a device.
    pub fn have(&self, device: &str, domain: NamedDomain<'_>, kind: FileKind) -> bool {
        let of_device = self.0.get(device).map(Vec::as_slice).unwrap_or_default();
        of_device.iter().any(|expected| is_wanted(expected, domain, kind))
    }
}

/// Whether a row of history is of what is expected.
pub(super) fn covers(expected: &ExpectedTarget, row: &TargetRow) -> bool {
    is_wanted(expected, row.domain(), row.kind)
}

fn is_wanted(expected: &ExpectedTarget, domain: NamedDomain<'_>, kind: FileKind) -> bool {
    let what = expected.what.as_ref();
    what.is_some_and(|what| is_part(what, domain, kind))
}

fn is_part(what: &ExpectedPart, domain: NamedDomain<'_>, kind: FileKind) -> bool {
    let is_domain = match (&what.domains, domain) {
        (None, domain) => domain == NamedDomain::One(ALL_DOMAINS),
        // A pattern of which no domain is known stands for itself alone.
        (Some(pattern), NamedDomain::Pattern(written)) => written == pattern.to_string(),
        (Some(pattern), NamedDomain::One(name)) => name != ALL_DOMAINS && pattern.matches(name),
    };
    what.kind == kind && is_domain
}

/// What is expected and has no row in history: domains by their names, a whole pattern
/// where no domain is known that matches it.
pub(super) fn missing(expected: &ExpectedTarget, of_device: &[&TargetRow]) -> Vec<String> {
    match &expected.what {
        None if !of_device.is_empty() => Vec::new(),
        None => vec!["-".to_owned()],
        Some(ExpectedPart { domains: None, .. }) => vec![ALL_DOMAINS.to_owned()],
        Some(ExpectedPart {
            domains: Some(pattern),
            ..
        }) => {
            let names: Vec<String> = pattern
                .literals()
                .filter(|name| pattern.matches(name))
                .map(str::to_owned)
                .collect();
            let is_known = of_device.iter().any(|row| covers(expected, row));
            match names.is_empty() && !is_known {
                true => vec![pattern.to_string()],
                false => names,
            }
        }
    }
}
