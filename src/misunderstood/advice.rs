//! What to type instead of what could not be understood.

use clap::Command;

use crate::cli::ExecutionId;
use crate::misunderstood::other_options::{self, OptionAdvice};
use crate::misunderstood::other_words;
use crate::misunderstood::place::{CommandPlace, called_so};
use crate::misunderstood::proposed::{KnownNames, Offered, ProposedLine, is_taken};
use crate::values::invocation::Invocation;
use crate::values::nearest::{is_one_slip, nearest};

/// What somebody may have meant, by what he said it to.
pub(super) struct Advice<'a> {
    pub(super) place: &'a CommandPlace,
    pub(super) words: &'a [String],
    pub(super) invocation: &'a Invocation,
    pub(super) names: Option<&'a KnownNames>,
}

impl Advice<'_> {
    pub(super) fn command_instead(&self, word: &str) -> String {
        let lower = word.to_lowercase();
        if self.place.path.first().is_some_and(|first| first == "help")
            && let Some(advice) = self.of_help(&lower)
        {
            return advice;
        }
        if (self.place.path.is_empty() || self.place.last() == "help")
            && let Some(advice) = other_words::advice(&lower)
        {
            return self.instead_of(word, advice);
        }
        if let Some(advice) = self.by_its_form(word) {
            return advice;
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
            None if names.is_empty() => self.place.help(),
            None => self
                .by_its_pieces(word)
                .unwrap_or_else(|| format!("the commands are: {}; {}", names.join(", "), self.place.help())),
        }
    }

    /// What to read about what is no command.
    fn of_help(&self, lower: &str) -> Option<String> {
        if lower.starts_with("exit") || lower.starts_with("code") {
            return Some("`dpbackup --help` has the exit codes".to_owned());
        }
        if is_taken(&["history", "--status", lower]) {
            return Some(format!(
                "it is a status: docs/history.md says what it means, and `{}` where it stands",
                self.invocation.command(["history", "--status", lower])
            ));
        }
        let (_, about) = self.place.path.split_first()?;
        let words = about.iter().map(String::as_str).chain(["--help"]);
        (!about.is_empty()).then(|| format!("`{}` explains it", Invocation::default().command(words)))
    }

    /// The advice for another program's word, its commands filled with what stands behind the word.
    pub(super) fn instead_of(&self, word: &str, advice: &str) -> String {
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
        self.filled(advice, &Offered::behind_a_command(&rest, plain))
    }

    /// The line with the command that was most likely meant, as far as that can be typed.
    pub(super) fn same_with(&self, word: &str, near: &str) -> String {
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

    pub(super) fn option_instead(&self, option: &str) -> String {
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
            (None, None) => match self.without(option) {
                Some(line) => format!("without it: `{line}`; {}", self.place.options()),
                None => self.place.options(),
            },
        }
    }

    /// The line without an option that nobody knows, where no word behind it may be its value.
    fn without(&self, option: &str) -> Option<String> {
        let is_value = self.behind_option(option).is_some_and(|behind| {
            !self.names.is_some_and(|names| names.has(behind)) && ExecutionId::of(behind).is_none()
        });
        let rest: Vec<&str> = without_plan_file(self.words)
            .into_iter()
            .filter(|word| *word != option)
            .collect();
        let line = ProposedLine::of(rest).filter(|_| !is_value && !self.place.path.is_empty())?;
        Some(line.command(self.invocation))
    }

    /// The option of the command that is nearest to this word.
    fn known_option_near(&self, bare: &str) -> Option<String> {
        // Help is nearer to many words than what they mean.
        let lower = bare.to_lowercase();
        let is_near_help = |long: &str| {
            matches!(long, "help" | "version") && lower.trim_start_matches('-').get(..1) != long.get(..1)
        };
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
        // What is not shown is taken all the same.
        let takes = |option: &str| {
            let mut longs = self.place.command.get_arguments().filter_map(clap::Arg::get_long);
            longs.any(|long| option.strip_prefix("--") == Some(long))
        };
        if !bare.starts_with("--") && takes(&two_dashes) {
            return Some(two_dashes);
        }
        let near = nearest(&lower, known.iter().map(String::as_str)).filter(|_| bare.len() > 3);
        // Those that change most are what is meant where one letter is another alone.
        let near = near.filter(|near| {
            let changes_most = [
                "--all",
                "--save",
                "--forget",
                "--over-unsaved",
                "--allow-other-firmware",
            ];
            !changes_most.contains(near) || is_one_slip(&lower, near)
        });
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

    /// The devices that there are, behind what is said of a command that takes one.
    pub(super) fn devices(&self) -> String {
        let devices = self.names.map(|names| names.devices.join(", "));
        let devices = devices.filter(|devices| !devices.is_empty());
        devices.map_or_else(String::new, |devices| {
            format!("; the devices of the plan file are: {devices}")
        })
    }

    /// The line with the device that it lacks, behind an option.
    pub(super) fn device_behind(&self, option: &str) -> String {
        let (known, devices) = match (option, self.names) {
            ("--on", Some(names)) if names.spares.is_empty() => (
                &[][..],
                "; no device of the plan file is a spare: `role = \"spare\"`".to_owned(),
            ),
            ("--on", Some(names)) => (
                names.spares.as_slice(),
                format!("; the spares of the plan file are: {}", names.spares.join(", ")),
            ),
            (_, Some(names)) => (names.devices.as_slice(), self.devices()),
            (_, None) => (&[][..], String::new()),
        };
        let device = match known {
            [only] => only,
            _ => "DEVICE",
        };
        let mut line = without_plan_file(self.words);
        // A rehearsal of nothing would be asked again.
        if self.place.last() == "rehearse" && line.len() == 1 {
            line.push("--all");
        }
        line.extend([option, device]);
        match ProposedLine::of(line) {
            Some(line) => format!(
                "it is named by {option}: `{}`{devices}",
                line.command(self.invocation)
            ),
            None => format!("{}{devices}", self.place.usage()),
        }
    }

    /// The line with a folder, which it lacks.
    pub(super) fn with_a_folder(&self) -> String {
        let mut line = without_plan_file(self.words);
        line.push("DIR");
        match ProposedLine::of(line) {
            Some(line) => format!(
                "it is written into a folder, which is made: `{}`",
                line.command(self.invocation)
            ),
            None => self.place.usage(),
        }
    }

    /// The line with a limit behind `--lock-wait`, which took the name behind it for one.
    pub(super) fn without_its_wait(&self, value: &str) -> Option<String> {
        self.names.filter(|names| names.has(value))?;
        let words = without_plan_file(self.words).into_iter();
        let words = words.flat_map(|word| match word {
            "--lock-wait" => vec![word, "10m"],
            word => vec![word],
        });
        let line = ProposedLine::of(words.collect())?;
        Some(format!(
            "how long it waits stands behind it: `{}`",
            line.command(self.invocation)
        ))
    }

    /// What to type where a level of history takes an ID, and a plan, a device or a domain was named.
    pub(super) fn of_level(&self, value: &str) -> Option<String> {
        let level = self.place.last();
        let is_level = matches!(level, "activities" | "tasks" | "files") && self.place.path.len() == 2;
        let names = self.names.filter(|_| is_level)?;
        let command = |words: &[&str]| self.invocation.command(words.iter().copied());
        let device = value.split_once('/').map_or(value, |(device, _)| device);
        if names.has_device(device) {
            return Some(format!(
                "`{}` lists the executions that were to back up {device}, `{}` what each has done; the task of each newest good \
                 backup has `{}`",
                command(&["history", "--device", device]),
                command(&["history", "ID"]),
                command(&["history", "status"])
            ));
        }
        names.has_plan(value).then(|| {
            format!(
                "`{}` is the newest execution of this plan, with the IDs of its tasks",
                command(&["history", "last", "--plan", value])
            )
        })
    }

    /// What is meant by two words behind `history`: `last` of a plan, or a word of other programs and an ID.
    pub(super) fn two_words_of_history(&self) -> Option<String> {
        let is_plain = |word: &&str| !word.starts_with('-') && *word != "history";
        let plain: Vec<&str> = without_plan_file(self.words)
            .into_iter()
            .filter(is_plain)
            .collect();
        let [first, second] = *plain.as_slice() else {
            return None;
        };
        let command = |words: &[&str]| self.invocation.command(words.iter().copied());
        let is_plan = |word: &str| self.names.is_some_and(|names| names.has_plan(word));
        let is_id = |word: &str| ExecutionId::of(word).is_some();
        let (newest, plan) = match is_plan(first) {
            true => (second, first),
            false => (first, second),
        };
        Some(match (newest, is_plan(plan)) {
            ("last" | "latest" | "newest", true) => {
                format!(
                    "the newest of a plan: `{}`",
                    command(&["history", "last", "--plan", plan])
                )
            }
            _ if is_id(first) && matches!(second, "activities" | "tasks" | "files") => format!(
                "`{}` shows the activities, tasks and files of one execution, each with its ID",
                command(&["history", first])
            ),
            _ if is_id(first) && is_id(second) => {
                format!("one execution at a time: `{}`", command(&["history", first]))
            }
            ("delete" | "remove" | "rm" | "purge" | "forget", _) => format!(
                "what is recorded stays; backups are removed by `{}`, as `retention` in the plan file says",
                command(&["prune"])
            ),
            _ if is_id(second) && !is_plan(first) => {
                format!(
                    "all of one execution is shown by `{}`",
                    command(&["history", second])
                )
            }
            _ => return None,
        })
    }

    /// Options of history that stand before the level that they are for.
    pub(super) fn options_before_a_level(&self) -> (String, String) {
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
    pub(super) fn plain_words(&self) -> Vec<&String> {
        self.words.iter().filter(|word| self.is_plain(word)).collect()
    }

    fn is_plain(&self, word: &String) -> bool {
        !word.starts_with('-') && !self.place.path.contains(word)
    }

    /// Advice with its commands written out.
    pub(super) fn filled(&self, advice: &str, offered: &Offered<'_>) -> String {
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
pub fn without_plan_file(words: &[String]) -> Vec<&str> {
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
