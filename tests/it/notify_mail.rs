//! Mail as servers and people have it: receivers that are refused, names in other scripts, what
//! somebody in between says, and a server with a certificate of its own making.

use std::fs;

use crate::receivers::{Identity, MailFault, MailServer, arrived};
use crate::simulator::{Gateway, Setup};
use crate::support::{Home, export};

/// A home whose plan is told by this server, with more keys of `[notify.email]`.
fn home(gateway: &Gateway, server: &MailServer, ca_pem: &str, of_plan: &str, more: &str) -> Home {
    let home = Home::new().device("QA1", gateway).plan(
        "P",
        &format!(
            "email = true\nnotify_events = \"succeeded\"\n{of_plan}\n{}[notify]\ntimeout = \"5s\"\n[notify.email]\n\
             host = \"localhost\"\nport = {}\nca_file = \"ca.pem\"\n{more}\n",
            export("*", "DOM1", ""),
            server.port()
        ),
    );
    fs::write(home.path("ca.pem"), ca_pem).expect("a CA file");
    home
}

#[test]
fn a_receiver_that_is_refused_does_not_silence_the_others_and_is_named() {
    let gateway = Gateway::start(Setup::default());
    let identity = Identity::new();
    let ca_pem = identity.ca_pem.clone();
    let server = MailServer::start(identity, MailFault::RejectsOne("gone@"));
    let to = "from = \"dp@example.com\"\nto = \"one@example.com, gone@example.com, two@example.com\"";
    let home = home(&gateway, &server, &ca_pem, "", to);
    let ran = home.dpbackup(&["run", "P"]).exits(0);
    let warned = "was not taken for all: gone@example.com (550 no such mailbox)";
    assert!(
        ran.stderr.contains(warned) && !ran.stderr.contains("failed"),
        "{}",
        ran.stderr
    );
    let mails = arrived(&server.seen, 1);
    assert_eq!(mails.len(), 1, "sent once: {mails:?}");
    assert_eq!(
        mails[0].to,
        ["RCPT TO:<one@example.com>", "RCPT TO:<two@example.com>"]
    );
    let test = home.dpbackup(&["notify-test", "P"]).exits(1);
    assert!(
        test.stdout.contains("NOT FOR ALL") && test.stdout.contains("gone@example.com"),
        "{}",
        test.stdout
    );
}

#[test]
fn what_a_server_says_before_the_encryption_is_not_believed() {
    let gateway = Gateway::start(Setup::default());
    let identity = Identity::new();
    let ca_pem = identity.ca_pem.clone();
    let server = MailServer::start(identity, MailFault::SaysMore);
    let home = home(
        &gateway,
        &server,
        &ca_pem,
        "",
        "from = \"dp@example.com\"\nto = \"one@example.com\"",
    );
    let ran = home.dpbackup(&["run", "P"]).exits(0);
    assert!(
        ran.stderr.contains("notification by email failed")
            && ran.stderr.contains("between STARTTLS and the encryption"),
        "{}",
        ran.stderr
    );
    assert!(server.seen.lock().expect("no panic with the lock").is_empty());
}

#[test]
fn names_in_other_scripts_are_those_of_dns_and_the_machine_gives_its_address() {
    let gateway = Gateway::start(Setup::default());
    let identity = Identity::new();
    let ca_pem = identity.ca_pem.clone();
    let server = MailServer::start(identity, MailFault::None);
    let to = "from = \"Sicherung <dp@bücher.example>\"\nto = \"Jürgen <j@例え.テスト>\"";
    let home = home(&gateway, &server, &ca_pem, "", to);
    assert_eq!(home.dpbackup(&["run", "P"]).exits(0).stderr, "");
    let mails = arrived(&server.seen, 1);
    assert_eq!(mails[0].to, ["RCPT TO:<j@xn--r8jz45g.xn--zckzah>"]);
    assert!(mails[0].text.is_ascii(), "{}", mails[0].text);
    assert!(
        mails[0].header("From").ends_with("<dp@xn--bcher-kva.example>"),
        "{}",
        mails[0].text
    );
    let hello = &mails[0].hello;
    assert!(
        hello.contains('.') || hello.starts_with("[IPv6:"),
        "a full name or an address: {hello}"
    );
}

