//! `dpbackup run`: plans are run, one after another, and what came of them is the exit code.

use std::time::Duration;

use crate::cli::{Global, RunArgs, RunFormat};
use crate::clock::{Clock, SystemClock};
use crate::commands::frame::error::{CommandError, Outcome};
use crate::commands::frame::loading::{load_plan, with_open_rows};
use crate::commands::frame::opening::{
    EngineBase, OpenedHistory, ScriptsDue, limits, planned, show_warnings_of, telling,
};
use crate::commands::named::names::wanted;
use crate::commands::not_listed;
use crate::commands::report_page;
use crate::commands::restore_note;
use crate::exit::Exit;
use crate::notify::past::{Past, PastUnless};
use crate::notify::{Notifier, longest_telling};
use crate::plan::model::Plan;
use crate::report::lines::JsonLines;
use crate::run::Engine;
use crate::run::contact::Devices;
use crate::run::error::RunError;
use crate::run::event::{Owner, Sink};
use crate::run::execution::PlanEnd;
use crate::run::left::Left;
use crate::run::record::Record;
use crate::run::sequence::{self, Options, PlanBegun};
use crate::signal::Stop;
use crate::ui::{OutStream, Outlet, Screen, Ui};
use crate::values::causes::{said, with_causes};
use crate::values::environment::Lookup;
use crate::values::invocation::Invocation;

/// How long a reader of the lines who takes none is waited for at the end.
const LINES_TAKEN_WITHIN: Duration = Duration::from_secs(60);

/// Runs plans, one after another.
pub(super) fn run(global: &Global, args: &RunArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan(global, ui, env).map_err(|error| with_open_rows(error, global, env))?;
    let plans = wanted(&loaded.plan_file, &["run"], &args.plans, args.all, env)?;
    let file = &loaded.plan_file;
    let planned = planned(file);
    let opened = OpenedHistory::open(file, ui);
    let mut opened = opened.inspect_err(|error| {
        // Nobody looks at a run of the night that never began.
        let notifier = Notifier::new(file, env, SystemClock::new().zone(), None, &planned);
        tell_that_none_began(notifier, &plans, error, ui);
    })?;
    let EngineBase { stop, clock, .. } = &opened.base;
    let engine = opened.base.engine(file, env);

    let mut screen = Screen::new(ui, file.invocation.clone());
    let told = longest_telling(file, plans.iter().copied());
    let limits = limits(file, scripts_due(&plans), told);
    let (mut answer, _answering) = opened.base.answering(&screen, limits);
    let waits = telling(screen.moving_line());
    let mut lines =
        (args.format == RunFormat::Json).then(|| JsonLines::new(Outlet::to(OutStream::Data), clock.zone()));
    let mut sinks: Vec<&mut dyn Sink> = Vec::new();
    match &mut lines {
        Some(lines) => sinks.push(lines),
        None => sinks.push(&mut screen),
    }
    sinks.push(&mut answer);
    let history = opened.past(file);
    let silence = opened.history.silence();
    let is_silent = || silence.is_met();
    let past = history.get().map(|past| PastUnless {
        past,
        is_silent: &is_silent,
    });
    let past = past.as_ref().map(|past| past as &dyn Past);
    let pages = |plan: &str| match silence.is_met() {
        true => Err("the disk of the history does not answer".to_owned()),
        false => report_page::about(file, plan, clock),
    };
    let is_stopping = || stop.is_requested();
    let mut notifier = Notifier::new(file, env, clock.zone(), past, &planned)
        .with_pages(&pages)
        .stopped_by(&is_stopping);
    if args.format == RunFormat::Text {
        notifier = notifier.shown_by(&waits);
    }
    sinks.push(&mut notifier);
    let mut record = Record::new(&mut opened.history, sinks, clock, &opened.base.process);
    let mut devices = Devices::new(engine);
    let options = Options {
        ignore_window: args.ignore_window,
        lock_wait: args.lock_wait,
    };
    let mut plans = plans.into_iter();
    let PlansEnded {
        ends,
        mut exit,
        trouble,
    } = each(engine, &mut record, &mut devices, &mut plans, options);
    drop(record);
    if let Some((plan, error)) = &trouble {
        notifier.broke(clock.now(), &plan.name, &with_causes(error));
        for after in plans {
            let why = format!(
                "plan {} was not begun: plan {} could not be run to its end",
                after.name, plan.name
            );
            notifier.broke(clock.now(), &after.name, &why);
            ui.error(&anyhow::anyhow!(why), None);
        }
    }
    show_warnings_of(&mut notifier, ui);
    let trouble = trouble.map(|(_, error)| error);
    if let Some(lines) = &mut lines {
        exit = end_lines(lines, (&ends, exit, trouble.as_ref()), stop, ui);
    }
    if trouble.is_none() {
        say_what_is_left(&ends, &file.invocation, ui);
    }
    match (trouble, opened.close(Some(history))) {
        (Some(error), _) => Err(CommandError::new(exit, error)),
        (None, Err(mut error)) => {
            error.exit = exit.or_graver(error.exit);
            Err(error)
        }
        (None, Ok(())) => Ok(exit),
    }
}

