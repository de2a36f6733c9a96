//! Receivers of notifications on loopback, each in a thread of its own: syslog by four
//! ways, a web server that can misbehave, and a mail server with STARTTLS and login.

mod mail;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(crate) use mail::{MailFault, MailServer};

/// A certificate for this machine, and the authority that vouches for it, in PEM.
pub(crate) struct Identity {
    config: Arc<ServerConfig>,
    pub(crate) ca_pem: String,
}

impl Identity {
    /// A certificate that nobody else has signed, marked as an authority: what `openssl req -x509`
    /// makes.
    pub(crate) fn home_made() -> Self {
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut own = CertificateParams::new(names).expect("parameters");
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = own.self_signed(&key).expect("a certificate");
        Self {
            ca_pem: own.pem(),
            config: config(own.der().clone(), &key),
        }
    }

    pub(crate) fn new() -> Self {
        let authority_key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
        authority
            .distinguished_name
            .push(DnType::CommonName, "authority of the tests");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = authority
            .self_signed(&authority_key)
            .expect("a certificate")
            .pem();
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let leaf = CertificateParams::new(names).expect("parameters");
        let leaf = leaf
            .signed_by(&key, &Issuer::new(authority, authority_key))
            .expect("a certificate");
        Self {
            config: config(leaf.der().clone(), &key),
            ca_pem,
        }
    }

    fn wrap(&self, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
        StreamOwned::new(
            ServerConnection::new(Arc::clone(&self.config)).expect("a connection"),
            stream,
        )
    }
}

fn config(own: CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own], key)
        .expect("a configuration");
    Arc::new(config)
}

/// What has arrived so far.
pub(crate) type Seen<T> = Arc<Mutex<Vec<T>>>;

/// Waits until so many have arrived, and gives all.
#[track_caller]
pub(crate) fn arrived<T: Clone>(seen: &Seen<T>, count: usize) -> Vec<T> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let all = seen.lock().expect("no panic with the lock").clone();
        if all.len() >= count {
            return all;
        }
        assert!(Instant::now() < deadline, "{} of {count} have arrived", all.len());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A server on a free port; it ends with this value.
struct Server {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Server {
    /// Serves each connection with `serve`, one after another.
    fn start(mut serve: impl FnMut(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let ended = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ended);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if flag.load(Ordering::SeqCst) {
                    return;
                }
                // Nobody waits for ever, not even in a test that fails.
                stream
                    .set_read_timeout(Some(Duration::from_secs(10)))
                    .expect("a timeout");
                serve(stream);
            }
        });
        Self { address, ended }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// A system log.
pub(crate) struct Syslog {
    _server: Option<Server>,
    /// What `address` of the plan file is.
    pub(crate) address: String,
    /// The messages, without their framing.
    pub(crate) seen: Seen<String>,
}

impl Syslog {
    pub(crate) fn local(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a socket");
        let seen = Seen::default();
        let into = Arc::clone(&seen);
        std::thread::spawn(move || datagrams(&into, |buffer| socket.recv(buffer)));
        Self {
            _server: None,
            address: path.display().to_string(),
            seen,
        }
    }

    pub(crate) fn udp() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = format!("udp://{}", socket.local_addr().expect("an address"));
        let seen = Seen::default();
        let into = Arc::clone(&seen);
        std::thread::spawn(move || datagrams(&into, |buffer| socket.recv(buffer)));
        Self {
            _server: None,
            address,
            seen,
        }
    }

    pub(crate) fn tcp() -> Self {
        let seen: Seen<String> = Seen::default();
        let into = Arc::clone(&seen);
        let server = Server::start(move |mut stream| counted(&mut stream, &into));
        Self {
            address: format!("tcp://{}", server.address),
            _server: Some(server),
            seen,
        }
    }

    pub(crate) fn tls(identity: Identity) -> Self {
        let seen: Seen<String> = Seen::default();
        let into = Arc::clone(&seen);
        let server = Server::start(move |stream| counted(&mut identity.wrap(stream), &into));
        let address = format!("tls://localhost:{}", server.address.port());
        Self {
            address,
            _server: Some(server),
            seen,
        }
    }
}

