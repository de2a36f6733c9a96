//! What came out of an import: what runs now, how the device stands, and whether it is saved.

use crate::gateway::Gateway;
use crate::gateway::asked::is_not_begun;
use crate::gateway::domains::QuiesceState;
use crate::run::domains_seen::DomainsSeen;
use crate::run::event::{JournalId, Owner};
use crate::run::failure::{Failure, Trouble, words};
use crate::run::ledger::{LedgerError, UndoStep};
use crate::run::not_seen::NotSeen;
use crate::run::restore::Restoring;
use crate::run::restore::due::{DueImport, taken_before};
use crate::run::restore::order::Saved;
use crate::run::restore::running::{Deviation, but_for_saved, deviation, difference};
use crate::run::running_domain::RunningDomain;
use crate::run::same_device::is_the_same;
use crate::run::session::Session;
use crate::run::status::Status;
use crate::values::restore_plan::SaveAfter;

/// Why a device has not said that it has saved.
struct SaveNotConfirmed {
    why: String,
    /// Whether it was asked, so that it may save yet.
    is_asked: bool,
}

impl SaveNotConfirmed {
    /// Nobody asked it.
    fn not_asked(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_asked: false,
        }
    }
}

/// What somebody saw after an import.
pub(super) struct CameOut<'g> {
    /// The device, over a connection of its own and deaf to the wish to stop: looking is soon done.
    gateway: Gateway<'g>,
    runs: RunningDomain,
    /// What runs otherwise than it was to.
    pub(super) deviation: Deviation,
    domains: DomainsSeen,
}

