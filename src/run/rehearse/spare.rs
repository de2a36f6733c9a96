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
pub struct OrdinaryDevice<'d> {
    pub device: &'d Device,
    /// The serial number that it told last, as far as history knows.
    pub last_serial: Option<String>,
}

/// Why a spare is not rehearsed on: it is an ordinary device, or nobody can tell that it is none.
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

/// Refuses a spare that is an ordinary device by its serial number, or of which nobody can tell that it
/// is none. The ordinary ones are asked for theirs: a name may lead to another machine by now than when that was backed
/// up. One that does not answer counts by what it told last.
pub fn is_no_ordinary_device<'a>(
    engine: Engine<'a>,
    spare: &mut Session<'_>,
    ordinary: Vec<OrdinaryDevice<'a>>,
    show: &mut dyn FnMut(&Progress),
) -> Result<(), SpareRefusal> {
    let own = spare.device;
    let number = SpareSerial::of(spare)?;
    let mut others = Vec::new();
    // Those that cannot be told from the spare by their number.
    let mut alike = Vec::new();
    for OrdinaryDevice { device, last_serial } in ordinary {
        match &last_serial {
            Some(known) if number.is_shared_by(known, device)? => alike.push(device),
            Some(_) | None => others.push((device, last_serial)),
        }
    }
    let mut devices = Devices::new(engine);
    let wanted = others.iter().map(|(device, _)| WantedDevice {
        device,
        domains: Vec::new(),
    });
    devices.ask(wanted.collect(), show);
    for (device, known) in others {
        match serial_told(devices.contact(device)) {
            Ok(told) if number.is_shared_by(&told, device)? => alike.push(device),
            Ok(_) => {}
            Err(_) if known.is_some() => {}
            Err(why) => {
                let run = engine.file.invocation.command(["check", &device.name]);
                return Err(number.may_be(device, &why, &run));
            }
        }
    }
    for device in alike {
        is_told_apart(own, device).map_err(|why| number.tells_nothing(device, &why))?;
    }
    Ok(())
}

/// The serial number of a spare.
struct SpareSerial<'s> {
    name: &'s str,
    serial: String,
    /// Whether it is one of this device alone.
    is_own: bool,
}

impl<'s> SpareSerial<'s> {
    fn of(spare: &mut Session<'s>) -> Result<Self, SpareRefusal> {
        let name = &spare.device.name;
        let is_own = spare.own_serial().is_some();
        let facts = spare.facts().map_err(|failure| {
            refused(format!(
                "whether {name} is a device of the plans is not known: {}",
                failure.message
            ))
        })?;
        match &facts.serial {
            Some(serial) => Ok(Self {
                name,
                serial: serial.clone(),
                is_own,
            }),
            None => Err(refused(format!(
                "{name} does not tell its serial number: whether it is a device of the plans is not known"
            ))),
        }
    }

    /// Whether this number, of that device, is the same and proves nothing; a refusal where it proves that they are one.
    fn is_shared_by(&self, other: &str, device: &Device) -> Result<bool, SpareRefusal> {
        let is_same = other == self.serial;
        if is_same && self.is_own {
            let Self { name, serial, .. } = self;
            return Err(refused(format!(
                "{name} has the serial number {serial} of {}, which is no spare",
                device.name
            ))
            .hinting("the name of the spare leads to a device that is no spare: mend its host or port"));
        }
        Ok(is_same)
    }

    /// It may be this device, which has never told its number, and does not now for this reason.
    fn may_be(&self, device: &Device, why: &str, check: &str) -> SpareRefusal {
        let (name, other) = (self.name, &device.name);
        refused(format!(
            "whether {name} is {other}, which is no spare, is not known: no backup of that has told its serial number \
             yet, and now: {why}"
        ))
        .hinting(format!(
            "`{check}` shows what is wrong with it; once it was backed up its serial number is known"
        ))
    }

    /// Nor do certificates tell it from this device.
    fn tells_nothing(&self, device: &Device, why: &str) -> SpareRefusal {
        let Self { name, serial, .. } = self;
        refused(format!(
            "{name} and {}, which is no spare, both have the serial number {serial}, as every virtual gateway has: \
             whether they are one device is not known: {why}",
            device.name
        ))
        .hinting("a certificate of its own for each of them tells them apart")
    }
}

fn refused(why: String) -> SpareRefusal {
    SpareRefusal { why, hint: None }
}

/// The serial number that a device tells now; or why it does not.
fn serial_told(contact: &mut Contact<'_>) -> Result<String, String> {
    match contact {
        Contact::Up(session) => match session.facts() {
            Ok(facts) => facts
                .serial
                .clone()
                .ok_or("it does not tell its serial number".to_owned()),
            Err(failure) => Err(failure.message),
        },
        Contact::Down(why) => Err(why.clone()),
        Contact::Bad(failure) => Err(failure.message.clone()),
    }
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
