//! What is written in place of what is expected, and how it is written right.

mod words;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::plan::keys::device::{DEVICE_TIMEOUTS, PASSWORD, TLS};
use crate::plan::keys::other_words::{Meant, meant};
use crate::plan::keys::tables::{RETENTION, TIMEOUTS, WINDOW};
use crate::plan::keys::{Key, KeyKind, Table};
use crate::plan::mistyped::words::{ORDINARY, OTHER_WORDS};
use crate::values::duration::{self, DurationError};
use crate::values::hex::unhex;
use crate::values::size::{Bytes, Threshold, share_of_part};
use crate::values::window::{likely_time, likely_window};

/// How a value of the wrong type is written right, if what is meant can be told.
pub(super) fn of_type(key: &Key, value: &DeValue<'_>) -> Option<String> {
    let name = key.name;
    match value {
        DeValue::String(text) => of_text(key, text.trim()),
        DeValue::Integer(number) => of_number(key, number.as_str()),
        DeValue::Float(number) => of_number(key, number.as_str()),
        DeValue::Boolean(yes) => match &key.kind {
            KeyKind::Table(table) if is(table, &TLS) => {
                Some(format!("write `{name} = {{ verify = {yes} }}`"))
            }
            KeyKind::Table(table) if is(table, &RETENTION) => Some(forever(name)),
            KeyKind::Integer { .. } if is_rule(key) => Some(forever("retention")),
            KeyKind::ChoiceOrTable(_, table) if is(table, &WINDOW) => Some(match yes {
                true => format!("write `{name} = \"default\"`: that of `default_window` under [settings]"),
                false => format!("write `{name} = \"none\"`: at any time"),
            }),
            KeyKind::Choice(words) if words.contains(&"no") => Some(format!(
                "write `{name} = \"{}\"`",
                if *yes { "mounted" } else { "no" }
            )),
            KeyKind::Choice([first, others @ ..]) => {
                let others: Vec<String> = others.iter().map(|word| format!(", or {word:?}")).collect();
                Some(format!("write `{name} = {first:?}`{}", others.concat()))
            }
            KeyKind::Text | KeyKind::Name => Some(format!("write `{name} = \"{yes}\"`")),
            _ => None,
        },
        // What is written there may be the secret.
        DeValue::Datetime(_) if matches!(&key.kind, KeyKind::TextOrTable(table) if is(table, &PASSWORD)) => {
            of_number(key, "")
        }
        DeValue::Datetime(time) => Some(match (&key.kind, likely_time(&time.to_string())) {
            (KeyKind::Time, Some(time)) => format!("put it in quotes: `{name} = {time:?}`"),
            (KeyKind::Table(table) | KeyKind::ChoiceOrTable(_, table), Some(time)) if is(table, &WINDOW) => {
                from_one_time(name, &time)
            }
            (KeyKind::Duration | KeyKind::DurationOrZero, _) => match of_clock(&time.to_string()) {
                Some(words) => format!("write its units, in quotes: `{name} = {words:?}`"),
                None => format!(
                    "write its units, in quotes: `{name} = \"10m\"` is ten minutes, \"10h\" ten hours"
                ),
            },
            _ => format!("put it in quotes: `{name} = \"{time}\"`"),
        }),
        DeValue::Array(items) => match (&key.kind, items.len()) {
            (
                KeyKind::Text | KeyKind::Name | KeyKind::Path | KeyKind::Script | KeyKind::OpenTextOrTable(_),
                1..,
            ) => Some(match (name, joined(items)) {
                ("to" | "email_to", Some(addresses)) => format!("without brackets: `{name} = {addresses:?}`"),
                _ => "one text is expected, without brackets".to_owned(),
            }),
            // What is written there may be the secret.
            (KeyKind::TextOrTable(table), 2..) if is(table, &PASSWORD) => Some(format!(
                "a program that prints it stands behind `command`: `{name} = {{ command = [\"pass\", \"show\", \"qa1\"] }}`"
            )),
            (KeyKind::Table(table), _) if table.heading.starts_with('[') => Some(format!(
                "one bracket on each side, for it is there once in the file: {}",
                table.heading
            )),
            (KeyKind::Tables(table), _) => Some(format!(
                "each stands under a heading of its own: {}",
                table.heading
            )),
            (KeyKind::Table(table), _) if is(table, &RETENTION) => Some(retention(name, value)),
            (KeyKind::Table(table) | KeyKind::ChoiceOrTable(_, table), 2..) if is(table, &WINDOW) => {
                Some("a plan has one window: for another one write another [[plan]]".to_owned())
            }
            (KeyKind::Table(_), _) => example(key),
            _ => example(key).or_else(|| Some("one value is expected, without brackets".to_owned())),
        },
        DeValue::Table(entries) => match &key.kind {
            KeyKind::Tables(table) => Some(of_one_table(table, entries)),
            _ => example(key),
        },
    }
}

