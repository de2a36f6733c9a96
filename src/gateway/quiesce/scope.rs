//! What is quiesced, and how it stands as a whole.

use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus, QuiesceState};
use crate::values::first_few::first_few;

/// What is quiesced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every domain but `default`.
    Device,
    Domain(String),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scope::Device => f.write_str("the device"),
            Scope::Domain(name) => write!(f, "domain {name}"),
        }
    }
}

/// How a scope stands as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeState {
    /// Everything in it works.
    Normal,
    /// Everything in it is quiesced.
    Quiesced,
    /// Something is on the way, or some domains are quiesced and some are not.
    Between(String),
    /// Something in it is on its way back to work.
    Unquiescing(String),
    /// The device reports that it went wrong.
    Failed(String),
    /// The device does not say how it stands.
    NotTold(String),
    /// The device does not list these domains, which it listed before; all others are at work.
    Missing(Vec<String>),
    /// The device has no domain but `default`: nothing can be quiesced, nothing is.
    Empty,
}

impl ScopeState {
    /// Whether a quiesce shows in it, or its traces.
    pub fn shows_quiesce(&self) -> bool {
        matches!(
            self,
            Self::Quiesced | Self::Between(_) | Self::Unquiescing(_) | Self::Failed(_)
        )
    }
}

impl std::fmt::Display for ScopeState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Normal => f.write_str("not quiesced"),
            Self::Quiesced => f.write_str("quiesced"),
            Self::Between(words) | Self::Unquiescing(words) | Self::Failed(words) | Self::NotTold(words) => {
                f.write_str(words)
            }
            Self::Missing(names) => write!(f, "without {}", named(names)),
            Self::Empty => f.write_str("without any domain but default"),
        }
    }
}

impl Scope {
    /// This state of it as a sentence. The words for a device whose domains differ are one.
    pub fn stands(&self, state: &ScopeState) -> String {
        match (self, state) {
            (
                Scope::Device,
                ScopeState::Between(words)
                | ScopeState::Unquiescing(words)
                | ScopeState::Failed(words)
                | ScopeState::NotTold(words),
            ) => words.clone(),
            (_, ScopeState::Missing(names)) => format!("the device does not list {}", named(names)),
            _ => format!("{self} is {state}"),
        }
    }

    /// The domains that stand in it, as the device lists them. `default` never goes down and is none of them.
    pub fn domains(&self, domains: &[DomainStatus]) -> Vec<String> {
        self.shown(domains).into_iter().map(|(name, _)| name).collect()
    }

