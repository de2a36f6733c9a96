//! The forms in which rows are printed.

use clap::{Args, ValueEnum};

/// How history is printed.
#[derive(Clone, Debug, Args)]
pub struct HistoryOutput {
    /// How to print
    #[arg(long, value_enum, default_value_t = HistoryFormat::Table)]
    pub format: HistoryFormat,
    /// Times in UTC instead of the machine's zone
    #[arg(long)]
    pub utc: bool,
}

/// How anything else is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Table,
    /// For programs
    Json,
}

/// The forms of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    /// For people
    Table,
    /// For programs
    Json,
    /// For spreadsheets
    Csv,
}
