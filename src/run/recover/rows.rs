//! Whose the open rows of the journal are.

use crate::lock::Life;
use crate::lock::not_yet::NotYet;
use crate::plan::model::Device;
use crate::run::Engine;
use crate::run::event::Undo;
use crate::run::ledger::{JournalEntry, LedgerError, NEVER_ASKED};
use crate::run::left::life_of;
use crate::run::record::Record;
use crate::run::row_device::MetDevice;

/// A run that is at work on this device, though its lock is ours: somebody has removed the
/// locks while it runs.
pub(in crate::run) fn other_at_work(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    device: &Device,
) -> Result<Option<String>, LedgerError> {
    let rows = record.ledger().open_undos()?;
    let met = MetDevice {
        name: &device.name,
        address: Some(device.address()),
        // It is asked for only when nobody else is at work on it.
        serial: None,
    };
    let other = rows.into_iter().find(|row| {
        met.may_be_of(row) && row.process != engine.process && engine.locks.life(&row.process) == Life::Alive
    });
    Ok(other.map(|row| {
        format!(
            "{}: another run is at work on it, {row}, though the lock of {} is free: was its address changed, or the \
             folder of locks removed?",
            device.name,
            device.address()
        )
    }))
}

/// A row, and why it cannot be told whether its process is dead.
pub(super) type Unclear = (JournalEntry, String);

/// Whether what this row of a dead process is about was never asked of the device, by the word that the process
/// has left.
fn was_never_asked(engine: Engine<'_>, entry: &JournalEntry) -> bool {
    let may_be_early = matches!(entry.undo, Undo::RemoveFolder(_)) && entry.reply.is_none() && !entry.seen;
    may_be_early && NotYet::is_said(engine.locks, &entry.process, entry.id.0)
}

/// The open rows of processes that are dead, as far as a device has to be asked about them: the others are
/// closed; and those of which it cannot be told whether the process is.
pub(super) fn rows_for_devices(
    engine: Engine<'_>,
    record: &mut Record<'_>,
) -> Result<(Vec<JournalEntry>, Vec<Unclear>), LedgerError> {
    let (dead, unclear) = rows_of_others(engine, record)?;
    let (early, dead) = dead
        .into_iter()
        .partition::<Vec<_>, _>(|entry| was_never_asked(engine, entry));
    for entry in early {
        record.close_undo(entry.id, NEVER_ASKED)?;
    }
    Ok((dead, unclear))
}

/// The open rows of processes that are dead, and those of which that cannot be told.
pub(super) fn rows_of_others(
    engine: Engine<'_>,
    record: &mut Record<'_>,
) -> Result<(Vec<JournalEntry>, Vec<Unclear>), LedgerError> {
    let (mut dead, mut unclear) = (Vec::new(), Vec::new());
    for entry in record.ledger().open_undos()? {
        if entry.process == engine.process {
            continue;
        }
        match life_of(engine.locks, &entry) {
            Life::Alive => {}
            Life::Dead => dead.push(entry),
            Life::NotKnown(why) => unclear.push((entry, why)),
        }
    }
    Ok((dead, unclear))
}
