//! What somebody wants to have verified, word by word.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::cli::{ExecutionId, VerifyArgs};
use crate::commands::frame::error::CommandError;
use crate::commands::history::execution::execution;
use crate::commands::history::named::devices_of_domain;
use crate::commands::named::absent::{all_devices, did_you_mean, pattern_instead, with_its_port};
use crate::commands::named::named_export;
use crate::commands::named::no_export::KnownExports;
use crate::exit::Exit;
use crate::history::{FileFilter, FileRow, History};
use crate::plan::model::PlanFile;
use crate::run::event::{ALL_DOMAINS, TaskId};
use crate::values::invocation::Invocation;
use crate::values::nearest::nearest;

/// Reading all of a store takes its time: nobody gets it for a word that was left out.
pub(super) fn asks_what(invocation: &Invocation) -> CommandError {
    CommandError::new(Exit::Usage, anyhow!("verify needs to know what")).with_hint(format!(
        "`{}` looks at everything; else name a file, a folder, a device, DEVICE/DOMAIN, or the ID of a task (`last` is the newest)",
        invocation.command(["verify", "--all"])
    ))
}

/// What is asked for, where each word has its meaning.
pub(super) struct VerifyScope {
    pub(super) all: bool,
    pub(super) tasks: Vec<TaskId>,
    pub(super) devices: Vec<String>,
    /// What is stored of one domain of a device.
    pub(super) targets: Vec<FileRow>,
    pub(super) files: Vec<PathBuf>,
}

impl VerifyScope {
    pub(super) fn of(
        args: &VerifyArgs,
        plan_file: Option<&PlanFile>,
        history: Option<&History>,
    ) -> Result<Self, CommandError> {
        let mut asked = Self {
            all: args.all,
            tasks: Vec::new(),
            devices: Vec::new(),
            targets: Vec::new(),
            files: Vec::new(),
        };
        let task = |id| match history {
            Some(history) => execution(id, TaskId, || history.newest_task()),
            None => {
                let error = anyhow!("there is no such task execution: nothing was recorded yet");
                let hint = "IDs are there after the first run; a file or a folder is verified by its path";
                Err(CommandError::new(Exit::Usage, error).with_hint(hint))
            }
        };
        for id in &args.tasks {
            asked.tasks.push(task(*id)?);
        }
        let store = plan_file.map(|file| file.settings.store.folder());
        let known = devices(plan_file, history)?;
        for name in &args.devices {
            // A misspelt name would otherwise be verified with success for ever.
            if !known.contains(name) {
                return Err(no_device(name, plan_file, &known));
            }
        }
        asked.devices.extend(args.devices.iter().cloned());
        for file in &args.files {
            // A file is meant before anything else that has its name.
            let word = file.to_str().filter(|_| file.symlink_metadata().is_err());
            match word {
                Some(name) if known.iter().any(|known| known == name) => asked.devices.push(name.to_owned()),
                Some(word) if ExecutionId::of(word).is_some() => {
                    asked.tasks.extend(ExecutionId::of(word).map(task).transpose()?);
                }
                // Files have a folder or an ending: this was meant as a device.
                Some(word) if !word.contains(['/', '.']) => {
                    return Err(means_nothing(word, (plan_file, history), &asked.devices, &known));
                }
                Some(word) if named_export::target(word).is_some() && !is_recorded(file, store, history)? => {
                    asked.targets.extend(stored_of(word, &known, history)?);
                }
                Some(_) => asked.files.push(below_store(file, store, history)?),
                None => asked.files.push(file.clone()),
            }
        }
        let is_narrowed = !(asked.tasks.is_empty() && asked.devices.is_empty() && asked.targets.is_empty());
        if asked.all && is_narrowed {
            let error = anyhow!("--all is everything that is stored, and something of it is named besides");
            let hint = "leave out --all for that alone, or what is named";
            return Err(CommandError::new(Exit::Usage, error).with_hint(hint));
        }
        Ok(asked)
    }
}

/// A device that is named and is none.
fn no_device(name: &str, plan_file: Option<&PlanFile>, known: &[String]) -> CommandError {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let error = anyhow!("there is no device '{name}', neither in the plan file nor in the store");
    let hint = plan_file.and_then(|file| pattern_instead(file, name, &["verify"], MOST_NAMED));
    let hint = hint.unwrap_or_else(|| did_you_mean(name, &known));
    CommandError::new(Exit::Usage, error).with_hint(hint)
}

