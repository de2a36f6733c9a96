//! One file for each command: gather, call one layer below, hand the result to `report`.

mod check;
mod complete;
mod dead;
mod diff;
mod extract;
mod find;
mod frame;
mod history;
mod init;
mod log;
mod named;
mod not_listed;
mod notify_test;
mod preview;
mod prune;
mod recover;
mod rehearse;
mod report_page;
mod restore;
mod restore_note;
mod run;
mod show;
mod status;
mod texts;
mod trust;
mod validate;
mod verify;

use std::ffi::OsString;
use std::path::Path;

use clap::builder::StyledStr;
use clap::error::ErrorKind::{
    DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion, InvalidSubcommand,
    MissingRequiredArgument, UnknownArgument, ValueValidation,
};
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser as _};
use jiff::tz::TimeZone;

use crate::cli::{Cli, Command, Global, RunArgs, RunFormat};
use crate::exit::Exit;
use crate::history::HistoryError;
use crate::misunderstood::{Misunderstood, asks_for_status, explain, of_dashes, of_plan_file};
use crate::plan::LoadError;
use crate::plan::diagnostic::Severity;
use crate::report::lines::JsonLines;
use crate::report::lines::documents::FindingObject;
use crate::secret::memory;
use crate::signal::listening::outlive_file_limit;
use crate::ui::{MovingLine, Patient, Ui, Verbosity, farewell};
use crate::values::causes::{causes, said};
use crate::values::environment::{Lookup, non_empty};
use crate::values::internal_error::caught;
use crate::values::invocation::Invocation;

use frame::error::{CommandError, Outcome};

/// Reads the arguments of the process, runs what they say, and returns the exit code.
pub fn start(arguments: impl IntoIterator<Item = OsString>, env: Lookup<'_>) -> Exit {
    // Where it cannot be had, such a write still ends the process.
    let _ = outlive_file_limit();
    let understood = || {
        let arguments: Vec<OsString> = options_of_all_first(arguments.into_iter().collect());
        if let Some(shell) = non_empty(env, complete::VARIABLE) {
            return complete::answer(&shell, &arguments, env);
        }
        let words = in_words(&arguments);
        let is_file = |name: &str| Path::new(name).exists();
        if let Some(wrong) = of_dashes(&words).or_else(|| of_plan_file(&words, is_file)) {
            return answered(Ui::new(&Global::of_words(&words), env), &words, wrong);
        }
        match Cli::try_parse_from(&arguments) {
            Ok(cli) => dispatch(&cli, env),
            Err(error) => not_understood(&error, &arguments, env),
        }
    };
    let exit = caught(understood).unwrap_or(Exit::Internal);
    match farewell() {
        Some(signal) => exit.or_graver(Exit::Interrupted(signal)),
        None => exit,
    }
}

/// The arguments with the options that go with every command before `history`, where they stand right behind it: the
/// parser takes none between it and its level.
fn options_of_all_first(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let takes_value =
        |argument: &OsString| argument == "-c" || argument == "--config" || argument == "--color";
    let at = arguments.iter().position(|argument| argument == "history");
    let Some(at) = at.filter(|at| *at > 0 && !takes_value(&arguments[at - 1])) else {
        return arguments;
    };
    let mut end = at + 1;
    while let Some(option) = arguments.get(end).and_then(|argument| argument.to_str()) {
        end += match option {
            "-c" | "--config" | "--color" => 2,
            "-q" | "--quiet" | "-v" | "-vv" | "--verbose" | "--no-progress" => 1,
            option if option.starts_with("--config=") || option.starts_with("--color=") => 1,
            _ => break,
        };
    }
    if let Some(moved) = arguments.get_mut(at..end) {
        moved.rotate_left(1);
    }
    arguments
}

/// The arguments of the process without its name, as they can be shown.
fn in_words(arguments: &[OsString]) -> Vec<String> {
    let words = arguments.iter().skip(1);
    words.map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Help and version are printed; what could not be understood is answered.
fn not_understood(error: &clap::Error, arguments: &[OsString], env: Lookup<'_>) -> Exit {
    let words = in_words(arguments);
    let global = Global::of_words(&words);
    let ui = Ui::new(&global, env);
    if let DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand = error.kind() {
        return show_help(error, ui);
    }
    if error.kind() == InvalidSubcommand
        && let Some(help) = help_of_help(&words)
    {
        return print_help(&help, ui);
    }
    let names = named::plan_names::known_names(&global, env);
    let invocation = named::plan_names::proposed_invocation(&global, env);
    let mut answer = explain(error, &words, &invocation, names.as_ref());
    if error.kind() == InvalidSubcommand
        && let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
        && let Some(hint) = named::plan_names::named_in_place_of_a_command(&global, word, env)
    {
        answer.hint = hint;
    }
    if error.kind() == ValueValidation
        && let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
        && let Some(hint) = named::newest_export::instead(&global, &words, value, env)
    {
        answer.hint = hint;
    }
    if error.kind() == UnknownArgument
        && let Some(hint) = named::newest_export::of_options(&global, &words, env)
    {
        answer.hint = hint;
    }
    if error.kind() == MissingRequiredArgument
        && let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg)
        && missing.iter().all(|argument| argument.starts_with("--to"))
        && let Some(hint) = named::newest_export::with_its_device(&global, &words, env)
    {
        answer.hint = hint;
    }
    answered(ui, &words, answer)
}

