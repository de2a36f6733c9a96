//! `RESTORE.txt` beside the backups of a device, and the certificate that a secure backup opens with.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use dpbackup::soma::certificate::Certificate;
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;

use crate::simulator::{CryptoCertificate, Domain, Gateway};
use crate::support::{Home, gateways};

const SECURE: &str =
    "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\ncertificate = \"backup-cert\"\n";
const EXPORT: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\n";

/// A certificate as DER and as PEM.
fn certificate() -> (Vec<u8>, String) {
    let key = KeyPair::generate().expect("a key");
    let made = CertificateParams::new(Vec::new())
        .expect("parameters")
        .self_signed(&key)
        .expect("a certificate");
    (made.der().to_vec(), made.pem())
}

fn note(home: &Home) -> String {
    fs::read_to_string(home.store().join("QA1/RESTORE.txt")).expect("a note")
}

#[test]
fn whoever_has_the_store_alone_is_told_what_there_is_and_how_it_goes_back() {
    let (der, _) = certificate();
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert").showing(&der));
    let home = Home::of(&gateway).plan("P", &format!("{SECURE}{EXPORT}"));
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    let text = note(&home);
    for words in [
        "OVERWRITES EVERYTHING",
        "An import is a merge",
        "opens with the private key to backup-cert: subject CN=backup-cert, serial number 4096, SHA-256 ",
        &Certificate::of_der(&der).pin(),
        "lacks: 1 key or certificate is not in it, as in no export: cert:///DOM1-key.pem",
        "export of DOM1, as it was saved",
        "backupmanifest.xml",
    ] {
        assert!(text.contains(words), "{words:?} is missing:\n{text}");
    }
    for file in home
        .history()
        .stored_files(&dpbackup::history::FileFilter::All)
        .expect("files")
    {
        assert!(text.contains(&file.sha256), "{} is missing:\n{text}", file.name);
    }
    let path = home.store().join("QA1/RESTORE.txt");
    let mode = path.metadata().expect("a note").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    // Nothing takes it for a backup or for a leftover.
    let verified = home.dpbackup(&["verify", "--all"]).exits(0).stdout;
    assert!(!verified.contains("RESTORE"), "{verified}");
    let folder = home.store();
    let verified = home
        .dpbackup(&["verify", &folder.to_string_lossy()])
        .exits(0)
        .stdout;
    assert!(!verified.contains("RESTORE"), "{verified}");
}

#[test]
fn whoever_has_the_store_elsewhere_finds_the_files_by_it() {
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert"));
    let home = Home::of(&gateway).plan("P", &format!("{SECURE}{EXPORT}"));
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    let elsewhere = home.path("another mount");
    fs::rename(home.store(), &elsewhere).expect("moved");
    let text = fs::read_to_string(elsewhere.join("QA1/RESTORE.txt")).expect("a note");
    assert!(!text.contains(&*home.path("").to_string_lossy()), "{text}");
    let named = text.lines().filter_map(|line| line.strip_prefix("  QA1/"));
    let named: Vec<&str> = named.filter_map(|line| line.split(" (").next()).collect();
    assert!(named.len() > 3, "{text}");
    for file in named {
        assert!(elsewhere.join("QA1").join(file).is_file(), "{file}");
    }
}

#[test]
fn it_is_written_anew_when_backups_come_or_go_and_only_then() {
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert"));
    let home = Home::of(&gateway)
        .plan("P", EXPORT)
        .setting("retention = { keep_last = 1 }");
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    let first = home
        .history()
        .stored_files(&dpbackup::history::FileFilter::All)
        .expect("files")
        .remove(0);
    let inode = || {
        home.store()
            .join("QA1/RESTORE.txt")
            .metadata()
            .expect("a note")
            .ino()
    };
    let before = inode();
    let _ran = home.dpbackup(&["prune"]).exits(0);
    assert_eq!(inode(), before, "nothing came or went");
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    assert!(note(&home).contains(&first.name));
    let _ran = home.dpbackup(&["prune"]).exits(0);
    let text = note(&home);
    assert!(!text.contains(&first.name), "{text}");
    assert_eq!(text.matches("\n  task ").count(), 1, "{text}");
}

