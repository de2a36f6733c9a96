//! Which command was being read when the words could not be understood, and what it says of itself.

use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::values::invocation::Invocation;

/// The command that was being read when the error came.
pub(super) struct CommandPlace {
    pub(super) command: Command,
    /// `history tasks`; empty for the program itself.
    pub(super) path: Vec<String>,
}

impl CommandPlace {
    /// Walks down the tree of commands as far as the words lead.
    pub(super) fn of(words: &[String]) -> Self {
        let mut command = Cli::command();
        command.build();
        let mut path = Vec::new();
        let mut is_value = false;
        for word in words {
            // The name of a plan file is no command, whatever it is.
            if std::mem::replace(
                &mut is_value,
                matches!(word.as_str(), "-c" | "--config" | "--color"),
            ) {
                continue;
            }
            if let Some(below) = command.find_subcommand(word).cloned() {
                path.push(below.get_name().to_owned());
                command = below;
            }
        }
        Self { command, path }
    }

    pub(super) fn name(&self) -> String {
        let mut words = vec!["dpbackup"];
        words.extend(self.path.iter().map(String::as_str));
        words.join(" ")
    }

    pub(super) fn line(&self, last: &str, invocation: &Invocation) -> String {
        invocation.command(self.path.iter().map(String::as_str).chain([last]))
    }

    /// Help reads no plan file.
    pub(super) fn help(&self) -> String {
        let explains = match self.path.first().map(String::as_str) {
            // It is about the other commands, and has no help of its own.
            Some("help") => Invocation::default().command(["--help"]),
            _ => self.line("--help", &Invocation::default()),
        };
        format!("`{explains}` explains it")
    }

    /// How the command is called.
    pub(super) fn usage(&self) -> String {
        format!("{}; {}", called_so(&self.command), self.help())
    }

    /// Its options, where it has any of its own. Those of all commands are named by the program.
    pub(super) fn options(&self) -> String {
        let is_meant = |argument: &&clap::Arg| {
            let is_help = matches!(argument.get_id().as_str(), "help" | "version");
            !argument.is_hide_set() && !is_help && (self.path.is_empty() || !argument.is_global_set())
        };
        let own = self.command.get_arguments().filter(is_meant);
        let own: Vec<String> = own
            .filter_map(clap::Arg::get_long)
            .map(|long| format!("--{long}"))
            .collect();
        match own.is_empty() {
            true => format!("it has no options of its own; {}", self.help()),
            false => format!("its options are: {}; {}", own.join(", "), self.help()),
        }
    }

    /// What its help says of an argument, as the parser names it: `--blame <DEVICE/DOMAIN>`, `<DIR>`.
    pub(super) fn about(&self, argument: &str) -> Option<String> {
        let name = argument.split(' ').next().unwrap_or(argument);
        let is_it = |known: &&clap::Arg| match name.strip_prefix("--") {
            Some(long) => known.get_long() == Some(long),
            None => {
                known.to_string().trim_matches(['[', ']', '<', '>', '.'])
                    == name.trim_matches(['[', ']', '<', '>', '.'])
            }
        };
        let known = self.command.get_arguments().find(is_it)?;
        let help = known.get_help()?.to_string();
        Some(format!(
            "{name}: \"{}\"",
            help.split_whitespace().collect::<Vec<_>>().join(" ")
        ))
    }

    /// The command at hand, by its last word.
    pub(super) fn last(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// In which forms the command prints.
    fn forms(&self) -> Vec<String> {
        let format = self
            .command
            .get_arguments()
            .find(|argument| argument.get_long() == Some("format"));
        let values = format.into_iter().flat_map(clap::Arg::get_possible_values);
        values.map(|value| value.get_name().to_owned()).collect()
    }

    /// Whether a program somewhere prints in a form of this name.
    pub(super) fn is_form(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        matches!(word.as_str(), "json" | "csv" | "table" | "text" | "yaml" | "xml")
            || self.forms().contains(&word)
    }

    /// In which forms the command prints, where somebody asks for one by another word.
    pub(super) fn form_instead(&self) -> String {
        let forms = self.forms();
        let file = "a file is written by `> FILE`";
        match forms.as_slice() {
            [] => format!("it prints in one form only; {file}"),
            forms => format!(
                "the form of the output is `--format json` (there are: {}); {file}",
                forms.join(", ")
            ),
        }
    }
}

/// How a command is called.
pub(super) fn called_so(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage
        .trim_start_matches("Usage: ")
        .lines()
        .next()
        .unwrap_or_default();
    format!("it is called so: {usage}")
}
