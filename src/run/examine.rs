//! Looks at everything that a run will need, and changes nothing on a device: the devices over
//! the network, the store, which is tried for a moment, and the scripts on this machine.
//!
//! Each look gives a [`CheckItem`]. One that fails does not keep the others from being
//! taken, unless they would need what is not there: those are skipped, and say so.

mod device;
mod device_folders;
mod domains;
mod item;
mod local;
mod needs;

use std::collections::BTreeMap;

use crate::plan::model::{Device, Plan, PlanFile};
use crate::run::Engine;
use crate::run::at_work::AtWorkLook;
use crate::run::contact::side_by_side;
use crate::run::event::Progress;
use crate::soma::certificate::Certificate;

pub use item::{CheckItem, CheckVerdict, THIS_MACHINE};
pub use local::{scripts_that_cannot_start, why_it_cannot_start};

use needs::Needs;

/// The item of a device that nobody looked at to the end.
pub const NOT_SEEN: &str = "device";

/// Looks at what these plans need of this machine, and at the plans themselves. `stored` is how many files history knows
/// in the store, where nothing is in it; `None` where that cannot be told.
pub fn examine_machine(engine: Engine<'_>, plans: &[&Plan], stored: Option<u64>) -> Vec<CheckItem> {
    local::examine(engine, plans, stored)
}

/// The devices that these plans concern, in the order of the file.
pub fn devices_of<'a>(file: &'a PlanFile, plans: &[&Plan]) -> Vec<&'a Device> {
    let devices = file.devices.iter();
    devices
        .filter(|device| Needs::of(device, plans).is_some())
        .collect()
}

/// Whether any of these plans makes a secure backup of any of these devices.
pub fn makes_secure_backups(plans: &[&Plan], devices: &[&Device]) -> bool {
    let needs = devices.iter().filter_map(|device| Needs::of(device, plans));
    needs.into_iter().any(|needs| needs.secure_backup())
}

/// Looks at devices, many at the same time: at all that these plans need of each, and where they
/// need nothing, at the way to it. Shows whom one waits for, and tells what was found device by
/// device, in their order, each as soon as it and those before it are known. The wish to stop ends
/// it: of those that were not seen to the end nothing is told then but that. A certificate that somebody has in hand
/// is compared with those of secure backups; what a run that is at work has quiesced is told as that.
pub fn examine_devices(
    engine: Engine<'_>,
    plans: &[&Plan],
    devices: &[&Device],
    in_hand: Option<&Certificate>,
    at_work: &AtWorkLook<'_>,
    show: &mut dyn FnMut(&Progress),
    tell: &mut dyn FnMut(Vec<CheckItem>),
) {
    let look = |number: usize| {
        let device = devices.get(number).filter(|_| !engine.stop.is_requested())?;
        let needs = Needs {
            in_hand,
            at_work: Some(at_work),
            ..Needs::of(device, plans).unwrap_or_default()
        };
        let found = device::examine(engine, device, &needs);
        // What was cut short says nothing about the device.
        (!engine.stop.is_requested()).then_some(found)
    };
    let not_seen = |number: usize| {
        let subject = devices.get(number).map(|device| device.name.clone());
        vec![CheckItem {
            subject: subject.unwrap_or_default(),
            item: NOT_SEEN,
            verdict: CheckVerdict::Skip,
            text: "it was not looked at to the end: the check was asked to stop".to_owned(),
            hint: None,
        }]
    };
    let names: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
    let mut waiting: BTreeMap<usize, Option<Vec<CheckItem>>> = BTreeMap::new();
    let mut next = 0;
    side_by_side(&names, &look, show, &mut |number, found| {
        waiting.insert(number, found);
        while let Some(found) = waiting.remove(&next) {
            tell(found.unwrap_or_else(|| not_seen(next)));
            next += 1;
        }
    });
}
