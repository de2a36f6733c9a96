//! An import that is due: what was confirmed, and what stands in its messages.

use crate::artifact::difference::Difference;
use crate::plan::model::Device;
use crate::run::event::{JournalId, Progress, TaskId, Undo, UndoStage};
use crate::run::restore::target::RestoreTarget;
use crate::run::running_domain::RunningDomain;
use crate::values::restore_plan::ConfirmedRestore;

/// What was confirmed, and what the device was when that was done.
pub(super) struct DueImport<'d> {
    pub(super) task: TaskId,
    pub(super) before: Option<TaskId>,
    pub(super) target: &'d RestoreTarget,
    pub(super) confirmed: &'d ConfirmedRestore,
    pub(super) running: &'d RunningDomain,
    pub(super) merge: &'d Difference,
}

/// Which task knows what was there before the import.
pub(super) fn taken_before(due: &DueImport<'_>) -> String {
    match due.before {
        Some(task) => format!("before it, task {} was taken", task.0),
        None => "which task took what was there before is not known".to_owned(),
    }
}

/// That a row of the journal has come so far, for whoever answers signals.
pub(super) fn undo_due(device: &Device, (journal, undo): (JournalId, &Undo), stage: UndoStage) -> Progress {
    Progress::UndoDue {
        journal,
        device: device.name.clone(),
        undo: undo.clone(),
        stage,
    }
}
