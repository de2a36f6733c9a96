//! The net under every command: a panic is one line and a documented exit code, never without
//! a look at what may still be quiesced.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{PanicHookInfo as PanicInfo, set_hook as at_each_panic};

use crate::cli::{Cli, Command, HistoryLevel};
use crate::commands::dead::left_behind::with_rows_of;
use crate::commands::frame::error::{CommandError, Outcome};
use crate::commands::frame::loading::{invocation, named_history};
use crate::exit::Exit;
use crate::ui::Ui;
use crate::values::environment::Lookup;
use crate::values::internal_error::{InternalError, caught, panic_words};
use crate::values::text::printable;

/// Runs a command. Where it panics, `afterwards` makes its end: it looks at what is left.
pub(in crate::commands) fn under(
    command: impl FnOnce() -> Outcome,
    afterwards: impl FnOnce(InternalError) -> CommandError,
) -> Outcome {
    let error = match caught(command) {
        Ok(outcome) => return outcome,
        Err(error) => error,
    };
    let known = error.clone();
    // Whoever looks around after a panic may meet what led to it: then nobody has looked.
    Err(caught(|| afterwards(error)).unwrap_or_else(|_| CommandError::new(Exit::StillQuiesced, known)))
}

/// The end of a command that panicked. One that would have ended with what may still be quiesced
/// looks for it now; of the others nobody expects it.
pub(in crate::commands) fn after_panic(cli: &Cli, env: Lookup<'_>, error: InternalError) -> CommandError {
    let error = CommandError::new(Exit::Internal, error);
    if !ends_with_what_is_left(&cli.command) {
        return error;
    }
    match named_history(&cli.global, env) {
        Some(history) => with_rows_of(error, &history, &invocation(&cli.global, env)),
        None => CommandError {
            exit: Exit::StillQuiesced,
            ..error
        }
        .with_hint(
            "the plan file, which names the history, cannot be read: look whether anything is still quiesced",
        ),
    }
}

