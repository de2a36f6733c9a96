//! The arguments of the commands that are about what is stored.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::output::OutputFormat;
use crate::cli::words::{ExecutionId, parse_duration, parse_id};

/// `dpbackup verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Archives, manifests of secure backups, and folders with all that stands below them; also
    /// what history does not know. The ID of a task, `last`, the name of a device, and DEVICE/DOMAIN
    /// are taken where no file has that name
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The files of this task execution; `last` is the newest one
    #[arg(long = "task", value_name = "ID", value_parser = parse_id)]
    pub tasks: Vec<ExecutionId>,
    /// What is stored of this device
    #[arg(long = "device", value_name = "NAME")]
    pub devices: Vec<String>,
    /// Everything that is stored
    #[arg(long)]
    pub all: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub format: OutputFormat,
}

/// `dpbackup prune`
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Remove nothing; say of each backup whether it stays, and why
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Only backups of this plan
    #[arg(long = "plan", value_name = "NAME")]
    pub plans: Vec<String>,
    /// Wait so long for a device that a task is working on (10m)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "0s")]
    pub lock_wait: Duration,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub format: OutputFormat,
}

/// `dpbackup rehearse`
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// The IDs of task executions, or `last`, the newest one of a plan with a domain that can be sent
    #[arg(value_name = "TASK", value_parser = parse_id, conflicts_with_all = ["plan", "device", "all"])]
    pub tasks: Vec<ExecutionId>,
    /// The newest good export of each domain, as far as this plan made it
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub plan: Option<String>,
    /// The newest good export of each domain of these devices
    #[arg(long, value_name = "PATTERN", conflicts_with = "all")]
    pub device: Option<String>,
    /// The newest good export of each domain
    #[arg(long)]
    pub all: bool,
    /// The device that they are sent to
    #[arg(long, value_name = "DEVICE")]
    pub on: String,
    /// Also where the spare's firmware is of another major version than the backup's, or not known
    #[arg(long)]
    pub allow_other_firmware: bool,
    /// Wait so long for another run that has the spare (10m)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "0s")]
    pub lock_wait: Duration,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub format: OutputFormat,
}

/// `dpbackup restore`
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The ID of the task execution that stored the export, or `last`, the newest one of a plan with a
    /// domain that can be sent: what a restore has backed up by itself is named by its ID
    #[arg(value_name = "TASK", value_parser = parse_id)]
    pub task: ExecutionId,
    /// The device whose domain of that name it is laid over
    #[arg(long, value_name = "DEVICE")]
    pub to: String,
    /// Confirm the plan that has this word; without it the name of the domain is asked for at a terminal
    #[arg(long, value_name = "WORD")]
    pub confirm: Option<String>,
    /// Save the configuration when what came out is what was to come out
    #[arg(long)]
    pub save: bool,
    /// Also where the device's firmware is older, of another major version, or not known
    #[arg(long)]
    pub allow_other_firmware: bool,
    /// Also where the domain has changes that nobody has saved: they are backed up, and mixed with
    /// the backup
    #[arg(long)]
    pub over_unsaved: bool,
    /// Wait so long for another run that has the device (10m)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "0s")]
    pub lock_wait: Duration,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub format: OutputFormat,
}

/// `dpbackup diff`
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The ID of a task execution, `last`, an archive (./12 is a file), DEVICE/DOMAIN, or a group
    /// (@TAG/DOMAIN)
    #[arg(value_name = "TASK|FILE|DEVICE/DOMAIN")]
    pub old: PathBuf,
    /// The other one
    #[arg(value_name = "TASK|FILE|DEVICE/DOMAIN")]
    pub new: Option<PathBuf>,
    /// Only this domain
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// Of each task what ran then, where that was not what was saved
    #[arg(long)]
    pub running: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub format: OutputFormat,
}