/// A word that is none of what can be verified, with what may have been meant.
fn means_nothing(
    word: &str,
    (plan_file, history): (Option<&PlanFile>, Option<&History>),
    devices: &[String],
    known: &[String],
) -> CommandError {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let error = anyhow!("'{word}' is no file, no ID and no device");
    let hint = plan_file.and_then(|file| {
        hint_for_all(file, word)
            .or_else(|| hint_for_plan(file, word))
            .or_else(|| pattern_instead(file, word, &["verify"], MOST_NAMED))
            .or_else(|| hint_for_range(file, word))
            .or_else(|| hint_for_domain(file, history, devices, word))
            .or_else(|| hint_for_domain_alone(file, history, word))
            .or_else(|| hint_for_sign(file, history, word))
            .or_else(|| hint_for_port(file, word))
    });
    let hint = hint.unwrap_or_else(|| did_you_mean(word, &known));
    CommandError::new(Exit::Usage, error).with_hint(hint)
}

/// What to verify where somebody asks for all of it by a word.
fn hint_for_all(file: &PlanFile, word: &str) -> Option<String> {
    let line = file.invocation.command(["verify", "--all"]);
    matches!(word, "all" | "*" | "everything").then(|| format!("`{line}` looks at everything that is stored"))
}

/// What to verify where another sign stands between a device and its domain.
fn hint_for_sign(file: &PlanFile, history: Option<&History>, word: &str) -> Option<String> {
    let target = KnownExports::of(file, history).with_slash(word)?;
    Some(format!(
        "a device and its domain have a / between them: `{}`",
        file.invocation.command(["verify", &target])
    ))
}

/// What to verify where the port stands behind the device.
fn hint_for_port(file: &PlanFile, word: &str) -> Option<String> {
    let device = with_its_port(file, word)?;
    let line = file.invocation.command(["verify", device]);
    Some(format!("its port stands in the plan file: `{line}`"))
}

/// What to verify where somebody names a plan.
fn hint_for_plan(file: &PlanFile, word: &str) -> Option<String> {
    file.plan(word)?;
    let command = |words: [&str; 2]| file.invocation.command(words);
    Some(format!(
        "it is a plan; `{}` looks at what the newest task has stored, `{}` at everything, and a device is named by \
         itself: {}",
        command(["verify", "last"]),
        command(["verify", "--all"]),
        all_devices(file)
    ))
}

/// So many names and IDs are written out in a command.
const MOST_NAMED: usize = 20;

/// What to verify where somebody names several tasks at once: `1-5`.
fn hint_for_range(file: &PlanFile, word: &str) -> Option<String> {
    let (first, last) = ["..", "-", ","].iter().find_map(|sign| word.split_once(sign))?;
    let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let ids: Vec<String> = match word.contains(',') {
        true => vec![first.to_string(), last.to_string()],
        false => (first..=last).take(MOST_NAMED).map(|id| id.to_string()).collect(),
    };
    let words = ["verify"].into_iter().chain(ids.iter().map(String::as_str));
    Some(format!(
        "tasks are named one by one: `{}`",
        file.invocation.command(words)
    ))
}

/// What to verify where a domain stands behind its device, with a blank between them.
fn hint_for_domain(
    file: &PlanFile,
    history: Option<&History>,
    devices: &[String],
    word: &str,
) -> Option<String> {
    let device = devices.last()?;
    let rows = history?.stored_files(&FileFilter::Device(device.clone())).ok()?;
    rows.iter().find(|row| row.domain_name == word)?;
    let target = format!("{device}/{word}");
    Some(format!(
        "a device and its domain have a / between them: `{}`",
        file.invocation.command(["verify", &target])
    ))
}

/// What to verify where somebody names a domain without its device.
fn hint_for_domain_alone(file: &PlanFile, history: Option<&History>, word: &str) -> Option<String> {
    let devices = devices_of_domain(history, word);
    devices.first()?;
    let targets = devices
        .iter()
        .take(MOST_NAMED)
        .map(|device| format!("{device}/{word}"));
    let targets: Vec<String> = targets.collect();
    let words = ["verify"].into_iter().chain(targets.iter().map(String::as_str));
    Some(format!(
        "it is a domain, and stands behind its device: `{}`",
        file.invocation.command(words)
    ))
}

