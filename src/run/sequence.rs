//! One plan, in the order of its steps.

pub mod before;
mod counts;
mod scripts;
mod tally;
mod tasks;

use std::time::Duration;

use crate::clock::Moment;
use crate::lock::Life;
use crate::plan::model::{Activity, Plan};
use crate::run::Engine;
use crate::run::contact::Devices;
use crate::run::error::{RunError, RunTrouble};
use crate::run::event::{
    ActivityId, ActivityOpening, JournalId, Owner, PlanId, PlanOpening, TaskId, TaskOpening,
};
use crate::run::execution::{PlanEnd, RecordedEnd, to_its_end};
use crate::run::expand::{ExpandedActivity, ExpandedTask, Verdict};
use crate::run::failure::Failure;
use crate::run::held::{LockFor, LockOutcome, LockWait, busy};
use crate::run::ledger::LedgerError;
use crate::run::record::Record;
use crate::run::recover;
use crate::run::recover::told::{self, RecoveryDone};
use crate::run::second_look;
use crate::run::sequence::counts::{ActivityTally, Tallies};
use crate::run::status::{Class, Status};
use crate::run::task::look::DomainsLook;

/// How a person may bend a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Start tasks outside the window as well; history says so.
    pub ignore_window: bool,
    /// How long a busy plan is waited for.
    pub lock_wait: Duration,
}

/// Whether a plan is begun. Each gets the row in history that every end has.
#[derive(Clone, Copy, Debug)]
pub enum PlanBegun {
    /// It is.
    Now,
    /// Somebody has asked to stop before it.
    NotAnyMore,
}

/// Runs one plan from its row in history to its end, and looks at what is left of the devices
/// when nothing more is done to them.
pub fn run<'a>(
    engine: Engine<'a>,
    record: &mut Record<'_>,
    devices: &mut Devices<'a>,
    plan: &'a Plan,
    options: Options,
    begun: PlanBegun,
) -> Result<PlanEnd, RunError> {
    let opening = PlanOpening {
        plan: plan.name.clone(),
        plan_file: engine.file.path.clone(),
        process: engine.process.to_owned(),
        window_ignored: options.ignore_window,
    };
    to_its_end(engine, record, |record| {
        let id = record.open_plan(opening)?;
        let started = Moment::now(engine.clock);
        let mut run = Run {
            engine,
            record: &mut *record,
            devices,
            plan,
            options,
            id,
            started,
            tallies: Tallies::default(),
            tried: Vec::new(),
            look: None,
            failed_on: None,
        };
        match begun {
            PlanBegun::Now => run.execute(),
            PlanBegun::NotAnyMore => run.finish(
                Status::Interrupted,
                Some("not begun: the run was asked to stop".to_owned()),
            ),
        }
    })
}

/// A plan on its way.
struct Run<'w, 'a, 'r> {
    engine: Engine<'a>,
    record: &'w mut Record<'r>,
    devices: &'w mut Devices<'a>,
    plan: &'a Plan,
    options: Options,
    id: PlanId,
    /// When it began: its tasks expire.
    started: Moment,
    tallies: Tallies,
    /// What this run could not undo of dead runs: tried once.
    tried: Vec<JournalId>,
    /// What the task before saw of its device, where nothing came after it that may have changed that.
    look: Option<DomainsLook>,
    /// The device on which the task before failed: the next one there asks first whether it still answers.
    failed_on: Option<&'a str>,
}

/// A task that waits for its turn, or was settled before.
struct Waiting<'a> {
    id: TaskId,
    expanded: ExpandedTask<'a>,
}

/// An activity with its row, and its tasks.
struct OpenActivity<'a> {
    row: WalkedActivity<'a>,
    tasks: Vec<Waiting<'a>>,
}

/// An activity as history has it.
struct WalkedActivity<'a> {
    id: ActivityId,
    activity: &'a Activity,
    tally: ActivityTally,
    running: bool,
}

impl<'a> Run<'_, 'a, '_> {
    fn execute(mut self) -> Result<RecordedEnd, RunTrouble> {
        let purpose = format!("plan {}", self.plan.name);
        let taken = LockWait::of(self.engine, &purpose, self.options.lock_wait).take_noted(
            LockFor::Plan(&self.plan.name),
            self.record,
            Owner::Plan(self.id),
            &mut || (),
        )?;
        let _lock = match taken {
            LockOutcome::Held(lock) => lock,
            LockOutcome::Stopped => {
                return self.refused(Failure::interrupted("waiting for another run of the plan"));
            }
            LockOutcome::Busy(holder) => {
                let why = busy(&holder, self.options.lock_wait);
                return self.finish(Status::Locked, Some(why));
            }
        };
        if let Some(other) = self.other_execution()? {
            return self.finish(Status::Locked, Some(other));
        }
        let recovery = recover::recover_first(self.engine, self.record)?;
        self.note_recovery(&recovery)?;
        match self.before_tasks() {
            Ok(activities) => self.with_tasks(activities),
            Err(trouble) => self.refused(trouble.failure()?),
        }
    }

