//! What may be typed: the tree of commands, their help, and the parsing of single
//! values. Nothing here reads a file or contacts anybody.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

mod changes;
mod exit_codes;
mod history;
mod operator;
mod output;
mod stored;
mod words;

pub use changes::{ExtractArgs, FindArgs, LogArgs};
pub use history::{HistoryArgs, HistoryLevel, LastArgs, LevelArgs};
pub use operator::{
    CheckArgs, CompletionsArgs, InitArgs, ManArgs, ReportArgs, ShowArgs, StatusArgs, TrustArgs, ValidateArgs,
};
pub use output::{HistoryFormat, HistoryOutput, OutputFormat};
pub use stored::{DiffArgs, PruneArgs, RehearseArgs, RestoreArgs, VerifyArgs};
pub use words::{ExecutionId, Since};

use words::parse_duration;

/// Backs up IBM DataPower gateways over SOMA, proves that each backup is good, and
/// never leaves a gateway down.
#[derive(Debug, Parser)]
#[command(
    name = "dpbackup",
    version,
    max_term_width = 100,
    after_long_help = exit_codes::exit_codes()
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The plan file [default: $DPBACKUP_CONFIG, ./plans.toml,
    /// $XDG_CONFIG_HOME/dpbackup/plans.toml, /etc/dpbackup/plans.toml]
    #[arg(long, short = 'c', global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say more; twice for every status on the way
    #[arg(long, short = 'v', global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say only what is not good
    #[arg(long, short = 'q', global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// No progress bars, even at a terminal
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
}

