//! The simulated gateway answers as real ones do, and refuses what their schema refuses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::simulator::{BackupMode, Clock, CryptoCertificate, Domain, Firmware, Gateway, Setup, Space, User};
use crate::soap_client::{Client, envelope, request};

/// Noon in New York, in summer.
const NOON: &str = "2024-07-01T16:00:00Z";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body>";
const TAIL: &str = "</env:Body></env:Envelope>";
const RESPONSE: &str = "<dp:response xmlns:dp=\"http://www.datapower.com/schemas/management\">";

/// A clock that moves when told to.
#[derive(Clone)]
struct Hands(Arc<Mutex<Timestamp>>);

impl Hands {
    fn at_noon() -> Hands {
        Hands(Arc::new(Mutex::new(NOON.parse().expect("a time"))))
    }

    fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Clock::told(move || *now.lock().expect("the hands"))
    }

    fn advance(&self, seconds: i64) {
        *self.0.lock().expect("the hands") += SignedDuration::from_secs(seconds);
    }
}

fn at_noon(setup: Setup) -> (Gateway, Client) {
    let gateway = Gateway::start(Setup {
        clock: Hands::at_noon().clock(),
        ..setup
    });
    let client = Client::new(&gateway);
    (gateway, client)
}

/// A whole response at noon.
fn response(payload: &str) -> String {
    format!(
        "{HEAD}{RESPONSE}<dp:timestamp>2024-07-01T12:00:00-04:00</dp:timestamp>{payload}</dp:response>{TAIL}"
    )
}

fn action(xml: &str) -> String {
    format!("<dp:do-action>{xml}</dp:do-action>")
}

const SCHEMA_FAULT: &str = "<env:Fault><faultcode>env:Client</faultcode><faultstring>Internal Error (from client)</faultstring></env:Fault>";
const STRAY: &str = " xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\"";

#[test]
fn domain_status_has_a_row_for_each_domain() {
    let (_gateway, client) = at_noon(Setup {
        domains: vec![Domain::new("DOM1").unsaved(), Domain::new("DOM2").quiesced()],
        ..Setup::default()
    });
    let answer = client.ask("default", "<dp:get-status class=\"DomainStatus\"/>");
    let row = |name: &str, unsaved: &str, quiesce: &str| {
        format!(
            "<DomainStatus{STRAY}><Domain>{name}</Domain><SaveNeeded>{unsaved}</SaveNeeded>\
             <TraceEnabled>off</TraceEnabled><DebugEnabled>off</DebugEnabled><ProbeEnabled>off</ProbeEnabled>\
             <DiagEnabled>off</DiagEnabled><CurrentCommand/>{quiesce}<InterfaceState>ok</InterfaceState>\
             <FailsafeMode>none</FailsafeMode></DomainStatus>"
        )
    };
    let rows = [
        row("default", "off", "<QuiesceState/>"),
        row("DOM1", "on", "<QuiesceState/>"),
        row("DOM2", "off", "<QuiesceState>quiesced</QuiesceState>"),
    ];
    assert_eq!(
        answer.body,
        response(&format!("<dp:status>{}</dp:status>", rows.concat()))
    );
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/xml"))
    );
}

#[test]
fn domain_status_of_old_firmware_ends_with_the_quiesce_state() {
    let (_gateway, client) = at_noon(Setup {
        firmware: Firmware::v5(),
        ..Setup::default()
    });
    let answer = client.ask("default", "<dp:get-status class=\"DomainStatus\"/>");
    assert!(
        answer.body.contains("<QuiesceState/></DomainStatus>"),
        "{}",
        answer.body
    );
}

#[test]
fn quiesce_states_can_come_as_display_texts() {
    let domains = vec![Domain::new("DOM1").quiesced()];
    let (_gateway, client) = at_noon(Setup {
        domains,
        quiesce_texts: true,
        ..Setup::default()
    });
    let answer = client
        .ask("default", "<dp:get-status class=\"DomainStatus\"/>")
        .body;
    assert!(answer.contains("<QuiesceState>Quiesce not in progress</QuiesceState>"));
    assert!(answer.contains("<QuiesceState>Quiesced</QuiesceState>"));
}

