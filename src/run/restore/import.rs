//! The part of a restore that changes something: the import, and what is written down before it and after it.

use std::time::Duration;

use crate::artifact::difference::Difference;
use crate::gateway::asked::is_not_begun;
use crate::gateway::import_answer::ImportAnswer;
use crate::run::event::{ActionKind, Event, FileKind, JournalId, Owner, Progress, TaskId, Undo, UndoStage};
use crate::run::failure::{Failure, Trouble, words};
use crate::run::ledger::{KeptFile, LedgerError, Reply, UndoOpening, UndoStep};
use crate::run::restore::Restoring;
use crate::run::restore::came_out::CameOut;
use crate::run::restore::due::{DueImport, taken_before, undo_due};
use crate::run::restore::known_import::{in_part, what_is_known};
use crate::run::restore::order::{KnownImport, Saved};
use crate::run::restore::running::NAMED;
use crate::run::restore::target::RestoreTarget;
use crate::run::running_domain::RunningDomain;
use crate::run::same_device::is_the_same;
use crate::run::session::Session;
use crate::run::status::Status;
use crate::run::undo;
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::values::first_few::first_few;
use crate::values::restore_plan::ConfirmedRestore;

impl<'a> Restoring<'_, 'a, '_> {
    /// Everything from the dry run on.
    pub(super) fn import_confirmed(
        &mut self,
        session: &mut Session<'a>,
        target: &RestoreTarget,
        confirmed: &ConfirmedRestore,
        running: &RunningDomain,
        merge: &Difference,
    ) -> Result<(), Trouble> {
        let (activity, task) = self.open_rows(ActionKind::RestoreDomain)?;
        let due = DueImport {
            task,
            before: self.told.before,
            target,
            confirmed,
            running,
            merge,
        };
        let warned = self.warnings.len();
        let mut sent = None;
        let outcome = match self.tried_and_imported(session, &due, &mut sent) {
            Ok(()) => Ok(()),
            Err(trouble) => Err(trouble.failure()?),
        };
        let (status, error) = match &outcome {
            Ok(()) => (Status::Success, None),
            Err(failure) => (failure.status, Some(failure.message.clone())),
        };
        self.record.end_task(task, status, error)?;
        self.end_activity(activity, status, self.warnings.len() > warned)?;
        // All that was put off while others held the history.
        match self.record.take_time() {
            Err(error) if error.kind.may_be_later() => self.record.take_time()?,
            written => written?,
        }
        // Only now: a process that dies before its end leaves the row, and with it the backup from before.
        if let Some(SentImport {
            journal,
            over: Some(how),
            ..
        }) = sent
        {
            self.record.close_undo(journal, &how)?;
        }
        // What came out is kept, whatever it is; there is none where nothing was imported.
        if self.told.import.is_some() && matches!(status, Status::Success | Status::ImportFailed) {
            self.keep_what_came_out(session, &due)?;
        }
        Ok(outcome?)
    }

    fn keep_what_came_out(&mut self, session: &mut Session<'a>, due: &DueImport<'_>) -> Result<(), Trouble> {
        if self.engine.stop.is_requested() {
            let why =
                "what came out is not kept as a backup of its own: the restore was asked to stop".to_owned();
            return Ok(self.warn(due.task, why)?);
        }
        // What another device has is no backup of this one.
        if let Err(why) = is_the_same(&session.gateway, &self.device.name, &due.target.facts) {
            let why = format!("what came out is not kept as a backup of its own: {}", why.why());
            return Ok(self.warn(due.task, why)?);
        }
        let trouble = match self.back_up(session, Some(due.task)) {
            Ok(after) => {
                self.told.after = Some(after);
                return Ok(());
            }
            Err(trouble) => trouble,
        };
        let why = trouble.failure()?.message;
        // It says nothing against the import.
        Ok(self.warn(due.task, format!("what came out could not be backed up: {why}"))?)
    }

    fn tried_and_imported(
        &mut self,
        session: &Session<'a>,
        due: &DueImport<'_>,
        sent: &mut Option<SentImport>,
    ) -> Result<(), Trouble> {
        self.record.tell(&Event::DeviceFacts {
            task: due.task,
            facts: due.target.facts.clone(),
        })?;
        // A gateway may import although it was asked for a dry run.
        let undo = Undo::DryRun {
            domain: self.source.domain.name().to_owned(),
            before: due.before,
            content: Some(due.running.content.clone()),
        };
        let tried = self.open_row(session, due, &undo)?;
        let keys = self.try_it(session, due, (tried, &undo))?;
        self.goes_on("the dry run refused nothing; nothing was imported")?;
        if let Some(why) = self.backup_before_is_gone(due)? {
            return Err(Failure::new(Status::RestoreRefused, why).into());
        }
        let undo = Undo::Import {
            domain: self.source.domain.name().to_owned(),
            before: due.before,
        };
        let journal = self.open_row(session, due, &undo)?;
        self.record.task_status(due.task, Status::Importing)?;
        let sent = sent.insert(SentImport {
            journal,
            undo,
            over: None,
        });
        self.import(session, due, sent, &keys)
    }

