//! What a restore comes to, by all of its parts.

use crate::run::failure::Failure;
use crate::run::restore::Restoring;
use crate::run::restore::order::RestoreTold;
use crate::run::status::{Class, Status};
use crate::values::first_few::first_warning;
use crate::values::signal_name::signal_name;

impl<'a> Restoring<'_, 'a, '_> {
    /// The end of a restore that was carried out.
    pub(super) fn good_end(&self) -> (Status, Option<String>) {
        if let Some(signal) = self.engine.stop.signal() {
            return (Status::Interrupted, Some(too_late(signal, self.told)));
        }
        let left_by_dead = self.left_by_dead.iter().map(|(_, words)| words);
        let warnings: Vec<String> = left_by_dead.chain(&self.warnings).cloned().collect();
        match first_warning(&warnings) {
            None => (Status::Success, None),
            why => (Status::CompletedWithWarnings, why),
        }
    }

    /// The end of one that was not, or not all of it.
    pub(super) fn bad_end(&self, failure: Failure) -> (Status, Option<String>) {
        let Failure { status, message } = failure;
        if let Some(signal) = self.engine.stop.signal() {
            let why = format!("interrupted by {}; {message}", signal_name(signal));
            return (Status::Interrupted, Some(why));
        }
        match status.class() {
            Class::Refused => (status, Some(message)),
            _ => (Status::Failed, Some(message)),
        }
    }
}

/// What a signal has come too late for.
fn too_late(signal: i32, told: &RestoreTold) -> String {
    let before = match told.needed_nothing {
        Some(_) => "nothing was to be restored",
        None => "the import had been carried out before",
    };
    format!("interrupted by {}; {before}", signal_name(signal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_behind_a_restore_that_needed_nothing_is_not_told_as_behind_an_import() {
        let mut told = RestoreTold::default();
        assert_eq!(
            too_late(15, &told),
            "interrupted by SIGTERM; the import had been carried out before"
        );
        told.needed_nothing = Some("nothing to restore".to_owned());
        assert_eq!(
            too_late(15, &told),
            "interrupted by SIGTERM; nothing was to be restored"
        );
    }
}
