//! `dpbackup preview`: what a run would do, asked of the devices and changed on none.

mod begin;
mod settling;
mod tasks;

use crate::cli::{Global, OutputFormat, PreviewArgs, RunArgs, RunFormat};
use crate::commands::dead::at_work::at_work;
use crate::commands::dead::dead_executions::{open_quiesces, open_rows};
use crate::commands::dead::left_behind::{UnseenImports, untold};
use crate::commands::frame::error::{CommandError, Outcome, print, print_states};
use crate::commands::frame::history_file::{files_in_store, look_at_history};
use crate::commands::frame::loading::{invocation, load_plan_to_judge, with_open_rows};
use crate::commands::frame::opening::{EngineBase, ScriptsDue, limits};
use crate::commands::named::names::wanted;
use crate::commands::preview::begin::{refusals, scripts_behind};
use crate::commands::preview::settling::{LeftRows, Settling};
use crate::commands::preview::tasks::tasks;
use crate::exit::Exit;
use crate::lock::Locks;
use crate::plan::model::{PlanFile, Settings};
use crate::report::preview::{self as report, Preview, PreviewTask, PreviewVerdict};
use crate::run::at_work::{AtWorkLook, OurQuiesces};
use crate::run::contact::Devices;
use crate::run::disabled::disabled;
use crate::run::event::{Progress, Sink as _};
use crate::run::expand::expand;
use crate::run::status::Class;
use crate::run::store;
use crate::ui::{Screen, Ui, Verbosity};
use crate::values::environment::Lookup;

/// Answers `run --dry-run`, which other programs have.
pub(super) fn instead_of_run(global: &Global, args: &RunArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let words = ["preview"].into_iter();
    let all = args.all.then_some("--all");
    let words = words.chain(args.plans.iter().map(String::as_str)).chain(all);
    let command = invocation(global, env).command(words);
    if ui.verbosity > Verbosity::Quiet {
        ui.say(&format!("nothing is run: this is `{command}`"));
    }
    let args = PreviewArgs {
        plans: args.plans.clone(),
        all: args.all,
        format: match args.format {
            RunFormat::Text => OutputFormat::Table,
            RunFormat::Json => OutputFormat::Json,
        },
    };
    preview(global, &args, ui, env)
}

/// Shows what a run would do.
pub(super) fn preview(global: &Global, args: &PreviewArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_to_judge(global, ui, env).map_err(|error| with_open_rows(error, global, env))?;
    let plans = wanted(&loaded.plan_file, &["preview"], &args.plans, args.all, env)?;
    let file = &loaded.plan_file;
    let base = EngineBase::looking_on(file, "preview")?;
    let EngineBase { stop, clock, .. } = &base;
    let mut devices = Devices::new(base.engine(file, env));
    let history = look_at_history(&file.settings.history).err();
    let now = || at_work(file);
    let runs = AtWorkLook::new(&now);
    let left = LeftRows::of(file, history.is_none());
    let settling = Settling {
        runs: &runs,
        left: &left,
        env,
        recover: &file.invocation.command(["recover"]),
    };
    let away = away(&file.settings);
    let mut previews = Vec::new();
    let (mut script_would_fail, mut would_warn) = (false, false);
    let mut screen = Screen::new(ui, file.invocation.clone());
    let (_answer, _answering) = base.answering(&screen, limits(file, ScriptsDue::Never, None));
    for plan in plans {
        let mut show = |progress: &Progress| screen.progress(progress);
        let ours = OurQuiesces {
            rows: &left.of_the_dead,
            at_work: Some(&runs),
        };
        let Some(expanded) = expand(file, plan, &mut devices, &ours, stop, &mut show) else {
            return Ok(stop.signal().map_or(Exit::Failed, Exit::Interrupted));
        };
        let locked = runs.of_plan(&plan.name);
        would_warn |= expanded.iter().any(|activity| !activity.warnings.is_empty());
        let of_tasks = expanded
            .iter()
            .flat_map(|activity| activity.notes.iter().chain(&activity.warnings).cloned());
        let mut notes: Vec<String> = away.iter().cloned().chain(of_tasks).collect();
        let unable = scripts_behind(plan, env);
        script_would_fail |= !unable.is_empty();
        notes.extend(unable);
        let settled = settling.settled(expanded, &mut devices, &mut notes);
        notes.extend(disabled(&settled, &mut devices));
        previews.push(Preview {
            plan: &plan.name,
            refused: refusals(plan, locked, history.as_deref(), &file.settings, clock, env),
            is_locked: locked.is_some(),
            notes,
            tasks: tasks(settled, &file.settings, clock),
        });
    }
    // Without a history a run does not begin at all.
    let mut exit = exit_of(&previews).or_graver(history.map_or(Exit::Success, |_| Exit::History));
    if away.is_some() || script_would_fail || would_warn {
        exit = exit.or_graver(Exit::Warned);
    }
    let open = open_rows(file);
    exit = exit.or_graver(exit_of_rows(file));
    if let Some(open) = &open {
        ui.decisive_warning(open);
    }
    print_previews(previews, args.format, file, ui)?;
    Ok(exit)
}