#[test]
fn other_status_classes_have_their_fields_in_order() {
    let (_gateway, client) = at_noon(Setup::default());
    let ask = |class: &str| {
        client
            .ask("DOM1", &format!("<dp:get-status class=\"{class}\"/>"))
            .body
    };
    assert_eq!(
        ask("DomainSummary"),
        response(&format!(
            "<dp:status><DomainSummary{STRAY}><Domain class=\"Domain\">DOM1</Domain><Quiesce/></DomainSummary>\
             </dp:status>"
        ))
    );
    assert_eq!(
        ask("FilesystemStatus"),
        response(&format!(
            "<dp:status><FilesystemStatus{STRAY}><FreeEncrypted>3100</FreeEncrypted>\
             <TotalEncrypted>4000</TotalEncrypted><FreeTemporary>1900</FreeTemporary>\
             <TotalTemporary>2000</TotalTemporary><FreeInternal>950</FreeInternal>\
             <TotalInternal>1000</TotalInternal></FilesystemStatus></dp:status>"
        ))
    );
    assert_eq!(
        ask("FirmwareVersion3"),
        response(&format!(
            "<dp:status><FirmwareVersion3{STRAY}><Serial>78A0001</Serial><Version>IDG.10.0.1.5</Version>\
             <Build>336212</Build><BuildDate>2021/09/29 17:46:20</BuildDate><DeliveryType>LTS</DeliveryType>\
             <WatchdogBuild>IDG.10.0.1.5</WatchdogBuild><InstalledDPOS>IDG.10.0.1.5</InstalledDPOS>\
             <RunningDPOS>IDG.10.0.1.5</RunningDPOS><XMLAccelerator>embedded</XMLAccelerator>\
             <MachineType>8436</MachineType><ModelType>53X</ModelType><Tenant/></FirmwareVersion3></dp:status>"
        ))
    );
    assert!(!ask("FirmwareVersion2").contains("DeliveryType"));
    assert_eq!(
        ask("DateTimeStatus"),
        response(&format!(
            "<dp:status><DateTimeStatus{STRAY}><time>Mon Jul  1 12:00:00 2024</time><timezone>EDT</timezone>\
             <tzspec>EST5EDT,M3.2.0/2:00,M11.1.0/2:00</tzspec><uptime2>0 days 00:00:00</uptime2>\
             <bootuptime2>0 days 00:00:00</bootuptime2></DateTimeStatus></dp:status>"
        ))
    );
    assert!(ask("ObjectStatus").contains(&format!(
        "<ObjectStatus{STRAY}><Class>APIConnectGatewayService</Class><OpState>down</OpState>\
         <AdminState>disabled</AdminState><Name>default</Name><EventCode>0x0034000d</EventCode>\
         <ErrorCode>Object is disabled</ErrorCode><ConfigState>saved</ConfigState>"
    )));
    assert_eq!(ask("LicenseStatus"), response("<dp:status/>"));
}

#[test]
fn configuration_is_found_by_class_and_name() {
    let (_gateway, client) = at_noon(Setup {
        domains: vec![Domain::new("DOM1"), Domain::new("apiconnect").api_connect()],
        ..Setup::default()
    });
    let ask =
        |domain: &str, attributes: &str| client.ask(domain, &format!("<dp:get-config {attributes}/>")).body;
    assert_eq!(
        ask("default", "class=\"CryptoCertificate\" name=\"nobody\""),
        response("<dp:config/>")
    );
    assert_eq!(
        ask("default", "class=\"CryptoCertificate\" name=\"backup-cert\""),
        response(&format!(
            "<dp:config><CryptoCertificate name=\"backup-cert\"{STRAY}><mAdminState>enabled</mAdminState>\
             <Filename>cert:///backup-cert.pem</Filename><PasswordAlias>off</PasswordAlias>\
             <IgnoreExpiration>off</IgnoreExpiration></CryptoCertificate></dp:config>"
        ))
    );
    assert_eq!(
        ask("DOM1", "class=\"CryptoCertificate\""),
        response("<dp:config/>")
    );
    assert!(ask("default", "class=\"SystemSettings\"").contains("<BackupMode>secure</BackupMode>"));
    assert!(ask("default", "class=\"SecureBackupMode\"").contains("<mode>secure</mode>"));
    let domains = ask("default", "class=\"Domain\"");
    assert_eq!(domains.matches("<Domain name=").count(), 3);
    assert!(domains.contains("<Domain name=\"default\" intrinsic=\"true\" read-only=\"true\""));
    assert!(ask("DOM1", "class=\"APIConnectGatewayService\"").contains("<mAdminState>disabled<"));
    assert!(ask("apiconnect", "class=\"APIConnectGatewayService\"").contains("<mAdminState>enabled<"));
}