    /// What a device shows in the row of `default`: how it stands itself, where that row shows a quiesce, or has shown
    /// one and `stood` says so. That it shows none proves nothing: it does not on every device.
    pub(super) fn own_row<'d>(
        &self,
        domains: &'d [DomainStatus],
        stood: &[String],
    ) -> Option<&'d DomainStatus> {
        let has_shown = || stood.iter().any(|name| name == DEFAULT_DOMAIN);
        let default = domains.iter().find(|domain| domain.name == DEFAULT_DOMAIN);
        default.filter(|row| *self == Scope::Device && (row.quiesce.is_of_a_quiesce() || has_shown()))
    }

    /// How this scope stands, from the status of all domains. The device does not stand as a whole before it
    /// lists all domains that `stood` in it.
    pub fn state(&self, domains: &[DomainStatus], stood: &[String]) -> ScopeState {
        let Scope::Domain(name) = self else {
            let missing = self.missing(domains, stood);
            let state = match (Self::combined(self.of(domains)), self.own_row(domains, stood)) {
                (ScopeState::Normal, Some(own)) if own.quiesce == QuiesceState::Quiesced => {
                    ScopeState::Between(format!("{DEFAULT_DOMAIN} is quiesced, and no other domain is"))
                }
                (ScopeState::Normal | ScopeState::Empty, Some(own)) => Self::combined(std::iter::once(own)),
                (state, _) => state,
            };
            return match state {
                state if missing.is_empty() => state,
                ScopeState::Normal | ScopeState::Empty => ScopeState::Missing(missing),
                ScopeState::Quiesced => ScopeState::Between(format!(
                    "the device does not list {}, and all others are quiesced",
                    named(&missing)
                )),
                state => state,
            };
        };
        match self.of(domains).next().map(|domain| &domain.quiesce) {
            None => ScopeState::Missing(vec![name.clone()]),
            Some(QuiesceState::Normal) => ScopeState::Normal,
            Some(QuiesceState::Quiesced) => ScopeState::Quiesced,
            Some(state @ QuiesceState::Changing(_)) if state.is_unquiescing() => {
                ScopeState::Unquiescing(state.to_string())
            }
            Some(state @ QuiesceState::Changing(_)) => ScopeState::Between(state.to_string()),
            Some(state @ QuiesceState::Failed(_)) => ScopeState::Failed(state.to_string()),
            Some(state @ QuiesceState::NotTold(_)) => ScopeState::NotTold(state.to_string()),
        }
    }

    /// How each domain of it shows itself.
    pub(super) fn shown(&self, domains: &[DomainStatus]) -> Vec<(String, QuiesceState)> {
        let shown = |domain: &DomainStatus| (domain.name.clone(), domain.quiesce.clone());
        self.of(domains).map(shown).collect()
    }

    /// Those that stood in it and are not listed.
    pub(super) fn missing(&self, domains: &[DomainStatus], stood: &[String]) -> Vec<String> {
        let is_listed = |name: &String| domains.iter().any(|domain| domain.name == *name);
        stood.iter().filter(|name| !is_listed(name)).cloned().collect()
    }

    fn of<'d>(&self, domains: &'d [DomainStatus]) -> impl Iterator<Item = &'d DomainStatus> {
        domains.iter().filter(move |domain| match self {
            Scope::Device => domain.name != DEFAULT_DOMAIN,
            Scope::Domain(name) => domain.name == *name,
        })
    }

    fn combined<'d>(domains: impl Iterator<Item = &'d DomainStatus>) -> ScopeState {
        let (mut normal, mut quiesced, mut changing) = (0_usize, 0_usize, Vec::new());
        let mut not_told = None;
        for domain in domains {
            match &domain.quiesce {
                QuiesceState::Normal => normal += 1,
                QuiesceState::Quiesced => quiesced += 1,
                state @ QuiesceState::Failed(_) => {
                    return ScopeState::Failed(format!("domain {} is {state}", domain.name));
                }
                QuiesceState::Changing(_) => changing.push(domain),
                state @ QuiesceState::NotTold(_) => {
                    not_told.get_or_insert_with(|| format!("domain {} is {state}", domain.name));
                }
            }
        }
        // One that is on its way back tells which way the device is going.
        let told = changing
            .iter()
            .find(|domain| domain.quiesce.is_unquiescing())
            .or(changing.first());
        if let Some(domain) = told {
            let more = match changing.len() - 1 {
                0 => String::new(),
                1 => " and 1 more is on the way".to_owned(),
                more => format!(" and {more} more are on the way"),
            };
            let words = format!("domain {} is {}{more}", domain.name, domain.quiesce);
            return if domain.quiesce.is_unquiescing() {
                ScopeState::Unquiescing(words)
            } else {
                ScopeState::Between(words)
            };
        }
        if let Some(words) = not_told {
            return ScopeState::NotTold(words);
        }
        match (normal, quiesced) {
            (0, 0) => ScopeState::Empty,
            (_, 0) => ScopeState::Normal,
            (0, _) => ScopeState::Quiesced,
            (normal, quiesced) => {
                let domains = if quiesced == 1 { "domain is" } else { "domains are" };
                let others = if normal == 1 { "is" } else { "are" };
                ScopeState::Between(format!("{quiesced} {domains} quiesced and {normal} {others} not"))
            }
        }
    }
}

/// Those of some domains that the device shows at work, or on their way back to it.
pub fn at_work<'n>(names: &'n [String], domains: &[DomainStatus]) -> impl Iterator<Item = &'n String> {
    let is_at_work = |name: &&String| {
        let shown = domains.iter().find(|domain| domain.name == **name);
        shown.is_some_and(|domain| domain.quiesce == QuiesceState::Normal || domain.quiesce.is_unquiescing())
    };
    names.iter().filter(is_at_work)
}

