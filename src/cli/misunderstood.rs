//! What is said of arguments that could not be understood: what is wrong, in words of ours,
//! and what to type instead.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::cli::other_words::{self, COMMANDS};
use crate::values::invocation::Invocation;
use crate::values::nearest::nearest;

/// An error of usage, ready to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misunderstood {
    /// What could not be understood.
    pub title: String,
    /// What to type instead.
    pub hint: String,
}

/// What an error of the parser means. `words` are the arguments of the process, without its name.
pub fn explain(error: &clap::Error, words: &[String], invocation: &Invocation) -> Misunderstood {
    let place = CommandPlace::of(read_words(error, words));
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg).replace("...", "");
    let value = context(ContextKind::InvalidValue);
    let help = place.help();
    let (title, hint) = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = context(ContextKind::InvalidSubcommand);
            (
                format!("`{}` has no command '{word}'", place.name()),
                place.command_instead(&word, words, invocation),
            )
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => (
            format!("`{}` has no option {argument}", place.name()),
            place.option_instead(&argument, words, invocation),
        ),
        ErrorKind::UnknownArgument => (
            format!("'{argument}' is one word too many for `{}`", place.name()),
            place.word_instead(&argument, invocation),
        ),
        ErrorKind::MissingRequiredArgument => (
            format!("`{}` needs {argument}", place.name()),
            match place.path.first().map(String::as_str) {
                Some("history") => format!(
                    "the table one level above has the IDs; `{}` is about the newest",
                    place.line("last", invocation)
                ),
                _ => place.usage(),
            },
        ),
        // Only the options of history stand in the way of a command below it.
        ErrorKind::ArgumentConflict if argument.is_empty() && place.path.len() < 2 => (
            format!("there is a word too many for `{}`", place.name()),
            format!(
                "the levels of history are `{}`, `{}` and `{}`, each with an ID or `last`",
                invocation.command(["history", "activities", "ID"]),
                invocation.command(["history", "tasks", "ID"]),
                invocation.command(["history", "files", "ID"])
            ),
        ),
        ErrorKind::ArgumentConflict if argument.is_empty() => place.options_before_a_level(words, invocation),
        ErrorKind::ArgumentConflict => {
            let other = context(ContextKind::PriorArg).replace("...", "");
            let other = if other.is_empty() {
                "another".to_owned()
            } else {
                other
            };
            (
                format!("{argument} and {other} exclude each other"),
                "leave one of them out".to_owned(),
            )
        }
        ErrorKind::InvalidValue if value.is_empty() => (format!("{argument} needs a value"), place.usage()),
        ErrorKind::InvalidValue => {
            let known = context(ContextKind::ValidValue);
            let near = nearest(&value, known.split(", ")).map(|near| format!("did you mean {near}? "));
            (
                format!("'{value}' is no value of {argument}"),
                format!("{}it takes: {known}", near.unwrap_or_default()),
            )
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
            (format!("'{value}' is no value of {argument}"), why)
        }
        ErrorKind::TooManyValues if argument.contains("--verbose") => (
            "--verbose takes no number".to_owned(),
            "-v says more, -vv says all".to_owned(),
        ),
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => (
            format!("{argument} has the wrong number of values"),
            place.usage(),
        ),
        ErrorKind::InvalidUtf8 => ("an argument is not UTF-8 text".to_owned(), help),
        _ => (
            error
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned(),
            help,
        ),
    };
    Misunderstood { title, hint }
}

/// The words that were read before the one that could not be: what follows a word that is no command
/// does not say which one was meant.
fn read_words<'w>(error: &clap::Error, words: &'w [String]) -> &'w [String] {
    let wrong = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) => words.iter().position(|typed| typed == word),
        _ => None,
    };
    wrong.map_or(words, |at| &words[..at])
}

/// The command that was being read when the error came.
struct CommandPlace {
    command: Command,
    /// `history tasks`; empty for the program itself.
    path: Vec<String>,
}

