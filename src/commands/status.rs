//! `dpbackup history status`: how old the last good backups are, for monitoring.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::{Global, HistoryFormat, StatusArgs};
use crate::clock::{Clock, SystemClock};
use crate::commands::dead::dead_executions::open_quiesces;
use crate::commands::dead::left_behind::{UnseenImports, left_folders, untold};
use crate::commands::frame::error::{CommandError, Outcome, print, print_states};
use crate::commands::frame::history_file::read_history;
use crate::commands::frame::loading::{load_plan_or_part, with_open_rows};
use crate::commands::not_listed::unlisted_targets;
use crate::exit::{Exit, Monitored};
use crate::freshness::expected::{ExpectedTarget, expected};
use crate::freshness::{Attempt, Freshness, LastAttempt, TargetState};
use crate::history::{History, TargetRow};
use crate::lock::{Life, Locks};
use crate::plan::model::PlanFile;
use crate::report;
use crate::retention::newest::GoneBackups;
use crate::run::event::TaskId;
use crate::run::store;
use crate::ui::{Ui, Verbosity};
use crate::values::environment::Lookup;

/// Judges the age of the backups. Whatever keeps it from that is UNKNOWN, or CRITICAL where something may still be quiesced, and not one of
/// the other exit codes: who reads them is a monitoring system.
pub(super) fn status(global: &Global, args: &StatusArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    judged(global, args, ui, env).map_err(|failed| {
        let failed = match failed.exit {
            Exit::History => with_open_rows(failed, global, env),
            _ => failed,
        };
        let is_open = failed.exit == Exit::StillQuiesced;
        let open = failed.hint.as_ref().filter(|_| is_open);
        let open = open.map_or_else(String::new, |open| format!("; {open}"));
        let why = format!("{}{open}", failed.error);
        let state = match is_open {
            true => "CRITICAL",
            false => "UNKNOWN",
        };
        let summary = report::freshness::unjudged(state, &why);
        let text = match args.output.format {
            HistoryFormat::Table => format!("{summary}\n"),
            HistoryFormat::Json => report::freshness::unjudged_json(state, &summary),
            // It has no row for what is judged of all, and stderr says why.
            HistoryFormat::Csv => String::new(),
        };
        // Where nothing can be written the exit code has to do.
        let _ = print(ui, &text);
        match is_open {
            // That nobody could look goes before what a plug-in ends with.
            true => failed,
            false => CommandError {
                exit: Exit::Monitored(Monitored::Unknown),
                ..failed
            },
        }
    })
}

/// Says of words that could not be understood that nothing is known: 2, with which others end, would be CRITICAL.
pub(super) fn not_understood(ui: Ui, why: &str) -> Exit {
    let _ = print(ui, &format!("{}\n", report::freshness::unjudged("UNKNOWN", why)));
    Exit::Monitored(Monitored::Unknown)
}

fn judged(global: &Global, args: &StatusArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_or_part(global, ui, env)?;
    let file = &loaded.plan_file;
    let clock = SystemClock::new();
    let history = read_history(&file.settings)?;
    let expected = expected(file);
    let mut freshness = judge(file, history.as_ref(), &expected, clock.now(), args.max_age)?;
    if let Some(unseen) = &freshness.unseen {
        ui.warning(unseen);
    }
    freshness.is_whole = file.is_whole;
    let rehearsed = match &history {
        Some(history) => history.rehearsed_targets()?,
        None => Vec::new(),
    };
    freshness.note_rehearsals(&rehearsed, clock.now(), args.max_rehearsal);
    let zone = if args.output.utc {
        TimeZone::UTC
    } else {
        clock.zone()
    };
    let text = match args.output.format {
        HistoryFormat::Table if ui.verbosity == Verbosity::Quiet => {
            report::freshness::not_good(&freshness, &zone, ui.width)
        }
        HistoryFormat::Table => report::freshness::table(&freshness, &zone, ui.width),
        HistoryFormat::Json => report::freshness::json(&freshness, &zone),
        HistoryFormat::Csv => report::freshness::csv(&freshness, &zone),
    };
    let printed = match args.output.format {
        HistoryFormat::Table => print_states(ui, &text),
        HistoryFormat::Json | HistoryFormat::Csv => print(ui, &text),
    };
    printed.map_err(|error| untold(error, file))?;
    Ok(match freshness.known_state() {
        Some(TargetState::NotPlanned | TargetState::Ok) => Exit::Success,
        Some(TargetState::Warning) => Exit::Monitored(Monitored::Warning),
        Some(TargetState::Critical) => Exit::Monitored(Monitored::Critical),
        None => Exit::Monitored(Monitored::Unknown),
    })
}

