//! What a device reports of its domains, and what differs between two looks at it.

use std::collections::BTreeMap;

use crate::gateway::Gateway;
use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus, QuiesceState};
use crate::soma::error::SomaError;
use crate::values::restorable_domain::RestorableDomain;

/// The domains of a device as it reported them at one time.
#[derive(Clone, Debug)]
pub struct DomainsSeen(BTreeMap<String, DomainStatus>);

/// What differs between two looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainsMoved {
    /// What changed, a few words each.
    pub changes: Vec<String>,
    /// What one of the two looks does not tell, in a sentence.
    pub not_told: Option<String>,
}

impl DomainsSeen {
    /// Asks for them.
    pub fn ask(gateway: &Gateway<'_>) -> Result<Self, SomaError> {
        Ok(Self::of(gateway.domains()?))
    }

    /// These.
    pub fn of(rows: Vec<DomainStatus>) -> Self {
        Self(rows.into_iter().map(|row| (row.name.clone(), row)).collect())
    }

    /// What was reported of one.
    pub fn of_domain(&self, domain: &str) -> Option<&DomainStatus> {
        self.0.get(domain)
    }

    /// Whether the device has this domain: the list may leave out what is there.
    pub(in crate::run) fn or_configuration_has(
        &self,
        gateway: &Gateway<'_>,
        domain: &RestorableDomain,
    ) -> Result<bool, SomaError> {
        if self.of_domain(domain.name()).is_some() {
            return Ok(true);
        }
        let asked = [domain.name().to_owned()];
        let found = gateway.retried(|| gateway.configured(&asked));
        let found = found.map_err(|error| SomaError {
            message: format!(
                "it does not list the domain {domain}, and whether it has it is not known: {}",
                error.message
            ),
            ..error
        })?;
        Ok(!found.is_empty())
    }

    /// What a later look shows this domain to be at work on, or `default`, where that was not before: it may be what
    /// was asked for between the two.
    pub fn busy_since(&self, after: &Self, domain: &str) -> Option<String> {
        let command = |row: &DomainStatus| row.current_command.clone().filter(|command| !command.is_empty());
        let own = after.of_domain(domain).and_then(command).map(|now| (domain, now));
        let default = || {
            let before = self.of_domain(DEFAULT_DOMAIN).and_then(command);
            let now = after.of_domain(DEFAULT_DOMAIN).and_then(command);
            now.filter(|now| before.as_ref() != Some(now))
                .map(|now| (DEFAULT_DOMAIN, now))
        };
        let (name, now) = own.or_else(default)?;
        Some(format!("domain {name} is busy with '{now}'"))
    }

    /// That this domain, or `default`, runs in a mode of last resort, in a few words.
    pub fn failsafe(&self, domain: &str) -> Option<String> {
        let named = [domain, DEFAULT_DOMAIN].into_iter();
        let mut rows = named.filter_map(|name| self.of_domain(name));
        rows.find_map(|row| {
            let mode = row.failsafe.as_ref()?;
            Some(format!("domain {} runs in failsafe mode '{mode}'", row.name))
        })
    }

    /// What became of them until a later look: domains that came or went, unsaved changes, and whether
    /// they are quiesced.
    pub fn until(&self, after: &Self) -> DomainsMoved {
        let mut moved = DomainsMoved::default();
        for (name, old) in &self.0 {
            match after.0.get(name) {
                None => moved.changes.push(format!("domain {name} is gone")),
                Some(new) => moved.compare(name, old, new),
            }
        }
        let made = after.0.keys().filter(|name| !self.0.contains_key(*name));
        moved
            .changes
            .extend(made.map(|name| format!("domain {name} was made")));
        moved
    }
}

