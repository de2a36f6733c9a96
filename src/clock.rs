//! Now, as a value, and sleeping that a signal can end.

use std::fs;
use std::io::ErrorKind::NotFound;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::time::{ClockId, clock_gettime};

use crate::signal::Stop;
use crate::values::boot_time::BootTime;
use crate::values::time_of_day::now;

/// Where the engine has the time from. The tests have their own, in which minutes
/// take no time. Devices that are asked at the same time share one.
pub trait Clock: Sync {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary moment; never goes back.
    fn elapsed(&self) -> Duration;

    /// How long the machine has been up: the same for every process of this boot, whatever anybody does to
    /// the time of day. `None` where the system does not tell.
    fn boot_time(&self) -> Option<BootTime>;

    /// Sleeps, or returns early once `stop` is requested.
    fn sleep(&self, duration: Duration, stop: &Stop);

    /// The zone of the machine.
    fn zone(&self) -> TimeZone;
}

/// A moment from which time is counted, whatever anybody does to the time of day.
#[derive(Clone, Debug)]
pub struct Moment {
    elapsed: Duration,
    boot: Option<BootTime>,
}

impl Moment {
    /// The present.
    pub fn now(clock: &dyn Clock) -> Self {
        Self {
            elapsed: clock.elapsed(),
            boot: clock.boot_time(),
        }
    }

    /// How long ago it was; the time in which the machine slept counts, where the system tells that.
    pub fn age(&self, clock: &dyn Clock) -> Duration {
        let awake = clock.elapsed().saturating_sub(self.elapsed);
        let now = clock.boot_time();
        let up = self.boot.as_ref().and_then(|then| now?.since(then));
        up.unwrap_or_default().max(awake)
    }
}

/// What the system calls this boot of the machine.
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id: String = id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    (!id.is_empty()).then_some(id)
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
        now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn boot_time(&self) -> Option<BootTime> {
        // Processes may be given another count of this time: moments of two counts are not compared. A kernel that
        // gives one to all has no such link.
        let count = match fs::read_link("/proc/self/ns/time") {
            Ok(count) => count,
            Err(error) if error.kind() == NotFound && fs::exists("/proc/self/ns").ok()? => PathBuf::new(),
            Err(_) => return None,
        };
        let up = clock_gettime(ClockId::Boottime);
        Some(BootTime {
            boot: format!("{} {}", boot_id()?, count.display()),
            up: Duration::try_from(up).ok()?,
        })
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        stop.wait(duration);
    }

    fn zone(&self) -> TimeZone {
        self.zone.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clocks_of_this_boot_tell_one_time_since_it() {
        let first = SystemClock::new().boot_time().expect("a system that tells");
        let later = SystemClock::new().boot_time().expect("a system that tells");
        assert_eq!(first.boot, later.boot);
        assert!(
            first.up <= later.up && !first.up.is_zero(),
            "{first:?}, {later:?}"
        );
    }
}
