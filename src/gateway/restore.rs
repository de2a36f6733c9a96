//! An archive that is sent to a device.

use std::fs::File;
use std::io;

use crate::gateway::Gateway;
use crate::gateway::import_results::{
    DryRunAnswer, ImportAnswer, ImportResults, judge_dry_run, judge_import, read,
};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request;
use crate::soma::upload::Upload;
use crate::values::restorable_domain::RestorableDomain;
use crate::values::restore_plan::{ConfirmedRestore, LocalAddresses};

impl Gateway<'_> {
    /// Asks what an import of one domain out of this archive would do, once. Nothing is to
    /// change by it; whether that is so must be looked at elsewhere, for the answer does not
    /// tell a dry run from a real one. A wish to stop ends it.
    ///
    /// # Errors
    ///
    /// There is no answer of a device that would say anything about the import.
    pub fn dry_run(
        &self,
        archive: &File,
        domain: &RestorableDomain,
        addresses: LocalAddresses,
    ) -> Result<DryRunAnswer> {
        let upload = request::dry_restore(archive, domain, addresses).map_err(local)?;
        let answered = self.interruptible(&upload.name, || self.results(&upload));
        match answered {
            Ok(results) => Ok(judge_dry_run(&results, domain.name())),
            // The device refuses the whole of it, in words.
            Err(error) if error.kind == SomaErrorKind::Refused => Ok(DryRunAnswer::WouldFail {
                refused: vec![error.message],
                missing_keys: Vec::new(),
            }),
            Err(error) => Err(error),
        }
    }

    /// Lays what was confirmed over its domain, once. A wish to stop that is there before keeps
    /// it from being sent; one that comes later does not end it, for nobody could tell what an
    /// import has done whose answer was not waited for.
    ///
    /// # Errors
    ///
    /// There is no answer of a device that would say anything about the import: only
    /// [`SomaErrorKind::Interrupted`] proves that it was not sent.
    pub fn import(&self, confirmed: &ConfirmedRestore) -> Result<ImportAnswer> {
        if self.stop.is_requested() {
            return Err(SomaError::new(
                SomaErrorKind::Interrupted,
                "not sent, because the run was asked to stop",
            ));
        }
        let upload = request::real_restore(confirmed).map_err(local)?;
        match self.results(&upload) {
            Ok(results) => Ok(judge_import(&results, confirmed.facts().domain.name())),
            // It has accepted it, and has not begun, or goes on.
            Err(error) if error.kind == SomaErrorKind::Refused && error.message.contains("scheduled") => {
                Err(error)
            }
            Err(error) if error.kind == SomaErrorKind::Refused => Ok(ImportAnswer::Failed {
                refused: vec![error.message],
            }),
            Err(error) => Err(error),
        }
    }

    /// Saves the configuration of the domain that was restored.
    ///
    /// # Errors
    ///
    /// The device did not say that it has done it.
    pub fn save_restored(&self, confirmed: &ConfirmedRestore) -> Result<()> {
        self.act(&request::save_config(confirmed), self.timeouts().request)
    }

    fn results(&self, upload: &Upload<'_>) -> Result<Vec<ImportResults>> {
        let answer = self.client.upload(upload, self.timeouts().export);
        answer
            .and_then(|answer| answer.payload("import", |import| Ok(read(import))))
            .map_err(|error| self.client.without_secrets(error))
    }
}

fn local(error: io::Error) -> SomaError {
    SomaError::new(SomaErrorKind::Local(error.kind()), error)
}
