//! The arguments of the commands that look after things: none of them backs up.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::output::{HistoryOutput, OutputFormat};
use crate::cli::words::{Since, parse_age, parse_since, parse_span};

/// `dpbackup check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The plans to check, or devices [default: all plans that are enabled]
    #[arg(value_name = "PLAN|DEVICE")]
    pub names: Vec<String>,
    /// All plans that are enabled: so it is without any name
    #[arg(long, hide = true, conflicts_with = "names")]
    pub all: bool,
    /// Say whether this certificate (PEM) is the one that secure backups are encrypted for
    #[arg(long, value_name = "FILE.pem")]
    pub certificate: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub format: OutputFormat,
}

/// `dpbackup history status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// How old a good backup may be
    #[arg(long, value_name = "DURATION", value_parser = parse_age, default_value = "26h")]
    pub max_age: Duration,
    /// How old the last good rehearsal of each exported domain may be (90d); without it rehearsals are
    /// not judged
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    pub max_rehearsal: Option<Duration>,
    /// How to print
    #[command(flatten)]
    pub output: HistoryOutput,
}

/// `dpbackup report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The page to write; - is stdout
    #[arg(value_name = "FILE.html")]
    pub file: PathBuf,
    /// From when on: a date, a time (with --utc in UTC), `yesterday`, or a duration back from now
    #[arg(long, value_name = "WHEN", value_parser = parse_since, default_value = "90d")]
    pub since: Since,
    /// Only what this plan backs up
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// How old a good backup may be
    #[arg(long, value_name = "DURATION", value_parser = parse_age, default_value = "26h")]
    pub max_age: Duration,
    /// Times in UTC instead of the machine's zone
    #[arg(long)]
    pub utc: bool,
}

/// `dpbackup trust`
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// The device, by its name in the plan file, or by its host there
    #[arg(value_name = "DEVICE")]
    pub device: Option<String>,
}

/// `dpbackup init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where to write it [default: the file of --config, else plans.toml]; `-` is stdout
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Every key that there is, each with its explanation
    #[arg(long)]
    pub full: bool,
}

/// `dpbackup validate`
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// The plan file, as `--config` names it
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// `dpbackup show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Only this plan and its devices
    #[arg(value_name = "PLAN")]
    pub plan: Option<String>,
}

/// `dpbackup completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `dpbackup man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command that the page is about, word by word
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}
