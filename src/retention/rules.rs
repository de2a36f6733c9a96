//! Which rules a backup is under.

use crate::plan::model::PlanFile;
use crate::values::restore_name::is_restore_name;
use crate::values::retention::Retention;

/// Rules, and whose they are: two plans may have equal ones and do not count together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The plan or the restore, or none for those of the settings, which plans share.
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
    /// Whatever an import did, this was there before it.
    #[error(
        "it was taken before an import, and is what undoes that: it goes where somebody removes it by hand"
    )]
    BeforeImport,
    /// It is of a restore, and nothing says what becomes of those.
    #[error("it was taken by a restore, and no retention is set under [settings]")]
    NothingSetForRestores,
    /// Neither its plan nor the settings say.
    #[error("no retention is set for its plan")]
    NothingSet,
}

/// The rules for a backup of a plan. One that says itself what it keeps counts for itself; the others share what
/// the settings say. So do those of restores, for themselves, so that one that is only shown takes no place of a
/// planned backup: all but what was there before an import.
pub fn rules_of(file: &PlanFile, plan: &str, is_before_import: bool) -> Result<Rules, Unruled> {
    let Some(found) = file.plan(plan) else {
        return match (is_restore_name(plan), is_before_import, file.settings.retention) {
            (false, _, _) => Err(Unruled::PlanIsGone(plan.to_owned())),
            (true, true, _) => Err(Unruled::BeforeImport),
            (true, false, None) => Err(Unruled::NothingSetForRestores),
            (true, false, Some(retention)) => Ok(Rules {
                plan: Some(plan.to_owned()),
                retention,
            }),
        };
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Unruled, rules_of};
    use crate::plan::model::PlanFile;
    use crate::plan::{Readers, check_text};
    use crate::values::restore_name::restore_name;

    /// A plan file with the plans `own`, which says what it keeps, and `silent`, which does not.
    fn plans(settings: &str) -> PlanFile {
        let text = format!(
            "[settings]\nstore = \"/store\"\nhistory = \"/h.db\"\n{settings}\n\
             [[device]]\nname = \"QA1\"\nhost = \"qa1\"\nusername = \"u\"\npassword = {{ env = \"P\" }}\n\
             [[plan]]\nname = \"own\"\nretention = {{ keep_last = 3 }}\n\
             [[plan.activity]]\naction = \"secure-backup\"\ndevices = \"QA1\"\ncertificate = \"c\"\n\
             [[plan]]\nname = \"silent\"\n\
             [[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"DOM1\"\n"
        );
        let checked = check_text(&text, Path::new("/plans.toml"), Readers::OwnerOnly, &|_| None);
        checked.expect("valid").plan_file
    }

    #[test]
    fn a_backup_is_under_the_rules_of_its_plan_else_of_the_settings_and_one_before_an_import_under_none() {
        let restore = restore_name("QA1", "DOM1");
        let (with, without) = (plans("retention = { keep_last = 7 }"), plans(""));
        let of = |file: &PlanFile, plan: &str, is_before_import| {
            rules_of(file, plan, is_before_import).map(|rules| (rules.plan, rules.retention.keep_last))
        };
        let own = |count| Ok((Some("own".to_owned()), Some(count)));
        assert_eq!(of(&with, "own", false), own(3));
        assert_eq!(of(&without, "own", false), own(3));
        assert_eq!(of(&with, "silent", false), Ok((None, Some(7))));
        assert_eq!(of(&without, "silent", false), Err(Unruled::NothingSet));
        assert_eq!(
            of(&with, "former", false),
            Err(Unruled::PlanIsGone("former".to_owned()))
        );
        // Those of restores count for themselves.
        assert_eq!(of(&with, &restore, false), Ok((Some(restore.clone()), Some(7))));
        assert_eq!(of(&without, &restore, false), Err(Unruled::NothingSetForRestores));
        for file in [with, without] {
            assert_eq!(of(&file, &restore, true), Err(Unruled::BeforeImport));
        }
    }
}
