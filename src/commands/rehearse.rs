//! `dpbackup rehearse`

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;

use crate::artifact::archive::ArchiveReport;
use crate::cli::{Global, RehearseArgs, ReportFormat};
use crate::clock::{Clock, SystemClock};
use crate::commands::error::{CommandError, Outcome, found, print};
use crate::commands::history::execution;
use crate::commands::left_behind::{UnseenImports, left_behind, with_what_is_left};
use crate::commands::loading::{load_plan, with_open_rows};
use crate::commands::names;
use crate::commands::opening::{
    EngineBase, OpenedHistory, ScriptsDue, limits, past, planned, show_warnings_of,
};
use crate::commands::stored_export::{NoExport, PrivateExport, private_export};
use crate::exit::Exit;
use crate::history::{FileRow, History, RehearsalOpening};
use crate::lock::{Lock, Locks};
use crate::notify::Notifier;
use crate::notify::previous::Previous;
use crate::plan::model::{Device, DeviceRole, PlanFile};
use crate::report::rehearse::{self as report, RehearsalLine, RehearsalOutcome};
use crate::run::contact::{Devices, WantedDevice};
use crate::run::event::{FileKind, Progress, Sink as _, TaskId};
use crate::run::failure::words;
use crate::run::firmware::{FirmwareFit, both_versions};
use crate::run::held::{LockFor, LockOutcome, LockWait};
use crate::run::left::Left;
use crate::run::rehearse::{KnownSpare, RehearsalsOver, Rehearsed, on_spare};
use crate::run::session::{Contact, Session};
use crate::run::{Engine, store};
use crate::soma::peer::{self, Reached};
use crate::ui::{Screen, Ui, Verbosity};
use crate::values::environment::{Lookup, scratch_folder};
use crate::values::pattern::PatternList;
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
    let spare = spare(file, &args.on)?;
    let mut opened = OpenedHistory::open(file, ui)?;
    let EngineBase { stop, clock, .. } = &opened.base;
    let chosen = chosen(file, args, &opened.history)?;
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
                let error = anyhow!("{} is held by {holder}", spare.name);
                Err(CommandError::new(Exit::Locked, error).with_hint("--lock-wait 10m waits for it"))
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
    let looked = serves_nobody(engine, spare, &opened.history, &mut screen);
    // A wish to stop is what ends it then, and nothing that was seen of the spare.
    if let Some(signal) = stop.signal() {
        return Ok(Exit::Interrupted(signal));
    }
    looked?;
    let mut desk = RehearsalDesk {
        engine,
        allows_other_firmware: args.allow_other_firmware,
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
            (Chosen::Left { place, why }, None) => RehearsalLine::left(place, why),
            (Chosen::Backup(row, domain), None) => {
                let position = format!("{nth} of {of_all}, ");
                let (line, ended) = desk.rehearse(&mut opened.history, spare, row, domain, &position)?;
                over = ended;
                line
            }
        };
        lines.push(line);
    }
    tell(file, env, clock, &lines, ui);
    let text = match args.format {
        ReportFormat::Table => {
            let quiet = ui.verbosity == Verbosity::Quiet;
            report::text(&spare.device.name, &lines, quiet)
        }
        ReportFormat::Json => report::document(&spare.device.name, &lines),
    };
    print(ui, &text)?;
    opened.is_kept()?;
    if let (Some(RehearsalsOver::Interrupted), Some(signal)) = (over, stop.signal()) {
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
    match (
        rehearsed().next().is_some(),
        lines.iter().any(|line| line.result().is_none()),
    ) {
        (false, _) => Exit::NotStarted,
        (true, true) => Exit::Warned,
        (true, false) => Exit::Success,
    }
}

/// The device to rehearse on, which serves nobody as far as the plan file says.
fn spare<'f>(file: &'f PlanFile, name: &str) -> Result<&'f Device, CommandError> {
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

