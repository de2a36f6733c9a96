//! A rehearsal: what a spare device says to a backup, and the proof that it was left as it was.
//!
//! An answer does not tell a dry run from a real import, and there may be firmware that imports
//! although it was asked for a dry run. So the spare is looked at before and after, by what it
//! reports of its domains and by an export.

pub mod journal;
pub mod spare;

use std::fs::File;
use std::path::Path;

use crate::artifact::archive::{self, Expected, Limits};
use crate::artifact::compare::{self, ArchiveProof, Side};
use crate::artifact::difference::DomainDifference;
use crate::gateway::Gateway;
use crate::gateway::import_answer::DryRunAnswer;
use crate::gateway::restore::dry_run_is_over;
use crate::run::domains_seen::{DomainsMoved, DomainsSeen};
use crate::run::event::{DeviceFacts, JournalId, TaskId, Undo};
use crate::run::failure::words;
use crate::run::ledger::LedgerError;
use crate::run::not_seen::NotSeen;
use crate::run::rehearse::journal::RehearsalJournal;
use crate::run::same_device::is_the_same;
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::soma::request::ExportedConfiguration;
use crate::values::backup_names::BackupNames;
use crate::values::causes::with_causes;
use crate::values::change::Change;
use crate::values::rehearsal::{RehearsalResult, RehearsalVerdict, SpareProof};
use crate::values::restorable_domain::RestorableDomain;
use crate::values::restore_plan::LocalAddresses;

/// How a rehearsal ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    /// What came of it.
    pub result: RehearsalResult,
    /// Why nothing more is to be asked of the spare, if so: our login is refused, or a signal came.
    pub over: Option<RehearsalsOver>,
    /// Whether what the spare is after the dry run was looked at.
    pub looked: LookAfter,
}

/// Whether a spare was looked at after a dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookAfter {
    /// It was, or nothing was sent to it.
    ToTheEnd,
    /// A look did not show what it is.
    NotToTheEnd,
}

/// Why nothing more is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehearsalsOver {
    /// Trying again would lock the account.
    LoginRefused,
    /// Somebody asked to stop.
    Interrupted,
    /// The name of the spare leads to another device by now, or nobody can tell that it does not.
    AnotherDevice,
}

/// The spare, and what it was when it was found to serve nobody.
#[derive(Clone, Copy, Debug)]
pub struct KnownSpare<'s> {
    /// The way to it.
    pub gateway: &'s Gateway<'s>,
    /// Its name in the plan file.
    pub name: &'s str,
    /// What it has said about itself.
    pub facts: &'s DeviceFacts,
    /// The task whose rehearsal it was seen to be changed by, where nobody has seen since that a dry run leaves it as it is.
    pub changed_by: Option<TaskId>,
}

/// What a device was seen to be.
struct Evidence {
    domains: DomainsSeen,
    /// The running configuration of the domain, where the device has it.
    export: Option<File>,
}

/// What a rehearsal does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehearsalStep {
    /// The spare is looked at.
    LooksBefore,
    /// The dry run is due: who the spare is is asked once more.
    DryRunDue,
    /// The dry run is on its way.
    DryRunSent,
    /// The spare is looked at again; no signal ends that.
    LooksAfter,
}

impl RehearsalStep {
    /// What is waited for.
    pub fn words(self) -> &'static str {
        match self {
            Self::LooksBefore => "looks at the spare before",
            Self::DryRunDue | Self::DryRunSent => "sends the dry run",
            Self::LooksAfter => "looks at the spare after",
        }
    }
}

