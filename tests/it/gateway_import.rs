//! The simulated gateway imports as a real one does: a merge into the running configuration, which says of
//! each object and file what became of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::simulator::{Domain, DryRunSections, Firmware, Gateway, Personality, Setup, forbidden, untried};
use crate::soap_client::{Answer, Client, envelope, request};

const ATTRIBUTES: &str =
    "source-type=\"ZIP\" overwrite-files=\"true\" overwrite-objects=\"true\" rewrite-local-ip=\"false\"";

/// The archive of a `do-backup` of these domains.
fn backup(client: &Client, domains: &[&str]) -> Vec<u8> {
    let names = domains.iter().map(|name| format!("<dp:domain name=\"{name}\"/>"));
    let operation = format!(
        "<dp:do-backup format=\"ZIP\" persisted=\"false\">{}</dp:do-backup>",
        names.collect::<String>()
    );
    client.ask("default", &operation).file()
}

fn restore(client: &Client, archive: &[u8], dry_run: bool, domain: &str) -> Answer {
    let operation = format!(
        "<dp:do-restore {ATTRIBUTES} dry-run=\"{dry_run}\"><dp:input-file>{}</dp:input-file>\
         <dp:domain name=\"{domain}\" import-domain=\"true\" reset-domain=\"false\"/></dp:do-restore>",
        STANDARD.encode(archive)
    );
    client.ask("default", &operation)
}

fn start(setup: Setup) -> (Gateway, Client) {
    let gateway = Gateway::start(setup);
    let client = Client::new(&gateway);
    (gateway, client)
}

/// An archive of `DOM1` as it was before its service went and a file changed.
fn changed_since() -> (Gateway, Client, Vec<u8>) {
    let (gateway, client) = start(Setup::default());
    let archive = backup(&client, &["DOM1", "DOM2"]);
    {
        let mut state = gateway.state();
        assert!(state.remove_object("DOM1", "MultiProtocolGateway", "DOM1-service"));
        state.put_file("DOM1", "local:///readme.txt", "changed\n");
        state.put_file("DOM1", "local:///more.txt", "more\n");
        state.set_unsaved("DOM1", false);
    }
    (gateway, client, archive)
}

#[test]
fn a_dry_run_says_what_would_become_of_each_and_changes_nothing() {
    let (gateway, client, archive) = changed_since();
    let answer = restore(&client, &archive, true, "DOM1");
    for told in [
        "<dp:import><import-results domain=\"DOM1\"><export-details><description>",
        "<file name=\"cert:///DOM1-key.pem\" src=\"cert/DOM1-key.pem\" status=\"missing-key\" overwrite=\"on\"/>",
        "<file name=\"local:///readme.txt\" src=\"local/readme.txt\" status=\"modified\" overwrite=\"on\"/>",
        "<file name=\"local:///app/route.xsl\" src=\"local/app/route.xsl\" status=\"same\" overwrite=\"on\"/>",
        "status=\"internal\"",
        "<object class=\"MultiProtocolGateway\" name=\"DOM1-service\" status=\"new\" import-debug=\"false\" \
         overwrite=\"on\"/>",
        "<object class=\"DomainSettings\" name=\"default\" status=\"exists\"",
        "</imported-objects><file-copy-log/><exec-script-results/><detected-errors>false</detected-errors>",
    ] {
        assert!(answer.body.contains(told), "{told} in {}", answer.body);
    }
    let state = gateway.state();
    assert!(!state.has_object("DOM1", "MultiProtocolGateway", "DOM1-service"));
    assert!(!state.is_unsaved("DOM1"));
    let file = state.file("DOM1", "local:///readme.txt").expect("the file");
    assert_eq!(file.to_vec().expect("its bytes"), b"changed\n");
}

