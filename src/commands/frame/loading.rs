//! The plan file, as commands need it: whole, in part, or not at all.

mod unreadable;

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::cli::Global;
use crate::commands::dead::left_behind::{left_behind, with_left, with_rows_of};
use crate::commands::frame::error::CommandError;
use crate::commands::frame::history_file::owners_of_history;
use crate::commands::frame::loading::unreadable::hint_on;
use crate::exit::Exit;
use crate::lock::Locks;
use crate::plan::diagnostic::{PlanFindings, Style};
use crate::plan::find::FindError;
use crate::plan::model::{PlanFile, StorePlace};
use crate::plan::{self, LeftOutOf, LoadError, Loaded};
use crate::run::left::Left;
use crate::ui::{Ui, Verbosity};
use crate::values::environment::{Lookup, non_empty};
use crate::values::invocation::Invocation;

/// How this process was called: with a plan file that was named, or with one that is found.
pub(in crate::commands) fn invocation(global: &Global, env: Lookup<'_>) -> Invocation {
    let named = global.config.clone();
    let named = named.or_else(|| non_empty(env, "DPBACKUP_CONFIG").map(PathBuf::from));
    named.map_or_else(Invocation::default, |path| Invocation::naming(&path))
}

/// Finds, reads and checks the plan file. Its errors are printed here; its warnings where
/// somebody watches: what holds every night is not to be mailed every night.
pub(in crate::commands) fn load_plan(
    global: &Global,
    ui: Ui,
    env: Lookup<'_>,
) -> Result<Loaded, CommandError> {
    let loaded = load(global, ui, env)?;
    if ui.lines || ui.verbosity > Verbosity::Normal {
        show_warnings(&loaded, ui);
    }
    Ok(loaded)
}

/// The same for the commands that work with what can be read of a file that has an error elsewhere: what
/// is wrong is printed, and what was left out for it.
pub(in crate::commands) fn load_plan_or_part(
    global: &Global,
    ui: Ui,
    env: Lookup<'_>,
) -> Result<Loaded, CommandError> {
    load_part((global, ui, env), LeftOutOf::Table, None)
}

/// The same for who asks a device for its certificate: how it is trusted need not be right.
pub(in crate::commands) fn load_plan_or_part_to_trust(
    global: &Global,
    ui: Ui,
    env: Lookup<'_>,
) -> Result<Loaded, CommandError> {
    load_part((global, ui, env), LeftOutOf::Trust, None)
}

/// The same for what is in the store: where the file does not say where that is, nothing can be done.
pub(in crate::commands) fn load_plan_or_part_with_store(
    global: &Global,
    ui: Ui,
    env: Lookup<'_>,
) -> Result<Loaded, CommandError> {
    let needed = "where the store is, is needed here: mend `store` in its [settings]";
    load_part((global, ui, env), LeftOutOf::Table, Some(needed))
}

