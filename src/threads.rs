//! Threads, where they can be had.
//!
//! The decisions of a run are made in one thread. Others exist for what knows no limit of its
//! own (a look-up of a name, a receiver that trickles), and a machine may have none left
//! (`ulimit -u`, the limit of a container). Nothing panics then: what would have been done
//! elsewhere is done by whoever asked for it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvError, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

/// How long a disk is waited for while a device is, or may be, out of service: a server of NFS that starts anew takes
/// longer at times, and then the backup fails and the device is put back.
pub const DISK_ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// How often a limit that may become shorter is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// So far behind the others a thread stands that lets them go first. It gets a third of what one of them gets, and not
/// nothing: at the end it is waited for.
#[cfg(target_os = "linux")]
const BEHIND: i32 = 5;

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

/// From now on this thread lets others go first: it computes what nobody waits for yet. Linux alone knows that of a thread;
/// elsewhere the whole process would stand back.
pub fn stand_back() {
    #[cfg(target_os = "linux")]
    let _as_it_was = rustix::process::nice(BEHIND);
}

/// Does `work` in a thread of its own and gives the place where its result will be; where no
/// thread can be had, does it at once. Work that panics has no result.
pub fn elsewhere<T: Send + 'static>(
    starter: Starter,
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Awaited<T> {
    let (teller, result) = awaited();
    let work = Box::new(move || teller.tell(work()));
    if let Err(work) = starter(name, work) {
        // It would have ended its thread, and no more than that.
        let _ = catch_unwind(AssertUnwindSafe(work));
    }
    result
}

/// The place where a result will be. It lies beside the channel, which only tells that it is there: one channel for
/// each kind of result was a hundredth of the whole program.
#[derive(Debug)]
pub struct Awaited<T> {
    place: Arc<Mutex<Option<T>>>,
    told: Receiver<()>,
}

/// Whoever will have the result.
#[derive(Debug)]
pub struct Teller<T> {
    place: Arc<Mutex<Option<T>>>,
    tells: Sender<()>,
}

/// A place for a result, and who is to put it there.
pub fn awaited<T>() -> (Teller<T>, Awaited<T>) {
    let place = Arc::new(Mutex::new(None));
    let (tells, told) = mpsc::channel();
    let teller = Teller {
        place: Arc::clone(&place),
        tells,
    };
    (teller, Awaited { place, told })
}

impl<T> Teller<T> {
    /// Puts it there. Where nobody waits any more, it is of no use.
    pub fn tell(self, result: T) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        let _ = self.tells.send(());
    }
}

impl<T> Awaited<T> {
    /// Waits for the result.
    ///
    /// # Errors
    ///
    /// There will be none: it was taken, or whoever was to tell it is gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.told.recv()?;
        self.take().ok_or(RecvError)
    }

    /// The same, for so long.
    ///
    /// # Errors
    ///
    /// There will be none, or there is none by then.
    pub fn recv_timeout(&self, limit: Duration) -> Result<T, RecvTimeoutError> {
        self.told.recv_timeout(limit)?;
        self.take().ok_or(RecvTimeoutError::Disconnected)
    }

    /// The same, at once.
    ///
    /// # Errors
    ///
    /// There will be none, or there is none yet.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.told.try_recv()?;
        self.take().ok_or(TryRecvError::Disconnected)
    }

    fn take(&self) -> Option<T> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The same for what may stand in a disk that hangs: its result, where that comes within `limit`. `None` of work that
/// goes on by itself, or that has panicked.
pub fn within<T: Send + 'static>(
    starter: Starter,
    name: &str,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    elsewhere(starter, name, work).recv_timeout(limit).ok()
}

/// The same where the limit may become shorter meanwhile.
pub fn within_changing<T: Send + 'static>(
    starter: Starter,
    name: &str,
    limit: &dyn Fn() -> Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let started = Instant::now();
    let done = elsewhere(starter, name, work);
    loop {
        let left = limit().saturating_sub(started.elapsed());
        match done.recv_timeout(left.min(LOOK)) {
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
            ended => return ended.ok(),
        }
    }
}

