//! What `verify` tells of a file: what it is, what it holds and lacks, in words and as data.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::simulator::{Checksum, Domain, Gateway, ManifestForm, Notation, OwnRow, Setup, SizeElement};
use crate::support::Home;

/// An archive of these entries.
fn archive(home: &Home, name: &str, entries: &[(&str, &[u8])]) -> PathBuf {
    let path = home.path(name);
    let mut zip = ZipWriter::new(fs::File::create(&path).expect("a file"));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default())
            .expect("an entry");
        std::io::Write::write_all(&mut zip, bytes).expect("written");
    }
    zip.finish().expect("a ZIP");
    path
}

/// The `export.xml` of a `do-export` of the domain `SALES`.
fn export_xml(objects: &str, rows: &str) -> String {
    format!(
        "<datapower-configuration version=\"3\"><export-details><domain>SALES</domain>\
         <device-name>gw1</device-name><serial-number>0000001</serial-number>\
         <firmware-version>IDG.10.0.1.5</firmware-version><firmware-build>336212</firmware-build>\
         </export-details><configuration domain=\"SALES\">{objects}</configuration><files>{rows}</files>\
         </datapower-configuration>"
    )
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// What `verify` says of a file, in words and as JSON.
#[track_caller]
fn verified(home: &Home, path: &Path, code: i32) -> (String, Value) {
    let words = home.dpbackup(&["verify", text(path)]).exits(code);
    let ran = home
        .dpbackup(&["verify", text(path), "--format", "json"])
        .exits(code);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    (words.stdout, document["files"][0].clone())
}

#[test]
fn a_store_that_is_not_mounted_is_told_once_and_not_of_each_file() {
    let gateway = Gateway::start(crate::restore::setup());
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &crate::support::export("QA1", "DOM*", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let copy = home.path("copy.zip");
    fs::copy(home.store().join(&home.stored()[0]), &copy).expect("copied");
    fs::remove_dir_all(home.store()).expect("it was there");
    fs::create_dir(home.store()).expect("an empty folder");
    // What is named by itself needs no store.
    let ran = home.dpbackup(&["verify", text(&copy), "1"]).exits(1);
    assert!(ran.stdout.starts_with("OK "), "{}", ran.stdout);
    let told = "or was it moved?; of what should be in it nothing was looked at";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let ran = home.dpbackup(&["verify", "--all"]).exits(1);
    assert_eq!(ran.stdout, "");
    let told = "is empty, and history knows 2 files in it: is its file system not mounted, or was it moved?; nothing was looked at";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn an_archive_is_told_with_its_firmware_domains_counts_and_what_it_lacks() {
    let home = Home::new();
    let xml = export_xml(
        "<CryptoKey name=\"k\"><Filename>cert:///k.pem</Filename></CryptoKey>\
         <PasswordAlias name=\"db\"/><User name=\"operator\"/>",
        "<file name=\"local:///gone.xsl\" src=\"local/gone.xsl\" location=\"local\" missing=\"true\"/>",
    );
    let path = archive(&home, "a.zip", &[("export.xml", xml.as_bytes())]);
    // No gateway has a user elsewhere than in `default`.
    let (words, file) = verified(&home, &path, 3);
    assert!(
        words.contains("do-export, domain SALES, IDG.10.0.1.5, 1 entries, 3 objects"),
        "{words}"
    );
    for name in ["cert:///k.pem", "local:///gone.xsl", "db", "operator"] {
        let note = words
            .lines()
            .find(|line| line.starts_with("  note:") && line.ends_with(name));
        assert!(note.is_some(), "{name}: {words}");
    }
    assert_eq!(file["what"], "do-export");
    assert_eq!(file["firmware_version"], "IDG.10.0.1.5");
    assert_eq!(file["build"], "336212");
    assert_eq!(
        (&file["serial"], &file["gateway_name"]),
        (&json!("0000001"), &json!("gw1"))
    );
    assert_eq!(
        (&file["entries"], &file["objects"], &file["files"]),
        (&json!(1), &json!(3), &json!(0))
    );
    let lacks = json!({
        "key_files": { "count": 1, "names": ["cert:///k.pem"] },
        "missing_files": { "count": 1, "names": ["local:///gone.xsl"] },
        "password_aliases": { "count": 1, "names": ["db"] },
        "local_users": { "count": 1, "names": ["operator"] },
    });
    assert_eq!(file["lacks"], lacks);
    assert_eq!(
        file["domains"],
        json!([{ "domain_name": "SALES", "objects": 3, "files": 0, "lacks": lacks }])
    );
    assert_eq!(file["notes"].as_array().map(Vec::len), Some(4));
}

#[test]
fn files_alone_are_an_archive_with_a_warning() {
    let home = Home::new();
    let xml = export_xml("", "");
    let path = archive(&home, "a.zip", &[("export.xml", xml.as_bytes())]);
    let (words, file) = verified(&home, &path, 3);
    assert!(
        words.starts_with("OK") && words.contains("files alone"),
        "{words}"
    );
    assert_eq!(file["state"], "OK");
}

#[test]
fn every_reason_is_one_of_a_list() {
    let home = Home::new();
    let xml = export_xml(
        "<User name=\"u\"/>",
        "<file name=\"local:///a\" src=\"local/a\" hash=\"x\"/>",
    );
    let path = archive(
        &home,
        "a.zip",
        &[("export.xml", xml.as_bytes()), ("local/b", b"")],
    );
    let (words, file) = verified(&home, &path, 1);
    assert_eq!(
        file["reasons"],
        json!([
            "local/a: listed, but missing",
            "local/b: not listed in export.xml"
        ])
    );
    assert!(words.contains("missing; local/b"), "{words}");
    assert_eq!(file["what"], Value::Null);
}

#[test]
fn what_is_no_archive_is_named() {
    let home = Home::new();
    let xml = export_xml(
        "<User name=\"u\"/>",
        "<file name=\"webgui:///a\" src=\"dp-aux/a\" internal=\"true\" hash=\"x\"/>",
    );
    let inner = archive(&home, "inner.zip", &[("export.xml", xml.as_bytes())]);
    let folder = archive(&home, "folder.zip", &[("monday/export.xml", xml.as_bytes())]);
    let twice = fs::read(&inner).expect("an archive");
    let twice = archive(&home, "twice.zip", &[("inner.zip", &twice)]);
    let write = |name: &str, text: &str| {
        let path = home.path(name);
        fs::write(&path, text).expect("written");
        path
    };
    let exported = write("export.xml", &xml);
    let saved = write(
        "answer.xml",
        "<?xml version=\"1.0\"?>\n<env:Envelope xmlns:env=\"e\"><env:Body><dp:response xmlns:dp=\"d\">\
         <dp:file>UEsDBA==</dp:file></dp:response></env:Body></env:Envelope>",
    );
    for (path, what, words) in [
        (inner, "inner-zip", "the ZIP of one domain"),
        (
            folder,
            "archive-in-folder",
            "one level too deep: all of it stands in the folder \"monday\"",
        ),
        (
            twice,
            "archive-in-zip",
            "one level too deep: take \"inner.zip\" out",
        ),
        (exported, "xml-export", "an export in the form XML"),
        (saved, "soma-response", "a saved SOMA response"),
    ] {
        let (told, file) = verified(&home, &path, 1);
        assert!(told.starts_with("BAD") && told.contains(words), "{told}");
        assert_eq!(file["what"], what);
        assert_eq!(file["reasons"].as_array().map(Vec::len), Some(1), "{file}");
    }
}

const PLAN: &str =
    "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"*\"\ncertificate = \"backup-cert\"\n";

/// Takes a secure backup from a gateway that writes manifests of this form.
fn secure_backup(form: ManifestForm) -> (Gateway, Home) {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1")],
        manifest: form,
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", PLAN);
    (gateway, home)
}

#[test]
fn manifests_of_every_form_are_verified() {
    let form = |size, itself, checksum, notation| ManifestForm {
        size,
        itself,
        checksum,
        notation,
    };
    for form in [
        form(SizeElement::FileSize, OwnRow::Bare, Checksum::Sha1, Notation::Hex),
        form(
            SizeElement::Size,
            OwnRow::WithChecksum,
            Checksum::Md5,
            Notation::UpperHex,
        ),
        form(
            SizeElement::Missing,
            OwnRow::Missing,
            Checksum::Sha256,
            Notation::Colons,
        ),
        form(
            SizeElement::FileSize,
            OwnRow::WithChecksum,
            Checksum::Sha384,
            Notation::Base64,
        ),
        form(
            SizeElement::FileSize,
            OwnRow::Bare,
            Checksum::Sha512,
            Notation::Prefixed,
        ),
    ] {
        let (_gateway, home) = secure_backup(form);
        let _ = home.dpbackup(&["run", "P"]).exits(0);
        let part = home
            .stored()
            .into_iter()
            .find(|path| path.ends_with("config.tgz"));
        let part = home.store().join(part.expect("a part"));
        let folder = part.parent().expect("a folder").to_owned();
        let (words, file) = verified(&home, &folder, 0);
        // The only note is the certificate that it needs.
        assert_eq!(words.matches("note:").count(), 1, "{form:?}: {words}");
        assert!(
            words.contains("note:    encrypted for backup-cert"),
            "{form:?}: {words}"
        );
        let bytes = fs::read(&part).expect("a part");
        let mut flipped = bytes.clone();
        flipped[7] ^= 1;
        fs::write(&part, flipped).expect("written");
        let ran = home.dpbackup(&["verify", "--all"]).exits(1);
        assert!(
            ran.stdout.contains("the checksum of \"config.tgz\""),
            "{form:?}: {}",
            ran.stdout
        );
        assert_ne!(file, Value::Null);
    }
}

#[test]
fn a_checksum_of_no_known_kind_is_a_note_and_the_size_still_counts() {
    let (_gateway, home) = secure_backup(ManifestForm {
        checksum: Checksum::Unknown,
        ..ManifestForm::default()
    });
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let part = home
        .stored()
        .into_iter()
        .find(|path| path.ends_with("config.tgz"));
    let part = home.store().join(part.expect("a part"));
    let folder = part.parent().expect("a folder").to_owned();
    let copy = home.path("copy");
    fs::create_dir(&copy).expect("a folder");
    for entry in fs::read_dir(&folder).expect("a listing") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("copied");
    }
    let (words, file) = verified(&home, &copy, 0);
    assert!(
        words.contains("no known kind: nothing but its size was compared"),
        "{words}"
    );
    assert_eq!(file["what"], "secure-backup");
    assert!(
        file["size_only"]
            .as_array()
            .is_some_and(|names| names.contains(&json!("config.tgz"))),
        "{file}"
    );
    let mut longer = fs::read(&part).expect("a part");
    longer.push(0);
    fs::write(copy.join("config.tgz"), longer).expect("written");
    let (words, _) = verified(&home, &copy, 1);
    assert!(words.contains("\"config.tgz\" has "), "{words}");
}

#[test]
fn what_only_its_size_proves_is_told_as_that_wherever_the_backup_is_shown() {
    let manifest = ManifestForm {
        checksum: Checksum::Unknown,
        ..ManifestForm::default()
    };
    let gateway = Gateway::start(Setup {
        manifest,
        ..Setup::default()
    });
    let home = Home::new()
        .device("QA1", &gateway)
        .script(
            "keep.sh",
            "#!/bin/sh\ncp \"$DPBACKUP_CONTEXT\" \"${0%/*}/../context.json\"\n",
        )
        .plan("P", &format!("{PLAN}\npost_script = \"keep.sh\"\n"));
    let context = home.path("context.json");
    let lines = home.dpbackup(&["run", "P", "--format", "json"]).exits(0).stdout;
    let stored: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|line| line["event"] == "file_stored")
        .map(|line| line["file"].clone())
        .collect();
    let verified = |files: &[Value]| -> Vec<(String, Value)> {
        let one = |file: &Value| {
            let name = file["name"].as_str().or(file["path"].as_str()).expect("a name");
            let name = name.rsplit('/').next().unwrap_or(name).to_owned();
            (name, file["verified"].clone())
        };
        files.iter().map(one).collect()
    };
    let of_run = verified(&stored);
    assert!(
        of_run.contains(&("config.tgz".to_owned(), json!("size only"))),
        "{of_run:?}"
    );
    assert!(
        of_run.contains(&("backupmanifest.xml".to_owned(), json!(true))),
        "{of_run:?}"
    );
    let list = |document: &str| {
        let document: Value = serde_json::from_str(document).expect("JSON");
        document["files"].as_array().expect("files").clone()
    };
    let history = home
        .dpbackup(&["history", "files", "last", "--format", "json"])
        .exits(0)
        .stdout;
    assert_eq!(verified(&list(&history)), of_run);
    assert_eq!(
        verified(&list(&fs::read_to_string(&context).expect("a context"))),
        of_run
    );
    let csv = home
        .dpbackup(&["history", "files", "last", "--format", "csv"])
        .exits(0)
        .stdout;
    let parts = of_run.len() - 1;
    assert_eq!(csv.matches(",size only,").count(), parts, "{csv}");
    let table = home.dpbackup(&["history", "files", "last"]).exits(0).stdout;
    assert_eq!(table.matches("size only").count(), parts, "{table}");
    let verify = home.dpbackup(&["verify", "--all"]).exits(0).stdout;
    assert_eq!(
        verify
            .matches("when it was stored it could be verified by size only")
            .count(),
        parts,
        "{verify}"
    );
    assert!(
        verify.contains(&format!("{parts} of them verified by size only")),
        "{verify}"
    );
}
