//! Whether the device that answers now is the one that was looked at before.
//!
//! A name may lead to another device from one moment to the next. Who is about to change something, or
//! to say what came of a change, asks again; what is not told is not known.

use std::collections::{BTreeMap, BTreeSet};

use crate::gateway::Gateway;
use crate::gateway::facts::tells_apart;
use crate::plan::model::Device;
use crate::run::event::DeviceFacts;
use crate::run::not_seen::NotSeen;

/// Two serial numbers, where both are told, each is one of a device alone, and they differ.
pub fn other_serials<'s>(one: Option<&'s str>, other: Option<&'s str>) -> Option<(&'s str, &'s str)> {
    let both = one.zip(other)?;
    (both.0 != both.1 && tells_apart(both.0) && tells_apart(both.1)).then_some(both)
}

/// Which device of the plan file told a serial number first, and which were found to be the same gateway.
#[derive(Debug, Default)]
pub struct FirstBySerial<'a> {
    first: BTreeMap<(String, Option<[u8; 32]>), &'a Device>,
    told: BTreeSet<&'a str>,
}

impl<'a> FirstBySerial<'a> {
    /// What it means that this device tells a serial number, and shows a certificate of this SHA-256 where one was
    /// looked at, as one of another name and address did before; nothing where it is the first, where that was told,
    /// or where the number is not one of a device alone.
    pub fn one_gateway(
        &mut self,
        device: &'a Device,
        serial: &str,
        certificate: Option<[u8; 32]>,
    ) -> Option<String> {
        if !tells_apart(serial) {
            return None;
        }
        let shown = (serial.to_owned(), certificate);
        let first = *self.first.entry(shown).or_insert(device);
        let is_other = first.name != device.name && first.address() != device.address();
        let is_new = is_other && self.told.insert(&device.name);
        is_new.then(|| {
            format!(
                "{} ({}) tells the serial number {serial}, as {} ({}) does: it may be one gateway under two names, \
                 and another one that is never backed up",
                device.name,
                device.address(),
                first.name,
                first.address()
            )
        })
    }
}

/// Nothing where the device tells the serial number and the firmware that are meant; otherwise why not, also where it
/// tells one of them no more or cannot be asked.
pub fn is_the_same(gateway: &Gateway<'_>, name: &str, meant: &DeviceFacts) -> Result<(), NotSeen> {
    let not_known = format!("whether {name} still leads to the same device is not known");
    let now = gateway
        .firmware()
        .map_err(|error| NotSeen::by(&error, |why| format!("{not_known}: {why}")))?;
    if now.serial == meant.serial && now.version == meant.firmware_version {
        return Ok(());
    }
    let tells_less = |now: &Option<String>, meant: &Option<String>| now.is_none() && meant.is_some();
    let differs = |now: &Option<String>, meant: &Option<String>| now != meant && !tells_less(now, meant);
    if !differs(&now.serial, &meant.serial) && !differs(&now.version, &meant.firmware_version) {
        let what = match tells_less(&now.serial, &meant.serial) {
            true => "its serial number",
            false => "its firmware",
        };
        return Err(NotSeen::NotNow(format!(
            "{not_known}: it does not tell {what} any more"
        )));
    }
    let told = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "not told".to_owned());
    Err(NotSeen::OtherDevice(format!(
        "{name} leads to the device with serial number {} now, of firmware {}, and that with {}, of firmware {}, is meant",
        told(&now.serial),
        told(&now.version),
        told(&meant.serial),
        told(&meant.firmware_version)
    )))
}