impl<'a> Restoring<'_, 'a, '_> {
    /// Looks at what came out. That the device is the same is asked last, for an export of another one
    /// proves nothing.
    pub(super) fn look_at_what_came_out(
        &mut self,
        session: &Session<'a>,
        due: &DueImport<'_>,
    ) -> Result<CameOut<'a>, String> {
        self.waits("an export of what came out");
        let domain = &self.source.domain;
        let look = |gateway: &Gateway<'a>| {
            let runs = RunningDomain::take(gateway, domain, &self.scratch)?;
            let archive = due.confirmed.archive();
            let deviation = deviation(due.merge, archive, due.running, &runs, domain, &self.scratch)
                .map_err(NotSeen::NotKnown)?;
            let domains = DomainsSeen::ask(gateway).map_err(|error| NotSeen::by(&error, |why| why))?;
            is_the_same(gateway, &self.device.name, &due.target.facts)?;
            Ok((runs, deviation, domains))
        };
        let came_out = session.gateway.shielded().map_err(|error| words(&error));
        let came_out = came_out.and_then(|gateway| {
            // What does not show for a moment is looked at again: nothing else can say what came out.
            let looked = gateway.look_until_told(self.engine.stop, NotSeen::may_pass, &mut || look(&gateway));
            let (runs, deviation, domains) = looked?;
            Ok(CameOut {
                gateway,
                runs,
                deviation,
                domains,
            })
        });
        self.waits_no_more();
        came_out
    }

    /// What follows an import that the device says is done.
    pub(super) fn settle(
        &mut self,
        due: &DueImport<'_>,
        journal: JournalId,
        came_out: CameOut<'a>,
    ) -> Result<(), Trouble> {
        self.stands_afterwards(due, &came_out)?;
        let wants_it_saved = due.confirmed.facts().save == SaveAfter::Yes;
        if let Some(differs) = came_out.deviation.words() {
            self.told.deviation = Some(came_out.deviation.difference);
            let saved = match wants_it_saved {
                true => "; nobody asked the device to save it",
                false => "",
            };
            let why = format!(
                "what came out is not what was to come out: {differs}{saved}; {}",
                taken_before(due)
            );
            return Err(Failure::new(Status::ImportFailed, why).into());
        }
        self.strike_out_older(due)?;
        if wants_it_saved {
            // Whoever finds the row of a process that died now knows what was seen, and what was asked for.
            self.record.step_undo(journal, UndoStep::Seen)?;
        }
        let asked = match wants_it_saved {
            true => self.save(due, &came_out),
            false => Ok(()),
        };
        let (saved, seen) = self.is_saved(due, &came_out);
        self.told.deviation = Some(came_out.deviation.difference);
        self.tell_saved(due, asked, (saved, seen))
    }

    /// Whether it is saved, by what came of asking for that and by what was `seen`.
    fn tell_saved(
        &mut self,
        due: &DueImport<'_>,
        asked: Result<(), SaveNotConfirmed>,
        (saved, seen): (Saved, String),
    ) -> Result<(), Trouble> {
        let task = due.task;
        self.told.saved = saved;
        let not_known = |why: &str| format!("whether it is saved is not known: {why}");
        let told = match (saved, asked) {
            (Saved::Yes, Ok(())) => return Ok(self.record.note(Owner::Task(task), seen)?),
            (Saved::No, Ok(())) if due.confirmed.facts().save == SaveAfter::No => {
                let note = format!(
                    "{} of {} has unsaved changes now: a restart takes the import back until somebody saves it",
                    self.source.domain, self.device.name
                );
                return Ok(self.record.note(Owner::Task(task), note)?);
            }
            // What did not end may go on.
            (Saved::Yes, Err(failed)) => {
                self.told.saved = Saved::NotKnown;
                not_known(&format!("{}; {seen}", failed.why))
            }
            // What was seen may be from before the device has saved.
            (Saved::No, Err(SaveNotConfirmed { why, is_asked: true })) => {
                self.told.saved = Saved::NotKnown;
                not_known(&format!(
                    "{why}; {seen} right after that, and may save it yet: look at it"
                ))
            }
            (Saved::No, Ok(())) => format!("it is not saved: {seen}"),
            (Saved::No, Err(failed)) => format!("it is not saved: {}; {seen}", failed.why),
            (Saved::NotImported | Saved::NotKnown, Ok(())) => not_known(&seen),
            (Saved::NotImported | Saved::NotKnown, Err(failed)) => {
                not_known(&format!("{}; {seen}", failed.why))
            }
        };
        Ok(self.warn(task, told)?)
    }

    /// Warns of what the device reports of its domains after the import, and did not before it.
    pub(super) fn stands_afterwards(
        &mut self,
        due: &DueImport<'_>,
        came_out: &CameOut<'a>,
    ) -> Result<(), LedgerError> {
        let domain = self.source.domain.name().to_owned();
        let unsaved = format!("domain {domain} has unsaved changes");
        let mut changes = due.target.domains.until(&came_out.domains).changes;
        // That is what an import does.
        changes.retain(|change| *change != unsaved);
        changes.extend(due.target.domains.busy_since(&came_out.domains, &domain));
        let own = came_out.domains.of_domain(&domain);
        if let Some(QuiesceState::NotTold(why)) = own.map(|row| &row.quiesce) {
            changes.push(format!("whether {domain} is quiesced is not known: {why}"));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let told = format!(
            "after the import {} is not as it was besides: {}: look at it",
            self.device.name,
            changes.join(", ")
        );
        self.warn(due.task, told)
    }

    /// Saves.
    fn save(&self, due: &DueImport<'_>, came_out: &CameOut<'a>) -> Result<(), SaveNotConfirmed> {
        if self.engine.stop.is_requested() {
            return Err(SaveNotConfirmed::not_asked(
                "nobody asked the device to save it, because the restore was asked to stop",
            ));
        }
        is_the_same(&came_out.gateway, &self.device.name, &due.target.facts).map_err(|why| {
            SaveNotConfirmed::not_asked(format!("nobody asked the device to save it: {}", why.why()))
        })?;
        let asked = came_out.gateway.save_restored(due.confirmed);
        asked.map_err(|error| SaveNotConfirmed {
            why: words(&error),
            is_asked: !is_not_begun(&error),
        })
    }

    /// Whether what runs is saved, and what was seen of that: the device's own word, and what it exports
    /// as saved.
    fn is_saved(&self, due: &DueImport<'_>, came_out: &CameOut<'a>) -> (Saved, String) {
        let looked = || -> Result<(Saved, String), String> {
            let gateway = &came_out.gateway;
            let domain = &self.source.domain;
            let domains = DomainsSeen::ask(gateway).map_err(|error| words(&error))?;
            let Some(row) = domains.of_domain(domain.name()) else {
                return Err("the device does not list the domain any more".to_owned());
            };
            let is_this = || is_the_same(gateway, &self.device.name, &due.target.facts).map_err(NotSeen::why);
            if row.save_needed == Some(true) {
                is_this()?;
                return Ok((Saved::No, "the device lists unsaved changes".to_owned()));
            }
            let kept = RunningDomain::saved(gateway, domain, &self.scratch)?;
            let differs = difference(&came_out.runs.file, &kept.file, domain, &self.scratch)?;
            let differs = but_for_saved(differs, domain);
            is_this()?;
            let said = match row.save_needed {
                Some(_) => "the device lists no unsaved changes",
                None => "the device does not tell whether it has unsaved changes",
            };
            Ok(match (row.save_needed, differs.domains.is_empty()) {
                (Some(_), true) => (
                    Saved::Yes,
                    format!("{said}, and what it exports as saved is what runs"),
                ),
                (None, true) => (
                    Saved::NotKnown,
                    format!("{said}; what it exports as saved is what runs"),
                ),
                (_, false) => (
                    Saved::NotKnown,
                    format!(
                        "{said}, and what it exports as saved is not what ran when that was looked at: {}",
                        differs.named().join(", ")
                    ),
                ),
            })
        };
        looked().unwrap_or_else(|why| (Saved::NotKnown, why))
    }
}