/// The first of some domains, and how many more there are.
pub fn named(names: &[String]) -> String {
    const MOST: usize = 3;
    let domains = if names.len() == 1 { "domain" } else { "the domains" };
    format!("{domains} {}", first_few(names, MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(states: &[(&str, &str)]) -> Vec<DomainStatus> {
        states
            .iter()
            .map(|(name, state)| DomainStatus {
                name: (*name).to_owned(),
                save_needed: Some(false),
                quiesce: QuiesceState::parse(state),
                current_command: Some(String::new()),
                failsafe: None,
            })
            .collect()
    }

    #[test]
    fn a_device_is_quiesced_when_all_but_default_are() {
        let state = |states: &[(&str, &str)]| Scope::Device.state(&domains(states), &[]);
        assert_eq!(
            state(&[("default", ""), ("A", "quiesced"), ("B", "quiesced")]),
            ScopeState::Quiesced
        );
        assert_eq!(
            state(&[("default", ""), ("A", ""), ("B", "")]),
            ScopeState::Normal
        );
        assert!(matches!(
            state(&[("default", ""), ("A", "quiesced"), ("B", "")]),
            ScopeState::Between(_)
        ));
        assert!(matches!(
            state(&[("default", ""), ("A", "quiesced"), ("B", "quiescing")]),
            ScopeState::Between(_)
        ));
        assert!(matches!(
            state(&[("default", ""), ("A", "quiescing"), ("B", "unquiescing")]),
            ScopeState::Unquiescing(_)
        ));
        assert!(matches!(
            state(&[("default", ""), ("A", "quiesced"), ("B", "error")]),
            ScopeState::Failed(_)
        ));
    }

    #[test]
    fn what_the_row_of_default_shows_is_how_the_device_stands_where_no_other_row_says_more() {
        let state = |states: &[(&str, &str)], stood: &[&str]| {
            let stood: Vec<String> = stood.iter().map(|name| (*name).to_owned()).collect();
            Scope::Device.state(&domains(states), &stood)
        };
        // Alone.
        assert_eq!(state(&[("default", "quiesced")], &[]), ScopeState::Quiesced);
        assert!(matches!(
            state(&[("default", "quiescing")], &[]),
            ScopeState::Between(_)
        ));
        assert!(matches!(
            state(&[("default", "unquiescing")], &[]),
            ScopeState::Unquiescing(_)
        ));
        // That it shows nothing is nothing, until it has shown something.
        assert_eq!(state(&[("default", "")], &[]), ScopeState::Empty);
        assert_eq!(state(&[("default", "")], &["default"]), ScopeState::Normal);
        // With others at work: it is not back.
        for word in ["quiesced", "quiescing"] {
            let at_work = state(&[("default", word), ("A", "")], &["A"]);
            assert!(matches!(at_work, ScopeState::Between(_)), "{word}: {at_work:?}");
        }
        // With others quiesced, whatever it shows: it never was asked for more.
        for word in ["", "quiescing", "quiesced"] {
            assert_eq!(
                state(&[("default", word), ("A", "quiesced")], &["A"]),
                ScopeState::Quiesced
            );
        }
        // One domain is one domain.
        let all = domains(&[("default", "quiesced"), ("A", "")]);
        assert_eq!(Scope::Domain("A".to_owned()).state(&all, &[]), ScopeState::Normal);
    }

    #[test]
    fn a_domain_is_judged_alone() {
        let all = domains(&[("default", ""), ("A", "quiesced"), ("B", "")]);
        assert_eq!(
            Scope::Domain("A".to_owned()).state(&all, &[]),
            ScopeState::Quiesced
        );
        assert_eq!(Scope::Domain("B".to_owned()).state(&all, &[]), ScopeState::Normal);
        assert_eq!(
            Scope::Domain("C".to_owned()).state(&all, &[]),
            ScopeState::Missing(vec!["C".to_owned()])
        );
    }
}
