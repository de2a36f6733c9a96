//! Mends what runs that died have left: devices still quiesced, folders on devices,
//! executions without an end.
//!
//! A run is dead when the kernel lock of its process is free and the process is not there.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::backup::{BackupAsked, RemoteFolder};
use crate::gateway::facts::tells_apart;
use crate::gateway::quiesce::{QuiesceSent, Scope};
use crate::lock::Life;
use crate::plan::model::Device;
use crate::run::Engine;
use crate::run::contact;
use crate::run::event::{Certainty, Event, JournalId, Owner, Progress, Undo};
use crate::run::failure::{Failure, words};
use crate::run::held::{LockFor, LockOutcome, LockWait};
use crate::run::ledger::{JournalEntry, LedgerError, Reply, UnfinishedPlan};
use crate::run::left::{self, Left};
use crate::run::record::Record;
use crate::run::sequence::{RunError, RunTrouble};
use crate::run::undo::{OpenQuiesce, Undone, remove_folder};
use crate::values::causes::with_causes;
use crate::values::internal_error::caught;

/// What came of a recovery, and what is left of the devices after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// What was done.
    pub done: Mending,
    /// What is left: looked at after the last thing that was done.
    pub left: Left,
}

/// What was done about dead runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mending {
    /// Each thing that was to be undone on a device.
    pub mended: Vec<Mended>,
    /// Each plan execution that is now `ABANDONED`.
    pub abandoned: Vec<UnfinishedPlan>,
}

/// One thing that a dead run left on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// Its row in the journal.
    pub entry: JournalEntry,
    /// How it was undone; or why it could not be, and its row stays open.
    pub outcome: Result<String, StaysOpen>,
}

/// Why a row stays open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaysOpen {
    /// What stood in the way.
    pub why: String,
    /// What is known of the quiesce, if it is one.
    pub certainty: Certainty,
    /// The command that tries again, ready to be pasted.
    pub again: String,
}

impl Mending {
    /// Whether anything could not be undone.
    pub fn is_incomplete(&self) -> bool {
        self.mended.iter().any(|mended| mended.outcome.is_err())
    }

    /// What was done, a sentence each.
    pub fn lines(&self) -> Vec<String> {
        let mended = self.mended.iter().map(ToString::to_string);
        mended.chain(self.abandoned_lines()).collect()
    }

    /// The executions that are abandoned now, a sentence each.
    pub fn abandoned_lines(&self) -> impl Iterator<Item = String> {
        self.abandoned.iter().map(|plan| {
            format!(
                "execution {} of plan {} was abandoned: its process died",
                plan.id.0, plan.plan
            )
        })
    }
}

impl std::fmt::Display for Mended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let device = &self.entry.device;
        let what = match &self.entry.undo {
            Undo::UnquiesceDevice => format!("device {device} was left quiesced"),
            Undo::UnquiesceDomain(domain) => format!("domain {domain} of {device} was left quiesced"),
            Undo::RemoveFolder(folder) if self.outcome.is_err() && !self.entry.seen => {
                format!("{folder} may have been left on {device}")
            }
            Undo::RemoveFolder(folder) => format!("{folder} was left on {device}"),
            Undo::NotKnown => format!("what was begun on {device} cannot be read in the journal"),
            // What is to be said of it is said whole.
            Undo::Import { .. } => {
                return match &self.outcome {
                    Ok(how) => write!(f, "{}: {how}", self.entry),
                    Err(StaysOpen { why, .. }) => f.write_str(why),
                };
            }
        };
        match &self.outcome {
            Ok(how) => write!(f, "{what} by task {}: {how}", self.entry.task.0),
            Err(StaysOpen {
                why,
                again,
                certainty,
            }) if self.entry.is_quiesce() => match certainty {
                Certainty::Seen => write!(
                    f,
                    "{what} by task {}: {why}; STILL QUIESCED: run {again}",
                    self.entry.task.0
                ),
                Certainty::NotKnown if self.entry.seen => write!(
                    f,
                    "{what} by task {}, as was seen then: {why}; whether it is quiesced now is not known: MAY BE \
                     QUIESCED: look at it, and run {again}",
                    self.entry.task.0
                ),
                Certainty::NotKnown => write!(
                    f,
                    "{what} by task {}, perhaps: {why}; MAY BE QUIESCED: look at it, and run {again}",
                    self.entry.task.0
                ),
            },
            Err(StaysOpen { why, .. }) => write!(f, "{what} by task {}: {why}", self.entry.task.0),
        }
    }
}

