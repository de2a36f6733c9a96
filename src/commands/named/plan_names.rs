//! The names in the plan file and how it is called, for whoever typed something that cannot be understood.

use std::path::Path;

use crate::cli::Global;
use crate::commands::frame::loading::invocation;
use crate::misunderstood::KnownNames;
use crate::plan;
use crate::plan::model::{Device, DeviceRole, PlanFile};
use crate::values::environment::Lookup;
use crate::values::invocation::Invocation;

/// How a command is called that takes the place of one that could not be understood: a plan file goes with it that is
/// there, or that looks like one. Another program's `-c 48` names none.
pub(in crate::commands) fn proposed_invocation(global: &Global, env: Lookup<'_>) -> Invocation {
    let is_plan_file = |path: &Path| {
        path.exists()
            || path.extension().is_some_and(|ending| ending == "toml")
            || path.components().count() > 1
    };
    match &global.config {
        Some(path) if !is_plan_file(path) => Invocation::default(),
        _ => invocation(global, env),
    }
}

/// Advice for a word in place of a command that is a plan, a device or a plan file.
pub(in crate::commands) fn named_in_place_of_a_command(
    global: &Global,
    word: &str,
    env: Lookup<'_>,
) -> Option<String> {
    if Path::new(word).is_file() {
        let validate = Invocation::naming(Path::new(word)).command(["validate"]);
        return Some(format!(
            "a plan file is named by --config: `{validate}` checks this one"
        ));
    }
    let file = plan_if_sound(global, env)?;
    let command = |words: [&str; 2]| file.invocation.command(words);
    if file.plan(word).is_some() {
        return Some(format!("it is a plan: `{}` runs it", command(["run", word])));
    }
    file.device(word)?;
    Some(format!(
        "it is a device: `{}` looks at it",
        command(["check", word])
    ))
}

/// The names in the plan file, for advice.
pub(in crate::commands) fn known_names(global: &Global, env: Lookup<'_>) -> Option<KnownNames> {
    let file = plan_if_sound(global, env)?;
    let plans = file.plans.iter().map(|plan| plan.name.clone());
    let names = |is_meant: &dyn Fn(&&Device) -> bool| {
        let devices = file.devices.iter().filter(is_meant);
        devices.map(|device| device.name.clone()).collect()
    };
    Some(KnownNames {
        plans: plans.collect(),
        devices: names(&|_| true),
        spares: names(&|device| device.role == DeviceRole::Spare),
    })
}

/// The plan file, for advice: where it cannot be used, nothing is said of it.
pub(in crate::commands) fn plan_if_sound(global: &Global, env: Lookup<'_>) -> Option<PlanFile> {
    let path = plan::find::find(global.config.as_deref(), Path::new(""), env).ok()?;
    let mut file = plan::load(&path, env).ok()?.plan_file;
    file.invocation = invocation(global, env);
    Some(file)
}
