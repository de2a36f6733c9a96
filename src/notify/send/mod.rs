//! The ways to a receiver. Each takes a notice and gives the receiver's answer in words.

pub mod http;
#[cfg(feature = "mail")]
pub mod mail;
#[cfg(feature = "mail")]
mod smtp;
pub mod syslog;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;

use crate::soma::tcp::TcpConnect;
use crate::soma::tls;
use crate::soma::tls_words::of_server;
use crate::threads::{self, Starter};
use crate::values::causes::said;
use crate::values::duration::HumanDuration;
use crate::values::text::printable;
use crate::values::trust::Trust;

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// What happened. It may hold a secret until it is scrubbed.
    pub message: String,
    pub trouble: SendTrouble,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendTrouble {
    /// Another try can help.
    Passing,
    /// It stays until somebody changes something.
    Lasting,
    /// The same: it was larger than the receiver takes.
    TooLarge,
}

/// What a receiver answered that has taken a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub answer: String,
    /// Those among many for whom it was not taken.
    pub refused: Vec<RefusedReceiver>,
}

/// One among many for whom a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedReceiver {
    pub address: String,
    pub why: String,
    pub trouble: SendTrouble,
}

/// To whom a mail goes.
#[derive(Clone, Copy, Debug)]
pub struct MailTo<'m> {
    /// All who are named in it.
    pub all: &'m str,
    /// The addresses that it is handed over for, where it was taken for the others before.
    pub only: Option<&'m [String]>,
}

impl Receipt {
    /// Those for whom it was not taken, each with why.
    pub fn not_taken_for(&self) -> String {
        listed(&self.refused)
    }
}

/// Each with why.
pub fn listed(refused: &[RefusedReceiver]) -> String {
    let named = |one: &RefusedReceiver| format!("{} ({})", printable(&one.address), one.why);
    refused.iter().map(named).collect::<Vec<_>>().join(", ")
}

/// What came of sending.
pub type Sent = Result<Receipt, SendError>;

impl From<String> for Receipt {
    fn from(answer: String) -> Self {
        Self {
            answer,
            refused: Vec::new(),
        }
    }
}

impl SendError {
    /// Trouble that can pass by itself.
    pub fn passing(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            trouble: SendTrouble::Passing,
        }
    }

    /// Trouble with TLS, which stays too.
    pub fn tls(error: &rustls::Error) -> Self {
        Self::lasting(of_server(error))
    }

    /// Trouble that stays until somebody changes something.
    pub fn lasting(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            trouble: SendTrouble::Lasting,
        }
    }
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        let timed_out = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        // What TLS does not like stays as it is.
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let message = match tls {
            Some(tls) => of_server(tls),
            None if timed_out => "no answer in time".to_owned(),
            None => said(&error),
        };
        Self {
            message,
            trouble: match tls {
                Some(_) => SendTrouble::Lasting,
                None => SendTrouble::Passing,
            },
        }
    }
}

/// A text of a header that is not plain, as encoded words of RFC 2047: it holds more than ASCII, or what would be taken
/// for an encoded word. A line with one stays below 76 characters, and each is whole.
pub fn encoded_words(text: &str) -> Option<Vec<String>> {
    const MOST: usize = 39;
    if text.is_ascii() && !text.contains("=?") {
        return None;
    }
    let mut parts = vec![String::new()];
    for character in text.chars() {
        match parts.last_mut() {
            Some(part) if part.len() + character.len_utf8() <= MOST => part.push(character),
            _ => parts.push(character.to_string()),
        }
    }
    let word = |part: &String| format!("=?UTF-8?B?{}?=", STANDARD.encode(part));
    Some(parts.iter().map(word).collect())
}

/// Does `work` in a thread of its own and waits for it no longer than `limit`: name
/// look-ups and servers that trickle know no limit of their own. What is not done by then
/// is left to itself; it ends with the process at the latest. Where no thread can be had the
/// limits that it has must do.
pub fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, SendError> + Send + 'static,
) -> Result<T, SendError> {
    within_by(threads::start, limit, work)
}

fn within_by<T: Send + 'static>(
    starter: Starter,
    limit: Duration,
    work: impl FnOnce() -> Result<T, SendError> + Send + 'static,
) -> Result<T, SendError> {
    let receiver = threads::elsewhere(starter, "notify", work);
    match receiver.recv_timeout(limit) {
        Ok(done) => done,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(SendError::passing(format!(
            "no answer within {}",
            HumanDuration(limit)
        ))),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(SendError::lasting("sending broke down")),
    }
}

/// The trust in a receiver's certificate.
pub fn trust(ca_file: Option<&PathBuf>) -> Result<Arc<ClientConfig>, SendError> {
    let trust = ca_file.map_or(Trust::SystemRoots, |path| Trust::CaFile(path.clone()));
    tls::client_config(&trust).map_err(SendError::lasting)
}

/// A TCP connection to the first address of `host` that takes one, reads and writes on it limited too. An address that
/// swallows everything leaves half of the time to those behind it.
pub fn connect(host: &str, port: u16, limit: Duration) -> Result<TcpStream, SendError> {
    let addresses = (host, port).to_socket_addrs().map_err(|error| {
        SendError::passing(format!(
            "host {host}: {}; is its name right, and does this machine reach its DNS?",
            said(&error)
        ))
    })?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    if addresses.is_empty() {
        return Err(SendError::passing(format!("host {host} has no address")));
    }
    let connected = TcpConnect::default().first(&addresses, Some(limit));
    let stream = connected.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => SendError::passing("no connection in time"),
        io::ErrorKind::ConnectionRefused => SendError::passing(format!(
            "{}: nothing listens at {host}, port {port}: is the port right?",
            said(&error)
        )),
        _ => SendError::passing(said(&error)),
    })?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::none_left;

    #[test]
    fn something_is_sent_and_has_its_answer_where_no_thread_is_left() {
        for starter in [threads::start, none_left] {
            let hour = Duration::from_secs(3600);
            assert_eq!(within_by(starter, hour, || Ok("taken")), Ok("taken"));
            let refused = || Err::<(), _>(SendError::lasting("no"));
            assert_eq!(within_by(starter, hour, refused), refused());
            let broke = within_by::<()>(starter, hour, || panic!("a panic of the tests"));
            assert_eq!(broke, Err(SendError::lasting("sending broke down")));
        }
    }
}
