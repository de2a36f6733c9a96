//! Sizes in bytes, and thresholds of free space.

/// How much must be free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// A share of the whole file system, in percent (0 to 100).
    Share(f64),
    /// A size in bytes.
    Size(u64),
}
