//! The tasks as a preview shows them: which would run, and what keeps the others from it.

use std::path::PathBuf;

use crate::artifact::layout::{self, ExportKind};
use crate::clock::Clock;
use crate::plan::model::{Action, ErrorPolicy, Settings};
use crate::report::preview::{PreviewTask, PreviewVerdict};
use crate::run::expand::{ExpandedActivity, ExpandedTask, Verdict};
use crate::run::status::{Class, Status};

pub(super) fn tasks(
    expanded: Vec<ExpandedActivity<'_>>,
    settings: &Settings,
    clock: &dyn Clock,
) -> Vec<PreviewTask> {
    let mut previews = Vec::new();
    let mut halted: Option<String> = None;
    for ExpandedActivity { activity, tasks, .. } in expanded {
        for task in tasks {
            let position = previews.len() + 1;
            let (verdict, reason) = match (&task.verdict, &halted) {
                (Verdict::Ready(_), None) => (PreviewVerdict::Runs, None),
                // As a run does it: what is skipped, or has failed already, keeps its own reason.
                (Verdict::Ready(_), Some(why)) => (
                    PreviewVerdict::Settled(Status::CanceledBecauseErrorPolicy),
                    Some(format!("{why}, and the error policy is halt")),
                ),
                (Verdict::Settled(failure), _) => (
                    PreviewVerdict::Settled(failure.status),
                    Some(failure.message.clone()),
                ),
            };
            if let PreviewVerdict::Settled(status) = verdict
                && status.class() == Class::Failed
                && activity.error_policy == ErrorPolicy::Halt
            {
                let what = activity.kind().of(&task.device_name, &task.domain);
                halted.get_or_insert_with(|| format!("{what} would end {status}"));
            }
            let runs = verdict == PreviewVerdict::Runs;
            previews.push(PreviewTask {
                position,
                action: activity.kind(),
                path: runs.then(|| path(&activity.action, &task, settings, clock)),
                device_name: task.device_name,
                domain_name: task.domain,
                quiesce: activity.quiesce,
                verdict,
                reason,
            });
        }
    }
    previews
}

/// Where the files would go, if the task ran right now.
fn path(action: &Action, task: &ExpandedTask<'_>, settings: &Settings, clock: &dyn Clock) -> PathBuf {
    let (now, zone) = (clock.now(), clock.zone());
    match action {
        Action::SecureBackup { .. } => {
            layout::secure_backup_dir(settings.store.folder(), &task.device_name, now, &zone)
        }
        Action::ExportDomain { .. } => layout::export_path(
            settings.store.folder(),
            &task.device_name,
            &task.domain,
            now,
            &zone,
            ExportKind::Persisted,
        ),
    }
}
