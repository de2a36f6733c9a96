//! What `validate` says of a plan file that is valid: what it holds.

use std::fmt::Display;

use crate::plan::model::{Action, DeviceRole, Plan, PlanFile};
use crate::values::first_few::first_few;
use crate::values::invocation::quoted;
use crate::values::text::hanging;

/// So many plans of a device are named.
const LISTED: usize = 20;

/// How much of it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidDetail {
    /// Each plan, and how much it has.
    Plans,
    /// Its activities as well, and the devices.
    Devices,
}

/// That it is valid, with so many warnings, and what it holds. Each of `groups` may write where backups are.
pub fn valid(
    file: &PlanFile,
    warnings: usize,
    groups: &[impl Display],
    detail: ValidDetail,
    width: Option<u16>,
) -> String {
    let activities: usize = file.plans.iter().map(|plan| plan.activities.len()).sum();
    let mut text = format!(
        "{}{} is valid: {}, {}, {}{}\n",
        file.path.display(),
        match file.included.len() {
            0 => String::new(),
            included => format!(" with {}", counted(included, "included file", "included files")),
        },
        counted(file.devices.len(), "device", "devices"),
        counted(file.plans.len(), "plan", "plans"),
        counted(activities, "activity", "activities"),
        match warnings {
            0 => String::new(),
            warnings => format!(", {}", counted(warnings, "warning", "warnings")),
        }
    );
    text.push_str(&format!("  store: {}\n", file.settings.store.folder().display()));
    text.push_str(&format!("  history: {}\n", file.settings.history.display()));
    for plan in &file.plans {
        let disabled = if plan.enabled { "" } else { ", disabled" };
        let devices = file.devices.iter().filter(|device| plan.concerns(device)).count();
        let line = format!(
            "{}: {}, {}{disabled}",
            plan.name,
            counted(plan.activities.len(), "activity", "activities"),
            counted(devices, "device", "devices"),
        );
        text.push_str(&format!("  {}\n", hanging(&line, 2, width)));
        if detail == ValidDetail::Devices {
            text.push_str(&activities_of(plan, file, width));
        }
    }
    if detail == ValidDetail::Devices {
        for path in &file.included {
            text.push_str(&format!("  includes {}\n", path.display()));
        }
        text.push_str(&devices_of(file, width));
    }
    // Somebody's choice, and no fault: a volume of Kubernetes with a group is such.
    for group in groups {
        text.push_str(&format!("  note: {group}\n"));
    }
    text
}

/// Each activity of a plan, and the devices that its patterns mean.
fn activities_of(plan: &Plan, file: &PlanFile, width: Option<u16>) -> String {
    let mut text = String::new();
    for activity in &plan.activities {
        let what = match &activity.action {
            Action::SecureBackup { .. } => "secure-backup".to_owned(),
            Action::ExportDomain { .. } => format!("export-domain '{}'", activity.domain_pattern()),
        };
        let devices = file.devices.iter().filter(|device| activity.concerns(device));
        let devices: Vec<&str> = devices.map(|device| device.name.as_str()).collect();
        let devices = match devices.as_slice() {
            [] => "no device".to_owned(),
            devices => devices.join(", "),
        };
        let line = format!("{what} of '{}': {devices}", activity.devices);
        text.push_str(&format!("    {}\n", hanging(&line, 4, width)));
    }
    text
}

/// Each device with its tags, and the plans that back it up.
fn devices_of(file: &PlanFile, width: Option<u16>) -> String {
    let mut text = String::from("  devices:\n");
    for device in &file.devices {
        let spare = (device.role == DeviceRole::Spare).then(|| "spare".to_owned());
        let tags = device.tags.iter().map(|tag| format!("@{tag}"));
        let marks: Vec<String> = spare.into_iter().chain(tags).collect();
        let marks = match marks.as_slice() {
            [] => String::new(),
            marks => format!(" ({})", marks.join(", ")),
        };
        let plans = file.plans.iter().filter(|plan| plan.concerns(device));
        let plans: Vec<&str> = plans.map(|plan| plan.name.as_str()).collect();
        let plans = match plans.as_slice() {
            [] => "no plan".to_owned(),
            plans => first_few(plans.iter().map(|plan| quoted(plan)), LISTED),
        };
        let line = format!("{}{marks}: {plans}", device.name);
        text.push_str(&format!("    {}\n", hanging(&line, 4, width)));
    }
    text
}

/// A number, and the word of what it counts.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
