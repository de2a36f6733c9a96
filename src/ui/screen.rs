//! A run as a person, or the mail of a cron job, sees it.
//!
//! At a terminal: a line for each task, bars for downloads, a countdown for waits (these two
//! not with `--no-progress` or on a dumb one), a summary. Elsewhere: nothing on success, one short block where something is wrong,
//! and with `-v` a line for each task and a heartbeat in long waits and downloads.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jiff::Timestamp;

use crate::run::event::{
    ALL_DOMAINS, ActionKind, Event, Owner, PlanId, PlanOpening, Progress, Sink, TaskId, TaskOpening,
};
use crate::run::status::{Class, Status};
use crate::threads;
use crate::ui::heartbeat::Heartbeat;
use crate::ui::repeat::Repeat;
use crate::ui::{Ui, Verbosity};
use crate::values::duration::HumanDuration;
use crate::values::invocation::Invocation;
use crate::values::size::Bytes;
use crate::values::text::printable;

/// How often a countdown moves by itself.
const TICK: Duration = Duration::from_millis(250);

/// So many failed tasks are named at the end of a plan.
const NAMED: usize = 10;

/// Shows the events of a run.
pub struct Screen {
    ui: Ui,
    invocation: Invocation,
    bar: Option<Bar>,
    heartbeat: Option<(Ongoing, Heartbeat<Pulse>)>,
    plan: Option<(PlanId, PlanOpening, Timestamp)>,
    tasks: BTreeMap<TaskId, TaskLine>,
    /// What deserves to be read, in the order in which it happened.
    complaints: Vec<String>,
    /// The warnings among them, in their own words: the reason of the plan may be one.
    warnings: Vec<String>,
}

struct TaskLine {
    opening: TaskOpening,
    started: Option<Timestamp>,
    status: Status,
    error: Option<String>,
    files: usize,
    bytes: u64,
    /// Exports that were verified and left out, for nothing had changed.
    not_kept: usize,
}

/// What a bar or a heartbeat is about.
#[derive(Clone, PartialEq, Eq)]
enum Ongoing {
    Download(String),
    Wait(String),
}

struct Bar {
    what: Ongoing,
    bar: ProgressBar,
    /// Lets it move by itself. (That of the library panics where no thread can be had.)
    tick: Repeat,
}

/// What a heartbeat says.
enum Pulse {
    /// The wait is given up at this moment.
    Wait { what: String, until: Instant },
    /// So much has come.
    Download {
        what: String,
        bytes: u64,
        total: Option<u64>,
    },
}

impl fmt::Display for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait { what, until } => {
                write!(f, "waiting for {what}, ")?;
                left(*until, f)
            }
            Self::Download { what, bytes, total } => {
                write!(f, "downloading {what}: {} so far", Bytes(*bytes))?;
                total.map_or(Ok(()), |total| write!(f, " of {}", Bytes(total)))
            }
        }
    }
}