impl CommandPlace {
    /// Walks down the tree of commands as far as the words lead.
    fn of(words: &[String]) -> Self {
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

    fn name(&self) -> String {
        let mut words = vec!["dpbackup"];
        words.extend(self.path.iter().map(String::as_str));
        words.join(" ")
    }

    fn line(&self, last: &str, invocation: &Invocation) -> String {
        invocation.command(self.path.iter().map(String::as_str).chain([last]))
    }

    /// Help reads no plan file.
    fn help(&self) -> String {
        let explains = match self.path.first().map(String::as_str) {
            // It is about the other commands, and has no help of its own.
            Some("help") => Invocation::default().command(["--help"]),
            _ => self.line("--help", &Invocation::default()),
        };
        format!("`{explains}` explains it")
    }

    /// How the command is called.
    fn usage(&self) -> String {
        let usage = self.command.clone().render_usage().to_string();
        let usage = usage
            .trim_start_matches("Usage: ")
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        format!("it is called so: {usage}; {}", self.help())
    }

    fn command_instead(&self, word: &str, words: &[String], invocation: &Invocation) -> String {
        let lower = word.to_lowercase();
        if self.path.is_empty()
            && let Some(advice) = other_words::advice(COMMANDS, &lower)
        {
            return filled(advice, behind(word, words), invocation);
        }
        let visible = || {
            self.command
                .get_subcommands()
                .filter(|below| !below.is_hide_set())
        };
        let names: Vec<&str> = visible().map(Command::get_name).collect();
        let is_beginning = |name: &&&str| lower.len() > 2 && name.starts_with(&lower);
        let mut begun = names.iter().filter(is_beginning);
        let begun = begun.next().filter(|_| begun.next().is_none()).copied();
        match begun.or_else(|| nearest(&lower, names.iter().copied())) {
            Some(near) => {
                let path = self.path.iter().map(String::as_str).chain([near]);
                let rest = behind(word, words).iter().map(String::as_str);
                format!("did you mean `{}`?", invocation.command(path.chain(rest)))
            }
            None => format!("the commands are: {}; {}", names.join(", "), self.help()),
        }
    }

    fn option_instead(&self, option: &str, words: &[String], invocation: &Invocation) -> String {
        let bare = option.split('=').next().unwrap_or(option);
        let known: Vec<String> = self
            .command
            .get_arguments()
            .filter(|argument| !argument.is_hide_set())
            .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
            .collect();
        // One slip of the finger is nearer than another program's word.
        let near = nearest(bare, known.iter().map(String::as_str)).filter(|_| bare.len() > 3);
        let command = self.path.last().map_or("", String::as_str);
        if other_words::is_of_output(bare) && other_words::own_advice_on_option(command, bare).is_none() {
            return self.form_instead();
        }
        if let Some(named) = self
            .named_with(option, words)
            .filter(|named| bare == "-f" && named.ends_with(".toml"))
        {
            let invocation = Invocation::naming(named.as_ref());
            let rest = words.iter().map(String::as_str);
            let rest = rest.filter(|word| *word != option && *word != named);
            return format!(
                "the plan file is named by --config: `{}`",
                invocation.command(rest)
            );
        }
        match (other_words::advice_on_option(command, bare), near) {
            (Some(advice), _) => {
                let named = self.named_with(option, words);
                filled(advice, &named.into_iter().collect::<Vec<_>>(), invocation)
            }
            (None, Some(near)) => format!("did you mean {near}?"),
            (None, None) => self.help(),
        }
    }
}

impl CommandPlace {
    /// What to type where a word is one too many.
    fn word_instead(&self, word: &str, invocation: &Invocation) -> String {
        let command = |words: &[&str]| invocation.command(words.iter().copied());
        match self.path.first().map(String::as_str) {
            Some("recover") => format!(
                "recover puts right whatever is left, of all plans and devices: `{}`",
                command(&["recover"])
            ),
            Some("log") => match word.split_once('/') {
                Some((device, domain)) => format!(
                    "`{}` shows what changed there, `{}` since when each object is as it is",
                    command(&["log", "--device", device, "--domain", domain]),
                    command(&["log", "--blame", word])
                ),
                None => format!(
                    "`{}` shows what changed on that device; there are --domain, --class, --name and --since, too",
                    command(&["log", "--device", word])
                ),
            },
            Some("prune") => format!(
                "`{}` is about the backups of one plan; without it prune is about all of them",
                command(&["prune", "--plan", word])
            ),
            Some("report") => format!(
                "`{}` is about one plan; the page is about all of them without it",
                command(&["report", "FILE.html", "--plan", word])
            ),
            Some("list") => format!("`{}` shows one plan or device", command(&["show", word])),
            Some("status") => format!(
                "it is about everything that is configured; `{}` has the runs of one plan or device",
                command(&["history", word])
            ),
            Some("last") => format!(
                "`{}` is the newest of one plan",
                command(&["history", "last", "--plan", word])
            ),
            Some("trust") => format!("one device at a time: `{}`", command(&["trust", word])),
            Some("find") => format!("a text with a blank in it stands in quotes; {}", self.help()),
            Some("diff") => "two are compared, and no more".to_owned(),
            _ => format!("a name with a blank in it stands in quotes; {}", self.help()),
        }
    }

