//! What is said of arguments that could not be understood: what is wrong, in words of ours,
//! and what to type instead.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use crate::cli::other_options::{self, OptionAdvice};
use crate::cli::other_words;
use crate::cli::proposed::{KnownNames, Offered, ProposedLine};
use crate::cli::{Cli, ExecutionId};
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

/// What an error of the parser means. `words` are the arguments of the process, without its name;
/// `names` are those of the plan file, where it can be read.
pub fn explain(
    error: &clap::Error,
    words: &[String],
    invocation: &Invocation,
    names: Option<&KnownNames>,
) -> Misunderstood {
    let place = CommandPlace::of(read_words(error, words));
    let advice = Advice {
        place: &place,
        words,
        invocation,
        names,
    };
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
                advice.command_instead(&word),
            )
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let option = as_typed(&argument, words);
            (
                format!("`{}` has no option {option}", place.name()),
                advice.option_instead(option),
            )
        }
        ErrorKind::UnknownArgument => (
            format!("'{argument}' is one word too many for `{}`", place.name()),
            advice.word_instead(&argument),
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
        ErrorKind::ArgumentConflict if argument.is_empty() => advice.options_before_a_level(),
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
            match one_dash(&value, words) {
                Some(typed) => (
                    format!("`{}` has no option {typed}", place.name()),
                    format!("a long option has two dashes: -{typed}"),
                ),
                // No table stands above these: they take a task from anywhere.
                None if argument.contains("TASK") || argument.contains("--task") => {
                    let device = match value.split_once('/') {
                        Some((device, _)) if !device.is_empty() && !value.ends_with(".zip") => device,
                        _ => "DEVICE",
                    };
                    (
                        format!("'{value}' is no ID of a task"),
                        format!(
                            "`{}` has the IDs of the newest execution, each with its device and domain; `{}` lists the \
                             executions of one device, and `{}` what one of them did",
                            invocation.command(["history", "last"]),
                            invocation.command(["history", "--device", device]),
                            invocation.command(["history", "ID"])
                        ),
                    )
                }
                None => (format!("'{value}' is no value of {argument}"), why),
            }
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
        format!("{}; {}", called_so(&self.command), self.help())
    }

    /// The command at hand, by its last word.
    fn last(&self) -> &str {
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
    fn is_form(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        matches!(word.as_str(), "json" | "csv" | "table" | "text" | "yaml" | "xml")
            || self.forms().contains(&word)
    }

    /// In which forms the command prints, where somebody asks for one by another word.
    fn form_instead(&self) -> String {
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

/// What somebody may have meant, by what he said it to.
struct Advice<'a> {
    place: &'a CommandPlace,
    words: &'a [String],
    invocation: &'a Invocation,
    names: Option<&'a KnownNames>,
}

impl Advice<'_> {
    fn command_instead(&self, word: &str) -> String {
        let lower = word.to_lowercase();
        if self.place.path.is_empty()
            && let Some(advice) = other_words::advice(&lower)
        {
            let rest: Vec<String> = behind(word, self.words)
                .iter()
                .map(|word| plain_name(word))
                .collect();
            let plain = self.plain_words();
            let plain = plain
                .iter()
                .map(|word| word.as_str())
                .filter(|typed| *typed != word);
            let plain = plain.collect();
            return self.filled(advice, &Offered::behind_a_command(&rest, plain));
        }
        let visible = || {
            let below = self.place.command.get_subcommands();
            below.filter(|below| !below.is_hide_set())
        };
        let names: Vec<&str> = visible().map(Command::get_name).collect();
        let is_beginning = |name: &&&str| lower.len() > 2 && name.starts_with(&lower);
        let mut begun = names.iter().filter(is_beginning);
        let begun = begun.next().filter(|_| begun.next().is_none()).copied();
        match begun.or_else(|| nearest(&lower, names.iter().copied())) {
            Some(near) => self.same_with(word, near),
            None => format!("the commands are: {}; {}", names.join(", "), self.place.help()),
        }
    }

    /// The line with the command that was most likely meant, as far as that can be typed.
    fn same_with(&self, word: &str, near: &str) -> String {
        let at = self.words.iter().position(|typed| typed == word).unwrap_or(0);
        let (before, behind_it) = self.words.split_at(at);
        let whole: Vec<&str> = without_plan_file(before)
            .into_iter()
            .chain([near])
            .chain(without_plan_file(behind_it.get(1..).unwrap_or_default()))
            .collect();
        let path = self.place.path.iter().map(String::as_str);
        let rest = behind(word, self.words).iter().map(String::as_str);
        let short: Vec<&str> = path.chain([near]).chain(rest).collect();
        let line = [whole, short].into_iter().find_map(ProposedLine::of);
        match (line, self.place.command.find_subcommand(near)) {
            (Some(line), _) => format!("did you mean `{}`?", line.command(self.invocation)),
            (None, Some(below)) => format!("did you mean {near}? {}", called_so(below)),
            (None, None) => format!("did you mean {near}?"),
        }
    }

    fn option_instead(&self, option: &str) -> String {
        let bare = option.split('=').next().unwrap_or(option);
        let command = self.place.last();
        let advice = other_options::advice_on_option(command, bare);
        let is_own = advice.as_ref().is_some_and(|advice| advice.is_own);
        if other_options::is_of_output(bare) && !is_own {
            return self.place.form_instead();
        }
        let named = self.named_with(option);
        if bare == "-f"
            && let Some(named) = &named
        {
            if self.place.is_form(named) {
                return self.place.form_instead();
            }
            if let Some(line) = self.with_plan_file(option, named) {
                return format!("the plan file is named by --config: `{line}`");
            }
        }
        // One slip of the finger is nearer than another program's word.
        match (advice, self.known_option_near(bare)) {
            (Some(OptionAdvice { text, is_own: true }), _) => {
                let plain = self.plain_words();
                let plain: Vec<&str> = plain.iter().map(|word| word.as_str()).collect();
                let value = named.as_deref().filter(|_| self.has_value(option));
                self.filled(text, &Offered::with_an_option(bare, value, &plain))
            }
            (Some(OptionAdvice { text, .. }), _) => self.filled(text, &Offered::nothing()),
            (None, Some(near)) => format!("did you mean {near}?"),
            (None, None) => self.place.help(),
        }
    }

    /// The option of the command that is nearest to this word.
    fn known_option_near(&self, bare: &str) -> Option<String> {
        // Help is nearer to many words than what they mean.
        let is_near_help = |long: &str| matches!(long, "help" | "version") && bare.get(2..3) != long.get(..1);
        let known: Vec<String> = self
            .place
            .command
            .get_arguments()
            .filter(|argument| !argument.is_hide_set())
            .filter_map(clap::Arg::get_long)
            .filter(|long| !is_near_help(long))
            .map(|long| format!("--{long}"))
            .collect();
        let two_dashes = format!("-{bare}");
        if !bare.starts_with("--") && known.contains(&two_dashes) {
            return Some(two_dashes);
        }
        let near = nearest(bare, known.iter().map(String::as_str)).filter(|_| bare.len() > 3);
        near.map(str::to_owned)
    }

    /// The line with the plan file where it belongs, if `named` is one.
    fn with_plan_file(&self, option: &str, named: &str) -> Option<String> {
        if !named.ends_with(".toml") {
            return None;
        }
        let rest = self.words.iter().map(String::as_str);
        let rest = rest.filter(|word| *word != option && *word != named).collect();
        let line = ProposedLine::of(rest)?;
        Some(line.command(&Invocation::naming(named.as_ref())))
    }

    /// What to type where a word is one too many.
    fn word_instead(&self, word: &str) -> String {
        let command = |words: &[&str]| self.invocation.command(words.iter().copied());
        let is = |of: fn(&KnownNames, &str) -> bool| self.names.is_none_or(|names| of(names, word));
        let is_id = ExecutionId::of(word).is_some();
        match self.place.last() {
            "recover" => format!(
                "recover puts right whatever is left, of all plans and devices: `{}`",
                command(&["recover"])
            ),
            "log" if is_id => format!(
                "log is about all exports, the newest first: `{}`; what a task stored shows `{}`",
                command(&["log", "--limit", "10"]),
                command(&["history", "files", word])
            ),
            "log" => match word.split_once('/') {
                Some((device, domain)) => format!(
                    "`{}` shows what changed there, `{}` since when each object is as it is",
                    command(&["log", "--device", device, "--domain", domain]),
                    command(&["log", "--blame", word])
                ),
                None => format!(
                    "`{}` shows what changed on a device; there are --domain, --class, --name and --since, too",
                    command(&[
                        "log",
                        "--device",
                        self.filling("DEVICE", word, is(KnownNames::has_device))
                    ])
                ),
            },
            "prune" => format!(
                "`{}` is about the backups of one plan; without it prune is about all of them",
                command(&[
                    "prune",
                    "--plan",
                    self.filling("PLAN", word, is(KnownNames::has_plan))
                ])
            ),
            "report" => format!(
                "`{}` is about one plan; the page is about all of them without it",
                command(&[
                    "report",
                    "FILE.html",
                    "--plan",
                    self.filling("PLAN", word, is(KnownNames::has_plan))
                ])
            ),
            "list" if word.to_lowercase().starts_with("domain") => format!(
                "`{}` says which domains each device has; `{}` how old the last good backup of each is",
                command(&["check"]),
                command(&["history", "status"])
            ),
            "list" => format!(
                "list shows all plans and devices; `{}` shows one of them",
                command(&["show", self.filling("NAME", word, is(KnownNames::has))])
            ),
            "status" => format!(
                "it is about everything that is configured; `{}` has the runs of one plan or device",
                command(&["history", self.filling("NAME", word, is(KnownNames::has))])
            ),
            "last" => format!(
                "`{}` is the newest of one plan",
                command(&[
                    "last",
                    "--plan",
                    self.filling("PLAN", word, is(KnownNames::has_plan))
                ])
            ),
            "trust" => format!(
                "one device at a time: `{}`",
                command(&["trust", self.filling("DEVICE", word, is(KnownNames::has_device))])
            ),
            "show" => format!(
                "one plan or device at a time: `{}`; a name with a blank in it stands in quotes",
                command(&["show", self.filling("NAME", word, is(KnownNames::has))])
            ),
            "notify-test" => format!(
                "one plan, or all where none is named: `{}`; a name with a blank in it stands in quotes",
                command(&["notify-test"])
            ),
            "restore" => {
                let plain = self.plain_words();
                let plain: Vec<&str> = plain.iter().map(|word| word.as_str()).collect();
                self.filled(
                    "the device is named by --to: `{restore ID --to DEVICE}`",
                    &Offered::with_an_option("", None, &plain),
                )
            }
            "validate" => "one plan file at a time; those that it includes are checked with it".to_owned(),
            "activities" | "tasks" | "files" => "one ID at a time".to_owned(),
            "find" => format!(
                "a text with a blank in it stands in quotes; {}",
                self.place.help()
            ),
            "diff" => "two are compared, and no more".to_owned(),
            "extract" => format!(
                "one export, and the folder that it is written to; {}",
                self.place.help()
            ),
            _ => self.place.usage(),
        }
    }

    /// The word, where it can be what the placeholder stands for.
    fn filling<'w>(&self, placeholder: &'w str, word: &'w str, can_be: bool) -> &'w str {
        if can_be && ExecutionId::of(word).is_none() {
            word
        } else {
            placeholder
        }
    }

    /// Options of history that stand before the level that they are for.
    fn options_before_a_level(&self) -> (String, String) {
        let (words, level) = (self.words, self.place.last());
        let title = format!(
            "an option of `{}` stands behind `{level}`, not before it",
            self.place.name()
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
        let line = moved
            .as_deref()
            .and_then(|moved| ProposedLine::of(without_plan_file(moved)));
        let hint = match line {
            Some(line) => format!("`{}`", line.command(self.invocation)),
            None => format!(
                "some options narrow the list of executions, and `{level}` has none of them; {}",
                self.place.usage()
            ),
        };
        (title, hint)
    }

    /// What the option was about: the word behind it, else the last word that is no command.
    fn named_with(&self, option: &str) -> Option<String> {
        match option.split_once('=') {
            Some((_, value)) if !value.is_empty() => Some(value.to_owned()),
            _ => match self.behind_option(option) {
                Some(behind) => Some(behind.clone()),
                None => self.plain_words().last().map(|word| (*word).clone()),
            },
        }
    }

    /// Whether a value was given with the option.
    fn has_value(&self, option: &str) -> bool {
        option.contains('=') || self.behind_option(option).is_some()
    }

    fn behind_option(&self, option: &str) -> Option<&String> {
        let bare = option.split('=').next().unwrap_or(option);
        let at = self
            .words
            .iter()
            .position(|word| word == option || word == bare)?;
        self.words.get(at + 1).filter(|word| self.is_plain(word))
    }

    /// The words that are neither options nor commands.
    fn plain_words(&self) -> Vec<&String> {
        self.words.iter().filter(|word| self.is_plain(word)).collect()
    }

    fn is_plain(&self, word: &String) -> bool {
        !word.starts_with('-') && !self.place.path.contains(word)
    }

    /// Advice with its commands written out.
    fn filled(&self, advice: &str, offered: &Offered<'_>) -> String {
        let mut text = String::new();
        let mut pieces = advice.split('{');
        text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (named, after) = piece.split_once('}').unwrap_or((piece, ""));
            text.push_str(&ProposedLine::filled(named, offered, self.names).command(self.invocation));
            text.push_str(after);
        }
        text
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

/// The option as it was typed: of `-name` the parser names its first letter.
fn as_typed<'w>(argument: &'w str, words: &'w [String]) -> &'w str {
    let is_short = argument.len() == 2 && !argument.starts_with("--");
    let typed = words.iter().find(|word| {
        let mut letters = word.chars().skip(1);
        is_short
            && word.starts_with(argument)
            && word.len() > 3
            && letters.all(|letter| letter.is_ascii_alphabetic() || letter == '-')
    });
    typed.map_or(argument, String::as_str)
}

/// The long option with one dash that was read as a short one with this value.
fn one_dash<'w>(value: &str, words: &'w [String]) -> Option<&'w str> {
    let is_it = |word: &&String| {
        let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        letters.is_some_and(|letters| letters.len() > 3 && letters.get(1..) == Some(value))
    };
    words.iter().find(is_it).map(String::as_str)
}

