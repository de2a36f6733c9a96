//! `dpbackup recover`: what runs that died have left on devices is put back.

use anyhow::anyhow;
use jiff::Timestamp;

use crate::artifact::error::StoreErrorKind;
use crate::artifact::{mount, sweep};
use crate::cli::{Global, RecoverArgs};
use crate::clock::Clock as _;
use crate::commands::dead::at_work::at_work;
use crate::commands::dead::left_behind::{with_left, with_what_is_left};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::heeding::unless_asked_to_stop;
use crate::commands::frame::loading::{exit_of_part, load_plan_or_part};
use crate::commands::frame::opening::{
    OpenedHistory, ScriptsDue, limits, planned, show_warnings_of, telling,
};
use crate::commands::named::absent::did_you_mean;
use crate::exit::Exit;
use crate::history::History;
use crate::lock::Locks;
use crate::notify::past::{Past, PastUnless};
use crate::notify::{Notifier, longest_telling};
use crate::plan::model::PlanFile;
use crate::run::error::RunError;
use crate::run::event::{Event, Owner, Progress, ReceiverWarning, Sink};
use crate::run::ledger::LostQuiesce;
use crate::run::left::Left;
use crate::run::limited_ledger::OnSameDisk;
use crate::run::record::Record;
use crate::run::recover as dead_runs;
use crate::run::recover::forget::{FORGOTTEN, Forgotten, forget};
use crate::run::recover::told::{Recovered, RecoveredRow, RecoveryDone};
use crate::ui::{Screen, Ui, Verbosity};
use crate::values::causes::with_causes;
use crate::values::environment::Lookup;
use crate::values::invocation::Invocation;
use crate::values::text::printable;

/// Puts right what runs that died have left on devices, in the store and in history.
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
    let history = opened.past(file);
    let Recovery {
        forgotten,
        recovered,
        broke,
    } = carry_out(file, env, ui, &mut opened, &history, asked);
    let mut lines = struck_out(forgotten.as_deref().unwrap_or_default(), &lost);
    if let (Some(asked), Some(_), true) = (&args.forget, forgotten, lines.is_empty()) {
        let asked = asked.trim_end_matches('/');
        lines.push(format!("nothing of {asked} was to be forgotten"));
    }
    if ui.verbosity == Verbosity::Quiet {
        lines.clear();
    }
    let by_hand = ByHand(&file.invocation);
    let Recovered { mut done, left } = match recovered {
        Ok(recovered) => recovered,
        Err(mut error) => {
            by_hand.advise(&mut error.done);
            return Err(broke_off(error, broke, lines, ui));
        }
    };
    by_hand.advise(&mut done);
    lines.extend(lines_of(&done, ui));
    if let Left::Unknown { .. } | Left::NotInJournal { .. } = &left {
        lines.push(left.words(&file.invocation));
    }
    let mut exit = exit_of(&done, &left, broke);
    // Its spare may have been changed, and nobody has seen how it stands.
    if !opened.died_rehearsals.is_empty() {
        exit = exit.or_graver(Exit::Failed);
    }
    // Said before anything touches the history again, or the store: their disks may hang.
    let said = print(ui, &text_of(&lines));
    let mut rest = Vec::new();
    if !opened.history.silence().is_met() {
        // What it has quiesced nobody puts back, nor does it itself.
        for run in at_work(file).iter().filter(|run| run.stands_still) {
            exit = exit.or_graver(Exit::Warned);
            rest.push(format!("left to {run}, {}", run.puts_back()));
        }
    }
    let is_nothing = lines.is_empty() && rest.is_empty() && opened.died_rehearsals.is_empty();
    let (swept, found) = swept(file, is_nothing, ui);
    rest.extend(swept);
    exit = exit.or_graver(found);
    // What could not be told is decided all the same.
    said.and_then(|()| print(ui, &text_of(&rest)))
        .map_err(|error| with_left(error, &left, &file.invocation))?;
    by_hand.hint(&done, ui);
    let exit = unless_asked_to_stop(&opened.base.stop, exit_of_part(file, exit));
    opened.close(Some(history)).map_err(|mut error| {
        error.exit = exit.or_graver(error.exit);
        error
    })?;
    Ok(exit)
}

