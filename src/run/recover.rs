//! Mends what runs that died have left: devices still quiesced, folders on devices,
//! executions without an end.
//!
//! A run is dead when the kernel lock of its process is free; no process id is guessed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::backup::RemoteFolder;
use crate::gateway::quiesce::Scope;
use crate::lock::Asked;
use crate::plan::model::Device;
use crate::run::Engine;
use crate::run::contact;
use crate::run::event::{Event, JournalEntry, JournalId, Progress, Undo, UnfinishedPlan};
use crate::run::failure::{Failure, words};
use crate::run::record::Record;
use crate::run::sequence::RunError;
use crate::run::task::STILL_QUIESCED;
use crate::run::undo::{OpenQuiesce, Undone, remove_folder};

/// What came of a recovery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
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
    pub outcome: Result<String, String>,
}

impl Recovered {
    /// Whether something may still be quiesced.
    pub fn still_quiesced(&self) -> bool {
        Self::leaves_quiesced(&self.mended)
    }

    /// The same, of these.
    fn leaves_quiesced(mended: &[Mended]) -> bool {
        mended
            .iter()
            .any(|mended| mended.outcome.is_err() && mended.is_quiesce())
    }

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

impl Mended {
    /// Whether it was a quiesce, and not only a folder.
    pub fn is_quiesce(&self) -> bool {
        !matches!(self.entry.undo, Undo::RemoveFolder(_))
    }
}

impl std::fmt::Display for Mended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let device = &self.entry.device;
        let what = match &self.entry.undo {
            Undo::UnquiesceDevice => format!("device {device} was left quiesced"),
            Undo::UnquiesceDomain(domain) => format!("domain {domain} of {device} was left quiesced"),
            Undo::RemoveFolder(folder) => format!("{folder} was left on {device}"),
        };
        match &self.outcome {
            Ok(how) => write!(f, "{what} by task {}: {how}", self.entry.task.0),
            Err(why) if self.is_quiesce() => {
                write!(f, "{what} by task {}: {why}; {STILL_QUIESCED}", self.entry.task.0)
            }
            Err(why) => write!(f, "{what} by task {}: {why}", self.entry.task.0),
        }
    }
}

/// How a row is closed when a person strikes it out.
const FORGOTTEN: &str = "struck out by a person; the device was not asked";

/// Closes the rows of a device that dead runs left, without asking the device: it is gone for
/// good, or somebody has seen to it.
pub fn forget(engine: Engine<'_>, record: &mut Record<'_>, device: &str) -> Result<Vec<Mended>, RunError> {
    let mut forgotten = Vec::new();
    for entry in entries_of_the_dead(engine, record)? {
        if entry.device == device {
            record.close_undo(entry.id, FORGOTTEN)?;
            let outcome = told(record, &entry, FORGOTTEN).map(Ok)?;
            forgotten.push(Mended { entry, outcome });
        }
    }
    Ok(forgotten)
}

/// Undoes what dead runs left on the devices for which `concerns` holds, and ends every
/// execution of a dead run in history.
pub fn recover(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    concerns: &dyn Fn(&str) -> bool,
) -> Result<Recovered, RunError> {
    let mut recovered = Recovered::default();
    match recover_into(engine, record, concerns, &mut recovered) {
        Ok(()) => Ok(recovered),
        Err(error) => Err(error.after(recovered.still_quiesced())),
    }
}

