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

use crate::plan::diagnostic::{Finding, Findings};
use crate::plan::keys::file::{FILE, INCLUDED, INCLUDED_NOTIFY};
use crate::plan::keys::notify::NOTIFY;
use crate::plan::keys::other_words::{Meant, elsewhere, meant};
use crate::plan::keys::{Absent, Key, KeyKind, Table, words_in_quotes};
use crate::plan::mistyped;
use crate::values::device_pattern::DevicePatterns;
use crate::values::duration;
use crate::values::nearest::nearest;
use crate::values::pattern::{PatternError, PatternList};
use crate::values::size::{Bytes, SizeError, Threshold};
use crate::values::window::{WindowError, parse_time, parse_zone};

/// A value of the tree.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

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
                let is_table = matches!(value.get_ref(), DeValue::Table(_));
                unknown_key(table, name.get_ref(), name.span(), is_table, out);
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

    /// Says that a key is missing, unless the file is too broken to know, or a misspelt key
    /// has been found that is meant to be it.
    pub(super) fn missing(&self, name: &str, out: &mut Findings<'_>) {
        if !out.is_incomplete() && !self.is_misspelt(name) {
            let label = format!("{} needs the key `{name}`", self.table.heading);
            out.error(self.span.clone(), format!("`{name}` is missing"), label);
        }
    }

    /// Whether a key stands there that is none, and is meant to be this one: it has its finding.
    pub(super) fn is_misspelt(&self, name: &str) -> bool {
        let is_other_word =
            |written: &str| matches!(meant(self.table, written), Some(Meant::Key(key)) if key == name);
        let is_misspelt = |written: &str| {
            self.table.key(written).is_none()
                && (nearest(written, self.table.names()) == Some(name) || is_other_word(written))
        };
        self.entries.keys().any(|key| is_misspelt(key.get_ref()))
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
            out.error(value.span(), format!("`{name}` is out of range"), label);
        }
        number
    }

    /// A duration; above zero where the key wants it so.
    pub(super) fn duration(&self, name: &str, out: &mut Findings<'_>) -> Option<At<Duration>> {
        let kind = self.key(name).map(|key| &key.kind);
        self.parsed(name, out, "a duration", |text| match kind {
            Some(KeyKind::DurationOrZero) => duration::parse(text),
            Some(KeyKind::Span) => duration::parse_span(text),
            _ => duration::parse_positive(text),
        })
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
            Ok(zone) => Some(zone),
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
                out.error(span, format!("`{name}` is not a time zone"), error.to_string());
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
        match mistyped::of_choice(key, text) {
            Some(help) => {
                finding.help(help);
            }
            None => did_you_mean(finding, nearest(text, words.iter().copied())),
        }
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
                );
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
            );
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
                let finding = out.error(span, format!("`{name}` is not {what}"), error.to_string());
                if let Some(help) = mistyped::of_words(key, text) {
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

/// Adds "did you mean".
pub(super) fn did_you_mean(finding: &mut Finding, nearest: Option<&str>) {
    if let Some(nearest) = nearest {
        finding.help(format!("did you mean {nearest:?}?"));
    }
}

/// The text that `value` is: not empty, and without control characters.
fn string<'a>(key: &Key, value: &'a Value<'a>, out: &mut Findings<'_>) -> Option<&'a str> {
    let DeValue::String(text) = value.get_ref() else {
        return wrong_type(key, value, out);
    };
    if text.trim().is_empty() {
        let label = format!("expected {}", key.kind.expected());
        out.error(value.span(), format!("`{}` is empty", key.name), label)
            .help("write what belongs there, or leave the key out");
        return None;
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        let label = format!("holds the control character U+{:04X}", u32::from(c));
        let written = out.text().get(value.span()).unwrap_or_default();
        let is_escape = written.starts_with('"') && written.contains('\\');
        let title = format!("`{}` must be plain text on one line", key.name);
        let finding = out.error(value.span(), title, label);
        if c == '\t' {
            finding.help("write a blank in place of the tab");
        } else if is_escape {
            finding.help(
                "a backslash begins an escape in double quotes: write \\\\ for one, or put the text in single quotes; paths \
                 of this machine have /",
            );
        }
        return None;
    }
    Some(text)
}