/// What came of a recovery, and of what a person struck out before it.
struct Recovery {
    /// `None` where that broke off: its error has what was done.
    forgotten: Option<Vec<RecoveredRow>>,
    recovered: Result<Recovered, RunError>,
    /// Whether a mistake of ours was met.
    broke: bool,
}

/// Strikes out what is asked for, recovers the rest, and lets those be told who are told of it.
fn carry_out(
    file: &PlanFile,
    env: Lookup<'_>,
    ui: Ui,
    opened: &mut OpenedHistory,
    history: &OnSameDisk<History>,
    asked: Option<Forgotten<'_>>,
) -> Recovery {
    let clock = &opened.base.clock;
    let engine = opened.base.engine(file, env);
    let mut screen = Screen::new(ui, file.invocation.clone());
    let planned = planned(file);
    let silence = opened.history.silence();
    let is_silent = || silence.is_met();
    let past = history.get().map(|past| PastUnless {
        past,
        is_silent: &is_silent,
    });
    let past = past.as_ref().map(|past| past as &dyn Past);
    let waits = telling(screen.moving_line());
    let mut notifier = Notifier::new(file, env, clock.zone(), past, &planned).shown_by(&waits);
    let (mut answer, _answering) = opened.base.answering(
        &screen,
        limits(file, ScriptsDue::Never, longest_telling(file, &file.plans)),
    );
    let mut screen = BesideResult(&mut screen);
    let sinks: Vec<&mut dyn Sink> = vec![&mut screen, &mut answer, &mut notifier];
    let mut record = Record::new(&mut opened.history, sinks, clock, &opened.base.process);
    let forgotten = match asked {
        Some(asked) => forget(engine, &mut record, asked),
        None => Ok(Vec::new()),
    };
    let (forgotten, recovered) = match forgotten {
        Ok(forgotten) => (Some(forgotten), dead_runs::recover(engine, &mut record)),
        Err(error) => (None, Err(error)),
    };
    if let Ok(Recovered { done, .. }) = &recovered {
        // A warning belongs to an execution: to one of those that were recovered.
        let plans = done
            .abandoned
            .iter()
            .map(|abandoned| Owner::Plan(abandoned.plan.id));
        let recovered = done.rows.iter().chain(forgotten.iter().flatten());
        let tasks = recovered.map(|row| Owner::Task(row.entry.task));
        if let Some(owner) = plans.chain(tasks).next() {
            record.warn_of_sinks(owner);
        }
    }
    let broke = record.take_internal_error();
    drop(record);
    notifier.write_metrics(clock.now());
    show_warnings_of(&mut notifier, ui);
    Recovery {
        forgotten,
        recovered,
        broke,
    }
}

/// What a person struck out, a sentence each.
fn struck_out(forgotten: &[RecoveredRow], lost: &[LostQuiesce]) -> Vec<String> {
    let struck =
        |lost: &LostQuiesce| format!("{lost}, which the history does not have any more: {FORGOTTEN}");
    let forgotten = forgotten.iter().map(ToString::to_string);
    forgotten.chain(lost.iter().map(struck)).collect()
}

/// The error of a recovery that broke off, when what was done before it is said, behind these lines: what was put back, and why the rest was
/// not, is told nowhere else.
fn broke_off(error: RunError, broke: bool, mut lines: Vec<String>, ui: Ui) -> CommandError {
    lines.extend(lines_of(&error.done, ui));
    let said = print(ui, &text_of(&lines));
    let error = if broke { error.of_ours() } else { error };
    let error = CommandError::new(error.exit(), error);
    match said {
        Ok(()) => error,
        Err(unsaid) => CommandError {
            exit: error.exit.or_graver(unsaid.exit),
            ..error
        },
    }
}

