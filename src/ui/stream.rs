//! stdout and stderr, which may be in a mode in which a write gives up instead of waiting.
//!
//! That mode belongs to the open file and not to this process: whoever shares the pipe or the
//! terminal may have set it, `ssh` and some CI systems do. A write into a full pipe then fails
//! at once, and what was to be written would be lost.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp};

/// How often a terminal in front of which others work is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Writes all, and waits where there is no room yet, or where a write would stop this process.
#[derive(Debug)]
pub struct Patient<W>(pub W);

impl<W: Write + AsFd> Patient<W> {
    /// Does `work` until it need not wait any more.
    fn again<T>(&mut self, work: impl Fn(&mut W) -> io::Result<T>) -> io::Result<T> {
        while stops_who_writes(&self.0) {
            std::thread::sleep(LOOK);
        }
        loop {
            match work(&mut self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut one = [PollFd::new(&self.0, PollFlags::OUT)];
                    // A signal that comes meanwhile changes nothing: it is tried again.
                    let _ = poll(&mut one, None);
                }
                other => return other,
            }
        }
    }
}

impl<W: Write + AsFd> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.again(|out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.again(W::flush)
    }
}

/// Whether it is a terminal (`stty tostop`) that stops a process which writes to it from the background: one that has
/// something out of service must not be.
fn stops_who_writes(out: &impl AsFd) -> bool {
    let stops = tcgetattr(out).is_ok_and(|modes| modes.local_modes.contains(LocalModes::TOSTOP));
    stops && tcgetpgrp(out).is_ok_and(|foreground| foreground != getpgrp())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use rustix::fs::OFlags;

    use super::*;

    #[test]
    fn what_does_not_fit_into_a_pipe_waits_for_its_reader() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        rustix::fs::fcntl_setfl(&writer, OFlags::NONBLOCK).expect("its mode");
        let sent: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251) as u8).collect();
        let expected = sent.clone();
        let write = std::thread::spawn(move || {
            let mut out = Patient(writer);
            out.write_all(&sent).and_then(|()| out.flush())
        });
        let mut got = Vec::new();
        reader.read_to_end(&mut got).expect("read");
        write.join().expect("no panic").expect("written");
        assert!(got == expected, "{} bytes of {}", got.len(), expected.len());
    }

    #[test]
    fn a_reader_that_has_gone_away_is_an_error_and_not_waited_for() {
        let (reader, writer) = io::pipe().expect("a pipe");
        rustix::fs::fcntl_setfl(&writer, OFlags::NONBLOCK).expect("its mode");
        drop(reader);
        let error = Patient(writer).write_all(b"text").expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
