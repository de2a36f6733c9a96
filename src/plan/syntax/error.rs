//! An error of syntax, as it is told.

use std::ops::Range;

/// An error of syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) struct SyntaxError {
    /// The bytes that it is about.
    pub(in crate::plan) span: Range<usize>,
    pub(in crate::plan) title: String,
    /// What is said of the place.
    pub(in crate::plan) label: String,
    /// How it is written right.
    pub(in crate::plan) help: String,
}