/// How a table is written of which there may be several. What belongs to one makes such a table where it stands alone.
fn of_one_table(table: &Table, entries: &DeTable<'_>) -> String {
    let heading = table.heading;
    let mut names = entries.iter();
    let only = names.next().filter(|_| names.next().is_none());
    // `[plan.Nightly]`, and below it what belongs to a plan.
    let mut named = entries
        .iter()
        .filter(|(name, value)| table.key(name.get_ref()).is_none() && value.get_ref().is_table());
    let only = only.or_else(|| named.next().filter(|_| named.next().is_none()));
    let only = only.map(|(name, value)| {
        let name: &str = name.get_ref();
        (name, table.key(name), value.get_ref())
    });
    match only {
        Some((_, Some(key), _)) if matches!(key.kind, KeyKind::Tables(_)) => {
            format!(
                "it belongs to the {heading} above it, and there is none: write one, with its `name` below it"
            )
        }
        Some((name, None, DeValue::Table(_) | DeValue::Array(_))) => {
            format!("write {heading}, and below it `name = {name:?}`")
        }
        _ => format!("two brackets on each side, above what belongs to it: {heading}"),
    }
}

/// Texts in one, with commas between them.
fn joined(items: &[Spanned<DeValue<'_>>]) -> Option<String> {
    let texts: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
    Some(texts?.join(", "))
}

fn of_text(key: &Key, text: &str) -> Option<String> {
    let name = key.name;
    match &key.kind {
        KeyKind::Boolean => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(format!("without quotes: `{name} = true`")),
            "false" | "no" | "off" | "0" => Some(format!("without quotes: `{name} = false`")),
            _ => Some(match name {
                "email" if text.contains('@') => {
                    format!("write `{name} = true`, and to whom in a key of its own: `email_to = {text:?}`")
                }
                // What is written there may be the secret.
                "ping" => format!("write `{name} = true`, and the address in a key of its own: `ping_url`"),
                "syslog" | "email" => {
                    format!("write `{name} = true`; where to and how stands under [notify.{name}]")
                }
                _ => format!("write `{name} = true` or `{name} = false`"),
            }),
        },
        KeyKind::Integer { .. } if is_rule(key) && !text.starts_with(|c: char| c.is_ascii_digit()) => {
            Some(forever("retention"))
        }
        KeyKind::Integer { .. } => {
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let number: u32 = text[..digits].parse().ok()?;
            Some(format!("without quotes: `{name} = {number}`"))
        }
        KeyKind::Command => {
            let words: Vec<String> = text.split_whitespace().map(|word| format!("{word:?}")).collect();
            Some(format!(
                "write `{name} = [{}]`; no shell is involved",
                words.join(", ")
            ))
        }
        KeyKind::Table(table) if is(table, &WINDOW) && is_always(text) => Some(format!(
            "leave it out: a plan whose `maintenance_window` is \"default\" runs at any time where there is no `{name}`"
        )),
        KeyKind::Table(table) | KeyKind::ChoiceOrTable(_, table) if is(table, &WINDOW) => {
            window(name, text).or_else(|| example(key))
        }
        KeyKind::Table(table) if is(table, &TLS) => Some(match text.to_lowercase().as_str() {
            "false" | "no" | "off" | "none" | "insecure" => {
                format!(
                    "write `{name} = {{ verify = false }}`; better pin it: `dpbackup trust DEVICE` prints the line"
                )
            }
            "true" | "yes" | "on" => "leave it out: the roots of the machine are trusted".to_owned(),
            _ if unhex(&text.replace(':', "")).is_some_and(|bytes| bytes.len() == 32) => {
                format!("write `{name} = {{ pin_sha256 = {text:?} }}`")
            }
            lower if lower.contains("verify") => format!(
                "write `{name} = {{ verify = false }}`; better pin it: `dpbackup trust DEVICE` prints the line"
            ),
            _ => format!("write `{name} = {{ ca_file = {text:?} }}`"),
        }),
        KeyKind::Table(table) if is(table, &RETENTION) => {
            let (written, value) = text.split_once('=').unwrap_or(("keep_last", text));
            Some(match rule(written.trim(), value.trim()) {
                Some(rule) => format!("write `{name} = {{ {rule} }}`"),
                None => forever(name),
            })
        }
        KeyKind::Table(table)
            if (is(table, &TIMEOUTS) || is(table, &DEVICE_TIMEOUTS)) && duration::parse(text).is_ok() =>
        {
            Some(format!(
                "each limit has its key: `{name} = {{ request = {text:?} }}`"
            ))
        }
        KeyKind::Includes(_) => {
            let paths: Vec<&str> = text.split([',', ';']).map(str::trim).collect();
            let paths = paths.into_iter().filter(|path| !path.is_empty());
            Some(format!("in brackets: `{name} = {:?}`", paths.collect::<Vec<_>>()))
        }
        KeyKind::Names => {
            let words = text
                .split([',', ' ', ';'])
                .map(|word| word.trim_matches(['@', ' ']));
            let words: Vec<String> = words
                .filter(|word| !word.is_empty())
                .map(|word| format!("{word:?}"))
                .collect();
            Some(format!("write `{name} = [{}]`", words.join(", ")))
        }
        KeyKind::Tables(table) => Some(format!(
            "each stands under a heading of its own: {}",
            table.heading
        )),
        _ => None,
    }
}

