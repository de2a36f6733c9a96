//! Which device a row of the journal is about, for all who ask.
//!
//! A row has the name under which a run knew the device, the address at which it was reached, and the serial number that
//! it told. None of them is the device: a plan file gives a name or an address to another one, a device may have
//! two names, and every container has one serial number. So there are three questions, by what is done with
//! the answer:
//!
//! - Who keeps away from a device on which something is at work or is left asks whether the row [may be](MetDevice::may_be_of)
//!   about it: whatever says so counts.
//! - Who takes a row as settled by what was done since asks whether it [is](MetDevice::is_of) about it: the serial number
//!   has to prove that.
//! - Who undoes goes by the name that the plan file has, and asks then what [speaks against](MetDevice::is_not_that_of) that the device
//!   behind it is the one that is meant.

use crate::gateway::facts::tells_apart;
use crate::run::ledger::JournalEntry;
use crate::values::address::Address;

/// A device, as far as whoever asks knows it. What is not known says nothing for a row, and nothing against it.
#[derive(Clone, Debug)]
pub(in crate::run) struct MetDevice<'m> {
    pub(in crate::run) name: &'m str,
    /// Where its name leads now.
    pub(in crate::run) address: Option<Address>,
    /// What it has told.
    pub(in crate::run) serial: Option<&'m str>,
}

/// Why the device behind a name is not the one that a row is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::run) enum NotTheDevice {
    /// It has told another serial number than this.
    Serial { meant: String, found: String },
    /// It stands elsewhere, and both have a serial number that every container has.
    SharedSerial { was: Address, serial: String },
    /// It stands elsewhere, and nobody tells who it is.
    Address { was: Address },
}

impl MetDevice<'_> {
    /// Whether the name, the address or a serial number of one device alone says that a row is about this one.
    pub(in crate::run) fn may_be_of(&self, row: &JournalEntry) -> bool {
        row.device == self.name
            || (self.address.is_some() && row.address == self.address)
            || (self.own_serial().is_some() && row.serial.as_deref() == self.own_serial())
    }

    /// Whether a row is about this device, whatever its name was: both have the same serial number, and where that tells nobody
    /// apart the same address. So have those of which neither tells one.
    pub(in crate::run) fn is_of(&self, row: &JournalEntry) -> bool {
        let is_there = self.address.is_some() && row.address == self.address;
        row.serial.as_deref() == self.serial && (self.own_serial().is_some() || is_there)
    }

    /// What speaks against it that a row of this name is about this device, if anything does. What a row or the device does not
    /// tell does not: then the address must be the same.
    pub(in crate::run) fn is_not_that_of(&self, row: &JournalEntry) -> Option<NotTheDevice> {
        let moved = match (&row.address, &self.address) {
            (Some(was), Some(is)) if was != is => Some(was.clone()),
            _ => None,
        };
        match (row.serial.as_deref(), self.serial) {
            (Some(meant), Some(found)) if meant != found => Some(NotTheDevice::Serial {
                meant: meant.to_owned(),
                found: found.to_owned(),
            }),
            (Some(_), Some(found)) if tells_apart(found) => None,
            (Some(_), Some(found)) => moved.map(|was| NotTheDevice::SharedSerial {
                was,
                serial: found.to_owned(),
            }),
            (_, None) | (None, Some(_)) => moved.map(|was| NotTheDevice::Address { was }),
        }
    }

    /// The serial number, where it is one of this device alone.
    fn own_serial(&self) -> Option<&str> {
        self.serial.filter(|serial| tells_apart(serial))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::event::Undo;
    use crate::run::fixture::{self, at};

    const OWN: Option<&str> = Some("5501234");
    const OTHER: Option<&str> = Some("5509876");
    const SHARED: Option<&str> = Some("0000001");

    /// A row of QA1 at `qa1`.
    fn row(serial: Option<&str>) -> JournalEntry {
        JournalEntry {
            serial: serial.map(str::to_owned),
            ..fixture::row(Undo::UnquiesceDevice)
        }
    }

    fn met<'m>(name: &'m str, host: Option<&str>, serial: Option<&'m str>) -> MetDevice<'m> {
        let address = host.map(at);
        MetDevice {
            name,
            address,
            serial,
        }
    }

    #[test]
    fn whatever_names_a_device_makes_it_one_to_keep_away_from_but_a_number_that_many_have() {
        for (device, may_be) in [
            (met("QA1", None, None), true),
            (met("QA1", Some("elsewhere"), OTHER), true),
            (met("QA2", Some("qa1"), OTHER), true),
            (met("QA2", Some("elsewhere"), OWN), true),
            (met("QA2", Some("elsewhere"), OTHER), false),
            (met("QA2", None, None), false),
        ] {
            assert_eq!(device.may_be_of(&row(OWN)), may_be, "{device:?}");
        }
        assert!(!met("QA2", None, SHARED).may_be_of(&row(SHARED)));
        let of_old = JournalEntry {
            address: None,
            ..row(None)
        };
        assert!(!met("QA2", None, None).may_be_of(&of_old));
    }

    #[test]
    fn only_a_serial_number_proves_a_device_and_where_many_have_it_the_address_as_well() {
        for (of_row, device, is) in [
            (OWN, met("QA2", Some("elsewhere"), OWN), true),
            (OWN, met("QA1", Some("qa1"), OTHER), false),
            (OWN, met("QA1", Some("qa1"), None), false),
            (SHARED, met("QA2", Some("qa1"), SHARED), true),
            (SHARED, met("QA1", Some("elsewhere"), SHARED), false),
            (SHARED, met("QA1", None, SHARED), false),
            (None, met("QA2", Some("qa1"), None), true),
            (None, met("QA1", Some("elsewhere"), None), false),
        ] {
            assert_eq!(device.is_of(&row(of_row)), is, "{of_row:?} {device:?}");
        }
    }

    #[test]
    fn a_name_leads_to_another_device_by_its_serial_number_or_where_that_tells_nothing_by_its_address() {
        let was = || at("qa1");
        let other = NotTheDevice::Serial {
            meant: "5501234".to_owned(),
            found: "5509876".to_owned(),
        };
        let shared = NotTheDevice::SharedSerial {
            was: was(),
            serial: "0000001".to_owned(),
        };
        let moved = NotTheDevice::Address { was: was() };
        for (of_row, host, found, why) in [
            (OWN, "elsewhere", OWN, None),
            (OWN, "qa1", OTHER, Some(other)),
            (SHARED, "qa1", SHARED, None),
            (SHARED, "elsewhere", SHARED, Some(shared)),
            (OWN, "qa1", None, None),
            (OWN, "elsewhere", None, Some(moved.clone())),
            (None, "elsewhere", OWN, Some(moved)),
            (None, "qa1", OWN, None),
        ] {
            let device = met("QA1", Some(host), found);
            assert_eq!(device.is_not_that_of(&row(of_row)), why, "{of_row:?} {device:?}");
        }
    }
}
