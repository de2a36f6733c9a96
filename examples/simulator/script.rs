//! Faults as text, for the command line: `do-backup:2=close-in-body@1000`.

use std::fmt;
use std::time::Duration;

use super::fault::{Fault, FaultKind, Times};
use super::hostile::Bulk;
use super::kinds::KINDS;
use super::quiesce::When;

impl Fault {
    /// Reads `OPERATION[@DOMAIN][:TIMES]=KIND[@ARGUMENT]`. TIMES is `2` (the second), `2+` (the second
    /// and all after it) or `-2` (the first two); without it every request is struck. A TIME is
    /// `500ms`, `5s` or `2m`.
    pub fn parse(script: &str) -> Result<Fault, String> {
        let (selector, kind) = script
            .split_once('=')
            .ok_or_else(|| format!("'{script}' has no '=' between request and fault"))?;
        let (selector, times) = match selector.rsplit_once(':') {
            Some((selector, times)) => (selector, parse_times(times)?),
            None => (selector, Times::Every),
        };
        let (operation, domain) = match selector.split_once('@') {
            Some((operation, domain)) => (operation, Some(domain.to_owned())),
            None => (selector, None),
        };
        if operation.is_empty() {
            return Err(format!("'{script}' names no operation"));
        }
        Ok(Fault {
            operation: operation.to_owned(),
            domain,
            times,
            kind: FaultKind::parse(kind)?,
        })
    }
}

impl std::str::FromStr for Fault {
    type Err = String;

    fn from_str(script: &str) -> Result<Fault, String> {
        Fault::parse(script)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)?;
        if let Some(domain) = &self.domain {
            write!(f, "@{domain}")?;
        }
        match self.times {
            Times::Every => {}
            Times::Nth(n) => write!(f, ":{n}")?,
            Times::From(n) => write!(f, ":{n}+")?,
            Times::First(n) => write!(f, ":-{n}")?,
        }
        write!(f, "={}", self.kind)
    }
}

fn parse_times(text: &str) -> Result<Times, String> {
    let number = |digits: &str| {
        let n = digits
            .parse()
            .map_err(|_| format!("'{text}' is not a count: 2, 2+ or -2"))?;
        if n == 0 {
            Err("requests are counted from 1".to_owned())
        } else {
            Ok(n)
        }
    };
    match (text.strip_suffix('+'), text.strip_prefix('-')) {
        (Some(digits), _) => Ok(Times::From(number(digits)?)),
        (_, Some(digits)) => Ok(Times::First(number(digits)?)),
        _ => Ok(Times::Nth(number(text)?)),
    }
}

