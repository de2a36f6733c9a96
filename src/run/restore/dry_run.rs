//! The dry run before an import.

use crate::gateway::import_answer::DryRunAnswer;
use crate::gateway::restore::dry_run_is_over;
use crate::run::event::{JournalId, Undo, UndoStage};
use crate::run::failure::{Failure, Trouble, words};
use crate::run::ledger::{Reply, UndoStep};
use crate::run::not_seen::NotSeen;
use crate::run::restore::Restoring;
use crate::run::restore::due::{DueImport, taken_before, undo_due};
use crate::run::restore::running::NAMED;
use crate::run::session::Session;
use crate::run::status::Status;
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::values::first_few::first_few;

impl<'a> Restoring<'_, 'a, '_> {
    /// The dry run; gives the keys that it misses. Whatever it says, the device is looked at after
    /// it: an answer does not tell a dry run from a real one. Its row in the journal is closed where it is over, and the
    /// domain was seen to be as it was.
    pub(super) fn try_it(
        &mut self,
        session: &Session<'a>,
        due: &DueImport<'_>,
        (journal, undo): (JournalId, &Undo),
    ) -> Result<Vec<String>, Trouble> {
        self.record.task_status(due.task, Status::DryRun)?;
        let answer = self.dry_run_answer(session, due, (journal, undo));
        if let Err(error) = &answer
            && error.nothing_sent
        {
            self.record.close_undo(journal, "it was not sent")?;
            return Err(self.not_tried(error).into());
        }
        let is_over = dry_run_is_over(&answer);
        // Whoever holds the history does not keep anybody from looking.
        let written = match is_over {
            true => self.record.step_undo(journal, UndoStep::Replied(Reply::Accepted)),
            false => Ok(()),
        };
        let said = said(answer);
        self.record
            .show(&undo_due(self.device, (journal, undo), UndoStage::UnderWay));
        self.waits("an export of what runs");
        // Looking is soon done, and is not given up for a signal.
        let looking = session.gateway.shielded();
        let looking = looking.as_ref().unwrap_or(&session.gateway);
        let stands = self.stands(looking, due.target, due.running);
        self.waits_no_more();
        // It is told by the end as well, where history cannot take it.
        self.told.dry_run = Some(self.seen_of_it(&said, &stands));
        written?;
        // A later look need not be taken for what this one has seen.
        if let Err(NotSeen::Otherwise(_)) = &stands {
            self.record.step_undo(journal, UndoStep::Seen)?;
        }
        let is_done = is_over && stands.is_ok();
        if is_done {
            self.record
                .close_undo(journal, "the domain was as it was after the dry run")?;
        }
        let row = match is_done {
            true => "",
            false => "; a row of it stays in the journal until somebody has looked",
        };
        self.judged(due, said, stands, row)
    }

    /// What the device answers, which may be that nothing was sent.
    fn dry_run_answer(
        &mut self,
        session: &Session<'a>,
        due: &DueImport<'_>,
        row: (JournalId, &Undo),
    ) -> Result<DryRunAnswer, SomaError> {
        self.waits("the dry run");
        let facts = due.confirmed.facts();
        let answer = session.gateway.dry_run(
            facts.serial.as_deref(),
            due.confirmed.archive(),
            &self.source.names,
            &facts.domain,
            facts.local_addresses,
            &mut || self.record.show(&undo_due(self.device, row, UndoStage::Sent)),
        );
        self.waits_no_more();
        answer
    }

    /// The end where no dry run was sent.
    fn not_tried(&self, error: &SomaError) -> Failure {
        match error.kind {
            SomaErrorKind::Interrupted => Failure::new(
                Status::Interrupted,
                "the dry run was not sent, and nothing was imported",
            ),
            _ => Failure::new(
                Status::DryRunFailed,
                format!(
                    "{}: the dry run was not sent, and nothing was imported: {}",
                    self.device.name,
                    words(error)
                ),
            ),
        }
    }

