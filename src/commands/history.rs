//! `dpbackup history`

use std::collections::HashSet;

use anyhow::anyhow;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::cli::{
    ExecutionId, Global, HistoryArgs, HistoryFormat, HistoryLevel, HistoryOutput, LastArgs, LevelArgs, Since,
};
use crate::commands::error::{CommandError, Outcome, found, print, print_states};
use crate::commands::gone::{Gone, open_rows};
use crate::commands::left_behind::untold;
use crate::commands::loading::{
    existing_history, exit_of_part, load_plan_or_part, read_history, warn_of_zone,
};
use crate::commands::names::{did_you_mean, pattern_instead};
use crate::commands::status;
use crate::exit::Exit;
use crate::history::{History, HistoryError, PlanFilter, PlanRow};
use crate::lock::Locks;
use crate::plan::model::PlanFile;
use crate::report::{View, WholeExecution, csv, json, table};
use crate::run::event::{ActivityId, Owner, PlanId, TaskId};
use crate::run::status::Status;
use crate::ui::{Ui, Verbosity};
use crate::values::environment::Lookup;
use crate::values::invocation::Invocation;
use crate::values::nearest::nearest;
use crate::values::text::printable;

/// So many executions are listed where nobody says how many.
const MOST_LISTED: u32 = 40;

/// Prints one level of history.
pub(super) fn history(global: &Global, args: &HistoryArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let level = match &args.level {
        Some(HistoryLevel::Status(args)) => return status::status(global, args, ui, env),
        Some(HistoryLevel::Activities(args)) => Some((LevelBelow::Activities, args)),
        Some(HistoryLevel::Tasks(args)) => Some((LevelBelow::Tasks, args)),
        Some(HistoryLevel::Files(args)) => Some((LevelBelow::Files, args)),
        None => None,
    };
    let loaded = load_plan_or_part(global, ui, env)?;
    warn_of_zone(ui, env);
    let file = &loaded.plan_file;
    match (level, &args.what) {
        (None, None) => plans(file, args, &filter(args)?, ui),
        (None, Some(what)) => match ExecutionId::of(what) {
            Some(id) => {
                let plan = match id {
                    ExecutionId::Number(id) => {
                        is_not_narrowed(file, args, what)?;
                        PlanId(id)
                    }
                    ExecutionId::Last => {
                        is_not_limited(file, args)?;
                        last_of(&recorded(file)?, file, filter(args)?)?
                    }
                };
                whole(file, &recorded(file)?, plan, &args.output, ui)
            }
            None => plans(file, args, &named(file, what, filter(args)?)?, ui),
        },
        (Some((level, args)), _) => self::level(file, &recorded(file)?, level, args, ui),
    }
}

/// Answers `last`, which is a level of history.
pub(super) fn last(global: &Global, args: &LastArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_or_part(global, ui, env)?;
    warn_of_zone(ui, env);
    let file = &loaded.plan_file;
    let history = recorded(file)?;
    let of_plan = PlanFilter {
        plan: args.plan.clone(),
        ..PlanFilter::default()
    };
    let plan = last_of(&history, file, of_plan)?;
    whole(file, &history, plan, &args.output, ui)
}

/// The history, for who asks for something in it: before the first run there is nothing, which is a mistake of
/// whoever asks, and no trouble with the file.
fn recorded(file: &PlanFile) -> Result<History, CommandError> {
    existing_history(&file.settings).map_err(|error| match error {
        HistoryError::Missing { .. } => {
            CommandError::new(Exit::Usage, error).with_hint(first_run(&file.invocation))
        }
        other => other.into(),
    })
}

/// What is to be done before anything can be looked at.
pub(super) fn first_run(invocation: &Invocation) -> String {
    format!(
        "`{}` runs a plan, and `{}` shows which there are",
        invocation.command(["run", "PLAN"]),
        invocation.command(["list"])
    )
}

/// The execution that an ID, or `last`, is at one of the levels.
pub(super) fn execution<T>(
    id: ExecutionId,
    of: impl Fn(i64) -> T,
    newest: impl FnOnce() -> Result<Option<T>, HistoryError>,
) -> Result<T, CommandError> {
    match id {
        ExecutionId::Number(id) => Ok(of(id)),
        ExecutionId::Last => newest()?.ok_or_else(|| nothing_yet("nothing was recorded yet")),
    }
}

