//! A rehearsal that is cut short, at any request: nothing is left, and nothing is called good.

use rustix::process::Signal;

use crate::simulator::{Domain, Gateway};
use crate::support::{Home, eventually, export, gateways};

const ARGUMENTS: [&str; 4] = ["rehearse", "1", "--on", "SPARE1"];

fn gateways() -> (Gateway, Gateway) {
    let domains = || [Domain::new("DOM1")];
    let spare = crate::rehearse::another(gateways::small(domains()));
    (Gateway::start(gateways::small(domains())), Gateway::start(spare))
}

fn backed_up(gateway: &Gateway, spare: &Gateway) -> Home {
    let home = Home::quick()
        .device("QA1", gateway)
        .spare("SPARE1", spare)
        .plan("Night", &export("*", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    home
}

/// The verdicts of the first task, and which of them have ended.
fn verdicts(home: &Home) -> Vec<(String, bool)> {
    let details = home.details(0);
    let rows = details.rehearsals.iter();
    rows.map(|row| (row.result.verdict.code().to_owned(), row.end_time.is_some()))
        .collect()
}

#[test]
fn a_rehearsal_that_is_killed_at_any_request_is_not_known_and_holds_nobody_up() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    let _ = home.dpbackup(&ARGUMENTS).exits(0);
    let requests = spare.requests().len();
    assert!(
        requests >= 6,
        "two looks with an export each, and a dry run between them: {requests}"
    );
    let mut open = 0;
    for nth in 1..=requests {
        spare.forget_requests();
        spare.fail_as(&format!("*:{nth}=stall"));
        let running = home.running(&ARGUMENTS);
        eventually("the request is there", || spare.requests().len() >= nth);
        running.kill();
        spare.clear_faults();
        let known = verdicts(&home);
        let killed = known.iter().filter(|(_, ended)| !ended).count();
        assert!(killed <= 1, "request {nth}: {known:?}");
        open += killed;
        let is_good = |(verdict, ended): &(String, bool)| *ended || verdict == "NOT_KNOWN";
        assert!(known.iter().all(is_good), "request {nth}: {known:?}");
        // The next one is not held up, and ends what was begun.
        let _ = home.dpbackup(&ARGUMENTS).exits(0);
        assert!(verdicts(&home).iter().all(|(_, ended)| *ended), "request {nth}");
        assert_eq!(verdicts(&home).last(), Some(&("WOULD_WORK".to_owned(), true)));
    }
    assert!(open >= 4, "most requests come after the row: {open}");
    let text = home.dpbackup(&["history", "files", "1"]).exits(0).stdout;
    assert_eq!(text.matches("it was cut short").count(), open, "{text}");
    assert_eq!(spare.state().domains(), ["default", "DOM1"]);
}

#[test]
fn a_rehearsal_that_was_killed_last_is_no_good_one_to_monitoring() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    let _ = home.dpbackup(&ARGUMENTS).exits(0);
    spare.fail_as("do-restore=stall");
    let running = home.running(&ARGUMENTS);
    eventually("the dry run is sent", || spare.received("do-restore") == 2);
    running.kill();
    let ran = home
        .dpbackup(&["history", "status", "--max-rehearsal", "90d"])
        .exits(1);
    assert!(
        ran.stdout.contains("its last rehearsal was not good"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_signal_ends_a_dry_run_at_once_and_the_spare_is_looked_at() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    for (looks, shown, is_ended) in [
        ("", "SPARE1: not known whether it is as it was before", true),
        (
            "*=http-503",
            "SPARE1: not known whether it is as it was before",
            false,
        ),
    ] {
        spare.forget_requests();
        spare.fail_as("do-restore=stall");
        let running = home.running(&ARGUMENTS);
        eventually("the dry run is sent", || spare.received("do-restore") == 1);
        if !looks.is_empty() {
            spare.fail_as(looks);
        }
        running.signal(Signal::TERM);
        let ran = running.end().exits(143);
        let told = format!("NOT KNOWN   task 1: QA1 DOM1; {shown}\n");
        assert!(ran.stdout.starts_with(&told), "{}", ran.stdout);
        // What the signal ended may have gone on to its look before the signal is answered.
        let answers = [
            "a dry run for DOM1 of SPARE1 is given up, no import is sent, and the domain is looked at",
            "no import into DOM1 of SPARE1 is sent, and the domain is looked at after its dry run",
        ]
        .map(|what| format!("SIGTERM: {what}; do not kill dpbackup, it ends by itself\n"));
        assert!(
            answers.iter().any(|answer| ran.stderr.contains(answer)),
            "{}",
            ran.stderr
        );
        let last = verdicts(&home).pop();
        assert_eq!(last, Some(("NOT_KNOWN".to_owned(), is_ended)));
        spare.clear_faults();
    }
    // What nobody has seen is told by the next start.
    let ran = home.dpbackup(&["recover"]).exits(1);
    let told = "a rehearsal of task 1 on SPARE1 was cut short: whether SPARE1 is as it was before is not known: look at it";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(verdicts(&home).iter().all(|(_, ended)| *ended));
}

#[test]
fn a_rehearsal_that_gets_a_signal_at_any_request_ends_with_its_code() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    let _ = home.dpbackup(&ARGUMENTS).exits(0);
    let operations = spare.operations();
    let dry = operations.iter().position(|one| one.contains("do-restore"));
    let dry = dry.expect("a dry run") + 1;
    for nth in 1..=operations.len() {
        spare.forget_requests();
        spare.fail_as(&format!("*:{nth}=stall@60m"));
        let mut running = home.running(&ARGUMENTS);
        eventually("the request is there", || spare.requests().len() >= nth);
        running.signal(Signal::TERM);
        running.says("SIGTERM: ");
        // What is not given up for the signal gets its answer.
        if nth != dry {
            spare.clear_faults();
        }
        let ran = running.end().exits(143);
        spare.clear_faults();
        assert!(
            !ran.stdout.contains("IT WAS CHANGED"),
            "request {nth}: {}",
            ran.stdout
        );
        // A dry run that was given up may come yet.
        let is_known = !ran.stdout.contains("SPARE1: not known");
        assert_eq!(is_known, nth != dry, "request {nth}: {}", ran.stdout);
    }
    assert!(verdicts(&home).iter().all(|(_, ended)| *ended));
}

#[test]
fn a_spare_that_another_run_has_is_not_disturbed() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    spare.fail_as("do-restore=stall");
    let running = home.running(&ARGUMENTS);
    eventually("the dry run is sent", || spare.received("do-restore") == 1);
    let ran = home.dpbackup(&ARGUMENTS).exits(5);
    assert!(
        ran.stderr.contains("SPARE1 is held by a rehearsal of process"),
        "{}",
        ran.stderr
    );
    running.kill();
}