    /// What a dry run that was sent has answered, and how the domain was after it.
    fn seen_of_it(&self, said: &Result<Vec<String>, Refusal>, stands: &Result<(), NotSeen>) -> String {
        let said = match said {
            Ok(_) => "a dry run was sent, and refuses nothing".to_owned(),
            Err(no) => format!("{}: {}", self.device.name, no.why),
        };
        let stands = match stands.clone() {
            Ok(()) => "right after it the domain was as it was".to_owned(),
            Err(not_seen) => not_seen.why(),
        };
        format!("{said}; {stands}")
    }

    /// The keys that it misses, where an import may follow; otherwise why none does, and what is said of its `row`.
    fn judged(
        &mut self,
        due: &DueImport<'_>,
        said: Result<Vec<String>, Refusal>,
        stands: Result<(), NotSeen>,
        row: &str,
    ) -> Result<Vec<String>, Trouble> {
        let (status, why) = match (said, stands) {
            (Ok(keys), Ok(())) => {
                self.name_keys(due.task, &keys)?;
                return Ok(keys);
            }
            (Ok(_), Err(not_seen)) => self.not_as_it_was(due, not_seen),
            (Err(no), stands) => (Status::DryRunFailed, self.refused(due, &no, stands)),
        };
        let status = match self.engine.stop.is_requested() {
            true => Status::Interrupted,
            false => status,
        };
        Err(Failure::new(status, why + row).into())
    }

    /// Why no import follows a dry run that refuses.
    fn refused(&self, due: &DueImport<'_>, no: &Refusal, stands: Result<(), NotSeen>) -> String {
        let device = &self.device.name;
        match stands {
            Ok(()) => format!("{device}: {}; {}", no.why, no.where_as_it_was),
            Err(not_seen) => format!(
                "{device}: {}; {}; no import was sent, and {}",
                no.why,
                not_seen.why(),
                taken_before(due)
            ),
        }
    }

    /// Why no import follows one that refuses nothing. Only what was seen makes the confirmation void.
    fn not_as_it_was(&self, due: &DueImport<'_>, not_seen: NotSeen) -> (Status, String) {
        let taken = taken_before(due);
        match not_seen {
            NotSeen::Otherwise(changed) | NotSeen::OtherDevice(changed) => (
                Status::DryRunFailed,
                format!("the confirmation is void: {changed}; no import was sent, and {taken}"),
            ),
            NotSeen::NotNow(unseen) | NotSeen::NotKnown(unseen) => (
                Status::DeviceError,
                format!(
                    "{}: the dry run refuses nothing, and what it left could not be looked at: {unseen}; no import was \
                     sent, and {taken}",
                    self.device.name
                ),
            ),
        }
    }
}

/// Why a dry run is no leave to import.
struct Refusal {
    why: String,
    /// What can be said besides where the domain is as it was: only an answer that was understood tells that the dry
    /// run is over.
    where_as_it_was: &'static str,
}

/// What a dry run says: the keys that it misses, where it refuses nothing.
fn said(answer: Result<DryRunAnswer, SomaError>) -> Result<Vec<String>, Refusal> {
    let not_known = |why| Refusal {
        why,
        where_as_it_was: "no import was sent, and right after the dry run the domain was as it was",
    };
    match answer {
        Ok(DryRunAnswer::WouldWork { missing_keys }) => Ok(missing_keys),
        Ok(DryRunAnswer::WouldFail { refused, .. }) => Err(Refusal {
            why: format!("the dry run refuses it: {}", first_few(&refused, NAMED)),
            where_as_it_was: "nothing was imported, and the domain is as it was",
        }),
        Ok(DryRunAnswer::NotKnown(why) | DryRunAnswer::Pending(why)) => {
            Err(not_known(format!("what the dry run says is not known: {why}")))
        }
        Err(error) => Err(not_known(words(&error))),
    }
}
