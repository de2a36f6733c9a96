//! Maintenance windows.

/// When tasks may start.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {}
