//! One plan, in the order of its steps.

mod broken;
mod error;
mod scripts;
mod tally;
mod tasks;

use std::time::Duration;

use jiff::Timestamp;

pub use error::{RunError, RunTrouble};

use crate::artifact::sweep;
use crate::exit::Exit;
use crate::lock::Life;
use crate::plan::model::{Activity, Plan, Settings};
use crate::run::Engine;
use crate::run::contact::Devices;
use crate::run::event::{
    ActivityId, ActivityOpening, Event, JournalId, Owner, PlanId, PlanOpening, StoredFile, TaskId,
    TaskOpening,
};
use crate::run::expand::{ExpandedActivity, ExpandedTask, Verdict, expand};
use crate::run::failure::{Failure, Trouble};
use crate::run::held::{LockFor, LockOutcome, LockWait};
use crate::run::ledger::LedgerError;
use crate::run::left::{self, Left};
use crate::run::record::Record;
use crate::run::recover::{self, Mending};
use crate::run::script::{ConfigFacts, TaskEnd};
use crate::run::status::{Class, Status};
use crate::run::store;
use crate::values::causes::with_causes;
use crate::values::closed_window::why_closed;
use crate::values::internal_error::caught;

/// The shortest quiesce timeout that a device accepts.
const SHORTEST_QUIESCE: Duration = Duration::from_secs(60);

/// Step 3: whether a plan that quiesces does it with a timeout that devices accept.
pub fn quiesce_timeout(settings: &Settings, plan: &Plan) -> Result<(), Failure> {
    let quiesces = plan.activities.iter().any(|activity| activity.quiesce);
    if !quiesces || settings.quiesce_timeout >= SHORTEST_QUIESCE {
        return Ok(());
    }
    let timeout = humantime::format_duration(settings.quiesce_timeout);
    let why = format!("quiesce_timeout is {timeout}, and a device accepts no less than 60s");
    Err(Failure::new(Status::QuiesceTimeoutTooShort, why))
}

/// How a person may bend a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Start tasks outside the window as well; history says so.
    pub ignore_window: bool,
    /// How long a busy plan is waited for.
    pub lock_wait: Duration,
}

/// How a plan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanEnd {
    /// Its execution.
    pub id: PlanId,
    /// Its final status.
    pub status: Status,
    /// Why it did not succeed.
    pub error: Option<String>,
    /// What is left of the devices, looked at after the last thing that was done to them.
    pub left: Left,
    /// What it means for the process.
    pub exit: Exit,
}

/// Runs one plan from its row in history to its end, and looks at what is left of the devices
/// when nothing more is done to them.
pub fn run<'a>(
    engine: Engine<'a>,
    record: &mut Record<'_>,
    devices: &mut Devices<'a>,
    plan: &'a Plan,
    options: Options,
) -> Result<PlanEnd, RunError> {
    let opening = PlanOpening {
        plan: plan.name.clone(),
        plan_file: engine.file.path.clone(),
        process: engine.process.to_owned(),
        window_ignored: options.ignore_window,
    };
    to_its_end(engine, record, |record| {
        let id = record.open_plan(opening)?;
        let started = engine.clock.now();
        let run = Run {
            engine,
            record: &mut *record,
            devices,
            plan,
            options,
            id,
            started,
            tasks: Tallies::default(),
            tried: Vec::new(),
        };
        run.execute()
    })
}

/// Lets an execution come to its end, whatever ends it, and looks at what is left of the devices
/// when nothing more is done to them.
pub(super) fn to_its_end<'r>(
    engine: Engine<'_>,
    record: &mut Record<'r>,
    execute: impl FnOnce(&mut Record<'r>) -> Result<RecordedEnd, RunTrouble>,
) -> Result<PlanEnd, RunError> {
    let ended = caught(|| execute(record));
    let ended = ended.unwrap_or_else(|error| {
        record.met_internal_error();
        Err(error.into())
    });
    let broke = record.take_internal_error();
    if broke {
        broken::undo_ours(engine, record);
    }
    let ended = match ended {
        Err(trouble) if broke => {
            let words = with_causes(&trouble);
            let told = caught(|| broken::end_unfinished(engine, record, &words));
            // What has ended the run may end the try to say so; then whoever called says it.
            let end = |id| RecordedEnd {
                id,
                status: Status::Failed,
                error: Some(words.clone()),
            };
            told.ok().flatten().map(end).ok_or(trouble)
        }
        ended => ended,
    };
    // What was met on the way back belongs to the same plan.
    record.take_internal_error();
    let left = left::look(engine, record);
    match ended {
        Err(trouble) => {
            let error = RunError::new(trouble, left, &engine.file.invocation);
            Err(if broke { error.of_ours() } else { error })
        }
        Ok(RecordedEnd { id, status, error }) => Ok(PlanEnd {
            id,
            status,
            error,
            exit: left.exit(match broke {
                true => Exit::Internal,
                false => exit_of(status, engine.stop.signal()),
            }),
            left,
        }),
    }
}