fn of_number(key: &Key, number: &str) -> Option<String> {
    let name = key.name;
    let is_negative = number.starts_with('-');
    let number = number.trim_start_matches(['-', '+']);
    match &key.kind {
        KeyKind::Span => Some(format!(
            "with its unit, in quotes: `{name} = \"{number}d\"` is days"
        )),
        KeyKind::Zone => Some(format!(
            "zones are named by a place: `{name} = \"Europe/Rome\"`, or \"UTC\""
        )),
        KeyKind::Time => {
            // 22 is an hour; 930 has minutes, too.
            let digits = match number.len() {
                0..=2 => number.to_owned(),
                _ => format!("{number:0>4}"),
            };
            let time = likely_time(&digits).map(|time| format!("in quotes: `{name} = {time:?}`"));
            time.or_else(|| example(key))
        }
        KeyKind::Duration if number.bytes().all(|digit| digit == b'0') => Some(no_limit(name)),
        KeyKind::Duration | KeyKind::DurationOrZero => Some(format!(
            "with its unit, in quotes: `{name} = \"{number}s\"` is seconds, \"{number}m\" minutes"
        )),
        KeyKind::Threshold => Some(match share_of_part(number) {
            Some(share) => format!("a share has its sign, in quotes: `{name} = {share:?}`"),
            None => format!("with its unit, in quotes: `{name} = \"{number}%\"`, or \"{number} GiB\""),
        }),
        KeyKind::Size => Some(format!("with its unit, in quotes: `{name} = \"{number} GiB\"`")),
        KeyKind::Boolean => match number {
            "0" => Some(format!("write `{name} = false`")),
            "1" => Some(format!("write `{name} = true`")),
            _ => None,
        },
        KeyKind::Table(table) if is(table, &RETENTION) => Some(match whole(number) {
            Some(count) if count >= 1.0 && !is_negative => {
                format!("write `{name} = {{ keep_last = {count} }}`")
            }
            _ => forever(name),
        }),
        KeyKind::Integer { .. } => Some(format!("without a point: `{name} = {}`", whole(number)?)),
        KeyKind::OpenTextOrTable(_) => Some(format!("put it in quotes: `{name} = \"{number}\"`")),
        KeyKind::TextOrTable(table) if is(table, &PASSWORD) => Some(format!(
            "put it in quotes, or better write where it comes from: `{name} = {{ file = \"…\" }}`"
        )),
        KeyKind::Choice(_) => of_choice(key, number),
        KeyKind::Command | KeyKind::Names | KeyKind::Includes(_) => Some(format!(
            "an array of texts, each in quotes: `{name} = [\"{number}\"]`"
        )),
        _ if name == "address" => Some(format!("write {}", key.sample())),
        // It may be one of several.
        KeyKind::Patterns => Some(format!("put it in quotes: \"{number}\"")),
        KeyKind::Table(_) | KeyKind::Tables(_) => None,
        _ => Some(format!("put it in quotes: `{name} = \"{number}\"`")),
    }
}

