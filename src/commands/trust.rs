//! `dpbackup trust`: which certificate a device shows, and what to write into the plan file for it.

use std::sync::Arc;

use anyhow::anyhow;

use crate::cli::{Global, TrustArgs};
use crate::clock::{Clock, SystemClock};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::loading::{exit_of_part, load_plan_or_part_to_trust};
use crate::commands::named::absent;
use crate::commands::named::names;
use crate::exit::Exit;
use crate::plan::model::{Device, PlanFile, Trust};
use crate::report::paint::answers;
use crate::report::trust::{ShownDevice, TrustAnswer, shown, warnings};
use crate::soma::peer::{self, Peer};
use crate::ui::{MovingLine, Ui, Verbosity};
use crate::values::environment::Lookup;
use crate::values::invocation::Invocation;

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
    let peer = peer_of(device, &file.invocation, line)?;
    let certificates = peer.certificates();
    let Some((own, sent_along)) = certificates.split_first() else {
        return Err(CommandError::new(
            Exit::Failed,
            anyhow!("{} shows no certificate", device.name),
        ));
    };
    let verified = |trust: &Trust| -> TrustAnswer { peer.verify(trust).map_err(|error| error.message) };
    let device = ShownDevice {
        name: &device.name,
        address: device.address().to_string(),
        version: &peer.version,
        own,
        sent_along,
        planned: (&device.tls, verified(&device.tls)),
        roots: (device.tls != Trust::SystemRoots).then(|| verified(&Trust::SystemRoots)),
        pin: verified(&Trust::Pin(own.sha256)),
        now: SystemClock::new().now(),
    };
    let warnings = warnings(&device);
    if ui.verbosity > Verbosity::Quiet || !warnings.is_empty() {
        let page = shown(&device, ui.width);
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

/// Who answers at the address of a device.
fn peer_of(device: &Device, invocation: &Invocation, line: &MovingLine) -> Result<Peer, CommandError> {
    let trust_command = invocation.command(["trust", &device.name]);
    // A signal ends the process, as it does where nothing is in hand.
    let limit = device.timeouts.connect;
    let _asking = line.shows(&format!("asking {}", device.name), limit);
    peer::reach(&device.host, device.port, limit, &Arc::default())
        .and_then(peer::Reached::shake_hands)
        .map_err(|error| error.for_device(&trust_command))
        .map_err(|error| {
            let place = format!("{} ({})", device.name, device.address());
            let failed = CommandError::new(Exit::Failed, anyhow!("{place}: {}", error.message));
            match error.hint {
                Some(hint) => failed.with_hint(hint),
                None => failed,
            }
        })
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
