//! What is kept of what was stored: under which [`rules`] a backup is, which of them they
//! [`choose`], what is [`prove`]d before anything goes, and whether the [`newest`] is there.

pub mod choose;
pub mod newest;
pub mod prove;
pub mod rules;
