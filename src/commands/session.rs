//! What every command that writes opens: the history, its locks, and the lock that tells that
//! this process lives.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::clock::Clock;
use crate::commands::error::CommandError;
use crate::commands::left_behind::{WROTE_IN_IT, with_what_is_left};
use crate::commands::loading::open_history;
use crate::exit::Exit;
use crate::history::History;
use crate::lock::witness::Witness;
use crate::lock::{Life, Lock, Locks};
use crate::plan::model::PlanFile;
use crate::ui::Ui;
use crate::values::internal_error::caught;

/// A session that writes. It lasts until it is dropped.
pub(super) struct WritingSession {
    /// The history.
    pub(super) history: History,
    /// The locks beside it.
    pub(super) locks: Locks,
    /// The name of this process.
    pub(super) process: String,
    path: PathBuf,
    /// Which file it was when it was opened.
    identity: Option<(u64, u64)>,
    /// Whether it was made for this session, though locks tell of a run that wrote in one before.
    is_instead: bool,
    _alive: Lock,
}

impl WritingSession {
    /// Opens it. What cannot be opened is no reason to say nothing about what stands in it: an
    /// open quiesce decides the exit code, whatever else fails.
    pub(super) fn open(file: &PlanFile, clock: &dyn Clock, ui: Ui) -> Result<Self, CommandError> {
        caught(|| Self::opened(file, clock, ui)).unwrap_or_else(|error| {
            let error = CommandError::new(Exit::Internal, error);
            let locks = Locks::beside(&file.settings.history);
            Err(with_what_is_left(error, file, &locks))
        })
    }

    fn opened(file: &PlanFile, clock: &dyn Clock, ui: Ui) -> Result<Self, CommandError> {
        let path = file.settings.history.as_path();
        let locks = Locks::beside(path);
        let is_instead = !path.exists() && locks.knows_of_the_dead();
        let mut history =
            open_history(&file.settings, ui).map_err(|error| with_what_is_left(error, file, &locks))?;
        // Now that the file is there, every path to it leads to one folder of locks.
        let locks = Locks::beside(path);
        let (alive, process) = locks
            .process(clock, Witness::own().as_ref())
            .map_err(|error| with_what_is_left(CommandError::new(Exit::History, error), file, &locks))?;
        // Whatever becomes of that, nothing depends on it.
        let _ = history.end_dead_rehearsals(clock.now(), &|process| locks.life(process) == Life::Dead);
        Ok(Self {
            history,
            locks,
            process,
            path: path.to_owned(),
            identity: identity(path),
            is_instead,
            _alive: alive,
        })
    }

    /// An error, if the history is not the file any more that this session has written to, or not
    /// the one that a run before it has written to: what that left is in no journal.
    pub(super) fn is_kept(&self) -> Result<(), CommandError> {
        if self.is_instead {
            let error = anyhow::anyhow!(
                "the history {} was gone when this began, and {WROTE_IN_IT}: whether anything is still quiesced is not known",
                self.path.display()
            );
            return Err(CommandError::new(Exit::StillQuiesced, error).with_hint(
                "look at the devices; find out who removed the file, and put it back if there is a copy",
            ));
        }
        if identity(&self.path) == self.identity {
            return Ok(());
        }
        let error = anyhow::anyhow!(
            "the history {} was removed or replaced while this ran: what this run did is in no history",
            self.path.display()
        );
        Err(CommandError::new(Exit::History, error)
            .with_hint("the backups that it stored are in the store; find out who removed the file"))
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
