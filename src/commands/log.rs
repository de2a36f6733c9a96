//! `dpbackup log`: what changed in configurations, and since when everything is as it is.

mod blame;

use std::collections::BTreeSet;

use anyhow::anyhow;

use crate::change::listed;
use crate::cli::{Global, HistoryFormat, HistoryOutput, LogArgs};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::history_file::read_history;
use crate::commands::frame::loading::{exit_of_part, load_plan_or_part};
use crate::commands::history::named::device_names;
use crate::commands::history::since::{moment, warn_of_to_come, zone};
use crate::commands::log::blame::blame;
use crate::commands::named::absent::did_you_mean;
use crate::commands::named::exports::trouble;
use crate::commands::named::meant_devices::{MeantDevices, mean_some_device};
use crate::exit::Exit;
use crate::history::{ChangeFilter, ChangeRow, CutTask, History};
use crate::plan::model::{Action, Domains, PlanFile};
use crate::report::changes as report;
use crate::report::table::Layout;
use crate::run::event::{ALL_DOMAINS, TaskId};
use crate::ui::Ui;
use crate::values::environment::Lookup;
use crate::values::first_few::first_few;
use crate::values::nearest::nearest;
use crate::values::pattern::PatternList;

/// Prints what changed.
pub(super) fn log(global: &Global, args: &LogArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_or_part(global, ui, env)?;
    let file = &loaded.plan_file;
    let history = read_history(&file.settings)?;
    match &args.blame {
        Some(named) => {
            let rows = blame(file, history.as_ref(), named, args, ui, env)?;
            match args.class.is_some() || args.name.is_some() {
                _ if !rows.is_empty() => {}
                true => ui.hint(&format!(
                    "nothing in it is of that class and name; `{}` has all that it holds",
                    file.invocation.command(["log", "--blame", named])
                )),
                false => ui.hint("the export holds no object and no file of that domain"),
            }
            let zone = zone(&args.output);
            let text = match args.output.format {
                HistoryFormat::Table => report::blame_table(&rows, &layout(file, &args.output, ui)),
                HistoryFormat::Json => report::blame_json(&rows, &zone),
                HistoryFormat::Csv => report::blame_csv(&rows, &zone),
            };
            print(ui, &text)?;
        }
        None => changes(file, history.as_ref(), args, ui)?,
    }
    Ok(exit_of_part(file, Exit::Success))
}

/// Prints the changes that are asked for.
fn changes(file: &PlanFile, history: Option<&History>, args: &LogArgs, ui: Ui) -> Result<(), CommandError> {
    let devices = devices(file, history, args)?;
    if let Some(pattern) = &args.domain {
        is_domain_known(pattern, file, history, BTreeSet::new())?;
    }
    let since = args.since;
    let since = since.map(|since| moment(since, zone(&args.output))).transpose()?;
    warn_of_to_come(since, &zone(&args.output), ui);
    let filter = ChangeFilter {
        devices,
        domains: args.domain.clone(),
        class: args.class.clone(),
        name: args.name.clone(),
        since,
        limit: args.limit,
    };
    let rows = match history {
        None => Vec::new(),
        Some(history) => history.changes(&filter)?,
    };
    if history.is_none() {
        ui.hint("nothing was recorded yet: changes are there after the second run");
    }
    if rows.is_empty() {
        tell_why_there_is_none(file, history, args, ui)?;
    }
    let zone = zone(&args.output);
    let text = match args.output.format {
        HistoryFormat::Table if rows.is_empty() => nothing_found(args).to_owned(),
        HistoryFormat::Table => report::changes_table(&rows, &layout(file, &args.output, ui)),
        HistoryFormat::Json => report::changes_json(&rows, &zone),
        HistoryFormat::Csv => report::changes_csv(&rows, &zone),
    };
    print(ui, &text)?;
    match history {
        Some(history) => tell_unrecorded(history, &filter, &rows, ui),
        None => Ok(()),
    }
}

/// Says what may have been meant where nothing is like what is asked for.
fn tell_why_there_is_none(
    file: &PlanFile,
    history: Option<&History>,
    args: &LogArgs,
    ui: Ui,
) -> Result<(), CommandError> {
    if let (Some(class), Some(history)) = (&args.class, history) {
        tell_near_class(file, history, class, ui)?;
    }
    if let (Some(name), Some(history)) = (&args.name, history) {
        tell_near_name(file, history, name, ui)?;
    }
    let domain = args.domain.as_ref();
    if domain.is_some_and(|domain| domain.to_string() == ALL_DOMAINS) {
        ui.hint("a change found in an export of all domains stands with the domain that it is in: leave out --domain");
    }
    Ok(())
}

fn nothing_found(args: &LogArgs) -> &'static str {
    let narrowed = args.device.is_some()
        || args.domain.is_some()
        || args.class.is_some()
        || args.name.is_some()
        || args.since.is_some();
    match narrowed {
        true => "No change that is recorded is like that.\n",
        false => "No changes recorded yet.\n",
    }
}

fn layout(file: &PlanFile, output: &HistoryOutput, ui: Ui) -> Layout {
    Layout {
        width: ui.width,
        zone: zone(output),
        invocation: file.invocation.clone(),
    }
}

/// So many classes are named.
const CLASSES_NAMED: usize = 8;

/// So many of them are named, with how many changes they found.
const CUT_NAMED: usize = 3;

