//! The backups of one device, domain and kind: what stands of them, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::artifact::recheck::Recorded;
use crate::artifact::removal::{self, FileFound, Shape};
use crate::artifact::retention::{self, Backup, CopyStanding, Decision, Reason, Rules};
use crate::history::{FileRow, PrunableFile};
use crate::plan::model::PlanFile;
use crate::report::prune::{Fate, PruneLine};
use crate::run::event::{FileKind, TaskId};

/// Everything that history has of one device, domain and kind, oldest first.
pub(super) struct Target {
    pub(super) backups: Vec<Entry>,
}

/// One backup: a file, or those of a secure backup.
pub(super) struct Entry {
    pub(super) plan: String,
    pub(super) files: Vec<FileRow>,
    task: TaskId,
    end: Option<Timestamp>,
    rules: Option<Rules>,
    /// Why there are no rules.
    unruled: Option<String>,
    kept: bool,
    found: FileFound,
    /// Every byte was compared.
    is_proved: bool,
    decision: Decision,
}

/// Sorts files into targets and backups. Each plan that says itself what it keeps counts
/// for itself; the others share what the settings say.
pub(super) fn targets(files: Vec<PrunableFile>, plans: &PlanFile) -> Vec<Target> {
    let mut sorted: BTreeMap<(String, &'static str), BTreeMap<TaskId, Entry>> = BTreeMap::new();
    for PrunableFile { file, plan, task_end } in files {
        let target = sorted
            .entry((file.domain_name.clone(), file.kind.code()))
            .or_default();
        let entry = target.entry(file.task).or_insert_with(|| {
            let (rules, unruled) = rules(plans, &plan);
            Entry {
                plan,
                files: Vec::new(),
                task: file.task,
                end: task_end,
                rules,
                unruled,
                kept: false,
                found: FileFound::Same,
                is_proved: false,
                decision: Decision::Keep(Vec::new()),
            }
        });
        entry.kept |= file.kept;
        entry.files.push(file);
    }
    let targets = sorted.into_values();
    targets
        .map(|backups| Target {
            backups: backups.into_values().collect(),
        })
        .collect()
}

fn rules(plans: &PlanFile, name: &str) -> (Option<Rules>, Option<String>) {
    let Some(plan) = plans.plan(name) else {
        return (None, Some(format!("its plan {name} is not in the plan file")));
    };
    let own = plan.retention.map(|retention| Rules {
        plan: Some(name.to_owned()),
        retention,
    });
    let shared = plans.settings.retention.map(|retention| Rules {
        plan: None,
        retention,
    });
    (own.or(shared), None)
}

impl Target {
    /// Decides. What lets others go is compared byte by byte first: a backup that is not
    /// what it was does not count, and then the choice is made again.
    pub(super) fn choose(&mut self, store: &Path, now: Timestamp, zone: &TimeZone) {
        for entry in self.backups.iter_mut().filter(|entry| entry.kept) {
            entry.found = found(removal::glance(store, &entry.recorded()));
        }
        loop {
            let decisions = retention::choose(&self.values(), now, zone);
            for (entry, decision) in self.backups.iter_mut().zip(decisions) {
                entry.decision = decision;
            }
            let Some(pillar) = self.unproved_pillar() else {
                break;
            };
            let entry = &mut self.backups[pillar];
            entry.found = found(removal::compare(store, &entry.recorded()));
            entry.is_proved = true;
        }
        self.forget_what_is_gone(now, zone);
        for entry in &mut self.backups {
            entry.compare_before_removal(store);
        }
    }

    fn values(&self) -> Vec<Backup> {
        let values = self.backups.iter().map(|entry| Backup {
            task: entry.task.0,
            end: entry.end,
            rules: entry.rules.clone(),
            content: entry.files.first().and_then(|file| file.content.clone()),
            standing: match (entry.kept, &entry.found) {
                (false, _) => CopyStanding::NotKept,
                (true, FileFound::Same) => CopyStanding::Stored,
                (true, _) => CopyStanding::Lost,
            },
        });
        values.collect()
    }

    /// A stored backup that others go for, and that was only glanced at: the newest good
    /// one, and one with the content of backups that have no file of their own.
    fn unproved_pillar(&self) -> Option<usize> {
        if !self.backups.iter().any(Entry::goes) {
            return None;
        }
        let needed: BTreeSet<&str> = self
            .backups
            .iter()
            .filter(|entry| !entry.kept && !entry.goes())
            .filter_map(Entry::content)
            .collect();
        self.backups.iter().position(|entry| {
            let holds = entry.content().is_some_and(|content| needed.contains(content));
            let stays = entry.kept && entry.found == FileFound::Same && !entry.goes();
            stays && !entry.is_proved && (holds || entry.is_newest_good())
        })
    }

    /// A backup that is gone already, and would have been let go, is only to be recorded
    /// so: a prune died between the two, or somebody was quicker. Of one that is gone in part
    /// the rest may go.
    fn forget_what_is_gone(&mut self, now: Timestamp, zone: &TimeZone) {
        let mut values = self.values();
        for (value, entry) in values.iter_mut().zip(&self.backups) {
            if entry.kept && entry.is_gone_or_partly() {
                value.standing = CopyStanding::Stored;
            }
        }
        let decisions = retention::choose(&values, now, zone);
        for (entry, decision) in self.backups.iter_mut().zip(decisions) {
            if entry.kept && entry.is_gone_or_partly() && decision == Decision::Delete {
                entry.decision = Decision::Delete;
            }
        }
    }
}

impl Entry {
    fn goes(&self) -> bool {
        self.decision == Decision::Delete
    }

    fn is_newest_good(&self) -> bool {
        matches!(&self.decision, Decision::Keep(reasons) if reasons.contains(&Reason::NewestGood))
    }

    fn is_gone_or_partly(&self) -> bool {
        matches!(self.found, FileFound::Gone | FileFound::Partly)
    }

    fn content(&self) -> Option<&str> {
        self.files.first().and_then(|file| file.content.as_deref())
    }

    fn shape(&self) -> Shape {
        match self.files.first().map(|file| file.kind) {
            Some(FileKind::SecureBackup) => Shape::Folder,
            _ => Shape::File,
        }
    }

    fn recorded(&self) -> Vec<Recorded<'_>> {
        let files = self.files.iter().filter(|file| file.kept);
        files
            .map(|file| Recorded {
                path: &file.path,
                size: file.size,
                sha256: &file.sha256,
                entries: None,
                objects: None,
            })
            .collect()
    }

    fn compare_before_removal(&mut self, store: &Path) {
        if self.goes() && self.kept && matches!(self.found, FileFound::Same | FileFound::Partly) {
            self.found = found(removal::compare(store, &self.recorded()));
        }
    }

    /// Removes it; one without a file, or gone already, is only let go.
    pub(super) fn remove(&self, store: &Path) -> Result<(), String> {
        if !self.kept || self.found == FileFound::Gone {
            return Ok(());
        }
        match found(removal::remove(store, self.shape(), &self.recorded())) {
            FileFound::Same | FileFound::Partly | FileFound::Gone => Ok(()),
            FileFound::Changed(why) => Err(why),
        }
    }

    /// What is said of it before anything is done.
    pub(super) fn line(&self) -> PruneLine {
        let first = self.files.first();
        let path = first.filter(|_| self.kept).map(|file| match self.shape() {
            Shape::File => file.path.clone(),
            Shape::Folder => file.path.parent().unwrap_or(&file.path).to_owned(),
        });
        let size = match self.kept && self.found != FileFound::Gone {
            true => self.files.iter().map(|file| file.size).sum(),
            false => 0,
        };
        let (fate, reasons) = self.fate();
        PruneLine {
            fate,
            reasons,
            path,
            device: first.map(|file| file.device_name.clone()).unwrap_or_default(),
            domain: first.map(|file| file.domain_name.clone()).unwrap_or_default(),
            kind: first.map_or("", |file| file.kind.code()),
            task: self.task,
            end: self.end,
            size,
        }
    }

    fn fate(&self) -> (Fate, Vec<String>) {
        match (&self.decision, &self.found) {
            (Decision::Delete, FileFound::Changed(why)) => (
                Fate::Left,
                vec![format!("no rule keeps it, but it was changed: {why}")],
            ),
            (Decision::Delete, FileFound::Gone) => (
                Fate::Delete,
                vec!["no rule keeps it, and it is gone already".to_owned()],
            ),
            (Decision::Delete, FileFound::Partly) => (
                Fate::Delete,
                vec!["no rule keeps it, and a part of it is gone already".to_owned()],
            ),
            (Decision::Delete, FileFound::Same) => {
                let rules = self.rules.as_ref();
                let rules = rules.map_or_else(String::new, |rules| rules.retention.to_string());
                (Fate::Delete, vec![format!("none of {rules} keeps it")])
            }
            (Decision::Keep(_), FileFound::Gone) => (Fate::Lost, vec!["it is not there".to_owned()]),
            (Decision::Keep(_), FileFound::Partly) => {
                (Fate::Lost, vec!["a part of it is missing".to_owned()])
            }
            (Decision::Keep(_), FileFound::Changed(why)) => {
                (Fate::Lost, vec![format!("it was changed: {why}")])
            }
            (Decision::Keep(reasons), FileFound::Same) => {
                let words = reasons.iter().map(|reason| match (reason, &self.unruled) {
                    (Reason::NoRules, Some(why)) => why.clone(),
                    (Reason::Lost, _) => "no file holds what it found unchanged".to_owned(),
                    _ => reason.to_string(),
                });
                (Fate::Keep, words.collect())
            }
        }
    }
}

/// What cannot be looked at is not known to be as it was.
fn found(outcome: Result<FileFound, crate::artifact::stage::StoreError>) -> FileFound {
    outcome.unwrap_or_else(|error| FileFound::Changed(format!("{error}: {}", error.source)))
}
