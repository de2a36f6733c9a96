//! The archives of the simulated gateway are as real ones: whole, with true hashes, unless told otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use zip::{CompressionMethod, ZipArchive};

use crate::simulator::{Content, Domain, Fault, Firmware, Gateway, Setup};
use crate::soap_client::Client;

type Entries = BTreeMap<String, Vec<u8>>;

/// The files of an archive, or why it cannot be read.
fn entries(archive: &[u8]) -> Result<Entries, String> {
    let mut zip = ZipArchive::new(Cursor::new(archive)).map_err(|error| error.to_string())?;
    let mut entries = Entries::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| error.to_string())?;
        let name = entry.name().map_err(|error| error.to_string())?.into_owned();
        let mut bytes = Vec::new();
        entry
            .read_to_end(&mut bytes)
            .map_err(|error| format!("{name}: {error}"))?;
        if !name.ends_with('/') {
            entries.insert(name, bytes);
        }
    }
    Ok(entries)
}

/// What is wrong with one domain's files: `own` stand beside `export.xml`, `internal` in `dp-aux/`.
fn findings(domain: &str, own: &Entries, internal: &Entries) -> Vec<String> {
    let Some(xml) = own.get("export.xml") else {
        return vec!["no export.xml".to_owned()];
    };
    let xml = std::str::from_utf8(xml).expect("text");
    let document = roxmltree::Document::parse(xml).expect("XML");
    let configuration = document
        .descendants()
        .find(|node| node.has_tag_name("configuration"));
    let configuration = configuration.expect("a configuration");
    let mut findings = Vec::new();
    if configuration.attribute("domain") != Some(domain) {
        findings.push(format!("{domain}: another domain"));
    }
    if !configuration.children().any(|node| node.is_element()) {
        findings.push(format!("{domain}: no objects"));
    }
    let mut listed = BTreeSet::from(["export.xml".to_owned()]);
    for row in document.descendants().filter(|node| node.has_tag_name("file")) {
        let path = row.attribute("src").expect("a path");
        let is_internal = row.attribute("internal") == Some("true");
        let entry = if is_internal {
            internal.get(path)
        } else {
            own.get(path)
        };
        if row.attribute("key") == Some("true") {
            assert!(entry.is_none() && !row.has_attribute("hash"), "{path} is a key");
            continue;
        }
        match entry {
            None => findings.push(format!("{domain}: {path} is missing")),
            Some(bytes) if row.attribute("hash") != Some(&STANDARD.encode(Sha1::digest(bytes))) => {
                findings.push(format!("{domain}: {path} has another hash"));
            }
            Some(_) => {}
        }
        listed.insert(path.to_owned());
    }
    let unlisted = own.keys().filter(|path| !listed.contains(*path));
    findings.extend(unlisted.map(|path| format!("{domain}: {path} is not listed")));
    findings
}

/// What is wrong with a backup of these domains.
fn backup_findings(archive: &[u8], domains: &[&str]) -> Vec<String> {
    let mut outer = match entries(archive) {
        Ok(outer) => outer,
        Err(error) => return vec![format!("outer: {error}")],
    };
    let mut findings = Vec::new();
    for domain in domains {
        match outer
            .remove(&format!("{domain}.zip"))
            .map(|inner| entries(&inner))
        {
            None => findings.push(format!("{domain}: no archive")),
            Some(Err(error)) => findings.push(format!("{domain}: {error}")),
            Some(Ok(inner)) => findings.extend(self::findings(domain, &inner, &outer)),
        }
    }
    let left = outer
        .keys()
        .filter(|name| !name.starts_with("dp-aux/") && *name != "export.xml");
    findings.extend(left.map(|name| format!("outer: {name} was not asked for")));
    findings
}

fn backup(client: &Client, domains: &[&str], persisted: bool) -> Vec<u8> {
    let names: String = domains
        .iter()
        .map(|name| format!("<dp:domain name=\"{name}\"/>"))
        .collect();
    let operation = format!("<dp:do-backup format=\"ZIP\" persisted=\"{persisted}\">{names}</dp:do-backup>");
    client.ask("default", &operation).file()
}

