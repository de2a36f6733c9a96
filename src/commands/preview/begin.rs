//! Whether a plan would begin at all, and what of it could not be done when its tasks are over.

use std::collections::BTreeSet;
use std::path::Path;

use crate::clock::Clock;
use crate::plan::model::{Plan, Settings};
use crate::run::at_work::AtWork;
use crate::run::examine::why_it_cannot_start;
use crate::run::failure::Failure;
use crate::run::sequence::before::quiesce_timeout;
use crate::run::status::Status;
use crate::run::store;
use crate::values::closed_window::why_closed;
use crate::values::environment::Lookup;

/// Everything that would keep the plan from starting now.
pub(super) fn refusals(
    plan: &Plan,
    locked: Option<&AtWork>,
    no_history: Option<&str>,
    settings: &Settings,
    clock: &dyn Clock,
    env: Lookup<'_>,
) -> Vec<String> {
    // A run asks for this first.
    let mut refused: Vec<String> = locked.map(locked_words).into_iter().collect();
    if !plan.enabled {
        refused.push(format!("{}: its `enabled` is false", Status::PlanIsDisabled));
    }
    if !settings.backups_enabled {
        refused.push(format!(
            "{}: `backups_enabled` under [settings] is false",
            Status::BackupsAreDisabled
        ));
    }
    if let Some(window) = plan.window.as_ref().filter(|window| !window.is_open(clock.now())) {
        refused.push(format!(
            "{}: {}",
            Status::OutOfMaintenanceWindow,
            why_closed(window, clock.now())
        ));
    }
    if let Some(why) = why_it_cannot_start(plan.pre_script.as_deref(), env) {
        refused.push(format!("{}: {why}", Status::PlanFailedPreScript));
    }
    let checks = [
        quiesce_timeout(settings, plan),
        store::is_mounted(settings),
        could_be_written(settings),
    ];
    for failure in checks.into_iter().filter_map(Result::err) {
        refused.push(format!("{}: {}", failure.status, failure.message));
    }
    refused.extend(no_history.map(|why| format!("the history {why}")));
    refused
}

/// What a run of the plan would end with, as it says it.
fn locked_words(run: &AtWork) -> String {
    let until = match run.stands_still {
        true => "it ends only when it goes on",
        false => "--lock-wait 10m waits for it",
    };
    format!("{}: held by {run}; {until}", Status::Locked)
}

/// Whether a run could use the store and has the space, as far as looking tells.
fn could_be_written(settings: &Settings) -> Result<(), Failure> {
    store::owners(settings).map_err(|why| store::untrusted(&why))?;
    store::could_be_written(settings).map_err(|why| store::unwritable(settings, &why))?;
    store::has_space(settings, Status::StoreOutOfSpace)
}

/// The scripts behind the plan and its tasks that could not start: a run finds that out when all else is done.
pub(super) fn scripts_behind(plan: &Plan, env: Lookup<'_>) -> Vec<String> {
    let of_tasks = plan.activities.iter().map(|activity| &activity.post_script);
    let scripts: BTreeSet<&Path> = of_tasks
        .chain([&plan.post_script])
        .filter_map(|script| script.as_deref())
        .collect();
    let unable = scripts
        .into_iter()
        .filter_map(|script| why_it_cannot_start(Some(script), env));
    unable
        .map(|why| format!("a post_script would fail: {why}"))
        .collect()
}
