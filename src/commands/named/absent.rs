//! What is said of a name that is not there: what there is, and what of it is like the name.

use anyhow::anyhow;

use crate::commands::frame::error::CommandError;
use crate::exit::Exit;
use crate::plan::model::PlanFile;
use crate::values::device_pattern::DevicePatterns;
use crate::values::first_few::first_few;
use crate::values::invocation::quoted;
use crate::values::nearest::nearest;

/// So many names are listed; of more, nobody reads them all.
pub(in crate::commands) const LISTED: usize = 20;

/// What to type where a pattern of devices is written and names are expected: the command with the devices that it means,
/// or with the first where one is taken. `None` where the word is no pattern of devices that there are.
pub(in crate::commands) fn pattern_instead(
    file: &PlanFile,
    word: &str,
    command: &[&str],
    most: usize,
) -> Option<String> {
    let is_pattern = word.contains(['*', '@', ',', '!']);
    let patterns = DevicePatterns::from_items([word]).ok().filter(|_| is_pattern)?;
    let meant = file
        .devices
        .iter()
        .filter(|device| patterns.matches(&device.marks()));
    let meant: Vec<&str> = meant.map(|device| device.name.as_str()).collect();
    let line = command.iter().copied().chain(meant.iter().copied().take(most));
    let line = file.invocation.command(line);
    match meant.len() {
        0 => None,
        count if count <= most => Some(format!("devices are named in full here: `{line}`")),
        _ => Some(format!(
            "devices are named in full here, such as `{line}`; it matches {}",
            listed(&meant)
        )),
    }
}

/// The device of `DEVICE:PORT`.
pub(in crate::commands) fn with_its_port<'n>(file: &PlanFile, name: &'n str) -> Option<&'n str> {
    let (device, port) = name.split_once(':')?;
    let _port: u16 = port.parse().ok()?;
    file.device(device).map(|_| device)
}

/// The devices of the file, in a sentence.
pub(in crate::commands) fn all_devices(file: &PlanFile) -> String {
    let known: Vec<&str> = file.devices.iter().map(|device| device.name.as_str()).collect();
    format!("there are: {}", listed(&known))
}

/// Advice for a name that is not known: the nearest of those that are, or all of them.
pub(in crate::commands) fn did_you_mean(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean {}?", quoted_always(nearest)),
        None if known.is_empty() => "there are none at all".to_owned(),
        None => format!("there are (upper and lower case differ): {}", listed(known)),
    }
}

pub(in crate::commands) fn absent(file: &PlanFile, what: &str, name: &str) -> CommandError {
    let path = file.path.display();
    let error = match file.is_whole {
        true => anyhow!("the plan file {path} has no {what} '{name}'"),
        false => anyhow!("what can be read of the plan file {path} has no {what} '{name}'"),
    };
    CommandError::new(Exit::Usage, error)
}

/// The names with commas between them. Some names hold commas: those are in quotes.
pub(in crate::commands) fn listed(known: &[&str]) -> String {
    first_few(known.iter().map(|name| quoted(name)), LISTED)
}

pub(in crate::commands) fn quoted_always(name: &str) -> String {
    match quoted(name) {
        name if name.starts_with('\'') => name.into_owned(),
        name => format!("'{name}'"),
    }
}
