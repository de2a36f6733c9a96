//! What is said of arguments that could not be understood: what is wrong, in words of ours,
//! and what to type instead.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, ValueEnum as _};

use crate::cli::Cli;
use crate::values::invocation::{Invocation, quoted};
use crate::values::nearest::nearest;

mod advice;
mod one_word;
mod other_options;
mod other_words;
mod place;
mod proposed;
#[cfg(test)]
mod tests;
mod word_too_many;

pub use advice::without_plan_file;
pub use proposed::KnownNames;

use advice::Advice;
use place::CommandPlace;

/// An error of usage, ready to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misunderstood {
    /// What could not be understood.
    pub title: String,
    /// What to type instead.
    pub hint: String,
}

/// What is said of an option with another dash than a hyphen in front, as pages and word processors make them of two:
/// the parser would take it for a name.
pub fn of_dashes(words: &[String]) -> Option<Misunderstood> {
    let is_dash = |c: char| matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}');
    let bare = |word: &str| word.trim_start_matches(|c| is_dash(c) || c == '-').to_owned();
    let is_option = |word: &&String| {
        word.starts_with(is_dash)
            && bare(word).starts_with(|c: char| c.is_ascii_alphabetic())
            && !word.contains(char::is_whitespace)
    };
    let wrong = words.iter().find(is_option)?;
    let mut line = String::from("dpbackup");
    for word in words {
        line.push(' ');
        match (is_option(&word), bare(word)) {
            (true, letter) if letter.len() == 1 => line.push_str(&format!("-{letter}")),
            (true, name) => line.push_str(&format!("--{name}")),
            (false, _) => line.push_str(&quoted(word)),
        }
    }
    Some(Misunderstood {
        title: format!("'{wrong}' begins with a dash that is no hyphen"),
        hint: format!("an option has hyphens: `{line}`"),
    })
}

/// What is said of words that the parser takes for the name of a plan file, and that are none: the rest of a long option
/// with one dash, and a command behind `-c`. `is_file` tells whether there is such a file.
pub fn of_plan_file(words: &[String], is_file: impl Fn(&str) -> bool) -> Option<Misunderstood> {
    let typed = || words.iter().take_while(|word| *word != "--");
    let line = |meant: Vec<String>| {
        let meant = meant.iter().map(|word| quoted(word));
        let line = ["dpbackup".into()].into_iter().chain(meant);
        line.collect::<Vec<_>>().join(" ")
    };
    let is_one_dash = |word: &str| word == "-config" || word.starts_with("-config=");
    if let Some(wrong) = typed().find(|word| is_one_dash(word)) {
        let two = |word: &String| match is_one_dash(word) {
            true => format!("-{word}"),
            false => word.clone(),
        };
        return Some(Misunderstood {
            title: format!(
                "`dpbackup` has no option {}",
                wrong.split('=').next().unwrap_or(wrong)
            ),
            hint: format!(
                "a long option has two dashes: `{}`",
                line(words.iter().map(two).collect())
            ),
        });
    }
    let at = typed().position(|word| word == "-c" || word == "--config")?;
    let name = words.get(at + 1)?;
    let is_command = Cli::command().find_subcommand(name).is_some();
    if !is_command || is_file(name) {
        return None;
    }
    let mut without = words.to_vec();
    let option = without.remove(at);
    let is_named = |word: &String| Cli::command().find_subcommand(word).is_some();
    if words.get(at + 2).is_some_and(is_named) {
        return Some(Misunderstood {
            title: format!("there is no plan file '{name}' here"),
            hint: format!(
                "{option} names it by its path; without {option} the one is taken that is found by itself"
            ),
        });
    }
    Some(Misunderstood {
        title: format!("{option} needs the name of a plan file, and '{name}' is a command"),
        hint: format!(
            "`{}` takes the plan file that is found by itself; another one is named so: {option} FILE",
            line(without)
        ),
    })
}