/// Rehearses one backup: a verified archive of a `do-backup` that holds this domain, with the names of
/// what it has of it. `told` is called with what is done next. A row of the `journal` stays open where nobody has seen
/// the end of the dry run, or how the spare is after it.
pub fn on_spare(
    spare: KnownSpare<'_>,
    journal: &mut RehearsalJournal<'_>,
    (archive, names): (&File, &BackupNames),
    domain: &RestorableDomain,
    scratch: &Path,
    told: &mut dyn FnMut(RehearsalStep),
) -> Rehearsed {
    told(RehearsalStep::LooksBefore);
    let before = match looked_at_before(spare, domain, scratch) {
        Ok(before) => before,
        Err(not_sent) => return not_sent,
    };
    told(RehearsalStep::DryRunDue);
    let row = match before.written_down(spare, journal, domain, scratch) {
        Ok(row) => row,
        Err(why) => return not_sent(why, None),
    };
    let answer = spare.gateway.dry_run(
        spare.facts.serial.as_deref(),
        archive,
        names,
        domain,
        // A spare is never the gateway that was backed up.
        LocalAddresses::Rewrite,
        &mut || told(RehearsalStep::DryRunSent),
    );
    let is_over = dry_run_is_over(&answer);
    let mut ended = match answer {
        Ok(answer) => Rehearsed {
            result: answered(answer),
            over: None,
            looked: LookAfter::NotToTheEnd,
        },
        Err(error) if error.nothing_sent => {
            let mut ended = not_sent(words(&error), over(&error));
            ended.is_written(journal.close(row, "it was not sent"));
            return ended;
        }
        Err(error) => Rehearsed {
            result: RehearsalResult::not_known(SpareProof::NotKnown, words(&error)),
            over: over(&error),
            looked: LookAfter::NotToTheEnd,
        },
    };
    if is_over {
        ended.is_written(journal.is_over(row));
    }
    told(RehearsalStep::LooksAfter);
    ended.is_seen(SpareSeen::looked(spare, &before, domain, scratch));
    ended.is_judged(journal, row, is_over);
    // A spare that imports at a dry run is as it was wherever it has what the backup has.
    if let (SpareProof::Unchanged, Some(task)) = (ended.result.proof, spare.changed_by)
        && !before.would_be_changed_by(archive, domain, scratch)
    {
        ended.result.proof = SpareProof::NotKnown;
        ended.add(&format!(
            "the rehearsal of task {} has changed this spare, and it has in {domain} what the backup has: that nothing \
             differs now proves nothing; look at it",
            task.0
        ));
    }
    ended
}

/// What is said where nothing differs, and the device has not said that it has done with the dry run: it may have been no
/// dry run.
const MAY_COME_YET: &str =
    "nothing differs right after it, and nobody has seen the end of the dry run, which may come yet";

/// What the spare is before anything is sent; the end of the rehearsal where nothing is to be sent.
fn looked_at_before(
    spare: KnownSpare<'_>,
    domain: &RestorableDomain,
    scratch: &Path,
) -> Result<Evidence, Rehearsed> {
    let before = Evidence::take(spare.gateway, domain, scratch).map_err(|error| {
        let why = format!("the spare could not be looked at before: {}", words(&error));
        not_sent(why, over(&error))
    })?;
    if let Some(busy) = before.domains.busy_since(&before.domains, domain.name()) {
        return Err(not_sent(format!("the spare is at work: {busy}"), None));
    }
    // What it says to a dry run then is no word about what it was given.
    if let Some(mode) = before.domains.failsafe(domain.name()) {
        let why = format!("the spare does not run with its own configuration: {mode}");
        return Err(not_sent(why, None));
    }
    // Right before it: what is sent to an ordinary device cannot be taken back.
    is_the_same(spare.gateway, spare.name, spare.facts)
        .map_err(|why| not_sent(why.into(), Some(RehearsalsOver::AnotherDevice)))?;
    Ok(before)
}

fn not_sent(why: String, over: Option<RehearsalsOver>) -> Rehearsed {
    Rehearsed {
        result: RehearsalResult::not_known(SpareProof::NotSent, why),
        over,
        looked: LookAfter::ToTheEnd,
    }
}

/// Whether something would be added or be another, from the first of two to the second.
fn moves_anything(domain: &DomainDifference) -> bool {
    let moves = |change: Change| change != Change::Removed;
    domain.whole.is_some_and(moves)
        || domain.objects.iter().any(|one| moves(one.change))
        || domain.files.iter().any(|one| moves(one.change))
}

/// What was seen of the spare afterwards.
struct SpareSeen {
    proof: SpareProof,
    why: Vec<String>,
    over: Option<RehearsalsOver>,
    /// Whether it is not known now, and may be a moment later.
    may_pass: bool,
}

impl SpareSeen {
    /// What was seen, to the end: looking is soon done, and is not given up for a signal.
    fn looked(spare: KnownSpare<'_>, before: &Evidence, domain: &RestorableDomain, scratch: &Path) -> Self {
        let shielded = spare.gateway.shielded();
        let looking = KnownSpare {
            gateway: shielded.as_ref().unwrap_or(spare.gateway),
            ..spare
        };
        // What does not show for a moment is looked at again, unless somebody waits for the end.
        let seen = looking
            .gateway
            .look_until_told(
                spare.gateway.stop(),
                Self::may_tell_more,
                &mut || match Self::look(looking, before, domain, scratch) {
                    seen if seen.may_pass => Err(seen),
                    seen => Ok(seen),
                },
            );
        seen.unwrap_or_else(|seen| seen)
    }

