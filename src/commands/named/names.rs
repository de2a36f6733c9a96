//! The plans and devices that somebody names.

use anyhow::anyhow;

use crate::commands::frame::error::CommandError;
use crate::commands::named::absent::{
    absent, all_devices, did_you_mean, listed, pattern_instead, with_its_port,
};
use crate::commands::named::absent_plan::no_plan;
use crate::exit::Exit;
use crate::plan::model::{Device, Plan, PlanFile};
use crate::values::environment::Lookup;
use crate::values::nearest::nearest;

/// The plans of these names, or all that are enabled. Without either the names are told: to
/// run everything takes a word.
pub(in crate::commands) fn wanted<'a>(
    file: &'a PlanFile,
    command: &[&str],
    names: &[String],
    all: bool,
    env: Lookup<'_>,
) -> Result<Vec<&'a Plan>, CommandError> {
    if !names.is_empty() {
        return chosen(file, command, names, env);
    }
    let enabled = enabled(file)?;
    if all {
        return Ok(enabled);
    }
    let names: Vec<&str> = enabled.iter().map(|plan| plan.name.as_str()).collect();
    let first = names.first().copied().unwrap_or_default();
    let hint = format!(
        "name one or more, such as `{}`; enabled are: {}; --all is all of them",
        file.invocation.command(command.iter().copied().chain([first])),
        listed(&names)
    );
    let error = anyhow!("{} needs to know which plan", command.join(" "));
    Err(CommandError::new(Exit::Usage, error).with_hint(hint))
}

/// The plans that are enabled; an error if there is none.
pub(in crate::commands) fn enabled(file: &PlanFile) -> Result<Vec<&Plan>, CommandError> {
    let enabled: Vec<&Plan> = file.plans.iter().filter(|plan| plan.enabled).collect();
    if enabled.is_empty() {
        let error = anyhow!(
            "the plan file {} has no plan that is enabled",
            file.path.display()
        );
        let hint = match file.plans.as_slice() {
            [] => "add a [[plan]] with a [[plan.activity]]: docs/guide.md has one".to_owned(),
            plans => {
                let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
                format!("write `enabled = true` for one of its plans: {}", listed(&names))
            }
        };
        return Err(CommandError::new(Exit::Usage, error).with_hint(hint));
    }
    Ok(enabled)
}

/// The plans of these names; each once, for named twice is meant once.
pub(in crate::commands) fn chosen<'a>(
    file: &'a PlanFile,
    command: &[&str],
    names: &[String],
    env: Lookup<'_>,
) -> Result<Vec<&'a Plan>, CommandError> {
    let mut plans: Vec<&Plan> = Vec::new();
    for name in names {
        let Some(plan) = file.plan(name) else {
            return Err(no_plan(file, command, names, name, env));
        };
        if !plans.iter().any(|chosen| chosen.name == plan.name) {
            plans.push(plan);
        }
    }
    Ok(plans)
}

/// The device of this name, or the only one with this host. `command` is what stands before it.
pub(in crate::commands) fn device<'a>(
    file: &'a PlanFile,
    command: &[&str],
    name: &str,
) -> Result<&'a Device, CommandError> {
    let by_host: Vec<&Device> = file
        .devices
        .iter()
        .filter(|device| {
            let host = host_of(name);
            device.host.eq_ignore_ascii_case(host) || device.address().to_string() == host
        })
        .collect();
    if let (None, [_, _, ..]) = (file.device(name), by_host.as_slice()) {
        let devices: Vec<String> = by_host
            .iter()
            .map(|device| format!("{} (port {})", device.name, device.port))
            .collect();
        let error = anyhow!("{} devices have the host '{name}'", by_host.len());
        let hint = format!("name one of them: {}", devices.join(", "));
        return Err(CommandError::new(Exit::Usage, error).with_hint(hint));
    }
    file.device(name)
        .or_else(|| by_host.first().copied())
        .ok_or_else(|| {
            let known: Vec<&str> = file.devices.iter().map(|device| device.name.as_str()).collect();
            let hint = match file.plan(name) {
                Some(_) => format!(
                    "it is a plan; one of its devices is meant; `{}` looks at all of them; there are: {}",
                    file.invocation.command(["check", name]),
                    listed(&known)
                ),
                None if !file.is_whole => format!(
                "whether it has one is not known: what has an error was left out; `{}` says what is wrong",
                file.invocation.command(["validate"])
            ),
                None => of_device_with_port(file, name, command)
                    .or_else(|| pattern_instead(file, name, command, 1))
                    .or_else(|| host_instead(file, name, &known))
                    .unwrap_or_else(|| did_you_mean(name, &known)),
            };
            absent(file, "device", name).with_hint(hint)
        })
}

/// What to type where the port stands behind the device.
fn of_device_with_port(file: &PlanFile, name: &str, command: &[&str]) -> Option<String> {
    let device = with_its_port(file, name)?;
    let line = command.iter().copied().chain([device]);
    Some(format!(
        "its port stands in the plan file: `{}`",
        file.invocation.command(line)
    ))
}

/// The host of an address as a browser has it.
fn host_of(name: &str) -> &str {
    let bare = name.split_once("://").map_or(name, |(_, rest)| rest);
    bare.split('/').next().unwrap_or(bare)
}

/// What to do for a host or an address that no device has. Only what stands in the plan file is asked.
fn host_instead(file: &PlanFile, name: &str, known: &[&str]) -> Option<String> {
    let is_host = name.contains("://") || host_of(name).contains('.') || host_of(name).contains(':');
    if !is_host || nearest(name, known.iter().copied()).is_some() {
        return None;
    }
    let address = host_of(name);
    // `[::1]:5550`, `::1`, `host:5550`.
    let host = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None if address.matches(':').count() > 1 => address,
        None => address.split(':').next().unwrap_or_default(),
    };
    Some(format!(
        "no device has this host: write a [[device]] with `name` and `host = {host:?}` into the plan file, then `{}`; {}",
        file.invocation.command(["trust", "NAME"]),
        all_devices(file)
    ))
}
