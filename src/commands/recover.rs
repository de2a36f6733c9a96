//! `dpbackup recover`

use anyhow::anyhow;
use jiff::Timestamp;

use crate::artifact::{mount, sweep};
use crate::cli::{Global, RecoverArgs};
use crate::clock::Clock as _;
use crate::commands::at_work::at_work;
use crate::commands::error::{CommandError, Outcome, print};
use crate::commands::heeding::unless_asked_to_stop;
use crate::commands::left_behind::{with_left, with_what_is_left};
use crate::commands::loading::{exit_of_part, load_plan_or_part};
use crate::commands::names::did_you_mean;
use crate::commands::opening::{OpenedHistory, ScriptsDue, limits, planned, show_warnings_of};
use crate::exit::Exit;
use crate::history::History;
use crate::lock::Locks;
use crate::notify::Notifier;
use crate::notify::previous::{Previous, PreviousUnless};
use crate::plan::model::PlanFile;
use crate::run::event::{Event, Owner, Progress, Sink, StillQuiesced};
use crate::run::ledger::LostQuiesce;
use crate::run::left::Left;
use crate::run::record::Record;
use crate::run::recover as mending;
use crate::run::recover::forget::{FORGOTTEN, Forgotten, forget};
use crate::run::recover::told::{Mending, Recovered};
use crate::ui::{Screen, Ui, Verbosity};
use crate::values::causes::with_causes;
use crate::values::environment::Lookup;
use crate::values::text::printable;

/// Mends what runs that died have left on devices, in the store and in history.
pub(super) fn recover(global: &Global, args: &RecoverArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_or_part(global, ui, env)?;
    let file = &loaded.plan_file;
    let asked = args.forget.as_deref().map(Forgotten::named);
    if let Some(asked) = asked {
        is_known(asked.device(), file)?;
    }
    let mut opened = OpenedHistory::open(file, ui)?;
    // What no journal has any more can be asked of nobody: a person has looked.
    let lost = match asked {
        Some(Forgotten::Device(device)) => opened.history.here()?.forget_lost(device)?,
        Some(Forgotten::Imports { .. }) | None => Vec::new(),
    };
    let clock = &opened.base.clock;
    let engine = opened.base.engine(file, env);
    let mut screen = Screen::new(ui, file.invocation.clone());
    let planned = planned(file);
    let reader = opened.past(file);
    let silence = opened.history.silence();
    let is_silent = || silence.is_met();
    let past = reader.get().map(|past| PreviousUnless {
        past,
        is_silent: &is_silent,
    });
    let past = past.as_ref().map(|past| past as &dyn Previous);
    let mut notifier = Notifier::new(file, env, clock.zone(), past, &planned);
    let (mut answer, _answering) = opened.base.answering(&screen, limits(file, ScriptsDue::Never));
    let mut screen = BesideResult(&mut screen);
    let sinks: Vec<&mut dyn Sink> = vec![&mut screen, &mut answer, &mut notifier];
    let mut record = Record::new(&mut opened.history, sinks, clock, &opened.base.process);
    let forgotten = match asked {
        Some(asked) => forget(engine, &mut record, asked),
        None => Ok(Vec::new()),
    };
    let forgotten = forgotten.map_err(|error| CommandError::new(error.exit(), error))?;
    let recovered = mending::recover(engine, &mut record);
    if let Ok(Recovered { done: recovered, .. }) = &recovered {
        // A warning belongs to an execution: to one of those that were mended.
        let plans = recovered
            .abandoned
            .iter()
            .map(|abandoned| Owner::Plan(abandoned.plan.id));
        let tasks = recovered
            .mended
            .iter()
            .chain(&forgotten)
            .map(|mended| Owner::Task(mended.entry.task));
        if let Some(owner) = plans.chain(tasks).next() {
            record.warn_of_sinks(owner);
        }
    }
    let broke = record.take_internal_error();
    drop(record);
    notifier.write_metrics(clock.now());
    show_warnings_of(&mut notifier, ui);
    let mut lines: Vec<String> = forgotten.iter().map(ToString::to_string).collect();
    let struck =
        |lost: &LostQuiesce| format!("{lost}, which the history does not have any more: {FORGOTTEN}");
    lines.extend(lost.iter().map(struck));
    if let (Some(asked), true) = (&args.forget, lines.is_empty()) {
        lines.push(format!("nothing of {asked} was to be forgotten"));
    }
    if ui.verbosity == Verbosity::Quiet {
        lines.clear();
    }
    let Recovered {
        done: recovered,
        left,
    } = match recovered {
        Ok(recovered) => recovered,
        Err(error) => {
            // What was put back before it, and why the rest was not, is told nowhere else.
            lines.extend(lines_of(&error.done, ui));
            let said = print(ui, &text_of(&lines));
            let error = if broke { error.of_ours() } else { error };
            let error = CommandError::new(error.exit(), error);
            return Err(match said {
                Ok(()) => error,
                Err(unsaid) => CommandError {
                    exit: error.exit.or_graver(unsaid.exit),
                    ..error
                },
            });
        }
    };
    lines.extend(lines_of(&recovered, ui));
    let mut exit = left.exit(match (broke, recovered.is_incomplete()) {
        (true, _) => Exit::Internal,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Success,
    });
    if !recovered.not_known.is_empty() {
        exit = exit.or_graver(Exit::Warned);
    }
    if let Left::Unknown { .. } | Left::NotInJournal { .. } = &left {
        lines.push(left.words(&file.invocation));
    }
    // Its spare may have been changed, and nobody has seen how it stands.
    if !opened.died_rehearsals.is_empty() {
        exit = exit.or_graver(Exit::Failed);
    }
    const NOTHING: &str = "nothing to recover: no run that died has left anything";
    let is_loud = ui.verbosity > Verbosity::Quiet;
    let died_rehearsals = opened.died_rehearsals.len();
    // What it has quiesced nobody puts back, nor does it itself.
    for run in at_work(file).iter().filter(|run| run.stands_still) {
        exit = exit.or_graver(Exit::Warned);
        lines.push(format!("left to {run}, {}", run.puts_back()));
    }
    let is_nothing = |rest: &[String]| is_loud && lines.is_empty() && rest.is_empty() && died_rehearsals == 0;
    // Said before anything touches the store, whose disk may hang.
    let said = print(ui, &text_of(&lines));
    let mut rest = Vec::new();
    match sweep::sweep(&file.settings.store) {
        Ok(swept) => {
            let told = swept.removed.iter().filter(|_| ui.verbosity > Verbosity::Quiet);
            rest.extend(told.map(|removed| format!("removed {}", removed.path.display())));
            if ui.verbosity > Verbosity::Quiet {
                rest.extend(swept.denied.iter().map(sweep::stays));
                rest.extend(swept.not_known.iter().map(|path| sweep::may_be_in_use(path)));
            }
            for failed in &swept.failed {
                exit = exit.or_graver(Exit::Failed);
                rest.push(with_causes(failed));
            }
        }
        // No store yet, nothing left in it.
        Err(error) if error.kind == crate::artifact::error::StoreErrorKind::Missing => {}
        Err(error) => {
            exit = exit.or_graver(Exit::Failed);
            let store = &file.settings.store;
            let why = match mount::could_be_written(store) {
                Err(seen) => format!("{seen}; {}", seen.advice(store, "store")),
                Ok(_) => with_causes(&error),
            };
            if is_nothing(&rest) {
                rest.push(NOTHING.to_owned());
            }
            rest.push(format!("what runs left in the store was not looked for: {why}"));
        }
    }
    if is_nothing(&rest) {
        rest.push(NOTHING.to_owned());
    }
    // What could not be told is decided all the same.
    said.and_then(|()| print(ui, &text_of(&rest)))
        .map_err(|error| with_left(error, &left, &file.invocation))?;
    let exit = unless_asked_to_stop(&opened.base.stop, exit_of_part(file, exit));
    opened.close(Some(reader)).map_err(|mut error| {
        error.exit = exit.or_graver(error.exit);
        error
    })?;
    Ok(exit)
}

