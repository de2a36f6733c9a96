//! The faults of the simulated gateway strike what they select, and do what they say.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::simulator::{Domain, Fault, FaultKind, Gateway, Identity, KINDS, Setup};
use crate::soap_client::{Answer, Client};
use crate::support::eventually;

const STATUS: &str = "<dp:get-status class=\"DomainStatus\"/>";
const BACKUP: &str = "<dp:do-backup><dp:domain name=\"DOM1\"/></dp:do-backup>";
const QUIESCE: &str =
    "<dp:do-action><DomainQuiesce><name>DOM1</name><timeout>60</timeout></DomainQuiesce></dp:do-action>";
const UNQUIESCE: &str = "<dp:do-action><DomainUnquiesce><name>DOM1</name></DomainUnquiesce></dp:do-action>";
const SECURE_BACKUP: &str = "<dp:do-action><SecureBackup><cert>backup-cert</cert><destination>temporary:///b</destination></SecureBackup></dp:do-action>";

fn start(faults: &[&str]) -> (Gateway, Client) {
    let gateway = Gateway::start(Setup::default());
    for fault in faults {
        gateway.fail_as(fault);
    }
    let client = Client::new(&gateway);
    (gateway, client)
}

/// The outcome of a backup under a fault.
fn backup_under(fault: &str) -> Result<Answer, String> {
    let (_gateway, client) = start(&[&format!("do-backup={fault}")]);
    client
        .try_ask("default", BACKUP)
        .map_err(|error| error.to_string())
}

#[test]
fn every_kind_has_a_name_and_reads_back_from_its_script() {
    let all = FaultKind::samples().into_iter().chain(FaultKind::habits());
    let kinds: Vec<FaultKind> = all.collect();
    let names: Vec<&str> = kinds.iter().map(FaultKind::name).collect();
    assert_eq!(names, KINDS.map(|kind| kind.0));
    for kind in kinds {
        for selector in [
            "do-backup",
            "get-status/DomainStatus@DOM1:2",
            "*:3+",
            "SecureBackup:-2",
        ] {
            let script = format!("{selector}={kind}");
            let fault = Fault::parse(&script).expect("a fault");
            assert_eq!((fault.to_string(), &fault.kind), (script, &kind));
        }
    }
}

#[test]
fn a_script_that_makes_no_sense_is_refused_with_the_reason() {
    let reason = |script: &str| Fault::parse(script).expect_err(script);
    assert_eq!(
        reason("do-backup"),
        "'do-backup' has no '=' between request and fault"
    );
    assert_eq!(reason("do-backup=nonsense"), "there is no fault 'nonsense'");
    assert_eq!(reason("do-backup:0=reset"), "requests are counted from 1");
    assert_eq!(reason("do-backup:x=reset"), "'x' is not a count: 2, 2+ or -2");
    assert_eq!(reason("do-backup=reset@1"), "'reset' takes no argument");
    assert_eq!(reason("do-backup=close-in-body"), "'close-in-body' needs @BYTES");
    assert_eq!(
        reason("do-backup=stall@soon"),
        "'soon' is not a time: 500ms, 5s, 2m"
    );
    assert_eq!(reason("=reset"), "'=reset' names no operation");
}

#[test]
fn a_fault_strikes_only_what_it_selects() {
    let struck = |fault: &str| {
        let (_gateway, client) = start(&[fault]);
        let asked = [
            ("default", STATUS),
            ("DOM1", STATUS),
            ("default", BACKUP),
            ("default", QUIESCE),
            ("DOM1", STATUS),
        ];
        asked.map(|(domain, operation)| client.ask(domain, operation).status == 503)
    };
    assert_eq!(struck("*=http-503"), [true; 5]);
    assert_eq!(struck("get-status=http-503"), [true, true, false, false, true]);
    assert_eq!(
        struck("DomainStatus:2=http-503"),
        [false, true, false, false, false]
    );
    assert_eq!(
        struck("get-status/DomainStatus:2+=http-503"),
        [false, true, false, false, true]
    );
    assert_eq!(
        struck("get-status:-2=http-503"),
        [true, true, false, false, false]
    );
    assert_eq!(struck("*@DOM1=http-503"), [false, true, true, true, true]);
    assert_eq!(struck("do-action=http-503"), [false, false, false, true, false]);
    assert_eq!(struck("get-status@DOM2=http-503"), [false; 5]);
}

#[test]
fn faults_on_the_wire_break_the_exchange() {
    for fault in [
        "reset",
        "close",
        "close-in-body@500",
        "length-too-long@20",
        "garbage",
        "reply-lost",
        "restart",
    ] {
        assert!(backup_under(fault).is_err(), "{fault}");
    }
}

#[test]
fn a_shorter_content_length_cuts_the_answer() {
    let answer = backup_under("length-too-short@20").expect("an answer");
    assert!(answer.body.ends_with("</dp:file></dp:response></env:"));
}

