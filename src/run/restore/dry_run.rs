//! The dry run before an import.

use crate::gateway::asked::is_not_begun;
use crate::gateway::import_answer::DryRunAnswer;
use crate::run::event::JournalId;
use crate::run::failure::{Failure, Trouble, words};
use crate::run::ledger::{Reply, UndoStep};
use crate::run::not_seen::NotSeen;
use crate::run::restore::Restoring;
use crate::run::restore::due::{DueImport, taken_before};
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
        journal: JournalId,
    ) -> Result<Vec<String>, Trouble> {
        self.record.task_status(due.task, Status::DryRun)?;
        self.waits("the dry run");
        let facts = due.confirmed.facts();
        let answer = session.gateway.dry_run(
            facts.serial.as_deref(),
            due.confirmed.archive(),
            &self.source.names,
            &facts.domain,
            facts.local_addresses,
        );
        self.waits_no_more();
        let is_over = is_over(&answer);
        // Whoever holds the history does not keep anybody from looking.
        let written = match is_over {
            true => self.record.step_undo(journal, UndoStep::Replied(Reply::Accepted)),
            false => Ok(()),
        };
        let device = &self.device.name;
        // Only an answer that was understood tells that the dry run is over.
        let as_it_was = "nothing was imported, and the domain is as it was";
        let as_it_was_then = "no import was sent, and right after the dry run the domain was as it was";
        let found = match answer {
            Ok(DryRunAnswer::WouldWork { missing_keys }) => Ok(missing_keys),
            Ok(DryRunAnswer::WouldFail { refused, .. }) => Err((
                format!("{device}: the dry run refuses {}", first_few(&refused, NAMED)),
                as_it_was,
            )),
            Ok(DryRunAnswer::NotKnown(why) | DryRunAnswer::Pending(why)) => Err((
                format!("{device}: what the dry run says is not known: {why}"),
                as_it_was_then,
            )),
            Err(error) => Err((format!("{device}: {}", words(&error)), as_it_was_then)),
        };
        self.waits("an export of what runs");
        // Looking is soon done, and is not given up for a signal.
        let looking = session.gateway.shielded();
        let looking = looking.as_ref().unwrap_or(&session.gateway);
        let stands = self.stands(looking, due.target, due.running);
        self.waits_no_more();
        // It is told by the end as well, where history cannot take it.
        self.told.dry_run = Some(format!(
            "{}; {}",
            match &found {
                Ok(_) => "a dry run was sent, and refuses nothing",
                Err((why, _)) => why,
            },
            match stands.clone() {
                Ok(()) => "right after it the domain was as it was".to_owned(),
                Err(not_seen) => not_seen.why(),
            }
        ));
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
        let fails = |status: Status, why: String| {
            let status = match self.engine.stop.is_requested() {
                true => Status::Interrupted,
                false => status,
            };
            let row = match is_done {
                true => "",
                false => "; a row of it stays in the journal until somebody has looked",
            };
            Trouble::from(Failure::new(status, why + row))
        };
        let taken = taken_before(due);
        match (found, stands) {
            (Ok(missing_keys), Ok(())) => {
                self.name_keys(due.task, &missing_keys)?;
                Ok(missing_keys)
            }
            // Only what was seen makes the confirmation void.
            (Ok(_), Err(NotSeen::Otherwise(changed))) => Err(fails(
                Status::DryRunFailed,
                format!("the confirmation is void: {changed}; no import was sent, and {taken}"),
            )),
            (Ok(_), Err(NotSeen::NotNow(unseen) | NotSeen::NotKnown(unseen))) => Err(fails(
                Status::DeviceError,
                format!(
                    "{device}: the dry run refuses nothing, and what it left could not be looked at: {unseen}; no import was \
                     sent, and {taken}"
                ),
            )),
            (Err((why, as_it_was)), Ok(())) => {
                Err(fails(Status::DryRunFailed, format!("{why}; {as_it_was}")))
            }
            (Err((why, _)), Err(stands)) => Err(fails(
                Status::DryRunFailed,
                format!("{why}; {}; no import was sent, and {taken}", stands.why()),
            )),
        }
    }
}

/// Whether a dry run that was answered so is over: what it asked for cannot come any more.
fn is_over(answer: &Result<DryRunAnswer, SomaError>) -> bool {
    match answer {
        Ok(DryRunAnswer::WouldWork { .. } | DryRunAnswer::WouldFail { .. } | DryRunAnswer::NotKnown(_)) => {
            true
        }
        Ok(DryRunAnswer::Pending(_)) => false,
        Err(error) => error.kind == SomaErrorKind::NotAllowed || is_not_begun(error),
    }
}
