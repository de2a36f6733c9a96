//! `dpbackup rehearse`: whether backups would work on a spare, by a dry run on it.

mod chosen;

use std::time::Duration;

use anyhow::anyhow;

use crate::cli::{Global, OutputFormat, RehearseArgs};
use crate::clock::{Clock, SystemClock};
use crate::commands::dead::left_behind::{UnseenImports, left_behind, with_what_is_left};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::loading::{load_plan, with_open_rows};
use crate::commands::frame::opening::{
    EngineBase, OpenedHistory, ScriptsDue, limits, past, planned, show_warnings_of, telling,
};
use crate::commands::named::absent::did_you_mean;
use crate::commands::named::names;
use crate::commands::named::stored_export::{NoExport, PrivateExport, private_export};
use crate::commands::rehearse::chosen::{Chosen, chosen, place};
use crate::exit::Exit;
use crate::history::{FileRow, History, HistoryError, RehearsalOpening};
use crate::lock::{Lock, Locks};
use crate::notify::Notifier;
use crate::notify::past::Past;
use crate::plan::model::{Device, DeviceRole, PlanFile};
use crate::report::rehearse::{self as report, LeftOutBy, RehearsalLine, RehearsalOutcome};
use crate::run::contact::Devices;
use crate::run::event::{JournalId, Progress, Sink as _, Undo, UndoStage};
use crate::run::held::{LockFor, LockOutcome, LockWait, busy};
use crate::run::left::Left;
use crate::run::limited_ledger::LimitedLedger;
use crate::run::rehearse::journal::RehearsalJournal;
use crate::run::rehearse::spare::{self, OrdinaryDevice, OtherFirmware};
use crate::run::rehearse::{KnownSpare, LookAfter, RehearsalStep, RehearsalsOver, Rehearsed, on_spare};
use crate::run::session::{Contact, Session};
use crate::run::{Engine, store};
use crate::ui::{Screen, SignalAnswer, Ui, Verbosity};
use crate::values::environment::{Lookup, scratch_folder};
use crate::values::rehearsal::{RehearsalResult, RehearsalVerdict, SpareProof};
use crate::values::restorable_domain::RestorableDomain;

/// Sends backups to a spare for a dry run, and records what it answers.
pub(super) fn rehearse(global: &Global, args: &RehearseArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan(global, ui, env).map_err(|error| with_open_rows(error, global, env))?;
    let file = &loaded.plan_file;
    let locks = Locks::beside(&file.settings.history);
    let rehearsed = rehearse_with(file, args, ui, env);
    let rehearsed = rehearsed.map_err(|error| with_what_is_left(error, file, &locks));
    // It looks at none of the devices that dead runs have left something on: whoever reads its end is told.
    for import in UnseenImports::of(file, &locks).all() {
        ui.warning(&import);
    }
    let exit = rehearsed?;
    let left = left_behind(&file.settings.history, &locks);
    if left != Left::Nothing {
        ui.error(&anyhow!("{}", left.words(&file.invocation)), None);
    }
    Ok(left.exit(exit))
}

