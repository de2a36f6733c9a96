//! Receivers that misbehave: bounded in time, tried a little, a warning and nothing else.

use crate::receivers::{Behaviour, Identity, MailFault, MailServer, NOBODY, Web, arrived};
use crate::simulator::{Gateway, Setup};
use crate::support::{Home, PASSWORD};

const EXPORT: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"DOM1\"\n";

fn hook(web: &Web) -> String {
    let url = web.url("/services/t0ken-in-path?and=one-here");
    format!(
        "[notify]\ntimeout = \"1s\"\n[[notify.webhook]]\nname = \"ops\"\nurl = \"{url}\"\nevents = \"succeeded\"\n"
    )
}

/// Runs a plan whose webhook does this, and gives what is said on stderr.
fn run_with(behaviours: &[Behaviour]) -> (String, usize) {
    let gateway = Gateway::start(Setup::default());
    let web = Web::start(behaviours);
    let home = Home::of(&gateway).plan("Night", &format!("webhook = \"ops\"\n{EXPORT}{}", hook(&web)));
    let ran = home.dpbackup(&["run", "Night"]).exits(0);
    let plans = home.dpbackup(&["history", "--format", "json"]).exits(0);
    assert!(
        plans.stdout.contains("\"SUCCESS\""),
        "the outcome stays: {}",
        plans.stdout
    );
    let history = home.history();
    let notes = history.notes(dpbackup::run::event::Owner::Plan(dpbackup::run::event::PlanId(1)));
    let notes: Vec<String> = notes
        .expect("notes")
        .into_iter()
        .map(|note| note.message)
        .collect();
    if ran.stderr.is_empty() {
        assert!(notes.is_empty(), "{notes:?}");
    } else {
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            ran.stderr.contains(&notes[0]),
            "{} is said too: {}",
            notes[0],
            ran.stderr
        );
    }
    let tries = web.seen.lock().expect("no panic with the lock").len();
    for secret in ["t0ken-in-path", "one-here", PASSWORD] {
        assert!(
            !ran.stderr.contains(secret) && !notes.concat().contains(secret),
            "{}",
            ran.stderr
        );
    }
    (ran.stderr, tries)
}

#[test]
fn what_can_pass_is_tried_twice_and_is_then_a_warning() {
    for (behaviour, words) in [
        (Behaviour::Status(500, "t0ken-in-path is down"), "HTTP 500: "),
        (Behaviour::Status(429, ""), "HTTP 429"),
        (
            Behaviour::Reset,
            "notification by webhook ops failed (http://localhost:",
        ),
        (Behaviour::Garbage, "not HTTP as it should be"),
        (Behaviour::Silent, "no answer"),
        (Behaviour::Trickle, "no answer"),
    ] {
        let (said, tries) = run_with(&[behaviour]);
        assert!(
            said.contains("warning: notification by webhook ops failed"),
            "{behaviour:?}: {said}"
        );
        assert!(
            said.contains(words) && said.contains("(tried 2 times)"),
            "{behaviour:?}: {said}"
        );
        assert!(said.contains("/…): "), "the address is masked: {said}");
        assert!((1..=2).contains(&tries), "{behaviour:?}: {tries}");
    }
}

#[test]
fn a_second_try_that_is_taken_leaves_no_warning() {
    let (said, tries) = run_with(&[Behaviour::Status(503, "busy"), Behaviour::Status(204, "")]);
    assert_eq!((said.as_str(), tries), ("", 2));
}

