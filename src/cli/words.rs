//! Single values that are typed: each parser answers in words of ours.

use std::time::Duration;

use jiff::civil;
use jiff::{Timestamp, Zoned};

use crate::run::status::Status;
use crate::values::device_pattern::DevicePatterns;
use crate::values::duration::{self, DurationError};
use crate::values::nearest::nearest;
use crate::values::pattern::PatternList;

/// Which execution is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionId {
    /// The one with this ID.
    Number(i64),
    /// The newest one.
    Last,
}

impl ExecutionId {
    /// The execution that `text` names, if it names one.
    pub fn of(text: &str) -> Option<Self> {
        match text {
            "last" | "latest" | "newest" => Some(Self::Last),
            _ => text.parse().ok().filter(|id| *id > 0).map(Self::Number),
        }
    }
}

/// A start of time, relative ones not resolved yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(Duration),
    /// At this moment.
    At(Timestamp),
    /// At this time on the machine's clock, or in UTC where times are.
    Civil(civil::DateTime),
    /// When the day began that was so many days ago: 0 is today.
    DayAgo(u8),
}

impl Since {
    /// The start of time that `text` names, if it names one.
    pub fn of(text: &str) -> Option<Self> {
        parse_since(text).ok()
    }
}

pub(super) fn parse_id(text: &str) -> Result<ExecutionId, String> {
    ExecutionId::of(text).ok_or_else(|| {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            "there is no ID like this: they begin with 1, and the table one level above has them".to_owned()
        } else {
            "give an ID, which the table one level above has, or `last`".to_owned()
        }
    })
}

pub(super) fn parse_pattern(text: &str) -> Result<PatternList, String> {
    PatternList::from_items([text]).map_err(|error| error.to_string())
}

/// Devices by their names or tags, as in the plan file.
pub(super) fn parse_devices(text: &str) -> Result<DevicePatterns, String> {
    DevicePatterns::from_items([text]).map_err(|error| error.to_string())
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text).map_err(|error| error.to_string())
}

/// How old something may be, by the rule of all that goes back from now; a number alone is most likely hours.
pub(super) fn parse_age(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Err(DurationError::NoUnit(number)) => Err(format!(
            "{number} has no unit: write \"{number}h\" for hours or \"{number}d\" for days"
        )),
        _ => parse_span(text),
    }
}

/// How long ago something may be, in days and weeks: `m` is minutes here and months elsewhere.
pub(super) fn parse_span(text: &str) -> Result<Duration, String> {
    span(text).map_err(|error| match error {
        DurationError::Endless(_) => {
            "an age is a number with its unit, such as \"30d\" or \"400d\"".to_owned()
        }
        error => error.to_string(),
    })
}

/// The same as in the plan file, and nothing at all: now is a time, too.
fn span(text: &str) -> Result<Duration, DurationError> {
    match duration::parse_span(text) {
        Err(DurationError::Zero) => Ok(Duration::ZERO),
        parsed => parsed,
    }
}

pub(super) fn parse_limit(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(limit) if limit > 0 => Ok(limit),
        _ => Err(format!("give a whole number from 1 to {}", u32::MAX)),
    }
}

pub(super) fn parse_status(text: &str) -> Result<Status, String> {
    let wanted = text.trim().to_ascii_uppercase().replace(['-', ' '], "_");
    wanted.parse().map_err(|_| {
        let codes = Status::ALL.iter().map(|(_, code, _)| *code);
        let other_word = match wanted.as_str() {
            "OK" | "GOOD" | "SUCCEEDED" | "DONE" => Some(Status::Success.code()),
            "ERROR" | "ERRORS" | "FAIL" | "FAILURE" | "BAD" => Some(Status::Failed.code()),
            "WARNING" | "WARNINGS" | "WARN" | "PARTIAL" => Some(Status::CompletedWithWarnings.code()),
            _ => None,
        };
        let like = codes_like(&wanted);
        if wanted.contains(',') {
            return "one status at a time".to_owned();
        }
        match other_word.or_else(|| nearest(&wanted, codes)) {
            Some(near) => format!("no status has this name; did you mean {near}?"),
            None if !like.is_empty() => {
                format!(
                    "no status has this name; those that are like it: {}",
                    like.join(", ")
                )
            }
            None => {
                "no status has this name; a plan ends SUCCESS, COMPLETED_WITH_WARNINGS, FAILED, INTERRUPTED, \
                     ABANDONED or LOCKED, and docs/history.md lists them all"
                    .to_owned()
            }
        }
    })
}

