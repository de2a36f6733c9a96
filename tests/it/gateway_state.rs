//! The simulated gateway changes as real ones do: quiesces, files, secure backups.

use std::time::Duration;

use crate::gateway_forms::{Hands, STRAY, action, at_noon, response};
use crate::simulator::{BackupMode, CryptoCertificate, Domain, Gateway, Setup, Space};
use crate::soap_client::Client;

#[test]
fn a_quiesce_takes_its_time_and_leaves_the_default_domain_alone() {
    let hands = Hands::at_noon();
    let gateway = Gateway::start(Setup {
        clock: hands.clock(),
        quiesce_time: Duration::from_secs(10),
        unquiesce_time: Duration::from_secs(5),
        ..Setup::default()
    });
    let client = Client::new(&gateway);
    let states = || ["default", "DOM1", "DOM2"].map(|domain| gateway.state().quiesce_state(domain));
    let act = |xml: &str| client.ask("default", &action(xml)).body;
    assert!(act("<DomainQuiesce><name>DOM1</name><timeout>60</timeout></DomainQuiesce>").contains(">OK<"));
    assert_eq!(states(), ["", "quiescing", ""]);
    hands.advance(10);
    assert_eq!(states(), ["", "quiesced", ""]);
    act("<QuiesceDP><timeout>60</timeout><delay>3</delay></QuiesceDP>");
    hands.advance(12);
    assert_eq!(states(), ["", "quiesced", "quiescing"]);
    hands.advance(1);
    assert_eq!(states(), ["", "quiesced", "quiesced"]);
    act("<DomainUnquiesce><name>DOM2</name></DomainUnquiesce>");
    assert_eq!(states(), ["", "quiesced", "unquiescing"]);
    act("<UnquiesceDP/>");
    hands.advance(5);
    assert_eq!(states(), ["", "", ""]);
    act("<UnquiesceDP/>");
    assert_eq!(states(), ["", "", ""]);
}

#[test]
fn a_quiesce_is_forced_when_its_timeout_has_passed() {
    let hands = Hands::at_noon();
    let quiesce_time = Duration::from_secs(600);
    let gateway = Gateway::start(Setup {
        clock: hands.clock(),
        quiesce_time,
        ..Setup::default()
    });
    let quiesce = action("<QuiesceDP><timeout>60</timeout></QuiesceDP>");
    Client::new(&gateway).ask("default", &quiesce);
    hands.advance(60);
    assert_eq!(gateway.state().quiesce_state("DOM1"), "quiesced");
}

