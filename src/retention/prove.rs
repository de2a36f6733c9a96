//! The backups of one device, domain and kind: what stands of them, and what becomes of them.
//! What lets others go is compared byte by byte before it does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::artifact::recheck::Recorded;
use crate::artifact::removal::{self, FileFound, PartFound, Shape};
use crate::history::{FileId, FileRow, PrunableFile};
use crate::plan::model::PlanFile;
use crate::retention::choose::{Backup, CopyStanding, Decision, Reason, choose};
use crate::retention::rules::{Rules, Unruled, rules_of};
use crate::run::event::{FileKind, TaskId};
use crate::run::status::Status;
use crate::values::causes::with_causes;

/// Everything that history has of one device, domain and kind, oldest first.
#[derive(Debug)]
pub struct Target {
    pub backups: Vec<StoredBackup>,
}

/// One backup: a file, or those of a secure backup.
#[derive(Debug)]
pub struct StoredBackup {
    /// The task that stored it.
    pub task: TaskId,
    pub end: Option<Timestamp>,
    files: Vec<FileRow>,
    /// It is of a plan that was asked for: another stays now.
    is_asked_for: bool,
    /// It is not in the store of the plan file, but where a former one was.
    is_elsewhere: bool,
    succeeded: bool,
    rules: Result<Rules, Unruled>,
    /// Whether it has a file of its own.
    kept: bool,
    /// How its files are; of one that has none, as they should be.
    found: FileFound,
    /// What each of its files was found to be, in their order, where every byte was compared; nothing where it was not.
    compared: Vec<PartFound>,
    decision: Decision,
}

/// What becomes of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Keep,
    /// It would be removed.
    Delete,
    /// It was removed.
    Deleted,
    /// It should go, and stays: it is not what was stored, or it could not be removed.
    Left,
    /// It should stay, and is not there as it was stored.
    Lost,
    /// It should stay, and could not be read: how it is nobody knows.
    Unread,
}

impl Fate {
    /// Whether somebody has to look at it.
    pub fn is_trouble(self) -> bool {
        matches!(self, Fate::Left | Fate::Lost | Fate::Unread)
    }
}

