//! `dpbackup verify`: whether what is stored can still be read back.

mod conclusion;
pub(super) mod folder_scope;
mod round;
mod scope;

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use anyhow::anyhow;

use crate::artifact::recheck::Recheck;
use crate::cli::{Global, OutputFormat, VerifyArgs};
use crate::commands::dead::dead_executions::{Gone, open_quiesces};
use crate::commands::frame::error::{CommandError, Outcome, found, print};
use crate::commands::frame::heeding::Heeding;
use crate::commands::frame::history_file::read_history;
use crate::commands::frame::loading::{
    exit_of_part, invocation, load_plan_if_any, load_plan_or_part_with_store, with_open_rows,
};
use crate::commands::verify::conclusion::{next_step, remember, tell_what_is_no_backup};
use crate::commands::verify::round::{FoundDamage, Round};
use crate::commands::verify::scope::{VerifyScope, asks_what};
use crate::exit::Exit;
use crate::history::{FileFilter, FileRow, History};
use crate::lock::Locks;
use crate::plan::model::{PlanFile, Settings};
use crate::report::verify::{self as report, Checked};
use crate::run::event::TaskId;
use crate::run::store;
use crate::ui::{SecondSignal, Ui, Verbosity};
use crate::values::environment::{Lookup, scratch_folder};

/// Looks at stored files again.
pub(super) fn verify(global: &Global, args: &VerifyArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let of_history = args.all || !args.tasks.is_empty() || !args.devices.is_empty();
    if !of_history && args.files.is_empty() {
        return Err(asks_what(&invocation(global, env)));
    }
    // An archive can be verified on a machine that has no plan file.
    let mut unheld = Unheld::default();
    // Who names what is there wants to know how that is, and needs neither a plan file nor a history for it.
    let is_there = |file: &PathBuf| file.symlink_metadata().is_ok();
    let alone = !of_history && args.files.iter().all(is_there);
    let loaded = if of_history {
        Some(load_plan_or_part_with_store(global, ui, env)?)
    } else {
        match load_plan_if_any(global, ui, env, load_plan_or_part_with_store) {
            Err(error) if alone => unheld.because(&error, ui),
            loaded => loaded?,
        }
    };
    let settings = loaded.as_ref().map(|loaded| &loaded.plan_file.settings);
    let history = match settings.map(read_history) {
        Some(Err(error)) if alone => unheld.because(&with_open_rows(error, global, env), ui),
        Some(history) => history?,
        None => None,
    };
    let file = loaded.as_ref().map(|loaded| &loaded.plan_file);
    let mut asked = VerifyScope::of(args, file, history.as_ref())?;
    let mut rows = rows(&asked, history.as_ref())?;
    if let (Some(file), Some(history)) = (file, &history) {
        unheld.stored_nothing(file, history, &asked.tasks, &rows, ui)?;
    }
    if let Some(settings) = settings.filter(|_| !(rows.is_empty() && asked.targets.is_empty()))
        && let Some(away) = store_away(settings, history.as_ref())?
    {
        unheld.store_is_away(&away, &asked.files, ui)?;
        rows.clear();
        asked.targets.clear();
    }
    let heeding = Heeding::signals(
        ui,
        "the file that is being read is finished; nothing is to be put back",
        SecondSignal::Ends,
    )?;
    let looked = looked(
        &asked,
        &rows,
        settings,
        history.as_ref(),
        (args, &heeding, ui, env),
    )?;
    if args.format == OutputFormat::Table {
        tell_what_is_no_backup(&asked.files, &looked.checked, &invocation(global, env), ui, env);
    }
    if let Some(file) = file.filter(|_| history.is_some()) {
        remember(file, &looked.found, ui);
    }
    let exit = unheld.exit(told(&looked, &unheld, args, &heeding, ui)?);
    let bad = looked.checked.iter().filter(|checked| checked.is_not_as_stored());
    let bad: Vec<&Checked> = bad.filter(|_| args.format == OutputFormat::Table).collect();
    if let (Some(file), Some(history), false) = (file, &history, bad.is_empty()) {
        ui.hint(&next_step(file, history, &bad));
    }
    Ok(heeding.exit(file.map_or(exit, |file| exit_of_part(file, exit))))
}

