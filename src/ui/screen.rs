//! A run as a person, or the mail of a cron job, sees it.
//!
//! At a terminal: a line for each task, below them one that moves (what is waited for, since when,
//! how long at most; it does not move with `--no-progress` or on a dumb one), and a summary.
//! Elsewhere: nothing on success, one short block where something is wrong, and with `-v` the same
//! lines, and a heartbeat in long waits.

mod end;
mod tasks;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::run::event::{
    Event, JournalId, Owner, PlanId, PlanOpening, Progress, Sink, StillQuiesced, TaskId, TaskOpening, Undo,
    UndoStage,
};
use crate::run::status::{Class, Status};
use crate::ui::live::{ArrivedBytes, Line, Live, MovingLine};
use crate::ui::undoing::{place, undo_words};
use crate::ui::{Ui, Verbosity};
use crate::values::invocation::Invocation;
use crate::values::lacks::is_of_every_export;
use crate::values::restore_name::is_restore_name;
use crate::values::text::{hanging, printable};

use tasks::{Tasks, Unstarted, step_words, target};

/// Shows the events of a run.
pub struct Screen {
    ui: Ui,
    invocation: Invocation,
    live: Live,
    /// What the task at work does, while it waits for nothing in particular.
    step: Option<Line>,
    /// What is put back on a device beside no task, between two waits.
    put_back: Option<Line>,
    /// Since when the request that is waited for runs, and how long at most: also while its
    /// answer is downloaded.
    request: Option<(Instant, Duration)>,
    plan: Option<(PlanId, PlanOpening)>,
    tasks: Tasks,
    /// Tasks that never began and ended for one cause: told together.
    unstarted: Option<Unstarted>,
    /// What deserves to be read, in the order in which it happened.
    complaints: Vec<String>,
    /// The warnings among them, in their own words: the reason of the plan may be one.
    warnings: Vec<String>,
    /// How many notes were not told that can be made of every export: those that matter would drown among them.
    usual: usize,
    /// How many lines the ends of tasks were told in: as long as they are few, all of them can be seen.
    told: usize,
    /// Why something may still be quiesced, as it was told: nobody reads such a reason twice in one block.
    reasons: Vec<String>,
    /// The rows of the journal of which was told what became of them: nobody reads that twice.
    rows: BTreeSet<JournalId>,
}

impl Screen {
    /// A screen that speaks like `ui`, and names commands as `invocation` does.
    pub fn new(ui: Ui, invocation: Invocation) -> Self {
        Self {
            ui,
            invocation,
            live: Live::new(ui),
            step: None,
            put_back: None,
            request: None,
            plan: None,
            tasks: Tasks::default(),
            unstarted: None,
            complaints: Vec::new(),
            warnings: Vec::new(),
            usual: 0,
            told: 0,
            reasons: Vec::new(),
            rows: BTreeSet::new(),
        }
    }

    /// The error of a task, without a reason that stands above.
    fn without_what_is_told(&self, error: &str) -> String {
        match self.reasons.iter().find(|reason| error.contains(*reason)) {
            Some(reason) => error.replace(reason, "as above"),
            None => error.to_owned(),
        }
    }

    /// The same, for whoever waits for something that no event tells of.
    pub fn moving_line(&self) -> MovingLine {
        MovingLine(self.live())
    }

    /// The line that moves.
    pub(super) fn live(&self) -> Live {
        self.live.clone()
    }

    /// Whether each task gets a line when it ends.
    fn tells_tasks(&self) -> bool {
        self.ui.lines || self.ui.verbosity >= Verbosity::Verbose
    }

    /// Says loudly what stays quiesced, with these words on it.
    pub fn still_quiesced(&mut self, still: &StillQuiesced, words: &str) {
        let loud = self.ui.paint(still.certainty.words(), "1;31");
        self.say(&format!(
            "{loud} {}, {}: {words}",
            still.device,
            printable(&still.domain)
        ));
        // Without a reason nothing was told that a warning says again.
        if !still.error.is_empty() {
            self.reasons.push(still.error.clone());
            self.rows.insert(still.row);
        }
    }

