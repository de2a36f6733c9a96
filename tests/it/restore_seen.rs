//! What a restore says of a device rests on what was seen of it, and of that device alone.

use std::io::{Cursor, Read as _, Write as _};
use std::process::Stdio;

use rustix::process::Signal;
use sha2::{Digest as _, Sha256};

use crate::restore::{change, has_service, keyless, sent, setup, word};
use crate::simulator::{Domain, Gateway};
use crate::support::{Home, Ran, eventually, export};

fn changed() -> (Gateway, Home) {
    let gateway = Gateway::start(setup());
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM*", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    change(&gateway);
    (gateway, home)
}

/// Restores with these options, where the gateway does this meanwhile.
fn restored(gateway: &Gateway, home: &Home, options: &[&str], fault: &str) -> Ran {
    let bent: Vec<&str> = options
        .iter()
        .copied()
        .filter(|option| *option == "--save")
        .collect();
    let word = word(home, &bent);
    gateway.fail_as(fault);
    let all = ["restore", "1", "--to", "QA1", "--confirm", &word];
    let all: Vec<&str> = all.iter().chain(options).copied().collect();
    let ran = home.dpbackup(&all);
    gateway.clear_faults();
    ran
}

#[test]
fn an_answer_to_an_import_that_proves_nothing_leaves_its_row_open() {
    for fault in [
        "import-empty",
        "results-empty",
        "import-unknown",
        "no-payload",
        "result-error",
        "error-log@Import: File system full.",
        "ok-and-error-log@Import in progress.",
        "fault-after",
        "access-denied",
    ] {
        let (gateway, home) = changed();
        let ran = restored(&gateway, &home, &[], &format!("do-restore:2={fault}")).exits(1);
        assert_eq!(sent(&gateway), ["dry", "real"], "{fault}");
        assert_eq!(home.open_entries().len(), 1, "{fault}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains("not all of it was imported"),
            "{fault}: {}",
            ran.stderr
        );
        let recovered = home.dpbackup(&["recover"]).exits(1);
        let told = "an import of DOM1 on QA1 may be half done";
        assert!(recovered.stdout.contains(told), "{fault}: {}", recovered.stdout);
    }
}

#[test]
fn an_import_that_the_device_proves_not_to_have_begun_leaves_nothing() {
    for fault in ["http-401", "login-failure"] {
        let (gateway, home) = changed();
        let ran = restored(&gateway, &home, &[], &format!("do-restore:2={fault}")).exits(1);
        let told = "the import was not begun, and nothing was imported";
        assert!(ran.stderr.contains(told), "{fault}: {}", ran.stderr);
        assert!(home.open_entries().is_empty(), "{fault}");
        assert!(!has_service(&gateway), "{fault}");
    }
}

