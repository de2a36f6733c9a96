//! Durations as people write and read them.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// The longest duration that is accepted: a hundred years, so that sums cannot overflow.
pub const LONGEST: Duration = Duration::from_secs(100 * 36_525 * 864);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DurationError {
    /// Nothing there.
    #[error("expected a duration such as \"90s\" or \"1h 30m\"")]
    Empty,
    /// A number without a unit.
    #[error("{0} has no unit: write \"{0}s\" for seconds or \"{0}m\" for minutes")]
    NoUnit(String),
    /// A unit whose length depends on the calendar, or a slip for minutes.
    #[error(
        "{0:?} is a month or a year, which have no fixed length: write days (\"d\"), or \"m\" for minutes"
    )]
    MonthOrYear(String),
    /// A unit that is none of ours.
    #[error("unknown unit {0:?}: write ms, s, m, h, d or w")]
    UnknownUnit(String),
    /// Zero, where nothing would be left.
    #[error("zero keeps nothing: write how long, such as \"30d\"")]
    NothingKept,
    /// Zero, where it makes no sense.
    #[error("zero is no limit")]
    Zero,
    /// A unit that other tools take for another one, where it would decide what is removed.
    #[error(
        "\"m\" in {0:?} is minutes here, and months where restic and borg read it: write \"min\" for minutes, or days (\"30d\" for a month)"
    )]
    ReadOtherwise(String),
    /// No span of time to keep something for, in words.
    #[error("{0}: write days (\"180d\" for six months) or weeks (\"26w\")")]
    NoSpan(String),
    /// More than [`LONGEST`].
    #[error("the duration is too long")]
    TooLong,
    /// A word for no limit at all.
    #[error("{0:?} is no limit, and every wait has one: write a long one, such as \"24h\"")]
    Endless(String),
    /// Anything else.
    #[error("{0:?} is no duration: write numbers with their units, such as \"90s\" or \"1h 30m\"")]
    Malformed(String),
}

/// Reads a duration: `90s`, `1h 30m`, `1.5h`, `2d`, `250ms`.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DurationError::NoUnit(text.to_owned()));
    }
    let units = text.split(|c: char| !c.is_alphabetic());
    if let Some(unit) = units.into_iter().find(|unit| is_month_or_year(unit)) {
        return Err(DurationError::MonthOrYear(unit.to_owned()));
    }
    // humantime adds up in u64 and panics when the sum overflows in one rare way. Numbers
    // of twelve digits in a text of this length cannot come near it.
    let long_number = text
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() > 12);
    if text.len() > 64 || long_number {
        return Err(DurationError::TooLong);
    }
    let duration = humantime::parse_duration(text).map_err(|error| match error {
        humantime::DurationError::UnknownUnit { unit, value, .. } if unit.is_empty() => {
            DurationError::NoUnit(value.to_string())
        }
        humantime::DurationError::UnknownUnit { unit, .. } => DurationError::UnknownUnit(unit),
        humantime::DurationError::NumberOverflow => DurationError::TooLong,
        _ => match text.to_ascii_lowercase().as_str() {
            "forever" | "always" | "never" | "infinite" | "infinity" | "inf" | "unlimited" | "none"
            | "off" => DurationError::Endless(text.to_owned()),
            _ => DurationError::Malformed(text.to_owned()),
        },
    })?;
    if duration > LONGEST {
        Err(DurationError::TooLong)
    } else {
        Ok(duration)
    }
}

/// Reads a duration that must not be zero.
pub fn parse_positive(text: &str) -> Result<Duration, DurationError> {
    match parse(text) {
        Ok(Duration::ZERO) => Err(DurationError::Zero),
        // A unit would not make it a limit.
        Err(DurationError::NoUnit(number)) if number.bytes().all(|digit| digit == b'0') => {
            Err(DurationError::Zero)
        }
        other => other,
    }
}

/// Reads how long something is kept: `30d`, `26w`, `36h`. A unit that other tools read otherwise
/// is refused, and none is offered: what was meant as six months would go after six minutes.
pub fn parse_span(text: &str) -> Result<Duration, DurationError> {
    let mut units = text.split(|c: char| !c.is_alphabetic());
    if units.any(|unit| unit == "m") {
        return Err(DurationError::ReadOtherwise(text.trim().to_owned()));
    }
    parse_positive(text).map_err(|error| match error {
        DurationError::Empty => DurationError::NoSpan("nothing stands there".to_owned()),
        DurationError::NoUnit(number) => DurationError::NoSpan(format!("{number} has no unit")),
        DurationError::UnknownUnit(unit) if is_small_one(&unit) => DurationError::NoSpan(format!(
            "units are written in small letters, and {unit:?} is none"
        )),
        DurationError::MonthOrYear(unit) | DurationError::UnknownUnit(unit) => {
            DurationError::NoSpan(format!("{unit:?} is no unit of a fixed length"))
        }
        other => other,
    })
}

/// Whether a unit is one of ours, written in large letters.
fn is_small_one(unit: &str) -> bool {
    parse(&format!("1{}", unit.to_lowercase())).is_ok()
}

fn is_month_or_year(unit: &str) -> bool {
    matches!(
        unit,
        "M" | "month" | "months" | "y" | "yr" | "yrs" | "year" | "years"
    )
}

