//! What is seen of a handshake besides its errors: whether the other side asked for a client
//! certificate, and in which words it speaks where that is no TLS.
//!
//! Without this a device that wants a client certificate, and one that answers in plain HTTP,
//! would be told by the same words as one that is too old.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, OtherError, SignatureScheme};

/// How many bytes of what is no TLS are looked at.
const LOOKED_AT: usize = 8;

/// Watches one handshake.
#[derive(Debug, Default)]
pub(crate) struct HandshakeWatch {
    asked: Arc<AskedForCertificate>,
    first: Vec<u8>,
}

/// Answers that there is no client certificate, and remembers that it was asked.
#[derive(Debug, Default)]
struct AskedForCertificate(AtomicBool);

impl ResolvesClientCert for AskedForCertificate {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::SeqCst);
        None
    }

    /// Otherwise nobody would ask.
    fn has_certs(&self) -> bool {
        true
    }
}

/// What answers where TLS was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlainSpeaker {
    /// A web server without TLS, or a proxy.
    #[error("plain HTTP answers")]
    Http,
    /// A shell.
    #[error("SSH answers")]
    Ssh,
    /// A mail or FTP server: both greet with 220.
    #[error("a mail or FTP server answers in plain text")]
    Greeting,
}

impl PlainSpeaker {
    /// Who begins so.
    fn of(first: &[u8]) -> Option<PlainSpeaker> {
        [
            (&b"HTTP/"[..], PlainSpeaker::Http),
            (b"SSH-", PlainSpeaker::Ssh),
            (b"220 ", PlainSpeaker::Greeting),
            (b"220-", PlainSpeaker::Greeting),
        ]
        .into_iter()
        .find_map(|(start, speaker)| first.starts_with(start).then_some(speaker))
    }
}

impl HandshakeWatch {
    /// The settings under which this handshake can be watched.
    pub(crate) fn config(&self, config: &ClientConfig) -> Arc<ClientConfig> {
        let mut config = config.clone();
        config.client_auth_cert_resolver = Arc::clone(&self.asked) as Arc<dyn ResolvesClientCert>;
        Arc::new(config)
    }

    /// A stream of which the first bytes are looked at.
    pub(crate) fn stream<'s, S>(&'s mut self, stream: &'s mut S) -> Watched<'s, S> {
        let first = &mut self.first;
        Watched { stream, first }
    }

    /// Whether the other side asked for a client certificate.
    pub(crate) fn asked_for_certificate(&self) -> bool {
        self.asked.0.load(Ordering::SeqCst)
    }

    /// An error of the handshake, by its own name where what was seen tells more.
    pub(crate) fn explained(&self, error: rustls::Error) -> rustls::Error {
        match (&error, PlainSpeaker::of(&self.first)) {
            (rustls::Error::InvalidMessage(_), Some(speaker)) => {
                rustls::Error::Other(OtherError(Arc::new(speaker)))
            }
            // TLS 1.2 has no alert of its own for it; servers send whatever they have.
            (rustls::Error::AlertReceived(_), _) if self.asked_for_certificate() => certificate_wanted(),
            _ => error,
        }
    }
}

/// What it means that the other side wants a client certificate and got none.
pub(crate) fn certificate_wanted() -> rustls::Error {
    rustls::Error::AlertReceived(AlertDescription::CertificateRequired)
}

/// See [`HandshakeWatch::stream`].
pub(crate) struct Watched<'s, S> {
    stream: &'s mut S,
    first: &'s mut Vec<u8>,
}

impl<S> fmt::Debug for Watched<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl<S: Read> Read for Watched<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.stream.read(buffer)?;
        let room = LOOKED_AT.saturating_sub(self.first.len());
        let new = buffer.get(..amount.min(room)).unwrap_or_default();
        self.first.extend_from_slice(new);
        Ok(amount)
    }
}

impl<S: Write> Write for Watched<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_in_plain_text_is_told_by_the_first_bytes_however_they_come() {
        for (said, speaker) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], Some(PlainSpeaker::Http)),
            (b"SSH-2.0-OpenSSH_9\r\n", Some(PlainSpeaker::Ssh)),
            (b"220 mail.example.com ESMTP\r\n", Some(PlainSpeaker::Greeting)),
            (b"\x15\x03\x01\x00\x02\x02\x46", None),
            (b"HTT", None),
            (b"", None),
        ] {
            let mut watch = HandshakeWatch::default();
            let mut stream = io::Cursor::new(said.to_vec());
            let mut watched = watch.stream(&mut stream);
            let mut piece = [0; 3];
            while watched.read(&mut piece).expect("bytes") > 0 {}
            assert_eq!(PlainSpeaker::of(&watch.first), speaker, "{said:?}");
            assert!(watch.first.len() <= LOOKED_AT);
        }
    }
}
