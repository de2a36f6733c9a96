//! What the tests of this room share: a history in a folder of its own, and openings.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use crate::history::{History, Writing};
use crate::run::event::{
    ActionKind, ActivityId, ActivityOpening, FileKind, FileProof, PlanId, PlanOpening, StoredFile, TaskId,
    TaskOpening,
};
use crate::run::ledger::{JournalTime, Ledger};
use crate::run::status::Status;
use crate::values::boot_time::BootTime;
use crate::values::pattern::could_be_pattern;

/// A moment, so many seconds after the others began.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_332_600 + seconds).expect("a second of 2026")
}

/// The same moment, as the journal has it.
pub(super) fn in_the_journal(seconds: u64) -> JournalTime {
    JournalTime {
        day: at(i64::try_from(seconds).expect("few seconds")),
        boot: Some(BootTime {
            boot: "this one".to_owned(),
            up: Duration::from_secs(seconds),
        }),
    }
}

/// A history in a folder that goes away with it.
pub(super) struct Fixture {
    pub(super) history: History,
    folder: TempDir,
}

impl Fixture {
    pub(super) fn new() -> Fixture {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let history = History::open(&folder.path().join("history.db"), Writing::Log).expect("a new history");
        // Synced commits are slow, and no test cuts the power.
        history
            .connection
            .pragma_update(None, "synchronous", "OFF")
            .expect("a pragma");
        Fixture { history, folder }
    }

    /// The folder, and the history to be closed before it.
    pub(super) fn into_parts(self) -> (TempDir, History) {
        (self.folder, self.history)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("history.db")
    }

    pub(super) fn plan(&mut self, name: &str, seconds: i64) -> PlanId {
        self.history
            .open_plan(at(seconds), &plan_opening(name))
            .expect("a plan")
    }

    pub(super) fn activity(&mut self, plan: PlanId, action: ActionKind) -> ActivityId {
        let opening = activity_opening(plan, action);
        self.history.open_activity(at(1), &opening).expect("an activity")
    }

    pub(super) fn task(
        &mut self,
        plan: PlanId,
        activity: ActivityId,
        device: &str,
        domain: &str,
        status: Status,
    ) -> TaskId {
        // What could not be expanded stands for the pattern of its activity.
        let is_expanded = status == Status::ReadyForExecution || !could_be_pattern(domain);
        let activity = match is_expanded {
            true => activity,
            false => {
                let opening = ActivityOpening {
                    domain_pattern: domain.to_owned(),
                    ..activity_opening(plan, ActionKind::ExportDomain)
                };
                self.history.open_activity(at(1), &opening).expect("an activity")
            }
        };
        let opening = TaskOpening {
            status,
            ..task_opening(plan, activity, device, domain)
        };
        self.history.open_task(at(2), &opening).expect("a task")
    }

    /// A plan with one export of one domain.
    pub(super) fn export(&mut self) -> (PlanId, ActivityId, TaskId) {
        let plan = self.plan("BackupQA", 0);
        let activity = self.activity(plan, ActionKind::ExportDomain);
        let task = self.task(plan, activity, "QA1", "SALES", Status::ReadyForExecution);
        (plan, activity, task)
    }

    /// A number from the tables.
    pub(super) fn number(&self, sql: &str) -> i64 {
        self.history
            .connection
            .query_row(sql, [], |row| row.get(0))
            .expect("a number")
    }
}

pub(super) fn plan_opening(name: &str) -> PlanOpening {
    PlanOpening {
        plan: name.to_owned(),
        plan_file: PathBuf::from("/etc/dpbackup/plans.toml"),
        process: "4711-abc".to_owned(),
        window_ignored: false,
    }
}

pub(super) fn activity_opening(plan: PlanId, action: ActionKind) -> ActivityOpening {
    ActivityOpening {
        plan,
        action,
        device_pattern: "QA*".to_owned(),
        domain_pattern: "*".to_owned(),
        quiesce: true,
    }
}

pub(super) fn task_opening(plan: PlanId, activity: ActivityId, device: &str, domain: &str) -> TaskOpening {
    TaskOpening {
        plan,
        activity,
        action: match domain {
            "all-domains" => ActionKind::SecureBackup,
            _ => ActionKind::ExportDomain,
        },
        device: device.to_owned(),
        domain: domain.to_owned(),
        status: Status::ReadyForExecution,
        error: None,
    }
}

pub(super) fn file(name: &str, kind: FileKind, content: Option<&str>) -> StoredFile {
    StoredFile {
        name: name.to_owned(),
        kind,
        path: PathBuf::from("/backup").join(name),
        kept: true,
        size: 1_503_239,
        sha256: "ab".repeat(32),
        entries: Some(14),
        objects: Some(120),
        content: content.map(str::to_owned),
        unchanged_since: None,
        proof: FileProof::Whole,
        lacks: None,
    }
}

pub(super) fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}