/// Refuses a spare that is a device in service by its serial number, or of which nobody can tell that it
/// is none. Those in service whose serial number was never seen are asked for it.
fn serves_nobody<'a>(
    engine: Engine<'a>,
    spare: &mut Session<'_>,
    history: &History,
    screen: &mut Screen,
) -> Result<(), CommandError> {
    let (own, name) = (spare.device, &spare.device.name);
    let refused = |why: String| CommandError::new(Exit::NotStarted, anyhow!(why));
    // Whether its number is one of this device alone.
    let alone = spare.own_serial().is_some();
    let facts = spare.facts().map_err(|failure| {
        refused(format!(
            "whether {name} is a device of the plans is not known: {}",
            failure.message
        ))
    })?;
    let Some(serial) = &facts.serial else {
        return Err(refused(format!(
            "{name} does not tell its serial number: whether it is a device of the plans is not known"
        )));
    };
    let is_it = |device: &Device| {
        refused(format!(
            "{name} has the serial number {serial} of {}, which is no spare",
            device.name
        ))
        .with_hint("the name of the spare leads to a device that is in service: mend its host or port")
    };
    let mut unseen = Vec::new();
    // Those that cannot be told from the spare by their number.
    let mut alike = Vec::new();
    let in_service = |device: &&'a Device| device.role != DeviceRole::Spare;
    for device in engine.file.devices.iter().filter(in_service) {
        match history.last_serial(&device.name)? {
            Some(known) if known == *serial && alone => return Err(is_it(device)),
            Some(known) if known == *serial => alike.push(device),
            Some(_) => {}
            None => unseen.push(device),
        }
    }
    let mut devices = Devices::new(engine);
    let wanted = unseen.iter().map(|device| WantedDevice {
        device,
        domains: Vec::new(),
    });
    devices.ask(wanted.collect(), &mut |progress| screen.progress(progress));
    for device in unseen {
        let told = match devices.contact(device) {
            Contact::Up(session) => match session.facts() {
                Ok(facts) => facts
                    .serial
                    .clone()
                    .ok_or("it does not tell its serial number".to_owned()),
                Err(failure) => Err(failure.message),
            },
            Contact::Down(why) => Err(why.clone()),
            Contact::Bad(failure) => Err(failure.message.clone()),
        };
        match told {
            Ok(told) if told == *serial && alone => return Err(is_it(device)),
            Ok(told) if told == *serial => alike.push(device),
            Ok(_) => {}
            Err(why) => {
                let error = refused(format!(
                    "whether {name} is {}, which is in service, is not known: no backup of that has told its serial \
                     number yet, and now: {why}",
                    device.name
                ));
                let run = engine.file.invocation.command(["check", &device.name]);
                return Err(error.with_hint(format!(
                    "`{run}` shows what is wrong with it; once it was backed up its serial number is known"
                )));
            }
        }
    }
    for device in alike {
        is_told_apart(own, device).map_err(|why| {
            refused(format!(
                "{name} and {}, which is in service, both have the serial number {serial}, as every virtual gateway has: \
                 whether they are one device is not known: {why}",
                device.name
            ))
            .with_hint("a certificate of its own for each of them tells them apart")
        })?;
    }
    Ok(())
}

/// Whether two devices show different certificates, which one device does not.
fn is_told_apart(spare: &Device, other: &Device) -> Result<(), String> {
    let shown = |device: &Device| {
        let reached = peer::reach(
            &device.host,
            device.port,
            device.timeouts.connect,
            &Arc::default(),
        );
        let peer = reached.and_then(Reached::shake_hands);
        let peer = peer.map_err(|error| {
            format!(
                "the certificate of {} was not seen: {}",
                device.name,
                words(&error)
            )
        })?;
        let first = peer.certificates().first().map(|own| own.sha256);
        first.ok_or_else(|| format!("{} shows no certificate", device.name))
    };
    match shown(spare)? == shown(other)? {
        true => Err("they show the same certificate".to_owned()),
        false => Ok(()),
    }
}

/// What is to be rehearsed, or left out with a reason.
enum Chosen {
    Backup(Box<FileRow>, RestorableDomain),
    Left { place: String, why: String },
}

