//! A command that an answer proposes. It is proposed only where it could be typed: what the
//! parser would refuse, or what has another kind of name in it than the command takes, keeps
//! the placeholders of the advice.

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use crate::cli::{Cli, ExecutionId};
use crate::values::invocation::Invocation;

/// The names in a plan file.
#[derive(Clone, Debug, Default)]
pub struct KnownNames {
    /// The plans.
    pub plans: Vec<String>,
    /// The devices.
    pub devices: Vec<String>,
    /// Those of them that are spares.
    pub spares: Vec<String>,
}

impl KnownNames {
    /// Whether a plan has this name.
    pub(super) fn has_plan(&self, word: &str) -> bool {
        self.plans.iter().any(|plan| plan == word)
    }

    /// Whether a device has this name.
    pub(super) fn has_device(&self, word: &str) -> bool {
        self.devices.iter().any(|device| device == word)
    }

    /// Whether a plan or a device has this name.
    pub(super) fn has(&self, word: &str) -> bool {
        self.has_plan(word) || self.has_device(word)
    }
}

/// What was typed, as far as it may stand in a proposal.
#[derive(Debug)]
pub(super) struct Offered<'w> {
    /// For `...`: everything behind the wrong word.
    rest: Vec<&'w str>,
    /// Words that names and IDs may be taken from; a later one before an earlier one.
    words: Vec<&'w str>,
    /// What was given with the wrong option, and the placeholders that it may stand for.
    value: Option<(&'w str, &'static [&'static str])>,
}

impl<'w> Offered<'w> {
    pub(super) const fn nothing() -> Self {
        Self {
            rest: Vec::new(),
            words: Vec::new(),
            value: None,
        }
    }

    /// Behind a word that is no command: what stands right behind it, and all that is no option.
    pub(super) fn behind_a_command(rest: &'w [String], words: Vec<&'w str>) -> Self {
        Self {
            rest: rest.iter().map(String::as_str).collect(),
            words,
            value: None,
        }
    }

    /// With an option that the command does not have.
    pub(super) fn with_an_option(option: &str, value: Option<&'w str>, words: &[&'w str]) -> Self {
        Self {
            rest: words.to_vec(),
            words: words.to_vec(),
            value: value.map(|value| (value, placeholders_of(option))),
        }
    }

    /// What stands for the placeholder.
    fn word_for(&self, placeholder: &str, names: Option<&'w KnownNames>) -> Option<&'w str> {
        let given = self.value.map(|(value, _)| value);
        if let Some((value, placeholders)) = self.value
            && placeholders.contains(&placeholder)
            // A path is the name of nothing else.
            && (!value.contains('/') || !matches!(placeholder, "PLAN" | "DEVICE" | "NAME"))
        {
            return Some(value);
        }
        let is_id = |word: &str| ExecutionId::of(word).is_some();
        let can_be = |word: &str, of: fn(&KnownNames, &str) -> bool| {
            !is_id(word) && !word.contains('/') && names.is_none_or(|names| of(names, word))
        };
        let is_bound = self
            .value
            .is_some_and(|(_, placeholders)| !placeholders.is_empty());
        let is_left = |word: &&str| !is_bound || Some(*word) != given;
        let mut words = self.words.iter().rev().copied().filter(is_left);
        match placeholder {
            "PLAN" => words
                .find(|word| can_be(word, KnownNames::has_plan))
                .or_else(|| only(&names?.plans)),
            "DEVICE" => words
                .find(|word| can_be(word, KnownNames::has_device))
                .or_else(|| only(&names?.devices)),
            "NAME" => words.find(|word| can_be(word, KnownNames::has)),
            // Nothing is rehearsed on a device that is none.
            "SPARE" => {
                let is_spare =
                    |word: &&str| names.is_some_and(|names| names.spares.iter().any(|spare| spare == word));
                let typed = self.words.iter().copied().chain(given).find(is_spare);
                typed.or_else(|| only(&names?.spares))
            }
            "ID" => words.find(|word| is_id(word)),
            "EXPORT" => words.find(|word| is_id(word) || is_target(word) || word.ends_with(".zip")),
            "DIR" => words.find(|word| is_path(word)),
            "DEVICE/DOMAIN" => words.find(|word| is_target(word)),
            _ => None,
        }
    }
}

/// The one that there is, where there is no other.
fn only(names: &[String]) -> Option<&str> {
    match names {
        [only] => Some(only),
        _ => None,
    }
}

/// A path that is none from where one stands: no device is called so.
fn is_path(word: &str) -> bool {
    word.starts_with(['/', '.', '~'])
}

/// A device with its domain.
fn is_target(word: &str) -> bool {
    word.contains('/') && !is_path(word)
}

/// What a value may be that was given with this option.
fn placeholders_of(option: &str) -> &'static [&'static str] {
    match option {
        "--plan" | "--plans" => &["PLAN", "NAME"],
        "--device" | "--devices" | "-d" | "--host" | "--gateway" | "--on" | "--spare" => &["DEVICE", "NAME"],
        "--to" | "--target" | "--dest" => &["DEVICE", "NAME", "DIR"],
        "-p" | "--name" => &["PLAN", "DEVICE", "NAME"],
        "--domain" | "--domains" => &["DOMAIN"],
        "--task" | "--id" | "--activity" | "--execution" => &["ID"],
        "-o" | "--output" | "--out" | "--file" | "--dir" | "--output-dir" | "-C" => {
            &["FILE", "FILE.html", "DIR"]
        }
        _ => &[],
    }
}