    fn say(&self, text: &str) {
        self.live.say(text);
    }

    /// Says it now to those who watch, and in the block at the end to those who do not.
    fn complain(&mut self, text: &str) {
        self.tell_unstarted();
        if self.tells_tasks() {
            self.warn(text);
        } else {
            self.complaints.push(printable(text).into_owned());
        }
    }

    fn warn(&self, text: &str) {
        let label = self.ui.paint("warning:", "1;33");
        self.say(&format!("{label} {}", printable(text)));
    }

    fn task_opened(&mut self, task: TaskId, opening: &TaskOpening) {
        self.tasks.open(task, opening);
        if opening.status.is_final() {
            let error = opening.error.as_deref();
            if self.end_line(task, opening.status, error, None).is_some() {
                self.never_begins(task);
            }
        }
    }

    /// One that ended before it began, told with those before it that did for the same cause.
    fn never_begins(&mut self, task: TaskId) {
        let Some(next) = self.tasks.get(task).map(Unstarted::first) else {
            return;
        };
        match &mut self.unstarted {
            Some(group) if group.takes(&next) => group.add(next),
            _ => {
                self.tell_unstarted();
                self.unstarted = Some(next);
            }
        }
    }

    fn task_ended(&mut self, task: TaskId, status: Status, error: Option<&str>, took: Option<Duration>) {
        let Some(text) = self.end_line(task, status, error, took) else {
            return;
        };
        match self.tasks.get(task).is_some_and(|line| line.began) {
            true => {
                self.tell_unstarted();
                self.tell_end(text, status);
            }
            false => self.never_begins(task),
        }
    }

    /// The line of a task that has ended.
    fn end_line(
        &mut self,
        task: TaskId,
        status: Status,
        error: Option<&str>,
        took: Option<Duration>,
    ) -> Option<String> {
        let error = error.map(|error| self.without_what_is_told(error));
        let line = self.tasks.get_mut(task)?;
        line.end(status, error.as_deref(), took);
        Some(line.text(self.ui))
    }

    /// Tells of those that never began.
    fn tell_unstarted(&mut self) {
        if let Some(group) = self.unstarted.take() {
            self.tell_end(group.text(self.ui), group.status);
        }
    }

    fn tell_end(&mut self, text: String, status: Status) {
        if self.tells_tasks() {
            self.told += 1;
            self.say(&text);
        } else if status.class() != Class::Success {
            self.complaints.push(text);
        }
    }

    /// A task goes on to its next step.
    fn task_status(&mut self, task: TaskId, status: Status) {
        self.tell_unstarted();
        let head = self.tasks.position(task);
        let Some(line) = self.tasks.get_mut(task) else {
            return;
        };
        let begins = !std::mem::replace(&mut line.began, true);
        let target = target(&line.opening);
        // A terminal has it in the line that moves.
        let is_told = begins && !self.ui.bars && self.tells_tasks();
        if is_told || (begins && self.ui.verbosity >= Verbosity::Chatty) {
            self.say(&format!("{head}{target}"));
        }
        if self.ui.verbosity >= Verbosity::Chatty {
            self.say(&format!("{target}: {status}"));
        }
        let step = Line {
            head,
            what: format!("{target}, {}", step_words(status)),
            since: Instant::now(),
            limit: None,
            arrived: None,
        };
        self.live.set(step.clone());
        self.step = Some(step);
    }

    /// A script of the plan runs beside no task; while one does, that stands there.
    fn plan_status(&mut self, status: Status) {
        self.tell_unstarted();
        self.step = match status {
            Status::RunningPreScript | Status::RunningPostScript => Some(Line {
                head: String::new(),
                what: match status {
                    Status::RunningPreScript => "running the pre-plan script".to_owned(),
                    _ => "running the post-plan script".to_owned(),
                },
                since: Instant::now(),
                limit: None,
                arrived: None,
            }),
            _ => None,
        };
        self.wait_ended();
    }

    /// What the task at work does, or nothing.
    fn wait_ended(&mut self) {
        self.request = None;
        match self.step.as_ref().or(self.put_back.as_ref()) {
            Some(line) => self.live.set(line.clone()),
            None => self.live.clear(),
        }
    }

