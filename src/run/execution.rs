//! An execution, to its end: whatever ends it, devices are put back, and what is left of them is
//! looked at.

use crate::exit::Exit;
use crate::lock::ended::UnrecordedEnd;
use crate::run::Engine;
use crate::run::broken;
use crate::run::error::{RunError, RunTrouble};
use crate::run::event::PlanId;
use crate::run::left::{self, Left};
use crate::run::record::Record;
use crate::run::status::{Class, Status};
use crate::threads::{self, DISK_ANSWERS_WITHIN};
use crate::values::causes::with_causes;
use crate::values::internal_error::caught;

/// How a plan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanEnd {
    pub id: PlanId,
    pub status: Status,
    /// Why it did not succeed.
    pub error: Option<String>,
    /// What is left of the devices, looked at after the last thing that was done to them.
    pub left: Left,
    /// What it means for the process.
    pub exit: Exit,
}

/// The end of a plan that history has.
pub(super) struct RecordedEnd {
    pub(super) id: PlanId,
    pub(super) status: Status,
    pub(super) error: Option<String>,
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
    let mut otherwise = None;
    let ended = match ended {
        // The history is sound, and has the end of what could not take its lock.
        Err(trouble @ RunTrouble::Lock(_)) => {
            otherwise = Some(Exit::History);
            told_end(engine, record, trouble)
        }
        Err(trouble) if broke => told_end(engine, record, trouble),
        ended => ended,
    };
    // What was met on the way back belongs to the same plan.
    record.take_internal_error();
    let left = left::look(engine, record);
    match ended {
        Err(trouble) => {
            let folders = left::folders(record, &engine.file.invocation);
            let error = RunError::new(trouble, left, folders, &engine.file.invocation);
            let error = if broke { error.of_ours() } else { error };
            // Whoever finds the execution without an end would say that its process died.
            if record.lacks_an_end() {
                let (locks, process) = (engine.locks.clone(), engine.process.to_owned());
                let code = error.exit().code();
                let say = move || UnrecordedEnd::say(&locks, &process, code);
                // The folder of locks is on the disk of the history, which may be what hangs.
                let _said = threads::within(threads::start, "the end", DISK_ANSWERS_WITHIN, say);
            }
            Err(error)
        }
        Ok(RecordedEnd { id, status, error }) => Ok(PlanEnd {
            id,
            status,
            error,
            exit: left.exit(match (broke, otherwise) {
                (true, _) => Exit::Internal,
                (false, Some(exit)) => exit,
                (false, None) => exit_of(status, engine.stop.signal()),
            }),
            left,
        }),
    }
}

/// The end, as `FAILED`, of an execution that has met trouble.
fn told_end(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    trouble: RunTrouble,
) -> Result<RecordedEnd, RunTrouble> {
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
