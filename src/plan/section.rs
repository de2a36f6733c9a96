//! From the tree that TOML gives to typed values, with a finding for whatever does not fit.
//!
//! A [`PlanSection`] is one table of the file beside the [`Table`] that says which keys it may
//! have. Its methods read one key each: they give the value, the default where the key is
//! absent, or nothing, and then a finding says why.

use std::ops::Range;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::plan::diagnostic::Findings;
use crate::plan::keys::{Absent, Key, KeyKind, Table, words_in_quotes};
use crate::plan::mistyped;
use crate::plan::unknown_key::{is_meant, unknown_key};
use crate::plan::value::{At, Value, default, did_you_mean, is_named, string, strings, wrong_type};
use crate::values::device_pattern::DevicePatterns;
use crate::values::duration::{self, DurationError};
use crate::values::nearest::nearest;
use crate::values::pattern::{PatternError, PatternList};
use crate::values::size::{Bytes, SizeError, Threshold};
use crate::values::window::{WindowError, parse_time, parse_zone};
use crate::values::zone_words;

/// A shorter limit ends whatever it is a limit of.
const SHORTEST_LIMIT: Duration = Duration::from_millis(100);

/// One table of the file.
pub(super) struct PlanSection<'a> {
    table: &'static Table,
    entries: &'a DeTable<'a>,
    /// Its header, or the whole of an inline table.
    pub(super) span: Range<usize>,
}

impl<'a> PlanSection<'a> {
    /// Begins to read a table: its unknown keys are found here.
    pub(super) fn open(
        table: &'static Table,
        entries: &'a DeTable<'a>,
        span: Range<usize>,
        out: &mut Findings<'_>,
    ) -> Self {
        for (name, value) in entries {
            if table.key(name.get_ref()).is_none() {
                unknown_key(table, name.get_ref(), name.span(), value.get_ref(), out);
            }
        }
        Self { table, entries, span }
    }

    /// Whether the key is written, and where.
    pub(super) fn key_span(&self, name: &str) -> Option<Range<usize>> {
        self.entries.get_key_value(name).map(|(key, _)| key.span())
    }

    /// Where the value of a key stands, if it is written.
    pub(super) fn value_span(&self, name: &str) -> Option<Range<usize>> {
        self.entries.get(name).map(Spanned::span)
    }

    /// Whether no key is written, not even an unknown one.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a key is not written, or is an array without items.
    pub(super) fn is_absent_or_empty(&self, name: &str) -> bool {
        self.entries
            .get(name)
            .is_none_or(|value| value.get_ref().as_array().is_some_and(|items| items.is_empty()))
    }

