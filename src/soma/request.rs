//! What is sent: requests in the exact form that the appliance's schema asks for
//! (soma-wire sections 1.2, 2.1, 3.1, 5, 6 and 7).
//!
//! Operations and their attributes are in the management namespace; action names and
//! their parameters are in none. The order of elements matters.

use std::fmt::Write as _;
use std::fs::File;
use std::io;

use crate::soma::upload::Upload;
use crate::values::restorable_domain::RestorableDomain;
use crate::values::restore_plan::{ConfirmedRestore, LocalAddresses};

/// The management namespace.
pub const NAMESPACE: &str = "http://www.datapower.com/schemas/management";

/// A request that is ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it does, for messages: `get-status DomainStatus`, `DomainQuiesce`.
    pub name: String,
    /// The domain it is sent in.
    pub domain: String,
    /// The whole envelope.
    pub envelope: String,
    /// What it may do to the device, and so how often and over which connection it is sent.
    pub effect: Effect,
}

/// What a request may do to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only asks, and may be asked again.
    Question,
    /// It makes the device work for long, and leaves nothing there. It is sent again only where a used
    /// connection broke before its answer began.
    Export,
    /// It changes the device. It is sent once, over a connection that has carried nothing yet, or little and that just
    /// now, as when the device was asked who it is: one that is closed at the other end at this moment would leave
    /// open whether it has arrived.
    Change,
}

/// Escapes text for an attribute or an element.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "&#{};", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out
}

/// What stands before an operation in a request of this domain.
fn head(domain: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body>\
         <dp:request xmlns:dp=\"{NAMESPACE}\" domain=\"{}\">",
        escaped(domain)
    )
}

/// What stands behind an operation.
const TAIL: &str = "</dp:request></env:Body></env:Envelope>\n";

fn request(domain: &str, name: impl Into<String>, operation: &str) -> Request {
    let envelope = format!("{}{operation}{TAIL}", head(domain));
    Request {
        name: name.into(),
        domain: domain.to_owned(),
        envelope,
        effect: Effect::Change,
    }
}

/// A request that only asks.
fn question(domain: &str, name: impl Into<String>, operation: &str) -> Request {
    Request {
        effect: Effect::Question,
        ..request(domain, name, operation)
    }
}

/// `get-status` of one class, in one domain.
pub fn get_status(domain: &str, class: &str) -> Request {
    question(
        domain,
        format!("get-status {class}"),
        &format!("<dp:get-status class=\"{}\"/>", escaped(class)),
    )
}

/// `get-config` of one class, of one object where a name is given.
pub fn get_config(domain: &str, class: &str, object: Option<&str>) -> Request {
    let object = object.map_or_else(String::new, |name| format!(" name=\"{}\"", escaped(name)));
    question(
        domain,
        format!("get-config {class}"),
        &format!("<dp:get-config class=\"{}\"{object}/>", escaped(class)),
    )
}

/// `do-view-certificate-details` of a `CryptoCertificate` of the default domain. It looks, and
/// changes nothing.
pub fn view_certificate(name: &str) -> Request {
    question(
        "default",
        "do-view-certificate-details",
        &format!(
            "<dp:do-view-certificate-details><dp:certificate-object>{}</dp:certificate-object>\
             </dp:do-view-certificate-details>",
            escaped(name)
        ),
    )
}

/// `get-filestore` of one location (`temporary:`). There is no way to ask for a folder.
pub fn get_filestore(location: &str) -> Request {
    question(
        "default",
        format!("get-filestore {location}"),
        &format!(
            "<dp:get-filestore location=\"{}\" annotated=\"false\" layout-only=\"false\" no-subdirectories=\"false\"/>",
            escaped(location)
        ),
    )
}

/// `get-file`.
pub fn get_file(file: &str) -> Request {
    question(
        "default",
        format!("get-file {file}"),
        &format!("<dp:get-file name=\"{}\"/>", escaped(file)),
    )
}

/// Which of the two configurations of a domain is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportedConfiguration {
    /// The one that is saved, and comes back after a restart.
    Persisted,
    /// The one that runs, with what nobody has saved.
    Running,
}

/// `do-backup` of these domains (`all-domains` is one of them on its own). Which configuration is meant
/// is always sent: the default differs between interfaces (soma-wire 2.1).
pub fn do_backup(domains: &[&str], configuration: ExportedConfiguration) -> Request {
    let persisted = match configuration {
        ExportedConfiguration::Persisted => true,
        ExportedConfiguration::Running => false,
    };
    let mut inner = format!("<dp:do-backup format=\"ZIP\" persisted=\"{persisted}\">");
    for domain in domains {
        let _ = write!(inner, "<dp:domain name=\"{}\"/>", escaped(domain));
    }
    inner.push_str("</dp:do-backup>");
    Request {
        effect: Effect::Export,
        ..request("default", format!("do-backup {}", domains.join(", ")), &inner)
    }
}

