//! What a word is that no plan has for its name, by what it looks like: a device, a file, a unit, a command, a pattern.

use std::path::Path;

use crate::commands::frame::error::CommandError;
use crate::commands::frame::history_file::read_history;
use crate::commands::history::named::devices_of_domain;
use crate::commands::named::absent::{
    LISTED, absent, did_you_mean, listed, pattern_instead, quoted_always, with_its_port,
};
use crate::plan;
use crate::plan::model::{Action, Device, Domains, Plan, PlanFile};
use crate::values::environment::Lookup;
use crate::values::invocation::{Invocation, quoted};

/// The error for a plan that the file does not have. What else it is, is said.
pub(in crate::commands) fn no_plan(
    file: &PlanFile,
    command: &[&str],
    names: &[String],
    name: &str,
    env: Lookup<'_>,
) -> CommandError {
    let asked = AskedPlan {
        file,
        command,
        names,
        name,
        env,
    };
    let hint = asked
        .as_help()
        .or_else(|| asked.by_its_blank())
        .or_else(|| asked.by_its_signs())
        .or_else(|| asked.by_its_comma())
        .or_else(|| asked.as_machine())
        .or_else(|| asked.as_id())
        .or_else(|| asked.as_section())
        .or_else(|| asked.as_receiver())
        .or_else(|| asked.as_device())
        .or_else(|| asked.as_files())
        .or_else(|| asked.as_file())
        .or_else(|| asked.as_unit())
        .or_else(|| asked.as_command())
        .or_else(|| asked.as_domain())
        .or_else(|| asked.as_domain_alone())
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
    env: Lookup<'a>,
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

    fn as_help(&self) -> Option<String> {
        let words = self.command.iter().take(1).copied().chain(["--help"]);
        (self.name == "help").then(|| format!("`{}` explains it", Invocation::default().command(words)))
    }

    /// Words that are a plan with a blank between them, beside others.
    fn by_its_blank(&self) -> Option<String> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let at = names.iter().position(|name| *name == self.name)?;
        let (before, rest) = names.split_at(at);
        let (count, joined) = (2..=rest.len())
            .map(|count| (count, rest[..count].join(" ")))
            .find(|(_, joined)| self.file.plan(joined).is_some())?;
        let line = [before, &[joined.as_str()], &rest[count..]].concat();
        Some(format!(
            "its name has a blank, and stands in quotes: `{}`",
            self.line(&line)
        ))
    }

    /// Quotes of a word processor around it, or the word for a plan before it.
    fn by_its_signs(&self) -> Option<String> {
        let is_quote = |c: char| {
            matches!(
                c,
                '"' | '\'' | '`' | '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}'
            )
        };
        let joined = self.names.join(" ");
        let mut meant = [joined.as_str(), self.name].into_iter().map(|typed| {
            let bare = typed.trim_matches(is_quote);
            bare.strip_prefix("plan=").unwrap_or(bare).trim_matches(is_quote)
        });
        let plan = meant.find(|bare| self.file.plan(bare).is_some())?;
        Some(format!("without what stands around it: `{}`", self.line(&[plan])))
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

    /// An ID of history.
    fn as_id(&self) -> Option<String> {
        let id = self.name.strip_prefix('#').unwrap_or(self.name);
        id.parse::<u32>().ok()?;
        Some(format!(
            "a plan has a name, and no number: `{}`; `{}` shows what the execution with this ID did",
            self.line(&[self.known().first().copied().unwrap_or("PLAN")]),
            self.file.invocation.command(["history", id])
        ))
    }

    /// A part of the plan file that is neither a plan nor a device.
    fn as_section(&self) -> Option<String> {
        const SECTIONS: [&str; 8] = [
            "settings",
            "[settings]",
            "notify",
            "[notify]",
            "device_defaults",
            "plans",
            "devices",
            "all",
        ];
        (SECTIONS.contains(&self.name) && self.command == ["show"]).then(|| {
            format!(
                "`{}` shows all that holds, [settings] first",
                self.file.invocation.command(["show"])
            )
        })
    }

    /// Somebody who is told.
    fn as_receiver(&self) -> Option<String> {
        let is_told = self.name.contains(['@', '/']) && self.name.contains('.') || self.name == "email";
        (is_told && self.command == ["notify-test"]).then(|| {
            format!(
                "who is told stands in the plan file; `{}` sends one of each message to all whom this plan names",
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

    /// One of several files: nobody types so many, but a shell does.
    fn as_files(&self) -> Option<String> {
        let is_file = |name: &&String| Path::new(name).is_file();
        if !Path::new(self.name).is_file() || self.names.iter().filter(is_file).count() < 2 {
            return None;
        }
        let all = match self.command {
            ["run" | "preview"] => Some(self.line(&["--all"])),
            ["check"] => Some(self.line(&[])),
            _ => None,
        };
        let all = all.map_or_else(String::new, |all| {
            format!("; every plan that is enabled: `{all}`")
        });
        Some(format!(
            "these are files: where a `*` was typed, the shell has put the names of files in its place{all}; there are: {}",
            listed(&self.known())
        ))
    }

    fn as_file(&self) -> Option<String> {
        // `config=FILE` is an option without its dashes.
        let path = Path::new(self.name.strip_prefix("config=").unwrap_or(self.name));
        if !path.is_file() {
            return None;
        }
        let Ok(named) = plan::load(path, self.env).map(|loaded| loaded.plan_file) else {
            return Some(format!(
                "it is a file, and cannot be used as a plan file either; plans are named in full; there are: {}",
                listed(&self.known())
            ));
        };
        let others = self.names.iter().map(String::as_str);
        let mut others: Vec<&str> = others.filter(|other| *other != self.name).collect();
        let is_in_it = |name: &&str| {
            let is_device = || *self.command == ["check"] && named.device(name).is_some();
            named.plan(name).is_some() || is_device()
        };
        let invocation = Invocation::naming(path);
        if !others.iter().all(is_in_it) {
            return Some(format!(
                "it is a plan file, which --config names, and has no plans of all these names: `{}` shows those that it has",
                invocation.command(["list"])
            ));
        }
        if others.is_empty() && self.command == ["run"] {
            let is_this = path.canonicalize().ok() == self.file.path.canonicalize().ok();
            // Which of several is meant nobody has said, and a run may quiesce.
            others.push(match named.plans.as_slice() {
                [only] if is_this => &only.name,
                _ => "PLAN",
            });
        }
        let words = self.command.iter().chain(&others).copied();
        Some(format!(
            "it is a file, and a plan file is named so: `{}`",
            invocation.command(words)
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

    /// A domain without its device, of which history has a good backup.
    fn as_domain_alone(&self) -> Option<String> {
        let history = read_history(&self.file.settings).ok().flatten();
        let devices = devices_of_domain(history.as_ref(), self.name);
        let devices = devices.iter().filter_map(|device| self.file.device(device));
        let is_backed_up = |plan: &&Plan, device: &Device| {
            let mut activities = plan.activities.iter();
            activities.any(|activity| match &activity.action {
                Action::ExportDomain {
                    domains: Domains::Matching(domains),
                } => activity.concerns(device) && domains.matches(self.name),
                _ => false,
            })
        };
        let (device, plan) = devices
            .filter_map(|device| {
                Some((
                    device,
                    self.file.plans.iter().find(|plan| is_backed_up(plan, device))?,
                ))
            })
            .next()?;
        Some(match self.command {
            ["check"] => format!(
                "a device is looked at with all its domains: `{}`",
                self.line(&[&device.name])
            ),
            _ => format!(
                "it is a domain of {}, and a plan says which domains it backs up: `{}`",
                device.name,
                self.line(&[&plan.name])
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
            let all = match self.command {
                ["prune", ..] => "without --plan prune is about all of them",
                _ => "every one that is enabled is `--all`",
            };
            format!(
                "plans are named in full; {all}; there are: {}",
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
