//! Imports into the domain that died before their end, and what becomes of their rows in the journal.

use crate::lock::Life;
use crate::run::event::{Owner, Undo};
use crate::run::ledger::{JournalEntry, LedgerError};
use crate::run::left::life_of;
use crate::run::recover::age::import_is_over;
use crate::run::restore::due::DueImport;
use crate::run::restore::{Restoring, import_or_dry_run};
use crate::run::row_device::MetDevice;

impl Restoring<'_, '_, '_> {
    /// Imports into this domain whose end nobody saw are in order where they are over: all of it is as it was to
    /// be now. One that may still be carried out would lay itself over this.
    pub(super) fn strike_out_older(&mut self, due: &DueImport<'_>) -> Result<(), LedgerError> {
        for row in self.older_imports(due.target.facts.serial.as_deref())? {
            // It was warned of when this began.
            if !import_is_over(self.engine, &row) {
                continue;
            }
            let how = format!("task {} has laid a backup over it since", due.task.0);
            self.record.close_undo(row.id, &how)?;
            // It is in order by this.
            self.left_by_dead.retain(|(left, _)| *left != row.id);
            self.record.note(
                Owner::Task(due.task),
                format!(
                    "{} of task {} is in order now: {how}",
                    import_or_dry_run(&row),
                    row.task.0
                ),
            )?;
        }
        Ok(())
    }

    /// The imports into this domain of the device with this serial number, and dry runs of such, that died before their end.
    pub(super) fn older_imports(&mut self, serial: Option<&str>) -> Result<Vec<JournalEntry>, LedgerError> {
        // A name may lead to another device by now.
        let met = MetDevice {
            name: &self.device.name,
            address: Some(self.device.address()),
            serial,
        };
        let mut rows = self.record.ledger().open_undos()?;
        rows.retain(|row| {
            let same = match &row.undo {
                Undo::Import { domain, .. } | Undo::DryRun { domain, .. } => {
                    domain == self.source.domain.name()
                }
                _ => false,
            };
            let is_dead = life_of(self.engine.locks, row) == Life::Dead;
            same && is_dead && met.is_of(row)
        });
        Ok(rows)
    }
}
