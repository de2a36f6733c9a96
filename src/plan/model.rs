//! A plan file that has been checked: types that cannot be wrong.

pub mod notify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::plan::model::notify::{Notify, PlanNotify};
use crate::secret::SecretSource;
use crate::values::address::Address;
use crate::values::device_pattern::DevicePatterns;
pub use crate::values::device_pattern::{DeviceMarks, DeviceRole};
use crate::values::invocation::Invocation;
use crate::values::pattern::PatternList;
use crate::values::retention::Retention;
use crate::values::size::Threshold;
pub use crate::values::timeouts::Timeouts;
pub use crate::values::trust::Trust;
use crate::values::window::Window;

/// One checked plan file.
#[derive(Clone, Debug)]
pub struct PlanFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// The files that it includes, in the order in which their tables count.
    pub included: Vec<PathBuf>,
    /// How a command in a message names it.
    pub invocation: Invocation,
    /// What holds for every plan.
    pub settings: Settings,
    /// The devices, in the order of the files.
    pub devices: Vec<Device>,
    /// The plans, in the order of the files.
    pub plans: Vec<Plan>,
    /// How those are reached who are told of them.
    pub notify: Notify,
    /// Whether this is all that the file says: tables with errors may have been left out.
    pub is_whole: bool,
}

impl PlanFile {
    /// The plan of this name, if the file has one.
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.name == name)
    }

    /// Every secret that the file names.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretSource> {
        let notify = &self.notify;
        let email = notify.email.iter().filter_map(|email| email.login.as_ref());
        let webhooks = notify.webhooks.iter();
        let webhooks = webhooks.flat_map(|webhook| {
            [
                Some(&webhook.url),
                webhook.secret.as_ref(),
                webhook.authorization.as_ref(),
            ]
        });
        let pings = notify.ping.iter().filter_map(|ping| ping.url.as_ref());
        let of_plans = self.plans.iter().filter_map(|plan| plan.notify.ping.as_ref());
        let accounts = self.devices.iter().filter_map(|device| device.username.source());
        let devices = self.devices.iter().map(|device| &device.password);
        devices
            .chain(accounts)
            .chain(email.map(|(_, password)| password))
            .chain(webhooks.flatten())
            .chain(pings)
            .chain(of_plans)
    }

    /// The variables of the environment that hold secrets, each once.
    pub fn secret_variables(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .secrets()
            .filter_map(SecretSource::variable)
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The limits of waits for the device of this name; those of all, where the file has none.
    pub fn timeouts_of(&self, device: &str) -> Timeouts {
        self.device(device)
            .map_or(self.settings.timeouts, |device| device.timeouts)
    }

    /// The device of this name, if the file has one.
    pub fn device(&self, name: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.name == name)
    }
}

/// The `[settings]` table.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where backups are stored.
    pub store: StorePlace,
    pub history: PathBuf,
    /// False: every run ends `BACKUPS_ARE_DISABLED`.
    pub backups_enabled: bool,
    /// What kind of mount the store must be.
    pub require_mount: MountRule,
    /// What must be free in the store.
    pub min_free_store: Threshold,
    /// How large one file in the store may become, in bytes.
    pub max_file: u64,
    /// What must be free in `temporary:` of a device before a secure backup.
    pub min_free_device: Threshold,
    /// Sent to the device with a quiesce. May be below 60 s: a run refuses that.
    pub quiesce_timeout: Duration,
    /// How long an unquiesce may take.
    pub unquiesce_timeout: Duration,
    /// Waited on top of either timeout.
    pub quiesce_grace: Duration,
    /// Where a bare script name is looked up.
    pub scripts_dir: PathBuf,
    /// How long a script may run.
    pub script_timeout: Duration,
    /// Tasks that have not started this long after the plan did are cancelled.
    pub task_expiry: Duration,
    /// Limits of every wait for a device.
    pub timeouts: Timeouts,
    /// How often a read is tried again.
    pub retries: u32,
    /// What happens to an export equal to the one before.
    pub on_unchanged: OnUnchanged,
    /// What `prune` keeps of plans that do not say it themselves. `None`: everything.
    pub retention: Option<Retention>,
}

/// Where backups are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// In this folder.
    Known(PathBuf),
    /// The plan file was read in part, and its line for it cannot be used.
    NotKnown,
}

impl StorePlace {
    /// The folder, if the plan file says it.
    pub fn known(&self) -> Option<&Path> {
        match self {
            Self::Known(folder) => Some(folder),
            Self::NotKnown => None,
        }
    }

    /// The folder; where it is not known, a place in which nothing is and nothing can be made.
    pub fn folder(&self) -> &Path {
        self.known().unwrap_or(Path::new("/dev/null/store"))
    }
}

