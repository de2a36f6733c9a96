//! Faults as text, for the command line: `do-backup:2=close-in-body@1000`.

use std::fmt;
use std::time::Duration;

use super::fault::{Fault, FaultKind, Times};

/// Every kind by its name in a script: the name, the argument it takes, and what it does.
pub const KINDS: [(&str, &str, &str); 53] = [
    ("refuse", "[@TIME]", "close the listener, for good or for a time"),
    ("reset", "", "TCP reset"),
    (
        "close",
        "",
        "close the connection before the reply; the request is not carried out",
    ),
    ("close-in-body", "@BYTES", "close the connection in the body"),
    ("stall", "[@TIME]", "say nothing, for good or for a time"),
    ("stall-in-body", "@BYTES", "fall silent in the body"),
    ("trickle", "@TIME", "pause after every byte"),
    ("length-too-long", "@BYTES", "promise more bytes than come"),
    ("length-too-short", "@BYTES", "promise fewer bytes than come"),
    ("http-401", "", "HTTP 401"),
    ("http-500", "", "HTTP 500 with a SOAP fault"),
    ("http-503", "", "HTTP 503"),
    ("html", "", "a page for people"),
    ("status", "@STATUS", "the same body under another HTTP status"),
    ("empty-body", "", "nothing in the body"),
    ("garbage", "", "bytes that are not HTTP"),
    ("content-type", "@TYPE", "another content type"),
    ("redirect", "@URL", "HTTP 302"),
    ("truncated-base64", "", "the base64 text ends early"),
    ("corrupt-base64", "", "a character that is none of base64"),
    ("empty-file", "", "an empty dp:file"),
    ("file-error", "", "ERROR in dp:file"),
    ("result-error", "", "ERROR in dp:result"),
    ("no-payload", "", "a timestamp and nothing else"),
    ("no-numbers", "", "empty fields in FilesystemStatus"),
    ("bad-crc", "", "a changed byte in the archive or file"),
    ("truncated-archive", "", "the archive ends early"),
    ("wrong-hash", "", "a hash in export.xml is not the file's"),
    ("other-domain", "", "the archive of another domain"),
    ("missing-entry", "", "a listed file is not in the archive"),
    ("missing-domain", "", "a domain is not in the archive"),
    ("extra-entry", "", "a file in the archive is not listed"),
    ("no-objects", "", "export.xml has no object"),
    ("missing-part", "", "a part of the secure backup is missing"),
    ("changed-part", "", "a part of the secure backup is not as listed"),
    ("extra-part", "", "a part of the secure backup is not listed"),
    ("entity-bomb", "", "a document type that expands to gigabytes"),
    ("deep-nesting", "@DEPTH", "elements within elements"),
    ("hostile-name", "[@NAME]", "a domain or file name made to escape"),
    ("reply-lost", "", "carry the request out, close before the reply"),
    ("never-quiesces", "", "stay quiescing"),
    ("quiesce-error", "", "quiesce state error"),
    ("never-unquiesces", "", "stay unquiescing"),
    ("never-ready", "", "the secure backup never ends"),
    ("gives-up", "", "the secure backup ends without a manifest"),
    (
        "early-manifest",
        "",
        "an empty manifest until the secure backup ends",
    ),
    ("scheduled", "", "a sentence instead of OK for a secure backup"),
    ("no-space", "", "no space in temporary:"),
    (
        "new-certificate",
        "",
        "another certificate from the next connection on",
    ),
    ("restart", "", "restart instead of answering"),
    ("access-denied", "", "the right is missing"),
    ("login-failure", "", "as if the password were wrong"),
    ("account-locked", "", "the account is locked from now on"),
];

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
            "status" => FaultKind::Status(u16::try_from(number()?).map_err(|error| error.to_string())?),
            "content-type" => FaultKind::ContentType(word()),
            "redirect" => FaultKind::Redirect(word()),
            "deep-nesting" => {
                FaultKind::DeepNesting(u32::try_from(number()?).map_err(|error| error.to_string())?)
            }
            "hostile-name" => FaultKind::HostileName(argument.map(str::to_owned)),
            _ => FaultKind::samples()
                .into_iter()
                .find(|kind| kind.name() == name)
                .ok_or_else(|| format!("there is no fault '{name}'"))?,
        })
    }

    /// Its name in a script.
    pub fn name(&self) -> &'static str {
        match self {
            FaultKind::Refuse(_) => "refuse",
            FaultKind::Reset => "reset",
            FaultKind::CloseBeforeReply => "close",
            FaultKind::CloseInBody(_) => "close-in-body",
            FaultKind::StallBeforeHead(_) => "stall",
            FaultKind::StallInBody(_) => "stall-in-body",
            FaultKind::Trickle(_) => "trickle",
            FaultKind::LengthTooLong(_) => "length-too-long",
            FaultKind::LengthTooShort(_) => "length-too-short",
            FaultKind::Unauthorized => "http-401",
            FaultKind::ServerFault => "http-500",
            FaultKind::Unavailable => "http-503",
            FaultKind::Html => "html",
            FaultKind::Status(_) => "status",
            FaultKind::EmptyBody => "empty-body",
            FaultKind::Garbage => "garbage",
            FaultKind::ContentType(_) => "content-type",
            FaultKind::Redirect(_) => "redirect",
            FaultKind::TruncatedBase64 => "truncated-base64",
            FaultKind::CorruptBase64 => "corrupt-base64",
            FaultKind::EmptyFile => "empty-file",
            FaultKind::FileError => "file-error",
            FaultKind::ResultError => "result-error",
            FaultKind::NoPayload => "no-payload",
            FaultKind::NoNumbers => "no-numbers",
            FaultKind::BadCrc => "bad-crc",
            FaultKind::TruncatedArchive => "truncated-archive",
            FaultKind::WrongHash => "wrong-hash",
            FaultKind::OtherDomain => "other-domain",
            FaultKind::MissingEntry => "missing-entry",
            FaultKind::MissingDomain => "missing-domain",
            FaultKind::ExtraEntry => "extra-entry",
            FaultKind::NoObjects => "no-objects",
            FaultKind::MissingPart => "missing-part",
            FaultKind::ChangedPart => "changed-part",
            FaultKind::ExtraPart => "extra-part",
            FaultKind::EntityBomb => "entity-bomb",
            FaultKind::DeepNesting(_) => "deep-nesting",
            FaultKind::HostileName(_) => "hostile-name",
            FaultKind::ReplyLost => "reply-lost",
            FaultKind::NeverQuiesces => "never-quiesces",
            FaultKind::QuiesceError => "quiesce-error",
            FaultKind::NeverUnquiesces => "never-unquiesces",
            FaultKind::NeverReady => "never-ready",
            FaultKind::GivesUp => "gives-up",
            FaultKind::EarlyManifest => "early-manifest",
            FaultKind::Scheduled => "scheduled",
            FaultKind::NoSpace => "no-space",
            FaultKind::NewCertificate => "new-certificate",
            FaultKind::Restart => "restart",
            FaultKind::AccessDenied => "access-denied",
            FaultKind::LoginFailure => "login-failure",
            FaultKind::AccountLocked => "account-locked",
        }
    }

    /// One of each kind, in the order of [`KINDS`]: tests generate faults from it.
    pub fn samples() -> Vec<FaultKind> {
        vec![
            FaultKind::Refuse(None),
            FaultKind::Reset,
            FaultKind::CloseBeforeReply,
            FaultKind::CloseInBody(20),
            FaultKind::StallBeforeHead(None),
            FaultKind::StallInBody(20),
            FaultKind::Trickle(Duration::from_millis(20)),
            FaultKind::LengthTooLong(20),
            FaultKind::LengthTooShort(20),
            FaultKind::Unauthorized,
            FaultKind::ServerFault,
            FaultKind::Unavailable,
            FaultKind::Html,
            FaultKind::Status(403),
            FaultKind::EmptyBody,
            FaultKind::Garbage,
            FaultKind::ContentType("application/json".to_owned()),
            FaultKind::Redirect("https://127.0.0.1:1/elsewhere".to_owned()),
            FaultKind::TruncatedBase64,
            FaultKind::CorruptBase64,
            FaultKind::EmptyFile,
            FaultKind::FileError,
            FaultKind::ResultError,
            FaultKind::NoPayload,
            FaultKind::NoNumbers,
            FaultKind::BadCrc,
            FaultKind::TruncatedArchive,
            FaultKind::WrongHash,
            FaultKind::OtherDomain,
            FaultKind::MissingEntry,
            FaultKind::MissingDomain,
            FaultKind::ExtraEntry,
            FaultKind::NoObjects,
            FaultKind::MissingPart,
            FaultKind::ChangedPart,
            FaultKind::ExtraPart,
            FaultKind::EntityBomb,
            FaultKind::DeepNesting(100_000),
            FaultKind::HostileName(None),
            FaultKind::ReplyLost,
            FaultKind::NeverQuiesces,
            FaultKind::QuiesceError,
            FaultKind::NeverUnquiesces,
            FaultKind::NeverReady,
            FaultKind::GivesUp,
            FaultKind::EarlyManifest,
            FaultKind::Scheduled,
            FaultKind::NoSpace,
            FaultKind::NewCertificate,
            FaultKind::Restart,
            FaultKind::AccessDenied,
            FaultKind::LoginFailure,
            FaultKind::AccountLocked,
        ]
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
            FaultKind::ContentType(text) | FaultKind::Redirect(text) | FaultKind::HostileName(Some(text)) => {
                write!(f, "@{text}")
            }
            FaultKind::DeepNesting(depth) => write!(f, "@{depth}"),
            FaultKind::Status(status) => write!(f, "@{status}"),
            _ => Ok(()),
        }
    }
}

fn parse_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("'{text}' is not a number"))
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
