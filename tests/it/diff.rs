//! `diff`: what differs between two exports, and what of it is never shown.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::rehearse::another;
use crate::simulator::{Domain, Firmware, Gateway, Setup};
use crate::support::{Home, Ran, gateways};

const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"*, !default\"\n";

/// A `do-export` of the domain `SALES` with these objects, taken at some time.
fn archive(home: &Home, name: &str, time: &str, objects: &str) -> PathBuf {
    archive_of(home, name, time, objects, "")
}

/// The same with rows of files that are not in it.
fn archive_of(home: &Home, name: &str, time: &str, objects: &str, rows: &str) -> PathBuf {
    let path = home.path(name);
    let mut zip = ZipWriter::new(File::create(&path).expect("a file"));
    zip.start_file("export.xml", SimpleFileOptions::default())
        .expect("an entry");
    write!(
        zip,
        "<datapower-configuration version=\"3\"><export-details><domain>SALES</domain>\
         <current-time>{time}</current-time></export-details>\
         <configuration domain=\"SALES\">{objects}</configuration><files>{rows}</files>\
         </datapower-configuration>"
    )
    .expect("written");
    zip.finish().expect("a ZIP");
    path
}

fn diff(home: &Home, arguments: &[&str]) -> Ran {
    home.dpbackup(&[&["diff"], arguments].concat())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn what_runs_is_compared_with_what_is_saved() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1").unsaved(), Domain::new("DOM2")],
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let ran = diff(&home, &["1"]).exits(1);
    assert!(ran.stdout.ends_with("1 object added\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("domain DOM1\n  + "), "{}", ran.stdout);
    let ran = diff(&home, &["2"]).exits(2);
    assert!(ran.stderr.contains("no unsaved changes"), "{}", ran.stderr);
    let _ = diff(&home, &["9"]).exits(2);
}

#[test]
fn another_day_and_another_firmware_are_no_difference_and_a_file_is() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1"), Domain::new("DOM2")],
        ..Setup::default()
    });
    let home = Home::new()
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    gateway.state().set_firmware(Firmware {
        version: "IDG.10.6.0.2".to_owned(),
        ..Firmware::v10()
    });
    gateway
        .state()
        .put_file("DOM2", "local:///readme.txt", b"new".to_vec());
    gateway
        .state()
        .put_file("DOM2", "local:///more.txt", b"more".to_vec());
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let same = diff(&home, &["1", "3"]).exits(0);
    assert!(same.stdout.ends_with("the same\n"), "{}", same.stdout);
    let ran = diff(&home, &["2", "4"]).exits(1);
    assert!(
        ran.stdout
            .contains("  + file local:///more.txt\n  ~ file local:///readme.txt"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.ends_with("1 file added, 1 file changed\n"),
        "{}",
        ran.stdout
    );
    // Two domains of different names are held against each other.
    let ran = diff(&home, &["1", "2"]).exits(1);
    assert!(ran.stdout.contains("domain DOM1 -> DOM2"), "{}", ran.stdout);
    // What is saved of each is called after it, and is no file that the other lacks.
    assert!(!ran.stdout.contains("+ file config:///"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("- file config:///"), "{}", ran.stdout);
}

#[test]
fn an_archive_of_all_domains_is_compared_domain_by_domain() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &EXPORT.replace("*, !default", "all-domains"));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    {
        let mut state = gateway.state();
        state.put_file("DOM1", "local:///readme.txt", b"new".to_vec());
        state.remove_domain("DOM2");
        state.add_domain(Domain::new("DOM3"));
    }
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let ran = diff(&home, &["1", "2"]).exits(1);
    for line in [
        "- domain DOM2",
        "+ domain DOM3",
        "domain DOM1\n  ~ file local:///readme.txt",
    ] {
        assert!(ran.stdout.contains(line), "{line} in {}", ran.stdout);
    }
    assert!(
        diff(&home, &["1", "2", "--domain", "default"])
            .exits(0)
            .stdout
            .ends_with("the same\n")
    );
    let ran = diff(&home, &["1", "2", "--domain", "DOM1"]).exits(1);
    assert!(!ran.stdout.contains("DOM3"), "{}", ran.stdout);
    let _ = diff(&home, &["1", "2", "--domain", "DOM9"]).exits(2);
}