/// How a row is closed when a person strikes it out.
const FORGOTTEN: &str = "struck out by a person; the device was not asked";

/// A request that was given up so long ago is not expected any more.
const ARRIVES_NO_MORE: Duration = Duration::from_secs(3600);

/// Closes the rows of a device that dead runs left, without asking the device: it is gone for
/// good, or somebody has seen to it.
pub fn forget(engine: Engine<'_>, record: &mut Record<'_>, device: &str) -> Result<Vec<Mended>, RunError> {
    caught(|| forget_rows(engine, record, device))
        .unwrap_or_else(|error| Err(error.into()))
        .map_err(|trouble| RunError::new(trouble, left::look(engine, record), &engine.file.invocation))
}

fn forget_rows(engine: Engine<'_>, record: &mut Record<'_>, device: &str) -> Result<Vec<Mended>, RunTrouble> {
    let mut forgotten = Vec::new();
    let (dead, unclear) = rows_of_others(engine, record)?;
    for entry in dead
        .into_iter()
        .chain(unclear.into_iter().map(|(entry, _)| entry))
    {
        if entry.device == device {
            record.close_undo(entry.id, FORGOTTEN)?;
            let outcome = told(record, &entry, FORGOTTEN).map(Ok)?;
            forgotten.push(Mended { entry, outcome });
        }
    }
    Ok(forgotten)
}

/// Undoes what dead runs left on devices, ends their executions in history, and looks at what is
/// left of the devices after that.
pub fn recover(engine: Engine<'_>, record: &mut Record<'_>) -> Result<Recovered, RunError> {
    let mended = caught(|| mend(engine, record)).unwrap_or_else(|error| Err(error.into()));
    let left = left::look(engine, record);
    match mended {
        Ok(done) => Ok(Recovered { done, left }),
        Err(trouble) => Err(RunError::new(trouble, left, &engine.file.invocation)),
    }
}

/// Undoes what dead runs left on devices, and ends their executions in history.
pub fn mend(engine: Engine<'_>, record: &mut Record<'_>) -> Result<Mending, RunTrouble> {
    let mut recovered = Mending::default();
    let mut by_device: BTreeMap<String, Vec<JournalEntry>> = BTreeMap::new();
    let (dead, unclear) = rows_of_others(engine, record)?;
    for entry in dead {
        // The device cannot tell how far it came: a person compares.
        if let Some(why) = left::half_done(&entry, &engine.file.invocation) {
            refuse(engine, record, &[entry], &why, &mut recovered.mended)?;
            continue;
        }
        by_device.entry(entry.device.clone()).or_default().push(entry);
    }
    for (name, entries) in by_device {
        let mended = &mut recovered.mended;
        match caught(|| mend_device(engine, record, &name, &entries, mended)) {
            Ok(outcome) => outcome?,
            // A mistake of ours at one device does not keep others from being mended.
            Err(error) => {
                record.met_internal_error();
                let is_left = |row: &&JournalEntry| !mended.iter().any(|mended| mended.entry.id == row.id);
                let rest: Vec<JournalEntry> = entries.iter().filter(is_left).cloned().collect();
                refuse(engine, record, &rest, &error.to_string(), mended)?;
            }
        }
    }
    for (entry, why) in unclear {
        refuse(engine, record, &[entry], &why, &mut recovered.mended)?;
    }
    for plan in record.ledger().unfinished_plans()? {
        if plan.process == engine.process || engine.locks.life(&plan.process) != Life::Dead {
            continue;
        }
        let mended = recovered.mended.iter();
        let done: Vec<String> = mended
            .filter(|mended| mended.entry.plan == plan.id)
            .map(ToString::to_string)
            .collect();
        let done = match done.is_empty() {
            true => "nothing had to be undone".to_owned(),
            false => done.join("; "),
        };
        let error = format!("the process died before the end; {done}");
        record.ledger().abandon(engine.clock.now(), plan.id, &error)?;
        let (execution, name) = (plan.id, plan.plan.clone());
        record.tell(&Event::PlanAbandoned {
            plan: execution,
            name,
            error,
        })?;
        recovered.abandoned.push(plan);
    }
    engine.locks.forget_the_dead();
    Ok(recovered)
}

