//! `dpbackup trust`: which certificate a device shows, and what to write into the plan file for it.

use std::fmt::Write;
use std::sync::Arc;

use anyhow::anyhow;
use jiff::Timestamp;

use crate::cli::{Global, TrustArgs};
use crate::clock::{Clock, SystemClock};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::loading::{exit_of_part, load_plan_or_part_to_trust};
use crate::commands::named::absent;
use crate::commands::named::names;
use crate::exit::Exit;
use crate::plan::model::{Device, PlanFile, Trust};
use crate::report::paint::answers;
use crate::soma::certificate::{Certificate, CertificateContent};
use crate::soma::peer::{self, Peer};
use crate::ui::{MovingLine, Ui, Verbosity};
use crate::values::environment::Lookup;
use crate::values::text::{hanging, printable};

/// Shows the certificates of a device. Nothing but a TLS handshake goes to it.
pub(super) fn trust(
    global: &Global,
    args: &TrustArgs,
    (ui, line): (Ui, &MovingLine),
    env: Lookup<'_>,
) -> Outcome {
    let loaded = load_plan_or_part_to_trust(global, ui, env)?;
    let file = &loaded.plan_file;
    let device = match &args.device {
        Some(name) => names::device(file, &["trust"], name)?,
        None => return Err(asks_which_device(file)),
    };
    let trust_command = file.invocation.command(["trust", &device.name]);
    // A signal ends the process, as it does where nothing is in hand.
    let limit = device.timeouts.connect;
    let asking = line.shows(&format!("asking {}", device.name), limit);
    let peer = peer::reach(&device.host, device.port, limit, &Arc::default())
        .and_then(peer::Reached::shake_hands)
        .map_err(|error| error.for_device(&trust_command))
        .map_err(|error| {
            let place = format!("{} ({})", device.name, device.address());
            let failed = CommandError::new(Exit::Failed, anyhow!("{place}: {}", error.message));
            match error.hint {
                Some(hint) => failed.with_hint(hint),
                None => failed,
            }
        })?;
    drop(asking);
    let certificates = peer.certificates();
    let Some(own) = certificates.first() else {
        return Err(CommandError::new(
            Exit::Failed,
            anyhow!("{} shows no certificate", device.name),
        ));
    };
    let now = SystemClock::new().now();
    let warnings = warnings(device, &peer, own, now);
    if ui.verbosity > Verbosity::Quiet || !warnings.is_empty() {
        let page = page(device, &peer, own, &certificates, now, ui.width);
        match ui.data_color {
            true => print(ui, &answers(&page))?,
            false => print(ui, &page)?,
        }
    }
    for warning in &warnings {
        ui.warning(warning);
    }
    let exit = if warnings.is_empty() {
        Exit::Success
    } else {
        Exit::Warned
    };
    Ok(exit_of_part(file, exit))
}

/// Without a name, those that there are.
fn asks_which_device(file: &PlanFile) -> CommandError {
    let error = anyhow!("trust needs to know which device");
    let hint = match file.devices.first() {
        Some(first) => format!(
            "name one, such as `{}`; {}",
            file.invocation.command(["trust", &first.name]),
            absent::all_devices(file)
        ),
        None => "the plan file has no [[device]] yet".to_owned(),
    };
    CommandError::new(Exit::Usage, error).with_hint(hint)
}