/// What is named by a path that leads nowhere from here: commands print where a file stands below the store, and
/// that can be given back to them.
fn below_store(
    file: &Path,
    store: Option<&Path>,
    history: Option<&History>,
) -> Result<PathBuf, CommandError> {
    let Some(below) = store.map(|store| store.join(file)) else {
        return Ok(file.to_owned());
    };
    let is_there = below.symlink_metadata().is_ok() || is_recorded(&below, store, history)?;
    Ok(match is_there {
        true => below,
        false => file.to_owned(),
    })
}

/// Whether history knows something at this place, though nothing is there any more.
fn is_recorded(file: &Path, store: Option<&Path>, history: Option<&History>) -> Result<bool, CommandError> {
    let Some(history) = history else {
        return Ok(false);
    };
    for place in places(file, store) {
        if !history.files_at(&place)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The files that should stand in the store of what is named as `DEVICE/DOMAIN`.
fn stored_of(
    word: &str,
    devices: &[String],
    history: Option<&History>,
) -> Result<Vec<FileRow>, CommandError> {
    let Some((device, domain)) = named_export::target(word) else {
        return Ok(Vec::new());
    };
    if !devices.iter().any(|known| known == device) {
        let known: Vec<&str> = devices.iter().map(String::as_str).collect();
        let error = anyhow!(
            "there is no file '{word}', and neither the plan file nor history has a device '{device}'"
        );
        return Err(CommandError::new(Exit::Usage, error).with_hint(did_you_mean(device, &known)));
    }
    let mut rows = match history {
        Some(history) => history.stored_files(&FileFilter::Device(device.to_owned()))?,
        None => Vec::new(),
    };
    let known: BTreeSet<String> = rows.iter().map(|row| row.domain_name.clone()).collect();
    rows.retain(|row| row.domain_name == domain);
    if rows.is_empty() {
        // An export of all domains may hold it, and may not: nobody is told that it was looked at.
        let has_all = known.contains(ALL_DOMAINS);
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let error = match has_all {
            true => anyhow!(
                "nothing is stored of the domain '{domain}' of {device} alone; whether its exports of all domains hold it was not looked at"
            ),
            false => anyhow!("nothing is stored of the domain '{domain}' of {device}"),
        };
        let hint = match (nearest(domain, known.iter().copied()), has_all) {
            _ if domain.contains('*') => {
                "the name of the device alone is all that is stored of it".to_owned()
            }
            (None, true) => format!("`{device}/{ALL_DOMAINS}` verifies the exports of all its domains"),
            _ => did_you_mean(domain, &known),
        };
        return Err(CommandError::new(Exit::Usage, error).with_hint(hint));
    }
    Ok(rows)
}

/// The devices of the plan file, and those of which something is in history.
fn devices(file: Option<&PlanFile>, history: Option<&History>) -> Result<Vec<String>, CommandError> {
    let mut names: Vec<String> = file
        .iter()
        .flat_map(|file| file.devices.iter().map(|device| device.name.clone()))
        .collect();
    if let Some(history) = history {
        let gone = history.device_names()?.into_iter();
        let gone: Vec<String> = gone.filter(|name| !names.contains(name)).collect();
        names.extend(gone);
    }
    Ok(names)
}

/// The ways to a file by which history may know it, as it is named and as the store is; its own name is not followed,
/// lest a link hides, but for that of a folder, which is only a way.
pub(super) fn places(file: &Path, store: Option<&Path>) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = std::path::absolute(file).into_iter().collect();
    if let (Some(folder), Some(name)) = (file.parent(), file.file_name()) {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        places.extend(folder.canonicalize().map(|folder| folder.join(name)));
    }
    if file.is_dir() {
        places.extend(file.canonicalize());
    }
    if let Some((store, resolved)) = store.and_then(|store| Some((store, store.canonicalize().ok()?))) {
        let as_store = |place: &PathBuf| match place.strip_prefix(&resolved) {
            // Nothing joined to a path would end it with a slash.
            Ok(rest) if rest.as_os_str().is_empty() => Some(store.to_owned()),
            Ok(rest) => Some(store.join(rest)),
            // All of the store is below it.
            Err(_) => resolved.starts_with(place).then(|| store.to_owned()),
        };
        let in_store: Vec<PathBuf> = places.iter().filter_map(as_store).collect();
        places.extend(in_store);
    }
    places
}
