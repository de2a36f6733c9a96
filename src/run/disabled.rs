//! Which domains a plan would quiesce and cannot, for they are disabled.

use std::collections::BTreeSet;

use crate::gateway::quiesce::Scope;
use crate::plan::model::Device;
use crate::run::contact::Devices;
use crate::run::expand::{ExpandedActivity, Verdict};
use crate::run::session::Contact;
use crate::run::task::before::scope_of;
use crate::values::first_few::first_few;

/// So many names are listed, the rest counted.
const LISTED: usize = 8;

/// The domains that would be quiesced and are disabled, of each device.
pub fn disabled<'a>(expanded: &[ExpandedActivity<'a>], devices: &mut Devices<'a>) -> Vec<String> {
    let mut scopes: Vec<(&Device, Vec<Scope>)> = Vec::new();
    for ExpandedActivity { activity, tasks, .. } in expanded {
        for task in tasks {
            let (Verdict::Ready(device), Some(scope)) = (&task.verdict, scope_of(activity, &task.domain))
            else {
                continue;
            };
            match scopes.iter_mut().find(|(known, _)| known.name == device.name) {
                Some((_, of_device)) => of_device.push(scope),
                None => scopes.push((device, vec![scope])),
            }
        }
    }
    let mut notes = Vec::new();
    for (device, scopes) in scopes {
        let Contact::Up(session) = devices.contact(device) else {
            continue;
        };
        let quiesced: BTreeSet<String> = scopes
            .iter()
            .flat_map(|scope| scope.domains(&session.domains))
            .collect();
        let quiesced: Vec<&str> = quiesced.iter().map(String::as_str).collect();
        let disabled = session.gateway.disabled(&quiesced);
        if !disabled.is_empty() {
            notes.push(format!(
                "{}: disabled, so that a run backs it up and cannot quiesce it: {}",
                device.name,
                first_few(&disabled, LISTED)
            ));
        }
    }
    notes
}