/// The end of a plan that history has.
pub(super) struct RecordedEnd {
    pub(super) id: PlanId,
    pub(super) status: Status,
    pub(super) error: Option<String>,
}

/// A plan on its way.
struct Run<'w, 'a, 'r> {
    engine: Engine<'a>,
    record: &'w mut Record<'r>,
    devices: &'w mut Devices<'a>,
    plan: &'a Plan,
    options: Options,
    id: PlanId,
    started: Timestamp,
    tasks: Tallies,
    /// What this run could not undo of dead runs: tried once.
    tried: Vec<JournalId>,
}

/// What became of the tasks so far.
#[derive(Debug, Default)]
struct Tallies {
    /// How many tasks have a row.
    opened: usize,
    ends: Vec<TaskEnd>,
    files: Vec<StoredFile>,
    configuration: ConfigFacts,
    failures: Vec<String>,
    /// How the task ended that was at work when somebody asked to stop.
    interrupted: Option<String>,
    succeeded: usize,
    left_out: usize,
    /// How the first of those ended, and why.
    first_left_out: Option<String>,
    /// Each in a sentence that names its task, if it is one's.
    warnings: Vec<String>,
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

#[derive(Clone, Copy, Debug, Default)]
struct ActivityTally {
    failed: usize,
    left_out: usize,
    warned: bool,
    open: usize,
}

impl<'a> Run<'_, 'a, '_> {
    fn execute(mut self) -> Result<RecordedEnd, RunTrouble> {
        let purpose = format!("plan {}", self.plan.name);
        let record = &mut *self.record;
        let taken = LockWait::of(self.engine, &purpose, self.options.lock_wait).take(
            LockFor::Plan(&self.plan.name),
            &mut |progress| {
                record.show(progress);
            },
        )?;
        let _lock = match taken {
            LockOutcome::Held(lock) => lock,
            LockOutcome::Stopped => {
                return self.refused(Failure::interrupted("waiting for another run of the plan"));
            }
            LockOutcome::Busy(holder) => {
                let why = format!("held by {holder}; --lock-wait 10m waits for it");
                return self.finish(Status::Locked, Some(why));
            }
        };
        if let Some(other) = self.other_execution()? {
            return self.finish(Status::Locked, Some(other));
        }
        let recovered = recover::mend(self.engine, self.record)?;
        self.mended(&recovered)?;
        match self.before_tasks() {
            Ok(activities) => self.with_tasks(activities),
            Err(Trouble::Failure(failure)) => self.refused(failure),
            Err(Trouble::Ledger(error)) => Err(error.into()),
        }
    }

