//! The simulated gateway speaks HTTP as a captured one did, or plainly.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::simulator::{Gateway, Setup};
use crate::soap_client::{Client, envelope, request};

/// The head of an answer, and what follows it.
fn answer(personalities: &[&str]) -> (String, String) {
    let gateway = Gateway::start(Setup::default().being(personalities));
    let client = Client::new(&gateway);
    let body = envelope(&request("default", "<dp:get-status class=\"DomainStatus\"/>"));
    let login = STANDARD.encode("backup:secret");
    let headers = [
        &format!("Authorization: Basic {login}"),
        "X-Ticket: 4711",
        "Content-Type: text/xml; charset=utf-8",
        "SOAPAction: \"\"",
    ];
    let (head, rest) = client.raw(&gateway, &headers, &body);
    (head, String::from_utf8(rest).expect("text"))
}

#[test]
fn an_answer_has_the_status_line_and_the_headers_of_the_captured_one() {
    let (head, rest) = answer(&[]);
    let lines: Vec<&str> = head.trim_end().lines().collect();
    assert_eq!(
        lines,
        [
            "HTTP/1.1 200 Good",
            "Content-Type: text/xml",
            "Via: 1.1 xml-mgmt",
            "Host: localhost",
            &format!("Authorization: Basic {}", STANDARD.encode("backup:secret")),
            "X-Ticket: 4711",
            "SOAPAction: \"\"",
            "Transfer-Encoding: chunked",
            "Connection: close",
        ]
    );
    assert!(rest.ends_with("</env:Envelope>\r\n0\r\n\r\n"), "it is in chunks");
}

#[test]
fn each_of_them_can_be_otherwise() {
    let (head, rest) = answer(&["reason@OK", "content-length", "no-via", "no-echo"]);
    let lines: Vec<&str> = head.trim_end().lines().collect();
    assert_eq!(
        lines,
        [
            "HTTP/1.1 200 OK",
            "Content-Type: text/xml",
            &format!("Content-Length: {}", rest.len()),
            "Connection: close",
        ]
    );
}

#[test]
fn who_is_not_let_in_gets_his_headers_back_too() {
    let gateway = Gateway::start(Setup::default());
    let client = Client::new(&gateway);
    let login = format!("Authorization: Basic {}", STANDARD.encode("backup:wrong"));
    let (head, rest) = client.raw(&gateway, &[&login], "");
    assert!(head.starts_with("HTTP/1.1 200 Good\r\n") && head.contains(&login));
    assert!(String::from_utf8_lossy(&rest).contains("Authentication failure"));
}
