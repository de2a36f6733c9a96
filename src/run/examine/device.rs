//! What a run needs of one device.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::SignedDuration;

use crate::gateway::Gateway;
use crate::gateway::domains::DomainStatus;
use crate::gateway::facts::{BackupMode, CertificateObject};
use crate::plan::model::{Account, Device, Settings, Trust};
use crate::run::Engine;
use crate::run::certificates;
use crate::run::client;
use crate::run::examine::device_folders;
use crate::run::examine::domains;
use crate::run::examine::item::{CheckItem, CheckItems};
use crate::run::examine::needs::Needs;
use crate::secret::SecretSource;
use crate::soma::certificate::{Certificate, days_until};
use crate::soma::peer;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::certificate_match::CertificateMatch;
use crate::values::duration::HumanDuration;
use crate::values::size::Bytes;

/// A certificate that expires sooner is a warning.
const SOON_DAYS: i64 = 30;

/// A clock that is off by more is a warning: history and the names of files would disagree
/// with the logs of the device.
const TOLERATED_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Why nobody logged in.
const UNREACHED: &str = "the device was not reached as it should be";

/// Where its secret is asked for.
const PASSWORD: &str = "it is `password` of this device in the plan file";

/// What a look at one device gave.
pub(super) struct DeviceLook {
    pub(super) found: Vec<CheckItem>,
    /// Its serial number, where it tells one.
    pub(super) serial: Option<String>,
    /// The SHA-256 of its certificate, where it was reached.
    pub(super) certificate: Option<[u8; 32]>,
}

/// Looks at one device, from the way to it inwards.
pub(super) fn examine(engine: Engine<'_>, device: &Device, needs: &Needs<'_>) -> DeviceLook {
    let mut found = CheckItems::about(&device.name);
    let certificate = tls(engine, device, &mut found);
    let asked = match &certificate {
        Some(_) => ask(engine, device, needs, &mut found),
        None => {
            unreached(engine, device, needs, &mut found);
            None
        }
    };
    let (listed, serial) = asked.unwrap_or_default();
    device_folders::examine(&engine.file.settings, device, needs, &listed, &mut found);
    DeviceLook {
        found: found.found,
        serial,
        certificate: certificate.flatten(),
    }
}

/// What is looked for of a device that was not reached as it should be.
fn unreached(engine: Engine<'_>, device: &Device, needs: &Needs<'_>, found: &mut CheckItems) {
    // A command is not started for nothing; all else is looked for, and told in the same go.
    match (&device.username, &device.password) {
        (Account::From(SecretSource::Command(_)), _) | (_, SecretSource::Command(_)) => {
            found.skip(&["login"], UNREACHED);
        }
        _ => match client::login(engine, device, &|| engine.stop.is_requested()) {
            Ok(_) => found.skip(&["login"], UNREACHED),
            Err(failure) => found.fail("login", failure.message, PASSWORD),
        },
    }
    found.skip(&needs.items(), "not logged in");
}

/// Asks the device itself. Its domains come back, and its serial number, unless nobody could log in.
fn ask(
    engine: Engine<'_>,
    device: &Device,
    needs: &Needs<'_>,
    found: &mut CheckItems,
) -> Option<(Vec<DomainStatus>, Option<String>)> {
    let gateway = match client::gateway(engine, device) {
        Ok(gateway) => gateway,
        Err(failure) => {
            found.fail("login", failure.message, PASSWORD);
            found.skip(&needs.items(), "not logged in");
            return None;
        }
    };
    let listed = match gateway.first_domains() {
        Ok(listed) => listed,
        Err(error) => {
            found.failed("login", &error);
            found.skip(&needs.items(), "not logged in");
            return None;
        }
    };
    found.ok("login", device.username.describe());
    let serial = firmware(&gateway, found);
    clock(&gateway, found);
    if needs.secure_backup() {
        backup_mode(&gateway, found);
        for name in &needs.certificates {
            certificate(engine, &gateway, name, needs.in_hand, found);
        }
        space(&gateway, &engine.file.settings, found);
    }
    domains::exports(&gateway, &listed, needs, found);
    let unlisted = domains::unlisted(&gateway, &listed, needs, found);
    domains::failsafe(&listed, needs, found);
    domains::disabled(&gateway, &listed, needs, found);
    domains::peering(&gateway, &listed, needs, found);
    domains::out_of_service((&device.name, serial.as_deref()), &listed, needs, found);
    let named = (device.name.as_str(), serial.as_deref());
    domains::quiesced(engine, named, &listed, unlisted.as_deref(), needs, found);
    Some((listed, serial))
}

