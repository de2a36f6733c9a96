//! A rehearsal: what a spare device says to a backup, and the proof that it was left as it was.
//!
//! An answer does not tell a dry run from a real import, and there may be firmware that imports
//! although it was asked for a dry run. So the spare is looked at before and after, by what it
//! reports of its domains and by an export.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use crate::artifact::archive::{self, Expected};
use crate::artifact::compare::{self, ArchiveProof, Side};
use crate::gateway::Gateway;
use crate::gateway::import_results::DryRunAnswer;
use crate::run::failure::words;
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::soma::request::ExportedConfiguration;
use crate::values::causes::with_causes;
use crate::values::rehearsal::{RehearsalResult, RehearsalVerdict, SpareProof};
use crate::values::restorable_domain::RestorableDomain;
use crate::values::restore_plan::LocalAddresses;

/// How a rehearsal ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    /// What came of it.
    pub result: RehearsalResult,
    /// Why nothing more is to be asked of the spare, if so: our login is refused, or a signal came.
    pub over: Option<RehearsalsOver>,
}

/// Why nothing more is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehearsalsOver {
    /// Trying again would lock the account.
    LoginRefused,
    /// Somebody asked to stop.
    Interrupted,
}

/// What a device was seen to be.
struct Evidence {
    /// `SaveNeeded` of each domain.
    domains: BTreeMap<String, Option<bool>>,
    /// The running configuration of the domain, where the device has it.
    export: Option<File>,
}

/// Rehearses one backup: a verified archive of a `do-backup` that holds this domain. `told` is
/// called with what is waited for.
pub fn on_spare(
    gateway: &Gateway<'_>,
    archive: &File,
    domain: &RestorableDomain,
    scratch: &Path,
    told: &mut dyn FnMut(&str),
) -> Rehearsed {
    told("looks at the spare before");
    let before = match Evidence::take(gateway, domain, scratch) {
        Ok(before) => before,
        Err(error) => {
            let why = format!("the spare could not be looked at before: {}", words(&error));
            return Rehearsed {
                result: RehearsalResult::not_known(SpareProof::NotSent, why),
                over: over(&error),
            };
        }
    };
    told("sends the dry run");
    // A spare is never the gateway that was backed up.
    let answer = gateway.dry_run(archive, domain, LocalAddresses::Rewrite);
    let mut ended = match answer {
        Ok(answer) => Rehearsed {
            result: answered(answer),
            over: None,
        },
        Err(error) => Rehearsed {
            result: RehearsalResult::not_known(SpareProof::NotKnown, words(&error)),
            over: over(&error),
        },
    };
    if let Some(RehearsalsOver::Interrupted) = ended.over {
        return ended;
    }
    told("looks at the spare after");
    let (proof, why) = match Evidence::take(gateway, domain, scratch) {
        Ok(after) => before.compared(&after, domain, scratch),
        Err(error) => {
            ended.over = ended.over.or(over(&error));
            let why = format!("the spare could not be looked at after: {}", words(&error));
            (SpareProof::NotKnown, Some(why))
        }
    };
    ended.result.proof = proof;
    if let Some(why) = why {
        let message = ended.result.message.take();
        ended.result.message = Some(message.map_or(why.clone(), |message| format!("{message}; {why}")));
    }
    ended
}

fn over(error: &SomaError) -> Option<RehearsalsOver> {
    match error.kind {
        SomaErrorKind::Interrupted => Some(RehearsalsOver::Interrupted),
        SomaErrorKind::LoginRefused | SomaErrorKind::Authentication => Some(RehearsalsOver::LoginRefused),
        SomaErrorKind::Unreachable
        | SomaErrorKind::Tls
        | SomaErrorKind::NotManagement
        | SomaErrorKind::Unavailable
        | SomaErrorKind::NotAllowed
        | SomaErrorKind::Refused
        | SomaErrorKind::Fault
        | SomaErrorKind::OtherFault
        | SomaErrorKind::TimedOut
        | SomaErrorKind::Broken
        | SomaErrorKind::Malformed
        | SomaErrorKind::Local(_) => None,
    }
}

fn answered(answer: DryRunAnswer) -> RehearsalResult {
    let (verdict, refused, missing_keys, message) = match answer {
        DryRunAnswer::WouldWork { missing_keys } => {
            (RehearsalVerdict::WouldWork, Vec::new(), missing_keys, None)
        }
        DryRunAnswer::WouldFail {
            refused,
            missing_keys,
        } => (RehearsalVerdict::WouldFail, refused, missing_keys, None),
        DryRunAnswer::NotKnown(why) => (RehearsalVerdict::NotKnown, Vec::new(), Vec::new(), Some(why)),
    };
    RehearsalResult {
        verdict,
        proof: SpareProof::NotKnown,
        refused,
        missing_keys,
        message,
    }
}

impl Evidence {
    fn take(gateway: &Gateway<'_>, domain: &RestorableDomain, scratch: &Path) -> Result<Evidence, SomaError> {
        let rows = gateway.domains()?;
        let domains: BTreeMap<String, Option<bool>> =
            rows.into_iter().map(|row| (row.name, row.save_needed)).collect();
        let export = match domains.contains_key(domain.name()) {
            false => None,
            true => {
                let local = |error: std::io::Error| SomaError::new(SomaErrorKind::Local(error.kind()), error);
                let mut file = archive::nameless(scratch).map_err(local)?;
                gateway.export(
                    &[domain.name()],
                    ExportedConfiguration::Running,
                    &mut file,
                    &mut |_| {},
                )?;
                Some(file)
            }
        };
        Ok(Evidence { domains, export })
    }

    /// What differs between two looks, and what cannot be told.
    fn compared(
        &self,
        after: &Evidence,
        domain: &RestorableDomain,
        scratch: &Path,
    ) -> (SpareProof, Option<String>) {
        let mut changes = Vec::new();
        let mut not_known = None;
        for (name, saved) in &self.domains {
            match (saved, after.domains.get(name)) {
                (_, None) => changes.push(format!("domain {name} is gone")),
                (Some(saved), Some(Some(now))) if now != saved => {
                    let has = if *now { "has" } else { "has no more" };
                    changes.push(format!("domain {name} {has} unsaved changes"));
                }
                (Some(_), Some(Some(_))) => {}
                (None, Some(_)) | (_, Some(None)) => {
                    not_known = Some(format!(
                        "the spare does not say whether domain {name} has unsaved changes"
                    ));
                }
            }
        }
        for name in after
            .domains
            .keys()
            .filter(|name| !self.domains.contains_key(*name))
        {
            changes.push(format!("domain {name} was made"));
        }
        if let (Some(old), Some(new)) = (&self.export, &after.export) {
            let expected = Expected::domain(domain.name());
            // Which properties differ is a matter of `diff`: that an object does is enough here.
            let detailed = 0;
            let side = |file| Side {
                file,
                proof: ArchiveProof::Missing(&expected),
                only: Some(domain.name()),
            };
            match compare::compare(side(old), side(new), detailed, scratch) {
                Ok(difference) => changes.extend(difference.named()),
                Err(error) => {
                    not_known = Some(format!(
                        "what the spare exported before and after cannot be compared: {}",
                        with_causes(&error)
                    ));
                }
            }
        }
        match (changes.is_empty(), not_known) {
            (false, _) => {
                let why = format!(
                    "the spare is not as it was before, by this or by somebody else: {}",
                    changes.join(", ")
                );
                (SpareProof::Changed, Some(why))
            }
            (true, Some(why)) => (SpareProof::NotKnown, Some(why)),
            (true, None) => (SpareProof::Unchanged, None),
        }
    }
}
