//! What a task saw of the domains of its device, and for how long the task behind it may believe that.

use std::time::Duration;

use crate::gateway::domains::DomainStatus;
use crate::plan::model::{Action, Activity};
use crate::run::task::before;

/// So old a look at the domains of a device may be when a task begins with it.
const OLDEST: Duration = Duration::from_secs(1);

/// What a device said of its domains, and when it was asked. It is handed from one task to the next and to nobody
/// else: whatever comes between two of them is seen there, and drops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainsLook {
    /// The device, by the name that it has in the plan file.
    pub device: String,
    /// When it was asked, on the clock.
    pub asked: Duration,
    /// Its answer.
    pub domains: Vec<DomainStatus>,
}

impl DomainsLook {
    /// The same, if it is one at this device and new enough now.
    pub(super) fn believed_of(self, device: &str, now: Duration) -> Option<Self> {
        // A clock that went back says nothing of its age.
        let age = now.checked_sub(self.asked)?;
        (self.device == device && age <= OLDEST).then_some(self)
    }
}

/// Whether a task of this activity may begin with the look of the one before: only one that changes nothing. Whoever
/// quiesces, or has a secure backup made, asks the device itself.
pub(super) fn may_begin_with_another(activity: &Activity, domain: &str) -> bool {
    let exports = matches!(activity.action, Action::ExportDomain { .. });
    exports && before::scope_of(activity, domain).is_none()
}

/// Whether the look of such a task still holds when it has succeeded: only where it did nothing but ask and export. A
/// script may have changed anything.
pub(super) fn holds_behind(activity: &Activity, domain: &str) -> bool {
    let scripts = [&activity.pre_script, &activity.post_script];
    may_begin_with_another(activity, domain) && scripts.iter().all(|script| script.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(asked: Duration) -> DomainsLook {
        DomainsLook {
            device: "QA1".to_owned(),
            asked,
            domains: Vec::new(),
        }
    }

    #[test]
    fn a_look_is_believed_for_a_second_and_of_its_own_device() {
        let asked = Duration::from_secs(10);
        let believed = |device, now| look(asked).believed_of(device, now).is_some();
        assert!(believed("QA1", asked));
        assert!(believed("QA1", asked + OLDEST));
        assert!(!believed("QA1", asked + OLDEST + Duration::from_nanos(1)));
        assert!(!believed("QA2", asked));
        assert!(!believed("QA1", Duration::from_secs(9)));
    }
}