#[test]
fn results_are_padded_by_old_firmware_only() {
    let save = action("<SaveConfig/>");
    let (_gateway, client) = at_noon(Setup::default());
    assert_eq!(
        client.ask("DOM1", &save).body,
        response("<dp:result>OK</dp:result>")
    );
    let (_gateway, client) = at_noon(Setup {
        firmware: Firmware::v7(),
        ..Setup::default()
    });
    assert_eq!(
        client.ask("DOM1", &save).body,
        response("<dp:result>\n                        OK\n                    </dp:result>")
    );
}

#[test]
fn error_logs_have_the_form_of_the_firmware() {
    let delete = action("<DeleteFile><File>temporary:///gone</File></DeleteFile>");
    let message = "No such file or directory named temporary:///gone exists";
    let (_gateway, client) = at_noon(Setup::default());
    assert_eq!(
        client.ask("default", &delete).body,
        response(&format!(
            "<dp:result><error-log><dp:log-event level=\"error\">{message}</dp:log-event></error-log></dp:result>"
        ))
    );
    let (_gateway, client) = at_noon(Setup {
        firmware: Firmware::v7(),
        ..Setup::default()
    });
    assert_eq!(
        client.ask("default", &delete).body,
        response(&format!(
            "<dp:result><error-log><log-event level=\"error\">{message}</log-event><log-event level=\"error\">\
             (backup:default:saml-artifact:127.0.0.1): (config)# delete &quot;temporary:///gone&quot;</log-event>\
             </error-log></dp:result>"
        ))
    );
}

#[test]
fn only_a_logged_in_user_gets_a_timestamp() {
    let (gateway, mut client) = at_noon(Setup {
        users: vec![
            User::new("backup", "secret"),
            User::new("reader", "eyes").without("SecureBackup"),
        ],
        ..Setup::default()
    });
    let status = "<dp:get-status class=\"DomainStatus\"/>";
    let failure = "<dp:result>Authentication failure</dp:result>";
    client.password = "wrong";
    let answer = client.ask("default", status);
    assert_eq!(
        answer.body,
        format!("{HEAD}{RESPONSE}{failure}</dp:response>{TAIL}")
    );
    assert_eq!(answer.status, 200);
    (client.user, client.password) = ("reader", "eyes");
    assert!(client.ask("default", status).body.contains("<DomainStatus"));
    let secure_backup = action(
        "<SecureBackup><cert>backup-cert</cert><destination>temporary:///b</destination></SecureBackup>",
    );
    assert_eq!(client.ask("default", &secure_backup).body, response(failure));
    assert_eq!(client.ask("no-such-domain", status).body, response(failure));
    gateway.state().setup.users[1].locked = true;
    assert_eq!(
        client.ask("default", status).body,
        format!("{HEAD}{RESPONSE}{failure}</dp:response>{TAIL}")
    );
    assert_eq!(
        client
            .send_without_login(&envelope(&request("default", status)))
            .status,
        401
    );
}

