//! Steps 8 and 10: the scripts before and after all tasks.

use crate::run::error::RunTrouble;
use crate::run::event::{Owner, ScriptMoment};
use crate::run::failure::{Failure, Trouble};
use crate::run::script::{self, Due, Facts};
use crate::run::sequence::Run;
use crate::run::status::Status;

impl<'a> Run<'_, 'a, '_> {
    /// Step 8.
    pub(super) fn pre_script(&mut self) -> Result<(), Trouble> {
        let stop = self.engine.stop;
        if stop.is_requested() {
            return Err(Failure::interrupted("the tasks were waiting").into());
        }
        let Some(path) = &self.plan.pre_script else {
            return Ok(());
        };
        self.record.plan_status(self.id, Status::RunningPreScript)?;
        let due = Due {
            path,
            moment: ScriptMoment::Pre,
            facts: self.facts(),
        };
        let ran = script::run(self.engine, self.record, Owner::Plan(self.id), &due, &|| {
            stop.is_requested()
        })?;
        if stop.is_requested() {
            return Err(Failure::interrupted("running the pre-plan script").into());
        }
        if ran.end.is_success() {
            return Ok(());
        }
        let why = format!("the pre-plan script {}: {}", path.display(), ran.how());
        Err(Failure::new(Status::PlanFailedPreScript, why).into())
    }

    fn facts(&self) -> Facts<'a> {
        let file = self.engine.file;
        Facts::of_plan(self.id, &self.plan.name, file.settings.store.folder(), &file.path)
    }

    /// Step 10.
    pub(super) fn post_script(&mut self) -> Result<Option<String>, RunTrouble> {
        let Some(path) = &self.plan.post_script else {
            return Ok(None);
        };
        let stop = self.engine.stop;
        if stop.is_urgent() {
            let warning = format!(
                "the post-plan script {} was skipped: a second signal came",
                path.display()
            );
            self.record.warn(Owner::Plan(self.id), warning.clone())?;
            return Ok(Some(warning));
        }
        self.record.plan_status(self.id, Status::RunningPostScript)?;
        let (status, error) = self.by_tallies(None);
        let mut facts = self
            .facts()
            .ended(status, error.as_deref())
            .with_files(&self.tallies.files)
            .with_changes(&self.tallies.configuration);
        facts.tasks = std::mem::take(&mut self.tallies.ends);
        let due = Due {
            path,
            moment: ScriptMoment::Post,
            facts,
        };
        let ran = script::run(self.engine, self.record, Owner::Plan(self.id), &due, &|| {
            stop.is_urgent()
        })?;
        if ran.end.is_success() {
            return Ok(None);
        }
        let warning = format!("the post-plan script {}: {}", path.display(), ran.how());
        self.record.warn(Owner::Plan(self.id), warning.clone())?;
        Ok(Some(warning))
    }
}