/// What `require_mount` asks of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountRule {
    /// Any folder will do.
    No,
    /// The store, or a folder above it other than `/`, is a mount point.
    Mounted,
    /// As `Mounted`, and the file system is one of a network.
    Remote,
}

/// What happens to an export whose content equals the previous one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnchanged {
    /// It is kept, and recorded as unchanged.
    Store,
    /// It is recorded as unchanged, and not kept.
    Skip,
}

/// One gateway.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name: letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Host name or address; an IPv6 address without brackets.
    pub host: String,
    /// Port of the XML Management Interface.
    pub port: u16,
    pub username: Account,
    /// Where its password comes from. Its paths are as written: `SecretSource::resolve` takes
    /// the folder of the plan file.
    pub password: SecretSource,
    /// How its certificate is trusted.
    pub tls: Trust,
    /// Words by which plans find it.
    pub tags: Vec<String>,
    /// What it is there for.
    pub role: DeviceRole,
    /// The limits of every wait for it: its own, or those of all.
    pub timeouts: Timeouts,
}

impl Device {
    /// Where it is reached.
    pub fn address(&self) -> Address {
        Address {
            host: self.host.clone(),
            port: self.port,
        }
    }

    /// What patterns ask of it.
    pub fn marks(&self) -> DeviceMarks<'_> {
        DeviceMarks {
            name: &self.name,
            tags: &self.tags,
            role: self.role,
        }
    }
}

/// The name with which somebody logs in.
#[derive(Clone, Debug)]
pub enum Account {
    /// This one.
    Named(String),
    /// One that stands elsewhere.
    From(SecretSource),
}

impl Account {
    /// In words: "user backup", "user from environment variable QA1_USER".
    pub fn describe(&self) -> String {
        match self {
            Self::Named(name) => format!("user {name}"),
            Self::From(source) => format!("user from {}", source.describe()),
        }
    }

    /// Where it stands, if not in the plan file.
    fn source(&self) -> Option<&SecretSource> {
        match self {
            Self::Named(_) => None,
            Self::From(source) => Some(source),
        }
    }
}

/// One `[[plan]]`.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name, unique in the file.
    pub name: String,
    /// False: a run ends `PLAN_IS_DISABLED`.
    pub enabled: bool,
    /// When tasks may start; `None` is always.
    pub window: Option<Window>,
    /// Run before the tasks.
    pub pre_script: Option<PathBuf>,
    /// Run after the tasks.
    pub post_script: Option<PathBuf>,
    /// Who is told.
    pub notify: PlanNotify,
    /// What `prune` keeps of its backups, in place of what the settings say.
    pub retention: Option<Retention>,
    /// What to back up, in the order of the file.
    pub activities: Vec<Activity>,
}

impl Plan {
    /// Whether an activity of it backs up this device.
    pub fn concerns(&self, device: &Device) -> bool {
        self.activities.iter().any(|activity| activity.concerns(device))
    }
}

/// One `[[plan.activity]]`.
#[derive(Clone, Debug)]
pub struct Activity {
    /// What is done to each device or domain.
    pub action: Action,
    pub devices: DevicePatterns,
    /// Quiesce before, unquiesce after.
    pub quiesce: bool,
    /// Run before each task.
    pub pre_script: Option<PathBuf>,
    /// Run after each task.
    pub post_script: Option<PathBuf>,
    /// When the post-task script runs.
    pub post_script_when: PostScriptWhen,
    /// What a failed task does to the waiting ones; `plan-default` is resolved.
    pub error_policy: ErrorPolicy,
}

impl Activity {
    /// Whether it backs up this device.
    pub fn concerns(&self, device: &Device) -> bool {
        self.devices.matches(&device.marks())
    }
}

/// What an activity does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A secure backup of the whole device.
    SecureBackup {
        /// Name of a `CryptoCertificate` in the default domain.
        certificate: String,
    },
    ExportDomain {
        /// Which ones.
        domains: Domains,
    },
}

/// Which domains an export covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domains {
    /// `all-domains`: one export of everything.
    All,
    /// One export for each domain that matches.
    Matching(PatternList),
}

/// What a failed task does to the tasks that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorPolicy {
    /// They are cancelled.
    Halt,
    /// They run.
    Ignore,
}

/// When the post-task script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostScriptWhen {
    /// After every task.
    Always,
    /// Only after a task that failed.
    OnFailure,
}

/// The file that `script` names: as given when it holds a separator (relative to the
/// folder of the plan file), else inside `scripts_dir`.
pub fn script_path(script: &str, plan_file: &Path, scripts_dir: &Path) -> PathBuf {
    if script.contains('/') {
        plan_file.parent().unwrap_or_else(|| Path::new(".")).join(script)
    } else {
        scripts_dir.join(script)
    }
}
