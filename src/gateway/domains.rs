//! The domains of a device and how they stand.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use roxmltree::Node;

use crate::gateway::Gateway;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::{reply, request};
use crate::values::timeouts::RequestLimit;
use crate::values::xml_limits::NotPlausible;

/// The domain that every device has, and that cannot be quiesced.
pub const DEFAULT_DOMAIN: &str = "default";

/// No name of a domain is longer, in bytes: gateways take 128 characters.
const LONGEST_NAME: usize = 1_000;

/// What a device that makes a secure backup is busy with.
const SECURE_BACKUP: &str = "secure-backup";

/// In the words for a domain that is on its way back to work.
const UNQUIESCING: &str = "unquiesc";

/// A row of `DomainStatus` (soma-wire section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainStatus {
    /// Its name.
    pub name: String,
    /// Whether the running configuration differs from the saved one, where the device says so.
    pub save_needed: Option<bool>,
    /// Whether it is quiesced.
    pub quiesce: QuiesceState,
    /// What it is busy with; empty when idle. Nothing where the device has no such field.
    pub current_command: Option<String>,
    /// The word for the mode of last resort that it runs in; nothing where it runs in none, or the device does not
    /// say.
    pub failsafe: Option<String>,
}

/// What a domain is busy with while its configuration changes (soma-wire section 6).
const CHANGES: [&str; 6] = [
    "no domain",
    "restart domain",
    "reset domain",
    "import",
    "configuring",
    "secure-restore",
];

impl DomainStatus {
    /// What the device shows it busy with, where that changes its configuration.
    pub fn changes_by(&self) -> Option<&str> {
        let command = self.current_command.as_deref()?;
        CHANGES
            .iter()
            .any(|change| command.contains(change))
            .then_some(command)
    }

    /// Whether it is the one that a device shows busy with a secure backup, and it is.
    pub fn makes_secure_backup(&self) -> bool {
        let command = self.current_command.as_deref();
        self.name == DEFAULT_DOMAIN && command.is_some_and(|command| command.contains(SECURE_BACKUP))
    }
}

/// Whether a domain is quiesced, whichever words its firmware uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuiesceState {
    /// It works.
    Normal,
    /// It is quiesced.
    Quiesced,
    /// On the way to one of those; the device's word for it.
    Changing(String),
    /// The device says that quiescing went wrong; its word for it.
    Failed(String),
    /// The device does not say, or says two things: why.
    NotTold(&'static str),
}

impl QuiesceState {
    /// Reads the field `QuiesceState` (soma-wire section 5): wire values are lower case,
    /// the data model has display texts, idle is empty in every capture.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let lower = text.to_lowercase();
        match lower.as_str() {
            "" | "quiesce not in progress" | "unquiesce done" => Self::Normal,
            "quiesced" => Self::Quiesced,
            other if other.contains("error") || other.contains("unknown") => Self::Failed(text.to_owned()),
            _ => Self::Changing(text.to_owned()),
        }
    }
}

impl QuiesceState {
    /// Whether it shows a quiesce, or the way into one or out of it.
    pub fn is_of_a_quiesce(&self) -> bool {
        matches!(self, Self::Quiesced | Self::Changing(_))
    }

    /// Whether the domain is on its way back to work.
    pub fn is_unquiescing(&self) -> bool {
        matches!(self, Self::Changing(word) if word.to_lowercase().contains(UNQUIESCING))
    }
}

impl std::fmt::Display for QuiesceState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Normal => f.write_str("not quiesced"),
            Self::Quiesced => f.write_str("quiesced"),
            Self::Changing(word) | Self::Failed(word) => write!(f, "'{word}'"),
            Self::NotTold(why) => write!(f, "not known ({why})"),
        }
    }
}

