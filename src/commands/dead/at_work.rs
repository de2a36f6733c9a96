//! Which runs are at work, as history and the locks beside it tell.

use jiff::tz::TimeZone;

use crate::history::History;
use crate::lock::{Life, Locks};
use crate::plan::model::PlanFile;
use crate::run::at_work::AtWork;

/// The runs at work now. Of a history that cannot be read nothing is known here: whoever looks at it says so.
pub(in crate::commands) fn at_work(file: &PlanFile) -> Vec<AtWork> {
    let path = &file.settings.history;
    let Ok(history) = History::open_read_only(path) else {
        return Vec::new();
    };
    let locks = Locks::beside(path);
    let rows = history.open_entries().unwrap_or_default();
    let plans = history.unfinished_plans().unwrap_or_default().into_iter();
    plans
        .filter(|plan| locks.life(&plan.process) == Life::Alive)
        .map(|plan| AtWork {
            open: rows.iter().filter(|row| row.plan == plan.id).cloned().collect(),
            pid: Locks::pid(&plan.process),
            stands_still: Locks::stands_still(&plan.process),
            since: plan.started.to_zoned(TimeZone::system()),
            plan: plan.plan,
        })
        .collect()
}