#[test]
fn properties_are_shown_and_secrets_are_not() {
    let home = Home::new();
    let old = archive(
        &home,
        "old.zip",
        "1",
        "<XMLManager name=\"a\"><Cache>10</Cache><URL>x</URL><URL>y</URL></XMLManager>\
         <User name=\"u\"><HashedPassword>$1$oldhash</HashedPassword><Level>low</Level></User>\
         <Gone name=\"g\"/>\
         <Rules name=\"r\"><Rule>1</Rule><Rule>2</Rule></Rules>\
         <Action name=\"p\"><Parameter><ParameterName>db-password</ParameterName>\
         <ParameterValue>tiger</ParameterValue></Parameter></Action>",
    );
    let new = archive(
        &home,
        "new.zip",
        "2",
        "<XMLManager name=\"a\"><Cache>20</Cache><URL>x</URL><URL>z\u{1b}[31m</URL><URL>w</URL></XMLManager>\
         <User name=\"u\"><HashedPassword>$1$newhash</HashedPassword><Level>high</Level></User>\
         <Rules name=\"r\"><Rule>2</Rule><Rule>1</Rule></Rules>\
         <Action name=\"p\"><Parameter><ParameterName>db-password</ParameterName>\
         <ParameterValue>lion</ParameterValue></Parameter></Action>"
            .replace('\u{1b}', "&#x202e;")
            .as_str(),
    );
    let ran = diff(&home, &[text(&old), text(&new)]).exits(1);
    let lines: Vec<&str> = ran.stdout.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "domain SALES",
            "  ~ Action p",
            "      Parameter/ParameterValue: (secret changed)",
            "  - Gone g",
            "  ~ Rules r",
            "      Rule: (the same values in another order)",
            "  ~ User u",
            "      HashedPassword: (secret changed)",
            "      Level: \"low\" -> \"high\"",
            "  ~ XMLManager a",
            "      Cache: \"10\" -> \"20\"",
            "      - URL: \"y\"",
            "      + URL: \"z\\u{202e}[31m\"",
            "      + URL: \"w\"",
            "1 object removed, 4 objects changed",
        ]
    );
    let json = diff(&home, &[text(&old), text(&new), "--format", "json"])
        .exits(1)
        .stdout;
    for secret in ["oldhash", "newhash", "tiger", "lion"] {
        assert!(!ran.stdout.contains(secret) && !json.contains(secret), "{secret}");
    }
    let document: Value = serde_json::from_str(&json).expect("JSON");
    let objects = &document["domains"][0]["objects"];
    assert_eq!(document["same"], false);
    assert_eq!(objects[4]["properties"][1]["old"], serde_json::json!(["y"]));
}

#[test]
fn exports_that_differ_in_their_time_alone_are_the_same() {
    let home = Home::new();
    let objects = "<XMLManager name=\"a\"><Cache>10</Cache></XMLManager>";
    let old = archive(&home, "old.zip", "2026-01-01", objects);
    let new = archive(&home, "new.zip", "2026-12-31", objects);
    let _ = diff(&home, &[text(&old), text(&new)]).exits(0);
}

#[test]
fn a_file_that_the_gateway_did_not_have_comes_and_goes() {
    let home = Home::new();
    let object = "<XMLManager name=\"a\"/>";
    let row = |name: &str, form: &str| {
        format!("<file name=\"local:///{name}\" src=\"local/{name}\" location=\"local\" {form}=\"true\"/>")
    };
    let none = archive(&home, "none.zip", "1", object);
    let missing = archive_of(&home, "missing.zip", "2", object, &row("a.xsl", "missing"));
    let key = archive_of(&home, "key.zip", "3", object, &row("a.xsl", "key"));
    let ran = diff(&home, &[text(&none), text(&missing)]).exits(1);
    assert!(
        ran.stdout.contains("  + file local:///a.xsl (missing)\n"),
        "{}",
        ran.stdout
    );
    let ran = diff(&home, &[text(&missing), text(&none)]).exits(1);
    assert!(
        ran.stdout.contains("  - file local:///a.xsl (missing)\n"),
        "{}",
        ran.stdout
    );
    let ran = diff(&home, &[text(&missing), text(&key), "--format", "json"]).exits(1);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let file = &document["domains"][0]["files"][0];
    assert_eq!(
        (&file["change"], &file["old"], &file["new"]),
        (&"changed".into(), &"missing".into(), &"key".into())
    );
    let _ = diff(&home, &[text(&missing), text(&missing)]).exits(0);
}

