//! Secure backups of the simulated gateway: the forms of their manifest, and when they are answered.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::gateway_forms::Hands;
use crate::simulator::{Gateway, Setup};
use crate::soap_client::Client;

const SECURE_BACKUP: &str = "<dp:do-action><SecureBackup><cert>backup-cert</cert><destination>temporary:///b</destination></SecureBackup></dp:do-action>";
const MANIFEST: &str = "temporary:///b/backupmanifest.xml";

/// The rows of a manifest: name, the element with the size and its text, checksum.
type Row = (String, Option<(String, u64)>, Option<String>);

/// A secure backup of a gateway with these personalities: the rows of its manifest, the length of the
/// manifest, and the bytes of the first part.
fn manifest(personalities: &[&str]) -> (Vec<Row>, u64, Vec<u8>) {
    let gateway = Gateway::start(Setup::default().being(personalities));
    Client::new(&gateway).ask("default", SECURE_BACKUP);
    let state = gateway.state();
    let bytes = |name: &str| {
        let content = state.file("default", name).expect("a file");
        content.to_vec().expect("its bytes")
    };
    let manifest = bytes(MANIFEST);
    let text = String::from_utf8(manifest.clone()).expect("text");
    let document = roxmltree::Document::parse(&text).expect("XML");
    let rows = document.descendants().filter(|node| node.has_tag_name("file"));
    let row = |node: roxmltree::Node| {
        let text = |tag: &str| {
            let child = node.children().find(|child| child.has_tag_name(tag))?;
            child.text().map(str::to_owned)
        };
        let size = ["filesize", "size"].into_iter().find_map(|tag| {
            let size = text(tag)?.parse().expect("a number");
            Some((tag.to_owned(), size))
        });
        (text("filename").expect("a name"), size, text("checksum"))
    };
    let rows: Vec<Row> = rows.map(row).collect();
    let first = bytes(&format!("temporary:///b/{}", rows[0].0));
    (rows, manifest.len() as u64, first)
}

#[test]
fn the_size_of_a_part_stands_in_one_element_or_another_or_in_none() {
    let size = |personalities: &[&str]| manifest(personalities).0[0].1.clone();
    let filesize = Some(("filesize".to_owned(), 9_000));
    assert_eq!(size(&[]), filesize);
    assert_eq!(size(&["manifest-size@filesize"]), filesize);
    assert_eq!(size(&["manifest-size@size"]), Some(("size".to_owned(), 9_000)));
    assert_eq!(size(&["manifest-size@none"]), None);
}

#[test]
fn a_manifest_lists_itself_or_not() {
    let own = |form: &str| {
        let (rows, length, _) = manifest(&[&format!("manifest-itself@{form}")]);
        let own = rows.into_iter().find(|row| row.0 == "backupmanifest.xml");
        own.map(|(_, size, checksum)| {
            let size = size.expect("a size").1;
            assert_eq!(size, length, "{form}");
            checksum.is_some()
        })
    };
    assert_eq!(own("no"), None);
    assert_eq!(own("bare"), Some(false));
    assert_eq!(own("checksum"), Some(true));
}

#[test]
fn checksums_are_of_any_kind_in_any_notation() {
    let checksum = |form: &str| {
        let (rows, _, part) = manifest(&[&format!("manifest-checksum@{form}")]);
        (rows[0].2.clone().unwrap_or_default(), part)
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (text, part) = checksum("sha256:hex");
    assert_eq!(text, hex(&Sha256::digest(&part)));
    let (text, part) = checksum("sha256:upper-hex");
    assert_eq!(text, hex(&Sha256::digest(&part)).to_uppercase());
    let (text, part) = checksum("sha256:base64");
    assert_eq!(text, STANDARD.encode(Sha256::digest(&part)));
    let (text, part) = checksum("sha1:prefixed");
    assert_eq!(text, format!("sha1:{}", hex(&sha1::Sha1::digest(&part))));
    let (text, part) = checksum("sha384:hex");
    assert_eq!(text, hex(&sha2::Sha384::digest(&part)));
    let (text, part) = checksum("sha512:hex");
    assert_eq!(text, hex(&sha2::Sha512::digest(&part)));
    let (text, part) = checksum("md5:colons");
    assert_eq!(
        text.replace(':', "").to_lowercase(),
        hex(&md5::Md5::digest(&part))
    );
    assert_eq!(text.matches(':').count(), 15);
    assert_eq!(checksum("other:hex").0.len(), 48);
    assert_eq!(checksum("none:hex").0, "");
}

#[test]
fn the_parts_are_those_that_are_named() {
    let names: Vec<String> = manifest(&["parts@cert.tgz+policyframework.tgz+store.tgz"])
        .0
        .into_iter()
        .map(|row| row.0)
        .collect();
    assert_eq!(names, ["cert.tgz", "policyframework.tgz", "store.tgz"]);
}

#[test]
fn an_answer_comes_at_once_or_when_the_files_are_there() {
    let is_there_with_the_answer = |personalities: &[&str], milliseconds: u64| {
        let setup = Setup {
            secure_backup_time: Duration::from_millis(milliseconds),
            ..Setup::default()
        };
        let gateway = Gateway::start(setup.being(personalities));
        Client::new(&gateway).ask("default", SECURE_BACKUP);
        let state = gateway.state();
        state.file("default", MANIFEST).is_some()
    };
    assert!(!is_there_with_the_answer(&[], 600_000));
    assert!(is_there_with_the_answer(&["secure-backup-blocks"], 200));
}

#[test]
fn nobody_waits_for_a_clock_that_is_told() {
    let gateway = Gateway::start(
        Setup {
            clock: Hands::at_noon().clock(),
            secure_backup_time: Duration::from_secs(3_600),
            ..Setup::default()
        }
        .being(&["secure-backup-blocks"]),
    );
    Client::new(&gateway).ask("default", SECURE_BACKUP);
    assert!(gateway.state().file("default", MANIFEST).is_some());
}

#[test]
fn a_secure_backup_is_begun_later_or_never() {
    let hands = Hands::at_noon();
    let gateway = Gateway::start(
        Setup {
            clock: hands.clock(),
            ..Setup::default()
        }
        .being(&["SecureBackup:1=late@10s", "SecureBackup:2=not-done"]),
    );
    let client = Client::new(&gateway);
    let files = || gateway.state().files("default", "temporary:").len();
    assert!(client.ask("default", SECURE_BACKUP).body.contains(">OK<"));
    assert_eq!(files(), 0);
    assert!(gateway.state().is_expecting());
    hands.advance(10);
    assert_eq!(files(), 7);
    gateway.state().restart();
    assert!(client.ask("default", SECURE_BACKUP).body.contains(">OK<"));
    assert_eq!((files(), gateway.state().is_expecting()), (0, false));
}
