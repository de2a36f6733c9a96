//! The wish to stop: asked for by SIGINT, SIGTERM or SIGHUP, or by a test.
//!
//! The first signal stops the running step; what has to be undone is still undone and
//! the post scripts still run. A second one skips the scripts, never the undo.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

/// A shared wish to stop. Cloning shares it.
#[derive(Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<StopState>,
    changed: Condvar,
}

#[derive(Default)]
struct StopState {
    /// The first signal.
    signal: Option<i32>,
    /// How many signals came.
    count: u32,
    /// Called at each signal: ends a read that blocks.
    interrupt: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Stop {
    /// A wish that nobody has expressed yet. One that stays so shields an undo.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop, because of this signal.
    pub fn request(&self, signal: i32) {
        let interrupt = {
            let mut state = self.state();
            state.signal.get_or_insert(signal);
            state.count += 1;
            state.interrupt.clone()
        };
        self.0.changed.notify_all();
        if let Some(interrupt) = interrupt {
            interrupt();
        }
    }

    /// Whether anybody asked to stop.
    pub fn is_requested(&self) -> bool {
        self.state().count > 0
    }

    /// Whether it was asked more than once: scripts are skipped then.
    pub fn is_urgent(&self) -> bool {
        self.state().count > 1
    }

    /// The first signal that asked.
    pub fn signal(&self) -> Option<i32> {
        self.state().signal
    }

    /// Runs `interrupt` at each request while the guard lives; at once if one is there.
    pub fn interrupting(&self, interrupt: &Arc<dyn Fn() + Send + Sync>) -> Interrupting {
        let requested = {
            let mut state = self.state();
            state.interrupt = Some(Arc::clone(interrupt));
            state.count > 0
        };
        if requested {
            interrupt();
        }
        Interrupting(self.clone())
    }

    /// Waits, but not longer than until a request is there.
    pub fn wait(&self, duration: Duration) {
        let deadline = Instant::now() + duration;
        let mut state = self.state();
        while state.count == 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self
                .0
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn state(&self) -> MutexGuard<'_, StopState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.signal()).finish()
    }
}

/// Keeps an interrupt registered with a [`Stop`].
#[derive(Debug)]
pub struct Interrupting(Stop);

impl Drop for Interrupting {
    fn drop(&mut self) {
        self.0.state().interrupt = None;
    }
}

/// Turns the signals of this process into requests to `stop`, from a thread of its own.
///
/// A signal that the process was started to ignore stays ignored: `nohup` means that the
/// end of a terminal is not the end of the run. A write beyond the limit on the size of
/// files becomes an error of that write, where it would kill the process in the middle.
pub fn listen(stop: &Stop) -> io::Result<()> {
    // What cannot be read is taken for what is usual: nothing is ignored.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored(&status);
    let heeded = [SIGHUP, SIGINT, SIGTERM]
        .into_iter()
        .filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = Signals::new(heeded)?;
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let stop = stop.clone();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                stop.request(signal);
            }
        })?;
    Ok(())
}

/// The ignored signals in the text of `/proc/self/status`, a bit each, signal 1 first.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn ignored_signals_stand_in_a_mask() {
        assert_eq!(
            ignored("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"),
            0x1001
        );
        assert_eq!(ignored("Name:\tx\n"), 0);
        assert_eq!(ignored("SigIgn:\tnonsense\n"), 0);
    }

    #[test]
    fn the_first_signal_is_kept_and_the_second_is_urgent() {
        let stop = Stop::new();
        assert!(!stop.is_requested());
        stop.request(SIGTERM);
        assert!(stop.is_requested() && !stop.is_urgent());
        stop.request(SIGINT);
        assert_eq!((stop.signal(), stop.is_urgent()), (Some(SIGTERM), true));
    }

    #[test]
    fn a_wait_ends_with_a_request() {
        let stop = Stop::new();
        let other = stop.clone();
        let asker = std::thread::spawn(move || other.request(SIGINT));
        stop.wait(Duration::from_secs(3600));
        assert!(stop.is_requested());
        asker.join().expect("the asking thread does not panic");
    }

    #[test]
    fn an_interrupt_runs_at_a_request_and_at_once_if_there_was_one() {
        let calls = Arc::new(AtomicUsize::new(0));
        let count: Arc<dyn Fn() + Send + Sync> = {
            let calls = Arc::clone(&calls);
            Arc::new(move || {
                calls.fetch_add(1, Ordering::SeqCst);
            })
        };
        let stop = Stop::new();
        let guard = stop.interrupting(&count);
        stop.request(SIGINT);
        drop(guard);
        stop.request(SIGINT);
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        let _guard = stop.interrupting(&count);
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }
}
