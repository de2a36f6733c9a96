//! Sizes in bytes, and thresholds of free space.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A number of bytes. Displayed as people read it: `512 B`, `1.4 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// How much must be free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// A share of the whole file system, in percent (0 to 100).
    Share(f64),
    /// A size in bytes.
    Size(u64),
}

/// Why a text is neither a size nor a share.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SizeError {
    /// No number at the beginning.
    #[error("expected a size such as \"5 GiB\" or \"500 MB\"")]
    NotANumber,
    /// A unit that is none of ours.
    #[error("unknown unit {0:?}: write B, kB, MB, GB, TB or KiB, MiB, GiB, TiB")]
    UnknownUnit(String),
    /// So few bytes that a unit is missing.
    #[error("{0} bytes are next to nothing: write the unit, such as \"{0} GiB\" or \"{0} MB\"")]
    NoUnit(String),
    /// The same where a share is possible too.
    #[error("{0} bytes are next to nothing: write \"{0}%\" for a share, or the unit, such as \"{0} GiB\"")]
    NoUnitNorPercent(String),
    /// A share as a part of one.
    #[error("{0:?} is a share without its sign: write {1:?}")]
    PartOfOne(String, String),
    /// More than 2^64 - 1 bytes.
    #[error("the size is too large")]
    TooLarge,
    /// Zero, where it makes no sense.
    #[error("zero is no limit: nothing could be stored")]
    Zero,
    /// A share above the whole.
    #[error("a share lies between 0% and 100%")]
    ShareOutOfRange,
}

/// The units with their size, as written in messages. Case does not count.
const UNITS: [(&str, u64); 12] = [
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
];

/// A number without a unit is one of bytes; below this, whoever wrote it had something else in mind.
const LEAST_WITHOUT_UNIT: u64 = 1_000_000;

impl Threshold {
    /// The bytes that must be free where `total_bytes` is the size of the file system.
    pub fn required(self, total_bytes: u64) -> u64 {
        match self {
            // Rounded up; beyond 2^53 bytes (8 PiB) exact to one part in 2^53.
            Self::Share(percent) => (total_bytes as f64 * percent / 100.0).ceil() as u64,
            Self::Size(bytes) => bytes,
        }
    }

    /// Whether `free_bytes` of `total_bytes` are enough.
    pub fn is_met(self, free_bytes: u64, total_bytes: u64) -> bool {
        free_bytes >= self.required(total_bytes)
    }
}

impl FromStr for Threshold {
    type Err = SizeError;

    /// Reads `10%`, or a size as [`Bytes`] does.
    fn from_str(text: &str) -> Result<Self, SizeError> {
        let Some(number) = text.trim().strip_suffix('%') else {
            return match text.parse() {
                Ok(Bytes(bytes)) => Ok(Self::Size(bytes)),
                Err(SizeError::NoUnit(number)) => Err(match share_of_part(&number) {
                    Some(share) => SizeError::PartOfOne(number, share),
                    None if may_be_percent(&number) => SizeError::NoUnitNorPercent(number),
                    None => SizeError::NoUnit(number),
                }),
                Err(error) => Err(error),
            };
        };
        let number = number.trim_end();
        if !number.starts_with(|c: char| c.is_ascii_digit()) || number.contains(is_not_of_a_number) {
            return Err(SizeError::NotANumber);
        }
        let percent: f64 = number.parse().map_err(|_| SizeError::NotANumber)?;
        if percent > 100.0 {
            Err(SizeError::ShareOutOfRange)
        } else {
            Ok(Self::Share(percent))
        }
    }
}

/// Whether a bare number can be meant as a share in percent.
fn may_be_percent(number: &str) -> bool {
    number.parse().is_ok_and(|percent: f64| percent <= 100.0)
}

/// What a share is in percent that is written as a part of one: `0.25`.
pub fn share_of_part(number: &str) -> Option<String> {
    let part: f64 = number.parse().ok().filter(|_| number.contains('.'))?;
    let percent = (part * 1e6).round() / 1e4;
    (part > 0.0 && part <= 1.0).then(|| format!("{percent}%"))
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(percent) => write!(f, "{percent}%"),
            Self::Size(bytes) => Bytes(*bytes).fmt(f),
        }
    }
}

impl FromStr for Bytes {
    type Err = SizeError;

    /// Reads `500 MB` (powers of 1000), `1.5 GiB` (powers of 1024), and `5368709120` (bytes).
    fn from_str(text: &str) -> Result<Self, SizeError> {
        let text = text.trim();
        let (number, unit) = text.split_at(text.find(is_not_of_a_number).unwrap_or(text.len()));
        let unit = unit.trim_start();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        // 18 digits behind the point are more than a byte of the largest unit needs.
        if !digits(whole) || !digits(fraction) || fraction.len() > 18 {
            return Err(SizeError::NotANumber);
        }
        let &(_, factor) = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .ok_or_else(|| SizeError::UnknownUnit(unit.to_owned()))?;
        let whole: u64 = whole.parse().map_err(|_| SizeError::TooLarge)?;
        let parts: u128 = fraction.parse().map_err(|_| SizeError::NotANumber)?;
        let scale = 10_u128.pow(fraction.len() as u32);
        let bytes = u128::from(whole) * u128::from(factor) + parts * u128::from(factor) / scale;
        let bytes = u64::try_from(bytes).map_err(|_| SizeError::TooLarge)?;
        // No bytes at all are a word of their own, and a part of one is none.
        let is_next_to_nothing = match bytes {
            0 => number.contains('.'),
            bytes => bytes < LEAST_WITHOUT_UNIT,
        };
        match unit.is_empty() && is_next_to_nothing {
            true => Err(SizeError::NoUnit(number.to_owned())),
            false => Ok(Self(bytes)),
        }
    }
}

