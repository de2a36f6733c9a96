//! The wish to stop: asked for by a signal that would end the process, or by a test.
//!
//! SIGINT, SIGTERM, SIGHUP and SIGQUIT are what people and schedulers send, and some others mean the same
//! (`STOPPING`). Those that only say something, such as the SIGUSR1 of whoever asks `dd` how far it is, are passed
//! over (`PASSED_OVER`): none of them may end a process that has something to put back.
//!
//! The first signal stops the running step; what has to be undone is still undone and
//! the post scripts still run. A second one skips the scripts, never the undo.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpgid, getpgrp, getppid, getsid};
use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGTRAP, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGXCPU, SIGXFSZ,
};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::{emulate_default_handler, signal_name};

use crate::threads::{self, Starter};

/// How often a wait looks for signals where no thread waits for them.
const LOOK: Duration = Duration::from_millis(100);

/// Signals that end a process, and that somebody sends so that it ends: by `^C` and `^\\`, by `kill`, at the end of
/// a terminal, when a service does not answer, at a limit of computing time, when the power fails.
/// Not those by which the processor reports a mistake of ours: nothing could go on after them.
const STOPPING: [i32; 8] = [
    SIGHUP,
    SIGINT,
    SIGQUIT,
    SIGTRAP,
    SIGABRT,
    SIGTERM,
    SIGXCPU,
    Signal::POWER.as_raw(),
];

/// Signals that would end a process too, and by which nobody wants to end one: they change nothing.
const PASSED_OVER: [i32; 7] = [
    SIGUSR1,
    SIGUSR2,
    SIGALRM,
    SIGVTALRM,
    SIGPROF,
    SIGIO,
    Signal::STKFLT.as_raw(),
];

