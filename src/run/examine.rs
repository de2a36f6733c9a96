//! Looks at everything that a run will need, and changes nothing on a device: the devices over
//! the network, the store, which is tried for a moment, and the scripts on this machine.
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
use crate::run::event::Progress;

pub use item::{CheckItem, CheckVerdict, THIS_MACHINE};

use needs::Needs;

/// Looks at one device: at all that these plans need of it, and where they need nothing, at the
/// way to it.
pub fn examine_device(engine: Engine<'_>, plans: &[&Plan], device: &Device) -> Vec<CheckItem> {
    let needs = needs::Needs::of(device, plans).unwrap_or_default();
    device::examine(engine, device, &needs)
}

/// Looks at all that these plans need, and shows whom it asks. `None` when somebody asked to stop
/// meanwhile.
pub fn examine(
    engine: Engine<'_>,
    plans: &[&Plan],
    show: &mut dyn FnMut(&Progress),
) -> Option<Vec<CheckItem>> {
    let mut found = local::examine(engine, plans);
    let devices = engine.file.devices.iter();
    let needing = devices.filter_map(|device| Needs::of(device, plans).map(|needs| (device, needs)));
    let needing: Vec<(&Device, Needs<'_>)> = needing.collect();
    for (asked, (device, needs)) in needing.iter().enumerate() {
        show(&Progress::Asking {
            waiting_for: device.name.clone(),
            asked,
            of: needing.len(),
        });
        found.extend(device::examine(engine, device, needs));
        if engine.stop.is_requested() {
            return None;
        }
    }
    show(&Progress::AskingEnded);
    Some(found)
}