fn rehearse_with(file: &PlanFile, args: &RehearseArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let asked = asked_spare(file, &args.on)?;
    let mut opened = OpenedHistory::open(file, ui)?;
    let EngineBase { stop, clock, .. } = &opened.base;
    let chosen = chosen(file, args, opened.history.here()?)?;
    store::is_there(&file.settings)
        .map_err(|failure| CommandError::new(Exit::NotStarted, anyhow!(failure.message)))?;
    let screen = Screen::new(ui, file.invocation.clone());
    let (answer, _answering) = opened
        .base
        .answering(&screen, limits(file, ScriptsDue::Never, None));
    let mut desk = RehearsalDesk {
        engine: opened.base.engine(file, env),
        lock_wait: args.lock_wait,
        other_firmware: match args.allow_other_firmware {
            true => OtherFirmware::Tried,
            false => OtherFirmware::LeftOut,
        },
        scratch: scratch_folder(env),
        ui,
        screen,
        answer,
    };
    let stopped = || Ok(stop.signal().map_or(Exit::Failed, Exit::Interrupted));
    let Some(_lock) = desk.lock(asked, LockFor::Device(asked))? else {
        return stopped();
    };
    let mut devices = Devices::new(desk.engine);
    let spare = reached(devices.contact(asked));
    // A wish to stop is what ends it then, and nothing that was seen of the spare.
    if stop.is_requested() {
        return stopped();
    }
    let spare = spare?;
    // Another name of the same device has another lock.
    let _serial_lock = match spare.own_serial().as_deref() {
        None => None,
        Some(serial) => match desk.lock(
            asked,
            LockFor::SerialNumber {
                device: asked,
                serial,
            },
        )? {
            None => return stopped(),
            held => held,
        },
    };
    let ordinary = ordinary_devices(file, opened.history.here()?)?;
    let looked = desk.is_no_ordinary_device(spare, ordinary);
    if stop.is_requested() {
        return stopped();
    }
    looked?;
    let (lines, is_cut_short) = desk.rehearse_all(&mut opened.history, spare, &chosen)?;
    let ended_by = match stop.is_requested() {
        true => EndedBy::Signal,
        false => EndedBy::Itself,
    };
    tell((file, env, clock), &lines, ended_by, &desk);
    let text = match args.format {
        OutputFormat::Table => {
            let quiet = ui.verbosity == Verbosity::Quiet;
            report::text(&spare.device.name, &lines, quiet)
        }
        OutputFormat::Json => report::document(&spare.device.name, &lines),
    };
    print(ui, &text)?;
    let signal = stop.signal();
    opened.close(None)?;
    Ok(signal.map_or_else(|| exit(&lines, is_cut_short), Exit::Interrupted))
}

/// The spare that answers.
fn reached<'s, 'a>(contact: &'s mut Contact<'a>) -> Result<&'s mut Session<'a>, CommandError> {
    let why = match contact {
        Contact::Up(spare) => return Ok(spare),
        Contact::Down(why) => why.clone(),
        Contact::Bad(failure) => failure.message.clone(),
    };
    Err(CommandError::new(Exit::NotStarted, anyhow!(why)))
}

/// What the whole of it ends with: nothing that is not known is a success.
fn exit(lines: &[RehearsalLine], cut_short: bool) -> Exit {
    let rehearsed = || lines.iter().filter_map(RehearsalLine::result);
    if cut_short || rehearsed().any(|result| !result.is_good()) {
        return Exit::Failed;
    }
    // What a rule leaves out of many is no news each time.
    let is_skipped = |line: &RehearsalLine| {
        matches!(
            line.outcome,
            RehearsalOutcome::LeftOut {
                by: LeftOutBy::State,
                ..
            }
        )
    };
    // It would work, and may be the configuration of another gateway.
    let is_doubted = rehearsed().any(|result| result.message.is_some());
    match (
        rehearsed().next().is_some(),
        is_doubted || lines.iter().any(is_skipped),
    ) {
        (false, _) => Exit::NotStarted,
        (true, true) => Exit::Warned,
        (true, false) => Exit::Success,
    }
}

/// The device to rehearse on, which serves nobody as far as the plan file says.
fn asked_spare<'f>(file: &'f PlanFile, name: &str) -> Result<&'f Device, CommandError> {
    let spares = file
        .devices
        .iter()
        .filter(|device| device.role == DeviceRole::Spare);
    let spares: Vec<&str> = spares.map(|device| device.name.as_str()).collect();
    let device = names::device(file, &["rehearse", "--all", "--on"], name).map_err(|error| {
        error.with_hint(match spares.as_slice() {
            [] => "no device of the plan file is a spare: `role = \"spare\"` of a [[device]] makes one of it"
                .to_owned(),
            spares => did_you_mean(name, spares),
        })
    })?;
    if device.role != DeviceRole::Spare {
        let error = anyhow!(
            "{} is no spare: backups are rehearsed on a device that serves nobody",
            device.name
        );
        return Err(CommandError::new(Exit::Usage, error)
            .with_hint("write `role = \"spare\"` for a device of the plan file that is one"));
    }
    let same = |other: &&Device| other.role != DeviceRole::Spare && other.address() == device.address();
    if let Some(other) = file.devices.iter().find(same) {
        let error = anyhow!(
            "{} is at the address of {}, which is no spare",
            device.name,
            other.name
        );
        return Err(CommandError::new(Exit::Usage, error));
    }
    Ok(device)
}