    /// Why the import could not be undone: the backup that was taken before it is not in the store any more. Another
    /// one of the same content is none where it has a file of its own, for nothing keeps that one.
    fn backup_before_is_gone(&mut self, due: &DueImport<'_>) -> Result<Option<String>, LedgerError> {
        let (device, domain) = (&self.device.name, self.source.domain.name());
        let stands = |file: &KeptFile| {
            let found = file.path.symlink_metadata();
            found.is_ok_and(|found| found.is_file() && found.len() == file.size)
        };
        for kind in [FileKind::Persisted, FileKind::NonPersisted] {
            let last = self.record.ledger().last_content(device, domain, kind)?;
            let kept = last.map(|last| last.kept).unwrap_or_default();
            let own = kept.iter().find(|file| Some(file.task) == due.before);
            let is_there = match (own, kind) {
                (Some(own), _) => stands(own),
                // What ran is stored where it was not what was saved.
                (None, FileKind::NonPersisted) => true,
                (None, _) => kept.iter().any(stands),
            };
            if !is_there {
                return Ok(Some(format!(
                    "the backup of what is there now is not in the store any more, so that nothing could undo the import; \
                     nothing was imported; {}",
                    taken_before(due)
                )));
            }
        }
        Ok(None)
    }

    /// A row of the journal: from now on a dry run may have been more than that, or an import be half done.
    fn open_row(
        &mut self,
        session: &Session<'_>,
        due: &DueImport<'_>,
        undo: &Undo,
    ) -> Result<JournalId, LedgerError> {
        let serial = due.target.facts.serial.clone();
        let peer = session.gateway.held_address(serial.as_deref());
        let journal = self.record.open_undo(&UndoOpening {
            plan: self.id,
            task: due.task,
            device: self.device.name.clone(),
            address: self.device.address(),
            peer,
            serial,
            undo: undo.clone(),
            domains: Vec::new(),
        })?;
        // Who the device is is asked before it is sent.
        self.record
            .show(&undo_due(self.device, (journal, undo), UndoStage::MayBeSent));
        Ok(journal)
    }