/// What a run would end with for the rows of the journal that are open now.
fn exit_of_rows(file: &PlanFile) -> Exit {
    let locks = Locks::beside(&file.settings.history);
    let is_seen = UnseenImports::of(file, &locks).all().next().is_none();
    match (open_quiesces(file), is_seen) {
        (Some(_), _) => Exit::StillQuiesced,
        // An import that nobody saw end: every run warns of it. It removes a folder that was left.
        (None, false) => Exit::Warned,
        (None, true) => Exit::Success,
    }
}

fn print_previews(
    previews: Vec<Preview<'_>>,
    format: OutputFormat,
    file: &PlanFile,
    ui: Ui,
) -> Result<(), CommandError> {
    let text = match format {
        OutputFormat::Json => report::document(&previews),
        OutputFormat::Table if ui.verbosity == Verbosity::Quiet => {
            report::table(&not_good(previews), file.settings.store.folder(), ui.width)
        }
        OutputFormat::Table => report::table(&previews, file.settings.store.folder(), ui.width),
    };
    let printed = match format {
        OutputFormat::Json => print(ui, &text),
        OutputFormat::Table => print_states(ui, &text),
    };
    printed.map_err(|error| untold(error, file))
}

/// What a run would warn of where the store should hold backups and holds none.
fn away(settings: &Settings) -> Option<String> {
    store::is_away(settings, store::bare(settings)?, files_in_store(settings))
}

/// What would not run, of the plans of which something would not.
fn not_good(previews: Vec<Preview<'_>>) -> Vec<Preview<'_>> {
    let mut bad = previews;
    for preview in &mut bad {
        preview.tasks.retain(|task| task.verdict != PreviewVerdict::Runs);
    }
    bad.retain(|preview| {
        !(preview.refused.is_empty() && preview.notes.is_empty() && preview.tasks.is_empty())
    });
    bad
}

/// 0 where all would run, 4 where nothing would start, else 1 or 3 as a run would end.
fn exit_of(previews: &[Preview<'_>]) -> Exit {
    let mut exit = Exit::Success;
    for preview in previews {
        let some = |wanted: Class| {
            let is_it = |task: &PreviewTask| matches!(task.verdict, PreviewVerdict::Settled(status) if status.class() == wanted);
            preview.tasks.iter().any(is_it)
        };
        let runs = preview
            .tasks
            .iter()
            .any(|task| task.verdict == PreviewVerdict::Runs);
        exit = exit.or_graver(if preview.is_locked {
            Exit::Locked
        } else if !preview.refused.is_empty() || (!runs && !some(Class::Failed)) {
            Exit::NotStarted
        } else if some(Class::Failed) {
            Exit::Failed
        } else if some(Class::Skipped) {
            Exit::Warned
        } else {
            Exit::Success
        });
    }
    exit
}
