//! `dpbackup run`

use std::time::Duration;

use anyhow::Context as _;

use crate::cli::{Global, RunArgs, RunFormat};
use crate::clock::{Clock, SystemClock};
use crate::commands::error::{CommandError, Outcome};
use crate::commands::loading::{load_plan, with_open_rows};
use crate::commands::names::wanted;
use crate::commands::report_page;
use crate::commands::restore_note;
use crate::commands::session::WritingSession;
use crate::exit::Exit;
use crate::history::History;
use crate::notify::Notifier;
use crate::notify::previous::Previous;
use crate::plan::model::PlanFile;
use crate::report::lines::JsonLines;
use crate::run::Engine;
use crate::run::contact::Devices;
use crate::run::event::{Owner, Sink};
use crate::run::left::Left;
use crate::run::record::Record;
use crate::run::sequence::{self, Options};
use crate::signal::{self, Stop};
use crate::ui::{Patient, Screen, SignalAnswer, StopLimits, Ui};
use crate::values::causes::{said, with_causes};
use crate::values::environment::Lookup;

/// Runs plans, one after another.
pub(super) fn run(global: &Global, args: &RunArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan(global, ui, env).map_err(|error| with_open_rows(error, global, env))?;
    let plans = wanted(&loaded.plan_file, &["run"], &args.plans, args.all)?;
    let file = &loaded.plan_file;
    let stop = Stop::new();
    signal::listen(&stop)
        .context("cannot listen to signals")
        .map_err(|error| CommandError::new(Exit::Failed, error))?;
    let clock = SystemClock::new();
    let mut session = WritingSession::open(file, &clock, ui).inspect_err(|error| {
        // Nobody looks at a run of the night that never began.
        let mut notifier = Notifier::new(file, env, clock_zone(&clock), None);
        for plan in &plans {
            notifier.broke(clock.now(), &plan.name, &with_causes(&*error.error));
        }
        notifier
            .take_warnings()
            .iter()
            .for_each(|warning| ui.warning(warning));
    })?;
    let engine = Engine {
        file,
        clock: &clock,
        stop: &stop,
        locks: &session.locks,
        process: &session.process,
        environment: env,
    };

    let mut screen = Screen::new(ui, file.invocation.clone());
    let may_run_scripts = plans.iter().any(|plan| {
        let of_tasks = plan
            .activities
            .iter()
            .any(|activity| activity.post_script.is_some());
        of_tasks || plan.post_script.is_some()
    });
    let look = || {
        stop.is_requested();
    };
    let mut answer = SignalAnswer::new(&screen, limits(file, may_run_scripts), &look);
    let _answering = stop.answered_by(&answer.to_signals());
    let mut lines = (args.format == RunFormat::Json)
        .then(|| JsonLines::new(Patient(std::io::stdout()), clock_zone(&clock)));
    let mut sinks: Vec<&mut dyn Sink> = Vec::new();
    match &mut lines {
        Some(lines) => sinks.push(lines),
        None => sinks.push(&mut screen),
    }
    sinks.push(&mut answer);
    // Where it cannot be read, everything is news.
    let past = History::open_read_only(&file.settings.history).ok();
    let past = past.as_ref().map(|past| past as &dyn Previous);
    let pages = |plan: &str| report_page::about(file, plan, &clock);
    let mut notifier = Notifier::new(file, env, clock_zone(&clock), past).with_pages(&pages);
    sinks.push(&mut notifier);
    let mut record = Record::new(&mut session.history, sinks, &clock);
    let mut devices = Devices::new(engine);
    let options = Options {
        ignore_window: args.ignore_window,
        lock_wait: args.lock_wait,
    };
    let mut ends = Vec::new();
    let mut exit = Exit::Success;
    let mut trouble = None;
    let mut left = Left::Nothing;
    for plan in plans {
        match sequence::run(engine, &mut record, &mut devices, plan, options) {
            Ok(mut end) => {
                record.warn_of_sinks(Owner::Plan(end.id));
                for warning in restore_note::after(file, end.id, &clock.zone()) {
                    end.exit = end.exit.or_graver(Exit::Warned);
                    // Sinks show it all the same, and what is stored is stored.
                    let _ = record.warn(Owner::Plan(end.id), warning);
                }
                exit = exit.or_graver(end.exit);
                left = end.left.clone();
                ends.push(end);
            }
            Err(error) => {
                exit = exit.or_graver(error.exit());
                trouble = Some((&plan.name, error));
                break;
            }
        }
        if stop.is_requested() {
            break;
        }
    }
    drop(record);
    if let Some((plan, error)) = &trouble {
        notifier.broke(clock.now(), plan, &with_causes(error));
        notifier
            .take_warnings()
            .iter()
            .for_each(|warning| ui.warning(warning));
    }
    let trouble = trouble.map(|(_, error)| error);
    if let Some(lines) = &mut lines {
        if lines.failure().is_some() {
            exit = exit.or_graver(Exit::Failed);
        }
        lines.summary(&ends, exit, trouble.as_ref());
    }
    if let Some(why) = lines.as_ref().and_then(JsonLines::failure) {
        exit = exit.or_graver(Exit::Failed);
        ui.error(
            &anyhow::anyhow!(
                "lines are missing on stdout ({}); the run went on, and history has it all",
                said(why)
            ),
            None,
        );
    }
    // What the last look has found is told without a second command; the events of the run have
    // told it where this run has tried.
    if left != Left::Nothing && trouble.is_none() {
        ui.error(&anyhow::anyhow!("{}", left.words(&file.invocation)), None);
    }
    match (trouble, session.is_kept()) {
        (Some(error), _) => Err(CommandError::new(exit, error)),
        (None, Err(mut error)) => {
            error.exit = exit.or_graver(error.exit);
            Err(error)
        }
        (None, Ok(())) => Ok(exit),
    }
}

/// How long what follows a signal may take.
pub(super) fn limits(file: &PlanFile, may_run_scripts: bool) -> StopLimits {
    let settings = &file.settings;
    // That of the device with the longest ones, whichever it is that is waited for.
    let timeouts = file.devices.iter().map(|device| device.timeouts);
    let requests = timeouts.map(|timeouts| timeouts.connect + timeouts.request);
    let of_all = settings.timeouts.connect + settings.timeouts.request;
    let request = requests.fold(of_all, Duration::max);
    let imports = file.devices.iter().map(|device| device.timeouts.export);
    StopLimits {
        // A look and a request may still be on their way when the time is over.
        unquiesce: settings.unquiesce_timeout + settings.quiesce_grace + 2 * request,
        request,
        import: imports.fold(settings.timeouts.export, Duration::max),
        script: may_run_scripts.then_some(settings.script_timeout),
    }
}

fn clock_zone(clock: &SystemClock) -> jiff::tz::TimeZone {
    clock.zone()
}
