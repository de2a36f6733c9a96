//! Mends what runs that died have left: devices still quiesced, folders on devices,
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
use crate::run::event::{Certainty, Event, TaskId, Undo};
use crate::run::ledger::{DeathWords, JournalEntry, LedgerError, UnfinishedPlan};
use crate::run::left;
use crate::run::record::Record;
use crate::run::recover::age::stands;
use crate::run::recover::device::{keep_all_open, keep_first, keep_open, mend_device};
use crate::run::recover::rows::mended_without_device;
use crate::run::recover::told::{AbandonedPlan, Mended, Mending, Recovered};
use crate::values::internal_error::caught;

/// Undoes what dead runs left on devices, ends their executions in history, and looks at what is
/// left of the devices after that.
pub fn recover(engine: Engine<'_>, record: &mut Record<'_>) -> Result<Recovered, RunError> {
    let mended = caught(|| mend(engine, record)).unwrap_or_else(|error| Err(error.into()));
    let left = left::look(engine, record);
    match mended {
        Ok(done) => Ok(Recovered { done, left }),
        Err(trouble) => Err(RunError::new(trouble, left, None, &engine.file.invocation)),
    }
}

/// Undoes what dead runs left on devices, and ends their executions in history.
pub fn mend(engine: Engine<'_>, record: &mut Record<'_>) -> Result<Mending, RunTrouble> {
    let mut recovered = Mending::default();
    let mut by_device: BTreeMap<String, Vec<JournalEntry>> = BTreeMap::new();
    // What cannot be written down does not keep what is on devices from being undone: the first trouble is told
    // when that is done.
    let mut trouble = None;
    let (dead, unclear) = mended_without_device(engine, record)?;
    for entry in dead.iter().chain(unclear.iter().map(|(entry, _)| entry)) {
        stands(engine, record, entry);
    }
    for entry in dead {
        // The device cannot tell how far it came: a person compares.
        if let Undo::Import { .. } = entry.undo
            && let Some(why) = left::half_done(&entry, &engine.file.invocation)
        {
            let told = keep_all_open(engine, record, &[entry], &why, &mut recovered.mended);
            keep_first(told, &mut trouble);
            continue;
        }
        if let Some(why) = unreliable(engine, &entry) {
            let told = keep_open(
                engine,
                record,
                entry,
                Certainty::NotKnown,
                &why,
                &mut recovered.mended,
            );
            keep_first(told, &mut trouble);
            continue;
        }
        by_device.entry(entry.device.clone()).or_default().push(entry);
    }
    for (name, entries) in by_device {
        let mended = &mut recovered.mended;
        match caught(|| mend_device(engine, record, &name, &entries, mended)) {
            Ok(outcome) => keep_first(outcome, &mut trouble),
            // A mistake of ours at one device does not keep others from being mended.
            Err(error) => {
                record.met_internal_error();
                let is_left = |row: &&JournalEntry| !mended.iter().any(|mended| mended.entry.id == row.id);
                let rest: Vec<JournalEntry> = entries.iter().filter(is_left).cloned().collect();
                let told = keep_all_open(engine, record, &rest, &error.to_string(), mended);
                keep_first(told, &mut trouble);
            }
        }
    }
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    for (entry, why) in unclear {
        keep_all_open(engine, record, &[entry], &why, &mut recovered.mended)?;
    }
    for plan in record.ledger().unfinished_plans()? {
        if plan.process == engine.process {
            continue;
        }
        let ended = UnrecordedEnd::said(engine.locks, &plan.process);
        match (engine.locks.life(&plan.process), ended) {
            (Life::Alive, _) => continue,
            (Life::Dead, _) | (Life::NotKnown(_), Some(_)) => {}
            (Life::NotKnown(why), None) => {
                recovered.not_known.push((plan, why));
                continue;
            }
        }
        let how = ended.map_or_else(
            || "its process is gone, and has recorded no end".to_owned(),
            |ended| ended.to_string(),
        );
        let death = death_of(record, &plan, &recovered, &how)?;
        record.ledger().abandon(engine.clock.now(), plan.id, &death)?;
        let (execution, name, error) = (plan.id, plan.plan.clone(), death.plan);
        record.tell(&Event::PlanAbandoned {
            plan: execution,
            name,
            error,
        })?;
        recovered.abandoned.push(AbandonedPlan { plan, how });
    }
    // Several executions may be of one process.
    for abandoned in &recovered.abandoned {
        UnrecordedEnd::forget(engine.locks, &abandoned.plan.process);
    }
    engine.locks.forget_the_dead();
    Ok(recovered)
}

/// Why nothing is undone by a row that cannot be relied on, and what a person does: it may name another
/// domain, or device, than the one that is quiesced.
fn unreliable(engine: Engine<'_>, entry: &JournalEntry) -> Option<String> {
    let Undo::NotKnown { why } = &entry.undo else {
        return None;
    };
    let forget = engine
        .file
        .invocation
        .command(["recover", "--forget", &entry.device]);
    Some(format!(
        "its row in the journal cannot be relied on: {why}; nothing was undone by it: look at every device and domain \
         that is named, unquiesce what is quiesced there and should not be, and run `{forget}`"
    ))
}

/// What was undone of an execution whose process died in this way, by whichever command, and what could not be: each
/// at the task that has left it. The journal tells: a recovery before this one may have died as well, when it had
/// undone a part.
fn death_of(
    record: &mut Record<'_>,
    plan: &UnfinishedPlan,
    recovered: &Mending,
    how: &str,
) -> Result<DeathWords, LedgerError> {
    let undone = record.ledger().undone_by_others()?.into_iter().map(Mended::from);
    let open = recovered.mended.iter().filter(|mended| mended.outcome.is_err());
    let rows = undone.chain(open.cloned());
    let mut rows: Vec<(TaskId, String)> = rows
        .filter(|mended| mended.entry.plan == plan.id)
        .map(|mended| (mended.entry.task, mended.to_string()))
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
