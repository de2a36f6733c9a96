//! The `[notify]` table: what it becomes, and its mistakes.

use super::{LEAST, QA1, titles, valid};
use crate::plan::model::notify::{MailSecurity, SyslogAddress};
use crate::values::event_name::EventName;

const EMAIL: &str = "[notify.email]\nhost = \"m\"\nfrom = \"a@example.com\"\nto = \"b@example.com\"\n";

fn plan(keys: &str) -> String {
    format!("{LEAST}{QA1}[[plan]]\nname = \"P\"\nenabled = false\n{keys}\n")
}

#[test]
fn without_tables_syslog_is_the_local_socket_and_nobody_else_is_told() {
    let file = valid(&plan("syslog = true"));
    let notify = &file.notify;
    assert_eq!(notify.syslog.address, SyslogAddress::Local("/dev/log".into()));
    assert!(notify.email.is_none() && notify.webhooks.is_empty() && notify.metrics.is_none());
    let chosen = &file.plans[0].notify;
    assert!(chosen.syslog && !chosen.email && chosen.webhooks.is_empty() && chosen.ping.is_none());
}

#[test]
fn a_system_log_is_a_path_or_a_host_with_a_port() {
    for (text, address) in [
        ("udp://log", SyslogAddress::Udp("log".to_owned(), 514)),
        (
            "tcp://10.0.0.1:1514",
            SyslogAddress::Tcp("10.0.0.1".to_owned(), 1514),
        ),
        ("tls://[::1]", SyslogAddress::Tls("::1".to_owned(), 6514)),
        ("tls://[::1]:7000", SyslogAddress::Tls("::1".to_owned(), 7000)),
        (
            "tls://bücher.example:7000",
            SyslogAddress::Tls("xn--bcher-kva.example".to_owned(), 7000),
        ),
        (
            "udp://bücher.example",
            SyslogAddress::Udp("xn--bcher-kva.example".to_owned(), 514),
        ),
        ("log.socket", SyslogAddress::Local("conf/log.socket".into())),
    ] {
        let file = valid(&format!("{LEAST}[notify.syslog]\naddress = \"{text}\"\n"));
        assert_eq!(file.notify.syslog.address, address, "{text}");
    }
}

#[test]
fn a_bare_host_of_a_system_log_is_doubted_for_it_is_a_path() {
    let said = |address: &str| titles(&format!("{LEAST}[notify.syslog]\naddress = \"{address}\"\n"));
    let doubt = |found: &String| found.ends_with("`address` is a path, and nothing is there");
    assert!(said("syslog.example.com").iter().any(doubt));
    assert!(!said("/run/log.socket").iter().any(doubt));
}

#[test]
fn the_port_of_a_mail_server_follows_its_security() {
    for (line, security, port) in [
        ("", MailSecurity::StartTls, 587),
        ("security = \"tls\"", MailSecurity::Tls, 465),
        ("security = \"none\"", MailSecurity::None, 25),
        ("security = \"tls\"\nport = 2465", MailSecurity::Tls, 2465),
    ] {
        let email = valid(&format!("{LEAST}{EMAIL}{line}\n"))
            .notify
            .email
            .expect("a mail server");
        assert_eq!((email.security, email.port), (security, port));
        assert!(email.events.contains(EventName::Failed) && !email.events.contains(EventName::Started));
    }
}

#[test]
fn a_plan_pings_its_own_address_or_the_one_of_all() {
    let ping = "[notify.ping]\nurl = \"https://p.example.com/{plan}\"\n";
    let of = |keys: &str, more: &str| {
        valid(&format!("{}{more}", plan(keys))).plans[0]
            .notify
            .ping
            .is_some()
    };
    assert!(of("ping = true", ping));
    assert!(of("ping_url = \"https://p.example.com/own\"", ""));
    assert!(!of("", ping));
    assert!(!of(
        "ping = false\nping_url = \"https://p.example.com/own\"",
        ping
    ));
}