/// Whether the exit code of a command says what may still be quiesced: it quiesces, or looks.
fn ends_with_what_is_left(command: &Command) -> bool {
    match command {
        Command::Run(_)
        | Command::Preview(_)
        | Command::Check(_)
        | Command::Recover(_)
        | Command::Rehearse(_)
        | Command::Restore(_)
        | Command::Status(_) => true,
        Command::History(args) => matches!(args.level, Some(HistoryLevel::Status(_))),
        Command::Validate(_)
        | Command::NotifyTest(_)
        | Command::Diff(_)
        | Command::Log(_)
        | Command::Find(_)
        | Command::Extract(_)
        | Command::Prune(_)
        | Command::Verify(_)
        | Command::List
        | Command::Last(_)
        | Command::Version
        | Command::Init(_)
        | Command::Schema
        | Command::Show(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Report(_)
        | Command::Trust(_) => false,
    }
}

/// From now on a panic, in whatever thread, is one line. `RUST_BACKTRACE` adds the way to it.
pub(in crate::commands) fn tell_panics(ui: Ui) {
    at_each_panic(Box::new(move |panic| {
        ui.say(&line(panic));
        let way = Backtrace::capture();
        if way.status() == BacktraceStatus::Captured {
            ui.say(&way.to_string());
        }
    }));
}

fn line(panic: &PanicInfo<'_>) -> String {
    let place = panic
        .location()
        .map_or_else(String::new, |at| format!(" at {at}"));
    let words = printable(&panic_words(panic.payload())).into_owned();
    format!("internal error{place}: {words}; please report it")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::{Command as Program, Output};

    use clap::Parser as _;

    use super::*;
    use crate::clock::{Clock as _, SystemClock};
    use crate::history::{History, Writing};
    use crate::lock::Locks;
    use crate::lock::witness::Witness;
    use crate::run::event::{ActionKind, ActivityOpening, PlanOpening, TaskOpening, Undo};
    use crate::run::ledger::{JournalTime, Ledger as _, UndoOpening};
    use crate::run::status::Status;
    use crate::values::address::Address;

    fn no_env(_: &str) -> Option<OsString> {
        None
    }

    fn ended(outcome: Outcome) -> (Exit, String) {
        let error = outcome.expect_err("an error");
        let words = format!("{:#} {}", error.error, error.hint.unwrap_or_default());
        (error.exit, words)
    }

    #[test]
    fn what_does_not_panic_ends_as_it_ends() {
        let never = |_| -> CommandError { panic!("nobody asks") };
        assert_eq!(under(|| Ok(Exit::Warned), never).expect("an end"), Exit::Warned);
        let failed = || Err(CommandError::new(Exit::Usage, anyhow::anyhow!("wrong")));
        assert_eq!(ended(under(failed, never)).0, Exit::Usage);
    }

    #[test]
    fn a_panic_is_an_end_and_one_while_it_is_looked_around_says_that_nobody_has_looked() {
        let looked = |error| CommandError::new(Exit::Internal, error);
        let (exit, words) = ended(under(|| panic!("a panic of the tests"), looked));
        assert_eq!(exit, Exit::Internal);
        assert!(
            words.contains("internal error (please report it): a panic of the tests"),
            "{words}"
        );
        let again = |_| -> CommandError { panic!("another") };
        let (exit, words) = ended(under(|| panic!("a panic of the tests"), again));
        assert_eq!(exit, Exit::StillQuiesced);
        assert!(words.contains("a panic of the tests"), "{words}");
    }

    /// A plan file in a folder of its own.
    fn plan_file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plans.toml");
        let text = "[settings]\nstore = \"store\"\nhistory = \"history.db\"\n[[device]]\nname = \"QA1\"\nhost = \"h\"\n\
                    username = \"u\"\npassword = { env = \"P\" }\n[[plan]]\nname = \"P\"\n[[plan.activity]]\n\
                    action = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"DOM1\"\nquiesce = true\n";
        fs::write(&path, text).expect("a plan file");
        (folder, path)
    }

    /// How a command ends that panics.
    fn after(path: &Path, words: &[&str]) -> (Exit, String) {
        let path = path.to_string_lossy().into_owned();
        let cli = Cli::parse_from(["dpbackup", "--config", &path].iter().chain(words));
        let panics = || panic!("a panic of the tests");
        ended(under(panics, |error| after_panic(&cli, &no_env, error)))
    }

    #[test]
    fn a_command_that_panics_looks_for_what_is_quiesced_where_it_could_have_left_something() {
        let (folder, path) = plan_file();
        for words in [
            ["run", "P"].as_slice(),
            &["recover"],
            &["validate"],
            &["preview", "P"],
        ] {
            assert_eq!(after(&path, words).0, Exit::Internal, "{words:?}");
        }
        // A row of this very process, none of whose tasks is at work any more.
        let history = folder.path().join("history.db");
        let clock = SystemClock::new();
        let locks = Locks::beside(&history);
        let (_alive, process) = locks.process(&clock, Witness::own().as_ref()).expect("a lock");
        quiesced_by(&process, &history);
        for words in [
            ["run", "P"].as_slice(),
            &["recover"],
            &["preview", "P"],
            &["check"],
            &["history", "status"],
            &["rehearse", "--all", "--on", "QA1"],
        ] {
            let (exit, said) = after(&path, words);
            assert_eq!(exit, Exit::StillQuiesced, "{words:?}");
            assert!(said.contains("MAY BE QUIESCED: domain DOM1 of QA1"), "{said}");
            assert!(said.contains("--config"), "it can be pasted: {said}");
        }
        assert_eq!(after(&path, &["validate"]).0, Exit::Internal);
        fs::write(&path, "[settings\n").expect("damaged");
        assert_eq!(after(&path, &["recover"]).0, Exit::StillQuiesced);
    }

    #[test]
    fn a_plan_file_with_an_error_elsewhere_tells_where_to_look_after_a_panic() {
        let (folder, path) = plan_file();
        let text = fs::read_to_string(&path).expect("the plan file");
        fs::write(&path, text + "[[plan]]\nname = 5\n").expect("damaged in part");
        assert_eq!(after(&path, &["run", "P"]).0, Exit::Internal);
        let history = folder.path().join("history.db");
        let locks = Locks::beside(&history);
        let (_alive, process) = locks
            .process(&SystemClock::new(), Witness::own().as_ref())
            .expect("a lock");
        quiesced_by(&process, &history);
        let (exit, said) = after(&path, &["run", "P"]);
        assert_eq!(exit, Exit::StillQuiesced);
        assert!(said.contains("domain DOM1 of QA1"), "{said}");
    }

    fn quiesced_by(process: &str, path: &Path) {
        let now = SystemClock::new().now();
        let mut history = History::open(path, Writing::Log).expect("a history");
        let plan = PlanOpening {
            plan: "P".to_owned(),
            plan_file: PathBuf::from("plans.toml"),
            process: process.to_owned(),
            window_ignored: false,
        };
        let plan = history.open_plan(now, &plan).expect("a plan");
        let activity = ActivityOpening {
            plan,
            action: ActionKind::ExportDomain,
            device_pattern: "QA1".to_owned(),
            domain_pattern: "DOM1".to_owned(),
            quiesce: true,
        };
        let activity = history.open_activity(now, &activity).expect("an activity");
        let task = TaskOpening {
            plan,
            activity,
            action: ActionKind::ExportDomain,
            device: "QA1".to_owned(),
            domain: "DOM1".to_owned(),
            status: Status::ReadyForExecution,
            error: None,
        };
        let task = history.open_task(now, &task).expect("a task");
        let undo = UndoOpening {
            plan,
            task,
            device: "QA1".to_owned(),
            address: Address {
                host: "h".to_owned(),
                port: 5550,
            },
            peer: None,
            serial: None,
            undo: Undo::UnquiesceDomain("DOM1".to_owned()),
            domains: Vec::new(),
        };
        let now = JournalTime { day: now, boot: None };
        history.open_undo(&now, process, &undo).expect("a row");
    }

    const PANICS: &str = "DPBACKUP_TEST_PANICS";

    /// Starts this test again, to panic; what that says on stderr.
    fn said(backtrace: &str) -> String {
        let name = "commands::frame::net::tests::a_panic_is_one_line_with_its_place_and_what_to_do";
        let mut program = Program::new(std::env::current_exe().expect("this program"));
        let Output { stderr, .. } = program
            .args(["--exact", name, "--test-threads=1", "--nocapture"])
            .env(PANICS, "1")
            .env("RUST_BACKTRACE", backtrace)
            .output()
            .expect("this program starts");
        String::from_utf8(stderr).expect("text")
    }

    #[test]
    fn a_panic_is_one_line_with_its_place_and_what_to_do() {
        if std::env::var_os(PANICS).is_some() {
            let cli = Cli::parse_from(["dpbackup", "validate"]);
            tell_panics(Ui::new(&cli.global, &no_env));
            let _ = caught(|| panic!("a panic\nof the tests"));
            return;
        }
        let told = said("0");
        let [line] = told.lines().collect::<Vec<_>>()[..] else {
            panic!("{told}")
        };
        assert!(
            line.starts_with("internal error at src/commands/frame/net.rs:"),
            "{line}"
        );
        assert!(
            line.ends_with(": a panic of the tests; please report it"),
            "{line}"
        );
        assert!(
            said("1").lines().count() > 3,
            "the way to it is told where it is asked for"
        );
    }
}