/// Whether it is a rule of what is kept.
fn is_rule(key: &Key) -> bool {
    RETENTION
        .key(key.name)
        .is_some_and(|rule| std::ptr::eq(rule, key))
}

/// The whole number that is not smaller: of what is kept, rather one more.
fn whole(number: &str) -> Option<f64> {
    number
        .parse::<f64>()
        .ok()
        .map(f64::ceil)
        .filter(|whole| *whole < 1e9)
}

/// What is advised to whoever may want nothing to be removed: an example of a rule, pasted, would remove.
fn forever(name: &str) -> String {
    format!(
        "leave `{name}` out, and nothing is ever removed; else say how many are kept: `retention = {{ keep_last = 365 }}`"
    )
}

/// How what is kept is written, with the numbers that were typed: a smaller one, pasted, would remove.
fn retention(name: &str, value: &DeValue<'_>) -> String {
    match kept("keep_last", value) {
        Some(table) => format!("write `{name} = {table}`"),
        None => forever(name),
    }
}

/// What is kept as a table, by the name of a key that is none here and by its value.
pub(super) fn kept(written: &str, value: &DeValue<'_>) -> Option<String> {
    let rules = match value {
        DeValue::Table(entries) => {
            let rules = entries
                .iter()
                .filter_map(|(name, value)| rule_of(name.get_ref(), value.get_ref()));
            rules.collect::<Vec<_>>().join(", ")
        }
        DeValue::Array(items) => return kept(written, items.first()?.get_ref()),
        value => rule_of(written, value)?,
    };
    (!rules.is_empty()).then(|| format!("{{ {rules} }}"))
}

fn rule_of(written: &str, value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::Integer(number) => rule(written, number.as_str()),
        DeValue::String(text) => rule(written, text.trim()),
        _ => None,
    }
}

/// One rule of what is kept.
fn rule(written: &str, value: &str) -> Option<String> {
    let lower = written.to_lowercase();
    let key = match (RETENTION.key(&lower), meant(&RETENTION, &lower)) {
        (Some(key), _) => key.name,
        (None, Some(Meant::Key(key))) => key,
        _ if lower.contains("day") => "keep_daily",
        _ if lower.contains("week") => "keep_weekly",
        _ if lower.contains("month") => "keep_monthly",
        _ => "keep_last",
    };
    match value.parse::<u32>() {
        Ok(0) => None,
        Ok(days) if key == "keep_within" => Some(format!("keep_within = \"{days}d\"")),
        Ok(number) => Some(format!("{key} = {number}")),
        Err(_) => duration::parse_span(value)
            .is_ok()
            .then(|| format!("keep_within = {value:?}")),
    }
}

/// How a text is written right that is of the right type, and still no value of the key.
pub(super) fn of_words(key: &Key, text: &str) -> Option<String> {
    let (name, text) = (key.name, text.trim());
    let write = |value: String| Some(format!("write `{name} = {value:?}`"));
    match &key.kind {
        KeyKind::Duration | KeyKind::DurationOrZero | KeyKind::Span => {
            let bare = text.trim_start_matches('-').trim();
            let words = of_iso(bare).unwrap_or_else(|| bare.to_owned());
            let words = match key.kind {
                // "30D": units are small letters; those of months stay refused.
                KeyKind::Span => words.to_lowercase(),
                _ => words,
            };
            let is_right = match &key.kind {
                KeyKind::Span => duration::parse_span(&words).is_ok(),
                _ => duration::parse_positive(&words).is_ok(),
            };
            if is_right {
                return write(words);
            }
            if matches!(key.kind, KeyKind::Duration) && duration::parse_positive(&words) == Err(DurationError::Zero) {
                return Some(no_limit(name));
            }
            if let Some(words) = of_clock(text).or_else(|| with_known_unit(text)) {
                return write(words);
            }
            let is_clock = text.contains(':') && likely_time(text).is_some();
            is_clock.then(|| format!("write its units: `{name} = \"10m\"` is ten minutes, \"10h\" ten hours"))
        }
        KeyKind::Threshold if matches!(text, "none" | "off" | "no" | "never" | "unlimited") => {
            Some(format!("write `{name} = \"0\"`: no limit"))
        }
        KeyKind::Threshold | KeyKind::Size => of_size(key, text),
        KeyKind::Time if name == "end" && text.starts_with("24") => Some(
            "a window to the end of the day ends at \"23:59\"; one that is always open has neither `start` nor `end`"
                .to_owned(),
        ),
        KeyKind::Time if window_in_one_time(text).is_some() => window_in_one_time(text)
            .map(|(start, end)| format!("a window stands in two keys: `start = {start:?}` and `end = {end:?}`")),
        KeyKind::Time => match text.strip_suffix(['Z', 'z']).and_then(likely_time) {
            Some(time) => Some(format!("write `{name} = {time:?}`, and beside it `time_zone = \"UTC\"`")),
            None => match text.split_once(' ') {
                Some((time, zone)) if zone.chars().all(|c| c.is_ascii_alphabetic()) && zone.len() > 2 => Some(format!(
                    "write `{name} = {:?}`, and beside it the zone by a place, as in `time_zone = \"Europe/Rome\"`",
                    likely_time(time)?
                )),
                _ => write(likely_time(text)?),
            },
        },
        _ => None,
    }
}

