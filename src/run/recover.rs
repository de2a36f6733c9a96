//! Puts right what runs that died have left: devices still quiesced, folders on devices,
//! executions without an end.
//!
//! A run is dead when the kernel lock of its process is free and the process is not there.

pub(in crate::run) mod age;
pub(in crate::run) mod device;
pub mod forget;
pub(in crate::run) mod rows;
pub mod told;

use std::collections::{BTreeMap, BTreeSet};

use crate::lock::Life;
use crate::lock::ended::UnrecordedEnd;
use crate::run::Engine;
use crate::run::error::{RunError, RunTrouble};
use crate::run::event::{Event, Progress, TaskId, Undo, UndoStage};
use crate::run::half_done::half_done;
use crate::run::ledger::{DeathWords, JournalEntry, LedgerError, UnfinishedPlan};
use crate::run::left;
use crate::run::record::Record;
use crate::run::recover::age::stands;
use crate::run::recover::device::{keep_all_open, keep_first, recover_device};
use crate::run::recover::rows::rows_for_devices;
use crate::run::recover::told::{AbandonedPlan, Recovered, RecoveredRow, RecoveryDone};
use crate::values::internal_error::caught;

/// Undoes what dead runs left on devices, ends their executions in history, and looks at what is
/// left of the devices after that.
pub fn recover(engine: Engine<'_>, record: &mut Record<'_>) -> Result<Recovered, RunError> {
    let mut done = RecoveryDone::default();
    let ended = caught(|| recover_into(engine, record, &mut done)).unwrap_or_else(|error| Err(error.into()));
    let left = left::look(engine, record);
    match ended {
        Ok(()) => Ok(Recovered { done, left }),
        Err(trouble) => Err(RunError::new(trouble, left, None, &engine.file.invocation).after(done)),
    }
}

/// Undoes what dead runs left on devices, and ends their executions in history.
pub fn recover_first(engine: Engine<'_>, record: &mut Record<'_>) -> Result<RecoveryDone, RunTrouble> {
    let mut recovery = RecoveryDone::default();
    recover_into(engine, record, &mut recovery)?;
    Ok(recovery)
}

/// The same, which is known also where it breaks off.
fn recover_into(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    recovery: &mut RecoveryDone,
) -> Result<(), RunTrouble> {
    let (dead, unclear) = rows_for_devices(engine, record)?;
    for entry in dead.iter().chain(unclear.iter().map(|(entry, _)| entry)) {
        stands(engine, record, entry);
    }
    // What cannot be written down does not keep what is on devices from being undone: the first trouble is told
    // when that is done.
    let mut trouble = None;
    let recovered = &mut recovery.rows;
    let by_device = told_without_device(engine, record, dead, recovered, &mut trouble);
    recover_devices(engine, record, &by_device, recovered, &mut trouble);
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    for (entry, why) in unclear {
        keep_all_open(engine, record, &[entry], &why, recovered)?;
    }
    end_executions(engine, record, recovery)?;
    engine.locks.forget_the_dead();
    Ok(())
}

/// Tells of the rows by which no device can be asked, and gives the others, each under its device.
fn told_without_device(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    dead: Vec<JournalEntry>,
    recovered: &mut Vec<RecoveredRow>,
    trouble: &mut Option<RunTrouble>,
) -> BTreeMap<String, Vec<JournalEntry>> {
    let mut by_device: BTreeMap<String, Vec<JournalEntry>> = BTreeMap::new();
    for entry in dead {
        let why = match &entry.undo {
            // The device cannot tell how far it came: a person compares.
            Undo::Import { .. } => half_done(&entry, &engine.file.invocation),
            Undo::NotKnown { why } => Some(unreliable(engine, &entry.device, why)),
            _ => None,
        };
        match why {
            Some(why) => keep_first(keep_all_open(engine, record, &[entry], &why, recovered), trouble),
            None => by_device.entry(entry.device.clone()).or_default().push(entry),
        }
    }
    by_device
}

/// Asks each device. A mistake of ours at one of them does not keep others from being recovered.
fn recover_devices(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    by_device: &BTreeMap<String, Vec<JournalEntry>>,
    recovered: &mut Vec<RecoveredRow>,
    trouble: &mut Option<RunTrouble>,
) {
    let quiesces = || by_device.values().flatten().filter(|entry| entry.is_quiesce());
    // From now on the disk of the journal has a limit, also before the first device is asked; who else holds the
    // journal is waited for as ever.
    if quiesces().next().is_some() {
        record.hurry();
        keep_first(record.take_time(), trouble);
    }
    // A signal ends none of it, also before a device has been asked.
    for entry in quiesces() {
        record.show(&Progress::UndoDue {
            journal: entry.id,
            device: entry.device.clone(),
            undo: entry.undo.clone(),
            stage: UndoStage::Looking,
        });
    }
    for (name, entries) in by_device {
        match caught(|| recover_device(engine, record, name, entries, recovered)) {
            Ok(outcome) => keep_first(outcome, trouble),
            Err(error) => {
                record.met_internal_error();
                let is_left =
                    |row: &&JournalEntry| !recovered.iter().any(|recovered| recovered.entry.id == row.id);
                let rest: Vec<JournalEntry> = entries.iter().filter(is_left).cloned().collect();
                let told = keep_all_open(engine, record, &rest, &error.to_string(), recovered);
                keep_first(told, trouble);
            }
        }
        // What could not be put back stays in the journal: nothing more is done about it.
        for entry in entries.iter().filter(|entry| entry.is_quiesce()) {
            record.show(&Progress::UndoOver { journal: entry.id });
        }
    }
}

