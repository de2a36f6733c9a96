//! A file that is read, and put on disk, while it is still written.
//!
//! Whoever writes it says how much of it is there, and whoever reads it, in a thread of its own,
//! waits for that. The reader works on the file itself and not on what was meant to be in it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::threads::{Awaited, Starter, awaited};

/// How many bytes more are there each time that a reader is told.
const STEP: u64 = 1 << 20;

/// Work on a file beside whoever writes it. Dropped before the end of the file is told, it is
/// given up, and waited for: the file is closed by then.
#[derive(Debug)]
pub(super) struct Beside<T> {
    growth: Arc<Growth>,
    told: u64,
    outcome: Awaited<T>,
}

/// How much of a file there is by now.
#[derive(Debug, Default)]
struct Growth {
    state: Mutex<GrownBytes>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct GrownBytes {
    bytes: u64,
    /// No more will come.
    is_over: bool,
}

impl<T: Send + 'static> Beside<T> {
    /// Begins the work. `None` where there is no thread for it.
    pub(super) fn begin(
        file: &File,
        starter: Starter,
        work: impl FnOnce(&mut Growing) -> T + Send + 'static,
    ) -> Option<Beside<T>> {
        let growth = Arc::new(Growth::default());
        let mut growing = Growing {
            file: file.try_clone().ok()?,
            growth: Arc::clone(&growth),
            position: 0,
        };
        let (teller, outcome) = awaited();
        let work = Box::new(move || {
            let came_of_it = work(&mut growing);
            drop(growing);
            teller.tell(came_of_it);
        });
        starter("beside the writer", work).ok()?;
        Some(Beside {
            growth,
            told: 0,
            outcome,
        })
    }
}

impl<T> Beside<T> {
    /// So many bytes are in the file by now.
    pub(super) fn written(&mut self, bytes: u64) {
        if bytes >= self.told + STEP {
            self.told = bytes;
            self.growth.tell(GrownBytes {
                bytes,
                is_over: false,
            });
        }
    }

    /// So many bytes are in the file, and no more will come.
    pub(super) fn whole(&self, bytes: u64) {
        self.growth.tell(GrownBytes { bytes, is_over: true });
    }

    /// What came of the work, once the file is [whole](Beside::whole). `None` where it panicked.
    pub(super) fn outcome(self) -> Option<T> {
        self.outcome.recv().ok()
    }
}

impl<T> Drop for Beside<T> {
    fn drop(&mut self) {
        let nothing = GrownBytes {
            bytes: 0,
            is_over: true,
        };
        self.growth.tell(nothing);
        // The lock of the file is free once nobody has it open any more.
        let _of_no_use = self.outcome.recv();
    }
}

impl Growth {
    fn state(&self) -> MutexGuard<'_, GrownBytes> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, bytes: GrownBytes) {
        *self.state() = bytes;
        self.changed.notify_all();
    }

    /// How many bytes there are from `position` on, once there are some, or no more will come.
    fn beyond(&self, position: u64) -> u64 {
        let wait = |state: &mut GrownBytes| state.bytes <= position && !state.is_over;
        let state = self.changed.wait_while(self.state(), wait);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state.bytes.saturating_sub(position)
    }

    /// How many bytes there are, once there are so many. `None` where no more will come.
    fn grown_to(&self, bytes: u64) -> Option<u64> {
        let wait = |state: &mut GrownBytes| state.bytes < bytes && !state.is_over;
        let state = self.changed.wait_while(self.state(), wait);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        (!state.is_over).then_some(state.bytes)
    }
}

/// A file, from its beginning to its end, which may still have to come.
pub(super) struct Growing {
    file: File,
    growth: Arc<Growth>,
    position: u64,
}