/// How a size or a share is written right. Nothing is offered that would be refused in its turn.
fn of_size(key: &Key, text: &str) -> Option<String> {
    let name = key.name;
    let text = text.trim_start_matches('-').trim_start();
    // A comma in front of one digit or two is a point, and else it may divide thousands.
    let text = match text.split_once(',') {
        Some((whole, rest))
            if rest.trim_start_matches(|c: char| c.is_ascii_digit()).len() + 3 > rest.len() =>
        {
            format!("{whole}.{rest}")
        }
        _ => text.to_owned(),
    };
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_lowercase();
    if number.is_empty() {
        return None;
    }
    if unit.starts_with('%') || unit.starts_with("per") || unit.starts_with("pct") {
        let share = format!("{number}%");
        let is_right = matches!(key.kind, KeyKind::Threshold) && share.parse::<Threshold>().is_ok();
        return is_right.then(|| format!("write `{name} = {share:?}`"));
    }
    let letter = unit.chars().next().filter(|letter| "kmgtp".contains(*letter))?;
    let letter = letter.to_ascii_uppercase();
    let size = format!("{number} {letter}iB");
    size.parse::<Bytes>()
        .is_ok()
        .then(|| format!("write `{name} = {size:?}`"))
}

/// A duration as a clock shows it, with its seconds: `00:30:00`. Of two numbers nobody knows which they are.
fn of_clock(text: &str) -> Option<String> {
    let numbers: Option<Vec<u32>> = text.split(':').map(|part| part.trim().parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() == 3)?;
    let parts = numbers
        .iter()
        .zip(["h", "m", "s"])
        .filter(|(number, _)| **number > 0);
    let words: Vec<String> = parts.map(|(number, unit)| format!("{number}{unit}")).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// A duration with a unit that others write, and that is none here.
fn with_known_unit(text: &str) -> Option<String> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_lowercase().trim_end_matches('.') {
        "mn" | "mins" | "minuten" => "m",
        "sek" | "secs" => "s",
        "hr" | "hrs" | "std" => "h",
        "tage" | "jours" | "giorni" => "d",
        _ => return None,
    };
    (!number.is_empty()).then(|| format!("{number}{unit}"))
}

/// A duration as ISO 8601 writes it: `PT1H30M`.
fn of_iso(text: &str) -> Option<String> {
    let upper = text.to_uppercase();
    let rest = upper.strip_prefix('P')?;
    let (days, times) = rest.split_once('T').unwrap_or((rest, ""));
    let is_of = |part: &str, units: &str| part.chars().all(|c| c.is_ascii_digit() || units.contains(c));
    let is_known = is_of(days, "DW") && is_of(times, "HMS") && !rest.is_empty();
    let spaced = format!("{days}{times}").to_lowercase();
    let spaced: String = spaced
        .chars()
        .flat_map(|c| [Some(c), c.is_alphabetic().then_some(' ')])
        .flatten()
        .collect();
    is_known.then(|| spaced.trim().to_owned())
}

