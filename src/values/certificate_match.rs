//! Whether two certificates are one, as far as is known of both.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::values::certificate_facts::CertificateFacts;

/// A serial number has 20 bytes at most: of a longer text nothing is read.
const MOST_DIGITS: usize = 100;

/// What the same moment may be apart where somebody writes it without its offset.
const OFFSET: SignedDuration = SignedDuration::from_hours(24);

/// Whether two certificates are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateMatch {
    /// They are: their SHA-256 is one.
    Same,
    /// They are two.
    Other,
    /// Nothing that is known of both differs, and that is not enough.
    NotKnown,
}

impl CertificateMatch {
    /// Compares what is known of both: SHA-256 where that is told, else subject, serial number and expiry,
    /// none of which can differ in one certificate.
    pub fn of(one: &CertificateFacts, other: &CertificateFacts) -> Self {
        if let (Some(one), Some(other)) = (&one.sha256, &other.sha256) {
            return match one == other {
                true => Self::Same,
                false => Self::Other,
            };
        }
        let differs = |one: &Option<String>, other: &Option<String>, same: fn(&str, &str) -> Option<bool>| {
            let both = one.as_deref().zip(other.as_deref());
            both.and_then(|(one, other)| same(one, other)) == Some(false)
        };
        let is_other = differs(&one.serial, &other.serial, is_same_number)
            || differs(&one.subject, &other.subject, is_same_name)
            || differs(&one.expiry, &other.expiry, is_same_moment);
        match is_other {
            true => Self::Other,
            false => Self::NotKnown,
        }
    }
}

/// Whether two serial numbers are one, whoever wrote them: in digits, or as hexadecimal ones with `0x`, colons
/// or blanks. `None` where either is neither.
fn is_same_number(one: &str, other: &str) -> Option<bool> {
    let (one, other) = (digits(one)?, digits(other)?);
    let decimal = |text: &str| number(text, 10);
    let hexadecimal = |text: &str| number(text, 16);
    Some(match (one, other) {
        (Digits::Plain(one), Digits::Plain(other)) => decimal(&one) == decimal(&other),
        (Digits::Hexadecimal(one), Digits::Hexadecimal(other)) => hexadecimal(&one) == hexadecimal(&other),
        // Hexadecimal digits may happen to be decimal ones.
        (Digits::Plain(plain), Digits::Hexadecimal(other))
        | (Digits::Hexadecimal(other), Digits::Plain(plain)) => {
            let other = hexadecimal(&other);
            decimal(&plain) == other || hexadecimal(&plain) == other
        }
    })
}

/// The digits of a number, as it is written.
enum Digits {
    /// Decimal ones, or hexadecimal ones that do not show it.
    Plain(String),
    /// Hexadecimal ones for certain.
    Hexadecimal(String),
}

fn digits(text: &str) -> Option<Digits> {
    // `4096 (0x1000)`
    let text = text.split('(').next().unwrap_or_default().trim();
    let bare = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    let is_separator = |c: char| c == ':' || c.is_whitespace();
    let digits: String = bare.chars().filter(|c| !is_separator(*c)).collect();
    let is_number =
        !digits.is_empty() && digits.len() <= MOST_DIGITS && digits.chars().all(|c| c.is_ascii_hexdigit());
    if !is_number {
        return None;
    }
    let is_plain = digits.len() == text.len() && digits.chars().all(|c| c.is_ascii_digit());
    Some(match is_plain {
        true => Digits::Plain(digits),
        false => Digits::Hexadecimal(digits),
    })
}

/// Its bytes, the lowest first, without zeros at the end.
fn number(digits: &str, radix: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for digit in digits.chars().filter_map(|c| c.to_digit(radix)) {
        let mut carry = digit;
        for byte in &mut bytes {
            carry += u32::from(*byte) * radix;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push(carry.to_le_bytes()[0]);
        }
    }
    bytes
}

/// Whether two subjects are one, in whatever order they are written (`CN=x, O=y`, `/O=y/CN=x`). `None` where they
/// tell different things, or in a way that can be read differently.
fn is_same_name(one: &str, other: &str) -> Option<bool> {
    if one == other {
        return Some(true);
    }
    let (one, other) = (parts(one)?, parts(other)?);
    match one.keys().eq(other.keys()) {
        true => Some(one == other),
        false => None,
    }
}

