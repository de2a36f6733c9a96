//! Steps 1 to 6: what must be so before a plan has tasks, and which it has.

use std::time::Duration;

use crate::artifact::sweep;
use crate::plan::model::{Plan, Settings};
use crate::run::at_work::OurQuiesces;
use crate::run::event::Owner;
use crate::run::expand::{ExpandedActivity, expand};
use crate::run::failure::{Failure, Trouble};
use crate::run::ledger::LedgerError;
use crate::run::sequence::Run;
use crate::run::status::Status;
use crate::run::store::{self, Bare};
use crate::values::causes::with_causes;
use crate::values::closed_window::why_closed;
use crate::values::duration::HumanDuration;

/// The shortest quiesce timeout that a device accepts.
const SHORTEST_QUIESCE: Duration = Duration::from_secs(60);

/// Step 3: whether a plan that quiesces does it with a timeout that devices accept.
pub fn quiesce_timeout(settings: &Settings, plan: &Plan) -> Result<(), Failure> {
    let quiesces = plan.activities.iter().any(|activity| activity.quiesce);
    if !quiesces || settings.quiesce_timeout >= SHORTEST_QUIESCE {
        return Ok(());
    }
    let timeout = HumanDuration(settings.quiesce_timeout);
    let why = format!("quiesce_timeout is {timeout}, and a device accepts no less than 60s");
    Err(Failure::new(Status::QuiesceTimeoutTooShort, why))
}

impl<'a> Run<'_, 'a, '_> {
    /// Steps 1 to 6.
    pub(super) fn before_tasks(&mut self) -> Result<Vec<ExpandedActivity<'a>>, Trouble> {
        let settings = &self.engine.file.settings;
        if !self.plan.enabled {
            let why = format!(
                "plan {} has enabled = false: set it to true to run it",
                self.plan.name
            );
            return Err(Failure::new(Status::PlanIsDisabled, why).into());
        }
        if !settings.backups_enabled {
            let why = "the settings have backups_enabled = false: no plan runs until it is true";
            return Err(Failure::new(Status::BackupsAreDisabled, why).into());
        }
        if !self.window_is_open() {
            let now = self.engine.clock.now();
            let why = self
                .plan
                .window
                .as_ref()
                .map_or_else(String::new, |window| why_closed(window, now));
            let anyway = self
                .engine
                .file
                .invocation
                .command(["run", &self.plan.name, "--ignore-window"]);
            let why = format!("{why}; `{anyway}` does not wait for it");
            return Err(Failure::new(Status::OutOfMaintenanceWindow, why).into());
        }
        quiesce_timeout(settings, self.plan)?;
        // Before it is made.
        let bare = store::bare(settings);
        store::make_ready(settings)?;
        if let Some(bare) = bare {
            self.tell_of_bare_store(bare)?;
        }
        self.sweep()?;
        let (engine, record) = (self.engine, &mut *self.record);
        let open = record.ledger().open_undos()?;
        let ours = OurQuiesces {
            rows: &open,
            at_work: None,
        };
        let expanded = expand(
            engine.file,
            self.plan,
            self.devices,
            &ours,
            engine.stop,
            &mut |progress| record.show(progress),
        );
        expanded.ok_or_else(|| Failure::interrupted("asking the devices for their domains").into())
    }

    /// A store that should hold backups and holds none is begun anew, and that is said.
    fn tell_of_bare_store(&mut self, bare: Bare) -> Result<(), LedgerError> {
        let files = self.record.ledger().files_in_store()?;
        let Some(away) = store::is_away(&self.engine.file.settings, bare, Some(files)) else {
            return Ok(());
        };
        let warning = format!("{away} This run begins a new one there");
        self.warn(warning)
    }

    /// Warns of something that concerns the plan as a whole: it does not end as a success then.
    pub(super) fn warn(&mut self, warning: String) -> Result<(), LedgerError> {
        self.tallies.warnings.push(warning.clone());
        self.record.warn(Owner::Plan(self.id), warning)
    }

    /// Removes what dead runs left in the store.
    fn sweep(&mut self) -> Result<(), LedgerError> {
        let owner = Owner::Plan(self.id);
        let swept = match sweep::sweep(self.engine.file.settings.store.folder()) {
            Ok(swept) => swept,
            Err(error) => {
                return self.warn(format!(
                    "leftovers in the store cannot be looked for: {}",
                    with_causes(&error)
                ));
            }
        };
        for removed in &swept.removed {
            self.record.note(
                owner,
                format!("removed what a run that died left: {}", removed.path.display()),
            )?;
        }
        for denied in &swept.denied {
            self.record.note(owner, sweep::stays(denied))?;
        }
        for path in &swept.not_known {
            self.record.note(owner, sweep::may_be_in_use(path))?;
        }
        for failed in &swept.failed {
            self.warn(format!(
                "a leftover of a run that died cannot be removed: {}",
                with_causes(failed)
            ))?;
        }
        Ok(())
    }

    pub(super) fn window_is_open(&self) -> bool {
        self.options.ignore_window
            || self
                .plan
                .window
                .as_ref()
                .is_none_or(|window| window.is_open(self.engine.clock.now()))
    }
}
