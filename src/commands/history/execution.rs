//! Which execution is meant, by an ID or by `last`.

use anyhow::anyhow;

use crate::cli::{ExecutionId, HistoryArgs};
use crate::commands::frame::error::CommandError;
use crate::commands::history::named::known;
use crate::exit::Exit;
use crate::history::{History, HistoryError, PlanFilter};
use crate::plan::model::PlanFile;
use crate::run::event::PlanId;
use crate::values::invocation::Invocation;

/// What is to be done before anything can be looked at.
pub(in crate::commands) fn first_run(invocation: &Invocation) -> String {
    format!(
        "`{}` runs a plan, and `{}` shows which there are",
        invocation.command(["run", "PLAN"]),
        invocation.command(["list"])
    )
}

/// The execution that an ID, or `last`, is at one of the levels.
pub(in crate::commands) fn execution<T>(
    id: ExecutionId,
    of: impl Fn(i64) -> T,
    newest: impl FnOnce() -> Result<Option<T>, HistoryError>,
) -> Result<T, CommandError> {
    match id {
        ExecutionId::Number(id) => Ok(of(id)),
        ExecutionId::Last => newest()?.ok_or_else(|| nothing_yet("nothing was recorded yet")),
    }
}

/// Somebody asks for the newest of what was never run.
#[derive(Debug, thiserror::Error)]
#[error("there is no last execution: {0}")]
pub(in crate::commands) struct NothingYet(&'static str);

fn nothing_yet(what: &'static str) -> CommandError {
    CommandError::new(Exit::Usage, anyhow::Error::new(NothingYet(what)))
}

/// The newest execution that passes the filter.
pub(super) fn last_of(
    history: &History,
    file: &PlanFile,
    filter: PlanFilter,
) -> Result<PlanId, CommandError> {
    known(file, Some(history), &filter)?;
    let newest = history.plans(&PlanFilter { limit: 1, ..filter })?;
    let newest = newest.first().map(|row| row.id);
    newest.ok_or_else(|| nothing_yet("nothing that was recorded is like this"))
}

/// An ID is one execution, whatever else is asked of it: an option that narrows the list would be
/// ignored.
pub(super) fn is_not_narrowed(file: &PlanFile, args: &HistoryArgs, id: &str) -> Result<(), CommandError> {
    let narrowing = [
        ("--plan", args.plan.is_some()),
        ("--status", args.status.is_some()),
        ("--device", args.device.is_some()),
        ("--since", args.since.is_some()),
        ("--limit", args.limit.is_some()),
    ];
    let Some((option, _)) = narrowing.iter().find(|(_, is_given)| *is_given) else {
        return Ok(());
    };
    let error = anyhow!("{id} is one execution, and {option} narrows the list of them");
    Err(CommandError::new(Exit::Usage, error).with_hint(format!(
        "leave one of them out: `{}` is that execution",
        file.invocation.command(["history", id])
    )))
}

/// The newest one is one: a number of them would be ignored.
pub(super) fn is_not_limited(file: &PlanFile, args: &HistoryArgs) -> Result<(), CommandError> {
    let Some(limit) = args.limit else { return Ok(()) };
    let error = anyhow!("`last` is one execution, and --limit is how many of the list are shown");
    Err(CommandError::new(Exit::Usage, error).with_hint(format!(
        "`{}` shows the newest in full, `{}` the list",
        file.invocation.command(["history", "last"]),
        file.invocation
            .command(["history", "--limit", &limit.to_string()])
    )))
}
