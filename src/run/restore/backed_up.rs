//! What a restore takes of its domain as a backup like any other, before it and after it; and the rows of its activities.

use crate::plan::model::{Action, Activity, Domains, ErrorPolicy, PostScriptWhen};
use crate::run::event::{ActionKind, ActivityId, ActivityOpening, Event, TaskId, TaskOpening};
use crate::run::failure::{Failure, Trouble};
use crate::run::ledger::LedgerError;
use crate::run::restore::{Restoring, refused};
use crate::run::session::Session;
use crate::run::status::{Class, Status};
use crate::run::task::{self, Task};
use crate::values::device_pattern::DevicePatterns;
use crate::values::pattern::PatternList;

impl<'a> Restoring<'_, 'a, '_> {
    /// Takes what is in the domain, as a backup like any other; behind the import of this task, if there was one.
    pub(super) fn back_up(
        &mut self,
        session: &mut Session<'a>,
        behind_import: Option<TaskId>,
    ) -> Result<TaskId, Trouble> {
        let domain = self.source.domain.name().to_owned();
        let activity = self.export_activity(&domain)?;
        let (row, id) = self.open_rows(ActionKind::ExportDomain)?;
        let due = Task {
            id,
            plan: self.id,
            plan_name: &self.name,
            activity: &activity,
            domain: &domain,
            behind_import,
        };
        let ended = task::run(self.engine, self.record, session, due, None)?;
        self.end_activity(row, ended.status, !ended.warnings.is_empty())?;
        let told = |message: &String| format!("task {}: {message}", id.0);
        self.warnings.extend(ended.warnings.iter().map(told));
        match ended.status.class() {
            Class::Success => Ok(id),
            _ => {
                let why = ended.error.unwrap_or_default();
                Err(Failure::new(ended.status, format!("task {}: {why}", id.0)).into())
            }
        }
    }

    /// The rows of an activity with one task.
    pub(super) fn open_rows(&mut self, action: ActionKind) -> Result<(ActivityId, TaskId), LedgerError> {
        let activity = self.record.open_activity(ActivityOpening {
            plan: self.id,
            action,
            device_pattern: self.device.name.clone(),
            domain_pattern: self.source.domain.name().to_owned(),
            quiesce: false,
        })?;
        let task = self.record.open_task(TaskOpening {
            plan: self.id,
            activity,
            action,
            device: self.device.name.clone(),
            domain: self.source.domain.name().to_owned(),
            status: Status::ReadyForExecution,
            error: None,
        })?;
        self.record.tell(&Event::ActivityStatus {
            activity,
            status: Status::Running,
        })?;
        Ok((activity, task))
    }

    /// Ends the rows of an activity as its task has ended.
    pub(super) fn end_activity(
        &mut self,
        activity: ActivityId,
        of_task: Status,
        warned: bool,
    ) -> Result<(), LedgerError> {
        let status = match of_task.class() {
            Class::Success if warned => Status::CompletedWithWarnings,
            Class::Success => Status::Success,
            _ => Status::Failed,
        };
        self.record.tell(&Event::ActivityEnded { activity, status })
    }

    fn export_activity(&self, domain: &str) -> Result<Activity, Failure> {
        let odd = |error: &dyn std::fmt::Display| refused(format!("{}: {error}", self.device.name));
        Ok(Activity {
            action: Action::ExportDomain {
                domains: Domains::Matching(PatternList::from_items([domain]).map_err(|error| odd(&error))?),
            },
            devices: DevicePatterns::from_items([self.device.name.as_str()]).map_err(|error| odd(&error))?,
            quiesce: false,
            pre_script: None,
            post_script: None,
            post_script_when: PostScriptWhen::Always,
            error_policy: ErrorPolicy::Halt,
        })
    }
}
