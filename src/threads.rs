//! Threads, where they can be had.
//!
//! The decisions of a run are made in one thread. Others exist for what knows no limit of its
//! own (a look-up of a name, a receiver that trickles), and a machine may have none left
//! (`ulimit -u`, the limit of a container). Nothing panics then: what would have been done
//! elsewhere is done by whoever asked for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

/// Something to be done elsewhere.
pub type Work = Box<dyn FnOnce() + Send>;

/// How work gets a thread of this name. It comes back where none can be had.
pub type Starter = fn(&str, Work) -> Result<(), Work>;

/// Starts a thread, which nobody waits for: it ends with its work, or with the process.
pub fn start(name: &str, work: Work) -> Result<(), Work> {
    // What a thread was to do is lost with a thread that does not start: it is left where both
    // can take it.
    let shared = Arc::new(Mutex::new(Some(work)));
    let theirs = Arc::clone(&shared);
    let take = |from: &Mutex<Option<Work>>| from.lock().unwrap_or_else(PoisonError::into_inner).take();
    let started = Builder::new().name(name.to_owned()).spawn(move || {
        if let Some(work) = take(&theirs) {
            work();
        }
    });
    match started {
        Ok(_) => Ok(()),
        Err(_) => take(&shared).map_or(Ok(()), Err),
    }
}

/// Does `work` in a thread of its own and gives the place where its result will be; where no
/// thread can be had, does it at once. Work that panics has no result.
pub fn elsewhere<T: Send + 'static>(
    starter: Starter,
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Receiver<T> {
    let (sender, receiver) = mpsc::channel();
    let work = Box::new(move || {
        // Nobody may be waiting any more: the result is of no use then.
        let _ = sender.send(work());
    });
    if let Err(work) = starter(name, work) {
        // It would have ended its thread, and no more than that.
        let _ = catch_unwind(AssertUnwindSafe(work));
    }
    receiver
}

/// A machine that has no thread left, for tests.
#[cfg(test)]
pub(crate) fn none_left(_name: &str, work: Work) -> Result<(), Work> {
    Err(work)
}

#[cfg(test)]
mod tests {
    use std::thread::current;

    use super::*;

    #[test]
    fn work_is_done_in_a_thread_of_its_name() {
        let name = elsewhere(start, "a test", || current().name().map(str::to_owned));
        assert_eq!(name.recv(), Ok(Some("a test".to_owned())));
    }

    #[test]
    fn work_is_done_at_once_where_no_thread_is_left() {
        let here = current().id();
        let done = elsewhere(none_left, "a test", || current().id());
        assert_eq!(done.try_recv(), Ok(here));
    }

    #[test]
    fn work_that_panics_has_no_result_wherever_it_is_done() {
        for starter in [start, none_left] {
            let nothing = elsewhere(starter, "a test", || panic!("a panic of the tests"));
            let nothing: Result<(), _> = nothing.recv();
            assert!(nothing.is_err());
        }
    }
}
