//! Step 9: the tasks, one after another.

use std::collections::VecDeque;
use std::time::Duration;

use crate::lock::Asked;
use crate::plan::model::ErrorPolicy;
use crate::run::contact::{Contact, Session, lock_name};
use crate::run::event::{Event, Progress};
use crate::run::expand::Verdict;
use crate::run::failure::Failure;
use crate::run::recover::{self, Recovered};
use crate::run::sequence::{OpenActivity, Run, RunError, Waiting};
use crate::run::status::{Class, Status};
use crate::run::task::{self, Aborted, Task};

impl<'a> Run<'_, 'a, '_> {
    /// Step 9.
    pub(super) fn walk(
        &mut self,
        activities: &mut [OpenActivity<'a>],
        waiting: VecDeque<Waiting<'a>>,
    ) -> Result<(), RunError> {
        let mut halted: Option<String> = None;
        for task in waiting {
            let cancelled = match &task.expanded.verdict {
                Verdict::Settled(_) => None,
                Verdict::Ready => self.cancellation(halted.as_deref()),
            };
            let settled = matches!(task.expanded.verdict, Verdict::Settled(_));
            let (status, policy) = if settled || cancelled.is_some() {
                self.settle(activities, &task, cancelled.as_ref())?
            } else {
                self.run_task(activities, &task)?
            };
            if status.class() == Class::Failed && policy == ErrorPolicy::Halt && halted.is_none() {
                halted = Some(format!("task {} ended {status}", task.id.0));
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
            let expiry = humantime::format_duration(self.engine.file.settings.task_expiry);
            let why = format!("the task had not started {expiry} after its plan");
            return Some(Failure::new(Status::CanceledBecauseADayPassed, why));
        }
        None
    }

    fn time_to_expiry(&self) -> Duration {
        let age = self.engine.clock.now().duration_since(self.started);
        let age = Duration::try_from(age).unwrap_or_default();
        self.engine.file.settings.task_expiry.saturating_sub(age)
    }

    /// Ends a task that does not run: it was settled before, or is now by `failure`.
    pub(super) fn settle(
        &mut self,
        activities: &mut [OpenActivity<'a>],
        task: &Waiting<'a>,
        failure: Option<&Failure>,
    ) -> Result<(Status, ErrorPolicy), RunError> {
        let known = match &task.expanded.verdict {
            Verdict::Settled(failure) => Some(failure),
            Verdict::Ready => None,
        };
        let Some(settled) = known.or(failure) else {
            return Ok((Status::ReadyForExecution, ErrorPolicy::Ignore));
        };
        if known.is_none() {
            let (status, error) = (settled.status, Some(settled.message.clone()));
            self.record.tell(&Event::TaskEnded {
                task: task.id,
                status,
                error,
            })?;
        }
        self.tally(activities, task, settled.status, Some(&settled.message), &[])?;
        let policy = activities
            .get(task.activity)
            .map_or(ErrorPolicy::Ignore, |activity| activity.expanded.error_policy);
        Ok((settled.status, policy))
    }

    fn run_task(
        &mut self,
        activities: &mut [OpenActivity<'a>],
        task: &Waiting<'a>,
    ) -> Result<(Status, ErrorPolicy), RunError> {
        let (Some(activity), Some(device)) = (activities.get_mut(task.activity), task.expanded.device) else {
            return Ok((Status::ReadyForExecution, ErrorPolicy::Ignore));
        };
        if !activity.running {
            activity.running = true;
            self.record.tell(&Event::ActivityStatus {
                activity: activity.id,
                status: Status::Running,
            })?;
        }
        let policy = activity.expanded.error_policy;
        let due = Task {
            id: task.id,
            plan: self.id,
            plan_name: &self.plan.name,
            activity: activity.expanded,
            domain: &task.expanded.domain,
        };
        let lock = self.engine.locks.wait(
            &lock_name(device),
            &format!("task {} of plan {}", task.id.0, self.plan.name),
            self.engine.file.settings.task_expiry,
            self.engine.clock,
            self.engine.stop,
            &mut |holder, waited| {
                let holder = holder.map_or_else(|| "another run".to_owned(), ToString::to_string);
                let what = format!("device lock held by {holder}");
                let limit = self.engine.file.settings.task_expiry;
                self.record.show(&Progress::Waiting {
                    device: device.name.clone(),
                    what,
                    waited,
                    limit,
                });
            },
        )?;
        self.record.show(&Progress::WaitEnded);
        let _lock = match lock {
            Asked::Held(lock) => lock,
            Asked::Busy(holder) => {
                let holder = holder.map_or_else(|| "another run".to_owned(), |holder| holder.to_string());
                let why = format!("the device was held by {holder} all the time");
                let failure = self
                    .cancellation(None)
                    .unwrap_or_else(|| Failure::new(Status::CanceledBecauseADayPassed, why));
                return Ok((self.settle(activities, task, Some(&failure))?.0, policy));
            }
        };
        // The wait for the device may have taken long.
        if let Some(failure) = self.cancellation(None) {
            return Ok((self.settle(activities, task, Some(&failure))?.0, policy));
        }
        // The run that held it before may have died while we waited.
        let mut left = Recovered::default();
        recover::mend_held_device(self.engine, self.record, device, &self.tried, &mut left.mended)?;
        self.mended(&left)?;
        let session: &mut Session<'a> = match self.devices.contact(device) {
            Contact::Up(session) => session,
            // It answered when the plan was expanded; since then a task found that it does
            // not take our login any more.
            Contact::Bad(failure) => {
                let failure = failure.clone();
                return Ok((self.settle(activities, task, Some(&failure))?.0, policy));
            }
            Contact::Down(why) => {
                let failure = Failure::new(Status::DeviceError, why.clone());
                return Ok((self.settle(activities, task, Some(&failure))?.0, policy));
            }
        };
        let ended = match task::run(self.engine, self.record, session, due) {
            Ok(ended) => ended,
            Err(Aborted {
                error,
                still_quiesced,
            }) => {
                let still_quiesced = still_quiesced || self.tasks.still_quiesced;
                return Err(RunError::Ledger {
                    error,
                    still_quiesced,
                });
            }
        };
        self.tasks.still_quiesced |= ended.still_quiesced;
        if ended.login_refused {
            let why = ended.error.clone().unwrap_or_default();
            self.devices
                .refuses_login(device, Failure::new(Status::AuthenticationFailed, why));
        }
        self.tasks.files.extend(ended.files);
        self.tally(
            activities,
            task,
            ended.status,
            ended.error.as_deref(),
            &ended.warnings,
        )?;
        Ok((ended.status, policy))
    }
}
