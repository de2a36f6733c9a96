//! The way out of what is said while a gateway may wait for this process.
//!
//! A terminal that was stopped (`^S`, a console, a session that hangs) takes nothing and gives no error, nor does a pipe
//! that nobody reads. A run that stood in such a write would leave a gateway out of service, and would not hear a
//! signal. So a thread of its own writes, and whoever says something waits a moment for that, and no longer.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::threads::{self, Starter, elsewhere};
use crate::ui::stream::Patient;

/// How long somebody who says something waits until it is taken.
const MOMENT: Duration = Duration::from_millis(500);

/// How long somebody who was asked to stop waits for a reader who takes nothing.
const PARTING: Duration = Duration::from_secs(2);

/// How often the end looks whether somebody is in a hurry.
const LOOK: Duration = Duration::from_millis(50);

/// How many bytes wait for a reader; what comes beyond them is lost.
const MOST_BYTES: usize = 16 << 20;

/// Where something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutStream {
    /// stdout
    Data,
    /// stderr
    Words,
}

impl OutStream {
    /// Writes all of it, however long that takes.
    pub(super) fn write(self, bytes: &[u8]) -> io::Result<()> {
        fn all(mut out: impl Write, bytes: &[u8]) -> io::Result<()> {
            out.write_all(bytes).and_then(|()| out.flush())
        }
        match self {
            OutStream::Data => all(Patient(io::stdout().lock()), bytes),
            OutStream::Words => all(Patient(io::stderr().lock()), bytes),
        }
    }
}

/// Writes all of it, however long its reader takes for that; but no longer than a moment from when `is_over`: that is
/// an error of the kind [`io::ErrorKind::Interrupted`].
pub(super) fn written_unless(
    write: impl FnOnce() -> io::Result<()> + Send + 'static,
    is_over: &dyn Fn() -> bool,
) -> io::Result<()> {
    let outcome = elsewhere(threads::start, "what is printed", write);
    let mut over_since = None;
    loop {
        match outcome.recv_timeout(LOOK) {
            Ok(outcome) => return outcome,
            Err(RecvTimeoutError::Timeout) if !is_over() => {}
            Err(RecvTimeoutError::Timeout) => {
                if over_since.get_or_insert_with(Instant::now).elapsed() >= PARTING {
                    return Err(io::Error::new(io::ErrorKind::Interrupted, "nobody took it"));
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("it broke off")),
        }
    }
}

/// Writes to a stream without waiting for its reader. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Outlet {
    stream: OutStream,
    /// What the thread writes; where none could be had, the reader is waited for.
    shared: Option<Arc<SharedOutlet>>,
}

#[derive(Debug, Default)]
struct SharedOutlet {
    state: Mutex<Unwritten>,
    changed: Condvar,
}

/// What waits to be written.
#[derive(Debug, Default)]
struct Unwritten {
    pieces: VecDeque<Vec<u8>>,
    bytes: usize,
    /// How many pieces were said, and how many of them are written.
    said: u64,
    written: u64,
    /// Nobody took a piece within a moment: nobody is waited for until all is taken.
    is_stuck: bool,
    /// Why something was lost: the first reason.
    failure: Option<io::Error>,
}

impl Outlet {
    /// The way to a stream.
    pub fn to(stream: OutStream) -> Outlet {
        let write = move |bytes: &[u8]| stream.write(bytes);
        let shared = SharedOutlet::start(threads::start, write);
        Outlet { stream, shared }
    }