#[test]
fn a_refusal_is_not_tried_again() {
    for status in [404, 301] {
        let (said, tries) = run_with(&[Behaviour::Status(status, "no")]);
        assert!(
            said.contains(&format!("HTTP {status}")) && !said.contains("tried"),
            "{said}"
        );
        assert_eq!(tries, 1);
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let gateway = Gateway::start(Setup::default());
    let web = Web::tls(Identity::new());
    let other = Identity::new();
    let home = Home::of(&gateway).plan(
        "Night",
        &format!("webhook = \"ops\"\n{EXPORT}{}ca_file = \"ca.pem\"", hook(&web)),
    );
    std::fs::write(home.path("ca.pem"), &other.ca_pem).expect("a CA file");
    let ran = home.dpbackup(&["run", "Night"]).exits(0);
    assert!(
        ran.stderr
            .contains("but not with the key of the one in the ca_file")
            && !ran.stderr.contains("tried"),
        "{}",
        ran.stderr
    );
    assert!(web.seen.lock().expect("no panic with the lock").is_empty());
}

#[test]
fn nothing_that_goes_wrong_anywhere_changes_the_outcome() {
    let gateway = Gateway::start(Setup::default());
    let port = NOBODY;
    let home = Home::of(&gateway).plan(
        "Night",
        &format!(
            "syslog = true\nemail = true\nwebhook = \"*\"\nping = true\n{EXPORT}\
             [notify]\ntimeout = \"2s\"\ntries = 1\n[notify.syslog]\naddress = \"no/socket\"\n\
             [notify.email]\nhost = \"localhost\"\nport = {port}\nfrom = \"a@example.com\"\nto = \"b@example.com\"\n\
             events = \"*\"\n\
             [[notify.webhook]]\nname = \"a\"\nurl = \"https://localhost:{port}/t0ken\"\n\
             [[notify.webhook]]\nname = \"b\"\nurl = {{ env = \"NOT_THERE\" }}\n\
             [notify.ping]\nurl = \"http://localhost:{port}/t0ken\"\n[notify.metrics]\npath = \"no/folder.prom\"\n"
        ),
    );
    let ran = home.dpbackup(&["run", "Night"]).exits(0);
    for name in ["syslog", "email", "webhook a", "webhook b", "ping", "metrics"] {
        assert!(
            ran.stderr.contains(&format!("notification by {name} failed")),
            "{name}: {}",
            ran.stderr
        );
    }
    for why in [
        "NOT_THERE is not set",
        "no/socket here, as in a container: `address = \"udp://HOST\"` under [notify.syslog]",
    ] {
        assert!(ran.stderr.contains(why), "{why}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("t0ken"), "{}", ran.stderr);
    let history = home.dpbackup(&["history"]).exits(0);
    assert!(
        history.stdout.contains("SUCCESS") && !history.stdout.contains("WARNINGS"),
        "{}",
        history.stdout
    );
    let tested = home.dpbackup(&["notify-test"]).exits(1);
    assert!(
        tested
            .stdout
            .contains("webhook b started: FAILED: environment variable NOT_THERE"),
        "{}",
        tested.stdout
    );
    assert!(!tested.stdout.contains("t0ken"), "{}", tested.stdout);
}

#[test]
fn a_busy_mail_server_is_tried_again_and_one_that_refuses_is_not() {
    let gateway = Gateway::start(Setup::default());
    for (fault, delivered, words) in [
        (MailFault::Busy(1), 1, ""),
        (
            MailFault::Rejects,
            0,
            "no receiver was taken: b@example.com (550 no such mailbox); the message",
        ),
        (MailFault::Silent, 0, "(tried 2 times)"),
    ] {
        let identity = Identity::new();
        let ca_pem = identity.ca_pem.clone();
        let server = MailServer::start(identity, fault);
        let home = Home::of(&gateway).plan(
            "Night",
            &format!(
                "email = true\nnotify_events = \"succeeded\"\n{EXPORT}[notify]\ntimeout = \"1s\"\n[notify.email]\n\
                 host = \"localhost\"\nport = {}\nfrom = \"a@example.com\"\nto = \"b@example.com\"\nca_file = \"ca.pem\"",
                server.port()
            ),
        );
        std::fs::write(home.path("ca.pem"), &ca_pem).expect("a CA file");
        let ran = home.dpbackup(&["run", "Night"]).exits(0);
        assert_eq!(
            ran.stderr.is_empty(),
            words.is_empty(),
            "{fault:?}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains(words), "{fault:?}: {}", ran.stderr);
        assert_eq!(arrived(&server.seen, delivered).len(), delivered);
    }
}

#[test]
fn a_run_does_not_wait_anew_for_each_task_when_a_receiver_is_silent() {
    let gateway = Gateway::start(Setup {
        domains: (0..8)
            .map(|number| crate::simulator::Domain::new(&format!("DOM{number}")))
            .collect(),
        users: vec![crate::simulator::User::new("backup", PASSWORD).without("do-backup")],
        ..Setup::default()
    });
    let web = Web::start(&[Behaviour::Silent]);
    let home = Home::of(&gateway).plan(
        "Night",
        &format!(
            "error_policy = \"ignore\"\nwebhook = \"ops\"\n{}[notify]\ntimeout = \"1s\"\ntries = 1\n\
             [[notify.webhook]]\nname = \"ops\"\nurl = \"{}\"\n",
            EXPORT.replace("DOM1", "DOM*"),
            web.url("/")
        ),
    );
    let ran = home.dpbackup(&["run", "Night"]).exits(1);
    let tried = ran.stderr.matches("notification by webhook ops failed").count();
    assert_eq!(tried, 2, "the first of eight tasks, and the end: {}", ran.stderr);
}
