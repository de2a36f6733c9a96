//! Step 11, and the last words.

use std::path::Path;

use crate::plan::model::PostScriptWhen;
use crate::run::event::{Owner, ScriptMoment};
use crate::run::failure::Failure;
use crate::run::ledger::LedgerError;
use crate::run::script::{self, Due};
use crate::run::status::{Class, Status};
use crate::run::task::{DeviceState, Ended, Walk, look};

impl Walk<'_, '_, '_> {
    /// Step 11, and the last words.
    pub(super) fn end(mut self, outcome: Result<(), Failure>) -> Result<Ended, LedgerError> {
        match self.state {
            DeviceState::Untouched | DeviceState::PutBack(_) | DeviceState::Littered(_) => {
                self.session.gateway.let_address_go();
            }
            DeviceState::NotKnown(_) | DeviceState::StillQuiesced(_) => {}
        }
        let login_refused =
            matches!(&outcome, Err(failure) if failure.status == Status::AuthenticationFailed);
        let (status, error) = match outcome {
            // No way leads here; if one does, it is ours to mend, and no backup.
            Ok(()) if self.files.is_empty() => {
                self.record.met_internal_error();
                let why = "nothing failed, and nothing was stored: this is a mistake in dpbackup";
                (Status::BackupFailed, Some(why.to_owned()))
            }
            Ok(()) => (Status::Success, None),
            Err(failure) => (failure.status, Some(self.with_device_state(&failure))),
        };
        let failed = status.class() == Class::Failed;
        let due = match self.task.activity.post_script_when {
            PostScriptWhen::Always => true,
            PostScriptWhen::OnFailure => failed,
        };
        if let Some(path) = self.task.activity.post_script.as_deref().filter(|_| due) {
            self.post_script(path, status, error.as_deref())?;
        }
        self.record.end_task(self.task.id, status, error.clone())?;
        let holds = status == Status::Success && look::holds_behind(self.task.activity, self.task.domain);
        Ok(Ended {
            look: self.look.filter(|_| holds),
            status,
            error,
            warnings: self.warnings,
            login_refused,
            files: self.files,
            out_of_service: self.quiesce.out_of_service,
            configuration: self.configuration,
        })
    }

    fn with_device_state(&self, failure: &Failure) -> String {
        let still_quiesced = || {
            let recover = self.engine.file.invocation.command(["recover"]);
            format!("STILL QUIESCED: run {recover}")
        };
        let state = match &self.state {
            DeviceState::Untouched => self.task.behind_import.map_or_else(
                || "device untouched".to_owned(),
                |import| {
                    format!(
                        "this task changed nothing on the device, the import of task {} did",
                        import.0
                    )
                },
            ),
            DeviceState::PutBack(how) | DeviceState::Littered(how) => how.clone(),
            DeviceState::NotKnown(why) => {
                let why = match failure.message.contains(why.as_str()) {
                    true => "whether it is quiesced",
                    false => why,
                };
                format!(
                    "not known: {why}: look at {}, and run {}, which looks again",
                    self.session.device.name,
                    self.engine.file.invocation.command(["recover"])
                )
            }
            DeviceState::StillQuiesced(why) if failure.message.contains(why.as_str()) => still_quiesced(),
            DeviceState::StillQuiesced(why) => format!("{why}; {}", still_quiesced()),
        };
        format!("{}; {state}", failure.message)
    }

    fn post_script(&mut self, path: &Path, status: Status, error: Option<&str>) -> Result<(), LedgerError> {
        let stop = self.engine.stop;
        if stop.is_urgent() {
            return self.warn(format!(
                "the post-task script {} was skipped: a second signal came",
                path.display()
            ));
        }
        self.record.task_status(self.task.id, Status::RunningPostScript)?;
        let facts = self
            .facts()
            .ended(status, error)
            .out_of_service(self.quiesce.out_of_service)
            .with_files(&self.files)
            .with_changes(&self.configuration);
        let due = Due {
            path,
            moment: ScriptMoment::Post,
            facts,
        };
        let owner = Owner::Task(self.task.id);
        let ran = script::run(self.engine, self.record, owner, &due, &|| stop.is_urgent())?;
        if ran.end.is_success() {
            return Ok(());
        }
        self.warn(format!("the post-task script {}: {}", path.display(), ran.how()))
    }
}