/// Signals that have no meaning of their own. Of those below the first the C library needs some for itself.
const WITHOUT_MEANING: RangeInclusive<i32> = 34..=64;

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
    may_stand_still: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
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

    /// From now on `may` is asked whether this process may stand still when somebody wants that (`^Z`): whoever has
    /// something to put back may not.
    pub fn standing_still_if(&self, may: Arc<dyn Fn() -> bool + Send + Sync>) {
        self.state().may_stand_still = Some(may);
    }

    /// Somebody wants this process to stand still.
    fn stand_still(&self) {
        let may = self.state().may_stand_still.clone();
        // Where no shell is there to let it go on, the system stops nobody.
        if may.is_none_or(|may| may()) && has_shell() {
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

/// Turns the signals of this process into requests to `stop`, from a thread of its own. Where
/// none can be had they are looked for between two steps and in every wait; a read that blocks
/// then ends at its limit.
///
/// A signal that the process was started to ignore stays ignored: `nohup` means that the
/// end of a terminal is not the end of the run. A write beyond the limit on the size of
/// files becomes an error of that write, where it would kill the process in the middle.
pub fn listen(stop: &Stop) -> io::Result<()> {
    listen_by(threads::start, stop)
}

fn listen_by(starter: Starter, stop: &Stop) -> io::Result<()> {
    let is_heard = not_ignored();
    let still = [SIGTSTP].into_iter().filter(|signal| is_heard(*signal));
    let mut signals = Signals::new(heeded().chain(still))?;
    flag::register(SIGXFSZ, Arc::default())?;
    pass_over()?;
    let requested = stop.clone();
    let listening = move || {
        for signal in signals.forever() {
            match signal {
                SIGTSTP => requested.stand_still(),
                signal => requested.request(signal),
            }
        }
    };
    if starter("signals", Box::new(listening)).is_ok() {
        return Ok(());
    }
    let mut raised = Vec::new();
    for signal in heeded() {
        let flag = Arc::default();
        flag::register(signal, Arc::clone(&flag))?;
        raised.push(Raised(signal, flag));
    }
    // It is listened to once; a second time what is there already serves.
    let _ = stop.0.raised.set(raised);
    Ok(())
}

/// From now on signals by which nobody wants to end a process change nothing. By a handler: what is ignored would be
/// ignored by every script too.
fn pass_over() -> io::Result<()> {
    let is_heard = not_ignored();
    for signal in PASSED_OVER.into_iter().filter(|signal| is_heard(*signal)) {
        flag::register(signal, Arc::default())?;
    }
    for signal in WITHOUT_MEANING.filter(|signal| is_heard(*signal)) {
        // One that the C library keeps for itself cannot be had, and does not end anything.
        let _ = flag::register(signal, Arc::default());
    }
    Ok(())
}

/// While the guard lives a signal goes to `end`, on a thread of its own: for a command that has nothing to put back,
/// and only says that it ends. Where no thread can be had, a signal ends the process as it always does.
///
/// Afterwards it says nothing any more: whatever this process does next answers for itself.
pub fn end_by(end: impl Fn(i32) + Send + 'static) -> io::Result<EndingBy> {
    end_by_starting(threads::start, end)
}

fn end_by_starting(starter: Starter, end: impl Fn(i32) + Send + 'static) -> io::Result<EndingBy> {
    // One that the library does not know ends the process as it always does.
    let heeded: Vec<i32> = heeded().filter(|signal| signal_name(*signal).is_some()).collect();
    let mut signals = Signals::new(&heeded)?;
    let guard = EndingBy {
        signals: signals.handle(),
        by_itself: Arc::default(),
    };
    let ending = move || {
        for signal in signals.forever() {
            end(signal);
        }
    };
    if starter("signals", Box::new(ending)).is_err() {
        guard.by_itself.store(true, Ordering::SeqCst);
        for signal in heeded {
            flag::register_conditional_default(signal, Arc::clone(&guard.by_itself))?;
        }
    }
    Ok(guard)
}

/// As long as it lives, a signal ends the process.
#[derive(Debug)]
pub struct EndingBy {
    signals: Handle,
    /// Whether the process ends as it always does, for no thread could be had.
    by_itself: Arc<AtomicBool>,
}

impl Drop for EndingBy {
    fn drop(&mut self) {
        self.signals.close();
        self.by_itself.store(false, Ordering::SeqCst);
    }
}

/// Whether whoever started this process is one that can let it go on: of the same session, and of another group.
fn has_shell() -> bool {
    let Some(parent) = getppid() else { return false };
    let same_session = getsid(Some(parent)).is_ok_and(|session| getsid(None) == Ok(session));
    let other_group = getpgid(Some(parent)).is_ok_and(|group| group != getpgrp());
    same_session && other_group
}

/// The signals that are heeded: those that the process was started to ignore stay ignored.
fn heeded() -> impl Iterator<Item = i32> {
    let is_heard = not_ignored();
    STOPPING.into_iter().filter(move |signal| is_heard(*signal))
}

/// Tells of a signal whether this process was not started to ignore it.
fn not_ignored() -> impl Fn(i32) -> bool {
    // What cannot be read is taken for what is usual: nothing is ignored.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored(&status);
    move |signal| ignored >> (signal - 1) & 1 == 0
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
    use std::sync::mpsc::{Sender, channel};

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
    fn what_ended_at_a_signal_does_not_answer_for_what_comes_after_it() {
        let ends_into = |heard: Sender<i32>| {
            end_by(move |signal| heard.send(signal).expect("the test listens")).expect("signals can be had")
        };
        let raise =
            || rustix::process::kill_process(rustix::process::getpid(), Signal::TRAP).expect("it is our own");
        let (first, heard_by_first) = channel();
        let guard = ends_into(first);
        raise();
        assert_eq!(heard_by_first.recv(), Ok(SIGTRAP));
        drop(guard);
        let (second, heard_by_second) = channel();
        let _guard = ends_into(second);
        raise();
        assert_eq!(heard_by_second.recv(), Ok(SIGTRAP));
        assert!(
            heard_by_first.recv().is_err(),
            "nobody is left who could tell the first"
        );
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
