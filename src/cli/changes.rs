//! What may be typed to ask what changed, and what is in the exports.

use std::path::PathBuf;

use clap::Args;

use crate::cli::output::{HistoryFormat, HistoryOutput};
use crate::cli::words::{Since, parse_devices, parse_limit, parse_pattern, parse_since};
use crate::values::device_pattern::DevicePatterns;
use crate::values::pattern::PatternList;

/// `dpbackup log`
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Only of devices whose names match (QA*), or whose tags do (@prod)
    #[arg(long, value_name = "PATTERN", value_parser = parse_devices)]
    pub device: Option<DevicePatterns>,
    /// Only of domains whose names match
    #[arg(long, value_name = "PATTERN", value_parser = parse_pattern)]
    pub domain: Option<PatternList>,
    /// Only of objects of this class (XMLManager)
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// Only of the object of this name, or of the file with this path (local:///a.xsl)
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Only what was recorded then or later: a date, a time (with --utc in UTC), `yesterday`, or a
    /// duration back from now (7d)
    #[arg(long, value_name = "WHEN", value_parser = parse_since)]
    pub since: Option<Since>,
    /// At most so many, the newest ones
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 40, value_parser = parse_limit)]
    pub limit: u32,
    /// Instead: each object and file of the newest good export of this domain, with the time since
    /// which it is as it is
    #[arg(
        long,
        value_name = "DEVICE/DOMAIN",
        conflicts_with_all = ["device", "domain", "since", "limit"]
    )]
    pub blame: Option<String>,
    /// How to print
    #[command(flatten)]
    pub output: HistoryOutput,
}

/// `dpbackup find`
#[derive(Debug, Args)]
pub struct FindArgs {
    /// What to look for; upper and lower case do not count
    #[arg(value_name = "TEXT", required_unless_present = "class")]
    pub text: Option<String>,
    /// TEXT is a regular expression, in which upper and lower case count
    #[arg(long, requires = "text")]
    pub regex: bool,
    /// Only in objects of this class
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// Only in this property (mAdminState, or the last word of a path)
    #[arg(long, value_name = "PROPERTY")]
    pub property: Option<String>,
    /// Only of devices whose names match (QA*), or whose tags do (@prod)
    #[arg(long, value_name = "PATTERN", value_parser = parse_devices)]
    pub device: Option<DevicePatterns>,
    /// Only of domains whose names match
    #[arg(long, value_name = "PATTERN", value_parser = parse_pattern)]
    pub domain: Option<PatternList>,
    /// How to print: json is a line for each
    #[arg(long, value_enum, default_value_t = HistoryFormat::Table)]
    pub format: HistoryFormat,
}

/// `dpbackup extract`
#[derive(Debug, Args)]
pub struct ExtractArgs {
    /// The ID of a task execution, `last`, an archive, or a device and a domain with a / between
    /// them: its newest good export
    #[arg(value_name = "TASK|FILE|DEVICE/DOMAIN")]
    pub export: PathBuf,
    /// A folder that is empty, not there yet, or was written by this command before
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}
