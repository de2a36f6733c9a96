//! Which rules a backup is under.

use crate::plan::model::PlanFile;
use crate::values::retention::Retention;

/// Rules, and whose they are: two plans may have equal ones and do not count together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The plan, or none for those of the settings, which plans share.
    pub plan: Option<String>,
    /// What they say.
    pub retention: Retention,
}

impl Rules {
    /// Rules that keep nothing.
    pub(super) fn none() -> Rules {
        Rules {
            plan: None,
            retention: Retention::default(),
        }
    }
}

/// Why a backup is under no rules: it is never let go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unruled {
    /// Nobody knows what its plan would keep.
    #[error("its plan {0} is not in the plan file")]
    PlanIsGone(String),
    /// No plan has it, and none can.
    #[error("it was taken before a restore, and no retention reaches such a one")]
    BeforeRestore,
    /// Neither its plan nor the settings say.
    #[error("no retention is set for its plan")]
    NothingSet,
}

/// The rules for the backups of a plan. One that says itself what it keeps counts for itself;
/// the others share what the settings say.
pub fn rules_of(file: &PlanFile, plan: &str) -> Result<Rules, Unruled> {
    let Some(found) = file.plan(plan) else {
        // No plan of a file can have such a name.
        if plan.starts_with("restore ") && plan.contains('/') {
            return Err(Unruled::BeforeRestore);
        }
        return Err(Unruled::PlanIsGone(plan.to_owned()));
    };
    let own = found.retention.map(|retention| Rules {
        plan: Some(plan.to_owned()),
        retention,
    });
    let shared = file.settings.retention.map(|retention| Rules {
        plan: None,
        retention,
    });
    own.or(shared).ok_or(Unruled::NothingSet)
}