/// Sorts files into targets and backups. Those of the plans that are `asked` for may go; of all, where none is named.
pub fn targets(files: Vec<PrunableFile>, plans: &PlanFile, asked: &[String]) -> Vec<Target> {
    let mut sorted: BTreeMap<(String, &'static str), BTreeMap<TaskId, StoredBackup>> = BTreeMap::new();
    for prunable in files {
        let file = prunable.file;
        let target = sorted
            .entry((file.domain_name.clone(), file.kind.code()))
            .or_default();
        let backup = target.entry(file.task).or_insert_with(|| StoredBackup {
            rules: rules_of(plans, &prunable.plan, prunable.is_before_import),
            is_asked_for: asked.is_empty() || asked.contains(&prunable.plan),
            files: Vec::new(),
            is_elsewhere: false,
            task: file.task,
            end: prunable.task_end,
            succeeded: prunable.task_status == Status::Success,
            kept: false,
            found: FileFound::Same,
            compared: Vec::new(),
            decision: Decision::Keep(Vec::new()),
        });
        backup.kept |= file.kept;
        backup.files.push(file);
    }
    let targets = sorted.into_values();
    targets
        .map(|backups| Target {
            backups: backups.into_values().collect(),
        })
        .collect()
}

impl Target {
    /// Decides. What lets others go is compared byte by byte first: a backup that is not known
    /// to be what it was does not count, and then the choice is made again.
    pub fn decide(&mut self, store: &Path, now: Timestamp, zone: &TimeZone) {
        for entry in self.backups.iter_mut().filter(|entry| entry.kept) {
            entry.found = FileFound::of_parts(&removal::glance(store, &entry.recorded()));
            entry.is_elsewhere = entry.files.iter().any(|file| !file.path.starts_with(store));
        }
        loop {
            let decisions = choose(&self.values(), now, zone);
            for (entry, decision) in self.backups.iter_mut().zip(decisions) {
                entry.decision = decision;
            }
            let Some(pillar) = self.unproved_pillar() else {
                break;
            };
            self.backups[pillar].compare(store);
        }
        self.forget_what_is_gone(now, zone);
        self.let_go_of_what_is_not_known_to_be_good(now, zone);
        self.let_go_of_what_has_no_content(now, zone);
        for entry in &mut self.backups {
            entry.compare_before_removal(store);
        }
    }

    fn values(&self) -> Vec<Backup> {
        let values = self.backups.iter().map(|entry| Backup {
            task: entry.task.0,
            end: entry.end,
            succeeded: entry.succeeded,
            rules: entry.rules.clone().ok(),
            content: entry.files.first().and_then(|file| file.content.clone()),
            standing: match (entry.kept, &entry.found) {
                (false, _) => CopyStanding::NotKept,
                (true, FileFound::Same) => CopyStanding::Stored,
                (true, FileFound::Unread(_)) => CopyStanding::Unread,
                (true, FileFound::Partly | FileFound::Gone | FileFound::Changed(_)) => CopyStanding::Lost,
            },
            is_asked_for: entry.is_asked_for,
        });
        values.collect()
    }

    /// A stored backup that others go for, and that was only glanced at: one that stays for being
    /// the newest, and one with the content of backups that have no file of their own.
    fn unproved_pillar(&self) -> Option<usize> {
        if !self.backups.iter().any(StoredBackup::goes) {
            return None;
        }
        let needed: BTreeSet<&str> = self
            .backups
            .iter()
            .filter(|entry| !entry.kept && !entry.goes())
            .filter_map(StoredBackup::content)
            .collect();
        self.backups.iter().position(|entry| {
            let holds = entry.content().is_some_and(|content| needed.contains(content));
            let stays = entry.kept && entry.found == FileFound::Same && !entry.goes();
            stays && entry.compared.is_empty() && (holds || entry.is_newest_of_some())
        })
    }

    /// A backup that is gone already, and would have been let go, is only to be recorded
    /// so: a prune died between the two, or somebody was quicker. Of one that is gone in part
    /// the rest may go.
    fn forget_what_is_gone(&mut self, now: Timestamp, zone: &TimeZone) {
        let mut values = self.values();
        for (value, entry) in values.iter_mut().zip(&self.backups) {
            if entry.is_gone_or_partly() {
                value.standing = CopyStanding::Stored;
                // One of the future counts as one of now for as long as that takes: whoever took
                // it away did not want to wait. Only the newest would be missed.
                if value.end.is_some_and(|end| end > now) {
                    value.end = Some(now);
                    value.rules = Some(Rules::none());
                }
                // So it is with those that go by hand alone.
                if let Err(Unruled::BeforeImport | Unruled::NothingSetForRestores) = entry.rules {
                    value.rules = Some(Rules::none());
                }
            }
        }
        let decisions = choose(&values, now, zone);
        for (entry, decision) in self.backups.iter_mut().zip(decisions) {
            if entry.is_gone_or_partly() && decision == Decision::Delete {
                entry.decision = Decision::Delete;
            }
        }
    }
}

impl Target {
    /// One that was changed or could not be read, and that no rule would keep if it were as it was, is not missed. It is
    /// left as it is.
    fn let_go_of_what_is_not_known_to_be_good(&mut self, now: Timestamp, zone: &TimeZone) {
        let mut values = self.values();
        for (value, entry) in values.iter_mut().zip(&self.backups) {
            if entry.is_changed_or_unread() {
                value.standing = CopyStanding::Stored;
            }
        }
        let decisions = choose(&values, now, zone);
        for (entry, decision) in self.backups.iter_mut().zip(decisions) {
            if entry.is_changed_or_unread() && decision == Decision::Delete {
                entry.decision = Decision::Delete;
            }
        }
    }

    /// One without a file of its own, whose content no file has any more, and that no rule would keep if one had, is not
    /// missed: it would be told for ever.
    fn let_go_of_what_has_no_content(&mut self, now: Timestamp, zone: &TimeZone) {
        let mut values = self.values();
        for (value, entry) in values.iter_mut().zip(&self.backups) {
            if entry.has_no_content() {
                value.standing = CopyStanding::Stored;
            }
        }
        let decisions = choose(&values, now, zone);
        for (entry, decision) in self.backups.iter_mut().zip(decisions) {
            if entry.has_no_content() && decision == Decision::Delete {
                entry.decision = Decision::Delete;
            }
        }
    }
}

impl StoredBackup {
    /// Where it stands, or stood: the folder of a secure backup. Nothing for one that was
    /// not kept.
    pub fn path(&self) -> Option<&Path> {
        let file = self.files.first().filter(|_| self.kept)?;
        match self.shape() {
            Shape::File => Some(&file.path),
            Shape::Folder => file.path.parent(),
        }
    }

    /// The device, the domain and the kind.
    pub fn of(&self) -> (&str, &str, FileKind) {
        let first = self.files.first();
        first.map_or(("", "", FileKind::Persisted), |file| {
            (file.device_name.as_str(), file.domain_name.as_str(), file.kind)
        })
    }

    /// Bytes of all its files, unless nothing of them is in the store.
    pub fn size(&self) -> u64 {
        match self.kept && self.found != FileFound::Gone {
            true => self.files.iter().map(|file| file.size).sum(),
            false => 0,
        }
    }

    /// The rows of its files.
    pub fn file_ids(&self) -> Vec<FileId> {
        self.files.iter().map(|file| file.id).collect()
    }

    /// What was read of its files, where every byte was: why one is not what was stored, or that it is. Nothing of one that
    /// is gone or could not be read, and nothing where history has the same already.
    pub fn found_damage(&self) -> Vec<(FileId, Option<String>)> {
        let kept = self.files.iter().filter(|file| file.kept);
        let damage = kept.zip(&self.compared).filter_map(|(file, found)| match found {
            PartFound::Same => Some((file, None)),
            PartFound::Changed(why) => Some((file, Some(why.clone()))),
            PartFound::Gone | PartFound::Unread(_) => None,
        });
        let news = damage.filter(|(file, damage)| file.damage.is_some() != damage.is_some());
        news.map(|(file, damage)| (file.id, damage)).collect()
    }

    /// Whether it is of a plan that was asked for.
    pub fn is_asked_for(&self) -> bool {
        self.is_asked_for
    }

    /// Whether history says already that it is about to go.
    pub fn is_announced(&self) -> bool {
        self.files.iter().any(|file| file.removal_time.is_some())
    }

    /// When it ended, if that lies in the future.
    pub fn future_end(&self) -> Option<Timestamp> {
        let Decision::Keep(reasons) = &self.decision else {
            return None;
        };
        reasons.iter().find_map(|reason| match reason {
            Reason::FromTheFuture(end) => Some(*end),
            _ => None,
        })
    }

    /// Removes what is there of it: of one without a file, or gone already, nothing.
    pub fn remove(&self, store: &Path) -> Result<(), String> {
        match removal::remove(store, self.shape(), &self.recorded()) {
            Ok(FileFound::Same | FileFound::Partly | FileFound::Gone) => Ok(()),
            Ok(FileFound::Changed(why)) => Err(why),
            Ok(FileFound::Unread(why)) => Err(unread(&why)),
            Err(error) => Err(with_causes(&error)),
        }
    }

    /// What becomes of it, and why, before anything is done.
    pub fn fate(&self) -> (Fate, Vec<String>) {
        if self.is_elsewhere {
            let why = "it is not in the store of the plan file, and is left alone";
            return (Fate::Keep, vec![why.to_owned()]);
        }
        match (&self.decision, &self.found) {
            (Decision::Delete, FileFound::Changed(why)) => (
                Fate::Left,
                vec![format!("no rule keeps it, but it was changed: {why}")],
            ),
            (Decision::Delete, FileFound::Unread(why)) => {
                (Fate::Left, vec![format!("no rule keeps it, but {}", unread(why))])
            }
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
                let rules = rules.map_or_else(|_| String::new(), |rules| rules.retention.to_string());
                (Fate::Delete, vec![format!("none of {rules} keeps it")])
            }
            (Decision::Keep(_), FileFound::Gone) => (Fate::Lost, vec!["it is not there".to_owned()]),
            (Decision::Keep(_), FileFound::Partly) => {
                (Fate::Lost, vec!["a part of it is missing".to_owned()])
            }
            (Decision::Keep(_), FileFound::Changed(why)) => {
                (Fate::Lost, vec![format!("it was changed: {why}")])
            }
            (Decision::Keep(_), FileFound::Unread(why)) => (Fate::Unread, vec![unread(why)]),
            (Decision::Keep(reasons), FileFound::Same) => {
                let words = reasons.iter().map(|reason| match (reason, &self.rules) {
                    (Reason::NoRules, Err(why)) => why.to_string(),
                    _ => reason.to_string(),
                });
                (Fate::Keep, words.collect())
            }
        }
    }

    fn goes(&self) -> bool {
        self.decision == Decision::Delete
    }

    /// Whether it stays whatever the rules say: for being the newest, the newest good one, or the newest of either with a
    /// file of its own.
    fn is_newest_of_some(&self) -> bool {
        matches!(&self.decision, Decision::Keep(reasons) if reasons.iter().any(Reason::is_newest))
    }

    fn is_gone_or_partly(&self) -> bool {
        matches!(self.found, FileFound::Gone | FileFound::Partly)
    }

    fn is_changed_or_unread(&self) -> bool {
        matches!(self.found, FileFound::Changed(_) | FileFound::Unread(_))
    }

    fn has_no_content(&self) -> bool {
        matches!(&self.decision, Decision::Keep(reasons) if reasons.contains(&Reason::ContentNowhere))
    }

    fn content(&self) -> Option<&str> {
        self.files.first().and_then(|file| file.content.as_deref())
    }

    fn shape(&self) -> Shape {
        match self.files.first().map(|file| file.kind) {
            Some(FileKind::SecureBackup) => Shape::Folder,
            Some(FileKind::Persisted | FileKind::NonPersisted) | None => Shape::File,
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
            self.compare(store);
        }
    }

    fn compare(&mut self, store: &Path) {
        self.compared = removal::compare(store, &self.recorded());
        self.found = FileFound::of_parts(&self.compared);
    }
}

/// That it could not be read, in words.
fn unread(why: &str) -> String {
    format!("it could not be read: {why}")
}

#[cfg(test)]
#[path = "prove_tests.rs"]
mod tests;
