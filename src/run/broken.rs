//! What is done about a plan that a mistake of ours has ended: its devices are put back, and
//! everybody is told, as after any failure.

use crate::gateway::quiesce::FirstWord;
use crate::run::Engine;
use crate::run::client;
use crate::run::event::{ActionKind, Certainty, Event, PlanId};
use crate::run::held::{LockFor, LockOutcome, LockWait};
use crate::run::ledger::{JournalEntry, LedgerError, UnfinishedTask};
use crate::run::record::Record;
use crate::run::recover::age::quiesce_sent;
use crate::run::status::Status;
use crate::run::undo::{OpenQuiesce, scope_of};
use crate::signal::Stop;
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::values::internal_error::caught;

/// Ends the execution of this process that has no end as `FAILED`, with all that belongs to it.
/// `None` where that cannot be told or written, or where it has an end.
pub(super) fn end_unfinished(engine: Engine<'_>, record: &mut Record<'_>, words: &str) -> Option<PlanId> {
    let plans = record.ledger().unfinished_plans().ok()?;
    let plan = plans.into_iter().find(|plan| plan.process == engine.process)?;
    for task in &plan.unended_tasks {
        let words = Some(words.to_owned());
        record.end_task(task.id, ended_by_us(task), words).ok()?;
    }
    for activity in plan.unended_activities {
        let status = Status::Failed;
        record.tell(&Event::ActivityEnded { activity, status }).ok()?;
    }
    let words = Some(words.to_owned());
    record.end_plan(plan.id, Status::Failed, words).ok()?;
    Some(plan.id)
}

/// How a task ends that a mistake of ours has ended. What it had not begun it has not failed to do.
fn ended_by_us(task: &UnfinishedTask) -> Status {
    match (task.status, task.action) {
        (Status::WaitingForPreValidation | Status::ReadyForExecution, _) => Status::Interrupted,
        (Status::Importing, ActionKind::RestoreDomain) => Status::ImportFailed,
        (_, ActionKind::RestoreDomain) => Status::DryRunFailed,
        (_, ActionKind::SecureBackup | ActionKind::ExportDomain) => Status::BackupFailed,
    }
}

/// Undoes the quiesces of this process that are open. None of its tasks is at work any more.
pub(super) fn undo_ours(engine: Engine<'_>, record: &mut Record<'_>) {
    // A journal that cannot be read says nothing of what is known all the same.
    let rows = caught(|| record.ledger().open_undos());
    let rows = match rows {
        Ok(Ok(rows)) => rows,
        Ok(Err(_)) | Err(_) => record.unconfirmed(),
    };
    for row in rows {
        if row.process != engine.process || !row.is_quiesce() {
            continue;
        }
        match caught(|| undo_one(engine, record, &row)) {
            Ok(Ok(())) => {}
            // The look that follows finds the row open, or cannot tell.
            Ok(Err(_)) => {}
            Err(_) => record.met_internal_error(),
        }
    }
}

fn undo_one(engine: Engine<'_>, record: &mut Record<'_>, row: &JournalEntry) -> Result<(), LedgerError> {
    // Of a row that cannot be relied on the device is not told: the look that follows finds it open.
    let Some(scope) = scope_of(&row.undo) else {
        return Ok(());
    };
    let open = OpenQuiesce::of_row(row, &scope, quiesce_sent(engine, row), FirstWord::Look);
    let Some(device) = engine.file.device(&row.device) else {
        return open.still_quiesced(Certainty::NotKnown, "the plan file has no such device", record);
    };
    // Another process may have waited for the device; then it has recovered it, or will.
    let settings = &engine.file.settings;
    let limit = settings.unquiesce_timeout + settings.quiesce_grace;
    let taken = LockWait {
        stop: &Stop::new(),
        ..LockWait::of(engine, "undo after an internal error", limit)
    }
    .take(LockFor::Device(device), &mut |progress| record.show(progress));
    // Without its lock the device is told all the same: what we quiesced is ours to undo.
    let _lock = match taken {
        Ok(LockOutcome::Held(lock)) => Some(lock),
        Ok(LockOutcome::Stopped | LockOutcome::Busy(_)) | Err(_) => None,
    };
    let gateway = client::shielded(engine, device)
        .map_err(|failure| SomaError::new(SomaErrorKind::Broken, failure.message));
    open.undo(gateway.as_ref(), settings, record).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::event::TaskId;

    #[test]
    fn a_task_that_never_began_has_not_failed_and_a_restore_is_no_backup() {
        let end = |action, status| {
            ended_by_us(&UnfinishedTask {
                id: TaskId(1),
                device: "QA1".to_owned(),
                domain: "DOM1".to_owned(),
                action,
                status,
            })
        };
        let export = |status| end(ActionKind::ExportDomain, status);
        assert_eq!(export(Status::ReadyForExecution), Status::Interrupted);
        assert_eq!(export(Status::Validating), Status::BackupFailed);
        let restore = |status| end(ActionKind::RestoreDomain, status);
        assert_eq!(restore(Status::DryRun), Status::DryRunFailed);
        assert_eq!(restore(Status::Importing), Status::ImportFailed);
    }
}
