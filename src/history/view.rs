//! What history answers: rows of executions, files and notes, as plain data.

pub(super) mod execution;
pub(super) mod file;
pub(super) mod filter;
pub(super) mod rehearsal;
pub(super) mod target;