/// What a recovery means for the process, by what it has done and what is left after it.
fn exit_of(done: &RecoveryDone, left: &Left, broke: bool) -> Exit {
    let exit = left.exit(match (broke, done.is_incomplete()) {
        (true, _) => Exit::Internal,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Success,
    });
    match done.not_known.is_empty() {
        true => exit,
        false => exit.or_graver(Exit::Warned),
    }
}

/// What is said where there was nothing to do.
const NOTHING: &str = "nothing to recover: no run that died has left anything";

/// Sweeps the store. What was removed there and what could not be, a sentence each, and what that means for the process;
/// that there was nothing to do, where that `is_nothing` and the store adds nothing to it.
fn swept(file: &PlanFile, is_nothing: bool, ui: Ui) -> (Vec<String>, Exit) {
    let is_loud = ui.verbosity > Verbosity::Quiet;
    let mut lines = Vec::new();
    let mut exit = Exit::Success;
    let store = file.settings.store.folder();
    let failed = match file.settings.store.known().map(sweep::sweep) {
        None => Some(
            "what runs left in the store was not looked for: the plan file does not say where it is"
                .to_owned(),
        ),
        Some(Ok(swept)) => {
            if is_loud {
                let removed = swept.removed.iter();
                lines.extend(removed.map(|removed| format!("removed {}", removed.path.display())));
                lines.extend(swept.denied.iter().map(sweep::stays));
                lines.extend(swept.not_known.iter().map(|path| sweep::may_be_in_use(path)));
            }
            for failed in &swept.failed {
                exit = Exit::Failed;
                lines.push(with_causes(failed));
            }
            None
        }
        // No store yet, nothing left in it.
        Some(Err(error)) if error.kind == StoreErrorKind::Missing => None,
        Some(Err(error)) => {
            exit = Exit::Failed;
            let why = match mount::could_be_written(store) {
                Err(seen) => format!("{seen}; {}", seen.advice(store, "store")),
                Ok(_) => with_causes(&error),
            };
            Some(format!("what runs left in the store was not looked for: {why}"))
        }
    };
    if is_loud && is_nothing && lines.is_empty() {
        lines.push(NOTHING.to_owned());
    }
    lines.extend(failed);
    (lines, exit)
}

/// What is left to do where `recover` itself has not put something right.
struct ByHand<'f>(&'f Invocation);

impl ByHand<'_> {
    /// Takes the place of the advice to recover.
    fn advise(&self, recovery: &mut RecoveryDone) {
        let recover = self.0.command(["recover"]);
        recovery.advise(&format!(
            "unquiesce it by hand, and run {recover} again, which looks"
        ));
    }

    /// Says where it stands how that is done, and what to do about a device that nobody can ask any more.
    fn hint(&self, recovery: &RecoveryDone, ui: Ui) {
        let open = |row: &&RecoveredRow| row.outcome.is_err() && row.entry.is_quiesce();
        let Some(first) = recovery.rows.iter().find(open) else {
            return;
        };
        ui.hint(&format!(
            "by hand: docs/operations.md has how; where {} is gone for good, or at work and cannot be asked: `{}`",
            first.entry.device,
            self.0.command(["recover", "--forget", &first.entry.device])
        ));
    }
}

/// What was done, and what could not be, a sentence each; of the one who asks for little, what could not.
fn lines_of(recovery: &RecoveryDone, ui: Ui) -> Vec<String> {
    if ui.verbosity != Verbosity::Quiet {
        return recovery.lines();
    }
    let failed = recovery.rows.iter().filter(|row| row.outcome.is_err());
    failed
        .map(ToString::to_string)
        .chain(recovery.not_known_lines())
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
            Event::StillQuiesced(still) => self.0.still_quiesced(still, "why is told below"),
            event => self.0.event(at, event),
        }
    }

    fn progress(&mut self, progress: &Progress) {
        self.0.progress(progress);
    }

    fn take_warnings(&mut self) -> Vec<ReceiverWarning> {
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
