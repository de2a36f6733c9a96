//! How a device's certificate is trusted.

use std::path::PathBuf;

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