#[test]
fn what_the_schema_does_not_allow_is_a_fault() {
    let (gateway, client) = at_noon(Setup::default());
    let status = "<dp:get-status class=\"DomainStatus\"/>";
    let invalid = [
        action("<dp:SaveConfig/>"),
        action("<SecureBackup><destination>temporary:///x</destination><cert>c</cert></SecureBackup>"),
        action("<SecureBackup><cert>c</cert><destination>store:///x</destination></SecureBackup>"),
        action("<SecureBackup><cert>c</cert></SecureBackup>"),
        action("<QuiesceDP/>"),
        action("<QuiesceDP><timeout>soon</timeout></QuiesceDP>"),
        action("<DomainQuiesce><timeout>60</timeout><name>DOM1</name></DomainQuiesce>"),
        action("<DomainQuiesce><name>DOM1</name><timeout>60</timeout><delay>61</delay></DomainQuiesce>"),
        action("<SaveConfig/><SaveConfig/>"),
        action("<Unheard/>"),
        action(""),
        "<dp:get-status class=\"DeviceStatus\"/>".to_owned(),
        "<dp:get-status class=\"DomainStatus\" colour=\"red\"/>".to_owned(),
        "<get-status class=\"DomainStatus\"/>".to_owned(),
        "<dp:get-config class=\"Nothing\"/>".to_owned(),
        "<dp:do-backup format=\"ZIP\" all-files=\"true\"><dp:domain name=\"DOM1\"/></dp:do-backup>"
            .to_owned(),
        "<dp:do-backup format=\"ZIP\"/>".to_owned(),
        "<dp:do-backup persisted=\"yes\"><dp:domain name=\"DOM1\"/></dp:do-backup>".to_owned(),
        "<dp:do-backup><domain name=\"DOM1\"/></dp:do-backup>".to_owned(),
        "<dp:do-backup><dp:domain name=\"DOM1\"/><dp:user-comment>c</dp:user-comment></dp:do-backup>"
            .to_owned(),
        "<dp:do-export><dp:object class=\"all-classes\"/></dp:do-export>".to_owned(),
        "<dp:get-filestore location=\"temporary:///backup\"/>".to_owned(),
        "<dp:get-file/>".to_owned(),
        "<dp:get-file name=\"a\">text</dp:get-file>".to_owned(),
        format!("{status}{status}"),
        String::new(),
    ];
    for operation in &invalid {
        let answer = client.ask("default", operation);
        assert_eq!(answer.status, 500, "{operation}");
        assert_eq!(answer.body, format!("{HEAD}{SCHEMA_FAULT}{TAIL}"), "{operation}");
    }
    let valid = request("default", status);
    let bodies = [
        envelope(&format!("{valid}{valid}")),
        envelope(&valid.replace("domain=", "host=")),
        valid.clone(),
        "not XML".to_owned(),
        envelope(&valid).replace("<env:Envelope", "<!DOCTYPE x><env:Envelope"),
        envelope(&valid).replace("http://schemas.xmlsoap.org/soap/envelope/", "urn:other"),
    ];
    for body in &bodies {
        assert_eq!(client.send(body).status, 500, "{body}");
    }
    assert!(
        gateway
            .operations()
            .iter()
            .all(|operation| operation == "invalid")
    );
}

#[test]
fn any_prefix_a_header_and_soap_1_2_are_valid() {
    let (_gateway, client) = at_noon(Setup::default());
    let body = "<S:Envelope xmlns:S=\"http://www.w3.org/2003/05/soap-envelope\"><S:Header/><S:Body>\n\
                <m:request xmlns:m=\"http://www.datapower.com/schemas/management\"><m:do-action>\n<SaveConfig/>\n\
                </m:do-action></m:request></S:Body></S:Envelope>";
    assert_eq!(client.send(body).body, response("<dp:result>OK</dp:result>"));
}

