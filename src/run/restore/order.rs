//! What a restore is asked for, what it shows before it goes on, and what is told of it.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::artifact::archive::VerifiedArchive;
use crate::artifact::difference::Difference;
use crate::plan::model::Device;
use crate::run::event::TaskId;
use crate::values::backup_names::BackupNames;
use crate::values::restorable_domain::RestorableDomain;
use crate::values::restore_plan::{RestorePlan, SaveAfter};

/// What is asked for.
#[derive(Debug)]
pub struct RestoreOrder<'a> {
    pub source: RestoreSource,
    /// Its archive: a private copy that was verified.
    pub archive: File,
    /// The device whose domain it is laid over.
    pub device: &'a Device,
    /// How a person may bend it.
    pub options: RestoreOptions,
    /// A folder for nameless files.
    pub scratch: PathBuf,
}

/// A backup that was proved to be what was stored.
#[derive(Clone, Debug)]
pub struct RestoreSource {
    /// The task that stored it.
    pub task: TaskId,
    pub device: String,
    pub domain: RestorableDomain,
    /// The task whose archive it is: another one, where that of the task is not in the store.
    pub archive_task: TaskId,
    /// When that was stored.
    pub stored: Timestamp,
    /// That it is that of another task, in a sentence.
    pub instead: Option<String>,
    /// SHA-256 of the archive.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
    /// What it holds.
    pub verified: VerifiedArchive,
    /// The names of what it holds.
    pub names: BackupNames,
    /// Where the same task has stored what ran then, if that was not what was saved.
    pub running: Option<PathBuf>,
    /// That it may be of another gateway than history has it from, in a sentence.
    pub of_another: Option<String>,
}

/// How a person may bend a restore.
#[derive(Clone, Copy, Debug)]
pub struct RestoreOptions {
    /// How long a device that another run has is waited for.
    pub lock_wait: Duration,
    /// Whether it is saved.
    pub save: SaveAfter,
    /// Import into another firmware than the backup's, an older one too.
    pub allows_other_firmware: bool,
    /// Import over changes that nobody has saved.
    pub allows_unsaved: bool,
    /// Somebody reads the plan and is waited for: no other run is to wait for him.
    pub waits_for_a_person: bool,
}

/// What is shown to the person who is to confirm it.
#[derive(Debug)]
pub struct RestoreProposal<'p> {
    pub source: &'p RestoreSource,
    /// What is to be confirmed.
    pub plan: &'p RestorePlan,
    /// From what runs there now to what is in the backup. What would be removed stays, for it is
    /// a merge.
    pub difference: &'p Difference,
    /// The task that took what is there now.
    pub before: TaskId,
    /// Whether that has changes that are not saved; nothing where the device does not tell.
    pub has_unsaved: Option<bool>,
    /// What is not as one would wish, a sentence each.
    pub doubts: &'p [String],
    /// Whether the domain is as the backup has it, so that there is nothing to confirm.
    pub needs_nothing: bool,
}

/// What is told of a restore beside its end.
#[derive(Clone, Debug, Default)]
pub struct RestoreTold {
    /// The task that took what was there before; `None` where it did not come so far.
    pub before: Option<TaskId>,
    /// The task that took what came out; `None` where nothing was imported, or that failed.
    pub after: Option<TaskId>,
    /// How many objects the device says it has imported; nothing where it did not say so of all.
    pub objects: Option<usize>,
    /// What came out otherwise than it was to, from the backup to what runs; nothing where nobody
    /// could look.
    pub deviation: Option<Difference>,
    /// What a dry run that was sent has answered, and how the domain was after it.
    pub dry_run: Option<String>,
    /// All that is known of an import that was sent.
    pub import: Option<KnownImport>,
    pub saved: Saved,
    /// Whether it was confirmed, and the plan was another by then.
    pub is_void: bool,
    /// That the domain was as the backup has it, so that nothing was sent, in a sentence.
    pub needed_nothing: Option<String>,
}

/// What is said of a domain that was so. What runs was compared; what a restart brings is what is saved.
pub fn needed_nothing(domain: &str, device: &str, has_unsaved: Option<bool>) -> String {
    let saved = match has_unsaved {
        Some(false) => "",
        Some(true) => "; the device says that not all of it is saved: --save saves it",
        None => "; whether that is saved is not told",
    };
    format!("nothing to restore: {domain} of {device} is as the backup has it{saved}")
}

/// What is known of an import, for whoever cannot read it in history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownImport {
    /// All of it, in a sentence.
    pub words: String,
    /// Whether what came out was seen to be what was to come out.
    pub is_good: bool,
}

/// What is known of a configuration that was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Saved {
    /// Nothing was imported.
    #[default]
    NotImported,
    /// The device lists unsaved changes.
    No,
    /// Nobody could look, or what was seen does not say.
    NotKnown,
    /// The device lists no unsaved changes, and what it exports as saved is what runs.
    Yes,
}