/// What came of a round.
struct Looked {
    checked: Vec<Checked>,
    found: FoundDamage,
    /// Whether something that was asked for by itself was not there to be looked at.
    is_something_unseen: bool,
    /// Whether even `-q` says something.
    is_something_told: bool,
}

/// Looks at all that is asked for.
fn looked(
    asked: &VerifyScope,
    rows: &[FileRow],
    settings: Option<&Settings>,
    history: Option<&History>,
    (args, heeding, ui, env): (&VerifyArgs, &Heeding, Ui, Lookup<'_>),
) -> Result<Looked, CommandError> {
    let mut owners = vec![rustix::process::geteuid().as_raw()];
    if let Some(settings) = settings {
        owners.extend(settings.history.metadata().map(|metadata| metadata.uid()));
    }
    let scratch = scratch_folder(env);
    let store = settings.map_or_else(PathBuf::new, |settings| settings.store.folder().to_owned());
    let mut round = Round {
        ui,
        heeding,
        format: args.format,
        history,
        recheck: Recheck::new(&store, &scratch, owners),
        checked: Vec::new(),
        found: FoundDamage::default(),
        done: BTreeSet::new(),
        tasks: &asked.tasks,
        in_store: settings.map(|settings| settings.store.folder()),
        // Who names a file finds it again by the name that he gave it, and programs by all of it.
        store: Some(store.as_path()).filter(|_| asked.files.is_empty() && ui.width.is_some()),
        is_store_named: false,
    };
    round.rows(rows)?;
    round.rows(&asked.targets)?;
    for file in &asked.files {
        if heeding.is_requested() {
            break;
        }
        round.file(file, &scratch)?;
    }
    Ok(Looked {
        is_something_unseen: round.checked.iter().any(|one| round.is_unseen(one)),
        is_something_told: round.checked.iter().any(|one| round.is_told(one)),
        checked: round.checked,
        found: round.found,
    })
}

/// Says what it all comes to.
fn told(
    looked: &Looked,
    unheld: &Unheld,
    args: &VerifyArgs,
    heeding: &Heeding,
    ui: Ui,
) -> Result<Exit, CommandError> {
    let checked = &looked.checked;
    let all_good = checked.iter().all(|one| one.verified.is_good());
    // Where nothing was looked at nothing is known to be good.
    let unknown = checked.is_empty() || looked.is_something_unseen || unheld.leaves_something_out;
    match args.format {
        OutputFormat::Json => print(ui, &report::document(checked, all_good && !unknown))?,
        OutputFormat::Table if heeding.is_requested() => {
            print(ui, &report::summary(checked))?;
            ui.warning("not all was looked at that was asked for: it was asked to stop");
        }
        OutputFormat::Table if checked.len() == 1 => {}
        // What there is to say of it was said.
        OutputFormat::Table if checked.is_empty() && unheld.leaves_something_out => {}
        OutputFormat::Table
            if ui.verbosity == Verbosity::Quiet && !checked.is_empty() && !looked.is_something_told => {}
        OutputFormat::Table => print(ui, &report::summary(checked))?,
    }
    let warned = unknown || checked.iter().any(|one| !one.verified.warnings().is_empty());
    Ok(match (all_good, warned) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Warned,
        (true, false) => Exit::Success,
    })
}

/// That all of the store is away: it is said once, and not of each file.
fn store_away(settings: &Settings, history: Option<&History>) -> Result<Option<String>, CommandError> {
    let known = match history {
        Some(history) => history.files_in_store()?,
        None => 0,
    };
    Ok(store::bare(settings).and_then(|bare| store::is_away(settings, bare, Some(known))))
}

