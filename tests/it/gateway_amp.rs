//! The simulated gateway answers AMP beside SOMA.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::gateway_forms::{HEAD, SCHEMA_FAULT, TAIL};
use crate::simulator::{BackupMode, Gateway, Setup, User};
use crate::soap_client::{Answer, Client, envelope};

const NAMESPACE: &str = "http://www.datapower.com/schemas/appliance/management/3.0";

/// A gateway with a client of its AMP address.
fn start(setup: Setup) -> (Gateway, Client) {
    let gateway = Gateway::start(setup);
    let mut client = Client::new(&gateway);
    client.url = gateway.url().replace("current", "amp/3.0");
    (gateway, client)
}

fn ask(client: &Client, tag: &str, children: &str) -> Answer {
    let request = format!("<a:{tag}Request xmlns:a=\"{NAMESPACE}\">{children}</a:{tag}Request>");
    client.send(&envelope(&request))
}

/// A whole answer.
fn response(tag: &str, inner: &str) -> String {
    format!("{HEAD}<amp:{tag}Response xmlns:amp=\"{NAMESPACE}\">{inner}</amp:{tag}Response>{TAIL}")
}

const CERTIFICATE: &str = "<a:CryptoCertificateName>backup-cert</a:CryptoCertificateName>";

#[test]
fn a_secure_backup_with_a_destination_is_ok_and_its_files_are_there() {
    let (gateway, client) = start(Setup::default());
    let children = format!(
        "<a:DoNotIncludeiSCSI/><a:DoNotIncludeRAID/>{CERTIFICATE}\
         <a:SecureBackupDestination>local:/raid0</a:SecureBackupDestination>"
    );
    let answer = ask(&client, "SecureBackup", &children);
    assert_eq!(
        answer.body,
        response("SecureBackup", "<amp:Status>ok</amp:Status>")
    );
    let files = gateway.state().files("default", "local:");
    assert!(files.contains(&"local:///raid0/backupmanifest.xml".to_owned()));
    assert_eq!(gateway.operations(), ["amp/SecureBackup"]);
    assert_eq!(gateway.received("SecureBackup"), 1);
}

#[test]
fn a_secure_backup_without_a_destination_comes_with_the_answer() {
    let (gateway, client) = start(Setup::default());
    let answer = ask(&client, "SecureBackup", CERTIFICATE);
    let file = |name: &str| {
        let start = format!("<amp:SecureBackupFile name=\"{name}\">");
        let text = answer.between(&start, "</amp:SecureBackupFile>");
        STANDARD.decode(text).expect("base64")
    };
    assert_eq!(file("root.tgz").len(), 9_000);
    let manifest = String::from_utf8(file("backupmanifest.xml")).expect("text");
    assert!(manifest.contains("<filename>root.tgz</filename>"));
    assert!(gateway.state().files("default", "temporary:").is_empty());
}

#[test]
fn what_the_device_refuses_is_status_error() {
    let error = response("SecureBackup", "<amp:Status>error</amp:Status>");
    let (_gateway, client) = start(Setup {
        backup_mode: BackupMode::Normal,
        ..Setup::default()
    });
    let info = ask(&client, "GetDeviceInfo", "").body;
    assert!(info.contains("<amp:SecureBackup>disabled</amp:SecureBackup>"));
    assert_eq!(ask(&client, "SecureBackup", CERTIFICATE).body, error);
    let with_destination =
        format!("{CERTIFICATE}<a:SecureBackupDestination>temporary:///b</a:SecureBackupDestination>");
    assert_eq!(ask(&client, "SecureBackup", &with_destination).body, error);
    let nowhere = "<a:Domain><a:Name>DOM9</a:Name><a:Timeout>60</a:Timeout></a:Domain>";
    assert_eq!(
        ask(&client, "Quiesce", nowhere).body,
        response("Quiesce", "<amp:Status>error</amp:Status>")
    );
}

