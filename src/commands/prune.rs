//! `dpbackup prune`: which backups retention no longer keeps, and their removal.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::anyhow;
use jiff::Timestamp;

use crate::cli::{Global, OutputFormat, PruneArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::commands::frame::error::{CommandError, Outcome, print, print_states};
use crate::commands::frame::heeding::Heeding;
use crate::commands::frame::history_file::{open_history, read_history};
use crate::commands::frame::loading::{load_plan, warn_of_zone, with_open_rows};
use crate::commands::named::names::chosen;
use crate::commands::named::new_backup::put_back_or_new;
use crate::commands::restore_note;
use crate::exit::Exit;
use crate::history::{FileId, History};
use crate::lock::{Lock, Locks};
use crate::plan::LoadError;
use crate::plan::model::PlanFile;
use crate::report::prune::{self as report, PruneLine};
use crate::report::store_line;
use crate::retention::prove::{Fate, StoredBackup, Target, targets};
use crate::run::event::TaskId;
use crate::run::held::{LockFor, LockOutcome, LockWait};
use crate::run::store;
use crate::ui::{SecondSignal, Ui, Verbosity};
use crate::values::clock_time::on_clock;
use crate::values::environment::Lookup;
use crate::values::first_few::first_few;

/// Removes what no retention keeps.
pub(super) fn prune(global: &Global, args: &PruneArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    // What a part of the file does not say may be a retention that keeps more.
    let loaded = load_plan(global, ui, env)
        .map_err(nothing_removed)
        .map_err(|error| with_open_rows(error, global, env))?;
    let file = &loaded.plan_file;
    // What goes is chosen by days, weeks and months of another zone than somebody meant.
    let is_zone_unknown = warn_of_zone(ui, env);
    chosen(file, &["prune", "--plan"], &args.plans, env)?;
    let history = if args.dry_run {
        read_history(&file.settings)?
    } else {
        // Before the first run there is nothing to prune, and no history to make for it.
        match read_history(&file.settings) {
            Ok(None) => None,
            _ => Some(open_history(&file.settings, ui)?),
        }
    };
    let heeding = Heeding::signals(
        ui,
        match args.dry_run {
            true => "nothing was removed, and nothing is to be put back",
            false => "what is being removed is finished, and RESTORE.txt is written",
        },
        SecondSignal::Waits,
    )?;
    let mut pruning = Pruning {
        file,
        args,
        ui,
        heeding,
        clock: SystemClock::new(),
        lines: Vec::new(),
        busy: Vec::new(),
        warned: is_zone_unknown,
        is_store_named: false,
        again: None,
    };
    if let Some(mut history) = history {
        let devices: BTreeSet<String> = history
            .targets()?
            .into_iter()
            .map(|row| row.device_name)
            .collect();
        if !devices.is_empty() {
            // What is not there because the store is away is not gone.
            store::is_there(&file.settings).map_err(|away| {
                let error = anyhow!("{}; nothing was removed", away.message);
                CommandError::new(Exit::NotStarted, error)
            })?;
            is_inhabited(&history, &devices, file.settings.store.folder())?;
        }
        for device in devices {
            if pruning.heeding.is_requested() {
                break;
            }
            pruning.device(&mut history, &device)?;
        }
        let lost = pruning.lines.iter().filter(|line| line.fate == Fate::Lost);
        let lost: Vec<TaskId> = lost.map(|line| line.task).collect();
        pruning.again = (!lost.is_empty()).then(|| put_back_or_new(file, &history, lost));
    }
    pruning.end()
}

/// Refuses a store in which nothing is of all that history has, not even a folder: a disk that is not mounted leaves
/// one, and what is not seen for that must not be struck out as gone.
fn is_inhabited(history: &History, devices: &BTreeSet<String>, store: &Path) -> Result<(), CommandError> {
    let mut known = 0;
    for device in devices {
        let files = history.prunable_files(device)?;
        for file in files.iter().filter(|prunable| prunable.file.kept) {
            let mut above = file.file.path.ancestors().take_while(|above| *above != store);
            if above.any(|above| above.symlink_metadata().is_ok()) {
                return Ok(());
            }
            known += 1;
        }
    }
    if known == 0 {
        return Ok(());
    }
    let error = anyhow!(
        "of the {known} files that history has none is in the store {}, nor a folder of their devices; nothing was removed",
        store.display()
    );
    Err(CommandError::new(Exit::NotStarted, error).with_hint(
        "mount it, if its disk is not; `require_mount = \"mounted\"` has runs look for that as well",
    ))
}

/// Says of a plan file with errors that it was not followed, not even in part.
fn nothing_removed(mut error: CommandError) -> CommandError {
    if let Some(LoadError::Invalid(_)) = error.error.downcast_ref() {
        error.error = error
            .error
            .context("nothing was removed: a retention may be what is wrong in the plan file");
    }
    error
}

/// A round through the devices.
struct Pruning<'p> {
    file: &'p PlanFile,
    args: &'p PruneArgs,
    ui: Ui,
    heeding: Heeding,
    clock: SystemClock,
    lines: Vec<PruneLine>,
    busy: Vec<String>,
    warned: bool,
    /// Whether the store was named: paths of lines begin there.
    is_store_named: bool,
    /// What to do about what is lost, if something is.
    again: Option<String>,
}