/// What was said already of what could not be looked at as it was asked for: once is enough.
#[derive(Default)]
struct Unheld {
    /// What it ends with at least.
    exit: Option<Exit>,
    /// Something that was asked for was not looked at at all.
    leaves_something_out: bool,
}

impl Unheld {
    /// Says it, and goes on with nothing.
    fn because<T>(&mut self, error: &CommandError, ui: Ui) -> Option<T> {
        ui.warning(&format!(
            "what is named could not be held against the history, and is looked at by itself: {:#}",
            error.error
        ));
        if let Some(hint) = error.hint.as_ref().filter(|_| error.exit == Exit::StillQuiesced) {
            ui.warning(hint);
        }
        self.exit = Some(match error.exit {
            Exit::StillQuiesced => Exit::StillQuiesced,
            _ => Exit::Warned,
        });
        None
    }

    /// Says which of the tasks that were asked for have stored nothing.
    fn stored_nothing(
        &mut self,
        file: &PlanFile,
        history: &History,
        tasks: &[TaskId],
        rows: &[FileRow],
        ui: Ui,
    ) -> Result<(), CommandError> {
        let mut is_one_dead = false;
        for task in tasks
            .iter()
            .filter(|task| !rows.iter().any(|row| row.task == **task))
        {
            let mut row = found(history.task(*task))?;
            let gone = Gone::look(history, &Locks::beside(&file.settings.history))?;
            gone.mark_task(&mut row);
            // Of one that has ended its status says enough.
            let message = row.error_message.filter(|_| row.end_time.is_none());
            ui.decisive_warning(&format!(
                "task {} ({} {}, {}) has stored nothing{}",
                task.0,
                row.device_name,
                row.domain_name,
                row.status.code(),
                message.map_or_else(String::new, |message| format!(": {message}"))
            ));
            is_one_dead |= row.end_time.is_none() && gone.is_not_good(row.plan, row.status);
            let stored = history.stored_files(&FileFilter::All)?;
            if let Some(newest) = stored.iter().map(|row| row.task.0).max() {
                ui.hint(&format!(
                    "`{}` looks at what the newest task of which something is in the store has stored",
                    file.invocation.command(["verify", &newest.to_string()])
                ));
            }
            self.leaves_something_out = true;
        }
        if let Some(open) = open_quiesces(file).filter(|_| is_one_dead) {
            ui.warning(&open);
            self.exit = Some(Exit::StillQuiesced);
        }
        Ok(())
    }

    /// Says that the store is away. Files that are named by themselves are looked at all the same.
    fn store_is_away(&mut self, away: &str, files: &[PathBuf], ui: Ui) -> Result<(), CommandError> {
        let hint = "mount it, or correct `store`: of the files in it nothing is known";
        if files.is_empty() {
            let error = anyhow!("{away}; nothing was looked at");
            return Err(CommandError::new(Exit::Failed, error).with_hint(hint));
        }
        ui.decisive_warning(&format!("{away}; of what should be in it nothing was looked at"));
        ui.hint(hint);
        self.leaves_something_out = true;
        self.exit = Some(Exit::Failed);
        Ok(())
    }

    /// What the command ends with.
    fn exit(&self, exit: Exit) -> Exit {
        self.exit.map_or(exit, |least| exit.or_graver(least))
    }
}

/// The rows of history that are asked for.
fn rows(asked: &VerifyScope, history: Option<&History>) -> Result<Vec<FileRow>, CommandError> {
    let Some(history) = history else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    if asked.all {
        rows.extend(history.stored_files(&FileFilter::All)?);
    }
    for device in &asked.devices {
        rows.extend(history.stored_files(&FileFilter::Device(device.clone()))?);
    }
    // Whoever asks for one task wants to know what became of its other files, too.
    for task in &asked.tasks {
        rows.extend(found(history.files(*task))?);
    }
    Ok(rows)
}
