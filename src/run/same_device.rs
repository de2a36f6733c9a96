//! Whether the device that answers now is the one that was looked at before.
//!
//! A name may lead to another device from one moment to the next. Who is about to change something, or
//! to say what came of a change, asks again; what is not told is not known.

use crate::gateway::Gateway;
use crate::run::event::DeviceFacts;
use crate::run::failure::words;

/// Nothing where the device tells the serial number and the firmware that are meant; otherwise a
/// sentence, also where it tells none any more or cannot be asked.
pub fn is_the_same(gateway: &Gateway<'_>, name: &str, meant: &DeviceFacts) -> Result<(), String> {
    let now = gateway.firmware().map_err(|error| {
        format!(
            "whether {name} still leads to the same device is not known: {}",
            words(&error)
        )
    })?;
    if now.serial == meant.serial && now.version == meant.firmware_version {
        return Ok(());
    }
    let told = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "not told".to_owned());
    Err(format!(
        "{name} leads to the device with serial number {} now, of firmware {}, and that with {}, of firmware {}, is meant",
        told(&now.serial),
        told(&now.version),
        told(&meant.serial),
        told(&meant.firmware_version)
    ))
}
