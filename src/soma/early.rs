//! Answers that come while a long request is still being sent.
//!
//! Whoever refuses a request need not read all of it first: a proxy that limits its length, a gateway that does not
//! know the account. Such an answer is worth more than the word that the connection broke. One that says
//! that all went well is worth nothing, for it was given by somebody who did not have all of the request.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::{ClientConnection, StreamOwned};
use ureq::unversioned::transport::TransportAdapter;

use crate::soma::interim::InterimAnswers;

type TlsStream = StreamOwned<ClientConnection, TransportAdapter>;

/// Whether an answer may come early, and whether one did; shared between a request and its transport.
#[derive(Clone, Debug, Default)]
pub(super) struct UploadWatch(Arc<WatchedUpload>);

#[derive(Debug, Default)]
struct WatchedUpload {
    on: AtomicBool,
    early: AtomicBool,
}

impl UploadWatch {
    /// A long request is sent from now on.
    pub(super) fn begin(&self) {
        self.0.early.store(false, Ordering::SeqCst);
        self.0.on.store(true, Ordering::SeqCst);
    }

    /// It is over. Whether its answer began before all of it had been sent.
    pub(super) fn end(&self) -> bool {
        self.0.on.store(false, Ordering::SeqCst);
        self.0.early.load(Ordering::SeqCst)
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.on.load(Ordering::SeqCst)
    }

    fn came(&self) {
        self.0.early.store(true, Ordering::SeqCst);
    }
}

/// What has come of an answer on one connection while the request was being sent.
#[derive(Debug, Default)]
pub(super) struct EarlyBytes {
    /// Of the answer, and not handed on yet.
    bytes: Vec<u8>,
    /// There was some.
    begun: bool,
    /// The rest of the request is not sent any more.
    over: bool,
}

impl EarlyBytes {
    /// Whether an answer began before the request had been sent.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether the rest of the request is not sent any more.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// The other side has ended while the request was being sent: what it has said before is all there is.
    pub(super) fn broke(&mut self, watch: &UploadWatch) {
        self.over = true;
        watch.came();
    }

    /// Looks, without a wait, whether an answer has begun. One that refuses the request ends the sending of it.
    pub(super) fn look(&mut self, stream: &mut TlsStream, interim: &mut InterimAnswers, watch: &UploadWatch) {
        while !self.begun && is_readable(stream) {
            // What cannot be read now is met by whoever writes or reads next.
            let Ok(1..) = stream.conn.read_tls(&mut stream.sock) else {
                return;
            };
            let Ok(state) = stream.conn.process_new_packets() else {
                return;
            };
            let mut said = vec![0; state.plaintext_bytes_to_read()];
            if stream.conn.reader().read_exact(&mut said).is_err() {
                return;
            }
            self.bytes = interim.pass(&said);
            if !self.bytes.is_empty() {
                self.begun = true;
                self.over = !is_success(&self.bytes);
                watch.came();
            }
        }
    }

    /// What has come and fits in here.
    pub(super) fn take(&mut self, room: &mut [u8]) -> usize {
        let amount = self.bytes.len().min(room.len());
        for (to, from) in room.iter_mut().zip(self.bytes.drain(..amount)) {
            *to = from;
        }
        amount
    }
}

/// Reads from a connection over which nothing can be sent any more: what could not be sent is not tried again.
pub(super) fn read_only(stream: &mut TlsStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.conn.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                stream.conn.read_tls(&mut stream.sock)?;
                let processed = stream.conn.process_new_packets();
                processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            }
            read => return read,
        }
    }
}

/// Whether something has come that was not looked at yet.
fn is_readable(stream: &mut TlsStream) -> bool {
    let transport = stream.sock.get_mut();
    !transport.buffers().input().is_empty() || !transport.is_open()
}

/// Whether an answer that begins so does not refuse the request.
fn is_success(answer: &[u8]) -> bool {
    const BEGINNING: usize = "HTTP/1.1 ".len();
    answer.get(BEGINNING).is_none_or(|digit| *digit == b'2')
}

#[cfg(test)]
#[path = "early_tests.rs"]
mod tests;
