//! What to type where the ID of a task is taken, and a device, a domain or a plan was named.

use crate::cli::{ExecutionId, Global};
use crate::commands::frame::history_file::read_history;
use crate::commands::history::named::devices_of_domain;
use crate::commands::named::named_export::target;
use crate::commands::named::plan_names::plan_if_sound;
use crate::history::{FileFilter, History};
use crate::misunderstood::without_plan_file;
use crate::run::event::{FileKind, TaskId};
use crate::values::device_pattern::DeviceRole;
use crate::values::environment::Lookup;
use crate::values::restore_name::is_restore_name;

/// The command that is meant, with the newest stored export where a domain was named. `words` are the arguments
/// of the process.
pub(in crate::commands) fn instead(
    global: &Global,
    words: &[String],
    value: &str,
    env: Lookup<'_>,
) -> Option<String> {
    let file = plan_if_sound(global, env)?;
    let command = |words: &[&str]| file.invocation.command(words.iter().copied());
    let behind = |option: &str| {
        let at = words.iter().position(|word| word == option);
        at.and_then(|at| words.get(at + 1)).map(String::as_str)
    };
    // Nothing is rehearsed on a device that is no spare.
    let spares = file
        .devices
        .iter()
        .filter(|device| device.role == DeviceRole::Spare);
    let mut spares = spares.map(|device| device.name.as_str());
    let typed = behind("--on").filter(|on| spares.clone().any(|spare| spare == *on));
    let on = typed.or_else(|| spares.next()).unwrap_or("SPARE");
    let typed = words
        .iter()
        .map(String::as_str)
        .find(|word| matches!(*word, "restore" | "rehearse" | "verify"))?;
    if typed == "rehearse" && value == "all" {
        return Some(format!(
            "it is an option: `{}`",
            command(&["rehearse", "--all", "--on", on])
        ));
    }
    // An ID with what stands before it elsewhere: `#12`, `task 12`.
    let lower = value.to_lowercase();
    let bare = lower.strip_prefix("task").unwrap_or(&lower);
    let bare = bare.trim_start_matches(['#', ' ', '=', ':', '-', '_']);
    if bare != value && ExecutionId::of(bare).is_some() {
        let mut line = without_plan_file(words);
        line.iter_mut()
            .filter(|word| **word == value)
            .for_each(|word| *word = bare);
        return Some(format!("an ID is a number alone: `{}`", command(&line)));
    }
    let is_device = file.device(value).is_some();
    // A domain alone is that of the device to which it is to go.
    let of_device = behind("--to").filter(|_| typed == "restore" && !is_device && !value.contains('/'));
    let whole = of_device
        .filter(|device| file.device(device).is_some())
        .map(|device| format!("{device}/{value}"));
    // Else it is that of the one device of which it is backed up.
    let whole = whole.or_else(|| {
        let history = read_history(&file.settings).ok().flatten();
        let is_none = typed == "verify" || is_device || file.plan(value).is_some();
        let devices = devices_of_domain(history.as_ref().filter(|_| !is_none), value);
        match devices.as_slice() {
            [device] => Some(format!("{device}/{value}")),
            _ => None,
        }
    });
    let value = whole.as_deref().unwrap_or(value);
    if let Some((device, _)) = target(value) {
        file.device(device)?;
        if typed == "verify" {
            return Some(format!(
                "`{}` looks at what is stored of it",
                command(&["verify", value])
            ));
        }
        let history = read_history(&file.settings).ok().flatten()?;
        let Some(id) = newest_of(&history, value) else {
            return Some(format!(
                "no plan has stored an export of {value} that is there: `{}` shows what there is",
                command(&["history", "status"])
            ));
        };
        let line = match typed {
            "restore" => command(&["restore", &id, "--to", behind("--to").unwrap_or(device)]),
            _ => command(&["rehearse", &id, "--on", on]),
        };
        return Some(format!(
            "the newest export of {value} that a plan has stored is that of task {id}: `{line}`"
        ));
    }
    match typed {
        "verify" if is_device => Some(format!(
            "`{}` looks at what is stored of it",
            command(&["verify", value])
        )),
        // A spare behind what is sent to it.
        "rehearse" if spares.any(|spare| spare == value) && behind("--on").is_none() => {
            let at = words.iter().position(|word| word == value)?;
            let line = [&words[..at], &["--on".to_owned()], &words[at..]].concat();
            Some(format!(
                "the spare device is named by --on: `{}`",
                command(&without_plan_file(&line))
            ))
        }
        "rehearse" if is_device => Some(format!(
            "`{}` tries the newest good export of each of its domains",
            command(&["rehearse", "--device", value, "--on", on])
        )),
        "rehearse" if file.plan(value).is_some() => Some(format!(
            "`{}` tries the newest good export of each domain that this plan made",
            command(&["rehearse", "--plan", value, "--on", on])
        )),
        _ => None,
    }
}

/// The same where device and domain were named by options of their own.
pub(in crate::commands) fn of_options(global: &Global, words: &[String], env: Lookup<'_>) -> Option<String> {
    let value = |option: &str| {
        let at = words.iter().position(|word| word == option)?;
        words.get(at + 1)
    };
    let target = format!("{}/{}", value("--device")?, value("--domain")?);
    instead(global, words, &target, env)
}

/// The command that is meant where a restore does not say to which device: the one that the backup is of. `words` are the
/// arguments of the process.
pub(in crate::commands) fn with_its_device(
    global: &Global,
    words: &[String],
    env: Lookup<'_>,
) -> Option<String> {
    let typed = words.iter().position(|word| word == "restore")?;
    let named = words
        .get(typed + 1..)?
        .iter()
        .find_map(|word| ExecutionId::of(word))?;
    let file = plan_if_sound(global, env)?;
    let history = read_history(&file.settings).ok().flatten()?;
    let task = match named {
        ExecutionId::Number(id) => TaskId(id),
        ExecutionId::Last => history.newest_restorable_task().ok().flatten()?,
    };
    let rows = history.files(task).ok()?;
    let row = rows.first()?;
    file.device(&row.device_name)?;
    let id = task.0.to_string();
    Some(format!(
        "it is named by --to, and this backup is one of {}, {}: `{}` shows what would change there, and changes nothing \
         before that is confirmed",
        row.device_name,
        row.domain_name,
        file.invocation
            .command(["restore", &id, "--to", &row.device_name])
    ))
}

/// The task of a plan that stored the newest export of a domain. What a restore has backed up by itself is none that is
/// laid over anything.
fn newest_of(history: &History, named: &str) -> Option<String> {
    let (device, domain) = target(named)?;
    let mut rows = history
        .stored_files(&FileFilter::Device(device.to_owned()))
        .ok()?;
    rows.retain(|row| {
        row.kind == FileKind::Persisted && row.domain_name == domain && row.pruned_time.is_none()
    });
    rows.sort_by_key(|row| std::cmp::Reverse(row.task.0));
    let is_of_a_plan = |task| {
        let plan = history.task(task).ok().map(|task| task.plan);
        let plan = plan.and_then(|plan| history.plan(plan).ok());
        plan.is_some_and(|plan| !is_restore_name(&plan.plan))
    };
    let newest = rows.iter().find(|row| is_of_a_plan(row.task))?;
    Some(newest.task.0.to_string())
}
