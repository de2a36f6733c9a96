//! Something that is done again and again on a thread of its own, for a read that blocks
//! does nothing.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::threads::Starter;

/// Goes on until it is dropped.
pub(super) struct Repeat {
    /// Dropped, it ends the thread.
    alive: Option<Sender<()>>,
    /// Nothing ever comes: it ends when the thread has ended.
    ended: Receiver<()>,
}

impl Repeat {
    /// Does it each time `interval` has passed. Where no thread can be had it is not done at
    /// all: what depends on it is a convenience.
    pub(super) fn start(
        starter: Starter,
        name: &str,
        interval: Duration,
        mut act: impl FnMut() + Send + 'static,
    ) -> Self {
        let (alive, over) = mpsc::channel::<()>();
        let (ending, ended) = mpsc::channel::<()>();
        let work = Box::new(move || {
            let _ending = ending;
            while over.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                act();
            }
        });
        // What could not be started is dropped, and has ended.
        let _ = starter(name, work);
        Self {
            alive: Some(alive),
            ended,
        }
    }
}

impl Drop for Repeat {
    fn drop(&mut self) {
        drop(self.alive.take());
        // Whoever drops it speaks next: the thread must have said its last.
        let _ = self.ended.recv();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::{none_left, start};

    const OFTEN: Duration = Duration::from_millis(1);

    #[test]
    fn it_is_done_again_and_again_until_it_is_dropped_and_never_after() {
        let (sender, receiver) = mpsc::channel();
        let repeat = Repeat::start(start, "a test", OFTEN, move || {
            let _ = sender.send(());
        });
        for _ in 0..3 {
            receiver.recv().expect("it goes on");
        }
        drop(repeat);
        while receiver.try_recv().is_ok() {}
        assert_eq!(receiver.recv(), Err(mpsc::RecvError), "nobody is left to send");
    }

    #[test]
    fn where_no_thread_is_left_nothing_is_done_and_nobody_waits() {
        let (sender, receiver) = mpsc::channel::<()>();
        let repeat = Repeat::start(none_left, "a test", OFTEN, move || {
            let _ = sender.send(());
        });
        drop(repeat);
        assert_eq!(receiver.recv(), Err(mpsc::RecvError));
    }
}