    /// An execution of this plan whose process is at work, though the lock is ours: somebody has
    /// removed the locks while it runs.
    fn other_execution(&mut self) -> Result<Option<String>, LedgerError> {
        let (own, engine) = (self.id, self.engine);
        let plans = self.record.ledger().unfinished_plans()?;
        let other = plans.into_iter().find(|other| {
            other.id != own
                && other.plan == self.plan.name
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
    fn mended(&mut self, recovered: &Mending) -> Result<(), LedgerError> {
        self.tried
            .extend(recovered.mended.iter().map(|mended| mended.entry.id));
        let warnings = recover::note(self.record, Owner::Plan(self.id), recovered)?;
        self.tasks.warnings.extend(warnings);
        Ok(())
    }

    /// Steps 1 to 6.
    fn before_tasks(&mut self) -> Result<Vec<ExpandedActivity<'a>>, Trouble> {
        let settings = &self.engine.file.settings;
        if !self.plan.enabled {
            let why = format!(
                "plan {} has enabled = false: set it to true to run it",
                self.plan.name
            );
            return Err(Failure::new(Status::PlanIsDisabled, why).into());
        }
        if !settings.backups_enabled {
            let why = "the settings have backups_enabled = false: no plan runs until it is true";
            return Err(Failure::new(Status::BackupsAreDisabled, why).into());
        }
        if !self.window_is_open() {
            let now = self.engine.clock.now();
            let why = self
                .plan
                .window
                .as_ref()
                .map_or_else(String::new, |window| why_closed(window, now));
            let anyway = self
                .engine
                .file
                .invocation
                .command(["run", &self.plan.name, "--ignore-window"]);
            let why = format!("{why}; `{anyway}` does not wait for it");
            return Err(Failure::new(Status::OutOfMaintenanceWindow, why).into());
        }
        quiesce_timeout(settings, self.plan)?;
        store::validate(settings)?;
        self.sweep()?;
        let (engine, record) = (self.engine, &mut *self.record);
        let expanded = expand(
            engine.file,
            self.plan,
            self.devices,
            engine.stop,
            &mut |progress| record.show(progress),
        );
        expanded.ok_or_else(|| Failure::interrupted("asking the devices for their domains").into())
    }

    /// Removes what dead runs left in the store.
    fn sweep(&mut self) -> Result<(), LedgerError> {
        let owner = Owner::Plan(self.id);
        let swept = match sweep::sweep(&self.engine.file.settings.store) {
            Ok(swept) => swept,
            Err(error) => {
                let warning = format!(
                    "leftovers in the store cannot be looked for: {}",
                    with_causes(&error)
                );
                self.tasks.warnings.push(warning.clone());
                return self.record.warn(owner, warning);
            }
        };
        for removed in &swept.removed {
            self.record.note(
                owner,
                format!("removed what a run that died left: {}", removed.path.display()),
            )?;
        }
        for denied in &swept.denied {
            self.record.note(owner, sweep::stays(denied))?;
        }
        for failed in &swept.failed {
            let warning = format!(
                "a leftover of a run that died cannot be removed: {}",
                with_causes(failed)
            );
            self.tasks.warnings.push(warning.clone());
            self.record.warn(owner, warning)?;
        }
        Ok(())
    }

    fn window_is_open(&self) -> bool {
        self.options.ignore_window
            || self
                .plan
                .window
                .as_ref()
                .is_none_or(|window| window.is_open(self.engine.clock.now()))
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
        if let Err(failure) = self.pre_script()? {
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
        } in expanded
        {
            for note in notes {
                self.record.note(Owner::Plan(self.id), note)?;
            }
            let id = self.record.open_activity(ActivityOpening {
                plan: self.id,
                action: activity.kind(),
                device_pattern: activity.devices.to_string(),
                domain_pattern: activity.domain_pattern(),
                quiesce: activity.quiesce,
            })?;
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
            self.tasks.opened += waiting.len();
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

    fn finish_by_tallies(&mut self, script_warning: Option<&str>) -> Result<RecordedEnd, RunTrouble> {
        let (status, error) = self.by_tallies(script_warning);
        self.finish(status, error)
    }

    fn finish(&mut self, status: Status, error: Option<String>) -> Result<RecordedEnd, RunTrouble> {
        let event = Event::PlanEnded {
            plan: self.id,
            status,
            error: error.clone(),
        };
        self.record.tell(&event)?;
        Ok(RecordedEnd {
            id: self.id,
            status,
            error,
        })
    }
}

/// What the end of a plan means for the process.
fn exit_of(status: Status, signal: Option<i32>) -> Exit {
    match (status, status.class()) {
        (Status::Interrupted, _) => signal.map_or(Exit::Failed, Exit::Interrupted),
        (Status::Locked, _) => Exit::Locked,
        (_, Class::Success) => Exit::Success,
        (_, Class::Warning | Class::Skipped | Class::Cancelled) => Exit::Warned,
        (_, Class::Refused) => Exit::NotStarted,
        (_, Class::Failed | Class::Interim) => Exit::Failed,
    }
}
