//! The dry run before an import.

use crate::gateway::import_results::DryRunAnswer;
use crate::run::failure::{Failure, Trouble, words};
use crate::run::restore::Restoring;
use crate::run::restore::due::{DueImport, taken_before};
use crate::run::restore::running::NAMED;
use crate::run::session::Session;
use crate::run::status::Status;
use crate::values::first_few::first_few;

impl<'a> Restoring<'_, 'a, '_> {
    /// The dry run; gives the keys that it misses. Whatever it says, the device is looked at after
    /// it: an answer does not tell a dry run from a real one.
    pub(super) fn try_it(
        &mut self,
        session: &Session<'a>,
        due: &DueImport<'_>,
    ) -> Result<Vec<String>, Trouble> {
        self.record.task_status(due.task, Status::DryRun)?;
        self.waits("the dry run");
        let facts = due.confirmed.facts();
        let answer = session.gateway.dry_run(
            due.confirmed.archive(),
            &self.source.names,
            &facts.domain,
            facts.local_addresses,
        );
        self.waits_no_more();
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
            Ok(DryRunAnswer::NotKnown(why)) => Err((
                format!("{device}: what the dry run says is not known: {why}"),
                as_it_was_then,
            )),
            Err(error) => Err((format!("{device}: {}", words(&error)), as_it_was_then)),
        };
        self.waits("an export of what runs");
        let stands = self.stands(&session.gateway, due.target, due.running);
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
                "the confirmation is void: {changed}; no import was sent, and {taken}"
            ))),
            (Err((why, as_it_was)), Ok(())) => Err(fails(format!("{why}; {as_it_was}"))),
            (Err((why, _)), Err(changed)) => Err(fails(format!(
                "{why}; {changed}; no import was sent, and {taken}"
            ))),
        }
    }
}