fn datagrams(seen: &Seen<String>, mut receive: impl FnMut(&mut [u8]) -> std::io::Result<usize>) {
    let mut buffer = [0; 65536];
    while let Ok(length) = receive(&mut buffer) {
        seen.lock()
            .expect("no panic with the lock")
            .push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
}

/// Octet counting: `LENGTH SP MESSAGE`, as often as there is one.
fn counted(stream: &mut impl Read, seen: &Seen<String>) {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let mut rest = all.as_slice();
    while let Some(blank) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = String::from_utf8_lossy(&rest[..blank]).parse().expect("a length");
        let message = &rest[blank + 1..blank + 1 + length];
        seen.lock()
            .expect("no panic with the lock")
            .push(String::from_utf8_lossy(message).into_owned());
        rest = &rest[blank + 1 + length..];
    }
    assert!(rest.is_empty(), "left over: {}", String::from_utf8_lossy(rest));
}

/// How a web server answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    /// With this status and text.
    Status(u16, &'static str),
    /// Not at all, with an open connection.
    Silent,
    /// A byte now and then.
    Trickle,
    /// Not at all, and it goes on with the next connection.
    Mute,
    /// It resets the connection when it has the request.
    Reset,
    /// Not with HTTP.
    Garbage,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `POST /path?query HTTP/1.1`
    pub(crate) line: String,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The path and query.
    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// A web server.
pub(crate) struct Web {
    server: Server,
    is_tls: bool,
    /// Every request that arrived whole.
    pub(crate) seen: Seen<Request>,
}

impl Web {
    /// Answers the requests in turn, the last behaviour for all that follow.
    pub(crate) fn start(behaviours: &[Behaviour]) -> Self {
        Self::with(None, behaviours)
    }

    pub(crate) fn tls(identity: Identity) -> Self {
        Self::with(Some(identity), &[Behaviour::Status(200, "fine")])
    }

    fn with(identity: Option<Identity>, behaviours: &[Behaviour]) -> Self {
        let seen: Seen<Request> = Seen::default();
        let into = Arc::clone(&seen);
        let mut left = behaviours.to_vec();
        left.reverse();
        let mut held = Vec::new();
        let is_tls = identity.is_some();
        let server = Server::start(move |stream| {
            let behaviour = if left.len() > 1 {
                left.pop()
            } else {
                left.last().copied()
            };
            let behaviour = behaviour.expect("a behaviour");
            match &identity {
                Some(identity) => exchange(&mut identity.wrap(stream), &into, behaviour),
                None => {
                    let mut stream = stream;
                    exchange(&mut stream, &into, behaviour);
                    match behaviour {
                        Behaviour::Reset => {
                            rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))
                                .expect("linger");
                        }
                        Behaviour::Mute => held.push(stream),
                        _ => {}
                    }
                }
            }
        });
        Self { server, is_tls, seen }
    }

    /// Its address with this path.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", self.server.address.port())
    }
}

fn exchange(stream: &mut (impl Read + Write), seen: &Seen<Request>, behaviour: Behaviour) {
    let Some(request) = read_request(stream) else {
        return;
    };
    seen.lock().expect("no panic with the lock").push(request);
    match behaviour {
        Behaviour::Status(status, text) => {
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                text.len()
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(text.as_bytes()));
        }
        Behaviour::Silent => std::thread::sleep(Duration::from_secs(3)),
        Behaviour::Trickle => {
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" {
                if stream.write_all(&[*byte]).and_then(|()| stream.flush()).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(150));
            }
        }
        Behaviour::Reset | Behaviour::Mute => {}
        Behaviour::Garbage => {
            let _ = stream.write_all(b"220 mail.example.com ESMTP\r\n");
        }
    }
    let _ = stream.flush();
}

fn read_request(stream: &mut impl Read) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let headers: Vec<(String, String)> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")?
        .1
        .parse()
        .ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).expect("UTF-8 in a request");
    Some(Request {
        line: lines.first()?.clone(),
        headers,
        body,
    })
}

/// A port at which nobody listens. One that was free a moment ago will not do: another test may
/// have it by now, and what another test starts may still hold a copy of what listened there.
pub(crate) const NOBODY: u16 = 1;
