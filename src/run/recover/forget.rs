//! What a person strikes out of the journal.

use crate::run::Engine;
use crate::run::error::{RunError, RunTrouble};
use crate::run::left;
use crate::run::record::Record;
use crate::run::recover::rows::rows_of_others;
use crate::run::recover::told::{Mended, told};
use crate::values::internal_error::caught;

/// How a row is closed when a person strikes it out.
const FORGOTTEN: &str = "struck out by a person; the device was not asked";

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
