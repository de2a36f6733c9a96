//! How an archive is sent to a device for an import, dry or real.

use std::fs::File;
use std::io;

use crate::gateway::Gateway;
use crate::gateway::asked::is_not_begun;
use crate::gateway::import_answer::{DryRunAnswer, ImportAnswer, judge_dry_run, judge_import};
use crate::gateway::import_results::{ImportResults, read, refuses};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request;
use crate::soma::upload::Upload;
use crate::values::backup_names::BackupNames;
use crate::values::restorable_domain::RestorableDomain;
use crate::values::restore_plan::{ConfirmedRestore, LocalAddresses};

impl Gateway<'_> {
    /// Asks what an import of one domain out of this archive would do, once. Nothing is to
    /// change by it; whether that is so must be looked at elsewhere, for the answer does not
    /// tell a dry run from a real one. `names` are those of what the archive has of the domain. A wish to
    /// stop ends it. It goes to the device with the serial number that is `meant`, over a connection on which it
    /// has just told that number; `sends` is called right before it goes.
    ///
    /// # Errors
    ///
    /// There is no answer of a device that would say anything about the import.
    pub fn dry_run(
        &self,
        meant: Option<&str>,
        archive: &File,
        names: &BackupNames,
        domain: &RestorableDomain,
        addresses: LocalAddresses,
        sends: &mut dyn FnMut(),
    ) -> Result<DryRunAnswer> {
        let upload = request::dry_restore(archive, domain, addresses).map_err(local)?;
        self.met(meant, &upload.name)?;
        let answered = self.interruptible(&upload.name, || {
            sends();
            self.results(&upload)
        });
        match answered {
            // Its words are compared with names of the backup first.
            Ok(results) => {
                let answer = judge_dry_run(&results, domain.name(), names);
                Ok(answer.in_words(&|said| self.client.without_secrets_in(said)))
            }
            // The device refuses the whole of it, in words; others tell nothing of what would come of it.
            Err(error) if error.kind == SomaErrorKind::Refused => Ok(match refuses(&error.message) {
                true => DryRunAnswer::WouldFail {
                    refused: vec![error.message],
                    missing_keys: Vec::new(),
                },
                false => DryRunAnswer::Pending(error.message),
            }),
            Err(error) => Err(error),
        }
    }

    /// Lays what was confirmed over its domain, once, on the device that was confirmed. A wish to stop that is there before keeps
    /// it from being sent, and `sends` is called right before it goes; one that comes later does not end it, for nobody could tell what an
    /// import has done whose answer was not waited for.
    ///
    /// # Errors
    ///
    /// There is no answer of a device that would say what became of the import: a refusal in words may
    /// come although it has begun, or goes on. [`crate::gateway::asked::is_not_begun`] tells those that
    /// prove that it has not.
    pub fn import(
        &self,
        confirmed: &ConfirmedRestore,
        names: &BackupNames,
        sends: &mut dyn FnMut(),
    ) -> Result<ImportAnswer> {
        let upload = request::real_restore(confirmed).map_err(local)?;
        self.met(confirmed.facts().serial.as_deref(), &upload.name)?;
        if self.stop.is_requested() {
            return Err(SomaError {
                nothing_sent: true,
                ..SomaError::new(
                    SomaErrorKind::Interrupted,
                    "not sent, because the run was asked to stop",
                )
            });
        }
        sends();
        let results = self
            .results(&upload)
            .map_err(|error| self.client.without_secrets(error))?;
        let answer = judge_import(&results, confirmed.facts().domain.name(), names);
        Ok(answer.in_words(&|said| self.client.without_secrets_in(said)))
    }

    /// Saves the configuration of the domain that was restored, on the device that was confirmed.
    ///
    /// # Errors
    ///
    /// The device did not say that it has done it.
    pub fn save_restored(&self, confirmed: &ConfirmedRestore) -> Result<()> {
        let request = request::save_config(confirmed);
        self.met(confirmed.facts().serial.as_deref(), &request.name)?;
        self.act(&request, self.timeouts().of_request())
    }

    fn results(&self, upload: &Upload<'_>) -> Result<Vec<ImportResults>> {
        let answer = self.client.upload(upload, self.timeouts().of_export())?;
        answer.payload("import", |import| Ok(read(import)))
    }
}

/// Whether a dry run that was answered so is over: what it asked for cannot come any more.
pub fn dry_run_is_over(answer: &Result<DryRunAnswer>) -> bool {
    match answer {
        Ok(DryRunAnswer::WouldWork { .. } | DryRunAnswer::WouldFail { .. } | DryRunAnswer::NotKnown(_)) => {
            true
        }
        Ok(DryRunAnswer::Pending(_)) => false,
        Err(error) => error.kind == SomaErrorKind::NotAllowed || is_not_begun(error),
    }
}

/// A request that could not be put together was not sent.
fn local(error: io::Error) -> SomaError {
    SomaError {
        nothing_sent: true,
        ..SomaError::new(SomaErrorKind::Local(error.kind()), error)
    }
}
