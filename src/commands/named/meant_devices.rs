//! The devices that patterns mean, where commands take patterns.

use std::collections::{BTreeSet, HashMap};

use anyhow::anyhow;

use crate::commands::frame::error::CommandError;
use crate::commands::named::absent::did_you_mean;
use crate::exit::Exit;
use crate::plan::model::{Device, PlanFile};
use crate::values::device_pattern::{DeviceMarks, DevicePatterns, DeviceRole};

/// The devices that patterns mean. What one is tagged with says the plan file; one that only history knows has
/// its name alone.
pub(in crate::commands) struct MeantDevices<'a> {
    /// `None` is all of them.
    patterns: Option<&'a DevicePatterns>,
    /// Each is found at once: a fleet has thousands.
    devices: HashMap<&'a str, &'a Device>,
}

impl<'a> MeantDevices<'a> {
    pub(in crate::commands) fn of(patterns: Option<&'a DevicePatterns>, file: &'a PlanFile) -> Self {
        let devices = file.devices.iter();
        let devices = devices.map(|device| (device.name.as_str(), device));
        Self {
            patterns,
            devices: devices.collect(),
        }
    }

    pub(in crate::commands) fn has(&self, name: &str) -> bool {
        let nameless = DeviceMarks {
            name,
            tags: &[],
            role: DeviceRole::default(),
        };
        let device = self.devices.get(name);
        let marks = device.map_or(nameless, |device| device.marks());
        self.patterns.is_none_or(|patterns| patterns.matches(&marks))
    }
}

/// Refuses patterns that mean no device that anybody knows: they would list nothing, in silence.
pub(in crate::commands) fn mean_some_device(
    patterns: Option<&DevicePatterns>,
    file: &PlanFile,
    known: &[String],
) -> Result<(), CommandError> {
    let meant = MeantDevices::of(patterns, file);
    let Some(patterns) = patterns.filter(|_| !known.iter().any(|name| meant.has(name))) else {
        return Ok(());
    };
    let tags: BTreeSet<String> = file
        .devices
        .iter()
        .flat_map(|device| device.tags.iter().map(|tag| format!("@{tag}")))
        .collect();
    let error = anyhow!("neither the plan file nor history has a device that matches '{patterns}'");
    let error = CommandError::new(Exit::Usage, error);
    if patterns.tags().next().is_some() && tags.is_empty() {
        return Err(error.with_hint("no device has tags: write `tags = […]` under a [[device]]"));
    }
    let mut names: Vec<&str> = match patterns.tags().next() {
        Some(_) => tags.iter().map(String::as_str).collect(),
        None => known.iter().map(String::as_str).collect(),
    };
    names.sort_unstable();
    names.dedup();
    Err(error.with_hint(did_you_mean(&patterns.to_string(), &names)))
}
