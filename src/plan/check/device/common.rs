//! What a device says of itself and `[device_defaults]` of all.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use toml::de::DeValue;

use crate::plan::check::context::Context;
use crate::plan::check::secret::{only_form, password, secret_form};
use crate::plan::check::settings::path;
use crate::plan::diagnostic::Findings;
use crate::plan::keys::device::DEVICE_DEFAULTS;
use crate::plan::keys::{Key, Table};
use crate::plan::model::{Account, Timeouts, Trust};
use crate::plan::section::PlanSection;
use crate::plan::value::At;
use crate::secret::SecretSource;
use crate::values::hex::unhex;
use crate::values::written_path::variable_alone;

/// A key that may stand in two places.
#[derive(Clone, Debug)]
pub(super) enum Given<T> {
    /// It is not written.
    Absent,
    /// It is, and not valid: there is a finding.
    Bad,
    /// It is.
    Value(T),
}

/// The keys that a device and the defaults of all share.
#[derive(Clone, Debug)]
pub(in crate::plan::check) struct DeviceCommon {
    pub(super) port: Given<u16>,
    pub(super) username: Given<Account>,
    pub(super) password: Given<SecretSource>,
    pub(super) tls: Given<Trust>,
    pub(super) tags: Given<Vec<String>>,
    pub(super) timeouts: Given<OwnTimeouts>,
}

/// Limits, as far as they are written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OwnTimeouts {
    connect: Option<Duration>,
    request: Option<Duration>,
    export: Option<Duration>,
    secure_backup: Option<Duration>,
    idle: Option<Duration>,
}

impl DeviceCommon {
    /// Reads `[device_defaults]`, where it is absent too: then the defaults of its keys hold.
    pub(in crate::plan::check) fn of_all(
        section: Option<&PlanSection<'_>>,
        context: &Context<'_>,
        out: &mut Findings<'_>,
    ) -> Self {
        let written = match section {
            Some(section) => read(section, &DEVICE_DEFAULTS, context, out),
            // It has its finding, and so no device has another one.
            None => Self {
                port: Given::Bad,
                username: Given::Bad,
                password: Given::Bad,
                tls: Given::Bad,
                tags: Given::Bad,
                timeouts: Given::Bad,
            },
        };
        let section = section.filter(|section| section.key_span("port").is_none());
        let port = section.and_then(|section| port(section, out));
        written.or(&Self {
            port: port.map_or(Given::Absent, Given::Value),
            username: Given::Absent,
            password: Given::Absent,
            tls: Given::Value(Trust::SystemRoots),
            tags: Given::Value(Vec::new()),
            timeouts: Given::Value(OwnTimeouts::default()),
        })
    }

    /// What it has, and where it has nothing what the others have.
    pub(super) fn or(self, others: &Self) -> Self {
        let timeouts = match (self.timeouts, &others.timeouts) {
            // Each limit for itself.
            (Given::Value(own), Given::Value(others)) => Given::Value(own.or(*others)),
            (Given::Absent, others) => others.clone(),
            (own, _) => own,
        };
        Self {
            port: self.port.or(&others.port),
            username: self.username.or(&others.username),
            password: self.password.or(&others.password),
            tls: self.tls.or(&others.tls),
            tags: self.tags.or(&others.tags),
            timeouts,
        }
    }
}

impl<T: Clone> Given<T> {
    fn or(self, other: &Self) -> Self {
        match self {
            Self::Absent => other.clone(),
            own => own,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Bad => None,
        }
    }

    pub(super) fn into_value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Bad => None,
        }
    }
}

impl OwnTimeouts {
    fn or(self, others: Self) -> Self {
        Self {
            connect: self.connect.or(others.connect),
            request: self.request.or(others.request),
            export: self.export.or(others.export),
            secure_backup: self.secure_backup.or(others.secure_backup),
            idle: self.idle.or(others.idle),
        }
    }

    /// These, and where one is not written that of all.
    pub(super) fn over(self, of_all: Timeouts) -> Timeouts {
        Timeouts {
            connect: self.connect.unwrap_or(of_all.connect),
            request: self.request.unwrap_or(of_all.request),
            export: self.export.unwrap_or(of_all.export),
            secure_backup: self.secure_backup.unwrap_or(of_all.secure_backup),
            idle: self.idle.unwrap_or(of_all.idle),
        }
    }
}