/// The ordinary devices, each with the serial number that it told last.
fn ordinary_devices<'f>(
    file: &'f PlanFile,
    history: &History,
) -> Result<Vec<OrdinaryDevice<'f>>, CommandError> {
    let devices = file
        .devices
        .iter()
        .filter(|device| device.role != DeviceRole::Spare);
    devices
        .map(|device| {
            Ok(OrdinaryDevice {
                device,
                last_serial: history.last_serial(&device.name)?,
            })
        })
        .collect()
}

/// By this the answer to a signal knows the dry run that is on its way, whatever its row in the journal: one at a time is.
const DRY_RUN: JournalId = JournalId(0);

/// What every rehearsal of a command has in common.
struct RehearsalDesk<'d> {
    engine: Engine<'d>,
    /// How long a spare that another run has is waited for.
    lock_wait: Duration,
    other_firmware: OtherFirmware,
    scratch: std::path::PathBuf,
    ui: Ui,
    /// Has the line that moves at a terminal.
    screen: Screen,
    /// Says after a signal what of a dry run is still waited for.
    answer: SignalAnswer,
}

impl RehearsalDesk<'_> {
    /// A lock of the spare; none where somebody has asked to stop meanwhile.
    fn lock(&mut self, spare: &Device, what: LockFor<'_>) -> Result<Option<Lock>, CommandError> {
        let screen = &mut self.screen;
        let taken = LockWait::of(self.engine, "a rehearsal", self.lock_wait)
            .take(what, &mut |progress| screen.progress(progress))
            .map_err(|error| CommandError::new(Exit::History, error))?;
        match taken {
            LockOutcome::Held(lock) => Ok(Some(lock)),
            LockOutcome::Stopped => Ok(None),
            LockOutcome::Busy(holder) => {
                let error = anyhow!("{} is {}", spare.name, busy(&holder, self.lock_wait));
                Err(CommandError::new(Exit::Locked, error))
            }
        }
    }

    /// Refuses a spare that is an ordinary device, or may be one.
    fn is_no_ordinary_device(
        &mut self,
        spare: &mut Session<'_>,
        ordinary: Vec<OrdinaryDevice<'_>>,
    ) -> Result<(), CommandError> {
        let screen = &mut self.screen;
        let looked = spare::is_no_ordinary_device(self.engine, spare, ordinary, &mut |progress| {
            screen.progress(progress);
        });
        looked.map_err(|doubt| {
            let error = CommandError::new(Exit::NotStarted, anyhow!(doubt.why));
            match doubt.hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        })
    }

    /// Rehearses one after another, and whether that was cut short.
    fn rehearse_all(
        &mut self,
        history: &mut LimitedLedger<History>,
        spare: &mut Session<'_>,
        chosen: &[Chosen],
    ) -> Result<(Vec<RehearsalLine>, bool), CommandError> {
        let of_all = chosen.len();
        let mut lines = Vec::new();
        for (nth, chosen) in (1..).zip(chosen) {
            if self.engine.stop.is_requested() {
                return Ok((lines, true));
            }
            match chosen {
                Chosen::LeftOut { row, why, by } => {
                    lines.push(RehearsalLine::left_out(&place(row), row, why, *by));
                }
                Chosen::Backup(row, domain) => {
                    let position = format!("{nth} of {of_all}, ");
                    let (line, over) = self.rehearse(history.here()?, spare, row, domain, &position)?;
                    lines.push(line);
                    if over.is_some() {
                        return Ok((lines, true));
                    }
                }
            }
        }
        Ok((lines, false))
    }

    /// Rehearses one backup; what came of it is in history before it is told. `position` is its
    /// number and how many there are, such as `3 of 6, `.
    fn rehearse(
        &mut self,
        history: &mut History,
        spare: &mut Session<'_>,
        row: &FileRow,
        domain: &RestorableDomain,
        position: &str,
    ) -> Result<(RehearsalLine, Option<RehearsalsOver>), CommandError> {
        let place = place(row);
        let own_serial = spare.own_serial();
        let facts = spare.facts().cloned();
        let facts = facts.map_err(|failure| CommandError::new(Exit::NotStarted, anyhow!(failure.message)))?;
        let opening = RehearsalOpening {
            task: row.task,
            spare: spare.device.name.clone(),
            firmware_version: facts.firmware_version.clone(),
            serial: facts.serial.clone(),
            process: self.engine.process.to_owned(),
        };
        let export = match self.export_of(history, row, &opening)? {
            Ok(export) => export,
            Err(line) => return Ok((line, None)),
        };
        let unfit = spare::unfit(
            &export.verified,
            facts.firmware_version.as_deref(),
            own_serial.as_deref(),
            self.other_firmware,
        );
        if let Some(why) = unfit {
            return Ok((RehearsalLine::left_out(&place, row, &why, LeftOutBy::State), None));
        }
        // That one is not kept of what has not changed is how it is meant, and no news.
        if let Some(instead) = export.instead.as_ref().filter(|_| row.kept) {
            self.ui.warning(&format!("{place}: {instead}"));
        }
        let id = history.open_rehearsal(self.engine.clock.now(), &opening)?;
        let plan = history.task(row.task)?.plan;
        let known = KnownSpare {
            gateway: &spare.gateway,
            name: &spare.device.name,
            facts: &facts,
            changed_by: history.spare_changed_by(&spare.device.name)?,
        };
        let scratch = self.scratch.clone();
        let engine = self.engine;
        let mut journal = RehearsalJournal {
            ledger: &mut *history,
            clock: engine.clock,
            process: engine.process,
            plan,
            task: row.task,
            address: spare.device.address(),
        };
        let mut told = |step| self.show(step, spare.device, domain, (position, &place));
        let backup = (&export.file, &export.names);
        let Rehearsed {
            mut result,
            over,
            looked,
        } = on_spare(known, &mut journal, backup, domain, &scratch, &mut told);
        self.screen.progress(&Progress::WaitEnded);
        self.answer.progress(&Progress::UndoOver { journal: DRY_RUN });
        let message: Vec<String> = result
            .message
            .take()
            .into_iter()
            .chain(export.of_another)
            .collect();
        result.message = (!message.is_empty()).then(|| message.join("; "));
        let line = RehearsalLine::ended(&place, row, result.clone());
        // What nobody has seen because somebody wanted it to end has no end: the next start tells of it.
        if self.engine.stop.is_requested() && looked == LookAfter::NotToTheEnd {
            return Ok((line, over));
        }
        history
            .end_rehearsal(self.engine.clock.now(), id, &result)
            .map_err(|error| not_recorded(error, &spare.device.name, &line))?;
        Ok((line, over))
    }

    /// The export to be sent, proved to be good; a line where there is none: a rehearsal of its own where that says
    /// something of the backup.
    fn export_of(
        &self,
        history: &mut History,
        row: &FileRow,
        opening: &RehearsalOpening,
    ) -> Result<Result<PrivateExport, RehearsalLine>, CommandError> {
        let place = place(row);
        // What was removed on purpose is no backup that would fail.
        if row.pruned_time.is_some() {
            let standing = history.standing_of(row)?;
            let other = standing.map_or_else(String::new, |other| {
                format!("; that of task {} holds the same", other.task.0)
            });
            let why = format!("it is not in the store any more{other}");
            return Ok(Err(RehearsalLine::left_out(&place, row, &why, LeftOutBy::State)));
        }
        let store = self.engine.file.settings.store.folder();
        let none = match private_export(history, store, &self.scratch, row)? {
            Ok(export) => return Ok(Ok(export)),
            Err(none) => none,
        };
        let result = match none {
            NoExport::NotSent(why) => {
                return Ok(Err(RehearsalLine::left_out(&place, row, &why, LeftOutBy::State)));
            }
            NoExport::Bad(why) => RehearsalResult {
                verdict: RehearsalVerdict::WouldFail,
                proof: SpareProof::NotSent,
                refused: Vec::new(),
                missing_keys: Vec::new(),
                message: Some(format!("the backup itself is not good: {why}")),
            },
            NoExport::Unread(why) => RehearsalResult::not_known(
                SpareProof::NotSent,
                format!("the backup could not be read here, which says nothing about it: {why}"),
            ),
        };
        let now = || self.engine.clock.now();
        let id = history.open_rehearsal(now(), opening)?;
        history.end_rehearsal(now(), id, &result)?;
        Ok(Err(RehearsalLine::ended(&place, row, result)))
    }

    /// Shows what is waited for, and to whoever sends a signal what of it is waited for still.
    fn show(
        &mut self,
        step: RehearsalStep,
        spare: &Device,
        domain: &RestorableDomain,
        (position, place): (&str, &str),
    ) {
        let stage = match step {
            RehearsalStep::LooksBefore => None,
            RehearsalStep::DryRunDue => Some(UndoStage::MayBeSent),
            RehearsalStep::DryRunSent => Some(UndoStage::Sent),
            RehearsalStep::LooksAfter => Some(UndoStage::UnderWay),
        };
        if let Some(stage) = stage {
            self.answer.progress(&Progress::UndoDue {
                journal: DRY_RUN,
                device: spare.name.clone(),
                undo: Undo::DryRun {
                    domain: domain.name().to_owned(),
                    before: None,
                    content: None,
                },
                stage,
            });
        }
        if step == RehearsalStep::DryRunSent {
            return;
        }
        let what = step.words();
        if self.ui.verbosity > Verbosity::Normal && !self.ui.bars {
            self.ui.say(&format!("{place}: {what}"));
        }
        self.screen.progress(&Progress::Waiting {
            device: Some(spare.name.clone()),
            what: format!("{position}{place}: {what}"),
            waited: Duration::ZERO,
            limit: spare.timeouts.export,
        });
    }
}