#[test]
fn what_somebody_took_away_is_not_listed() {
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert"));
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    let stored = home
        .history()
        .stored_files(&dpbackup::history::FileFilter::All)
        .expect("files")
        .remove(0);
    fs::remove_file(&stored.path).expect("taken away");
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    let text = note(&home);
    assert!(!text.contains(&stored.name), "{text}");
    assert_eq!(text.matches("\n  task ").count(), 1, "{text}");
}

#[test]
fn a_backup_that_is_gone_at_the_end_of_the_run_that_stored_it_is_no_success() {
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert"));
    let home = Home::of(&gateway);
    let cleans = format!("#!/bin/sh\nrm -rf '{}'/QA1/*/DOM1\n", home.store().display());
    let home = home.script("cleans.sh", &cleans);
    let home = home.plan("P", &format!("post_script = \"cleans.sh\"\n{EXPORT}"));
    let ran = home.dpbackup(&["run", "P"]).exits(3);
    let told = "which task 1 has stored, is not there any more as it was";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let last = home.dpbackup(&["history", "last"]).exits(0);
    assert!(last.stdout.contains(told), "{}", last.stdout);
}

#[test]
fn one_that_cannot_be_written_is_a_warning_and_nothing_more() {
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert"));
    let home = Home::of(&gateway).plan("P", EXPORT);
    fs::create_dir_all(home.store().join("QA1/RESTORE.txt/in the way")).expect("a folder");
    for folder in ["QA1", ""] {
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(home.store().join(folder), mode).expect("a mode");
    }
    let ran = home.dpbackup(&["run", "P"]).exits(3);
    assert!(
        ran.stderr.contains("RESTORE.txt was not written"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("os error"), "{}", ran.stderr);
    assert_eq!(home.recorded(), ["QA1/DOM1 SUCCESS"]);
    let last = home.dpbackup(&["history", "last"]).exits(0);
    assert!(
        last.stdout.contains("RESTORE.txt was not written"),
        "{}",
        last.stdout
    );
    let lines = home.dpbackup(&["run", "P", "--format", "json"]).exits(3).stdout;
    let warning = lines
        .lines()
        .find(|line| line.contains("RESTORE.txt was not written"));
    assert!(
        warning.is_some_and(|line| line.contains("\"warning\"")),
        "{lines}"
    );
    assert!(
        lines
            .lines()
            .last()
            .is_some_and(|line| line.contains("\"exit_code\":3")),
        "{lines}"
    );
    let pruned = home.dpbackup(&["prune"]).exits(3);
    assert!(
        pruned.stderr.contains("RESTORE.txt was not written"),
        "{}",
        pruned.stderr
    );
}

#[test]
fn a_pipe_in_its_place_is_replaced_and_not_waited_for() {
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert"));
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    for arguments in [["run", "P"].as_slice(), &["prune"]] {
        fs::remove_file(home.store().join("QA1/RESTORE.txt")).expect("taken away");
        home.pipe("store/QA1/RESTORE.txt");
        let _ran = home.dpbackup(arguments).exits(0);
        assert!(note(&home).contains("export of DOM1"), "{arguments:?}");
    }
}

#[test]
fn a_link_in_its_place_is_replaced_and_not_followed() {
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert"));
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    let path = home.store().join("QA1/RESTORE.txt");
    fs::rename(&path, home.path("elsewhere")).expect("moved");
    std::os::unix::fs::symlink(home.path("elsewhere"), &path).expect("a link");
    let _ran = home.dpbackup(&["prune"]).exits(0);
    assert!(path.symlink_metadata().expect("a note").is_file());
}

#[test]
fn the_certificate_of_a_secure_backup_is_in_history_and_in_the_context_of_scripts() {
    let (der, _) = certificate();
    for (told, sha256) in [
        (true, Value::from(Certificate::of_der(&der).pin())),
        (false, Value::Null),
    ] {
        let mut held = CryptoCertificate::new("backup-cert");
        if told {
            held = held.showing(&der);
        }
        let gateway = gateways::with_certificate(held);
        let home = Home::of(&gateway)
            .script(
                "keep.sh",
                "#!/bin/sh\ncp \"$DPBACKUP_CONTEXT\" \"${0%/*}/../context.json\"\n",
            )
            .plan("P", &format!("{SECURE}post_script = \"keep.sh\"\n"));
        let _ran = home.dpbackup(&["run", "P"]).exits(0);
        let expected = serde_json::json!({
            "object": "backup-cert", "subject": "CN=backup-cert", "serial": "4096", "sha256": sha256,
            "valid_from": null, "expiry": "4096-01-01T00:00:00Z", "key": "rsaEncryption",
        });
        let files = home
            .dpbackup(&["history", "files", "last", "--format", "json"])
            .exits(0)
            .stdout;
        let files: Value = serde_json::from_str(&files).expect("JSON");
        assert_eq!(files["task_execution"]["certificate"], expected);
        let context = fs::read_to_string(home.path("context.json")).expect("a context");
        let context: Value = serde_json::from_str(&context).expect("JSON");
        assert_eq!(context["certificate"], expected);
        let table = home.dpbackup(&["history", "files", "last"]).exits(0).stdout;
        assert!(table.contains("Encrypted For"), "{table}");
    }
}

#[test]
fn check_says_whether_the_certificate_in_hand_is_the_one_on_the_device() {
    let (der, pem) = certificate();
    let (_, other) = certificate();
    let showing = || CryptoCertificate::new("backup-cert").showing(&der);
    for (held, in_hand, code, words) in [
        (showing(), &pem, 0, "'backup-cert' is the one in hand"),
        (showing(), &other, 1, "'backup-cert' is not the one in hand"),
        (
            CryptoCertificate {
                serial: "not told".to_owned(),
                subject: String::new(),
                ..CryptoCertificate::new("backup-cert")
            },
            &pem,
            3,
            "is the one in hand is not known",
        ),
    ] {
        let gateway = gateways::with_certificate(held);
        let home = Home::of(&gateway).plan("P", SECURE);
        fs::write(home.path("in hand.pem"), in_hand).expect("a file");
        let ran = home
            .dpbackup(&["check", "P", "--certificate", "in hand.pem"])
            .exits(code);
        assert!(ran.stdout.contains(words), "{words:?}: {}", ran.stdout);
        fs::write(home.path("in hand.pem"), "a key\n").expect("a file");
        let ran = home
            .dpbackup(&["check", "P", "--certificate", "in hand.pem"])
            .exits(2);
        assert!(
            ran.stderr.contains("holds no certificate in the form PEM"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_file_in_another_form_for_the_certificate_in_hand_is_told_with_the_command_that_converts() {
    let (der, pem) = certificate();
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert").showing(&der));
    let home = Home::of(&gateway).plan("P", SECURE);
    let utf16: Vec<u8> = format!("\u{feff}{pem}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (bytes, what, command) in [
        (
            der.clone(),
            "it is in DER",
            "`openssl x509 -inform der -in c.cer -out c.pem`",
        ),
        (
            utf16,
            "it is text in UTF-16",
            "`iconv -f UTF-16 -t UTF-8 c.cer > c.pem`",
        ),
        (Vec::new(), "it is empty", "copy it once more"),
        (
            pem.repeat(3).into_bytes(),
            "it holds 3 certificates, and one is compared",
            "`openssl x509 -in c.cer -out c.pem`",
        ),
    ] {
        fs::write(home.path("c.cer"), bytes).expect("a file");
        let ran = home.dpbackup(&["check", "P", "--certificate", "c.cer"]).exits(2);
        let told = ran.stderr.contains(what) && ran.stderr.contains(command);
        assert!(told, "{what}: {}", ran.stderr);
    }
    assert!(gateway.requests().is_empty(), "nothing was asked");
}

#[test]
fn a_pipe_or_a_folder_for_the_certificate_in_hand_is_refused_and_a_mark_before_it_is_passed_over() {
    let (der, pem) = certificate();
    let gateway = gateways::with_certificate(CryptoCertificate::new("backup-cert").showing(&der));
    let home = Home::of(&gateway).plan("P", SECURE);
    home.pipe("pipe");
    for name in ["pipe", "store"] {
        fs::create_dir_all(home.store()).expect("a folder");
        let ran = home.dpbackup(&["check", "P", "--certificate", name]).exits(2);
        assert!(
            ran.stderr.contains("is not a regular file"),
            "{name}: {}",
            ran.stderr
        );
    }
    fs::write(home.path("c.pem"), format!("\u{feff}{pem}")).expect("a file");
    let ran = home.dpbackup(&["check", "P", "--certificate", "c.pem"]);
    assert!(
        ran.stdout.contains("'backup-cert' is the one in hand"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}

#[test]
fn check_warns_of_a_key_that_no_secure_backup_takes_and_says_which_certificates_there_are() {
    let elliptic = CryptoCertificate {
        ecdsa: true,
        ..CryptoCertificate::new("backup-cert")
    };
    let gateway_of_ec = gateways::with_certificate(elliptic);
    let ran = Home::of(&gateway_of_ec)
        .plan("P", SECURE)
        .dpbackup(&["check", "P"])
        .exits(3);
    assert!(
        ran.stdout.contains("has a key on an elliptic curve (ECDSA)"),
        "{}",
        ran.stdout
    );
    let other = gateways::with_certificate(CryptoCertificate::new("another-cert"));
    let home = Home::of(&other).plan("P", SECURE);
    let ran = home.dpbackup(&["check", "P"]).exits(1);
    assert!(ran.stdout.contains("another-cert"), "{}", ran.stdout);
    let ran = home.dpbackup(&["run", "P"]).exits(1);
    assert!(ran.stderr.contains("another-cert"), "{}", ran.stderr);
}

#[test]
fn what_a_history_does_not_know_is_listed_beside_what_it_knows() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = Home::quick().device("QA1", &gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    assert!(!note(&home).contains("BESIDE THEM"), "{}", note(&home));
    let known: Vec<String> = names_of(&note(&home));
    // The history is lost, and made anew.
    fs::remove_dir_all(home.path("state")).expect("it was there");
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    // They are no fault: whoever checks is told how many there are, and of one.
    let ran = home.dpbackup(&["check", "P"]).exits(0);
    let told = "is in it, and the history does not know it";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    let told = note(&home);
    let (backups, beside) = told.split_once("BESIDE THEM").expect("both");
    for name in &known {
        assert!(beside.contains(name.as_str()), "{name} in {beside}");
        assert!(!backups.contains(name.as_str()), "{name} in {backups}");
    }
}

/// The archives that a note names.
fn names_of(note: &str) -> Vec<String> {
    let words = note.split_whitespace().filter(|word| word.ends_with(".zip"));
    words
        .filter(|word| word.contains('/'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_damage_that_was_read_once_is_known_until_a_later_look_finds_the_file_good() {
    for reader in ["verify", "prune"] {
        let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
        let home = Home::quick()
            .setting("retention = { keep_last = 1 }")
            .device("QA1", &gateway)
            .plan("P", EXPORT);
        let _ = home.dpbackup(&["run", "P"]).exits(0);
        let _ = home.dpbackup(&["run", "P"]).exits(0);
        let names = names_of(&note(&home));
        let newest = home.store().join(&names[0]);
        let good = fs::read(&newest).expect("an archive");
        let mut other = good.clone();
        *other.last_mut().expect("a byte") ^= 1;
        fs::write(&newest, &other).expect("written");
        // Sizes alone tell nothing of it.
        let _ = home.dpbackup(&["history", "status"]).exits(0);
        let arguments: &[&str] = match reader {
            "verify" => &["verify", "--all"],
            _ => &["prune"],
        };
        let _ = home.dpbackup(arguments).exits(1);
        let judged = home.dpbackup(&["history", "status"]).exits(1);
        let told = "the good backup of task 2 is not in the store as it was stored";
        assert!(judged.stdout.contains(told), "{reader}: {}", judged.stdout);
        assert!(
            !names_of(&note(&home)).contains(&names[0]),
            "{reader}: {}",
            note(&home)
        );
        fs::write(&newest, &good).expect("written");
        let _ = home.dpbackup(&["verify", "--all"]).exits(0);
        let _ = home.dpbackup(&["history", "status"]).exits(0);
        assert_eq!(names_of(&note(&home))[0], names[0], "{reader}");
    }
}
