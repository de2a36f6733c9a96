//! The `[[device]]` tables.

mod common;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::plan::check::context::Context;
pub(super) use crate::plan::check::device::common::DeviceCommon;
use crate::plan::check::known::KnownDevice;
use crate::plan::diagnostic::Findings;
use crate::plan::keys::device::DEVICE;
use crate::plan::model::{Device, DeviceRole, Timeouts};
use crate::plan::section::PlanSection;
use crate::plan::value::{At, named_so};
use crate::values::address::Address;
use crate::values::host_name;
use crate::values::text::letter;
use crate::values::written_path::variable_alone;

/// Reads one table: what others may refer to, and the device. `of_all` are the limits of the
/// settings.
pub(super) fn read(
    section: &PlanSection<'_>,
    defaults: &DeviceCommon,
    of_all: Option<Timeouts>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> (Option<KnownDevice>, Option<Device>) {
    let name = section.text("name", out);
    if let Some(name) = &name {
        check_device_name(name, out);
    }
    let host = section.text("host", out).and_then(|host| bare_host(&host, out));
    let role = match section.key_span("role") {
        Some(_) => section.choice("role", &[("spare", DeviceRole::Spare)], out),
        None => Some(DeviceRole::Ordinary),
    };
    let own = common::read(section, &DEVICE, context, out).or(defaults);
    for (is_absent, key) in [
        (own.username.is_absent(), "username"),
        (own.password.is_absent(), "password"),
    ] {
        if is_absent {
            section.missing(key, out);
        }
    }
    let known = name.map(|name| KnownDevice {
        name,
        tags: own.tags.value().cloned().unwrap_or_default(),
        // One that is misspelt has its finding; of what it is meant to be nothing is said.
        role: role.unwrap_or(DeviceRole::Spare),
        address: host.as_ref().zip(own.port.value()).map(|(host, port)| Address {
            host: host.clone(),
            port: *port,
        }),
    });
    let device = || {
        Some(Device {
            name: known.as_ref()?.name.value.clone(),
            host: host?,
            port: own.port.into_value()?,
            username: own.username.into_value()?,
            password: own.password.into_value()?,
            tls: own.tls.into_value()?,
            tags: own.tags.into_value()?,
            role: role?,
            timeouts: own.timeouts.into_value()?.over(of_all?),
        })
    };
    let device = device();
    (known, device)
}

/// Whether a device can have this name: it is the name of a folder in the store.
fn check_device_name(name: &At<String>, out: &mut Findings<'_>) {
    let text = &name.value;
    let Some(label) = fault_of_name(text) else {
        return;
    };
    out.error(
        name.span.clone(),
        format!("{text:?} cannot be the name of a device"),
        label,
    )
    .help(format!("write `name = {:?}`, say", named_so(text)));
}

/// Why a device cannot have this name.
pub(super) fn fault_of_name(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        Some(format!(
            "holds {}; allowed are letters, digits, `.`, `_` and `-`",
            letter(c)
        ))
    } else if text.starts_with('-') {
        Some("begins with `-`, as an option does".to_owned())
    } else if text == "." || text == ".." {
        Some("means a folder".to_owned())
    } else if text.len() > 128 {
        Some("is longer than 128 characters".to_owned())
    } else {
        None
    }
}