/// The words of a command that could be typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProposedLine<'w>(Vec<&'w str>);

impl<'w> ProposedLine<'w> {
    /// The line, if the parser takes it.
    pub(super) fn of(words: Vec<&'w str>) -> Option<Self> {
        is_taken(&words).then_some(Self(words))
    }

    /// A command of an advice, filled with what was typed where that makes a command.
    pub(super) fn filled(named: &'w str, offered: &Offered<'w>, names: Option<&'w KnownNames>) -> Self {
        let (line, otherwise) = named.split_once('|').unwrap_or((named, ""));
        let command = line.split_whitespace().next().unwrap_or_default();
        let with = |rest: &[&'w str]| -> Vec<&'w str> {
            let words = line.split_whitespace().flat_map(|word| match word {
                "..." if rest.is_empty() => otherwise.split_whitespace().collect(),
                "..." => rest.to_vec(),
                word => vec![word],
            });
            words.collect()
        };
        let filled = |words: &[&'w str]| -> Vec<&'w str> {
            let words = words.iter();
            words
                .map(|word| offered.word_for(word, names).unwrap_or(word))
                .collect()
        };
        let rest: Vec<&'w str> = match offered.rest.iter().all(|word| takes(command, word, names)) {
            true => offered.rest.clone(),
            false => Vec::new(),
        };
        let best = [filled(&with(&rest)), filled(&with(&[]))];
        let taken = best.into_iter().find(|words| is_taken(words));
        Self(taken.unwrap_or_else(|| with(&[])))
    }

    /// The command, ready to be pasted.
    pub(super) fn command(&self, invocation: &Invocation) -> String {
        invocation.command(self.0.iter().copied())
    }
}

/// Whether a command can be about what has this name.
fn takes(command: &str, word: &str, names: Option<&KnownNames>) -> bool {
    let Some(names) = names else { return true };
    match command {
        "run" | "preview" | "notify-test" => names.has_plan(word),
        "trust" => names.has_device(word),
        "check" | "show" => names.has(word),
        _ => true,
    }
}

/// Whether the parser takes the line. An ID that is still to be looked up counts as one.
pub(super) fn is_taken(words: &[&str]) -> bool {
    let words = words.iter().map(|word| if *word == "ID" { "1" } else { *word });
    let parsed = Cli::command().try_get_matches_from(["dpbackup"].into_iter().chain(words));
    match parsed {
        Ok(_) => true,
        Err(error) => matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion),
    }
}
