//! What became of the tasks, and what that makes of activities and the plan.

use crate::run::error::RunTrouble;
use crate::run::event::{ALL_DOMAINS, Event, OutOfService};
use crate::run::script::TaskEnd;
use crate::run::sequence::{Run, Waiting, WalkedActivity};
use crate::run::status::{Class, Status};
use crate::values::first_few::first_warning;
use crate::values::signal_name::signal_name;

/// How a task ended, as it counts for its plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct TalliedEnd<'e> {
    pub(super) status: Status,
    pub(super) error: Option<&'e str>,
    pub(super) warnings: &'e [String],
    pub(super) out_of_service: OutOfService,
}

impl<'a> Run<'_, 'a, '_> {
    /// Counts a task that reached its end; the last one of an activity ends that too.
    pub(super) fn tally(
        &mut self,
        activity: &mut WalkedActivity<'a>,
        task: &Waiting<'a>,
        end: TalliedEnd<'_>,
    ) -> Result<(), RunTrouble> {
        let TalliedEnd {
            status,
            out_of_service,
            ..
        } = end;
        let expanded = &task.expanded;
        let domain = if expanded.domain == ALL_DOMAINS {
            "ALL"
        } else {
            &expanded.domain
        };
        let kind = activity.activity.kind();
        self.tallies.ends.push(TaskEnd::new(
            task.id,
            kind,
            &expanded.device_name,
            domain,
            status,
            out_of_service,
        ));
        self.count(activity, task, end);
        activity.tally.open = activity.tally.open.saturating_sub(1);
        if activity.tally.open > 0 {
            return Ok(());
        }
        self.record.tell(&Event::ActivityEnded {
            activity: activity.id,
            status: activity.tally.status(),
        })?;
        Ok(())
    }

    /// Counts how a task ended, for its activity and its plan.
    fn count(&mut self, activity: &mut WalkedActivity<'a>, task: &Waiting<'a>, end: TalliedEnd<'_>) {
        let TalliedEnd {
            status,
            error,
            warnings,
            out_of_service: _,
        } = end;
        let warnings = warnings
            .iter()
            .map(|message| format!("task {}: {message}", task.id.0));
        activity.tally.warned |= warnings.len() > 0;
        self.tallies.warnings.extend(warnings);
        self.tallies.cut_short |= status == Status::Interrupted;
        match status.class() {
            Class::Success => self.tallies.succeeded += 1,
            Class::Failed | Class::Refused => {
                activity.tally.failed += 1;
                let error = error.unwrap_or_default();
                self.tallies
                    .failures
                    .push(format!("task {} {status}: {error}", task.id.0));
            }
            Class::Skipped | Class::Cancelled | Class::Warning | Class::Interim => {
                activity.tally.left_out += 1;
                self.tallies.left_out += 1;
                let why = || format!("task {} {status}: {}", task.id.0, error.unwrap_or_default());
                self.tallies.first_left_out.get_or_insert_with(why);
            }
        }
    }

    /// How a plan whose tasks were walked has ended.
    pub(super) fn by_tallies(&mut self, script_warning: Option<&str>) -> (Status, Option<String>) {
        if let Some(signal) = self.engine.stop.signal() {
            let mut words = vec![self.tallies.interrupted_by(&signal_name(signal))];
            words.extend(self.tallies.warnings.iter().cloned());
            return (Status::Interrupted, Some(words.join("; ")));
        }
        let tasks = &self.tallies;
        let counted = tasks.succeeded + tasks.failures.len() + tasks.left_out;
        if counted != tasks.opened {
            self.record.met_internal_error();
            let why = format!(
                "internal error (please report it): of {} tasks {counted} have an end",
                tasks.opened
            );
            return (Status::Failed, Some(why));
        }
        if let Some(first) = self.tallies.failures.first() {
            let more = match self.tallies.failures.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more failed)"),
            };
            return (Status::Failed, Some(format!("{first}{more}")));
        }
        // What is left out each night, as a domain of API Connect is, hides no warning.
        let left_out = (tasks.left_out > 0).then(|| self.why_left_out());
        let warned = script_warning.map(str::to_owned).into_iter();
        let warned = warned.chain(first_warning(&tasks.warnings));
        let why: Vec<String> = warned.chain(left_out).collect();
        match why.is_empty() {
            true => (Status::Success, None),
            false => (Status::CompletedWithWarnings, Some(why.join("; "))),
        }
    }

    /// The first task that was skipped or cancelled, with its reason, and how many more there are: a
    /// list of executions that names no reason sends everybody to look for one.
    pub(super) fn why_left_out(&self) -> String {
        let first = self
            .tallies
            .first_left_out
            .as_deref()
            .unwrap_or("a task was skipped or cancelled");
        match self.tallies.left_out.saturating_sub(1) {
            0 => first.to_owned(),
            more => format!("{first} (and {more} more skipped or cancelled)"),
        }
    }
}