    /// In which forms the command prints, where somebody asks for one by another word.
    fn form_instead(&self) -> String {
        let format = self
            .command
            .get_arguments()
            .find(|argument| argument.get_long() == Some("format"));
        let forms: Vec<String> = format
            .into_iter()
            .flat_map(clap::Arg::get_possible_values)
            .map(|value| value.get_name().to_owned())
            .collect();
        let file = "a file is written by `> FILE`";
        match forms.as_slice() {
            [] => format!("it prints in one form only; {file}"),
            forms => format!(
                "the form of the output is `--format json` (there are: {}); {file}",
                forms.join(", ")
            ),
        }
    }

    /// Options of history that stand before the level that they are for.
    fn options_before_a_level(&self, words: &[String], invocation: &Invocation) -> (String, String) {
        let level = self.path.last().map_or("", String::as_str);
        let title = format!(
            "an option of `{}` stands behind `{level}`, not before it",
            self.name()
        );
        let history = words.iter().position(|word| word == "history");
        let at = words.iter().position(|word| word == level);
        let moved = history
            .zip(at)
            .filter(|(history, at)| history < at)
            .map(|(history, at)| {
                let (before, options) = (&words[..=history], &words[history + 1..at]);
                [before, &words[at..], options].concat()
            });
        let moved = moved.filter(|moved| {
            let line = ["dpbackup".to_owned()].into_iter().chain(moved.iter().cloned());
            Cli::command().try_get_matches_from(line).is_ok()
        });
        let hint = match moved {
            Some(moved) => {
                let words = without_plan_file(&moved);
                format!("`{}`", invocation.command(words))
            }
            None => format!(
                "some options narrow the list of executions, and `{level}` has none of them; {}",
                self.usage()
            ),
        };
        (title, hint)
    }

    /// What the option was about: the word behind it, else the last word that is no command.
    fn named_with(&self, option: &str, words: &[String]) -> Option<String> {
        let is_plain = |word: &&String| !word.starts_with('-') && !self.path.contains(word);
        let (bare, value) = option.split_once('=').unwrap_or((option, ""));
        let at = words.iter().position(|word| word == option || word == bare);
        let behind = at.and_then(|at| words.get(at + 1)).filter(is_plain);
        match value {
            "" => behind.or_else(|| words.iter().rfind(is_plain)).cloned(),
            value => Some(value.to_owned()),
        }
    }
}

/// The words without the plan file, which advice names by itself.
fn without_plan_file(words: &[String]) -> Vec<&str> {
    let mut kept = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-c" | "--config" => {
                words.next();
            }
            word if word.starts_with("--config=") => {}
            word => kept.push(word),
        }
    }
    kept
}

/// The words behind this one, without options: what it was to be done to.
fn behind<'w>(word: &str, words: &'w [String]) -> &'w [String] {
    let rest = words
        .iter()
        .position(|typed| typed == word)
        .map_or(&[][..], |at| &words[at + 1..]);
    let until = rest
        .iter()
        .position(|typed| typed.starts_with('-'))
        .unwrap_or(rest.len());
    &rest[..until]
}

/// Advice with its commands written out.
fn filled(advice: &str, rest: &[String], invocation: &Invocation) -> String {
    let mut text = String::new();
    let mut pieces = advice.split('{');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (named, after) = piece.split_once('}').unwrap_or((piece, ""));
        let (line, otherwise) = named.split_once('|').unwrap_or((named, ""));
        let words = line.split_whitespace().flat_map(|word| match word {
            "..." if rest.is_empty() => otherwise.split_whitespace().collect(),
            "..." => rest.iter().map(String::as_str).collect(),
            "PLAN" | "DEVICE" | "ID" | "FILE" | "FILE.html" | "DIR" if rest.len() == 1 => {
                rest.iter().map(String::as_str).collect()
            }
            word => vec![word],
        });
        text.push_str(&invocation.command(words));
        text.push_str(after);
    }
    text
}
