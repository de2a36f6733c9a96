//! `dpbackup diff @TAG/DOMAIN`: one domain of a group of devices, the others against the first.

use std::collections::BTreeSet;

use anyhow::anyhow;

use crate::cli::{DiffArgs, OutputFormat};
use crate::commands::diff::shown::{compared, show};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::named::absent::{all_devices, did_you_mean};
use crate::commands::named::exports::{ExportDesk, OpenExport, trouble};
use crate::commands::named::named_export::NamedExport;
use crate::exit::Exit;
use crate::plan::model::PlanFile;
use crate::report::diff::{self as report, GroupDifference, GroupMember, PassedOver};
use crate::run::event::FileKind;
use crate::ui::{Ui, Verbosity};
use crate::values::causes::with_causes;
use crate::values::device_pattern::DevicePatterns;

/// Compares the newest good exports of a group with that of its first device. One that cannot be
/// had is named, and does not keep the others from being compared.
pub(super) fn diff(desk: &ExportDesk<'_>, devices: &str, domain: &str, args: &DiffArgs, ui: Ui) -> Outcome {
    let Some(plan) = desk.plan else {
        return Err(trouble(anyhow!("a group is one of the devices of a plan file")));
    };
    if domain.contains(['*', ',', '!']) {
        let error = anyhow!("'{domain}' is a pattern, and one domain is meant: a group is one of devices");
        let one = plan.invocation.command(["diff", &format!("{devices}/DOMAIN")]);
        return Err(trouble(error).with_hint(format!("name one domain: `{one}`")));
    }
    let group = format!("{devices}/{domain}");
    let names = members(plan, devices)?;
    let mut found = GroupDifference {
        group,
        members: Vec::new(),
        passed_over: Vec::new(),
    };
    let mut first: Option<(&str, OpenExport)> = None;
    for device in names {
        let target = NamedExport::Target { device, domain };
        let opened = match args.running {
            true => desk.open_running(target),
            false => desk.open(target, FileKind::Persisted),
        };
        let against = opened.and_then(|new| match &first {
            None => Ok((new, None)),
            Some((_, old)) => compared(old, &new, desk.scratch).map(|difference| (new, Some(difference))),
        });
        match against {
            Ok((new, None)) => first = Some((device, new)),
            Ok((new, Some(difference))) => {
                if let (Some((_, old)), OutputFormat::Table) = (&first, args.format) {
                    show(Some(plan), old, &new, &difference, ui)?;
                }
                let old = first.as_ref().map(|(_, old)| old.label()).unwrap_or_default();
                found.members.push(GroupMember {
                    device: device.to_owned(),
                    old,
                    new: new.label(),
                    difference,
                });
            }
            Err(error) if error.exit == Exit::Usage => {
                let reason = with_causes(error.error.as_ref());
                ui.decisive_warning(&format!("{device}: passed over: {reason}"));
                found.passed_over.push(PassedOver {
                    device: device.to_owned(),
                    reason,
                });
            }
            Err(error) => return Err(error),
        }
    }
    let first = first.map(|(device, _)| device.to_owned());
    let (Some(first), false) = (first, found.members.is_empty()) else {
        let error = anyhow!("of {} there are no two good exports to be compared", found.group);
        let status = plan.invocation.command(["history", "status"]);
        return Err(trouble(error).with_hint(format!("`{status}` says when each was backed up last")));
    };
    match args.format {
        OutputFormat::Json => print(ui, &report::group_document(&found))?,
        OutputFormat::Table if ui.verbosity == Verbosity::Quiet => {}
        OutputFormat::Table => print(ui, &report::group_summary(&first, &found, ui.width))?,
    }
    Ok(match (found.passed_over.is_empty(), found.is_same()) {
        (false, _) => Exit::Usage,
        (true, false) => Exit::Failed,
        (true, true) => Exit::Success,
    })
}

/// The devices of the group, in the order of the plan file; at least two.
fn members<'p>(plan: &'p PlanFile, devices: &str) -> Result<Vec<&'p str>, CommandError> {
    let patterns = DevicePatterns::from_items([devices])
        .map_err(|error| trouble(anyhow::Error::new(error).context(format!("'{devices}' names no group"))))?;
    let meant: Vec<&str> = plan
        .devices
        .iter()
        .filter(|device| patterns.matches(&device.marks()))
        .map(|device| device.name.as_str())
        .collect();
    match meant.as_slice() {
        [] => {
            let tags: BTreeSet<String> = plan
                .devices
                .iter()
                .flat_map(|device| device.tags.iter().map(|tag| format!("@{tag}")))
                .collect();
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            let hint = match devices.starts_with('@') {
                true => did_you_mean(devices, &tags),
                false => all_devices(plan),
            };
            Err(trouble(anyhow!("no device of the plan file is in the group '{devices}'")).with_hint(hint))
        }
        [alone] => {
            let error =
                anyhow!("the group '{devices}' is {alone} alone: there is nothing to be compared with");
            Err(trouble(error).with_hint(all_devices(plan)))
        }
        _ => Ok(meant),
    }
}