/// Shows a duration in its two largest units: `3m 20s`, `26h` as `1d 2h`, `450ms`.
///
/// What is smaller is left out, never rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HumanDuration(pub Duration);

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (large, small) = match seconds {
            0 if self.0.subsec_millis() > 0 => return write!(f, "{}ms", self.0.subsec_millis()),
            0..60 => return write!(f, "{seconds}s"),
            60..3_600 => ((seconds / 60, "m"), (seconds % 60, "s")),
            3_600..86_400 => ((seconds / 3_600, "h"), (seconds % 3_600 / 60, "m")),
            _ => ((seconds / 86_400, "d"), (seconds % 86_400 / 3_600, "h")),
        };
        write!(f, "{}{}", large.0, large.1)?;
        if small.0 > 0 {
            write!(f, " {}{}", small.0, small.1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{DurationError, HumanDuration, parse, parse_positive, parse_span};
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("60s", 60_000),
            ("3m", 180_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("24h", 86_400_000),
            ("2 days", 172_800_000),
            ("1w", 604_800_000),
            ("250ms", 250),
            (" 10s ", 10_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_reason() {
        for (text, error) in [
            ("", DurationError::Empty),
            ("60", DurationError::NoUnit("60".into())),
            ("0", DurationError::NoUnit("0".into())),
            ("1h 30", DurationError::NoUnit("30".into())),
            ("1M", DurationError::MonthOrYear("M".into())),
            ("2 months", DurationError::MonthOrYear("months".into())),
            ("1h1y", DurationError::MonthOrYear("y".into())),
            ("5 parsecs", DurationError::UnknownUnit("parsecs".into())),
            ("1S", DurationError::UnknownUnit("S".into())),
            ("99999999999999s", DurationError::TooLong),
            ("36526d", DurationError::TooLong),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        for text in ["s", "-5s", "soon", "1h:30m", "5,5h"] {
            assert_eq!(parse(text), Err(DurationError::Malformed(text.into())), "{text}");
        }
        for text in ["forever", "Never", "infinite"] {
            assert_eq!(parse(text), Err(DurationError::Endless(text.into())), "{text}");
        }
    }

    #[test]
    fn units_that_other_tools_read_otherwise_do_not_decide_what_is_removed() {
        for text in ["6m", " 6m ", "1d 6m", "6m1d", "1.5m", "6 m"] {
            let trimmed = text.trim().to_owned();
            assert_eq!(
                parse_span(text),
                Err(DurationError::ReadOtherwise(trimmed)),
                "{text}"
            );
        }
        let error = parse_span("6m").expect_err("refused").to_string();
        assert!(
            error.contains("months") && error.contains("\"min\"") && error.contains("30d"),
            "{error}"
        );
        for text in [
            "6M", "6mo", "6mon", "6months", "1y", "1Y", "1 year", "6", "", "30",
        ] {
            let error = parse_span(text).expect_err(text).to_string();
            assert!(
                error.ends_with("write days (\"180d\" for six months) or weeks (\"26w\")"),
                "{text}: {error}"
            );
        }
        for text in ["30D", "4W"] {
            let error = parse_span(text).expect_err(text).to_string();
            assert!(error.starts_with("units are written in small letters"), "{error}");
        }
        for (text, seconds) in [
            ("6min", 360),
            ("90 minutes", 5_400),
            ("36h", 129_600),
            ("30d", 2_592_000),
            ("4w", 2_419_200),
        ] {
            assert_eq!(parse_span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn zero_is_refused_where_it_is_no_limit() {
        assert_eq!(parse_positive("0"), Err(DurationError::Zero));
        assert_eq!(parse_positive("0s"), Err(DurationError::Zero));
        assert_eq!(parse_positive("0h 0m"), Err(DurationError::Zero));
        assert_eq!(parse_positive("1ms"), Ok(Duration::from_millis(1)));
    }

    #[test]
    fn the_sum_that_overflows_in_the_library_is_refused_before() {
        assert_eq!(
            parse("18446744073709551615s 1000000000ns"),
            Err(DurationError::TooLong)
        );
    }

    #[test]
    fn a_duration_is_shown_in_its_two_largest_units() {
        for (millis, shown) in [
            (0, "0s"),
            (450, "450ms"),
            (1_500, "1s"),
            (59_999, "59s"),
            (60_000, "1m"),
            (200_000, "3m 20s"),
            (3_600_000, "1h"),
            (3_620_000, "1h"),
            (5_400_000, "1h 30m"),
            (93_600_000, "1d 2h"),
        ] {
            assert_eq!(HumanDuration(Duration::from_millis(millis)).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9]{0,20}[a-z ]{0,3}[0-9.]{0,20}[a-zM]{0,2}") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_shown_reads_back_but_for_less_than_its_smallest_unit(seconds in 0..4_000_000_u64) {
            let shown = HumanDuration(Duration::from_secs(seconds)).to_string();
            let back = parse(&shown).expect("a duration");
            prop_assert_eq!(HumanDuration(back).to_string(), shown.as_str());
            let left_out = seconds - back.as_secs();
            let of_it = if seconds < 3_600 { 1 } else if seconds < 86_400 { 60 } else { 3_600 };
            prop_assert!(left_out < of_it, "{seconds}s is shown as {shown}");
        }
    }
}