/// The codes that a word is a part of, or the beginning of one of its words.
fn codes_like(word: &str) -> Vec<&'static str> {
    let stem = word
        .strip_suffix("ED")
        .or_else(|| word.strip_suffix("ING"))
        .unwrap_or(word);
    let codes = || Status::ALL.iter().map(|(_, code, _)| *code);
    let having = |part: &str| {
        codes()
            .filter(|code| part.len() > 3 && code.contains(part))
            .collect()
    };
    let whole: Vec<&'static str> = having(word);
    match whole.is_empty() {
        true => having(stem),
        false => whole,
    }
}

/// A moment, a date, a day or a duration back from now.
pub(super) fn parse_since(text: &str) -> Result<Since, String> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "today" => return Ok(Since::DayAgo(0)),
        "yesterday" => return Ok(Since::DayAgo(1)),
        _ => {}
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Since::At(at));
    }
    // A zone in brackets holds, and is not the machine's.
    if let Ok(at) = text.parse::<Zoned>() {
        return Ok(Since::At(at.timestamp()));
    }
    if let Ok(at) = text.parse::<civil::DateTime>()
        && !text.contains('[')
    {
        // What is further away than this is no moment in some zones.
        return match (-9_998..=9_998).contains(&at.year()) {
            true => Ok(Since::Civil(at)),
            false => Err("no clock goes so far; without --since it is about all that is known".to_owned()),
        };
    }
    // "3 days ago" is 3 days, and so is "last 3 days".
    let span = text.strip_suffix(" ago").or_else(|| text.strip_prefix("last "));
    self::span(span.unwrap_or(text)).map(Since::Ago).map_err(|error| match error {
        // What reached back six minutes where six months were meant shows nothing, and nothing is wrong.
        DurationError::ReadOtherwise(_) => error.to_string(),
        DurationError::TooLong => "it is too far back: 36525d, a hundred years, is the most".to_owned(),
        DurationError::NoUnit(number) | DurationError::NoSpan(number) if is_count(text) => {
            let number = number.split(' ').next().unwrap_or_default();
            format!("{number} has no unit: write \"{number}d\" for days or \"{number}h\" for hours, or a date (2026-11-22)")
        }
        _ if is_no_day(text) => "the calendar has no such day".to_owned(),
        _ => "give a date (2026-11-22), a time (2026-11-22T08:30), `yesterday`, or a duration back from now (36h, 7d)"
            .to_owned(),
    })
}

/// Whether a text has the form of a date, which it is not: the 30th of February.
fn is_no_day(text: &str) -> bool {
    let (day, _) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    let form = day.bytes();
    let form = form.map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    form.eq(*b"0000-00-00") && day.parse::<civil::Date>().is_err()
}

