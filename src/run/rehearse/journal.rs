//! The row of a dry run on a spare in the journal: where nobody has seen the spare as it was before, a later look judges.

use crate::clock::Clock;
use crate::gateway::Gateway;
use crate::run::event::{JournalId, PlanId, TaskId, Undo};
use crate::run::ledger::{JournalTime, Ledger, LedgerError, Reply, UndoOpening, UndoStep};
use crate::values::address::Address;

/// Where the dry runs of one backup are written down.
pub struct RehearsalJournal<'j> {
    pub ledger: &'j mut dyn Ledger,
    pub clock: &'j dyn Clock,
    /// Names the kernel lock of the process that rehearses.
    pub process: &'j str,
    /// The plan execution that the task belongs to.
    pub plan: PlanId,
    /// The task that stored the backup.
    pub task: TaskId,
    /// Where the spare is reached.
    pub address: Address,
}

impl RehearsalJournal<'_> {
    /// A dry run is about to be sent to the spare of this name, which has told this serial number.
    pub(super) fn open(
        &mut self,
        (gateway, name, serial): (&Gateway<'_>, &str, Option<&str>),
        undo: Undo,
    ) -> Result<JournalId, LedgerError> {
        let now = JournalTime {
            day: self.clock.now(),
            boot: self.clock.boot_time(),
        };
        let opening = UndoOpening {
            plan: self.plan,
            task: self.task,
            device: name.to_owned(),
            address: self.address.clone(),
            peer: gateway.held_address(serial),
            serial: serial.map(str::to_owned),
            undo,
            domains: Vec::new(),
        };
        self.ledger.open_undo(&now, self.process, &opening)
    }

    /// The device has done with it.
    pub(super) fn is_over(&mut self, row: JournalId) -> Result<(), LedgerError> {
        let now = self.clock.now();
        self.ledger
            .step_undo(now, row, UndoStep::Replied(Reply::Accepted))
    }

    /// Nothing more is to be found out about it, for this reason.
    pub(super) fn close(&mut self, row: JournalId, how: &str) -> Result<(), LedgerError> {
        let now = self.clock.now();
        self.ledger.close_undo(now, self.process, row, how)
    }
}