    /// Something is put back on a device, or is to be where that is the one. A task that does it says so itself.
    fn put_back(&mut self, device: &str, undo: &Undo, stage: UndoStage) {
        let what = match stage {
            UndoStage::Looking => format!("looking at {}", place(device, undo)),
            UndoStage::MayBeSent | UndoStage::Sent | UndoStage::UnderWay => undo_words(device, undo),
        };
        let line = self.wait(&what, Duration::ZERO, None);
        if self.step.is_none() {
            self.live.set(line.clone());
        }
        self.put_back = Some(line);
    }

    /// A line behind that of the task at work.
    fn wait(&self, what: &str, waited: Duration, limit: Option<Duration>) -> Line {
        let now = Instant::now();
        Line {
            head: self
                .step
                .as_ref()
                .map_or_else(String::new, |step| step.head.clone()),
            what: printable(what).into_owned(),
            since: now.checked_sub(waited).unwrap_or(now),
            limit,
            arrived: None,
        }
    }

    fn waiting(&mut self, device: Option<&str>, what: &str, waited: Duration, limit: Duration) {
        let what = match device {
            None => format!("waiting for {what}"),
            Some(device) => format!("waiting for {device}: {what}"),
        };
        let line = self.wait(&what, waited, Some(limit));
        self.request = Some((line.since, limit));
        self.live.set(line);
    }

    fn downloaded(&mut self, device: &str, name: &str, bytes: u64, total: Option<u64>) {
        let mut line = self.wait(&format!("downloading {device} {name}"), Duration::ZERO, None);
        line.arrived = Some(ArrivedBytes { bytes, total });
        if let Some((since, limit)) = self.request {
            line.since = since;
            line.limit = Some(limit);
        }
        self.live.set(line);
    }

    fn asking(&mut self, device: &str, asked: usize, of: usize) {
        let what = match (of, device) {
            // All have answered, and what they said is not judged yet.
            (_, "") => return,
            (0 | 1, device) => format!("asking {device}"),
            (of, device) => format!("asking {of} devices, {asked} done; waiting for {device}"),
        };
        self.live.set(self.wait(&what, Duration::ZERO, None));
    }

    fn config_changed(&mut self, task: TaskId, count: u64) {
        let line = self.tasks.get(task).map(|line| target(&line.opening));
        if let Some(target) = line.filter(|_| self.tells_tasks()) {
            let what = if count == 1 { "change" } else { "changes" };
            self.say(&format!("{target}: {count} {what} since the export before"));
        }
    }

    fn warned(&mut self, owner: Owner, message: &str, row: Option<JournalId>) {
        // Behind the end of a plan nothing collects it.
        if self.plan.is_none() && self.ui.verbosity > Verbosity::Quiet {
            self.warn(message);
            return;
        }
        if row.is_some_and(|row| self.rows.contains(&row)) {
            self.warnings.push(message.to_owned());
            return;
        }
        let target = match owner {
            Owner::Task(task) => self.tasks.get(task).map(|line| target(&line.opening)),
            Owner::Plan(_) => None,
        };
        let target = target.map_or_else(String::new, |target| format!("{target}: "));
        self.complain(&format!("{target}{message}"));
        if !self.tells_tasks() {
            self.warnings.push(message.to_owned());
        }
    }

    fn noted(&mut self, message: &str) {
        if is_of_every_export(message) && self.ui.verbosity < Verbosity::Chatty {
            self.usual += 1;
        } else if self.tells_tasks() {
            let note = format!("note: {}", printable(message));
            self.say(&hanging(&note, 0, self.ui.message_width()));
        }
    }

    fn recovered(&mut self, (row, task): (JournalId, TaskId), device: &str, undo: &Undo, how: &str) {
        // What this run has left is there again.
        let left = match self.tasks.get(task) {
            Some(_) => "",
            None => "left by a run that is over; ",
        };
        let text = format!("{device}, {}: {left}{how}", undo.domain());
        // Nobody has been told that something was out of service since then, whatever becomes of this run.
        // What `recover` has put back it says itself.
        match undo.is_quiesce() && self.plan.is_some() {
            true => {
                self.tell_unstarted();
                self.warn(&text);
                self.rows.insert(row);
            }
            false => self.complain(&text),
        }
    }