#[test]
fn a_real_import_adds_and_overwrites_removes_nothing_and_does_not_save() {
    let (gateway, client, archive) = changed_since();
    let answer = restore(&client, &archive, false, "DOM1");
    for told in [
        "<file-result name=\"local:///readme.txt\" result=\"OK\"><reason/></file-result>",
        "<file-result name=\"local:///app/route.xsl\" result=\"ignored\"><reason>Identical file exists</reason>",
        "<cfg-result class=\"MultiProtocolGateway\" name=\"DOM1-service\" status=\"SUCCESS\"/>",
    ] {
        assert!(answer.body.contains(told), "{told} in {}", answer.body);
    }
    let mut state = gateway.state();
    assert!(state.has_object("DOM1", "MultiProtocolGateway", "DOM1-service"));
    assert!(state.is_unsaved("DOM1") && !state.is_unsaved("DOM2"));
    assert!(state.file("DOM1", "local:///more.txt").is_some(), "it stays");
    let file = state.file("DOM1", "local:///readme.txt").expect("the file");
    assert_eq!(file.to_vec().expect("its bytes"), b"Files of DOM1.\n");
    state.restart();
    assert!(!state.has_object("DOM1", "MultiProtocolGateway", "DOM1-service"));
}

#[test]
fn a_domain_that_is_not_there_is_made_by_a_real_restore_alone() {
    let (gateway, client, archive) = changed_since();
    gateway.state().remove_domain("DOM2");
    let dry = restore(&client, &archive, true, "DOM2");
    assert!(dry.body.contains("status=\"new\"") && !dry.body.contains("status=\"exists\""));
    assert!(!gateway.state().domains().contains(&"DOM2".to_owned()));
    restore(&client, &archive, false, "DOM2");
    assert!(
        gateway
            .state()
            .has_object("DOM2", "MultiProtocolGateway", "DOM2-service")
    );
    assert!(!backup(&client, &["DOM2"]).is_empty());
    let unknown = restore(&client, &archive, true, "DOM3");
    assert!(unknown.body.contains("Import failed."), "{}", unknown.body);
}

#[test]
fn an_export_of_one_domain_is_imported_into_the_domain_of_the_request() {
    let (gateway, client, _) = changed_since();
    let export = client.ask(
        "DOM2",
        "<dp:do-export format=\"ZIP\" all-files=\"true\" persisted=\"false\"><dp:object class=\"all-classes\" \
         name=\"all-objects\"/></dp:do-export>",
    );
    let input = STANDARD.encode(export.file());
    let import = |dry_run: &str| {
        let operation = format!(
            "<dp:do-import {ATTRIBUTES}{dry_run}><dp:input-file>\n{input}\n</dp:input-file></dp:do-import>"
        );
        client.ask("DOM1", &operation)
    };
    assert!(
        import(" dry-run=\"1\"")
            .body
            .contains("<import-results domain=\"DOM1\">")
    );
    assert!(
        !gateway
            .state()
            .has_object("DOM1", "MultiProtocolGateway", "DOM2-service")
    );
    // Without the attribute it is a real one: so have clients lost their dry runs.
    assert!(import("").body.contains("status=\"SUCCESS\""));
    assert!(
        gateway
            .state()
            .has_object("DOM1", "MultiProtocolGateway", "DOM2-service")
    );
}

#[test]
fn a_reset_takes_away_what_the_archive_does_not_have() {
    let (gateway, client, archive) = changed_since();
    gateway.state().set_unsaved("DOM2", true);
    let operation = format!(
        "<dp:do-restore {ATTRIBUTES}><dp:input-file>{}</dp:input-file>\
         <dp:domain name=\"DOM2\" reset-domain=\"true\"/></dp:do-restore>",
        STANDARD.encode(&archive)
    );
    assert!(gateway.state().has_object("DOM2", "LogLabel", "not-saved-yet"));
    client.ask("default", &operation);
    assert!(!gateway.state().has_object("DOM2", "LogLabel", "not-saved-yet"));
    assert!(
        gateway
            .state()
            .has_object("DOM2", "MultiProtocolGateway", "DOM2-service")
    );
}