impl DomainsMoved {
    fn compare(&mut self, name: &str, old: &DomainStatus, new: &DomainStatus) {
        match (old.save_needed, new.save_needed) {
            (Some(old), Some(new)) if old != new => {
                let has = if new { "has" } else { "has no more" };
                self.changes.push(format!("domain {name} {has} unsaved changes"));
            }
            (Some(_), Some(_)) => {}
            (None, _) | (_, None) => {
                self.not_told = Some(format!(
                    "the device does not say whether domain {name} has unsaved changes"
                ));
            }
        }
        match (&old.quiesce, &new.quiesce) {
            (old, new) if old == new => {}
            (QuiesceState::NotTold(_), QuiesceState::Normal) => {}
            (_, QuiesceState::NotTold(why)) => {
                self.not_told = Some(format!("whether domain {name} is quiesced is not known: {why}"));
            }
            (_, new) => self.changes.push(format!("domain {name} is {new} now")),
        }
        match &new.failsafe {
            mode if *mode == old.failsafe => {}
            Some(mode) => self
                .changes
                .push(format!("domain {name} runs in failsafe mode '{mode}' now")),
            None => self
                .changes
                .push(format!("domain {name} does not run in failsafe mode any more")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, save_needed: Option<bool>, quiesce: &str) -> DomainStatus {
        DomainStatus {
            name: name.to_owned(),
            save_needed,
            quiesce: match quiesce {
                "?" => QuiesceState::NotTold("it has no such field"),
                word => QuiesceState::parse(word),
            },
            current_command: None,
            failsafe: None,
        }
    }

    fn failsafe(name: &str) -> DomainStatus {
        DomainStatus {
            failsafe: Some("management".to_owned()),
            ..row(name, Some(false), "")
        }
    }

    #[test]
    fn a_domain_runs_in_failsafe_mode_where_it_does_or_the_whole_device() {
        let seen = |rows| DomainsSeen::of(rows).failsafe("A");
        assert_eq!(seen(vec![row("A", None, ""), failsafe("B")]), None);
        let told = "domain A runs in failsafe mode 'management'";
        assert_eq!(
            seen(vec![failsafe("A"), failsafe("default")]).as_deref(),
            Some(told)
        );
        let told = "domain default runs in failsafe mode 'management'";
        assert_eq!(
            seen(vec![row("A", None, ""), failsafe("default")]).as_deref(),
            Some(told)
        );
    }

    #[test]
    fn two_looks_differ_by_domains_unsaved_changes_and_quiesces() {
        let saved = || row("A", Some(false), "");
        for (old, new, changes, not_told) in [
            (vec![saved()], vec![saved()], vec![], None),
            (vec![saved()], vec![], vec!["domain A is gone"], None),
            (vec![], vec![saved()], vec!["domain A was made"], None),
            (
                vec![saved()],
                vec![row("A", Some(true), "")],
                vec!["domain A has unsaved changes"],
                None,
            ),
            (
                vec![row("A", Some(true), "")],
                vec![saved()],
                vec!["domain A has no more unsaved changes"],
                None,
            ),
            (
                vec![saved()],
                vec![row("A", Some(false), "quiesced")],
                vec!["domain A is quiesced now"],
                None,
            ),
            (
                vec![row("A", Some(false), "quiesced")],
                vec![saved()],
                vec!["domain A is not quiesced now"],
                None,
            ),
            (
                vec![saved()],
                vec![row("A", None, "")],
                vec![],
                Some("the device does not say whether domain A has unsaved changes"),
            ),
            (
                vec![saved()],
                vec![row("A", Some(false), "?")],
                vec![],
                Some("whether domain A is quiesced is not known: it has no such field"),
            ),
            (
                vec![saved()],
                vec![failsafe("A")],
                vec!["domain A runs in failsafe mode 'management' now"],
                None,
            ),
            (
                vec![failsafe("A")],
                vec![saved()],
                vec!["domain A does not run in failsafe mode any more"],
                None,
            ),
            (
                vec![row("A", Some(false), "?")],
                vec![row("A", Some(false), "?")],
                vec![],
                None,
            ),
        ] {
            let moved = DomainsSeen::of(old).until(&DomainsSeen::of(new));
            assert_eq!(moved.changes, changes);
            assert_eq!(moved.not_told.as_deref(), not_told);
        }
    }

    #[test]
    fn a_domain_that_is_at_work_may_be_at_what_was_asked_for() {
        let busy = |name: &str, command: &str| DomainStatus {
            current_command: Some(command.to_owned()),
            ..row(name, Some(false), "")
        };
        let seen = |default, own| {
            DomainsSeen::of(vec![busy("default", default), busy("A", own), busy("B", "other")])
        };
        for (before, after, told) in [
            (seen("", ""), seen("", ""), None),
            (
                seen("", ""),
                seen("", "import-execute"),
                Some("domain A is busy with 'import-execute'"),
            ),
            (
                seen("", "backup"),
                seen("", "backup"),
                Some("domain A is busy with 'backup'"),
            ),
            (
                seen("", ""),
                seen("restore", ""),
                Some("domain default is busy with 'restore'"),
            ),
            (seen("secure-backup", ""), seen("secure-backup", ""), None),
        ] {
            assert_eq!(before.busy_since(&after, "A").as_deref(), told);
        }
    }
}
