//! The part of a restore that changes something: the dry run before it, the import, and the look
//! at what came out.

use std::time::Duration;

use crate::artifact::difference::Difference;
use crate::gateway::import_results::{DryRunAnswer, ImportAnswer};
use crate::lock::Life;
use crate::run::event::{ActionKind, DeviceFacts, Event, JournalId, Owner, Progress, TaskId, Undo};
use crate::run::failure::{Failure, Trouble, words};
use crate::run::ledger::{Address, LedgerError, UndoOpening};
use crate::run::restore::Restoring;
use crate::run::restore::halt::Halt;
use crate::run::restore::order::Saved;
use crate::run::restore::running::{RunningDomain, deviation};
use crate::run::session::Session;
use crate::run::status::Status;
use crate::run::undo;
use crate::soma::error::SomaErrorKind;
use crate::values::first_few::first_few;
use crate::values::restore_plan::{ConfirmedRestore, SaveAfter};

/// So many refusals stand in a message.
const NAMED: usize = 5;

/// What was confirmed, and what the device was when that was done.
struct DueImport<'d> {
    task: TaskId,
    before: Option<TaskId>,
    facts: &'d DeviceFacts,
    confirmed: &'d ConfirmedRestore,
    running: &'d RunningDomain,
    merge: &'d Difference,
}

impl<'a> Restoring<'_, 'a, '_> {
    /// Everything from the dry run on.
    pub(super) fn import_confirmed(
        &mut self,
        session: &mut Session<'a>,
        facts: &DeviceFacts,
        confirmed: &ConfirmedRestore,
        running: &RunningDomain,
        merge: &Difference,
    ) -> Result<(), Halt> {
        let (activity, task) = self.open_rows(ActionKind::RestoreDomain)?;
        let due = DueImport {
            task,
            before: self.told.before,
            facts,
            confirmed,
            running,
            merge,
        };
        let warned = self.warnings.len();
        let outcome = match self.tried_and_imported(session, &due) {
            Ok(()) => Ok(()),
            Err(Trouble::Failure(failure)) => Err(failure),
            Err(Trouble::Ledger(error)) => return Err(error.into()),
        };
        let (status, error) = match &outcome {
            Ok(()) => (Status::Success, None),
            Err(failure) => (failure.status, Some(failure.message.clone())),
        };
        self.record.tell(&Event::TaskEnded { task, status, error })?;
        self.end_activity(activity, status, self.warnings.len() > warned)?;
        // What came out is kept, whatever it is; there is none where nothing was imported.
        if matches!(status, Status::Success | Status::ImportFailed) {
            self.keep_what_came_out(session, task)?;
        }
        Ok(outcome?)
    }

    fn keep_what_came_out(&mut self, session: &mut Session<'a>, task: TaskId) -> Result<(), Halt> {
        if self.engine.stop.is_requested() {
            let why =
                "what came out is not kept as a backup of its own: the restore was asked to stop".to_owned();
            return Ok(self.warn(task, why)?);
        }
        match self.back_up(session)? {
            Ok(after) => self.told.after = Some(after),
            Err(failure) => {
                let why = format!("what came out could not be backed up: {}", failure.message);
                self.warn(task, why)?;
            }
        }
        Ok(())
    }

    fn tried_and_imported(&mut self, session: &Session<'a>, due: &DueImport<'_>) -> Result<(), Trouble> {
        self.record.tell(&Event::DeviceFacts {
            task: due.task,
            facts: due.facts.clone(),
        })?;
        let keys = self.try_it(session, due)?;
        self.goes_on("the dry run refused nothing; nothing was imported")?;
        if let Some(meant) = &due.facts.serial
            && let Some(found) = session.gateway.serial_now().filter(|found| found != meant)
        {
            let why = format!(
                "the confirmation is void: {} leads to the device with serial number {found} now, and the plan is for {meant}; no import was sent",
                self.device.name
            );
            return Err(Failure::new(Status::DryRunFailed, why).into());
        }
        let journal = self.record.open_undo(&UndoOpening {
            plan: self.id,
            task: due.task,
            device: self.device.name.clone(),
            address: Address {
                host: self.device.host.clone(),
                port: self.device.port,
            },
            serial: due.facts.serial.clone(),
            undo: Undo::Import {
                domain: self.source.domain.name().to_owned(),
                before: due.before,
            },
            domains: Vec::new(),
        })?;
        self.record.task_status(due.task, Status::Importing)?;
        self.import(session, due, journal, &keys)
    }

