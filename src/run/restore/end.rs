//! What the whole comes to.

use crate::run::failure::Failure;
use crate::run::restore::Restoring;
use crate::run::status::{Class, Status};
use crate::values::first_few::first_warning;

impl<'a> Restoring<'_, 'a, '_> {
    /// The end of a restore that was carried out.
    pub(super) fn good_end(&self) -> (Status, Option<String>) {
        if let Some(signal) = self.engine.stop.signal() {
            let before = match self.told.needed_nothing {
                Some(_) => "nothing was to be restored",
                None => "the import had been carried out before",
            };
            let why = format!("interrupted by signal {signal}; {before}");
            return (Status::Interrupted, Some(why));
        }
        if let Some(why) = &self.failed {
            let why = format!("it was imported, and came out as it was to; {why}");
            return (Status::Failed, Some(why));
        }
        let left_open = self.left_open.iter().map(|(_, words)| words);
        let warnings: Vec<String> = left_open.chain(&self.warnings).cloned().collect();
        match first_warning(&warnings) {
            None => (Status::Success, None),
            why => (Status::CompletedWithWarnings, why),
        }
    }

    /// The end of one that was not, or not all of it.
    pub(super) fn bad_end(&self, failure: Failure) -> (Status, Option<String>) {
        let Failure { status, message } = failure;
        if let Some(signal) = self.engine.stop.signal() {
            let why = format!("interrupted by signal {signal}; {message}");
            return (Status::Interrupted, Some(why));
        }
        match status.class() {
            Class::Refused => (status, Some(message)),
            _ => (Status::Failed, Some(message)),
        }
    }
}
