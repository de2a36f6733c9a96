//! What is known of an import right after it, in words.

use crate::gateway::import_answer::ImportAnswer;
use crate::run::failure::words;
use crate::run::restore::came_out::CameOut;
use crate::run::restore::order::KnownImport;
use crate::run::restore::running::NAMED;
use crate::soma::error::SomaError;
use crate::values::first_few::first_few;
use crate::values::restorable_domain::RestorableDomain;

/// All that is known of an import right after it, for whoever cannot read it in history.
pub(super) fn what_is_known(
    device: &str,
    domain: &RestorableDomain,
    answer: &Result<ImportAnswer, SomaError>,
    came_out: &Result<CameOut<'_>, String>,
    taken: &str,
) -> KnownImport {
    let said = match answer {
        Ok(ImportAnswer::Done { objects, .. }) => {
            format!("the device says that all {objects} objects were imported")
        }
        Ok(ImportAnswer::Failed { refused, not_told }) => in_part(refused, not_told),
        Ok(ImportAnswer::NotKnown(why)) => format!("what was imported is not known: {why}"),
        Err(error) => format!("whether it was carried out is not known: {}", words(error)),
    };
    let seen = match came_out {
        Ok(came_out) => match came_out.deviation.words() {
            None => "all that the backup has runs there now".to_owned(),
            Some(differs) => format!("how it stands: {differs}"),
        },
        Err(why) => format!("what came out could not be looked at: {why}"),
    };
    let is_done = matches!(answer, Ok(ImportAnswer::Done { .. }));
    let is_as_it_was_to = |came_out: &CameOut<'_>| came_out.deviation.words().is_none();
    KnownImport {
        words: format!(
            "the import into {domain} of {device} was sent: {said}; {seen}; {taken}; its row in the journal may stay open"
        ),
        is_good: is_done && came_out.as_ref().is_ok_and(is_as_it_was_to),
    }
}

/// What the device does not say to be carried out, where it has said what became of the objects.
pub(super) fn in_part(refused: &[String], not_told: &[String]) -> String {
    let untold = || {
        format!(
            "the device does not say of all of it that it was imported: {}",
            first_few(not_told, NAMED)
        )
    };
    match (refused, not_told) {
        ([], _) => untold(),
        (refused, []) => format!(
            "the device says that not all of it was imported, and what was, stays: {}",
            first_few(refused, NAMED)
        ),
        (refused, _) => format!(
            "the device says that not all of it was imported, and what was, stays: {}; {}",
            first_few(refused, NAMED),
            untold()
        ),
    }
}