impl Gateway<'_> {
    /// Every domain of the device, in its own order.
    pub fn domains(&self) -> Result<Vec<DomainStatus>> {
        self.retried(|| self.domains_once())
    }

    /// The same, as the first question to a device.
    pub fn first_domains(&self) -> Result<Vec<DomainStatus>> {
        self.retried_soon(|| self.domains_once())
    }

    /// The same, tried once: for polling.
    pub fn domains_once(&self) -> Result<Vec<DomainStatus>> {
        self.listed_within(self.timeouts().of_request())
    }

    /// The same within `time`.
    pub fn domains_within(&self, time: Duration) -> Result<Vec<DomainStatus>> {
        self.listed_within(RequestLimit::of_its_own(time))
    }

    fn listed_within(&self, limit: RequestLimit) -> Result<Vec<DomainStatus>> {
        let request = request::get_status(DEFAULT_DOMAIN, "DomainStatus");
        self.list_within(&request, "status", limit, &mut |status| {
            let rows = reply::rows(status, "DomainStatus");
            let domains = united(rows.map(|row| self.hidden(domain_status(row))));
            if domains.is_empty() {
                // Every device has the default domain: no rows means that the status
                // provider is off or the account may not see it (soma-wire section 1.4).
                let error = SomaError::new(
                    SomaErrorKind::NotAllowed,
                    "the device lists no domain, not even 'default'",
                );
                return Err(error.with_hint("the account needs */*/status/domain-status?Access=r"));
            }
            if domains.iter().any(|domain| domain.name.len() > LONGEST_NAME) {
                return Err(reply::not_plausible(NotPlausible::TooMuch {
                    limit: LONGEST_NAME as u64,
                    what: "bytes in the name of a domain",
                }));
            }
            if domains.iter().any(|domain| domain.name.is_empty()) {
                return Err(SomaError::new(
                    SomaErrorKind::Malformed,
                    "the device lists a domain without a name",
                ));
            }
            Ok(domains)
        })
        .map(|domains| self.without_what_cannot_be_quiesced(domains))
    }

    /// The same, where one that cannot be quiesced shows no quiesce, whatever the device says of it: `default`, and one
    /// that is disabled. How devices show such a one is not known: with the word of a failure, with one that is
    /// unknown, or not at all.
    fn without_what_cannot_be_quiesced(&self, mut domains: Vec<DomainStatus>) -> Vec<DomainStatus> {
        let is_odd = |domain: &DomainStatus| {
            matches!(domain.quiesce, QuiesceState::Failed(_) | QuiesceState::NotTold(_))
        };
        let mut states = None;
        for domain in domains.iter_mut().filter(|domain| is_odd(domain)) {
            let cannot = domain.name == DEFAULT_DOMAIN || {
                let states = states.get_or_insert_with(|| self.admin_states().ok());
                let state = states.as_ref().and_then(|states| states.get(&domain.name));
                state == Some(&AdminState::Disabled)
            };
            if cannot {
                domain.quiesce = QuiesceState::Normal;
            }
        }
        domains
    }

    /// A row without our password in what it says. What is decided by its words stays.
    fn hidden(&self, row: DomainStatus) -> DomainStatus {
        let without = |said: String, decisive: &str| {
            let hidden = self.client.without_secrets_in(&said);
            match hidden != said && said.to_lowercase().contains(decisive) {
                true => decisive.to_owned(),
                false => hidden,
            }
        };
        DomainStatus {
            quiesce: match row.quiesce {
                QuiesceState::Changing(word) => QuiesceState::Changing(without(word, UNQUIESCING)),
                QuiesceState::Failed(word) => QuiesceState::Failed(without(word, UNQUIESCING)),
                state @ (QuiesceState::Normal | QuiesceState::Quiesced | QuiesceState::NotTold(_)) => state,
            },
            current_command: row.current_command.map(|command| without(command, SECURE_BACKUP)),
            failsafe: row.failsafe.map(|mode| self.client.without_secrets_in(&mode)),
            ..row
        }
    }

    /// Those of some domains that are configured, whatever the status shows. That of `default` shows that the
    /// account may look.
    pub fn configured(&self, domains: &[String]) -> Result<Vec<String>> {
        let request = request::get_config(DEFAULT_DOMAIN, "Domain", None);
        self.read_once(&request, "config", &mut |config| {
            let there: HashSet<&str> = reply::rows(config, "Domain")
                .filter_map(|row| row.attribute("name"))
                .collect();
            let is_there = |name: &&String| there.contains(name.as_str());
            let found: Vec<String> = domains.iter().filter(is_there).cloned().collect();
            match found.is_empty() && !there.contains(DEFAULT_DOMAIN) {
                false => Ok(found),
                true => Err(SomaError::new(
                    SomaErrorKind::NotAllowed,
                    "the device shows the configuration of no domain",
                )),
            }
        })
    }

    /// Whether each domain that is configured is enabled, as far as the account may look.
    pub fn admin_states(&self) -> Result<HashMap<String, AdminState>> {
        let request = request::get_config(DEFAULT_DOMAIN, "Domain", None);
        self.read_once(&request, "config", &mut |config| {
            let state = |row: Node<'_, '_>| match reply::field(row, "mAdminState").to_lowercase().as_str() {
                "enabled" => AdminState::Enabled,
                "disabled" => AdminState::Disabled,
                _ => AdminState::NotTold,
            };
            Ok(reply::rows(config, "Domain")
                .filter_map(|row| Some((row.attribute("name")?.to_owned(), state(row))))
                .collect())
        })
    }

    /// The domains that are configured, enabled, and none of those that the device has listed: the account is not shown
    /// how they stand.
    pub fn unlisted(&self, listed: &[DomainStatus]) -> Result<BTreeSet<String>> {
        let is_listed = |name: &String| listed.iter().any(|domain| domain.name == *name);
        let states = self.admin_states()?.into_iter();
        let enabled = states.filter(|(_, state)| *state == AdminState::Enabled);
        Ok(enabled
            .map(|(name, _)| name)
            .filter(|name| name != DEFAULT_DOMAIN && !is_listed(name))
            .collect())
    }

    /// Those of some domains of which the device says that they are disabled, as far as the account may look.
    pub fn disabled<'d>(&self, domains: &[&'d str]) -> Vec<&'d str> {
        if domains.is_empty() {
            return Vec::new();
        }
        let states = self.admin_states().unwrap_or_default();
        let is_disabled = |name: &&str| states.get(*name) == Some(&AdminState::Disabled);
        domains.iter().copied().filter(is_disabled).collect()
    }

    /// Whether a domain is one of API Connect: its gateway service is enabled. The
    /// object is there in every domain on v10, disabled; firmware that does not know
    /// the class has no such domains (soma-wire section 7). An answer that is none to this
    /// question is about this domain only; no answer at all is an error.
    pub fn is_api_connect(&self, domain: &str) -> Result<ApiConnect> {
        let request = request::get_config(domain, "APIConnectGatewayService", None);
        let answer = self.retried_soon(|| {
            self.read_once(&request, "config", &mut |config| {
                let states: Vec<Option<String>> = reply::rows(config, "APIConnectGatewayService")
                    .map(|row| reply::told_field(row, "mAdminState"))
                    .collect();
                let is_enabled = |state: &String| state.eq_ignore_ascii_case("enabled");
                Ok(match states.iter().flatten().any(is_enabled) {
                    true => ApiConnect::Yes,
                    false if states.iter().any(Option::is_none) => {
                        ApiConnect::NotTold("its gateway service has no mAdminState".to_owned())
                    }
                    false => ApiConnect::No,
                })
            })
        });
        match answer {
            Err(error) => match error.kind {
                SomaErrorKind::Fault => Ok(ApiConnect::UnknownClass),
                SomaErrorKind::NotAllowed => Ok(ApiConnect::NotAllowed),
                SomaErrorKind::Refused
                | SomaErrorKind::Authentication
                | SomaErrorKind::OtherFault
                | SomaErrorKind::NotManagement
                | SomaErrorKind::Malformed => Ok(ApiConnect::NotTold(error.message)),
                _ => Err(error),
            },
            answer => answer,
        }
    }
}