    /// The dry run; gives the keys that it misses. Whatever it says, the domain is looked at after
    /// it: an answer does not tell a dry run from a real one.
    fn try_it(&mut self, session: &Session<'a>, due: &DueImport<'_>) -> Result<Vec<String>, Trouble> {
        self.record.task_status(due.task, Status::DryRun)?;
        self.waits("the dry run");
        let facts = due.confirmed.facts();
        let answer = session
            .gateway
            .dry_run(due.confirmed.archive(), &facts.domain, facts.local_addresses);
        self.waits_no_more();
        let device = &self.device.name;
        let found = match answer {
            Ok(DryRunAnswer::WouldWork { missing_keys }) => Ok(missing_keys),
            Ok(DryRunAnswer::WouldFail { refused, .. }) => Err(format!(
                "{device}: the dry run refuses {}",
                first_few(&refused, NAMED)
            )),
            Ok(DryRunAnswer::NotKnown(why)) => {
                Err(format!("{device}: what the dry run says is not known: {why}"))
            }
            Err(error) => Err(format!("{device}: {}", words(&error))),
        };
        self.waits("an export of what runs");
        let stands = self.is_as_it_was(&session.gateway, due.running);
        self.waits_no_more();
        let fails = |why: String| {
            let status = match self.engine.stop.is_requested() {
                true => Status::Interrupted,
                false => Status::DryRunFailed,
            };
            Trouble::from(Failure::new(status, why))
        };
        let taken = taken_before(due);
        match (found, stands) {
            (Ok(missing_keys), Ok(())) => {
                self.name_keys(due.task, &missing_keys)?;
                Ok(missing_keys)
            }
            (Ok(_), Err(changed)) => Err(fails(format!(
                "the confirmation is void: {changed}, by the dry run or by somebody else; no import was sent, and {taken}"
            ))),
            (Err(why), Ok(())) => Err(fails(format!(
                "{why}; nothing was imported, and the domain is as it was"
            ))),
            (Err(why), Err(changed)) => Err(fails(format!(
                "{why}; {changed}; no import was sent, and {taken}"
            ))),
        }
    }

    /// Warns of keys that must come from elsewhere.
    fn name_keys(&mut self, task: TaskId, keys: &[String]) -> Result<(), LedgerError> {
        match keys {
            [] => Ok(()),
            keys => self.warn(
                task,
                format!(
                    "keys that the backup lists and does not hold: {}",
                    first_few(keys, NAMED)
                ),
            ),
        }
    }

    /// The import, and what came out. Its row in the journal is closed when its end was seen.
    fn import(
        &mut self,
        session: &Session<'a>,
        due: &DueImport<'_>,
        journal: JournalId,
        named_keys: &[String],
    ) -> Result<(), Trouble> {
        self.waits("the import");
        let answer = session.gateway.import(due.confirmed);
        self.waits_no_more();
        if let Err(error) = &answer
            && error.kind == SomaErrorKind::Interrupted
        {
            self.record.close_undo(journal, "it was not sent")?;
            return Err(Failure::new(Status::Interrupted, "the import was not sent").into());
        }
        let device = self.device.name.clone();
        let came_out = self.look_at_what_came_out(session, due);
        let taken = taken_before(due);
        let mut done = None;
        let outcome = match answer {
            Ok(ImportAnswer::Done {
                objects,
                missing_keys,
            }) => {
                done = Some(format!(
                    "the device says that all {objects} objects were imported"
                ));
                self.told.objects = Some(objects);
                // A dry run may say less than an import does.
                let more: Vec<String> = missing_keys
                    .into_iter()
                    .filter(|key| !named_keys.contains(key))
                    .collect();
                self.name_keys(due.task, &more)?;
                Ok(())
            }
            Ok(ImportAnswer::Failed { refused }) => {
                self.record.close_undo(
                    journal,
                    "the device has answered: it was carried out in part or not at all",
                )?;
                Err(format!(
                    "{device}: not all of it was imported, and what was, stays: {}",
                    first_few(&refused, NAMED)
                ))
            }
            Ok(ImportAnswer::NotKnown(why)) => {
                // It has answered, so it is over; how it stands is known where somebody has looked.
                if came_out.is_ok() {
                    self.record.close_undo(
                        journal,
                        "the device's answer was not understood; what came out was looked at",
                    )?;
                }
                Err(format!("{device}: what was imported is not known: {why}"))
            }
            Err(error) => Err(format!(
                "{device}: whether the import was carried out, or still is, is not known: {}",
                words(&error)
            )),
        };
        let ended = match (outcome, came_out) {
            (Ok(()), Ok(came_out)) => self.settle(session, due, came_out),
            (Ok(()), Err(why)) => {
                let why = format!(
                    "imported, as the device says; what came out could not be looked at: {why}; {taken}"
                );
                Err(Failure::new(Status::ImportFailed, why).into())
            }
            (Err(why), Ok(came_out)) => {
                let how = match differences(&came_out) {
                    None => "all that the backup has runs there now".to_owned(),
                    Some(differs) => format!("from what was to come out differs: {differs}"),
                };
                self.told.deviation = Some(came_out);
                Err(Failure::new(Status::ImportFailed, format!("{why}; {how}; {taken}")).into())
            }
            (Err(why), Err(unseen)) => Err(Failure::new(
                Status::ImportFailed,
                format!("{why}; what came out could not be looked at: {unseen}; {taken}"),
            )
            .into()),
        };
        // Only now: a process that dies before its end leaves the row, and with it the way back.
        if let Some(how) = done {
            self.record.close_undo(journal, &how)?;
        }
        ended
    }

