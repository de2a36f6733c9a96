//! Secure backup: the refusals, and what a backup leaves on the device.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use super::content::Content;
use super::fault::FaultKind;
use super::files;
use super::firmware::Style;
use super::manifest::{MANIFEST, manifest};
use super::quiesce::Act;
use super::quiesce_actions::carry_out;
use super::setup::{BackupMode, Clock, Setup};
use super::soap::Payload;
use super::state::{SecureRun, State, later};

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
    let Ok(mut files) = parts(&state.setup, now, faults) else {
        return failed(&state.setup, "cannot write");
    };
    let never = faults.contains(&FaultKind::NeverReady);
    if never || faults.contains(&FaultKind::GivesUp) {
        files.retain(|(name, _)| name != MANIFEST);
    }
    // Nobody moves a clock that is told while a request is waited for.
    let at_once = state.setup.secure_backup_blocks && matches!(state.setup.clock, Clock::Told(_));
    let takes = if at_once {
        Duration::ZERO
    } else {
        state.setup.secure_backup_time
    };
    let making = Making {
        directory,
        files,
        takes: (!never).then_some(takes),
        manifest_first: faults.contains(&FaultKind::EarlyManifest),
    };
    carry_out(state, Act::SecureBackup(making), faults);
    state.settle();
    if faults.contains(&FaultKind::Scheduled) {
        return Payload::Text(format!(
            "Secure backup to '{destination}' scheduled (may take a few minutes to complete)."
        ));
    }
    Payload::Ok
}

/// The files of a secure backup that leaves nothing on the device; nothing where it is refused.
pub(super) fn with_the_answer(
    state: &State,
    certificate: &str,
    faults: &[FaultKind],
) -> Option<Vec<(String, Content)>> {
    let refused = refusal(state, "default", certificate, "temporary:///", faults).is_some();
    let files = parts(&state.setup, state.now(), faults);
    files.ok().filter(|_| !refused)
}

/// A secure backup before it begins.
#[derive(Clone, Debug)]
pub(super) struct Making {
    directory: String,
    /// What it writes, one after the other.
    files: Vec<(String, Content)>,
    /// Nothing: it never ends.
    takes: Option<Duration>,
    /// An empty manifest is there from the beginning.
    manifest_first: bool,
}

/// Begins a secure backup.
pub(super) fn begin(state: &mut State, making: &Making, now: Timestamp) {
    let takes = making.takes.unwrap_or(state.setup.secure_backup_time);
    let count = u32::try_from(making.files.len()).unwrap_or(u32::MAX).max(1);
    let mut pending = Vec::new();
    if making.manifest_first {
        pending.push((now, MANIFEST.to_owned(), Content::from("")));
    }
    for (place, (name, content)) in (1..).zip(&making.files) {
        pending.push((later(now, takes * place / count), name.clone(), content.clone()));
    }
    if let Some(domain) = state.domain_mut("default") {
        domain.files.make_directory(&making.directory);
    }
    state.secure_backup = Some(SecureRun {
        until: making.takes.map(|takes| later(now, takes)),
        directory: making.directory.clone(),
        pending,
    });
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
    if !["temporary:/", "local:/", "ftp://"]
        .iter()
        .any(|start| destination.starts_with(start))
    {
        return Some(failed(&state.setup, "Cannot read or write to a URL"));
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
    let manifest = manifest(setup, now, &parts, faults)?;
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
    parts.push((MANIFEST.to_owned(), Content::from(manifest)));
    Ok(parts)
}
