//! Rows of the journal, for tests.

use jiff::Timestamp;

use crate::run::event::{JournalId, PlanId, TaskId, Undo};
use crate::run::ledger::{JournalEntry, JournalTime, UndoOpening};
use crate::values::address::Address;

/// Where a device of tests is reached.
pub(in crate::run) fn at(host: &str) -> Address {
    Address {
        host: host.to_owned(),
        port: 5550,
    }
}

/// The first row of a journal: task 1 has begun something on QA1, at `qa1`, that has told no serial number.
pub(in crate::run) fn row(undo: Undo) -> JournalEntry {
    let opening = UndoOpening {
        plan: PlanId(1),
        task: TaskId(1),
        device: "QA1".to_owned(),
        address: at("qa1"),
        peer: None,
        serial: None,
        undo,
        domains: Vec::new(),
    };
    let time = JournalTime {
        day: Timestamp::UNIX_EPOCH,
        boot: None,
    };
    JournalEntry::opened(JournalId(1), "run-1", &time, &opening)
}