#[test]
fn a_device_that_changes_during_the_dry_run_gets_no_import() {
    for (fault, told) in [
        ("do-restore:1=another-serial@78B0002", "serial number 78B0002 now"),
        (
            "do-restore:1=another-firmware@IDG.7.5.2.4",
            "of firmware IDG.7.5.2.4",
        ),
        ("do-restore:1=quiesces-alone@DOM1", "domain DOM1 is quiesced now"),
        ("do-restore:1=quiesces-alone@DOM2", "domain DOM2 is quiesced now"),
    ] {
        let (gateway, home) = changed();
        let ran = restored(&gateway, &home, &[], fault).exits(1);
        assert_eq!(sent(&gateway), ["dry"], "{fault}");
        for told in ["the confirmation is void", told, "no import was sent"] {
            assert!(ran.stderr.contains(told), "{fault}: {told} in {}", ran.stderr);
        }
    }
    type Make = fn(&Gateway);
    let cases: [(Make, &str); 3] = [
        (
            |gateway| gateway.state().set_unsaved("DOM2", true),
            "domain DOM2 has unsaved changes",
        ),
        (
            |gateway| gateway.state().add_domain(Domain::new("DOM3")),
            "domain DOM3 was made",
        ),
        (
            |gateway| gateway.state().remove_domain("DOM2"),
            "domain DOM2 is gone",
        ),
    ];
    for (make, told) in cases {
        let (gateway, home) = changed();
        let home = home.timeouts("request = 10s, export = 1h, idle = 1h");
        let word = word(&home, &[]);
        gateway.fail_as("do-restore:1=stall@60m");
        let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
        eventually("the dry run is sent", || sent(&gateway) == ["dry"]);
        make(&gateway);
        gateway.clear_faults();
        let ran = running.end().exits(1);
        assert_eq!(sent(&gateway), ["dry"], "{told}");
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
}

#[test]
fn a_device_that_does_not_tell_who_it_is_right_before_the_import_gets_none() {
    for fault in ["no-payload", "login-failure", "access-denied"] {
        let (gateway, home) = changed();
        let word = word(&home, &[]);
        // Asked for the plan, when that is confirmed, for the dry run, after it, and for the import.
        gateway.fail_as(&format!("FirmwareVersion3:5+={fault}"));
        gateway.fail_as(&format!("FirmwareVersion2={fault}"));
        gateway.fail_as(&format!("FirmwareVersion={fault}"));
        let ran = home
            .dpbackup(&["restore", "1", "--to", "QA1", "--confirm", &word])
            .exits(1);
        assert_eq!(sent(&gateway), ["dry"], "{fault}: {}", ran.stderr);
        assert!(
            ran.stderr
                .contains("the import was not begun, and nothing was imported"),
            "{fault}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_device_that_is_another_after_the_import_is_not_saved_and_proves_nothing() {
    let (gateway, home) = changed();
    let ran = restored(
        &gateway,
        &home,
        &["--save"],
        "do-restore:2=another-serial@78B0002",
    )
    .exits(1);
    assert_eq!(sent(&gateway), ["dry", "real"]);
    assert_eq!(gateway.received("SaveConfig"), 0);
    for told in [
        "what came out could not be looked at: QA1 leads to the device with serial number 78B0002 now",
        "what came out is not kept as a backup of its own",
    ] {
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    assert!(!ran.stdout.contains("what came out is"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("after it task"), "{}", ran.stdout);
}

#[test]
fn what_an_import_leaves_behind_is_told() {
    for (fault, told) in [
        ("quiesces-alone@DOM1", "domain DOM1 is quiesced now"),
        ("quiesces-alone@DOM2", "domain DOM2 is quiesced now"),
    ] {
        let (gateway, home) = changed();
        let ran = restored(&gateway, &home, &[], &format!("do-restore:2={fault}")).exits(3);
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
}

#[test]
fn another_domain_that_an_import_has_changed_is_told() {
    let (gateway, home) = changed();
    let home = home.timeouts("request = 10s, export = 1h, idle = 1h");
    let word = word(&home, &[]);
    gateway.fail_as("do-restore:2=stall@60m");
    let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    eventually("the import is sent", || sent(&gateway) == ["dry", "real"]);
    gateway.state().set_unsaved("DOM2", true);
    gateway.clear_faults();
    let ran = running.end().exits(3);
    let told = "domain DOM2 has unsaved changes";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn what_did_not_come_out_is_said_to_be_not_as_the_backup_has_it() {
    let (gateway, home) = changed();
    let ran = restored(&gateway, &home, &[], "do-restore:2=not-done").exits(1);
    for told in [
        "MultiProtocolGateway DOM1-service is not there",
        "local:///readme.txt is not as the backup has it",
    ] {
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("was changed"), "{}", ran.stderr);
}

/// Restores without any fault.
fn confirmed(home: &Home) -> Ran {
    let word = word(home, &[]);
    home.dpbackup(&["restore", "1", "--to", "QA1", "--confirm", &word])
}

/// How often the device is asked this before its import, and the word of the next restore.
fn asked_before_the_import(gateway: &Gateway, home: &Home, operation: &str) -> usize {
    gateway.forget_requests();
    let word = word(home, &[]);
    gateway.forget_requests();
    let _ = home
        .dpbackup(&["restore", "1", "--to", "QA1", "--confirm", &word])
        .exits(0);
    let requests = gateway.requests();
    let import = requests
        .iter()
        .position(|request| request.body.contains("dry-run=\"false\""));
    let before = requests.iter().take(import.expect("an import"));
    let count = before
        .filter(|request| request.operation.contains(operation))
        .count();
    change(gateway);
    count
}

#[test]
fn whether_it_is_saved_is_the_devices_word_after_the_import_or_not_known() {
    let (gateway, home) = changed();
    let looks = asked_before_the_import(&gateway, &home, "DomainStatus");
    let fault = format!("DomainStatus:{}+=no-field@SaveNeeded", looks + 1);
    let ran = restored(&gateway, &home, &[], &fault).exits(3);
    let known = "whether it is saved is not known: look at DOM1 on QA1\n";
    assert!(ran.stdout.contains(known), "{}", ran.stdout);
    assert!(!ran.stdout.contains("a restart takes it back"), "{}", ran.stdout);
    let told = "the device does not tell whether it has unsaved changes, and what it exports as saved is not what ran";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    // As a document, too.
    change(&gateway);
    let fault = format!("DomainStatus:{}+=no-field@SaveNeeded", looks + 1);
    let ran = restored(&gateway, &home, &["--format", "json"], &fault).exits(3);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["saved"], serde_json::Value::Null);
    // Nothing was to be imported, nothing is unsaved, and what is saved is what runs.
    gateway.state().set_unsaved("DOM1", false);
    let ran = confirmed(&home).exits(0);
    assert!(ran.stdout.contains("it is saved\n"), "{}", ran.stdout);
}

#[test]
fn a_save_that_the_device_has_not_carried_out_is_told() {
    let (gateway, home) = changed();
    let ran = restored(&gateway, &home, &["--save"], "SaveConfig=not-done");
    let ran = ran.exits(3);
    let told = "it is not saved: the device lists unsaved changes";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("it is not saved: a restart takes it back, unless somebody saves the domain on it before (Save Configuration)\n"),
        "{}",
        ran.stdout
    );
}

/// Lets the device have answered the import that died: what became of it was said, and not looked at.
fn answered(home: &Home) {
    let history = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    let rows = history.execute(
        "UPDATE journal SET reply = 'ACCEPTED' WHERE closed_time IS NULL",
        (),
    );
    assert_eq!(rows, Ok(1));
}

#[test]
fn an_import_that_may_still_be_carried_out_keeps_its_row_when_a_later_restore_comes_out() {
    let (gateway, home) = changed();
    let _ = restored(&gateway, &home, &[], "do-restore:2=reply-lost").exits(1);
    change(&gateway);
    let plan = home.dpbackup(&["restore", "1", "--to", "QA1"]).exits(4);
    let told = "the import of task 5 may still be carried out, over this one: nobody has seen its end";
    assert!(plan.stdout.contains(told), "{}", plan.stdout);
    let ran = confirmed(&home).exits(3);
    assert!(
        ran.stdout.contains("what came out is what was to come out"),
        "{}",
        ran.stdout
    );
    let open = home.open_entries();
    assert!(open.len() == 1 && open[0].task.0 == 5, "{open:?}");
    let listed = home.dpbackup(&["recover"]).exits(1);
    assert!(
        listed.stdout.contains("may be half done (task 5)"),
        "{}",
        listed.stdout
    );
    // What its device has answered is over.
    answered(&home);
    change(&gateway);
    let _ = confirmed(&home).exits(0);
    assert!(home.open_entries().is_empty());
}

#[test]
fn an_import_and_a_quiesce_of_one_device_are_struck_out_apart() {
    let (gateway, home) = changed();
    let home = home.plan("Q", &export("QA1", "DOM2", "quiesce = true"));
    let _ = restored(&gateway, &home, &[], "do-restore:2=reply-lost").exits(1);
    gateway.fail_as("do-backup=stall");
    let running = home.running(&["run", "Q"]);
    eventually("DOM2 is quiesced", || {
        gateway.state().quiesce_state("DOM2") == "quiesced"
    });
    running.kill();
    gateway.clear_faults();
    assert_eq!(home.open_entries().len(), 2);
    // The command of the import's message: the quiesce is no part of it, and is undone by what looks after it.
    let ran = home.dpbackup(&["recover", "--forget", "QA1/DOM1"]).exits(0);
    for told in [
        "an import of DOM1 on QA1 (task 5",
        "struck out by a person",
        "domain DOM2 of QA1 was left quiesced",
        "unquiesced and confirmed",
    ] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    assert!(gateway.state().is_unquiesced());
    assert!(home.open_entries().is_empty());
}

#[test]
fn a_restore_of_another_device_under_the_same_name_does_not_close_the_row_of_this_one() {
    let (gateway, home) = changed();
    let _ = restored(&gateway, &home, &[], "do-restore:2=reply-lost").exits(1);
    answered(&home);
    assert_eq!(home.open_entries().len(), 1);
    gateway.state().set_serial("78B0002");
    change(&gateway);
    let _ = confirmed(&home).exits(3);
    assert_eq!(home.open_entries().len(), 1, "it is about another device");
    gateway.state().set_serial("78A0001");
    change(&gateway);
    let _ran = confirmed(&home);
    assert!(home.open_entries().is_empty(), "it is about this one");
}

#[test]
fn the_command_that_compares_shows_what_an_import_changed_though_nobody_has_saved_it() {
    let (_gateway, home) = changed();
    let ran = confirmed(&home).exits(0);
    let told = "before it task 4 was taken, after it task 6: `";
    let command = ran
        .stdout
        .split(told)
        .nth(1)
        .and_then(|rest| rest.split('`').next());
    let command = command.expect("a command");
    assert!(command.contains("diff --running 4 6"), "{command}");
    let difference = home.dpbackup(&["diff", "--running", "4", "6"]).exits(1);
    let told = "+ MultiProtocolGateway DOM1-service";
    assert!(difference.stdout.contains(told), "{}", difference.stdout);
    let newest = home.dpbackup(&["diff", "--running", "4", "QA1/DOM1"]).exits(1);
    assert!(newest.stdout.contains(told), "{}", newest.stdout);
}

#[test]
fn a_row_that_a_restore_has_put_in_order_is_no_warning_of_it_any_more() {
    let (gateway, home) = changed();
    let _ = restored(&gateway, &home, &[], "do-restore:2=reply-lost").exits(1);
    answered(&home);
    change(&gateway);
    let ran = confirmed(&home).exits(0);
    assert!(home.open_entries().is_empty());
    assert_eq!(home.last_plan().status.code(), "SUCCESS", "{}", ran.stderr);
}

#[test]
fn a_history_that_cannot_be_written_after_an_import_does_not_keep_what_is_known_of_it() {
    let (gateway, home) = changed();
    let home = home.timeouts("request = 10s, export = 1h, idle = 1h");
    let word = word(&home, &[]);
    gateway.fail_as("do-restore:2=stall@60m");
    let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    eventually("the import is sent", || sent(&gateway) == ["dry", "real"]);
    let other = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    other
        .execute_batch("BEGIN IMMEDIATE")
        .expect("a lock of somebody else");
    gateway.clear_faults();
    let ran = running.end().exits(6);
    drop(other);
    for told in [
        "the import into DOM1 of QA1 was sent: the device says that all",
        "all that the backup has runs there now",
        "before it, task 4 was taken",
        "it is not saved; the history cannot be used",
    ] {
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn a_history_that_cannot_be_written_after_a_dry_run_does_not_keep_what_is_known_of_it() {
    let (gateway, home) = changed();
    let home = home.timeouts("request = 10s, export = 1h, idle = 1h");
    let word = word(&home, &[]);
    gateway.fail_as("do-restore:1=stall@60m");
    let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    eventually("the dry run is sent", || sent(&gateway) == ["dry"]);
    let other = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    other
        .execute_batch("BEGIN IMMEDIATE")
        .expect("a lock of somebody else");
    gateway.clear_faults();
    let ran = running.end().exits(6);
    drop(other);
    let told = "a dry run was sent, and refuses nothing; right after it the domain was as it was; no import was sent; the \
                history cannot be used";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(sent(&gateway), ["dry"]);
    assert_eq!(home.open_entries().len(), 1);
}

/// Restores where somebody else holds the history from the import on; `meanwhile` may let go of it.
fn with_a_held_history(
    options: &[&str],
    fault: Option<&str>,
    meanwhile: impl FnOnce(&Gateway, rusqlite::Connection) -> Option<rusqlite::Connection>,
) -> (Gateway, Home, Ran) {
    let (gateway, home) = changed();
    let home = home.timeouts("request = 10s, export = 1h, idle = 1h");
    let word = word(&home, options);
    gateway.fail_as("do-restore:2=stall@60m");
    fault.into_iter().for_each(|fault| gateway.fail_as(fault));
    let all = ["restore", "1", "--to", "QA1", "--confirm", &word];
    let running = home.running(&[&all, options].concat());
    eventually("the import is sent", || sent(&gateway) == ["dry", "real"]);
    let other = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    other
        .execute_batch("BEGIN IMMEDIATE")
        .expect("a lock of somebody else");
    gateway.clear_faults();
    let held = meanwhile(&gateway, other);
    let ran = running.end();
    drop(held);
    (gateway, home, ran)
}

#[test]
fn nothing_is_imported_where_the_journal_is_a_file_that_nobody_will_find() {
    let (gateway, home) = changed();
    let home = home.timeouts("request = 10s, export = 1h, idle = 1h");
    let word = word(&home, &[]);
    gateway.fail_as("do-restore:1=stall@60m");
    let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    eventually("the dry run is sent", || sent(&gateway) == ["dry"]);
    std::fs::rename(home.path("state/history.db"), home.path("state/away.db")).expect("moved");
    gateway.clear_faults();
    let ran = running.end().exits(6);
    assert_eq!(sent(&gateway), ["dry"], "{}", ran.stderr);
    assert!(
        ran.stderr.contains("nothing is begun on a device"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_import_in_part_is_graver_than_a_history_that_cannot_be_written() {
    let (_gateway, home, ran) =
        with_a_held_history(&[], Some("do-restore:2=object-fails"), |_, other| Some(other));
    let ran = ran.exits(1);
    for told in [
        "error: the import into DOM1 of QA1 was sent: the device says that not all of it was imported, and what was, stays: ",
        "before it, task 4 was taken",
        "the history cannot be used",
    ] {
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn what_came_out_is_looked_at_and_saved_while_others_hold_the_history_and_written_as_soon_as_it_can_be() {
    let (gateway, home, ran) = with_a_held_history(&["--save"], None, |gateway, other| {
        eventually("it is saved", || gateway.received("SaveConfig") == 1);
        drop(other);
        None
    });
    let ran = ran.exits(0);
    assert!(ran.stdout.contains("it is saved\n"), "{}", ran.stdout);
    assert!(!gateway.state().is_unsaved("DOM1"));
    assert!(home.open_entries().is_empty());
    assert_eq!(home.last_plan().status.code(), "SUCCESS", "{}", ran.stderr);
}

#[test]
fn an_import_in_part_is_graver_than_a_history_that_is_gone() {
    for (fault, code) in [("do-restore:2=object-fails", 1), ("SaveConfig=no-payload", 6)] {
        let (gateway, home) = changed();
        let home = home.timeouts("request = 10s, export = 1h, idle = 1h");
        let word = word(&home, &[]);
        gateway.fail_as("do-restore:2=stall@60m");
        gateway.fail_as(fault);
        let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
        eventually("the import is sent", || sent(&gateway) == ["dry", "real"]);
        std::fs::remove_file(home.path("state/history.db")).expect("removed");
        gateway.clear_faults();
        let ran = running.end().exits(code);
        assert!(
            ran.stderr.contains("was removed or replaced while this ran"),
            "{}",
            ran.stderr
        );
    }
}

/// The same archive, with another outer part.
fn with_outer(archive: Vec<u8>, change: &dyn Fn(&str) -> String) -> Vec<u8> {
    let mut old = zip::ZipArchive::new(Cursor::new(archive)).expect("an archive");
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for index in 0..old.len() {
        let mut entry = old.by_index(index).expect("an entry");
        let name = entry.name().expect("a name").into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its bytes");
        if name == "export.xml" {
            let text = String::from_utf8(bytes).expect("text");
            bytes = change(&text).into_bytes();
        }
        if name.ends_with('/') {
            new.add_directory(name, options).expect("a folder");
            continue;
        }
        new.start_file(name, options).expect("an entry");
        new.write_all(&bytes).expect("its bytes");
    }
    new.finish().expect("an archive").into_inner()
}

/// Changes the outer part of the backup of task 1, which history then has so.
pub(crate) fn rewrite_outer(home: &Home, change: &dyn Fn(&str) -> String) {
    let path = home.store().join(&home.stored()[0]);
    let bytes = with_outer(std::fs::read(&path).expect("the backup"), change);
    std::fs::write(&path, &bytes).expect("written");
    let sha256: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let history = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    let changed = history.execute(
        "UPDATE file SET sha256 = ?1, size = ?2 WHERE task_execution_id = 1",
        (sha256, i64::try_from(bytes.len()).expect("a size")),
    );
    assert_eq!(changed.expect("changed"), 1);
}

#[test]
fn an_archive_with_configuration_beside_its_domain_is_sent_to_no_gateway() {
    let (gateway, home) = changed();
    let spare = Gateway::start(crate::rehearse::another(setup()));
    let home = home.spare("SPARE1", &spare);
    let user = "<User name=\"admin2\"><mAdminState>enabled</mAdminState></User></configuration>";
    rewrite_outer(&home, &|text| text.replacen("</configuration>", user, 1));
    gateway.forget_requests();
    let told = "beside its domain it holds configuration of its own, which an import would lay over `default`: User admin2";
    let ran = home.dpbackup(&["restore", "1", "--to", "QA1"]).exits(4);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(gateway.requests().len(), 0);
    assert!(
        ran.stderr
            .contains("the backup is whole, and is sent to no gateway"),
        "{}",
        ran.stderr
    );
    // Nothing speaks against it as a backup.
    let ran = home.dpbackup(&["rehearse", "1", "--on", "SPARE1"]).exits(4);
    assert!(
        ran.stdout.contains("LEFT OUT") && ran.stdout.contains(told),
        "{}",
        ran.stdout
    );
    assert_eq!(spare.received("do-restore"), 0);
    // The same, where what is beside the domain says that it is of `default`.
    gateway.forget_requests();
    let of_default = format!("</configuration><configuration domain=\"default\">{user}");
    rewrite_outer(&home, &|text| text.replacen(user, &of_default, 1));
    let ran = home.dpbackup(&["restore", "1", "--to", "QA1"]).exits(4);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(gateway.requests().len(), 0);
}

#[test]
fn a_domain_that_the_device_has_and_does_not_list_is_not_said_to_be_missing() {
    let (gateway, home) = changed();
    gateway.fail_as("DomainStatus=hides-row@DOM1");
    let ran = home.dpbackup(&["restore", "1", "--to", "QA1"]).exits(4);
    let told = "QA1 has the domain DOM1 in its configuration, and does not show how it stands";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(!ran.stderr.contains("make an empty one"), "{}", ran.stderr);
}

#[test]
fn two_names_of_one_device_are_not_restored_at_the_same_time() {
    let (gateway, home) = changed();
    let tls = format!("{{ pin_sha256 = \"{}\" }}", gateway.pin());
    let home = home.device_on("QA1b", "localhost", gateway.port(), &tls);
    let word = word(&home, &[]);
    gateway.fail_as("do-restore=stall");
    let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    eventually("the dry run is sent", || sent(&gateway) == ["dry"]);
    let ran = home.dpbackup(&["restore", "1", "--to", "QA1b"]).exits(5);
    assert!(
        ran.stderr.contains("QA1b is held by restore QA1/DOM1"),
        "{}",
        ran.stderr
    );
    running.signal(Signal::TERM);
    let _ = running.end().exits(143);
}

#[test]
fn a_plan_that_could_not_be_written_is_not_said_to_be_shown() {
    let (_gateway, home) = changed();
    let word = word(&home, &[]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let mut command = home.command(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    let output = command
        .stdout(full.expect("a full device"))
        .output()
        .expect("a run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("its plan could not be shown: "), "{said}");
}

#[test]
fn a_task_with_two_exports_says_which_of_them_is_laid_over() {
    let gateway = Gateway::start(setup());
    gateway.state().set_unsaved("DOM1", true);
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    let _ran = home.dpbackup(&["run", "Night"]);
    gateway.state().set_unsaved("DOM1", false);
    let ran = home.dpbackup(&["restore", "1", "--to", "QA1"]).exits(4);
    let told = "task 1 has two exports, and this one is of what was saved";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    assert!(ran.stdout.contains("nonpersisted.zip"), "{}", ran.stdout);
}

#[test]
fn what_was_typed_before_the_plan_was_shown_does_not_confirm_it() {
    let (gateway, home) = changed();
    let home = home.timeouts("request = 1h, export = 1h, idle = 1h");
    gateway.fail_as("FilesystemStatus=stall@60m");
    let mut terminal = home.in_terminal(200, &[], &["restore", "1", "--to", "QA1", "--no-progress"]);
    eventually("the target is looked at", || {
        gateway.received("FilesystemStatus") == 1
    });
    "DOM1\n".chars().for_each(|key| terminal.press(key));
    // The terminal has it.
    terminal.shows("DOM1");
    gateway.clear_faults();
    terminal.shows("type the name of the domain");
    terminal.press('\n');
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(4), "{lines:?}");
    assert_eq!(sent(&gateway), [""; 0]);
}

#[test]
fn nobody_waits_for_a_device_whose_plan_is_being_read() {
    let (gateway, home) = changed();
    let mut terminal = home.in_terminal(200, &[], &["restore", "1", "--to", "QA1", "-q"]);
    terminal.shows("type the name of the domain within 1h");
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    // What it is laid over is looked at after that.
    "DOM1\n".chars().for_each(|key| terminal.press(key));
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(sent(&gateway), ["dry", "real"]);
}

#[test]
fn a_plan_that_goes_elsewhere_than_to_the_terminal_is_not_asked_about() {
    for (more, redirected) in [(["--format", "json"].as_slice(), ""), (&[], "> plan.txt")] {
        let (gateway, home) = changed();
        let arguments = [&["restore", "1", "--to", "QA1"], more].concat();
        let terminal = home.in_terminal_but(redirected, &arguments);
        let (code, lines) = terminal.end();
        assert_eq!(code, Some(4), "{lines:?}");
        let said = lines.concat();
        assert!(
            !said.contains("type the name") && said.contains("--confirm"),
            "{said}"
        );
        assert_eq!(sent(&gateway), [""; 0]);
    }
}

#[test]
fn a_plan_that_nobody_reads_any_more_is_not_confirmed() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    let mut command = home.command(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    drop(child.stdout.take());
    let ran = Ran::ended(child).exits(4);
    assert!(
        ran.stderr
            .contains("its plan could not be shown: nobody reads it"),
        "{}",
        ran.stderr
    );
    assert_eq!(sent(&gateway), [""; 0]);
}

#[test]
fn a_restore_that_is_interrupted_before_its_import_says_so_to_whoever_waits() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    gateway.forget_requests();
    gateway.fail_as("FilesystemStatus=stall");
    let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    eventually("the target is looked at", || {
        gateway.received("FilesystemStatus") == 1
    });
    running.signal(Signal::TERM);
    let ran = running.end().exits(143);
    assert!(ran.stderr.contains("interrupted by SIGTERM"), "{}", ran.stderr);
    // When a task of it has ended well, too.
    gateway.clear_faults();
    gateway.forget_requests();
    gateway.fail_as("do-backup:2+=stall");
    let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    eventually("what runs is asked for", || gateway.received("do-backup") == 2);
    running.signal(Signal::TERM);
    let ran = running.end().exits(143);
    assert!(ran.stderr.contains("interrupted by SIGTERM"), "{}", ran.stderr);
}

#[test]
fn a_restore_before_the_first_run_says_what_there_is_to_do() {
    let gateway = Gateway::start(setup());
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    std::fs::remove_dir_all(home.store()).unwrap_or_default();
    let ran = home.dpbackup(&["restore", "1", "--to", "QA1"]).exits(2);
    assert!(
        ran.stderr.contains("task execution 1") && ran.stderr.contains("run PLAN"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("No such file"), "{}", ran.stderr);
}

#[test]
fn an_object_that_was_to_stay_and_went_is_told() {
    let (gateway, home) = changed();
    // The backup does not have it, so that an import leaves it.
    gateway.state().set_unsaved("DOM1", true);
    gateway.state().set_unsaved("DOM1", false);
    let kept = home.dpbackup(&["restore", "1", "--to", "QA1"]).exits(4);
    let name = kept
        .stdout
        .lines()
        .find_map(|line| {
            line.strip_prefix("  - ")
                .filter(|line| line.contains("not-saved-yet"))
        })
        .expect("it stays")
        .to_owned();
    let path = name.replacen(' ', "/", 1);
    let fault = format!("do-restore:2=removes-object@{path}");
    let ran = restored(&gateway, &home, &[], &fault).exits(1);
    let told = format!("{name} was to stay, and is gone");
    assert!(ran.stderr.contains(&told), "{told} in {}", ran.stderr);
    assert!(ran.stderr.contains("before it, task"), "{}", ran.stderr);
}

#[test]
fn a_save_that_the_saved_configuration_contradicts_is_not_called_one() {
    let (gateway, home) = changed();
    let ran = restored(&gateway, &home, &["--save"], "SaveConfig=saves-nothing").exits(3);
    let told = "whether it is saved is not known: the device lists no unsaved changes, and what it exports as saved \
                is not what ran when that was looked at: ";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("MultiProtocolGateway DOM1-service"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stdout.contains("it is saved\n"), "{}", ran.stdout);
    assert!(home.open_entries().is_empty());
}

#[test]
fn a_signal_waits_for_a_save_that_was_sent_and_keeps_one_that_was_not_from_being_sent() {
    let (gateway, home) = changed();
    let home = home.timeouts("request = 1h, export = 1h, idle = 1h");
    let confirm = word(&home, &["--save"]);
    let arguments = ["restore", "1", "--to", "QA1", "--save", "--confirm", &confirm];
    gateway.fail_as("SaveConfig=stall@60m");
    let mut terminal = home.in_terminal(200, &[], &arguments);
    eventually("the save is sent", || gateway.received("SaveConfig") == 1);
    terminal.press('\u{3}');
    // The import is over, and nothing is said of it.
    let answer = terminal.shows("SIGINT: ");
    assert!(!answer.contains("import"), "{answer}");
    gateway.clear_faults();
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(130), "{lines:?}");
    assert!(lines.concat().contains("it is saved"), "{lines:?}");
    assert!(!gateway.state().is_unsaved("DOM1"));
    assert!(home.open_entries().is_empty(), "its end was seen");
    assert_eq!(home.last_plan().status.code(), "INTERRUPTED");
    // While the import is waited for: it is carried out, and known not to be saved.
    change(&gateway);
    gateway.forget_requests();
    let confirm = word(&home, &["--save"]);
    let arguments = ["restore", "1", "--to", "QA1", "--save", "--confirm", &confirm];
    gateway.fail_as("do-restore:2=stall@60m");
    let mut terminal = home.in_terminal(200, &[], &arguments);
    eventually("the import is sent", || sent(&gateway) == ["dry", "real"]);
    terminal.press('\u{3}');
    terminal.shows("SIGINT: an import into DOM1 of QA1 that was sent is waited for");
    gateway.clear_faults();
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(130), "{lines:?}");
    assert_eq!(gateway.received("SaveConfig"), 0);
    assert!(has_service(&gateway) && gateway.state().is_unsaved("DOM1"));
    let said = lines.concat();
    assert!(
        said.contains("it is not saved: ") && !said.contains("is not known"),
        "{said}"
    );
}

#[test]
fn a_serial_number_that_every_virtual_gateway_has_does_not_make_two_gateways_one() {
    let gateway = crate::rehearse_seen::virtual_gateway([keyless("DOM1")]);
    let other = crate::rehearse_seen::virtual_gateway([keyless("DOM1")]);
    let home = Home::quick()
        .device("QA1", &gateway)
        .device("QA2", &other)
        .plan("Night", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let plan = |to: &str| home.dpbackup(&["restore", "1", "--to", to]).exits(4).stdout;
    let elsewhere = plan("QA2");
    for told in [
        "those of interfaces become those of the target's interfaces",
        "the serial number 0000001 is one that every virtual gateway has",
    ] {
        assert!(elsewhere.contains(told), "{told} in {elsewhere}");
    }
    let of_all = "is one that every virtual gateway has";
    change(&gateway);
    let own = plan("QA1");
    assert!(
        own.contains("it is the same gateway") && !own.contains(of_all),
        "{own}"
    );
    // Another one with a number of its own.
    other.state().set_serial("78B0002");
    let elsewhere = plan("QA2");
    assert!(!elsewhere.contains(of_all), "{elsewhere}");
}
