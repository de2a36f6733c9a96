//! `dpbackup history`

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::{Global, HistoryArgs, HistoryFormat, HistoryLevel, HistoryOutput, Since};
use crate::commands::error::{CommandError, Outcome, found, print};
use crate::commands::loading::{load_plan, read_history};
use crate::commands::status;
use crate::exit::Exit;
use crate::history::{History, PlanFilter};
use crate::report::{View, csv, json, table};
use crate::run::event::{ActivityId, Owner, PlanId, TaskId};
use crate::ui::Ui;
use crate::values::environment::Lookup;

/// Prints one level of history.
pub(super) fn history(global: &Global, args: &HistoryArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    if let Some(HistoryLevel::Status(args)) = &args.level {
        return status::status(global, args, ui, env);
    }
    let loaded = load_plan(global, ui, env)?;
    let path = &loaded.plan_file.settings.history;
    let history = match args.level {
        // Before the first run there is no file, and nothing is wrong with that.
        None => read_history(path)?,
        Some(_) => Some(History::open_read_only(path)?),
    };
    match &args.level {
        None => {
            let filter = filter(args)?;
            let rows = match &history {
                Some(history) => history.plans(&filter)?,
                None => Vec::new(),
            };
            show(
                ui,
                &args.output,
                &View::PlanExecutions {
                    rows: &rows,
                    filter: &filter,
                },
            )
        }
        Some(level) => {
            let Some(history) = history else {
                return Ok(Exit::Success);
            };
            match level {
                HistoryLevel::Activities(args) => {
                    let plan = PlanId(args.id);
                    let view = View::ActivityExecutions {
                        rows: &found(history.activities(plan))?,
                        notes: &history.notes(Owner::Plan(plan))?,
                        scripts: &history.scripts(Owner::Plan(plan))?,
                    };
                    show(ui, &args.output, &view)
                }
                HistoryLevel::Tasks(args) => {
                    let rows = found(history.tasks(ActivityId(args.id)))?;
                    show(ui, &args.output, &View::TaskExecutions(&rows))
                }
                // Answered above: it needs no history.
                HistoryLevel::Status(_) => Ok(Exit::Success),
                HistoryLevel::Files(args) => {
                    let details = found(history.task_details(TaskId(args.id)))?;
                    show(ui, &args.output, &View::Files(&details))
                }
            }
        }
    }
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
        limit: args.limit,
    })
}

/// The zone in which times are shown, and read.
fn zone(output: &HistoryOutput) -> TimeZone {
    if output.utc {
        TimeZone::UTC
    } else {
        TimeZone::system()
    }
}

fn moment(since: Since, zone: TimeZone) -> Result<Timestamp, CommandError> {
    let resolved = match since {
        Since::At(at) => Ok(at),
        Since::Ago(duration) => Timestamp::now().checked_sub(duration),
        Since::Civil(at) => at.to_zoned(zone).map(|zoned| zoned.timestamp()),
    };
    resolved.map_err(|error| CommandError::new(Exit::Usage, error))
}

fn show(ui: Ui, output: &HistoryOutput, view: &View<'_>) -> Outcome {
    let zone = zone(output);
    let text = match output.format {
        HistoryFormat::Table => table::render(
            view,
            &table::Layout {
                width: ui.width,
                zone,
            },
        ),
        HistoryFormat::Json => json::render(view, &zone),
        HistoryFormat::Csv => csv::render(view, &zone),
    };
    print(ui, &text)?;
    Ok(Exit::Success)
}
