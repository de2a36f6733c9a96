//! What a restore sends is looked at after it, and a look that fails for a moment is taken again.

use crate::restore::{change, has_service, sent, setup, word};
use crate::simulator::Gateway;
use crate::support::{Home, Ran, export};

/// A home in which nobody is looked at again for long.
fn changed() -> (Gateway, Home) {
    let gateway = Gateway::start(setup());
    let home = Home::quick()
        .timeouts("request = 3s")
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    change(&gateway);
    (gateway, home)
}

/// Restores while the gateway has this fault, which it loses at the end.
fn restored(gateway: &Gateway, home: &Home, fault: &str) -> Ran {
    let word = word(home, &[]);
    gateway.forget_requests();
    if !fault.is_empty() {
        gateway.fail_as(fault);
    }
    let ran = home.dpbackup(&["restore", "1", "--to", "QA1", "--confirm", &word]);
    gateway.clear_faults();
    ran
}

/// Which requests of a restore are the dry run and the import, and how many it has.
fn requests() -> (usize, usize, usize) {
    let (gateway, home) = changed();
    let _ = restored(&gateway, &home, "").exits(0);
    let bodies: Vec<String> = gateway.requests().into_iter().map(|sent| sent.body).collect();
    let nth = |what: &str| bodies.iter().position(|body| body.contains(what)).expect(what) + 1;
    (nth("dry-run=\"true\""), nth("dry-run=\"false\""), bodies.len())
}

#[test]
fn one_look_that_fails_after_the_dry_run_or_after_the_import_is_taken_again() {
    let (dry, import, all) = requests();
    let looks = (dry + 1..import - 1).chain(import + 1..all.min(import + 4));
    for nth in looks {
        let (gateway, home) = changed();
        let ran = restored(&gateway, &home, &format!("*:{nth}=http-503"));
        assert_eq!(sent(&gateway), ["dry", "real"], "request {nth}: {}", ran.stderr);
        let ran = ran.exits(0);
        assert!(has_service(&gateway), "request {nth}");
        assert!(!ran.stderr.contains("void"), "request {nth}: {}", ran.stderr);
        assert!(home.open_entries().is_empty(), "request {nth}");
    }
}

#[test]
fn a_dry_run_after_which_nobody_could_look_is_told_as_one_until_somebody_has_looked() {
    let (dry, _, _) = requests();
    let (gateway, home) = changed();
    let ran = restored(&gateway, &home, &format!("*:{}+=http-503", dry + 1)).exits(1);
    assert_eq!(sent(&gateway), ["dry"]);
    let told = "QA1: the dry run refuses nothing, and what it left could not be looked at: ";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(!ran.stderr.contains("is void"), "{}", ran.stderr);
    assert!(
        home.task_rows()
            .iter()
            .all(|row| row.status.code() != "DRY_RUN_FAILED")
    );
    assert_eq!(home.open_entries().len(), 1);
    let told = "a dry run of an import of DOM1 was sent to QA1 (task 4), and no import: it was answered; `dpbackup recover";
    let judged = home.dpbackup(&["history", "status"]).exits(1);
    assert!(
        judged.stdout.starts_with(&format!("DPBACKUP WARNING - {told}")),
        "{}",
        judged.stdout
    );
    let json = home
        .dpbackup(&["history", "status", "-q", "--format", "json"])
        .exits(1);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    let sentence = json["unseen_dry_runs"][0].as_str().unwrap_or_default();
    assert!(
        sentence.contains("looks whether the domain is as it was; before it, task 3 was taken"),
        "{sentence}"
    );
    assert_eq!(json["half_done_imports"], serde_json::json!([]));
    let _ = home.dpbackup(&["report", "page.html"]).exits(0);
    let page = home.text("page.html");
    assert!(
        page.contains("What a dry run has left was not looked at to the end.")
            && !page.contains("may be half done"),
        "{page}"
    );
    let listed = home.dpbackup(&["history"]).exits(0);
    assert!(
        (listed.stdout.clone() + &listed.stderr).contains(told),
        "{}{}",
        listed.stdout,
        listed.stderr
    );
    // The next run looks, and nothing is left to tell.
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    assert!(home.open_entries().is_empty());
    let _ = home.dpbackup(&["history", "status"]).exits(0);
}

#[test]
fn a_look_that_finds_the_domain_changed_since_a_dry_run_says_so_and_keeps_its_row() {
    let (dry, _, _) = requests();
    let (gateway, home) = changed();
    let _ = restored(&gateway, &home, &format!("*:{}+=http-503", dry + 1)).exits(1);
    gateway
        .state()
        .put_file("DOM1", "local:///more.txt", "somebody was here\n");
    let recovered = home.dpbackup(&["recover"]).exits(1);
    let told = "after the dry run of an import of DOM1 on QA1 (task 4) it was seen not to be as before, and no import was sent";
    assert!(recovered.stdout.contains(told), "{}", recovered.stdout);
    let judged = home.dpbackup(&["history", "status"]).exits(1);
    assert!(judged.stdout.contains(told), "{}", judged.stdout);
    let _ = home.dpbackup(&["recover", "--forget", "QA1/DOM1"]).exits(0);
    assert!(home.open_entries().is_empty());
}

#[test]
fn an_import_that_went_well_and_that_nobody_could_look_at_keeps_its_row() {
    let (_, import, _) = requests();
    let (gateway, home) = changed();
    let ran = restored(&gateway, &home, &format!("*:{}+=http-503", import + 1)).exits(1);
    assert_eq!(sent(&gateway), ["dry", "real"]);
    assert!(
        ran.stderr.contains("what came out could not be looked at"),
        "{}",
        ran.stderr
    );
    let told = "an import of DOM1 on QA1 may be half done (task 4): the device has said what became of it, and nobody has \
                looked at what came out to the end";
    let recovered = home.dpbackup(&["recover"]).exits(1);
    assert!(recovered.stdout.contains(told), "{}", recovered.stdout);
}