/// Whether a text is a name as [`KeyKind::Names`] has them.
fn is_named(key: &str, text: &str, span: &Range<usize>, out: &mut Findings<'_>) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let label = match text.chars().find(|c| !allowed(*c)) {
        Some(c) => format!("holds {c:?}; allowed are letters, digits, `.`, `_` and `-`"),
        None if text.len() > 128 => "is longer than 128 characters".to_owned(),
        None => return true,
    };
    let finding = out.error(span.clone(), format!("{text:?} cannot stand in `{key}`"), label);
    let bare = text.trim_start_matches('@');
    if bare.contains([',', ' ']) {
        let parts: Vec<String> = bare
            .split([',', ' '])
            .filter(|part| !part.is_empty())
            .map(|part| format!("{part:?}"))
            .collect();
        finding.help(format!(
            "each in quotes of its own: `{key} = [{}]`",
            parts.join(", ")
        ));
    } else if bare != text {
        finding.help(format!(
            "the `@` stands in the `devices` of a plan alone: {bare:?} here"
        ));
    }
    false
}

/// The texts that the array `value` holds.
fn strings<'a>(key: &Key, value: &'a Value<'a>, out: &mut Findings<'_>) -> Option<Vec<&'a str>> {
    let DeValue::Array(items) = value.get_ref() else {
        return wrong_type(key, value, out);
    };
    let texts: Vec<Option<&str>> = items.iter().map(|item| string(key, item, out)).collect();
    texts.into_iter().collect()
}

fn unknown_key(
    table: &'static Table,
    name: &str,
    span: Range<usize>,
    is_table: bool,
    out: &mut Findings<'_>,
) {
    let is_of = |included, whole: &Table| std::ptr::eq(table, included) && whole.key(name).is_some();
    if is_of(&INCLUDED, &FILE) || is_of(&INCLUDED_NOTIFY, &NOTIFY) {
        let label = "an included file has [[device]], [[plan]] and [[notify.webhook]] tables";
        out.error(span, format!("`{name}` cannot be included"), label)
            .help("write it into the plan file itself: it is there once, for all");
        return;
    }
    let finding = out.error(
        span,
        format!("unknown key `{name}`"),
        format!("not a key of {}", table.heading),
    );
    match (meant(table, name), nearest(name, table.names())) {
        _ if name == "include" => {
            finding.help("it stands above the first [table] of a file, for it is a key of the file itself");
        }
        (Some(Meant::Key(key)), _) => did_you_mean(finding, Some(key)),
        (Some(Meant::Advice(advice)), _) => {
            finding.help(advice);
        }
        (None, Some(nearest)) => did_you_mean(finding, Some(nearest)),
        (None, None) if !elsewhere(table, name).is_empty() => {
            finding.help(format!(
                "it is a key of {}",
                elsewhere(table, name).join(", or of ")
            ));
        }
        // `[plan.Nightly]`, `[QA1]`: what a table is about stands in its heading elsewhere.
        (None, None) if is_table && table.key("name").is_some() => {
            finding.help(format!(
                "write the heading `{}`, and the name below it: `name = {name:?}`",
                table.heading
            ));
        }
        (None, None) if is_table && std::ptr::eq(table, &FILE) => {
            finding.help(format!(
                "a device has the heading `[[device]]`, a plan `[[plan]]`, and the name below it: `name = {name:?}`"
            ));
        }
        (None, None) => {
            let known: Vec<&str> = table.names().collect();
            finding.help(format!("the keys are: {}", known.join(", ")));
        }
    }
}

/// Says that `value` is of the wrong type, and gives nothing.
pub(super) fn wrong_type<T>(key: &Key, value: &Value<'_>, out: &mut Findings<'_>) -> Option<T> {
    let found = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time without quotes",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    let label = format!("expected {}, found {found}", key.kind.expected());
    let finding = out.error(value.span(), format!("`{}` has the wrong type", key.name), label);
    if let Some(help) = mistyped::of_type(key, value.get_ref()) {
        finding.help(help);
    }
    None
}

fn default(key: &Key) -> Option<&'static str> {
    match key.absent {
        Absent::Default(text) => Some(text),
        Absent::Error | Absent::Means(_) => None,
    }
}
