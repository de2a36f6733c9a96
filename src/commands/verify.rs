//! `dpbackup verify`

mod after;
pub(super) mod below;
mod round;
mod scope;

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::artifact::recheck::Recheck;
use crate::cli::{Global, OutputFormat, VerifyArgs};
use crate::commands::error::{CommandError, Outcome, found, print};
use crate::commands::heeding::Heeding;
use crate::commands::loading::{
    exit_of_part, invocation, load_plan_if_any, load_plan_or_part, read_history, with_open_rows,
};
use crate::commands::verify::after::{remember, tell_what_is_no_backup};
use crate::commands::verify::round::{FoundDamage, Round};
use crate::commands::verify::scope::{VerifyScope, asks_what};
use crate::exit::Exit;
use crate::history::{FileFilter, FileRow, History};
use crate::plan::model::Settings;
use crate::report::verify as report;
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
        Some(load_plan_or_part(global, ui, env)?)
    } else {
        match load_plan_if_any(global, ui, env, load_plan_or_part) {
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
    let asked = VerifyScope::of(args, file, history.as_ref())?;
    let rows = rows(&asked, history.as_ref())?;
    if let Some(settings) = settings.filter(|_| !(rows.is_empty() && asked.targets.is_empty())) {
        is_store_there(settings, history.as_ref())?;
    }
    let mut owners = vec![rustix::process::geteuid().as_raw()];
    if let Some(settings) = settings {
        owners.extend(settings.history.metadata().map(|metadata| metadata.uid()));
    }
    let heeding = Heeding::signals(
        ui,
        "the file that is being read is finished; nothing is to be put back",
        SecondSignal::Ends,
    )?;
    let scratch = scratch_folder(env);
    let store = settings.map_or_else(PathBuf::new, |settings| settings.store.clone());
    let mut round = Round {
        ui,
        heeding: &heeding,
        format: args.format,
        history: history.as_ref(),
        recheck: Recheck::new(&store, &scratch, owners),
        checked: Vec::new(),
        found: FoundDamage::default(),
        done: BTreeSet::new(),
        tasks: &asked.tasks,
        in_store: settings.map(|settings| settings.store.as_path()),
        // Who names a file finds it again by the name that he gave it, and programs by all of it.
        store: Some(store.as_path()).filter(|_| asked.files.is_empty() && ui.width.is_some()),
        is_store_named: false,
    };
    round.rows(&rows)?;
    round.rows(&asked.targets)?;
    for file in &asked.files {
        if heeding.is_requested() {
            break;
        }
        round.file(file, &scratch)?;
    }
    if args.format == OutputFormat::Table {
        tell_what_is_no_backup(&asked.files, &round.checked, &invocation(global, env), ui);
    }
    if let Some(file) = file.filter(|_| history.is_some()) {
        remember(file, &round.found, ui);
    }
    let not_looked_at = round.checked.iter().any(|one| round.is_unseen(one));
    let is_told = round.checked.iter().any(|one| round.is_told(one));
    let checked = round.checked;
    let all_good = checked.iter().all(|one| one.verified.is_good());
    // Where nothing was looked at nothing is known to be good.
    let unknown = checked.is_empty() || not_looked_at;
    match args.format {
        OutputFormat::Json => print(ui, &report::document(&checked, all_good && !unknown))?,
        OutputFormat::Table if heeding.is_requested() => {
            print(ui, &report::summary(&checked))?;
            ui.warning("not all was looked at that was asked for: it was asked to stop");
        }
        OutputFormat::Table if checked.len() == 1 => {}
        OutputFormat::Table if ui.verbosity == Verbosity::Quiet && !checked.is_empty() && !is_told => {}
        OutputFormat::Table => print(ui, &report::summary(&checked))?,
    }
    let warned = unknown || checked.iter().any(|one| !one.verified.warnings().is_empty());
    let exit = match (all_good, warned) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Warned,
        (true, false) => Exit::Success,
    };
    let exit = unheld.exit(exit);
    Ok(heeding.exit(file.map_or(exit, |file| exit_of_part(file, exit))))
}

/// Where all of the store is away, that is said once, and not of each file.
fn is_store_there(settings: &Settings, history: Option<&History>) -> Result<(), CommandError> {
    let known = match history {
        Some(history) => history.files_in_store()?,
        None => 0,
    };
    let away = store::bare(settings).and_then(|bare| store::is_away(settings, bare, Some(known)));
    away.map_or(Ok(()), |away| {
        let error = anyhow!("{away}; nothing was looked at");
        Err(CommandError::new(Exit::Failed, error)
            .with_hint("mount it, or correct `store`: of the files nothing is known"))
    })
}

/// Whether it was said that files could not be compared with what history knows of them: once is enough.
#[derive(Default)]
struct Unheld(Option<Exit>);

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
        self.0 = Some(error.exit);
        None
    }

    /// What the command ends with: no success, and the gravest where something may still be quiesced.
    fn exit(&self, exit: Exit) -> Exit {
        match self.0 {
            None => exit,
            Some(Exit::StillQuiesced) => exit.or_graver(Exit::StillQuiesced),
            Some(_) => exit.or_graver(Exit::Warned),
        }
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
