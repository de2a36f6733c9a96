//! The exchange with a mail server: RFC 5321, with STARTTLS (RFC 3207) and a login (RFC 4954).
//!
//! It is our own, and only the form of a message is `lettre`'s. Its exchange believes what a
//! server sent before the encryption was agreed on, gives up all receivers where one is
//! refused, and has its own rules of trust; none of that can be mended from outside. What is
//! needed here is little: one message over one connection.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::notify::send::{Receipt, RefusedReceiver, SendError, SendTrouble, connect, listed, trust};
use crate::plan::model::notify::MailSecurity;
use crate::values::host_name;
use crate::values::size::Bytes;
use crate::values::text::printable;

/// The longest line of an answer, in bytes: RFC 5321 asks for 512.
const LONGEST_LINE: u64 = 4096;

/// What is said of a server that ends the connection.
const HUNG_UP: &str = "the server hung up";

/// The most lines of an answer.
const MOST_LINES: usize = 100;

/// A mail server, and how it is spoken to.
#[derive(Debug)]
pub(super) struct MailHost<'h> {
    pub(super) host: &'h str,
    pub(super) port: u16,
    pub(super) security: MailSecurity,
    pub(super) login: Option<(&'h str, &'h SecretString)>,
    pub(super) ca_file: Option<&'h PathBuf>,
    /// What this machine calls itself.
    pub(super) own_name: &'h str,
}

/// What is handed over: addresses in ASCII, and the message with its headers.
#[derive(Debug)]
pub(super) struct Letter<'l> {
    pub(super) from: &'l str,
    pub(super) to: &'l [String],
    pub(super) text: &'l [u8],
}

/// Hands a letter over. It is taken if the server takes it for one receiver at least; those for
/// whom it does not are named. One at whose name the server hangs up does not keep the others from theirs.
pub(super) fn send(
    server: &MailHost<'_>,
    letter: &Letter<'_>,
    limit: Duration,
) -> Result<Receipt, SendError> {
    without_those_it_hangs_up_at(letter.to, &mut |to| {
        send_once(server, &Letter { to, ..*letter }, limit)
    })
}

/// What came of handing a letter over.
enum Handed {
    Over(Receipt),
    /// Nobody has it: the server hung up at the name of this one of its receivers.
    HungUpAt(usize, RefusedReceiver),
}

/// Sends by `send`, over one connection, and over another for the rest where the server has hung up at one receiver.
fn without_those_it_hangs_up_at(
    to: &[String],
    send: &mut dyn FnMut(&[String]) -> Result<Handed, SendError>,
) -> Result<Receipt, SendError> {
    let mut to = to.to_vec();
    let mut refused = Vec::new();
    loop {
        match send(&to) {
            Ok(Handed::Over(receipt)) => {
                refused.extend(receipt.refused);
                return Ok(Receipt { refused, ..receipt });
            }
            Ok(Handed::HungUpAt(index, one)) => {
                to.remove(index);
                refused.push(one);
                if to.is_empty() {
                    return Err(taken_by_nobody(&refused));
                }
            }
            Err(error) if refused.is_empty() => return Err(error),
            Err(error) => {
                return Err(SendError {
                    message: format!("{}; before that: {}", error.message, listed(&refused)),
                    ..error
                });
            }
        }
    }
}

fn taken_by_nobody(refused: &[RefusedReceiver]) -> SendError {
    let message = format!("no receiver was taken: {}", listed(refused));
    match refused.iter().all(|one| one.trouble == SendTrouble::Lasting) {
        true => SendError::lasting(message),
        false => SendError::passing(message),
    }
}

