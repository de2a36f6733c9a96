//! Whether a device may be rehearsed on, and with which backup.

use std::sync::Arc;

use crate::artifact::archive::VerifiedArchive;
use crate::plan::model::Device;
use crate::run::Engine;
use crate::run::contact::{Devices, WantedDevice};
use crate::run::event::Progress;
use crate::run::failure::words;
use crate::run::firmware::{FirmwareFit, both_versions};
use crate::run::session::{Contact, Session};
use crate::soma::peer::{self, Reached};

/// A device that is no spare.
#[derive(Clone, Debug)]
pub struct ServingDevice<'d> {
    pub device: &'d Device,
    /// The serial number that it told last, as far as history knows.
    pub last_serial: Option<String>,
}

/// Why a spare is not rehearsed on: it is a device in service, or nobody can tell that it is none.
#[derive(Clone, Debug)]
pub struct SpareRefusal {
    pub why: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SpareRefusal {
    fn hinting(self, hint: impl Into<String>) -> Self {
        let hint = Some(hint.into());
        Self { hint, ..self }
    }
}

/// What is done with a backup of a firmware that the spare may not understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherFirmware {
    /// It is sent all the same.
    Tried,
    LeftOut,
}

/// Refuses a spare that is a device in service by its serial number, or of which nobody can tell that it
/// is none. Those in service are asked for theirs: a name may lead to another machine by now than when that was backed
/// up. One that does not answer counts by what it told last.
pub fn serves_nobody<'a>(
    engine: Engine<'a>,
    spare: &mut Session<'_>,
    in_service: Vec<ServingDevice<'a>>,
    show: &mut dyn FnMut(&Progress),
) -> Result<(), SpareRefusal> {
    let (own, name) = (spare.device, &spare.device.name);
    let refused = |why: String| SpareRefusal { why, hint: None };
    // Whether its number is one of this device alone.
    let alone = spare.own_serial().is_some();
    let facts = spare.facts().map_err(|failure| {
        refused(format!(
            "whether {name} is a device of the plans is not known: {}",
            failure.message
        ))
    })?;
    let Some(serial) = &facts.serial else {
        return Err(refused(format!(
            "{name} does not tell its serial number: whether it is a device of the plans is not known"
        )));
    };
    let is_it = |device: &Device| {
        refused(format!(
            "{name} has the serial number {serial} of {}, which is no spare",
            device.name
        ))
        .hinting("the name of the spare leads to a device that is in service: mend its host or port")
    };
    let mut others = Vec::new();
    // Those that cannot be told from the spare by their number.
    let mut alike = Vec::new();
    for ServingDevice { device, last_serial } in in_service {
        match last_serial {
            Some(known) if known == *serial && alone => return Err(is_it(device)),
            Some(known) if known == *serial => alike.push(device),
            known => others.push((device, known)),
        }
    }
    let mut devices = Devices::new(engine);
    let wanted = others.iter().map(|(device, _)| WantedDevice {
        device,
        domains: Vec::new(),
    });
    devices.ask(wanted.collect(), show);
    for (device, known) in others {
        let told = match devices.contact(device) {
            Contact::Up(session) => match session.facts() {
                Ok(facts) => facts
                    .serial
                    .clone()
                    .ok_or("it does not tell its serial number".to_owned()),
                Err(failure) => Err(failure.message),
            },
            Contact::Down(why) => Err(why.clone()),
            Contact::Bad(failure) => Err(failure.message.clone()),
        };
        match told {
            Ok(told) if told == *serial && alone => return Err(is_it(device)),
            Ok(told) if told == *serial => alike.push(device),
            Ok(_) => {}
            Err(_) if known.is_some() => {}
            Err(why) => {
                let error = refused(format!(
                    "whether {name} is {}, which is in service, is not known: no backup of that has told its serial \
                     number yet, and now: {why}",
                    device.name
                ));
                let run = engine.file.invocation.command(["check", &device.name]);
                return Err(error.hinting(format!(
                    "`{run}` shows what is wrong with it; once it was backed up its serial number is known"
                )));
            }
        }
    }
    for device in alike {
        is_told_apart(own, device).map_err(|why| {
            refused(format!(
                "{name} and {}, which is in service, both have the serial number {serial}, as every virtual gateway has: \
                 whether they are one device is not known: {why}",
                device.name
            ))
            .hinting("a certificate of its own for each of them tells them apart")
        })?;
    }
    Ok(())
}

/// Why this backup is not sent to this spare, if so; `serial` is a number of this device alone.
pub fn unfit(
    verified: &VerifiedArchive,
    firmware: Option<&str>,
    serial: Option<&str>,
    other: OtherFirmware,
) -> Option<String> {
    if serial.is_some() && verified.serial_number.as_deref() == serial {
        return Some("the spare has the serial number of the gateway that the backup is of".to_owned());
    }
    let (export, device) = (verified.firmware_version.as_deref(), firmware);
    let both = both_versions(export, device, "the spare");
    let fit = FirmwareFit::of(export, device);
    let why = fit.doubt("the spare")?;
    match fit {
        FirmwareFit::Fits => None,
        FirmwareFit::Older => Some(format!("{why}: {both}")),
        FirmwareFit::OtherMajor | FirmwareFit::NotKnown if other == OtherFirmware::Tried => None,
        FirmwareFit::OtherMajor | FirmwareFit::NotKnown => {
            Some(format!("{why}: {both}; --allow-other-firmware tries it"))
        }
    }
}

/// Whether two devices show different certificates, which one device does not.
fn is_told_apart(spare: &Device, other: &Device) -> Result<(), String> {
    let shown = |device: &Device| {
        let reached = peer::reach(
            &device.host,
            device.port,
            device.timeouts.connect,
            &Arc::default(),
        );
        let peer = reached.and_then(Reached::shake_hands);
        let peer = peer.map_err(|error| {
            format!(
                "the certificate of {} was not seen: {}",
                device.name,
                words(&error)
            )
        })?;
        let first = peer.certificates().first().map(|own| own.sha256);
        first.ok_or_else(|| format!("{} shows no certificate", device.name))
    };
    match shown(spare)? == shown(other)? {
        true => Err("they show the same certificate".to_owned()),
        false => Ok(()),
    }
}
