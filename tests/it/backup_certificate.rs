//! The certificate that secure backups are encrypted for: what of it is told, and when.

use std::fs;

use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber};
use serde_json::Value;

use crate::simulator::{CryptoCertificate, Domain, Gateway, Setup};
use crate::support::{Home, gateways};

const SECURE: &str =
    "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\ncertificate = \"backup-cert\"\n";

/// The certificate that the gateway holds from now on.
fn renew(gateway: &Gateway, certificate: CryptoCertificate) {
    gateway.state().setup.certificates = vec![certificate];
}

fn certificate(subject: &str, serial: &str) -> CryptoCertificate {
    CryptoCertificate {
        subject: subject.to_owned(),
        serial: serial.to_owned(),
        ..CryptoCertificate::new("backup-cert")
    }
}

#[test]
fn a_secure_backup_for_a_certificate_that_has_expired_warns_of_it() {
    let end = "2020-01-01T00:00:00Z".parse().expect("a time");
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert").until(end));
    let home = Home::of(&gateway).plan("P", SECURE);
    let ran = home.dpbackup(&["run", "P"]).exits(3);
    let told = "the certificate 'backup-cert' expired on 2020-01-01";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let last = home.dpbackup(&["history", "last"]).exits(0).stdout;
    assert!(last.contains(told), "{last}");
}

#[test]
fn a_secure_backup_for_a_certificate_that_is_not_valid_yet_warns_of_it() {
    let gateway = gateways::with_certificate(CryptoCertificate {
        not_before: "4000-01-01T00:00:00Z".parse().ok(),
        ..CryptoCertificate::new("backup-cert")
    });
    let home = Home::of(&gateway).plan("P", SECURE);
    let ran = home.dpbackup(&["run", "P"]).exits(3);
    let told = "the certificate 'backup-cert' is not valid before 4000-01-01";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let last = home.dpbackup(&["history", "last"]).exits(0).stdout;
    assert!(last.contains(told), "{last}");
}

#[test]
fn another_certificate_than_at_the_last_secure_backup_is_told_once() {
    let gateway = gateways::with_certificate(certificate("CN=x", "1"));
    let home = Home::of(&gateway).plan("P", SECURE);
    let _first = home.dpbackup(&["run", "P"]).exits(0);
    let _same = home.dpbackup(&["run", "P"]).exits(0);
    renew(&gateway, certificate("CN=y", "2"));
    let ran = home.dpbackup(&["run", "P"]).exits(3);
    for words in [
        "'backup-cert' of the device is another one than at its last secure backup (task 2)",
        "it was subject CN=x, serial number 1,",
        "and is subject CN=y, serial number 2,",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
        let last = home.dpbackup(&["history", "last"]).exits(0).stdout;
        assert!(last.contains(words), "{words}: {last}");
    }
    let _known = home.dpbackup(&["run", "P"]).exits(0);
}

#[test]
fn a_certificate_is_compared_with_the_last_one_of_its_name_of_which_something_was_told() {
    let silent = CryptoCertificate {
        not_after: None,
        ..certificate("", "")
    };
    let other = CryptoCertificate {
        name: "other-cert".to_owned(),
        ..certificate("CN=other", "7")
    };
    let gateway = Gateway::start(Setup {
        certificates: vec![certificate("CN=x", "1"), other],
        ..gateways::small([Domain::new("DOM1")])
    });
    let renew = |certificate| gateway.state().setup.certificates[0] = certificate;
    let other = SECURE.replace("backup-cert", "other-cert");
    let home = Home::of(&gateway).plan("P", SECURE).plan("OTHER", &other);
    let _first = home.dpbackup(&["run", "P"]).exits(0);
    // What is not told is not another one.
    renew(silent);
    let _silent = home.dpbackup(&["run", "P"]).exits(0);
    let _other = home.dpbackup(&["run", "OTHER"]).exits(0);
    renew(certificate("CN=x", "2"));
    let ran = home.dpbackup(&["run", "P"]).exits(3);
    assert!(ran.stderr.contains("(task 1)"), "{}", ran.stderr);
}

#[test]
fn whoever_verifies_or_looks_at_a_secure_backup_meets_the_certificate_that_it_needs() {
    let gateway = gateways::with_certificate(certificate("CN=x", "1"));
    let home = Home::of(&gateway).plan("P", SECURE);
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    let words = "ncrypted for backup-cert: subject CN=x, serial number 1, SHA-256 not known, good until 4096";
    for arguments in [["verify", "last"], ["history", "last"]] {
        let shown = home.dpbackup(&arguments).exits(0).stdout;
        assert!(shown.contains(words), "{arguments:?}: {shown}");
    }
    let page = home.dpbackup(&["report", "-"]).exits(0).stdout;
    assert!(page.contains("Encrypted For"), "{page}");
    let document = home.dpbackup(&["verify", "last", "--format", "json"]).exits(0);
    let document: Value = serde_json::from_str(&document.stdout).expect("JSON");
    let files = document["files"].as_array().expect("files");
    let folder = files.iter().find(|file| file["kind"] == "secure-backup-folder");
    assert_eq!(folder.expect("a folder")["certificate"]["serial"], "1");
}

#[test]
fn check_compares_what_is_told_where_the_certificate_itself_is_not() {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
    parameters.serial_number = Some(SerialNumber::from(4096_u64));
    parameters.distinguished_name.push(DnType::CommonName, "x");
    let in_hand = parameters.self_signed(&key).expect("a certificate").pem();
    for (subject, serial, code, words) in [
        (
            "CN=y",
            "4096",
            1,
            "'backup-cert' is not the one in hand: on the device subject CN=y, serial number 4096,",
        ),
        (
            "CN=x",
            "4097",
            1,
            "'backup-cert' is not the one in hand: on the device subject CN=x, serial number 4097,",
        ),
        (
            "CN=x",
            "4096",
            3,
            "is the one in hand is not known: the device does not show the certificate itself",
        ),
        (
            "CN=x",
            "0x10:00",
            3,
            "in hand subject CN=x, serial number 0x1000,",
        ),
    ] {
        let gateway = gateways::with_certificate(certificate(subject, serial));
        let home = Home::of(&gateway).plan("P", SECURE);
        fs::write(home.path("in hand.pem"), &in_hand).expect("a file");
        let ran = home
            .dpbackup(&["check", "P", "--certificate", "in hand.pem"])
            .exits(code);
        assert!(ran.stdout.contains(words), "{words:?}: {}", ran.stdout);
    }
}
