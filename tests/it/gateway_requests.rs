//! The simulated gateway takes what the schema and HTTP allow, and nothing else.

use std::io::{Cursor, Read};

use crate::gateway_forms::{HEAD, SCHEMA_FAULT, TAIL, action, at_noon, response};
use crate::simulator::{Firmware, Gateway, Setup};
use crate::soap_client::{Client, envelope, request};

/// What a gateway makes of requests: verdict, domain, operation.
const REQUESTS: &str = include_str!("../data/requests.txt");

#[test]
fn requests_are_served_refused_or_a_fault_as_the_schema_and_the_device_have_it() {
    let (gateway, client) = at_noon(Setup::default());
    let lines = REQUESTS.lines().filter(|line| !line.starts_with('#'));
    let mut verdicts = Vec::new();
    for line in lines {
        let mut columns = line.splitn(3, '\t');
        let mut column = || columns.next().expect("three columns");
        let (verdict, domain, operation) = (column(), column(), column());
        let answer = client.ask(domain, operation);
        let has = |words: &str| answer.body.contains(words);
        let met = match (answer.status, has("this simulator does not serve")) {
            (500, _) if answer.body == format!("{HEAD}{SCHEMA_FAULT}{TAIL}") => "invalid",
            (200, true) => "unserved",
            (200, false) if has("<error-log>") || has("Error creating secure backup.") => "refused",
            (200, false) if has("<dp:timestamp>") => "served",
            _ => "neither",
        };
        assert_eq!(met, verdict, "{operation}: {}", answer.body);
        verdicts.push(met);
    }
    let of = |verdict: &str| verdicts.iter().filter(|met| **met == verdict).count();
    assert!(of("served") > 40 && of("refused") > 5 && of("unserved") > 8 && of("invalid") > 30);
    assert_eq!(gateway.received("invalid"), of("invalid"));
}

#[test]
fn what_is_no_envelope_with_one_request_is_a_fault() {
    let (gateway, client) = at_noon(Setup::default());
    let status = "<dp:get-status class=\"DomainStatus\"/>";
    let valid = request("default", status);
    let bodies = [
        envelope(&format!("{valid}{valid}")),
        envelope(&valid.replace("domain=", "host=")),
        valid.clone(),
        "not XML".to_owned(),
        envelope(&request("default", "")),
        envelope(&valid).replace("<env:Envelope", "<!DOCTYPE x><env:Envelope"),
        envelope(&valid).replace("http://schemas.xmlsoap.org/soap/envelope/", "urn:other"),
    ];
    for body in &bodies {
        assert_eq!(client.send(body).status, 500, "{body}");
    }
    assert_eq!(gateway.received("invalid"), bodies.len());
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

#[test]
fn every_address_is_served_where_all_are_on() {
    let (gateway, mut client) = at_noon(Setup::default());
    assert_eq!(client.get(&gateway.url()).status, 405);
    for path in [
        "/",
        "/service/mgmt/current",
        "/service/mgmt/3.0",
        "/service/mgmt/2004",
        "/any",
    ] {
        client.url = gateway.url().replace("/service/mgmt/current", path);
        let answer = client.ask("default", "<dp:get-status class=\"DomainStatus\"/>");
        assert!(answer.body.contains("<DomainStatus"), "{path}");
    }
    let targets: Vec<String> = gateway.requests().into_iter().map(|asked| asked.target).collect();
    assert_eq!(targets[1..4], ["/", "/service/mgmt/current", "/service/mgmt/3.0"]);
}

#[test]
fn an_address_that_is_off_is_turned_away() {
    let (gateway, mut client) = at_noon(Setup::default().being(&["uris@v2004+amp"]));
    let mut ask = |path: &str| {
        client.url = gateway.url().replace("/service/mgmt/current", path);
        let answer = client.ask("default", "<dp:get-status class=\"DomainStatus\"/>");
        match answer.status {
            200 => "served".to_owned(),
            404 => answer.between("<faultstring>", "</faultstring>").to_owned(),
            other => other.to_string(),
        }
    };
    let invalid = "Invalid service URI for the XML management interface.";
    assert_eq!(ask("/service/mgmt/2004"), "served");
    assert_eq!(
        ask("/service/mgmt/current"),
        "Requested XML management interface service is disabled."
    );
    assert_eq!(ask("/service/mgmt/3.0"), invalid);
    assert_eq!(ask("/"), invalid);
    assert_eq!(ask("/service/mgmt/amp/3.0"), invalid, "SOMA is not AMP");
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
/// Gives a few bytes at a time, so that many chunks are made of it.
struct Hungry(Cursor<Vec<u8>>);

impl Hungry {
    fn of(text: &str) -> Hungry {
        Hungry(Cursor::new(text.as_bytes().to_vec()))
    }
}

impl Read for Hungry {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let few = buffer.len().min(50);
        self.0.read(&mut buffer[..few])
    }
}
