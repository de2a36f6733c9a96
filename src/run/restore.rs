//! A restore: one domain out of a backup, laid over the domain of that name, step by step.
//!
//! Until a person has confirmed, the device is only asked: how it stands, and for an export of
//! what is there now, which is kept as a backup of its own. An import is a merge, without a
//! transaction and without an undo; so everything that can be known is known before it is sent,
//! and what came out is looked at after it.

mod import;
mod running;
mod target;

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use crate::artifact::archive::ArchiveReport;
use crate::artifact::compare::Difference;
use crate::lock::{Lock, LockError};
use crate::plan::model::{Action, Activity, Device, Domains, ErrorPolicy, PostScriptWhen};
use crate::run::Engine;
use crate::run::contact::{Contact, Devices, Session};
use crate::run::error::{RunError, RunTrouble};
use crate::run::event::{
    ActionKind, ActivityId, ActivityOpening, DeviceFacts, Event, Owner, PlanId, PlanOpening, TaskId,
    TaskOpening,
};
use crate::run::execution::{PlanEnd, RecordedEnd, to_its_end};
use crate::run::failure::{Failure, Trouble};
use crate::run::held::{LockFor, LockOutcome, LockWait};
use crate::run::ledger::LedgerError;
use crate::run::record::Record;
use crate::run::recover;
use crate::run::recover::rows::other_at_work;
use crate::run::recover::told::note;
use crate::run::restore::running::{RunningDomain, merge_difference};
use crate::run::status::{Class, Status};
use crate::run::store;
use crate::run::task::{self, Task};
use crate::values::device_pattern::DevicePatterns;
use crate::values::pattern::PatternList;
use crate::values::restorable_domain::RestorableDomain;
use crate::values::restore_plan::{
    LocalAddresses, RestoreConfirmation, RestoreFacts, RestorePlan, SaveAfter,
};

/// What is asked for.
#[derive(Debug)]
pub struct RestoreOrder<'a> {
    /// The backup.
    pub source: RestoreSource,
    /// Its archive: a private copy that was verified.
    pub archive: File,
    /// The device whose domain it is laid over.
    pub device: &'a Device,
    /// How a person may bend it.
    pub options: RestoreOptions,
    /// A folder for nameless files.
    pub scratch: PathBuf,
}

/// A backup that was proved to be what was stored.
#[derive(Clone, Debug)]
pub struct RestoreSource {
    /// The task that stored it.
    pub task: TaskId,
    /// The device that it is of.
    pub device: String,
    /// Its domain.
    pub domain: RestorableDomain,
    /// SHA-256 of the archive.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
    /// What it holds.
    pub report: ArchiveReport,
}

/// How a person may bend a restore.
#[derive(Clone, Copy, Debug)]
pub struct RestoreOptions {
    /// How long a device that another run has is waited for.
    pub lock_wait: Duration,
    /// Whether it is saved.
    pub save: SaveAfter,
    /// Import into another firmware than the backup's, an older one too.
    pub allows_other_firmware: bool,
    /// Import over changes that nobody has saved.
    pub allows_unsaved: bool,
}

/// What is shown to whoever is to confirm.
#[derive(Debug)]
pub struct RestoreProposal<'p> {
    /// The backup.
    pub source: &'p RestoreSource,
    /// What is to be confirmed.
    pub plan: &'p RestorePlan,
    /// From what runs there now to what is in the backup. What would be removed stays, for it is
    /// a merge.
    pub difference: &'p Difference,
    /// The task that took what is there now.
    pub before: TaskId,
    /// Whether that has changes that are not saved; nothing where the device does not tell.
    pub has_unsaved: Option<bool>,
    /// What is not as one would wish, a sentence each.
    pub doubts: &'p [String],
}

/// What is told of a restore beside its end.
#[derive(Clone, Debug, Default)]
pub struct RestoreTold {
    /// The task that took what was there before.
    pub before: Option<TaskId>,
    /// The task that took what came out.
    pub after: Option<TaskId>,
    /// How many objects the device says it has imported; nothing where it did not say so of all.
    pub objects: Option<usize>,
    /// What came out otherwise than it was to, from the backup to what runs; nothing where nobody
    /// could look.
    pub deviation: Option<Difference>,
    /// Whether it is saved.
    pub saved: Saved,
    /// Whether it was confirmed, and the plan was another by then.
    pub is_void: bool,
}