#[test]
fn an_import_fails_in_part_and_the_rest_is_carried_out() {
    let (gateway, client, archive) = changed_since();
    gateway.fail_as("do-restore=object-fails@MultiProtocolGateway/DOM1-service");
    gateway.fail_as("do-restore=skips-object@HTTPUserAgent/default");
    gateway.fail_as("do-restore=file-fails@local:///readme.txt");
    gateway.fail_as("do-restore=file-missing");
    gateway.fail_as("do-restore=detected-errors@0x81000683");
    let answer = restore(&client, &archive, false, "DOM1");
    for told in [
        "<cfg-result class=\"MultiProtocolGateway\" name=\"DOM1-service\" status=\"ERROR\">",
        "<cfg-result class=\"DomainSettings\" name=\"default\" status=\"SUCCESS\"/>",
        "<file-result name=\"local:///readme.txt\" result=\"ERROR\">",
        "status=\"missing-file\"",
        "<detected-errors><error>0x81000683</error></detected-errors>",
    ] {
        assert!(answer.body.contains(told), "{told} in {}", answer.body);
    }
    assert!(!answer.body.contains("<cfg-result class=\"HTTPUserAgent\""));
    assert!(
        !gateway
            .state()
            .has_object("DOM1", "MultiProtocolGateway", "DOM1-service")
    );
}

#[test]
fn an_import_fails_as_a_whole_in_each_form_and_then_nothing_is_changed() {
    let (gateway, client, archive) = changed_since();
    let not_changed = || {
        !gateway
            .state()
            .has_object("DOM1", "MultiProtocolGateway", "DOM1-service")
    };
    for (fault, told) in [
        ("import-fails", "Unable to uncompress export file"),
        ("import-fails@domain import failed", "domain import failed"),
        ("no-space", "Import: File system full."),
        ("access-denied", "Authentication failure"),
        ("http-500", "Internal Error (from client)"),
    ] {
        gateway.fail_as(&format!("do-restore={fault}"));
        let answer = restore(&client, &archive, false, "DOM1");
        assert!(answer.body.contains(told), "{fault}: {}", answer.body);
        assert!(not_changed(), "{fault}");
        gateway.clear_faults();
    }
    let unreadable = restore(&client, b"PK no ZIP", false, "DOM1");
    assert!(
        unreadable.body.contains("is unreadable. Import failed."),
        "{}",
        unreadable.body
    );
    for (fault, told) in [
        ("import-empty", "<dp:import></dp:import>"),
        (
            "results-empty",
            "<dp:import><import-results domain=\"DOM1\"/></dp:import>",
        ),
        (
            "import-unknown",
            "<dp:import><deployment-summary state=\"accepted\"/></dp:import>",
        ),
        ("result-error", "<dp:result>ERROR</dp:result>"),
        ("other-domain", "<import-results domain=\"another-domain\">"),
    ] {
        gateway.fail_as(&format!("do-restore={fault}"));
        let answer = restore(&client, &archive, true, "DOM1");
        assert!(answer.body.contains(told), "{fault}: {}", answer.body);
        gateway.clear_faults();
    }
    assert!(not_changed());
}

#[test]
fn firmware_differs_in_what_a_dry_run_tells() {
    let setup = |sections| Setup {
        dry_run_sections: sections,
        ..Setup::default()
    };
    let old = Setup {
        firmware: Firmware::v7(),
        ..Setup::default()
    };
    for (setup, has, has_not) in [
        (old, "</imported-objects></import-results>", "detected-errors"),
        (setup(None), "<exec-script-results/>", "cfg-result"),
        (
            setup(Some(DryRunSections::Absent)),
            "</imported-objects><detected-errors>",
            "file-copy-log",
        ),
        (
            setup(Some(DryRunSections::Filled)),
            "status=\"SUCCESS\"",
            "<exec-script-results/>",
        ),
    ] {
        let (_gateway, client) = start(setup);
        let archive = backup(&client, &["DOM1"]);
        let answer = restore(&client, &archive, true, "DOM1");
        assert!(answer.body.contains(has), "{has} in {}", answer.body);
        assert!(!answer.body.contains(has_not), "{has_not} in {}", answer.body);
    }
}

#[test]
fn there_is_firmware_that_imports_although_it_was_asked_for_a_dry_run() {
    let (gateway, client) = start(Setup::default().with(&Personality::ImportsOnDryRun));
    let archive = backup(&client, &["DOM1"]);
    gateway.state().remove_domain("DOM1");
    let answer = restore(&client, &archive, true, "DOM1");
    assert!(
        answer.body.contains("<exec-script-results/>"),
        "it does not say so"
    );
    assert!(
        gateway
            .state()
            .has_object("DOM1", "MultiProtocolGateway", "DOM1-service")
    );
}

