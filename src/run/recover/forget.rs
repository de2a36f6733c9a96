//! What a person strikes out of the journal.

use crate::run::Engine;
use crate::run::error::{RunError, RunTrouble};
use crate::run::event::{Owner, Undo};
use crate::run::ledger::JournalEntry;
use crate::run::left;
use crate::run::record::Record;
use crate::run::recover::rows::rows_of_others;
use crate::run::recover::told::{RecoveredRow, RecoveryDone};
use crate::values::internal_error::caught;

/// How a row is closed when a person strikes it out.
pub const FORGOTTEN: &str = "struck out by a person; the device was not asked";

/// What a person has seen to. Whoever has compared a domain after an import has not looked for what is quiesced
/// besides, and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten<'f> {
    /// What is to be undone on this device: quiesces, folders, and rows that cannot be relied on.
    Device(&'f str),
    /// Imports into this domain of it, and dry runs of such.
    Imports { device: &'f str, domain: &'f str },
}

impl<'f> Forgotten<'f> {
    /// Reads `DEVICE` or `DEVICE/DOMAIN`; names of devices have no slash.
    pub fn named(text: &'f str) -> Self {
        match text.split_once('/') {
            // A slash too many.
            Some((device, "")) => Self::Device(device),
            Some((device, domain)) => Self::Imports { device, domain },
            None => Self::Device(text),
        }
    }

    /// The device.
    pub fn device(self) -> &'f str {
        match self {
            Self::Device(device) | Self::Imports { device, .. } => device,
        }
    }

    fn includes(self, entry: &JournalEntry) -> bool {
        let of_this = match (&entry.undo, self) {
            (
                Undo::Import { domain: of, .. } | Undo::DryRun { domain: of, .. },
                Self::Imports { domain, .. },
            ) => of == domain,
            (Undo::Import { .. } | Undo::DryRun { .. }, Self::Device(_)) => false,
            (
                Undo::UnquiesceDevice
                | Undo::UnquiesceDomain(_)
                | Undo::RemoveFolder(_)
                | Undo::NotKnown { .. },
                forgotten,
            ) => matches!(forgotten, Self::Device(_)),
        };
        of_this && entry.device == self.device()
    }
}

/// Closes rows that dead runs left, without asking the device: it is gone for good, or somebody has seen to it.
pub fn forget(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    what: Forgotten<'_>,
) -> Result<Vec<RecoveredRow>, RunError> {
    let mut done = RecoveryDone::default();
    let forgotten = caught(|| forget_rows(engine, record, what, &mut done.rows));
    match forgotten.unwrap_or_else(|error| Err(error.into())) {
        Ok(()) => Ok(done.rows),
        Err(trouble) => {
            let left = left::look(engine, record);
            Err(RunError::new(trouble, left, None, &engine.file.invocation).after(done))
        }
    }
}

fn forget_rows(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    what: Forgotten<'_>,
    forgotten: &mut Vec<RecoveredRow>,
) -> Result<(), RunTrouble> {
    let (dead, unclear) = rows_of_others(engine, record)?;
    let rows = dead
        .into_iter()
        .chain(unclear.into_iter().map(|(entry, _)| entry));
    for entry in rows.filter(|entry| what.includes(entry)) {
        record.close_undo(entry.id, FORGOTTEN)?;
        // Nobody is told that it is back: it is noted, and no more.
        let noted = format!("device {}, {}: {FORGOTTEN}", entry.device, entry.undo.domain());
        record.note(Owner::Task(entry.task), noted)?;
        let outcome = Ok(FORGOTTEN.to_owned());
        forgotten.push(RecoveredRow { entry, outcome });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fixture::row;

    #[test]
    fn who_has_compared_a_domain_has_not_looked_for_what_is_quiesced_nor_the_other_way_round() {
        let domain = || "DOM1".to_owned();
        let device = [
            Undo::UnquiesceDevice,
            Undo::UnquiesceDomain(domain()),
            Undo::RemoveFolder("temporary:///a".to_owned()),
            Undo::NotKnown {
                why: "damaged".to_owned(),
            },
        ];
        let import = Undo::Import {
            domain: domain(),
            before: None,
        };
        let included = |named: &str, undo: &Undo| Forgotten::named(named).includes(&row(undo.clone()));
        for undo in &device {
            assert!(included("QA1", undo) && included("QA1/", undo), "{undo:?}");
            for other in ["QA2", "QA1/DOM1"] {
                assert!(!included(other, undo), "{other}: {undo:?}");
            }
        }
        assert!(included("QA1/DOM1", &import));
        for other in ["QA1", "QA1/DOM2", "QA2/DOM1"] {
            assert!(!included(other, &import), "{other}");
        }
    }
}