fn recover_into(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    concerns: &dyn Fn(&str) -> bool,
    recovered: &mut Recovered,
) -> Result<(), RunError> {
    let mut left_alone = Vec::new();
    let mut by_device: BTreeMap<String, Vec<JournalEntry>> = BTreeMap::new();
    for entry in entries_of_the_dead(engine, record)? {
        if concerns(&entry.device) {
            by_device.entry(entry.device.clone()).or_default().push(entry);
        } else {
            left_alone.push(entry);
        }
    }
    for (name, entries) in by_device {
        mend_device(engine, record, &name, &entries, &mut recovered.mended)?;
    }
    for plan in record.ledger().unfinished_plans()? {
        if engine.locks.is_alive(&plan.process)? {
            continue;
        }
        let mended = recovered
            .mended
            .iter()
            .map(|mended| (&mended.entry, mended.to_string()));
        let left_alone = left_alone.iter().map(|entry| {
            let mended = Mended {
                entry: entry.clone(),
                outcome: Err("not looked at by this run".to_owned()),
            };
            (entry, mended.to_string())
        });
        let done: Vec<String> = mended
            .chain(left_alone)
            .filter(|(entry, _)| entry.plan == plan.id)
            .map(|(_, words)| words)
            .collect();
        let done = if done.is_empty() {
            "nothing had to be undone".to_owned()
        } else {
            done.join("; ")
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
    Ok(())
}

fn entries_of_the_dead(engine: Engine<'_>, record: &mut Record<'_>) -> Result<Vec<JournalEntry>, RunError> {
    let mut entries = Vec::new();
    for entry in record.ledger().open_undos()? {
        if !engine.locks.is_alive(&entry.process)? {
            entries.push(entry);
        }
    }
    Ok(entries)
}

fn mend_device(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    name: &str,
    entries: &[JournalEntry],
    mended: &mut Vec<Mended>,
) -> Result<(), RunError> {
    let Some(device) = engine.file.device(name) else {
        let why = format!(
            "the plan file {} has no device {name} any more; add it again, and run {}",
            engine.file.path.display(),
            engine.file.invocation.command(["recover"])
        );
        return refuse(record, entries, &why, mended);
    };
    let limit = engine.file.settings.unquiesce_timeout + engine.file.settings.quiesce_grace;
    let lock_name = contact::lock_name(device);
    let asked = engine.locks.wait(
        &lock_name,
        "recovery",
        limit,
        engine.clock,
        engine.stop,
        &mut |holder, waited| {
            let holder = holder.map_or_else(|| "another run".to_owned(), ToString::to_string);
            let what = format!("device lock held by {holder}");
            record.show(&Progress::Waiting {
                device: name.to_owned(),
                what,
                waited,
                limit,
            });
        },
    )?;
    record.show(&Progress::WaitEnded);
    let _lock = match asked {
        Asked::Held(lock) => lock,
        Asked::Busy(holder) => {
            let holder = holder.map_or_else(|| "another run".to_owned(), |holder| holder.to_string());
            return refuse(
                record,
                entries,
                &format!("the device is held by {holder}"),
                mended,
            );
        }
    };
    mend_held_device(engine, record, device, &[], mended)
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
) -> Result<(), RunError> {
    let mut entries = entries_of_the_dead(engine, record)?;
    entries.retain(|entry| entry.device == device.name && !tried.contains(&entry.id));
    if entries.is_empty() {
        return Ok(());
    }
    let gateway = match shielded(engine, device) {
        Ok(gateway) => gateway,
        Err(failure) => return refuse(record, &entries, &failure.message, mended),
    };
    // A device whose login is refused must be asked once, not once for each row.
    if let Err(error) = gateway.domains() {
        return refuse(record, &entries, &words(&error), mended);
    }
    for entry in entries {
        let outcome = mend(engine, record, &gateway, &entry);
        let outcome = outcome.map_err(|error| error.after(Recovered::leaves_quiesced(mended)))?;
        mended.push(Mended { entry, outcome });
    }
    Ok(())
}

/// Tells that these rows stay open.
fn refuse(
    record: &mut Record<'_>,
    entries: &[JournalEntry],
    why: &str,
    mended: &mut Vec<Mended>,
) -> Result<(), RunError> {
    let from = mended.len();
    mended.extend(entries.iter().map(|entry| Mended {
        entry: entry.clone(),
        outcome: Err(why.to_owned()),
    }));
    for mended in mended.iter().skip(from).filter(|mended| mended.is_quiesce()) {
        let entry = &mended.entry;
        let told = record.tell(&Event::StillQuiesced {
            task: entry.task,
            device: entry.device.clone(),
            domain: entry.undo.domain().to_owned(),
            error: why.to_owned(),
        });
        told.map_err(|error| RunError::from(error).after(true))?;
    }
    Ok(())
}

fn shielded<'a>(engine: Engine<'a>, device: &Device) -> Result<Gateway<'a>, Failure> {
    let gateway = contact::gateway(engine, device)?;
    gateway
        .shielded()
        .map_err(|error| Failure::new(crate::run::status::Status::DeviceError, words(&error)))
}

fn mend(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    gateway: &Gateway<'_>,
    entry: &JournalEntry,
) -> Result<Result<String, String>, RunError> {
    let settle = settle(engine, entry);
    let scope = match &entry.undo {
        Undo::UnquiesceDevice => Scope::Device,
        Undo::UnquiesceDomain(domain) => Scope::Domain(domain.clone()),
        Undo::RemoveFolder(url) => {
            let patience = gateway.timeouts().request;
            let folder = RemoteFolder::at(url);
            let removed = remove_folder(
                gateway,
                entry.id,
                &folder,
                patience,
                settle,
                &entry.device,
                record,
            )?;
            return match removed {
                Ok(removed) => told(record, entry, removed.how()).map(Ok),
                Err(error) => Ok(Err(words(&error))),
            };
        }
    };
    let open = OpenQuiesce {
        journal: entry.id,
        task: entry.task,
        device: &entry.device,
        scope: &scope,
        settle,
    };
    let (undone, recorded) = open.undo(Ok(gateway), &engine.file.settings, record);
    match undone {
        Undone::Confirmed(how) => {
            recorded?;
            told(record, entry, how).map(Ok)
        }
        Undone::Not(why) => {
            recorded.map_err(|error| RunError::from(error).after(true))?;
            Ok(Err(why))
        }
    }
}

/// Tells that a row was mended.
fn told(record: &mut Record<'_>, entry: &JournalEntry, how: &str) -> Result<String, RunError> {
    record.tell(&Event::Recovered {
        task: entry.task,
        device: entry.device.clone(),
        undo: entry.undo.clone(),
        how: how.to_owned(),
    })?;
    Ok(how.to_owned())
}

/// How long what a dead run has sent may still be on its way: sending it took no longer
/// than a request may, and being carried out takes no longer than that again.
fn settle(engine: Engine<'_>, entry: &JournalEntry) -> Duration {
    let age = engine.clock.now().duration_since(entry.opened);
    let age = Duration::try_from(age).unwrap_or_default();
    (engine.file.settings.timeouts.request * 2).saturating_sub(age)
}