/// What was seen is told where history cannot take it.
fn not_recorded(error: HistoryError, spare: &str, line: &RehearsalLine) -> CommandError {
    let seen = report::text(spare, std::slice::from_ref(line), false);
    let seen = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    let error = anyhow::Error::from(error).context(format!("not recorded: {seen}"));
    CommandError::new(Exit::History, error)
}

/// What ended the rehearsals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndedBy {
    Itself,
    Signal,
}

/// What those are told who are told of failed rehearsals; none where there is nothing to be told: of one that was not to
/// come to its end nothing is known, and nothing is wrong unless the spare may be.
fn told_of(result: &RehearsalResult, ended_by: EndedBy) -> Option<String> {
    let is_given_up = ended_by == EndedBy::Signal && result.verdict == RehearsalVerdict::NotKnown;
    match result.proof {
        _ if result.is_good() => None,
        SpareProof::NotSent | SpareProof::Unchanged if is_given_up => None,
        _ if is_given_up => Some(format!("ended by a signal: {}", result.against())),
        _ => Some(result.against()),
    }
}

/// Tells those who are to be told, and writes the metrics anew.
fn tell(
    (file, env, clock): (&PlanFile, Lookup<'_>, &SystemClock),
    lines: &[RehearsalLine],
    ended_by: EndedBy,
    desk: &RehearsalDesk<'_>,
) {
    let planned = planned(file);
    let past = past(file);
    let past = past.as_ref().map(|past| past as &dyn Past);
    let waits = telling(desk.screen.moving_line());
    let mut notifier = Notifier::new(file, env, clock.zone(), past, &planned).shown_by(&waits);
    for line in lines {
        if let RehearsalOutcome::Ended { row, result } = &line.outcome
            && let Some(why) = told_of(result, ended_by)
        {
            notifier.rehearsal_failed(clock.now(), row.task, &row.device_name, &row.domain_name, &why);
        }
    }
    notifier.write_metrics(clock.now());
    show_warnings_of(&mut notifier, desk.ui);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_rehearsal_that_a_signal_ended_nobody_is_told_that_it_failed() {
        let of = |proof| {
            RehearsalResult::not_known(proof, "DomainStatus: ended because the run was asked to stop")
        };
        let told = |proof, ended_by| told_of(&of(proof), ended_by);
        for proof in [SpareProof::NotSent, SpareProof::Unchanged] {
            assert_eq!(told(proof, EndedBy::Signal), None);
            assert!(told(proof, EndedBy::Itself).is_some());
        }
        let doubt = told(SpareProof::NotKnown, EndedBy::Signal).expect("a doubt");
        assert!(doubt.starts_with("ended by a signal: "), "{doubt}");
        let changed = told(SpareProof::Changed, EndedBy::Signal).expect("a change");
        assert!(changed.contains(SpareProof::Changed.words()), "{changed}");
        let failed = RehearsalResult {
            verdict: RehearsalVerdict::WouldFail,
            ..of(SpareProof::Unchanged)
        };
        assert_eq!(told_of(&failed, EndedBy::Signal), Some(failed.against()));
    }
}
