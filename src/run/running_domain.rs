//! What runs in a domain: asked for, and proved to be whole.

use std::fs::File;
use std::path::Path;

use crate::artifact::archive::{self, Expected, Limits};
use crate::gateway::Gateway;
use crate::run::not_seen::NotSeen;
use crate::soma::error::SomaErrorKind;
use crate::soma::request::ExportedConfiguration;
use crate::values::causes::{said, with_causes};
use crate::values::restorable_domain::RestorableDomain;

/// What runs in a domain.
pub(in crate::run) struct RunningDomain {
    pub(in crate::run) file: File,
    /// Hash over it, blind to volatile details.
    pub(in crate::run) content: String,
}

impl RunningDomain {
    /// Asks for it.
    pub(in crate::run) fn take(
        gateway: &Gateway<'_>,
        domain: &RestorableDomain,
        scratch: &Path,
    ) -> Result<Self, NotSeen> {
        Self::exported(gateway, domain, scratch, ExportedConfiguration::Running)
    }

    /// What is saved of it instead: what would run after a restart.
    pub(in crate::run) fn saved(
        gateway: &Gateway<'_>,
        domain: &RestorableDomain,
        scratch: &Path,
    ) -> Result<Self, NotSeen> {
        Self::exported(gateway, domain, scratch, ExportedConfiguration::Persisted)
    }

    fn exported(
        gateway: &Gateway<'_>,
        domain: &RestorableDomain,
        scratch: &Path,
        which: ExportedConfiguration,
    ) -> Result<Self, NotSeen> {
        let here = |why: String| format!("{why} (in {} of this machine)", scratch.display());
        let mut file = archive::nameless(scratch).map_err(|error| NotSeen::NotKnown(here(said(&error))))?;
        gateway
            .export(&[domain.name()], which, None, &mut file, &mut |_| {})
            .map_err(|error| {
                NotSeen::by(&error, |why| match error.kind {
                    SomaErrorKind::Local(_) => here(why),
                    _ => why,
                })
            })?;
        let expected = Expected::domain(domain.name());
        let report = archive::verify(&file, scratch, &expected, &Limits::default()).map_err(|error| {
            NotSeen::NotNow(format!(
                "what is in {domain} was not exported whole: {}",
                with_causes(&error)
            ))
        })?;
        Ok(Self {
            file,
            content: report.content,
        })
    }
}
