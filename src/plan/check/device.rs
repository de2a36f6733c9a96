//! The `[[device]]` tables.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use toml::de::DeValue;

use crate::plan::check::context::{Context, Readers};
use crate::plan::check::settings::{path, path_text};
use crate::plan::diagnostic::Findings;
use crate::plan::keys::Key;
use crate::plan::keys::device::DEVICE;
use crate::plan::model::{Device, Trust};
use crate::plan::read::{At, PlanSection, Value, section};
use crate::secret::{SecretSource, is_credential_name};
use crate::values::hex::unhex;
use crate::values::invocation::quoted;
use crate::values::written_path::variable_alone;

/// Reads one table: its name, which others may refer to even if the rest is not valid, and
/// the device.
pub(super) fn read(
    section: &PlanSection<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> (Option<At<String>>, Option<Device>) {
    let name = section.text("name", out);
    if let Some(name) = &name {
        check_device_name(name, out);
    }
    let device = device(section, name.as_ref(), context, out);
    (name, device)
}

fn device(
    section: &PlanSection<'_>,
    name: Option<&At<String>>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<Device> {
    let host = section.text("host", out).and_then(|host| bare_host(&host, out));
    let port = section
        .integer("port", out)
        .and_then(|port| u16::try_from(port).ok());
    let username = section
        .text("username", out)
        .filter(|username| is_username(username, out));
    let password = section
        .value("password", out)
        .and_then(|value| password(DEVICE.key("password")?, value, context, out));
    let tls = trust(section, context, out);
    Some(Device {
        name: name?.value.clone(),
        host: host?,
        port: port?,
        username: username?.value,
        password: password?,
        tls: tls?,
    })
}

/// Whether a device can have this name: it is the name of a folder in the store.
fn check_device_name(name: &At<String>, out: &mut Findings<'_>) {
    let text = &name.value;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let label = if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        format!("holds {c:?}; allowed are letters, digits, `.`, `_` and `-`")
    } else if text == "." || text == ".." {
        "means a folder".to_owned()
    } else if text.len() > 128 {
        "is longer than 128 characters".to_owned()
    } else {
        return;
    };
    out.error(
        name.span.clone(),
        format!("{text:?} cannot be the name of a device"),
        label,
    );
}

/// The host as it is looked up: an IPv6 address without its brackets.
fn bare_host(host: &At<String>, out: &mut Findings<'_>) -> Option<String> {
    let text = host.value.as_str();
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if inner.parse::<Ipv6Addr>().is_ok() {
        return Some(inner.to_owned());
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.chars().all(allowed) {
        return Some(text.to_owned());
    }
    let finding = out.error(
        host.span.clone(),
        format!("{text:?} is not a host"),
        "expected a host name or an IP address, and nothing else",
    );
    if let Some(help) = of_address(text) {
        finding.help(help);
    }
    None
}

/// What would be right in place of a whole address, or of a host with something beside it.
fn of_address(text: &str) -> Option<String> {
    let bare = text.trim();
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    let (user, bare) = bare
        .split_once('@')
        .map_or((None, bare), |(user, rest)| (Some(user), rest));
    let bare = bare.split(['/', '?', '#']).next().unwrap_or(bare);
    let (bare, port) = match bare.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, port.parse::<u16>().ok()),
        _ => (bare, None),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if bare.is_empty() || !bare.chars().all(is_host) {
        return None;
    }
    let mut help = format!("write `host = {bare:?}`");
    if let Some(user) = user.and_then(|user| user.split(':').next()) {
        help.push_str(&format!(", `username = {user:?}`"));
    }
    match port {
        // The web GUI and the REST interface: what somebody has in the browser.
        Some(443 | 5554 | 9090) => {
            help.push_str("; the XML Management Interface listens on port 5550, unless changed");
        }
        Some(port) => help.push_str(&format!(", `port = {port}`")),
        None => {}
    }
    if text.contains("://") {
        help.push_str("; it is always https");
    }
    Some(help)
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

/// Where a password comes from; text is the password itself.
pub(super) fn password(
    key: &'static Key,
    value: &Value<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<SecretSource> {
    match value.get_ref() {
        DeValue::String(text) => plain_password(key, text, value, context, out),
        _ => secret_form(key, value, context, out),
    }
}

/// Where a secret comes from that is not written in the file.
pub(super) fn secret_form(
    key: &'static Key,
    value: &Value<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<SecretSource> {
    let form = section(key, value, out)?;
    match only_form(&form, key.name, "a source of the password", out)? {
        "env" => form
            .text("env", out)
            .filter(|name| is_variable(name, out))
            .map(|name| SecretSource::Env(name.value)),
        "file" => {
            // Relative to the plan file too, but `SecretSource::resolve` sees to that.
            let file = form
                .text("file", out)
                .and_then(|file| path_text(file, context, out));
            file.map(|file| SecretSource::File(PathBuf::from(file)))
        }
        "command" => form.texts("command", out).map(SecretSource::Command),
        _ => credential(&form, out),
    }
}

/// A password in the file itself is accepted when nobody else can read the file.
fn plain_password(
    key: &'static Key,
    text: &str,
    value: &Value<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<SecretSource> {
    const HELP: &str = "better write where it comes from: { env = \"…\" }, { file = \"…\" }, { command = [\"…\"] } \
                        or { credential = \"…\" }";
    if text.is_empty() {
        out.error(
            value.span(),
            format!("`{}` is empty", key.name),
            "expected a source of the password",
        )
        .help(HELP);
        return None;
    }
    match context.readers {
        Readers::Others => {
            let label = "others than the owner can read the plan file";
            let help = format!(
                "run `chmod 600 {}`; {HELP}",
                quoted(&context.path.to_string_lossy())
            );
            out.error(
                value.span(),
                "a password stands in a file that others can read",
                label,
            )
            .help(help);
            None
        }
        Readers::OwnerOnly => {
            match variable_alone(text) {
                Some(name) => out
                    .warning(
                        value.span(),
                        format!(
                            "`{}` looks like a variable, and is taken for the password itself",
                            key.name
                        ),
                        "no shell replaces it",
                    )
                    .help(format!("write `{} = {{ env = {name:?} }}`", key.name)),
                None => out
                    .warning(
                        value.span(),
                        "a password stands in the plan file",
                        "readable as it is",
                    )
                    .help(HELP),
            };
            Some(SecretSource::Plain(text.into()))
        }
    }
}

fn credential(form: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<SecretSource> {
    let name = form.text("credential", out)?;
    if !is_credential_name(&name.value) {
        out.error(
            name.span,
            format!("{:?} is not the name of a credential", name.value),
            "expected a plain name",
        );
        return None;
    }
    Some(SecretSource::Credential(name.value))
}

/// Whether a variable can have this name.
fn is_variable(name: &At<String>, out: &mut Findings<'_>) -> bool {
    let good = !name.value.contains(['=', '$', ' ', '%', '{', '}']);
    if !good {
        let title = format!("{:?} is not the name of an environment variable", name.value);
        let finding = out.error(name.span.clone(), title, "expected the bare name");
        if let Some(bare) = variable_alone(&name.value) {
            finding.help(format!("write `env = {bare:?}`"));
        }
    }
    good
}

fn trust(section: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<Trust> {
    if section.key_span("tls").is_none() {
        return Some(Trust::SystemRoots);
    }
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

/// 64 hexadecimal digits, with or without colons.
fn fingerprint(pin: &At<String>, out: &mut Findings<'_>) -> Option<[u8; 32]> {
    let digits = pin.value.replace(':', "");
    if let Some(bytes) = unhex(&digits).and_then(|bytes| bytes.try_into().ok()) {
        return Some(bytes);
    }
    let label = match digits.chars().all(|c| c.is_ascii_hexdigit()) {
        true => format!("expected 64 hexadecimal digits, found {}", digits.len()),
        false => "holds something else than hexadecimal digits and colons".to_owned(),
    };
    out.error(pin.span.clone(), "`pin_sha256` is not a SHA-256", label)
        .help("`dpbackup trust DEVICE` prints the line to paste");
    None
}

/// The one key that is written, of a table whose keys exclude each other.
fn only_form(
    section: &PlanSection<'_>,
    name: &str,
    what: &str,
    out: &mut Findings<'_>,
) -> Option<&'static str> {
    match section.written().as_slice() {
        [only] => Some(only),
        [] => {
            // An unknown key has its finding already.
            if section.is_empty() {
                out.error(
                    section.span.clone(),
                    format!("`{name}` is empty"),
                    format!("expected {what}"),
                );
            }
            None
        }
        [first, second, ..] => {
            let span = |key| section.key_span(key).unwrap_or(section.span.clone());
            let label = format!("only one key is allowed in `{name}`");
            let also = (span(first), "this is the other");
            out.error(
                span(second),
                format!("`{first}` and `{second}` exclude each other"),
                label,
            )
            .also(also.0, also.1);
            None
        }
    }
}