/// How work goes on that is done side by side.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<R> {
    /// The work with this number begins.
    Begun(usize),
    /// This came of it.
    Ended(usize, R),
}

/// Does `work` with the numbers from 0 to `count`, up to `most` of them at the same time, and
/// tells `hear`, in this thread, when each begins and what came of it, in whatever order that
/// happens. It returns when all has ended.
///
/// Fewer threads do where fewer can be had; where there is none, this one does it all, one after
/// another. A panic in the work comes out here, when what goes on beside it has ended; nothing
/// more is begun then.
pub fn side_by_side<R: Send>(
    name: &str,
    most: usize,
    count: usize,
    work: &(dyn Fn(usize) -> R + Sync),
    hear: &mut dyn FnMut(Step<R>),
) {
    let next = AtomicUsize::new(0);
    let take = || Some(next.fetch_add(1, Ordering::SeqCst)).filter(|number| *number < count);
    let panicked = thread::scope(|scope| {
        let (sender, steps) = mpsc::channel();
        let mut wanted = count.min(most);
        while wanted > 0 {
            let (sender, take, next) = (sender.clone(), &take, &next);
            let worker = move || {
                while let Some(number) = take() {
                    // Nobody hears any more where hearing has panicked: then it is over.
                    if sender.send(Step::Begun(number)).is_err() {
                        return;
                    }
                    let outcome = catch_unwind(AssertUnwindSafe(|| work(number)));
                    if outcome.is_err() {
                        next.store(count, Ordering::SeqCst);
                    }
                    if sender.send(Step::Ended(number, outcome)).is_err() {
                        return;
                    }
                }
            };
            if Builder::new()
                .name(name.to_owned())
                .spawn_scoped(scope, worker)
                .is_err()
            {
                break;
            }
            wanted -= 1;
        }
        drop(sender);
        let mut panicked = None;
        for step in steps {
            match step {
                Step::Begun(number) => hear(Step::Begun(number)),
                Step::Ended(number, Ok(result)) => hear(Step::Ended(number, result)),
                Step::Ended(_, Err(panic)) => panicked = panicked.or(Some(panic)),
            }
        }
        panicked
    });
    if let Some(panic) = panicked {
        resume_unwind(panic);
    }
    // No thread could be had: nothing has been taken yet.
    while let Some(number) = take() {
        hear(Step::Begun(number));
        hear(Step::Ended(number, work(number)));
    }
}