/// The same over one connection.
fn send_once(server: &MailHost<'_>, letter: &Letter<'_>, limit: Duration) -> Result<Handed, SendError> {
    let stream = connect(server.host, server.port, limit)?;
    let name = greeting_name(server.own_name, stream.local_addr().ok());
    match server.security {
        MailSecurity::None => {
            let mut session = SmtpSession::new(stream);
            session.greeting()?;
            session.hello(&name)?;
            session.hand_over(letter)
        }
        MailSecurity::Tls => {
            let mut session = SmtpSession::new(encrypted(server, stream)?);
            session.greeting()?;
            session.log_in(server, &name)?;
            session.hand_over(letter)
        }
        MailSecurity::StartTls => {
            let mut session = SmtpSession::new(stream);
            session.greeting()?;
            session.hello(&name)?;
            let stream = session.start_tls()?;
            let mut session = SmtpSession::new(encrypted(server, stream)?);
            session.log_in(server, &name)?;
            session.hand_over(letter)
        }
    }
}

type Encrypted = StreamOwned<ClientConnection, TcpStream>;

fn encrypted(server: &MailHost<'_>, mut stream: TcpStream) -> Result<Encrypted, SendError> {
    let host = server.host;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| SendError::lasting(format!("{host} is no name that a certificate can have")))?;
    let mut connection =
        ClientConnection::new(trust(server.ca_file)?, name).map_err(|error| SendError::tls(&error))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// What this machine calls itself: its full name, or else its address, as RFC 5321 (section
