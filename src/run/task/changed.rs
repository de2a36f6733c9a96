//! What changed since the export before, and what of the running configuration is not saved.
//!
//! It comes after everything else: the device is back, the exports are stored and recorded. It
//! makes no backup fail, and what could not be found out is told as not known.

use std::fs::File;
use std::path::Path;

use crate::artifact::compare::{self, ArchiveProof, Side};
use crate::artifact::recheck::{Recheck, Recorded};
use crate::change::listed;
use crate::gateway::domains::DEFAULT_DOMAIN;
use crate::run::event::{ALL_DOMAINS, Event, FileKind, Owner};
use crate::run::ledger::{KeptFile, LastContent, LedgerError};
use crate::run::script::ConfigFacts;
use crate::run::task::Walk;
use crate::values::causes::with_causes;
use crate::values::change::{ChangeList, ConfigChange};
use crate::values::internal_error::caught;

/// How many unsaved changes a note names.
const NAMED: usize = 20;

/// An export that was verified and recorded, open still.
pub(super) struct StoredExport {
    pub(super) kind: FileKind,
    pub(super) name: String,
    /// The bytes that were verified; or why they could not be kept open.
    pub(super) file: Result<File, String>,
    /// What the newest export before it held.
    pub(super) before: Option<LastContent>,
    pub(super) is_same: bool,
}

/// Why an export could not be compared with the one before it.
enum NoComparison {
    /// What should stand in the store does not, or not as it was stored: a backup is lost.
    Lost(String),
    /// Anything else, in words: it was removed as it should be, say.
    NotKnown(String),
}

