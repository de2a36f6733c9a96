//! The plans and devices that somebody names, and what is said of names that are not there.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::anyhow;

use crate::commands::error::CommandError;
use crate::exit::Exit;
use crate::plan::model::{Device, Plan, PlanFile};
use crate::values::device_pattern::{DeviceMarks, DevicePatterns, DeviceRole};
use crate::values::first_few::first_few;
use crate::values::invocation::{Invocation, quoted};
use crate::values::nearest::nearest;

/// So many names are listed; of more, nobody reads them all.
const LISTED: usize = 20;

/// The plans of these names, or all that are enabled. Without either the names are told: to
/// run everything takes a word.
pub(super) fn wanted<'a>(
    file: &'a PlanFile,
    command: &[&str],
    names: &[String],
    all: bool,
) -> Result<Vec<&'a Plan>, CommandError> {
    if !names.is_empty() {
        return chosen(file, command, names);
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
pub(super) fn enabled(file: &PlanFile) -> Result<Vec<&Plan>, CommandError> {
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
pub(super) fn chosen<'a>(
    file: &'a PlanFile,
    command: &[&str],
    names: &[String],
) -> Result<Vec<&'a Plan>, CommandError> {
    let mut plans: Vec<&Plan> = Vec::new();
    for name in names {
        let Some(plan) = file.plan(name) else {
            return Err(no_plan(file, command, names, name));
        };
        if !plans.iter().any(|chosen| chosen.name == plan.name) {
            plans.push(plan);
        }
    }
    Ok(plans)
}

/// The device of this name, or the only one with this host.
pub(super) fn device<'a>(file: &'a PlanFile, name: &str) -> Result<&'a Device, CommandError> {
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
                None => pattern_instead(file, name, &["trust"], 1)
                    .or_else(|| host_instead(file, name, &known))
                    .unwrap_or_else(|| did_you_mean(name, &known)),
            };
            absent(file, "device", name).with_hint(hint)
        })
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
    let host = host_of(name).split(':').next().unwrap_or_default();
    Some(format!(
        "no device has this host: write a [[device]] with `name` and `host = {host:?}` into the plan file, then `{}`; {}",
        file.invocation.command(["trust", "NAME"]),
        all_devices(file)
    ))
}

/// The devices that patterns mean. What one is tagged with says the plan file; one that only history knows has
/// its name alone.
pub(super) struct MeantDevices<'a> {
    /// `None` is all of them.
    patterns: Option<&'a DevicePatterns>,
    /// Each is found at once: a fleet has thousands.
    devices: HashMap<&'a str, &'a Device>,
}

impl<'a> MeantDevices<'a> {
    pub(super) fn of(patterns: Option<&'a DevicePatterns>, file: &'a PlanFile) -> Self {
        let devices = file.devices.iter();
        let devices = devices.map(|device| (device.name.as_str(), device));
        Self {
            patterns,
            devices: devices.collect(),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let nameless = DeviceMarks {
            name,
            tags: &[],
            role: DeviceRole::default(),
        };
        let device = self.devices.get(name);
        let marks = device.map_or(nameless, |device| device.marks());
        self.patterns.is_none_or(|patterns| patterns.matches(&marks))
    }
}

/// Refuses patterns that mean no device that anybody knows: they would list nothing, in silence.
pub(super) fn mean_some_device(
    patterns: Option<&DevicePatterns>,
    file: &PlanFile,
    known: &[String],
) -> Result<(), CommandError> {
    let meant = MeantDevices::of(patterns, file);
    let Some(patterns) = patterns.filter(|_| !known.iter().any(|name| meant.has(name))) else {
        return Ok(());
    };
    let tags: BTreeSet<String> = file
        .devices
        .iter()
        .flat_map(|device| device.tags.iter().map(|tag| format!("@{tag}")))
        .collect();
    let error = anyhow!("neither the plan file nor history has a device that matches '{patterns}'");
    let error = CommandError::new(Exit::Usage, error);
    if patterns.tags().next().is_some() && tags.is_empty() {
        return Err(error.with_hint("no device has tags: write `tags = […]` under a [[device]]"));
    }
    let mut names: Vec<&str> = match patterns.tags().next() {
        Some(_) => tags.iter().map(String::as_str).collect(),
        None => known.iter().map(String::as_str).collect(),
    };
    names.sort_unstable();
    names.dedup();
    Err(error.with_hint(did_you_mean(&patterns.to_string(), &names)))
}

/// What to type where a pattern of devices is written and names are expected: the command with the devices that it means,
/// or with the first where one is taken. `None` where the word is no pattern of devices that there are.
pub(super) fn pattern_instead(file: &PlanFile, word: &str, command: &[&str], most: usize) -> Option<String> {
    let is_pattern = word.contains(['*', '@', ',', '!']);
    let patterns = DevicePatterns::from_items([word]).ok().filter(|_| is_pattern)?;
    let meant = file
        .devices
        .iter()
        .filter(|device| patterns.matches(&device.marks()));
    let meant: Vec<&str> = meant.map(|device| device.name.as_str()).collect();
    let line = command.iter().copied().chain(meant.iter().copied().take(most));
    let line = file.invocation.command(line);
    match meant.len() {
        0 => None,
        count if count <= most => Some(format!("devices are named in full here: `{line}`")),
        _ => Some(format!(
            "devices are named in full here, such as `{line}`; it matches {}",
            listed(&meant)
        )),
    }
}

/// The devices of the file, in a sentence.
pub(super) fn all_devices(file: &PlanFile) -> String {
    let known: Vec<&str> = file.devices.iter().map(|device| device.name.as_str()).collect();
    format!("there are: {}", listed(&known))
}

/// Advice for a name that is not known: the nearest of those that are, or all of them.
pub(super) fn did_you_mean(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean {}?", quoted_always(nearest)),
        None if known.is_empty() => "there are none at all".to_owned(),
        None => format!("there are (upper and lower case differ): {}", listed(known)),
    }
}

