//! Step 8: what the device makes, and what is done with it here.

use std::collections::BTreeSet;

use crate::artifact::archive::Expected;
use crate::artifact::layout::ExportKind;
use crate::plan::model::{Action, Domains};
use crate::run::event::Owner;
use crate::run::failure::Trouble;
use crate::run::task::{Made, Walk};

impl Walk<'_, '_, '_> {
    /// Step 8: everything for which the device is needed, then what is done with it here.
    pub(super) fn back_up(&mut self) -> Result<(), Trouble> {
        let made = self.make()?;
        self.keep(made)
    }

    /// Step 8 as far as a device must stay as it is for it: an export down to its last byte, a
    /// secure backup until the device has ended it.
    pub(super) fn make(&mut self) -> Result<Made, Trouble> {
        match &self.task.activity.action {
            Action::SecureBackup { certificate } => self.make_secure_backup(certificate),
            Action::ExportDomain { domains } => {
                // A script or a quiesce takes its time: the device may have changed meanwhile.
                let (look, unsaved) = match self.look.take() {
                    Some(look) => {
                        let unsaved = self.unsaved_changes(&look.domains)?;
                        (look, unsaved)
                    }
                    None => {
                        let look = self.look()?;
                        let unsaved = self.tell_unsaved_changes(&look.domains)?;
                        (look, unsaved)
                    }
                };
                let expected = match domains {
                    Domains::All => Expected::AllDomains(Some(
                        look.domains
                            .iter()
                            .map(|domain| domain.name.clone())
                            .collect::<BTreeSet<_>>(),
                    )),
                    Domains::Matching(_) => Expected::domain(self.task.domain),
                };
                self.look = Some(look);
                let saved = Box::new(self.fetch_export(ExportKind::Persisted)?);
                // One that cannot be had does not cost the one that was had.
                if unsaved.is_none() {
                    let note = "the device does not say whether there are unsaved changes: what runs is exported as well";
                    self.record.note(Owner::Task(self.task.id), note)?;
                }
                let running = match unsaved {
                    Some(true) | None => Some(Box::new(self.fetch_export(ExportKind::NonPersisted))),
                    Some(false) => None,
                };
                Ok(Made::Exports {
                    expected,
                    saved,
                    unsaved,
                    running,
                })
            }
        }
    }

    /// The rest of step 8: the device is not needed any more as it was.
    pub(super) fn keep(&mut self, made: Made) -> Result<(), Trouble> {
        match made {
            Made::SecureBackup { folder, files } => {
                self.fetch_secure_backup(&folder, &files)?;
                self.is_stored();
                Ok(())
            }
            Made::Exports {
                expected,
                saved,
                unsaved,
                running,
            } => {
                let saved = match self.keep_export(*saved, &expected) {
                    Ok(saved) => Ok(saved),
                    Err(trouble) => Err(trouble.failure()?),
                };
                // What was never saved may be an empty export, and then the running one is the
                // only one that holds anything.
                let running = match running
                    .map(|arrived| (*arrived).and_then(|arrived| self.keep_export(arrived, &expected)))
                {
                    Some(Err(trouble)) => Some(Err(trouble.failure()?)),
                    Some(Ok(running)) => Some(Ok(running)),
                    None => None,
                };
                let stored = saved.as_ref().ok();
                if let Some(saved) = stored {
                    self.tell_changes(saved)?;
                }
                if let Some(Ok(running)) = &running {
                    self.tell_changes(running)?;
                    self.tell_unsaved(unsaved, stored, running)?;
                }
                saved?;
                running.transpose()?;
                Ok(())
            }
        }
    }
}
