//! The simulated gateway answers in the forms of real ones.

use crate::gateway_forms::{HEAD, RESPONSE, STRAY, TAIL, action, at_noon, response};
use crate::simulator::{Domain, Firmware, Setup, User};
use crate::soap_client::{envelope, request};

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