#[test]
fn old_firmware_does_not_know_new_classes_and_delays() {
    let classes = [
        ("get-status", "FirmwareVersion3"),
        ("get-status", "FirmwareVersion2"),
        ("get-config", "SecureBackupMode"),
        ("get-config", "APIConnectGatewayService"),
    ];
    let known = |firmware: Firmware| {
        let (_gateway, client) = at_noon(Setup {
            firmware,
            ..Setup::default()
        });
        classes.map(|(operation, class)| {
            client
                .ask("default", &format!("<dp:{operation} class=\"{class}\"/>"))
                .status
                == 200
        })
    };
    assert_eq!(known(Firmware::v10()), [true, true, true, true]);
    assert_eq!(known(Firmware::v7()), [false, true, true, false]);
    assert_eq!(known(Firmware::v5()), [false, false, false, false]);
    let (_gateway, client) = at_noon(Setup {
        firmware: Firmware::v5(),
        ..Setup::default()
    });
    let quiesce = |delay: &str| action(&format!("<QuiesceDP><timeout>60</timeout>{delay}</QuiesceDP>"));
    assert_eq!(client.ask("default", &quiesce("<delay>0</delay>")).status, 500);
    assert_eq!(client.ask("default", &quiesce("")).status, 200);
}

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
        assert_eq!(text("size"), Some(part.len().to_string().as_str()), "{name}");
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
        name: "ec".to_owned(),
        ecdsa: true,
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

#[test]
fn one_connection_carries_many_requests() {
    for chunked in [false, true] {
        let gateway = Gateway::start(Setup {
            chunked,
            ..Setup::default()
        });
        let client = Client::new(&gateway);
        let status = "<dp:get-status class=\"DomainStatus\"/>";
        let backup = "<dp:do-backup><dp:domain name=\"DOM1\"/></dp:do-backup>";
        for operation in [status, backup, "<dp:get-status class=\"Nothing\"/>", status] {
            let answer = client.ask("default", operation);
            let length = answer
                .header("content-length")
                .map(|length| length.parse().expect("a length"));
            assert_eq!(length, (!chunked).then_some(answer.body.len()));
            assert_eq!(answer.header("transfer-encoding"), chunked.then_some("chunked"));
        }
        assert_eq!((gateway.connections(), gateway.handshakes()), (1, 1));
        assert_eq!(gateway.requests().len(), 4);
        assert!(gateway.requests().iter().all(|request| request.connection == 1));
    }
}

#[test]
fn a_request_may_come_in_chunks_and_may_ask_first() {
    let (_gateway, client) = at_noon(Setup::default());
    let body = envelope(&request("DOM1", &action("<SaveConfig/>")));
    let ok = response("<dp:result>OK</dp:result>");
    assert_eq!(
        client
            .send_with(
                &[("Expect", "100-continue")],
                ureq::SendBody::from_owned_reader(Hungry::of(&body))
            )
            .body,
        ok
    );
    assert_eq!(
        client
            .send_with(&[], ureq::SendBody::from_owned_reader(Hungry::of(&body)))
            .body,
        ok
    );
    assert_eq!(client.send(&body).body, ok);
}

/// Gives a few bytes at a time, so that many chunks are made of it.
struct Hungry(std::io::Cursor<Vec<u8>>);

impl Hungry {
    fn of(text: &str) -> Hungry {
        Hungry(std::io::Cursor::new(text.as_bytes().to_vec()))
    }
}

impl std::io::Read for Hungry {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let few = buffer.len().min(50);
        self.0.read(&mut buffer[..few])
    }
}

#[test]
fn a_request_that_is_not_for_the_interface_is_turned_away() {
    let (gateway, mut client) = at_noon(Setup::default());
    assert_eq!(client.get(&gateway.url()).status, 405);
    client.url = gateway.url().replace("current", "2004");
    let answer = client.ask("default", "<dp:get-status class=\"DomainStatus\"/>");
    assert_eq!(answer.status, 404);
    assert!(
        answer
            .body
            .contains("Invalid service URI for the XML management interface.")
    );
}

#[test]
fn the_request_log_tells_everything_but_the_password() {
    let (gateway, client) = at_noon(Setup::default());
    client.ask(
        "default",
        "<dp:do-backup><dp:domain name=\"DOM1\"/><dp:domain name=\"DOM2\"/></dp:do-backup>",
    );
    let [request] = &gateway.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.operation, "do-backup");
    assert_eq!(request.domain, "default");
    assert_eq!(request.domains, ["DOM1", "DOM2"]);
    assert_eq!(request.user.as_deref(), Some("backup"));
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/service/mgmt/current")
    );
    assert!(request.body.contains("<dp:do-backup>"));
    assert!(
        !request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    );
}
