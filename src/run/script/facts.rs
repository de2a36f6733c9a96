//! What a script is told: DPOD's positional arguments, the same facts as variables and as a document.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::artifact::layout::list_word;
use crate::run::event::{ActionKind, FileProof, OutOfService, PlanId, ScriptMoment, StoredFile, TaskId};
use crate::run::status::Status;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::change::{ChangeList, ConfigChange};
use crate::values::lacks::Lacks;
use crate::values::text::printable;

/// The kernel takes no single argument or variable of 128 KiB or more.
const MAX_ARGUMENT: usize = 120 << 10;

/// So many changes are told to a script; history has more.
const MOST_CHANGES: usize = 1000;

/// What a script is told. The positional arguments are DPOD's.
#[derive(Clone, Debug, Serialize)]
pub struct Facts<'s> {
    /// Of this structure.
    schema_version: u32,
    /// The execution of the plan.
    pub plan: PlanFacts<'s>,
    /// The task; absent for a script of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskFacts<'s>>,
    /// The final status; absent before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Why it did not succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether a quiesce was sent for the task; absent before it, and for a script of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiesced: Option<bool>,
    /// How long its device or domain was out of service; null where it was not quiesced, or where
    /// nobody saw the end. Absent where `quiesced` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_service_seconds: Option<Option<f64>>,
    /// The tasks of the plan, after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskEnd>,
    /// What a secure backup is encrypted for, of a task, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateFacts>,
    /// The files, after a task or a plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileFacts>,
    /// What changed since the exports before, after a task or a plan; the first thousand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FactChange>,
    /// What runs and is not saved, likewise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsaved: Vec<FactChange>,
    pub store: PathBuf,
    /// The plan file, by its whole path.
    pub plan_file: PathBuf,
}

/// A change of a configuration, for a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactChange {
    /// The task that found it.
    pub task: i64,
    pub device: String,
    pub domain: String,
    /// `Class Name`, or the path of a file.
    pub object: String,
    /// `Added`, `Removed` or `Changed`.
    pub change: &'static str,
    /// How its properties differ.
    pub description: String,
}

/// What a task found out about the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFacts {
    /// What changed since the exports before.
    pub changes: Vec<FactChange>,
    /// What runs and is not saved.
    pub unsaved: Vec<FactChange>,
}

impl ConfigFacts {
    /// The facts of changes that a task found on a device.
    pub fn of(task: TaskId, device: &str, list: &ChangeList) -> Vec<FactChange> {
        let fact = |change: &ConfigChange| FactChange {
            task: task.0,
            device: device.to_owned(),
            // Words of a device reach a script's terminal or log: without its escapes.
            domain: printable(&change.domain).into_owned(),
            object: printable(&change.piece.to_string()).into_owned(),
            change: change.change.word(),
            description: printable(&change.description).into_owned(),
        };
        list.first.iter().map(fact).collect()
    }

    /// Adds those of another task, as far as there is room.
    pub fn add(&mut self, more: ConfigFacts) {
        for (all, more) in [
            (&mut self.changes, more.changes),
            (&mut self.unsaved, more.unsaved),
        ] {
            let room = MOST_CHANGES.saturating_sub(all.len());
            all.extend(more.into_iter().take(room));
        }
    }
}

/// A plan, for a script.
#[derive(Clone, Debug, Serialize)]
pub struct PlanFacts<'s> {
    pub id: i64,
    pub name: &'s str,
}

/// A task, for a script.
#[derive(Clone, Debug, Serialize)]
pub struct TaskFacts<'s> {
    pub id: i64,
    /// `exportDomain` or `secureBackup`.
    pub action: &'static str,
    pub device: &'s str,
    pub host: &'s str,
    pub port: u16,
    /// The domain; `ALL` for the whole device, as DPOD has it.
    pub domain: &'s str,
}