    /// An execution of this plan whose process is at work, though the lock is ours: somebody has
    /// removed the locks while it runs. One that has not begun waits for the lock, or was refused it just now.
    fn other_execution(&mut self) -> Result<Option<String>, LedgerError> {
        let (own, engine) = (self.id, self.engine);
        let plans = self.record.ledger().unfinished_plans()?;
        let other = plans.into_iter().find(|other| {
            other.id != own
                && other.plan == self.plan.name
                && other.status != Status::WaitingForPreValidation
                && other.process != engine.process
                && engine.locks.life(&other.process) == Life::Alive
        });
        Ok(other.map(|other| {
            format!(
                "execution {} of the plan is at work (process {}), though its lock is free: has somebody removed the folder of locks?",
                other.id.0, other.process
            )
        }))
    }

    /// Notes what became of the leftovers of dead runs.
    fn note_recovery(&mut self, recovery: &RecoveryDone) -> Result<(), LedgerError> {
        self.tried.extend(recovery.rows.iter().map(|row| row.entry.id));
        let warnings = told::note(self.record, Owner::Plan(self.id), recovery)?;
        self.tallies
            .warnings
            .extend(warnings.into_iter().map(|(_, words)| words));
        Ok(())
    }

    /// A failing step before the tasks ends the plan.
    fn refused(&mut self, failure: Failure) -> Result<RecordedEnd, RunTrouble> {
        self.finish(failure.status, Some(failure.message))
    }

    /// Steps 7 to 10.
    fn with_tasks(&mut self, expanded: Vec<ExpandedActivity<'a>>) -> Result<RecordedEnd, RunTrouble> {
        let activities = self.open_rows(expanded)?;
        let mut tasks = activities.iter().flat_map(|activity| &activity.tasks);
        let all_skipped = tasks.all(|task| matches!(&task.expanded.verdict, Verdict::Settled(failure) if failure.status.class() == Class::Skipped));
        if all_skipped {
            self.leave_out(activities, None)?;
            let why = format!("every task is skipped: {}", self.why_left_out());
            return self.finish(Status::AllTasksSkipped, Some(why));
        }
        if let Err(trouble) = self.pre_script() {
            let failure = trouble.failure()?;
            self.leave_out(activities, Some(&failure))?;
            return self.finish(failure.status, Some(failure.message));
        }
        self.record.plan_status(self.id, Status::Running)?;
        self.walk(activities)?;
        let script_warning = self.post_script()?;
        self.finish_by_tallies(script_warning.as_deref())
    }

    /// Writes a row for each activity and task, skipped ones too.
    fn open_rows(
        &mut self,
        expanded: Vec<ExpandedActivity<'a>>,
    ) -> Result<Vec<OpenActivity<'a>>, RunTrouble> {
        let mut activities = Vec::new();
        for ExpandedActivity {
            activity,
            tasks,
            notes,
            warnings,
        } in expanded
        {
            for note in notes {
                self.record.note(Owner::Plan(self.id), note)?;
            }
            for warning in warnings {
                self.warn(warning)?;
            }
            let id = self.record.open_activity(ActivityOpening {
                plan: self.id,
                action: activity.kind(),
                device_pattern: activity.devices.to_string(),
                domain_pattern: activity.domain_pattern(),
                quiesce: activity.quiesce,
            })?;
            let waiting = self.open_tasks((id, activity), tasks)?;
            self.tallies.opened += waiting.len();
            activities.push(OpenActivity {
                row: WalkedActivity {
                    id,
                    activity,
                    tally: ActivityTally {
                        open: waiting.len(),
                        ..ActivityTally::default()
                    },
                    running: false,
                },
                tasks: waiting,
            });
        }
        Ok(activities)
    }

    /// Writes a row for each task of an activity.
    fn open_tasks(
        &mut self,
        (id, activity): (ActivityId, &Activity),
        tasks: Vec<ExpandedTask<'a>>,
    ) -> Result<Vec<Waiting<'a>>, RunTrouble> {
        let mut waiting = Vec::new();
        for expanded in tasks {
            let (status, error) = match &expanded.verdict {
                Verdict::Ready(_) => (Status::ReadyForExecution, None),
                Verdict::Settled(failure) => (failure.status, Some(failure.message.clone())),
            };
            let task = self.record.open_task(TaskOpening {
                plan: self.id,
                activity: id,
                action: activity.kind(),
                device: expanded.device_name.clone(),
                domain: expanded.domain.clone(),
                status,
                error,
            })?;
            if let Some(note) = &expanded.note {
                self.record.note(Owner::Task(task), note.as_str())?;
            }
            waiting.push(Waiting { id: task, expanded });
        }
        Ok(waiting)
    }

    fn finish_by_tallies(&mut self, script_warning: Option<&str>) -> Result<RecordedEnd, RunTrouble> {
        let (status, error) = self.by_tallies(script_warning);
        self.finish(status, error)
    }

    fn finish(&mut self, status: Status, error: Option<String>) -> Result<RecordedEnd, RunTrouble> {
        let back = second_look::look_again(self.engine, self.record)?;
        let error = error.map(|error| [&[error], back.as_slice()].concat().join("; "));
        self.record.end_plan(self.id, status, error.clone())?;
        Ok(RecordedEnd {
            id: self.id,
            status,
            error,
        })
    }
}