/// Reads the keys of one of the two tables.
pub(super) fn read(
    section: &PlanSection<'_>,
    table: &'static Table,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> DeviceCommon {
    DeviceCommon {
        port: given(section, "port", out, |out| port(section, out)),
        username: given(section, "username", out, |out| {
            account(table.key("username")?, section, context, out)
        }),
        password: given(section, "password", out, |out| {
            let value = section.value("password", out)?;
            password(table.key("password")?, value, context, out)
        }),
        tls: given(section, "tls", out, |out| trust(section, context, out)),
        tags: given(section, "tags", out, |out| section.names("tags", out)),
        timeouts: given(section, "timeouts", out, |out| timeouts(section, out)),
    }
}

fn given<T>(
    section: &PlanSection<'_>,
    name: &str,
    out: &mut Findings<'_>,
    read: impl FnOnce(&mut Findings<'_>) -> Option<T>,
) -> Given<T> {
    match section.key_span(name) {
        Some(_) => read(out).map_or(Given::Bad, Given::Value),
        None if section.is_misspelt(name) => Given::Bad,
        None => Given::Absent,
    }
}

fn port(section: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<u16> {
    let port = section.integer("port", out)?;
    u16::try_from(port).ok()
}

fn timeouts(section: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<OwnTimeouts> {
    let table = section.section("timeouts", out)?;
    let mut are_good = true;
    let mut limit = |name| {
        let limit = table.duration(name, out);
        are_good &= limit.is_some() || table.key_span(name).is_none();
        limit.map(|at| at.value)
    };
    let own = OwnTimeouts {
        connect: limit("connect"),
        request: limit("request"),
        export: limit("export"),
        secure_backup: limit("secure_backup"),
        idle: limit("idle"),
    };
    are_good.then_some(own)
}

/// The name of an account, or where it stands.
fn account(
    key: &'static Key,
    section: &PlanSection<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<Account> {
    let value = section.value(key.name, out)?;
    match value.get_ref() {
        DeValue::Table(_) => secret_form(key, value, context, out).map(Account::From),
        _ => section
            .text(key.name, out)
            .filter(|username| is_username(username, out))
            .map(|username| Account::Named(username.value)),
    }
}

/// HTTP basic authentication has no place for a colon in the user's name.
fn is_username(username: &At<String>, out: &mut Findings<'_>) -> bool {
    let text = username.value.as_str();
    let span = username.span.clone();
    if text.contains(':') {
        out.error(
            span,
            "a user's name cannot hold a colon",
            "the login would be cut here",
        )
        .help("write the password under its own key, `password = { file = \"…\" }`");
        return false;
    }
    if text.trim() != text {
        out.error(
            span,
            format!("a blank stands at the edge of {text:?}"),
            "it would be part of the name",
        )
        .help(format!("write {:?}", text.trim()));
        return false;
    }
    if let Some(name) = variable_alone(text) {
        out.error(
            span,
            format!("{text:?} is not replaced here"),
            "no shell reads this",
        )
        .help(format!(
            "write the name of the account itself, not where ${name} has it"
        ));
        return false;
    }
    true
}

fn trust(section: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<Trust> {
    let tls = section.section("tls", out)?;
    match only_form(&tls, "tls", "a form of trust", out)? {
        "ca_file" => path(&tls, "ca_file", context, out).map(Trust::CaFile),
        "pin_sha256" => tls
            .text("pin_sha256", out)
            .and_then(|pin| fingerprint(&pin, out))
            .map(Trust::Pin),
        _ => tls
            .boolean("verify", out)
            .map(|verify| if verify { Trust::SystemRoots } else { Trust::Off }),
    }
}

/// 64 hexadecimal digits, with colons or blanks between them or without, and behind what `openssl x509 -fingerprint`
/// prints before them.
fn fingerprint(pin: &At<String>, out: &mut Findings<'_>) -> Option<[u8; 32]> {
    let behind = pin.value.rsplit_once('=').map(|(_, behind)| behind);
    let digits = behind.filter(|behind| !behind.is_empty()).unwrap_or(&pin.value);
    let digits = digits.replace([':', ' '], "");
    if let Some(bytes) = unhex(&digits).and_then(|bytes| bytes.try_into().ok()) {
        return Some(bytes);
    }
    let of_base64 = STANDARD.decode(pin.value.rsplit("//").next().unwrap_or_default());
    let label = match digits.chars().all(|c| c.is_ascii_hexdigit()) {
        true => format!("expected 64 hexadecimal digits, found {}", digits.len()),
        // `curl --pinnedpubkey` and HPKP write that of a public key so.
        false if of_base64.is_ok_and(|bytes| bytes.len() == 32) => {
            "this is base64, mostly of a public key: that of the certificate is expected, in hexadecimal digits".to_owned()
        }
        false => "holds something else than hexadecimal digits and colons".to_owned(),
    };
    out.error(pin.span.clone(), "`pin_sha256` is not a SHA-256", label)
        .help("`dpbackup trust DEVICE` prints the line to paste");
    None
}