/// How a task ended, for the post-plan script.
#[derive(Clone, Debug, Serialize)]
pub struct TaskEnd {
    pub id: i64,
    /// `exportDomain` or `secureBackup`.
    pub action: &'static str,
    pub device: String,
    /// The domain, or `ALL`.
    pub domain: String,
    /// Both, as they stand in the argument.
    #[serde(skip)]
    listed: String,
    pub status: String,
    /// Whether a quiesce was sent for it.
    pub quiesced: bool,
    /// How long its device or domain was out of service; `None` where it was not quiesced, or
    /// where nobody saw the end.
    pub out_of_service_seconds: Option<f64>,
}

/// A file, for a script.
#[derive(Clone, Debug, Serialize)]
pub struct FileFacts {
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// `secure-backup`, `persisted` or `nonpersisted`.
    pub kind: &'static str,
    /// `true`, or what limited its verification.
    pub verified: FileProof,
    /// What a restore needs that is not in it; null for a part of a secure backup.
    pub lacks: Option<Lacks>,
}

impl<'s> Facts<'s> {
    /// What is known before a plan runs.
    pub fn of_plan(id: PlanId, name: &'s str, store: &Path, plan_file: &Path) -> Self {
        Self {
            schema_version: 1,
            plan: PlanFacts { id: id.0, name },
            task: None,
            status: None,
            error: None,
            quiesced: None,
            out_of_service_seconds: None,
            tasks: Vec::new(),
            certificate: None,
            files: Vec::new(),
            changes: Vec::new(),
            unsaved: Vec::new(),
            store: store.to_owned(),
            plan_file: std::path::absolute(plan_file).unwrap_or_else(|_| plan_file.to_owned()),
        }
    }

    /// Adds how it ended.
    #[must_use]
    pub fn ended(mut self, status: Status, error: Option<&str>) -> Self {
        self.status = Some(status.to_string());
        // Words of a device reach a script's terminal or log: without its escapes.
        self.error = error.map(|error| printable(error).into_owned());
        self
    }

    /// Adds how long a task put something out of service.
    #[must_use]
    pub fn out_of_service(mut self, lasted: OutOfService) -> Self {
        self.quiesced = Some(lasted.is_quiesced());
        self.out_of_service_seconds = Some(lasted.seconds());
        self
    }

    /// Adds what is known of changes.
    #[must_use]
    pub fn with_changes(mut self, facts: &ConfigFacts) -> Self {
        self.changes.clone_from(&facts.changes);
        self.unsaved.clone_from(&facts.unsaved);
        self
    }

