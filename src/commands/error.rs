//! How a command ends, and how what it met becomes such an end.

use anyhow::Context as _;

use crate::exit::Exit;
use crate::history::HistoryError;
use crate::report::paint::states;
use crate::ui::Ui;

/// An error that ends a command, with its exit code and advice.
#[derive(Debug)]
pub(super) struct CommandError {
    /// What the process ends with.
    pub(super) exit: Exit,
    /// What went wrong, as a chain of causes.
    pub(super) error: anyhow::Error,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

/// How a command ended.
pub(super) type Outcome = Result<Exit, CommandError>;

impl CommandError {
    /// An error without advice.
    pub(super) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            error: error.into(),
            hint: None,
        }
    }

    /// The same, with advice.
    #[must_use]
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<HistoryError> for CommandError {
    fn from(error: HistoryError) -> Self {
        Self::new(Exit::History, error)
    }
}

/// An id that history does not know is a mistake of whoever typed it.
pub(super) fn found<T>(outcome: Result<T, HistoryError>) -> Result<T, CommandError> {
    outcome.map_err(|error| match error {
        HistoryError::NotFound { .. } => CommandError::new(Exit::Usage, error),
        other => other.into(),
    })
}

/// Prints data on stdout; a full disk behind it is an error.
pub(super) fn print(ui: Ui, text: &str) -> Result<(), CommandError> {
    ui.data(text)
        .context("writing to stdout")
        .map_err(|error| CommandError::new(Exit::Failed, error))
}

/// Prints data for people, with its states in colour where stdout shows some.
pub(super) fn print_states(ui: Ui, text: &str) -> Result<(), CommandError> {
    match ui.data_color {
        true => print(ui, &states(text)),
        false => print(ui, text),
    }
}
