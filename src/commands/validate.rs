//! `dpbackup validate`

use crate::cli::{Global, ValidateArgs};
use crate::commands::error::{Outcome, print};
use crate::commands::loading::{load_plan_to_judge, owners_of_history};
use crate::exit::Exit;
use crate::run::store;
use crate::ui::{Ui, Verbosity};
use crate::values::environment::Lookup;

/// Checks the plan file and says what it holds.
pub(super) fn validate(global: &Global, args: &ValidateArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let mut global = global.clone();
    if let Some(file) = &args.file {
        global.config = Some(file.clone());
    }
    let loaded = load_plan_to_judge(&global, ui, env)?;
    let file = &loaded.plan_file;
    let activities: usize = file.plans.iter().map(|plan| plan.activities.len()).sum();
    let mut text = format!(
        "{} is valid: {}, {}, {}{}\n",
        file.path.display(),
        count(file.devices.len(), "device", "devices"),
        count(file.plans.len(), "plan", "plans"),
        count(activities, "activity", "activities"),
        match loaded.warnings.warnings() {
            0 => String::new(),
            warnings => format!(", {}", count(warnings, "warning", "warnings")),
        }
    );
    for plan in &file.plans {
        let disabled = if plan.enabled { "" } else { ", disabled" };
        let devices = file
            .devices
            .iter()
            .filter(|device| {
                plan.activities
                    .iter()
                    .any(|activity| activity.devices.matches(&device.name))
            })
            .count();
        text.push_str(&format!(
            "  {}: {}, {}{disabled}\n",
            plan.name,
            count(plan.activities.len(), "activity", "activities"),
            count(devices, "device", "devices"),
        ));
    }
    // Somebody's choice, and no fault: a volume of Kubernetes with a group is such.
    let store = store::owners(&file.settings).ok().flatten();
    let history = owners_of_history(&file.settings.history).ok().flatten();
    for group in store.into_iter().chain(history) {
        text.push_str(&format!("  note: {group}\n"));
    }
    if ui.verbosity > Verbosity::Quiet {
        print(ui, &text)?;
    }
    Ok(Exit::Success)
}

fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
