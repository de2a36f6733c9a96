//! What open rows of a journal mean for a command that could not look at the devices.

use std::path::Path;

use crate::commands::frame::error::CommandError;
use crate::history::{History, HistoryError};
use crate::lock::{Life, Locks};
use crate::plan::model::PlanFile;
use crate::run::event::Undo;
use crate::run::half_done::half_done;
use crate::run::left::{self, Left, WhyUnknown, life_of};
use crate::values::causes::with_causes;
use crate::values::invocation::Invocation;

/// Whose word is missing where a history cannot be asked.
pub(in crate::commands) const WROTE_IN_IT: &str = "a run that is not seen to be at work wrote in it";

/// What the journal of a history says that cannot be opened as it should.
pub(in crate::commands) fn left_behind(path: &Path, locks: &Locks) -> Left {
    left::settled(|| left_behind_once(path, locks))
}

fn left_behind_once(path: &Path, locks: &Locks) -> Result<Left, Left> {
    let unreadable = |error: &HistoryError| Left::Unknown {
        why: WhyUnknown::Journal(with_causes(error)),
        open: Vec::new(),
    };
    match History::open_rows(path) {
        Ok(rows) => {
            let left = left::of_rows(rows.into_iter(), &|entry| {
                match Locks::is_own(&entry.process) {
                    // None of our tasks is at work any more.
                    true => Life::Dead,
                    false => life_of(locks, entry),
                }
            });
            let lost = History::lost_beside(path).map_err(|error| unreadable(&error))?;
            Ok(left::with_lost(left, lost))
        }
        Err(error @ (HistoryError::Missing { .. } | HistoryError::NotOurs { .. }))
            if locks.knows_of_the_dead() =>
        {
            let lost = History::lost_beside(path).map_err(|error| unreadable(&error))?;
            let path = path.display();
            let gone = Left::Unknown {
                why: WhyUnknown::Other(match error {
                    HistoryError::Missing { .. } => {
                        format!("the history {path} is gone or empty, and {WROTE_IN_IT}")
                    }
                    _ => format!("{path} is not a history any more, and {WROTE_IN_IT}"),
                }),
                open: Vec::new(),
            };
            Err(left::with_lost(gone, lost))
        }
        // There never was one, or no journal in it.
        Err(HistoryError::Missing { .. } | HistoryError::NotOurs { .. }) => {
            let lost = History::lost_beside(path).map_err(|error| unreadable(&error))?;
            Ok(left::with_lost(Left::Nothing, lost))
        }
        Err(error) => Err(unreadable(&error)),
    }
}

/// The imports of a journal whose end nobody has seen, and the dry runs after which nobody has seen the domain as it was,
/// a sentence each.
#[derive(Debug, Default)]
pub(in crate::commands) struct UnseenImports {
    pub(in crate::commands) half_done: Vec<String>,
    pub(in crate::commands) dry_runs: Vec<String>,
}

impl UnseenImports {
    /// Those of the history of this plan file. A journal that cannot be read is told by whoever looks for quiesces.
    pub(in crate::commands) fn of(file: &PlanFile, locks: &Locks) -> Self {
        let rows = History::open_rows(&file.settings.history).unwrap_or_default();
        let mut unseen = Self::default();
        for row in rows.iter().filter(|row| life_of(locks, row) != Life::Alive) {
            let list = match row.undo {
                Undo::DryRun { .. } => &mut unseen.dry_runs,
                _ => &mut unseen.half_done,
            };
            list.extend(half_done(row, &file.invocation));
        }
        unseen
    }

    /// All of them.
    pub(in crate::commands) fn all(self) -> impl Iterator<Item = String> {
        self.half_done.into_iter().chain(self.dry_runs)
    }
}

/// The secure backups that dead runs may have left on devices, in a sentence. A journal that cannot be read is told by
/// whoever looks for quiesces.
pub(in crate::commands) fn left_folders(file: &PlanFile, locks: &Locks) -> Option<String> {
    let rows = History::open_rows(&file.settings.history).unwrap_or_default();
    let folders = rows
        .iter()
        .filter(|row| matches!(row.undo, Undo::RemoveFolder(_)));
    let left = folders.filter(|row| life_of(locks, row) != Life::Alive);
    left::folders_of(left.cloned(), &file.invocation)
}

/// The same error, with the exit code and the advice that what is left asks for.
pub(in crate::commands) fn with_what_is_left(
    error: CommandError,
    file: &PlanFile,
    locks: &Locks,
) -> CommandError {
    let history = &file.settings.history;
    let left = said_once(left_behind(history, locks), &error, history);
    with_left(error, &left, &file.invocation)
}

/// The same of an output that could not be written: what it would have told may be lost, and what the journal
/// has open decides all the same.
pub(in crate::commands) fn untold(error: CommandError, file: &PlanFile) -> CommandError {
    with_what_is_left(error, file, &Locks::beside(&file.settings.history))
}

/// The same where only the place of the history is known.
pub(in crate::commands) fn with_rows_of(
    error: CommandError,
    history: &Path,
    invocation: &Invocation,
) -> CommandError {
    let left = said_once(left_behind(history, &Locks::beside(history)), &error, history);
    with_left(error, &left, invocation)
}

/// The same without the cause, where the error is that this history cannot be used, and says why.
fn said_once(left: Left, error: &CommandError, history: &Path) -> Left {
    match left {
        Left::Unknown {
            why: WhyUnknown::Journal(_),
            open,
        } if error.of_history.as_deref() == Some(history) => Left::Unknown {
            why: WhyUnknown::JournalAsTold,
            open,
        },
        left => left,
    }
}

/// The same where what is left was looked at.
pub(in crate::commands) fn with_left(
    mut error: CommandError,
    left: &Left,
    invocation: &Invocation,
) -> CommandError {
    error.exit = left.exit(error.exit);
    match left {
        Left::Nothing => error,
        left => {
            let words = left.words(invocation);
            let hint = match (&error.hint, left) {
                // Nothing is seen of a journal before it can be read: what mends that goes first.
                (Some(hint), Left::Unknown { open, .. }) if open.is_empty() => format!("{hint}; {words}"),
                (Some(hint), _) => format!("{words}; {hint}"),
                (None, _) => words,
            };
            error.with_hint(hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn what_mends_a_history_that_cannot_be_used_goes_first_and_why_is_said_once() {
        let history = Path::new("/state/history.db");
        let failed = |path: &str| {
            let (path, detail) = (path.into(), "the system failed at it".to_owned());
            CommandError::from(HistoryError::Disk { path, detail })
        };
        let error = || failed("/state/history.db").with_hint("run dpbackup as root");
        let left = || Left::Unknown {
            why: WhyUnknown::Journal("/state/history.db cannot be opened: Permission denied".to_owned()),
            open: Vec::new(),
        };
        let told = said_once(left(), &error(), history);
        let error = with_left(error(), &told, &Invocation::default());
        assert_eq!(error.exit, Exit::StillQuiesced);
        assert_eq!(
            error.hint.as_deref(),
            Some(
                "run dpbackup as root; not known: whether anything is still quiesced cannot be told (the journal \
                 cannot be read); look at the devices, and run dpbackup recover as soon as this is mended"
            )
        );
        // Of another history the error says nothing, nor does one of a lock beside it.
        let lock = anyhow::anyhow!("lock file /state/history.db.locks/x.lock: Permission denied");
        let lock = CommandError::new(Exit::History, lock);
        for other in [failed("/state/history.db.old"), lock] {
            assert_eq!(said_once(left(), &other, history), left());
        }
    }
}