    /// Looks at what came out, deaf to the wish to stop: it is soon done.
    fn look_at_what_came_out(
        &mut self,
        session: &Session<'a>,
        due: &DueImport<'_>,
    ) -> Result<Difference, String> {
        self.waits("an export of what came out");
        let gateway = session.gateway.shielded().map_err(|error| words(&error));
        let domain = &self.source.domain;
        let came_out = gateway.and_then(|gateway| {
            let after = RunningDomain::take(&gateway, domain, &self.scratch)?;
            let archive = due.confirmed.archive();
            deviation(due.merge, archive, due.running, &after, domain, &self.scratch)
        });
        self.waits_no_more();
        came_out
    }

    /// What follows an import that the device says is done.
    fn settle(
        &mut self,
        session: &Session<'a>,
        due: &DueImport<'_>,
        came_out: Difference,
    ) -> Result<(), Trouble> {
        let differs = differences(&came_out);
        self.told.deviation = Some(came_out);
        if let Some(differs) = differs {
            let saved = match due.confirmed.facts().save {
                SaveAfter::Yes => "; it was not saved",
                SaveAfter::No => "",
            };
            let why = format!(
                "what came out is not what was to come out: {differs}{saved}; {}",
                taken_before(due)
            );
            return Err(Failure::new(Status::ImportFailed, why).into());
        }
        self.strike_out_older(due.task)?;
        let (device, domain) = (&self.device.name, &self.source.domain);
        match due.confirmed.facts().save {
            SaveAfter::No => {
                let note = format!(
                    "{domain} of {device} has unsaved changes now: a restart takes the import back until somebody saves it"
                );
                Ok(self.record.note(Owner::Task(due.task), note)?)
            }
            SaveAfter::Yes => {
                self.told.saved = Saved::NotKnown;
                match self.save(session, due) {
                    Ok(()) => {
                        self.told.saved = Saved::Yes;
                        Ok(())
                    }
                    Err(why) => Ok(self.warn(due.task, format!("whether it is saved is not known: {why}"))?),
                }
            }
        }
    }

    /// Saves, and looks whether that is so.
    fn save(&self, session: &Session<'a>, due: &DueImport<'_>) -> Result<(), String> {
        session
            .gateway
            .save_restored(due.confirmed)
            .map_err(|error| words(&error))?;
        let domains = session.gateway.domains().map_err(|error| words(&error))?;
        let domain = self.source.domain.name();
        match domains.iter().find(|row| row.name == domain) {
            Some(row) => match row.save_needed {
                Some(false) => Ok(()),
                Some(true) => Err("the device still lists unsaved changes".to_owned()),
                None => Err("the device does not tell whether it has unsaved changes".to_owned()),
            },
            None => Err("the device does not list the domain any more".to_owned()),
        }
    }

    /// Imports into this domain whose end nobody saw are over: all of it is as it was to be now.
    fn strike_out_older(&mut self, task: TaskId) -> Result<(), LedgerError> {
        for row in self.record.ledger().open_undos()? {
            let same =
                matches!(&row.undo, Undo::Import { domain, .. } if domain == self.source.domain.name());
            let is_dead = self.engine.locks.life(&row.process) == Life::Dead;
            if same && row.device == self.device.name && is_dead {
                let how = format!("task {} has laid a backup over it since", task.0);
                self.record.close_undo(row.id, &how)?;
            }
        }
        Ok(())
    }

    fn warn(&mut self, task: TaskId, message: String) -> Result<(), LedgerError> {
        self.warnings.push(format!("task {}: {message}", task.0));
        self.record.warn(Owner::Task(task), message)
    }

    /// Shows that something of the device is waited for.
    pub(super) fn waits(&mut self, what: &str) {
        let limit = self.device.timeouts.export;
        undo::waiting(self.record, &self.device.name, what, limit)(Duration::ZERO);
    }

    pub(super) fn waits_no_more(&mut self) {
        self.record.show(&Progress::WaitEnded);
    }
}

/// What differs, in words; nothing where nothing does.
fn differences(difference: &Difference) -> Option<String> {
    let named = difference.named();
    (!named.is_empty()).then(|| named.join(", "))
}

/// Which task knows what was there before the import.
fn taken_before(due: &DueImport<'_>) -> String {
    match due.before {
        Some(task) => format!("before it, task {} was taken", task.0),
        None => "which task took what was there before is not known".to_owned(),
    }
}