#[test]
fn domains_are_listed_quiesced_and_shown() {
    let (gateway, client) = start(Setup::default());
    assert_eq!(
        ask(&client, "GetDomainList", "").body,
        response(
            "GetDomainList",
            "<amp:Domain>default</amp:Domain><amp:Domain>DOM1</amp:Domain><amp:Domain>DOM2</amp:Domain>"
        )
    );
    let done = |answer: &Answer| answer.body.contains("<amp:Status>ok</amp:Status>");
    let target = "<a:Domain><a:Name>DOM1</a:Name><a:Timeout>60</a:Timeout></a:Domain>";
    assert!(done(&ask(&client, "Quiesce", target)));
    assert_eq!(gateway.state().quiesced(), ["DOM1"]);
    assert_eq!(
        ask(&client, "GetDomainStatus", "<a:Domain>DOM1</a:Domain>").body,
        response(
            "GetDomainStatus",
            "<amp:Domain name=\"DOM1\"><amp:AdminState>enabled</amp:AdminState><amp:OpState>up</amp:OpState>\
             <amp:ConfigState>saved</amp:ConfigState><amp:DebugState>false</amp:DebugState><amp:CurrentCommand/>\
             <amp:QuiesceState>quiesced</amp:QuiesceState></amp:Domain>"
        )
    );
    let target = "<a:Domain><a:Name>DOM1</a:Name></a:Domain>";
    assert!(done(&ask(&client, "Unquiesce", target)));
    assert!(done(&ask(
        &client,
        "Quiesce",
        "<a:Device><a:Timeout>60</a:Timeout></a:Device>"
    )));
    assert_eq!(gateway.state().quiesced(), ["the device", "DOM1", "DOM2"]);
    assert!(done(&ask(&client, "Unquiesce", "<a:Device/>")));
    assert!(gateway.state().is_unquiesced());
    assert_eq!(
        (gateway.received("quiesce"), gateway.received("unquiesce")),
        (2, 2)
    );
}

#[test]
fn bad_credentials_and_missing_rights_are_a_fault_of_amp() {
    let (_gateway, mut client) = start(Setup {
        users: vec![User::new("backup", "secret").without("SecureBackup")],
        ..Setup::default()
    });
    let fault =
        format!("{HEAD}<amp:Fault xmlns:amp=\"{NAMESPACE}\">Authentication failure</amp:Fault>{TAIL}");
    let answer = ask(&client, "SecureBackup", CERTIFICATE);
    assert_eq!((answer.status, answer.body), (200, fault.clone()));
    assert_eq!(ask(&client, "GetDomainList", "").status, 200);
    client.password = "wrong";
    assert_eq!(ask(&client, "GetDomainList", "").body, fault);
}

#[test]
fn what_the_schema_of_amp_does_not_allow_is_a_fault() {
    let (_gateway, client) = start(Setup::default());
    for (tag, children) in [
        ("Nothing", ""),
        ("GetDeviceInfo", "<a:Domain>DOM1</a:Domain>"),
        ("GetDomainStatus", ""),
        ("SecureBackup", ""),
        (
            "SecureBackup",
            "<a:SecureBackupDestination>local:/b</a:SecureBackupDestination>",
        ),
        (
            "SecureBackup",
            "<CryptoCertificateName>backup-cert</CryptoCertificateName>",
        ),
        ("Quiesce", "<a:Device/>"),
        ("Quiesce", "<a:Domain><a:Timeout>60</a:Timeout></a:Domain>"),
    ] {
        let answer = ask(&client, tag, children);
        assert_eq!(answer.status, 500, "{tag} {children}");
        assert_eq!(answer.body, format!("{HEAD}{SCHEMA_FAULT}{TAIL}"));
    }
}

#[test]
fn amp_is_served_where_it_is_on() {
    let served = |uris: &str, path: &str| {
        let (gateway, mut client) = start(Setup::default().being(&[uris]));
        client.url = gateway.url().replace("/service/mgmt/current", path);
        ask(&client, "GetDomainList", "").status == 200
    };
    assert!(served("uris@any", "/") && served("uris@amp", "/service/mgmt/amp/1.0"));
    assert!(!served("uris@soma", "/service/mgmt/amp/3.0"));
    assert!(!served("uris@amp", "/") && !served("uris@any+soma", "/service/mgmt/current"));
}
