//! A restore: one domain out of a backup, laid over the domain of that name, step by step.
//!
//! Until a person has confirmed, the device is only asked: how it stands, and for an export of
//! what is there now, which is kept as a backup of its own. An import is a merge, without a
//! transaction and without an undo; so everything that can be known is known before it is sent,
//! and what came out is looked at after it.

mod backed_up;
mod came_out;
mod dry_run;
mod due;
mod end;
mod import;
mod known_import;
mod older;
pub mod order;
mod running;
mod target;

use std::fs::File;
use std::path::PathBuf;

use crate::artifact::difference::Difference;
use crate::exit::Exit;
use crate::gateway::facts::tells_apart;
use crate::lock::Lock;
use crate::plan::model::Device;
use crate::run::contact::Devices;
use crate::run::error::RunError;
use crate::run::event::{DeviceFacts, JournalId, Owner, PlanId, PlanOpening, TaskId, Undo};
use crate::run::execution::{PlanEnd, RecordedEnd, to_its_end};
use crate::run::failure::{Failure, Trouble};
use crate::run::held::{LockFor, LockOutcome, LockWait, busy};
use crate::run::ledger::{JournalEntry, LedgerError};
use crate::run::record::Record;
use crate::run::recover::rows::other_at_work;
use crate::run::recover::told::note;
use crate::run::restore::order::{
    RestoreOptions, RestoreOrder, RestoreProposal, RestoreSource, RestoreTold, needed_nothing,
};
use crate::run::restore::running::{is_same, merge_difference};
use crate::run::running_domain::RunningDomain;
use crate::run::session::{Contact, Session};
use crate::run::status::Status;
use crate::run::{Engine, recover, store};
use crate::values::restorable_domain::RestorableDomain;
use crate::values::restore_name::restore_name;
use crate::values::restore_plan::{
    ConfirmedRestore, LocalAddresses, RestoreConfirmation, RestoreFacts, RestorePlan, SaveAfter,
};

/// Restores, from a row in history to its end. `confirm` is shown the plan, and gives what the
/// person says to it.
pub fn run<'a>(
    engine: Engine<'a>,
    record: &mut Record<'_>,
    devices: &mut Devices<'a>,
    order: RestoreOrder<'a>,
    confirm: &mut dyn FnMut(&RestoreProposal<'_>) -> Option<RestoreConfirmation>,
) -> Result<(PlanEnd, RestoreTold), RunError> {
    let mut told = RestoreTold::default();
    let end = to_its_end(engine, record, |record| {
        let RestoreOrder {
            source,
            archive,
            device,
            options,
            scratch,
        } = order;
        let name = restore_name(&device.name, source.domain.name());
        let id = record.open_plan(opening(engine, &name))?;
        let mut restoring = Restoring {
            engine,
            record: &mut *record,
            source,
            device,
            options,
            scratch,
            id,
            name,
            left_by_dead: Vec::new(),
            warnings: Vec::new(),
            told: &mut told,
        };
        let (status, error) = match restoring.walk(devices, archive, confirm) {
            Ok(()) => restoring.good_end(),
            Err(trouble) => restoring.bad_end(trouble.failure()?),
        };
        record.end_plan(id, status, error.clone())?;
        Ok(RecordedEnd { id, status, error })
    });
    match end {
        Ok(end) => Ok((end, told)),
        // What stands on the device is the graver matter, and can be read nowhere else.
        Err(error) => Err(match &told.import {
            Some(known) => error.behind(&known.words, (!known.is_good).then_some(Exit::Failed)),
            None => match &told.dry_run {
                Some(known) => error.behind(&format!("{known}; no import was sent"), None),
                None => error.behind("no import was sent", None),
            },
        }),
    }
}

/// One that is refused before its device is asked anything: its row in history, and no more.
pub fn refuse(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    device: &Device,
    domain: &RestorableDomain,
    failure: Failure,
) -> Result<PlanEnd, RunError> {
    to_its_end(engine, record, |record| {
        let id = record.open_plan(opening(engine, &restore_name(&device.name, domain.name())))?;
        let Failure { status, message } = failure;
        let error = Some(message);
        record.end_plan(id, status, error.clone())?;
        Ok(RecordedEnd { id, status, error })
    })
}

fn opening(engine: Engine<'_>, name: &str) -> PlanOpening {
    PlanOpening {
        plan: name.to_owned(),
        plan_file: engine.file.path.clone(),
        process: engine.process.to_owned(),
        window_ignored: false,
    }
}

