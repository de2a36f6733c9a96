//! Secure backup: the refusals, and what a backup leaves on the device.

use std::io;

use jiff::Timestamp;

use super::content::Content;
use super::fault::FaultKind;
use super::files;
use super::firmware::Style;
use super::setup::{BackupMode, Setup};
use super::soap::{Payload, escape, time_zone};
use super::state::{SecureRun, State, later};

/// The name of the manifest, the last file to be written.
pub(super) const MANIFEST: &str = "backupmanifest.xml";

/// Starts a secure backup. The parts come one after another, the manifest last.
pub(super) fn start(
    state: &mut State,
    domain: &str,
    certificate: &str,
    destination: &str,
    faults: &[FaultKind],
) -> Payload {
    if let Some(refusal) = refusal(state, domain, certificate, destination, faults) {
        return refusal;
    }
    let Some(directory) = files::normal(destination) else {
        return failed(&state.setup, "bad destination");
    };
    let now = state.now();
    let Ok(names) = parts(&state.setup, now, faults) else {
        return failed(&state.setup, "cannot write");
    };
    let takes = state.setup.secure_backup_time;
    let count = u32::try_from(names.len()).unwrap_or(u32::MAX).max(1);
    let never = faults.contains(&FaultKind::NeverReady);
    let without_manifest = never || faults.contains(&FaultKind::GivesUp);
    let mut pending = Vec::new();
    if faults.contains(&FaultKind::EarlyManifest) {
        pending.push((now, MANIFEST.to_owned(), Content::from("")));
    }
    for (place, (name, content)) in (1..).zip(names) {
        if !(without_manifest && name == MANIFEST) {
            pending.push((later(now, takes * place / count), name, content));
        }
    }
    if let Some(domain) = state.domain_mut("default") {
        domain.files.make_directory(&directory);
    }
    let until = (!never).then(|| later(now, takes));
    state.secure_backup = Some(SecureRun {
        until,
        directory,
        pending,
    });
    state.settle();
    if faults.contains(&FaultKind::Scheduled) {
        return Payload::Text(format!(
            "Secure backup to '{destination}' scheduled (may take a few minutes to complete)."
        ));
    }
    Payload::Ok
}

fn refusal(
    state: &State,
    domain: &str,
    certificate: &str,
    destination: &str,
    faults: &[FaultKind],
) -> Option<Payload> {
    let log = |text: &str| Some(Payload::Log(text.to_owned()));
    if domain != "default" {
        return log("secure-backup and secure-restore are available in default domain only");
    }
    if state.setup.backup_mode == BackupMode::Normal {
        return log(
            "secure-backup was configured at firmware install time not to allow keys and certificates to be \
             backed up",
        );
    }
    let known = state
        .setup
        .certificates
        .iter()
        .find(|known| known.name == certificate);
    match known {
        None => {
            return log(&format!(
                "Certificate '{certificate}' in domain 'default' does not exist."
            ));
        }
        Some(known) if known.ecdsa => return Some(failed(&state.setup, "the certificate is not an RSA one")),
        Some(_) => {}
    }
    if state.secure_backup.is_some() {
        return Some(failed(&state.setup, "another one is under way"));
    }
    if destination.starts_with("ftp:") {
        return log("Secure backup failed. Cannot connect to target directory.");
    }
    let needed: u64 = state
        .setup
        .secure_backup_parts
        .iter()
        .map(|(_, bytes)| bytes)
        .sum();
    if faults.contains(&FaultKind::NoSpace) || state.free_temporary() < needed {
        return Some(failed(&state.setup, "no space left on device"));
    }
    None
}

/// Newer firmware only says that it failed.
fn failed(setup: &Setup, why: &str) -> Payload {
    match setup.firmware.style {
        Style::V10 => Payload::Text("Error creating secure backup.".to_owned()),
        Style::Old => Payload::Log(format!("Secure backup failed - {why}.")),
    }
}

/// The files of a secure backup with the manifest last, damaged where that was asked for.
fn parts(setup: &Setup, now: Timestamp, faults: &[FaultKind]) -> io::Result<Vec<(String, Content)>> {
    // Encrypted anew each time, so the bytes differ from backup to backup.
    let seed = now.as_nanosecond() as u64;
    let mut parts: Vec<(String, Content)> = (seed..)
        .zip(&setup.secure_backup_parts)
        .map(|(seed, (name, bytes))| (name.clone(), Content::synthetic(*bytes, seed)))
        .collect();
    for fault in faults {
        if let FaultKind::HostileName(name) = fault {
            let name = name.clone().unwrap_or_else(|| "../../hostile".to_owned());
            parts.push((name, Content::synthetic(100, seed ^ 1)));
        }
    }
    let manifest = manifest(setup, now, &parts)?;
    if faults.contains(&FaultKind::MissingPart) {
        parts.pop();
    }
    if faults.contains(&FaultKind::ChangedPart)
        && let Some((_, content)) = parts.first_mut()
    {
        *content = Content::synthetic(content.size(), seed ^ 2);
    }
    if faults.contains(&FaultKind::ExtraPart) {
        parts.push(("unlisted.tgz".to_owned(), Content::synthetic(100, seed ^ 3)));
    }
    parts.push((MANIFEST.to_owned(), Content::from(manifest.into_bytes())));
    Ok(parts)
}

/// The manifest. The name of its outermost element is not known from any capture; `backupmanifest`,
/// `files`, `file`, `filename` and `checksum` (lower-case hex of SHA-1) are.
fn manifest(setup: &Setup, now: Timestamp, parts: &[(String, Content)]) -> io::Result<String> {
    let firmware = &setup.firmware;
    let now = now.to_zoned(time_zone());
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<secure-backup>\n<backupmanifest>\n\
         <firmware-version>{}</firmware-version>\n<firmware-build>{}</firmware-build>\n\
         <machine-type>{}</machine-type>\n<model-type>{}</model-type>\n<serial-number>{}</serial-number>\n\
         <current-date>{}</current-date>\n<current-time>{}</current-time>\n<files>\n",
        firmware.version,
        firmware.build,
        firmware.machine_type,
        firmware.model_type,
        firmware.serial,
        now.strftime("%Y-%m-%d"),
        now.strftime("%H:%M:%S %Z")
    );
    for (name, content) in parts {
        let checksum: String = content.sha1()?.iter().map(|byte| format!("{byte:02x}")).collect();
        xml.push_str(&format!(
            "<file><filename>{}</filename><size>{}</size><checksum>{checksum}</checksum></file>\n",
            escape(name),
            content.size()
        ));
    }
    xml.push_str("</files>\n</backupmanifest>\n<signature>c2ltdWxhdGVk</signature>\n</secure-backup>\n");
    Ok(xml)
}