#[test]
fn other_answers_stand_for_the_right_one() {
    let brief = |fault: &str| {
        let answer = backup_under(fault).expect("an answer");
        (
            answer.status,
            answer.header("content-type").unwrap_or_default().to_owned(),
            answer,
        )
    };
    assert!(matches!(brief("http-401"), (401, _, answer) if answer.header("www-authenticate").is_some()));
    assert!(matches!(brief("http-500"), (500, _, answer) if answer.body.contains("<env:Fault>")));
    assert!(matches!(brief("http-503"), (503, _, _)));
    assert!(matches!(brief("html"), (200, kind, _) if kind == "text/html"));
    assert!(matches!(brief("content-type@application/json"), (200, kind, _) if kind == "application/json"));
    assert!(matches!(brief("redirect@https://127.0.0.1:1/"), (302, _, answer)
        if answer.header("location") == Some("https://127.0.0.1:1/")));
}

#[test]
fn files_come_damaged() {
    let file = |fault: &str| {
        let answer = backup_under(fault).expect("an answer");
        answer
            .body
            .split("</dp:timestamp>")
            .nth(1)
            .expect("a payload")
            .replace("</dp:response></env:Body></env:Envelope>", "")
    };
    assert_eq!(file("empty-file"), "<dp:file/>");
    assert_eq!(file("no-space"), "<dp:file/>");
    assert_eq!(file("file-error"), "<dp:file>ERROR</dp:file>");
    assert_eq!(file("result-error"), "<dp:result>ERROR</dp:result>");
    let text = |fault: &str| file(fault).replace("<dp:file>", "").replace("</dp:file>", "");
    assert_ne!(text("truncated-base64").len() % 4, 0);
    assert_eq!(text("corrupt-base64").matches('*').count(), 1);
}

#[test]
fn hostile_xml_is_sent_as_asked() {
    let bomb = backup_under("entity-bomb").expect("an answer").body;
    assert!(bomb.contains("<!ENTITY e9 ") && bomb.contains("&e9;"));
    assert_eq!(
        backup_under("deep-nesting@5000")
            .expect("an answer")
            .body
            .matches("<a>")
            .count(),
        5000
    );
    let (gateway, client) = start(&[
        "get-status=hostile-name",
        "get-config=hostile-name@../x",
        "SecureBackup=hostile-name",
    ]);
    assert!(
        client
            .ask("default", STATUS)
            .body
            .contains("<Domain>../../hostile</Domain>")
    );
    let domains = client.ask("default", "<dp:get-config class=\"Domain\"/>").body;
    assert!(domains.contains("<Domain name=\"../x\""));
    client.ask("default", SECURE_BACKUP);
    let files = client
        .ask("default", "<dp:get-filestore location=\"temporary:\"/>")
        .body;
    assert!(files.contains("<file name=\"../../hostile\">"));
    let manifest = gateway
        .state()
        .file("default", "temporary:///b/backupmanifest.xml")
        .expect("a manifest");
    let manifest = String::from_utf8(manifest.to_vec().expect("bytes")).expect("text");
    assert!(manifest.contains("<filename>../../hostile</filename>"));
}

#[test]
fn the_parts_of_a_secure_backup_come_damaged() {
    let parts = |fault: &str| {
        let (gateway, client) = start(&[&format!("SecureBackup={fault}")]);
        client.ask("default", SECURE_BACKUP);
        let files = gateway.state().files("default", "temporary:");
        (
            files.len(),
            files.iter().any(|name| name.ends_with("/backupmanifest.xml")),
        )
    };
    assert_eq!(parts("missing-part"), (6, true));
    assert_eq!(parts("changed-part"), (7, true));
    assert_eq!(parts("extra-part"), (8, true));
    assert_eq!(parts("never-ready"), (6, false));
}

#[test]
fn a_lost_reply_leaves_the_deed_done() {
    let (gateway, client) = start(&["DomainQuiesce=reply-lost", "DomainUnquiesce=close"]);
    assert!(client.try_ask("default", QUIESCE).is_err());
    assert_eq!(gateway.state().quiesce_state("DOM1"), "quiesced");
    assert!(client.try_ask("default", UNQUIESCE).is_err());
    assert_eq!(
        gateway.state().quiesce_state("DOM1"),
        "quiesced",
        "closed before: nothing was done"
    );
}

#[test]
fn quiesces_go_wrong() {
    let (gateway, client) = start(&[
        "DomainQuiesce:1=never-quiesces",
        "DomainQuiesce:2=quiesce-error",
        "DomainUnquiesce:1=never-unquiesces",
    ]);
    let state = || gateway.state().quiesce_state("DOM1");
    client.ask("default", QUIESCE);
    assert_eq!(state(), "quiescing");
    client.ask("default", UNQUIESCE);
    assert_eq!(state(), "unquiescing");
    client.ask("default", QUIESCE);
    assert_eq!(state(), "error");
    client.ask("default", UNQUIESCE);
    assert_eq!(state(), "");
}

