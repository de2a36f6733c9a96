//! `dpbackup check`

use std::path::Path;

use crate::cli::{CheckArgs, FindingsFormat, Global};
use crate::clock::SystemClock;
use crate::commands::error::{CommandError, Outcome, print};
use crate::commands::gone::open_quiesces;
use crate::commands::loading::{
    HistoryFile, load_plan_to_judge, look_at_history, owners_of_history, with_open_rows,
};
use crate::commands::names;
use crate::commands::run::limits;
use crate::exit::Exit;
use crate::lock::Locks;
use crate::plan::model::{Device, Plan};
use crate::report::findings;
use crate::run::Engine;
use crate::run::event::{Progress, Sink as _};
use crate::run::examine::{CheckItem, CheckVerdict, THIS_MACHINE, examine, examine_device};
use crate::signal::{self, Stop};
use crate::ui::{Screen, SignalAnswer, Ui, Verbosity};
use crate::values::environment::Lookup;

/// Looks at all that the plans need. Nothing is changed on a device; the store is tried for a moment.
pub(super) fn check(global: &Global, args: &CheckArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_to_judge(global, ui, env).map_err(|error| with_open_rows(error, global, env))?;
    let file = &loaded.plan_file;
    let mut plans: Vec<String> = Vec::new();
    let mut devices: Vec<&Device> = Vec::new();
    for name in &args.names {
        match (file.plan(name), names::device(file, name)) {
            (None, Ok(device)) => devices.push(device),
            _ => plans.push(name.clone()),
        }
    }
    let plans = match (plans.as_slice(), devices.as_slice()) {
        ([], []) => names::enabled(file)?,
        ([], _) => Vec::new(),
        (plans, _) => names::chosen(file, &["check"], plans)?,
    };
    let stop = Stop::new();
    signal::listen(&stop).map_err(|error| CommandError::new(Exit::Failed, error))?;
    let clock = SystemClock::new();
    let locks = Locks::beside(&file.settings.history);
    let engine = Engine {
        file,
        clock: &clock,
        stop: &stop,
        locks: &locks,
        process: "check",
        environment: env,
    };
    let mut screen = Screen::new(ui, file.invocation.clone());
    let look = || {
        stop.is_requested();
    };
    let _answering = stop.answered_by(&SignalAnswer::new(&screen, limits(file, false), &look).to_signals());
    let interrupted = || Ok(stop.signal().map_or(Exit::Failed, Exit::Interrupted));
    let mut found = Vec::new();
    if !plans.is_empty() {
        let Some(looked) = examine(engine, &plans, &mut |progress| screen.progress(progress)) else {
            return interrupted();
        };
        found = looked;
        let local = found
            .iter()
            .take_while(|finding| finding.subject == THIS_MACHINE)
            .count();
        found.insert(local, history(&file.settings.history));
        found.extend(open_quiesces(file).map(|open| CheckItem {
            subject: THIS_MACHINE.to_owned(),
            item: "journal",
            verdict: CheckVerdict::Fail,
            text: open,
            hint: None,
        }));
    }
    // Who names a device asks about it alone, whatever plan would back it up.
    let enabled: Vec<&Plan> = file.plans.iter().filter(|plan| plan.enabled).collect();
    let of = devices.len();
    for (asked, device) in devices.into_iter().enumerate() {
        let waiting_for = device.name.clone();
        screen.progress(&Progress::Asking {
            waiting_for,
            asked,
            of,
        });
        found.extend(examine_device(engine, &enabled, device));
        if stop.is_requested() {
            return interrupted();
        }
    }
    screen.progress(&Progress::AskingEnded);
    let text = match args.format {
        FindingsFormat::Table if ui.verbosity == Verbosity::Quiet => {
            let mut bad = found.clone();
            bad.retain(|finding| finding.verdict != CheckVerdict::Ok);
            match bad.as_slice() {
                [] => String::new(),
                bad => findings::table(bad, ui.width),
            }
        }
        FindingsFormat::Table => findings::table(&found, ui.width),
        FindingsFormat::Json => findings::json(&found),
    };
    print(ui, &text)?;
    Ok(match findings::worst(&found) {
        CheckVerdict::Ok | CheckVerdict::Skip => Exit::Success,
        CheckVerdict::Warn => Exit::Warned,
        CheckVerdict::Fail => Exit::Failed,
    })
}

/// Whether history can be used, as far as looking at it tells.
fn history(path: &Path) -> CheckItem {
    let shown = path.display();
    let finding = |verdict, text: String| CheckItem {
        subject: THIS_MACHINE.to_owned(),
        item: "history",
        verdict,
        text,
        hint: None,
    };
    match look_at_history(path) {
        Ok(HistoryFile::Current) => {
            let group = owners_of_history(path).ok().flatten();
            let group = group.map_or_else(String::new, |group| format!("; {group}"));
            finding(
                CheckVerdict::Ok,
                format!("{shown} can be read and written{group}"),
            )
        }
        Ok(HistoryFile::Absent) => finding(
            CheckVerdict::Ok,
            format!("{shown} is not there yet; the first run makes it"),
        ),
        Ok(HistoryFile::Older) => finding(
            CheckVerdict::Ok,
            format!("{shown} is of an older version; the next run brings it up to date"),
        ),
        // The message says what to do.
        Err(why) => finding(CheckVerdict::Fail, why),
    }
}