fn page(
    device: &Device,
    peer: &Peer,
    own: &Certificate,
    all: &[Certificate],
    now: Timestamp,
    width: Option<u16>,
) -> String {
    let mut page = format!("{} ({}), {}\n", device.name, device.address(), peer.version);
    // Writing into a String cannot fail.
    for (index, certificate) in all.iter().enumerate() {
        let whose = if index == 0 {
            "the device's own"
        } else {
            "sent along"
        };
        let _ = writeln!(page, "\ncertificate {} of {}, {whose}", index + 1, all.len());
        describe(certificate, now, width, &mut page);
    }
    page.push_str("\nwould be trusted\n");
    for (how, trust) in ways(device) {
        let verdict = match peer.verify(&trust) {
            Ok(()) => "yes".to_owned(),
            Err(error) => format!("no: {}", printable(&error.message)),
        };
        let line = hanging(&format!("{how}: {verdict}"), 4, width);
        let _ = writeln!(page, "  {line}");
    }
    let pin = own.pin();
    if let Err(error) = peer.verify(&Trust::Pin(own.sha256)) {
        let why = format!("A pin would not do: {}", printable(&error.message));
        let _ = writeln!(page, "\n{}", hanging(&why, 0, width));
        return page;
    }
    if device.tls == Trust::Pin(own.sha256) {
        let pinned = format!(
            "The plan file pins this certificate, and no other is trusted, under [[device]] \"{}\":",
            device.name
        );
        let _ = write!(
            page,
            "\n{}\n\ntls = {{ pin_sha256 = \"{pin}\" }}\n",
            hanging(&pinned, 0, width)
        );
        return page;
    }
    let how = "To trust this certificate and no other: compare its SHA-256 with what the administrator\n\
               of the device says, then write under [[device]]";
    let how = match width {
        Some(_) => hanging(
            &format!("{} \"{}\":", how.replace('\n', " "), device.name),
            0,
            width,
        ),
        None => format!("{how} \"{}\":", device.name),
    };
    let _ = write!(page, "\n{how}\n\ntls = {{ pin_sha256 = \"{pin}\" }}\n");
    page
}

fn describe(certificate: &Certificate, now: Timestamp, width: Option<u16>, page: &mut String) {
    let mut line = |label: &str, text: &str| {
        let text = hanging(&printable(text), 11, width);
        let _ = writeln!(page, "  {label:<8} {text}");
    };
    match &certificate.content {
        Ok(content) => {
            line("subject", &content.subject);
            let names = content.names.join(", ");
            line(
                "names",
                if names.is_empty() {
                    "none: only a pin can trust it"
                } else {
                    &names
                },
            );
            let by_itself = if content.is_self_signed() { " (itself)" } else { "" };
            line("issuer", &format!("{}{by_itself}", content.issuer));
            line("valid", &validity(content, now));
            line("key", &content.key);
            if content.is_authority {
                line("is", "a certificate authority");
            }
        }
        Err(why) => line("content", &format!("cannot be read: {why}")),
    }
    line("SHA-256", &certificate.pin());
}

fn validity(content: &CertificateContent, now: Timestamp) -> String {
    let date = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let left = match content.days_left(now) {
        _ if content.not_before > now => "NOT VALID YET".to_owned(),
        days if days < 0 => "EXPIRED".to_owned(),
        1 => "1 day left".to_owned(),
        days => format!("{days} days left"),
    };
    format!(
        "{} to {}, {left}",
        date(content.not_before),
        date(content.not_after)
    )
}

/// Every way of trust that is worth a look: the plan file's own comes first.
fn ways(device: &Device) -> Vec<(String, Trust)> {
    let own = (
        format!("as the plan file has it ({})", short(&device.tls)),
        device.tls.clone(),
    );
    match device.tls {
        Trust::SystemRoots => vec![own],
        _ => vec![
            own,
            (
                "by the trust roots of this machine".to_owned(),
                Trust::SystemRoots,
            ),
        ],
    }
}

fn short(trust: &Trust) -> String {
    match trust {
        Trust::Pin(_) => "pin_sha256".to_owned(),
        Trust::Off => "verify = false".to_owned(),
        other => other.to_string(),
    }
}

fn warnings(device: &Device, peer: &Peer, own: &Certificate, now: Timestamp) -> Vec<String> {
    let name = &device.name;
    let mut warnings = Vec::new();
    match (&device.tls, peer.verify(&device.tls)) {
        (Trust::Pin(pin), Err(_)) if *pin != own.sha256 => warnings.push(format!(
            "the pin of {name} in the plan file is of another certificate: it was renewed, or another \
             device answers, or somebody stands in between"
        )),
        (_, Err(error)) => warnings.push(format!("a run would not trust {name}: {}", error.message)),
        (Trust::Off, Ok(())) => warnings.push(format!(
            "{name} has `verify = false`: whoever answers there gets its password; pin the certificate instead"
        )),
        (_, Ok(())) => {}
    }
    if let Ok(content) = &own.content
        && content.not_after <= now
    {
        warnings.push(format!(
            "the certificate of {name} has expired; a pin trusts it all the same"
        ));
    }
    if let Ok(content) = &own.content
        && content.not_before > now
    {
        warnings.push(format!(
            "the certificate of {name} is not valid yet; a pin trusts it all the same"
        ));
    }
    warnings
}