impl Global {
    /// What could be read of arguments that could not be understood as a whole, or ask for help: which plan
    /// file they name, which stands in advice, and when to colour.
    pub fn of_words(words: &[String]) -> Self {
        let (mut config, mut color) = (None, ColorChoice::Auto);
        let choice = |word: &str| ColorChoice::from_str(word, true).unwrap_or(ColorChoice::Auto);
        for (at, word) in words.iter().enumerate() {
            match word.as_str() {
                "--config" | "-c" => config = words.get(at + 1).map(PathBuf::from),
                "--color" => color = words.get(at + 1).map_or(color, |word| choice(word)),
                word => {
                    if let Some(file) = word.strip_prefix("--config=") {
                        config = Some(PathBuf::from(file));
                    }
                    if let Some(word) = word.strip_prefix("--color=") {
                        color = choice(word);
                    }
                }
            }
        }
        Self {
            config,
            verbose: 0,
            quiet: false,
            no_progress: false,
            color,
        }
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// At a terminal, unless NO_COLOR is set, CLICOLOR is 0 or TERM is dumb
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run plans, one after another
    ///
    /// What was done is recorded: `dpbackup history last`. A signal ends it when devices are put
    /// back. Exit code 0 when all is backed up, 3 with a warning, 1 when something failed, 4 when
    /// nothing was backed up, 5 when the plan or a device is in use, 10 when something may still be
    /// quiesced; `dpbackup --help` has all.
    Run(RunArgs),
    /// Show what a run would do: contacts the devices, changes nothing, writes nothing
    ///
    /// It ends as a run that finds the same: exit code 0 when all is well, 3 with a warning, 1 when something
    /// would fail, 4 when nothing would be backed up, 5 when the plan or a device is in use.
    Preview(PreviewArgs),
    /// Check the plan file and what it includes: contacts nothing, changes nothing
    ///
    /// With -v it lists what each activity expands to, and each device with its tags and plans. Exit code 0
    /// when it is valid, with warnings or without, 2 when it is not.
    Validate(ValidateArgs),
    /// Show what was run, and how it ended
    ///
    /// Exit code 0, however it ended: `history status` judges. 6 when the history cannot be read.
    History(HistoryArgs),
    /// Send one of each message to those who are told of plans, and say what they answered
    NotifyTest(NotifyTestArgs),
    /// Mend what a run that died has left: devices still quiesced, folders on devices
    ///
    /// Exit code 0 when nothing is left, 10 when something may still be quiesced, 1 when something
    /// else could not be removed, 3 when it is not known of a run whether it is at work. What is left is
    /// tried again by the next run and the next recover. Where a device does not confirm that it works again, unquiesce
    /// it by hand (in its web GUI: Application Domain, the domain, Unquiesce), and run recover again, which looks.
    Recover(RecoverArgs),
    /// Look again at what is stored: there, unchanged, and still good
    ///
    /// A line for each file: OK, or why not. CHANGED is good in itself, but not what history
    /// recorded; UNREADABLE says nothing about the file. Exit code 1 if one is not OK, 3 if
    /// there are only warnings (rights of others, another owner, names that differ in case
    /// alone, files without a configuration), or something that was asked for could not be looked
    /// at: nothing is stored, or a task is named whose backup was pruned.
    Verify(VerifyArgs),
    /// Show what differs between two exports: objects, their properties, files
    ///
    /// Each of the two is a task execution (the export of its saved configuration), an archive, or
    /// a device and a domain with a / between them (its newest good export). One task alone is compared with itself: what runs with what is saved.
    /// A group alone, `@prod/SALES` or any other pattern of devices, is compared within itself: each of its newest good exports with that of the first
    /// device of the plan file, and one that cannot be had is named. Times,
    /// versions and files of the firmware do not count; passwords and what looks like one are
    /// compared, and not shown. Both have to verify first. Exit code 0: the same, 1: they
    /// differ, 2: they could not be compared.
    Diff(DiffArgs),
    /// Show what changed from one export to the next
    ///
    /// Every export is compared with the one before it of the same device, domain and kind when it
    /// is stored; this prints what came of it, the newest first. It contacts nobody, and reads no
    /// archive but for --blame. What a first export holds is no change; where an export before is
    /// gone, a note of the task says that the changes are not known. Exit code 0 with changes or
    /// without; 6 when the history cannot be read.
    Log(LogArgs),
    /// Look for a text in the newest good export of every domain
    ///
    /// Looks in the names of objects, in their properties and in text files, without contacting
    /// anybody. A class and a property without a text list them all. What is secret is not
    /// looked at, and not shown. Exit code 0: found, 1: not found, for there is nothing to look in or
    /// an archive was passed over, too, 2: usage.
    Find(FindArgs),
    /// Write an export as text, one file an object, fit for git
    ///
    /// The same export always gives the same files, and what is volatile is in none of them.
    /// Passwords and what looks like one are masked in objects; the files of a domain stand beside
    /// them as they are.
    Extract(ExtractArgs),
    /// Send backups to a spare device for a dry run, and record what it says
    ///
    /// Each export of one domain is verified, and then sent to a device with `role = "spare"` as
    /// a restore that is only tried: it would work, it would fail (which objects and files), or it
    /// is not known. The spare is looked at before and after, for nothing may change on it. The
    /// domain `default` and backups of all domains are left out. Refused are a device that is no
    /// spare or has the serial number of an ordinary one, and a firmware that is older than the
    /// backup's. Exit code 0 when all would work and the spare is as it was; 1 when one would fail,
    /// is not known, or the spare was changed; 3 when some were left out, and not only because such
    /// ones always are; 4 when nothing was sent.
    Rehearse(RehearseArgs),
    /// Lay the export of one domain over the domain of that name, after a plan that is confirmed
    ///
    /// The plan comes first: the backup is verified, what runs there now is backed up, and the difference is
    /// shown, with what stays because an import is a merge. Nothing but questions is sent until the plan is
    /// confirmed: at a terminal by typing the name of the domain, elsewhere by --confirm with
    /// the word of the plan, which is void as soon as the backup, the target or an option is another. Then
    /// a dry run, which stops it if it finds anything; the import; and a look at what came out. It is not
    /// saved without --save. Never restored are `default`, all domains, and a whole gateway: RESTORE.txt
    /// in the store has the steps for a person. Exit code 0 when what came out is what was to come out, 3
    /// with a warning, 1 when it is not all there or not known, 4 when nothing was imported because the plan
    /// was not confirmed or the target is not as it must be, 5 when another run has the device.
    Restore(RestoreArgs),
    /// Remove stored backups that no retention of the plan file keeps
    ///
    /// Never removed are the newest good backup of each device, domain and kind; a file that
    /// history does not know, or that is not what was stored; and a file whose content a later
    /// backup relies on, which was not kept because nothing had changed. Without a retention
    /// in the plan file nothing is removed. Exit code 1 if something was left that should have
    /// gone, or is not there as it was stored; 5 if nothing else was wrong than that another
    /// run held a device, which was left alone; 3 if a backup ended in the future, which is kept.
    Prune(PruneArgs),
    /// Check devices, store and scripts online: changes nothing on a device
    ///
    /// Contacts every device of the plans and prints a line for each thing that a run needs:
    /// OK, WARN, FAIL or SKIP, with advice. In the store it makes a file and a folder for a
    /// moment, and removes them, to see whether a backup could be kept there; nothing else is
    /// written. Exit code 0 when all is OK, 3 with a WARN, 1 with
    /// a FAIL, 10 when something may still be quiesced.
    Check(CheckArgs),
    /// Write one page that says whether everything is backed up, for a browser
    ///
    /// HTML without a script and without an address outside itself: it opens from disk and goes by
    /// mail. Contacts nothing. Replaced is only a page that a report wrote. Exit code 0 when it is
    /// written, whatever it says; `history status` judges.
    Report(ReportArgs),
    /// Show the certificate of a device, and the line that pins it
    ///
    /// Connects without trusting the device and sends no user name and no password. Compare the
    /// SHA-256 with the one that the device's own console or its administrator gives before
    /// you paste the line. Exit code 0 when a run would trust the device, 3 when it would not
    /// or something is worth a warning, 1 when there is no certificate to be had.
    Trust(TrustArgs),
    /// Write a plan file to start from
    ///
    /// One device and one plan, as the guide has them; with --full every key that there is. The
    /// file has mode 0600. One that is there already is left as it is.
    Init(InitArgs),
    /// Print the JSON schema of the plan file, for editors
    Schema,
    /// Show what holds for a plan: every value, and whether it is written or a default
    ///
    /// Secrets are shown by where they come from. Contacts nothing.
    Show(ShowArgs),
    /// The age of each last good backup, as `history status` has it
    #[command(hide = true)]
    Status(StatusArgs),
    /// The plans and devices of the plan file
    #[command(hide = true, aliases = ["plans", "devices", "plan", "device"])]
    List,
    /// The newest execution, as `history last` has it
    #[command(hide = true, aliases = ["latest"])]
    Last(LastArgs),
    /// The version, as `--version` has it
    #[command(hide = true)]
    Version,
    /// Print a completion script for a shell
    ///
    /// For bash: dpbackup completions bash > /etc/bash_completion.d/dpbackup. The script asks this
    /// program, which reads the plan file and the history: plans, devices, statuses and the newest
    /// IDs are completed by their names. Print it again after an update.
    Completions(CompletionsArgs),
    /// Print a manual page, in roff
    ///
    /// Without a command it is dpbackup(1); `dpbackup man history status` is
    /// dpbackup-history-status(1). Read it with `dpbackup man | man -l -`.
    Man(ManArgs),
}

/// `dpbackup recover`
#[derive(Debug, Args)]
pub struct RecoverArgs {
    /// Strike out what is remembered of this device, which is gone for good or was seen to by
    /// a person, but for imports; with a domain, the imports into it. It is not asked; all
    /// other devices are, as without this
    #[arg(long, value_name = "DEVICE[/DOMAIN]")]
    pub forget: Option<String>,
}

/// `dpbackup run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The plans to run
    #[arg(value_name = "PLAN")]
    pub plans: Vec<String>,
    /// Run every plan that is enabled, in the order of the file
    #[arg(long, conflicts_with = "plans")]
    pub all: bool,
    /// Run nothing: show what would be done, as `preview` does
    #[arg(long, short = 'n', hide = true)]
    pub dry_run: bool,
    /// Start tasks outside the maintenance window as well; history says so
    #[arg(long)]
    pub ignore_window: bool,
    /// Wait so long for another run of the same plan (10m); for a device that another run has, a task waits as long
    /// as `task_expiry` lets it
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "0s")]
    pub lock_wait: Duration,
    /// What stands on stdout: nothing, or a JSON line per event and a summary last
    #[arg(long, value_enum, default_value_t = RunFormat::Text)]
    pub format: RunFormat,
}

/// The output of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RunFormat {
    /// For people, on stderr
    Text,
    /// For programs, on stdout
    Json,
}

/// `dpbackup preview`
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The plans to preview
    #[arg(value_name = "PLAN")]
    pub plans: Vec<String>,
    /// Every plan that is enabled, in the order of the file
    #[arg(long, conflicts_with = "plans")]
    pub all: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub format: OutputFormat,
}

/// `dpbackup notify-test`
#[derive(Debug, Args)]
pub struct NotifyTestArgs {
    /// The plan [default: all of them]
    #[arg(value_name = "PLAN")]
    pub plan: Option<String>,
    /// Ping of failures as well: a service of pings takes them for real
    #[arg(long)]
    pub alarms: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }
}
