//! The quiesces that this run could not undo, looked at once more before anybody is told how it ended: a gateway that was
//! away for some minutes may be there again.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::quiesce::FirstWord;
use crate::plan::model::Device;
use crate::run::Engine;
use crate::run::client;
use crate::run::event::{Certainty, Progress};
use crate::run::held::{LockFor, LockOutcome, LockWait};
use crate::run::ledger::{JournalEntry, LedgerError};
use crate::run::record::Record;
use crate::run::recover::age::quiesce_sent;
use crate::run::recover::told::tell_recovered;
use crate::run::undo::{OpenQuiesce, Undone, scope_of};

/// Looks at each device that was away to the end when something of this process was to be undone there, once and as
/// briefly as may be, and undoes it where that answers now. What came back is told and closed, and given in a sentence
/// each; of what did not nothing is told a second time. A device that had answered was told as long as may be; one that
/// refused the login is not asked again.
pub(super) fn look_again(engine: Engine<'_>, record: &mut Record<'_>) -> Result<Vec<String>, LedgerError> {
    let mut back = Vec::new();
    let away = record.left_while_away();
    // Whoever asks to stop waits for no device that was given up.
    if engine.stop.is_requested() || away.is_empty() {
        return Ok(back);
    }
    // Where the journal cannot be read, the look behind this one says so.
    let Ok(rows) = record.ledger().open_undos() else {
        return Ok(back);
    };
    let mut by_device: BTreeMap<String, Vec<JournalEntry>> = BTreeMap::new();
    for row in rows {
        if away.contains(&row.id) {
            by_device.entry(row.device.clone()).or_default().push(row);
        }
    }
    for (name, rows) in by_device {
        if let Some(device) = engine.file.device(&name) {
            look_at(engine, record, device, &rows, &mut back)?;
        }
    }
    Ok(back)
}

fn look_at(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    device: &Device,
    rows: &[JournalEntry],
    back: &mut Vec<String>,
) -> Result<(), LedgerError> {
    let wait = LockWait::of(engine, "the end of a run", Duration::ZERO);
    // Whoever has the device now, and whatever is wrong with its lock or its login: `recover` looks.
    let Ok(LockOutcome::Held(_lock)) = wait.take(LockFor::Device(device), &mut |_progress| {}) else {
        return Ok(());
    };
    let Ok(gateway) = client::shielded(engine, device) else {
        return Ok(());
    };
    for row in rows {
        let Some(scope) = scope_of(&row.undo) else {
            continue;
        };
        if let Some(peer) = row.peer_at(&device.address()) {
            gateway.go_to(peer, row.serial.as_deref());
        }
        // One that does not answer is asked for no other row.
        if !answers(record, device, &gateway) {
            return Ok(());
        }
        let open = OpenQuiesce::of_row(row, &scope, quiesce_sent(engine, row), FirstWord::Look);
        let (undone, noted) = open.bring_back(Ok(&gateway), &engine.file.settings, record);
        let caught_up = record.take_time();
        match undone {
            Undone::Confirmed { how, .. } => {
                let how = format!("confirmed back at the end of the run: {how}");
                record.close_undo(row.id, &how)?;
                tell_recovered(record, row, &how)?;
                back.push(format!("{}, {}: {how}", row.device, row.undo.domain()));
            }
            // That is more than was told.
            Undone::Not(why) => open.still_quiesced(Certainty::Seen, &why, record)?,
            Undone::NotKnown(_) => {}
        }
        caught_up?;
        noted?;
    }
    Ok(())
}

/// Whether a device answers at once.
fn answers(record: &mut Record<'_>, device: &Device, gateway: &Gateway<'_>) -> bool {
    record.show(&Progress::Asking {
        waiting_for: device.name.clone(),
        asked: 0,
        of: 1,
    });
    let looked = gateway.domains_within(gateway.before_an_unquiesce());
    record.show(&Progress::AskingEnded);
    looked.is_ok()
}