/// A restore on its way.
struct Restoring<'w, 'a, 'r> {
    engine: Engine<'a>,
    record: &'w mut Record<'r>,
    source: RestoreSource,
    device: &'a Device,
    options: RestoreOptions,
    scratch: PathBuf,
    id: PlanId,
    /// Its name in history.
    name: String,
    /// What runs that died have left open, by its row in the journal.
    left_by_dead: Vec<(JournalId, String)>,
    warnings: Vec<String>,
    told: &'w mut RestoreTold,
}

impl<'a> Restoring<'_, 'a, '_> {
    /// Every step, in order.
    fn walk(
        &mut self,
        devices: &mut Devices<'a>,
        archive: File,
        confirm: &mut dyn FnMut(&RestoreProposal<'_>) -> Option<RestoreConfirmation>,
    ) -> Result<(), Trouble> {
        store::make_ready(&self.engine.file.settings)?;
        let recovery = recover::recover_first(self.engine, self.record)?;
        self.left_by_dead = note(self.record, Owner::Plan(self.id), &recovery)?;
        let mut lock = Some(self.lock_device()?);
        let session = match devices.contact(self.device) {
            Contact::Up(session) => session,
            Contact::Down(why) => return Err(refused(why.clone()).into()),
            Contact::Bad(failure) => return Err(refused(failure.message.clone()).into()),
        };
        let target = self.look_at_target(session)?;
        let mut serial_lock = self.lock_serial(&target.facts)?;
        self.record.plan_status(self.id, Status::Running)?;
        let before = self.back_up_before(session)?;
        let running = self.running(session)?;
        let difference =
            merge_difference(&running, &archive, &self.source.domain, &self.scratch).map_err(refused)?;
        let failsafe = target.domains.failsafe(self.source.domain.name());
        let facts = self.facts(&target.facts, (target.has_unsaved, failsafe), &running)?;
        let needs_nothing = self.needs_nothing(&facts, &difference);
        let plan = RestorePlan::new(facts, archive);
        if self.options.waits_for_a_person {
            drop((lock.take(), serial_lock.take()));
        }
        let confirmation = confirm(&RestoreProposal {
            source: &self.source,
            plan: &plan,
            difference: &difference,
            before,
            has_unsaved: target.has_unsaved,
            doubts: &target.doubts,
            needs_nothing,
        });
        self.goes_on("its plan was shown; nothing was imported")?;
        if needs_nothing && !matches!(confirmation, Some(RestoreConfirmation::NotShown(_))) {
            let note = needed_nothing(self.source.domain.name(), &self.device.name, target.has_unsaved);
            self.told.needed_nothing = Some(note.clone());
            return Ok(self.record.note(Owner::Plan(self.id), note)?);
        }
        let (confirmed, confirmation) = self.agreed(plan, confirmation)?;
        // Whoever had it meanwhile may have changed what is looked at now.
        let _locks = match lock {
            Some(lock) => (lock, serial_lock),
            None => (self.lock_device()?, self.lock_serial(&target.facts)?),
        };
        let target = self.still_holds(session, &target, &running, &confirmation)?;
        self.import_confirmed(session, &target, &confirmed, &running, &difference)
    }

    /// The backup of what is there now: without one nothing is imported.
    fn back_up_before(&mut self, session: &mut Session<'a>) -> Result<TaskId, Trouble> {
        let before = self.back_up(session, None).or_else(|trouble| {
            let Failure { status, message } = trouble.failure()?;
            let why = "what is there now could not be backed up, and nothing was imported";
            Err(Trouble::from(Failure::new(status, format!("{why}: {message}"))))
        })?;
        self.told.before = Some(before);
        Ok(before)
    }

    /// The plan as it was confirmed, and by what; a failure where it was not.
    fn agreed(
        &mut self,
        plan: RestorePlan,
        confirmation: Option<RestoreConfirmation>,
    ) -> Result<(ConfirmedRestore, RestoreConfirmation), Trouble> {
        let word = plan.word();
        let Some(confirmation) = confirmation else {
            return Err(self
                .not_confirmed("its plan was shown, and is not confirmed")
                .into());
        };
        let Some(confirmed) = plan.confirmed(&confirmation) else {
            let why = match confirmation {
                RestoreConfirmation::TypedName(_) => {
                    "what was typed is not the name of the domain".to_owned()
                }
                RestoreConfirmation::NotShown(why) => format!("its plan could not be shown: {why}"),
                RestoreConfirmation::Word(_) => format!(
                    "the word is not the one of this plan, which is {word}: it was mistyped, or the backup, the \
                     target or an option is another than when the plan was shown"
                ),
            };
            return Err(self.not_confirmed(&why).into());
        };
        self.record
            .note(Owner::Plan(self.id), format!("confirmed: {word}"))?;
        Ok((confirmed, confirmation))
    }

    /// What is to be confirmed.
    fn facts(
        &mut self,
        target: &DeviceFacts,
        (has_unsaved, failsafe): (Option<bool>, Option<String>),
        running: &RunningDomain,
    ) -> Result<RestoreFacts, LedgerError> {
        let same = self.is_of(target);
        let open_imports = self.older_imports(target.serial.as_deref())?;
        Ok(RestoreFacts {
            task: self.source.task.0,
            archive_sha256: self.source.sha256.clone(),
            domain: self.source.domain.clone(),
            device: self.device.name.clone(),
            address: self.device.address().to_string(),
            trust: self.device.tls.to_string(),
            serial: target.serial.clone(),
            firmware: target.firmware_version.clone(),
            running: running.content.clone(),
            local_addresses: match same {
                true => LocalAddresses::Keep,
                false => LocalAddresses::Rewrite,
            },
            save: self.options.save,
            has_unsaved,
            failsafe,
            allows_unsaved: self.options.allows_unsaved,
            allows_other_firmware: self.options.allows_other_firmware,
            open_imports: open_imports.iter().map(|row| row.id.0).collect(),
        })
    }

    /// Whether an import would change nothing at all, nor a save after it; and no earlier import waits for one that comes out.
    fn needs_nothing(&self, facts: &RestoreFacts, difference: &Difference) -> bool {
        let saves = facts.save == SaveAfter::Yes && facts.has_unsaved != Some(false);
        let rewrites = facts.local_addresses == LocalAddresses::Rewrite;
        if saves || rewrites || !is_same(difference, &self.source.domain) {
            return false;
        }
        facts.open_imports.is_empty()
    }

    /// Whether the backup is of the device that is restored. A serial number that every virtual gateway has tells nothing
    /// of two addresses.
    fn is_of(&self, target: &DeviceFacts) -> bool {
        let Some(serial) = target.serial.as_deref() else {
            return false;
        };
        let is_at_its_address = || {
            let source = self.engine.file.device(&self.source.device);
            source.is_some_and(|source| source.address() == self.device.address())
        };
        self.source.verified.serial_number.as_deref() == Some(serial)
            && (tells_apart(serial) || is_at_its_address())
    }

    fn not_confirmed(&self, why: &str) -> Failure {
        Failure::new(
            Status::RestoreNotConfirmed,
            format!("{why}; nothing was imported"),
        )
    }

    /// A failure where somebody has asked to stop.
    fn goes_on(&self, doing: &str) -> Result<(), Failure> {
        match self.engine.stop.is_requested() {
            true => Err(Failure::new(Status::Interrupted, doing)),
            false => Ok(()),
        }
    }

    /// The lock of the device, which nobody else is at.
    fn lock_device(&mut self) -> Result<Lock, Trouble> {
        let lock = self.lock(LockFor::Device(self.device))?;
        match other_at_work(self.engine, self.record, self.device)? {
            Some(other) => Err(refused(other).into()),
            None => Ok(lock),
        }
    }

    /// That of its serial number: another name of the same device has another lock.
    fn lock_serial(&mut self, facts: &DeviceFacts) -> Result<Option<Lock>, Trouble> {
        let serial = facts.serial.as_deref();
        let Some(serial) = serial.filter(|serial| tells_apart(serial)) else {
            return Ok(None);
        };
        let device = self.device;
        self.lock(LockFor::SerialNumber { device, serial }).map(Some)
    }

    /// A lock of the device.
    fn lock(&mut self, what: LockFor<'_>) -> Result<Lock, Trouble> {
        let record = &mut *self.record;
        let taken =
            LockWait::of(self.engine, &self.name, self.options.lock_wait).take(what, &mut |progress| {
                record.show(progress);
            })?;
        match taken {
            LockOutcome::Held(lock) => Ok(lock),
            LockOutcome::Stopped => {
                Err(Failure::new(Status::Interrupted, "another run had the device").into())
            }
            LockOutcome::Busy(holder) => {
                let device = &self.device.name;
                let why = format!("{device} is {}", busy(&holder, self.options.lock_wait));
                Err(Failure::new(Status::Locked, why).into())
            }
        }
    }
}

/// The target, or something on the way to it, is not as it must be.
fn refused(why: impl Into<String>) -> Failure {
    Failure::new(Status::RestoreRefused, why)
}

/// What a row is about, of the two that it may be.
fn import_or_dry_run(row: &JournalEntry) -> &'static str {
    match row.undo {
        Undo::DryRun { .. } => "the dry run",
        _ => "the import",
    }
}