/// A plan, as the unit of systemd that runs it names it.
fn plain_name(word: &str) -> String {
    let unit = word.strip_prefix("dpbackup@").and_then(|unit| {
        let unit = unit
            .strip_suffix(".service")
            .or_else(|| unit.strip_suffix(".timer"));
        unit.map(str::to_owned)
    });
    unit.unwrap_or_else(|| word.to_owned())
}

/// How a command is called.
fn called_so(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage
        .trim_start_matches("Usage: ")
        .lines()
        .next()
        .unwrap_or_default();
    format!("it is called so: {usage}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cli::other_options::{OPTIONS, OPTIONS_OF};
    use crate::cli::other_words::COMMANDS;
    use crate::cli::proposed::is_taken;

    /// What is answered to a line, if it is not understood.
    fn answer(line: &[&str], names: Option<&KnownNames>) -> Option<Misunderstood> {
        let typed = ["dpbackup"].iter().chain(line);
        let error = Cli::command().try_get_matches_from(typed).err()?;
        let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        Some(explain(&error, &words, &Invocation::default(), names))
    }

    fn names() -> KnownNames {
        KnownNames {
            plans: vec!["Nightly".to_owned(), "Every, week".to_owned()],
            devices: vec!["QA1".to_owned()],
        }
    }

    /// The commands that an answer proposes, as a shell would split them.
    fn proposed(hint: &str) -> Vec<Vec<String>> {
        let quoted = hint.split('`').skip(1).step_by(2);
        let commands = quoted.filter_map(|quoted| quoted.strip_prefix("dpbackup "));
        commands
            .map(|line| {
                let odd = line.split('\'').enumerate();
                odd.flat_map(|(at, piece)| match at % 2 {
                    0 => piece.split_whitespace().map(str::to_owned).collect(),
                    _ => vec![piece.to_owned()],
                })
                .collect()
            })
            .collect()
    }

    #[track_caller]
    fn can_be_typed(line: &[&str], names: Option<&KnownNames>) -> usize {
        let Some(Misunderstood { hint, .. }) = answer(line, names) else {
            return 0;
        };
        let commands = proposed(&hint);
        for command in &commands {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            assert!(is_taken(&words), "{line:?} is answered with {words:?}: {hint}");
        }
        commands.len()
    }

    /// Each command, by the words that lead to it.
    fn paths() -> Vec<Vec<String>> {
        fn below(command: &Command, path: &[String], paths: &mut Vec<Vec<String>>) {
            for command in command.get_subcommands() {
                let path = [path, &[command.get_name().to_owned()]].concat();
                paths.push(path.clone());
                below(command, &path, paths);
            }
        }
        let mut paths = vec![Vec::new()];
        below(&Cli::command(), &[], &mut paths);
        paths
    }

    #[test]
    fn every_command_that_an_answer_proposes_can_be_typed() {
        let known = names();
        let mut proposals = 0;
        let behind: [&[&str]; 9] = [
            &[],
            &["Nightly"],
            &["QA1"],
            &["Every, week"],
            &["1"],
            &["last"],
            &["a", "b"],
            &["QA1/DOM1", "out"],
            &["Nightly", "--force"],
        ];
        let slips = ["rum", "histroy", "restor", "extarct", "prun", "rehearze"];
        // Words of one row have one answer.
        let words = COMMANDS.iter().filter_map(|other| other.words.first().copied());
        for word in words.chain(slips) {
            for rest in behind {
                for names in [None, Some(&known)] {
                    proposals += can_be_typed(&[&[word], rest].concat(), names);
                }
            }
        }
        for path in paths() {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let command = path.last().copied().unwrap_or_default();
            for other in OPTIONS_OF.iter().filter(|other| other.said_to.contains(&command)) {
                for option in other.options {
                    for line in [
                        [path.as_slice(), &[option]].concat(),
                        [path.as_slice(), &["3", option, "QA1"]].concat(),
                    ] {
                        proposals += can_be_typed(&line, Some(&known));
                    }
                }
            }
            for option in OPTIONS.iter().filter_map(|other| other.options.first()) {
                proposals += can_be_typed(&[path.as_slice(), &["Nightly", option]].concat(), Some(&known));
            }
            for rest in behind {
                proposals += can_be_typed(&[path.as_slice(), rest, &["one-more"]].concat(), Some(&known));
            }
        }
        assert!(proposals > 1_000, "{proposals}");
    }

    #[test]
    fn no_word_has_two_meanings_and_none_is_a_command_or_an_option() {
        let mut command = Cli::command();
        command.build();
        let mut seen = BTreeSet::new();
        for word in COMMANDS.iter().flat_map(|other| other.words) {
            assert!(seen.insert(*word), "{word} stands twice");
            assert!(command.find_subcommand(word).is_none(), "{word} is a command");
        }
        let mut seen = BTreeSet::new();
        for other in OPTIONS_OF {
            for said_to in other.said_to {
                for option in other.options {
                    assert!(
                        seen.insert((*said_to, *option)),
                        "{said_to} {option} stands twice"
                    );
                }
            }
        }
        for option in OPTIONS.iter().flat_map(|other| other.options) {
            assert!(seen.insert(("everywhere", *option)), "{option} stands twice");
        }
    }

    #[test]
    fn whoever_asks_for_a_dry_run_is_never_told_to_do_the_thing_itself() {
        let known = names();
        let changes = [
            "run",
            "prune",
            "recover",
            "notify-test",
            "init",
            "extract",
            "rehearse",
            "restore",
        ];
        let asked = [
            "--dry-run",
            "--dryrun",
            "--check",
            "--test",
            "--simulate",
            "--what-if",
            "--whatif",
            "--noop",
            "--no-op",
            "--preview",
            "--pretend",
            "--dry",
            "-n",
        ];
        for command in changes {
            for option in asked {
                let line = [command, option];
                let Some(Misunderstood { hint, .. }) = answer(&line, Some(&known)) else {
                    continue;
                };
                assert!(!hint.contains("leave it out"), "{line:?}: {hint}");
                let proposed = proposed(&hint);
                let does_it =
                    |words: &Vec<String>| words.len() == 1 && ["run", "prune"].contains(&words[0].as_str());
                assert!(!proposed.iter().any(does_it), "{line:?}: {hint}");
            }
        }
        let hint = |line: &[&str]| answer(line, Some(&known)).expect("an answer").hint;
        let run = hint(&["run", "Nightly", "--dryrun"]);
        assert!(run.contains("`dpbackup preview Nightly`"), "{run}");
        let prune = hint(&["prune", "--noop"]);
        assert!(prune.contains("`dpbackup prune --dry-run`"), "{prune}");
        assert!(hint(&["verify", "--all", "--noop"]).contains("changes nothing"));
        for line in [["extract", "--all"], ["diff", "--all"], ["init", "--all"]] {
            assert!(!hint(&line).contains("leave it out"), "{line:?}");
        }
    }

    #[test]
    fn an_answer_is_about_the_command_that_it_was_said_to() {
        let known = names();
        let hint = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            answer(&words, Some(&known)).expect(line).hint
        };
        for command in paths().into_iter().filter(|path| path.len() == 1).flatten() {
            if command == "run" || command == "preview" {
                continue;
            }
            for option in ["--yes", "--force", "-f", "--dry-run", "-n"] {
                let line = [command.as_str(), "3", option];
                let Some(answer) = answer(&line, Some(&known)) else {
                    continue;
                };
                assert!(!answer.hint.contains("dpbackup run"), "{line:?}: {}", answer.hint);
                assert!(
                    !answer.hint.contains("dpbackup preview"),
                    "{line:?}: {}",
                    answer.hint
                );
            }
        }
        let confirmed = hint("restore 3 --to QA1 --yes");
        assert!(confirmed.contains("`dpbackup restore 3 --to QA1`"), "{confirmed}");
        let rehearsed = hint("restore 3 --to QA1 --dry-run");
        assert!(rehearsed.contains("`dpbackup rehearse 3 --on"), "{rehearsed}");
        assert!(hint("run Nightly -f json").contains("--format json"));
        assert!(hint("start dpbackup@Nightly.timer").contains("`dpbackup run Nightly`"));
        assert!(hint("domains QA1").contains("`dpbackup preview PLAN`"));
    }
}