/// What the key takes, by an example.
fn example(key: &Key) -> Option<String> {
    let example = key.example()?;
    Some(format!("write `{} = {example}`", key.name))
}

/// What a wait of no length is answered with.
fn no_limit(name: &str) -> String {
    format!("every wait has a limit; write a long one, such as `{name} = \"1h\"`")
}

/// A window in one text.
fn window(name: &str, text: &str) -> Option<String> {
    let Some((start, end)) = likely_window(text) else {
        return Some(from_one_time(name, &likely_time(text)?));
    };
    Some(format!(
        "write `{name} = {{ start = {start:?}, end = {end:?} }}`; `time_zone = \"Europe/Rome\"` may stand beside them"
    ))
}

/// Start and end, where both stand in the place of one time. `06,00` is one.
pub(super) fn window_in_one_time(text: &str) -> Option<(String, String)> {
    likely_window(text).filter(|_| text.contains([':', '-', '\u{2013}', '\u{2014}']))
}

/// A window of which one time is written alone.
fn from_one_time(name: &str, start: &str) -> String {
    let end = if start == "06:00" { "12:00" } else { "06:00" };
    format!("a window has a beginning and an end: `{name} = {{ start = {start:?}, end = {end:?} }}`, say")
}

/// What is meant by a word that is none of those that a key takes.
pub(super) fn of_choice(key: &Key, text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    if let KeyKind::ChoiceOrTable(_, table) = &key.kind
        && is(table, &WINDOW)
    {
        return match lower.as_str() {
            _ if is_always(&lower) => Some(format!("write `{} = \"none\"`: at any time", key.name)),
            "never" | "closed" => Some("write `enabled = false` for a plan that never runs".to_owned()),
            "weekend" | "weekends" | "weekdays" | "night" | "nightly" | "daily" | "business-hours" => {
                Some(format!(
                    "a window is a time of every day: `{} = {{ start = \"21:30\", end = \"06:30\" }}`; on which days a plan is run \
                 says who starts it",
                    key.name
                ))
            }
            _ => window(key.name, text),
        };
    }
    if key.name == "post_script_when" && matches!(lower.as_str(), "success" | "on-success" | "ok") {
        return Some(
            "there is none after a success alone: write `post_script_when = \"always\"`, and let the script ask \
             DPBACKUP_STATUS"
                .to_owned(),
        );
    }
    if key.name == "action"
        && matches!(
            lower.as_str(),
            "export-all" | "export-all-domains" | "all-domains"
        )
    {
        return Some(
            "write `action = \"export-domain\"`, and `domains = \"all-domains\"` for one export of all"
                .to_owned(),
        );
    }
    if key.name == "role" && ORDINARY.contains(&lower.as_str()) {
        return Some(
            "leave it out: only a spare has a role, and every other device is an ordinary one".to_owned(),
        );
    }
    let meant = OTHER_WORDS
        .iter()
        .find(|(name, words, _)| *name == key.name && words.contains(&lower.as_str()));
    meant.map(|(name, _, word)| format!("write `{name} = \"{word}\"`"))
}

/// Whether a text says that a window never closes.
fn is_always(text: &str) -> bool {
    const ALWAYS: [&str; 8] = ["always", "any", "anytime", "all", "off", "no", "none", "false"];
    ALWAYS.contains(&text.trim().to_lowercase().as_str())
}

fn is(table: &'static Table, other: &'static Table) -> bool {
    std::ptr::eq(table, other)
}

#[cfg(test)]
mod tests {
    use super::of_words;
    use crate::plan::keys::file::tables;

    #[test]
    fn what_is_offered_for_a_text_is_taken() {
        for (name, text, offered) in [
            ("min_free_store", "10 gigs", Some("10 GiB")),
            ("min_free_store", "-1 GiB", Some("1 GiB")),
            ("min_free_store", "5,5 GiB", Some("5.5 GiB")),
            ("min_free_store", "99999999999 TiB", None),
            ("min_free_store", "1,000 GB", None),
            ("keep_within", "30D", Some("30d")),
            ("keep_within", "4W", Some("4w")),
            ("keep_within", "6M", None),
        ] {
            let tables = tables();
            let key = tables.iter().find_map(|table| table.key(name)).expect("a key");
            let line = offered.map(|value| format!("write `{name} = {value:?}`"));
            assert_eq!(of_words(key, text), line, "{text}");
        }
    }
}
