//! Every way to a receiver, through the binary: what arrives there.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::receivers::{Behaviour, Identity, MailFault, MailServer, Syslog, Web, arrived};
use crate::simulator::{Fault, FaultKind, Gateway, Setup};
use crate::support::Home;

fn ca_file(home: &Home, identity: &Identity) -> String {
    fs::write(home.path("ca.pem"), &identity.ca_pem).expect("a CA file");
    "ca_file = \"ca.pem\"".to_owned()
}

#[test]
fn syslog_receives_a_start_and_an_end_with_structured_data_by_each_of_its_ways() {
    let gateway = Gateway::start(Setup::default());
    let folder = tempfile::tempdir().expect("a folder");
    let identity = Identity::new();
    fs::write(folder.path().join("ca.pem"), &identity.ca_pem).expect("a CA file");
    let ca_file = folder.path().join("ca.pem");
    for log in [
        Syslog::local(&folder.path().join("log")),
        Syslog::udp(),
        Syslog::tcp(),
        Syslog::tls(identity),
    ] {
        let table = format!(
            "[notify.syslog]\naddress = \"{}\"\nfacility = \"local3\"\nca_file = \"{}\"",
            log.address,
            ca_file.display()
        );
        let home = Home::telling(&gateway, "syslog = true", &table);
        let ran = home.dpbackup(&["run", "Night"]).exits(0);
        assert_eq!(ran.stderr, "", "{}", log.address);
        let seen = arrived(&log.seen, 2);
        assert_eq!(seen.len(), 2, "{seen:?}");
        // local3 (19) × 8 + informational (6).
        let [start, end] = [&seen[0], &seen[1]].map(|message| {
            let fields: Vec<&str> = message.splitn(7, ' ').collect();
            assert_eq!(fields[0], "<158>1", "{message}");
            let time: jiff::Timestamp = fields[1].parse().expect("a time of RFC 3339");
            assert!(time.duration_since(jiff::Timestamp::now()).abs() < jiff::SignedDuration::from_mins(5));
            assert_eq!(fields[3], "dpbackup", "{message}");
            assert!(fields[4].parse::<u32>().is_ok(), "{message}");
            (fields[5].to_owned(), fields[6].to_owned())
        });
        assert_eq!(start.0, "started");
        assert!(start.1.starts_with(
            "[dpbackup@32473 event=\"started\" plan=\"Night\" execution=\"1\" status=\"RUNNING\"] "
        ));
        assert_eq!(end.0, "succeeded");
        assert!(
            end.1
                .contains(" succeeded=\"2\" failed=\"0\" skipped=\"0\" seconds=\""),
            "{}",
            end.1
        );
        assert!(end.1.ends_with("] Night succeeded: 2 tasks"), "{}", end.1);
    }
}