/// Reaches the device and looks at what it shows: the SHA-256 of its certificate, where it shows one. `None` when a run
/// would not go on.
fn tls(engine: Engine<'_>, device: &Device, found: &mut CheckItems) -> Option<Option<[u8; 32]>> {
    let place = device.address().to_string();
    let trust_command = engine.file.invocation.command(["trust", &device.name]);
    let interrupted = Arc::new(AtomicBool::new(false));
    let interrupt: Arc<dyn Fn() + Send + Sync> = {
        let interrupted = Arc::clone(&interrupted);
        Arc::new(move || interrupted.store(true, Ordering::SeqCst))
    };
    let _registered = engine.stop.interrupting(&interrupt);
    let limit = device.timeouts.connect;
    let reached = match peer::reach(&device.host, device.port, limit, &interrupted) {
        Ok(reached) => reached,
        Err(error) => {
            let hint = error
                .hint
                .as_deref()
                .unwrap_or("check `host` and `port`, the network, and whether the device is up");
            found.fail("reach", format!("{place}: {}", error.message), hint);
            found.skip(&["tls"], "the device was not reached");
            return None;
        }
    };
    found.ok("reach", place);
    let peer = match reached.shake_hands() {
        Ok(peer) => peer,
        Err(error) => {
            found.failed("tls", &error.for_device(&trust_command));
            return None;
        }
    };
    if let Err(error) = peer.verify(&device.tls) {
        found.failed("tls", &error.for_device(&trust_command));
        return None;
    }
    let certificates = peer.certificates();
    let content = certificates.first().and_then(|own| own.content.as_ref().ok());
    let now = engine.clock.now();
    let days = content.map(|content| content.days_left(now));
    verified(&device.tls, &peer.version, days, &trust_command, found);
    // Whoever verifies nothing, or goes by a pin, has taken it all the same.
    if let Some(content) = content.filter(|content| content.not_before > now) {
        found.warn(
            "tls",
            format!("the certificate is not valid before {}", content.not_before.strftime("%Y-%m-%d")),
            "look at the clock of this machine and of whoever made the certificate; other programs will not trust it yet",
        );
    }
    Some(certificates.first().map(|own| own.sha256))
}

/// Says by what a device is trusted, and for how many days; not known where its certificate cannot be read.
fn verified(trust: &Trust, version: &str, days: Option<i64>, trust_command: &str, found: &mut CheckItems) {
    let left = match days {
        None => "; when the certificate expires is not known: it cannot be read".to_owned(),
        Some(days) if days < 0 => "; the certificate has expired".to_owned(),
        Some(days) => format!("; the certificate expires in {}", days_text(days)),
    };
    let text = format!("{version}, trusted by {}{left}", trusted_by(trust));
    match (trust, days) {
        (Trust::Off, _) => {
            let hint = format!("`{trust_command}` prints a pin_sha256 line to paste");
            found.warn("tls", format!("{version}, NOT VERIFIED{left}"), hint);
        }
        (_, None) => found.warn("tls", text, "look on the device when it expires"),
        (Trust::Pin(_), Some(days)) if days < SOON_DAYS => {
            found.warn(
                "tls",
                text,
                "renew it on the device, then write its new pin into the plan file",
            );
        }
        (_, Some(days)) if days < SOON_DAYS => {
            found.warn(
                "tls",
                text,
                "renew it on the device: expired, it is not trusted any more",
            );
        }
        _ => found.ok("tls", text),
    }
}

fn trusted_by(trust: &Trust) -> String {
    match trust {
        Trust::Pin(_) => "its pin".to_owned(),
        other => other.to_string(),
    }
}