    /// Whether somebody is behind with reading: what only moves need not be said.
    pub(super) fn is_stuck(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.state().is_stuck)
    }

    /// Waits until all is written, but not longer than `limit` for somebody who takes nothing, and a moment from when
    /// `is_over`. Why something was not written, if so.
    pub fn rest(&self, limit: Duration, is_over: &dyn Fn() -> bool) -> io::Result<()> {
        let Some(shared) = &self.shared else { return Ok(()) };
        let mut state = shared.state();
        let (mut written, mut since) = (state.written, Instant::now());
        let mut over_since = None;
        while state.written < state.said {
            if state.written != written {
                (written, since) = (state.written, Instant::now());
            }
            let is_over = is_over() && over_since.get_or_insert_with(Instant::now).elapsed() >= PARTING;
            if since.elapsed() >= limit || is_over {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody takes them"));
            }
            let waited = shared.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.failure.take().map_or(Ok(()), Err)
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(shared) = &self.shared else {
            return self.stream.write(bytes).map(|()| bytes.len());
        };
        let mut state = shared.state();
        if state.bytes + bytes.len() > MOST_BYTES {
            let full = || {
                io::Error::new(
                    io::ErrorKind::TimedOut,
                    "nobody takes them, and there is no room for more",
                )
            };
            state.failure.get_or_insert_with(full);
            return Ok(bytes.len());
        }
        state.pieces.push_back(bytes.to_vec());
        state.bytes += bytes.len();
        state.said += 1;
        let own = state.said;
        shared.changed.notify_all();
        if !state.is_stuck {
            let is_due = |state: &mut Unwritten| state.written < own;
            let waited = shared.changed.wait_timeout_while(state, MOMENT, is_due);
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            state.is_stuck = state.written < own;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SharedOutlet {
    /// A thread that writes what is said by `write`; `None` where there is none.
    fn start(
        starter: Starter,
        mut write: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static,
    ) -> Option<Arc<SharedOutlet>> {
        let shared = Arc::<SharedOutlet>::default();
        let weak = Arc::downgrade(&shared);
        let writing = move || {
            while let Some(shared) = weak.upgrade() {
                let Some(piece) = shared.next() else { continue };
                let outcome = write(&piece);
                shared.wrote(piece.len(), outcome);
            }
        };
        starter("what is said", Box::new(writing)).ok()?;
        Some(shared)
    }

    fn state(&self) -> MutexGuard<'_, Unwritten> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece; `None` where none came for a while, to look whether anybody may say something still.
    fn next(&self) -> Option<Vec<u8>> {
        let is_idle = |state: &mut Unwritten| state.pieces.is_empty();
        let waited = self.changed.wait_timeout_while(self.state(), MOMENT, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.pieces.pop_front()
    }

    fn wrote(&self, bytes: usize, outcome: io::Result<()>) {
        let mut state = self.state();
        state.bytes -= bytes;
        state.written += 1;
        if state.written == state.said {
            state.is_stuck = false;
        }
        if let Err(error) = outcome {
            state.failure.get_or_insert(error);
        }
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::mpsc;

    use super::*;
    use crate::threads::{none_left, start};

    fn outlet(write: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static) -> Outlet {
        Outlet {
            stream: OutStream::Words,
            shared: Some(SharedOutlet::start(start, write).expect("a thread")),
        }
    }

    #[test]
    fn nobody_waits_for_a_reader_who_takes_nothing_and_all_is_there_when_he_does() {
        let (mut reader, mut writer) = io::pipe().expect("a pipe");
        let mut way = outlet(move |bytes| writer.write_all(bytes));
        // More than a pipe holds.
        let piece = vec![b'x'; 40_000];
        for _ in 0..10 {
            way.write_all(&piece).expect("said");
        }
        assert!(way.is_stuck());
        let error = way.rest(Duration::ZERO, &|| false).expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).expect("read");
            all
        });
        way.rest(Duration::from_secs(3600), &|| false)
            .expect("all is taken");
        assert!(!way.is_stuck());
        drop(way);
        assert_eq!(reading.join().expect("no panic").len(), 400_000);
    }

    #[test]
    fn what_is_said_is_written_before_whoever_said_it_goes_on() {
        let (sender, written) = mpsc::channel();
        let write = move |bytes: &[u8]| sender.send(bytes.to_vec()).map_err(io::Error::other);
        let mut way = outlet(write);
        for text in ["one", "two"] {
            way.write_all(text.as_bytes()).expect("said");
            assert_eq!(written.try_recv().as_deref(), Ok(text.as_bytes()));
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_lost_and_told() {
        let (_reader, mut writer) = io::pipe().expect("a pipe");
        let mut way = outlet(move |bytes| writer.write_all(bytes));
        let piece = vec![b'x'; MOST_BYTES / 2 + 1];
        for _ in 0..3 {
            way.write_all(&piece).expect("said");
        }
        let failed = |shared: &Arc<SharedOutlet>| shared.state().failure.is_some();
        assert!(way.shared.as_ref().is_some_and(failed));
    }

    #[test]
    fn a_reader_who_has_gone_away_is_an_error_at_the_end() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut way = outlet(move |bytes| writer.write_all(bytes));
        way.write_all(b"text").expect("said");
        let error = way
            .rest(Duration::from_secs(3600), &|| false)
            .expect_err("nobody is there");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn what_is_printed_waits_for_its_reader_until_somebody_asks_to_stop() {
        let (mut reader, mut writer) = io::pipe().expect("a pipe");
        let mut own = writer.try_clone().expect("a handle");
        let text = vec![b'x'; 400_000];
        let expected = text.len();
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all.len())
        });
        written_unless(move || writer.write_all(&text), &|| false).expect("all of it");
        own.write_all(b"y").expect("a byte more");
        drop(own);
        let read = reading.join().expect("no panic").expect("read");
        assert_eq!(read, expected + 1);

        let (_unread, mut writer) = io::pipe().expect("a pipe");
        let text = vec![b'x'; 400_000];
        let error = written_unless(move || writer.write_all(&text), &|| true).expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    }

    #[test]
    fn without_a_thread_there_is_none() {
        assert!(SharedOutlet::start(none_left, |_| Ok(())).is_none());
    }
}
