//! A lock that is waited for: a plan's, or a device's. Whom one waits for is shown meanwhile.

use std::time::Duration;

use crate::clock::Clock;
use crate::lock::{Asked, Holder, Lock, LockError, Locks};
use crate::plan::model::Device;
use crate::run::Engine;
use crate::run::error::RunTrouble;
use crate::run::event::{Owner, Progress};
use crate::run::record::Record;
use crate::signal::Stop;
use crate::values::duration::HumanDuration;

/// A wait is noted once it has lasted so long: others that are just ending are no news.
const NEWS: Duration = Duration::from_secs(2);

/// What only one process may work on at a time.
#[derive(Clone, Copy, Debug)]
pub enum LockFor<'a> {
    /// A plan of this name.
    Plan(&'a str),
    /// A device. Its lock is named after the address: two plan files may have two names for one
    /// device.
    Device(&'a Device),
    /// The device with this serial number, under whichever of its names and addresses.
    SerialNumber {
        /// The name that it has here.
        device: &'a Device,
        serial: &'a str,
    },
    /// A device of which only the name is known any more.
    FormerDevice(&'a str),
}

/// What came of the wait.
#[derive(Debug)]
pub enum LockOutcome {
    /// The lock is ours until this is dropped.
    Held(Lock),
    /// Somebody asked to stop while another had it.
    Stopped,
    /// Another had it all the time: who, as far as its lock says.
    Busy(String),
}

/// What is said of a lock that another had as long as it was waited for.
pub fn busy(holder: &str, waited: Duration) -> String {
    match waited {
        Duration::ZERO => format!("held by {holder}; --lock-wait 10m waits for it"),
        waited => format!(
            "held by {holder}, and all the time that it was waited for ({})",
            HumanDuration(waited)
        ),
    }
}

/// How a lock is waited for.
#[derive(Clone, Copy)]
pub struct LockWait<'w> {
    /// Where the locks are.
    pub locks: &'w Locks,
    /// By which time is told.
    pub clock: &'w dyn Clock,
    /// The wish to stop, which ends the wait.
    pub stop: &'w Stop,
    /// What others are told that it is held for.
    pub purpose: &'w str,
    /// How long at most.
    pub limit: Duration,
}

impl LockFor<'_> {
    fn lock_name(self) -> String {
        match self {
            LockFor::Plan(name) => format!("plan-{name}"),
            LockFor::Device(device) => format!("device-{}-{}", device.address().plain_host(), device.port),
            LockFor::SerialNumber { serial, .. } => format!("device-serial-{serial}"),
            LockFor::FormerDevice(name) => format!("device-named-{name}"),
        }
    }

    fn device(self) -> Option<String> {
        match self {
            LockFor::Plan(_) => None,
            LockFor::Device(device) | LockFor::SerialNumber { device, .. } => Some(device.name.clone()),
            LockFor::FormerDevice(name) => Some(name.to_owned()),
        }
    }

    fn words(self) -> &'static str {
        match self {
            LockFor::Plan(_) => "plan lock",
            LockFor::Device(_) | LockFor::SerialNumber { .. } | LockFor::FormerDevice(_) => "device lock",
        }
    }
}

impl<'w> LockWait<'w> {
    /// The wait of something that an engine does.
    pub fn of(engine: Engine<'w>, purpose: &'w str, limit: Duration) -> Self {
        Self {
            locks: engine.locks,
            clock: engine.clock,
            stop: engine.stop,
            purpose,
            limit,
        }
    }

    /// Waits until the lock is ours, the limit is reached or somebody asks to stop.
    pub fn take(self, what: LockFor<'_>, show: &mut dyn FnMut(&Progress)) -> Result<LockOutcome, LockError> {
        let limit = self.limit;
        let asked = self.locks.wait(
            &what.lock_name(),
            self.purpose,
            limit,
            self.clock,
            self.stop,
            &mut |holder, waited| {
                show(&Progress::Waiting {
                    device: what.device(),
                    what: format!("{} held by {}", what.words(), holder_words(holder)),
                    waited,
                    limit,
                });
            },
        );
        show(&Progress::WaitEnded);
        Ok(match asked? {
            Asked::Held(lock) => LockOutcome::Held(lock),
            Asked::Busy(_) if self.stop.is_requested() => LockOutcome::Stopped,
            Asked::Busy(holder) => LockOutcome::Busy(holder_words(holder.as_ref())),
        })
    }

    /// The same. A wait that lasts is noted at `owner`: a line that moves is seen at a terminal alone, and only as
    /// long as it stands there. `waits` is called where there is a wait at all.
    pub fn take_noted(
        self,
        what: LockFor<'_>,
        record: &mut Record<'_>,
        owner: Owner,
        waits: &mut dyn FnMut(),
    ) -> Result<LockOutcome, RunTrouble> {
        let mut noted = None;
        let taken = self.take(what, &mut |progress| {
            if let Progress::Waiting {
                device, what, waited, ..
            } = progress
            {
                waits();
                if noted.is_none() && *waited >= NEWS {
                    let device = device
                        .as_ref()
                        .map_or_else(String::new, |device| format!("{device}: "));
                    noted = Some(record.note(owner, format!("had to wait for {device}{what}")));
                }
            }
            record.show(progress);
        })?;
        noted.transpose()?;
        Ok(taken)
    }
}

fn holder_words(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another run".to_owned(), ToString::to_string)
}