/// Says what the device is. Its serial number.
fn firmware(gateway: &Gateway<'_>, found: &mut CheckItems) -> Option<String> {
    match gateway.firmware() {
        Ok(firmware) => {
            let serial = firmware.serial.clone();
            let facts = [
                firmware.version,
                firmware.build.map(|build| format!("build {build}")),
                firmware
                    .machine_type
                    .map(|machine| format!("machine type {machine}")),
                firmware.model_type.map(|model| format!("model {model}")),
                firmware.serial.map(|serial| format!("serial {serial}")),
            ];
            let facts: Vec<String> = facts.into_iter().flatten().collect();
            if facts.is_empty() {
                let hint =
                    "the account needs */*/status/firmware-version?Access=r to record it with each backup";
                found.warn("firmware", "the device does not tell", hint);
            } else {
                found.ok("firmware", facts.join(", "));
            }
            serial
        }
        Err(error) => {
            found.failed("firmware", &error);
            None
        }
    }
}

fn clock(gateway: &Gateway<'_>, found: &mut CheckItems) {
    match gateway.clock_ahead() {
        Ok(None) => found.warn(
            "clock",
            "the device does not tell its time",
            "nothing depends on it",
        ),
        Ok(Some(ahead)) if ahead.abs() <= TOLERATED_SKEW => {
            found.ok("clock", "within a minute of this machine's");
        }
        Ok(Some(ahead)) => {
            let off = HumanDuration(Duration::from_secs(ahead.unsigned_abs().as_secs()));
            let side = if ahead.is_negative() { "behind" } else { "ahead of" };
            let text = format!("the device is {off} {side} this machine");
            found.warn(
                "clock",
                text,
                "let both take their time from NTP: logs and backups could not be compared",
            );
        }
        // No run asks for it.
        Err(error) if error.is_refusal() => found.warn("clock", error.message, "nothing depends on it"),
        Err(error) => found.failed("clock", &error),
    }
}

fn backup_mode(gateway: &Gateway<'_>, found: &mut CheckItems) {
    match gateway.backup_mode() {
        Ok(Some(BackupMode::Secure)) => found.ok("backup mode", "secure"),
        Ok(Some(BackupMode::Normal)) => found.fail(
            "backup mode",
            "the device is not in secure-backup (disaster recovery) mode",
            "it is chosen when a device is initialised and cannot be changed later: export its domains instead",
        ),
        Ok(None) => found.warn(
            "backup mode",
            "the device does not tell",
            "the account needs */default/system/system?Access=r",
        ),
        Err(error) => found.failed("backup mode", &error),
    }
}

fn certificate(
    engine: Engine<'_>,
    gateway: &Gateway<'_>,
    name: &str,
    in_hand: Option<&Certificate>,
    found: &mut CheckItems,
) {
    match gateway.certificate_object(name) {
        Ok(CertificateObject::Usable) => expiry(engine, gateway, name, in_hand, found),
        Ok(CertificateObject::Disabled) => found.fail(
            "certificate",
            format!("'{name}' is there, but its administrative state is disabled"),
            "enable it in the default domain",
        ),
        Ok(CertificateObject::Absent) => found.fail(
            "certificate",
            format!("the default domain has no crypto certificate '{name}'"),
            certificates::instead_of(gateway, name),
        ),
        Err(error) => found.failed("certificate", &error),
    }
}

