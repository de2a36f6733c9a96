//! One file for each command: gather, call one layer below, hand the result to `report`.

mod check;
mod diff;
mod history;
mod init;
mod notify_test;
mod preview;
mod prune;
mod recover;
mod run;
mod show;
mod status;
mod texts;
mod trust;
mod validate;
mod verify;

use std::io::ErrorKind::NotFound;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::tz::TimeZone;

use crate::artifact::mount;
use crate::cli::{Cli, Command, Global, RunArgs, RunFormat};
use crate::exit::Exit;
use crate::history::{History, HistoryError, Writing};
use crate::plan::diagnostic::{PlanReport, Severity, Style};
use crate::plan::{self, LoadError, Loaded};
use crate::report::lines::{JsonLines, Mistake};
use crate::run::event::Owner;
use crate::run::record::Record;
use crate::ui::{Ui, Verbosity};
use crate::values::environment::{Lookup, non_empty};

/// An error that ends a command, with its exit code and advice.
#[derive(Debug)]
pub struct CommandError {
    /// What the process ends with.
    pub exit: Exit,
    /// What went wrong, as a chain of causes.
    pub error: anyhow::Error,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How a command ended.
pub type Outcome = Result<Exit, CommandError>;

impl CommandError {
    /// An error without advice.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            error: error.into(),
            hint: None,
        }
    }

    /// The same, with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<HistoryError> for CommandError {
    fn from(error: HistoryError) -> Self {
        Self::new(Exit::History, error)
    }
}

/// Runs what was typed, prints its error if it has one, and returns the exit code.
pub fn dispatch(cli: &Cli, env: Lookup<'_>) -> Exit {
    let ui = Ui::new(&cli.global, env);
    let outcome = match &cli.command {
        Command::Run(args) => run::run(&cli.global, args, ui, env),
        Command::Preview(args) => preview::preview(&cli.global, args, ui, env),
        Command::Validate => validate::validate(&cli.global, ui, env),
        Command::History(args) => history::history(&cli.global, args, ui, env),
        Command::NotifyTest(args) => notify_test::notify_test(&cli.global, args, ui, env),
        Command::Recover(args) => recover::recover(args, &cli.global, ui, env),
        Command::Diff(args) => diff::diff(&cli.global, args, ui, env),
        Command::Prune(args) => prune::prune(&cli.global, args, ui, env),
        Command::Verify(args) => verify::verify(&cli.global, args, ui, env),
        Command::Init(args) => init::init(args, ui),
        Command::Schema => texts::schema(ui),
        Command::Show(args) => show::show(&cli.global, args, ui, env),
        Command::Completions(args) => texts::completions(args, ui),
        Command::Man(args) => texts::man(args, ui),
        Command::Trust(args) => trust::trust(&cli.global, args, ui, env),
        Command::Check(args) => check::check(&cli.global, args, ui, env),
    };
    match outcome {
        Ok(exit) => exit,
        Err(CommandError { exit, error, hint }) => {
            if let Command::Run(RunArgs {
                format: RunFormat::Json,
                ..
            }) = &cli.command
            {
                let words: Vec<String> = error.chain().map(ToString::to_string).collect();
                JsonLines::new(std::io::stdout(), TimeZone::system()).error(
                    &words,
                    hint.as_deref(),
                    &mistakes(&error),
                    exit,
                );
            }
            ui.error(&error, hint.as_deref());
            exit
        }
    }
}

/// Finds, reads and checks the plan file. Its errors are printed here; its warnings where
/// somebody watches: what holds every night is not to be mailed every night.
fn load_plan(global: &Global, ui: Ui, env: Lookup<'_>) -> Result<Loaded, CommandError> {
    let loaded = load(global, ui, env)?;
    if ui.lines || ui.verbosity > Verbosity::Normal {
        show_warnings(&loaded, ui);
    }
    Ok(loaded)
}

/// The same for the commands that look for what is wrong: warnings are printed always.
fn load_plan_to_judge(global: &Global, ui: Ui, env: Lookup<'_>) -> Result<Loaded, CommandError> {
    let loaded = load(global, ui, env)?;
    show_warnings(&loaded, ui);
    Ok(loaded)
}

fn show_warnings(loaded: &Loaded, ui: Ui) {
    if !loaded.warnings.findings.is_empty() && ui.verbosity > Verbosity::Quiet {
        show_findings(&loaded.warnings, ui);
    }
}

fn load(global: &Global, ui: Ui, env: Lookup<'_>) -> Result<Loaded, CommandError> {
    let path = plan::find::find(global.config.as_deref(), Path::new(""), env).map_err(|error| {
        CommandError::new(Exit::Usage, error).with_hint(
            "name one with --config FILE or $DPBACKUP_CONFIG; `dpbackup init` writes one to start from",
        )
    })?;
    match plan::load(&path, env) {
        Ok(loaded) => Ok(loaded),
        Err(LoadError::Invalid(report)) => {
            show_findings(&report, ui);
            Err(CommandError::new(Exit::Usage, LoadError::Invalid(report)))
        }
        Err(error) => {
            let is_missing =
                matches!(&error, LoadError::Unreadable { source, .. } if source.kind() == NotFound);
            let error = CommandError::new(Exit::Usage, error);
            Err(match is_missing {
                true => error.with_hint("`dpbackup init FILE` writes one to start from"),
                false => error,
            })
        }
    }
}

