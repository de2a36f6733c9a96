//! Limits of every wait for a device.

use std::fmt;
use std::time::Duration;

use crate::values::duration::HumanDuration;

/// The `timeouts` table: no wait for a device is without a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up, TCP and TLS.
    pub connect: Duration,
    /// A small request, answer included.
    pub request: Duration,
    /// An export, from request to last byte.
    pub export: Duration,
    /// A secure backup, until its manifest is there.
    pub secure_backup: Duration,
    /// No byte arrived for so long, once the answer has begun.
    pub idle: Duration,
}

/// How long one request may last, its answer included, and the key of the plan file that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimit {
    /// From its first byte to the last one of its answer.
    pub time: Duration,
    key: Option<&'static str>,
}

impl Timeouts {
    /// Of a small request.
    pub fn of_request(&self) -> RequestLimit {
        RequestLimit::set_by("timeouts.request", self.request)
    }

    /// Of what moves a file.
    pub fn of_export(&self) -> RequestLimit {
        RequestLimit::set_by("timeouts.export", self.export)
    }

    /// Of the request for a secure backup, which some devices answer when it is made.
    pub fn of_secure_backup(&self) -> RequestLimit {
        RequestLimit::set_by("timeouts.secure_backup", self.secure_backup)
    }
}

impl RequestLimit {
    fn set_by(key: &'static str, time: Duration) -> Self {
        Self { time, key: Some(key) }
    }

    /// One that no key sets.
    pub fn of_its_own(time: Duration) -> Self {
        Self { time, key: None }
    }
}

/// As long as it is, and the key.
impl fmt::Display for RequestLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = HumanDuration(self.time);
        match self.key {
            Some(key) => write!(f, "{time} ({key})"),
            None => write!(f, "{time}"),
        }
    }
}
