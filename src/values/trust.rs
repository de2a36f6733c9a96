//! How a device's certificate is trusted.

use std::path::PathBuf;

use crate::values::hex::hex;

/// How a device's certificate is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// By the machine's own roots.
    SystemRoots,
    /// By the certificates of this PEM file.
    CaFile(PathBuf),
    /// By the SHA-256 of the DER certificate itself.
    Pin([u8; 32]),
    /// Not at all. Recorded on every task.
    Off,
}

impl std::fmt::Display for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trust::SystemRoots => f.write_str("system roots"),
            Trust::CaFile(path) => write!(f, "CA file {}", path.display()),
            Trust::Pin(pin) => write!(f, "pin {}", hex(pin)),
            Trust::Off => f.write_str("NOT VERIFIED"),
        }
    }
}
