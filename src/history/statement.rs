//! Statements that a run needs again and again: to compile one takes longer than to run it, and so it is kept.

use rusqlite::{Connection, Params};

/// So many are kept: more than there are kinds of events and of questions that a task has.
pub(super) const KEPT: usize = 64;

/// Runs a statement that changes something, and says how many rows that were.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(parameters)
}
