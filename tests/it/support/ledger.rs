//! A history that somebody watches.

use dpbackup::history::History;
use dpbackup::run::event::{
    ActivityId, ActivityOpening, Event, FileKind, JournalId, PlanId, PlanOpening, TaskId, TaskOpening,
};
use dpbackup::run::ledger::{
    ClosedUndo, DeathWords, JournalEntry, JournalTime, LastContent, Ledger, LedgerError, LostQuiesce,
    Patience, UndoOpening, UndoStep, UnfinishedPlan,
};
use dpbackup::values::boot_time::BootTime;
use dpbackup::values::certificate_facts::CertificateFacts;
use jiff::Timestamp;

/// Calls `write` before each write and right after it, and `read` before each read.
pub(crate) struct WatchedLedger<F> {
    pub(crate) history: History,
    pub(crate) write: F,
    pub(crate) read: F,
}

impl<F: Fn()> WatchedLedger<F> {
    fn around<T>(&mut self, write: impl FnOnce(&mut History) -> T) -> T {
        (self.write)();
        let outcome = write(&mut self.history);
        (self.write)();
        outcome
    }
}

impl<F: Fn()> Ledger for WatchedLedger<F> {
    fn patience(&mut self, patience: Patience) {
        self.history.patience(patience);
    }

    fn open_plan(&mut self, at: Timestamp, opening: &PlanOpening) -> Result<PlanId, LedgerError> {
        self.around(|history| history.open_plan(at, opening))
    }

    fn open_activity(&mut self, at: Timestamp, opening: &ActivityOpening) -> Result<ActivityId, LedgerError> {
        self.around(|history| history.open_activity(at, opening))
    }

    fn open_task(&mut self, at: Timestamp, opening: &TaskOpening) -> Result<TaskId, LedgerError> {
        self.around(|history| history.open_task(at, opening))
    }

    fn record(&mut self, at: Timestamp, event: &Event) -> Result<(), LedgerError> {
        self.around(|history| history.record(at, event))
    }

    fn open_undo(
        &mut self,
        at: &JournalTime,
        process: &str,
        opening: &UndoOpening,
    ) -> Result<JournalId, LedgerError> {
        self.around(|history| history.open_undo(at, process, opening))
    }

    fn undo_stood(&mut self, id: JournalId, moment: &BootTime) -> Result<(), LedgerError> {
        self.around(|history| history.undo_stood(id, moment))
    }

    fn step_undo(&mut self, at: Timestamp, id: JournalId, step: UndoStep) -> Result<(), LedgerError> {
        self.around(|history| history.step_undo(at, id, step))
    }

    fn close_undo(
        &mut self,
        at: Timestamp,
        process: &str,
        id: JournalId,
        how: &str,
    ) -> Result<(), LedgerError> {
        self.around(|history| history.close_undo(at, process, id, how))
    }

    fn undone_by_others(&mut self) -> Result<Vec<ClosedUndo>, LedgerError> {
        (self.read)();
        Ledger::undone_by_others(&mut self.history)
    }

    fn lost_quiesces(&mut self) -> Result<Vec<LostQuiesce>, LedgerError> {
        (self.read)();
        Ledger::lost_quiesces(&mut self.history)
    }

    fn open_undos(&mut self) -> Result<Vec<JournalEntry>, LedgerError> {
        (self.read)();
        self.history.open_undos()
    }

    fn unfinished_plans(&mut self) -> Result<Vec<UnfinishedPlan>, LedgerError> {
        (self.read)();
        Ledger::unfinished_plans(&mut self.history)
    }

    fn abandon(&mut self, at: Timestamp, plan: PlanId, death: &DeathWords) -> Result<(), LedgerError> {
        self.around(|history| Ledger::abandon(history, at, plan, death))
    }

    fn last_serial(&mut self, device: &str) -> Result<Option<String>, LedgerError> {
        (self.read)();
        Ok(History::last_serial(&self.history, device)?)
    }

    fn last_content(
        &mut self,
        device: &str,
        domain: &str,
        kind: FileKind,
    ) -> Result<Option<LastContent>, LedgerError> {
        (self.read)();
        self.history.last_content(device, domain, kind)
    }

    fn files_in_store(&mut self) -> Result<u64, LedgerError> {
        (self.read)();
        Ledger::files_in_store(&mut self.history)
    }

    fn last_certificate(
        &mut self,
        device: &str,
        object: &str,
    ) -> Result<Option<(TaskId, CertificateFacts)>, LedgerError> {
        (self.read)();
        self.history.last_certificate(device, object)
    }
}