/// What is known of a configuration that was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Saved {
    /// Nobody was asked to save it.
    #[default]
    NotSent,
    /// The device was asked to, and did not confirm it.
    NotKnown,
    /// The device says that it is saved.
    Yes,
}

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
        let name = format!("restore {}/{}", device.name, source.domain);
        let id = record.open_plan(PlanOpening {
            plan: name.clone(),
            plan_file: engine.file.path.clone(),
            process: engine.process.to_owned(),
            window_ignored: false,
        })?;
        let mut restoring = Restoring {
            engine,
            record: &mut *record,
            source,
            device,
            options,
            scratch,
            id,
            name,
            warnings: Vec::new(),
            told: &mut told,
        };
        let (status, error) = match restoring.walk(devices, archive, confirm) {
            Ok(()) => restoring.good_end(),
            Err(Halt::Failure(failure)) => restoring.bad_end(failure),
            Err(Halt::Trouble(trouble)) => return Err(trouble),
        };
        record.tell(&Event::PlanEnded {
            plan: id,
            status,
            error: error.clone(),
        })?;
        Ok(RecordedEnd { id, status, error })
    })?;
    Ok((end, told))
}

/// What ends a restore early.
enum Halt {
    Failure(Failure),
    Trouble(RunTrouble),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<RunTrouble> for Halt {
    fn from(trouble: RunTrouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<LedgerError> for Halt {
    fn from(error: LedgerError) -> Self {
        Self::Trouble(error.into())
    }
}

impl From<LockError> for Halt {
    fn from(error: LockError) -> Self {
        Self::Trouble(error.into())
    }
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Failure(failure) => Self::Failure(failure),
            Trouble::Ledger(error) => error.into(),
        }
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
    ) -> Result<(), Halt> {
        store::validate(&self.engine.file.settings)?;
        let mended = recover::mend(self.engine, self.record)?;
        let left = note(self.record, Owner::Plan(self.id), &mended)?;
        self.warnings.extend(left);
        let _lock = self.lock()?;
        if let Some(other) = other_at_work(self.engine, self.record, self.device)? {
            return Err(refused(other).into());
        }
        let session = match devices.contact(self.device) {
            Contact::Up(session) => session,
            Contact::Down(why) => return Err(refused(why.clone()).into()),
            Contact::Bad(failure) => return Err(refused(failure.message.clone()).into()),
        };
        let target = self.look_at_target(session)?;
        self.record.plan_status(self.id, Status::Running)?;
        let before = self.back_up(session)?.map_err(|failure| Failure {
            message: format!(
                "what is there now could not be backed up, and nothing was imported: {}",
                failure.message
            ),
            ..failure
        })?;
        self.told.before = Some(before);
        let running = self.running(session)?;
        let difference =
            merge_difference(&running, &archive, &self.source.domain, &self.scratch).map_err(refused)?;
        let facts = self.facts(&target.facts, target.has_unsaved, &running);
        let plan = RestorePlan::new(facts, archive);
        let confirmation = confirm(&RestoreProposal {
            source: &self.source,
            plan: &plan,
            difference: &difference,
            before,
            has_unsaved: target.has_unsaved,
            doubts: &target.doubts,
        });
        self.goes_on("its plan was shown; nothing was imported")?;
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
                RestoreConfirmation::Word(_) => format!(
                    "the word is not the one of this plan, which is {word}: it was mistyped, or the backup, the \
                     target or an option is another than when the plan was shown"
                ),
            };
            return Err(self.not_confirmed(&why).into());
        };
        self.record
            .note(Owner::Plan(self.id), format!("confirmed: {word}"))?;
        if let Err(failure) = self.is_still_the_target(session, &target) {
            self.told.is_void = true;
            return Err(failure.into());
        }
        if let RestoreConfirmation::TypedName(_) = confirmation {
            // Whoever types may take his time.
            self.is_as_it_was(&session.gateway, &running).map_err(|why| {
                self.told.is_void = true;
                let status = Status::RestoreNotConfirmed;
                Failure::new(
                    status,
                    format!("the confirmation is void: {why}; nothing was imported"),
                )
            })?;
        }
        self.import_confirmed(session, &target.facts, &confirmed, &running, &difference)
    }

    /// What is to be confirmed.
    fn facts(
        &self,
        target: &DeviceFacts,
        has_unsaved: Option<bool>,
        running: &RunningDomain,
    ) -> RestoreFacts {
        let same = target.serial.is_some() && target.serial == self.source.report.serial_number;
        RestoreFacts {
            task: self.source.task.0,
            archive_sha256: self.source.sha256.clone(),
            domain: self.source.domain.clone(),
            device: self.device.name.clone(),
            address: format!("{}:{}", self.device.host, self.device.port),
            serial: target.serial.clone(),
            firmware: target.firmware_version.clone(),
            running: running.content.clone(),
            local_addresses: match same {
                true => LocalAddresses::Keep,
                false => LocalAddresses::Rewrite,
            },
            save: self.options.save,
            has_unsaved,
            allows_unsaved: self.options.allows_unsaved,
            allows_other_firmware: self.options.allows_other_firmware,
        }
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

    /// The lock of the device, for all of it.
    fn lock(&mut self) -> Result<Lock, Halt> {
        let record = &mut *self.record;
        let taken = LockWait::of(self.engine, &self.name, self.options.lock_wait).take(
            LockFor::Device(self.device),
            &mut |progress| {
                record.show(progress);
            },
        )?;
        match taken {
            LockOutcome::Held(lock) => Ok(lock),
            LockOutcome::Stopped => {
                Err(Failure::new(Status::Interrupted, "another run had the device").into())
            }
            LockOutcome::Busy(holder) => {
                let device = &self.device.name;
                let why = format!("{device} is held by {holder}; --lock-wait 10m waits for it");
                Err(Failure::new(Status::Locked, why).into())
            }
        }
    }

    /// Takes what is in the domain, as a backup like any other; an error that is no failure of
    /// the backup ends the restore.
    fn back_up(&mut self, session: &mut Session<'a>) -> Result<Result<TaskId, Failure>, Halt> {
        let domain = self.source.domain.name().to_owned();
        let activity = self.export_activity(&domain)?;
        let (row, id) = self.open_rows(ActionKind::ExportDomain)?;
        let due = Task {
            id,
            plan: self.id,
            plan_name: &self.name,
            activity: &activity,
            domain: &domain,
        };
        let ended = task::run(self.engine, self.record, session, due)?;
        self.end_activity(row, ended.status, !ended.warnings.is_empty())?;
        let told = |message: &String| format!("task {}: {message}", id.0);
        self.warnings.extend(ended.warnings.iter().map(told));
        Ok(match ended.status.class() {
            Class::Success => Ok(id),
            _ => {
                let why = ended.error.unwrap_or_default();
                Err(Failure::new(ended.status, format!("task {}: {why}", id.0)))
            }
        })
    }

    fn export_activity(&self, domain: &str) -> Result<Activity, Failure> {
        let odd = |error: &dyn std::fmt::Display| refused(format!("{}: {error}", self.device.name));
        Ok(Activity {
            action: Action::ExportDomain {
                domains: Domains::Matching(PatternList::from_items([domain]).map_err(|error| odd(&error))?),
            },
            devices: DevicePatterns::from_items([self.device.name.as_str()]).map_err(|error| odd(&error))?,
            quiesce: false,
            pre_script: None,
            post_script: None,
            post_script_when: PostScriptWhen::Always,
            error_policy: ErrorPolicy::Halt,
        })
    }

    /// The rows of an activity with one task.
    fn open_rows(&mut self, action: ActionKind) -> Result<(ActivityId, TaskId), LedgerError> {
        let activity = self.record.open_activity(ActivityOpening {
            plan: self.id,
            action,
            device_pattern: self.device.name.clone(),
            domain_pattern: self.source.domain.name().to_owned(),
            quiesce: false,
        })?;
        let task = self.record.open_task(TaskOpening {
            plan: self.id,
            activity,
            action,
            device: self.device.name.clone(),
            domain: self.source.domain.name().to_owned(),
            status: Status::ReadyForExecution,
            error: None,
        })?;
        self.record.tell(&Event::ActivityStatus {
            activity,
            status: Status::Running,
        })?;
        Ok((activity, task))
    }

    fn end_activity(
        &mut self,
        activity: ActivityId,
        of_task: Status,
        warned: bool,
    ) -> Result<(), LedgerError> {
        let status = match of_task.class() {
            Class::Success if warned => Status::CompletedWithWarnings,
            Class::Success => Status::Success,
            _ => Status::Failed,
        };
        self.record.tell(&Event::ActivityEnded { activity, status })
    }

    /// The end of a restore that was carried out.
    fn good_end(&self) -> (Status, Option<String>) {
        if let Some(signal) = self.engine.stop.signal() {
            let why = format!("interrupted by signal {signal}; the import had been carried out before");
            return (Status::Interrupted, Some(why));
        }
        match self.warnings.as_slice() {
            [] => (Status::Success, None),
            [only] => (Status::CompletedWithWarnings, Some(only.clone())),
            [first, more @ ..] => {
                let warnings = if more.len() == 1 { "warning" } else { "warnings" };
                let why = format!("{first} (and {} more {warnings})", more.len());
                (Status::CompletedWithWarnings, Some(why))
            }
        }
    }

    /// The end of one that was not, or not all of it.
    fn bad_end(&self, failure: Failure) -> (Status, Option<String>) {
        let Failure { status, message } = failure;
        if let Some(signal) = self.engine.stop.signal() {
            let why = format!("interrupted by signal {signal}; {message}");
            return (Status::Interrupted, Some(why));
        }
        match status.class() {
            Class::Refused => (status, Some(message)),
            _ => (Status::Failed, Some(message)),
        }
    }
}

/// The target, or something on the way to it, is not as it must be.
fn refused(why: impl Into<String>) -> Failure {
    Failure::new(Status::RestoreRefused, why)
}