impl FaultKind {
    fn parse(text: &str) -> Result<FaultKind, String> {
        let (name, argument) = match text.split_once('@') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let takes = KINDS.iter().find(|kind| kind.0 == name).map(|kind| kind.1);
        match (takes, argument) {
            (None, _) => return Err(format!("there is no fault '{name}'")),
            (Some(""), Some(_)) => return Err(format!("'{name}' takes no argument")),
            (Some(takes), None) if takes.starts_with('@') => return Err(format!("'{name}' needs {takes}")),
            _ => {}
        }
        let number = || parse_number(argument.unwrap_or_default());
        let time = || argument.map(parse_time).transpose();
        let word = || argument.unwrap_or_default().to_owned();
        Ok(match name {
            "refuse" => FaultKind::Refuse(time()?),
            "close-in-body" => FaultKind::CloseInBody(number()?),
            "stall" => FaultKind::StallBeforeHead(time()?),
            "stall-in-body" => FaultKind::StallInBody(number()?),
            "trickle" => FaultKind::Trickle(time()?.unwrap_or_default()),
            "length-too-long" => FaultKind::LengthTooLong(number()?),
            "length-too-short" => FaultKind::LengthTooShort(number()?),
            "says-login" => FaultKind::SaysLogin {
                in_page: argument.is_some(),
            },
            "status" => FaultKind::Status(u16::try_from(number()?).map_err(|error| error.to_string())?),
            "content-type" => FaultKind::ContentType(word()),
            "redirect" => FaultKind::Redirect(word()),
            "deep-nesting" => {
                FaultKind::DeepNesting(u32::try_from(number()?).map_err(|error| error.to_string())?)
            }
            "hostile-name" => FaultKind::HostileName(argument.map(str::to_owned)),
            "error-log" => FaultKind::ErrorLog(argument.map(str::to_owned)),
            "ok-and-error-log" => FaultKind::OkAndErrorLog(argument.map(str::to_owned)),
            "fault-after" => FaultKind::FaultAfter(argument.map(str::to_owned)),
            "no-field" => FaultKind::NoField(word()),
            "hides-row" => FaultKind::HidesRow(word()),
            "two-rows" => FaultKind::TwoRows(word()),
            "bulk" => FaultKind::Bulk(Bulk::parse(&word())?),
            "late" => FaultKind::Late(parse_when(&word())?),
            "queued" => FaultKind::Queued(parse_when(&word())?),
            "spares" => FaultKind::Spares(parse_names(&word())),
            "only" => FaultKind::Only(parse_names(&word())),
            "quiesces-alone" => FaultKind::QuiescesAlone(word()),
            "unquiesces-alone" => FaultKind::UnquiescesAlone(word()),
            "object-fails" => FaultKind::ObjectFails(argument.map(str::to_owned)),
            "skips-object" => FaultKind::SkipsObject(argument.map(str::to_owned)),
            "file-fails" => FaultKind::FileFails(argument.map(str::to_owned)),
            "import-fails" => FaultKind::ImportFails(argument.map(str::to_owned)),
            "detected-errors" => FaultKind::DetectedErrors(argument.map(str::to_owned)),
            "results-say" => FaultKind::ResultsSay(word()),
            "removes-object" => FaultKind::RemovesObject(word()),
            "own-becomes" => FaultKind::OwnBecomes(word()),
            "another-serial" => FaultKind::AnotherSerial(word()),
            "another-firmware" => FaultKind::AnotherFirmware(word()),
            _ => FaultKind::samples()
                .into_iter()
                .chain(FaultKind::habits())
                .find(|kind| kind.name() == name)
                .ok_or_else(|| format!("there is no fault '{name}'"))?,
        })
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            FaultKind::Refuse(Some(time))
            | FaultKind::StallBeforeHead(Some(time))
            | FaultKind::Trickle(time) => {
                write!(f, "@{}ms", time.as_millis())
            }
            FaultKind::CloseInBody(bytes)
            | FaultKind::StallInBody(bytes)
            | FaultKind::LengthTooLong(bytes)
            | FaultKind::LengthTooShort(bytes) => write!(f, "@{bytes}"),
            FaultKind::ContentType(text)
            | FaultKind::Redirect(text)
            | FaultKind::HostileName(Some(text))
            | FaultKind::ErrorLog(Some(text))
            | FaultKind::OkAndErrorLog(Some(text))
            | FaultKind::FaultAfter(Some(text))
            | FaultKind::NoField(text)
            | FaultKind::HidesRow(text)
            | FaultKind::TwoRows(text)
            | FaultKind::ObjectFails(Some(text))
            | FaultKind::SkipsObject(Some(text))
            | FaultKind::FileFails(Some(text))
            | FaultKind::ImportFails(Some(text))
            | FaultKind::DetectedErrors(Some(text))
            | FaultKind::QuiescesAlone(text)
            | FaultKind::UnquiescesAlone(text)
            | FaultKind::ResultsSay(text)
            | FaultKind::RemovesObject(text)
            | FaultKind::OwnBecomes(text)
            | FaultKind::AnotherSerial(text)
            | FaultKind::AnotherFirmware(text) => write!(f, "@{text}"),
            FaultKind::Late(when) | FaultKind::Queued(when) => write!(f, "@{when}"),
            FaultKind::Spares(domains) | FaultKind::Only(domains) => write!(f, "@{}", domains.join("+")),
            FaultKind::Bulk(bulk) => write!(f, "@{bulk}"),
            FaultKind::DeepNesting(depth) => write!(f, "@{depth}"),
            FaultKind::Status(status) => write!(f, "@{status}"),
            _ => Ok(()),
        }
    }
}

fn parse_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("'{text}' is not a number"))
}

/// `10s`: after a time. `3`: when the third request after it comes.
pub(super) fn parse_when(text: &str) -> Result<When, String> {
    match text.parse() {
        Ok(requests) => Ok(When::Requests(requests)),
        Err(_) => parse_time(text).map(When::After),
    }
}

/// What a word of a table stands for.
pub(super) fn parse_word<T: Copy>(table: &[(T, &str)], text: &str) -> Result<T, String> {
    let known = table.iter().find(|known| known.1 == text);
    known.map(|known| known.0).ok_or_else(|| {
        let words: Vec<&str> = table.iter().map(|known| known.1).collect();
        format!("'{text}' is none of {}", words.join(", "))
    })
}

/// The word of a table for something.
pub(super) fn word_for<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> &'static str {
    let known = table.iter().find(|known| known.0 == *value);
    known.map_or("", |known| known.1)
}

/// `DOM1+DOM2`.
pub(super) fn parse_names(text: &str) -> Vec<String> {
    text.split('+').map(str::to_owned).collect()
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::After(time) => write!(f, "{}ms", time.as_millis()),
            When::Requests(count) => write!(f, "{count}"),
        }
    }
}

/// `500ms`, `5s`, `2m`.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let (digits, milliseconds) = if let Some(digits) = text.strip_suffix("ms") {
        (digits, 1)
    } else if let Some(digits) = text.strip_suffix('s') {
        (digits, 1_000)
    } else if let Some(digits) = text.strip_suffix('m') {
        (digits, 60_000)
    } else {
        return Err(format!("'{text}' is not a time: 500ms, 5s, 2m"));
    };
    Ok(Duration::from_millis(parse_number(digits)? * milliseconds))
}