/// Which tasks that are meant found more changes than are recorded: any of the others may be like what is asked
/// for, so that what is shown is not all, and nothing is not known to be nothing.
fn tell_unrecorded(
    history: &History,
    filter: &ChangeFilter,
    rows: &[ChangeRow],
    ui: Ui,
) -> Result<(), CommandError> {
    // Of what is older than all that is shown nothing is said.
    let oldest = rows.last().filter(|_| rows.len() >= filter.limit as usize);
    let is_meant = |cut: &CutTask| {
        oldest.is_none_or(|oldest| cut.task >= oldest.task)
            && filter
                .devices
                .as_ref()
                .is_none_or(|devices| devices.contains(&cut.device))
            && filter
                .domains
                .as_ref()
                .is_none_or(|domains| cut.domain == ALL_DOMAINS || domains.matches(&cut.domain))
            && filter
                .since
                .zip(cut.time)
                .is_none_or(|(since, time)| time >= since)
    };
    let mut cut = history.cut_tasks(listed::KEPT)?;
    cut.retain(is_meant);
    let named: BTreeSet<TaskId> = cut.iter().take(CUT_NAMED).map(|cut| cut.task).collect();
    for cut in history.cut_changes(&named, listed::KEPT)? {
        ui.warning(&format!(
            "task {} found {} changes, and the first {} of them are recorded",
            cut.task.0, cut.found, cut.recorded
        ));
    }
    let more = cut.len() - named.len();
    if more > 0 {
        ui.warning(&format!("{more} more tasks found more changes than are recorded"));
    }
    if rows.is_empty() && !cut.is_empty() {
        ui.warning("whether one of those that are not recorded is like that is not known");
    }
    Ok(())
}

/// The devices that are meant, of those with changes; `None` is all of them. What nothing matches
/// that anybody knows is a mistake.
fn devices(
    file: &PlanFile,
    history: Option<&History>,
    args: &LogArgs,
) -> Result<Option<BTreeSet<String>>, CommandError> {
    let Some(patterns) = &args.device else {
        return Ok(None);
    };
    let meant = MeantDevices::of(Some(patterns), file);
    let changed = match history {
        Some(history) => history.changed_devices()?,
        None => Vec::new(),
    };
    let found: BTreeSet<String> = changed.into_iter().filter(|name| meant.has(name)).collect();
    if found.is_empty() {
        mean_some_device(Some(patterns), file, &device_names(file, history)?)?;
    }
    Ok(Some(found))
}

/// A domain of which nothing is known to have changed, or that has no export, is no mistake; one that nobody knows
/// is: it would list nothing, in silence. `known` are some that are known already.
pub(super) fn is_domain_known(
    pattern: &PatternList,
    file: &PlanFile,
    history: Option<&History>,
    mut known: BTreeSet<String>,
) -> Result<(), CommandError> {
    let is_meant = |known: &BTreeSet<String>| known.iter().any(|name| pattern.matches(name));
    known.extend(named_domains(file).map(str::to_owned));
    if let Some(history) = history {
        // From the shortest list on. A domain that is in exports of all domains alone has changes, and no task.
        for more in [
            History::backed_up_domains,
            History::changed_domains,
            History::domain_names,
        ] {
            if is_meant(&known) {
                return Ok(());
            }
            known.extend(more(history)?);
        }
    }
    if is_meant(&known) {
        return Ok(());
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let error = anyhow!("neither the plan file nor history has a domain that matches '{pattern}'");
    Err(trouble(error).with_hint(did_you_mean(&pattern.to_string(), &known)))
}

/// The domains that plans name in full.
fn named_domains(file: &PlanFile) -> impl Iterator<Item = &str> {
    let activities = file.plans.iter().flat_map(|plan| &plan.activities);
    activities.flat_map(|activity| match &activity.action {
        Action::ExportDomain {
            domains: Domains::Matching(pattern),
        } => pattern.literals().collect(),
        Action::ExportDomain {
            domains: Domains::All,
        }
        | Action::SecureBackup { .. } => Vec::new(),
    })
}

/// A class of which nothing changed is no mistake; one that is nearly one with changes may be.
fn tell_near_class(file: &PlanFile, history: &History, class: &str, ui: Ui) -> Result<(), CommandError> {
    let known = history.changed_classes()?;
    if known.iter().any(|known| known == class) {
        return Ok(());
    }
    let same = known.iter().find(|known| known.eq_ignore_ascii_case(class));
    let near = same.map(String::as_str);
    let near = near.or_else(|| nearest(class, known.iter().map(String::as_str)));
    let instead = match near {
        Some(near) => format!("; did you mean '{near}'?"),
        None if known.is_empty() => format!(
            "; `{}` lists what there is of it",
            file.invocation.command(["find", "--class", class])
        ),
        None => format!("; there are some of: {}", first_few(&known, CLASSES_NAMED)),
    };
    ui.hint(&format!("of the class '{class}' no change is recorded{instead}"));
    Ok(())
}

/// The same for a name. That of a file is its whole path, and case matters.
fn tell_near_name(file: &PlanFile, history: &History, name: &str, ui: Ui) -> Result<(), CommandError> {
    let instead = match history.changed_name_like(name)? {
        Some(near) if near == name => return Ok(()),
        Some(near) => format!("did you mean '{near}'?"),
        None => format!(
            "`{}` looks for it in the newest exports",
            file.invocation.command(["find", name])
        ),
    };
    ui.hint(&format!(
        "of '{name}' no change is recorded that is like that; {instead}"
    ));
    Ok(())
}