/// Whether these words are for `history status`, by whatever name.
pub fn asks_for_status(words: &[String]) -> bool {
    let place = CommandPlace::of(words);
    let path: Vec<&str> = place.path.iter().map(String::as_str).collect();
    matches!(path.as_slice(), ["status", ..] | ["history", "status", ..])
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
    let (title, hint) = match error.kind() {
        ErrorKind::InvalidSubcommand => no_command(&context(ContextKind::InvalidSubcommand), &advice),
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let option = as_typed(&argument, words);
            let of_place = advice
                .before_its_command(option)
                .or_else(|| advice.of_minus(&argument));
            of_place.unwrap_or_else(|| {
                (
                    format!("`{}` has no option {option}", place.name()),
                    advice.option_instead(option),
                )
            })
        }
        ErrorKind::MissingSubcommand => (
            format!("`{}` needs to know what to do", place.name()),
            advice.no_command(),
        ),
        ErrorKind::UnknownArgument => (
            format!("'{argument}' is one word too many for `{}`", place.name()),
            advice.word_instead(&argument),
        ),
        ErrorKind::MissingRequiredArgument => (
            format!("`{}` needs {argument}", place.name()),
            what_is_missing(&argument, &advice),
        ),
        ErrorKind::ArgumentConflict => conflict(
            &argument,
            &context(ContextKind::PriorArg).replace("...", ""),
            &advice,
        ),
        ErrorKind::InvalidValue if value.is_empty() && argument.starts_with("--forget") => (
            format!("{argument} needs a value"),
            format!(
                "`{}` tells what is left open, in the line of the journal; `{}` strikes out what is open of a device or a \
                 domain, and asks no device{}",
                invocation.command(["check"]),
                invocation.command(["recover", "--forget", "DEVICE/DOMAIN"]),
                advice.devices()
            ),
        ),
        ErrorKind::InvalidValue if value.is_empty() => {
            let about = place.about(&argument);
            let hint = about.map_or_else(|| place.usage(), |about| format!("{about}; {}", place.help()));
            (format!("{argument} needs a value"), hint)
        }
        ErrorKind::InvalidValue => (
            format!("'{value}' is no value of {argument}"),
            value_instead(&argument, &value, &context(ContextKind::ValidValue)),
        ),
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
            refused_value(&argument, &value, why, &advice)
        }
        ErrorKind::TooManyValues if argument.contains("--verbose") => (
            "--verbose takes no number".to_owned(),
            "-v says more, -vv says all".to_owned(),
        ),
        ErrorKind::TooManyValues if argument.starts_with("--") => (
            format!("{argument} takes no value"),
            "leave out the `=` and what stands behind it".to_owned(),
        ),
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => (
            format!("{argument} has the wrong number of values"),
            place.usage(),
        ),
        ErrorKind::InvalidUtf8 => {
            let wrong = words
                .iter()
                .find(|word| word.contains(char::REPLACEMENT_CHARACTER));
            let wrong = wrong.map_or_else(String::new, |word| format!(": '{word}'"));
            (format!("an argument is not UTF-8 text{wrong}"), place.help())
        }
        _ => {
            let whole = error.to_string();
            let first = whole.lines().next().unwrap_or_default();
            (first.trim_start_matches("error: ").to_owned(), place.help())
        }
    };
    Misunderstood { title, hint }
}

/// A word that is no command.
fn no_command(word: &str, advice: &Advice<'_>) -> (String, String) {
    match advice.place.path.split_first() {
        Some((help, about)) if help == "help" && word.starts_with('-') => {
            let words = about.iter().map(String::as_str).chain(["--help"]);
            (
                format!("`dpbackup help` has no option {word}"),
                format!(
                    "`{}` says all that there is to say",
                    Invocation::default().command(words)
                ),
            )
        }
        _ => (
            format!("`{}` has no command '{word}'", advice.place.name()),
            advice.command_instead(word),
        ),
    }
}

/// What to type where something is missing.
fn what_is_missing(argument: &str, advice: &Advice<'_>) -> String {
    let (place, invocation) = (advice.place, advice.invocation);
    match place.path.first().map(String::as_str) {
        Some("history") => format!(
            "the table one level above has the IDs; `{}` is about the newest",
            place.line("last", invocation)
        ),
        // In the worst hour nobody knows an ID.
        Some("restore") if argument.contains("TASK") => format!(
            "`{}` has the task of each newest good backup; `{}` shows what would change, and changes nothing before that is \
             confirmed{}",
            invocation.command(["history", "status"]),
            invocation.command(["restore", "TASK", "--to", "DEVICE"]),
            advice.devices()
        ),
        Some("find") => format!(
            "`{}` looks for a text in every newest good export; without a text `{}` lists the objects of a class, and \
             --property what they have",
            invocation.command(["find", "TEXT"]),
            invocation.command(["find", "--class", "CLASS"])
        ),
        Some("completions") => {
            let shells = clap_complete::Shell::value_variants().iter();
            let shells: Vec<String> = shells.map(ToString::to_string).collect();
            format!("name one of {}: `dpbackup completions bash`", shells.join(", "))
        }
        Some("report") => format!(
            "the page is written into a file: `{}`; - is stdout",
            invocation.command(["report", "backups.html"])
        ),
        Some("diff") => format!(
            "two exports are compared: `{}`, each the ID of a task, an archive, or DEVICE/DOMAIN; `{}` compares what ran at the \
             newest with what was saved",
            invocation.command(["diff", "OLD", "NEW"]),
            invocation.command(["diff", "last"])
        ),
        Some("extract") if argument.contains("DIR") && !argument.contains("TASK") => advice.with_a_folder(),
        _ if argument.contains("--to") => advice.device_behind("--to"),
        _ if argument.contains("--on") => advice.device_behind("--on"),
        _ => match place.about(argument) {
            Some(about) => format!("{about}; {}", place.usage()),
            None => place.usage(),
        },
    }
}