/// Tells of each plan why it did not begin.
fn tell_that_none_began(mut notifier: Notifier<'_>, plans: &[&Plan], error: &CommandError, ui: Ui) {
    let why = with_causes(&*error.error);
    for plan in plans {
        notifier.broke(SystemClock::new().now(), &plan.name, &why);
    }
    show_warnings_of(&mut notifier, ui);
}

/// The last line, and what all of it ends with: where some of them are missing, no success.
fn end_lines(
    lines: &mut JsonLines<Outlet>,
    (ends, exit, trouble): (&[PlanEnd], Exit, Option<&RunError>),
    stop: &Stop,
    ui: Ui,
) -> Exit {
    let exit = match lines.failure() {
        Some(_) => exit.or_graver(Exit::Failed),
        None => exit,
    };
    lines.summary(ends, exit, trouble);
    // Only who sent the signal still waits for this process.
    lines.rest(|out| out.rest(LINES_TAKEN_WITHIN, &|| stop.is_requested()));
    let Some(why) = lines.failure() else {
        return exit;
    };
    let why = said(why);
    ui.error(
        &anyhow::anyhow!("lines are missing on stdout ({why}); the run went on, and history has it all"),
        None,
    );
    exit.or_graver(stop.signal().map_or(Exit::Failed, Exit::Interrupted))
}

/// What the last look has found is told without a second command; the events of the run have told it where this
/// run has tried.
fn say_what_is_left(ends: &[PlanEnd], invocation: &Invocation, ui: Ui) {
    let left = ends.last().map(|end| &end.left);
    if let Some(left) = left.filter(|left| **left != Left::Nothing) {
        ui.error(&anyhow::anyhow!("{}", left.words(invocation)), None);
    }
}

/// Whether a script may have to be waited for after a signal.
fn scripts_due(plans: &[&Plan]) -> ScriptsDue {
    let is_named = plans.iter().any(|plan| {
        let mut activities = plan.activities.iter();
        plan.post_script.is_some() || activities.any(|activity| activity.post_script.is_some())
    });
    match is_named {
        true => ScriptsDue::MayBe,
        false => ScriptsDue::Never,
    }
}

/// How the plans of a run ended.
struct PlansEnded<'p> {
    ends: Vec<PlanEnd>,
    exit: Exit,
    /// The plan that could not be run to its end, and why; no later one was begun.
    trouble: Option<(&'p Plan, RunError)>,
}

/// Runs plans until one cannot be run to its end. Once a stop is asked for, each plan behind the first has its row in
/// history and is not begun.
fn each<'a>(
    engine: Engine<'a>,
    record: &mut Record<'_>,
    devices: &mut Devices<'a>,
    plans: &mut impl Iterator<Item = &'a Plan>,
    options: Options,
) -> PlansEnded<'a> {
    let mut ended = PlansEnded {
        ends: Vec::new(),
        exit: Exit::Success,
        trouble: None,
    };
    for plan in plans {
        let is_begun = ended.ends.is_empty() || !engine.stop.is_requested();
        let begun = match is_begun {
            true => PlanBegun::Now,
            false => PlanBegun::NotAnyMore,
        };
        match sequence::run(engine, record, devices, plan, options, begun) {
            Ok(mut end) => {
                record.warn_of_sinks(Owner::Plan(end.id));
                if is_begun {
                    not_listed::note_after(engine.file, plan, record, end.id);
                    restore_note::write_after(engine.file, record, &mut end, &engine.clock.zone());
                }
                ended.exit = ended.exit.or_graver(end.exit);
                ended.ends.push(end);
            }
            Err(error) => {
                ended.exit = ended.exit.or_graver(error.exit());
                ended.trouble = Some((plan, error));
                break;
            }
        }
    }
    ended
}
