//! A bare SOMA client for the tests of the simulated gateway: it knows HTTPS and envelopes only.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::simulator::Gateway;

/// A client that trusts the gateway's authority and keeps its connection.
pub(crate) struct Client {
    agent: ureq::Agent,
    pub(crate) url: String,
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.0 == name)
            .map(|header| header.1.as_str())
    }

    /// What stands between the first two of these.
    pub(crate) fn between(&self, start: &str, end: &str) -> &str {
        let begin = self.body.find(start).expect("the start is in the body") + start.len();
        let length = self.body[begin..].find(end).expect("the end is in the body");
        &self.body[begin..begin + length]
    }

    /// The file of the answer.
    pub(crate) fn file(&self) -> Vec<u8> {
        let element = self.between("<dp:file", "</dp:file>");
        let text = element.split_once('>').expect("the tag ends").1;
        STANDARD
            .decode(text.split_whitespace().collect::<String>())
            .expect("base64")
    }
}

impl Client {
    pub(crate) fn new(gateway: &Gateway) -> Client {
        let authority = Certificate::from_pem(gateway.ca_pem().as_bytes()).expect("a certificate");
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[authority]))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Client {
            agent: agent.into(),
            url: gateway.url(),
            user: "backup",
            password: "secret",
        }
    }

    /// Sends an operation in a domain.
    pub(crate) fn ask(&self, domain: &str, operation: &str) -> Answer {
        self.try_ask(domain, operation).expect("an answer")
    }

    pub(crate) fn try_ask(&self, domain: &str, operation: &str) -> Result<Answer, ureq::Error> {
        self.try_send(&envelope(&request(domain, operation)))
    }

    /// Sends a body as it is.
    pub(crate) fn send(&self, body: &str) -> Answer {
        self.try_send(body).expect("an answer")
    }

    pub(crate) fn try_send(&self, body: &str) -> Result<Answer, ureq::Error> {
        let login = STANDARD.encode(format!("{}:{}", self.user, self.password));
        let request = self
            .agent
            .post(&self.url)
            .header("Authorization", format!("Basic {login}"));
        read(request.send(body)?)
    }

    /// Sends an operation and reads so many bytes of the answer, then goes away.
    pub(crate) fn read_some(&self, domain: &str, operation: &str, bytes: u64) -> Vec<u8> {
        let login = STANDARD.encode(format!("{}:{}", self.user, self.password));
        let post = self
            .agent
            .post(&self.url)
            .header("Authorization", format!("Basic {login}"));
        let response = post.send(envelope(&request(domain, operation)));
        let body = response.expect("a reply").into_body();
        let mut some = Vec::new();
        let mut reader = body.into_with_config().limit(bytes + 1).reader().take(bytes);
        reader.read_to_end(&mut some).expect("so many bytes");
        some
    }

    /// Sends a request with these headers over a connection of its own; the head of the answer and what
    /// follows, as they came.
    pub(crate) fn raw(&self, gateway: &Gateway, headers: &[&str], body: &str) -> (String, Vec<u8>) {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(gateway.ca_pem().as_bytes()).expect("PEM");
        roots.add(authority).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let tcp = TcpStream::connect((gateway.host(), gateway.port())).expect("a connection");
        let mut stream = StreamOwned::new(connection, tcp);
        let mut head = format!(
            "POST /service/mgmt/current HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        write!(stream, "{head}\r\n{body}").expect("it is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head");
        let rest = answer.split_off(end + 4);
        (String::from_utf8(answer).expect("text"), rest)
    }

    /// Sends a body with headers, as a stream.
    pub(crate) fn send_with(&self, headers: &[(&str, &str)], body: ureq::SendBody<'_>) -> Answer {
        let login = STANDARD.encode(format!("{}:{}", self.user, self.password));
        let mut request = self
            .agent
            .post(&self.url)
            .header("Authorization", format!("Basic {login}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send(body).expect("a reply")).expect("an answer")
    }

    /// Gets a page, as a browser would.
    pub(crate) fn get(&self, url: &str) -> Answer {
        read(self.agent.get(url).call().expect("a reply")).expect("an answer")
    }

    /// Sends a body without saying who.
    pub(crate) fn send_without_login(&self, body: &str) -> Answer {
        read(self.agent.post(&self.url).send(body).expect("a reply")).expect("an answer")
    }
}

fn read(response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let status = response.status().as_u16();
    let header = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    };
    let headers = response.headers().iter().map(header).collect();
    let mut bytes = Vec::new();
    response.into_body().into_reader().read_to_end(&mut bytes)?;
    Ok(Answer {
        status,
        headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    })
}

/// An envelope with this in its body.
pub(crate) fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope \
         xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body>{body}</env:Body></env:Envelope>"
    )
}

/// A request in a domain.
pub(crate) fn request(domain: &str, operation: &str) -> String {
    format!(
        "<dp:request xmlns:dp=\"http://www.datapower.com/schemas/management\" \
         domain=\"{domain}\">{operation}</dp:request>"
    )
}
