//! What is done on a device to put something back, in the words of whoever shows it.

use crate::run::event::{ALL_DOMAINS, Undo};
use crate::values::text::printable;

/// What is done on a device to put this back.
pub(super) fn undo_words(device: &str, undo: &Undo) -> String {
    let place = place(device, undo);
    let device = printable(device);
    match undo {
        Undo::UnquiesceDevice | Undo::UnquiesceDomain(_) => format!("unquiescing {place}"),
        Undo::NotKnown { .. } => format!("{device} is left as it is"),
        Undo::RemoveFolder(_) => format!("removing our folder from {device}"),
        Undo::Import { .. } => format!("waiting for the import into {place}"),
        Undo::DryRun { .. } => format!("looking at {place}"),
    }
}

/// The domain of a device, or all of it.
pub(super) fn place(device: &str, undo: &Undo) -> String {
    let device = printable(device);
    match undo.domain() {
        ALL_DOMAINS => format!("all of {device}"),
        domain => format!("{} of {device}", printable(domain)),
    }
}