/// The values of a subject by their kinds.
fn parts(name: &str) -> Option<BTreeMap<String, Vec<String>>> {
    if !name.is_ascii() || name.contains(['\\', '"', '#', '+', '…']) {
        return None;
    }
    let (name, separator) = match name.strip_prefix('/') {
        Some(name) => (name, '/'),
        None => (name, ','),
    };
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in name.split(separator) {
        let (kind, value) = part.split_once('=')?;
        let kind = match kind.trim().to_ascii_uppercase().as_str() {
            "E" | "EMAIL" | "1.2.840.113549.1.9.1" => "EMAILADDRESS".to_owned(),
            "S" => "ST".to_owned(),
            kind => kind.to_owned(),
        };
        let value: Vec<&str> = value.split_whitespace().collect();
        parts
            .entry(kind)
            .or_default()
            .push(value.join(" ").to_ascii_lowercase());
    }
    parts.values_mut().for_each(|values| values.sort());
    Some(parts)
}

fn is_same_moment(one: &str, other: &str) -> Option<bool> {
    let (one, other): (Timestamp, Timestamp) = (one.parse().ok()?, other.parse().ok()?);
    Some(one.duration_since(other).abs() <= OFFSET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_known_in_each_of_its_forms() {
        for (one, other, same) in [
            ("4096", "4096", Some(true)),
            ("4096", "0004096", Some(true)),
            ("4096", "0x1000", Some(true)),
            ("4096 (0x1000)", "10:00", Some(true)),
            ("1000", "0x1000", Some(true)),
            ("0X0A:0b", "a0b", Some(true)),
            ("0a 0b", "2571", Some(true)),
            ("10", "16", Some(false)),
            ("4096", "4097", Some(false)),
            ("0x1000", "0x1001", Some(false)),
            (
                "363923405943419347924455815467127100510043781885",
                "3f",
                Some(false),
            ),
            ("-1", "1", None),
            ("", "1", None),
            ("not told", "1", None),
        ] {
            assert_eq!(is_same_number(one, other), same, "{one:?} {other:?}");
            assert_eq!(is_same_number(other, one), same, "{other:?} {one:?}");
        }
        assert_eq!(is_same_number(&"9".repeat(100_000), "9"), None);
    }

    #[test]
    fn a_subject_is_known_in_each_of_its_orders() {
        for (one, other, same) in [
            ("CN=x, O=y", "O=y,CN=x", Some(true)),
            ("/C=IT/O=A b/CN=x", "cn=X, o=a  B, c=it", Some(true)),
            ("E=a@b, CN=x", "emailAddress=a@b,CN=x", Some(true)),
            ("CN=x", "CN=y", Some(false)),
            ("CN=x, OU=a, OU=b", "CN=x, OU=a, OU=c", Some(false)),
            // Somebody may tell less of it.
            ("CN=x", "CN=x, O=y", None),
            ("CN=x\\, y", "CN=\"x, y\"", None),
            ("x", "y", None),
        ] {
            assert_eq!(is_same_name(one, other), same, "{one:?} {other:?}");
        }
    }

    fn facts(subject: Option<&str>, serial: Option<&str>, sha256: Option<&str>) -> CertificateFacts {
        CertificateFacts {
            subject: subject.map(str::to_owned),
            serial: serial.map(str::to_owned),
            sha256: sha256.map(str::to_owned),
            ..CertificateFacts::of("backup-cert")
        }
    }

    #[test]
    fn one_difference_is_enough_and_no_likeness_is() {
        let of = |one, other| CertificateMatch::of(&one, &other);
        let (x, y) = (Some("CN=x"), Some("CN=y"));
        let (one, two) = (Some("1"), Some("2"));
        for (left, right, expected) in [
            (facts(x, one, one), facts(y, two, one), CertificateMatch::Same),
            (facts(x, one, one), facts(x, one, two), CertificateMatch::Other),
            (facts(x, one, None), facts(x, two, one), CertificateMatch::Other),
            (facts(x, one, None), facts(y, one, None), CertificateMatch::Other),
            (
                facts(x, one, None),
                facts(x, one, None),
                CertificateMatch::NotKnown,
            ),
            (
                facts(None, None, one),
                facts(x, one, None),
                CertificateMatch::NotKnown,
            ),
            (
                facts(None, None, None),
                facts(x, one, one),
                CertificateMatch::NotKnown,
            ),
        ] {
            assert_eq!(of(left.clone(), right.clone()), expected, "{left:?} {right:?}");
        }
        let until = |expiry: &str| CertificateFacts {
            expiry: Some(expiry.to_owned()),
            ..facts(x, one, None)
        };
        let renewed = of(until("2027-01-01T00:00:00Z"), until("2030-01-01T00:00:00Z"));
        assert_eq!(renewed, CertificateMatch::Other);
        let offset = of(until("2027-01-01T00:00:00Z"), until("2027-01-01T05:00:00Z"));
        assert_eq!(offset, CertificateMatch::NotKnown);
    }
}