/// A dry run of a `do-restore`: one domain out of the archive of a `do-backup`. Nothing may
/// change by it.
///
/// # Errors
///
/// The archive cannot be looked at.
pub fn dry_restore<'a>(
    archive: &'a File,
    domain: &RestorableDomain,
    addresses: LocalAddresses,
) -> io::Result<Upload<'a>> {
    restore(archive, domain, addresses, "true", "do-restore (dry run)")
}

/// The same for good: it changes the running configuration of the domain. Only what was confirmed
/// leads here.
///
/// # Errors
///
/// The archive cannot be looked at.
pub fn real_restore(confirmed: &ConfirmedRestore) -> io::Result<Upload<'_>> {
    let facts = confirmed.facts();
    restore(
        confirmed.archive(),
        &facts.domain,
        facts.local_addresses,
        "false",
        "do-restore",
    )
}

/// `SaveConfig` in the domain that was restored: what runs there outlives a restart.
pub fn save_config(confirmed: &ConfirmedRestore) -> Request {
    request(
        confirmed.facts().domain.name(),
        "SaveConfig",
        "<dp:do-action><SaveConfig></SaveConfig></dp:do-action>",
    )
}

/// Every attribute is written: what an absent one means differs between firmwares, and an
/// absent `dry-run` is a real import. A domain is never reset.
fn restore<'a>(
    archive: &'a File,
    domain: &RestorableDomain,
    addresses: LocalAddresses,
    dry_run: &'static str,
    name: &str,
) -> io::Result<Upload<'a>> {
    let rewrite = match addresses {
        LocalAddresses::Keep => "false",
        LocalAddresses::Rewrite => "true",
    };
    let before = format!(
        "{}<dp:do-restore source-type=\"ZIP\" dry-run=\"{dry_run}\" overwrite-files=\"true\" \
         overwrite-objects=\"true\" rewrite-local-ip=\"{rewrite}\"><dp:input-file>",
        head("default")
    );
    let behind = format!(
        "</dp:input-file><dp:domain name=\"{}\" import-domain=\"true\" reset-domain=\"false\"/>\
         </dp:do-restore>{TAIL}",
        escaped(domain.name())
    );
    Upload::new(format!("{name} of {domain}"), before, behind, archive)
}

/// An action in the default domain: name, then parameters in the order of the schema.
fn action(name: &str, parameters: &[(&str, &str)]) -> Request {
    let mut inner = format!("<dp:do-action><{name}>");
    for (parameter, value) in parameters {
        let _ = write!(inner, "<{parameter}>{}</{parameter}>", escaped(value));
    }
    let _ = write!(inner, "</{name}></dp:do-action>");
    request("default", name, &inner)
}

/// `QuiesceDP`: every domain but `default`. The timeout is in whole seconds, 60 or more.
/// `delay` is left out: firmware up to 5.0 does not know it.
pub fn quiesce_device(timeout_seconds: u64) -> Request {
    action("QuiesceDP", &[("timeout", &timeout_seconds.to_string())])
}

/// `UnquiesceDP`.
pub fn unquiesce_device() -> Request {
    action("UnquiesceDP", &[])
}

/// `DomainQuiesce`. See [`quiesce_device`] for the timeout.
pub fn quiesce_domain(domain: &str, timeout_seconds: u64) -> Request {
    action(
        "DomainQuiesce",
        &[("name", domain), ("timeout", &timeout_seconds.to_string())],
    )
}

/// `DomainUnquiesce`.
pub fn unquiesce_domain(domain: &str) -> Request {
    action("DomainUnquiesce", &[("name", domain)])
}

/// `SecureBackup` into a folder, without the parts of iSCSI and RAID volumes.
pub fn secure_backup(certificate: &str, folder: &str) -> Request {
    action(
        "SecureBackup",
        &[
            ("cert", certificate),
            ("destination", folder),
            ("include-iscsi", "off"),
            ("include-raid", "off"),
        ],
    )
}

/// `DeleteFile`.
pub fn delete_file(file: &str) -> Request {
    action("DeleteFile", &[("File", file)])
}

/// `RemoveDir`.
pub fn remove_dir(folder: &str) -> Request {
    action("RemoveDir", &[("Dir", folder)])
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