/// Notes for an execution what became of the leftovers of dead runs. Returns what deserves a
/// look.
pub(super) fn note(
    record: &mut Record<'_>,
    owner: Owner,
    recovered: &Mending,
) -> Result<Vec<String>, LedgerError> {
    let mut warnings = Vec::new();
    for mended in &recovered.mended {
        match mended.outcome {
            Ok(_) => record.note(owner, mended.to_string())?,
            Err(_) => {
                warnings.push(mended.to_string());
                record.warn(owner, mended.to_string())?;
            }
        }
    }
    for line in recovered.abandoned_lines() {
        record.note(owner, line)?;
    }
    Ok(warnings)
}

/// A run that is at work on this device, though its lock is ours: somebody has removed the
/// locks while it runs.
pub(super) fn other_at_work(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    device: &Device,
) -> Result<Option<String>, LedgerError> {
    let rows = record.ledger().open_undos()?;
    let other = rows.into_iter().find(|row| {
        let same = row.device == device.name
            || row
                .address
                .as_ref()
                .is_some_and(|address| address.host == device.host && address.port == device.port);
        same && row.process != engine.process && engine.locks.life(&row.process) == Life::Alive
    });
    Ok(other.map(|row| {
        format!(
            "{}: another run is at work on it, {row}, though the lock of {}:{} is free: was its address changed, or the \
             folder of locks removed?",
            device.name, device.host, device.port
        )
    }))
}

/// A row, and why it cannot be told whether its process is dead.
type Unclear = (JournalEntry, String);

/// The open rows of processes that are dead, and those of which that cannot be told.
fn rows_of_others(
    engine: Engine<'_>,
    record: &mut Record<'_>,
) -> Result<(Vec<JournalEntry>, Vec<Unclear>), LedgerError> {
    let (mut dead, mut unclear) = (Vec::new(), Vec::new());
    for entry in record.ledger().open_undos()? {
        if entry.process == engine.process {
            continue;
        }
        match engine.locks.life(&entry.process) {
            Life::Alive => {}
            Life::Dead => dead.push(entry),
            Life::NotKnown(why) => unclear.push((entry, why)),
        }
    }
    Ok((dead, unclear))
}

fn mend_device(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    name: &str,
    entries: &[JournalEntry],
    mended: &mut Vec<Mended>,
) -> Result<(), RunTrouble> {
    let Some(device) = engine.file.device(name) else {
        let path = engine.file.path.display();
        let again = engine.file.invocation.command(["recover"]);
        let why = match engine.file.is_whole {
            true => {
                format!("the plan file {path} has no device {name} any more; add it again, and run {again}")
            }
            false => format!(
                "what can be read of the plan file {path} has no device {name}; mend the file (`{}` shows what is \
                 wrong with it), and run {again}",
                engine.file.invocation.command(["validate"])
            ),
        };
        return Ok(refuse(engine, record, entries, &why, mended)?);
    };
    let limit = engine.file.settings.unquiesce_timeout + engine.file.settings.quiesce_grace;
    let taken = LockWait::of(engine, "recovery", limit)
        .take(LockFor::Device(device), &mut |progress| record.show(progress));
    let why = match taken {
        Ok(LockOutcome::Held(_lock)) => return mend_held_device(engine, record, device, &[], mended),
        Ok(LockOutcome::Stopped) => "it was asked to stop while another run had the device".to_owned(),
        Ok(LockOutcome::Busy(holder)) => format!("the device is held by {holder}"),
        Err(error) => with_causes(&error),
    };
    Ok(refuse(engine, record, entries, &why, mended)?)
}

