//! `dpbackup rehearse`

mod chosen;

use std::time::Duration;

use anyhow::anyhow;

use crate::cli::{Global, OutputFormat, RehearseArgs};
use crate::clock::{Clock, SystemClock};
use crate::commands::error::{CommandError, Outcome, print};
use crate::commands::left_behind::{UnseenImports, left_behind, with_what_is_left};
use crate::commands::loading::{load_plan, with_open_rows};
use crate::commands::names;
use crate::commands::opening::{
    EngineBase, OpenedHistory, ScriptsDue, limits, past, planned, show_warnings_of,
};
use crate::commands::rehearse::chosen::{Chosen, chosen, place};
use crate::commands::stored_export::{NoExport, PrivateExport, private_export};
use crate::exit::Exit;
use crate::history::{FileRow, History, RehearsalOpening};
use crate::lock::{Lock, Locks};
use crate::notify::Notifier;
use crate::notify::previous::Previous;
use crate::plan::model::{Device, DeviceRole, PlanFile};
use crate::report::rehearse::{self as report, RehearsalLine, RehearsalOutcome};
use crate::run::contact::Devices;
use crate::run::event::{Progress, Sink as _};
use crate::run::held::{LockFor, LockOutcome, LockWait, busy};
use crate::run::left::Left;
use crate::run::rehearse::spare::{self, OtherFirmware, ServingDevice};
use crate::run::rehearse::{KnownSpare, RehearsalsOver, Rehearsed, on_spare};
use crate::run::session::{Contact, Session};
use crate::run::{Engine, store};
use crate::ui::{Screen, Ui, Verbosity};
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
    let spare = asked_spare(file, &args.on)?;
    let mut opened = OpenedHistory::open(file, ui)?;
    let EngineBase { stop, clock, .. } = &opened.base;
    let chosen = chosen(file, args, opened.history.here()?)?;
    store::is_there(&file.settings)
        .map_err(|failure| CommandError::new(Exit::NotStarted, anyhow!(failure.message)))?;
    let mut screen = Screen::new(ui, file.invocation.clone());
    let (_answer, _answering) = opened.base.answering(&screen, limits(file, ScriptsDue::Never));
    let engine = opened.base.engine(file, env);
    let lock = |what: LockFor<'_>, screen: &mut Screen| -> Result<Option<Lock>, CommandError> {
        let taken = LockWait::of(engine, "a rehearsal", args.lock_wait)
            .take(what, &mut |progress| screen.progress(progress))
            .map_err(|error| CommandError::new(Exit::History, error))?;
        match taken {
            LockOutcome::Held(lock) => Ok(Some(lock)),
            LockOutcome::Stopped => Ok(None),
            LockOutcome::Busy(holder) => {
                let error = anyhow!("{} is {}", spare.name, busy(&holder, args.lock_wait));
                Err(CommandError::new(Exit::Locked, error))
            }
        }
    };
    let stopped = || Ok(stop.signal().map_or(Exit::Failed, Exit::Interrupted));
    let Some(_lock) = lock(LockFor::Device(spare), &mut screen)? else {
        return stopped();
    };
    let mut devices = Devices::new(engine);
    let contact = devices.contact(spare);
    if let Some(signal) = stop.signal() {
        return Ok(Exit::Interrupted(signal));
    }
    let spare = match contact {
        Contact::Up(spare) => spare,
        Contact::Down(why) => return Err(CommandError::new(Exit::NotStarted, anyhow!("{why}"))),
        Contact::Bad(failure) => {
            return Err(CommandError::new(
                Exit::NotStarted,
                anyhow!("{}", failure.message),
            ));
        }
    };
    // Another name of the same device has another lock.
    let serial = spare.own_serial();
    let device = spare.device;
    let _serial_lock = match serial.as_deref() {
        None => None,
        Some(serial) => match lock(LockFor::SerialNumber { device, serial }, &mut screen)? {
            None => return stopped(),
            held => held,
        },
    };
    let in_service = in_service(file, opened.history.here()?)?;
    let looked = spare::serves_nobody(engine, spare, in_service, &mut |progress| {
        screen.progress(progress);
    });
    // A wish to stop is what ends it then, and nothing that was seen of the spare.
    if let Some(signal) = stop.signal() {
        return Ok(Exit::Interrupted(signal));
    }
    looked.map_err(|doubt| {
        let error = CommandError::new(Exit::NotStarted, anyhow!(doubt.why));
        match doubt.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    })?;
    let mut desk = RehearsalDesk {
        engine,
        other_firmware: match args.allow_other_firmware {
            true => OtherFirmware::Tried,
            false => OtherFirmware::LeftOut,
        },
        scratch: scratch_folder(env),
        ui,
        screen,
    };
    let of_all = chosen.len();
    let mut lines = Vec::new();
    let mut over = None;
    for (nth, chosen) in (1..).zip(&chosen) {
        let line = match (chosen, over) {
            (_, Some(_)) => break,
            (Chosen::Left { row, why, by_rule }, None) => {
                RehearsalLine::left(&place(row), row, why, *by_rule)
            }
            (Chosen::Backup(row, domain), None) => {
                let position = format!("{nth} of {of_all}, ");
                let (line, ended) = desk.rehearse(opened.history.here()?, spare, row, domain, &position)?;
                over = ended;
                line
            }
        };
        lines.push(line);
    }
    tell(file, env, clock, &lines, ui);
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
    if let (Some(RehearsalsOver::Interrupted), Some(signal)) = (over, signal) {
        return Ok(Exit::Interrupted(signal));
    }
    Ok(exit(&lines, over.is_some()))
}

