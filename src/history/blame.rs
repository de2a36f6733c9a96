//! Since when each piece of a configuration is as it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use crate::history::change::piece_of;
use crate::history::value::text;
use crate::history::{History, HistoryError};
use crate::run::event::{ALL_DOMAINS, TaskId};
use crate::values::change::{Change, ConfigPiece};

/// The newest change of a piece that history has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastChange {
    /// When it was recorded.
    pub time: Timestamp,
    /// The task that recorded it.
    pub task: TaskId,
    /// What became of the piece.
    pub change: Change,
}

/// The newest export of which it is not known, or not in full, what it changed: the first one of
/// a domain, one whose predecessor was gone, one with more changes than are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotKnownBefore {
    /// When it was recorded.
    pub time: Timestamp,
    pub task: TaskId,
}

/// SQLite takes the other columns from the row with the largest id.
pub(super) const LAST_CHANGES: &str = "SELECT max(id), piece, class, name, change, time, task_execution_id
     FROM config_change WHERE device_name = ?1 AND domain_name = ?2 AND kind = 'persisted'
         AND task_execution_id <= ?3
     GROUP BY piece, class, name";

pub(super) const NOT_KNOWN_BEFORE: &str = "SELECT f.time, f.task_execution_id
     FROM task_execution AS t CROSS JOIN file AS f ON f.task_execution_id = t.id
     WHERE t.device_name = ?1 AND t.domain_name = ?2 AND f.kind = 'persisted'
         AND f.unchanged_since IS NULL AND (f.changes IS NULL OR f.changes > ?3) AND t.id <= ?4
     ORDER BY t.id DESC LIMIT 1";

impl History {
    /// The newest change of each piece of the saved configuration of a domain, as of the end of a task.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn last_changes(
        &self,
        device: &str,
        domain: &str,
        until: TaskId,
    ) -> Result<BTreeMap<ConfigPiece, LastChange>, HistoryError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(LAST_CHANGES)?;
            let mut rows = statement.query((device, domain, until.0))?;
            let mut last = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let change = LastChange {
                    time: text(row, "time")?,
                    task: TaskId(row.get("task_execution_id")?),
                    change: text(row, "change")?,
                };
                last.insert(piece_of(row)?, change);
            }
            Ok(last)
        })
    }

    /// Since when, as of the end of a task, the changes of a domain are known without a gap; `kept` is how many are kept
    /// of one comparison. Nothing where it was never exported.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn not_known_before(
        &self,
        device: &str,
        domain: &str,
        kept: usize,
        until: TaskId,
    ) -> Result<Option<NotKnownBefore>, HistoryError> {
        self.read(|transaction| {
            let kept = i64::try_from(kept).unwrap_or(i64::MAX);
            let mut newest: Option<NotKnownBefore> = None;
            for domain in [domain, ALL_DOMAINS] {
                let found = transaction
                    .query_row(NOT_KNOWN_BEFORE, (device, domain, kept, until.0), |row| {
                        Ok(NotKnownBefore {
                            time: text(row, 0)?,
                            task: TaskId(row.get(1)?),
                        })
                    })
                    .optional()?;
                // Each of the two series of exports knows for itself; the domain's own goes first.
                newest = newest.or(found);
            }
            Ok(newest)
        })
    }
}
