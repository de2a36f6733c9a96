//! What to type where a word is one too many for a command.

use crate::cli::ExecutionId;
use crate::misunderstood::advice::Advice;
use crate::misunderstood::proposed::Offered;

/// What a command is told that was given a word too many. Its own commands stand in braces, and the word stands in them
/// where it can be what the placeholder is.
const ADVICE: &[(&str, &str)] = &[
    (
        "recover",
        "recover puts right whatever is left, of all plans and devices: `{recover}`",
    ),
    (
        "prune",
        "`retention` says what goes, and no device or ID is chosen: `{prune --dry-run --plan PLAN}` shows what would go of one \
         plan, without --plan it is about all",
    ),
    (
        "report",
        "`{report FILE.html --plan PLAN}` is about one plan; the page is about all of them without it",
    ),
    (
        "status",
        "it is about everything that is configured; `{history NAME}` has the runs of one plan or device",
    ),
    ("last", "`{last --plan PLAN}` is the newest of one plan"),
    ("trust", "one device at a time: `{trust DEVICE}`"),
    (
        "show",
        "one plan or device at a time: `{show NAME}`; a name with a blank in it stands in quotes",
    ),
    (
        "notify-test",
        "one plan, or all where none is named: `{notify-test}`; a name with a blank in it stands in quotes",
    ),
    (
        "validate",
        "one plan file at a time; those that it includes are checked with it",
    ),
    ("activities", "one ID at a time"),
    ("tasks", "one ID at a time"),
    ("files", "one ID at a time"),
    ("diff", "two are compared, and no more"),
    ("completions", "one shell at a time"),
    ("schema", "`{schema}` prints it, and `> FILE` behind it keeps it"),
];

impl Advice<'_> {
    /// What to type where a word is one too many.
    pub(super) fn word_instead(&self, word: &str) -> String {
        let command = self.place.last();
        match command {
            "log" => self.word_of_log(word),
            "restore" => self.word_of_restore(word),
            "recover" if self.words.iter().any(|typed| typed == "--forget") => self.domain_to_forget(word),
            "list" => self.with_word(word_of_list(word), word),
            "find" => match word.split_once('/') {
                Some((device, domain)) => {
                    let text = self.plain_words().into_iter().find(|other| *other != word);
                    let text = text.map_or("TEXT", String::as_str);
                    format!(
                        "where it is looked for say options: `{}`",
                        self.invocation
                            .command(["find", text, "--device", device, "--domain", domain])
                    )
                }
                None => format!(
                    "a text with a blank in it stands in quotes; {}",
                    self.place.help()
                ),
            },
            "extract" => format!(
                "one export, and the folder that it is written to; {}",
                self.place.help()
            ),
            _ => match advice_of(command) {
                Some(advice) => self.with_word(advice, word),
                None => self.place.usage(),
            },
        }
    }

    fn word_of_log(&self, word: &str) -> String {
        if ExecutionId::of(word).is_some() {
            return self.with_word(
                "log is about all exports, the newest first: `{log --limit 10}`; what a task stored shows `{history files ID}`",
                word,
            );
        }
        match word.split_once('/') {
            Some((device, domain)) => format!(
                "`{}` shows what changed there, `{}` since when each object is as it is",
                self.invocation
                    .command(["log", "--device", device, "--domain", domain]),
                self.invocation.command(["log", "--blame", word])
            ),
            None => self.with_word(
                "`{log --device DEVICE}` shows what changed on a device; there are --domain, --class, --name and --since, too",
                word,
            ),
        }
    }

    /// A domain with a blank between it and its device.
    fn domain_to_forget(&self, word: &str) -> String {
        let device = self.words.iter().skip_while(|typed| *typed != "--forget").nth(1);
        let target = format!("{}/{word}", device.map_or("DEVICE", String::as_str));
        format!(
            "a domain stands behind its device, with a / between them: `{}`",
            self.invocation.command(["recover", "--forget", &target])
        )
    }

    fn word_of_restore(&self, word: &str) -> String {
        // The device of a domain is meant.
        let plain = self.plain_words().into_iter();
        let plain = plain.map(|word| word.split_once('/').map_or(word.as_str(), |(device, _)| device));
        let has_device = |word: &String| word == "--to" || word.starts_with("--to=");
        let (advice, others): (_, Vec<&str>) = match self.words.iter().any(has_device) {
            true => (
                "one task at a time, each with a plan of its own: `{restore ID --to DEVICE}`",
                plain.filter(|other| *other != word).collect(),
            ),
            false => (
                "the device is named by --to: `{restore ID --to DEVICE}`",
                plain.collect(),
            ),
        };
        self.filled(advice, &Offered::with_an_option("", None, &others))
    }

    /// The advice, its commands filled with the word.
    fn with_word(&self, advice: &str, word: &str) -> String {
        let plain = self.plain_words().into_iter().map(String::as_str);
        let words: Vec<&str> = plain.filter(|other| *other != word).chain([word]).collect();
        self.filled(advice, &Offered::with_an_option("", None, &words))
    }
}

fn advice_of(command: &str) -> Option<&'static str> {
    let of_it = ADVICE.iter().find(|(told, _)| *told == command);
    of_it.map(|(_, advice)| *advice)
}

fn word_of_list(word: &str) -> &'static str {
    let word = word.to_lowercase();
    match word.as_str() {
        "plans" | "plan" | "devices" | "device" | "all" | "spares" | "list" | "ls" => {
            "`{list}` shows all plans and all devices"
        }
        domains if domains.starts_with("domain") => {
            "`{check}` says which domains each device has; `{history status}` how old the last good backup of each is"
        }
        "run" => "a plan is run by `{run PLAN}`",
        "show" => "`{show NAME}` shows one plan or device",
        "check" => "`{check NAME}` looks at a plan or a device",
        "backups" | "jobs" | "runs" => {
            "`{history}` shows what was run, `{history status}` how old each last good backup is"
        }
        _ => "list shows all plans and devices; `{show NAME}` shows one of them",
    }
}