/// 4.1.4) has it. Servers refuse a name without a domain.
fn greeting_name(own: &str, address: Option<SocketAddr>) -> String {
    if host_name::is_full(own) {
        return own.to_owned();
    }
    match address.map(|address| address.ip().to_canonical()) {
        Some(std::net::IpAddr::V4(address)) => format!("[{address}]"),
        Some(std::net::IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        None => "[127.0.0.1]".to_owned(),
    }
}

/// One connection.
struct SmtpSession<S> {
    stream: BufReader<S>,
    /// What the server said it can do, in capitals.
    offers: Vec<String>,
}

/// What a server answered.
#[derive(Debug, PartialEq, Eq)]
struct MailReply {
    code: u16,
    lines: Vec<String>,
}

impl MailReply {
    /// Whether it is done. Only 2xx says so: 3xx waits for more.
    fn is_done(&self) -> bool {
        matches!(self.code, 200..=299)
    }

    /// Whether it waits for what belongs to it: a message, or a word of a login.
    fn waits(&self) -> bool {
        matches!(self.code, 300..=399)
    }

    /// Whether a server says that it does not know a command.
    fn is_unknown(&self) -> bool {
        matches!(self.code, 500 | 502)
    }

    /// Its words, in one line.
    fn words(&self) -> String {
        printable(&format!("{} {}", self.code, self.lines.join(" ")))
            .trim_end()
            .to_owned()
    }

    /// A refusal with a code of 5xx is final, everything else can pass.
    fn refusal(&self, of: &str) -> SendError {
        let message = format!("{of} was refused ({})", self.words());
        let trouble = match self.code {
            500..=599 if self.is_of_size() => SendTrouble::TooLarge,
            500..=599 => SendTrouble::Lasting,
            _ => SendTrouble::Passing,
        };
        SendError { message, trouble }
    }

    /// Whether the message was too large, by the codes of RFC 3463 where there is one: 552 is said of a mailbox that is
    /// full, too.
    fn is_of_size(&self) -> bool {
        let first = self.lines.first().map(String::as_str).unwrap_or_default();
        match first
            .split_whitespace()
            .next()
            .filter(|word| word.starts_with("5."))
        {
            Some(code) => matches!(code, "5.3.4" | "5.2.3"),
            None => self.code == 552,
        }
    }
}

/// What came of naming a receiver.
enum NamedReceiver {
    Taken,
    Refused(RefusedReceiver),
    HungUp(RefusedReceiver),
}

impl<S: Read + Write> SmtpSession<S> {
    fn new(stream: S) -> Self {
        Self {
            stream: BufReader::new(stream),
            offers: Vec::new(),
        }
    }

    fn greeting(&mut self) -> Result<(), SendError> {
        match self.reply()? {
            reply if reply.is_done() => Ok(()),
            reply => Err(reply.refusal("the connection")),
        }
    }

    /// Says who we are, and hears what the server offers: nothing, where it only knows the greeting of old.
    fn hello(&mut self, name: &str) -> Result<(), SendError> {
        self.say(&format!("EHLO {name}"))?;
        let mut reply = self.reply()?;
        if reply.is_unknown() {
            self.say(&format!("HELO {name}"))?;
            reply = self.reply()?;
        }
        if !reply.is_done() {
            return Err(reply.refusal("the greeting"));
        }
        self.offers = reply
            .lines
            .iter()
            .skip(1)
            .map(|line| line.to_uppercase())
            .collect();
        Ok(())
    }

    /// Asks for encryption, and gives the connection back to be encrypted. What the server sent
    /// before that could be anybody's, and would be taken for what it says afterwards.
    fn start_tls(mut self) -> Result<S, SendError> {
        let word = |offer: &String| offer.split_whitespace().next() == Some("STARTTLS");
        if !self.offers.iter().any(word) {
            return Err(SendError::lasting(
                "the server does not offer STARTTLS, and nothing is sent unencrypted; is this the port for mail that \
                 is handed in (587), or one of TLS from the start (465, `security = \"tls\"`)?",
            ));
        }
        self.ask("STARTTLS", "STARTTLS")?;
        if !self.stream.buffer().is_empty() {
            return Err(SendError::lasting(
                "the server said something between STARTTLS and the encryption: somebody may stand in between, and \
                 nothing was sent",
            ));
        }
        Ok(self.stream.into_inner())
    }

    /// Says who we are over an encrypted connection, with a login where there is one.
    fn log_in(&mut self, server: &MailHost<'_>, name: &str) -> Result<(), SendError> {
        self.hello(name)?;
        let Some((user, password)) = server.login else {
            return Ok(());
        };
        let offered: Vec<&str> = self
            .offers
            .iter()
            .filter_map(|offer| offer.strip_prefix("AUTH ").or(offer.strip_prefix("AUTH=")))
            .flat_map(str::split_whitespace)
            .collect();
        let what = "the login";
        if offered.contains(&"PLAIN") {
            let word = encoded(&["", user, password.expose_secret()].join("\0"));
            self.ask_secretly("AUTH PLAIN ", &word, what)?;
        } else if offered.contains(&"LOGIN") {
            self.ask_for_more("AUTH LOGIN", what)?;
            self.ask_for_more(&encoded(user), what)?;
            self.ask_secretly("", &encoded(password.expose_secret()), what)?;
        } else {
            return Err(SendError::lasting(match offered.as_slice() {
                [] => "the server offers no login: leave out `username` and `password`".to_owned(),
                other => format!(
                    "the server takes no login of a kind that is known here (PLAIN, LOGIN), but {}",
                    printable(&other.join(", "))
                ),
            }));
        }
        Ok(())
    }

    /// Hands a letter over to a server that has heard who we are.
    fn hand_over(&mut self, letter: &Letter<'_>) -> Result<Handed, SendError> {
        let opening = self.mail_from(letter)?;
        self.ask(&opening, "the sender")?;
        let mut refused = Vec::new();
        for (index, to) in letter.to.iter().enumerate() {
            match self.receiver(to)? {
                NamedReceiver::Taken => {}
                NamedReceiver::Refused(one) => refused.push(one),
                NamedReceiver::HungUp(one) => return Ok(Handed::HungUpAt(index, one)),
            }
        }
        if refused.len() == letter.to.len() {
            self.leave();
            return Err(taken_by_nobody(&refused));
        }
        self.ask_for_more("DATA", "the message")?;
        self.stream.get_mut().write_all(&stuffed(letter.text))?;
        self.stream.get_mut().flush()?;
        let reply = self.reply()?;
        if !reply.is_done() {
            return Err(reply.refusal("the message"));
        }
        self.leave();
        Ok(Handed::Over(Receipt {
            answer: reply.words(),
            refused,
        }))
    }

    /// Names a receiver. 421 is the word of a server that hangs up.
    fn receiver(&mut self, to: &str) -> Result<NamedReceiver, SendError> {
        let refused = |why: String, trouble| RefusedReceiver {
            address: to.to_owned(),
            why,
            trouble,
        };
        self.say(&format!("RCPT TO:<{to}>"))?;
        let has_hung_up = match self.stream.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => match error.kind() {
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => true,
                _ => return Err(error.into()),
            },
        };
        if has_hung_up {
            return Ok(NamedReceiver::HungUp(refused(
                HUNG_UP.to_owned(),
                SendTrouble::Passing,
            )));
        }
        let reply = self.reply()?;
        Ok(match reply.code {
            _ if reply.is_done() => NamedReceiver::Taken,
            421 => NamedReceiver::HungUp(refused(reply.words(), SendTrouble::Passing)),
            500..=599 => NamedReceiver::Refused(refused(reply.words(), SendTrouble::Lasting)),
            _ => NamedReceiver::Refused(refused(reply.words(), SendTrouble::Passing)),
        })
    }

    /// The word that opens a letter: with its size, where the server wants to know that (RFC 1870).
    fn mail_from(&mut self, letter: &Letter<'_>) -> Result<String, SendError> {
        let command = format!("MAIL FROM:<{}>", letter.from);
        let mut sizes = self.offers.iter().filter_map(|offer| {
            let mut words = offer.split_whitespace();
            (words.next() == Some("SIZE")).then(|| words.next().and_then(|most| most.parse::<u64>().ok()))
        });
        let Some(most) = sizes.next() else {
            return Ok(command);
        };
        let size = letter.text.len() as u64;
        match most.filter(|most: &u64| (1..size).contains(most)) {
            Some(most) => {
                self.leave();
                Err(SendError {
                    message: format!(
                        "the server takes {} at most, and the message has {}",
                        Bytes(most),
                        Bytes(size)
                    ),
                    trouble: SendTrouble::TooLarge,
                })
            }
            None => Ok(format!("{command} SIZE={size}")),
        }
    }

    /// What it answers to the farewell does not matter any more.
    fn leave(&mut self) {
        let _ = self.say("QUIT").and_then(|()| self.reply());
    }

    /// Says something that is done by it.
    fn ask(&mut self, command: &str, what: &str) -> Result<(), SendError> {
        self.say(command)?;
        match self.reply()? {
            reply if reply.is_done() => Ok(()),
            reply => Err(reply.refusal(what)),
        }
    }

    /// Says something to which more belongs.
    fn ask_for_more(&mut self, command: &str, what: &str) -> Result<(), SendError> {
        self.say(command)?;
        match self.reply()? {
            reply if reply.waits() => Ok(()),
            reply => Err(reply.refusal(what)),
        }
    }

    fn ask_secretly(&mut self, command: &str, word: &str, what: &str) -> Result<(), SendError> {
        let line = Zeroizing::new([command, word].concat());
        self.ask(&line, what)
    }

    fn say(&mut self, command: &str) -> Result<(), SendError> {
        let line = Zeroizing::new([command, "\r\n"].concat());
        let stream = self.stream.get_mut();
        stream.write_all(line.as_bytes())?;
        stream.flush()?;
        Ok(())
    }

    /// Reads a whole answer: lines with `-` behind the code are followed by more.
    fn reply(&mut self) -> Result<MailReply, SendError> {
        let not_smtp = || SendError::passing("the server does not answer as a mail server does");
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            let read = self
                .stream
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)?;
            if read == 0 {
                return Err(SendError::passing(HUNG_UP));
            }
            if line.last() != Some(&b'\n') || lines.len() >= MOST_LINES {
                return Err(not_smtp());
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            let code = line.get(..3).and_then(|code| code.parse::<u16>().ok());
            let code = code
                .filter(|code| (200..=599).contains(code))
                .ok_or_else(not_smtp)?;
            let rest = line.get(3..).unwrap_or_default();
            lines.push(rest.get(1..).unwrap_or_default().to_owned());
            match rest.chars().next() {
                Some('-') => {}
                None | Some(' ') => return Ok(MailReply { code, lines }),
                Some(_) => return Err(not_smtp()),
            }
        }
    }
}

fn encoded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(text))
}

/// A message as it goes over the line: a dot at the beginning of a line would end it.
fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(text.len() + 64);
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