impl Screen {
    /// A screen that speaks like `ui`, and names commands as `invocation` does.
    pub fn new(ui: Ui, invocation: Invocation) -> Self {
        Self {
            ui,
            invocation,
            bar: None,
            heartbeat: None,
            plan: None,
            tasks: BTreeMap::new(),
            complaints: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Whether each task gets a line when it ends.
    fn tells_tasks(&self) -> bool {
        self.ui.lines || self.ui.verbosity >= Verbosity::Verbose
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.bar.suspend(|| self.ui.say(text)),
            None => self.ui.say(text),
        }
    }

    /// Says it now to those who watch, and in the block at the end to those who do not.
    fn complain(&mut self, text: &str) {
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

    fn end_bar(&mut self) {
        if let Some(Bar { bar, tick, .. }) = self.bar.take() {
            drop(tick);
            bar.finish_and_clear();
        }
        self.heartbeat = None;
    }

    fn task_opened(&mut self, task: TaskId, opening: &TaskOpening) {
        let line = TaskLine {
            opening: opening.clone(),
            started: None,
            status: opening.status,
            error: None,
            files: 0,
            bytes: 0,
            not_kept: 0,
        };
        self.tasks.insert(task, line);
        if opening.status.is_final() {
            self.task_ended(task, opening.status, opening.error.as_deref(), None);
        }
    }

    fn task_ended(&mut self, task: TaskId, status: Status, error: Option<&str>, at: Option<Timestamp>) {
        let Some(line) = self.tasks.get_mut(&task) else {
            return;
        };
        line.status = status;
        line.error = error.map(ToOwned::to_owned);
        let target = target(&line.opening);
        let took = at
            .zip(line.started)
            .and_then(|(end, start)| Duration::try_from(end.duration_since(start)).ok());
        let mut text = match status.class() {
            Class::Success => format!("{} {target}", self.ui.paint("ok", "32")),
            // Refused with its plan: it was never started.
            Class::Skipped | Class::Refused => {
                format!("{} {target}: {status}", self.ui.paint("skipped", "33"))
            }
            Class::Cancelled => format!("{} {target}: {status}", self.ui.paint("cancelled", "33")),
            _ => format!("{} {target}: {status}", self.ui.paint("FAILED", "1;31")),
        };
        if line.files > 0 {
            let (files, bytes) = (plural(line.files, "file"), Bytes(line.bytes));
            let _ = write!(text, "  {} {files}, {bytes}", line.files);
        }
        match (line.files, line.not_kept) {
            (_, 0) => {}
            (0, _) => text.push_str("  unchanged, not kept"),
            (_, count) => {
                let _ = write!(text, "; {count} unchanged, not kept");
            }
        }
        if let Some(took) = took {
            let _ = write!(text, "  {}", HumanDuration(took));
        }
        if let Some(error) = error {
            let _ = write!(text, "\n    {}", printable(error));
        }
        if self.tells_tasks() {
            self.say(&text);
        } else if status.class() != Class::Success {
            self.complaints.push(text);
        }
    }

    fn plan_ended(&mut self, at: Timestamp, status: Status, error: Option<&str>) {
        self.end_bar();
        let Some((id, opening, started)) = self.plan.take() else {
            return;
        };
        let tasks = std::mem::take(&mut self.tasks);
        let complaints = std::mem::take(&mut self.complaints);
        let warnings = std::mem::take(&mut self.warnings);
        let good = status.class() == Class::Success;
        if (good && !self.tells_tasks())
            || (self.ui.verbosity == Verbosity::Quiet
                && !matches!(status.class(), Class::Failed | Class::Refused))
        {
            return;
        }
        let paint = if good {
            "1;32"
        } else if status.class() == Class::Warning {
            "1;33"
        } else {
            "1;31"
        };
        let took = Duration::try_from(at.duration_since(started)).unwrap_or_default();
        let mut text = format!(
            "plan {} ended {} after {} (execution {})",
            printable(&opening.plan),
            self.ui.paint(status.code(), paint),
            HumanDuration(took),
            id.0
        );
        // Where tasks failed, the plan says no more than they do.
        let told_by_tasks = match self.tells_tasks() {
            true => status == Status::Failed,
            false => status.class() == Class::Failed,
        };
        let why = error
            .filter(|_| tasks.is_empty() || !told_by_tasks)
            .filter(|why| !warnings.iter().any(|warning| why.contains(warning)));
        if let Some(why) = why {
            let _ = write!(text, "\n  {}", printable(why));
        }
        for complaint in complaints {
            let _ = write!(text, "\n  {}", complaint.replace('\n', "\n  "));
        }
        // Elsewhere they are among the complaints.
        if self.tells_tasks() {
            self.name_failed(&tasks, id, &mut text);
        }
        if !tasks.is_empty() {
            let count = |classes: &[Class]| {
                tasks
                    .values()
                    .filter(|task| classes.contains(&task.status.class()))
                    .count()
            };
            let bytes: u64 = tasks.values().map(|task| task.bytes).sum();
            let _ = write!(
                text,
                "\n  {} succeeded, {} failed, {} skipped, {} cancelled; {} stored",
                count(&[Class::Success]),
                count(&[Class::Failed]),
                count(&[Class::Skipped, Class::Refused]),
                count(&[Class::Cancelled]),
                Bytes(bytes)
            );
            let _ = write!(text, "\n  more: {}", self.history("activities", id.0));
        }
        self.say(&text);
    }

    /// The command that shows this level of history.
    fn history(&self, level: &str, id: i64) -> String {
        self.invocation.command(["history", level, &id.to_string()])
    }

    /// Those that failed, with their reasons: what was told when they ended has scrolled away.
    fn name_failed(&self, tasks: &BTreeMap<TaskId, TaskLine>, plan: PlanId, text: &mut String) {
        let failed = || tasks.values().filter(|task| task.status.class() == Class::Failed);
        for task in failed().take(NAMED) {
            let label = self.ui.paint("FAILED", "1;31");
            let _ = write!(text, "\n  {label} {}: {}", target(&task.opening), task.status);
            if let Some(error) = &task.error {
                let _ = write!(text, "\n      {}", printable(error));
            }
        }
        let Some(first) = failed().nth(NAMED) else {
            return;
        };
        let activity = first.opening.activity;
        let place = match failed().skip(NAMED).all(|task| task.opening.activity == activity) {
            true => self.history("tasks", activity.0),
            false => format!(
                "{} has the activities, `history tasks ID` those of each",
                self.history("activities", plan.0)
            ),
        };
        let _ = write!(text, "\n  and {} more: {place}", failed().count() - NAMED);
    }

    /// The bar of this wait or download, made by `style` if there is none yet.
    fn bar_of(
        &mut self,
        what: &Ongoing,
        length: Option<u64>,
        style: impl FnOnce() -> Option<ProgressStyle>,
    ) -> Option<&ProgressBar> {
        if !self.ui.bars {
            return None;
        }
        if self.bar.as_ref().is_none_or(|bar| bar.what != *what) {
            self.end_bar();
            let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
            if let Some(style) = style() {
                bar.set_style(style);
            }
            bar.tick();
            let ticking = bar.clone();
            self.bar = Some(Bar {
                what: what.clone(),
                bar,
                tick: Repeat::start(threads::start, "progress", TICK, move || ticking.tick()),
            });
        }
        self.bar.as_ref().map(|bar| &bar.bar)
    }

    /// A line now and then for those who read a log, and asked for more than the end.
    fn beat(&mut self, what: Ongoing, pulse: Pulse) {
        if self.ui.bars || self.ui.verbosity < Verbosity::Verbose {
            return;
        }
        match &self.heartbeat {
            Some((same, heartbeat)) if *same == what => heartbeat.set(pulse),
            _ => {
                let heartbeat = Heartbeat::start(self.ui, self.ui.heartbeat, pulse);
                self.heartbeat = Some((what, heartbeat));
            }
        }
    }

    fn waiting(&mut self, device: &str, what: &str, waited: Duration, limit: Duration) {
        let what = if device.is_empty() {
            what.to_owned()
        } else {
            format!("{device}: {what}")
        };
        let what = printable(&what).into_owned();
        let until = Instant::now() + limit.saturating_sub(waited);
        let ongoing = Ongoing::Wait(what.clone());
        let countdown = || {
            let style = ProgressStyle::with_template("{spinner} waiting for {msg}, {left}").ok()?;
            Some(
                style.with_key("left", move |_: &ProgressState, out: &mut dyn fmt::Write| {
                    // Writing into the text of a bar cannot fail.
                    let _ = left(until, out);
                }),
            )
        };
        if let Some(bar) = self.bar_of(&ongoing, None, countdown) {
            bar.set_message(what);
            return;
        }
        self.beat(ongoing, Pulse::Wait { what, until });
    }

    fn downloaded(&mut self, device: &str, name: &str, bytes: u64, total: Option<u64>) {
        let what = format!("{device} {}", printable(name));
        let ongoing = Ongoing::Download(what.clone());
        let template = match total {
            Some(_) => "{msg} [{bar:20}] {bytes}/{total_bytes} {binary_bytes_per_sec}",
            None => "{msg} {bytes} {binary_bytes_per_sec}",
        };
        if let Some(bar) = self.bar_of(&ongoing, total, || ProgressStyle::with_template(template).ok()) {
            bar.set_message(what);
            bar.set_position(bytes);
            return;
        }
        self.beat(ongoing, Pulse::Download { what, bytes, total });
    }
}

impl Sink for Screen {
    fn event(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::PlanOpened { plan, opening } => {
                if self.tells_tasks() {
                    self.say(&format!(
                        "plan {} begins (execution {})",
                        printable(&opening.plan),
                        plan.0
                    ));
                }
                self.plan = Some((*plan, opening.clone(), at));
            }
            Event::TaskOpened { task, opening } => self.task_opened(*task, opening),
            Event::TaskStatus { task, status } => {
                let chatty = self.ui.verbosity >= Verbosity::Chatty;
                let Some(line) = self.tasks.get_mut(task) else {
                    return;
                };
                line.started.get_or_insert(at);
                let text = format!("{}: {status}", target(&line.opening));
                if chatty {
                    self.say(&text);
                }
            }
            Event::FileStored { task, file } => {
                if let Some(line) = self.tasks.get_mut(task) {
                    if file.kept {
                        line.files += 1;
                        line.bytes += file.size;
                    } else {
                        line.not_kept += 1;
                    }
                }
            }
            // Behind the end of a plan nothing collects it.
            Event::Warning { message, .. } if self.plan.is_none() && self.ui.verbosity > Verbosity::Quiet => {
                self.warn(message);
            }
            Event::Warning { owner, message } => {
                let target = match owner {
                    Owner::Task(task) => self.tasks.get(task).map(|line| target(&line.opening)),
                    Owner::Plan(_) => None,
                };
                let target = target.map_or_else(String::new, |target| format!("{target}: "));
                self.complain(&format!("{target}{message}"));
                if !self.tells_tasks() {
                    self.warnings.push(message.clone());
                }
            }
            Event::Note { message, .. } => {
                if self.tells_tasks() {
                    self.say(&format!("note: {}", printable(message)));
                }
            }
            Event::Recovered {
                device, undo, how, ..
            } => {
                self.complain(&format!(
                    "{device}, {}: left by a run that died; {how}",
                    undo.domain()
                ));
            }
            Event::TaskEnded { task, status, error } => {
                self.end_bar();
                self.task_ended(*task, *status, error.as_deref(), Some(at));
            }
            Event::StillQuiesced {
                device,
                domain,
                certainty,
                error,
                ..
            } => {
                self.end_bar();
                let loud = self.ui.paint(certainty.words(), "1;31");
                self.say(&format!(
                    "{loud} {device}, {}: {}; run {}",
                    printable(domain),
                    printable(error),
                    self.invocation.command(["recover"])
                ));
            }
            Event::PlanEnded { status, error, .. } => self.plan_ended(at, *status, error.as_deref()),
            Event::ActivityOpened { .. }
            | Event::PlanStatus { .. }
            | Event::ActivityStatus { .. }
            | Event::TaskFacts { .. }
            | Event::UnsavedChanges { .. }
            | Event::FileFailed { .. }
            | Event::ScriptEnded { .. }
            | Event::ActivityEnded { .. }
            // The notes of the plan say so, or the output of `recover`.
            | Event::PlanAbandoned { .. } => {}
        }
    }

    fn progress(&mut self, progress: &Progress) {
        match progress {
            Progress::Waiting {
                device,
                what,
                waited,
                limit,
            } => self.waiting(device, what, *waited, *limit),
            Progress::Downloaded {
                device,
                name,
                bytes,
                total,
            } => self.downloaded(device, name, *bytes, *total),
            Progress::WaitEnded | Progress::DownloadEnded => self.end_bar(),
        }
    }
}

/// `2m 5s left`: whole seconds, for a countdown moves in such.
fn left(until: Instant, out: &mut dyn fmt::Write) -> fmt::Result {
    let left = until.saturating_duration_since(Instant::now());
    let seconds = left.as_millis().div_ceil(1000);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    write!(out, "{} left", HumanDuration(Duration::from_secs(seconds)))
}

/// `QA1 secure backup`, `TEST8/DOMAIN1 export`.
fn target(opening: &TaskOpening) -> String {
    let device = printable(&opening.device);
    match (opening.action, opening.domain.as_str()) {
        (ActionKind::SecureBackup, _) => format!("{device} secure backup"),
        (ActionKind::ExportDomain, ALL_DOMAINS) => format!("{device} export of all domains"),
        (ActionKind::ExportDomain, domain) => format!("{device}/{} export", printable(domain)),
    }
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}
