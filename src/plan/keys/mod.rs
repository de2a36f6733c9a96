//! Every table and key of the plan file: name, kind of value, default, meaning.
//!
//! This is the one place that knows them. Unknown keys, nearest keys, defaults, ranges and
//! choices are decided by it, and `docs/plan-reference.md` is written from it. Here are the
//! types; [`mod@file`], [`tables`] and those beside them hold what they say.

pub mod device;
mod example;
pub mod file;
pub mod notify;
pub mod other_words;
mod other_words_table;
pub mod tables;

/// One table of the plan file.
#[derive(Debug)]
pub struct Table {
    /// How it is named in messages and headings: `[[device]]`.
    pub heading: &'static str,
    /// What it holds.
    pub meaning: &'static str,
    /// Its keys, in the order of the reference.
    pub keys: &'static [Key],
}

/// One key of a table.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    /// What its value looks like.
    pub kind: KeyKind,
    /// What holds where it is not written.
    pub absent: Absent,
    /// What it is for.
    pub meaning: &'static str,
}

/// What a value looks like.
#[derive(Debug)]
pub enum KeyKind {
    /// Text, not empty, on one line.
    Text,
    /// Text that names something: letters, digits, `.`, `_`, `-`.
    Name,
    /// An array of such texts, an empty one too.
    Names,
    /// `true` or `false`.
    Boolean,
    /// A whole number in this range.
    Integer {
        least: u32,
        most: u32,
    },
    /// A duration above zero.
    Duration,
    /// A duration, zero too.
    DurationOrZero,
    /// How long something is kept.
    Span,
    /// A share or a size.
    Threshold,
    /// A size above zero.
    Size,
    /// A path; a relative one starts in the folder of the plan file.
    Path,
    /// The name of a script, or a path.
    Script,
    /// Patterns: a text with commas, or an array of texts.
    Patterns,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A time of day.
    Time,
    /// The name of a time zone.
    Zone,
    /// A program and its arguments.
    Command,
    /// A SHA-256 in hexadecimal digits.
    Sha256,
    Table(&'static Table),
    /// An array of tables.
    Tables(&'static Table),
    /// An array of paths, with `*` in their names, of files that each are such a table.
    Includes(&'static Table),
    /// One of these words, or a table.
    ChoiceOrTable(&'static [&'static str], &'static Table),
    TextOrTable(&'static Table),
    /// The same, where the text is no secret.
    OpenTextOrTable(&'static Table),
}

/// What holds where a key is not written.
#[derive(Debug)]
pub enum Absent {
    /// The file is not valid.
    Error,
    /// The same as if this were written, with quotes where the kind wants them.
    Default(&'static str),
    /// This, in words.
    Means(&'static str),
    /// This, in words, of a table as a whole: where it is absent, none of its keys has a value.
    MeansOfAll(&'static str),
    /// This, in words: the key belongs to one action, and is refused with the others.
    OfOneAction(&'static str),
}

impl Table {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of its keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keys.iter().map(|key| key.name)
    }
}

impl KeyKind {
    /// What is expected, for messages and the reference: "a duration such as "60s"".
    pub fn expected(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Name => "a name (letters, digits, `.`, `_`, `-`)".to_owned(),
            Self::Names => "an array of names, such as [\"prod\", \"dmz\"]".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Integer { least, most } => format!("a whole number from {least} to {most}"),
            Self::Duration | Self::DurationOrZero => "a duration such as \"60s\"".to_owned(),
            Self::Span => "a duration such as \"30d\" or \"26w\"; no \"m\"".to_owned(),
            Self::Size => "a size such as \"5 GiB\"".to_owned(),
            Self::Threshold => "a share such as \"10%\" or a size such as \"5 GiB\"".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Script => "a script name or path".to_owned(),
            Self::Patterns => "a pattern, several with commas, or an array of them".to_owned(),
            Self::Choice(words) => words_in_quotes(words),
            Self::Time => "a time of day such as \"21:30\"".to_owned(),
            Self::Zone => "a time zone such as \"Europe/Rome\"".to_owned(),
            Self::Command => "an array: a program and its arguments".to_owned(),
            Self::Sha256 => "64 hexadecimal digits, with or without colons".to_owned(),
            Self::Table(_) => "a table".to_owned(),
            Self::Tables(table) => format!("{} tables", table.heading),
            Self::Includes(_) => "an array of paths, such as [\"devices.d/*.toml\"]".to_owned(),
            Self::ChoiceOrTable(words, _) => format!("{} or a table", words_in_quotes(words)),
            Self::TextOrTable(_) | Self::OpenTextOrTable(_) => "a table or text".to_owned(),
        }
    }

    /// The table that a value of this kind is, or can be.
    pub fn table(&self) -> Option<&'static Table> {
        match self {
            Self::Table(table) | Self::Tables(table) | Self::ChoiceOrTable(_, table) => Some(table),
            Self::TextOrTable(table) | Self::OpenTextOrTable(table) | Self::Includes(table) => Some(table),
            _ => None,
        }
    }
}

/// A row of a table.
const fn key(name: &'static str, kind: KeyKind, absent: Absent, meaning: &'static str) -> Key {
    Key {
        name,
        kind,
        absent,
        meaning,
    }
}

/// `"a", "b" or "c"`.
pub fn words_in_quotes(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
