//! A word in place of a command that says by its form what is meant: `run-all`, `history-status`,
//! `report.html`, `12`; and a number with a minus before it, which begins an option.

use clap::{Arg, Command, CommandFactory as _};

use crate::cli::{Cli, ExecutionId};
use crate::misunderstood::advice::{Advice, without_plan_file};
use crate::misunderstood::explain;
use crate::misunderstood::other_words;
use crate::misunderstood::proposed::ProposedLine;

impl Advice<'_> {
    /// What to type for a word that is an ID, a file, or a device with its domain.
    pub(super) fn by_its_form(&self, word: &str) -> Option<String> {
        if !self.place.path.is_empty() {
            return None;
        }
        let command = |words: &[&str]| self.invocation.command(words.iter().copied());
        let is_file = |ending: &str| word.to_lowercase().ends_with(ending);
        if ExecutionId::of(word).is_some() {
            return Some(format!(
                "it is an ID: `{}` shows the execution that has it, `{}` what the task with this ID has stored",
                command(&["history", word]),
                command(&["history", "files", word])
            ));
        }
        if is_file(".html") || is_file(".htm") {
            return Some(format!("a page is written by `{}`", command(&["report", word])));
        }
        if is_file(".zip") {
            return Some(format!(
                "an archive is looked at by `{}`, and written as text by `{}`",
                command(&["verify", word]),
                command(&["extract", word, "DIR"])
            ));
        }
        let (device, domain) = word.split_once('/')?;
        self.names.filter(|names| names.has_device(device))?;
        Some(format!(
            "it is a domain of a device: `{}` looks at what is stored of it, `{}` shows what changed in it",
            command(&["verify", word]),
            command(&["log", "--device", device, "--domain", domain])
        ))
    }

    /// What to type for words that others write as one. Its first piece says more than its last.
    pub(super) fn by_its_pieces(&self, word: &str) -> Option<String> {
        let lower = word.to_lowercase();
        let pieces: Vec<&str> = lower
            .split(['-', '_', '.', ':', '/'])
            .filter(|piece| !piece.is_empty())
            .collect();
        let (first, rest) = pieces.split_first()?;
        let last = rest.last()?;
        // Who asks to try is never told to do it.
        let has = |words: &[&str]| pieces.iter().any(|piece| words.contains(piece));
        if has(&["dry", "dryrun", "test", "simulate", "whatif", "noop", "pretend"]) {
            if has(&["prune"]) {
                return Some(self.instead_of(
                    word,
                    "`{prune --dry-run}` shows what it would remove, and removes nothing",
                ));
            }
            if has(&["run", "backup"]) {
                return Some(self.instead_of(
                    word,
                    "`{preview ...|PLAN}` shows what a run would do, and changes nothing",
                ));
            }
        }
        let option = format!("--{}", rest.join("-"));
        let mut lines = vec![vec![*first, option.as_str()]];
        if self.is_path(&pieces) {
            lines.extend([pieces.clone(), [pieces.as_slice(), &["last"]].concat()]);
        }
        let line = lines.into_iter().find_map(ProposedLine::of);
        if let Some(line) = line {
            return Some(format!("did you mean `{}`?", line.command(self.invocation)));
        }
        [first, last].into_iter().find_map(|piece| {
            let advice = other_words::advice(piece).map(|advice| self.instead_of(word, advice));
            advice.or_else(|| {
                let command = self.place.command.find_subcommand(piece)?;
                Some(self.same_with(word, command.get_name()))
            })
        })
    }

    /// Whether the pieces are commands below one another.
    fn is_path(&self, pieces: &[&str]) -> bool {
        let below = |command: &Command, piece: &&str| command.find_subcommand(piece).cloned();
        let mut at = Some(self.place.command.clone());
        for piece in pieces {
            at = at.and_then(|command| below(&command, piece));
        }
        at.is_some()
    }

    /// What is said of a number with a minus before it: what was to be the value of an option, or the
    /// number of rows, as other programs take it.
    pub(super) fn of_minus(&self, argument: &str) -> Option<(String, String)> {
        let is_number = |word: &str| {
            word.strip_prefix('-')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let at = self
            .words
            .iter()
            .position(|word| word.starts_with(argument) && is_number(word))?;
        let typed = self.words.get(at)?;
        let bare = typed.trim_start_matches('-');
        let option = at
            .checked_sub(1)
            .and_then(|before| self.words.get(before))
            .filter(|before| self.takes_value(before));
        let limit = || self.option_of("--limit").map(|_| "--limit");
        let instead = match option {
            Some(_) => vec![bare],
            None => vec![limit()?, bare],
        };
        let mut words: Vec<String> = self.words.to_vec();
        words.splice(at..=at, instead.into_iter().map(str::to_owned));
        let line = ProposedLine::of(without_plan_file(&words));
        let line = line.map(|line| line.command(self.invocation));
        Some(match (option, line) {
            (Some(option), Some(line)) => (
                format!("'{typed}' is no value of {option}"),
                format!("without the minus, which begins an option: `{line}`"),
            ),
            (Some(option), None) => {
                let typed_so = ["dpbackup"].into_iter().chain(words.iter().map(String::as_str));
                let error = Cli::command().try_get_matches_from(typed_so).err()?;
                let why = explain(&error, &words, self.invocation, self.names).hint;
                (format!("'{typed}' is no value of {option}"), why)
            }
            (None, Some(line)) => (
                format!("`{}` has no option {typed}", self.place.name()),
                format!("so many of them shows `{line}`"),
            ),
            (None, None) => return None,
        })
    }

    /// What is said of an option that the command has, where it stands before the command.
    pub(super) fn before_its_command(&self, option: &str) -> Option<(String, String)> {
        let bare = option.split('=').next().unwrap_or(option);
        let known = self.option_of(bare)?;
        let at = self.words.iter().position(|word| word == option)?;
        let first = self.place.path.first()?;
        let program = Cli::command();
        let is_first = |word: &String| {
            program
                .find_subcommand(word)
                .is_some_and(|command| command.get_name() == first)
        };
        if self.words[..at].iter().any(is_first) {
            return None;
        }
        let mut words = self.words.to_vec();
        let has_value_behind = known.get_action().takes_values() && bare == option;
        let until = (at + usize::from(has_value_behind)).min(words.len() - 1);
        let moved: Vec<String> = words.drain(at..=until).collect();
        words.extend(moved);
        let line = ProposedLine::of(without_plan_file(&words))?;
        Some((
            format!("{bare} stands before its command"),
            format!(
                "an option stands behind the command that it is for: `{}`",
                line.command(self.invocation)
            ),
        ))
    }

    fn takes_value(&self, word: &str) -> bool {
        self.option_of(word)
            .is_some_and(|option| option.get_action().takes_values())
    }

    fn option_of(&self, word: &str) -> Option<&Arg> {
        let mut options = self.place.command.get_arguments();
        options.find(|option| {
            let long = option.get_long().map(|long| format!("--{long}"));
            let short = option.get_short().map(|short| format!("-{short}"));
            [long, short].into_iter().flatten().any(|name| name == word)
        })
    }

    /// What to type where no command stands at all.
    pub(super) fn no_command(&self) -> String {
        let is_verbose = self.words.iter().any(|word| word == "-v" || word == "--verbose");
        let version = match is_verbose {
            true => "; the version is printed by `dpbackup --version`",
            false => "",
        };
        format!(
            "`{}` shows the plans and devices of the plan file, `{}` what there is to do with them{version}",
            self.invocation.command(["list"]),
            "dpbackup --help"
        )
    }
}
