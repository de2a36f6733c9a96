//! Step 9: the tasks, one after another.

use std::time::Duration;

use crate::lock::Lock;
use crate::plan::model::{Activity, Device, ErrorPolicy, OnUnchanged};
use crate::run::error::RunTrouble;
use crate::run::event::{Event, OutOfService, Owner, TaskId};
use crate::run::expand::Verdict;
use crate::run::failure::{Failure, Trouble};
use crate::run::held::{LockFor, LockOutcome, LockWait};
use crate::run::ledger::LedgerError;
use crate::run::recover::device::{RowsAsRead, recover_held_device};
use crate::run::recover::rows::other_at_work;
use crate::run::recover::told::RecoveryDone;
use crate::run::sequence::tally::TalliedEnd;
use crate::run::sequence::{OpenActivity, Run, Waiting, WalkedActivity};
use crate::run::session::{Contact, Session};
use crate::run::status::{Class, Status};
use crate::run::task::look::DomainsLook;
use crate::run::task::{self, Ended, Task};
use crate::values::duration::HumanDuration;

impl<'a> Run<'_, 'a, '_> {
    /// Step 9.
    pub(super) fn walk(&mut self, activities: Vec<OpenActivity<'a>>) -> Result<(), RunTrouble> {
        let mut halted: Option<String> = None;
        for OpenActivity { mut row, tasks } in activities {
            for task in tasks {
                let status = match &task.expanded.verdict {
                    Verdict::Settled(failure) => self.settled(&mut row, &task, failure)?,
                    Verdict::Ready(device) => match self.cancellation(halted.as_deref()) {
                        Some(failure) => self.cancel(&mut row, &task, &failure)?,
                        None => self.run_task(&mut row, &task, device)?,
                    },
                };
                let halts = row.activity.error_policy == ErrorPolicy::Halt;
                if status.class() == Class::Failed && halts && halted.is_none() {
                    let expanded = &task.expanded;
                    let what = row.activity.kind().of(&expanded.device_name, &expanded.domain);
                    halted = Some(format!("{what} ended {status} (task {})", task.id.0));
                }
            }
        }
        Ok(())
    }

    /// Ends every task without running it: those that are ready because of `failure`.
    pub(super) fn leave_out(
        &mut self,
        activities: Vec<OpenActivity<'a>>,
        failure: Option<&Failure>,
    ) -> Result<(), RunTrouble> {
        for OpenActivity { mut row, tasks } in activities {
            for task in tasks {
                match (&task.expanded.verdict, failure) {
                    (Verdict::Settled(failure), _) => self.settled(&mut row, &task, failure)?,
                    (Verdict::Ready(_), Some(failure)) => self.cancel(&mut row, &task, failure)?,
                    (Verdict::Ready(_), None) => continue,
                };
            }
        }
        Ok(())
    }

    /// Why a task that is ready does not start now.
    fn cancellation(&self, halted: Option<&str>) -> Option<Failure> {
        if self.engine.stop.is_requested() {
            return Some(Failure::interrupted("the task was waiting"));
        }
        if let Some(why) = halted {
            return Some(Failure::new(
                Status::CanceledBecauseErrorPolicy,
                format!("{why}, and the error policy is halt"),
            ));
        }
        if !self.window_is_open() {
            let window = self
                .plan
                .window
                .as_ref()
                .map_or_else(String::new, ToString::to_string);
            let why = format!("the maintenance window {window} closed before the task could start");
            return Some(Failure::new(Status::CanceledBecauseMaintenanceWindow, why));
        }
        if self.time_to_expiry().is_zero() {
            let expiry = HumanDuration(self.engine.file.settings.task_expiry);
            let why = format!("the task had not started {expiry} after its plan");
            return Some(Failure::new(Status::CanceledBecauseADayPassed, why));
        }
        None
    }

    fn time_to_expiry(&self) -> Duration {
        let age = self.started.age(self.engine.clock);
        self.engine.file.settings.task_expiry.saturating_sub(age)
    }

    /// Counts a task that was settled when its row was written.
    fn settled(
        &mut self,
        row: &mut WalkedActivity<'a>,
        task: &Waiting<'a>,
        failure: &Failure,
    ) -> Result<Status, RunTrouble> {
        let end = TalliedEnd {
            status: failure.status,
            error: Some(&failure.message),
            warnings: &[],
            out_of_service: OutOfService::Never,
        };
        self.tally(row, task, end)?;
        Ok(failure.status)
    }

    /// Ends a task that was ready and does not run.
    fn cancel(
        &mut self,
        row: &mut WalkedActivity<'a>,
        task: &Waiting<'a>,
        failure: &Failure,
    ) -> Result<Status, RunTrouble> {
        let why = failure.message.clone();
        self.record.end_task(task.id, failure.status, Some(why))?;
        self.settled(row, task, failure)
    }