/// The host as it is looked up: an IPv6 address without its brackets.
fn bare_host(host: &At<String>, out: &mut Findings<'_>) -> Option<String> {
    let text = host.value.as_str();
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(address) = inner.parse::<Ipv6Addr>() {
        if address.is_multicast() {
            out.error(host.span.clone(), format!("{text:?} is not a host"), OF_MANY)
                .help(ONE_ADDRESS);
            return None;
        }
        if address.is_unspecified() {
            doubt_this_machine(host, out);
        }
        return Some(inner.to_owned());
    }
    // Resolvers take `192.168.1` for 192.168.0.1, and look `10.0.0.999` up as a name.
    let is_number = text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if is_number && text.parse::<Ipv4Addr>().is_err() {
        out.error(
            host.span.clone(),
            format!("{text:?} is not an address"),
            "expected four numbers from 0 to 255 with dots between them, or a host name",
        )
        .help("write the whole address, such as `host = \"192.0.2.10\"`, or a name");
        return None;
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.chars().all(allowed) {
        return can_be_one(host, out).then(|| text.to_owned());
    }
    // Before an `@` a password may stand.
    let title = match text.contains('@') {
        true => "this is not a host".to_owned(),
        false => format!("{text:?} is not a host"),
    };
    let finding = out.error(
        host.span.clone(),
        title,
        "expected a host name or an IP address, and nothing else",
    );
    let help = of_network(text)
        .or_else(|| of_address(text))
        .or_else(|| of_other(text));
    finding.help(help.unwrap_or_else(|| "write one alone, such as `host = \"192.0.2.10\"`".to_owned()));
    None
}

const OF_MANY: &str = "it is an address of many";
const ONE_ADDRESS: &str = "write the address of the device, or its name";

/// Doubts the address that stands for none.
fn doubt_this_machine(host: &At<String>, out: &mut Findings<'_>) {
    out.doubt(
        host.span.clone(),
        &format!("{:?} is this machine, whatever listens on it", host.value),
        "no device has this address",
        ONE_ADDRESS,
    );
}

/// Whether letters, digits, dots and hyphens make a name that DNS may have, or the address of one device.
fn can_be_one(host: &At<String>, out: &mut Findings<'_>) -> bool {
    let text = host.value.as_str();
    let mut refuse = |label: &str, help: &str| {
        out.error(host.span.clone(), format!("{text:?} is not a host"), label)
            .help(help);
        false
    };
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        if address.is_broadcast() || address.is_multicast() {
            return refuse(OF_MANY, ONE_ADDRESS);
        }
        if address.is_unspecified() {
            doubt_this_machine(host, out);
        }
        return true;
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let labels = || name.split('.');
    let is_number = |label: &str| {
        let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
        let is_hex = hex.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()));
        is_hex || label.chars().all(|c| c.is_ascii_digit())
    };
    if labels().any(str::is_empty) {
        return refuse(
            "nothing stands before, behind or between its dots",
            "write the name as DNS has it, such as `host = \"qa1.example.com\"`",
        );
    }
    if labels().any(|label| label.starts_with('-') || label.ends_with('-')) {
        return refuse(
            "a part of a name neither begins nor ends with a hyphen",
            "write the name as DNS has it, such as `host = \"qa1.example.com\"`",
        );
    }
    if name.len() > 253 || labels().any(|label| label.len() > 63) {
        return refuse(
            "a name has at most 253 characters, and 63 in each part",
            "write the name as DNS has it, such as `host = \"qa1.example.com\"`",
        );
    }
    // Resolvers take `2130706433` and `0x7f.1` for addresses.
    if labels().next_back().is_some_and(is_number) {
        return refuse(
            "it is a number, which resolvers take for an address",
            "write all four numbers of the address, such as `host = \"192.0.2.10\"`, or a name",
        );
    }
    true
}

/// What is said of all addresses of a network: `192.0.2.0/24`.
fn of_network(text: &str) -> Option<String> {
    let (address, bits) = text.trim().split_once('/')?;
    let is_network = address.parse::<IpAddr>().is_ok() && bits.parse::<u8>().is_ok();
    is_network.then(|| {
        "it is a network, and one device has one address: write a [[device]] for each of them".to_owned()
    })
}

/// What would be right in place of what is neither a name nor an address with something beside it.
fn of_other(text: &str) -> Option<String> {
    let text = text.trim();
    // `[::1]:5550`
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && address.parse::<Ipv6Addr>().is_ok()
    {
        let port = rest.strip_prefix(':').and_then(|port| port.parse::<u16>().ok());
        let port = port.map_or_else(String::new, |port| format!(", `port = {port}`"));
        return Some(format!("write `host = {address:?}`{port}"));
    }
    if let Some((address, _)) = text.split_once('%')
        && address.parse::<Ipv6Addr>().is_ok()
    {
        return Some(
            "an address that holds on one interface alone is not taken: write another one of the device, or its name".to_owned(),
        );
    }
    if variable_alone(text).is_some() {
        return Some("nothing is put in its place: write the name or the address itself".to_owned());
    }
    if text.contains('*') {
        return Some("one device has one host: write it in full, in a [[device]] for each".to_owned());
    }
    if text.contains([',', ';']) || text.contains(char::is_whitespace) {
        return Some("one host for each [[device]]: write a [[device]] for each of them".to_owned());
    }
    let ascii = host_name::ascii(text).filter(|ascii| ascii != text)?;
    Some(format!("write it as DNS has it: `host = {ascii:?}`"))
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
        Some((host, port)) => (host, port.parse::<u16>().ok()),
        None => (bare, None),
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

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
