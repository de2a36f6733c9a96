//! What a device says about itself.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::SignedDuration;
use roxmltree::Node;

use crate::gateway::Gateway;
use crate::gateway::domains::DEFAULT_DOMAIN;
use crate::gateway::pace::{pause_after, until_next_look};
use crate::soma::client::OtherAddresses;
use crate::soma::error::{Result, SomaErrorKind};
use crate::soma::{reply, request};
use crate::values::timeouts::RequestLimit;

/// A row of `FirmwareVersion3`, or of its older forms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firmware {
    /// `IDG.10.5.0.1`
    pub version: Option<String>,
    pub build: Option<String>,
    /// As the device writes it.
    pub build_date: Option<String>,
    pub serial: Option<String>,
    pub machine_type: Option<String>,
    pub model_type: Option<String>,
}

/// Whether a serial number is one of this device alone: every container has 0000001.
pub fn tells_apart(serial: &str) -> bool {
    serial.trim_start_matches('0').len() > 1
}

/// Whether another address may be asked for the device with this serial number.
fn other_addresses(serial: Option<&str>) -> OtherAddresses {
    match serial.is_some_and(tells_apart) {
        true => OtherAddresses::May,
        false => OtherAddresses::MayNot,
    }
}

/// Whether this stands where a serial number would stand, and is none: devices that have it cannot be
/// told apart by it.
fn is_no_number(told: &str) -> bool {
    let is_written = |character: &char| character.is_ascii_alphanumeric();
    let letters: String = told.chars().filter(is_written).collect();
    let words = [
        "",
        "unknown",
        "notavailable",
        "unavailable",
        "na",
        "none",
        "null",
        "notapplicable",
        "notspecified",
        "tobefilledbyoem",
    ];
    words.iter().any(|word| letters.eq_ignore_ascii_case(word))
}

/// Whether keys may leave the device in a secure backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupMode {
    /// Disaster recovery mode: secure backups are possible.
    Secure,
    /// They are not.
    Normal,
}

/// How a `CryptoCertificate` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateObject {
    /// The device has no object of that name.
    Absent,
    /// It is there.
    Usable,
    /// It is there, and switched off.
    Disabled,
}

/// Space of the device's file systems that matter here, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceSpace {
    /// Free in `temporary:`.
    pub free_temporary: u64,
    /// Size of `temporary:`.
    pub total_temporary: u64,
}

/// Who answers, by the serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhoAnswers {
    /// The device that is meant.
    Meant,
    /// One with this serial number.
    Other(String),
    /// A device that does not tell its serial number.
    NotTold,
}

/// So many connections are made at once to find the device that is meant behind its address.
const CONNECTIONS_TRIED: usize = 4;

/// The classes that tell firmware and serial number, the newest first.
const FIRMWARE: [&str; 3] = ["FirmwareVersion3", "FirmwareVersion2", "FirmwareVersion"];