#[test]
fn a_spare_that_another_run_has_is_waited_for_where_that_is_asked_for() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare).timeouts("request = 10s, export = 60m, idle = 60m");
    spare.fail_as("do-restore=stall@60m");
    let running = home.running(&ARGUMENTS);
    eventually("the dry run is sent", || spare.received("do-restore") == 1);
    let arguments: Vec<&str> = ARGUMENTS.iter().copied().chain(["--lock-wait", "10m"]).collect();
    let waiting = home.in_terminal(200, &[], &arguments);
    waiting.shows("waiting for SPARE1: device lock held by a rehearsal");
    spare.clear_faults();
    let _ = running.end().exits(0);
    let (code, lines) = waiting.end();
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(verdicts(&home).len(), 2);
}

#[test]
fn at_a_terminal_a_line_says_which_backup_of_how_many_is_tried() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare).timeouts("request = 10s, export = 60m, idle = 60m");
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    spare.fail_as("do-restore:2=stall@60m");
    let running = home.in_terminal(200, &[], &["rehearse", "1", "2", "--on", "SPARE1"]);
    running.shows("waiting for SPARE1: 2 of 2, task 2: QA1 DOM1: sends the dry run");
    spare.clear_faults();
    let (code, lines) = running.end();
    assert_eq!(code, Some(0), "{lines:?}");
}

