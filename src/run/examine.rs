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
use crate::run::same_device::{FirstBySerial, other_serials};
use crate::soma::certificate::Certificate;

pub use item::{CheckItem, CheckVerdict, THIS_MACHINE};
pub use local::{scripts_that_cannot_start, why_it_cannot_start};

use device::DeviceLook;
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

/// What is known of devices beside what they say.
pub struct KnownBeside<'a> {
    /// A certificate that somebody has in hand: it is compared with those of secure backups.
    pub in_hand: Option<&'a Certificate>,
    /// What a run that is at work has quiesced is told as that.
    pub at_work: &'a AtWorkLook<'a>,
    /// The serial number that a device told last, by its name.
    pub last_serials: &'a BTreeMap<String, String>,
}

/// Looks at devices, many at the same time: at all that these plans need of each, and where they
/// need nothing, at the way to it. Shows whom one waits for, and tells what was found device by
/// device, in their order, each as soon as it and those before it are known. The wish to stop ends
/// it: of those that were not seen to the end nothing is told then but that.
pub fn examine_devices(
    engine: Engine<'_>,
    plans: &[&Plan],
    devices: &[&Device],
    known: &KnownBeside<'_>,
    show: &mut dyn FnMut(&Progress),
    tell: &mut dyn FnMut(Vec<CheckItem>),
) {
    let look = |number: usize| {
        let device = devices.get(number).filter(|_| !engine.stop.is_requested())?;
        let needs = Needs {
            in_hand: known.in_hand,
            at_work: Some(known.at_work),
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
    let mut waiting: BTreeMap<usize, Option<DeviceLook>> = BTreeMap::new();
    let (mut next, mut first) = (0, FirstBySerial::default());
    side_by_side(&names, &look, show, &mut |number, found| {
        waiting.insert(number, found);
        while let Some(found) = waiting.remove(&next) {
            tell(match (found, devices.get(next)) {
                (Some(look), Some(device)) => {
                    let mut found = look.found;
                    if let Some(serial) = look.serial {
                        found.extend(another(device, &serial, known));
                        let one = first.one_gateway(device, &serial, look.certificate);
                        found.extend(one.map(|one| one_gateway(device, one)));
                    }
                    found
                }
                _ => not_seen(next),
            });
            next += 1;
        }
    });
}

/// What it means that a device tells another serial number than when it was backed up last.
fn another(device: &Device, serial: &str, known: &KnownBeside<'_>) -> Option<CheckItem> {
    let last = known.last_serials.get(&device.name).map(String::as_str);
    let (last, now) = other_serials(last, Some(serial))?;
    Some(CheckItem {
        subject: device.name.clone(),
        item: "firmware",
        verdict: CheckVerdict::Warn,
        text: format!(
            "it tells the serial number {now}, and told {last} before: another gateway answers for it"
        ),
        hint: Some(
            "look where `host` leads; where the gateway was replaced, the next run knows the new one"
                .to_owned(),
        ),
    })
}

/// That it may be the gateway which another device of the plan file is.
fn one_gateway(device: &Device, text: String) -> CheckItem {
    CheckItem {
        subject: device.name.clone(),
        item: "firmware",
        verdict: CheckVerdict::Warn,
        text,
        hint: Some("look where `host` of the two leads".to_owned()),
    }
}
