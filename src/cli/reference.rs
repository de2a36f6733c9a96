//! `docs/cli.md`, written from the tree of commands and the table of exit codes.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::exit::Exit;

/// The columns of help on the page, whatever the terminal of whoever writes it.
const WIDTH: usize = 96;

/// The text of the page.
pub fn page() -> String {
    let mut page = String::from(
        "# Command line reference\n\n\
         Written from `src/cli.rs` and `src/exit.rs`; a test compares. `dpbackup COMMAND --help` prints the same.\n\
         The options of the first block but `--version` go with every command.\n",
    );
    let mut root = Cli::command().after_long_help("").term_width(WIDTH);
    root.build();
    write_command(&mut root, "dpbackup", &mut page);
    page.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (exit, meaning) in Exit::ALL {
        // Writing into a String cannot fail.
        let _ = writeln!(page, "| {} | {meaning} |", exit.code());
    }
    page.push_str(
        "\n`history status` ends as monitoring plug-ins do: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n\
         `diff` ends 1 where the two differ, `verify` 3 where there is no worse than a warning.\n",
    );
    page
}

/// A block for the command, then one for each below it.
fn write_command(command: &mut Command, name: &str, page: &mut String) {
    let help = command.render_long_help().to_string();
    let _ = write!(page, "\n## `{name}`\n\n```text\n");
    for line in help.trim_end().lines() {
        page.push_str(line.trim_end());
        page.push('\n');
    }
    page.push_str("```\n");
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    for below in names {
        if let Some(command) = command.find_subcommand_mut(&below) {
            // What goes with every command is shown once.
            *command = std::mem::take(command).term_width(WIDTH).mut_args(|argument| {
                if argument.is_global_set() {
                    argument.hide(true)
                } else {
                    argument
                }
            });
            write_command(command, &format!("{name} {below}"), page);
        }
    }
}
