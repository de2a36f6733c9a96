//! A clock for tests, in which minutes take no time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dpbackup::clock::{Clock, SystemClock};
use dpbackup::signal::Stop;
use dpbackup::values::boot_time::BootTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A clock that only sleeping moves. Cloning shares it.
#[derive(Clone)]
pub(crate) struct TestClock {
    start: Timestamp,
    /// The moment of a boot in which it starts.
    boot: BootTime,
    slept: Arc<Mutex<Duration>>,
    /// How far somebody has set the time of day forward or back.
    stepped: Arc<Mutex<SignedDuration>>,
    zone: TimeZone,
    /// A sleep passes so many times its length.
    haste: u32,
}

impl TestClock {
    /// Starts at this time, in UTC.
    pub(crate) fn at(start: &str) -> Self {
        let start: Timestamp = start.parse().expect("a time");
        let boot = BootTime {
            boot: "of the tests".to_owned(),
            up: start.duration_since(Timestamp::UNIX_EPOCH).unsigned_abs(),
        };
        Self {
            start,
            boot,
            slept: Arc::default(),
            stepped: Arc::default(),
            zone: TimeZone::UTC,
            haste: 1,
        }
    }

    /// Starts in the night in which most tests are.
    pub(crate) fn night() -> Self {
        Self::at("2026-11-22T01:00:00Z")
    }

    /// Starts that night at a time no part of which is zero: names of files and tables show all of it.
    pub(crate) fn odd_night() -> Self {
        Self::at("2026-11-22T01:02:03.004Z")
    }

    /// Starts at the present of this boot of the machine: it can tell how old is what a binary has
    /// written.
    pub(crate) fn now() -> Self {
        let boot = SystemClock::new().boot_time();
        Self {
            boot: boot.expect("a machine that tells how long it is up"),
            ..Self::at(&Timestamp::now().to_string())
        }
    }

    /// The same, each sleep so many times as long: fewer looks at a device, each of which
    /// takes real time.
    pub(crate) fn hurrying(mut self, haste: u32) -> Self {
        self.haste = haste;
        self
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, duration: Duration) {
        *self.slept.lock().expect("no panic with the lock") += duration;
    }

    /// Sets the time of day, without any time passing.
    pub(crate) fn step(&self, by: SignedDuration) {
        *self.stepped.lock().expect("no panic with the lock") += by;
    }

    fn true_time(&self) -> Timestamp {
        let slept = *self.slept.lock().expect("no panic with the lock");
        self.start.checked_add(slept).expect("within time")
    }

    /// The same clock for a simulated gateway.
    pub(crate) fn for_gateway(&self) -> crate::simulator::Clock {
        let clock = self.clone();
        crate::simulator::Clock::told(move || clock.now())
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let stepped = *self.stepped.lock().expect("no panic with the lock");
        self.true_time().checked_add(stepped).expect("within time")
    }

    fn elapsed(&self) -> Duration {
        *self.slept.lock().expect("no panic with the lock")
    }

    fn boot_time(&self) -> Option<BootTime> {
        Some(BootTime {
            boot: self.boot.boot.clone(),
            up: self.boot.up + self.elapsed(),
        })
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        if !stop.is_requested() {
            self.pass(duration * self.haste);
        }
    }

    fn zone(&self) -> TimeZone {
        self.zone.clone()
    }
}

/// A clock that does something after each sleep, and is told how late it is.
pub(crate) struct Eventful<F>(TestClock, Mutex<F>);

impl<F: FnMut(Duration) + Send> Eventful<F> {
    pub(crate) fn new(clock: &TestClock, act: F) -> Self {
        Self(clock.clone(), Mutex::new(act))
    }
}

impl<F: FnMut(Duration) + Send> Clock for Eventful<F> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn boot_time(&self) -> Option<BootTime> {
        self.0.boot_time()
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        self.0.sleep(duration, stop);
        let mut act = self.1.lock().expect("no panic with the lock");
        act(self.0.elapsed());
    }

    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}
