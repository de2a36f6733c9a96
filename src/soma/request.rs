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
    /// It makes the device work for long, and leaves nothing there. It is sent once.
    Export,
    /// It changes the device. It is sent once, over a connection that has carried nothing yet: one
    /// that is closed at the other end at this moment would leave open whether it has arrived.
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
    request(
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

/// `do-backup` of these domains (`all-domains` is one of them on its own). `persisted`
/// is always sent: its default differs between interfaces (soma-wire 2.1).
pub fn do_backup(domains: &[&str], persisted: bool) -> Request {
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
mod tests {
    use super::*;
    use crate::values::restore_plan::{RestoreConfirmation, RestoreFacts, RestorePlan, SaveAfter};

    /// What stands inside `dp:request`.
    fn inner(request: &Request) -> String {
        let document = roxmltree::Document::parse(&request.envelope).expect("a request is XML");
        let element = document
            .descendants()
            .find(|node| node.has_tag_name((NAMESPACE, "request")))
            .expect("a request holds dp:request");
        assert_eq!(element.attribute("domain"), Some(request.domain.as_str()));
        let start = request.envelope.find("\">").map_or(0, |_| {
            element.first_child().map_or(0, |child| child.range().start)
        });
        let end = element.last_child().map_or(start, |child| child.range().end);
        request.envelope[start..end].to_owned()
    }

    #[test]
    fn actions_and_their_parameters_are_in_no_namespace_and_in_the_order_of_the_schema() {
        assert_eq!(
            inner(&secure_backup("backup-cert", "temporary:///x")),
            "<dp:do-action><SecureBackup><cert>backup-cert</cert><destination>temporary:///x</destination>\
             <include-iscsi>off</include-iscsi><include-raid>off</include-raid></SecureBackup></dp:do-action>"
        );
        assert_eq!(
            inner(&quiesce_domain("DOM1", 60)),
            "<dp:do-action><DomainQuiesce><name>DOM1</name><timeout>60</timeout></DomainQuiesce></dp:do-action>"
        );
        assert_eq!(
            inner(&unquiesce_device()),
            "<dp:do-action><UnquiesceDP></UnquiesceDP></dp:do-action>"
        );
    }

    fn archive() -> File {
        let mut archive = tempfile::tempfile().expect("a file");
        io::Write::write_all(&mut archive, b"PK").expect("its bytes");
        archive
    }

    /// What is sent, the archive included.
    fn sent(upload: &Upload<'_>) -> String {
        let mut sent = String::new();
        io::Read::read_to_string(&mut upload.body(), &mut sent).expect("the request");
        assert_eq!(sent.len() as u64, upload.length());
        sent
    }

    fn dry_with(name: &str, addresses: LocalAddresses) -> String {
        let archive = archive();
        let domain = RestorableDomain::named(name).expect("a domain");
        sent(&dry_restore(&archive, &domain, addresses).expect("a request"))
    }

    fn dry(name: &str) -> String {
        dry_with(name, LocalAddresses::Rewrite)
    }

    fn confirmed(name: &str, addresses: LocalAddresses) -> ConfirmedRestore {
        let facts = RestoreFacts {
            task: 1,
            archive_sha256: String::new(),
            domain: RestorableDomain::named(name).expect("a domain"),
            device: "QA1".to_owned(),
            address: "qa1:5550".to_owned(),
            serial: None,
            firmware: None,
            running: String::new(),
            local_addresses: addresses,
            save: SaveAfter::No,
            has_unsaved: None,
            allows_unsaved: false,
            allows_other_firmware: false,
        };
        let plan = RestorePlan::new(facts, archive());
        plan.confirmed(&RestoreConfirmation::TypedName(name.to_owned()))
            .expect("confirmed")
    }

    #[test]
    fn a_real_restore_differs_from_its_dry_run_in_one_word() {
        for addresses in [LocalAddresses::Keep, LocalAddresses::Rewrite] {
            for name in ["DOM1", "A\"<&"] {
                let confirmed = confirmed(name, addresses);
                let real = sent(&real_restore(&confirmed).expect("a request"));
                assert_eq!(
                    real.replace("dry-run=\"false\"", "dry-run=\"true\""),
                    dry_with(name, addresses)
                );
                assert_eq!(real.matches("dry-run=\"false\"").count(), 1);
            }
        }
    }

    #[test]
    fn addresses_are_rewritten_only_where_that_was_said() {
        let keep = "rewrite-local-ip=\"false\"";
        assert!(dry_with("DOM1", LocalAddresses::Keep).contains(keep));
        assert!(!dry_with("DOM1", LocalAddresses::Rewrite).contains(keep));
    }

    #[test]
    fn a_configuration_is_saved_in_the_domain_that_was_restored() {
        let request = save_config(&confirmed("DOM1", LocalAddresses::Keep));
        assert_eq!(request.domain, "DOM1");
        assert_eq!(request.effect, Effect::Change);
        assert_eq!(
            inner(&request),
            "<dp:do-action><SaveConfig></SaveConfig></dp:do-action>"
        );
    }

    #[test]
    fn a_dry_run_says_so_writes_every_attribute_and_resets_nothing() {
        let sent = dry("DOM1");
        let wanted = "<dp:do-restore source-type=\"ZIP\" dry-run=\"true\" overwrite-files=\"true\" \
                      overwrite-objects=\"true\" rewrite-local-ip=\"true\"><dp:input-file>UEs=</dp:input-file>\
                      <dp:domain name=\"DOM1\" import-domain=\"true\" reset-domain=\"false\"/></dp:do-restore>";
        assert!(sent.contains(wanted), "{sent}");
        assert!(
            sent.contains("domain=\"default\""),
            "do-restore is sent in default"
        );
    }

    #[test]
    fn whatever_a_domain_is_called_a_dry_run_stays_one() {
        let hostile = "A\" reset-domain=\"true\"/><dp:domain name=\"default";
        let sent = dry(hostile);
        let document = roxmltree::Document::parse(&sent).expect("a request is XML");
        let named = |name: &'static str| {
            let mut nodes = document
                .descendants()
                .filter(move |node| node.has_tag_name((NAMESPACE, name)));
            let one = nodes.next().expect(name);
            assert!(nodes.next().is_none(), "one {name}");
            one
        };
        assert_eq!(named("domain").attribute("name"), Some(hostile));
        assert_eq!(named("domain").attribute("reset-domain"), Some("false"));
        assert_eq!(named("do-restore").attribute("dry-run"), Some("true"));
    }

    #[test]
    fn no_request_restores_a_whole_gateway() {
        let all = [
            get_status("default", "DomainStatus"),
            get_config("default", "Domain", None),
            view_certificate("c"),
            get_filestore("temporary:"),
            get_file("temporary:///x"),
            do_backup(&["DOM1"], true),
            quiesce_device(60),
            unquiesce_device(),
            quiesce_domain("DOM1", 60),
            unquiesce_domain("DOM1"),
            secure_backup("c", "temporary:///x"),
            delete_file("temporary:///x"),
            remove_dir("temporary:///x"),
        ];
        for request in &all {
            assert!(!request.envelope.contains("SecureRestore"), "{}", request.name);
            assert!(!request.envelope.contains("do-import"), "{}", request.name);
            assert!(!request.envelope.contains("do-restore"), "{}", request.name);
        }
        let real = confirmed("DOM1", LocalAddresses::Keep);
        assert!(!dry("DOM1").contains("SecureRestore"));
        assert!(!save_config(&real).envelope.contains("estore"));
        assert!(!sent(&real_restore(&real).expect("a request")).contains("SecureRestore"));
    }

    #[test]
    fn only_questions_may_be_asked_again() {
        let questions = [
            get_status("default", "DomainStatus"),
            get_config("default", "CryptoCertificate", Some("backup-cert")),
            get_filestore("temporary:"),
            get_file("temporary:///x/cert.tgz"),
        ];
        let all_are = |requests: &[Request], effect| requests.iter().all(|request| request.effect == effect);
        assert!(all_are(&questions, Effect::Question));
        assert!(all_are(&[do_backup(&["DOM1"], true)], Effect::Export));
        let changes = [
            quiesce_device(60),
            unquiesce_domain("DOM1"),
            secure_backup("backup-cert", "temporary:///x"),
            delete_file("temporary:///x/cert.tgz"),
        ];
        assert!(all_are(&changes, Effect::Change));
    }

    #[test]
    fn a_backup_always_says_which_configuration_it_wants() {
        assert_eq!(
            inner(&do_backup(&["DOM1"], true)),
            "<dp:do-backup format=\"ZIP\" persisted=\"true\"><dp:domain name=\"DOM1\"/></dp:do-backup>"
        );
    }

    #[test]
    fn a_hostile_name_stays_inside_its_attribute_or_element() {
        let name = "a\"/><x>&\n";
        let request = unquiesce_domain(name);
        let document = roxmltree::Document::parse(&request.envelope).expect("still XML");
        let element = document
            .descendants()
            .find(|node| node.has_tag_name("name"))
            .expect("the name");
        assert_eq!(element.text(), Some(name));
        let request = get_file(name);
        let document = roxmltree::Document::parse(&request.envelope).expect("still XML");
        let element = document
            .descendants()
            .find(|node| node.has_tag_name((NAMESPACE, "get-file")))
            .expect("the request");
        assert_eq!(element.attribute("name"), Some(name));
    }
}