#[test]
fn mail_goes_encrypted_after_starttls_or_from_the_start_with_a_login_and_says_it_all() {
    let gateway = Gateway::start(Setup::default());
    for at_once in [false, true] {
        let identity = Identity::new();
        let ca_pem = identity.ca_pem.clone();
        let (server, security) = if at_once {
            (MailServer::tls(identity), "tls")
        } else {
            (MailServer::start(identity, MailFault::None), "starttls")
        };
        let table = format!(
            "[notify.email]\nhost = \"localhost\"\nport = {}\nsecurity = \"{security}\"\nusername = \"dp\"\n\
             password = {{ file = \"mail-password\" }}\nfrom = \"Backups <dp@example.com>\"\n\
             to = \"one@example.com, Two <two@example.com>\"\nca_file = \"ca.pem\"",
            server.port()
        );
        let home =
            Home::telling(&gateway, "email = true\nerror_policy = \"ignore\"", &table).absent_device("QA2");
        fs::write(home.path("ca.pem"), &ca_pem).expect("a CA file");
        fs::write(home.path("mail-password"), "mail-secret\n").expect("a password");
        fs::set_permissions(home.path("mail-password"), fs::Permissions::from_mode(0o600)).expect("its mode");
        let ran = home.dpbackup(&["run", "Night"]).exits(3);
        assert!(!ran.stderr.contains("notification"), "{}", ran.stderr);
        let mails = arrived(&server.seen, 1);
        assert_eq!(mails.len(), 1, "no mail but the end: {mails:?}");
        let mail = &mails[0];
        assert!(mail.is_encrypted);
        assert_eq!(mail.login, Some(("dp".to_owned(), "mail-secret".to_owned())));
        assert_eq!(mail.to.len(), 2, "{:?}", mail.to);
        assert_eq!(
            mail.header("Subject"),
            "[dpbackup] Night ended with warnings: 1 of 3 tasks left out (QA2/DOM*)"
        );
        assert_eq!(mail.header("From"), "Backups <dp@example.com>");
        assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
        assert!(
            mail.header("Message-ID").ends_with("@example.com>"),
            "{}",
            mail.text
        );
        let body = mail.body();
        assert!(
            body.contains("\r\nstatus    COMPLETED_WITH_WARNINGS\r\n"),
            "{body}"
        );
        assert!(
            body.contains("\r\nskipped   QA2/DOM*\r\n          SKIPPED_DEVICE_NOT_AVAILABLE\r\n"),
            "{body}"
        );
        assert!(body.contains("\r\nok        QA1/DOM1  "), "{body}");
        assert!(
            body.contains("2 succeeded, 0 failed,\r\n1 skipped, 0 cancelled,\r\n"),
            "{body}"
        );
        assert!(body.contains("more: dpbackup history 1"), "{body}");
        assert!(
            !mail.text.contains("mail-secret") && !mail.text.contains("secret"),
            "{}",
            mail.text
        );
    }
}

#[test]
fn a_mail_server_without_starttls_gets_neither_mail_nor_password() {
    let gateway = Gateway::start(Setup::default());
    let identity = Identity::new();
    let ca_pem = identity.ca_pem.clone();
    let server = MailServer::start(identity, MailFault::NoStartTls);
    let table = format!(
        "[notify.email]\nhost = \"localhost\"\nport = {}\nusername = \"dp\"\npassword = {{ env = \"DPBACKUP_TEST_PASSWORD\" }}\n\
         from = \"dp@example.com\"\nto = \"one@example.com\"\nca_file = \"ca.pem\"\nevents = \"*\"",
        server.port()
    );
    let home = Home::telling(&gateway, "email = true", &table);
    fs::write(home.path("ca.pem"), ca_pem).expect("a CA file");
    let ran = home.dpbackup(&["run", "Night"]).exits(0);
    assert!(
        ran.stderr.contains("notification by email failed (localhost:"),
        "{}",
        ran.stderr
    );
    assert!(server.seen.lock().expect("no panic with the lock").is_empty());
}

#[test]
fn the_metrics_are_replaced_as_a_whole_and_the_last_success_stays_when_a_run_fails() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::telling(&gateway, "", "[notify.metrics]\npath = \"dpbackup.prom\"");
    assert_eq!(home.dpbackup(&["run", "Night"]).exits(0).stderr, "");
    let first = fs::read_to_string(home.path("dpbackup.prom")).expect("a file");
    let mode = fs::metadata(home.path("dpbackup.prom"))
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o444, 0o444, "node_exporter is another user");
    for name in [
        "dpbackup_plan_last_success_timestamp_seconds",
        "dpbackup_target_last_success_timestamp_seconds",
    ] {
        assert!(sample(&first, name) > 1.7e9, "{first}");
    }
    assert!(
        sample(&first, "dpbackup_target_last_success_bytes") > 0.0,
        "{first}"
    );
    assert!(
        first.contains("dpbackup_plan_last_run_status{plan=\"Night\",status=\"SUCCESS\"} 1\n"),
        "{first}"
    );
    assert!(first.contains("dpbackup_open_quiesces 0\n"), "{first}");
    // It keeps its port, which another test's gateway could have otherwise.
    gateway.fail(Fault::every("connect", FaultKind::Refuse(None)));
    let _ = home.dpbackup(&["run", "Night"]).exits(4);
    let second = fs::read_to_string(home.path("dpbackup.prom")).expect("a file");
    for name in [
        "dpbackup_plan_last_success_timestamp_seconds",
        "dpbackup_target_last_success_timestamp_seconds",
    ] {
        assert_eq!(
            sample(&first, name).to_bits(),
            sample(&second, name).to_bits(),
            "{second}"
        );
    }
    assert!(
        second.contains("dpbackup_plan_last_run_status{plan=\"Night\",status=\"ALL_TASKS_SKIPPED\"} 1\n"),
        "{second}"
    );
    assert!(
        second.contains("dpbackup_plan_last_run_success{plan=\"Night\"} 0\n"),
        "{second}"
    );
    let beside: Vec<_> = fs::read_dir(home.path(""))
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(
        !beside
            .iter()
            .any(|name| name.to_string_lossy().starts_with(".dpbackup.prom")),
        "{beside:?}"
    );
}

