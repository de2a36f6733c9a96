//! `restore`: a plan that is shown first, a confirmation that is void when anything changes, a dry run,
//! an import, and a look at what came out.

use rustix::process::Signal;
use serde_json::Value;

use crate::simulator::{Domain, Gateway, Personality, Setup};
use crate::support::{Home, PASSWORD, Ran, eventually, export, gateways, secure_backup};

/// A domain without keys, which no export has.
pub(crate) fn keyless(name: &str) -> Domain {
    Domain {
        keys: Vec::new(),
        ..Domain::new(name)
    }
}

pub(crate) fn setup() -> Setup {
    gateways::small([keyless("DOM1"), keyless("DOM2")])
}

/// A home in which `DOM1` and `DOM2` of `QA1` were backed up, by tasks 1 and 2.
fn backed_up(gateway: &Gateway) -> Home {
    let home = Home::quick()
        .device("QA1", gateway)
        .plan("Night", &export("QA1", "DOM*", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    home
}

/// Changes `DOM1`: its service is gone, a file has another text, and one is there that was not.
pub(crate) fn change(gateway: &Gateway) {
    let mut state = gateway.state();
    state.remove_object("DOM1", "MultiProtocolGateway", "DOM1-service");
    state.put_file("DOM1", "local:///readme.txt", "changed\n");
    state.put_file("DOM1", "local:///more.txt", "more\n");
    state.set_unsaved("DOM1", false);
}

fn changed() -> (Gateway, Home) {
    let gateway = Gateway::start(setup());
    let home = backed_up(&gateway);
    change(&gateway);
    (gateway, home)
}

pub(crate) fn has_service(gateway: &Gateway) -> bool {
    gateway
        .state()
        .has_object("DOM1", "MultiProtocolGateway", "DOM1-service")
}

fn restore(home: &Home, arguments: &[&str]) -> Ran {
    let all = ["restore", "1", "--to", "QA1"].iter().chain(arguments);
    home.dpbackup(&all.copied().collect::<Vec<_>>())
}

/// The word of the plan as it is now.
pub(crate) fn word(home: &Home, arguments: &[&str]) -> String {
    let all: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    let ran = restore(home, &all).exits(4);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    document["plan"]["word"].as_str().expect("a word").to_owned()
}

/// Shows the plan, and confirms it.
fn confirmed(home: &Home, arguments: &[&str]) -> Ran {
    let word = word(home, arguments);
    let all: Vec<&str> = arguments.iter().copied().chain(["--confirm", &word]).collect();
    restore(home, &all)
}

/// The imports and dry runs that a gateway was sent.
pub(crate) fn sent(gateway: &Gateway) -> Vec<&'static str> {
    let requests = gateway.requests().into_iter();
    let requests = requests.filter(|request| request.body.contains("do-restore"));
    requests
        .map(|request| {
            let is_dry = request.body.contains("dry-run=\"true\"");
            if is_dry { "dry" } else { "real" }
        })
        .collect()
}

fn last(home: &Home) -> (String, String) {
    let row = home.last_plan();
    (
        row.status.code().to_owned(),
        row.error_message.unwrap_or_default(),
    )
}

#[test]
fn a_domain_in_place_of_a_task_is_answered_with_its_newest_export_of_a_plan() {
    let (_gateway, home) = changed();
    // What a restore has backed up by itself is newer, and is not meant.
    let _ = restore(&home, &[]).exits(4);
    for (arguments, meant) in [
        (
            &["restore", "QA1/DOM2", "--to", "QA1"][..],
            "`dpbackup restore 2 --to QA1 ",
        ),
        (
            &["restore", "QA1/DOM1", "--to", "QA1"],
            "`dpbackup restore 1 --to QA1 ",
        ),
        // No device of the file is a spare.
        (
            &["rehearse", "QA1/DOM1", "--on", "SP1"],
            "`dpbackup rehearse 1 --on SPARE ",
        ),
        (
            &["rehearse", "Night", "--on", "SP1"],
            "`dpbackup rehearse --plan Night --on SPARE ",
        ),
        (
            &["rehearse", "QA1", "--on", "SP1"],
            "`dpbackup rehearse --device QA1 --on SPARE ",
        ),
        (&["verify", "--task", "QA1/DOM1"], "`dpbackup verify QA1/DOM1 "),
        (&["verify", "--task", "QA1"], "`dpbackup verify QA1 "),
        (
            &["restore", "QA1/NONE", "--to", "QA1"],
            "`dpbackup history status ",
        ),
    ] {
        let ran = home.dpbackup(arguments).exits(2);
        assert!(ran.stderr.contains(meant), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn the_last_task_is_that_of_a_plan_however_often_a_restore_was_tried() {
    let (gateway, home) = changed();
    gateway.state().put_file("DOM2", "local:///more.txt", "more\n");
    gateway.state().set_unsaved("DOM2", false);
    let shown = |id: &str| home.dpbackup(&["restore", id, "--to", "QA1"]).exits(4).stdout;
    for _ in 0..2 {
        assert!(shown("1").contains("what task 1 has backed up"));
        // Task 2 backed up another domain; what the restores have backed up since is of DOM1.
        assert!(shown("last").contains("DOM2 of QA1 becomes what task 2 has backed up"));
    }
    assert_eq!(home.last_plan().plan, "restore QA1/DOM2");
}

#[test]
fn the_plan_comes_first_and_until_it_is_confirmed_nothing_but_questions_is_sent() {
    let (gateway, home) = changed();
    let ran = restore(&home, &[]).exits(4);
    for told in [
        "PLAN: DOM1 of QA1 becomes what task 1 has backed up\n",
        "firmware IDG.10.0.1.5",
        "  now        what is there was backed up by task 3\n",
        "  addresses  those of interfaces stay as they are: it is the same gateway\n",
        "  saved      no: a restart takes the import back",
        "  + MultiProtocolGateway DOM1-service\n",
        "  - file local:///more.txt\n",
        "  ~ file local:///readme.txt\n",
        "of objects and files 1 are added, 2 overwritten, and 1 stays that the backup does not have\n",
    ] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    assert!(ran.stderr.contains("--confirm "), "{}", ran.stderr);
    assert_eq!(sent(&gateway), [""; 0]);
    assert_eq!(gateway.received("SaveConfig"), 0);
    assert!(!has_service(&gateway));
    let (status, why) = last(&home);
    assert_eq!(status, "RESTORE_NOT_CONFIRMED");
    assert!(why.contains("nothing was imported"), "{why}");
    assert_eq!(home.last_plan().plan, "restore QA1/DOM1");
    // What was there is a backup like any other.
    let _ = home.dpbackup(&["verify", "3"]).exits(0);
    let pruned = home.dpbackup(&["prune", "--dry-run"]).exits(0).stdout;
    assert!(
        pruned.contains("it was taken by a restore, and no retention is set under [settings]"),
        "{pruned}"
    );
}

#[test]
fn a_confirmed_restore_tries_imports_looks_and_is_an_execution_of_its_own() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    let ran = restore(&home, &["--confirm", &word]).exits(0);
    assert_eq!(sent(&gateway), ["dry", "real"]);
    assert!(has_service(&gateway));
    {
        let state = gateway.state();
        assert!(state.file("DOM1", "local:///more.txt").is_some(), "it is a merge");
        assert!(state.is_unsaved("DOM1"), "nobody asked to save it");
    }
    assert_eq!(gateway.received("SaveConfig"), 0);
    for told in [
        "what came out is what was to come out\n",
        "it is not saved: a restart takes it back, unless somebody saves the domain on it before (Save Configuration)\n",
        "before it task 4 was taken, after it task 6: `",
    ] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains(PASSWORD) && !ran.stderr.contains(PASSWORD));
    assert_eq!(last(&home), ("SUCCESS".to_owned(), String::new()));
    assert!(home.open_entries().is_empty());
    let execution = home.last_plan().id.0.to_string();
    let shown = home.dpbackup(&["history", &execution]).exits(0).stdout;
    for told in ["QA1/DOM1 export", "QA1/DOM1 restore"] {
        assert!(shown.contains(told), "{told} in {shown}");
    }
    let activities = home
        .dpbackup(&["history", "activities", &execution, "--format", "csv"])
        .exits(0);
    assert_eq!(
        activities.stdout.matches("RESTORE_DOMAIN,SUCCESS").count(),
        1,
        "{}",
        activities.stdout
    );
    // One that was put back counts for nothing that is backed up.
    let status = home.dpbackup(&["history", "status"]).stdout;
    assert!(!status.contains("restore"), "{status}");
}

#[test]
fn both_requests_say_everything_and_differ_in_one_word() {
    let (gateway, home) = changed();
    let _ = confirmed(&home, &[]).exits(0);
    let bodies: Vec<String> = gateway
        .requests()
        .into_iter()
        .map(|request| request.body)
        .filter(|body| body.contains("do-restore"))
        .collect();
    let [dry, real] = bodies.as_slice() else {
        panic!("{} requests", bodies.len());
    };
    assert_eq!(real.replace("dry-run=\"false\"", "dry-run=\"true\""), *dry);
    for written in [
        "overwrite-files=\"true\"",
        "overwrite-objects=\"true\"",
        "rewrite-local-ip=\"false\"",
        "reset-domain=\"false\"",
        "import-domain=\"true\"",
    ] {
        assert!(real.contains(written), "{written}");
    }
}

#[test]
fn another_gateway_gets_its_own_local_addresses() {
    let (gateway, home) = changed();
    let other = Gateway::start(crate::rehearse::another(setup()));
    let home = home.device("QA2", &other);
    let arguments = ["restore", "1", "--to", "QA2"];
    let ran = home.dpbackup(&arguments).exits(4);
    let told = "  addresses  those of interfaces become those of the target's interfaces of the same names\n";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    let word = ran.stderr.split("--confirm ").nth(1).expect("a word");
    let word = word.split([' ', '`']).next().expect("its end");
    let _ = home
        .dpbackup(&["restore", "1", "--to", "QA2", "--confirm", word])
        .exits(0);
    let requests = other.requests();
    let real = requests
        .iter()
        .find(|request| request.body.contains("dry-run=\"false\""));
    assert!(
        real.expect("an import")
            .body
            .contains("rewrite-local-ip=\"true\"")
    );
    assert_eq!(
        sent(&gateway),
        [""; 0],
        "the gateway that was backed up is left alone"
    );
}

#[test]
fn it_is_saved_only_where_that_was_asked_for_and_confirmed() {
    let (gateway, home) = changed();
    let without = word(&home, &[]);
    let _ = restore(&home, &["--save", "--confirm", &without]).exits(4);
    assert_eq!(sent(&gateway), [""; 0]);
    let ran = confirmed(&home, &["--save"]).exits(0);
    assert_eq!(gateway.received("SaveConfig"), 1);
    assert!(!gateway.state().is_unsaved("DOM1"));
    assert!(ran.stdout.contains("it is saved\n"), "{}", ran.stdout);
}

#[test]
fn a_word_is_void_when_the_target_the_backup_or_an_option_is_another() {
    let (gateway, home) = changed();
    gateway.state().put_file("DOM2", "local:///more.txt", "more\n");
    gateway.state().set_unsaved("DOM2", false);
    let word = word(&home, &[]);
    let refused = |home: &Home, arguments: &[&str]| {
        let ran = home.dpbackup(arguments).exits(4);
        assert_eq!(sent(&gateway), [""; 0], "{arguments:?}");
        ran.stderr
    };
    let to = ["restore", "1", "--to", "QA1", "--confirm"];
    let with = |more: &[&'static str]| {
        let all: Vec<String> = to
            .iter()
            .copied()
            .chain([word.as_str()])
            .map(str::to_owned)
            .collect();
        all.into_iter()
            .chain(more.iter().map(|&word| word.to_owned()))
            .collect::<Vec<_>>()
    };
    for arguments in [
        with(&["--save"]),
        with(&[])
            .iter()
            .map(|said| {
                if *said == word {
                    "DOM1".to_owned()
                } else {
                    said.clone()
                }
            })
            .collect(),
        with(&[])
            .iter()
            .map(|said| if said == "1" { "2".to_owned() } else { said.clone() })
            .collect(),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = refused(&home, &arguments);
        assert!(said.contains("the word is not the one of this plan"), "{said}");
    }
    // Somebody has changed the domain since, by one file.
    gateway
        .state()
        .put_file("DOM1", "local:///more.txt", "still more\n");
    gateway.state().set_unsaved("DOM1", false);
    let said = refused(&home, &["restore", "1", "--to", "QA1", "--confirm", &word]);
    assert!(said.contains("the target or an option is another"), "{said}");
}

#[test]
fn what_is_never_restored_is_refused_before_anything_is_sent() {
    let gateway = Gateway::start(setup());
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("All", &export("QA1", "all-domains", ""))
        .plan("Default", &export("QA1", "default", ""))
        .plan("Secure", &secure_backup("QA1", ""));
    for plan in ["All", "Default", "Secure"] {
        let _ = home.dpbackup(&["run", plan]).exits(0);
    }
    gateway.forget_requests();
    for (task, told) in [
        (
            "1",
            "it is a backup of all domains: only one of a single domain is sent to a gateway",
        ),
        ("2", "`default` is never sent to a gateway"),
        (
            "3",
            "it is a secure backup, and dpbackup never restores a whole gateway",
        ),
        ("99", "99"),
    ] {
        let ran = home.dpbackup(&["restore", task, "--to", "QA1"]).exits(2);
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    let ran = home.dpbackup(&["restore", "1", "--to", "QA9"]).exits(2);
    assert!(ran.stderr.contains("QA9"), "{}", ran.stderr);
    assert_eq!(gateway.requests().len(), 0);
}

#[test]
fn a_backup_that_is_damaged_edited_or_gone_is_refused_before_anything_is_sent() {
    let (gateway, home) = changed();
    gateway.forget_requests();
    let path = home
        .history()
        .files(dpbackup::run::event::TaskId(1))
        .expect("files")
        .remove(0)
        .path;
    let good = std::fs::read(&path).expect("the archive");
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    // That of another domain, as somebody may put it there.
    let other = home
        .history()
        .files(dpbackup::run::event::TaskId(2))
        .expect("files");
    let other = std::fs::read(&other[0].path).expect("the other archive");
    for bytes in [flipped, other, good[..good.len() - 7].to_vec()] {
        std::fs::write(&path, &bytes).expect("written");
        let ran = restore(&home, &[]).exits(4);
        assert!(
            ran.stderr.contains("the backup itself is not good"),
            "{}",
            ran.stderr
        );
    }
    std::fs::remove_file(&path).expect("removed");
    let ran = restore(&home, &["--format", "json"]).exits(4);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["status"], "RESTORE_REFUSED");
    assert_eq!(document["plan"], Value::Null);
    let (status, why) = last(&home);
    assert_eq!(status, "RESTORE_REFUSED");
    assert!(
        why.starts_with("task 1: the backup itself is not good: ") && ran.stderr.contains(&why),
        "{why}: {}",
        ran.stderr
    );
    assert!(ran.stderr.contains("verify 1"), "{}", ran.stderr);
    assert_eq!(gateway.requests().len(), 0);
}

#[test]
fn a_target_that_is_not_as_it_must_be_is_refused_with_a_sentence_of_its_own() {
    type Make = fn(&Gateway);
    let cases: [(Make, &str); 7] = [
        (
            |gateway| gateway.state().remove_domain("DOM1"),
            "QA1 has no domain DOM1: make an empty one of that name on it first",
        ),
        (
            |gateway| gateway.fail_as("*=quiesces-alone@DOM1"),
            "DOM1 of QA1 is ",
        ),
        (
            |gateway| gateway.fail_as("APIConnectGatewayService=close"),
            "whether DOM1 is a domain of API Connect is not known: ",
        ),
        (
            |gateway| gateway.state().set_unsaved("DOM1", true),
            "DOM1 of QA1: there are changes that nobody has saved, and an import would be mixed with them",
        ),
        (
            |gateway| gateway.state().setup.space.temporary.0 = 0,
            "QA1 may have too little room: ",
        ),
        (
            |gateway| gateway.fail_as("*=another-firmware@IDG.7.5.2.4"),
            "the device has an older firmware than the backup: the backup's is IDG.10.0.1.5, the device's IDG.7.5.2.4",
        ),
        (
            |gateway| gateway.fail_as("*=another-firmware@IDG.11.0.0.0"),
            "the device has a firmware of another major version",
        ),
    ];
    for (make, told) in cases {
        let (gateway, home) = changed();
        make(&gateway);
        gateway.forget_requests();
        let ran = restore(&home, &[]).exits(4);
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
        let (status, _) = last(&home);
        assert_eq!(status, "RESTORE_REFUSED", "{told}");
        assert_eq!(
            gateway.received("do-backup") + gateway.received("do-restore"),
            0,
            "{told}"
        );
    }
}

#[test]
fn what_is_asked_for_is_allowed_by_a_word_of_its_own_and_then_stands_in_the_plan() {
    let (gateway, home) = changed();
    gateway.state().set_unsaved("DOM1", true);
    let ran = restore(&home, &["--over-unsaved"]).exits(4);
    let told = "  look       there are changes that nobody has saved: they are mixed with the backup\n";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    assert!(ran.stderr.contains("--over-unsaved --confirm"), "{}", ran.stderr);
    gateway.state().set_unsaved("DOM1", false);
    gateway.fail_as("*=another-firmware@IDG.7.5.2.4");
    let ran = restore(&home, &["--allow-other-firmware"]).exits(4);
    let told = "  look       the device has an older firmware than the backup: the backup's is IDG.10.0.1.5";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
}

#[test]
fn a_dry_run_that_finds_anything_or_is_not_understood_stops_it() {
    for (fault, told) in [
        (
            "do-restore=import-fails@domain import failed",
            "the dry run refuses it: ",
        ),
        (
            "do-restore=detected-errors@0x81000683",
            "the dry run refuses it: the device says that it detected errors: \"0x81000683\"",
        ),
        (
            "do-restore=import-empty",
            "what the dry run says is not known: the device's answer holds no results",
        ),
        ("do-restore=other-domain", "about the domain"),
        ("do-restore=result-error", "the dry run refuses"),
        (
            "do-restore=access-denied",
            "no import was sent, and right after the dry run the domain was as it was",
        ),
    ] {
        let (gateway, home) = changed();
        let word = word(&home, &[]);
        gateway.fail_as(fault);
        let ran = restore(&home, &["--confirm", &word]).exits(1);
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
        assert_eq!(sent(&gateway), ["dry"], "{fault}");
        assert!(!has_service(&gateway), "{fault}");
        assert!(home.open_entries().is_empty(), "{fault}");
        let (_, why) = last(&home);
        assert!(
            why.contains("nothing was imported, and the domain is as it was")
                || why.contains("no import was sent, and right after the dry run the domain was as it was"),
            "{why}"
        );
        let tasks: Vec<&str> = home.task_rows().iter().map(|row| row.status.code()).collect();
        assert!(tasks.contains(&"DRY_RUN_FAILED"), "{tasks:?}");
    }
}

#[test]
fn firmware_that_imports_at_a_dry_run_is_found_out_and_no_import_is_sent() {
    let gateway = Gateway::start(setup().with(&Personality::ImportsOnDryRun));
    let home = backed_up(&gateway);
    change(&gateway);
    let ran = confirmed(&home, &[]).exits(1);
    assert_eq!(sent(&gateway), ["dry"]);
    for told in [
        "the confirmation is void: DOM1 of QA1 is not as it was when the plan was made",
        "MultiProtocolGateway DOM1-service was added",
        "by the dry run or by somebody else; no import was sent, and before it, task 4 was taken",
    ] {
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    // The next start knows it as well.
    let recovered = home.dpbackup(&["recover"]).exits(1);
    let told = "after the dry run of an import of DOM1 on QA1 (task 5) it was seen not to be as before, and no import was \
                sent; before it, task 4 was taken";
    assert!(recovered.stdout.contains(told), "{}", recovered.stdout);
    // Somebody has put it back: a look shows that, and ends it.
    change(&gateway);
    gateway
        .state()
        .put_file("DOM1", "local:///readme.txt", "changed\n");
    let recovered = home.dpbackup(&["recover"]).exits(0);
    let told = "the domain is as it was before the dry run";
    assert!(recovered.stdout.contains(told), "{}", recovered.stdout);
    assert!(home.open_entries().is_empty());
}

#[test]
fn a_dry_run_whose_end_nobody_saw_stands_in_the_journal_however_the_domain_was_right_after_it() {
    for (fault, open) in [
        ("do-restore:1=reply-lost", 1),
        ("do-restore:1=import-fails@Import scheduled", 1),
        ("do-restore:1=import-fails@Import failed", 0),
        ("do-restore:1=http-401", 0),
    ] {
        let (gateway, home) = changed();
        let word = word(&home, &[]);
        gateway.fail_as(fault);
        let ran = restore(&home, &["--confirm", &word]).exits(1);
        assert_eq!(sent(&gateway), ["dry"], "{fault}");
        assert_eq!(home.open_entries().len(), open, "{fault}: {}", ran.stderr);
    }
}

#[test]
fn an_import_in_part_says_what_was_not_and_how_it_stands() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    gateway.fail_as("do-restore:2=object-fails@MultiProtocolGateway/DOM1-service");
    let ran = restore(&home, &["--confirm", &word]).exits(1);
    assert_eq!(sent(&gateway), ["dry", "real"]);
    for told in [
        "not all of it was imported, and what was, stays: MultiProtocolGateway DOM1-service: ERROR",
        "how it stands: MultiProtocolGateway DOM1-service is not there",
        "before it, task 4 was taken",
    ] {
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    assert!(home.open_entries().is_empty(), "the device has said how it ended");
    let tasks: Vec<&str> = home.task_rows().iter().map(|row| row.status.code()).collect();
    assert!(tasks.contains(&"IMPORT_FAILED"), "{tasks:?}");
    // What came out is kept all the same.
    assert!(ran.stdout.contains("after it task 6"), "{}", ran.stdout);
}

#[test]
fn an_object_that_is_skipped_in_silence_is_no_success() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    gateway.fail_as("do-restore:2=skips-object@MultiProtocolGateway/DOM1-service");
    let ran = restore(&home, &["--confirm", &word]).exits(1);
    let told = "MultiProtocolGateway DOM1-service: the device does not say what became of it";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn whether_it_is_saved_is_not_known_where_the_device_did_not_say_so() {
    for fault in ["reply-lost", "result-error"] {
        let (gateway, home) = changed();
        let word = word(&home, &["--save"]);
        gateway.fail_as(&format!("SaveConfig={fault}"));
        let ran = restore(&home, &["--save", "--confirm", &word]).exits(3);
        let known = "whether it is saved is not known: look at DOM1 on QA1\n";
        assert!(ran.stdout.contains(known), "{fault}: {}", ran.stdout);
        assert!(
            !ran.stdout.contains("a restart takes it back"),
            "{fault}: {}",
            ran.stdout
        );
        // What is saved differs by the save itself.
        assert!(!ran.stderr.contains("DOM1.cfg"), "{fault}: {}", ran.stderr);
    }
}

#[test]
fn a_save_whose_answer_is_lost_may_come_yet() {
    let (gateway, home) = changed();
    let word = word(&home, &["--save"]);
    // The connection breaks, and nothing is saved by the time that somebody looks.
    gateway.fail_as("SaveConfig=close");
    let ran = restore(&home, &["--save", "--confirm", &word]).exits(3);
    let known = "whether it is saved is not known: look at DOM1 on QA1\n";
    assert!(ran.stdout.contains(known), "{}", ran.stdout);
    assert!(!ran.stdout.contains("a restart takes it back"), "{}", ran.stdout);
    assert!(
        ran.stderr
            .contains("the device lists unsaved changes right after that, and may save it yet"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_process_that_dies_while_it_saves_leaves_word_of_that() {
    let (gateway, home) = changed();
    let word = word(&home, &["--save"]);
    gateway.fail_as("SaveConfig=stall");
    let running = home.running(&["restore", "1", "--to", "QA1", "--save", "--confirm", &word]);
    eventually("it is asked to save", || gateway.received("SaveConfig") > 0);
    running.kill();
    gateway.clear_faults();
    let recovered = home.dpbackup(&["recover"]).exits(1);
    let told = "the import of DOM1 on QA1 (task 5) came out as it was to, and the device was to be asked to save it: nobody has seen whether it was, \
                and whether it did";
    assert!(recovered.stdout.contains(told), "{}", recovered.stdout);
}

#[test]
fn a_device_that_is_another_by_now_gets_no_import() {
    // Asked for the plan, when that is confirmed, for each request and between the two.
    for (asked, requests, exit, words) in [
        (2, [].as_slice(), 4, "the confirmation is void"),
        (3, &[], 1, "do-restore (dry run) of DOM1: not sent"),
        (4, &["dry"], 1, "the confirmation is void"),
        (5, &["dry"], 1, "do-restore of DOM1: not sent"),
    ] {
        let (gateway, home) = changed();
        let word = word(&home, &[]);
        gateway.forget_requests();
        gateway.fail_as(&format!("FirmwareVersion3:{asked}=another-serial@78B0002"));
        let ran = restore(&home, &["--confirm", &word]).exits(exit);
        assert!(ran.stderr.contains(words), "{asked}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("serial number 78B0002"),
            "{asked}: {}",
            ran.stderr
        );
        assert_eq!(sent(&gateway), requests, "{asked}");
        // Of the domain that is meant nothing was seen.
        assert!(home.open_entries().iter().all(|row| !row.seen), "{asked}");
        assert!(
            !ran.stderr.contains(&format!("--confirm {word}")),
            "{asked}: {}",
            ran.stderr
        );
    }
}

#[test]
fn what_the_device_says_is_held_against_what_came_out() {
    let (gateway, home) = changed();
    let word = word(&home, &["--save"]);
    // It answers that all is done, and has done nothing.
    gateway.fail_as("do-restore:2=not-done");
    let ran = restore(&home, &["--save", "--confirm", &word]).exits(1);
    assert!(
        ran.stdout
            .contains("--- what was to come out\n+++ what came out\n"),
        "{}",
        ran.stdout
    );
    let (status, why) = last(&home);
    assert_eq!(status, "FAILED");
    assert!(why.contains("what came out is not what was to come out"), "{why}");
    assert_eq!(gateway.received("SaveConfig"), 0, "that is not saved");
}

#[test]
fn an_answer_that_is_lost_leaves_a_row_that_stands_above_history_until_it_is_struck_out() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    gateway.fail_as("do-restore:2=reply-lost");
    let ran = restore(&home, &["--confirm", &word]).exits(1);
    for told in [
        "whether the import was carried out, or still is, is not known",
        "all that the backup has runs there now",
    ] {
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    assert_eq!(sent(&gateway), ["dry", "real"], "it is sent once");
    assert_eq!(home.open_entries().len(), 1);
    let said = "an import of DOM1 on QA1 may be half done (task 5): nobody has seen its end; before it, task 4 was taken";
    let listed = home.dpbackup(&["history"]).exits(0);
    assert!(
        listed.stdout.contains(said) || listed.stderr.contains(said),
        "{}{}",
        listed.stdout,
        listed.stderr
    );
    let judged = home.dpbackup(&["history", "status"]).exits(1);
    assert!(
        judged.stdout.starts_with(&format!("DPBACKUP WARNING - {said}")),
        "{}",
        judged.stdout
    );
    let judged = home
        .dpbackup(&["history", "status", "-q", "--format", "json"])
        .exits(1);
    let judged: serde_json::Value = serde_json::from_str(&judged.stdout).expect("JSON");
    assert_eq!(judged["may_be_quiesced"], serde_json::Value::Null);
    let imports = judged["half_done_imports"].as_array().expect("imports");
    assert!(
        imports.len() == 1 && imports[0].as_str().is_some_and(|words| words.starts_with(said)),
        "{imports:?}"
    );
    let _ran = home.dpbackup(&["report", "page.html"]).exits(0);
    let page = home.text("page.html");
    assert!(
        page.contains("An import may be half done.") && page.contains(said),
        "{page}"
    );
    let recovered = home.dpbackup(&["recover"]).exits(1);
    assert!(recovered.stdout.contains(said), "{}", recovered.stdout);
    let run = home.dpbackup(&["run", "Night"]).exits(3);
    assert!(run.stderr.contains("may be half done"), "{}", run.stderr);
    // That is about what is quiesced: an import is another matter.
    let left = home.dpbackup(&["recover", "--forget", "QA1"]).exits(1);
    assert!(
        left.stdout.contains("nothing of QA1 was to be forgotten") && left.stdout.contains(said),
        "{}",
        left.stdout
    );
    let _ = home.dpbackup(&["recover", "--forget", "QA1/DOM2"]).exits(1);
    assert_eq!(home.open_entries().len(), 1);
    let _ = home.dpbackup(&["recover", "--forget", "QA1/DOM1"]).exits(0);
    assert!(home.open_entries().is_empty());
    let _ = home.dpbackup(&["history", "status"]).exits(0);
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
}

#[test]
fn an_import_that_is_scheduled_is_not_known_to_have_ended() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    gateway.fail_as("do-restore:2=error-log@Import scheduled (may take a few minutes to complete).");
    let ran = restore(&home, &["--confirm", &word]).exits(1);
    let told = "whether the import was carried out, or still is, is not known";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn keys_that_no_export_has_are_named_and_a_warning() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = backed_up(&gateway);
    change(&gateway);
    let ran = restore(&home, &[]).exits(4);
    assert!(
        ran.stdout.contains("  it lacks   1 key or certificate"),
        "{}",
        ran.stdout
    );
    let _ = confirmed(&home, &[]).exits(3);
    let (_, why) = last(&home);
    let told = "keys that the backup lists and does not hold: cert:///DOM1-key.pem";
    assert!(why.contains(told), "{why}");
    assert!(has_service(&gateway));
}

#[test]
fn at_a_terminal_the_name_of_the_domain_is_typed() {
    let (gateway, home) = changed();
    let mut terminal = home.in_terminal(200, &[], &["restore", "1", "--to", "QA1"]);
    terminal.shows("type the name of the domain");
    assert_eq!(sent(&gateway), [""; 0]);
    for key in "DOM1\n".chars() {
        terminal.press(key);
    }
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(sent(&gateway), ["dry", "real"]);
}

#[test]
fn anything_else_that_is_typed_ends_it() {
    for typed in ["yes\n", "dom1\n", "\n"] {
        let (gateway, home) = changed();
        let mut terminal = home.in_terminal(200, &[], &["restore", "1", "--to", "QA1"]);
        terminal.shows("type the name of the domain");
        for key in typed.chars() {
            terminal.press(key);
        }
        let (code, lines) = terminal.end();
        assert_eq!(code, Some(4), "{lines:?}");
        assert_eq!(sent(&gateway), [""; 0], "{typed:?}");
    }
}

#[test]
fn a_change_while_somebody_types_makes_the_confirmation_void() {
    let (gateway, home) = changed();
    let mut terminal = home.in_terminal(200, &[], &["restore", "1", "--to", "QA1"]);
    terminal.shows("type the name of the domain");
    gateway
        .state()
        .put_file("DOM1", "local:///more.txt", "by somebody else\n");
    for key in "DOM1\n".chars() {
        terminal.press(key);
    }
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(4), "{lines:?}");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("the same once more shows the plan as it is now")),
        "{lines:?}"
    );
    assert_eq!(sent(&gateway), [""; 0]);
    let (_, why) = last(&home);
    assert!(
        why.contains("the confirmation is void: ") && why.contains("local:///more.txt was changed"),
        "{why}"
    );
}

#[test]
fn an_import_that_was_sent_is_waited_for_and_one_that_was_not_is_not_sent() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    let arguments = ["restore", "1", "--to", "QA1", "--confirm", &word];
    gateway.fail_as("do-restore:1=stall");
    let running = home.running(&arguments);
    eventually("the dry run is sent", || sent(&gateway) == ["dry"]);
    running.signal(Signal::TERM);
    let _ = running.end().exits(143);
    assert_eq!(sent(&gateway), ["dry"]);
    // What came of it was not waited for.
    assert_eq!(home.open_entries().len(), 1);
    let _ = home.dpbackup(&["recover", "--forget", "QA1/DOM1"]).exits(0);
    gateway.clear_faults();
    gateway.forget_requests();
    // The device takes its time, and answers.
    let home = home.timeouts("request = 10s, export = 1h, idle = 1h");
    gateway.fail_as("do-restore:2=stall@60m");
    let mut terminal = home.in_terminal(200, &[], &arguments);
    eventually("the import is sent", || sent(&gateway) == ["dry", "real"]);
    terminal.press('\u{3}');
    terminal.shows("SIGINT: an import into DOM1 of QA1 that was sent is waited for, at most 1h");
    gateway.clear_faults();
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(130), "{lines:?}");
    assert!(has_service(&gateway));
    assert!(home.open_entries().is_empty(), "its end was seen");
    let (status, why) = last(&home);
    assert_eq!(status, "INTERRUPTED");
    assert!(why.contains("the import had been carried out before"), "{why}");
}