fn is_not_of_a_number(c: char) -> bool {
    !(c.is_ascii_digit() || c == '.')
}

impl fmt::Display for Bytes {
    /// One digit behind the point, powers of 1024; what is below 1 KiB in bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut value = self.0 as f64 / 1024.0;
        let mut names = NAMES.iter();
        let mut name = names.next();
        // 1023.95 would be printed as 1024.0: it is one of the next unit.
        while value >= 1023.95 {
            value /= 1024.0;
            name = names.next();
        }
        write!(f, "{value:.1} {}", name.unwrap_or(&"EiB"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, SizeError, Threshold};
    use proptest::prelude::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [
            ("0", 0),
            ("1000000", 1_000_000),
            ("123 B", 123),
            ("500 MB", 500_000_000),
            ("5 GiB", 5 << 30),
            ("5gib", 5 << 30),
            (" 1.5 KiB ", 1536),
            ("0.001 kB", 1),
            ("2TB", 2_000_000_000_000),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_its_reason() {
        for text in ["", "GiB", "-1", ".5 GiB", "1. GiB", "1.2.3", "five", "+5"] {
            assert_eq!(text.parse::<Bytes>(), Err(SizeError::NotANumber), "{text}");
        }
        for (text, unit) in [
            ("5 G", "G"),
            ("5 GiBs", "GiBs"),
            ("1e9", "e9"),
            ("1,5 GB", ",5 GB"),
        ] {
            assert_eq!(
                text.parse::<Bytes>(),
                Err(SizeError::UnknownUnit(unit.into())),
                "{text}"
            );
        }
        for text in ["1", "10", "999999", "1.5"] {
            assert_eq!(text.parse::<Bytes>(), Err(SizeError::NoUnit(text.into())));
            let refused = text.parse::<Threshold>();
            let expected = match text {
                // No share is so large, and none is proposed.
                "999999" => SizeError::NoUnit(text.into()),
                _ => SizeError::NoUnitNorPercent(text.into()),
            };
            assert_eq!(refused, Err(expected));
        }
        for text in ["18446744073709551616", "99999999999 PiB", "16384 PiB"] {
            assert_eq!(text.parse::<Bytes>(), Err(SizeError::TooLarge), "{text}");
        }
    }

    #[test]
    fn a_share_that_is_written_as_a_part_of_one_is_no_number_of_bytes() {
        for (text, percent) in [
            ("0.25", "25%"),
            ("0.1", "10%"),
            ("1.0", "100%"),
            ("0.125", "12.5%"),
        ] {
            let refused = text.parse::<Threshold>();
            assert_eq!(refused, Err(SizeError::PartOfOne(text.into(), percent.into())));
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
        assert_eq!("0".parse(), Ok(Threshold::Size(0)));
        assert!("0.0".parse::<Threshold>().is_err());
    }

    #[test]
    fn a_threshold_is_a_share_or_a_size() {
        assert_eq!("10%".parse(), Ok(Threshold::Share(10.0)));
        assert_eq!(" 12.5 % ".parse(), Ok(Threshold::Share(12.5)));
        assert_eq!("100%".parse(), Ok(Threshold::Share(100.0)));
        assert_eq!("1 KiB".parse(), Ok(Threshold::Size(1024)));
        assert_eq!("101%".parse::<Threshold>(), Err(SizeError::ShareOutOfRange));
        for text in ["%", "-1%", "inf%", "NaN%", "1e1%", "10%%"] {
            assert_eq!(text.parse::<Threshold>(), Err(SizeError::NotANumber), "{text}");
        }
        assert_eq!(Threshold::Share(12.5).to_string(), "12.5%");
        assert_eq!(Threshold::Size(5 << 30).to_string(), "5.0 GiB");
    }

    #[test]
    fn a_share_is_of_the_whole_and_exactly_enough_is_enough() {
        let tenth = Threshold::Share(10.0);
        assert_eq!(tenth.required(1_000), 100);
        assert_eq!(tenth.required(1_001), 101);
        assert!(tenth.is_met(100, 1_000));
        assert!(!tenth.is_met(99, 1_000));
        assert!(Threshold::Size(5).is_met(5, 1));
        assert!(!Threshold::Size(5).is_met(4, 1_000));
        assert!(Threshold::Share(0.0).is_met(0, 0));
        assert_eq!(Threshold::Share(100.0).required(u64::MAX), u64::MAX);
    }

    #[test]
    fn bytes_are_shown_as_people_read_them() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (1_503_238_553, "1.4 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_near_to_what_it_was(bytes in 0..(1_u64 << 59)) {
            let Ok(Bytes(back)) = Bytes(bytes).to_string().parse() else {
                return Err(TestCaseError::fail("not read back"));
            };
            prop_assert!(back.abs_diff(bytes) as f64 <= bytes as f64 * 0.06);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<Threshold>();
        }
    }
}