/// A machine that has no thread left, for tests.
#[cfg(test)]
pub(crate) fn none_left(_name: &str, work: Work) -> Result<(), Work> {
    Err(work)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::thread::{ThreadId, current};

    use super::*;
    use crate::values::internal_error::caught;

    /// What was heard of some work, and the threads that did it.
    fn side_by_side_by(
        most: usize,
        count: usize,
        work: impl Fn(usize) + Sync,
    ) -> (Vec<usize>, BTreeSet<String>) {
        let (mut begun, mut ended) = (BTreeSet::new(), Vec::new());
        let mut threads: BTreeSet<String> = BTreeSet::new();
        let shown = |id: ThreadId| format!("{id:?}");
        let work = |number| {
            work(number);
            current().id()
        };
        side_by_side("a test", most, count, &work, &mut |step| match step {
            Step::Begun(number) => assert!(begun.insert(number), "{number} begins once"),
            Step::Ended(number, thread) => {
                assert!(begun.contains(&number), "{number} has begun");
                ended.push(number);
                threads.insert(shown(thread));
            }
        });
        ended.sort_unstable();
        (ended, threads)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_that_stands_back_does_so_alone() {
        let priority = || rustix::process::getpriority_process(None).expect("told");
        let before = priority();
        let stands = elsewhere(start, "stands back", move || {
            stand_back();
            priority()
        });
        assert_eq!(stands.recv(), Ok((before + BEHIND).min(19)));
        assert_eq!(priority(), before);
    }

    #[test]
    fn whoever_waits_within_a_limit_that_becomes_shorter_ends_by_that() {
        let hour = Duration::from_secs(3600);
        let asked = std::cell::Cell::new(0);
        let shorter = || {
            asked.set(asked.get() + 1);
            if asked.get() < 3 { hour } else { Duration::ZERO }
        };
        let (never, silent) = mpsc::channel::<()>();
        let waits = within_changing(start, "waits", &shorter, move || silent.recv().is_ok());
        assert_eq!((waits, asked.get()), (None, 3));
        drop(never);
        assert_eq!(within_changing(start, "is done", &|| hour, || 7), Some(7));
        let panics = || panic!("a mistake of the tests");
        assert_eq!(within_changing::<()>(start, "panics", &|| hour, panics), None);
    }

    #[test]
    fn everything_is_done_once_by_no_more_threads_than_wanted() {
        for (most, count) in [(1, 7), (3, 7), (64, 7), (64, 0), (5, 5)] {
            let (ended, threads) = side_by_side_by(most, count, |_| {});
            assert_eq!(ended, Vec::from_iter(0..count));
            assert!(threads.len() <= most.min(count), "{threads:?}");
        }
    }

    #[test]
    fn as_much_as_wanted_goes_on_at_the_same_time() {
        // Nobody passes before all four are there.
        let barrier = Barrier::new(4);
        let (ended, threads) = side_by_side_by(4, 8, |_| {
            barrier.wait();
        });
        assert_eq!((ended, threads.len()), (Vec::from_iter(0..8), 4));
    }

    #[test]
    fn where_no_thread_is_left_this_one_does_it_all_in_order() {
        let mut steps = Vec::new();
        let here = current().id();
        let work = |number: usize| {
            assert_eq!(current().id(), here);
            number * 2
        };
        side_by_side("a test", 0, 3, &work, &mut |step| steps.push(step));
        let expected: Vec<_> = (0..3)
            .flat_map(|number| [Step::Begun(number), Step::Ended(number, number * 2)])
            .collect();
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_panic_in_one_of_them_comes_out_here_and_begins_nothing_more() {
        for most in [0, 1, 2] {
            let mut begun = 0;
            let outcome = caught(|| {
                let work = |number| assert!(number < 2, "a panic of the tests");
                side_by_side("a test", most, 1000, &work, &mut |step| {
                    begun += usize::from(matches!(step, Step::Begun(_)));
                });
            });
            let words = outcome.expect_err("a panic").to_string();
            assert!(words.contains("a panic of the tests"), "{words}");
            assert!(begun < 1000, "{begun}");
        }
    }

    #[test]
    fn a_panic_of_whoever_hears_ends_the_work() {
        for most in [0, 2] {
            let outcome = caught(|| {
                side_by_side("a test", most, 1000, &|_| {}, &mut |_| {
                    panic!("a panic of the tests")
                });
            });
            assert!(outcome.is_err());
        }
    }

    #[test]
    fn work_is_done_in_a_thread_of_its_name() {
        let name = elsewhere(start, "a test", || current().name().map(str::to_owned));
        assert_eq!(name.recv(), Ok(Some("a test".to_owned())));
    }

    #[test]
    fn work_that_does_not_end_is_not_waited_for_beyond_its_limit() {
        let (release, held) = mpsc::channel::<()>();
        let stands = move || held.recv().is_ok();
        assert_eq!(within(start, "a test", Duration::from_millis(1), stands), None);
        drop(release);
        let long = Duration::from_secs(600);
        assert_eq!(within(start, "a test", long, || 7), Some(7));
        assert_eq!(within(none_left, "a test", Duration::ZERO, || 7), Some(7));
        let panics = || -> u8 { panic!("a panic of the tests") };
        assert_eq!(within(start, "a test", long, panics), None);
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