#[test]
fn a_restart_forgets_temporary_files_and_quiesces() {
    let (gateway, client) = start(&["get-filestore=restart"]);
    client.ask("default", QUIESCE);
    client.ask("default", SECURE_BACKUP);
    assert!(!gateway.state().files("default", "temporary:").is_empty());
    assert!(
        client
            .try_ask("default", "<dp:get-filestore location=\"temporary:\"/>")
            .is_err()
    );
    assert!(gateway.state().files("default", "temporary:").is_empty());
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn rights_and_accounts_go_missing() {
    let (_gateway, client) = start(&["do-backup=access-denied", "get-config=account-locked"]);
    let failure = "<dp:result>Authentication failure</dp:result>";
    let denied = client.ask("default", BACKUP).body;
    assert!(denied.contains(failure) && denied.contains("<dp:timestamp>"));
    assert!(client.ask("default", STATUS).body.contains("<DomainStatus"));
    let locked = client.ask("default", "<dp:get-config class=\"Domain\"/>").body;
    assert!(locked.contains(failure) && !locked.contains("<dp:timestamp>"));
    assert!(
        client.ask("default", STATUS).body.contains(failure),
        "it stays locked"
    );
}

#[test]
fn a_new_certificate_is_shown_from_the_next_connection_on() {
    let (gateway, client) = start(&["get-status:1=new-certificate"]);
    let pin = gateway.pin();
    assert_eq!(client.ask("default", STATUS).status, 200);
    assert_ne!(gateway.pin(), pin);
    assert!(
        client.try_ask("default", STATUS).is_err(),
        "the old authority does not vouch for it"
    );
    assert_eq!(Client::new(&gateway).ask("default", STATUS).status, 200);
}

#[test]
fn certificates_are_as_chosen() {
    let trusted = |identity: Identity| {
        let gateway = Gateway::start(Setup {
            identity,
            ..Setup::default()
        });
        assert_eq!(gateway.pin().len(), 64);
        Client::new(&gateway).try_ask("default", STATUS).is_ok()
    };
    assert!(trusted(Identity::SignedByAuthority));
    assert!(trusted(Identity::SelfSigned));
    assert!(!trusted(Identity::SelfSignedCommonName));
    assert!(!trusted(Identity::SelfSignedAuthority));
    assert!(!trusted(Identity::Expired));
}

#[test]
fn a_refusing_gateway_accepts_again_when_cleared_or_in_time() {
    let (gateway, client) = start(&[]);
    client.ask("default", STATUS);
    gateway.fail_as("connect=refuse");
    let error = client
        .try_ask("default", STATUS)
        .expect_err("nobody listens")
        .to_string();
    assert!(error.contains("refused"), "{error}");
    gateway.clear_faults();
    assert_eq!(client.ask("default", STATUS).status, 200);
    gateway.fail_as("get-status:1=refuse@200ms");
    assert!(client.try_ask("default", STATUS).is_err());
    assert!(client.try_ask("default", STATUS).is_err());
    eventually("it accepts again", || client.try_ask("default", STATUS).is_ok());
}

#[test]
fn connections_fail_before_tls() {
    for fault in ["reset", "close", "garbage"] {
        let (gateway, client) = start(&[&format!("connect:1={fault}")]);
        assert!(client.try_ask("default", STATUS).is_err(), "{fault}");
        assert_eq!(client.ask("default", STATUS).status, 200, "{fault}");
        assert_eq!((gateway.connections(), gateway.handshakes()), (2, 1), "{fault}");
    }
}

#[test]
fn a_stall_ends_after_its_time() {
    let (gateway, client) = start(&["get-status:1=stall@2s"]);
    let (done, order) = mpsc::channel();
    let first = done.clone();
    let other = Client::new(&gateway);
    thread::spawn(move || first.send(("stalled", client.ask("default", STATUS).status)));
    eventually("it has asked", || gateway.requests().len() == 1);
    done.send(("not stalled", other.ask("default", STATUS).status))
        .expect("somebody listens");
    let order: Vec<_> = order.iter().take(2).collect();
    assert_eq!(order, [("not stalled", 200), ("stalled", 200)]);
}

#[test]
fn stalls_end_when_the_gateway_is_dropped() {
    for fault in [
        "get-status=stall",
        "get-status=stall-in-body@30",
        "get-status=trickle@2s",
        "connect=stall",
    ] {
        let (gateway, client) = start(&[fault]);
        let (done, wait) = mpsc::channel();
        thread::spawn(move || done.send(client.try_ask("default", STATUS).is_err()));
        while gateway.connections() == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(
            wait.recv_timeout(Duration::from_millis(150)).is_err(),
            "{fault}: silence"
        );
        // It would stall for ever: that this returns, and the client notices, is what is asked.
        drop(gateway);
        assert_eq!(wait.recv(), Ok(true), "{fault}: the client notices");
    }
}

#[test]
fn a_trickle_arrives_in_the_end() {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("default")],
        ..Setup::default()
    });
    gateway.fail_as("get-status=trickle@1ms");
    assert!(
        Client::new(&gateway)
            .ask("default", STATUS)
            .body
            .ends_with("</env:Envelope>")
    );
}
