//! The exchange with a mail server: RFC 5321, with STARTTLS (RFC 3207) and a login (RFC 4954).
//!
//! It is our own, and only the form of a message is `lettre`'s. Its exchange believes what a
//! server sent before the encryption was agreed on, gives up all receivers where one is
//! refused, and has its own rules of trust; none of that can be mended from outside. What is
//! needed here is little: one message over one connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::notify::send::{Receipt, SendError, connect, trust};
use crate::plan::model::notify::MailSecurity;
use crate::values::host_name;
use crate::values::text::printable;

/// The longest line of an answer, in bytes: RFC 5321 asks for 512.
const LONGEST_LINE: u64 = 4096;

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
/// whom it does not are named.
pub(super) fn send(
    server: &MailHost<'_>,
    letter: &Letter<'_>,
    limit: Duration,
) -> Result<Receipt, SendError> {
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
        match self.code {
            500..=599 => SendError::lasting(message),
            _ => SendError::passing(message),
        }
    }
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
    fn hand_over(&mut self, letter: &Letter<'_>) -> Result<Receipt, SendError> {
        self.ask(&format!("MAIL FROM:<{}>", letter.from), "the sender")?;
        let mut refused = Vec::new();
        for to in letter.to {
            self.say(&format!("RCPT TO:<{to}>"))?;
            let reply = self.reply()?;
            if !reply.is_done() {
                refused.push((to, reply));
            }
        }
        let named = |(to, reply): &(&String, MailReply)| format!("{} ({})", printable(to), reply.words());
        let names: Vec<String> = refused.iter().map(named).collect();
        if refused.len() == letter.to.len() {
            self.leave();
            let message = format!("no receiver was taken: {}", names.join(", "));
            return Err(match refused.iter().all(|(_, reply)| reply.code >= 500) {
                true => SendError::lasting(message),
                false => SendError::passing(message),
            });
        }
        self.ask_for_more("DATA", "the message")?;
        self.stream.get_mut().write_all(&stuffed(letter.text))?;
        self.stream.get_mut().flush()?;
        let reply = self.reply()?;
        if !reply.is_done() {
            return Err(reply.refusal("the message"));
        }
        self.leave();
        Ok(Receipt {
            answer: reply.words(),
            refused: names,
        })
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
                return Err(SendError::passing("the server hung up"));
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
mod tests {
    use std::io;

    use super::*;

    /// A server that says all it has to say at once, and what it was told.
    struct Scripted {
        says: io::Cursor<Vec<u8>>,
        heard: Vec<u8>,
    }

    impl Read for Scripted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.says.read(buffer)
        }
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.heard.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn session(says: &str) -> SmtpSession<Scripted> {
        SmtpSession::new(Scripted {
            says: io::Cursor::new(says.as_bytes().to_vec()),
            heard: Vec::new(),
        })
    }

    fn heard(session: &SmtpSession<Scripted>) -> String {
        String::from_utf8(session.stream.get_ref().heard.clone()).expect("text")
    }

    fn letter(to: &[String]) -> Letter<'_> {
        Letter {
            from: "dp@example.com",
            to,
            text: b"Subject: x\r\n\r\n.hidden\r\nlast",
        }
    }

    #[test]
    fn answers_of_one_line_and_of_many_are_read() {
        let mut session = session("250-hello\r\n250-STARTTLS\r\n250 auth plain\r\n250\r\n");
        session.hello("a.b").expect("a greeting");
        assert_eq!(session.offers, ["STARTTLS", "AUTH PLAIN"]);
        assert_eq!(session.reply().expect("a reply").code, 250);
        assert_eq!(heard(&session), "EHLO a.b\r\n");
    }

    #[test]
    fn what_is_no_answer_of_a_mail_server_is_said_to_be_none() {
        for says in [
            "HTTP/1.1 400 Bad Request\r\n",
            "25\r\n",
            "999 no\r\n",
            "250?\r\n",
            "no end",
        ] {
            let error = session(says).reply().expect_err(says).message;
            assert!(
                error.contains("does not answer as a mail server"),
                "{says}: {error}"
            );
        }
        let endless = format!("250 {}\r\n", "x".repeat(5000));
        assert!(session(&endless).reply().is_err());
        assert!(session(&"250-x\r\n".repeat(200)).reply().is_err());
        assert_eq!(
            session("").reply().expect_err("nothing").message,
            "the server hung up"
        );
    }

    #[test]
    fn what_comes_before_the_encryption_is_refused() {
        let offer = "250-hello\r\n250 STARTTLS\r\n";
        for more in ["250 believe me\r\n", "x", "\0"] {
            let mut session = session(&format!("{offer}220 go ahead\r\n{more}"));
            session.hello("a.b").expect("a greeting");
            let error = session.start_tls().err().expect("refused");
            assert!(
                error.message.contains("between STARTTLS and the encryption"),
                "{}",
                error.message
            );
            assert!(!error.is_passing);
        }
        let mut plain = session(&format!("{offer}220 go ahead\r\n"));
        plain.hello("a.b").expect("a greeting");
        assert!(plain.start_tls().is_ok());
        let mut none = session("250 hello\r\n");
        none.hello("a.b").expect("a greeting");
        assert!(
            none.start_tls()
                .is_err_and(|error| error.message.contains("does not offer STARTTLS"))
        );
    }

    #[test]
    fn a_receiver_that_is_refused_is_named_and_the_others_get_theirs() {
        let to = ["one@a", "two@a", "three@a"].map(str::to_owned);
        let mut some =
            session("250 a\r\n250 b\r\n550 no such box\r\n451 later\r\n354 go\r\n250 queued\r\n221 bye\r\n");
        let receipt = some.hand_over(&letter(&to)).expect("taken for one");
        assert_eq!(receipt.answer, "250 queued");
        assert_eq!(
            receipt.refused,
            ["two@a (550 no such box)", "three@a (451 later)"]
        );
        assert!(heard(&some).contains("RCPT TO:<three@a>\r\nDATA\r\n"));
        for (answers, is_passing) in [
            ("550 no\r\n550 no\r\n550 no\r\n", false),
            ("550 no\r\n451 x\r\n550 no\r\n", true),
        ] {
            let mut none = session(&format!("250 a\r\n{answers}221 bye\r\n"));
            let error = none.hand_over(&letter(&to)).expect_err("taken for nobody");
            assert_eq!(error.is_passing, is_passing);
            assert!(
                error
                    .message
                    .starts_with("no receiver was taken: one@a (550 no), two@a (")
            );
            assert!(!heard(&none).contains("DATA"));
        }
    }

    /// An answer of 3xx has taken nothing yet, and one of 2xx waits for no message.
    #[test]
    fn only_what_a_server_has_done_is_taken_for_done() {
        let to = ["one@a".to_owned()];
        for (answers, what) in [
            ("354 more?\r\n", "the sender was refused (354 more?)"),
            ("250 a\r\n354 go\r\n", "no receiver was taken: one@a (354 go)"),
            ("250 a\r\n250 b\r\n250 go\r\n", "the message was refused (250 go)"),
            (
                "250 a\r\n250 b\r\n354 go\r\n354 more?\r\n",
                "the message was refused (354 more?)",
            ),
            (
                "250 a\r\n250 b\r\n354 go\r\n334 \r\n",
                "the message was refused (334)",
            ),
        ] {
            let mut session = session(&format!("{answers}221 bye\r\n"));
            let error = session.hand_over(&letter(&to)).expect_err(answers);
            assert_eq!(error.message, what);
            assert!(error.is_passing);
        }
        assert!(session("354 go\r\n").greeting().is_err());
        assert!(session("334 go\r\n").hello("a.b").is_err());
    }

    #[test]
    fn a_server_that_knows_only_the_greeting_of_old_gets_that_one() {
        for code in ["500", "502"] {
            let mut old = session(&format!("{code} what?\r\n250 hello\r\n"));
            old.hello("a.b").expect("a greeting");
            assert_eq!(heard(&old), "EHLO a.b\r\nHELO a.b\r\n");
            assert_eq!(old.offers, [""; 0]);
        }
        let mut refusing = session("502 what?\r\n550 go away\r\n");
        let error = refusing.hello("a.b").expect_err("refused");
        assert_eq!(error.message, "the greeting was refused (550 go away)");
        let mut other = session("550 go away\r\n250 hello\r\n");
        assert!(other.hello("a.b").is_err());
    }

    #[test]
    fn an_offer_is_known_by_its_first_word() {
        for offer in ["STARTTLS", "STARTTLS ", "starttls\t", "STARTTLS now"] {
            let mut session = session(&format!("250-hello\r\n250 {offer}\r\n220 go\r\n"));
            session.hello("a.b").expect("a greeting");
            assert!(session.start_tls().is_ok(), "{offer:?}");
        }
    }

    #[test]
    fn a_login_goes_by_what_the_server_offers() {
        let password = SecretString::from("pass\"word");
        let server = MailHost {
            host: "",
            port: 0,
            security: MailSecurity::Tls,
            login: Some(("dp", &password)),
            ca_file: None,
            own_name: "",
        };
        let mut plain = session("250-a\r\n250 AUTH LOGIN PLAIN\r\n235 welcome\r\n");
        plain.log_in(&server, "a.b").expect("welcome");
        let word = STANDARD.encode("\0dp\0pass\"word");
        assert!(heard(&plain).ends_with(&format!("AUTH PLAIN {word}\r\n")));
        let mut login = session("250-a\r\n250 AUTH LOGIN\r\n334 VXNlcg==\r\n334 UGFzcw==\r\n235 welcome\r\n");
        login.log_in(&server, "a.b").expect("welcome");
        assert!(heard(&login).ends_with("AUTH LOGIN\r\nZHA=\r\ncGFzcyJ3b3Jk\r\n"));
        let mut wrong = session("250-a\r\n250 AUTH PLAIN\r\n535 wrong\r\n");
        let error = wrong.log_in(&server, "a.b").expect_err("refused");
        assert_eq!(
            (error.message.as_str(), error.is_passing),
            ("the login was refused (535 wrong)", false)
        );
        for answers in [
            "250-a\r\n250 AUTH PLAIN\r\n334 \r\n",
            "250-a\r\n250 AUTH LOGIN\r\n235 in\r\n",
            "250-a\r\n250 AUTH LOGIN\r\n334 a\r\n334 b\r\n334 c\r\n",
        ] {
            assert!(session(answers).log_in(&server, "a.b").is_err(), "{answers}");
        }
        for (offer, words) in [
            ("250 a\r\n", "offers no login"),
            ("250-a\r\n250 AUTH GSSAPI\r\n", "but GSSAPI"),
        ] {
            let error = session(offer).log_in(&server, "a.b").expect_err(offer);
            assert!(error.message.contains(words), "{}", error.message);
        }
    }

    #[test]
    fn the_machine_gives_its_full_name_or_its_address() {
        let at = |text: &str| Some(text.parse::<SocketAddr>().expect("an address"));
        assert_eq!(
            greeting_name("backup1.example.com", at("192.0.2.1:9")),
            "backup1.example.com"
        );
        assert_eq!(greeting_name("vm", at("192.0.2.1:9")), "[192.0.2.1]");
        assert_eq!(greeting_name("vm", at("[2001:db8::1]:9")), "[IPv6:2001:db8::1]");
        assert_eq!(greeting_name("vm", at("[::ffff:192.0.2.1]:9")), "[192.0.2.1]");
        assert_eq!(greeting_name("", None), "[127.0.0.1]");
    }

    #[test]
    fn no_line_of_a_message_ends_it() {
        for (text, sent) in [
            (".\r\n..a\r\nb", "..\r\n...a\r\nb\r\n.\r\n"),
            ("a\nb\n", "a\r\nb\r\n.\r\n"),
            ("", "\r\n.\r\n"),
        ] {
            assert_eq!(stuffed(text.as_bytes()), sent.as_bytes(), "{text:?}");
        }
    }
}