/// Says what could not be understood. What monitoring asks for ends as that has it.
fn answered(ui: Ui, words: &[String], answer: Misunderstood) -> Exit {
    let exit = match asks_for_status(words) {
        true => status::not_understood(ui, &answer.title),
        false => Exit::Usage,
    };
    ui.error(&anyhow::anyhow!(answer.title), Some(&answer.hint));
    exit
}

/// Prints help or the version, in colour where the rest has it.
fn show_help(error: &clap::Error, ui: Ui) -> Exit {
    let rendered = error.render();
    if error.use_stderr() {
        ui.say(in_colour(&rendered, ui.color).trim_end());
        return Exit::Usage;
    }
    print_help(&rendered, ui)
}

/// Prints what was asked for. Who does not read it has nothing to be told, but a full disk behind stdout is an error.
fn print_help(help: &StyledStr, ui: Ui) -> Exit {
    match frame::error::print(ui, &in_colour(help, ui.data_color)) {
        Ok(()) => Exit::Success,
        Err(error) => {
            ui.error(&error.error, error.hint.as_deref());
            error.exit
        }
    }
}

fn in_colour(text: &StyledStr, color: bool) -> String {
    match color {
        true => text.ansi().to_string(),
        false => text.to_string(),
    }
}

/// What `help --help` and `help COMMAND -h` ask for twice.
fn help_of_help(words: &[String]) -> Option<StyledStr> {
    let (first, rest) = words.split_first()?;
    let asks = |word: &String| matches!(word.as_str(), "--help" | "-h");
    if first != "help" || !rest.iter().any(asks) {
        return None;
    }
    let mut command = Cli::command();
    command.build();
    let mut named = &mut command;
    for word in rest.iter().filter(|word| !asks(word)) {
        named = named.find_subcommand_mut(word)?;
    }
    Some(named.render_long_help())
}

/// Runs what was typed, prints its error if it has one, and returns the exit code.
pub fn dispatch(cli: &Cli, env: Lookup<'_>) -> Exit {
    let ui = Ui::new(&cli.global, env);
    frame::net::tell_panics(ui);
    keep_secrets(ui);
    ui.look_at_heartbeat(env);
    let outcome = frame::net::under(
        || command(cli, ui, env),
        |error| frame::net::after_panic(cli, env, error),
    );
    match outcome {
        Ok(exit) => exit,
        Err(error) => {
            // A history that cannot be used may say all the same what is quiesced. Who works on devices has looked.
            let has_looked = matches!(
                cli.command,
                Command::Run(_) | Command::Recover(_) | Command::Rehearse(_) | Command::Restore(_)
            );
            let error = match error.exit {
                Exit::History if !has_looked => frame::loading::with_open_rows(error, &cli.global, env),
                _ => error,
            };
            let exit = error.exit;
            // A mistake of ours in saying it does not change what it means.
            let _ = caught(|| tell(cli, ui, env, error));
            exit
        }
    }
}

fn command(cli: &Cli, ui: Ui, env: Lookup<'_>) -> Outcome {
    let line = MovingLine::new(ui);
    let _ending = nothing_in_hand(&cli.command)
        .map(|so_far| frame::heeding::ends_at_a_signal(&line, so_far))
        .transpose()?;
    match &cli.command {
        Command::Run(args) if args.dry_run => preview::instead_of_run(&cli.global, args, ui, env),
        Command::Run(args) => run::run(&cli.global, args, ui, env),
        Command::Preview(args) => preview::preview(&cli.global, args, ui, env),
        Command::Validate(args) => validate::validate(&cli.global, args, ui, env),
        Command::History(args) => history::history(&cli.global, args, ui, env),
        Command::NotifyTest(args) => notify_test::notify_test(&cli.global, args, (ui, &line), env),
        Command::Recover(args) => recover::recover(&cli.global, args, ui, env),
        Command::Diff(args) => diff::diff(&cli.global, args, ui, env),
        Command::Log(args) => log::log(&cli.global, args, ui, env),
        Command::Find(args) => find::find(&cli.global, args, ui, env),
        Command::Extract(args) => extract::extract(&cli.global, args, ui, env),
        Command::Rehearse(args) => rehearse::rehearse(&cli.global, args, ui, env),
        Command::Restore(args) => restore::restore(&cli.global, args, ui, env),
        Command::Prune(args) => prune::prune(&cli.global, args, ui, env),
        Command::Verify(args) => verify::verify(&cli.global, args, ui, env),
        Command::Status(args) => status::status(&cli.global, args, ui, env),
        Command::List => show::list(&cli.global, ui, env),
        Command::Last(args) => history::last(&cli.global, args, ui, env),
        Command::Version => texts::version(ui),
        Command::Init(args) => init::init(&cli.global, args, ui, env),
        Command::Schema => texts::schema(ui),
        Command::Show(args) => show::show(&cli.global, args, ui, env),
        Command::Completions(args) => texts::completions(args, ui),
        Command::Man(args) => texts::man(args, ui),
        Command::Report(args) => report_page::report(&cli.global, args, ui, env),
        Command::Trust(args) => trust::trust(&cli.global, args, (ui, &line), env),
        Command::Check(args) => check::check(&cli.global, args, ui, env),
    }
}