/// Undoes what dead runs left on a device whose lock the caller holds. The journal is
/// read only now: whoever held the lock before may have mended it, and what somebody has
/// quiesced since then is not ours. Rows in `tried` are left for another time.
pub fn mend_held_device(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    device: &Device,
    tried: &[JournalId],
    mended: &mut Vec<Mended>,
) -> Result<(), RunTrouble> {
    let (mut entries, _unclear) = rows_of_others(engine, record)?;
    entries.retain(|entry| {
        let is_told = matches!(entry.undo, Undo::Import { .. }) || tried.contains(&entry.id);
        entry.device == device.name && !is_told
    });
    if entries.is_empty() {
        return Ok(());
    }
    let gateway = match shielded(engine, device) {
        Ok(gateway) => gateway,
        Err(failure) => return Ok(refuse(engine, record, &entries, &failure.message, mended)?),
    };
    // A device whose login is refused must be asked once, not once for each row.
    record.show(&Progress::Asking {
        waiting_for: device.name.clone(),
        asked: 0,
        of: 1,
    });
    let answered = gateway.domains();
    record.show(&Progress::AskingEnded);
    // One that answers otherwise than it should may take what it does not tell of.
    if let Err(error) = answered
        && !error.is_answer()
    {
        return Ok(refuse(engine, record, &entries, &words(&error), mended)?);
    }
    let mut serial = None;
    for mut entry in entries {
        let found = match &entry.serial {
            None => None,
            Some(_) => serial
                .get_or_insert_with(|| gateway.firmware().map(|firmware| firmware.serial))
                .as_ref()
                .ok()
                .and_then(Option::as_deref),
        };
        if let Some(why) = is_another(engine, &entry, device, found) {
            // Somebody else answered: of the device that is meant nothing was seen.
            refuse_as(engine, record, entry, Certainty::NotKnown, &why, mended)?;
            continue;
        }
        let outcome = mend_entry(engine, record, &gateway, &mut entry)?;
        let outcome = outcome.map_err(|why| stays_open(engine, certainty(&entry), &why));
        mended.push(Mended { entry, outcome });
    }
    Ok(())
}

/// Why the device that its name leads to now is not the one that a row is about, as far as
/// address and serial number tell.
fn is_another(
    engine: Engine<'_>,
    entry: &JournalEntry,
    device: &Device,
    found: Option<&str>,
) -> Option<String> {
    let there = format!("{}:{}", device.host, device.port);
    let was = entry.address.as_ref().map(ToString::to_string);
    let moved = was.as_ref().is_some_and(|was| *was != there);
    let why = match (entry.serial.as_deref(), found) {
        (Some(meant), Some(found)) if meant == found && (tells_apart(found) || !moved) => return None,
        (Some(meant), Some(found)) if meant == found => format!(
            "{} leads to {there} now, and this is about the device at {}: that both have the serial number {found} \
             proves nothing, for every container has it",
            entry.device, was?
        ),
        (Some(meant), Some(found)) => format!(
            "{} leads to the device with serial number {found} at {there} now, and this is about {meant} at {}",
            entry.device,
            was.as_deref().unwrap_or("an address that is not known")
        ),
        // Nobody tells who it is: then the address must be the same.
        (_, None) | (None, Some(_)) if moved => format!(
            "{} leads to {there} now, and this is about the device at {}",
            entry.device, was?
        ),
        (_, None) | (None, Some(_)) => return None,
    };
    let by_hand = match &entry.undo {
        Undo::RemoveFolder(folder) => format!("remove {folder} from it by hand"),
        Undo::UnquiesceDevice | Undo::UnquiesceDomain(_) => "unquiesce it by hand".to_owned(),
        Undo::Import { .. } | Undo::NotKnown => "see to it by hand".to_owned(),
    };
    let forget = engine
        .file
        .invocation
        .command(["recover", "--forget", &entry.device]);
    Some(format!(
        "{why}; let the plan file lead to it again, or {by_hand} and run `{forget}`"
    ))
}

/// Tells that these rows stay open.
fn refuse(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    entries: &[JournalEntry],
    why: &str,
    mended: &mut Vec<Mended>,
) -> Result<(), LedgerError> {
    for entry in entries {
        refuse_as(engine, record, entry.clone(), certainty(entry), why, mended)?;
    }
    Ok(())
}

/// Tells that a row stays open, and what is known of it.
fn refuse_as(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    entry: JournalEntry,
    certainty: Certainty,
    why: &str,
    mended: &mut Vec<Mended>,
) -> Result<(), LedgerError> {
    let told = Event::StillQuiesced {
        task: entry.task,
        device: entry.device.clone(),
        domain: entry.undo.domain().to_owned(),
        certainty,
        error: why.to_owned(),
    };
    let is_quiesce = entry.is_quiesce();
    mended.push(Mended {
        entry,
        outcome: Err(stays_open(engine, certainty, why)),
    });
    match is_quiesce {
        true => record.tell(&told),
        false => Ok(()),
    }
}

fn stays_open(engine: Engine<'_>, certainty: Certainty, why: &str) -> StaysOpen {
    StaysOpen {
        why: why.to_owned(),
        certainty,
        again: engine.file.invocation.command(["recover"]),
    }
}

/// What its row knows of a quiesce.
fn certainty(entry: &JournalEntry) -> Certainty {
    match entry.seen {
        true => Certainty::Seen,
        false => Certainty::NotKnown,
    }
}

