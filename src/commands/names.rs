//! The plans and devices that somebody names, and what is said of names that are not there.

use std::path::Path;

use anyhow::anyhow;

use crate::commands::error::CommandError;
use crate::exit::Exit;
use crate::plan::model::{Device, Plan, PlanFile};
use crate::values::device_pattern::DevicePatterns;
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

/// The device of this name, or the only one with this host. `command` is what stands before it.
pub(super) fn device<'a>(
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
                None => pattern_instead(file, name, command, 1)
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
    let asked = AskedPlan {
        file,
        command,
        names,
        name,
    };
    let hint = asked
        .by_its_blank()
        .or_else(|| asked.by_its_comma())
        .or_else(|| asked.as_machine())
        .or_else(|| asked.as_device())
        .or_else(|| asked.as_file())
        .or_else(|| asked.as_unit())
        .or_else(|| asked.as_command())
        .or_else(|| asked.as_domain())
        .or_else(|| asked.as_devices())
        .unwrap_or_else(|| asked.nearest());
    let what = match command {
        ["check" | "show"] => "plan or device",
        _ => "plan",
    };
    absent(file, what, name).with_hint(hint)
}

/// A name that a command was given for a plan, and that no plan has.
struct AskedPlan<'a> {
    file: &'a PlanFile,
    command: &'a [&'a str],
    /// All that it was given.
    names: &'a [String],
    name: &'a str,
}

impl AskedPlan<'_> {
    fn known(&self) -> Vec<&str> {
        self.file.plans.iter().map(|plan| plan.name.as_str()).collect()
    }

    /// The command with other names.
    fn line(&self, names: &[&str]) -> String {
        let words = self.command.iter().chain(names).copied();
        self.file.invocation.command(words)
    }

    fn by_its_blank(&self) -> Option<String> {
        let joined = self.names.join(" ");
        self.file.plan(&joined)?;
        Some(format!(
            "its name has a blank, and stands in quotes: `{}`",
            self.line(&[&joined])
        ))
    }

    /// Several names with commas between them.
    fn by_its_comma(&self) -> Option<String> {
        let names: Vec<&str> = self.name.split(',').map(str::trim).collect();
        let is_known = |name: &&str| self.file.plan(name).is_some();
        (names.len() > 1 && names.iter().all(is_known))
            .then(|| format!("plans are named one by one: `{}`", self.line(&names)))
    }

    /// What `check` looks at beside devices.
    fn as_machine(&self) -> Option<String> {
        let is_part = matches!(
            self.name,
            "store" | "history" | "machine" | "space" | "disk" | "scripts"
        );
        (is_part && self.command == ["check"]).then(|| {
            format!(
                "this machine is looked at with each plan: `{}`",
                self.line(&[self.known().first().copied().unwrap_or("PLAN")])
            )
        })
    }

    fn as_device(&self) -> Option<String> {
        let device = self.file.device(self.name)?;
        let plans = self.file.plans.iter().filter(|plan| plan.concerns(device));
        let plans: Vec<&str> = plans.map(|plan| plan.name.as_str()).collect();
        let check = self.file.invocation.command(["check", self.name]);
        Some(match plans.first() {
            Some(first) => format!(
                "it is a device, and plans back up devices: `{}`; of this one: {}; `{check}` looks at the device",
                self.line(&[first]),
                listed(&plans)
            ),
            None => format!("it is a device that no plan names; `{check}` looks at it"),
        })
    }

    fn as_file(&self) -> Option<String> {
        let path = Path::new(self.name);
        if !path.is_file() {
            return None;
        }
        let others = self.names.iter().map(String::as_str);
        let mut others: Vec<&str> = others.filter(|other| *other != self.name).collect();
        let known = self.known();
        if others.is_empty() && self.command == ["run"] {
            let is_this = path.canonicalize().ok() == self.file.path.canonicalize().ok();
            // Which of several is meant nobody has said, and a run may quiesce.
            others.push(match known.as_slice() {
                [only] if is_this => only,
                _ => "PLAN",
            });
        }
        let words = self.command.iter().chain(&others).copied();
        Some(format!(
            "it is a file, and a plan file is named so: `{}`",
            Invocation::naming(path).command(words)
        ))
    }

    /// A plan as the name of a unit or of a file has it.
    fn as_unit(&self) -> Option<String> {
        let known = self.known();
        if let Some(plan) = known.iter().find(|plan| is_escaped(self.name, plan)) {
            return Some(format!(
                "it is {} as the name of a unit has it: `systemctl start \"$(systemd-escape --template=dpbackup@.service \
                 {})\"`",
                quoted_always(plan),
                quoted(plan)
            ));
        }
        let plan = known.iter().find(|plan| is_with_an_ending(self.name, plan))?;
        Some(format!(
            "without its ending it is a plan: `{}`",
            self.line(&[plan])
        ))
    }

    fn as_command(&self) -> Option<String> {
        let below = command_named(self.name).filter(|_| self.command == ["show"])?;
        Some(format!(
            "it is a command, and show is about a plan or a device: `{}`",
            self.file.invocation.command([below.as_str()])
        ))
    }

    fn as_domain(&self) -> Option<String> {
        let device = of_domain(self.file, self.name)?;
        Some(match self.command {
            ["check"] => format!(
                "a device is looked at with all its domains: `{}`",
                self.line(&[device])
            ),
            _ => format!(
                "it is a domain of {device}, and a plan says which domains it backs up: `{}` shows those of each plan",
                self.file.invocation.command(["validate", "-v"])
            ),
        })
    }

    /// A device with its port, patterns of devices, or all of it.
    fn as_devices(&self) -> Option<String> {
        if let Some(tag) = self.name.strip_prefix('@').filter(|_| self.command != ["check"]) {
            return Some(format!(
                "a group of devices is named by `devices` of a plan, as in `devices = \"@{tag}\"`; there are: {}",
                listed(&self.known())
            ));
        }
        if self.command == ["check"] {
            if let Some(device) = with_its_port(self.file, self.name) {
                return Some(format!(
                    "its port stands in the plan file: `{}`",
                    self.line(&[device])
                ));
            }
            let pattern = pattern_instead(self.file, self.name, self.command, LISTED);
            if let Some(pattern) = pattern.filter(|_| self.name != "*") {
                return Some(pattern);
            }
        }
        let is_all = self.name == "all" || self.name.contains('*');
        is_all.then(|| {
            format!(
                "plans are named in full; every one that is enabled is `--all`; there are: {}",
                listed(&self.known())
            )
        })
    }

    fn nearest(&self) -> String {
        // Some commands take both.
        let devices = self.file.devices.iter().map(|device| device.name.as_str());
        let devices = devices.filter(|_| matches!(self.command, ["check" | "show"]));
        did_you_mean(
            self.name,
            &self.known().into_iter().chain(devices).collect::<Vec<_>>(),
        )
    }
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

/// The device of `DEVICE:PORT`.
fn with_its_port<'n>(file: &PlanFile, name: &'n str) -> Option<&'n str> {
    let (device, port) = name.split_once(':')?;
    let _port: u16 = port.parse().ok()?;
    file.device(device).map(|_| device)
}

/// Whether this is a plan with the ending of a file or of a unit.
fn is_with_an_ending(name: &str, plan: &str) -> bool {
    let bare = name.strip_prefix("dpbackup@").unwrap_or(name);
    let endings = [".toml", ".service", ".timer"];
    let mut bare = endings.iter().filter_map(|ending| bare.strip_suffix(ending));
    bare.any(|bare| bare.eq_ignore_ascii_case(plan))
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