#[test]
fn a_login_that_the_spare_refuses_is_tried_once() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    spare.fail_as("do-restore=login-failure");
    let ran = home.dpbackup(&["rehearse", "1", "2", "--on", "SPARE1"]).exits(1);
    assert_eq!(spare.received("do-restore"), 1, "{}", ran.stdout);
    // And with whose login that was is said once.
    let said = format!("{} {}", ran.stdout, ran.stderr);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(said.matches("it was tried with").count(), 1, "{said}");
}

#[test]
fn a_backup_is_rehearsed_once_however_often_it_is_named() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    let _ = home
        .dpbackup(&["rehearse", "1", "1", "last", "--on", "SPARE1"])
        .exits(0);
    assert_eq!(spare.received("do-restore"), 1);
}

#[test]
fn a_domain_that_a_dead_run_has_left_quiesced_is_told_at_the_end_of_a_rehearsal() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare).plan("Q", &export("QA1", "DOM1", "quiesce = true"));
    gateway.fail_as("do-backup=stall");
    let running = home.running(&["run", "Q"]);
    eventually("DOM1 is quiesced", || {
        gateway.state().quiesce_state("DOM1") == "quiesced"
    });
    running.kill();
    gateway.clear_faults();
    let said = "MAY BE QUIESCED: domain DOM1 of QA1";
    let ran = home.dpbackup(&ARGUMENTS).exits(10);
    assert!(ran.stdout.contains("WOULD WORK"), "{}", ran.stdout);
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    // Where it cannot begin, too.
    let ran = home.dpbackup(&["rehearse", "99", "--on", "SPARE1"]).exits(10);
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn two_names_of_one_spare_are_not_rehearsed_on_at_the_same_time() {
    let (gateway, spare) = gateways();
    let tls = format!("{{ pin_sha256 = \"{}\" }}\nrole = \"spare\"", spare.pin());
    let home = backed_up(&gateway, &spare).device_on("SPARE2", "localhost", spare.port(), &tls);
    spare.fail_as("do-restore=stall");
    let running = home.running(&ARGUMENTS);
    eventually("the dry run is sent", || spare.received("do-restore") == 1);
    let ran = home.dpbackup(&["rehearse", "1", "--on", "SPARE2"]).exits(5);
    assert!(
        ran.stderr.contains("SPARE2 is held by a rehearsal of process"),
        "{}",
        ran.stderr
    );
    running.kill();
}

#[test]
fn a_signal_while_the_spare_is_looked_at_ends_a_rehearsal_and_is_no_verdict() {
    // The look before, and the one after the dry run.
    for (nth, sent) in [(1, 0), (2, 1)] {
        let (gateway, spare) = gateways();
        let home = backed_up(&gateway, &spare);
        spare.fail_as(&format!("do-backup:{nth}=stall@60m"));
        let mut running = home.running(&ARGUMENTS);
        eventually("the spare is looked at", || spare.received("do-backup") == nth);
        running.signal(Signal::TERM);
        running.says("SIGTERM: ");
        // The look after the dry run goes on to its end.
        if sent == 1 {
            spare.clear_faults();
        }
        let ran = running.end().exits(143);
        assert_eq!(spare.received("do-restore"), sent, "{}", ran.stdout);
        let (verdict, answer) = match sent {
            0 => ("NOT_KNOWN", "SIGTERM: nothing is to be put back"),
            _ => (
                "WOULD_WORK",
                "SIGTERM: no import into DOM1 of SPARE1 is sent, and the domain is looked at after its dry run",
            ),
        };
        assert_eq!(verdicts(&home), [(verdict.to_owned(), true)]);
        assert!(ran.stderr.contains(answer), "{}", ran.stderr);
    }
}