/// Somebody asks for the newest of what was never run.
#[derive(Debug, thiserror::Error)]
#[error("there is no last execution: {0}")]
pub(super) struct NothingYet(&'static str);

fn nothing_yet(what: &'static str) -> CommandError {
    CommandError::new(Exit::Usage, anyhow::Error::new(NothingYet(what)))
}

/// The levels that are of one execution.
#[derive(Clone, Copy)]
enum LevelBelow {
    Activities,
    Tasks,
    Files,
}

fn level(file: &PlanFile, history: &History, level: LevelBelow, args: &LevelArgs, ui: Ui) -> Outcome {
    let LevelArgs { id, output } = args;
    match level {
        LevelBelow::Activities => {
            let plan = execution(*id, PlanId, || history.newest_plan())?;
            activities(file, history, plan, output, ui)
        }
        LevelBelow::Tasks => {
            let activity = execution(*id, ActivityId, || history.newest_activity())?;
            let mut rows = found(history.tasks(activity))?;
            let gone = Gone::look(history, &Locks::beside(&file.settings.history))?;
            rows.iter_mut().for_each(|row| gone.mark_task(row));
            if ui.verbosity == Verbosity::Quiet {
                rows.retain(|row| gone.is_not_good(row.plan, row.status));
            }
            show(file, ui, output, &View::TaskExecutions(&rows))
        }
        LevelBelow::Files => {
            let task = execution(*id, TaskId, || history.newest_task())?;
            let mut details = found(history.task_details(task))?;
            let gone = Gone::look(history, &Locks::beside(&file.settings.history))?;
            gone.mark_task(&mut details.task);
            show(file, ui, output, &View::Files(&details))
        }
    }
}

/// One execution with everything below it.
fn whole(file: &PlanFile, history: &History, plan: PlanId, output: &HistoryOutput, ui: Ui) -> Outcome {
    let mut row = [found(history.plan(plan))?];
    let gone = Gone::look(history, &Locks::beside(&file.settings.history))?;
    gone.mark_plans(&mut row);
    let mut tasks = Vec::new();
    for task in history.tasks_of_plan(plan)? {
        let mut details = found(history.task_details(task.id))?;
        gone.mark_task(&mut details.task);
        // The row of a task is opened with its plan, long before the task begins.
        let began = history.task_status_changes(task.id)?.into_iter();
        let began = began
            .into_iter()
            .find(|change| change.status == Status::Validating);
        if ui.verbosity == Verbosity::Quiet && !gone.is_not_good(plan, details.task.status) {
            continue;
        }
        tasks.push((details, began.map(|began| began.time)));
    }
    let [row] = row;
    let whole = WholeExecution {
        plan: &row,
        notes: &history.notes(Owner::Plan(plan))?,
        scripts: &history.scripts(Owner::Plan(plan))?,
        tasks: &tasks,
        store: &file.settings.store,
    };
    show(file, ui, output, &View::Whole(&whole))
}

fn activities(file: &PlanFile, history: &History, plan: PlanId, output: &HistoryOutput, ui: Ui) -> Outcome {
    let mut rows = found(history.activities(plan))?;
    let gone = Gone::look(history, &Locks::beside(&file.settings.history))?;
    gone.mark_activities(&mut rows);
    if ui.verbosity == Verbosity::Quiet {
        rows.retain(|row| gone.is_not_good(plan, row.status));
    }
    let view = View::ActivityExecutions {
        rows: &rows,
        notes: &history.notes(Owner::Plan(plan))?,
        scripts: &history.scripts(Owner::Plan(plan))?,
    };
    show(file, ui, output, &view)
}

fn plans(file: &PlanFile, args: &HistoryArgs, filter: &PlanFilter, ui: Ui) -> Outcome {
    // Before the first run there is no file, and nothing is wrong with that.
    let history = read_history(&file.settings)?;
    known(file, history.as_ref(), filter)?;
    let rows = match &history {
        Some(history) => plan_rows(file, history, filter, ui.verbosity)?,
        None => Vec::new(),
    };
    if let Some(since) = filter
        .since
        .filter(|since| rows.is_empty() && *since > Timestamp::now())
    {
        let since = since.to_zoned(zone(&args.output)).strftime("%Y-%m-%d %H:%M");
        ui.warning(&format!(
            "--since is {since}, which is still to come: nothing has started since then"
        ));
    }
    let view = View::PlanExecutions { rows: &rows, filter };
    show(file, ui, &args.output, &view)
}

/// The executions that pass the filter, those whose process is gone as what they are: only then
/// can their status be asked for.
pub(super) fn plan_rows(
    file: &PlanFile,
    history: &History,
    filter: &PlanFilter,
    verbosity: Verbosity,
) -> Result<Vec<PlanRow>, CommandError> {
    let gone = Gone::look(history, &Locks::beside(&file.settings.history))?;
    let mut rows = match filter.status {
        // Which ones are not good is known only then, too.
        status if status == Some(Status::Abandoned) || verbosity == Verbosity::Quiet => {
            history.plans(&PlanFilter {
                status: status.filter(|status| *status != Status::Abandoned),
                limit: u32::MAX,
                ..filter.clone()
            })?
        }
        _ => history.plans(filter)?,
    };
    gone.mark_plans(&mut rows);
    if verbosity == Verbosity::Quiet {
        rows.retain(|row| gone.is_not_good(row.id, row.status));
    }
    let of_plans = filter.status.filter(|status| !status.is_of_tasks_alone());
    rows.retain(|row| of_plans.is_none_or(|status| row.status == status));
    rows.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// The newest execution that passes the filter.
fn last_of(history: &History, file: &PlanFile, filter: PlanFilter) -> Result<PlanId, CommandError> {
    known(file, Some(history), &filter)?;
    let newest = history.plans(&PlanFilter { limit: 1, ..filter })?;
    let newest = newest.first().map(|row| row.id);
    newest.ok_or_else(|| nothing_yet("nothing that was recorded is like this"))
}

/// An ID is one execution, whatever else is asked of it: an option that narrows the list would be
/// ignored.
fn is_not_narrowed(file: &PlanFile, args: &HistoryArgs, id: &str) -> Result<(), CommandError> {
    let narrowing = [
        ("--plan", args.plan.is_some()),
        ("--status", args.status.is_some()),
        ("--device", args.device.is_some()),
        ("--since", args.since.is_some()),
        ("--limit", args.limit.is_some()),
    ];
    let Some((option, _)) = narrowing.iter().find(|(_, is_given)| *is_given) else {
        return Ok(());
    };
    let error = anyhow!("{id} is one execution, and {option} narrows the list of them");
    Err(CommandError::new(Exit::Usage, error).with_hint(format!(
        "leave one of them out: `{}` is that execution",
        file.invocation.command(["history", id])
    )))
}

/// The newest one is one: a number of them would be ignored.
fn is_not_limited(file: &PlanFile, args: &HistoryArgs) -> Result<(), CommandError> {
    let Some(limit) = args.limit else { return Ok(()) };
    let error = anyhow!("`last` is one execution, and --limit is how many of the list are shown");
    Err(CommandError::new(Exit::Usage, error).with_hint(format!(
        "`{}` shows the newest in full, `{}` the list",
        file.invocation.command(["history", "last"]),
        file.invocation
            .command(["history", "--limit", &limit.to_string()])
    )))
}

/// The filter with what somebody typed in place of an option: a plan's name, or a device's.
fn named(file: &PlanFile, name: &str, filter: PlanFilter) -> Result<PlanFilter, CommandError> {
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
    if let Some(pattern) = pattern_instead(file, word, &["history", "--device"], 1) {
        return Some(pattern);
    }
    if Since::of(word).is_some() {
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
    let good = history?.good_files().ok()?;
    good.iter().find(|row| row.domain_name == word)?;
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
pub(super) fn known(
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
pub(super) fn device_names(file: &PlanFile, history: Option<&History>) -> Result<Vec<String>, CommandError> {
    Ok(names(file, history)?.1)
}

fn filter(args: &HistoryArgs) -> Result<PlanFilter, CommandError> {
    let since = args
        .since
        .map(|since| moment(since, zone(&args.output)))
        .transpose()?;
    Ok(PlanFilter {
        plan: args.plan.clone(),
        status: args.status,
        device: args.device.clone(),
        since,
        limit: args.limit.unwrap_or(MOST_LISTED),
    })
}

/// The zone in which times are shown, and read.
pub(super) fn zone(output: &HistoryOutput) -> TimeZone {
    if output.utc {
        TimeZone::UTC
    } else {
        TimeZone::system()
    }
}

pub(super) fn moment(since: Since, zone: TimeZone) -> Result<Timestamp, CommandError> {
    let now = Timestamp::now();
    let resolved = match since {
        Since::At(at) => Ok(at),
        Since::Ago(duration) => now.checked_sub(duration),
        Since::Civil(at) => at.to_zoned(zone).map(|zoned| zoned.timestamp()),
        Since::DayAgo(days) => now
            .to_zoned(zone)
            .checked_sub(Span::new().days(days))
            .and_then(|day| day.start_of_day())
            .map(|day| day.timestamp()),
    };
    resolved.map_err(|error| CommandError::new(Exit::Usage, error))
}

fn show(file: &PlanFile, ui: Ui, output: &HistoryOutput, view: &View<'_>) -> Outcome {
    let zone = zone(output);
    let open = open_rows(file);
    if let (Some(open), true) = (&open, output.format != HistoryFormat::Table) {
        ui.warning(open);
    }
    let is_quiet = ui.verbosity == Verbosity::Quiet && view.may_be_silent();
    let text = match output.format {
        HistoryFormat::Table if is_quiet => {
            open.map_or_else(String::new, |open| format!("{}\n", printable(&open)))
        }
        HistoryFormat::Table => {
            let layout = table::Layout {
                width: ui.width,
                zone,
                invocation: file.invocation.clone(),
            };
            let above = open.map_or_else(String::new, |open| format!("{}\n\n", printable(&open)));
            format!("{above}{}", table::render(view, &layout))
        }
        HistoryFormat::Json => json::render(view, &zone),
        HistoryFormat::Csv => csv::render(view, &zone),
    };
    let printed = match output.format {
        HistoryFormat::Table => print_states(ui, &text),
        HistoryFormat::Json | HistoryFormat::Csv => print(ui, &text),
    };
    printed.map_err(|error| untold(error, file))?;
    Ok(exit_of_part(file, Exit::Success))
}
