//! What is marked on a file after it was stored: that it goes, that it is gone, or that it is not what was stored.

use jiff::Timestamp;

use crate::history::History;
use crate::history::error::{HistoryError, HistoryFault};
use crate::history::statement::execute;
use crate::history::target;
use crate::history::value::AsText;
use crate::history::view::file::FileId;

impl History {
    /// Records that files are about to be removed from the store: whoever misses one from now
    /// on finds here why.
    ///
    /// # Errors
    ///
    /// The history cannot be written, and then nothing is marked.
    pub fn begin_removal(&mut self, at: Timestamp, files: &[FileId]) -> Result<(), HistoryError> {
        self.mark_removal(Some(at), files)
    }

    /// Records that files stay which were about to be removed.
    ///
    /// # Errors
    ///
    /// The history cannot be written.
    pub fn give_up_removal(&mut self, files: &[FileId]) -> Result<(), HistoryError> {
        self.mark_removal(None, files)
    }

    fn mark_removal(&mut self, at: Option<Timestamp>, files: &[FileId]) -> Result<(), HistoryError> {
        if files.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut statement = transaction.prepare("UPDATE file SET removal_time = ?2 WHERE id = ?1")?;
            for file in files {
                statement.execute((file.0, at.map(AsText)))?;
            }
            Ok(())
        })
    }

    /// Records what a look at stored files has found: why one is not what was stored, or that it is.
    ///
    /// # Errors
    ///
    /// The history cannot be written.
    pub fn note_damage(
        &mut self,
        at: Timestamp,
        found: &[(FileId, Option<String>)],
    ) -> Result<(), HistoryError> {
        if found.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut statement =
                transaction.prepare("UPDATE file SET damage = ?2, damage_time = ?3 WHERE id = ?1")?;
            for (file, damage) in found {
                statement.execute((file.0, damage, damage.is_some().then_some(AsText(at))))?;
            }
            Ok(())
        })
    }

    /// Records that files were removed from the store. Their rows stay; the newest good backup
    /// of their target is one that is left.
    ///
    /// # Errors
    ///
    /// [`HistoryError::NotFound`], and then none is marked; or the history cannot be
    /// written.
    pub fn mark_pruned(&mut self, at: Timestamp, files: &[FileId]) -> Result<(), HistoryError> {
        self.write(|transaction| {
            for file in files {
                let changed = execute(
                    transaction,
                    "UPDATE file SET pruned_time = coalesce(pruned_time, ?2) WHERE id = ?1",
                    (file.0, AsText(at)),
                )?;
                if changed == 0 {
                    return Err(HistoryFault::NotFound {
                        what: "file",
                        id: file.0,
                        list: &["history", "files", "last"],
                    });
                }
            }
            for file in files {
                target::pruned(transaction, *file)?;
            }
            Ok(())
        })
    }
}