/// How everything that is expected stands with what may still be quiesced or half imported, and what could not be looked at for it. Before the
/// first run there is no history: nothing has ever been backed up, and that is known.
pub(super) fn judge(
    file: &PlanFile,
    history: Option<&History>,
    expected: &[ExpectedTarget],
    now: Timestamp,
    max_age: Duration,
) -> Result<Freshness, CommandError> {
    let mut known = Vec::new();
    let mut running = Attempts::default();
    let mut gone = GoneBackups::default();
    let mut unseen = None;
    if let Some(history) = history {
        known = history.targets()?;
        running = Attempts::look(history, &Locks::beside(&file.settings.history))?;
        match store::is_there(&file.settings) {
            Ok(()) => gone = GoneBackups::look(history, &mut known)?,
            Err(why) => {
                unseen = Some(format!(
                    "{}; whether the backups are in it was not looked at",
                    why.message
                ));
            }
        }
    }
    let attempt = |task: TaskId| running.of(task);
    let gone = |target: &TargetRow| gone.of(target);
    let mut freshness = Freshness::judge(
        expected,
        &known,
        &attempt,
        &gone,
        now,
        max_age,
        open_quiesces(file),
    );
    if let Some(history) = history {
        freshness.note_future(now, |task| history.past_end_after(task, now))?;
        freshness.note_left_out(|device, domain| {
            let newest = history.newest_export(device, domain)?;
            Ok::<_, CommandError>(newest.map(|task| LastAttempt {
                task: task.id,
                status: task.status,
                time: task.status_time,
                attempt: Attempt::Ended,
            }))
        })?;
    }
    if let Some(history) = history {
        freshness.note_unlisted(unlisted_targets(file, history)?);
    }
    let locks = Locks::beside(&file.settings.history);
    freshness.left_folders = left_folders(file, &locks);
    let unseen_imports = UnseenImports::of(file, &locks);
    freshness.half_done = unseen_imports.half_done;
    freshness.dry_runs = unseen_imports.dry_runs;
    if let Some(why) = unseen {
        freshness.note_unseen(why);
    }
    Ok(freshness)
}

/// What each task without an end is at: the kernel lock of its process tells.
#[derive(Default)]
struct Attempts(BTreeMap<TaskId, Attempt>);

impl Attempts {
    fn look(history: &History, locks: &Locks) -> Result<Self, CommandError> {
        let mut attempts = BTreeMap::new();
        for plan in history.unfinished_plans()? {
            let attempt = match locks.life(&plan.process) {
                Life::Alive => Attempt::Running,
                Life::Dead => Attempt::Abandoned,
                Life::NotKnown(_) => Attempt::NotKnown,
            };
            attempts.extend(plan.unended_tasks.iter().map(|task| (task.id, attempt)));
        }
        Ok(Self(attempts))
    }

    /// A task that ended after its target was read is not among those without an end: how it ended
    /// is seen by who asks next.
    fn of(&self, task: TaskId) -> Attempt {
        self.0.get(&task).copied().unwrap_or(Attempt::NotKnown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_task_that_ended_between_two_looks_it_is_not_said_that_its_process_is_gone() {
        let attempts = Attempts(BTreeMap::from([(TaskId(1), Attempt::Abandoned)]));
        assert_eq!(attempts.of(TaskId(1)), Attempt::Abandoned);
        assert_eq!(attempts.of(TaskId(2)), Attempt::NotKnown);
    }
}