#[test]
fn a_signal_before_the_dry_run_or_the_import_has_left_tells_of_nothing_that_was_sent() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    // Who the device is is asked right before each.
    for (asked, requests, answer, end) in [
        (
            3,
            [].as_slice(),
            "SIGTERM: no import into DOM1 of QA1 is sent; if its dry run is on its way, that is given up",
            "the dry run was not sent, and nothing was imported",
        ),
        (
            5,
            &["dry"],
            "SIGTERM: no import into DOM1 of QA1 is sent; if it is on its way, it is waited for, at most 30s",
            "the import was not sent",
        ),
    ] {
        gateway.forget_requests();
        gateway.fail_as(&format!("FirmwareVersion3:{asked}=stall"));
        let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
        eventually("the device is asked who it is", || {
            gateway.received("FirmwareVersion3") == asked
        });
        running.signal(Signal::TERM);
        let ran = running.end().exits(143);
        gateway.clear_faults();
        // On a busy machine the run may have given up what was due before the line is made: it says so then.
        let is_over = ran.stderr.contains("SIGTERM: nothing is to be put back");
        assert!(ran.stderr.contains(answer) || is_over, "{asked}: {}", ran.stderr);
        assert_eq!(sent(&gateway), requests, "{asked}");
        let (status, why) = last(&home);
        assert_eq!(status, "INTERRUPTED", "{asked}");
        assert_eq!(why, format!("interrupted by SIGTERM; {end}"), "{asked}");
        assert!(home.open_entries().is_empty(), "{asked}");
    }
}

#[test]
fn a_device_that_another_run_has_is_not_disturbed() {
    let (gateway, home) = changed();
    let word = word(&home, &[]);
    gateway.fail_as("do-restore=stall");
    let running = home.running(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    eventually("the dry run is sent", || sent(&gateway) == ["dry"]);
    let ran = restore(&home, &[]).exits(5);
    assert!(
        ran.stderr.contains("QA1 is held by restore QA1/DOM1 of process")
            && ran.stderr.contains("--lock-wait 10m"),
        "{}",
        ran.stderr
    );
    assert_eq!(last(&home).0, "LOCKED");
    running.kill();
}
