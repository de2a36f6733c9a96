//! Limits of every wait for a device.

use std::time::Duration;

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
