//! Whether the device that answers now is the one that was looked at before.
//!
//! A name may lead to another device from one moment to the next. Who is about to change something, or
//! to say what came of a change, asks again; what is not told is not known.

use crate::gateway::Gateway;
use crate::gateway::facts::tells_apart;
use crate::run::event::DeviceFacts;
use crate::run::not_seen::NotSeen;

/// Two serial numbers, where both are told, each is one of a device alone, and they differ.
pub fn other_serials<'s>(one: Option<&'s str>, other: Option<&'s str>) -> Option<(&'s str, &'s str)> {
    let both = one.zip(other)?;
    (both.0 != both.1 && tells_apart(both.0) && tells_apart(both.1)).then_some(both)
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