/// What is wrong with the plan file, if that is the error.
fn mistakes(error: &anyhow::Error) -> Vec<Mistake<'_>> {
    let Some(LoadError::Invalid(report)) = error.downcast_ref() else {
        return Vec::new();
    };
    let mistakes = report.findings.iter().map(|finding| Mistake {
        severity: match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: &finding.title,
        line: finding.line,
        column: finding.column,
        hint: finding.help.as_deref(),
    });
    mistakes.collect()
}

fn show_findings(report: &PlanReport, ui: Ui) {
    let style = if ui.color { Style::Coloured } else { Style::Plain };
    ui.say(report.render(style).trim_end());
}

/// The plans of these names, or an error that names those that the file does not have.
fn chosen<'a>(
    loaded: &'a Loaded,
    names: &[String],
) -> Result<Vec<&'a crate::plan::model::Plan>, CommandError> {
    let file = &loaded.plan_file;
    let mut plans: Vec<&crate::plan::model::Plan> = Vec::new();
    for name in names {
        let Some(plan) = file.plan(name) else {
            let known: Vec<&str> = file.plans.iter().map(|plan| plan.name.as_str()).collect();
            return Err(unknown(loaded, "plan", name, &known));
        };
        // Named twice is meant once.
        if !plans.iter().any(|chosen| chosen.name == plan.name) {
            plans.push(plan);
        }
    }
    Ok(plans)
}

/// The plan file, unless none was named and none is in the usual places.
fn load_plan_if_any(global: &Global, ui: Ui, env: Lookup<'_>) -> Result<Option<Loaded>, CommandError> {
    match plan::find::find(global.config.as_deref(), Path::new(""), env) {
        Ok(_) => load_plan(global, ui, env).map(Some),
        Err(_) => Ok(None),
    }
}

/// Opens the history for reading, unless nothing was recorded yet.
fn read_history(path: &Path) -> Result<Option<History>, CommandError> {
    match History::open_read_only(path) {
        Ok(history) => Ok(Some(history)),
        Err(HistoryError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A history file that a run could use.
enum HistoryFile {
    /// It is there.
    Current,
    /// It is there, and will be brought up to date.
    Older,
    /// It is not there yet, and will be made.
    Absent,
}

/// Whether a run could use the history, as far as looking tells; if not, why, with its path.
/// Nothing is made or changed.
fn look_at_history(path: &Path) -> Result<HistoryFile, String> {
    let found = match History::open_read_only(path) {
        Ok(_) => HistoryFile::Current,
        Err(HistoryError::Older { .. }) => HistoryFile::Older,
        Err(HistoryError::Missing { .. }) => HistoryFile::Absent,
        Err(error) => return Err(error.to_string()),
    };
    let unwritable = |why: &dyn std::fmt::Display| {
        let shown = path.display();
        format!("{shown} cannot be written: {why}; check `history` in the settings, and whose folder it is")
    };
    if let Some(folder) = path.parent() {
        mount::could_be_written(folder).map_err(|why| unwritable(&why))?;
    }
    if path.exists() {
        rustix::fs::access(path, rustix::fs::Access::WRITE_OK)
            .map_err(|errno| unwritable(&std::io::Error::from(errno)))?;
    }
    Ok(found)
}

/// An id that history does not know is a mistake of whoever typed it.
fn found<T>(outcome: Result<T, HistoryError>) -> Result<T, CommandError> {
    outcome.map_err(|error| match error {
        HistoryError::NotFound { .. } => CommandError::new(Exit::Usage, error),
        other => other.into(),
    })
}

/// A folder for nameless files that are gone with the process.
fn scratch_folder(env: Lookup<'_>) -> PathBuf {
    non_empty(env, "TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

/// The error for a name that the plan file does not have, with the nearest that it has.
fn unknown(loaded: &Loaded, what: &str, name: &str, known: &[&str]) -> CommandError {
    let hint = match crate::values::nearest::nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean '{nearest}'?"),
        None if known.is_empty() => format!("it has no {what}s at all"),
        None => format!("it has: {}", known.join(", ")),
    };
    let path = loaded.plan_file.path.display();
    CommandError::new(
        Exit::Usage,
        anyhow::anyhow!("the plan file {path} has no {what} '{name}'"),
    )
    .with_hint(hint)
}

/// Opens the history for writing, and says what speaks against its place.
fn open_history(path: &Path, ui: Ui) -> Result<History, CommandError> {
    // Where it is cannot be told everywhere; then nothing is said.
    let against = mount::kind(path)
        .ok()
        .and_then(|mount| mount::against_history(&mount));
    let writing = match &against {
        None => Writing::Log,
        Some(_) => Writing::RollbackJournal,
    };
    let history = History::open_writing(path, writing).map_err(CommandError::from)?;
    if let Some(why) = against {
        ui.warning(&format!("the history {}: {why}", path.display()));
    }
    Ok(history)
}

/// Records what sinks could not do. It changes no outcome, not even by failing.
fn record_warnings(record: &mut Record<'_>, owner: Owner) {
    for warning in record.take_warnings() {
        // Sinks show it all the same.
        let _ = record.warn(owner, warning);
    }
}

/// Prints data on stdout; a full disk behind it is an error.
fn print(ui: Ui, text: &str) -> Result<(), CommandError> {
    ui.data(text)
        .context("writing to stdout")
        .map_err(|error| CommandError::new(Exit::Failed, error))
}
