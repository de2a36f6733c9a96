//! `dpbackup schema`, `dpbackup completions` and `dpbackup man`: texts made of what the
//! program knows about itself. No plan file is needed.

use std::fmt::Write as _;

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::commands::complete;
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::exit::Exit;
use crate::plan;
use crate::ui::Ui;

/// Prints the JSON schema of the plan file.
pub(super) fn schema(ui: Ui) -> Outcome {
    print(ui, &plan::schema::text())?;
    Ok(Exit::Success)
}

/// Prints the version.
pub(super) fn version(ui: Ui) -> Outcome {
    print(ui, concat!("dpbackup ", env!("CARGO_PKG_VERSION"), "\n"))?;
    Ok(Exit::Success)
}

/// Prints a completion script.
pub(super) fn completions(args: &CompletionsArgs, ui: Ui) -> Outcome {
    let shell = args.shell.to_string();
    let Some(script) = complete::script(&shell) else {
        let error = anyhow::anyhow!("there is no completion script for {shell}");
        return Err(CommandError::new(Exit::Usage, error));
    };
    print(ui, &script)?;
    Ok(Exit::Success)
}

/// The commands that a page is asked for, as man(1) is asked, too: `1 dpbackup-history-status`.
fn page_words<'w>(words: &'w [String], commands: &clap::Command) -> Vec<&'w str> {
    let is_section = |word: &&str| word.len() < 3 && word.starts_with(|c: char| c.is_ascii_digit());
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.first().is_some_and(is_section) {
        words.remove(0);
    }
    let pieces = words.into_iter().flat_map(|word| {
        let bare = word
            .strip_suffix("(1)")
            .or_else(|| word.strip_suffix(".1"))
            .unwrap_or(word);
        let bare = bare.strip_prefix("dpbackup-").unwrap_or(bare);
        let (first, _) = bare.split_once('-').unwrap_or((bare, ""));
        let is_one = commands.find_subcommand(bare).is_some() || commands.find_subcommand(first).is_none();
        match is_one {
            true => vec![bare],
            false => bare.split('-').collect(),
        }
    });
    pieces.filter(|word| *word != "dpbackup").collect()
}

/// Prints a manual page.
pub(super) fn man(args: &ManArgs, ui: Ui) -> Outcome {
    let mut command = Cli::command();
    command.build();
    let mut name = "dpbackup".to_owned();
    for word in page_words(&args.command, &command) {
        let Some(below) = command.find_subcommand(word).cloned() else {
            let visible = command.get_subcommands().filter(|below| !below.is_hide_set());
            let known: Vec<&str> = visible.map(clap::Command::get_name).collect();
            let hint = match known.as_slice() {
                [] => format!("`{name}` has no commands below it"),
                known => format!("it has: {}", known.join(", ")),
            };
            let error = anyhow::anyhow!("`{name}` has no command '{word}'");
            return Err(CommandError::new(Exit::Usage, error).with_hint(hint));
        };
        command = below;
        name = format!("{name} {word}");
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .source(concat!("dpbackup ", env!("CARGO_PKG_VERSION")))
        .manual("dpbackup")
        .render(&mut page)
        .map_err(|error| CommandError::new(Exit::Failed, error))?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    page.push_str(&last_sections(name != "dpbackup"));
    print(ui, &page)?;
    Ok(Exit::Success)
}

/// What a manual page ends with, in roff. That of the program has its exit codes already.
fn last_sections(is_command: bool) -> String {
    let mut text = String::new();
    if is_command {
        text.push_str(".SH EXIT STATUS\nWhat DESCRIPTION says of it; else:\n.nf\n");
        for (exit, meaning) in Exit::ALL {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{:>3}  {meaning}", exit.code());
        }
        text.push_str(".fi\n");
    }
    text + ENVIRONMENT_AND_FILES
}

const ENVIRONMENT_AND_FILES: &str = ".SH ENVIRONMENT
DPBACKUP_CONFIG: the plan file, where no \\-\\-config names it.
DPBACKUP_HEARTBEAT: how often a run says without a terminal that it is at work, such as 10s.
NO_COLOR, CLICOLOR=0, TERM=dumb: no colours.
.SH FILES
./plans.toml, $XDG_CONFIG_HOME/dpbackup/plans.toml, /etc/dpbackup/plans.toml: the plan file, the first one that is there.
Where backups, history and scripts are stands in it: \\fBdpbackup show\\fR.
";