    /// The table as it could be written, if it stands on one line.
    pub(super) fn example(&self) -> Option<&'static str> {
        self.table.example()
    }

    /// The names of the keys that are written and known.
    pub(super) fn written(&self) -> Vec<&'static str> {
        self.table
            .keys
            .iter()
            .map(|key| key.name)
            .filter(|name| self.entries.contains_key(*name))
            .collect()
    }

    /// The raw value, for keys that have more than one form. A key that must be there and
    /// is not is found here.
    pub(super) fn value(&self, name: &str, out: &mut Findings<'_>) -> Option<&'a Value<'a>> {
        let value = self.entries.get(name);
        if value.is_none()
            && self
                .key(name)
                .is_some_and(|key| matches!(key.absent, Absent::Error))
        {
            self.missing(name, out);
        }
        value
    }

    /// The text that stands under a key, whatever it means.
    pub(super) fn text_written(&self, name: &str) -> Option<&'a str> {
        self.entries.get(name)?.get_ref().as_str()
    }

    /// Says that a key is missing, unless the file is too broken to know, or a misspelt key
    /// has been found that is meant to be it.
    pub(super) fn missing(&self, name: &str, out: &mut Findings<'_>) {
        if !out.is_incomplete() && !self.is_misspelt(name) {
            let label = format!("{} needs the key `{name}`", self.table.heading);
            let finding = out.error(self.span.clone(), format!("`{name}` is missing"), label);
            if let Some(key) = self.key(name) {
                finding.help(match name {
                    "certificate" => format!(
                        "add {}, the name of a Crypto Certificate object in the domain `default`; with any name there, \
                         `dpbackup check` says which there are",
                        key.sample()
                    ),
                    _ => match &key.kind {
                        KeyKind::Table(table) if table.example().is_none() => {
                            let first = table.keys.iter().find(|key| matches!(key.absent, Absent::Error));
                            let below = first.map_or_else(String::new, |key| format!(", and below it {}, say", key.sample()));
                            format!("add a line with `[{name}]`{below}")
                        }
                        _ => format!("add {}, say", key.sample()),
                    },
                });
            }
        }
    }

    /// Whether a key stands there that is none, and is meant to be this one: it has its finding.
    pub(super) fn is_misspelt(&self, name: &str) -> bool {
        self.entries
            .keys()
            .any(|key| is_meant(self.table, key.get_ref(), name))
    }

    /// Text on one line, not empty.
    pub(super) fn text(&self, name: &str, out: &mut Findings<'_>) -> Option<At<String>> {
        let value = self.value(name, out)?;
        let text = string(self.key(name)?, value, out)?;
        Some(At {
            value: text.to_owned(),
            span: value.span(),
        })
    }

    /// Text as [`PlanSection::text`] reads it; the default where the key is absent.
    pub(super) fn text_or_default(&self, name: &str, out: &mut Findings<'_>) -> Option<At<String>> {
        self.parsed(name, out, "text", |text| {
            Ok::<_, std::convert::Infallible>(text.to_owned())
        })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, name: &str, out: &mut Findings<'_>) -> Option<bool> {
        let key = self.key(name)?;
        match self.value(name, out) {
            None => default(key)?.parse().ok(),
            Some(value) => match value.get_ref() {
                DeValue::Boolean(yes) => Some(*yes),
                _ => wrong_type(key, value, out),
            },
        }
    }

    /// A whole number in the range of the key.
    pub(super) fn integer(&self, name: &str, out: &mut Findings<'_>) -> Option<u32> {
        let key = self.key(name)?;
        let KeyKind::Integer { least, most } = key.kind else {
            return None;
        };
        let Some(value) = self.value(name, out) else {
            return default(key)?.parse().ok();
        };
        let DeValue::Integer(number) = value.get_ref() else {
            return wrong_type(key, value, out);
        };
        let number = u32::from_str_radix(number.as_str(), number.radix()).ok();
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let label = format!("expected {}", key.kind.expected());
            out.error(value.span(), format!("`{name}` is out of range"), label)
                .help(match default(key) {
                    Some(usual) => {
                        format!("leave it out, and it is {usual}; or write a number of that range")
                    }
                    None => "leave it out, or write a number of that range".to_owned(),
                });
        }
        number
    }

    /// A duration; above zero where the key wants it so.
    pub(super) fn duration(&self, name: &str, out: &mut Findings<'_>) -> Option<At<Duration>> {
        let kind = self.key(name).map(|key| &key.kind);
        let read = self.parsed(name, out, "a duration", |text| match kind {
            Some(KeyKind::DurationOrZero) => duration::parse(text),
            Some(KeyKind::Span) => duration::parse_span(text).map_err(|error| match error {
                DurationError::Zero => DurationError::NothingKept,
                error => error,
            }),
            _ => duration::parse_positive(text),
        })?;
        let is_a_limit = matches!(kind, Some(KeyKind::Duration));
        if is_a_limit && read.value < SHORTEST_LIMIT && self.key_span(name).is_some() {
            out.doubt(
                read.span.clone(),
                &format!("`{name}` is shorter than anything takes"),
                "nothing ends within it",
                &format!("write a limit that can be kept, such as `{name} = \"60s\"`"),
            );
        }
        Some(read)
    }

    /// A share or a size.
    pub(super) fn threshold(&self, name: &str, out: &mut Findings<'_>) -> Option<Threshold> {
        self.parsed(name, out, "a share or a size", str::parse)
            .map(|at| at.value)
    }

    /// A size above zero, in bytes.
    pub(super) fn size(&self, name: &str, out: &mut Findings<'_>) -> Option<u64> {
        self.parsed(name, out, "a size", |text| match text.parse() {
            Ok(Bytes(0)) => Err(SizeError::Zero),
            Ok(Bytes(bytes)) => Ok(bytes),
            Err(error) => Err(error),
        })
        .map(|at| at.value)
    }

    /// A time of day, if there is one.
    pub(super) fn time(&self, name: &str, out: &mut Findings<'_>) -> Option<Time> {
        self.parsed(name, out, "a time of day", parse_time)
            .map(|at| at.value)
    }

    /// A time zone, if there is one.
    pub(super) fn zone(&self, name: &str, out: &mut Findings<'_>) -> Option<TimeZone> {
        let At { value: text, span } = self.text(name, out)?;
        match parse_zone(&text) {
            Ok(zone) => {
                if let Some((title, help)) = zone_words::doubt(&text) {
                    out.doubt(span, &title, "no place has given this zone its name", help);
                }
                Some(zone)
            }
            Err(WindowError::UnknownZone { nearest, .. }) => {
                let finding = out.error(span, format!("unknown time zone {text:?}"), "no such zone");
                match nearest {
                    Some(nearest) => did_you_mean(finding, Some(&nearest)),
                    None => {
                        finding.help(
                            "zones are named by a place, such as \"Europe/Rome\", or \"UTC\"; without `time_zone` it is \
                             the zone of the machine",
                        );
                    }
                }
                None
            }
            Err(error) => {
                out.error(span, format!("`{name}` is not a time zone"), error.to_string())
                    .help("write the name of a place, such as \"Europe/Rome\", or \"UTC\"");
                None
            }
        }
    }

    /// One of the words of the key.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&'static str, T)],
        out: &mut Findings<'_>,
    ) -> Option<T> {
        let key = self.key(name)?;
        let (KeyKind::Choice(words) | KeyKind::ChoiceOrTable(words, _)) = key.kind else {
            return None;
        };
        debug_assert!(
            words.iter().eq(choices.iter().map(|(word, _)| word)),
            "the words of {name}"
        );
        let (text, span) = match self.value(name, out) {
            None => (default(key)?, self.span.clone()),
            Some(value) => (string(key, value, out)?, value.span()),
        };
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*choice);
        }
        let label = format!("expected {}", words_in_quotes(words));
        let finding = out.error(span, format!("unknown value {text:?} of `{name}`"), label);
        let near = nearest(text, words.iter().copied()).or_else(|| word_within(text, words));
        let near = near.map(|near| format!("did you mean {near:?}?"));
        let help = mistyped::of_choice(key, text).or(near);
        finding.help(help.unwrap_or_else(|| format!("write one of these, such as {}", key.sample())));
        None
    }

    /// Patterns, in one text or an array.
    pub(super) fn patterns(&self, name: &str, out: &mut Findings<'_>) -> Option<At<PatternList>> {
        self.pattern_list(name, out, |items| PatternList::from_items(items))
    }

    /// Patterns over devices, in one text or an array.
    pub(super) fn device_patterns(&self, name: &str, out: &mut Findings<'_>) -> Option<At<DevicePatterns>> {
        self.pattern_list(name, out, |items| DevicePatterns::from_items(items))
    }

    fn pattern_list<T>(
        &self,
        name: &str,
        out: &mut Findings<'_>,
        parse: impl Fn(Vec<&str>) -> Result<T, PatternError>,
    ) -> Option<At<T>> {
        let key = self.key(name)?;
        let value = self.value(name, out)?;
        let items = match value.get_ref() {
            DeValue::Array(_) => strings(key, value, out)?,
            _ => vec![string(key, value, out)?],
        };
        let written = items.join(", ");
        match parse(items) {
            Ok(patterns) => Some(At {
                value: patterns,
                span: value.span(),
            }),
            Err(error) => {
                out.error(
                    value.span(),
                    format!("`{name}` is not a list of patterns"),
                    error.to_string(),
                )
                .help(match error {
                    PatternError::Empty => match without_empty(&written).as_str() {
                        "" => format!("`{name} = \"*\"` is all of them; between two commas stands a pattern"),
                        rest => format!("leave out the comma too many: `{name} = {rest:?}`"),
                    },
                    PatternError::NothingExcluded => {
                        "write a name or a pattern behind the `!`, or leave it out".to_owned()
                    }
                    PatternError::NoTag => "write a tag behind the `@`, such as \"@prod\"".to_owned(),
                    PatternError::OnlyExclusions if written.split(',').any(|item| item.trim() == "!*") => {
                        format!("`!*` leaves nothing at all: name in `{name}` what is meant")
                    }
                    PatternError::OnlyExclusions => {
                        format!(
                            "say first what they are taken from: `{name} = {:?}`",
                            format!("*, {written}")
                        )
                    }
                });
                None
            }
        }
    }

    /// An array of names; an empty one too.
    pub(super) fn names(&self, name: &str, out: &mut Findings<'_>) -> Option<Vec<String>> {
        let key = self.key(name)?;
        let value = self.value(name, out)?;
        let DeValue::Array(items) = value.get_ref() else {
            return wrong_type(key, value, out);
        };
        let mut names = Vec::new();
        let mut are_good = true;
        for item in items {
            match string(key, item, out) {
                Some(text) if is_named(name, text, &item.span(), out) => names.push(text.to_owned()),
                _ => are_good = false,
            }
        }
        are_good.then_some(names)
    }

    /// The texts of an array, each with its place; an empty one too.
    pub(super) fn places(&self, name: &str, out: &mut Findings<'_>) -> Option<Vec<At<String>>> {
        let key = self.key(name)?;
        let value = self.value(name, out)?;
        let DeValue::Array(items) = value.get_ref() else {
            return wrong_type(key, value, out);
        };
        let text = |item: &Value<'_>, out: &mut Findings<'_>| {
            let value = string(key, item, out)?.to_owned();
            Some(At {
                value,
                span: item.span(),
            })
        };
        let texts: Vec<Option<At<String>>> = items.iter().map(|item| text(item, out)).collect();
        texts.into_iter().collect()
    }

    /// An array of texts, at least one.
    pub(super) fn texts(&self, name: &str, out: &mut Findings<'_>) -> Option<Vec<String>> {
        let value = self.value(name, out)?;
        let items = strings(self.key(name)?, value, out)?;
        if items.is_empty() {
            out.error(
                value.span(),
                format!("`{name}` is empty"),
                "expected at least one item",
            )
            .help(format!("write {}, say", self.key(name)?.sample()));
            return None;
        }
        Some(items.into_iter().map(str::to_owned).collect())
    }

    /// The table under a key, if there is one.
    pub(super) fn section(&self, name: &str, out: &mut Findings<'_>) -> Option<PlanSection<'a>> {
        let key = self.key(name)?;
        let value = self.value(name, out)?;
        section(key, value, out)
    }

    /// The table under a key; one without keys where it is absent, so that defaults hold.
    pub(super) fn section_or_empty(&self, name: &str, out: &mut Findings<'_>) -> Option<PlanSection<'a>> {
        static EMPTY: std::sync::LazyLock<DeTable<'static>> = std::sync::LazyLock::new(DeTable::new);
        if self.key_span(name).is_some() {
            return self.section(name, out);
        }
        let table = self.key(name)?.kind.table()?;
        Some(PlanSection {
            table,
            entries: &EMPTY,
            span: self.span.clone(),
        })
    }

    /// The tables of an array of tables; none if there are none.
    pub(super) fn sections(&self, name: &str, out: &mut Findings<'_>) -> Vec<PlanSection<'a>> {
        let (Some(key), Some(value)) = (self.key(name), self.value(name, out)) else {
            return Vec::new();
        };
        match value.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| section(key, item, out)).collect(),
            _ => {
                wrong_type::<()>(key, value, out);
                Vec::new()
            }
        }
    }

    /// Text that is parsed further; the default where it is absent and has one.
    fn parsed<T, E: std::fmt::Display>(
        &self,
        name: &str,
        out: &mut Findings<'_>,
        what: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        let key = self.key(name)?;
        let (text, span) = match self.value(name, out) {
            None => (default(key)?, self.span.clone()),
            Some(value) => (string(key, value, out)?, value.span()),
        };
        match parse(text) {
            Ok(value) => Some(At { value, span }),
            Err(error) => {
                let label = error.to_string();
                let finding = out.error(span, format!("`{name}` is not {what}"), &label);
                let help = mistyped::of_words(key, text);
                let says_what_to_write = label.contains("write ");
                if let Some(help) =
                    help.or_else(|| (!says_what_to_write).then(|| format!("write {}, say", key.sample())))
                {
                    finding.help(help);
                }
                None
            }
        }
    }

    fn key(&self, name: &str) -> Option<&'static Key> {
        let key = self.table.key(name);
        debug_assert!(key.is_some(), "{} has no key {name}", self.table.heading);
        key
    }
}

/// The word of these that is one of several in a text, as in "Ignore errors".
fn word_within(text: &str, words: &[&'static str]) -> Option<&'static str> {
    let is_within = |known: &&&str| {
        text.split_whitespace()
            .any(|word| word.eq_ignore_ascii_case(known))
    };
    words.iter().find(is_within).copied()
}

/// Patterns without those of which nothing is written.
fn without_empty(written: &str) -> String {
    let patterns = written.split(',').map(str::trim);
    let patterns: Vec<&str> = patterns.filter(|pattern| !pattern.is_empty()).collect();
    patterns.join(", ")
}

/// The table that `value` is.
pub(super) fn section<'a>(
    key: &Key,
    value: &'a Value<'a>,
    out: &mut Findings<'_>,
) -> Option<PlanSection<'a>> {
    match (value.get_ref(), key.kind.table()) {
        (DeValue::Table(entries), Some(table)) => Some(PlanSection::open(table, entries, value.span(), out)),
        _ => wrong_type(key, value, out),
    }
}
