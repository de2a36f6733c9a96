//! Nothing that a device or a script says reaches a terminal, a spreadsheet, a chat or a
//! monitoring system as it is.

use dpbackup::history::PlanFilter;
use dpbackup::values::text::is_unsafe;

use crate::receivers::{Behaviour, Identity, MailFault, MailServer, Request, Web, arrived};
use crate::simulator::{Domain, Fault, FaultKind, Gateway, Setup};
use crate::support::{Home, export, secure_backup};

/// What a script can print; XML has no way to write most of it.
const NOISE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{202e}\u{9b}31m";

/// What a device can call a domain: all of it is allowed in XML.
const IN_XML: &str = "\u{9b}2J\u{202e}\u{85}\u{200b}|";

/// A name that a spreadsheet would calculate and that chats would read as a call and a link.
const FORMULA: &str = "=cmd|' /C calc'!A0;@channel <!here> [x](www.evil.example) ```";

/// A name that is written as patterns are.
const PATTERN: &str = "a b*, !c";

#[track_caller]
fn assert_printable(what: &str, text: &str) {
    let bad = text
        .chars()
        .find(|character| is_unsafe(*character) && *character != '\n');
    assert_eq!(bad, None, "{what}: {text:?}");
}

/// Commands that show all of history, at every level.
fn all_of_history(home: &Home) -> Vec<Vec<String>> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut all = vec![words(&["history"])];
    for plan in home.history().plans(&PlanFilter::default()).expect("the plans") {
        all.push(words(&["history", "activities", &plan.id.0.to_string()]));
        for activity in home.history().activities(plan.id).expect("the activities") {
            all.push(words(&["history", "tasks", &activity.id.0.to_string()]));
            for task in home.history().tasks(activity.id).expect("the tasks") {
                all.push(words(&["history", "files", &task.id.0.to_string()]));
            }
        }
    }
    all
}

