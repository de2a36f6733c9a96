//! An archive that is sent to a device.

use std::fs::File;

use crate::gateway::Gateway;
use crate::gateway::import_results::{DryRunAnswer, judge_dry_run, read};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request;
use crate::values::restorable_domain::RestorableDomain;

impl Gateway<'_> {
    /// Asks what an import of one domain out of this archive would do, once. Nothing is to
    /// change by it; whether that is so must be looked at elsewhere, for the answer does not
    /// tell a dry run from a real one. A wish to stop ends it.
    ///
    /// # Errors
    ///
    /// There is no answer of a device that would say anything about the import.
    pub fn dry_run(&self, archive: &File, domain: &RestorableDomain) -> Result<DryRunAnswer> {
        let upload = request::dry_restore(archive, domain)
            .map_err(|error| SomaError::new(SomaErrorKind::Local(error.kind()), error))?;
        let answered = self.interruptible(&upload.name, || {
            let answer = self.client.upload(&upload, self.timeouts().export)?;
            answer.payload("import", |import| Ok(read(import)))
        });
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
}