/// The value of the first sample of this name.
#[track_caller]
fn sample(text: &str, name: &str) -> f64 {
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_else(|| panic!("{name} in\n{text}"));
    line.rsplit(' ')
        .next()
        .and_then(|value| value.parse().ok())
        .expect("a number")
}

#[test]
fn notify_test_sends_one_of_each_and_says_what_was_answered() {
    let gateway = Gateway::start(Setup::default());
    let identity = Identity::new();
    let log = Syslog::udp();
    let web = Web::start(&[Behaviour::Status(200, "got it")]);
    let mut home = Home::telling(
        &gateway,
        "syslog = true\nwebhook = \"ops\"\nping = true\nemail = true",
        &format!(
            "[notify.syslog]\naddress = \"{}\"\n[[notify.webhook]]\nname = \"ops\"\nurl = \"{}\"\n\
             [notify.ping]\nurl = \"{}\"\n",
            log.address,
            web.url("/hook"),
            web.url("/ping")
        ),
    );
    let ca = ca_file(&home, &identity);
    let server = MailServer::start(identity, MailFault::None);
    home = home.plan(
        "Other",
        &format!(
            "enabled = false\n[notify.email]\nhost = \"localhost\"\nport = {}\nfrom = \"a@example.com\"\n\
             to = \"b@example.com\"\n{ca}",
            server.port()
        ),
    );
    let ran = home.dpbackup(&["notify-test", "Night"]).exits(0);
    let all = [
        "started",
        "task-failed",
        "still-quiesced",
        "recovered",
        "rehearsal-failed",
        "refused",
        "failed",
        "warned",
        "succeeded",
    ];
    for event in all {
        assert!(
            ran.stdout.contains(&format!("syslog {event}: ok (udp://")),
            "{}",
            ran.stdout
        );
        assert!(
            ran.stdout
                .contains(&format!("webhook ops {event}: ok (http://localhost:")),
            "{}",
            ran.stdout
        );
    }
    assert!(ran.stdout.contains("): HTTP 200: got it\n"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("email failed: ok (localhost:"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("queued as 4711"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("email started: not sent, `events` leaves it out"),
        "{}",
        ran.stdout
    );
    assert_eq!(arrived(&log.seen, 9).len(), 9);
    assert_eq!(arrived(&server.seen, 6).len(), 6);
    // Nine for the webhook; a start and a success for the ping, which would take the rest for
    // real failures.
    let requests = arrived(&web.seen, 11);
    assert_eq!(requests.len(), 11);
    assert!(
        !requests.iter().any(|request| request.path() == "/ping/fail"),
        "no alarm"
    );
    assert!(
        ran.stdout
            .contains("not sent, for it would be a real alarm; --alarms sends it too"),
        "{}",
        ran.stdout
    );
    let last_ping = requests
        .iter()
        .rfind(|request| request.path().starts_with("/ping"));
    assert_eq!(
        last_ping.map(crate::receivers::Request::path),
        Some("/ping"),
        "left in order"
    );
    let hooks = requests.iter().filter(|request| request.path() == "/hook");
    assert!(hooks.clone().all(|request| request.json()["test"] == true));
    assert_eq!(hooks.count(), 9);
    assert!(
        !home.path("state/history.db").exists(),
        "a test leaves no history"
    );
    let _ = home.dpbackup(&["notify-test", "Night", "--alarms"]);
    let requests = arrived(&web.seen, 26);
    let alarms = requests.iter().filter(|request| request.path() == "/ping/fail");
    assert_eq!(alarms.count(), 4, "with the word they are sent");
}