fn domain_status(row: Node<'_, '_>) -> DomainStatus {
    DomainStatus {
        name: reply::field(row, "Domain"),
        save_needed: match reply::field(row, "SaveNeeded").to_lowercase().as_str() {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        },
        // An empty field is a domain at work; a field that is not there is no word at all.
        quiesce: match reply::told_field(row, "QuiesceState") {
            Some(text) => QuiesceState::parse(&reply::cut(&text, LONGEST_NAME)),
            None => QuiesceState::NotTold("the device does not tell its state"),
        },
        current_command: reply::told_field(row, "CurrentCommand")
            .map(|command| reply::cut(&command, LONGEST_NAME)),
        failsafe: reply::told_field(row, "FailsafeMode")
            .filter(|mode| !mode.is_empty() && !mode.eq_ignore_ascii_case("none"))
            .map(|mode| reply::cut(&mode, LONGEST_NAME)),
    }
}

/// A domain each, in the order of the device. What two rows of one domain say differently is not known.
fn united(rows: impl Iterator<Item = DomainStatus>) -> Vec<DomainStatus> {
    let mut domains: Vec<DomainStatus> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let known = places.get(&row.name).and_then(|place| domains.get_mut(*place));
        let Some(known) = known else {
            places.insert(row.name.clone(), domains.len());
            domains.push(row);
            continue;
        };
        if known.quiesce != row.quiesce {
            known.quiesce = QuiesceState::NotTold("the device lists it twice, in two states");
        }
        if known.save_needed != row.save_needed {
            known.save_needed = None;
        }
        known.failsafe = known.failsafe.take().or(row.failsafe);
    }
    domains
}

/// What the configuration of a device says of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminState {
    Enabled,
    Disabled,
    /// It is not there.
    NotConfigured,
    /// Nothing is said.
    NotTold,
}

/// Whether a domain is one of API Connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiConnect {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// The firmware does not know the class: none of its domains is.
    UnknownClass,
    /// The account may not look.
    NotAllowed,
    /// The device says something else instead.
    NotTold(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_values_and_display_texts_mean_the_same() {
        for normal in ["", "  ", "Quiesce not in progress", "Unquiesce done"] {
            assert_eq!(QuiesceState::parse(normal), QuiesceState::Normal, "{normal:?}");
        }
        for quiesced in ["quiesced", " Quiesced\n"] {
            assert_eq!(QuiesceState::parse(quiesced), QuiesceState::Quiesced);
        }
        for changing in [
            "quiescing",
            "unquiescing",
            "Stopping new connections",
            "Waiting for services to stop",
            "Unquiesce started",
        ] {
            assert_eq!(
                QuiesceState::parse(changing),
                QuiesceState::Changing(changing.to_owned())
            );
        }
        for failed in ["error", "Error", "unknown quiesce state"] {
            assert_eq!(
                QuiesceState::parse(failed),
                QuiesceState::Failed(failed.to_owned())
            );
        }
    }
}