#[test]
fn a_quiesce_that_cannot_be_is_refused() {
    let (gateway, client) = at_noon(Setup::default());
    let refused = |domain: &str, xml: &str| {
        client
            .ask(domain, &action(xml))
            .between("<dp:log-event level=\"error\">", "<")
            .to_owned()
    };
    let quiesce = |name: &str| {
        refused(
            "default",
            &format!("<DomainQuiesce><name>{name}</name><timeout>60</timeout></DomainQuiesce>"),
        )
    };
    assert_eq!(quiesce("nowhere"), "invalid or non-existent domain [nowhere]");
    assert_eq!(quiesce("default"), "domain [default] cannot be quiesced");
    let short = "<QuiesceDP><timeout>59</timeout></QuiesceDP>";
    assert_eq!(refused("default", short), "timeout must be at least 60 seconds");
    let elsewhere = "<QuiesceDP><timeout>60</timeout></QuiesceDP>";
    assert_eq!(
        refused("DOM1", elsewhere),
        "quiesce is available in default domain only"
    );
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn files_are_written_listed_read_and_deleted() {
    let (gateway, client) = at_noon(Setup::default());
    let ok = response("<dp:result>OK</dp:result>");
    let rights =
        " read=\"true\" write=\"true\" show=\"true\" exec=\"true\" del=\"true\" dir=\"true\" list=\"true\"";
    let list = || {
        client
            .ask("default", "<dp:get-filestore location=\"temporary:\"/>")
            .body
    };
    let empty = format!("<dp:filestore><location name=\"temporary:\"{rights}{STRAY}/></dp:filestore>");
    assert_eq!(list(), response(&empty));
    let set = "<dp:set-file name=\"temporary:///a/b/f.txt\">SGVsbG8=</dp:set-file>";
    assert_eq!(client.ask("default", set).body, ok);
    assert_eq!(
        list(),
        response(&format!(
            "<dp:filestore><location name=\"temporary:\"{rights}{STRAY}><directory name=\"temporary:/a\"{rights}>\
             <directory name=\"temporary:/a/b\"{rights}><file name=\"f.txt\"><size>5</size>\
             <modified>2024-07-01 12:00:00</modified></file></directory></directory></location></dp:filestore>"
        ))
    );
    let get = |name: &str| {
        client
            .ask("default", &format!("<dp:get-file name=\"{name}\"/>"))
            .body
    };
    let unreadable = response("<dp:result>Cannot read the specified file</dp:result>");
    assert_eq!(
        get("temporary:/a/b/f.txt"),
        response("<dp:file name=\"temporary:/a/b/f.txt\">SGVsbG8=</dp:file>")
    );
    assert_eq!(get("temporary:///a/b/g.txt"), unreadable);
    gateway.state().put_file("default", "cert:///key.pem", "secret");
    assert_eq!(
        get("cert:///key.pem"),
        unreadable,
        "private keys are not readable"
    );
    let onto_a_directory = "<dp:set-file name=\"temporary:///a\">SGVsbG8=</dp:set-file>";
    assert!(
        client
            .ask("default", onto_a_directory)
            .body
            .contains("</dp:timestamp><dp:result>Authentication")
    );
    let act = |tag: &str, parameter: &str, name: &str| {
        client
            .ask(
                "default",
                &action(&format!("<{tag}><{parameter}>{name}</{parameter}></{tag}>")),
            )
            .body
    };
    assert_eq!(act("DeleteFile", "File", "temporary:///a/b/f.txt"), ok);
    assert!(act("DeleteFile", "File", "temporary:///a/b/f.txt").contains("No such file or directory"));
    assert!(act("CreateDir", "Dir", "temporary:///a").contains("already exists"));
    assert_eq!(act("CreateDir", "Dir", "temporary:///c"), ok);
    assert_eq!(act("RemoveDir", "Dir", "temporary:///a"), ok);
    assert_eq!(act("RemoveDir", "Dir", "temporary:///c"), ok);
    assert!(act("RemoveDir", "Dir", "temporary:///c").contains("not found"));
    assert_eq!(list(), response(&empty));
}

#[test]
fn the_layout_of_file_stores_is_counted() {
    let (_gateway, client) = at_noon(Setup::default());
    let answer = client.ask(
        "DOM1",
        "<dp:get-filestore layout-only=\"true\" no-subdirectories=\"true\"/>",
    );
    assert!(
        answer
            .body
            .contains("<directories>1</directories><files>1</files></location><location name=\"logtemp:\"")
    );
    assert_eq!(answer.body.matches("<location name=").count(), 14);
}

#[test]
fn saving_ends_unsaved_changes() {
    let (gateway, client) = at_noon(Setup {
        domains: vec![Domain::new("DOM1").unsaved()],
        ..Setup::default()
    });
    assert!(gateway.state().is_unsaved("DOM1"));
    client.ask("DOM1", &action("<SaveConfig/>"));
    assert!(!gateway.state().is_unsaved("DOM1"));
    gateway.state().set_unsaved("DOM1", true);
    assert!(gateway.state().is_unsaved("DOM1"));
}

#[test]
fn a_secure_backup_writes_its_manifest_last() {
    let hands = Hands::at_noon();
    let gateway = Gateway::start(Setup {
        clock: hands.clock(),
        secure_backup_time: Duration::from_secs(70),
        ..Setup::default()
    });
    let client = Client::new(&gateway);
    let start = action(
        "<SecureBackup><cert>backup-cert</cert><destination>temporary:///b</destination>\
         <include-iscsi>off</include-iscsi><include-raid>off</include-raid></SecureBackup>",
    );
    assert!(
        client
            .ask("default", &start)
            .body
            .contains("<dp:result>OK</dp:result>")
    );
    let files = || gateway.state().files("default", "temporary:");
    assert!(files().is_empty());
    assert_eq!(gateway.state().current_command("default"), "secure-backup");
    hands.advance(69);
    assert_eq!(files().len(), 6);
    assert!(!files().contains(&"temporary:///b/backupmanifest.xml".to_owned()));
    hands.advance(1);
    assert_eq!(files().len(), 7);
    assert_eq!(gateway.state().current_command("default"), "");
    let manifest = gateway
        .state()
        .file("default", "temporary:///b/backupmanifest.xml")
        .expect("a manifest");
    let manifest = String::from_utf8(manifest.to_vec().expect("bytes")).expect("text");
    let document = roxmltree::Document::parse(&manifest).expect("XML");
    let rows: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("file"))
        .collect();
    assert_eq!(rows.len(), 6);
    for row in rows {
        let text = |tag: &str| {
            row.children()
                .find(|node| node.has_tag_name(tag))
                .and_then(|node| node.text())
        };
        let name = text("filename").expect("a name");
        let part = client
            .ask(
                "default",
                &format!("<dp:get-file name=\"temporary:///b/{name}\"/>"),
            )
            .file();
        let hash: [u8; 20] = <sha1::Sha1 as sha1::Digest>::digest(&part).into();
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text("checksum"), Some(hash.as_str()), "{name}");
        assert_eq!(text("filesize"), Some(part.len().to_string().as_str()), "{name}");
    }
}

#[test]
fn a_secure_backup_that_cannot_be_is_refused() {
    let refusal = |setup: Setup, domain: &str, certificate: &str| {
        let (_gateway, client) = at_noon(setup);
        let xml = format!(
            "<SecureBackup><cert>{certificate}</cert><destination>temporary:///b</destination></SecureBackup>"
        );
        client
            .ask(domain, &action(&xml))
            .between("<dp:result>", "</dp:result>")
            .to_owned()
    };
    let log =
        |text: &str| format!("<error-log><dp:log-event level=\"error\">{text}</dp:log-event></error-log>");
    assert_eq!(
        refusal(Setup::default(), "default", "other"),
        log("Certificate 'other' in domain 'default' does not exist.")
    );
    assert_eq!(
        refusal(Setup::default(), "DOM1", "backup-cert"),
        log("secure-backup and secure-restore are available in default domain only")
    );
    assert_eq!(
        refusal(
            Setup {
                backup_mode: BackupMode::Normal,
                ..Setup::default()
            },
            "default",
            "backup-cert"
        ),
        log(
            "secure-backup was configured at firmware install time not to allow keys and certificates to be \
             backed up"
        )
    );
    let full = Setup {
        space: Space {
            temporary: (0, 2000),
            ..Space::default()
        },
        ..Setup::default()
    };
    assert_eq!(
        refusal(full, "default", "backup-cert"),
        "Error creating secure backup."
    );
    let elliptic = CryptoCertificate {
        ecdsa: true,
        ..CryptoCertificate::new("ec")
    };
    let elliptic = Setup {
        certificates: vec![elliptic],
        ..Setup::default()
    };
    assert_eq!(
        refusal(elliptic, "default", "ec"),
        "Error creating secure backup."
    );
}
