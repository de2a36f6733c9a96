//! The arguments of the commands that show what was done.

use clap::{Args, Subcommand};

use crate::cli::operator::StatusArgs;
use crate::cli::output::HistoryOutput;
use crate::cli::words::{ExecutionId, Since, parse_id, parse_limit, parse_since, parse_status};
use crate::run::status::Status;

/// `dpbackup history`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HistoryArgs {
    /// What to show instead of plan executions
    #[command(subcommand)]
    pub level: Option<HistoryLevel>,
    /// All of one plan execution on one page: its ID, or `last`
    #[arg(value_name = "ID")]
    pub what: Option<String>,
    /// Only of this plan
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// Only in this status (FAILED, SUCCESS, …); with one of tasks, only those with such a task
    #[arg(long, value_name = "STATUS", value_parser = parse_status)]
    pub status: Option<Status>,
    /// Only those that were to back up this device
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Only those that started then or later: a date, a time (with --utc in UTC), `yesterday`, or
    /// a duration back from now (36h)
    #[arg(long, value_name = "WHEN", value_parser = parse_since)]
    pub since: Option<Since>,
    /// At most so many, the most recent ones [default: 40]
    #[arg(long, short = 'n', value_name = "COUNT", value_parser = parse_limit)]
    pub limit: Option<u32>,
    /// How to print
    #[command(flatten)]
    pub output: HistoryOutput,
}

/// `dpbackup last`
#[derive(Debug, Args)]
pub struct LastArgs {
    /// The newest one of this plan
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// How to print
    #[command(flatten)]
    pub output: HistoryOutput,
}

/// The levels below plan executions.
#[derive(Debug, Subcommand)]
pub enum HistoryLevel {
    /// The activities of a plan execution, and what concerns the plan itself: notes and scripts
    #[command(alias = "activity")]
    Activities(LevelArgs),
    /// The tasks of an activity execution
    #[command(alias = "task")]
    Tasks(LevelArgs),
    /// The device and the files of a task execution
    #[command(alias = "file")]
    Files(LevelArgs),
    /// How old the last good backup of everything is, as a monitoring plug-in
    ///
    /// Prints a line for each configured device and each of its domains, those never backed up
    /// included, and a summary first. Contacts nothing. Exit code 0 is OK; 1 is WARNING: a
    /// last attempt went wrong, but there is a good backup that is young enough; 2 is CRITICAL:
    /// there is none; 3 is UNKNOWN: history or plan file cannot be read, or this was mistyped;
    /// 10 where that keeps anybody from telling whether something is quiesced.
    Status(StatusArgs),
}

/// One level of history.
#[derive(Debug, Args)]
pub struct LevelArgs {
    /// The ID in the table one level above, or `last`
    #[arg(value_name = "ID", value_parser = parse_id)]
    pub id: ExecutionId,
    /// How to print
    #[command(flatten)]
    pub output: HistoryOutput,
}