impl Growing {
    /// Puts on disk what there is, each time that it has grown by `step` bytes, until no more will come. What is
    /// there then is left to whoever has written it.
    pub(super) fn sync_each(&self, step: u64) -> io::Result<()> {
        let mut synced = 0;
        while let Some(there) = self.growth.grown_to(synced + step) {
            self.file.sync_data()?;
            synced = there;
        }
        Ok(())
    }
}

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = usize::try_from(self.growth.beyond(self.position)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(there);
        let read = self.file.read_at(&mut buffer[..wanted], self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::threads;

    /// Reads a file beside its writer, and tells after each read how much has come.
    fn reading(file: &File) -> (Beside<Vec<u8>>, Receiver<usize>) {
        let (sender, lengths) = channel();
        let beside = Beside::begin(file, threads::start, move |growing| {
            let (mut bytes, mut buffer) = (Vec::new(), vec![0; 3 << 20]);
            loop {
                let read = growing.read(&mut buffer).expect("read");
                bytes.extend_from_slice(&buffer[..read]);
                // The test may be over.
                let _ = sender.send(bytes.len());
                if read == 0 {
                    return bytes;
                }
            }
        });
        (beside.expect("a thread"), lengths)
    }

    #[test]
    fn what_is_there_is_read_while_the_rest_is_still_to_come() {
        let mut file = tempfile::tempfile().expect("a file");
        let (mut beside, lengths) = reading(&file);
        file.write_all(&vec![1; 2 << 20]).expect("written");
        beside.written(2 << 20);
        assert_eq!(lengths.recv(), Ok(2 << 20));
        // What is in the file and was not told is not read.
        file.write_all(b"abc").expect("written");
        beside.written((2 << 20) + 3);
        file.write_all(b"def").expect("written");
        beside.whole((2 << 20) + 6);
        let mut bytes = vec![1; 2 << 20];
        bytes.extend(b"abcdef");
        assert!(beside.outcome() == Some(bytes));
    }

    #[test]
    fn a_file_that_is_given_up_is_closed_by_then() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&vec![1; 2 << 20]).expect("written");
        file.lock().expect("locked");
        let (mut beside, _lengths) = reading(&file);
        beside.written(1 << 20);
        let other = File::open(format!(
            "/proc/self/fd/{}",
            std::os::fd::AsRawFd::as_raw_fd(&file)
        ));
        let other = other.expect("opened");
        drop(beside);
        drop(file);
        assert!(other.try_lock().is_ok());
    }

    #[test]
    fn without_a_thread_nothing_is_begun() {
        let file = tempfile::tempfile().expect("a file");
        let beside = Beside::begin(&file, threads::none_left, |_| ());
        assert!(beside.is_none());
    }

    #[test]
    fn work_that_panics_has_no_outcome() {
        let file = tempfile::tempfile().expect("a file");
        let beside = Beside::begin(&file, threads::start, |_| panic!("a panic of the tests"));
        let beside: Beside<()> = beside.expect("a thread");
        beside.whole(0);
        assert_eq!(beside.outcome(), None);
    }

    #[test]
    fn what_is_there_is_put_on_disk_while_the_rest_is_still_to_come_and_what_the_disk_says_is_told() {
        // Nothing can be put on this one, which the system says when it is asked to.
        let null = File::options().write(true).open("/dev/null").expect("opened");
        let sync = |file: &mut Growing| file.sync_each(STEP);
        let mut beside = Beside::begin(&null, threads::start, sync).expect("a thread");
        beside.written(STEP);
        // The end has not been told.
        let said = beside.outcome.recv().expect("an outcome").expect_err("no disk");
        assert_eq!(said.kind(), io::ErrorKind::InvalidInput);
        let file = tempfile::tempfile().expect("a file");
        for (written, whole) in [(STEP, STEP), (STEP, 5 * STEP + 1), (0, 0)] {
            let mut beside = Beside::begin(&file, threads::start, sync).expect("a thread");
            beside.written(written);
            beside.whole(whole);
            assert!(matches!(beside.outcome(), Some(Ok(()))), "{whole}");
        }
    }

    #[test]
    fn what_has_not_grown_so_much_is_left_to_its_writer() {
        let null = File::options().write(true).open("/dev/null").expect("opened");
        let sync = |file: &mut Growing| file.sync_each(2 * STEP);
        let mut beside = Beside::begin(&null, threads::start, sync).expect("a thread");
        beside.written(2 * STEP - 1);
        beside.whole(2 * STEP - 1);
        assert!(matches!(beside.outcome(), Some(Ok(()))));
    }
}