impl Pruning<'_> {
    /// One device: no task works on it meanwhile, so that none relies on what is removed.
    fn device(&mut self, history: &mut History, device: &str) -> Result<(), CommandError> {
        let _lock = match self.args.dry_run {
            true => None,
            false => match self.lock(device)? {
                Some(lock) => Some(lock),
                None => return Ok(()),
            },
        };
        let store = self.file.settings.store.folder();
        for mut target in targets(history.prunable_files(device)?, self.file, &self.args.plans) {
            if self.heeding.is_requested() {
                break;
            }
            target.decide(store, self.clock.now(), &self.clock.zone());
            if !self.args.dry_run {
                let found: Vec<_> = target
                    .backups
                    .iter()
                    .flat_map(StoredBackup::found_damage)
                    .collect();
                history.note_damage(self.clock.now(), &found)?;
            }
            self.target(history, &target)?;
        }
        if !self.args.dry_run
            && let Err(why) = restore_note::write(self.file, history, device, &self.clock.zone())
        {
            self.ui.decisive_warning(&why);
            self.warned = true;
        }
        Ok(())
    }

    /// The lock that tasks of this device take, if it is to be had.
    fn lock(&mut self, device: &str) -> Result<Option<Lock>, CommandError> {
        let what = match self.file.device(device) {
            Some(device) => LockFor::Device(device),
            // No plan file at hand names its address; no task of it can be under way either.
            None => LockFor::FormerDevice(device),
        };
        let wait = LockWait {
            locks: &Locks::beside(&self.file.settings.history),
            clock: &self.clock,
            stop: self.heeding.stop(),
            purpose: "prune",
            limit: self.args.lock_wait,
        };
        let taken = wait
            .take(what, &mut |_| {})
            .map_err(|error| CommandError::new(Exit::History, error))?;
        match taken {
            LockOutcome::Held(lock) => Ok(Some(lock)),
            LockOutcome::Stopped => Ok(None),
            LockOutcome::Busy(holder) => {
                let why = format!("{device} is held by {holder}: nothing of it was removed");
                self.ui.decisive_warning(&why);
                self.busy.push(device.to_owned());
                Ok(None)
            }
        }
    }

    /// Carries out what was chosen, backup by backup: what is recorded as removed is gone.
    fn target(&mut self, history: &mut History, target: &Target) -> Result<(), CommandError> {
        if !self.args.dry_run {
            self.announce(history, target)?;
            self.let_rows_go(history, target)?;
        }
        for backup in target.backups.iter().filter(|backup| backup.is_asked_for()) {
            let mut line = line(backup);
            let is_gone = is_row_alone(backup) && line.fate == Fate::Delete && !self.args.dry_run;
            if is_gone {
                line.fate = Fate::Deleted;
            } else if self.heeding.is_requested() {
                // It stays, and is announced no longer.
                if line.fate == Fate::Delete && !self.args.dry_run {
                    history.give_up_removal(&backup.file_ids())?;
                }
                continue;
            }
            self.warn_of_the_future(backup);
            if !self.args.dry_run && line.fate == Fate::Delete {
                match backup.remove(self.file.settings.store.folder()) {
                    Ok(()) => {
                        history.mark_pruned(self.clock.now(), &backup.file_ids())?;
                        line.fate = Fate::Deleted;
                    }
                    Err(why) => {
                        history.give_up_removal(&backup.file_ids())?;
                        line.fate = Fate::Left;
                        line.reasons = vec![why];
                    }
                }
            }
            self.tell(line)?;
        }
        Ok(())
    }

    /// Writes down what is about to go, before anything does: who reads the store meanwhile
    /// finds a file missing that history does not know removed yet. What a prune that died had
    /// announced, and stays now, is no longer announced.
    fn announce(&self, history: &mut History, target: &Target) -> Result<(), CommandError> {
        let (going, staying): (Vec<_>, Vec<_>) = target
            .backups
            .iter()
            .partition(|backup| backup.fate().0 == Fate::Delete);
        let going = going.into_iter().filter(|backup| !backup.is_announced());
        let going: Vec<FileId> = going.flat_map(StoredBackup::file_ids).collect();
        let staying = staying.into_iter().filter(|backup| backup.is_announced());
        let staying: Vec<FileId> = staying.flat_map(StoredBackup::file_ids).collect();
        history.begin_removal(self.clock.now(), &going)?;
        history.give_up_removal(&staying)?;
        Ok(())
    }

    /// Backups without a file of their own go first, and together: whatever ends this before a file with their content is
    /// gone leaves that file, and not them without it.
    fn let_rows_go(&self, history: &mut History, target: &Target) -> Result<(), CommandError> {
        let rows = target.backups.iter().filter(|backup| is_row_alone(backup));
        let going = rows.filter(|backup| backup.fate().0 == Fate::Delete);
        let going: Vec<FileId> = going.flat_map(StoredBackup::file_ids).collect();
        Ok(history.mark_pruned(self.clock.now(), &going)?)
    }

    /// A clock that was wrong once is seen here first. What it left is as good as any other
    /// backup: only its time is not.
    fn warn_of_the_future(&mut self, backup: &StoredBackup) {
        let Some(end) = backup.future_end() else { return };
        let (device, domain, kind) = backup.of();
        let shown = |time: Timestamp| on_clock(time, &self.clock.zone());
        self.ui.decisive_warning(&format!(
            "{device} {domain} {}: the backup of task {} ended in the future, at {}, and it is {} now: the clock of this \
             machine was wrong then, or is wrong now; the backup counts as one of now and is kept, and goes where \
             somebody removes it by hand",
            kind.code(),
            backup.task.0,
            shown(end),
            shown(self.clock.now()),
        ));
        self.warned = true;
    }

    fn tell(&mut self, line: PruneLine) -> Result<(), CommandError> {
        let shows_all = self.args.dry_run || self.ui.verbosity > Verbosity::Normal;
        let is_told = match self.ui.verbosity {
            Verbosity::Quiet => line.fate.is_trouble(),
            _ => shows_all || line.fate != Fate::Keep,
        };
        if self.args.format == OutputFormat::Table && is_told {
            // Programs find a file by all of its path.
            let store = self.ui.width.map(|_| self.file.settings.store.folder());
            if let (Some(store), false) = (store, self.is_store_named) {
                print(self.ui, &store_line(store))?;
                self.is_store_named = true;
            }
            print_states(
                self.ui,
                &report::line(&line, store, &self.clock.zone(), self.ui.width),
            )?;
        }
        self.lines.push(line);
        Ok(())
    }

    fn end(self) -> Outcome {
        // Where somebody held a device, or it was to stop, that there is nothing is not known.
        let looked_at_all = self.busy.is_empty() && !self.heeding.is_requested();
        let settings = &self.file.settings;
        let sets_none =
            settings.retention.is_none() && self.file.plans.iter().all(|plan| plan.retention.is_none());
        match self.args.format {
            OutputFormat::Json => {
                let zone = self.clock.zone();
                let document = report::document(&self.lines, &self.busy, self.args.dry_run, &zone);
                print(self.ui, &document)?;
            }
            OutputFormat::Table if self.ui.verbosity == Verbosity::Quiet => {}
            OutputFormat::Table if self.lines.is_empty() && !looked_at_all => {}
            OutputFormat::Table => {
                print(self.ui, &report::summary(&self.lines))?;
                if let Some(hint) = of_no_plan(&self.lines) {
                    self.ui.hint(&hint);
                }
                if sets_none {
                    self.ui.hint(
                        "the plan file sets no retention, so that nothing is ever removed: write retention = { … } \
                         under [settings] or a [[plan]]",
                    );
                }
            }
        }
        if let Some(again) = self
            .again
            .as_ref()
            .filter(|_| self.args.format == OutputFormat::Table)
        {
            self.ui.hint(&format!(
                "what is lost is told until the same file is back, or no rule would keep it any more: {again}"
            ));
        }
        if self.args.format == OutputFormat::Table && self.lines.iter().any(|line| line.fate == Fate::Unread)
        {
            self.ui.hint(
                "of what could not be read nothing is known: mend what keeps this machine from it, and look again with the \
                 same command",
            );
        }
        let trouble = self.lines.iter().any(|line| line.fate.is_trouble());
        let exit = match (trouble, self.busy.is_empty(), self.warned) {
            (true, _, _) => Exit::Failed,
            (false, false, _) => Exit::Locked,
            (false, true, true) => Exit::Warned,
            (false, true, false) => Exit::Success,
        };
        if self.heeding.is_requested() {
            self.ui
                .warning("not all was looked at: it was asked to stop; the same again goes on with the rest");
        }
        Ok(self.heeding.exit(exit))
    }
}