/// What the whole of it ends with: nothing that is not known is a success.
fn exit(lines: &[RehearsalLine], cut_short: bool) -> Exit {
    let rehearsed = || lines.iter().filter_map(RehearsalLine::result);
    if cut_short || rehearsed().any(|result| !result.is_good()) {
        return Exit::Failed;
    }
    // What a rule leaves out of many is no news each time.
    let is_skipped =
        |line: &RehearsalLine| matches!(line.outcome, RehearsalOutcome::LeftOut { by_rule: false, .. });
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
    let device = names::device(file, name)?;
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

/// The devices in service, each with the serial number that it told last.
fn in_service<'f>(file: &'f PlanFile, history: &History) -> Result<Vec<ServingDevice<'f>>, CommandError> {
    let devices = file
        .devices
        .iter()
        .filter(|device| device.role != DeviceRole::Spare);
    devices
        .map(|device| {
            Ok(ServingDevice {
                device,
                last_serial: history.last_serial(&device.name)?,
            })
        })
        .collect()
}

/// What every rehearsal of a command has in common.
struct RehearsalDesk<'d> {
    engine: Engine<'d>,
    other_firmware: OtherFirmware,
    scratch: std::path::PathBuf,
    ui: Ui,
    /// Has the line that moves at a terminal.
    screen: Screen,
}

impl RehearsalDesk<'_> {
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
        let now = || self.engine.clock.now();
        let store = &self.engine.file.settings.store;
        // What was removed on purpose is no backup that would fail.
        if row.pruned_time.is_some() {
            let standing = history.standing_of(row)?;
            let other = standing.map_or_else(String::new, |other| {
                format!("; that of task {} holds the same", other.task.0)
            });
            let why = format!("it is not in the store any more{other}");
            return Ok((RehearsalLine::left(&place, row, &why, false), None));
        }
        let PrivateExport {
            file: archive,
            instead,
            report,
            names,
            of_another,
            ..
        } = match private_export(history, store, &self.scratch, row)? {
            Ok(export) => export,
            Err(none) => {
                let result = match none {
                    NoExport::NotSent(why) => {
                        return Ok((RehearsalLine::left(&place, row, &why, false), None));
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
                let id = history.open_rehearsal(now(), &opening)?;
                history.end_rehearsal(now(), id, &result)?;
                return Ok((RehearsalLine::ended(&place, row, result), None));
            }
        };
        let unfit = spare::unfit(
            &report,
            facts.firmware_version.as_deref(),
            own_serial.as_deref(),
            self.other_firmware,
        );
        if let Some(why) = unfit {
            return Ok((RehearsalLine::left(&place, row, &why, false), None));
        }
        // That one is not kept of what has not changed is how it is meant, and no news.
        if let Some(instead) = instead.filter(|_| row.kept) {
            self.ui.warning(&format!("{place}: {instead}"));
        }
        let id = history.open_rehearsal(now(), &opening)?;
        let limit = spare.device.timeouts.export;
        let (ui, screen) = (self.ui, &mut self.screen);
        let mut told = |what: &str| {
            if ui.verbosity > Verbosity::Normal && !ui.bars {
                ui.say(&format!("{place}: {what}"));
            }
            screen.progress(&Progress::Waiting {
                device: Some(spare.device.name.clone()),
                what: format!("{position}{place}: {what}"),
                waited: Duration::ZERO,
                limit,
            });
        };
        let known = KnownSpare {
            gateway: &spare.gateway,
            name: &spare.device.name,
            facts: &facts,
            changed_by: history.spare_changed_by(&spare.device.name)?,
        };
        let Rehearsed { mut result, over } =
            on_spare(known, (&archive, &names), domain, &self.scratch, &mut told);
        screen.progress(&Progress::WaitEnded);
        let message: Vec<String> = result.message.take().into_iter().chain(of_another).collect();
        result.message = (!message.is_empty()).then(|| message.join("; "));
        // What was seen is told where history cannot take it.
        history.end_rehearsal(now(), id, &result).map_err(|error| {
            let seen = report::text(
                &spare.device.name,
                &[RehearsalLine::ended(&place, row, result.clone())],
                false,
            );
            let seen = seen.split_whitespace().collect::<Vec<_>>().join(" ");
            let error = anyhow::Error::from(error).context(format!("not recorded: {seen}"));
            CommandError::new(Exit::History, error)
        })?;
        Ok((RehearsalLine::ended(&place, row, result), over))
    }
}

/// Tells those who are to be told, and writes the metrics anew.
fn tell(file: &PlanFile, env: Lookup<'_>, clock: &SystemClock, lines: &[RehearsalLine], ui: Ui) {
    let planned = planned(file);
    let past = past(file);
    let past = past.as_ref().map(|past| past as &dyn Previous);
    let mut notifier = Notifier::new(file, env, clock.zone(), past, &planned);
    for line in lines {
        if let RehearsalOutcome::Ended { row, result } = &line.outcome
            && !result.is_good()
        {
            notifier.rehearsal_failed(
                clock.now(),
                row.task,
                &row.device_name,
                &row.domain_name,
                &result.against(),
            );
        }
    }
    notifier.write_metrics(clock.now());
    show_warnings_of(&mut notifier, ui);
}