fn export(client: &Client, domain: &str) -> Vec<u8> {
    let operation = "<dp:do-export format=\"ZIP\" all-files=\"true\" persisted=\"false\"><dp:object \
                     class=\"all-classes\" name=\"all-objects\"/></dp:do-export>";
    client.ask(domain, operation).file()
}

fn start() -> (Gateway, Client) {
    let gateway = Gateway::start(Setup::default());
    let client = Client::new(&gateway);
    (gateway, client)
}

#[test]
fn a_backup_is_whole_and_its_hashes_are_true() {
    let (_gateway, client) = start();
    let archive = backup(&client, &["DOM1"], true);
    assert_eq!(backup_findings(&archive, &["DOM1"]), Vec::<String>::new());
    let mut zip = ZipArchive::new(Cursor::new(&archive)).expect("a ZIP");
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.expect("a name").into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "export.xml",
            "DOM1.zip",
            "dp-aux/",
            "dp-aux/clixform.xsl",
            "dp-aux/SchemaUtil.xsl",
            "dp-aux/management.xsl",
            "dp-aux/map-dmz.xsl",
            "dp-aux/drMgmt.xml",
            "dp-aux/basetypes.xml"
        ]
    );
    assert_eq!(
        zip.by_name("DOM1.zip").expect("an entry").compression(),
        CompressionMethod::Stored
    );
    assert_eq!(
        zip.by_name("dp-aux/drMgmt.xml").expect("an entry").compression(),
        CompressionMethod::Deflated
    );
    let outer = entries(&archive).expect("entries");
    let inner = entries(&outer["DOM1.zip"]).expect("entries");
    let names: Vec<&str> = inner.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "config/DOM1.cfg",
            "export.xml",
            "local/app/route.xsl",
            "local/readme.txt"
        ]
    );
}

#[test]
fn all_domains_are_those_of_the_device() {
    let (gateway, client) = start();
    let archive = backup(&client, &["all-domains"], true);
    assert_eq!(
        backup_findings(&archive, &["default", "DOM1", "DOM2"]),
        Vec::<String>::new()
    );
    let outer = entries(&archive).expect("entries");
    let xml = String::from_utf8(outer["export.xml"].clone()).expect("text");
    assert!(xml.contains(
        "<domains><domain name=\"default\"/><domain name=\"DOM1\"/><domain name=\"DOM2\"/></domains>"
    ));
    assert!(
        xml.contains("<domain>default</domain>"),
        "the outer details are of the default domain"
    );
    let left = gateway
        .state()
        .file("default", "export:///export.zip")
        .expect("the archive stays in export:");
    assert_eq!(left.to_vec().expect("bytes"), archive);
}

#[test]
fn an_export_is_one_archive_with_the_internal_files() {
    let (_gateway, client) = start();
    let all = entries(&export(&client, "DOM1")).expect("entries");
    let (internal, own): (Entries, Entries) =
        all.into_iter().partition(|(name, _)| name.starts_with("dp-aux/"));
    assert_eq!(internal.len(), 6);
    assert_eq!(findings("DOM1", &own, &internal), Vec::<String>::new());
}