/// The error for a plan that the file does not have. What else it is, is said.
fn no_plan(file: &PlanFile, command: &[&str], names: &[String], name: &str) -> CommandError {
    let line =
        |invocation: &Invocation, names: &[&str]| invocation.command(command.iter().chain(names).copied());
    let invocation = &file.invocation;
    let joined = names.join(" ");
    let known: Vec<&str> = file.plans.iter().map(|plan| plan.name.as_str()).collect();
    let hint = if file.plan(&joined).is_some() {
        format!(
            "its name has a blank, and stands in quotes: `{}`",
            line(invocation, &[&joined])
        )
    } else if let Some(device) = file.device(name) {
        let plans: Vec<&str> = file
            .plans
            .iter()
            .filter(|plan| plan.concerns(device))
            .map(|plan| plan.name.as_str())
            .collect();
        let check = invocation.command(["check", name]);
        match plans.first() {
            Some(first) => format!(
                "it is a device, and plans back up devices: `{}`; of this one: {}; `{check}` looks at the device",
                line(invocation, &[first]),
                listed(&plans)
            ),
            None => format!("it is a device that no plan names; `{check}` looks at it"),
        }
    } else if Path::new(name).is_file() {
        let mut others: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|other| *other != name)
            .collect();
        if others.is_empty() && command == ["run"] {
            let is_this = Path::new(name).canonicalize().ok() == file.path.canonicalize().ok();
            // Which of several is meant nobody has said, and a run may quiesce.
            others.push(match known.as_slice() {
                [only] if is_this => only,
                _ => "PLAN",
            });
        }
        format!(
            "it is a file, and a plan file is named so: `{}`",
            line(&Invocation::naming(Path::new(name)), &others)
        )
    } else if let Some(plan) = known.iter().find(|plan| is_escaped(name, plan)) {
        format!(
            "it is {} as the name of a unit has it: `systemctl start \"$(systemd-escape --template=dpbackup@.service {})\"`",
            quoted_always(plan),
            quoted(plan)
        )
    } else if let Some(below) = command_named(name).filter(|_| command == ["show"]) {
        format!(
            "it is a command, and show is about a plan or a device: `{}`",
            invocation.command([below.as_str()])
        )
    } else if let Some(device) = of_domain(file, name).filter(|_| command == ["check"]) {
        format!(
            "a device is looked at with all its domains: `{}`",
            line(invocation, &[device])
        )
    } else if let Some(pattern) =
        pattern_instead(file, name, command, LISTED).filter(|_| command == ["check"] && name != "*")
    {
        pattern
    } else if matches!(name, "all" | "*") || name.contains('*') {
        format!(
            "plans are named in full; every one that is enabled is `--all`; there are: {}",
            listed(&known)
        )
    } else {
        // Some commands take both.
        let devices = file.devices.iter().map(|device| device.name.as_str());
        let devices = devices.filter(|_| matches!(command, ["check" | "show"]));
        did_you_mean(name, &known.iter().copied().chain(devices).collect::<Vec<_>>())
    };
    let what = match command {
        ["check" | "show"] => "plan or device",
        _ => "plan",
    };
    absent(file, what, name).with_hint(hint)
}

/// The command of this name, where it can stand alone.
fn command_named(name: &str) -> Option<String> {
    const ALONE: [&str; 9] = [
        "status", "history", "version", "list", "last", "log", "check", "validate", "schema",
    ];
    let lower = name.to_lowercase();
    ALONE.contains(&lower.as_str()).then_some(lower)
}

/// The device of `DEVICE/DOMAIN`.
fn of_domain<'n>(file: &PlanFile, name: &'n str) -> Option<&'n str> {
    let (device, _) = name.split_once('/')?;
    file.device(device).map(|_| device)
}

/// Whether systemd made this of a plan's name: a `-` is a `/` where nobody escaped it, and what is
/// no letter stands as `\x20` where nobody unescaped it.
fn is_escaped(name: &str, plan: &str) -> bool {
    let unescaped = |plan: &str| plan.replace('-', "/");
    let escaped: String = plan
        .chars()
        .map(|c| match c {
            '/' => "-".to_owned(),
            c if c.is_ascii_alphanumeric() || ":_.".contains(c) => c.to_string(),
            c => c
                .to_string()
                .bytes()
                .map(|byte| format!("\\x{byte:02x}"))
                .collect(),
        })
        .collect();
    name != plan && (name == unescaped(plan) || name == escaped)
}

fn absent(file: &PlanFile, what: &str, name: &str) -> CommandError {
    let path = file.path.display();
    let error = match file.is_whole {
        true => anyhow!("the plan file {path} has no {what} '{name}'"),
        false => anyhow!("what can be read of the plan file {path} has no {what} '{name}'"),
    };
    CommandError::new(Exit::Usage, error)
}

/// The names with commas between them. Some names hold commas: those are in quotes.
pub(super) fn listed(known: &[&str]) -> String {
    first_few(known.iter().map(|name| quoted(name)), LISTED)
}

fn quoted_always(name: &str) -> String {
    match quoted(name) {
        name if name.starts_with('\'') => name.into_owned(),
        name => format!("'{name}'"),
    }
}

/// The name of the plan, where the file has one alone; else the word for one.
pub(super) fn the_plan(file: &PlanFile) -> &str {
    match file.plans.as_slice() {
        [only] => &only.name,
        _ => "PLAN",
    }
}
