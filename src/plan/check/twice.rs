//! What a plan would back up twice each time, by two of its activities.

use std::ops::Range;

use crate::plan::check::doubts::listed;
use crate::plan::check::known::KnownDevice;
use crate::plan::diagnostic::Findings;
use crate::plan::model::{Action, Activity, Domains};

/// Doubts each activity that backs up nothing but what one before it does, of some device at least.
pub(super) fn doubt_same(
    activities: &[(Range<usize>, &Activity)],
    devices: &[KnownDevice],
    out: &mut Findings<'_>,
) {
    for (at, (span, activity)) in activities.iter().enumerate() {
        let of_both = |other: &Activity| -> Vec<&str> {
            let is_of_both = |device: &&KnownDevice| {
                activity.devices.matches(&device.marks()) && other.devices.matches(&device.marks())
            };
            let of_both = devices.iter().filter(is_of_both);
            of_both.map(|device| device.name.value.as_str()).collect()
        };
        let twice = activities[..at].iter().find_map(|(_, other)| {
            let is_same =
                is_within(&activity.action, &other.action) || is_within(&other.action, &activity.action);
            Some(of_both(other)).filter(|devices| is_same && !devices.is_empty())
        });
        if let Some(devices) = twice {
            out.doubt(
                span.clone(),
                "what this activity backs up, one above it in the plan backs up, too",
                &format!("each time twice, of {}", listed(&devices)),
                "leave one of the two out, or let them be about other `devices` or `domains`",
            );
        }
    }
}

/// Whether all that an action backs up of a device is backed up by another one.
fn is_within(action: &Action, other: &Action) -> bool {
    match (action, other) {
        (Action::SecureBackup { certificate }, Action::SecureBackup { certificate: other }) => {
            certificate == other
        }
        (Action::ExportDomain { domains }, Action::ExportDomain { domains: other }) => match (domains, other)
        {
            (Domains::All, Domains::All) => true,
            // To another pattern the `*` of one is a letter: what matches that, matches all of it.
            (Domains::Matching(domains), Domains::Matching(other)) => {
                domains.to_string() == other.to_string()
                    || domains.included().all(|pattern| other.matches(&pattern))
            }
            _ => false,
        },
        _ => false,
    }
}