#[test]
fn details_stand_in_the_order_of_the_firmware() {
    let details = |firmware: Firmware| {
        let gateway = Gateway::start(Setup {
            firmware,
            ..Setup::default()
        });
        let outer = entries(&backup(&Client::new(&gateway), &["DOM1"], true)).expect("entries");
        let xml = String::from_utf8(outer["export.xml"].clone()).expect("text");
        let document = roxmltree::Document::parse(&xml).expect("XML");
        let details = document
            .descendants()
            .find(|node| node.has_tag_name("export-details"))
            .expect("details");
        let names = details.children().map(|node| node.tag_name().name().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        details(Firmware::v10()),
        "description user domain comment product-id product display-product model display-model device-name \
         serial-number firmware-version display-firmware-version firmware-build delivery-type \
         firmware-timestamp current-date current-time reset-date reset-time login-message custom-ui-file"
    );
    assert_eq!(
        details(Firmware::v7()),
        "description user domain comment product-id product model device-name serial-number firmware-version \
         firmware-build firmware-timestamp current-date current-time reset-date reset-time login-message \
         custom-ui-file"
    );
}

#[test]
fn the_running_configuration_differs_while_changes_are_unsaved() {
    let (gateway, client) = start();
    let configuration = |persisted| {
        let outer = entries(&backup(&client, &["DOM1"], persisted)).expect("entries");
        let inner = entries(&outer["DOM1.zip"]).expect("entries");
        let xml = String::from_utf8(inner["export.xml"].clone()).expect("text");
        xml.split("<configuration")
            .nth(1)
            .map(str::to_owned)
            .expect("a configuration")
    };
    assert_eq!(configuration(true), configuration(false));
    gateway.state().set_unsaved("DOM1", true);
    assert_ne!(configuration(true), configuration(false));
    assert!(configuration(false).contains("not-saved-yet"));
}

#[test]
fn a_backup_that_cannot_be_is_refused() {
    let (_gateway, client) = start();
    let refusal = |domain: &str, attributes: &str, name: &str| {
        let operation = format!("<dp:do-backup {attributes}><dp:domain name=\"{name}\"/></dp:do-backup>");
        client
            .ask(domain, &operation)
            .between("level=\"error\">", "<")
            .to_owned()
    };
    assert_eq!(
        refusal("default", "format=\"XML\"", "DOM1"),
        "Cannot backup domains in 'JSON' or 'XML' format. Use 'ZIP' format."
    );
    assert_eq!(refusal("DOM1", "", "DOM1"), "Target domain must be 'default'");
    assert_eq!(
        refusal("default", "", "nowhere"),
        "Backup failed - invalid or non-existent domain [nowhere]."
    );
}

#[test]
fn a_large_synthetic_file_stands_stored_and_true_in_the_archive() {
    let domain = Domain::new("DOM1").file("local:///large.bin", Content::synthetic(17 << 20, 7));
    let gateway = Gateway::start(Setup {
        domains: vec![domain],
        wrapped_base64: true,
        ..Setup::default()
    });
    let archive = backup(&Client::new(&gateway), &["DOM1"], true);
    assert!(archive.len() > 17 << 20);
    assert_eq!(backup_findings(&archive, &["DOM1"]), Vec::<String>::new());
}

#[test]
fn each_damage_to_an_archive_is_the_damage_that_it_says() {
    let cases: [(&str, &[&str]); 7] = [
        ("bad-crc", &["outer: DOM1.zip: Invalid checksum"]),
        ("wrong-hash", &["DOM1: local/app/route.xsl has another hash"]),
        (
            "other-domain",
            &["DOM1: no archive", "outer: default.zip was not asked for"],
        ),
        ("missing-entry", &["DOM1: local/app/route.xsl is missing"]),
        ("missing-domain", &["DOM1: no archive"]),
        ("extra-entry", &["DOM1: local/unlisted.txt is not listed"]),
        ("no-objects", &["DOM1: no objects"]),
    ];
    for (name, expected) in cases {
        let (gateway, client) = start();
        gateway.fail(Fault::parse(&format!("do-backup@DOM1={name}")).expect("a script"));
        assert_eq!(
            backup_findings(&backup(&client, &["DOM1"], true), &["DOM1"]),
            expected,
            "{name}"
        );
        assert!(
            backup_findings(&backup(&client, &["DOM2"], true), &["DOM2"]).is_empty(),
            "{name} is for DOM1"
        );
    }
}

#[test]
fn a_truncated_archive_does_not_pass() {
    // Cut so, a backup still ends with whole inner archives, one of which a lenient reader may take for
    // the backup itself.
    let (gateway, client) = start();
    gateway.fail_as("do-backup=truncated-archive");
    assert!(!backup_findings(&backup(&client, &["DOM1"], true), &["DOM1"]).is_empty());
}