    /// Who started a restore waits to hear of it. Of a plan the notes say so, and the output of `recover`.
    fn abandoned(&mut self, plan: PlanId, name: &str, error: &str) {
        if is_restore_name(name) && self.ui.verbosity > Verbosity::Quiet {
            self.tell_unstarted();
            self.warn(&format!("execution {}, {name}, was abandoned: {error}", plan.0));
        }
    }
}

impl Drop for Screen {
    /// A command that ends early leaves no line behind.
    fn drop(&mut self) {
        self.live.clear();
    }
}

impl Sink for Screen {
    fn event(&mut self, _at: Timestamp, event: &Event) {
        match event {
            Event::PlanOpened { plan, opening } => {
                if self.tells_tasks() {
                    self.say(&format!(
                        "plan {} begins (execution {})",
                        printable(&opening.plan),
                        plan.0
                    ));
                }
                self.plan = Some((*plan, opening.clone()));
            }
            Event::TaskOpened { task, opening } => self.task_opened(*task, opening),
            Event::TaskStatus { task, status } => self.task_status(*task, *status),
            Event::FileStored { task, file } => {
                if let Some(line) = self.tasks.get_mut(*task) {
                    line.add(file);
                }
            }
            Event::ConfigChanged { task, changes, .. } => self.config_changed(*task, changes.count),
            Event::Warning { owner, message, row } => self.warned(*owner, message, *row),
            Event::ReceiverWarned { owner, warning } => self.warned(*owner, &warning.message, None),
            Event::Note { message, .. } => self.noted(message),
            Event::Recovered {
                row,
                task,
                device,
                undo,
                how,
            } => self.recovered((*row, *task), device, undo, how),
            Event::PlanAbandoned { plan, name, error } => self.abandoned(*plan, name, error),
            Event::TaskEnded {
                task,
                status,
                error,
                took,
            } => {
                self.step = None;
                self.live.clear();
                self.task_ended(*task, *status, error.as_deref(), *took);
            }
            Event::StillQuiesced(still) => {
                let recover = self.invocation.command(["recover"]);
                self.still_quiesced(still, &format!("{}; run {recover}", printable(&still.error)));
            }
            Event::PlanStatus { status, .. } => self.plan_status(*status),
            Event::PlanEnded {
                status, error, took, ..
            } => self.plan_ended(*status, error.as_deref(), *took),
            Event::ActivityOpened { .. }
            | Event::ActivityStatus { .. }
            | Event::DeviceFacts { .. }
            | Event::BackupCertificate { .. }
            | Event::UnsavedChanges { .. }
            | Event::ConfigUnsaved { .. }
            | Event::OutOfService { .. }
            | Event::FileFailed { .. }
            | Event::ScriptEnded { .. }
            | Event::ActivityEnded { .. } => {}
        }
    }

    fn progress(&mut self, progress: &Progress) {
        match progress {
            Progress::Asking {
                waiting_for,
                asked,
                of,
            } => self.asking(waiting_for, *asked, *of),
            Progress::Waiting {
                device,
                what,
                waited,
                limit,
            } => self.waiting(device.as_deref(), what, *waited, *limit),
            Progress::Downloaded {
                device,
                name,
                bytes,
                total,
            } => self.downloaded(device, name, *bytes, *total),
            Progress::AskingEnded | Progress::WaitEnded | Progress::DownloadEnded => self.wait_ended(),
            Progress::UndoDue {
                device,
                undo,
                stage: stage @ (UndoStage::Looking | UndoStage::UnderWay),
                ..
            } => self.put_back(device, undo, *stage),
            Progress::UndoOver { .. } => {
                if self.put_back.take().is_some() && self.step.is_none() {
                    self.wait_ended();
                }
            }
            // Who answers signals keeps them.
            Progress::UndoDue { .. } => {}
        }
    }
}