#[test]
fn an_address_that_servers_do_not_take_is_refused_before_anything_is_sent() {
    let gateway = Gateway::start(Setup::default());
    let server = MailServer::start(Identity::new(), MailFault::None);
    let table = "from = \"dp@example.com\"\nto = \"one@example.com, jürgen@example.com\"";
    let home = home(&gateway, &server, "", "", table);
    let ran = home.dpbackup(&["validate"]).exits(2);
    assert!(
        ran.stderr
            .contains("jürgen@example.com: few mail servers take letters beyond ASCII"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_plan_has_receivers_of_its_own() {
    let gateway = Gateway::start(Setup::default());
    let identity = Identity::new();
    let ca_pem = identity.ca_pem.clone();
    let server = MailServer::start(identity, MailFault::None);
    let to = "from = \"dp@example.com\"\nto = \"everybody@example.com\"";
    let own = "email_to = \"team-a@example.com, team-b@example.com\"";
    let home = home(&gateway, &server, &ca_pem, own, to);
    assert_eq!(home.dpbackup(&["run", "P"]).exits(0).stderr, "");
    let mails = arrived(&server.seen, 1);
    assert_eq!(
        mails[0].to,
        ["RCPT TO:<team-a@example.com>", "RCPT TO:<team-b@example.com>"]
    );
    assert!(!mails[0].text.contains("everybody"), "{}", mails[0].text);
}

#[test]
fn a_mail_server_is_trusted_by_the_same_rules_as_a_device() {
    let gateway = Gateway::start(Setup::default());
    let identity = Identity::home_made();
    let ca_pem = identity.ca_pem.clone();
    let server = MailServer::start(identity, MailFault::None);
    let to = "from = \"dp@example.com\"\nto = \"one@example.com\"";
    // Its own certificate, marked as an authority, with the mark that Windows puts before text.
    let home_ok = home(&gateway, &server, &format!("\u{feff}{ca_pem}"), "", to);
    assert_eq!(home_ok.dpbackup(&["run", "P"]).exits(0).stderr, "");
    assert!(arrived(&server.seen, 1)[0].is_encrypted);
    let other = Identity::new();
    let home_other = home(&gateway, &server, &other.ca_pem, "", to);
    let ran = home_other.dpbackup(&["run", "P"]).exits(0);
    assert!(
        ran.stderr.contains("notification by email failed"),
        "{}",
        ran.stderr
    );
    assert_eq!(server.seen.lock().expect("no panic with the lock").len(), 1);
}

#[test]
fn the_page_about_a_plan_goes_with_the_mail_of_its_end() {
    let gateway = Gateway::start(Setup::default());
    let identity = Identity::new();
    let ca_pem = identity.ca_pem.clone();
    let server = MailServer::start(identity, MailFault::None);
    let table = "from = \"dp@example.com\"\nto = \"one@example.com\"\nreport = true";
    let home = home(&gateway, &server, &ca_pem, "", table);
    assert_eq!(home.dpbackup(&["run", "P"]).exits(0).stderr, "");
    let mails = arrived(&server.seen, 1);
    let end = &mails[0].text;
    assert!(end.contains("report: attached"), "{end}");
    let (_, attached) = end
        .split_once("filename=\"dpbackup-report.html\"")
        .expect("an attachment");
    let (_, body) = attached.split_once("\r\n\r\n").expect("its body");
    let page = if attached.contains("Content-Transfer-Encoding: base64") {
        let base64: String = body.lines().take_while(|line| !line.starts_with("--")).collect();
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64.trim());
        String::from_utf8(bytes.expect("base64")).expect("text")
    } else {
        // Quoted-printable: soft line ends.
        body.replace("=\r\n", "")
    };
    assert!(
        page.contains("The one target has a good backup younger than 26 h"),
        "{page}"
    );
}