/// How long the certificate of a secure backup is good yet.
fn expiry(
    engine: Engine<'_>,
    gateway: &Gateway<'_>,
    name: &str,
    in_hand: Option<&Certificate>,
    found: &mut CheckItems,
) {
    const RENEW: &str =
        "give the object a new certificate; keep the old private key: what was backed up with it needs it";
    const NOT_YET: &str = "look at the clock of the device and of whoever made it, or give the object a certificate that is valid";
    let facts = match gateway.certificate_facts(name) {
        Ok(facts) => facts,
        Err(error) => return found.failed("certificate", &error),
    };
    if facts.is_elliptic() {
        found.warn(
            "certificate",
            format!("'{name}' has a key on an elliptic curve (ECDSA)"),
            "a device refuses such a one for a secure backup: give the object a certificate with an RSA key",
        );
    }
    if let Some(in_hand) = in_hand {
        compare(name, &facts, in_hand, found);
    }
    if let Some(from) = facts.not_valid_before(engine.clock.now()) {
        let day = from.strftime("%Y-%m-%d");
        found.fail(
            "certificate",
            format!("'{name}' is not valid before {day}"),
            NOT_YET,
        );
    }
    let Some(not_after) = facts.expiry.and_then(|expiry| expiry.parse().ok()) else {
        let text = format!("'{name}' is there; when it expires is not known: the device does not show it");
        return found.warn(
            "certificate",
            text,
            "look in the web interface of the device when it expires",
        );
    };
    match days_until(not_after, engine.clock.now()) {
        days if days < 0 => {
            let day = not_after.strftime("%Y-%m-%d");
            found.fail("certificate", format!("'{name}' expired on {day}"), RENEW);
        }
        days => {
            let text = format!("'{name}' is there; it expires in {}", days_text(days));
            match days < SOON_DAYS {
                true => found.warn("certificate", text, RENEW),
                false => found.ok("certificate", text),
            }
        }
    }
}

/// Whether the certificate that somebody has in hand, with its private key somewhere, is the one that
/// secure backups are encrypted for.
fn compare(name: &str, facts: &CertificateFacts, in_hand: &Certificate, found: &mut CheckItems) {
    let in_hand = in_hand.facts(name);
    match CertificateMatch::of(facts, &in_hand) {
        CertificateMatch::Same => found.ok(
            "certificate",
            format!("'{name}' is the one in hand ({})", facts.details()),
        ),
        CertificateMatch::Other => found.fail(
            "certificate",
            format!(
                "'{name}' is not the one in hand: on the device {}; in hand {}",
                facts.details(),
                in_hand.details()
            ),
            "what is backed up now cannot be opened with the key to the one in hand: find the right one, or change the object",
        ),
        CertificateMatch::NotKnown => found.warn(
            "certificate",
            format!(
                "whether '{name}' is the one in hand is not known: the device does not show the certificate itself; on the device {}; in hand {}",
                facts.details(),
                in_hand.details()
            ),
            "compare what is not known with the web interface of the device",
        ),
    }
}

fn days_text(days: i64) -> String {
    match days {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

fn space(gateway: &Gateway<'_>, settings: &Settings, found: &mut CheckItems) {
    let asked = settings.min_free_device;
    match gateway.space() {
        Ok(Some(space)) => {
            let (free, total) = (space.free_temporary, space.total_temporary);
            let text = format!(
                "temporary: has {} free of {}; min_free_device asks for {asked}",
                Bytes(free),
                Bytes(total)
            );
            if asked.is_met(free, total) {
                found.ok("space", text);
            } else {
                found.fail(
                    "space",
                    text,
                    "remove files from temporary: on the device, or lower `min_free_device`",
                );
            }
        }
        Ok(None) => found.warn(
            "space",
            "the device does not tell",
            "if the account may not see it, it needs */*/status/filessystem?Access=r",
        ),
        Err(error) => found.failed("space", &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::examine::item::CheckVerdict;

    #[test]
    fn a_certificate_whose_end_is_not_known_is_no_good_one() {
        let pin = Trust::Pin([0; 32]);
        for (days, verdict, words) in [
            (Some(365), CheckVerdict::Ok, "expires in 365 days"),
            (Some(1), CheckVerdict::Warn, "expires in 1 day"),
            (
                None,
                CheckVerdict::Warn,
                "when the certificate expires is not known",
            ),
        ] {
            let mut items = CheckItems::about("QA1");
            verified(&pin, "TLS 1.3", days, "dpbackup trust QA1", &mut items);
            let [item] = items.found.as_slice() else {
                panic!("{:?}", items.found)
            };
            assert_eq!(item.verdict, verdict, "{days:?}");
            assert!(item.text.contains(words), "{}", item.text);
        }
    }
}