/// What is said when a signal ends a command that has nothing to finish and nothing to put back; `None` of those
/// that listen to signals themselves.
fn nothing_in_hand(command: &Command) -> Option<&'static str> {
    match command {
        Command::Run(_)
        | Command::Preview(_)
        | Command::Check(_)
        | Command::Recover(_)
        | Command::Rehearse(_)
        | Command::Restore(_)
        | Command::Prune(_)
        | Command::Verify(_)
        | Command::Extract(_)
        | Command::Report(_) => None,
        Command::NotifyTest(_) => Some("it ends here: who was told is told, the others are not"),
        Command::Init(_) => Some("it ends here: whether the file was written, a look at it says"),
        Command::Trust(_) => Some("it ends here: the device was asked for its certificate, and nothing else"),
        Command::Validate(_)
        | Command::History(_)
        | Command::Diff(_)
        | Command::Log(_)
        | Command::Find(_)
        | Command::Status(_)
        | Command::List
        | Command::Last(_)
        | Command::Version
        | Command::Schema
        | Command::Show(_)
        | Command::Completions(_)
        | Command::Man(_) => Some("it ends here: it only looked, and nothing is half done"),
    }
}

/// Tells why a command failed: people, and programs that read its lines.
fn tell(cli: &Cli, ui: Ui, env: Lookup<'_>, error: CommandError) {
    let CommandError {
        exit, error, hint, ..
    } = error;
    let hint = hint.or_else(|| advice(&error, &frame::loading::invocation(&cli.global, env)));
    if let Command::Run(RunArgs {
        format: RunFormat::Json,
        ..
    }) = &cli.command
    {
        JsonLines::new(Patient(std::io::stdout()), TimeZone::system()).error(
            &causes(error.as_ref()),
            hint.as_deref(),
            &findings_of(&error),
            exit,
        );
    }
    ui.error(&error, hint.as_deref());
}

/// The next step after errors that know only what is wrong.
fn advice(error: &anyhow::Error, invocation: &Invocation) -> Option<String> {
    if error.is::<history::execution::NothingYet>() {
        return Some(history::execution::first_run(invocation));
    }
    match error.downcast_ref()? {
        HistoryError::NotFound { list, .. } => Some(format!(
            "`{}` lists those {}",
            invocation.command(list.iter().copied()),
            match list.last() {
                Some(&"last") => "of the newest run",
                _ => "that there are",
            }
        )),
        HistoryError::Older { .. } => Some(format!(
            "`{}` brings it up to date at once",
            invocation.command(["recover"])
        )),
        _ => None,
    }
}

/// Keeps what this process will know from others. Where a sandbox does not allow it, whoever
/// watches is told.
fn keep_secrets(ui: Ui) {
    if let Err(error) = memory::keep_from_others()
        && (ui.lines || ui.verbosity > Verbosity::Normal)
    {
        ui.warning(&format!(
            "this process may be traced, or leave a core file, by which others of its user could read passwords: {}",
            said(&error)
        ));
    }
}

/// What is wrong with the plan file, if that is the error.
fn findings_of(error: &anyhow::Error) -> Vec<FindingObject<'_>> {
    let Some(LoadError::Invalid(found)) = error.downcast_ref() else {
        return Vec::new();
    };
    let findings = found.findings.iter().map(|finding| FindingObject {
        severity: match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: &finding.title,
        file: finding.path.to_string_lossy(),
        line: finding.line,
        column: finding.column,
        hint: finding.help.as_deref(),
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::options_of_all_first;

    #[test]
    fn options_of_every_command_may_stand_between_history_and_its_level() {
        for (typed, read) in [
            ("dpbackup history -c f status", "dpbackup -c f history status"),
            (
                "dpbackup history -q --config=f tasks last",
                "dpbackup -q --config=f history tasks last",
            ),
            ("dpbackup history -c", "dpbackup history -c"),
            ("dpbackup -c history -q run", "dpbackup -c history -q run"),
            ("dpbackup history status -c f", "dpbackup history status -c f"),
            ("dpbackup run -c f", "dpbackup run -c f"),
        ] {
            let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
            assert_eq!(options_of_all_first(words(typed)), words(read), "{typed}");
        }
    }
}