impl Walk<'_, '_, '_> {
    /// Compares each export with the one before it of its kind.
    pub(super) fn tell_changes(&mut self, export: &StoredExport) -> Result<(), LedgerError> {
        let Some(before) = export.before.as_ref().filter(|_| !export.is_same) else {
            return Ok(());
        };
        match self.changes_since(export, before) {
            Ok(changes) => {
                self.configuration.add(ConfigFacts {
                    changes: ConfigFacts::of(self.task.id, &self.session.device.name, &changes),
                    unsaved: Vec::new(),
                });
                self.record.tell(&Event::ConfigChanged {
                    task: self.task.id,
                    kind: export.kind,
                    changes,
                })
            }
            Err(why) => {
                let since = before.since.0;
                let told = |why| {
                    format!(
                        "{}: what changed since task {since} is not known: {why}",
                        export.name
                    )
                };
                match why {
                    NoComparison::NotKnown(why) => self.not_known(&told(why)),
                    NoComparison::Lost(why) => {
                        let verify = self.engine.file.invocation.command(["verify", "--all"]);
                        self.warn(format!(
                            "{}; `{verify}` says what else is not as it was stored",
                            told(why)
                        ))
                    }
                }
            }
        }
    }

    /// Compares what runs with what is saved, as one task has found both; `said` is whether the device says
    /// that there are unsaved changes.
    pub(super) fn tell_unsaved(
        &mut self,
        said: Option<bool>,
        saved: Option<&StoredExport>,
        running: &StoredExport,
    ) -> Result<(), LedgerError> {
        let compared = match saved {
            Some(saved) => self.difference(file_of(saved), file_of(running)),
            None => Err("there is no export of the saved configuration".to_owned()),
        };
        match compared {
            Ok(changes) => {
                self.configuration.add(ConfigFacts {
                    changes: Vec::new(),
                    unsaved: ConfigFacts::of(self.task.id, &self.session.device.name, &changes),
                });
                // What the device has not said is seen all the same.
                if said.is_none() && changes.count > 0 {
                    let (task, unsaved) = (self.task.id, true);
                    self.record.tell(&Event::UnsavedChanges { task, unsaved })?;
                }
                let note = unsaved(said, &changes, self.task.domain);
                self.record.note(Owner::Task(self.task.id), note)?;
                self.record.tell(&Event::ConfigUnsaved {
                    task: self.task.id,
                    changes,
                })
            }
            Err(why) => self.not_known(&format!(
                "{}: which changes are not saved is not known: {why}",
                running.name
            )),
        }
    }

    fn not_known(&mut self, note: &str) -> Result<(), LedgerError> {
        self.record.note(Owner::Task(self.task.id), note)
    }

    fn changes_since(&self, export: &StoredExport, before: &LastContent) -> Result<ChangeList, NoComparison> {
        let mut why = NoComparison::NotKnown("the export of then is not in the store any more".to_owned());
        for kept in &before.kept {
            match self.open_kept(kept) {
                Ok(old) => {
                    return self
                        .difference(Ok(&old), file_of(export))
                        .map_err(NoComparison::NotKnown);
                }
                Err(reason) => why = NoComparison::Lost(format!("{}: {reason}", kept.path.display())),
            }
        }
        Err(why)
    }

    /// A file of the store, if its bytes are those that were recorded when they were verified.
    fn open_kept(&self, kept: &KeptFile) -> Result<File, String> {
        let store = self.engine.file.settings.store.folder();
        let recorded = Recorded {
            path: &kept.path,
            size: kept.size,
            sha256: &kept.sha256,
            entries: None,
            objects: None,
        };
        let proved = Recheck::new(store, store, Vec::new()).proved(recorded);
        proved.map_err(|verdict| verdict.reasons.join("; "))
    }

    fn difference(
        &self,
        old: Result<&File, String>,
        new: Result<&File, String>,
    ) -> Result<ChangeList, String> {
        let (old, new) = (old?, new?);
        if self.engine.stop.is_requested() {
            return Err("the run was asked to stop".to_owned());
        }
        let proof = ArchiveProof::Given;
        let side = |file| Side {
            file,
            proof,
            only: None,
        };
        let (old, new) = (side(old), side(new));
        let scratch: &Path = self.engine.file.settings.store.folder();
        let outer = match self.task.domain {
            ALL_DOMAINS => DEFAULT_DOMAIN,
            domain => domain,
        };
        // A mistake of ours must not cost a backup that is stored.
        let compared = caught(|| {
            let difference = compare::compare(old, new, listed::KEPT, scratch)?;
            Ok::<_, compare::CompareError>(listed::list(&difference, outer))
        });
        match compared {
            Ok(Ok(changes)) => Ok(changes),
            Ok(Err(error)) => Err(with_causes(&error)),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn file_of(export: &StoredExport) -> Result<&File, String> {
    export.file.as_ref().map_err(Clone::clone)
}

/// What is not saved, by its names; with the domain, where it is not that of the task. That the device reports
/// it is said where it does.
fn unsaved(said: Option<bool>, changes: &ChangeList, domain: &str) -> String {
    let named = |change: &ConfigChange| match change.domain == domain {
        true => change.to_string(),
        false => format!("{}: {change}", change.domain),
    };
    let named: Vec<String> = changes.first.iter().take(NAMED).map(named).collect();
    let more = match changes.count.saturating_sub(named.len() as u64) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    match (changes.count, said) {
        (0, Some(true)) => "the device reports unsaved changes; its two exports do not differ".to_owned(),
        (0, _) => "what runs and what is saved do not differ in their two exports".to_owned(),
        (1, _) => format!("1 change is not saved: {}", named.join(", ")),
        (count, _) => format!("{count} changes are not saved: {}{more}", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::change::{Change, ConfigPiece};

    #[test]
    fn an_unsaved_change_of_another_domain_than_that_of_the_task_is_named_with_it() {
        let change = |domain: &str| ConfigChange {
            domain: domain.to_owned(),
            piece: ConfigPiece::Object {
                class: "HTTPUserAgent".to_owned(),
                name: "default".to_owned(),
            },
            change: Change::Changed,
            description: "Timeout: 300 → 7".to_owned(),
        };
        let list = ChangeList {
            first: vec![change("DOM2"), change("default")],
            count: 3,
        };
        assert_eq!(
            unsaved(Some(true), &list, ALL_DOMAINS),
            "3 changes are not saved: DOM2: Changed HTTPUserAgent default (Timeout: 300 → 7), \
             default: Changed HTTPUserAgent default (Timeout: 300 → 7), and 1 more"
        );
        let list = ChangeList {
            first: vec![change("DOM2")],
            count: 1,
        };
        assert_eq!(
            unsaved(None, &list, "DOM2"),
            "1 change is not saved: Changed HTTPUserAgent default (Timeout: 300 → 7)"
        );
    }

    #[test]
    fn only_a_device_that_reports_unsaved_changes_is_said_to_report_them() {
        let none = ChangeList::default();
        assert_eq!(
            unsaved(Some(true), &none, "DOM1"),
            "the device reports unsaved changes; its two exports do not differ"
        );
        assert_eq!(
            unsaved(None, &none, "DOM1"),
            "what runs and what is saved do not differ in their two exports"
        );
    }
}
