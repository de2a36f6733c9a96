//! A peer on loopback that has read the head of a long request and no more when it answers.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use secrecy::SecretString;

use crate::soma::client::{Client, Endpoint};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request::dry_restore;
use crate::values::restorable_domain::RestorableDomain;
use crate::values::restore_plan::LocalAddresses;
use crate::values::timeouts::{RequestLimit, Timeouts};
use crate::values::trust::Trust;

/// More than the buffers of both sides of a connection hold: it is not sent to its end before
/// somebody has read of it.
const ARCHIVE_BYTES: u64 = 24 << 20;

const GOOD: &str = "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body>\
    <dp:response xmlns:dp='http://www.datapower.com/schemas/management'><dp:import/></dp:response></e:Body></e:Envelope>";

const REFUSED: &str = "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body>\
    <dp:response xmlns:dp='http://www.datapower.com/schemas/management'><dp:result>no room</dp:result></dp:response>\
    </e:Body></e:Envelope>";

/// What the peer does after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// It closes, and nobody ever reads the rest.
    Closes,
    /// It reads the rest.
    Reads,
    /// It reads the rest, and answers once more.
    ReadsAndSays(&'static str),
}

/// Serves one connection: reads the head of the request and says this.
fn peer(said: String, then: Then) -> (u16, JoinHandle<()>) {
    let key = KeyPair::generate().expect("a key");
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let own = own.self_signed(&key).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key)
        .expect("a configuration");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        // What it says is not held back until the other side has acknowledged what came before.
        stream.set_nodelay(true).expect("a socket");
        let connection = ServerConnection::new(Arc::new(config)).expect("a connection");
        let mut stream = BufReader::new(StreamOwned::new(connection, stream));
        let mut line = String::new();
        let mut length = 0;
        while stream.read_line(&mut line).expect("a line") > 2 {
            if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = told.trim().parse().expect("a length");
            }
            line.clear();
        }
        stream.get_mut().write_all(said.as_bytes()).expect("it is taken");
        stream.get_mut().flush().expect("it is sent");
        match then {
            Then::Closes => {}
            Then::Reads => {
                let _read = std::io::copy(&mut (&mut stream).take(length), &mut std::io::sink());
            }
            Then::ReadsAndSays(body) => {
                let read = std::io::copy(&mut (&mut stream).take(length), &mut std::io::sink());
                assert_eq!(read.expect("all of it"), length);
                let said = http("200 Good", "text/xml", body);
                stream.get_mut().write_all(said.as_bytes()).expect("it is taken");
                stream.get_mut().flush().expect("it is sent");
            }
        }
    });
    (port, serving)
}

/// An answer under this status.
fn http(status: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// What comes of a dry run of a long archive at a peer that says this.
fn sent(said: String, then: Then) -> Result<()> {
    let (port, serving) = peer(said, then);
    let limit = Duration::from_secs(60);
    let client = Client::new(Endpoint {
        host: "127.0.0.1".to_owned(),
        port,
        username: "backup".to_owned(),
        password: SecretString::from("secret"),
        account: String::new(),
        trust: Trust::Off,
        timeouts: Timeouts {
            connect: limit,
            request: limit,
            export: limit,
            secure_backup: limit,
            idle: limit,
        },
        trust_command: String::new(),
    })?;
    let archive: File = tempfile::tempfile().expect("a file");
    archive.set_len(ARCHIVE_BYTES).expect("a long file");
    let domain = RestorableDomain::named("DOM1").expect("a domain");
    let upload = dry_restore(&archive, &domain, LocalAddresses::Rewrite).expect("a request");
    let outcome = client
        .upload(&upload, RequestLimit::of_its_own(limit))
        .and_then(|answer| answer.payload("import", |_| Ok(())));
    drop(client);
    serving.join().expect("the peer ends");
    outcome
}

#[track_caller]
fn fails(said: &str, then: Then) -> SomaError {
    sent(said.to_owned(), then).expect_err("nobody has had the whole request")
}

#[test]
fn a_refusal_that_comes_before_the_request_was_sent_whole_is_told() {
    let words = [
        (
            http("413 Payload Too Large", "text/html", "too large"),
            "HTTP 413",
            SomaErrorKind::NotManagement,
        ),
        (
            http("401 Unauthorized", "text/html", ""),
            "HTTP 401",
            SomaErrorKind::LoginRefused,
        ),
        (
            http("503 Busy", "text/html", ""),
            "HTTP 503",
            SomaErrorKind::Unavailable,
        ),
        (
            http("200 Good", "text/xml", REFUSED),
            "no room",
            SomaErrorKind::Refused,
        ),
        (
            format!(
                "HTTP/1.1 100 Continue\r\n\r\n{}",
                http("500 Error", "text/xml", REFUSED)
            ),
            "no room",
            SomaErrorKind::Refused,
        ),
    ];
    for (said, told, kind) in &words {
        for then in [Then::Closes, Then::Reads] {
            let error = fails(said, then);
            assert!(error.message.contains(told), "{then:?}, {told}: {error}");
            assert_eq!(error.kind, *kind, "{then:?}: {error}");
            assert!(!error.nothing_sent, "{then:?}: {error}");
        }
    }
}

#[test]
fn success_that_is_told_before_the_request_was_sent_whole_is_none() {
    for then in [Then::Closes, Then::Reads] {
        let error = fails(&http("200 Good", "text/xml", GOOD), then);
        assert_eq!(error.kind, SomaErrorKind::Malformed, "{then:?}: {error}");
        assert!(
            error.message.contains("before all of it had been sent"),
            "{then:?}: {error}"
        );
    }
}

#[test]
fn a_peer_that_closes_without_a_word_has_closed_while_the_request_was_sent() {
    for said in ["", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let error = fails(said, Then::Closes);
        assert_eq!(error.kind, SomaErrorKind::Broken, "{error}");
        assert!(
            error.message.contains("while the request was being sent"),
            "{error}"
        );
    }
}

#[test]
fn an_interim_answer_is_none_that_came_early() {
    let continues = "HTTP/1.1 100 Continue\r\n\r\n";
    let late = sent(continues.to_owned(), Then::ReadsAndSays(GOOD));
    assert!(late.is_ok(), "{late:?}");
}

#[test]
fn an_answer_that_is_no_text_is_named_by_the_header_that_says_so() {
    for (header, words) in [
        (
            "text/xml\r\nContent-Encoding: gzip",
            "the answer is encoded (Content-Encoding: gzip)",
        ),
        (
            "text/xml; charset=UTF-16",
            "the answer is not UTF-8 (Content-Type: text/xml; charset=utf-16)",
        ),
    ] {
        let error = sent(http("200 Good", header, REFUSED), Then::Reads).expect_err("no answer");
        assert_eq!(error.kind, SomaErrorKind::Malformed);
        assert!(error.message.contains(words), "{}", error.message);
    }
}
