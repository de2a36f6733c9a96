//! `dpbackup prune`

mod target;

use std::collections::BTreeSet;

use crate::cli::{Global, PruneArgs, ReportFormat};
use crate::clock::{Clock as _, SystemClock};
use crate::commands::error::{CommandError, Outcome, print};
use crate::commands::loading::{chosen, load_plan, open_history, read_history};
use crate::commands::prune::target::{Target, targets};
use crate::exit::Exit;
use crate::history::{FileId, History};
use crate::lock::{Asked, Lock, Locks};
use crate::plan::model::PlanFile;
use crate::report::prune::{self as report, Fate, PruneLine};
use crate::run::contact::lock_name;
use crate::signal::Stop;
use crate::ui::{Ui, Verbosity};
use crate::values::environment::Lookup;

/// Removes what no retention keeps.
pub(super) fn prune(global: &Global, args: &PruneArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan(global, ui, env)?;
    let file = &loaded.plan_file;
    chosen(&loaded, &args.plans)?;
    let history = if args.dry_run {
        read_history(&file.settings.history)?
    } else {
        // Before the first run there is nothing to prune, and no history to make for it.
        match read_history(&file.settings.history) {
            Ok(None) => None,
            _ => Some(open_history(&file.settings.history, ui)?),
        }
    };
    let mut pruning = Pruning {
        file,
        args,
        ui,
        clock: SystemClock::new(),
        lines: Vec::new(),
        busy: Vec::new(),
    };
    if let Some(mut history) = history {
        let devices: BTreeSet<String> = history
            .targets()?
            .into_iter()
            .map(|row| row.device_name)
            .collect();
        for device in devices {
            pruning.device(&mut history, &device)?;
        }
    }
    pruning.end()
}

/// A round through the devices.
struct Pruning<'p> {
    file: &'p PlanFile,
    args: &'p PruneArgs,
    ui: Ui,
    clock: SystemClock,
    lines: Vec<PruneLine>,
    busy: Vec<String>,
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
        let store = &self.file.settings.store;
        for mut target in targets(history.prunable_files(device)?, self.file) {
            target.choose(store, self.clock.now(), &self.clock.zone());
            self.target(history, &target)?;
        }
        Ok(())
    }

    /// The lock that tasks of this device take, if it is to be had.
    fn lock(&mut self, device: &str) -> Result<Option<Lock>, CommandError> {
        // No plan file at hand names the address of a device that is gone; no task of it
        // can be under way either.
        let name = self
            .file
            .device(device)
            .map_or_else(|| format!("device-named-{device}"), lock_name);
        let asked = Locks::beside(&self.file.settings.history)
            .wait(
                &name,
                "prune",
                self.args.lock_wait,
                &self.clock,
                &Stop::new(),
                &mut |_, _| {},
            )
            .map_err(|error| CommandError::new(Exit::History, error))?;
        match asked {
            Asked::Held(lock) => Ok(Some(lock)),
            Asked::Busy(holder) => {
                let holder = holder.map_or_else(|| "another run".to_owned(), |holder| holder.to_string());
                let why = format!("{device} is held by {holder}: nothing of it was removed");
                self.ui.warning(&why);
                self.busy.push(device.to_owned());
                Ok(None)
            }
        }
    }

    /// Carries out what was chosen, backup by backup: what is recorded as removed is gone.
    fn target(&mut self, history: &mut History, target: &Target) -> Result<(), CommandError> {
        for backup in &target.backups {
            if !self.args.plans.is_empty() && !self.args.plans.contains(&backup.plan) {
                continue;
            }
            let mut line = backup.line();
            if !self.args.dry_run && line.fate == Fate::Delete {
                match backup.remove(&self.file.settings.store) {
                    Ok(()) => {
                        let ids: Vec<FileId> = backup.files.iter().map(|file| file.id).collect();
                        history.mark_pruned(self.clock.now(), &ids)?;
                        line.fate = Fate::Deleted;
                    }
                    Err(why) => {
                        line.fate = Fate::Left;
                        line.reasons = vec![why];
                    }
                }
            }
            self.tell(line)?;
        }
        Ok(())
    }

    fn tell(&mut self, line: PruneLine) -> Result<(), CommandError> {
        let shows_all = self.args.dry_run || self.ui.verbosity > Verbosity::Normal;
        if self.args.format == ReportFormat::Table && (shows_all || line.fate != Fate::Keep) {
            print(self.ui, &report::line(&line, &self.clock.zone()))?;
        }
        self.lines.push(line);
        Ok(())
    }

    fn end(self) -> Outcome {
        let settings = &self.file.settings;
        let sets_none =
            settings.retention.is_none() && self.file.plans.iter().all(|plan| plan.retention.is_none());
        match self.args.format {
            ReportFormat::Json => {
                let zone = self.clock.zone();
                let document = report::document(&self.lines, &self.busy, self.args.dry_run, &zone);
                print(self.ui, &document)?;
            }
            ReportFormat::Table => {
                print(self.ui, &report::summary(&self.lines))?;
                if sets_none {
                    self.ui.hint(
                        "the plan file sets no retention, so that nothing is ever removed: write retention = { … } \
                         under [settings] or a [[plan]]",
                    );
                }
            }
        }
        let trouble = self.lines.iter().any(|line| line.fate.is_trouble());
        Ok(match (trouble, self.busy.is_empty()) {
            (true, _) => Exit::Failed,
            (false, false) => Exit::Locked,
            (false, true) => Exit::Success,
        })
    }
}
