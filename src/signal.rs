//! The wish to stop: asked for by a signal that would end the process, or by a test.
//!
//! The first signal stops the running step; what has to be undone is still undone and
//! the post scripts still run. A second one skips the scripts, never the undo.

pub mod listening;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{getpgid, getpgrp, getppid, getsid};
use signal_hook::consts::SIGTSTP;
use signal_hook::low_level::emulate_default_handler;

/// How often a wait looks for signals where no thread waits for them.
const LOOK: Duration = Duration::from_millis(100);

/// A shared wish to stop. Cloning shares it.
#[derive(Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<StopState>,
    changed: Condvar,
    /// Signals that nobody listens to, for no thread could be had: they are looked for.
    raised: OnceLock<Vec<Raised>>,
}

/// A signal, and whether it came since somebody looked.
struct Raised(i32, Arc<AtomicBool>);

#[derive(Default)]
struct StopState {
    /// The first signal.
    signal: Option<i32>,
    /// How many signals came.
    count: u32,
    /// Called at each signal, each of them: they end reads that block, several at the same time
    /// where several devices are asked.
    interrupts: BTreeMap<u64, Arc<dyn Fn() + Send + Sync>>,
    /// How many were registered so far.
    registered: u64,
    /// Called then, with the signal and how many have come: answers whoever sent it.
    answer: Option<Arc<dyn Fn(i32, u32) + Send + Sync>>,
    /// How many are being answered at this moment.
    answering: u32,
    /// Asked when somebody wants this process to stand still (`^Z`): whether it may.
    may_stand_still: Option<Arc<dyn Fn(i32) -> bool + Send + Sync>>,
}

impl Stop {
    /// A wish that nobody has expressed yet. One that stays so shields an undo.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop, because of this signal.
    pub fn request(&self, signal: i32) {
        let (interrupts, answer, count) = {
            let mut state = self.state();
            state.signal.get_or_insert(signal);
            state.count += 1;
            state.answering += u32::from(state.answer.is_some());
            let interrupts: Vec<_> = state.interrupts.values().cloned().collect();
            (interrupts, state.answer.clone(), state.count)
        };
        // First what ends a step: a terminal may keep whoever answers waiting.
        self.0.changed.notify_all();
        for interrupt in interrupts {
            interrupt();
        }
        if let Some(answer) = answer {
            let _under_way = UnderWay(self);
            answer(signal, count);
        }
    }

    /// While the guard lives `answer` answers each signal, with its number and with how many have
    /// come; at once if one is there.
    pub fn answered_by(&self, answer: &Arc<dyn Fn(i32, u32) + Send + Sync>) -> Answering {
        self.look();
        let before = {
            let mut state = self.state();
            state.answer = Some(Arc::clone(answer));
            state.signal.map(|signal| (signal, state.count))
        };
        if let Some((signal, count)) = before {
            answer(signal, count);
        }
        Answering(self.clone())
    }

    /// From now on `may` decides whether this signal (`^Z`: SIGTSTP) stops this process. One that has something to put
    /// back says no.
    pub fn standing_still_if(&self, may: Arc<dyn Fn(i32) -> bool + Send + Sync>) {
        self.state().may_stand_still = Some(may);
    }

    /// Somebody wants this process to stand still, by this signal.
    fn stand_still(&self, signal: i32) {
        let may = self.state().may_stand_still.clone();
        // Where no shell is there to let it go on, the system stops nobody.
        if may.is_none_or(|may| may(signal)) && has_shell() {
            // Nothing can be done about a process that cannot be stopped.
            let _ = emulate_default_handler(SIGTSTP);
        }
    }

    /// Whether anybody asked to stop.
    pub fn is_requested(&self) -> bool {
        self.look();
        self.state().count > 0
    }

    /// Whether it was asked more than once: scripts are skipped then.
    pub fn is_urgent(&self) -> bool {
        self.look();
        self.state().count > 1
    }

    /// The first signal that asked.
    pub fn signal(&self) -> Option<i32> {
        self.look();
        self.state().signal
    }

    /// Runs `interrupt` at each request while the guard lives; at once if one is there.
    pub fn interrupting(&self, interrupt: &Arc<dyn Fn() + Send + Sync>) -> Interrupting {
        self.look();
        let (number, requested) = {
            let mut state = self.state();
            state.registered += 1;
            let number = state.registered;
            state.interrupts.insert(number, Arc::clone(interrupt));
            (number, state.count > 0)
        };
        if requested {
            interrupt();
        }
        Interrupting {
            stop: self.clone(),
            number,
        }
    }

