//! What is said when a plan has ended.

use std::fmt::Write as _;
use std::time::Duration;

use crate::run::event::{PlanId, PlanOpening};
use crate::run::status::{Class, Status};
use crate::ui::Verbosity;
use crate::ui::screen::Screen;
use crate::ui::screen::tasks::{TaskLine, Tasks, Unstarted, target};
use crate::values::duration::HumanDuration;
use crate::values::lacks::usual_lacks;
use crate::values::size::Bytes;
use crate::values::text::{hanging, printable};

/// So many failed tasks are named at the end of a plan.
const NAMED: usize = 10;

impl Screen {
    pub(super) fn plan_ended(&mut self, status: Status, error: Option<&str>, took: Option<Duration>) {
        self.step = None;
        self.live.clear();
        self.tell_unstarted();
        let Some((id, opening)) = self.plan.take() else {
            return;
        };
        let tasks = std::mem::take(&mut self.tasks);
        let has_scrolled_away = std::mem::take(&mut self.told) > NAMED;
        let complaints = std::mem::take(&mut self.complaints);
        let warnings = std::mem::take(&mut self.warnings);
        let usual = std::mem::take(&mut self.usual);
        let good = status.class() == Class::Success;
        if self.ui.verbosity == Verbosity::Quiet && status.class() == Class::Warning {
            let line = quiet_end((id, &opening), status, error, &complaints);
            self.say(&line);
            return;
        }
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
        let took = took.map_or_else(String::new, |took| format!(" after {}", HumanDuration(took)));
        let mut text = format!(
            "plan {} ended {}{took} (execution {})",
            printable(&opening.plan),
            self.ui.paint(status.code(), paint),
            id.0
        );
        let why = error
            .filter(|_| tasks.is_empty() || !self.is_told_by(&tasks, status))
            // That it was interrupted stands nowhere else.
            .filter(|why| {
                status == Status::Interrupted || !warnings.iter().any(|warning| why.contains(warning))
            })
            .map(|why| without_tasks(why, &tasks))
            .filter(|why| !why.is_empty());
        if let Some(why) = why {
            let _ = write!(text, "\n  {}", printable(why));
        }
        for complaint in complaints {
            let _ = write!(text, "\n  {}", complaint.replace('\n', "\n  "));
        }
        // Elsewhere they are among the complaints.
        if self.tells_tasks() {
            self.name_failed(&tasks, id, has_scrolled_away, &mut text);
        }
        if !tasks.is_empty() {
            let _ = write!(text, "\n  {}", counts(&tasks));
        }
        if usual > 0 && self.tells_tasks() {
            let _ = write!(text, "\n  {}", usual_lacks(usual));
        }
        let mut text = self.within_the_terminal(&text);
        if !tasks.is_empty() {
            // Not broken at its blanks: it is copied from there.
            let more = self.invocation.command(["history", &id.0.to_string()]);
            let _ = write!(text, "\n  more: {more}");
        }
        self.say(&text);
    }

    /// Whether the plan says no more than its tasks do: where some failed, or were left out.
    fn is_told_by(&self, tasks: &Tasks, status: Status) -> bool {
        let left_out = |task: &TaskLine| matches!(task.status.class(), Class::Skipped | Class::Cancelled);
        let has_failed = tasks.all().any(|task| task.status.class() == Class::Failed);
        match status {
            Status::AllTasksSkipped => true,
            Status::Failed => has_failed,
            Status::CompletedWithWarnings => tasks.all().any(left_out),
            status => !self.tells_tasks() && status.class() == Class::Failed && has_failed,
        }
    }

    /// Its lines broken at their blanks.
    fn within_the_terminal(&self, text: &str) -> String {
        let width = self.ui.message_width();
        let lines = text.lines().map(|line| {
            let bare = line.trim_start();
            let indent = line.len() - bare.len();
            format!("{:indent$}{}", "", hanging(bare, indent, width))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The command that shows this level of history.
    fn history(&self, level: &str, id: i64) -> String {
        self.invocation.command(["history", level, &id.to_string()])
    }

    /// Those that failed; with their reasons where what was told when they ended has scrolled away.
    fn name_failed(&self, tasks: &Tasks, plan: PlanId, has_scrolled_away: bool, text: &mut String) {
        // Those that an interruption kept from beginning have one reason.
        let never_began = |task: &&TaskLine| !task.began && task.status == Status::Interrupted;
        let failed = || {
            let failed = tasks.all().filter(|task| task.status.class() == Class::Failed);
            failed.filter(|task| !never_began(task))
        };
        for task in failed().take(NAMED) {
            let label = self.ui.paint("FAILED", "1;31");
            let _ = write!(text, "\n  {label} {}: {}", target(&task.opening), task.status);
            if let Some(error) = task.error.as_ref().filter(|_| has_scrolled_away) {
                let _ = write!(text, "\n      {}", printable(error));
            }
        }
        let unstarted = tasks.all().filter(never_began).map(Unstarted::first);
        if let Some(group) = unstarted.reduce(|mut group, next| {
            group.add(next);
            group
        }) {
            let mut group = group;
            group.error = group.error.filter(|_| has_scrolled_away);
            let _ = write!(text, "\n  {}", group.text(self.ui));
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
}

/// With `-q` this line is all there is to explain the exit code.
fn quiet_end(
    (plan, opening): (PlanId, &PlanOpening),
    status: Status,
    error: Option<&str>,
    complaints: &[String],
) -> String {
    let line = |text: &String| text.lines().next().unwrap_or_default().to_owned();
    let why = error.map(str::to_owned).or_else(|| complaints.first().map(line));
    let why = why.map_or_else(String::new, |why| format!(": {}", printable(&why)));
    format!(
        "plan {} ended {} (execution {}){why}",
        printable(&opening.plan),
        status.code(),
        plan.0
    )
}

/// How many tasks ended how, and what is stored.
fn counts(tasks: &Tasks) -> String {
    let count = |classes: &[Class]| {
        let of_them = tasks.all().filter(|task| classes.contains(&task.status.class()));
        of_them.count()
    };
    let bytes: u64 = tasks.all().map(|task| task.bytes).sum();
    format!(
        "{} succeeded, {} failed, {} skipped, {} cancelled; {} stored",
        count(&[Class::Success]),
        count(&[Class::Failed]),
        count(&[Class::Skipped, Class::Refused]),
        count(&[Class::Cancelled]),
        Bytes(bytes)
    )
}

/// The reason of a plan without what its tasks have said: `interrupted by SIGINT in QA1/DOM1 export (task 61): …`.
fn without_tasks<'w>(why: &'w str, tasks: &Tasks) -> &'w str {
    let said = tasks
        .all()
        .filter_map(|task| why.find(task.error.as_deref().filter(|error| !error.is_empty())?));
    let Some(before) = said.min().and_then(|at| why.get(..at)) else {
        return why;
    };
    let bare = before.trim_end_matches([' ', ';', ':']);
    match bare.rsplit_once("task ") {
        // An ID says nothing to whoever reads which task it was.
        Some((rest, id)) if id.bytes().all(|byte| byte.is_ascii_digit()) => {
            rest.trim_end_matches([' ', ';', ':'])
        }
        _ => bare,
    }
}