/// Two that exclude each other.
fn conflict(argument: &str, other: &str, advice: &Advice<'_>) -> (String, String) {
    let (place, invocation) = (advice.place, advice.invocation);
    if argument == other && !other.is_empty() {
        let option = other.split(' ').next().unwrap_or(other);
        let hint = match (option, other.contains('<')) {
            ("--config", _) => "one plan file at a time: what others hold it can `include`",
            (_, true) => "one at a time: leave one of the two out",
            (_, false) => "once is enough",
        };
        return (format!("{option} stands twice"), hint.to_owned());
    }
    if argument.is_empty()
        && place.path.len() < 2
        && let Some(hint) = advice.two_words_of_history()
    {
        return (format!("there is a word too many for `{}`", place.name()), hint);
    }
    match (argument.is_empty(), other) {
        // Only the options of history stand in the way of a command below it.
        (true, _) if place.path.len() < 2 => (
            format!("there is a word too many for `{}`", place.name()),
            format!(
                "the levels of history are `{}`, `{}` and `{}`, each with an ID or `last`",
                invocation.command(["history", "activities", "ID"]),
                invocation.command(["history", "tasks", "ID"]),
                invocation.command(["history", "files", "ID"])
            ),
        ),
        (true, _) => advice.options_before_a_level(),
        (false, other) => (
            format!(
                "{argument} and {} exclude each other",
                if other.is_empty() { "another" } else { other }
            ),
            "leave one of them out".to_owned(),
        ),
    }
}

/// The value that is nearest, and all that there are.
fn value_instead(argument: &str, value: &str, known: &str) -> String {
    // What a shell of Bourne's kind can do, the script for bash asks for as well.
    let is_shell = argument.contains("SHELL") && matches!(value, "sh" | "ash" | "dash" | "ksh");
    let near = match is_shell {
        true => Some("bash"),
        false if argument.contains("SHELL") && value == "pwsh" => Some("powershell"),
        false => nearest(value, known.split(", ")),
    };
    let near = near.map(|near| format!("did you mean {near}? "));
    format!("{}it takes: {known}", near.unwrap_or_default())
}

/// A value that could not be read.
fn refused_value(argument: &str, value: &str, why: String, advice: &Advice<'_>) -> (String, String) {
    if let Some(typed) = one_dash(value, advice.words) {
        return (
            format!("`{}` has no option {typed}", advice.place.name()),
            format!("a long option has two dashes: -{typed}"),
        );
    }
    if value == "help" {
        return (
            format!("'{value}' is no value of {argument}"),
            advice.place.help(),
        );
    }
    if argument.starts_with("--lock-wait")
        && let Some(hint) = advice.without_its_wait(value)
    {
        return ("--lock-wait needs a value".to_owned(), hint);
    }
    if let Some(hint) = advice.of_level(value) {
        return (format!("'{value}' is no ID"), hint);
    }
    // No table stands above these: they take a task from anywhere.
    if !argument.contains("TASK") && !argument.contains("--task") {
        return (format!("'{value}' is no value of {argument}"), why);
    }
    let is_device = |device: &str| advice.names.is_some_and(|names| names.has_device(device));
    let device = match value.split_once('/') {
        Some((device, _)) if is_device(device) => device,
        _ => "DEVICE",
    };
    let invocation = advice.invocation;
    let is_path = value.starts_with(['/', '.']) || value.matches('/').count() > 1;
    let is_archive = value.to_ascii_lowercase().ends_with(".zip") || is_path;
    if is_archive && advice.place.last() == "restore" {
        return (
            format!("'{value}' is no ID of a task"),
            format!(
                "it is a path, and restored is what history knows by the task that stored it; an archive from elsewhere is \
                 imported by hand, as docs/restore.md says (\"One domain, by hand\"), after `{}` has looked at it; RESTORE.txt in the \
                 folder of a device lists what is stored of it, with the IDs",
                invocation.command(["verify", value])
            ),
        );
    }
    if is_device(value) && advice.place.last() == "restore" {
        return (
            format!("'{value}' is no ID of a task"),
            format!(
                "it is a device, and one domain is restored at a time: `{}` has the task of each newest good backup for `{}`; a \
                 whole gateway is restored by a person: docs/restore.md",
                invocation.command(["history", "status"]),
                invocation.command(["restore", "TASK", "--to", value])
            ),
        );
    }
    (
        format!("'{value}' is no ID of a task"),
        format!(
            "`{}` has the IDs of the newest execution, each with its device and domain; `{}` lists the executions of one \
             device, and `{}` what one of them did",
            invocation.command(["history", "last"]),
            invocation.command(["history", "--device", device]),
            invocation.command(["history", "ID"])
        ),
    )
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
    // Of `-version` the letters behind `-v` are none of its options.
    let joined = || {
        words.iter().find(|word| {
            let letters = word.strip_prefix('-').unwrap_or_default();
            is_short
                && letters.len() > 3
                && letters.chars().all(|letter| letter.is_ascii_alphabetic())
                && argument
                    .chars()
                    .nth(1)
                    .is_some_and(|letter| letters.contains(letter))
        })
    };
    typed.or_else(joined).map_or(argument, String::as_str)
}

/// The long option with one dash that was read as a short one with this value.
fn one_dash<'w>(value: &str, words: &'w [String]) -> Option<&'w str> {
    let is_it = |word: &&String| {
        let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        letters.is_some_and(|letters| letters.len() > 3 && letters.get(1..) == Some(value))
    };
    words.iter().find(is_it).map(String::as_str)
}
