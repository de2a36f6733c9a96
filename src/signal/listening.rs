//! Which signals are listened to, and what they do.
//!
//! SIGINT, SIGTERM, SIGHUP and SIGQUIT are what people and schedulers send, and some others mean the same
//! (`STOPPING`). Those that only say something, such as the SIGUSR1 of whoever asks `dd` how far it is, are passed
//! over (`PASSED_OVER`): none of them may end a process that has something to put back.

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU,
    SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::signal_name;

use crate::signal::{Raised, Stop};
use crate::threads::{self, Starter};

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

/// Signals that stop a process until it is let go on: `^Z`, and those of a terminal to whoever reads from it, or writes
/// to it, from the background. SIGSTOP nobody can hold off.
const STANDING_STILL: [i32; 3] = [SIGTSTP, SIGTTIN, SIGTTOU];

/// Signals that have no meaning of their own. Of those below the first the C library needs some for itself.
const WITHOUT_MEANING: RangeInclusive<i32> = 34..=64;

/// Turns the signals of this process into requests to `stop`, from a thread of its own. Where
/// none can be had they are looked for between two steps and in every wait; a read that blocks
/// then ends at its limit.
///
/// A signal that the process was started to ignore stays ignored: `nohup` means that the
/// end of a terminal is not the end of the run.
pub fn listen(stop: &Stop) -> io::Result<()> {
    listen_by(threads::start, stop)
}

/// From now on a write beyond the limit on the size of files is an error of that write, where it would kill the process
/// in the middle.
pub fn outlive_file_limit() -> io::Result<()> {
    flag::register(SIGXFSZ, Arc::default()).map(|_registered| ())
}

fn listen_by(starter: Starter, stop: &Stop) -> io::Result<()> {
    let is_heard = not_ignored();
    let still = STANDING_STILL.into_iter().filter(|signal| is_heard(*signal));
    let mut signals = Signals::new(heeded().chain(still))?;
    pass_over()?;
    let requested = stop.clone();
    let listening = move || {
        for signal in signals.forever() {
            match signal {
                signal if STANDING_STILL.contains(&signal) => requested.stand_still(signal),
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

/// While what is given lives a signal goes to `end`, on a thread of its own: for a command that has nothing to put back,
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
    let answer = EndingBy {
        signals: signals.handle(),
        by_itself: Arc::default(),
    };
    let ending = move || {
        for signal in signals.forever() {
            end(signal);
        }
    };
    if starter("signals", Box::new(ending)).is_err() {
        answer.by_itself.store(true, Ordering::SeqCst);
        for signal in heeded {
            flag::register_conditional_default(signal, Arc::clone(&answer.by_itself))?;
        }
    }
    Ok(answer)
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
}