#[test]
fn an_archive_that_is_not_good_is_not_compared() {
    let home = Home::new();
    let objects = "<XMLManager name=\"a\"/>";
    let old = archive(&home, "old.zip", "1", objects);
    let new = archive(&home, "new.zip", "2", objects);
    let mut bytes = fs::read(&new).expect("a file");
    bytes[60] ^= 1;
    fs::write(&new, bytes).expect("written");
    let ran = diff(&home, &[text(&old), text(&new)]).exits(2);
    assert!(ran.stderr.contains("new.zip is not good"), "{}", ran.stderr);
    let _ = diff(&home, &[text(&old)]).exits(2);
    let _ = diff(&home, &[text(&old), text(&home.path("none.zip"))]).exits(2);
    let _ = diff(&home, &[text(&old), text(&home.path("scripts"))]).exits(2);
}

#[test]
fn a_word_that_names_no_export_is_answered_with_what_it_is_and_with_what_was_meant() {
    let (one, other) = (Gateway::start(Setup::default()), Gateway::start(Setup::default()));
    let home = Home::of(&one).device("QA2", &other).absent_device("QA3");
    let home = home.plan(
        "Nightly",
        &EXPORT.replace("\"*\"\ndomains", "\"QA1, QA2\"\ndomains"),
    );
    let _ = home.dpbackup(&["run", "Nightly"]).exits(0);
    let mut said = crate::mistakes::Said::default();
    for line in [
        "diff QA1 QA2",
        "diff QA1",
        "diff QA1 QA1/DOM1",
        "diff QA1:DOM1 QA2:DOM1",
        "diff 1 QA2",
        "diff DOM1 QA2/DOM1",
        "diff QA3 QA1",
        "diff qa1 QA2/DOM1",
        "diff yesterday today",
        "diff Nightly 1",
        "diff one.zip other.zip",
        "extract QA1 out",
        "extract QA1.DOM1 out",
        "log --blame QA1",
        "log --blame QA1:DOM1",
        "log --blame 1",
        "diff QA1/DOM1",
        "diff QA1/*",
        "diff 1 plans.toml",
        "restore DOM1 --to QA1",
        "run DOM1",
        "log --blame QA1/DOM1/XMLManager",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        said.add_of(&format!("dpbackup {line}"), &home, 2, &words);
    }
    for (line, words) in [
        ("verify gone.zip", "gone.zip is not there: `dpbackup verify --all"),
        (
            "verify scripts",
            "scripts is no folder of backups: `dpbackup verify --all",
        ),
        (
            "find DOM*",
            "a `*` stands for itself here, and a part of a word is found, too: `dpbackup find DOM",
        ),
        (
            "find DOM1|DOM2",
            "each sign stands for itself, unless an expression is asked for: `dpbackup find --regex",
        ),
    ] {
        let ran = home.dpbackup(&line.split(' ').collect::<Vec<_>>()).exits(1);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains(words), "{line}: {told}");
    }
    // What is proposed does it.
    let _ = home.dpbackup(&["diff", "QA1/DOM1", "QA2/DOM1"]).exits(0);
    assert_shown!(said.0);
}