/// The backups that were asked for.
fn chosen(file: &PlanFile, args: &RehearseArgs, history: &History) -> Result<Vec<Chosen>, CommandError> {
    let mut rows = Vec::new();
    if args.tasks.is_empty() && args.plan.is_none() && args.device.is_none() && !args.all {
        let error = anyhow!("rehearse needs to know which backups");
        return Err(CommandError::new(Exit::Usage, error).with_hint(
            "name tasks, or --plan, --device or --all for the newest good export of each domain",
        ));
    }
    for id in &args.tasks {
        let id = execution(*id, TaskId, || history.newest_task_of_a_plan())?;
        let row = of_task(history, id)?;
        // Once is enough, however often it is named.
        if !rows.iter().any(|other: &FileRow| other.task == row.task) {
            rows.push(row);
        }
    }
    if args.tasks.is_empty() {
        if let Some(plan) = &args.plan
            && file.plan(plan).is_none()
        {
            let known: Vec<&str> = file.plans.iter().map(|plan| plan.name.as_str()).collect();
            let error = anyhow!("the plan file has no plan '{plan}'");
            return Err(CommandError::new(Exit::Usage, error).with_hint(names::did_you_mean(plan, &known)));
        }
        let devices = args
            .device
            .as_deref()
            .map(|text| PatternList::from_items([text]))
            .transpose();
        let devices = devices.map_err(|error| CommandError::new(Exit::Usage, anyhow!("{error}")))?;
        for row in history.good_files()? {
            let is_asked = row.kind == FileKind::Persisted
                && match &devices {
                    // By its name also where the plan file has it no more.
                    Some(devices) => devices.matches(&row.device_name),
                    None => file.device(&row.device_name).is_some(),
                };
            let of_plan = |plan: &String| {
                Ok::<_, CommandError>(history.plan(history.task(row.task)?.plan)?.plan == *plan)
            };
            if is_asked && args.plan.as_ref().map_or(Ok(true), of_plan)? {
                rows.push(row);
            }
        }
        if rows.is_empty() {
            let error = anyhow!("there is no good export of a domain that was asked for");
            return Err(CommandError::new(Exit::Usage, error).with_hint(format!(
                "`{}` shows what there is",
                file.invocation.command(["history", "status"])
            )));
        }
    }
    let chosen = rows
        .into_iter()
        .map(|row| match RestorableDomain::named(&row.domain_name) {
            Ok(domain) => Chosen::Backup(Box::new(row), domain),
            Err(why) => Chosen::Left {
                place: place(&row),
                why: why.to_string(),
            },
        });
    Ok(chosen.collect())
}

fn place(row: &FileRow) -> String {
    format!("task {}: {} {}", row.task.0, row.device_name, row.domain_name)
}

fn of_task(history: &History, id: TaskId) -> Result<FileRow, CommandError> {
    let rows = found(history.files(id))?;
    let row = rows.into_iter().find(|row| row.kind == FileKind::Persisted);
    row.ok_or_else(|| {
        let error = anyhow!("task {} stored no export of the saved configuration", id.0);
        CommandError::new(Exit::Usage, error)
    })
}

/// What every rehearsal of a command has in common.
struct RehearsalDesk<'d> {
    engine: Engine<'d>,
    allows_other_firmware: bool,
    scratch: std::path::PathBuf,
    ui: Ui,
    /// Has the line that moves at a terminal.
    screen: Screen,
}

impl RehearsalDesk<'_> {
    /// Rehearses one backup; what came of it is in history before it is told. `position` is the
    /// which of how many it is.
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
            return Ok((
                RehearsalLine::left(&place, "it is not in the store any more"),
                None,
            ));
        }
        let PrivateExport {
            file: archive,
            report,
            names,
            ..
        } = match private_export(history, store, &self.scratch, row)? {
            Ok(export) => export,
            Err(none) => {
                let result = match none {
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
        if let Some(why) = self.unfit(&report, facts.firmware_version.as_deref(), own_serial.as_deref()) {
            return Ok((RehearsalLine::left(&place, &why), None));
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
        };
        let Rehearsed { result, over } =
            on_spare(known, (&archive, &names), domain, &self.scratch, &mut told);
        screen.progress(&Progress::WaitEnded);
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

    /// Why this backup is not sent to this spare, if so; `serial` is a number of this device alone.
    fn unfit(&self, report: &ArchiveReport, firmware: Option<&str>, serial: Option<&str>) -> Option<String> {
        if serial.is_some() && report.serial_number.as_deref() == serial {
            return Some("the spare has the serial number of the gateway that the backup is of".to_owned());
        }
        let (export, device) = (report.firmware_version.as_deref(), firmware);
        let both = both_versions(export, device, "the spare");
        let fit = FirmwareFit::of(export, device);
        let why = fit.doubt("the spare")?;
        match fit {
            FirmwareFit::Fits => None,
            FirmwareFit::Older => Some(format!("{why}: {both}")),
            FirmwareFit::OtherMajor | FirmwareFit::NotKnown if self.allows_other_firmware => None,
            FirmwareFit::OtherMajor | FirmwareFit::NotKnown => {
                Some(format!("{why}: {both}; --allow-other-firmware tries it"))
            }
        }
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