pub(super) fn shielded<'a>(engine: Engine<'a>, device: &Device) -> Result<Gateway<'a>, Failure> {
    let gateway = contact::gateway(engine, device)?;
    gateway
        .shielded()
        .map_err(|error| Failure::new(crate::run::status::Status::DeviceError, words(&error)))
}

fn mend_entry(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    gateway: &Gateway<'_>,
    entry: &mut JournalEntry,
) -> Result<Result<String, String>, LedgerError> {
    let scope = match &entry.undo {
        Undo::UnquiesceDevice => Scope::Device,
        Undo::UnquiesceDomain(domain) => Scope::Domain(domain.clone()),
        Undo::NotKnown => {
            let forget = engine
                .file
                .invocation
                .command(["recover", "--forget", &entry.device]);
            return Ok(Err(format!(
                "look at the device, unquiesce what is quiesced there, and run `{forget}`"
            )));
        }
        Undo::Import { .. } => return Ok(Err(entry.to_string())),
        Undo::RemoveFolder(url) => {
            let patience = gateway.timeouts().request;
            let folder = RemoteFolder::at(url);
            let asked = match sent(engine, entry) {
                QuiesceSent::Seen | QuiesceSent::LongAgo => BackupAsked::Answered {
                    begins_within: Duration::ZERO,
                },
                QuiesceSent::Answered { shows_within } => BackupAsked::Answered {
                    begins_within: shows_within,
                },
                QuiesceSent::Unanswered { arrives_within, .. } => BackupAsked::Unanswered { arrives_within },
            };
            let removed = remove_folder(gateway, entry.id, &folder, patience, asked, &entry.device, record)?;
            return match removed {
                Ok(removed) => told(record, entry, removed.how()).map(Ok),
                Err(stays) => Ok(Err(stays.to_string())),
            };
        }
    };
    let open = OpenQuiesce {
        journal: entry.id,
        task: entry.task,
        device: &entry.device,
        scope: &scope,
        domains: &entry.domains,
        sent: sent(engine, entry),
        serial: entry.serial.as_deref(),
    };
    let (undone, recorded) = open.undo(Ok(gateway), &engine.file.settings, record);
    recorded?;
    match undone {
        Undone::Confirmed(how) => told(record, entry, &how).map(Ok),
        Undone::Not(why) => {
            entry.seen = true;
            Ok(Err(why))
        }
        Undone::NotKnown(why) => Ok(Err(why)),
    }
}

/// Tells that a row was mended.
fn told(record: &mut Record<'_>, entry: &JournalEntry, how: &str) -> Result<String, LedgerError> {
    record.tell(&Event::Recovered {
        task: entry.task,
        device: entry.device.clone(),
        undo: entry.undo.clone(),
        how: how.to_owned(),
    })?;
    Ok(how.to_owned())
}

/// What is known of a quiesce, or a secure backup, whose process died.
pub(super) fn sent(engine: Engine<'_>, entry: &JournalEntry) -> QuiesceSent {
    let within = settles_within(engine, entry);
    let request = engine.file.timeouts_of(&entry.device).request;
    let is_old = age(engine, entry).is_some_and(|age| age >= request + ARRIVES_NO_MORE);
    match entry.reply {
        _ if entry.seen => QuiesceSent::Seen,
        // It was taken, whatever was shown: however old, it needs an unquiesce that is answered.
        Some(Reply::Accepted | Reply::Unclear) => QuiesceSent::Answered { shows_within: within },
        Some(Reply::None) | None if is_old => QuiesceSent::LongAgo,
        // An unquiesce that was sent after its time had come is not sent again.
        Some(Reply::None) | None => QuiesceSent::Unanswered {
            arrives_within: match entry.sent {
                true => Duration::ZERO,
                false => within,
            },
            undone_before: entry.sent,
        },
    }
}

/// How long what a dead run has sent may still be on its way: sending it took no longer
/// than a request may, and being carried out takes no longer than that again.
fn settles_within(engine: Engine<'_>, entry: &JournalEntry) -> Duration {
    let request = engine.file.timeouts_of(&entry.device).request;
    (request * 2).saturating_sub(age(engine, entry).unwrap_or_default())
}

/// How long ago a row was written, if it can be told.
fn age(engine: Engine<'_>, entry: &JournalEntry) -> Option<Duration> {
    let age = engine.clock.now().duration_since(entry.opened?);
    Some(Duration::try_from(age).unwrap_or_default())
}