#[test]
fn each_mistake_is_found_where_it_stands() {
    let hooked = |line: &str| format!("{LEAST}[[notify.webhook]]\nname = \"w\"\n{line}\n");
    for (text, found) in [
        (plan("email = true"), "11:1 there is no mail server"),
        (plan("ping = true"), "11:1 there is no address to ping"),
        (plan("webhook = \"chta\""), "11:11 unknown webhook \"chta\""),
        (
            plan("notify_events = \"*, !startet\""),
            "11:17 unknown event \"startet\"",
        ),
        (
            hooked("url = \"http://example.com/x\""),
            "5:7 `url` is no address to send to",
        ),
        (hooked(""), "3:1 `url` is missing"),
        (
            format!("{LEAST}{EMAIL}username = \"u\"\n"),
            "3:1 `password` is missing",
        ),
        (
            format!("{LEAST}{EMAIL}security = \"none\"\nusername = \"u\"\npassword = {{ env = \"P\" }}\n"),
            "9:1 a password would be sent where others can read it",
        ),
        (
            format!("{LEAST}{}", EMAIL.replace("a@example.com", "a at example")),
            "5:8 this is no e-mail address",
        ),
        (
            format!("{LEAST}[notify.syslog]\naddress = \"http://log\"\n"),
            "4:11 unknown scheme \"http\" of `address`",
        ),
        (
            format!("{LEAST}[notify.syslog]\naddress = \"udp://log/x\"\n"),
            "4:11 `address` is more than a host and a port",
        ),
        (
            format!("{LEAST}[notify.metrics]\npath = \"dp.txt\"\n"),
            "4:1 node_exporter would not read this file",
        ),
        (
            format!("{LEAST}[notify.ping]\nfail = \"fail\"\n"),
            "4:8 this cannot be added to an address",
        ),
        (
            format!(
                "{}{}",
                hooked("url = \"https://a/b\""),
                "[[notify.webhook]]\nname = \"w\"\nurl = \"https://a/b\"\n"
            ),
            "7:8 two webhooks are named \"w\"",
        ),
    ] {
        assert_eq!(titles(&text), [found], "{text}");
    }
}

/// The label and the help of the first thing that is found.
#[cfg(feature = "mail")]
fn first_of(text: &str) -> Option<(String, String)> {
    let found = super::check(text).err()?;
    let first = found.findings.first()?;
    Some((
        first.labels[0].text.clone(),
        first.help.clone().unwrap_or_default(),
    ))
}

#[test]
#[cfg(feature = "mail")]
fn addresses_of_mail_are_as_many_as_are_meant_and_can_be_sent_to() {
    let to = |to: &str| first_of(&format!("{LEAST}{}", EMAIL.replace("b@example.com", to)));
    let from = |from: &str| first_of(&format!("{LEAST}{}", EMAIL.replace("a@example.com", from)));
    assert_eq!(to("b@example.com, c@example.com"), None);
    assert_eq!(to("b@bücher.example"), None);
    let (several, one) = (
        "write \"team@example.com\", or \"team@example.com, boss@example.com\"",
        "write one, such as `from = \"dpbackup@example.com\"`",
    );
    for (said, label, help) in [
        (
            to("b at example"),
            "expected NAME@DOMAIN, several with commas between them",
            several,
        ),
        (
            to("b@example.com; c@example.com"),
            "expected NAME@DOMAIN, several with commas between them",
            "write commas between them: \"b@example.com, c@example.com\"",
        ),
        (
            to("ö@example.com"),
            "ö@example.com: few mail servers take letters",
            several,
        ),
        (from("a@example.com, c@example.com"), "expected one address", one),
        (
            from("a@example.com; c@example.com"),
            "expected NAME@DOMAIN, several with commas between them",
            one,
        ),
    ] {
        let (found, helped) = said.expect("a finding");
        assert!(found.starts_with(label), "{found}");
        assert_eq!(helped, help, "{label}");
    }
}

#[test]
fn a_webhook_and_a_mail_server_have_names_and_nothing_else() {
    let webhook =
        |name: &str| format!("{LEAST}[[notify.webhook]]\nname = \"{name}\"\nurl = \"https://a/b\"\n");
    let nothing = ["1:1 nothing is backed up"];
    assert_eq!(titles(&webhook("chat-1.x_y")), nothing);
    assert_eq!(
        titles(&webhook("chat room")),
        ["4:8 \"chat room\" cannot be the name of a webhook"]
    );
    for host in ["m:25", "m/x", "a@m", "m, n"] {
        let text = format!("{LEAST}{}", EMAIL.replace("\"m\"", &format!("\"{host}\"")));
        assert_eq!(
            titles(&text),
            ["4:8 `host` is not the name of a mail server"],
            "{host}"
        );
    }
    let text = format!("{LEAST}{}", EMAIL.replace("\"m\"", "\"2001:db8::1\""));
    assert_eq!(titles(&text), nothing);
}

#[test]
fn the_address_of_a_webhook_is_not_shown_with_its_line() {
    let text = format!("{LEAST}[[notify.webhook]]\nname = \"w\"\nurl = \"http://example.com/t0ken\"\n");
    let found = super::check(&text).expect_err("it is not valid");
    let shown = found.render(crate::plan::diagnostic::Style::Plain);
    assert!(
        !shown.contains("t0ken") && shown.contains("url = \"***"),
        "{shown}"
    );
}
