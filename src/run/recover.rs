//! Mends what runs that died have left: devices still quiesced, folders on devices,
//! executions without an end.
//!
//! A run is dead when the kernel lock of its process is free; no process id is guessed.

use std::collections::BTreeMap;

use crate::gateway::Gateway;
use crate::gateway::backup::RemoteFolder;
use crate::gateway::quiesce::Scope;
use crate::lock::Asked;
use crate::plan::model::Device;
use crate::run::Engine;
use crate::run::contact;
use crate::run::event::{Event, JournalEntry, Progress, Undo, UnfinishedPlan};
use crate::run::failure::{Failure, words};
use crate::run::guard::{OpenQuiesce, Undone, remove_folder};
use crate::run::record::Record;
use crate::run::sequence::RunError;
use crate::run::task::STILL_QUIESCED;

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
        self.mended
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
        let abandoned = self.abandoned.iter().map(|plan| {
            format!(
                "execution {} of plan {} was abandoned: its process died",
                plan.id.0, plan.plan
            )
        });
        mended.chain(abandoned).collect()
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

/// Undoes what dead runs left on the devices for which `concerns` holds, and ends every
/// execution of a dead run in history.
pub fn recover(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    concerns: &dyn Fn(&str) -> bool,
) -> Result<Recovered, RunError> {
    let mut recovered = Recovered::default();
    let entries = record.ledger().open_undos()?;
    let mut by_device: BTreeMap<String, Vec<JournalEntry>> = BTreeMap::new();
    for entry in entries {
        if concerns(&entry.device) && !engine.locks.is_alive(&entry.process)? {
            by_device.entry(entry.device.clone()).or_default().push(entry);
        }
    }
    for (name, entries) in by_device {
        recovered
            .mended
            .extend(mend_device(engine, record, &name, entries)?);
    }
    for plan in record.ledger().unfinished_plans()? {
        if engine.locks.is_alive(&plan.process)? {
            continue;
        }
        let done: Vec<String> = recovered
            .mended
            .iter()
            .filter(|mended| plan.tasks.contains(&mended.entry.task))
            .map(ToString::to_string)
            .collect();
        let done = if done.is_empty() {
            "nothing had to be undone".to_owned()
        } else {
            done.join("; ")
        };
        let error = format!("the process died before the end; {done}");
        record.ledger().abandon(engine.clock.now(), plan.id, &error)?;
        recovered.abandoned.push(plan);
    }
    Ok(recovered)
}

fn mend_device(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    name: &str,
    entries: Vec<JournalEntry>,
) -> Result<Vec<Mended>, RunError> {
    let refuse = |why: String| {
        let all = entries.iter().map(|entry| Mended {
            entry: entry.clone(),
            outcome: Err(why.clone()),
        });
        all.collect::<Vec<_>>()
    };
    let Some(device) = engine.file.device(name) else {
        return Ok(refuse(format!(
            "the plan file {} has no device {name} any more",
            engine.file.path.display()
        )));
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
            return Ok(refuse(format!("the device is held by {holder}")));
        }
    };
    let gateway = match shielded(engine, device) {
        Ok(gateway) => gateway,
        Err(failure) => return Ok(refuse(failure.message)),
    };
    // A device whose login is refused must be asked once, not once for each row.
    if let Err(error) = gateway.domains() {
        let why = words(&error);
        for entry in entries
            .iter()
            .filter(|entry| !matches!(entry.undo, Undo::RemoveFolder(_)))
        {
            record.tell(&Event::StillQuiesced {
                task: entry.task,
                device: name.to_owned(),
                domain: entry.undo.domain().to_owned(),
                error: why.clone(),
            })?;
        }
        return Ok(refuse(why));
    }
    let mut mended = Vec::new();
    for entry in entries {
        let outcome = mend(engine, record, &gateway, &entry)?;
        if let Ok(how) = &outcome {
            let (device, undo, how) = (entry.device.clone(), entry.undo.clone(), how.clone());
            record.tell(&Event::Recovered {
                task: entry.task,
                device,
                undo,
                how,
            })?;
        }
        mended.push(Mended { entry, outcome });
    }
    Ok(mended)
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
    let scope = match &entry.undo {
        Undo::UnquiesceDevice => Scope::Device,
        Undo::UnquiesceDomain(domain) => Scope::Domain(domain.clone()),
        Undo::RemoveFolder(url) => {
            let removed = remove_folder(gateway, entry.id, &RemoteFolder::at(url), record)?;
            return Ok(removed
                .map(|()| "removed and confirmed".to_owned())
                .map_err(|error| words(&error)));
        }
    };
    let open = OpenQuiesce {
        journal: entry.id,
        task: entry.task,
        device: &entry.device,
        scope: &scope,
    };
    let (undone, recorded) = open.undo(Ok(gateway), &engine.file.settings, record);
    recorded?;
    Ok(match undone {
        Undone::Confirmed(how) => Ok(how.to_owned()),
        Undone::Not(why) => Err(why),
    })
}