    /// Adds files that were kept.
    #[must_use]
    pub fn with_files<'f>(mut self, files: impl IntoIterator<Item = &'f StoredFile>) -> Self {
        self.files = files
            .into_iter()
            .filter(|file| file.kept)
            .map(|file| FileFacts {
                path: file.path.clone(),
                size: file.size,
                sha256: file.sha256.clone(),
                kind: file.kind.code(),
                verified: file.proof,
                lacks: file.lacks.clone(),
            })
            .collect();
        self
    }

    pub(super) fn arguments(&self, moment: ScriptMoment) -> Vec<String> {
        let word = match moment {
            ScriptMoment::Pre => "PRE",
            ScriptMoment::Post => "POST",
        };
        let error = || self.error.clone().unwrap_or_else(|| "NONE".to_owned());
        let status = || self.status.clone().unwrap_or_default();
        let ffu = || "FFU".to_owned();
        let mut arguments = Vec::new();
        match &self.task {
            None => {
                arguments.extend([
                    "BACKUP-PLAN".to_owned(),
                    word.to_owned(),
                    self.plan.id.to_string(),
                    self.plan.name.to_owned(),
                ]);
                if moment == ScriptMoment::Post {
                    arguments.extend([status(), bounded(error()), ffu(), ffu(), self.task_list()]);
                }
            }
            Some(task) => {
                arguments.extend([
                    "BACKUP-TASK".to_owned(),
                    word.to_owned(),
                    task.id.to_string(),
                    self.plan.name.to_owned(),
                ]);
                if moment == ScriptMoment::Post {
                    arguments.extend([status(), bounded(error()), ffu(), ffu()]);
                }
                arguments.extend([
                    task.action.to_owned(),
                    task.device.to_owned(),
                    task.host.to_owned(),
                    task.port.to_string(),
                    task.domain.to_owned(),
                ]);
            }
        }
        arguments
    }

    /// `taskId,action,device,domain,status` joined by `~`, as many as an argument holds;
    /// the JSON file has them all. No name can add an entry, or be another's status.
    fn task_list(&self) -> String {
        let mut list = String::new();
        for task in &self.tasks {
            let entry = format!("{},{},{},{}", task.id, task.action, task.listed, task.status);
            if list.len() + entry.len() >= MAX_ARGUMENT {
                break;
            }
            if !list.is_empty() {
                list.push('~');
            }
            list.push_str(&entry);
        }
        list
    }

    pub(super) fn variables(&self, moment: ScriptMoment) -> Vec<(String, OsString)> {
        let mut variables: Vec<(String, OsString)> = Vec::new();
        let mut set = |name: &str, value: OsString| variables.push((format!("DPBACKUP_{name}"), value));
        set(
            "MOMENT",
            if moment == ScriptMoment::Pre {
                "pre"
            } else {
                "post"
            }
            .into(),
        );
        set("PLAN_ID", self.plan.id.to_string().into());
        set("PLAN_NAME", self.plan.name.into());
        set("STORE", self.store.clone().into());
        // A dpbackup that the script calls is about this run.
        set("CONFIG", self.plan_file.clone().into());
        if let Some(task) = &self.task {
            set("TASK_ID", task.id.to_string().into());
            set("ACTION", task.action.into());
            set("DEVICE", task.device.into());
            set("HOST", task.host.into());
            set("PORT", task.port.to_string().into());
            set("DOMAIN", task.domain.into());
        }
        if let Some(status) = &self.status {
            set("STATUS", status.into());
            set("ERROR", bounded(self.error.clone().unwrap_or_default()).into());
            if let (Some(quiesced), Some(seconds)) = (self.quiesced, self.out_of_service_seconds) {
                let text = match (quiesced, seconds) {
                    (_, Some(seconds)) => seconds.to_string(),
                    (true, None) => "not known".to_owned(),
                    (false, None) => String::new(),
                };
                set("OUT_OF_SERVICE_SECONDS", text.into());
            }
            let mut files = OsString::new();
            for file in &self.files {
                if files.len() + file.path.as_os_str().len() < MAX_ARGUMENT {
                    files.push(&file.path);
                    files.push("\n");
                }
            }
            set("FILES", files);
        }
        variables
    }
}

impl TaskEnd {
    /// How a task ended.
    pub fn new(
        id: TaskId,
        action: ActionKind,
        device: &str,
        domain: &str,
        status: Status,
        out_of_service: OutOfService,
    ) -> Self {
        Self {
            id: id.0,
            action: action.script_word(),
            device: printable(device).into_owned(),
            domain: printable(domain).into_owned(),
            listed: format!("{},{}", list_word(device), list_word(domain)),
            status: status.to_string(),
            quiesced: out_of_service.is_quiesced(),
            out_of_service_seconds: out_of_service.seconds(),
        }
    }
}

fn bounded(mut text: String) -> String {
    if text.len() > MAX_ARGUMENT {
        let mut end = MAX_ARGUMENT;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_domain_adds_an_entry_to_the_list_of_tasks_nor_leads_anywhere() {
        let mut facts = Facts::of_plan(PlanId(1), "P", Path::new("/s"), Path::new("/p.toml"));
        let ended = |id, domain: &str, status| {
            let never = OutOfService::Never;
            TaskEnd::new(TaskId(id), ActionKind::ExportDomain, "QA1", domain, status, never)
        };
        facts.tasks = vec![
            ended(
                2,
                "x,FAILED~1,exportDomain,QA1,../../evil,SUCCESS",
                Status::BackupFailed,
            ),
            ended(3, "DOM1", Status::Success),
        ];
        assert_eq!(
            facts.arguments(ScriptMoment::Post).last().map(String::as_str),
            Some(
                "2,exportDomain,QA1,x%2CFAILED%7E1%2CexportDomain%2CQA1%2C..%2F..%2Fevil%2CSUCCESS,BACKUP_FAILED\
                 ~3,exportDomain,QA1,DOM1,SUCCESS"
            )
        );
    }
}