/// What was done, and what could not be, a sentence each; of the one who asks for little, what could not.
fn lines_of(recovered: &Mending, ui: Ui) -> Vec<String> {
    if ui.verbosity != Verbosity::Quiet {
        return recovered.lines();
    }
    let failed = recovered.mended.iter().filter(|mended| mended.outcome.is_err());
    failed
        .map(ToString::to_string)
        .chain(recovered.not_known_lines())
        .collect()
}

fn text_of(lines: &[String]) -> String {
    let lines = lines.iter().map(|line| format!("{}\n", printable(line)));
    lines.collect()
}

/// The screen of a command that prints at its end what became of each row: what is at work is shown, and no
/// reason is told twice.
struct BesideResult<'s>(&'s mut Screen);

impl Sink for BesideResult<'_> {
    fn event(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::Recovered { .. } | Event::PlanAbandoned { .. } => {}
            // Loud all the same, for whoever keeps the result in a file; why stands there.
            Event::StillQuiesced(still) => self.0.event(
                at,
                &Event::StillQuiesced(StillQuiesced {
                    error: "why is told below".to_owned(),
                    ..still.clone()
                }),
            ),
            event => self.0.event(at, event),
        }
    }

    fn progress(&mut self, progress: &Progress) {
        self.0.progress(progress);
    }

    fn take_warnings(&mut self) -> Vec<String> {
        self.0.take_warnings()
    }
}

/// Refuses to forget a device that nobody knows: a slip of the finger would strike out nothing, and who typed it
/// would go away.
fn is_known(device: &str, file: &PlanFile) -> Result<(), CommandError> {
    // A journal that cannot be read is told by whoever opens it.
    let Ok(rows) = History::open_rows(&file.settings.history) else {
        return Ok(());
    };
    let lost = History::lost_beside(&file.settings.history).unwrap_or_default();
    let in_file = file.devices.iter().map(|device| device.name.as_str());
    let mut known: Vec<&str> = in_file
        .chain(lost.iter().filter_map(|lost| lost.device.as_deref()))
        .chain(rows.iter().map(|row| row.device.as_str()))
        .collect();
    known.sort_unstable();
    known.dedup();
    if known.contains(&device) {
        return Ok(());
    }
    let error = anyhow!(
        "neither the plan file nor the journal has a device '{device}', and nothing was done; {}",
        did_you_mean(device, &known)
    );
    Err(with_what_is_left(
        CommandError::new(Exit::Usage, error),
        file,
        &Locks::beside(&file.settings.history),
    ))
}
