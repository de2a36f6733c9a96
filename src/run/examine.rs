//! Looks at everything that a run will need, and changes nothing: the devices over the
//! network, the store and the scripts on this machine.
//!
//! Each look gives a [`CheckItem`]. One that fails does not keep the others from being
//! taken, unless they would need what is not there: those are skipped, and say so.

mod device;
mod domains;
mod item;
mod local;
mod needs;

use crate::plan::model::{Device, Plan};
use crate::run::Engine;

pub use item::{CheckItem, CheckVerdict, THIS_MACHINE};

use needs::Needs;

/// Looks at one device: at all that these plans need of it, and where they need nothing, at the
/// way to it.
pub fn examine_device(engine: Engine<'_>, plans: &[&Plan], device: &Device) -> Vec<CheckItem> {
    let needs = needs::Needs::of(device, plans).unwrap_or_default();
    device::examine(engine, device, &needs)
}

/// Looks at all that these plans need. `None` when somebody asked to stop meanwhile.
pub fn examine(engine: Engine<'_>, plans: &[&Plan]) -> Option<Vec<CheckItem>> {
    let mut found = local::examine(engine, plans);
    for device in &engine.file.devices {
        if let Some(needs) = Needs::of(device, plans) {
            found.extend(device::examine(engine, device, &needs));
        }
        if engine.stop.is_requested() {
            return None;
        }
    }
    Some(found)
}