/// Ends the executions in history whose processes are dead, with what was undone of each.
fn end_executions(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    recovery: &mut RecoveryDone,
) -> Result<(), LedgerError> {
    for plan in record.ledger().unfinished_plans()? {
        if plan.process == engine.process {
            continue;
        }
        match end_of_process(engine, &plan.process) {
            ProcessEnd::None => {}
            ProcessEnd::NotKnown(why) => recovery.not_known.push((plan, why)),
            ProcessEnd::Dead(how) => {
                let death = death_of(record, &plan, recovery, &how)?;
                record.ledger().abandon(engine.clock.now(), plan.id, &death)?;
                record.tell(&Event::PlanAbandoned {
                    plan: plan.id,
                    name: plan.plan.clone(),
                    error: death.plan,
                })?;
                recovery.abandoned.push(AbandonedPlan { plan, how });
            }
        }
    }
    // Several executions may be of one process.
    for abandoned in &recovery.abandoned {
        UnrecordedEnd::forget(engine.locks, &abandoned.plan.process);
    }
    Ok(())
}

/// How a process has ended that has recorded no end of its execution.
enum ProcessEnd {
    /// It is at work.
    None,
    /// It is dead, and this is known of its end.
    Dead(String),
    /// Nobody can tell whether it is, and why.
    NotKnown(String),
}

fn end_of_process(engine: Engine<'_>, process: &str) -> ProcessEnd {
    let ended = UnrecordedEnd::said(engine.locks, process);
    match (engine.locks.life(process), ended) {
        (Life::Alive, _) => ProcessEnd::None,
        (Life::Dead | Life::NotKnown(_), Some(ended)) => ProcessEnd::Dead(ended.to_string()),
        (Life::Dead, None) => ProcessEnd::Dead("its process is gone, and has recorded no end".to_owned()),
        (Life::NotKnown(why), None) => ProcessEnd::NotKnown(why),
    }
}

/// Why nothing is undone by a row that cannot be relied on, and what a person does: it may name another
/// domain, or device, than the one that is quiesced.
fn unreliable(engine: Engine<'_>, device: &str, why: &str) -> String {
    let forget = engine.file.invocation.command(["recover", "--forget", device]);
    format!(
        "its row in the journal cannot be relied on: {why}; nothing was undone by it: look at every device and domain \
         that is named, unquiesce what is quiesced there and should not be, and run `{forget}`"
    )
}

/// What was undone of an execution whose process died in this way, by whichever command, and what could not be: each
/// at the task that has left it. The journal tells: a recovery before this one may have died as well, when it had
/// undone a part.
fn death_of(
    record: &mut Record<'_>,
    plan: &UnfinishedPlan,
    recovery: &RecoveryDone,
    how: &str,
) -> Result<DeathWords, LedgerError> {
    let undone = record
        .ledger()
        .undone_by_others()?
        .into_iter()
        .map(RecoveredRow::from);
    let open = recovery
        .rows
        .iter()
        .filter(|recovered| recovered.outcome.is_err());
    let rows = undone.chain(open.cloned());
    let mut rows: Vec<(TaskId, String)> = rows
        .filter(|recovered| recovered.entry.plan == plan.id)
        .map(|recovered| (recovered.entry.task, recovered.to_string()))
        .collect();
    rows.extend(plan.ended_imports.iter().map(|(task, status)| {
        (
            *task,
            format!("the import of task {} had ended before: {status}", task.0),
        )
    }));
    let told = |rows: &[&str], otherwise: &str| match rows.is_empty() {
        true => format!("{how}; {otherwise}"),
        false => format!("{how}; {}", rows.join("; ")),
    };
    let of = |task: TaskId| -> Vec<&str> {
        let own = rows.iter().filter(|(own, _)| *own == task);
        own.map(|(_, words)| words.as_str()).collect()
    };
    let all: Vec<&str> = rows.iter().map(|(_, words)| words.as_str()).collect();
    let tasks: BTreeSet<TaskId> = rows.iter().map(|(task, _)| *task).collect();
    let nothing = "nothing had to be undone";
    Ok(DeathWords {
        plan: told(&all, nothing),
        tasks: tasks
            .into_iter()
            .map(|task| (task, told(&of(task), nothing)))
            .collect(),
        others: told(&[], nothing),
    })
}
