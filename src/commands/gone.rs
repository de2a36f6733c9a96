//! What history cannot know by itself: executions whose process is gone, and what such
//! processes have left open, before anybody has run `recover`.

use std::collections::BTreeMap;

use crate::commands::error::CommandError;
use crate::commands::left_behind::{half_done_imports, left_behind};
use crate::history::{ActivityRow, History, PlanRow, TaskRow};
use crate::lock::{Life, Locks};
use crate::plan::model::PlanFile;
use crate::run::event::PlanId;
use crate::run::left::Left;
use crate::run::status::Status;

/// The executions without an end whose process is gone, with the words for it.
pub(super) struct Gone(BTreeMap<PlanId, String>);

impl Gone {
    /// Looks which they are.
    pub(super) fn look(history: &History, locks: &Locks) -> Result<Self, CommandError> {
        let mut gone = BTreeMap::new();
        for plan in history.unfinished_plans()? {
            let words = match locks.life(&plan.process) {
                Life::Alive => continue,
                Life::Dead => format!(
                    "its process is gone since {} or later, when it was {}",
                    last_heard(history, &plan.id)?,
                    plan.status
                ),
                Life::NotKnown(why) => format!("whether its process is at work is not known: {why}"),
            };
            gone.insert(plan.id, words);
        }
        Ok(Self(gone))
    }

    /// Shows the executions of gone processes among these as what they are.
    pub(super) fn mark_plans(&self, rows: &mut [PlanRow]) {
        for row in rows {
            self.mark(row.id, &mut row.status, &mut row.error_message);
        }
    }

    /// The same for activities.
    pub(super) fn mark_activities(&self, rows: &mut [ActivityRow]) {
        for row in rows {
            self.mark(row.plan, &mut row.status, &mut None);
        }
    }

    /// The same for a task.
    pub(super) fn mark_task(&self, row: &mut TaskRow) {
        self.mark(row.plan, &mut row.status, &mut row.error_message);
    }

    fn mark(&self, plan: PlanId, status: &mut Status, message: &mut Option<String>) {
        if let (Some(words), false) = (self.0.get(&plan), status.is_final()) {
            *status = Status::Abandoned;
            message.get_or_insert_with(|| words.clone());
        }
    }
}

/// When an execution was last heard of.
fn last_heard(history: &History, plan: &PlanId) -> Result<String, CommandError> {
    let tasks = history.tasks_of_plan(*plan)?;
    let last = tasks.iter().map(|task| task.status_time).max();
    Ok(last.map_or_else(|| "its start".to_owned(), |last| format!("{last:.0}")))
}

/// What may still be quiesced, of what the journal has open and nobody works on.
pub(super) fn open_quiesces(file: &PlanFile) -> Option<String> {
    let history = &file.settings.history;
    match left_behind(history, &Locks::beside(history)) {
        Left::Nothing => None,
        left => Some(left.words(&file.invocation)),
    }
}

/// The same, and the imports whose end nobody has seen: it stands above every table. `None` where
/// there is nothing.
pub(super) fn open_rows(file: &PlanFile) -> Option<String> {
    let locks = Locks::beside(&file.settings.history);
    let told = open_quiesces(file).into_iter();
    let told: Vec<String> = told.chain(half_done_imports(file, &locks)).collect();
    (!told.is_empty()).then(|| told.join("; "))
}
