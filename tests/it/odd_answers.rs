//! Answers that are right in an unusual way, and answers that are none: what each means
//! for a task.

use crate::simulator::{Gateway, Setup};
use crate::support::{EngineRun, Home, TestClock, export};

const NIGHT: &str = "2026-11-22T01:02:03.004Z";

/// Runs one activity under these faults.
fn run(activity: &str, faults: &[&str]) -> EngineRun {
    let gateway = Gateway::start(Setup::default());
    for fault in faults {
        gateway.fail_as(fault);
    }
    let home = Home::new().device("QA1", &gateway).plan("P", activity);
    home.run("P", &TestClock::at(NIGHT))
}

#[test]
fn a_fault_is_a_fault_under_every_http_status() {
    for status in ["200", "400", "403", "404", "500"] {
        let under = format!("do-backup=status@{status}");
        let run = run(&export("*", "DOM1", ""), &["do-backup=http-500", &under]);
        assert_eq!(run.tasks(), ["QA1/DOM1 BACKUP_FAILED"], "{status}");
        let error = run.errors().remove(0);
        let words = "the device answered with a SOAP fault: \"Internal Error (from client)\"";
        assert!(error.contains(words), "{status}: {error}");
    }
}

#[test]
fn a_right_answer_is_right_under_another_http_status() {
    let run = run(&export("*", "DOM1", ""), &["get-status=status@404"]);
    assert_eq!(run.tasks(), ["QA1/DOM1 SUCCESS"], "{:?}", run.errors());
}

#[test]
fn a_page_and_silence_under_another_http_status_are_told_with_it() {
    for (fault, words) in [
        (
            "do-backup=html",
            "the answer is HTTP 500 with text/html, not SOMA; it begins",
        ),
        (
            "do-backup=empty-body",
            "the answer is HTTP 500 with text/xml, not SOMA; this does",
        ),
    ] {
        let run = run(&export("*", "DOM1", ""), &[fault, "do-backup=status@500"]);
        assert_eq!(run.tasks(), ["QA1/DOM1 BACKUP_FAILED"], "{fault}");
        let error = run.errors().remove(0);
        assert!(error.contains(words), "{fault}: {error}");
    }
}
