//! A mail server with STARTTLS and login.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;

use super::{Identity, Seen, Server};

/// How a mail server differs from one that works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailFault {
    None,
    /// It does not offer STARTTLS.
    NoStartTls,
    /// It refuses every receiver.
    Rejects,
    /// It refuses those whose address holds this.
    RejectsOne(&'static str),
    /// It says more behind the answer to STARTTLS, as somebody in between could.
    SaysMore,
    /// It says "try again later" so often, then works.
    Busy(u32),
    /// It never greets.
    Silent,
}

/// A mail as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// What the sender calls itself.
    pub(crate) hello: String,
    pub(crate) is_encrypted: bool,
    /// User name and password of the login.
    pub(crate) login: Option<(String, String)>,
    pub(crate) to: Vec<String>,
    /// Headers and body, dots unstuffed.
    pub(crate) text: String,
}

impl Mail {
    /// A header, its folded lines joined.
    pub(crate) fn header(&self, name: &str) -> String {
        let head = self
            .text
            .split("\r\n\r\n")
            .next()
            .unwrap_or_default()
            .replace("\r\n ", " ");
        let line = head
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
        line.unwrap_or_default()
    }

    /// What follows the headers.
    pub(crate) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// All that somebody reads in it: as it is, and what its encodings stand for, attachments too.
    pub(crate) fn readings(&self) -> Vec<Vec<u8>> {
        let mut readings = vec![self.text.clone().into_bytes(), quoted_printable(&self.text)];
        let encoded = self.text.split("Content-Transfer-Encoding: base64").skip(1);
        for part in encoded {
            let body = part.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            let base64: String = body.lines().take_while(|line| !line.starts_with("--")).collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(base64.trim());
            readings.push(bytes.expect("base64"));
        }
        readings
    }
}

/// A mail server.
pub(crate) struct MailServer {
    server: Server,
    pub(crate) seen: Seen<Mail>,
}

impl MailServer {
    pub(crate) fn start(identity: Identity, fault: MailFault) -> Self {
        Self::with(identity, fault, false)
    }

    /// TLS from the start.
    pub(crate) fn tls(identity: Identity) -> Self {
        Self::with(identity, MailFault::None, true)
    }

    fn with(identity: Identity, fault: MailFault, at_once: bool) -> Self {
        let seen: Seen<Mail> = Seen::default();
        let into = Arc::clone(&seen);
        let mut fault = fault;
        let server = Server::start(move |stream| {
            let now = fault;
            if let MailFault::Busy(times) = fault {
                fault = if times > 1 {
                    MailFault::Busy(times - 1)
                } else {
                    MailFault::None
                };
            }
            if now == MailFault::Silent {
                std::thread::sleep(Duration::from_secs(3));
                return;
            }
            if at_once {
                let mut stream = identity.wrap(stream);
                let _ = stream.write_all(b"220 ready\r\n");
                session(&mut BufReader::new(stream), true, now, &into);
                return;
            }
            let mut plain = BufReader::new(stream);
            let _ = plain.get_mut().write_all(b"220 ready\r\n");
            if session(&mut plain, false, now, &into) == Next::Tls {
                let stream = identity.wrap(plain.into_inner());
                session(&mut BufReader::new(stream), true, now, &into);
            }
        });
        Self { server, seen }
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.address.port()
    }
}

#[derive(PartialEq, Eq)]
enum Next {
    Tls,
    End,
}

fn session<S: Read + Write>(
    stream: &mut BufReader<S>,
    encrypted: bool,
    fault: MailFault,
    seen: &Seen<Mail>,
) -> Next {
    let mut mail = Mail {
        hello: String::new(),
        is_encrypted: encrypted,
        login: None,
        to: Vec::new(),
        text: String::new(),
    };
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return Next::End;
        }
        let command = line.trim_end().to_owned();
        let verb = command
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        if verb == "EHLO" {
            mail.hello = command.get(5..).unwrap_or_default().to_owned();
        }
        let answer = match verb.as_str() {
            "EHLO" if encrypted => "250-hello\r\n250 AUTH PLAIN LOGIN",
            "EHLO" if fault == MailFault::NoStartTls => "250 hello",
            "EHLO" => "250-hello\r\n250 STARTTLS",
            "STARTTLS" => {
                // One write, so that it arrives as one.
                let answer: &[u8] = match fault {
                    MailFault::SaysMore => {
                        b"220 go ahead\r\n250-hello\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 a\r\n250 b\r\n354 c\r\n250 queued\r\n"
                    }
                    _ => b"220 go ahead\r\n",
                };
                let _ = stream.get_mut().write_all(answer);
                return Next::Tls;
            }
            "AUTH" => {
                mail.login = plain_login(&command);
                if mail
                    .login
                    .as_ref()
                    .is_some_and(|(_, password)| password == "mail-secret")
                {
                    "235 welcome"
                } else {
                    "535 wrong user or password"
                }
            }
            "MAIL" if matches!(fault, MailFault::Busy(_)) => "451 try again later",
            "RCPT" if fault == MailFault::Rejects => "550 no such mailbox",
            "RCPT" if matches!(fault, MailFault::RejectsOne(one) if command.contains(one)) => {
                "550 no such mailbox"
            }
            "RCPT" => {
                mail.to.push(command);
                "250 fine"
            }
            "DATA" => {
                let _ = stream.get_mut().write_all(b"354 go on\r\n");
                mail.text = data(stream);
                seen.lock().expect("no panic with the lock").push(mail.clone());
                "250 queued as 4711"
            }
            "QUIT" => {
                let _ = stream.get_mut().write_all(b"221 bye\r\n");
                return Next::End;
            }
            _ => "250 fine",
        };
        if stream
            .get_mut()
            .write_all(format!("{answer}\r\n").as_bytes())
            .is_err()
        {
            return Next::End;
        }
    }
}

/// The bytes behind `=C3=B6` and lines that go on.
fn quoted_printable(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let joined = text.replace("=\r\n", "");
    let mut rest = joined.as_bytes();
    while let [byte, behind @ ..] = rest {
        let hex = behind.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex
            .filter(|_| *byte == b'=')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*byte));
        rest = if code.is_some() {
            behind.get(2..).unwrap_or_default()
        } else {
            behind
        };
    }
    bytes
}

fn data(stream: &mut impl BufRead) -> String {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap_or(0) == 0 || line == ".\r\n" {
            return text;
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

/// `AUTH PLAIN base64(NUL user NUL password)`
fn plain_login(command: &str) -> Option<(String, String)> {
    let encoded = command.strip_prefix("AUTH PLAIN ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let mut parts = text.split('\0').skip(1);
    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
}
