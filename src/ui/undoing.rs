//! What is done on a device to put something back, in the words of whoever shows it.

use crate::run::event::Undo;
use crate::values::text::printable;

/// What is done on a device to put this back.
pub(super) fn undo_words(device: &str, undo: &Undo) -> String {
    let device = printable(device);
    match undo {
        Undo::UnquiesceDevice => format!("unquiescing all of {device}"),
        Undo::UnquiesceDomain(domain) => format!("unquiescing {} of {device}", printable(domain)),
        Undo::NotKnown { .. } => format!("{device} is left as it is"),
        Undo::RemoveFolder(_) => format!("removing our folder from {device}"),
        Undo::Import { domain, .. } => {
            format!("waiting for the import into {} of {device}", printable(domain))
        }
        Undo::DryRun { domain, .. } => format!("looking at {} of {device}", printable(domain)),
    }
}
