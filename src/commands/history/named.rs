//! What a name of a plan or a device, or a word in its place, is in history.

use std::collections::{BTreeSet, HashSet};

use anyhow::anyhow;

use crate::cli::Since;
use crate::commands::frame::error::CommandError;
use crate::commands::frame::history_file::read_history;
use crate::commands::named::absent::{did_you_mean, pattern_instead};
use crate::exit::Exit;
use crate::history::{History, PlanFilter};
use crate::plan::model::PlanFile;
use crate::values::nearest::nearest;

/// The filter with what somebody typed in place of an option: a plan's name, or a device's.
pub(super) fn named(file: &PlanFile, name: &str, filter: PlanFilter) -> Result<PlanFilter, CommandError> {
    let history = read_history(&file.settings)?;
    let (plans, devices) = names(file, history.as_ref())?;
    let both = |option: &str, given: &str| {
        let error = anyhow!("'{name}' and {option} '{given}' exclude each other");
        CommandError::new(Exit::Usage, error).with_hint("leave one of them out")
    };
    if plans.iter().any(|plan| plan == name) {
        if let Some(given) = filter.plan.as_deref().filter(|given| *given != name) {
            return Err(both("--plan", given));
        }
        let plan = Some(name.to_owned());
        return Ok(PlanFilter { plan, ..filter });
    }
    if devices.iter().any(|device| device == name) {
        if let Some(given) = filter.device.as_deref().filter(|given| *given != name) {
            return Err(both("--device", given));
        }
        let device = Some(name.to_owned());
        return Ok(PlanFilter { device, ..filter });
    }
    let known: Vec<&str> = plans.iter().chain(&devices).map(String::as_str).collect();
    let error = anyhow!("'{name}' is no ID, and no plan or device has this name");
    // A slip in one of them may be a level as well as a name: the name is nearer to who typed it.
    let hint = match nearest(name, known.iter().copied()) {
        Some(_) if !name.contains('*') => did_you_mean(name, &known),
        _ => level_instead(file, name)
            .or_else(|| of_another_kind(file, history.as_ref(), name))
            .unwrap_or_else(|| did_you_mean(name, &known)),
    };
    Err(CommandError::new(Exit::Usage, error).with_hint(hint))
}

/// What to type for a pattern of devices, a time, a domain, or a device with its domain.
fn of_another_kind(file: &PlanFile, history: Option<&History>, word: &str) -> Option<String> {
    let command = |words: &[&str]| file.invocation.command(words.iter().copied());
    let bare = word.trim_start_matches(['#', '=']);
    let first = bare.split(['-', '.', ',', ':']).next().unwrap_or_default();
    if word.ends_with(|c: char| c.is_ascii_digit())
        && first.parse::<u32>().is_ok()
        && Since::of(word).is_none()
    {
        return Some(match first == bare {
            true => format!("an ID is a number alone: `{}`", command(&["history", bare])),
            false => format!(
                "one execution at a time: `{}`; `{}` lists the newest",
                command(&["history", first]),
                command(&["history", "--limit", "10"])
            ),
        });
    }
    if let Some(pattern) = pattern_instead(file, word, &["history", "--device"], 1) {
        return Some(pattern);
    }
    if Since::of(word).is_some() && word.parse::<u64>().is_err() {
        return Some(format!(
            "`{}` shows what started then or later",
            command(&["history", "--since", word])
        ));
    }
    if let Some((device, domain)) = word.split_once('/') {
        file.device(device)?;
        return Some(format!(
            "`{}` lists the executions that were to back up {device}, `{}` shows what changed in that domain",
            command(&["history", "--device", device]),
            command(&["log", "--device", device, "--domain", domain])
        ));
    }
    devices_of_domain(history, word).first()?;
    Some(format!(
        "it is a domain: `{}` shows what changed in it, `{}` how old the last good backup of each is",
        command(&["log", "--domain", word]),
        command(&["history", "status"])
    ))
}

