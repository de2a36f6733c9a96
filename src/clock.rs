//! Now, as a value, and sleeping that a signal can end.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::signal::Stop;

/// Where the engine has the time from. The tests have their own, in which minutes
/// take no time. Devices that are asked at the same time share one.
pub trait Clock: Sync {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary moment; never goes back.
    fn elapsed(&self) -> Duration;

    /// Sleeps, or returns early once `stop` is requested.
    fn sleep(&self, duration: Duration, stop: &Stop);

    /// The zone of the machine.
    fn zone(&self) -> TimeZone;
}

/// The clock of the machine.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    zone: TimeZone,
}

impl SystemClock {
    /// Starts now, in the machine's zone.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            zone: TimeZone::system(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        stop.wait(duration);
    }

    fn zone(&self) -> TimeZone {
        self.zone.clone()
    }
}