#[test]
fn without_a_plan_file_a_word_that_names_no_export_is_told_what_is_taken() {
    let home = Home::new();
    let mut command = home.command(&["diff", "QA1", "QA2"]);
    fs::remove_file(home.path("plans.toml")).expect("removed");
    let ran = Ran::of(
        command
            .env_remove("DPBACKUP_CONFIG")
            .output()
            .expect("the binary starts"),
    )
    .exits(2);
    assert!(
        ran.stderr.contains("or DEVICE/DOMAIN: the newest"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_stored_export_that_was_changed_is_not_compared() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let stored = home.stored();
    fs::copy(home.store().join(&stored[1]), home.store().join(&stored[0])).expect("copied");
    let ran = diff(&home, &["1", "2"]).exits(2);
    assert!(
        ran.stderr.contains("the export of task 1 is not good"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_newest_export_that_is_known_to_be_bad_is_passed_over_with_a_word() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1")],
        ..Setup::default()
    });
    let spare = another(gateways::small([Domain::new("DOM1")]));
    let spare = Gateway::start(spare);
    let home = Home::quick()
        .device("QA1", &gateway)
        .spare("SPARE1", &spare)
        .plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let files = home.dpbackup(&["history", "files", "2", "--format", "json"]);
    let path = |document: &Value| PathBuf::from(document["files"][0]["path"].as_str().expect("a path"));
    let file = path(&serde_json::from_str(&files.exits(0).stdout).expect("JSON"));
    let mut bytes = fs::read(&file).expect("the export");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).expect("damaged");
    let _ = home.dpbackup(&["verify", "--all"]).exits(1);
    let files = home
        .dpbackup(&["history", "files", "2", "--format", "json"])
        .exits(0);
    let files: Value = serde_json::from_str(&files.stdout).expect("JSON");
    assert_eq!(files["files"][0]["verified"], true);
    assert!(files["files"][0]["damage"].is_string() && files["files"][0]["damage_time"].is_string());
    let shown = home.dpbackup(&["history", "files", "2"]).exits(0);
    assert!(shown.stdout.contains("not any more"), "{}", shown.stdout);
    let last = home.dpbackup(&["history", "last"]).exits(0).stdout;
    assert!(last.contains("not any more as it was stored (found 20"), "{last}");
    let told = "QA1 DOM1: the newest export, of task 2, is not what was stored (";
    for arguments in [
        &["diff", "QA1/DOM1", "1"][..],
        &["find", "mAdminState"],
        &["log", "--blame", "QA1/DOM1"],
    ] {
        let ran = home.dpbackup(arguments);
        assert!(ran.stderr.contains(told), "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stderr
                .contains("that of task 1 is the newest one that stands"),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("passed over: "), "{}", ran.stderr);
    }
    // What is proposed rehearses on a spare.
    let ran = home.dpbackup(&["rehearse", "QA1", "--on", "QA1"]).exits(2);
    let proposed = "`dpbackup rehearse --device QA1 --on SPARE1 ";
    assert!(ran.stderr.contains(proposed), "{}", ran.stderr);
    // The drill is not green for a backup that nobody could restore.
    for quiet in [&[][..], &["-q"]] {
        let rehearsed = [&["rehearse", "--all", "--on", "SPARE1"][..], quiet].concat();
        let ran = home.dpbackup(&rehearsed).exits(3);
        let told = "LEFT OUT    task 2: QA1 DOM1: it is not what was stored (";
        assert!(ran.stdout.contains(told), "{}", ran.stdout);
    }
    // One that nobody has read since it went is missed by whoever shows it.
    let files = |format: &str| {
        home.dpbackup(&["history", "files", "1", "--format", format])
            .exits(0)
            .stdout
    };
    let first = path(&serde_json::from_str(&files("json")).expect("JSON"));
    assert!(!files("table").contains("not any more"), "{}", files("table"));
    fs::remove_file(first).expect("gone");
    assert!(files("table").contains("not any more"), "{}", files("table"));
    assert!(
        files("json").contains("\"damage\": \"it is not there\""),
        "{}",
        files("json")
    );
}

#[test]
fn an_export_is_named_by_its_path_below_the_store_and_by_its_bare_name_too() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let stored = home.stored();
    let below = stored[0].as_str();
    let bare = below.rsplit('/').next().expect("a name");
    let _ = home.dpbackup(&["diff", below, bare]).exits(0);
    // An older one has its name, too.
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let _ = home.dpbackup(&["diff", "1", bare]).exits(0);
    let folder = home.path("text");
    let _ = home.dpbackup(&["extract", bare, text(&folder)]).exits(0);
    let ran = home.dpbackup(&["diff", below, "DOM1-export.zip"]).exits(2);
    assert!(
        ran.stderr.contains("there is no file 'DOM1-export.zip'"),
        "{}",
        ran.stderr
    );
}