/// What to type for a word that is nearly a level of history, or that other programs have for one.
fn level_instead(file: &PlanFile, word: &str) -> Option<String> {
    let command = |words: &[&str]| file.invocation.command(words.iter().copied());
    let lower = word.to_lowercase();
    match lower.as_str() {
        "list" | "ls" | "show" | "all" | "executions" | "execution" | "runs" | "run" | "plans" | "plan" => {
            return Some(format!(
                "`{}` lists the executions of plans",
                command(&["history"])
            ));
        }
        "ago" | "day" | "days" | "hours" | "weeks" | "week" => {
            return Some(format!(
                "a time is one word, a number with its unit: `{}`",
                command(&["history", "--since", "7d"])
            ));
        }
        "delete" | "purge" | "clear" | "prune" | "remove" => {
            return Some(format!(
                "what is recorded stays; backups are removed by `{}`, as `retention` in the plan file says",
                command(&["prune"])
            ));
        }
        "export" | "csv" | "json" => {
            return Some(format!(
                "`{}` is for programs",
                command(&["history", "--format", "json"])
            ));
        }
        word if matches!(word, "first" | "previous" | "oldest" | "before")
            || word
                .strip_prefix("last")
                .is_some_and(|rest| rest.starts_with(['~', '-', '^', '@'])) =>
        {
            return Some(format!(
                "`{}` lists the executions of plans, each with its ID; `{}` shows all of one",
                command(&["history"]),
                command(&["history", "ID"])
            ));
        }
        "failed" | "failures" | "errors" | "failure" => {
            return Some(format!(
                "`{}` shows what failed",
                command(&["history", "--status", "FAILED"])
            ));
        }
        "changes" | "log" | "changed" => {
            return Some(format!(
                "`{}` shows what changed in configurations",
                command(&["log"])
            ));
        }
        "age" | "freshness" | "devices" | "domains" | "monitor" => {
            return Some(format!(
                "`{}` tells the age of each last good backup",
                command(&["history", "status"])
            ));
        }
        _ => {}
    }
    let level = nearest(&lower, ["last", "status", "activities", "tasks", "files"])?;
    let meant = match level {
        "last" | "status" => command(&["history", level]),
        level => command(&["history", level, "last"]),
    };
    Some(format!("did you mean `{meant}`?"))
}

/// A name that neither the plan file nor history has would list nothing, in silence.
pub(in crate::commands) fn known(
    file: &PlanFile,
    history: Option<&History>,
    filter: &PlanFilter,
) -> Result<(), CommandError> {
    if filter.plan.is_none() && filter.device.is_none() {
        return Ok(());
    }
    let (plans, devices) = names(file, history)?;
    for (what, name, known) in [("plan", &filter.plan, plans), ("device", &filter.device, devices)] {
        if let Some(name) = name
            && !known.contains(name)
        {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let error = anyhow!("neither the plan file nor history has a {what} '{name}'");
            let pattern = match what {
                "device" => pattern_instead(file, name, &["history", "--device"], 1),
                _ => None,
            };
            let hint = pattern.unwrap_or_else(|| did_you_mean(name, &known));
            return Err(CommandError::new(Exit::Usage, error).with_hint(hint));
        }
    }
    Ok(())
}

/// The devices of which a good backup of a domain is recorded, each once.
pub(in crate::commands) fn devices_of_domain(history: Option<&History>, domain: &str) -> Vec<String> {
    let good = history.map(History::good_files).and_then(Result::ok);
    let rows = good.into_iter().flatten();
    let devices: BTreeSet<String> = rows
        .filter(|row| row.domain_name == domain)
        .map(|row| row.device_name)
        .collect();
    devices.into_iter().collect()
}

/// The names of plans and of devices: those of the plan file first, then those that are gone.
fn names(file: &PlanFile, history: Option<&History>) -> Result<(Vec<String>, Vec<String>), CommandError> {
    let mut plans: Vec<String> = file.plans.iter().map(|plan| plan.name.clone()).collect();
    let mut devices: Vec<String> = file.devices.iter().map(|device| device.name.clone()).collect();
    if let Some(history) = history {
        let (old_plans, old_devices) = (history.plan_names()?, history.device_names()?);
        add_unknown(&mut plans, old_plans);
        add_unknown(&mut devices, old_devices);
    }
    Ok((plans, devices))
}

/// Adds those that are not there. A fleet has thousands of names.
fn add_unknown(names: &mut Vec<String>, more: Vec<String>) {
    let known: HashSet<String> = names.iter().cloned().collect();
    names.extend(more.into_iter().filter(|name| !known.contains(name)));
}

/// The names of devices that somebody may mean.
pub(in crate::commands) fn device_names(
    file: &PlanFile,
    history: Option<&History>,
) -> Result<Vec<String>, CommandError> {
    Ok(names(file, history)?.1)
}