#[test]
fn what_devices_and_scripts_say_is_cleaned_before_it_is_shown() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOM1"), Domain::new(&format!("EVIL{IN_XML}"))],
        internal_file_bytes: 2 << 10,
        ..Setup::default()
    });
    let web = Web::start(&[Behaviour::Status(200, NOISE)]);
    let mails = MailServer::start(Identity::new(), MailFault::None);
    let script = format!(
        "#!/bin/sh\ncp \"$DPBACKUP_CONTEXT\" \"$HOME/context.json\"\nprintf '%s' '{NOISE}'\nexit 3\n"
    );
    let post = "post_script = \"loud.sh\"\n";
    let home = Home::quick().script("loud.sh", &script).device("QA1", &gateway).plan(
        "P",
        &format!(
            "{post}error_policy = \"ignore\"\nwebhook = \"*\"\nemail = true\nnotify_events = \"*\"\n{}{}{}",
            export("*", "*", &format!("quiesce = true\n{post}")),
            secure_backup("*", ""),
            receivers(&web, &mails)
        ),
    );
    let faults = [
        Fault::every(
            "DomainStatus",
            FaultKind::HostileName(Some(format!("../{IN_XML}"))),
        ),
        Fault::every(
            "SecureBackup",
            FaultKind::HostileName(Some(format!("a{IN_XML}.tgz"))),
        ),
        Fault::every("do-backup", FaultKind::ContentType(format!("x/{}", "\u{1b}[31m"))),
    ];
    for fault in faults {
        gateway.fail(fault.clone());
        for run in [
            ["run", "P", "-vv"].as_slice(),
            &["run", "P"],
            &["run", "P", "--format", "json"],
            &["preview", "P"],
            &["preview", "P", "--format", "json"],
            &["check"],
            &["check", "--format", "json"],
        ] {
            let ran = home.dpbackup(run);
            assert_printable(&format!("{run:?} with {fault}"), &ran.stderr);
            assert_printable(&format!("{run:?} with {fault}"), &ran.stdout);
        }
        gateway.clear_faults();
    }
    let mut escaped = 0;
    for arguments in all_of_history(&home) {
        for format in ["table", "json", "csv"] {
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            arguments.extend(["--format", format]);
            let shown = home.dpbackup(&arguments).exits(0);
            let text = shown.stdout.replace("\r\n", "\n");
            assert_printable(&format!("{arguments:?}"), &text);
            assert_printable(&format!("{arguments:?}"), &shown.stderr);
            escaped += text.matches("\\u{9b}").count();
        }
    }
    assert!(escaped > 0, "the noise has come that far");
    for format in ["table", "json"] {
        let status = home.dpbackup(&["history", "status", "--format", format]);
        assert_printable("history status", &status.stdout);
        if format == "table" {
            let (_, figures) = status.stdout.split_once('|').expect("figures behind a bar");
            assert!(!figures.contains('|') && figures.contains("oldest="), "{figures}");
        }
    }
    let metrics = home.text("dp.prom");
    assert!(metrics.contains(r#"domain="EVIL\\u{9b}2J\\u{202e}"#), "{metrics}");
    assert_printable("the metrics", &metrics);
    assert_printable("the context of a script", &home.text("context.json"));
    for request in arrived(&web.seen, 9) {
        assert_printable("what a chat was sent", &request.body);
    }
    for mail in arrived(&mails.seen, 3) {
        assert_printable("a mail", &mail.text.replace("\r\n", "\n"));
    }
    // Nothing of it became a path outside of its place.
    for file in home.stored() {
        assert!(!file.contains("..") && !file.contains('\u{1b}'), "{file:?}");
    }
}

fn receivers(web: &Web, mails: &MailServer) -> String {
    let hooks = ["json", "slack", "text"].map(|format| {
        let url = web.url(&format!("/{format}"));
        format!("[[notify.webhook]]\nname = \"{format}\"\nurl = \"{url}\"\nformat = \"{format}\"\nevents = \"*\"\n")
    });
    format!(
        "{}[notify.email]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nfrom = \"dp@example.com\"\n\
         to = \"one@example.com\"\n[notify.metrics]\npath = \"dp.prom\"\n",
        hooks.concat(),
        mails.port()
    )
}

#[test]
fn a_name_that_is_a_formula_a_call_and_a_link_is_none_of_them_anywhere() {
    let gateway = Gateway::start(Setup {
        domains: [FORMULA, PATTERN].map(Domain::new).to_vec(),
        ..Setup::default()
    });
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let mails = MailServer::start(Identity::new(), MailFault::None);
    let home = Home::of(&gateway).plan(
        "P",
        &format!(
            "webhook = \"slack\"\nnotify_events = \"succeeded\"\n{}{}",
            export("*", "*", ""),
            receivers(&web, &mails)
        ),
    );
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let activity = home.activity_rows()[0].id.0.to_string();
    let csv = home
        .dpbackup(&["history", "tasks", &activity, "--format", "csv"])
        .exits(0);
    assert!(csv.stdout.contains(",\"'=cmd|"), "{}", csv.stdout);
    assert!(
        !csv.stdout.contains(",=") && !csv.stdout.contains(",\"="),
        "{}",
        csv.stdout
    );
    let requests: Vec<Request> = arrived(&web.seen, 1);
    let text = requests[0].json()["text"].as_str().expect("text").to_owned();
    assert!(text.contains("calc"), "the name has come that far: {text}");
    for forged in ["@channel", "<!here>", "www.evil", "\n```\n```"] {
        assert!(!text.contains(forged), "{forged}: {text}");
    }
    assert_eq!(text.matches("```").count(), 2, "one block: {text}");
    let status = home.dpbackup(&["history", "status", "--format", "json"]).exits(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
    for name in [FORMULA, PATTERN] {
        let mut targets = status["targets"].as_array().expect("targets").iter();
        let target = targets.find(|target| target["domain_name"] == name);
        assert_eq!(target.expect("a target")["state"], "OK", "{status:#}");
    }
}

#[test]
fn what_was_typed_cannot_disturb_the_terminal_that_tells_of_it() {
    let home = Home::new()
        .absent_device("QA1")
        .plan("P", &export("*", "DOM1", ""));
    let typed = "a\u{1b}[31m\u{202e}b.zip";
    for arguments in [
        ["run", typed],
        ["trust", typed],
        ["history", typed],
        ["verify", typed],
        ["--config", typed],
    ] {
        let mut all = arguments.to_vec();
        if arguments[0] == "--config" {
            all.extend(["run", "P"]);
        }
        let ran = home.dpbackup(&all);
        assert_ne!(ran.code, Some(0), "{arguments:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("\\u{202e}"), "{arguments:?}: {said:?}");
        assert!(
            !said.chars().any(|c| c != '\n' && is_unsafe(c)),
            "{arguments:?}: {said:?}"
        );
    }
}