/// Whether a text is a number that can be one of days.
fn is_count(text: &str) -> bool {
    text.len() < 4 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        ExecutionId, Since, parse_age, parse_id, parse_limit, parse_since, parse_span, parse_status,
    };
    use crate::run::status::Status;

    #[test]
    fn a_beginning_of_time_is_a_moment_a_date_a_day_or_a_duration() {
        let ago = |hours: u64| Ok(Since::Ago(Duration::from_secs(hours * 3600)));
        assert_eq!(parse_since("36h"), ago(36));
        assert_eq!(parse_since("3 days ago"), ago(72));
        assert_eq!(parse_since("last 2 days"), ago(48));
        assert_eq!(parse_since("Yesterday"), Ok(Since::DayAgo(1)));
        assert_eq!(parse_since("today"), Ok(Since::DayAgo(0)));
        assert!(matches!(parse_since("2026-11-22"), Ok(Since::Civil(_))));
        assert!(matches!(parse_since("2026-11-22 08:30"), Ok(Since::Civil(_))));
        assert!(matches!(parse_since("2026-11-22T08:30:00Z"), Ok(Since::At(_))));
        for text in ["6m", "3m ago", "1d 6m"] {
            let why = parse_since(text).expect_err(text);
            assert!(why.contains("months") && why.contains("\"min\""), "{text}: {why}");
        }
        assert_eq!(parse_since("90min"), Ok(Since::Ago(Duration::from_secs(5_400))));
        let why = parse_since("2026-02-30").expect_err("no day");
        assert_eq!(why, "the calendar has no such day");
        let why = parse_since("7").expect_err("no unit");
        assert!(why.starts_with("7 has no unit: write \"7d\""), "{why}");
        for text in ["monday", "22.11.2026", "", "2030"] {
            let why = parse_since(text).expect_err(text);
            assert!(why.starts_with("give a date (2026-11-22)"), "{text}: {why}");
        }
    }

    #[test]
    fn a_zone_in_brackets_holds_and_what_no_clock_reaches_is_said_in_words() {
        let moment = |text: &str| Ok(Since::At(text.parse().expect("a moment")));
        for text in [
            "2026-11-26T15:40:22[Europe/Rome]",
            "2026-11-26T15:40:22+01:00[Europe/Rome]",
        ] {
            assert_eq!(parse_since(text), moment("2026-11-26T14:40:22Z"), "{text}");
        }
        for text in ["2026-11-26T15:40:22[Nowhere/Land]", "2026-11-26[x"] {
            let why = parse_since(text).expect_err(text);
            assert!(why.starts_with("give a date"), "{text}: {why}");
        }
        for text in ["9999-12-31", "9999-01-01 08:00"] {
            let why = parse_since(text).expect_err(text);
            assert!(why.starts_with("no clock goes so far"), "{text}: {why}");
        }
        let why = parse_since("99999d").expect_err("a long time");
        assert!(why.starts_with("it is too far back"), "{why}");
    }

    #[test]
    fn all_that_goes_back_from_now_takes_minutes_by_one_rule() {
        for parse in [parse_age, parse_span, |text: &str| match parse_since(text)? {
            Since::Ago(duration) => Ok(duration),
            other => Err(format!("{other:?}")),
        }] {
            let why = parse("1m").expect_err("months elsewhere");
            assert!(why.contains("months") && why.contains("\"min\""), "{why}");
            assert_eq!(parse("90min"), Ok(Duration::from_secs(5_400)));
            assert_eq!(parse("26h"), Ok(Duration::from_secs(26 * 3_600)));
        }
        assert_eq!(
            parse_age("26"),
            Err("26 has no unit: write \"26h\" for hours or \"26d\" for days".to_owned())
        );
    }

    #[test]
    fn an_execution_is_a_number_or_the_last_one() {
        assert_eq!(parse_id("12"), Ok(ExecutionId::Number(12)));
        assert_eq!(parse_id("last"), Ok(ExecutionId::Last));
        for (text, words) in [
            ("QA1", "give an ID"),
            ("-1", "give an ID"),
            ("", "give an ID"),
            ("0", "there is no ID like this"),
            ("99999999999999999999", "there is no ID like this"),
        ] {
            let why = parse_id(text).expect_err(text);
            assert!(why.starts_with(words), "{text}: {why}");
        }
    }

    #[test]
    fn a_status_is_taken_as_people_type_it_and_a_slip_finds_its_code() {
        assert_eq!(parse_status("failed"), Ok(Status::Failed));
        assert_eq!(
            parse_status("completed with warnings"),
            Ok(Status::CompletedWithWarnings)
        );
        let why = parse_status("FIALED").expect_err("none");
        assert!(why.ends_with("did you mean FAILED?"), "{why}");
        for (word, code) in [
            ("SKIPPED", "SKIPPED_DEVICE_NOT_AVAILABLE"),
            ("cert_doesnt_exist", "CERT_DOESNT_EXIST_ON_DEVICE"),
            ("quiesced", "DOMAIN_ALREADY_QUIESCED"),
        ] {
            let why = parse_status(word).expect_err(word);
            assert!(why.contains("like it: ") && why.contains(code), "{word}: {why}");
        }
        let why = parse_status("green").expect_err("none");
        assert!(why.contains("SUCCESS, COMPLETED_WITH_WARNINGS"), "{why}");
    }

    #[test]
    fn a_number_of_rows_is_above_zero() {
        assert_eq!(parse_limit("40"), Ok(40));
        for text in ["0", "-1", "all", "4294967296", "1.5"] {
            let why = parse_limit(text).expect_err(text);
            assert!(why.starts_with("give a whole number from 1"), "{text}: {why}");
        }
    }
}