#[test]
fn a_secure_restore_wipes_a_gateway_whatever_is_sent() {
    for inner in [
        "<SecureRestore><cred>id</cred><source>temporary:///x</source><validate>on</validate></SecureRestore>",
        "<SecureRestore><cred>id</cred><source>temporary:///x</source></SecureRestore>",
        "<dp:SecureRestore/>",
    ] {
        let (gateway, client) = start(Setup::default());
        let sent = client.try_ask("default", &format!("<dp:do-action>{inner}</dp:do-action>"));
        assert!(sent.is_err(), "it restarts");
        assert!(gateway.state().is_wiped());
        assert_eq!(gateway.state().domains(), ["default"]);
        assert_eq!(gateway.received("SecureRestore"), 1);
    }
}

#[test]
fn what_must_never_be_sent_is_known_when_it_is_seen() {
    let sent = |domain: &str, operation: &str| forbidden(&envelope(&request(domain, operation)));
    let good = |name: &str, inner: &str| {
        format!(
            "<dp:{name} {ATTRIBUTES} dry-run=\"true\"><dp:input-file>UEsF</dp:input-file>{inner}</dp:{name}>"
        )
    };
    let domain = |name: &str, reset: &str| {
        format!("<dp:domain name=\"{name}\" import-domain=\"true\" reset-domain=\"{reset}\"/>")
    };
    assert_eq!(sent("DOM1", &good("do-import", "")), [""; 0]);
    assert_eq!(
        sent("default", &good("do-restore", &domain("DOM1", "false"))),
        [""; 0]
    );
    for (domain_of_request, operation) in [
        ("default", good("do-import", "")),
        ("default", good("do-restore", &domain("default", "false"))),
        ("default", good("do-restore", &domain("DOM1", "true"))),
        ("default", good("do-restore", "<dp:domain name=\"DOM1\"/>")),
        ("DOM1", good("do-import", "").replace(" dry-run=\"true\"", "")),
        ("DOM1", good("do-import", "").replace("\"true\"", "\"1\"")),
        ("DOM1", "<dp:do-action><SecureRestore/></dp:do-action>".to_owned()),
    ] {
        assert_ne!(sent(domain_of_request, &operation), [""; 0], "{operation}");
    }
}

#[test]
fn a_real_import_that_was_not_tried_right_before_is_known_when_it_is_seen() {
    let import = |dry_run: &str, input: &str| {
        envelope(&request(
            "DOM1",
            &format!(
                "<dp:do-import {ATTRIBUTES} dry-run=\"{dry_run}\"><dp:input-file>{input}</dp:input-file></dp:do-import>"
            ),
        ))
    };
    let (dry, real) = (import("true", "UEsF"), import("false", "UEsF"));
    let mut tried = String::new();
    assert!(untried(&real, &mut tried).is_some(), "never tried");
    assert_eq!(untried(&dry, &mut tried), None);
    assert_eq!(untried(&real, &mut tried), None);
    assert!(untried(&real, &mut tried).is_some(), "tried once, sent twice");
    assert_eq!(untried(&import("true", "UEsG"), &mut tried), None);
    assert!(untried(&real, &mut tried).is_some(), "another archive");
}

#[test]
fn an_import_fills_a_gateway_that_is_like_the_first_so_that_its_exports_are_alike() {
    let (_gateway, client) = start(Setup::default());
    let archive = backup(&client, &["DOM1"]);
    let (other, into) = start(Setup {
        domains: vec![Domain::new("default")],
        ..Setup::default()
    });
    restore(&into, &archive, false, "DOM1");
    assert!(other.state().is_unsaved("DOM1"));
    into.ask("DOM1", "<dp:do-action><SaveConfig/></dp:do-action>");
    let files = |gateway: &Gateway| gateway.state().files("DOM1", "local:");
    assert_eq!(files(&other).len(), 2);
    assert!(!backup(&into, &["DOM1"]).is_empty());
}
