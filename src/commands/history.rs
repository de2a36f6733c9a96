//! `dpbackup history`: what was done, as rows of each level.

pub(super) mod execution;
mod missing_file;
pub(super) mod named;
pub(super) mod since;

use crate::cli::{
    ExecutionId, Global, HistoryArgs, HistoryFormat, HistoryLevel, HistoryOutput, LastArgs, LevelArgs,
};
use crate::commands::dead::dead_executions::{Gone, open_rows};
use crate::commands::dead::left_behind::untold;
use crate::commands::frame::error::{CommandError, Outcome, found, print, print_states};
use crate::commands::frame::history_file::{existing_history, read_history};
use crate::commands::frame::loading::{exit_of_part, load_plan_or_part, warn_of_zone};
use crate::commands::history::execution::{execution, first_run, is_not_limited, is_not_narrowed, last_of};
use crate::commands::history::missing_file::look_for_files;
use crate::commands::history::named::{known, named};
use crate::commands::history::since::{moment, warn_of_to_come, zone};
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
            look_for_files(&mut details);
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
    let mut left_out = 0;
    for task in history.tasks_of_plan(plan)? {
        let mut details = found(history.task_details(task.id))?;
        gone.mark_task(&mut details.task);
        // The row of a task is opened with its plan, long before the task begins.
        let began = history.task_status_changes(task.id)?.into_iter();
        let began = began
            .into_iter()
            .find(|change| change.status == Status::Validating);
        if ui.verbosity == Verbosity::Quiet && !gone.is_not_good(plan, details.task.status) {
            left_out += 1;
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
        left_out,
        store: file.settings.store.known(),
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
    warn_of_to_come(filter.since, &zone(&args.output), ui);
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
