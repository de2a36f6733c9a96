//! What plans want of a device.

use std::collections::BTreeSet;

use crate::plan::model::{Action, Activity, Device, Domains, Plan};
use crate::run::at_work::AtWorkLook;
use crate::soma::certificate::Certificate;
use crate::values::pattern::PatternList;

/// What the plans want of a device.
#[derive(Default)]
pub(super) struct Needs<'a> {
    pub(super) certificates: BTreeSet<&'a str>,
    pub(super) exports: Vec<&'a PatternList>,
    pub(super) everything: bool,
    pub(super) quiesces: Vec<&'a Activity>,
    /// A certificate to compare with those of secure backups.
    pub(super) in_hand: Option<&'a Certificate>,
    /// The runs that are at work meanwhile, for who quiesced what.
    pub(super) at_work: Option<&'a AtWorkLook<'a>>,
}

impl<'a> Needs<'a> {
    /// `None` where none of the plans concerns the device.
    pub(super) fn of(device: &Device, plans: &[&'a Plan]) -> Option<Self> {
        let mut needs = Self {
            certificates: BTreeSet::new(),
            exports: Vec::new(),
            everything: false,
            quiesces: Vec::new(),
            in_hand: None,
            at_work: None,
        };
        let activities = plans.iter().flat_map(|plan| &plan.activities);
        let mut concerned = false;
        for activity in activities.filter(|activity| activity.concerns(device)) {
            concerned = true;
            match &activity.action {
                Action::SecureBackup { certificate } => {
                    needs.certificates.insert(certificate);
                }
                Action::ExportDomain {
                    domains: Domains::All,
                } => needs.everything = true,
                Action::ExportDomain {
                    domains: Domains::Matching(pattern),
                } => {
                    if !needs.exports.contains(&pattern) {
                        needs.exports.push(pattern);
                    }
                }
            }
            if activity.quiesce {
                needs.quiesces.push(activity);
            }
        }
        concerned.then_some(needs)
    }

    pub(super) fn secure_backup(&self) -> bool {
        !self.certificates.is_empty()
    }

    /// What is asked once somebody has logged in.
    pub(super) fn items(&self) -> Vec<&'static str> {
        let mut items = vec!["firmware", "clock"];
        if self.secure_backup() {
            items.extend(["backup mode", "certificate", "space"]);
        }
        if self.everything || !self.exports.is_empty() {
            items.push("domains");
        }
        if !self.quiesces.is_empty() {
            items.push("quiesced");
        }
        items
    }
}
