//! The tasks of a plan, and the line that each gets when it ends.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::run::event::{StoredFile, TaskId, TaskOpening};
use crate::run::status::{Class, Status};
use crate::ui::Ui;
use crate::values::duration::HumanDuration;
use crate::values::size::Bytes;
use crate::values::text::{hanging, printable};

/// The tasks of the plan that runs, in their order.
#[derive(Default)]
pub(super) struct Tasks(BTreeMap<TaskId, TaskLine>);

/// One of them.
pub(super) struct TaskLine {
    pub(super) opening: TaskOpening,
    pub(super) began: bool,
    /// How long it took; `None` as long as it has not ended, or where nobody knows.
    took: Option<Duration>,
    pub(super) status: Status,
    pub(super) error: Option<String>,
    files: usize,
    pub(super) bytes: u64,
    /// Exports that were verified and left out, for nothing had changed.
    not_kept: usize,
}

/// Tasks that ended before they began, for one cause: one after another.
pub(super) struct Unstarted {
    pub(super) status: Status,
    pub(super) error: Option<String>,
    pub(super) count: usize,
    /// They were settled when they were opened, each with a cause of its own to say.
    settled: bool,
    first: String,
    last: String,
}

impl Tasks {
    pub(super) fn open(&mut self, task: TaskId, opening: &TaskOpening) {
        let line = TaskLine {
            opening: opening.clone(),
            began: false,
            took: None,
            status: opening.status,
            error: None,
            files: 0,
            bytes: 0,
            not_kept: 0,
        };
        self.0.insert(task, line);
    }

    pub(super) fn get(&self, task: TaskId) -> Option<&TaskLine> {
        self.0.get(&task)
    }

    pub(super) fn get_mut(&mut self, task: TaskId) -> Option<&mut TaskLine> {
        self.0.get_mut(&task)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &TaskLine> {
        self.0.values()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `3 of 6: `, without the word that goes with an ID: a plan has all its tasks before the first one begins.
    pub(super) fn position(&self, task: TaskId) -> String {
        let position = self.0.range(..=task).count();
        format!("{position} of {}: ", self.0.len())
    }
}

impl TaskLine {
    /// A file was stored, or was verified and not kept.
    pub(super) fn add(&mut self, file: &StoredFile) {
        if file.kept {
            self.files += 1;
            self.bytes += file.size;
        } else {
            self.not_kept += 1;
        }
    }

    pub(super) fn end(&mut self, status: Status, error: Option<&str>, took: Option<Duration>) {
        self.took = took;
        self.status = status;
        self.error = error.map(ToOwned::to_owned);
    }

    /// How it ended.
    pub(super) fn text(&self, ui: Ui) -> String {
        let mut text = ended(ui, self.status, &target(&self.opening));
        if self.files > 0 {
            let (files, bytes) = (counted(self.files, "file"), Bytes(self.bytes));
            let _ = write!(text, "  {files}, {bytes}");
        }
        match (self.files, self.not_kept) {
            (_, 0) => {}
            (0, _) => text.push_str("  unchanged, not kept"),
            (_, count) => {
                let _ = write!(text, "; {count} unchanged, not kept");
            }
        }
        if let Some(took) = self.took {
            let _ = write!(text, "  {}", HumanDuration(took));
        }
        if let Some(error) = &self.error {
            text.push_str(&below(error, ui));
        }
        text
    }
}

impl Unstarted {
    /// Of one task.
    pub(super) fn first(line: &TaskLine) -> Self {
        let target = target(&line.opening);
        Self {
            status: line.status,
            error: line.error.clone(),
            count: 1,
            settled: line.opening.status.is_final(),
            first: target.clone(),
            last: target,
        }
    }

    /// Whether these ended for the same cause.
    pub(super) fn takes(&self, other: &Self) -> bool {
        self.status == other.status && self.error == other.error && self.settled == other.settled
    }

    /// More of the same cause.
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.last = other.last;
    }

    /// One line for all of them.
    pub(super) fn text(&self, ui: Ui) -> String {
        let which = match self.count {
            1 => self.first.clone(),
            count => format!("{count} tasks, {} to {}", self.first, self.last),
        };
        let mut text = ended(ui, self.status, &which);
        if let Some(error) = self.error.as_ref().filter(|_| !self.settled) {
            let _ = write!(text, ": {}", printable(error));
        }
        let text = hanging(&text, 4, ui.message_width());
        match self.error.as_ref().filter(|_| self.settled) {
            Some(error) => text + &below(error, ui),
            None => text,
        }
    }
}

/// The error of a task below its line.
fn below(error: &str, ui: Ui) -> String {
    format!("\n    {}", hanging(&printable(error), 4, ui.message_width()))
}

fn ended(ui: Ui, status: Status, which: &str) -> String {
    let (label, color) = match status.class() {
        Class::Success => return format!("{} {which}", ui.paint("ok", "32")),
        // Refused with its plan: it was never started.
        Class::Skipped | Class::Refused => ("skipped", "33"),
        Class::Cancelled => ("cancelled", "33"),
        _ => ("FAILED", "1;31"),
    };
    format!("{} {which}: {status}", ui.paint(label, color))
}

pub(super) fn target(opening: &TaskOpening) -> String {
    opening.action.of(&opening.device, &opening.domain)
}

/// What a task does, where it waits for nothing in particular.
pub(super) fn step_words(status: Status) -> &'static str {
    match status {
        Status::Validating => "looking at the device",
        Status::RunningPreScript => "running its pre-task script",
        Status::Quiescing => "quiescing",
        Status::BackingUp => "backing up",
        Status::Downloading => "downloading",
        Status::Verifying => "verifying",
        Status::Unquiescing => "unquiescing",
        Status::RunningPostScript => "running its post-task script",
        Status::DryRun => "trying it in a dry run",
        Status::Importing => "importing",
        _ => "at work",
    }
}

/// `1 file`, `2 files`.
pub(super) fn counted(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    }
}