    fn may_tell_more(&self) -> bool {
        self.may_pass
    }

    fn look(spare: KnownSpare<'_>, before: &Evidence, domain: &RestorableDomain, scratch: &Path) -> Self {
        let KnownSpare {
            gateway, name, facts, ..
        } = spare;
        let mut seen = match Evidence::take(gateway, domain, scratch) {
            Ok(after) => {
                let (proof, why) = before.compared(&after, domain, scratch);
                Self {
                    proof,
                    why: why.into_iter().collect(),
                    over: None,
                    may_pass: proof == SpareProof::NotKnown,
                }
            }
            Err(error) => {
                let not_seen = NotSeen::by(&error, |why| {
                    format!("the spare could not be looked at after: {why}")
                });
                Self {
                    proof: SpareProof::NotKnown,
                    over: over(&error),
                    may_pass: not_seen.may_pass(),
                    why: vec![not_seen.into()],
                }
            }
        };
        // What another device is now says nothing of this one.
        if let Err(not_seen) = is_the_same(gateway, name, facts) {
            seen.proof = SpareProof::NotKnown;
            seen.over = seen.over.or(Some(RehearsalsOver::AnotherDevice));
            seen.may_pass = not_seen.may_pass();
            seen.why.push(not_seen.into());
        }
        seen
    }
}

impl Rehearsed {
    /// So the spare was seen to be afterwards.
    fn is_seen(&mut self, seen: SpareSeen) {
        self.over = self.over.or(seen.over);
        self.result.proof = seen.proof;
        if seen.proof != SpareProof::NotKnown {
            self.looked = LookAfter::ToTheEnd;
        }
        for why in seen.why {
            self.add(&why);
        }
    }

    /// What was seen is the end of it, or is judged by a later look. A change is told by the rehearsal itself.
    fn is_judged(&mut self, journal: &mut RehearsalJournal<'_>, row: JournalId, is_over: bool) {
        let how = match self.result.proof {
            SpareProof::Unchanged if is_over => Some("the spare was as it was after the dry run"),
            SpareProof::Changed => Some("the spare was seen not to be as it was before the dry run"),
            SpareProof::Unchanged => {
                self.result.proof = SpareProof::NotKnown;
                self.add(MAY_COME_YET);
                None
            }
            SpareProof::NotKnown | SpareProof::NotSent => None,
        };
        match how {
            Some(how) => self.is_written(journal.close(row, how)),
            None => self.add("a row of it stays in the journal until somebody has looked"),
        }
    }

    /// Whatever the journal could not take is told; what it has not closed is looked at later.
    fn is_written(&mut self, written: Result<(), LedgerError>) {
        if let Err(error) = written {
            self.add(&format!(
                "that could not be written into the journal: {}",
                with_causes(&error)
            ));
        }
    }

    fn add(&mut self, why: &str) {
        let message = self.result.message.take();
        self.result.message =
            Some(message.map_or_else(|| why.to_owned(), |message| format!("{message}; {why}")));
    }
}

fn over(error: &SomaError) -> Option<RehearsalsOver> {
    if error.kind == SomaErrorKind::Interrupted {
        return Some(RehearsalsOver::Interrupted);
    }
    if error.kind == SomaErrorKind::OtherDevice {
        return Some(RehearsalsOver::AnotherDevice);
    }
    error.kind.is_of_login().then_some(RehearsalsOver::LoginRefused)
}

fn answered(answer: DryRunAnswer) -> RehearsalResult {
    let (verdict, refused, missing_keys, message) = match answer {
        DryRunAnswer::WouldWork { missing_keys } => {
            (RehearsalVerdict::WouldWork, Vec::new(), missing_keys, None)
        }
        DryRunAnswer::WouldFail {
            refused,
            missing_keys,
        } => (RehearsalVerdict::WouldFail, refused, missing_keys, None),
        DryRunAnswer::NotKnown(why) | DryRunAnswer::Pending(why) => {
            (RehearsalVerdict::NotKnown, Vec::new(), Vec::new(), Some(why))
        }
    };
    RehearsalResult {
        verdict,
        proof: SpareProof::NotKnown,
        refused,
        missing_keys,
        message,
    }
}