    /// Waits, but not longer than until a request is there.
    pub fn wait(&self, duration: Duration) {
        let started = Instant::now();
        let longest = match self.0.raised.get() {
            Some(_) => LOOK,
            None => Duration::MAX,
        };
        while !self.is_requested() {
            let left = duration.saturating_sub(started.elapsed());
            if left.is_zero() {
                return;
            }
            let state = self.state();
            if state.count == 0 {
                drop(
                    self.0
                        .changed
                        .wait_timeout(state, left.min(longest))
                        .unwrap_or_else(PoisonError::into_inner),
                );
            }
        }
    }

    /// Looks for signals where no thread waits for them.
    fn look(&self) {
        for Raised(signal, raised) in self.0.raised.get().into_iter().flatten() {
            if raised.swap(false, Ordering::SeqCst) {
                self.request(*signal);
            }
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
pub struct Interrupting {
    stop: Stop,
    number: u64,
}

impl Drop for Interrupting {
    fn drop(&mut self) {
        self.stop.state().interrupts.remove(&self.number);
    }
}

/// An answer that is being given. It is over whichever way it ends.
struct UnderWay<'s>(&'s Stop);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.state().answering -= 1;
        self.0.0.changed.notify_all();
    }
}

/// Keeps an answer registered with a [`Stop`].
#[derive(Debug)]
pub struct Answering(Stop);

impl Drop for Answering {
    /// What a signal has ended may be over before the signal is answered: the answer is waited for.
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.answer = None;
        while state.answering > 0 {
            let waited = self.0.0.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Whether whoever started this process is one that can let it go on: of the same session, and of another group.
fn has_shell() -> bool {
    let Some(parent) = getppid() else { return false };
    let same_session = getsid(Some(parent)).is_ok_and(|session| getsid(None) == Ok(session));
    let other_group = getpgid(Some(parent)).is_ok_and(|group| group != getpgrp());
    same_session && other_group
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    use super::*;

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
    fn signals_are_looked_for_where_no_thread_is_left_to_wait_for_them() {
        let stop = Stop::new();
        let flags = [SIGTERM, SIGINT].map(|signal| Raised(signal, Arc::default()));
        let [term, int] = flags.each_ref().map(|Raised(_, flag)| Arc::clone(flag));
        assert!(stop.0.raised.set(flags.into()).is_ok());
        assert!(!stop.is_requested());
        stop.wait(Duration::from_millis(1));
        term.store(true, Ordering::SeqCst);
        stop.wait(Duration::from_secs(3600));
        assert!(stop.is_requested() && !stop.is_urgent());
        int.store(true, Ordering::SeqCst);
        assert_eq!((stop.is_urgent(), stop.signal()), (true, Some(SIGTERM)));
    }

    #[test]
    fn each_signal_is_answered_and_one_that_came_before_anybody_could_at_once() {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<dyn Fn(i32, u32) + Send + Sync> = {
            let answers = Arc::clone(&answers);
            Arc::new(move |signal, count| answers.lock().expect("no panic").push((signal, count)))
        };
        let stop = Stop::new();
        stop.request(SIGHUP);
        let guard = stop.answered_by(&answer);
        stop.request(SIGINT);
        drop(guard);
        stop.request(SIGINT);
        assert_eq!(*answers.lock().expect("no panic"), [(SIGHUP, 1), (SIGINT, 2)]);
    }

    #[test]
    fn what_a_signal_has_ended_waits_for_the_answer_to_it() {
        let (answers, told) = channel();
        let (goes_on, waits) = channel::<()>();
        let (answers, waits) = (Mutex::new(answers), Mutex::new(waits));
        let stop = Stop::new();
        let guard = stop.answered_by(
            &(Arc::new(move |signal, _| {
                let _ = waits.lock().expect("no panic").recv();
                let _ = answers.lock().expect("no panic").send(signal);
            }) as Arc<dyn Fn(i32, u32) + Send + Sync>),
        );
        let other = stop.clone();
        let asker = std::thread::spawn(move || other.request(SIGINT));
        stop.wait(Duration::from_secs(3600));
        let releaser = std::thread::spawn(move || drop(goes_on));
        drop(guard);
        assert_eq!(
            told.try_recv(),
            Ok(SIGINT),
            "it was answered before the guard went"
        );
        asker.join().expect("no panic");
        releaser.join().expect("no panic");
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

    #[test]
    fn a_request_ends_everything_that_is_going_on_at_the_same_time() {
        let called = Arc::new(Mutex::new(Vec::new()));
        let noting = |name: &'static str| -> Arc<dyn Fn() + Send + Sync> {
            let called = Arc::clone(&called);
            Arc::new(move || called.lock().expect("no panic with the lock").push(name))
        };
        let stop = Stop::new();
        let first = stop.interrupting(&noting("first"));
        let _second = stop.interrupting(&noting("second"));
        let _third = stop.interrupting(&noting("third"));
        drop(first);
        stop.request(SIGINT);
        assert_eq!(
            *called.lock().expect("no panic with the lock"),
            ["second", "third"]
        );
    }
}
