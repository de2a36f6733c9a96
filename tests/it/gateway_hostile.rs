//! The simulated gateway sends XML that costs much, wherever it is asked to.

use crate::simulator::{Bulk, BulkForm, BulkPlace, Fault, FaultKind, Gateway, Setup};
use crate::soap_client::{Answer, Client};

const STATUS: &str = "<dp:get-status class=\"DomainStatus\"/>";
const BACKUP: &str = "<dp:do-backup><dp:domain name=\"DOM1\"/></dp:do-backup>";
const SECURE_BACKUP: &str = "<dp:do-action><SecureBackup><cert>backup-cert</cert><destination>temporary:///b</destination></SecureBackup></dp:do-action>";

fn asked(operation: &str, faults: &[&str]) -> Answer {
    let gateway = Gateway::start(Setup::default());
    for fault in faults {
        gateway.fail_as(fault);
    }
    Client::new(&gateway).ask("default", operation)
}

#[test]
fn bulk_has_the_form_and_the_count_that_were_asked_for() {
    let form = |form: &str, count: usize| {
        let fault = format!("DomainStatus=bulk@answer:{form}:{count}");
        let answer = asked(STATUS, &[&fault]);
        assert!(
            answer
                .body
                .ends_with("</DomainStatus></dp:status></dp:response></env:Body></env:Envelope>"),
            "the rest is as it was"
        );
        answer.between("</dp:timestamp>", "<dp:status>").to_owned()
    };
    assert_eq!(
        form("namespaces", 2),
        "<b xmlns:n0=\"u:0\"><b xmlns:n1=\"u:1\"></b></b>"
    );
    assert_eq!(form("declarations", 2), "<b xmlns:n0=\"u:0\" xmlns:n1=\"u:1\"/>");
    assert_eq!(form("attributes", 2), "<b a0=\"\" a1=\"\"/>");
    assert_eq!(form("nesting", 2), "<b><b></b></b>");
    assert_eq!(form("elements", 2), "<b/><b/>");
    assert_eq!(form("names", 3), "<bbb bbb=\"\"/>");
    assert_eq!(form("text", 3), "<b>bbb</b>");
    assert_eq!(form("references", 2), "<b>&#98;&#98;</b>");
    assert!(
        form("namespaces", 4_000).len() < 128 << 10,
        "a small answer it is all the same"
    );
}

#[test]
fn bulk_that_makes_no_sense_is_refused_with_the_reason() {
    let reason = |bulk: &str| Bulk::parse(bulk).expect_err(bulk);
    assert_eq!(reason("answer:text"), "'answer:text' is not PLACE:FORM:COUNT");
    assert_eq!(
        reason("answer:text:1:2"),
        "'answer:text:1:2' is not PLACE:FORM:COUNT"
    );
    assert_eq!(
        reason("nowhere:text:1"),
        "'nowhere' is none of answer, manifest, export-xml"
    );
    assert!(reason("answer:nothing:1").starts_with("'nothing' is none of namespaces, "));
}

#[test]
fn bulk_stands_in_refusals_of_every_kind() {
    let bulk = "do-backup=bulk@answer:elements:3";
    let refused = |fault: &str| asked(BACKUP, &[fault, bulk]).body;
    for (fault, before, after) in [
        ("do-backup=result-error", "</dp:timestamp>", "<dp:result>ERROR<"),
        ("do-backup=error-log", "</dp:timestamp>", "<dp:result><error-log>"),
        (
            "do-backup=access-denied",
            "</dp:timestamp>",
            "<dp:result>Authentication",
        ),
        (
            "do-backup=login-failure",
            "management\">",
            "<dp:result>Authentication",
        ),
        ("do-backup=http-500", "<detail>", "</detail>"),
        ("do-backup=empty-file", "</dp:timestamp>", "<dp:file/>"),
        ("do-backup=file-error", "</dp:timestamp>", "<dp:file>ERROR"),
    ] {
        let body = refused(fault);
        let expected = format!("{before}<b/><b/><b/>{after}");
        assert!(body.contains(&expected), "{fault}: {body}");
    }
    let invalid = asked(
        "<dp:get-status class=\"Nothing\"/>",
        &["invalid=bulk@answer:text:2"],
    );
    assert!(invalid.body.contains("<detail><b>bb</b></detail>"));
    let whole = asked(BACKUP, &[bulk]);
    assert!(whole.body.contains("</dp:timestamp><b/><b/><b/><dp:file>UEs"));
}

#[test]
fn bulk_stands_in_the_manifest_of_a_secure_backup() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail(Fault::every(
        "SecureBackup",
        FaultKind::Bulk(Bulk {
            place: BulkPlace::Manifest,
            form: BulkForm::Attributes,
            count: 2,
        }),
    ));
    let answer = Client::new(&gateway).ask("default", SECURE_BACKUP);
    assert!(answer.body.contains("</dp:timestamp><dp:result>OK</dp:result>"));
    let manifest = gateway
        .state()
        .file("default", "temporary:///b/backupmanifest.xml")
        .expect("a manifest");
    let manifest = String::from_utf8(manifest.to_vec().expect("bytes")).expect("text");
    assert!(manifest.contains("<b a0=\"\" a1=\"\"/><files>"), "{manifest}");
}

#[test]
fn bulk_stands_in_every_export_xml_of_an_archive() {
    let archive = asked(BACKUP, &["do-backup=bulk@export-xml:nesting:2"]).file();
    let text = |archive: Vec<u8>, name: &str| {
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("an archive");
        let mut bytes = Vec::new();
        let mut entry = archive.by_name(name).expect("an entry");
        std::io::Read::read_to_end(&mut entry, &mut bytes).expect("its bytes");
        bytes
    };
    let has_bulk = |xml: Vec<u8>| {
        let xml = String::from_utf8(xml).expect("text");
        xml.contains("</interface-data><b><b></b></b><configuration")
    };
    assert!(has_bulk(text(archive.clone(), "export.xml")));
    assert!(has_bulk(text(text(archive, "DOM1.zip"), "export.xml")));
}

#[test]
fn a_file_without_an_end_is_sent_for_as_long_as_somebody_reads() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup=endless-file");
    let client = Client::new(&gateway);
    let some = client.read_some("default", BACKUP, 4 << 20);
    assert_eq!(some.len(), 4 << 20);
    let text = String::from_utf8(some).expect("text");
    assert!(text.contains("<dp:file>AAAA") && text.ends_with('A'));
    gateway.clear_faults();
    let again = Client::new(&gateway).ask("default", BACKUP);
    assert!(!again.file().is_empty(), "who goes away ends his own answer only");
}
