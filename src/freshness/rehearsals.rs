//! When a backup of each domain was last rehearsed for good, and what that means.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::freshness::{Freshness, JudgedTarget, TargetState, age};
use crate::history::RehearsedTarget;
use crate::run::event::FileKind;
use crate::values::duration::HumanDuration;
use crate::values::rehearsal::SpareProof;
use crate::values::restorable_domain::RestorableDomain;

impl Freshness {
    /// Notes when a backup of each domain was last rehearsed for good, and judges how long ago that
    /// is where `max_age` says how long it may be. Backups of all domains, and those of `default`, are never
    /// rehearsed: that is a warning where nothing else of the device can be. Secure backups are not judged.
    pub fn note_rehearsals(&mut self, known: &[RehearsedTarget], now: Timestamp, max_age: Option<Duration>) {
        let known = known
            .iter()
            .map(|one| ((one.device_name.as_str(), one.domain_name.as_str()), one));
        let known: HashMap<(&str, &str), &RehearsedTarget> = known.collect();
        let can_be = |target: &&JudgedTarget| {
            is_good_export(target) && RestorableDomain::named(&target.domain).is_ok()
        };
        let rehearsable = self.targets.iter().filter(can_be);
        let rehearsable: HashSet<String> = rehearsable.map(|target| target.device.clone()).collect();
        for target in &mut self.targets {
            let rehearsed = known.get(&(target.device.as_str(), target.domain.as_str()));
            let rehearsed = rehearsed.copied();
            target.rehearsed = rehearsed.and_then(|one| one.good_time);
            let is_judged = is_good_export(target) && target.state > TargetState::NotPlanned;
            let Some(max_age) = max_age.filter(|_| is_judged) else {
                continue;
            };
            match RestorableDomain::named(&target.domain) {
                Err(never) => {
                    // Where its domains are rehearsed one by one, nothing is missing.
                    if !rehearsable.contains(&target.device) {
                        target.state = target.state.max(TargetState::Warning);
                    }
                    target.add(format!("never rehearsed: {never}"));
                }
                Ok(_) => {
                    if let Some(against) = against(target, rehearsed, now, max_age) {
                        target.state = target.state.max(TargetState::Warning);
                        target.add(against);
                    }
                }
            }
        }
        self.sort();
    }
}

fn is_good_export(target: &JudgedTarget) -> bool {
    target.kind == Some(FileKind::Persisted) && target.good.is_some()
}

/// What its rehearsals have against a backup, if anything.
fn against(
    target: &JudgedTarget,
    rehearsed: Option<&RehearsedTarget>,
    now: Timestamp,
    max_age: Duration,
) -> Option<String> {
    let Some(one) = rehearsed else {
        return Some("never rehearsed".to_owned());
    };
    let result = &one.last.result;
    if !result.is_good() {
        let spare = match result.proof {
            SpareProof::Changed | SpareProof::NotKnown => {
                format!("; the spare {}: {}", one.last.spare_name, result.proof.words())
            }
            SpareProof::NotSent | SpareProof::Unchanged => String::new(),
        };
        return Some(format!(
            "its last rehearsal was not good ({}{spare})",
            result.verdict.words()
        ));
    }
    if target.good.is_some_and(|good| one.bad.contains(&good.task)) {
        return Some("the last rehearsal of its newest good backup was not good".to_owned());
    }
    let good = one.good_time?;
    if good > now {
        return Some(format!(
            "its last good rehearsal ended in the future, at {good}: how long ago that was is not known"
        ));
    }
    (age(good, now) > max_age).then(|| format!("not rehearsed for {}", HumanDuration(max_age)))
}
