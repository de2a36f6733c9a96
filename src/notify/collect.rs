//! Gathers the facts of a run from its events.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::notify::notice::{NoticeChanges, NoticePlace, NoticeTask};
use crate::notify::past::warned_of;
use crate::run::event::{Event, FileKind, Owner, PlanId, TaskId, TaskOpening};
use crate::run::status::Status;
use crate::values::change::ChangeList;

/// An execution of a plan, as far as it has come.
#[derive(Clone, Debug)]
pub(super) struct CollectedRun {
    /// Its id; `None` of a run that history could not record.
    pub(super) id: Option<PlanId>,
    pub(super) plan: String,
    pub(super) started: Timestamp,
    /// How long it took; `None` as long as it has not ended, or where nobody knows.
    pub(super) took: Option<Duration>,
    pub(super) tasks: BTreeMap<TaskId, NoticeTask>,
    pub(super) still_quiesced: Vec<NoticePlace>,
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
    /// What changed in what is saved, task by task.
    pub(super) changed: BTreeMap<TaskId, ChangeList>,
    /// What is not saved; nothing where that something is not is all that is known.
    pub(super) unsaved: BTreeMap<TaskId, Option<ChangeList>>,
}

impl CollectedRun {
    pub(super) fn new(id: Option<PlanId>, plan: String, started: Timestamp) -> Self {
        Self {
            id,
            plan,
            started,
            took: None,
            tasks: BTreeMap::new(),
            still_quiesced: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            changed: BTreeMap::new(),
            unsaved: BTreeMap::new(),
        }
    }

    /// Takes what an event adds to the facts.
    pub(super) fn note(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::TaskOpened { task, opening } => {
                self.tasks.insert(*task, opened(*task, opening));
            }
            Event::TaskStatus { task, .. } => self.with(*task, |facts| {
                facts.began.get_or_insert(at);
            }),
            Event::FileStored { task, file } => self.with(*task, |facts| {
                facts.files += 1;
                facts.bytes += if file.kept { file.size } else { 0 };
            }),
            // What runs and is not saved is told as such.
            Event::ConfigChanged {
                task,
                kind: FileKind::Persisted,
                changes,
            } => drop(self.changed.insert(*task, changes.clone())),
            Event::UnsavedChanges { task, unsaved: true } => {
                self.unsaved.entry(*task).or_default();
            }
            Event::UnsavedChanges { task, unsaved: false } => drop(self.unsaved.remove(task)),
            Event::ConfigUnsaved { task, changes } => {
                self.unsaved.insert(*task, Some(changes.clone()));
            }
            Event::TaskEnded {
                task,
                status,
                error,
                took,
            } => self.with(*task, |facts| {
                facts.status = *status;
                facts.error.clone_from(error);
                facts.took = *took;
            }),
            Event::PlanEnded { took, .. } => self.took = *took,
            Event::Warning { owner, message, .. } => self.warnings.extend(self.remark(*owner, message)),
            Event::Note { owner, message } => {
                self.notes.extend(self.remark(*owner, message));
            }
            Event::StillQuiesced(still) => {
                let place = NoticePlace::from(still);
                self.still_quiesced
                    .retain(|known| known.device != place.device || known.domain != place.domain);
                self.still_quiesced.push(place);
            }
            Event::Recovered { device, undo, .. } => {
                self.still_quiesced
                    .retain(|known| known.device != *device || known.domain != undo.domain());
            }
            Event::PlanOpened { .. }
            | Event::PlanStatus { .. }
            | Event::PlanAbandoned { .. }
            | Event::ActivityOpened { .. }
            | Event::ActivityStatus { .. }
            | Event::ActivityEnded { .. }
            | Event::DeviceFacts { .. }
            | Event::BackupCertificate { .. }
            | Event::OutOfService { .. }
            | Event::ConfigChanged { .. }
            | Event::FileFailed { .. }
            | Event::ReceiverWarned { .. }
            | Event::ScriptEnded { .. } => {}
        }
    }

    /// With its place in front where a task made it; of a task that nobody knows, nothing.
    fn remark(&self, owner: Owner, message: &str) -> Option<String> {
        let of_task = |task: &NoticeTask| warned_of(&task.device, &task.domain, message);
        match owner {
            Owner::Plan(_) => Some(message.to_owned()),
            Owner::Task(task) => self.tasks.get(&task).map(of_task),
        }
    }

    /// Adds what changed in all its tasks.
    pub(super) fn add_changes(&self, all: &mut NoticeChanges) {
        for (id, changes) in &self.changed {
            if let Some(task) = self.tasks.get(id) {
                all.add(task.id, (&task.device, &task.domain), Some(changes));
            }
        }
    }

    /// What all its tasks found that is not saved.
    pub(super) fn not_saved(&self) -> NoticeChanges {
        let mut all = NoticeChanges::default();
        for (id, changes) in &self.unsaved {
            if let Some(task) = self.tasks.get(id) {
                all.add(task.id, (&task.device, &task.domain), changes.as_ref());
            }
        }
        all
    }

    /// Its tasks, in the order in which they run.
    pub(super) fn task_list(&self) -> Vec<NoticeTask> {
        self.tasks.values().cloned().collect()
    }

    fn with(&mut self, task: TaskId, change: impl FnOnce(&mut NoticeTask)) {
        if let Some(facts) = self.tasks.get_mut(&task) {
            change(facts);
        }
    }
}

fn opened(id: TaskId, opening: &TaskOpening) -> NoticeTask {
    NoticeTask {
        id,
        action: opening.action,
        device: opening.device.clone(),
        domain: opening.domain.clone(),
        status: opening.status,
        error: opening.error.clone(),
        files: 0,
        bytes: 0,
        began: None,
        took: None,
    }
}

/// Those that did not succeed, as they are compared with the execution before.
pub(super) fn troubles(tasks: &[NoticeTask]) -> Vec<String> {
    let mut troubles: Vec<String> = tasks
        .iter()
        .filter(|task| task.status != Status::Success)
        .map(NoticeTask::trouble)
        .collect();
    troubles.sort();
    troubles
}