    /// Warns of keys that must come from elsewhere.
    pub(super) fn name_keys(&mut self, task: TaskId, keys: &[String]) -> Result<(), LedgerError> {
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

    /// The import, and what came out. Its row in the journal is closed when its end was seen: an answer that
    /// does not say what became of the objects is none, and what it was asked for may still be under way.
    /// Whoever holds the history does not keep it from being looked at, and saved.
    fn import(
        &mut self,
        session: &Session<'a>,
        due: &DueImport<'_>,
        sent: &mut SentImport,
        named_keys: &[String],
    ) -> Result<(), Trouble> {
        let journal = sent.journal;
        self.waits("the import");
        self.told.import = Some(KnownImport {
            words: format!(
                "the import into {} of {} was sent; {}; its row in the journal may stay open",
                self.source.domain,
                self.device.name,
                taken_before(due)
            ),
            is_good: false,
        });
        let answer = session
            .gateway
            .import(due.confirmed, &self.source.names, &mut || {
                self.record
                    .show(&undo_due(self.device, (journal, &sent.undo), UndoStage::Sent));
            });
        self.waits_no_more();
        if let Err(error) = &answer
            && is_not_begun(error)
        {
            return Err(self.not_begun(session, due, journal, error)?.into());
        }
        self.told.saved = Saved::NotKnown;
        let device = self.device.name.clone();
        // What is known is not lost for a history that others hold.
        self.record.hurry();
        // A later restore is told by it whether this one may still be carried out.
        // It is told by the end as well, where history cannot take it.
        let written = self.record.step_undo(journal, UndoStep::Replied(reply(&answer)));
        let came_out = self.look_at_what_came_out(session, due);
        let taken = taken_before(due);
        self.told.import = Some(what_is_known(
            &device,
            &self.source.domain,
            &answer,
            &came_out,
            &taken,
        ));
        written?;
        let outcome = self.said_to_be(due, answer, sent, named_keys)?;
        // A signal is answered by what is waited for: what comes now is no part of the import.
        if sent.over.is_some() {
            self.record.show(&Progress::UndoOver { journal });
        }
        // Its row stays until somebody has seen what came out.
        if came_out.is_err() {
            sent.over = None;
        }
        let ended = self.came_to(due, journal, outcome, came_out);
        self.know_saved();
        ended
    }

    /// Whether it is saved is known, too, for whoever cannot read it in history.
    fn know_saved(&mut self) {
        if let Some(known) = &mut self.told.import {
            known.words.push_str(match self.told.saved {
                Saved::Yes => "; it is saved",
                Saved::No => "; it is not saved",
                Saved::NotKnown => "; whether it is saved is not known",
                Saved::NotImported => "",
            });
        }
    }

    /// Whether all of it was imported, by what the device says; otherwise why not. Where it has said of each object what became of
    /// it, the import is over.
    fn said_to_be(
        &mut self,
        due: &DueImport<'_>,
        answer: Result<ImportAnswer, SomaError>,
        sent: &mut SentImport,
        named_keys: &[String],
    ) -> Result<Result<(), String>, LedgerError> {
        let device = &self.device.name;
        Ok(match answer {
            Ok(ImportAnswer::Done {
                objects,
                missing_keys,
            }) => {
                sent.over = Some(format!(
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
            Ok(ImportAnswer::Failed { refused, not_told }) => {
                sent.over =
                    Some("the device has said what became of it: not all of it was carried out".to_owned());
                Err(format!("{device}: {}", in_part(&refused, &not_told)))
            }
            Ok(ImportAnswer::NotKnown(why)) => Err(format!(
                "{device}: what was imported, and whether it still is, is not known: {why}"
            )),
            Err(error) => Err(format!(
                "{device}: whether the import was carried out, or still is, is not known: {}",
                words(&error)
            )),
        })
    }

    /// The end of an import, by what the device says of it and by what somebody has seen.
    fn came_to(
        &mut self,
        due: &DueImport<'_>,
        journal: JournalId,
        outcome: Result<(), String>,
        came_out: Result<CameOut<'a>, String>,
    ) -> Result<(), Trouble> {
        let taken = taken_before(due);
        let why = match (outcome, came_out) {
            (Ok(()), Ok(came_out)) => return self.settle(due, journal, came_out),
            (Ok(()), Err(unseen)) => format!(
                "imported, as the device says; what came out could not be looked at: {unseen}; {taken}"
            ),
            (Err(why), Ok(came_out)) => {
                let how = match came_out.deviation.words() {
                    None => "all the same, all that the backup has runs there now".to_owned(),
                    Some(differs) => format!("how it stands: {differs}"),
                };
                self.stands_afterwards(due, &came_out)?;
                self.told.deviation = Some(came_out.deviation.difference);
                format!("{why}; {how}; {taken}")
            }
            (Err(why), Err(unseen)) => {
                format!("{why}; what came out could not be looked at: {unseen}; {taken}")
            }
        };
        Err(Failure::new(Status::ImportFailed, why).into())
    }

    /// The end of an import that was not sent, or of which the device proves that it was not begun: where all of it was
    /// sent, somebody looks all the same, and its row stays where the domain is not seen to be as it was.
    fn not_begun(
        &mut self,
        session: &Session<'a>,
        due: &DueImport<'_>,
        journal: JournalId,
        error: &SomaError,
    ) -> Result<Failure, LedgerError> {
        self.told.import = None;
        let (device, domain) = (&self.device.name, &self.source.domain);
        let not_begun = format!(
            "{device}: the import was not begun, and nothing was imported: {}",
            words(error)
        );
        let seen = match (error.kind, error.nothing_sent) {
            (SomaErrorKind::Interrupted, _) => {
                Ok(Failure::new(Status::Interrupted, "the import was not sent"))
            }
            (_, true) => Ok(Failure::new(Status::ImportFailed, not_begun)),
            (_, false) => match self.is_as_it_was(&session.gateway, due.running) {
                Ok(()) => Ok(Failure::new(
                    Status::ImportFailed,
                    format!("{not_begun}; {domain} is as it was"),
                )),
                Err(why) => Err(Failure::new(
                    Status::ImportFailed,
                    format!(
                        "{device}: the import was refused: {}; but {}; {}",
                        words(error),
                        why.why(),
                        taken_before(due)
                    ),
                )),
            },
        };
        if seen.is_ok() {
            self.record.close_undo(journal, "it was not begun")?;
        }
        Ok(seen.unwrap_or_else(|failure| failure))
    }

    pub(super) fn warn(&mut self, task: TaskId, message: String) -> Result<(), LedgerError> {
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

/// How far an answer proves that an import is over.
fn reply(answer: &Result<ImportAnswer, SomaError>) -> Reply {
    match answer {
        Ok(ImportAnswer::Done { .. } | ImportAnswer::Failed { .. }) => Reply::Accepted,
        Ok(ImportAnswer::NotKnown(_)) => Reply::Unclear,
        Err(error) if error.is_answer() => Reply::Unclear,
        Err(_) => Reply::Silence,
    }
}

/// An import that was sent, or is about to be.
struct SentImport {
    journal: JournalId,
    undo: Undo,
    /// How it ended, where the device has said of each object what became of it.
    over: Option<String>,
}