impl Gateway<'_> {
    /// Firmware and hardware. An older class is asked where a newer one is not told
    /// (soma-wire section 6); a device that answers and tells none of them has no facts.
    ///
    /// # Errors
    ///
    /// A question got no answer, and no other class told it: what the device would have said is not known.
    pub fn firmware(&self) -> Result<Firmware> {
        let mut unanswered = None;
        for class in FIRMWARE {
            let request = request::get_status(DEFAULT_DOMAIN, class);
            let answer = self.read(&request, "status", |status| {
                Ok(reply::rows(status, class).next().map(|row| {
                    let told = |name| self.told_field(row, name);
                    Firmware {
                        version: told("Version"),
                        build: told("Build"),
                        build_date: told("BuildDate"),
                        serial: self.serial(row),
                        machine_type: told("MachineType"),
                        model_type: told("ModelType"),
                    }
                }))
            });
            match answer {
                Ok(Some(firmware)) if firmware != Firmware::default() => return Ok(firmware),
                Ok(_) => {}
                Err(error) => match error.kind {
                    SomaErrorKind::NotAllowed
                    | SomaErrorKind::Refused
                    | SomaErrorKind::Fault
                    | SomaErrorKind::OtherFault => {}
                    // An older class may come through.
                    SomaErrorKind::Broken
                    | SomaErrorKind::Malformed
                    | SomaErrorKind::Unavailable
                    | SomaErrorKind::NotManagement => unanswered = unanswered.or(Some(error)),
                    // The older classes would be waited for just as long, and a login that is
                    // tried again and again locks accounts.
                    SomaErrorKind::TimedOut
                    | SomaErrorKind::Authentication
                    | SomaErrorKind::LoginRefused
                    | SomaErrorKind::Interrupted
                    | SomaErrorKind::Unreachable
                    | SomaErrorKind::Tls
                    | SomaErrorKind::OtherDevice
                    | SomaErrorKind::Local(_) => return Err(error),
                },
            }
        }
        unanswered.map_or_else(|| Ok(Firmware::default()), Err)
    }

    /// The network address of this device, if one has answered, for whoever comes back to it. Where its serial number
    /// tells nobody apart, all goes to that one from now on: nothing that another one tells would show that it is not
    /// this device.
    pub fn held_address(&self, serial: Option<&str>) -> Option<SocketAddr> {
        if other_addresses(serial) == OtherAddresses::MayNot {
            self.client.stay_at_this_address();
        }
        self.client.address()
    }

    /// Whatever its name leads to may be asked again: nothing is left there that is of one device alone.
    pub fn let_address_go(&self) {
        self.client.stay_no_more();
    }

    /// Goes to the network address at which the device with this serial number answered: to no other, where that tells
    /// nobody apart.
    pub fn go_to(&self, address: SocketAddr, serial: Option<&str>) {
        self.client.go_to(address, other_addresses(serial));
    }

    /// Whether the device with this serial number answers, asked once and now, over the connection that is in use.
    pub fn who_answers(&self, meant: &str) -> Result<WhoAnswers> {
        self.who_tells(meant, self.timeouts().of_request())
    }

    /// The same, each question within `limit`.
    fn who_tells(&self, meant: &str, limit: RequestLimit) -> Result<WhoAnswers> {
        Ok(match self.serial_now(limit)? {
            Some(found) if found == meant => WhoAnswers::Meant,
            Some(found) => WhoAnswers::Other(found),
            None => WhoAnswers::NotTold,
        })
    }

    /// The same, asked again for so long where it does not tell or gives no answer: a device that comes back to work
    /// may not answer for a moment.
    pub fn who_answers_within(&self, meant: &str, within: Duration) -> Result<WhoAnswers> {
        let started = self.clock.elapsed();
        loop {
            let answer = self.who_answers(meant);
            let waited = self.clock.elapsed().saturating_sub(started);
            let is_known = matches!(answer, Ok(WhoAnswers::Meant | WhoAnswers::Other(_)));
            if is_known || waited >= within || self.stop.is_requested() {
                return answer;
            }
            self.clock
                .sleep(pause_after(&answer, waited).min(within - waited), &self.stop);
        }
    }

    /// Who answers before an unquiesce. Another device than the one that is meant where that is so on one new
    /// connection after another for so long: behind one address there may be several, one to a connection, and one may
    /// stand in for another for a moment. One that does not tell may be the one that is meant.
    pub fn who_answers_for(&self, meant: &str, long: Duration) -> Result<WhoAnswers> {
        let started = self.clock.elapsed();
        let mut tried = 0;
        loop {
            let answer = self.who_is_to_be_told(meant);
            tried += 1;
            let waited = self.clock.elapsed().saturating_sub(started);
            let is_over = tried >= CONNECTIONS_TRIED && (waited >= long || self.stop.is_requested());
            if is_over || !matches!(answer, Ok(WhoAnswers::Other(_))) {
                return answer;
            }
            self.client.to_another_address();
            if tried >= CONNECTIONS_TRIED {
                self.clock
                    .sleep(until_next_look(waited).min(long - waited), &self.stop);
            }
        }
    }

    /// The same, asked on one new connection, over which the unquiesce goes as well. The answer is not waited for as
    /// long as others are.
    pub(super) fn who_is_to_be_told(&self, meant: &str) -> Result<WhoAnswers> {
        self.client.on_a_new_connection();
        self.who_tells(meant, RequestLimit::of_its_own(self.before_an_unquiesce()))
    }

    /// The same as `who_answers` over a new connection, over which the next change goes as well.
    pub fn who_answers_anew(&self, meant: &str) -> Result<WhoAnswers> {
        self.client.on_a_new_connection();
        self.who_answers(meant)
    }

    /// The serial number, asked for once and now; `None` where the device does not tell it. As where the firmware is
    /// asked for, an older class may tell what a newer one has no answer to.
    fn serial_now(&self, limit: RequestLimit) -> Result<Option<String>> {
        let mut no_answer = None;
        for class in FIRMWARE {
            let request = request::get_status(DEFAULT_DOMAIN, class);
            let answer = self.read_within(&request, "status", limit, &mut |status| {
                let row = reply::rows(status, class).next();
                Ok(row.and_then(|row| self.serial(row)))
            });
            match answer {
                Ok(Some(serial)) => return Ok(Some(serial)),
                Err(error)
                    if matches!(
                        error.kind,
                        SomaErrorKind::NotManagement | SomaErrorKind::Malformed
                    ) =>
                {
                    no_answer = no_answer.or(Some(error));
                }
                Err(error) if !error.is_refusal() || error.kind == SomaErrorKind::Authentication => {
                    return Err(error);
                }
                Ok(None) | Err(_) => {}
            }
        }
        no_answer.map_or(Ok(None), Err)
    }

    /// What a field tells people.
    fn told_field(&self, row: Node<'_, '_>, name: &str) -> Option<String> {
        let told = reply::text_field(row, name)?;
        Some(self.client.without_secrets_in(&told))
    }

    /// The serial number; one in which our password would stand is none, for what is left of it is no device's.
    fn serial(&self, row: Node<'_, '_>) -> Option<String> {
        let told = reply::text_field(row, "Serial")?;
        if is_no_number(&told) {
            return None;
        }
        (self.client.without_secrets_in(&told) == told).then_some(told)
    }

    /// The backup mode; `None` where the device does not tell. `SystemSettings` has it
    /// in every schema, `SecureBackupMode` only in newer ones (soma-wire section 7).
    pub fn backup_mode(&self) -> Result<Option<BackupMode>> {
        for (class, property) in [("SystemSettings", "BackupMode"), ("SecureBackupMode", "mode")] {
            let request = request::get_config(DEFAULT_DOMAIN, class, None);
            let answer = self.read(&request, "config", |config| {
                Ok(reply::rows(config, class).find_map(|row| reply::text_field(row, property)))
            });
            match answer {
                Ok(Some(mode)) if mode.eq_ignore_ascii_case("secure") => return Ok(Some(BackupMode::Secure)),
                Ok(Some(_)) => return Ok(Some(BackupMode::Normal)),
                Ok(None) => {}
                Err(error) if error.is_refusal() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The enabled `GatewayPeering` objects of a domain (soma-wire section 11); none where the device does not know the
    /// class, or does not tell this account.
    pub fn gateway_peerings(&self, domain: &str) -> Result<Vec<String>> {
        let request = request::get_config(domain, "GatewayPeering", None);
        let answer = self.read(&request, "config", |config| {
            let rows = reply::rows(config, "GatewayPeering");
            let enabled =
                rows.filter(|row| !reply::field(*row, "mAdminState").eq_ignore_ascii_case("disabled"));
            Ok(enabled
                .filter_map(|row| row.attribute("name"))
                .map(|name| self.client.without_secrets_in(name))
                .collect())
        });
        match answer {
            Err(error) if error.is_refusal() => Ok(Vec::new()),
            answer => answer,
        }
    }

    /// Whether the default domain holds a `CryptoCertificate` of this name.
    pub fn has_certificate(&self, name: &str) -> Result<bool> {
        Ok(self.certificate_object(name)? != CertificateObject::Absent)
    }

    /// How the `CryptoCertificate` of this name in the default domain stands.
    pub fn certificate_object(&self, name: &str) -> Result<CertificateObject> {
        let request = request::get_config(DEFAULT_DOMAIN, "CryptoCertificate", Some(name));
        let answer = self.read(&request, "config", |config| {
            let mut rows = reply::rows(config, "CryptoCertificate");
            Ok(match rows.find(|row| row.attribute("name") == Some(name)) {
                None => CertificateObject::Absent,
                Some(row) if reply::field(row, "mAdminState").eq_ignore_ascii_case("disabled") => {
                    CertificateObject::Disabled
                }
                Some(_) => CertificateObject::Usable,
            })
        });
        match answer {
            // An absent object was never captured (soma-wire section 10): a refusal in
            // words is one way in which a device may put it.
            Err(error) if error.kind == SomaErrorKind::Refused => Ok(CertificateObject::Absent),
            answer => answer,
        }
    }

    /// The names of the `CryptoCertificate` objects of the default domain, as far as the account may
    /// see them: for advice.
    pub fn certificate_names(&self) -> Result<Vec<String>> {
        let request = request::get_config(DEFAULT_DOMAIN, "CryptoCertificate", None);
        self.read(&request, "config", |config| {
            let rows = reply::rows(config, "CryptoCertificate");
            Ok(rows
                .filter_map(|row| row.attribute("name"))
                .map(|name| self.client.without_secrets_in(name))
                .collect())
        })
    }

    /// How far the device's clock is ahead of ours; negative when it is behind. It is
    /// known to a second, less what the answer took; `None` where the device does not tell.
    pub fn clock_ahead(&self) -> Result<Option<SignedDuration>> {
        let request = request::get_status(DEFAULT_DOMAIN, "DateTimeStatus");
        self.retried(|| {
            let asked = self.clock().now();
            let told = self.read_once(&request, "status", &mut |status| Ok(reply::timestamp(status)))?;
            // Whatever it was in between counts as the moment of the answer.
            Ok(told.map(|told| match told {
                told if told < asked => {
                    // The device cuts off what is less than a second.
                    (told.duration_since(asked) + SignedDuration::from_secs(1)).min(SignedDuration::ZERO)
                }
                told => told.duration_since(self.clock().now()).max(SignedDuration::ZERO),
            }))
        })
    }

    /// Space in `temporary:`; `None` where the device does not tell. It counts in megabytes.
    pub fn space(&self) -> Result<Option<DeviceSpace>> {
        let request = request::get_status(DEFAULT_DOMAIN, "FilesystemStatus");
        match self.read(&request, "status", space_of) {
            Err(error) if error.is_refusal() => Ok(None),
            answer => answer,
        }
    }
}

/// The space that a status tells of; `None` where it tells of none, or of more free than there is.
fn space_of(status: Node<'_, '_>) -> Result<Option<DeviceSpace>> {
    const MEGABYTE: u64 = 1 << 20;
    let told = |row: &Node<'_, '_>| {
        ["FreeTemporary", "TotalTemporary"]
            .iter()
            .all(|name| !reply::field(*row, name).is_empty())
    };
    let Some(row) = reply::rows(status, "FilesystemStatus").find(told) else {
        return Ok(None);
    };
    let bytes = |name| Ok(reply::number_field(row, name)?.saturating_mul(MEGABYTE));
    let (free_temporary, total_temporary) = (bytes("FreeTemporary")?, bytes("TotalTemporary")?);
    let can_be = total_temporary > 0 && free_temporary <= total_temporary;
    Ok(can_be.then_some(DeviceSpace {
        free_temporary,
        total_temporary,
    }))
}

#[cfg(test)]
mod tests {
    use super::{is_no_number, space_of};

    #[test]
    fn space_that_cannot_be_is_not_told() {
        let told = |free: &str, total: &str| {
            let text = format!(
                "<status><FilesystemStatus><FreeTemporary>{free}</FreeTemporary>\
                 <TotalTemporary>{total}</TotalTemporary></FilesystemStatus></status>"
            );
            let document = roxmltree::Document::parse(&text).expect("XML");
            let space = space_of(document.root_element()).expect("a status");
            space.map(|space| (space.free_temporary >> 20, space.total_temporary >> 20))
        };
        assert_eq!(told("0", "10"), Some((0, 10)));
        assert_eq!(told("10", " 10 "), Some((10, 10)));
        for (free, total) in [("0", "0"), ("20", "10"), ("", "10"), ("10", "")] {
            assert_eq!(told(free, total), None, "{free} of {total}");
        }
    }

    #[test]
    fn a_word_in_place_of_a_serial_number_is_none() {
        for word in [
            "unknown",
            "Unknown",
            "Not available",
            "N/A",
            "none",
            "-",
            "Not Specified",
        ] {
            assert!(is_no_number(word), "{word}");
        }
        for number in ["0000001", "78A0001", "NA12345", "13002G6"] {
            assert!(!is_no_number(number), "{number}");
        }
    }
}