impl Evidence {
    fn take(gateway: &Gateway<'_>, domain: &RestorableDomain, scratch: &Path) -> Result<Evidence, SomaError> {
        let domains = DomainsSeen::ask(gateway)?;
        let has_it = domains.or_configuration_has(gateway, domain)?;
        let export = match has_it {
            false => None,
            true => {
                let local = |error: std::io::Error| SomaError::new(SomaErrorKind::Local(error.kind()), error);
                let mut file = archive::nameless(scratch).map_err(local)?;
                gateway.export(
                    &[domain.name()],
                    ExportedConfiguration::Running,
                    None,
                    &mut file,
                    &mut |_| {},
                )?;
                Some(file)
            }
        };
        Ok(Evidence { domains, export })
    }

    /// The row of a dry run that is about to be sent; or why none can be.
    fn written_down(
        &self,
        spare: KnownSpare<'_>,
        journal: &mut RehearsalJournal<'_>,
        domain: &RestorableDomain,
        scratch: &Path,
    ) -> Result<JournalId, String> {
        let expected = Expected::domain(domain.name());
        let read = |file| archive::verify(file, scratch, &expected, &Limits::default());
        let report = self.export.as_ref().map(read).transpose().map_err(|error| {
            format!(
                "what the spare exported before cannot be read: {}",
                with_causes(&error)
            )
        })?;
        let content = report.map(|report| report.content);
        let undo = Undo::DryRun {
            domain: domain.name().to_owned(),
            before: None,
            content,
        };
        let serial = spare.facts.serial.as_deref();
        journal
            .open((spare.gateway, spare.name, serial), undo)
            .map_err(|error| {
                format!(
                    "that it is sent could not be written into the journal: {}",
                    with_causes(&error)
                )
            })
    }

    /// Whether an import of this backup would change the domain, as far as is known: what only the spare has stays.
    fn would_be_changed_by(&self, archive: &File, domain: &RestorableDomain, scratch: &Path) -> bool {
        let Some(export) = &self.export else {
            return true;
        };
        let expected = Expected::domain(domain.name());
        let side = |file| Side {
            file,
            proof: ArchiveProof::Missing(&expected),
            only: Some(domain.name()),
        };
        compare::compare(side(export), side(archive), 0, scratch)
            .is_ok_and(|difference| difference.domains.iter().any(moves_anything))
    }

    /// What differs between two looks, and what cannot be told.
    fn compared(
        &self,
        after: &Evidence,
        domain: &RestorableDomain,
        scratch: &Path,
    ) -> (SpareProof, Option<String>) {
        let DomainsMoved {
            mut changes,
            not_told: mut not_known,
        } = self.domains.until(&after.domains);
        // It may be the import that was to be tried only.
        if let Some(busy) = self.domains.busy_since(&after.domains, domain.name()) {
            not_known = Some(format!("whether the spare stays as it was is not known: {busy}"));
        }
        let moved = |what: String, changes: &mut Vec<String>| {
            if !changes.contains(&what) {
                changes.push(what);
            }
        };
        match (&self.export, &after.export) {
            (Some(old), Some(new)) => {
                let expected = Expected::domain(domain.name());
                // Which properties differ is a matter of `diff`: that an object does is enough here.
                let detailed = 0;
                let side = |file| Side {
                    file,
                    proof: ArchiveProof::Missing(&expected),
                    only: Some(domain.name()),
                };
                match compare::compare(side(old), side(new), detailed, scratch) {
                    Ok(difference) => changes.extend(difference.named()),
                    Err(error) => {
                        not_known = Some(format!(
                            "what the spare exported before and after cannot be compared: {}",
                            with_causes(&error)
                        ));
                    }
                }
            }
            // It may stand in the configuration alone.
            (None, Some(_)) => moved(format!("domain {domain} was made"), &mut changes),
            (Some(_), None) => moved(format!("domain {domain} is gone"), &mut changes),
            (None, None) => {}
        }
        match (changes.is_empty(), not_known) {
            (false, _) => {
                let why = format!(
                    "the spare is not as it was before, by this or by somebody else: {}",
                    changes.join(", ")
                );
                (SpareProof::Changed, Some(why))
            }
            (true, Some(why)) => (SpareProof::NotKnown, Some(why)),
            (true, None) => (SpareProof::Unchanged, None),
        }
    }
}