/// With advice for who needs a store, and cannot know where it is.
fn load_part(
    (global, ui, env): (&Global, Ui, Lookup<'_>),
    of: LeftOutOf,
    needs_store: Option<&str>,
) -> Result<Loaded, CommandError> {
    let error = match load_plan(global, ui, env) {
        Ok(loaded) => return Ok(loaded),
        Err(error) => error,
    };
    let part = match error.error.downcast_ref() {
        Some(LoadError::Invalid(found)) => plan::load_part(&found.path, env, of).map(|part| (part, found)),
        _ => None,
    };
    let Some((part, found)) = part else {
        return Err(with_open_rows(error, global, env));
    };
    let mut plan_file = part.plan_file;
    plan_file.invocation = invocation(global, env);
    if let (Some(needed), StorePlace::NotKnown) = (needs_store, &plan_file.settings.store) {
        return Err(with_open_rows(error.with_hint(needed), global, env));
    }
    // What a line means that cannot be used is not known: where something is open there, that goes first.
    for other in other_histories(Some(&plan_file.settings.history), global, env) {
        let left = left_behind(&other, &Locks::beside(&other));
        if !matches!(left, Left::Nothing) {
            return Err(with_left(error, &left, &plan_file.invocation));
        }
    }
    ui.warning(&format!(
        "the plan file {} has {}: what stands elsewhere in it is used; left out: {}",
        found.path.display(),
        found.summary(),
        part.left_out.join(", ")
    ));
    Ok(Loaded {
        plan_file,
        warnings: found.clone(),
    })
}

/// The exit code of a command that worked with what can be read: no success where that is not all.
pub(in crate::commands) fn exit_of_part(file: &PlanFile, exit: Exit) -> Exit {
    match file.is_whole {
        true => exit,
        false => exit.or_graver(Exit::Warned),
    }
}

/// The same error, with the exit code and the advice that an open row of the journal asks for: a plan file
/// that cannot be used is no reason to say nothing of it. The history is where the sound part of the file
/// says, else in its usual place; one that a line of the file names which cannot be used is looked at too.
pub(in crate::commands) fn with_open_rows(
    error: CommandError,
    global: &Global,
    env: Lookup<'_>,
) -> CommandError {
    let known = named_history(global, env).or_else(|| plan::usual_history(env));
    let mut histories = other_histories(known.as_deref(), global, env);
    histories.extend(known);
    let invocation = invocation(global, env);
    let of = |error, history: PathBuf| with_rows_of(error, &history, &invocation);
    histories.into_iter().fold(error, of)
}

/// The histories that lines of the plan file name beside the one that is known.
fn other_histories(known: Option<&Path>, global: &Global, env: Lookup<'_>) -> Vec<PathBuf> {
    let found = plan::find::find(global.config.as_deref(), Path::new(""), env);
    let mut written = match found {
        Ok(path) => plan::written_histories(&path),
        Err(FindError::Untrusted { path, .. }) => plan::written_histories(&path),
        Err(FindError::NotFound(_)) => Vec::new(),
    };
    // Of a file that others may write to, a stranger would say which one is opened.
    written.retain(|history| {
        let is_trusted = !history.is_file() || owners_of_history(history).is_ok();
        Some(history.as_path()) != known && is_trusted
    });
    written
}

/// The history that the plan file names, or the sound part of it where it has an error; `None` where
/// it cannot be read at all.
pub(in crate::commands) fn named_history(global: &Global, env: Lookup<'_>) -> Option<PathBuf> {
    let path = plan::find::find(global.config.as_deref(), Path::new(""), env).ok()?;
    let file = match plan::load(&path, env) {
        Ok(loaded) => loaded.plan_file,
        Err(_) => plan::load_part(&path, env, LeftOutOf::Table)?.plan_file,
    };
    Some(file.settings.history)
}

/// The same for the commands that look for what is wrong: warnings are printed always.
pub(in crate::commands) fn load_plan_to_judge(
    global: &Global,
    ui: Ui,
    env: Lookup<'_>,
) -> Result<Loaded, CommandError> {
    let loaded = load(global, ui, env)?;
    if !loaded.warnings.findings.is_empty() {
        show_findings(&loaded.warnings, ui);
    }
    warn_of_zone(ui, env);
    Ok(loaded)
}

/// How many warnings [`load_plan_to_judge`] has printed.
pub(in crate::commands) fn warnings_of(loaded: &Loaded, env: Lookup<'_>) -> usize {
    loaded.warnings.warnings() + usize::from(unknown_zone(env).is_some())
}

/// Warns of a `$TZ` that is no time zone, where times are shown or days are counted; whether it is none.
pub(in crate::commands) fn warn_of_zone(ui: Ui, env: Lookup<'_>) -> bool {
    let unknown = unknown_zone(env);
    if let Some(zone) = &unknown {
        ui.warning(&format!(
            "$TZ is {zone:?}, which is no time zone: times are in UTC; write one such as Europe/Rome, or leave it unset"
        ));
    }
    unknown.is_some()
}

/// What `$TZ` says, where that is no time zone.
fn unknown_zone(env: Lookup<'_>) -> Option<String> {
    let zone = non_empty(env, "TZ")?.to_string_lossy().into_owned();
    TimeZone::try_system().is_err().then_some(zone)
}

/// The plan file, unless none was named and none is in the usual places.
pub(in crate::commands) fn load_plan_if_any(
    global: &Global,
    ui: Ui,
    env: Lookup<'_>,
    load: fn(&Global, Ui, Lookup<'_>) -> Result<Loaded, CommandError>,
) -> Result<Option<Loaded>, CommandError> {
    match plan::find::find(global.config.as_deref(), Path::new(""), env) {
        Err(FindError::NotFound(_)) => Ok(None),
        // Found, or refused: that is told there.
        Ok(_) | Err(FindError::Untrusted { .. }) => load(global, ui, env).map(Some),
    }
}

fn show_warnings(loaded: &Loaded, ui: Ui) {
    if !loaded.warnings.findings.is_empty() {
        show_findings(&loaded.warnings, ui);
    }
}

fn load(global: &Global, ui: Ui, env: Lookup<'_>) -> Result<Loaded, CommandError> {
    let path = plan::find::find(global.config.as_deref(), Path::new(""), env).map_err(|error| {
        let hint = match &error {
            FindError::NotFound(_) => {
                "name one with --config FILE or $DPBACKUP_CONFIG; `dpbackup init` writes one to start from"
            }
            // What others may write is not taken by its name either.
            FindError::Untrusted { path, .. } if is_refused_by_name(path, env) => {
                "mend that, go to another folder, or run it as the user whose folder it is"
            }
            FindError::Untrusted { .. } => {
                "go to another folder, or name the plan file that you mean with --config FILE"
            }
        };
        CommandError::new(Exit::Usage, error).with_hint(hint)
    })?;
    match plan::load(&path, env) {
        Ok(mut loaded) => {
            loaded.plan_file.invocation = invocation(global, env);
            Ok(loaded)
        }
        Err(LoadError::Invalid(found)) => {
            show_findings(&found, ui);
            Err(CommandError::new(Exit::Usage, LoadError::Invalid(found)))
        }
        Err(error) => {
            let hint = hint_on(&error, &path, env);
            let error = CommandError::new(Exit::Usage, error);
            Err(match hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            })
        }
    }
}

/// Whether a plan file is not taken either where it is named.
fn is_refused_by_name(path: &Path, env: Lookup<'_>) -> bool {
    matches!(plan::load(path, env), Err(LoadError::Untrusted { .. }))
}

/// How the plan file of a folder is called, once it stands there; the error is that nobody would take it.
pub(in crate::commands) fn names_of_new(path: &Path, env: Lookup<'_>) -> Result<Invocation, String> {
    let is_found = path == Path::new("plans.toml") && non_empty(env, "DPBACKUP_CONFIG").is_none();
    match plan::load(path, env) {
        Err(LoadError::Untrusted { source, .. }) => Err(source.to_string()),
        _ if is_found && plan::find::find(None, Path::new(""), env).is_ok() => Ok(Invocation::default()),
        _ => Ok(Invocation::naming(path)),
    }
}

fn show_findings(found: &PlanFindings, ui: Ui) {
    let style = if ui.color { Style::Coloured } else { Style::Plain };
    ui.say(found.render(style).trim_end());
}