/// What lets backups go whose plans are in the plan file no more; none where there are none.
fn of_no_plan(lines: &[PruneLine]) -> Option<String> {
    let plan_of = |line: &PruneLine| {
        let mut names = line.reasons.iter().filter_map(|reason| {
            let name = reason.strip_prefix("its plan ")?;
            name.strip_suffix(" is not in the plan file").map(str::to_owned)
        });
        names.next()
    };
    let plans: Vec<String> = lines.iter().filter_map(plan_of).collect();
    let names: BTreeSet<&str> = plans.iter().map(String::as_str).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} kept of plans that are not in the plan file ({}): a [[plan]] of that name with `enabled = false` and a `retention` \
             lets them go",
            plans.len(),
            first_few(names, 10)
        )
    })
}

/// Whether there is no file of its own to remove.
fn is_row_alone(backup: &StoredBackup) -> bool {
    backup.path().is_none()
}

/// What is said of a backup before anything is done.
fn line(backup: &StoredBackup) -> PruneLine {
    let (fate, reasons) = backup.fate();
    let (device, domain, kind) = backup.of();
    PruneLine {
        fate,
        reasons,
        path: backup.path().map(Path::to_owned),
        device: device.to_owned(),
        domain: domain.to_owned(),
        kind: kind.code(),
        task: backup.task,
        end: backup.end,
        size: backup.size(),
    }
}