    /// Runs a task that is ready, unless its device is not.
    fn run_task(
        &mut self,
        row: &mut WalkedActivity<'a>,
        task: &Waiting<'a>,
        device: &'a Device,
    ) -> Result<Status, RunTrouble> {
        if !row.running {
            row.running = true;
            self.record.tell(&Event::ActivityStatus {
                activity: row.id,
                status: Status::Running,
            })?;
        }
        let ended = match self.on_device(row.activity, task, device) {
            Ok(ended) => ended,
            Err(trouble) => return self.cancel(row, task, &trouble.failure()?),
        };
        if ended.login_refused {
            let why = format!(
                "{}: not tried, for the login was refused to task {}",
                device.name, task.id.0
            );
            self.devices
                .refuses_login(device, Failure::new(Status::AuthenticationFailed, why));
        }
        let has_failed = ended.status.class() == Class::Failed;
        self.failed_on = has_failed.then_some(device.name.as_str());
        if ended.status == Status::Interrupted {
            let error = ended.error.as_deref().unwrap_or_default();
            let expanded = &task.expanded;
            let what = row.activity.kind().of(&expanded.device_name, &expanded.domain);
            self.tallies.interrupted = Some(format!("{what} (task {}): {error}", task.id.0));
        }
        self.look = ended.look;
        self.tallies.files.extend(ended.files);
        self.tallies.configuration.add(ended.configuration);
        let end = TalliedEnd {
            status: ended.status,
            error: ended.error.as_deref(),
            warnings: &ended.warnings,
            out_of_service: ended.out_of_service,
        };
        self.tally(row, task, end)?;
        Ok(ended.status)
    }

    /// Holds the locks of a device, and runs a task on it. A failure is why the task was not begun.
    fn on_device(
        &mut self,
        activity: &'a Activity,
        task: &Waiting<'a>,
        device: &'a Device,
    ) -> Result<Ended, Trouble> {
        let mut look = self.look.take();
        // Whoever holds the device meanwhile may change it.
        let mut waits = || look = None;
        let _lock = self.lock(task.id, LockFor::Device(device), &mut waits)?;
        if let Some(other) = other_at_work(self.engine, self.record, device)? {
            return Err(Failure::new(Status::DeviceError, other).into());
        }
        // The run that held it before may have died while we waited.
        let mut recovery = RecoveryDone::default();
        let rows = RowsAsRead {
            as_read: &[],
            tried: &self.tried,
        };
        recover_held_device(self.engine, self.record, device, rows, &mut recovery.rows)?;
        self.note_recovery(&recovery)?;
        let serial = match self.devices.contact(device) {
            Contact::Up(session) => session.own_serial(),
            Contact::Bad(_) | Contact::Down(_) => None,
        };
        let one_gateway = serial
            .as_ref()
            .and_then(|serial| self.devices.one_gateway(device, serial));
        if let Some(one_gateway) = one_gateway {
            let note = format!("{one_gateway}: look where `host` of the two leads");
            self.record.note(Owner::Plan(self.id), note)?;
        }
        let _serial_lock = match &serial {
            Some(serial) => Some(self.lock(task.id, LockFor::SerialNumber { device, serial }, &mut waits)?),
            None => None,
        };
        if self.failed_on.take() == Some(device.name.as_str()) {
            let asked = self.engine.clock.elapsed();
            let domains = self.devices.ask_again(device);
            look = domains.map(|domains| DomainsLook {
                device: device.name.clone(),
                asked,
                domains,
            });
        }
        let session: &mut Session<'a> = match self.devices.contact(device) {
            Contact::Up(session) => session,
            // It answered when the plan was expanded; since then a task found that it does
            // not take our login any more.
            Contact::Bad(failure) => return Err(failure.clone().into()),
            Contact::Down(why) => {
                return Err(Failure::new(Status::SkippedDeviceNotAvailable, why.clone()).into());
            }
        };
        let due = Task {
            id: task.id,
            plan: self.id,
            plan_name: &self.plan.name,
            activity,
            domain: &task.expanded.domain,
            behind_import: None,
        };
        let look = look.filter(|_| recovery.rows.is_empty());
        let mut ended = task::run(self.engine, self.record, session, due, look)?;
        self.tell_stored_anew(task.id, &mut ended)?;
        Ok(ended)
    }

    /// A lock of the device of a task; a failure is why the task does not run. `waits` is called where another has it.
    fn lock(&mut self, task: TaskId, what: LockFor<'_>, waits: &mut dyn FnMut()) -> Result<Lock, Trouble> {
        let purpose = format!("task {} of plan {}", task.0, self.plan.name);
        let wait = LockWait::of(self.engine, &purpose, self.time_to_expiry());
        match wait.take_noted(what, self.record, Owner::Task(task), waits)? {
            // The wait for it may have taken long.
            LockOutcome::Held(lock) => match self.cancellation(None) {
                None => Ok(lock),
                Some(failure) => Err(failure.into()),
            },
            LockOutcome::Stopped => Err(Failure::interrupted("the task was waiting").into()),
            LockOutcome::Busy(holder) => {
                let why = format!("the device was held by {holder} all the time");
                let failure = match self.cancellation(None) {
                    // What let the time pass is known.
                    Some(Failure { status, message }) => Failure::new(status, format!("{message}: {why}")),
                    None => Failure::new(Status::CanceledBecauseADayPassed, why),
                };
                Err(failure.into())
            }
        }
    }

    /// Tells of what was to be skipped, for it has not changed, and was stored all the same: somebody has
    /// taken away the copy that was kept, or changed it.
    fn tell_stored_anew(&mut self, task: TaskId, ended: &mut Ended) -> Result<(), LedgerError> {
        let settings = &self.engine.file.settings;
        if settings.on_unchanged != OnUnchanged::Skip {
            return Ok(());
        }
        for file in ended.files.iter().filter(|file| file.kept) {
            let Some(since) = file.unchanged_since else {
                continue;
            };
            let warning = format!(
                "{} was stored anew, though nothing has changed since task {}: no copy that was kept of it is known \
                 to stand in the store {} as it was stored; {} says of which others it is not",
                file.name,
                since.0,
                settings.store.folder().display(),
                self.engine.file.invocation.command(["verify", "--all"])
            );
            ended.warnings.push(warning.clone());
            self.record.warn(Owner::Task(task), warning)?;
        }
        Ok(())
    }
}
