//! Patterns over device and domain names.

/// A list of patterns, as written in the plan file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternList {}
